/* SPDX-License-Identifier: MIT */
/* System calls about clocks and sleeping. */
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>

#include "time_internal.h"

#define TIMER_ABSTIME 1
#define USER_HZ_NS 10000000ull /* clock_t of times(2) */

struct user_timezone {
	s32 minuteswest, dsttime;
};
static struct user_timezone sys_tz;

int get_timespec(struct timespec64 *ts, struct user_ptr p)
{
	return copy_from_user(ts, p, sizeof(*ts));
}

int put_timespec(struct user_ptr p, const struct timespec64 *ts)
{
	return copy_to_user(p, ts, sizeof(*ts));
}

int clock_read(clockid_t id, u64 *ns)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
		*ns = ktime_get_real();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = ktime_get();
		return 0;
	case CLOCK_MONOTONIC_RAW:
		*ns = ktime_get_raw();
		return 0;
	case CLOCK_TAI:
		*ns = ktime_get_real() + (u64)((s64)tai_offset * (s64)NSEC_PER_SEC);
		return 0;
	default:
		return clock_is_cpu(id) ? cpu_clock_read(id, ns) : -EINVAL;
	}
}

SYSCALL(clock_gettime, int, id, struct user_ptr, tp)
{
	struct timespec64 ts;
	u64 ns;
	int rc = clock_read(id, &ns);

	if (rc)
		return rc;
	ts = ns_to_timespec(ns);
	return put_timespec(tp, &ts);
}

SYSCALL(clock_getres, int, id, struct user_ptr, tp)
{
	struct timespec64 ts = { 0, 1 };
	u64 ns;
	int rc = clock_read(id, &ns);

	if (rc)
		return rc;
	if (id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE ||
	    (id < 0 && (id & 3) != 2))
		ts.tv_nsec = (s64)TICK_NS_SHOWN;
	return user_ptr_is_null(tp) ? 0 : put_timespec(tp, &ts);
}

/* CLOCK_REALTIME may not be set to before the boot: the machine was not there. */
static int set_real(const struct timespec64 *ts)
{
	u64 ns;

	if (!timespec_to_ns(ts, &ns))
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (ns < ktime_get())
		return -EINVAL;
	clock_set_real(ns);
	return 0;
}

SYSCALL(clock_settime, int, id, struct user_ptr, tp)
{
	struct timespec64 ts;
	u64 ns;
	int rc;

	if (id != CLOCK_REALTIME) {
		/* CPU clocks exist and cannot be set. */
		return clock_is_cpu(id) && !clock_read(id, &ns) ? -EPERM : -EINVAL;
	}
	rc = get_timespec(&ts, tp);
	return rc ? rc : set_real(&ts);
}

struct user_tv {
	s64 sec, usec;
};

SYSCALL(gettimeofday, struct user_ptr, tv, struct user_ptr, tz)
{
	u64 ns = ktime_get_real();
	struct user_tv v = { (s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / 1000) };
	int rc = 0;

	if (!user_ptr_is_null(tv))
		rc = copy_to_user(tv, &v, sizeof(v));
	if (!rc && !user_ptr_is_null(tz))
		rc = copy_to_user(tz, &sys_tz, sizeof(sys_tz));
	return rc;
}

SYSCALL(settimeofday, struct user_ptr, tv, struct user_ptr, tz)
{
	struct user_timezone zone = { 0 };
	struct timespec64 ts = { 0 };
	struct user_tv v;
	int rc;

	if (!user_ptr_is_null(tv)) {
		rc = copy_from_user(&v, tv, sizeof(v));
		if (rc)
			return rc;
		if ((u64)v.usec > 1000000)
			return -EINVAL;
		ts = (struct timespec64){ v.sec, v.usec * 1000 };
		if (v.sec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
			return -EINVAL;
	}
	if (!user_ptr_is_null(tz)) {
		rc = copy_from_user(&zone, tz, sizeof(zone));
		if (rc)
			return rc;
	}
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (!user_ptr_is_null(tz)) {
		if (zone.minuteswest > 15 * 60 || zone.minuteswest < -15 * 60)
			return -EINVAL;
		sys_tz = zone;
	}
	return user_ptr_is_null(tv) ? 0 : set_real(&ts);
}

SYSCALL(time, struct user_ptr, tloc)
{
	u64 sec = ktime_get_real() / NSEC_PER_SEC;
	int rc = user_ptr_is_null(tloc) ? 0 : put_user_u64(sec, tloc);

	return rc ? rc : (long)sec;
}

SYSCALL(times, struct user_ptr, buf)
{
	struct process *p = current->process;
	irqflags_t f;
	u64 u, s, t[4];
	int rc;

	if (!user_ptr_is_null(buf)) {
		process_cputime(p, &u, &s);
		f = spin_lock_irqsave(&p->siglock);
		t[0] = u / USER_HZ_NS;
		t[1] = s / USER_HZ_NS;
		t[2] = p->cutime / USER_HZ_NS;
		t[3] = p->cstime / USER_HZ_NS;
		spin_unlock_irqrestore(&p->siglock, f);
		rc = copy_to_user(buf, t, sizeof(t));
		if (rc)
			return rc;
	}
	return (long)(ktime_get() / USER_HZ_NS);
}

/* --- sleeping --- */

/* What a sleep waits for. */
struct sleep {
	clockid_t clock; /* REALTIME: follows changes of the clock; CPU clocks; else MONOTONIC */
	u64 deadline;	 /* ns of that clock */
};

/* Sleeps once: 0 to look again. A CPU clock can advance by one second per second and CPU, so that
 * far ahead nothing needs to be looked at. */
static void sleep_once(const struct sleep *s, u64 now)
{
	if (clock_is_cpu(s->clock))
		schedule_deadline(ktime_get() +
				  max((s->deadline - now) / cpu_online_count, TICK_NS_SHOWN));
	else if (s->clock == CLOCK_REALTIME)
		schedule_deadline_real(s->deadline);
	else
		schedule_deadline(s->deadline);
}

/* 0, or -ERESTARTSYS when a signal is pending. */
static int sleep_until(const struct sleep *s)
{
	int rc;
	u64 now;

	might_sleep();
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		rc = clock_read(s->clock, &now);
		if (rc || now >= s->deadline)
			break;
		if (signal_pending()) {
			rc = -ERESTARTSYS;
			break;
		}
		sleep_once(s, now);
	}
	__set_current_state(TASK_RUNNING);
	return rc;
}

static long sleep_relative(const struct sleep *s, struct user_ptr rem);

static long sleep_restart(struct restart_block *rb)
{
	struct sleep s = { .clock = (clockid_t)rb->arg[1], .deadline = rb->deadline };

	return sleep_relative(&s, USER_PTR(rb->arg[0]));
}

/* Sleeps to a deadline that was computed from a duration: what is left is told, and a restarted
 * call goes on with the same deadline. */
static long sleep_relative(const struct sleep *s, struct user_ptr rem)
{
	struct restart_block *rb = &current->restart_block;
	struct timespec64 ts;
	int rc = sleep_until(s);
	u64 now;

	if (rc != -ERESTARTSYS)
		return rc;
	(void)clock_read(s->clock, &now);
	if (now >= s->deadline)
		return 0;
	if (!user_ptr_is_null(rem)) {
		ts = ns_to_timespec(s->deadline - now);
		rc = put_timespec(rem, &ts);
		if (rc)
			return rc;
	}
	rb->fn = sleep_restart;
	rb->deadline = s->deadline;
	rb->arg[0] = rem.addr;
	rb->arg[1] = (u64)(s64)s->clock;
	return -ERESTART_RESTARTBLOCK;
}

SYSCALL(nanosleep, struct user_ptr, req, struct user_ptr, rem)
{
	struct sleep s = { .clock = CLOCK_MONOTONIC };
	struct timespec64 ts;
	u64 ns;
	int rc = get_timespec(&ts, req);

	if (rc)
		return rc;
	if (!timespec_to_ns(&ts, &ns))
		return -EINVAL;
	s.deadline = ktime_get() + ns;
	return sleep_relative(&s, rem);
}

/* The clocks one can sleep on, and what stands for them: 0, -EINVAL no such clock, -EOPNOTSUPP. */
static int sleep_clock(clockid_t id, struct sleep *s)
{
	u64 ns;

	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		s->clock = CLOCK_REALTIME;
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		s->clock = CLOCK_MONOTONIC;
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_THREAD_CPUTIME_ID:
		return -EOPNOTSUPP;
	default:
		if (!clock_is_cpu(id) || clock_read(id, &ns))
			return -EINVAL;
		/* A thread cannot wait for its own CPU time. */
		if (id < 0 && (id & 4) && (!~(id >> 3) || ~(id >> 3) == (int)current->tid))
			return -EINVAL;
		s->clock = id;
		return 0;
	}
}

SYSCALL(clock_nanosleep, int, id, int, flags, struct user_ptr, req, struct user_ptr, rem)
{
	struct sleep s = { 0 };
	struct timespec64 ts;
	u64 ns, now;
	int rc = sleep_clock(id, &s);

	if (rc)
		return rc;
	rc = get_timespec(&ts, req);
	if (rc)
		return rc;
	if (!timespec_to_ns(&ts, &ns))
		return -EINVAL;
	if (flags & TIMER_ABSTIME) {
		s.deadline = id == CLOCK_TAI ? ns - (u64)tai_offset * NSEC_PER_SEC : ns;
		rc = sleep_until(&s);
		return rc == -ERESTARTSYS ? -ERESTARTNOHAND : rc;
	}
	/* Setting the clock does not change how long a duration is. */
	if (s.clock == CLOCK_REALTIME)
		s.clock = CLOCK_MONOTONIC;
	rc = clock_read(s.clock, &now);
	if (rc)
		return rc;
	s.deadline = now + ns;
	return sleep_relative(&s, rem);
}
