/* SPDX-License-Identifier: MIT */
/* Kernel threads. */
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/printf.h>
#include <kernel/slab.h>

#include "sched_internal.h"

struct kthread_start {
	int (*fn)(void *arg);
	void *arg;
};

static int kthread_entry(void *data)
{
	struct kthread_start s = *(struct kthread_start *)data;

	kfree(data);
	(void)s.fn(s.arg);
	do_exit(0);
}

static int create(int (*fn)(void *arg), void *arg, struct task **out, const char *name)
{
	struct kthread_start *s = kmalloc(sizeof(*s), GFP_KERNEL);
	struct task *t;

	if (!s)
		return -ENOMEM;
	t = task_alloc_kernel(name);
	if (!t) {
		kfree(s);
		return -ENOMEM;
	}
	*s = (struct kthread_start){ fn, arg };
	sched_fork(t, true);
	t->nice = 0;
	task_set_class(t);
	for (unsigned int i = 0; i < ARRAY_SIZE(t->affinity.bits); i++)
		t->affinity.bits[i] = ~0ul;
	arch_thread_init_kernel(t, kthread_entry, s);
	/* Looks asleep, so that an ordinary wake-up starts it. */
	t->state = TASK_INTERRUPTIBLE;
	*out = t;
	return 0;
}

/* Creates a thread that starts at the first wake_up_task. *out is valid as long as the thread has
 * not ended. May sleep. -ENOMEM. */
int kthread_create(int (*fn)(void *arg), void *arg, struct task **out, const char *namefmt, ...)
{
	char name[32];
	va_list ap;

	va_start(ap, namefmt);
	vsnprintf(name, sizeof(name), namefmt, ap);
	va_end(ap);
	return create(fn, arg, out, name);
}

/* The same and starts it; out may be NULL. */
int kthread_run(int (*fn)(void *arg), void *arg, struct task **out, const char *namefmt, ...)
{
	struct task *t;
	char name[32];
	va_list ap;
	int rc;

	va_start(ap, namefmt);
	vsnprintf(name, sizeof(name), namefmt, ap);
	va_end(ap);
	rc = create(fn, arg, &t, name);
	if (rc)
		return rc;
	if (out)
		*out = t;
	wake_up_task(t);
	return 0;
}
