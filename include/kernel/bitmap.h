/* SPDX-License-Identifier: MIT */
/*
 * Bit maps in arrays of unsigned long. Nothing here is atomic: the caller's lock covers the map.
 * Sizes and positions are in bits. A search returns size (the bound it was given) when there is no
 * such bit.
 */
#ifndef KERNEL_BITMAP_H
#define KERNEL_BITMAP_H

#include <kernel/types.h>

#ifndef BITS_PER_LONG
#define BITS_PER_LONG 64
#endif
#ifndef BITS_TO_LONGS
#define BITS_TO_LONGS(n) (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#endif
#define BITMAP_BYTES(n)		   (BITS_TO_LONGS(n) * sizeof(unsigned long))
#define DECLARE_BITMAP(name, bits) unsigned long name[BITS_TO_LONGS(bits)]

static inline void bitmap_set(unsigned long *map, size_t bit)
{
	map[bit / BITS_PER_LONG] |= 1ul << (bit % BITS_PER_LONG);
}

static inline void bitmap_clear(unsigned long *map, size_t bit)
{
	map[bit / BITS_PER_LONG] &= ~(1ul << (bit % BITS_PER_LONG));
}

static inline bool bitmap_test(const unsigned long *map, size_t bit)
{
	return (map[bit / BITS_PER_LONG] >> (bit % BITS_PER_LONG)) & 1;
}

/* Returns what the bit was. */
static inline bool bitmap_test_and_set(unsigned long *map, size_t bit)
{
	bool old = bitmap_test(map, bit);

	bitmap_set(map, bit);
	return old;
}

static inline bool bitmap_test_and_clear(unsigned long *map, size_t bit)
{
	bool old = bitmap_test(map, bit);

	bitmap_clear(map, bit);
	return old;
}

/* First set (or clear) bit at or after start, below size; size when there is none. */
size_t bitmap_find_next_bit(const unsigned long *map, size_t size, size_t start);
size_t bitmap_find_next_zero(const unsigned long *map, size_t size, size_t start);

/* Highest set bit below size; size when there is none. */
size_t bitmap_find_last_bit(const unsigned long *map, size_t size);

/*
 * First position >= start of n clear bits in a row, a multiple of align (a power of two); size
 * when none.
 */
size_t bitmap_find_zero_area(const unsigned long *map, size_t size, size_t start, size_t n,
			     size_t align);

static inline size_t bitmap_find_first_bit(const unsigned long *map, size_t size)
{
	return bitmap_find_next_bit(map, size, 0);
}

static inline size_t bitmap_find_first_zero(const unsigned long *map, size_t size)
{
	return bitmap_find_next_zero(map, size, 0);
}

void bitmap_set_range(unsigned long *map, size_t start, size_t n);
void bitmap_clear_range(unsigned long *map, size_t start, size_t n);

/*
 * Set (clear) bits 0..size-1. fill leaves the unused bits of the last word clear; zero clears
 * whole words.
 */
void bitmap_fill(unsigned long *map, size_t size);
void bitmap_zero(unsigned long *map, size_t size);

/* Number of set bits below size. */
size_t bitmap_weight(const unsigned long *map, size_t size);

static inline bool bitmap_empty(const unsigned long *map, size_t size)
{
	return bitmap_find_first_bit(map, size) >= size;
}

static inline bool bitmap_full(const unsigned long *map, size_t size)
{
	return bitmap_find_first_zero(map, size) >= size;
}

/* Whole-word combinations of maps of size bits; dst may be a or b. */
void bitmap_and(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t size);
void bitmap_or(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t size);
void bitmap_andnot(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t size);
void bitmap_copy(unsigned long *dst, const unsigned long *src, size_t size);
bool bitmap_equal(const unsigned long *a, const unsigned long *b, size_t size);
bool bitmap_intersects(const unsigned long *a, const unsigned long *b, size_t size);

/*
 * Print as "0-3,8" (list) or "00000000,0000000f" (hex words, as /proc shows affinity) into buf;
 * returns the length written without the NUL, cut to size - 1. Parsing a list returns 0, -EINVAL
 * or -ERANGE (position past bits).
 */
size_t bitmap_print_list(char *buf, size_t size, const unsigned long *map, size_t bits);
size_t bitmap_print_hex(char *buf, size_t size, const unsigned long *map, size_t bits);
int bitmap_parse_list(const char *s, unsigned long *map, size_t bits);

#define bitmap_for_each_set(bit, map, size)                                                        \
	for ((bit) = bitmap_find_first_bit(map, size); (bit) < (size);                             \
	     (bit) = bitmap_find_next_bit(map, size, (bit) + 1))

#endif
