/* SPDX-License-Identifier: MIT */
/* Terminals: pseudo-terminals, line discipline, job control; memory devices, log, random numbers.
 * */
#include "abi.h"

#include <linux/kd.h>
#include <linux/keyboard.h>
#include <linux/vt.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

static int master, slave;

/* A pair in its initial state, master not blocking. */
static void open_pair(void)
{
	mkdir("/dev/pts", 0755);
	mount("devpts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666");
	master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (master < 0 || unlockpt(master)) {
		SHOW("no pty: %d", errno);
		exit(1);
	}
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (slave < 0) {
		SHOW("no slave: %d", errno);
		exit(1);
	}
}

static void show_bytes(const char *what, const char *p, ssize_t n)
{
	printf("%s %zd:", what, n);
	for (ssize_t i = 0; i < n; i++)
		printf(p[i] > 0x20 && p[i] < 0x7f ? " %c" : " \\%03o", (unsigned char)p[i]);
	if (n < 0)
		printf(" errno %d", errno);
	putchar('\n');
	fflush(stdout);
}

/* What a reader gets, waiting at most a moment for it. */
static void show_read(const char *what, int fd, size_t size)
{
	static char buf[70000];
	struct pollfd p = { fd, POLLIN, 0 };

	ssize_t n, more;

	poll(&p, 1, 300);
	n = read(fd, buf, size);
	/* Linux hands the output of one write over in pieces. */
	while (fd == master && n > 0 && (size_t)n < size && poll(&p, 1, 50) == 1 &&
	       p.revents & POLLIN && (more = read(fd, buf + n, size - (size_t)n)) > 0)
		n += more;
	show_bytes(what, buf, n);
}
static void type(const char *s)
{
	if (write(master, s, strlen(s)) != (ssize_t)strlen(s))
		SHOW("short write");
	usleep(20000);
}
/* What a program reads of what was typed, and what the terminal shows of it. */
static void edit(const char *what, const char *text)
{
	type(text);
	show_read(what, slave, 100);
	show_read("echo", master, 200);
}
static void set_flags(tcflag_t *(*which)(struct termios *), tcflag_t on, tcflag_t off)
{
	struct termios t;

	tcgetattr(slave, &t);
	*which(&t) = (*which(&t) | on) & ~off;
	tcsetattr(slave, TCSANOW, &t);
}
static tcflag_t *lflag(struct termios *t)
{
	return &t->c_lflag;
}
static tcflag_t *iflag(struct termios *t)
{
	return &t->c_iflag;
}
static tcflag_t *oflag(struct termios *t)
{
	return &t->c_oflag;
}
static void raw(int min, int time)
{
	struct termios t;

	tcgetattr(slave, &t);
	cfmakeraw(&t);
	t.c_cc[VMIN] = min;
	t.c_cc[VTIME] = time;
	tcsetattr(slave, TCSANOW, &t);
}

CASE(initial_settings)
{
	struct termios t;
	struct winsize ws;

	open_pair();
	RET(tcgetattr(slave, &t));
	SHOW("%x %x %x %x", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	for (int i = 0; i < 17; i++)
		SHOW("cc %d %d", i, t.c_cc[i]);
	RET(ioctl(slave, TIOCGWINSZ, &ws));
	SHOW("%d %d", ws.ws_row, ws.ws_col);
	SHOW("%d %d %d", isatty(slave), isatty(master), isatty(-1));
}

CASE(canonical_read)
{
	open_pair();
	edit("slave", "hello\nwor");
	type("ld\n");
	show_read("part", slave, 3);
	show_read("rest", slave, 100);
	fcntl(slave, F_SETFL, O_NONBLOCK);
	show_read("none", slave, 100);
}

CASE(erase_word_kill)
{
	open_pair();
	edit("erase", "abc\177d\n");
	edit("word", "one two\027three\n");
	edit("kill", "nothing\025left\n");
	edit("literal", "\026\003\026\177x\n");
	edit("reprint", "ab\022c\n");
	edit("tab", "a\t\177b\n");
	edit("control", "\001\177\n");
}

CASE(end_of_file)
{
	open_pair();
	type("\004");
	show_read("empty", slave, 100);
	type("abc\004");
	show_read("text", slave, 100);
	type("abc\004");
	show_read("exact", slave, 3);
	fcntl(slave, F_SETFL, O_NONBLOCK);
	show_read("nothing", slave, 3);
	type("x\004\004");
	show_read("x", slave, 100);
	show_read("eof", slave, 100);
}

CASE(input_mapping)
{
	open_pair();
	set_flags(lflag, 0, ECHO);
	type("a\rb\n");
	show_read("icrnl", slave, 100);
	show_read("icrnl", slave, 100);
	set_flags(iflag, IGNCR, 0);
	type("a\rb\n");
	show_read("igncr", slave, 100);
	set_flags(iflag, INLCR, IGNCR | ICRNL);
	set_flags(lflag, 0, ICANON);
	type("a\rb\n");
	show_read("inlcr", slave, 100);
	set_flags(iflag, ISTRIP, INLCR);
	type("\341");
	show_read("istrip", slave, 100);
	set_flags(iflag, IUCLC, ISTRIP);
	type("AbC");
	show_read("iuclc", slave, 100);
	set_flags(iflag, PARMRK, IUCLC);
	type("\377");
	show_read("parmrk", slave, 100);
}

CASE(utf8_erase)
{
	open_pair();
	set_flags(iflag, IUTF8, 0);
	edit("with", "a\303\251\177\n");
	set_flags(iflag, 0, IUTF8);
	type("a\303\251\177\n");
	show_read("without", slave, 100);
}

CASE(output_mapping)
{
	open_pair();
	RET(write(slave, "a\nb\tc", 5));
	show_read("onlcr", master, 100);
	set_flags(oflag, XTABS, 0);
	RET(write(slave, "\rab\tc\n", 6));
	show_read("xtabs", master, 100);
	set_flags(oflag, OCRNL, ONLCR | XTABS);
	RET(write(slave, "a\rb\n", 4));
	show_read("ocrnl", master, 100);
	set_flags(oflag, OLCUC | ONOCR, OCRNL);
	RET(write(slave, "\r\rab\r\r", 6));
	show_read("olcuc", master, 100);
	set_flags(oflag, 0, OPOST);
	RET(write(slave, "a\nb\r", 4));
	show_read("raw", master, 100);
}

CASE(echo_flags)
{
	open_pair();
	set_flags(lflag, ECHONL, ECHO);
	type("secret\n");
	show_read("echonl", master, 100);
	set_flags(lflag, ECHO, ECHOE);
	type("ab\177\n");
	show_read("no echoe", master, 100);
	set_flags(lflag, ECHOPRT | ECHOE, 0);
	type("abc\177\177d\n");
	show_read("echoprt", master, 100);
	set_flags(lflag, 0, ECHOPRT | ECHOCTL);
	type("\001x\n");
	show_read("no echoctl", master, 100);
	set_flags(lflag, ECHOCTL, ECHOKE);
	type("abc\025\n");
	show_read("no echoke", master, 100);
	set_flags(lflag, 0, ECHOK);
	type("abc\025\n");
	show_read("no echok", master, 100);
}

CASE(vmin_vtime)
{
	struct timespec a, b;

	open_pair();
	raw(0, 0);
	show_read("poll", slave, 10);
	raw(0, 2);
	clock_gettime(CLOCK_MONOTONIC, &a);
	RET(read(slave, &(char){ 0 }, 1));
	clock_gettime(CLOCK_MONOTONIC, &b);
	SHOW("waited %d", (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 >= 190);
	raw(3, 0);
	if (!fork()) {
		usleep(50000);
		type("ab");
		type("cd");
		_exit(0);
	}
	show_bytes("min 3", "", 0);
	{
		char buf[10];
		ssize_t n = read(slave, buf, sizeof(buf));

		SHOW("%d", n >= 3);
		wait(NULL);
	}
	tcflush(slave, TCIFLUSH);
	raw(5, 2);
	type("xy");
	show_bytes("min 5 time 2", (char[10]){ 0 }, 0);
	{
		char buf[10];

		show_bytes("got", buf, read(slave, buf, sizeof(buf)));
	}
}

CASE(mode_switch)
{
	open_pair();
	type("abc");
	fcntl(slave, F_SETFL, O_NONBLOCK);
	show_read("canonical", slave, 10);
	set_flags(lflag, 0, ICANON);
	show_read("raw", slave, 10);
	type("de");
	set_flags(lflag, ICANON, 0);
	show_read("pushed", slave, 10);
	type("f\n");
	show_read("line", slave, 10);
}

CASE(long_line)
{
	static char line[6000];
	int n = 0;

	open_pair();
	set_flags(lflag, 0, ECHO);
	memset(line, 'x', 5000);
	line[5000] = '\n';
	for (int at = 0; at < 5001;) {
		int k = write(master, line + at, 5001 - at);

		if (k > 0)
			at += k;
		else
			usleep(1000);
	}
	usleep(100000);
	fcntl(slave, F_SETFL, O_NONBLOCK);
	{
		static char buf[8192];

		n = read(slave, buf, sizeof(buf));
		SHOW("%d ends with \\%03o", n, buf[n > 0 ? n - 1 : 0]);
	}
}

CASE(paste_64k_raw)
{
	static char data[65536], got[65536];
	size_t sent = 0, have = 0;

	open_pair();
	raw(1, 0);
	fcntl(slave, F_SETFL, O_NONBLOCK);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;
	while (have < sizeof(data)) {
		ssize_t n = 0;

		if (sent < sizeof(data))
			n = write(master, data + sent, sizeof(data) - sent);
		if (n > 0)
			sent += n;
		n = read(slave, got + have, sizeof(got) - have);
		if (n > 0)
			have += n;
	}
	SHOW("same %d", !memcmp(data, got, sizeof(data)));
}

CASE(output_64k)
{
	static char data[65536], got[65536];
	size_t have = 0;
	int status;

	open_pair();
	raw(1, 0);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = i * 3 + i / 256;
	if (!fork()) {
		ssize_t n = write(slave, data, sizeof(data));

		_exit(n == sizeof(data) ? 0 : 1);
	}
	while (have < sizeof(data)) {
		ssize_t n = read(master, got + have, sizeof(got) - have);

		if (n > 0)
			have += n;
	}
	wait(&status);
	SHOW("same %d, writer %d", !memcmp(data, got, sizeof(data)), status);
}

CASE(slave_close_drains)
{
	char buf[100];

	open_pair();
	RET(write(slave, "last words", 10));
	close(slave);
	usleep(20000);
	show_bytes("left", buf, read(master, buf, sizeof(buf)));
	show_bytes("then", buf, read(master, buf, sizeof(buf)));
	{
		struct pollfd p = { master, POLLIN | POLLOUT, 0 };

		RET(poll(&p, 1, 0));
		SHOW("%x", p.revents);
	}
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	show_bytes("again", buf, read(master, buf, sizeof(buf)));
}

CASE(master_close_hangs_up)
{
	char buf[100];
	struct pollfd p;
	struct termios t;

	open_pair();
	type("typed\n");
	close(master);
	show_bytes("slave", buf, read(slave, buf, sizeof(buf)));
	RET(write(slave, "x", 1));
	RET(tcgetattr(slave, &t));
	RET(ioctl(slave, TIOCSPGRP, &(int){ 1 }));
	p = (struct pollfd){ slave, POLLIN | POLLOUT, 0 };
	RET(poll(&p, 1, 0));
	SHOW("%x", p.revents);
}

CASE(lock_and_number)
{
	int v = -1, fd;
	char name[64];
	struct stat st;

	open_pair();
	RET(ioctl(master, TIOCGPTLCK, &v));
	SHOW("%d", v);
	v = 1;
	RET(ioctl(master, TIOCSPTLCK, &v));
	fd = RET(open(ptsname(master), O_RDWR | O_NOCTTY));
	RET(ioctl(slave, TIOCGPTN, &v));
	RET(ioctl(master, TIOCGPTN, &v));
	snprintf(name, sizeof(name), "/dev/pts/%d", v);
	SHOW("%d", !strcmp(name, ptsname(master)));
	RET(stat(name, &st));
	SHOW("%o %d %d", st.st_mode, major(st.st_rdev), (int)minor(st.st_rdev) == v);
	fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	SHOW("peer while locked %d", fd >= 0);
	v = 0;
	ioctl(master, TIOCSPTLCK, &v);
	fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	SHOW("peer %d %d", fd >= 0, isatty(fd));
	close(fd);
	close(slave);
	close(master);
	RET(stat(name, &st));
}

CASE(poll_bits)
{
	struct pollfd p[2];

	open_pair();
	p[0] = (struct pollfd){ master, POLLIN | POLLOUT, 0 };
	p[1] = (struct pollfd){ slave, POLLIN | POLLOUT, 0 };
	RET(poll(p, 2, 0));
	SHOW("%x %x", p[0].revents, p[1].revents);
	type("a");
	RET(poll(p, 2, 0));
	SHOW("%x %x", p[0].revents, p[1].revents);
	type("\n");
	RET(poll(p, 2, 0));
	SHOW("%x %x", p[0].revents, p[1].revents);
}

CASE(queue_sizes)
{
	int n = -1;

	open_pair();
	set_flags(lflag, 0, ECHO);
	type("abc");
	RET(ioctl(slave, FIONREAD, &n));
	SHOW("%d", n);
	type("d\nef");
	RET(ioctl(slave, FIONREAD, &n));
	SHOW("%d", n);
	type("\004");
	RET(ioctl(slave, FIONREAD, &n));
	SHOW("%d", n);
	RET(tcflush(slave, TCIFLUSH));
	RET(ioctl(slave, FIONREAD, &n));
	SHOW("%d", n);
	RET(write(slave, "123", 3));
	usleep(50000);
	RET(ioctl(master, FIONREAD, &n));
	SHOW("%d", n);
	RET(ioctl(slave, TIOCOUTQ, &n));
	RET(tcdrain(slave));
	RET(tcflush(slave, 7));
	RET(tcflow(slave, 7));
}

CASE(flow_control)
{
	open_pair();
	set_flags(lflag, 0, ECHO);
	type("\023");
	fcntl(slave, F_SETFL, O_NONBLOCK);
	RET(write(slave, "held", 4));
	show_read("stopped", master, 100);
	type("\021");
	RET(write(slave, "free", 4));
	show_read("started", master, 100);
	RET(tcflow(slave, TCOOFF));
	RET(write(slave, "x", 1));
	type("\021");
	RET(write(slave, "x", 1));
	RET(tcflow(slave, TCOON));
	RET(write(slave, "y", 1));
	show_read("on", master, 100);
	RET(tcflow(slave, TCIOFF));
	show_read("stop char", master, 100);
	RET(tcflow(slave, TCION));
	show_read("start char", master, 100);
}

CASE(packet_mode)
{
	struct pollfd p;

	open_pair();
	RET(ioctl(master, TIOCPKT, &(int){ 1 }));
	RET(write(slave, "data", 4));
	show_read("data", master, 100);
	RET(tcflush(slave, TCIFLUSH));
	p = (struct pollfd){ master, POLLIN | POLLPRI, 0 };
	RET(poll(&p, 1, 0));
	SHOW("%x", p.revents);
	show_read("flush", master, 100);
	RET(tcflow(slave, TCOOFF));
	show_read("stop", master, 100);
	RET(tcflow(slave, TCOON));
	show_read("start", master, 100);
	set_flags(iflag, 0, IXON);
	show_read("no stop", master, 100);
	set_flags(iflag, IXON, 0);
	show_read("do stop", master, 100);
	show_read("none", master, 100);
}

static void on_winch(int sig)
{
	SHOW("SIGWINCH");
}

CASE(window_size)
{
	struct winsize ws = { .ws_row = 40, .ws_col = 132 };

	open_pair();
	setsid();
	RET(ioctl(slave, TIOCSCTTY, 0));
	signal(SIGWINCH, on_winch);
	RET(ioctl(master, TIOCSWINSZ, &ws));
	RET(ioctl(master, TIOCSWINSZ, &ws));
	memset(&ws, 0, sizeof(ws));
	RET(ioctl(slave, TIOCGWINSZ, &ws));
	SHOW("%d %d", ws.ws_row, ws.ws_col);
	ws.ws_row = 41;
	RET(ioctl(slave, TIOCSWINSZ, &ws));
	RET(ioctl(slave, TIOCSWINSZ, NULL));
}

/* The rest of a case in a session of its own. */
static int in_session(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		setsid();
		return 1;
	}
	waitpid(pid, &status, 0);
	SHOW("ended %x", status);
	return 0;
}

CASE(controlling_terminal)
{
	int fd;

	open_pair();
	if (!in_session())
		return;
	RET(open("/dev/tty", O_RDWR));
	RET(ioctl(slave, TIOCGSID, &fd));
	RET(tcgetpgrp(slave));
	RET(ioctl(slave, TIOCNOTTY));
	RET(ioctl(slave, TIOCSCTTY, 0));
	RET(ioctl(slave, TIOCSCTTY, 0));
	fd = open("/dev/tty", O_RDWR);
	SHOW("open %d", fd >= 0);
	SHOW("group %d session %d", tcgetpgrp(fd) == getpgrp(), tcgetsid(fd) == getsid(0));
	SHOW("master %d", tcgetpgrp(master) == getpgrp());
	RET(tcsetpgrp(slave, 1));
	RET(tcsetpgrp(slave, 999999));
	RET(tcsetpgrp(slave, -1));
	RET(tcsetpgrp(slave, getpgrp()));
	if (!fork()) {
		RET(ioctl(slave, TIOCSCTTY, 0));
		SHOW("child %d", open("/dev/tty", O_RDWR) >= 0);
		RET(ioctl(slave, TIOCNOTTY));
		RET(open("/dev/tty", O_RDWR));
		_exit(0);
	}
	wait(NULL);
	signal(SIGHUP, SIG_IGN);
	RET(ioctl(slave, TIOCNOTTY));
	RET(open("/dev/tty", O_RDWR));
	exit(0);
}

CASE(open_takes_control)
{
	char *name;

	open_pair();
	name = ptsname(master);
	close(slave);
	if (!in_session())
		return;
	open(name, O_RDWR | O_NOCTTY);
	RET(open("/dev/tty", O_RDWR));
	open(name, O_WRONLY);
	RET(open("/dev/tty", O_RDWR));
	open(name, O_RDWR);
	SHOW("%d", open("/dev/tty", O_RDWR) >= 0);
	exit(0);
}

static volatile sig_atomic_t caught;
/* Did the signal come? It may take a moment on a busy machine. */
static int came(int sig)
{
	for (int i = 0; i < 200 && caught != sig; i++)
		usleep(5000);
	return caught == sig;
}
static void on_signal(int sig)
{
	caught = sig;
}

CASE(signal_characters)
{
	open_pair();
	if (!in_session())
		return;
	ioctl(slave, TIOCSCTTY, 0);
	signal(SIGINT, on_signal);
	signal(SIGQUIT, on_signal);
	signal(SIGTSTP, on_signal);
	type("abc\003");
	SHOW("%d", came(SIGINT));
	show_read("echo", master, 100);
	type("\034");
	SHOW("%d", came(SIGQUIT));
	type("\032");
	SHOW("%d", came(SIGTSTP));
	type("x\n");
	show_read("flushed", slave, 100);
	set_flags(lflag, NOFLSH, 0);
	type("ab\003\n");
	show_read("kept", slave, 100);
	RET(ioctl(master, TIOCSIG, SIGINT));
	RET(ioctl(master, TIOCSIG, SIGTERM));
	exit(0);
}

static void interrupted_read(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };
	char buf[10];
	pid_t pid;

	sigaction(SIGUSR1, &sa, NULL);
	pid = fork();
	if (!pid) {
		usleep(50000);
		kill(getppid(), SIGUSR1);
		usleep(50000);
		type("late\n");
		_exit(0);
	}
	show_bytes("read", buf, read(slave, buf, sizeof(buf)));
	waitpid(pid, NULL, 0);
}

CASE(interrupted_reads)
{
	open_pair();
	interrupted_read(0);
	tcflush(slave, TCIFLUSH);
	interrupted_read(SA_RESTART);
}

/* A child in a background group of the terminal's session. */
static void background(const char *what, void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		signal(SIGTTIN, SIG_DFL);
		signal(SIGTTOU, SIG_DFL);
		fn();
		_exit(0);
	}
	setpgid(pid, pid);
	waitpid(pid, &status, WUNTRACED);
	SHOW("%s: stopped %d by %d", what, WIFSTOPPED(status),
	     WIFSTOPPED(status) ? WSTOPSIG(status) : 0);
	if (WIFSTOPPED(status)) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
}
static void bg_read(void)
{
	char c;

	RET(read(slave, &c, 1));
}
static void bg_read_ignored(void)
{
	signal(SIGTTIN, SIG_IGN);
	bg_read();
}
static void bg_read_blocked(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGTTIN);
	sigprocmask(SIG_BLOCK, &s, NULL);
	bg_read();
}
static void bg_write(void)
{
	RET(write(slave, "w", 1));
}
static void bg_set(void)
{
	struct termios t;

	tcgetattr(slave, &t);
	RET(tcsetattr(slave, TCSANOW, &t));
}
static void bg_setpgrp(void)
{
	RET(tcsetpgrp(slave, getpgrp()));
}
static void bg_setpgrp_ignored(void)
{
	signal(SIGTTOU, SIG_IGN);
	RET(tcsetpgrp(slave, getpgrp()));
	SHOW("in front %d", tcgetpgrp(slave) == getpgrp());
}

CASE(background_access)
{
	open_pair();
	if (!in_session())
		return;
	ioctl(slave, TIOCSCTTY, 0);
	signal(SIGTTOU, SIG_IGN);
	background("read", bg_read);
	background("read, ignored", bg_read_ignored);
	background("read, blocked", bg_read_blocked);
	background("write", bg_write);
	set_flags(lflag, TOSTOP, 0);
	background("write, tostop", bg_write);
	background("tcsetattr", bg_set);
	background("tcsetpgrp", bg_setpgrp);
	background("tcsetpgrp, ignored", bg_setpgrp_ignored);
	exit(0);
}

/* A group whose parent is gone cannot be continued by anybody: errors, no stop. */
CASE(orphaned_group)
{
	int p[2];
	char c;

	open_pair();
	if (!in_session())
		return;
	ioctl(slave, TIOCSCTTY, 0);
	pipe(p);
	if (!fork()) {
		pid_t parent = getpid();

		setpgid(0, 0);
		if (!fork()) {
			while (getppid() == parent)
				usleep(1000);
			RET(read(slave, &c, 1));
			set_flags(lflag, TOSTOP, 0);
			RET(write(slave, "x", 1));
			_exit(0);
		}
		_exit(0);
	}
	wait(NULL);
	close(p[1]);
	read(p[0], &c, 1); /* until the orphan is gone */
	exit(0);
}

CASE(leader_exit_hangs_up)
{
	int p[2];
	char buf[100];
	ssize_t n;
	size_t have = 0;

	open_pair();
	pipe(p);
	if (!fork()) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		if (!fork()) {
			sigset_t s;
			int sig;

			sigemptyset(&s);
			sigaddset(&s, SIGHUP);
			sigaddset(&s, SIGCONT);
			sigprocmask(SIG_BLOCK, &s, NULL);
			write(p[1], "r", 1);
			sigwait(&s, &sig);
			dprintf(p[1], "signal %d;", sig);
			dprintf(p[1], "tty %d;", open("/dev/tty", O_RDWR) >= 0);
			_exit(0);
		}
		usleep(100000);
		_exit(0);
	}
	close(p[1]);
	while (have < sizeof(buf) - 1 && (n = read(p[0], buf + have, sizeof(buf) - 1 - have)) > 0)
		have += n;
	buf[have] = 0;
	SHOW("%s", buf);
}

CASE(hangup_by_master)
{
	open_pair();
	if (!in_session())
		return;
	ioctl(slave, TIOCSCTTY, 0);
	signal(SIGHUP, on_signal);
	close(master);
	usleep(50000);
	SHOW("%d", came(SIGHUP));
	RET(open("/dev/tty", O_RDWR));
	exit(0);
}

CASE(exclusive)
{
	int v = -1;

	open_pair();
	RET(ioctl(slave, TIOCEXCL));
	RET(ioctl(slave, TIOCGEXCL, &v));
	SHOW("%d", v);
	RET(ioctl(slave, TIOCNXCL));
	RET(ioctl(slave, TIOCGETD, &v));
	SHOW("%d", v);
	RET(ioctl(slave, TIOCMGET, &v));
	RET(ioctl(slave, TIOCSTI, "z"));
	RET(ioctl(slave, 0x1234, 0));
	RET(ioctl(slave, TCGETS, NULL));
}

CASE(termios_layouts)
{
	struct {
		unsigned short iflag, oflag, cflag, lflag;
		unsigned char line, cc[8];
	} old;
	struct termios t;

	open_pair();
	RET(ioctl(slave, TCGETA, &old));
	SHOW("%x %x %x %x %d", old.iflag, old.oflag, old.cflag, old.lflag, old.cc[0]);
	old.lflag &= ~ECHO;
	RET(ioctl(slave, TCSETA, &old));
	tcgetattr(master, &t);
	SHOW("%x", t.c_lflag);
	cfsetspeed(&t, B115200);
	RET(tcsetattr(slave, TCSADRAIN, &t));
	tcgetattr(slave, &t);
	SHOW("%x", t.c_cflag);
	t.c_cflag = CS5 | PARENB;
	RET(tcsetattr(slave, TCSAFLUSH, &t));
	tcgetattr(slave, &t);
	SHOW("%x", t.c_cflag);
}

CASE(not_terminals)
{
	struct termios t;
	int p[2], fd = open("f", O_RDWR | O_CREAT, 0600), v;

	pipe(p);
	RET(tcgetattr(fd, &t));
	RET(tcgetattr(p[0], &t));
	RET(ioctl(fd, TIOCGWINSZ, &v));
	RET(open("/dev/tty63x", O_RDWR));
	RET(ttyname_r(fd, (char[64]){ 0 }, 64));
}

CASE(memory_devices)
{
	static char buf[8192];
	int fd;

	fd = open("/dev/null", O_RDWR);
	RET(read(fd, buf, 10));
	RET(write(fd, buf, 10));
	RET(write(fd, NULL, 10));
	RET(lseek(fd, 100, SEEK_SET));
	RET(ftruncate(fd, 0));
	fd = open("/dev/zero", O_RDWR);
	memset(buf, 1, sizeof(buf));
	RET(read(fd, buf, sizeof(buf)));
	SHOW("%d", buf[0] | buf[8191]);
	RET(read(fd, NULL, 10));
	RET(write(fd, buf, 10));
	RET(pread(fd, buf, 10, 1000));
	fd = open("/dev/full", O_RDWR);
	RET(read(fd, buf, 10));
	RET(write(fd, buf, 10));
	RET(write(fd, buf, 0));
	RET(open("/dev/null/x", O_RDWR));
}

CASE(zero_mappings)
{
	int fd = open("/dev/zero", O_RDWR), status;
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	char *s = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	SHOW("%d %d", p != MAP_FAILED, s != MAP_FAILED);
	SHOW("%d %d", p[0] | p[8191], s[0] | s[8191]);
	p[5] = 7;
	if (!fork()) {
		p[5] = 8;
		s[5] = 9;
		_exit(0);
	}
	wait(&status);
	SHOW("%d %d", p[5], s[5]);
	fd = open("/dev/null", O_RDONLY);
	SHOW("%d", mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
}

/* The owner of a virtual terminal may ask for any number: 0 none, and what is no signal makes the
 * terminal switch by itself. */
CASE(vt_owner_signals)
{
	static const short numbers[] = { 0, 65, 30000, -5 };
	int fd = NEED(open("/dev/tty1", O_RDWR | O_NOCTTY)), status;
	struct vt_mode m = { .mode = VT_AUTO };

	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct vt_stat state;

			m.mode = VT_PROCESS;
			m.relsig = numbers[i];
			RET(ioctl(fd, VT_SETMODE, &m));
			RET(ioctl(fd, VT_ACTIVATE, 2));
			if (numbers[i])
				RET(ioctl(fd, VT_WAITACTIVE, 2));
			ioctl(fd, VT_GETMODE, &m);
			ioctl(fd, VT_GETSTATE, &state);
			SHOW("%d: mode %d active %d", numbers[i], m.mode, state.v_active);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (status)
			abi_show_status("owner", status);
		m.mode = VT_AUTO;
		m.relsig = 0;
		NEED(ioctl(fd, VT_SETMODE, &m));
		NEED(ioctl(fd, VT_ACTIVATE, 1));
		NEED(ioctl(fd, VT_WAITACTIVE, 1));
	}
}

CASE(keymap_is_not_the_users)
{
	int fd = NEED(open("/dev/tty1", O_RDWR | O_NOCTTY));
	struct kbentry e = { 0, 30, 0 };

	NEED(setuid(1000));
	if (fork() == 0) {
		setsid();
		RET(ioctl(fd, TIOCSCTTY, 0));
		RET(ioctl(fd, KDGKBENT, &e));
		RET(ioctl(fd, KDSKBENT, &e));
		_exit(0);
	}
	wait(NULL);
}

CASE(redirection_ends_with_hangup)
{
	char name[32], buf[32];
	int console = NEED(open("/dev/console", O_RDWR | O_NOCTTY));

	for (int i = 0; i < 2; i++) {
		int m = NEED(posix_openpt(O_RDWR | O_NOCTTY)), s, other;

		NEED(unlockpt(m));
		NEED(ptsname_r(m, name, sizeof(name)));
		s = NEED(open(name, O_RDWR | O_NOCTTY));
		other = NEED(open(name, O_RDWR | O_NOCTTY));
		RET(ioctl(s, TIOCCONS, 0));
		RET(ioctl(other, TIOCCONS, 0));
		RET(write(console, "redirected", 10));
		RET(read(m, buf, sizeof(buf)));
		close(m);
		RET(write(console, "\n", 1));
		close(s);
		close(other);
	}
}

CASE(device_numbers)
{
	static const char *const names[] = {
		"null",	   "zero", "full", "random", "urandom", "tty",
		"console", "ptmx", "kmsg", "tty0",   "tty1",	"ttyS0",
	};
	struct stat st;

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/dev/%s", names[i]);
		if (stat(path, &st))
			SHOW("%s: %d", names[i], errno);
		else
			SHOW("%s: %o %u:%u", names[i], st.st_mode, major(st.st_rdev),
			     minor(st.st_rdev));
	}
}

CASE(getrandom_arguments)
{
	char buf[600] = { 0 }, zero[600] = { 0 };

	RET(getrandom(buf, 16, 0));
	RET(getrandom(buf, sizeof(buf), GRND_NONBLOCK));
	SHOW("%d", memcmp(buf, zero, sizeof(buf)) != 0);
	RET(getrandom(buf, 0, 0));
	RET(getrandom(buf, 16, GRND_RANDOM));
	RET(getrandom(buf, 16, 4));
	RET(getrandom(buf, 16, 4 | GRND_RANDOM));
	RET(getrandom(buf, 16, 8));
	RET(getrandom(NULL, 16, 0));
	RET(getrandom((void *)-4096l, 16, 0));
}

CASE(random_devices)
{
	char a[64], b[64];
	int fd = open("/dev/urandom", O_RDWR), n = 0;

	RET(read(fd, a, 64));
	RET(read(fd, b, 64));
	SHOW("%d", memcmp(a, b, 64) != 0);
	RET(write(fd, a, 64));
	RET(ioctl(fd, 0x80045200, &n)); /* RNDGETENTCNT */
	SHOW("%d", n);
	RET(ioctl(fd, 0x5299, 0));
	fd = open("/dev/random", O_RDONLY | O_NONBLOCK);
	RET(read(fd, a, 64));
	{
		struct pollfd p = { fd, POLLIN | POLLOUT, 0 };

		RET(poll(&p, 1, 0));
		SHOW("%x", p.revents);
	}
}

/* The next record a program wrote; the kernel may speak at any time. */
static void show_user_record(int fd)
{
	static char buf[8192];
	unsigned int prio = 0;
	ssize_t n;

	do {
		n = read(fd, buf, sizeof(buf) - 1);
		buf[n > 0 ? n : 0] = 0;
		if (n > 0 && sscanf(buf, "%u,", &prio) != 1)
			break;
	} while (n > 0 && prio < 8);
	SHOW("prio %u, text %s", n > 0 ? prio : 0,
	     n > 0 && strchr(buf, ';') ? strchr(buf, ';') + 1 : "none");
}

CASE(kmsg)
{
	static char buf[8192];
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK);

	SHOW("open %d", fd >= 0);
	RET(lseek(fd, 0, SEEK_END));
	RET(lseek(fd, 1, SEEK_SET));
	RET(lseek(fd, 0, SEEK_CUR));
	RET(write(fd, "<13>abi test \001line\\\n", 20));
	show_user_record(fd);
	RET(write(fd, "plain\n", 6));
	show_user_record(fd);
	RET(write(fd, "<11>too long to read\n", 21));
	RET(read(fd, buf, 4));
	RET(lseek(fd, 0, SEEK_SET));
	RET(lseek(fd, 0, SEEK_DATA) >= 0);
	RET(write(fd, buf, 5000));
}

CASE(syslog_actions)
{
	static char buf[65536];
	int n;

	RET(klogctl(0, NULL, 0));
	RET(klogctl(1, NULL, 0));
	RET(klogctl(3, NULL, 10));
	RET(klogctl(3, buf, -1));
	RET(klogctl(3, buf, 0));
	n = klogctl(3, buf, sizeof(buf));
	SHOW("%d %c", n > 0, buf[0]);
	SHOW("%d", klogctl(10, NULL, 0) > 0);
	RET(klogctl(8, NULL, 0));
	RET(klogctl(8, NULL, 9));
	RET(klogctl(11, NULL, 0));
	RET(klogctl(-1, NULL, 0));
	RET(klogctl(5, NULL, 0));
	RET(klogctl(3, buf, sizeof(buf)));
	RET(setuid(1000));
	RET(klogctl(5, NULL, 0));
	RET(klogctl(2, buf, 10));
}
