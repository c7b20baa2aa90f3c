/* SPDX-License-Identifier: MIT */
/* Entries from exceptions and interrupts, and the one way back to user mode.
 *
 * Every vector has a 16-byte stub that completes the hardware frame to the same shape (error code,
 * or -1) and pushes its number; the number's slot becomes rdi's. Three common paths:
 *   exceptions   trap_dispatch, irq_dispatch: GS is swapped when user code was interrupted
 *   NMI, double fault, machine check: own stacks (IST), may strike anywhere, even between the entry
 *                of a system call and its SWAPGS; GS base is loaded from the top of the IST stack
 *                and put back at the end
 *   return_to_user: interrupts off, work tested once more after every piece of work */
#include <asm/layout.h>
#include <asm/msr.h>
#include <asm/smap.h>
#include <asm/traps.h>

/* Vectors for which the CPU pushes an error code. */
#define ERROR_CODES                                                                                \
	(1 << VEC_DF | 1 << VEC_TS | 1 << VEC_NP | 1 << VEC_SS | 1 << VEC_GP | 1 << VEC_PF |       \
	 1 << VEC_AC | 1 << VEC_CP)

	.section .text.entry, "ax", @progbits

	.globl entry_code_start, entry_code_end
entry_code_start:
	.balign 16
	.globl vector_stubs
vector_stubs:
	vector = 0
	.rept 256
	.balign 16
	has_code = 0
	.if vector < 32				/* the assembler evaluates both sides of && */
	has_code = (ERROR_CODES >> vector) & 1
	.endif
	.if has_code == 0
	push $-1
	.endif
	push $vector
	.if vector == VEC_NMI || vector == VEC_MC || vector == VEC_DF
	jmp ist_entry
	.elseif vector < 32
	jmp trap_entry
	.else
	jmp irq_entry
	.endif
	vector = vector + 1
	.endr
	.balign 16

	.macro ENTER
	push %rsi
	mov 8(%rsp), %rsi			/* vector */
	mov %rdi, 8(%rsp)
	push %rdx
	push %rcx
	push %rax
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
	cld
	ASM_CLAC
	mov %rsp, %rdi
	.endm

	.globl trap_entry
	.type trap_entry, @function
trap_entry:
	ENTER
	testb $3, R_CS(%rsp)
	jz 1f
	swapgs
	xor %ebp, %ebp
	call trap_dispatch
	jmp return_to_user
1:	call trap_dispatch
	POP_REGS
	add $8, %rsp
	iretq
	.size trap_entry, . - trap_entry

	.globl irq_entry
	.type irq_entry, @function
irq_entry:
	ENTER
	testb $3, R_CS(%rsp)
	jz 1f
	swapgs
	xor %ebp, %ebp
	call irq_dispatch
	jmp return_to_user
1:	call irq_dispatch
	POP_REGS
	add $8, %rsp
	iretq
	.size irq_entry, . - irq_entry

/* The frame of the current task is at RSP; any interrupt state. */
	.globl return_to_user
	.type return_to_user, @function
return_to_user:
	cli
	mov %gs:current_task, %rax
	cmpl $0, TASK_WORK(%rax)
	jne 2f
1:	POP_REGS
	swapgs
	add $8, %rsp
	iretq
2:	mov %rsp, %rdi
	call exit_slow_path
	jmp 1b
	.size return_to_user, . - return_to_user

	.globl ist_entry
	.type ist_entry, @function
ist_entry:
	ENTER
	mov %rsi, %r12				/* vector */
	mov $MSR_GS_BASE, %ecx
	rdmsr
	mov %eax, %r13d
	mov %edx, %r14d
	mov R_SIZE(%rsp), %rax			/* this CPU's, at the top of the stack */
	mov %rax, %rdx
	shr $32, %rdx
	wrmsr
	mov %rsp, %rdi
	mov %r12, %rsi
	call nmi_dispatch
	mov $MSR_GS_BASE, %ecx
	mov %r13d, %eax
	mov %r14d, %edx
	wrmsr
	POP_REGS
	add $8, %rsp
	iretq
	.size ist_entry, . - ist_entry
entry_code_end:

	.section .note.GNU-stack, "", @progbits
