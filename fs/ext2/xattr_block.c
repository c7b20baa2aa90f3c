/* SPDX-License-Identifier: MIT */
#include "xattr_block.h"

#include <kernel/errno.h>
#include <kernel/string.h>

bool xattr_block_ok(const void *block, u32 size)
{
	const struct ext2_xattr_header *h = block;
	const struct ext2_xattr_entry *e;
	u32 off = sizeof(*h);

	if (h->h_magic != EXT2_XATTR_MAGIC || h->h_blocks != 1)
		return false;
	for (;;) {
		if (off + sizeof(u32) > size)
			return false;
		e = (const void *)((const char *)block + off);
		if (xattr_last(e))
			return true;
		if (off + sizeof(*e) > size)
			return false;
		off += xattr_entry_size(e->e_name_len);
		if (off + sizeof(u32) > size || e->e_value_block)
			return false;
		if (e->e_value_size &&
		    (e->e_value_size > size || e->e_value_offs > size - e->e_value_size))
			return false;
	}
}

static int compare(const struct ext2_xattr_entry *e, const struct xattr_key *k)
{
	if (e->e_name_index != k->index)
		return e->e_name_index < k->index ? -1 : 1;
	if (e->e_name_len != k->len)
		return e->e_name_len < k->len ? -1 : 1;
	return memcmp(e->e_name, k->name, k->len);
}

const struct ext2_xattr_entry *xattr_find(const void *block, const struct xattr_key *key)
{
	const struct ext2_xattr_entry *e;

	for (e = xattr_first(block); !xattr_last(e); e = xattr_next(e)) {
		if (!compare(e, key))
			return e;
	}
	return NULL;
}

static u32 rotate(u32 hash, unsigned int by)
{
	return hash << by | hash >> (32 - by);
}

static u32 hash_entry(const struct ext2_xattr_entry *e, const void *value)
{
	u32 hash = 0, n = (e->e_value_size + 3) / 4;

	for (u32 k = 0; k < e->e_name_len; k++)
		hash = rotate(hash, 5) ^ (u32)(u8)e->e_name[k];
	for (u32 k = 0; k < n; k++) {
		u32 w;

		memcpy(&w, (const char *)value + k * 4, 4); /* padded with zeroes */
		hash = rotate(hash, 16) ^ w;
	}
	return hash;
}

struct builder {
	char *block;
	u32 at, top; /* next entry, lowest value */
	u32 hash;
	bool unhashed;
	int count;
};

static bool add(struct builder *b, const struct xattr_key *k, const void *value, u32 size)
{
	u32 need = xattr_entry_size(k->len), room = (size + 3) & ~3u;
	struct ext2_xattr_entry *e = (struct ext2_xattr_entry *)(b->block + b->at);

	if (b->at + need + sizeof(u32) + room > b->top)
		return false;
	b->at += need;
	b->top -= room;
	e->e_name_len = k->len;
	e->e_name_index = k->index;
	e->e_value_offs = size ? (u16)b->top : 0;
	e->e_value_size = size;
	memcpy(e->e_name, k->name, k->len);
	if (size)
		memcpy(b->block + b->top, value, size);
	e->e_hash = hash_entry(e, b->block + b->top);
	b->unhashed |= !e->e_hash;
	b->hash = rotate(b->hash, 16) ^ e->e_hash;
	b->count++;
	return true;
}

int xattr_rebuild(void *to, const void *from, u32 size, const struct xattr_key *key,
		  const void *value, u32 value_size)
{
	struct builder b = { .block = to, .at = sizeof(struct ext2_xattr_header), .top = size };
	struct ext2_xattr_header *h = to;
	bool pending = value;

	memset(to, 0, size);
	for (const struct ext2_xattr_entry *e = from ? xattr_first(from) : NULL;
	     e && !xattr_last(e); e = xattr_next(e)) {
		struct xattr_key k = { e->e_name_index, e->e_name, e->e_name_len };
		int order = compare(e, key);

		if (pending && order >= 0) {
			if (!add(&b, key, value, value_size))
				return -ENOSPC;
			pending = false;
		}
		if (order && !add(&b, &k, (const char *)from + e->e_value_offs, e->e_value_size))
			return -ENOSPC;
	}
	if (pending && !add(&b, key, value, value_size))
		return -ENOSPC;
	h->h_magic = EXT2_XATTR_MAGIC;
	h->h_refcount = 1;
	h->h_blocks = 1;
	h->h_hash = b.unhashed ? 0 : b.hash;
	return b.count;
}
