/* SPDX-License-Identifier: MIT */
/* Clocks without entering the kernel. Runs in user mode, position independent, without any data of
 * its own; reads the kernel's page under its sequence count. What it cannot answer it asks the
 * kernel. */
#include <kernel/types.h>

#include "vdso_data.h"

#define SYS_GETTIMEOFDAY 96
#define SYS_TIME 201
#define SYS_CLOCK_GETTIME 228
#define SYS_CLOCK_GETRES 229
#define CPU_SELECTOR 0x7b

extern const volatile struct vdso_data vdso_data __attribute__((visibility("hidden")));

struct user_timespec {
	s64 sec, nsec;
};
struct user_timeval {
	s64 sec, usec;
};
struct user_timezone {
	s32 minutes_west, dst;
};

int __vdso_clock_gettime(int id, struct user_timespec *ts);
int __vdso_gettimeofday(struct user_timeval *tv, struct user_timezone *tz);
s64 __vdso_time(s64 *t);
int __vdso_getcpu(u32 *cpu, u32 *node, void *unused);
int __vdso_clock_getres(int id, struct user_timespec *ts);

static inline long syscall2(long nr, u64 a, u64 b)
{
	long rc;

	__asm__ volatile("syscall" : "=a"(rc) : "0"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return rc;
}

/* ns of CLOCK_MONOTONIC, or CLOCK_REALTIME with wall; false: ask the kernel. */
static inline bool read_clock(bool wall, u64 *ns)
{
	u32 seq, lo, hi;
	u64 cycles, delta;

	do {
		seq = vdso_data.seq;
		__asm__ volatile("" ::: "memory");
		if (!vdso_data.tsc_usable)
			return false;
		__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
		cycles = (u64)hi << 32 | lo;
		delta = cycles - vdso_data.cycle_last;
		/* Another CPU's update may be a few cycles ahead of this one's counter. */
		if ((s64)delta < 0)
			delta = 0;
		*ns = vdso_data.mono_base + (wall ? vdso_data.wall_offset : 0) +
		      (u64)(((unsigned __int128)delta * vdso_data.mult) >> vdso_data.shift);
		__asm__ volatile("" ::: "memory");
	} while ((seq & 1) || seq != vdso_data.seq);
	return true;
}

int __vdso_clock_gettime(int id, struct user_timespec *ts)
{
	u64 ns;
	bool wall, ok;

	switch (id) {
	case 0: /* CLOCK_REALTIME */
	case 5: /* CLOCK_REALTIME_COARSE */
		wall = true;
		break;
	case 1: /* CLOCK_MONOTONIC */
	case 6: /* CLOCK_MONOTONIC_COARSE */
	case 7: /* CLOCK_BOOTTIME: there is no suspend */
		wall = false;
		break;
	default: /* RAW has a rate and TAI an offset of its own: the kernel knows them */
		return (int)syscall2(SYS_CLOCK_GETTIME, (u64)id, (u64)ts);
	}
	ok = read_clock(wall, &ns);
	if (!ok)
		return (int)syscall2(SYS_CLOCK_GETTIME, (u64)id, (u64)ts);
	ts->sec = (s64)(ns / NSEC_PER_SEC);
	ts->nsec = (s64)(ns % NSEC_PER_SEC);
	return 0;
}

int __vdso_gettimeofday(struct user_timeval *tv, struct user_timezone *tz)
{
	u64 ns;

	if (tz || !read_clock(true, &ns))
		return (int)syscall2(SYS_GETTIMEOFDAY, (u64)tv, (u64)tz);
	if (tv) {
		tv->sec = (s64)(ns / NSEC_PER_SEC);
		tv->usec = (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC);
	}
	return 0;
}

s64 __vdso_time(s64 *t)
{
	u64 ns;
	s64 sec;

	if (!read_clock(true, &ns))
		return syscall2(SYS_TIME, (u64)t, 0);
	sec = (s64)(ns / NSEC_PER_SEC);
	if (t)
		*t = sec;
	return sec;
}

int __vdso_getcpu(u32 *cpu, u32 *node, void *unused __attribute__((unused)))
{
	u32 limit;

	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(CPU_SELECTOR));
	if (cpu)
		*cpu = limit;
	if (node)
		*node = 0;
	return 0;
}

int __vdso_clock_getres(int id, struct user_timespec *ts)
{
	return (int)syscall2(SYS_CLOCK_GETRES, (u64)id, (u64)ts);
}

int clock_gettime(int id, struct user_timespec *ts)
	__attribute__((weak, alias("__vdso_clock_gettime")));
int gettimeofday(struct user_timeval *tv, struct user_timezone *tz)
	__attribute__((weak, alias("__vdso_gettimeofday")));
s64 time(s64 *t) __attribute__((weak, alias("__vdso_time")));
int getcpu(u32 *cpu, u32 *node, void *unused) __attribute__((weak, alias("__vdso_getcpu")));
int clock_getres(int id, struct user_timespec *ts)
	__attribute__((weak, alias("__vdso_clock_getres")));
