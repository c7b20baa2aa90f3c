/* SPDX-License-Identifier: MIT */
/* The run queue of one CPU: what is common to all classes.
 *
 * Invariants, under rq->lock: nr_running counts the tasks with se.on_rq whose cpu is this one, the
 * running one included and the idle task not. A task's cpu field changes under its pi_lock while it
 * is on no queue, or under the locks of both queues. */
#include <arch/ops.h>
#include <kernel/rcu.h>

#include "sched_internal.h"

DEFINE_PER_CPU(struct runq, runqs);

const u32 nice_weight[40] = {
	/* -20 */ 88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	/* -10 */ 9548,	 7620,	6100,  4904,  3906,  3121,  2501,  1991,  1586,	 1277,
	/*   0 */ 1024,	 820,	655,   526,   423,   335,   272,   215,	  172,	 137,
	/*  10 */ 110,	 87,	70,    56,    45,    36,    29,	   23,	  18,	 15,
};

/* Locks the queue t belongs to, whether it is on it or not. t->pi_lock held. */
struct runq *task_rq_lock_held(struct task *t)
{
	struct runq *rq;

	for (;;) {
		rq = cpu_rq(READ_ONCE(t->cpu));
		rq_lock(rq);
		if (likely(rq->cpu == t->cpu))
			return rq;
		rq_unlock(rq); /* balancing moved it in between */
	}
}

NO_LOCK_ANALYSIS struct runq *task_rq_lock(struct task *t, irqflags_t *f)
{
	*f = spin_lock_irqsave(&t->pi_lock);
	return task_rq_lock_held(t);
}

NO_LOCK_ANALYSIS void task_rq_unlock(struct runq *rq, struct task *t, irqflags_t f)
{
	rq_unlock(rq);
	spin_unlock_irqrestore(&t->pi_lock, f);
}

/* Makes the CPU of rq call schedule soon. rq locked. */
void resched_rq(struct runq *rq)
{
	struct task *curr = rq->curr;
	bool here = rq->cpu == cpu_id();

	/* Here in any case: rt_offer may have marked the task for a switch that came too late. */
	if (here)
		set_need_resched_this_cpu();
	if (READ_ONCE(curr->work) & WORK_RESCHED)
		return;
	set_task_work(curr, WORK_RESCHED);
	if (!here)
		arch_send_resched_ipi(rq->cpu);
}

void rq_activate(struct runq *rq, struct task *t, unsigned int flags)
{
	t->class->enqueue(rq, t, flags);
	t->se.on_rq = true;
	WRITE_ONCE(rq->nr_running, rq->nr_running + 1);
}

void rq_deactivate(struct runq *rq, struct task *t, unsigned int flags)
{
	WRITE_ONCE(rq->nr_running, rq->nr_running - 1);
	t->class->dequeue(rq, t, flags);
	t->se.on_rq = false;
}

/* After t was activated: should it run now? */
void check_preempt(struct runq *rq, struct task *t, bool sync)
{
	const struct sched_class *running = rq->curr->class;

	if (t->class == running)
		running->check_preempt(rq, t, sync);
	else if (t->class->rank < running->rank)
		resched_rq(rq);
}

/* The task to run next. The running one is a candidate while it is on the queue. */
struct task *rq_pick(struct runq *rq)
{
	struct task *t;

	if (unlikely(rq->rt.nr)) {
		t = rt_pick(rq);
		if (t)
			return t;
	}
	return rq->fair.nr ? fair_pick(rq) : NULL;
}

void task_set_class(struct task *t)
{
	t->eff_prio = max(t->rt_prio, t->boost);
	t->se.weight = t->policy == SCHED_IDLE ? WEIGHT_IDLE_POLICY : nice_weight[t->nice + 20];
	t->class = t->eff_prio ? &class_rt : &class_fair;
}

void runq_init(struct runq *rq, unsigned int cpu, struct task *idle)
{
	*rq = (struct runq){ .cpu = cpu, .idle = idle, .curr = idle };
	spin_lock_init(&rq->lock, LOCK_RUNQUEUE);
	for (int i = 0; i < RT_PRIOS; i++)
		list_init(&rq->rt.queue[i]);
	hrtimer_init(&rq->tick, sched_tick_timer);
	rq->start = rq->clock = ktime_get();
}

/* Charges rq's running task with the time up to the clock; *delta is what was added. */
void charge(struct runq *rq, struct task *t, u64 *delta)
{
	s64 d = (s64)(rq->clock - t->se.exec_start);

	*delta = 0;
	if (d <= 0)
		return;
	t->se.exec_start = rq->clock;
	t->se.sum_exec += (u64)d;
	*delta = (u64)d;
}

u64 nr_running_total(void)
{
	u64 n = 0;

	for_each_online_cpu(c)
		n += READ_ONCE(cpu_rq(c)->nr_running);
	return n;
}

u64 nr_context_switches(void)
{
	u64 n = 0;

	for_each_online_cpu(c)
		n += READ_ONCE(cpu_rq(c)->nr_switches);
	return n;
}

struct task *idle_task(unsigned int cpu)
{
	return cpu_rq(cpu)->idle;
}

struct task *cpu_curr(unsigned int cpu)
{
	return READ_ONCE(cpu_rq(cpu)->curr);
}

/* A CPU that is asked runs schedule soon: idle CPUs to look for work, others to report to RCU. */
void resched_cpu(unsigned int cpu)
{
	struct runq *rq = cpu_rq(cpu);
	irqflags_t f = irq_save();

	preempt_disable();
	rq_lock(rq);
	resched_rq(rq);
	rq_unlock(rq);
	irq_restore(f);
	preempt_enable();
}
