/* SPDX-License-Identifier: MIT */
/* Switching tasks and waking them.
 *
 * schedule() takes the queue lock of its CPU, takes the running task off the queue if it wants to
 * sleep, picks, and switches with the lock held; whoever runs next releases it in finish_switch. A
 * switch always happens at preempt_count 1, interrupts off, so the count needs no saving.
 *
 * Sleeping and waking. The sleeper stores its state with a full barrier and then looks at its
 * condition; the waker makes the condition true and then looks at the state, under t->pi_lock,
 * which serialises wakers. Three cases: the task has not reached the queue lock yet (still on the
 * queue: its state goes back to running and schedule() keeps it); it is off the queue but its CPU
 * has not left its stack yet (on_cpu: the waker waits these few instructions); or it sleeps.
 *
 * Lifetime: a task that dies is switched away from in state TASK_DEAD; finish_switch, on the stack
 * of the next one, drops the task's reference to itself. Tasks are freed by RCU, so whoever has
 * found one with preemption off may wake it without a reference. */
#include <arch/mmu.h>
#include <arch/ops.h>
#include <fs/block.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/signal.h>

#include "sched_internal.h"

bool sched_started;

/* --- switching --- */

static void switch_mm(struct runq *rq, struct task *prev, struct task *next)
{
	struct mm *loaded = prev->mm ? prev->mm : prev->active_mm;

	if (!next->mm) {
		/* A kernel thread borrows what is loaded. */
		arch_mm_switch(loaded, NULL, next);
		next->active_mm = loaded;
		if (!prev->mm)
			prev->active_mm = NULL; /* the reference moves on */
		else
			mm_grab(loaded);
		return;
	}
	if (next->mm != prev->mm)
		arch_mm_switch(loaded, next->mm, next);
	if (!prev->mm) {
		prev->active_mm = NULL;
		rq->drop_mm = loaded;
	}
}

/* First thing behind a switch, in the context of the new task: rq is this CPU's, locked. */
static void finish_switch(struct task *prev)
{
	struct runq *rq = this_rq();
	struct mm *drop = rq->drop_mm;
	struct task *moving = rq->moving;
	bool dead = READ_ONCE(prev->state) == TASK_DEAD;

	rq->drop_mm = NULL;
	rq->moving = NULL;
	/* From here on another CPU may run prev. */
	smp_store_release(&prev->on_cpu, 0);
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_acquire(&rq->lock.dbg, true, false, __builtin_return_address(0));
	rq_unlock(rq);
	irq_enable();
	if (unlikely(moving))
		move_task(moving);
	if (unlikely(drop))
		mm_drop(drop);
	if (unlikely(dead))
		task_put(prev);
}

static void context_switch(struct runq *rq, struct task *prev, struct task *next)
{
	rq->nr_switches++;
	WRITE_ONCE(rq->curr, next);
	next->on_cpu = 1;
	switch_mm(rq, prev, next);
	if (unlikely(!rq->tick_on) && next != rq->idle) {
		rq->tick_on = true;
		hrtimer_start(&rq->tick, rq->clock + TICK_NS);
	}
	/* The lock changes hands with the CPU. */
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_release(&rq->lock.dbg);
	prev = arch_switch(prev, next);
	finish_switch(prev);
}

/* The running task wants to sleep. True: it was taken off the queue. */
static bool try_sleep(struct runq *rq, struct task *t, u32 state)
{
	if ((READ_ONCE(t->work) & WORK_SIGNAL) && signal_pending_state(state)) {
		WRITE_ONCE(t->state, TASK_RUNNING);
		return false;
	}
	if (state & TASK_UNINTERRUPTIBLE)
		rq->nr_unint++;
	rq_deactivate(rq, t, DEQ_SLEEP);
	return true;
}

/* Picks and switches. preempt_count is 1, interrupts are off on entry and on at the end, whether a
 * switch took place or not. preempted: the task did not ask, so it stays runnable whatever its
 * state. */
static void schedule_locked_out(bool preempted)
{
	struct runq *rq = this_rq();
	struct task *prev = rq->curr, *next;
	u64 *count = &prev->nivcsw;
	u32 state;

	rcu_note_quiescent();
	rq_lock(rq);
	update_clock(rq);
	state = READ_ONCE(prev->state);
	if (!preempted && state && try_sleep(rq, prev, state)) {
		count = &prev->nvcsw;
	} else if (unlikely(rq->must_move) && prev != rq->idle) {
		rq_deactivate(rq, prev, 0);
		prev->se.moving = true;
		rq->moving = prev;
	} else {
		prev->class->update_curr(rq);
	}
	rq->must_move = false;

	if (unlikely(READ_ONCE(rt_overloaded)) && !rq->rt.nr)
		rt_pull(rq);
	next = rq_pick(rq);
	if (unlikely(!next)) {
		if (cpu_online_count > 1 && pull_idle(rq))
			next = rq_pick(rq);
		if (!next)
			next = rq->idle;
	}
	clear_need_resched_this_cpu();
	if (READ_ONCE(prev->work) & WORK_RESCHED)
		clear_task_work(prev, WORK_RESCHED);
	if (next == prev) {
		rq_unlock(rq);
		irq_enable();
		return;
	}
	++*count;
	prev->class->put_prev(rq, prev);
	next->class->set_next(rq, next);
	context_switch(rq, prev, next);
}

void schedule(void)
{
	ASSERT(!sched_started || (!in_atomic() && !irqs_disabled()));
	/* Nobody may wait for requests that sit in the plug of a sleeper. */
	if (unlikely(current->plug) && READ_ONCE(current->state))
		blk_plug_sleep();
	do {
		preempt_disable();
		irq_disable();
		schedule_locked_out(false);
		preempt_enable_no_resched();
	} while (need_resched());
}

/* From preempt_enable when the count reached zero with a reschedule wanted. */
void preempt_schedule(void)
{
	if (irqs_disabled())
		return; /* whoever enables them does it in a way that looks again */
	do {
		preempt_disable();
		irq_disable();
		schedule_locked_out(true);
		preempt_enable_no_resched();
	} while (need_resched());
}

void preempt_schedule_irq(void)
{
	do {
		preempt_disable();
		schedule_locked_out(true);
		irq_disable();
		preempt_enable_no_resched();
	} while (need_resched());
}

void schedule_tail(struct task *prev)
{
	finish_switch(prev);
	preempt_enable();
}

void schedule_dead(void)
{
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_none_held("exit");
	preempt_disable();
	irq_disable();
	WRITE_ONCE(current->state, TASK_DEAD);
	schedule_locked_out(false);
	panic("sched: a dead task runs");
}

/* The idle loop, with preemption off. */
void schedule_idle(void)
{
	irq_disable();
	schedule_locked_out(true);
}

void sched_yield_current(void)
{
	struct runq *rq;

	/* Alone: nothing to give way to. Another CPU may add a task any moment, but then it comes
	 * after the yield. */
	if (READ_ONCE(cpu_rq(cpu_id())->nr_running) <= 1 && !need_resched())
		return;
	preempt_disable();
	irq_disable();
	rq = this_rq();
	rq_lock(rq);
	update_clock(rq);
	rq->curr->class->yield(rq, rq->curr);
	rq_unlock(rq);
	irq_enable();
	preempt_enable_no_resched();
	schedule();
}

/* --- waking --- */

/* Puts t, which is on no queue, on that of cpu. t->pi_lock held, interrupts off. */
static void activate_on(struct task *t, unsigned int cpu, unsigned int flags, bool sync)
{
	struct runq *rq = cpu_rq(cpu);
	u32 state = t->state;

	rq_lock(rq);
	update_clock(rq);
	t->cpu = cpu;
	if ((flags & ENQ_WAKEUP) && (state & TASK_UNINTERRUPTIBLE))
		rq->nr_unint--;
	rq_activate(rq, t, flags);
	WRITE_ONCE(t->state, TASK_RUNNING);
	check_preempt(rq, t, sync);
	rq_unlock(rq);
}

/* t may still be on its queue, on the way to sleep: then it needs no waking. t->pi_lock held; it
 * also keeps a task that moves between queues from arriving meanwhile. */
static bool wake_queued(struct task *t)
{
	struct runq *rq = task_rq_lock_held(t);
	bool on = t->se.on_rq || t->se.moving;

	if (on)
		WRITE_ONCE(t->state, TASK_RUNNING);
	rq_unlock(rq);
	return on;
}

bool wake_up_state(struct task *t, unsigned int states, bool sync)
{
	irqflags_t f;
	bool woken = false;

	if (t == current) {
		/* Between its change of state and schedule(); nobody else can be there. */
		if (!(READ_ONCE(t->state) & states))
			return false;
		WRITE_ONCE(t->state, TASK_RUNNING);
		return true;
	}
	f = spin_lock_irqsave(&t->pi_lock);
	if (!(READ_ONCE(t->state) & states))
		goto out;
	woken = true;
	if (unlikely(READ_ONCE(t->se.on_rq) || READ_ONCE(t->se.moving)) && wake_queued(t))
		goto out;
	while (unlikely(smp_load_acquire(&t->on_cpu)))
		arch_cpu_relax();
	activate_on(t, select_cpu(t, sync), ENQ_WAKEUP, sync);
out:
	spin_unlock_irqrestore(&t->pi_lock, f);
	return woken;
}

void wake_up_new_task(struct task *t)
{
	irqflags_t f = spin_lock_irqsave(&t->pi_lock);

	activate_on(t, select_cpu(t, false), ENQ_NEW, false);
	spin_unlock_irqrestore(&t->pi_lock, f);
}

void kick_task(struct task *t)
{
	unsigned int cpu;

	preempt_disable();
	cpu = READ_ONCE(t->cpu);
	if (READ_ONCE(t->on_cpu) && cpu != cpu_id())
		arch_send_resched_ipi(cpu);
	preempt_enable();
}

/* The interrupt behind resched_rq and kick_task of another CPU, and of RCU. */
void sched_ipi(void)
{
	u32 count = this_cpu(preempt_count);

	if (READ_ONCE(current->work) & WORK_RESCHED)
		set_need_resched_this_cpu();
	/* Quiescent if the interrupt hit user mode or preemptible code, or the idle loop, which
	 * keeps preemption off but reads nothing. */
	if ((count & HARDIRQ_MASK) <= HARDIRQ_OFFSET &&
	    (!(count & PREEMPT_MASK) || (current->flags & TF_IDLE)))
		rcu_note_quiescent();
	else
		rcu_ask_quiescent();
}

/* --- life of a task --- */

void sched_fork(struct task *t, bool reset)
{
	const struct task *me = current;

	spin_lock_init(&t->pi_lock, LOCK_TASK_WAKE);
	t->state = TASK_NEW;
	t->work &= ~WORK_RESCHED;
	t->on_cpu = 0;
	t->cpu = cpu_id();
	t->se = (struct sched_entity){ .slice = FAIR_SLICE_NS };
	t->policy = me->policy;
	t->nice = me->nice;
	t->rt_prio = me->rt_prio;
	if (reset || me->reset_on_fork) {
		if (t->rt_prio)
			t->nice = 0;
		t->policy = SCHED_NORMAL;
		t->nice = max(t->nice, 0);
		t->rt_prio = 0;
	}
	t->reset_on_fork = false;
	t->boost = 0;
	t->pi_blocked = NULL;
	t->rt_slice_left = RR_SLICE_NS;
	t->affinity = me->affinity;
	t->nvcsw = t->nivcsw = 0;
	t->utime = t->stime = t->utime_shown = t->stime_shown = 0;
	t->acct_stamp = 0;
	t->start_time = ktime_get();
	t->active_mm = NULL;
	lockdep_task_init(t);
	task_set_class(t);
}

void sched_exit(struct task *t)
{
	/* Nothing is kept outside the task; its time is collected by whoever reaps it. */
	ASSERT(t->state == TASK_RUNNING || t->state == TASK_DEAD || t->state == TASK_NEW);
}
