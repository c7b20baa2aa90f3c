/* SPDX-License-Identifier: MIT */
/* Counters: what they are for is in time/tsc.c. */
#ifndef ASM_TSC_H
#define ASM_TSC_H

#include <kernel/types.h>

extern u64 tsc_khz;	  /* 0 before calibration */
extern bool tsc_unstable; /* CPUs disagree, or it stops */

/* Reference counters for calibration; false or NULL when absent. */
bool hpet_init(void);
u64 hpet_read(void);
extern u64 hpet_hz;
u64 rtc_read_epoch(void);
/* Polled wait of the 8254: returns when `ticks` of 1193182 Hz have passed. */
void pit_wait(u32 ticks);
void tsc_mark_unstable(const char *why);
void tsc_recheck(void); /* chooses another clock when the TSC turned out bad */

#endif
