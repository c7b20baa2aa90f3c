/* SPDX-License-Identifier: MIT */
/* Waiting on many files at once. A waiter puts one entry on every queue the files name during the
 * first look; a wake-up whose key does not concern the events asked for is ignored. Entries hold a
 * reference on their file, so the queue stays although another thread closes the descriptor. */
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/uaccess.h>

#include "poll_wait.h"

#define CHUNK_ENTRIES ((PAGE_SIZE - sizeof(struct poll_chunk)) / sizeof(struct poll_entry))

static int poll_wake(struct wait_entry *we, unsigned int mode, u64 key)
{
	struct poll_entry *e = container_of(we, struct poll_entry, wait);
	struct poll_waiter *w = e->owner;

	if (key && !(key & e->events))
		return 0;
	smp_wmb();
	WRITE_ONCE(w->triggered, true);
	wake_up_state(w->task, mode & TASK_NORMAL, false);
	return 1;
}

static struct poll_entry *entry_get(struct poll_waiter *w)
{
	struct poll_chunk *c = w->chunks;

	if (w->used < POLL_INLINE_ENTRIES)
		return &w->inline_entries[w->used++];
	if (!c || c->used == CHUNK_ENTRIES) {
		c = pages_alloc(0, GFP_KERNEL);
		if (!c)
			return NULL;
		c->next = w->chunks;
		c->used = 0;
		w->chunks = c;
	}
	return &c->entries[c->used++];
}

static void poll_queue(struct poll_table *pt, struct file *f, struct wait_queue *wq)
{
	struct poll_waiter *w = container_of(pt, struct poll_waiter, pt);
	struct poll_entry *e = entry_get(w);

	if (!e) {
		w->nomem = true;
		return;
	}
	e->file = file_get(f);
	e->wq = wq;
	e->owner = w;
	e->events = pt->events;
	wait_entry_init(&e->wait, poll_wake);
	wait_add(wq, &e->wait);
}

void poll_waiter_init(struct poll_waiter *w)
{
	w->pt.queue = poll_queue;
	w->pt.events = ~0u;
	w->task = current;
	w->triggered = false;
	w->nomem = false;
	w->used = 0;
	w->chunks = NULL;
}

static void entries_end(struct poll_entry *e, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		wait_remove(e[k].wq, &e[k].wait);
		file_put(e[k].file);
	}
}

void poll_waiter_end(struct poll_waiter *w)
{
	struct poll_chunk *c;

	entries_end(w->inline_entries, w->used);
	while ((c = w->chunks)) {
		w->chunks = c->next;
		entries_end(c->entries, c->used);
		pages_free(c, 0);
	}
}

int poll_waiter_sleep(struct poll_waiter *w, u64 deadline)
{
	int rc = 0;

	set_current_state(TASK_INTERRUPTIBLE);
	if (!READ_ONCE(w->triggered)) {
		if (signal_pending())
			rc = -EINTR;
		else if (schedule_deadline(deadline))
			rc = -ETIMEDOUT;
	}
	__set_current_state(TASK_RUNNING);
	WRITE_ONCE(w->triggered, false);
	smp_mb();
	return rc;
}

unsigned int file_poll(struct file *f, struct poll_table *pt)
{
	return f->ops->poll ? f->ops->poll(f, pt) : POLL_DEFAULT;
}

/* --- times and masks --- */

u64 poll_deadline(u64 relative_ns)
{
	u64 now = ktime_get(), end;

	if (__builtin_add_overflow(now, relative_ns, &end))
		return 0;
	return end;
}

int poll_get_timespec(struct user_ptr p, bool *given, u64 *ns)
{
	struct timespec64 ts;

	*given = !user_ptr_is_null(p);
	if (!*given)
		return 0;
	if (copy_from_user(&ts, p, sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	if (!timespec_to_ns(&ts, ns))
		*ns = ~0ull;
	return 0;
}

void poll_put_timespec(struct user_ptr p, u64 deadline, bool zero)
{
	u64 now = ktime_get();
	struct timespec64 ts;

	ts = ns_to_timespec(zero || now >= deadline ? 0 : deadline - now);
	if (copy_to_user(p, &ts, sizeof(ts)))
		return;
}

int poll_set_sigmask(struct user_ptr mask, u64 size)
{
	u64 set;

	if (user_ptr_is_null(mask))
		return 0;
	if (size != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	return set_user_sigmask(set);
}
