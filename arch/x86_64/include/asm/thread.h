/* SPDX-License-Identifier: MIT */
#ifndef ASM_THREAD_H
#define ASM_THREAD_H

#include <kernel/types.h>

/* Offsets of the first three fields are known to the entry and switch code (asserted in
 * sched/context.c). */
struct arch_thread {
	u64 ksp;	/* saved kernel stack pointer while not running */
	u64 kstack_top; /* what entry from user mode loads */
	u64 fs_base, gs_base;
	void *fpu;	/* XSAVE area, 64-byte aligned; NULL for kernel threads */
	u64 cr2, trap_nr, error_code; /* of the last fault, for signal frames */
};

#endif
