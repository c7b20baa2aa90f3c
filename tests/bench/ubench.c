/* SPDX-License-Identifier: MIT */
/* Microbenchmarks of system calls: one row an operation, the same static binary on Linux and on
 * Keelson. Prints "row nanoseconds-per-operation"; under `qemu -icount shift=0` a nanosecond is one
 * guest instruction. Each row runs three batches of a fixed count and reports the least.
 *
 *	ubench [ROW...]      all rows without arguments; run in a tmpfs
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *self_path;
static char buf[65536], buf2[65536];
static int fd_zero, fd_null, fd_file;

static void die(const char *what)
{
	fprintf(stderr, "ubench: %s: %s\n", what, strerror(errno));
	exit(1);
}
#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if ((long)(x) < 0)                                                                 \
			die(#x);                                                                   \
	} while (0)

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- rows: each does n operations --- */

static void b_user_loop_1k(int n)
{
	for (int i = 0; i < n; i++)
		for (volatile int k = 0; k < 1000; k++)
			;
}

static void b_getppid(int n)
{
	for (int i = 0; i < n; i++)
		syscall(SYS_getppid);
}

static void b_gettid(int n)
{
	for (int i = 0; i < n; i++)
		syscall(SYS_gettid);
}

static void b_clock_gettime_sys(int n)
{
	struct timespec t;

	for (int i = 0; i < n; i++)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
}

static void b_clock_gettime_libc(int n)
{
	struct timespec t;

	for (int i = 0; i < n; i++)
		clock_gettime(CLOCK_MONOTONIC, &t);
}

static void b_sched_yield(int n)
{
	for (int i = 0; i < n; i++)
		syscall(SYS_sched_yield);
}

static void b_read1_devzero(int n)
{
	for (int i = 0; i < n; i++)
		CHECK(read(fd_zero, buf, 1));
}

static void b_write1_devnull(int n)
{
	for (int i = 0; i < n; i++)
		CHECK(write(fd_null, buf, 1));
}

static void b_stat(int n)
{
	struct stat st;

	for (int i = 0; i < n; i++)
		CHECK(syscall(SYS_stat, "file64k", &st));
}

static void b_stat_deep5(int n)
{
	struct stat st;

	for (int i = 0; i < n; i++)
		CHECK(syscall(SYS_stat, "d1/d2/d3/d4/f", &st));
}

static void b_stat_enoent(int n)
{
	struct stat st;

	for (int i = 0; i < n; i++)
		syscall(SYS_stat, "no-such-file", &st);
}

static void b_fstat(int n)
{
	struct stat st;

	for (int i = 0; i < n; i++)
		CHECK(syscall(SYS_fstat, fd_file, &st));
}

static void b_open_close(int n)
{
	for (int i = 0; i < n; i++) {
		int fd = open("file64k", O_RDONLY);

		CHECK(fd);
		close(fd);
	}
}

static void b_dup_close(int n)
{
	for (int i = 0; i < n; i++) {
		int fd = dup(fd_file);

		CHECK(fd);
		close(fd);
	}
}

static void b_fcntl_getfl(int n)
{
	for (int i = 0; i < n; i++)
		CHECK(syscall(SYS_fcntl, fd_file, F_GETFL));
}

static void b_lseek(int n)
{
	for (int i = 0; i < n; i++)
		CHECK(lseek(fd_file, i & 4095, SEEK_SET));
}

static void b_getdents(int n)
{
	int fd = open("dir20", O_RDONLY | O_DIRECTORY);

	CHECK(fd);
	for (int i = 0; i < n; i++) {
		lseek(fd, 0, SEEK_SET);
		while (syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0)
			;
	}
	close(fd);
}

static int pipes[100][2];

static void open_pipes(void)
{
	if (!pipes[0][1])
		for (int i = 0; i < 100; i++)
			CHECK(pipe(pipes[i]));
}

static void b_poll100_pipes(int n)
{
	struct pollfd p[100];

	open_pipes();
	for (int i = 0; i < 100; i++)
		p[i] = (struct pollfd){ .fd = pipes[i][0], .events = POLLIN };
	for (int i = 0; i < n; i++)
		CHECK(poll(p, 100, 0));
}

static void b_select100_pipes(int n)
{
	open_pipes();
	for (int i = 0; i < n; i++) {
		fd_set s;
		struct timeval tv = { 0, 0 };

		FD_ZERO(&s);
		for (int k = 0; k < 100; k++)
			FD_SET(pipes[k][0], &s);
		CHECK(select(pipes[99][0] + 1, &s, NULL, NULL, &tv));
	}
}

static void b_epoll100_1ready(int n)
{
	int ep = epoll_create1(0);
	struct epoll_event ev = { .events = EPOLLIN }, out[8];

	open_pipes();
	for (int i = 0; i < 100; i++)
		CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[i][0], &ev));
	CHECK(write(pipes[50][1], "x", 1));
	for (int i = 0; i < n; i++)
		CHECK(epoll_wait(ep, out, 8, 0));
	CHECK(read(pipes[50][0], buf, 1));
	close(ep);
}

static volatile int signals_seen;
static void on_signal(int sig)
{
	(void)sig;
	signals_seen++;
}

static void b_sigaction(int n)
{
	struct sigaction sa = { .sa_handler = on_signal };

	for (int i = 0; i < n; i++)
		CHECK(sigaction(SIGUSR2, &sa, NULL));
}

static void b_sig_handle(int n)
{
	struct sigaction sa = { .sa_handler = on_signal };
	pid_t me = getpid(), tid = (pid_t)syscall(SYS_gettid);

	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < n; i++)
		syscall(SYS_tgkill, me, tid, SIGUSR1);
}

static char *prot_page;
static void on_segv(int sig)
{
	(void)sig;
	mprotect(prot_page, 4096, PROT_READ | PROT_WRITE);
}

static void b_prot_fault_sig(int n)
{
	struct sigaction sa = { .sa_handler = on_segv };

	prot_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaction(SIGSEGV, &sa, NULL);
	for (int i = 0; i < n; i++) {
		mprotect(prot_page, 4096, PROT_READ);
		*(volatile char *)prot_page = 1;
	}
	munmap(prot_page, 4096);
	signal(SIGSEGV, SIG_DFL);
}

static void b_mmap_munmap_4k(int n)
{
	for (int i = 0; i < n; i++) {
		char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		if (p == MAP_FAILED)
			die("mmap");
		*(volatile char *)p = 1;
		munmap(p, 4096);
	}
}

static void b_mprotect_4k(int n)
{
	char *p = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < n; i++)
		CHECK(mprotect(p + 4096, 4096, i & 1 ? PROT_READ | PROT_WRITE : PROT_READ));
	munmap(p, 3 * 4096);
}

static void b_brk_grow_shrink(int n)
{
	uintptr_t b = (uintptr_t)syscall(SYS_brk, 0);

	for (int i = 0; i < n; i++) {
		syscall(SYS_brk, b + 16384);
		*(volatile char *)b = 1;
		syscall(SYS_brk, b);
	}
}

static void b_anon_fault_256p(int n)
{
	for (int i = 0; i < n; i++) {
		char *p = mmap(NULL, 256 * 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (int k = 0; k < 256; k++)
			((volatile char *)p)[k * 4096] = 1;
		munmap(p, 256 * 4096);
	}
}

static void b_file_fault_256p(int n)
{
	int fd = open("file1m", O_RDONLY);
	volatile char sink;

	for (int i = 0; i < n; i++) {
		char *p = mmap(NULL, 256 * 4096, PROT_READ, MAP_SHARED, fd, 0);

		for (int k = 0; k < 256; k++)
			sink = ((volatile char *)p)[k * 4096];
		munmap(p, 256 * 4096);
	}
	(void)sink;
	close(fd);
}

static void wait_child(pid_t pid)
{
	int st;

	CHECK(pid);
	if (waitpid(pid, &st, 0) != pid || st != 0)
		die("child");
}

static void b_cow_fault_256p(int n)
{
	char *p =
		mmap(NULL, 256 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 1, 256 * 4096);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			for (int k = 0; k < 256; k++)
				((volatile char *)p)[k * 4096] = 2;
			_exit(0);
		}
		wait_child(pid);
	}
	munmap(p, 256 * 4096);
}

static void b_fork_exit_wait(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		wait_child(pid);
	}
}

static void b_vfork_exit_wait(int n)
{
	for (volatile int i = 0; i < n; i++) {
		pid_t pid = vfork();

		if (pid == 0)
			_exit(0);
		wait_child(pid);
	}
}

static void b_fork_exec_hello(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execl(self_path, "ubench", "--exit", (char *)NULL);
			_exit(1);
		}
		wait_child(pid);
	}
}

static void b_fork_exec_sh(int n)
{
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
			_exit(1);
		}
		wait_child(pid);
	}
}

static void *thread_body(void *arg)
{
	return arg;
}

static void b_thread_create_join(int n)
{
	for (int i = 0; i < n; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, thread_body, NULL))
			die("pthread_create");
		pthread_join(t, NULL);
	}
}

static int futex_word;
static int futex_rounds;

static void futex_wait_for(int v)
{
	while (__atomic_load_n(&futex_word, __ATOMIC_SEQ_CST) != v)
		syscall(SYS_futex, &futex_word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, !v, NULL, NULL, 0);
}

static void futex_pass(int v)
{
	__atomic_store_n(&futex_word, v, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &futex_word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

static void *futex_peer(void *arg)
{
	for (int i = 0; i < futex_rounds; i++) {
		futex_wait_for(1);
		futex_pass(0);
	}
	return arg;
}

static void b_futex_pingpong(int n)
{
	pthread_t t;

	futex_rounds = n;
	futex_word = 0;
	pthread_create(&t, NULL, futex_peer, NULL);
	for (int i = 0; i < n; i++) {
		futex_pass(1);
		futex_wait_for(0);
	}
	pthread_join(t, NULL);
}

static void b_pipe_pingpong(int n)
{
	int a[2], b[2];
	pid_t pid;

	CHECK(pipe(a));
	CHECK(pipe(b));
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < n; i++)
			if (read(a[0], buf, 1) != 1 || write(b[1], buf, 1) != 1)
				_exit(1);
		_exit(0);
	}
	for (int i = 0; i < n; i++)
		if (write(a[1], buf, 1) != 1 || read(b[0], buf, 1) != 1)
			die("pipe");
	wait_child(pid);
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
}

static void b_eventfd_rw(int n)
{
	int fd = eventfd(0, 0);
	uint64_t v = 1;

	for (int i = 0; i < n; i++) {
		CHECK(write(fd, &v, 8));
		CHECK(read(fd, &v, 8));
	}
	close(fd);
}

static void b_create_del_0k(int n)
{
	for (int i = 0; i < n; i++) {
		int fd = open("tmp0", O_CREAT | O_WRONLY, 0644);

		CHECK(fd);
		close(fd);
		CHECK(unlink("tmp0"));
	}
}

static void b_create_del_10k(int n)
{
	for (int i = 0; i < n; i++) {
		int fd = open("tmp1", O_CREAT | O_WRONLY, 0644);

		CHECK(write(fd, buf, 10240));
		close(fd);
		CHECK(unlink("tmp1"));
	}
}

static void b_rename(int n)
{
	close(open("ra", O_CREAT | O_WRONLY, 0644));
	for (int i = 0; i < n; i++)
		CHECK(rename(i & 1 ? "rb" : "ra", i & 1 ? "ra" : "rb"));
	unlink("ra");
	unlink("rb");
}

static void b_mkdir_rmdir(int n)
{
	for (int i = 0; i < n; i++) {
		CHECK(mkdir("dtmp", 0755));
		CHECK(rmdir("dtmp"));
	}
}

static void b_pread_4k(int n)
{
	for (int i = 0; i < n; i++)
		CHECK(pread(fd_file, buf, 4096, 0));
}

static void b_pread_64k(int n)
{
	for (int i = 0; i < n; i++)
		CHECK(pread(fd_file, buf, 65536, 0));
}

static void b_pwrite_4k(int n)
{
	for (int i = 0; i < n; i++)
		CHECK(pwrite(fd_file, buf, 4096, 0));
}

static void b_pwrite_64k(int n)
{
	for (int i = 0; i < n; i++)
		CHECK(pwrite(fd_file, buf, 65536, 0));
}

static void b_append_1m_trunc(int n)
{
	int fd = open("app", O_CREAT | O_WRONLY | O_APPEND, 0644);

	for (int i = 0; i < n; i++) {
		for (int k = 0; k < 256; k++)
			CHECK(write(fd, buf, 4096));
		CHECK(ftruncate(fd, 0));
	}
	close(fd);
	unlink("app");
}

static void b_pipe_64k_write(int n)
{
	int p[2];
	pid_t pid;

	CHECK(pipe(p));
	pid = fork();
	if (pid == 0) {
		close(p[1]);
		while (read(p[0], buf2, sizeof(buf2)) > 0)
			;
		_exit(0);
	}
	close(p[0]);
	for (int i = 0; i < n; i++)
		if (write(p[1], buf, 65536) != 65536)
			die("pipe write");
	close(p[1]);
	wait_child(pid);
}

static void b_memcpy_64k_user(int n)
{
	for (int i = 0; i < n; i++) {
		void *d = buf2, *s = buf;
		size_t c = 8192;

		__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(c)::"memory");
	}
}

static const struct row {
	const char *name;
	void (*fn)(int n);
	int n;
} rows[] = {
	{ "user_loop_1k", b_user_loop_1k, 200 },
	{ "getppid", b_getppid, 5000 },
	{ "gettid", b_gettid, 5000 },
	{ "clock_gettime_sys", b_clock_gettime_sys, 5000 },
	{ "clock_gettime_libc", b_clock_gettime_libc, 5000 },
	{ "sched_yield", b_sched_yield, 3000 },
	{ "read1_devzero", b_read1_devzero, 5000 },
	{ "write1_devnull", b_write1_devnull, 5000 },
	{ "stat", b_stat, 2000 },
	{ "stat_deep5", b_stat_deep5, 2000 },
	{ "stat_enoent", b_stat_enoent, 2000 },
	{ "fstat", b_fstat, 3000 },
	{ "open_close", b_open_close, 2000 },
	{ "dup_close", b_dup_close, 3000 },
	{ "fcntl_getfl", b_fcntl_getfl, 5000 },
	{ "lseek", b_lseek, 5000 },
	{ "getdents", b_getdents, 300 },
	{ "poll100_pipes", b_poll100_pipes, 500 },
	{ "select100_pipes", b_select100_pipes, 500 },
	{ "epoll100_1ready", b_epoll100_1ready, 3000 },
	{ "sigaction", b_sigaction, 3000 },
	{ "sig_handle", b_sig_handle, 1000 },
	{ "prot_fault_sig", b_prot_fault_sig, 500 },
	{ "mmap_munmap_4k", b_mmap_munmap_4k, 1000 },
	{ "mprotect_4k", b_mprotect_4k, 1000 },
	{ "brk_grow_shrink", b_brk_grow_shrink, 1000 },
	{ "anon_fault_256p", b_anon_fault_256p, 10 },
	{ "file_fault_256p", b_file_fault_256p, 10 },
	{ "cow_fault_256p", b_cow_fault_256p, 5 },
	{ "fork_exit_wait", b_fork_exit_wait, 50 },
	{ "vfork_exit_wait", b_vfork_exit_wait, 100 },
	{ "fork_exec_hello", b_fork_exec_hello, 30 },
	{ "fork_exec_sh", b_fork_exec_sh, 20 },
	{ "thread_create_join", b_thread_create_join, 100 },
	{ "futex_pingpong", b_futex_pingpong, 500 },
	{ "pipe_pingpong", b_pipe_pingpong, 500 },
	{ "eventfd_rw", b_eventfd_rw, 2000 },
	{ "create_del_0k", b_create_del_0k, 500 },
	{ "create_del_10k", b_create_del_10k, 300 },
	{ "rename", b_rename, 1000 },
	{ "mkdir_rmdir", b_mkdir_rmdir, 500 },
	{ "pread_4k", b_pread_4k, 1000 },
	{ "pread_64k", b_pread_64k, 200 },
	{ "pwrite_4k", b_pwrite_4k, 1000 },
	{ "pwrite_64k", b_pwrite_64k, 200 },
	{ "append_1m_trunc", b_append_1m_trunc, 5 },
	{ "pipe_64k_write", b_pipe_64k_write, 50 },
	{ "memcpy_64k_user", b_memcpy_64k_user, 100 },
};

static void write_file(const char *name, size_t size)
{
	int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);

	CHECK(fd);
	for (size_t done = 0; done < size; done += sizeof(buf))
		CHECK(write(fd, buf, size - done < sizeof(buf) ? size - done : sizeof(buf)));
	close(fd);
}

static void prepare(void)
{
	char name[64];

	memset(buf, 'x', sizeof(buf));
	mkdir("/tmp/ubench.d", 0755);
	CHECK(chdir("/tmp/ubench.d"));
	write_file("file64k", 65536);
	write_file("file1m", 1 << 20);
	mkdir("d1", 0755);
	mkdir("d1/d2", 0755);
	mkdir("d1/d2/d3", 0755);
	mkdir("d1/d2/d3/d4", 0755);
	write_file("d1/d2/d3/d4/f", 1);
	mkdir("dir20", 0755);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "dir20/some-file-name-%d", i);
		write_file(name, 0);
	}
	CHECK(fd_zero = open("/dev/zero", O_RDONLY));
	CHECK(fd_null = open("/dev/null", O_WRONLY));
	CHECK(fd_file = open("file64k", O_RDWR));
}

static void run(const struct row *r)
{
	uint64_t best = UINT64_MAX;

	r->fn(r->n / 10 + 1);
	for (int k = 0; k < 3; k++) {
		uint64_t t = now();

		r->fn(r->n);
		t = now() - t;
		if (t < best)
			best = t;
	}
	printf("%s %llu\n", r->name, (unsigned long long)(best / (uint64_t)r->n));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char path[4096];

	if (argc > 1 && strcmp(argv[1], "--exit") == 0)
		return 0;
	self_path = realpath("/proc/self/exe", path) ? path : argv[0];
	prepare();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int wanted = argc == 1;

		for (int k = 1; k < argc; k++)
			wanted |= strcmp(argv[k], rows[i].name) == 0;
		if (wanted)
			run(&rows[i]);
	}
	return 0;
}
