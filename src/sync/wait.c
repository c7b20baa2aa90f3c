/* SPDX-License-Identifier: MIT */
/* Wait queues and completions; contract in kernel/wait.h.
 *
 * Invariants: entries are linked and unlinked under wq->lock. Exclusive entries stand behind all
 * others, so that a wake-up of one exclusive sleeper still tells every poller. An entry queued by
 * prepare_to_wait is unlinked by the waker that woke its task (flag WAIT_AUTOREMOVE), which makes
 * finish_wait lock-free in the usual case; an entry of wait_add stays until wait_remove.
 *
 * Lock order: wq->lock, then what the wake function takes (task, run queue; for epoll its ready
 * list and the inner queue). */
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/wait.h>

#define WAIT_AUTOREMOVE 2u

void wait_queue_init(struct wait_queue *wq)
{
	spin_lock_init(&wq->lock, LOCK_WAITQUEUE);
	list_init(&wq->entries);
}

void wait_entry_init(struct wait_entry *e, wait_fn *fn)
{
	list_init(&e->node);
	e->fn = fn;
	e->task = current;
	e->flags = 0;
}

void wait_add(struct wait_queue *wq, struct wait_entry *e)
{
	irqflags_t f = spin_lock_irqsave(&wq->lock);

	list_add(&e->node, &wq->entries);
	spin_unlock_irqrestore(&wq->lock, f);
}

void wait_add_exclusive(struct wait_queue *wq, struct wait_entry *e)
{
	irqflags_t f = spin_lock_irqsave(&wq->lock);

	e->flags |= WAIT_EXCLUSIVE;
	list_add_tail(&e->node, &wq->entries);
	spin_unlock_irqrestore(&wq->lock, f);
}

void wait_remove(struct wait_queue *wq, struct wait_entry *e)
{
	irqflags_t f = spin_lock_irqsave(&wq->lock);

	list_del_init(&e->node);
	spin_unlock_irqrestore(&wq->lock, f);
}

static void prepare(struct wait_queue *wq, struct wait_entry *e, unsigned int state, bool exclusive)
{
	irqflags_t f = spin_lock_irqsave(&wq->lock);

	if (list_empty(&e->node)) {
		e->flags = WAIT_AUTOREMOVE | (exclusive ? WAIT_EXCLUSIVE : 0);
		if (exclusive)
			list_add_tail(&e->node, &wq->entries);
		else
			list_add(&e->node, &wq->entries);
	}
	set_current_state(state);
	spin_unlock_irqrestore(&wq->lock, f);
}

void prepare_to_wait(struct wait_queue *wq, struct wait_entry *e, unsigned int state)
{
	prepare(wq, e, state, false);
}

void prepare_to_wait_exclusive(struct wait_queue *wq, struct wait_entry *e, unsigned int state)
{
	prepare(wq, e, state, true);
}

/* Both links must point to the entry: the waker's list_del_init writes next first, and while it is
 * at it the entry, on our stack, must not go away. */
static bool unlinked(const struct wait_entry *e)
{
	return smp_load_acquire(&e->node.prev) == &e->node &&
	       smp_load_acquire(&e->node.next) == &e->node;
}

void finish_wait(struct wait_queue *wq, struct wait_entry *e)
{
	__set_current_state(TASK_RUNNING);
	if (!unlinked(e))
		wait_remove(wq, e);
}

static void wake_entries(struct wait_queue *wq, unsigned int mode, int nr, u64 key, bool sync)
{
	struct wait_entry *e, *tmp;

	list_for_each_entry_safe(e, tmp, &wq->entries, node) {
		unsigned int flags = e->flags;
		int woken;

		if (e->fn) {
			woken = e->fn(e, mode, key);
		} else {
			woken = wake_up_state(e->task, mode, sync);
			/* After list_del_init the entry may be gone. */
			if (woken && (flags & WAIT_AUTOREMOVE))
				list_del_init(&e->node);
		}
		if (woken && (flags & WAIT_EXCLUSIVE) && !--nr)
			break;
	}
}

void wake_up_common(struct wait_queue *wq, unsigned int mode, int nr, u64 key, bool sync)
{
	irqflags_t f;

	/* Orders the caller's store of the condition before the look at the queue; pairs with the
	 * exchange in set_current_state. */
	smp_mb();
	if (!wait_queue_active(wq))
		return;
	f = spin_lock_irqsave(&wq->lock);
	wake_entries(wq, mode, nr, key, sync);
	spin_unlock_irqrestore(&wq->lock, f);
}

void wake_up_locked(struct wait_queue *wq, unsigned int mode, int nr, u64 key)
{
	lock_assert_held(&wq->lock);
	wake_entries(wq, mode, nr, key, false);
}

int wait_step(unsigned int state, u64 deadline_ns)
{
	bool timed_out = false;

	if (signal_pending_state(state))
		return -ERESTARTSYS;
	if (deadline_ns)
		timed_out = schedule_deadline(deadline_ns);
	else
		schedule();
	return timed_out ? -ETIMEDOUT : 0;
}

/* --- completions: `done` counts, under wq.lock, so that the waiter's return implies that the
 * completer is past its last access but the unlock itself; see wait_common. --- */

#define DONE_ALL (~0u / 2)

void completion_init(struct completion *c)
{
	wait_queue_init(&c->wq);
	c->done = 0;
}

void complete(struct completion *c)
{
	irqflags_t f = spin_lock_irqsave(&c->wq.lock);

	if (c->done < DONE_ALL)
		c->done++;
	wake_entries(&c->wq, TASK_NORMAL, 1, 0, false);
	spin_unlock_irqrestore(&c->wq.lock, f);
}

void complete_all(struct completion *c)
{
	irqflags_t f = spin_lock_irqsave(&c->wq.lock);

	c->done = DONE_ALL;
	wake_entries(&c->wq, TASK_NORMAL, 0, 0, false);
	spin_unlock_irqrestore(&c->wq.lock, f);
}

/* Looks at done only under the lock: the completer held it then no longer, or holds it and we wait
 * for its unlock, which is its last access to the structure. */
static int wait_common(struct completion *c, unsigned int state)
{
	struct wait_entry e;
	irqflags_t f;
	int rc = 0;

	might_sleep();
	wait_entry_init(&e, NULL);
	f = spin_lock_irqsave(&c->wq.lock);
	while (!c->done && !rc) {
		if (list_empty(&e.node)) {
			e.flags = WAIT_AUTOREMOVE | WAIT_EXCLUSIVE;
			list_add_tail(&e.node, &c->wq.entries);
		}
		set_current_state(state);
		spin_unlock_irqrestore(&c->wq.lock, f);
		rc = wait_step(state, 0);
		f = spin_lock_irqsave(&c->wq.lock);
	}
	if (c->done) {
		if (c->done < DONE_ALL)
			c->done--;
		rc = 0;
	}
	__set_current_state(TASK_RUNNING);
	if (!list_empty(&e.node))
		list_del(&e.node);
	spin_unlock_irqrestore(&c->wq.lock, f);
	return rc;
}

void wait_for_completion(struct completion *c)
{
	wait_common(c, TASK_UNINTERRUPTIBLE);
}

int wait_for_completion_killable(struct completion *c)
{
	return wait_common(c, TASK_KILLABLE);
}
