/* SPDX-License-Identifier: MIT */
/* Tasks (threads) as the scheduler and everybody else sees them.
 *
 * struct task      one thread. Freed by RCU after the last task_put.
 * struct process   a thread group: pid as users know it, parent and children, signals for the
 * group,
 *                  limits, timers (kernel/proc.h).
 * mm, files, fs, sighand, cred are reference counted on their own, so that clone flags map one to
 * one.
 *
 * Waking protocol: set_current_state(TASK_INTERRUPTIBLE); re-check the condition; schedule().
 * wake_up_task() makes it runnable again; a wake-up between the first two steps is not lost. */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <arch/thread.h>
#include <kernel/atomic.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/rbtree.h>
#include <kernel/rcu.h>
#include <kernel/time.h>

/* task->state */
#define TASK_RUNNING 0u
#define TASK_INTERRUPTIBLE 1u
#define TASK_UNINTERRUPTIBLE 2u
#define TASK_STOPPED 4u	      /* job control */
#define TASK_TRACED 8u
#define TASK_WAKEKILL 16u     /* a fatal signal wakes it */
#define TASK_DEAD 32u	      /* never runs again */
#define TASK_NEW 64u
#define TASK_KILLABLE (TASK_UNINTERRUPTIBLE | TASK_WAKEKILL)
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

/* task->work: reasons to leave the fast path on the way to user mode. Set with set_task_work by
 * anybody, cleared by the owner in exit_to_user. The syscall exit tests the whole word. */
#define WORK_RESCHED 1u	  /* reschedule wanted */
#define WORK_SIGNAL 2u	  /* signals may be deliverable */
#define WORK_NOTIFY 4u	  /* run task->exit_work list (deferred fput) */
#define WORK_RESTORE_SIGMASK 8u /* saved_sigmask must be restored */
#define WORK_STEP 16u	  /* single-step / tracing */
#define WORK_TRACE 32u	  /* system call tracing at entry */
#define WORK_FULL_REGS 64u /* architecture: the user frame was rewritten, restore all of it */

/* task->flags (P: changed by the task itself only) */
#define TF_KTHREAD 1u
#define TF_EXITING 2u
#define TF_FORKNOEXEC 4u
#define TF_VFORK_CHILD 8u
#define TF_OOM_VICTIM 16u
#define TF_SIGNALED 32u
#define TF_IDLE 64u
#define TF_NOFS 256u	  /* reclaim must not call file systems */
#define TF_MEMALLOC 512u  /* frees memory: may use the reserve */
#define TF_NPROC_EXCEEDED 128u /* set*uid went over RLIMIT_NPROC: exec will fail */

/* task->exit_state */
#define EXIT_ZOMBIE 1u
#define EXIT_DEAD 2u

#define SCHED_NORMAL 0
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_BATCH 3
#define SCHED_IDLE 5

struct cred;
struct files;
struct fs_struct;
struct mm;
struct pid;
struct process;
struct sighand;
struct runq;
struct restart_block;
struct sched_class;

/* Scheduling state of one task. Lock: the run queue the task is on (runq->lock), or task->pi_lock
 * while it is on none. */
struct sched_entity {
	struct rb_node node;	 /* fair: in the queue ordered by virtual deadline */
	struct list_head rt_node;
	u64 vruntime, deadline, slice;
	u64 exec_start;		 /* ns, when it was last put on the CPU or charged */
	u64 sum_exec;		 /* ns on the CPU in all */
	u64 min_vruntime;	 /* augmented: of the subtree */
	s64 lag;		 /* fair: service owed to it (ns), kept while it sleeps */
	u32 weight;
	bool on_rq;
	bool moving; /* on no queue, but about to be put on one: as good as on_rq to wakers */
};

struct sigpending {
	struct list_head queue; /* siglock: struct sigqueue, oldest first */
	u64 set;		/* siglock: bit n-1 = signal n */
};

/* Resumption of an interrupted call through restart_syscall(2). */
struct restart_block {
	long (*fn)(struct restart_block *rb);
	u64 deadline;
	u64 arg[4];
};

/* C: const after creation  P: owner task only  R: run-queue lock  S: process->siglock
 * T: tasklist_lock (reads also under RCU)  L: task->lock  A: atomic */
struct task {
	struct arch_thread
		thread; /* kernel stack top, fs/gs base, fpu: see arch/thread.h. First. */
	u32 work;		    /* A: WORK_* */
	u32 state;		    /* A: see protocol above */
	u32 flags;		    /* P: TF_* */
	u32 on_cpu;		    /* A: 1 while its stack is in use by a CPU */
	unsigned int cpu;	    /* R */
	refcount_t refs;	    /* A */
	void *stack;		    /* C: lowest address, KSTACK_SIZE bytes */

	struct spinlock pi_lock;    /* wake-ups */
	const struct sched_class *class; /* R */
	struct sched_entity se;	    /* R */
	int policy, nice, rt_prio;  /* R: rt_prio 1..99, 0 for fair */
	int eff_prio;		    /* R: rt_prio or, if higher, what PI futexes lend it */
	int boost;		    /* R: real-time priority lent, 0 none */
	u32 rt_slice_left;	    /* R: ns for SCHED_RR */
	struct cpumask affinity;    /* R */
	bool reset_on_fork;	    /* R */
	u64 nvcsw, nivcsw;	    /* P: voluntary and other switches */
	u64 utime, stime;	    /* P: ns in user and kernel mode, as the tick saw it */
	u64 utime_shown, stime_shown; /* A: last values given out: they never go back */
	u64 start_time;		    /* C: ns CLOCK_BOOTTIME */
	u64 acct_stamp;		    /* P */

	struct process *process;    /* C (exec by non-leader: T) */
	struct list_head thread_node; /* T: process->threads */
	struct pid *pid;	    /* C/T: this thread's id */
	u32 tid;		    /* copy of pid->nr in the root pid namespace */

	struct spinlock lock;	    /* L; LOCK_TASK_ALLOC */
	struct mm *mm;		    /* L for others, P to read by the owner; NULL: kernel thread */
	struct mm *active_mm; /* P: when mm is NULL: what the page-table register holds, with an
			       * mm_grab reference; whoever clears its own mm moves it here */
	struct files *files;	    /* L/P */
	struct fs_struct *fs;	    /* L/P */
	struct sighand *sighand;    /* S/P */
	const struct cred *cred;    /* RCU: written by the owner only */
	struct io_context *io;
	struct blk_plug *plug;	    /* P: requests not yet given to their queues (fs/block.h) */

	u64 blocked;		    /* S: signal mask (owner may read without) */
	u64 saved_sigmask;	    /* P: valid with WORK_RESTORE_SIGMASK */
	u64 real_blocked;	    /* S: sigtimedwait */
	struct sigpending pending;  /* S: this thread's own signals */
	u64 sas_sp, sas_size;	    /* P: sigaltstack */
	u32 sas_flags;		    /* P */
	u32 jobctl;		    /* S: see kernel/signal.h */
	struct restart_block restart_block; /* P */

	struct user_ptr clear_child_tid, set_child_tid; /* P */
	struct user_ptr robust_list;/* P */
	struct completion *vfork_done; /* L: parent waits here */
	struct pi_waiter *pi_blocked; /* PI futex it waits for: lock of src/ipc/futex_pi.c */
	u32 exit_state;		    /* T: 0 alive, EXIT_ZOMBIE, EXIT_DEAD (being reaped) */
	int exit_code;		    /* T: wait status once dead */
	int exit_signal;	    /* T: -1 for threads that are not leaders */
	u32 pdeath_signal;	    /* P */
	bool no_new_privs;	    /* P */
	u32 personality;	    /* P: uapi/personality.h */
	u64 timer_slack_ns, default_timer_slack_ns; /* P */
	char comm[16];		    /* L to write; readers may see a torn name */
	u64 min_flt, maj_flt;	    /* P */
	u64 rchar, wchar, syscr, syscw; /* P: /proc/PID/io */
	u64 io_read, io_write, io_cancelled; /* P: bytes of devices, same file */
	u32 nr_dirtied;		    /* P: pages since dirty_throttle */
	u32 pagefault_disabled;	    /* P */
	struct callback_head *exit_work; /* A: run by exit_to_user and exit */
	u64 trace_id, span_id;	    /* P: travels with wake-ups and messages */
	void *kthread_data;	    /* C */
	u64 stack_canary;	    /* C */
	struct rcu_head rcu;
#if IS_ENABLED(CONFIG_LOCKDEP)
	struct held_lock {
		struct lock_debug *lock;
		u16 class;
		bool shared;
		bool irq; /* taken by an interrupt handler that hit the task */
		const void *where;
	} held[24];		    /* P: locks held, in order */
	unsigned int nheld;	    /* P */
#endif
};

struct callback_head {
	struct callback_head *next;
	void (*fn)(struct callback_head *h);
};
/* Runs fn in task context when t next returns to user mode or exits; -ESRCH when it is past
 * that. */
int task_work_add(struct task *t, struct callback_head *h);
void task_work_run(void);

DECLARE_PER_CPU(struct task *, current_task);
#define current ((struct task *)this_cpu(current_task))

static inline void task_get(struct task *t)
{
	refcount_inc(&t->refs);
}
/* References: a new task has two. One is its own life's and is dropped by the scheduler after the
 * last switch away from it, the other is dropped when it is reaped. */
void task_free(struct task *t); /* src/proc: RCU-frees */
/* src/proc: a kernel thread in state TASK_NEW with ids, stack, credentials of the kernel and no mm,
 * in the task lists; arch_thread_init_kernel and sched_fork are the caller's. It reaps itself when
 * it ends in do_exit. May sleep. NULL: no memory. */
struct task *must_check task_alloc_kernel(const char *name);
/* The opposite, for a task that never ran. */
void task_abandon_kernel(struct task *t);
static inline void task_put(struct task *t)
{
	if (refcount_dec_and_test(&t->refs))
		task_free(t);
}

#define set_current_state(s)                                                                       \
	do {                                                                                       \
		(void)xchg(&current->state, (u32)(s));                                             \
	} while (0)
#define __set_current_state(s) WRITE_ONCE(current->state, (u32)(s))

/* Gives up the CPU; returns when it runs again. State RUNNING: yields only to what is better. */
void schedule(void);
/* Sleeps in the state set before until woken or the deadline (ns CLOCK_MONOTONIC, 0 none): true
 * when the deadline passed. */
bool schedule_deadline(u64 deadline_ns);
/* The same with a deadline in CLOCK_REALTIME, which holds when the clock is set meanwhile. */
bool schedule_deadline_real(u64 real_ns);
void sched_yield_current(void);
/* Makes t runnable when its state is in `states`. Any context. True when it did something.
 * sync: the caller is about to sleep. */
bool wake_up_state(struct task *t, unsigned int states, bool sync);
static inline bool wake_up_task(struct task *t)
{
	return wake_up_state(t, TASK_NORMAL, false);
}
void wake_up_new_task(struct task *t);
/* Interrupts t if it runs on another CPU so that it looks at its work word. Any context. */
void kick_task(struct task *t);
static inline void set_task_work(struct task *t, u32 bits)
{
	__atomic_fetch_or(&t->work, bits, __ATOMIC_SEQ_CST);
}
static inline void clear_task_work(struct task *t, u32 bits)
{
	__atomic_fetch_and(&t->work, ~bits, __ATOMIC_SEQ_CST);
}
void resched_cpu(unsigned int cpu);
/* cond_resched: a preemption point in long loops of preemptible code costs nothing; this only
 * reports a quiescent state and checks for atomic context in debug builds. */
static inline void cond_resched(void)
{
	might_sleep();
	if (unlikely(need_resched()))
		preempt_schedule();
}

/* Called by process creation: gives a new task its scheduling state (from its parent). */
void sched_fork(struct task *t, bool reset);
void sched_exit(struct task *t);
/* First code of a new task on its own stack, before anything else (releases the run queue). */
void schedule_tail(struct task *prev);
/* Last act of a dead task: switches away for good. */
void schedule_dead(void) __noreturn;
extern bool sched_started; /* the first switch of tasks has happened: sleeping is possible */
/* Boot CPU, after per-CPU data and the slab allocator work, interrupts off: makes boot_idle_task,
 * in whose context the machine boots, a proper idle task. */
void sched_init(void);
/* Boot CPU, for a CPU that is about to start, after its per-CPU area was copied: resets run queue,
 * timers, RCU state, current_task and preempt_count of that area and makes idle_task(cpu), on whose
 * stack the CPU then starts. May sleep. 0 or -ENOMEM. */
int sched_init_cpu(unsigned int cpu);
/* The task the boot CPU starts in; the initial value of current_task. Its stack is the boot
 * stack. */
extern struct task boot_idle_task;
void sched_tick(bool user); /* the scheduler's own periodic timer; user: it hit user mode */
/* From the architecture's handler of the reschedule interrupt, in hard interrupt context. */
void sched_ipi(void);
/* From the end of an interrupt that hit the kernel, interrupts off, when preempt_count is zero:
 * lets a better task run. Returns with interrupts off. */
void preempt_schedule_irq(void);
/* Frame of the innermost interrupt of this CPU, set by the architecture's interrupt entry (and put
 * back at its exit): tells time accounting whether it hit user mode. NULL: none. */
DECLARE_PER_CPU(const struct user_regs *, irq_regs);
/* The idle loop of this CPU; never returns. */
void cpu_idle(void) __noreturn;
struct task *idle_task(unsigned int cpu);
struct task *cpu_curr(unsigned int cpu); /* under RCU; for diagnostics */

int sched_set_nice(struct task *t, int nice);
int sched_set_policy(struct task *t, int policy, int rt_prio);
/* Lends t the real-time priority of those who wait for it; 0 takes it back. Any context. */
void sched_set_boost(struct task *t, int rt_prio);
int sched_set_affinity(struct task *t, const struct cpumask *mask);
u64 task_cputime_ns(struct task *t); /* exact on-CPU time */
/* The same for all threads of a process, dead ones included (src/time/cpuclock.c). */
u64 process_cputime_ns(struct process *p);
void process_cputime(struct process *p, u64 *utime_ns, u64 *stime_ns);
void task_cputime(struct task *t, u64 *utime_ns, u64 *stime_ns); /* scaled to the exact sum */
/* Entry and exit accounting of user and system time: called by the arch exit path and the tick. */
u64 nr_running_total(void);
u64 nr_context_switches(void);
void loadavg_get(u64 load[3]); /* fixed point, 11 fraction bits */
struct cpu_times {
	u64 user, nice, system, idle, iowait, irq, softirq, steal; /* ns */
};
void cpu_times_get(unsigned int cpu, struct cpu_times *t);

/* Kernel threads: created stopped with _create (wake_up_task starts), running with _run.
 * fn returning ends the thread. Must be called from task context. */
int kthread_create(int (*fn)(void *arg), void *arg, struct task **out, const char *namefmt, ...)
	__printf(4, 5);
int kthread_run(int (*fn)(void *arg), void *arg, struct task **out, const char *namefmt, ...)
	__printf(4, 5);

#endif
