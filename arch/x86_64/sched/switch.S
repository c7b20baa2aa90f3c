/* SPDX-License-Identifier: MIT */
/* From one kernel stack to another. */
#include <asm/layout.h>

	.section .text.entry, "ax", @progbits

/* struct task *switch_stacks(struct task *prev, struct task *next)
 * Returns on next's stack, in next's own earlier call, with prev of this one. */
	.globl switch_stacks
	.type switch_stacks, @function
switch_stacks:
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, TASK_KSP(%rdi)
	mov TASK_KSP(%rsi), %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	mov %rdi, %rax
	ret
	.size switch_stacks, . - switch_stacks

/* First instructions of a kernel thread: RBX = function, R12 = argument, RAX = previous task. */
	.globl kernel_thread_start
	.type kernel_thread_start, @function
kernel_thread_start:
	mov %rax, %rdi
	call schedule_tail
	sti
	mov %r12, %rdi
	call *%rbx
	xor %edi, %edi
	call do_exit
	ud2
	.size kernel_thread_start, . - kernel_thread_start

/* First instructions of a user thread: its register frame is at the top of this stack. */
	.globl user_thread_start
	.type user_thread_start, @function
user_thread_start:
	mov %rax, %rdi
	call schedule_tail
	jmp return_to_user
	.size user_thread_start, . - user_thread_start

/* void arch_enter_user(void) */
	.globl arch_enter_user
	.type arch_enter_user, @function
arch_enter_user:
	cli
	mov %gs:cpu_tss_block + TSS_RSP0, %rsp
	sub $R_SIZE, %rsp
	jmp return_to_user
	.size arch_enter_user, . - arch_enter_user

	.section .note.GNU-stack, "", @progbits
