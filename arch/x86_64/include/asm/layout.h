/* SPDX-License-Identifier: MIT */
/* Offsets that assembly uses; C asserts each of them (sched/context.c, cpu/gdt.c). */
#ifndef ASM_LAYOUT_H
#define ASM_LAYOUT_H

/* struct user_regs */
#define R_RDI 0x70
#define R_RAX 0x50
#define R_ORIG_RAX 0x78
#define R_RIP 0x80
#define R_CS 0x88
#define R_RFLAGS 0x90
#define R_RSP 0x98
#define R_SIZE 0xa8

/* struct task */
#define TASK_KSP 0x00
#define TASK_KSTACK_TOP 0x08
#define TASK_WORK 0x50

/* GS-relative, in cpu_tss_block: the stack of entries from user mode is the TSS's rsp0. */
#define TSS_RSP0 8

#ifdef __ASSEMBLY__
/* The part of struct user_regs below rdi; the caller has pushed down to rdi. RAX: what goes into
 * the frame's rax. */
.macro PUSH_REGS rax=%rax
	push %rsi
	push %rdx
	push %rcx
	push \rax
	push %r8
	push %r9
	push %r10
	push %r11
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
.endm
/* All of them, rdi too; then rsp points at orig_rax. */
.macro POP_REGS
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rax
	pop %rcx
	pop %rdx
	pop %rsi
	pop %rdi
.endm
#endif

#endif
