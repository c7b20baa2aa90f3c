/* SPDX-License-Identifier: MIT */
/* Owners of files and SIGIO: F_SETOWN, F_SETSIG, O_ASYNC.
 *
 * Lifetime: file->owner is made by the first command that needs it and goes with the file; memory
 * by RCU, because notifiers walk the list of a device without a lock. */
#include "vfs_internal.h"
#include "lock_internal.h"

#include <fs/poll.h>
#include <kernel/signal.h>

/* L: file->lock */
struct fasync_owner {
	struct file *file;
	struct list_head node;	  /* fasync_list.lock */
	struct fasync_list *list; /* fasync_list.lock; NULL: not listed */
	struct pid *pid;	  /* L: referenced */
	int type;		  /* L: F_OWNER_* */
	int sig;		  /* L: 0 means SIGIO */
	uid_t uid, euid;	  /* L: of who set the owner */
	struct rcu_head rcu;
};

static int owner_of(struct file *f, struct fasync_owner **out)
{
	struct fasync_owner *o = READ_ONCE(f->owner), *fresh;

	if (!o) {
		fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
		if (!fresh)
			return -ENOMEM;
		fresh->file = f;
		fresh->type = F_OWNER_PID;
		spin_lock(&f->lock);
		if (!f->owner) {
			rcu_assign_pointer(f->owner, fresh);
			fresh = NULL;
		}
		o = f->owner;
		spin_unlock(&f->lock);
		kfree(fresh);
	}
	*out = o;
	return 0;
}

static void owner_free_rcu(struct rcu_head *h)
{
	struct fasync_owner *o = container_of(h, struct fasync_owner, rcu);

	if (o->pid)
		pid_put(o->pid);
	kfree(o);
}

void fasync_free(struct file *f)
{
	struct fasync_owner *o = f->owner;

	if (o->list)
		(void)fasync_set(o->list, f, false);
	call_rcu(&o->rcu, owner_free_rcu);
}

void fasync_list_init(struct fasync_list *l)
{
	list_init(&l->files);
	spin_lock_init(&l->lock, LOCK_LEAF);
}

int fasync_set(struct fasync_list *l, struct file *f, bool on)
{
	struct fasync_owner *o;
	int rc;

	if (!on && !READ_ONCE(f->owner))
		return 0;
	rc = owner_of(f, &o);
	if (rc)
		return rc;
	spin_lock(&l->lock);
	if (on && !o->list) {
		o->list = l;
		list_add_rcu(&o->node, &l->files);
	} else if (!on && o->list == l) {
		list_del_rcu(&o->node);
		o->list = NULL;
	}
	spin_unlock(&l->lock);
	return 0;
}

/* Who set the owner sends, whenever it happens: the rules of kill(2) as he was then. In an RCU
 * section. */
static bool may_signal(const struct fasync_owner *o, const struct task *t)
{
	const struct cred *c = rcu_dereference(t->cred);

	return o->euid == 0 || o->euid == c->suid || o->euid == c->uid || o->uid == c->suid ||
	       o->uid == c->uid;
}

static void send_group(const struct fasync_owner *o, struct pid *pid, int sig,
		       const struct siginfo *info)
{
	irqflags_t f = spin_lock_irqsave(&tasklist_lock);
	struct process *p;

	list_for_each_entry(p, &pid->members[0], pgrp_node)
		if (may_signal(o, p->leader))
			(void)send_signal_process(p, sig, info);
	spin_unlock_irqrestore(&tasklist_lock, f);
}

/* In an RCU section, which keeps whom it finds; he may be dying. */
static void send_one(const struct fasync_owner *o, int si_code, u32 band)
{
	struct siginfo info;
	struct pid *pid = READ_ONCE(o->pid);
	int sig = READ_ONCE(o->sig);
	struct process *p;
	struct task *t;

	if (!pid)
		return;
	kernel_siginfo(&info, sig ? sig : SIGIO, sig ? si_code : SI_KERNEL);
	if (sig)
		info.poll.band = band;
	if (!sig)
		sig = SIGIO;
	if (o->type == F_OWNER_PGRP) {
		send_group(o, pid, sig, &info);
		return;
	}
	if (o->type == F_OWNER_TID) {
		t = rcu_dereference(pid->task);
		if (t && may_signal(o, t))
			(void)send_signal_task(t, sig, &info);
		return;
	}
	p = rcu_dereference(pid->process);
	if (p && may_signal(o, READ_ONCE(p->leader)))
		(void)send_signal_process(p, sig, &info);
}

void fasync_notify(struct fasync_list *l, int si_code, u32 band)
{
	struct fasync_owner *o;

	if (list_empty(&l->files))
		return;
	rcu_read_lock();
	list_for_each_entry_rcu(o, &l->files, node)
		send_one(o, si_code, band);
	rcu_read_unlock();
}

/* --- fcntl --- */

static long set_owner(struct file *f, int type, pid_t id)
{
	struct fasync_owner *o;
	struct pid *pid = NULL, *old;
	int rc;

	if (id) {
		pid = pid_find_get(id);
		if (!pid)
			return -ESRCH;
	}
	rc = owner_of(f, &o);
	if (rc) {
		if (pid)
			pid_put(pid);
		return rc;
	}
	spin_lock(&f->lock);
	old = o->pid;
	o->pid = pid;
	o->type = type;
	o->uid = current_cred()->uid;
	o->euid = current_cred()->euid;
	spin_unlock(&f->lock);
	if (old) {
		synchronize_rcu(); /* a notifier may be using it */
		pid_put(old);
	}
	return 0;
}

static long setown_ex(struct file *f, u64 arg)
{
	struct user_f_owner_ex ex;

	if (copy_from_user(&ex, USER_PTR(arg), sizeof(ex)))
		return -EFAULT;
	if (ex.type < F_OWNER_TID || ex.type > F_OWNER_PGRP)
		return -EINVAL;
	return set_owner(f, ex.type, ex.pid);
}

/* The owner's type and number: F_OWNER_TID and 0 without one. */
static struct user_f_owner_ex get_owner(struct file *f)
{
	struct user_f_owner_ex ex = { .type = F_OWNER_TID };

	spin_lock(&f->lock);
	if (f->owner && f->owner->pid) {
		ex.type = f->owner->type;
		ex.pid = f->owner->pid->nr;
	}
	spin_unlock(&f->lock);
	return ex;
}

static long getown_ex(struct file *f, u64 arg)
{
	struct user_f_owner_ex ex = get_owner(f);

	return copy_to_user(USER_PTR(arg), &ex, sizeof(ex));
}

long fcntl_owner(struct file *f, unsigned int cmd, u64 arg)
{
	struct fasync_owner *o = READ_ONCE(f->owner);
	struct user_f_owner_ex ex;
	u32 ids[2] = { 0, 0 };
	int n = (int)arg;

	switch (cmd) {
	case F_SETOWN:
		if (n == INT32_MIN)
			return -EINVAL;
		return set_owner(f, n < 0 ? F_OWNER_PGRP : F_OWNER_PID, n < 0 ? -n : n);
	case F_GETOWN:
		ex = get_owner(f);
		return ex.type == F_OWNER_PGRP ? -(long)ex.pid : ex.pid;
	case F_SETSIG:
		if (arg > 64)
			return -EINVAL;
		n = owner_of(f, &o);
		if (!n)
			o->sig = (int)arg;
		return n;
	case F_GETSIG:
		return o ? o->sig : 0;
	case F_SETOWN_EX:
		return setown_ex(f, arg);
	case F_GETOWN_EX:
		return getown_ex(f, arg);
	default: /* F_GETOWNER_UIDS */
		if (o) {
			ids[0] = o->uid;
			ids[1] = o->euid;
		}
		return copy_to_user(USER_PTR(arg), ids, sizeof(ids));
	}
}
