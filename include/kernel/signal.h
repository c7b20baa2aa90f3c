/* SPDX-License-Identifier: MIT */
/* Signals: sending, masks, delivery on the way to user mode, job control. */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include <kernel/lock.h>
#include <kernel/types.h>
#include <uapi/signal.h>

struct task;
struct process;
struct pid;
struct user_regs;

#define SIGMASK(sig) (1ull << ((sig) - 1))
/* What the functions that send take is valid; who has a number from a program asks first. */
static inline bool sig_valid(int sig)
{
	return sig >= 1 && sig <= NSIG;
}

/* process->group_flags */
#define GROUP_EXIT 1u	   /* all threads are dying; group_exit_code valid */
#define GROUP_STOPPED 2u
#define GROUP_CONTINUED 4u
#define GROUP_STOP_REPORT 8u /* a stop not yet seen by wait */
#define GROUP_UNKILLABLE 16u /* pid 1 */
#define GROUP_NOTE_STOPPED 32u /* the parent must still hear of the stop, of the continue */
#define GROUP_NOTE_CONTINUED 64u
/* task->jobctl */
#define JOBCTL_STOP_PENDING 1u
#define JOBCTL_STOP_CONSUME 2u
#define JOBCTL_STOP_DEQUEUED 4u /* took a stop signal and did not yet act; SIGCONT cancels it */
#define JOBCTL_STOP_SIGMASK 0xff00u /* signal number << 8 */

struct ksigaction {
	u64 handler; /* SIG_DFL, SIG_IGN or a user address */
	u64 flags;   /* SA_* */
	u64 restorer;
	u64 mask;
};
/* Signal handlers, shared by CLONE_SIGHAND. */
struct sighand {
	refcount_t refs;
	struct spinlock lock; /* action[]; nests inside siglock (LOCK_SIGQUEUE) */
	struct ksigaction action[64];
};

/* Kernel form of siginfo_t: exactly the user layout, 128 bytes (uapi/signal.h). */

/* One queued signal. */
struct user_count;
struct sigqueue {
	struct list_head node;	 /* S: in a sigpending */
	struct user_count *user; /* C: charged to RLIMIT_SIGPENDING */
	bool preallocated;	 /* C: belongs to a timer */
	struct siginfo info;	 /* S */
};
/* Preallocated entries, for POSIX timers: sending them never fails. alloc: -EAGAIN over the limit.
 * free: a signal that is still queued is delivered nevertheless. */
int sigqueue_alloc(struct sigqueue **out);
void sigqueue_free(struct sigqueue *q, struct process *p);
/* To thread t, or to any thread of p when t is NULL. info is q->info, filled by the caller before.
 * 0 queued; 1 it was queued still (info.timer.overrun went up) or the signal is ignored. Any
 * context. */
int send_sigqueue(struct sigqueue *q, struct process *p, struct task *t);
/* src/time: a timer's signal (SI_TIMER) was taken off its queue: sets the overrun, arms again. No
 * locks held. */
void posix_timer_signal_taken(struct siginfo *info);

/* Sending. Any context unless said otherwise. info NULL: a kernel signal (SI_KERNEL).
 * They return 0 or -EAGAIN (queue limit for real-time signals). */
int send_signal_task(struct task *t, int sig, const struct siginfo *info);     /* this thread */
int send_signal_process(struct process *p, int sig, const struct siginfo *info); /* any thread */
int send_signal_pgrp(struct pid *pgrp, int sig, const struct siginfo *info);   /* -ESRCH if empty */
/* The same with tasklist_lock held. */
int send_signal_pgrp_locked(struct pid *pgrp, int sig, const struct siginfo *info);
/* Signals p ignores (SIG_IGN, or default action ignore): for job control of terminals. */
bool signal_ignored_or_blocked(const struct task *t, int sig);
/* No member of the group has a parent in another group of the same session. */
bool pgrp_orphaned(struct pid *pgrp);
/* Takes one signal of `set` for current, as read of a signalfd does: number or 0. May sleep. */
int signal_dequeue(u64 set, struct siginfo *info);
/* A fault of current: cannot be blocked or ignored (then it kills). */
void force_signal(int sig, int code, u64 addr);
void force_signal_info(int sig, const struct siginfo *info);
void kernel_siginfo(struct siginfo *info, int sig, int code);

/* True when a deliverable signal waits for current: sleeping calls then return -ERESTARTSYS. */
bool signal_pending(void);
bool signal_pending_task(const struct task *t);
bool fatal_signal_pending(void);
static inline bool signal_pending_state(unsigned int state)
{
	if (!(state & (1u /* INTERRUPTIBLE */ | 16u /* WAKEKILL */)))
		return false;
	return (state & 1u) ? signal_pending() : fatal_signal_pending();
}
/* Recomputes WORK_SIGNAL of current. siglock held. */
void recalc_sigpending(void);
void set_current_blocked(u64 mask);
/* ppoll and friends: swaps the mask; the old one is restored when the call returns or after the
 * handler frame was built with it. 0 or -EINVAL/-EFAULT. */
int set_user_sigmask(u64 mask);
void restore_saved_sigmask_unless(bool interrupted);

/* sigaltstack(2) for current; ss and old may be NULL; sp: its user stack pointer. 0, -EPERM (runs
 * on it), -EINVAL, -ENOMEM. rt_sigreturn restores the stack of the frame with it and ignores
 * errors. */
int do_sigaltstack(const struct user_sigstack *ss, struct user_sigstack *old, u64 sp);
/* sp lies on the alternate stack of current (never with SS_AUTODISARM). */
bool on_sigaltstack(u64 sp);
/* After the frame was built: SS_AUTODISARM takes the stack away. The frame's uc_stack is filled
 * from current->sas_* before. */
void sigaltstack_disarm(void);

/* Architecture calls this with interrupts on when WORK_SIGNAL or WORK_NOTIFY etc. is set, before
 * returning to user mode. It handles restarts (regs->orig_rax, rax) through arch hooks. */
void exit_to_user_work(struct user_regs *regs, u32 work);

/* --- architecture side (arch/x86_64/syscall/sigframe.c) --- */
/* Builds a frame for the handler and redirects regs; -EFAULT when the stack is bad. mask: what
 * sigreturn will restore. */
int arch_setup_sigframe(struct user_regs *regs, int sig, const struct siginfo *info,
			const struct ksigaction *ka, u64 mask);
/* In a system call that returned one of the ERESTART codes? Then which: else 0. */
int arch_syscall_restart_code(const struct user_regs *regs);
void arch_syscall_restart(struct user_regs *regs, bool with_restart_syscall); /* re-executes */
void arch_syscall_set_return(struct user_regs *regs, long v);

#endif
