/* SPDX-License-Identifier: MIT */
/* Controlling terminals: which session a terminal belongs to, which group is in its foreground.
 *
 * Owns:       t->session, t->pgrp; process->tty and process->tty_old_pgrp.
 * References: process->tty holds one on the terminal; t->session and t->pgrp hold one each.
 * Invariant:  a session has at most one terminal and a terminal at most one session; every process
 *             with p->tty == t is in t->session, or t has been taken from it and p->tty is going.
 * Locking:    tasklist_lock (members of sessions) -> siglock (p->tty) -> ctrl_lock (t->session,
 *             t->pgrp). Taking control is serialised by t->ctl_lock. Signals are sent with none of
 *             the spinlocks held. */
#include "tty_internal.h"

#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>


struct tty *tty_current_get(void)
{
	struct process *p = current->process;
	irqflags_t f = spin_lock_irqsave(&p->siglock);
	struct tty *t = p->tty;

	if (t)
		tty_get(t);
	spin_unlock_irqrestore(&p->siglock, f);
	return t;
}

struct pid *tty_pgrp_get(struct tty *t)
{
	irqflags_t f = spin_lock_irqsave(&t->ctrl_lock);
	struct pid *pgrp = t->pgrp;

	if (pgrp)
		pid_get(pgrp);
	spin_unlock_irqrestore(&t->ctrl_lock, f);
	return pgrp;
}

void tty_signal_pgrp(struct tty *t, int sig)
{
	struct pid *pgrp = tty_pgrp_get(t);

	if (pgrp) {
		(void)send_signal_pgrp(pgrp, sig, NULL);
		pid_put(pgrp);
	}
}

/* References to current's group and session, which setpgid of a parent may change. */
static void current_group(struct pid **pgrp, struct pid **session)
{
	struct process *p = current->process;
	irqflags_t f = spin_lock_irqsave(&tasklist_lock);

	*pgrp = p->pgrp;
	*session = p->session;
	pid_get(*pgrp);
	pid_get(*session);
	spin_unlock_irqrestore(&tasklist_lock, f);
}

static bool in_session_of(const struct tty *t)
{
	return READ_ONCE(t->session) == READ_ONCE(current->process->session);
}

/* A background process touches the terminal: 0 it may, -EIO, or -ERESTARTSYS after the signal. */
int tty_check_change(struct tty *t, int sig)
{
	struct process *p = current->process;
	struct pid *pgrp, *session, *fg;
	int rc = 0;

	if (READ_ONCE(p->tty) != t)
		return 0;
	fg = tty_pgrp_get(t);
	current_group(&pgrp, &session);
	if (fg && fg != pgrp) {
		if (signal_ignored_or_blocked(current, sig)) {
			if (sig == SIGTTIN)
				rc = -EIO;
		} else if (pgrp_orphaned(pgrp)) {
			rc = -EIO;
		} else {
			(void)send_signal_pgrp(pgrp, sig, NULL);
			set_task_work(current, WORK_SIGNAL);
			rc = -ERESTARTSYS;
		}
	}
	pid_put(session);
	pid_put(pgrp);
	if (fg)
		pid_put(fg);
	return rc;
}

/* Replaces session and group; takes over the references. */
static void set_owner(struct tty *t, struct pid *session, struct pid *pgrp)
{
	irqflags_t f = spin_lock_irqsave(&t->ctrl_lock);

	swap(t->session, session);
	swap(t->pgrp, pgrp);
	spin_unlock_irqrestore(&t->ctrl_lock, f);
	if (session)
		pid_put(session);
	if (pgrp)
		pid_put(pgrp);
}

/* Replaces p->tty (takes over a reference to t) and forgets the old group. */
static void process_set_tty(struct process *p, struct tty *t)
{
	irqflags_t f = spin_lock_irqsave(&p->siglock);
	struct pid *old_pgrp = p->tty_old_pgrp;
	struct tty *old = p->tty;

	p->tty = t;
	p->tty_old_pgrp = NULL;
	spin_unlock_irqrestore(&p->siglock, f);
	if (old)
		tty_put(old);
	if (old_pgrp)
		pid_put(old_pgrp);
}

/* Current, a session leader, gets t as controlling terminal. ctl_lock held. */
static void take_control(struct tty *t)
{
	struct pid *pgrp, *session;

	current_group(&pgrp, &session);
	set_owner(t, session, pgrp);
	tty_get(t);
	process_set_tty(current->process, t);
}

void tty_open_take_control(struct file *f, struct tty *t)
{
	struct process *p = current->process;

	mutex_lock(&t->ctl_lock);
	if (p->leader_of_session && !READ_ONCE(p->tty) && !t->session && (f->mode & FMODE_READ))
		take_control(t);
	mutex_unlock(&t->ctl_lock);
}

/* Takes t away from all processes of a session. */
static void session_clear_tty(struct pid *session, struct tty *t)
{
	irqflags_t f = spin_lock_irqsave(&tasklist_lock);
	struct process *p;

	list_for_each_entry(p, &session->members[1], session_node) {
		spin_lock(&p->siglock);
		if (p->tty == t) {
			p->tty = NULL;
			tty_put(t);
		}
		spin_unlock(&p->siglock);
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
}

static struct pid *session_get(struct tty *t)
{
	irqflags_t f = spin_lock_irqsave(&t->ctrl_lock);
	struct pid *s = t->session;

	if (s)
		pid_get(s);
	spin_unlock_irqrestore(&t->ctrl_lock, f);
	return s;
}

void tty_session_clear(struct tty *t)
{
	struct pid *s = session_get(t);

	if (!s)
		return;
	session_clear_tty(s, t);
	pid_put(s);
	set_owner(t, NULL, NULL);
}

/* Hang-up of t: the session leader gets SIGHUP and SIGCONT (the foreground group SIGHUP too when
 * the leader itself is exiting), and nobody is controlled by t any more. */
void tty_hangup_session(struct tty *t, bool leader_exit)
{
	struct pid *s = session_get(t), *fg = tty_pgrp_get(t);
	struct process *p, *leader = NULL;
	irqflags_t f;

	if (!s)
		goto out;
	f = spin_lock_irqsave(&tasklist_lock);
	list_for_each_entry(p, &s->members[1], session_node) {
		spin_lock(&p->siglock);
		if (p->tty == t) {
			p->tty = NULL;
			tty_put(t);
		}
		if (p->leader_of_session) {
			process_get(p);
			leader = p;
			if (fg && !p->tty_old_pgrp) {
				pid_get(fg);
				p->tty_old_pgrp = fg;
			}
		}
		spin_unlock(&p->siglock);
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	if (leader) {
		(void)send_signal_process(leader, SIGHUP, NULL);
		(void)send_signal_process(leader, SIGCONT, NULL);
		process_put(leader);
	}
	if (fg && leader_exit)
		(void)send_signal_pgrp(fg, SIGHUP, NULL);
	set_owner(t, NULL, NULL);
	pid_put(s);
out:
	if (fg)
		pid_put(fg);
}

/* The leader gives up its terminal: exiting (then the terminal is hung up), or by TIOCNOTTY. */
static void disassociate(struct process *p, bool exiting)
{
	struct tty *t = tty_current_get();
	struct pid *old = NULL, *fg;
	irqflags_t f;

	if (t && exiting && !tty_is_pty(t)) {
		tty_vhangup_leader(t);
	} else if (t) {
		fg = tty_pgrp_get(t);
		if (fg) {
			(void)send_signal_pgrp(fg, SIGHUP, NULL);
			if (!exiting)
				(void)send_signal_pgrp(fg, SIGCONT, NULL);
			pid_put(fg);
		}
	} else if (!exiting) {
		return;
	}
	f = spin_lock_irqsave(&p->siglock);
	swap(old, p->tty_old_pgrp);
	spin_unlock_irqrestore(&p->siglock, f);
	if (old) {
		/* The terminal was lost before: the group that was in front then hears of it now.
		 * */
		if (!t) {
			(void)send_signal_pgrp(old, SIGHUP, NULL);
			(void)send_signal_pgrp(old, SIGCONT, NULL);
		}
		pid_put(old);
	}
	if (t) {
		tty_session_clear(t);
		tty_put(t);
	}
}

void tty_session_leader_exit(struct process *p)
{
	disassociate(p, true);
}

void tty_process_release(struct process *p)
{
	process_set_tty(p, NULL);
}

void tty_fork(struct process *parent, struct process *child)
{
	irqflags_t f = spin_lock_irqsave(&parent->siglock);

	child->tty = parent->tty;
	child->tty_old_pgrp = NULL;
	if (child->tty)
		tty_get(child->tty);
	spin_unlock_irqrestore(&parent->siglock, f);
}

void tty_proc_info(struct process *p, dev_t *dev, pid_t *tpgid)
{
	irqflags_t f = spin_lock_irqsave(&p->siglock);
	struct tty *t = p->tty;

	*dev = 0;
	*tpgid = -1;
	if (t) {
		*dev = t->dev;
		spin_lock(&t->ctrl_lock);
		*tpgid = t->pgrp ? t->pgrp->nr : -1;
		spin_unlock(&t->ctrl_lock);
	}
	spin_unlock_irqrestore(&p->siglock, f);
}

/* --- ioctls --- */

long tty_tiocsctty(struct tty *t, struct file *f, u64 force)
{
	struct process *p = current->process;
	struct pid *s;
	long rc = -EPERM;

	mutex_lock(&t->ctl_lock);
	if (p->leader_of_session && in_session_of(t)) {
		rc = 0;
		goto out;
	}
	if (!p->leader_of_session || READ_ONCE(p->tty))
		goto out;
	if (!(f->mode & FMODE_READ) && !capable(CAP_SYS_ADMIN))
		goto out;
	s = session_get(t);
	if (s) {
		if (force != 1 || !capable(CAP_SYS_ADMIN)) {
			pid_put(s);
			goto out;
		}
		session_clear_tty(s, t);
		pid_put(s);
	}
	take_control(t);
	rc = 0;
out:
	mutex_unlock(&t->ctl_lock);
	return rc;
}

long tty_tiocnotty(struct tty *t)
{
	struct process *p = current->process;

	if (READ_ONCE(p->tty) != t)
		return -ENOTTY;
	if (p->leader_of_session)
		disassociate(p, false);
	process_set_tty(p, NULL);
	return 0;
}

/* The group of number nr when it is in current's session. */
static int find_group(pid_t nr, struct pid **out)
{
	struct pid *pgrp = pid_find_get(nr), *session = NULL;
	struct process *p;
	irqflags_t f;

	if (!pgrp)
		return -ESRCH;
	f = spin_lock_irqsave(&tasklist_lock);
	list_for_each_entry(p, &pgrp->members[0], pgrp_node) {
		session = p->session;
		break;
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
	if (session != READ_ONCE(current->process->session)) {
		pid_put(pgrp);
		return -EPERM;
	}
	*out = pgrp;
	return 0;
}

long tty_tiocspgrp(struct tty *t, struct tty *real, struct user_ptr up)
{
	struct pid *pgrp;
	irqflags_t f;
	u32 nr;
	int rc = tty_check_change(real, SIGTTOU);

	if (rc)
		return rc == -EIO ? -ENOTTY : rc;
	if (get_user_u32(&nr, up))
		return -EFAULT;
	if ((pid_t)nr < 0)
		return -EINVAL;
	if (READ_ONCE(current->process->tty) != real || !in_session_of(real))
		return -ENOTTY;
	rc = find_group((pid_t)nr, &pgrp);
	if (rc)
		return rc;
	f = spin_lock_irqsave(&real->ctrl_lock);
	swap(real->pgrp, pgrp);
	spin_unlock_irqrestore(&real->ctrl_lock, f);
	if (pgrp)
		pid_put(pgrp);
	return 0;
}

long tty_tiocgpgrp(struct tty *t, struct tty *real, struct user_ptr up)
{
	struct pid *pgrp;
	pid_t nr = 0;

	/* A master may ask for its slave's without being controlled by it. */
	if (t == real && READ_ONCE(current->process->tty) != real)
		return -ENOTTY;
	pgrp = tty_pgrp_get(real);
	if (pgrp) {
		nr = pgrp->nr;
		pid_put(pgrp);
	}
	return put_user_u32((u32)nr, up);
}

long tty_tiocgsid(struct tty *t, struct tty *real, struct user_ptr up)
{
	struct pid *s;
	pid_t nr;

	if (t == real && READ_ONCE(current->process->tty) != real)
		return -ENOTTY;
	s = session_get(real);
	if (!s)
		return -ENOTTY;
	nr = s->nr;
	pid_put(s);
	return put_user_u32((u32)nr, up);
}
