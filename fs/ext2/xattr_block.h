/* SPDX-License-Identifier: MIT */
/* The inside of an attribute block: checking, finding, rebuilding with one attribute changed. No
 * locks, no I/O: also built for the unit tests of the host. */
#ifndef EXT2_XATTR_BLOCK_H
#define EXT2_XATTR_BLOCK_H

#include "ondisk.h"

struct xattr_key {
	u8 index; /* EXT2_XATTR_* */
	const char *name;
	u8 len;
};
static inline const struct ext2_xattr_entry *xattr_first(const void *block)
{
	return (const struct ext2_xattr_entry *)((const char *)block +
						 sizeof(struct ext2_xattr_header));
}
static inline bool xattr_last(const struct ext2_xattr_entry *e)
{
	return *(const u32 *)(const void *)e == 0;
}
static inline u32 xattr_entry_size(u32 name_len)
{
	return (u32)sizeof(struct ext2_xattr_entry) + ((name_len + 3u) & ~3u);
}
static inline const struct ext2_xattr_entry *xattr_next(const struct ext2_xattr_entry *e)
{
	return (const struct ext2_xattr_entry *)((const char *)e +
						 xattr_entry_size(e->e_name_len));
}
/* Everything inside the block? */
bool xattr_block_ok(const void *block, u32 size);
const struct ext2_xattr_entry *xattr_find(const void *block, const struct xattr_key *key);
/* Builds in `to` what `from` (NULL: nothing) holds, with key set to value (NULL: without key).
 * Number of attributes, or -ENOSPC. */
int xattr_rebuild(void *to, const void *from, u32 size, const struct xattr_key *key,
		  const void *value, u32 value_size);

#endif
