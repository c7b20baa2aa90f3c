/* SPDX-License-Identifier: MIT */
/* The corners of files and directories: rename with flags, holes, seals, splicing, owners of files,
 * sticky and set-gid directories, vectors with flags, odd fcntl and ioctl calls. */
#define _GNU_SOURCE
#include "abi.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static long preadv2_(int fd, const struct iovec *v, int n, long pos, int flags)
{
	return syscall(SYS_preadv2, fd, v, n, pos, 0, flags);
}
static long pwritev2_(int fd, const struct iovec *v, int n, long pos, int flags)
{
	return syscall(SYS_pwritev2, fd, v, n, pos, 0, flags);
}

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (write(fd, text, strlen(text)) < 0)
		perror(path);
	close(fd);
}

static void show_file(const char *path)
{
	char buf[128] = "";
	int fd = open(path, O_RDONLY);
	long n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	SHOW("%s: %ld \"%s\"", path, n, n > 0 ? buf : "");
	if (fd >= 0)
		close(fd);
}

static long rename2(const char *a, const char *b, unsigned int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

CASE(rename_flags)
{
	put_file("a", "aaa");
	put_file("b", "bbb");
	mkdir("d", 0755);
	mkdir("d/in", 0755);
	mkdir("e", 0755);
	RET(rename2("a", "b", RENAME_NOREPLACE));
	RET(rename2("a", "c", RENAME_NOREPLACE));
	RET(rename2("missing", "x", RENAME_NOREPLACE));
	RET(rename2("c", ".", RENAME_NOREPLACE));
	RET(rename2("c", "b", RENAME_EXCHANGE));
	show_file("b");
	show_file("c");
	RET(rename2("c", "missing", RENAME_EXCHANGE));
	RET(rename2("c", "d", RENAME_EXCHANGE));
	show_file("d");
	RET(rename2("d", "c", RENAME_EXCHANGE));
	RET(rename2("d", "d/in", RENAME_EXCHANGE));
	RET(rename2("d/in", "d", RENAME_EXCHANGE));
	RET(rename2("d", "e", RENAME_EXCHANGE));
	RET(rename2("e/in", "d", RENAME_EXCHANGE | RENAME_NOREPLACE));
	RET(rename2("b", "c", 0x80));
	RET(rename2("b", "c/", RENAME_EXCHANGE));
	RET(rename("e", "e/in"));
	RET(rename("e/in", "e"));
	RET(rename("d", "b"));
	RET(rename("b", "d"));
	RET(rename("d", "e"));
	RET(rename("e/in", "d"));
	RET(rename(".", "x"));
	RET(rename("d", ".."));
	RET(rename("b/", "x"));
	RET(rename("b", "x/"));
	RET(rename("d", "newdir/"));
	RET(rename("newdir/", "newdir2"));
	RET(rename("/", "x"));
	RET(rename("", "x"));
	RET(rename("b", ""));
}

CASE(nlink_counts)
{
	struct stat st;

	mkdir("d", 0755);
	SHOW("new dir: %lu", (stat("d", &st), (unsigned long)st.st_nlink));
	mkdir("d/1", 0755);
	mkdir("d/2", 0755);
	put_file("d/f", "");
	SHOW("two dirs in it: %lu", (stat("d", &st), (unsigned long)st.st_nlink));
	SHOW("size %ld", (long)st.st_size);
	mkdir("e", 0755);
	rename("d/1", "e/1");
	SHOW("one moved: %lu", (stat("d", &st), (unsigned long)st.st_nlink));
	SHOW("there: %lu", (stat("e", &st), (unsigned long)st.st_nlink));
	rename("d/2", "e/1");
	SHOW("one replaced: %lu", (stat("d", &st), (unsigned long)st.st_nlink));
	SHOW("there: %lu", (stat("e", &st), (unsigned long)st.st_nlink));
	link("d/f", "e/g");
	rename2("d/f", "e/1", RENAME_EXCHANGE);
	SHOW("exchanged: %lu", (stat("d", &st), (unsigned long)st.st_nlink));
	SHOW("there: %lu", (stat("e", &st), (unsigned long)st.st_nlink));
	SHOW("file: %lu", (stat("e/g", &st), (unsigned long)st.st_nlink));
}

CASE(listing_order_and_seek)
{
	struct dirent *e;
	long at[8];
	int n = 0;
	DIR *dir;

	mkdir("d", 0755);
	for (int i = 0; i < 5; i++) {
		char name[8];

		snprintf(name, sizeof(name), "d/%d", i);
		put_file(name, "");
	}
	rename("d/1", "d/9");
	dir = opendir("d");
	for (;;) {
		at[n] = telldir(dir);
		e = readdir(dir);
		if (!e)
			break;
		SHOW("%s type %d", e->d_name, e->d_type);
		n++;
	}
	for (int i = n - 1; i >= 0; i--) {
		seekdir(dir, at[i]);
		e = readdir(dir);
		SHOW("again %s", e ? e->d_name : "end");
	}
	seekdir(dir, at[3]);
	unlink("d/3");
	put_file("d/new", "");
	while ((e = readdir(dir)))
		SHOW("after changes: %s", e->d_name);
	RET(lseek(dirfd(dir), 0, SEEK_END) >= 0);
	RET(lseek(dirfd(dir), -1, SEEK_SET));
	RET(lseek(dirfd(dir), 0, SEEK_DATA));
	closedir(dir);
}

CASE(many_entries)
{
	int seen = 0, removed = 0, left = 0;
	struct dirent *e;
	char name[300];
	DIR *dir;

	mkdir("d", 0755);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "d/a-rather-long-name-%d", i);
		put_file(name, "");
	}
	dir = opendir("d");
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		seen++;
		snprintf(name, sizeof(name), "d/%s", e->d_name);
		removed += unlink(name) == 0;
	}
	rewinddir(dir);
	while ((e = readdir(dir)))
		left++;
	closedir(dir);
	SHOW("seen %d removed %d left %d", seen, removed, left);
	RET(rmdir("d"));
}

CASE(holes)
{
	struct stat st;
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	char c = 'x';

	pwrite(fd, &c, 1, 100000);
	fstat(fd, &st);
	SHOW("size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	RET(lseek(fd, 0, SEEK_DATA));
	RET(lseek(fd, 0, SEEK_HOLE));
	RET(lseek(fd, 98304, SEEK_HOLE));
	RET(lseek(fd, 100001, SEEK_DATA));
	RET(lseek(fd, 100001, SEEK_HOLE));
	RET(lseek(fd, -1, SEEK_DATA));
	RET(fallocate(fd, 0, 0, 8192));
	fstat(fd, &st);
	SHOW("blocks %ld", (long)st.st_blocks);
	RET(fallocate(fd, FALLOC_FL_KEEP_SIZE, 200000, 1));
	fstat(fd, &st);
	SHOW("size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	RET(fallocate(fd, 0, 200000, 10));
	fstat(fd, &st);
	SHOW("size %ld", (long)st.st_size);
	pwrite(fd, "abcdefgh", 8, 0);
	RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2, 3));
	show_file("f");
	RET(pread(fd, &c, 1, 3));
	SHOW("punched: %d", c);
	RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1));
	RET(fallocate(fd, 0x08 /* collapse range */, 0, 4096));
	RET(fallocate(fd, 0x20 /* insert range */, 0, 4096));
	RET(fallocate(fd, 0, -1, 1));
	RET(fallocate(fd, 0, 0, 0));
	RET(fallocate(fd, 0x100, 0, 1));
	RET(fallocate(open("f", O_RDONLY), 0, 0, 1));
	RET(fallocate(open(".", O_RDONLY), 0, 0, 1));
	ftruncate(fd, 3);
	ftruncate(fd, 10);
	pread(fd, &c, 1, 5);
	SHOW("zero after shrink and growth: %d", c);
}

/* What does not fit whole leaves nothing behind. */
CASE(allocation_that_fails)
{
	struct statfs before, after;
	struct stat st;
	int fd;

	mkdir("t", 0755);
	NEED(mount("none", "t", "tmpfs", 0, "size=256k"));
	fd = open("t/f", O_RDWR | O_CREAT, 0644);
	NEED(pwrite(fd, "kept", 4, 8192));
	statfs("t", &before);
	RET(fallocate(fd, 0, 0, 1 << 20));
	statfs("t", &after);
	SHOW("free: %s", before.f_bfree == after.f_bfree ? "as before" : "less");
	fstat(fd, &st);
	SHOW("size %ld, blocks %ld", (long)st.st_size, (long)st.st_blocks);
	RET(fallocate(fd, 0, 0, 128 << 10));
	fstat(fd, &st);
	SHOW("size %ld, blocks %ld", (long)st.st_size, (long)st.st_blocks);
	close(fd);
	umount("t");
}

CASE(mapped_tail)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);
	char *m, c;

	write(fd, "abc", 3);
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ftruncate(fd, 200);
	m[150] = 'Z';
	pread(fd, &c, 1, 150);
	SHOW("written by mapping: %c", c);
	pwrite(fd, "Q", 1, 10);
	SHOW("written by call: %c", m[10]);
	ftruncate(fd, 0);
	ftruncate(fd, 4096);
	SHOW("after truncation: %d", m[150]);
}

CASE(memfd_seals)
{
	int fd = syscall(SYS_memfd_create, "name", 2 /* MFD_ALLOW_SEALING */), fd2;
	char link[64] = "", path[64];
	void *m;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readlink(path, link, sizeof(link) - 1);
	SHOW("link %s", link);
	RET(fcntl(fd, F_GET_SEALS));
	RET(write(fd, "hello", 5));
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	RET(write(fd, "x", 1));
	RET(pwrite(fd, "y", 1, 0));
	RET(ftruncate(fd, 6));
	RET(fallocate(fd, 0, 0, 100));
	RET(ftruncate(fd, 4));
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	RET(ftruncate(fd, 3));
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(m, 4096);
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	RET(pwrite(fd, "z", 1, 0));
	SHOW("writable map: %d", mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	SHOW("private map: %d",
	     mmap(NULL, 4096, PROT_WRITE | PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	RET(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	RET(fcntl(fd, F_GET_SEALS));
	RET(fcntl(fd, F_ADD_SEALS, 0x100));
	fd2 = syscall(SYS_memfd_create, "", 0);
	RET(fcntl(fd2, F_GET_SEALS));
	RET(fcntl(fd2, F_ADD_SEALS, F_SEAL_GROW));
	RET(fcntl(open("f", O_CREAT | O_RDWR, 0644), F_GET_SEALS));
	RET(fcntl(open("/dev/null", O_RDWR), F_GET_SEALS));
	RET(syscall(SYS_memfd_create, "x", 0x1000));
	RET(syscall(SYS_memfd_create, (char *)8, 0));
}

CASE(splicing)
{
	int p[2], q[2], f = open("f", O_RDWR | O_CREAT, 0644),
			g = open("g", O_RDWR | O_CREAT, 0644);
	char buf[64] = "";
	loff_t off = 2;
	struct iovec v = { "vector", 6 };

	pipe(p);
	pipe(q);
	write(f, "0123456789", 10);
	RET(splice(f, &off, p[1], NULL, 5, 0));
	SHOW("off %ld", (long)off);
	RET(splice(f, NULL, p[1], NULL, 5, SPLICE_F_NONBLOCK));
	RET(tee(p[0], q[1], 3, 0));
	RET(read(q[0], buf, sizeof(buf)));
	SHOW("%s", buf);
	off = 1;
	RET(splice(p[0], NULL, g, &off, 100, 0));
	SHOW("off %ld", (long)off);
	lseek(f, 0, SEEK_SET);
	RET(splice(f, NULL, p[1], NULL, 4, 0));
	RET(splice(p[0], NULL, q[1], NULL, 2, 0));
	RET(splice(p[0], NULL, q[1], NULL, 100, 0));
	memset(buf, 0, sizeof(buf));
	RET(read(q[0], buf, sizeof(buf)));
	SHOW("%s", buf);
	RET(vmsplice(p[1], &v, 1, 0));
	memset(buf, 0, sizeof(buf));
	RET(read(p[0], buf, sizeof(buf)));
	SHOW("%s", buf);
	RET(splice(p[0], NULL, p[1], NULL, 1, 0));
	RET(splice(p[0], NULL, g, NULL, 1, SPLICE_F_NONBLOCK));
	RET(splice(f, NULL, g, NULL, 1, 0));
	RET(splice(p[0], &off, g, NULL, 1, 0));
	RET(splice(p[1], NULL, g, NULL, 1, 0));
	RET(splice(f, NULL, p[1], NULL, 1, 0x100));
	RET(splice(f, NULL, p[1], NULL, 0, 0));
	RET(tee(p[0], p[1], 1, 0));
	RET(tee(f, p[1], 1, 0));
	RET(vmsplice(f, &v, 1, 0));
	RET(splice(open(".", O_RDONLY), NULL, p[1], NULL, 1, 0));
	g = open("h", O_WRONLY | O_CREAT | O_APPEND, 0644);
	write(p[1], "x", 1);
	RET(splice(p[0], NULL, g, NULL, 1, 0));
	close(p[1]);
	read(p[0], buf, 1);
	RET(splice(p[0], NULL, f, NULL, 1, 0));
	close(q[0]);
	signal(SIGPIPE, SIG_IGN);
	RET(splice(f, &off, q[1], NULL, 1, 0));
	show_file("g");
}

CASE(sendfile_rules)
{
	int p[2], f = open("f", O_RDWR | O_CREAT, 0644), g = open("g", O_RDWR | O_CREAT, 0644);
	char buf[32] = "";
	off_t off = 3;

	pipe(p);
	write(f, "0123456789", 10);
	RET(sendfile(g, f, &off, 4));
	SHOW("off %ld pos %ld", (long)off, (long)lseek(f, 0, SEEK_CUR));
	lseek(f, 5, SEEK_SET);
	RET(sendfile(p[1], f, NULL, 100));
	RET(lseek(f, 0, SEEK_CUR));
	RET(read(p[0], buf, sizeof(buf)));
	SHOW("%s", buf);
	RET(sendfile(g, f, NULL, 1));
	RET(sendfile(g, p[0], NULL, 1));
	RET(sendfile(f, p[1], NULL, 1));
	off = -1;
	RET(sendfile(g, f, &off, 1));
	RET(sendfile(g, f, (void *)8, 1));
	RET(sendfile(-1, f, NULL, 1));
	RET(sendfile(open("h", O_WRONLY | O_CREAT | O_APPEND, 0644), f, NULL, 1));
	RET(sendfile(g, open(".", O_RDONLY), NULL, 1));
	show_file("g");
}

CASE(copy_range)
{
	int f = open("f", O_RDWR | O_CREAT, 0644), g = open("g", O_RDWR | O_CREAT, 0644);
	off64_t a = 2, b = 5;

	write(f, "0123456789", 10);
	RET(copy_file_range(f, &a, g, &b, 4, 0));
	SHOW("%ld %ld", (long)a, (long)b);
	RET(copy_file_range(f, &a, g, &b, 100, 0));
	RET(copy_file_range(f, NULL, g, NULL, 10, 0));
	a = 0;
	b = 2;
	RET(copy_file_range(f, &a, f, &b, 4, 0));
	b = 20;
	RET(copy_file_range(f, &a, f, &b, 4, 0));
	RET(copy_file_range(f, &a, g, &b, 1, 1));
	RET(copy_file_range(f, &a, open("/dev/null", O_WRONLY), NULL, 1, 0));
	RET(copy_file_range(f, &a, open(".", O_RDONLY), NULL, 1, 0));
	RET(copy_file_range(f, &a, open("f", O_RDONLY), NULL, 1, 0));
	a = 1000;
	RET(copy_file_range(f, &a, g, &b, 1, 0));
	a = -1;
	RET(copy_file_range(f, &a, g, &b, 1, 0));
}

CASE(vector_flags)
{
	int f = open("f", O_RDWR | O_CREAT, 0644), p[2];
	char a[4] = "", b[4] = "";
	struct iovec w[2] = { { "abc", 3 }, { "def", 3 } }, r[2] = { { a, 3 }, { b, 3 } };

	pipe(p);
	RET(pwritev2_(f, w, 2, 0, 0));
	RET(pwritev2_(f, w, 1, 0, RWF_APPEND));
	RET(lseek(f, 0, SEEK_CUR));
	RET(pwritev2_(f, w, 1, -1, RWF_DSYNC));
	RET(lseek(f, 0, SEEK_CUR));
	RET(preadv2_(f, r, 2, 1, 0));
	SHOW("%s %s", a, b);
	RET(preadv2_(f, r, 2, 0, RWF_NOWAIT));
	RET(preadv2_(f, r, 2, 0, 0x1000));
	RET(preadv2_(p[0], r, 2, 0, 0));
	RET(preadv(f, r, 2, -1));
	RET(preadv(f, r, -1, 0));
	RET(readv(f, r, 1025));
	RET(readv(f, NULL, 0));
	w[0].iov_len = -1;
	RET(writev(f, w, 2));
	w[0].iov_len = 3;
	w[1].iov_base = (void *)8;
	RET(pwritev(f, w, 2, 0));
	w[0].iov_base = (void *)8;
	RET(pwritev(f, w, 2, 0));
	show_file("f");
}

CASE(setgid_and_sticky)
{
	struct stat st;

	mkdir("sg", 0777);
	chown("sg", 0, 77);
	chmod("sg", 02777);
	mkdir("sg/sub", 0755);
	put_file("sg/f", "");
	stat("sg/sub", &st);
	SHOW("sub mode %o gid %u", st.st_mode, st.st_gid);
	stat("sg/f", &st);
	SHOW("file gid %u", st.st_gid);
	mkdir("st", 0777);
	chmod("st", 01777);
	put_file("st/root", "");
	chmod("sg", 02777);
	if (fork() == 0) {
		setresgid(1000, 1000, 1000);
		setresuid(1000, 1000, 1000);
		RET(unlink("st/root"));
		RET(rename("st/root", "st/x"));
		put_file("st/own", "");
		RET(rename("st/own", "st/root"));
		RET(unlink("st/own"));
		umask(0);
		close(open("sg/x", O_CREAT | O_WRONLY, 02775));
		stat("sg/x", &st);
		SHOW("set-gid of another group: mode %o gid %u", st.st_mode, st.st_gid);
		RET(chmod("sg/x", 02755));
		stat("sg/x", &st);
		SHOW("mode %o", st.st_mode);
		RET(chown("sg/x", 1000, 1000));
		RET(chown("sg/x", 1001, -1));
		RET(chown("sg/x", -1, 5));
		RET(chmod("sg", 0777));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

CASE(suid_goes)
{
	struct stat st;
	int fd;

	put_file("f", "x");
	chmod("f", 06755);
	chown("f", 1000, 1000);
	stat("f", &st);
	SHOW("after chown: %o", st.st_mode);
	chmod("f", 06755);
	chown("f", -1, -1);
	stat("f", &st);
	SHOW("after chown -1: %o", st.st_mode);
	chmod("f", 06755);
	fd = open("f", O_WRONLY);
	write(fd, "y", 1);
	stat("f", &st);
	SHOW("written by root: %o", st.st_mode);
	chmod("f", 06777);
	if (fork() == 0) {
		setresgid(1001, 1001, 1001);
		setresuid(1001, 1001, 1001);
		fd = open("f", O_WRONLY);
		write(fd, "z", 1);
		stat("f", &st);
		SHOW("written by another: %o", st.st_mode);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	chmod("f", 06777);
	if (fork() == 0) {
		setresgid(1001, 1001, 1001);
		setresuid(1001, 1001, 1001);
		truncate("f", 0);
		stat("f", &st);
		SHOW("truncated by another: %o", st.st_mode);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

CASE(file_owner)
{
	struct f_owner_ex ex = { F_OWNER_PID, getpid() };
	int p[2];

	pipe(p);
	RET(fcntl(p[0], F_GETOWN));
	RET(fcntl(p[0], F_SETOWN, getpid()));
	SHOW("own: %d", fcntl(p[0], F_GETOWN) == getpid());
	RET(fcntl(p[0], F_SETOWN, 999999));
	RET(fcntl(p[0], F_SETOWN, -999999));
	RET(fcntl(p[0], F_SETOWN_EX, &ex));
	ex.type = 7;
	RET(fcntl(p[0], F_SETOWN_EX, &ex));
	RET(fcntl(p[0], F_GETOWN_EX, &ex));
	SHOW("type %d pid is us: %d", ex.type, ex.pid == getpid());
	RET(fcntl(p[0], F_GETSIG));
	RET(fcntl(p[0], F_SETSIG, SIGUSR1));
	RET(fcntl(p[0], F_GETSIG));
	RET(fcntl(p[0], F_SETSIG, 65));
	RET(fcntl(p[0], F_GETLEASE));
	RET(fcntl(p[0], 9999, 0));
	RET(fcntl(p[0], F_SETPIPE_SZ, 1 << 16));
	RET(fcntl(open("f", O_CREAT | O_RDWR, 0644), F_GETPIPE_SZ));
}

CASE(odd_ioctls)
{
	int f = open("f", O_RDWR | O_CREAT, 0644), n = -1, p[2];
	long long size = -1;

	write(f, "hello", 5);
	lseek(f, 2, SEEK_SET);
	pipe(p);
	RET(ioctl(f, FIONREAD, &n));
	SHOW("%d", n);
	RET(ioctl(f, FIOQSIZE, &size));
	SHOW("%lld", size);
	RET(ioctl(f, FIOCLEX, 0));
	RET(fcntl(f, F_GETFD));
	RET(ioctl(f, FIONCLEX, 0));
	RET(fcntl(f, F_GETFD));
	n = 1;
	RET(ioctl(f, FIONBIO, &n));
	RET(fcntl(f, F_GETFL) & O_NONBLOCK);
	RET(ioctl(f, 0x5401, &n));
	RET(ioctl(p[0], 0x5401, &n));
	RET(ioctl(open(".", O_RDONLY), 0x5401, &n));
	RET(ioctl(f, FIGETBSZ, &n));
	SHOW("%d", n);
	RET(ioctl(f, FIOASYNC, &n));
	RET(ioctl(-1, FIONREAD, &n));
	RET(ioctl(f, FIONREAD, (void *)8));
}

CASE(utimensat_matrix)
{
	struct timespec t[2] = { { 5, 6 }, { 7, 8 } };
	struct stat st;
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	RET(utimensat(AT_FDCWD, "f", t, 0));
	stat("f", &st);
	SHOW("%ld.%09ld %ld.%09ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
	     (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	t[0] = (struct timespec){ -3, 500 };
	t[1].tv_nsec = UTIME_OMIT;
	RET(futimens(fd, t));
	stat("f", &st);
	SHOW("%ld.%09ld %ld.%09ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
	     (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	t[0].tv_nsec = UTIME_OMIT;
	RET(utimensat(AT_FDCWD, "missing", t, 0));
	t[0].tv_nsec = 1000000000;
	RET(utimensat(AT_FDCWD, "f", t, 0));
	t[0].tv_nsec = UTIME_NOW;
	RET(utimensat(AT_FDCWD, "f", t, 0x1000000));
	RET(syscall(SYS_utimensat, fd, NULL, NULL, AT_SYMLINK_NOFOLLOW));
	RET(syscall(SYS_utimensat, fd, NULL, NULL, 0));
	RET(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
	symlink("f", "s");
	t[0] = (struct timespec){ 100, 0 };
	t[1] = (struct timespec){ 200, 0 };
	RET(utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW));
	lstat("s", &st);
	SHOW("link mtime %ld", (long)st.st_mtime);
	if (fork() == 0) {
		chmod("f", 0666);
		setresuid(1000, 1000, 1000);
		RET(utimensat(AT_FDCWD, "f", NULL, 0));
		RET(utimensat(AT_FDCWD, "f", t, 0));
		t[0].tv_nsec = UTIME_NOW;
		t[1].tv_nsec = UTIME_OMIT;
		RET(utimensat(AT_FDCWD, "f", t, 0));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

CASE(linkat_empty_path)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644), t;
	char path[64];
	struct stat st;

	RET(linkat(fd, "", AT_FDCWD, "g", AT_EMPTY_PATH));
	RET(linkat(fd, "", AT_FDCWD, "h", 0));
	RET(linkat(AT_FDCWD, "f", AT_FDCWD, "h", 0x1));
	t = open(".", O_TMPFILE | O_RDWR, 0600);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t);
	RET(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	SHOW("links %lu", (stat("named", &st), (unsigned long)st.st_nlink));
	t = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t);
	RET(linkat(AT_FDCWD, path, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW));
	unlink("f");
	unlink("g");
	RET(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH));
	symlink("nowhere", "sl");
	RET(link("sl", "sl2"));
	RET(lstat("sl2", &st));
	SHOW("is link: %d", S_ISLNK(st.st_mode));
	RET(link(".", "dirlink"));
}

CASE(long_names)
{
	char name[300], path[5000];
	struct stat st;

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	OK(open(name, O_CREAT | O_WRONLY, 0644));
	RET(stat(name, &st));
	name[255] = 'n';
	name[256] = '\0';
	RET(stat(name, &st));
	RET(mkdir(name, 0755));
	memset(path, '/', sizeof(path));
	strcpy(path + 4094, ".");
	RET(stat(path, &st));
	strcpy(path + 4095, ".");
	RET(stat(path, &st));
	for (int i = 0; i < 4000; i += 2)
		memcpy(path + i, "./", 2);
	path[4000] = '\0';
	RET(stat(path, &st));
	mkdir("d", 0755);
	for (int i = 0; i < 30; i++) {
		name[200] = '\0';
		mkdir(name, 0755);
		if (chdir(name))
			break;
	}
	RET(getcwd(path, sizeof(path)) != NULL);
}

CASE(deep_and_removed)
{
	struct stat st;
	int fd;

	for (int i = 0; i < 200; i++) {
		mkdir("d", 0755);
		chdir("d");
	}
	RET(stat("../../../../d/d/d/d", &st));
	fd = open("/tmp/abi/d/d", O_RDONLY | O_DIRECTORY);
	RET(unlinkat(fd, "d", AT_REMOVEDIR));
	mkdir("/tmp/abi/x", 0755);
	chdir("/tmp/abi/x");
	rmdir("/tmp/abi/x");
	RET(stat(".", &st));
	SHOW("links %lu", (unsigned long)st.st_nlink);
	RET(stat("..", &st));
	RET(open("f", O_CREAT | O_WRONLY, 0644));
	RET(mkdir("sub", 0755));
	RET(open(".", O_RDONLY | O_TMPFILE, 0644));
	fd = open(".", O_RDONLY);
	RET(syscall(SYS_getdents64, fd, &st, (long)sizeof(st)));
}

CASE(lock_details)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	int fd = open("f", O_RDWR | O_CREAT, 0644), st, ro = open("f", O_RDONLY);

	RET(fcntl(fd, F_SETLK, &l));
	l.l_start = 12;
	l.l_len = 3;
	l.l_type = F_UNLCK;
	RET(fcntl(fd, F_SETLK, &l));
	if (fork() == 0) {
		for (int at = 8; at < 22; at++) {
			struct flock q = { .l_type = F_RDLCK, .l_start = at, .l_len = 1 };

			fcntl(fd, F_GETLK, &q);
			SHOW("%d: type %d start %ld len %ld pid parent %d", at, q.l_type,
			     (long)q.l_start, (long)q.l_len, q.l_pid == getppid());
		}
		l = (struct flock){ .l_type = F_WRLCK, .l_start = 0, .l_len = 0 };
		RET(fcntl(fd, F_SETLK, &l));
		fflush(stdout);
		_exit(0);
	}
	wait(&st);
	l = (struct flock){ .l_type = F_WRLCK };
	RET(fcntl(ro, F_SETLK, &l));
	l.l_type = 7;
	RET(fcntl(fd, F_SETLK, &l));
	l = (struct flock){ .l_type = F_RDLCK, .l_start = -1 };
	RET(fcntl(fd, F_SETLK, &l));
	l = (struct flock){ .l_type = F_RDLCK, .l_start = 5, .l_len = -10 };
	RET(fcntl(fd, F_SETLK, &l));
	l = (struct flock){ .l_type = F_RDLCK, .l_start = 5, .l_len = -5 };
	RET(fcntl(fd, F_SETLK, &l));
	l = (struct flock){ .l_type = F_UNLCK };
	RET(fcntl(fd, F_GETLK, &l));
	RET(fcntl(fd, F_SETLK, (void *)8));
}

CASE(lock_deadlock)
{
	struct flock a = { .l_type = F_WRLCK, .l_start = 0, .l_len = 1 };
	struct flock b = { .l_type = F_WRLCK, .l_start = 1, .l_len = 1 };
	int fd = open("f", O_RDWR | O_CREAT, 0644), up[2], st;
	char c;

	pipe(up);
	RET(fcntl(fd, F_SETLK, &a));
	if (fork() == 0) {
		fcntl(fd, F_SETLK, &b);
		write(up[1], "x", 1);
		fcntl(fd, F_SETLKW, &a); /* waits for the parent */
		_exit(7);
	}
	read(up[0], &c, 1);
	usleep(200000);
	RET(fcntl(fd, F_SETLKW, &b));
	a.l_type = F_UNLCK;
	RET(fcntl(fd, F_SETLK, &a));
	wait(&st);
	SHOW("child got it: %d", WIFEXITED(st) && WEXITSTATUS(st) == 7);
}

CASE(statx_and_modes)
{
	struct stat st;

	RET(mknod("reg", 0644, 0));
	RET(mknod("sock", S_IFSOCK | 0600, 0));
	RET(mknod("dir", S_IFDIR | 0600, 0));
	RET(mknod("bad", 0170000, 0));
	RET(mknod("chr", S_IFCHR | 0600, 0x12345));
	stat("chr", &st);
	SHOW("mode %o rdev %lx", st.st_mode, (unsigned long)st.st_rdev);
	RET(open("sock", O_RDWR));
	RET(open("chr", O_RDWR));
	RET(chmod("reg", 0171777));
	stat("reg", &st);
	SHOW("mode %o", st.st_mode);
	RET(fchmod(open("reg", O_RDONLY), 0400));
	RET(fchmod(open("reg", O_PATH), 0400));
	RET(fchmodat(AT_FDCWD, "reg", 0444, 0));
	symlink("reg", "ln");
	lstat("ln", &st);
	SHOW("link mode %o size %ld", st.st_mode, (long)st.st_size);
	RET(faccessat(AT_FDCWD, "reg", 8, 0));
	RET(access("reg", R_OK | W_OK | X_OK));
	RET(syscall(SYS_faccessat2, AT_FDCWD, "ln", F_OK, 0x4));
	RET(syscall(SYS_name_to_handle_at, AT_FDCWD, "missing", NULL, NULL, 0));
	RET(umask(0777777));
	RET(umask(022));
}
