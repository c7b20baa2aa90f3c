/* SPDX-License-Identifier: MIT */
/* The local APIC of each CPU: end of interrupt, interrupts between CPUs, one-shot timer.
 * xAPIC: registers in memory, all CPUs see their own at the same address. x2APIC, when the CPU has
 * it: MSRs, 32-bit ids. Interrupts between CPUs may be sent from any context; in xAPIC mode the
 * two-part command register is written with interrupts off. */
#include <arch/irqflags.h>
#include <arch/ops.h>
#include <asm/acpi.h>
#include <asm/apic.h>
#include <asm/cpu.h>
#include <asm/msr.h>
#include <asm/traps.h>
#include <asm/tsc.h>
#include <kernel/assert.h>
#include <kernel/div.h>
#include <kernel/log.h>
#include <kernel/slab.h>
#include <kernel/time.h>

#define LAPIC_ID 0x20
#define LAPIC_TPR 0x80
#define LAPIC_EOI 0xb0
#define LAPIC_LDR 0xd0
#define LAPIC_DFR 0xe0
#define LAPIC_SVR 0xf0
#define LAPIC_ESR 0x280
#define LAPIC_ICR_LOW 0x300
#define LAPIC_ICR_HIGH 0x310
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_LVT_LINT0 0x350
#define LAPIC_LVT_LINT1 0x360
#define LAPIC_LVT_ERROR 0x370
#define LAPIC_TIMER_INIT 0x380
#define LAPIC_TIMER_NOW 0x390
#define LAPIC_TIMER_DIV 0x3e0

#define SVR_ENABLE 0x100u
#define LVT_MASKED 0x10000u
#define LVT_NMI 0x400u
#define TIMER_DEADLINE 0x40000u
#define DIVIDE_BY_1 0xbu
#define ICR_BUSY 0x1000u
#define APIC_BASE_ENABLE BIT(11)
#define APIC_BASE_X2 BIT(10)

DEFINE_PER_CPU(u64, irq_count_timer);
DEFINE_PER_CPU(u64, irq_count_resched);
DEFINE_PER_CPU(u64, irq_count_call);

static bool x2apic __ro_after_init;
static volatile u32 *regs __ro_after_init;
static u64 timer_mult __ro_after_init; /* timer ticks per ns, 32 fraction bits */
static bool deadline_mode __ro_after_init;

static inline u32 lapic_read(u32 reg)
{
	return x2apic ? (u32)rdmsr(MSR_X2APIC + (reg >> 4)) : regs[reg / 4];
}
static inline void lapic_write(u32 reg, u32 v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	else
		regs[reg / 4] = v;
}

void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

u32 lapic_id(void)
{
	u32 id = lapic_read(LAPIC_ID);

	return x2apic ? id : id >> 24;
}

void lapic_init(void)
{
	u64 base = acpi.lapic_base ? acpi.lapic_base : rdmsr(MSR_APIC_BASE) & 0xffffff000ull;

	x2apic = cpu_features.x2apic;
	deadline_mode = cpu_features.tsc_deadline && cpu_features.tsc_invariant;
	if (!x2apic) {
		regs = ioremap((paddr_t){ base }, 4096, MEM_UNCACHED);
		if (!regs)
			panic("lapic: cannot map its registers");
	}
	lapic_init_this();
}

void lapic_init_this(void)
{
	u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);
	if (x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2);
	lapic_write(LAPIC_TPR, 0);
	if (!x2apic) {
		lapic_write(LAPIC_DFR, ~0u);
		lapic_write(LAPIC_LDR, 0);
	}
	lapic_write(LAPIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI | (cpu_id() == 0 ? 0 : LVT_MASKED));
	lapic_write(LAPIC_LVT_ERROR, VEC_ERROR);
	lapic_write(LAPIC_TIMER_DIV, DIVIDE_BY_1);
	lapic_write(LAPIC_LVT_TIMER, VEC_TIMER | (deadline_mode ? TIMER_DEADLINE : 0));
	/* The mode must be set before the first deadline is written (Intel SDM vol. 3, 10.5.4.1).
	 * */
	__asm__ volatile("mfence" ::: "memory");
	lapic_write(LAPIC_TIMER_INIT, 0);
	lapic_write(LAPIC_ESR, 0);
}

void lapic_error(void)
{
	u32 esr;

	lapic_write(LAPIC_ESR, 0);
	esr = lapic_read(LAPIC_ESR);
	log_warn("lapic", "CPU %u: error status %x", cpu_id(), esr);
}

void lapic_send(u32 apic_id, u32 icr_low)
{
	irqflags_t f;

	if (x2apic) {
		/* Not a serialising write: earlier stores must be visible to who gets it. */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC + (LAPIC_ICR_LOW >> 4), (u64)apic_id << 32 | icr_low);
		return;
	}
	f = irq_save();
	while (regs[LAPIC_ICR_LOW / 4] & ICR_BUSY)
		arch_cpu_relax();
	regs[LAPIC_ICR_HIGH / 4] = apic_id << 24;
	regs[LAPIC_ICR_LOW / 4] = icr_low;
	irq_restore(f);
}

void lapic_ipi(unsigned int cpu, unsigned int vector)
{
	lapic_send(cpu_apic_id[cpu], ICR_FIXED | ICR_ASSERT | vector);
}

void lapic_nmi(unsigned int cpu)
{
	lapic_send(cpu_apic_id[cpu], ICR_NMI | ICR_ASSERT);
}

void lapic_timer_write(u32 count)
{
	lapic_write(LAPIC_TIMER_INIT, count);
}

u32 lapic_timer_read(void)
{
	return lapic_read(LAPIC_TIMER_NOW);
}

void lapic_timer_set_rate(u64 hz)
{
	if (deadline_mode)
		hz = tsc_khz * 1000;
	timer_mult = mul_div_u64(hz, 1ull << 32, NSEC_PER_SEC);
}

void arch_timer_set(u64 deadline_ns)
{
	u64 now, ticks;

	if (deadline_ns == ~0ull) {
		if (deadline_mode)
			wrmsr(MSR_TSC_DEADLINE, 0);
		else
			lapic_write(LAPIC_TIMER_INIT, 0);
		return;
	}
	now = ktime_get();
	ticks = deadline_ns > now ? deadline_ns - now : 0;
	/* At most half a minute: the interrupt code sets it again when it comes early. */
	ticks = min(ticks, 30 * NSEC_PER_SEC);
	ticks = mul_u64_shr(ticks, timer_mult, 32) + 1;
	if (deadline_mode)
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + ticks);
	else
		lapic_write(LAPIC_TIMER_INIT, (u32)min(ticks, 0xffffffffull));
}
