/* SPDX-License-Identifier: MIT */
/* Between the files of src/time. */
#ifndef TIME_INTERNAL_H
#define TIME_INTERNAL_H

#include <kernel/time.h>
#include <kernel/uaccess.h>

#define TICK_NS_SHOWN 4000000ull /* resolution of the coarse clocks */

/* clock.c */
s64 wall_offset(void); /* CLOCK_REALTIME - CLOCK_MONOTONIC, ns; any context */
u64 ktime_get_raw(void);
/* Sets CLOCK_REALTIME to ns since 1970 / moves it. May sleep? No: task context, no locks. */
void clock_set_real(u64 ns);
void clock_step_real(s64 delta_ns);
/* Rate of CLOCK_MONOTONIC against the counter: parts per 2^32, near 0. */
void clock_set_rate(s64 adj);
/* CLOCK_TAI - CLOCK_REALTIME in seconds */
extern int tai_offset;

void clock_shift_real(s64 delta_ns);

/* hrtimer.c */
void hrtimer_init_cpu(unsigned int cpu);
/* Absolute CLOCK_REALTIME expiry; moves along when the clock is set. */
void hrtimer_start_real(struct hrtimer *t, u64 real_ns);
/* The clock was set forward by delta. */
void hrtimer_clock_was_set(s64 delta);
/* Time left in ns, 0 when not queued. */
u64 hrtimer_remaining(struct hrtimer *t);

/* itimer.c, posix_timer.c */
struct process;
void itimer_init(struct process *p);
void itimer_exit(struct process *p);
void posix_cpu_timers_tick(void);
/* All CPU timers of current; from the tick. */
void cpu_timers_tick(void);

/* timerfd.c: CLOCK_REALTIME jumped. */
void timerfd_clock_was_set(void);

/* cpuclock.c: clock ids that measure CPU time, dynamic ones included. */
bool clock_is_cpu(clockid_t id);
int cpu_clock_read(clockid_t id, u64 *ns);

/* Copies of the user structures. */
int get_timespec(struct timespec64 *ts, struct user_ptr p);
int put_timespec(struct user_ptr p, const struct timespec64 *ts);
bool timeval_to_ns(s64 sec, s64 usec, u64 *ns);

#endif
