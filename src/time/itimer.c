/* SPDX-License-Identifier: MIT */
/* Interval timers of a process: ITIMER_REAL is a high-resolution timer, ITIMER_VIRTUAL and
 * ITIMER_PROF count its CPU time and are looked at by the tick, as is RLIMIT_CPU.
 *
 * All fields are in struct process under siglock; the timer itself is started and cancelled outside
 * it, by threads of the process, which settle the order of two setitimer calls through
 * real_interval being written last. */
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/syscall.h>

#include "time_internal.h"

#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2

struct user_itimerval {
	s64 interval_sec, interval_usec;
	s64 value_sec, value_usec;
};

struct itimer {
	u64 value, interval; /* ns; value: time left, 0 off */
};

static u64 real_timer_fn(struct hrtimer *t)
{
	struct process *p = container_of(t, struct process, real_timer);
	u64 interval = READ_ONCE(p->real_interval), now, missed;

	send_signal_process(p, SIGALRM, NULL);
	if (!interval)
		return 0;
	now = ktime_get();
	missed = now > t->expires ? (now - t->expires) / interval : 0;
	/* An interval below the time a signal takes must not keep the CPU in the interrupt. */
	return max(t->expires + (missed + 1) * interval, now + 10 * NSEC_PER_USEC);
}

void itimer_init(struct process *p)
{
	hrtimer_init(&p->real_timer, real_timer_fn);
	p->real_interval = 0;
	p->virt_expires = p->virt_interval = p->prof_expires = p->prof_interval = 0;
}

void itimer_exit(struct process *p)
{
	WRITE_ONCE(p->real_interval, 0);
	hrtimer_cancel(&p->real_timer);
}

static u64 left(u64 expires, u64 now)
{
	if (!expires)
		return 0;
	return expires > now ? expires - now : TICK_NS_SHOWN;
}

static u64 cpu_now(struct process *p, int which)
{
	u64 u, s;

	process_cputime(p, &u, &s);
	return which == ITIMER_VIRTUAL ? u : u + s;
}

static void itimer_get(struct process *p, int which, struct itimer *it)
{
	u64 now;
	irqflags_t f;

	if (which == ITIMER_REAL) {
		it->value = hrtimer_remaining(&p->real_timer);
		it->interval = READ_ONCE(p->real_interval);
		if (it->value && it->value < 1000)
			it->value = 1000; /* running timers never show zero */
		return;
	}
	now = cpu_now(p, which);
	f = spin_lock_irqsave(&p->siglock);
	if (which == ITIMER_VIRTUAL)
		*it = (struct itimer){ left(p->virt_expires, now), p->virt_interval };
	else
		*it = (struct itimer){ left(p->prof_expires, now), p->prof_interval };
	spin_unlock_irqrestore(&p->siglock, f);
}

static void itimer_set(struct process *p, int which, const struct itimer *it)
{
	u64 expires;
	irqflags_t f;

	if (which == ITIMER_REAL) {
		WRITE_ONCE(p->real_interval, 0);
		hrtimer_cancel(&p->real_timer);
		WRITE_ONCE(p->real_interval, it->value ? it->interval : 0);
		if (it->value)
			hrtimer_start(&p->real_timer, ktime_get() + it->value);
		return;
	}
	/* One tick more, because the current one is only counted at its end. */
	expires = it->value ? cpu_now(p, which) + it->value + TICK_NS_SHOWN : 0;
	f = spin_lock_irqsave(&p->siglock);
	if (which == ITIMER_VIRTUAL) {
		p->virt_expires = expires;
		p->virt_interval = it->interval;
	} else {
		p->prof_expires = expires;
		p->prof_interval = it->interval;
	}
	spin_unlock_irqrestore(&p->siglock, f);
}

static int put_itimer(struct user_ptr up, const struct itimer *it)
{
	struct user_itimerval v = {
		.interval_sec = (s64)(it->interval / NSEC_PER_SEC),
		.interval_usec = (s64)(it->interval % NSEC_PER_SEC / 1000),
		.value_sec = (s64)(it->value / NSEC_PER_SEC),
		.value_usec = (s64)(it->value % NSEC_PER_SEC / 1000),
	};

	return copy_to_user(up, &v, sizeof(v));
}

SYSCALL(getitimer, int, which, struct user_ptr, value)
{
	struct itimer it;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	itimer_get(current->process, which, &it);
	return put_itimer(value, &it);
}

SYSCALL(setitimer, int, which, struct user_ptr, value, struct user_ptr, ovalue)
{
	struct user_itimerval v = { 0 };
	struct itimer new, old;
	int rc;

	if (!user_ptr_is_null(value)) {
		rc = copy_from_user(&v, value, sizeof(v));
		if (rc)
			return rc;
	}
	if (!timeval_to_ns(v.value_sec, v.value_usec, &new.value) ||
	    !timeval_to_ns(v.interval_sec, v.interval_usec, &new.interval))
		return -EINVAL;
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	itimer_get(current->process, which, &old);
	itimer_set(current->process, which, &new);
	return user_ptr_is_null(ovalue) ? 0 : put_itimer(ovalue, &old);
}

SYSCALL(alarm, unsigned int, seconds)
{
	struct itimer old, new = { .value = seconds * NSEC_PER_SEC };
	u64 sec, rest;

	itimer_get(current->process, ITIMER_REAL, &old);
	itimer_set(current->process, ITIMER_REAL, &new);
	sec = old.value / NSEC_PER_SEC;
	rest = old.value % NSEC_PER_SEC;
	/* Nearest second, but never 0 for a timer that was running. */
	if ((!sec && rest) || rest >= NSEC_PER_SEC / 2)
		sec++;
	return (long)sec;
}

/* --- from the tick, in hard interrupt context --- */

/* Has *expires passed? Then it is moved on, or cleared. siglock held. */
static bool expired(u64 *expires, u64 interval, u64 now)
{
	if (!*expires || now < *expires)
		return false;
	*expires = interval ? *expires + interval : 0;
	return true;
}

static void check_rlimit(struct process *p, u64 now)
{
	u64 soft = READ_ONCE(p->rlim[RLIMIT_CPU].cur), hard = READ_ONCE(p->rlim[RLIMIT_CPU].max);
	u64 sec = now / NSEC_PER_SEC;

	if (sec < soft)
		return;
	if (sec >= hard) {
		send_signal_process(p, SIGKILL, NULL);
		return;
	}
	/* Again after another second. */
	WRITE_ONCE(p->rlim[RLIMIT_CPU].cur, sec + 1);
	send_signal_process(p, SIGXCPU, NULL);
}

void cpu_timers_tick(void)
{
	struct process *p = current->process;
	bool virt, prof;
	irqflags_t f;
	u64 u, s;

	if (current->flags & (TF_KTHREAD | TF_EXITING))
		return;
	posix_cpu_timers_tick();
	if (!(READ_ONCE(p->virt_expires) | READ_ONCE(p->prof_expires)) &&
	    READ_ONCE(p->rlim[RLIMIT_CPU].cur) == RLIM_INFINITY)
		return;
	process_cputime(p, &u, &s);
	f = spin_lock_irqsave(&p->siglock);
	virt = expired(&p->virt_expires, p->virt_interval, u);
	prof = expired(&p->prof_expires, p->prof_interval, u + s);
	spin_unlock_irqrestore(&p->siglock, f);
	if (virt)
		send_signal_process(p, SIGVTALRM, NULL);
	if (prof)
		send_signal_process(p, SIGPROF, NULL);
	if (READ_ONCE(p->rlim[RLIMIT_CPU].cur) != RLIM_INFINITY)
		check_rlimit(p, u + s);
}
