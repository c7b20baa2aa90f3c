/* SPDX-License-Identifier: MIT */
/* Exceptions and interrupts after the assembly: which vector goes where.
 *
 * An exception of user code becomes a signal with Linux's numbers and codes. An exception of kernel
 * code is a fault on a user address (fault.c), an instruction in the exception table, or our bug:
 * panic. */
#include <arch/extable.h>
#include <arch/irqflags.h>
#include <arch/ops.h>
#include <asm/apic.h>
#include <asm/cpu.h>
#include <asm/fpu.h>
#include <asm/msr.h>
#include <asm/traps.h>
#include <kernel/assert.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/preempt.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/time.h>

static const char *const trap_names[VEC_EXCEPTIONS] = {
	[VEC_DE] = "divide error",
	[VEC_DB] = "debug exception",
	[VEC_NMI] = "non-maskable interrupt",
	[VEC_BP] = "breakpoint",
	[VEC_OF] = "overflow",
	[VEC_BR] = "bound range exceeded",
	[VEC_UD] = "invalid opcode",
	[VEC_NM] = "device not available",
	[VEC_DF] = "double fault",
	[VEC_TS] = "invalid task-state segment",
	[VEC_NP] = "segment not present",
	[VEC_SS] = "stack segment fault",
	[VEC_GP] = "general protection fault",
	[VEC_PF] = "page fault",
	[VEC_MF] = "floating-point error",
	[VEC_AC] = "alignment check",
	[VEC_MC] = "machine check",
	[VEC_XM] = "vector floating-point error",
	[VEC_CP] = "control protection fault",
};

void trap_fatal(struct user_regs *regs, unsigned int vector, u64 addr)
{
	const char *name = trap_names[vector] ? trap_names[vector] : "unknown exception";

	irq_disable();
	if (vector == VEC_PF)
		panic_regs(regs, "%s at %p (%s, %s), error code %llx", name, (void *)addr,
			   regs->orig_rax & 16 ? "execute" : regs->orig_rax & 2 ? "write" : "read",
			   regs->orig_rax & 1 ? "protection" : "not mapped",
			   (unsigned long long)regs->orig_rax);
	if (vector == VEC_DF && kstack_guard_hit(read_cr2()))
		panic_regs(regs, "kernel stack overflow");
	panic_regs(regs, "%s, error code %llx", name, (unsigned long long)regs->orig_rax);
}

/* Cause of a floating-point exception: the first one that is raised and not masked (Intel's order).
 * */
static int fpe_code(u32 status, u32 mask)
{
	u32 err = status & ~mask;

	if (err & 0x01)
		return FPE_FLTINV;
	if (err & 0x04)
		return FPE_FLTDIV;
	if (err & 0x08)
		return FPE_FLTOVF;
	if (err & 0x12)
		return FPE_FLTUND;
	if (err & 0x20)
		return FPE_FLTRES;
	return 0;
}

static void user_fpe(struct user_regs *regs, unsigned int vector)
{
	const struct xsave_area *a = fpu_sync_current();
	int code;

	if (vector == VEC_MF)
		code = fpe_code(a->fx.fsw, a->fx.fcw & 0x3f);
	else
		code = fpe_code(a->fx.mxcsr, (a->fx.mxcsr >> 7) & 0x3f);
	/* No cause left: the program cleared it; it just goes on. */
	if (code)
		force_signal(SIGFPE, code, regs->rip);
}

/* Why the debug exception came; with interrupts off, on the CPU that raised it. */
static u64 take_dr6(void)
{
	u64 dr6;

	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	__asm__ volatile("mov %0, %%dr6" ::"r"(0xffff0ff0ul));
	return dr6;
}

static void user_debug(struct user_regs *regs, u64 dr6)
{
	int code = TRAP_BRKPT;

	if (dr6 & BIT(14))
		code = TRAP_TRACE;
	else if (dr6 & 15)
		code = TRAP_HWBKPT;
	force_signal(SIGTRAP, code, regs->rip);
}

static void user_trap(struct user_regs *regs, unsigned int vector)
{
	struct arch_thread *th = &current->thread;
	u64 dr6 = vector == VEC_DB ? take_dr6() : 0;

	th->trap_nr = vector;
	th->error_code = regs->orig_rax == ~0ull ? 0 : regs->orig_rax;
	regs->orig_rax = ~0ull; /* not in a system call */
	irq_enable();
	switch (vector) {
	case VEC_DE:
		force_signal(SIGFPE, FPE_INTDIV, regs->rip);
		break;
	case VEC_DB:
		user_debug(regs, dr6);
		break;
	case VEC_BP:
		force_signal(SIGTRAP, SI_KERNEL, 0);
		break;
	case VEC_UD:
		force_signal(SIGILL, ILL_ILLOPN, regs->rip);
		break;
	case VEC_NP:
	case VEC_SS:
		force_signal(SIGBUS, SI_KERNEL, 0);
		break;
	case VEC_AC:
		force_signal(SIGBUS, BUS_ADRALN, 0);
		break;
	case VEC_MF:
	case VEC_XM:
		user_fpe(regs, vector);
		break;
	case VEC_GP:
		if (umip_emulate(regs))
			break;
		fallthrough;
	default: /* bounds, overflow, bad TSS */
		force_signal(SIGSEGV, SI_KERNEL, 0);
		break;
	}
	irq_disable();
}

void trap_dispatch(struct user_regs *regs, unsigned int vector)
{
	if (likely(vector == VEC_PF)) {
		trap_page_fault(regs);
		return;
	}
	if (regs_from_user(regs)) {
		user_trap(regs, vector);
		return;
	}
	if (extable_fixup(regs))
		return;
	trap_fatal(regs, vector, 0);
}

void irq_dispatch(struct user_regs *regs, unsigned int vector)
{
	const struct user_regs *outer = this_cpu(irq_regs);

	this_cpu(irq_regs) = regs;
	this_cpu_add(preempt_count, HARDIRQ_OFFSET);
	switch (vector) {
	case VEC_TIMER:
		lapic_eoi();
		this_cpu_inc(irq_count_timer);
		hrtimer_interrupt();
		break;
	case VEC_RESCHED:
		lapic_eoi();
		this_cpu_inc(irq_count_resched);
		sched_ipi();
		break;
	case VEC_CALL:
		lapic_eoi();
		this_cpu_inc(irq_count_call);
		ipi_call_interrupt();
		break;
	case VEC_ERROR:
		lapic_error();
		lapic_eoi();
		break;
	case VEC_SPURIOUS:
		break;
	default:
		irq_device(vector);
		break;
	}
	this_cpu_add(preempt_count, -HARDIRQ_OFFSET);
	this_cpu(irq_regs) = outer;
	if (!regs_from_user(regs) && this_cpu(preempt_count) == 0 && (regs->rflags & RFLAGS_IF))
		preempt_schedule_irq();
}

void nmi_dispatch(struct user_regs *regs, unsigned int vector)
{
	this_cpu_add(preempt_count, NMI_OFFSET);
	if (vector == VEC_NMI) {
		if (!ipi_nmi(regs))
			log_warn("irq", "NMI without a known cause on CPU %u", cpu_id());
	} else {
		trap_fatal(regs, vector, 0);
	}
	this_cpu_add(preempt_count, -NMI_OFFSET);
}

/* On the way to user mode with work to do: until none is left. The frame may have been rewritten (a
 * signal handler, sigreturn): an address that IRET would refuse becomes the signal that Linux
 * sends. */
void exit_slow_path(struct user_regs *regs)
{
	if (IS_ENABLED(CONFIG_LOCKDEP)) {
		lockdep_none_held("return to user mode");
		ASSERT(!in_atomic());
	}
	for (;;) {
		u32 work = READ_ONCE(current->work) & ~WORK_FULL_REGS;

		if (work) {
			irq_enable();
			if (work & WORK_RESCHED)
				schedule();
			if (work & ~WORK_RESCHED)
				exit_to_user_work(regs, work);
			irq_disable();
			continue;
		}
		clear_task_work(current, WORK_FULL_REGS);
		/* Canonical; one in the kernel's half faults when user code begins there. */
		if (likely((u64)((s64)regs->rip >> 47) + 1 <= 1))
			return;
		irq_enable();
		current->thread.trap_nr = VEC_GP;
		current->thread.error_code = 0;
		force_signal(SIGSEGV, SI_KERNEL, 0);
		irq_disable();
	}
}
