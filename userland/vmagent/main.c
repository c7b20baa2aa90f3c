/* SPDX-License-Identifier: MIT */
/*
 * The guest's half of `scripts/vm exec`: runs commands for the host over the second serial port.
 *
 * Use:        started as process 1 by init=/sbin/vmagent (rdinit= as well on Linux). It lets
 *             /etc/init.d/rcS mount what a normal boot mounts, says hello, and then runs one
 *             command after the other until the host ends the machine or asks for power off.
 * Frames:     type (1 byte), length (2 bytes, little endian), payload, in both directions.
 *             host to guest   'R' run: arguments, each ended by NUL
 *                             'I' standard input    'E' end of standard input
 *                             'K' kill the command  'Q' power off
 *             guest to host   'H' hello             'A' input bytes consumed (4 bytes)
 *                             '1' standard output   '2' standard error
 *                             'X' wait status (4 bytes) of the command
 * Invariants: after 'X' no frame of that command follows. The host keeps at most INPUT_WINDOW
 *             bytes of input unacknowledged, so a serial port without flow control loses nothing.
 *             What a background child writes after the command ended is dropped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define INPUT_WINDOW 2048
#define FRAME_MAX    4096
#define MAX_ARGS     1024
#define RUN_MAX      (3 + 65535)

static int port;
static int wake[2]; /* a byte for every SIGCHLD, so that poll() notices */

static struct {
	unsigned char data[RUN_MAX];
	size_t have;
} in;

static struct {
	pid_t pid; /* 0: nothing runs */
	int status;
	int exited;
	int fd[3]; /* our ends of its standard streams, -1 once closed */
	unsigned char input[INPUT_WINDOW];
	size_t input_len;
	int input_end; /* close the pipe when input_len is 0 */
} cmd = { .fd = { -1, -1, -1 } };

static void die(const char *what)
{
	fprintf(stderr, "vmagent: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_POWER_OFF);
	_exit(1);
}

static void write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("write");
		p += n;
		len -= (size_t)n;
	}
}

static void send_frame(char type, const void *data, size_t len)
{
	unsigned char frame[3 + FRAME_MAX];

	frame[0] = (unsigned char)type;
	frame[1] = (unsigned char)(len & 0xff);
	frame[2] = (unsigned char)(len >> 8);
	if (len)
		memcpy(frame + 3, data, len);
	write_all(port, frame, 3 + len);
}

static void send_u32(char type, uint32_t v)
{
	unsigned char b[4] = { v & 0xff, v >> 8 & 0xff, v >> 16 & 0xff, v >> 24 };

	send_frame(type, b, sizeof(b));
}

static void on_child(int sig)
{
	int saved = errno;

	(void)sig;
	if (write(wake[1], "", 1) < 0) {
		/* the pipe is full: a wake-up is pending anyway */
	}
	errno = saved;
}

static void open_port(void)
{
	struct termios t;

	port = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (port < 0)
		die("/dev/ttyS1");
	if (tcgetattr(port, &t))
		die("tcgetattr");
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	cfsetispeed(&t, B115200);
	cfsetospeed(&t, B115200);
	if (tcsetattr(port, TCSANOW, &t))
		die("tcsetattr");
}

/* What a normal boot mounts and sets; without the script the machine is still usable. */
static void run_rc(void)
{
	static char *const argv[] = { "/etc/init.d/rcS", NULL };
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void close_stream(int i)
{
	if (cmd.fd[i] >= 0)
		close(cmd.fd[i]);
	cmd.fd[i] = -1;
}

static void child_exec(char **argv, int pipes[3][2])
{
	sigset_t none;
	int i;

	setsid();
	dup2(pipes[0][0], 0);
	dup2(pipes[1][1], 1);
	dup2(pipes[2][1], 2);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (i = 3; i < 16; i++)
		close(i);
	if (chdir("/root") < 0 && chdir("/") < 0)
		_exit(126);
	execvp(argv[0], argv);
	fprintf(stderr, "vmagent: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* The arguments lie NUL-terminated in text. */
static void start(char *text, size_t len)
{
	static char *argv[MAX_ARGS + 1];
	int pipes[3][2], i, n = 0;
	char *p;

	for (p = text; p < text + len && n < MAX_ARGS; p += strlen(p) + 1)
		argv[n++] = p;
	argv[n] = NULL;
	for (i = 0; i < 3; i++)
		if (pipe2(pipes[i], O_CLOEXEC))
			die("pipe");
	cmd.exited = 0;
	cmd.input_len = 0;
	cmd.input_end = 0;
	cmd.pid = fork();
	if (cmd.pid == 0)
		child_exec(argv, pipes);
	if (cmd.pid < 0)
		die("fork");
	close(pipes[0][0]);
	close(pipes[1][1]);
	close(pipes[2][1]);
	cmd.fd[0] = pipes[0][1];
	cmd.fd[1] = pipes[1][0];
	cmd.fd[2] = pipes[2][0];
	for (i = 0; i < 3; i++)
		fcntl(cmd.fd[i], F_SETFL, O_NONBLOCK);
}

static void take_input(const unsigned char *data, size_t len)
{
	if (!cmd.pid || cmd.fd[0] < 0) {
		send_u32('A', (uint32_t)len);
		return;
	}
	if (len > sizeof(cmd.input) - cmd.input_len)
		len = sizeof(cmd.input) - cmd.input_len;
	memcpy(cmd.input + cmd.input_len, data, len);
	cmd.input_len += len;
}

static void handle_frame(char type, unsigned char *data, size_t len)
{
	switch (type) {
	case 'R':
		if (!cmd.pid && len)
			start((char *)data, len);
		break;
	case 'I':
		take_input(data, len);
		break;
	case 'E':
		cmd.input_end = 1;
		break;
	case 'K':
		if (cmd.pid > 0)
			kill(-cmd.pid, SIGKILL);
		break;
	case 'Q':
		sync();
		reboot(RB_POWER_OFF);
		break;
	}
}

static void read_port(void)
{
	ssize_t n = read(port, in.data + in.have, sizeof(in.data) - in.have);
	size_t at = 0;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		die("read");
	in.have += (size_t)n;
	while (in.have - at >= 3) {
		size_t len = in.data[at + 1] | (size_t)in.data[at + 2] << 8;

		if (in.have - at < 3 + len)
			break;
		handle_frame((char)in.data[at], in.data + at + 3, len);
		at += 3 + len;
	}
	memmove(in.data, in.data + at, in.have - at);
	in.have -= at;
}

static void feed_input(void)
{
	ssize_t n;

	if (cmd.fd[0] < 0)
		return;
	if (cmd.input_len) {
		n = write(cmd.fd[0], cmd.input, cmd.input_len);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			send_u32('A', (uint32_t)cmd.input_len);
			cmd.input_len = 0;
			close_stream(0);
			return;
		}
		if (n > 0) {
			memmove(cmd.input, cmd.input + n, cmd.input_len - (size_t)n);
			cmd.input_len -= (size_t)n;
			send_u32('A', (uint32_t)n);
		}
	}
	if (!cmd.input_len && cmd.input_end)
		close_stream(0);
}

/* Pass on what the command wrote; 0 when there is nothing more for now. */
static int drain(int i)
{
	char buf[FRAME_MAX];
	ssize_t n;

	if (cmd.fd[i] < 0)
		return 0;
	n = read(cmd.fd[i], buf, sizeof(buf));
	if (n > 0) {
		send_frame((char)('0' + i), buf, (size_t)n);
		return 1;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_stream(i);
	return 0;
}

static void reap(void)
{
	char buf[64];
	int status;
	pid_t pid;

	while (read(wake[0], buf, sizeof(buf)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == cmd.pid) {
			cmd.exited = 1;
			cmd.status = status;
		}
	}
}

static void finish(void)
{
	int i;

	for (i = 1; i < 3; i++)
		while (drain(i))
			;
	for (i = 0; i < 3; i++)
		close_stream(i);
	if (cmd.input_len)
		send_u32('A', (uint32_t)cmd.input_len);
	cmd.input_len = 0;
	cmd.pid = 0;
	send_u32('X', (uint32_t)cmd.status);
}

static void serve(void)
{
	struct pollfd p[5];

	for (;;) {
		p[0] = (struct pollfd){ .fd = port, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = wake[0], .events = POLLIN };
		p[2] = (struct pollfd){ .fd = cmd.fd[1], .events = POLLIN };
		p[3] = (struct pollfd){ .fd = cmd.fd[2], .events = POLLIN };
		p[4] = (struct pollfd){ .fd = cmd.input_len ? cmd.fd[0] : -1, .events = POLLOUT };
		if (poll(p, 5, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[0].revents)
			read_port();
		if (p[2].revents)
			drain(1);
		if (p[3].revents)
			drain(2);
		feed_input();
		if (p[1].revents)
			reap();
		if (cmd.pid && cmd.exited)
			finish();
	}
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_child, .sa_flags = SA_RESTART };

	setenv("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "linux", 1);
	run_rc();
	open_port();
	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK))
		die("pipe");
	signal(SIGPIPE, SIG_IGN);
	if (sigaction(SIGCHLD, &sa, NULL))
		die("sigaction");
	send_frame('H', "1", 1);
	serve();
}
