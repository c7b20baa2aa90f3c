/* SPDX-License-Identifier: MIT */
/* Random system calls with random arguments from fixed seeds, by several processes and threads at a
 * time. What they answer is nobody's business: they must not harm anybody else, so each case ends
 * by looking whether the system still works. */
#define ABI_LIMIT 100
#include "abi.h"
#include "calls.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

struct random {
	unsigned long s;
	char *mem;
};

static unsigned long rnd(struct random *r)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return r->s;
}

/* Calls that would end or block the fuzzer, or reach outside of its own processes. */
static int forbidden(int nr)
{
	static const int never[] = {
		SYS_exit,
		SYS_exit_group,
		SYS_kill,
		SYS_tkill,
		SYS_tgkill,
		SYS_rt_sigqueueinfo,
		SYS_rt_tgsigqueueinfo,
		SYS_pidfd_send_signal,
		SYS_setsid,
		SYS_setpgid,
		SYS_chroot,
		SYS_pivot_root,
		SYS_mount,
		SYS_umount2,
		SYS_shmget,
		SYS_setpriority,
		SYS_vhangup,
		SYS_sched_setscheduler,
		SYS_sched_setattr,
		SYS_sched_setparam,
		SYS_syslog,
		SYS_personality,
		SYS_rt_sigsuspend,
		SYS_execve,
		SYS_execveat,
		SYS_prlimit64,
		SYS_setrlimit,
		SYS_sync,
		SYS_chdir,
		SYS_fchdir,
		SYS_rt_sigprocmask,
		SYS_rt_sigaction,
		SYS_alarm,
		SYS_setitimer,
		SYS_mknod,
		SYS_mknodat,
		SYS_fallocate,
		SYS_truncate,
		SYS_ftruncate,
	};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (never[i] == nr)
			return 1;
	}
	return 0;
}

static unsigned long number(struct random *r)
{
	static const unsigned long odd[] = { 0,		 1,	     2,		7,
					     8,		 63,	     64,	4095,
					     4096,	 4097,	     65536,	0x7fffffff,
					     0x80000000, 0xffffffff, 1UL << 40, 1UL << 47,
					     1UL << 63,	 -1UL,	     -2UL,	-4096UL };

	switch (rnd(r) % 4) {
	case 0:
		return odd[rnd(r) % (sizeof(odd) / sizeof(odd[0]))];
	case 1:
		return rnd(r) % 16;
	case 2:
		return 1UL << rnd(r) % 64;
	default:
		return rnd(r) % 8192;
	}
}

static unsigned long pointer(struct random *r)
{
	unsigned long at = (unsigned long)r->mem;

	switch (rnd(r) % 8) {
	case 0:
		return number(r);
	case 1:
		return at + 16 * 4096 - rnd(r) % 16; /* over the end */
	case 2:
		return at + rnd(r) % 65536;
	default:
		return at + (rnd(r) % 16) * 4096 + (rnd(r) % 64) * 8;
	}
}

static unsigned long argument(struct random *r, char kind)
{
	static const char *const names[] = { "f",
					     "g",
					     "d",
					     "d/f",
					     ".",
					     "",
					     "/",
					     "/proc/self/maps",
					     "p",
					     "l",
					     "/proc/self/fd",
					     "/dev/null",
					     "/dev/zero",
					     "d/../f",
					     "x" };

	switch (kind) {
	case 'f':
		return rnd(r) % 8 ? 3 + rnd(r) % 28 : number(r);
	case 'p':
		return rnd(r) % 4 ? 0 : (unsigned long)getpid();
	case 'n':
	case 's':
		return rnd(r) % 8
			       ? (unsigned long)names[rnd(r) % (sizeof(names) / sizeof(names[0]))]
			       : pointer(r);
	case 'i':
	case 'o':
	case 'b':
	case 'a':
		return pointer(r);
	case 'm':
		return (unsigned long)r->mem + (rnd(r) % 16) * 4096;
	default:
		return number(r);
	}
}

static void furnish(void)
{
	sigset_t set;
	int p[2];

	abi_file("f", "0123456789", 0666);
	mkdir("d", 0777);
	abi_file("d/f", "text", 0666);
	mkfifo("p", 0666);
	if (symlink("f", "l"))
		errno = 0;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (int i = 0; i < 3; i++) {
		open("f", O_RDWR | O_NONBLOCK);
		open("d", O_RDONLY);
		if (pipe2(p, O_NONBLOCK))
			errno = 0;
		eventfd(3, EFD_NONBLOCK);
		epoll_create1(0);
		timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
		signalfd(-1, &set, SFD_NONBLOCK);
		memfd_create("m", 0);
		open("/dev/zero", O_RDWR);
	}
}

static volatile sig_atomic_t stop;

static void on_alarm(int sig)
{
	(void)sig;
	stop = 1;
}

static void fuzz(struct random *r, int count)
{
	while (count-- && !stop) {
		const struct call *c = &calls[rnd(r) % CALLS];
		unsigned long a[6] = { 0 };

		if (forbidden(c->nr))
			continue;
		for (int i = 0; c->args[i]; i++)
			a[i] = argument(r, c->args[i]);
		/* Mappings only where they hit the fuzzer's own memory. */
		if (c->nr == SYS_mmap)
			a[1] %= 1UL << 24;
		if (c->nr == SYS_munmap || c->nr == SYS_mremap || c->nr == SYS_mprotect ||
		    c->nr == SYS_madvise || c->nr == SYS_brk)
			a[1] %= 16 * 4096;
		if (c->nr == SYS_brk || (c->nr == SYS_dup2 && a[1] < 3) ||
		    (c->nr == SYS_dup3 && a[1] < 3) || (c->nr == SYS_close && a[0] < 3) ||
		    (c->nr == SYS_close_range && a[0] < 3))
			continue;
		/* Calls that wait get a limit; where they have none, the alarm ends them. */
		syscall(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (c->nr == SYS_munmap || c->nr == SYS_mprotect || c->nr == SYS_mremap)
			mmap(r->mem, 16 * 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
}

static char *arena(void)
{
	return mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void limits(void)
{
	struct rlimit as = { 256 << 20, 256 << 20 }, fsize = { 1 << 20, 1 << 20 }, cpu = { 20, 20 };
	struct sigaction sa = { .sa_handler = on_alarm };

	setrlimit(RLIMIT_AS, &as);
	setrlimit(RLIMIT_FSIZE, &fsize);
	setrlimit(RLIMIT_CPU, &cpu);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGALRM, &sa, NULL);
}

static void fuzz_process(unsigned long seed, int count)
{
	struct random r = { .s = seed, .mem = arena() };
	char name[32];

	snprintf(name, sizeof(name), "w%lu", seed);
	if (mkdir(name, 0777) || chdir(name))
		_exit(1);
	for (int fd = 0; fd < 3; fd++)
		dup2(open("/dev/null", O_RDWR), fd);
	limits();
	furnish();
	ualarm(500000, 500000); /* ends what waits, again and again */
	while (count > 0) {
		stop = 0;
		fuzz(&r, count < 500 ? count : 500);
		count -= 500;
	}
	_exit(0);
}

/* The system works: files, processes, pipes, memory. */
static void look(void)
{
	int p[2], status;
	char c = 0;
	pid_t pid;

	NEED(pipe(p));
	pid = (pid_t)NEED(fork());
	if (pid == 0) {
		char *m = arena();

		memset(m, 1, 16 * 4096);
		NEED(write(p[1], "x", 1));
		_exit(m[65535]);
	}
	NEED(read(p[0], &c, 1));
	waitpid(pid, &status, 0);
	abi_file("after", "text", 0644);
	SHOW("survived %c %d", c, WEXITSTATUS(status));
}

static void storm(unsigned long seed, int processes, int count)
{
	if (!abi_is_keelson())
		count /= 10;
	for (int i = 0; i < processes; i++) {
		if (fork() == 0)
			fuzz_process(seed * 1000003 + (unsigned long)i + 1, count);
	}
	while (wait(NULL) > 0)
		;
	look();
}

CASE(one_process)
{
	storm(1, 1, 20000);
}

CASE(four_processes)
{
	storm(2, 4, 10000);
}

CASE(as_nobody)
{
	pid_t pid;

	NEED(chmod(".", 0777));
	pid = fork();
	if (pid == 0) {
		NEED(setresgid(1000, 1000, 1000));
		NEED(setresuid(1000, 1000, 1000));
		storm(3, 2, 10000);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void *fuzz_thread(void *arg)
{
	struct random r = { .s = (unsigned long)arg, .mem = arena() };

	fuzz(&r, 5000);
	return NULL;
}

CASE(threads_of_one_process)
{
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t t[4];

		for (int fd = 0; fd < 3; fd++)
			dup2(open("/dev/null", O_RDWR), fd);
		limits();
		furnish();
		ualarm(300000, 300000);
		for (unsigned long i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, fuzz_thread, (void *)(i * 77777 + 5));
		abi_sleep_ms(8000);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	look();
}

CASE(with_dying_processes)
{
	for (int round = 0; round < 5; round++) {
		pid_t pid[4];

		for (int i = 0; i < 4; i++) {
			pid[i] = fork();
			if (pid[i] == 0)
				fuzz_process((unsigned long)(round * 4 + i + 999), 1000000);
		}
		abi_sleep_ms(300);
		for (int i = 0; i < 4; i++)
			kill(pid[i], SIGKILL);
		while (wait(NULL) > 0)
			;
	}
	look();
}
