/* SPDX-License-Identifier: MIT */
/* SHA-256 (FIPS 180-4). */
#include <kernel/compiler.h>
#include <kernel/sha256.h>
#include <kernel/string.h>

/* Fractions of the cube roots of the first 64 primes. */
static const u32 k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static inline u32 ror(u32 v, unsigned int n)
{
	return v >> n | v << (32 - n);
}

static inline u32 load_be(const u8 *p)
{
	u32 v;

	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

static inline u32 schedule(u32 w[16], unsigned int t)
{
	u32 a = w[(t + 1) & 15], b = w[(t + 14) & 15];

	w[t & 15] += (ror(a, 7) ^ ror(a, 18) ^ a >> 3) + w[(t + 9) & 15] +
		     (ror(b, 17) ^ ror(b, 19) ^ b >> 10);
	return w[t & 15];
}

static void transform(u32 state[8], const u8 *block)
{
	u32 w[16], s[8];

	memcpy(s, state, sizeof(s));
	for (unsigned int t = 0; t < 64; t++) {
		u32 word = t < 16 ? (w[t] = load_be(block + t * 4)) : schedule(w, t);
		u32 a = s[0], e = s[4];
		u32 t1 = s[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & s[5]) ^ (~e & s[6])) +
			 k[t] + word;
		u32 t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) +
			 ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

		s[7] = s[6];
		s[6] = s[5];
		s[5] = e;
		s[4] = s[3] + t1;
		s[3] = s[2];
		s[2] = s[1];
		s[1] = a;
		s[0] = t1 + t2;
	}
	for (unsigned int i = 0; i < 8; i++)
		state[i] += s[i];
	memzero_explicit(w, sizeof(w));
}

void sha256_init(struct sha256 *s)
{
	/* fractions of the square roots of the first eight primes */
	static const u32 initial[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(s->h, initial, sizeof(initial));
	s->bytes = 0;
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
	size_t have = s->bytes % SHA256_BLOCK;
	const u8 *p = data;

	s->bytes += len;
	if (have) {
		size_t take = min(len, SHA256_BLOCK - have);

		memcpy(s->block + have, p, take);
		p += take;
		len -= take;
		if (have + take < SHA256_BLOCK)
			return;
		transform(s->h, s->block);
	}
	for (; len >= SHA256_BLOCK; p += SHA256_BLOCK, len -= SHA256_BLOCK)
		transform(s->h, p);
	if (len)
		memcpy(s->block, p, len);
}

void sha256_final(struct sha256 *s, u8 out[SHA256_SIZE])
{
	static const u8 padding[SHA256_BLOCK] = { 0x80 };
	u64 bits = __builtin_bswap64(s->bytes * 8);
	size_t have = s->bytes % SHA256_BLOCK;

	sha256_update(s, padding, (have < 56 ? 56 : 120) - have);
	sha256_update(s, &bits, 8);
	for (unsigned int i = 0; i < 8; i++) {
		u32 v = __builtin_bswap32(s->h[i]);

		memcpy(out + i * 4, &v, 4);
	}
	memzero_explicit(s, sizeof(*s));
}

void sha256(const void *data, size_t len, u8 out[SHA256_SIZE])
{
	struct sha256 s;

	sha256_init(&s);
	sha256_update(&s, data, len);
	sha256_final(&s, out);
}
