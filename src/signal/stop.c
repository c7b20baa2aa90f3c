/* SPDX-License-Identifier: MIT */
/* Job control: stopping all threads of a process and telling the parent.
 *
 * The thread that takes a stop signal marks every thread STOP_PENDING and counts them in
 * group_stop_count. Each thread on its way to user mode takes part: it leaves the count and sleeps
 * in TASK_STOPPED; the last one makes the process GROUP_STOPPED and notifies the parent. SIGCONT
 * undoes all of it at the moment it is sent (send.c), and some thread of the process tells the
 * parent later, in task context, through GROUP_NOTE_*.
 *
 * Locking: siglock for everything here; tasklist_lock (taken without siglock) to reach the
 * parent. */
#include "signal_internal.h"

#define CLOCK_TICK_NS 10000000ull /* si_utime, si_stime count in hundredths */

bool stop_participate(struct task *t)
{
	struct process *p = t->process;
	bool counted = t->jobctl & JOBCTL_STOP_CONSUME;

	t->jobctl &= ~(JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME);
	if (!counted)
		return false;
	if (p->group_stop_count)
		p->group_stop_count--;
	if (p->group_stop_count || (p->group_flags & GROUP_STOPPED))
		return false;
	p->group_flags &= ~(GROUP_CONTINUED | GROUP_NOTE_CONTINUED);
	p->group_flags |= GROUP_STOPPED | GROUP_STOP_REPORT;
	return true;
}

void stop_join(struct task *t)
{
	u32 job = current->jobctl;

	if (job & JOBCTL_STOP_PENDING) {
		t->jobctl |= (job & JOBCTL_STOP_SIGMASK) | JOBCTL_STOP_PENDING |
			     JOBCTL_STOP_CONSUME;
		t->process->group_stop_count++;
		set_task_work(t, WORK_SIGNAL);
	}
}

/* SIGCHLD of the stop or continue of p, and a wake-up for a waiting parent. tasklist_lock held. */
static void notify_locked(struct process *p, int why)
{
	struct process *parent = p->parent;
	struct siginfo info;
	u64 ut, st;
	u64 flags, handler;

	kernel_siginfo(&info, SIGCHLD, why);
	info.chld.pid = p->tgid;
	rcu_read_lock();
	info.chld.uid = rcu_dereference(p->leader->cred)->uid;
	rcu_read_unlock();
	process_cputime(p, &ut, &st);
	info.chld.utime = (s64)(ut / CLOCK_TICK_NS);
	info.chld.stime = (s64)(st / CLOCK_TICK_NS);
	info.chld.status = why == CLD_CONTINUED ? SIGCONT : p->group_exit_code & 0x7f;

	spin_lock(&parent->siglock);
	if (parent->nr_threads && parent->leader->sighand) {
		const struct ksigaction *ka = &parent->leader->sighand->action[SIGCHLD - 1];

		handler = READ_ONCE(ka->handler);
		flags = READ_ONCE(ka->flags);
		if (handler != SIG_IGN && !(flags & SA_NOCLDSTOP))
			send_signal_locked(parent->leader, SIGCHLD, &info, true);
	}
	spin_unlock(&parent->siglock);
	wake_up_common(&parent->wait_child, TASK_INTERRUPTIBLE, 0, 0, false);
}

void notify_parent_of_job(struct process *p, int why)
{
	spin_lock_irq(&tasklist_lock);
	notify_locked(p, why);
	spin_unlock_irq(&tasklist_lock);
}

/* Starts a stop by `sig`, or (sig 0) takes part in one. siglock held; when it returns true the
 * thread has slept and siglock is released, else siglock is still held and nothing happened. */
NO_LOCK_ANALYSIS bool signal_stop(int sig)
{
	struct task *t = current, *o;
	struct process *p = t->process;
	u32 mark;
	bool notify;

	if (!(t->jobctl & JOBCTL_STOP_PENDING)) {
		if (!(t->jobctl & JOBCTL_STOP_DEQUEUED) || (p->group_flags & GROUP_EXIT) ||
		    p->group_exec_task)
			return false;
		mark = (u32)sig << 8 | JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME;
		if (!(p->group_flags & GROUP_STOPPED))
			p->group_exit_code = sig;
		t->jobctl = (t->jobctl & ~JOBCTL_STOP_SIGMASK) | mark;
		p->group_stop_count = 1;
		list_for_each_entry(o, &p->threads, thread_node) {
			if (o == t || (o->flags & TF_EXITING) || (o->state & TASK_STOPPED))
				continue;
			o->jobctl = (o->jobctl & ~JOBCTL_STOP_SIGMASK) | mark;
			p->group_stop_count++;
			signal_wake(o, false);
		}
	}
	notify = stop_participate(t);
	set_current_state(TASK_STOPPED | TASK_WAKEKILL);
	spin_unlock_irq(&p->siglock);
	if (notify)
		notify_parent_of_job(p, CLD_STOPPED);
	schedule();
	__set_current_state(TASK_RUNNING);
	return true;
}

void signal_exit(struct task *t)
{
	struct process *p = t->process;
	bool notify = false;

	if (p->nr_threads == 1 || (p->group_flags & GROUP_EXIT)) {
		t->flags |= TF_EXITING;
		return;
	}
	spin_lock_irq(&p->siglock);
	t->flags |= TF_EXITING;
	if (signal_pending())
		retarget_shared_pending(p, ~t->blocked);
	if (t->jobctl & JOBCTL_STOP_PENDING)
		notify = stop_participate(t);
	spin_unlock_irq(&p->siglock);
	if (notify)
		notify_parent_of_job(p, CLD_STOPPED);
}

/* No process of the group has a parent in the same session but another group: nobody is left who
 * could continue it. */
bool pgrp_orphaned(struct pid *pgrp)
{
	struct process *p;
	bool orphaned = true;
	irqflags_t f = spin_lock_irqsave(&tasklist_lock);

	list_for_each_entry(p, &pgrp->members[0], pgrp_node) {
		if (p->leader->exit_state && p->nr_threads == 1)
			continue;
		if (p->parent == init_process)
			continue;
		if (p->parent->pgrp != pgrp && p->parent->session == p->session) {
			orphaned = false;
			break;
		}
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	return orphaned;
}
