/* SPDX-License-Identifier: MIT */
/* SYSCALL. The CPU saved rip in rcx and rflags in r11, and masked rflags with MSR_FMASK (interrupts
 * off, AC and DF clear); it changed neither stack nor GS.
 *
 * The frame on the kernel stack is a whole struct user_regs. On the way out nothing has to be
 * reloaded that C preserves; whoever rewrites the frame sets WORK_FULL_REGS, which leads to IRET.
 *
 * SYSRET faults in kernel mode when rcx is not canonical. On the short way out rcx is the address
 * behind a SYSCALL instruction in user memory, and no page is ever mapped above USER_END, so it is
 * below 2^47. */
#include <asm/layout.h>
#include <asm/segment.h>

	.section .text.entry, "ax", @progbits

	.balign 64
	.globl syscall_entry
	.type syscall_entry, @function
syscall_entry:
	swapgs
	mov %rsp, %gs:syscall_user_rsp
	mov %gs:cpu_tss_block + TSS_RSP0, %rsp
	push $USER_DS
	push %gs:syscall_user_rsp
	push %r11
	push $USER_CS
	push %rcx
	push %rax
	push %rdi
	PUSH_REGS
	sti
	mov %rsp, %rdi
	mov %eax, %eax				/* Linux looks at 32 bits, too */
	cmp $512, %eax
	jae 3f
	call *syscall_table(, %rax, 8)
1:	cli
	mov %gs:current_task, %rcx
	cmpl $0, TASK_WORK(%rcx)
	jne 2f
	mov 0x38(%rsp), %r10
	mov 0x40(%rsp), %r9
	mov 0x48(%rsp), %r8
	mov 0x60(%rsp), %rdx
	mov 0x68(%rsp), %rsi
	mov R_RDI(%rsp), %rdi
	mov R_RIP(%rsp), %rcx
	mov R_RFLAGS(%rsp), %r11
	mov R_RSP(%rsp), %rsp
	swapgs
	sysretq
2:	mov %rax, R_RAX(%rsp)
	jmp return_to_user
3:	call syscall_other
	jmp 1b
	.size syscall_entry, . - syscall_entry

/* SYSCALL in 32-bit code, which cannot run here: no segment for it exists. */
	.globl syscall_entry_compat
	.type syscall_entry_compat, @function
syscall_entry_compat:
	mov $-38, %eax
	sysretl
	.size syscall_entry_compat, . - syscall_entry_compat

	.section .note.GNU-stack, "", @progbits
