/* SPDX-License-Identifier: MIT */
/* Between the files of drivers/tty. */
#ifndef TTY_INTERNAL_H
#define TTY_INTERNAL_H

#include <drivers/tty.h>

#include "ldisc.h"

#define TTY_RX_SIZE 8192u
#define TTY_WRITE_CHUNK 2048u
#define TTY_MIN_ROOM 64u /* writers sleep below this */

/* file->private of an open terminal. */
struct tty_file {
	struct tty *t; /* referenced */
	u32 gen;       /* t->hangup_gen when it was opened */
	bool console;  /* through /dev/console: never hung up, no job control */
};

static inline struct tty_file *tty_file(const struct file *f)
{
	return f->private;
}
static inline bool tty_hung_up(const struct file *f)
{
	const struct tty_file *tf = f->private;

	return !tf->console && tf->gen != READ_ONCE(tf->t->hangup_gen);
}
static inline bool tty_flag(const struct tty *t, u32 flag)
{
	return __atomic_load_n(&t->flags, __ATOMIC_ACQUIRE) & flag;
}
static inline void tty_flag_set(struct tty *t, u32 flag)
{
	__atomic_fetch_or(&t->flags, flag, __ATOMIC_SEQ_CST);
}
static inline void tty_flag_clear(struct tty *t, u32 flag)
{
	__atomic_fetch_and(&t->flags, ~flag, __ATOMIC_SEQ_CST);
}
static inline bool tty_is_master(const struct tty *t)
{
	return t->flags & TTY_F_PTY_MASTER;
}
static inline bool tty_is_pty(const struct tty *t)
{
	return t->flags & (TTY_F_PTY_MASTER | TTY_F_PTY_SLAVE);
}

/* core.c */
extern const struct file_ops tty_fops;
/* Gives f to t (takes over a reference); counts the open. open_lock held. */
int tty_file_attach(struct file *f, struct tty *t, bool console);
/* TIOCCONS: what is written to /dev/console goes to f; through /dev/console itself: no more. */
long tty_redirect_console(struct file *f);
struct file *tty_console_redirect_get(void); /* referenced or NULL */

/* io.c */
ssize_t tty_read(struct file *f, struct uio *u, loff_t *pos);
ssize_t tty_write(struct file *f, struct uio *u, loff_t *pos);
unsigned int tty_poll(struct file *f, struct poll_table *pt);
void tty_process_input(struct tty *t);
size_t tty_receive_now(struct tty *t, const u8 *buf, size_t n);
void tty_rx_work(struct work *w);
void tty_flush_input(struct tty *t);  /* what is received and not read */
void tty_flush_output(struct tty *t); /* what is written and not sent */
int tty_drain(struct tty *t, u64 timeout_ns); /* 0 no limit; 0, -ERESTARTSYS, -ETIMEDOUT */
void tty_stop_output(struct tty *t, bool stop); /* TCOOFF, TCOON */
void tty_send_xchar(struct tty *t, u8 c);
extern const struct ldisc_ops tty_ldisc_ops;
struct tty *ldisc_tty(struct ldisc *ld);

/* ioctl.c */
long tty_ioctl(struct file *f, unsigned int cmd, u64 arg);
void tty_apply_termios(struct tty *t, const struct ktermios *new); /* ctl_lock held */

/* jobctl.c */
int tty_check_change(struct tty *t, int sig); /* SIGTTIN or SIGTTOU rules */
struct tty *tty_current_get(void);	      /* controlling terminal of current, referenced */
void tty_open_take_control(struct file *f, struct tty *t);
long tty_tiocsctty(struct tty *t, struct file *f, u64 force);
long tty_tiocnotty(struct tty *t);
long tty_tiocspgrp(struct tty *t, struct tty *real, struct user_ptr p);
long tty_tiocgpgrp(struct tty *t, struct tty *real, struct user_ptr p);
long tty_tiocgsid(struct tty *t, struct tty *real, struct user_ptr p);
struct pid *tty_pgrp_get(struct tty *t);
void tty_signal_pgrp(struct tty *t, int sig);
void tty_session_clear(struct tty *t);			 /* nobody has it open any more */
void tty_hangup_session(struct tty *t, bool leader_exit);
void tty_vhangup_leader(struct tty *t); /* core.c: the leader of the session exits */

/* pty.c */
ssize_t pty_master_read(struct file *f, struct tty *t, struct uio *u);
ssize_t pty_master_write(struct file *f, struct tty *t, struct uio *u);
unsigned int pty_master_poll(struct file *f, struct tty *t, struct poll_table *pt);
void pty_closed(struct tty *t); /* last close of a side; open_lock held */
int ptmx_open(struct inode *inode, struct file *f);
struct tty *pty_slave_find(unsigned int index); /* referenced or NULL */
int pty_slave_open_check(struct tty *t);
/* Packet mode: tells the master what happened to the slave t. */
void pty_packet_event(struct tty *t, u32 clear, u32 set);

#endif
