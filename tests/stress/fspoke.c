/* SPDX-License-Identifier: MIT */
/* Mounts file systems that are not whole and uses them; what matters is that the kernel survives.
 *
 *	fspoke SOURCE TARGET DIR SECONDS <script
 *
 *	base N OFFSET SIZE LENGTH   image N: LENGTH bytes of SOURCE from OFFSET, in a file of SIZE
 *	case NAME N OPTIONS [OFFSET:HEX...]   image N to TARGET, the bytes changed, mounted with
 *	                            OPTIONS at DIR, used, unmounted
 *
 * One line for each case: `NAME: RESULT`, where RESULT is the error of mount or how much could be
 * done. Each runs in a process of its own; one that does not end in SECONDS is a hang, which ends
 * the program with status 3; a file system that stays busy ends it with status 4. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wformat-truncation"

#define BASES	512
#define BLOCK	65536
#define OBJECTS 300 /* looked at in one file system: a loop of directories must end */
#define DEPTH	12

struct base {
	uint64_t off, size, length;
};

static struct base bases[BASES];
static char buf[BLOCK];
static const char *dir;
static int objects, good, bad;

static void count(long rc)
{
	if (rc < 0)
		bad++;
	else
		good++;
}

/* --- what is done with a mounted file system --- */

static void poke_file(const char *path, const struct stat *st)
{
	int fd = open(path, O_RDWR | O_NONBLOCK);

	count(fd);
	if (fd < 0)
		return;
	count(pread(fd, buf, sizeof(buf), 0));
	count(pread(fd, buf, 4096, st->st_size / 2));
	count(pread(fd, buf, 4096, st->st_size > 4096 ? st->st_size - 4096 : 0));
	if (st->st_size) {
		/* A block that cannot be read is SIGBUS: a child takes it. */
		pid_t pid = fork();

		if (!pid) {
			volatile char *map =
				mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

			if (map != MAP_FAILED)
				map[0] = map[1];
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	memset(buf, objects, 5000);
	switch (objects % 6) {
	case 0:
		count(pwrite(fd, buf, 5000, 100));
		break;
	case 1:
		count(pwrite(fd, buf, 5000, st->st_size % (1 << 20)));
		break;
	case 2:
		count(ftruncate(fd, st->st_size / 2));
		count(pwrite(fd, buf, 3000, 300000));
		break;
	case 3:
		count(ftruncate(fd, 0));
		count(pwrite(fd, buf, 5000, 20000000));
		break;
	case 4:
		count(fsetxattr(fd, "user.poke", buf, 100, 0));
		count(fchmod(fd, 0644));
		break;
	default:
		count(fsync(fd));
	}
	close(fd);
}

static void poke_object(const char *path)
{
	char other[4096], names[4096];
	struct stat st;

	count(lstat(path, &st));
	if (lstat(path, &st))
		return;
	ssize_t n = llistxattr(path, names, sizeof(names));

	for (char *p = names; n > 0 && p < names + n; p += strlen(p) + 1)
		count(lgetxattr(path, p, buf, sizeof(buf)));
	if (S_ISREG(st.st_mode))
		poke_file(path, &st);
	else if (S_ISLNK(st.st_mode))
		count(readlink(path, buf, sizeof(buf)));
	if (objects % 3)
		return;
	snprintf(other, sizeof(other), "%s.%d", path, objects);
	switch (objects / 3 % 4) {
	case 0:
		count(link(path, other));
		break;
	case 1:
		count(rename(path, other));
		break;
	case 2:
		count(S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path));
		break;
	default:
		count(lsetxattr(path, "trusted.poke", "value", 5, 0));
		count(lchown(path, 1000, 1000));
	}
}

static void poke_dir(const char *path, int depth)
{
	char *names[64], sub[4096];
	DIR *d = opendir(path);
	struct dirent *e;
	int nr = 0;

	count(d ? 0 : -1);
	if (!d)
		return;
	while (nr < 64 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			names[nr++] = strdup(e->d_name);
	closedir(d);
	for (int i = 0; i < nr; i++) {
		struct stat st;

		snprintf(sub, sizeof(sub), "%.3800s/%s", path, names[i]);
		free(names[i]);
		if (objects++ > OBJECTS)
			continue;
		if (depth < DEPTH && !lstat(sub, &st) && S_ISDIR(st.st_mode))
			poke_dir(sub, depth + 1);
		poke_object(sub);
	}
}

static void make_things(void)
{
	char path[4096], to[4096];

	for (int i = 0; i < 30; i++) {
		snprintf(path, sizeof(path), "%s/new-%d-%.*s", dir, i, i * 4,
			 "long long long long long name "
			 "that fills the blocks of a directory sooner than a short one would, and "
			 "more still");
		snprintf(to, sizeof(to), "%s/to%d", dir, i);
		switch (i % 5) {
		case 0:
			count(mkdir(path, 0755));
			count(rename(path, to));
			break;
		case 1:
			count(symlink(i % 2 ? "short" : path, path));
			break;
		case 2:
			count(mknod(path, S_IFIFO | 0600, 0));
			count(unlink(path));
			break;
		default: {
			int fd = open(path, O_RDWR | O_CREAT, 0644);

			count(fd);
			if (fd < 0)
				break;
			count(write(fd, buf, 40000));
			count(ftruncate(fd, 1000));
			close(fd);
			count(link(path, to));
		}
		}
	}
}

static void poke(void)
{
	struct statfs s;
	int fd;

	count(statfs(dir, &s));
	poke_dir(dir, 0);
	make_things();
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	if (fd >= 0) {
		count(syncfs(fd));
		close(fd);
	}
	objects = 0;
	poke_dir(dir, 0);
	count(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	objects = 0;
	poke_dir(dir, 0);
}

/* --- images --- */

static int copy_image(const char *source, int target, const struct base *b)
{
	uint64_t size, range[2] = { 0, 0 };
	int src = open(source, O_RDONLY);

	if (src < 0 || ioctl(target, BLKGETSIZE64, &size))
		return -1;
	range[1] = size;
	if (ioctl(target, BLKDISCARD, range) || pread(target, buf, 4096, 0) != 4096)
		return -1;
	for (int i = 0; i < 4096; i++)
		if (buf[i] && ioctl(target, BLKZEROOUT, range))
			return -1;
	for (uint64_t at = 0; at < b->length && at < size;) {
		size_t n = b->length - at < BLOCK ? (size_t)(b->length - at) : BLOCK, k = 0;

		if (n > size - at)
			n = (size_t)(size - at);
		if (pread(src, buf, n, (off_t)(b->off + at)) != (ssize_t)n)
			return -1;
		while (k < n && !buf[k])
			k++;
		if (k < n && pwrite(target, buf, n, (off_t)at) != (ssize_t)n)
			return -1;
		at += n;
	}
	return close(src);
}

static int hex(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static int patch(int target, const char *spec)
{
	char *p, out[4096];
	uint64_t off = strtoull(spec, &p, 0);
	size_t n = 0;

	for (p++; p[0] && p[1] && n < sizeof(out); p += 2)
		out[n++] = (char)(hex(p[0]) << 4 | hex(p[1]));
	return pwrite(target, out, n, (off_t)off) == (ssize_t)n ? 0 : -1;
}

static int install(const char *source, const char *target, const struct base *b, char *patches[])
{
	int fd = open(target, O_RDWR), rc;

	if (fd < 0)
		return -1;
	rc = copy_image(source, fd, b);
	for (int i = 0; !rc && patches[i]; i++)
		rc = patch(fd, patches[i]);
	if (!rc)
		rc = fsync(fd);
	close(fd);
	return rc;
}

/* In the child: its exit status is 0, or the number of mount's error. */
static void use(const char *name, const char *target, const char *options)
{
	if (mount(target, dir, "ext2", 0, options)) {
		printf("%s: mount: %s\n", name, strerror(errno));
		return;
	}
	poke();
	printf("%s: %d done, %d refused\n", name, good, bad);
}

static int finish(const char *name, pid_t pid, int seconds)
{
	struct timespec tick = { 0, 10000000 };
	int status;

	for (int i = 0; i < seconds * 100; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			if (status)
				printf("%s: the program ended with status %#x\n", name, status);
			for (int k = 0; umount(dir); k++) {
				if (errno == EINVAL)
					return 0;
				if (errno != EBUSY || k > 500) {
					printf("%s: umount: %s\n", name, strerror(errno));
					return 4;
				}
				nanosleep(&tick, NULL);
			}
			return 0;
		}
		nanosleep(&tick, NULL);
	}
	printf("%s: hang\n", name);
	return 3;
}

int main(int argc, char *argv[])
{
	static char line[1 << 16];
	int rc = 0;

	if (argc != 5)
		return 2;
	dir = argv[3];
	while (!rc && fgets(line, sizeof(line), stdin)) {
		char *word[256] = { NULL };
		int n = 0;

		for (char *w = strtok(line, " \n"); w && n < 255; w = strtok(NULL, " \n"))
			word[n++] = w;
		unsigned int b =
			n > 2 ? (unsigned int)atoi(word[word[0][0] == 'b' ? 1 : 2]) : BASES;

		if (b >= BASES || n < 4)
			return 2;
		if (!strcmp(word[0], "base")) {
			bases[b] = (struct base){ strtoull(word[2], NULL, 0),
						  strtoull(word[3], NULL, 0),
						  strtoull(word[4], NULL, 0) };
			continue;
		}
		if (install(argv[1], argv[2], &bases[b], word + 4)) {
			printf("%s: cannot install: %s\n", word[1], strerror(errno));
			return 5;
		}
		fflush(stdout);
		pid_t pid = fork();

		if (!pid) {
			use(word[1], argv[2], word[3]);
			fflush(stdout);
			_exit(0);
		}
		rc = finish(word[1], pid, atoi(argv[4]));
		fflush(stdout);
	}
	return rc;
}
