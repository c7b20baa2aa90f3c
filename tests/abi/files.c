/* SPDX-License-Identifier: MIT */
/* Names, directories, descriptors, links, renames, times, permissions. */
#include "abi.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>

static void show_file(const char *path)
{
	char buf[256];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n < 0) {
		SHOW("%s: %s", path, abi_errname(errno));
	} else {
		buf[n] = '\0';
		SHOW("%s: %zd bytes: %s", path, n, buf);
	}
	if (fd >= 0)
		close(fd);
}

static void show_stat(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		SHOW("%s: %s", path, abi_errname(errno));
	else
		SHOW("%s: mode %o links %ld size %ld uid %d gid %d", path, st.st_mode,
		     (long)st.st_nlink, S_ISDIR(st.st_mode) ? 0 : (long)st.st_size, st.st_uid,
		     st.st_gid);
}

CASE(open_errors)
{
	char longname[300];

	abi_file("f", "x", 0644);
	NEED(mkdir("d", 0755));
	NEED(symlink("f", "s"));
	NEED(symlink("loop", "loop"));
	NEED(symlink("nowhere", "dangling"));
	memset(longname, 'a', 299);
	longname[299] = 0;
	RET(open("", O_RDONLY));
	RET(open("f/", O_RDONLY));
	RET(open("f/x", O_RDONLY));
	RET(open("d", O_WRONLY));
	RET(open("d", O_RDONLY | O_CREAT, 0644));
	RET(open("d/", O_RDONLY | O_CREAT, 0644));
	RET(open("new/", O_WRONLY | O_CREAT, 0644));
	RET(open("f", O_RDONLY | O_DIRECTORY));
	RET(open("s", O_RDONLY | O_NOFOLLOW));
	RET(open("s", O_RDONLY | O_CREAT | O_EXCL, 0644));
	RET(open("dangling", O_RDONLY));
	RET(open("dangling", O_RDONLY | O_CREAT | O_EXCL, 0644));
	RET(open("loop", O_RDONLY));
	RET(open(longname, O_RDONLY));
	RET(open("d/../f/..", O_RDONLY));
	RET(open("missing/f", O_RDONLY | O_CREAT, 0644));
	RET(open("f", O_RDONLY | O_TMPFILE, 0644));
	RET(open("d", O_RDONLY | O_TMPFILE, 0644));
	RET(openat(-1, "f", O_RDONLY));
	RET(openat(99, "f", O_RDONLY));
	RET(openat(1, "f", O_RDONLY));
	RET(openat(-1, "/etc/passwd", O_RDONLY) >= 0);
	RET(open("dangling", O_WRONLY | O_CREAT, 0600) >= 0);
	show_stat("nowhere");
}

CASE(trailing_slashes)
{
	NEED(mkdir("d", 0755));
	abi_file("f", "x", 0644);
	NEED(symlink("d", "sd"));
	RET(mkdir("e/", 0755));
	RET(mkdir("e//", 0755));
	RET(rmdir("e/"));
	RET(rmdir("sd/"));
	RET(rmdir("sd"));
	RET(rmdir("d/."));
	RET(rmdir("d/.."));
	RET(unlink("f/"));
	RET(unlink("sd/"));
	RET(link("f", "g/"));
	RET(symlink("x", "y/"));
	RET(rename("f", "g/"));
	RET(rename("d", "g/"));
	RET(rename("g/.", "h"));
	RET(rename("g", "h/."));
	RET(access("sd/", F_OK));
	RET(mknod("n/", S_IFREG | 0644, 0));
}

CASE(unlink_rmdir)
{
	NEED(mkdir("d", 0755));
	NEED(mkdir("d/e", 0755));
	abi_file("f", "x", 0644);
	RET(rmdir("d"));
	RET(rmdir("f"));
	RET(unlink("d"));
	RET(rmdir("missing"));
	RET(unlink("missing"));
	RET(unlinkat(AT_FDCWD, "d/e", AT_REMOVEDIR));
	RET(unlinkat(AT_FDCWD, "d", 0x1000));
	RET(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
	RET(rmdir("/"));
	RET(rmdir("."));
	RET(rmdir("d/../d/.."));
	RET(rmdir("/tmp/abi/d/"));
	RET(access("d", F_OK));
}

CASE(unlinked_open_file)
{
	char b[16] = "";
	struct stat st;
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0644));

	NEED(write(fd, "hello", 5));
	RET(unlink("f"));
	RET(pread(fd, b, 5, 0));
	RET(fstat(fd, &st));
	SHOW("links %ld size %ld %s", (long)st.st_nlink, (long)st.st_size, b);
	RET(linkat(AT_FDCWD, "/proc/self/fd/99", AT_FDCWD, "g", AT_SYMLINK_FOLLOW));
}

CASE(removed_cwd)
{
	char b[256];

	NEED(mkdir("gone", 0755));
	NEED(chdir("gone"));
	NEED(rmdir("/tmp/abi/gone"));
	RET(syscall(SYS_getcwd, b, sizeof(b)));
	RET(open("x", O_CREAT | O_RDWR, 0644));
	RET(mkdir("x", 0755));
	RET(access(".", F_OK));
	RET(access("..", F_OK));
}

CASE(links)
{
	struct stat a, b;

	abi_file("f", "data", 0644);
	NEED(mkdir("d", 0755));
	RET(link("f", "g"));
	RET(link("f", "g"));
	RET(link("d", "e"));
	RET(link("missing", "h"));
	stat("f", &a);
	stat("g", &b);
	SHOW("same inode %d links %ld", a.st_ino == b.st_ino, (long)a.st_nlink);
	NEED(symlink("f", "s"));
	RET(link("s", "t"));
	show_stat("t");
	RET(linkat(AT_FDCWD, "s", AT_FDCWD, "u", AT_SYMLINK_FOLLOW));
	show_stat("u");
	RET(linkat(AT_FDCWD, "s", AT_FDCWD, "v", 0x4));
	unlink("f");
	show_file("g");
}

CASE(symlinks)
{
	char b[64];
	ssize_t n;

	RET(symlink("", "e"));
	RET(symlink("target", "s"));
	RET(symlink("other", "s"));
	n = RET(readlink("s", b, sizeof(b)));
	SHOW("%.*s", (int)n, b);
	n = RET(readlink("s", b, 3));
	SHOW("%.*s", (int)n, b);
	RET(readlink("s", b, 0));
	RET(readlink(".", b, sizeof(b)));
	RET(readlink("missing", b, sizeof(b)));
	RET(lchown("s", 5, 6));
	show_stat("s");
	RET(chmod("s", 0600));
}

CASE(symlink_chains)
{
	char a[16], b[16];

	abi_file("l0", "end", 0644);
	for (int k = 1; k <= 42; k++) {
		snprintf(a, sizeof(a), "l%d", k - 1);
		snprintf(b, sizeof(b), "l%d", k);
		NEED(symlink(a, b));
	}
	RET(access("l40", F_OK));
	RET(access("l41", F_OK));
}

CASE(rename_rules)
{
	abi_file("f", "f", 0644);
	abi_file("g", "g", 0644);
	NEED(mkdir("d", 0755));
	NEED(mkdir("d/sub", 0755));
	NEED(mkdir("e", 0755));
	RET(rename("f", "f"));
	RET(rename("f", "d"));
	RET(rename("d", "f"));
	RET(rename("d", "d/sub/x"));
	RET(rename("d", "e"));
	RET(rename("e/sub", "e"));
	RET(rename("f", "g"));
	show_file("g");
	RET(rename("missing", "x"));
	RET(rename("", "x"));
	RET(rename("g", ""));
	RET(rename("e", "e/."));
	RET(rename("/", "x"));
	RET(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "e", 1));
	RET(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "e", 2));
	show_stat("g");
	show_stat("e");
	RET(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "new", 1));
	RET(syscall(SYS_renameat2, AT_FDCWD, "new", AT_FDCWD, "gone", 2));
	RET(syscall(SYS_renameat2, AT_FDCWD, "new", AT_FDCWD, "x", 3));
	RET(syscall(SYS_renameat2, AT_FDCWD, "new", AT_FDCWD, "x", 8));
}

CASE(rename_hard_links)
{
	abi_file("f", "data", 0644);
	NEED(link("f", "g"));
	RET(rename("f", "g"));
	show_stat("f");
	show_stat("g");
}

CASE(creation_modes)
{
	struct stat st;

	umask(027);
	NEED(mkdir("d", 02777));
	show_stat("d");
	abi_file("f", "", 06777);
	show_stat("f");
	NEED(mknod("p", S_IFIFO | 0666, 0));
	show_stat("p");
	RET(mknod("c", S_IFCHR | 0600, makedev(1, 3)));
	stat("c", &st);
	SHOW("rdev %d:%d", major(st.st_rdev), minor(st.st_rdev));
	RET(mknod("dd", S_IFDIR | 0755, 0));
	RET(mknod("z", 0644, 0));
	show_stat("z");
	RET(umask(0));
	NEED(chown("d", 0, 7));
	NEED(chmod("d", 02775));
	NEED(mkdir("d/e", 0700));
	show_stat("d/e");
	abi_file("d/f", "", 0600);
	show_stat("d/f");
}

CASE(chmod_chown)
{
	abi_file("f", "", 04755);
	RET(chmod("f", 0170777));
	show_stat("f");
	RET(chmod("f", 06755));
	RET(chown("f", 10, -1));
	show_stat("f");
	RET(chown("f", -1, -1));
	RET(fchmod(99, 0));
	RET(fchownat(AT_FDCWD, "", 1, 1, 0));
	RET(fchownat(AT_FDCWD, "f", 1, 2, 0x8000));
	RET(chown("missing", 1, 1));
	abi_file("w", "", 06777);
	int fd = open("w", O_WRONLY);
	RET(write(fd, "x", 1));
	show_stat("w");
}

CASE(permission_of_others)
{
	NEED(mkdir("private", 0700));
	abi_file("private/f", "x", 0644);
	abi_file("r", "x", 0640);
	abi_file("w", "x", 0602);
	abi_file("x", "x", 0711);
	NEED(mkdir("sticky", 01777));
	abi_file("sticky/root", "x", 0666);
	NEED(chmod("/tmp/abi", 0755));
	NEED(setgid(1000));
	NEED(setuid(1000));
	RET(open("private/f", O_RDONLY));
	RET(open("r", O_RDONLY));
	RET(open("w", O_RDONLY));
	RET(open("w", O_WRONLY) >= 0);
	RET(access("x", X_OK));
	RET(access("x", R_OK));
	RET(execl("x", "x", NULL));
	RET(open("new", O_CREAT | O_WRONLY, 0644));
	RET(unlink("r"));
	RET(unlink("sticky/root"));
	RET(rename("sticky/root", "sticky/r2"));
	RET(chmod("r", 0777));
	RET(chown("r", 1000, 1000));
	RET(mknod("sticky/dev", S_IFCHR | 0666, makedev(1, 3)));
	RET(mknod("sticky/fifo", S_IFIFO | 0666, 0));
	RET(chroot("/"));
	RET(mount("none", "/mnt", "tmpfs", 0, NULL));
	RET(utimensat(AT_FDCWD, "w", NULL, 0));
	RET(utimensat(AT_FDCWD, "w", (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, 0));
	RET(truncate("r", 0));
	RET(chdir("private"));
}

CASE(access_flavours)
{
	abi_file("f", "", 0600);
	RET(access("f", X_OK));
	RET(access("f", R_OK | W_OK));
	RET(access("f", 8));
	RET(faccessat(AT_FDCWD, "f", R_OK, 0));
	RET(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
	RET(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0x10000));
	RET(syscall(SYS_faccessat2, 0, "", R_OK, AT_EMPTY_PATH));
}

CASE(times)
{
	struct timespec ts[2] = { { 1000, 123456789 }, { 2000, 987654321 } };
	struct stat st;

	abi_file("f", "", 0644);
	RET(utimensat(AT_FDCWD, "f", ts, 0));
	stat("f", &st);
	SHOW("%ld.%09ld %ld.%09ld", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec,
	     st.st_mtim.tv_nsec);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	RET(utimensat(AT_FDCWD, "f", ts, 0));
	stat("f", &st);
	SHOW("%ld.%09ld now %d", st.st_atim.tv_sec, st.st_atim.tv_nsec,
	     st.st_mtim.tv_sec > 1000000);
	ts[0].tv_nsec = 1000000000;
	RET(utimensat(AT_FDCWD, "f", ts, 0));
	ts[0].tv_nsec = -1;
	RET(utimensat(AT_FDCWD, "f", ts, 0));
	RET(utimensat(AT_FDCWD, "missing", NULL, 0));
	RET(utimensat(AT_FDCWD, NULL, NULL, 0));
	RET(utimensat(AT_FDCWD, "f", NULL, 0x7));
	NEED(symlink("f", "s"));
	ts[0] = (struct timespec){ 5, 0 };
	ts[1] = (struct timespec){ 6, 0 };
	RET(utimensat(AT_FDCWD, "s", ts, AT_SYMLINK_NOFOLLOW));
	lstat("s", &st);
	SHOW("%ld %ld", st.st_atim.tv_sec, st.st_mtim.tv_sec);
}

CASE(mtime_changes)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct stat st;
	int fd;

	abi_file("f", "x", 0644);
	NEED(mkdir("d", 0755));
	utimensat(AT_FDCWD, "f", old, 0);
	utimensat(AT_FDCWD, "d", old, 0);
	fd = open("f", O_WRONLY);
	write(fd, "", 0);
	stat("f", &st);
	SHOW("after empty write: %d", st.st_mtime != 1000);
	write(fd, "y", 1);
	stat("f", &st);
	SHOW("after write: %d", st.st_mtime != 1000);
	utimensat(AT_FDCWD, "f", old, 0);
	ftruncate(fd, 1);
	stat("f", &st);
	SHOW("after same-size truncate: %d", st.st_mtime != 1000);
	abi_file("d/x", "", 0644);
	stat("d", &st);
	SHOW("directory after create: %d", st.st_mtime != 1000);
	utimensat(AT_FDCWD, "d", old, 0);
	rename("d/x", "d/y");
	stat("d", &st);
	SHOW("directory after rename: %d", st.st_mtime != 1000);
}

CASE(lseek_rules)
{
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0644)), p[2];

	NEED(pipe(p));
	NEED(write(fd, "0123456789", 10));
	RET(lseek(fd, 0, SEEK_CUR));
	RET(lseek(fd, -3, SEEK_END));
	RET(lseek(fd, -1, SEEK_SET));
	RET(lseek(fd, 100, SEEK_SET));
	RET(lseek(fd, 0, 9));
	RET(lseek(p[0], 0, SEEK_CUR));
	RET(lseek(99, 0, SEEK_CUR));
	RET(lseek(fd, 0, SEEK_DATA));
	RET(lseek(fd, 0, SEEK_HOLE));
	RET(lseek(fd, 10, SEEK_DATA));
	RET(lseek(fd, 11, SEEK_HOLE));
	RET(lseek(fd, INT64_MAX, SEEK_SET) == INT64_MAX);
	RET(lseek(fd, 1, SEEK_CUR));
}

CASE(sparse_files)
{
	struct stat st;
	char b[8];
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0644));

	RET(pwrite(fd, "end", 3, 1 << 20));
	RET(pread(fd, b, 8, 5000));
	SHOW("%d %d", b[0], b[7]);
	fstat(fd, &st);
	SHOW("size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	RET(lseek(fd, 0, SEEK_DATA));
	RET(lseek(fd, 1 << 20, SEEK_HOLE));
	RET(fallocate(fd, 0, 0, 8192));
	fstat(fd, &st);
	SHOW("size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	fstat(fd, &st);
	SHOW("size %ld blocks %ld", (long)st.st_size, (long)st.st_blocks);
	RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
	RET(fallocate(fd, 0, -1, 4096));
	RET(fallocate(fd, 0, 0, 0));
	RET(fallocate(fd, 0, INT64_MAX - 10, 100));
	RET(fallocate(fd, FALLOC_FL_KEEP_SIZE, 4 << 20, 4096));
	fstat(fd, &st);
	SHOW("size %ld", (long)st.st_size);
}

CASE(truncate_rules)
{
	struct stat st;
	char b[16];
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0644));

	NEED(write(fd, "0123456789", 10));
	RET(ftruncate(fd, 4));
	RET(ftruncate(fd, 8));
	RET(pread(fd, b, 16, 0));
	SHOW("%.4s %d %d", b, b[4], b[7]);
	RET(ftruncate(fd, -1));
	RET(truncate("f", -1));
	RET(truncate("missing", 0));
	RET(truncate(".", 0));
	close(fd);
	fd = open("f", O_RDONLY);
	RET(ftruncate(fd, 0));
	RET(truncate("f", 1 << 20));
	stat("f", &st);
	SHOW("size %ld", (long)st.st_size);
}

CASE(append_semantics)
{
	char b[32] = "";
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT | O_APPEND, 0644)), fd2;

	NEED(write(fd, "one", 3));
	fd2 = (int)NEED(open("f", O_WRONLY));
	RET(pwrite(fd, "two", 3, 0));
	RET(lseek(fd, 0, SEEK_CUR));
	NEED(write(fd2, "X", 1));
	NEED(write(fd, "three", 5));
	RET(lseek(fd, 0, SEEK_CUR));
	RET(pread(fd, b, 31, 0));
	SHOW("%s", b);
	RET(fcntl(fd, F_SETFL, 0));
	lseek(fd, 0, SEEK_SET);
	NEED(write(fd, "O", 1));
	memset(b, 0, sizeof(b));
	pread(fd, b, 31, 0);
	SHOW("%s", b);
}

CASE(pread_pwrite_keep_offset)
{
	char b[8] = "";
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0644)), p[2];

	NEED(pipe(p));
	NEED(write(fd, "abcdef", 6));
	lseek(fd, 2, SEEK_SET);
	RET(pread(fd, b, 2, 4));
	RET(pwrite(fd, "ZZ", 2, 0));
	RET(lseek(fd, 0, SEEK_CUR));
	RET(pread(fd, b, 2, -1));
	RET(pread(p[0], b, 2, 0));
	RET(pwrite(p[1], b, 2, 0));
	RET(read(fd, NULL, 0));
	RET(read(fd, (void *)8, 1));
	RET(write(fd, (void *)8, 1));
	close(fd);
	fd = open("f", O_WRONLY);
	RET(read(fd, b, 1));
	fd = open("f", O_RDONLY);
	RET(write(fd, b, 1));
	RET(read(99, b, 1));
	fd = open(".", O_RDONLY);
	RET(read(fd, b, 1));
	RET(write(fd, b, 1));
}

CASE(vectors)
{
	char a[4] = "", b[8] = "";
	struct iovec v[3] = { { "abc", 3 }, { NULL, 0 }, { "defg", 4 } };
	struct iovec r[2] = { { a, 2 }, { b, 8 } };
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0644));

	RET(writev(fd, v, 3));
	lseek(fd, 0, SEEK_SET);
	RET(readv(fd, r, 2));
	SHOW("%s %s", a, b);
	RET(readv(fd, r, 0));
	RET(readv(fd, r, -1));
	RET(readv(fd, r, 1025));
	v[0].iov_len = (size_t)-1;
	RET(writev(fd, v, 3));
	v[0].iov_len = 3;
	v[2].iov_base = (void *)8;
	lseek(fd, 0, SEEK_SET);
	RET(writev(fd, v, 3));
	RET(preadv(fd, r, 2, 1));
	SHOW("%.2s", a);
	RET(syscall(SYS_preadv2, fd, r, 2, -1L, -1L, 0));
	RET(syscall(SYS_preadv2, fd, r, 2, 0L, 0L, 0x1000));
}

CASE(dup_and_fcntl)
{
	struct rlimit rl = { 64, 64 };
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0644));

	RET(dup(99));
	RET(dup2(fd, fd) == fd);
	RET(dup2(99, 99));
	RET(dup2(fd, -1));
	RET(dup3(fd, fd, 0));
	RET(dup3(fd, 50, 0x1234));
	RET(dup3(fd, 50, O_CLOEXEC));
	RET(fcntl(50, F_GETFD));
	RET(fcntl(fd, F_GETFD));
	RET(fcntl(fd, F_SETFD, 0xff));
	RET(fcntl(fd, F_GETFD));
	RET(fcntl(fd, F_DUPFD, 60));
	RET(fcntl(fd, F_DUPFD_CLOEXEC, 60));
	NEED(setrlimit(RLIMIT_NOFILE, &rl));
	RET(fcntl(fd, F_DUPFD, 64));
	RET(fcntl(fd, F_DUPFD, -1));
	RET(dup2(fd, 64));
	RET(fcntl(fd, F_GETFL) & ~0100000);
	RET(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY | O_CREAT));
	RET(fcntl(fd, F_GETFL) & ~0100000);
	RET(fcntl(fd, 9999));
	RET(fcntl(99, F_GETFL));
	RET(fcntl(fd, F_GETPIPE_SZ));
	RET(close(99));
	RET(close(fd));
	RET(close(fd));
}

CASE(shared_offsets)
{
	char b[4] = "";
	int fd, d;
	pid_t pid;

	abi_file("f", "abcdefgh", 0644);
	fd = (int)NEED(open("f", O_RDONLY));
	d = dup(fd);
	NEED(read(fd, b, 2));
	RET(lseek(d, 0, SEEK_CUR));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		NEED(read(d, b, 2));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	RET(lseek(fd, 0, SEEK_CUR));
}

CASE(nofile_limit)
{
	struct rlimit rl = { 20, 20 };
	int n = 0;

	NEED(setrlimit(RLIMIT_NOFILE, &rl));
	while (open("/dev/null", O_RDONLY) >= 0)
		n++;
	SHOW("last %s, highest %d", abi_errname(errno), 3 + n <= 20 ? 1 : 0);
	RET(open("f", O_CREAT | O_WRONLY, 0644));
	RET(access("f", F_OK));
}

CASE(file_size_limit)
{
	struct rlimit rl = { 10, 100 };
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0644));

	signal(SIGXFSZ, SIG_IGN);
	NEED(setrlimit(RLIMIT_FSIZE, &rl));
	RET(write(fd, "0123456789abc", 13));
	RET(write(fd, "x", 1));
	RET(ftruncate(fd, 11));
	RET(pwrite(fd, "x", 1, 20));
	signal(SIGXFSZ, SIG_DFL);
	RET(write(fd, "x", 1));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
	char *names[64];
	int n = 0;
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d) {
		SHOW("%s: %s", path, abi_errname(errno));
		return;
	}
	while ((e = readdir(d)) && n < 64) {
		char *line = malloc(300);

		snprintf(line, 300, "%s type %d", e->d_name, e->d_type);
		names[n++] = line;
	}
	closedir(d);
	qsort(names, (size_t)n, sizeof(names[0]), by_name);
	for (int k = 0; k < n; k++)
		SHOW("%s", names[k]);
}

CASE(directory_listing)
{
	abi_file("file", "", 0644);
	NEED(mkdir("dir", 0755));
	NEED(symlink("x", "link"));
	NEED(mknod("fifo", S_IFIFO | 0644, 0));
	list(".");
	list("dir");
	list("file");
	list("missing");
}

CASE(getdents_errors)
{
	char b[512];
	int fd = (int)NEED(open(".", O_RDONLY)), f = (int)NEED(open("f", O_RDWR | O_CREAT, 0644));

	RET(syscall(SYS_getdents64, fd, b, 10));
	RET(syscall(SYS_getdents64, fd, (void *)8, 512));
	RET(syscall(SYS_getdents64, f, b, 512));
	RET(syscall(SYS_getdents64, 99, b, 512));
	RET(syscall(SYS_getdents64, fd, b, 512) > 0);
	RET(syscall(SYS_getdents64, fd, b, 512));
	RET(lseek(fd, 0, SEEK_SET));
	RET(syscall(SYS_getdents64, fd, b, 512) > 0);
}

CASE(remove_while_reading)
{
	char name[32];
	int removed = 0;
	struct dirent *e;
	DIR *d;

	NEED(mkdir("many", 0755));
	for (int k = 0; k < 500; k++) {
		snprintf(name, sizeof(name), "many/file-%d", k);
		abi_file(name, "", 0644);
	}
	d = opendir("many");
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "many/%.20s", e->d_name);
		NEED(unlink(name));
		removed++;
	}
	closedir(d);
	SHOW("removed %d", removed);
	RET(rmdir("many"));
}

CASE(chdir_getcwd)
{
	char b[300];
	int fd;

	NEED(mkdir("a", 0755));
	NEED(mkdir("a/b", 0755));
	RET(chdir("a/b"));
	RET(syscall(SYS_getcwd, b, sizeof(b)));
	SHOW("%s", b);
	RET(syscall(SYS_getcwd, b, 5));
	RET(syscall(SYS_getcwd, b, 0));
	RET(chdir(".."));
	RET(chdir("missing"));
	RET(chdir("/etc/passwd"));
	fd = (int)NEED(open("b", O_RDONLY));
	RET(fchdir(fd));
	RET(syscall(SYS_getcwd, b, sizeof(b)));
	SHOW("%s", b);
	RET(fchdir(99));
	RET(rename("/tmp/abi/a", "/tmp/abi/c"));
	RET(syscall(SYS_getcwd, b, sizeof(b)));
	SHOW("%s", b);
}

CASE(o_path)
{
	struct stat st;
	char b[4];
	int fd, f2;

	abi_file("f", "data", 0644);
	NEED(symlink("f", "s"));
	fd = (int)NEED(open("f", O_PATH));
	RET(read(fd, b, 1));
	RET(write(fd, b, 1));
	RET(fstat(fd, &st));
	RET(fchmod(fd, 0600));
	RET(fcntl(fd, F_GETFL) & O_PATH);
	RET(ioctl(fd, 0x5401, b));
	RET(lseek(fd, 0, SEEK_SET));
	f2 = (int)NEED(open("s", O_PATH | O_NOFOLLOW));
	RET(fstat(f2, &st));
	SHOW("link %d", S_ISLNK(st.st_mode));
	RET(readlinkat(f2, "", b, 4));
	RET(fstatat(fd, "", &st, AT_EMPTY_PATH));
	RET(fstatat(fd, "", &st, 0));
	RET(fchownat(fd, "", 1, 1, AT_EMPTY_PATH));
	RET(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
}

CASE(o_tmpfile)
{
	char path[64];
	struct stat st;
	int fd = (int)NEED(open(".", O_TMPFILE | O_RDWR, 0600));

	NEED(write(fd, "hidden", 6));
	fstat(fd, &st);
	SHOW("links %ld size %ld", (long)st.st_nlink, (long)st.st_size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	RET(linkat(AT_FDCWD, path, AT_FDCWD, "visible", AT_SYMLINK_FOLLOW));
	show_file("visible");
	fd = (int)NEED(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	RET(linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
	RET(open(".", O_TMPFILE | O_RDONLY, 0600));
}

static long openat2_try(const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };
	int dir = open(".", O_RDONLY);
	long rc = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	int err = errno;

	close(dir);
	if (rc >= 0) {
		close((int)rc);
		rc = 0;
	}
	errno = err;
	return rc;
}

CASE(openat2_resolve)
{
	struct open_how how = { 0 };

	NEED(mkdir("d", 0755));
	abi_file("d/f", "x", 0644);
	NEED(symlink("d/f", "rel"));
	NEED(symlink("/tmp/abi/d/f", "abs"));
	NEED(symlink("../../etc/passwd", "esc"));
	RET(openat2_try("d/f", O_RDONLY, RESOLVE_BENEATH));
	RET(openat2_try("rel", O_RDONLY, RESOLVE_BENEATH));
	RET(openat2_try("abs", O_RDONLY, RESOLVE_BENEATH));
	RET(openat2_try("esc", O_RDONLY, RESOLVE_BENEATH));
	RET(openat2_try("d/../d/f", O_RDONLY, RESOLVE_BENEATH));
	RET(openat2_try("../abi/d/f", O_RDONLY, RESOLVE_BENEATH));
	RET(openat2_try("/d/f", O_RDONLY, RESOLVE_IN_ROOT));
	RET(openat2_try("../../d/f", O_RDONLY, RESOLVE_IN_ROOT));
	RET(openat2_try("abs", O_RDONLY, RESOLVE_IN_ROOT));
	RET(openat2_try("rel", O_RDONLY, RESOLVE_NO_SYMLINKS));
	RET(openat2_try("/proc/self/exe", O_RDONLY, RESOLVE_NO_MAGICLINKS));
	RET(openat2_try("/proc/version", O_RDONLY, RESOLVE_NO_XDEV));
	RET(openat2_try("d/f", O_RDONLY, 0x1000));
	RET(openat2_try("d/f", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
	RET(openat2_try("d/f", 1ull << 40, 0));
	RET(syscall(SYS_openat2, AT_FDCWD, "d/f", &how, 8));
	how.mode = 0644;
	RET(syscall(SYS_openat2, AT_FDCWD, "d/f", &how, sizeof(how)));
	RET(syscall(SYS_openat2, AT_FDCWD, "d/f", NULL, sizeof(how)));
}

CASE(flock_rules)
{
	int a = (int)NEED(open("f", O_RDWR | O_CREAT, 0644)), b = (int)NEED(open("f", O_RDWR));
	int c = dup(a);

	RET(flock(a, LOCK_EX));
	RET(flock(b, LOCK_EX | LOCK_NB));
	RET(flock(b, LOCK_SH | LOCK_NB));
	RET(flock(c, LOCK_SH | LOCK_NB));
	RET(flock(b, LOCK_SH | LOCK_NB));
	RET(flock(a, LOCK_EX | LOCK_NB));
	RET(flock(b, LOCK_UN));
	RET(flock(a, LOCK_EX | LOCK_NB));
	close(a);
	RET(flock(b, LOCK_SH | LOCK_NB));
	close(c);
	RET(flock(b, LOCK_SH | LOCK_NB));
	RET(flock(b, 77));
}

static int lock_in_child(int fd, struct flock fl, int cmd)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fcntl(fd, cmd, &fl) ? errno : 0);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

CASE(posix_locks)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	int a = (int)NEED(open("f", O_RDWR | O_CREAT, 0644)), b = (int)NEED(open("f", O_RDWR));
	int ro;

	RET(fcntl(a, F_SETLK, &fl));
	SHOW("child same range: %s", abi_errname(lock_in_child(b, fl, F_SETLK)));
	fl.l_start = 20;
	SHOW("child next range: %d", lock_in_child(b, fl, F_SETLK));
	fl.l_start = 0;
	fl.l_len = 0;
	fl.l_type = F_RDLCK;
	RET(fcntl(b, F_GETLK, &fl));
	SHOW("own lock seen: %d", fl.l_type == F_UNLCK);
	close(b);
	fl = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	SHOW("after any close: %d", lock_in_child(a, fl, F_SETLK));
	fl.l_type = 9;
	RET(fcntl(a, F_SETLK, &fl));
	fl.l_type = F_WRLCK;
	fl.l_whence = 9;
	RET(fcntl(a, F_SETLK, &fl));
	fl.l_whence = SEEK_SET;
	fl.l_start = -1;
	RET(fcntl(a, F_SETLK, &fl));
	ro = (int)NEED(open("f", O_RDONLY));
	fl.l_start = 0;
	RET(fcntl(ro, F_SETLK, &fl));
	fl.l_type = F_RDLCK;
	RET(fcntl(ro, F_SETLK, &fl));
	fl.l_start = 5;
	fl.l_len = -5;
	RET(fcntl(ro, F_SETLK, &fl));
}

CASE(ofd_locks)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	int a = (int)NEED(open("f", O_RDWR | O_CREAT, 0644)), b = (int)NEED(open("f", O_RDWR));

	RET(fcntl(a, F_OFD_SETLK, &fl));
	RET(fcntl(b, F_OFD_SETLK, &fl));
	RET(fcntl(b, F_OFD_GETLK, &fl));
	SHOW("type %d pid %d", fl.l_type, fl.l_pid);
	close(dup(a));
	fl = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10 };
	RET(fcntl(b, F_OFD_SETLK, &fl));
	close(a);
	RET(fcntl(b, F_OFD_SETLK, &fl));
	fl.l_pid = 5;
	RET(fcntl(b, F_OFD_SETLK, &fl));
}

CASE(xattrs)
{
	char b[64];
	ssize_t n;

	abi_file("f", "", 0644);
	RET(setxattr("f", "trusted.one", "1", 1, 0));
	RET(setxattr("f", "trusted.one", "2", 1, XATTR_CREATE));
	RET(setxattr("f", "trusted.two", "2", 1, XATTR_REPLACE));
	RET(getxattr("f", "trusted.one", b, sizeof(b)));
	RET(getxattr("f", "trusted.one", b, 0));
	RET(getxattr("f", "trusted.none", b, sizeof(b)));
	RET(setxattr("f", "trusted.long", "0123456789", 10, 0));
	RET(getxattr("f", "trusted.long", b, 5));
	RET(setxattr("f", "nonsense", "1", 1, 0));
	RET(setxattr("f", "", "1", 1, 0));
	RET(setxattr("missing", "trusted.x", "1", 1, 0));
	RET(removexattr("f", "trusted.one"));
	RET(removexattr("f", "trusted.one"));
	n = RET(listxattr("f", b, sizeof(b)));
	SHOW("%s", n > 0 ? b : "");
}

CASE(statfs_and_statvfs)
{
	struct statfs st;

	RET(statfs("/proc", &st));
	SHOW("type %#lx bsize %ld namelen %ld", (long)st.f_type, (long)st.f_bsize,
	     (long)st.f_namelen);
	RET(statfs("/tmp", &st));
	SHOW("type %#lx bsize %ld blocks %d namelen %ld", (long)st.f_type, (long)st.f_bsize,
	     st.f_blocks > 0, (long)st.f_namelen);
	RET(statfs("missing", &st));
	RET(fstatfs(99, &st));
}

CASE(statx_fields)
{
	struct statx sx;

	abi_file("f", "hello", 0640);
	RET(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
	SHOW("mask %#x mode %o size %d nlink %d", sx.stx_mask & STATX_BASIC_STATS, sx.stx_mode,
	     (int)sx.stx_size, sx.stx_nlink);
	RET(syscall(SYS_statx, AT_FDCWD, "", AT_EMPTY_PATH, STATX_MODE, &sx));
	RET(syscall(SYS_statx, AT_FDCWD, "", 0, STATX_MODE, &sx));
	RET(syscall(SYS_statx, AT_FDCWD, "f", 0x8000, STATX_MODE, &sx));
	RET(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000u, &sx));
	RET(syscall(SYS_statx, AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, 0, &sx));
}

CASE(copies_between_files)
{
	off_t off = 2;
	loff_t in = 1, out = 3;
	char b[32] = "";
	int a, c;

	abi_file("a", "0123456789", 0644);
	a = (int)NEED(open("a", O_RDONLY));
	c = (int)NEED(open("c", O_RDWR | O_CREAT, 0644));
	RET(sendfile(c, a, &off, 5));
	RET(off);
	RET(lseek(a, 0, SEEK_CUR));
	RET(sendfile(c, a, NULL, 3));
	RET(copy_file_range(a, &in, c, &out, 4, 0));
	RET(pread(c, b, 31, 0));
	SHOW("%s in %ld out %ld", b, (long)in, (long)out);
	RET(copy_file_range(a, NULL, c, NULL, 100, 0));
	RET(copy_file_range(a, NULL, c, NULL, 1, 1));
	RET(sendfile(99, a, NULL, 1));
	RET(sendfile(a, c, NULL, 1));
}

CASE(close_range_call)
{
	for (int k = 10; k < 20; k++)
		dup2(1, k);
	RET(syscall(SYS_close_range, 12, 15, 0));
	RET(fcntl(11, F_GETFD));
	RET(fcntl(12, F_GETFD));
	RET(fcntl(15, F_GETFD));
	RET(fcntl(16, F_GETFD));
	RET(syscall(SYS_close_range, 16, 17, 4));
	RET(fcntl(16, F_GETFD));
	RET(syscall(SYS_close_range, 20, 10, 0));
	RET(syscall(SYS_close_range, 16, ~0u, 0x80));
	RET(syscall(SYS_close_range, 3, ~0u, 0));
	RET(fcntl(19, F_GETFD));
}

CASE(device_nodes)
{
	char b[8];
	int full = (int)NEED(open("/dev/full", O_RDWR)),
	    null = (int)NEED(open("/dev/null", O_RDWR));
	int zero = (int)NEED(open("/dev/zero", O_RDWR));

	RET(write(full, "x", 1));
	RET(read(full, b, 8));
	RET(read(null, b, 8));
	RET(write(null, b, 8));
	RET(lseek(null, 100, SEEK_SET));
	memset(b, 1, 8);
	RET(read(zero, b, 8));
	SHOW("%d %d", b[0], b[7]);
	RET(open("/dev/tty", O_RDWR) >= 0 ? 0 : -1);
	RET(ftruncate(null, 0));
	RET(fsync(null));
	RET(mkdir("/dev/null/x", 0755));
}

CASE(proc_links)
{
	char b[256];
	ssize_t n;
	int fd;

	abi_file("f", "hello", 0644);
	fd = (int)NEED(open("f", O_RDONLY));
	dup2(fd, 30);
	n = RET(readlink("/proc/self/fd/30", b, sizeof(b)));
	SHOW("%.*s", (int)n, b);
	unlink("f");
	n = readlink("/proc/self/fd/30", b, sizeof(b));
	SHOW("%.*s", (int)n, b);
	fd = (int)OK(open("/proc/self/fd/30", O_RDONLY));
	RET(read(fd, b, 10));
	n = readlink("/proc/self/cwd", b, sizeof(b));
	SHOW("%.*s", (int)n, b);
	n = readlink("/proc/self/root", b, sizeof(b));
	SHOW("%.*s", (int)n, b);
	RET(readlink("/proc/self/fd/77", b, sizeof(b)));
	RET(pipe((int[2]){ 0, 0 }));
	RET(open("/proc/self/fd/77", O_RDONLY));
}

CASE(fifo_open)
{
	int r, w;
	char b[4];

	NEED(mkfifo("p", 0600));
	RET(open("p", O_WRONLY | O_NONBLOCK));
	r = (int)OK(open("p", O_RDONLY | O_NONBLOCK));
	w = (int)OK(open("p", O_WRONLY | O_NONBLOCK));
	RET(read(r, b, 4));
	RET(write(w, "ab", 2));
	RET(read(r, b, 4));
	close(w);
	RET(read(r, b, 4));
	RET(open("p", O_RDWR) >= 0);
	RET(lseek(r, 0, SEEK_SET));
}
