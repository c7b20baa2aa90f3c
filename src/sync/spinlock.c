/* SPDX-License-Identifier: MIT */
/* The slow path of spinlocks. The fast path is inline in kernel/lock.h. */
#include <arch/ops.h>
#include <kernel/lock.h>

/* In debug builds a lock nobody gives up for this many cycles (tens of seconds) is a dead lock. */
#define STUCK_CYCLES (1ull << 37)

/* Waits for l and takes it. Preemption is off already. Reads until the lock looks free, so that the
 * cache line is not pulled from CPU to CPU by failing exchanges. */
void spin_lock_contended(struct spinlock *l)
{
	u64 start = IS_ENABLED(CONFIG_LOCKDEP) ? arch_cycles() : 0;

	do {
		while (READ_ONCE(l->locked)) {
			__builtin_ia32_pause();
			if (IS_ENABLED(CONFIG_LOCKDEP) && arch_cycles() - start > STUCK_CYCLES)
				panic("spinlock %p stuck", (void *)l);
		}
	} while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE));
}
