/* SPDX-License-Identifier: MIT */
/* Mappings of files: sharing with read and write, the page behind the end, truncation, times, memfd
 * and its seals. */
#include "abi.h"
#include "fault.h"

#include <sys/resource.h>
#include <sys/uio.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

static int file_of(const char *name, long bytes)
{
	int fd = (int)NEED(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
	char line[64];
	long i;

	memset(line, 'f', sizeof(line));
	for (i = 0; i < bytes; i += 64)
		NEED(write(fd, line, (size_t)(bytes - i < 64 ? bytes - i : 64)));
	return fd;
}

static char *map_file(int fd, long pages, int prot, int flags)
{
	return (char *)NEED(mmap(NULL, (size_t)(pages * PAGE), prot, flags, fd, 0));
}

CASE(file_mmap_errors)
{
	int r, w, d, p[2], path;

	close(file_of("f", 5000));
	r = (int)NEED(open("f", O_RDONLY));
	w = (int)NEED(open("f", O_WRONLY));
	d = (int)NEED(open(".", O_RDONLY));
	path = (int)NEED(open("f", O_PATH));
	NEED(pipe(p));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, w, 0));
	OK(mmap(NULL, PAGE, PROT_WRITE, MAP_PRIVATE, w, 0));
	OK(mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE, w, 0));
	OK(mmap(NULL, PAGE, RW, MAP_SHARED, r, 0));
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE, r, 0));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, r, 0));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, d, 0));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, p[0], 0));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, path, 0));
	OK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, r, 0));
	OK(mmap(NULL, PAGE, PROT_READ, 0, r, 0));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_GROWSDOWN, r, 0));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE, r, 0));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x8000000, r, 0));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, r, 0));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, r, 1 << 20));
	OK(syscall(SYS_mmap, NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, r, -PAGE));
	OK(syscall(SYS_mmap, NULL, PAGE, PROT_READ, MAP_PRIVATE, r, 17));
	OK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/proc/self/status", O_RDONLY), 0));
}

CASE(protection_of_shared_file)
{
	int r, fd = file_of("f", 5000);
	char *p;

	r = (int)NEED(open("f", O_RDONLY));
	p = map_file(r, 1, PROT_READ, MAP_SHARED);
	RET(mprotect(p, PAGE, RW));
	RET(mprotect(p, PAGE, PROT_NONE));
	RET(mprotect(p, PAGE, PROT_READ));
	p = map_file(r, 1, PROT_READ, MAP_PRIVATE);
	RET(mprotect(p, PAGE, RW));
	p = map_file(fd, 1, PROT_READ, MAP_SHARED);
	RET(mprotect(p, PAGE, RW));
	WRITE(p);
}

CASE(shared_with_read_and_write)
{
	int fd = file_of("f", 5000);
	char *p = map_file(fd, 2, RW, MAP_SHARED), buf[8] = "";

	memcpy(p + 100, "mapped", 6);
	RET(pread(fd, buf, 6, 100));
	SHOW("%s", buf);
	RET(pwrite(fd, "writte", 6, 4094));
	SHOW("%.6s", p + 4094);
	RET(msync(p, 2 * PAGE, MS_SYNC));
	RET(munmap(p, 2 * PAGE));
	RET(pread(fd, buf, 6, 100));
	SHOW("%s", buf);
}

CASE(private_stays_private)
{
	int fd = file_of("f", 8192);
	char *p = map_file(fd, 2, RW, MAP_PRIVATE), c = 0;

	SHOW("%c %c", p[0], p[4096]);
	p[0] = 'P';
	RET(pread(fd, &c, 1, 0));
	SHOW("file %c", c);
	RET(pwrite(fd, "W", 1, 0));
	RET(pwrite(fd, "V", 1, 4096));
	SHOW("written page %c, other %c", p[0], p[4096]);
	RET(madvise(p, PAGE, MADV_DONTNEED));
	SHOW("dropped: %c", p[0]);
}

CASE(behind_the_end)
{
	int fd = file_of("f", 5000);
	char *p = map_file(fd, 4, RW, MAP_SHARED), c = 'x';
	long i, sum = 0;

	for (i = 5000; i < 8192; i++)
		sum += p[i];
	SHOW("zeroes: %ld", sum);
	p[6000] = 'q';
	READ(p + 8191);
	READ(p + 8192);
	WRITE(p + 8192);
	READ(p + 3 * PAGE);
	RET(pread(fd, &c, 1, 6000));
	RET(ftruncate(fd, 16384));
	READ(p + 3 * PAGE);
	RET(pread(fd, &c, 1, 8192));
	SHOW("%d", c);
	p = map_file(fd, 1, RW, MAP_PRIVATE);
	READ(p);
}

CASE(behind_the_end_private)
{
	int fd = file_of("f", 100);
	char *p = map_file(fd, 2, RW, MAP_PRIVATE);

	SHOW("%c %d", p[99], p[100]);
	WRITE(p + 4095);
	READ(p + PAGE);
	WRITE(p + PAGE);
	fd = file_of("empty", 0);
	p = map_file(fd, 1, RW, MAP_PRIVATE);
	READ(p);
}

CASE(truncate_takes_pages_away)
{
	int fd = file_of("f", 16384);
	char *s = map_file(fd, 4, RW, MAP_SHARED), *p = map_file(fd, 4, RW, MAP_PRIVATE), c;

	p[3 * PAGE] = 'P';
	READ(s + 2 * PAGE);
	READ(p + 2 * PAGE);
	RET(ftruncate(fd, 5000));
	READ(s + 2 * PAGE);
	READ(p + 2 * PAGE);
	READ(p + 3 * PAGE);
	READ(s + PAGE);
	SHOW("partial page %c %d", s[4999], s[5000]);
	RET(ftruncate(fd, 16384));
	SHOW("again %d %d %d", s[5000], s[2 * PAGE], p[3 * PAGE]);
	RET(pread(fd, &c, 1, 6000));
	SHOW("%d", c);
}

CASE(kernel_copies_behind_the_end)
{
	int fd = file_of("f", 100), out = file_of("g", 0);
	char *p = map_file(fd, 2, RW, MAP_SHARED);

	RET(write(out, p + PAGE, 10));
	RET(write(out, p + PAGE - 10, 20));
	RET(pread(fd, p + PAGE, 10, 0));
	RET(pread(fd, p, 10, 50));
}

CASE(mapping_outlives_descriptor_and_name)
{
	int fd = file_of("f", 4096);
	char *p = map_file(fd, 1, RW, MAP_SHARED);

	close(fd);
	RET(unlink("f"));
	SHOW("%c", p[0]);
	WRITE(p);
	SHOW("%c", p[0]);
}

CASE(file_shared_across_fork)
{
	int fd = file_of("f", 4096);
	char *s = map_file(fd, 1, RW, MAP_SHARED), *p = map_file(fd, 1, RW, MAP_PRIVATE);
	pid_t pid;

	p[1] = 'o';
	pid = fork();
	if (pid == 0) {
		s[0] = 'c';
		p[1] = 'c';
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	SHOW("shared %c private %c%c", s[0], p[0], p[1]);
}

CASE(two_mappings_of_a_file)
{
	int fd = file_of("f", 8192), fd2;
	char *a = map_file(fd, 2, RW, MAP_SHARED), *b;

	fd2 = (int)NEED(open("f", O_RDWR));
	b = mmap(NULL, PAGE, RW, MAP_SHARED, fd2, PAGE);
	a[PAGE + 3] = '!';
	SHOW("%c", b[3]);
	b[4] = '?';
	SHOW("%c", a[PAGE + 4]);
}

CASE(shared_write_changes_times)
{
	struct timespec zero[2] = { { 1000, 0 }, { 1000, 0 } };
	int fd = file_of("f", 4096);
	struct stat st;
	char *p;

	futimens(fd, zero);
	p = map_file(fd, 1, RW, MAP_SHARED);
	p[0] = 'x';
	msync(p, PAGE, MS_SYNC);
	fstat(fd, &st);
	SHOW("mtime changed %d", st.st_mtime != 1000);
	futimens(fd, zero);
	munmap(p, PAGE);
	p = map_file(fd, 1, RW, MAP_PRIVATE);
	p[0] = 'x';
	fstat(fd, &st);
	SHOW("private: mtime changed %d", st.st_mtime != 1000);
}

CASE(big_offsets)
{
	int fd = file_of("f", 10);
	char *p, c = 0;

	RET(ftruncate(fd, (1L << 40) + 4096));
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 1L << 40);
	SHOW("%d", p != MAP_FAILED);
	p[5] = 'b';
	RET(pread(fd, &c, 1, (1L << 40) + 5));
	SHOW("%c", c);
	p = mmap(NULL, 1L << 36, PROT_READ, MAP_SHARED, fd, 0);
	SHOW("%d %c %d", p != MAP_FAILED, p[0], p[1L << 35]);
}

CASE(madvise_of_files)
{
	int fd = file_of("f", 16384);
	char *p = map_file(fd, 4, RW, MAP_SHARED);
	struct stat st;

	RET(madvise(p, 4 * PAGE, MADV_WILLNEED));
	RET(madvise(p, 4 * PAGE, MADV_FREE));
	p[PAGE] = 'd';
	RET(madvise(p, 4 * PAGE, MADV_DONTNEED));
	SHOW("%c", p[PAGE]);
	fstat(fd, &st);
	SHOW("blocks %ld", (long)st.st_blocks);
	RET(madvise(p + PAGE, PAGE, MADV_REMOVE));
	fstat(fd, &st);
	SHOW("blocks %ld byte %d next %c", (long)st.st_blocks, p[PAGE], p[2 * PAGE]);
	p = map_file(fd, 4, PROT_READ, MAP_PRIVATE);
	RET(madvise(p, PAGE, MADV_REMOVE));
	RET(madvise(p, PAGE, MADV_DONTNEED));
}

CASE(punched_holes_are_zero)
{
	int fd = file_of("f", 16384);
	char *p = map_file(fd, 4, RW, MAP_SHARED);

	RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE + 10, PAGE));
	SHOW("%c %d %d %c", p[PAGE + 9], p[PAGE + 10], p[2 * PAGE + 9], p[2 * PAGE + 10]);
	RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	SHOW("%d", p[0]);
	WRITE(p);
	SHOW("%c", p[0]);
}

CASE(mincore_of_files)
{
	int fd = file_of("f", 8192);
	char *p = map_file(fd, 4, RW, MAP_SHARED);
	unsigned char v[4] = { 0 };

	RET(mincore(p, 2 * PAGE, v));
	SHOW("%d %d", v[0] & 1, v[1] & 1);
}

CASE(mlock_of_files)
{
	int fd = file_of("f", 8192);
	char *p = map_file(fd, 2, RW, MAP_SHARED);

	RET(mlock(p, 2 * PAGE));
	RET(msync(p, PAGE, MS_INVALIDATE));
	RET(munlock(p, 2 * PAGE));
	RET(msync(p, PAGE, MS_INVALIDATE));
}

CASE(mremap_of_files)
{
	int fd = file_of("f", 5 * 4096);
	char *p, *q;

	pwrite(fd, "3", 1, 3 * PAGE);
	p = map_file(fd, 2, RW, MAP_SHARED);
	mmap(p + 2 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	q = mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	SHOW("%d %c", q != MAP_FAILED, q[3 * PAGE]);
	q = mremap(q + PAGE, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	SHOW("%d %c", q != MAP_FAILED, q[2 * PAGE]);
	READ(q + 2 * PAGE);
}

CASE(memfd_errors)
{
	char name[300];

	memset(name, 'n', sizeof(name));
	name[249] = '\0';
	OK(syscall(SYS_memfd_create, name, 0));
	memset(name, 'n', sizeof(name));
	name[250] = '\0';
	OK(syscall(SYS_memfd_create, name, 0));
	OK(syscall(SYS_memfd_create, "", 0));
	OK(syscall(SYS_memfd_create, "x", 0x100));
	OK(syscall(SYS_memfd_create, (char *)8, 0));
	OK(syscall(SYS_memfd_create, "a/b", 0));
}

CASE(memfd_is_a_file)
{
	int fd = (int)NEED(memfd_create("name", MFD_CLOEXEC));
	char path[64], link[64] = "", buf[8] = "";
	struct stat st;
	char *p;

	RET(fcntl(fd, F_GETFD));
	RET(fcntl(fd, F_GETFL) & O_ACCMODE);
	fstat(fd, &st);
	SHOW("mode %o links %d size %d", st.st_mode, (int)st.st_nlink, (int)st.st_size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	NEED(readlink(path, link, sizeof(link) - 1));
	SHOW("%s", link);
	RET(write(fd, "hello", 5));
	p = map_file(fd, 1, RW, MAP_SHARED);
	SHOW("%s", p);
	p[0] = 'j';
	RET(pread(fd, buf, 5, 0));
	SHOW("%s", buf);
}

CASE(seals)
{
	int fd = (int)NEED(memfd_create("s", MFD_ALLOW_SEALING)), plain, none;
	char *p;

	RET(fcntl(fd, F_GET_SEALS));
	RET(ftruncate(fd, 8192));
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	RET(ftruncate(fd, 4096));
	RET(ftruncate(fd, 16384));
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	RET(ftruncate(fd, 32768));
	RET(pwrite(fd, "x", 1, 20000));
	RET(pwrite(fd, "x", 1, 100));
	p = map_file(fd, 1, RW, MAP_SHARED);
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(p, PAGE);
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	RET(pwrite(fd, "x", 1, 100));
	OK(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0));
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));
	RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	RET(fcntl(fd, F_GET_SEALS));
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	RET(fcntl(fd, F_ADD_SEALS, 0x1000));
	none = (int)NEED(memfd_create("t", 0));
	RET(fcntl(none, F_GET_SEALS));
	RET(fcntl(none, F_ADD_SEALS, F_SEAL_GROW));
	plain = file_of("f", 10);
	RET(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW));
	NEED(pipe((int[2]){ 0, 0 }));
	RET(fcntl(open("/dev/null", O_RDWR), F_GET_SEALS));
}

CASE(seal_future_write)
{
	int fd = (int)NEED(memfd_create("s", MFD_ALLOW_SEALING));
	char *p, *q;

	NEED(ftruncate(fd, 4096));
	p = map_file(fd, 1, RW, MAP_SHARED);
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	WRITE(p);
	RET(write(fd, "x", 1));
	OK(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0));
	q = map_file(fd, 1, PROT_READ, MAP_SHARED);
	RET(mprotect(q, PAGE, RW));
}

CASE(read_into_its_own_mapping)
{
	int fd = file_of("f", 8192);
	char *p = map_file(fd, 2, RW, MAP_SHARED);

	memcpy(p, "abcdef", 6);
	RET(pread(fd, p + 100, 6, 0));
	SHOW("%.6s", p + 100);
	RET(pwrite(fd, p, 6, 4096));
	SHOW("%.6s", p + 4096);
	RET(pread(fd, p, 10, 0));
}

CASE(exec_of_mapped_file)
{
	int fd = file_of("code", 0);
	char *p;

	NEED(write(fd, "\xb8\x2a\x00\x00\x00\xc3", 6));
	p = map_file(fd, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE);
	SHOW("%d", ((int (*)(void))p)());
}

CASE(many_pages_through_a_mapping)
{
	int fd = file_of("f", 0);
	long i, bad = 0;
	char *p, c;

	NEED(ftruncate(fd, 4 << 20));
	p = map_file(fd, 1024, RW, MAP_SHARED);
	for (i = 0; i < 1024; i++)
		p[i * PAGE + i] = (char)i;
	for (i = 0; i < 1024; i++) {
		NEED(pread(fd, &c, 1, i * PAGE + i));
		bad += c != (char)i;
	}
	SHOW("bad %ld", bad);
}

CASE(file_size_limit_and_mappings)
{
	struct rlimit rl = { 8192, 8192 };
	int fd = file_of("f", 4096);
	char *p;

	setrlimit(RLIMIT_FSIZE, &rl);
	p = map_file(fd, 4, RW, MAP_SHARED);
	WRITE(p);
	signal(SIGXFSZ, SIG_IGN);
	RET(ftruncate(fd, 16384));
	RET(ftruncate(fd, 8192));
	WRITE(p + PAGE);
	WRITE(p + 2 * PAGE);
}
