/* SPDX-License-Identifier: MIT */
/* Segments, task-state segment and interrupt stacks of each CPU. */
#include <asm/boot.h>
#include <asm/cpu.h>
#include <asm/layout.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/traps.h>
#include <kernel/compiler.h>
#include <kernel/page.h>

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap;
} __packed;

/* The padding puts rsp0, which every context switch writes, on an 8-byte boundary. */
struct cpu_tss_block {
	u32 pad;
	struct tss tss;
} __aligned(64);
_Static_assert(offsetof(struct cpu_tss_block, tss.rsp) == TSS_RSP0, "entry code knows rsp0");

/* Stacks of NMI, double fault and machine check: they may strike when the stack pointer is not the
 * kernel's. The top two words hold the CPU's GS base for the entry code. */
#define IST_SIZE (IS_ENABLED(CONFIG_KASAN) ? 8192 : 4096)
struct ist_stacks {
	u8 stack[IST_COUNT][IST_SIZE];
} __aligned(4096);

DEFINE_PER_CPU(struct cpu_tss_block, cpu_tss_block);
DEFINE_PER_CPU(struct ist_stacks, ist_stacks);
static DEFINE_PER_CPU(u64, cpu_gdt[GDT_ENTRIES]) __aligned(64);

struct desc_ptr {
	u16 limit;
	u64 base;
} __packed;

static void gdt_fill(u64 *gdt, const struct tss *tss, unsigned int cpu)
{
	u64 base = (u64)tss, limit = sizeof(*tss) - 1;

	gdt[KERNEL_CS / 8] = 0x00af9b000000ffffull;
	gdt[KERNEL_DS / 8] = 0x00cf93000000ffffull;
	gdt[USER_DS / 8] = 0x00cff3000000ffffull;
	gdt[USER_CS / 8] = 0x00affb000000ffffull;
	gdt[TSS_SEL / 8] = limit | (base & 0xffffff) << 16 | 0x89ull << 40 |
			   ((base >> 24) & 0xff) << 56;
	gdt[TSS_SEL / 8 + 1] = base >> 32;
	/* Data segment, byte granular, DPL 3: its limit is the CPU number. */
	gdt[CPU_SEL / 8] = (cpu & 0xffff) | 0xf5ull << 40 | ((u64)cpu & 0xf0000) << 32;
}

void gdt_init_this(unsigned int cpu, u64 percpu_base)
{
	struct cpu_tss_block *block = per_cpu_ptr(&cpu_tss_block, cpu);
	struct ist_stacks *ist = per_cpu_ptr(&ist_stacks, cpu);
	u64 *gdt = *per_cpu_ptr(&cpu_gdt, cpu);
	struct desc_ptr ptr = { .limit = GDT_ENTRIES * 8 - 1, .base = (u64)gdt };

	block->tss.iomap = sizeof(struct tss);
	for (unsigned int i = 0; i < IST_COUNT; i++) {
		u64 *top = (u64 *)(ist->stack[i] + IST_SIZE - 16);

		top[0] = percpu_base;
		block->tss.ist[i] = (u64)top;
	}
	gdt_fill(gdt, &block->tss, cpu);
	__asm__ volatile("lgdt %0" ::"m"(ptr));
	__asm__ volatile("pushq %0\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "movl %1, %%ss\n\t"
			 "movl %2, %%ds\n\t"
			 "movl %2, %%es\n\t"
			 "movl %2, %%fs\n\t"
			 "movl %2, %%gs\n\t"
			 "ltr %w3" ::"i"(KERNEL_CS),
			 "r"(KERNEL_DS), "r"(0), "r"(TSS_SEL)
			 : "rax", "memory");
	wrmsr(MSR_GS_BASE, percpu_base);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	idt_load();
}
