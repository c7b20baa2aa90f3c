/* SPDX-License-Identifier: MIT */
/* Lists a tree of files so that two kernels can be compared, and writes trees from a seed.
 *
 *	trees list DIR         one line for each object, in order of names:
 *		PATH TYPE INODE BLOCKS SIZE NLINK MODE UID:GID RDEV MTIME CONTENT XATTRS
 *	trees write DIR SEED   makes DIR and a tree in it; ends with status 1 when an operation
 *fails for another reason than a full disk or a limit of the format trees change DIR SEED  changes
 *what is in DIR: overwrites, truncates, renames, removes half trees remove DIR       removes
 *everything below DIR, lost+found excepted
 *
 * CONTENT is a CRC-32: of the whole file up to SMALL bytes, of windows at powers of two in larger
 * ones, so that a file of many gigabytes that is mostly holes costs little. Odd inodes are read
 * through a mapping. After write and change, times are set by hand: the listings of two kernels
 * differ in INODE and BLOCKS and in the SIZE of directories alone. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Paths stay far below the sizes of the buffers. */
#pragma GCC diagnostic ignored "-Wformat-truncation"

#define SMALL	  (4u << 20)
#define WINDOW	  65536
#define NAMES_MAX 65536
#define MIB	  (1ull << 20)

static uint32_t crc_table[256];
static int failures;

static void crc_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
		crc_table[i] = c;
	}
}

static uint32_t crc(uint32_t c, const void *data, size_t n)
{
	const unsigned char *p = data;

	c = ~c;
	while (n--)
		c = crc_table[(c ^ *p++) & 0xff] ^ (c >> 8);
	return ~c;
}

static void failed(const char *what, const char *path)
{
	if (errno == ENOSPC || errno == EFBIG || errno == EOPNOTSUPP || errno == EMLINK)
		return;
	printf("! %s %s: %s\n", what, path, strerror(errno));
	failures++;
}

/* --- listing --- */

static char buf[WINDOW];

/* CRC of size bytes at off; what cannot be read is said in the line. */
static uint32_t piece(uint32_t c, int fd, uint64_t off, uint64_t size)
{
	while (size) {
		size_t n = size < sizeof(buf) ? (size_t)size : sizeof(buf);
		ssize_t got = pread(fd, buf, n, (off_t)off);

		if (got <= 0) {
			printf("! read at %llu: %s\n", (unsigned long long)off,
			       got ? strerror(errno) : "end of file");
			return c;
		}
		c = crc(c, buf, (size_t)got);
		off += (uint64_t)got;
		size -= (uint64_t)got;
	}
	return c;
}

static uint32_t content(const char *path, const struct stat *st)
{
	uint64_t size = (uint64_t)st->st_size;
	uint32_t c = 0;
	int fd = open(path, O_RDONLY | O_NOATIME);

	if (fd < 0) {
		printf("! open %s: %s\n", path, strerror(errno));
		return 0;
	}
	if (size && size <= SMALL && st->st_ino % 2) {
		void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

		if (map == MAP_FAILED)
			printf("! mmap %s: %s\n", path, strerror(errno));
		else
			c = crc(0, map, size);
		if (map != MAP_FAILED)
			munmap(map, size);
	} else if (size <= SMALL) {
		c = piece(0, fd, 0, size);
	} else {
		c = piece(0, fd, 0, WINDOW);
		for (uint64_t at = MIB; at + WINDOW <= size; at *= 2) {
			c = piece(c, fd, at - WINDOW, WINDOW);
			c = piece(c, fd, at, WINDOW);
		}
		c = piece(c, fd, size - WINDOW, WINDOW);
	}
	close(fd);
	return c;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_xattrs(const char *path)
{
	static char names[NAMES_MAX], value[NAMES_MAX];
	char *sorted[1024];
	ssize_t n = llistxattr(path, names, sizeof(names));
	int nr = 0;

	if (n < 0 && errno != EOPNOTSUPP)
		printf(" !listxattr:%s", strerror(errno));
	for (char *p = names; n > 0 && p < names + n && nr < 1024; p += strlen(p) + 1)
		sorted[nr++] = p;
	qsort(sorted, (size_t)nr, sizeof(*sorted), by_name);
	for (int i = 0; i < nr; i++) {
		ssize_t len = lgetxattr(path, sorted[i], value, sizeof(value));

		if (len < 0)
			printf(" %s=!%s", sorted[i], strerror(errno));
		else
			printf(" %s=%zd:%08x", sorted[i], len, crc(0, value, (size_t)len));
	}
}

static char type_of(mode_t mode)
{
	static const char letters[] = "?pc?d?b?-?l?s???";

	return letters[(mode & S_IFMT) >> 12];
}

static void print_name(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s <= ' ' || *s == '\\' || (unsigned char)*s >= 0x7f)
			printf("\\%03o", (unsigned char)*s);
		else
			putchar(*s);
	}
}

static void list_one(const char *path, const char *shown, int d_type)
{
	struct stat st;

	print_name(shown);
	if (lstat(path, &st)) {
		printf(" ! lstat: %s\n", strerror(errno));
		return;
	}
	printf(" %c %llu %lld %lld %lu %04o %u:%u %x:%x %lld.%09ld ", type_of(st.st_mode),
	       (unsigned long long)st.st_ino, (long long)st.st_blocks, (long long)st.st_size,
	       (unsigned long)st.st_nlink, st.st_mode & 07777, st.st_uid, st.st_gid,
	       major(st.st_rdev), minor(st.st_rdev), (long long)st.st_mtim.tv_sec,
	       st.st_mtim.tv_nsec);
	if (d_type != DT_UNKNOWN && d_type != (int)IFTODT(st.st_mode))
		printf("!d_type%d ", d_type);
	if (S_ISREG(st.st_mode)) {
		printf("%08x", content(path, &st));
	} else if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(path, buf, sizeof(buf));

		printf(n < 0 ? "!readlink" : "%zd:%08x", n, crc(0, buf, n < 0 ? 0 : (size_t)n));
	} else {
		putchar('-');
	}
	list_xattrs(path);
	putchar('\n');
}

struct names {
	char **name;
	size_t nr, room;
};

static void read_names(const char *path, struct names *out)
{
	DIR *d = opendir(path);
	struct dirent *e;

	memset(out, 0, sizeof(*out));
	if (!d) {
		printf("! opendir %s: %s\n", path, strerror(errno));
		return;
	}
	while (errno = 0, e = readdir(d)) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (out->nr == out->room) {
			out->room = out->room ? out->room * 2 : 64;
			out->name = realloc(out->name, out->room * sizeof(char *));
			if (!out->name)
				abort();
		}
		/* The type travels behind the name, so that sorting keeps them together. */
		out->name[out->nr] = malloc(strlen(e->d_name) + 2);
		strcpy(out->name[out->nr], e->d_name);
		out->name[out->nr][strlen(e->d_name) + 1] = (char)e->d_type;
		out->nr++;
	}
	if (errno)
		printf("! readdir %s: %s\n", path, strerror(errno));
	closedir(d);
	qsort(out->name, out->nr, sizeof(char *), by_name);
}

static void free_names(struct names *n)
{
	for (size_t i = 0; i < n->nr; i++)
		free(n->name[i]);
	free(n->name);
}

static char *join(const char *dir, const char *name)
{
	char *out;

	if (asprintf(&out, "%s/%s", dir, name) < 0)
		abort();
	return out;
}

static void list_dir(const char *root, const char *path)
{
	struct names names;

	read_names(path, &names);
	for (size_t i = 0; i < names.nr; i++) {
		const char *name = names.name[i];
		char *sub = join(path, name);
		struct stat st;

		list_one(sub, sub + strlen(root), (unsigned char)name[strlen(name) + 1]);
		if (!lstat(sub, &st) && S_ISDIR(st.st_mode))
			list_dir(root, sub);
		free(sub);
	}
	free_names(&names);
}

static void list_statfs(const char *path)
{
	struct statfs s;

	if (statfs(path, &s))
		printf("! statfs: %s\n", strerror(errno));
	else
		printf("# statfs %lx %ld %lld %lld %lld %lld %ld\n", (long)s.f_type,
		       (long)s.f_bsize, (long long)s.f_bfree, (long long)s.f_bavail,
		       (long long)s.f_files, (long long)s.f_ffree, (long)s.f_namelen);
}

/* --- writing --- */

static uint64_t state;

static uint64_t rnd(uint64_t below)
{
	state += 0x9e3779b97f4a7c15ull;
	uint64_t z = state;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (z ^ (z >> 31)) % below;
}

static void fill(char *p, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t v = rnd(UINT64_MAX);

		memcpy(p + i, &v, n - i < 8 ? n - i : 8);
	}
}

static void put(int fd, const char *path, uint64_t off, size_t n)
{
	fill(buf, n);
	if (pwrite(fd, buf, n, (off_t)off) < 0)
		failed("write", path);
}

static void make_file(const char *path, uint64_t kind)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0) {
		failed("create", path);
		return;
	}
	switch (kind) {
	case 0: /* short */
		put(fd, path, 0, (size_t)rnd(200));
		break;
	case 1: /* into the indirect blocks */
		for (uint64_t at = 0, end = 10000 + rnd(400000); at < end; at += 30000)
			put(fd, path, at, 30000);
		break;
	case 2: /* holes */
		for (int i = 0; i < 5; i++)
			put(fd, path, rnd(3 * MIB), (size_t)rnd(9000));
		break;
	case 3: /* beyond 4 GiB; a limit of the format is no failure */
		put(fd, path, (1ull << 32) - 300, 4096);
		put(fd, path, 16 * MIB, 1000);
		break;
	case 4: /* through a mapping, then shortened */
		if (ftruncate(fd, 50000))
			failed("truncate", path);
		char *map = mmap(NULL, 50000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (map == MAP_FAILED) {
			failed("mmap", path);
			break;
		}
		fill(map + 5000, 40000);
		munmap(map, 50000);
		if (ftruncate(fd, (off_t)rnd(50000)))
			failed("truncate", path);
		break;
	default: /* appended in small pieces */
		for (uint64_t at = 0; at < 20000;) {
			size_t n = 1 + (size_t)rnd(3000);

			put(fd, path, at, n);
			at += n;
		}
	}
	if (fchmod(fd, (mode_t)rnd(010000)))
		failed("chmod", path);
	close(fd);
}

static void make_link(const char *path, size_t length)
{
	char text[4096];

	for (size_t i = 0; i < length; i++)
		text[i] = "abc/"[rnd(4)];
	text[length] = 0;
	if (symlink(text, path))
		failed("symlink", path);
}

static void make_node(const char *path, uint64_t kind)
{
	static const mode_t types[] = { S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, S_IFCHR };
	/* The last one needs the wide form of device numbers on the disk. */
	dev_t dev = kind == 4 ? makedev(300, 70000) : makedev(7, 3);

	if (mknod(path, types[kind] | 0640, kind < 2 ? 0 : dev))
		failed("mknod", path);
}

static void set_xattrs(const char *path, int regular)
{
	/* user_obj rw, user 1000 rwx, group_obj r, mask rwx, other none. */
	static const uint32_t acl[] = { 2,	    0x00060001, 0xffffffff, 0x00070002,
					1000,	    0x00040004, 0xffffffff, 0x00070010,
					0xffffffff, 0x00000020, 0xffffffff };
	char name[64], value[600];

	for (uint64_t i = 0, n = rnd(4); i < n; i++) {
		static const char *const space[] = { "trusted", "security", "user" };

		snprintf(name, sizeof(name), "%s.k%u", space[rnd(regular ? 3 : 2)],
			 (unsigned)rnd(50));
		size_t len = (size_t)(rnd(3) ? rnd(40) : rnd(sizeof(value)));

		fill(value, sizeof(value));
		if (lsetxattr(path, name, value, len, 0))
			failed("setxattr", path);
	}
	if (regular && !rnd(3) && lsetxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0))
		failed("set ACL", path);
}

static void decorate(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return;
	if (lchown(path, (uid_t)(rnd(3) ? rnd(2000) : 70000 + rnd(1000000)), (gid_t)rnd(90000)))
		failed("chown", path);
	if (S_ISREG(st.st_mode) && chmod(path, (mode_t)rnd(010000)))
		failed("chmod", path);
	if (!S_ISLNK(st.st_mode) && !rnd(2))
		set_xattrs(path, S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

/* One object with a random name in dir; into path, which holds PATH_MAX bytes. */
static void make_one(const char *dir, unsigned int i, char *path)
{
	uint64_t what = rnd(12);
	int n = snprintf(path, 4096, "%s/%c%u", dir, "fFlLdnNxyz_"[rnd(11)], i);

	if (!rnd(8)) /* a name of up to 255 bytes, some of them no ASCII */
		for (uint64_t k = 150 + rnd(100); k; k--)
			path[n++] = rnd(9) ? 'w' : (char)0xe9;
	path[n] = 0;
	if (what < 6)
		make_file(path, what);
	else if (what < 8)
		make_link(path, (size_t)(rnd(2) ? 1 + rnd(59) : 60 + rnd(800)));
	else if (what < 9)
		make_node(path, rnd(5));
	else if (mkdir(path, 0755))
		failed("mkdir", path);
}

static void write_tree(const char *dir, int depth, unsigned int count)
{
	char last[4096] = "", path[4096], link_name[4096];

	for (unsigned int i = 0; i < count; i++) {
		struct stat st;

		make_one(dir, i, path);
		if (!lstat(path, &st) && S_ISDIR(st.st_mode) && depth < 4)
			write_tree(path, depth + 1, count / 3);
		snprintf(link_name, sizeof(link_name), "%s/h%u", dir, i);
		if (*last && !rnd(6) && !lstat(last, &st) && !S_ISDIR(st.st_mode) &&
		    link(last, link_name))
			failed("link", link_name);
		decorate(path);
		strcpy(last, path);
	}
}

/* A directory of several blocks; a part of the names is removed and others take their room. */
static void write_big(const char *dir, unsigned int nr)
{
	char path[4096];

	if (mkdir(dir, 0750))
		failed("mkdir", dir);
	for (unsigned int i = 0; i < nr; i++) {
		snprintf(path, sizeof(path), "%s/name-%u-%.*s", dir, i, (int)(i % 37),
			 "abcdefghijklmnopqrstuvwxyz0123456789_");
		if (i % 4 ? mknod(path, S_IFREG | 0644, 0) : symlink("x", path))
			failed("make", path);
		if (i >= 20 && !rnd(3)) {
			unsigned int old = i - 20;

			snprintf(path, sizeof(path), "%s/name-%u-%.*s", dir, old, (int)(old % 37),
				 "abcdefghijklmnopqrstuvwxyz0123456789_");
			if (unlink(path) && errno != ENOENT) /* the disk was full */
				failed("unlink", path);
		}
	}
}

static int set_times(const char *path, const struct stat *st, int type, struct FTW *f)
{
	struct timespec t[2] = { { 1234567890, 0 }, { 1500000000, 0 } };
	/* What hard links and both kernels agree on. */
	uint32_t words[] = { st->st_mode, st->st_uid, st->st_gid, (uint32_t)st->st_nlink };
	uint32_t c = crc(S_ISDIR(st->st_mode) ? 0 : (uint32_t)st->st_size, words, sizeof(words));

	t[1].tv_sec += c % 100000000;
	t[1].tv_nsec = c % 1000000000;
	/* Before 1970 and after 2038 where the inode has room. */
	if (c % 16 == 1)
		t[1].tv_sec -= 2000000000;
	if (utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW))
		failed("utimensat", path);
	return 0;
}

static int change_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	char to[4096];
	int fd;

	if (!f->level || rnd(2))
		return 0;
	if (type == FTW_DP) {
		rmdir(path); /* goes when it is empty */
		return 0;
	}
	switch (S_ISREG(st->st_mode) ? rnd(4) : 3 + rnd(2)) {
	case 0:
		if (truncate(path, (off_t)rnd((uint64_t)st->st_size % (8 * MIB) + 5000)))
			failed("truncate", path);
		break;
	case 1:
	case 2:
		fd = open(path, O_RDWR);
		if (fd < 0) {
			failed("open", path);
			break;
		}
		put(fd, path, rnd((uint64_t)st->st_size % (8 * MIB) + 1), 1 + (size_t)rnd(9000));
		close(fd);
		break;
	case 3:
		if (unlink(path))
			failed("unlink", path);
		break;
	default:
		snprintf(to, sizeof(to), "%.*s/renamed-%u", f->base - 1, path, (unsigned)rnd(20));
		if (rename(path, to) && errno != EISDIR)
			failed("rename", path);
	}
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	if (!f->level || (f->level == 1 && !strcmp(path + f->base, "lost+found")))
		return 0;
	if (remove(path))
		failed("remove", path);
	return 0;
}

/* The order of directory entries is the file system's own: change goes by sorted names. */
static void change_dir(const char *dir, int level)
{
	struct names names;

	read_names(dir, &names);
	for (size_t i = 0; i < names.nr; i++) {
		char *path = join(dir, names.name[i]);
		struct FTW f = { (int)strlen(dir) + 1, level + 1 };
		struct stat st;

		if (!lstat(path, &st)) {
			if (S_ISDIR(st.st_mode))
				change_dir(path, level + 1);
			change_one(path, &st, S_ISDIR(st.st_mode) ? FTW_DP : FTW_F, &f);
		}
		free(path);
	}
	free_names(&names);
}

int main(int argc, char *argv[])
{
	const char *what = argc > 2 ? argv[1] : "", *dir = argc > 2 ? argv[2] : "";
	char big[4096];

	crc_init();
	umask(0);
	state = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	if (!strcmp(what, "list")) {
		list_statfs(dir);
		list_one(dir, "/", DT_UNKNOWN);
		list_dir(dir, dir);
	} else if (!strcmp(what, "write") && argc == 4) {
		if (mkdir(dir, 0755))
			failed("mkdir", dir);
		write_tree(dir, 0, 18);
		snprintf(big, sizeof(big), "%s/big", dir);
		write_big(big, 160);
		nftw(dir, set_times, 20, FTW_PHYS | FTW_DEPTH);
	} else if (!strcmp(what, "change") && argc == 4) {
		change_dir(dir, 0);
		nftw(dir, set_times, 20, FTW_PHYS | FTW_DEPTH);
	} else if (!strcmp(what, "remove")) {
		nftw(dir, remove_one, 20, FTW_PHYS | FTW_DEPTH);
	} else {
		fprintf(stderr, "usage: trees list|remove DIR | write|change DIR SEED\n");
		return 2;
	}
	return failures ? 1 : 0;
}
