/* SPDX-License-Identifier: MIT */
/*
 * ABI cases: programs that run on Linux and on Keelson and must print the same.
 *
 *	#include "abi.h"
 *
 *	CASE(read_errors)
 *	{
 *		char c;
 *
 *		RET(read(-1, &c, 1));		prints: read(-1, &c, 1) = -1 EBADF
 *		SHOW("st_size %ld", size);	prints the line
 *	}
 *
 * Every .c file of this folder is one program with any number of cases; abi.h brings main(). Each
 * case runs in a child of its own, leader of its own process group, in an empty directory
 * /tmp/abi (the working directory), with a time limit; how it ended is printed when it was not
 * by returning. What is printed must not depend on the machine: no addresses, pids, times.
 *
 *	PROGRAM [-l] [case...]		-l lists the cases; names select
 *
 * Output: a line "= name" begins a case, all lines up to the next are its result. The runner
 * compares case by case.
 */
#ifndef TESTS_ABI_H
#define TESTS_ABI_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ABI_DIR	  "/tmp/abi"
#ifndef ABI_LIMIT
#define ABI_LIMIT 20 /* seconds a case may take */
#endif
#define ABI_FN	  static __attribute__((unused))

struct abi_case {
	const char *name;
	void (*fn)(void);
	struct abi_case *next;
};

static struct abi_case *abi_first, **abi_last = &abi_first;
static const struct abi_case *abi_now
	__attribute__((unused)); /* the case that runs, in its child */

#define CASE(id)                                                                                   \
	static void case_##id(void);                                                               \
	static struct abi_case abi_case_##id = { #id, case_##id, NULL };                           \
	__attribute__((constructor)) static void abi_register_##id(void)                           \
	{                                                                                          \
		*abi_last = &abi_case_##id;                                                        \
		abi_last = &abi_case_##id.next;                                                    \
	}                                                                                          \
	static void case_##id(void)

/* One line of output. */
#define SHOW(...) (printf(__VA_ARGS__), putchar('\n'), (void)fflush(stdout))

/* A call that returns -1 and sets errno on failure: its text, its value, the name of the error. The
 * value of the expression is the call's. */
#define RET(call)                                                                                  \
	({                                                                                         \
		errno = 0;                                                                         \
		long abi_value = (long)(call);                                                     \
		abi_show_ret(#call, abi_value, errno);                                             \
		abi_value;                                                                         \
	})

/* The same where the value itself differs between machines (descriptors apart): ok or the error. */
#define OK(call)                                                                                   \
	({                                                                                         \
		errno = 0;                                                                         \
		long abi_value = (long)(call);                                                     \
		if (abi_value == -1)                                                               \
			abi_show_ret(#call, -1, errno);                                            \
		else                                                                               \
			SHOW("%s: ok", #call);                                                     \
		abi_value;                                                                         \
	})

/* Set-up that must work for the case to mean anything. */
#define NEED(call)                                                                                 \
	({                                                                                         \
		long abi_value = (long)(call);                                                     \
		if (abi_value == -1) {                                                             \
			SHOW("needed: %s: %s", #call, abi_errname(errno));                         \
			_exit(99);                                                                 \
		}                                                                                  \
		abi_value;                                                                         \
	})

#define ABI_ERRORS(E)                                                                              \
	E(EPERM) E(ENOENT) E(ESRCH) E(EINTR) E(EIO) E(ENXIO) E(E2BIG) E(ENOEXEC) E(EBADF)         \
	E(ECHILD) E(EAGAIN) E(ENOMEM) E(EACCES) E(EFAULT) E(ENOTBLK) E(EBUSY) E(EEXIST) E(EXDEV)  \
	E(ENODEV) E(ENOTDIR) E(EISDIR) E(EINVAL) E(ENFILE) E(EMFILE) E(ENOTTY) E(ETXTBSY)         \
	E(EFBIG) E(ENOSPC) E(ESPIPE) E(EROFS) E(EMLINK) E(EPIPE) E(EDOM) E(ERANGE) E(EDEADLK)     \
	E(ENAMETOOLONG) E(ENOLCK) E(ENOSYS) E(ENOTEMPTY) E(ELOOP) E(ENODATA) E(ETIME)             \
	E(EOVERFLOW) E(EILSEQ) E(EUSERS) E(ENOTSOCK) E(EOPNOTSUPP) E(ETIMEDOUT) E(ECANCELED)      \
	E(EOWNERDEAD) E(ENOTRECOVERABLE) E(EALREADY) E(EINPROGRESS) E(ESTALE) E(EDQUOT)           \
	E(EAFNOSUPPORT) E(EPROTONOSUPPORT) E(EADDRINUSE) E(ECONNREFUSED) E(ENOTCONN) E(EISCONN)   \
	E(ECONNRESET) E(ENOBUFS) E(EMSGSIZE) E(EDESTADDRREQ) E(ENOPROTOOPT) E(EPROTOTYPE)         \
	E(EBADMSG) E(EIDRM) E(ENOMSG) E(EBADE) E(ECONNABORTED) E(EADDRNOTAVAIL)

ABI_FN const char *abi_errname(int err)
{
	static char other[16];

	switch (err) {
#define ABI_NAME(e)                                                                                \
	case e:                                                                                    \
		return #e;
		ABI_ERRORS(ABI_NAME)
#undef ABI_NAME
	}
	snprintf(other, sizeof(other), "E%d", err);
	return other;
}

ABI_FN const char *abi_signame(int sig)
{
	static char other[16];
	static const char *const names[] = {
		[SIGHUP] = "SIGHUP",	   [SIGINT] = "SIGINT",	      [SIGQUIT] = "SIGQUIT",
		[SIGILL] = "SIGILL",	   [SIGTRAP] = "SIGTRAP",     [SIGABRT] = "SIGABRT",
		[SIGBUS] = "SIGBUS",	   [SIGFPE] = "SIGFPE",	      [SIGKILL] = "SIGKILL",
		[SIGUSR1] = "SIGUSR1",	   [SIGSEGV] = "SIGSEGV",     [SIGUSR2] = "SIGUSR2",
		[SIGPIPE] = "SIGPIPE",	   [SIGALRM] = "SIGALRM",     [SIGTERM] = "SIGTERM",
		[SIGSTKFLT] = "SIGSTKFLT", [SIGCHLD] = "SIGCHLD",     [SIGCONT] = "SIGCONT",
		[SIGSTOP] = "SIGSTOP",	   [SIGTSTP] = "SIGTSTP",     [SIGTTIN] = "SIGTTIN",
		[SIGTTOU] = "SIGTTOU",	   [SIGURG] = "SIGURG",	      [SIGXCPU] = "SIGXCPU",
		[SIGXFSZ] = "SIGXFSZ",	   [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF",
		[SIGWINCH] = "SIGWINCH",   [SIGIO] = "SIGIO",	      [SIGPWR] = "SIGPWR",
		[SIGSYS] = "SIGSYS",
	};

	if (sig >= 0 && sig < (int)(sizeof(names) / sizeof(names[0])) && names[sig])
		return names[sig];
	snprintf(other, sizeof(other), "SIG%d", sig);
	return other;
}

ABI_FN void abi_show_ret(const char *text, long value, int err)
{
	if (value == -1)
		SHOW("%s = -1 %s", text, abi_errname(err));
	else
		SHOW("%s = %ld", text, value);
}

/* A wait status in words. */
ABI_FN void abi_show_status(const char *what, int status)
{
	if (WIFEXITED(status))
		SHOW("%s: exit %d", what, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		SHOW("%s: killed by %s%s", what, abi_signame(WTERMSIG(status)),
		     WCOREDUMP(status) ? " (core)" : "");
	else if (WIFSTOPPED(status))
		SHOW("%s: stopped by %s", what, abi_signame(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		SHOW("%s: continued", what);
	else
		SHOW("%s: status %#x", what, status);
}

/* Storms whose results nobody compares are short where Linux only shows that they may be run. */
ABI_FN int abi_is_keelson(void)
{
	struct utsname u;

	return !uname(&u) && strstr(u.version, "Keelson");
}

/* Create or replace a file with a text; for set-up. */
ABI_FN void abi_file(const char *path, const char *text, mode_t mode)
{
	int fd = (int)NEED(open(path, O_WRONLY | O_CREAT | O_TRUNC, mode));

	NEED(write(fd, text, strlen(text)));
	close(fd);
}

ABI_FN void abi_sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

static int abi_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

/* What an earlier case left mounted, from the innermost outward. */
static void abi_unmount_all(void)
{
	char line[1024], where[512], last[512];
	FILE *f;

	do {
		last[0] = '\0';
		f = fopen("/proc/self/mounts", "r");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "%*s %511s", where) == 1 &&
			    strncmp(where, ABI_DIR, strlen(ABI_DIR)) == 0)
				strcpy(last, where);
		if (f)
			fclose(f);
	} while (last[0] && umount2(last, MNT_DETACH) == 0);
}

static void abi_fresh_dir(void)
{
	if (chdir("/tmp"))
		perror("/tmp");
	abi_unmount_all();
	nftw(ABI_DIR, abi_remove, 16, FTW_DEPTH | FTW_PHYS);
	if (mkdir(ABI_DIR, 0755) || chdir(ABI_DIR))
		perror(ABI_DIR);
}

static volatile pid_t abi_child;

static void abi_late(int sig)
{
	(void)sig;
	kill(-abi_child, SIGKILL);
}

static void abi_run(const struct abi_case *c)
{
	int status;

	printf("= %s\n", c->name);
	fflush(stdout);
	abi_fresh_dir();
	abi_child = fork();
	if (abi_child == 0) {
		setpgid(0, 0);
		signal(SIGALRM, SIG_DFL);
		umask(022);
		abi_now = c;
		c->fn();
		fflush(stdout);
		_exit(0);
	}
	setpgid(abi_child, abi_child);
	signal(SIGALRM, abi_late);
	alarm(ABI_LIMIT);
	while (waitpid(abi_child, &status, 0) < 0 && errno == EINTR)
		;
	alarm(0);
	kill(-abi_child, SIGKILL);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		abi_show_status("case", status);
}

int main(int argc, char **argv)
{
	int list = argc > 1 && !strcmp(argv[1], "-l");
	struct abi_case *c;
	int i;

	for (c = abi_first; c; c = c->next) {
		int wanted = argc < 2 || list;

		for (i = 1; i < argc; i++)
			wanted |= !strcmp(argv[i], c->name);
		if (list)
			puts(c->name);
		else if (wanted)
			abi_run(c);
	}
	return 0;
}

#endif
