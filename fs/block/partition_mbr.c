/* SPDX-License-Identifier: MIT */
/* Partition tables of the PC: four entries in sector 0, and a chain of tables in an extended
 * partition for the logical ones, which are numbered from 5.
 * Untrusted: the chain may run in circles (so many tables without a partition end it, and the
 * number of partitions is limited), and entries may overlap or lie anywhere, which is left to the
 * caller as on Linux. An extended partition is shown with two sectors, room for a boot loader. */
#include "partition_table.h"

#include <kernel/printf.h>
#include <kernel/string.h>

#define TABLE_AT 446
#define SIGNATURE_AT 510
#define DISK_ID_AT 440
#define TYPE_GPT 0xee
#define EMPTY_TABLES_MAX 100

struct mbr_entry {
	u8 boot, type;
	u32 start, size; /* logical blocks */
};

static struct mbr_entry entry(const u8 *block, unsigned int k)
{
	const u8 *p = block + TABLE_AT + 16 * k;

	return (struct mbr_entry){ .boot = p[0], .type = p[4], .start = part_le32(p + 8),
				   .size = part_le32(p + 12) };
}

static bool signed_block(const u8 *block)
{
	return block[SIGNATURE_AT] == 0x55 && block[SIGNATURE_AT + 1] == 0xaa;
}

static bool is_extended(u8 type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

bool part_add(struct part_table *t, unsigned int no, u64 start, u64 sectors)
{
	struct part_entry *e;

	if (t->nr == PART_MAX)
		return false;
	e = &t->parts[t->nr++];
	*e = (struct part_entry){ .no = no, .start = start, .sectors = sectors };
	return true;
}

static bool add(struct part_table *t, unsigned int no, u64 start, u64 sectors, u32 disk_id)
{
	if (no > PART_MAX || !part_add(t, no, start, sectors))
		return false;
	snprintf(t->parts[t->nr - 1].uuid, sizeof(t->parts[0].uuid), "%08x-%02x", disk_id, no);
	return true;
}

/* The chain that begins at logical block `first`, inside the extended partition of `size`. */
static void parse_chain(const struct part_source *src, struct part_table *t, u64 first, u64 size,
			u32 disk_id)
{
	u32 unit = src->logical_block / 512;
	u64 at = first, at_size = size;
	unsigned int empty = 0, no = 5, k;
	struct mbr_entry e;

	while (++empty <= EMPTY_TABLES_MAX) {
		if (!part_read_block(src, at) || !signed_block(src->block))
			return;
		for (k = 0; k < 4; k++) {
			u64 start;

			e = entry(src->block, k);
			start = at + e.start;
			if (!e.size || is_extended(e.type))
				continue;
			/* The last two are not used; some tools leave things there. */
			if (k >= 2 && ((u64)e.start + e.size > at_size || start < first ||
				       start + e.size > first + size))
				continue;
			if (!add(t, no++, start * unit, (u64)e.size * unit, disk_id))
				return;
			empty = 0;
		}
		for (k = 0; k < 4; k++) {
			e = entry(src->block, k);
			if (e.size && is_extended(e.type))
				break;
		}
		if (k == 4)
			return;
		at = first + e.start;
		at_size = e.size;
	}
}

/* A boot sector of a FAT file system looks like a table at first sight. */
static bool is_fat(const u8 *block)
{
	u8 media = block[21];

	return (block[14] | block[15]) && block[16] && (media >= 0xf8 || media == 0xf0);
}

bool mbr_parse(const struct part_source *src, struct part_table *t)
{
	u32 unit = src->logical_block / 512, disk_id;
	struct mbr_entry e[4];

	t->nr = 0;
	t->type = "dos";
	t->note = NULL;
	if (!part_read_block(src, 0) || !signed_block(src->block))
		return false;
	for (unsigned int k = 0; k < 4; k++) {
		e[k] = entry(src->block, k);
		if (e[k].boot & 0x7f)
			return k == 0 && is_fat(src->block);
		if (e[k].type == TYPE_GPT)
			return false; /* its real table is somewhere else, and it is broken */
	}
	disk_id = part_le32(src->block + DISK_ID_AT);
	for (unsigned int k = 0; k < 4; k++) {
		u64 start = (u64)e[k].start * unit, size = (u64)e[k].size * unit;

		if (!size)
			continue;
		if (!is_extended(e[k].type)) {
			add(t, k + 1, start, size, disk_id);
			continue;
		}
		add(t, k + 1, start, size < 2 ? size : unit > 2 ? unit : 2, 0);
		t->parts[t->nr - 1].uuid[0] = '\0';
	}
	for (unsigned int k = 0; k < 4; k++) {
		if (e[k].size && is_extended(e[k].type))
			parse_chain(src, t, e[k].start, e[k].size, disk_id);
	}
	return true;
}
