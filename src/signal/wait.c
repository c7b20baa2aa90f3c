/* SPDX-License-Identifier: MIT */
/* Waiting for signals: pause, rt_sigsuspend, rt_sigtimedwait; restart_syscall. */
#include "signal_internal.h"

#include <kernel/syscall.h>
#include <kernel/time.h>
#include <kernel/uaccess.h>

static void sleep_until_signal(void)
{
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

SYSCALL0(pause)
{
	sleep_until_signal();
	return -ERESTARTNOHAND;
}

SYSCALL(rt_sigsuspend, struct user_ptr, uset, size_t, size)
{
	u64 set;

	if (size != sizeof(u64))
		return -EINVAL;
	if (get_user_u64(&set, uset))
		return -EFAULT;
	set_user_sigmask(set);
	sleep_until_signal();
	return -ERESTARTNOHAND;
}

/* Waits for one of `set` (which current usually blocks): its number, -EAGAIN when the time is over,
 * -EINTR when another signal came. deadline: ns of CLOCK_MONOTONIC, 0 none; poll: do not wait. */
static int signal_timedwait(u64 set, struct siginfo *info, bool poll, u64 deadline)
{
	struct task *t = current;
	struct process *p = t->process;
	bool timer, expired = false;
	int sig;

	set &= ~SIG_KERNEL_ONLY;
	spin_lock_irq(&p->siglock);
	sig = dequeue_signal_locked(~set, info, &timer);
	if (!sig && !poll) {
		/* Unblocked for the sleep only, so that a sender wakes this thread; real_blocked
		 * says that the signal will not be acted upon. */
		t->real_blocked = t->blocked;
		t->blocked &= ~set;
		recalc_sigpending();
		set_current_state(TASK_INTERRUPTIBLE);
		spin_unlock_irq(&p->siglock);
		if (!signal_pending())
			expired = schedule_deadline(deadline);
		__set_current_state(TASK_RUNNING);
		spin_lock_irq(&p->siglock);
		set_blocked_locked(t->real_blocked);
		t->real_blocked = 0;
		sig = dequeue_signal_locked(~set, info, &timer);
	}
	spin_unlock_irq(&p->siglock);
	if (timer)
		posix_timer_signal_taken(info);
	if (sig)
		return sig;
	return poll || expired ? -EAGAIN : -EINTR;
}

SYSCALL(rt_sigtimedwait, struct user_ptr, uset, struct user_ptr, uinfo, struct user_ptr, uts,
	size_t, size)
{
	struct siginfo info;
	struct timespec64 ts;
	bool poll = false;
	u64 set, ns, deadline = 0;
	int sig;

	if (size != sizeof(u64))
		return -EINVAL;
	if (get_user_u64(&set, uset))
		return -EFAULT;
	if (!user_ptr_is_null(uts)) {
		if (copy_from_user(&ts, uts, sizeof(ts)))
			return -EFAULT;
		if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
			return -EINVAL;
		poll = !ts.tv_sec && !ts.tv_nsec;
		/* More than the clock can count is for ever. */
		if (timespec_to_ns(&ts, &ns) && !__builtin_add_overflow(ktime_get(), ns, &deadline))
			deadline = max(deadline, (u64)1);
		else
			deadline = 0;
	}
	sig = signal_timedwait(set, &info, poll, deadline);
	if (sig > 0 && !user_ptr_is_null(uinfo) && copy_to_user(uinfo, &info, sizeof(info)))
		return -EFAULT;
	return sig;
}

SYSCALL0(restart_syscall)
{
	struct restart_block *rb = &current->restart_block;

	return rb->fn ? rb->fn(rb) : -EINTR;
}
