/* SPDX-License-Identifier: MIT */
/* The end of threads and processes.
 * Owns:       the order in which a task gives up what it has, and what its relatives learn.
 * Order:      stop taking signals; if it is the last thread, timers end and pid 1 panics; address
 *             space (robust futexes, clear_child_tid, vfork parent); files; directory; terminal;
 *             deferred work; then, under tasklist_lock, children get a new parent, orphaned stopped
 *             groups are woken, the parent is notified; then the scheduler switches away for good.
 * Lifetime:   a leader stays as a zombie until its parent waits (or ignores SIGCHLD); other threads
 *             reap themselves.
 * Locking:    tasklist_lock for relations and exit states, siglock for group flags. */
#include "proc_internal.h"
#include "../signal/signal_internal.h"

#include <drivers/tty.h>
#include <fs/procfs.h>
#include <fs/vfs.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#define CLOCK_TICK_NS 10000000ull
/* Children that reap themselves are collected here, reaped without the lock. */
#define DEAD_BATCH 16

DEFINE_COUNTER(task_exits);

/* The status wait reports: of the whole process when it died as one. */
int exit_wait_status(const struct process *p, const struct task *t)
{
	return p->group_flags & GROUP_EXIT ? p->group_exit_code : t->exit_code;
}

static void status_to_siginfo(struct siginfo *info, int status)
{
	if (status & 0x7f) {
		info->chld.status = status & 0x7f;
		info->si_code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
	} else {
		info->chld.status = status >> 8 & 0xff;
		info->si_code = CLD_EXITED;
	}
}

/* Wakes the parent of leader t, which is dead with all its threads, and sends its exit signal.
 * True: the parent does not want to wait for it. tasklist_lock held. */
bool notify_parent_of_exit(struct task *t)
{
	struct process *p = t->process, *parent = p->parent;
	bool reap = false;
	struct siginfo info;
	int sig = t->exit_signal;
	u64 ut, st;

	lock_assert_held(&tasklist_lock);
	wake_up_common(&p->pid->wq, TASK_NORMAL, 0, 0, false);
	if (parent == &idle_process)
		return true;
	/* A program gets no signal that the one before it chose: it may have other rights. */
	if (sig != SIGCHLD && p->parent_execs != READ_ONCE(parent->execs))
		sig = SIGCHLD;
	kernel_siginfo(&info, sig, 0);
	info.chld.pid = p->tgid;
	info.chld.uid = t->cred->uid;
	process_cputime(p, &ut, &st);
	info.chld.utime = (s64)(ut / CLOCK_TICK_NS);
	info.chld.stime = (s64)(st / CLOCK_TICK_NS);
	status_to_siginfo(&info, exit_wait_status(p, t));

	spin_lock(&parent->siglock);
	if (sig == SIGCHLD && parent->nr_threads && parent->leader->sighand) {
		const struct ksigaction *ka = &parent->leader->sighand->action[SIGCHLD - 1];
		u64 handler = READ_ONCE(ka->handler);

		if (handler == SIG_IGN || (READ_ONCE(ka->flags) & SA_NOCLDWAIT)) {
			reap = true;
			if (handler == SIG_IGN)
				sig = 0;
		}
	}
	if (sig > 0 && sig <= NSIG && parent->nr_threads)
		send_signal_locked(parent->leader, sig, &info, true);
	spin_unlock(&parent->siglock);
	wake_up_common(&parent->wait_child, TASK_INTERRUPTIBLE, 0, 0, false);
	return reap;
}

/* --- address space --- */

static void vfork_complete(struct task *t)
{
	struct completion *done;

	spin_lock(&t->lock);
	done = t->vfork_done;
	t->vfork_done = NULL;
	t->flags &= ~TF_VFORK_CHILD;
	if (done)
		complete(done);
	spin_unlock(&t->lock);
}

void mm_release(struct task *t)
{
	struct user_ptr p = t->clear_child_tid;

	futex_task_exit(t);
	if (!user_ptr_is_null(p)) {
		t->clear_child_tid = USER_NULL;
		/* Nobody is left to see it in an address space of one's own. */
		if (atomic_read(&t->mm->users) > 1 && !put_user_u32(0, p))
			futex_wake_user(p, 1);
	}
	if (t->vfork_done)
		vfork_complete(t);
}

static void exit_mm(struct task *t)
{
	struct mm *mm = t->mm;

	if (!mm)
		return;
	mm_release(t);
	/* From here the page tables are only borrowed. */
	mm_grab(mm);
	irq_disable();
	spin_lock(&t->lock);
	t->active_mm = mm;
	t->mm = NULL;
	spin_unlock(&t->lock);
	irq_enable();
	spin_lock_irq(&t->process->siglock);
	rusage_note_rss(t->process, mm);
	spin_unlock_irq(&t->process->siglock);
	mm_put(mm);
}

static void exit_files(struct task *t)
{
	struct files *files = t->files;
	struct fs_struct *fs = t->fs;

	spin_lock(&t->lock);
	t->files = NULL;
	t->fs = NULL;
	spin_unlock(&t->lock);
	if (files)
		files_put(files);
	if (fs)
		fs_struct_put(fs);
}

/* --- relatives; tasklist_lock held --- */

/* Who takes over the children of p: the nearest ancestor that asked for it, else pid 1. */
static struct process *find_reaper(struct process *p)
{
	struct process *r;

	if (p->has_child_subreaper) {
		for (r = p->parent; r != &idle_process && r != init_process; r = r->parent) {
			if (r->is_child_subreaper && atomic_read(&r->live))
				return r;
			if (!r->has_child_subreaper && !r->is_child_subreaper)
				break;
		}
	}
	return init_process;
}

/* p leaves (p exits: ignored = p) or loses its parent to `parent` (ignored NULL): if that leaves
 * its group without a way to be continued and something in it is stopped, hang up and continue
 * it. */
static void wake_orphaned_group(struct process *p, struct process *parent, bool exiting)
{
	struct process *m;
	bool stopped = false;

	if (parent->pgrp == p->pgrp || parent->session != p->session)
		return;
	list_for_each_entry(m, &p->pgrp->members[0], pgrp_node) {
		if (m->group_flags & GROUP_STOPPED)
			stopped = true;
		if ((exiting && m == p) || (m->leader->exit_state && m->nr_threads == 1) ||
		    m->parent == init_process)
			continue;
		if (m->parent->pgrp != p->pgrp && m->parent->session == p->session)
			return;
	}
	if (!stopped)
		return;
	send_signal_pgrp_locked(p->pgrp, SIGHUP, NULL);
	send_signal_pgrp_locked(p->pgrp, SIGCONT, NULL);
}

/* PR_SET_PDEATHSIG of the threads of a child whose parent thread ended. */
static void send_pdeath_signals(struct process *child)
{
	struct siginfo info;
	struct task *t;

	list_for_each_entry(t, &child->threads, thread_node) {
		int sig = (int)t->pdeath_signal;

		if (!sig)
			continue;
		kernel_siginfo(&info, sig, SI_USER);
		info.kill.pid = current->process->tgid;
		info.kill.uid = current_cred()->uid;
		send_signal_process(child, sig, &info);
	}
}

/* A thread that is not the last: its children stay in the process, in the hands of another
 * thread. */
static void hand_over_children(struct task *t)
{
	struct process *p = t->process, *child;
	struct task *other, *heir = NULL;

	list_for_each_entry(other, &p->threads, thread_node) {
		if (!(other->flags & TF_EXITING)) {
			heir = other;
			break;
		}
	}
	if (!heir)
		return;
	list_for_each_entry(child, &p->children, sibling) {
		if (child->parent_tid != (pid_t)t->tid)
			continue;
		child->parent_tid = (pid_t)heir->tid;
		send_pdeath_signals(child);
	}
}

/* Gives all children of the dying process to the reaper; those that nobody will wait for go to
 * dead[]. Returns how many; called again while it fills the array. */
static unsigned int reparent_children(struct process *p, struct task *dead[DEAD_BATCH])
{
	struct process *reaper, *child, *tmp;
	unsigned int n = 0;

	if (list_empty(&p->children))
		return 0;
	reaper = find_reaper(p);
	list_for_each_entry_safe(child, tmp, &p->children, sibling) {
		struct task *leader = child->leader;

		if (n == DEAD_BATCH)
			break;
		WRITE_ONCE(child->parent, reaper);
		child->parent_tid = reaper->tgid;
		list_move_tail(&child->sibling, &reaper->children);
		send_pdeath_signals(child);
		if (leader->exit_state == EXIT_DEAD)
			continue;
		leader->exit_signal = SIGCHLD;
		if (leader->exit_state == EXIT_ZOMBIE && child->nr_threads == 1 &&
		    notify_parent_of_exit(leader)) {
			leader->exit_state = EXIT_DEAD;
			dead[n++] = leader;
		}
		wake_orphaned_group(child, p, false);
	}
	return n;
}

/* Becomes a zombie or, when nobody will ask, dead. */
static bool exit_state_change(struct task *t, bool last)
{
	struct process *p = t->process;
	bool reap = true;

	if (last)
		wake_orphaned_group(p, p->parent, true);
	t->exit_state = EXIT_ZOMBIE;
	if (t == p->leader)
		reap = p->nr_threads == 1 && notify_parent_of_exit(t);
	if (reap)
		t->exit_state = EXIT_DEAD;
	/* exec waits for the old leader to get this far. */
	if (p->notify_count < 0)
		wake_up_task(p->group_exec_task);
	return reap;
}

static void exit_notify(struct task *t, bool last)
{
	struct process *p = t->process;
	struct task *dead[DEAD_BATCH];
	unsigned int n = 0;
	bool reap;

	spin_lock_irq(&tasklist_lock);
	if (!last && !list_empty(&p->children))
		hand_over_children(t);
	while (last && (n = reparent_children(p, dead)) == DEAD_BATCH) {
		spin_unlock_irq(&tasklist_lock);
		while (n)
			task_reap(dead[--n]);
		spin_lock_irq(&tasklist_lock);
	}
	reap = exit_state_change(t, last);
	spin_unlock_irq(&tasklist_lock);
	while (n)
		task_reap(dead[--n]);
	if (reap)
		task_reap(t);
}

/* --- */

static void check_init_death(const struct process *p)
{
	if (p == init_process)
		panic("Attempted to kill init! exitcode=0x%08x", p->group_exit_code);
}

/* The last thread to leave decides how the process ended, unless that was decided for all. */
static void note_last_exit(struct process *p, int status)
{
	spin_lock_irq(&p->siglock);
	if (!(p->group_flags & GROUP_EXIT)) {
		p->group_flags = (p->group_flags & GROUP_UNKILLABLE) | GROUP_EXIT;
		p->group_exit_code = status;
		p->group_stop_count = 0;
	}
	spin_unlock_irq(&p->siglock);
}

void do_exit(int wait_status)
{
	struct task *t = current;
	struct process *p = t->process;
	bool last;

	if (in_atomic())
		panic("exit of %s (%u) in atomic context", t->comm, t->tid);
	COUNT(task_exits);
	signal_exit(t);
	last = atomic_dec_and_test(&p->live);
	if (last && !(t->flags & TF_KTHREAD)) {
		note_last_exit(p, wait_status);
		check_init_death(p);
		process_timers_exit(p);
	}
	t->exit_code = wait_status;
	exit_mm(t);
	exit_files(t);
	if (last && p->leader_of_session)
		tty_session_leader_exit(p);
	task_work_run();
	if (t->vfork_done)
		vfork_complete(t);
	sched_exit(t);
	exit_notify(t, last);
	schedule_dead();
}

/* Ends all threads with one status; the first caller's counts. */
void do_group_exit(int wait_status)
{
	struct process *p = current->process;

	if (p->nr_threads == 1 && !(p->group_flags & GROUP_EXIT))
		do_exit(wait_status);
	spin_lock_irq(&p->siglock);
	if (p->group_flags & GROUP_EXIT) {
		wait_status = p->group_exit_code;
	} else if (p->group_exec_task) {
		wait_status = 0;
	} else {
		p->group_exit_code = wait_status;
		p->group_flags = (p->group_flags & GROUP_UNKILLABLE) | GROUP_EXIT;
		zap_other_threads();
	}
	spin_unlock_irq(&p->siglock);
	do_exit(wait_status);
}

SYSCALL(exit, int, code)
{
	do_exit((code & 0xff) << 8);
}

SYSCALL(exit_group, int, code)
{
	do_group_exit((code & 0xff) << 8);
}
