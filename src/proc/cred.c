/* SPDX-License-Identifier: MIT */
/* Credentials.
 * Owns:       struct cred, struct group_info and how a task's credentials are replaced.
 * Use:        cred_prepare() copies current's, the caller changes the copy, cred_commit() publishes
 *             it (cannot fail) or cred_abort() drops it. Readers of other tasks use RCU.
 * Invariant:  a published cred never changes, so threads and forked children share it by reference.
 *             Effective capabilities are a subset of permitted ones. Whoever holds a cred holds its
 *             user_count and groups.
 * Locking:    only the task itself replaces its cred; task->cred is RCU. */
#include "proc_internal.h"

#include <kernel/slab.h>
#include <kernel/string.h>
#include <uapi/capability.h>

static struct group_info no_groups = { .refs = REFCOUNT_INIT(1) };

const struct cred kernel_cred = {
	.refs = REFCOUNT_INIT(1),
	.cap_permitted = CAP_FULL_SET,
	.cap_effective = CAP_FULL_SET,
	.cap_bset = CAP_FULL_SET,
	.user = &root_user,
	.groups = &no_groups,
};

static struct kmem_cache *cred_cache __ro_after_init;

void cred_init(void)
{
	cred_cache = kmem_cache_create("cred", sizeof(struct cred), 8, 0, NULL);
	VERIFY(cred_cache);
}

void cred_groups_drop(struct group_info *g)
{
	if (g != &no_groups && refcount_dec_and_test(&g->refs))
		kfree(g);
}

static void groups_get(struct group_info *g)
{
	if (g != &no_groups)
		refcount_inc(&g->refs);
}

static void cred_free(struct cred *c)
{
	cred_groups_drop(c->groups);
	user_count_put(c->user);
	kmem_cache_free(cred_cache, c);
}

static void cred_free_rcu(struct rcu_head *head)
{
	cred_free(container_of(head, struct cred, rcu));
}

/* kernel_cred is constant memory and is not counted. */
const struct cred *cred_get(const struct cred *c)
{
	if (c != &kernel_cred)
		refcount_inc(&((struct cred *)c)->refs);
	return c;
}

void cred_put(const struct cred *c)
{
	struct cred *w = (struct cred *)c;

	if (c != &kernel_cred && refcount_dec_and_test(&w->refs))
		call_rcu(&w->rcu, cred_free_rcu);
}

const struct cred *task_cred_get(struct task *t)
{
	const struct cred *c;

	rcu_read_lock();
	for (;;) {
		c = rcu_dereference(t->cred);
		if (c == &kernel_cred || refcount_inc_not_zero(&((struct cred *)c)->refs))
			break;
	}
	rcu_read_unlock();
	return c;
}

int cred_prepare(struct cred **out)
{
	struct cred *c = kmem_cache_alloc(cred_cache, GFP_KERNEL);

	if (!c)
		return -ENOMEM;
	memcpy(c, current->cred, sizeof(*c));
	refcount_set(&c->refs, 1);
	user_count_get(c->user);
	groups_get(c->groups);
	*out = c;
	return 0;
}

void cred_abort(struct cred *c)
{
	cred_free(c);
}

bool cred_gains(const struct cred *old, const struct cred *c)
{
	return old->euid != c->euid || old->egid != c->egid || old->fsuid != c->fsuid ||
	       old->fsgid != c->fsgid || (c->cap_permitted & ~old->cap_permitted);
}

/* Who changes identity or gains power may no longer be traced or dumped by its old self, and does
 * not get the signal that its parent's death was to bring. */
void cred_commit(struct cred *c)
{
	struct task *t = current;
	const struct cred *old = t->cred;

	ASSERT(!(c->cap_effective & ~c->cap_permitted));
	if (cred_gains(old, c)) {
		WRITE_ONCE(t->process->dumpable, 0);
		t->pdeath_signal = 0;
	}
	if (c->user != old->user) {
		atomic_inc(&c->user->processes);
		atomic_dec(&old->user->processes);
	}
	rcu_assign_pointer(t->cred, c);
	cred_put(old);
}

bool cred_capable(const struct cred *c, int cap)
{
	return (c->cap_effective >> cap) & 1;
}

bool capable(int cap)
{
	return cred_capable(current->cred, cap);
}

bool cred_in_group(const struct cred *c, gid_t gid)
{
	const struct group_info *g = c->groups;
	unsigned int lo = 0, hi = g->n;

	if (gid == c->fsgid)
		return true;
	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (g->gid[mid] == gid)
			return true;
		if (g->gid[mid] < gid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* Reading another process's memory and secrets: same real, effective and saved ids, and the target
 * dumpable, or CAP_SYS_PTRACE; never a process with more capabilities. */
int ptrace_permitted(struct task *t)
{
	const struct cred *c = current_cred(), *tc;
	int rc = 0;

	if (t->process == current->process)
		return 0;
	if (capable(CAP_SYS_PTRACE))
		return 0;
	rcu_read_lock();
	/* exec opens `dumpable` after the credentials changed, and who drops power closes it
	 * before: neither may be taken for somebody who was open all the time. */
	if (smp_load_acquire(&t->process->dumpable) != 1)
		rc = -EPERM;
	tc = smp_load_acquire(&t->cred);
	if (c->uid != tc->euid || c->uid != tc->suid || c->uid != tc->uid || c->gid != tc->egid ||
	    c->gid != tc->sgid || c->gid != tc->gid || (tc->cap_permitted & ~c->cap_permitted) ||
	    READ_ONCE(t->process->dumpable) != 1)
		rc = -EPERM;
	rcu_read_unlock();
	return rc;
}
