/* SPDX-License-Identifier: MIT */
/* Where every other CPU starts: in real mode, in a page below 1 MiB that this code was copied to.
 * It is position independent up to the far pointers and table bases, which smp.c patches for the
 * page. EBX holds the page's address once segments are flat. */
#include <asm/msr.h>
#include <asm/segment.h>

#define OFF(sym) ((sym) - trampoline_start)

	.section .rodata.trampoline, "a", @progbits
	.balign 16
	.globl trampoline_start, trampoline_end
trampoline_start:
	.code16
	cli
	cld
	mov %cs, %ax
	mov %ax, %ds
	xor %ebx, %ebx
	mov %ax, %bx
	shl $4, %ebx
	lgdtl OFF(tramp_gdt_desc)
	mov $(CR0_PE | CR0_ET), %eax
	mov %eax, %cr0
	ljmpl *OFF(trampoline_far32)

	.code32
trampoline_32:
	mov $KERNEL_DS, %eax
	mov %eax, %ds
	mov %eax, %ss
	mov $(CR4_PAE | CR4_PGE), %eax
	mov %eax, %cr4
	mov OFF(trampoline_cr3)(%ebx), %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	rdmsr
	or $(EFER_LME | EFER_NXE | EFER_SCE), %eax
	wrmsr
	mov $(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG), %eax
	mov %eax, %cr0
	ljmpl *OFF(trampoline_far64)(%ebx)

	.code64
trampoline_64:
	mov %ebx, %ebx
	mov OFF(trampoline_stack)(%rbx), %rsp
	mov OFF(trampoline_gs)(%rbx), %rax
	mov %rax, %rdx
	shr $32, %rdx
	mov $MSR_GS_BASE, %ecx
	wrmsr
	xor %ebp, %ebp
	mov OFF(trampoline_entry)(%rbx), %rax
	push %rbp
	push %rbp
	jmp *%rax

	.balign 8
	.globl trampoline_far32, trampoline_far64, trampoline_gdt_base, trampoline_cr3
	.globl trampoline_stack, trampoline_gs, trampoline_entry
trampoline_far32:
	.long OFF(trampoline_32)
	.short 0x08
	.short 0
trampoline_far64:
	.long OFF(trampoline_64)
	.short KERNEL_CS
tramp_gdt_desc:
	.short 4 * 8 - 1
trampoline_gdt_base:
	.long OFF(tramp_gdt)
	.balign 8
tramp_gdt:
	.quad 0
	.quad 0x00cf9b000000ffff		/* 0x08 32-bit code */
	.quad 0x00af9b000000ffff		/* 0x10 64-bit code */
	.quad 0x00cf93000000ffff		/* 0x18 data */
trampoline_cr3:	.quad 0
trampoline_stack: .quad 0
trampoline_gs:	.quad 0
trampoline_entry: .quad 0
trampoline_end:

	.section .note.GNU-stack, "", @progbits
