/* SPDX-License-Identifier: MIT */
/* A disk that fails at a chosen request, under a fixed piece of work.
 *
 *	iofail DEVICE HOOK BASE RESULTS MOUNTOPTIONS RULE FIRST LAST STEP
 *	iofail work DEVICE MOUNTOPTIONS		once, without a hook: the disk itself fails
 *
 * For n = FIRST, FIRST+STEP, ... LAST: BASE (a file or device with an ext2 file system) is written
 *to DEVICE, the hook (/sys/block/NAME/inject) gets "RULE n", the file system is mounted, worked on
 *and unmounted, the hook is cleared, and the device's content appended to RESULTS (a device or
 *file, "-" for none) for the host's e2fsck. "nth" fails one request, "from" it and all that follow.
 *
 * What must hold for every n: all of it ends; a read that succeeds gives the right bytes; when no
 * call fails, all is there afterwards; what was acknowledged by fsync and not touched since is
 *there afterwards, whatever failed; files that were only read are. One line for each n: n hits
 *FAILEDCALLS first failed call Exit status 0 when everything held, 1 when not; the run ends with n
 *at which the hook was not hit. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MNT	 "/mnt"
#define OLD	 4 /* files old/0.. of the base image, see old_byte */
#define OLD_SIZE 20000
#define NEW	 6
#define MAX_SIZE 65536

struct object {
	char path[64];
	size_t size;
	int there;  /* as far as the calls that succeeded say */
	int acked;  /* must be on the disk as it is in data[] */
	int unsure; /* a call that changes it failed */
	unsigned char data[MAX_SIZE];
};

static struct object objects[NEW];
static int failed, bad;
static unsigned long number;
static char first_failure[128];
static unsigned char buf[MAX_SIZE];

static void wrong(const char *fmt, ...)
{
	va_list ap;

	printf("WRONG: %lu: ", number);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	bad = 1;
}

/* Counts a call that failed; 0 when it did not. */
static int tell(int rc, const char *what, const char *path)
{
	if (rc >= 0)
		return 0;
	if (!failed++)
		snprintf(first_failure, sizeof(first_failure), "%s %s: %s", what, path,
			 strerror(errno));
	return -1;
}

static unsigned char old_byte(int k, size_t at)
{
	return (unsigned char)("abcdefghijklmnopqrstuvwxyz"[(at * 7 + at / 1024 + (size_t)k) % 26]);
}

static void changed(struct object *o, int rc)
{
	o->acked = 0;
	if (rc)
		o->unsure = 1;
}

/* A call that makes the object last: an earlier failure on it may have taken something away. */
static void made_to_last(struct object *o, int rc)
{
	if (rc == 0 && !o->unsure)
		o->acked = 1;
}

static void put(struct object *o, size_t off, size_t len, int flags, int version)
{
	int fd = open(o->path, O_RDWR | O_CREAT | flags, 0644), rc = -1;
	ssize_t n;

	if (tell(fd, "open", o->path)) {
		changed(o, -1);
		return;
	}
	for (size_t i = 0; i < len; i++)
		buf[i] = (unsigned char)((off + i) * 31 + (off + i) / 512 + (size_t)version * 101);
	n = pwrite(fd, buf, len, (off_t)off);
	if (n >= 0 && (size_t)n < len)
		errno = EIO;
	rc = tell(n == (ssize_t)len ? 0 : -1, "write", o->path);
	if (rc == 0) {
		memcpy(o->data + off, buf, len);
		o->size = off + len > o->size ? off + len : o->size;
		o->there = 1;
	}
	changed(o, rc);
	if (flags & O_SYNC)
		made_to_last(o, rc);
	if (tell(close(fd), "close", o->path))
		o->acked = 0;
}

static void sync_it(struct object *o, int data_only)
{
	int fd = open(o->path, O_RDWR);

	if (tell(fd, "open", o->path))
		return;
	made_to_last(o, tell(data_only ? fdatasync(fd) : fsync(fd), "fsync", o->path));
	tell(close(fd), "close", o->path);
}

static void map_it(struct object *o, size_t off, size_t len)
{
	int fd = open(o->path, O_RDWR), rc;
	char *map;

	if (tell(fd, "open", o->path))
		return;
	if (!o->there || off + len > o->size) { /* an earlier write failed */
		close(fd);
		return;
	}
	/* A page that cannot be read would be a SIGBUS: read it first. */
	if (tell(pread(fd, buf, off + len, 0) == (ssize_t)(off + len) ? 0 : -1, "read", o->path)) {
		close(fd);
		return;
	}
	map = mmap(NULL, off + len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (tell(map == MAP_FAILED ? -1 : 0, "mmap", o->path)) {
		close(fd);
		return;
	}
	memset(map + off, 'M', len);
	memset(o->data + off, 'M', len);
	changed(o, 0);
	rc = tell(msync(map, off + len, MS_SYNC), "msync", o->path);
	changed(o, rc);
	made_to_last(o, rc);
	munmap(map, off + len);
	tell(close(fd), "close", o->path);
}

static int sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY), rc;

	if (tell(fd, "open", path))
		return -1;
	rc = tell(fsync(fd), "fsync", path);
	close(fd);
	return rc;
}

static void compare(const char *path, const unsigned char *want, size_t size, int must)
{
	static unsigned char got[MAX_SIZE];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0) {
		if (must)
			wrong("%s: %s", path, strerror(errno));
		else
			tell(fd, "open", path);
		return;
	}
	n = pread(fd, got, sizeof(got), 0);
	if (n < 0 || (size_t)n != size) {
		if (must)
			wrong("%s: %zd bytes, should be %zu: %s", path, n, size, strerror(errno));
		else
			tell(-1, "read", path);
		n = n < 0 ? 0 : (size_t)n < size ? n : (ssize_t)size;
	}
	for (ssize_t i = 0; i < n; i++)
		if (got[i] != want[i]) {
			wrong("%s: byte %zd is %02x, should be %02x", path, i, got[i], want[i]);
			break;
		}
	close(fd);
}

static void compare_old(int must)
{
	char path[64];

	for (int k = 0; k < OLD; k++) {
		for (size_t i = 0; i < OLD_SIZE; i++)
			buf[i] = old_byte(k, i);
		snprintf(path, sizeof(path), MNT "/old/%d", k);
		compare(path, buf, OLD_SIZE, must);
	}
}

static void drop_caches(void)
{
	int d = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (d >= 0 && write(d, "3\n", 2) == 2)
		close(d);
}

static void read_names(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (tell(d ? 0 : -1, "opendir", path))
		return;
	while ((errno = 0, e = readdir(d)))
		;
	tell(errno ? -1 : 0, "readdir", path);
	closedir(d);
}

static void move(struct object *o, const char *to)
{
	int rc = tell(rename(o->path, to), "rename", o->path);

	if (rc == 0)
		strcpy(o->path, to);
	changed(o, rc);
}

static void work(void)
{
	struct object *o = objects;
	struct stat st;
	int fd, rc;

	tell(mkdir(MNT "/d", 0755), "mkdir", "d");
	tell(mkdir(MNT "/e", 0755), "mkdir", "e");
	for (int i = 0; i < NEW; i++) {
		snprintf(o[i].path, sizeof(o[i].path), MNT "/d/f%d", i);
		put(&o[i], 0, 3000 + 6000 * (size_t)i, 0, i);
		if (i % 2)
			sync_it(&o[i], i == 3);
	}
	compare_old(0);
	put(&o[1], 2000, 5000, 0, 11);
	sync_it(&o[1], 1);
	move(&o[0], MNT "/e/g0");
	sync_it(&o[0], 0);
	tell(link(o[1].path, MNT "/e/link"), "link", "e/link");
	tell(symlink("somewhere", MNT "/e/symlink"), "symlink", "e/symlink");
	sync_dir(MNT "/e");
	map_it(&o[3], 500, 4000);
	put(&o[2], 30000, 4000, O_SYNC, 12); /* behind a hole, through an indirect block */
	rc = tell(truncate(o[4].path, 1000), "truncate", o[4].path);
	changed(&o[4], rc);
	if (rc == 0)
		o[4].size = 1000;
	sync_it(&o[4], 0);
	rc = tell(unlink(o[5].path), "unlink", o[5].path);
	changed(&o[5], rc);
	if (rc == 0)
		o[5].there = 0;
	tell(mkdir(MNT "/d/x", 0755), "mkdir", "d/x");
	tell(rmdir(MNT "/d/x"), "rmdir", "d/x");
	sync_dir(MNT "/d");
	move(&o[3], MNT "/e/g3");
	fd = open(MNT, O_RDONLY);
	rc = tell(fd, "open", MNT) ? -1 : tell(syncfs(fd), "syncfs", MNT);
	for (int i = 0; i < NEW; i++)
		made_to_last(&o[i], rc);
	close(fd);
	drop_caches();
	read_names(MNT "/d");
	read_names(MNT "/e");
	tell(stat(MNT "/e/link", &st), "stat", "e/link");
	for (int i = 0; i < NEW; i++)
		if (o[i].there && !o[i].unsure)
			compare(o[i].path, o[i].data, o[i].size, 0);
}

/* Afterwards, on a disk that works again. */
static void judge(const char *device)
{
	if (mount(device, MNT, "ext2", MS_RDONLY, "")) {
		wrong("cannot be mounted afterwards: %s", strerror(errno));
		return;
	}
	compare_old(1);
	for (int i = 0; i < NEW; i++)
		if (objects[i].there && (objects[i].acked || !failed))
			compare(objects[i].path, objects[i].data, objects[i].size, 1);
		else if (!failed && access(objects[i].path, F_OK) == 0)
			wrong("%s is there again", objects[i].path);
	if (umount(MNT))
		wrong("umount: %s", strerror(errno));
}

static int say(const char *hook, const char *fmt, ...)
{
	char text[64];
	va_list ap;
	int fd = open(hook, O_WRONLY), n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (fd < 0 || write(fd, text, (size_t)n) != n) {
		perror(hook);
		exit(2);
	}
	return close(fd);
}

static unsigned long hits(const char *hook)
{
	char text[128] = "", *at;
	int fd = open(hook, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0) {
		perror(hook);
		exit(2);
	}
	close(fd);
	at = strstr(text, "hits ");
	return at ? strtoul(at + 5, NULL, 10) : 0;
}

static void copy(const char *from, const char *to, off_t at)
{
	static char piece[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY);
	ssize_t n;

	if (in < 0 || out < 0 || lseek(out, at, SEEK_SET) != at) {
		fprintf(stderr, "iofail: copying %s to %s: %s\n", from, to, strerror(errno));
		exit(2);
	}
	while ((n = read(in, piece, sizeof(piece))) > 0)
		if (write(out, piece, (size_t)n) != n)
			n = -2;
	if (n < 0 || fsync(out)) {
		fprintf(stderr, "iofail: copying %s to %s: %s\n", from, to, strerror(errno));
		exit(2);
	}
	close(in);
	close(out);
}

static off_t size_of(const char *path)
{
	int fd = open(path, O_RDONLY);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (size <= 0) {
		perror(path);
		exit(2);
	}
	close(fd);
	return size;
}

static void reset(void)
{
	memset(objects, 0, sizeof(objects));
	failed = 0;
	*first_failure = 0;
}

static int mount_and_work(const char *device, const char *options)
{
	if (tell(mount(device, MNT, "ext2", 0, options), "mount", device))
		return -1;
	work();
	if (umount(MNT)) {
		wrong("umount: %s", strerror(errno));
		return -1;
	}
	return 0;
}

static int once(const char *device, const char *options)
{
	mount_and_work(device, options);
	printf("%d failed calls; %s\n", failed, first_failure);
	return bad;
}

int main(int argc, char **argv)
{
	unsigned long first, last, step, seen;
	off_t size;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(argv[1], "work"))
		return once(argv[2], argv[3]);
	if (argc != 10)
		return fprintf(stderr,
			       "usage: iofail DEVICE HOOK BASE RESULTS OPTIONS RULE FIRST LAST "
			       "STEP\n"),
		       2;
	size = size_of(argv[3]);
	first = strtoul(argv[7], NULL, 10);
	last = strtoul(argv[8], NULL, 10);
	step = strtoul(argv[9], NULL, 10);
	for (number = first; number <= last; number += step) {
		reset();
		copy(argv[3], argv[1], 0);
		say(argv[2], "%s %lu\n", argv[6], number);
		mount_and_work(argv[1], argv[5]);
		seen = hits(argv[2]);
		say(argv[2], "off\n");
		printf("%lu %lu %d %s\n", number, seen, failed, first_failure);
		judge(argv[1]);
		if (strcmp(argv[4], "-"))
			copy(argv[1], argv[4], (off_t)((number - first) / step) * size);
		if (!seen)
			break;
	}
	return bad;
}
