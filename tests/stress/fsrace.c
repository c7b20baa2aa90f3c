/* SPDX-License-Identifier: MIT */
/* What a commit of ext2 has under way, looked at on the disk itself: best with a slow disk.
 *
 *	fsrace MODE DEVICE DIRECTORY SECONDS
 *
 *	size	a file grows inside of its last block while another commits: after fdatasync the
 *disk has the size
 *	fresh	files get blocks while others write to the same pages: when a commit is over, no
 *block that the disk gives to a file holds what was there before reuse	a file without a name goes
 *while its pointers are being committed: what gets its blocks next keeps its data
 *
 * DIRECTORY is where the file system on DEVICE is mounted. Exit status 1: something was wrong. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *device, *dir;
static int raw = -1, bad;
static uint32_t block_size, inodes_per_group, inode_size, first_block;
static unsigned char *buf;
static volatile int stop;

static void die(const char *what)
{
	fprintf(stderr, "fsrace: %s: %s\n", what, strerror(errno));
	exit(2);
}

static const char *at(const char *name)
{
	static __thread char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void pause_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* A block as the disk has it; no cache in between. */
static const unsigned char *disk_block(uint32_t block)
{
	if (pread(raw, buf, block_size, (off_t)block * block_size) != (ssize_t)block_size)
		die(device);
	return buf;
}

static uint32_t get32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void open_device(void)
{
	raw = open(device, O_RDONLY | O_DIRECT);
	if (raw < 0 || posix_memalign((void **)&buf, 4096, 8192))
		die(device);
	if (pread(raw, buf, 4096, 0) != 4096)
		die(device);
	first_block = get32(buf + 1024 + 20);
	block_size = 1024u << get32(buf + 1024 + 24);
	inodes_per_group = get32(buf + 1024 + 40);
	inode_size = get32(buf + 1024 + 88) & 0xffff;
}

static void disk_inode(ino_t ino, unsigned char *out)
{
	uint32_t group = (uint32_t)(ino - 1) / inodes_per_group;
	uint32_t n = (uint32_t)(ino - 1) % inodes_per_group, per = block_size / inode_size, table;

	table = get32(disk_block(first_block + 1 + group * 32 / block_size) +
		      group * 32 % block_size + 8);
	memcpy(out, disk_block(table + n / per) + n % per * inode_size, 128);
}

static ino_t ino_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		die("stat");
	return st.st_ino;
}

/* Something for a commit to do, and the commit. */
static void *committer(void *arg)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY);

	(void)arg;
	while (!stop) {
		for (int k = 0; k < 24; k++) {
			char name[32];
			int f;

			snprintf(name, sizeof(name), "busy%d", k);
			unlink(at(name));
			f = open(at(name), O_RDWR | O_CREAT, 0644);
			if (f < 0 || write(f, name, sizeof(name)) < 0)
				die(name);
			close(f);
		}
		if (fsync(fd))
			die("fsync of the directory");
		pause_ms(5);
	}
	close(fd);
	return NULL;
}

static void size_round(int fd, int round)
{
	unsigned char inode[128];
	off_t size;

	if (round % 64 == 0 && ftruncate(fd, 10))
		die("truncate");
	if (round % 64 == 0)
		fsync(fd);
	size = lseek(fd, 0, SEEK_END);
	if (write(fd, "abcdefgh", 8) != 8)
		die("write");
	pause_ms(rand() % 60);
	if (fdatasync(fd))
		die("fdatasync");
	disk_inode(ino_of(fd), inode);
	if (get32(inode + 4) < (uint32_t)size + 8) {
		printf("size: round %d: %u on the disk after fdatasync of %lld\n", round,
		       get32(inode + 4), (long long)size + 8);
		bad = 1;
	}
}

#define PAGES 12

static void *scribbler(void *arg)
{
	int fd = *(int *)arg;

	while (!stop) {
		for (int k = 0; k < PAGES; k++)
			(void)!pwrite(fd, "new", 3, k * 4096 + 3072 * (block_size == 1024));
	}
	return NULL;
}

static void fresh_round(int fd, int round)
{
	unsigned char inode[128];
	int other = open(at("other"), O_RDWR | O_CREAT, 0644);

	(void)!write(other, "x", 1);
	pause_ms(rand() % 5);
	if (fsync(other))
		die("fsync");
	disk_inode(ino_of(fd), inode);
	for (int k = 0; k < 12; k++) {
		uint32_t block = get32(inode + 40 + 4 * k);

		if (block && disk_block(block)[512] == 'G') {
			printf("fresh: round %d: block %d of the file holds what was there "
			       "before\n",
			       round, k);
			bad = 1;
		}
	}
	close(other);
	if (ftruncate(fd, 0) || fsync(fd))
		die("truncate");
}

/* All that is free is filled with G and freed. */
static void soil(void)
{
	static char g[65536];
	int fd = open(at("soil"), O_RDWR | O_CREAT, 0644);

	memset(g, 'G', sizeof(g));
	while (write(fd, g, sizeof(g)) > 0)
		;
	fsync(fd);
	close(fd);
	unlink(at("soil"));
	sync();
}

#define REUSERS 40

static void reuse_round(int round)
{
	static char data[12 * 1024];
	int tmp = open(at("."), O_RDWR | O_TMPFILE, 0600);
	char name[32];

	for (int k = 0; k < 24; k++) /* pointers far apart: many indirect blocks */
		if (pwrite(tmp, "t", 1, (off_t)(20 + k * 300) * block_size) != 1)
			die("temporary file");
	pause_ms(rand() % 60);
	close(tmp);
	memset(data, 'a' + round % 26, sizeof(data));
	for (int k = 0; k < REUSERS; k++) {
		int fd;

		snprintf(name, sizeof(name), "reuse%d", k);
		unlink(at(name));
		fd = open(at(name), O_RDWR | O_CREAT | O_TRUNC, 0644);
		if (fd < 0 || write(fd, data, sizeof(data)) != sizeof(data))
			die(name);
		sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
		close(fd);
	}
	sync();
	for (int k = 0; k < REUSERS; k++) {
		int fd;
		static unsigned char *direct;

		if (!direct && posix_memalign((void **)&direct, 4096, sizeof(data)))
			die("memory");
		snprintf(name, sizeof(name), "reuse%d", k);
		fd = open(at(name), O_RDONLY | O_DIRECT);
		if (fd < 0 || read(fd, direct, sizeof(data)) != sizeof(data))
			die(name);
		close(fd);
		if (memcmp(direct, data, sizeof(data))) {
			printf("reuse: round %d: %s has lost its data\n", round, name);
			bad = 1;
		}
	}
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	time_t end;
	int fd, round = 0;

	if (argc != 5)
		return 2;
	device = argv[2];
	dir = argv[3];
	end = time(NULL) + atoi(argv[4]);
	open_device();
	if (!strcmp(argv[1], "fresh"))
		soil();
	fd = open(at("file"), O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || fsync(fd))
		die("file");
	pthread_create(&threads[0], NULL, strcmp(argv[1], "fresh") ? committer : scribbler, &fd);
	pthread_create(&threads[1], NULL, strcmp(argv[1], "fresh") ? committer : scribbler, &fd);
	for (; time(NULL) < end && !bad; round++) {
		if (!strcmp(argv[1], "size"))
			size_round(fd, round);
		else if (!strcmp(argv[1], "fresh"))
			fresh_round(fd, round);
		else
			reuse_round(round);
	}
	stop = 1;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	printf("%s: %d rounds\n", argv[1], round);
	return bad;
}
