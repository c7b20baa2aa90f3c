/* SPDX-License-Identifier: MIT */
#ifndef SYNC_INTERNAL_H
#define SYNC_INTERNAL_H

#include <kernel/types.h>

/* Per-CPU state of a CPU that is about to start; from sched_init_cpu. */
void rcu_init_cpu(unsigned int cpu);
void rcu_ask_quiescent(void);

#endif
