/* SPDX-License-Identifier: MIT */
/* Figures of a file system on a disk: "row nanoseconds" for each, for the whole row or, where that
 * is named, for one operation.
 *
 *	diskbench DIR MIB FILES [ROW ...]	DIR empty; a file of MIB MiB, so many small files
 *	diskbench mount DEVICE			one mount(2) of an ext2 file system on it
 *
 * Rows that write end when the data is on the disk ("+sync"), or, of single calls, tell what the
 * calls took. Before rows that read from the disk all is written and the caches are dropped. The
 *tree of the rows untar and rmtree is /tmp/tree.tar. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536

static size_t bytes;
static int files;
static char buf[CHUNK];
static int dir_fd;

static void die(const char *what)
{
	fprintf(stderr, "diskbench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void drop_caches(void)
{
	int fd;

	sync();
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (fd < 0 || write(fd, "3\n", 2) != 2)
		die("drop_caches");
	close(fd);
}

static int open_big(int flags)
{
	int fd = openat(dir_fd, "big", flags, 0644);

	if (fd < 0)
		die("big");
	return fd;
}

static void write_all(int fd)
{
	for (size_t at = 0; at < bytes; at += CHUNK)
		if (write(fd, buf, CHUNK) != CHUNK)
			die("write");
}

static void read_all(int fd)
{
	for (size_t at = 0; at < bytes; at += CHUNK)
		if (read(fd, buf, CHUNK) != CHUNK)
			die("read");
}

/* --- rows: the time measured --- */

static uint64_t seq_write(void)
{
	uint64_t t = now();
	int fd = open_big(O_WRONLY | O_CREAT | O_TRUNC);

	write_all(fd);
	if (fsync(fd))
		die("fsync");
	t = now() - t;
	close(fd);
	return t;
}

static uint64_t rewrite_cached(void)
{
	int fd = open_big(O_WRONLY);
	uint64_t t = now();

	write_all(fd);
	t = now() - t;
	close(fd);
	return t;
}

static uint64_t seq_read(void)
{
	uint64_t t;
	int fd;

	drop_caches();
	fd = open_big(O_RDONLY);
	t = now();
	read_all(fd);
	t = now() - t;
	close(fd);
	return t;
}

static uint64_t reread(void)
{
	int fd = open_big(O_RDONLY);
	uint64_t t;

	read_all(fd);
	lseek(fd, 0, SEEK_SET);
	t = now();
	read_all(fd);
	t = now() - t;
	close(fd);
	return t;
}

static uint64_t mmap_reread(void)
{
	int fd = open_big(O_RDONLY);
	volatile char sum = 0;
	uint64_t t;
	char *p;

	read_all(fd);
	t = now();
	p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	for (size_t at = 0; at < bytes; at += 4096)
		sum += p[at];
	munmap(p, bytes);
	t = now() - t;
	close(fd);
	return t;
}

#define RANDOM_READS 1000
static uint64_t rand_read(void)
{
	uint64_t t, x = 88172645463325252ull;
	int fd;

	drop_caches();
	fd = open_big(O_RDONLY);
	t = now();
	for (int i = 0; i < RANDOM_READS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (pread(fd, buf, 4096, (off_t)(x % (bytes / 4096) * 4096)) != 4096)
			die("pread");
	}
	t = now() - t;
	close(fd);
	return t / RANDOM_READS;
}

static char *small(int i)
{
	static char name[32];

	snprintf(name, sizeof(name), "small/file%d", i);
	return name;
}

static uint64_t create(size_t size, int synced)
{
	uint64_t t;

	sync();
	t = now();
	if (mkdirat(dir_fd, "small", 0755))
		die("mkdir");
	for (int i = 0; i < files; i++) {
		int fd = openat(dir_fd, small(i), O_WRONLY | O_CREAT | O_EXCL, 0644);

		if (fd < 0 || (size && write(fd, buf, size) != (ssize_t)size) || close(fd))
			die("create");
	}
	if (synced)
		sync();
	return (now() - t) / (uint64_t)files;
}

static uint64_t delete (int synced)
{
	uint64_t t;

	sync();
	t = now();
	for (int i = 0; i < files; i++)
		if (unlinkat(dir_fd, small(i), 0))
			die("unlink");
	if (unlinkat(dir_fd, "small", AT_REMOVEDIR))
		die("rmdir");
	if (synced)
		sync();
	return (now() - t) / (uint64_t)files;
}

static uint64_t create_0(void)
{
	return create(0, 0);
}
static uint64_t create_0_sync(void)
{
	return create(0, 1);
}
static uint64_t create_10k(void)
{
	return create(10240, 0);
}
static uint64_t create_10k_sync(void)
{
	return create(10240, 1);
}
static uint64_t delete_now(void)
{
	return delete (0);
}
static uint64_t delete_sync(void)
{
	return delete (1);
}

static uint64_t child(const char *const *argv)
{
	uint64_t t = now();
	pid_t pid = fork();
	int st;

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (waitpid(pid, &st, 0) != pid || st)
		die(argv[0]);
	sync();
	return now() - t;
}

static uint64_t untar(void)
{
	static const char *const argv[] = { "tar", "xf", "/tmp/tree.tar", NULL };

	sync();
	return child(argv);
}

static uint64_t rmtree(void)
{
	static const char *const argv[] = { "rm", "-r", "tree", NULL };

	return child(argv);
}

static uint64_t read_tree(void)
{
	static const char *const argv[] = { "tar", "cf", "/dev/null", "tree", NULL };

	drop_caches();
	return child(argv);
}

#define SYNCS 60
static uint64_t fsync_overwrite(void)
{
	int fd = openat(dir_fd, "log", O_RDWR | O_CREAT, 0644);
	uint64_t t;

	if (fd < 0 || pwrite(fd, buf, 4096, 0) != 4096 || fsync(fd))
		die("log");
	t = now();
	for (int i = 0; i < SYNCS; i++)
		if (pwrite(fd, buf, 4096, 0) != 4096 || fdatasync(fd))
			die("fdatasync");
	t = now() - t;
	close(fd);
	return t / SYNCS;
}

static uint64_t fsync_append(void)
{
	int fd = openat(dir_fd, "log", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0644);
	uint64_t t;

	if (fd < 0 || fsync(fd))
		die("log");
	t = now();
	for (int i = 0; i < SYNCS; i++)
		if (write(fd, buf, 1000) != 1000 || fsync(fd))
			die("fsync");
	t = now() - t;
	close(fd);
	return t / SYNCS;
}

static uint64_t fsync_create(void)
{
	char name[32];
	uint64_t t;

	t = now();
	for (int i = 0; i < SYNCS; i++) {
		int fd;

		snprintf(name, sizeof(name), "mail%d", i);
		fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL, 0644);
		if (fd < 0 || write(fd, buf, 1000) != 1000 || fsync(fd) || fsync(dir_fd) ||
		    close(fd))
			die("fsync of a new file");
	}
	t = now() - t;
	for (int i = 0; i < SYNCS; i++) {
		snprintf(name, sizeof(name), "mail%d", i);
		unlinkat(dir_fd, name, 0);
	}
	return t / SYNCS;
}

static uint64_t stat_all(void)
{
	struct stat st;
	uint64_t t;

	drop_caches();
	t = now();
	for (int i = 0; i < files; i++)
		if (fstatat(dir_fd, small(i), &st, 0))
			die("stat");
	return (now() - t) / (uint64_t)files;
}

static int mount_row(const char *device)
{
	uint64_t t = now();

	if (mount(device, "/mnt", "ext2", 0, ""))
		die("mount");
	printf("mount_1g %llu\n", (unsigned long long)(now() - t));
	return umount("/mnt");
}

int main(int argc, char **argv)
{
	/* In this order: some use what the row before has left. */
	static const struct {
		const char *name;
		uint64_t (*run)(void);
	} rows[] = {
		{ "seq_write", seq_write },
		{ "seq_read", seq_read },
		{ "rand_read_4k", rand_read },
		{ "reread", reread },
		{ "mmap_reread", mmap_reread },
		{ "rewrite_cached", rewrite_cached },
		{ "create_0", create_0 },
		{ "stat_cold", stat_all },
		{ "delete_0", delete_now },
		{ "create_0_sync", create_0_sync },
		{ "delete_0_sync", delete_sync },
		{ "create_10k", create_10k },
		{ "delete_10k", delete_now },
		{ "create_10k_sync", create_10k_sync },
		{ "delete_10k_sync", delete_sync },
		{ "untar", untar },
		{ "read_tree_cold", read_tree },
		{ "rm_tree", rmtree },
		{ "fsync_overwrite", fsync_overwrite },
		{ "fsync_append", fsync_append },
		{ "fsync_create", fsync_create },
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "mount"))
		return mount_row(argv[2]);
	if (argc < 4 || chdir(argv[1]))
		return fprintf(stderr, "usage: diskbench DIR MIB FILES [ROW ...]\n"), 2;
	bytes = strtoul(argv[2], NULL, 0) << 20;
	files = atoi(argv[3]);
	dir_fd = open(".", O_RDONLY | O_DIRECTORY);
	memset(buf, 'x', sizeof(buf));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int wanted = argc == 4;

		for (int k = 4; k < argc; k++)
			wanted |= !strcmp(argv[k], rows[i].name);
		if (wanted)
			printf("%s %llu\n", rows[i].name, (unsigned long long)rows[i].run());
	}
	return 0;
}
