/* SPDX-License-Identifier: MIT */
/* Which CPU a task runs on.
 *
 * Waking: a task goes to the waker's CPU when the waker is about to sleep, else to an idle CPU, its
 * previous one first, else it stays where its cache is unless that CPU is clearly busier. Idle CPUs
 * pull when they run out, and at each fourth tick a CPU compares itself with the busiest one. A
 * real-time task goes where the least important task runs.
 *
 * The decisions read other queues without their locks: a wrong guess costs time, nothing else.
 * Pulling holds the own queue's lock and only tries the other's, so no order between queues is
 * needed. */
#include <arch/ops.h>

#include "sched_internal.h"

bool task_allowed(const struct task *t, unsigned int cpu)
{
	return test_bit(cpu, t->affinity.bits);
}

static bool cpu_is_idle(const struct runq *rq)
{
	return READ_ONCE(rq->nr_running) == 0;
}

/* How important is what the CPU runs? Larger is more so: idle 0, fair 1, real-time 2... */
static int importance(const struct task *curr)
{
	if (curr->flags & TF_IDLE)
		return 0;
	return 1 + curr->eff_prio;
}

static unsigned int select_cpu_rt(const struct task *t)
{
	unsigned int best = t->cpu;
	int least = 1000;

	for_each_online_cpu(c) {
		int imp;

		if (!task_allowed(t, c))
			continue;
		imp = importance(READ_ONCE(cpu_rq(c)->curr));
		/* Its own CPU wins ties: the cache is warm there. */
		if (imp < least || (imp == least && c == t->cpu)) {
			least = imp;
			best = c;
		}
	}
	return best;
}

static unsigned int least_loaded(const struct task *t, unsigned int start)
{
	unsigned int best = start;
	u64 least = ~0ull;

	for_each_online_cpu(c) {
		const struct runq *rq = cpu_rq(c);
		u64 load;

		if (!task_allowed(t, c))
			continue;
		load = READ_ONCE(rq->load) + (rq->rt.nr ? 1ull << 32 : 0);
		if (load < least || (load == least && c == start)) {
			least = load;
			best = c;
		}
	}
	return best;
}

/* Where t, which is on no queue, should be queued. Under RCU (preemption off): other CPUs' current
 * tasks are looked at. */
unsigned int select_cpu(struct task *t, bool sync)
{
	unsigned int prev = t->cpu, this, n = cpu_online_count;
	const struct runq *mine;

	if (n == 1)
		return 0;
	if (unlikely(t->class == &class_rt))
		return select_cpu_rt(t);
	this = cpu_id();
	mine = cpu_rq(this);
	if (sync && task_allowed(t, this) && READ_ONCE(mine->nr_running) <= 1)
		return this;
	if (prev < n && task_allowed(t, prev) && cpu_is_idle(cpu_rq(prev)))
		return prev;
	for (unsigned int i = 1; i <= n; i++) {
		unsigned int c = prev + i;

		while (c >= n)
			c -= n;
		if (cpu_is_idle(cpu_rq(c)) && task_allowed(t, c))
			return c;
	}
	if (prev < n && task_allowed(t, prev) &&
	    (t->state != TASK_NEW && cpu_rq(prev)->nr_running <= mine->nr_running + 1))
		return prev;
	return least_loaded(t, prev < n && task_allowed(t, prev) ? prev : this);
}

/* Takes t, waiting on src, over to dst; both locked. */
static void take_over(struct runq *dst, struct runq *src, struct task *t)
{
	update_clock(src);
	rq_deactivate(src, t, 0);
	t->cpu = dst->cpu;
	rq_activate(dst, t, ENQ_MOVED);
}

static struct task *movable_rt(struct runq *src, unsigned int cpu)
{
	for (int i = 0; i < RT_PRIOS; i++) {
		struct task *t;

		if (!(src->rt.bitmap[i / 64] & BIT(i % 64)))
			continue;
		list_for_each_entry(t, &src->rt.queue[i], se.rt_node)
			if (t != src->curr && !READ_ONCE(t->on_cpu) && task_allowed(t, cpu))
				return t;
	}
	return NULL;
}

/* The fair task that has longest to wait goes first. */
static struct task *movable_fair(struct runq *src, unsigned int cpu, u64 max_weight)
{
	struct rb_node *n;

	for (n = rb_last(&src->fair.tree); n; n = rb_prev(n)) {
		struct task *t = rb_entry(n, struct task, se.node);

		/* on_cpu: the CPU has not left its stack yet. */
		if (!READ_ONCE(t->on_cpu) && task_allowed(t, cpu) && t->se.weight <= max_weight)
			return t;
	}
	return NULL;
}

/* Locks a second queue. It is only tried, `tries` times, so no order between queues is needed. */
static bool lock_other(struct runq *src, unsigned int tries)
{
	while (__atomic_exchange_n(&src->lock.locked, 1, __ATOMIC_ACQUIRE)) {
		if (!--tries)
			return false;
		arch_cpu_relax();
	}
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_acquire(&src->lock.dbg, true, false, __builtin_return_address(0));
	return true;
}

static bool pull_from(struct runq *dst, struct runq *src, u64 max_weight)
{
	struct task *t;

	if (!lock_other(src, 1))
		return false;
	t = src->rt.nr > 1 || (src->rt.nr && src->curr->class != &class_rt) ?
		    movable_rt(src, dst->cpu) : NULL;
	if (!t)
		t = movable_fair(src, dst->cpu, max_weight);
	if (t)
		take_over(dst, src, t);
	rq_unlock(src);
	return t != NULL;
}

static struct runq *busiest(const struct runq *me)
{
	struct runq *best = NULL;
	u64 most = 0;

	for_each_online_cpu(c) {
		struct runq *rq = cpu_rq(c);

		if (rq != me && READ_ONCE(rq->nr_running) > 1 && READ_ONCE(rq->load) >= most) {
			most = READ_ONCE(rq->load);
			best = rq;
		}
	}
	return best;
}

bool pull_idle(struct runq *rq)
{
	struct runq *src = busiest(rq);

	if (!src)
		return false;
	if (pull_from(rq, src, ~0ull))
		return true;
	/* The busiest had nothing for us (affinity); somebody else may. */
	for_each_online_cpu(c) {
		struct runq *other = cpu_rq(c);

		if (other != rq && other != src && READ_ONCE(other->nr_running) > 1 &&
		    pull_from(rq, other, ~0ull))
			return true;
	}
	return false;
}

void rt_offer(struct runq *rq)
{
	const struct task *t = NULL;
	unsigned int cpu;

	if (cpu_online_count == 1)
		return;
	/* The most important one that could run elsewhere. */
	for (int i = 0; i < RT_PRIOS && !t; i++) {
		const struct task *at;

		if (!(rq->rt.bitmap[i / 64] & BIT(i % 64)))
			continue;
		list_for_each_entry(at, &rq->rt.queue[i], se.rt_node) {
			cpu = select_cpu_rt(at);
			if (at != rq->curr && cpu != rq->cpu &&
			    importance(READ_ONCE(cpu_rq(cpu)->curr)) < importance(at)) {
				t = at;
				break;
			}
		}
	}
	if (!t)
		return;
	set_task_work(READ_ONCE(cpu_rq(cpu)->curr), WORK_RESCHED);
	arch_send_resched_ipi(cpu);
}

bool rt_pull(struct runq *rq)
{
	for_each_online_cpu(c) {
		struct runq *src = cpu_rq(c);
		struct task *t;

		/* The other CPU may be in the switch that made it offer the task: wait a little. */
		if (src == rq || READ_ONCE(src->rt.nr) < 2 || !lock_other(src, 2000))
			continue;
		t = src->rt.nr > 1 ? movable_rt(src, rq->cpu) : NULL;
		if (t)
			take_over(rq, src, t);
		rq_unlock(src);
		if (t)
			return true;
	}
	return false;
}

void balance_tick(struct runq *rq)
{
	struct runq *src;
	u64 mine = rq->load, gap;

	if (cpu_online_count == 1 || ++rq->ticks % 4)
		return;
	if (rq->nr_running > 1) {
		/* Somebody idles while tasks wait here: it will pull. */
		for_each_online_cpu(c) {
			if (c != rq->cpu && cpu_is_idle(cpu_rq(c))) {
				set_task_work(cpu_rq(c)->idle, WORK_RESCHED);
				arch_send_resched_ipi(c);
				break;
			}
		}
	}
	src = busiest(rq);
	if (!src || READ_ONCE(src->load) <= mine)
		return;
	/* Usually only what leaves us no busier than the source is then. Now and then a task that
	 * merely swaps the roles: three tasks on two CPUs shall each get two thirds. */
	gap = READ_ONCE(src->load) - mine;
	if (pull_from(rq, src, rq->ticks % 32 ? gap / 2 : gap))
		resched_rq(rq);
}
