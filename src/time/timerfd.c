/* SPDX-License-Identifier: MIT */
/* timerfd: a timer read like a file.
 *
 * struct timerfd belongs to the file's private pointer and goes with the file. The timer callback
 * counts an expiry and wakes readers; intervals that passed are counted when somebody reads, so a
 * short interval costs no interrupts while nobody looks.
 *
 * Lock: wq.lock guards the state; the callback takes it. Cancelling the timer happens outside it.
 * All timerfds on CLOCK_REALTIME that want to know when the clock is set are on one list. */
#include <arch/ops.h>
#include <fs/poll.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/printf.h>
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <kernel/uio.h>
#include <kernel/wait.h>
#include <uapi/capability.h>
#include <uapi/fcntl.h>

#include "time_internal.h"

#define TFD_TIMER_ABSTIME 1
#define TFD_TIMER_CANCEL_ON_SET 2

struct timerfd {
	struct wait_queue wq;
	struct hrtimer timer;
	clockid_t clock;	/* C */
	u64 expires, interval;	/* wq.lock: ns of the clock; expires 0: off */
	u64 ticks;		/* wq.lock: expiries not read yet */
	int settime_flags;	/* wq.lock */
	bool fired;		/* wq.lock: the timer ran out and was not started again */
	bool cancelled;		/* wq.lock: the clock was set */
	struct list_head cancel_node; /* cancel_lock */
};

struct user_itimerspec {
	struct timespec64 interval, value;
};

static DEFINE_SPINLOCK(cancel_lock, LOCK_LEAF);
static LIST_HEAD(cancel_list);

static bool on_wall_clock(const struct timerfd *t)
{
	return t->clock == CLOCK_REALTIME || t->clock == CLOCK_REALTIME_ALARM;
}

static u64 timerfd_now(const struct timerfd *t)
{
	return on_wall_clock(t) ? ktime_get_real() : ktime_get();
}

static u64 timerfd_fn(struct hrtimer *hr)
{
	struct timerfd *t = container_of(hr, struct timerfd, timer);
	irqflags_t f = spin_lock_irqsave(&t->wq.lock);

	t->fired = true;
	t->ticks++;
	wake_up_locked(&t->wq, TASK_NORMAL, 0, POLLIN);
	spin_unlock_irqrestore(&t->wq.lock, f);
	return 0;
}

static void timerfd_arm(struct timerfd *t)
{
	t->fired = false;
	if (on_wall_clock(t))
		hrtimer_start_real(&t->timer, t->expires);
	else
		hrtimer_start(&t->timer, t->expires);
}

/* Counts the intervals that passed since the timer ran out and starts it again. wq.lock held. */
static void timerfd_catch_up(struct timerfd *t)
{
	u64 now, n;

	if (!t->fired || !t->interval)
		return;
	now = timerfd_now(t);
	n = now > t->expires ? (now - t->expires) / t->interval : 0;
	t->ticks += n;
	t->expires += (n + 1) * t->interval;
	timerfd_arm(t);
}

/* From setting the clock: task context. */
void timerfd_clock_was_set(void)
{
	struct timerfd *t;
	irqflags_t f, g;

	f = spin_lock_irqsave(&cancel_lock);
	list_for_each_entry(t, &cancel_list, cancel_node) {
		g = spin_lock_irqsave(&t->wq.lock);
		t->cancelled = true;
		wake_up_locked(&t->wq, TASK_NORMAL, 0, POLLIN);
		spin_unlock_irqrestore(&t->wq.lock, g);
	}
	spin_unlock_irqrestore(&cancel_lock, f);
}

static void set_cancel(struct timerfd *t, bool on)
{
	irqflags_t f = spin_lock_irqsave(&cancel_lock);

	if (on && list_empty(&t->cancel_node))
		list_add(&t->cancel_node, &cancel_list);
	else if (!on)
		list_del_init(&t->cancel_node);
	spin_unlock_irqrestore(&cancel_lock, f);
}

static bool timerfd_ready(struct timerfd *t)
{
	return READ_ONCE(t->ticks) || READ_ONCE(t->cancelled);
}

static ssize_t timerfd_read(struct file *file, struct uio *u, loff_t *pos)
{
	struct timerfd *t = file->private;
	irqflags_t f;
	bool cancelled;
	u64 n;
	int rc;

	if (u->count < sizeof(n))
		return -EINVAL;
	for (;;) {
		if (!timerfd_ready(t)) {
			if (file->flags & O_NONBLOCK)
				return -EAGAIN;
			rc = wait_event_interruptible(&t->wq, timerfd_ready(t));
			if (rc)
				return rc;
		}
		f = spin_lock_irqsave(&t->wq.lock);
		cancelled = t->cancelled;
		t->cancelled = false;
		if (t->ticks && !cancelled)
			timerfd_catch_up(t);
		n = t->ticks;
		t->ticks = 0;
		spin_unlock_irqrestore(&t->wq.lock, f);
		if (cancelled)
			return -ECANCELED;
		if (n)
			return uio_write_to(u, &n, sizeof(n)) == sizeof(n) ? (ssize_t)sizeof(n) :
									    -EFAULT;
	}
}

static unsigned int timerfd_poll(struct file *file, struct poll_table *pt)
{
	struct timerfd *t = file->private;

	poll_wait(file, &t->wq, pt);
	return timerfd_ready(t) ? POLLIN : 0;
}

static void timerfd_release(struct inode *inode, struct file *file)
{
	struct timerfd *t = file->private;

	set_cancel(t, false);
	hrtimer_cancel(&t->timer);
	kfree(t);
}

static u64 timerfd_left(struct timerfd *t)
{
	u64 now = timerfd_now(t), expires = t->expires;

	if (!expires)
		return 0;
	if (t->fired && !t->interval)
		return 0;
	if (now >= expires)
		return t->interval ? t->interval - (now - expires) % t->interval : 1;
	return expires - now;
}

static void timerfd_show(struct file *file, struct strbuf *sb)
{
	struct timerfd *t = file->private;
	u64 ticks, left, interval;
	irqflags_t f = spin_lock_irqsave(&t->wq.lock);

	ticks = t->ticks;
	left = timerfd_left(t);
	interval = t->interval;
	spin_unlock_irqrestore(&t->wq.lock, f);
	sb_printf(sb, "clockid: %d\nticks: %llu\nsettime flags: 0%o\n", t->clock,
		      (unsigned long long)ticks, (unsigned int)t->settime_flags);
	sb_printf(sb, "it_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n",
		      (unsigned long long)(left / NSEC_PER_SEC),
		      (unsigned long long)(left % NSEC_PER_SEC),
		      (unsigned long long)(interval / NSEC_PER_SEC),
		      (unsigned long long)(interval % NSEC_PER_SEC));
}

static const struct file_ops timerfd_fops = {
	.release = timerfd_release,
	.read = timerfd_read,
	.poll = timerfd_poll,
	.llseek = noop_llseek,
	.show_fdinfo = timerfd_show,
};

SYSCALL(timerfd_create, int, clock, int, flags)
{
	struct timerfd *t;
	struct file *file;
	int rc;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	switch (clock) {
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		if (!capable(CAP_WAKE_ALARM))
			return -EPERM;
		break;
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		break;
	default:
		return -EINVAL;
	}
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	wait_queue_init(&t->wq);
	hrtimer_init(&t->timer, timerfd_fn);
	list_init(&t->cancel_node);
	t->clock = clock;
	rc = anon_file_create("timerfd", &timerfd_fops, t, O_RDWR | flags, &file);
	if (rc) {
		kfree(t);
		return rc;
	}
	return fd_install_new(file, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}

/* The timerfd behind fd; fd_put the reference. -EBADF, -EINVAL when it is another file. */
static int timerfd_get(int fd, struct fdref *ref, struct timerfd **out)
{
	int rc = fd_get(fd, RIGHT_NONE, ref);

	if (rc)
		return rc;
	if (ref->file->ops != &timerfd_fops) {
		fd_put(*ref);
		return -EINVAL;
	}
	*out = ref->file->private;
	return 0;
}

static void timerfd_show_spec(struct timerfd *t, struct user_itimerspec *v)
{
	if (t->expires && t->fired)
		timerfd_catch_up(t);
	v->interval = ns_to_timespec(t->interval);
	v->value = ns_to_timespec(timerfd_left(t));
}

static void timerfd_set(struct timerfd *t, int flags, u64 value, u64 interval,
			struct user_itimerspec *old)
{
	irqflags_t f;

	set_cancel(t, on_wall_clock(t) && (flags & TFD_TIMER_ABSTIME) &&
			      (flags & TFD_TIMER_CANCEL_ON_SET));
	for (;;) {
		f = spin_lock_irqsave(&t->wq.lock);
		if (hrtimer_try_to_cancel(&t->timer) >= 0)
			break;
		spin_unlock_irqrestore(&t->wq.lock, f);
		arch_cpu_relax();
	}
	timerfd_show_spec(t, old);
	hrtimer_try_to_cancel(&t->timer);
	t->settime_flags = flags;
	t->ticks = 0;
	t->fired = false;
	t->cancelled = false;
	t->interval = interval;
	t->expires = 0;
	if (value) {
		t->expires = flags & TFD_TIMER_ABSTIME ? value : timerfd_now(t) + value;
		timerfd_arm(t);
	}
	spin_unlock_irqrestore(&t->wq.lock, f);
}

SYSCALL(timerfd_settime, int, fd, int, flags, struct user_ptr, new, struct user_ptr, old)
{
	struct user_itimerspec v, shown;
	struct fdref ref;
	struct timerfd *t;
	u64 value, interval;
	int rc = copy_from_user(&v, new, sizeof(v));

	if (rc)
		return rc;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
	    !timespec_to_ns(&v.value, &value) || !timespec_to_ns(&v.interval, &interval))
		return -EINVAL;
	rc = timerfd_get(fd, &ref, &t);
	if (rc)
		return rc;
	timerfd_set(t, flags, value, interval, &shown);
	fd_put(ref);
	return user_ptr_is_null(old) ? 0 : copy_to_user(old, &shown, sizeof(shown));
}

SYSCALL(timerfd_gettime, int, fd, struct user_ptr, value)
{
	struct user_itimerspec v;
	struct fdref ref;
	struct timerfd *t;
	irqflags_t f;
	int rc = timerfd_get(fd, &ref, &t);

	if (rc)
		return rc;
	f = spin_lock_irqsave(&t->wq.lock);
	timerfd_show_spec(t, &v);
	spin_unlock_irqrestore(&t->wq.lock, f);
	fd_put(ref);
	return copy_to_user(value, &v, sizeof(v));
}
