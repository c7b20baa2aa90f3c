/* SPDX-License-Identifier: MIT */
/* Processor features and per-CPU set-up. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include <kernel/percpu.h>
#include <kernel/types.h>

struct cpuid_regs {
	u32 eax, ebx, ecx, edx;
};
static inline struct cpuid_regs cpuid(u32 leaf, u32 sub)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "a"(leaf), "c"(sub));
	return r;
}

/* What this kernel uses of the boot CPU; other CPUs are expected to be equal. Written once by
 * cpu_features_init(). */
struct cpu_features {
	u32 max_leaf, max_ext_leaf;
	u32 leaf1_ecx, leaf1_edx, leaf7_ebx, leaf7_ecx, leaf7_edx, ext1_ecx, ext1_edx;
	u32 family, model, stepping;
	u32 phys_bits, virt_bits;
	u32 cache_kb;
	char vendor[16], brand[52];
	bool smep, smap, umip, fsgsbase, pge, nx, pcid, invpcid, page1g, x2apic, tsc_deadline,
		tsc_invariant, rdrand, rdseed, xsave, xsaveopt, rdtscp, rdpid, hypervisor,
		cpuid_fault, erms, la57;
};
extern struct cpu_features cpu_features;

void cpu_features_init(void); /* boot CPU: CPUID, then patches the SMAP sites */
void cpu_init_this(void);     /* every CPU: control registers, MSRs; after the GDT */
void gdt_init_this(unsigned int cpu, u64 percpu_base); /* GDT, TSS, IDT, GS of the calling CPU */
void idt_init(void);	      /* fills the table, once */
void percpu_save_template(void);
void percpu_init_boot(void);
/* Carves the areas of CPUs 1..n-1 out of the memory map. */
void percpu_alloc_areas(unsigned int nr_cpus);
void cpu_number_of_apic(unsigned int cpu, u32 apic_id);
extern u32 cpu_apic_id[];

#endif
