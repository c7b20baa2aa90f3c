/* SPDX-License-Identifier: MIT */
/* Page faults: what the hardware says -> mm_fault, a signal, the exception table, or a panic. */
#include <arch/extable.h>
#include <arch/irqflags.h>
#include <asm/cpu.h>
#include <asm/msr.h>
#include <asm/traps.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/preempt.h>
#include <kernel/sched.h>
#include <kernel/signal.h>

#define PF_PROT 1u
#define PF_WRITE 2u
#define PF_USER 4u
#define PF_RSVD 8u
#define PF_INSTR 16u

static u32 fault_bits(u64 error)
{
	u32 f = 0;

	f |= error & PF_PROT ? FAULT_PROT : 0;
	f |= error & PF_WRITE ? FAULT_WRITE : 0;
	f |= error & PF_INSTR ? FAULT_EXEC : 0;
	return f;
}

static void user_fault(struct user_regs *regs, u64 addr, u64 error)
{
	int sig = SIGSEGV, code = SEGV_MAPERR;

	regs->orig_rax = ~0ull; /* not in a system call */
	irq_enable();
	if (likely(addr < USER_END) && likely(!(error & PF_RSVD)) &&
	    likely(mm_fault(addr, fault_bits(error) | FAULT_USER, &sig, &code) == 0))
		goto out;
	current->thread.cr2 = addr;
	current->thread.trap_nr = VEC_PF;
	/* Whether a kernel address is mapped is nobody's business. */
	current->thread.error_code = error | (addr >= USER_END ? PF_PROT : 0);
	force_signal(sig, code, addr);
out:
	irq_disable();
}

/* A kernel access to a user address may be resolved like one of user code: with page faults
 * allowed, interrupts on, and (when the CPU can tell) only from code that opened user memory. */
static bool kernel_may_fault(const struct user_regs *regs, u64 addr, u64 error)
{
	if (addr >= USER_END || (error & (PF_RSVD | PF_INSTR)))
		return false;
	if (cpu_features.smap && !(regs->rflags & RFLAGS_AC))
		return false;
	return (regs->rflags & RFLAGS_IF) && !in_atomic() && !current->pagefault_disabled &&
	       current->mm;
}

void trap_page_fault(struct user_regs *regs)
{
	u64 addr = read_cr2(), error = regs->orig_rax;
	int sig, code;

	if (likely(error & PF_USER)) {
		user_fault(regs, addr, error);
		return;
	}
	if (unlikely(regs_from_user(regs))) {
		/* The CPU itself accessed memory for user code (IRET and far returns, descriptor
		 * tables). QEMU's emulated IRET reads the user stack with kernel rights, so a
		 * program can provoke this: it dies, nobody else. */
		log_warn("trap", "%s[%u]: supervisor access from user mode at %lx, address %lx",
			 current->comm, current->tid, regs->rip, addr);
		irq_enable();
		send_signal_task(current, SIGKILL, NULL);
		irq_disable();
		return;
	}
	if (kernel_may_fault(regs, addr, error)) {
		int rc;

		irq_enable();
		rc = mm_fault(addr, fault_bits(error), &sig, &code);
		irq_disable();
		if (rc == 0)
			return;
	}
	if (extable_fixup(regs))
		return;
	trap_fatal(regs, VEC_PF, addr);
}
