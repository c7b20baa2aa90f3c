/* SPDX-License-Identifier: MIT */
/* The ChaCha20 block function (RFC 8439), the core of the random number generator. */
#ifndef KERNEL_CHACHA20_H
#define KERNEL_CHACHA20_H

#include <kernel/types.h>

#define CHACHA20_BLOCK	   64
#define CHACHA20_KEY_WORDS 8

/* state: 4 constants, 8 key words, counter, 3 nonce words. */
void chacha20_init(u32 state[16], const u32 key[8], u32 counter, const u32 nonce[3]);
/* 64 bytes of key stream; advances state[12], carrying into state[13]. */
void chacha20_block(u32 state[16], u8 out[CHACHA20_BLOCK]);

#endif
