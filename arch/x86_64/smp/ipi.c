/* SPDX-License-Identifier: MIT */
/* Interrupts between CPUs: reschedule, function calls, stop.
 *
 * Calls: each CPU has one call slot, since a caller waits for the end of its call. It writes the
 * slot, sets its bit in the `callers` mask of every target and interrupts those whose mask was
 * empty. A target takes its whole mask, runs each caller's function and counts itself off in that
 * slot. */
#include <arch/irqflags.h>
#include <arch/ops.h>
#include <asm/apic.h>
#include <asm/traps.h>
#include <kernel/assert.h>
#include <kernel/atomic.h>
#include <kernel/bitmap.h>
#include <kernel/preempt.h>

struct call_slot {
	void (*fn)(void *arg);
	void *arg;
	u32 waiting; /* A: targets that have not finished */
} __cacheline_aligned;
static DEFINE_PER_CPU(struct call_slot, call_slot);
static DEFINE_PER_CPU(struct cpumask, callers); /* A */

static bool stopping;	 /* A */
static u32 stopped_cpus; /* A */

void arch_cpu_relax(void)
{
	__asm__ volatile("pause");
}

void arch_send_resched_ipi(unsigned int cpu)
{
	lapic_ipi(cpu, VEC_RESCHED);
}

void ipi_call_interrupt(void)
{
	for (unsigned int w = 0; w < ARRAY_SIZE(((struct cpumask *)0)->bits); w++) {
		unsigned long bits = xchg(&this_cpu_ptr(&callers)->bits[w], 0ul);

		while (bits) {
			unsigned int from = w * 64 + (unsigned int)__builtin_ctzl(bits);
			struct call_slot *s = per_cpu_ptr(&call_slot, from);

			bits &= bits - 1;
			s->fn(s->arg);
			__atomic_fetch_sub(&s->waiting, 1, __ATOMIC_RELEASE);
		}
	}
}

void smp_call_mask(const struct cpumask *mask, void (*fn)(void *arg), void *arg)
{
	unsigned int me = cpu_id();
	struct call_slot *s = this_cpu_ptr(&call_slot);
	struct cpumask todo = *mask;
	u32 n = 0;

	if (cpu_online_count == 1)
		return;
	ASSERT(!irqs_disabled() && !in_hardirq());
	todo.bits[me / 64] &= ~(1ul << (me % 64));
	for_each_online_cpu(c)
		n += test_bit(c, todo.bits);
	if (n == 0)
		return;
	s->fn = fn;
	s->arg = arg;
	smp_store_release(&s->waiting, n);
	for_each_online_cpu(c) {
		unsigned long *words, before = 0;

		if (!test_bit(c, todo.bits))
			continue;
		words = per_cpu_ptr(&callers, c)->bits;
		before = __atomic_fetch_or(&words[me / 64], 1ul << (me % 64), __ATOMIC_SEQ_CST);
		/* A bit of this word still set: that interrupt is on its way. */
		if (!before)
			lapic_ipi(c, VEC_CALL);
	}
	while (smp_load_acquire(&s->waiting))
		arch_cpu_relax();
}

void smp_call_all(void (*fn)(void *arg), void *arg)
{
	irqflags_t f;

	preempt_disable();
	smp_call_mask(&cpu_online_mask, fn, arg);
	f = irq_save();
	fn(arg);
	irq_restore(f);
	preempt_enable();
}

/* An NMI: true when it is ours. */
bool ipi_nmi(struct user_regs *regs __maybe_unused)
{
	if (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE))
		return false;
	__atomic_fetch_add(&stopped_cpus, 1, __ATOMIC_SEQ_CST);
	arch_halt();
}

void smp_stop_others(void)
{
	u32 others = cpu_online_count - 1;

	if (others == 0 || xchg(&stopping, true))
		return;
	for_each_online_cpu(c)
		if (c != cpu_id())
			lapic_nmi(c);
	for (unsigned int spins = 0; spins < 10000000; spins++) {
		if (__atomic_load_n(&stopped_cpus, __ATOMIC_ACQUIRE) == others)
			break;
		arch_cpu_relax();
	}
}
