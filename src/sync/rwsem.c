/* SPDX-License-Identifier: MIT */
/* Reader/writer semaphores.
 *
 * count: bit 0 a writer has it, bits 1..61 number of readers, bit 62 somebody waits. One atomic
 * operation takes or releases it as long as nobody waits.
 *
 * Readers add themselves first and look then: one that finds a writer or a waiter takes its
 * addition back. Such a phantom reader can make a writer's attempt fail for a moment, so whoever
 * brings the number of readers to zero while somebody waits, phantom or not, runs rwsem_wake().
 *
 * Waiters are served in order of arrival; all readers at the head of the queue get it together. The
 * waker does the accounting for them (hand-over), a woken task only sees `granted`. As the waiting
 * bit holds back new readers, neither side starves.
 *
 * Lifetime: waiters live on their tasks' stacks and are touched only under wait_lock. */
#include <kernel/errno.h>
#include <kernel/lock.h>
#include <kernel/sched.h>
#include <kernel/signal.h>

#define RWSEM_WRITER 1ll
#define RWSEM_READER 2ll
#define RWSEM_WAITERS (1ll << 62)
#define RWSEM_READERS (RWSEM_WAITERS - RWSEM_READER)

struct rwsem_waiter {
	struct list_head node;
	struct task *task;
	bool writer;
	bool granted; /* wait_lock */
};

void rwsem_init(struct rwsem *s, enum lock_class cls __maybe_unused)
{
	s->count = 0;
	spin_lock_init(&s->wait_lock, LOCK_WAITQUEUE);
	list_init(&s->waiters);
	s->dbg = (struct lock_debug)LOCK_DEBUG_INIT(cls);
}

static void grant(struct rwsem_waiter *w)
{
	struct task *t = w->task;

	list_del(&w->node);
	w->granted = true;
	wake_up_state(t, TASK_NORMAL, false);
}

/* Gives the semaphore to those at the head of the queue who may have it. wait_lock held. */
static void rwsem_grant_locked(struct rwsem *s)
{
	struct rwsem_waiter *w;

	while (!list_empty(&s->waiters)) {
		s64 c;

		w = list_first_entry(&s->waiters, struct rwsem_waiter, node);
		if (w->writer) {
			c = RWSEM_WAITERS;
			if (try_cmpxchg(&s->count, &c, RWSEM_WAITERS | RWSEM_WRITER))
				grant(w);
			break;
		}
		c = __atomic_fetch_add(&s->count, RWSEM_READER, __ATOMIC_SEQ_CST);
		if (c & RWSEM_WRITER) {
			/* The writer's release sees WAITERS and will come here again. */
			__atomic_fetch_sub(&s->count, RWSEM_READER, __ATOMIC_SEQ_CST);
			break;
		}
		grant(w);
	}
	if (list_empty(&s->waiters))
		__atomic_fetch_and(&s->count, ~RWSEM_WAITERS, __ATOMIC_SEQ_CST);
}

static noinline void rwsem_wake(struct rwsem *s)
{
	irqflags_t f = spin_lock_irqsave(&s->wait_lock);

	rwsem_grant_locked(s);
	spin_unlock_irqrestore(&s->wait_lock, f);
}

/* One attempt without queueing past waiters; wait_lock held. */
static bool rwsem_try_locked(struct rwsem *s, bool writer)
{
	s64 c = READ_ONCE(s->count);

	while (list_empty(&s->waiters)) {
		if (writer ? c & ~RWSEM_WAITERS : c & RWSEM_WRITER)
			return false;
		if (try_cmpxchg(&s->count, &c, c + (writer ? RWSEM_WRITER : RWSEM_READER)))
			return true;
	}
	return false;
}

static int rwsem_wait(struct rwsem *s, bool writer, unsigned int state)
{
	struct rwsem_waiter w = { .task = current, .writer = writer };
	irqflags_t f = spin_lock_irqsave(&s->wait_lock);
	int rc = 0;

	if (rwsem_try_locked(s, writer))
		goto out;
	list_add_tail(&w.node, &s->waiters);
	__atomic_fetch_or(&s->count, RWSEM_WAITERS, __ATOMIC_SEQ_CST);
	/* The last holder may have gone between the attempt and the bit, without seeing it. */
	rwsem_grant_locked(s);
	for (;;) {
		set_current_state(state);
		if (w.granted)
			break;
		if (signal_pending_state(state)) {
			list_del(&w.node);
			rwsem_grant_locked(s); /* those behind may have waited only for us */
			rc = -EINTR;
			break;
		}
		spin_unlock_irqrestore(&s->wait_lock, f);
		schedule();
		f = spin_lock_irqsave(&s->wait_lock);
	}
	__set_current_state(TASK_RUNNING);
out:
	spin_unlock_irqrestore(&s->wait_lock, f);
	return rc;
}

static void drop_reader(struct rwsem *s)
{
	s64 c = __atomic_sub_fetch(&s->count, RWSEM_READER, __ATOMIC_SEQ_CST);

	if (unlikely(c == RWSEM_WAITERS))
		rwsem_wake(s);
}

static bool read_try(struct rwsem *s)
{
	s64 c = __atomic_fetch_add(&s->count, RWSEM_READER, __ATOMIC_SEQ_CST);

	if (likely(!(c & (RWSEM_WRITER | RWSEM_WAITERS))))
		return true;
	drop_reader(s);
	return false;
}

static bool write_try(struct rwsem *s)
{
	s64 c = 0;

	return try_cmpxchg(&s->count, &c, RWSEM_WRITER);
}

static int rwsem_lock(struct rwsem *s, bool writer, unsigned int state, bool nested,
		      const void *where)
{
	int rc = 0;

	might_sleep();
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_acquire(&s->dbg, nested, !writer, where);
	if (unlikely(!(writer ? write_try(s) : read_try(s))))
		rc = rwsem_wait(s, writer, state);
	if (IS_ENABLED(CONFIG_LOCKDEP) && rc)
		lockdep_release(&s->dbg);
	return rc;
}

void down_read(struct rwsem *s) NO_LOCK_ANALYSIS
{
	rwsem_lock(s, false, TASK_UNINTERRUPTIBLE, false, __builtin_return_address(0));
}

int down_read_killable(struct rwsem *s)
{
	return rwsem_lock(s, false, TASK_KILLABLE, false, __builtin_return_address(0));
}

bool down_read_trylock(struct rwsem *s) NO_LOCK_ANALYSIS
{
	if (!read_try(s))
		return false;
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_acquire_tried(&s->dbg, true, __builtin_return_address(0));
	return true;
}

void up_read(struct rwsem *s) NO_LOCK_ANALYSIS
{
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_release(&s->dbg);
	drop_reader(s);
}

void down_write(struct rwsem *s) NO_LOCK_ANALYSIS
{
	rwsem_lock(s, true, TASK_UNINTERRUPTIBLE, false, __builtin_return_address(0));
}

void down_write_nested(struct rwsem *s) NO_LOCK_ANALYSIS
{
	rwsem_lock(s, true, TASK_UNINTERRUPTIBLE, true, __builtin_return_address(0));
}

int down_write_killable(struct rwsem *s)
{
	return rwsem_lock(s, true, TASK_KILLABLE, false, __builtin_return_address(0));
}

bool down_write_trylock(struct rwsem *s) NO_LOCK_ANALYSIS
{
	if (!write_try(s))
		return false;
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_acquire_tried(&s->dbg, false, __builtin_return_address(0));
	return true;
}

void up_write(struct rwsem *s) NO_LOCK_ANALYSIS
{
	s64 c;

	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_release(&s->dbg);
	c = __atomic_sub_fetch(&s->count, RWSEM_WRITER, __ATOMIC_SEQ_CST);
	if (unlikely(c & RWSEM_WAITERS))
		rwsem_wake(s);
}

/* The writer becomes a reader without letting another writer in between. */
void downgrade_write(struct rwsem *s)
{
	s64 c = __atomic_add_fetch(&s->count, RWSEM_READER - RWSEM_WRITER, __ATOMIC_SEQ_CST);

	if (unlikely(c & RWSEM_WAITERS))
		rwsem_wake(s);
}
