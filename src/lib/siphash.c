/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 (Aumasson and Bernstein). */
#include <kernel/compiler.h>
#include <kernel/siphash.h>
#include <kernel/string.h>

struct sip {
	u64 a, b, c, d;
};

static inline u64 rol(u64 v, unsigned int n)
{
	return v << n | v >> (64 - n);
}

static inline void round_(struct sip *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = rol(s->b, 13) ^ s->a;
	s->d = rol(s->d, 16) ^ s->c;
	s->a = rol(s->a, 32);
	s->c += s->b;
	s->a += s->d;
	s->b = rol(s->b, 17) ^ s->c;
	s->d = rol(s->d, 21) ^ s->a;
	s->c = rol(s->c, 32);
}

static inline void begin(struct sip *s, const u64 key[2])
{
	s->a = key[0] ^ 0x736f6d6570736575ull;
	s->b = key[1] ^ 0x646f72616e646f6dull;
	s->c = key[0] ^ 0x6c7967656e657261ull;
	s->d = key[1] ^ 0x7465646279746573ull;
}

static inline void word(struct sip *s, u64 m)
{
	s->d ^= m;
	round_(s);
	round_(s);
	s->a ^= m;
}

static inline u64 finish(struct sip *s, u64 last)
{
	word(s, last);
	s->c ^= 0xff;
	for (int i = 0; i < 4; i++)
		round_(s);
	return s->a ^ s->b ^ s->c ^ s->d;
}

u64 siphash24(const void *data, size_t len, const u64 key[2])
{
	const u8 *p = data;
	u64 m, last = (u64)len << 56;
	struct sip s;
	size_t n;

	begin(&s, key);
	for (n = len; n >= 8; n -= 8, p += 8) {
		memcpy(&m, p, 8);
		word(&s, m);
	}
	for (size_t i = 0; i < n; i++)
		last |= (u64)p[i] << (8 * i);
	return finish(&s, last);
}

u64 siphash24_u64(u64 v, const u64 key[2])
{
	struct sip s;

	begin(&s, key);
	word(&s, v);
	return finish(&s, 8ull << 56);
}

u64 siphash24_2u64(u64 a, u64 b, const u64 key[2])
{
	struct sip s;

	begin(&s, key);
	word(&s, a);
	word(&s, b);
	return finish(&s, 16ull << 56);
}
