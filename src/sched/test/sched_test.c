/* SPDX-License-Identifier: MIT */
/* The scheduler on the running machine. */
#include <arch/ops.h>
#include <kernel/ktest_threads.h>

static struct cpumask only(unsigned int cpu)
{
	struct cpumask m = { { 0 } };

	set_bit(cpu, m.bits);
	return m;
}

static void spin_until_stop(struct ktest_threads *th, unsigned int index)
{
	while (!READ_ONCE(th->stop))
		arch_cpu_relax();
}

/* On an emulated machine a CPU may be away for tens of milliseconds, which are charged to whom they
 * hit. So what depends on time is tried a few times: it must be right once. */
#define TRIES 5

/* Time of thread 0 over that of thread 1 in per cent, both on one CPU for a while; 0: no thread. */
static u64 measure_ratio(int nice0, int nice1)
{
	struct cpumask m = only(cpu_online_count - 1);
	struct ktest_threads th;
	u64 a, b, a0, b0;

	if (!ktest_threads_create(&th, 2, spin_until_stop, NULL))
		return 0;
	sched_set_nice(th.task[0], nice0);
	sched_set_nice(th.task[1], nice1);
	for (int i = 0; i < 2; i++)
		sched_set_affinity(th.task[i], &m);
	/* This thread must be able to stop them. */
	sched_set_policy(current, SCHED_FIFO, 50);
	ktest_threads_go(&th);
	ktest_sleep_ms(50);
	a0 = task_cputime_ns(th.task[0]);
	b0 = task_cputime_ns(th.task[1]);
	ktest_sleep_ms(400);
	a = task_cputime_ns(th.task[0]) - a0;
	b = task_cputime_ns(th.task[1]) - b0;
	th.stop = true;
	sched_set_policy(current, SCHED_NORMAL, 0);
	ktest_threads_wait(&th);
	return b ? a * 100 / b : 0;
}

/* Two busy threads on one CPU share it by weight: nice 0 against nice 5 is 1024 : 335.
 * The host test of the class is exact about it. */
KTEST(sched_nice_ratio)
{
	u64 ratio = 0;

	for (int i = 0; i < TRIES && (ratio < 240 || ratio > 390); i++)
		ratio = measure_ratio(0, 5);
	KTEST_EXPECT(ratio >= 240);
	KTEST_EXPECT(ratio <= 390);
}

/* Equal threads, more than CPUs: nobody gets much more than anybody else. */
KTEST(sched_fair_share)
{
	struct cpumask m = only(0);
	struct ktest_threads th;
	u64 min_t = ~0ull, max_t = 0, sum = 0, t;

	KTEST_EXPECT(ktest_threads_create(&th, 4, spin_until_stop, NULL));
	for (int i = 0; i < 4; i++)
		sched_set_affinity(th.task[i], &m);
	sched_set_policy(current, SCHED_FIFO, 50);
	ktest_threads_go(&th);
	ktest_sleep_ms(400);
	for (int i = 0; i < 4; i++) {
		t = task_cputime_ns(th.task[i]);
		min_t = min(min_t, t);
		max_t = max(max_t, t);
		sum += t;
	}
	th.stop = true;
	sched_set_policy(current, SCHED_NORMAL, 0);
	ktest_threads_wait(&th);
	/* A machine whose own CPU was away for a while charges it to one of them. */
	KTEST_EXPECT(min_t > sum / 4 / 2);
	KTEST_EXPECT(max_t < sum / 4 * 2);
}

/* A real-time thread runs at once although the CPU is busy: measured from the interrupt that wakes
 * it, since the interrupt itself may be late. Without preemption it would wait for the end of a
 * slice. */
struct rt_wake {
	struct hrtimer timer;
	struct task *task;
	u64 woken_at; /* 0: not yet */
	u32 in_time;
};

static u64 rt_wake_fn(struct hrtimer *t)
{
	struct rt_wake *w = container_of(t, struct rt_wake, timer);

	WRITE_ONCE(w->woken_at, ktime_get());
	wake_up_task(w->task);
	return 0;
}

static void rt_sleeper(struct ktest_threads *th, unsigned int index)
{
	struct rt_wake *w = th->arg;

	if (index == 0) {
		spin_until_stop(th, index);
		return;
	}
	w->task = current;
	for (int i = 0; i < 40; i++) {
		w->woken_at = 0;
		hrtimer_start(&w->timer, ktime_get() + NSEC_PER_MSEC);
		for (;;) {
			set_current_state(TASK_UNINTERRUPTIBLE);
			if (READ_ONCE(w->woken_at))
				break;
			schedule();
		}
		__set_current_state(TASK_RUNNING);
		w->in_time += ktime_get() - w->woken_at < NSEC_PER_MSEC;
	}
	hrtimer_cancel(&w->timer);
	th->stop = true;
}

KTEST(sched_rt_preempts)
{
	struct cpumask m = only(cpu_online_count - 1);
	struct rt_wake w = { .task = NULL };
	struct ktest_threads th;

	hrtimer_init(&w.timer, rt_wake_fn);
	KTEST_EXPECT(ktest_threads_create(&th, 2, rt_sleeper, &w));
	sched_set_policy(th.task[1], SCHED_FIFO, 10);
	for (int i = 0; i < 2; i++)
		sched_set_affinity(th.task[i], &m);
	ktest_threads_go(&th);
	ktest_threads_wait(&th);
	KTEST_EXPECT(w.in_time >= 30);
}

/* A real-time thread that is pushed aside goes on at once on a CPU with less important work. */
static void rt_spinner(struct ktest_threads *th, unsigned int index)
{
	u64 *ran_on = th->arg;

	while (!READ_ONCE(th->stop)) {
		if (index == 0)
			WRITE_ONCE(*ran_on, cpu_id());
		arch_cpu_relax();
	}
}

KTEST(sched_rt_moves_on)
{
	struct cpumask both = { { 0 } }, m;
	struct ktest_threads th;
	u64 ran_on = ~0ull;
	bool moved = false;

	if (cpu_online_count < 2)
		return;
	KTEST_EXPECT(ktest_threads_create(&th, 2, rt_spinner, &ran_on));
	set_bit(0, both.bits);
	set_bit(1, both.bits);
	sched_set_policy(th.task[0], SCHED_FIFO, 10);
	sched_set_policy(th.task[1], SCHED_FIFO, 20);
	sched_set_affinity(th.task[0], &both);
	sched_set_policy(current, SCHED_FIFO, 50);
	wake_up_task(th.task[0]);
	ktest_sleep_ms(20);
	m = only((unsigned int)READ_ONCE(ran_on) & 1); /* where it runs now */
	sched_set_affinity(th.task[1], &m);
	wake_up_task(th.task[1]);
	for (int i = 0; i < 200 && !moved; i++) {
		ktest_sleep_ms(1);
		moved = !test_bit(READ_ONCE(ran_on), m.bits);
	}
	th.stop = true;
	sched_set_policy(current, SCHED_NORMAL, 0);
	ktest_threads_wait(&th);
	KTEST_EXPECT(moved);
}

/* A running thread follows its mask. */
static void wander(struct ktest_threads *th, unsigned int index)
{
	unsigned int *wrong = th->arg;

	for (unsigned int i = 0; i < 200; i++) {
		unsigned int cpu = i % cpu_online_count;
		struct cpumask m = only(cpu);

		sched_set_affinity(current, &m);
		if (cpu_id() != cpu)
			__atomic_fetch_add(wrong, 1, __ATOMIC_SEQ_CST);
		if (i % 16 == 0)
			ktest_sleep_ms(1);
		if (cpu_id() != cpu)
			__atomic_fetch_add(wrong, 1, __ATOMIC_SEQ_CST);
	}
}

KTEST(sched_affinity_self)
{
	struct ktest_threads th;
	unsigned int wrong = 0;

	KTEST_EXPECT(ktest_threads_start(&th, 4, wander, &wrong));
	ktest_threads_wait(&th);
	KTEST_EXPECT(wrong == 0);
}

/* Others are moved while they run and while they sleep. */
static void spin_and_sleep(struct ktest_threads *th, unsigned int index)
{
	while (!READ_ONCE(th->stop)) {
		u64 end = ktime_get() + NSEC_PER_MSEC;

		while (ktime_get() < end)
			arch_cpu_relax();
		if (index & 1)
			ktest_sleep_ms(1);
	}
}

/* Waits until all threads have arrived; sleeping ones move when they wake. */
static bool all_on(const struct ktest_threads *th, unsigned int cpu)
{
	for (int tries = 0; tries < 500; tries++) {
		unsigned int n = 0;

		for (unsigned int j = 0; j < th->n; j++)
			n += READ_ONCE(th->task[j]->cpu) == cpu;
		if (n == th->n)
			return true;
		ktest_sleep_ms(1);
	}
	return false;
}

KTEST(sched_affinity_others)
{
	struct ktest_threads th;
	bool ok = true;

	KTEST_EXPECT(ktest_threads_start(&th, 4, spin_and_sleep, NULL));
	for (unsigned int i = 0; i < 50; i++) {
		struct cpumask m = only(i % cpu_online_count);

		for (int j = 0; j < 4; j++)
			sched_set_affinity(th.task[j], &m);
		ok = ok && all_on(&th, i % cpu_online_count);
	}
	th.stop = true;
	ktest_threads_wait(&th);
	KTEST_EXPECT(ok);
}

/* Busy threads spread over the CPUs. */
KTEST(sched_spreads)
{
	unsigned int n = min(cpu_online_count, 4u), used = 0;
	struct ktest_threads th;
	bool cpu_used[KTEST_MAX_THREADS] = { false };

	KTEST_EXPECT(ktest_threads_start(&th, n, spin_until_stop, NULL));
	ktest_sleep_ms(100);
	for (unsigned int i = 0; i < n; i++)
		cpu_used[READ_ONCE(th.task[i]->cpu) % KTEST_MAX_THREADS] = true;
	for (int i = 0; i < KTEST_MAX_THREADS; i++)
		used += cpu_used[i];
	th.stop = true;
	ktest_threads_wait(&th);
	KTEST_EXPECT(used >= min(n, 3u));
}

/* Threads in a ring wake each other by state alone; a lost wake-up leaves the ring standing. */
#define RING 8
struct ring {
	u32 token[RING];
	u64 rounds;
};

static void ring_member(struct ktest_threads *th, unsigned int index)
{
	struct ring *r = th->arg;
	unsigned int next = (index + 1) % RING;

	for (u32 i = 1; i <= r->rounds; i++) {
		for (;;) {
			set_current_state(TASK_UNINTERRUPTIBLE);
			if (READ_ONCE(r->token[index]) >= i)
				break;
			schedule();
		}
		__set_current_state(TASK_RUNNING);
		__atomic_store_n(&r->token[next], next ? i : i + 1, __ATOMIC_SEQ_CST);
		wake_up_state(th->task[next], TASK_NORMAL, i & 1);
	}
}

KTEST(sched_no_lost_wakeups)
{
	static struct ring r;
	struct ktest_threads th;

	r = (struct ring){ .token = { 1 }, .rounds = 3000 };
	KTEST_EXPECT(ktest_threads_start(&th, RING, ring_member, &r));
	ktest_threads_wait(&th);
	KTEST_EXPECT(r.token[0] == 3001);
}

/* Yielding lets an equal run. */
static void yielder(struct ktest_threads *th, unsigned int index)
{
	u64 *count = th->arg;

	while (!READ_ONCE(th->stop)) {
		count[index]++;
		if (count[index] >= 2000)
			th->stop = true;
		sched_yield_current();
	}
}

KTEST(sched_yield_alternates)
{
	struct cpumask m = only(0);
	struct ktest_threads th;
	u64 count[2] = { 0 };

	KTEST_EXPECT(ktest_threads_create(&th, 2, yielder, count));
	for (int i = 0; i < 2; i++)
		sched_set_affinity(th.task[i], &m);
	ktest_threads_go(&th);
	ktest_threads_wait(&th);
	KTEST_EXPECT(count[0] > 500);
	KTEST_EXPECT(count[1] > 500);
}

/* An idle machine's threads account what they use, not what passes. */
KTEST(sched_cputime)
{
	u64 t0 = task_cputime_ns(current), w0 = ktime_get(), t;

	ktest_sleep_ms(30);
	t = task_cputime_ns(current) - t0;
	KTEST_EXPECT(t < 15 * NSEC_PER_MSEC);
	while (ktime_get() < w0 + 80 * NSEC_PER_MSEC)
		arch_cpu_relax();
	t = task_cputime_ns(current) - t0;
	KTEST_EXPECT(t > 20 * NSEC_PER_MSEC);
	KTEST_EXPECT(t <= ktime_get() - w0);
}
