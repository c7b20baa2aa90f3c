/* SPDX-License-Identifier: MIT */
/* Timers, clocks and sleeping on the running machine. */
#include <arch/ops.h>
#include <kernel/ktest_threads.h>

#define NTIMERS 32

struct shot {
	struct hrtimer timer;
	u64 due, fired_at;
	u32 order;
};
static struct shot shots[NTIMERS];
static u32 next_order;

static u64 shot_fn(struct hrtimer *t)
{
	struct shot *s = container_of(t, struct shot, timer);

	s->fired_at = ktime_get();
	s->order = __atomic_fetch_add(&next_order, 1, __ATOMIC_SEQ_CST);
	return 0;
}

/* Started in any order on one CPU, timers expire by time and never early. */
KTEST(hrtimer_order)
{
	u64 base;

	next_order = 0;
	irq_disable(); /* all on this CPU, and none expires before all are there */
	base = ktime_get() + 10 * NSEC_PER_MSEC;
	for (unsigned int i = 0; i < NTIMERS; i++) {
		struct shot *s = &shots[(i * 13) % NTIMERS];

		s->due = base + ((i * 13) % NTIMERS) * 300 * NSEC_PER_USEC;
		s->fired_at = 0;
		hrtimer_init(&s->timer, shot_fn);
		hrtimer_start(&s->timer, s->due);
	}
	irq_enable();
	ktest_sleep_ms(60);
	for (unsigned int i = 0; i < NTIMERS; i++) {
		KTEST_EXPECT(!hrtimer_active(&shots[i].timer));
		KTEST_EXPECT(shots[i].order == i);
		KTEST_EXPECT(shots[i].fired_at >= shots[i].due);
	}
}

static u32 periods;

static u64 periodic_fn(struct hrtimer *t)
{
	return ++periods < 10 ? t->expires + 2 * NSEC_PER_MSEC : 0;
}

KTEST(hrtimer_periodic_and_cancel)
{
	struct hrtimer t;
	u64 start = ktime_get();

	periods = 0;
	hrtimer_init(&t, periodic_fn);
	hrtimer_start(&t, start + 2 * NSEC_PER_MSEC);
	while (hrtimer_active(&t))
		ktest_sleep_ms(1);
	KTEST_EXPECT(periods == 10);
	KTEST_EXPECT(ktime_get() - start >= 20 * NSEC_PER_MSEC);
	KTEST_EXPECT(!hrtimer_cancel(&t));
	hrtimer_start(&t, ktime_get() + NSEC_PER_SEC);
	hrtimer_start(&t, ktime_get() + 2 * NSEC_PER_SEC); /* moves it */
	KTEST_EXPECT(hrtimer_cancel(&t));
	KTEST_EXPECT(!hrtimer_active(&t));
}

/* Threads on all CPUs start and cancel the same timers. */
static void timer_fighter(struct ktest_threads *th, unsigned int index)
{
	for (unsigned int i = 0; i < 2000; i++) {
		struct hrtimer *t = &shots[(i + index) % 4].timer;

		if (i % 3)
			hrtimer_start(t, ktime_get() + (i % 50) * NSEC_PER_USEC);
		else
			hrtimer_cancel(t);
	}
}

KTEST(hrtimer_contention)
{
	struct ktest_threads th;

	for (unsigned int i = 0; i < 4; i++)
		hrtimer_init(&shots[i].timer, shot_fn);
	KTEST_EXPECT(ktest_threads_start(&th, 4, timer_fighter, NULL));
	ktest_threads_wait(&th);
	for (unsigned int i = 0; i < 4; i++)
		hrtimer_cancel(&shots[i].timer);
	for (unsigned int i = 0; i < 4; i++)
		KTEST_EXPECT(!hrtimer_active(&shots[i].timer));
}

/* Never early; late only when the machine itself was away. */
KTEST(sleep_precision)
{
	u64 best = ~0ull;

	for (int i = 0; i < 20; i++) {
		u64 due = ktime_get() + 3 * NSEC_PER_MSEC;

		(void)hrtimer_sleep_until(due, TASK_UNINTERRUPTIBLE);
		KTEST_EXPECT(ktime_get() >= due);
		best = min(best, ktime_get() - due);
	}
	KTEST_EXPECT(best < NSEC_PER_MSEC);
}

/* One last value shared by all CPUs: nobody may read less than what another saw before. */
static u64 newest;

static void clock_reader(struct ktest_threads *th, unsigned int index)
{
	u32 *bad = th->arg;

	for (int i = 0; i < 5000; i++) {
		u64 seen = __atomic_load_n(&newest, __ATOMIC_SEQ_CST), now = ktime_get();

		if (now < seen)
			__atomic_fetch_add(bad, 1, __ATOMIC_SEQ_CST);
		while (seen < now && !try_cmpxchg(&newest, &seen, now))
			;
	}
}

KTEST(clock_monotonic_across_cpus)
{
	struct ktest_threads th;
	u32 bad = 0;

	KTEST_EXPECT(ktest_threads_start(&th, 4, clock_reader, &bad));
	ktest_threads_wait(&th);
	KTEST_EXPECT(bad == 0);
}

KTEST(clock_conversions)
{
	struct timespec64 ts = ns_to_timespec(3 * NSEC_PER_SEC + 5);
	u64 ns;

	KTEST_EXPECT(ts.tv_sec == 3 && ts.tv_nsec == 5);
	KTEST_EXPECT(timespec_to_ns(&ts, &ns) && ns == 3 * NSEC_PER_SEC + 5);
	ts.tv_nsec = -1;
	KTEST_EXPECT(!timespec_to_ns(&ts, &ns));
	ts.tv_nsec = NSEC_PER_SEC;
	KTEST_EXPECT(!timespec_to_ns(&ts, &ns));
	ts = (struct timespec64){ .tv_sec = -1 };
	KTEST_EXPECT(!timespec_to_ns(&ts, &ns));
	ts = (struct timespec64){ .tv_sec = 0x7fffffffffffffff };
	KTEST_EXPECT(timespec_to_ns(&ts, &ns) && ns > 200ull * 365 * 86400 * NSEC_PER_SEC);
}
