/* SPDX-License-Identifier: MIT */
/* Between the files of the scheduler.
 *
 * struct runq: the runnable tasks of one CPU, the running one included. Everything in it is under
 * rq->lock, taken with interrupts off, unless marked. Preemption is off wherever a run queue is
 * locked, so the lock is taken without counting (rq_lock).
 *
 * Order: task->pi_lock (LOCK_TASK_WAKE), then rq->lock (LOCK_RUNQUEUE), then a second rq->lock by
 * trylock only. A task on a queue (se.on_rq) changes queue or parameters under the queue's lock;
 * one on none under its pi_lock. task_rq_lock takes both and so excludes either. */
#ifndef SCHED_INTERNAL_H
#define SCHED_INTERNAL_H

#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/time.h>

#define RT_PRIOS 100
#define TICK_NS (4 * NSEC_PER_MSEC)
#define FAIR_SLICE_NS (3 * NSEC_PER_MSEC)
#define RR_SLICE_NS (100 * NSEC_PER_MSEC)
#define RT_PERIOD_NS NSEC_PER_SEC
#define RT_RUNTIME_NS (950 * NSEC_PER_MSEC)
#define WEIGHT_NICE0 1024
#define WEIGHT_IDLE_POLICY 3

struct fair_rq {
	struct rb_root tree;	  /* waiting tasks by deadline; augmented: min_vruntime */
	struct rb_node *leftmost; /* earliest deadline */
	struct task *curr;	  /* running fair task: not in the tree */
	unsigned int nr;	  /* tree and curr */
	u64 zero;		  /* virtual time from which avg_sum counts */
	s64 avg_sum;		  /* of the tree: sum of weight * (vruntime - zero) */
	u64 avg_load;		  /* of the tree: sum of weights */
};

struct rt_rq {
	u64 bitmap[2];			   /* bit i: queue[i] is not empty; low index runs first */
	struct list_head queue[RT_PRIOS];  /* the running task stays on its list */
	unsigned int nr;
	u64 period_start, used;		   /* ns: throttling */
	bool throttled;
};

struct runq {
	struct spinlock lock;
	unsigned int cpu;	   /* C */
	unsigned int nr_running;   /* others may look without the lock */
	bool must_move;		   /* the running task may not stay on this CPU */
	struct task *curr;	   /* others may look under RCU */
	struct task *idle;	   /* C */
	u64 clock;		   /* ns, at the last update_clock */
	struct fair_rq fair;
	u64 load;		   /* weights of all fair tasks here; others may look */
	struct rt_rq rt;

	/* What a switch leaves for the code behind it. */
	struct mm *drop_mm;
	struct task *moving;	   /* switched away from, to be queued on another CPU */

	u64 nr_switches;
	s64 nr_unint;		   /* sum over CPUs: tasks in uninterruptible sleep */
	struct hrtimer tick;
	bool tick_on;		   /* armed */
	unsigned int ticks;
	u64 start;		   /* C: ns, when the CPU came up */
	u64 ticks_user, ticks_nice, ticks_system; /* samples of non-idle time */
};
DECLARE_PER_CPU(struct runq, runqs);

#define this_rq() this_cpu_ptr(&runqs)
#define cpu_rq(c) (&per_cpu(runqs, c))

#define ENQ_WAKEUP 1u
#define ENQ_NEW 2u
#define ENQ_MOVED 4u /* from another CPU's queue, or back after a change of parameters */
#define DEQ_SLEEP 1u

/* One scheduling policy. Called with the task's run queue locked and its clock up to date. */
struct sched_class {
	unsigned int rank; /* smaller runs first */
	void (*enqueue)(struct runq *rq, struct task *t, unsigned int flags);
	void (*dequeue)(struct runq *rq, struct task *t, unsigned int flags);
	/* t starts to run / stops running but stays queued. */
	void (*set_next)(struct runq *rq, struct task *t);
	void (*put_prev)(struct runq *rq, struct task *t);
	/* Charges the time since the last call to the running task. */
	void (*update_curr)(struct runq *rq);
	/* t, of the same class as the running task, became runnable. sync: the waker sleeps
	 * soon. */
	void (*check_preempt)(struct runq *rq, struct task *t, bool sync);
	void (*tick)(struct runq *rq, struct task *t);
	void (*yield)(struct runq *rq, struct task *t);
};
extern const struct sched_class class_rt, class_fair, class_idle;

static __always_inline void rq_lock(struct runq *rq)
{
	spin_acquire(&rq->lock, false);
}
static __always_inline void rq_unlock(struct runq *rq)
{
	spin_release(&rq->lock);
}
/* runqueue.c */
struct runq *task_rq_lock(struct task *t, irqflags_t *f) ACQUIRES(&t->pi_lock);
struct runq *task_rq_lock_held(struct task *t);
void task_rq_unlock(struct runq *rq, struct task *t, irqflags_t f) RELEASES(&t->pi_lock);
static inline void update_clock(struct runq *rq)
{
	rq->clock = ktime_get();
}
void resched_rq(struct runq *rq);
void rq_activate(struct runq *rq, struct task *t, unsigned int flags);
void rq_deactivate(struct runq *rq, struct task *t, unsigned int flags);
void check_preempt(struct runq *rq, struct task *t, bool sync);
struct task *rq_pick(struct runq *rq);
/* The class and weight that follow from policy, nice and rt_prio; run queue locked or task new. */
void task_set_class(struct task *t);
void runq_init(struct runq *rq, unsigned int cpu, struct task *idle);

/* class_fair.c, class_rt.c: the best waiting or running task, NULL when there is none to run. */
struct task *fair_pick(struct runq *rq);
struct task *rt_pick(struct runq *rq);
void rt_check_period(struct runq *rq);
u64 fair_avg(const struct fair_rq *f);
u64 fair_delta(u64 ns, u32 weight);
void charge(struct runq *rq, struct task *t, u64 *delta);
extern const u32 nice_weight[40];

/* balance.c */
unsigned int select_cpu(struct task *t, bool sync);
/* Pulls a task to rq, whose CPU has nothing to run; rq locked. True when it did. */
bool pull_idle(struct runq *rq);
/* At a tick: pulls from much busier CPUs, wakes idle ones when there is something to share. */
void balance_tick(struct runq *rq);
/* rq has a real-time task that waits: asks a CPU that runs something less important to take it. */
void rt_offer(struct runq *rq);
/* Pulls a real-time task to rq, which would run none now; rq locked. True when it did. */
bool rt_pull(struct runq *rq);
extern u32 rt_overloaded;
bool task_allowed(const struct task *t, unsigned int cpu);

/* affinity.c: queues a task that was switched away from on a CPU where it may run. */
void move_task(struct task *t);

/* account.c */
void account_tick(struct runq *rq, bool user);
void loadavg_tick(u64 now);

/* class_idle.c, core.c */
u64 sched_tick_timer(struct hrtimer *t);
/* src/time: expires CPU timers of current; from the tick. */
void cpu_timers_tick(void);
/* src/time/hrtimer.c, src/sync/rcu.c: per-CPU state of a CPU that is about to start. */
void hrtimer_init_cpu(unsigned int cpu);
void rcu_init_cpu(unsigned int cpu);
/* Makes this CPU switch tasks soon if the grace period waits for it; hard interrupt context. */
void rcu_ask_quiescent(void);
void schedule_idle(void);

#endif
