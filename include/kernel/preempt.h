/* SPDX-License-Identifier: MIT */
/* preempt_count: one per-CPU word that says why this CPU may not switch tasks.
 *   bits 0..15   nesting of preempt_disable (each held spinlock counts one)
 *   bits 16..23  nesting of hard interrupts
 *   bit  24      in NMI
 *   bit  31      set: no reschedule wanted. Inverted, so that "may and should switch" is the word
 *                being zero, which the decrement in preempt_enable tests for free.
 * A context switch always happens with the same value, so the word need not be saved per task. */
#ifndef KERNEL_PREEMPT_H
#define KERNEL_PREEMPT_H

#include <kernel/compiler.h>
#include <kernel/percpu.h>

#define PREEMPT_MASK 0x0000ffffu
#define HARDIRQ_OFFSET 0x00010000u
#define HARDIRQ_MASK 0x00ff0000u
#define NMI_OFFSET 0x01000000u
#define PREEMPT_NO_RESCHED 0x80000000u

DECLARE_PER_CPU(u32, preempt_count);

static __always_inline void preempt_disable(void)
{
	this_cpu_inc(preempt_count);
	barrier();
}

void preempt_schedule(void); /* src/sched: switches unless interrupts are off */

static __always_inline void preempt_enable_no_resched(void)
{
	barrier();
	this_cpu_dec(preempt_count);
}

static __always_inline void preempt_enable(void)
{
	bool zero;

	barrier();
	__asm__ volatile("decl %%gs:%1" : "=@ccz"(zero), "+m"(preempt_count)::"memory");
	if (unlikely(zero))
		preempt_schedule();
}

static inline u32 preempt_depth(void)
{
	return this_cpu(preempt_count) & PREEMPT_MASK;
}
static inline bool in_hardirq(void)
{
	return this_cpu(preempt_count) & (HARDIRQ_MASK | NMI_OFFSET);
}
/* True when the caller may not sleep. (Interrupts off counts too; see might_sleep.) */
static inline bool in_atomic(void)
{
	return (this_cpu(preempt_count) & ~PREEMPT_NO_RESCHED) != 0;
}
static inline void set_need_resched_this_cpu(void)
{
	__asm__ volatile("andl %1, %%gs:%0"
			 : "+m"(preempt_count)
			 : "i"(~PREEMPT_NO_RESCHED)
			 : "cc");
}
static inline void clear_need_resched_this_cpu(void)
{
	__asm__ volatile("orl %1, %%gs:%0" : "+m"(preempt_count) : "i"(PREEMPT_NO_RESCHED) : "cc");
}
static inline bool need_resched(void)
{
	return !(this_cpu(preempt_count) & PREEMPT_NO_RESCHED);
}

/* Reports a call of a sleeping function from atomic context (debug builds). */
void might_sleep_check(const char *file, int line);
#define might_sleep()                                                                              \
	do {                                                                                       \
		if (IS_ENABLED(CONFIG_LOCKDEP))                                                    \
			might_sleep_check(__FILE__, __LINE__);                                     \
	} while (0)

#endif
