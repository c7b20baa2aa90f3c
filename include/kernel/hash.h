/* SPDX-License-Identifier: MIT */
/*
 * Hashes for tables. None of them but siphash24() (siphash.h) resists somebody who chooses the
 * keys to collide: give hash_name() and hash_mix64() a secret salt where users choose the input.
 */
#ifndef KERNEL_HASH_H
#define KERNEL_HASH_H

#include <kernel/types.h>
#include <kernel/siphash.h>

#define HASH_GOLDEN64 0x9e3779b97f4a7c15ull
#define HASH_GOLDEN32 0x9e3779b9u

/* Top bits of a multiplication: 1 <= bits <= 32 (64 for the u64 result of hash_u64). */
static inline u32 hash_64(u64 v, unsigned int bits)
{
	return (u32)((v * HASH_GOLDEN64) >> (64 - bits));
}

static inline u32 hash_32(u32 v, unsigned int bits)
{
	return (v * HASH_GOLDEN32) >> (32 - bits);
}

static inline u32 hash_ptr(const void *p, unsigned int bits)
{
	return hash_64((u64)(unsigned long)p, bits);
}

/* Every input bit changes every output bit with probability near one half; a bijection. */
static inline u64 hash_mix64(u64 v)
{
	v ^= v >> 32;
	v *= 0xd6e8feb86659fd93ull;
	v ^= v >> 32;
	v *= 0xd6e8feb86659fd93ull;
	v ^= v >> 32;
	return v;
}

/* One step of hashing a sequence of words. */
static inline u64 hash_combine(u64 h, u64 v)
{
	h = (h ^ v) * HASH_GOLDEN64;
	return h ^ (h >> 29);
}

/*
 * Hash of name[0..len): eight bytes per step, never reads outside the range. Used for path
 * components; salt is usually the parent directory's address mixed with a boot secret. All 32 bits
 * are good.
 */
u32 hash_name(const char *name, size_t len, u64 salt);

/* FNV-1a of a NUL-terminated string: for small fixed tables. */
u32 hash_str(const char *s);

#endif
