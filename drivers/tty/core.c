/* SPDX-License-Identifier: MIT */
/* Terminals: numbers, opening and closing, hang-up.
 *
 * Owns:       the table of terminals with fixed numbers (virtual terminals, serial lines), and the
 *             devices that mean another one: /dev/tty, /dev/console, /dev/tty0.
 * Files:      core.c this; io.c reading and writing; ldisc.c the line discipline; ioctl.c settings;
 *             jobctl.c sessions; pty.c pseudo-terminals.
 * Lifetime:   fixed terminals live for ever; their buffers come with the first open and stay. A
 *             pseudo-terminal goes with its last reference (open files, processes it controls).
 * Hang-up:    bumps t->hangup_gen; files that were opened before then read end of file, cannot
 *             write and count no more. Files opened through /dev/console are spared.
 * Locking:    open_lock round opens, closes and hang-ups; the order of all locks is in
 *             kernel/lock_order.h: open_lock, ctl_lock, read_lock, write_lock, then spinlocks
 *             tasklist, siglock, t->lock, ctrl_lock/rx_lock, the driver's. */
#include "tty_internal.h"

#include <fs/poll.h>
#include <kernel/console.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>

#define FIXED_MINORS 256
#define CLOSE_DRAIN (30 * NSEC_PER_SEC)

static struct tty *fixed[FIXED_MINORS]; /* A: by minor of major 4, written once */

static void hangup_fn(struct work *w)
{
	struct tty *t = container_of(w, struct tty, hangup_work);

	tty_vhangup(t);
	tty_put(t);
}

static void destroy_fn(struct work *w)
{
	struct tty *t = container_of(w, struct tty, destroy_work);

	t->ops->destroy(t);
}

void tty_init(struct tty *t, const struct tty_ops *ops, dev_t dev, const char *name,
	      unsigned int index, const struct ktermios *tio)
{
	refcount_set(&t->refs, 1);
	t->dev = dev;
	strscpy(t->name, name, sizeof(t->name));
	t->index = index;
	t->ops = ops;
	t->init_termios = *tio;
	mutex_init(&t->open_lock, LOCK_TTY_OPEN);
	mutex_init(&t->ctl_lock, LOCK_TTY_CTL);
	mutex_init(&t->read_lock, LOCK_TTY_READ);
	mutex_init(&t->write_lock, LOCK_TTY_WRITE);
	spin_lock_init(&t->lock, LOCK_LEAF);
	spin_lock_init(&t->ctrl_lock, LOCK_TTY_BUFFER);
	spin_lock_init(&t->rx_lock, LOCK_TTY_BUFFER);
	wait_queue_init(&t->read_wq);
	wait_queue_init(&t->write_wq);
	work_init(&t->rx_work, tty_rx_work);
	work_init(&t->hangup_work, hangup_fn);
	work_init(&t->destroy_work, destroy_fn);
}

void tty_put(struct tty *t)
{
	if (refcount_dec_and_test(&t->refs) && t->ops->destroy)
		schedule_work(&t->destroy_work);
}

const struct ktermios *tty_termios(const struct tty *t)
{
	return t->ld ? &t->ld->tio : &t->init_termios;
}

int tty_register(struct tty *t)
{
	unsigned int minor = MINOR(t->dev);

	ASSERT(MAJOR(t->dev) == TTY_MAJOR && minor < FIXED_MINORS && !fixed[minor]);
	smp_store_release(&fixed[minor], t);
	return devfs_create(t->name, S_IFCHR | 0600, t->dev);
}

/* Terminal of a device number, with a reference: NULL when there is none. */
struct tty *tty_lookup(dev_t dev)
{
	struct tty *t = NULL;

	if (MAJOR(dev) == PTY_SLAVE_MAJOR)
		return pty_slave_find(MINOR(dev));
	if (MAJOR(dev) != TTY_MAJOR)
		return NULL;
	if (MINOR(dev) == 0)
		t = vt_foreground();
	else if (MINOR(dev) < FIXED_MINORS)
		t = smp_load_acquire(&fixed[MINOR(dev)]);
	if (t)
		tty_get(t);
	return t;
}

/* Without a screen there are no virtual terminals. */
__weak struct tty *vt_foreground(void)
{
	return NULL;
}

/* --- open and close --- */

int tty_file_attach(struct file *f, struct tty *t, bool console)
{
	struct tty_file *tf = kmalloc(sizeof(*tf), GFP_KERNEL);
	int rc;

	if (!tf)
		return -ENOMEM;
	rc = tty_alloc_buffers(t);
	if (!rc && t->opens == 0 && t->ops->open)
		rc = t->ops->open(t);
	if (rc) {
		kfree(tf);
		return rc;
	}
	t->opens++;
	if (console)
		t->console_opens++;
	*tf = (struct tty_file){ .t = t, .gen = t->hangup_gen, .console = console };
	f->private = tf;
	return 0;
}

/* Which terminal an open of rdev means: with a reference. */
static int resolve(dev_t rdev, struct tty **out, bool *noctty, bool *console)
{
	dev_t dev = rdev;

	if (rdev == MKDEV(TTYAUX_MAJOR, 0)) {
		*out = tty_current_get();
		*noctty = true;
		return *out ? 0 : -ENXIO;
	}
	if (rdev == MKDEV(TTYAUX_MAJOR, 1)) {
		dev = console_device();
		*console = true;
		*noctty = true;
	}
	if (dev == MKDEV(TTY_MAJOR, 0))
		*noctty = true;
	*out = tty_lookup(dev);
	if (!*out)
		return rdev == dev ? -ENXIO : -ENODEV;
	return 0;
}

static int tty_open(struct inode *inode, struct file *f)
{
	bool noctty = f->flags & O_NOCTTY, console = false;
	struct tty *t;
	int rc;

	if (inode->rdev == MKDEV(TTYAUX_MAJOR, 2))
		return ptmx_open(inode, f);
	rc = resolve(inode->rdev, &t, &noctty, &console);
	if (rc)
		return rc;
	mutex_lock(&t->open_lock);
	if (tty_is_master(t)) /* /dev/tty of who is controlled by a master: cannot be */
		rc = -EIO;
	else if (t->flags & TTY_F_PTY_SLAVE)
		rc = pty_slave_open_check(t);
	if (!rc && tty_flag(t, TTY_F_EXCLUSIVE) && t->opens && !capable(CAP_SYS_ADMIN))
		rc = -EBUSY;
	if (!rc)
		rc = tty_file_attach(f, t, console);
	if (!rc && (t->flags & TTY_F_PTY_SLAVE))
		tty_flag_clear(t->link, TTY_F_OTHER_CLOSED);
	mutex_unlock(&t->open_lock);
	if (rc) {
		tty_put(t);
		return rc;
	}
	stream_open(inode, f);
	if (!noctty)
		tty_open_take_control(f, t);
	return 0;
}

/* The last file is closed. open_lock held. */
static void last_close(struct tty *t)
{
	tty_flag_clear(t, TTY_F_EXCLUSIVE);
	if (tty_is_pty(t)) {
		pty_closed(t);
	} else {
		if (!t->ld->stopped)
			(void)tty_drain(t, CLOSE_DRAIN);
		if (t->ops->close)
			t->ops->close(t);
	}
	tty_session_clear(t);
}

static void tty_release(struct inode *inode, struct file *f)
{
	struct tty_file *tf = f->private;
	struct tty *t = tf->t;

	mutex_lock(&t->open_lock);
	if (!tty_hung_up(f)) {
		if (tf->console)
			t->console_opens--;
		if (--t->opens == 0)
			last_close(t);
	} else if (tty_is_master(t)) {
		pty_closed(t);
	}
	mutex_unlock(&t->open_lock);
	kfree(tf);
	tty_put(t);
}

/* --- redirection of /dev/console --- */

static struct file *redirect; /* redirect_lock */
static DEFINE_MUTEX(redirect_lock, LOCK_SLEEP_INNER);

long tty_redirect_console(struct file *f)
{
	struct file *old = NULL;
	long rc = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	mutex_lock(&redirect_lock);
	if (tty_file(f)->console) {
		swap(old, redirect);
	} else if (redirect) {
		rc = -EBUSY;
	} else {
		redirect = file_get(f);
	}
	mutex_unlock(&redirect_lock);
	if (old)
		file_put(old);
	return rc;
}

struct file *tty_console_redirect_get(void)
{
	struct file *f;

	if (likely(!READ_ONCE(redirect)))
		return NULL;
	mutex_lock(&redirect_lock);
	f = redirect ? file_get(redirect) : NULL;
	mutex_unlock(&redirect_lock);
	return f;
}

/* t is hung up: what was redirected to it goes to the console again. */
static void redirect_drop(struct tty *t)
{
	struct file *old = NULL;

	mutex_lock(&redirect_lock);
	if (redirect && tty_file(redirect)->t == t)
		swap(old, redirect);
	mutex_unlock(&redirect_lock);
	if (old)
		file_put(old);
}

/* --- hang-up --- */

static void do_hangup(struct tty *t, bool leader_exit)
{
	mutex_lock_nested(&t->open_lock);
	mutex_lock_nested(&t->ctl_lock);
	tty_hangup_session(t, leader_exit);
	WRITE_ONCE(t->hangup_gen, t->hangup_gen + 1);
	if (smp_load_acquire(&t->ld)) {
		tty_flush_input(t);
		if (t->ops->flush_output)
			t->ops->flush_output(t);
		tty_apply_termios(t, &t->init_termios);
		tty_stop_output(t, false);
	}
	mutex_unlock(&t->ctl_lock);
	if (t->opens != t->console_opens) {
		t->opens = t->console_opens;
		if (t->ops->hangup)
			t->ops->hangup(t);
		if (!t->opens && t->ops->close && !tty_is_pty(t))
			t->ops->close(t);
	}
	mutex_unlock(&t->open_lock);
	wake_up_common(&t->read_wq, TASK_NORMAL, 0, POLLIN | POLLRDNORM | POLLHUP | POLLERR, false);
	wake_up_common(&t->write_wq, TASK_NORMAL, 0, POLLOUT | POLLWRNORM | POLLHUP | POLLERR,
		       false);
	/* Its release takes open_lock. */
	if (unlikely(READ_ONCE(redirect)))
		redirect_drop(t);
}

void tty_vhangup(struct tty *t)
{
	do_hangup(t, false);
}

void tty_hangup(struct tty *t)
{
	tty_get(t);
	if (!schedule_work(&t->hangup_work))
		tty_put(t);
}

SYSCALL0(vhangup)
{
	struct tty *t;

	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	t = tty_current_get();
	if (t) {
		do_hangup(t, true);
		tty_put(t);
	}
	return 0;
}

/* The leader of the session is exiting: see jobctl.c. */
void tty_vhangup_leader(struct tty *t)
{
	do_hangup(t, true);
}

/* --- registration --- */

const struct file_ops tty_fops = {
	.open = tty_open,
	.release = tty_release,
	.read = tty_read,
	.write = tty_write,
	.llseek = no_llseek,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
};

static struct cdev tty_cdevs[] = {
	{ .dev = MKDEV(TTY_MAJOR, 0), .count = FIXED_MINORS, .ops = &tty_fops, .name = "tty" },
	{ .dev = MKDEV(TTYAUX_MAJOR, 0), .count = 1, .ops = &tty_fops, .name = "/dev/tty" },
	{ .dev = MKDEV(TTYAUX_MAJOR, 1), .count = 1, .ops = &tty_fops, .name = "/dev/console" },
	{ .dev = MKDEV(TTYAUX_MAJOR, 2), .count = 1, .ops = &tty_fops, .name = "/dev/ptmx" },
	{ .dev = MKDEV(PTY_SLAVE_MAJOR, 0), .count = 1u << 16, .ops = &tty_fops, .name = "pts" },
};

static int tty_core_init(void)
{
	int rc = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(tty_cdevs) && !rc; i++)
		rc = cdev_register(&tty_cdevs[i]);
	if (!rc)
		rc = devfs_create("tty", S_IFCHR | 0666, MKDEV(TTYAUX_MAJOR, 0));
	if (!rc)
		rc = devfs_create("console", S_IFCHR | 0600, MKDEV(TTYAUX_MAJOR, 1));
	if (!rc)
		rc = devfs_create("ptmx", S_IFCHR | 0666, MKDEV(TTYAUX_MAJOR, 2));
	return rc;
}
INIT_HOOK(INIT_DRIVER, tty_core_init);
