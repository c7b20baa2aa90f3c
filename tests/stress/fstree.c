/* SPDX-License-Identifier: MIT */
/* Trees on a file system under test.
 *
 *   fstree storm DIR SECS N     N processes that create, rename, link and remove among each other
 *   fstree names DIR N          N names in one directory: made, found, listed, half of them removed
 *   fstree deep DIR N           a chain of N directories, made and removed
 *   fstree links DIR N          N hard links
 *   fstree far DIR              files with bytes beyond 2 and 4 GiB
 *   fstree fill DIR             until ENOSPC; everything removed; twice the same amount fits
 *
 * Exit status 0, or a message and 1. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MUST(x)                                                                                    \
	({                                                                                         \
		long must_r = (long)(x);                                                           \
		if (must_r < 0) {                                                                  \
			fprintf(stderr, "fstree: line %d: %s: %s\n", __LINE__, #x,                 \
				strerror(errno));                                                  \
			exit(1);                                                                   \
		}                                                                                  \
		must_r;                                                                            \
	})

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "fstree: %s: %s\n", what, name);
	exit(1);
}

static uint64_t rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void write_some(const char *path, off_t at, size_t len, uint64_t *seed)
{
	static char buf[1 << 17];
	int fd = open(path, O_CREAT | O_WRONLY, 0644);

	MUST(fd);
	for (size_t k = 0; k < len; k++)
		buf[k] = (char)rnd(seed);
	if (MUST(pwrite(fd, buf, len, at)) != (long)len)
		fail("short write", path);
	close(fd);
}

/* --- storm --- */

static void storm_worker(unsigned int n, time_t until)
{
	uint64_t seed = n * 7919 + 1;
	char a[64], b[64], buf[8192];

	memset(buf, (int)n, sizeof(buf));
	while (time(NULL) < until) {
		for (int k = 0; k < 50; k++) {
			uint64_t r = rnd(&seed);

			snprintf(a, sizeof(a), "%c/%llu", 'a' + (int)(r % 4),
				 (unsigned long long)(r >> 8) % 40);
			r = rnd(&seed);
			snprintf(b, sizeof(b), "%c/%llu", 'a' + (int)(r % 4),
				 (unsigned long long)(r >> 8) % 40);
			switch (r >> 32 & 15) {
			case 0 ... 4: {
				int fd = open(a, O_CREAT | O_RDWR, 0644);

				if (fd >= 0 && write(fd, buf, r >> 40 & 8191) < 0 &&
				    errno != ENOSPC)
					fail("write", a);
				if (fd >= 0)
					close(fd);
				break;
			}
			case 5 ... 7:
				rename(a, b);
				break;
			case 8:
				link(a, b);
				break;
			case 9:
			case 10:
				unlink(a);
				break;
			case 11:
				mkdir(a, 0755);
				break;
			case 12:
				rmdir(a);
				break;
			case 13:
				if (truncate(a, (off_t)(r >> 40 & 65535)) && errno == EIO)
					fail("truncate", a);
				break;
			case 14: {
				int fd = open(a, O_RDONLY);

				if (fd >= 0 && r >> 60 == 0)
					fsync(fd);
				if (fd >= 0)
					close(fd);
				break;
			}
			default:
				symlink(b, a);
				break;
			}
			if (errno == EIO)
				fail("input/output error", a);
			errno = 0;
		}
	}
}

static void storm(unsigned int seconds, unsigned int workers)
{
	time_t until = time(NULL) + seconds;
	int status, bad = 0;

	for (char c = 'a'; c < 'e'; c++) {
		char d[2] = { c, 0 };

		mkdir(d, 0755);
	}
	for (unsigned int n = 0; n < workers; n++) {
		if (!fork()) {
			storm_worker(n + 1, until);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		bad |= status;
	if (bad)
		fail("a worker failed", "storm");
}

/* --- the others --- */

static void names(unsigned int n)
{
	unsigned int seen = 0;
	struct dirent *e;
	struct stat st;
	char a[64];
	DIR *d;

	MUST(mkdir("names", 0755));
	MUST(chdir("names"));
	for (unsigned int k = 0; k < n; k++) {
		snprintf(a, sizeof(a), "name-%u", k);
		close((int)MUST(open(a, O_CREAT | O_EXCL | O_WRONLY, 0644)));
	}
	for (unsigned int k = 0; k < n; k += 2) {
		snprintf(a, sizeof(a), "name-%u", k);
		MUST(unlink(a));
	}
	snprintf(a, sizeof(a), "name-%u", 1);
	MUST(stat(a, &st));
	if (!stat("name-0", &st) || !stat("none", &st))
		fail("found what is not there", "names");
	d = opendir(".");
	while ((e = readdir(d)) != NULL)
		seen += e->d_name[0] == 'n';
	closedir(d);
	if (seen != n / 2)
		fail("wrong number of names", "names");
}

static void deep(unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		MUST(mkdir("d", 0755));
		MUST(chdir("d"));
	}
	close((int)MUST(open("bottom", O_CREAT | O_WRONLY, 0644)));
	MUST(unlink("bottom"));
	for (unsigned int k = 0; k < n / 2; k++) {
		MUST(chdir(".."));
		MUST(rmdir("d"));
	}
}

static void links(unsigned int n)
{
	struct stat st;
	char a[64];
	unsigned int k;

	MUST(mkdir("links", 0755));
	write_some("links/0", 0, 100, &(uint64_t){ 5 });
	for (k = 1; k < n; k++) {
		snprintf(a, sizeof(a), "links/%u", k);
		if (link("links/0", a))
			break;
	}
	if (k < n && (errno != EMLINK || k < 32000))
		fail("link", strerror(errno));
	MUST(stat("links/0", &st));
	if (st.st_nlink != k)
		fail("wrong number of links", "links/0");
}

static void far(void)
{
	static const off_t at[] = { 0x7fffffff - 10, 0xffffffffll - 10, 0x123456789ll };
	char a[16], buf[20];

	for (int k = 0; k < 3; k++) {
		int fd;

		snprintf(a, sizeof(a), "far-%d", k);
		fd = (int)MUST(open(a, O_CREAT | O_RDWR, 0644));
		if (pwrite(fd, "the bytes behind it", 20, at[k]) < 0) {
			if (errno != EFBIG)
				fail("pwrite", strerror(errno));
			close(fd);
			continue;
		}
		MUST(fsync(fd));
		MUST(pread(fd, buf, 20, at[k]));
		if (strcmp(buf, "the bytes behind it"))
			fail("not what was written", a);
		MUST(pread(fd, buf, 20, at[k] / 2));
		if (buf[0] || buf[19])
			fail("a hole with something in it", a);
		close(fd);
	}
}

static unsigned long long fill_once(void)
{
	static char buf[65536];
	unsigned long long total = 0;
	struct statvfs v;
	char a[64];

	for (unsigned int k = 0;; k++) {
		ssize_t n = 1;
		int fd;

		snprintf(a, sizeof(a), "fill-%u", k);
		fd = open(a, O_CREAT | O_WRONLY, 0644);
		if (fd < 0 && errno == ENOSPC)
			break;
		MUST(fd);
		for (int j = 0; j < (int)(k % 40) && n > 0; j++) {
			n = write(fd, buf, 1 + (k * 977 + (unsigned int)j) % sizeof(buf));
			total += n > 0 ? (unsigned long long)n : 0;
		}
		close(fd);
		if (n < 0 && errno == ENOSPC) {
			MUST(statvfs(".", &v));
			if (v.f_bfree > 40) /* indirect blocks of the next byte may be missing */
				fail("no space, but blocks are free", a);
			break;
		}
		MUST(n);
	}
	for (unsigned int k = 0;; k++) {
		snprintf(a, sizeof(a), "fill-%u", k);
		if (unlink(a))
			break;
	}
	return total;
}

static void fill(void)
{
	unsigned long long first = fill_once(), second = fill_once();

	if (first / 64 > second || second < first - first / 50)
		fail("less fits the second time", "fill");
}

int main(int argc, char **argv)
{
	unsigned int n = argc > 3 ? (unsigned int)atoi(argv[3]) : 0;
	const char *what;

	if (argc < 3)
		fail("usage", "fstree WHAT DIR [N [WORKERS]]");
	what = argv[1];
	MUST(chdir(argv[2]));
	umask(0);
	if (!strcmp(what, "storm"))
		storm(n, argc > 4 ? (unsigned int)atoi(argv[4]) : 4);
	else if (!strcmp(what, "names"))
		names(n);
	else if (!strcmp(what, "deep"))
		deep(n);
	else if (!strcmp(what, "links"))
		links(n);
	else if (!strcmp(what, "far"))
		far();
	else if (!strcmp(what, "fill"))
		fill();
	else
		fail("unknown", what);
	return 0;
}
