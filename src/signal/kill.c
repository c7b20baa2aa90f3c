/* SPDX-License-Identifier: MIT */
/* kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo: who may signal whom. */
#include "signal_internal.h"

#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>

/* The rules of kill(2): same user in one of four ways, CAP_KILL, or SIGCONT inside a session. */
int signal_permitted(struct task *t, int sig)
{
	const struct cred *c = current_cred(), *tc;
	int rc = 0;

	if (t->process == current->process)
		return 0;
	rcu_read_lock();
	tc = rcu_dereference(t->cred);
	if (c->euid != tc->suid && c->euid != tc->uid && c->uid != tc->suid && c->uid != tc->uid &&
	    !cred_capable(c, CAP_KILL) &&
	    (sig != SIGCONT ||
	     READ_ONCE(t->process->session) != READ_ONCE(current->process->session)))
		rc = -EPERM;
	rcu_read_unlock();
	return rc;
}

static void user_siginfo(struct siginfo *info, int sig, int code)
{
	kernel_siginfo(info, sig, code);
	info->kill.pid = current->process->tgid;
	info->kill.uid = current_cred()->uid;
}

/* Checks as a user's sending and, unless sig is 0, sends. p may be dead: -ESRCH. */
int kill_process(struct process *p, int sig, const struct siginfo *info)
{
	irqflags_t f;
	int rc;

	if (sig != 0 && !sig_valid(sig))
		return -EINVAL;
	f = spin_lock_irqsave(&p->siglock);
	if (!p->nr_threads)
		rc = -ESRCH;
	else
		rc = signal_permitted(p->leader, sig);
	if (!rc && sig)
		rc = send_signal_locked(p->leader, sig, info, true);
	spin_unlock_irqrestore(&p->siglock, f);
	return rc;
}

/* One of the group taking it is success; else the last error. */
static int kill_pgrp(struct pid *pgrp, int sig, const struct siginfo *info)
{
	struct process *p;
	bool success = false;
	int rc = -ESRCH;

	spin_lock_irq(&tasklist_lock);
	list_for_each_entry(p, &pgrp->members[0], pgrp_node) {
		rc = kill_process(p, sig, info);
		success |= !rc;
	}
	spin_unlock_irq(&tasklist_lock);
	return success ? 0 : rc;
}

static int kill_pgrp_nr(pid_t nr, int sig, const struct siginfo *info)
{
	struct pid *pgrp = pid_find_get(nr);
	int rc;

	if (!pgrp)
		return -ESRCH;
	rc = kill_pgrp(pgrp, sig, info);
	pid_put(pgrp);
	return rc;
}

static int kill_one(pid_t nr, int sig, const struct siginfo *info)
{
	struct process *p;
	int rc = -ESRCH;

	rcu_read_lock();
	p = process_find_rcu(nr);
	if (!p) {
		/* The id of a thread stands for its process. */
		struct task *t = task_find_rcu(nr);

		p = t ? t->process : NULL;
	}
	if (p)
		rc = kill_process(p, sig, info);
	rcu_read_unlock();
	return rc;
}

static int kill_everybody(int sig, const struct siginfo *info)
{
	struct process *p;
	pid_t nr = 2;
	int rc = 0, n = 0;

	while ((p = process_next_get(&nr)) != NULL) {
		nr++;
		if (p != current->process) {
			int one = kill_process(p, sig, info);

			n++;
			if (one != -EPERM)
				rc = one;
		}
		process_put(p);
	}
	return n ? rc : -ESRCH;
}

SYSCALL(kill, int, pid, int, sig)
{
	struct siginfo info;
	struct pid *own;
	int rc;

	user_siginfo(&info, sig, SI_USER);
	if (pid > 0)
		return kill_one(pid, sig, &info);
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid == -1)
		return kill_everybody(sig, &info);
	if (pid < 0)
		return kill_pgrp_nr(-pid, sig, &info);
	spin_lock_irq(&tasklist_lock);
	own = current->process->pgrp;
	pid_get(own);
	spin_unlock_irq(&tasklist_lock);
	rc = kill_pgrp(own, sig, &info);
	pid_put(own);
	return rc;
}

/* tgid <= 0: any process. */
static int kill_thread(pid_t tgid, pid_t tid, int sig, const struct siginfo *info)
{
	struct task *t = task_find_get(tid);
	int rc = -ESRCH;

	if (!t)
		return -ESRCH;
	if (tgid > 0 && t->process->tgid != tgid)
		goto out;
	rc = -EINVAL;
	if (sig != 0 && !sig_valid(sig))
		goto out;
	rc = signal_permitted(t, sig);
	if (rc || !sig)
		goto out;
	rc = send_signal_task(t, sig, info);
	/* It died just now, which it could as well have done after taking the signal. */
	if (rc == -ESRCH)
		rc = 0;
out:
	task_put(t);
	return rc;
}

SYSCALL(tkill, int, tid, int, sig)
{
	struct siginfo info;

	if (tid <= 0)
		return -EINVAL;
	user_siginfo(&info, sig, SI_TKILL);
	return kill_thread(0, tid, sig, &info);
}

SYSCALL(tgkill, int, tgid, int, tid, int, sig)
{
	struct siginfo info;

	if (tid <= 0 || tgid <= 0)
		return -EINVAL;
	user_siginfo(&info, sig, SI_TKILL);
	return kill_thread(tgid, tid, sig, &info);
}

/* A program's own siginfo: it may pretend what it likes to itself, and to others everything but to
 * be the kernel or kill(2). */
static int queueinfo_import(struct siginfo *info, struct user_ptr uinfo, int sig, pid_t pid)
{
	if (copy_from_user(info, uinfo, sizeof(*info)))
		return -EFAULT;
	info->si_signo = sig;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && (pid_t)current->tid != pid)
		return -EPERM;
	return 0;
}

SYSCALL(rt_sigqueueinfo, int, pid, int, sig, struct user_ptr, uinfo)
{
	struct siginfo info;
	int rc = queueinfo_import(&info, uinfo, sig, pid);

	return rc ? rc : kill_one(pid, sig, &info);
}

SYSCALL(rt_tgsigqueueinfo, int, tgid, int, tid, int, sig, struct user_ptr, uinfo)
{
	struct siginfo info;
	int rc;

	rc = copy_from_user(&info, uinfo, sizeof(info));
	if (rc)
		return rc;
	if (tid <= 0 || tgid <= 0)
		return -EINVAL;
	info.si_signo = sig;
	if ((info.si_code >= 0 || info.si_code == SI_TKILL) && (pid_t)current->tid != tid)
		return -EPERM;
	return kill_thread(tgid, tid, sig, &info);
}
