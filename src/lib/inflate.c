/* SPDX-License-Identifier: MIT */
/*
 * Decompression of deflate data (RFC 1951) and of its gzip wrapping (RFC 1952).
 *
 * Input: a 64-bit buffer filled eight bytes at a time. Behind the end of the input it is filled
 * with zero bits, which are counted in `fake`: the decoder may look at them but when it has used
 * one up the input was too short. So no read of bits needs a check of its own.
 *
 * Codes: a table by the next bits gives the entry of a short code at once; a long code (rare) is
 * found by its place in the canonical order. An entry holds the code length, what the symbol stands
 * for and how many extra bits follow. Sets of code lengths that are over-full or incomplete are
 * refused as zlib does (a lone one-bit code is allowed).
 *
 * Output: collects in a window behind the last 32 KiB of history; when 32 KiB are new they go to
 * the callback and the history moves to the front. `total` bounds how far back a match may reach,
 * so history that was never written is never read.
 */
#include <kernel/compiler.h>
#include <kernel/crc.h>
#include <kernel/errno.h>
#include <kernel/inflate.h>
#include <kernel/string.h>

#ifdef KEELSON_HOST
#include <stdlib.h>

static void *work_alloc(size_t size)
{
	return malloc(size);
}

static void work_free(void *p)
{
	free(p);
}
#else
#include <kernel/slab.h>

static void *work_alloc(size_t size)
{
	return kvmalloc(size, GFP_KERNEL);
}

static void work_free(void *p)
{
	kvfree(p);
}
#endif

#define WINDOW	     32768u
#define MAX_MATCH    258u
#define MAX_BITS     15u /* longest code */
#define LITERALS     288u
#define DISTANCES    32u
#define LIT_BITS     10u /* index width of the tables */
#define DIST_BITS    8u
#define END_OF_BLOCK 256u

/* Entry: bits 0-3 code length (0: a longer code, look slowly), 4-7 extra bits, 8-9 kind, 16-31
 * value. */
enum kind { LITERAL, BASE, END, INVALID };

#define ENTRY(kind, value, extra) ((u32)(value) << 16 | (u32)(kind) << 8 | (u32)(extra) << 4)
#define ENTRY_LEN(e)		  ((e)&15)
#define ENTRY_EXTRA(e)		  ((e) >> 4 & 15)
#define ENTRY_KIND(e)		  ((e) >> 8 & 3)
#define ENTRY_VALUE(e)		  ((e) >> 16)
/* Short code of a literal: kind 0 and a length. */
#define IS_LITERAL(e) (!((e)&0x300) && ENTRY_LEN(e))

/* For codes longer than the table's index: symbols in canonical order and how many have each
 * length. */
struct code {
	u16 count[MAX_BITS + 1];
	u16 sorted[LITERALS];
};

struct inflate {
	const u8 *in, *end;
	u64 bits; /* next input bit is bit 0 */
	unsigned int nbits;
	unsigned int fake; /* of nbits, how many are behind the end of the input */
	inflate_out_fn out;
	void *ctx;
	u32 crc;
	bool want_crc;
	u64 total;	    /* bytes put out before window[start] */
	unsigned int start; /* window[start..pos) is new */
	unsigned int pos;
	struct code lit, dist;
	u32 lit_table[1 << LIT_BITS];
	u32 dist_table[1 << DIST_BITS];
	u8 lengths[LITERALS + DISTANCES];
	u8 window[2 * WINDOW + MAX_MATCH + 16];
};

/* ---- bits ---- */

static inline u64 load8(const u8 *p)
{
	u64 v;

	memcpy(&v, p, 8);
	return v;
}

static noinline void refill_slow(struct inflate *s)
{
	s->bits &= (1ull << s->nbits) - 1;
	while (s->nbits <= 55) {
		if (s->in < s->end)
			s->bits |= (u64)*s->in++ << s->nbits;
		else
			s->fake += 8;
		s->nbits += 8;
	}
}

/* At least 56 bits afterwards. */
static __always_inline void refill(struct inflate *s)
{
	if (likely(s->end - s->in >= 8)) {
		/* bits above nbits are those of the next bytes already: setting them again is
		 * harmless */
		s->bits |= load8(s->in) << s->nbits;
		s->in += (63 - s->nbits) >> 3;
		s->nbits |= 56;
	} else if (s->nbits <= 55) {
		refill_slow(s);
	}
}

static __always_inline void drop(struct inflate *s, unsigned int n)
{
	s->bits >>= n;
	s->nbits -= n;
}

/* n <= 16; after a refill 48 bits may be taken. */
static __always_inline u32 take(struct inflate *s, unsigned int n)
{
	u32 v = (u32)s->bits & ((1u << n) - 1);

	drop(s, n);
	return v;
}

static inline bool ran_out(const struct inflate *s)
{
	return s->nbits < s->fake;
}

static int malformed(const struct inflate *s)
{
	return ran_out(s) ? -ENODATA : -EINVAL;
}

/* Give whole unused bytes back; the position is then s->in. */
static int to_byte_boundary(struct inflate *s)
{
	drop(s, s->nbits & 7);
	if (ran_out(s))
		return -ENODATA;
	s->in -= (s->nbits - s->fake) / 8;
	s->bits = 0;
	s->nbits = 0;
	s->fake = 0;
	return 0;
}

/* ---- codes ---- */

static u32 reverse(u32 v, unsigned int n)
{
	u32 r = 0;

	for (; n; n--, v >>= 1)
		r = r << 1 | (v & 1);
	return r;
}

static u32 lit_entry(unsigned int sym)
{
	static const u16 base[29] = { 3,  4,  5,  6,   7,   8,	 9,   10,  11, 13,
				      15, 17, 19, 23,  27,  31,	 35,  43,  51, 59,
				      67, 83, 99, 115, 131, 163, 195, 227, 258 };
	unsigned int n = sym - END_OF_BLOCK - 1;

	if (sym < END_OF_BLOCK)
		return ENTRY(LITERAL, sym, 0);
	if (sym == END_OF_BLOCK)
		return ENTRY(END, 0, 0);
	if (n >= ARRAY_SIZE(base))
		return ENTRY(INVALID, 0, 0);
	return ENTRY(BASE, base[n], n < 8 || n == 28 ? 0 : n / 4 - 1);
}

static u32 dist_entry(unsigned int sym)
{
	unsigned int extra = sym < 2 ? 0 : sym / 2 - 1;

	if (sym >= 30)
		return ENTRY(INVALID, 0, 0);
	return ENTRY(BASE, sym < 2 ? sym + 1 : ((2 + (sym & 1)) << extra) + 1, extra);
}

static u32 plain_entry(unsigned int sym)
{
	return ENTRY(BASE, sym, 0);
}

/* Count the lengths and refuse impossible sets. strict: incomplete is refused in every case. */
static int count_lengths(struct code *c, const u8 *lengths, unsigned int n, bool strict)
{
	unsigned int longest = 0;
	int left = 1;

	memset(c->count, 0, sizeof(c->count));
	for (unsigned int i = 0; i < n; i++)
		c->count[lengths[i]]++;
	c->count[0] = 0;
	for (unsigned int len = 1; len <= MAX_BITS; len++) {
		left = left * 2 - c->count[len];
		if (left < 0)
			return -EINVAL;
		if (c->count[len])
			longest = len;
	}
	if (left > 0 && longest && (strict || longest != 1))
		return -EINVAL;
	return 0;
}

static void fill_table(u32 *table, unsigned int index_bits, u32 code, unsigned int len, u32 entry)
{
	u32 first = reverse(code, len);

	if (len > index_bits) {
		table[first & ((1u << index_bits) - 1)] = 0;
		return;
	}
	for (u32 i = first; i < 1u << index_bits; i += 1u << len)
		table[i] = entry | len;
}

static int build(struct code *c, u32 *table, unsigned int index_bits, const u8 *lengths,
		 unsigned int n, u32 (*entry)(unsigned int sym), bool strict)
{
	u32 next[MAX_BITS + 2], place[MAX_BITS + 2];
	int rc = count_lengths(c, lengths, n, strict);

	if (rc)
		return rc;
	next[1] = 0;
	place[1] = 0;
	for (unsigned int len = 1; len <= MAX_BITS; len++) {
		next[len + 1] = (next[len] + c->count[len]) << 1;
		place[len + 1] = place[len] + c->count[len];
	}
	/* codes that no symbol has */
	for (u32 i = 0; i < 1u << index_bits; i++)
		table[i] = ENTRY(INVALID, 0, 0) | 1;
	for (unsigned int sym = 0; sym < n; sym++) {
		unsigned int len = lengths[sym];

		if (!len)
			continue;
		c->sorted[place[len]++] = (u16)sym;
		fill_table(table, index_bits, next[len]++, len, entry(sym));
	}
	return 0;
}

/* The entry of a code of any length; codes of one length are consecutive numbers. */
static noinline u32 find_slow(const struct code *c, u64 bits, u32 (*entry)(unsigned int sym))
{
	u32 code = 0, first = 0, place = 0;

	for (unsigned int len = 1; len <= MAX_BITS; len++, bits >>= 1) {
		code = code << 1 | (u32)(bits & 1);
		first <<= 1;
		if (code - first < c->count[len])
			return entry(c->sorted[place + code - first]) | len;
		place += c->count[len];
		first += c->count[len];
	}
	return ENTRY(INVALID, 0, 0) | 1;
}

static __always_inline u32 look(const u32 *table, unsigned int index_bits, u64 bits)
{
	return table[bits & ((1u << index_bits) - 1)];
}

/* ---- output ---- */

/* Hand over what is new and keep the last 32 KiB as history at the front. */
static int flush(struct inflate *s)
{
	unsigned int n = s->pos - s->start;
	int rc;

	if (n) {
		if (s->want_crc)
			s->crc = crc32(s->crc, s->window + s->start, n);
		rc = s->out(s->ctx, s->window + s->start, n);
		if (rc)
			return rc;
	}
	s->total += n;
	if (s->pos > WINDOW)
		memmove(s->window, s->window + s->pos - WINDOW, WINDOW);
	s->pos = WINDOW;
	s->start = WINDOW;
	return 0;
}

static __always_inline void copy_match(u8 *to, unsigned int dist, unsigned int len)
{
	const u8 *from = to - dist;
	u8 *stop = to + len;

	if (dist >= 8) { /* may write up to 7 bytes too many: the window has room */
		do {
			memcpy(to, from, 8);
			to += 8;
			from += 8;
		} while (to < stop);
	} else if (dist == 1) {
		memset(to, *from, len);
	} else {
		do
			*to++ = *from++;
		while (to < stop);
	}
}

/* ---- blocks ---- */

/* Length from e and distance from the input, at least 48 bits being there. */
static __always_inline int match(struct inflate *s, u32 e)
{
	unsigned int len, dist;

	len = ENTRY_VALUE(e) + take(s, ENTRY_EXTRA(e));
	e = look(s->dist_table, DIST_BITS, s->bits);
	if (unlikely(!ENTRY_LEN(e)))
		e = find_slow(&s->dist, s->bits, dist_entry);
	drop(s, ENTRY_LEN(e));
	if (unlikely(ENTRY_KIND(e) != BASE))
		return malformed(s);
	dist = ENTRY_VALUE(e) + take(s, ENTRY_EXTRA(e));
	if (unlikely(dist > WINDOW || dist > s->total + (s->pos - s->start)))
		return malformed(s);
	copy_match(s->window + s->pos, dist, len);
	s->pos += len;
	return 0;
}

static __always_inline void put_literal(struct inflate *s, u32 e)
{
	s->window[s->pos++] = (u8)ENTRY_VALUE(e);
	drop(s, ENTRY_LEN(e));
}

/* Symbols up to the end of the block. A round puts out at most three literals and one match. */
static int coded_block(struct inflate *s)
{
	u32 e;
	int rc;

	for (;;) {
		if (s->pos >= 2 * WINDOW) {
			rc = flush(s);
			if (rc)
				return rc;
		}
		refill(s);
		e = look(s->lit_table, LIT_BITS, s->bits);
		if (IS_LITERAL(e)) {
			put_literal(s, e);
			e = look(s->lit_table, LIT_BITS, s->bits);
			if (IS_LITERAL(e)) {
				put_literal(s, e);
				e = look(s->lit_table, LIT_BITS, s->bits);
				if (IS_LITERAL(e)) {
					put_literal(s, e);
					if (unlikely(ran_out(s)))
						return -ENODATA;
					continue;
				}
			}
			refill(s);
		}
		if (!ENTRY_LEN(e))
			e = find_slow(&s->lit, s->bits, lit_entry);
		if (ENTRY_KIND(e) == LITERAL) {
			put_literal(s, e);
		} else {
			drop(s, ENTRY_LEN(e));
			if (ENTRY_KIND(e) == END)
				return ran_out(s) ? -ENODATA : 0;
			if (ENTRY_KIND(e) == INVALID)
				return malformed(s);
			rc = match(s, e);
			if (rc)
				return rc;
		}
		if (unlikely(ran_out(s)))
			return -ENODATA;
	}
}

static int stored_block(struct inflate *s)
{
	unsigned int len, check;
	int rc = to_byte_boundary(s);

	if (rc)
		return rc;
	if (s->end - s->in < 4)
		return -ENODATA;
	len = s->in[0] | (unsigned int)s->in[1] << 8;
	check = s->in[2] | (unsigned int)s->in[3] << 8;
	if (len != (check ^ 0xffff))
		return -EINVAL;
	s->in += 4;
	while (len) {
		unsigned int n = 2 * WINDOW > s->pos ? min(len, 2 * WINDOW - s->pos) : 0;

		if (!n) {
			rc = flush(s);
			if (rc)
				return rc;
			continue;
		}
		n = (unsigned int)min((size_t)n, (size_t)(s->end - s->in));
		if (!n)
			return -ENODATA;
		memcpy(s->window + s->pos, s->in, n);
		s->in += n;
		s->pos += n;
		len -= n;
	}
	return 0;
}

static int set_codes(struct inflate *s, unsigned int n_lit, unsigned int n_dist)
{
	int rc = build(&s->lit, s->lit_table, LIT_BITS, s->lengths, n_lit, lit_entry, false);

	if (rc)
		return rc;
	return build(&s->dist, s->dist_table, DIST_BITS, s->lengths + n_lit, n_dist, dist_entry,
		     false);
}

static int fixed_block(struct inflate *s)
{
	int rc;

	for (unsigned int i = 0; i < LITERALS; i++)
		s->lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	for (unsigned int i = 0; i < DISTANCES; i++)
		s->lengths[LITERALS + i] = 5;
	rc = set_codes(s, LITERALS, DISTANCES);
	return rc ? rc : coded_block(s);
}

/* The code that the code lengths are written in; s->lit serves for it, too. */
static int read_length_code(struct inflate *s, unsigned int n)
{
	static const u8 order[19] = { 16, 17, 18, 0, 8,	 7, 9,	6, 10, 5,
				      11, 4,  12, 3, 13, 2, 14, 1, 15 };
	u8 lengths[19] = { 0 };

	for (unsigned int i = 0; i < n; i++) {
		refill(s);
		lengths[order[i]] = (u8)take(s, 3);
	}
	if (ran_out(s))
		return -ENODATA;
	return build(&s->lit, s->lit_table, 7, lengths, 19, plain_entry, true);
}

/* n code lengths, run-length coded. */
static int read_lengths(struct inflate *s, unsigned int n)
{
	unsigned int i = 0;

	while (i < n) {
		unsigned int sym, run;
		u8 value = 0;
		u32 e;

		refill(s);
		e = look(s->lit_table, 7, s->bits);
		drop(s, ENTRY_LEN(e));
		if (ENTRY_KIND(e) == INVALID || ran_out(s))
			return malformed(s);
		sym = ENTRY_VALUE(e);
		if (sym < 16) {
			s->lengths[i++] = (u8)sym;
			continue;
		}
		if (sym == 16) {
			if (!i)
				return malformed(s);
			value = s->lengths[i - 1];
			run = 3 + take(s, 2);
		} else {
			run = sym == 17 ? 3 + take(s, 3) : 11 + take(s, 7);
		}
		if (ran_out(s) || run > n - i)
			return malformed(s);
		memset(s->lengths + i, value, run);
		i += run;
	}
	return 0;
}

static int dynamic_block(struct inflate *s)
{
	unsigned int n_lit, n_dist, n_len;
	int rc;

	refill(s);
	n_lit = 257 + take(s, 5);
	n_dist = 1 + take(s, 5);
	n_len = 4 + take(s, 4);
	if (n_lit > 286 || n_dist > 30)
		return malformed(s);
	rc = read_length_code(s, n_len);
	if (rc)
		return rc;
	rc = read_lengths(s, n_lit + n_dist);
	if (rc)
		return rc;
	if (!s->lengths[END_OF_BLOCK])
		return -EINVAL;
	rc = set_codes(s, n_lit, n_dist);
	return rc ? rc : coded_block(s);
}

/* The whole stream from s->in on; leaves s->in behind its last byte. */
static int inflate_blocks(struct inflate *s)
{
	unsigned int last, type;
	int rc;

	do {
		refill(s);
		last = take(s, 1);
		type = take(s, 2);
		if (ran_out(s))
			return -ENODATA;
		if (type == 0)
			rc = stored_block(s);
		else if (type == 1)
			rc = fixed_block(s);
		else if (type == 2)
			rc = dynamic_block(s);
		else
			rc = -EINVAL;
		if (rc)
			return rc;
	} while (!last);
	rc = to_byte_boundary(s);
	return rc ? rc : flush(s);
}

static void inflate_begin(struct inflate *s, const u8 *in, const u8 *end, inflate_out_fn out,
			  void *ctx, bool want_crc)
{
	s->in = in;
	s->end = end;
	s->bits = 0;
	s->nbits = 0;
	s->fake = 0;
	s->out = out;
	s->ctx = ctx;
	s->crc = 0;
	s->want_crc = want_crc;
	s->total = 0;
	s->start = WINDOW;
	s->pos = WINDOW;
}

/* ---- gzip ---- */

enum { GZ_HCRC = 2, GZ_EXTRA = 4, GZ_NAME = 8, GZ_COMMENT = 16, GZ_RESERVED = 0xe0 };
#define GZ_HEADER  10
#define GZ_TRAILER 8

bool is_gzip(const void *in, size_t len)
{
	const u8 *p = in;

	return len >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8;
}

/* Behind the NUL of the text at p, or NULL. */
static const u8 *skip_text(const u8 *p, const u8 *end)
{
	const u8 *nul = memchr(p, 0, (size_t)(end - p));

	return nul ? nul + 1 : NULL;
}

static int gzip_header(const u8 *in, const u8 *end, const u8 **body)
{
	const u8 *p = in + GZ_HEADER;
	u8 flags;

	if (!is_gzip(in, (size_t)(end - in)))
		return end - in < 3 ? -ENODATA : -EINVAL;
	if (end - in < GZ_HEADER)
		return -ENODATA;
	flags = in[3];
	if (flags & GZ_RESERVED)
		return -EINVAL;
	if (flags & GZ_EXTRA) {
		size_t n;

		if (end - p < 2)
			return -ENODATA;
		n = p[0] | (size_t)p[1] << 8;
		p += 2;
		if ((size_t)(end - p) < n)
			return -ENODATA;
		p += n;
	}
	if (flags & GZ_NAME)
		p = skip_text(p, end);
	if (p && (flags & GZ_COMMENT))
		p = skip_text(p, end);
	if (!p)
		return -ENODATA;
	if (flags & GZ_HCRC) {
		if (end - p < 2)
			return -ENODATA;
		if ((crc32(0, in, (size_t)(p - in)) & 0xffff) != (p[0] | (u32)p[1] << 8))
			return -EBADMSG;
		p += 2;
	}
	*body = p;
	return 0;
}

static int gzip_trailer(struct inflate *s)
{
	u32 crc, size;

	if (s->end - s->in < GZ_TRAILER)
		return -ENODATA;
	memcpy(&crc, s->in, 4);
	memcpy(&size, s->in + 4, 4);
	s->in += GZ_TRAILER;
	return crc == s->crc && size == (u32)s->total ? 0 : -EBADMSG;
}

static int run(const u8 *in, const u8 *end, bool gzip, inflate_out_fn out, void *ctx,
	       const u8 **stopped)
{
	struct inflate *s;
	int rc = 0;

	*stopped = in;
	if (gzip)
		rc = gzip_header(in, end, &in);
	if (rc)
		return rc;
	s = work_alloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	inflate_begin(s, in, end, out, ctx, gzip);
	rc = inflate_blocks(s);
	if (!rc && gzip)
		rc = gzip_trailer(s);
	*stopped = s->in;
	work_free(s);
	return rc;
}

int gunzip(const void *in, size_t len, inflate_out_fn out, void *ctx, size_t *consumed)
{
	const u8 *stopped;
	int rc = run(in, (const u8 *)in + len, true, out, ctx, &stopped);

	if (consumed)
		*consumed = (size_t)(stopped - (const u8 *)in);
	return rc;
}

int inflate_raw(const void *in, size_t len, inflate_out_fn out, void *ctx, size_t *consumed)
{
	const u8 *stopped;
	int rc = run(in, (const u8 *)in + len, false, out, ctx, &stopped);

	if (consumed)
		*consumed = (size_t)(stopped - (const u8 *)in);
	return rc;
}
