/* SPDX-License-Identifier: MIT */
/* What the boot code leaves behind for the memory code and for the start of other CPUs. */
#ifndef ASM_BOOT_H
#define ASM_BOOT_H

#include <arch/mmu.h>
#include <kernel/types.h>

/* Root of the kernel's page tables; the boot CPU runs on it from the first C line. At that time:
 *   slot 0    identity map of the first 4 GiB (same tables as slot 256); the memory code drops it
 *   slot 256  direct map of the first 4 GiB with 2 MiB pages, writable, to be replaced
 *   slot 511  kernel image, 4 KiB pages with their final permissions (arch/x86_64/boot/image_map.c)
 * Everything else is empty. It is page aligned and inside the image: virt_to_phys() works. */
extern pte_t kernel_pgd[PT_ENTRIES];

/* Bounds of the image, in order (kernel.ld). All are page aligned. */
extern char image_start[], text_start[], text_end[], rodata_start[], rodata_end[], ro_init_start[],
	ro_init_end[], data_start[], data_end[], init_start[], init_end[], image_end[];

/* Physical range of the image: RAM that the page allocator must not give out. The part between
 * init_start and init_end is given to it by arch_ro_after_init(). */
static inline u64 image_phys_start(void)
{
	return (u64)image_start - 0xffffffff80000000ul;
}
static inline u64 image_phys_end(void)
{
	return (u64)image_end - 0xffffffff80000000ul;
}

#endif
