/* SPDX-License-Identifier: MIT */
/* The way out to user mode: deferred work, signals, restart of interrupted calls.
 * Use:        the architecture calls exit_to_user_work() with interrupts on whenever task->work is
 *             not zero, again and again until it is.
 * Order:      reschedule, task work, signals. A signal with a handler gets a frame; when several
 *             are deliverable each pass builds one frame on top of the last, so the handler of the
 *             last one runs first, as on Linux. Restarting is decided with the first signal.
 * Locking:    siglock; dropped before anything that sleeps. */
#include "signal_internal.h"

/* A handler runs: which of the restart codes still restart? */
static void restart_with_handler(struct user_regs *regs, const struct ksigaction *ka)
{
	switch (arch_syscall_restart_code(regs)) {
	case ERESTART_RESTARTBLOCK:
	case ERESTARTNOHAND:
		arch_syscall_set_return(regs, -EINTR);
		break;
	case ERESTARTSYS:
		if (!(ka->flags & SA_RESTART)) {
			arch_syscall_set_return(regs, -EINTR);
			break;
		}
		fallthrough;
	case ERESTARTNOINTR:
		arch_syscall_restart(regs, false);
		break;
	default:
		break;
	}
}

static void restart_without_handler(struct user_regs *regs)
{
	switch (arch_syscall_restart_code(regs)) {
	case ERESTART_RESTARTBLOCK:
		arch_syscall_restart(regs, true);
		break;
	case ERESTARTNOHAND:
	case ERESTARTSYS:
	case ERESTARTNOINTR:
		arch_syscall_restart(regs, false);
		break;
	default:
		break;
	}
}

/* A stop signal other than SIGSTOP does nothing to an orphaned group. Called without siglock. */
static bool stop_allowed(int sig)
{
	struct pid *pgrp;
	bool orphaned;

	if (sig == SIGSTOP)
		return true;
	spin_lock_irq(&tasklist_lock);
	pgrp = current->process->pgrp;
	pid_get(pgrp);
	spin_unlock_irq(&tasklist_lock);
	orphaned = pgrp_orphaned(pgrp);
	pid_put(pgrp);
	return !orphaned;
}

/* Tells the parent of a stop or continue that was noted while it could not be told. siglock held
 * and dropped: true when it did something (siglock is then not held any more). */
static NO_LOCK_ANALYSIS bool tell_noted_change(struct process *p)
{
	u32 note = p->group_flags & (GROUP_NOTE_STOPPED | GROUP_NOTE_CONTINUED);

	if (likely(!note))
		return false;
	p->group_flags &= ~note;
	spin_unlock_irq(&p->siglock);
	notify_parent_of_job(p, note & GROUP_NOTE_CONTINUED ? CLD_CONTINUED : CLD_STOPPED);
	return true;
}

/* Default action of a signal without handler. siglock held on entry; on return held when the result
 * is false, dropped when true ("look again from the start"). Does not return for fatal ones. */
static NO_LOCK_ANALYSIS bool default_action(struct process *p, int sig)
{
	u64 bit = SIGMASK(sig);

	if (sig < SIGRTMIN && (bit & SIG_IGNORE_SET))
		return false;
	if ((p->group_flags & GROUP_UNKILLABLE) && !(bit & SIG_KERNEL_ONLY))
		return false;
	if (sig < SIGRTMIN && (bit & SIG_STOP_SET)) {
		bool allowed;

		spin_unlock_irq(&p->siglock);
		allowed = stop_allowed(sig);
		spin_lock_irq(&p->siglock);
		return allowed && signal_stop(sig);
	}
	spin_unlock_irq(&p->siglock);
	current->flags |= TF_SIGNALED;
	do_group_exit(sig);
}

/* Takes signals until one needs a handler: its number with *info and *ka, 0 when none is left. */
static NO_LOCK_ANALYSIS int get_signal(struct siginfo *info, struct ksigaction *ka)
{
	struct task *t = current;
	struct process *p = t->process;
	bool timer;
	int sig;

again:
	spin_lock_irq(&p->siglock);
	if (tell_noted_change(p))
		goto again;
	for (;;) {
		struct sighand *sh = t->sighand;

		if (unlikely((p->group_flags & GROUP_EXIT) || p->group_exec_task ||
			     (t->pending.set & SIGMASK(SIGKILL)))) {
			t->pending.set &= ~SIGMASK(SIGKILL);
			spin_unlock_irq(&p->siglock);
			t->flags |= TF_SIGNALED;
			do_group_exit(SIGKILL);
		}
		if (unlikely(t->jobctl & JOBCTL_STOP_PENDING) && signal_stop(0))
			goto again;
		timer = false;
		sig = dequeue_synchronous_locked(info);
		if (!sig)
			sig = dequeue_signal_locked(t->blocked, info, &timer);
		if (!sig)
			break;
		if (timer) {
			spin_unlock_irq(&p->siglock);
			posix_timer_signal_taken(info);
			spin_lock_irq(&p->siglock);
		}
		spin_lock(&sh->lock);
		*ka = sh->action[sig - 1];
		if (ka->handler > SIG_IGN && (ka->flags & SA_RESETHAND))
			sh->action[sig - 1].handler = SIG_DFL;
		spin_unlock(&sh->lock);
		if (ka->handler == SIG_IGN)
			continue;
		if (ka->handler != SIG_DFL)
			break;
		if (default_action(p, sig))
			goto again;
	}
	spin_unlock_irq(&p->siglock);
	return sig;
}

/* The frame is in place: blocks what the handler must not be interrupted by. */
static void handler_entered(int sig, const struct ksigaction *ka)
{
	u64 mask = current->blocked | ka->mask;

	if (!(ka->flags & SA_NODEFER))
		mask |= SIGMASK(sig);
	clear_task_work(current, WORK_RESTORE_SIGMASK);
	set_current_blocked(mask);
}

static void run_handler(struct user_regs *regs, int sig, const struct siginfo *info,
			const struct ksigaction *ka)
{
	u64 mask = current->blocked;

	restart_with_handler(regs, ka);
	if (READ_ONCE(current->work) & WORK_RESTORE_SIGMASK)
		mask = current->saved_sigmask;
	if (likely(!arch_setup_sigframe(regs, sig, info, ka, mask))) {
		handler_entered(sig, ka);
		return;
	}
	/* No room for the frame. A SIGSEGV whose own frame failed must kill. */
	if (sig == SIGSEGV) {
		struct sighand *sh = current->sighand;

		spin_lock_irq(&sh->lock);
		sh->action[SIGSEGV - 1].handler = SIG_DFL;
		spin_unlock_irq(&sh->lock);
	}
	force_signal_info(SIGSEGV, NULL);
}

static void deliver_signals(struct user_regs *regs)
{
	struct siginfo info;
	struct ksigaction ka;
	int sig = 0;

	if (READ_ONCE(current->work) & WORK_SIGNAL)
		sig = get_signal(&info, &ka);
	if (sig) {
		run_handler(regs, sig, &info, &ka);
		return;
	}
	restart_without_handler(regs);
	restore_saved_sigmask_unless(false);
}

void exit_to_user_work(struct user_regs *regs, u32 work)
{
	if (work & WORK_RESCHED)
		schedule();
	if (work & WORK_NOTIFY)
		task_work_run();
	if (work & (WORK_SIGNAL | WORK_RESTORE_SIGMASK))
		deliver_signals(regs);
}
