/* SPDX-License-Identifier: MIT */
/* Threads under musl and what they stand on: futexes with exact results, robust lists, thread ids,
 * signals to threads, ends of threads and of the leader. */
#include "abi.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>

#define THREADS 8

static uint32_t word;
static volatile int count, ready;

static long futex(const volatile void *addr, int op, unsigned long val, void *timeout, void *addr2,
		  uint32_t val3)
{
	return syscall(SYS_futex, addr, op, (uint32_t)val, timeout, addr2, val3);
}

/* Until n threads of this process beside the leader sleep. Their numbers follow the leader's. */
static void until_sleeping(int n)
{
	for (int tries = 0; tries < 5000; tries++) {
		char path[64], text[256];
		int sleeping = 0, fd;

		for (int tid = getpid() + 1; tid < getpid() + 64; tid++) {
			char *state;
			ssize_t len;

			snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
			fd = open(path, O_RDONLY);
			if (fd < 0)
				continue;
			len = read(fd, text, sizeof(text) - 1);
			close(fd);
			text[len > 0 ? len : 0] = '\0';
			state = strrchr(text, ')');
			sleeping += state && state[2] == 'S';
		}
		if (sleeping >= n)
			return;
		abi_sleep_ms(1);
	}
	SHOW("threads do not sleep");
}

static pthread_t spawn(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, arg)) {
		SHOW("needed: pthread_create");
		_exit(99);
	}
	return t;
}

static void *add_one(void *arg)
{
	pthread_mutex_t *m = arg;

	for (int i = 0; i < 1000; i++) {
		pthread_mutex_lock(m);
		count++;
		pthread_mutex_unlock(m);
	}
	return (void *)7;
}

CASE(mutex_counts)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_t t[THREADS];
	long sum = 0;
	void *r;

	for (int i = 0; i < THREADS; i++)
		t[i] = spawn(add_one, &m);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &r);
		sum += (long)r;
	}
	SHOW("count %d results %ld", count, sum);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *wait_turn(void *arg)
{
	pthread_mutex_lock(&lock);
	while (count != (int)(long)arg)
		pthread_cond_wait(&cond, &lock);
	count++;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
	return NULL;
}

CASE(condition_orders)
{
	pthread_t t[THREADS];

	for (long i = THREADS - 1; i >= 0; i--)
		t[i] = spawn(wait_turn, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	SHOW("%d", count);
}

CASE(condition_times_out)
{
	struct timespec ts;
	int r;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&lock);
	r = pthread_cond_timedwait(&cond, &lock, &ts);
	SHOW("%s", abi_errname(r));
	r = pthread_mutex_timedlock(&lock, &ts);
	SHOW("%s", abi_errname(r));
}

static __thread int tls_value = 5;
static __thread char tls_zero[100];

static void *tls_thread(void *arg)
{
	int ok = tls_value == 5 && tls_zero[50] == 0;

	tls_value = (int)(long)arg;
	tls_zero[50] = 1;
	sched_yield();
	return (void *)(long)(ok && tls_value == (int)(long)arg);
}

CASE(thread_local_storage)
{
	pthread_t t[THREADS];
	long ok = 0;
	void *r;

	for (long i = 0; i < THREADS; i++)
		t[i] = spawn(tls_thread, (void *)(i + 10));
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &r);
		ok += (long)r;
	}
	SHOW("%ld %d", ok, tls_value);
}

static void cleanup(void *arg)
{
	SHOW("cleanup %s", (char *)arg);
}

static void *cancelled(void *arg)
{
	int p[2];

	NEED(pipe(p));
	pthread_cleanup_push(cleanup, arg);
	ready = 1;
	NEED(read(p[0], p, 1));
	pthread_cleanup_pop(0);
	return NULL;
}

CASE(cancellation)
{
	pthread_t t = spawn(cancelled, (void *)"done");
	void *r;

	while (!ready)
		sched_yield();
	pthread_cancel(t);
	pthread_join(t, &r);
	SHOW("cancelled %d", r == PTHREAD_CANCELED);
}

static void *short_thread(void *arg)
{
	return arg;
}

CASE(many_short_threads)
{
	long sum = 0;
	void *r;

	for (long i = 0; i < 300; i++) {
		pthread_join(spawn(short_thread, (void *)i), &r);
		sum += (long)r;
	}
	SHOW("%ld", sum);
}

CASE(semaphores_and_barriers)
{
	sem_t s;

	sem_init(&s, 0, 1);
	RET(sem_trywait(&s));
	RET(sem_trywait(&s));
	RET(sem_post(&s));
	RET(sem_wait(&s));
}

CASE(futex_errors)
{
	struct timespec bad = { 0, 1000000000 }, neg = { -1, 0 }, none = { 0, 0 };

	word = 5;
	RET(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0));
	RET(futex(&word, FUTEX_WAIT, 5, &none, NULL, 0));
	RET(futex(&word, FUTEX_WAIT, 5, &bad, NULL, 0));
	RET(futex(&word, FUTEX_WAIT, 5, &neg, NULL, 0));
	RET(futex(&word, FUTEX_WAIT, 5, (void *)8, NULL, 0));
	RET(futex((char *)&word + 1, FUTEX_WAIT, 5, NULL, NULL, 0));
	RET(futex((char *)&word + 2, FUTEX_WAKE, 1, NULL, NULL, 0));
	RET(futex((void *)8, FUTEX_WAIT, 5, NULL, NULL, 0));
	RET(futex(NULL, FUTEX_WAIT, 5, NULL, NULL, 0));
	RET(futex(NULL, FUTEX_WAKE, 1, NULL, NULL, 0));
	RET(futex((void *)8, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
	RET(futex((void *)-8L, FUTEX_WAKE, 1, NULL, NULL, 0));
	RET(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
	RET(futex(&word, FUTEX_WAKE, 0, NULL, NULL, 0));
	RET(futex(&word, FUTEX_WAIT_BITSET, 5, NULL, NULL, 0));
	RET(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	RET(futex(&word, FUTEX_WAIT_BITSET, 5, &none, NULL, 1));
	RET(futex(&word, 99, 0, NULL, NULL, 0));
	RET(futex(&word, FUTEX_FD, 0, NULL, NULL, 0));
	RET(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 4, NULL, NULL, 0));
	RET(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
	RET(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, (void *)&count, 4));
	RET(futex(&word, FUTEX_CMP_REQUEUE, -1, (void *)1, (void *)&count, 5));
	RET(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1, (void *)8, 5));
	RET(futex(&word, FUTEX_REQUEUE, 1, (void *)1, (char *)&count + 1, 0));
}

CASE(futex_read_only_and_none)
{
	char *m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec soon = { 0, 1000000 };

	RET(futex(m, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &soon, NULL, 0));
	RET(futex(m, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
	RET(futex(m, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
	mprotect(m, 4096, PROT_NONE);
	RET(futex(m, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &soon, NULL, 0));
}

struct waiter {
	uint32_t *addr;
	uint32_t bits;
	long result;
	int err;
};

static void *futex_waiter(void *arg)
{
	struct waiter *w = arg;

	errno = 0;
	w->result = futex(w->addr, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, w->bits);
	w->err = errno;
	__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void start_waiters(pthread_t *t, struct waiter *w, int n)
{
	for (int i = 0; i < n; i++)
		t[i] = spawn(futex_waiter, &w[i]);
	until_sleeping(n);
}

static void join_all(const pthread_t *t, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

static void until_count(int n)
{
	while (count != n)
		sched_yield();
}

CASE(futex_wake_counts)
{
	struct waiter w[4];
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		w[i] = (struct waiter){ &word, ~0U, -7, 0 };
	start_waiters(t, w, 4);
	RET(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
	until_count(1);
	RET(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 2, NULL, NULL, 0));
	until_count(3);
	RET(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0));
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		SHOW("%ld", w[i].result);
	}
	RET(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0));
}

CASE(futex_bitsets)
{
	struct waiter w[3] = { { &word, 1, 0, 0 }, { &word, 2, 0, 0 }, { &word, 3, 0, 0 } };
	pthread_t t[3];

	start_waiters(t, w, 3);
	RET(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 4));
	RET(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 1));
	until_count(2);
	RET(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0));
	join_all(t, 3);
}

CASE(futex_requeue)
{
	struct waiter w[4];
	static uint32_t other;
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		w[i] = (struct waiter){ &word, ~0U, 0, 0 };
	start_waiters(t, w, 4);
	RET(futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 1, (void *)2, &other, 0));
	until_count(1);
	RET(futex(&other, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0));
	until_count(3);
	RET(futex(&word, FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 0, (void *)9, &other, 0));
	RET(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0));
	RET(futex(&other, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0));
	join_all(t, 4);
}

CASE(futex_wake_op)
{
	struct waiter w[2];
	static uint32_t other;
	pthread_t t[2];
	int priv = FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG;

	other = 6;
	RET(futex(&word, priv, 1, (void *)1, &other,
		  FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 6)));
	SHOW("%u", other);
	RET(futex(&word, priv, 1, (void *)1, &other,
		  FUTEX_OP(FUTEX_OP_ANDN, 1, FUTEX_OP_CMP_LT, 6)));
	SHOW("%u", other);
	RET(futex(&word, priv, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_OR, 1, FUTEX_OP_CMP_GE, 6)));
	SHOW("%u", other);
	RET(futex(&word, priv, 1, (void *)1, &other,
		  FUTEX_OP(FUTEX_OP_XOR, 3, FUTEX_OP_CMP_NE, 6)));
	SHOW("%u", other);
	RET(futex(&word, priv, 1, (void *)1, &other,
		  (uint32_t)FUTEX_OP(FUTEX_OP_SET, 5, FUTEX_OP_CMP_LE, 6) | 8U << 28));
	SHOW("%u", other);
	RET(futex(&word, priv, 1, (void *)1, &other, FUTEX_OP(FUTEX_OP_SET, 0, 7, 6)));
	RET(futex(&word, priv, 1, (void *)1, &other, FUTEX_OP(7, 0, FUTEX_OP_CMP_EQ, 6)));
	RET(futex(&word, priv, 1, (void *)1, (void *)8, FUTEX_OP(FUTEX_OP_SET, 0, 0, 6)));
	other = 0;
	w[0] = (struct waiter){ &word, ~0U, 0, 0 };
	w[1] = (struct waiter){ &other, ~0U, 0, 0 };
	start_waiters(t, w, 2);
	RET(futex(&word, priv, 1, (void *)1, &other,
		  FUTEX_OP(FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 1)));
	until_count(1);
	SHOW("%u", other);
	RET(futex(&word, priv, 1, (void *)1, &other,
		  FUTEX_OP(FUTEX_OP_SET, 0, FUTEX_OP_CMP_GT, 8)));
	join_all(t, 2);
}

CASE(futex_between_processes)
{
	uint32_t *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint32_t *f;
	int fd = (int)NEED(open("f", O_RDWR | O_CREAT, 0600));
	long n;
	pid_t pid;

	NEED(ftruncate(fd, 4096));
	f = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (int i = 0; i < 2; i++) {
		uint32_t *at = i ? f : s;

		pid = fork();
		if (pid == 0) {
			if (i)
				at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			_exit(futex(at, FUTEX_WAIT, 0, NULL, NULL, 0) ? errno : 0);
		}
		while ((n = futex(at, FUTEX_WAKE, 1, NULL, NULL, 0)) == 0)
			abi_sleep_ms(1);
		SHOW("woke %ld", n);
		waitpid(pid, (int *)&n, 0);
		abi_show_status("child", (int)n);
	}
}

CASE(futex_private_is_private)
{
	uint32_t *s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec t = { 0, 200000000 };
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(futex(s, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &t, NULL, 0) ? errno : 0);
	abi_sleep_ms(50);
	RET(futex(s, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0));
	RET(futex(s, FUTEX_WAKE, 1, NULL, NULL, 0));
	waitpid(pid, &status, 0);
	SHOW("%s", abi_errname(WEXITSTATUS(status)));
}

static volatile int hits;
static volatile pid_t hit_tid;

static void on_signal(int sig)
{
	(void)sig;
	hits++;
	hit_tid = (pid_t)syscall(SYS_gettid);
}

CASE(futex_interrupted)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct timespec t = { 1, 0 };

	sigaction(SIGALRM, &sa, NULL);
	word = 0;
	ualarm(30000, 0);
	RET(futex(&word, FUTEX_WAIT, 0, NULL, NULL, 0));
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	ualarm(30000, 0);
	RET(futex(&word, FUTEX_WAIT, 0, &t, NULL, 0));
	SHOW("hits %d", hits);
}

CASE(robust_list)
{
	struct robust_list_head *head = NULL;
	size_t len = 0;
	long h[3] = { 0 };

	RET(syscall(SYS_set_robust_list, h, 23));
	RET(syscall(SYS_set_robust_list, h, 24));
	RET(syscall(SYS_get_robust_list, 0, &head, &len));
	SHOW("%d %zu", (void *)head == (void *)h, len);
	RET(syscall(SYS_get_robust_list, 999999, &head, &len));
	RET(syscall(SYS_get_robust_list, 0, 8, &len));
	RET(syscall(SYS_set_robust_list, 8, 24));
}

static void *die_with_lock(void *arg)
{
	pthread_mutex_lock(arg);
	return NULL;
}

CASE(robust_mutex)
{
	pthread_mutexattr_t a;
	pthread_mutex_t *m =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutexattr_setpshared(&a, 1);
	pthread_mutex_init(m, &a);
	pthread_join(spawn(die_with_lock, m), NULL);
	SHOW("%s", abi_errname(pthread_mutex_lock(m)));
	SHOW("%d", pthread_mutex_consistent(m));
	SHOW("%d", pthread_mutex_unlock(m));
	pid = fork();
	if (pid == 0) {
		pthread_mutex_lock(m);
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
	SHOW("%s", abi_errname(pthread_mutex_trylock(m)));
	SHOW("%d", pthread_mutex_unlock(m));
	SHOW("%s", abi_errname(pthread_mutex_lock(m)));
}

CASE(robust_list_of_rubbish)
{
	static long loop[3];
	int status;
	pid_t pid;

	for (int i = 0; i < 3; i++) {
		pid = fork();
		if (pid == 0) {
			/* A circle that never comes back, an address that is not there, an odd
			 * one. */
			static long a[2], b[2];

			a[0] = (long)b;
			b[0] = (long)a;
			loop[0] = i == 0 ? (long)a : i == 1 ? 8 : 3;
			loop[2] = i == 2 ? 7 : 0;
			NEED(syscall(SYS_set_robust_list, loop, 24));
			_exit(0);
		}
		waitpid(pid, &status, 0);
		abi_show_status("child", status);
	}
}

static void *wait_signal(void *arg)
{
	sigset_t set;
	int sig = 0;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	sigwait(&set, &sig);
	return (void *)(long)sig;
}

CASE(signals_to_threads)
{
	pthread_t t;
	sigset_t set;
	void *r;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	t = spawn(wait_signal, NULL);
	while (!ready)
		sched_yield();
	pthread_kill(t, SIGUSR1);
	pthread_join(t, &r);
	SHOW("%s", abi_signame((int)(long)r));
	sigpending(&set);
	SHOW("pending here %d", sigismember(&set, SIGUSR1));
	ready = 0;
	t = spawn(wait_signal, NULL);
	while (!ready)
		sched_yield();
	kill(getpid(), SIGUSR1);
	pthread_join(t, &r);
	SHOW("%s", abi_signame((int)(long)r));
}

CASE(tgkill_rules)
{
	pid_t me = getpid();

	RET(syscall(SYS_tgkill, me, me, 0));
	RET(syscall(SYS_tgkill, me, 999999, 0));
	RET(syscall(SYS_tgkill, 1, me, 0));
	RET(syscall(SYS_tgkill, -1, me, 0));
	RET(syscall(SYS_tgkill, me, 0, 0));
	RET(syscall(SYS_tgkill, me, me, 65));
	RET(syscall(SYS_tkill, 0, 0));
	RET(syscall(SYS_tkill, me, -1));
	RET(syscall(SYS_tkill, 999999, 0));
}

static void *unblocked(void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	*(pid_t *)arg = (pid_t)syscall(SYS_gettid);
	ready = 1;
	while (!hits)
		abi_sleep_ms(1);
	return NULL;
}

CASE(process_signal_finds_a_thread)
{
	struct sigaction sa = { .sa_handler = on_signal };
	static pid_t tid;
	pthread_t t;
	sigset_t set;

	sigaction(SIGUSR2, &sa, NULL);
	sigfillset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	t = spawn(unblocked, &tid);
	while (!ready)
		sched_yield();
	kill(getpid(), SIGUSR2);
	pthread_join(t, NULL);
	SHOW("hits %d in the thread %d", hits, hit_tid == tid);
}

static void *exit_process(void *arg)
{
	_exit((int)(long)arg);
}

static void *exit_late(void *arg)
{
	char stat[64] = "";

	while (!strstr(stat, ") Z")) {
		int fd = open("/proc/self/stat", O_RDONLY);

		if (fd < 0 || read(fd, stat, sizeof(stat) - 1) < 0)
			break;
		close(fd);
	}
	syscall(SYS_exit, (int)(long)arg);
	return NULL;
}

CASE(ends_of_processes)
{
	static const char *const what[] = { "thread calls exit_group", "leader first, thread exits",
					    "thread dies by a signal" };

	for (int i = 0; i < 3; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			if (i == 0) {
				spawn(exit_process, (void *)33);
				for (;;)
					pause();
			} else if (i == 1) {
				spawn(exit_late, (void *)44);
				syscall(SYS_exit, 55);
			}
			pthread_join(spawn((void *(*)(void *))abort, NULL), NULL);
		}
		waitpid(pid, &status, 0);
		abi_show_status(what[i], status & ~0x80);
	}
}

static void *pauser(void *arg)
{
	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return arg;
}

CASE(kill_takes_all_threads)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 5; i++)
			spawn(pauser, NULL);
		while (ready < 5)
			sched_yield();
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, &status, 0);
	abi_show_status("process", status);
}

CASE(stop_takes_all_threads)
{
	int status;
	volatile int *shared =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = fork();
	int before;

	if (pid == 0) {
		spawn(pauser, NULL);
		if (fork() == 0) {
			while (getppid() != 1)
				abi_sleep_ms(5);
			_exit(0);
		}
		for (;;)
			(*shared)++;
	}
	while (*shared < 1000)
		abi_sleep_ms(1);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	abi_show_status("stopped", status);
	before = *shared;
	abi_sleep_ms(50);
	SHOW("stands still %d", *shared == before);
	kill(pid, SIGCONT);
	while (*shared == before)
		abi_sleep_ms(1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	abi_show_status("end", status);
}

static void *names_itself(void *arg)
{
	char name[16];

	prctl(PR_SET_NAME, arg, 0, 0, 0);
	prctl(PR_GET_NAME, name, 0, 0, 0);
	SHOW("thread %s", name);
	return NULL;
}

CASE(names_of_threads)
{
	char name[16];

	prctl(PR_SET_NAME, "main", 0, 0, 0);
	pthread_join(spawn(names_itself, (void *)"worker"), NULL);
	prctl(PR_GET_NAME, name, 0, 0, 0);
	SHOW("leader %s", name);
}

static void *ids(void *arg)
{
	pid_t *out = arg;

	out[0] = getpid();
	out[1] = (pid_t)syscall(SYS_gettid);
	out[2] = getppid();
	out[3] = getpgid((pid_t)syscall(SYS_gettid));
	return NULL;
}

CASE(identities)
{
	pid_t out[4];

	pthread_join(spawn(ids, out), NULL);
	SHOW("pid %d tid differs %d ppid %d", out[0] == getpid(), out[1] != getpid(),
	     out[2] == getppid());
	SHOW("group of a thread id %d", out[3] == getpgrp());
}

CASE(fork_from_a_thread)
{
	int status;
	pid_t pid;

	spawn(pauser, NULL);
	pid = fork();
	if (pid == 0) {
		char stat[4096];
		int fd = open("/proc/self/status", O_RDONLY);
		ssize_t n = read(fd, stat, sizeof(stat) - 1);
		char *t;

		stat[n > 0 ? n : 0] = '\0';
		t = strstr(stat, "Threads:");
		SHOW("%.10s", t ? t : "?");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	abi_show_status("child", status);
}

static void *waits_for_child(void *arg)
{
	int status = 0;

	(void)arg;
	RET(waitpid(-1, &status, 0) > 0);
	abi_show_status("child", status);
	RET(waitpid(-1, &status, __WNOTHREAD));
	return NULL;
}

CASE(children_belong_to_the_process)
{
	if (fork() == 0)
		_exit(3);
	pthread_join(spawn(waits_for_child, NULL), NULL);
}

static void *sets_group(void *arg)
{
	(void)arg;
	syscall(SYS_setresuid, 1000, 1000, 1000);
	SHOW("thread %ld", syscall(SYS_getuid));
	return NULL;
}

CASE(credentials_are_per_thread)
{
	pthread_join(spawn(sets_group, NULL), NULL);
	SHOW("leader %ld", syscall(SYS_getuid));
}

static void *handler_stack(void *arg)
{
	static __thread char stack[16384];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;

	(void)arg;
	sigaltstack(&ss, NULL);
	sigaltstack(NULL, &old);
	return (void *)(long)(old.ss_sp == stack);
}

CASE(altstacks_are_per_thread)
{
	stack_t old;
	void *r;

	pthread_join(spawn(handler_stack, NULL), &r);
	sigaltstack(NULL, &old);
	SHOW("%ld, leader %s", (long)r, old.ss_flags == SS_DISABLE ? "has none" : "has one");
}

static void *churn(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++) {
		char *m = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		for (int k = 0; k < 65536; k += 4096)
			m[k] = (char)i;
		for (int k = 0; k < 65536; k += 4096)
			if (m[k] != (char)i)
				__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
		munmap(m, 65536);
	}
	return NULL;
}

CASE(threads_map_and_unmap)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		t[i] = spawn(churn, NULL);
	join_all(t, 4);
	SHOW("wrong %d", count);
}

static void *doubles(void *arg)
{
	volatile double x = (double)(long)arg, sum = 0;

	for (int i = 0; i < 20000; i++) {
		sum += x / 3.0;
		if (i % 1000 == 0)
			sched_yield();
	}
	return (void *)(long)(sum > x / 3.0 * 19999.9 && sum < x / 3.0 * 20000.1);
}

CASE(floating_point_is_per_thread)
{
	pthread_t t[6];
	long ok = 0;
	void *r;

	for (long i = 0; i < 6; i++)
		t[i] = spawn(doubles, (void *)(i + 1));
	for (int i = 0; i < 6; i++) {
		pthread_join(t[i], &r);
		ok += (long)r;
	}
	SHOW("%ld", ok);
}

/* A thread pointer that no program can have is refused before the processor would refuse it. */
CASE(clone_tls_limits)
{
	static const unsigned long bad[] = { 1UL << 47, (1UL << 47) - 4096, 1UL << 63,
					     0xffff800000000000UL, ~0UL };

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		long pid;

		errno = 0;
		pid = syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, NULL, NULL, NULL, bad[i]);
		if (!pid)
			syscall(SYS_exit_group, 0);
		SHOW("%u: %s", i, pid > 0 ? "made" : abi_errname(errno));
	}
	while (wait(NULL) > 0)
		;
}
