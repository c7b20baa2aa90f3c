/* SPDX-License-Identifier: MIT */
/* Sending signals.
 * Owns:       the decision what happens to a signal at the moment it is sent: dropped because
 *             ignored, queued, thread chosen and woken, process marked as dying.
 * Use:        send_signal_task/process/pgrp from anywhere, interrupts included. Permission is the
 *             business of the system calls (kill.c).
 * Invariant:  stop signals and SIGCONT cancel each other while pending. Once a process is exiting
 *             no signal is queued any more. A fatal signal without a core is turned into SIGKILL
 *             for every thread at once, so that none of them runs on in user mode.
 * Locking:    siglock of the target. Groups: tasklist_lock around it. */
#include "signal_internal.h"

#include <fs/procfs.h>
#include <kernel/string.h>

DEFINE_COUNTER(signals_sent);

void kernel_siginfo(struct siginfo *info, int sig, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = code;
}

static u64 handler_of(const struct task *t, int sig)
{
	return READ_ONCE(t->sighand->action[sig - 1].handler);
}

/* Would the signal be thrown away when it is taken? force: sent by the kernel itself. */
static bool sig_ignored(const struct task *t, int sig, bool force)
{
	u64 handler;

	/* A blocked signal stays pending: the handler may change before it is unblocked. */
	if ((t->blocked | t->real_blocked) & SIGMASK(sig))
		return false;
	handler = handler_of(t, sig);
	if (handler == SIG_IGN)
		return true;
	if (handler != SIG_DFL)
		return false;
	if (t->process->group_flags & GROUP_UNKILLABLE)
		return !(force && (SIGMASK(sig) & SIG_KERNEL_ONLY));
	return sig < SIGRTMIN && (SIGMASK(sig) & SIG_IGNORE_SET);
}

bool signal_ignored_or_blocked(const struct task *t, int sig)
{
	return (t->blocked & SIGMASK(sig)) || handler_of(t, sig) == SIG_IGN;
}

void clear_stop_pending(struct task *t)
{
	t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME | JOBCTL_STOP_DEQUEUED |
		       JOBCTL_STOP_SIGMASK);
}

void signal_wake(struct task *t, bool fatal)
{
	set_task_work(t, WORK_SIGNAL);
	if (!wake_up_state(t, TASK_INTERRUPTIBLE | (fatal ? TASK_WAKEKILL : 0), false))
		kick_task(t);
}

/* SIGCONT: stop signals vanish, stopped threads go on, the parent hears of it. */
static void prepare_continue(struct process *p)
{
	struct task *t;
	u32 why = 0;

	pending_flush_mask(&p->shared_pending, SIG_STOP_SET);
	list_for_each_entry(t, &p->threads, thread_node) {
		pending_flush_mask(&t->pending, SIG_STOP_SET);
		clear_stop_pending(t);
		wake_up_state(t, TASK_STOPPED, false);
	}
	if (p->group_flags & GROUP_STOPPED)
		why = GROUP_NOTE_CONTINUED;
	else if (p->group_stop_count)
		why = GROUP_NOTE_STOPPED;
	if (!why)
		return;
	p->group_flags &= ~(GROUP_STOPPED | GROUP_STOP_REPORT | GROUP_NOTE_STOPPED |
			    GROUP_NOTE_CONTINUED);
	p->group_flags |= why | GROUP_CONTINUED;
	p->group_stop_count = 0;
	p->group_exit_code = 0;
}

/* Effects of sending that happen whether the signal is queued or not. False: drop it. */
static bool prepare_signal(struct task *t, int sig, bool force)
{
	struct process *p = t->process;

	if (p->group_flags & GROUP_EXIT)
		return false;
	if (sig == SIGCONT) {
		prepare_continue(p);
	} else if (sig < SIGRTMIN && (SIGMASK(sig) & SIG_STOP_SET)) {
		struct task *o;

		pending_flush_mask(&p->shared_pending, SIGMASK(SIGCONT));
		list_for_each_entry(o, &p->threads, thread_node)
			pending_flush_mask(&o->pending, SIGMASK(SIGCONT));
	}
	return !sig_ignored(t, sig, force);
}

/* Can t be the thread that handles it, now? */
static bool wants_signal(const struct task *t, int sig)
{
	if ((t->blocked & SIGMASK(sig)) || (READ_ONCE(t->flags) & TF_EXITING))
		return false;
	if (sig == SIGKILL)
		return true;
	if (READ_ONCE(t->state) & (TASK_STOPPED | TASK_TRACED))
		return false;
	return READ_ONCE(t->on_cpu) || !(READ_ONCE(t->work) & WORK_SIGNAL);
}

static bool sig_fatal(const struct task *t, int sig)
{
	if (sig < SIGRTMIN && (SIGMASK(sig) & (SIG_IGNORE_SET | SIG_STOP_SET)))
		return false;
	return handler_of(t, sig) == SIG_DFL;
}

/* Marks the process as killed by sig: every thread will find SIGKILL. */
static void begin_group_death(struct process *p, int sig)
{
	struct task *t;

	p->group_flags = (p->group_flags & GROUP_UNKILLABLE) | GROUP_EXIT;
	p->group_exit_code = sig;
	p->group_stop_count = 0;
	list_for_each_entry(t, &p->threads, thread_node) {
		clear_stop_pending(t);
		t->pending.set |= SIGMASK(SIGKILL);
		signal_wake(t, true);
	}
}

/* Finds the thread that shall take the signal and wakes it. */
static void complete_signal(struct task *target, int sig, bool group)
{
	struct process *p = target->process;
	struct task *t = NULL, *i;

	if (wants_signal(target, sig)) {
		t = target;
	} else if (group && p->nr_threads > 1) {
		list_for_each_entry(i, &p->threads, thread_node) {
			if (wants_signal(i, sig)) {
				t = i;
				break;
			}
		}
	}
	if (!t)
		return; /* it is found when somebody unblocks it or goes to user mode */
	if (sig_fatal(t, sig) && !(p->group_flags & GROUP_EXIT) &&
	    !(t->real_blocked & SIGMASK(sig)) &&
	    (sig >= SIGRTMIN || !(SIGMASK(sig) & SIG_CORE_SET))) {
		begin_group_death(p, sig);
		return;
	}
	signal_wake(t, sig == SIGKILL);
}

/* Queues sig for t or its whole process: 0, -EAGAIN (real-time signal over the limit) or -ESRCH.
 * info NULL: from the kernel without details. */
int send_signal_locked(struct task *t, int sig, const struct siginfo *info, bool group)
{
	struct process *p = t->process;
	struct sigpending *sp = group ? &p->shared_pending : &t->pending;
	struct sigqueue *q;

	lock_assert_held(&p->siglock);
	if (unlikely(!t->sighand))
		return -ESRCH;
	COUNT(signals_sent);
	if (!prepare_signal(t, sig, info == NULL))
		return 0;
	if (sig < SIGRTMIN && (sp->set & SIGMASK(sig)))
		return 0;
	if (sig == SIGKILL)
		goto mark;
	q = sigqueue_new(t, sig < SIGRTMIN && (!info || info->si_code >= 0));
	if (q) {
		if (info)
			q->info = *info;
		else
			kernel_siginfo(&q->info, sig, SI_KERNEL);
		q->info.si_signo = sig;
		list_add_tail(&q->node, &sp->queue);
	} else if (sig >= SIGRTMIN && info && info->si_code != SI_USER) {
		return -EAGAIN;
	}
mark:
	sp->set |= SIGMASK(sig);
	if (wait_queue_active(&p->signalfd_wq))
		wake_up_all(&p->signalfd_wq);
	complete_signal(t, sig, group);
	return 0;
}

int send_signal_task(struct task *t, int sig, const struct siginfo *info)
{
	irqflags_t f = spin_lock_irqsave(&t->process->siglock);
	int rc = send_signal_locked(t, sig, info, false);

	spin_unlock_irqrestore(&t->process->siglock, f);
	return rc;
}

int send_signal_process(struct process *p, int sig, const struct siginfo *info)
{
	irqflags_t f = spin_lock_irqsave(&p->siglock);
	int rc = -ESRCH;

	if (p->nr_threads)
		rc = send_signal_locked(p->leader, sig, info, true);
	spin_unlock_irqrestore(&p->siglock, f);
	return rc;
}

int send_signal_pgrp_locked(struct pid *pgrp, int sig, const struct siginfo *info)
{
	struct process *p;
	int rc = -ESRCH;

	lock_assert_held(&tasklist_lock);
	list_for_each_entry(p, &pgrp->members[0], pgrp_node) {
		int one = send_signal_process(p, sig, info);

		if (rc)
			rc = one;
	}
	return rc;
}

int send_signal_pgrp(struct pid *pgrp, int sig, const struct siginfo *info)
{
	irqflags_t f = spin_lock_irqsave(&tasklist_lock);
	int rc = send_signal_pgrp_locked(pgrp, sig, info);

	spin_unlock_irqrestore(&tasklist_lock, f);
	return rc;
}

int send_sigqueue(struct sigqueue *q, struct process *p, struct task *t)
{
	irqflags_t f = spin_lock_irqsave(&p->siglock);
	struct task *target = t ? t : p->leader;
	int sig = q->info.si_signo, rc = 1;
	struct sigpending *sp;

	if (!p->nr_threads || !target->sighand || !prepare_signal(target, sig, false))
		goto out;
	if (!list_empty(&q->node)) {
		q->info.timer.overrun++;
		goto out;
	}
	rc = 0;
	q->info.timer.overrun = 0;
	sp = t ? &t->pending : &p->shared_pending;
	list_add_tail(&q->node, &sp->queue);
	sp->set |= SIGMASK(sig);
	if (wait_queue_active(&p->signalfd_wq))
		wake_up_all(&p->signalfd_wq);
	complete_signal(target, sig, !t);
out:
	spin_unlock_irqrestore(&p->siglock, f);
	return rc;
}

unsigned int zap_other_threads(void)
{
	struct process *p = current->process;
	struct task *t;
	unsigned int n = 0;

	lock_assert_held(&p->siglock);
	p->group_stop_count = 0;
	list_for_each_entry(t, &p->threads, thread_node) {
		if (t == current)
			continue;
		clear_stop_pending(t);
		n++;
		if (t->exit_state)
			continue;
		t->pending.set |= SIGMASK(SIGKILL);
		signal_wake(t, true);
	}
	return n;
}
