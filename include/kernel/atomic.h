/* SPDX-License-Identifier: MIT */
/* Atomic counters, bit operations, barriers, reference counts. All read-modify-write operations
 * are fully ordered (x86 LOCK). */
#ifndef KERNEL_ATOMIC_H
#define KERNEL_ATOMIC_H

#include <kernel/compiler.h>
#include <kernel/types.h>

#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define rcu_dereference(p) ((__typeof__(p))__atomic_load_n(&(p), __ATOMIC_CONSUME))
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)

#define xchg(p, v) __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
/* Returns the value found; equal to `old` when the exchange happened. */
#define cmpxchg(p, old, new)                                                                       \
	({                                                                                         \
		__typeof__(*(p)) cx_old = (old);                                                   \
		__atomic_compare_exchange_n(p, &cx_old, new, false, __ATOMIC_SEQ_CST,              \
					    __ATOMIC_SEQ_CST);                                     \
		cx_old;                                                                            \
	})
#define try_cmpxchg(p, oldp, new)                                                                  \
	__atomic_compare_exchange_n(p, oldp, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

typedef struct {
	int v;
} atomic_t;
typedef struct {
	s64 v;
} atomic64_t;

#define ATOMIC_INIT(n) { .v = (n) }

#define DEFINE_ATOMIC_OPS(T, name, prim)                                                           \
	static inline prim name##_read(const T *a)                                                 \
	{                                                                                          \
		return __atomic_load_n(&a->v, __ATOMIC_RELAXED);                                   \
	}                                                                                          \
	static inline void name##_set(T *a, prim n)                                                \
	{                                                                                          \
		__atomic_store_n(&a->v, n, __ATOMIC_RELAXED);                                      \
	}                                                                                          \
	static inline void name##_add(T *a, prim n)                                                \
	{                                                                                          \
		__atomic_fetch_add(&a->v, n, __ATOMIC_SEQ_CST);                                    \
	}                                                                                          \
	static inline void name##_sub(T *a, prim n)                                                \
	{                                                                                          \
		__atomic_fetch_sub(&a->v, n, __ATOMIC_SEQ_CST);                                    \
	}                                                                                          \
	static inline void name##_inc(T *a)                                                        \
	{                                                                                          \
		name##_add(a, 1);                                                                  \
	}                                                                                          \
	static inline void name##_dec(T *a)                                                        \
	{                                                                                          \
		name##_sub(a, 1);                                                                  \
	}                                                                                          \
	static inline prim name##_add_return(T *a, prim n)                                         \
	{                                                                                          \
		return __atomic_add_fetch(&a->v, n, __ATOMIC_SEQ_CST);                             \
	}                                                                                          \
	static inline prim name##_sub_return(T *a, prim n)                                         \
	{                                                                                          \
		return __atomic_sub_fetch(&a->v, n, __ATOMIC_SEQ_CST);                             \
	}                                                                                          \
	static inline bool name##_dec_and_test(T *a)                                               \
	{                                                                                          \
		return __atomic_sub_fetch(&a->v, 1, __ATOMIC_SEQ_CST) == 0;                        \
	}                                                                                          \
	static inline prim name##_xchg(T *a, prim n)                                               \
	{                                                                                          \
		return __atomic_exchange_n(&a->v, n, __ATOMIC_SEQ_CST);                            \
	}                                                                                          \
	static inline prim name##_cmpxchg(T *a, prim old, prim new)                                \
	{                                                                                          \
		return cmpxchg(&a->v, old, new);                                                   \
	}                                                                                          \
	/* Adds 1 unless the value is 0; tells whether it did. */                                  \
	static inline bool name##_inc_not_zero(T *a)                                               \
	{                                                                                          \
		prim o = name##_read(a);                                                           \
		while (o != 0)                                                                     \
			if (try_cmpxchg(&a->v, &o, o + 1))                                         \
				return true;                                                       \
		return false;                                                                      \
	}

DEFINE_ATOMIC_OPS(atomic_t, atomic, int)
DEFINE_ATOMIC_OPS(atomic64_t, atomic64, s64)

/* Bit n of an array of unsigned long, atomically. */
static inline void set_bit(unsigned long n, unsigned long *p)
{
	__atomic_fetch_or(&p[n / 64], 1ul << (n % 64), __ATOMIC_SEQ_CST);
}
static inline void clear_bit(unsigned long n, unsigned long *p)
{
	__atomic_fetch_and(&p[n / 64], ~(1ul << (n % 64)), __ATOMIC_SEQ_CST);
}
static inline bool test_bit(unsigned long n, const unsigned long *p)
{
	return (READ_ONCE(p[n / 64]) >> (n % 64)) & 1;
}
static inline bool test_and_set_bit(unsigned long n, unsigned long *p)
{
	unsigned long m = 1ul << (n % 64);

	return __atomic_fetch_or(&p[n / 64], m, __ATOMIC_SEQ_CST) & m;
}
static inline bool test_and_clear_bit(unsigned long n, unsigned long *p)
{
	unsigned long m = 1ul << (n % 64);

	return __atomic_fetch_and(&p[n / 64], ~m, __ATOMIC_SEQ_CST) & m;
}

/* Reference count that saturates instead of wrapping: an overflow leaks, it never frees early. */
typedef struct {
	atomic_t n;
} refcount_t;

#define REFCOUNT_INIT(k) { .n = ATOMIC_INIT(k) }
#define REFCOUNT_SATURATED (-0x40000000)

static inline void refcount_set(refcount_t *r, int n)
{
	atomic_set(&r->n, n);
}
static inline int refcount_read(const refcount_t *r)
{
	return atomic_read(&r->n);
}
static inline void refcount_inc(refcount_t *r)
{
	if (unlikely(atomic_add_return(&r->n, 1) <= 1))
		atomic_set(&r->n, REFCOUNT_SATURATED);
}
static inline bool refcount_inc_not_zero(refcount_t *r)
{
	return atomic_inc_not_zero(&r->n);
}
/* True for the caller that dropped the last reference. */
static inline bool must_check refcount_dec_and_test(refcount_t *r)
{
	int n = atomic_sub_return(&r->n, 1);

	if (unlikely(n < 0))
		atomic_set(&r->n, REFCOUNT_SATURATED);
	return n == 0;
}

#endif
