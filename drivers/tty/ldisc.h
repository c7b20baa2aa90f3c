/* SPDX-License-Identifier: MIT */
/* The terminal line discipline (N_TTY) as a state machine without locks, sleeping or user memory,
 * so that host tests can drive it. drivers/tty/io.c does the rest. */
#ifndef TTY_LDISC_H
#define TTY_LDISC_H

#include <kernel/ringbuf.h>
#include <kernel/types.h>
#include <uapi/termios.h>

#define LDISC_SIZE 4096u /* longest canonical line, terminator included */
#define LDISC_ECHO 2048u

/* Kinds of received bytes. */
#define TTY_NORMAL 0
#define TTY_BREAK 1
#define TTY_FRAME 2
#define TTY_PARITY 3
#define TTY_OVERRUN 4

struct ldisc;
struct ldisc_ops {
	size_t (*room)(struct ldisc *ld);				     /* of the driver */
	size_t (*output)(struct ldisc *ld, const u8 *buf, size_t n);	     /* bytes taken */
	void (*stop)(struct ldisc *ld, bool stop);			     /* by XON/XOFF */
};

/* Everything belongs to the caller's lock. Indices run freely. */
struct ldisc {
	const struct ldisc_ops *ops;
	struct ktermios tio;
	u8 *buf;	  /* LDISC_SIZE */
	u32 head;	  /* next byte to store */
	u32 canon;	  /* end of the last finished line */
	u32 tail;	  /* next byte to read */
	u64 eol[LDISC_SIZE / 64]; /* bytes that end a line */
	struct ringbuf echo;	  /* finished output that goes before anything else */
	u32 column;	  /* of the cursor */
	u32 canon_column; /* where the line being edited starts */
	u32 special[8];	  /* bitmap: bytes that need more than storing */
	bool raw;	  /* input needs no processing at all */
	bool lnext, erasing;
	bool stopped;	  /* output held back: STOP character or TCOOFF */
	bool tco_stopped; /* by TCOOFF: a START character does not lift it */
	u8 sig;		  /* signal to send before going on; see ldisc_input */
	u8 sig_char;	  /* the character that made it, or 0 for a break */
};

extern const struct ktermios tty_std_termios;

/* buf: LDISC_SIZE bytes and LDISC_ECHO bytes for echo behind them. */
void ldisc_init(struct ldisc *ld, const struct ldisc_ops *ops, u8 *buf, const struct ktermios *tio);
void ldisc_set_termios(struct ldisc *ld, const struct ktermios *tio);

/* Takes received bytes; returns how many. Fewer when the buffer is full (go on after a read), or
 * when ld->sig is set: the caller then sends the signal, flushes unless NOFLSH, calls
 * ldisc_signal_done, and goes on. */
size_t ldisc_input(struct ldisc *ld, const u8 *buf, size_t n, u8 flag);
void ldisc_signal_done(struct ldisc *ld);
void ldisc_flush_input(struct ldisc *ld);
void ldisc_flush_echo(struct ldisc *ld);

/* Is there something to read (for poll: as VMIN says)? */
bool ldisc_readable(const struct ldisc *ld, bool for_poll);
/* Up to n bytes, in canonical mode at most to the end of a line; *line: a line ended (0 bytes and
 * *line: end of file). */
size_t ldisc_read(struct ldisc *ld, u8 *dst, size_t n, bool *line);
/* A canonical read filled its buffer just before an end-of-file mark: the mark goes with it. */
void ldisc_skip_eof(struct ldisc *ld);
/* Bytes a reader could get now (FIONREAD). */
size_t ldisc_inq(const struct ldisc *ld);

/* Output of a program: post-processing; returns how many bytes of buf were taken. */
size_t ldisc_write(struct ldisc *ld, const u8 *buf, size_t n);
/* Hands pending echo to the driver; true when none is left. */
bool ldisc_push_echo(struct ldisc *ld);

#endif
