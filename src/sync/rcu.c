/* SPDX-License-Identifier: MIT */
/* Read-copy-update.
 *
 * Readers are regions with preemption off, so a CPU is quiescent whenever it could switch tasks.
 * One kernel thread runs grace periods. To start one it marks every other CPU as owing a report
 * (rcu_need_qs) and sends it a reschedule interrupt; the thread itself runs preemptibly, so its own
 * CPU has no old reader. A CPU reports at the interrupt, if it hit user mode, the idle loop or
 * preemptible kernel code; otherwise the interrupt asks for a reschedule, and the next context
 * switch reports. So neither idle nor busy CPUs need a tick, and with one CPU a grace period is
 * nothing at all.
 *
 * Callbacks wait on the list of the CPU that queued them. The first one arms a timer, which wakes
 * the thread some milliseconds later: one grace period serves all that came meanwhile.
 *
 * Batches are numbered. rcu_started counts up before the lists are collected; a callback queued, or
 * a reader finished being of interest, before somebody read rcu_started as n is covered by batch n
 * + 1 at the latest.
 *
 * Locks: rcu_cpu.lock (LOCK_RCU, interrupts off) guards one CPU's list; nothing nests inside. */
#include <arch/ops.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/time.h>
#include <kernel/wait.h>

#include "sync_internal.h"

#define BATCH_NS (5 * NSEC_PER_MSEC)
#define FLOOD 4096 /* callbacks of one CPU that are not made to wait for the timer */
#define RESEND_NS NSEC_PER_SEC
#define STALL_REPORT 20 /* seconds */

struct rcu_cpu {
	struct spinlock lock;
	struct rcu_head *head, **tail; /* lock: oldest first */
	unsigned int count;	       /* lock */
	struct hrtimer timer;
};
static DEFINE_PER_CPU(struct rcu_cpu, rcu_cpu);
/* This CPU owes the grace period a report. Set by the thread, cleared by the CPU itself. */
static DEFINE_PER_CPU(bool, rcu_need_qs);

static struct task *rcu_thread;
static atomic_t rcu_waiting; /* CPUs that owe a report */
static DEFINE_WAIT_QUEUE(rcu_work_wq); /* the thread waits for work */
static DEFINE_WAIT_QUEUE(rcu_qs_wq);   /* the thread waits for reports */
static DEFINE_WAIT_QUEUE(rcu_done_wq); /* others wait for batches */
static bool rcu_timer_fired;
static u64 rcu_target;	/* A: a batch with this number is wanted */
static u64 rcu_started;	/* written by the thread: batches begun */
static u64 rcu_passed;	/* ... whose grace period is over */
static u64 rcu_invoked;	/* ... whose callbacks have run */

static u64 rcu_timer(struct hrtimer *t)
{
	WRITE_ONCE(rcu_timer_fired, true);
	wake_up(&rcu_work_wq);
	return 0;
}

/* Boot CPU: before the first call_rcu of a CPU. */
void rcu_init_cpu(unsigned int cpu)
{
	struct rcu_cpu *rc = &per_cpu(rcu_cpu, cpu);

	/* The boot CPU may have queued callbacks before the scheduler started. */
	if (cpu != 0 || !rc->tail) {
		spin_lock_init(&rc->lock, LOCK_RCU);
		rc->head = NULL;
		rc->tail = &rc->head;
		rc->count = 0;
	}
	hrtimer_init(&rc->timer, rcu_timer);
	per_cpu(rcu_need_qs, cpu) = false;
}

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	irqflags_t f = irq_save();
	struct rcu_cpu *rc = this_cpu_ptr(&rcu_cpu);
	bool first, flood;

	head->next = NULL;
	head->fn = fn;
	if (unlikely(!rc->tail))
		rcu_init_cpu(cpu_id());
	spin_lock(&rc->lock);
	first = !rc->head;
	*rc->tail = head;
	rc->tail = &head->next;
	flood = ++rc->count % FLOOD == 0;
	spin_unlock(&rc->lock);
	/* Still on this CPU: interrupts are off. */
	if (unlikely(first || flood) && READ_ONCE(rcu_thread))
		hrtimer_start(&rc->timer, ktime_get() + (flood ? 0 : BATCH_NS));
	irq_restore(f);
}

static noinline void rcu_report(void)
{
	irqflags_t f = irq_save();

	if (this_cpu(rcu_need_qs)) {
		this_cpu(rcu_need_qs) = false;
		if (atomic_dec_and_test(&rcu_waiting))
			wake_up(&rcu_qs_wq);
	}
	irq_restore(f);
}

void rcu_ask_quiescent(void)
{
	if (!this_cpu(rcu_need_qs))
		return;
	set_task_work(current, WORK_RESCHED);
	set_need_resched_this_cpu();
}

void rcu_note_quiescent(void)
{
	if (unlikely(this_cpu(rcu_need_qs)))
		rcu_report();
}

/* Marks every other CPU and makes it look; true when any owes a report. */
static bool rcu_start_gp(void)
{
	bool any;

	preempt_disable();
	atomic_set(&rcu_waiting, 1);
	smp_mb();
	for_each_online_cpu(c) {
		if (c == cpu_id())
			continue;
		atomic_inc(&rcu_waiting);
		(void)xchg(&per_cpu(rcu_need_qs, c), true);
		arch_send_resched_ipi(c);
	}
	any = !atomic_dec_and_test(&rcu_waiting);
	preempt_enable();
	return any;
}

static void rcu_resend(unsigned int seconds)
{
	for_each_online_cpu(c) {
		if (!READ_ONCE(per_cpu(rcu_need_qs, c)))
			continue;
		if (seconds == STALL_REPORT)
			log_warn("rcu", "CPU %u holds up a grace period for %u s", c, seconds);
		arch_send_resched_ipi(c);
	}
}

static void rcu_grace_period(void)
{
	if (cpu_online_count == 1 || !rcu_start_gp())
		return;
	for (unsigned int s = 1;; s++) {
		if (!wait_event_timeout(&rcu_qs_wq, atomic_read(&rcu_waiting) == 0,
					ktime_get() + RESEND_NS))
			break;
		rcu_resend(s);
	}
}

/* Takes all callbacks of all CPUs off their lists, as one list. */
static struct rcu_head *rcu_collect(void)
{
	struct rcu_head *all = NULL, **tail = &all;

	for_each_online_cpu(c) {
		struct rcu_cpu *rc = &per_cpu(rcu_cpu, c);
		irqflags_t f;

		if (!READ_ONCE(rc->head))
			continue;
		f = spin_lock_irqsave(&rc->lock);
		*tail = rc->head;
		tail = rc->tail;
		rc->head = NULL;
		rc->tail = &rc->head;
		rc->count = 0;
		spin_unlock_irqrestore(&rc->lock, f);
	}
	return all;
}

static bool rcu_wanted(void)
{
	return READ_ONCE(rcu_timer_fired) || READ_ONCE(rcu_target) > rcu_started;
}

static int rcu_main(void *arg)
{
	struct rcu_head *h, *next;

	for (;;) {
		(void)wait_event_interruptible(&rcu_work_wq, rcu_wanted());
		(void)xchg(&rcu_timer_fired, false);
		__atomic_fetch_add(&rcu_started, 1, __ATOMIC_SEQ_CST);
		h = rcu_collect();
		rcu_grace_period();
		smp_store_release(&rcu_passed, rcu_started);
		wake_up_all(&rcu_done_wq);
		for (; h; h = next) {
			next = h->next;
			h->fn(h);
			cond_resched();
		}
		smp_store_release(&rcu_invoked, rcu_started);
		wake_up_all(&rcu_done_wq);
	}
	return 0;
}

/* Asks for a batch that begins after now; its number. */
static u64 rcu_request(void)
{
	u64 want, t;

	smp_mb();
	want = READ_ONCE(rcu_started) + 1;
	t = READ_ONCE(rcu_target);
	while (t < want && !try_cmpxchg(&rcu_target, &t, want))
		;
	wake_up(&rcu_work_wq);
	return want;
}

void synchronize_rcu(void)
{
	u64 want;

	might_sleep();
	/* We run preemptibly, and there is no other CPU to read on. */
	if (cpu_online_count == 1)
		return;
	want = rcu_request();
	wait_event(&rcu_done_wq, smp_load_acquire(&rcu_passed) >= want);
}

void rcu_barrier(void)
{
	u64 want;

	might_sleep();
	if (!READ_ONCE(rcu_thread))
		return;
	want = rcu_request();
	wait_event(&rcu_done_wq, smp_load_acquire(&rcu_invoked) >= want);
}

static int rcu_start(void)
{
	int rc = kthread_run(rcu_main, NULL, &rcu_thread, "rcu");

	/* What was queued before did not arm the timer. */
	if (!rc)
		(void)rcu_request();
	return rc;
}
INIT_HOOK(INIT_SUBSYS, rcu_start);

/* --- kfree_rcu: one function for each possible offset of the head in its object --- */

#define FREE_AT(n)                                                                                 \
	static void free_at_##n(struct rcu_head *h)                                                \
	{                                                                                          \
		kfree((char *)h - 8 * (n));                                                        \
	}
#define EIGHT(op, n) op(n##0) op(n##1) op(n##2) op(n##3) op(n##4) op(n##5) op(n##6) op(n##7)
/* Octal constants: 00 .. 077. */
#define ALL64(op)                                                                                  \
	EIGHT(op, 00) EIGHT(op, 01) EIGHT(op, 02) EIGHT(op, 03)                                    \
	EIGHT(op, 04) EIGHT(op, 05) EIGHT(op, 06) EIGHT(op, 07)
ALL64(FREE_AT)

#define FREE_NAME(n) free_at_##n,
void (*const kfree_rcu_fns[64])(struct rcu_head *head) = { ALL64(FREE_NAME) };
