/* SPDX-License-Identifier: MIT */
/*
 * Bit maps, a word at a time. Searches never look at bits at or past the size they are given; fill
 * and the combinations leave the unused bits of the last word clear, so whole words may be
 * compared.
 */
#include <kernel/bitmap.h>
#include <kernel/compiler.h>
#include <kernel/ctype.h>
#include <kernel/errno.h>
#include <kernel/printf.h>
#include <kernel/string.h>

static inline unsigned long from_bit(size_t bit)
{
	return ~0ul << (bit % BITS_PER_LONG);
}

/* The bits of the last word that belong to a map of this size. */
static inline unsigned long tail_mask(size_t size)
{
	return ~0ul >> (-size % BITS_PER_LONG);
}

/* invert is 0 to look for set bits, ~0 for clear ones. */
static __always_inline size_t find_next(const unsigned long *map, size_t size, size_t start,
					unsigned long invert)
{
	size_t i = start / BITS_PER_LONG, words = BITS_TO_LONGS(size), bit;
	unsigned long w;

	if (start >= size)
		return size;
	w = (map[i] ^ invert) & from_bit(start);
	while (!w) {
		if (++i == words)
			return size;
		w = map[i] ^ invert;
	}
	bit = i * BITS_PER_LONG + (unsigned int)__builtin_ctzl(w);
	return min(bit, size);
}

size_t bitmap_find_next_bit(const unsigned long *map, size_t size, size_t start)
{
	return find_next(map, size, start, 0);
}

size_t bitmap_find_next_zero(const unsigned long *map, size_t size, size_t start)
{
	return find_next(map, size, start, ~0ul);
}

size_t bitmap_find_last_bit(const unsigned long *map, size_t size)
{
	size_t i = BITS_TO_LONGS(size);
	unsigned long mask = tail_mask(size);

	while (i--) {
		unsigned long w = map[i] & mask;

		if (w)
			return i * BITS_PER_LONG + BITS_PER_LONG - 1 -
			       (unsigned int)__builtin_clzl(w);
		mask = ~0ul;
	}
	return size;
}

size_t bitmap_find_zero_area(const unsigned long *map, size_t size, size_t start, size_t n,
			     size_t align)
{
	size_t at = start, used;

	for (;;) {
		at = bitmap_find_next_zero(map, size, at);
		at = ALIGN_UP(at, align);
		if (at >= size || n > size - at)
			return size;
		used = bitmap_find_next_bit(map, at + n, at);
		if (used >= at + n)
			return at;
		at = used + 1;
	}
}

void bitmap_set_range(unsigned long *map, size_t start, size_t n)
{
	size_t i = start / BITS_PER_LONG, last;

	if (!n)
		return;
	last = (start + n - 1) / BITS_PER_LONG;
	if (i == last) {
		map[i] |= from_bit(start) & tail_mask(start + n);
		return;
	}
	map[i] |= from_bit(start);
	while (++i < last)
		map[i] = ~0ul;
	map[last] |= tail_mask(start + n);
}

void bitmap_clear_range(unsigned long *map, size_t start, size_t n)
{
	size_t i = start / BITS_PER_LONG, last;

	if (!n)
		return;
	last = (start + n - 1) / BITS_PER_LONG;
	if (i == last) {
		map[i] &= ~(from_bit(start) & tail_mask(start + n));
		return;
	}
	map[i] &= ~from_bit(start);
	while (++i < last)
		map[i] = 0;
	map[last] &= ~tail_mask(start + n);
}

void bitmap_fill(unsigned long *map, size_t size)
{
	if (!size)
		return;
	memset(map, 0xff, BITMAP_BYTES(size));
	map[BITS_TO_LONGS(size) - 1] = tail_mask(size);
}

void bitmap_zero(unsigned long *map, size_t size)
{
	memset(map, 0, BITMAP_BYTES(size));
}

/* Bits set in a word, without the POPCNT instruction (which not every CPU has). */
static inline unsigned int weight(unsigned long w)
{
	w -= (w >> 1) & 0x5555555555555555ul;
	w = (w & 0x3333333333333333ul) + ((w >> 2) & 0x3333333333333333ul);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0ful;
	return (unsigned int)((w * 0x0101010101010101ul) >> 56);
}

size_t bitmap_weight(const unsigned long *map, size_t size)
{
	size_t words = BITS_TO_LONGS(size), n = 0;

	if (!size)
		return 0;
	for (size_t i = 0; i < words - 1; i++)
		n += weight(map[i]);
	return n + weight(map[words - 1] & tail_mask(size));
}

void bitmap_and(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t size)
{
	for (size_t i = 0; i < BITS_TO_LONGS(size); i++)
		dst[i] = a[i] & b[i];
}

void bitmap_or(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t size)
{
	for (size_t i = 0; i < BITS_TO_LONGS(size); i++)
		dst[i] = a[i] | b[i];
}

void bitmap_andnot(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t size)
{
	for (size_t i = 0; i < BITS_TO_LONGS(size); i++)
		dst[i] = a[i] & ~b[i];
}

void bitmap_copy(unsigned long *dst, const unsigned long *src, size_t size)
{
	memcpy(dst, src, BITMAP_BYTES(size));
}

bool bitmap_equal(const unsigned long *a, const unsigned long *b, size_t size)
{
	size_t words = BITS_TO_LONGS(size);

	for (size_t i = 0; i < words; i++) {
		unsigned long mask = i == words - 1 ? tail_mask(size) : ~0ul;

		if ((a[i] ^ b[i]) & mask)
			return false;
	}
	return true;
}

bool bitmap_intersects(const unsigned long *a, const unsigned long *b, size_t size)
{
	size_t words = BITS_TO_LONGS(size);

	for (size_t i = 0; i < words; i++) {
		unsigned long mask = i == words - 1 ? tail_mask(size) : ~0ul;

		if (a[i] & b[i] & mask)
			return true;
	}
	return false;
}

size_t bitmap_print_list(char *buf, size_t size, const unsigned long *map, size_t bits)
{
	struct strbuf sb;
	size_t first = bitmap_find_first_bit(map, bits), end;

	sb_init(&sb, buf, size);
	while (first < bits) {
		end = bitmap_find_next_zero(map, bits, first);
		if (sb.len)
			sb_putc(&sb, ',');
		sb_put_u64(&sb, first);
		if (end - first > 1) {
			sb_putc(&sb, '-');
			sb_put_u64(&sb, end - 1);
		}
		first = bitmap_find_next_bit(map, bits, end);
	}
	return sb.len;
}

size_t bitmap_print_hex(char *buf, size_t size, const unsigned long *map, size_t bits)
{
	size_t words = (bits + 31) / 32;
	struct strbuf sb;

	sb_init(&sb, buf, size);
	for (size_t i = words; i--;) {
		u32 w = (u32)(map[i / 2] >> (i % 2 * 32));
		unsigned int digits = 8;

		if (i == words - 1) { /* only the digits that this many bits need */
			digits = (unsigned int)((bits - 1) % 32) / 4 + 1;
			w &= (u32)(tail_mask(bits) >> (i % 2 * 32));
		}
		sb_printf(&sb, "%s%0*x", sb.len ? "," : "", (int)digits, w);
	}
	return sb.len;
}

static int parse_number(const char **s, size_t *out)
{
	size_t v = 0;

	if (!ascii_isdigit(**s))
		return -EINVAL;
	for (; ascii_isdigit(**s); ++*s)
		if (v < (size_t)1 << 40)
			v = v * 10 + (size_t)(**s - '0');
	*out = v;
	return 0;
}

int bitmap_parse_list(const char *s, unsigned long *map, size_t bits)
{
	size_t first, last;

	bitmap_zero(map, bits);
	while (*s && *s != '\n') {
		if (parse_number(&s, &first))
			return -EINVAL;
		last = first;
		if (*s == '-') {
			s++;
			if (parse_number(&s, &last) || last < first)
				return -EINVAL;
		}
		if (last >= bits)
			return -ERANGE;
		bitmap_set_range(map, first, last - first + 1);
		if (*s == ',')
			s++;
		else if (*s && *s != '\n')
			return -EINVAL;
	}
	return 0;
}
