/* SPDX-License-Identifier: MIT */
/* Terminals: struct tty joins a driver (serial line, virtual terminal, pseudo-terminal side), a line
 * discipline and the job control of a session. */
#ifndef DRIVERS_TTY_H
#define DRIVERS_TTY_H

#include <fs/vfs.h>
#include <uapi/termios.h>

struct tty;

struct tty_ops {
	int (*open)(struct tty *t);	/* first open */
	void (*close)(struct tty *t);	/* last close */
	/* Queues bytes for output; returns how many were taken; never sleeps. */
	size_t (*write)(struct tty *t, const u8 *buf, size_t n);
	size_t (*write_room)(struct tty *t);
	size_t (*chars_in_buffer)(struct tty *t);
	void (*set_termios)(struct tty *t, const struct ktermios *old);
	void (*throttle)(struct tty *t, bool on); /* input queue nearly full */
	void (*stop_output)(struct tty *t, bool stop);
	void (*hangup)(struct tty *t);
	void (*flush_output)(struct tty *t);
	long (*ioctl)(struct tty *t, unsigned int cmd, u64 arg); /* -ENOIOCTLCMD: generic */
	int (*resize)(struct tty *t, const struct winsize *ws);
};
/* Driver -> line discipline, from interrupt context: bytes received; flag 0 normal, or TTY_BREAK,
 * TTY_PARITY, TTY_FRAME, TTY_OVERRUN. Processing happens in a work item. */
size_t tty_receive(struct tty *t, const u8 *buf, size_t n, u8 flag);
/* Driver -> writers: room again. Any context. */
void tty_wakeup(struct tty *t);
void tty_hangup(struct tty *t);

/* Process side, called by src/proc: */
void tty_session_leader_exit(struct process *p); /* disassociate, SIGHUP + SIGCONT to the group */
void tty_process_release(struct process *p);	 /* drops p->tty */
void tty_fork(struct process *parent, struct process *child);
/* /proc/PID/stat: device number (0 none) and foreground group (-1 none). */
void tty_proc_info(struct process *p, dev_t *dev, pid_t *tpgid);

#endif
