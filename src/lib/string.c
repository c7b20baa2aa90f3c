/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions.
 *
 * Copying: up to 64 bytes by a few 8-byte moves that may overlap each other in the middle, all
 * loads before all stores (so the same code serves memmove); above that rep movsq and one
 * overlapping 8-byte tail. rep movsb is avoided on purpose: an emulated CPU does one step per BYTE
 * there. The direction flag is never set: a backward memmove is a loop, so an interrupt can never
 * find DF set by us. String searches read aligned words; such a word may reach past the NUL but
 * never into another page. Context: any, interrupts included. No locks, no state.
 */
#include <kernel/compiler.h>
#include <kernel/ctype.h>
#include <kernel/errno.h>
#include <kernel/string.h>

typedef u64 u64_raw __attribute__((may_alias, aligned(1)));
typedef u32 u32_raw __attribute__((may_alias, aligned(1)));
typedef u16 u16_raw __attribute__((may_alias, aligned(1)));
typedef u64 u64_word __attribute__((may_alias));

#define ONES  0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

static __always_inline u64 load8(const void *p)
{
	return *(const u64_raw *)p;
}

static __always_inline void store8(void *p, u64 v)
{
	*(u64_raw *)p = v;
}

static __always_inline u32 load4(const void *p)
{
	return *(const u32_raw *)p;
}

static __always_inline void store4(void *p, u32 v)
{
	*(u32_raw *)p = v;
}

static __always_inline u16 load2(const void *p)
{
	return *(const u16_raw *)p;
}

static __always_inline void store2(void *p, u16 v)
{
	*(u16_raw *)p = v;
}

/* The high bit of each zero byte of w; bits above the lowest such byte may be wrong. */
static __always_inline u64 zero_bytes(u64 w)
{
	return (w - ONES) & ~w & HIGHS;
}

/* n <= 16 */
static __always_inline void move_tiny(u8 *d, const u8 *s, size_t n)
{
	if (n >= 8) {
		u64 a = load8(s), b = load8(s + n - 8);

		store8(d, a);
		store8(d + n - 8, b);
	} else if (n >= 4) {
		u32 a = load4(s), b = load4(s + n - 4);

		store4(d, a);
		store4(d + n - 4, b);
	} else if (n >= 2) {
		u16 a = load2(s), b = load2(s + n - 2);

		store2(d, a);
		store2(d + n - 2, b);
	} else if (n) {
		*d = *s;
	}
}

/* n <= 64; the ranges may overlap in any way. */
static __always_inline void move_small(u8 *d, const u8 *s, size_t n)
{
	u64 a, b, c, e, f, g, h, i;

	if (n <= 16) {
		move_tiny(d, s, n);
		return;
	}
	a = load8(s);
	b = load8(s + 8);
	h = load8(s + n - 16);
	i = load8(s + n - 8);
	if (n > 32) {
		c = load8(s + 16);
		e = load8(s + 24);
		f = load8(s + n - 32);
		g = load8(s + n - 24);
		store8(d + 16, c);
		store8(d + 24, e);
		store8(d + n - 32, f);
		store8(d + n - 24, g);
	}
	store8(d, a);
	store8(d + 8, b);
	store8(d + n - 16, h);
	store8(d + n - 8, i);
}

/* n >= 8, ascending: right for disjoint ranges and for d below s. */
static __always_inline void move_forward(u8 *d, const u8 *s, size_t n)
{
	u64 tail = load8(s + n - 8);
	u8 *tail_at = d + n - 8;
	size_t words = n / 8;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
	store8(tail_at, tail);
}

/* n > 32, descending: right for d above s. */
static void move_backward(u8 *d, const u8 *s, size_t n)
{
	u64 a = load8(s), b = load8(s + 8), c = load8(s + 16), e = load8(s + 24);

	for (size_t left = n; left > 32; left -= 32) {
		const u8 *from = s + left - 32;
		u8 *to = d + left - 32;
		u64 w = load8(from), x = load8(from + 8), y = load8(from + 16),
		    z = load8(from + 24);

		store8(to + 24, z);
		store8(to + 16, y);
		store8(to + 8, x);
		store8(to, w);
	}
	store8(d, a);
	store8(d + 8, b);
	store8(d + 16, c);
	store8(d + 24, e);
}

void *KSTRING(memcpy)(void *restrict dst, const void *restrict src, size_t n)
{
	if (n <= 64)
		move_small(dst, src, n);
	else
		move_forward(dst, src, n);
	return dst;
}

void *KSTRING(memmove)(void *dst, const void *src, size_t n)
{
	if (n <= 64)
		move_small(dst, src, n);
	else if ((unsigned long)dst - (unsigned long)src >= n)
		move_forward(dst, src, n);
	else
		move_backward(dst, src, n);
	return dst;
}

void *KSTRING(memset)(void *dst, int c, size_t n)
{
	u64 v = (u8)c * ONES;
	u8 *d = dst;

	if (n > 64) {
		size_t words = n / 8;

		store8(d + n - 8, v);
		__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(v) : "memory");
	} else if (n >= 8) {
		u8 *last = d + n - 8;

		for (; d < last; d += 8)
			store8(d, v);
		store8(last, v);
	} else if (n >= 4) {
		store4(d, (u32)v);
		store4(d + n - 4, (u32)v);
	} else if (n >= 2) {
		store2(d, (u16)v);
		store2(d + n - 2, (u16)v);
	} else if (n) {
		*d = (u8)v;
	}
	return dst;
}

static __always_inline int order8(u64 a, u64 b)
{
	a = __builtin_bswap64(a);
	b = __builtin_bswap64(b);
	return a < b ? -1 : a > b;
}

int KSTRING(memcmp)(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	if (n >= 8) {
		const u8 *last = p + n - 8;

		for (; p < last; p += 8, q += 8)
			if (load8(p) != load8(q))
				return order8(load8(p), load8(q));
		q -= p - last;
		return order8(load8(last), load8(q));
	}
	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

/* The word reads of the next functions are aligned and may pass the end of the object. */
#define WORD_READS __attribute__((no_sanitize("address")))

WORD_READS void *KSTRING(memchr)(const void *s, int c, size_t n)
{
	const u8 *p = s, *end = p + n;
	u64 pattern = (u8)c * ONES;

	for (; p < end && ((unsigned long)p & 7); p++)
		if (*p == (u8)c)
			return (void *)(unsigned long)p;
	while (p + 8 <= end && !zero_bytes(*(const u64_word *)p ^ pattern))
		p += 8;
	for (; p < end; p++)
		if (*p == (u8)c)
			return (void *)(unsigned long)p;
	return NULL;
}

WORD_READS size_t KSTRING(strlen)(const char *s)
{
	const u64_word *p = (const u64_word *)((unsigned long)s & ~7ul);
	unsigned int skew = (unsigned long)s & 7;
	/* Bytes before the string count as non-zero. */
	u64 zero = zero_bytes(*p | ((1ull << (skew * 8)) - 1));

	while (!zero)
		zero = zero_bytes(*++p);
	return (size_t)((const char *)p - s) + (unsigned int)__builtin_ctzll(zero) / 8;
}

size_t KSTRING(strnlen)(const char *s, size_t max)
{
	const char *end = KSTRING(memchr)(s, 0, max);

	return end ? (size_t)(end - s) : max;
}

int KSTRING(strcmp)(const char *a, const char *b)
{
	const u8 *p = (const u8 *)a, *q = (const u8 *)b;

	while (*p && *p == *q) {
		p++;
		q++;
	}
	return *p - *q;
}

int KSTRING(strncmp)(const char *a, const char *b, size_t n)
{
	const u8 *p = (const u8 *)a, *q = (const u8 *)b;

	for (; n; n--, p++, q++)
		if (!*p || *p != *q)
			return *p - *q;
	return 0;
}

int KSTRING(strcasecmp)(const char *a, const char *b)
{
	return KSTRING(strncasecmp)(a, b, ~(size_t)0);
}

int KSTRING(strncasecmp)(const char *a, const char *b, size_t n)
{
	const u8 *p = (const u8 *)a, *q = (const u8 *)b;

	for (; n; n--, p++, q++) {
		int diff = ascii_tolower(*p) - ascii_tolower(*q);

		if (diff || !*p)
			return diff;
	}
	return 0;
}

char *KSTRING(strchrnul)(const char *s, int c)
{
	while (*s && *s != (char)c)
		s++;
	return (char *)(unsigned long)s;
}

char *KSTRING(strchr)(const char *s, int c)
{
	char *p = KSTRING(strchrnul)(s, c);

	return *p == (char)c ? p : NULL;
}

char *KSTRING(strrchr)(const char *s, int c)
{
	const char *last = NULL;

	do {
		if (*s == (char)c)
			last = s;
	} while (*s++);
	return (char *)(unsigned long)last;
}

char *KSTRING(strstr)(const char *s, const char *find)
{
	size_t n = KSTRING(strlen)(find);

	if (!n)
		return (char *)(unsigned long)s;
	while ((s = KSTRING(strchr)(s, *find)) != NULL) {
		if (!KSTRING(strncmp)(s, find, n))
			return (char *)(unsigned long)s;
		s++;
	}
	return NULL;
}

static bool one_of(char c, const char *set)
{
	for (; *set; set++)
		if (*set == c)
			return true;
	return false;
}

size_t KSTRING(strspn)(const char *s, const char *accept)
{
	const char *p = s;

	while (*p && one_of(*p, accept))
		p++;
	return (size_t)(p - s);
}

size_t KSTRING(strcspn)(const char *s, const char *reject)
{
	const char *p = s;

	while (*p && !one_of(*p, reject))
		p++;
	return (size_t)(p - s);
}

char *KSTRING(strsep)(char **s, const char *delims)
{
	char *begin = *s, *end;

	if (!begin)
		return NULL;
	end = begin + KSTRING(strcspn)(begin, delims);
	if (*end) {
		*end = '\0';
		*s = end + 1;
	} else {
		*s = NULL;
	}
	return begin;
}

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t len;

	if (!size)
		return -E2BIG;
	len = KSTRING(strnlen)(src, size);
	if (len < size) {
		KSTRING(memcpy)(dst, src, len + 1);
		return (ssize_t)len;
	}
	KSTRING(memcpy)(dst, src, size - 1);
	dst[size - 1] = '\0';
	return -E2BIG;
}

void *memchr_inv(const void *s, int c, size_t n)
{
	const u8 *p = s, *end = p + n;
	u64 pattern = (u8)c * ONES;

	while (end - p >= 8 && load8(p) == pattern)
		p += 8;
	for (; p < end; p++)
		if (*p != (u8)c)
			return (void *)(unsigned long)p;
	return NULL;
}

void memzero_explicit(void *s, size_t n)
{
	KSTRING(memset)(s, 0, n);
	__asm__ volatile("" : : "r"(s) : "memory");
}

bool memeq_ct(const void *a, const void *b, size_t n)
{
	const volatile u8 *p = a, *q = b;
	u8 diff = 0;

	for (; n; n--)
		diff |= *p++ ^ *q++;
	return !diff;
}

size_t str_has_prefix(const char *s, const char *prefix)
{
	size_t n = KSTRING(strlen)(prefix);

	return KSTRING(strncmp)(s, prefix, n) ? 0 : n;
}

char *strstrip(char *s)
{
	char *end;

	while (ascii_isspace(*s))
		s++;
	end = s + KSTRING(strlen)(s);
	while (end > s && ascii_isspace(end[-1]))
		end--;
	*end = '\0';
	return s;
}
