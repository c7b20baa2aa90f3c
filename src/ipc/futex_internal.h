/* SPDX-License-Identifier: MIT */
/* Between the files of the futex code; see futex.c. */
#ifndef FUTEX_INTERNAL_H
#define FUTEX_INTERNAL_H

#include <kernel/lock.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/types.h>

#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID_MASK 0x3fffffffu
#define FUTEX_ANY_BIT 0xffffffffu

struct futex_bucket {
	struct spinlock lock;	  /* LOCK_FUTEX */
	u32 waiters;		  /* A: entries queued or about to be, under any key */
	struct list_head list;	  /* lock: first come, first served */
} __cacheline_aligned;

/* On the waiting task's stack. */
struct futex_waiter {
	struct list_head node;	     /* bucket's lock */
	struct task *task;
	struct futex_key key;	     /* bucket's lock: requeueing changes it */
	struct futex_bucket *bucket; /* A: NULL once woken, after which the waiter may be gone */
	u32 bitset;
};

/* When to give up waiting. */
struct futex_timeout {
	u64 deadline; /* ns; 0: never */
	bool real;    /* of CLOCK_REALTIME, else of CLOCK_MONOTONIC */
};

/* Key of a user address of current: 0, -EINVAL when not aligned, -EFAULT. May sleep when shared. */
int futex_key_get(u64 addr, bool shared, struct futex_key *key);
struct futex_bucket *futex_bucket_of(const struct futex_key *key);
static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->offset == b->offset && a->object == b->object;
}
/* Announces a waiter and locks the bucket; undone by futex_unqueue_lock. */
static inline void futex_queue_lock(struct futex_bucket *b) ACQUIRES(&b->lock)
{
	__atomic_fetch_add(&b->waiters, 1, __ATOMIC_SEQ_CST);
	spin_lock(&b->lock);
}
static inline void futex_queue_unlock(struct futex_bucket *b) RELEASES(&b->lock)
{
	spin_unlock(&b->lock);
	__atomic_fetch_sub(&b->waiters, 1, __ATOMIC_SEQ_CST);
}
/* Takes w off its queue if it is still on one: false when it was woken. */
bool futex_unqueue(struct futex_waiter *w);
/* Sleeps once; the task state is set. True: the deadline passed. */
bool futex_sleep(const struct futex_timeout *to);

/* Faults disabled: the value, or -EFAULT. */
int futex_read_nofault(u64 addr, u32 *v);
/* Makes the page of a user word present and writable: 0 or -EFAULT. May sleep. */
int futex_fault_in(u64 addr, bool write);
int futex_cmpxchg_nofault(u64 addr, u32 old, u32 new, u32 *found);

int futex_wake(u64 addr, bool shared, int nr, u32 bitset);

/* futex_pi.c */
int futex_lock_pi(u64 addr, bool shared, const struct futex_timeout *to);
int futex_trylock_pi(u64 addr, bool shared);
int futex_unlock_pi(u64 addr, bool shared);
/* The dead owner of a PI futex hands it on; from the robust list. */
void futex_pi_exit(struct task *t);

#endif
