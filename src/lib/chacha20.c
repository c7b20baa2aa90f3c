/* SPDX-License-Identifier: MIT */
/* ChaCha20 (RFC 8439). */
#include <kernel/chacha20.h>
#include <kernel/compiler.h>
#include <kernel/string.h>

static inline u32 rol(u32 v, unsigned int n)
{
	return v << n | v >> (32 - n);
}

static inline void quarter(u32 x[16], unsigned int a, unsigned int b, unsigned int c,
			   unsigned int d)
{
	x[a] += x[b];
	x[d] = rol(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rol(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rol(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rol(x[b] ^ x[c], 7);
}

void chacha20_init(u32 state[16], const u32 key[8], u32 counter, const u32 nonce[3])
{
	/* "expand 32-byte k" */
	state[0] = 0x61707865;
	state[1] = 0x3320646e;
	state[2] = 0x79622d32;
	state[3] = 0x6b206574;
	memcpy(state + 4, key, 32);
	state[12] = counter;
	memcpy(state + 13, nonce, 12);
}

void chacha20_block(u32 state[16], u8 out[CHACHA20_BLOCK])
{
	u32 x[16];

	memcpy(x, state, sizeof(x));
	for (unsigned int i = 0; i < 10; i++) {
		for (unsigned int c = 0; c < 4; c++)
			quarter(x, c, c + 4, c + 8, c + 12);
		for (unsigned int c = 0; c < 4; c++)
			quarter(x, c, 4 + ((c + 1) & 3), 8 + ((c + 2) & 3), 12 + ((c + 3) & 3));
	}
	for (unsigned int i = 0; i < 16; i++)
		x[i] += state[i];
	memcpy(out, x, CHACHA20_BLOCK);
	memzero_explicit(x, sizeof(x));
	if (!++state[12])
		state[13]++;
}
