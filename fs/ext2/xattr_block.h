/* SPDX-License-Identifier: MIT */
/* The inside of a place for attributes, a block or the rest of a large inode: checking, finding,
 * rebuilding with one attribute changed. No locks, no I/O: also built for the unit tests of the
 * host. */
#ifndef EXT2_XATTR_BLOCK_H
#define EXT2_XATTR_BLOCK_H

#include "ondisk.h"

#include <kernel/compiler.h>

/* Entries from `first` upwards, values from `size` downwards; their offsets count from base. */
struct xattr_area {
	char *base; /* NULL: there is nothing */
	u32 first, size;
};
struct xattr_key {
	u8 index; /* EXT2_XATTR_* */
	const char *name;
	u8 len;
};
static inline const struct ext2_xattr_entry *xattr_first(const struct xattr_area *a)
{
	return (const struct ext2_xattr_entry *)(const void *)(a->base + a->first);
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
/* An area of a whole block. */
static inline struct xattr_area xattr_of_block(void *block, u32 size)
{
	return (struct xattr_area){ block, sizeof(struct ext2_xattr_header), size };
}
/* Everything inside, and no value in the way of the entries? */
bool xattr_area_ok(const struct xattr_area *a);
bool xattr_header_ok(const void *block);
/* NULL: it is not there. The area has been checked. */
const struct ext2_xattr_entry *xattr_find(const struct xattr_area *a, const struct xattr_key *key);
/* Builds in `to` what `from` holds, with key set to value (NULL: without key), and *hash of all.
 * Number of attributes, or -ENOSPC. */
int xattr_rebuild(const struct xattr_area *to, const struct xattr_area *from,
		  const struct xattr_key *key, const void *value, u32 value_size, u32 *hash);

/* --- acl_disk.c --- */
struct posix_acl;
/* *out NULL: no entries. -EINVAL, -ENOMEM. */
int must_check ext2_acl_from_disk(const void *data, size_t size, struct posix_acl **out);
/* Bytes written: at most 4 and 8 for each entry. */
size_t ext2_acl_to_disk(const struct posix_acl *acl, void *data);

#endif
