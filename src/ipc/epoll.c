/* SPDX-License-Identifier: MIT */
/* epoll: sets of watched files with a list of those that became ready.
 *
 * Owns:      struct epoll (one instance) and struct epitem (one watched descriptor).
 * Use:       a wake-up of a watched file runs item_wake, which puts the item on the ready list and
 *            wakes a waiter. epoll_wait takes items off the list, asks the file again, reports, and
 *            puts level-triggered ones back.
 * Locking:   ep->lock (mutex, nested by depth) guards the tree of items and the reporting;
 *            ep->ready_lock (irq-safe) the ready list; file->lock the list file->epoll_items.
 *            tree_mutex is taken first when more than one instance is involved: adding an epoll to
 *            an epoll, and the end of a watched file.
 *            Order: tree_mutex -> ep->lock -> file->lock; watched file's queue -> ready_lock.
 *            ep->pollers is of no lock class: an instance inside another takes one ready_lock after
 *            the other from the same wake-up, and the check for loops bounds the depth.
 * Lifetime:  an item does not hold its file; the last file_put removes it (epoll_release_file) and
 *            waits for a report that is looking at the file, because both need ep->lock.
 * Edges:     an item is unlinked from the ready list before its file is asked, so an event between
 *            the question and the report puts it back. */
#include <fs/poll.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/printf.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/poll.h>

#include "poll_wait.h"

#define EP_PRIVATE_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EXCLUSIVE_OK (POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)
#define EP_MAX_EVENTS ((int)(0x7fffffff / sizeof(struct user_epoll_event)))
#define EP_MAX_DEPTH 3 /* of instances below the one added */

struct epoll {
	struct mutex lock;	   /* LOCK_EPOLL */
	struct rb_root items;	   /* lock */
	struct spinlock ready_lock;/* LOCK_EPOLL_READY */
	struct list_head ready;	   /* ready_lock */
	struct wait_queue wq;	   /* epoll_wait callers */
	struct wait_queue pollers; /* who polls or watches this instance */
	struct file *file;	   /* C: ours */
	unsigned int mark;	   /* tree_mutex: loop check */
};

/* A queue an item is on. */
struct ep_hook {
	struct wait_entry wait;
	struct wait_queue *wq;
	struct epitem *item;
	struct ep_hook *next;
};

struct epitem {
	struct rb_node node;	    /* ep->lock */
	struct list_head ready;	    /* ep->ready_lock; empty when not on a list */
	struct list_head file_link; /* file->lock */
	struct epoll *ep;	    /* C */
	struct file *file;	    /* C: not referenced */
	int fd;			    /* C */
	u32 events;		    /* ep->lock to write */
	u64 data;		    /* ep->lock */
	struct ep_hook *hooks;	    /* ep->lock */
	bool nomem;
};

struct ep_hooker {
	struct poll_table pt;
	struct epitem *item;
};

static DEFINE_MUTEX(tree_mutex, LOCK_EPOLL);
static unsigned int loop_mark; /* tree_mutex */
static const struct file_ops epoll_fops;

static bool is_epoll(const struct file *f)
{
	return f->ops == &epoll_fops;
}

/* --- wake-ups --- */

static bool ready_add(struct epitem *it)
{
	struct epoll *ep = it->ep;
	irqflags_t f = spin_lock_irqsave(&ep->ready_lock);
	bool added = list_empty(&it->ready);

	if (added)
		list_add_tail(&it->ready, &ep->ready);
	spin_unlock_irqrestore(&ep->ready_lock, f);
	return added;
}

static void wake_waiters(struct epoll *ep)
{
	wake_up_common(&ep->wq, TASK_NORMAL, 1, 0, false);
	if (wait_queue_active(&ep->pollers))
		wake_up_common(&ep->pollers, TASK_NORMAL, 0, POLLIN | POLLRDNORM, false);
}

/* Runs under the watched queue's lock with interrupts off. */
static int item_wake(struct wait_entry *we, unsigned int mode __maybe_unused, u64 key)
{
	struct epitem *it = container_of(we, struct ep_hook, wait)->item;
	u32 events = READ_ONCE(it->events);
	bool waiting;

	if (!(events & ~EP_PRIVATE_BITS))
		return 0; /* one-shot, fired */
	if (key && !(key & events))
		return 0;
	waiting = wait_queue_active(&it->ep->wq);
	ready_add(it);
	wake_waiters(it->ep);
	return !(events & EPOLLEXCLUSIVE) || waiting;
}

static void item_hook(struct poll_table *pt, struct file *f __maybe_unused, struct wait_queue *wq)
{
	struct epitem *it = container_of(pt, struct ep_hooker, pt)->item;
	struct ep_hook *h = kmalloc(sizeof(*h), GFP_KERNEL);

	if (!h) {
		it->nomem = true;
		return;
	}
	wait_entry_init(&h->wait, item_wake);
	h->wq = wq;
	h->item = it;
	h->next = it->hooks;
	it->hooks = h;
	if (it->events & EPOLLEXCLUSIVE)
		wait_add_exclusive(wq, &h->wait);
	else
		wait_add(wq, &h->wait);
}

static u32 item_poll(const struct epitem *it, struct poll_table *pt)
{
	if (pt)
		pt->events = it->events;
	return file_poll(it->file, pt) & it->events;
}

/* --- tree --- */

static int item_cmp(const struct file *f, int fd, const struct epitem *it)
{
	if (f != it->file)
		return f < it->file ? -1 : 1;
	return fd - it->fd;
}

static struct epitem *item_find(const struct epoll *ep, const struct file *f, int fd)
{
	struct rb_node *n = ep->items.node;

	while (n) {
		struct epitem *it = rb_entry(n, struct epitem, node);
		int c = item_cmp(f, fd, it);

		if (c == 0)
			return it;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static void item_link(struct epoll *ep, struct epitem *it)
{
	struct rb_node **at = &ep->items.node, *parent = NULL;

	while (*at) {
		parent = *at;
		at = item_cmp(it->file, it->fd, rb_entry(parent, struct epitem, node)) < 0
			     ? &parent->left
			     : &parent->right;
	}
	rb_link_node(&it->node, parent, at);
	rb_insert_color(&it->node, &ep->items);
}

static void item_unhook(struct epitem *it)
{
	struct ep_hook *h;

	while ((h = it->hooks)) {
		it->hooks = h->next;
		wait_remove(h->wq, &h->wait);
		kfree(h);
	}
}

/* ep->lock held. */
static void item_remove(struct epitem *it)
{
	struct epoll *ep = it->ep;
	irqflags_t f;

	item_unhook(it);
	spin_lock(&it->file->lock);
	list_del(&it->file_link);
	spin_unlock(&it->file->lock);
	rb_erase(&it->node, &ep->items);
	f = spin_lock_irqsave(&ep->ready_lock);
	list_del_init(&it->ready);
	spin_unlock_irqrestore(&ep->ready_lock, f);
	kfree(it);
}

void epoll_release_file(struct file *f)
{
	struct epitem *it;
	struct epoll *ep;

	mutex_lock(&tree_mutex);
	while (!list_empty(&f->epoll_items)) {
		it = list_first_entry(&f->epoll_items, struct epitem, file_link);
		ep = it->ep;
		mutex_lock_nested(&ep->lock);
		item_remove(it);
		mutex_unlock(&ep->lock);
	}
	mutex_unlock(&tree_mutex);
}

/* --- control --- */

static int item_add(struct epoll *ep, struct file *f, int fd, const struct user_epoll_event *ev)
{
	struct epitem *it = kzalloc(sizeof(*it), GFP_KERNEL);
	struct ep_hooker hooker = { .pt = { .queue = item_hook }, .item = it };

	if (!it)
		return -ENOMEM;
	list_init(&it->ready);
	it->ep = ep;
	it->file = f;
	it->fd = fd;
	it->events = ev->events | POLLERR | POLLHUP;
	it->data = ev->data;
	spin_lock(&f->lock);
	list_add_tail(&it->file_link, &f->epoll_items);
	spin_unlock(&f->lock);
	item_link(ep, it);
	if (item_poll(it, &hooker.pt)) {
		ready_add(it);
		wake_waiters(ep);
	}
	if (it->nomem) {
		item_remove(it);
		return -ENOMEM;
	}
	return 0;
}

static int item_modify(struct epitem *it, const struct user_epoll_event *ev)
{
	if ((ev->events | it->events) & EPOLLEXCLUSIVE)
		return -EINVAL;
	WRITE_ONCE(it->events, ev->events | POLLERR | POLLHUP);
	it->data = ev->data;
	smp_mb(); /* a wake-up sees the new events, or we see its condition */
	if (item_poll(it, NULL)) {
		ready_add(it);
		wake_waiters(it->ep);
	}
	return 0;
}

/* Does `from` reach `target`, or is the chain below it too deep? tree_mutex held. */
static bool reaches(struct epoll *from, const struct epoll *target, unsigned int depth)
{
	bool bad = false;

	if (from == target || depth > EP_MAX_DEPTH)
		return true;
	if (from->mark == loop_mark)
		return false;
	mutex_lock_nested(&from->lock);
	for (struct rb_node *n = rb_first(&from->items); n && !bad; n = rb_next(n)) {
		struct file *f = rb_entry(n, struct epitem, node)->file;

		if (is_epoll(f))
			bad = reaches(f->private, target, depth + 1);
	}
	mutex_unlock(&from->lock);
	from->mark = loop_mark;
	return bad;
}

static int control_locked(struct epoll *ep, int op, struct file *f, int fd,
			  const struct user_epoll_event *ev)
{
	struct epitem *it = item_find(ep, f, fd);

	switch (op) {
	case EPOLL_CTL_ADD:
		return it ? -EEXIST : item_add(ep, f, fd, ev);
	case EPOLL_CTL_DEL:
		if (!it)
			return -ENOENT;
		item_remove(it);
		return 0;
	case EPOLL_CTL_MOD:
		return it ? item_modify(it, ev) : -ENOENT;
	}
	return -EINVAL;
}

static NO_LOCK_ANALYSIS int control(struct file *epf, int op, struct file *f, int fd,
		   const struct user_epoll_event *ev)
{
	bool nest = op == EPOLL_CTL_ADD && f->ops && is_epoll(f);
	struct epoll *ep;
	int rc;

	if (!f->ops->poll)
		return -EPERM;
	if (f == epf || !is_epoll(epf))
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && (ev->events & EPOLLEXCLUSIVE)) {
		if (op == EPOLL_CTL_MOD)
			return -EINVAL;
		if (is_epoll(f) || (ev->events & ~EXCLUSIVE_OK))
			return -EINVAL;
	}
	ep = epf->private;
	if (nest) {
		mutex_lock(&tree_mutex);
		loop_mark++;
		rc = -ELOOP;
		if (reaches(f->private, ep, 0))
			goto out;
	}
	mutex_lock_nested(&ep->lock);
	rc = control_locked(ep, op, f, fd, ev);
	mutex_unlock(&ep->lock);
out:
	if (nest)
		mutex_unlock(&tree_mutex);
	return rc;
}

SYSCALL(epoll_ctl, int, epfd, int, op, int, fd, struct user_ptr, uev)
{
	struct user_epoll_event ev = { 0 };
	struct fdref er, r;
	long rc;

	if (op != EPOLL_CTL_DEL && copy_from_user(&ev, uev, sizeof(ev)))
		return -EFAULT;
	rc = fd_get(epfd, RIGHT_NONE, &er);
	if (rc)
		return rc;
	rc = fd_get(fd, RIGHT_POLL, &r);
	if (rc == 0) {
		rc = control(er.file, op, r.file, fd, &ev);
		fd_put(r);
	}
	fd_put(er);
	return rc;
}

/* --- waiting --- */

static bool any_ready(const struct epoll *ep)
{
	return READ_ONCE(ep->ready.next) != &ep->ready;
}

/* The ready list was out of sight for a while. Who came then saw an empty one and sleeps, and one
 * wake-up may stand for several items: if there are any, the next waiter has its turn. */
static void pass_on(struct epoll *ep)
{
	smp_mb();
	if (any_ready(ep) && wait_queue_active(&ep->wq))
		wake_up_common(&ep->wq, TASK_NORMAL, 1, 0, false);
}

/* Reports up to max events; number or -EFAULT (when the first cannot be written). */
static int report(struct epoll *ep, struct user_ptr out, int max)
{
	LIST_HEAD(batch);
	int n = 0, rc = 0;
	irqflags_t f;

	mutex_lock_nested(&ep->lock);
	f = spin_lock_irqsave(&ep->ready_lock);
	list_splice_tail_init(&ep->ready, &batch);
	while (!list_empty(&batch) && n < max) {
		struct epitem *it = list_first_entry(&batch, struct epitem, ready);
		struct user_epoll_event ev;

		list_del_init(&it->ready);
		spin_unlock_irqrestore(&ep->ready_lock, f);
		ev.events = item_poll(it, NULL);
		ev.data = it->data;
		if (ev.events) {
			if (copy_to_user(user_ptr_add(out, (u64)n * sizeof(ev)), &ev, sizeof(ev))) {
				ready_add(it);
				rc = -EFAULT;
				f = spin_lock_irqsave(&ep->ready_lock);
				break;
			}
			n++;
			if (it->events & EPOLLONESHOT)
				WRITE_ONCE(it->events, it->events & EP_PRIVATE_BITS);
			else if (!(it->events & EPOLLET))
				ready_add(it);
		}
		f = spin_lock_irqsave(&ep->ready_lock);
	}
	/* What was not looked at goes back in front of what came meanwhile. */
	list_splice_tail_init(&ep->ready, &batch);
	list_splice_tail_init(&batch, &ep->ready);
	spin_unlock_irqrestore(&ep->ready_lock, f);
	mutex_unlock(&ep->lock);
	pass_on(ep);
	return n ? n : rc;
}

static long do_epoll_wait(int epfd, struct user_ptr out, int max, bool poll_only, u64 deadline)
{
	struct epoll *ep;
	struct fdref r;
	long rc;

	if (max <= 0 || max > EP_MAX_EVENTS)
		return -EINVAL;
	if (!user_range_ok(out, (u64)max * sizeof(struct user_epoll_event)))
		return -EFAULT;
	rc = fd_get(epfd, RIGHT_NONE, &r);
	if (rc)
		return rc;
	if (!is_epoll(r.file)) {
		fd_put(r);
		return -EINVAL;
	}
	ep = r.file->private;
	for (;;) {
		rc = any_ready(ep) ? report(ep, out, max) : 0;
		if (rc || poll_only)
			break;
		rc = WAIT_EVENT_COMMON(&ep->wq, any_ready(ep), TASK_INTERRUPTIBLE, deadline, true);
		if (rc) {
			if (any_ready(ep))
				wake_waiters(ep); /* meant for us, perhaps: pass it on */
			rc = rc == -ETIMEDOUT ? (any_ready(ep) ? report(ep, out, max) : 0) : -EINTR;
			break;
		}
	}
	fd_put(r);
	return rc;
}

static long wait_ms(int epfd, struct user_ptr out, int max, int timeout)
{
	u64 deadline = timeout > 0 ? poll_deadline((u64)timeout * NSEC_PER_MSEC) : 0;

	return do_epoll_wait(epfd, out, max, timeout == 0, deadline);
}

SYSCALL(epoll_wait, int, epfd, struct user_ptr, out, int, max, int, timeout)
{
	return wait_ms(epfd, out, max, timeout);
}

SYSCALL(epoll_pwait, int, epfd, struct user_ptr, out, int, max, int, timeout, struct user_ptr, mask,
	u64, size)
{
	long rc = poll_set_sigmask(mask, size);

	if (rc)
		return rc;
	rc = wait_ms(epfd, out, max, timeout);
	restore_saved_sigmask_unless(rc == -EINTR);
	return rc;
}

SYSCALL(epoll_pwait2, int, epfd, struct user_ptr, out, int, max, struct user_ptr, tsp,
	struct user_ptr, mask, u64, size)
{
	u64 relative = 0;
	bool timed;
	long rc;

	rc = poll_get_timespec(tsp, &timed, &relative);
	if (rc == 0)
		rc = poll_set_sigmask(mask, size);
	if (rc)
		return rc;
	rc = do_epoll_wait(epfd, out, max, timed && !relative,
			   timed && relative ? poll_deadline(relative) : 0);
	restore_saved_sigmask_unless(rc == -EINTR);
	return rc;
}

/* --- the file --- */

/* Ready when an item on the list really is. */
static unsigned int epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->private;
	unsigned int ready = 0;
	LIST_HEAD(batch);
	irqflags_t fl;

	poll_wait(f, &ep->pollers, pt);
	smp_mb();
	if (!any_ready(ep))
		return 0;
	mutex_lock_nested(&ep->lock);
	fl = spin_lock_irqsave(&ep->ready_lock);
	list_splice_tail_init(&ep->ready, &batch);
	while (!ready && !list_empty(&batch)) {
		struct epitem *it = list_first_entry(&batch, struct epitem, ready);

		list_del_init(&it->ready);
		spin_unlock_irqrestore(&ep->ready_lock, fl);
		if (item_poll(it, NULL)) {
			ready_add(it);
			ready = POLLIN | POLLRDNORM;
		}
		fl = spin_lock_irqsave(&ep->ready_lock);
	}
	list_splice_tail_init(&ep->ready, &batch);
	list_splice_tail_init(&batch, &ep->ready);
	spin_unlock_irqrestore(&ep->ready_lock, fl);
	mutex_unlock(&ep->lock);
	pass_on(ep);
	return ready;
}

static void epoll_release(struct inode *i __maybe_unused, struct file *f)
{
	struct epoll *ep = f->private;
	struct rb_node *n;

	/* tree_mutex keeps watched files from going while their items are taken off. */
	mutex_lock(&tree_mutex);
	mutex_lock_nested(&ep->lock);
	while ((n = rb_first(&ep->items)))
		item_remove(rb_entry(n, struct epitem, node));
	mutex_unlock(&ep->lock);
	mutex_unlock(&tree_mutex);
	kfree(ep);
}

static void epoll_fdinfo(struct file *f, struct strbuf *sb)
{
	struct epoll *ep = f->private;

	mutex_lock(&ep->lock);
	for (struct rb_node *n = rb_first(&ep->items); n; n = rb_next(n)) {
		const struct epitem *it = rb_entry(n, struct epitem, node);

		sb_printf(sb, "tfd: %8d events: %8x data: %16lx  pos:%ld ino:%lx sdev:%x\n", it->fd,
			  it->events, it->data, (long)it->file->pos, it->file->inode->ino,
			  (unsigned int)it->file->inode->sb->dev);
	}
	mutex_unlock(&ep->lock);
}

static const struct file_ops epoll_fops = {
	.poll = epoll_poll,
	.release = epoll_release,
	.llseek = noop_llseek,
	.show_fdinfo = epoll_fdinfo,
};

static long do_epoll_create(int flags)
{
	struct epoll *ep;
	struct file *f;
	int rc;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof(*ep), GFP_KERNEL);
	if (!ep)
		return -ENOMEM;
	mutex_init(&ep->lock, LOCK_EPOLL);
	spin_lock_init(&ep->ready_lock, LOCK_EPOLL_READY);
	list_init(&ep->ready);
	wait_queue_init(&ep->wq);
	spin_lock_init(&ep->wq.lock, LOCK_WAITQUEUE_INNER);
	wait_queue_init(&ep->pollers);
	spin_lock_init(&ep->pollers.lock, LOCK_NONE);
	rc = anon_file_create("eventpoll", &epoll_fops, ep, O_RDWR, &f);
	if (rc) {
		kfree(ep);
		return rc;
	}
	ep->file = f;
	return fd_install_new(f, flags & EPOLL_CLOEXEC ? FD_CLOEXEC : 0);
}

SYSCALL(epoll_create, int, size)
{
	return size <= 0 ? -EINVAL : do_epoll_create(0);
}

SYSCALL(epoll_create1, int, flags)
{
	return do_epoll_create(flags);
}
