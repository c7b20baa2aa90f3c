/* SPDX-License-Identifier: MIT */
#ifndef ASM_THREAD_H
#define ASM_THREAD_H

#include <kernel/types.h>

/* Offsets of the first two fields are known to the entry and switch code (asserted in
 * sched/context.c). All are the task's own or, while it does not run, the scheduler's. */
struct arch_thread {
	u64 ksp;	/* saved kernel stack pointer while not running */
	u64 kstack_top; /* what entry from user mode loads */
	u64 fs_base, gs_base; /* user values while not running; with FSGSBASE only then */
	void *fpu;	/* XSAVE area, 64-byte aligned; NULL for kernel threads */
	u32 fpu_cpu;	/* CPU whose vector registers last held it; ~0 none */
	u16 ds, es, fs, gs; /* user selectors while not running */
	u64 cr2, trap_nr, error_code; /* of the last fault, for signal frames */
};

#endif
