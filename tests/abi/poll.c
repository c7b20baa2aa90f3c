/* SPDX-License-Identifier: MIT */
/* poll, select and their relatives, epoll, eventfd, timerfd, signalfd. */
#include "abi.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static int p[2], ep;
static volatile int hits;

static void on_signal(int sig)
{
	(void)sig;
	hits++;
}

static void handle(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static pid_t later(void (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		abi_sleep_ms(40);
		fn();
		_exit(0);
	}
	return pid;
}

static void write_pipe(void)
{
	NEED(write(p[1], "x", 1));
}

/* Whoever asks for the signals of a file may only name those he could signal himself. */
CASE(owner_of_another_user)
{
	struct f_owner_ex ex = { F_OWNER_TID, 0 };
	int p[2], status;
	pid_t target = fork();

	if (target == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(target, target);
	if (fork() == 0) {
		NEED(setuid(1000));
		NEED(pipe(p));
		RET(fcntl(p[0], F_SETSIG, SIGKILL));
		RET(fcntl(p[0], F_SETFL, O_ASYNC));
		ex.pid = target;
		NEED(fcntl(p[0], F_SETOWN_EX, &ex));
		RET(write(p[1], "x", 1));
		NEED(fcntl(p[0], F_SETOWN, -target));
		RET(write(p[1], "x", 1));
		NEED(fcntl(p[0], F_SETOWN, target));
		RET(write(p[1], "x", 1));
		_exit(0);
	}
	wait(NULL);
	usleep(20000);
	RET(kill(target, SIGTERM));
	waitpid(target, &status, 0);
	abi_show_status("target", status);
}

CASE(poll_errors)
{
	struct pollfd f[4] = { { -1, POLLIN, 77 }, { 999, POLLIN, 0 }, { 0, 0, 0 }, { 0, 0, 0 } };
	struct rlimit rl = { 64, 64 };

	RET(poll(NULL, 0, 0));
	RET(syscall(SYS_poll, 8, 1, 0));
	RET(syscall(SYS_poll, NULL, 1, 0));
	RET(poll(f, 1, 0));
	SHOW("revents %d", f[0].revents);
	RET(poll(f, 2, 0));
	SHOW("revents %#x", f[1].revents);
	RET(poll(f, 2, -1));
	setrlimit(RLIMIT_NOFILE, &rl);
	RET(syscall(SYS_poll, f, 65, 0));
	RET(syscall(SYS_poll, f, -1, 0));
	RET(syscall(SYS_ppoll, f, 0, &(struct timespec){ -1, 0 }, NULL, 8));
	RET(syscall(SYS_ppoll, f, 0, &(struct timespec){ 0, 1000000000 }, NULL, 8));
	RET(syscall(SYS_ppoll, f, 0, &(struct timespec){ 0, 0 }, &(sigset_t){ 0 }, 7));
	RET(syscall(SYS_ppoll, f, 0, &(struct timespec){ 0, 0 }, 8, 8));
	RET(syscall(SYS_ppoll, f, 0, 8, NULL, 8));
}

CASE(poll_files)
{
	struct pollfd f[4];
	int i;

	abi_file("f", "", 0644);
	f[0] = (struct pollfd){ open("f", O_RDWR), POLLIN | POLLOUT | POLLPRI, 0 };
	f[1] = (struct pollfd){ open(".", O_RDONLY), POLLIN | POLLOUT, 0 };
	f[2] = (struct pollfd){ open("/dev/null", O_RDWR), POLLIN | POLLOUT, 0 };
	f[3] = (struct pollfd){ open("/dev/zero", O_RDONLY), POLLIN | POLLRDNORM | POLLWRNORM, 0 };
	RET(poll(f, 4, -1));
	for (i = 0; i < 4; i++)
		SHOW("%#x", f[i].revents);
	f[0].fd = open("f", O_PATH);
	RET(poll(f, 1, 0));
	SHOW("%#x", f[0].revents);
}

CASE(poll_wakes)
{
	struct pollfd f = { 0, POLLIN, 0 };
	pid_t pid;

	NEED(pipe(p));
	f.fd = p[0];
	RET(poll(&f, 1, 10));
	pid = later(write_pipe);
	RET(poll(&f, 1, 10000));
	SHOW("%#x", f.revents);
	waitpid(pid, NULL, 0);
	RET(poll(&f, 1, -1));
}

CASE(poll_same_descriptor_twice)
{
	struct pollfd f[3];

	NEED(pipe(p));
	NEED(write(p[1], "x", 1));
	for (int i = 0; i < 3; i++)
		f[i] = (struct pollfd){ p[0], i == 1 ? 0 : POLLIN, 99 };
	RET(poll(f, 3, 0));
	SHOW("%#x %#x %#x", f[0].revents, f[1].revents, f[2].revents);
}

CASE(poll_interrupted)
{
	struct pollfd f = { 0, POLLIN, 77 };

	NEED(pipe(p));
	f.fd = p[0];
	handle(SIGALRM, SA_RESTART);
	ualarm(50000, 0);
	RET(poll(&f, 1, 10000));
	SHOW("hits %d revents %d", hits, f.revents);
	ualarm(50000, 0);
	RET(poll(NULL, 0, -1));
}

CASE(ppoll_updates_time)
{
	struct timespec t = { 10, 0 };
	struct pollfd f = { 0, POLLIN, 0 };

	NEED(pipe(p));
	f.fd = p[0];
	later(write_pipe);
	RET(syscall(SYS_ppoll, &f, 1, &t, NULL, 8));
	SHOW("less %d", t.tv_sec < 10);
	wait(NULL);
	t = (struct timespec){ 0, 1000000 };
	f.events = 0;
	RET(syscall(SYS_ppoll, &f, 1, &t, NULL, 8));
	SHOW("%ld %ld", (long)t.tv_sec, t.tv_nsec);
}

CASE(select_rules)
{
	fd_set r, w, x;
	struct timeval tv = { 0, 0 };

	NEED(pipe(p));
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&x);
	RET(syscall(SYS_select, -1, NULL, NULL, NULL, &tv));
	RET(syscall(SYS_select, 0, NULL, NULL, NULL, &tv));
	FD_SET(900, &r);
	RET(syscall(SYS_select, 901, &r, NULL, NULL, &tv));
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	FD_SET(p[0], &x);
	RET(select(p[1] + 1, &r, &w, &x, &tv));
	SHOW("%d %d %d", FD_ISSET(p[0], &r), FD_ISSET(p[1], &w), FD_ISSET(p[0], &x));
	NEED(write(p[1], "x", 1));
	FD_SET(p[0], &r);
	FD_SET(p[1], &r);
	RET(select(p[1] + 1, &r, &w, NULL, &tv));
	SHOW("%d %d %d", FD_ISSET(p[0], &r), FD_ISSET(p[1], &r), FD_ISSET(p[1], &w));
	close(p[1]);
	FD_ZERO(&w);
	FD_SET(p[1], &w);
	RET(select(p[1] + 1, &r, &w, NULL, &tv));
	RET(syscall(SYS_select, 5, 8, NULL, NULL, &tv));
	RET(syscall(SYS_select, 5, NULL, NULL, NULL, 8));
	tv.tv_usec = -1;
	RET(syscall(SYS_select, 0, NULL, NULL, NULL, &tv));
	tv.tv_usec = 2000000;
	tv.tv_sec = 0;
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	RET(syscall(SYS_select, p[0] + 1, &r, NULL, NULL, &tv));
	SHOW("%ld %d", (long)tv.tv_sec, tv.tv_usec > 0);
}

CASE(select_broken_pipe)
{
	fd_set r, w, x;

	NEED(pipe(p));
	close(p[0]);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&x);
	FD_SET(p[1], &r);
	FD_SET(p[1], &w);
	FD_SET(p[1], &x);
	RET(select(p[1] + 1, &r, &w, &x, NULL));
	SHOW("%d %d %d", FD_ISSET(p[1], &r), FD_ISSET(p[1], &w), FD_ISSET(p[1], &x));
}

CASE(pselect_mask)
{
	sigset_t block, none;
	struct timespec t = { 10, 0 };
	struct {
		sigset_t *set;
		size_t len;
	} six = { &none, 8 };

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	handle(SIGUSR1, 0);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	RET(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, &six));
	SHOW("hits %d", hits);
	six.len = 4;
	RET(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, &six));
	t = (struct timespec){ 0, 0 };
	RET(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, 8));
	six.set = NULL;
	RET(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, &six));
	six.len = 8;
	RET(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, &six));
}

/* ---- epoll ---- */

static void ep_new(void)
{
	ep = (int)NEED(epoll_create1(0));
}

static long ep_ctl(int op, int fd, unsigned ev, unsigned long data)
{
	struct epoll_event e = { .events = ev, .data.u64 = data };

	return epoll_ctl(ep, op, fd, &e);
}

static void ep_show(const char *what)
{
	struct epoll_event e[8];
	int n = epoll_wait(ep, e, 8, 0);

	printf("%s: %d", what, n);
	for (int i = 0; i < n; i++)
		printf(" %lu:%#x", (unsigned long)e[i].data.u64, e[i].events);
	SHOW("%s", "");
}

CASE(epoll_errors)
{
	struct epoll_event e = { .events = EPOLLIN };
	int f, other;

	RET(epoll_create1(1));
	RET(syscall(SYS_epoll_create, 0));
	RET(syscall(SYS_epoll_create, -1));
	ep_new();
	NEED(pipe(p));
	abi_file("f", "", 0644);
	f = (int)NEED(open("f", O_RDONLY));
	RET(ep_ctl(EPOLL_CTL_ADD, -1, EPOLLIN, 0));
	RET(ep_ctl(EPOLL_CTL_ADD, ep, EPOLLIN, 0));
	RET(ep_ctl(EPOLL_CTL_ADD, f, EPOLLIN, 0));
	RET(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &e));
	RET(epoll_ctl(99, EPOLL_CTL_ADD, p[0], &e));
	RET(ep_ctl(9, p[0], EPOLLIN, 0));
	RET(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], NULL));
	RET(ep_ctl(EPOLL_CTL_MOD, p[0], EPOLLIN, 0));
	RET(ep_ctl(EPOLL_CTL_DEL, p[0], EPOLLIN, 0));
	RET(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
	RET(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
	RET(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	RET(epoll_wait(ep, &e, 0, 0));
	RET(epoll_wait(ep, &e, -1, 0));
	RET(syscall(SYS_epoll_wait, ep, 8, 1, 0));
	RET(epoll_wait(p[0], &e, 1, 0));
	RET(epoll_wait(99, &e, 1, 0));
	RET(syscall(SYS_epoll_wait, ep, &e, 0x7fffffff, 0));
	RET(syscall(SYS_epoll_pwait, ep, &e, 1, 0, &(sigset_t){ 0 }, 4));
	NEED(ep_ctl(EPOLL_CTL_ADD, p[1], EPOLLOUT, 0));
	RET(syscall(SYS_epoll_wait, ep, 8, 1, 0));
	other = ep;
	ep_new();
	RET(ep_ctl(EPOLL_CTL_ADD, other, EPOLLIN, 0));
	RET(epoll_ctl(other, EPOLL_CTL_ADD, ep, &e));
	RET(read(ep, &e, 1));
	RET(lseek(ep, 0, SEEK_SET));
}

CASE(epoll_level)
{
	char c;

	ep_new();
	NEED(pipe(p));
	NEED(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 5));
	ep_show("empty");
	NEED(write(p[1], "xy", 2));
	ep_show("data");
	ep_show("data again");
	NEED(read(p[0], &c, 1));
	ep_show("half");
	NEED(read(p[0], &c, 1));
	ep_show("empty");
	NEED(ep_ctl(EPOLL_CTL_MOD, p[0], 0, 6));
	NEED(write(p[1], "x", 1));
	ep_show("no interest");
	close(p[1]);
	ep_show("hang-up comes always");
}

CASE(epoll_edge)
{
	char c;

	ep_new();
	NEED(pipe(p));
	NEED(write(p[1], "x", 1));
	NEED(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLET, 1));
	ep_show("at once");
	ep_show("not again");
	NEED(write(p[1], "y", 1));
	ep_show("new data");
	ep_show("not again");
	NEED(read(p[0], &c, 1));
	ep_show("still data, no edge");
	NEED(ep_ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 2));
	ep_show("armed by change");
	close(p[1]);
	ep_show("hang-up");
	ep_show("not again");
}

CASE(epoll_oneshot)
{
	ep_new();
	NEED(pipe(p));
	NEED(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLONESHOT, 1));
	NEED(write(p[1], "x", 1));
	ep_show("once");
	ep_show("disabled");
	NEED(write(p[1], "x", 1));
	ep_show("disabled");
	NEED(ep_ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 2));
	ep_show("again");
	ep_show("disabled");
}

CASE(epoll_exclusive)
{
	ep_new();
	NEED(pipe(p));
	RET(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
	RET(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
	RET(ep_ctl(EPOLL_CTL_MOD, p[0], EPOLLIN, 1));
	RET(ep_ctl(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
	NEED(write(p[1], "x", 1));
	ep_show("one");
	RET(ep_ctl(EPOLL_CTL_ADD, (int)NEED(epoll_create1(0)), EPOLLIN | EPOLLEXCLUSIVE, 1));
}

CASE(epoll_order_and_fairness)
{
	int fds[6][2];
	struct epoll_event e[2];

	ep_new();
	for (int i = 0; i < 6; i++) {
		NEED(pipe(fds[i]));
		NEED(ep_ctl(EPOLL_CTL_ADD, fds[i][0], EPOLLIN, (unsigned long)i));
	}
	for (int i = 5; i >= 0; i--)
		NEED(write(fds[i][1], "x", 1));
	for (int k = 0; k < 4; k++) {
		int n = epoll_wait(ep, e, 2, 0);

		SHOW("%d: %d %d", n, (int)e[0].data.u64, (int)e[1].data.u64);
	}
}

CASE(epoll_forgets_closed)
{
	int d;

	ep_new();
	NEED(pipe(p));
	NEED(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	NEED(write(p[1], "x", 1));
	d = dup(p[0]);
	close(p[0]);
	ep_show("a copy is left");
	RET(ep_ctl(EPOLL_CTL_DEL, p[0], 0, 0));
	RET(ep_ctl(EPOLL_CTL_ADD, d, EPOLLIN, 2));
	ep_show("both");
	close(d);
	ep_show("none left");
}

CASE(epoll_nested)
{
	struct pollfd f = { 0, POLLIN, 0 };
	int inner;
	char c;

	ep_new();
	inner = ep;
	NEED(pipe(p));
	NEED(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
	ep_new();
	NEED(ep_ctl(EPOLL_CTL_ADD, inner, EPOLLIN, 2));
	f.fd = ep;
	ep_show("quiet");
	RET(poll(&f, 1, 0));
	NEED(write(p[1], "x", 1));
	ep_show("inner ready");
	RET(poll(&f, 1, 0));
	SHOW("%#x", f.revents);
	NEED(read(p[0], &c, 1));
	ep_show("quiet");
}

CASE(epoll_nesting_has_a_limit)
{
	int made = 0, err = 0, prev;

	ep_new();
	NEED(pipe(p));
	NEED(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 0));
	while (made < 20) {
		prev = ep;
		ep_new();
		if (ep_ctl(EPOLL_CTL_ADD, prev, EPOLLIN, 0)) {
			err = errno;
			break;
		}
		made++;
	}
	SHOW("made %d then %s", made, abi_errname(err));
}

CASE(epoll_wait_blocks)
{
	struct epoll_event e;
	pid_t pid;

	ep_new();
	NEED(pipe(p));
	NEED(ep_ctl(EPOLL_CTL_ADD, p[0], EPOLLIN, 7));
	RET(epoll_wait(ep, &e, 1, 20));
	pid = later(write_pipe);
	RET(epoll_wait(ep, &e, 1, -1));
	SHOW("%d %#x", (int)e.data.u64, e.events);
	waitpid(pid, NULL, 0);
}

/* A level that stays is told to everybody who waits, one after the other. */
CASE(epoll_several_waiters)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int e = eventfd(0, 0), status, told = 0;
	unsigned long one = 1;

	ep = epoll_create1(0);
	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev));
	for (int k = 0; k < 3; k++) {
		if (fork() == 0) {
			alarm(3);
			_exit(epoll_wait(ep, &ev, 1, -1));
		}
	}
	abi_sleep_ms(150);
	NEED(write(e, &one, 8));
	for (int k = 0; k < 3; k++) {
		wait(&status);
		told += WIFEXITED(status) && WEXITSTATUS(status) == 1;
	}
	SHOW("told: %d", told);
}

CASE(epoll_wait_interrupted)
{
	struct epoll_event e;
	sigset_t none, block;

	ep_new();
	handle(SIGALRM, SA_RESTART);
	ualarm(50000, 0);
	RET(epoll_wait(ep, &e, 1, -1));
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	handle(SIGUSR1, 0);
	raise(SIGUSR1);
	RET(epoll_pwait(ep, &e, 1, 5000, &none));
	RET(epoll_wait(ep, &e, 1, 10));
	SHOW("hits %d", hits);
	RET(syscall(SYS_epoll_pwait2, ep, &e, 1, &(struct timespec){ 0, 1000 }, NULL, 8));
	RET(syscall(SYS_epoll_pwait2, ep, &e, 1, &(struct timespec){ 0, -1 }, NULL, 8));
}

CASE(epoll_unaligned_events)
{
	char raw[64];
	struct epoll_event e;

	SHOW("%zu", sizeof(struct epoll_event));
	ep_new();
	NEED(pipe(p));
	NEED(ep_ctl(EPOLL_CTL_ADD, p[1], EPOLLOUT, 0x1122334455667788));
	RET(syscall(SYS_epoll_wait, ep, raw + 1, 1, 0));
	memcpy(&e, raw + 1, sizeof(e));
	SHOW("%#lx", (unsigned long)e.data.u64);
}

CASE(epoll_many)
{
	int fds[300][2], n = 0;
	static struct epoll_event e[400];

	ep_new();
	for (int i = 0; i < 300; i++) {
		NEED(pipe(fds[i]));
		NEED(ep_ctl(EPOLL_CTL_ADD, fds[i][0], EPOLLIN | EPOLLET, (unsigned long)i));
	}
	for (int i = 0; i < 300; i += 3)
		NEED(write(fds[i][1], "x", 1));
	n = epoll_wait(ep, e, 400, 0);
	SHOW("%d", n);
	for (int i = 0; i < 300; i++)
		close(fds[i][0]);
	SHOW("%d", epoll_wait(ep, e, 400, 0));
}

/* ---- eventfd ---- */

CASE(eventfd_counts)
{
	struct pollfd f = { 0, POLLIN | POLLOUT, 0 };
	uint64_t v = 3;
	int fd = (int)NEED(eventfd(2, EFD_NONBLOCK));

	f.fd = fd;
	RET(write(fd, &v, 8));
	RET(read(fd, &v, 8));
	SHOW("%lu", (unsigned long)v);
	RET(read(fd, &v, 8));
	poll(&f, 1, 0);
	SHOW("%#x", f.revents);
	RET(read(fd, &v, 7));
	RET(write(fd, &v, 7));
	v = -1UL;
	RET(write(fd, &v, 8));
	v = -2UL;
	RET(write(fd, &v, 8));
	poll(&f, 1, 0);
	SHOW("%#x", f.revents);
	v = 1;
	RET(write(fd, &v, 8));
	v = 0;
	RET(write(fd, &v, 8));
	RET(syscall(SYS_read, fd, 8, 8));
	RET(read(fd, (char[16]){ 0 }, 16));
	RET(lseek(fd, 0, SEEK_SET));
	RET(pread(fd, &v, 8, 0));
	RET(syscall(SYS_eventfd2, 0, 0x10));
}

CASE(eventfd_semaphore)
{
	uint64_t v = 0;
	int fd = (int)NEED(eventfd(3, EFD_NONBLOCK | EFD_SEMAPHORE | EFD_CLOEXEC));

	RET(fcntl(fd, F_GETFD));
	for (int i = 0; i < 4; i++)
		RET(read(fd, &v, 8));
	SHOW("%lu", (unsigned long)v);
}

static int event_fd;

static void write_event(void)
{
	uint64_t v = 9;

	NEED(write(event_fd, &v, 8));
}

CASE(eventfd_blocks)
{
	uint64_t v = 0;

	event_fd = (int)NEED(eventfd(0, 0));
	later(write_event);
	RET(read(event_fd, &v, 8));
	SHOW("%lu", (unsigned long)v);
	wait(NULL);
}

/* ---- timerfd ---- */

CASE(timerfd_rules)
{
	struct itimerspec it = { { 0, 0 }, { 0, 20000000 } }, old;
	struct pollfd f = { 0, POLLIN, 0 };
	uint64_t n = 0;
	int fd;

	RET(timerfd_create(99, 0));
	RET(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	RET(timerfd_create(CLOCK_MONOTONIC, 1));
	fd = (int)NEED(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	f.fd = fd;
	RET(read(fd, &n, 8));
	RET(read(fd, &n, 4));
	RET(timerfd_settime(fd, 0, &it, &old));
	SHOW("old %ld", (long)old.it_value.tv_sec);
	RET(poll(&f, 1, 5000));
	RET(read(fd, &n, 8));
	SHOW("%lu", (unsigned long)n);
	RET(read(fd, &n, 8));
	RET(timerfd_gettime(fd, &old));
	SHOW("%ld %ld", (long)old.it_value.tv_sec, old.it_value.tv_nsec);
	it.it_value.tv_nsec = 1000000000;
	RET(timerfd_settime(fd, 0, &it, NULL));
	it.it_value.tv_nsec = 0;
	it.it_value.tv_sec = -1;
	RET(timerfd_settime(fd, 0, &it, NULL));
	it.it_value.tv_sec = 100;
	RET(timerfd_settime(fd, 8, &it, NULL));
	RET(timerfd_settime(0, 0, &it, NULL));
	RET(timerfd_settime(99, 0, &it, NULL));
	RET(syscall(SYS_timerfd_settime, fd, 0, NULL, NULL));
	RET(syscall(SYS_timerfd_gettime, fd, 8));
	RET(timerfd_settime(fd, 0, &it, NULL));
	RET(timerfd_gettime(fd, &old));
	SHOW("%d", old.it_value.tv_sec >= 98 && old.it_value.tv_sec <= 100);
	it.it_value.tv_sec = 0;
	RET(timerfd_settime(fd, 0, &it, &old));
	SHOW("disarmed, was %d", old.it_value.tv_sec > 90);
}

CASE(timerfd_periods)
{
	struct itimerspec it = { { 0, 10000000 }, { 0, 10000000 } };
	uint64_t n = 0, sum = 0;
	int fd = (int)NEED(timerfd_create(CLOCK_MONOTONIC, 0));

	NEED(timerfd_settime(fd, 0, &it, NULL));
	abi_sleep_ms(100);
	RET(read(fd, &n, 8));
	SHOW("several %d", n >= 5);
	while (sum < 3) {
		NEED(read(fd, &n, 8));
		sum += n;
	}
	SHOW("goes on");
}

CASE(timerfd_absolute_in_the_past)
{
	struct itimerspec it = { { 0, 0 }, { 1, 0 } };
	uint64_t n = 0;
	int fd = (int)NEED(timerfd_create(CLOCK_REALTIME, 0));

	NEED(timerfd_settime(fd, TFD_TIMER_ABSTIME, &it, NULL));
	RET(read(fd, &n, 8));
	SHOW("%lu", (unsigned long)n);
}

/* ---- signalfd ---- */

CASE(signalfd_reads)
{
	struct signalfd_siginfo si[3];
	struct pollfd f = { 0, POLLIN, 0 };
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	RET(syscall(SYS_signalfd4, -1, &set, 4, 0));
	RET(syscall(SYS_signalfd4, -1, &set, 8, 1));
	RET(syscall(SYS_signalfd4, 0, &set, 8, 0));
	RET(syscall(SYS_signalfd4, 99, &set, 8, 0));
	RET(syscall(SYS_signalfd4, -1, 8, 8, 0));
	fd = (int)NEED(signalfd(-1, &set, SFD_NONBLOCK));
	f.fd = fd;
	RET(read(fd, si, sizeof(si)));
	RET(poll(&f, 1, 0));
	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 55 });
	RET(poll(&f, 1, 0));
	RET(read(fd, si, 100));
	RET(read(fd, si, sizeof(si)));
	SHOW("%u code %d pid %d uid %u", si[0].ssi_signo, si[0].ssi_code,
	     si[0].ssi_pid == (unsigned)getpid(), si[0].ssi_uid);
	SHOW("%d code %d value %d", si[1].ssi_signo == (unsigned)SIGRTMIN, si[1].ssi_code,
	     si[1].ssi_int);
	sigdelset(&set, SIGUSR1);
	RET(signalfd(fd, &set, 0) == fd);
	raise(SIGUSR1);
	RET(read(fd, si, sizeof(si)));
	sigpending(&set);
	SHOW("pending %d", sigismember(&set, SIGUSR1));
}

CASE(signalfd_in_epoll)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = (int)NEED(signalfd(-1, &set, SFD_NONBLOCK));
	ep_new();
	NEED(ep_ctl(EPOLL_CTL_ADD, fd, EPOLLIN, 1));
	ep_show("none");
	if (fork() == 0)
		_exit(4);
	wait(NULL);
	ep_show("child");
}

CASE(pidfd_polls)
{
	struct pollfd f = { 0, POLLIN, 0 };
	pid_t pid;

	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		char c;

		NEED(read(p[0], &c, 1));
		_exit(0);
	}
	f.fd = (int)NEED(syscall(SYS_pidfd_open, pid, 0));
	RET(poll(&f, 1, 0));
	NEED(write(p[1], "x", 1));
	RET(poll(&f, 1, 5000));
	SHOW("%#x", f.revents);
	waitpid(pid, NULL, 0);
}

CASE(async_signals)
{
	handle(SIGIO, 0);
	NEED(pipe(p));
	RET(fcntl(p[0], F_SETOWN, getpid()));
	RET(fcntl(p[0], F_GETOWN) == getpid());
	RET(fcntl(p[0], F_SETFL, O_ASYNC));
	NEED(write(p[1], "x", 1));
	SHOW("hits %d", hits);
	RET(fcntl(p[0], F_SETSIG, SIGUSR1));
	RET(fcntl(p[0], F_GETSIG));
	handle(SIGUSR1, 0);
	NEED(write(p[1], "x", 1));
	SHOW("hits %d", hits);
	RET(fcntl(p[0], F_SETSIG, 99));
}
