/* SPDX-License-Identifier: MIT */
/* Hashes of byte strings for tables. */
#include <kernel/compiler.h>
#include <kernel/hash.h>
#include <kernel/string.h>

static inline u64 load8(const void *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline u32 load4(const void *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The last 1..7 bytes as one word; which bytes it repeats depends on len, which is hashed, too. */
static inline u64 load_tail(const u8 *p, size_t n)
{
	if (n >= 4)
		return load4(p) | (u64)load4(p + n - 4) << 32;
	return p[0] | (u64)p[n / 2] << 8 | (u64)p[n - 1] << 16;
}

/* 64 x 64 -> 128 bits, folded: each input bit reaches the whole result. */
static inline u64 fold(u64 a, u64 b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (u64)p ^ (u64)(p >> 64);
}

u32 hash_name(const char *name, size_t len, u64 salt)
{
	const u8 *p = (const u8 *)name;
	u64 h = salt ^ (len * 0xa0761d6478bd642full);
	size_t n = len;

	for (; n >= 8; n -= 8, p += 8)
		h = fold(h ^ load8(p), HASH_GOLDEN64);
	if (n)
		h = fold(h ^ load_tail(p, n), 0xe7037ed1a0b428dbull);
	h = fold(h ^ 0x8ebc6af09c88c6e3ull, HASH_GOLDEN64);
	return (u32)(h ^ (h >> 32));
}

u32 hash_str(const char *s)
{
	u32 h = 0x811c9dc5;

	for (; *s; s++)
		h = (h ^ (u8)*s) * 0x01000193;
	return h;
}
