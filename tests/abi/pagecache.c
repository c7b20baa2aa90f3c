/* SPDX-License-Identifier: MIT */
/* What programs see of the cache of files: advice, residency, direct I/O beside it,
 * synchronisation, accounting. On a RAM disk, because its reads and writes are over when they
 * return. */
#define ABI_LIMIT 60
#include "abi.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define PAGE 4096
#define DISK "/dev/ram5"

static char buf[64 * PAGE] __attribute__((aligned(4096)));
static char back[64 * PAGE] __attribute__((aligned(4096)));

static int disk(int flags)
{
	return (int)NEED(open(DISK, flags));
}

/* Which of the first n pages of fd are in memory, as text. */
static void show_cached(const char *when, int fd, int n)
{
	unsigned char vec[64];
	char text[65] = "";
	void *p = (void *)NEED(mmap(NULL, (size_t)n * PAGE, PROT_READ, MAP_SHARED, fd, 0));

	NEED(mincore(p, (size_t)n * PAGE, vec));
	for (int k = 0; k < n; k++)
		text[k] = vec[k] & 1 ? '1' : '0';
	NEED(munmap(p, (size_t)n * PAGE));
	SHOW("%s: %s", when, text);
}

static void forget(int fd)
{
	NEED(fsync(fd));
	NEED(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
}

static void fill(unsigned int seed)
{
	for (size_t k = 0; k < sizeof(buf); k++)
		buf[k] = (char)(seed = seed * 1103515245 + 12345, seed >> 16);
}

/* --- errors --- */

CASE(fadvise_errors)
{
	int p[2], fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0600)), w, dir, path;

	w = (int)NEED(open("f", O_WRONLY));
	dir = (int)NEED(open(".", O_RDONLY));
	path = (int)NEED(open("f", O_PATH));
	NEED(pipe(p));
	for (int a = 0; a < 7; a++)
		RET(syscall(SYS_fadvise64, fd, 0L, 0L, a));
	RET(syscall(SYS_fadvise64, fd, 0L, 0L, -1));
	RET(syscall(SYS_fadvise64, fd, 0L, -1L, 0));
	RET(syscall(SYS_fadvise64, fd, -1L, 10L, 3));
	RET(syscall(SYS_fadvise64, fd, -1L, 10L, 4));
	RET(syscall(SYS_fadvise64, fd, 0x7fffffffffffffffL, 0x7fffffffffffffffL, 3));
	RET(syscall(SYS_fadvise64, w, 0L, 10L, 3));
	RET(syscall(SYS_fadvise64, dir, 0L, 10L, 3));
	RET(syscall(SYS_fadvise64, p[0], 0L, 10L, 3));
	RET(syscall(SYS_fadvise64, p[0], 0L, 10L, 77));
	RET(syscall(SYS_fadvise64, path, 0L, 10L, 3));
	RET(syscall(SYS_fadvise64, -1, 0L, 10L, 77));
}

CASE(readahead_errors)
{
	int p[2], fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0600)), w, dir;

	w = (int)NEED(open("f", O_WRONLY));
	dir = (int)NEED(open(".", O_RDONLY));
	NEED(pipe(p));
	RET(readahead(fd, 0, 4096));
	RET(readahead(fd, 0, 0));
	RET(readahead(fd, 1 << 20, 4096));
	RET(readahead(w, 0, 4096));
	RET(readahead(dir, 0, 4096));
	RET(readahead(p[0], 0, 4096));
	RET(readahead(-1, 0, 4096));
	RET(readahead(disk(O_RDONLY), 0, 4096));
}

CASE(sync_file_range_errors)
{
	int p[2], fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0600)), dir;

	dir = (int)NEED(open(".", O_RDONLY));
	NEED(pipe(p));
	for (unsigned int f = 0; f < 9; f++)
		RET(sync_file_range(fd, 0, 4096, f));
	RET(sync_file_range(fd, -1, 1, 2));
	RET(sync_file_range(fd, 0, -1, 2));
	RET(sync_file_range(fd, 0x7fffffffffffffffL, 1, 2));
	RET(sync_file_range(fd, 0x7ffffffffffffffeL, 1, 2));
	RET(sync_file_range(dir, 0, 0, 2));
	RET(sync_file_range(p[1], 0, 0, 2));
	RET(sync_file_range(p[1], 0, 0, 8));
	RET(sync_file_range(-1, 0, 0, 8));
}

CASE(direct_where_there_is_none)
{
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0600)), p[2];

	RET(open("f", O_RDWR | O_DIRECT));
	RET(open("g", O_RDWR | O_CREAT | O_DIRECT, 0600));
	RET(access("g", F_OK));
	RET(fcntl(fd, F_SETFL, O_DIRECT));
	NEED(pipe(p));
	RET(fcntl(p[0], F_SETFL, O_DIRECT));
}

/* --- what is in memory --- */

CASE(residency)
{
	int fd = disk(O_RDWR);

	forget(fd);
	show_cached("forgotten", fd, 16);
	NEED(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
	NEED(pread(fd, buf, 100, 3 * PAGE));
	show_cached("one byte range", fd, 16);
	NEED(pread(fd, buf, 3 * PAGE, 7 * PAGE));
	show_cached("three pages", fd, 16);
	NEED(posix_fadvise(fd, PAGE, 2 * PAGE, POSIX_FADV_WILLNEED));
	show_cached("will need", fd, 16);
	NEED(posix_fadvise(fd, 7 * PAGE + 1, 2 * PAGE, POSIX_FADV_DONTNEED));
	show_cached("whole pages only", fd, 16);
	NEED(pwrite(fd, buf, PAGE, 12 * PAGE));
	NEED(pwrite(fd, buf, 10, 14 * PAGE));
	show_cached("written", fd, 16);
	NEED(readahead(fd, 0, PAGE));
	show_cached("readahead", fd, 16);
	forget(fd);
	show_cached("forgotten again", fd, 16);
}

CASE(residency_of_mappings)
{
	int fd = disk(O_RDWR);
	struct rusage a, b;
	volatile char *p;

	forget(fd);
	p = (volatile char *)NEED(mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	NEED(madvise((void *)(uintptr_t)p, 16 * PAGE, MADV_RANDOM));
	NEED(getrusage(RUSAGE_SELF, &a));
	(void)p[5 * PAGE];
	NEED(getrusage(RUSAGE_SELF, &b));
	SHOW("major %ld", b.ru_majflt - a.ru_majflt);
	show_cached("one", fd, 16);
	NEED(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	show_cached("mapped stays", fd, 16);
	NEED(madvise((void *)(uintptr_t)p, 16 * PAGE, MADV_DONTNEED));
	NEED(getrusage(RUSAGE_SELF, &a));
	(void)p[5 * PAGE];
	NEED(getrusage(RUSAGE_SELF, &b));
	SHOW("major %ld, minor %ld", b.ru_majflt - a.ru_majflt, b.ru_minflt - a.ru_minflt);
	NEED(madvise((void *)(uintptr_t)(p + 8 * PAGE), 2 * PAGE, MADV_WILLNEED));
	show_cached("will need", fd, 16);
	p[9 * PAGE] = 'z';
	RET(msync((void *)(uintptr_t)(p + 9 * PAGE), PAGE, MS_SYNC));
	NEED(pread(disk(O_RDONLY | O_DIRECT), buf, PAGE, 9 * PAGE));
	SHOW("on the disk: %c", buf[0]);
}

/* --- direct I/O --- */

CASE(direct_alignment)
{
	int fd = disk(O_RDWR | O_DIRECT);
	struct iovec v[2] = { { buf, 512 }, { buf + 4096, 1024 } };
	struct iovec odd[2] = { { buf, 100 }, { buf + 4096, 412 } };

	RET(pread(fd, buf, 4096, 0));
	RET(pread(fd, buf, 512, 512));
	RET(pread(fd, buf, 511, 0));
	RET(pread(fd, buf, 512, 1));
	RET(pread(fd, buf + 1, 512, 0));
	RET(pread(fd, buf + 512, 512, 0));
	RET(pread(fd, buf, 0, 1));
	RET(pwrite(fd, buf, 100, 0));
	RET(pwrite(fd, buf, 512, 100));
	RET(preadv(fd, v, 2, 0));
	RET(pwritev(fd, v, 2, 4096));
	RET(preadv(fd, odd, 2, 0));
	RET(pread(fd, (void *)8, 512, 0));
	RET(pread(fd, (void *)4096, 4096, 0));
	RET(pwrite(fd, (void *)4096, 4096, 0));
	RET(lseek(fd, -1024, SEEK_END) > 0);
	RET(read(fd, buf, 4096));
	RET(read(fd, buf, 4096));
	RET(lseek(fd, -1024, SEEK_END) > 0);
	RET(write(fd, buf, 1024));
	RET(write(fd, buf, 1024));
}

CASE(direct_and_cached)
{
	int fd = disk(O_RDWR), d = disk(O_RDWR | O_DIRECT);
	char *p = (char *)NEED(mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));

	fill(1);
	NEED(pwrite(fd, buf, sizeof(buf), 0));
	RET(pread(d, back, sizeof(back), 0));
	SHOW("written, read directly: %d", memcmp(buf, back, sizeof(buf)));
	fill(2);
	RET(pwrite(d, buf, sizeof(buf), 0));
	NEED(pread(fd, back, sizeof(back), 0));
	SHOW("written directly, read: %d", memcmp(buf, back, sizeof(buf)));
	SHOW("mapped: %d", memcmp(buf, p, sizeof(buf)));
	p[5 * PAGE + 7] = buf[5 * PAGE + 7] = 'q';
	NEED(pread(d, back, sizeof(back), 0));
	SHOW("changed through the mapping, read directly: %d", memcmp(buf, back, sizeof(buf)));
	fill(3);
	NEED(pwrite(d, buf + 8 * PAGE, 8 * PAGE, 8 * PAGE));
	SHOW("part written directly, mapped: %d", memcmp(buf + 8 * PAGE, p + 8 * PAGE, 8 * PAGE));
	/* Into and out of a mapping of the same file. */
	RET(pread(d, p + 32 * PAGE, 4 * PAGE, 8 * PAGE));
	SHOW("%d", memcmp(p + 32 * PAGE, buf + 8 * PAGE, 4 * PAGE));
}

/* --- synchronisation --- */

CASE(synchronous_writing)
{
	struct iovec v = { buf, 512 };
	int fd = disk(O_RDWR), s = disk(O_RDWR | O_SYNC), ds = disk(O_RDWR | O_DSYNC);

	RET(write(s, buf, 5000));
	RET(write(ds, buf, 5000));
	RET(syscall(SYS_pwritev2, fd, &v, 1, 0, 0, RWF_SYNC));
	RET(syscall(SYS_pwritev2, fd, &v, 1, 0, 0, RWF_DSYNC));
	RET(syscall(SYS_pwritev2, fd, &v, 1, 0, 0, 0x1000));
	RET(fsync(fd));
	RET(fdatasync(fd));
	RET(syncfs(fd));
	for (unsigned int f = 0; f < 8; f++) {
		NEED(pwrite(fd, buf, 5000, 1000));
		RET(sync_file_range(fd, 0, 0, f));
	}
}

/* --- moving without copying --- */

CASE(from_a_device)
{
	int fd = disk(O_RDWR), out = (int)NEED(open("f", O_RDWR | O_CREAT, 0600)), p[2];
	loff_t off = 3 * PAGE + 5;
	off_t at = PAGE + 1;

	fill(9);
	NEED(pwrite(fd, buf, sizeof(buf), 0));
	RET(sendfile(out, fd, &at, 20000));
	SHOW("%ld", (long)at);
	NEED(pread(out, back, 20000, 0));
	SHOW("%d", memcmp(back, buf + PAGE + 1, 20000));
	NEED(pipe(p));
	RET(splice(fd, &off, p[1], NULL, 9000, 0));
	SHOW("%ld", (long)off);
	NEED(read(p[0], back, 9000));
	SHOW("%d", memcmp(back, buf + 3 * PAGE + 5, 9000));
	RET(copy_file_range(fd, NULL, out, NULL, 100, 0));
}

/* --- accounting --- */

static long io_of(const char *key)
{
	char line[128];
	long v = -1;
	FILE *f = fopen("/proc/self/io", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			v = atol(line + strlen(key) + 1);
	if (f)
		fclose(f);
	return v;
}

CASE(accounting)
{
	int fd = disk(O_RDWR), d = disk(O_RDWR | O_DIRECT);
	long a;

	forget(fd);
	NEED(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
	/* Linux does not count what it reads from a RAM disk page by page, nor twice. */
	NEED(pread(fd, buf, 16 * PAGE, 0));
	a = io_of("read_bytes:");
	NEED(pread(fd, buf, 16 * PAGE, 0));
	SHOW("again %ld", io_of("read_bytes:") - a);
	a = io_of("write_bytes:");
	NEED(pwrite(fd, buf, 16 * PAGE, 0));
	SHOW("written %ld", io_of("write_bytes:") - a);
	NEED(pwrite(fd, buf, 16 * PAGE, 0));
	SHOW("again %ld", io_of("write_bytes:") - a);
	NEED(fsync(fd));
	a = io_of("read_bytes:");
	NEED(pread(d, buf, 8 * PAGE, 0));
	SHOW("directly %ld", io_of("read_bytes:") - a);
	a = io_of("write_bytes:");
	NEED(pwrite(d, buf, 8 * PAGE, 0));
	SHOW("directly %ld", io_of("write_bytes:") - a);
}
