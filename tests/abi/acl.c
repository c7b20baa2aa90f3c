/* SPDX-License-Identifier: MIT */
/* Access control lists and extended attributes. The cases run on a tmpfs of their own, or on the
 * file system of the device that ACL_DEV names. Lists are written as text: "u::rwx,u:5:r-x,...".
 * user.* attributes are shown only with ACL_DEV, since Linux's tmpfs has none. */
#include "abi.h"

#include <grp.h>
#include <sys/inotify.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

struct acl {
	uint32_t version;
	struct entry {
		uint16_t tag, perm;
		uint32_t id;
	} e[64];
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	if (ftw->level)
		remove(path);
	return 0;
}

static int on_disk(void)
{
	return getenv("ACL_DEV") != NULL;
}

/* A fresh file system becomes the working directory. */
static void enter(void)
{
	NEED(mkdir("t", 0755));
	if (on_disk())
		NEED(mount(getenv("ACL_DEV"), "t", "ext2", 0, NULL));
	else
		NEED(mount("none", "t", "tmpfs", 0, "mode=755"));
	NEED(nftw("t", remove_one, 16, FTW_DEPTH | FTW_PHYS));
	NEED(chdir("t"));
}

/* --- text forms --- */

static size_t parse(struct acl *a, const char *text)
{
	static const char tags[] = "ugmo";
	size_t n = 0;

	a->version = 2;
	while (*text) {
		struct entry *e = &a->e[n++];
		char *end;
		long kind = strchr(tags, *text) - tags;

		e->id = (uint32_t)strtoul(text + 2, &end, 10);
		if (end == text + 2)
			e->id = ~0u;
		e->tag = kind == 0 ? (e->id == ~0u ? 1 : 2) : kind == 1 ? (e->id == ~0u ? 4 : 8)
							    : kind == 2 ? 16 : 32;
		e->perm = (uint16_t)((end[1] == 'r') * 4 + (end[2] == 'w') * 2 + (end[3] == 'x'));
		text = end[4] ? end + 5 : end + 4;
	}
	return 4 + n * 8;
}

static const char *acl_text(const char *path, const char *name)
{
	static char out[2048];
	struct acl a;
	ssize_t n = getxattr(path, name, &a, sizeof(a));
	char *p = out;

	if (n < 0)
		return abi_errname(errno);
	if (a.version != 2)
		return "bad version";
	for (int k = 0; k < (n - 4) / 8; k++) {
		struct entry *e = &a.e[k];

		p += sprintf(p, "%s%s:", k ? "," : "",
			     e->tag & 3 ? "u" : e->tag & 12 ? "g" : e->tag == 16 ? "m" : "o");
		if (e->tag == 2 || e->tag == 8)
			p += sprintf(p, "%u", e->id);
		else if (e->id != ~0u)
			p += sprintf(p, "?%u", e->id);
		p += sprintf(p, ":%c%c%c", e->perm & 4 ? 'r' : '-', e->perm & 2 ? 'w' : '-',
			     e->perm & 1 ? 'x' : '-');
	}
	return out;
}

static void show(const char *path)
{
	struct stat st;

	if (lstat(path, &st)) {
		SHOW("%s: %s", path, abi_errname(errno));
		return;
	}
	printf("%s: %06o %s", path, st.st_mode, acl_text(path, ACCESS));
	SHOW(" %s", S_ISDIR(st.st_mode) ? acl_text(path, DEFAULT) : "");
}

static int set(const char *path, const char *name, const char *text)
{
	struct acl a;
	size_t n = parse(&a, text);

	return setxattr(path, name, &a, n, 0);
}

static void try_set(const char *path, const char *name, const char *text)
{
	int rc = set(path, name, text);

	SHOW("set %s %s %s: %s", path, name + 17, text, rc ? abi_errname(errno) : "ok");
}

/* fn as another user. */
static void as(uid_t uid, gid_t gid, gid_t extra, void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		NEED(setgroups(extra ? 1 : 0, &extra));
		NEED(setresgid(gid, gid, gid));
		NEED(setresuid(uid, uid, uid));
		printf("uid %d gid %d,%d: ", uid, gid, extra);
		fn();
		fflush(stdout);
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

/* What the caller may do with "x". */
static void rights(void)
{
	SHOW("%c%c%c", access("x", R_OK) ? '-' : 'r', access("x", W_OK) ? '-' : 'w',
	     access("x", X_OK) ? '-' : 'x');
}

static void rights_of_all(void)
{
	as(0, 0, 0, rights);
	as(1, 1, 0, rights);
	as(1000, 100, 0, rights);
	as(1001, 100, 0, rights);
	as(1002, 7, 0, rights);
	as(1002, 100, 7, rights);
	as(1002, 8, 7, rights);
	as(1002, 8, 9, rights);
	as(1002, 9, 0, rights);
	as(1002, 50, 0, rights);
	as(1002, 50, 9, rights);
	as(1002, 50, 8, rights);
}

/* --- lists --- */

CASE(acl_set_and_get)
{
	enter();
	abi_file("f", "", 0640);
	show("f");
	try_set("f", ACCESS, "u::rw-,u:5:r-x,g::r-x,m::r-x,o::---");
	show("f");
	try_set("f", ACCESS, "u::rwx,u:9:rwx,u:5:r-x,g::r-x,g:3:-wx,m::--x,o::r--");
	show("f");
	try_set("f", ACCESS, "u::rwx,g::r-x,o::--x");
	show("f");
	try_set("f", ACCESS, "u::rwx,g::r-x,m::rwx,o::--x");
	show("f");
	RET(removexattr("f", ACCESS));
	show("f");
	RET(removexattr("f", ACCESS));
	RET(removexattr("f", DEFAULT));
	NEED(mkdir("d", 0755));
	try_set("d", DEFAULT, "u::rwx,g::r-x,o::--x");
	show("d");
	try_set("d", DEFAULT, "u::rwx,u:1:rwx,g::r-x,m::rw-,o::--x");
	show("d");
	try_set("d", ACCESS, "u::rwx,u:1:rwx,g::r-x,m::rw-,o::--x");
	show("d");
	RET(removexattr("d", DEFAULT));
	show("d");
	RET(removexattr("d", DEFAULT));
}

CASE(acl_validity)
{
	static const char *const lists[] = {
		"u::rwx", "u::rwx,g::rwx", "g::rwx,u::rwx,o::rwx", "u::rwx,g::rwx,o::rwx,o::rwx",
		"u::rwx,u::rwx,g::rwx,o::rwx", "u::rwx,g::rwx,g::rwx,o::rwx",
		"u::rwx,u:1:rwx,g::rwx,o::rwx", "u::rwx,g::rwx,g:1:rwx,o::rwx",
		"u::rwx,g::rwx,g:1:rwx,m::rwx", "u::rwx,g::rwx,m::rwx,m::rwx,o::rwx",
		"u:1:rwx,u::rwx,g::rwx,m::rwx,o::rwx", "u::rwx,g::rwx,u:1:rwx,m::rwx,o::rwx",
		"u::rwx,g:1:rwx,g::rwx,m::rwx,o::rwx", "u::rwx,g::rwx,m::rwx,g:1:rwx,o::rwx",
		"u::rwx,g::rwx,o::rwx,m::rwx", "m::rwx,u::rwx,g::rwx,o::rwx",
		"u::rwx,u:1:rwx,u:1:r--,g::rwx,g:1:rwx,g:1:rwx,m::rwx,o::rwx",
		"u::rwx,u:2:rwx,u:1:r--,g::rwx,m::rwx,o::rwx",
		"u::rwx,u:4294967295:rwx,g::rwx,m::rwx,o::rwx",
		"u::rwx,u:4294967294:rwx,g::rwx,m::rwx,o::rwx",
	};
	struct acl a;
	size_t n;

	enter();
	abi_file("f", "", 0640);
	NEED(mkdir("d", 0755));
	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		try_set("f", ACCESS, lists[k]);
		try_set("d", DEFAULT, lists[k]);
	}
	show("f");
	show("d");
	n = parse(&a, "u::rwx,u:1:rwx,g::rwx,m::rwx,o::rwx");
	for (size_t k = 0; k <= n; k++)
		SHOW("%zu bytes: %s", k,
		     setxattr("f", ACCESS, &a, k, 0) ? abi_errname(errno) : "ok");
	show("f");
	a.version = 1;
	RET(setxattr("f", ACCESS, &a, n, 0));
	RET(setxattr("f", ACCESS, &a, 3, 0));
	RET(setxattr("f", ACCESS, &a, 5, 0));
	a.version = 2;
	a.e[1].perm = 8;
	RET(setxattr("f", ACCESS, &a, n, 0));
	a.e[1].perm = 7;
	a.e[1].tag = 64;
	RET(setxattr("f", ACCESS, &a, n, 0));
	a.e[1].tag = 2;
	a.e[0].id = 17; /* not looked at */
	RET(setxattr("f", ACCESS, &a, n, 0));
	show("f");
	RET(getxattr("f", ACCESS, &a, 0));
	RET(getxattr("f", ACCESS, &a, 5));
	RET(getxattr("f", ACCESS, &a, 43));
	RET(getxattr("f", ACCESS, &a, 44));
	RET(setxattr("f", ACCESS, &a, n, XATTR_CREATE));
	RET(setxattr("f", ACCESS, &a, n, XATTR_REPLACE));
	NEED(removexattr("f", ACCESS));
	RET(setxattr("f", ACCESS, &a, n, XATTR_REPLACE));
	RET(setxattr("f", "system.posix_acl", &a, n, 0));
	RET(setxattr("f", "system.posix_acl_accessx", &a, n, 0));
	RET(setxattr("f", "system.x", &a, n, 0));
	RET(getxattr("f", "system.x", &a, n));
	RET(setxattr("f", ACCESS, &a, 4, 0)); /* no entries: removed */
	show("f");
}

static void owner_only(void)
{
	puts("");
	try_set("f", ACCESS, "u::rwx,u:5:r-x,g::r-x,m::r-x,o::---");
	try_set("f", ACCESS, "u::rwx,u:5:r-x");
	try_set("f", DEFAULT, "u::rwx,u:5:r-x");
	RET(removexattr("f", ACCESS));
	show("f");
}

CASE(acl_who_may_set)
{
	enter();
	abi_file("f", "", 0664);
	NEED(chmod("f", 02664));
	NEED(chown("f", 1, 7));
	NEED(chmod("f", 02664));
	as(2, 2, 0, owner_only);
	as(1, 1, 0, owner_only);
	as(1, 7, 0, owner_only);
	NEED(symlink("f", "l"));
	RET(lsetxattr("l", ACCESS, "\2\0\0\0", 4, 0));
	RET(lgetxattr("l", ACCESS, NULL, 0));
	RET(lremovexattr("l", ACCESS));
	RET(setxattr("f", DEFAULT, "\2\0\0\0", 4, 0));
	NEED(mkfifo("p", 0600));
	try_set("p", ACCESS, "u::rwx,u:5:r-x,g::r-x,m::r-x,o::---");
	show("p");
	try_set("p", DEFAULT, "u::rwx,u:5:r-x,g::r-x,m::r-x,o::---");
	NEED(mknod("c", S_IFCHR | 0600, makedev(1, 3)));
	try_set("c", ACCESS, "u::rwx,u:5:r-x,g::r-x,m::r-x,o::---");
	show("c");
}

CASE(acl_permission)
{
	static const char *const lists[] = {
		"u::rwx,u:1000:r-x,g::r-x,m::r-x,o::---",
		"u::---,u:1000:rwx,u:1001:---,g::rw-,m::rwx,o::r-x",
		"u::rwx,u:1000:rwx,u:1001:r--,g::rw-,g:8:r--,g:9:-w-,m::rw-,o::--x",
		"u::rwx,u:1000:rwx,g::---,g:8:r--,g:9:rwx,m::rwx,o::rwx",
		"u::r--,g::--x,g:7:---,g:8:rw-,g:9:r-x,m::r--,o::-w-",
		"u::rwx,u:1000:rwx,g::rwx,g:9:rwx,m::---,o::r-x",
		"u::rwx,u:1000:rwx,u:1000:---,g::rwx,g:9:rwx,m::r-x,o::r-x",
		"u::rwx,u:1:---,g::---,m::rwx,o::rwx",
	};

	enter();
	abi_file("x", "", 0755);
	NEED(chown("x", 1, 7));
	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		try_set("x", ACCESS, lists[k]);
		show("x");
		rights_of_all();
	}
	NEED(unlink("x"));
	NEED(mkdir("x", 0755));
	NEED(chown("x", 1, 7));
	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		try_set("x", ACCESS, lists[k]);
		rights_of_all();
	}
}

static void walk_in(void)
{
	struct stat st;
	int a = stat("d/e/f", &st) ? errno : 0;
	int b = open("d/e/new", O_CREAT | O_RDWR, 0666) < 0 ? errno : 0;
	int c = unlink("d/e/new") ? errno : 0;

	SHOW("%s %s %s", a ? abi_errname(a) : "ok", b ? abi_errname(b) : "ok",
	     c ? abi_errname(c) : "ok");
}

CASE(acl_search)
{
	enter();
	NEED(mkdir("d", 0777));
	NEED(chmod("d", 0777));
	NEED(mkdir("d/e", 0777));
	NEED(chmod("d/e", 0777));
	abi_file("d/e/f", "", 0644);
	as(1000, 100, 0, walk_in);
	/* All nine bits, and yet somebody may not pass. */
	try_set("d", ACCESS, "u::rwx,u:1000:r--,g::rwx,m::rwx,o::rwx");
	show("d");
	as(1000, 100, 0, walk_in);
	as(1001, 100, 0, walk_in);
	try_set("d", ACCESS, "u::rwx,u:1000:--x,g::---,m::rwx,o::---");
	as(1000, 100, 0, walk_in);
	as(1001, 100, 0, walk_in);
	try_set("d/e", ACCESS, "u::rwx,u:1000:r-x,g::---,g:100:rwx,m::rwx,o::---");
	as(1000, 100, 0, walk_in);
	as(1001, 100, 0, walk_in);
	NEED(removexattr("d", ACCESS));
	show("d");
	as(1000, 100, 0, walk_in);
	as(1001, 100, 0, walk_in);
}

CASE(acl_chmod)
{
	enter();
	abi_file("f", "", 0644);
	try_set("f", ACCESS, "u::rw-,u:5:rwx,g::r-x,g:9:rw-,m::rwx,o::---");
	show("f");
	for (int mode = 0; mode < 02000; mode += 0111) {
		RET(chmod("f", (mode_t)mode ^ 0357));
		show("f");
	}
	NEED(mkdir("d", 0755));
	try_set("d", ACCESS, "u::rw-,g::r-x,m::rwx,o::---");
	try_set("d", DEFAULT, "u::rw-,g::r-x,m::rwx,o::---");
	show("d");
	RET(chmod("d", 01070));
	show("d");
	RET(chmod("d", 02705));
	show("d");
	RET(chown("d", 5, 6));
	show("d");
}

static void make_all(mode_t mode)
{
	static const char *const names[] = { "d/f", "d/o", "d/d", "d/p", "d/c", "d/l", "d/s" };

	NEED(close((int)NEED(open("d/f", O_CREAT | O_WRONLY, mode))));
	NEED(mknod("d/o", S_IFREG | mode, 0));
	NEED(mkdir("d/d", mode));
	NEED(mkfifo("d/p", mode));
	NEED(mknod("d/c", S_IFBLK | mode, makedev(7, 9)));
	NEED(symlink("f", "d/l"));
	NEED(mkdir("d/d/s", mode));
	for (size_t k = 0; k < 6; k++)
		show(names[k]);
	show("d/d/s");
	NEED(unlink("d/f"));
	NEED(unlink("d/o"));
	NEED(rmdir("d/d/s"));
	NEED(rmdir("d/d"));
	NEED(unlink("d/p"));
	NEED(unlink("d/c"));
	NEED(unlink("d/l"));
}

CASE(acl_inheritance)
{
	static const char *const lists[] = {
		"u::rwx,g::r-x,o::--x", "u::r--,g::---,o::rwx",
		"u::rwx,g::r-x,m::r--,o::--x", "u::rw-,u:5:rwx,g::r-x,g:6:-w-,m::rwx,o::r-x",
		"u::---,u:5:rwx,g::rwx,m::---,o::---",
	};

	enter();
	NEED(mkdir("d", 0755));
	for (size_t k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		try_set("d", DEFAULT, lists[k]);
		for (int mode = 0777; mode > 0; mode -= 0133) {
			SHOW("mode %o", mode);
			umask(027);
			make_all((mode_t)mode);
		}
	}
	NEED(removexattr("d", DEFAULT));
	umask(027);
	make_all(0777);
	umask(0777);
	make_all(0777);
}

CASE(acl_inheritance_more)
{
	char b[64];
	int fd;

	enter();
	NEED(mkdir("d", 02775));
	NEED(chmod("d", 02775));
	NEED(chown("d", 0, 7));
	try_set("d", DEFAULT, "u::rwx,u:5:rwx,g::r-x,m::rwx,o::r-x");
	umask(077);
	NEED(mkdir("d/d", 0777));
	show("d/d");
	NEED(close((int)NEED(open("d/f", O_CREAT | O_WRONLY, 02777))));
	show("d/f");
	fd = (int)RET(open("d", O_TMPFILE | O_RDWR, 0666));
	sprintf(b, "/proc/self/fd/%d", fd);
	RET(linkat(AT_FDCWD, b, AT_FDCWD, "d/t", AT_SYMLINK_FOLLOW));
	show("d/t");
	NEED(rename("d/f", "f")); /* keeps it */
	show("f");
	NEED(link("f", "d/again"));
	show("d/again");
	try_set("d/again", ACCESS, "u::rwx,u:6:rwx,g::r-x,m::rwx,o::r-x");
	show("f");
}

static void by_uid5(void)
{
	int fd = open("d/mine", O_CREAT | O_RDWR, 0666);

	SHOW("%s", fd < 0 ? abi_errname(errno) : "made");
	show("d/mine");
	RET(chmod("d/mine", 0600));
	show("d/mine");
}

CASE(acl_use)
{
	struct stat st;

	enter();
	NEED(mkdir("d", 0700));
	as(5, 5, 0, by_uid5);
	try_set("d", ACCESS, "u::rwx,u:5:rwx,g::---,m::rwx,o::---");
	try_set("d", DEFAULT, "u::rwx,u:5:rwx,u:6:r--,g::---,m::rwx,o::---");
	as(5, 5, 0, by_uid5);
	NEED(stat("d/mine", &st));
	SHOW("uid %d", st.st_uid);
}

/* --- attributes --- */

static void list(const char *path)
{
	char b[4096], *names[64], *p;
	ssize_t n = llistxattr(path, b, sizeof(b));
	int count = 0;

	if (n < 0) {
		SHOW("%s: %s", path, abi_errname(errno));
		return;
	}
	for (p = b; p < b + n; p += strlen(p) + 1)
		names[count++] = p;
	printf("%s: %zd bytes:", path, n);
	/* Their order differs between file systems. */
	for (int k = 0; k < count; k++) {
		int least = -1;

		for (int j = 0; j < count; j++)
			if (names[j] && (least < 0 || strcmp(names[j], names[least]) < 0))
				least = j;
		printf(" %s", names[least]);
		names[least] = NULL;
	}
	SHOW("%s", "");
}

static void value(const char *path, const char *name)
{
	char b[65536];
	ssize_t n = lgetxattr(path, name, b, sizeof(b));
	unsigned int sum = 0;

	if (n < 0) {
		SHOW("%s %s: %s", path, name, abi_errname(errno));
		return;
	}
	for (ssize_t k = 0; k < n; k++)
		sum = sum * 31 + (unsigned char)b[k];
	SHOW("%s %s: %zd bytes %x", path, name, n, sum);
}

CASE(xattr_names)
{
	char name[300];

	enter();
	abi_file("f", "", 0644);
	NEED(mkdir("d", 0755));
	NEED(symlink("f", "l"));
	list("f");
	RET(setxattr("f", "trusted.a", "1", 1, 0));
	RET(setxattr("f", "security.b", "22", 2, 0));
	RET(setxattr("f", "trusted.", "1", 1, 0));
	RET(setxattr("f", "trusted", "1", 1, 0));
	RET(setxattr("f", "tRusted.x", "1", 1, 0));
	RET(getxattr("f", "trusted.", name, 1));
	RET(setxattr("d", "trusted.a", "1", 1, 0));
	RET(lsetxattr("l", "trusted.a", "123", 3, 0));
	RET(lsetxattr("l", "user.a", "123", 3, 0));
	try_set("f", ACCESS, "u::rwx,u:5:rwx,g::---,m::rwx,o::---");
	try_set("d", DEFAULT, "u::rwx,u:5:rwx,g::---,m::rwx,o::---");
	list("f");
	list("d");
	list("l");
	value("f", "security.b");
	value("l", "trusted.a");
	strcpy(name, "trusted.");
	memset(name + 8, 'n', 247);
	name[255] = '\0';
	RET(setxattr("f", name, "v", 1, 0));
	name[255] = 'n';
	name[256] = '\0';
	RET(setxattr("f", name, "v", 1, 0));
	RET(listxattr("f", NULL, 0));
	RET(listxattr("f", name, 3));
}

CASE(xattr_replace)
{
	char b[16];

	enter();
	abi_file("f", "", 0644);
	RET(setxattr("f", "trusted.a", "1", 1, XATTR_REPLACE));
	RET(setxattr("f", "trusted.a", "1", 1, XATTR_CREATE));
	RET(setxattr("f", "trusted.a", "2", 1, XATTR_CREATE));
	RET(setxattr("f", "trusted.a", "33", 2, XATTR_REPLACE));
	RET(setxattr("f", "trusted.a", "33", 2, 4));
	value("f", "trusted.a");
	RET(setxattr("f", "trusted.a", "", 0, 0));
	value("f", "trusted.a");
	RET(getxattr("f", "trusted.a", b, 0));
	RET(setxattr("f", "trusted.a", "0123456789", 10, 0));
	RET(getxattr("f", "trusted.a", b, 9));
	RET(getxattr("f", "trusted.a", b, 10));
	RET(removexattr("f", "trusted.b"));
	RET(removexattr("f", "trusted.a"));
	RET(removexattr("f", "trusted.a"));
	RET(getxattr("f", "trusted.a", b, 10));
	list("f");
}

/* Sizes that go from the inode to a block and back. */
CASE(xattr_sizes)
{
	static const int sizes[] = { 1, 40, 60, 64, 68, 80, 100, 200, 500, 700, 900, 300, 30, 0 };
	char v[1000], name[32];
	struct stat st;

	enter();
	abi_file("f", "data", 0644);
	memset(v, 'v', sizeof(v));
	for (int k = 0; k < (int)(sizeof(sizes) / sizeof(sizes[0])); k++) {
		int rc;

		v[0] = (char)k;
		rc = setxattr("f", "trusted.grows", v, (size_t)sizes[k], 0);
		SHOW("%d: %s", sizes[k], rc ? abi_errname(errno) : "ok");
		value("f", "trusted.grows");
	}
	for (int k = 0; k < 12; k++) {
		sprintf(name, "trusted.%d", k);
		v[0] = (char)k;
		SHOW("%s: %s", name, setxattr("f", name, v, 1 + (size_t)(k * 37 % 50), 0) ?
			     abi_errname(errno) : "ok");
	}
	for (int k = 0; k < 12; k += 2) {
		sprintf(name, "trusted.%d", k);
		RET(removexattr("f", name));
	}
	for (int k = 0; k < 12; k++) {
		sprintf(name, "trusted.%d", k);
		value("f", name);
	}
	list("f");
	if (on_disk()) {
		NEED(stat("f", &st));
		SHOW("blocks %ld", (long)st.st_blocks);
	}
	for (int k = 1; k < 12; k += 2) {
		sprintf(name, "trusted.%d", k);
		RET(removexattr("f", name));
	}
	RET(removexattr("f", "trusted.grows"));
	list("f");
	if (on_disk()) {
		NEED(stat("f", &st));
		SHOW("blocks %ld", (long)st.st_blocks);
	}
}

static void other_user(void)
{
	puts("");
	RET(setxattr("f", "trusted.b", "1", 1, 0));
	RET(removexattr("f", "trusted.a"));
	value("f", "trusted.a");
	value("f", "security.a");
	list("f");
	if (!on_disk())
		return;
	RET(setxattr("f", "user.b", "1", 1, 0));
	value("f", "user.a");
	RET(setxattr("w", "user.b", "1", 1, 0));
	RET(setxattr("d", "user.b", "1", 1, 0));
	RET(setxattr("s", "user.b", "1", 1, 0));
	value("n", "user.a");
}

CASE(xattr_other_user)
{
	enter();
	abi_file("f", "", 0644);
	abi_file("w", "", 0666);
	abi_file("n", "", 0666);
	NEED(chmod("w", 0666));
	NEED(mkdir("d", 0777));
	NEED(chmod("d", 0777));
	NEED(mkdir("s", 0777));
	NEED(chmod("s", 01777));
	NEED(setxattr("f", "trusted.a", "1", 1, 0));
	NEED(setxattr("f", "security.a", "1", 1, 0));
	if (on_disk()) {
		RET(setxattr("f", "user.a", "1", 1, 0));
		RET(setxattr("n", "user.a", "1", 1, 0));
		NEED(mkfifo("p", 0666));
		RET(setxattr("p", "user.a", "1", 1, 0));
		RET(getxattr("p", "user.a", NULL, 0));
	}
	NEED(chmod("n", 0600));
	as(1000, 1000, 0, other_user);
	list("f");
}

CASE(xattr_times)
{
	struct stat a, b;

	enter();
	abi_file("f", "", 0644);
	NEED(stat("f", &a));
	abi_sleep_ms(1100);
	NEED(setxattr("f", "trusted.a", "1", 1, 0));
	NEED(stat("f", &b));
	SHOW("ctime moved %d mtime moved %d", a.st_ctime != b.st_ctime, a.st_mtime != b.st_mtime);
	abi_sleep_ms(1100);
	NEED(set("f", ACCESS, "u::rwx,u:5:rwx,g::---,m::rwx,o::---"));
	NEED(stat("f", &a));
	SHOW("ctime moved %d mtime moved %d", a.st_ctime != b.st_ctime, a.st_mtime != b.st_mtime);
	abi_sleep_ms(1100);
	NEED(removexattr("f", "trusted.a"));
	NEED(stat("f", &b));
	SHOW("ctime moved %d mtime moved %d", a.st_ctime != b.st_ctime, a.st_mtime != b.st_mtime);
}

CASE(xattr_notify)
{
	char b[4096];
	int fd = (int)NEED(inotify_init1(IN_NONBLOCK)), events = 0;
	ssize_t n;

	enter();
	abi_file("f", "", 0644);
	NEED(inotify_add_watch(fd, "f", IN_ALL_EVENTS));
	NEED(setxattr("f", "trusted.a", "1", 1, 0));
	n = read(fd, b, sizeof(b));
	SHOW("set: %#x", n > 0 ? ((struct inotify_event *)b)->mask : 0);
	NEED(set("f", ACCESS, "u::rwx,u:5:rwx,g::---,m::rwx,o::---"));
	n = read(fd, b, sizeof(b));
	SHOW("list: %#x", n > 0 ? ((struct inotify_event *)b)->mask : 0);
	NEED(removexattr("f", "trusted.a"));
	n = read(fd, b, sizeof(b));
	SHOW("remove: %#x", n > 0 ? ((struct inotify_event *)b)->mask : 0);
	RET(removexattr("f", "trusted.a"));
	RET(setxattr("f", "trusted.a", "1", 1, XATTR_REPLACE));
	RET(getxattr("f", "trusted.a", NULL, 0));
	for (n = read(fd, b, sizeof(b)); n > 0; n = read(fd, b, sizeof(b)))
		events++;
	SHOW("%d more", events);
}

/* As much as one file takes; where it ends is the file system's. */
CASE(xattr_full)
{
	char v[4096], name[32];
	int k, large;

	enter();
	if (!on_disk())
		return;
	abi_file("f", "", 0644);
	memset(v, 'v', sizeof(v));
	for (k = 0; k < 1000; k++) {
		sprintf(name, "trusted.%d", k);
		if (setxattr("f", name, v, 20, 0))
			break;
	}
	SHOW("%d: %s", k, abi_errname(errno));
	for (int j = 0; j < k; j++) {
		sprintf(name, "trusted.%d", j);
		if (getxattr("f", name, v, sizeof(v)) != 20)
			SHOW("%s lost", name);
	}
	RET(setxattr("f", "trusted.3", v, 2000, 0));
	value("f", "trusted.3");
	RET(removexattr("f", "trusted.3"));
	RET(setxattr("f", "trusted.again", v, 20, 0));
	abi_file("g", "", 0644);
	for (large = 4096; large > 0 && setxattr("g", "trusted.x", v, (size_t)large, 0); large--)
		;
	SHOW("largest %d, then %s", large, abi_errname(errno));
	RET(setxattr("g", "trusted.y", v, 30, 0));
	RET(setxattr("g", "trusted.z", v, 600, 0));
	RET(setxattr("g", "trusted.x", v, 65537, 0));
	list("g");
}

/* What was set is there after the file system was mounted again. */
CASE(xattr_remount)
{
	char v[900];

	enter();
	if (!on_disk())
		return;
	memset(v, 'r', sizeof(v));
	NEED(mkdir("d", 0755));
	abi_file("f", "", 0644);
	NEED(symlink("f", "l"));
	NEED(set("d", DEFAULT, "u::rwx,u:5:rwx,g::---,m::rwx,o::---"));
	NEED(set("d", ACCESS, "u::rwx,u:5:rwx,g::---,g:17:-w-,m::rwx,o::---"));
	abi_file("d/inherits", "", 0666);
	NEED(setxattr("f", "user.long", v, sizeof(v), 0));
	NEED(setxattr("f", "user.short", v, 5, 0));
	NEED(lsetxattr("l", "trusted.link", v, 55, 0));
	NEED(chdir(".."));
	NEED(umount("t"));
	NEED(mount(getenv("ACL_DEV"), "t", "ext2", 0, NULL));
	NEED(chdir("t"));
	show("d");
	show("d/inherits");
	list("f");
	value("f", "user.long");
	value("f", "user.short");
	value("l", "trusted.link");
	RET(removexattr("f", "user.short"));
	NEED(chdir(".."));
	RET(mount(NULL, "t", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	RET(setxattr("t/f", "user.short", v, 5, 0));
	RET(removexattr("t/f", "user.long"));
	RET(removexattr("t/f", ACCESS));
	RET(setxattr("t/f", "nonsense", v, 5, 0));
	list("t/f");
}
