/* SPDX-License-Identifier: MIT */
/* Per-CPU areas.
 *
 * The linked section .data..percpu is the boot CPU's area: its GS base is 0. The areas of the other
 * CPUs are copies of what the section held before anything ran (percpu_save_template keeps that
 * copy in memory that goes with .init), carved out of the memory map before the page allocator
 * exists, so that per_cpu() works for every possible CPU from the start. */
#include <asm/bootparse.h>
#include <asm/cpu.h>
#include <kernel/page.h>
#include <kernel/preempt.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#define HOT __attribute__((section(".data..percpu.hot")))

extern char percpu_start[], percpu_end[], percpu_template[];

/* One cache line: what entry code and every lock touch. */
HOT __aligned(64) __typeof__(struct task *) current_task = &boot_idle_task;
HOT u32 preempt_count = PREEMPT_NO_RESCHED;
HOT unsigned int cpu_number;
HOT u64 stack_chk_guard;
HOT u64 percpu_self_offset;
HOT u64 syscall_user_rsp;

u64 percpu_offset[MAX_CPUS] __ro_after_init;
u32 cpu_apic_id[MAX_CPUS] __ro_after_init;
unsigned int cpu_possible_count __ro_after_init = 1;
struct cpumask cpu_online_mask = { .bits = { 1 } };
unsigned int cpu_online_count = 1;

void percpu_save_template(void)
{
	memcpy(percpu_template, percpu_start, (size_t)(percpu_end - percpu_start));
}

void percpu_alloc_areas(unsigned int nr_cpus)
{
	size_t bytes = (size_t)(percpu_end - percpu_start);
	size_t stride = ALIGN_UP(bytes, PAGE_SIZE);
	u64 base;

	while (nr_cpus > 1) {
		base = memmap_carve((nr_cpus - 1) * stride, PAGE_SIZE, BOOT_MAP_LIMIT);
		if (base)
			break;
		nr_cpus--;
	}
	for (unsigned int cpu = 1; cpu < nr_cpus; cpu++) {
		char *area = phys_to_virt((paddr_t){ base + (cpu - 1) * stride });

		memcpy(area, percpu_template, bytes);
		percpu_offset[cpu] = (u64)area - (u64)percpu_start;
		per_cpu(percpu_self_offset, cpu) = percpu_offset[cpu];
		per_cpu(cpu_number, cpu) = cpu;
	}
	cpu_possible_count = nr_cpus;
}
