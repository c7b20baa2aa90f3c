/* SPDX-License-Identifier: MIT */
/* Futexes with priority inheritance.
 *
 * The word holds the owner's thread id, FUTEX_WAITERS when the kernel must be asked to unlock, and
 * FUTEX_OWNER_DIED. While somebody waits there is a struct pi_state for the key: owner and waiters,
 * the most important first. Unlocking hands over: the next owner's id is in the word before it
 * runs.
 *
 * The owner runs at the priority of the most important task that waits for any of its futexes;
 * when it waits itself, that carries over to the owner it waits for, and so on. Only real-time
 * priority is lent.
 *
 * When an owner dies the first waiter is given the futex and, being in an address space where the
 * word is mapped, writes the word itself.
 *
 * Lock: pi_lock (LOCK_FUTEX) for everything here; PI futexes are rare enough for one lock. User
 * words are touched under it with page faults disabled. Lifetime: a pi_state exists while it has
 * waiters; its owner is referenced; waiters live on their tasks' stacks. */
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/slab.h>

#include "futex_internal.h"

#define CHAIN_LIMIT 64

struct pi_state {
	struct list_head node;	  /* pi_states */
	struct futex_key key;
	struct task *owner;	  /* referenced */
	struct list_head waiters; /* by falling priority, then by arrival */
};

struct pi_waiter {
	struct list_head node;
	struct task *task;
	struct pi_state *state; /* NULL once granted or given up */
	int prio;		/* real-time priority when it was queued, 0 for fair tasks */
	bool granted;
	bool write_word;	/* the last owner died and did not */
};

static DEFINE_SPINLOCK(pi_lock, LOCK_FUTEX);
static LIST_HEAD(pi_states);

static struct pi_state *state_find(const struct futex_key *key)
{
	struct pi_state *s;

	list_for_each_entry(s, &pi_states, node)
		if (futex_key_equal(&s->key, key))
			return s;
	return NULL;
}

static struct pi_waiter *first_waiter(struct pi_state *s)
{
	return list_first_entry(&s->waiters, struct pi_waiter, node);
}

/* What t must be lent: the best priority among those who wait for it. */
static int boost_of(const struct task *t)
{
	struct pi_state *s;
	int best = 0;

	list_for_each_entry(s, &pi_states, node)
		if (s->owner == t)
			best = max(best, first_waiter(s)->prio);
	return best;
}

static void waiter_link(struct pi_state *s, struct pi_waiter *w)
{
	struct pi_waiter *at;

	list_for_each_entry(at, &s->waiters, node)
		if (at->prio < w->prio)
			break;
	list_add_tail(&w->node, &at->node);
}

/* Brings the priority of t, and of whom t waits for, up to date. */
static void propagate(struct task *t)
{
	for (int i = 0; i < CHAIN_LIMIT; i++) {
		struct pi_waiter *w = t->pi_blocked;

		sched_set_boost(t, boost_of(t));
		if (!w || !w->state || w->prio == t->eff_prio)
			return;
		w->prio = t->eff_prio;
		list_del(&w->node);
		waiter_link(w->state, w);
		t = w->state->owner;
	}
}

/* Would current wait for itself? */
static bool is_deadlock(const struct task *owner)
{
	for (int i = 0; i < CHAIN_LIMIT && owner; i++) {
		if (owner == current)
			return true;
		if (!owner->pi_blocked || !owner->pi_blocked->state)
			return false;
		owner = owner->pi_blocked->state->owner;
	}
	return true;
}

static void state_free(struct pi_state *s)
{
	struct task *owner = s->owner;

	list_del(&s->node);
	kfree(s);
	propagate(owner);
	task_put(owner);
}

/* Gives s to its first waiter; its task is woken. */
static void hand_over(struct pi_state *s, bool write_word)
{
	struct pi_waiter *w = first_waiter(s);
	struct task *old = s->owner, *new = w->task;

	list_del(&w->node);
	w->state = NULL;
	w->write_word = write_word;
	new->pi_blocked = NULL;
	if (list_empty(&s->waiters)) {
		list_del(&s->node);
		kfree(s);
	} else {
		task_get(new);
		s->owner = new;
		propagate(new);
	}
	propagate(old);
	task_put(old);
	smp_store_release(&w->granted, true);
	/* w is gone from here on; the task stays, for pi_lock is an RCU read section. */
	wake_up_state(new, TASK_NORMAL, false);
}

/* Takes a free word for current. 0 taken, 1 it is not free or changed (*v is new), -errno. */
static int take_free(u64 addr, u32 *v, bool waiters)
{
	u32 new = current->tid | (*v & FUTEX_OWNER_DIED) | (waiters ? FUTEX_WAITERS : 0);
	u32 found;
	int rc;

	if (*v & FUTEX_TID_MASK)
		return 1;
	rc = futex_cmpxchg_nofault(addr, *v, new, &found);
	if (rc || found == *v)
		return rc;
	*v = found;
	return 1;
}

/* The task that owns the word: 0, -ESRCH. Referenced. */
static int find_owner(u32 v, struct task **out)
{
	struct task *t = task_find_get((pid_t)(v & FUTEX_TID_MASK));

	if (!t)
		return -ESRCH;
	if (t->flags & TF_KTHREAD) {
		task_put(t);
		return -EPERM;
	}
	*out = t;
	return 0;
}

/* Queues w behind the owner of the word. pi_lock held; *spare is used when a new state is
 * needed. */
static int queue_waiter(u64 addr, const struct futex_key *key, u32 v, struct pi_waiter *w,
			struct pi_state **spare)
{
	struct pi_state *s = state_find(key);
	struct task *owner;
	u32 found;
	int rc;

	if (!(v & FUTEX_WAITERS)) {
		rc = futex_cmpxchg_nofault(addr, v, v | FUTEX_WAITERS, &found);
		if (rc)
			return rc;
		if (found != v)
			return -EAGAIN;
	}
	if (!s) {
		rc = find_owner(v, &owner);
		if (rc)
			return rc;
		if (owner->flags & TF_EXITING) { /* it may be past futex_pi_exit */
			task_put(owner);
			return -EAGAIN;
		}
		s = *spare;
		*spare = NULL;
		s->key = *key;
		s->owner = owner;
		list_init(&s->waiters);
		list_add(&s->node, &pi_states);
	}
	w->prio = current->eff_prio;
	w->state = s;
	waiter_link(s, w);
	current->pi_blocked = w;
	if (is_deadlock(s->owner)) {
		list_del(&w->node);
		current->pi_blocked = NULL;
		if (list_empty(&s->waiters))
			state_free(s);
		return -EDEADLK;
	}
	propagate(s->owner);
	return 0;
}

/* One attempt: 0 taken; 1 queued; -EAGAIN try again; -EFAULT bring the page in; -EBUSY when w is
 * NULL and somebody has it. */
static int lock_once(u64 addr, const struct futex_key *key, struct pi_waiter *w,
		     struct pi_state **spare)
{
	u32 v;
	int rc = futex_read_nofault(addr, &v);

	if (rc)
		return rc;
	if ((v & FUTEX_TID_MASK) == current->tid)
		return -EDEADLK;
	rc = take_free(addr, &v, state_find(key) != NULL);
	if (rc <= 0)
		return rc;
	if (!(v & FUTEX_TID_MASK))
		return -EAGAIN;
	if (!w)
		return -EBUSY;
	rc = queue_waiter(addr, key, v, w, spare);
	return rc ? rc : 1;
}

/* Stops waiting; false: the futex was granted meanwhile. */
static bool give_up(struct pi_waiter *w)
{
	struct pi_state *s;
	bool granted;

	spin_lock(&pi_lock);
	granted = w->granted;
	if (!granted) {
		s = w->state;
		list_del(&w->node);
		current->pi_blocked = NULL;
		if (list_empty(&s->waiters))
			state_free(s);
		else
			propagate(s->owner);
	}
	spin_unlock(&pi_lock);
	return !granted;
}

/* The dead owner left the word to us. 0 or -EFAULT. */
static int write_word(u64 addr, const struct futex_key *key)
{
	u32 v, found, waiters;
	int rc;

	for (;;) {
		spin_lock(&pi_lock);
		waiters = state_find(key) ? FUTEX_WAITERS : 0;
		rc = futex_read_nofault(addr, &v);
		if (!rc)
			rc = futex_cmpxchg_nofault(
				addr, v, current->tid | waiters | FUTEX_OWNER_DIED, &found);
		spin_unlock(&pi_lock);
		if (!rc && found == v)
			return 0;
		if (rc && futex_fault_in(addr, true))
			return -EFAULT;
	}
}

static int wait_granted(u64 addr, const struct futex_key *key, struct pi_waiter *w,
			const struct futex_timeout *to)
{
	bool timed_out = false;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (smp_load_acquire(&w->granted))
			break;
		if ((timed_out || signal_pending()) && give_up(w)) {
			__set_current_state(TASK_RUNNING);
			return timed_out ? -ETIMEDOUT : -ERESTARTNOINTR;
		}
		if (!READ_ONCE(w->granted))
			timed_out = futex_sleep(to);
	}
	__set_current_state(TASK_RUNNING);
	return w->write_word ? write_word(addr, key) : 0;
}

/* Locks; w NULL: only tries. */
static int do_lock(u64 addr, bool shared, const struct futex_timeout *to, struct pi_waiter *w)
{
	struct pi_state *spare = NULL;
	struct futex_key key;
	int rc;

	for (;;) {
		rc = futex_key_get(addr, shared, &key);
		if (rc)
			break;
		if (w && !spare) {
			spare = kmalloc(sizeof(*spare), GFP_KERNEL);
			if (!spare)
				return -ENOMEM;
		}
		spin_lock(&pi_lock);
		rc = lock_once(addr, &key, w, &spare);
		spin_unlock(&pi_lock);
		if (rc == -EFAULT) {
			rc = futex_fault_in(addr, true);
			if (rc)
				break;
		} else if (rc == -EAGAIN) {
			if (signal_pending()) {
				rc = -ERESTARTNOINTR;
				break;
			}
			cond_resched();
		} else {
			break;
		}
	}
	kfree(spare);
	return rc == 1 ? wait_granted(addr, &key, w, to) : rc;
}

int futex_lock_pi(u64 addr, bool shared, const struct futex_timeout *to)
{
	struct pi_waiter w = { .task = current };

	return do_lock(addr, shared, to, &w);
}

int futex_trylock_pi(u64 addr, bool shared)
{
	int rc = do_lock(addr, shared, NULL, NULL);

	return rc == -EBUSY ? -EWOULDBLOCK : rc;
}

/* pi_lock held: 0, -EPERM, -EAGAIN, -EFAULT. */
static int unlock_once(u64 addr, const struct futex_key *key)
{
	struct pi_state *s;
	u32 v, new = 0, found;
	int rc = futex_read_nofault(addr, &v);

	if (rc)
		return rc;
	if ((v & FUTEX_TID_MASK) != current->tid)
		return -EPERM;
	s = state_find(key);
	if (s) {
		if (s->owner != current)
			return -EINVAL;
		new = first_waiter(s)->task->tid;
		if (!list_is_singular(&s->waiters))
			new |= FUTEX_WAITERS;
	}
	rc = futex_cmpxchg_nofault(addr, v, new, &found);
	if (rc)
		return rc;
	if (found != v)
		return -EAGAIN;
	if (s)
		hand_over(s, false);
	return 0;
}

int futex_unlock_pi(u64 addr, bool shared)
{
	struct futex_key key;
	int rc;

	for (;;) {
		rc = futex_key_get(addr, shared, &key);
		if (rc)
			return rc;
		spin_lock(&pi_lock);
		rc = unlock_once(addr, &key);
		spin_unlock(&pi_lock);
		if (rc == -EFAULT)
			rc = futex_fault_in(addr, true) ? -EFAULT : -EAGAIN;
		if (rc != -EAGAIN)
			return rc;
	}
}

void futex_pi_exit(struct task *t)
{
	struct pi_state *s;
	bool found;

	if (list_empty(&pi_states))
		return;
	do {
		found = false;
		spin_lock(&pi_lock);
		list_for_each_entry(s, &pi_states, node) {
			if (s->owner == t) {
				hand_over(s, true);
				found = true;
				break;
			}
		}
		spin_unlock(&pi_lock);
	} while (found);
}
