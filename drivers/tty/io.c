/* SPDX-License-Identifier: MIT */
/* Bytes through a terminal: from the driver's interrupt to readers, and from writers to the driver.
 *
 * Input:      tty_receive (interrupt) -> rx ring -> tty_process_input (work item, or a reader or
 *             poller that finds nothing) -> line discipline -> tty_read. When the line discipline
 *             is full bytes stay in rx; when rx gets full the driver is throttled.
 * Output:     tty_write copies a chunk from the program, then hands it to the line discipline and
 *             so to the driver as room allows, sleeping for room in between.
 * Signals:    the line discipline stops at a signal character with ld->sig set; the signal is sent
 *             with no lock held, then processing goes on. Whoever finds ld->sig set leaves it to
 *             the one who is sending.
 * Locking:    t->lock (ring consumer, line discipline) -> driver's lock. read_lock and write_lock
 *             are outside of it. */
#include "tty_internal.h"

#include <fs/poll.h>
#include <kernel/init.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uio.h>

#define RX_THROTTLE (TTY_RX_SIZE * 3 / 4)
#define RX_UNTHROTTLE (TTY_RX_SIZE / 4)
#define READ_BOUNCE 512
#define WAKEUP_CHARS 256 /* POLLOUT only while fewer bytes wait in the driver */
#define DECISECOND (100 * NSEC_PER_MSEC)
#define DRAIN_POLL (5 * NSEC_PER_MSEC)

struct tty_ld {
	struct ldisc ld;
	struct tty *t;
};

struct tty *ldisc_tty(struct ldisc *ld)
{
	return container_of(ld, struct tty_ld, ld)->t;
}

static size_t ld_room(struct ldisc *ld)
{
	struct tty *t = ldisc_tty(ld);

	return t->ops->write_room(t);
}

static size_t ld_output(struct ldisc *ld, const u8 *buf, size_t n)
{
	struct tty *t = ldisc_tty(ld);

	return t->ops->write(t, buf, n);
}

static void ld_stop(struct ldisc *ld, bool stop)
{
	struct tty *t = ldisc_tty(ld);

	if (t->ops->stop_output)
		t->ops->stop_output(t, stop);
	if (tty_is_pty(t))
		pty_packet_event(t, stop ? TIOCPKT_START : TIOCPKT_STOP,
				 stop ? TIOCPKT_STOP : TIOCPKT_START);
	if (!stop)
		wake_up_common(&t->write_wq, TASK_NORMAL, 0, POLLOUT | POLLWRNORM, false);
}

const struct ldisc_ops tty_ldisc_ops = {
	.room = ld_room,
	.output = ld_output,
	.stop = ld_stop,
};

/* One allocation: line discipline, its buffers, rx ring, write staging. */
struct tty_buffers {
	struct tty_ld ld;
	u8 ldbuf[LDISC_SIZE + LDISC_ECHO];
	u8 rx[TTY_RX_SIZE];
	u8 write[TTY_WRITE_CHUNK];
};

int tty_alloc_buffers(struct tty *t)
{
	struct tty_buffers *b;

	if (t->ld)
		return 0;
	b = kvmalloc(sizeof(*b), GFP_KERNEL);
	if (!b)
		return -ENOMEM;
	b->ld.t = t;
	ldisc_init(&b->ld.ld, &tty_ldisc_ops, b->ldbuf, &t->init_termios);
	ring_init(&t->rx, b->rx, TTY_RX_SIZE);
	t->write_buf = b->write;
	smp_store_release(&t->ld, &b->ld.ld);
	return 0;
}

void tty_free_buffers(struct tty *t)
{
	if (t->ld)
		kvfree(container_of(t->ld, struct tty_buffers, ld.ld));
	t->ld = NULL;
}

/* --- input --- */

static size_t rx_push(struct tty *t, const u8 *buf, size_t n, u8 flag)
{
	irqflags_t f;
	size_t done;

	f = spin_lock_irqsave(&t->rx_lock);
	if (flag != TTY_NORMAL && t->nr_rx_flags < ARRAY_SIZE(t->rx_flags) && !ring_full(&t->rx))
		t->rx_flags[t->nr_rx_flags++] = (struct tty_rx_flag){ t->rx.head, flag };
	done = ring_write(&t->rx, buf, n);
	spin_unlock_irqrestore(&t->rx_lock, f);
	if (ring_used(&t->rx) > RX_THROTTLE && t->ops->throttle && !tty_flag(t, TTY_F_THROTTLED)) {
		tty_flag_set(t, TTY_F_THROTTLED);
		t->ops->throttle(t, true);
	}
	return done;
}

size_t tty_receive(struct tty *t, const u8 *buf, size_t n, u8 flag)
{
	if (!smp_load_acquire(&t->ld))
		return n; /* never opened: nobody will read it */
	n = rx_push(t, buf, n, flag);
	schedule_work(&t->rx_work);
	return n;
}

/* The same from task context with no locks that matter: processed before it returns. */
size_t tty_receive_now(struct tty *t, const u8 *buf, size_t n)
{
	n = rx_push(t, buf, n, TTY_NORMAL);
	tty_process_input(t);
	return n;
}

size_t tty_receive_room(struct tty *t)
{
	return smp_load_acquire(&t->ld) ? ring_free(&t->rx) : TTY_RX_SIZE;
}

static void rx_unthrottle(struct tty *t)
{
	if (ring_used(&t->rx) > RX_UNTHROTTLE)
		return;
	if (tty_flag(t, TTY_F_THROTTLED)) {
		tty_flag_clear(t, TTY_F_THROTTLED);
		if (t->ops->throttle)
			t->ops->throttle(t, false);
	}
}

/* The flag of the oldest byte in rx, and the length of the run that shares it. t->lock held. */
static u8 rx_run_flag(struct tty *t, u32 *n)
{
	u8 flag = TTY_NORMAL;
	irqflags_t f;

	if (likely(!READ_ONCE(t->nr_rx_flags)))
		return TTY_NORMAL;
	f = spin_lock_irqsave(&t->rx_lock);
	if (t->rx_flags[0].pos == t->rx.tail) {
		flag = t->rx_flags[0].flag;
		*n = 1;
		t->nr_rx_flags--;
		memmove(&t->rx_flags[0], &t->rx_flags[1],
			t->nr_rx_flags * sizeof(t->rx_flags[0]));
	} else {
		*n = min(*n, t->rx_flags[0].pos - t->rx.tail);
	}
	spin_unlock_irqrestore(&t->rx_lock, f);
	return flag;
}

/* The signal that the line discipline asks for. Flushing and the echo come first: whoever gets the
 * signal may write and change the settings at once. No lock held. */
static void input_signal(struct tty *t, int sig)
{
	if (!(t->ld->tio.c_lflag & NOFLSH)) {
		spin_lock(&t->lock);
		ldisc_flush_echo(t->ld);
		ldisc_flush_input(t->ld);
		spin_unlock(&t->lock);
		if (t->ops->flush_output)
			t->ops->flush_output(t);
		if (tty_is_pty(t))
			pty_packet_event(t, 0, TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
	}
	spin_lock(&t->lock);
	ldisc_signal_done(t->ld);
	spin_unlock(&t->lock);
	tty_signal_pgrp(t, sig);
}

void tty_process_input(struct tty *t)
{
	struct ldisc *ld = t->ld;
	bool readable, more;

	do {
		const u8 *p;
		u32 n, used = 0;
		int sig = 0;

		spin_lock(&t->lock);
		n = ring_read_span(&t->rx, &p);
		if (n && !ld->sig) {
			u8 flag = rx_run_flag(t, &n);

			used = ldisc_input(ld, p, min(n, 256u), flag);
			ring_skip(&t->rx, used);
			sig = ld->sig;
		} else if (!ld->sig) {
			ldisc_push_echo(ld);
		}
		readable = ldisc_readable(ld, true);
		spin_unlock(&t->lock);
		if (readable)
			wake_up_common(&t->read_wq, TASK_NORMAL, 0, POLLIN | POLLRDNORM, false);
		if (sig)
			input_signal(t, sig);
		more = used != 0;
		if (more)
			rx_unthrottle(t);
		/* The writing side of a pseudo-terminal waits for this room. */
		if (more && (t->flags & TTY_F_PTY_SLAVE))
			tty_wakeup(t->link);
	} while (more);
}

void tty_rx_work(struct work *w)
{
	struct tty *t = container_of(w, struct tty, rx_work);

	if (smp_load_acquire(&t->ld))
		tty_process_input(t);
}

void tty_flush_input(struct tty *t)
{
	irqflags_t f;

	if (!smp_load_acquire(&t->ld))
		return;
	spin_lock(&t->lock);
	f = spin_lock_irqsave(&t->rx_lock);
	ring_clear(&t->rx);
	t->nr_rx_flags = 0;
	spin_unlock_irqrestore(&t->rx_lock, f);
	ldisc_flush_input(t->ld);
	spin_unlock(&t->lock);
	rx_unthrottle(t);
	if (t->flags & TTY_F_PTY_SLAVE) {
		pty_packet_event(t, 0, TIOCPKT_FLUSHREAD);
		tty_wakeup(t->link);
	}
}

/* --- reading --- */

static int wait_for_input(struct file *f, struct tty *t, u64 deadline)
{
	return wait_event_interruptible_timeout(&t->read_wq,
		tty_hung_up(f) || tty_flag(t, TTY_F_OTHER_CLOSED) || ldisc_readable(t->ld, false),
		deadline);
}

/* Takes what is there: bytes copied, or -EFAULT when none could be. *end: return now. */
static ssize_t read_available(struct tty *t, struct uio *u, bool *end)
{
	u8 bounce[READ_BOUNCE];
	ssize_t done = 0;

	while (u->count) {
		size_t n, copied;
		bool line = false;

		spin_lock(&t->lock);
		n = ldisc_read(t->ld, bounce, min_t(size_t, u->count, sizeof(bounce)), &line);
		if (!line && n == u->count && (t->ld->tio.c_lflag & ICANON))
			ldisc_skip_eof(t->ld);
		spin_unlock(&t->lock);
		copied = uio_write_to(u, bounce, n);
		done += copied;
		*end = line;
		if (copied < n) {
			*end = true;
			return done ? done : -EFAULT;
		}
		if (line || !n)
			break;
	}
	return done;
}

/* Nothing to read at the moment: 0 go on, 1 end of file, or -errno. */
static int read_wait(struct file *f, struct tty *t, u64 deadline, bool no_wait)
{
	/* Bytes may lie in rx that nobody has looked at yet. */
	tty_process_input(t);
	if (ldisc_readable(t->ld, false))
		return 0;
	if (tty_flag(t, TTY_F_OTHER_CLOSED))
		return -EIO;
	if (tty_hung_up(f))
		return 1;
	if (no_wait)
		return 1;
	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	return wait_for_input(f, t, deadline);
}

static ssize_t read_locked(struct file *f, struct tty *t, struct uio *u)
{
	const struct ktermios *tio = &t->ld->tio;
	bool canon = tio->c_lflag & ICANON;
	u64 time = canon ? 0 : tio->c_cc[VTIME] * DECISECOND;
	size_t min = canon ? 1 : tio->c_cc[VMIN];
	/* VMIN 0: VTIME counts from the call; else from each byte after the first. */
	u64 deadline = !canon && !min && time ? ktime_get() + time : 0;
	bool poll_once = !canon && !min && !time;
	ssize_t done = 0;
	int rc = 0;

	if (!min)
		min = 1;
	while (u->count) {
		bool end = false;
		ssize_t n;

		if (!ldisc_readable(t->ld, false)) {
			rc = read_wait(f, t, deadline, poll_once);
			if (rc == -ETIMEDOUT || rc > 0) {
				rc = 0;
				break;
			}
			if (rc)
				break;
			continue;
		}
		n = read_available(t, u, &end);
		if (n < 0) {
			rc = n;
			break;
		}
		done += n;
		if (end || (canon && n) || (size_t)done >= min)
			break;
		if (time && min)
			deadline = ktime_get() + time;
	}
	/* What was read made room for what waits in rx. */
	if (!ring_empty(&t->rx))
		tty_process_input(t);
	return done ? done : rc;
}

ssize_t tty_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct tty *t = tty_file(f)->t;
	ssize_t rc;

	if (tty_is_master(t))
		return pty_master_read(f, t, u);
	if (tty_hung_up(f))
		return 0;
	if (!tty_file(f)->console) {
		rc = tty_check_change(t, SIGTTIN);
		if (rc)
			return rc;
	}
	if (f->flags & O_NONBLOCK) {
		if (!mutex_trylock(&t->read_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&t->read_lock)) {
		return -ERESTARTSYS;
	}
	rc = read_locked(f, t, u);
	mutex_unlock(&t->read_lock);
	if (rc > 0)
		file_accessed(f);
	return rc;
}

/* --- output --- */

static bool output_room(struct tty *t)
{
	return !t->ld->stopped && t->ops->write_room(t) >= TTY_MIN_ROOM;
}

static bool output_dead(struct file *f, struct tty *t)
{
	return tty_hung_up(f) ||
	       ((t->flags & TTY_F_PTY_SLAVE) && tty_flag(t, TTY_F_OTHER_CLOSED));
}

/* Writes n bytes of the staging buffer: how many, or -errno when none. */
static ssize_t write_chunk(struct file *f, struct tty *t, size_t n)
{
	size_t done = 0;
	int rc = 0;

	while (done < n) {
		size_t k;

		if (output_dead(f, t)) {
			rc = -EIO;
			break;
		}
		spin_lock(&t->lock);
		k = ldisc_write(t->ld, t->write_buf + done, n - done);
		spin_unlock(&t->lock);
		done += k;
		if (done == n)
			break;
		rc = -EAGAIN;
		if (f->flags & O_NONBLOCK)
			break;
		rc = wait_event_interruptible(&t->write_wq, output_dead(f, t) || output_room(t));
		if (rc)
			break;
	}
	return done ? (ssize_t)done : rc;
}

ssize_t tty_write(struct file *f, struct uio *u, loff_t *pos)
{
	struct tty *t = tty_file(f)->t;
	ssize_t done = 0, rc = 0;

	if (tty_is_master(t))
		return pty_master_write(f, t, u);
	if (tty_file(f)->console) {
		struct file *to = tty_console_redirect_get();

		if (to) {
			rc = tty_write(to, u, pos);
			file_put(to);
			return rc;
		}
	}
	if (output_dead(f, t))
		return -EIO;
	if ((t->ld->tio.c_lflag & TOSTOP) && !tty_file(f)->console) {
		rc = tty_check_change(t, SIGTTOU);
		if (rc)
			return rc;
	}
	if (f->flags & O_NONBLOCK) {
		if (!mutex_trylock(&t->write_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&t->write_lock)) {
		return -ERESTARTSYS;
	}
	while (u->count) {
		size_t n = min_t(size_t, u->count, TTY_WRITE_CHUNK), got;

		got = uio_read_from(u, t->write_buf, n);
		rc = got ? write_chunk(f, t, got) : -EFAULT;
		if (rc < 0)
			uio_revert(u, got);
		if (rc <= 0)
			break;
		done += rc;
		if ((size_t)rc < got) {
			uio_revert(u, got - rc);
			break;
		}
		if (got < n)
			break;
		if (signal_pending()) {
			rc = -ERESTARTSYS;
			break;
		}
	}
	mutex_unlock(&t->write_lock);
	return done ? done : rc;
}

void tty_wakeup(struct tty *t)
{
	/* Echo that had no room goes first. */
	if (smp_load_acquire(&t->ld) && !ring_empty(&t->ld->echo))
		schedule_work(&t->rx_work);
	wake_up_common(&t->write_wq, TASK_NORMAL, 0, POLLOUT | POLLWRNORM, false);
}

void tty_flush_output(struct tty *t)
{
	if (t->ops->flush_output)
		t->ops->flush_output(t);
	if (tty_is_pty(t))
		pty_packet_event(t, 0, TIOCPKT_FLUSHWRITE);
	tty_wakeup(t);
}

static bool output_empty(struct tty *t)
{
	return (!t->ld || ring_empty(&t->ld->echo)) &&
	       (!t->ops->chars_in_buffer || !t->ops->chars_in_buffer(t));
}

int tty_drain(struct tty *t, u64 timeout_ns)
{
	u64 end = timeout_ns ? ktime_get() + timeout_ns : ~0ull;
	int rc;

	/* A pseudo-terminal's output is delivered once it is written. */
	if (tty_is_pty(t))
		return 0;
	/* The last bytes leave a chip's shift register without an interrupt: look now and then. */
	do
		rc = wait_event_interruptible_timeout(&t->write_wq, output_empty(t),
						      min(end, ktime_get() + DRAIN_POLL));
	while (rc == -ETIMEDOUT && ktime_get() < end);
	return rc;
}

void tty_stop_output(struct tty *t, bool stop)
{
	spin_lock(&t->lock);
	if (t->ld->tco_stopped != stop || t->ld->stopped != stop) {
		t->ld->tco_stopped = stop;
		if (t->ld->stopped != stop) {
			t->ld->stopped = stop;
			ld_stop(t->ld, stop);
		}
		if (!stop)
			ldisc_push_echo(t->ld);
	}
	spin_unlock(&t->lock);
}

void tty_send_xchar(struct tty *t, u8 c)
{
	if (!c)
		return;
	if (t->ops->send_xchar) {
		t->ops->send_xchar(t, c);
		return;
	}
	spin_lock(&t->lock);
	t->ops->write(t, &c, 1);
	spin_unlock(&t->lock);
}

unsigned int tty_poll(struct file *f, struct poll_table *pt)
{
	struct tty *t = tty_file(f)->t;
	unsigned int bits = 0;

	if (tty_is_master(t))
		return pty_master_poll(f, t, pt);
	if (tty_hung_up(f))
		return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
	poll_wait(f, &t->read_wq, pt);
	poll_wait(f, &t->write_wq, pt);
	if (!ldisc_readable(t->ld, true))
		tty_process_input(t);
	if (ldisc_readable(t->ld, true))
		bits |= POLLIN | POLLRDNORM;
	if (tty_flag(t, TTY_F_OTHER_CLOSED))
		bits |= POLLHUP;
	if (output_room(t) &&
	    (!t->ops->chars_in_buffer || t->ops->chars_in_buffer(t) < WAKEUP_CHARS))
		bits |= POLLOUT | POLLWRNORM;
	return bits;
}
