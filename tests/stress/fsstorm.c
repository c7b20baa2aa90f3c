/* SPDX-License-Identifier: MIT */
/* Several processes in one tree, and what must be true of the tree afterwards.
 *
 *	fsstorm [-s SEED] [-n OPERATIONS] [-t SECONDS] [-p PROCESSES] [-m MIB] DIR
 *	fsstorm list DIR       every name with type, mode, owner, size, time, attributes, hash of
 *data fsstorm records DIR    every file of a storm: each record that is there is whole
 *
 * Common part: eight directories d0..d7, which are renamed into each other, and names c0..c23 in
 * them, on which everybody does everything. Which calls succeed is a matter of luck, but what is in
 * a file is not: it consists of records of 512 bytes that name their own position, and position i
 *is written by process i mod PROCESSES only. Truncation (by whole records) excludes writers by
 *flock. Private part: each process has objects whose names nobody else uses (pK.S.G), in the same
 *common directories, and knows everything about them: their data, mode, owner, time, links,
 *attribute. They are verified now and then and all of them at the end.
 *
 * -m: so many MiB of memory are used and touched all the time by one more process.
 * The tree is left as it is: DIR/storm. Exit status 0, 1 (failed), 2 (usage). */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define REC	  512
#define FILE_RECS 96 /* a file has at most so many records */
#define DIRS	  8
#define COMMON	  24
#define SLOTS	  40
#define MAGIC	  0x6472636b

static uint64_t seed = 1, operations = 2000, state;
static int processes = 4, me = -1, seconds;
static char root[4000];
static int dir_fd[DIRS];
static int no_xattr;
static uint64_t counter; /* of records written by this process */

struct record {
	uint32_t magic, owner;
	uint64_t index, count;
	uint32_t sum, pad;
	unsigned char data[REC - 32];
};

static uint64_t rnd(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (state >> 11) % below : 0;
}

static void fail(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	fprintf(stderr, "fsstorm: process %d, seed %llu: ", me, (unsigned long long)seed);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (%s)\n", strerror(error));
	exit(1);
}

/* --- records --- */

static uint32_t sum_of(const void *p, size_t n)
{
	const unsigned char *b = p;
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 16777619u;
	return h;
}

static void make_record(struct record *r, uint64_t index, uint64_t count, unsigned int owner)
{
	uint64_t x = count * 0x9e3779b97f4a7c15ull + index;

	memset(r, 0, sizeof(*r));
	r->magic = MAGIC;
	r->owner = owner;
	r->index = index;
	r->count = count;
	for (size_t i = 0; i < sizeof(r->data); i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		r->data[i] = (unsigned char)(x >> 56);
	}
	r->sum = sum_of(r->data, sizeof(r->data)) ^ (uint32_t)index ^ (uint32_t)count;
}

/* NULL: zeroes or a whole record of this position. */
static const char *bad_record(const struct record *r, uint64_t index)
{
	static const struct record zero;
	struct record want;

	if (memcmp(r, &zero, sizeof(zero)) == 0)
		return NULL;
	if (r->magic != MAGIC)
		return "no record";
	if (r->index != index)
		return "record of another position";
	make_record(&want, index, r->count, r->owner);
	return memcmp(r, &want, sizeof(want)) ? "torn record" : NULL;
}

static void check_records(const char *name, int fd)
{
	struct record r;
	uint64_t i = 0;
	ssize_t n;

	while ((n = pread(fd, &r, REC, (off_t)(i * REC))) == REC) {
		const char *bad = bad_record(&r, i);

		errno = 0;
		if (bad)
			fail("%s: record %llu: %s (magic %08x index %llu count %llu owner %u)",
			     name, (unsigned long long)i, bad, r.magic, (unsigned long long)r.index,
			     (unsigned long long)r.count, r.owner);
		i++;
	}
	if (n)
		fail("%s: read at %llu gave %zd", name, (unsigned long long)i * REC, n);
}

/* --- writing --- */

static sigjmp_buf bus_jump;

static void on_bus(int sig)
{
	siglongjmp(bus_jump, 1);
}

static void by_mapping(int fd, const struct record *r, uint64_t index)
{
	struct stat st;
	char *map;

	if (fstat(fd, &st) || (uint64_t)st.st_size < (index + 1) * REC)
		return;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap");
	/* SIGBUS: the disk is full. */
	if (sigsetjmp(bus_jump, 1) == 0)
		memcpy(map + index * REC, r, REC);
	if (rnd(8) == 0 && msync(map, (size_t)st.st_size, MS_SYNC))
		fail("msync");
	munmap(map, (size_t)st.st_size);
}

/* The nth position that is ours, below FILE_RECS. */
static uint64_t my_index(void)
{
	return rnd((uint64_t)(FILE_RECS / processes)) * (uint64_t)processes + (uint64_t)me;
}

static void write_common(int fd)
{
	struct record r;

	if (flock(fd, LOCK_SH))
		fail("flock");
	for (int n = 1 + (int)rnd(6); n > 0; n--) {
		uint64_t i = my_index();

		make_record(&r, i, ++counter, (unsigned int)me);
		if (rnd(3) == 0)
			by_mapping(fd, &r, i);
		else if (pwrite(fd, &r, REC, (off_t)(i * REC)) != REC && errno != ENOSPC)
			fail("pwrite of a common file");
	}
	flock(fd, LOCK_UN);
}

static void truncate_common(int fd)
{
	if (flock(fd, LOCK_EX))
		fail("flock");
	if (ftruncate(fd, (off_t)(rnd(FILE_RECS) * REC)))
		fail("truncate of a common file");
	flock(fd, LOCK_UN);
}

/* --- the common part --- */

/* A common call may fail, but only for a reason that others can have given. */
static void allow(int rc, const char *what)
{
	static const int fine[] = {
		ENOENT, EEXIST, ENOTEMPTY, EINVAL, ENOTDIR, EISDIR, ELOOP,
		EBUSY,	ENOSPC, EMLINK,	   EPERM,  ENODATA, ENXIO,  ENAMETOOLONG
	};

	if (rc >= 0)
		return;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		if (errno == fine[i])
			return;
	fail("%s", what);
}

static void reach_dirs(void)
{
	char p[4200];

	for (int i = 0; i < DIRS; i++) {
		snprintf(p, sizeof(p), "%s/d%d", root, i);
		dir_fd[i] = open(p, O_RDONLY | O_DIRECTORY);
		if (dir_fd[i] < 0)
			fail("open %s", p);
	}
}

static int opened(int d, const char *name, int flags)
{
	int fd = openat(dir_fd[d], name, flags | O_NONBLOCK | O_NOFOLLOW, 0644);

	allow(fd, "open of a common name");
	return fd;
}

static void read_dir(int d);

static void common_file(int d, const char *name)
{
	int fd = opened(d, name, O_RDWR | (rnd(2) ? O_CREAT : 0));
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st))
		fail("fstat");
	if (S_ISREG(st.st_mode)) {
		switch (rnd(8)) {
		case 0:
			truncate_common(fd);
			break;
		case 1:
			check_records(name, fd);
			break;
		case 2:
			allow(fsync(fd), "fsync");
			break;
		case 3:
			allow(fdatasync(fd), "fdatasync");
			break;
		default:
			write_common(fd);
		}
	}
	close(fd);
}

static void common_attributes(int d, const char *name)
{
	struct timespec t[2] = { { (time_t)rnd(2000000000), 0 }, { 0, UTIME_OMIT } };
	char p[64], value[128];

	switch (rnd(4)) {
	case 0:
		allow(fchmodat(dir_fd[d], name, 0700 | (mode_t)rnd(64), 0), "chmod");
		break;
	case 1:
		allow(fchownat(dir_fd[d], name, (uid_t)rnd(3), (gid_t)rnd(3), AT_SYMLINK_NOFOLLOW),
		      "chown");
		break;
	case 2:
		allow(utimensat(dir_fd[d], name, t, AT_SYMLINK_NOFOLLOW), "utimes");
		break;
	default:
		if (no_xattr)
			break;
		snprintf(p, sizeof(p), "/proc/self/fd/%d/%s", dir_fd[d], name);
		memset(value, 'v', sizeof(value));
		if (rnd(3))
			allow(lsetxattr(p, "trusted.common", value, rnd(sizeof(value)), 0),
			      "setxattr");
		else
			allow(lremovexattr(p, "trusted.common"), "removexattr");
	}
}

static void common_step(void)
{
	int d = (int)rnd(DIRS), e = (int)rnd(DIRS);
	char a[16], b[16], target[600];
	ssize_t n;

	snprintf(a, sizeof(a), "c%d", (int)rnd(COMMON));
	snprintf(b, sizeof(b), "c%d", (int)rnd(COMMON));
	switch (rnd(16)) {
	case 0:
		allow(mkdirat(dir_fd[d], a, 0755), "mkdir");
		break;
	case 1:
		allow(unlinkat(dir_fd[d], a, AT_REMOVEDIR), "rmdir");
		break;
	case 2:
	case 3:
		allow(unlinkat(dir_fd[d], a, 0), "unlink");
		break;
	case 4:
	case 5:
		allow(renameat(dir_fd[d], a, dir_fd[e], b), "rename");
		break;
	case 6:
		allow((int)syscall(SYS_renameat2, dir_fd[d], a, dir_fd[e], b, 1 + (int)rnd(2)),
		      "renameat2"); /* NOREPLACE, EXCHANGE */
		break;
	case 7:
		allow(linkat(dir_fd[d], a, dir_fd[e], b, 0), "link");
		break;
	case 8:
		memset(target, 't', sizeof(target));
		target[rnd(2) ? 1 + rnd(50) : 1 + rnd(590)] = 0;
		allow(symlinkat(target, dir_fd[d], a), "symlink");
		break;
	case 9:
		n = readlinkat(dir_fd[d], a, target, sizeof(target));
		allow((int)n, "readlink");
		for (ssize_t i = 0; i < n; i++)
			if (target[i] != 't')
				fail("symlink %s holds something else", a);
		break;
	case 10:
		common_attributes(d, a);
		break;
	case 11:
		read_dir(d);
		break;
	case 12:
		if (rnd(4) == 0)
			allow(mknodat(dir_fd[d], a, rnd(2) ? S_IFIFO | 0600 : S_IFCHR | 0600,
				      makedev(1, 3)),
			      "mknod");
		break;
	default:
		common_file(d, a);
	}
}

/* The common directories change their places among each other; d0 stays. */
static void move_dirs(void)
{
	char from[4200], to[4200], p[4200];
	int d = 1 + (int)rnd(DIRS - 1), e = (int)rnd(DIRS);
	ssize_t n;

	snprintf(p, sizeof(p), "/proc/self/fd/%d", dir_fd[d]);
	n = readlink(p, from, sizeof(from) - 1);
	if (n < 0)
		fail("readlink of %s", p);
	from[n] = 0;
	snprintf(p, sizeof(p), "/proc/self/fd/%d", dir_fd[e]);
	n = readlink(p, to, sizeof(to) - 20);
	if (n < 0)
		fail("readlink of %s", p);
	snprintf(to + n, sizeof(to) - (size_t)n, "/d%d", d);
	if (rnd(4) == 0)
		snprintf(to, sizeof(to), "%s/d%d", root, d);
	allow(rename(from, to), "rename of a directory");
}

/* --- the private part --- */

struct object {
	int kind;  /* 0: none, 1: file, 2: directory, 3: symlink */
	int nlink; /* slots that are this object */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	time_t mtime;		   /* 0: not known */
	uint64_t recs;		   /* size in records */
	uint64_t count[FILE_RECS]; /* 0: zeroes */
	uint64_t attr;		   /* value of user.private; 0: none */
};

static struct object objects[SLOTS];
static struct slot {
	struct object *obj;
	int dir;
	unsigned int gen;
} slots[SLOTS];

static const char *slot_name(int s)
{
	static char name[2][64];
	static int turn;

	turn ^= 1;
	snprintf(name[turn], sizeof(name[0]), "p%d.%d.%u", me, s, slots[s].gen);
	return name[turn];
}

static int slot_open(int s, int flags)
{
	int fd = openat(dir_fd[slots[s].dir], slot_name(s), flags | O_NOFOLLOW, 0644);

	if (fd < 0 && errno != ENOSPC)
		fail("open of %s", slot_name(s));
	return fd;
}

static int created(int rc)
{
	if (rc < 0 && errno != ENOSPC)
		fail("making a private object");
	return rc < 0;
}

static void p_create(int s)
{
	struct object *o = objects;
	struct stat st;

	while (o->kind)
		o++;
	slots[s].gen++;
	slots[s].dir = (int)rnd(DIRS);
	memset(o, 0, sizeof(*o));
	o->kind = 1 + (rnd(4) == 0) + (rnd(8) == 0);
	if (o->kind == 1) {
		int fd = slot_open(s, O_RDWR | O_CREAT | O_EXCL);

		if (fd < 0) {
			o->kind = 0;
			return;
		}
		close(fd);
	} else if (o->kind == 2
			   ? created(mkdirat(dir_fd[slots[s].dir], slot_name(s), 0755))
			   : created(symlinkat(slot_name(s), dir_fd[slots[s].dir], slot_name(s)))) {
		o->kind = 0;
		return;
	}
	if (fstatat(dir_fd[slots[s].dir], slot_name(s), &st, AT_SYMLINK_NOFOLLOW))
		fail("stat of a new private object");
	o->mode = st.st_mode;
	o->nlink = 1;
	slots[s].obj = o;
}

static void p_write(int s)
{
	struct object *o = slots[s].obj;
	int fd = slot_open(s, O_RDWR);
	struct record r;

	for (int n = 1 + (int)rnd(8); n > 0; n--) {
		uint64_t i = rnd(3) ? rnd(FILE_RECS) : o->recs % FILE_RECS;

		make_record(&r, i, ++counter, (unsigned int)me);
		if (i < o->recs && rnd(3) == 0) {
			char *map = mmap(NULL, (size_t)(o->recs * REC), PROT_READ | PROT_WRITE,
					 MAP_SHARED, fd, 0);

			if (map == MAP_FAILED)
				fail("mmap");
			if (sigsetjmp(bus_jump, 1) == 0) {
				memcpy(map + i * REC, &r, REC);
				o->count[i] = counter;
			}
			munmap(map, (size_t)(o->recs * REC));
			continue;
		}
		if (pwrite(fd, &r, REC, (off_t)(i * REC)) != REC) {
			if (errno != ENOSPC)
				fail("pwrite of %s", slot_name(s));
			continue;
		}
		o->count[i] = counter;
		if (i >= o->recs)
			o->recs = i + 1;
	}
	o->mtime = 0;
	o->mode &= (mode_t)~06000;
	if (rnd(6) == 0 && (rnd(2) ? fsync(fd) : fdatasync(fd)))
		fail("fsync of %s", slot_name(s));
	close(fd);
}

static void p_truncate(int s)
{
	struct object *o = slots[s].obj;
	int fd = slot_open(s, O_RDWR);
	uint64_t to = rnd(FILE_RECS);

	if (ftruncate(fd, (off_t)(to * REC)))
		fail("truncate of %s", slot_name(s));
	for (uint64_t i = to; i < FILE_RECS; i++)
		o->count[i] = 0;
	o->recs = to;
	o->mtime = 0;
	close(fd);
}

static void p_attributes(int s)
{
	struct object *o = slots[s].obj;
	struct timespec t[2] = { { 0, UTIME_OMIT }, { 1 + (time_t)rnd(2000000000), 0 } };
	int fd = slot_open(s, O_RDONLY);

	switch (rnd(4)) {
	case 0:
		o->mode = (o->mode & S_IFMT) | 0600 | (mode_t)rnd(0200);
		if (fchmod(fd, o->mode & 07777))
			fail("chmod");
		break;
	case 1:
		o->uid = (uid_t)rnd(70000);
		o->gid = (gid_t)rnd(70000);
		if (fchown(fd, o->uid, o->gid))
			fail("chown");
		break;
	case 2:
		o->mtime = t[1].tv_sec;
		if (futimens(fd, t))
			fail("utimes");
		break;
	default:
		if (no_xattr)
			break;
		if (o->attr && rnd(3) == 0) {
			if (fremovexattr(fd, "user.private"))
				fail("removexattr");
			o->attr = 0;
		} else if (counter++,
			   fsetxattr(fd, "user.private", &counter, sizeof(counter), 0) == 0) {
			o->attr = counter;
		} else if (errno == EOPNOTSUPP) {
			no_xattr = 1;
		} else if (errno != ENOSPC) {
			fail("setxattr");
		}
	}
	close(fd);
}

static void p_rename(int s)
{
	int to = (int)rnd(SLOTS), d = (int)rnd(DIRS);
	struct slot old = slots[s];
	char from[64];

	snprintf(from, sizeof(from), "%s", slot_name(s));
	if (to == s || slots[to].obj == slots[s].obj)
		return;
	if (slots[to].obj) { /* over it: only a file over a file or the like */
		if ((slots[to].obj->kind == 2) != (old.obj->kind == 2))
			return;
		d = slots[to].dir;
	} else {
		slots[to].gen++;
	}
	if (renameat(dir_fd[old.dir], from, dir_fd[d], slot_name(to))) {
		if (errno == ENOSPC)
			return;
		fail("rename of %s to %s", from, slot_name(to));
	}
	if (slots[to].obj && --slots[to].obj->nlink == 0)
		slots[to].obj->kind = 0;
	slots[to].obj = old.obj;
	slots[to].dir = d;
	slots[s].obj = NULL;
}

static void p_link(int s)
{
	int to = (int)rnd(SLOTS);

	if (slots[to].obj || slots[s].obj->kind == 2)
		return;
	slots[to].gen++;
	slots[to].dir = (int)rnd(DIRS);
	if (linkat(dir_fd[slots[s].dir], slot_name(s), dir_fd[slots[to].dir], slot_name(to), 0)) {
		if (errno == ENOSPC)
			return;
		fail("link of %s", slot_name(s));
	}
	slots[to].obj = slots[s].obj;
	slots[s].obj->nlink++;
}

static void p_remove(int s)
{
	struct object *o = slots[s].obj;

	if (unlinkat(dir_fd[slots[s].dir], slot_name(s), o->kind == 2 ? AT_REMOVEDIR : 0))
		fail("removing %s", slot_name(s));
	if (--o->nlink == 0)
		o->kind = 0;
	slots[s].obj = NULL;
	if (faccessat(dir_fd[slots[s].dir], slot_name(s), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		fail("%s is there after its removal", slot_name(s));
}

static void verify_data(int s)
{
	struct object *o = slots[s].obj;
	struct record r, want;
	int fd = slot_open(s, O_RDONLY);

	for (uint64_t i = 0; i < o->recs; i++) {
		memset(&want, 0, sizeof(want));
		if (o->count[i])
			make_record(&want, i, o->count[i], (unsigned int)me);
		if (pread(fd, &r, REC, (off_t)(i * REC)) != REC)
			fail("read of %s at record %llu", slot_name(s), (unsigned long long)i);
		errno = 0;
		if (memcmp(&r, &want, REC))
			fail("%s: record %llu is count %llu magic %08x, should be %llu",
			     slot_name(s), (unsigned long long)i, (unsigned long long)r.count,
			     r.magic, (unsigned long long)o->count[i]);
	}
	close(fd);
}

static void verify(int s)
{
	struct object *o = slots[s].obj;
	char name[64], target[64];
	uint64_t attr = 0;
	struct stat st;
	int fd;

	if (!o)
		return;
	snprintf(name, sizeof(name), "%s", slot_name(s));
	if (fstatat(dir_fd[slots[s].dir], name, &st, AT_SYMLINK_NOFOLLOW))
		fail("%s is not there", name);
	errno = 0;
	if (st.st_mode != o->mode || st.st_uid != o->uid || st.st_gid != o->gid)
		fail("%s: mode %o owner %u:%u, should be %o %u:%u", name, st.st_mode, st.st_uid,
		     st.st_gid, o->mode, o->uid, o->gid);
	if (o->mtime && st.st_mtime != o->mtime)
		fail("%s: time %lld, should be %lld", name, (long long)st.st_mtime,
		     (long long)o->mtime);
	if (st.st_nlink != (nlink_t)(o->kind == 2 ? 2 : o->nlink))
		fail("%s: %lu links, should be %d", name, (unsigned long)st.st_nlink, o->nlink);
	if (o->kind == 3) {
		ssize_t n = readlinkat(dir_fd[slots[s].dir], name, target, sizeof(target));

		if (n < 0 || n != (ssize_t)st.st_size || sscanf(target, "p%d", &fd) != 1 ||
		    fd != me)
			fail("symlink %s", name);
		return;
	}
	fd = slot_open(s, O_RDONLY);
	if (!no_xattr && (fgetxattr(fd, "user.private", &attr, sizeof(attr)) < 0) != (o->attr == 0))
		fail("%s: attribute", name);
	close(fd);
	if (attr != o->attr)
		fail("%s: attribute %llu, should be %llu", name, (unsigned long long)attr,
		     (unsigned long long)o->attr);
	if (o->kind != 1)
		return;
	if ((uint64_t)st.st_size != o->recs * REC)
		fail("%s: size %lld, should be %lld", name, (long long)st.st_size,
		     (long long)(o->recs * REC));
	verify_data(s);
}

/* All of our names that are in this directory must be read, each once, whatever others do. */
static void read_dir(int d)
{
	int seen[SLOTS] = { 0 }, k, s, fd = openat(dir_fd[d], ".", O_RDONLY | O_DIRECTORY);
	unsigned int gen;
	struct dirent *e;
	DIR *dir;

	if (fd < 0 || !(dir = fdopendir(fd)))
		fail("opening a directory");
	while ((errno = 0, e = readdir(dir)))
		if (sscanf(e->d_name, "p%d.%d.%u", &k, &s, &gen) == 3 && k == me) {
			if (s >= SLOTS || gen != slots[s].gen || !slots[s].obj || slots[s].dir != d)
				fail("%s is read, but not there", e->d_name);
			seen[s]++;
		}
	if (errno)
		fail("readdir");
	closedir(dir);
	for (s = 0; s < SLOTS; s++)
		if (slots[s].obj && slots[s].dir == d && seen[s] != 1)
			fail("%s is read %d times", slot_name(s), seen[s]);
}

static void private_step(void)
{
	int s = (int)rnd(SLOTS);
	struct object *o = slots[s].obj;

	if (!o) {
		p_create(s);
		return;
	}
	switch (rnd(14)) {
	case 0:
		p_remove(s);
		break;
	case 1:
	case 2:
		p_rename(s);
		break;
	case 3:
		p_link(s);
		break;
	case 4:
		verify(s);
		break;
	case 5:
		if (o->kind == 1)
			p_truncate(s);
		break;
	case 6:
	case 7:
		if (o->kind != 3)
			p_attributes(s);
		break;
	default:
		if (o->kind == 1)
			p_write(s);
	}
}

static void drop_caches(void)
{
	int d = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (d < 0)
		return;
	if (write(d, "3\n", 2) != 2)
		fail("drop_caches");
	close(d);
}

static void work(int k)
{
	time_t end = time(NULL) + seconds;
	struct sigaction sa = { .sa_handler = on_bus };

	me = k;
	state = (seed + (uint64_t)k + 1) * 0x9e3779b97f4a7c15ull;
	sigaction(SIGBUS, &sa, NULL);
	umask(0);
	for (uint64_t n = 1; seconds ? time(NULL) < end : n <= operations; n++) {
		if (rnd(2))
			common_step();
		else
			private_step();
		switch (rnd(512)) {
		case 0:
		case 1:
		case 2:
		case 3:
			move_dirs();
			break;
		case 4:
			sync();
			break;
		case 5:
			allow(syncfs(dir_fd[0]), "syncfs");
			break;
		case 6:
			drop_caches();
			break;
		case 7:
			allow(fsync(dir_fd[rnd(DIRS)]), "fsync of a directory");
			break;
		}
	}
	drop_caches();
	for (int s = 0; s < SLOTS; s++)
		verify(s);
	for (int d = 0; d < DIRS; d++)
		read_dir(d);
}

/* --- the tree as a whole --- */

typedef int (*visitor)(int at, const char *name, const char *where, struct stat *st);

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a directory, sorted by their bytes; the descriptor stays open. */
static char **names_of(int fd, size_t *count)
{
	DIR *dir = fdopendir(dup(fd));
	struct dirent *e;
	char **list = NULL;

	*count = 0;
	while (dir && (errno = 0, e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    !strcmp(e->d_name, "lost+found"))
			continue;
		if (*count % 256 == 0)
			list = realloc(list, (*count + 256) * sizeof(*list));
		list[(*count)++] = strdup(e->d_name);
	}
	if (!dir || errno)
		fail("reading a directory");
	closedir(dir);
	if (list)
		qsort(list, *count, sizeof(*list), by_name);
	return list;
}

static int walk(int at, const char *name, const char *where, visitor visit)
{
	char below[4096], **list;
	struct stat st;
	size_t count;
	int fd, bad;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW))
		fail("stat of %s", where);
	bad = visit(at, name, where, &st);
	if (!S_ISDIR(st.st_mode))
		return bad;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		fail("opening %s", where);
	list = names_of(fd, &count);
	for (size_t i = 0; i < count; i++) {
		snprintf(below, sizeof(below), "%.3000s/%s", where, list[i]);
		bad |= walk(fd, list[i], below, visit);
		free(list[i]);
	}
	free(list);
	close(fd);
	return bad;
}

static int visit_records(int at, const char *name, const char *where, struct stat *st)
{
	int fd;

	if (!S_ISREG(st->st_mode))
		return 0;
	fd = openat(at, name, O_RDONLY);
	if (fd < 0)
		fail("open of %s", where);
	if (st->st_size % REC)
		fail("%s: size %lld", where, (long long)st->st_size);
	check_records(where, fd);
	close(fd);
	return 0;
}

/* Order of names must not depend on the file system's: sorted by their bytes. */
static void list_attributes(const char *p)
{
	char names[4096], value[4096], *sorted[64];
	ssize_t n = llistxattr(p, names, sizeof(names));
	int count = 0;

	for (char *x = names; n > 0 && x < names + n && count < 64; x += strlen(x) + 1) {
		int i = count++;

		for (; i > 0 && strcmp(sorted[i - 1], x) > 0; i--)
			sorted[i] = sorted[i - 1];
		sorted[i] = x;
	}
	for (int i = 0; i < count; i++) {
		ssize_t len = lgetxattr(p, sorted[i], value, sizeof(value));

		printf(" %s=%zd:%08x", sorted[i], len, len > 0 ? sum_of(value, (size_t)len) : 0);
	}
}

static int visit_list(int at, const char *name, const char *where, struct stat *st)
{
	static unsigned char buf[65536];
	char p[64 + 256];
	uint64_t h = 1469598103934665603ull;
	ssize_t n = 0;

	printf("%s %o %u:%u %lld.%09ld", where, st->st_mode, st->st_uid, st->st_gid,
	       (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	if (!S_ISDIR(st->st_mode))
		printf(" n%lu", (unsigned long)st->st_nlink);
	if (S_ISREG(st->st_mode)) {
		int fd = openat(at, name, O_RDONLY);

		while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0)
			for (ssize_t i = 0; i < n; i++)
				h = (h ^ buf[i]) * 1099511628211ull;
		if (fd < 0 || n < 0)
			fail("reading %s", where);
		close(fd);
		printf(" %lld %016llx", (long long)st->st_size, (unsigned long long)h);
	} else if (S_ISLNK(st->st_mode)) {
		n = readlinkat(at, name, (char *)buf, sizeof(buf) - 1);
		printf(" -> %.*s", (int)n, buf);
	} else if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		printf(" %u,%u", major(st->st_rdev), minor(st->st_rdev));
	}
	snprintf(p, sizeof(p), "/proc/self/fd/%d/%s", at, name);
	list_attributes(p);
	printf("\n");
	return 0;
}

static void hog(size_t mib)
{
	size_t size = mib << 20;
	volatile char *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap of %zu MiB", mib);
	for (;;) {
		for (size_t i = 0; i < size; i += 4096)
			p[i]++;
		usleep(1000);
	}
}

static int storm(const char *dir, size_t mib)
{
	pid_t pids[64], pig = 0;
	char p[4200];
	int bad = 0, st;

	snprintf(root, sizeof(root), "%.3900s/storm", dir);
	if (mkdir(root, 0755))
		fail("mkdir %s", root);
	for (int i = 0; i < DIRS; i++) {
		snprintf(p, sizeof(p), "%s/d%d", root, i);
		if (mkdir(p, 0755))
			fail("mkdir %s", p);
	}
	reach_dirs(); /* before anybody moves them */
	if (mib && (pig = fork()) == 0)
		hog(mib);
	for (int k = 0; k < processes; k++) {
		pids[k] = fork();
		if (pids[k] < 0)
			fail("fork");
		if (pids[k] == 0) {
			work(k);
			exit(0);
		}
	}
	for (int k = 0; k < processes; k++) {
		if (waitpid(pids[k], &st, 0) != pids[k])
			fail("wait");
		if (WIFSIGNALED(st))
			fprintf(stderr, "fsstorm: process %d ended by signal %d\n", k,
				WTERMSIG(st));
		bad |= st != 0;
	}
	if (pig) {
		kill(pig, SIGKILL);
		waitpid(pig, NULL, 0);
	}
	return bad || walk(AT_FDCWD, root, "storm", visit_records);
}

int main(int argc, char **argv)
{
	size_t mib = 0;
	int c;

	if (argc == 3 && !strcmp(argv[1], "list"))
		return walk(AT_FDCWD, argv[2], ".", visit_list);
	if (argc == 3 && !strcmp(argv[1], "records"))
		return walk(AT_FDCWD, argv[2], ".", visit_records);
	while ((c = getopt(argc, argv, "s:n:p:t:m:")) >= 0) {
		switch (c) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			operations = strtoull(optarg, NULL, 0);
			break;
		case 't':
			seconds = atoi(optarg);
			break;
		case 'p':
			processes = atoi(optarg);
			break;
		case 'm':
			mib = strtoul(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	if (optind != argc - 1 || processes < 1 || processes > 64)
		return fprintf(stderr, "usage: fsstorm [options] DIR\n"), 2;
	c = storm(argv[optind], mib);
	printf("fsstorm: seed %llu, %d processes: %s\n", (unsigned long long)seed, processes,
	       c ? "FAILED" : "ok");
	return c;
}
