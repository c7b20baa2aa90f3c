/* SPDX-License-Identifier: MIT */
#include "dirblock.h"

#include <kernel/string.h>

static const struct ext2_dirent *at(const void *block, u32 off)
{
	return (const struct ext2_dirent *)((const char *)block + off);
}

const char *dirblock_check(const void *block, u32 size, u32 max_ino, u32 *off)
{
	const struct ext2_dirent *e;

	for (u32 o = 0; o < size; o += e->rec_len) {
		*off = o;
		if (size - o < sizeof(*e))
			return "entry crosses the end of the block";
		e = at(block, o);
		if (e->rec_len < EXT2_DIRENT_LEN(1u))
			return "rec_len is smaller than minimal";
		if (e->rec_len & 3)
			return "unaligned directory entry";
		if (e->rec_len < EXT2_DIRENT_LEN((u32)e->name_len))
			return "rec_len is too small for name_len";
		if (e->rec_len > size - o)
			return "entry crosses the end of the block";
		if (e->inode > max_ino)
			return "inode out of bounds";
	}
	return NULL;
}

int dirblock_find(const void *block, u32 size, const char *name, u32 len, u32 *seen)
{
	const struct ext2_dirent *e;

	for (u32 o = 0; o < size; o = dirblock_next(block, size, o)) {
		e = at(block, o);
		++*seen;
		if (e->name_len == len && e->inode && dirblock_name_inside(e, size, o) &&
		    !memcmp(e->name, name, len))
			return (int)o;
	}
	return -1;
}

/* Where the gap of the entry at o ends. */
static u32 gap_end(const void *block, u32 size, u32 o)
{
	u32 end = dirblock_next(block, size, o);

	while (end < size && !at(block, end)->inode)
		end = dirblock_next(block, size, end);
	return end;
}

static u32 used(const struct ext2_dirent *e)
{
	return e->inode ? EXT2_DIRENT_LEN((u32)e->name_len) : 0;
}

u32 dirblock_gap(const void *block, u32 size, u32 *holder)
{
	u32 best = 0;

	for (u32 o = 0, end; o < size; o = end) {
		u32 gap = used(at(block, o));

		end = gap_end(block, size, o);
		gap = end - o > gap ? end - o - gap : 0;
		if (gap > best) {
			best = gap;
			*holder = o;
		}
	}
	return best;
}

bool dirblock_fits(const void *block, u32 size, u32 holder, u32 need)
{
	return gap_end(block, size, holder) - holder >= used(at(block, holder)) + need;
}

u32 dirblock_insert(void *block, u32 size, u32 holder, const char *name, u32 len, u32 ino, u8 type)
{
	struct ext2_dirent *h = dirblock_at(block, holder), *e;
	u32 end = gap_end(block, size, holder), o = holder + used(h);

	if (o != holder)
		h->rec_len = (u16)(o - holder);
	e = dirblock_at(block, o);
	e->inode = ino;
	e->rec_len = (u16)(end - o);
	e->name_len = (u8)len;
	e->file_type = type;
	memcpy(e->name, name, len);
	/* No old names in the padding. */
	memset(e->name + len, 0, EXT2_DIRENT_LEN(len) - 8 - len);
	return o;
}

void dirblock_init(void *block, u32 size)
{
	memset(block, 0, size);
	dirblock_at(block, 0)->rec_len = (u16)size;
}

void dirblock_init_first(void *block, u32 size, u32 self, u32 parent, u8 type)
{
	dirblock_init(block, size);
	(void)dirblock_insert(block, size, 0, ".", 1, self, type);
	(void)dirblock_insert(block, size, 0, "..", 2, parent, type);
}
