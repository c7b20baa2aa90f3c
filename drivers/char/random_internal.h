/* SPDX-License-Identifier: MIT */
/* Between the generator (random.c) and its devices (random_dev.c). */
#ifndef CHAR_RANDOM_INTERNAL_H
#define CHAR_RANDOM_INTERNAL_H

#include <kernel/random.h>
#include <kernel/wait.h>

#define RANDOM_POOL_BITS 256u

extern struct wait_queue random_wait; /* woken once, when the generator is seeded */

bool random_ready(void);
unsigned int random_entropy(void); /* bits credited, at most RANDOM_POOL_BITS */
void random_credit(unsigned int bits);
void random_reseed(void);
/* Sleeps until seeded, making entropy from timing meanwhile: 0 or -ERESTARTSYS. */
int random_wait_ready(void);

#endif
