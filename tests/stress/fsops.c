/* SPDX-License-Identifier: MIT */
/* Carries out operations on files from a script, one a line, for the power-cut tests.
 *
 *	fsops ACKDEVICE <script
 *
 *	mkdir P   rmdir P   create P   unlink P   rename A B   link A B   symlink TEXT P
 *	write P OFFSET LENGTH SEED      through the page cache
 *	mwrite P OFFSET LENGTH SEED     through a shared mapping
 *	dsync P OFFSET LENGTH SEED      O_DSYNC: counts as synchronised
 *	direct P OFFSET LENGTH SEED     O_DIRECT
 *	truncate P SIZE   falloc P OFFSET LENGTH
 *	fsync P   fdatasync P   fsyncdir P   sync   syncfs P   msync P (of the last mwrite)
 *	ack N     writes N to the acknowledgement device, in its own sector, synchronously
 *
 * Bytes written are pattern(SEED, position), which tests/crash/workloads.py knows too. An operation
 * that fails ends the program with the line and the error; falloc may fail with EOPNOTSUPP. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512

static unsigned char *direct_buf;
static int ack_fd = -1;

static unsigned char pattern(unsigned int seed, uint64_t at)
{
	uint32_t x = (uint32_t)(at / 4) * 2654435761u + seed * 40503u;

	return (unsigned char)(x >> (8 * (at % 4)));
}

static int put(const char *path, int flags, uint64_t off, size_t len, unsigned int seed)
{
	unsigned char *buf = flags & O_DIRECT ? direct_buf : malloc(len);
	int fd = open(path, O_RDWR | O_CREAT | flags, 0644);
	int rc = -1;

	if (fd < 0 || !buf)
		return -1;
	for (size_t i = 0; i < len; i++)
		buf[i] = pattern(seed, off + i);
	if (pwrite(fd, buf, len, (off_t)off) == (ssize_t)len)
		rc = 0;
	if (!(flags & O_DIRECT))
		free(buf);
	return close(fd) ? -1 : rc;
}

/* The mapping stays until msync or the end. */
static unsigned char *map;
static size_t map_len;

static int map_write(const char *path, uint64_t off, size_t len, unsigned int seed)
{
	int fd = open(path, O_RDWR);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return -1;
	if (map)
		munmap(map, map_len);
	map_len = (size_t)st.st_size;
	map = mmap(NULL, map_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	for (size_t i = 0; i < len; i++)
		map[off + i] = pattern(seed, off + i);
	return close(fd);
}

static int on_file(const char *path, int flags, int (*fn)(int))
{
	int fd = open(path, flags), rc;

	if (fd < 0)
		return -1;
	rc = fn(fd);
	return close(fd) ? -1 : rc;
}

static int ack(uint64_t n)
{
	memset(direct_buf, 0, SECTOR);
	memcpy(direct_buf, "ack!", 4);
	memcpy(direct_buf + 8, &n, sizeof(n));
	return pwrite(ack_fd, direct_buf, SECTOR, 0) == SECTOR ? 0 : -1;
}

static int allocate(const char *path, uint64_t off, uint64_t len)
{
	int fd = open(path, O_RDWR | O_CREAT, 0644), rc;

	if (fd < 0)
		return -1;
	rc = fallocate(fd, 0, (off_t)off, (off_t)len);
	if (rc && errno == EOPNOTSUPP)
		rc = 0;
	return close(fd) ? -1 : rc;
}

static int operate(char *w[], int n)
{
	uint64_t a = n > 2 ? strtoull(w[2], NULL, 0) : 0, b = n > 3 ? strtoull(w[3], NULL, 0) : 0;
	unsigned int seed = n > 4 ? (unsigned int)strtoul(w[4], NULL, 0) : 0;
	const char *op = w[0];

	if (!strcmp(op, "mkdir"))
		return mkdir(w[1], 0755);
	if (!strcmp(op, "rmdir"))
		return rmdir(w[1]);
	if (!strcmp(op, "create"))
		return close(open(w[1], O_WRONLY | O_CREAT | O_EXCL, 0644));
	if (!strcmp(op, "unlink"))
		return unlink(w[1]);
	if (!strcmp(op, "rename"))
		return rename(w[1], w[2]);
	if (!strcmp(op, "link"))
		return link(w[1], w[2]);
	if (!strcmp(op, "symlink"))
		return symlink(w[1], w[2]);
	if (!strcmp(op, "write"))
		return put(w[1], 0, a, b, seed);
	if (!strcmp(op, "dsync"))
		return put(w[1], O_DSYNC, a, b, seed);
	if (!strcmp(op, "direct"))
		return put(w[1], O_DIRECT, a, b, seed);
	if (!strcmp(op, "mwrite"))
		return map_write(w[1], a, b, seed);
	if (!strcmp(op, "msync"))
		return msync(map, map_len, MS_SYNC);
	if (!strcmp(op, "truncate"))
		return truncate(w[1], (off_t)a);
	if (!strcmp(op, "falloc"))
		return allocate(w[1], a, b);
	if (!strcmp(op, "fsync"))
		return on_file(w[1], O_RDWR, fsync);
	if (!strcmp(op, "fdatasync"))
		return on_file(w[1], O_RDWR, fdatasync);
	if (!strcmp(op, "fsyncdir"))
		return on_file(w[1], O_RDONLY | O_DIRECTORY, fsync);
	if (!strcmp(op, "syncfs"))
		return on_file(w[1], O_RDONLY, syncfs);
	if (!strcmp(op, "sync"))
		return sync(), 0;
	if (!strcmp(op, "ack"))
		return ack(strtoull(w[1], NULL, 0));
	errno = EINVAL;
	return -1;
}

int main(int argc, char **argv)
{
	char line[512], copy[512];
	unsigned long number = 0;

	if (argc != 2 || posix_memalign((void **)&direct_buf, 4096, 1 << 20))
		return 2;
	ack_fd = open(argv[1], O_WRONLY | O_DIRECT | O_DSYNC);
	if (ack_fd < 0) {
		perror(argv[1]);
		return 2;
	}
	while (fgets(line, sizeof(line), stdin)) {
		char *w[6];
		int n = 0;

		number++;
		strcpy(copy, line);
		for (char *t = strtok(line, " \n"); t && n < 6; t = strtok(NULL, " \n"))
			w[n++] = t;
		if (n && operate(w, n)) {
			int error = errno;

			fprintf(stderr, "fsops: line %lu: %.*s: %s\n", number,
				(int)strcspn(copy, "\n"), copy, strerror(error));
			return 1;
		}
	}
	return 0;
}
