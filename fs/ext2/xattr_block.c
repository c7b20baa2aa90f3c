/* SPDX-License-Identifier: MIT */
/* Places for attributes: xattr_block.h. Whatever xattr_area_ok accepts the other functions may be
 * given: every entry lies in the area, ends before the next, and a word of zeroes ends the list;
 * every value lies behind that word. Values may overlap each other: reading them harms nobody, and
 * rebuilding gives each its own room, or says that there is none. */
#include "xattr_block.h"

#include <kernel/errno.h>
#include <kernel/string.h>

static bool value_ok(const struct xattr_area *a, const struct ext2_xattr_entry *e, u32 lowest)
{
	u32 size = e->e_value_size;

	if (e->e_value_block)
		return false;
	return !size || (size <= a->size && e->e_value_offs <= a->size - size &&
			 e->e_value_offs >= lowest);
}

bool xattr_area_ok(const struct xattr_area *a)
{
	const struct ext2_xattr_entry *e;
	u32 off = a->first, end;

	for (;;) {
		if (off + sizeof(u32) > a->size)
			return false;
		e = (const void *)(a->base + off);
		if (xattr_last(e))
			break;
		if (off + sizeof(*e) > a->size)
			return false;
		off += xattr_entry_size(e->e_name_len);
	}
	end = off + (u32)sizeof(u32);
	for (e = xattr_first(a); !xattr_last(e); e = xattr_next(e)) {
		if (!value_ok(a, e, end))
			return false;
	}
	return true;
}

bool xattr_header_ok(const void *block)
{
	const struct ext2_xattr_header *h = block;

	return h->h_magic == EXT2_XATTR_MAGIC && h->h_blocks == 1;
}

static int compare(const struct ext2_xattr_entry *e, const struct xattr_key *k)
{
	if (e->e_name_index != k->index)
		return e->e_name_index < k->index ? -1 : 1;
	if (e->e_name_len != k->len)
		return e->e_name_len < k->len ? -1 : 1;
	return memcmp(e->e_name, k->name, k->len);
}

const struct ext2_xattr_entry *xattr_find(const struct xattr_area *a, const struct xattr_key *key)
{
	const struct ext2_xattr_entry *e;

	if (!a->base)
		return NULL;
	for (e = xattr_first(a); !xattr_last(e); e = xattr_next(e)) {
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
	const struct xattr_area *to;
	u32 at, top; /* next entry, lowest value */
	u32 hash;
	bool unhashed;
	int count;
};

/* hash: of an entry that is copied, NULL: a new one. */
static bool add(struct builder *b, const struct xattr_key *k, const void *value, u32 size,
		const u32 *hash)
{
	u32 need = xattr_entry_size(k->len), room = (size + 3) & ~3u;
	struct ext2_xattr_entry *e = (void *)(b->to->base + b->at);

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
		memcpy(b->to->base + b->top, value, size);
	/* Others count bytes of names as signed: their hash stays. */
	e->e_hash = hash ? *hash : hash_entry(e, b->to->base + b->top);
	b->unhashed |= !e->e_hash;
	b->hash = rotate(b->hash, 16) ^ e->e_hash;
	b->count++;
	return true;
}

int xattr_rebuild(const struct xattr_area *to, const struct xattr_area *from,
		  const struct xattr_key *key, const void *value, u32 value_size, u32 *hash)
{
	struct builder b = { .to = to, .at = to->first, .top = to->size & ~3u };
	bool pending = value;

	memset(to->base + to->first, 0, to->size - to->first);
	if (value && value_size > to->size)
		return -ENOSPC;
	for (const struct ext2_xattr_entry *e = from->base ? xattr_first(from) : NULL;
	     e && !xattr_last(e); e = xattr_next(e)) {
		struct xattr_key k = { e->e_name_index, e->e_name, e->e_name_len };
		int order = compare(e, key);

		if (pending && order >= 0) {
			if (!add(&b, key, value, value_size, NULL))
				return -ENOSPC;
			pending = false;
		}
		if (order &&
		    !add(&b, &k, from->base + e->e_value_offs, e->e_value_size, &e->e_hash))
			return -ENOSPC;
	}
	if (pending && !add(&b, key, value, value_size, NULL))
		return -ENOSPC;
	*hash = b.unhashed ? 0 : b.hash;
	return b.count;
}
