/* SPDX-License-Identifier: MIT */
/* ioctls of terminals: settings, flow, queues, window size.
 *
 * A pseudo-terminal master answers for its slave (`real`) where settings, size and groups are
 * concerned, and for itself in what concerns queues. Changes of settings hold ctl_lock; the line
 * discipline gets its copy under t->lock. */
#include "tty_internal.h"

#include <fs/poll.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>
#include <uapi/ioctls.h>

#define BREAK_NS (250 * NSEC_PER_MSEC)

#define SET_FLUSH 1u
#define SET_WAIT 2u

enum layout { LAYOUT_TERMIO, LAYOUT_TERMIOS, LAYOUT_TERMIOS2 };

static const u32 baud_rates[] = {
	0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400,
};
static const u32 baud_rates_ext[] = {
	0 /* BOTHER */, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000,
	1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
};

/* Rate of a Bxxx code; 0 for B0 and for BOTHER. */
static u32 baud_of_code(u32 code)
{
	return code & CBAUDEX ? baud_rates_ext[code & 15] : baud_rates[code & 15];
}

/* The Bxxx codes win over the numbers, unless they say that the numbers hold. */
static void settle_speeds(struct ktermios *tio)
{
	u32 out = tio->c_cflag & CBAUD, in = tio->c_cflag >> IBSHIFT & CBAUD;

	if (out != BOTHER)
		tio->c_ospeed = baud_of_code(out);
	if (in == B0)
		tio->c_ispeed = tio->c_ospeed;
	else if (in != BOTHER)
		tio->c_ispeed = baud_of_code(in);
}

void tty_apply_termios(struct tty *t, const struct ktermios *new)
{
	struct ktermios old = t->ld->tio, tio = *new;

	if (tty_is_pty(t))
		tio.c_cflag = (tio.c_cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
	spin_lock(&t->lock);
	ldisc_set_termios(t->ld, &tio);
	spin_unlock(&t->lock);
	if (t->ops->set_termios)
		t->ops->set_termios(t, &old);
	wake_up_common(&t->read_wq, TASK_NORMAL, 0, POLLIN | POLLRDNORM, false);
	wake_up_common(&t->write_wq, TASK_NORMAL, 0, POLLOUT | POLLWRNORM, false);
}

static long get_termios(struct tty *t, struct user_ptr up, enum layout layout)
{
	struct ktermios tio;
	struct termio old = { 0 };

	mutex_lock(&t->ctl_lock);
	tio = t->ld->tio;
	mutex_unlock(&t->ctl_lock);
	switch (layout) {
	case LAYOUT_TERMIO:
		old.c_iflag = tio.c_iflag;
		old.c_oflag = tio.c_oflag;
		old.c_cflag = tio.c_cflag;
		old.c_lflag = tio.c_lflag;
		old.c_line = tio.c_line;
		memcpy(old.c_cc, tio.c_cc, NCC);
		return copy_to_user(up, &old, sizeof(old));
	case LAYOUT_TERMIOS:
		return copy_to_user(up, &tio, sizeof(struct termios));
	default:
		return copy_to_user(up, &tio, sizeof(tio));
	}
}

static int fetch_termios(struct ktermios *tio, struct user_ptr up, enum layout layout)
{
	struct termio old;

	switch (layout) {
	case LAYOUT_TERMIO:
		if (copy_from_user(&old, up, sizeof(old)))
			return -EFAULT;
		tio->c_iflag = (tio->c_iflag & 0xffff0000u) | old.c_iflag;
		tio->c_oflag = (tio->c_oflag & 0xffff0000u) | old.c_oflag;
		tio->c_cflag = (tio->c_cflag & 0xffff0000u) | old.c_cflag;
		tio->c_lflag = (tio->c_lflag & 0xffff0000u) | old.c_lflag;
		tio->c_line = old.c_line;
		memcpy(tio->c_cc, old.c_cc, NCC);
		return 0;
	case LAYOUT_TERMIOS:
		return copy_from_user(tio, up, sizeof(struct termios));
	default:
		return copy_from_user(tio, up, sizeof(*tio));
	}
}

static long set_termios(struct tty *t, struct user_ptr up, enum layout layout, u32 opt)
{
	struct ktermios tio;
	int rc = tty_check_change(t, SIGTTOU);

	if (rc)
		return rc;
	mutex_lock(&t->ctl_lock);
	tio = t->ld->tio;
	mutex_unlock(&t->ctl_lock);
	rc = fetch_termios(&tio, up, layout);
	if (rc)
		return rc;
	settle_speeds(&tio);
	if (opt & SET_WAIT) {
		rc = tty_drain(t, 0);
		if (rc)
			return rc;
	}
	if (opt & SET_FLUSH)
		tty_flush_input(t);
	mutex_lock(&t->ctl_lock);
	tty_apply_termios(t, &tio);
	mutex_unlock(&t->ctl_lock);
	return 0;
}

static long termios_ioctl(struct tty *real, unsigned int cmd, struct user_ptr up)
{
	switch (cmd) {
	case TCGETS:
		return get_termios(real, up, LAYOUT_TERMIOS);
	case TCGETA:
		return get_termios(real, up, LAYOUT_TERMIO);
	case TCGETS2:
		return get_termios(real, up, LAYOUT_TERMIOS2);
	case TCSETS:
		return set_termios(real, up, LAYOUT_TERMIOS, 0);
	case TCSETSW:
		return set_termios(real, up, LAYOUT_TERMIOS, SET_WAIT);
	case TCSETSF:
		return set_termios(real, up, LAYOUT_TERMIOS, SET_WAIT | SET_FLUSH);
	case TCSETA:
		return set_termios(real, up, LAYOUT_TERMIO, 0);
	case TCSETAW:
		return set_termios(real, up, LAYOUT_TERMIO, SET_WAIT);
	case TCSETAF:
		return set_termios(real, up, LAYOUT_TERMIO, SET_WAIT | SET_FLUSH);
	case TCSETS2:
		return set_termios(real, up, LAYOUT_TERMIOS2, 0);
	case TCSETSW2:
		return set_termios(real, up, LAYOUT_TERMIOS2, SET_WAIT);
	case TCSETSF2:
		return set_termios(real, up, LAYOUT_TERMIOS2, SET_WAIT | SET_FLUSH);
	default:
		return -ENOIOCTLCMD;
	}
}

/* --- window size --- */

void tty_set_winsize(struct tty *t, const struct winsize *ws)
{
	bool changed;

	mutex_lock(&t->ctl_lock);
	changed = memcmp(&t->winsize, ws, sizeof(*ws)) != 0;
	t->winsize = *ws;
	mutex_unlock(&t->ctl_lock);
	if (changed)
		tty_signal_pgrp(t, SIGWINCH);
}

static long winsize_ioctl(struct tty *real, unsigned int cmd, struct user_ptr up)
{
	struct winsize ws;

	if (cmd == TIOCGWINSZ) {
		mutex_lock(&real->ctl_lock);
		ws = real->winsize;
		mutex_unlock(&real->ctl_lock);
		return copy_to_user(up, &ws, sizeof(ws));
	}
	if (copy_from_user(&ws, up, sizeof(ws)))
		return -EFAULT;
	if (real->ops->resize)
		return real->ops->resize(real, &ws);
	tty_set_winsize(real, &ws);
	return 0;
}

/* --- flow, queues, breaks --- */

static long flow(struct tty *t, u64 arg)
{
	int rc = tty_check_change(t, SIGTTOU);

	if (rc)
		return rc;
	switch (arg) {
	case TCOOFF:
	case TCOON:
		tty_stop_output(t, arg == TCOOFF);
		return 0;
	case TCIOFF:
		tty_send_xchar(t, t->ld->tio.c_cc[VSTOP]);
		return 0;
	case TCION:
		tty_send_xchar(t, t->ld->tio.c_cc[VSTART]);
		return 0;
	default:
		return -EINVAL;
	}
}

static long flush(struct tty *t, u64 arg)
{
	int rc = tty_check_change(t, SIGTTOU);

	if (rc)
		return rc;
	if (arg > TCIOFLUSH)
		return -EINVAL;
	if (arg != TCOFLUSH)
		tty_flush_input(t);
	if (arg != TCIFLUSH)
		tty_flush_output(t);
	return 0;
}

static long send_break(struct tty *t, u64 ns)
{
	int rc;

	if (!t->ops->send_break)
		return 0;
	t->ops->send_break(t, true);
	rc = hrtimer_sleep_until(ktime_get() + ns, TASK_INTERRUPTIBLE);
	t->ops->send_break(t, false);
	return rc ? -EINTR : 0;
}

/* Calls that wait until output is sent, then do something to the line. */
static long line_ioctl(struct tty *t, unsigned int cmd, u64 arg)
{
	int rc = tty_check_change(t, SIGTTOU);

	if (rc)
		return rc;
	if (cmd != TIOCCBRK && tty_drain(t, 0))
		return -EINTR;
	switch (cmd) {
	case TIOCSBRK:
	case TIOCCBRK:
		if (t->ops->send_break)
			t->ops->send_break(t, cmd == TIOCSBRK);
		return 0;
	case TCSBRK:
		return arg ? 0 : send_break(t, BREAK_NS);
	default: /* TCSBRKP: tenths of a second */
		return send_break(t, arg ? min_t(u64, arg, 3000) * 100 * NSEC_PER_MSEC : BREAK_NS);
	}
}

static long set_discipline(struct tty *t, struct user_ptr up)
{
	u32 n;
	int rc = tty_check_change(t, SIGTTOU);

	if (rc)
		return rc;
	if (get_user_u32(&n, up))
		return -EFAULT;
	return n == 0 ? 0 : -EINVAL; /* N_TTY is the only one */
}

static long inject(struct tty *t, struct user_ptr up)
{
	u8 c;

	if (READ_ONCE(current->process->tty) != t && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (get_user_u8(&c, up))
		return -EFAULT;
	if (tty_is_master(t))
		return -EIO;
	tty_receive(t, &c, 1, TTY_NORMAL);
	return 0;
}

static long modem_ioctl(struct tty *t, unsigned int cmd, struct user_ptr up)
{
	u32 bits;
	int rc;

	if (cmd == TIOCMGET) {
		if (!t->ops->tiocmget)
			return -ENOTTY;
		rc = t->ops->tiocmget(t);
		return rc < 0 ? rc : put_user_u32((u32)rc, up);
	}
	if (!t->ops->tiocmset)
		return -ENOTTY;
	if (get_user_u32(&bits, up))
		return -EFAULT;
	bits &= TIOCM_DTR | TIOCM_RTS | TIOCM_OUT1 | TIOCM_OUT2 | TIOCM_LOOP;
	return t->ops->tiocmset(t, cmd == TIOCMBIC ? 0 : bits,
				cmd == TIOCMBIS ? 0 : cmd == TIOCMBIC ? bits : ~bits);
}

static long softcar_ioctl(struct tty *real, unsigned int cmd, struct user_ptr up)
{
	struct ktermios tio;
	u32 on;

	if (cmd == TIOCGSOFTCAR)
		return put_user_u32(real->ld->tio.c_cflag & CLOCAL ? 1 : 0, up);
	if (get_user_u32(&on, up))
		return -EFAULT;
	mutex_lock(&real->ctl_lock);
	tio = real->ld->tio;
	tio.c_cflag = on ? tio.c_cflag | CLOCAL : tio.c_cflag & ~CLOCAL;
	tty_apply_termios(real, &tio);
	mutex_unlock(&real->ctl_lock);
	return 0;
}

static long queue_size(struct tty *t, unsigned int cmd, struct user_ptr up)
{
	size_t n;

	if (cmd == TIOCOUTQ) {
		n = t->ops->chars_in_buffer ? t->ops->chars_in_buffer(t) : 0;
	} else if (tty_is_master(t)) {
		n = ring_used(&t->rx);
	} else {
		tty_process_input(t);
		spin_lock(&t->lock);
		n = ldisc_inq(t->ld);
		spin_unlock(&t->lock);
	}
	return put_user_u32(n, up);
}

static long owner_ioctl(struct file *f, struct tty *t, struct tty *real, unsigned int cmd, u64 arg)
{
	struct user_ptr up = USER_PTR(arg);

	switch (cmd) {
	case TIOCSCTTY:
		return tty_tiocsctty(real, f, arg);
	case TIOCNOTTY:
		return tty_tiocnotty(t);
	case TIOCGPGRP:
		return tty_tiocgpgrp(t, real, up);
	case TIOCSPGRP:
		return tty_tiocspgrp(t, real, up);
	case TIOCGSID:
		return tty_tiocgsid(t, real, up);
	case TIOCEXCL:
		tty_flag_set(t, TTY_F_EXCLUSIVE);
		return 0;
	case TIOCNXCL:
		tty_flag_clear(t, TTY_F_EXCLUSIVE);
		return 0;
	case TIOCGEXCL:
		return put_user_u32(tty_flag(t, TTY_F_EXCLUSIVE) ? 1 : 0, up);
	case TIOCGDEV:
		return put_user_u32((u32)dev_encode(real->dev), up);
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_vhangup(t);
		return 0;
	case TIOCCONS:
		return tty_redirect_console(f);
	default:
		return -ENOIOCTLCMD;
	}
}

static long generic_ioctl(struct tty *t, struct tty *real, unsigned int cmd, u64 arg)
{
	struct user_ptr up = USER_PTR(arg);

	switch (cmd) {
	case TIOCGWINSZ:
	case TIOCSWINSZ:
		return winsize_ioctl(real, cmd, up);
	case TCXONC:
		return tty_is_master(t) ? flow(real, arg) : flow(t, arg);
	case TCFLSH:
		return flush(t, arg);
	case TIOCINQ:
	case TIOCOUTQ:
		return queue_size(t, cmd, up);
	case TIOCSBRK:
	case TIOCCBRK:
	case TCSBRK:
	case TCSBRKP:
		return line_ioctl(t, cmd, arg);
	case TIOCSTI:
		return inject(t, up);
	case TIOCGETD:
		return put_user_u32(0, up);
	case TIOCSETD:
		return set_discipline(t, up);
	case TIOCMGET:
	case TIOCMBIS:
	case TIOCMBIC:
	case TIOCMSET:
		return modem_ioctl(t, cmd, up);
	case TIOCGSOFTCAR:
	case TIOCSSOFTCAR:
		return softcar_ioctl(real, cmd, up);
	default:
		return termios_ioctl(real, cmd, up);
	}
}

long tty_ioctl(struct file *f, unsigned int cmd, u64 arg)
{
	struct tty *t = tty_file(f)->t;
	struct tty *real = tty_is_master(t) ? t->link : t;
	long rc;

	if (tty_hung_up(f))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	rc = owner_ioctl(f, t, real, cmd, arg);
	if (rc == -ENOIOCTLCMD && t->ops->ioctl)
		rc = t->ops->ioctl(t, cmd, arg);
	if (rc == -ENOIOCTLCMD)
		rc = generic_ioctl(t, real, cmd, arg);
	return rc == -ENOIOCTLCMD ? -ENOTTY : rc;
}
