/* SPDX-License-Identifier: MIT */
/* Real-time tasks: one list per priority; the first task of the first list that is not empty runs
 * until it sleeps, yields, or one of higher priority comes. SCHED_RR tasks also give way to their
 * equals when their slice is used up.
 *
 * A task stays on its list while it runs. Index 0 is priority 99.
 *
 * Throttling: real-time tasks of one CPU may use 950 ms of each second while fair tasks wait there,
 * so that a runaway one does not take the machine with it. */
#include "sched_internal.h"

/* CPUs with a real-time task that waits. */
u32 rt_overloaded;

static unsigned int rt_index(const struct task *t)
{
	return (unsigned int)(99 - t->eff_prio);
}

static int rt_first(const struct rt_rq *r)
{
	if (r->bitmap[0])
		return __builtin_ctzll(r->bitmap[0]);
	return r->bitmap[1] ? 64 + __builtin_ctzll(r->bitmap[1]) : -1;
}

static void rt_link(struct runq *rq, struct task *t, bool head)
{
	unsigned int i = rt_index(t);

	if (head)
		list_add(&t->se.rt_node, &rq->rt.queue[i]);
	else
		list_add_tail(&t->se.rt_node, &rq->rt.queue[i]);
	rq->rt.bitmap[i / 64] |= BIT(i % 64);
}

static void rt_unlink(struct runq *rq, struct task *t)
{
	unsigned int i = rt_index(t);

	list_del(&t->se.rt_node);
	if (list_empty(&rq->rt.queue[i]))
		rq->rt.bitmap[i / 64] &= ~BIT(i % 64);
}

static void rt_enqueue(struct runq *rq, struct task *t, unsigned int flags)
{
	if (!t->rt_slice_left)
		t->rt_slice_left = RR_SLICE_NS;
	rt_link(rq, t, false);
	if (++rq->rt.nr == 2)
		__atomic_fetch_add(&rt_overloaded, 1, __ATOMIC_RELAXED);
	if (unlikely(rq->rt.nr > 1))
		rt_offer(rq);
}

static void rt_throttle(struct runq *rq, u64 delta)
{
	struct rt_rq *r = &rq->rt;

	if (rq->clock - r->period_start >= RT_PERIOD_NS) {
		r->period_start = rq->clock;
		r->used = 0;
		r->throttled = false;
	}
	r->used += delta;
	if (r->used > RT_RUNTIME_NS && !r->throttled && rq->fair.nr) {
		r->throttled = true;
		resched_rq(rq);
	}
}

/* From the tick: the second is over in which fair tasks run instead of throttled ones. */
void rt_check_period(struct runq *rq)
{
	if (unlikely(rq->rt.throttled) && rq->clock - rq->rt.period_start >= RT_PERIOD_NS)
		resched_rq(rq);
}

static void rt_update_curr(struct runq *rq)
{
	struct task *t = rq->curr;
	u64 delta;

	charge(rq, t, &delta);
	rt_throttle(rq, delta);
	if (t->policy == SCHED_RR)
		t->rt_slice_left -= (u32)min(delta, (u64)t->rt_slice_left);
}

static void rt_dequeue(struct runq *rq, struct task *t, unsigned int flags)
{
	if (t == rq->curr)
		rt_update_curr(rq);
	rt_unlink(rq, t);
	if (--rq->rt.nr == 1)
		__atomic_fetch_sub(&rt_overloaded, 1, __ATOMIC_RELAXED);
}

static void rt_set_next(struct runq *rq, struct task *t)
{
	t->se.exec_start = rq->clock;
}

static void rt_put_prev(struct runq *rq, struct task *t)
{
	rt_update_curr(rq);
	/* Preempted: it may go on elsewhere. */
	if (rq->rt.nr > 1)
		rt_offer(rq);
}

struct task *rt_pick(struct runq *rq)
{
	struct rt_rq *r = &rq->rt;
	int i;

	if (unlikely(r->throttled)) {
		if (rq->clock - r->period_start < RT_PERIOD_NS && rq->fair.nr)
			return NULL;
		r->throttled = false;
		r->used = 0;
		r->period_start = rq->clock;
	}
	i = rt_first(r);
	return list_first_entry(&r->queue[i], struct task, se.rt_node);
}

static void rt_check_preempt(struct runq *rq, struct task *t, bool sync)
{
	if (t->eff_prio > rq->curr->eff_prio)
		resched_rq(rq);
}

static void rt_requeue(struct runq *rq, struct task *t)
{
	list_move_tail(&t->se.rt_node, &rq->rt.queue[rt_index(t)]);
}

static void rt_tick(struct runq *rq, struct task *t)
{
	rt_update_curr(rq);
	if (rq->rt.nr > 1)
		rt_offer(rq);
	if (t->policy != SCHED_RR || t->rt_slice_left)
		return;
	t->rt_slice_left = RR_SLICE_NS;
	if (!list_is_singular(&rq->rt.queue[rt_index(t)])) {
		rt_requeue(rq, t);
		resched_rq(rq);
	}
}

static void rt_yield(struct runq *rq, struct task *t)
{
	rt_update_curr(rq);
	rt_requeue(rq, t);
}

const struct sched_class class_rt = {
	.rank = 0,
	.enqueue = rt_enqueue,
	.dequeue = rt_dequeue,
	.set_next = rt_set_next,
	.put_prev = rt_put_prev,
	.update_curr = rt_update_curr,
	.check_preempt = rt_check_preempt,
	.tick = rt_tick,
	.yield = rt_yield,
};
