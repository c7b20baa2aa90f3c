/* SPDX-License-Identifier: MIT */
/* Waiting for children.
 * Owns:       which child a wait call finds, and the claim on it.
 * Structure:  one pass over the children under tasklist_lock; a match fills the request and (unless
 *             WNOWAIT) claims the event, so that no second waiter gets it; a dead child is reaped
 *             after the lock is dropped. No match: sleep on process->wait_child and look again.
 * Invariant:  a child whose state changes wakes wait_child after the change, under tasklist_lock;
 *             the waiter is queued before it looks, so no change is missed.
 * Locking:    tasklist_lock, siglock of the child for its stop flags. */
#include "proc_internal.h"
#include "wait.h"

#include <kernel/syscall.h>
#include <uapi/signal.h>

enum verdict {
	NO_MATCH,  /* not a child this call is about */
	NOT_YET,   /* it is, but it has nothing to report: waiting makes sense */
	FOUND,
	FOUND_DEAD,/* and it is the caller's to reap */
};

static bool eligible(const struct wait_request *w, const struct process *p)
{
	bool clone_child = p->leader->exit_signal != SIGCHLD;

	if (w->type == P_PID && p->pid != w->pid)
		return false;
	if (w->type == P_PGID && p->pgrp != w->pid)
		return false;
	if ((w->options & __WNOTHREAD) && p->parent_tid != (pid_t)current->tid)
		return false;
	if (w->options & __WALL)
		return true;
	return clone_child == !!(w->options & __WCLONE);
}

static void report(struct wait_request *w, struct process *p, int status, int code, int cause)
{
	w->found = p->tgid;
	w->status = status;
	w->code = code;
	w->cause = cause;
	w->uid = p->leader->cred->uid;
	if (w->want_rusage)
		process_rusage(p, RUSAGE_BOTH, &w->ru);
}

static enum verdict consider_dead(struct wait_request *w, struct process *p)
{
	struct task *t = p->leader;
	int status;

	if (!(w->options & WEXITED))
		return NO_MATCH;
	status = exit_wait_status(p, t);
	if (status & 0x7f)
		report(w, p, status, status & 0x80 ? CLD_DUMPED : CLD_KILLED, status & 0x7f);
	else
		report(w, p, status, CLD_EXITED, status >> 8 & 0xff);
	if (w->options & WNOWAIT)
		return FOUND;
	t->exit_state = EXIT_DEAD;
	rusage_add_child(p->parent, p);
	return FOUND_DEAD;
}

static enum verdict consider_stopped(struct wait_request *w, struct process *p)
{
	enum verdict v = NOT_YET;

	spin_lock(&p->siglock);
	if ((w->options & WUNTRACED) && (p->group_flags & GROUP_STOPPED) &&
	    (p->group_flags & GROUP_STOP_REPORT)) {
		int sig = p->group_exit_code & 0xff;

		if (!(w->options & WNOWAIT))
			p->group_flags &= ~GROUP_STOP_REPORT;
		spin_unlock(&p->siglock);
		report(w, p, sig << 8 | 0x7f, CLD_STOPPED, sig);
		return FOUND;
	}
	if ((w->options & WCONTINUED) && (p->group_flags & GROUP_CONTINUED)) {
		if (!(w->options & WNOWAIT))
			p->group_flags &= ~GROUP_CONTINUED;
		spin_unlock(&p->siglock);
		report(w, p, 0xffff, CLD_CONTINUED, SIGCONT);
		return FOUND;
	}
	spin_unlock(&p->siglock);
	return v;
}

/* tasklist_lock held. */
static enum verdict consider(struct wait_request *w, struct process *p)
{
	struct task *leader = p->leader;

	if (leader->exit_state == EXIT_DEAD || !eligible(w, p))
		return NO_MATCH;
	if (leader->exit_state == EXIT_ZOMBIE) {
		if (p->nr_threads == 1)
			return consider_dead(w, p);
		/* Other threads live on; the process can still stop and continue. */
		if (consider_stopped(w, p) == FOUND)
			return FOUND;
		return w->options & (WEXITED | WCONTINUED) ? NOT_YET : NO_MATCH;
	}
	return consider_stopped(w, p);
}

/* One pass: FOUND, FOUND_DEAD (*dead), NOT_YET or NO_MATCH. */
static enum verdict search(struct wait_request *w, struct task **dead)
{
	struct process *p;
	enum verdict best = NO_MATCH, v = NO_MATCH;

	if (w->type != P_ALL && !w->pid)
		return NO_MATCH;
	spin_lock_irq(&tasklist_lock);
	if (w->type == P_PID) {
		p = w->pid->process;
		if (p && p->parent == current->process)
			best = v = consider(w, p);
	} else {
		list_for_each_entry(p, &current->process->children, sibling) {
			v = consider(w, p);
			if (v > best)
				best = v;
			if (v >= FOUND)
				break;
		}
	}
	if (best == FOUND_DEAD)
		*dead = p->leader;
	spin_unlock_irq(&tasklist_lock);
	return best;
}

int process_wait(struct wait_request *w)
{
	struct wait_queue *wq = &current->process->wait_child;
	struct task *dead = NULL;
	struct wait_entry entry;
	enum verdict v;
	int rc = 0;

	w->found = 0;
	/* Most waits find their child at once or sleep once. */
	v = search(w, &dead);
	if (v == NOT_YET && !(w->options & WNOHANG)) {
		wait_entry_init(&entry, NULL);
		for (;;) {
			prepare_to_wait(wq, &entry, TASK_INTERRUPTIBLE);
			v = search(w, &dead);
			if (v != NOT_YET)
				break;
			if (signal_pending()) {
				rc = -ERESTARTSYS;
				break;
			}
			schedule();
		}
		finish_wait(wq, &entry);
	}
	if (v == NO_MATCH)
		return -ECHILD;
	if (v == FOUND_DEAD)
		task_reap(dead);
	return rc;
}
