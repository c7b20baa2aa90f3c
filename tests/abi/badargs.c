/* SPDX-License-Identifier: MIT */
/* Bad arguments to every system call: with the others as good as a table can make them, each
 * argument in turn takes the values of its pool. One line an argument, one word a value: ok, the
 * error, or how the process ended. Every call runs in a process of its own. */
#define ABI_LIMIT 60
#include "abi.h"
#include "calls.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/timerfd.h>

static volatile int *results;
static char *good, *edge, *none, *readonly;

enum { UNSET = -1000000 };

/* What the pools hold; text is what the line shows in front of the word. */
struct value {
	const char *text;
	unsigned long v;
};

static const struct value ints[] = {
	{ "0", 0 }, { "1", 1 }, { "2", 2 }, { "-1", -1UL }, { "min", 0x80000000UL },
	{ "max", 0x7fffffffUL }, { "lmin", 1UL << 63 },
};
static const struct value sizes[] = {
	{ "0", 0 }, { "1", 1 }, { "-1", -1UL }, { "min", 1UL << 63 }, { "max", LONG_MAX },
	{ "2^47", 1UL << 47 },
};
static const struct value offsets[] = {
	{ "0", 0 }, { "1", 1 }, { "-1", -1UL }, { "min", 1UL << 63 }, { "max", LONG_MAX },
};
static const struct value flags[] = {
	{ "0", 0 }, { "-1", -1UL }, { "min", 0x80000000UL }, { "2^40", 1UL << 40 },
};
static const struct value pids[] = {
	{ "-1", -1UL }, { "min", 0x80000000UL }, { "max", 0x7fffffffUL }, { "none", 999999 },
};
static const struct value fds[] = {
	{ "-1", -1UL }, { "none", 99 }, { "min", 0x80000000UL }, { "max", 0x7fffffffUL },
	{ "cwd", -100UL }, { "dir", 21 }, { "r", 22 }, { "w", 23 }, { "null", 24 }, { "path", 25 },
};
static struct value pointers[] = {
	{ "null", 0 },
	{ "8", 8 },
	{ "odd", 0x7fffffffffff },
	{ "2^47", 1UL << 47 },
	{ "nc", 1UL << 63 },
	{ "kernel", 0xffff888000001000 },
	{ "text", 0xffffffff81000000 },
	{ "-1", -1UL },
	{ "edge", 0 },
	{ "none", 0 },
	{ "ro", 0 },
};

static void set_up(void)
{
	size_t n = sizeof(pointers) / sizeof(pointers[0]);

	results = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* With a page behind it at which transfers without end stop. */
	good = mmap(NULL, 17 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(good + 16 * 4096, 4096, PROT_NONE);
	edge = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(edge + 4096, 4096);
	none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pointers[n - 3].v = (unsigned long)(edge + 4096 - 1);
	pointers[n - 2].v = (unsigned long)none;
	pointers[n - 1].v = (unsigned long)readonly;
}

/* What the good arguments name: a file, descriptors of several kinds at fixed numbers. */
static void furnish(void)
{
	struct rlimit rl = { 64 << 20, 64 << 20 };
	int p[2];

	abi_file("f", "0123456789", 0644);
	setrlimit(RLIMIT_FSIZE, &rl);
	signal(SIGXFSZ, SIG_IGN);
	dup2(open("f", O_RDWR), 20);
	dup2(open(".", O_RDONLY), 21);
	if (pipe2(p, O_NONBLOCK))
		_exit(1);
	dup2(p[0], 22);
	dup2(p[1], 23);
	dup2(open("/dev/null", O_RDWR), 24);
	dup2(open("f", O_PATH), 25);
	dup2(epoll_create1(0), 26);
	dup2((int)syscall(SYS_pidfd_open, getpid(), 0), 27);
	dup2(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), 28);
	dup2(open("h", O_RDWR | O_CREAT, 0644), 29);
}

/* Arguments that must be right for the others to be looked at. */
static const struct {
	const char *name;
	int at;
	unsigned long v;
} overrides[] = {
	{ "epoll_wait", 0, 26 },
	{ "epoll_wait", 2, 1 },
	{ "epoll_pwait", 0, 26 },
	{ "epoll_pwait", 2, 1 },
	{ "epoll_pwait2", 0, 26 },
	{ "epoll_pwait2", 2, 1 },
	{ "epoll_ctl", 0, 26 },
	{ "epoll_ctl", 1, 1 },
	{ "epoll_ctl", 2, 22 },
	{ "openat2", 3, 24 },
	{ "pidfd_send_signal", 0, 27 },
	{ "pidfd_getfd", 0, 27 },
	{ "timerfd_settime", 0, 28 },
	{ "timerfd_gettime", 0, 28 },
	{ "tee", 0, 22 },
	{ "tee", 1, 23 },
	{ "splice", 2, 23 },
	{ "vmsplice", 0, 23 },
	{ "poll", 1, 1 },
	{ "ppoll", 1, 1 },
	{ "select", 0, 1 },
	{ "pselect6", 0, 1 },
	{ "futex", 1, 129 },
	{ "prlimit64", 1, 4 },
	{ "setrlimit", 0, 4 },
	{ "mmap", 3, MAP_PRIVATE },
	{ "mremap", 3, MREMAP_MAYMOVE },
	{ "sendfile", 1, 24 },
	{ "copy_file_range", 2, 29 },
	{ "getdents", 0, 21 },
	{ "getdents64", 0, 21 },
	{ "getdents", 2, 512 },
	{ "getdents64", 2, 512 },
	{ "sched_getattr", 2, 48 },
	{ "set_robust_list", 1, 24 },
	{ "sched_getaffinity", 1, 128 },
	{ "fchdir", 0, 21 },
	{ "readlink", 2, 8 },
	{ "readlinkat", 3, 8 },
	{ "getgroups", 0, 8 },
	{ "setgroups", 0, 2 },
};

static unsigned long usual_value(const char *kinds, int at)
{
	char kind = kinds[at];

	switch (kind) {
	case 'f':
		/* A directory where a name follows. */
		return kinds[at + 1] == 'n' ? -100UL : 20;
	case 'p':
		return (unsigned long)getpid();
	case 'n':
	case 's':
		/* The first name exists, a second one does not. */
		return (unsigned long)(strcspn(kinds, "ns") == (size_t)at ? "f" : "g");
	case 'i':
	case 'o':
	case 'b':
	case 'a':
		return (unsigned long)(good + at * 2 * 4096);
	case 'm':
		return (unsigned long)good + 14 * 4096;
	case 'z':
		return 8;
	case 'g':
		return at == 2;
	default:
		return 0;
	}
}

static unsigned long good_value(const struct call *c, int at)
{
	for (size_t i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++) {
		if (overrides[i].at == at && !strcmp(overrides[i].name, c->name))
			return overrides[i].v;
	}
	return usual_value(c->args, at);
}

static const struct value *pool(char kind, size_t *n)
{
#define POOL(p)                                                                                    \
	do {                                                                                       \
		*n = sizeof(p) / sizeof(p[0]);                                                     \
		return p;                                                                          \
	} while (0)
	switch (kind) {
	case 'f':
		POOL(fds);
	case 'p':
		POOL(pids);
	case 'l':
		POOL(flags);
	case 'x':
		POOL(offsets);
	case 'z':
		POOL(sizes);
	case 'd':
	case 'u':
		POOL(ints);
	case 'g':
	case 'm':
		POOL(sizes);
	default:
		POOL(pointers);
	}
#undef POOL
}

/* Calls with the values from `from` on, until one works: what fails changes nothing. */
static void some_calls(const struct call *c, int at, const struct value *v, size_t from, size_t n)
{
	for (size_t k = from; k < n; k++) {
		unsigned long a[6] = { 0 };
		long r;

		for (int i = 0; c->args[i]; i++)
			a[i] = i == at ? v[k].v : good_value(c, i);
		errno = 0;
		r = syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		results[k] = r == -1 && errno ? -errno : 0;
		if (!results[k])
			break;
	}
	_exit(0);
}

/* Waits for the child, not longer than a while. */
static int finish(pid_t pid)
{
	struct timespec limit = { 2, 0 };
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(pid, &status, WNOHANG | __WALL) == 0) {
		if (sigtimedwait(&set, NULL, &limit) < 0 && errno == EAGAIN) {
			if (waitpid(pid, &status, WNOHANG | __WALL) == pid)
				break;
			kill(pid, SIGKILL);
			waitpid(pid, &status, __WALL);
			return -1;
		}
	}
	return status;
}

static void show_value(const struct value *v, int result, int status)
{
	printf(" %s ", v->text);
	if (result != UNSET)
		printf("%s", result ? abi_errname(-result) : "ok");
	else if (status == -1)
		printf("waits");
	else if (WIFSIGNALED(status))
		printf("%s", abi_signame(WTERMSIG(status)));
	else
		printf("exit");
}

/* No CPU time at all: whether the next tick finds the program still there is chance. */
static int by_chance(const struct call *c, int at, const struct value *v)
{
	return v->v == RLIMIT_CPU && ((!strcmp(c->name, "setrlimit") && at == 0) ||
				      (!strcmp(c->name, "prlimit64") && at == 1));
}

static void one_argument(const struct call *c, int at, const sigset_t *set)
{
	size_t n, i = 0;
	const struct value *v = pool(c->args[at], &n);

	printf("%c%d:", c->args[at], at + 1);
	if (by_chance(c, at, v))
		i++;
	for (size_t k = 0; k < n; k++)
		results[k] = UNSET;
	while (i < n) {
		int status;
		pid_t pid;

		fflush(stdout);
		abi_fresh_dir();
		pid = fork();
		if (pid == 0) {
			sigprocmask(SIG_UNBLOCK, set, NULL);
			furnish();
			some_calls(c, at, v, i, n);
		}
		status = finish(pid);
		/* All that have an answer, and the one at which the process ended. */
		do {
			show_value(&v[i], results[i], status);
		} while (results[i++] != UNSET && i < n && (results[i] != UNSET || results[i - 1]));
	}
	SHOW("%s", "");
}

static void bad_args(void)
{
	const struct call *c = calls;
	sigset_t set;

	while (strcmp(c->name, abi_now->name))
		c++;
	set_up();
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int at = 0; c->args[at]; at++)
		one_argument(c, at, &set);
}

__attribute__((constructor)) static void register_calls(void)
{
	static struct abi_case cases[CALLS];

	for (int i = 0; i < CALLS; i++) {
		cases[i] = (struct abi_case){ calls[i].name, bad_args, NULL };
		*abi_last = &cases[i];
		abi_last = &cases[i].next;
	}
}
