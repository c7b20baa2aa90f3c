/* SPDX-License-Identifier: MIT */
/* The class of the idle tasks: one per CPU, on no list, runs when nobody else can. */
#include "sched_internal.h"

static void idle_update(struct runq *rq)
{
	u64 delta;

	charge(rq, rq->idle, &delta);
}

static void idle_set_next(struct runq *rq, struct task *t)
{
	t->se.exec_start = rq->clock;
}

static void idle_put_prev(struct runq *rq, struct task *t)
{
	idle_update(rq);
}

static void idle_none(struct runq *rq, struct task *t, unsigned int flags)
{
	panic("sched: the idle task left the CPU");
}

static void idle_check_preempt(struct runq *rq, struct task *t, bool sync)
{
}

static void idle_tick(struct runq *rq, struct task *t)
{
	idle_update(rq);
}

const struct sched_class class_idle = {
	.rank = 2,
	.enqueue = idle_none,
	.dequeue = idle_none,
	.set_next = idle_set_next,
	.put_prev = idle_put_prev,
	.update_curr = idle_update,
	.check_preempt = idle_check_preempt,
	.tick = idle_tick,
	.yield = idle_tick,
};
