/* SPDX-License-Identifier: MIT */
/* From a loader's 32-bit protected mode to C in long mode.
 *
 * Both entries have: flat segments, paging off, interrupts off, EBX = physical address of the
 * loader's information. The code runs at physical addresses until the jump to the image's own.
 * Builds the tables that asm/boot.h describes.
 * AMD64 APM vol. 2, 14.6: PAE, CR3, EFER.LME, PG, far jump. */
#include <asm/msr.h>
#include <asm/segment.h>

#define PHYS(sym) ((sym) - 0xffffffff80000000)
#define PTE_TABLE 0x03			/* present, writable */
#define PTE_LARGE 0xe3			/* + accessed, dirty, page size */

	.section .boot.text, "ax", @progbits
	.code32
	.globl multiboot_entry, pvh_entry
pvh_entry:
	mov $0, %eax
multiboot_entry:
	cli
	cld
	mov $PHYS(boot_stack_top), %esp
	mov %eax, %ebp				/* loader's magic, 0 for PVH */
	mov %ebx, %esi				/* its information */

	mov $0x80000000, %eax
	cpuid
	cmp $0x80000001, %eax
	jb too_old
	mov $0x80000001, %eax
	cpuid
	bt $29, %edx				/* long mode */
	jnc too_old
	bt $20, %edx				/* no-execute pages */
	jnc too_old

	/* boot_pgd: identity, direct map, image */
	mov $PHYS(boot_pud_low), %eax
	or $PTE_TABLE, %eax
	mov %eax, PHYS(boot_pgd)
	mov %eax, PHYS(boot_pgd) + 256 * 8
	mov $PHYS(boot_pud_image), %eax
	or $PTE_TABLE, %eax
	mov %eax, PHYS(boot_pgd) + 511 * 8

	mov $PHYS(boot_pd), %eax
	or $PTE_TABLE, %eax
	mov %eax, PHYS(boot_pud_image) + 510 * 8
	mov $PHYS(boot_pud_low), %edi
	mov $4, %ecx
1:	mov %eax, (%edi)
	add $0x1000, %eax
	add $8, %edi
	loop 1b

	mov $PHYS(boot_pd), %edi
	mov $PTE_LARGE, %eax
	mov $2048, %ecx
2:	mov %eax, (%edi)
	add $0x200000, %eax
	add $8, %edi
	loop 2b

	mov $(CR4_PAE | CR4_PGE), %eax
	mov %eax, %cr4
	mov $PHYS(boot_pgd), %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	rdmsr
	or $(EFER_LME | EFER_NXE | EFER_SCE), %eax
	wrmsr
	mov $(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG), %eax
	mov %eax, %cr0
	lgdt PHYS(boot_gdt_desc)
	ljmp $KERNEL_CS, $PHYS(long_mode)

/* No way to go on: say so on the first serial port and on the text screen. */
too_old:
	mov $PHYS(too_old_text), %esi
	mov $0xb8000, %edi
3:	lodsb
	test %al, %al
	jz 4f
	mov $0x3f8, %dx
	out %al, %dx
	mov $0x0f, %ah
	stosw
	jmp 3b
4:	hlt
	jmp 4b

	.code64
long_mode:
	mov $KERNEL_DS, %eax
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %fs
	mov %eax, %gs
	mov $high, %rax
	jmp *%rax
high:
	/* Per-CPU base 0: the boot CPU's area is the linked one. */
	xor %eax, %eax
	xor %edx, %edx
	mov $MSR_GS_BASE, %ecx
	wrmsr
	mov $boot_stack_top, %rsp
	mov %ebp, %edi
	mov %esi, %esi
	xor %ebp, %ebp				/* end of frame chain */
	push %rbp
	push %rbp
	call boot_main
	ud2

	.section .boot.rodata, "a", @progbits
too_old_text:
	.asciz "Keelson needs a 64-bit processor with no-execute pages.\r\n"
	.balign 8
boot_gdt:
	.quad 0, 0
	.quad 0x00af9b000000ffff		/* 0x10 code */
	.quad 0x00cf93000000ffff		/* 0x18 data */
boot_gdt_end:
boot_gdt_desc:
	.short boot_gdt_end - boot_gdt - 1
	.long PHYS(boot_gdt)

	.section .bss.boot_tables, "aw", @nobits
	.balign 4096
	.globl boot_pgd, boot_pud_low, boot_pud_image, boot_stack, boot_stack_top
boot_pgd:	.skip 4096
boot_pud_low:	.skip 4096
boot_pud_image:	.skip 4096
boot_pd:	.skip 4 * 4096
/* Stack of the boot CPU, later of its idle task. The page below it is unmapped once the kernel has
 * its own page tables. */
boot_stack_guard: .skip 4096
	.globl boot_stack_guard
boot_stack:
#ifdef CONFIG_KASAN
	.skip 32768
#else
	.skip 16384
#endif
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
