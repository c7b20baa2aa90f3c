/* SPDX-License-Identifier: MIT */
/* Mounting: tmpfs and its options, bind, remount, move, lazy and expiring unmount, pivot_root, what
 * is refused. Each case mounts below its own directory and lets the end of the case's namespace be:
 * what is left mounted is unmounted by the case itself. */
#define _GNU_SOURCE
#include "abi.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MNT_EXPIRE
#define MNT_EXPIRE 4
#endif
#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8
#endif

static void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	write(fd, text, strlen(text));
	close(fd);
}

static int exists(const char *path)
{
	return access(path, F_OK) == 0;
}

CASE(mount_errors)
{
	mkdir("d", 0755);
	put_file("f", "x");
	RET(mount("none", "missing", "tmpfs", 0, NULL));
	RET(mount("none", "d", "nosuchfs", 0, NULL));
	RET(mount("none", "d", NULL, 0, NULL));
	RET(mount("none", "f", "tmpfs", 0, NULL));
	RET(mount("none", "d", "tmpfs", 0, "size=abc"));
	RET(mount("none", "d", "tmpfs", 0, "nosuchoption=1"));
	RET(mount(NULL, "d", NULL, MS_BIND, NULL));
	RET(mount("missing", "d", NULL, MS_BIND, NULL));
	RET(mount("f", "d", NULL, MS_BIND, NULL));
	RET(mount("d", "f", NULL, MS_BIND, NULL));
	RET(mount("none", "d", NULL, MS_REMOUNT, NULL));
	RET(mount(NULL, "d", NULL, MS_MOVE, NULL));
	RET(mount("d", "d", NULL, MS_MOVE, NULL));
	RET(mount(NULL, "d", NULL, MS_PRIVATE, NULL));
	RET(mount(NULL, "/", NULL, MS_PRIVATE | MS_SHARED, NULL));
	RET(mount(NULL, "/", NULL, MS_PRIVATE, NULL));
	RET(mount((void *)8, "d", "tmpfs", 0, NULL));
	RET(mount("none", (void *)8, "tmpfs", 0, NULL));
	RET(umount2("d", 0));
	RET(umount2("missing", 0));
	RET(umount2("d", 0x100));
	RET(umount2("/proc", MNT_EXPIRE | MNT_DETACH));
}

CASE(mount_needs_root)
{
	mkdir("d", 0777);
	RET(mount("none", "d", "tmpfs", 0, NULL));
	if (setresuid(1000, 1000, 1000) == 0) {
		RET(mount("none", "d", "tmpfs", 0, NULL));
		RET(umount2("d", 0));
		RET(umount2("missing", 0));
		RET(chroot("d"));
		RET(syscall(SYS_pivot_root, "d", "d"));
	}
}

CASE(tmpfs_hides_and_gives_back)
{
	struct stat a, b;

	mkdir("d", 0755);
	put_file("d/under", "x");
	stat("d", &a);
	RET(mount("none", "d", "tmpfs", 0, "mode=0750,uid=5,gid=6"));
	stat("d", &b);
	SHOW("other device: %d, root inode %lu, mode %o, owner %u:%u", a.st_dev != b.st_dev,
	     (unsigned long)b.st_ino, b.st_mode, b.st_uid, b.st_gid);
	SHOW("hidden: %d", !exists("d/under"));
	put_file("d/over", "y");
	RET(rmdir("d"));
	RET(rename("d", "e"));
	RET(link("d/over", "over"));
	RET(rename("d/over", "over"));
	SHOW("..: %d", (stat("d/..", &b), b.st_ino != 0 && b.st_dev == a.st_dev));
	RET(umount2("d", 0));
	SHOW("back: %d, gone: %d", exists("d/under"), !exists("d/over"));
	RET(rename("d", "e"));
}

CASE(tmpfs_limits)
{
	static char page[4096];
	struct statfs s;
	int fd, n = 0;

	mkdir("d", 0755);
	RET(mount("none", "d", "tmpfs", 0, "size=64k,nr_inodes=5"));
	statfs("d", &s);
	SHOW("type %lx bsize %ld blocks %ld bfree %ld files %ld ffree %ld", (long)s.f_type,
	     (long)s.f_bsize, (long)s.f_blocks, (long)s.f_bfree, (long)s.f_files, (long)s.f_ffree);
	fd = open("d/f", O_RDWR | O_CREAT, 0644);
	while (n < 100 && write(fd, page, sizeof(page)) == sizeof(page))
		n++;
	SHOW("pages written: %d", n);
	RET(write(fd, page, 1));
	statfs("d", &s);
	SHOW("bfree %ld ffree %ld", (long)s.f_bfree, (long)s.f_ffree);
	RET(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192));
	statfs("d", &s);
	SHOW("bfree %ld", (long)s.f_bfree);
	RET(fallocate(fd, 0, 0, 1 << 20));
	RET(ftruncate(fd, 0));
	statfs("d", &s);
	SHOW("bfree %ld", (long)s.f_bfree);
	RET(mkdir("d/1", 0755));
	RET(symlink("x", "d/2"));
	RET(mknod("d/3", S_IFIFO | 0644, 0));
	RET(mknod("d/4", S_IFIFO | 0644, 0));
	OK(open("d/5", O_CREAT | O_WRONLY, 0644));
	RET(unlink("d/3"));
	OK(open("d/5", O_CREAT | O_WRONLY, 0644));
	RET(mount("none", "d", NULL, MS_REMOUNT, "size=128k"));
	statfs("d", &s);
	SHOW("blocks %ld", (long)s.f_blocks);
	RET(umount2("d", 0));
	umount2("d", MNT_DETACH);
}

CASE(umount_busy_and_lazy)
{
	int fd;
	char c = 0;

	mkdir("d", 0755);
	mount("none", "d", "tmpfs", 0, NULL);
	put_file("d/f", "q");
	fd = open("d/f", O_RDONLY);
	RET(umount2("d", 0));
	RET(umount2("d", MNT_DETACH));
	SHOW("hidden: %d", !exists("d/f"));
	SHOW("still read: %ld %c", (long)read(fd, &c, 1), c);
	close(fd);
	RET(umount2("d", 0));
	mount("none", "d", "tmpfs", 0, NULL);
	chdir("d");
	RET(umount2("../d", 0));
	RET(umount2("../d", MNT_DETACH));
	OK(open("new", O_CREAT | O_WRONLY, 0644));
	SHOW("getcwd: %d", getcwd((char[256]){ 0 }, 256) != NULL);
}

CASE(umount_expire)
{
	int fd;

	mkdir("d", 0755);
	mount("none", "d", "tmpfs", 0, NULL);
	put_file("d/f", "q");
	fd = open("d/f", O_RDONLY);
	RET(umount2("d", MNT_EXPIRE));
	close(fd);
	RET(umount2("d", MNT_EXPIRE));
	RET(umount2("d", MNT_EXPIRE));
	SHOW("gone: %d", !exists("d/f"));
}

CASE(umount_nofollow)
{
	mkdir("d", 0755);
	mount("none", "d", "tmpfs", 0, NULL);
	symlink("d", "s");
	RET(umount2("s", UMOUNT_NOFOLLOW));
	RET(umount2("s", 0));
	RET(umount2("d", 0));
}

CASE(stacked_mounts)
{
	mkdir("d", 0755);
	mount("none", "d", "tmpfs", 0, NULL);
	put_file("d/one", "");
	mount("none", "d", "tmpfs", 0, NULL);
	put_file("d/two", "");
	SHOW("%d %d", exists("d/one"), exists("d/two"));
	umount2("d", 0);
	SHOW("%d %d", exists("d/one"), exists("d/two"));
	umount2("d", 0);
	SHOW("%d %d", exists("d/one"), exists("d/two"));
}

CASE(bind_mounts)
{
	struct stat a, b;

	mkdir("src", 0755);
	mkdir("src/sub", 0755);
	mkdir("dst", 0755);
	put_file("src/f", "text");
	put_file("file", "");
	RET(mount("src", "dst", NULL, MS_BIND, NULL));
	stat("src/f", &a);
	stat("dst/f", &b);
	SHOW("same file: %d", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	RET(link("src/f", "dst/g"));
	RET(rename("src/f", "dst/f2"));
	RET(mount("src/f", "file", NULL, MS_BIND, NULL));
	SHOW("file size: %ld", (stat("file", &a), (long)a.st_size));
	RET(unlink("file"));
	RET(rename("src/f", "src/h"));
	RET(umount2("file", 0));
	RET(unlink("file"));
	mount("none", "src/sub", "tmpfs", 0, NULL);
	put_file("src/sub/deep", "");
	SHOW("not recursive: %d", !exists("dst/sub/deep"));
	RET(umount2("dst", 0));
	RET(mount("src", "dst", NULL, MS_BIND | MS_REC, NULL));
	SHOW("recursive: %d", exists("dst/sub/deep"));
	RET(umount2("dst", 0));
	RET(umount2("dst", MNT_DETACH));
	RET(umount2("src/sub", 0));
}

CASE(read_only)
{
	int fd;

	mkdir("d", 0755);
	mkdir("b", 0755);
	mount("none", "d", "tmpfs", 0, NULL);
	put_file("d/f", "x");
	mount("d", "b", NULL, MS_BIND, NULL);
	RET(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	OK(open("b/f", O_WRONLY));
	OK(open("b/new", O_WRONLY | O_CREAT, 0644));
	OK(open("b/f", O_RDONLY | O_CREAT, 0644));
	OK(open("b/f", O_RDONLY | O_TRUNC));
	RET(mkdir("b/dir", 0755));
	RET(mkdir("b/f", 0755));
	RET(unlink("b/f"));
	RET(unlink("b/missing"));
	RET(rmdir("b/missing"));
	RET(rename("b/f", "b/g"));
	RET(link("b/f", "b/g"));
	RET(symlink("x", "b/g"));
	RET(chmod("b/f", 0600));
	RET(chown("b/f", 1, 1));
	RET(truncate("b/f", 0));
	RET(utimensat(AT_FDCWD, "b/f", NULL, 0));
	RET(access("b/f", W_OK));
	RET(access("b/f", R_OK));
	fd = open("d/f", O_WRONLY);
	SHOW("other view writable: %d", fd >= 0);
	RET(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	close(fd);
	RET(mount(NULL, "d", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	OK(open("d/f", O_WRONLY));
	RET(access("d/f", W_OK));
	RET(mount(NULL, "d", NULL, MS_REMOUNT, NULL));
	OK(open("d/f", O_WRONLY));
	umount2("b", MNT_DETACH);
	umount2("d", MNT_DETACH);
}

CASE(flags_noexec_nodev)
{
	struct statvfs s;
	struct stat st;

	mkdir("d", 0755);
	mount("none", "d", "tmpfs", MS_NOEXEC | MS_NODEV | MS_NOSUID | MS_NOATIME, NULL);
	statvfs("d", &s);
	SHOW("flags %lx", s.f_flag);
	put_file("d/x", "#!/bin/sh\n");
	chmod("d/x", 0755);
	RET(execl("d/x", "x", (char *)NULL));
	RET(access("d/x", X_OK));
	mknod("d/null", S_IFCHR | 0666, 0x103);
	OK(open("d/null", O_RDONLY));
	stat("d/null", &st);
	SHOW("rdev %lx", (unsigned long)st.st_rdev);
	mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND, NULL);
	statvfs("d", &s);
	SHOW("flags %lx", s.f_flag);
	SHOW("null opens: %d", open("d/null", O_RDONLY) >= 0);
	umount2("d", MNT_DETACH);
}

CASE(move_mount)
{
	mkdir("a", 0755);
	mkdir("b", 0755);
	mount("none", "a", "tmpfs", 0, NULL);
	put_file("a/f", "");
	mkdir("a/in", 0755);
	RET(mount("a", "a/in", NULL, MS_MOVE, NULL));
	RET(mount("a", "b", NULL, MS_MOVE, NULL));
	SHOW("%d %d", exists("a/f"), exists("b/f"));
	RET(umount2("a", 0));
	RET(umount2("b", 0));
}

CASE(chroot_and_dotdot)
{
	struct stat root, st;
	char cwd[64];

	mkdir("jail", 0755);
	mkdir("jail/in", 0755);
	put_file("jail/f", "inside");
	symlink("/f", "jail/abs");
	RET(chroot("jail"));
	SHOW("cwd outside: %.13s", getcwd(cwd, sizeof(cwd)) ? cwd : "error");
	RET(chdir("/"));
	SHOW("cwd %s", getcwd(cwd, sizeof(cwd)));
	stat("/", &root);
	stat("/../../..", &st);
	SHOW("kept in: %d", root.st_ino == st.st_ino && root.st_dev == st.st_dev);
	SHOW("abs link: %ld", (stat("/abs", &st), (long)st.st_size));
	chdir("/in");
	SHOW("cwd %s", getcwd(cwd, sizeof(cwd)));
}

CASE(pivot_root_rules)
{
	mkdir("new", 0755);
	mkdir("new/old", 0755);
	RET(syscall(SYS_pivot_root, "new", "new/old"));
	RET(syscall(SYS_pivot_root, "missing", "new"));
	mount("none", "new", "tmpfs", 0, NULL);
	mkdir("new/old", 0755);
	RET(syscall(SYS_pivot_root, "new", "missing"));
	RET(syscall(SYS_pivot_root, "new", "."));
	umount2("new", MNT_DETACH);
}

CASE(dir_mounted_on_is_busy)
{
	mkdir("p", 0755);
	mkdir("p/d", 0755);
	mkdir("q", 0755);
	mount("none", "p/d", "tmpfs", 0, NULL);
	RET(rmdir("p/d"));
	RET(rename("p/d", "q/d"));
	RET(rename("q", "p/d"));
	RET(rename("p", "r"));
	SHOW("moved along: %d", (put_file("r/d/x", ""), exists("r/d/x")));
	RET(umount2("r/d", 0));
	RET(rmdir("r/d"));
}
