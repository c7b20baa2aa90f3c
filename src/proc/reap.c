/* SPDX-License-Identifier: MIT */
/* Removing dead tasks from all tables, and the part of exec that gets rid of other threads. */
#include "proc_internal.h"
#include "../signal/signal_internal.h"

#include <drivers/tty.h>
#include <kernel/mm.h>

/* The process goes with its last thread. tasklist_lock held. */
static void process_unlink(struct process *p)
{
	rcu_assign_pointer(p->pid->process, NULL);
	list_del_init(&p->sibling);
	pid_detach_group(p);
	pid_detach_session(p);
}

/* Takes t out of its process: true when the process is gone with it. tasklist_lock held. */
static bool task_unlink(struct task *t)
{
	struct process *p = t->process;
	struct sighand *sh;
	bool last;

	rcu_assign_pointer(t->pid->task, NULL);
	spin_lock(&p->siglock);
	rusage_add_dead_thread(p, t);
	list_del_rcu(&t->thread_node);
	last = --p->nr_threads == 0;
	sh = t->sighand;
	t->sighand = NULL;
	pending_flush(&t->pending);
	if (last)
		pending_flush(&p->shared_pending);
	if (p->notify_count > 0 && --p->notify_count == 0)
		wake_up_task(p->group_exec_task);
	spin_unlock(&p->siglock);
	if (sh)
		sighand_put(sh);
	if (last)
		process_unlink(p);
	pid_release_number(t->pid);
	return last;
}

/* Gives back what a dead task still occupies: its number, its place in the tables. Its state is
 * EXIT_DEAD: one caller only. When it was the last thread beside a leader that is a zombie, the
 * leader's parent is told now, and the leader goes too if the parent does not care. */
void task_reap(struct task *t)
{
	struct process *p = t->process;
	struct task *leader = NULL;
	bool gone;

	while (t) {
		spin_lock_irq(&tasklist_lock);
		gone = task_unlink(t);
		leader = NULL;
		if (!gone && p->nr_threads == 1 && p->leader != t &&
		    p->leader->exit_state == EXIT_ZOMBIE && notify_parent_of_exit(p->leader)) {
			leader = p->leader;
			leader->exit_state = EXIT_DEAD;
		}
		spin_unlock_irq(&tasklist_lock);
		atomic_dec(&t->cred->user->processes);
		atomic_dec(&nr_tasks);
		if (gone)
			tty_process_release(p);
		task_put(t);
		t = leader;
	}
}

/* Waits until the old leader is a zombie. 0 or -EAGAIN when current was killed. */
static NO_LOCK_ANALYSIS int wait_for_leader(struct process *p)
{
	for (;;) {
		spin_lock_irq(&tasklist_lock);
		p->notify_count = -1;
		if (p->leader->exit_state)
			return 0; /* with tasklist_lock held */
		set_current_state(TASK_KILLABLE);
		spin_unlock_irq(&tasklist_lock);
		schedule();
		__set_current_state(TASK_RUNNING);
		if (fatal_signal_pending()) {
			spin_lock_irq(&tasklist_lock);
			p->notify_count = 0;
			spin_unlock_irq(&tasklist_lock);
			return -EAGAIN;
		}
	}
}

/* current becomes the leader and takes over its number; the old leader gets current's and is
 * reaped. tasklist_lock held, released. */
static NO_LOCK_ANALYSIS void take_over_leader(struct process *p)
{
	struct task *t = current, *old = p->leader;
	struct pid *own = t->pid, *group = old->pid;
	struct process *child;

	spin_lock(&p->siglock);
	t->pid = group;
	t->tid = (u32)group->nr;
	old->pid = own;
	old->tid = (u32)own->nr;
	rcu_assign_pointer(group->task, t);
	rcu_assign_pointer(own->task, old);
	t->start_time = old->start_time;
	t->exit_signal = SIGCHLD;
	old->exit_signal = -1;
	p->leader = t;
	old->exit_state = EXIT_DEAD;
	p->notify_count = 0;
	spin_unlock(&p->siglock);
	list_for_each_entry(child, &p->children, sibling)
		child->parent_tid = (pid_t)t->tid;
	spin_unlock_irq(&tasklist_lock);
	task_reap(old);
}

/* Kills the other threads and waits until they are reaped. 0 or -EAGAIN (another thread was first,
 * or current was killed). */
int exec_dethread(void)
{
	struct task *t = current;
	struct process *p = t->process;
	int rc = 0;

	if (p->nr_threads == 1) {
		t->exit_signal = SIGCHLD;
		return 0;
	}
	spin_lock_irq(&p->siglock);
	if ((p->group_flags & GROUP_EXIT) || p->group_exec_task) {
		spin_unlock_irq(&p->siglock);
		return -EAGAIN;
	}
	p->group_exec_task = t;
	p->notify_count = (int)zap_other_threads();
	if (t != p->leader)
		p->notify_count--;
	while (p->notify_count) {
		set_current_state(TASK_KILLABLE);
		spin_unlock_irq(&p->siglock);
		schedule();
		__set_current_state(TASK_RUNNING);
		spin_lock_irq(&p->siglock);
		if (fatal_signal_pending()) {
			rc = -EAGAIN;
			break;
		}
	}
	spin_unlock_irq(&p->siglock);
	if (!rc && t != p->leader) {
		rc = wait_for_leader(p);
		if (!rc)
			take_over_leader(p);
	}
	spin_lock_irq(&p->siglock);
	p->group_exec_task = NULL;
	p->notify_count = 0;
	spin_unlock_irq(&p->siglock);
	if (!rc)
		t->exit_signal = SIGCHLD;
	return rc;
}
