/* SPDX-License-Identifier: MIT */
/* Block devices: RAM disks and loop devices (on Linux the runner loads their modules first). Each
 * case leaves the disks it used without partitions. */
#define ABI_LIMIT 60
#include "abi.h"

#include <linux/blkpg.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

#define SIZE (16384u * 1024)

#ifndef BLKSECDISCARD
#define BLKSECDISCARD _IO(0x12, 125)
#endif

static char buf[65536] __attribute__((aligned(4096)));

static int disk(const char *name, int flags)
{
	return (int)NEED(open(name, flags));
}

static void fill(char *p, size_t n, unsigned int seed)
{
	for (size_t k = 0; k < n; k++)
		p[k] = (char)(seed = seed * 1103515245 + 12345, seed >> 16);
}

static int same(const char *p, size_t n, unsigned int seed)
{
	for (size_t k = 0; k < n; k++) {
		seed = seed * 1103515245 + 12345;
		if (p[k] != (char)(seed >> 16))
			return 0;
	}
	return 1;
}

static void show_file(const char *path)
{
	char text[512];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0) {
		SHOW("%s: %s", path, abi_errname(errno));
	} else {
		text[n] = '\0';
		while (n && text[n - 1] == '\n')
			text[--n] = '\0';
		SHOW("%s: %s", path, text);
	}
	if (fd >= 0)
		close(fd);
}

/* --- numbers --- */

CASE(sizes)
{
	int fd = disk("/dev/ram0", O_RDONLY), v;
	uint64_t u;
	unsigned long l;
	unsigned short s;
	struct stat st;

	RET(ioctl(fd, BLKGETSIZE64, &u));
	SHOW("%lu", (unsigned long)u);
	RET(ioctl(fd, BLKGETSIZE, &l));
	SHOW("%lu", l);
	RET(ioctl(fd, BLKSSZGET, &v));
	SHOW("%d", v);
	RET(ioctl(fd, BLKPBSZGET, &v));
	SHOW("%d", v);
	RET(ioctl(fd, BLKIOMIN, &v));
	SHOW("%d", v);
	RET(ioctl(fd, BLKIOOPT, &v));
	SHOW("%d", v);
	RET(ioctl(fd, BLKALIGNOFF, &v));
	SHOW("%d", v);
	RET(ioctl(fd, BLKBSZGET, &v));
	SHOW("%d", v);
	RET(ioctl(fd, BLKROGET, &v));
	SHOW("%d", v);
	RET(ioctl(fd, BLKDISCARDZEROES, &v));
	SHOW("%d", v);
	RET(ioctl(fd, BLKROTATIONAL, &s));
	SHOW("%d", s);
	RET(ioctl(fd, BLKSECTGET, &s));
	RET(ioctl(fd, BLKRAGET, &l));
	SHOW("%lu", l);
	RET(ioctl(fd, BLKFRAGET, &l));
	RET(fstat(fd, &st));
	SHOW("%o %u:%u size %ld", st.st_mode & S_IFMT, major(st.st_rdev), minor(st.st_rdev),
	     (long)st.st_size);
	RET(lseek(fd, 0, SEEK_END));
}

CASE(bad_ioctls)
{
	int fd = disk("/dev/ram0", O_RDONLY), v;

	RET(ioctl(fd, BLKGETSIZE64, NULL));
	RET(ioctl(fd, BLKGETSIZE, NULL));
	RET(ioctl(fd, BLKSSZGET, NULL));
	RET(ioctl(fd, BLKRAGET, NULL));
	RET(ioctl(fd, BLKBSZSET, NULL));
	v = 100;
	RET(ioctl(fd, BLKBSZSET, &v));
	v = 8192;
	RET(ioctl(fd, BLKBSZSET, &v));
	v = 1024;
	RET(ioctl(fd, BLKBSZSET, &v));
	RET(ioctl(fd, HDIO_GETGEO, buf));
	RET(ioctl(fd, HDIO_GETGEO, NULL));
	RET(ioctl(fd, 0x5310, 0)); /* CDROM_... */
	RET(ioctl(fd, 0x12ff, buf));
	RET(ioctl(fd, TCGETS, buf));
	RET(ioctl(fd, BLKSECDISCARD, buf));
	RET(ioctl(fd, BLKPG, NULL));
	RET(ioctl(fd, BLKROSET, NULL));
}

CASE(without_rights)
{
	int fd = disk("/dev/ram0", O_RDWR), v = 0;
	struct blkpg_ioctl_arg a = { .op = BLKPG_ADD_PARTITION };
	uint64_t r[2] = { 0, 4096 };

	NEED(setuid(1000));
	RET(open("/dev/ram0", O_RDONLY));
	RET(ioctl(fd, BLKFLSBUF, 0));
	RET(ioctl(fd, BLKROSET, &v));
	RET(ioctl(fd, BLKBSZSET, &v));
	RET(ioctl(fd, BLKRASET, 100));
	RET(ioctl(fd, BLKRRPART, 0));
	RET(ioctl(fd, BLKPG, &a));
	RET(ioctl(fd, BLKZEROOUT, r));
	RET(ioctl(fd, BLKGETSIZE64, r));
}

/* --- reading and writing --- */

CASE(ends)
{
	int fd = disk("/dev/ram0", O_RDWR);

	RET(pread(fd, buf, 8192, SIZE - 4096));
	RET(pread(fd, buf, 8192, SIZE));
	RET(pread(fd, buf, 8192, SIZE + 100));
	RET(pwrite(fd, buf, 8192, SIZE - 4096));
	RET(pwrite(fd, buf, 8192, SIZE));
	RET(pwrite(fd, buf, 0, SIZE));
	RET(pwrite(fd, buf, 1, SIZE + 1));
	RET(lseek(fd, 0, SEEK_END));
	RET(lseek(fd, 1, SEEK_END));
	RET(lseek(fd, -1, SEEK_SET));
	RET(lseek(fd, SIZE, SEEK_SET));
	RET(read(fd, buf, 1));
	RET(write(fd, buf, 1));
	RET(lseek(fd, 10, SEEK_DATA));
	RET(ftruncate(fd, 0));
	RET(truncate("/dev/ram0", 0));
	RET(fsync(fd));
	RET(fdatasync(fd));
	RET(ioctl(fd, BLKFLSBUF, 0));
}

CASE(bytes)
{
	int fd = disk("/dev/ram0", O_RDWR), other;

	fill(buf, sizeof(buf), 7);
	RET(pwrite(fd, buf, sizeof(buf), 12345));
	memset(buf, 0, sizeof(buf));
	RET(pread(fd, buf, sizeof(buf), 12345));
	SHOW("%d", same(buf, sizeof(buf), 7));
	RET(close(fd));
	fd = disk("/dev/ram0", O_RDWR);
	memset(buf, 0, sizeof(buf));
	RET(pread(fd, buf, sizeof(buf), 12345));
	SHOW("%d", same(buf, sizeof(buf), 7));
	NEED(mknod("/dev/abi_again", S_IFBLK | 0600, makedev(1, 0))); /* /tmp may be nodev */
	other = disk("/dev/abi_again", O_RDONLY);
	unlink("/dev/abi_again");
	memset(buf, 0, sizeof(buf));
	RET(pread(other, buf, sizeof(buf), 12345));
	SHOW("%d", same(buf, sizeof(buf), 7));
	RET(open("/dev/ram0", O_RDWR | O_TRUNC) >= 0);
	RET(open("/dev/ram0", O_WRONLY | O_APPEND | O_CREAT, 0600) >= 0);
	NEED(mknod("/dev/abi_none", S_IFBLK | 0600, makedev(99, 77)));
	RET(open("/dev/abi_none", O_RDONLY));
	unlink("/dev/abi_none");
}

CASE(append)
{
	int fd = disk("/dev/ram0", O_RDWR | O_APPEND);

	RET(write(fd, "hello", 5));
	RET(lseek(fd, 0, SEEK_CUR));
	RET(pread(fd, buf, 5, 0));
	SHOW("%.5s", buf);
}

CASE(direct)
{
	int fd = disk("/dev/ram0", O_RDWR | O_DIRECT), cached = disk("/dev/ram0", O_RDWR);

	fill(buf, 16384, 3);
	RET(pwrite(fd, buf, 16384, 4096));
	memset(buf, 0, sizeof(buf));
	RET(pread(cached, buf, 16384, 4096));
	SHOW("%d", same(buf, 16384, 3));
	fill(buf, 8192, 4);
	RET(pwrite(cached, buf, 8192, 0));
	memset(buf, 0, sizeof(buf));
	RET(pread(fd, buf, 8192, 0));
	SHOW("%d", same(buf, 8192, 4));
	RET(pread(fd, buf, 512, 512));
	RET(pread(fd, buf, 100, 512));
	RET(pread(fd, buf, 512, 100));
	RET(pread(fd, buf + 1, 512, 512));
	RET(pread(fd, buf, 8192, SIZE - 4096));
	RET(pread(fd, buf, 4096, SIZE));
	RET(pwrite(fd, buf, 4096, SIZE));
	RET(pwrite(fd, buf, 512, SIZE - 512));
}

CASE(mapped)
{
	int fd = disk("/dev/ram0", O_RDWR);
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);

	NEED(p == MAP_FAILED ? -1 : 0);
	fill(p, 8192, 9);
	RET(pread(fd, buf, 8192, 4096));
	SHOW("%d", same(buf, 8192, 9));
	RET(msync(p, 8192, MS_SYNC));
	RET(munmap(p, 8192));
	RET(close(fd));
	fd = disk("/dev/ram0", O_RDONLY | O_DIRECT);
	memset(buf, 0, sizeof(buf));
	RET(pread(fd, buf, 8192, 4096));
	SHOW("%d", same(buf, 8192, 9));
}

CASE(exclusive)
{
	int a = disk("/dev/ram0", O_RDONLY | O_EXCL), b, v = 4096;

	RET(open("/dev/ram0", O_RDONLY | O_EXCL));
	b = (int)OK(open("/dev/ram0", O_RDWR));
	RET(ioctl(b, BLKBSZSET, &v));
	RET(ioctl(a, BLKBSZSET, &v));
	RET(close(a));
	RET(ioctl(b, BLKBSZSET, &v));
	OK(open("/dev/ram0", O_RDONLY | O_EXCL));
}

CASE(read_only)
{
	int fd = disk("/dev/ram0", O_RDWR), v = 1;
	uint64_t r[2] = { 0, 4096 };

	RET(ioctl(fd, BLKROSET, &v));
	RET(ioctl(fd, BLKROGET, &v));
	SHOW("%d", v);
	RET(write(fd, buf, 512));
	RET(read(fd, buf, 512));
	OK(open("/dev/ram0", O_RDWR));
	show_file("/sys/block/ram0/ro");
	RET(ioctl(fd, BLKZEROOUT, r));
	v = 0;
	RET(ioctl(fd, BLKROSET, &v));
	RET(pwrite(fd, buf, 512, 0));
}

CASE(zeroing)
{
	int fd = disk("/dev/ram0", O_RDWR), ro = disk("/dev/ram0", O_RDONLY);
	uint64_t r[2] = { 0, 8192 };

	fill(buf, sizeof(buf), 1);
	NEED(pwrite(fd, buf, sizeof(buf), 0));
	RET(ioctl(ro, BLKZEROOUT, r));
	RET(ioctl(fd, BLKZEROOUT, NULL));
	RET(ioctl(fd, BLKZEROOUT, r));
	RET(pread(fd, buf, 16384, 0));
	SHOW("%d %d", buf[0] == 0 && buf[8191] == 0, buf[8192] || buf[8193] || buf[8194]);
	r[0] = 100;
	RET(ioctl(fd, BLKZEROOUT, r));
	r[0] = SIZE - 4096;
	RET(ioctl(fd, BLKZEROOUT, r));
	r[0] = 0;
	r[1] = 0;
	RET(ioctl(fd, BLKZEROOUT, r));
	RET(fallocate(fd, 0, 0, 4096));
	RET(fallocate(fd, FALLOC_FL_ZERO_RANGE, 8192, 4096));
	RET(fallocate(fd, FALLOC_FL_ZERO_RANGE, SIZE, 4096));
	RET(fallocate(fd, FALLOC_FL_ZERO_RANGE, SIZE - 4096, 8192));
	RET(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, SIZE - 4096, 8192));
	RET(fallocate(fd, FALLOC_FL_ZERO_RANGE, 100, 4096));
	RET(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	RET(pread(fd, buf, 16384, 0));
	SHOW("%d", buf[8192] == 0 && buf[12287] == 0);
}

/* --- partitions --- */

static int blkpg(int fd, int op, int no, long long start, long long length)
{
	struct blkpg_partition p = { .start = start, .length = length, .pno = no };
	struct blkpg_ioctl_arg a = { .op = op, .datalen = sizeof(p), .data = &p };

	return ioctl(fd, BLKPG, &a);
}

CASE(partitions_by_hand)
{
	int fd = disk("/dev/ram1", O_RDWR), part;
	uint64_t u = 0;

	RET(blkpg(fd, BLKPG_ADD_PARTITION, 1, 1 << 20, 1 << 20));
	RET(blkpg(fd, BLKPG_ADD_PARTITION, 1, 4 << 20, 1 << 20));
	RET(blkpg(fd, BLKPG_ADD_PARTITION, 2, 1 << 20, 1 << 20));
	RET(blkpg(fd, BLKPG_ADD_PARTITION, 2, 2 << 20, 1 << 20));
	RET(blkpg(fd, BLKPG_ADD_PARTITION, 0, 4 << 20, 1 << 20));
	RET(blkpg(fd, BLKPG_ADD_PARTITION, 3, 100, 1 << 20));
	RET(blkpg(fd, BLKPG_ADD_PARTITION, 3, 4 << 20, 0));
	RET(blkpg(fd, 77, 3, 4 << 20, 1 << 20));
	show_file("/sys/block/ram1/ram1p1/start");
	show_file("/sys/block/ram1/ram1p1/size");
	show_file("/sys/block/ram1/ram1p2/partition");
	part = disk("/dev/ram1p1", O_RDWR);
	RET(ioctl(part, BLKGETSIZE64, &u));
	SHOW("%lu", (unsigned long)u);
	RET(ioctl(part, BLKRRPART, 0));
	RET(blkpg(part, BLKPG_DEL_PARTITION, 2, 0, 0));
	fill(buf, 4096, 5);
	RET(pwrite(part, buf, 4096, 0));
	RET(pwrite(part, buf, 4096, 1 << 20));
	RET(fsync(part));
	RET(pread(fd, buf, 4096, 1 << 20));
	SHOW("%d", same(buf, 4096, 5));
	RET(blkpg(fd, BLKPG_DEL_PARTITION, 1, 0, 0));
	RET(blkpg(fd, BLKPG_RESIZE_PARTITION, 1, 1 << 20, 512 << 10));
	RET(ioctl(part, BLKGETSIZE64, &u));
	SHOW("%lu", (unsigned long)u);
	RET(blkpg(fd, BLKPG_RESIZE_PARTITION, 1, 1 << 20, 2 << 20));
	RET(blkpg(fd, BLKPG_RESIZE_PARTITION, 1, 2 << 20, 512 << 10));
	RET(blkpg(fd, BLKPG_RESIZE_PARTITION, 9, 2 << 20, 512 << 10));
	RET(ioctl(fd, BLKRRPART, 0));
	RET(close(part));
	RET(open("/dev/ram1p1", O_RDONLY | O_EXCL) >= 0);
	RET(open("/dev/ram1", O_RDONLY | O_EXCL));
	RET(open("/dev/ram1p2", O_RDONLY | O_EXCL) >= 0);
	RET(blkpg(fd, BLKPG_DEL_PARTITION, 3, 0, 0));
	RET(blkpg(fd, BLKPG_DEL_PARTITION, 2, 0, 0));
}

CASE(partitions_gone)
{
	int fd = disk("/dev/ram1", O_RDWR);

	blkpg(fd, BLKPG_DEL_PARTITION, 1, 0, 0);
	blkpg(fd, BLKPG_DEL_PARTITION, 2, 0, 0);
	RET(access("/dev/ram1p1", F_OK));
	RET(access("/sys/block/ram1/ram1p1", F_OK));
	RET(access("/sys/class/block/ram1p2", F_OK));
}

static void mbr_entry(char *sector, int k, int type, uint32_t start, uint32_t size)
{
	char *p = sector + 446 + 16 * k;

	p[4] = (char)type;
	memcpy(p + 8, &start, 4);
	memcpy(p + 12, &size, 4);
	sector[510] = 0x55;
	sector[511] = (char)0xaa;
}

CASE(partition_table)
{
	int fd = disk("/dev/ram2", O_RDWR), part;
	char table[512] = { 0 };

	mbr_entry(table, 0, 0x83, 2048, 4096);
	mbr_entry(table, 1, 0x05, 8192, 8192);
	mbr_entry(table, 3, 0x83, 30000, 999999);
	NEED(pwrite(fd, table, 512, 0));
	memset(table, 0, 512);
	mbr_entry(table, 0, 0x83, 63, 1000);
	mbr_entry(table, 1, 0x05, 2000, 1000);
	NEED(pwrite(fd, table, 512, 8192 * 512));
	memset(table, 0, 512);
	mbr_entry(table, 0, 0x83, 63, 500);
	NEED(pwrite(fd, table, 512, (8192 + 2000) * 512));
	RET(ioctl(fd, BLKRRPART, 0));
	for (int k = 1; k < 8; k++) {
		char path[64];

		snprintf(path, sizeof(path), "/sys/block/ram2/ram2p%d/start", k);
		show_file(path);
		snprintf(path, sizeof(path), "/sys/block/ram2/ram2p%d/size", k);
		show_file(path);
	}
	part = disk("/dev/ram2p5", O_RDONLY);
	RET(ioctl(fd, BLKRRPART, 0));
	RET(close(part));
	memset(buf, 0, 512);
	NEED(pwrite(fd, buf, 512, 0));
	RET(ioctl(fd, BLKRRPART, 0));
	RET(access("/dev/ram2p1", F_OK));
}

/* --- /sys --- */

CASE(sysfs)
{
	static const char *const files[] = {
		"alignment_offset", "dev", "discard_alignment", "ext_range", "hidden", "range",
		"removable", "ro", "size", "inflight", "queue/logical_block_size",
		"queue/physical_block_size", "queue/hw_sector_size", "queue/minimum_io_size",
		"queue/optimal_io_size", "queue/rotational", "queue/read_ahead_kb", "queue/zoned",
		"queue/write_cache", "queue/fua", "queue/add_random",
		"queue/nomerges", "queue/chunk_sectors", "queue/nr_zones", "queue/dax",
		"queue/virt_boundary_mask", "queue/write_same_max_bytes",
	};
	char path[128], link[256];
	ssize_t n;

	for (unsigned int k = 0; k < sizeof(files) / sizeof(*files); k++) {
		snprintf(path, sizeof(path), "/sys/block/ram5/%s", files[k]);
		show_file(path);
	}
	n = readlink("/sys/block/ram5", link, sizeof(link) - 1);
	SHOW("%.*s", (int)n, link);
	n = readlink("/sys/class/block/ram5", link, sizeof(link) - 1);
	SHOW("%.*s", (int)n, link);
	n = readlink("/sys/dev/block/1:5", link, sizeof(link) - 1);
	SHOW("%.*s", (int)n, link);
	n = readlink("/sys/block/ram5/subsystem", link, sizeof(link) - 1);
	SHOW("%.*s", (int)n, link);
	RET(access("/sys/block/ram5/holders", F_OK));
	RET(access("/sys/block/ram5/slaves", F_OK));
	RET(access("/sys/block/ram5/device", F_OK));
}

/* --- loop devices --- */

static int image(const char *name, size_t size, int flags)
{
	int fd = (int)NEED(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));

	NEED(ftruncate(fd, (off_t)size));
	fill(buf, sizeof(buf), 11);
	NEED(pwrite(fd, buf, sizeof(buf), 0));
	close(fd);
	return (int)NEED(open(name, flags));
}

static void show_info(int fd)
{
	struct loop_info64 i;

	memset(&i, 0x55, sizeof(i));
	if (RET(ioctl(fd, LOOP_GET_STATUS64, &i)))
		return;
	SHOW("offset %lu limit %lu number %u encrypt %u key %u flags %x name %s",
	     (unsigned long)i.lo_offset, (unsigned long)i.lo_sizelimit, i.lo_number,
	     i.lo_encrypt_type, i.lo_encrypt_key_size, i.lo_flags, i.lo_file_name);
}

CASE(loop_simple)
{
	int fd = image("image", 1 << 20, O_RDWR), loop = disk("/dev/loop0", O_RDWR), v;
	uint64_t u;

	show_info(loop);
	RET(ioctl(loop, LOOP_CLR_FD, 0));
	RET(ioctl(loop, BLKGETSIZE64, &u));
	SHOW("%lu", (unsigned long)u);
	RET(pread(loop, buf, 512, 0));
	RET(ioctl(loop, LOOP_SET_FD, -1));
	RET(ioctl(loop, LOOP_SET_FD, loop));
	RET(ioctl(loop, LOOP_SET_FD, fd));
	RET(ioctl(loop, LOOP_SET_FD, fd));
	RET(close(fd));
	show_info(loop);
	RET(ioctl(loop, BLKGETSIZE64, &u));
	SHOW("%lu", (unsigned long)u);
	RET(ioctl(loop, BLKSSZGET, &v));
	SHOW("%d", v);
	memset(buf, 0, sizeof(buf));
	RET(pread(loop, buf, sizeof(buf), 0));
	SHOW("%d", same(buf, sizeof(buf), 11));
	fill(buf, 8192, 12);
	RET(pwrite(loop, buf, 8192, 100000));
	RET(fsync(loop));
	fd = (int)NEED(open("image", O_RDWR));
	memset(buf, 0, sizeof(buf));
	RET(pread(fd, buf, 8192, 100000));
	SHOW("%d", same(buf, 8192, 12));
	show_file("/sys/block/loop0/loop/backing_file");
	show_file("/sys/block/loop0/loop/offset");
	show_file("/sys/block/loop0/loop/autoclear");
	show_file("/sys/block/loop0/size");
	NEED(ftruncate(fd, 2 << 20));
	RET(ioctl(loop, LOOP_SET_CAPACITY, 0));
	show_file("/sys/block/loop0/size");
	RET(ioctl(loop, LOOP_CLR_FD, 0));
	RET(ioctl(loop, LOOP_CLR_FD, 0));
	show_info(loop);
	show_file("/sys/block/loop0/loop/backing_file");
	show_file("/sys/block/loop0/size");
}

CASE(loop_status)
{
	int fd = image("image", 1 << 20, O_RDWR), loop = disk("/dev/loop1", O_RDWR);
	struct loop_info64 i = { .lo_offset = 4096, .lo_sizelimit = 8192 };
	struct loop_info old;

	strcpy((char *)i.lo_file_name, "something");
	RET(ioctl(loop, LOOP_SET_STATUS64, &i));
	RET(ioctl(loop, LOOP_SET_FD, fd));
	RET(ioctl(loop, LOOP_SET_STATUS64, NULL));
	RET(ioctl(loop, LOOP_GET_STATUS64, NULL));
	RET(ioctl(loop, LOOP_SET_STATUS64, &i));
	show_info(loop);
	show_file("/sys/block/loop1/size");
	memset(buf, 0, sizeof(buf));
	RET(pread(loop, buf, 16384, 0));
	NEED(pread(fd, buf + 16384, 8192, 4096));
	SHOW("%d", memcmp(buf, buf + 16384, 8192) == 0);
	RET(ioctl(loop, LOOP_GET_STATUS, &old));
	i.lo_sizelimit = 0;
	i.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | 0x100;
	RET(ioctl(loop, LOOP_SET_STATUS64, &i));
	show_info(loop);
	RET(ioctl(loop, LOOP_GET_STATUS, &old));
	SHOW("offset %d flags %x name %s", old.lo_offset, old.lo_flags, old.lo_name);
	old.lo_offset = 512;
	old.lo_flags = 0;
	RET(ioctl(loop, LOOP_SET_STATUS, &old));
	show_info(loop);
	i.lo_encrypt_type = 1;
	RET(ioctl(loop, LOOP_SET_STATUS64, &i));
	i.lo_encrypt_type = 0;
	i.lo_encrypt_key_size = 99;
	RET(ioctl(loop, LOOP_SET_STATUS64, &i));
	i.lo_encrypt_key_size = 0;
	i.lo_offset = 1ull << 63;
	RET(ioctl(loop, LOOP_SET_STATUS64, &i));
	RET(ioctl(loop, LOOP_SET_BLOCK_SIZE, 100));
	RET(ioctl(loop, LOOP_SET_BLOCK_SIZE, 4096));
	RET(ioctl(loop, 0x4cff, 0));
	RET(ioctl(loop, LOOP_CLR_FD, 0));
}

CASE(loop_read_only)
{
	int fd = image("image", 1 << 20, O_RDONLY), loop = disk("/dev/loop2", O_RDWR), v = 0;

	RET(ioctl(loop, LOOP_SET_FD, fd));
	show_info(loop);
	RET(ioctl(loop, BLKROGET, &v));
	SHOW("%d", v);
	RET(pwrite(loop, buf, 512, 0));
	RET(ioctl(loop, LOOP_CLR_FD, 0));
	RET(ioctl(loop, BLKROGET, &v));
	SHOW("%d", v);
}

CASE(loop_autoclear)
{
	int fd = image("image", 1 << 20, O_RDWR), loop = disk("/dev/loop2", O_RDWR), other;
	struct loop_info64 i = { .lo_flags = LO_FLAGS_AUTOCLEAR };

	RET(ioctl(loop, LOOP_SET_FD, fd));
	RET(ioctl(loop, LOOP_SET_STATUS64, &i));
	RET(close(loop));
	loop = disk("/dev/loop2", O_RDWR);
	show_info(loop);
	RET(ioctl(loop, LOOP_SET_FD, fd));
	other = disk("/dev/loop2", O_RDONLY);
	RET(ioctl(loop, LOOP_CLR_FD, 0)); /* others have it open: when they have gone */
	show_info(loop);
	RET(close(loop));
	show_info(other);
	RET(close(other));
	loop = disk("/dev/loop2", O_RDWR);
	show_info(loop);
}

CASE(loop_configure)
{
	int fd = image("image", 4 << 20, O_RDWR), loop = disk("/dev/loop3", O_RDWR), part, v;
	struct loop_config c = { .fd = (unsigned int)fd, .block_size = 3 };
	char table[512] = { 0 };

	mbr_entry(table, 0, 0x83, 2048, 2048);
	NEED(pwrite(fd, table, 512, 0));
	RET(ioctl(loop, LOOP_CONFIGURE, NULL));
	RET(ioctl(loop, LOOP_CONFIGURE, &c));
	c.block_size = 1024;
	c.info.lo_flags = 0x1000;
	RET(ioctl(loop, LOOP_CONFIGURE, &c));
	c.info.lo_flags = LO_FLAGS_READ_ONLY;
	RET(ioctl(loop, LOOP_CONFIGURE, &c));
	RET(ioctl(loop, BLKSSZGET, &v));
	SHOW("%d", v);
	show_info(loop);
	RET(blkpg(loop, BLKPG_ADD_PARTITION, 1, 1 << 20, 1 << 20));
	RET(ioctl(loop, BLKRRPART, 0));
	RET(ioctl(loop, LOOP_CLR_FD, 0));
	c.block_size = 0;
	c.info.lo_flags = LO_FLAGS_PARTSCAN;
	RET(ioctl(loop, LOOP_CONFIGURE, &c));
	show_file("/sys/block/loop3/loop3p1/start");
	part = (int)OK(open("/dev/loop3p1", O_RDWR));
	fill(buf, 4096, 21);
	RET(pwrite(part, buf, 4096, 0));
	RET(fsync(part));
	RET(pread(fd, buf, 4096, 1 << 20));
	SHOW("%d", same(buf, 4096, 21));
	RET(close(part));
	RET(ioctl(loop, LOOP_CLR_FD, 0));
	RET(access("/dev/loop3p1", F_OK));
}

CASE(loop_nested)
{
	int fd = image("image", 1 << 20, O_RDWR), a = disk("/dev/loop4", O_RDWR);
	int b = disk("/dev/loop5", O_RDWR), c, dir = (int)NEED(open(".", O_RDONLY | O_DIRECTORY));

	RET(ioctl(a, LOOP_SET_FD, dir));
	RET(ioctl(a, LOOP_SET_FD, fd));
	RET(ioctl(b, LOOP_SET_FD, a));
	memset(buf, 0, sizeof(buf));
	RET(pread(b, buf, sizeof(buf), 0));
	SHOW("%d", same(buf, sizeof(buf), 11));
	RET(ioctl(a, LOOP_CHANGE_FD, b));
	fill(buf, 4096, 30);
	RET(pwrite(b, buf, 4096, 8192));
	RET(fsync(b));
	RET(ioctl(b, LOOP_CLR_FD, 0));
	RET(fsync(a));
	RET(pread(fd, buf, 4096, 8192));
	SHOW("%d", same(buf, 4096, 30));
	c = disk("/dev/loop6", O_RDWR);
	RET(ioctl(a, LOOP_SET_FD, c));
	RET(ioctl(a, LOOP_CLR_FD, 0));
	RET(ioctl(b, LOOP_SET_FD, a)); /* not bound */
}

CASE(loop_holes)
{
	int fd = image("image", 1 << 20, O_RDWR), loop = disk("/dev/loop4", O_RDWR);
	uint64_t r[2] = { 0, 32768 };
	struct stat st, after;

	RET(ioctl(loop, LOOP_SET_FD, fd));
	NEED(fstat(fd, &st));
	RET(ioctl(loop, BLKDISCARD, r));
	NEED(fstat(fd, &after));
	SHOW("%ld", (long)(st.st_blocks - after.st_blocks));
	RET(pread(loop, buf, 65536, 0));
	SHOW("%d %d", buf[0] == 0 && buf[32767] == 0, buf[32768] != 0 || buf[32769] != 0);
	r[1] = 100;
	RET(ioctl(loop, BLKDISCARD, r));
	r[1] = 2 << 20;
	RET(ioctl(loop, BLKDISCARD, r));
	r[0] = 32768;
	r[1] = 4096;
	RET(ioctl(loop, BLKZEROOUT, r));
	RET(pread(loop, buf, 65536, 0));
	SHOW("%d", buf[32768] == 0 && buf[32769] == 0);
	RET(fallocate(loop, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 40960, 4096));
	RET(pread(loop, buf, 65536, 0));
	SHOW("%d", buf[40960] == 0 && buf[45055] == 0);
	RET(ioctl(loop, LOOP_CLR_FD, 0));
}

CASE(loop_control)
{
	int ctl = (int)NEED(open("/dev/loop-control", O_RDWR)), loop, fd;

	RET(ioctl(ctl, LOOP_CTL_ADD, 3));
	RET(ioctl(ctl, LOOP_CTL_ADD, 44));
	RET(access("/dev/loop44", F_OK));
	RET(access("/sys/block/loop44", F_OK));
	loop = disk("/dev/loop44", O_RDWR);
	RET(ioctl(ctl, LOOP_CTL_REMOVE, 44));
	fd = image("image", 1 << 20, O_RDWR);
	RET(ioctl(loop, LOOP_SET_FD, fd));
	RET(close(loop));
	RET(ioctl(ctl, LOOP_CTL_REMOVE, 44));
	loop = disk("/dev/loop44", O_RDWR);
	RET(ioctl(loop, LOOP_CLR_FD, 0));
	RET(close(loop));
	RET(ioctl(ctl, LOOP_CTL_REMOVE, 44));
	RET(access("/dev/loop44", F_OK));
	RET(access("/sys/block/loop44", F_OK));
	RET(ioctl(ctl, LOOP_CTL_REMOVE, 44));
	RET(ioctl(ctl, LOOP_CTL_REMOVE, -1));
	RET(ioctl(ctl, LOOP_CTL_GET_FREE, 0));
	RET(ioctl(ctl, 0x4c99, 0));
	RET(read(ctl, buf, 1));
	RET(write(ctl, buf, 1));
}
