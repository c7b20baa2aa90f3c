/* SPDX-License-Identifier: MIT */
#include <kernel/ktest_threads.h>

static int thread_main(void *arg)
{
	struct ktest_threads *th = arg;
	unsigned int i = __atomic_fetch_add(&th->started, 1, __ATOMIC_SEQ_CST);

	/* Which thread is which does not follow from the order of starting. */
	for (i = 0; i < th->n && th->task[i] != current; i++)
		;
	th->fn(th, i);
	complete(&th->done);
	return 0;
}

bool ktest_threads_create(struct ktest_threads *th, unsigned int n,
			  void (*fn)(struct ktest_threads *th, unsigned int index), void *arg)
{
	*th = (struct ktest_threads){ .fn = fn, .arg = arg };
	completion_init(&th->done);
	for (; th->n < n; th->n++) {
		if (kthread_create(thread_main, th, &th->task[th->n], "ktest/%u", th->n))
			return false;
		task_get(th->task[th->n]);
	}
	return true;
}

void ktest_threads_go(struct ktest_threads *th)
{
	for (unsigned int i = 0; i < th->n; i++)
		wake_up_task(th->task[i]);
}

void ktest_threads_wait(struct ktest_threads *th)
{
	for (unsigned int i = 0; i < th->n; i++)
		wait_for_completion(&th->done);
	for (unsigned int i = 0; i < th->n; i++)
		task_put(th->task[i]);
}
