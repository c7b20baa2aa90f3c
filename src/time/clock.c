/* SPDX-License-Identifier: MIT */
/* The clocks: a counter of the architecture turned into nanoseconds.
 *
 *	CLOCK_MONOTONIC = mono + (counter - cycle_last) * mult >> 32
 *	CLOCK_REALTIME  = CLOCK_MONOTONIC + wall
 *
 * The product has 128 bits, so with a 64-bit counter nothing has to be brought up to date however
 * long the machine idles. Narrow counters are folded in by a timer before they wrap.
 *
 * Readers take no lock and may be in any context, NMI included: there are two copies of the state.
 * The writer makes the sequence number odd, which sends readers to copy 1, changes copy 0, makes it
 * even and changes copy 1. A reader that saw the number change starts again.
 *
 * Lock: clock_lock, interrupts off, for writers. The vDSO's copy is updated under it. */
#include <arch/ops.h>
#include <kernel/div.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/string.h>
#include <kernel/sched.h>

#include "time_internal.h"

#define SHIFT 32

struct timebase {
	const struct clocksource *cs;
	u64 cycle_last;
	u64 mult;     /* ns per cycle << SHIFT, adjusted */
	u64 raw_mult; /* the same as calibrated */
	u64 mono, raw;/* ns at cycle_last */
	s64 wall;     /* ns */
};

static u64 stopped_read(void)
{
	return 0;
}
static const struct clocksource stopped = { .name = "none", .read = stopped_read, .mask = ~0ull };

static DEFINE_SPINLOCK(clock_lock, LOCK_LEAF);
static struct {
	u32 seq; /* A */
	struct timebase tb[2];
} clk = { .tb = { { .cs = &stopped }, { .cs = &stopped } } };

int tai_offset;

static u64 cycles_since(const struct timebase *tb)
{
	u64 d = (tb->cs->read() - tb->cycle_last) & tb->cs->mask;

	/* The counters of two CPUs may differ by a hair: not yet at cycle_last. */
	return likely((s64)d >= 0) ? d : 0;
}

static u64 mono_of(const struct timebase *tb)
{
	return tb->mono + mul_u64_shr(cycles_since(tb), tb->mult, SHIFT);
}

/* Reads `expr` of a consistent timebase `tb`. */
#define CLOCK_READ(expr)                                                                           \
	({                                                                                         \
		const struct timebase *tb;                                                         \
		u64 cr_v;                                                                          \
		u32 cr_seq;                                                                        \
		do {                                                                               \
			cr_seq = smp_load_acquire(&clk.seq);                                       \
			tb = &clk.tb[cr_seq & 1];                                                  \
			cr_v = (u64)(expr);                                                        \
			smp_rmb();                                                                 \
		} while (unlikely(READ_ONCE(clk.seq) != cr_seq));                                  \
		cr_v;                                                                              \
	})

u64 ktime_get(void)
{
	return CLOCK_READ(mono_of(tb));
}

u64 ktime_get_real(void)
{
	return CLOCK_READ(mono_of(tb) + (u64)tb->wall);
}

u64 ktime_get_coarse_real(void)
{
	return ktime_get_real();
}

u64 ktime_get_raw(void)
{
	return CLOCK_READ(tb->raw + mul_u64_shr(cycles_since(tb), tb->raw_mult, SHIFT));
}

s64 wall_offset(void)
{
	return (s64)CLOCK_READ(tb->wall);
}

/* Brings tb's base up to now. */
static void fold(struct timebase *tb)
{
	u64 c = cycles_since(tb);

	tb->mono += mul_u64_shr(c, tb->mult, SHIFT);
	tb->raw += mul_u64_shr(c, tb->raw_mult, SHIFT);
	tb->cycle_last += c;
}

/* Publishes new as both copies. clock_lock held. */
static void publish(const struct timebase *new)
{
	WRITE_ONCE(clk.seq, clk.seq + 1);
	smp_mb();
	clk.tb[0] = *new;
	smp_mb();
	WRITE_ONCE(clk.seq, clk.seq + 1);
	smp_mb();
	clk.tb[1] = *new;
	vdso_update(new->mult, SHIFT, new->cycle_last, new->mono, (u64)new->wall,
		    new->cs->vdso_tsc);
}

/* From here until clock_end the current state, folded, is in *tb. */
static irqflags_t clock_begin(struct timebase *tb) ACQUIRES(&clock_lock)
{
	irqflags_t f = spin_lock_irqsave(&clock_lock);

	*tb = clk.tb[0];
	fold(tb);
	return f;
}

static void clock_end(const struct timebase *tb, irqflags_t f) RELEASES(&clock_lock)
{
	publish(tb);
	spin_unlock_irqrestore(&clock_lock, f);
}

void clocksource_register(const struct clocksource *cs)
{
	struct timebase tb;
	irqflags_t f = clock_begin(&tb);
	bool same = tb.cs && !strcmp(tb.cs->name, cs->name);

	tb.cs = cs;
	tb.cycle_last = cs->read() & cs->mask;
	tb.raw_mult = tb.mult = mul_div_u64(NSEC_PER_SEC, 1ull << SHIFT, cs->freq_hz);
	clock_end(&tb, f);
	/* A refined rate of the same source interests nobody who is typing at the console. */
	log_printf(same ? LOG_DEBUG : LOG_INFO, "time", "clock source %s, %llu kHz", cs->name,
		 (unsigned long long)(cs->freq_hz / 1000));
}

void wallclock_init(u64 epoch_seconds)
{
	struct timebase tb;
	irqflags_t f = clock_begin(&tb);

	tb.wall = (s64)(epoch_seconds * NSEC_PER_SEC - tb.mono);
	clock_end(&tb, f);
}

void clock_step_real(s64 delta_ns)
{
	struct timebase tb;
	irqflags_t f = clock_begin(&tb);

	tb.wall += delta_ns;
	clock_end(&tb, f);
	hrtimer_clock_was_set(delta_ns);
	timerfd_clock_was_set();
}

void clock_set_real(u64 ns)
{
	clock_step_real((s64)(ns - ktime_get_real()));
}

/* Slewing: a shift too small to wake anybody for. */
void clock_shift_real(s64 delta_ns)
{
	struct timebase tb;
	irqflags_t f = clock_begin(&tb);

	tb.wall += delta_ns;
	clock_end(&tb, f);
}

void clock_set_rate(s64 adj)
{
	struct timebase tb;
	irqflags_t f = clock_begin(&tb);
	u64 part = mul_u64_shr(tb.raw_mult, adj < 0 ? (u64)-adj : (u64)adj, 32);

	tb.mult = adj < 0 ? tb.raw_mult - part : tb.raw_mult + part;
	clock_end(&tb, f);
}

/* --- counters that wrap --- */

static u64 fold_timer(struct hrtimer *t)
{
	struct timebase tb;
	irqflags_t f = clock_begin(&tb);
	u64 next = tb.mono + mul_u64_shr(tb.cs->mask / 4, tb.mult, SHIFT);

	clock_end(&tb, f);
	return tb.cs->mask == ~0ull ? 0 : next;
}

static struct hrtimer wrap_timer;

static int clock_start(void)
{
	hrtimer_init(&wrap_timer, fold_timer);
	hrtimer_start(&wrap_timer, ktime_get() + 1);
	return 0;
}
INIT_HOOK(INIT_SUBSYS, clock_start);

/* --- small things --- */

struct timespec64 ns_to_timespec(u64 ns)
{
	return (struct timespec64){ .tv_sec = (s64)(ns / NSEC_PER_SEC),
				    .tv_nsec = (s64)(ns % NSEC_PER_SEC) };
}

#define MAX_SECONDS (~0ull / 2 / NSEC_PER_SEC)

bool timespec_to_ns(const struct timespec64 *ts, u64 *ns)
{
	if (ts->tv_sec < 0 || (u64)ts->tv_nsec >= NSEC_PER_SEC)
		return false;
	/* Later than the clocks can show (292 years): never. */
	if ((u64)ts->tv_sec >= MAX_SECONDS)
		*ns = MAX_SECONDS * NSEC_PER_SEC;
	else
		*ns = (u64)ts->tv_sec * NSEC_PER_SEC + (u64)ts->tv_nsec;
	return true;
}

bool timeval_to_ns(s64 sec, s64 usec, u64 *ns)
{
	struct timespec64 ts = { sec, usec * 1000 };

	return (u64)usec < 1000000 && timespec_to_ns(&ts, ns);
}

void ndelay(u64 nsec)
{
	bool stopped_clock = READ_ONCE(clk.tb[0].cs) == &stopped;
	u64 start = stopped_clock ? arch_cycles() : ktime_get();
	/* Before the clock works: long enough for counters of up to 8 GHz. */
	u64 wait = stopped_clock ? nsec * 8 : nsec;

	while ((stopped_clock ? arch_cycles() : ktime_get()) - start < wait)
		arch_cpu_relax();
}

void udelay(u64 usec)
{
	ndelay(usec * 1000);
}
