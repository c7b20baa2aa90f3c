/* SPDX-License-Identifier: MIT */
/* Process numbers.
 * Owns:       the table number -> struct pid, and which numbers are in use.
 * Use:        clone makes a pid and attaches task and process; setpgid and setsid attach groups and
 *             sessions; look-ups go through RCU.
 * Invariant:  a number stays in the table while it names a thread, a process, a group with members
 *             or a session with members, so that it is not given out again; the object lives as
 *             long as references do (pidfds, /proc).
 * Locking:    pid_lock for the table, tasklist_lock for what a pid points to. pid_lock nests
 * inside.
 * Numbers:    handed out in a circle up to pid_max; after the first round those below 300 are left
 *             to the long-running processes of boot. 1 is kept for init. */
#include "proc_internal.h"

#include <fs/procfs.h>
#include <kernel/idr.h>
#include <kernel/slab.h>

#define RESERVED_PIDS 300
#define PID_LIMIT (4 << 20)

static DEFINE_SPINLOCK(pid_lock, LOCK_LEAF);
static struct idr pid_table; /* pid_lock; RCU to read */
static struct kmem_cache *pid_cache __ro_after_init;
static bool wrapped; /* pid_lock */
static bool next_is_init;
static pid_t last_given; /* pid_lock; read without */

s64 pid_max = 32768;
SYSCTL(pid_max, "kernel/pid_max", 0644, &pid_max, 301, PID_LIMIT);

void pid_init(void)
{
	pid_cache = kmem_cache_create("pid", sizeof(struct pid), 8, 0, NULL);
	VERIFY(pid_cache);
	idr_init(&pid_table);
}

/* The next number given out is 1. */
void pid_next_is_init(void)
{
	next_is_init = true;
}

/* pid_lock held. */
static int number_alloc(struct pid *p, pid_t nr)
{
	int got;

	if (nr) {
		got = idr_alloc(&pid_table, p, nr, nr + 1, GFP_ATOMIC);
		return got == -ENOSPC ? -EEXIST : got;
	}
	if (unlikely(next_is_init)) {
		next_is_init = false;
		return idr_alloc(&pid_table, p, 1, 2, GFP_ATOMIC);
	}
	got = idr_alloc_cyclic(&pid_table, p, wrapped ? RESERVED_PIDS : 2, (int)pid_max,
			       GFP_ATOMIC);
	if (got > RESERVED_PIDS)
		wrapped = true;
	return got == -ENOSPC ? -EAGAIN : got;
}

int pid_create(pid_t nr, struct pid **out)
{
	struct pid *p = kmem_cache_alloc(pid_cache, GFP_KERNEL);
	irqflags_t f;
	int got;

	if (!p)
		return -ENOMEM;
	refcount_set(&p->refs, 1); /* the table's */
	p->task = NULL;
	p->process = NULL;
	list_init(&p->members[0]);
	list_init(&p->members[1]);
	wait_queue_init(&p->wq);
	p->nr = 0;
	p->listed = true;
	f = spin_lock_irqsave(&pid_lock);
	got = number_alloc(p, nr);
	if (got > 0) {
		WRITE_ONCE(p->nr, got);
		last_given = got;
	}
	spin_unlock_irqrestore(&pid_lock, f);
	if (got < 0) {
		kmem_cache_free(pid_cache, p);
		return got;
	}
	*out = p;
	return 0;
}

static void pid_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(pid_cache, container_of(head, struct pid, rcu));
}

void pid_put(struct pid *p)
{
	if (p && refcount_dec_and_test(&p->refs))
		call_rcu(&p->rcu, pid_free_rcu);
}

static void number_free(struct pid *p)
{
	irqflags_t f = spin_lock_irqsave(&pid_lock);

	p->listed = false;
	idr_remove(&pid_table, p->nr);
	spin_unlock_irqrestore(&pid_lock, f);
	pid_put(p);
}

void pid_destroy_unused(struct pid *p)
{
	number_free(p);
}

void pid_release_number(struct pid *p)
{
	lock_assert_held(&tasklist_lock);
	if (p->listed && !p->task && !p->process && list_empty(&p->members[0]) &&
	    list_empty(&p->members[1]))
		number_free(p);
}

void pid_attach_group(struct process *p, struct pid *pgrp)
{
	pid_get(pgrp);
	p->pgrp = pgrp;
	list_add_tail(&p->pgrp_node, &pgrp->members[0]);
}

void pid_attach_session(struct process *p, struct pid *session)
{
	pid_get(session);
	p->session = session;
	list_add_tail(&p->session_node, &session->members[1]);
}

/* The pointer and its reference stay, for those who look at a process that is just being reaped;
 * whoever attaches another group puts the old one. */
void pid_detach_group(struct process *p)
{
	list_del_init(&p->pgrp_node);
	pid_release_number(p->pgrp);
}

void pid_detach_session(struct process *p)
{
	list_del_init(&p->session_node);
	pid_release_number(p->session);
}

struct pid *pid_find_rcu(pid_t nr)
{
	return nr > 0 ? idr_find(&pid_table, nr) : NULL;
}

struct pid *pid_find_get(pid_t nr)
{
	struct pid *p;

	rcu_read_lock();
	p = pid_find_rcu(nr);
	if (p && !refcount_inc_not_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

struct task *task_find_rcu(pid_t tid)
{
	struct pid *p = pid_find_rcu(tid);

	return p ? rcu_dereference(p->task) : NULL;
}

struct process *process_find_rcu(pid_t tgid)
{
	struct pid *p = pid_find_rcu(tgid);

	return p ? rcu_dereference(p->process) : NULL;
}

struct task *task_find_get(pid_t tid)
{
	struct task *t;

	rcu_read_lock();
	t = task_find_rcu(tid);
	if (t && !refcount_inc_not_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

struct process *process_next_get(pid_t *nr)
{
	struct process *p = NULL;
	struct pid *pid;
	int id = *nr;

	rcu_read_lock();
	while ((pid = idr_get_next(&pid_table, &id)) != NULL) {
		p = rcu_dereference(pid->process);
		if (p && refcount_inc_not_zero(&p->refs)) {
			*nr = id;
			break;
		}
		p = NULL;
		id++;
	}
	rcu_read_unlock();
	return p;
}

struct pid *pid_next_get(pid_t nr)
{
	struct pid *pid;
	int id = nr;

	rcu_read_lock();
	while ((pid = idr_get_next(&pid_table, &id)) != NULL) {
		/* Without its number it is being made: a list would begin again behind 0. */
		if (READ_ONCE(pid->nr) && refcount_inc_not_zero(&pid->refs))
			break;
		id++;
	}
	rcu_read_unlock();
	return pid;
}

pid_t pid_last(void)
{
	return READ_ONCE(last_given);
}
