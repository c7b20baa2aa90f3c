/* SPDX-License-Identifier: MIT */
/* Pseudo-terminals: a master, opened through /dev/ptmx, and a slave, /dev/pts/N, that is a terminal
 * like any other.
 *
 * Data:       what is written to the slave goes through its line discipline into the rx ring of the
 *             master, raw; what is written to the master goes into the rx ring of the slave and is
 *             processed there as input from a line would be. Both directions hold the writer when
 *             the ring is full: nothing is lost.
 * Closing:    the master reads what is left after the slave's last close, then EIO, until the slave
 *             is opened again. When the master closes, the slave is hung up and its name vanishes.
 * Lifetime:   both sides are one allocation, which goes when neither is referenced. The slave holds
 *             one reference for its open master, so its number stays taken until then.
 * Locking:    master->open_lock -> slave->open_lock. rx_lock of the receiving side guards its
 *             ring's producers and its consumer is t->lock (slave) or read_lock (master). */
#include "tty_internal.h"

#include <fs/devpts.h>
#include <fs/poll.h>
#include <kernel/init.h>
#include <kernel/printf.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <uapi/ioctls.h>

#define PTY_MAX 4096u
#define MASTER_BOUNCE 512

struct pty_pair {
	struct tty master, slave;
	refcount_t sides; /* A: the two structures, while referenced */
};

static struct pty_pair *pairs[PTY_MAX]; /* pairs_lock */
static DEFINE_MUTEX(pairs_lock, LOCK_DRIVER);

static struct pty_pair *pair_of(struct tty *t)
{
	return tty_is_master(t) ? container_of(t, struct pty_pair, master) :
				  container_of(t, struct pty_pair, slave);
}

static void wake_readers(struct tty *t, u64 key)
{
	wake_up_common(&t->read_wq, TASK_NORMAL, 0, key, false);
}

/* --- the slave as a driver --- */

static size_t slave_write_room(struct tty *t)
{
	if (tty_flag(t, TTY_F_OTHER_CLOSED))
		return 0;
	return ring_free(&t->link->rx);
}

static size_t slave_write(struct tty *t, const u8 *buf, size_t n)
{
	struct tty *m = t->link;
	irqflags_t f;

	if (tty_flag(t, TTY_F_OTHER_CLOSED))
		return n; /* nobody will read it */
	f = spin_lock_irqsave(&m->rx_lock);
	n = ring_write(&m->rx, buf, n);
	spin_unlock_irqrestore(&m->rx_lock, f);
	wake_readers(m, POLLIN | POLLRDNORM);
	return n;
}

/* Discards what is still on its way. What the master could have read at once is delivered, as on
 * Linux, where it lies in the master's own line discipline: a ^C must not eat earlier output. */
static void slave_flush_output(struct tty *t)
{
	struct tty *m = t->link;
	irqflags_t f = spin_lock_irqsave(&m->rx_lock);

	if (ring_used(&m->rx) > LDISC_SIZE - 1)
		m->rx.head = m->rx.tail + LDISC_SIZE - 1;
	spin_unlock_irqrestore(&m->rx_lock, f);
}

static bool uses_standard_flow(const struct ktermios *tio)
{
	return (tio->c_iflag & IXON) && tio->c_cc[VSTOP] == '\023' && tio->c_cc[VSTART] == '\021';
}

static void slave_set_termios(struct tty *t, const struct ktermios *old)
{
	const struct ktermios *new = tty_termios(t);
	bool flow = uses_standard_flow(new);

	if (flow != uses_standard_flow(old))
		pty_packet_event(t, TIOCPKT_DOSTOP | TIOCPKT_NOSTOP,
				 flow ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
	if ((old->c_lflag | new->c_lflag) & EXTPROC)
		pty_packet_event(t, 0, TIOCPKT_IOCTL);
}

static int pty_resize(struct tty *t, const struct winsize *ws)
{
	/* The sizes of both sides are one: kept in the slave. */
	tty_set_winsize(tty_is_master(t) ? t->link : t, ws);
	return 0;
}

static void pty_destroy(struct tty *t)
{
	struct pty_pair *p = pair_of(t);
	unsigned int index = t->index;

	/* Each side uses the other's buffers: they go together. */
	if (!refcount_dec_and_test(&p->sides))
		return;
	cancel_work_sync(&p->master.rx_work);
	cancel_work_sync(&p->slave.rx_work);
	tty_free_buffers(&p->master);
	tty_free_buffers(&p->slave);
	mutex_lock(&pairs_lock);
	pairs[index] = NULL;
	mutex_unlock(&pairs_lock);
	kvfree(p);
}

static const struct tty_ops slave_ops = {
	.write = slave_write,
	.write_room = slave_write_room,
	.flush_output = slave_flush_output,
	.set_termios = slave_set_termios,
	.resize = pty_resize,
	.destroy = pty_destroy,
};

/* Packet mode: pktstatus collects what happened until the master reads it. */
void pty_packet_event(struct tty *t, u32 clear, u32 set)
{
	irqflags_t f;

	if (!tty_flag(t->link, TTY_F_PACKET))
		return;
	f = spin_lock_irqsave(&t->ctrl_lock);
	t->pktstatus = (t->pktstatus & ~clear) | set;
	spin_unlock_irqrestore(&t->ctrl_lock, f);
	wake_readers(t->link, POLLIN | POLLPRI | POLLRDNORM);
}

/* --- the master --- */

static bool master_readable(struct tty *t)
{
	return !ring_empty(&t->rx) ||
	       (tty_flag(t, TTY_F_PACKET) && READ_ONCE(t->link->pktstatus));
}

static ssize_t read_status(struct tty *t, struct uio *u)
{
	struct tty *s = t->link;
	irqflags_t f = spin_lock_irqsave(&s->ctrl_lock);
	u8 status = s->pktstatus;

	s->pktstatus = 0;
	spin_unlock_irqrestore(&s->ctrl_lock, f);
	return uio_write_to(u, &status, 1) == 1 ? 1 : -EFAULT;
}

static ssize_t read_data(struct tty *t, struct uio *u, bool packet)
{
	u8 bounce[MASTER_BOUNCE];
	ssize_t done = 0;

	if (packet) {
		bounce[0] = TIOCPKT_DATA;
		if (uio_write_to(u, bounce, 1) != 1)
			return -EFAULT;
		done = 1;
	}
	while (u->count) {
		irqflags_t f = spin_lock_irqsave(&t->rx_lock);
		u32 n = ring_read(&t->rx, bounce, min_t(size_t, u->count, sizeof(bounce)));
		size_t copied;

		spin_unlock_irqrestore(&t->rx_lock, f);
		if (!n)
			break;
		copied = uio_write_to(u, bounce, n);
		done += copied;
		if (copied < n)
			return done ? done : -EFAULT;
	}
	return done;
}

ssize_t pty_master_read(struct file *f, struct tty *t, struct uio *u)
{
	ssize_t rc;

	if (!u->count)
		return 0;
	if (f->flags & O_NONBLOCK) {
		if (!mutex_trylock(&t->read_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&t->read_lock)) {
		return -ERESTARTSYS;
	}
	for (;;) {
		bool packet = tty_flag(t, TTY_F_PACKET);
		/* Sampled before looking at the ring: the slave writes before it closes. */
		bool closed = tty_flag(t, TTY_F_OTHER_CLOSED);

		if (packet && READ_ONCE(t->link->pktstatus)) {
			rc = read_status(t, u);
			break;
		}
		if (!ring_empty(&t->rx)) {
			rc = read_data(t, u, packet);
			/* Room again for programs that write to the slave. */
			tty_wakeup(t->link);
			break;
		}
		rc = -EIO;
		if (closed)
			break;
		rc = -EAGAIN;
		if (f->flags & O_NONBLOCK)
			break;
		rc = wait_event_interruptible(&t->read_wq,
			master_readable(t) || tty_flag(t, TTY_F_OTHER_CLOSED));
		if (rc)
			break;
	}
	mutex_unlock(&t->read_lock);
	return rc;
}

ssize_t pty_master_write(struct file *f, struct tty *t, struct uio *u)
{
	struct tty *s = t->link;
	ssize_t done = 0;
	int rc = 0;

	if (f->flags & O_NONBLOCK) {
		if (!mutex_trylock(&t->write_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&t->write_lock)) {
		return -ERESTARTSYS;
	}
	while (u->count) {
		size_t n = min_t(size_t, u->count, TTY_WRITE_CHUNK), got, room;

		room = tty_receive_room(s);
		if (!room) {
			rc = -EAGAIN;
			if (f->flags & O_NONBLOCK)
				break;
			rc = wait_event_interruptible(&t->write_wq, tty_receive_room(s));
			if (rc)
				break;
			continue;
		}
		n = min(n, room);
		got = uio_read_from(u, t->write_buf, n);
		/* Room only grows meanwhile, but for TIOCSTI. */
		done += tty_receive_now(s, t->write_buf, got);
		if (got < n) {
			rc = -EFAULT;
			break;
		}
	}
	mutex_unlock(&t->write_lock);
	return done ? done : rc;
}

unsigned int pty_master_poll(struct file *f, struct tty *t, struct poll_table *pt)
{
	unsigned int bits = 0;

	poll_wait(f, &t->read_wq, pt);
	poll_wait(f, &t->write_wq, pt);
	if (!ring_empty(&t->rx))
		bits |= POLLIN | POLLRDNORM;
	if (tty_flag(t, TTY_F_PACKET) && READ_ONCE(t->link->pktstatus))
		bits |= POLLPRI | POLLIN | POLLRDNORM;
	if (tty_flag(t, TTY_F_OTHER_CLOSED))
		bits |= POLLHUP;
	if (tty_receive_room(t->link))
		bits |= POLLOUT | POLLWRNORM;
	return bits;
}

static size_t master_write_room(struct tty *t)
{
	return tty_receive_room(t->link);
}

/* Only for what goes past pty_master_write: characters of flow control. */
static size_t master_write(struct tty *t, const u8 *buf, size_t n)
{
	return tty_receive(t->link, buf, n, TTY_NORMAL);
}

static void master_flush_output(struct tty *t)
{
	struct tty *s = t->link;
	irqflags_t f;

	spin_lock(&s->lock);
	f = spin_lock_irqsave(&s->rx_lock);
	ring_clear(&s->rx);
	spin_unlock_irqrestore(&s->rx_lock, f);
	spin_unlock(&s->lock);
}

static long set_packet(struct tty *t, struct user_ptr up)
{
	u32 on;

	if (get_user_u32(&on, up))
		return -EFAULT;
	if (on && !tty_flag(t, TTY_F_PACKET)) {
		t->link->pktstatus = 0;
		tty_flag_set(t, TTY_F_PACKET);
	} else if (!on) {
		tty_flag_clear(t, TTY_F_PACKET);
	}
	return 0;
}

static long master_ioctl(struct tty *t, unsigned int cmd, u64 arg)
{
	struct user_ptr up = USER_PTR(arg);
	struct file *peer;
	u32 v;
	int rc;

	switch (cmd) {
	case TIOCGPTN:
		return put_user_u32(t->index, up);
	case TIOCSPTLCK:
		if (get_user_u32(&v, up))
			return -EFAULT;
		if (v)
			tty_flag_set(t->link, TTY_F_LOCKED);
		else
			tty_flag_clear(t->link, TTY_F_LOCKED);
		return 0;
	case TIOCGPTLCK:
		return put_user_u32(tty_flag(t->link, TTY_F_LOCKED) ? 1 : 0, up);
	case TIOCPKT:
		return set_packet(t, up);
	case TIOCGPKT:
		return put_user_u32(tty_flag(t, TTY_F_PACKET) ? 1 : 0, up);
	case TIOCSIG:
		if (arg < 1 || arg > NSIG || (arg != SIGINT && arg != SIGQUIT && arg != SIGTSTP))
			return -EINVAL;
		tty_signal_pgrp(t->link, (int)arg);
		return 0;
	case TIOCGPTPEER:
		rc = devpts_open_peer(t->index, (int)arg, &peer);
		if (rc)
			return rc;
		return fd_install_new(peer, arg & O_CLOEXEC ? FD_CLOEXEC : 0);
	default:
		return -ENOIOCTLCMD;
	}
}

static const struct tty_ops master_ops = {
	.write = master_write,
	.write_room = master_write_room,
	.flush_output = master_flush_output,
	.ioctl = master_ioctl,
	.resize = pty_resize,
	.destroy = pty_destroy,
};

/* --- opening and closing --- */

static int pair_create(struct pty_pair **out)
{
	struct pty_pair *p = kvmalloc(sizeof(*p), GFP_KERNEL | GFP_ZERO);
	unsigned int i;
	char name[16];

	if (!p)
		return -ENOMEM;
	mutex_lock(&pairs_lock);
	for (i = 0; i < PTY_MAX && pairs[i]; i++)
		;
	if (i == PTY_MAX) {
		mutex_unlock(&pairs_lock);
		kvfree(p);
		return -ENOSPC;
	}
	scnprintf(name, sizeof(name), "pts/%u", i);
	tty_init(&p->master, &master_ops, MKDEV(TTYAUX_MAJOR, 2), "ptmx", i, &tty_std_termios);
	tty_init(&p->slave, &slave_ops, MKDEV(PTY_SLAVE_MAJOR, i), name, i, &tty_std_termios);
	p->master.init_termios.c_iflag = p->master.init_termios.c_oflag = 0;
	p->master.init_termios.c_lflag = 0;
	p->slave.init_termios.c_cflag = p->master.init_termios.c_cflag = B38400 | CS8 | CREAD;
	p->master.flags = TTY_F_PTY_MASTER;
	p->slave.flags = TTY_F_PTY_SLAVE | TTY_F_LOCKED;
	p->master.link = &p->slave;
	p->slave.link = &p->master;
	refcount_set(&p->sides, 2);
	pairs[i] = p;
	mutex_unlock(&pairs_lock);
	*out = p;
	return 0;
}

int ptmx_open(struct inode *inode, struct file *f)
{
	struct pty_pair *p;
	int rc = pair_create(&p);

	if (rc)
		return rc;
	rc = tty_alloc_buffers(&p->slave);
	if (rc)
		goto put;
	mutex_lock(&p->master.open_lock);
	rc = tty_file_attach(f, &p->master, false);
	mutex_unlock(&p->master.open_lock);
	if (rc)
		goto put;
	rc = devpts_add(p->master.index);
	if (rc)
		goto detach;
	stream_open(inode, f);
	return 0;
detach:
	kfree(f->private);
	f->private = NULL;
put:
	tty_put(&p->slave);
	tty_put(&p->master);
	return rc;
}

struct tty *pty_slave_find(unsigned int index)
{
	struct tty *t = NULL;

	mutex_lock(&pairs_lock);
	if (index < PTY_MAX && pairs[index] && refcount_inc_not_zero(&pairs[index]->slave.refs))
		t = &pairs[index]->slave;
	mutex_unlock(&pairs_lock);
	return t;
}

int pty_slave_open_check(struct tty *t)
{
	if (tty_flag(t, TTY_F_OTHER_CLOSED) || tty_flag(t, TTY_F_LOCKED))
		return -EIO;
	return 0;
}

/* One side has no open file any more. Its open_lock is held. */
void pty_closed(struct tty *t)
{
	struct tty *other = t->link;

	tty_flag_set(other, TTY_F_OTHER_CLOSED);
	tty_flag_clear(t, TTY_F_PACKET);
	wake_readers(other, POLLIN | POLLHUP | POLLRDNORM);
	wake_up_common(&other->write_wq, TASK_NORMAL, 0, POLLOUT | POLLHUP, false);
	if (!tty_is_master(t))
		return;
	devpts_remove(t->index);
	tty_vhangup(other);
	tty_put(other); /* the master's */
}
