/* SPDX-License-Identifier: MIT */
/* Read-copy-update. A reader is any code with preemption off: rcu_read_lock is preempt_disable and
 * costs one instruction. A grace period ends when every CPU has switched tasks, been idle, run user
 * code or been seen by an IPI with preempt_count zero. Callbacks run in a kthread (may sleep
 * briefly, preemptible). */
#ifndef KERNEL_RCU_H
#define KERNEL_RCU_H

#include <kernel/atomic.h>
#include <kernel/preempt.h>

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};

static __always_inline void rcu_read_lock(void)
{
	preempt_disable();
}
static __always_inline void rcu_read_unlock(void)
{
	preempt_enable();
}
/* Any context. */
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head));
/* Frees an object of kmalloc or a kmem_cache that embeds the head at `field`. */
#define kfree_rcu(ptr, field)                                                                      \
	call_rcu(&(ptr)->field, kfree_rcu_fns[offsetof(__typeof__(*(ptr)), field) / 8])
extern void (*const kfree_rcu_fns[64])(struct rcu_head *head);
/* Sleeps until all readers that were active have finished. */
void synchronize_rcu(void);
/* Sleeps until all callbacks queued before have run. */
void rcu_barrier(void);
/* Called by the scheduler at each context switch, by the idle loop and by the tick. */
void rcu_note_quiescent(void);

#endif
