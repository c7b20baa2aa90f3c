/* SPDX-License-Identifier: MIT */
/* High-resolution timers.
 *
 * Each CPU has a tree of timers by expiry and one hardware timer set to the first of them. A timer
 * is queued on the CPU that starts it and its callback runs there, in the timer interrupt, without
 * locks held; it is off the tree then, in state RUNNING, and may start itself again or return a new
 * expiry. A running timer that is started from elsewhere stays on the CPU where it runs.
 *
 * Removing the first timer does not touch the hardware: at worst there is one interrupt for
 * nothing.
 *
 * Lock: base.lock (LOCK_HRTIMER), interrupts off. t->cpu says which base's lock guards a timer; it
 * changes under the lock of the base it leaves. Cancelling waits until RUNNING is gone, after which
 * the interrupt does not touch the timer any more: then it may be freed.
 *
 * Timers in CLOCK_REALTIME (HRTIMER_REAL) are kept in CLOCK_MONOTONIC like all others; setting the
 * clock walks all trees and moves them. */
#include <arch/ops.h>
#include <kernel/lock.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>

#include "time_internal.h"

#define HRTIMER_REAL 4u
#define TIME_NEVER (~0ull)

struct hrtimer_base {
	struct spinlock lock;
	struct rb_root_cached tree;
	u64 programmed; /* what the hardware is set to */
	bool expiring;	/* the interrupt is at work and will program it */
};
static DEFINE_PER_CPU(struct hrtimer_base, hrtimer_bases);

/* From sched_init_cpu: timers of a CPU that is about to start. */
void hrtimer_init_cpu(unsigned int cpu)
{
	struct hrtimer_base *b = &per_cpu(hrtimer_bases, cpu);

	spin_lock_init(&b->lock, LOCK_HRTIMER);
	b->tree = RB_ROOT_CACHED;
	b->programmed = TIME_NEVER;
	b->expiring = false;
}

void hrtimer_init(struct hrtimer *t, u64 (*fn)(struct hrtimer *t))
{
	t->expires = 0;
	t->fn = fn;
	t->cpu = 0;
	t->state = 0;
}

/* Locks the base that t belongs to; interrupts are off. Not counted as preemption off: they are. */
static struct hrtimer_base *base_lock(struct hrtimer *t)
{
	for (;;) {
		u32 cpu = READ_ONCE(t->cpu);
		struct hrtimer_base *b = &per_cpu(hrtimer_bases, cpu);

		spin_acquire(&b->lock, false);
		if (likely(t->cpu == cpu))
			return b;
		spin_release(&b->lock);
	}
}

/* True when t became the first. */
static bool enqueue(struct hrtimer_base *b, struct hrtimer *t)
{
	struct rb_node **link = &b->tree.root.node, *parent = NULL;
	bool first = true;

	while (*link) {
		parent = *link;
		if (t->expires < rb_entry(parent, struct hrtimer, node)->expires) {
			link = &parent->left;
		} else {
			link = &parent->right;
			first = false;
		}
	}
	rb_link_node(&t->node, parent, link);
	rb_insert_color_cached(&t->node, &b->tree, first);
	t->state |= HRTIMER_QUEUED;
	return first;
}

static void dequeue(struct hrtimer_base *b, struct hrtimer *t)
{
	rb_erase_cached(&t->node, &b->tree);
	WRITE_ONCE(t->state, t->state & ~HRTIMER_QUEUED);
}

static void program(struct hrtimer_base *b, u64 expires)
{
	b->programmed = expires;
	arch_timer_set(expires);
}

static void start(struct hrtimer *t, u64 expires, bool real)
{
	irqflags_t f = irq_save();
	struct hrtimer_base *b = base_lock(t);
	u32 me = cpu_id();

	if (t->state & HRTIMER_QUEUED)
		dequeue(b, t);
	if (unlikely(t->cpu != me) && !(t->state & HRTIMER_RUNNING)) {
		t->cpu = me;
		spin_release(&b->lock);
		b = base_lock(t);
		if (t->state & HRTIMER_QUEUED) /* somebody else started it meanwhile */
			dequeue(b, t);
	}
	t->state &= ~HRTIMER_REAL;
	if (real) {
		s64 mono = (s64)(expires - (u64)wall_offset());

		t->state |= HRTIMER_REAL;
		expires = mono > 0 ? (u64)mono : 0;
	}
	t->expires = expires;
	if (enqueue(b, t) && t->cpu == me && !b->expiring && expires < b->programmed)
		program(b, expires);
	spin_release(&b->lock);
	irq_restore(f);
}

void hrtimer_start(struct hrtimer *t, u64 expires_ns)
{
	start(t, expires_ns, false);
}

void hrtimer_start_real(struct hrtimer *t, u64 real_ns)
{
	start(t, real_ns, true);
}

int hrtimer_try_to_cancel(struct hrtimer *t)
{
	irqflags_t f;
	struct hrtimer_base *b;
	int rc = 0;

	if (!hrtimer_active(t))
		return 0;
	f = irq_save();
	b = base_lock(t);
	if (t->state & HRTIMER_RUNNING)
		rc = -1;
	if (t->state & HRTIMER_QUEUED) {
		dequeue(b, t);
		if (!rc)
			rc = 1;
	}
	spin_release(&b->lock);
	irq_restore(f);
	return rc;
}

bool hrtimer_cancel(struct hrtimer *t)
{
	int rc;

	while ((rc = hrtimer_try_to_cancel(t)) < 0)
		arch_cpu_relax();
	return rc;
}

u64 hrtimer_remaining(struct hrtimer *t)
{
	irqflags_t f = irq_save();
	struct hrtimer_base *b = base_lock(t);
	bool on = t->state & (HRTIMER_QUEUED | HRTIMER_RUNNING);
	u64 expires = t->expires, now;

	spin_release(&b->lock);
	irq_restore(f);
	if (!on)
		return 0;
	now = ktime_get();
	return expires > now ? expires - now : 1;
}

/* Runs the first timer of b, which has expired. b locked, and again at the end. */
static void expire_first(struct hrtimer_base *b, struct hrtimer *t)
{
	u64 again;

	/* First, so that hrtimer_active, which takes no lock, never sees neither bit. */
	WRITE_ONCE(t->state, t->state | HRTIMER_RUNNING);
	dequeue(b, t);
	spin_release(&b->lock);
	again = t->fn(t);
	spin_acquire(&b->lock, false);
	/* Started from elsewhere meanwhile: that counts. */
	if (again && !(t->state & HRTIMER_QUEUED)) {
		t->expires = again;
		enqueue(b, t);
	}
	smp_store_release(&t->state, t->state & ~HRTIMER_RUNNING);
}

void hrtimer_interrupt(void)
{
	struct hrtimer_base *b = this_cpu_ptr(&hrtimer_bases);
	struct rb_node *n;
	u64 now, next;

	spin_acquire(&b->lock, false);
	b->expiring = true;
	do {
		now = ktime_get();
		next = TIME_NEVER;
		while ((n = rb_first_cached(&b->tree)) != NULL) {
			struct hrtimer *t = rb_entry(n, struct hrtimer, node);

			next = t->expires;
			if (next > now)
				break;
			expire_first(b, t);
			next = TIME_NEVER;
		}
		/* Callbacks take time. */
	} while (next != TIME_NEVER && next <= ktime_get());
	b->expiring = false;
	program(b, next);
	spin_release(&b->lock);
}

/* Takes the CLOCK_REALTIME timers of b out and puts them in again, delta earlier. */
static void base_shift(struct hrtimer_base *b, s64 delta)
{
	struct rb_node *n, *next;
	struct hrtimer *moved = NULL, *t;

	/* Changing the order while walking is avoided by chaining through the unlinked nodes. */
	for (n = rb_first(&b->tree.root); n; n = next) {
		next = rb_next(n);
		t = rb_entry(n, struct hrtimer, node);
		if (!(t->state & HRTIMER_REAL))
			continue;
		dequeue(b, t);
		t->node.left = (struct rb_node *)moved;
		moved = t;
	}
	while (moved) {
		t = moved;
		moved = (struct hrtimer *)t->node.left;
		t->expires = (s64)t->expires > delta ? t->expires - (u64)delta : 0;
		enqueue(b, t);
	}
}

static void reprogram_this(void *arg)
{
	struct hrtimer_base *b = this_cpu_ptr(&hrtimer_bases);
	struct rb_node *n;

	spin_acquire(&b->lock, false);
	n = rb_first_cached(&b->tree);
	if (n && !b->expiring)
		program(b, rb_entry(n, struct hrtimer, node)->expires);
	spin_release(&b->lock);
}

void hrtimer_clock_was_set(s64 delta)
{
	irqflags_t f;

	for_each_online_cpu(c) {
		struct hrtimer_base *b = &per_cpu(hrtimer_bases, c);

		f = spin_lock_irqsave(&b->lock);
		base_shift(b, delta);
		spin_unlock_irqrestore(&b->lock, f);
	}
	preempt_disable();
	smp_call_mask(&cpu_online_mask, reprogram_this, NULL);
	f = irq_save();
	reprogram_this(NULL);
	irq_restore(f);
	preempt_enable();
}
