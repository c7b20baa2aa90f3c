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
/* NULL: the chain is whole; else what is wrong, at *off. */
const char *dirblock_check(const void *block, u32 size, u32 max_ino, u32 *off);
/* Offset of a name, -1: it is not there; *seen counts the entries looked at. */
int dirblock_find(const void *block, u32 size, const char *name, u32 len, u32 *seen);
/* The largest gap: its size, *holder its holder. 0: there is none. */
u32 dirblock_gap(const void *block, u32 size, u32 *holder);
/* Puts a name into the gap of `holder`, which is large enough: offset of the new entry. */
u32 dirblock_insert(void *block, u32 size, u32 holder, const char *name, u32 len, u32 ino,
		    u8 type);
/* A block with one free entry. */
void dirblock_init(void *block, u32 size);
/* "." and "..". */
void dirblock_init_first(void *block, u32 size, u32 self, u32 parent, u8 type);

#endif
