/* SPDX-License-Identifier: MIT */
/* Time and load accounting.
 *
 * On-CPU time (se.sum_exec) is exact: it is charged from the clock at every switch and tick. Its
 * split into user and system time is sampled by the tick, which runs while the CPU is not idle, and
 * scaled to the exact sum when somebody asks. Idle time is the idle task's on-CPU time.
 *
 * The load average is brought up to date by any tick that finds it older than 5 s, and by readers;
 * periods that passed with all CPUs idle are made up for then. */
#include <kernel/atomic.h>
#include <kernel/div.h>

#include "sched_internal.h"

#define LOAD_PERIOD_NS (5 * NSEC_PER_SEC)
#define LOAD_SHIFT 11
#define LOAD_ONE (1u << LOAD_SHIFT)

static u64 load_avg[3];	 /* written by whoever moved load_next */
static u64 load_next;	 /* A: ns, end of the current period */
static const u64 load_decay[3] = { 1884, 2014, 2037 }; /* 2048 * exp(-5 s / 1, 5, 15 min) */

void account_tick(struct runq *rq, bool user)
{
	struct task *t = rq->curr;

	if (user) {
		t->utime += TICK_NS;
		if (t->nice > 0)
			rq->ticks_nice++;
		else
			rq->ticks_user++;
	} else if (t != rq->idle) {
		t->stime += TICK_NS;
		rq->ticks_system++;
	}
}

static u64 nr_active(void)
{
	s64 n = 0;

	for_each_online_cpu(c) {
		n += READ_ONCE(cpu_rq(c)->nr_running);
		n += READ_ONCE(cpu_rq(c)->nr_unint);
	}
	return n > 0 ? (u64)n : 0;
}

static u64 decay_pow(u64 base, u64 n)
{
	u64 r = LOAD_ONE;

	for (; n; n >>= 1, base = (base * base) >> LOAD_SHIFT)
		if (n & 1)
			r = (r * base) >> LOAD_SHIFT;
	return r;
}

void loadavg_tick(u64 now)
{
	u64 next = READ_ONCE(load_next), n, active;

	if (now < next)
		return;
	n = (now - next) / LOAD_PERIOD_NS + 1;
	if (!try_cmpxchg(&load_next, &next, next + n * LOAD_PERIOD_NS))
		return; /* another CPU does it */
	active = nr_active() * LOAD_ONE;
	for (int i = 0; i < 3; i++) {
		u64 d = decay_pow(load_decay[i], n);
		u64 sum = load_avg[i] * d + active * (LOAD_ONE - d);

		/* Rounded up while it grows, so that it can reach the goal. */
		if (active >= load_avg[i])
			sum += LOAD_ONE - 1;
		WRITE_ONCE(load_avg[i], sum >> LOAD_SHIFT);
	}
}

void loadavg_get(u64 load[3])
{
	loadavg_tick(ktime_get());
	for (int i = 0; i < 3; i++)
		load[i] = READ_ONCE(load_avg[i]);
}

u64 task_cputime_ns(struct task *t)
{
	irqflags_t f;
	struct runq *rq;
	u64 ns;

	/* What a sleeping task used does not change. */
	if (!READ_ONCE(t->on_cpu))
		return READ_ONCE(t->se.sum_exec);
	rq = task_rq_lock(t, &f);
	if (rq->curr == t) {
		update_clock(rq);
		t->class->update_curr(rq);
	}
	ns = t->se.sum_exec;
	task_rq_unlock(rq, t, f);
	return ns;
}

/* Never goes back although the ratio of the samples does. */
static u64 raise(u64 *shown, u64 v)
{
	u64 old = READ_ONCE(*shown);

	while (old < v)
		if (try_cmpxchg(shown, &old, v))
			return v;
	return old;
}

void task_cputime(struct task *t, u64 *utime_ns, u64 *stime_ns)
{
	u64 total = task_cputime_ns(t);
	u64 u = READ_ONCE(t->utime), s = READ_ONCE(t->stime);
	u64 sys = 0;

	if (t->flags & TF_KTHREAD)
		sys = total;
	else if (s)
		sys = mul_div_u64(total, s, u + s);
	sys = min(raise(&t->stime_shown, sys), total);
	*stime_ns = sys;
	*utime_ns = raise(&t->utime_shown, total - sys);
}

void cpu_times_get(unsigned int cpu, struct cpu_times *ct)
{
	struct runq *rq = cpu_rq(cpu);
	u64 now, busy, samples, idle;
	irqflags_t f;

	*ct = (struct cpu_times){ 0 };
	f = spin_lock_irqsave(&rq->lock);
	update_clock(rq);
	rq->curr->class->update_curr(rq);
	now = rq->clock;
	idle = rq->idle->se.sum_exec;
	samples = rq->ticks_user + rq->ticks_nice + rq->ticks_system;
	busy = now - rq->start > idle ? now - rq->start - idle : 0;
	ct->idle = idle;
	if (!samples) {
		ct->system = busy;
	} else {
		ct->user = mul_div_u64(busy, rq->ticks_user, samples);
		ct->nice = mul_div_u64(busy, rq->ticks_nice, samples);
		ct->system = busy - ct->user - ct->nice;
	}
	spin_unlock_irqrestore(&rq->lock, f);
}

/* --- the tick --- */

void sched_tick(bool user)
{
	struct runq *rq = this_rq();

	rq_lock(rq);
	update_clock(rq);
	rq->curr->class->tick(rq, rq->curr);
	account_tick(rq, user);
	rt_check_period(rq);
	balance_tick(rq);
	rq_unlock(rq);
	loadavg_tick(rq->clock);
	if (user || (current->flags & TF_IDLE))
		rcu_note_quiescent();
	cpu_timers_tick();
}

/* Runs while the CPU has something to do; the next switch to a task starts it again. */
u64 sched_tick_timer(struct hrtimer *t)
{
	struct runq *rq = container_of(t, struct runq, tick);
	const struct user_regs *regs = this_cpu(irq_regs);

	if (rq->curr == rq->idle && !rq->nr_running) {
		rq->tick_on = false;
		return 0;
	}
	sched_tick(regs && regs_from_user(regs));
	return ktime_get() + TICK_NS;
}
