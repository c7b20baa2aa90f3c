/* SPDX-License-Identifier: MIT */
/* Stress: storms that must leave the machine as it was.
 *
 *	stress NAME SECONDS [WORKERS]
 *
 * NAME: fork, sigexec, setid, threads, mmap, mapfile, pipes, oom, files, names, futex, cache, or
 * all (each for SECONDS). cache works on files below $STRESS_DIR, else on regions of $STRESS_DEV,
 * which is /dev/ram0 unless set (16 MiB). Every storm checks its own results (data, exit codes,
 * counts); free memory is compared with what a first round of a second left. Exit status 0 when
 * everything held. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Caches of the kernel grow at the first load: what is missing above that is a leak. */
#define LOST_KB 2048

static int workers = 8;
static const char *self_path = "/proc/self/exe";
static uint64_t end_time;

static void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "stress: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, " (%s)\n", strerror(errno));
	va_end(ap);
	_exit(1);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int running(void)
{
	return now_ms() < end_time;
}

static uint32_t rnd(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

static long free_kb(void)
{
	char line[128];
	long v = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemFree: %ld", &v) == 1)
			break;
	if (f)
		fclose(f);
	return v;
}

static void expect_exit(pid_t pid, int want)
{
	int st;

	if (waitpid(pid, &st, 0) != pid)
		fail("waitpid");
	if (!WIFEXITED(st) || WEXITSTATUS(st) != want)
		fail("child %d ended with status %#x, wanted exit %d", pid, st, want);
}

/* Runs fn in `workers` processes at once. */
static void in_parallel(void (*fn)(uint32_t seed))
{
	pid_t pids[256];

	for (int k = 0; k < workers; k++) {
		pids[k] = fork();
		if (pids[k] < 0)
			fail("fork");
		if (pids[k] == 0) {
			fn(0x9e3779b9u * (uint32_t)(k + 1));
			_exit(0);
		}
	}
	for (int k = 0; k < workers; k++)
		expect_exit(pids[k], 0);
}

/* --- fork, exec, exit --- */

static void fork_storm(uint32_t seed)
{
	while (running()) {
		int code = (int)(rnd(&seed) & 63);
		pid_t pid = rnd(&seed) & 1 ? fork() : vfork();

		if (pid < 0) {
			if (errno == EAGAIN || errno == ENOMEM)
				continue;
			fail("fork");
		}
		if (pid == 0) {
			char text[8];

			if (code & 1)
				_exit(code);
			snprintf(text, sizeof(text), "%d", code);
			execl(self_path, "stress", "--exit", text, (char *)NULL);
			_exit(99);
		}
		expect_exit(pid, code);
	}
}

/* --- signals against exec --- */

static void sigexec_storm(uint32_t seed)
{
	signal(SIGUSR1, SIG_IGN); /* inherited across fork and exec */
	while (running()) {
		pid_t pid = fork();
		int st;

		if (pid == 0) {
			execl(self_path, "stress", "--chain", "20", (char *)NULL);
			_exit(99);
		}
		for (int k = 0; k < 50; k++) {
			kill(pid, rnd(&seed) & 1 ? SIGSTOP : SIGCONT);
			kill(pid, SIGUSR1);
			kill(pid, SIGWINCH);
			if (rnd(&seed) % 8 == 0)
				sched_yield();
		}
		if (rnd(&seed) & 1)
			kill(pid, SIGKILL);
		kill(pid, SIGCONT);
		if (waitpid(pid, &st, 0) != pid)
			fail("waitpid");
		if (!(WIFEXITED(st) && WEXITSTATUS(st) == 0) &&
		    !(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL))
			fail("exec chain ended with %#x", st);
	}
}

/* --- set-user-id programs that change hands while they are started --- */

static void copy_self(const char *to)
{
	static char buf[65536];
	int in = open(self_path, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	ssize_t n;

	if (in < 0 || out < 0)
		fail("copy to %s", to);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			fail("write");
	close(in);
	close(out);
}

/* The program is set-user-id while it is the user's own, and nobody's set-id program while it is
 * root's: it must never run as root. */
static void setid_storm(uint32_t seed)
{
	char path[64];
	pid_t user;

	snprintf(path, sizeof(path), "/tmp/stress-setid-%u", (unsigned int)seed);
	copy_self(path);
	user = fork();
	if (user == 0) {
		if (setgid(1000) || setuid(1000))
			fail("setuid");
		while (running()) {
			pid_t pid = vfork();

			if (pid == 0) {
				execl(path, "stress", "--powers", "0", (char *)NULL);
				_exit(0); /* busy: the next one */
			}
			expect_exit(pid, 0);
		}
		_exit(0);
	}
	while (running())
		if (chown(path, 1000, 1000) || chmod(path, 04755) || chown(path, 0, 0))
			fail("chown");
	expect_exit(user, 0);
	unlink(path);
}

/* --- threads that exec, exit, stop and fork against each other --- */

static volatile int threads_go;
static char real_path[256]; /* /proc/self/exe ends with the first thread */

static void threads_begin(void)
{
	if (readlink(self_path, real_path, sizeof(real_path) - 1) < 0)
		fail("readlink");
}

static void *end_thread(void *arg)
{
	while (!threads_go)
		;
	switch ((uintptr_t)arg) {
	case 0:
		execl(real_path, "stress", "--exit", "7", (char *)NULL);
		_exit(99);
	case 1:
		syscall(SYS_exit, 3);
		break;
	case 2:
		_exit(4);
	case 3:
		kill(getpid(), SIGSTOP);
		break;
	case 4:
		for (;;) {
			pid_t pid = fork();

			if (pid == 0)
				_exit(0);
			if (pid > 0)
				waitpid(pid, NULL, 0);
		}
	default:
		break;
	}
	for (;;)
		pause();
}

static void threads_child(uint32_t seed)
{
	pthread_t t;

	for (unsigned int k = 1 + rnd(&seed) % 5; k; k--)
		pthread_create(&t, NULL, end_thread, (void *)(uintptr_t)(rnd(&seed) % 6));
	threads_go = 1;
	switch (rnd(&seed) % 4) {
	case 0: /* the others go on without their leader */
		syscall(SYS_exit, 5);
		break;
	case 1:
		end_thread((void *)0);
		break;
	case 2:
		usleep(2000);
		_exit(6);
	default:
		kill(getpid(), SIGTERM);
	}
	for (;;)
		pause();
}

/* Waits for the end, helped by stops, continues and at last a kill. */
static int wait_until_dead(pid_t pid)
{
	static const struct {
		int at, sig;
	} help[] = { { 20, SIGSTOP }, { 40, SIGCONT }, { 150, SIGCONT }, { 199, SIGKILL } };
	int st, looks = 0;

	for (;;) {
		pid_t got = waitpid(pid, &st, WUNTRACED | WCONTINUED | (looks < 200 ? WNOHANG : 0));

		if (got < 0)
			fail("waitpid");
		if (got == 0) {
			looks++;
			usleep(50);
			for (size_t k = 0; k < sizeof(help) / sizeof(help[0]); k++)
				if (looks == help[k].at)
					kill(pid, help[k].sig);
		} else if (WIFSTOPPED(st)) {
			kill(pid, SIGCONT);
		} else if (!WIFCONTINUED(st)) {
			return st;
		}
	}
}

static void threads_storm(uint32_t seed)
{
	while (running()) {
		struct pollfd f = { .events = POLLIN };
		uint32_t child = rnd(&seed);
		pid_t pid = fork();
		int st;

		if (pid == 0)
			threads_child(child);
		f.fd = (int)syscall(SYS_pidfd_open, pid, 0);
		st = wait_until_dead(pid);
		if (poll(&f, 1, 0) != 1)
			fail("the descriptor of a dead process is not readable");
		close(f.fd);
		if (WIFSIGNALED(st) ? WTERMSIG(st) != SIGKILL && WTERMSIG(st) != SIGTERM :
				      !strchr("\3\4\5\6\7", WEXITSTATUS(st)))
			fail("ended with %#x", st);
		if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
			fail("a child is left");
	}
}

/* --- threads that map, unmap and fault in one address space --- */

#define AREA_PAGES 64

static void *mmap_thread(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	while (running()) {
		size_t len = (1 + rnd(&seed) % AREA_PAGES) * 4096;
		uint32_t *p =
			mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			if (errno == ENOMEM)
				continue;
			fail("mmap");
		}
		for (size_t k = 0; k < len / 4; k += 1024) {
			if (p[k])
				fail("fresh memory is not zero");
			p[k] = seed + (uint32_t)k;
		}
		if (rnd(&seed) & 1) {
			mprotect(p, len, PROT_READ);
			mprotect(p, len, PROT_READ | PROT_WRITE);
		}
		if (rnd(&seed) % 4 == 0) {
			if (madvise(p, 4096, MADV_DONTNEED))
				fail("madvise");
			if (p[0])
				fail("dropped memory is not zero");
			p[0] = seed;
		}
		if (rnd(&seed) % 4 == 0) {
			void *q = mremap(p, len, len + 4096, MREMAP_MAYMOVE);

			if (q == MAP_FAILED && errno != ENOMEM)
				fail("mremap");
			if (q != MAP_FAILED) {
				p = q;
				len += 4096;
			}
		}
		for (size_t k = 1024; k < len / 4 - 1024; k += 1024)
			if (p[k] - (uint32_t)k != p[1024] - 1024)
				fail("memory changed under us");
		if (munmap(p, len))
			fail("munmap");
	}
	return NULL;
}

static void mmap_storm(uint32_t seed)
{
	pthread_t t[4];

	for (int k = 0; k < 4; k++)
		if (pthread_create(&t[k], NULL, mmap_thread, (void *)(uintptr_t)rnd(&seed)))
			fail("pthread_create");
	while (running()) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(5);
		if (pid > 0)
			expect_exit(pid, 5);
	}
	for (int k = 0; k < 4; k++)
		pthread_join(t[k], NULL);
}

/* --- a file that shrinks and grows under its mappings --- */

enum { FILE_PAGES = 64 };
static sigjmp_buf bus_env;
static char *file_shared, *file_private;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(bus_env, 1);
}

/* Each page begins with its number or is zero: anything else came from somewhere else. */
static void touch_file(uint32_t *r)
{
	uint32_t k = rnd(r) % FILE_PAGES;
	char *p = (rnd(r) & 1 ? file_shared : file_private) + k * 4096;
	uint32_t got;

	if (sigsetjmp(bus_env, 1))
		return; /* beyond the end: rightly */
	got = *(volatile uint32_t *)p;
	if (got && got != k + 1)
		fail("page %u of the file holds %u", k, got);
	if (rnd(r) % 3 == 0)
		*(volatile uint32_t *)p = k + 1;
	if (rnd(r) % 50 == 0)
		madvise(file_private, FILE_PAGES * 4096, MADV_DONTNEED);
}

static void mapfile_child(uint32_t seed)
{
	signal(SIGBUS, on_bus);
	for (int n = 0; n < 300; n++)
		touch_file(&seed);
	_exit(6);
}

static void mapfile_storm(uint32_t seed)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/mapfile.%d", getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, FILE_PAGES * 4096))
		fail("mapfile");
	file_shared = mmap(NULL, FILE_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	file_private = mmap(NULL, FILE_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (file_shared == MAP_FAILED || file_private == MAP_FAILED)
		fail("mmap of a file");
	while (running()) {
		pid_t pid[3];

		for (int k = 0; k < 3; k++) {
			pid[k] = fork();
			if (pid[k] == 0)
				mapfile_child(rnd(&seed) + (uint32_t)k);
		}
		for (int n = 0; n < 60; n++)
			if (ftruncate(fd, (off_t)(rnd(&seed) % (FILE_PAGES + 1)) * 4096))
				fail("ftruncate");
		for (int k = 0; k < 3; k++)
			if (pid[k] > 0)
				expect_exit(pid[k], 6);
	}
	close(fd);
	unlink(path);
}

/* --- a ring of processes passing tokens through pipes --- */

static void pipes_storm(uint32_t seed)
{
	enum { N = 25 };
	int p[N][2];
	pid_t pids[N];
	uint64_t token = seed, got;

	for (int k = 0; k < N; k++)
		if (pipe(p[k]))
			fail("pipe");
	for (int k = 0; k < N - 1; k++) {
		pids[k] = fork();
		if (pids[k] < 0)
			fail("fork");
		if (pids[k] == 0) {
			for (int j = 0; j < N; j++) {
				if (j != k)
					close(p[j][0]);
				if (j != k + 1)
					close(p[j][1]);
			}
			while (read(p[k][0], &got, 8) == 8) {
				got++;
				if (write(p[k + 1][1], &got, 8) != 8)
					_exit(2);
			}
			_exit(0);
		}
	}
	for (int j = 0; j < N; j++) {
		if (j != N - 1)
			close(p[j][0]);
		if (j != 0)
			close(p[j][1]);
	}
	while (running()) {
		for (int k = 0; k < 16; k++, token += 1000)
			if (write(p[0][1], &token, 8) != 8)
				fail("pipe write");
		token -= 16000;
		for (int k = 0; k < 16; k++, token += 1000) {
			if (read(p[N - 1][0], &got, 8) != 8)
				fail("pipe read");
			if (got != token + N - 1)
				fail("token %llu, wanted %llu", (unsigned long long)got,
				     (unsigned long long)token + N - 1);
		}
	}
	close(p[0][1]);
	for (int k = 0; k < N - 1; k++)
		expect_exit(pids[k], 0);
}

/* --- memory exhaustion: the hungry die, the others live --- */

static void oom_storm(uint32_t seed)
{
	while (running()) {
		pid_t pid = fork();
		int st;

		if (pid < 0)
			continue;
		if (pid == 0) {
			int fd = open("/proc/self/oom_score_adj", O_WRONLY);

			if (fd >= 0 && write(fd, "1000", 4) != 4)
				_exit(3);
			for (;;) {
				size_t len = 16 << 20;
				char *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
					       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

				if (m == MAP_FAILED)
					_exit(0);
				for (size_t k = 0; k < len; k += 4096)
					m[k] = (char)rnd(&seed);
			}
		}
		if (waitpid(pid, &st, 0) != pid)
			fail("waitpid");
		if (!(WIFEXITED(st) && WEXITSTATUS(st) == 0) &&
		    !(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL))
			fail("hungry child ended with %#x", st);
	}
}

/* --- names --- */

static void files_storm(uint32_t seed)
{
	char dir[64], a[128], b[128], text[64], back[64];

	snprintf(dir, sizeof(dir), "/tmp/stress.%d", getpid());
	if (mkdir(dir, 0755))
		fail("mkdir");
	while (running()) {
		int fd;
		ssize_t n;

		snprintf(a, sizeof(a), "%s/f%u", dir, rnd(&seed) % 50);
		snprintf(b, sizeof(b), "%s/f%u", dir, rnd(&seed) % 50);
		switch (rnd(&seed) % 6) {
		case 0:
		case 1:
			fd = open(a, O_RDWR | O_CREAT | O_TRUNC, 0644);
			if (fd < 0)
				fail("open %s", a);
			n = snprintf(text, sizeof(text), "%u", rnd(&seed));
			if (write(fd, text, (size_t)n) != n || pread(fd, back, 64, 0) != n ||
			    memcmp(text, back, (size_t)n))
				fail("contents of %s", a);
			close(fd);
			break;
		case 2:
			if (unlink(a) && errno != ENOENT)
				fail("unlink");
			break;
		case 3:
			if (rename(a, b) && errno != ENOENT)
				fail("rename");
			break;
		case 4:
			if (link(a, b) && errno != ENOENT && errno != EEXIST)
				fail("link");
			break;
		default:
			if (access(a, F_OK) && errno != ENOENT)
				fail("access");
		}
	}
	for (int k = 0; k < 50; k++) {
		snprintf(a, sizeof(a), "%s/f%d", dir, k);
		unlink(a);
	}
	if (rmdir(dir))
		fail("rmdir");
}

/* --- one tree, everybody in it: directories that move under walkers, mounts that come and go ---
 */

static void shared_path(char *to, size_t size, uint32_t *seed)
{
	int n = snprintf(to, size, "/tmp/stress-names");
	unsigned int depth = 1 + rnd(seed) % 4;

	while (depth--)
		n += snprintf(to + n, size - (size_t)n, "/%c", 'a' + rnd(seed) % 3);
	if (rnd(seed) % 16 == 0)
		snprintf(to + n, size - (size_t)n, "/../%c/.", 'a' + rnd(seed) % 3);
}

static void shared_change(const char *a, const char *b, uint32_t *seed)
{
	switch (rnd(seed) % 12) {
	case 0:
	case 1:
		mkdir(a, 0755);
		break;
	case 2:
		rmdir(a);
		break;
	case 3:
	case 4:
		rename(a, b);
		break;
	case 5:
		syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2 /* exchange */);
		break;
	case 6:
		link(a, b);
		break;
	case 7:
		symlink("../a/b", a);
		break;
	case 8:
		unlink(a);
		break;
	case 9:
		if (rnd(seed) % 8 == 0 && mount("none", a, "tmpfs", 0, "size=64k") == 0)
			umount2(a, rnd(seed) % 2 ? MNT_DETACH : 0);
		break;
	case 10:
		if (rnd(seed) % 8 == 0)
			umount2(a, MNT_DETACH);
		break;
	default:
		truncate(a, rnd(seed) % 20000);
	}
}

static void shared_use(const char *a, uint32_t *seed)
{
	char buf[1024];
	struct stat st;
	int fd;

	switch (rnd(seed) % 6) {
	case 0:
		stat(a, &st);
		break;
	case 1:
		lstat(a, &st);
		break;
	case 2:
		fd = open(a, O_RDWR | O_CREAT, 0644);
		if (fd >= 0) {
			pwrite(fd, a, 64, rnd(seed) % 10000);
			flock(fd, LOCK_EX);
			pread(fd, buf, sizeof(buf), rnd(seed) % 10000);
			close(fd);
		}
		break;
	case 3:
		fd = open(a, O_RDONLY | O_DIRECTORY);
		if (fd >= 0) {
			while (syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0)
				;
			close(fd);
		}
		break;
	case 4:
		if (chdir(a) == 0 && !getcwd(buf, sizeof(buf)) && errno != ENOENT)
			fail("getcwd");
		if (chdir("/tmp"))
			fail("chdir");
		break;
	default:
		if (readlink(a, buf, sizeof(buf)) > 0 && memcmp(buf, "../a/b", 6))
			fail("readlink");
	}
}

/* The tree is a file system of its own: it gets too deep to be removed by name. */
static void names_begin(void)
{
	mkdir("/tmp/stress-names", 0755);
	if (mount("none", "/tmp/stress-names", "tmpfs", 0, NULL))
		fail("mount");
}

static void names_end(void)
{
	if (umount2("/tmp/stress-names", MNT_DETACH))
		fail("umount");
	rmdir("/tmp/stress-names");
}

static void names_storm(uint32_t seed)
{
	char a[128], b[128];

	while (running()) {
		shared_path(a, sizeof(a), &seed);
		shared_path(b, sizeof(b), &seed);
		if (rnd(&seed) % 3 == 0)
			shared_change(a, b, &seed);
		else
			shared_use(a, &seed);
	}
}

/* --- mutexes and condition variables --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static unsigned long shared, turns[6];
static int turn;

static void *futex_thread(void *arg)
{
	int me = (int)(uintptr_t)arg;

	pthread_mutex_lock(&mutex);
	while (running()) {
		while (turn != me && turn >= 0)
			pthread_cond_wait(&cond, &mutex);
		if (turn < 0)
			break;
		shared++;
		turns[me]++;
		turn = (me + 1) % 6;
		pthread_cond_broadcast(&cond);
	}
	turn = -1;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

static void futex_storm(uint32_t seed)
{
	pthread_t t[6];
	unsigned long sum = 0;

	(void)seed;
	for (int k = 0; k < 6; k++)
		if (pthread_create(&t[k], NULL, futex_thread, (void *)(uintptr_t)k))
			fail("pthread_create");
	for (int k = 0; k < 6; k++) {
		pthread_join(t[k], NULL);
		sum += turns[k];
	}
	if (sum != shared)
		fail("%lu turns, counter %lu", sum, shared);
}

/* --- the page cache of files on a device --- */

#define REGION (1u << 20)
#define CACHE_PAGE 4096u

static int cache_is_file; /* each worker has a file of its own; else a region of a RAM disk */
static const char *cache_dev = "/dev/ram0";
static pid_t cache_hog;

struct cache_model {
	int fd, direct;	   /* direct: opened with O_DIRECT, -1 when it cannot be */
	off_t base;	   /* of the region */
	size_t size;	   /* of the file, or REGION */
	unsigned char *want, *buf, *map;
	uint32_t seed;
};

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail("%s", path);
	close(fd);
}

/* Takes most of what is free, for a moment, again and again. */
static void cache_hog_run(void)
{
	while (running()) {
		size_t n = (size_t)free_kb() * 1024 / 10 * 8;
		char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p != MAP_FAILED) {
			for (size_t k = 0; k < n && running(); k += CACHE_PAGE)
				p[k] = 1;
			munmap(p, n);
		}
		usleep(100000);
	}
	_exit(0);
}

static void cache_begin(void)
{
	cache_is_file = getenv("STRESS_DIR") != NULL;
	if (getenv("STRESS_DEV"))
		cache_dev = getenv("STRESS_DEV");
	cache_hog = fork();
	if (cache_hog == 0)
		cache_hog_run();
}

static void cache_end(void)
{
	uint64_t range[2] = { 0, 16u << 20 };
	int fd;

	expect_exit(cache_hog, 0);
	sync();
	write_text("/proc/sys/vm/drop_caches", "3");
	if (cache_is_file)
		return;
	fd = open(cache_dev, O_RDWR);
	if (fd < 0 || (ioctl(fd, 0x1277 /* BLKDISCARD */, range) && errno != EOPNOTSUPP))
		fail("discard");
	close(fd);
}

static void cache_open(struct cache_model *m, uint32_t seed)
{
	char path[64];

	*m = (struct cache_model){ .size = REGION, .seed = seed };
	if (cache_is_file)
		snprintf(path, sizeof(path), "%s/cache%u", getenv("STRESS_DIR"), seed);
	else
		snprintf(path, sizeof(path), "%s", cache_dev);
	m->fd = open(path, cache_is_file ? O_RDWR | O_CREAT | O_TRUNC : O_RDWR, 0600);
	if (m->fd < 0)
		fail("%s", path);
	m->direct = open(path, O_RDWR | O_DIRECT);
	m->base = cache_is_file ? 0 : (off_t)(seed % 16) * REGION;
	m->want = calloc(1, REGION);
	if (posix_memalign((void **)&m->buf, CACHE_PAGE, REGION) || !m->want)
		fail("no memory");
	if (cache_is_file && ftruncate(m->fd, REGION))
		fail("ftruncate");
	if (!cache_is_file && pwrite(m->fd, m->want, REGION, m->base) != REGION)
		fail("pwrite");
	m->map = mmap(NULL, REGION, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, m->base);
	if (m->map == MAP_FAILED)
		fail("mmap");
}

static void cache_same(struct cache_model *m, const unsigned char *got, size_t off, size_t n,
		       const char *how)
{
	for (size_t k = 0; k < n; k++)
		if (got[k] != m->want[off + k])
			fail("%s: byte %zu of %zu at %zu is %02x, not %02x", how, k, n, off, got[k],
			     m->want[off + k]);
}

static void cache_write(struct cache_model *m, size_t off, size_t n)
{
	unsigned char tag = (unsigned char)rnd(&m->seed);
	int how = (int)(rnd(&m->seed) % 4);

	for (size_t k = 0; k < n; k++)
		m->buf[k] = (unsigned char)(tag + k);
	if (how == 0 && m->direct >= 0) {
		size_t end = (off + n) & ~(size_t)(CACHE_PAGE - 1);

		off &= ~(size_t)(CACHE_PAGE - 1);
		if (end <= off)
			return;
		n = end - off;
		for (size_t k = 0; k < n; k++)
			m->buf[k] = (unsigned char)(tag + k);
		if (pwrite(m->direct, m->buf, n, m->base + (off_t)off) != (ssize_t)n)
			fail("direct write of %zu at %zu", n, off);
	} else if (how == 1) {
		memcpy(m->map + off, m->buf, n);
	} else if (pwrite(m->fd, m->buf, n, m->base + (off_t)off) != (ssize_t)n) {
		fail("pwrite of %zu at %zu", n, off);
	}
	memcpy(m->want + off, m->buf, n);
}

static void cache_read(struct cache_model *m, size_t off, size_t n)
{
	int how = (int)(rnd(&m->seed) % 4);

	if (how == 0 && m->direct >= 0) {
		size_t start = off & ~(size_t)(CACHE_PAGE - 1);
		size_t len = (off + n - start + CACHE_PAGE - 1) & ~(size_t)(CACHE_PAGE - 1);

		if (start + len > m->size)
			return;
		if (pread(m->direct, m->buf, len, m->base + (off_t)start) != (ssize_t)len)
			fail("direct read of %zu at %zu", len, start);
		cache_same(m, m->buf, start, len, "direct");
	} else if (how == 1) {
		cache_same(m, m->map + off, off, n, "map");
	} else {
		if (pread(m->fd, m->buf, n, m->base + (off_t)off) != (ssize_t)n)
			fail("pread of %zu at %zu", n, off);
		cache_same(m, m->buf, off, n, "read");
	}
}

/* The size changes; what is cut off reads as zeroes afterwards. */
static void cache_resize(struct cache_model *m)
{
	size_t small = rnd(&m->seed) % REGION;

	if (!cache_is_file)
		return;
	if (ftruncate(m->fd, (off_t)small) || ftruncate(m->fd, REGION))
		fail("ftruncate");
	memset(m->want + small, 0, REGION - small);
}

static void cache_storm(uint32_t seed)
{
	struct cache_model m;

	cache_open(&m, seed);
	while (running()) {
		size_t off = rnd(&m.seed) % (REGION - 1);
		size_t n = 1 + rnd(&m.seed) % (rnd(&m.seed) % 8 ? 20000 : 200000);

		if (n > REGION - off)
			n = REGION - off;
		switch (rnd(&m.seed) % 16) {
		case 0:
			if (rnd(&m.seed) % 2 ? fsync(m.fd) : fdatasync(m.fd))
				fail("fsync");
			break;
		case 1:
			if (msync(m.map + (off & ~(size_t)(CACHE_PAGE - 1)), CACHE_PAGE, MS_SYNC))
				fail("msync");
			break;
		case 2:
			if (sync_file_range(m.fd, m.base + (off_t)off, (off_t)n,
					    SYNC_FILE_RANGE_WRITE))
				fail("sync_file_range");
			break;
		case 3:
			if (posix_fadvise(m.fd, m.base + (off_t)off, (off_t)n,
					  rnd(&m.seed) % 2 ? POSIX_FADV_DONTNEED
							   : POSIX_FADV_WILLNEED))
				fail("fadvise");
			break;
		case 4:
			if (rnd(&m.seed) % 8 == 0)
				write_text("/proc/sys/vm/drop_caches", "1");
			else
				madvise(m.map, REGION, MADV_DONTNEED);
			break;
		case 5:
			cache_resize(&m);
			break;
		case 6:
		case 7:
		case 8:
		case 9:
			cache_write(&m, off, n);
			break;
		default:
			cache_read(&m, off, n);
		}
	}
	if (fsync(m.fd))
		fail("fsync");
	write_text("/proc/sys/vm/drop_caches", "1");
	if (pread(m.fd, m.buf, REGION, m.base) != REGION)
		fail("pread");
	cache_same(&m, m.buf, 0, REGION, "last read");
}

/* --- frame --- */

static const struct storm {
	const char *name;
	void (*fn)(uint32_t seed);
	void (*begin)(void), (*end)(void);
} storms[] = {
	{ "fork", fork_storm, NULL, NULL },
	{ "sigexec", sigexec_storm, NULL, NULL },
	{ "setid", setid_storm, NULL, NULL },
	{ "threads", threads_storm, threads_begin, NULL },
	{ "mmap", mmap_storm, NULL, NULL },
	{ "mapfile", mapfile_storm, NULL, NULL },
	{ "pipes", pipes_storm, NULL, NULL },
	{ "files", files_storm, NULL, NULL },
	{ "names", names_storm, names_begin, names_end },
	{ "futex", futex_storm, NULL, NULL },
	{ "cache", cache_storm, cache_begin, cache_end },
	{ "oom", oom_storm, NULL, NULL },
};

static void storm_once(const struct storm *s, uint64_t ms)
{
	end_time = now_ms() + ms;
	if (s->begin)
		s->begin();
	in_parallel(s->fn);
	if (s->end)
		s->end();
}

/* Deferred frees take a moment: wait for the level, not for a time. */
static long free_kb_at_least(long level)
{
	long now = free_kb();

	for (int k = 0; k < 100 && now < level; k++) {
		usleep(100000);
		now = free_kb();
	}
	return now;
}

/* A first short round fills the caches that a storm leaves filled; after it nothing may be lost. */
static int run(const struct storm *s, long seconds)
{
	long before, after;
	int lost;

	storm_once(s, 1000);
	before = free_kb();
	for (long last = -1; before > last; before = free_kb()) {
		last = before;
		usleep(200000);
	}
	storm_once(s, (uint64_t)seconds * 1000);
	after = free_kb_at_least(before - 512);
	lost = before - after >= LOST_KB;
	printf("%s: %s, free memory %ld kB before, %ld kB after\n", s->name,
	       lost ? "memory lost" : "ok", before, after);
	fflush(stdout);
	return lost;
}

int main(int argc, char **argv)
{
	int bad = 0, known = 0;

	if (argc == 3 && strcmp(argv[1], "--exit") == 0)
		return atoi(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--powers") == 0)
		return getuid() != 0 && geteuid() == 0;
	if (argc == 3 && strcmp(argv[1], "--chain") == 0) {
		char text[16];
		int n = atoi(argv[2]);

		if (n == 0)
			return 0;
		snprintf(text, sizeof(text), "%d", n - 1);
		execl(self_path, "stress", "--chain", text, (char *)NULL);
		return 98;
	}
	if (argc < 3) {
		fprintf(stderr, "usage: stress NAME SECONDS [WORKERS]\n");
		return 2;
	}
	if (argc > 3)
		workers = atoi(argv[3]);
	for (size_t k = 0; k < sizeof(storms) / sizeof(storms[0]); k++)
		if (strcmp(argv[1], "all") == 0 || strcmp(argv[1], storms[k].name) == 0) {
			known = 1;
			bad |= run(&storms[k], atol(argv[2]));
		}
	if (!known)
		fprintf(stderr, "stress: no storm %s\n", argv[1]);
	return bad || !known;
}
