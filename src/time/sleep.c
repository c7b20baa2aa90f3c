/* SPDX-License-Identifier: MIT */
/* Sleeping with a deadline. */
#include <kernel/errno.h>
#include <kernel/sched.h>
#include <kernel/signal.h>

#include "time_internal.h"

/* On the sleeper's stack: hrtimer_cancel before it goes. */
struct sleeper {
	struct hrtimer timer;
	struct task *task;
	bool fired;
};

static u64 sleeper_wake(struct hrtimer *t)
{
	struct sleeper *s = container_of(t, struct sleeper, timer);

	WRITE_ONCE(s->fired, true);
	wake_up_state(s->task, TASK_NORMAL, false);
	return 0;
}

static bool sleep_with_timer(u64 deadline, bool real)
{
	struct sleeper s = { .task = current };

	hrtimer_init(&s.timer, sleeper_wake);
	if (real)
		hrtimer_start_real(&s.timer, deadline);
	else
		hrtimer_start(&s.timer, deadline);
	schedule();
	hrtimer_cancel(&s.timer);
	return s.fired;
}

bool schedule_deadline(u64 deadline_ns)
{
	if (!deadline_ns) {
		schedule();
		return false;
	}
	if (ktime_get() >= deadline_ns) {
		__set_current_state(TASK_RUNNING);
		return true;
	}
	return sleep_with_timer(deadline_ns, false);
}

bool schedule_deadline_real(u64 real_ns)
{
	if (ktime_get_real() >= real_ns) {
		__set_current_state(TASK_RUNNING);
		return true;
	}
	return sleep_with_timer(real_ns, true);
}

int hrtimer_sleep_until(u64 deadline_ns, unsigned int task_state)
{
	int rc = 0;

	might_sleep();
	for (;;) {
		set_current_state(task_state);
		if (ktime_get() >= deadline_ns)
			break;
		if (signal_pending_state(task_state)) {
			rc = -ERESTARTSYS;
			break;
		}
		if (schedule_deadline(deadline_ns))
			break;
	}
	__set_current_state(TASK_RUNNING);
	return rc;
}
