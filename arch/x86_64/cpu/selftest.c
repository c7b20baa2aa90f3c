/* SPDX-License-Identifier: MIT */
/* Self-tests of what the hardware was told: page rights, control registers, calls between CPUs. */
#include <arch/mmu.h>
#include <arch/ops.h>
#include <arch/sections.h>
#include <asm/cpu.h>
#include <asm/fpu.h>
#include <asm/msr.h>
#include <kernel/atomic.h>
#include <kernel/ktest.h>
#include <kernel/lock.h>
#include <kernel/page.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/time.h>

/* Leaves of the kernel half below `table` that are both writable and executable. */
static unsigned int count_wx(const pte_t *table, unsigned int shift, unsigned int first)
{
	unsigned int n = 0;

	for (unsigned int i = first; i < PT_ENTRIES; i++) {
		pte_t e = pte_read(&table[i]);

		if (!pte_present(e))
			continue;
		if (shift == PT_SHIFT || (shift < PGD_SHIFT && (e.v & PTE_PS)))
			n += (e.v & PTE_W) && !(e.v & PTE_NX);
		else
			n += count_wx(pte_table(e), shift - 9, 0);
	}
	return n;
}

KTEST(arch_no_page_writable_and_executable)
{
	KTEST_EXPECT(count_wx(kernel_pgd, PGD_SHIFT, PT_ENTRIES / 2) == 0);
}

/* The leaf entry of a kernel address; zero when nothing is mapped. */
static pte_t leaf_of(u64 va)
{
	const pte_t *table = kernel_pgd;

	for (unsigned int shift = PGD_SHIFT;; shift -= 9) {
		pte_t e = pte_read(&table[pt_index(va, shift)]);

		if (!pte_present(e))
			return (pte_t){ 0 };
		if (shift == PT_SHIFT || (shift < PGD_SHIFT && (e.v & PTE_PS)))
			return e;
		table = pte_table(e);
	}
}

static unsigned int count_writable(const char *from, const char *to)
{
	unsigned int n = 0;

	for (u64 va = (u64)from; va < (u64)to; va += PAGE_SIZE) {
		pte_t e = leaf_of(va), alias = leaf_of((u64)phys_to_virt(virt_to_phys((void *)va)));

		n += !pte_present(e) || pte_write(e) || pte_write(alias);
	}
	return n;
}

KTEST(arch_code_and_constants_read_only)
{
	KTEST_EXPECT(count_writable(__text_start, __text_end) == 0);
	KTEST_EXPECT(count_writable(__rodata_start, __rodata_end) == 0);
	KTEST_EXPECT(count_writable(__ro_after_init_start, __ro_after_init_end) == 0);
}

KTEST(arch_boot_code_is_gone)
{
	for (u64 va = (u64)__init_start; va < (u64)__init_end; va += PAGE_SIZE)
		KTEST_EXPECT(!pte_present(leaf_of(va)));
}

KTEST(arch_low_half_of_kernel_root_is_empty)
{
	for (unsigned int i = 0; i < PT_ENTRIES / 2; i++)
		KTEST_EXPECT(pte_none(kernel_pgd[i]));
}

KTEST(arch_protections_are_on)
{
	const struct cpu_features *f = &cpu_features;
	u64 cr4 = read_cr4();

	KTEST_EXPECT(read_cr0() & CR0_WP);
	KTEST_EXPECT(rdmsr(MSR_EFER) & EFER_NXE);
	KTEST_EXPECT(!f->smep || (cr4 & CR4_SMEP));
	KTEST_EXPECT(!f->smap || (cr4 & CR4_SMAP));
	KTEST_EXPECT(!f->umip || (cr4 & CR4_UMIP));
	KTEST_EXPECT(!f->fsgsbase || (cr4 & CR4_FSGSBASE));
}

KTEST(arch_guard_pages_under_stacks)
{
	KTEST_EXPECT(!pte_present(leaf_of((u64)current->stack - 1)));
	for_each_online_cpu(c)
		KTEST_EXPECT(!pte_present(leaf_of((u64)idle_task(c)->stack - 1)));
}

KTEST(arch_function_names)
{
	char name[64];

	KTEST_EXPECT(!IS_ENABLED(CONFIG_KSYMS) || ksym_lookup((u64)arch_random_u64 + 1, name, 64));
	KTEST_EXPECT(!IS_ENABLED(CONFIG_KSYMS) || str_has_prefix(name, "arch_random_u64+0x1/"));
	KTEST_EXPECT(!ksym_lookup(0x1000, name, sizeof(name)));
}

static void count_call(void *arg)
{
	atomic_inc(arg);
}

KTEST(arch_calls_reach_all_cpus)
{
	atomic_t n = ATOMIC_INIT(0);

	for (int i = 0; i < 100; i++)
		smp_call_all(count_call, &n);
	KTEST_EXPECT(atomic_read(&n) == 100 * (int)cpu_online_count);
}

KTEST(arch_clock_runs_forward)
{
	u64 last = ktime_get();

	for (int i = 0; i < 10000; i++) {
		u64 now = ktime_get();

		KTEST_EXPECT(now >= last);
		last = now;
	}
	udelay(1000);
	KTEST_EXPECT(ktime_get() - last >= 1000 * NSEC_PER_USEC);
}

KTEST(arch_fpu_area_fits_signal_frame)
{
	KTEST_EXPECT(fpu_area_size >= 512);
	KTEST_EXPECT(arch_min_sigframe() > fpu_area_size + 440);
	KTEST_EXPECT(!cpu_features.xsave || (fpu_features & 3) == 3);
}
