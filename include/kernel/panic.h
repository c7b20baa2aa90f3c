/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <kernel/assert.h>

struct user_regs;

/* panic() for a fault: shows these registers and unwinds from them. */
void panic_regs(const struct user_regs *regs, const char *fmt, ...)
	__noreturn __printf(2, 3) __cold;
/* A panic is under way: locks may be left held by CPUs that were stopped. */
bool panic_in_progress(void);

#endif
