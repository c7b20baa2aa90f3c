/* SPDX-License-Identifier: MIT */
/* Signal frames: the exact layout that Linux has on x86_64, since programs read and change it.
 *
 * From the lower address: return address (SA_RESTORER), struct ucontext, siginfo; above them, on a
 * 64-byte boundary, the XSAVE area with its description in the software-reserved bytes and a magic
 * number behind it. The frame stays 128 bytes (red zone) below the interrupted stack pointer.
 *
 * sigreturn trusts nothing: segments are forced, privileged flags keep their values, the XSAVE area
 * is checked before it is loaded (cpu/fpu.c), and an impossible rip is caught by exit_slow_path.
 * Whatever is wrong with a frame kills its own program with SIGSEGV. */
#include <arch/ops.h>
#include <arch/thread.h>
#include <asm/cpu.h>
#include <asm/fpu.h>
#include <asm/msr.h>
#include <asm/segment.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u
#define UC_FP_XSTATE 1u
#define UC_SIGCONTEXT_SS 2u
#define UC_STRICT_RESTORE_SS 4u
#define RED_ZONE 128

/* Flags that user code may set for itself by way of a frame. */
#define RFLAGS_USER                                                                                \
	(RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | RFLAGS_DF |       \
	 RFLAGS_OF | RFLAGS_RF | RFLAGS_AC)

struct sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
	u64 rflags;
	u16 cs, gs, fs, ss;
	u64 err, trapno, oldmask, cr2;
	u64 fpstate;
	u64 reserved[8];
};
struct ucontext {
	u64 flags, link;
	struct user_sigstack stack;
	struct sigcontext mcontext;
	u64 sigmask;
};
struct sigframe {
	u64 restorer;
	struct ucontext uc;
	struct siginfo info;
};
_Static_assert(sizeof(struct sigcontext) == 256, "struct sigcontext");
_Static_assert(offsetof(struct ucontext, mcontext) == 40, "uc_mcontext");
_Static_assert(offsetof(struct ucontext, sigmask) == 296, "uc_sigmask");
_Static_assert(offsetof(struct sigframe, info) == 312, "siginfo of a frame");

/* What Linux calls struct _fpx_sw_bytes, in fxregs.sw_reserved. */
struct fpx_sw {
	u32 magic1, extended_size;
	u64 features;
	u32 xstate_size, padding[7];
};
_Static_assert(sizeof(struct fpx_sw) == 48, "sw_reserved");

static u64 fp_bytes(void)
{
	return fpu_features ? fpu_area_size + 4ul : sizeof(struct fxregs);
}

u64 arch_min_sigframe(void)
{
	return ALIGN_UP(sizeof(struct sigframe) + 8 + 63 + fp_bytes(), 16);
}

static int fp_to_user(u64 dst)
{
	struct xsave_area *a = fpu_sync_current();
	int rc;

	if (!fpu_features)
		return copy_to_user(USER_PTR(dst), a, sizeof(struct fxregs));
	*(struct fpx_sw *)a->fx.sw_reserved = (struct fpx_sw){
		.magic1 = FP_XSTATE_MAGIC1,
		.extended_size = fpu_area_size + 4,
		.features = fpu_features,
		.xstate_size = fpu_area_size,
	};
	/* Linux marks both legacy components as present: their values are there. */
	a->xstate_bv |= 3;
	rc = copy_to_user(USER_PTR(dst), a, fpu_area_size);
	return rc ? rc : put_user_u32(FP_XSTATE_MAGIC2, USER_PTR(dst + fpu_area_size));
}

static void fill_context(struct ucontext *uc, const struct user_regs *r, u64 mask, u64 fpstate)
{
	const struct arch_thread *th = &current->thread;

	memset(uc, 0, sizeof(*uc));
	uc->flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (fpu_features ? UC_FP_XSTATE : 0);
	uc->stack.sp = current->sas_sp;
	uc->stack.flags = current->sas_flags;
	uc->stack.size = current->sas_size;
	uc->mcontext = (struct sigcontext){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11,
		.r12 = r->r12, .r13 = r->r13, .r14 = r->r14, .r15 = r->r15,
		.rdi = r->rdi, .rsi = r->rsi, .rbp = r->rbp, .rbx = r->rbx,
		.rdx = r->rdx, .rax = r->rax, .rcx = r->rcx, .rsp = r->rsp,
		.rip = r->rip, .rflags = r->rflags, .cs = (u16)r->cs, .ss = (u16)r->ss,
		.err = th->error_code, .trapno = th->trap_nr, .oldmask = mask, .cr2 = th->cr2,
		.fpstate = fpstate,
	};
	uc->sigmask = mask;
}

/* Top of the stack that the handler runs on. */
static u64 handler_stack(const struct user_regs *regs, const struct ksigaction *ka, bool *entering)
{
	*entering = false;
	if ((ka->flags & SA_ONSTACK) && current->sas_size && !on_sigaltstack(regs->rsp)) {
		*entering = true;
		return current->sas_sp + current->sas_size;
	}
	return regs->rsp - RED_ZONE;
}

int arch_setup_sigframe(struct user_regs *regs, int sig, const struct siginfo *info,
			const struct ksigaction *ka, u64 mask)
{
	struct sigframe f;
	bool entering;
	u64 sp = handler_stack(regs, ka, &entering), fp, at;

	if (!(ka->flags & SA_RESTORER))
		return -EFAULT;
	fp = ALIGN_DOWN(sp - fp_bytes(), 64);
	at = ALIGN_DOWN(fp - sizeof(f), 16) - 8;
	/* A frame that overflows the alternate stack must not land in what is below it. */
	if ((entering || on_sigaltstack(regs->rsp)) &&
	    (at < current->sas_sp || at > current->sas_sp + current->sas_size))
		return -EFAULT;
	if (!user_range_ok(USER_PTR(at), sp - at))
		return -EFAULT;
	f.restorer = ka->restorer;
	fill_context(&f.uc, regs, mask, fp);
	f.info = *info;
	if (fp_to_user(fp) || copy_to_user(USER_PTR(at), &f, sizeof(f)))
		return -EFAULT;

	regs->rdi = (u64)sig;
	regs->rsi = at + offsetof(struct sigframe, info);
	regs->rdx = at + offsetof(struct sigframe, uc);
	regs->rax = 0;
	regs->rip = ka->handler;
	regs->rsp = at;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->rflags &= ~(u64)(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	sigaltstack_disarm();
	set_task_work(current, WORK_FULL_REGS);
	return 0;
}

/* The vector state of a frame -> current's area -> registers. fpstate 0: initial state. */
static int restore_fp(u64 fpstate)
{
	bool extended = false;
	struct fpx_sw sw;
	u32 magic2;

	if (!fpstate) {
		fpu_reset_current();
		return 0;
	}
	/* The instructions that Linux restores with insist on it. */
	if (fpstate & (fpu_features ? 63 : 15))
		return -EINVAL;
	if (fpu_features) {
		if (copy_from_user(&sw, USER_PTR(fpstate + offsetof(struct fxregs, sw_reserved)),
				   sizeof(sw)))
			return -EFAULT;
		extended = sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size == fpu_area_size &&
			   sw.extended_size >= fpu_area_size + 4 &&
			   get_user_u32(&magic2, USER_PTR(fpstate + fpu_area_size)) == 0 &&
			   magic2 == FP_XSTATE_MAGIC2;
		extended = extended && (sw.features & ~fpu_features) == 0;
	}
	return fpu_restore_user(USER_PTR(fpstate), extended ? sw.features : 3, extended);
}

static int restore_context(struct user_regs *r, const struct sigcontext *c)
{
	*r = (struct user_regs){
		.r8 = c->r8, .r9 = c->r9, .r10 = c->r10, .r11 = c->r11,
		.r12 = c->r12, .r13 = c->r13, .r14 = c->r14, .r15 = c->r15,
		.rdi = c->rdi, .rsi = c->rsi, .rbp = c->rbp, .rbx = c->rbx,
		.rdx = c->rdx, .rax = c->rax, .rcx = c->rcx, .rsp = c->rsp, .rip = c->rip,
		.rflags = (r->rflags & ~(u64)RFLAGS_USER) | (c->rflags & RFLAGS_USER),
		.cs = USER_CS, .ss = USER_DS,
		.orig_rax = ~0ull, /* no restart of what the handler interrupted */
	};
	set_task_work(current, WORK_FULL_REGS);
	return restore_fp(c->fpstate);
}

/* Selectors of a frame that IRET would refuse. Without the flag of a frame that has a stack
 * segment, Linux repairs that one. */
static bool selectors_ok(const struct ucontext *uc)
{
	return (uc->mcontext.cs | 3) == USER_CS &&
	       (!(uc->flags & UC_STRICT_RESTORE_SS) || (uc->mcontext.ss | 3) == USER_DS);
}

SYSCALL0(rt_sigreturn)
{
	struct user_regs *r = task_regs(current);
	u64 at = r->rsp - 8; /* the handler's RET took the first word */
	struct sigframe f;

	if (copy_from_user(&f.uc, USER_PTR(at + offsetof(struct sigframe, uc)), sizeof(f.uc)))
		goto bad;
	set_current_blocked(f.uc.sigmask & ~(SIGMASK(SIGKILL) | SIGMASK(SIGSTOP)));
	if (restore_context(r, &f.uc.mcontext))
		goto bad;
	/* Ignores errors, as documented for do_sigaltstack. */
	(void)do_sigaltstack(&f.uc.stack, NULL, r->rsp);
	/* What would be a fault at the very return is the signal that Linux makes of that. */
	if (!selectors_ok(&f.uc))
		force_signal(SIGSEGV, SI_KERNEL, 0);
	return (long)r->rax;
bad:
	force_signal(SIGSEGV, SI_KERNEL, 0);
	return 0;
}

int arch_syscall_restart_code(const struct user_regs *regs)
{
	/* Only the lower half is the number of a call. */
	if ((u32)regs->orig_rax == ~0u)
		return 0;
	switch (-(s64)regs->rax) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
	case ERESTART_RESTARTBLOCK:
		return (int)-(s64)regs->rax;
	default:
		return 0;
	}
}

void arch_syscall_restart(struct user_regs *regs, bool with_restart_syscall)
{
	regs->rax = with_restart_syscall ? 219 : regs->orig_rax;
	regs->rip -= 2; /* SYSCALL is two bytes long */
	set_task_work(current, WORK_FULL_REGS);
}

void arch_syscall_set_return(struct user_regs *regs, long v)
{
	regs->rax = (u64)v;
}
