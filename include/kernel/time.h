/* SPDX-License-Identifier: MIT */
/* Clocks and timers. Times are u64 nanoseconds; CLOCK_MONOTONIC counts from boot. */
#ifndef KERNEL_TIME_H
#define KERNEL_TIME_H

#include <kernel/rbtree.h>
#include <kernel/types.h>

struct timespec64 {
	s64 tv_sec;
	s64 tv_nsec;
};

u64 ktime_get(void);	    /* CLOCK_MONOTONIC in ns; any context including NMI */
u64 ktime_get_real(void);   /* CLOCK_REALTIME in ns since 1970 */
u64 ktime_get_coarse_real(void); /* cheap, for inode time stamps; never behind by over one tick */
struct timespec64 ns_to_timespec(u64 ns);
/* false for negative or too large values or tv_nsec out of 0..999999999 */
bool timespec_to_ns(const struct timespec64 *ts, u64 *ns);
/* Busy waiting, any context. */
void udelay(u64 usec);
void ndelay(u64 nsec);

/* What the time code asks of the architecture: a counter and its rate. */
struct clocksource {
	const char *name;
	u64 (*read)(void);
	u64 mask;
	u64 freq_hz;
	bool vdso_tsc; /* user space may read it with RDTSC */
};
/* Called by the architecture during boot, before INIT_SUBSYS; later calls switch the source. */
void clocksource_register(const struct clocksource *cs);
/* Wall clock at boot, from the RTC; seconds since 1970. */
void wallclock_init(u64 epoch_seconds);

/* High-resolution one-shot timer on the CPU that started it.
 * The callback runs in hard interrupt context and returns the next absolute expiry in ns of
 * CLOCK_MONOTONIC, or 0 when done. The owner must cancel before freeing. */
struct hrtimer {
	struct rb_node node; /* base lock of its CPU */
	u64 expires;	     /* ns of CLOCK_MONOTONIC */
	u64 (*fn)(struct hrtimer *t);
	u32 cpu;
	u32 state; /* HRTIMER_* bits, base lock */
};
#define HRTIMER_QUEUED 1u
#define HRTIMER_RUNNING 2u
void hrtimer_init(struct hrtimer *t, u64 (*fn)(struct hrtimer *t));
/* (Re)arms. Any context. */
void hrtimer_start(struct hrtimer *t, u64 expires_ns);
/* Dequeues; waits for a running callback on another CPU (so: not from its own callback, and not
 * under a lock that the callback takes). True when it was queued. */
bool hrtimer_cancel(struct hrtimer *t);
/* The same without waiting: -1 callback running, 0 not queued, 1 dequeued. */
int hrtimer_try_to_cancel(struct hrtimer *t);
static inline bool hrtimer_active(const struct hrtimer *t)
{
	return __atomic_load_n(&t->state, __ATOMIC_ACQUIRE) != 0;
}

/* Architecture timer interrupt -> expired timers and the scheduler tick. Hard interrupt context. */
void hrtimer_interrupt(void);

/* Sleeps until the deadline (ns of CLOCK_MONOTONIC): 0, or -ERESTARTSYS when interrupted. */
int hrtimer_sleep_until(u64 deadline_ns, unsigned int task_state);

/* User clock ids (Linux numbers): 0 or -EINVAL. */
int clock_read(clockid_t id, u64 *ns);

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOTTIME_ALARM 9
#define CLOCK_TAI 11

#endif
