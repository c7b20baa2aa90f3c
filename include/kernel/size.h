/* SPDX-License-Identifier: MIT */
/*
 * Size arithmetic that cannot wrap unnoticed. The checked forms return false, and leave *out
 * alone, when the result does not fit; the _sat forms return SIZE_MAX then, which every allocator
 * refuses.
 */
#ifndef KERNEL_SIZE_H
#define KERNEL_SIZE_H

#include <kernel/types.h>

static inline bool __attribute__((warn_unused_result)) size_mul(size_t *out, size_t a, size_t b)
{
	size_t r;

	if (__builtin_mul_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool __attribute__((warn_unused_result)) size_add(size_t *out, size_t a, size_t b)
{
	size_t r;

	if (__builtin_add_overflow(a, b, &r))
		return false;
	*out = r;
	return true;
}

static inline bool __attribute__((warn_unused_result)) size_sub(size_t *out, size_t a, size_t b)
{
	if (a < b)
		return false;
	*out = a - b;
	return true;
}

/* a rounded up to a multiple of align (a power of two). */
static inline bool __attribute__((warn_unused_result))
size_align(size_t *out, size_t a, size_t align)
{
	size_t r;

	if (__builtin_add_overflow(a, align - 1, &r))
		return false;
	*out = r & ~(align - 1);
	return true;
}

static inline size_t size_mul_sat(size_t a, size_t b)
{
	size_t r;

	return __builtin_mul_overflow(a, b, &r) ? ~(size_t)0 : r;
}

static inline size_t size_add_sat(size_t a, size_t b)
{
	size_t r;

	return __builtin_add_overflow(a, b, &r) ? ~(size_t)0 : r;
}

/* [off, off + len) lies inside [0, limit). */
static inline bool range_ok(u64 off, u64 len, u64 limit)
{
	return off <= limit && len <= limit - off;
}

#endif
