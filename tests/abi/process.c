/* SPDX-License-Identifier: MIT */
/* Processes: creation, waiting, groups and sessions, parents, names. Credentials, limits and
 * scheduling are in creds.c. */
#include "abi.h"

#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void show_wait(const char *what, pid_t pid)
{
	abi_show_status(what, wait_for(pid));
}

CASE(exit_codes)
{
	static const int codes[] = { 0, 1, 127, 128, 255, 256, 257, -1, 0x1234 };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(codes[i]);
		show_wait("child", pid);
	}
}

CASE(deaths_by_signal)
{
	static const int sigs[] = { SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGPIPE, SIGALRM, SIGTERM,
				    SIGSTKFLT, SIGIO, SIGPWR, SIGVTALRM, SIGPROF, 32, 40, 64 };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		pid_t pid = fork();

		if (pid == 0) {
			syscall(SYS_kill, getpid(), sigs[i]);
			_exit(0);
		}
		show_wait("child", pid);
	}
}

CASE(signals_ignored_by_default)
{
	static const int sigs[] = { SIGCHLD, SIGCONT, SIGURG, SIGWINCH };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		raise(sigs[i]);
	SHOW("alive");
}

CASE(wait_errors)
{
	int status;
	siginfo_t si;

	RET(wait4(-1, &status, 0, NULL));
	RET(wait4(-1, &status, 0x100, NULL));
	RET(wait4(1, &status, 0, NULL));
	RET(wait4(-12345, &status, 0, NULL));
	RET(syscall(SYS_wait4, 0x80000000, &status, 0, NULL));
	RET(waitid(P_ALL, 0, &si, WEXITED));
	RET(waitid(P_ALL, 0, &si, 0));
	RET(waitid(P_ALL, 0, &si, WNOHANG));
	RET(waitid(9, 0, &si, WEXITED));
	RET(waitid(P_PID, 0, &si, WEXITED));
	RET(waitid(P_PID, (id_t)-1, &si, WEXITED));
	RET(waitid(P_ALL, 0, &si, WEXITED | 0x100));
	RET(waitid(P_PGID, (id_t)-1, &si, WEXITED));
	RET(waitid(P_PIDFD, 99, &si, WEXITED));
}

CASE(wait_nohang)
{
	int p[2], status = 77;
	pid_t pid;
	char c;
	siginfo_t si;

	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		NEED(read(p[0], &c, 1));
		_exit(3);
	}
	RET(waitpid(pid, &status, WNOHANG));
	SHOW("status %d", status);
	memset(&si, 0xff, sizeof(si));
	RET(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG));
	SHOW("pid %d signo %d", si.si_pid, si.si_signo);
	NEED(write(p[1], "x", 1));
	RET(waitpid(pid, &status, 0) == pid);
	abi_show_status("child", status);
	RET(waitpid(pid, &status, WNOHANG));
}

static void show_info(const siginfo_t *si, pid_t pid)
{
	SHOW("signo %d code %d status %d pid %s uid %d errno %d", si->si_signo, si->si_code,
	     si->si_status, si->si_pid == pid ? "child" : "other", (int)si->si_uid, si->si_errno);
}

CASE(waitid_reports)
{
	siginfo_t si;
	int p[2];
	char c;
	pid_t pid;

	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		raise(SIGSTOP);
		NEED(read(p[0], &c, 1));
		_exit(9);
	}
	RET(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOWAIT));
	show_info(&si, pid);
	RET(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WEXITED));
	show_info(&si, pid);
	RET(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOHANG));
	kill(pid, SIGCONT);
	RET(waitid(P_ALL, 0, &si, WCONTINUED));
	show_info(&si, pid);
	NEED(write(p[1], "x", 1));
	RET(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	show_info(&si, pid);
	RET(waitid(P_PGID, (id_t)getpgrp(), &si, WEXITED));
	show_info(&si, pid);
	RET(waitid(P_PID, (id_t)pid, &si, WEXITED));
	pid = fork();
	if (pid == 0)
		raise(SIGKILL);
	RET(waitid(P_PGID, 0, &si, WEXITED));
	show_info(&si, pid);
}

CASE(wait_stopped_continued)
{
	int status, p[2];
	pid_t pid;
	char c;

	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		raise(SIGTSTP);
		raise(SIGSTOP);
		NEED(read(p[0], &c, 1));
		_exit(0);
	}
	RET(waitpid(pid, &status, WUNTRACED) == pid);
	abi_show_status("first", status);
	kill(pid, SIGCONT);
	RET(waitpid(pid, &status, WUNTRACED) == pid);
	abi_show_status("second", status);
	kill(pid, SIGCONT);
	RET(waitpid(pid, &status, WCONTINUED) == pid);
	SHOW("%#x", status);
	NEED(write(p[1], "x", 1));
	RET(waitpid(pid, &status, 0) == pid);
	abi_show_status("end", status);
}

CASE(wait_by_group)
{
	int status;
	pid_t a = fork(), b;

	if (a == 0) {
		setpgid(0, 0);
		_exit(1);
	}
	setpgid(a, a);
	b = fork();
	if (b == 0)
		_exit(2);
	RET(waitpid(-a, &status, 0) == a);
	abi_show_status("group of a", status);
	RET(waitpid(-a, &status, 0));
	RET(waitpid(0, &status, 0) == b);
	abi_show_status("own group", status);
}

CASE(status_copied_before_reaping)
{
	int status;
	siginfo_t si;
	pid_t pid = fork();

	if (pid == 0)
		_exit(4);
	waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT);
	RET(waitpid(pid, (int *)8, 0));
	RET(waitpid(pid, &status, 0));
}

CASE(wait_rusage)
{
	struct rusage ru;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	memset(&ru, 0xff, sizeof(ru));
	RET(wait4(pid, &status, 0, &ru) == pid);
	SHOW("plausible %d", ru.ru_utime.tv_sec >= 0 && ru.ru_utime.tv_sec < 10 &&
				     ru.ru_maxrss > 0 && ru.ru_minflt > 0 && ru.ru_nswap == 0);
	RET(getrusage(RUSAGE_CHILDREN, &ru));
	SHOW("children %d", ru.ru_minflt > 0);
	RET(getrusage(RUSAGE_SELF, &ru));
	RET(getrusage(1, &ru));
	RET(getrusage(7, &ru));
	RET(getrusage(RUSAGE_SELF, (struct rusage *)8));
}

CASE(orphans_go_to_init)
{
	int p[2];
	char c;
	pid_t pid;

	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		pid_t parent = getpid();

		if (fork() == 0) {
			while (getppid() == parent)
				abi_sleep_ms(1);
			c = getppid() == 1 ? 'y' : 'n';
			NEED(write(p[1], &c, 1));
		}
		_exit(0);
	}
	show_wait("child", pid);
	NEED(read(p[0], &c, 1));
	SHOW("parent is init: %c", c);
}

CASE(subreaper)
{
	int p[2], on = 0;
	char c;
	pid_t pid, grandchild;

	RET(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	RET(prctl(PR_GET_CHILD_SUBREAPER, &on, 0, 0, 0));
	SHOW("%d", on);
	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		pid_t parent = getpid();

		RET(prctl(PR_GET_CHILD_SUBREAPER, &on, 0, 0, 0));
		SHOW("inherited %d", on);
		if (fork() == 0) {
			while (getppid() == parent)
				abi_sleep_ms(1);
			NEED(write(p[1], "x", 1));
			_exit(21);
		}
		_exit(0);
	}
	show_wait("child", pid);
	NEED(read(p[0], &c, 1));
	grandchild = waitpid(-1, &on, 0);
	SHOW("got another child %d", grandchild > 0 && grandchild != pid);
	abi_show_status("grandchild", on);
}

CASE(death_signal_of_parent)
{
	int p[2], sig = -1;
	char c;
	pid_t pid;

	RET(prctl(PR_SET_PDEATHSIG, 65, 0, 0, 0));
	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		int q[2];

		NEED(pipe(q));
		if (fork() == 0) {
			sigset_t set;

			sigemptyset(&set);
			sigaddset(&set, SIGUSR2);
			sigprocmask(SIG_BLOCK, &set, NULL);
			RET(prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0));
			prctl(PR_GET_PDEATHSIG, &sig, 0, 0, 0);
			SHOW("set %d", sig);
			NEED(write(q[1], "r", 1));
			c = (char)sigwaitinfo(&set, NULL);
			NEED(write(p[1], &c, 1));
			_exit(0);
		}
		NEED(read(q[0], &c, 1));
		_exit(0);
	}
	show_wait("child", pid);
	NEED(read(p[0], &c, 1));
	SHOW("%s", abi_signame(c));
}

static int shared_value;

CASE(vfork_shares_and_waits)
{
	volatile int local = 1;
	pid_t pid = vfork();

	if (pid == 0) {
		abi_sleep_ms(30);
		shared_value = 42;
		local = 2;
		_exit(5);
	}
	SHOW("value %d local %d", shared_value, local);
	show_wait("child", pid);
}

CASE(vfork_until_exec)
{
	pid_t pid = vfork();

	if (pid == 0) {
		shared_value = 1;
		execl("/bin/sh", "sh", "-c", "exit 6", (char *)NULL);
		_exit(127);
	}
	SHOW("value %d", shared_value);
	show_wait("child", pid);
}

CASE(vfork_child_killed)
{
	pid_t pid = vfork();

	if (pid == 0)
		syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	show_wait("child", pid);
}

static long clone_raw(unsigned long flags, void *stack, int *ptid, int *ctid, unsigned long tls)
{
	return syscall(SYS_clone, flags, stack, ptid, ctid, tls);
}

CASE(clone_errors)
{
	RET(clone_raw(CLONE_THREAD, NULL, NULL, NULL, 0));
	RET(clone_raw(CLONE_SIGHAND, NULL, NULL, NULL, 0));
	RET(clone_raw(CLONE_THREAD | CLONE_SIGHAND, NULL, NULL, NULL, 0));
	RET(clone_raw(CLONE_FS | CLONE_NEWNS, NULL, NULL, NULL, 0));
	RET(clone_raw(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &shared_value, NULL, 0));
	RET(clone_raw(CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, NULL, &shared_value, NULL, 0));
	RET(clone_raw(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_NEWPID, NULL, NULL, NULL, 0));
}

CASE(clone_settid)
{
	int *ids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	pid = (pid_t)clone_raw(SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, NULL, &ids[0],
			       &ids[1], 0);
	if (pid == 0)
		_exit(ids[1] == (int)syscall(SYS_gettid) ? 0 : 1);
	SHOW("parent tid %d", ids[0] == pid);
	show_wait("child", pid);
	SHOW("child tid %d", ids[1] == pid);
	/* The address is cleared at exit only while others share the memory. */
	pid = (pid_t)clone_raw(SIGCHLD | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID, NULL, NULL,
			       &ids[2], 0);
	if (pid == 0)
		_exit(0);
	show_wait("child", pid);
	SHOW("kept %d", ids[2] == pid);
}

CASE(clone_exit_signals)
{
	int status;
	pid_t pid;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = (pid_t)clone_raw(SIGUSR1, NULL, NULL, NULL, 0);
	if (pid == 0)
		_exit(1);
	SHOW("%s", abi_signame(sigwaitinfo(&set, NULL)));
	RET(waitpid(pid, &status, 0));
	RET(waitpid(pid, &status, __WCLONE) == pid);
	abi_show_status("clone child", status);
	pid = (pid_t)clone_raw(0, NULL, NULL, NULL, 0);
	if (pid == 0)
		_exit(2);
	RET(waitpid(pid, &status, __WALL) == pid);
	sigpending(&set);
	SHOW("no signal: %d", !sigismember(&set, SIGUSR1) && !sigismember(&set, SIGCHLD));
}

CASE(clone_shares_files)
{
	int fd = (int)NEED(open("/dev/null", O_RDONLY));
	pid_t pid = (pid_t)clone_raw(SIGCHLD | CLONE_FILES, NULL, NULL, NULL, 0);

	if (pid == 0) {
		close(fd);
		_exit(0);
	}
	show_wait("child", pid);
	RET(fcntl(fd, F_GETFD));
	fd = (int)NEED(open("/dev/null", O_RDONLY));
	pid = fork();
	if (pid == 0) {
		close(fd);
		_exit(0);
	}
	show_wait("child", pid);
	RET(fcntl(fd, F_GETFD));
}

CASE(clone_shares_directory)
{
	char cwd[64];
	pid_t pid = (pid_t)clone_raw(SIGCHLD | CLONE_FS, NULL, NULL, NULL, 0);

	if (pid == 0) {
		if (chdir("/"))
			_exit(1);
		umask(077);
		_exit(0);
	}
	show_wait("child", pid);
	SHOW("%s %o", getcwd(cwd, sizeof(cwd)), umask(022));
}

CASE(clone_parent)
{
	int p[2];
	pid_t pid, sister;

	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		sister = (pid_t)clone_raw(CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
		if (sister == 0)
			_exit(33);
		NEED(write(p[1], &sister, sizeof(sister)));
		_exit(0);
	}
	show_wait("child", pid);
	NEED(read(p[0], &sister, sizeof(sister)));
	show_wait("sister", sister);
}

CASE(clone_pidfd)
{
	int fd = -1;
	siginfo_t si;
	pid_t pid = (pid_t)clone_raw(CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, 0);

	if (pid == 0) {
		pause();
		_exit(0);
	}
	SHOW("fd %d cloexec %d", fd >= 0, fcntl(fd, F_GETFD));
	RET(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	RET(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 1));
	RET(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	RET(waitid(P_PIDFD, (id_t)fd, &si, WEXITED));
	show_info(&si, pid);
	RET(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
	RET(waitid(P_PIDFD, (id_t)fd, &si, WEXITED));
	RET(syscall(SYS_pidfd_send_signal, 0, SIGTERM, NULL, 0));
	RET(syscall(SYS_pidfd_open, 0, 0));
	RET(syscall(SYS_pidfd_open, getpid(), 1));
	RET(syscall(SYS_pidfd_open, pid, 0));
	OK(syscall(SYS_pidfd_open, getpid(), 0));
}

static long clone3_raw(struct clone_args *a, size_t size)
{
	return syscall(SYS_clone3, a, size);
}

CASE(clone3_errors)
{
	struct clone_args a = { 0 };
	char big[4200] = { 0 };

	RET(clone3_raw(&a, 0));
	RET(clone3_raw(&a, 63));
	RET(clone3_raw((void *)8, sizeof(a)));
	RET(clone3_raw(&a, 5000));
	a.exit_signal = 65;
	RET(clone3_raw(&a, sizeof(a)));
	a.exit_signal = SIGCHLD;
	a.flags = 0xff;
	RET(clone3_raw(&a, sizeof(a)));
	a.flags = CLONE_DETACHED;
	RET(clone3_raw(&a, sizeof(a)));
	a.flags = 0;
	a.stack = 4096;
	RET(clone3_raw(&a, sizeof(a)));
	a.stack = 0;
	a.stack_size = 4096;
	RET(clone3_raw(&a, sizeof(a)));
	a.stack_size = 0;
	a.set_tid = 1;
	RET(clone3_raw(&a, sizeof(a)));
	a.set_tid = 0;
	a.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
	RET(clone3_raw(&a, sizeof(a)));
	a.flags = 1UL << 60;
	RET(clone3_raw(&a, sizeof(a)));
	a.flags = 0;
	memcpy(big, &a, sizeof(a));
	big[200] = 1;
	RET(clone3_raw((struct clone_args *)(void *)big, 256));
}

CASE(clone3_works)
{
	char big[256] = { 0 };
	int ptid = 0, fd = -1;
	struct clone_args a = { .exit_signal = SIGCHLD, .flags = CLONE_PARENT_SETTID | CLONE_PIDFD,
				.parent_tid = (unsigned long)&ptid, .pidfd = (unsigned long)&fd };
	pid_t pid = (pid_t)clone3_raw(&a, 64);

	if (pid == 0)
		_exit(12);
	SHOW("tid %d fd %d", ptid == pid, fd >= 0);
	show_wait("child", pid);
	memcpy(big, &a, sizeof(a));
	pid = (pid_t)clone3_raw((struct clone_args *)(void *)big, sizeof(big));
	if (pid == 0)
		_exit(13);
	show_wait("larger structure", pid);
}

CASE(clone_clear_sighand)
{
	struct clone_args a = { .exit_signal = SIGCHLD, .flags = CLONE_CLEAR_SIGHAND };
	struct sigaction sa;
	pid_t pid;

	signal(SIGUSR1, abi_late);
	signal(SIGUSR2, SIG_IGN);
	pid = (pid_t)clone3_raw(&a, sizeof(a));
	if (pid == 0) {
		sigaction(SIGUSR1, NULL, &sa);
		printf("usr1 default %d ", sa.sa_handler == SIG_DFL);
		sigaction(SIGUSR2, NULL, &sa);
		SHOW("usr2 ignored %d", sa.sa_handler == SIG_IGN);
		_exit(0);
	}
	show_wait("child", pid);
}

CASE(setpgid_rules)
{
	int p[2];
	char c;
	pid_t pid;

	RET(setpgid(-1, 0));
	RET(setpgid(0, -1));
	RET(setpgid(1, 0));
	RET(setpgid(999999, 0));
	NEED(pipe(p));
	pid = fork();
	if (pid == 0) {
		NEED(read(p[0], &c, 1));
		_exit(0);
	}
	RET(setpgid(pid, 1));
	RET(setpgid(pid, pid));
	RET(getpgid(pid) == pid);
	RET(setpgid(pid, getpgrp()));
	RET(setpgid(0, pid));
	RET(setpgid(0, 0));
	NEED(write(p[1], "x", 1));
	show_wait("child", pid);
	RET(getpgid(pid));
	RET(getpgid(-1));
	RET(getpgid(0) == getpgrp());
}

CASE(setpgid_after_exec)
{
	int p[2], q[2];
	pid_t pid;
	char c;

	NEED(pipe(p));
	NEED(pipe(q));
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 1);
		dup2(q[0], 0);
		execl("/bin/sh", "sh", "-c", "echo x; read y; exit 0", (char *)NULL);
		_exit(127);
	}
	NEED(read(p[0], &c, 1));
	RET(setpgid(pid, pid));
	NEED(write(q[1], "\n", 1));
	show_wait("child", pid);
}

CASE(sessions)
{
	pid_t pid;

	RET(setsid());
	RET(getsid(0) == getsid(getpid()));
	RET(getsid(999999));
	RET(getsid(-1));
	pid = fork();
	if (pid == 0) {
		RET(setsid() == getpid());
		RET(getsid(0) == getpid());
		RET(getpgrp() == getpid());
		RET(setsid());
		RET(setpgid(0, 0));
		_exit(0);
	}
	show_wait("child", pid);
	pid = fork();
	if (pid == 0) {
		setsid();
		pause();
	}
	while (getsid(pid) != pid)
		abi_sleep_ms(1);
	RET(setpgid(pid, getpgrp()));
	kill(pid, SIGKILL);
	show_wait("child", pid);
}

CASE(setsid_of_group_with_own_id)
{
	pid_t pid = fork(), second;

	/* A group that carries the caller's number may outlive its leader. */
	if (pid == 0) {
		setpgid(0, 0);
		second = fork();
		if (second == 0) {
			RET(setsid() == getpid());
			_exit(0);
		}
		show_wait("second", second);
		RET(setsid());
		_exit(0);
	}
	show_wait("child", pid);
}

CASE(names)
{
	char name[32];

	RET(prctl(PR_SET_NAME, "0123456789abcdefgh", 0, 0, 0));
	memset(name, 'x', sizeof(name));
	RET(prctl(PR_GET_NAME, name, 0, 0, 0));
	SHOW("%s, byte 16 %c", name, name[16]);
	RET(prctl(PR_SET_NAME, 8, 0, 0, 0));
	RET(prctl(PR_GET_NAME, 8, 0, 0, 0));
	RET(prctl(PR_SET_NAME, "", 0, 0, 0));
	RET(prctl(PR_GET_NAME, name, 0, 0, 0));
	SHOW("'%s'", name);
}

CASE(prctl_options)
{
	int v;

	RET(prctl(9999, 0, 0, 0, 0));
	RET(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	RET(prctl(PR_SET_DUMPABLE, 2, 0, 0, 0));
	RET(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	RET(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	RET(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	RET(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	RET(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	RET(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	RET(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	RET(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	RET(prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0));
	RET(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	RET(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0));
	RET(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	RET(prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0));
	RET(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	RET(prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0));
	RET(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
	RET(prctl(PR_GET_TIMING, 0, 0, 0, 0));
	RET(prctl(PR_SET_TIMING, 1, 0, 0, 0));
	RET(prctl(PR_CAPBSET_READ, 0, 0, 0, 0));
	RET(prctl(PR_CAPBSET_READ, 40, 0, 0, 0));
	RET(prctl(PR_CAPBSET_READ, 64, 0, 0, 0));
	RET(prctl(PR_CAPBSET_DROP, 64, 0, 0, 0));
	RET(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	RET(prctl(PR_GET_PDEATHSIG, &v, 0, 0, 0));
	SHOW("%d", v);
	RET(prctl(PR_GET_TSC, &v, 0, 0, 0));
	SHOW("%d", v);
	RET(prctl(PR_SET_UNALIGN, 1, 0, 0, 0));
	RET(prctl(PR_GET_ENDIAN, &v, 0, 0, 0));
	RET(prctl(PR_GET_TID_ADDRESS, &v, 0, 0, 0) <= 0);
	RET(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	RET(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}

CASE(personality_and_uname)
{
	struct utsname u;

	RET(personality(0xffffffff));
	RET(personality(ADDR_NO_RANDOMIZE));
	RET(personality(0xffffffff));
	RET(personality(0));
	RET(personality(0xffffffff));
	RET(uname(&u));
	SHOW("%s %s %.2s", u.sysname, u.machine, u.release);
	RET(personality(PER_LINUX32));
	RET(uname(&u));
	SHOW("%s", u.machine);
	RET(personality(0));
	RET(syscall(SYS_uname, 8));
}

CASE(hostname)
{
	struct utsname u;
	char was[65];

	uname(&u);
	strcpy(was, u.nodename);
	RET(sethostname("keel", 4));
	uname(&u);
	SHOW("%s", u.nodename);
	RET(sethostname("x", (size_t)-1));
	RET(sethostname("x", 65));
	RET(sethostname((char *)8, 4));
	RET(setdomainname("dom", 3));
	RET(syscall(SYS_uname, &u));
	SHOW("%s", u.domainname);
	sethostname(was, strlen(was));
	setdomainname("(none)", 6);
	setresuid(1000, 1000, 1000);
	RET(sethostname("x", 1));
}

CASE(nproc_limit)
{
	struct rlimit rl = { 3, 3 };
	int made = 0, err = 0;
	pid_t pid;

	setrlimit(RLIMIT_NPROC, &rl);
	setresuid(4321, 4321, 4321);
	while (made < 10) {
		pid = fork();
		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid < 0) {
			err = errno;
			break;
		}
		made++;
	}
	SHOW("made %d then %s", made, abi_errname(err));
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
}

CASE(set_tid_address_returns_tid)
{
	RET(syscall(SYS_set_tid_address, &shared_value) == syscall(SYS_gettid));
}

CASE(kcmp_compares)
{
	int fd = (int)NEED(open("/dev/null", O_RDONLY)), same = dup(fd);
	int other = (int)NEED(open("/dev/null", O_RDONLY));
	pid_t me = getpid();

	RET(syscall(SYS_kcmp, me, me, 0, fd, same));
	RET(syscall(SYS_kcmp, me, me, 0, fd, other) > 0);
	RET(syscall(SYS_kcmp, me, me, 0, fd, 99));
	RET(syscall(SYS_kcmp, me, me, 1, 0, 0));
	RET(syscall(SYS_kcmp, me, 999999, 1, 0, 0));
	RET(syscall(SYS_kcmp, me, me, 99, 0, 0));
}

CASE(fork_storm)
{
	int i, sum = 0;

	for (i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(i & 1);
		if (pid < 0)
			break;
	}
	while (i-- > 0) {
		int status;

		if (wait(&status) < 0)
			break;
		sum += WEXITSTATUS(status);
	}
	SHOW("left %d sum %d", i, sum);
}

CASE(zombie_keeps_number)
{
	siginfo_t si;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT);
	RET(kill(pid, 0));
	RET(kill(pid, SIGKILL));
	RET(getpgid(pid) == getpgrp());
	RET(setpgid(pid, pid));
	show_wait("child", pid);
	RET(kill(pid, 0));
}
