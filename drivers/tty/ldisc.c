/* SPDX-License-Identifier: MIT */
/* Line discipline: what happens between a terminal and the program that reads and writes it.
 *
 * Input:      bytes are stored in a ring of 4096. In canonical mode [tail, canon) are finished
 *             lines, [canon, head) is the line being edited; a bitmap marks the bytes that end
 *             lines. An end-of-file character is stored as a marked 0 byte that readers do not get.
 * Overflow:   a canonical line keeps its first 4095 bytes and the terminator; what is typed beyond
 *             is echoed and lost. In every other case input stops until somebody reads, which holds
 *             the driver back: nothing is lost.
 * Echo:       becomes output at once (post-processed, in the echo ring), and goes to the driver
 *             before anything a program writes later, so the column count is right for both.
 * Locking:    the caller's. */
#include "ldisc.h"

#include <kernel/ctype.h>
#include <kernel/string.h>
#include <uapi/signal.h>

#define DISABLED 0 /* a c_cc value that switches the function off; also the end-of-file mark */

const struct ktermios tty_std_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = { [VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1,
		  [VSTART] = 17, [VSTOP] = 19, [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15,
		  [VWERASE] = 23, [VLNEXT] = 22 },
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

static bool iflag(const struct ldisc *ld, u32 f)
{
	return ld->tio.c_iflag & f;
}
static bool oflag(const struct ldisc *ld, u32 f)
{
	return ld->tio.c_oflag & f;
}
static bool lflag(const struct ldisc *ld, u32 f)
{
	return ld->tio.c_lflag & f;
}
static bool is_cc(const struct ldisc *ld, unsigned int which, u8 c)
{
	return c != DISABLED && ld->tio.c_cc[which] == c;
}
static bool canonical(const struct ldisc *ld)
{
	return lflag(ld, ICANON) && !lflag(ld, EXTPROC);
}
static u8 at(const struct ldisc *ld, u32 i)
{
	return ld->buf[i % LDISC_SIZE];
}
static bool is_eol(const struct ldisc *ld, u32 i)
{
	return ld->eol[i % LDISC_SIZE / 64] >> (i % 64) & 1;
}
static void mark_eol(struct ldisc *ld, u32 i)
{
	ld->eol[i % LDISC_SIZE / 64] |= 1ull << (i % 64);
}
static void clear_eol(struct ldisc *ld, u32 i)
{
	ld->eol[i % LDISC_SIZE / 64] &= ~(1ull << (i % 64));
}
/* Second and later bytes of a UTF-8 character take no column and are erased with the first. */
static bool is_continuation(const struct ldisc *ld, u8 c)
{
	return iflag(ld, IUTF8) && (c & 0xc0) == 0x80;
}

/* --- output --- */

/* Post-processes one byte into out (at most 8 bytes); returns how many. */
static size_t opost(struct ldisc *ld, u8 c, u8 out[8])
{
	size_t spaces;

	switch (c) {
	case '\n':
		if (oflag(ld, ONLRET))
			ld->column = 0;
		if (oflag(ld, ONLCR)) {
			ld->canon_column = ld->column = 0;
			out[0] = '\r';
			out[1] = '\n';
			return 2;
		}
		ld->canon_column = ld->column;
		break;
	case '\r':
		if (oflag(ld, ONOCR) && ld->column == 0)
			return 0;
		if (oflag(ld, OCRNL)) {
			c = '\n';
			if (oflag(ld, ONLRET))
				ld->canon_column = ld->column = 0;
			break;
		}
		ld->canon_column = ld->column = 0;
		break;
	case '\t':
		spaces = 8 - (ld->column & 7);
		ld->column += spaces;
		if ((ld->tio.c_oflag & TABDLY) != XTABS)
			break;
		memset(out, ' ', spaces);
		return spaces;
	case '\b':
		if (ld->column > 0)
			ld->column--;
		break;
	default:
		if (ascii_iscntrl(c))
			break;
		if (oflag(ld, OLCUC))
			c = ascii_toupper(c);
		if (!is_continuation(ld, c))
			ld->column++;
	}
	out[0] = c;
	return 1;
}

bool ldisc_push_echo(struct ldisc *ld)
{
	const u8 *p;
	u32 n;

	while ((n = ring_read_span(&ld->echo, &p)) != 0) {
		size_t done = ld->stopped ? 0 : ld->ops->output(ld, p, n);

		ring_skip(&ld->echo, done);
		if (done < n)
			return false;
	}
	return true;
}

/* A program's output with OPOST, in pieces of a small buffer. */
static size_t write_opost(struct ldisc *ld, const u8 *buf, size_t n)
{
	size_t room = ld->ops->room(ld), done = 0;
	u8 stage[256];
	size_t used = 0;

	while (done < n) {
		/* A tab becomes up to eight spaces, a newline two bytes. */
		if (room < used + (buf[done] == '\t' ? 8 : buf[done] == '\n' ? 2 : 1))
			break;
		if (used + 8 > sizeof(stage)) {
			ld->ops->output(ld, stage, used);
			room -= used;
			used = 0;
			continue;
		}
		used += opost(ld, buf[done++], stage + used);
	}
	if (used)
		ld->ops->output(ld, stage, used);
	return done;
}

size_t ldisc_write(struct ldisc *ld, const u8 *buf, size_t n)
{
	if (!ldisc_push_echo(ld) || ld->stopped)
		return 0;
	if (oflag(ld, OPOST))
		return write_opost(ld, buf, n);
	return ld->ops->output(ld, buf, n);
}

/* --- echo --- */

static void echo_byte(struct ldisc *ld, u8 c)
{
	u8 out[8] = { c };
	size_t n = 1;

	if (ring_free(&ld->echo) < sizeof(out) && !ldisc_push_echo(ld) &&
	    ring_free(&ld->echo) < sizeof(out))
		return;
	if (oflag(ld, OPOST))
		n = opost(ld, c, out);
	ring_write(&ld->echo, out, n);
}

/* With control characters as ^X when ECHOCTL says so. */
static void echo_char(struct ldisc *ld, u8 c)
{
	if (lflag(ld, ECHOCTL) && ascii_iscntrl(c) && c != '\t') {
		echo_byte(ld, '^');
		echo_byte(ld, c ^ 0100);
	} else {
		echo_byte(ld, c);
	}
}

static void echo_rubout(struct ldisc *ld)
{
	echo_byte(ld, '\b');
	echo_byte(ld, ' ');
	echo_byte(ld, '\b');
}

/* Ends the \...\ of ECHOPRT. */
static void finish_erasing(struct ldisc *ld)
{
	if (ld->erasing) {
		echo_byte(ld, '/');
		ld->erasing = false;
	}
}

/* The erased character was a tab: moves the cursor back to where it was before. */
static void echo_erase_tab(struct ldisc *ld)
{
	u32 i = ld->head, cols = 0;
	bool after_tab = false;

	while (i != ld->canon) {
		u8 c = at(ld, --i);

		if (c == '\t') {
			after_tab = true;
			break;
		}
		if (ascii_iscntrl(c))
			cols += lflag(ld, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(ld, c))
			cols++;
	}
	if (!after_tab)
		cols += ld->canon_column;
	for (cols = 8 - (cols & 7); cols; cols--)
		echo_byte(ld, '\b');
}

/* --- editing --- */

static void put(struct ldisc *ld, u8 c)
{
	if (ld->head - ld->tail < LDISC_SIZE)
		ld->buf[ld->head++ % LDISC_SIZE] = c;
}

/* Stores a character; \377 is doubled where it could be taken for a mark. */
static void put_marked(struct ldisc *ld, u8 c)
{
	if (c == 0xff && iflag(ld, PARMRK))
		put(ld, c);
	put(ld, c);
}

static bool word_char(u8 c)
{
	return ascii_isalnum(c) || c == '_' || c >= 0xc0;
}

/* Shows that the character c of n bytes at ld->head is gone. */
static void echo_erased(struct ldisc *ld, u8 c, u32 n, bool one)
{
	if (lflag(ld, ECHOPRT)) {
		if (!ld->erasing) {
			echo_byte(ld, '\\');
			ld->erasing = true;
		}
		echo_char(ld, c);
		for (u32 i = 1; i < n; i++)
			echo_byte(ld, at(ld, ld->head + i));
	} else if (one && !lflag(ld, ECHOE)) {
		echo_char(ld, ld->tio.c_cc[VERASE]);
	} else if (c == '\t') {
		echo_erase_tab(ld);
	} else {
		if (ascii_iscntrl(c) && lflag(ld, ECHOCTL))
			echo_rubout(ld);
		if (!ascii_iscntrl(c) || lflag(ld, ECHOCTL))
			echo_rubout(ld);
	}
}

/* Erases back to the start of the line, of a word (word), or one character (one). */
static void erase_back(struct ldisc *ld, bool one, bool word)
{
	bool seen_word = false;

	while (ld->head != ld->canon) {
		u32 start = ld->head;
		u8 c;

		do
			c = at(ld, --start);
		while (is_continuation(ld, c) && start != ld->canon);
		if (is_continuation(ld, c))
			break;
		if (word) {
			if (word_char(c))
				seen_word = true;
			else if (seen_word)
				break;
		}
		u32 n = ld->head - start;

		ld->head = start;
		if (lflag(ld, ECHO))
			echo_erased(ld, c, n, one);
		if (one)
			break;
	}
	if (ld->head == ld->canon && lflag(ld, ECHO))
		finish_erasing(ld);
}

static void kill_line(struct ldisc *ld)
{
	if (lflag(ld, ECHO) && lflag(ld, ECHOK) && lflag(ld, ECHOKE) && lflag(ld, ECHOE)) {
		erase_back(ld, false, false);
		return;
	}
	ld->head = ld->canon;
	if (!lflag(ld, ECHO))
		return;
	finish_erasing(ld);
	echo_char(ld, ld->tio.c_cc[VKILL]);
	if (lflag(ld, ECHOK))
		echo_byte(ld, '\n');
}

static void reprint(struct ldisc *ld, u8 c)
{
	finish_erasing(ld);
	echo_char(ld, c);
	echo_byte(ld, '\n');
	for (u32 i = ld->canon; i != ld->head; i++)
		echo_char(ld, at(ld, i));
}

static void end_line(struct ldisc *ld, u8 c)
{
	if (ld->head - ld->tail >= LDISC_SIZE)
		ld->head--;
	mark_eol(ld, ld->head);
	put(ld, c);
	ld->canon = ld->head;
}

static void echo_input(struct ldisc *ld, u8 c)
{
	finish_erasing(ld);
	if (c == '\n') {
		echo_byte(ld, c);
		return;
	}
	if (ld->canon == ld->head)
		ld->canon_column = ld->column;
	echo_char(ld, c);
}

/* --- input --- */

static void store(struct ldisc *ld, u8 c)
{
	if (lflag(ld, ECHO))
		echo_input(ld, c);
	put_marked(ld, c);
}

static void set_stopped(struct ldisc *ld, bool stop)
{
	if (ld->stopped == stop)
		return;
	ld->stopped = stop;
	ld->ops->stop(ld, stop);
}

/* The editing characters of canonical mode: true when c was one. */
static bool canonical_char(struct ldisc *ld, u8 c)
{
	bool ext = lflag(ld, IEXTEN);

	if (is_cc(ld, VERASE, c)) {
		erase_back(ld, true, false);
	} else if (is_cc(ld, VKILL, c)) {
		if (ld->head != ld->canon)
			kill_line(ld);
	} else if (ext && is_cc(ld, VWERASE, c)) {
		erase_back(ld, false, true);
	} else if (ext && is_cc(ld, VLNEXT, c)) {
		ld->lnext = true;
		if (lflag(ld, ECHO)) {
			finish_erasing(ld);
			if (lflag(ld, ECHOCTL)) {
				echo_byte(ld, '^');
				echo_byte(ld, '\b');
			}
		}
	} else if (ext && lflag(ld, ECHO) && is_cc(ld, VREPRINT, c)) {
		reprint(ld, c);
	} else if (c == '\n') {
		if (lflag(ld, ECHO) || lflag(ld, ECHONL))
			echo_byte(ld, '\n');
		end_line(ld, c);
	} else if (is_cc(ld, VEOF, c)) {
		end_line(ld, DISABLED);
	} else if (is_cc(ld, VEOL, c) || (ext && is_cc(ld, VEOL2, c))) {
		if (lflag(ld, ECHO))
			echo_input(ld, c);
		if (c == 0xff && iflag(ld, PARMRK))
			put(ld, c);
		end_line(ld, c);
	} else {
		return false;
	}
	return true;
}

/* Flow control and signals: true when c is used up. */
static bool control_char(struct ldisc *ld, u8 c)
{
	if (iflag(ld, IXON)) {
		if (is_cc(ld, VSTOP, c) && !is_cc(ld, VSTART, c)) {
			set_stopped(ld, true);
			return true;
		}
		if (is_cc(ld, VSTART, c)) {
			if (!ld->tco_stopped)
				set_stopped(ld, false);
			return true;
		}
	}
	if (lflag(ld, ISIG)) {
		if (is_cc(ld, VINTR, c))
			ld->sig = SIGINT;
		else if (is_cc(ld, VQUIT, c))
			ld->sig = SIGQUIT;
		else if (is_cc(ld, VSUSP, c))
			ld->sig = SIGTSTP;
		if (ld->sig) {
			ld->sig_char = c;
			return true;
		}
	}
	return false;
}

static void lift_stop_by_any(struct ldisc *ld)
{
	if (ld->stopped && !ld->tco_stopped && iflag(ld, IXON) && iflag(ld, IXANY))
		set_stopped(ld, false);
}

static u8 strip(const struct ldisc *ld, u8 c)
{
	if (iflag(ld, ISTRIP))
		c &= 0x7f;
	if (iflag(ld, IUCLC) && lflag(ld, IEXTEN))
		c = ascii_tolower(c);
	return c;
}

static void input_char(struct ldisc *ld, u8 c)
{
	c = strip(ld, c);
	if (lflag(ld, EXTPROC)) {
		put(ld, c);
		return;
	}
	if (ld->lnext) {
		ld->lnext = false;
		lift_stop_by_any(ld);
		store(ld, c);
		return;
	}
	if (!(ld->special[c / 32] >> (c % 32) & 1)) {
		lift_stop_by_any(ld);
		store(ld, c);
		return;
	}
	if (control_char(ld, c))
		return;
	lift_stop_by_any(ld);
	if (c == '\r') {
		if (iflag(ld, IGNCR))
			return;
		if (iflag(ld, ICRNL))
			c = '\n';
	} else if (c == '\n' && iflag(ld, INLCR)) {
		c = '\r';
	}
	if (lflag(ld, ICANON) && canonical_char(ld, c))
		return;
	store(ld, c);
}

static void input_break(struct ldisc *ld)
{
	if (iflag(ld, IGNBRK))
		return;
	if (iflag(ld, BRKINT)) {
		ld->sig = SIGINT;
		ld->sig_char = 0;
		return;
	}
	if (iflag(ld, PARMRK)) {
		put(ld, 0xff);
		put(ld, 0);
	}
	put(ld, 0);
}

static void input_flagged(struct ldisc *ld, u8 c, u8 flag)
{
	switch (flag) {
	case TTY_BREAK:
		input_break(ld);
		break;
	case TTY_PARITY:
	case TTY_FRAME:
		if (!iflag(ld, INPCK)) {
			store(ld, c);
		} else if (!iflag(ld, IGNPAR)) {
			if (iflag(ld, PARMRK)) {
				put(ld, 0xff);
				put(ld, 0);
				put(ld, c);
			} else {
				put(ld, 0);
			}
		}
		break;
	default: /* TTY_OVERRUN: the byte itself is lost already */
		break;
	}
}

/* Room for one more input byte? A canonical line without end is never stopped (see Overflow). */
static bool input_room(struct ldisc *ld)
{
	u32 used = ld->head - ld->tail, limit = LDISC_SIZE - 1 - (iflag(ld, PARMRK) ? 2 : 0);

	if (used < limit)
		return true;
	if (!canonical(ld) || ld->canon != ld->tail)
		return false;
	if (used > limit)
		ld->head = ld->tail + limit;
	return true;
}

static size_t input_raw(struct ldisc *ld, const u8 *buf, size_t n)
{
	u32 room = LDISC_SIZE - 1 - (ld->head - ld->tail);

	if (n > room)
		n = room;
	for (size_t done = 0; done < n;) {
		u32 off = ld->head % LDISC_SIZE;
		size_t part = n - done < LDISC_SIZE - off ? n - done : LDISC_SIZE - off;

		memcpy(ld->buf + off, buf + done, part);
		ld->head += part;
		done += part;
	}
	return n;
}

size_t ldisc_input(struct ldisc *ld, const u8 *buf, size_t n, u8 flag)
{
	size_t done = 0;

	if (ld->raw && flag == TTY_NORMAL)
		return input_raw(ld, buf, n);
	while (done < n && !ld->sig && input_room(ld)) {
		if (flag == TTY_NORMAL)
			input_char(ld, buf[done]);
		else
			input_flagged(ld, buf[done], flag);
		done++;
	}
	if (!ld->sig)
		ldisc_push_echo(ld);
	return done;
}

void ldisc_signal_done(struct ldisc *ld)
{
	u8 c = ld->sig_char;

	ld->sig = 0;
	ld->sig_char = 0;
	if (c) {
		if (iflag(ld, IXON) && !ld->tco_stopped)
			set_stopped(ld, false);
		if (lflag(ld, ECHO))
			echo_char(ld, c);
	}
	ldisc_push_echo(ld);
}

void ldisc_flush_input(struct ldisc *ld)
{
	ld->head = ld->canon = ld->tail = 0;
	memset(ld->eol, 0, sizeof(ld->eol));
	ld->lnext = ld->erasing = false;
}

void ldisc_flush_echo(struct ldisc *ld)
{
	ring_clear(&ld->echo);
}

/* --- reading --- */

bool ldisc_readable(const struct ldisc *ld, bool for_poll)
{
	u32 want = 1;

	if (canonical(ld))
		return ld->canon != ld->tail;
	if (for_poll && !ld->tio.c_cc[VTIME] && ld->tio.c_cc[VMIN])
		want = ld->tio.c_cc[VMIN];
	return ld->head - ld->tail >= want;
}

static size_t read_canonical(struct ldisc *ld, u8 *dst, size_t n, bool *line)
{
	size_t done = 0;

	while (ld->tail != ld->canon) {
		bool eol = is_eol(ld, ld->tail);
		u8 c = at(ld, ld->tail);

		if (!(eol && c == DISABLED)) {
			if (done == n)
				return done;
			dst[done++] = c;
		}
		clear_eol(ld, ld->tail);
		ld->tail++;
		if (eol) {
			*line = true;
			return done;
		}
		/* The mark of an end of file is left to ldisc_skip_eof when the buffer is full. */
		if (done == n)
			return done;
	}
	return done;
}

size_t ldisc_read(struct ldisc *ld, u8 *dst, size_t n, bool *line)
{
	u32 avail = ld->head - ld->tail;

	*line = false;
	if (canonical(ld))
		return read_canonical(ld, dst, n, line);
	if (n > avail)
		n = avail;
	for (size_t done = 0; done < n;) {
		u32 off = ld->tail % LDISC_SIZE;
		size_t part = n - done < LDISC_SIZE - off ? n - done : LDISC_SIZE - off;

		memcpy(dst + done, ld->buf + off, part);
		ld->tail += part;
		done += part;
	}
	return n;
}

void ldisc_skip_eof(struct ldisc *ld)
{
	if (ld->tail != ld->canon && is_eol(ld, ld->tail) && at(ld, ld->tail) == DISABLED) {
		clear_eol(ld, ld->tail);
		ld->tail++;
	}
}

size_t ldisc_inq(const struct ldisc *ld)
{
	size_t n = 0;

	if (!canonical(ld))
		return ld->head - ld->tail;
	for (u32 i = ld->tail; i != ld->canon; i++)
		if (!is_eol(ld, i) || at(ld, i) != DISABLED)
			n++;
	return n;
}

/* --- settings --- */

static void mark_special(struct ldisc *ld, u8 c)
{
	ld->special[c / 32] |= 1u << (c % 32);
}

static void build_special(struct ldisc *ld)
{
	static const u8 canon_cc[] = { VERASE,	VKILL,	VEOF,	  VEOL,
				       VWERASE, VLNEXT, VREPRINT, VEOL2 };

	memset(ld->special, 0, sizeof(ld->special));
	if (iflag(ld, IXON)) {
		mark_special(ld, ld->tio.c_cc[VSTART]);
		mark_special(ld, ld->tio.c_cc[VSTOP]);
	}
	if (lflag(ld, ISIG)) {
		mark_special(ld, ld->tio.c_cc[VINTR]);
		mark_special(ld, ld->tio.c_cc[VQUIT]);
		mark_special(ld, ld->tio.c_cc[VSUSP]);
	}
	if (iflag(ld, IGNCR | ICRNL))
		mark_special(ld, '\r');
	if (iflag(ld, INLCR))
		mark_special(ld, '\n');
	if (lflag(ld, ICANON)) {
		mark_special(ld, '\n');
		for (size_t i = 0; i < sizeof(canon_cc); i++)
			mark_special(ld, ld->tio.c_cc[canon_cc[i]]);
	}
	ld->raw = !iflag(ld, IXON | ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | PARMRK) &&
		  !lflag(ld, ISIG | ICANON | ECHO) && !ld->lnext;
}

void ldisc_set_termios(struct ldisc *ld, const struct ktermios *tio)
{
	u32 changed = ld->tio.c_lflag ^ tio->c_lflag;
	bool had_ixon = iflag(ld, IXON);

	ld->tio = *tio;
	if (changed & (ICANON | EXTPROC)) {
		memset(ld->eol, 0, sizeof(ld->eol));
		ld->canon = ld->tail;
		/* What raw mode has collected counts as a line. */
		if (lflag(ld, ICANON) && ld->head != ld->tail) {
			mark_eol(ld, ld->head - 1);
			ld->canon = ld->head;
		}
		ld->erasing = ld->lnext = false;
	}
	build_special(ld);
	if (had_ixon && !iflag(ld, IXON) && !ld->tco_stopped) {
		set_stopped(ld, false);
		ldisc_push_echo(ld);
	}
}

void ldisc_init(struct ldisc *ld, const struct ldisc_ops *ops, u8 *buf, const struct ktermios *tio)
{
	*ld = (struct ldisc){ .ops = ops, .tio = *tio, .buf = buf };
	ring_init(&ld->echo, buf + LDISC_SIZE, LDISC_ECHO);
	build_special(ld);
}
