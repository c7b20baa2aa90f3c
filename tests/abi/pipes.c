/* SPDX-License-Identifier: MIT */
/* Pipes and FIFOs: blocking, atomic writes, sizes, packets, poll, splice, tee and vmsplice. */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

static int p[2];

static void open_pipe(int flags)
{
	NEED(pipe2(p, flags));
}

static void nonblock(int fd, int on)
{
	int fl = (int)NEED(fcntl(fd, F_GETFL));

	NEED(fcntl(fd, F_SETFL, on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK));
}

static long fill(void)
{
	static char buf[4096];
	long sum = 0;
	ssize_t n;

	nonblock(p[1], 1);
	while ((n = write(p[1], buf, sizeof(buf))) > 0)
		sum += n;
	nonblock(p[1], 0);
	return sum;
}

static int events(int fd, short want)
{
	struct pollfd pf = { fd, want, 0 };

	poll(&pf, 1, 0);
	return pf.revents;
}

CASE(pipe_errors)
{
	RET(pipe2(p, 0x10));
	RET(syscall(SYS_pipe, 8));
	RET(syscall(SYS_pipe2, 8, 0));
	RET(pipe2(p, O_CLOEXEC | O_NONBLOCK | O_DIRECT));
	RET(fcntl(p[0], F_GETFD));
	RET(fcntl(p[0], F_GETFL) & ~O_LARGEFILE);
	RET(fcntl(p[1], F_GETFL) & ~O_LARGEFILE);
	RET(lseek(p[0], 0, SEEK_SET));
	RET(pread(p[0], p, 1, 0));
	RET(pwrite(p[1], p, 1, 0));
	RET(write(p[0], "x", 1));
	RET(read(p[1], p, 1));
	RET(ftruncate(p[1], 0));
	RET(fsync(p[0]));
}

CASE(pipe_limit_of_descriptors)
{
	struct rlimit rl = { 5, 5 };

	setrlimit(RLIMIT_NOFILE, &rl);
	while (dup(0) >= 0)
		;
	close(4);
	RET(pipe(p));
	OK(dup(0) == 4);
}

CASE(pipe_stat)
{
	struct stat a, b;

	open_pipe(0);
	fstat(p[0], &a);
	fstat(p[1], &b);
	SHOW("mode %o size %ld links %ld same %d", a.st_mode, (long)a.st_size, (long)a.st_nlink,
	     a.st_ino == b.st_ino);
}

CASE(end_of_file)
{
	char c;

	open_pipe(0);
	NEED(write(p[1], "x", 1));
	close(p[1]);
	RET(read(p[0], &c, 1));
	RET(read(p[0], &c, 1));
	RET(read(p[0], &c, 0));
}

CASE(broken_pipe)
{
	int status;
	pid_t pid;

	open_pipe(0);
	close(p[0]);
	pid = fork();
	if (pid == 0) {
		NEED(write(p[1], "x", 1));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	abi_show_status("writer", status);
	signal(SIGPIPE, SIG_IGN);
	RET(write(p[1], "x", 1));
	RET(write(p[1], "x", 0));
}

CASE(nonblocking)
{
	char c;

	open_pipe(O_NONBLOCK);
	RET(read(p[0], &c, 1));
	RET(read(p[0], &c, 0));
	SHOW("filled %ld", fill());
	nonblock(p[1], 1);
	RET(write(p[1], "x", 1));
	RET(read(p[0], &c, 1));
	RET(write(p[1], "x", 1));
}

CASE(atomic_writes)
{
	static char buf[65536], sink[65536];

	open_pipe(O_NONBLOCK);
	fill();
	nonblock(p[1], 1);
	NEED(read(p[0], sink, 4095));
	RET(write(p[1], buf, 4096));
	RET(write(p[1], buf, 4097));
	NEED(read(p[0], sink, 1));
	RET(write(p[1], buf, 4096));
	NEED(read(p[0], sink, 8192));
	RET(write(p[1], buf, 20000));
}

CASE(big_write_to_slow_reader)
{
	static char buf[200000];
	long sum = 0, order = 1;
	ssize_t n;
	pid_t pid;

	open_pipe(0);
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (char)(i / 1000);
		_exit(write(p[1], buf, sizeof(buf)) == sizeof(buf) ? 0 : 1);
	}
	close(p[1]);
	while ((n = read(p[0], buf, 7777)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			order &= buf[i] == (char)((sum + i) / 1000);
		sum += n;
	}
	SHOW("%ld in order %ld", sum, order);
	waitpid(pid, &(int){ 0 }, 0);
}

CASE(interleaved_writers_keep_lines)
{
	char line[100], c, first = 0;
	long lines = 0, bad = 0, n = 0;

	open_pipe(0);
	for (int w = 0; w < 4; w++) {
		if (fork() == 0) {
			memset(line, 'a' + w, sizeof(line));
			line[99] = '\n';
			for (int i = 0; i < 200; i++)
				NEED(write(p[1], line, sizeof(line)));
			_exit(0);
		}
	}
	close(p[1]);
	while (read(p[0], &c, 1) == 1) {
		if (c == '\n') {
			bad += n != 99;
			lines++;
			n = 0;
		} else {
			if (!n)
				first = c;
			bad += c != first;
			n++;
		}
	}
	SHOW("lines %ld bad %ld", lines, bad);
}

CASE(read_gives_what_is_there)
{
	char buf[100];

	open_pipe(0);
	NEED(write(p[1], "abc", 3));
	NEED(write(p[1], "defg", 4));
	RET(read(p[0], buf, 5));
	RET(read(p[0], buf, 100));
	NEED(write(p[1], "abc", 3));
	RET(readv(p[0], (struct iovec[]){ { buf, 1 }, { buf + 1, 50 } }, 2));
	SHOW("%.3s", buf);
}

CASE(bad_buffers)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), c;

	munmap(m + 4096, 4096);
	open_pipe(O_NONBLOCK);
	RET(write(p[1], (char *)8, 1));
	RET(read(p[0], &c, 1));
	NEED(write(p[1], "abcdefgh", 8));
	RET(syscall(SYS_read, p[0], 8, 4));
	RET(syscall(SYS_read, p[0], m + 4092, 8));
	RET(read(p[0], m, 8));
	RET(syscall(SYS_write, p[1], m + 4092, 8));
	RET(read(p[0], m, 8));
}

CASE(sizes)
{
	open_pipe(0);
	RET(fcntl(p[0], F_GETPIPE_SZ));
	RET(fcntl(p[1], F_SETPIPE_SZ, 1));
	RET(fcntl(p[1], F_SETPIPE_SZ, 5000));
	RET(fcntl(p[1], F_SETPIPE_SZ, 65537));
	RET(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
	RET(fcntl(p[1], F_GETPIPE_SZ));
	SHOW("holds %ld", fill());
	RET(fcntl(p[1], F_SETPIPE_SZ, 65536));
	RET(fcntl(p[1], F_SETPIPE_SZ, 0));
	RET(fcntl(p[1], F_SETPIPE_SZ, -1));
	RET(fcntl(open("/dev/null", O_RDONLY), F_GETPIPE_SZ));
	open_pipe(0);
	RET(fcntl(p[0], F_SETPIPE_SZ, 4096));
	SHOW("holds %ld", fill());
	NEED(setresuid(1000, 1000, 1000));
	RET(fcntl(p[0], F_SETPIPE_SZ, 1 << 20));
	RET(fcntl(p[0], F_SETPIPE_SZ, (1 << 20) + 1));
}

CASE(fionread)
{
	int n = -1;

	open_pipe(0);
	RET(ioctl(p[0], FIONREAD, &n));
	SHOW("%d", n);
	NEED(write(p[1], "hello", 5));
	RET(ioctl(p[0], FIONREAD, &n));
	SHOW("%d", n);
	RET(ioctl(p[1], FIONREAD, &n));
	SHOW("%d", n);
	RET(ioctl(p[0], FIONREAD, 8));
	RET(ioctl(p[0], TIOCGWINSZ, &n));
	n = 1;
	RET(ioctl(p[0], FIONBIO, &n));
	SHOW("%d", !!(fcntl(p[0], F_GETFL) & O_NONBLOCK));
	RET(ioctl(p[0], FIOCLEX));
	RET(fcntl(p[0], F_GETFD));
	RET(ioctl(p[0], FIONCLEX));
	RET(fcntl(p[0], F_GETFD));
}

CASE(packets)
{
	static char buf[9000];
	char c[10];

	open_pipe(O_DIRECT | O_NONBLOCK);
	NEED(write(p[1], "one", 3));
	NEED(write(p[1], "two", 3));
	NEED(write(p[1], "three", 5));
	RET(read(p[0], c, 10));
	RET(read(p[0], c, 2));
	RET(read(p[0], c, 10));
	RET(write(p[1], buf, 9000));
	RET(read(p[0], buf, 9000));
	RET(read(p[0], buf, 9000));
	RET(read(p[0], buf, 9000));
	RET(read(p[0], buf, 9000));
}

CASE(poll_of_ends)
{
	char c;

	open_pipe(0);
	SHOW("empty: %#x %#x", events(p[0], POLLIN), events(p[1], POLLOUT));
	NEED(write(p[1], "x", 1));
	SHOW("one byte: %#x %#x", events(p[0], POLLIN | POLLOUT), events(p[1], POLLIN | POLLOUT));
	fill();
	SHOW("full: %#x %#x", events(p[0], POLLIN), events(p[1], POLLOUT));
	NEED(read(p[0], &c, 1));
	SHOW("full but one: %#x", events(p[1], POLLOUT));
	close(p[1]);
	SHOW("no writer: %#x", events(p[0], POLLIN));
	while (read(p[0], &(char[4096]){ 0 }, 4096) > 0)
		;
	SHOW("no writer, empty: %#x", events(p[0], POLLIN));
	open_pipe(0);
	close(p[0]);
	SHOW("no reader: %#x", events(p[1], POLLOUT));
}

CASE(writer_wakes_reader)
{
	char c = 0;
	pid_t pid;

	open_pipe(0);
	pid = fork();
	if (pid == 0) {
		abi_sleep_ms(30);
		NEED(write(p[1], "w", 1));
		_exit(0);
	}
	RET(read(p[0], &c, 1));
	SHOW("%c", c);
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		abi_sleep_ms(30);
		_exit(0);
	}
	close(p[1]);
	RET(read(p[0], &c, 1));
}

CASE(last_reader_wakes_writer)
{
	pid_t pid;
	int q[2];
	char c;

	open_pipe(0);
	NEED(pipe(q));
	fill();
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		signal(SIGPIPE, SIG_IGN);
		NEED(write(q[1], "r", 1));
		RET(write(p[1], "x", 1));
		_exit(0);
	}
	NEED(read(q[0], &c, 1));
	abi_sleep_ms(30);
	close(p[0]);
	waitpid(pid, NULL, 0);
}

static volatile int hits;

static void on_signal(int sig)
{
	(void)sig;
	hits++;
}

CASE(partial_write_before_signal)
{
	static char buf[100000];
	struct sigaction sa = { .sa_handler = on_signal };
	pid_t pid, me = getpid();

	open_pipe(0);
	sigaction(SIGUSR1, &sa, NULL);
	pid = fork();
	if (pid == 0) {
		/* The pipe is full when no more than its size can be read from it. */
		int n = 0;

		while (n < 65536) {
			ioctl(p[0], FIONREAD, &n);
			abi_sleep_ms(1);
		}
		kill(me, SIGUSR1);
		_exit(0);
	}
	RET(write(p[1], buf, sizeof(buf)));
	SHOW("hits %d", hits);
	waitpid(pid, NULL, 0);
}

CASE(fifo_rules)
{
	char c;

	NEED(mkfifo("f", 0644));
	RET(open("f", O_WRONLY | O_NONBLOCK));
	p[0] = (int)OK(open("f", O_RDONLY | O_NONBLOCK));
	RET(read(p[0], &c, 1));
	SHOW("no writer yet %#x", events(p[0], POLLIN));
	p[1] = (int)OK(open("f", O_WRONLY | O_NONBLOCK));
	RET(read(p[0], &c, 1));
	NEED(write(p[1], "x", 1));
	SHOW("data %#x", events(p[0], POLLIN));
	close(p[1]);
	RET(read(p[0], &c, 1));
	RET(read(p[0], &c, 1));
	SHOW("writer gone %#x", events(p[0], POLLIN));
	p[1] = (int)OK(open("f", O_RDWR));
	SHOW("writer again %#x", events(p[0], POLLIN));
	close(p[0]);
	NEED(write(p[1], "y", 1));
	RET(read(p[1], &c, 1));
	RET(lseek(p[1], 0, SEEK_CUR));
	OK(open("f", O_RDONLY | O_DIRECTORY));
	RET(fcntl(p[1], F_GETPIPE_SZ));
}

CASE(fifo_open_blocks)
{
	pid_t pid;
	char c;

	NEED(mkfifo("f", 0644));
	pid = fork();
	if (pid == 0) {
		p[1] = (int)NEED(open("f", O_WRONLY));
		NEED(write(p[1], "x", 1));
		_exit(0);
	}
	p[0] = (int)OK(open("f", O_RDONLY));
	RET(read(p[0], &c, 1));
	RET(read(p[0], &c, 1));
	waitpid(pid, NULL, 0);
}

CASE(fifo_open_interrupted)
{
	struct sigaction sa = { .sa_handler = on_signal };

	NEED(mkfifo("f", 0644));
	sigaction(SIGALRM, &sa, NULL);
	ualarm(50000, 50000);
	RET(open("f", O_RDONLY));
	RET(open("f", O_WRONLY));
	ualarm(0, 0);
}

CASE(fifo_by_two_names)
{
	int a;

	NEED(mkfifo("f", 0644));
	NEED(link("f", "g"));
	a = (int)NEED(open("f", O_RDWR));
	p[0] = (int)NEED(open("g", O_RDONLY | O_NONBLOCK));
	NEED(write(a, "hi", 2));
	RET(read(p[0], (char[4]){ 0 }, 4));
	NEED(unlink("f"));
	NEED(unlink("g"));
	NEED(write(a, "hi", 2));
	RET(read(p[0], (char[4]){ 0 }, 4));
}

CASE(reopen_through_proc)
{
	char path[64], c;
	int w;

	open_pipe(0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	w = (int)OK(open(path, O_WRONLY));
	NEED(write(w, "x", 1));
	RET(read(p[0], &c, 1));
	close(p[1]);
	close(w);
	RET(read(p[0], &c, 1));
	w = open(path, O_RDONLY | O_NONBLOCK);
	RET(read(w, &c, 1));
}

CASE(splice_errors)
{
	int f, d = (int)NEED(open(".", O_RDONLY)), q[2];
	off_t off = 0;

	abi_file("f", "0123456789", 0644);
	f = (int)NEED(open("f", O_RDWR));
	open_pipe(0);
	NEED(pipe(q));
	NEED(write(p[1], "x", 1));
	RET(splice(f, NULL, f, NULL, 1, 0));
	RET(splice(p[0], NULL, p[1], NULL, 1, 0));
	RET(splice(p[1], NULL, f, NULL, 1, 0));
	RET(splice(f, NULL, p[0], NULL, 1, 0));
	RET(splice(p[0], &off, f, NULL, 1, 0));
	RET(splice(p[0], NULL, q[1], &off, 1, 0));
	RET(splice(-1, NULL, p[1], NULL, 1, 0));
	RET(splice(f, NULL, -1, NULL, 1, 0));
	RET(splice(f, NULL, p[1], NULL, 1, 0x100));
	RET(splice(f, NULL, p[1], NULL, 0, 0));
	RET(splice(-1, NULL, -1, NULL, 0, 0));
	RET(splice(d, NULL, p[1], NULL, 1, 0));
	RET(splice(f, (off_t *)8, p[1], NULL, 1, 0));
	off = -1;
	RET(splice(f, &off, p[1], NULL, 1, 0));
	NEED(fcntl(f, F_SETFL, O_APPEND));
	RET(splice(p[0], NULL, f, NULL, 1, 0));
	RET(tee(f, p[1], 1, 0));
	RET(tee(p[0], p[1], 1, 0));
	RET(tee(p[0], q[1], 1, 0x100));
	RET(vmsplice(f, NULL, 0, 0));
	RET(vmsplice(-1, NULL, 0, 0));
}

CASE(splice_moves)
{
	char buf[32] = "";
	int f, g, q[2];
	off_t off = 4;

	abi_file("f", "0123456789", 0644);
	f = (int)NEED(open("f", O_RDONLY));
	g = (int)NEED(open("g", O_RDWR | O_CREAT, 0644));
	open_pipe(O_NONBLOCK);
	NEED(pipe2(q, O_NONBLOCK));
	RET(splice(f, &off, p[1], NULL, 3, 0));
	SHOW("off %ld pos %ld", (long)off, (long)lseek(f, 0, SEEK_CUR));
	RET(splice(f, NULL, p[1], NULL, 100, 0));
	SHOW("pos %ld", (long)lseek(f, 0, SEEK_CUR));
	RET(splice(f, NULL, p[1], NULL, 100, 0));
	RET(splice(p[0], NULL, q[1], NULL, 5, 0));
	RET(splice(p[0], NULL, g, NULL, 100, 0));
	RET(splice(p[0], NULL, g, NULL, 100, SPLICE_F_NONBLOCK));
	off = 20;
	RET(splice(q[0], NULL, g, &off, 100, 0));
	RET(pread(g, buf, 32, 0));
	SHOW("%.8s|%.5s off %ld pos %ld", buf, buf + 20, (long)off, (long)lseek(g, 0, SEEK_CUR));
	close(p[1]);
	RET(splice(p[0], NULL, g, NULL, 100, 0));
}

CASE(splice_into_broken_pipe)
{
	int f;

	abi_file("f", "0123456789", 0644);
	f = (int)NEED(open("f", O_RDONLY));
	open_pipe(0);
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	RET(splice(f, NULL, p[1], NULL, 5, 0));
	SHOW("pos %ld", (long)lseek(f, 0, SEEK_CUR));
}

CASE(tee_copies)
{
	char buf[32] = "";
	int q[2];

	open_pipe(O_NONBLOCK);
	NEED(pipe2(q, O_NONBLOCK));
	RET(tee(p[0], q[1], 10, SPLICE_F_NONBLOCK));
	NEED(write(p[1], "hello", 5));
	NEED(write(p[1], "world", 5));
	RET(tee(p[0], q[1], 7, 0));
	RET(read(q[0], buf, 32));
	SHOW("%s", buf);
	RET(read(p[0], buf, 32));
	SHOW("%s", buf);
	RET(tee(p[0], q[1], 0, 0));
	close(p[1]);
	RET(tee(p[0], q[1], 10, 0));
}

CASE(vmsplice_both_ways)
{
	char buf[32] = "",
	     *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v[2] = { { m, 4 }, { m + 4096, 3 } };

	memcpy(m, "page", 4);
	memcpy(m + 4096, "two", 3);
	open_pipe(O_NONBLOCK);
	RET(vmsplice(p[1], v, 2, 0));
	RET(read(p[0], buf, 32));
	SHOW("%s", buf);
	NEED(write(p[1], "123456", 6));
	RET(vmsplice(p[0], v, 2, 0));
	SHOW("%.4s %.2s", m, m + 4096);
	v[0].iov_base = (void *)8;
	RET(vmsplice(p[1], v, 1, 0));
	RET(vmsplice(p[1], (struct iovec *)8, 1, 0));
	RET(vmsplice(p[1], v, 2000, 0));
	RET(vmsplice(p[1], v, 0, 0));
}

CASE(sendfile_to_pipe)
{
	char buf[32] = "";
	int f;
	off_t off = 2;

	abi_file("f", "0123456789", 0644);
	f = (int)NEED(open("f", O_RDONLY));
	open_pipe(O_NONBLOCK);
	RET(sendfile(p[1], f, &off, 4));
	SHOW("off %ld", (long)off);
	RET(sendfile(p[1], f, NULL, 100));
	RET(read(p[0], buf, 32));
	SHOW("%s", buf);
	RET(sendfile(p[1], p[0], NULL, 1));
	RET(sendfile(p[0], f, NULL, 1));
	RET(sendfile(-1, f, NULL, 1));
	RET(sendfile(p[1], f, (off_t *)8, 1));
	off = -1;
	RET(sendfile(p[1], f, &off, 1));
}

CASE(device_ends)
{
	int n = (int)NEED(open("/dev/null", O_RDWR)), z = (int)NEED(open("/dev/zero", O_RDONLY));
	char buf[8];

	open_pipe(O_NONBLOCK);
	RET(splice(n, NULL, p[1], NULL, 10, 0));
	RET(splice(z, NULL, p[1], NULL, 10, 0));
	RET(splice(p[0], NULL, n, NULL, 10, 0));
	NEED(write(p[1], "12345", 5));
	RET(splice(p[0], NULL, n, NULL, 3, 0));
	RET(read(p[0], buf, 8));
}

CASE(many_pipes)
{
	int fds[200][2], ok = 0;
	char c;

	for (int i = 0; i < 200; i++) {
		NEED(pipe(fds[i]));
		c = (char)i;
		NEED(write(fds[i][1], &c, 1));
	}
	for (int i = 0; i < 200; i++) {
		NEED(read(fds[i][0], &c, 1));
		ok += c == (char)i;
	}
	SHOW("%d", ok);
}

CASE(ring_of_processes)
{
	int first[2], in, next[2];
	unsigned char c = 0;

	NEED(pipe(first));
	in = first[0];
	for (int i = 0; i < 50; i++) {
		NEED(pipe(next));
		if (fork() == 0) {
			NEED(read(in, &c, 1));
			c++;
			NEED(write(next[1], &c, 1));
			_exit(0);
		}
		close(in);
		close(next[1]);
		in = next[0];
	}
	NEED(write(first[1], &c, 1));
	NEED(read(in, &c, 1));
	SHOW("%d", c);
}
