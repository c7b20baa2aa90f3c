/* SPDX-License-Identifier: MIT */
/* Lock checking of debug builds.
 *
 * Each task keeps the list of locks it holds (task->held), in the order taken. Checked at every
 * acquisition: the class ranks behind all held ones (the same class only with the nested forms);
 * the lock is not held already; a class whose locks are taken by interrupt handlers is never taken
 * with interrupts on. At release: the releaser holds the lock. Elsewhere: no sleep in atomic
 * context, no lock held at exit and at the return to user mode.
 *
 * An interrupt handler runs on the stack and the list of the task it hit. The locks of that task do
 * not count for its order: they are not of the kind it may take, or it could not have come in.
 *
 * No lock is needed: the list belongs to the running task, with interrupts off while it is changed.
 * A report panics, except in a task that expects one (the self-tests below). */
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "lockdep.h"

#if IS_ENABLED(CONFIG_LOCKDEP)

#define NAME(c) [LOCK_##c] = #c
static const char *const class_names[LOCK_CLASSES] = {
	NAME(NONE), NAME(FILE_TEXT), NAME(LOOP_LIST), NAME(DISK_CTL), NAME(DISK_OPEN), NAME(DEVFS),
	NAME(SYSFS_USE),
	NAME(TTY_OPEN), NAME(TTY_CTL), NAME(TTY_READ), NAME(TTY_WRITE),
	NAME(SB_UMOUNT), NAME(MOUNT_TREE), NAME(SB_SYNC),
	NAME(RENAME), NAME(INODE), NAME(FILE_POS), NAME(EXEC),
	NAME(EPOLL), NAME(PIPE), NAME(MM), NAME(PAGE), NAME(MAPPING), NAME(FS_PRIVATE),
	NAME(DRIVER), NAME(SLEEP_INNER), NAME(TASKLIST), NAME(POSIX_TIMER), NAME(SIGHAND),
	NAME(TASK_ALLOC),
	NAME(FS_STRUCT), NAME(FILES), NAME(DCACHE_HASH), NAME(DENTRY), NAME(INODE_SPIN),
	NAME(SB_LISTS), NAME(FLOCK), NAME(PAGETABLE), NAME(XARRAY), NAME(FUTEX), NAME(VMALLOC),
	NAME(LEAF), NAME(TTY_BUFFER), NAME(DRIVER_IRQ), NAME(SIGQUEUE),
	NAME(WAITQUEUE), NAME(EPOLL_READY), NAME(WAITQUEUE_INNER), NAME(WORKQUEUE),
	NAME(TASK_WAKE), NAME(RUNQUEUE), NAME(HRTIMER), NAME(RCU), NAME(SLAB), NAME(PAGE_ALLOC),
	NAME(RANDOM), NAME(IRQ_DESC), NAME(CONSOLE), NAME(LOG),
};

/* How locks of a class have been taken so far. */
static struct class_use {
	const void *in_irq;  /* return address of a taker in a handler */
	const void *irqs_on; /* ... of one that an interrupt could have hit */
} class_use[LOCK_CLASSES];

static bool lockdep_off;
struct task *lockdep_expecting;
const char *lockdep_reported;

static __printf(2, 3) __cold void report(const char *kind, const char *fmt, ...);

static const char *class_name(unsigned int class)
{
	const char *s = class < LOCK_CLASSES ? class_names[class] : NULL;

	return s ? s : "?";
}

static void print_held(void)
{
	struct task *t = current;

	for (unsigned int i = 0; i < t->nheld; i++)
		log_err("lockdep", "  held: %s (%p) taken at %p", class_name(t->held[i].class),
			(const void *)t->held[i].lock, t->held[i].where);
}

static void report(const char *kind, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	if (lockdep_off)
		return;
	if (lockdep_expecting == current) {
		lockdep_reported = kind;
		return;
	}
	lockdep_off = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_held();
	panic("lockdep: %s: %s", kind, text);
}

/* Locks of this class must not be shared between handlers and code that handlers can hit. The
 * classes left out are names for many unrelated locks. */
static bool class_irq_checked(unsigned int class)
{
	return (class >= LOCK_TASKLIST && class <= LOCK_SIGHAND) || class >= LOCK_TTY_BUFFER;
}

static void check_irq_use(unsigned int class, bool irqs_on, const void *where)
{
	struct class_use *u = &class_use[class];

	if (!class_irq_checked(class))
		return;
	if (in_hardirq())
		WRITE_ONCE(u->in_irq, where);
	else if (irqs_on)
		WRITE_ONCE(u->irqs_on, where);
	else
		return;
	if (u->in_irq && u->irqs_on)
		report("irq", "%s taken by a handler at %p and with interrupts on at %p",
		       class_name(class), u->in_irq, u->irqs_on);
}

static void check_order(const struct task *t, const struct lock_debug *d, bool nested, bool irq,
			const void *where)
{
	for (unsigned int i = 0; i < t->nheld; i++) {
		const struct held_lock *h = &t->held[i];

		if (h->lock == d)
			report("double", "%s (%p) taken twice, at %p and %p", class_name(d->class),
			       (const void *)d, h->where, where);
		else if (h->irq != irq)
			continue;
		else if (h->class > d->class)
			report("order", "%s at %p while holding %s from %p", class_name(d->class),
			       where, class_name(h->class), h->where);
		else if (h->class == d->class && !nested)
			report("order", "a second %s at %p while holding one from %p",
			       class_name(d->class), where, h->where);
	}
}

static void acquire(struct lock_debug *d, bool nested, bool shared, bool tried, const void *where)
{
	bool irqs_on = !irqs_disabled();
	struct task *t;
	irqflags_t f;

	if (d->class == LOCK_NONE || lockdep_off)
		return;
	f = irq_save();
	t = current;
	/* Who only tries does not wait, whatever the order. */
	if (!tried)
		check_order(t, d, nested, in_hardirq(), where);
	check_irq_use(d->class, irqs_on, where);
	if (t->nheld == ARRAY_SIZE(t->held))
		report("depth", "more than %zu locks held", ARRAY_SIZE(t->held));
	else
		t->held[t->nheld++] = (struct held_lock){
			.lock = d, .class = d->class, .shared = shared, .irq = in_hardirq(),
			.where = where,
		};
	irq_restore(f);
}

void lockdep_acquire(struct lock_debug *d, bool nested, bool shared, const void *where)
{
	acquire(d, nested, shared, false, where);
}

void lockdep_acquire_tried(struct lock_debug *d, bool shared, const void *where)
{
	acquire(d, true, shared, true, where);
}

void lockdep_release(struct lock_debug *d)
{
	struct task *t;
	unsigned int i;
	irqflags_t f;

	if (d->class == LOCK_NONE || lockdep_off)
		return;
	f = irq_save();
	t = current;
	for (i = t->nheld; i > 0; i--)
		if (t->held[i - 1].lock == d)
			break;
	if (i == 0) {
		report("unlock", "%s (%p) released by a task that does not hold it",
		       class_name(d->class), (const void *)d);
	} else {
		t->nheld--;
		memmove(&t->held[i - 1], &t->held[i], (t->nheld - (i - 1)) * sizeof(t->held[0]));
	}
	irq_restore(f);
}

bool lockdep_held(const struct lock_debug *d)
{
	const struct task *t = current;

	if (d->class == LOCK_NONE || lockdep_off)
		return true;
	for (unsigned int i = 0; i < t->nheld; i++)
		if (t->held[i].lock == d)
			return true;
	return false;
}

void lockdep_none_held(const char *where)
{
	const struct task *t = current;

	if (t->nheld && !lockdep_off)
		report("leak", "%s with %s held", where, class_name(t->held[t->nheld - 1].class));
}

void lockdep_task_init(struct task *t)
{
	t->nheld = 0;
}

void might_sleep_check(const char *file, int line)
{
	if (!sched_started || lockdep_off)
		return;
	if (in_atomic() || irqs_disabled())
		report("sleep", "%s:%d: may sleep, preempt_count %x, interrupts %s", file, line,
		       this_cpu(preempt_count), irqs_disabled() ? "off" : "on");
	else if (current->flags & TF_IDLE)
		report("sleep", "%s:%d: may sleep, called from the idle task", file, line);
}

#else

/* Referenced from inline functions, called from none of them. */
void lockdep_acquire(struct lock_debug *d, bool nested, bool shared, const void *where)
{
}
void lockdep_acquire_tried(struct lock_debug *d, bool shared, const void *where)
{
}
void lockdep_release(struct lock_debug *d)
{
}
bool lockdep_held(const struct lock_debug *d)
{
	return true;
}
void lockdep_none_held(const char *where)
{
}
void lockdep_task_init(struct task *t)
{
}
void might_sleep_check(const char *file, int line)
{
}

#endif
