/* SPDX-License-Identifier: MIT */
/* Kernel log: a ring of records, and printing them on the consoles.
 *
 * Owns:       the ring, the console list, who prints.
 * Use:        log_printf() from anywhere; readers keep a struct log_cursor.
 * Invariants: records lie in [first, next) of the ring, never across its end; a header of size 0
 *             (or the end of the ring) sends a reader back to offset 0. Sequence numbers have no
 *             gaps.
 * Locking:    one raw lock (log_owner: CPU + 1), interrupts off, held for a copy of one record. It
 *             is no struct spinlock because lock checking itself reports through here. A context
 *             that interrupts the holder on its own CPU (NMI, a fault while logging) finds its own
 *             number there and leaves its text in `late`, which the holder adds before it unlocks.
 * Printing:   whoever logged prints what is unprinted, unless somebody is at it already: the
 *             printer looks again after it has let go, so nothing stays behind. Each console has
 *             its place in the ring, hence a late console prints the log from the start.
 * Waking:     readers are woken at once from plain task context; from anywhere else a wake-up could
 *             deadlock on scheduler locks the caller holds, so it is left to a timer, which runs
 *             only while somebody waits. */
#include "log_internal.h"

#include <arch/ops.h>
#include <kernel/console.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#define LATE_SLOTS 4
#define LATE_TEXT 160
#define WAKE_PERIOD (50 * NSEC_PER_MSEC)
#define MAX_CONSOLE_ARGS 4

/* Of log_lock unless stated otherwise. */
static char ring[LOG_RING_SIZE] __aligned(8);
static u32 ring_first, ring_next;
static u64 seq_first, seq_next, seq_cleared;
static u32 log_owner; /* A: CPU + 1 of the lock holder, 0 free */

/* Messages of a context that could not take the lock. A: state 0 free, 1 being filled, 2 ready */
static struct {
	u32 state;
	u8 level;
	u8 len;
	char text[LATE_TEXT];
} late[LATE_SLOTS];
static u32 late_ready; /* A */

static struct console *consoles; /* A: singly linked, only grows */
static u32 printer_busy;	 /* A: somebody prints */
static bool panicking;		 /* A */
static int console_loglevel = 7; /* A: records below this level are printed */
static struct {
	char name[8];
	int index;
} console_args[MAX_CONSOLE_ARGS]; /* C after boot parameters: console=, in order */
static unsigned int nr_console_args;

DEFINE_WAIT_QUEUE(log_wait);
static u32 wake_wanted; /* A */
static struct hrtimer wake_timer;
static bool wake_timer_ready;

static bool log_lock(irqflags_t *flags)
{
	u32 me, found;
	u64 spins = 0;

	*flags = irq_save();
	me = cpu_id() + 1;
	for (;;) {
		found = 0;
		if (try_cmpxchg(&log_owner, &found, me))
			return true;
		/* In a panic the holder may have been stopped for good. */
		if (found == me || (READ_ONCE(panicking) && ++spins > 1000000))
			break;
		arch_cpu_relax();
	}
	irq_restore(*flags);
	return false;
}

static struct log_record *record_at(u32 off)
{
	return (struct log_record *)&ring[off];
}

/* Offset of the record that is really at off: follows the wrap at the end of the ring. */
static u32 record_offset(u32 off)
{
	return off == LOG_RING_SIZE || record_at(off)->size == 0 ? 0 : off;
}

static void evict_oldest(void)
{
	ring_first = record_offset(ring_first);
	ring_first += record_at(ring_first)->size;
	seq_first++;
}

/* Makes room for size contiguous bytes at ring_next. */
static void make_room(u32 size)
{
	for (;;) {
		bool empty = seq_first == seq_next;

		if (empty)
			ring_first = ring_next;
		if (empty || ring_next > ring_first) {
			if (LOG_RING_SIZE - ring_next >= size)
				return;
			if (empty || ring_first > size) {
				if (ring_next < LOG_RING_SIZE)
					record_at(ring_next)->size = 0;
				ring_next = 0;
				if (empty)
					ring_first = 0;
				return;
			}
		} else if (ring_first - ring_next > size) {
			return;
		}
		evict_oldest();
	}
}

/* Lock held. */
static void append(unsigned int level, unsigned int facility, const char *text, size_t len)
{
	u32 size = ALIGN_UP((u32)(sizeof(struct log_record) + len), 8);
	struct log_record *r;

	make_room(size);
	r = record_at(ring_next);
	*r = (struct log_record){ .seq = seq_next, .ts = ktime_get(), .size = size, .len = len,
				  .level = level, .facility = facility };
	memcpy(r->text, text, len);
	ring_next += size;
	seq_next++;
}

static void log_unlock(irqflags_t flags)
{
	if (unlikely(READ_ONCE(late_ready))) {
		WRITE_ONCE(late_ready, 0);
		for (unsigned int i = 0; i < LATE_SLOTS; i++) {
			if (smp_load_acquire(&late[i].state) != 2)
				continue;
			append(late[i].level, 0, late[i].text, late[i].len);
			smp_store_release(&late[i].state, 0);
		}
	}
	__atomic_store_n(&log_owner, 0, __ATOMIC_RELEASE);
	irq_restore(flags);
}

static void store_late(unsigned int level, const char *text, size_t len)
{
	for (unsigned int i = 0; i < LATE_SLOTS; i++) {
		u32 free = 0;

		if (!try_cmpxchg(&late[i].state, &free, 1u))
			continue;
		late[i].level = level;
		late[i].len = min_t(size_t, len, LATE_TEXT);
		memcpy(late[i].text, text, late[i].len);
		smp_store_release(&late[i].state, 2);
		WRITE_ONCE(late_ready, 1);
		return;
	}
}

/* --- readers --- */

static void cursor_settle(struct log_cursor *c)
{
	/* A place equal to the oldest may still hold an offset from before a wrap. */
	if (c->seq <= seq_first) {
		c->seq = seq_first;
		c->off = ring_first;
	}
}

void log_first(struct log_cursor *c)
{
	irqflags_t f;

	*c = (struct log_cursor){ .seq = 0 };
	if (!log_lock(&f))
		return;
	cursor_settle(c);
	log_unlock(f);
}

void log_end(struct log_cursor *c)
{
	irqflags_t f;

	*c = (struct log_cursor){ .seq = 0 };
	if (!log_lock(&f))
		return;
	*c = (struct log_cursor){ .seq = seq_next, .off = ring_next };
	log_unlock(f);
}

void log_cleared(struct log_cursor *c)
{
	irqflags_t f;

	log_first(c);
	if (!log_lock(&f))
		return;
	cursor_settle(c);
	while (c->seq < seq_cleared && c->seq < seq_next) {
		c->off = record_offset(c->off);
		c->off += record_at(c->off)->size;
		c->seq++;
	}
	log_unlock(f);
}

void log_clear(void)
{
	irqflags_t f;

	if (!log_lock(&f))
		return;
	seq_cleared = seq_next;
	log_unlock(f);
}

bool log_pending(const struct log_cursor *c, bool *lost)
{
	bool pending = false;
	irqflags_t f;

	if (!log_lock(&f))
		return false;
	pending = c->seq < seq_next;
	if (lost)
		*lost = c->seq < seq_first;
	log_unlock(f);
	return pending;
}

bool log_next(struct log_cursor *c, struct log_record *rec)
{
	const struct log_record *r;
	irqflags_t f;

	if (!log_lock(&f))
		return false;
	cursor_settle(c);
	if (c->seq >= seq_next) {
		log_unlock(f);
		return false;
	}
	c->off = record_offset(c->off);
	r = record_at(c->off);
	memcpy(rec, r, sizeof(*r) + r->len);
	c->off += r->size;
	c->seq++;
	log_unlock(f);
	return true;
}

size_t log_format(const struct log_record *rec, bool level, char *buf, size_t size)
{
	const char *text = rec->text, *end = rec->text + rec->len;
	u64 us = rec->ts / NSEC_PER_USEC;
	struct strbuf sb;
	char prefix[LOG_PREFIX_MAX];
	int plen;
	size_t total = 0;

	plen = level ? scnprintf(prefix, sizeof(prefix), "<%u>[%5llu.%06llu] ",
				 rec->facility << 3 | rec->level,
				 (unsigned long long)(us / 1000000),
				 (unsigned long long)(us % 1000000)) :
		       scnprintf(prefix, sizeof(prefix), "[%5llu.%06llu] ",
				 (unsigned long long)(us / 1000000),
				 (unsigned long long)(us % 1000000));
	if (buf)
		sb_init(&sb, buf, size);
	do {
		const char *nl = memchr(text, '\n', end - text);
		size_t n = (nl ? nl : end) - text;

		if (buf) {
			sb_write(&sb, prefix, plen);
			sb_write(&sb, text, n);
			sb_putc(&sb, '\n');
		}
		total += plen + n + 1;
		text += n + 1;
	} while (text < end);
	return total;
}

/* --- waking --- */

static u64 wake_tick(struct hrtimer *t)
{
	if (xchg(&wake_wanted, 0))
		wake_up_common(&log_wait, TASK_NORMAL, 0, 1 /* POLLIN */, false);
	return wait_queue_active(&log_wait) ? ktime_get() + WAKE_PERIOD : 0;
}

void log_wait_begin(void)
{
	if (READ_ONCE(wake_timer_ready))
		hrtimer_start(&wake_timer, ktime_get() + WAKE_PERIOD);
}

static void wake_readers(void)
{
	if (!wait_queue_active(&log_wait))
		return;
	if (irqs_disabled() || in_atomic())
		WRITE_ONCE(wake_wanted, 1);
	else
		wake_up_common(&log_wait, TASK_NORMAL, 0, 1 /* POLLIN */, false);
}

static int log_wake_init(void)
{
	hrtimer_init(&wake_timer, wake_tick);
	WRITE_ONCE(wake_timer_ready, true);
	return 0;
}
INIT_HOOK(INIT_SUBSYS, log_wake_init);

/* --- consoles --- */

static void early_write(struct console *c, const char *s, size_t n)
{
	early_console_write(s, n);
}
/* Stands in until a real console registers. */
static struct console early_console = { .name = "early", .write = early_write, .enabled = true };

/* One record in printed form; whoever set printer_busy uses it. */
static struct {
	struct log_record rec;
	char text[LOG_LINE_MAX];
} print_rec;
static char print_buf[LOG_LINE_MAX + 8 * LOG_PREFIX_MAX];

static bool console_print_next(struct console *c)
{
	struct log_cursor cur = { .seq = c->seq, .off = c->off };
	size_t n;

	if (!log_next(&cur, &print_rec.rec))
		return false;
	c->seq = cur.seq;
	c->off = cur.off;
	if (print_rec.rec.level >= READ_ONCE(console_loglevel))
		return true;
	n = log_format(&print_rec.rec, false, print_buf, sizeof(print_buf));
	c->write(c, print_buf, min_t(size_t, n, sizeof(print_buf) - 1));
	return true;
}

static bool console_behind(void)
{
	u64 newest = __atomic_load_n(&seq_next, __ATOMIC_ACQUIRE);

	if (!consoles)
		return early_console.seq < newest;
	for (struct console *c = smp_load_acquire(&consoles); c; c = c->next)
		if (c->enabled && READ_ONCE(c->seq) < newest)
			return true;
	return false;
}

static void print_pending(void)
{
	struct console *c = smp_load_acquire(&consoles);

	if (!c) {
		while (console_print_next(&early_console))
			;
		return;
	}
	for (; c; c = c->next)
		if (c->enabled)
			while (console_print_next(c))
				;
}

static void console_flush(void)
{
	while (console_behind()) {
		if (xchg(&printer_busy, 1) && !READ_ONCE(panicking))
			return;
		print_pending();
		xchg(&printer_busy, 0);
	}
}

void console_flush_on_panic(void)
{
	WRITE_ONCE(panicking, true);
	console_flush();
}

bool console_panicking(void)
{
	return READ_ONCE(panicking);
}

bool console_wanted(const char *name, int index)
{
	if (!nr_console_args)
		return true;
	for (unsigned int i = 0; i < nr_console_args; i++)
		if (!strcmp(console_args[i].name, name) && console_args[i].index == index)
			return true;
	return false;
}

void console_register(struct console *c)
{
	struct console **p;

	c->enabled = console_wanted(c->name, c->index);
	/* The serial line continues where the polled writer stands; others show everything. */
	if (!strcmp(c->name, "ttyS") && c->index == 0) {
		while (xchg(&printer_busy, 1))
			arch_cpu_relax();
		c->seq = early_console.seq;
		c->off = early_console.off;
		xchg(&printer_busy, 0);
	}
	c->next = NULL;
	for (p = &consoles; *p; p = &(*p)->next)
		;
	smp_store_release(p, c);
	console_flush();
}

dev_t console_device(void)
{
	const struct console *best = NULL;

	for (unsigned int i = nr_console_args; i-- > 0;)
		for (const struct console *c = consoles; c; c = c->next)
			if (!strcmp(c->name, console_args[i].name) &&
			    c->index == console_args[i].index)
				return c->dev;
	/* Nobody asked: the screen before a serial line, as on Linux. */
	for (const struct console *c = consoles; c; c = c->next)
		if (!best || (strcmp(best->name, "tty") && !strcmp(c->name, "tty")))
			best = c;
	return best ? best->dev : 0;
}

/* --- writers --- */

void log_store(unsigned int level, unsigned int facility, const char *text, size_t len)
{
	irqflags_t f;

	len = min_t(size_t, len, LOG_LINE_MAX);
	if (!log_lock(&f)) {
		store_late(level, text, len);
		return;
	}
	append(level, facility, text, len);
	log_unlock(f);
	/* An NMI may have interrupted the printer, whose driver's lock it would wait for. */
	if (!(this_cpu(preempt_count) & NMI_OFFSET) || READ_ONCE(panicking))
		console_flush();
	wake_readers();
}

void log_printf(enum log_level level, const char *tag, const char *fmt, ...)
{
	char buf[512];
	size_t n = 0;
	va_list ap;

	if (tag && tag[0])
		n = scnprintf(buf, sizeof(buf), "%s: ", tag);
	va_start(ap, fmt);
	n += vscnprintf(buf + n, sizeof(buf) - n, fmt, ap);
	va_end(ap);
	while (n && buf[n - 1] == '\n')
		n--;
	log_store(level, 0, buf, n);
}

int log_console_level(void)
{
	return READ_ONCE(console_loglevel);
}

void log_console_level_set(int level)
{
	WRITE_ONCE(console_loglevel, level);
}

/* --- boot parameters --- */

static int quiet_param(const char *value)
{
	console_loglevel = 4;
	return 0;
}
BOOT_PARAM("quiet", quiet_param);

static int debug_param(const char *value)
{
	console_loglevel = 10;
	return 0;
}
BOOT_PARAM("debug", debug_param);

static int ignore_loglevel_param(const char *value)
{
	console_loglevel = 15;
	return 0;
}
BOOT_PARAM("ignore_loglevel", ignore_loglevel_param);

static int loglevel_param(const char *value)
{
	unsigned int v;

	if (kstrtouint(value, 10, &v))
		return -EINVAL;
	console_loglevel = clamp(v, 1u, 15u);
	return 0;
}
BOOT_PARAM("loglevel", loglevel_param);

/* console=ttyS0,115200n8 or console=tty0: the part behind the comma is the driver's affair. */
static int console_param(const char *value)
{
	size_t n = strcspn(value, ","), digits = n;
	u64 index;

	while (digits && value[digits - 1] >= '0' && value[digits - 1] <= '9')
		digits--;
	if (!digits || digits >= sizeof(console_args[0].name))
		return -EINVAL;
	if (nr_console_args == MAX_CONSOLE_ARGS)
		return -ENOSPC;
	index = parse_u64(value + digits, NULL, 10);
	strscpy(console_args[nr_console_args].name, value, digits + 1);
	console_args[nr_console_args].index = index;
	nr_console_args++;
	return 0;
}
BOOT_PARAM("console", console_param);
