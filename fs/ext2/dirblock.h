/* SPDX-License-Identifier: MIT */
/* One block of a directory: checking it, finding, inserting and removing names. No locks, no I/O:
 * also built for the unit tests of the host.
 *
 * A block is a chain of entries that fills it. An entry with inode 0 is free. A gap is what lies
 * behind the used part of an entry up to the next live one; the entry is its holder (a free entry
 * holds itself). Removing only clears the inode, so that nobody has to look for neighbours. */
#ifndef EXT2_DIRBLOCK_H
#define EXT2_DIRBLOCK_H

#include "ondisk.h"

static inline struct ext2_dirent *dirblock_at(void *block, u32 off)
{
	return (struct ext2_dirent *)((char *)block + off);
}
/* Offset of the entry behind the one at off; size: there is none. A corrupt file system may
 * have given the block to someone else as well, who has changed it since dirblock_check: every
 * walk and every look at a name must end inside the block whatever is in it. */
static inline u32 dirblock_next(const void *block, u32 size, u32 off)
{
	u32 n = ((const struct ext2_dirent *)((const char *)block + off))->rec_len;

	return n >= EXT2_DIRENT_LEN(1u) && n + EXT2_DIRENT_LEN(1u) <= size - off ? off + n : size;
}
static inline bool dirblock_name_inside(const struct ext2_dirent *e, u32 size, u32 off)
{
	return e->name_len <= size - off - (u32)offsetof(struct ext2_dirent, name);
}
/* NULL: the chain is whole; else what is wrong, at *off. */
const char *dirblock_check(const void *block, u32 size, u32 max_ino, u32 *off);
/* Offset of a name, -1: it is not there; *seen counts the entries looked at. */
int dirblock_find(const void *block, u32 size, const char *name, u32 len, u32 *seen);
/* The largest gap: its size, *holder its holder. 0: there is none. */
u32 dirblock_gap(const void *block, u32 size, u32 *holder);
/* Is there room for `need` bytes in the gap of `holder`? */
bool dirblock_fits(const void *block, u32 size, u32 holder, u32 need);
/* Puts a name into the gap of `holder`, which is large enough: offset of the new entry. */
u32 dirblock_insert(void *block, u32 size, u32 holder, const char *name, u32 len, u32 ino,
		    u8 type);
/* A block with one free entry. */
void dirblock_init(void *block, u32 size);
/* "." and "..". */
void dirblock_init_first(void *block, u32 size, u32 self, u32 parent, u8 type);

#endif
