/* SPDX-License-Identifier: MIT */
/* Mutexes.
 *
 * owner holds the task that has the mutex, with MUTEX_WAITERS in bit 0 while somebody is queued.
 * Uncontended lock and unlock are one compare-and-exchange each. The flag changes only under
 * wait_lock, and while it is set the owner cannot leave by the fast path, so under wait_lock a word
 * with the flag is stable.
 *
 * Under contention the mutex is handed over: unlock writes the first waiter into owner before it
 * wakes it. So a waiter is never overtaken by one that comes later, at the price of a switch per
 * hand-over; spinning on a running owner before queueing makes that rare.
 *
 * Lifetime: a waiter lives on its task's stack, linked under wait_lock; the unlocker touches it
 * only under wait_lock. The last unlocker may touch wait_lock after the new owner runs, so an
 * object must not be freed merely because its mutex could be taken. */
#include <kernel/errno.h>
#include <kernel/lock.h>
#include <kernel/sched.h>
#include <kernel/signal.h>

#define MUTEX_WAITERS 1ull
#define MUTEX_SPINS 200

struct mutex_waiter {
	struct list_head node;
	struct task *task;
};

static struct task *owner_task(u64 owner)
{
	return (struct task *)(owner & ~MUTEX_WAITERS);
}

void mutex_init(struct mutex *m, enum lock_class cls __maybe_unused)
{
	m->owner = 0;
	spin_lock_init(&m->wait_lock, LOCK_WAITQUEUE);
	list_init(&m->waiters);
	m->dbg = (struct lock_debug)LOCK_DEBUG_INIT(cls);
}

static bool mutex_try(struct mutex *m)
{
	u64 free = 0;

	return __atomic_compare_exchange_n(&m->owner, &free, (u64)current, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/* Waits a moment for an owner that is running and nobody is queued for. */
static bool mutex_spin(struct mutex *m)
{
	if (cpu_online_count == 1)
		return false;
	for (int i = 0; i < MUTEX_SPINS && !need_resched(); i++) {
		u64 o = READ_ONCE(m->owner);

		if (!o && mutex_try(m))
			return true;
		if (o & MUTEX_WAITERS)
			return false;
		/* Tasks are freed by RCU, and RCU readers are regions with preemption off. */
		preempt_disable();
		o = READ_ONCE(m->owner);
		bool running = !o || READ_ONCE(owner_task(o)->on_cpu);
		preempt_enable();
		if (!running)
			return false;
		__builtin_ia32_pause();
	}
	return false;
}

/* Queues w, or takes the mutex when it became free. wait_lock held. True: taken. */
static bool mutex_enqueue(struct mutex *m, struct mutex_waiter *w)
{
	u64 o = READ_ONCE(m->owner);

	for (;;) {
		u64 new = o ? o | MUTEX_WAITERS : (u64)current;

		if (try_cmpxchg(&m->owner, &o, new)) {
			if (!o)
				return true;
			break;
		}
	}
	list_add_tail(&w->node, &m->waiters);
	return false;
}

static int mutex_lock_slow(struct mutex *m, unsigned int state)
{
	struct mutex_waiter w = { .task = current };
	irqflags_t f;
	int rc = 0;

	if (mutex_spin(m))
		return 0;
	f = spin_lock_irqsave(&m->wait_lock);
	if (mutex_enqueue(m, &w))
		goto out;
	for (;;) {
		set_current_state(state);
		if (owner_task(m->owner) == current)
			break;
		if (signal_pending_state(state)) {
			list_del(&w.node);
			if (list_empty(&m->waiters))
				__atomic_fetch_and(&m->owner, ~MUTEX_WAITERS, __ATOMIC_RELEASE);
			rc = -EINTR;
			break;
		}
		spin_unlock_irqrestore(&m->wait_lock, f);
		schedule();
		f = spin_lock_irqsave(&m->wait_lock);
	}
	__set_current_state(TASK_RUNNING);
out:
	spin_unlock_irqrestore(&m->wait_lock, f);
	return rc;
}

static int mutex_lock_common(struct mutex *m, unsigned int state, bool nested, const void *where)
{
	int rc = 0;

	might_sleep();
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_acquire(&m->dbg, nested, false, where);
	if (unlikely(!mutex_try(m)))
		rc = mutex_lock_slow(m, state);
	if (IS_ENABLED(CONFIG_LOCKDEP) && rc)
		lockdep_release(&m->dbg);
	return rc;
}

void mutex_lock(struct mutex *m) NO_LOCK_ANALYSIS
{
	mutex_lock_common(m, TASK_UNINTERRUPTIBLE, false, __builtin_return_address(0));
}

void mutex_lock_nested(struct mutex *m) NO_LOCK_ANALYSIS
{
	mutex_lock_common(m, TASK_UNINTERRUPTIBLE, true, __builtin_return_address(0));
}

int mutex_lock_interruptible(struct mutex *m) NO_LOCK_ANALYSIS
{
	return mutex_lock_common(m, TASK_INTERRUPTIBLE, false, __builtin_return_address(0));
}

int mutex_lock_killable(struct mutex *m) NO_LOCK_ANALYSIS
{
	return mutex_lock_common(m, TASK_KILLABLE, false, __builtin_return_address(0));
}

bool mutex_trylock(struct mutex *m) NO_LOCK_ANALYSIS
{
	if (!mutex_try(m))
		return false;
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_acquire_tried(&m->dbg, false, __builtin_return_address(0));
	return true;
}

static noinline void mutex_unlock_slow(struct mutex *m)
{
	irqflags_t f = spin_lock_irqsave(&m->wait_lock);
	struct mutex_waiter *w;
	struct task *t;

	ASSERT(owner_task(m->owner) == current);
	if (list_empty(&m->waiters)) { /* the last waiter gave up after we looked */
		__atomic_store_n(&m->owner, 0, __ATOMIC_RELEASE);
	} else {
		w = list_first_entry(&m->waiters, struct mutex_waiter, node);
		t = w->task;
		list_del(&w->node);
		__atomic_store_n(&m->owner,
				 (u64)t | (list_empty(&m->waiters) ? 0 : MUTEX_WAITERS),
				 __ATOMIC_RELEASE);
		wake_up_state(t, TASK_NORMAL, false);
	}
	spin_unlock_irqrestore(&m->wait_lock, f);
}

void mutex_unlock(struct mutex *m) NO_LOCK_ANALYSIS
{
	u64 mine = (u64)current;

	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_release(&m->dbg);
	if (unlikely(!__atomic_compare_exchange_n(&m->owner, &mine, 0, false, __ATOMIC_RELEASE,
						  __ATOMIC_RELAXED)))
		mutex_unlock_slow(m);
}

bool mutex_is_locked(const struct mutex *m)
{
	return READ_ONCE(m->owner) != 0;
}
