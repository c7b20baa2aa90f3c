/* SPDX-License-Identifier: MIT */
/* Extended attributes and access control lists of a tree:
 *
 *	fsxattr make DIR SEED		files, directories, links with attributes of all kinds
 *	fsxattr change DIR SEED		sets, replaces and removes; new files inherit
 *	fsxattr list DIR		all that is there, in order; errors are part of it
 *	fsxattr storm DIR SECONDS	four processes change and check the same files
 *
 * What make and change do depends on the seed alone, so that two kernels can be compared. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define FILES 60
#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

static uint64_t state;

static unsigned int below(unsigned int n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(state >> 33) % n;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

struct acl {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} e[24];
};

static size_t random_acl(struct acl *a)
{
	unsigned int users = below(6), groups = below(6), n = 0;

	a->version = 2;
#define ADD(t, i) (a->e[n].tag = (t), a->e[n].perm = (uint16_t)below(8), a->e[n++].id = (i))
	ADD(1, ~0u);
	for (unsigned int k = 0; k < users; k++)
		ADD(2, 1000 + k * 7 + below(7));
	ADD(4, ~0u);
	for (unsigned int k = 0; k < groups; k++)
		ADD(8, 2000 + k * 7 + below(7));
	if (users || groups)
		ADD(16, ~0u);
	ADD(32, ~0u);
#undef ADD
	return 4 + n * 8;
}

static void random_name(char *name)
{
	static const char *const kinds[] = { "user.", "trusted.", "security.", "user." };
	static const char *const words[] = { "a",  "name", "gr\xc3\xb6\xc3\x9f" "e", "x.y.z",
					     "some.longer.name.of.an.attribute", "b", "mime_type" };

	strcpy(name, kinds[below(4)]);
	strcat(name, words[below(7)]);
}

/* One random change of what a path has; running out of room is part of life. */
static void touch(const char *path, mode_t mode)
{
	static const unsigned int sizes[] = { 0, 1, 4, 13, 30, 60, 61, 100, 250, 500, 900 };
	unsigned int size = sizes[below(11)];
	char name[300], value[1000];
	struct acl a;
	int rc;

	memset(value, (int)below(256), sizeof(value));
	switch (below(S_ISLNK(mode) ? 5 : 8)) {
	case 0:
		random_name(name);
		rc = lremovexattr(path, name);
		break;
	default:
		random_name(name);
		rc = lsetxattr(path, name, value, size, 0);
		break;
	case 5:
		size = (unsigned int)random_acl(&a);
		rc = setxattr(path, ACCESS, &a, size, 0);
		break;
	case 6:
		size = (unsigned int)random_acl(&a);
		rc = setxattr(path, S_ISDIR(mode) ? DEFAULT : ACCESS, &a, size, 0);
		break;
	case 7:
		rc = chmod(path, (mode_t)below(010000));
		break;
	}
	if (rc && errno != ENODATA && errno != ENOSPC && errno != EPERM && errno != ENOENT &&
	    errno != EACCES)
		die(path);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_mode;
}

static void make_one(const char *path, unsigned int n)
{
	int fd;

	if (n % 10 == 1) {
		if (mkdir(path, 0755))
			die(path);
	} else if (n % 10 == 2) {
		if (symlink("somewhere", path))
			die(path);
	} else if (n % 10 == 3) {
		if (mkfifo(path, 0644))
			die(path);
	} else {
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
		if (fd < 0 || write(fd, path, strlen(path)) < 0)
			die(path);
		close(fd);
	}
}

static void make(void)
{
	struct acl a;
	char path[64];
	size_t n;

	umask(022);
	for (unsigned int k = 0; k < FILES; k++) {
		sprintf(path, "f%u", k);
		make_one(path, k);
		for (unsigned int j = below(8); j; j--)
			touch(path, mode_of(path));
	}
	/* The same on several, so that a kernel may share blocks. */
	n = random_acl(&a);
	for (unsigned int k = 0; k < 20; k++) {
		char value[300];

		sprintf(path, "same%u", k);
		make_one(path, 0);
		memset(value, 's', sizeof(value));
		if (setxattr(path, "user.same", value, sizeof(value), 0) && errno != ENOSPC)
			die(path);
		if (setxattr(path, ACCESS, &a, n, 0) && errno != ENOSPC)
			die(path);
	}
}

static void change(void)
{
	char path[64];

	umask(027);
	for (unsigned int k = 0; k < FILES; k++) {
		sprintf(path, "f%u", k);
		if (below(12) == 0 && !S_ISDIR(mode_of(path)))
			unlink(path);
		else
			touch(path, mode_of(path));
		if (S_ISDIR(mode_of(path))) {
			sprintf(path, "f%u/new%u", k, below(1000));
			make_one(path, 0);
			sprintf(path, "f%u/dir%u", k, below(1000));
			make_one(path, 1);
		}
	}
	for (unsigned int k = 0; k < 20; k++) {
		sprintf(path, "same%u", k);
		if (k % 4 == 0)
			unlink(path);
		else if (k % 4 == 1)
			touch(path, S_IFREG);
	}
}

/* --- listing --- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_attributes(const char *path)
{
	static char names[65536], value[65536];
	ssize_t n = llistxattr(path, names, sizeof(names)), size;
	char *sorted[2000];
	size_t count = 0;

	if (n < 0)
		printf(" list: %s", strerror(errno));
	for (char *p = names; n > 0 && p < names + n && count < 2000; p += strlen(p) + 1)
		sorted[count++] = p;
	qsort(sorted, count, sizeof(sorted[0]), by_text);
	for (size_t k = 0; k < count; k++) {
		unsigned int sum = 0;

		size = lgetxattr(path, sorted[k], value, sizeof(value));
		for (ssize_t j = 0; j < size; j++)
			sum = sum * 31 + (unsigned char)value[j];
		printf(" %s", sorted[k]);
		if (size < 0)
			printf("=%s", strerror(errno));
		else
			printf("=%zd:%08x", size, sum);
	}
}

static void list(const char *path)
{
	struct dirent **d;
	struct stat st;
	char sub[512];
	int n;

	if (lstat(path, &st)) {
		printf("%s: %s\n", path, strerror(errno));
		return;
	}
	printf("%s %o", path, st.st_mode);
	list_attributes(path);
	putchar('\n');
	if (!S_ISDIR(st.st_mode))
		return;
	n = scandir(path, &d, NULL, alphasort);
	for (int k = 0; k < n; k++) {
		if (d[k]->d_name[0] != '.' && strcmp(d[k]->d_name, "lost+found")) {
			snprintf(sub, sizeof(sub), "%s/%s", path, d[k]->d_name);
			list(sub);
		}
		free(d[k]);
	}
	if (n >= 0)
		free(d);
}

/* --- storm --- */

/* A value of one letter only, and a list that is whole, whatever others do meanwhile. */
static void check(const char *path)
{
	char v[1000];
	struct acl a;
	ssize_t n = getxattr(path, "user.a", v, sizeof(v));

	for (ssize_t k = 1; k < n; k++) {
		if (v[k] != v[0]) {
			fprintf(stderr, "%s: torn value\n", path);
			exit(1);
		}
	}
	n = getxattr(path, ACCESS, &a, sizeof(a));
	if (n > 0 && (a.version != 2 || a.e[0].tag != 1 || a.e[(n - 4) / 8 - 1].tag != 32)) {
		fprintf(stderr, "%s: torn list\n", path);
		exit(1);
	}
}

static void storm_one(unsigned int seed, time_t end)
{
	char path[32];
	int fd;

	state = seed;
	/* Not the owner, and without rights: lists decide. */
	if (seed == 1 && (setgid(1003) || setuid(1003)))
		die("setuid");
	while (time(NULL) < end) {
		for (int k = 0; k < 50; k++) {
			sprintf(path, "s%u", below(6));
			switch (below(8)) {
			case 0:
				fd = open(path, O_CREAT | O_RDWR, 0666);
				if (fd >= 0)
					close(fd);
				break;
			case 1:
				if (below(4) == 0)
					unlink(path);
				break;
			case 2:
			case 3:
				check(path);
				break;
			case 4:
				(void)!access(path, (int)below(8));
				break;
			default:
				touch(path, S_IFREG);
				break;
			}
		}
	}
	exit(0);
}

static int storm(int seconds)
{
	time_t end = time(NULL) + seconds;
	struct acl a;
	int status, bad = 0;

	state = 9;
	(void)!setxattr(".", DEFAULT, &a, random_acl(&a), 0);
	for (unsigned int k = 0; k < 4; k++) {
		if (!fork())
			storm_one(k, end);
	}
	while (wait(&status) > 0)
		bad |= status;
	return !!bad;
}

int main(int argc, char **argv)
{
	if (argc < 3 || chdir(argv[2]))
		die("usage: fsxattr make|change|list|storm DIR [SEED|SECONDS]");
	state = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	if (!strcmp(argv[1], "make"))
		make();
	else if (!strcmp(argv[1], "change"))
		change();
	else if (!strcmp(argv[1], "list"))
		list(".");
	else if (!strcmp(argv[1], "storm"))
		return storm(atoi(argv[3]));
	return 0;
}
