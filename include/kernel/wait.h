/* SPDX-License-Identifier: MIT */
/* Wait queues: the one way a task waits for an event.
 *
 * Sleeping:   wait_event(&wq, cond); wait_event_interruptible -> 0 or -ERESTARTSYS;
 *             the _timeout forms take an absolute CLOCK_MONOTONIC deadline in ns (0 = none) and
 *             return -ETIMEDOUT when it passes. `cond` is evaluated without locks of ours held.
 * Waking:     make the condition true first, then wake_up*(). The waker's store and the sleeper's
 *             state change are ordered by the queue's lock.
 * Keys:       a poll waker passes the POLL* bits that became true; entries of poll and epoll look
 *             at them, plain sleepers wake for any key.
 * Context:    waking is allowed from interrupt handlers; the lock is irq-safe. */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include <kernel/errno.h>
#include <kernel/lock.h>

struct task;
struct wait_entry;

/* Returns 1 when this entry was woken and counts against the exclusive limit; called with wq->lock
 * held and interrupts off. */
typedef int wait_fn(struct wait_entry *e, unsigned int mode, u64 key);

#define WAIT_EXCLUSIVE 1u

struct wait_queue {
	struct spinlock lock;
	struct list_head entries; /* lock */
};

struct wait_entry {
	struct list_head node; /* wq->lock */
	wait_fn *fn;
	struct task *task;
	unsigned int flags;
};

#define WAIT_QUEUE_INIT(name)                                                                      \
	{ .lock = SPINLOCK_INIT(LOCK_WAITQUEUE), .entries = { &(name).entries, &(name).entries } }
#define DEFINE_WAIT_QUEUE(name) struct wait_queue name = WAIT_QUEUE_INIT(name)

void wait_queue_init(struct wait_queue *wq);
static inline bool wait_queue_active(const struct wait_queue *wq)
{
	return READ_ONCE(wq->entries.next) != &wq->entries;
}

void wait_entry_init(struct wait_entry *e, wait_fn *fn); /* fn NULL: wake e->task = current */
void wait_add(struct wait_queue *wq, struct wait_entry *e);
void wait_add_exclusive(struct wait_queue *wq, struct wait_entry *e);
void wait_remove(struct wait_queue *wq, struct wait_entry *e);
/* Queues (once) and sets the task state (TASK_INTERRUPTIBLE, ...); finish_wait undoes both. */
void prepare_to_wait(struct wait_queue *wq, struct wait_entry *e, unsigned int state);
void prepare_to_wait_exclusive(struct wait_queue *wq, struct wait_entry *e, unsigned int state);
void finish_wait(struct wait_queue *wq, struct wait_entry *e);

/* mode: mask of task states to wake; nr: exclusive entries at most, 0 = all; sync: the waker is
 * about to sleep, so prefer its CPU. Does nothing cheaply when nobody waits: callers that publish
 * the condition with a plain store need smp_mb() before wait_queue_active; wake_up_* contain it. */
void wake_up_common(struct wait_queue *wq, unsigned int mode, int nr, u64 key, bool sync);
/* The same with wq->lock already held. */
void wake_up_locked(struct wait_queue *wq, unsigned int mode, int nr, u64 key);

#define wake_up(wq) wake_up_common(wq, TASK_NORMAL, 1, 0, false)
#define wake_up_all(wq) wake_up_common(wq, TASK_NORMAL, 0, 0, false)
#define wake_up_interruptible(wq) wake_up_common(wq, TASK_INTERRUPTIBLE, 1, 0, false)
#define wake_up_poll(wq, key) wake_up_common(wq, TASK_NORMAL, 1, key, false)
#define wake_up_sync_poll(wq, key) wake_up_common(wq, TASK_NORMAL, 1, key, true)

/* One sleep inside a wait loop. Returns 0 to go on, -ERESTARTSYS / -ETIMEDOUT to give up. */
int wait_step(unsigned int state, u64 deadline_ns);

#define WAIT_EVENT_COMMON(wq, cond, state, deadline, exclusive)                                    \
	({                                                                                         \
		int we_rc = 0;                                                                     \
		might_sleep();                                                                     \
		if (!(cond)) {                                                                     \
			struct wait_entry we_entry;                                                \
			wait_entry_init(&we_entry, NULL);                                          \
			for (;;) {                                                                 \
				if (exclusive)                                                     \
					prepare_to_wait_exclusive(wq, &we_entry, state);           \
				else                                                               \
					prepare_to_wait(wq, &we_entry, state);                     \
				if (cond) {                                                        \
					we_rc = 0;                                                 \
					break;                                                     \
				}                                                                  \
				if (we_rc)                                                         \
					break;                                                     \
				we_rc = wait_step(state, deadline);                                \
			}                                                                          \
			finish_wait(wq, &we_entry);                                                \
		}                                                                                  \
		we_rc;                                                                             \
	})

#define wait_event(wq, cond)                                                                       \
	((void)WAIT_EVENT_COMMON(wq, cond, TASK_UNINTERRUPTIBLE, 0, false))
#define wait_event_timeout(wq, cond, deadline)                                                     \
	WAIT_EVENT_COMMON(wq, cond, TASK_UNINTERRUPTIBLE, deadline, false)
#define wait_event_interruptible(wq, cond)                                                         \
	WAIT_EVENT_COMMON(wq, cond, TASK_INTERRUPTIBLE, 0, false)
#define wait_event_interruptible_exclusive(wq, cond)                                               \
	WAIT_EVENT_COMMON(wq, cond, TASK_INTERRUPTIBLE, 0, true)
#define wait_event_interruptible_timeout(wq, cond, deadline)                                       \
	WAIT_EVENT_COMMON(wq, cond, TASK_INTERRUPTIBLE, deadline, false)
#define wait_event_killable(wq, cond) WAIT_EVENT_COMMON(wq, cond, TASK_KILLABLE, 0, false)

/* Something that happens once. */
struct completion {
	struct wait_queue wq;
	unsigned int done;
};
void completion_init(struct completion *c);
void complete(struct completion *c);
void complete_all(struct completion *c);
void wait_for_completion(struct completion *c);
int must_check wait_for_completion_killable(struct completion *c);

#endif
