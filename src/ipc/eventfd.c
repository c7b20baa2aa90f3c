/* SPDX-License-Identifier: MIT */
/* eventfd: a 64-bit counter with blocking reads and writes.
 * Locking: wq.lock guards count (the waiters' queue is the natural lock: a wake-up and the change
 * it announces are one step). */
#include <fs/poll.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <uapi/poll.h>

struct eventfd {
	struct wait_queue wq;
	u64 count; /* wq.lock */
	bool semaphore;
	int id;
};

static int next_id; /* A */

static bool take(struct eventfd *e, u64 *v)
{
	irqflags_t f = spin_lock_irqsave(&e->wq.lock);
	bool got = e->count > 0;

	if (got) {
		*v = e->semaphore ? 1 : e->count;
		e->count -= *v;
		wake_up_locked(&e->wq, TASK_NORMAL, 1, POLLOUT | POLLWRNORM);
	}
	spin_unlock_irqrestore(&e->wq.lock, f);
	return got;
}

static bool give(struct eventfd *e, u64 v)
{
	irqflags_t f = spin_lock_irqsave(&e->wq.lock);
	bool fits = ~0ull - e->count > v;

	if (fits) {
		e->count += v;
		wake_up_locked(&e->wq, TASK_NORMAL, 1, POLLIN | POLLRDNORM);
	}
	spin_unlock_irqrestore(&e->wq.lock, f);
	return fits;
}

static ssize_t eventfd_read(struct file *f, struct uio *u, loff_t *pos __maybe_unused)
{
	struct eventfd *e = f->private;
	u64 v;
	int rc;

	if (u->count < sizeof(v))
		return -EINVAL;
	while (!take(e, &v)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		rc = wait_event_interruptible(&e->wq, READ_ONCE(e->count) > 0);
		if (rc)
			return rc;
	}
	return uio_write_to(u, &v, sizeof(v)) == sizeof(v) ? (ssize_t)sizeof(v) : -EFAULT;
}

static ssize_t eventfd_write(struct file *f, struct uio *u, loff_t *pos __maybe_unused)
{
	struct eventfd *e = f->private;
	u64 v;
	int rc;

	if (u->count < sizeof(v))
		return -EINVAL;
	if (uio_read_from(u, &v, sizeof(v)) != sizeof(v))
		return -EFAULT;
	if (v == ~0ull)
		return -EINVAL;
	while (!give(e, v)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		rc = wait_event_interruptible(&e->wq, ~0ull - READ_ONCE(e->count) > v);
		if (rc)
			return rc;
	}
	return sizeof(v);
}

static unsigned int eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->private;
	unsigned int ready = 0;
	u64 count;

	poll_wait(f, &e->wq, pt);
	smp_mb();
	count = READ_ONCE(e->count);
	if (count > 0)
		ready |= POLLIN;
	if (count == ~0ull)
		ready |= POLLERR;
	if (count < ~0ull - 1)
		ready |= POLLOUT;
	return ready;
}

static void eventfd_release(struct inode *i __maybe_unused, struct file *f)
{
	kfree(f->private);
}

static void eventfd_fdinfo(struct file *f, struct strbuf *sb)
{
	struct eventfd *e = f->private;

	sb_printf(sb, "eventfd-count: %16lx\neventfd-id: %d\n", READ_ONCE(e->count), e->id);
}

static const struct file_ops eventfd_fops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.llseek = noop_llseek,
	.show_fdinfo = eventfd_fdinfo,
};

static long do_eventfd(unsigned int count, int flags)
{
	struct eventfd *e;
	struct file *f;
	int rc;

	if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	wait_queue_init(&e->wq);
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	e->id = __atomic_fetch_add(&next_id, 1, __ATOMIC_RELAXED);
	rc = anon_file_create("eventfd", &eventfd_fops, e, O_RDWR | (flags & EFD_NONBLOCK), &f);
	if (rc) {
		kfree(e);
		return rc;
	}
	return fd_install_new(f, flags & EFD_CLOEXEC ? FD_CLOEXEC : 0);
}

SYSCALL(eventfd, unsigned int, count)
{
	return do_eventfd(count, 0);
}

SYSCALL(eventfd2, unsigned int, count, int, flags)
{
	return do_eventfd(count, flags);
}
