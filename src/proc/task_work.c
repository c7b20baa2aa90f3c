/* SPDX-License-Identifier: MIT */
/* Functions run by a task itself on its way to user mode: a lock-free stack that anybody pushes to
 * and the owner takes whole. A marker ends it for good when the task exits. */
#include "proc_internal.h"

#include <kernel/uaccess.h>

static struct callback_head exited; /* address only */

int task_work_add(struct task *t, struct callback_head *h)
{
	struct callback_head *head = READ_ONCE(t->exit_work);

	do {
		if (head == &exited)
			return -ESRCH;
		h->next = head;
	} while (!try_cmpxchg(&t->exit_work, &head, h));
	set_task_work(t, WORK_NOTIFY);
	if (t != current)
		kick_task(t);
	return 0;
}

/* Oldest first. */
static void run_all(struct callback_head *list)
{
	struct callback_head *h = NULL, *next;

	for (; list; list = next) {
		next = list->next;
		list->next = h;
		h = list;
	}
	for (; h; h = next) {
		next = h->next;
		h->fn(h);
	}
}

/* The last call of an exiting task closes the stack. */
void task_work_run(void)
{
	struct task *t = current;
	bool last = t->flags & TF_EXITING;
	struct callback_head *head;

	clear_task_work(t, WORK_NOTIFY);
	if (unlikely(!user_ptr_is_null(t->set_child_tid))) {
		struct user_ptr p = t->set_child_tid;

		/* First way out after clone: a bad address is the program's own loss, as on
		 * Linux. */
		t->set_child_tid = USER_NULL;
		if (!last && put_user_u32(t->tid, p))
			head = NULL;
	}
	for (;;) {
		head = xchg(&t->exit_work, NULL);
		if (head) {
			run_all(head);
			continue;
		}
		if (!last || !cmpxchg(&t->exit_work, NULL, &exited))
			return;
	}
}
