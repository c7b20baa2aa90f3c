/* SPDX-License-Identifier: MIT */
/* Spinlocks, mutexes, reader/writer semaphores, sequence counters.
 *
 * Spinlocks disable preemption while held. Test-and-test-and-set: a queue lock hands the lock to a
 * waiter whose virtual CPU may not be running. Taken from interrupt handlers too? Then every taker
 * uses the _irqsave or _irq form. Under a spinlock: no sleep, no user copy, no waiting allocation.
 *
 * Each lock names its class of kernel/lock_order.h when it is initialised; debug builds
 * (CONFIG_LOCKDEP) check rank, double locking, unlock by another task, and sleeping in atomic. The
 * annotation macros are clang's thread-safety attributes and cost nothing. */
#ifndef KERNEL_LOCK_H
#define KERNEL_LOCK_H

#include <arch/irqflags.h>
#include <kernel/assert.h>
#include <kernel/atomic.h>
#include <kernel/list.h>
#include <kernel/lock_order.h>
#include <kernel/preempt.h>

#if defined(__clang__)
#define CAPABILITY(x) __attribute__((capability(x)))
#define ACQUIRES(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define ACQUIRES_SHARED(...) __attribute__((acquire_shared_capability(__VA_ARGS__)))
#define RELEASES(...) __attribute__((release_capability(__VA_ARGS__)))
#define RELEASES_GENERIC(...) __attribute__((release_generic_capability(__VA_ARGS__)))
#define TRY_ACQUIRES(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define MUST_HOLD(...) __attribute__((requires_capability(__VA_ARGS__)))
#define MUST_HOLD_SHARED(...) __attribute__((requires_shared_capability(__VA_ARGS__)))
/* For functions that the analysis cannot follow: a lock taken on a condition, two of a kind, one
 * handed over to or from a caller, one that is given up while waiting. */
#define NO_LOCK_ANALYSIS __attribute__((no_thread_safety_analysis))
#else
#define CAPABILITY(x)
#define ACQUIRES(...)
#define ACQUIRES_SHARED(...)
#define RELEASES(...)
#define RELEASES_GENERIC(...)
#define TRY_ACQUIRES(...)
#define MUST_HOLD(...)
#define MUST_HOLD_SHARED(...)
#define NO_LOCK_ANALYSIS
#endif

struct task;

/* Debug state of a lock: absent otherwise. */
struct lock_debug {
#if IS_ENABLED(CONFIG_LOCKDEP)
	u16 class;
	const struct task *owner;
	const void *where;
#endif
};
#if IS_ENABLED(CONFIG_LOCKDEP)
#define LOCK_DEBUG_INIT(cls) { .class = (cls) }
#else
#define LOCK_DEBUG_INIT(cls) { }
#endif

/* src/sync/lockdep.c; called only with CONFIG_LOCKDEP. nested: same class allowed. */
void lockdep_acquire(struct lock_debug *d, bool nested, bool shared, const void *where);
void lockdep_acquire_tried(struct lock_debug *d, bool shared, const void *where); /* trylock */
void lockdep_release(struct lock_debug *d);
bool lockdep_held(const struct lock_debug *d);
/* Reports when current holds any lock: at exit and on the way to user mode. */
void lockdep_none_held(const char *where);
void lockdep_task_init(struct task *t); /* a new task holds none */

struct CAPABILITY("spinlock") spinlock {
	u32 locked;
	struct lock_debug dbg;
};

#define SPINLOCK_INIT(cls) { .locked = 0, .dbg = LOCK_DEBUG_INIT(cls) }
#define DEFINE_SPINLOCK(name, cls) struct spinlock name = SPINLOCK_INIT(cls)

static inline void spin_lock_init(struct spinlock *l, enum lock_class cls __maybe_unused)
{
	*l = (struct spinlock)SPINLOCK_INIT(cls);
}

void spin_lock_contended(struct spinlock *l);

static __always_inline void spin_acquire(struct spinlock *l, bool nested) NO_LOCK_ANALYSIS
{
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_acquire(&l->dbg, nested, false, __builtin_return_address(0));
	if (unlikely(__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)))
		spin_lock_contended(l);
}
static __always_inline void spin_release(struct spinlock *l) NO_LOCK_ANALYSIS
{
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_release(&l->dbg);
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
}

static __always_inline void spin_lock(struct spinlock *l) ACQUIRES(l) NO_LOCK_ANALYSIS
{
	preempt_disable();
	spin_acquire(l, false);
}
static __always_inline void spin_lock_nested(struct spinlock *l) ACQUIRES(l) NO_LOCK_ANALYSIS
{
	preempt_disable();
	spin_acquire(l, true);
}
static __always_inline void spin_unlock(struct spinlock *l) RELEASES(l) NO_LOCK_ANALYSIS
{
	spin_release(l);
	preempt_enable();
}
static __always_inline bool spin_trylock(struct spinlock *l) TRY_ACQUIRES(true, l) NO_LOCK_ANALYSIS
{
	preempt_disable();
	if (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)) {
		preempt_enable();
		return false;
	}
	if (IS_ENABLED(CONFIG_LOCKDEP))
		lockdep_acquire_tried(&l->dbg, false, __builtin_return_address(0));
	return true;
}
static __always_inline irqflags_t spin_lock_irqsave(struct spinlock *l) ACQUIRES(l) NO_LOCK_ANALYSIS
{
	irqflags_t f = irq_save();

	preempt_disable();
	spin_acquire(l, false);
	return f;
}
static __always_inline void spin_unlock_irqrestore(struct spinlock *l, irqflags_t f)
	RELEASES(l) NO_LOCK_ANALYSIS
{
	spin_release(l);
	irq_restore(f);
	preempt_enable();
}
static __always_inline void spin_lock_irq(struct spinlock *l) ACQUIRES(l) NO_LOCK_ANALYSIS
{
	irq_disable();
	preempt_disable();
	spin_acquire(l, false);
}
static __always_inline void spin_unlock_irq(struct spinlock *l) RELEASES(l) NO_LOCK_ANALYSIS
{
	spin_release(l);
	irq_enable();
	preempt_enable();
}
#define lock_assert_held(l) ASSERT(!IS_ENABLED(CONFIG_LOCKDEP) || lockdep_held(&(l)->dbg))

/* Sleeping mutual exclusion; not for interrupt context. FIFO hand-over under contention. */
struct CAPABILITY("mutex") mutex {
	u64 owner; /* A: task pointer | 1 when there are waiters; 0 free */
	struct spinlock wait_lock;
	struct list_head waiters; /* wait_lock */
	struct lock_debug dbg;
};
#define MUTEX_INIT(name, cls)                                                                      \
	{                                                                                          \
		.wait_lock = SPINLOCK_INIT(LOCK_WAITQUEUE),                                        \
		.waiters = { &(name).waiters, &(name).waiters }, .dbg = LOCK_DEBUG_INIT(cls)       \
	}
#define DEFINE_MUTEX(name, cls) struct mutex name = MUTEX_INIT(name, cls)

void mutex_init(struct mutex *m, enum lock_class cls);
void mutex_lock(struct mutex *m) ACQUIRES(m);
void mutex_lock_nested(struct mutex *m) ACQUIRES(m);
/* 0, or -EINTR when a signal is pending (killable: a fatal one). */
int must_check mutex_lock_interruptible(struct mutex *m) TRY_ACQUIRES(0, m);
int must_check mutex_lock_killable(struct mutex *m) TRY_ACQUIRES(0, m);
bool mutex_trylock(struct mutex *m) TRY_ACQUIRES(true, m);
void mutex_unlock(struct mutex *m) RELEASES(m);
bool mutex_is_locked(const struct mutex *m);

/* Sleeping reader/writer lock; writers are not starved: a waiting writer holds back new readers. */
struct CAPABILITY("rwsem") rwsem {
	s64 count; /* A: readers << 1, or 1 write-held; bit 62 set while somebody waits */
	struct spinlock wait_lock;
	struct list_head waiters; /* wait_lock */
	struct lock_debug dbg;
};
#define RWSEM_INIT(name, cls)                                                                      \
	{                                                                                          \
		.wait_lock = SPINLOCK_INIT(LOCK_WAITQUEUE),                                        \
		.waiters = { &(name).waiters, &(name).waiters }, .dbg = LOCK_DEBUG_INIT(cls)       \
	}
void rwsem_init(struct rwsem *s, enum lock_class cls);
void down_read(struct rwsem *s) ACQUIRES_SHARED(s);
bool down_read_trylock(struct rwsem *s) TRY_ACQUIRES(true, s);
int must_check down_read_killable(struct rwsem *s);
void up_read(struct rwsem *s) RELEASES_GENERIC(s);
void down_write(struct rwsem *s) ACQUIRES(s);
void down_write_nested(struct rwsem *s) ACQUIRES(s);
bool down_write_trylock(struct rwsem *s) TRY_ACQUIRES(true, s);
int must_check down_write_killable(struct rwsem *s) TRY_ACQUIRES(0, s);
void up_write(struct rwsem *s) RELEASES(s);
void downgrade_write(struct rwsem *s);

/* Sequence counter: readers retry, writers are serialised by another lock. */
struct seqcount {
	u32 seq;
};
static inline u32 read_seqbegin(const struct seqcount *s)
{
	u32 v;

	while (unlikely((v = smp_load_acquire(&s->seq)) & 1))
		__builtin_ia32_pause();
	return v;
}
static inline bool read_seqretry(const struct seqcount *s, u32 start)
{
	smp_rmb();
	return unlikely(READ_ONCE(s->seq) != start);
}
static inline void write_seqbegin(struct seqcount *s)
{
	WRITE_ONCE(s->seq, s->seq + 1);
	smp_wmb();
}
static inline void write_seqend(struct seqcount *s)
{
	smp_store_release(&s->seq, s->seq + 1);
}

#endif
