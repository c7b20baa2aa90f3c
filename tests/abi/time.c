/* SPDX-License-Identifier: MIT */
/* Clocks, sleeps, POSIX timers, interval timers, times, adjtimex: errors, rules and plausible
 * values. */
#include "abi.h"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <utime.h>

typedef struct timespec ts_t;

static volatile int hits, last_code, last_value, last_overrun;

static void on_signal(int sig)
{
	(void)sig;
	hits++;
}

static void on_info(int sig, siginfo_t *si, void *uc)
{
	(void)sig;
	(void)uc;
	hits++;
	last_code = si->si_code;
	last_value = si->si_value.sival_int;
	last_overrun = si->si_overrun;
}

static void handle(int sig, int flags)
{
	struct sigaction sa = { .sa_flags = flags };

	if (flags & SA_SIGINFO)
		sa.sa_sigaction = on_info;
	else
		sa.sa_handler = on_signal;
	sigaction(sig, &sa, NULL);
}

static long ns_of(const ts_t *t)
{
	return t->tv_sec * 1000000000L + t->tv_nsec;
}

static long now(clockid_t id)
{
	ts_t t;

	syscall(SYS_clock_gettime, id, &t);
	return ns_of(&t);
}

static void wait_hits(int n)
{
	while (hits < n)
		abi_sleep_ms(1);
}

CASE(clock_ids)
{
	ts_t t;

	for (int id = -1; id <= 17; id++)
		SHOW("%d: %s", id, syscall(SYS_clock_gettime, id, &t) ? abi_errname(errno) : "ok");
	RET(syscall(SYS_clock_gettime, CLOCK_REALTIME, 8));
	RET(syscall(SYS_clock_gettime, CLOCK_REALTIME, NULL));
	RET(syscall(SYS_clock_gettime, 0x7fffffff, &t));
}

CASE(resolutions)
{
	ts_t t;

	for (int id = 0; id <= 11; id++) {
		t.tv_nsec = -1;
		if (syscall(SYS_clock_getres, id, &t))
			SHOW("%d: %s", id, abi_errname(errno));
		else
			SHOW("%d: %ld %s", id, (long)t.tv_sec,
			     t.tv_nsec < 1 || t.tv_nsec > 10000000 ? "odd" : "fine");
	}
	RET(syscall(SYS_clock_getres, CLOCK_REALTIME, NULL));
	RET(syscall(SYS_clock_getres, CLOCK_REALTIME, 8));
	RET(syscall(SYS_clock_getres, -1, NULL));
}

CASE(clocks_agree)
{
	long r = now(CLOCK_REALTIME), m = now(CLOCK_MONOTONIC);
	struct timeval tv;

	gettimeofday(&tv, NULL);
	SHOW("date is set %d", r / 1000000000 > 1600000000);
	SHOW("coarse %d", labs(now(CLOCK_REALTIME_COARSE) - r) < 1000000000);
	SHOW("raw %d", labs(now(CLOCK_MONOTONIC_RAW) - m) < 1000000000);
	SHOW("boottime %d", labs(now(CLOCK_BOOTTIME) - m) < 1000000000);
	SHOW("tai %d", labs(now(CLOCK_TAI) - r) < 1000000000);
	SHOW("gettimeofday %d", labs(tv.tv_sec - r / 1000000000) <= 1);
	SHOW("time %d", labs(time(NULL) - r / 1000000000) <= 1);
	SHOW("time call %d", labs(syscall(SYS_time, NULL) - r / 1000000000) <= 1);
	RET(syscall(SYS_time, 8));
	RET(syscall(SYS_gettimeofday, 8, NULL));
	RET(syscall(SYS_gettimeofday, NULL, NULL));
}

CASE(monotonic_never_goes_back)
{
	static const clockid_t ids[] = { CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,
					 CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME };
	ts_t t;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		long last = 0, back = 0, calls = 0;

		for (int k = 0; k < 20000; k++) {
			clock_gettime(ids[i], &t);
			back += ns_of(&t) < last;
			last = ns_of(&t);
			if (k % 100 == 0) {
				calls += now(ids[i]) < last;
				last = now(ids[i]);
			}
		}
		SHOW("%d: back %ld, call %ld", (int)ids[i], back, calls);
	}
}

CASE(cpu_clocks)
{
	long p = now(CLOCK_PROCESS_CPUTIME_ID), t = now(CLOCK_THREAD_CPUTIME_ID),
	     m = now(CLOCK_MONOTONIC);
	clockid_t id;

	while (now(CLOCK_PROCESS_CPUTIME_ID) - p < 20000000)
		;
	SHOW("thread too %d", now(CLOCK_THREAD_CPUTIME_ID) - t >= 15000000);
	SHOW("not faster than time %d", now(CLOCK_MONOTONIC) - m >= 19000000);
	p = now(CLOCK_PROCESS_CPUTIME_ID);
	abi_sleep_ms(100);
	SHOW("sleep costs little %d", now(CLOCK_PROCESS_CPUTIME_ID) - p < 60000000);
	RET(clock_getcpuclockid(0, &id));
	RET(clock_getcpuclockid(getppid(), &id));
	SHOW("%d", now(id) > 0);
	RET(clock_getcpuclockid(999999, &id) == ESRCH);
}

CASE(clock_settime_rules)
{
	ts_t t = { -1, 0 };

	RET(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &t));
	RET(syscall(SYS_clock_settime, 99, &t));
	RET(syscall(SYS_clock_settime, CLOCK_REALTIME, 8));
	RET(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
	t = (ts_t){ 1700000000, 1000000000 };
	RET(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
	t = (ts_t){ now(CLOCK_REALTIME) / 1000000000 + 1000, 5 };
	RET(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
	SHOW("moved %d", now(CLOCK_REALTIME) - ns_of(&t) >= 0);
	SHOW("file times follow %d", ({
		     struct stat st;
		     abi_file("f", "x", 0600);
		     stat("f", &st);
		     st.st_mtime >= t.tv_sec;
	     }));
	t.tv_sec -= 1000;
	RET(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
	RET(syscall(SYS_settimeofday, &(struct timeval){ 0, 1000000 }, NULL));
	RET(syscall(SYS_settimeofday, 8, NULL));
	NEED(setresuid(1000, 1000, 1000));
	RET(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
	RET(syscall(SYS_settimeofday, &(struct timeval){ 1, 0 }, NULL));
}

CASE(nanosleep_errors)
{
	ts_t t = { 0, 1000000000 }, z = { 0, 0 };

	RET(syscall(SYS_nanosleep, &t, NULL));
	t = (ts_t){ -1, 0 };
	RET(syscall(SYS_nanosleep, &t, NULL));
	t = (ts_t){ 0, -1 };
	RET(syscall(SYS_nanosleep, &t, NULL));
	RET(syscall(SYS_nanosleep, 8, NULL));
	RET(syscall(SYS_nanosleep, &z, NULL));
	RET(syscall(SYS_clock_nanosleep, 99, 0, &z, NULL));
	RET(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &z, NULL));
	RET(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &z, NULL));
	RET(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL));
	RET(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, 8, NULL));
	RET(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 99, &z, NULL));
	RET(syscall(SYS_clock_nanosleep, CLOCK_BOOTTIME, 0, &z, NULL));
	RET(syscall(SYS_clock_nanosleep, CLOCK_TAI, 0, &z, NULL));
	t = (ts_t){ 1, 0 };
	RET(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	RET(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
}

CASE(sleeps_last_long_enough)
{
	static const clockid_t ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		long m = now(ids[i]), d;
		ts_t t = { 0, 20000000 };

		RET(syscall(SYS_clock_nanosleep, ids[i], 0, &t, NULL));
		d = now(ids[i]) - m;
		SHOW("%d", d >= 20000000 && d < 5000000000);
		m += 100000000;
		t = (ts_t){ m / 1000000000, m % 1000000000 };
		RET(syscall(SYS_clock_nanosleep, ids[i], TIMER_ABSTIME, &t, NULL));
		SHOW("%d", now(ids[i]) >= m);
	}
}

CASE(nanosleep_tells_the_rest)
{
	ts_t t = { 10, 0 }, rem = { 77, 77 };

	handle(SIGALRM, 0);
	ualarm(100000, 0);
	RET(syscall(SYS_nanosleep, &t, &rem));
	SHOW("%d", rem.tv_sec == 9 || (rem.tv_sec == 8 && rem.tv_nsec > 0));
	ualarm(100000, 0);
	RET(syscall(SYS_nanosleep, &t, 8));
	rem.tv_sec = 77;
	t.tv_sec += now(CLOCK_MONOTONIC) / 1000000000;
	ualarm(100000, 0);
	RET(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &rem));
	SHOW("untouched %ld", (long)rem.tv_sec);
}

CASE(cpu_time_sleep)
{
	ts_t t = { 0, 1000000 };

	RET(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL));
	t = (ts_t){ 0, 1 };
	RET(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &t, NULL));
}

CASE(itimer_errors)
{
	struct itimerval it = { { 0, 0 }, { 0, 1000000 } }, old;

	RET(syscall(SYS_setitimer, ITIMER_REAL, &it, NULL));
	it.it_value = (struct timeval){ -1, 0 };
	RET(syscall(SYS_setitimer, ITIMER_REAL, &it, NULL));
	it.it_value = (struct timeval){ 0, 0 };
	it.it_interval.tv_usec = -1;
	RET(syscall(SYS_setitimer, ITIMER_REAL, &it, NULL));
	RET(syscall(SYS_setitimer, 3, &old, NULL));
	RET(syscall(SYS_setitimer, -1, &old, NULL));
	RET(syscall(SYS_setitimer, ITIMER_REAL, 8, NULL));
	RET(syscall(SYS_setitimer, ITIMER_REAL, NULL, NULL));
	RET(syscall(SYS_getitimer, 3, &old));
	RET(syscall(SYS_getitimer, ITIMER_REAL, 8));
	RET(syscall(SYS_getitimer, ITIMER_REAL, &old));
	SHOW("%ld %ld", (long)old.it_value.tv_sec, (long)old.it_value.tv_usec);
}

CASE(itimer_real_repeats)
{
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, old;

	handle(SIGALRM, 0);
	RET(setitimer(ITIMER_REAL, &it, NULL));
	wait_hits(3);
	it = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	RET(setitimer(ITIMER_REAL, &it, &old));
	SHOW("interval %ld", (long)old.it_interval.tv_usec);
	RET(getitimer(ITIMER_REAL, &old));
	SHOW("%ld %ld", (long)old.it_value.tv_usec, (long)old.it_interval.tv_usec);
}

CASE(itimers_of_cpu_time)
{
	struct itimerval it = { { 0, 0 }, { 0, 20000 } };

	handle(SIGPROF, 0);
	RET(setitimer(ITIMER_PROF, &it, NULL));
	while (!hits)
		;
	SHOW("prof");
	handle(SIGVTALRM, 0);
	RET(setitimer(ITIMER_VIRTUAL, &it, NULL));
	while (hits < 2)
		;
	SHOW("virtual");
	RET(getitimer(ITIMER_VIRTUAL, &it));
	SHOW("%ld", (long)it.it_value.tv_usec);
}

CASE(alarm_returns_the_rest)
{
	RET(alarm(100));
	RET(alarm(50) >= 99);
	SHOW("%d", alarm(0) >= 49);
	RET(alarm(0));
	SHOW("rounds up %u", ({
		     struct itimerval it = { { 0, 0 }, { 2, 400000 } };
		     setitimer(ITIMER_REAL, &it, NULL);
		     alarm(0);
	     }));
	RET(fork() == 0 ? (_exit((int)alarm(0)), 0L) : 0L);
}

CASE(timer_errors)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
	struct itimerspec it = { { 0, 0 }, { 0, 0 } };
	int id = -5, first;

	RET(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
	ev.sigev_signo = 0;
	RET(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
	ev.sigev_notify = 99;
	RET(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
	RET(syscall(SYS_timer_create, 99, NULL, &id));
	RET(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, NULL, &id));
	RET(syscall(SYS_timer_create, CLOCK_MONOTONIC, 8, &id));
	RET(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8));
	RET(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
	SHOW("id %d", id >= 0);
	first = id;
	RET(syscall(SYS_timer_create, CLOCK_REALTIME, NULL, &id));
	SHOW("another %d", id >= 0 && id != first);
	RET(syscall(SYS_timer_settime, 77, 0, &it, NULL));
	RET(syscall(SYS_timer_settime, id, 0, NULL, NULL));
	RET(syscall(SYS_timer_settime, id, 0, 8, NULL));
	it.it_value.tv_nsec = 1000000000;
	RET(syscall(SYS_timer_settime, id, 0, &it, NULL));
	it.it_value = (ts_t){ -1, 0 };
	RET(syscall(SYS_timer_settime, id, 0, &it, NULL));
	RET(syscall(SYS_timer_gettime, 77, &it));
	RET(syscall(SYS_timer_gettime, id, 8));
	RET(syscall(SYS_timer_getoverrun, 77));
	RET(syscall(SYS_timer_getoverrun, id));
	RET(syscall(SYS_timer_delete, id));
	RET(syscall(SYS_timer_delete, id));
	ev = (struct sigevent){ .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	RET(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &id));
}

CASE(timer_fires)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN,
			       .sigev_value.sival_int = 1234 };
	struct itimerspec it = { { 0, 0 }, { 0, 10000000 } }, got;
	timer_t t;

	handle(SIGRTMIN, SA_SIGINFO);
	NEED(timer_create(CLOCK_MONOTONIC, &ev, &t));
	RET(timer_settime(t, 0, &it, NULL));
	wait_hits(1);
	SHOW("code %d value %d overrun %d", last_code, last_value, last_overrun);
	RET(timer_gettime(t, &got));
	SHOW("%ld %ld", (long)got.it_value.tv_sec, got.it_value.tv_nsec);
	it.it_value = (ts_t){ 100, 0 };
	it.it_interval = (ts_t){ 7, 8 };
	RET(timer_settime(t, 0, &it, NULL));
	RET(timer_gettime(t, &got));
	SHOW("%d interval %ld %ld", got.it_value.tv_sec >= 98, (long)got.it_interval.tv_sec,
	     got.it_interval.tv_nsec);
	it.it_value = (ts_t){ 0, 0 };
	RET(timer_settime(t, 0, &it, &got));
	SHOW("old %d", got.it_value.tv_sec >= 98);
	it.it_value = (ts_t){ 1, 0 };
	RET(timer_settime(t, TIMER_ABSTIME, &it, NULL));
	wait_hits(2);
	SHOW("past time fires");
	RET(timer_delete(t));
}

CASE(timer_overruns)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec it = { { 0, 2000000 }, { 0, 2000000 } };
	sigset_t set;
	siginfo_t si;
	timer_t t;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	NEED(timer_create(CLOCK_MONOTONIC, &ev, &t));
	NEED(timer_settime(t, 0, &it, NULL));
	abi_sleep_ms(100);
	RET(sigwaitinfo(&set, &si));
	SHOW("code %d overrun %d same %d", si.si_code, si.si_overrun > 5,
	     timer_getoverrun(t) == si.si_overrun);
	RET(timer_delete(t));
}

CASE(timer_without_signal)
{
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	struct itimerspec it = { { 0, 0 }, { 0, 5000000 } }, got;
	timer_t t;

	NEED(timer_create(CLOCK_MONOTONIC, &ev, &t));
	RET(timer_settime(t, 0, &it, NULL));
	abi_sleep_ms(30);
	RET(timer_gettime(t, &got));
	SHOW("%ld %ld", (long)got.it_value.tv_sec, got.it_value.tv_nsec);
}

CASE(timer_of_thread)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	struct itimerspec it = { { 0, 0 }, { 0, 5000000 } };
	int id;

	((int *)(void *)&ev)[4] = getpid();
	handle(SIGUSR1, SA_SIGINFO);
	NEED(syscall(SYS_timer_create, CLOCK_REALTIME, &ev, &id));
	NEED(syscall(SYS_timer_settime, id, 0, &it, NULL));
	wait_hits(1);
	SHOW("code %d", last_code);
}

CASE(timer_of_cpu_time)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec it = { { 0, 0 }, { 0, 10000000 } };
	timer_t t;

	handle(SIGUSR1, SA_SIGINFO);
	NEED(timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &t));
	NEED(timer_settime(t, 0, &it, NULL));
	while (!hits)
		;
	SHOW("code %d", last_code);
}

CASE(timers_are_not_inherited)
{
	struct sigevent ev = { .sigev_notify = SIGEV_NONE };
	struct itimerval it = { { 0, 0 }, { 100, 0 } };
	timer_t t;

	NEED(timer_create(CLOCK_MONOTONIC, &ev, &t));
	setitimer(ITIMER_REAL, &it, NULL);
	if (fork() == 0) {
		RET(timer_delete(t));
		getitimer(ITIMER_REAL, &it);
		SHOW("itimer %ld", (long)it.it_value.tv_sec);
		_exit(0);
	}
	wait(NULL);
}

CASE(times_call)
{
	struct tms t;

	RET(times(&t) > 0);
	SHOW("%d", t.tms_utime >= 0 && t.tms_stime >= 0 && t.tms_cutime == 0);
	RET(syscall(SYS_times, 8));
	RET(syscall(SYS_times, NULL) > 0);
}

CASE(adjtimex_call)
{
	struct timex tx = { 0 };

	SHOW("state %d", syscall(SYS_adjtimex, &tx) >= 0);
	SHOW("tick %ld tolerance %ld precision %ld freq %ld", tx.tick, tx.tolerance, tx.precision,
	     tx.freq);
	tx.modes = ADJ_TICK;
	tx.tick = 1;
	RET(syscall(SYS_adjtimex, &tx));
	RET(syscall(SYS_adjtimex, 8));
	tx.modes = 0;
	RET(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &tx));
	RET(syscall(SYS_clock_adjtime, 99, &tx));
	SHOW("%d", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx) >= 0);
	NEED(setresuid(1000, 1000, 1000));
	tx.modes = ADJ_FREQUENCY;
	RET(syscall(SYS_adjtimex, &tx));
	tx.modes = 0;
	SHOW("%d", syscall(SYS_adjtimex, &tx) >= 0);
}

CASE(time_of_the_vdso)
{
	const char *elf = (const char *)getauxval(AT_SYSINFO_EHDR);
	ts_t v;
	long before, after;

	SHOW("%.3s", elf ? elf + 1 : "none");
	before = now(CLOCK_MONOTONIC);
	clock_gettime(CLOCK_MONOTONIC, &v);
	after = now(CLOCK_MONOTONIC);
	SHOW("between the calls %d", ns_of(&v) >= before && ns_of(&v) <= after);
	before = now(CLOCK_REALTIME);
	clock_gettime(CLOCK_REALTIME, &v);
	after = now(CLOCK_REALTIME);
	SHOW("between the calls %d", ns_of(&v) >= before && ns_of(&v) <= after);
	RET(clock_gettime(99, &v));
}

CASE(vdso_cannot_be_written)
{
	volatile char *elf = (volatile char *)getauxval(AT_SYSINFO_EHDR);

	if (elf)
		*elf = 0;
}

CASE(monotonic_across_cpus)
{
	volatile long *last =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile int *turn = (volatile int *)(last + 1);
	int back = 0;

	if (fork() == 0) {
		for (int i = 0; i < 500; i++) {
			while (*turn != 1)
				syscall(SYS_sched_yield);
			*last = now(CLOCK_MONOTONIC);
			*turn = 0;
		}
		_exit(0);
	}
	for (int i = 0; i < 500; i++) {
		*turn = 1;
		while (*turn != 0)
			syscall(SYS_sched_yield);
		back += now(CLOCK_MONOTONIC) < *last;
	}
	wait(NULL);
	SHOW("back %d", back);
}

CASE(rusage_counts_time)
{
	struct rusage a, b;
	long p = now(CLOCK_PROCESS_CPUTIME_ID), used;

	getrusage(RUSAGE_SELF, &a);
	while (now(CLOCK_PROCESS_CPUTIME_ID) - p < 50000000)
		;
	getrusage(RUSAGE_SELF, &b);
	used = (b.ru_utime.tv_sec + b.ru_stime.tv_sec - a.ru_utime.tv_sec - a.ru_stime.tv_sec) *
		       1000000 +
	       b.ru_utime.tv_usec + b.ru_stime.tv_usec - a.ru_utime.tv_usec - a.ru_stime.tv_usec;
	SHOW("%d", used >= 40000 && used < 5000000);
}

/* The vDSO and the call tell the same time, also when TAI has an offset and the rate is changed. */
CASE(vdso_agrees)
{
	static const clockid_t ids[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW,
					 CLOCK_BOOTTIME, CLOCK_TAI };
	struct timex tx = { .modes = ADJ_TAI | ADJ_TICK, .constant = 37, .tick = 11000 };

	NEED(adjtimex(&tx));
	abi_sleep_ms(300);
	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct timespec a, b;
		long long ns;

		NEED(clock_gettime(ids[i], &a));
		NEED(syscall(SYS_clock_gettime, ids[i], &b));
		ns = (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec;
		SHOW("clock %d: %s", (int)ids[i], ns >= 0 && ns < 10000000 ? "the same" : "apart");
	}
	tx = (struct timex){ .modes = ADJ_TAI | ADJ_TICK, .constant = 0, .tick = 10000 };
	NEED(adjtimex(&tx));
}
