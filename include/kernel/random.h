/* SPDX-License-Identifier: MIT */
/* Random numbers: ChaCha20 generator with fast key erasure, one state per CPU, keyed from a pool
 * fed by RDRAND, the loader's seed and interrupt timing (drivers/char/random.c). */
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include <kernel/types.h>

void random_bytes(void *buf, size_t n); /* any context; before seeding: best effort */
u64 get_random_u64(void);
u32 get_random_u32(void);
/* Uniform in [0, limit). */
u64 get_random_below(u64 limit);
/* Mixes event timing in: cheap, from interrupt handlers. */
void random_add_event(u32 value);
/* Mixes bytes in; entropy_bits 0 credits nothing. */
void random_add_bytes(const void *buf, size_t n, unsigned int entropy_bits);
void random_init(void); /* early: after per-CPU data and bootinfo */

#endif
