/* SPDX-License-Identifier: MIT */
/* Resource limits. Enforced where the resource is given out: NPROC in clone and exec, NOFILE in the
 * descriptor table, STACK, DATA, AS and MEMLOCK in the memory code, FSIZE in the file code, CPU and
 * RTTIME by the scheduler's tick, SIGPENDING by the signal queue, NICE and RTPRIO by the
 * scheduler's calls. CORE is kept and never used: there are no core files. */
#include "proc_internal.h"

#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>

/* RLIMIT_NOFILE cannot be raised above this. */
#define NR_OPEN (1u << 20)

static int limit_change(struct process *p, unsigned int which, const struct rlimit64 *new,
			struct rlimit64 *old)
{
	struct rlimit64 *slot = &p->rlim[which];
	int rc = 0;

	if (new) {
		if (new->cur > new->max)
			return -EINVAL;
		if (which == RLIMIT_NOFILE && new->max > NR_OPEN)
			return -EPERM;
	}
	spin_lock_irq(&p->siglock);
	if (old)
		*old = *slot;
	if (new) {
		if (new->max > slot->max && !capable(CAP_SYS_RESOURCE)) {
			rc = -EPERM;
		} else {
			WRITE_ONCE(slot->cur, new->cur);
			WRITE_ONCE(slot->max, new->max);
		}
	}
	spin_unlock_irq(&p->siglock);
	return rc;
}

SYSCALL(getrlimit, unsigned int, which, struct user_ptr, ulim)
{
	struct rlimit64 old;
	int rc;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	rc = limit_change(current->process, which, NULL, &old);
	return rc ? rc : copy_to_user(ulim, &old, sizeof(old));
}

SYSCALL(setrlimit, unsigned int, which, struct user_ptr, ulim)
{
	struct rlimit64 new;

	if (copy_from_user(&new, ulim, sizeof(new)))
		return -EFAULT;
	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	return limit_change(current->process, which, &new, NULL);
}

/* Another user's limits need CAP_SYS_RESOURCE. */
static int limit_permitted(struct task *t)
{
	const struct cred *c = current_cred(), *tc;
	bool same;

	if (t == current)
		return 0;
	rcu_read_lock();
	tc = rcu_dereference(t->cred);
	same = c->uid == tc->euid && c->uid == tc->suid && c->uid == tc->uid &&
	       c->gid == tc->egid && c->gid == tc->sgid && c->gid == tc->gid;
	rcu_read_unlock();
	return same || capable(CAP_SYS_RESOURCE) ? 0 : -EPERM;
}

SYSCALL(prlimit64, int, pid, unsigned int, which, struct user_ptr, unew, struct user_ptr, uold)
{
	bool change = !user_ptr_is_null(unew), report = !user_ptr_is_null(uold);
	struct rlimit64 new, old;
	struct task *t;
	int rc;

	if (change && copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if (pid) {
		t = task_find_get(pid);
		if (!t)
			return -ESRCH;
	} else {
		t = current;
		task_get(t);
	}
	rc = limit_permitted(t);
	if (!rc && which >= RLIM_NLIMITS)
		rc = -EINVAL;
	if (!rc)
		rc = limit_change(t->process, which, change ? &new : NULL, report ? &old : NULL);
	task_put(t);
	if (!rc && report)
		rc = copy_to_user(uold, &old, sizeof(old));
	return rc;
}
