/* SPDX-License-Identifier: MIT */
/* Process groups and sessions. Locking: tasklist_lock. */
#include "proc_internal.h"

#include <drivers/tty.h>
#include <kernel/syscall.h>

/* The process a group call means by pid: current's for 0. tasklist_lock held. */
static struct process *process_named(pid_t pid)
{
	return pid ? process_find_rcu(pid) : current->process;
}

/* May current move p into group `nr`? tasklist_lock held. */
static int setpgid_check(struct process *p, pid_t nr)
{
	struct process *self = current->process, *m;
	struct pid *group;

	if (p->parent == self && p != self) {
		if (p->session != self->session)
			return -EPERM;
		if (p->did_exec)
			return -EACCES;
	} else if (p != self) {
		return -ESRCH;
	}
	if (p->leader_of_session)
		return -EPERM;
	if (nr == p->tgid)
		return 0;
	group = pid_find_rcu(nr);
	if (!group || list_empty(&group->members[0]))
		return -EPERM;
	m = list_first_entry(&group->members[0], struct process, pgrp_node);
	return m->session == self->session ? 0 : -EPERM;
}

static void move_to_group(struct process *p, struct pid *group)
{
	struct pid *old = p->pgrp;

	if (old == group)
		return;
	pid_get(old);
	pid_detach_group(p);
	pid_put(old); /* the membership's */
	pid_attach_group(p, group);
	pid_put(old);
}

SYSCALL(setpgid, int, pid, int, pgid)
{
	struct process *p;
	pid_t nr = pgid;
	int rc;

	if (pgid < 0 || (!pgid && pid < 0))
		return -EINVAL;
	spin_lock_irq(&tasklist_lock);
	p = process_named(pid);
	if (!p) {
		rc = task_find_rcu(pid) ? -EINVAL : -ESRCH;
		goto out;
	}
	if (!nr)
		nr = p->tgid;
	rc = setpgid_check(p, nr);
	if (!rc)
		move_to_group(p, nr == p->tgid ? p->pid : pid_find_rcu(nr));
out:
	spin_unlock_irq(&tasklist_lock);
	return rc;
}

static long group_of(pid_t pid, bool session)
{
	struct process *p;
	struct task *t;
	long rc = -ESRCH;

	spin_lock_irq(&tasklist_lock);
	p = process_named(pid);
	if (!p) {
		t = task_find_rcu(pid);
		p = t ? t->process : NULL;
	}
	if (p)
		rc = session ? p->session->nr : p->pgrp->nr;
	spin_unlock_irq(&tasklist_lock);
	return rc;
}

SYSCALL(getpgid, int, pid)
{
	return group_of(pid, false);
}

SYSCALL(getsid, int, pid)
{
	return group_of(pid, true);
}

SYSCALL0(getpgrp)
{
	return group_of(0, false);
}

/* A process that leads a group cannot start a session: its group would span two. */
SYSCALL0(setsid)
{
	struct process *p = current->process;
	struct pid *old;
	long rc = -EPERM;

	spin_lock_irq(&tasklist_lock);
	if (p->leader_of_session || !list_empty(&p->pid->members[0]))
		goto out;
	p->leader_of_session = true;
	old = p->session;
	pid_get(old);
	pid_detach_session(p);
	pid_put(old);
	pid_attach_session(p, p->pid);
	pid_put(old);
	move_to_group(p, p->pid);
	rc = p->tgid;
out:
	spin_unlock_irq(&tasklist_lock);
	if (rc > 0)
		tty_process_release(p);
	return rc;
}
