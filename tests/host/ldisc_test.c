/* LINK: drivers/tty/ldisc.c src/lib/ringbuf.c src/lib/string.c */
/* SPDX-License-Identifier: MIT */
/* The line discipline against what n_tty(4) and termios(3) of Linux do. */
#include "../../drivers/tty/ldisc.h"
#include "test.h"

#include <uapi/signal.h>

/* One terminal: what the screen got, the signals sent. */
static struct {
	struct ldisc ld;
	u8 buf[LDISC_SIZE + LDISC_ECHO];
	char out[65536];
	size_t nout, room;
	int sigs[64], nsigs, stops, starts;
} t;

static size_t op_room(struct ldisc *ld)
{
	return t.room - t.nout;
}
static size_t op_output(struct ldisc *ld, const u8 *buf, size_t n)
{
	if (n > t.room - t.nout)
		n = t.room - t.nout;
	memcpy(t.out + t.nout, buf, n);
	t.nout += n;
	return n;
}
static void op_stop(struct ldisc *ld, bool stop)
{
	*(stop ? &t.stops : &t.starts) += 1;
}
static const struct ldisc_ops ops = { op_room, op_output, op_stop };

static void reset(void)
{
	memset(&t, 0, sizeof(t));
	t.room = sizeof(t.out);
	ldisc_init(&t.ld, &ops, t.buf, &tty_std_termios);
}

static void set(u32 iflag_on, u32 iflag_off, u32 lflag_on, u32 lflag_off)
{
	struct ktermios tio = t.ld.tio;

	tio.c_iflag = (tio.c_iflag | iflag_on) & ~iflag_off;
	tio.c_lflag = (tio.c_lflag | lflag_on) & ~lflag_off;
	ldisc_set_termios(&t.ld, &tio);
}

static void set_cc(unsigned int which, u8 c)
{
	struct ktermios tio = t.ld.tio;

	tio.c_cc[which] = c;
	ldisc_set_termios(&t.ld, &tio);
}

/* Types n bytes, doing what the terminal code does about signals; returns how many were taken. */
static size_t feed(const char *s, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t k = ldisc_input(&t.ld, (const u8 *)s + done, n - done, TTY_NORMAL);

		done += k;
		if (t.ld.sig) {
			t.sigs[t.nsigs++] = t.ld.sig;
			if (!(t.ld.tio.c_lflag & NOFLSH))
				ldisc_flush_input(&t.ld);
			ldisc_signal_done(&t.ld);
			continue;
		}
		if (!k)
			break;
	}
	return done;
}
static void type(const char *s)
{
	feed(s, strlen(s));
}

static char rbuf[65536];
static bool rline;
static size_t rd(size_t n)
{
	size_t k = ldisc_read(&t.ld, (u8 *)rbuf, n, &rline);

	rbuf[k] = '\0';
	return k;
}
static const char *screen(void)
{
	t.out[t.nout] = '\0';
	return t.out;
}

TEST(line)
{
	reset();
	type("hello");
	CHECK(!ldisc_readable(&t.ld, false));
	type("\r");
	CHECK(ldisc_readable(&t.ld, true));
	CHECK_STR(screen(), "hello\r\n");
	CHECK(ldisc_inq(&t.ld) == 6);
	CHECK(rd(3) == 3 && !rline);
	CHECK_STR(rbuf, "hel");
	CHECK(rd(100) == 3 && rline);
	CHECK_STR(rbuf, "lo\n");
	CHECK(rd(100) == 0 && !rline);
}

TEST(two_lines_are_two_reads)
{
	reset();
	type("a\nbb\n");
	CHECK(rd(100) == 2);
	CHECK(rd(100) == 3);
	CHECK_STR(rbuf, "bb\n");
}

TEST(erase)
{
	reset();
	type("ab\x7f" "c\n");
	CHECK_STR(screen(), "ab\b \bc\r\n");
	CHECK(rd(100) == 3);
	CHECK_STR(rbuf, "ac\n");
	reset();
	type("\x7f\x7f");
	CHECK_STR(screen(), "");
	reset(); /* a control character is two columns */
	type("\x01\x7f");
	CHECK_STR(screen(), "^A\b \b\b \b");
	reset(); /* without ECHOE the erase character is shown */
	set(0, 0, 0, ECHOE);
	type("a\x7f");
	CHECK_STR(screen(), "a^?");
}

TEST(erase_utf8)
{
	reset();
	set(IUTF8, 0, 0, 0);
	type("a\xc3\xa9\x7f\n");
	CHECK_STR(screen(), "a\xc3\xa9\b \b\r\n");
	CHECK(rd(100) == 2);
	CHECK_STR(rbuf, "a\n");
	reset(); /* without IUTF8 one byte goes */
	type("a\xc3\xa9\x7f\n");
	CHECK(rd(100) == 3);
}

TEST(erase_tab)
{
	reset();
	type("ab\t\x7f");
	CHECK_STR(screen(), "ab\t\b\b\b\b\b\b");
	reset();
	type("\t\x7f");
	CHECK_STR(screen(), "\t\b\b\b\b\b\b\b\b");
	reset(); /* the prompt counts */
	CHECK(ldisc_write(&t.ld, (const u8 *)"$ ", 2) == 2);
	type("\t\x7f");
	CHECK_STR(screen(), "$ \t\b\b\b\b\b\b");
}

TEST(word_erase)
{
	reset();
	type("one two  \x17");
	CHECK_STR(screen(), "one two  \b \b\b \b\b \b\b \b\b \b");
	type("\n");
	CHECK(rd(100) == 5);
	CHECK_STR(rbuf, "one \n");
	reset();
	set(0, 0, 0, IEXTEN);
	type("a\x17\n");
	CHECK(rd(100) == 3);
}

TEST(kill)
{
	reset();
	type("abc\x15x\n");
	CHECK_STR(screen(), "abc\b \b\b \b\b \bx\r\n");
	CHECK(rd(100) == 2);
	reset();
	set(0, 0, 0, ECHOKE);
	type("abc\x15");
	CHECK_STR(screen(), "abc^U\r\n");
	reset();
	set(0, 0, 0, ECHO);
	type("abc\x15x\n");
	CHECK(rd(100) == 2);
	CHECK_STR(screen(), "");
}

TEST(echoprt)
{
	reset();
	set(0, 0, ECHOPRT, 0);
	type("abc\x7f\x7fz");
	CHECK_STR(screen(), "abc\\cb/z");
}

TEST(literal_next)
{
	reset();
	type("\x16\x03\x16\x16z\n");
	CHECK(t.nsigs == 0);
	CHECK(rd(100) == 4);
	CHECK_STR(rbuf, "\x03\x16z\n");
	CHECK_STR(screen(), "^\b^C^\b^Vz\r\n");
}

TEST(reprint)
{
	reset();
	type("ab\x12");
	CHECK_STR(screen(), "ab^R\r\nab");
}

TEST(end_of_file)
{
	reset();
	type("\x04");
	CHECK(ldisc_readable(&t.ld, false));
	CHECK(ldisc_inq(&t.ld) == 0);
	CHECK(rd(100) == 0 && rline);
	CHECK(!ldisc_readable(&t.ld, false));
	type("ab\x04");
	CHECK(rd(100) == 2 && rline);
	CHECK(!ldisc_readable(&t.ld, false));
	/* A read that is exactly filled takes the mark with it. */
	type("ab\x04");
	CHECK(rd(2) == 2 && !rline);
	ldisc_skip_eof(&t.ld);
	CHECK(!ldisc_readable(&t.ld, false));
	CHECK_STR(screen(), "abab");
}

TEST(eol)
{
	reset();
	set_cc(VEOL, ';');
	set_cc(VEOL2, ',');
	type("a;b,c\n");
	CHECK(rd(100) == 2 && rbuf[1] == ';');
	CHECK(rd(100) == 2 && rbuf[1] == ',');
	CHECK(rd(100) == 2);
}

TEST(signals)
{
	reset();
	type("abc\x03" "d\n");
	CHECK(t.nsigs == 1 && t.sigs[0] == SIGINT);
	CHECK(rd(100) == 2);
	CHECK_STR(rbuf, "d\n");
	CHECK_STR(screen(), "abc^Cd\r\n");
	type("\x1c\x1a");
	CHECK(t.nsigs == 3 && t.sigs[1] == SIGQUIT && t.sigs[2] == SIGTSTP);
	set(0, 0, NOFLSH, 0);
	type("ab\x03\n");
	CHECK(rd(100) == 3);
	set(0, 0, 0, ISIG);
	type("\x03\n");
	CHECK(t.nsigs == 4);
	CHECK(rd(100) == 2 && rbuf[0] == 3);
}

TEST(disabled_character)
{
	reset();
	set_cc(VINTR, 0);
	feed("\0a\x03\n", 4);
	CHECK(t.nsigs == 0);
	CHECK(rd(100) == 4);
}

TEST(flow_control)
{
	reset();
	type("\x13");
	CHECK(t.stops == 1);
	CHECK(ldisc_write(&t.ld, (const u8 *)"x", 1) == 0);
	type("ab");
	CHECK_STR(screen(), "");
	type("\x11");
	CHECK(t.starts == 1);
	CHECK_STR(screen(), "ab");
	type("\x13");
	set(IXANY, 0, 0, 0);
	type("c");
	CHECK(t.starts == 2);
	CHECK_STR(screen(), "abc");
	/* ^C lifts it too. */
	type("\x13\x03");
	CHECK(t.starts == 3);
	/* IXON going away as well. */
	type("\x13");
	set(0, IXON, 0, 0);
	CHECK(t.starts == 4);
	type("\x13\n");
	CHECK(rd(100) == 2 && rbuf[0] == 0x13);
}

TEST(tcooff_is_not_lifted_by_start)
{
	reset();
	t.ld.stopped = t.ld.tco_stopped = true;
	type("\x11");
	CHECK(t.ld.stopped);
}

TEST(cr_nl_mapping)
{
	reset();
	set(0, ICRNL, 0, ICANON | ECHO);
	type("\r\n");
	CHECK(rd(100) == 2);
	CHECK_STR(rbuf, "\r\n");
	set(INLCR, 0, 0, 0);
	type("\n");
	CHECK(rd(100) == 1 && rbuf[0] == '\r');
	set(IGNCR, INLCR, 0, 0);
	type("\ra");
	CHECK(rd(100) == 1 && rbuf[0] == 'a');
	set(ISTRIP, 0, 0, 0);
	type("\xe1");
	CHECK(rd(100) == 1 && rbuf[0] == 'a');
	set(IUCLC, ISTRIP, 0, 0);
	type("AbC");
	CHECK(rd(100) == 3);
	CHECK_STR(rbuf, "abc");
}

static const char *wr(const char *s, u32 oflag)
{
	struct ktermios tio = t.ld.tio;

	tio.c_oflag = oflag;
	ldisc_set_termios(&t.ld, &tio);
	t.nout = 0;
	CHECK(ldisc_write(&t.ld, (const u8 *)s, strlen(s)) == strlen(s));
	return screen();
}

TEST(output)
{
	reset();
	CHECK_STR(wr("a\nb\r\n", OPOST | ONLCR), "a\r\nb\r\r\n");
	CHECK_STR(wr("a\nb", 0), "a\nb");
	CHECK_STR(wr("a\nb", OPOST), "a\nb");
	reset();
	CHECK_STR(wr("\rab\r", OPOST | OCRNL), "\nab\n");
	reset();
	CHECK_STR(wr("\rab\r\r", OPOST | ONOCR), "ab\r");
	CHECK_STR(wr("aB", OPOST | OLCUC), "AB");
	reset();
	CHECK_STR(wr("a\tb\b\t|", OPOST | XTABS), "a       b\b        |");
	CHECK_STR(wr("\t", OPOST), "\t");
}

TEST(output_without_room)
{
	static char text[3000];
	size_t done = 0;
	char want[6000];
	size_t nwant = 0;

	reset();
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = i % 7 == 3 ? '\n' : 'a' + i % 26;
		if (text[i] == '\n')
			want[nwant++] = '\r';
		want[nwant++] = text[i];
	}
	t.room = 0;
	while (done < sizeof(text)) {
		t.room += test_rand() % 40;
		done += ldisc_write(&t.ld, (const u8 *)text + done, sizeof(text) - done);
	}
	CHECK(t.nout == nwant);
	CHECK_MEM(t.out, want, nwant);
}

TEST(echo_waits_for_room)
{
	reset();
	t.room = 2;
	type("abcdef\n");
	CHECK_STR(screen(), "ab");
	t.room = 1000;
	CHECK(ldisc_write(&t.ld, (const u8 *)"X", 1) == 1);
	CHECK_STR(screen(), "abcdef\r\nX");
}

TEST(long_line)
{
	static char big[6000];

	reset();
	memset(big, 'x', sizeof(big));
	CHECK(feed(big, sizeof(big)) == sizeof(big));
	CHECK(!ldisc_readable(&t.ld, false));
	type("\n");
	CHECK(rd(8000) == 4096 && rline);
	CHECK(rbuf[4094] == 'x' && rbuf[4095] == '\n');
	/* With a finished line waiting input stops instead. */
	reset();
	type("a\n");
	CHECK(feed(big, sizeof(big)) < sizeof(big));
	CHECK(rd(10) == 2);
	CHECK(feed("yy\n", 3) == 3);
}

TEST(pasted_kilobyte)
{
	char text[1025], got[1100];
	size_t n = 0;

	reset();
	for (int i = 0; i < 1024; i++)
		text[i] = i % 64 == 63 ? '\n' : ' ' + i % 90;
	text[1024] = 0;
	CHECK(feed(text, 1024) == 1024);
	while (ldisc_readable(&t.ld, false)) {
		size_t k = rd(100);

		memcpy(got + n, rbuf, k);
		n += k;
	}
	CHECK(n == 1024);
	CHECK_MEM(got, text, 1024);
}

TEST(raw_stream)
{
	size_t sent = 0, got = 0;
	u8 next_in = 0, next_out = 0;
	char chunk[700];

	reset();
	set(0, ~0u, 0, ~0u);
	CHECK(t.ld.raw);
	while (got < 65536) {
		size_t n = test_rand() % sizeof(chunk), k;

		for (size_t i = 0; i < n; i++)
			chunk[i] = next_in + i;
		k = feed(chunk, n);
		next_in += k;
		sent += k;
		n = rd(test_rand() % 900);
		for (size_t i = 0; i < n; i++)
			CHECK((u8)rbuf[i] == next_out++);
		got += n;
	}
	CHECK(sent >= got && sent - got == ldisc_inq(&t.ld));
	CHECK(t.nout == 0);
}

TEST(vmin_for_poll)
{
	reset();
	set(0, 0, 0, ICANON | ECHO);
	set_cc(VMIN, 3);
	type("ab");
	CHECK(ldisc_readable(&t.ld, false));
	CHECK(!ldisc_readable(&t.ld, true));
	type("c");
	CHECK(ldisc_readable(&t.ld, true));
	rd(2);
	set_cc(VTIME, 1);
	CHECK(ldisc_readable(&t.ld, true));
}

TEST(mode_switch_keeps_input)
{
	reset();
	type("abc");
	CHECK(!ldisc_readable(&t.ld, false));
	set(0, 0, 0, ICANON);
	CHECK(rd(100) == 3);
	type("xy");
	set(0, 0, ICANON, 0);
	CHECK(rd(100) == 2 && rline);
	type("z\n");
	CHECK(rd(100) == 2);
}

TEST(breaks_and_parity)
{
	u8 c = 'q';

	reset();
	set(BRKINT, 0, 0, 0);
	c = 0;
	CHECK(ldisc_input(&t.ld, &c, 1, TTY_BREAK) == 1 && t.ld.sig == SIGINT);
	ldisc_signal_done(&t.ld);
	set(PARMRK | INPCK, BRKINT, 0, ICANON | ECHO);
	ldisc_input(&t.ld, &c, 1, TTY_BREAK);
	CHECK(rd(10) == 3 && (u8)rbuf[0] == 0xff && rbuf[1] == 0 && rbuf[2] == 0);
	c = 'q';
	ldisc_input(&t.ld, &c, 1, TTY_PARITY);
	CHECK(rd(10) == 3 && (u8)rbuf[0] == 0xff && rbuf[1] == 0 && rbuf[2] == 'q');
	type("\xff");
	CHECK(rd(10) == 2 && (u8)rbuf[0] == 0xff && (u8)rbuf[1] == 0xff);
	set(IGNPAR, 0, 0, 0);
	ldisc_input(&t.ld, &c, 1, TTY_FRAME);
	CHECK(rd(10) == 0);
	set(0, IGNPAR | PARMRK, 0, 0);
	ldisc_input(&t.ld, &c, 1, TTY_PARITY);
	CHECK(rd(10) == 1 && rbuf[0] == 0);
	set(0, INPCK, 0, 0);
	ldisc_input(&t.ld, &c, 1, TTY_PARITY);
	CHECK(rd(10) == 1 && rbuf[0] == 'q');
	set(IGNBRK, 0, 0, 0);
	c = 0;
	ldisc_input(&t.ld, &c, 1, TTY_BREAK);
	CHECK(rd(10) == 0);
}

TEST(echonl)
{
	reset();
	set(0, 0, ECHONL, ECHO);
	type("secret\n");
	CHECK_STR(screen(), "\r\n");
}

/* Random keys, settings, reads: no sanitizer report, indices stay consistent. */
TEST(random_use)
{
	static const char keys[] = "\x03\x04\x7f\x15\x17\x16\x12\x13\x11\n\r\t \xc3\xa9z";

	reset();
	for (unsigned int i = 0; i < 200000 * test_rounds; i++) {
		char c[16];
		size_t n = test_rand() % sizeof(c);

		for (size_t k = 0; k < n; k++)
			c[k] = test_rand() % 3 ? keys[test_rand() % 16] : (char)test_rand();
		feed(c, n);
		if (test_rand() % 4 == 0)
			rd(test_rand() % 300);
		if (test_rand() % 500 == 0) {
			struct ktermios tio = tty_std_termios;

			tio.c_lflag ^= test_rand() & 0x1ffff;
			tio.c_iflag ^= test_rand() & 0x7fff;
			tio.c_oflag ^= test_rand() & 0x187f;
			ldisc_set_termios(&t.ld, &tio);
		}
		if (t.nsigs > 32)
			t.nsigs = 0;
		if (t.nout > 60000)
			t.nout = 0;
		REQUIRE(t.ld.head - t.ld.tail <= LDISC_SIZE);
		if ((t.ld.tio.c_lflag & (ICANON | EXTPROC)) == ICANON)
			REQUIRE(t.ld.canon - t.ld.tail <= t.ld.head - t.ld.tail);
	}
}
