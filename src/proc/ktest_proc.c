/* SPDX-License-Identifier: MIT */
/* Self-tests of numbers, kernel threads, task work, credentials and signal queues, run by
 * ktest=. */
#include "proc_internal.h"
#include "../signal/signal_internal.h"

#include <kernel/ktest.h>
#include <kernel/string.h>

KTEST(proc_pid_numbers)
{
	struct pid *a, *b, *found;
	pid_t nr;

	KTEST_EXPECT(pid_create(0, &a) == 0);
	KTEST_EXPECT(pid_create(0, &b) == 0);
	KTEST_EXPECT(a->nr != b->nr);
	nr = a->nr;
	KTEST_EXPECT(pid_create(nr, &found) == -EEXIST);
	found = pid_find_get(nr);
	KTEST_EXPECT(found == a);
	pid_put(found);
	KTEST_EXPECT(!task_find_get(nr));
	pid_destroy_unused(a);
	KTEST_EXPECT(!pid_find_get(nr));
	/* The number is free, but not given out again at once. */
	KTEST_EXPECT(pid_create(0, &a) == 0);
	KTEST_EXPECT(a->nr != nr);
	pid_destroy_unused(a);
	KTEST_EXPECT(pid_create(nr, &a) == 0 && a->nr == nr);
	pid_destroy_unused(a);
	pid_destroy_unused(b);
	KTEST_EXPECT(!pid_find_get(0) && !pid_find_get(-1) && !pid_find_get(INT32_MAX));
}

struct thread_test {
	struct completion started, go;
	int signals;
};

static int test_thread(void *arg)
{
	struct thread_test *tt = arg;

	complete(&tt->started);
	wait_for_completion(&tt->go);
	tt->signals = signal_pending();
	return 0;
}

KTEST(proc_kernel_threads)
{
	struct thread_test tt = { .signals = -1 };
	struct task *t;
	u32 before, nr;

	completion_init(&tt.started);
	completion_init(&tt.go);
	before = task_count();
	KTEST_EXPECT(kthread_create(test_thread, &tt, &t, "ktest") == 0);
	task_get(t);
	nr = t->tid;
	KTEST_EXPECT(task_count() == before + 1);
	KTEST_EXPECT((t->flags & TF_KTHREAD) && !t->mm && !strcmp(t->comm, "ktest"));
	wake_up_task(t);
	wait_for_completion(&tt.started);
	/* Nothing reaches it, not even SIGKILL. */
	send_signal_task(t, SIGKILL, NULL);
	send_signal_task(t, SIGTERM, NULL);
	KTEST_EXPECT(!signal_pending_task(t));
	complete(&tt.go);
	for (int i = 0; i < 1000 && task_count() != before; i++)
		hrtimer_sleep_until(ktime_get() + NSEC_PER_MSEC, TASK_UNINTERRUPTIBLE);
	KTEST_EXPECT(task_count() == before);
	KTEST_EXPECT(tt.signals == 0);
	KTEST_EXPECT(t->exit_state == EXIT_DEAD);
	KTEST_EXPECT(!task_find_get((pid_t)nr));
	task_put(t);
}

struct work_test {
	struct callback_head head;
	int at;
};

static int next_at;

static void work_fn(struct callback_head *h)
{
	struct work_test *w = container_of(h, struct work_test, head);

	w->at = next_at++;
}

KTEST(proc_task_work_in_order)
{
	struct work_test w[3] = { { .head = { .fn = work_fn } },
				  { .head = { .fn = work_fn } },
				  { .head = { .fn = work_fn } } };

	next_at = 0;
	for (int i = 0; i < 3; i++)
		KTEST_EXPECT(task_work_add(current, &w[i].head) == 0);
	KTEST_EXPECT(current->work & WORK_NOTIFY);
	task_work_run();
	KTEST_EXPECT(!(current->work & WORK_NOTIFY));
	for (int i = 0; i < 3; i++)
		KTEST_EXPECT(w[i].at == i);
}

KTEST(proc_user_counts)
{
	struct user_count *a, *b, *root;

	KTEST_EXPECT(user_count_find(54321, &a) == 0 && user_count_find(54321, &b) == 0);
	KTEST_EXPECT(a == b && refcount_read(&a->refs) == 2);
	KTEST_EXPECT(user_count_find(0, &root) == 0 && root == &root_user);
	user_count_put(root);
	user_count_put(a);
	user_count_put(b);
}

KTEST(proc_cred_copies)
{
	const struct cred *before = current_cred();
	struct cred *c;

	KTEST_EXPECT(cred_prepare(&c) == 0);
	KTEST_EXPECT(c != before && c->uid == before->uid &&
		     c->cap_effective == before->cap_effective);
	c->uid = 4711;
	KTEST_EXPECT(current_cred()->uid == before->uid);
	cred_abort(c);
	KTEST_EXPECT(current_cred() == before);
}

KTEST(signal_queue_order)
{
	struct sigpending sp;
	struct sigqueue *q[3];
	const int sigs[3] = { 40, 35, 40 };

	pending_init(&sp);
	for (int i = 0; i < 3; i++) {
		q[i] = sigqueue_new(current, true);
		KTEST_EXPECT(q[i]);
		kernel_siginfo(&q[i]->info, sigs[i], SI_QUEUE);
		list_add_tail(&q[i]->node, &sp.queue);
		sp.set |= SIGMASK(sigs[i]);
	}
	pending_flush_mask(&sp, SIGMASK(35));
	KTEST_EXPECT(sp.set == SIGMASK(40));
	KTEST_EXPECT(list_first_entry(&sp.queue, struct sigqueue, node) == q[0]);
	KTEST_EXPECT(list_last_entry(&sp.queue, struct sigqueue, node) == q[2]);
	pending_flush(&sp);
	KTEST_EXPECT(!sp.set && list_empty(&sp.queue));
}
