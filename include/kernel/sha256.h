/* SPDX-License-Identifier: MIT */
/* SHA-256. Never sleeps; the state may live on the stack (104 bytes). */
#ifndef KERNEL_SHA256_H
#define KERNEL_SHA256_H

#include <kernel/types.h>

#define SHA256_SIZE  32
#define SHA256_BLOCK 64

struct sha256 {
	u32 h[8];
	u64 bytes;
	u8 block[SHA256_BLOCK];
};

void sha256_init(struct sha256 *s);
void sha256_update(struct sha256 *s, const void *data, size_t len);
/* Wipes the state. */
void sha256_final(struct sha256 *s, u8 out[SHA256_SIZE]);
void sha256(const void *data, size_t len, u8 out[SHA256_SIZE]);

#endif
