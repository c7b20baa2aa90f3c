/* SPDX-License-Identifier: MIT */
/* SipHash-2-4: a keyed hash that stays collision resistant while the key is secret. */
#ifndef KERNEL_SIPHASH_H
#define KERNEL_SIPHASH_H

#include <kernel/types.h>

u64 siphash24(const void *data, size_t len, const u64 key[2]);

/* Same result as hashing the two (one) words' little-endian bytes, without the tail handling. */
u64 siphash24_u64(u64 v, const u64 key[2]);
u64 siphash24_2u64(u64 a, u64 b, const u64 key[2]);

#endif
