/* SPDX-License-Identifier: MIT */
/* Futexes: waiting for a word of user memory to change.
 *
 * A key names the word: the address space and the address for private futexes, what backs the
 * page for shared ones. Keys are hashed to buckets, each with a lock and a list of waiters.
 *
 * No wake-up is lost: a waiter announces itself in bucket.waiters, takes the lock, compares the
 * word, and is on the list before it drops the lock. A waker changed the word before the call; it
 * looks at bucket.waiters with a full barrier before, and if it sees none, the waiter's comparison
 * comes after the change.
 *
 * User memory is read under the bucket lock with page faults disabled; when that fails, the lock is
 * dropped, the page is brought in, and everything starts again.
 *
 * A waiter that is woken finds bucket NULL. The waker touches the task behind that store only under
 * the lock, that is inside an RCU read section, so the task is still there.
 *
 * Lock order: bucket locks in address order, then what waking takes. */
#include <kernel/errno.h>
#include <kernel/hash.h>
#include <kernel/init.h>
#include <kernel/proc.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#include "futex_internal.h"

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_LOCK_PI2 13
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_CMD_MASK (~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME))

#define HASH_BITS 8
static struct futex_bucket buckets[1 << HASH_BITS];

static int futex_init(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(buckets); i++) {
		spin_lock_init(&buckets[i].lock, LOCK_FUTEX);
		list_init(&buckets[i].list);
	}
	return 0;
}
INIT_HOOK(INIT_CORE, futex_init);

/* --- keys, buckets, user words --- */

int futex_key_get(u64 addr, bool shared, struct futex_key *key)
{
	if (unlikely(addr % sizeof(u32)))
		return -EINVAL;
	if (unlikely(!user_range_ok(USER_PTR(addr), sizeof(u32))))
		return -EFAULT;
	if (shared)
		return mm_futex_key(addr, true, key);
	key->object = (u64)current->mm;
	key->offset = addr;
	return 0;
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
	return &buckets[hash_64(key->object + key->offset, HASH_BITS)];
}

static void lock_two(struct futex_bucket *a, struct futex_bucket *b) NO_LOCK_ANALYSIS
{
	if (a > b)
		swap(a, b);
	spin_lock(&a->lock);
	if (a != b)
		spin_lock_nested(&b->lock);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b) NO_LOCK_ANALYSIS
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

int futex_read_nofault(u64 addr, u32 *v)
{
	int rc;

	pagefault_disable();
	rc = get_user_u32(v, USER_PTR(addr));
	pagefault_enable();
	return rc;
}

int futex_cmpxchg_nofault(u64 addr, u32 old, u32 new, u32 *found)
{
	int rc;

	pagefault_disable();
	rc = user_cmpxchg_u32(USER_PTR(addr), old, new, found);
	pagefault_enable();
	return rc;
}

int futex_fault_in(u64 addr, bool write)
{
	u32 v, found;
	int rc = get_user_u32(&v, USER_PTR(addr));

	/* An exchange of a value for itself makes the page writable without changing it. */
	if (!rc && write)
		rc = user_cmpxchg_u32(USER_PTR(addr), v, v, &found);
	return rc;
}

/* --- waiting --- */

bool futex_unqueue(struct futex_waiter *w)
{
	struct futex_bucket *b;

	while ((b = smp_load_acquire(&w->bucket)) != NULL) {
		spin_lock(&b->lock);
		if (likely(b == w->bucket)) {
			list_del(&w->node);
			futex_queue_unlock(b);
			return true;
		}
		spin_unlock(&b->lock); /* requeued in between */
	}
	return false;
}

bool futex_sleep(const struct futex_timeout *to)
{
	if (to->real)
		return schedule_deadline_real(to->deadline);
	return schedule_deadline(to->deadline);
}

/* Puts w on the queue of addr if the word still is val. 0 queued, with the task state set. */
static int wait_setup(u64 addr, bool shared, u32 val, struct futex_waiter *w)
{
	struct futex_bucket *b;
	u32 now;
	int rc;

	for (;;) {
		rc = futex_key_get(addr, shared, &w->key);
		if (rc)
			return rc;
		b = futex_bucket_of(&w->key);
		futex_queue_lock(b);
		rc = futex_read_nofault(addr, &now);
		if (likely(!rc))
			break;
		futex_queue_unlock(b);
		rc = futex_fault_in(addr, false);
		if (rc)
			return rc;
	}
	if (now != val) {
		futex_queue_unlock(b);
		return -EWOULDBLOCK;
	}
	w->bucket = b;
	list_add_tail(&w->node, &b->list);
	set_current_state(TASK_INTERRUPTIBLE);
	spin_unlock(&b->lock);
	return 0;
}

/* 0 woken, -EWOULDBLOCK the word is not val, -ETIMEDOUT, -ERESTARTSYS a signal, -EFAULT,
 * -EINVAL. */
static int futex_wait(u64 addr, bool shared, u32 val, const struct futex_timeout *to, u32 bitset)
{
	struct futex_waiter w = { .task = current, .bitset = bitset };
	bool timed_out;
	int rc;

	if (!bitset)
		return -EINVAL;
	for (;;) {
		rc = wait_setup(addr, shared, val, &w);
		if (rc)
			return rc;
		timed_out = false;
		/* Already woken? Then the state would make us sleep for nothing. */
		if (likely(READ_ONCE(w.bucket)))
			timed_out = futex_sleep(to);
		__set_current_state(TASK_RUNNING);
		if (!futex_unqueue(&w))
			return 0;
		if (timed_out)
			return -ETIMEDOUT;
		if (signal_pending())
			return -ERESTARTSYS;
		/* Woken by something else: the word decides whether to wait again. */
	}
}

enum { RB_ADDR, RB_VAL, RB_FLAGS, RB_BITSET };
#define RB_SHARED 1
#define RB_REAL 2

static long wait_restart(struct restart_block *rb);

static long futex_wait_timed(u64 addr, bool shared, u32 val, const struct futex_timeout *to,
			     u32 bitset)
{
	struct restart_block *rb = &current->restart_block;
	int rc = futex_wait(addr, shared, val, to, bitset);

	if (rc != -ERESTARTSYS || !to->deadline)
		return rc;
	/* A restarted call must not wait for the whole time again. */
	rb->fn = wait_restart;
	rb->deadline = to->deadline;
	rb->arg[RB_ADDR] = addr;
	rb->arg[RB_VAL] = val;
	rb->arg[RB_FLAGS] = (shared ? RB_SHARED : 0) | (to->real ? RB_REAL : 0);
	rb->arg[RB_BITSET] = bitset;
	return -ERESTART_RESTARTBLOCK;
}

static long wait_restart(struct restart_block *rb)
{
	struct futex_timeout to = { rb->deadline, rb->arg[RB_FLAGS] & RB_REAL };

	return futex_wait_timed(rb->arg[RB_ADDR], rb->arg[RB_FLAGS] & RB_SHARED,
				(u32)rb->arg[RB_VAL], &to, (u32)rb->arg[RB_BITSET]);
}

/* --- waking --- */

/* Takes w off b and wakes its task. b locked. */
static void wake_waiter(struct futex_bucket *b, struct futex_waiter *w)
{
	struct task *t = w->task;

	list_del(&w->node);
	__atomic_fetch_sub(&b->waiters, 1, __ATOMIC_SEQ_CST);
	smp_store_release(&w->bucket, NULL);
	/* w is gone from here on. */
	wake_up_state(t, TASK_NORMAL, false);
}

/* Wakes up to nr waiters of key, at least one: as many as Linux does for nr <= 0. b locked. */
static int wake_key(struct futex_bucket *b, const struct futex_key *key, int nr, u32 bitset)
{
	struct futex_waiter *w, *tmp;
	int woken = 0;

	list_for_each_entry_safe(w, tmp, &b->list, node) {
		if (!futex_key_equal(&w->key, key))
			continue;
		if (!(w->bitset & bitset))
			continue;
		wake_waiter(b, w);
		if (++woken >= nr)
			break;
	}
	return woken;
}

/* Number of waiters woken or -errno. */
int futex_wake(u64 addr, bool shared, int nr, u32 bitset)
{
	struct futex_bucket *b;
	struct futex_key key;
	int rc;

	if (!bitset)
		return -EINVAL;
	rc = futex_key_get(addr, shared, &key);
	if (rc)
		return rc;
	b = futex_bucket_of(&key);
	smp_mb();
	if (!READ_ONCE(b->waiters))
		return 0;
	spin_lock(&b->lock);
	rc = wake_key(b, &key, nr, bitset);
	spin_unlock(&b->lock);
	return rc;
}

int futex_wake_user(struct user_ptr uaddr, unsigned int nr)
{
	return futex_wake(uaddr.addr, true, (int)nr, FUTEX_ANY_BIT);
}

/* Moves w from b1 to b2, where it waits for key2. Both locked. */
static void requeue(struct futex_waiter *w, struct futex_bucket *b1, struct futex_bucket *b2,
		    const struct futex_key *key2)
{
	if (b1 != b2) {
		list_move_tail(&w->node, &b2->list);
		__atomic_fetch_add(&b2->waiters, 1, __ATOMIC_SEQ_CST);
		__atomic_fetch_sub(&b1->waiters, 1, __ATOMIC_SEQ_CST);
		smp_store_release(&w->bucket, b2);
	}
	w->key = *key2;
}

static int requeue_locked(struct futex_bucket *b1, const struct futex_key *k1,
			  struct futex_bucket *b2, const struct futex_key *k2, int nr_wake,
			  int nr_requeue)
{
	struct futex_waiter *w, *tmp;
	int done = 0;

	list_for_each_entry_safe(w, tmp, &b1->list, node) {
		if (done - nr_wake >= nr_requeue)
			break;
		if (!futex_key_equal(&w->key, k1))
			continue;
		if (++done <= nr_wake)
			wake_waiter(b1, w);
		else
			requeue(w, b1, b2, k2);
	}
	return done;
}

/* Waiters woken and moved, or -errno; -EAGAIN when the word is not *cmp. */
static int futex_requeue(u64 addr1, bool shared, u64 addr2, int nr_wake, int nr_requeue,
			 const u32 *cmp)
{
	struct futex_bucket *b1, *b2;
	struct futex_key k1, k2;
	u32 now;
	int rc;

	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
	for (;;) {
		rc = futex_key_get(addr1, shared, &k1);
		if (!rc)
			rc = futex_key_get(addr2, shared, &k2);
		if (rc)
			return rc;
		b1 = futex_bucket_of(&k1);
		b2 = futex_bucket_of(&k2);
		lock_two(b1, b2);
		rc = cmp ? futex_read_nofault(addr1, &now) : 0;
		if (likely(!rc))
			break;
		unlock_two(b1, b2);
		rc = futex_fault_in(addr1, false);
		if (rc)
			return rc;
	}
	if (cmp && now != *cmp)
		rc = -EAGAIN;
	else
		rc = requeue_locked(b1, &k1, b2, &k2, nr_wake, nr_requeue);
	unlock_two(b1, b2);
	return rc;
}

/* --- FUTEX_WAKE_OP --- */

static s32 sign12(u32 v)
{
	return (s32)(v << 20) >> 20;
}

static int op_result(unsigned int op, u32 old, s32 arg, u32 *new)
{
	switch (op) {
	case 0:
		*new = (u32)arg;
		return 0;
	case 1:
		*new = old + (u32)arg;
		return 0;
	case 2:
		*new = old | (u32)arg;
		return 0;
	case 3:
		*new = old & ~(u32)arg;
		return 0;
	case 4:
		*new = old ^ (u32)arg;
		return 0;
	default:
		return -ENOSYS;
	}
}

static int op_compare(unsigned int cmp, s32 old, s32 arg)
{
	switch (cmp) {
	case 0:
		return old == arg;
	case 1:
		return old != arg;
	case 2:
		return old < arg;
	case 3:
		return old <= arg;
	case 4:
		return old > arg;
	case 5:
		return old >= arg;
	default:
		return -ENOSYS;
	}
}

/* Performs the encoded operation on the word and the comparison on what it was: 0, 1, or -errno. */
static int wake_op_apply(u32 encoded, u64 addr)
{
	unsigned int op = (encoded >> 28) & 7;
	s32 arg = sign12(encoded >> 12), cmparg = sign12(encoded);
	u32 old, new, found;
	int rc;

	if (encoded & (8u << 28))
		arg = (s32)(1u << (arg & 31));
	rc = futex_read_nofault(addr, &old);
	while (!rc) {
		rc = op_result(op, old, arg, &new);
		if (!rc)
			rc = futex_cmpxchg_nofault(addr, old, new, &found);
		if (rc || found == old)
			break;
		old = found;
	}
	return rc ? rc : op_compare((encoded >> 24) & 15, (s32)old, cmparg);
}

static int futex_wake_op(u64 addr1, bool shared, u64 addr2, int nr1, int nr2, u32 encoded)
{
	struct futex_bucket *b1, *b2;
	struct futex_key k1, k2;
	int rc, cond;

	for (;;) {
		rc = futex_key_get(addr1, shared, &k1);
		if (!rc)
			rc = futex_key_get(addr2, shared, &k2);
		if (rc)
			return rc;
		b1 = futex_bucket_of(&k1);
		b2 = futex_bucket_of(&k2);
		lock_two(b1, b2);
		cond = wake_op_apply(encoded, addr2);
		if (likely(cond != -EFAULT))
			break;
		unlock_two(b1, b2);
		rc = futex_fault_in(addr2, true);
		if (rc)
			return rc;
	}
	rc = cond;
	if (cond >= 0) {
		rc = wake_key(b1, &k1, nr1, FUTEX_ANY_BIT);
		if (cond)
			rc += wake_key(b2, &k2, nr2, FUTEX_ANY_BIT);
	}
	unlock_two(b1, b2);
	return rc;
}

/* --- the system call --- */

/* Reads the timeout of the commands that have one. */
static int get_timeout(int cmd, bool real, struct user_ptr p, struct futex_timeout *to)
{
	struct timespec64 ts;
	u64 ns;
	int rc;

	*to = (struct futex_timeout){ 0 };
	if (user_ptr_is_null(p))
		return 0;
	rc = copy_from_user(&ts, p, sizeof(ts));
	if (rc)
		return rc;
	if (!timespec_to_ns(&ts, &ns))
		return -EINVAL;
	to->real = real || cmd == FUTEX_LOCK_PI;
	/* FUTEX_WAIT's is a duration, the others' a point in time; 0 stands for none. */
	to->deadline = max(cmd == FUTEX_WAIT ? ktime_get() + ns : ns, (u64)1);
	return 0;
}

static bool has_timeout(int cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2 ||
	       cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAIT_REQUEUE_PI;
}

static long futex_rare(int cmd, u64 addr, bool shared, u32 val, struct futex_timeout *to, u32 val2,
		       u64 addr2, u32 val3)
{
	switch (cmd) {
	case FUTEX_REQUEUE:
		return futex_requeue(addr, shared, addr2, (int)val, (int)val2, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(addr, shared, addr2, (int)val, (int)val2, &val3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(addr, shared, addr2, (int)val, (int)val2, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(addr, shared, to);
	case FUTEX_TRYLOCK_PI:
		return futex_trylock_pi(addr, shared);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(addr, shared);
	default:
		return -ENOSYS;
	}
}

SYSCALL(futex, u64, addr, int, op, unsigned int, val, u64, timeout, u64, addr2, unsigned int, val3)
{
	bool shared = !(op & FUTEX_PRIVATE_FLAG), real = op & FUTEX_CLOCK_REALTIME;
	int cmd = op & FUTEX_CMD_MASK, rc;
	struct futex_timeout to = { 0 };

	if (has_timeout(cmd)) {
		rc = get_timeout(cmd, real, USER_PTR(timeout), &to);
		if (rc)
			return rc;
	}
	if (real && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI &&
	    cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		return futex_wait_timed(addr, shared, val, &to, FUTEX_ANY_BIT);
	case FUTEX_WAIT_BITSET:
		return futex_wait_timed(addr, shared, val, &to, val3);
	case FUTEX_WAKE:
		return futex_wake(addr, shared, (int)val, FUTEX_ANY_BIT);
	case FUTEX_WAKE_BITSET:
		return futex_wake(addr, shared, (int)val, val3);
	default:
		return futex_rare(cmd, addr, shared, val, &to, (u32)timeout, addr2, val3);
	}
}
