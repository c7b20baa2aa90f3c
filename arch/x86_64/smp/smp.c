/* SPDX-License-Identifier: MIT */
/* Other CPUs: which there are, and how they start.
 *
 * Numbers:  the boot CPU is 0, the others follow in the order of the MADT. cpu_possible_count is
 *           settled early (smp_prepare); arch_smp_boot starts them one after the other, and stops
 *           at the first that does not come, so that online CPUs are always 0..cpu_online_count-1.
 * Start:    the page below 1 MiB holds a copy of trampoline.S; ap_pgd is the kernel's root plus the
 *           identity map. A CPU writes `alive` from its own stack and then waits for nobody, except
 *           in the check of the time stamp counters. */
#include <arch/irqflags.h>
#include <arch/mmu.h>
#include <arch/ops.h>
#include <arch/thread.h>
#include <asm/acpi.h>
#include <asm/apic.h>
#include <asm/boot.h>
#include <asm/bootparse.h>
#include <asm/cpu.h>
#include <asm/fpu.h>
#include <asm/msr.h>
#include <asm/smp.h>
#include <asm/tsc.h>
#include <kernel/assert.h>
#include <kernel/atomic.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#define START_TIMEOUT_MS 5000
#define SYNC_TURNS 16

extern char trampoline_start[], trampoline_end[], trampoline_far32[], trampoline_far64[],
	trampoline_gdt_base[], trampoline_cr3[], trampoline_stack[], trampoline_gs[],
	trampoline_entry[];

static pte_t ap_pgd[PT_ENTRIES] __aligned(4096);
static u64 trampoline_phys __ro_after_init;
static unsigned int alive; /* A: number of the CPU that runs */
static u64 sync_stamp;	   /* A: see tsc_compare */
static u32 sync_turn;	   /* A */

static unsigned int wanted_cpus(void)
{
	char text[16];
	unsigned int n;

	if (!IS_ENABLED(CONFIG_SMP) || cmdline_get("nosmp", text, sizeof(text)))
		return 1;
	if (cmdline_get("maxcpus", text, sizeof(text)) && kstrtouint(text, 0, &n) == 0)
		return n ? min(n, (unsigned int)MAX_CPUS) : 1;
	return MAX_CPUS;
}

void __init smp_prepare(void)
{
	u32 boot_id = cpuid(1, 0).ebx >> 24;
	unsigned int n = 1;

	/* With more than 255 ids the leaf that has all 32 bits is there. */
	if (cpu_features.max_leaf >= 0xb && cpuid(0xb, 0).ebx)
		boot_id = cpuid(0xb, 0).edx;
	cpu_apic_id[0] = boot_id;
	for (unsigned int i = 0; i < acpi.nr_cpus && n < wanted_cpus(); i++) {
		if (acpi.apic_ids[i] == boot_id ||
		    (acpi.apic_ids[i] > 254 && !cpu_features.x2apic))
			continue;
		cpu_apic_id[n++] = acpi.apic_ids[i];
	}
	if (n > 1) {
		trampoline_phys = memmap_carve(PAGE_SIZE, PAGE_SIZE, 1u << 20);
		if (!trampoline_phys) {
			log_warn("smp", "no memory below 1 MiB to start CPUs from");
			n = 1;
		}
	}
	percpu_alloc_areas(n);
}

/* Two CPUs take turns in writing stamps; one that is below the other's last went backwards. */
static bool tsc_compare(bool boot)
{
	bool ok = true;

	for (u32 turn = boot ? 0 : 1; turn < SYNC_TURNS; turn += 2) {
		u64 now;

		while (__atomic_load_n(&sync_turn, __ATOMIC_ACQUIRE) != turn)
			arch_cpu_relax();
		now = rdtsc_ordered();
		ok = ok && now >= sync_stamp;
		sync_stamp = now;
		__atomic_store_n(&sync_turn, turn + 1, __ATOMIC_RELEASE);
	}
	/* The next CPU's comparison begins with a reset of the turn: this one's must be over. */
	while (boot && __atomic_load_n(&sync_turn, __ATOMIC_ACQUIRE) != SYNC_TURNS)
		arch_cpu_relax();
	return ok;
}

/* First C code of another CPU, on the stack of its idle task; GS is right. */
static void ap_main(void)
{
	unsigned int cpu = cpu_id();

	gdt_init_this(cpu, percpu_offset[cpu]);
	cpu_init_this();
	fpu_init_this();
	write_cr3(kernel_cr3);
	lapic_init_this();
	__atomic_store_n(&alive, cpu, __ATOMIC_RELEASE);
	if (!tsc_compare(false))
		tsc_mark_unstable("CPUs disagree");
	while (!test_bit(cpu, cpu_online_mask.bits))
		arch_cpu_relax();
	cpu_idle();
}

static void patch(char *page, const char *field, u64 v, size_t size)
{
	memcpy(page + (field - trampoline_start), &v, size);
}

static void trampoline_write(void)
{
	char *page = phys_to_virt((paddr_t){ trampoline_phys });
	u32 off;

	memcpy(page, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	memcpy(&off, trampoline_far32, 4);
	patch(page, trampoline_far32, trampoline_phys + off, 4);
	memcpy(&off, trampoline_far64, 4);
	patch(page, trampoline_far64, trampoline_phys + off, 4);
	memcpy(&off, trampoline_gdt_base, 4);
	patch(page, trampoline_gdt_base, trampoline_phys + off, 4);
	patch(page, trampoline_cr3, virt_to_phys(ap_pgd).v, 8);
	patch(page, trampoline_entry, (u64)ap_main, 8);
	memcpy(ap_pgd, kernel_pgd, sizeof(ap_pgd));
	ap_pgd[0] = pte_make(virt_to_phys(boot_pud_low).v >> PAGE_SHIFT, PTE_P | PTE_W | PTE_A);
}

static bool wait_alive(unsigned int cpu, u64 us)
{
	u64 start = rdtsc(), limit = us * tsc_khz / 1000;

	while (__atomic_load_n(&alive, __ATOMIC_ACQUIRE) != cpu) {
		if (rdtsc() - start > limit)
			return false;
		arch_cpu_relax();
	}
	return true;
}

static bool start_cpu(unsigned int cpu)
{
	char *page = phys_to_virt((paddr_t){ trampoline_phys });
	struct task *idle = idle_task(cpu);
	u32 id = cpu_apic_id[cpu], sipi = ICR_STARTUP | ICR_ASSERT | (u32)(trampoline_phys >> 12);

	idle->thread.kstack_top = (u64)idle->stack + KSTACK_SIZE;
	per_cpu(stack_chk_guard, cpu) = idle->stack_canary;
	patch(page, trampoline_stack, idle->thread.kstack_top, 8);
	patch(page, trampoline_gs, percpu_offset[cpu], 8);
	__atomic_store_n(&sync_turn, 0, __ATOMIC_RELEASE);

	lapic_send(id, ICR_INIT | ICR_LEVEL | ICR_ASSERT);
	/* The 10 ms that the first processors needed here are for nobody made since 2005. */
	udelay(10);
	lapic_send(id, sipi);
	if (!wait_alive(cpu, 500)) {
		lapic_send(id, sipi);
		if (!wait_alive(cpu, START_TIMEOUT_MS * 1000ull))
			return false;
	}
	if (!tsc_compare(true))
		tsc_mark_unstable("CPUs disagree");
	return true;
}

void arch_smp_boot(void)
{
	if (cpu_possible_count == 1)
		return;
	trampoline_write();
	for (unsigned int cpu = 1; cpu < cpu_possible_count; cpu++) {
		mm_cpu_prepare(cpu);
		if (sched_init_cpu(cpu) || !start_cpu(cpu)) {
			log_err("smp", "CPU %u (APIC %u) does not start", cpu, cpu_apic_id[cpu]);
			break;
		}
		cpu_online_count = cpu + 1;
		set_bit(cpu, cpu_online_mask.bits);
	}
	tsc_recheck();
	log_info("smp", "%u CPUs", cpu_online_count);
}
