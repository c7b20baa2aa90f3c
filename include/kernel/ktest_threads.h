/* SPDX-License-Identifier: MIT */
/* Self-tests that need several threads: start them, wait for all.
 *	struct ktest_threads th;
 *	ktest_threads_start(&th, 4, fn, arg);   fn(&th, index) runs in four kernel threads
 *	ktest_threads_wait(&th);
 * th->stop is for the test's own use. */
#ifndef KERNEL_KTEST_THREADS_H
#define KERNEL_KTEST_THREADS_H

#include <kernel/ktest.h>
#include <kernel/sched.h>
#include <kernel/wait.h>

#define KTEST_MAX_THREADS 16
struct ktest_threads {
	void (*fn)(struct ktest_threads *th, unsigned int index);
	void *arg;
	struct completion done;
	unsigned int n, started;
	bool stop;
	struct task *task[KTEST_MAX_THREADS]; /* referenced until ktest_threads_wait */
};
/* Created, not started: the caller may set policy or affinity of th->task[i] first. */
bool ktest_threads_create(struct ktest_threads *th, unsigned int n,
			  void (*fn)(struct ktest_threads *th, unsigned int index), void *arg);
void ktest_threads_go(struct ktest_threads *th);
void ktest_threads_wait(struct ktest_threads *th);
static inline bool ktest_threads_start(struct ktest_threads *th, unsigned int n,
				       void (*fn)(struct ktest_threads *th, unsigned int index),
				       void *arg)
{
	bool ok = ktest_threads_create(th, n, fn, arg);

	ktest_threads_go(th);
	return ok;
}
static inline void ktest_sleep_ms(u64 ms)
{
	(void)hrtimer_sleep_until(ktime_get() + ms * NSEC_PER_MSEC, TASK_UNINTERRUPTIBLE);
}

#endif
