/* SPDX-License-Identifier: MIT */
/* Kernel stacks and register state of threads: how a thread begins, how the CPU goes from one to
 * another. Layout of a stack, from the top: the user register frame (task_regs), then calls. A
 * thread that never ran has below the frame what switch_stacks pops. */
#include <arch/thread.h>
#include <asm/cpu.h>
#include <asm/fpu.h>
#include <asm/layout.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <asm/smp.h>
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "context.h"

_Static_assert(offsetof(struct task, thread.ksp) == TASK_KSP, "switch.S");
_Static_assert(offsetof(struct task, thread.kstack_top) == TASK_KSTACK_TOP, "switch.S");
_Static_assert(offsetof(struct task, work) == TASK_WORK, "entry.S");
_Static_assert(sizeof(struct user_regs) == R_SIZE, "entry.S");
_Static_assert(offsetof(struct user_regs, rip) == R_RIP, "entry.S");
_Static_assert(offsetof(struct user_regs, rax) == R_RAX, "entry.S");
_Static_assert(offsetof(struct user_regs, orig_rax) == R_ORIG_RAX, "entry.S");

/* What switch_stacks pops, lowest address first. */
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp, rip;
};

/* The hardware's name for the word that entries from user mode load: rsp0 of this CPU's TSS. */
extern u8 cpu_tss_block[];

static inline void set_entry_stack(u64 top)
{
	__asm__ volatile("movq %0, %%gs:cpu_tss_block + %c1" ::"r"(top), "i"(TSS_RSP0) : "memory");
}

/* The canary changes in here, so no function that spans the switch may check one. */
__attribute__((no_stack_protector)) struct task *arch_switch(struct task *prev, struct task *next)
{
	fpu_switch(prev, next);
	user_bases_switch(prev, next);
	set_entry_stack(next->thread.kstack_top);
	this_cpu(stack_chk_guard) = next->stack_canary;
	this_cpu(current_task) = next;
	return switch_stacks(prev, next);
}

struct user_regs *task_regs(const struct task *t)
{
	return (struct user_regs *)t->thread.kstack_top - 1;
}

static struct switch_frame *fresh_stack(struct task *t, void (*start)(void))
{
	struct switch_frame *f;

	t->thread.kstack_top = (u64)t->stack + KSTACK_SIZE;
	f = (struct switch_frame *)task_regs(t) - 1;
	memset(f, 0, sizeof(*f));
	f->rip = (u64)start;
	t->thread.ksp = (u64)f;
	return f;
}

void arch_thread_init_kernel(struct task *t, int (*fn)(void *), void *arg)
{
	struct switch_frame *f = fresh_stack(t, kernel_thread_start);

	f->rbx = (u64)fn;
	f->r12 = (u64)arg;
	memset(task_regs(t), 0, sizeof(struct user_regs));
	t->thread.fpu = NULL;
	t->thread.fs_base = t->thread.gs_base = 0;
	t->thread.ds = t->thread.es = t->thread.fs = t->thread.gs = 0;
}

int arch_thread_init_user(struct task *t, const struct user_regs *regs, u64 new_sp, bool has_tls,
			  u64 tls)
{
	struct user_regs *r;
	int rc;

	/* Loading one that is not canonical would fault in the switch. */
	if (has_tls && tls >= USER_END)
		return -EPERM;
	rc = fpu_alloc(t);
	if (rc)
		return rc;
	fpu_copy_current(t);
	fresh_stack(t, user_thread_start);
	r = task_regs(t);
	*r = *regs;
	r->rax = 0;
	if (new_sp)
		r->rsp = new_sp;
	user_bases_copy(t);
	if (has_tls)
		t->thread.fs_base = tls;
	t->thread.cr2 = t->thread.trap_nr = t->thread.error_code = 0;
	return 0;
}

void arch_thread_free(struct task *t)
{
	fpu_free(t);
}

void arch_start_user(struct user_regs *regs, u64 entry, u64 sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->orig_rax = ~0ull;
	regs->rip = entry;
	regs->rsp = sp;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->rflags = RFLAGS_FIXED | RFLAGS_IF;
	user_bases_reset();
	/* The first program of a kernel thread that becomes a process: no area yet. */
	if (!current->thread.fpu) {
		if (fpu_alloc(current))
			do_exit(SIGKILL);
	}
	fpu_reset_current();
	set_task_work(current, WORK_FULL_REGS);
}

bool arch_saved_frame(const struct task *t, u64 *rip, u64 *rbp)
{
	u64 ksp = READ_ONCE(t->thread.ksp), low = (u64)t->stack;
	const struct switch_frame *f = (const struct switch_frame *)ksp;

	if (!low || ksp < low || ksp > low + KSTACK_SIZE - sizeof(*f) || (ksp & 7))
		return false;
	*rip = READ_ONCE(f->rip);
	*rbp = READ_ONCE(f->rbp);
	return true;
}
