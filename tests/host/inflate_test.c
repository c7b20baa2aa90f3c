/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/inflate.c src/lib/crc.c */
/*
 * The decoder against an encoder of our own that makes random choices everywhere the format allows
 * one: block types, tokens, code lengths (complete codes of any shape up to 15 bits), run-length
 * forms. So every legal construct turns up, not only what one compressor likes. Vectors from
 * another implementation guard against a shared misreading.
 */
#include <kernel/crc.h>
#include <kernel/errno.h>
#include <kernel/inflate.h>
#include "test.h"

static const u8 text_default[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9,
	0x57, 0xc8, 0x40, 0x27, 0x75, 0x14, 0x52, 0x52, 0xd3, 0x72, 0x12, 0x4b, 0x52, 0x31, 0x68,
	0x43, 0x23, 0x63, 0x13, 0x53, 0x2e, 0x00, 0x14, 0xd0, 0x91, 0x23, 0x37, 0x00, 0x00, 0x00,
};

static const u8 text_fixed[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9,
	0x57, 0xc8, 0x40, 0x27, 0x75, 0x14, 0x52, 0x52, 0xd3, 0x72, 0x12, 0x4b, 0x52, 0x31, 0x68,
	0x43, 0x23, 0x63, 0x13, 0x53, 0x2e, 0x00, 0x14, 0xd0, 0x91, 0x23, 0x37, 0x00, 0x00, 0x00,
};

static const u8 text_stored[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x03, 0x01, 0x37, 0x00,
	0xc8, 0xff, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
	0x20, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x2c,
	0x20, 0x64, 0x65, 0x66, 0x6c, 0x61, 0x74, 0x65, 0x20, 0x64, 0x65, 0x66, 0x6c,
	0x61, 0x74, 0x65, 0x20, 0x64, 0x65, 0x66, 0x6c, 0x61, 0x74, 0x65, 0x20, 0x31,
	0x32, 0x33, 0x34, 0x35, 0x0a, 0x14, 0xd0, 0x91, 0x23, 0x37, 0x00, 0x00, 0x00,
};

static const char text[] = "hello hello hello hello, deflate deflate deflate 12345\n";

/* ---- output side ---- */

#define PLAIN_MAX (1u << 20)

struct sink {
	u8 *data;
	size_t n, limit;
	int fail_after; /* calls until -EIO; -1: never */
	size_t largest;
};

static u8 *sink_area;

static void sink_init(struct sink *s)
{
	if (!sink_area)
		sink_area = malloc(PLAIN_MAX);
	*s = (struct sink){ .data = sink_area, .limit = PLAIN_MAX, .fail_after = -1 };
}

static int sink_out(void *ctx, const void *data, size_t n)
{
	struct sink *s = ctx;

	CHECK(n > 0);
	if (n > s->largest)
		s->largest = n;
	if (!s->fail_after)
		return -EIO;
	s->fail_after--;
	if (n > s->limit - s->n)
		return -EFBIG;
	memcpy(s->data + s->n, data, n);
	s->n += n;
	return 0;
}

/* ---- bit writer ---- */

struct writer {
	u8 *data;
	size_t n, room;
	u64 bits;
	unsigned int nbits;
};

static void put_byte(struct writer *w, u8 b)
{
	if (w->n == w->room) {
		w->room = w->room * 2 + 1024;
		w->data = realloc(w->data, w->room);
	}
	w->data[w->n++] = b;
}

static void put_bits(struct writer *w, u32 v, unsigned int n)
{
	w->bits |= (u64)v << w->nbits;
	for (w->nbits += n; w->nbits >= 8; w->nbits -= 8, w->bits >>= 8)
		put_byte(w, (u8)w->bits);
}

static void align(struct writer *w)
{
	if (w->nbits)
		put_bits(w, (u32)(test_rand() & 0x7f) & ((1u << (8 - w->nbits)) - 1), 8 - w->nbits);
}

/* ---- random codes ---- */

struct enc {
	u8 len[320];
	u16 code[320];
};

static void canonical(struct enc *e, unsigned int n)
{
	unsigned int code = 0;

	for (unsigned int len = 1; len <= 15; len++, code <<= 1)
		for (unsigned int s = 0; s < n; s++)
			if (e->len[s] == len)
				e->code[s] = (u16)code++;
}

/* A complete code of any shape for the symbols in used[]; a lone symbol gets one bit. */
static void random_code(struct enc *e, const bool *used, unsigned int n, unsigned int max_len)
{
	u8 leaves[320] = { 0 };
	unsigned int want = 0, have = 1;

	memset(e, 0, sizeof(*e));
	for (unsigned int s = 0; s < n; s++)
		want += used[s];
	while (have < want) {
		unsigned int i = (unsigned int)test_below(have);

		if (test_below(3) == 0) /* prefer the last: long codes */
			i = have - 1;
		if (leaves[i] == max_len)
			continue;
		leaves[have++] = ++leaves[i];
	}
	if (want == 1)
		leaves[0] = 1;
	for (unsigned int i = have; i > 1; i--) {
		unsigned int j = (unsigned int)test_below(i);
		u8 t = leaves[i - 1];

		leaves[i - 1] = leaves[j];
		leaves[j] = t;
	}
	for (unsigned int s = 0, i = 0; s < n; s++)
		if (used[s])
			e->len[s] = leaves[i++];
	canonical(e, n);
}

static void put_code(struct writer *w, const struct enc *e, unsigned int sym)
{
	for (unsigned int i = e->len[sym]; i--;)
		put_bits(w, e->code[sym] >> i & 1, 1);
}

/* ---- tokens ---- */

struct token {
	u16 len;  /* 0: literal */
	u16 dist; /* or the literal's value; dist is 1..32768 */
};

#define TOKENS 4000

static const u16 len_base[29] = { 3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,	 17,  19,  23, 27,
				  31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258 };
static const u8 len_extra[29] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
				  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };

static unsigned int len_symbol(unsigned int len)
{
	unsigned int i = 28;

	while (len_base[i] > len)
		i--;
	return i;
}

static unsigned int dist_base(unsigned int sym, unsigned int *extra)
{
	*extra = sym < 4 ? 0 : sym / 2 - 1;
	return sym < 4 ? sym + 1 : ((2 + sym % 2) << *extra) + 1;
}

static unsigned int dist_symbol(unsigned int dist)
{
	unsigned int i = 29, extra;

	while (dist_base(i, &extra) > dist)
		i--;
	return i;
}

static void put_token(struct writer *w, const struct token *t, const struct enc *lit,
		      const struct enc *dist)
{
	unsigned int ls, ds, extra, base;

	if (!t->len) {
		put_code(w, lit, t->dist);
		return;
	}
	ls = len_symbol(t->len);
	put_code(w, lit, 257 + ls);
	put_bits(w, t->len - len_base[ls], len_extra[ls]);
	ds = dist_symbol(t->dist);
	base = dist_base(ds, &extra);
	put_code(w, dist, ds);
	put_bits(w, t->dist - base, extra);
}

/* ---- blocks ---- */

static void fixed_code(struct enc *lit, struct enc *dist)
{
	memset(lit->len, 8, 288);
	memset(lit->len + 144, 9, 112);
	memset(lit->len + 256, 7, 24);
	canonical(lit, 288);
	memset(dist->len, 5, 32);
	canonical(dist, 32);
}

/* Run-length form of n lengths: symbols and their extra bits. */
static unsigned int run_lengths(const u8 *len, unsigned int n, u8 *sym, u8 *extra)
{
	unsigned int out = 0;

	for (unsigned int i = 0; i < n;) {
		unsigned int run = 1, use;

		while (i + run < n && len[i + run] == len[i])
			run++;
		if (!len[i] && run >= 11 && test_below(4)) {
			use = 11 + (unsigned int)test_below((run < 138 ? run : 138) - 10);
			sym[out] = 18;
			extra[out++] = (u8)(use - 11);
		} else if (!len[i] && run >= 3 && test_below(4)) {
			use = 3 + (unsigned int)test_below((run < 10 ? run : 10) - 2);
			sym[out] = 17;
			extra[out++] = (u8)(use - 3);
		} else if (i && len[i] == len[i - 1] && run >= 3 && test_below(4)) {
			use = 3 + (unsigned int)test_below((run < 6 ? run : 6) - 2);
			sym[out] = 16;
			extra[out++] = (u8)(use - 3);
		} else {
			use = 1;
			sym[out] = len[i];
			extra[out++] = 0;
		}
		i += use;
	}
	return out;
}

static void put_code_lengths(struct writer *w, const struct enc *lit, const struct enc *dist)
{
	static const u8 order[19] = { 16, 17, 18, 0, 8,	 7, 9,	6, 10, 5,
				      11, 4,  12, 3, 13, 2, 14, 1, 15 };
	unsigned int n_lit = 286, n_dist = 30, n_len = 19, n;
	u8 all[320], sym[320], extra[320];
	bool used[19] = { false };
	struct enc e;

	while (n_lit > 257 && !lit->len[n_lit - 1] && test_below(8))
		n_lit--;
	while (n_dist > 1 && !dist->len[n_dist - 1] && test_below(8))
		n_dist--;
	memcpy(all, lit->len, n_lit);
	memcpy(all + n_lit, dist->len, n_dist);
	n = run_lengths(all, n_lit + n_dist, sym, extra);
	for (unsigned int i = 0; i < n; i++)
		used[sym[i]] = true;
	used[test_below(18)] = true;
	used[18] = true; /* at least two, so that the code is complete */
	random_code(&e, used, 19, 7);
	while (n_len > 4 && !e.len[order[n_len - 1]])
		n_len--;
	put_bits(w, n_lit - 257, 5);
	put_bits(w, n_dist - 1, 5);
	put_bits(w, n_len - 4, 4);
	for (unsigned int i = 0; i < n_len; i++)
		put_bits(w, e.len[order[i]], 3);
	for (unsigned int i = 0; i < n; i++) {
		put_code(w, &e, sym[i]);
		put_bits(w, extra[i], sym[i] == 16 ? 2 : sym[i] == 17 ? 3 : sym[i] == 18 ? 7 : 0);
	}
}

static void put_block(struct writer *w, const struct token *t, unsigned int n, bool fixed,
		      bool last)
{
	bool lit_used[286] = { false }, dist_used[30] = { false };
	struct enc lit = { 0 }, dist = { 0 };

	put_bits(w, last, 1);
	put_bits(w, fixed ? 1 : 2, 2);
	if (fixed) {
		fixed_code(&lit, &dist);
	} else {
		lit_used[256] = true;
		for (unsigned int i = 0; i < n; i++) {
			lit_used[t[i].len ? 257 + len_symbol(t[i].len) : t[i].dist] = true;
			if (t[i].len)
				dist_used[dist_symbol(t[i].dist)] = true;
		}
		if (test_below(3) == 0)
			for (int i = 0; i < 40; i++)
				lit_used[test_below(286)] = true;
		random_code(&lit, lit_used, 286, 15);
		random_code(&dist, dist_used, 30, 15);
		/* no distance in use: either no code at all or one of one bit */
		if (!memchr(dist_used, true, sizeof(dist_used)))
			dist.len[0] = (u8)test_below(2);
		canonical(&dist, 30);
		put_code_lengths(w, &lit, &dist);
	}
	for (unsigned int i = 0; i < n; i++)
		put_token(w, &t[i], &lit, &dist);
	put_code(w, &lit, 256);
}

static void put_stored(struct writer *w, const u8 *data, unsigned int n, bool last)
{
	put_bits(w, last, 1);
	put_bits(w, 0, 2);
	align(w);
	put_bits(w, n, 16);
	put_bits(w, n ^ 0xffff, 16);
	for (unsigned int i = 0; i < n; i++)
		put_byte(w, data[i]);
}

/* ---- random streams ---- */

static u8 *plain;
static size_t plain_n;

static unsigned int random_tokens(struct token *t, unsigned int n, unsigned int style)
{
	for (unsigned int i = 0; i < n; i++) {
		unsigned int room = plain_n < 32768 ? (unsigned int)plain_n : 32768, len, dist;

		if (!room || test_below(style)) {
			t[i].len = 0;
			t[i].dist = (u16)(style & 1 ? test_below(256) : 'a' + test_below(6));
			plain[plain_n++] = (u8)t[i].dist;
			continue;
		}
		len = 3 + (unsigned int)test_below(test_below(4) ? 20 : 256);
		dist = 1 + (unsigned int)test_below(test_below(3) ? (room < 12 ? room : 12) : room);
		if (test_below(50) == 0)
			dist = room;
		if (test_below(50) == 0)
			len = 258;
		t[i].len = (u16)len;
		t[i].dist = (u16)dist;
		for (; len; len--, plain_n++)
			plain[plain_n] = plain[plain_n - dist];
	}
	return n;
}

static void random_stream(struct writer *w, unsigned int blocks)
{
	static struct token t[TOKENS];

	if (!plain)
		plain = malloc(PLAIN_MAX);
	plain_n = 0;
	for (unsigned int b = 0; b < blocks; b++) {
		unsigned int kind = (unsigned int)test_below(6), n;
		bool last = b + 1 == blocks;

		if (kind == 0) {
			n = (unsigned int)test_below(test_below(4) ? 300 : 65536);
			if (n > PLAIN_MAX / 2 - plain_n)
				n = 0;
			test_fill(plain + plain_n, n);
			put_stored(w, plain + plain_n, n, last);
			plain_n += n;
			continue;
		}
		n = (unsigned int)test_below(test_below(3) ? 60 : TOKENS);
		if (plain_n > PLAIN_MAX / 2)
			n = n % 100;
		n = random_tokens(t, n, 1 + (unsigned int)test_below(12));
		put_block(w, t, n, kind == 1, last);
	}
	if (w->nbits)
		align(w);
}

static void put_gzip_header(struct writer *w)
{
	u8 flags = (u8)test_below(32);
	size_t at = w->n;
	u32 crc;

	put_bits(w, 0x088b1f, 24);
	put_bits(w, flags, 8);
	put_bits(w, (u32)test_rand() & 0xffff, 16);
	put_bits(w, (u32)test_rand(), 32);
	if (flags & 4) {
		unsigned int n = (unsigned int)test_below(30);

		put_bits(w, n, 16);
		while (n--)
			put_byte(w, (u8)test_rand());
	}
	for (u8 f = 8; f <= 16; f = (u8)(f * 2)) {
		if (!(flags & f))
			continue;
		for (unsigned int n = (unsigned int)test_below(20); n--;)
			put_byte(w, (u8)(1 + test_below(255)));
		put_byte(w, 0);
	}
	if (flags & 2) {
		crc = crc32(0, w->data + at, w->n - at);
		put_bits(w, crc & 0xffff, 16);
	}
}

/* Exactly sized copy, so that a read past the end is seen. */
static u8 *exact(const u8 *p, size_t n)
{
	u8 *c = malloc(n ? n : 1);

	memcpy(c, p, n);
	return c;
}

/* ---- tests ---- */

static void check_vector(const u8 *v, size_t n)
{
	struct sink s;
	size_t used = 0;

	sink_init(&s);
	CHECK_EQ(gunzip(v, n, sink_out, &s, &used), 0);
	CHECK_EQ(used, n);
	CHECK_EQ(s.n, sizeof(text) - 1);
	CHECK_MEM(s.data, text, sizeof(text) - 1);
}

TEST(vectors_of_another_compressor)
{
	check_vector(text_default, sizeof(text_default));
	check_vector(text_fixed, sizeof(text_fixed));
	check_vector(text_stored, sizeof(text_stored));
}

TEST(random_raw_streams)
{
	for (unsigned int round = 0; round < 400 * test_rounds; round++) {
		struct writer w = { 0 };
		struct sink s;
		size_t used;
		u8 *in;

		random_stream(&w, 1 + (unsigned int)test_below(6));
		in = exact(w.data, w.n);
		sink_init(&s);
		CHECK_EQ(inflate_raw(in, w.n, sink_out, &s, &used), 0);
		CHECK_EQ(used, w.n);
		CHECK_EQ(s.n, plain_n);
		CHECK_MEM(s.data, plain, plain_n);
		CHECK(s.largest < 33 * 1024);
		free(in);
		free(w.data);
		if (test_failures) {
			printf("# round %u\n", round);
			return;
		}
	}
}

TEST(gzip_members_back_to_back)
{
	for (unsigned int round = 0; round < 150 * test_rounds; round++) {
		struct writer w = { 0 };
		size_t first, used;
		struct sink s;
		u8 *in;

		put_gzip_header(&w);
		random_stream(&w, 1 + (unsigned int)test_below(4));
		put_bits(&w, crc32(0, plain, plain_n), 32);
		put_bits(&w, (u32)plain_n, 32);
		first = w.n;
		for (int i = 0; i < 20; i++)
			put_byte(&w, (u8)test_rand());
		in = exact(w.data, w.n);
		CHECK(is_gzip(in, w.n));
		sink_init(&s);
		CHECK_EQ(gunzip(in, w.n, sink_out, &s, &used), 0);
		CHECK_EQ(used, first);
		CHECK_EQ(s.n, plain_n);
		CHECK_MEM(s.data, plain, plain_n);
		in[first - 1 - test_below(8)] ^= (u8)(1 + test_below(255));
		sink_init(&s);
		CHECK_EQ(gunzip(in, w.n, sink_out, &s, &used), -EBADMSG);
		free(in);
		free(w.data);
	}
}

TEST(every_truncation_is_noticed)
{
	for (unsigned int round = 0; round < 60 * test_rounds; round++) {
		struct writer w = { 0 };
		struct sink s;
		size_t used;

		put_gzip_header(&w);
		random_stream(&w, 1 + (unsigned int)test_below(3));
		put_bits(&w, crc32(0, plain, plain_n), 32);
		put_bits(&w, (u32)plain_n, 32);
		for (size_t n = 0; n < w.n; n += w.n < 400 ? 1 : 1 + test_below(w.n / 20)) {
			u8 *in = exact(w.data, n);

			sink_init(&s);
			CHECK_EQ(gunzip(in, n, sink_out, &s, &used), -ENODATA);
			CHECK(used <= n);
			free(in);
		}
		free(w.data);
	}
}

TEST(mutations_do_no_harm)
{
	unsigned int accepted = 0;

	for (unsigned int round = 0; round < 300 * test_rounds; round++) {
		struct writer w = { 0 };

		random_stream(&w, 1 + (unsigned int)test_below(3));
		for (int k = 0; k < 30; k++) {
			u8 *in = exact(w.data, w.n);
			struct sink s;
			size_t used, flips = 1 + test_below(4);
			int rc;

			while (flips--)
				in[test_below(w.n < 200 || k & 1 ? w.n : 200)] ^=
					(u8)(1u << test_below(8));
			sink_init(&s);
			s.limit = 300000;
			rc = inflate_raw(in, w.n, sink_out, &s, &used);
			CHECK(rc == 0 || rc == -EINVAL || rc == -ENODATA || rc == -EFBIG);
			CHECK(used <= w.n);
			accepted += !rc;
			free(in);
		}
		free(w.data);
	}
	CHECK(accepted > 0);
}

TEST(noise_does_no_harm)
{
	for (unsigned int round = 0; round < 30000 * test_rounds; round++) {
		size_t n = test_below(120), used;
		u8 *in = malloc(n ? n : 1);
		struct sink s;
		int rc;

		test_fill(in, n);
		if (n && round & 1)
			in[0] = (u8)((in[0] & ~7) | 4); /* a dynamic block */
		sink_init(&s);
		s.limit = 100000;
		rc = inflate_raw(in, n, sink_out, &s, &used);
		CHECK(rc == 0 || rc == -EINVAL || rc == -ENODATA || rc == -EFBIG);
		free(in);
	}
}

/* The start of a dynamic block: counts and the lengths of the code for code lengths, then noise. */
static int dynamic_start(unsigned int n_lit, unsigned int n_dist, const u8 *lens, unsigned int n)
{
	struct writer w = { 0 };
	struct sink s;
	int rc;

	put_bits(&w, 5, 3);
	put_bits(&w, n_lit - 257, 5);
	put_bits(&w, n_dist - 1, 5);
	put_bits(&w, n - 4, 4);
	for (unsigned int i = 0; i < n; i++)
		put_bits(&w, lens[i], 3);
	for (int i = 0; i < 400; i++)
		put_byte(&w, 0);
	sink_init(&s);
	rc = inflate_raw(w.data, w.n, sink_out, &s, NULL);
	free(w.data);
	return rc;
}

TEST(bad_dynamic_headers)
{
	/* order 16 17 18 0 8 7: symbols 0 and 8 with one bit each, so zero bits are length 0 */
	static const u8 good[] = { 0, 0, 0, 1, 1 }, over[] = { 1, 1, 1, 1 },
			lone[] = { 0, 0, 0, 1 };
	static const u8 none[4], repeat[] = { 1, 0, 0, 1 };

	CHECK_EQ(dynamic_start(257, 1, good, 5), -EINVAL); /* no end of block */
	CHECK_EQ(dynamic_start(287, 1, good, 5), -EINVAL);
	CHECK_EQ(dynamic_start(288, 1, good, 5), -EINVAL);
	CHECK_EQ(dynamic_start(257, 31, good, 5), -EINVAL);
	CHECK_EQ(dynamic_start(257, 32, good, 5), -EINVAL);
	CHECK_EQ(dynamic_start(257, 1, over, 4), -EINVAL);
	CHECK_EQ(dynamic_start(257, 1, lone, 4), -EINVAL);
	CHECK_EQ(dynamic_start(257, 1, none, 4), -EINVAL);
	CHECK_EQ(dynamic_start(257, 1, repeat, 4), -EINVAL);
}

/* A dynamic block with these code lengths (each one of set[]), written plainly, and nothing in it.
 */
static int plain_dynamic(const u8 *len, unsigned int n_lit, unsigned int n_dist, const u8 set[4])
{
	bool used[19] = { false };
	struct writer w = { 0 };
	struct enc lit = { 0 }, e = { 0 };
	static const u8 order[19] = { 16, 17, 18, 0, 8,	 7, 9,	6, 10, 5,
				      11, 4,  12, 3, 13, 2, 14, 1, 15 };
	struct sink s;
	int rc;

	for (int i = 0; i < 4; i++) {
		used[set[i]] = true;
		e.len[set[i]] = 2;
	}
	canonical(&e, 19);
	memcpy(lit.len, len, n_lit);
	canonical(&lit, n_lit);
	put_bits(&w, 5, 3);
	put_bits(&w, n_lit - 257, 5);
	put_bits(&w, n_dist - 1, 5);
	put_bits(&w, 15, 4);
	for (int i = 0; i < 19; i++)
		put_bits(&w, used[order[i]] ? 2 : 0, 3);
	for (unsigned int i = 0; i < n_lit + n_dist; i++)
		put_code(&w, &e, len[i]);
	put_code(&w, &lit, 256);
	put_bits(&w, 0, 8);
	sink_init(&s);
	rc = inflate_raw(w.data, w.n, sink_out, &s, NULL);
	free(w.data);
	return rc;
}

TEST(too_many_codes_in_a_good_code)
{
	u8 len[320];

	/* 286 codes are allowed: the fixed code with two of eight bits made seven */
	memset(len, 8, 144);
	memset(len + 144, 9, 112);
	memset(len + 256, 7, 24);
	memset(len + 280, 8, 8);
	len[284] = len[285] = 7;
	len[286] = 1;
	CHECK_EQ(plain_dynamic(len, 286, 1, (const u8[]){ 7, 8, 9, 1 }), 0);
	len[284] = len[285] = len[286] = 8;
	len[288] = 1;
	CHECK_EQ(plain_dynamic(len, 288, 1, (const u8[]){ 7, 8, 9, 1 }), -EINVAL);
	memset(len, 8, 255);
	len[255] = len[256] = 9;
	memset(len + 257, 5, 32);
	CHECK_EQ(plain_dynamic(len, 257, 32, (const u8[]){ 5, 8, 9, 0 }), -EINVAL);
	memset(len + 257, 5, 28);
	len[257] = len[258] = 4;
	len[259] = len[260] = 4;
	CHECK_EQ(plain_dynamic(len, 257, 28, (const u8[]){ 5, 8, 9, 4 }), 0);
}

TEST(callback_error_stops)
{
	struct writer w = { 0 };
	struct sink s;
	size_t used;

	for (int i = 0; i < 4; i++) {
		u8 block[60000];

		test_fill(block, sizeof(block));
		put_stored(&w, block, sizeof(block), i == 3);
	}
	for (int calls = 0; calls < 8; calls++) {
		sink_init(&s);
		s.fail_after = calls;
		CHECK_EQ(inflate_raw(w.data, w.n, sink_out, &s, &used), -EIO);
		CHECK(s.n <= (size_t)calls * 33 * 1024);
	}
	sink_init(&s);
	CHECK_EQ(inflate_raw(w.data, w.n, sink_out, &s, NULL), 0);
	CHECK_EQ(s.n, 240000);
	free(w.data);
}

TEST(header_errors)
{
	u8 h[64] = { 0x1f, 0x8b, 8, 0 };
	struct sink s;
	size_t used = 9;

	sink_init(&s);
	h[0] = 0x1e;
	CHECK_EQ(gunzip(h, sizeof(h), sink_out, &s, &used), -EINVAL);
	CHECK_EQ(used, 0);
	h[0] = 0x1f;
	h[2] = 7;
	CHECK_EQ(gunzip(h, sizeof(h), sink_out, &s, &used), -EINVAL);
	h[2] = 8;
	h[3] = 0x20;
	CHECK_EQ(gunzip(h, sizeof(h), sink_out, &s, &used), -EINVAL);
	h[3] = 2;
	CHECK_EQ(gunzip(h, sizeof(h), sink_out, &s, &used), -EBADMSG);
	CHECK_EQ(gunzip(h, 0, sink_out, &s, &used), -ENODATA);
	CHECK_EQ(gunzip(h, 2, sink_out, &s, &used), -ENODATA);
	h[3] = 8;
	memset(h + 10, 'x', sizeof(h) - 10);
	CHECK_EQ(gunzip(h, sizeof(h), sink_out, &s, &used), -ENODATA);
	CHECK(!is_gzip(h, 2));
}
