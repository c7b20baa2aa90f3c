/* SPDX-License-Identifier: MIT */
/* Register frame of an entry into the kernel from anywhere. */
#ifndef ARCH_REGS_H
#define ARCH_REGS_H
#include <kernel/types.h>

/* Lowest address first, as the entry code pushes it. orig_rax: system call number, or the hardware
 * error code, or -1 for an interrupt. */
struct user_regs {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax;
	u64 rip, cs, rflags, rsp, ss;
};

static inline bool regs_from_user(const struct user_regs *r)
{
	return (r->cs & 3) == 3;
}

#endif
