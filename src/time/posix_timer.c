/* SPDX-License-Identifier: MIT */
/* POSIX timers: timer_create(2) and its kin.
 *
 * A process that has any owns a struct posix_timers: a table of ids and one lock for everything in
 * its timers. Timers on wall clocks run as high-resolution timers, those on CPU clocks are looked
 * at by the tick of the threads they measure.
 *
 * At most one signal of a timer is queued at any time (its preallocated sigqueue). An interval
 * timer rests while its signal waits; when the signal is taken, posix_timer_signal_taken counts the
 * intervals that passed as overrun and starts it again. `seq` travels with the signal, so that one
 * sent before a timer_settime does not start the timer anew.
 *
 * Locks: posix_timers.lock (LOCK_POSIX_TIMER, interrupts off), taken by the timer callback; signals
 * are sent after it is dropped. Cancelling an hrtimer waits for its callback and so happens without
 * it. Lifetime: a timer is unlinked from the table under the lock and freed by the unlinker after
 * the callback is done. The tick finds CPU timers under the lock and marks the one it drops the
 * lock for as firing; whoever frees or sets that one waits, as for a callback. */
#include <arch/ops.h>
#include <kernel/errno.h>
#include <kernel/idr.h>
#include <kernel/list.h>
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>

#include "time_internal.h"

#define TIMER_ABSTIME 1
#define MAX_OVERRUN 0x7fffffff

struct posix_timers {
	struct spinlock lock;
	struct idr ids;
	struct list_head cpu; /* armed timers on CPU clocks */
	unsigned int nr_cpu;
};

struct posix_timer {
	int id;			/* C */
	clockid_t clock;	/* C */
	struct process *process;/* C */
	int notify;		/* C: SIGEV_* */
	struct task *target;	/* C: referenced; SIGEV_THREAD_ID */
	struct task *measured;	/* C: referenced; thread clocks */
	struct sigqueue *q;	/* C: NULL for SIGEV_NONE */
	struct hrtimer hr;
	struct list_head node;	/* in posix_timers.cpu */
	u64 expires, interval;	/* lock: ns of the clock; expires 0: off */
	u64 overrun;		/* lock: since the last signal taken */
	u32 last_overrun;	/* lock */
	u32 seq;		/* lock */
	bool waiting;		/* lock: its signal is queued */
	bool firing;		/* lock: a tick is sending it */
};

struct user_itimerspec {
	struct timespec64 interval, value;
};

static u64 timer_now(const struct posix_timer *t)
{
	u64 ns = 0;

	if (t->measured)
		return task_cputime_ns(t->measured);
	if (clock_is_cpu(t->clock))
		return process_cputime_ns(t->process);
	(void)clock_read(t->clock, &ns);
	return ns;
}

static bool on_cpu_clock(const struct posix_timer *t)
{
	return clock_is_cpu(t->clock);
}

static bool on_wall_clock(const struct posix_timer *t)
{
	return t->clock == CLOCK_REALTIME || t->clock == CLOCK_REALTIME_ALARM;
}

/* Starts the machinery for t->expires. lock held. */
static void timer_arm(struct posix_timers *ts, struct posix_timer *t)
{
	if (t->notify == SIGEV_NONE)
		return; /* only looked at */
	if (on_cpu_clock(t)) {
		if (list_empty(&t->node)) {
			list_add_tail(&t->node, &ts->cpu);
			WRITE_ONCE(ts->nr_cpu, ts->nr_cpu + 1);
		}
	} else if (on_wall_clock(t)) {
		hrtimer_start_real(&t->hr, t->expires);
	} else if (t->clock == CLOCK_TAI) {
		hrtimer_start_real(&t->hr, t->expires - (u64)tai_offset * NSEC_PER_SEC);
	} else {
		hrtimer_start(&t->hr, t->expires);
	}
}

static void timer_unlink_cpu(struct posix_timers *ts, struct posix_timer *t)
{
	if (list_empty(&t->node))
		return;
	list_del_init(&t->node);
	WRITE_ONCE(ts->nr_cpu, ts->nr_cpu - 1);
}

/* Moves an interval timer past now; intervals skipped, the one that ended included. */
static u64 timer_forward(struct posix_timer *t, u64 now)
{
	u64 n;

	if (now < t->expires)
		return 0;
	n = (now - t->expires) / t->interval + 1;
	t->expires += n * t->interval;
	return n;
}

/* t expired: sends its signal. lock held on entry and exit, dropped in between. */
static void timer_fire(struct posix_timers *ts, struct posix_timer *t, irqflags_t *f)
	MUST_HOLD(&ts->lock)
{
	bool ignored;

	t->waiting = true;
	t->q->info.timer.sys_private = (s32)++t->seq;
	spin_unlock_irqrestore(&ts->lock, *f);
	ignored = send_sigqueue(t->q, t->process, t->target) != 0;
	*f = spin_lock_irqsave(&ts->lock);
	if (!ignored)
		return;
	/* Nobody will take the signal: go on by ourselves, no faster than the tick. */
	t->waiting = false;
	if (t->interval) {
		u64 now = timer_now(t);

		t->overrun += timer_forward(t, now);
		t->expires = max(t->expires, now + TICK_NS_SHOWN);
		timer_arm(ts, t);
	} else {
		t->expires = 0;
	}
}

static u64 posix_timer_fn(struct hrtimer *hr)
{
	struct posix_timer *t = container_of(hr, struct posix_timer, hr);
	struct posix_timers *ts = t->process->timers;
	irqflags_t f = spin_lock_irqsave(&ts->lock);

	/* Set anew while the interrupt came in? */
	if (t->expires && !t->waiting && timer_now(t) >= t->expires)
		timer_fire(ts, t, &f);
	spin_unlock_irqrestore(&ts->lock, f);
	return 0;
}

void posix_cpu_timers_tick(void)
{
	struct posix_timers *ts = smp_load_acquire(&current->process->timers);
	struct posix_timer *t, *tmp;
	irqflags_t f;

	if (!ts || !READ_ONCE(ts->nr_cpu))
		return;
	f = spin_lock_irqsave(&ts->lock);
	list_for_each_entry_safe(t, tmp, &ts->cpu, node) {
		if (t->measured && t->measured != current)
			continue;
		if (timer_now(t) < t->expires)
			continue;
		timer_unlink_cpu(ts, t);
		t->firing = true;
		timer_fire(ts, t, &f);
		t->firing = false;
		break; /* the list may have changed; the rest at the next tick */
	}
	spin_unlock_irqrestore(&ts->lock, f);
}

void posix_timer_signal_taken(struct siginfo *info)
{
	struct posix_timers *ts = current->process->timers;
	struct posix_timer *t;
	u32 seq = (u32)info->timer.sys_private;
	irqflags_t f;

	info->timer.sys_private = 0;
	if (!ts)
		return;
	f = spin_lock_irqsave(&ts->lock);
	t = idr_find(&ts->ids, info->timer.tid);
	if (t && t->waiting && t->seq == seq) {
		t->waiting = false;
		if (t->interval) {
			u64 n = timer_forward(t, timer_now(t));

			t->overrun += n ? n - 1 : 0;
			timer_arm(ts, t);
		} else {
			t->expires = 0;
		}
		t->last_overrun = (u32)min(t->overrun, (u64)MAX_OVERRUN);
		t->overrun = 0;
		info->timer.overrun = (s32)t->last_overrun;
	}
	spin_unlock_irqrestore(&ts->lock, f);
}

/* --- life --- */

static int timers_get(struct process *p, struct posix_timers **out)
{
	struct posix_timers *ts = smp_load_acquire(&p->timers), *old = NULL;

	if (!ts) {
		ts = kzalloc(sizeof(*ts), GFP_KERNEL);
		if (!ts)
			return -EAGAIN;
		spin_lock_init(&ts->lock, LOCK_POSIX_TIMER);
		idr_init(&ts->ids);
		list_init(&ts->cpu);
		if (!try_cmpxchg(&p->timers, &old, ts)) {
			kfree(ts);
			ts = old;
		}
	}
	*out = ts;
	return 0;
}

/* Waits until no tick works on t, which is in no table any more, and takes it off the list that a
 * tick may have put it back on. */
static void timer_stop_cpu(struct posix_timer *t)
{
	struct posix_timers *ts = t->process->timers;
	bool firing;

	do {
		irqflags_t f = spin_lock_irqsave(&ts->lock);

		firing = t->firing;
		timer_unlink_cpu(ts, t);
		spin_unlock_irqrestore(&ts->lock, f);
		if (firing)
			arch_cpu_relax();
	} while (firing);
}

/* Frees t, which is in no table any more. May wait for its callback. */
static void timer_destroy(struct posix_timer *t)
{
	hrtimer_cancel(&t->hr);
	if (on_cpu_clock(t))
		timer_stop_cpu(t);
	if (t->q)
		sigqueue_free(t->q, t->process);
	if (t->target)
		task_put(t->target);
	if (t->measured)
		task_put(t->measured);
	kfree(t);
}

static void delete_all(struct process *p)
{
	struct posix_timers *ts = p->timers;
	struct posix_timer *t;
	irqflags_t f;
	int id;

	if (!ts)
		return;
	for (;;) {
		f = spin_lock_irqsave(&ts->lock);
		id = 0;
		t = idr_get_next(&ts->ids, &id);
		if (t) {
			idr_remove(&ts->ids, id);
			timer_unlink_cpu(ts, t);
			t->expires = 0;
			t->interval = 0;
		}
		spin_unlock_irqrestore(&ts->lock, f);
		if (!t)
			break;
		timer_destroy(t);
	}
}

void process_timers_init(struct process *p)
{
	p->timers = NULL;
	itimer_init(p);
}

void process_timers_exec(struct process *p)
{
	delete_all(p);
}

void process_timers_exit(struct process *p)
{
	itimer_exit(p);
	delete_all(p);
	if (p->timers) {
		idr_destroy(&p->timers->ids);
		kfree(p->timers);
		p->timers = NULL;
	}
}

/* --- system calls --- */

/* The thread or process a CPU clock measures must be the caller's. */
static int timer_clock(struct posix_timer *t, clockid_t clock)
{
	struct task *m;
	pid_t pid;
	u64 ns;
	int rc;

	t->clock = clock;
	rc = clock_read(clock, &ns);
	if (rc)
		return -EINVAL;
	if (!clock_is_cpu(clock))
		return clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
				       clock == CLOCK_MONOTONIC_COARSE ? -EOPNOTSUPP : 0;
	if (clock == CLOCK_THREAD_CPUTIME_ID) {
		task_get(current);
		t->measured = current;
		return 0;
	}
	if (clock == CLOCK_PROCESS_CPUTIME_ID)
		return 0;
	pid = (pid_t)~(clock >> 3);
	if (!(clock & 4))
		return !pid || pid == current->process->tgid ? 0 : -EINVAL;
	m = pid ? task_find_get(pid) : current;
	if (!m)
		return -EINVAL;
	if (m == current)
		task_get(m);
	t->measured = m;
	return 0;
}

static int timer_event(struct posix_timer *t, const struct user_sigevent *ev)
{
	struct task *target;
	int rc;

	switch (ev->notify) {
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		target = task_find_get(ev->tid);
		if (!target)
			return -EINVAL;
		t->target = target;
		if (target->process != current->process)
			return -EINVAL;
		break;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
	case SIGEV_NONE:
		break;
	default:
		return -EINVAL;
	}
	t->notify = ev->notify;
	if (t->notify == SIGEV_NONE)
		return 0;
	if (ev->signo <= 0 || ev->signo > NSIG)
		return -EINVAL;
	rc = sigqueue_alloc(&t->q);
	if (rc)
		return rc;
	t->q->info = (struct siginfo){ .si_signo = ev->signo, .si_code = SI_TIMER };
	t->q->info.timer.value = ev->value;
	return 0;
}

static int timer_publish(struct posix_timers *ts, struct posix_timer *t)
{
	irqflags_t f = spin_lock_irqsave(&ts->lock);
	int id = idr_alloc_cyclic(&ts->ids, t, 0, 0, GFP_ATOMIC);

	if (id >= 0) {
		t->id = id;
		if (t->q)
			t->q->info.timer.tid = id;
	}
	spin_unlock_irqrestore(&ts->lock, f);
	return id < 0 ? -EAGAIN : 0;
}

static void timer_unpublish(struct posix_timers *ts, struct posix_timer *t)
{
	irqflags_t f = spin_lock_irqsave(&ts->lock);

	idr_remove(&ts->ids, t->id);
	spin_unlock_irqrestore(&ts->lock, f);
}

SYSCALL(timer_create, int, clockid, struct user_ptr, event, struct user_ptr, timerid)
{
	struct user_sigevent ev = { .signo = SIGALRM, .notify = SIGEV_SIGNAL };
	struct posix_timers *ts;
	struct posix_timer *t;
	int rc;

	if (!user_ptr_is_null(event)) {
		rc = copy_from_user(&ev, event, sizeof(ev));
		if (rc)
			return rc;
	}
	rc = timers_get(current->process, &ts);
	if (rc)
		return rc;
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -EAGAIN;
	t->process = current->process;
	list_init(&t->node);
	hrtimer_init(&t->hr, posix_timer_fn);
	rc = timer_clock(t, clockid);
	if (rc)
		goto destroy;
	rc = timer_event(t, &ev);
	if (rc)
		goto destroy;
	rc = timer_publish(ts, t);
	if (rc)
		goto destroy;
	if (user_ptr_is_null(event) && t->q)
		t->q->info.timer.value.sival_int = t->id;
	rc = put_user_u32((u32)t->id, timerid);
	if (rc) {
		timer_unpublish(ts, t);
		goto destroy;
	}
	return 0;

destroy:
	timer_destroy(t);
	return rc;
}

/* Finds timer id of current's process and locks the table: the timer stays until unlock. */
static struct posix_timer *timer_lock(int id, struct posix_timers **out, irqflags_t *f)
	NO_LOCK_ANALYSIS
{
	struct posix_timers *ts = smp_load_acquire(&current->process->timers);
	struct posix_timer *t;

	if (!ts)
		return NULL;
	*f = spin_lock_irqsave(&ts->lock);
	t = idr_find(&ts->ids, id);
	if (!t)
		spin_unlock_irqrestore(&ts->lock, *f);
	*out = ts;
	return t;
}

static void timer_unlock(struct posix_timers *ts, irqflags_t f) NO_LOCK_ANALYSIS
{
	spin_unlock_irqrestore(&ts->lock, f);
}

/* What timer_gettime shows. lock held. */
static void timer_read(struct posix_timer *t, struct user_itimerspec *out)
{
	u64 now, expires = t->expires, rest = 0;

	out->interval = ns_to_timespec(t->interval);
	if (expires) {
		now = timer_now(t);
		/* Waiting for its signal to be taken, or SIGEV_NONE: as if it had gone on. */
		if (t->interval && now >= expires)
			expires += ((now - expires) / t->interval + 1) * t->interval;
		if (expires > now)
			rest = expires - now;
		else
			rest = t->notify == SIGEV_NONE ? 0 : 1;
	}
	out->value = ns_to_timespec(rest);
}

SYSCALL(timer_gettime, int, timerid, struct user_ptr, value)
{
	struct user_itimerspec v;
	struct posix_timers *ts;
	struct posix_timer *t;
	irqflags_t f;

	t = timer_lock(timerid, &ts, &f);
	if (!t)
		return -EINVAL;
	timer_read(t, &v);
	timer_unlock(ts, f);
	return copy_to_user(value, &v, sizeof(v));
}

SYSCALL(timer_getoverrun, int, timerid)
{
	struct posix_timers *ts;
	struct posix_timer *t;
	irqflags_t f;
	u32 n;

	t = timer_lock(timerid, &ts, &f);
	if (!t)
		return -EINVAL;
	n = t->last_overrun;
	timer_unlock(ts, f);
	return n;
}

SYSCALL(timer_settime, int, timerid, int, flags, struct user_ptr, new, struct user_ptr, old)
{
	struct user_itimerspec v, shown;
	struct posix_timers *ts;
	struct posix_timer *t;
	u64 value, interval;
	irqflags_t f;
	int rc;

	if (user_ptr_is_null(new))
		return -EINVAL;
	rc = copy_from_user(&v, new, sizeof(v));
	if (rc)
		return rc;
	if (!timespec_to_ns(&v.value, &value) || !timespec_to_ns(&v.interval, &interval))
		return -EINVAL;
	for (;;) {
		t = timer_lock(timerid, &ts, &f);
		if (!t)
			return -EINVAL;
		timer_read(t, &shown);
		if (!t->firing && hrtimer_try_to_cancel(&t->hr) >= 0)
			break;
		timer_unlock(ts, f);
		arch_cpu_relax();
	}
	timer_unlink_cpu(ts, t);
	t->seq++; /* a signal still queued no longer counts */
	t->waiting = false;
	t->overrun = 0;
	t->last_overrun = 0;
	t->interval = interval;
	t->expires = 0;
	if (value) {
		t->expires = flags & TIMER_ABSTIME ? value : timer_now(t) + value;
		timer_arm(ts, t);
	}
	timer_unlock(ts, f);
	return user_ptr_is_null(old) ? 0 : copy_to_user(old, &shown, sizeof(shown));
}

SYSCALL(timer_delete, int, timerid)
{
	struct posix_timers *ts;
	struct posix_timer *t;
	irqflags_t f;

	t = timer_lock(timerid, &ts, &f);
	if (!t)
		return -EINVAL;
	idr_remove(&ts->ids, timerid);
	timer_unlink_cpu(ts, t);
	t->expires = 0;
	t->interval = 0;
	timer_unlock(ts, f);
	timer_destroy(t);
	return 0;
}
