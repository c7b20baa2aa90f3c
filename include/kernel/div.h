/* SPDX-License-Identifier: MIT */
/* Integer division and scaling helpers, powers of two. */
#ifndef KERNEL_DIV_H
#define KERNEL_DIV_H

#include <kernel/compiler.h>
#include <kernel/types.h>

/* Unsigned operands. */
#define DIV_ROUND_CLOSEST(n, d) (((n) + (d) / 2) / (d))

/* a * b / c with a 128-bit product; the quotient must fit in 64 bits and c must not be 0. */
static inline u64 mul_div_u64(u64 a, u64 b, u64 c)
{
	u64 hi, lo, rem;

	__asm__("mulq %3" : "=d"(hi), "=a"(lo) : "a"(a), "rm"(b) : "cc");
	__asm__("divq %4" : "=a"(lo), "=d"(rem) : "0"(lo), "1"(hi), "rm"(c) : "cc");
	return lo;
}

/*
 * (a * b) >> shift with a 128-bit product, shift 0..127: clock conversions by multiply and shift.
 */
static inline u64 mul_u64_shr(u64 a, u64 b, unsigned int shift)
{
	return (u64)(((unsigned __int128)a * b) >> shift);
}

static inline bool is_power_of_2(u64 n)
{
	return n && !(n & (n - 1));
}

/* Floor of log2; n != 0. */
static inline unsigned int ilog2(u64 n)
{
	return 63 - (unsigned int)__builtin_clzll(n);
}

/* Smallest power of two >= n; 1 for 0. n <= 2^63. */
static inline u64 roundup_pow2(u64 n)
{
	return n <= 1 ? 1 : 1ull << (ilog2(n - 1) + 1);
}

/* Largest power of two <= n; n != 0. */
static inline u64 rounddown_pow2(u64 n)
{
	return 1ull << ilog2(n);
}

/* Smallest order with (1 << order) >= n; 0 for 0. */
static inline unsigned int order_of(u64 n)
{
	return n <= 1 ? 0 : ilog2(n - 1) + 1;
}

#endif
