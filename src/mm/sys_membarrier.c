/* SPDX-License-Identifier: MIT */
/* membarrier: a memory barrier on every CPU that runs threads of a process, on demand. */
#include <arch/ops.h>
#include <kernel/errno.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>

#include "vma.h"

#define CMD_GLOBAL				 1u
#define CMD_GLOBAL_EXPEDITED			 2u
#define CMD_REGISTER_GLOBAL_EXPEDITED		 4u
#define CMD_PRIVATE_EXPEDITED			 8u
#define CMD_REGISTER_PRIVATE_EXPEDITED		 16u
#define CMD_PRIVATE_EXPEDITED_SYNC_CORE		 32u
#define CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE 64u
#define CMD_GET_REGISTRATIONS			 512
#define ALL_CMDS				 127

static void barrier_ipi(void *arg __maybe_unused)
{
	/* The interrupt itself serialises, and IRET on the way out does for instructions. */
	smp_mb();
}

static void barrier_on(const struct cpumask *mask)
{
	smp_mb();
	preempt_disable();
	if (cpu_online_count > 1)
		smp_call_mask(mask, barrier_ipi, NULL);
	preempt_enable();
	smp_mb();
}

SYSCALL(membarrier, int, cmd, u32, flags, int, cpu)
{
	struct mm *mm = current->mm;
	u32 c = (u32)cmd;

	(void)cpu;
	if (flags)
		return -EINVAL;
	switch (c) {
	case 0:
		return ALL_CMDS;
	case CMD_GLOBAL:
		synchronize_rcu();
		return 0;
	case CMD_GLOBAL_EXPEDITED:
		barrier_on(&cpu_online_mask);
		return 0;
	case CMD_REGISTER_GLOBAL_EXPEDITED:
	case CMD_REGISTER_PRIVATE_EXPEDITED:
	case CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		__atomic_fetch_or(&mm->membarrier, c, __ATOMIC_SEQ_CST);
		return 0;
	case CMD_PRIVATE_EXPEDITED:
	case CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		/* The register command's bit is the next one. */
		if (!(READ_ONCE(mm->membarrier) & c << 1))
			return -EPERM;
		barrier_on(&mm->arch.cpus);
		return 0;
	default:
		return -EINVAL;
	}
}
