/* SPDX-License-Identifier: MIT */
/* CPU time of threads and processes as clocks.
 *
 * Clock ids below zero name somebody's CPU time, as Linux encodes them: bits 3.. hold the
 * complement of the id, bit 2 says thread, bits 0..1 what is measured: 0 user+system as the tick
 * saw it, 1 user only, 2 exact. Id 0 is the caller. */
#include <kernel/errno.h>
#include <kernel/proc.h>

#include "time_internal.h"

#define CPUCLOCK_PERTHREAD 4
#define CPUCLOCK_PROF 0
#define CPUCLOCK_VIRT 1
#define CPUCLOCK_SCHED 2

static pid_t clock_pid(clockid_t id)
{
	return (pid_t)~(id >> 3);
}

bool clock_is_cpu(clockid_t id)
{
	return id < 0 || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID;
}

/* Threads are read one after the other, so the sum is not a snapshot. A thread that dies meanwhile
 * is counted through the process's own fields; siglock keeps it from being counted in neither. */
u64 process_cputime_ns(struct process *p)
{
	irqflags_t f = spin_lock_irqsave(&p->siglock);
	u64 sum = p->sum_exec;
	struct task *t;

	list_for_each_entry(t, &p->threads, thread_node)
		sum += task_cputime_ns(t);
	spin_unlock_irqrestore(&p->siglock, f);
	return sum;
}

void process_cputime(struct process *p, u64 *utime_ns, u64 *stime_ns)
{
	irqflags_t f = spin_lock_irqsave(&p->siglock);
	u64 us = p->utime, ss = p->stime, u, s;
	struct task *t;

	list_for_each_entry(t, &p->threads, thread_node) {
		task_cputime(t, &u, &s);
		us += u;
		ss += s;
	}
	spin_unlock_irqrestore(&p->siglock, f);
	*utime_ns = us;
	*stime_ns = ss;
}

static u64 thread_time(struct task *t, int what)
{
	u64 u, s;

	if (what == CPUCLOCK_SCHED)
		return task_cputime_ns(t);
	task_cputime(t, &u, &s);
	return what == CPUCLOCK_VIRT ? u : u + s;
}

static u64 process_time(struct process *p, int what)
{
	u64 u, s;

	if (what == CPUCLOCK_SCHED)
		return process_cputime_ns(p);
	process_cputime(p, &u, &s);
	return what == CPUCLOCK_VIRT ? u : u + s;
}

/* 0 or -EINVAL: no such thread or process, or not one the caller may ask for. */
int cpu_clock_read(clockid_t id, u64 *ns)
{
	int what = id & 3, rc = -EINVAL;
	struct task *t;
	struct process *p;
	pid_t pid;

	if (id == CLOCK_PROCESS_CPUTIME_ID) {
		*ns = process_cputime_ns(current->process);
		return 0;
	}
	if (id == CLOCK_THREAD_CPUTIME_ID) {
		*ns = task_cputime_ns(current);
		return 0;
	}
	if (what == 3)
		return -EINVAL;
	pid = clock_pid(id);
	rcu_read_lock();
	if (id & CPUCLOCK_PERTHREAD) {
		t = pid ? task_find_rcu(pid) : current;
		/* Only threads of the caller's own process. */
		if (t && t->process == current->process) {
			*ns = thread_time(t, what);
			rc = 0;
		}
	} else {
		p = pid ? process_find_rcu(pid) : current->process;
		if (p) {
			*ns = process_time(p, what);
			rc = 0;
		}
	}
	rcu_read_unlock();
	return rc;
}
