/* SPDX-License-Identifier: MIT */
/* Terminals: struct tty joins a driver (serial line, virtual terminal, pseudo-terminal side), a
 * line discipline and the job control of a session. drivers/tty/core.c has the theory. */
#ifndef DRIVERS_TTY_H
#define DRIVERS_TTY_H

#include <fs/vfs.h>
#include <kernel/ringbuf.h>
#include <kernel/wait.h>
#include <kernel/workqueue.h>
#include <uapi/termios.h>

struct ldisc;
struct tty;

struct tty_ops {
	int (*open)(struct tty *t);   /* first open; open_lock held */
	void (*close)(struct tty *t); /* last close; open_lock held; may wait for output to drain */
	/* Queues bytes for output; returns how many were taken; never sleeps. */
	size_t (*write)(struct tty *t, const u8 *buf, size_t n);
	size_t (*write_room)(struct tty *t);
	size_t (*chars_in_buffer)(struct tty *t); /* NULL: none ever */
	void (*set_termios)(struct tty *t, const struct ktermios *old);
	void (*throttle)(struct tty *t, bool on); /* input queue nearly full */
	void (*stop_output)(struct tty *t, bool stop);
	void (*hangup)(struct tty *t);
	void (*flush_output)(struct tty *t);
	void (*send_break)(struct tty *t, bool on);
	void (*send_xchar)(struct tty *t, u8 c);	   /* NULL: as output */
	int (*tiocmget)(struct tty *t);			   /* TIOCM_* or -errno; NULL: -ENOTTY */
	int (*tiocmset)(struct tty *t, unsigned int set, unsigned int clear);
	long (*ioctl)(struct tty *t, unsigned int cmd, u64 arg); /* -ENOIOCTLCMD: generic */
	int (*resize)(struct tty *t, const struct winsize *ws);
	void (*destroy)(struct tty *t); /* last reference (dynamic ones); may sleep */
};

/* t->flags: C after creation unless stated */
#define TTY_F_PTY_MASTER 1u
#define TTY_F_PTY_SLAVE 2u
#define TTY_F_EXCLUSIVE 4u    /* L: TIOCEXCL */
#define TTY_F_OTHER_CLOSED 8u /* A: the other side of a pseudo-terminal is closed */
#define TTY_F_THROTTLED 16u   /* A */
#define TTY_F_LOCKED 32u      /* A: slave not unlocked yet (unlockpt) */
#define TTY_F_PACKET 64u      /* A: of a master */

#define TTY_MAJOR 4
#define TTYAUX_MAJOR 5
#define PTY_SLAVE_MAJOR 136
#define TTY_SERIAL_MINOR 64
#define TTY_NR_VT 6

/* C: const after creation  O: open_lock  L: lock  X: ctrl_lock  T: ctl_lock (reads also under L)
 * R: rx_lock  A: atomic */
struct tty {
	refcount_t refs;	   /* A: one per open file, one per process that it controls */
	dev_t dev;		   /* C */
	char name[16];		   /* C: "ttyS0", without /dev/ */
	unsigned int index;	   /* C */
	const struct tty_ops *ops; /* C */
	void *driver;		   /* C: the driver's own */
	struct tty *link;	   /* C: other side of a pseudo-terminal */
	u32 flags;		   /* A: TTY_F_* */

	struct mutex open_lock;	   /* LOCK_TTY_OPEN */
	unsigned int opens;	   /* O: open files that are not hung up */
	unsigned int console_opens;/* O: of them through /dev/console */
	u32 hangup_gen;		   /* A: files of an older generation are hung up */

	struct mutex ctl_lock;	   /* LOCK_TTY_CTL: settings, taking control */
	struct ktermios init_termios; /* C: what a hang-up returns to */
	struct winsize winsize;	   /* T */
	struct spinlock ctrl_lock; /* LOCK_TTY_BUFFER, interrupts off; inside siglock */
	struct pid *session, *pgrp;/* X: referenced */
	u32 pktstatus;		   /* X: of a slave: TIOCPKT_* for its master */

	struct mutex read_lock, write_lock; /* one reader, one writer at a time */
	struct spinlock lock;	   /* LOCK_LEAF: line discipline, consumer of rx */
	struct ldisc *ld;	   /* L: once set stays */
	u8 *write_buf;		   /* write_lock */
	struct wait_queue read_wq, write_wq;

	struct spinlock rx_lock;   /* LOCK_TTY_BUFFER, interrupts off: producers of rx */
	struct ringbuf rx;	   /* received, not yet seen by the line discipline */
	struct tty_rx_flag {
		u32 pos;	   /* index in rx of the byte that it is about */
		u8 flag;
	} rx_flags[16];		   /* R */
	unsigned int nr_rx_flags;  /* R */
	struct work rx_work, hangup_work, destroy_work;
};

/* Sets up a zeroed structure; refs 1. tio: initial settings. */
void tty_init(struct tty *t, const struct tty_ops *ops, dev_t dev, const char *name,
	      unsigned int index, const struct ktermios *tio);
/* Buffers, at the first open: 0 or -ENOMEM. */
int tty_alloc_buffers(struct tty *t);
void tty_free_buffers(struct tty *t);
/* Makes it reachable by its number (major 4) and adds the node. Lives for ever. */
int tty_register(struct tty *t);
struct tty *tty_lookup(dev_t dev);
static inline void tty_get(struct tty *t)
{
	refcount_inc(&t->refs);
}
void tty_put(struct tty *t); /* any context */
const struct ktermios *tty_termios(const struct tty *t); /* current settings, for drivers */

/* Driver -> line discipline, from interrupt context: bytes received; flag 0 normal, or TTY_BREAK,
 * TTY_PARITY, TTY_FRAME, TTY_OVERRUN. Processing happens in a work item. Returns how many fitted.
 * */
size_t tty_receive(struct tty *t, const u8 *buf, size_t n, u8 flag);
size_t tty_receive_room(struct tty *t);
/* Driver -> writers: room again. Any context. */
void tty_wakeup(struct tty *t);
/* Carrier lost and the like: any context; happens in a work item. */
void tty_hangup(struct tty *t);
/* Now; may sleep. */
void tty_vhangup(struct tty *t);
/* Changes the window size and tells the foreground group. */
void tty_set_winsize(struct tty *t, const struct winsize *ws);

/* Process side, called by src/proc: */
void tty_session_leader_exit(struct process *p); /* disassociate, SIGHUP + SIGCONT to the group */
void tty_process_release(struct process *p);	 /* drops p->tty */
void tty_fork(struct process *parent, struct process *child);
/* /proc/PID/stat: device number (0 none) and foreground group (-1 none). */
void tty_proc_info(struct process *p, dev_t *dev, pid_t *tpgid);

/* What /dev/tty0 and the keyboard mean: the terminal on the screen; NULL without a screen. */
struct tty *vt_foreground(void);

#endif
