/* SPDX-License-Identifier: MIT */
/* A file system that is full, in every way in which it gets full.
 *
 *	full DIR
 *
 * DIR is on a file system that may be filled. Each part fills it until a call says ENOSPC, verifies
 * that everything before is there, removes all of it, and compares free blocks and inodes with
 *those before. It prints how much there was room for, which two kernels must agree about: small N
 *files of 1 to 9000 bytes		large N    bytes of one file append N     bytes, by pieces
 *of 700, with fsync	names N    empty files in one directory dirs N       directories
 *sparse N   pages stored through a mapping user N       bytes of one file by a user who may not use
 *what is reserved overwrite 1  existing data can be written when nothing is free links N symbolic
 *links that need a block Exit status 0 when everything held. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *dir;
static const char *part;
static char path[4096];
static unsigned char buf[65536], back[65536];

static void fail(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	printf("%s: ", part);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(": %s\n", strerror(error));
	fflush(stdout);
	_exit(1);
}

static char *name(unsigned int k)
{
	snprintf(path, sizeof(path), "%s/full/%s-with-a-longer-name-%u", dir, part, k);
	return path;
}

static void fill(unsigned int k, size_t len, uint64_t at)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (unsigned char)((at + i) * 13 + (at + i) / 700 + k * 7);
}

/* Reads [0, size) of file k: it must be what fill gave. */
static void check(unsigned int k, uint64_t size)
{
	int fd = open(name(k), O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		fail("open of %s", path);
	if ((uint64_t)st.st_size != size)
		fail("%s has %lld bytes, should have %llu", path, (long long)st.st_size,
		     (unsigned long long)size);
	for (uint64_t at = 0; at < size; at += sizeof(back)) {
		size_t n = size - at < sizeof(back) ? (size_t)(size - at) : sizeof(back);

		if (pread(fd, back, n, (off_t)at) != (ssize_t)n)
			fail("read of %s", path);
		fill(k, n, at);
		if (memcmp(buf, back, n))
			fail("%s: other data in %llu..", path, (unsigned long long)at);
	}
	close(fd);
}

static void drop_caches(void)
{
	int d = open("/proc/sys/vm/drop_caches", O_WRONLY);

	sync();
	if (d >= 0 && write(d, "3\n", 2) == 2)
		close(d);
}

static int no_space(void)
{
	if (errno != ENOSPC)
		fail("should be ENOSPC");
	return 1;
}

static size_t small_size(unsigned int k)
{
	return 1 + k * 2477u % 9000;
}

static unsigned long fill_small(void)
{
	size_t last = 0;
	unsigned int k;

	for (k = 0;; k++) {
		int fd = open(name(k), O_RDWR | O_CREAT | O_EXCL, 0644);
		ssize_t n;

		if (fd < 0) {
			no_space();
			break;
		}
		fill(k, small_size(k), 0);
		n = write(fd, buf, small_size(k));
		if (n < 0)
			no_space();
		last = n < 0 ? 0 : (size_t)n;
		close(fd);
		if (last < small_size(k)) {
			check(k, last);
			if (unlink(name(k)))
				fail("unlink");
			break;
		}
	}
	drop_caches();
	for (unsigned int i = 0; i < k; i++)
		check(i, small_size(i));
	for (unsigned int i = 0; i < k; i++)
		if (unlink(name(i)))
			fail("unlink");
	return k;
}

/* One file, by pieces; a piece of which only a part went in is followed by ENOSPC. */
static unsigned long fill_one(size_t piece, int sync_each)
{
	int fd = open(name(0), O_RDWR | O_CREAT | O_EXCL, 0644);
	uint64_t size = 0;
	ssize_t n;

	if (fd < 0)
		fail("open");
	for (;;) {
		fill(0, piece, size);
		n = write(fd, buf, piece);
		if (n < 0)
			break;
		size += (uint64_t)n;
		if (sync_each && size / piece % 16 == 0 && fsync(fd) && no_space())
			fail("fsync after a write that succeeded");
	}
	no_space();
	if (fsync(fd))
		fail("fsync of a full disk");
	close(fd);
	drop_caches();
	check(0, size);
	if (unlink(name(0)))
		fail("unlink");
	return (unsigned long)size;
}

static unsigned long fill_large(void)
{
	return fill_one(65536, 0);
}

static unsigned long fill_append(void)
{
	return fill_one(700, 1);
}

static unsigned long fill_names(void)
{
	unsigned int k;

	for (k = 0;; k++) {
		int fd = open(name(k), O_RDWR | O_CREAT | O_EXCL, 0644);

		if (fd < 0)
			break;
		close(fd);
	}
	no_space();
	for (unsigned int i = 0; i < k; i++)
		if (unlink(name(i)))
			fail("unlink");
	return k;
}

static unsigned long fill_dirs(void)
{
	unsigned int k = 0;

	while (mkdir(name(k), 0755) == 0)
		k++;
	no_space();
	for (unsigned int i = 0; i < k; i++)
		if (rmdir(name(i)))
			fail("rmdir");
	return k;
}

static unsigned long fill_links(void)
{
	unsigned int k = 0;
	char text[300];

	memset(text, 'l', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	while (symlink(text, name(k)) == 0)
		k++;
	no_space();
	drop_caches();
	for (unsigned int i = 0; i < k; i++)
		if (readlink(name(i), (char *)back, sizeof(back)) != (ssize_t)strlen(text) ||
		    memcmp(back, text, strlen(text)) || unlink(name(i)))
			fail("symbolic link %u", i);
	return k;
}

static sigjmp_buf bus_jump;

static void on_bus(int sig)
{
	siglongjmp(bus_jump, 1);
}

/* Stores that find no block get SIGBUS; those that did not must be on the disk. */
static unsigned long fill_sparse(void)
{
	struct statvfs v;
	volatile unsigned long pages = 0;
	unsigned long all;
	struct stat st;
	unsigned char *map;
	int fd = open(name(0), O_RDWR | O_CREAT | O_EXCL, 0644);

	if (fd < 0 || statvfs(dir, &v))
		fail("set-up");
	all = v.f_bfree * v.f_bsize / 4096 + 64;
	if (ftruncate(fd, (off_t)all * 4096))
		fail("truncate");
	map = mmap(NULL, all * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap");
	signal(SIGBUS, on_bus);
	if (sigsetjmp(bus_jump, 1) == 0)
		for (; pages < all; pages++)
			memset(map + pages * 4096, (int)(1 + pages % 255), 4096);
	signal(SIGBUS, SIG_DFL);
	if (pages == all)
		fail("no SIGBUS in %lu pages", all);
	if (msync(map, pages * 4096, MS_SYNC) || fsync(fd))
		fail("msync");
	munmap(map, all * 4096);
	drop_caches();
	if (fstat(fd, &st) || (uint64_t)st.st_blocks * 512 < pages * 4096)
		fail("%lld sectors for %lu pages", (long long)st.st_blocks, pages);
	for (unsigned long i = 0; i < pages; i++) {
		memset(buf, (int)(1 + i % 255), 4096);
		if (pread(fd, back, 4096, (off_t)i * 4096) != 4096 || memcmp(buf, back, 4096))
			fail("page %lu", i);
	}
	close(fd);
	if (unlink(name(0)))
		fail("unlink");
	return pages;
}

static unsigned long fill_user(void)
{
	unsigned long got = 0;
	int p[2], st;
	pid_t pid;

	if (pipe(p))
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		if (setgid(1000) || setuid(1000))
			fail("setuid");
		got = fill_one(65536, 0);
		_exit(write(p[1], &got, sizeof(got)) == sizeof(got) ? 0 : 1);
	}
	if (waitpid(pid, &st, 0) != pid || st)
		_exit(1);
	if (read(p[0], &got, sizeof(got)) != sizeof(got))
		fail("pipe");
	return got;
}

static unsigned long overwrite(void)
{
	int a = open(name(0), O_RDWR | O_CREAT | O_EXCL, 0644);
	int b = open(name(1), O_RDWR | O_CREAT | O_EXCL, 0644);

	fill(0, 50000, 0);
	if (a < 0 || b < 0 || pwrite(a, buf, 50000, 0) != 50000)
		fail("set-up");
	while (write(b, buf, 4096) > 0)
		;
	no_space();
	while (write(b, buf, 1) > 0)
		;
	no_space();
	fill(0, 50000, 0);
	if (pwrite(a, buf, 50000, 0) != 50000 || fsync(a))
		fail("overwriting");
	close(a);
	close(b);
	drop_caches();
	check(0, 50000);
	if (unlink(name(0)) || unlink(name(1)))
		fail("unlink");
	return 1;
}

static void free_now(struct statvfs *v)
{
	sync();
	if (statvfs(dir, v))
		fail("statvfs");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		unsigned long (*run)(void);
	} parts[] = {
		{ "small", fill_small },   { "large", fill_large }, { "append", fill_append },
		{ "names", fill_names },   { "dirs", fill_dirs },   { "links", fill_links },
		{ "sparse", fill_sparse }, { "user", fill_user },   { "overwrite", overwrite },
	};
	struct statvfs before, after;
	char home[4000];

	if (argc < 2)
		return fprintf(stderr, "usage: full DIR [PART ...]\n"), 2;
	dir = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(home, sizeof(home), "%.3900s/full", dir);
	free_now(&before);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int wanted = argc == 2;

		part = parts[i].name;
		for (int k = 2; k < argc; k++)
			wanted |= !strcmp(argv[k], part);
		if (!wanted)
			continue;
		if (mkdir(home, 0777) || chmod(home, 0777))
			fail("mkdir %s", home);
		printf("%s %lu\n", part, parts[i].run());
		if (rmdir(home))
			fail("rmdir %s", home);
		free_now(&after);
		errno = 0;
		if (before.f_bfree != after.f_bfree || before.f_ffree != after.f_ffree)
			fail("%lu blocks and %lu inodes free, before %lu and %lu",
			     (unsigned long)after.f_bfree, (unsigned long)after.f_ffree,
			     (unsigned long)before.f_bfree, (unsigned long)before.f_ffree);
	}
	return 0;
}
