/* SPDX-License-Identifier: MIT */
/* Partition tables: parsers without any connection to the rest of the kernel, so that they can be
 * tested on the build machine. What they read comes from an untrusted disk. */
#ifndef FS_PARTITION_TABLE_H
#define FS_PARTITION_TABLE_H

#include <kernel/types.h>

#define PART_MAX 255 /* numbers 1..255 */

struct part_entry {
	unsigned int no;
	u64 start, sectors; /* of 512 bytes; may lie behind the end of the disk */
	char uuid[37];	    /* "" none; lower case */
	char label[73];	    /* UTF-8 */
};

struct part_table {
	const char *type; /* "gpt", "dos" */
	const char *note; /* something worth a message, or NULL */
	unsigned int nr;
	struct part_entry parts[PART_MAX];
};

struct part_source {
	/* Reads n sectors of 512 bytes: 0 or -errno. */
	int (*read)(void *arg, u64 sector, void *buf, unsigned int n);
	void *arg;
	u64 sectors;	   /* of the disk */
	u32 logical_block; /* 512..4096: the unit of all numbers in a table */
	u8 *block;	   /* scratch memory, 4096 bytes */
};

/* True: the disk has a table of this kind (perhaps an empty one), which is in t. */
bool gpt_parse(const struct part_source *src, struct part_table *t);
bool mbr_parse(const struct part_source *src, struct part_table *t);

static inline u32 part_le32(const u8 *p)
{
	return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}
static inline u64 part_le64(const u8 *p)
{
	return part_le32(p) | (u64)part_le32(p + 4) << 32;
}
/* Reads one logical block of the disk into src->block. */
static inline bool part_read_block(const struct part_source *src, u64 lba)
{
	u32 n = src->logical_block / 512;

	return lba < src->sectors / n && src->read(src->arg, lba * n, src->block, n) == 0;
}
/* One more entry; false: there is no room. */
bool part_add(struct part_table *t, unsigned int no, u64 start, u64 sectors);

#endif
