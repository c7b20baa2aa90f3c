/* SPDX-License-Identifier: MIT */
/* FS and GS of user code: bases and selectors.
 *
 * User code may change its bases with WRFSBASE and WRGSBASE whenever the CPU has them, and by
 * loading a selector always. So the registers are the truth while a thread runs, and its struct
 * arch_thread while it does not. In the kernel the user's GS base is in KERNEL_GS_BASE; with
 * FSGSBASE it is reached by a pair of SWAPGS, which needs interrupts off (an NMI finds its base by
 * itself). */
#include <arch/irqflags.h>
#include <arch/ops.h>
#include <arch/thread.h>
#include <asm/cpu.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <kernel/errno.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#include "context.h"

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004
#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012

static inline u64 read_fs_base(void)
{
	u64 v;

	if (!cpu_features.fsgsbase)
		return rdmsr(MSR_FS_BASE);
	__asm__ volatile("rdfsbase %0" : "=r"(v));
	return v;
}
static inline void write_fs_base(u64 v)
{
	if (cpu_features.fsgsbase)
		__asm__ volatile("wrfsbase %0" ::"r"(v));
	else
		wrmsr(MSR_FS_BASE, v);
}
/* Both with interrupts off. */
static inline u64 read_user_gs_base(void)
{
	u64 v;

	if (!cpu_features.fsgsbase)
		return rdmsr(MSR_KERNEL_GS_BASE);
	__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(v));
	return v;
}
static inline void write_user_gs_base(u64 v)
{
	if (cpu_features.fsgsbase)
		__asm__ volatile("swapgs; wrgsbase %0; swapgs" ::"r"(v));
	else
		wrmsr(MSR_KERNEL_GS_BASE, v);
}

/* All four selectors in one word: nearly always 0. */
static inline u64 read_selectors(void)
{
	u16 ds, es, fs, gs;

	__asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
			 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	return (u64)ds | (u64)es << 16 | (u64)fs << 32 | (u64)gs << 48;
}

/* A selector whose descriptor cannot be loaded never got into a register: loading cannot fault. */
static void write_selectors(u64 v)
{
	__asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%fs" ::"r"((u16)v),
			 "r"((u16)(v >> 16)), "r"((u16)(v >> 32)));
	__asm__ volatile("swapgs; mov %0, %%gs; swapgs" ::"r"((u16)(v >> 48)) : "memory");
}

static inline u64 saved_selectors(const struct task *t)
{
	const struct arch_thread *h = &t->thread;

	return (u64)h->ds | (u64)h->es << 16 | (u64)h->fs << 32 | (u64)h->gs << 48;
}
static inline void save_selectors(struct task *t, u64 v)
{
	t->thread.ds = (u16)v;
	t->thread.es = (u16)(v >> 16);
	t->thread.fs = (u16)(v >> 32);
	t->thread.gs = (u16)(v >> 48);
}

void user_bases_switch(struct task *prev, struct task *next)
{
	u64 sel = read_selectors(), want;

	/* Threads without vector state have no user state at all. */
	if (prev->thread.fpu) {
		prev->thread.fs_base = read_fs_base();
		prev->thread.gs_base = read_user_gs_base();
		save_selectors(prev, sel);
	}
	if (!next->thread.fpu)
		return;
	want = saved_selectors(next);
	if (unlikely(sel != want))
		write_selectors(want);
	write_fs_base(next->thread.fs_base);
	write_user_gs_base(next->thread.gs_base);
}

void user_bases_copy(struct task *child)
{
	irqflags_t f = irq_save();

	child->thread.fs_base = current->thread.fpu ? read_fs_base() : 0;
	child->thread.gs_base = current->thread.fpu ? read_user_gs_base() : 0;
	save_selectors(child, current->thread.fpu ? read_selectors() : 0);
	irq_restore(f);
}

void user_bases_reset(void)
{
	irqflags_t f = irq_save();

	if (read_selectors())
		write_selectors(0);
	write_fs_base(0);
	write_user_gs_base(0);
	irq_restore(f);
}

static long set_cpuid_faulting(u64 on)
{
	/* The MSR that makes CPUID fault exists on few processors: Linux's answer for the rest. */
	return on > 1 ? -EINVAL : -ENODEV;
}

long arch_prctl_call(int op, u64 arg)
{
	irqflags_t f;
	u64 v;

	switch (op) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (arg >= 0x00007ffffffff000ull)
			return -EPERM;
		f = irq_save();
		if (op == ARCH_SET_FS) {
			if (read_selectors() >> 32 & 0xffff)
				__asm__ volatile("mov %0, %%fs" ::"r"((u16)0));
			write_fs_base(arg);
		} else {
			if (read_selectors() >> 48)
				__asm__ volatile("swapgs; mov %0, %%gs; swapgs" ::"r"((u16)0)
						 : "memory");
			write_user_gs_base(arg);
		}
		irq_restore(f);
		return 0;
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		f = irq_save();
		v = op == ARCH_GET_FS ? read_fs_base() : read_user_gs_base();
		irq_restore(f);
		return put_user_u64(v, USER_PTR(arg));
	case ARCH_GET_CPUID:
		return 1;
	case ARCH_SET_CPUID:
		return set_cpuid_faulting(arg);
	default:
		return -EINVAL;
	}
}

SYSCALL(arch_prctl, int, op, u64, arg)
{
	return arch_prctl_call(op, arg);
}
