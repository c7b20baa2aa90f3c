/* SPDX-License-Identifier: MIT */
/* System calls of the scheduler. */
#include <kernel/errno.h>
#include <kernel/page.h>
#include <kernel/proc.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>

#include "sched_internal.h"

#define SCHED_DEADLINE 6
#define SCHED_RESET_ON_FORK 0x40000000
#define SCHED_FLAG_RESET_ON_FORK 0x01ull
#define SCHED_FLAG_KEEP_POLICY 0x08ull
#define SCHED_FLAG_KEEP_PARAMS 0x10ull
#define SCHED_FLAG_UTIL_CLAMP 0x60ull
#define SCHED_FLAG_ALL 0x7full
#define SCHED_ATTR_SIZE_VER0 48

/* struct sched_attr, second version; the first ended before util_min. */
struct user_sched_attr {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 util_min, util_max;
};
_Static_assert(offsetof(struct user_sched_attr, util_min) == SCHED_ATTR_SIZE_VER0, "sched_attr 0");
_Static_assert(sizeof(struct user_sched_attr) == 56, "sched_attr version 1");

SYSCALL0(sched_yield)
{
	sched_yield_current();
	return 0;
}

/* Thread `pid`, 0 the caller, with a reference. */
static int find_task(pid_t pid, struct task **out)
{
	if (pid < 0)
		return -EINVAL;
	if (pid == 0) {
		task_get(current);
		*out = current;
		return 0;
	}
	*out = task_find_get(pid);
	return *out ? 0 : -ESRCH;
}

static bool same_owner(struct task *t)
{
	const struct cred *me = current_cred(), *c;
	bool same;

	rcu_read_lock();
	c = rcu_dereference(t->cred);
	same = me->euid == c->euid || me->euid == c->uid;
	rcu_read_unlock();
	return same;
}

static bool is_rt(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* RLIMIT_NICE counts 1 (nice 19) to 40 (nice -20). */
static bool may_nice(const struct task *t, int nice)
{
	return (u64)(20 - nice) <= rlimit_cur(t, RLIMIT_NICE);
}

/* Without CAP_SYS_NICE: what the limits allow, and never less fairness than before. */
static int may_change(struct task *t, int policy, int prio, int nice, bool reset)
{
	if (is_rt(policy)) {
		u64 limit = rlimit_cur(t, RLIMIT_RTPRIO);

		if (policy != t->policy && !limit)
			goto privileged;
		if (prio > t->rt_prio && (u64)prio > limit)
			goto privileged;
	} else {
		if (nice < t->nice && !may_nice(t, nice))
			goto privileged;
		if (t->policy == SCHED_IDLE && policy != SCHED_IDLE && !may_nice(t, t->nice))
			goto privileged;
	}
	if (!same_owner(t))
		goto privileged;
	if (t->reset_on_fork && !reset)
		goto privileged;
	return 0;
privileged:
	return capable(CAP_SYS_NICE) ? 0 : -EPERM;
}

/* policy without SCHED_RESET_ON_FORK. nice counts for the fair policies only. */
static int set_scheduler(struct task *t, int policy, int prio, int nice, bool reset)
{
	int rc;

	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		if (prio < 1 || prio > 99)
			return -EINVAL;
		nice = t->nice;
		break;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
		if (prio)
			return -EINVAL;
		break;
	default:
		return -EINVAL;
	}
	rc = may_change(t, policy, prio, nice, reset);
	if (rc)
		return rc;
	t->reset_on_fork = reset;
	rc = sched_set_policy(t, policy, prio);
	if (!rc && nice != t->nice)
		rc = sched_set_nice(t, nice);
	return rc;
}

static int set_scheduler_user(pid_t pid, int policy, struct user_ptr param, bool keep_policy)
{
	struct task *t;
	bool reset;
	u32 prio;
	int rc;

	if (user_ptr_is_null(param) || pid < 0)
		return -EINVAL;
	rc = get_user_u32(&prio, param);
	if (rc)
		return rc;
	rc = find_task(pid, &t);
	if (rc)
		return rc;
	reset = keep_policy ? t->reset_on_fork : (policy & SCHED_RESET_ON_FORK) != 0;
	policy = keep_policy ? t->policy : policy & ~SCHED_RESET_ON_FORK;
	rc = set_scheduler(t, policy, (int)prio, t->nice, reset);
	task_put(t);
	return rc;
}

SYSCALL(sched_setscheduler, int, pid, int, policy, struct user_ptr, param)
{
	if (policy < 0)
		return -EINVAL;
	return set_scheduler_user(pid, policy, param, false);
}

SYSCALL(sched_setparam, int, pid, struct user_ptr, param)
{
	return set_scheduler_user(pid, 0, param, true);
}

SYSCALL(sched_getscheduler, int, pid)
{
	struct task *t;
	int rc = find_task(pid, &t);

	if (rc)
		return rc;
	rc = t->policy | (t->reset_on_fork ? SCHED_RESET_ON_FORK : 0);
	task_put(t);
	return rc;
}

SYSCALL(sched_getparam, int, pid, struct user_ptr, param)
{
	struct task *t;
	u32 prio;
	int rc;

	if (user_ptr_is_null(param) || pid < 0)
		return -EINVAL;
	rc = find_task(pid, &t);
	if (rc)
		return rc;
	prio = is_rt(t->policy) ? (u32)t->rt_prio : 0;
	task_put(t);
	return put_user_u32(prio, param);
}

static int prio_limit(int policy, int rt, int other)
{
	switch (policy) {
	case SCHED_FIFO:
	case SCHED_RR:
		return rt;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE:
	case SCHED_DEADLINE:
		return other;
	default:
		return -EINVAL;
	}
}

SYSCALL(sched_get_priority_max, int, policy)
{
	return prio_limit(policy, 99, 0);
}

SYSCALL(sched_get_priority_min, int, policy)
{
	return prio_limit(policy, 1, 0);
}

SYSCALL(sched_rr_get_interval, int, pid, struct user_ptr, interval)
{
	struct timespec64 ts = { 0 };
	struct task *t;
	int rc = find_task(pid, &t);

	if (rc)
		return rc;
	if (t->policy == SCHED_RR)
		ts.tv_nsec = RR_SLICE_NS;
	else if (t->policy != SCHED_FIFO)
		ts.tv_nsec = FAIR_SLICE_NS;
	task_put(t);
	return copy_to_user(interval, &ts, sizeof(ts));
}

/* --- sched_attr --- */

/* Copies the caller's attributes; a size it states that is too small or has unknown fields set is
 * answered with the size we know, as Linux does. */
static int get_attr(struct user_sched_attr *a, struct user_ptr up)
{
	u32 size;
	int rc = get_user_u32(&size, up);

	if (rc)
		return rc;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > 4096)
		goto bad_size;
	rc = copy_struct_from_user(a, sizeof(*a), up, size);
	if (rc == -E2BIG)
		goto bad_size;
	if (rc)
		return rc;
	if ((a->flags & SCHED_FLAG_UTIL_CLAMP) && size < sizeof(*a))
		return -EINVAL;
	a->nice = clamp(a->nice, -20, 19);
	return 0;
bad_size:
	rc = put_user_u32(sizeof(*a), up);
	return rc ? rc : -E2BIG;
}

SYSCALL(sched_setattr, int, pid, struct user_ptr, attr, unsigned int, flags)
{
	struct user_sched_attr a;
	struct task *t;
	int rc;

	if (user_ptr_is_null(attr) || pid < 0 || flags)
		return -EINVAL;
	rc = get_attr(&a, attr);
	if (rc)
		return rc;
	if ((int)a.policy < 0 || (a.flags & ~SCHED_FLAG_ALL))
		return -EINVAL;
	if (a.flags & SCHED_FLAG_UTIL_CLAMP)
		return -EOPNOTSUPP; /* there is no frequency to choose */
	rc = find_task(pid, &t);
	if (rc)
		return rc;
	if (a.flags & SCHED_FLAG_KEEP_POLICY)
		a.policy = (u32)t->policy;
	if (a.flags & SCHED_FLAG_KEEP_PARAMS) {
		a.nice = t->nice;
		a.priority = (u32)t->rt_prio;
	}
	rc = set_scheduler(t, (int)a.policy, (int)a.priority, a.nice,
			   a.flags & SCHED_FLAG_RESET_ON_FORK);
	task_put(t);
	return rc;
}

SYSCALL(sched_getattr, int, pid, struct user_ptr, attr, unsigned int, size, unsigned int, flags)
{
	struct user_sched_attr a = { 0 };
	struct task *t;
	int rc;

	if (user_ptr_is_null(attr) || pid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 ||
	    flags)
		return -EINVAL;
	rc = find_task(pid, &t);
	if (rc)
		return rc;
	a.size = min(size, (unsigned int)sizeof(a));
	a.policy = (u32)t->policy;
	a.flags = t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	if (is_rt(t->policy))
		a.priority = (u32)t->rt_prio;
	else
		a.nice = t->nice;
	task_put(t);
	return copy_to_user(attr, &a, a.size);
}

/* --- CPUs --- */

SYSCALL(sched_setaffinity, int, pid, unsigned int, len, struct user_ptr, mask)
{
	struct cpumask m = { { 0 } };
	struct task *t;
	int rc = copy_from_user(&m, mask, min((size_t)len, sizeof(m)));

	if (rc)
		return rc;
	rc = find_task(pid, &t);
	if (rc)
		return rc == -EINVAL ? -ESRCH : rc;
	if (t->flags & TF_KTHREAD)
		rc = -EINVAL;
	else if (!same_owner(t) && !capable(CAP_SYS_NICE))
		rc = -EPERM;
	else
		rc = sched_set_affinity(t, &m);
	task_put(t);
	return rc;
}

/* Returns the number of bytes written. */
SYSCALL(sched_getaffinity, int, pid, unsigned int, len, struct user_ptr, mask)
{
	struct cpumask m = { { 0 } };
	struct task *t;
	size_t n;
	int rc;

	/* In 32 bits, as the length is. */
	if (len * 8 < cpu_online_count || len % sizeof(long))
		return -EINVAL;
	rc = find_task(pid, &t);
	if (rc)
		return rc == -EINVAL ? -ESRCH : rc;
	for_each_online_cpu(c)
		if (task_allowed(t, c))
			set_bit(c, m.bits);
	task_put(t);
	n = min((size_t)len, sizeof(m));
	rc = copy_to_user(mask, &m, n);
	return rc ? rc : (long)n;
}

SYSCALL(getcpu, struct user_ptr, cpu, struct user_ptr, node, struct user_ptr, cache)
{
	int rc = 0;

	if (!user_ptr_is_null(cpu))
		rc = put_user_u32(cpu_id(), cpu);
	if (!rc && !user_ptr_is_null(node))
		rc = put_user_u32(0, node);
	return rc;
}

/* --- nice --- */

static int set_one_nice(struct task *t, int nice)
{
	const struct cred *me = current_cred(), *c;
	bool owner;

	rcu_read_lock();
	c = rcu_dereference(t->cred);
	owner = c->uid == me->euid || c->euid == me->euid;
	rcu_read_unlock();
	if (!owner && !capable(CAP_SYS_NICE))
		return -EPERM;
	if (nice < t->nice && !may_nice(t, nice) && !capable(CAP_SYS_NICE))
		return -EACCES;
	return sched_set_nice(t, nice);
}

/* What getpriority and setpriority do to each thread they mean. */
struct prio_op {
	bool set;
	int nice;   /* set */
	int best;   /* get: 40 - ... as the system call returns it */
	int rc;	    /* -ESRCH until one was found */
};

static void prio_one(struct task *t, struct prio_op *op)
{
	int rc;

	if (!op->set) {
		op->best = max(op->best, 20 - t->nice);
		op->rc = 0;
		return;
	}
	rc = set_one_nice(t, op->nice);
	/* One failure is not hidden by a later success, nor a success by nothing found. */
	if (op->rc == -ESRCH || rc)
		op->rc = rc;
}

static void prio_process(struct process *p, struct prio_op *op)
{
	struct task *t;

	rcu_read_lock();
	list_for_each_entry_rcu(t, &p->threads, thread_node)
		prio_one(t, op);
	rcu_read_unlock();
}

static void prio_pgrp(pid_t nr, struct prio_op *op)
{
	struct process *p;
	pid_t at = 0;
	pid_t want = nr ? nr : current->process->pgrp->nr;

	while ((p = process_next_get(&at)) != NULL) {
		if (p->pgrp && p->pgrp->nr == want)
			prio_process(p, op);
		process_put(p);
		at++;
	}
}

static void prio_user(uid_t uid, struct prio_op *op)
{
	const struct cred *c;
	struct process *p;
	pid_t at = 0;
	bool mine;

	while ((p = process_next_get(&at)) != NULL) {
		rcu_read_lock();
		c = rcu_dereference(p->leader->cred);
		mine = c && c->uid == uid;
		rcu_read_unlock();
		if (mine)
			prio_process(p, op);
		process_put(p);
		at++;
	}
}

static int prio_run(int which, int who, struct prio_op *op)
{
	struct task *t;

	op->rc = -ESRCH;
	switch (which) {
	case PRIO_PROCESS:
		if (find_task(who, &t))
			return -ESRCH;
		prio_one(t, op);
		task_put(t);
		break;
	case PRIO_PGRP:
		prio_pgrp(who, op);
		break;
	case PRIO_USER:
		prio_user(who ? (uid_t)who : current_cred()->uid, op);
		break;
	default:
		return -EINVAL;
	}
	return op->rc;
}

SYSCALL(getpriority, int, which, int, who)
{
	struct prio_op op = { .set = false };
	int rc = prio_run(which, who, &op);

	return rc ? rc : op.best;
}

SYSCALL(setpriority, int, which, int, who, int, nice)
{
	struct prio_op op = { .set = true, .nice = clamp(nice, -20, 19) };

	return prio_run(which, who, &op);
}
