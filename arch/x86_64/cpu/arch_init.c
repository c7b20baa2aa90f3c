/* SPDX-License-Identifier: MIT */
/* The steps of the boot that belong to the architecture (src/init/main.c calls them in order). */
#include <arch/irqflags.h>
#include <arch/mmu.h>
#include <arch/ops.h>
#include <arch/thread.h>
#include <asm/acpi.h>
#include <asm/apic.h>
#include <asm/boot.h>
#include <asm/cpu.h>
#include <asm/fpu.h>
#include <asm/msr.h>
#include <asm/smp.h>
#include <kernel/ktest.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/sched.h>

/* Different at every boot, with the low byte zero: strings cannot carry it. Not inlined into a
 * function that checks a canary itself. */
static __attribute__((no_stack_protector)) void canary_init(void)
{
	u64 v = rdtsc(), r;

	if (arch_random_u64(&r))
		v ^= r;
	else
		v *= 0x9e3779b97f4a7c15ull;
	boot_idle_task.stack_canary = v & ~0xffull;
	this_cpu(stack_chk_guard) = boot_idle_task.stack_canary;
}

__attribute__((no_stack_protector)) void arch_early_init(void)
{
	idt_init();
	gdt_init_this(0, 0);
	cpu_features_init();
	cpu_init_this();
	fpu_init_this();
	canary_init();
	boot_idle_task.stack = boot_stack;
	boot_idle_task.thread.kstack_top = (u64)boot_stack_top;
	acpi_init_early();
	smp_prepare();
}

void arch_init_interrupts(void)
{
	/* The loader's stack had none below; from here on an overflow is caught. */
	kunmap_range((u64)boot_stack_guard, PAGE_SIZE);
	fpu_init();
	pic_disable();
	lapic_init();
	ioapic_init();
}

void arch_cpu_halt_wait(void)
{
	/* STI takes effect after the next instruction: no interrupt can come between the two. */
	__asm__ volatile("sti; hlt" ::: "memory");
}

/* Pages of the image that nobody needs any more go to the page allocator. */
static void free_init(void)
{
	u64 n = 0;

	for (char *va = __init_start; va < __init_end; va += PAGE_SIZE) {
		struct page *p = virt_to_page(va);

		page_clear(p, PG_RESERVED);
		atomic_set(&p->refs, 1);
		page_put(p);
		n += PAGE_SIZE / 1024;
	}
	log_info("init", "%llu KiB of boot code and data freed", (unsigned long long)n);
}

void arch_ro_after_init(void)
{
	u64 text = (u64)__text_end - (u64)__text_start;
	u64 ro = (u64)__ro_after_init_end - (u64)__rodata_start;

	kunmap_range((u64)__init_start, (u64)__init_end - (u64)__init_start);
	kprotect_range((u64)__ro_after_init_start,
		       (u64)__ro_after_init_end - (u64)__ro_after_init_start, KPROT_RO);
	/* The same pages through the direct map. */
	kprotect_range((u64)phys_to_virt(virt_to_phys(__text_start)), text, KPROT_RO);
	kprotect_range((u64)phys_to_virt(virt_to_phys(__rodata_start)), ro, KPROT_RO);
	free_init();
}
