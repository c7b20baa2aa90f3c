/* SPDX-License-Identifier: MIT */
/* Disciplining the clock: adjtimex(2), clock_adjtime(2).
 *
 * Frequency and tick length change the rate of the counter at once. Offsets are worked off by a
 * timer that shifts CLOCK_REALTIME once a second: a single-shot offset (adjtime) by at most 500 us
 * each time, a phase offset (ADJ_OFFSET) by a fraction that the time constant sets, and it also
 * pulls at the frequency, as a phase-locked loop does. All state is under adj_mutex. */
#include <kernel/div.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/syscall.h>
#include <kernel/workqueue.h>
#include <uapi/capability.h>

#include "time_internal.h"

#define ADJ_OFFSET 0x0001u
#define ADJ_FREQUENCY 0x0002u
#define ADJ_MAXERROR 0x0004u
#define ADJ_ESTERROR 0x0008u
#define ADJ_STATUS 0x0010u
#define ADJ_TIMECONST 0x0020u
#define ADJ_TAI 0x0080u
#define ADJ_SETOFFSET 0x0100u
#define ADJ_MICRO 0x1000u
#define ADJ_NANO 0x2000u
#define ADJ_TICK 0x4000u
#define ADJ_ADJTIME 0x8000u
#define ADJ_OFFSET_SS_READ 0x2000u /* together with ADJ_ADJTIME: only look */

#define STA_PLL 0x0001
#define STA_UNSYNC 0x0040
#define STA_NANO 0x2000
#define STA_RONLY 0xff00
#define TIME_OK 0
#define TIME_ERROR 5

#define MAXFREQ (500ll << 16) /* ppm with 16 binary places */
#define MAXPHASE 500000000ll  /* ns */
#define MAXTC 10
#define SLEW_NS 500000ll      /* per second */
#define USER_TICK 10000	      /* us per tick of 100 Hz */

struct user_timex {
	u32 modes, pad0;
	s64 offset, freq, maxerror, esterror;
	s32 status, pad1;
	s64 constant, precision, tolerance;
	s64 time_sec, time_usec;
	s64 tick, ppsfreq, jitter;
	s32 shift, pad2;
	s64 stabil, jitcnt, calcnt, errcnt, stbcnt;
	s32 tai;
	s32 pad3[11];
};
_Static_assert(sizeof(struct user_timex) == 208, "struct timex");

static DEFINE_MUTEX(adj_mutex, LOCK_SLEEP_INNER);
static s64 adj_freq;		/* ppm << 16 */
static s64 adj_tick = USER_TICK;
static s64 adj_phase;		/* ns left of ADJ_OFFSET */
static s64 adj_single;		/* ns left of adjtime */
static s64 adj_maxerror = 16000000, adj_esterror = 16000000; /* us */
static s64 adj_constant = 2;
static int adj_status = STA_UNSYNC;

static void adj_second(struct work *w);
static struct delayed_work adj_work;
static bool adj_work_ready;

/* Rate from frequency and tick, in 2^-32. */
static void apply_rate(void)
{
	s64 ppm16 = adj_freq + (adj_tick - USER_TICK) * 100 * 65536; /* 1 us per 10 ms is 100 ppm */

	clock_set_rate(ppm16 * 65536 / 1000000);
}

static s64 bounded(s64 v, s64 limit)
{
	return clamp(v, -limit, limit);
}

static void start_work(void)
{
	if (!adj_work_ready) {
		delayed_work_init(&adj_work, adj_second);
		adj_work_ready = true;
	}
	schedule_delayed_work(&adj_work, NSEC_PER_SEC);
}

static void adj_second(struct work *w)
{
	s64 step;

	mutex_lock(&adj_mutex);
	step = bounded(adj_single, SLEW_NS);
	adj_single -= step;
	if (adj_phase) {
		s64 part = adj_phase / (1ll << (2 + adj_constant));

		if (!part)
			part = adj_phase;
		adj_phase -= part;
		step += part;
	}
	if (step)
		clock_shift_real(step);
	if (adj_single || adj_phase)
		schedule_delayed_work(&adj_work, NSEC_PER_SEC);
	mutex_unlock(&adj_mutex);
}

static void set_phase(const struct user_timex *tx)
{
	s64 ns = adj_status & STA_NANO ? tx->offset : bounded(tx->offset, MAXPHASE / 1000) * 1000;

	if (!(adj_status & STA_PLL))
		return;
	adj_phase = bounded(ns, MAXPHASE);
	start_work();
}

static void set_modes(struct user_timex *tx)
{
	if (tx->modes & ADJ_STATUS)
		adj_status = (adj_status & STA_RONLY) | (tx->status & ~STA_RONLY);
	if (tx->modes & ADJ_NANO)
		adj_status |= STA_NANO;
	if (tx->modes & ADJ_MICRO)
		adj_status &= ~STA_NANO;
	if (tx->modes & ADJ_FREQUENCY)
		adj_freq = bounded(tx->freq, MAXFREQ);
	if (tx->modes & ADJ_MAXERROR)
		adj_maxerror = tx->maxerror;
	if (tx->modes & ADJ_ESTERROR)
		adj_esterror = tx->esterror;
	if (tx->modes & ADJ_TIMECONST)
		adj_constant = clamp(tx->constant, (s64)0, (s64)MAXTC);
	if ((tx->modes & ADJ_TAI) && tx->constant >= 0)
		tai_offset = (int)tx->constant;
	if (tx->modes & ADJ_OFFSET)
		set_phase(tx);
	if (tx->modes & ADJ_TICK)
		adj_tick = tx->tick;
	if (tx->modes & (ADJ_TICK | ADJ_FREQUENCY))
		apply_rate();
}

/* What the caller asks for, without changing anything: 0 or -errno. */
static int check(const struct user_timex *tx)
{
	if (tx->modes & ADJ_ADJTIME) {
		if (!(tx->modes & ADJ_OFFSET))
			return -EINVAL;
		if (!(tx->modes & ADJ_OFFSET_SS_READ) && !capable(CAP_SYS_TIME))
			return -EPERM;
		return 0;
	}
	if (tx->modes && !capable(CAP_SYS_TIME))
		return -EPERM;
	if ((tx->modes & ADJ_TICK) && (tx->tick < 9000 || tx->tick > 11000))
		return -EINVAL;
	if (tx->modes & ADJ_SETOFFSET) {
		s64 limit = tx->modes & ADJ_NANO ? (s64)NSEC_PER_SEC : 1000000;

		if (tx->time_usec < 0 || tx->time_usec >= limit)
			return -EINVAL;
		if (tx->time_sec > (s64)(~0ull / 4 / NSEC_PER_SEC) ||
		    tx->time_sec < -(s64)(~0ull / 4 / NSEC_PER_SEC))
			return -EINVAL;
	}
	return 0;
}

static void step(const struct user_timex *tx)
{
	s64 sub = tx->modes & ADJ_NANO ? tx->time_usec : tx->time_usec * 1000;

	clock_step_real(tx->time_sec * (s64)NSEC_PER_SEC + sub);
}

/* Fills in the state as of now; the return value of the system call. */
static int report(struct user_timex *tx, s64 offset_us_or_ns)
{
	u64 now = ktime_get_real();
	bool nano = adj_status & STA_NANO;

	tx->offset = offset_us_or_ns;
	tx->freq = adj_freq;
	tx->maxerror = adj_maxerror;
	tx->esterror = adj_esterror;
	tx->status = adj_status;
	tx->constant = adj_constant;
	tx->precision = 1;
	tx->tolerance = MAXFREQ;
	tx->tick = adj_tick;
	tx->tai = tai_offset;
	tx->ppsfreq = tx->jitter = tx->stabil = tx->jitcnt = tx->calcnt = 0;
	tx->errcnt = tx->stbcnt = 0;
	tx->shift = 0;
	tx->time_sec = (s64)(now / NSEC_PER_SEC);
	tx->time_usec = (s64)(now % NSEC_PER_SEC) / (nano ? 1 : 1000);
	return adj_status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

static int do_adjtimex(struct user_timex *tx)
{
	s64 shown;
	int rc = check(tx);

	if (rc)
		return rc;
	mutex_lock(&adj_mutex);
	if (tx->modes & ADJ_ADJTIME) {
		shown = adj_single / 1000;
		if (!(tx->modes & ADJ_OFFSET_SS_READ)) {
			adj_single = tx->offset * 1000;
			start_work();
		}
	} else {
		if (tx->modes & ADJ_SETOFFSET)
			step(tx);
		set_modes(tx);
		shown = adj_status & STA_NANO ? adj_phase : adj_phase / 1000;
	}
	rc = report(tx, shown);
	mutex_unlock(&adj_mutex);
	return rc;
}

static long adjtimex_user(struct user_ptr p)
{
	struct user_timex tx;
	int rc = copy_from_user(&tx, p, sizeof(tx)), state;

	if (rc)
		return rc;
	state = do_adjtimex(&tx);
	if (state < 0)
		return state;
	rc = copy_to_user(p, &tx, sizeof(tx));
	return rc ? rc : state;
}

SYSCALL(adjtimex, struct user_ptr, tx)
{
	return adjtimex_user(tx);
}

SYSCALL(clock_adjtime, int, id, struct user_ptr, tx)
{
	u64 ns;

	if (id == CLOCK_REALTIME)
		return adjtimex_user(tx);
	return clock_read(id, &ns) ? -EINVAL : -EOPNOTSUPP;
}
