/* SPDX-License-Identifier: MIT */
/* What the boot code leaves behind.
 *
 * boot_pgd is the root of the page tables that entry64.S builds and the boot CPU runs on until
 * mm_init_early switches to its own (kernel_pgd):
 *   slot 0    identity map of the first 4 GiB (same tables as slot 256)
 *   slot 256  direct map of the first 4 GiB with 2 MiB pages, writable
 *   slot 511  kernel image with 2 MiB pages, writable and executable
 * The identity tables stay: starting CPUs come through them (smp/smp.c). */
#ifndef ASM_BOOT_H
#define ASM_BOOT_H

#include <arch/mmu.h>
#include <arch/sections.h>
#include <kernel/types.h>

extern pte_t boot_pgd[PT_ENTRIES], boot_pud_low[PT_ENTRIES];
extern char boot_stack_guard[], boot_stack[], boot_stack_top[];

static inline u64 image_phys_start(void)
{
	return (u64)__image_start - 0xffffffff80000000ul;
}
static inline u64 image_phys_end(void)
{
	return (u64)__image_end - 0xffffffff80000000ul;
}

#endif
