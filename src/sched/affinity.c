/* SPDX-License-Identifier: MIT */
/* Changing what a task may do: policy, priority, CPUs.
 *
 * A waiting task is moved at once. A running one on a CPU it may no longer use cannot be moved
 * while it runs: its queue is told (must_move), the next switch takes it off the queue, and the
 * code behind that switch, on another stack, queues it elsewhere (move_task). In between it is on
 * no queue but `moving`: wakers take it for queued, and other changes only edit its fields. Its
 * state need not be
 * running: it may have been preempted between setting a state and calling schedule(). */
#include <arch/ops.h>
#include <kernel/errno.h>

#include "sched_internal.h"

/* Any CPU t may run on, near where it was. */
static unsigned int fallback_cpu(const struct task *t)
{
	for_each_online_cpu(c)
		if (task_allowed(t, c))
			return c;
	return 0; /* all its CPUs are away */
}

void move_task(struct task *t)
{
	irqflags_t f = spin_lock_irqsave(&t->pi_lock);
	unsigned int cpu = select_cpu(t, false);
	struct runq *rq;

	if (!task_allowed(t, cpu))
		cpu = fallback_cpu(t);
	rq = cpu_rq(cpu);
	rq_lock(rq);
	update_clock(rq);
	t->cpu = cpu;
	t->se.moving = false;
	rq_activate(rq, t, ENQ_MOVED);
	check_preempt(rq, t, false);
	rq_unlock(rq);
	spin_unlock_irqrestore(&t->pi_lock, f);
}

/* Runs change(t, arg) with t off the structures that depend on its parameters. */
static void task_change(struct task *t, void (*change)(struct task *t, const void *arg),
			const void *arg)
{
	irqflags_t f;
	struct runq *rq = task_rq_lock(t, &f);
	bool queued = t->se.on_rq, running = rq->curr == t;

	update_clock(rq);
	if (queued)
		rq_deactivate(rq, t, 0);
	if (running)
		t->class->put_prev(rq, t);
	change(t, arg);
	if (queued)
		rq_activate(rq, t, ENQ_MOVED);
	if (running)
		t->class->set_next(rq, t);
	if (running)
		resched_rq(rq);
	else if (queued)
		check_preempt(rq, t, false);
	task_rq_unlock(rq, t, f);
}

static void change_nice(struct task *t, const void *arg)
{
	t->nice = *(const int *)arg;
	task_set_class(t);
}

/* nice -20..19. Any context. */
int sched_set_nice(struct task *t, int nice)
{
	task_change(t, change_nice, &nice);
	return 0;
}

struct policy {
	int policy, rt_prio;
};

static void change_policy(struct task *t, const void *arg)
{
	const struct policy *p = arg;

	t->policy = p->policy;
	t->rt_prio = p->rt_prio;
	t->rt_slice_left = RR_SLICE_NS;
	t->se.lag = 0;
	task_set_class(t);
}

int sched_set_policy(struct task *t, int policy, int rt_prio)
{
	bool rt = policy == SCHED_FIFO || policy == SCHED_RR;
	struct policy p = { policy, rt_prio };

	if (!rt && policy != SCHED_NORMAL && policy != SCHED_BATCH && policy != SCHED_IDLE)
		return -EINVAL;
	if (rt ? rt_prio < 1 || rt_prio > 99 : rt_prio != 0)
		return -EINVAL;
	task_change(t, change_policy, &p);
	return 0;
}

static void change_boost(struct task *t, const void *arg)
{
	t->boost = *(const int *)arg;
	task_set_class(t);
}

void sched_set_boost(struct task *t, int rt_prio)
{
	if (t->boost != rt_prio)
		task_change(t, change_boost, &rt_prio);
}

/* CPUs that are not online are ignored; none left: -EINVAL. When it returns, t runs on none of the
 * others, except that a task that runs on another CPU right now leaves it within an interrupt. */
int sched_set_affinity(struct task *t, const struct cpumask *mask)
{
	struct task *queued = NULL;
	struct runq *rq;
	irqflags_t f;
	bool any = false;

	for_each_online_cpu(c)
		any |= test_bit(c, mask->bits);
	if (!any)
		return -EINVAL;
	rq = task_rq_lock(t, &f);
	t->affinity = *mask;
	if (rq->curr == t && t->se.on_rq) {
		rq->must_move = !task_allowed(t, rq->cpu);
		if (rq->must_move)
			resched_rq(rq);
	} else if (t->se.on_rq && !task_allowed(t, rq->cpu)) {
		update_clock(rq);
		rq_deactivate(rq, t, 0);
		t->se.moving = true;
		queued = t;
	}
	task_rq_unlock(rq, t, f);
	if (queued)
		move_task(queued);
	return 0;
}
