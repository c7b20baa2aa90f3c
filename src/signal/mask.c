/* SPDX-License-Identifier: MIT */
/* The signal mask of a thread, WORK_SIGNAL, and the questions sleeping code asks. */
#include "signal_internal.h"

#include <kernel/syscall.h>
#include <kernel/uaccess.h>

static bool signals_ready(const struct task *t)
{
	return ((t->pending.set | t->process->shared_pending.set) & ~t->blocked) ||
	       (t->jobctl & JOBCTL_STOP_PENDING);
}

void recalc_sigpending(void)
{
	struct task *t = current;

	lock_assert_held(&t->process->siglock);
	if (signals_ready(t)) {
		if (!(READ_ONCE(t->work) & WORK_SIGNAL))
			set_task_work(t, WORK_SIGNAL);
	} else if (READ_ONCE(t->work) & WORK_SIGNAL) {
		clear_task_work(t, WORK_SIGNAL);
	}
}

bool signal_pending(void)
{
	return READ_ONCE(current->work) & WORK_SIGNAL;
}

bool signal_pending_task(const struct task *t)
{
	return READ_ONCE(t->work) & WORK_SIGNAL;
}

bool fatal_signal_pending(void)
{
	return signal_pending() && (READ_ONCE(current->pending.set) & SIGMASK(SIGKILL));
}

/* Signals of `which` wait for the whole process, and the thread that was woken for them will not
 * take them: wakes others that can. siglock held. */
void retarget_shared_pending(struct process *p, u64 which)
{
	struct task *t;

	which &= p->shared_pending.set;
	if (!which)
		return;
	list_for_each_entry(t, &p->threads, thread_node) {
		if (t == current || (t->flags & TF_EXITING) || !(which & ~t->blocked))
			continue;
		which &= t->blocked;
		if (!(READ_ONCE(t->work) & WORK_SIGNAL))
			signal_wake(t, false);
		if (!which)
			break;
	}
}

void set_blocked_locked(u64 mask)
{
	struct task *t = current;

	if (signal_pending() && t->process->nr_threads > 1)
		retarget_shared_pending(t->process, mask & ~t->blocked);
	t->blocked = mask;
	recalc_sigpending();
}

void set_current_blocked(u64 mask)
{
	struct process *p = current->process;

	mask &= ~SIG_KERNEL_ONLY;
	if (mask == current->blocked)
		return;
	spin_lock_irq(&p->siglock);
	set_blocked_locked(mask);
	spin_unlock_irq(&p->siglock);
}

int set_user_sigmask(u64 mask)
{
	current->saved_sigmask = current->blocked;
	set_task_work(current, WORK_RESTORE_SIGMASK);
	set_current_blocked(mask);
	return 0;
}

void restore_saved_sigmask_unless(bool interrupted)
{
	if (interrupted || !(READ_ONCE(current->work) & WORK_RESTORE_SIGMASK))
		return;
	clear_task_work(current, WORK_RESTORE_SIGMASK);
	set_current_blocked(current->saved_sigmask);
}

SYSCALL(rt_sigprocmask, int, how, struct user_ptr, set, struct user_ptr, oset, size_t, size)
{
	u64 old = current->blocked, new, mask;

	if (size != sizeof(u64))
		return -EINVAL;
	if (!user_ptr_is_null(set)) {
		if (get_user_u64(&mask, set))
			return -EFAULT;
		if (how == SIG_BLOCK)
			new = old | mask;
		else if (how == SIG_UNBLOCK)
			new = old & ~mask;
		else if (how == SIG_SETMASK)
			new = mask;
		else
			return -EINVAL;
		set_current_blocked(new);
	}
	if (!user_ptr_is_null(oset) && put_user_u64(old, oset))
		return -EFAULT;
	return 0;
}

SYSCALL(rt_sigpending, struct user_ptr, uset, size_t, size)
{
	struct process *p = current->process;
	u64 set;

	if (size > sizeof(u64))
		return -EINVAL;
	spin_lock_irq(&p->siglock);
	set = (current->pending.set | p->shared_pending.set) & current->blocked;
	spin_unlock_irq(&p->siglock);
	return copy_to_user(uset, &set, size);
}
