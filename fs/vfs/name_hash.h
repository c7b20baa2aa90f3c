/* SPDX-License-Identifier: MIT */
/* Hash of a path component, eight bytes a step. The walk finds the end of a component and its hash
 * in one pass; qstr_set gives the same hash for a name whose length is known. */
#ifndef NAME_HASH_H
#define NAME_HASH_H

#include <fs/vfs.h>
#include <kernel/hash.h>
#include <kernel/page.h>

extern u64 name_salt; /* secret: chains cannot be made long on purpose */

#define NAME_ONES  0x0101010101010101ull
#define NAME_HIGHS 0x8080808080808080ull

static __always_inline u64 name_hash_step(u64 h, u64 w)
{
	h = (h ^ w) * HASH_GOLDEN64;
	return h ^ (h >> 32);
}

/* Eight bytes at p, of which those behind a NUL may be anything. A load that stays inside a page
 * cannot fault; at a page's end the bytes are taken one by one. */
static __always_inline u64 name_load_word(const char *p)
{
	u64 w = 0;

	if (likely(((unsigned long)p & (PAGE_SIZE - 1)) <= PAGE_SIZE - 8)) {
		/* In assembly, because KASAN would object to what lies behind the end of the text.
		 */
		__asm__("movq %1, %0" : "=r"(w) : "m"(*(const char(*)[8])p));
		return w;
	}
	for (unsigned int i = 0; i < 8 && p[i]; i++)
		w |= (u64)(u8)p[i] << (8 * i);
	return w;
}

/* Length and hash of the component at name, which ends before '/' or NUL. Returns the length. */
static __always_inline u64 name_scan(const char *name, struct qstr *out)
{
	u64 h = name_salt, len = 0, w, s, stop;

	for (;;) {
		w = name_load_word(name + len);
		s = w ^ (NAME_ONES * '/');
		stop = (((w - NAME_ONES) & ~w) | ((s - NAME_ONES) & ~s)) & NAME_HIGHS;
		if (stop)
			break;
		h = name_hash_step(h, w);
		len += 8;
	}
	/* Of the found bits only the lowest is exact; below it lie the bytes of the name. */
	h = name_hash_step(h, w & (((stop - 1) & ~stop) >> 7));
	len += (u64)__builtin_ctzll(stop) >> 3;
	out->name = name;
	out->len = (u32)len;
	out->hash = (u32)h;
	return len;
}

#endif
