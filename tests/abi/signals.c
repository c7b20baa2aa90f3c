/* SPDX-License-Identifier: MIT */
/* Signals: masks, queues, information, restarts, frames, job control. */
#include "abi.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/ucontext.h>

static volatile sig_atomic_t hits, last_sig, last_code, last_value;
static siginfo_t last_info;

static void on_signal(int sig)
{
	hits++;
	last_sig = sig;
}

static void on_info(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	hits++;
	last_sig = sig;
	last_code = si->si_code;
	last_value = si->si_value.sival_int;
	last_info = *si;
}

static void handle(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags & ~SA_SIGINFO };

	if (flags & SA_SIGINFO) {
		sa.sa_sigaction = on_info;
		sa.sa_flags |= SA_SIGINFO;
	}
	NEED(sigaction(sig, &sa, NULL));
}

static sigset_t set_of(int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	return s;
}

/* A child that signals the caller after a short while. */
static pid_t signal_later(int sig, long ms)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		abi_sleep_ms(ms);
		kill(parent, sig);
		_exit(0);
	}
	return pid;
}

CASE(sigaction_errors)
{
	struct sigaction sa = { .sa_handler = on_signal };

	RET(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
	RET(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
	RET(syscall(SYS_rt_sigaction, -1, NULL, NULL, 8));
	RET(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
	RET(sigaction(SIGKILL, &sa, NULL));
	RET(sigaction(SIGSTOP, &sa, NULL));
	RET(sigaction(SIGKILL, NULL, &sa));
	RET(sigaction(64, &sa, NULL));
}

CASE(sigaction_old)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, old;

	sigaddset(&sa.sa_mask, SIGHUP);
	sigaddset(&sa.sa_mask, SIGKILL);
	NEED(sigaction(SIGUSR1, &sa, NULL));
	NEED(sigaction(SIGUSR1, NULL, &old));
	SHOW("same handler %d restart %d hup %d kill %d", old.sa_handler == on_signal,
	     !!(old.sa_flags & SA_RESTART), sigismember(&old.sa_mask, SIGHUP),
	     sigismember(&old.sa_mask, SIGKILL));
}

CASE(kill_errors)
{
	RET(kill(getpid(), 0));
	RET(kill(getpid(), 65));
	RET(kill(getpid(), -1));
	RET(kill(999999, SIGTERM));
	RET(kill(-999999, SIGTERM));
	RET(syscall(SYS_tkill, 0, SIGUSR1));
	RET(syscall(SYS_tkill, -1, SIGUSR1));
	RET(syscall(SYS_tgkill, getpid(), 999999, SIGUSR1));
	RET(syscall(SYS_tgkill, 1, getpid(), SIGUSR1));
	RET(syscall(SYS_tgkill, 0, getpid(), 0));
}

CASE(mask_blocks_and_pends)
{
	sigset_t s = set_of(SIGUSR1), p;

	handle(SIGUSR1, 0);
	sigprocmask(SIG_BLOCK, &s, NULL);
	raise(SIGUSR1);
	raise(SIGUSR1);
	sigpending(&p);
	SHOW("hits %d pending %d", hits, sigismember(&p, SIGUSR1));
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	SHOW("hits %d", hits);
	RET(syscall(SYS_rt_sigprocmask, 9, &s, NULL, 8));
	RET(syscall(SYS_rt_sigprocmask, 9, NULL, NULL, 8));
	RET(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &s, NULL, 16));
}

CASE(mask_cannot_block_kill)
{
	sigset_t s, now;

	sigfillset(&s);
	sigprocmask(SIG_SETMASK, &s, NULL);
	sigprocmask(SIG_SETMASK, NULL, &now);
	SHOW("kill %d stop %d term %d", sigismember(&now, SIGKILL), sigismember(&now, SIGSTOP),
	     sigismember(&now, SIGTERM));
}

CASE(realtime_queue_order)
{
	sigset_t s;
	siginfo_t si;

	sigemptyset(&s);
	sigaddset(&s, SIGRTMIN + 1);
	sigaddset(&s, SIGRTMIN + 2);
	sigaddset(&s, SIGUSR1);
	sigprocmask(SIG_BLOCK, &s, NULL);
	for (int k = 0; k < 3; k++) {
		sigqueue(getpid(), SIGRTMIN + 2, (union sigval){ .sival_int = 20 + k });
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 10 + k });
		sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = k });
	}
	for (int k = 0; k < 8; k++) {
		struct timespec zero = { 0, 0 };
		int sig = sigtimedwait(&s, &si, &zero);

		if (sig < 0) {
			SHOW("end %s", abi_errname(errno));
			break;
		}
		SHOW("%s+%d value %d code %d", sig >= SIGRTMIN ? "rt" : "std",
		     sig >= SIGRTMIN ? sig - SIGRTMIN : 0, si.si_value.sival_int, si.si_code);
	}
}

CASE(siginfo_of_kill)
{
	handle(SIGUSR1, SA_SIGINFO);
	kill(getpid(), SIGUSR1);
	SHOW("code %d pid %d uid %d", last_info.si_code, last_info.si_pid == getpid(),
	     last_info.si_uid == getuid());
	raise(SIGUSR1);
	SHOW("code %d pid %d", last_info.si_code, last_info.si_pid == getpid());
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 77 });
	SHOW("code %d value %d", last_info.si_code, last_info.si_value.sival_int);
}

CASE(siginfo_of_faults)
{
	char *p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status;

	for (int k = 0; k < 4; k++) {
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			const char *names[] = { "unmapped", "protected", "beyond eof", "exec" };
			int fd = open("short", O_RDWR | O_CREAT | O_TRUNC, 0600);
			char *m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

			SHOW("%s", names[k]);
			if (k == 0)
				*(volatile int *)0x10 = 1;
			if (k == 1)
				*(volatile char *)p = 1;
			if (k == 2)
				(void)*(volatile char *)m;
			if (k == 3)
				((void (*)(void))p)();
			_exit(0);
		}
		waitpid(pid, &status, 0);
		abi_show_status("child", status & ~0x80);
	}
}

static void fault_report(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	SHOW("%s code %d offset %ld", abi_signame(sig), si->si_code,
	     (long)((char *)si->si_addr - (char *)last_info.si_value.sival_ptr));
	_exit(0);
}

CASE(fault_addresses)
{
	char *p = mmap(NULL, 3 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction sa = { .sa_sigaction = fault_report, .sa_flags = SA_SIGINFO };
	int status;

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	munmap(p + 8192, 4096);
	last_info.si_value.sival_ptr = p;
	for (int k = 0; k < 3; k++) {
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			if (k == 0)
				p[5] = 1;
			if (k == 1)
				(void)*(volatile char *)(p + 8192 + 9);
			if (k == 2)
				*(volatile uint32_t *)(p + 8190) = 1;
			_exit(0);
		}
		waitpid(pid, &status, 0);
		abi_show_status("child", status);
	}
}

CASE(nodefer_resethand)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND }, old;
	sigset_t cur;

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &old);
	sigprocmask(SIG_SETMASK, NULL, &cur);
	SHOW("hits %d default %d blocked %d", hits, old.sa_handler == SIG_DFL,
	     sigismember(&cur, SIGUSR1));
}

CASE(nanosleep_interrupted)
{
	struct timespec req = { 10, 0 }, rem = { 0, 0 };
	pid_t pid;

	handle(SIGUSR1, SA_RESTART);
	pid = signal_later(SIGUSR1, 100);
	RET(nanosleep(&req, &rem));
	SHOW("remaining plausible %d", rem.tv_sec >= 5 && rem.tv_sec < 10);
	waitpid(pid, NULL, 0);
}

CASE(read_restart)
{
	int p[2];
	char c;
	pid_t pid, writer;

	NEED(pipe(p));
	handle(SIGUSR1, SA_RESTART);
	pid = signal_later(SIGUSR1, 50);
	writer = fork();
	if (writer == 0) {
		abi_sleep_ms(300);
		NEED(write(p[1], "x", 1));
		_exit(0);
	}
	RET(read(p[0], &c, 1));
	SHOW("hits %d", hits);
	waitpid(pid, NULL, 0);
	waitpid(writer, NULL, 0);
	handle(SIGUSR1, 0);
	pid = signal_later(SIGUSR1, 50);
	RET(read(p[0], &c, 1));
	waitpid(pid, NULL, 0);
}

CASE(poll_and_pause_never_restart)
{
	struct timeval tv = { 10, 0 };
	pid_t pid;

	handle(SIGUSR1, SA_RESTART);
	pid = signal_later(SIGUSR1, 50);
	RET(poll(NULL, 0, 10000));
	waitpid(pid, NULL, 0);
	pid = signal_later(SIGUSR1, 50);
	RET(select(0, NULL, NULL, NULL, &tv));
	waitpid(pid, NULL, 0);
	pid = signal_later(SIGUSR1, 50);
	RET(pause());
	waitpid(pid, NULL, 0);
	SHOW("hits %d", hits);
}

CASE(sigsuspend_swaps_mask)
{
	sigset_t block = set_of(SIGUSR1), empty, now;
	pid_t pid;

	handle(SIGUSR1, 0);
	sigprocmask(SIG_BLOCK, &block, NULL);
	sigemptyset(&empty);
	pid = signal_later(SIGUSR1, 30);
	RET(sigsuspend(&empty));
	sigprocmask(SIG_SETMASK, NULL, &now);
	SHOW("hits %d blocked again %d", hits, sigismember(&now, SIGUSR1));
	waitpid(pid, NULL, 0);
}

CASE(sigtimedwait_errors)
{
	sigset_t s = set_of(SIGUSR2);
	struct timespec bad = { 0, 1000000000 }, shortly = { 0, 1000000 };
	siginfo_t si;

	sigprocmask(SIG_BLOCK, &s, NULL);
	RET(syscall(SYS_rt_sigtimedwait, &s, &si, &bad, 8));
	RET(syscall(SYS_rt_sigtimedwait, &s, &si, &shortly, 8));
	RET(syscall(SYS_rt_sigtimedwait, &s, &si, &shortly, 4));
	raise(SIGUSR2);
	RET(syscall(SYS_rt_sigtimedwait, &s, &si, NULL, 8));
}

CASE(altstack_rules)
{
	static char stack[32768];
	stack_t ss = { .ss_sp = stack, .ss_size = 1024 }, old;

	RET(sigaltstack(&ss, NULL));
	ss.ss_size = 2048;
	RET(sigaltstack(&ss, NULL));
	ss.ss_size = sizeof(stack);
	ss.ss_flags = 77;
	RET(sigaltstack(&ss, NULL));
	ss.ss_flags = 0;
	RET(sigaltstack(&ss, &old));
	SHOW("old size %ld flags %d", (long)old.ss_size, old.ss_flags);
	ss.ss_flags = SS_DISABLE;
	RET(sigaltstack(&ss, NULL));
	RET(sigaltstack(NULL, &old));
	SHOW("flags %d size %ld", old.ss_flags, (long)old.ss_size);
}

static void on_alt(int sig)
{
	stack_t ss;
	int local;

	(void)sig;
	sigaltstack(NULL, &ss);
	SHOW("on stack %d, inside %d", ss.ss_flags & SS_ONSTACK,
	     (char *)&local >= (char *)ss.ss_sp && (char *)&local < (char *)ss.ss_sp + ss.ss_size);
	ss.ss_flags = SS_DISABLE;
	RET(sigaltstack(&ss, NULL));
}

CASE(altstack_used)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_handler = on_alt, .sa_flags = SA_ONSTACK };

	sigaltstack(&ss, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
}

static void on_frame(int sig, siginfo_t *si, void *ucv)
{
	ucontext_t *uc = ucv;

	(void)sig;
	(void)si;
	SHOW("mcontext at %ld mask at %ld flags&~7 %#lx link %d",
	     (long)((char *)&uc->uc_mcontext - (char *)uc),
	     (long)((char *)&uc->uc_sigmask - (char *)uc), uc->uc_flags & ~7ul,
	     uc->uc_link != NULL);
	SHOW("cs %#llx fpstate aligned %d frame aligned %d",
	     uc->uc_mcontext.gregs[REG_CSGSFS] & 0xffff, !((uintptr_t)uc->uc_mcontext.fpregs & 63),
	     ((uintptr_t)__builtin_frame_address(0) & 15) == 0);
	SHOW("mxcsr %#x cwd %#x", uc->uc_mcontext.fpregs->mxcsr, uc->uc_mcontext.fpregs->cwd);
	uc->uc_mcontext.gregs[REG_R15] = 0x1234;
}

CASE(frame_layout)
{
	struct sigaction sa = { .sa_sigaction = on_frame, .sa_flags = SA_SIGINFO };
	long r15 = 0, rc;

	sigaction(SIGUSR1, &sa, NULL);
	__asm__ volatile("xorl %%r15d, %%r15d; syscall; movq %%r15, %1"
			 : "=a"(rc), "=r"(r15)
			 : "0"(SYS_tgkill), "D"(getpid()), "S"(syscall(SYS_gettid)), "d"(SIGUSR1)
			 : "rcx", "r11", "r15", "memory");
	SHOW("rc %ld r15 %#lx", rc, r15);
}

CASE(sse_state_survives_handler)
{
	double a = 1.5, b = 2.25, c;

	handle(SIGUSR1, 0);
	__asm__ volatile("movsd %1, %%xmm7\n\tsyscall\n\taddsd %2, %%xmm7\n\tmovsd %%xmm7, %0"
			 : "=m"(c)
			 : "m"(a), "m"(b), "a"(SYS_tgkill), "D"(getpid()), "S"(syscall(SYS_gettid)),
			   "d"(SIGUSR1)
			 : "rcx", "r11", "xmm7", "memory");
	SHOW("%d hits %d", (int)(c * 100), hits);
}

CASE(child_signals)
{
	int status;
	siginfo_t si;
	pid_t pid;

	handle(SIGCHLD, SA_SIGINFO);
	pid = fork();
	if (pid == 0)
		_exit(5);
	while (!hits)
		abi_sleep_ms(5);
	SHOW("code %d status %d pid %d", last_info.si_code, last_info.si_status,
	     last_info.si_pid == pid);
	memset(&si, 0, sizeof(si));
	RET(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	SHOW("waitid code %d status %d signo %d", si.si_code, si.si_status, si.si_signo);
	RET(waitpid(pid, &status, 0) == pid);
	abi_show_status("child", status);
}

CASE(stop_and_continue)
{
	int status;
	siginfo_t si;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	RET(waitpid(pid, &status, WUNTRACED) == pid);
	abi_show_status("child", status);
	RET(waitpid(pid, &status, WUNTRACED | WNOHANG));
	kill(pid, SIGCONT);
	RET(waitpid(pid, &status, WCONTINUED) == pid);
	abi_show_status("child", status);
	kill(pid, SIGTSTP);
	RET(waitid(P_PID, (id_t)pid, &si, WSTOPPED));
	SHOW("code %d status %d", si.si_code, si.si_status);
	kill(pid, SIGKILL);
	RET(waitpid(pid, &status, 0) == pid);
	abi_show_status("child", status);
}

CASE(sigchld_ignored_reaps)
{
	int status;

	signal(SIGCHLD, SIG_IGN);
	if (fork() == 0)
		_exit(1);
	RET(waitpid(-1, &status, 0));
}

CASE(exec_resets_handlers)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		signal(SIGUSR1, on_signal);
		signal(SIGUSR2, SIG_IGN);
		execl("/bin/sh", "sh", "-c", "kill -USR2 $$; kill -USR1 $$; exit 0", (char *)NULL);
		_exit(9);
	}
	waitpid(pid, &status, 0);
	abi_show_status("sh", status);
}

CASE(sigpipe)
{
	int p[2];

	NEED(pipe(p));
	close(p[0]);
	handle(SIGPIPE, 0);
	RET(write(p[1], "x", 1));
	SHOW("hits %d", hits);
	signal(SIGPIPE, SIG_DFL);
	NEED(write(1, "", 0));
	RET(write(p[1], "x", 1));
}

CASE(alarm_and_itimer)
{
	struct itimerval it = { .it_value = { 0, 20000 }, .it_interval = { 0, 20000 } }, old;

	handle(SIGALRM, 0);
	RET(alarm(100));
	RET(alarm(0));
	RET(setitimer(ITIMER_REAL, &it, NULL));
	while (hits < 3)
		pause();
	RET(setitimer(9, &it, NULL));
	it.it_value.tv_usec = 1000000;
	RET(setitimer(ITIMER_REAL, &it, NULL));
	memset(&it, 0, sizeof(it));
	RET(setitimer(ITIMER_REAL, &it, &old));
	SHOW("old interval %ld", (long)old.it_interval.tv_usec);
}

CASE(virtual_timer_counts_cpu_time)
{
	struct itimerval it = { .it_value = { 0, 50000 } };

	handle(SIGVTALRM, 0);
	RET(setitimer(ITIMER_VIRTUAL, &it, NULL));
	while (!hits)
		;
	SHOW("%s", abi_signame(last_sig));
}

CASE(orphaned_group_gets_hup)
{
	int p[2], status;
	char buf[64];
	ssize_t n;
	pid_t pid;

	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		pid_t c;

		setpgid(0, 0);
		c = fork();
		if (c == 0) {
			handle(SIGHUP, 0);
			handle(SIGCONT, 0);
			close(p[0]);
			raise(SIGSTOP);
			n = snprintf(buf, sizeof(buf), "continued hits %d", hits);
			NEED(write(p[1], buf, (size_t)n));
			_exit(0);
		}
		waitpid(c, &status, WUNTRACED);
		_exit(0);
	}
	close(p[1]);
	waitpid(pid, &status, 0);
	n = read(p[0], buf, sizeof(buf) - 1);
	buf[n > 0 ? n : 0] = '\0';
	SHOW("%s", buf);
}

CASE(pgrp_kill)
{
	int status;
	pid_t a = fork(), b;

	if (a == 0) {
		setpgid(0, 0);
		pause();
		_exit(0);
	}
	setpgid(a, a);
	b = fork();
	if (b == 0) {
		setpgid(0, a);
		pause();
		_exit(0);
	}
	setpgid(b, a);
	RET(kill(-a, SIGTERM));
	waitpid(a, &status, 0);
	abi_show_status("a", status);
	waitpid(b, &status, 0);
	abi_show_status("b", status);
	RET(kill(-a, SIGTERM));
}

CASE(ppoll_mask_is_atomic)
{
	sigset_t block = set_of(SIGUSR1), empty, now;
	struct timespec ts = { 5, 0 };

	sigemptyset(&empty);
	handle(SIGUSR1, 0);
	sigprocmask(SIG_BLOCK, &block, NULL);
	raise(SIGUSR1);
	RET(ppoll(NULL, 0, &ts, &empty));
	sigprocmask(SIG_SETMASK, NULL, &now);
	SHOW("hits %d blocked %d", hits, sigismember(&now, SIGUSR1));
}

CASE(clock_nanosleep_absolute_restarts)
{
	struct timespec t;
	pid_t pid;

	handle(SIGUSR1, SA_RESTART);
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += 1;
	pid = signal_later(SIGUSR1, 50);
	RET(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	waitpid(pid, NULL, 0);
	SHOW("hits %d", hits);
}

CASE(stop_continue_restarts_nanosleep)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct timespec t = { 0, 300000000 };

		_exit(nanosleep(&t, NULL) ? errno : 0);
	}
	abi_sleep_ms(50);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	abi_show_status("sleeper", status);
}

/* The number of a call is its lower half; whatever stands above does not keep it from being
 * restarted, nor from ending with EINTR. */
static void nobody_minds(int sig)
{
	(void)sig;
}

CASE(restart_with_high_bits)
{
	struct sigaction sa = { .sa_handler = nobody_minds };
	long high = (long)(1UL << 63 | 1UL << 40);
	int p[2];
	char c = 0;

	NEED(sigaction(SIGALRM, &sa, NULL));
	ualarm(20000, 0);
	OK(syscall(high | SYS_pause));
	sa.sa_flags = SA_RESTART;
	NEED(sigaction(SIGALRM, &sa, NULL));
	NEED(pipe(p));
	if (!fork()) {
		usleep(100000);
		if (write(p[1], "x", 1) != 1)
			_exit(1);
		_exit(0);
	}
	ualarm(20000, 0);
	RET(syscall(high | SYS_read, p[0], &c, 1));
	SHOW("%c", c);
	wait(NULL);
}
