/* SPDX-License-Identifier: MIT */
/* One file against a model in memory, by every way in which bytes reach a file.
 *
 *	fsx [-s SEED] [-n OPERATIONS] [-p PROCESSES] [-l LENGTH] [-b BASE] [-w] [-k] [-x OPS] DIR
 *
 * Each process has a file of its own, DIR/fsx.K, or with -w (shared) all work on DIR/fsx.all, each
 *in a region whose borders are not those of pages. The model is the LENGTH bytes from BASE on,
 *which may lie beyond 4 GiB; what is before BASE is a hole. -x leaves out operations by name, -k
 *keeps the files, -v prints every operation.
 *
 * Invariants checked: every byte read by any way is the model's; the size is; nothing that
 *SEEK_HOLE calls a hole has data; in a page mapped beyond the end there are zeroes. At the end the
 *caches are dropped and all of it is read again.
 *
 * A failure prints the seed and the last operations; process K of a run with seed S is repeated by
 * `-s S+K -p 1` (in shared mode other processes are part of the case). Exit status 0, 1
 *(failed), 2. Operations a file system does not have (EOPNOTSUPP, EINVAL for O_DIRECT) are left out
 *from then. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	4096ull
#define MAX_OP	65536ull
#define HISTORY 60

static uint64_t seed = 1, operations = 1000, length = 256 * 1024, base;
static int processes = 1, shared, keep, verbose, me;
static const char *left_out = "";

static char path[4096];
static int fd = -1, direct_fd = -1, pipe_fds[2];
static unsigned char *model, *buffer, *window;
static uint64_t size;	   /* of the file, from base */
static uint64_t low, high; /* where this process may work, from base */
static uint64_t state, op_number;
static char history[HISTORY][120];

static uint64_t rnd(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below ? (state >> 11) % below : 0;
}

static void fail(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	fprintf(stderr, "fsx: process %d, operation %llu: ", me, (unsigned long long)op_number);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (%s)\nfsx: seed %llu, size %llu; the last operations:\n", strerror(error),
		(unsigned long long)seed, (unsigned long long)size);
	for (uint64_t i = op_number < HISTORY ? 0 : op_number - HISTORY; i <= op_number; i++)
		if (*history[i % HISTORY])
			fprintf(stderr, "  %s\n", history[i % HISTORY]);
	exit(1);
}

static void note(const char *what, uint64_t off, uint64_t len)
{
	snprintf(history[op_number % HISTORY], sizeof(history[0]),
		 "%llu %s %#llx..%#llx size %#llx", (unsigned long long)op_number, what,
		 (unsigned long long)off, (unsigned long long)(off + len),
		 (unsigned long long)size);
	if (verbose)
		printf("%d: %s\n", me, history[op_number % HISTORY]);
}

static void compare(const char *how, const unsigned char *got, uint64_t off, uint64_t len)
{
	if (memcmp(got, model + off, len) == 0)
		return;
	for (uint64_t i = 0; i < len; i++)
		if (got[i] != model[off + i]) {
			uint64_t n = i;

			while (n < len && got[n] != model[off + n])
				n++;
			errno = 0;
			fail("%s %#llx..%#llx: at %#llx (%llu bytes) %02x, should be %02x", how,
			     (unsigned long long)off, (unsigned long long)(off + len),
			     (unsigned long long)(off + i), (unsigned long long)(n - i), got[i],
			     model[off + i]);
		}
}

/* Random bytes; every 8th piece is zeroes, so that holes and zeroes meet. */
static void fill(unsigned char *p, uint64_t len)
{
	uint64_t x = rnd(0);

	if (rnd(8) == 0) {
		memset(p, 0, len);
		return;
	}
	for (uint64_t i = 0; i < len; i++) {
		if (i % 8 == 0)
			x = x * 6364136223846793005ull + 1442695040888963407ull;
		p[i] = (unsigned char)(x >> (8 * (i % 8)));
	}
}

static void range(uint64_t *off, uint64_t *len, uint64_t align, uint64_t end)
{
	uint64_t from = (low + align - 1) / align * align, span;

	end = end / align * align;
	if (from >= end) {
		*off = from;
		*len = 0;
		return;
	}
	*off = from + rnd((end - from) / align) * align;
	span = end - *off < MAX_OP ? end - *off : MAX_OP;
	*len = (rnd(4) ? 1 + rnd((span < 5000 ? span : 5000) / align) : 1 + rnd(span / align)) *
	       align;
	if (*len > span)
		*len = span;
}

static void grown(uint64_t to)
{
	if (to > size) {
		memset(model + size, 0, to - size);
		size = to;
	}
}

/* --- operations; each takes its range from the random state --- */

static void op_write(void)
{
	uint64_t off, len;

	range(&off, &len, 1, high);
	note("write", off, len);
	fill(buffer, len);
	if (pwrite(fd, buffer, len, (off_t)(base + off)) != (ssize_t)len)
		fail("write");
	grown(off + len);
	memcpy(model + off, buffer, len);
}

static void op_writev(void)
{
	struct iovec iov[3];
	uint64_t off, len, a;

	range(&off, &len, 1, high);
	note("writev", off, len);
	fill(buffer, len);
	a = rnd(len);
	iov[0] = (struct iovec){ buffer, a };
	iov[1] = (struct iovec){ NULL, 0 };
	iov[2] = (struct iovec){ buffer + a, len - a };
	if (pwritev(fd, iov, 3, (off_t)(base + off)) != (ssize_t)len)
		fail("writev");
	grown(off + len);
	memcpy(model + off, buffer, len);
}

static void op_append(void)
{
	uint64_t len = 1 + rnd(9000);
	int a;

	if (shared || size + len > high)
		return;
	note("append", size, len);
	fill(buffer, len);
	a = open(path, O_WRONLY | O_APPEND);
	if (a < 0 || write(a, buffer, len) != (ssize_t)len || close(a))
		fail("append");
	memcpy(model + size, buffer, len);
	size += len;
}

static void op_read(void)
{
	uint64_t off, len, want;
	ssize_t got;

	range(&off, &len, 1, high);
	note("read", off, len);
	want = off >= size ? 0 : size - off < len ? size - off : len;
	got = pread(fd, buffer, len, (off_t)(base + off));
	if (got != (ssize_t)want)
		fail("read gave %zd of %llu bytes", got, (unsigned long long)want);
	compare("read", buffer, off, want);
}

static void op_sendfile(void)
{
	uint64_t off, len, want, at = 0;
	off_t pos;
	ssize_t got;

	range(&off, &len, 1, size < high ? size : high);
	if (len > 32768)
		len = 32768;
	want = len;
	pos = (off_t)(base + off);
	note("sendfile", off, len);
	while (at < want) {
		got = sendfile(pipe_fds[1], fd, &pos, want - at);
		if (got <= 0)
			fail("sendfile gave %zd", got);
		for (ssize_t n = 0, r; n < got; n += r) {
			r = read(pipe_fds[0], buffer + at + (uint64_t)n, (size_t)(got - n));
			if (r <= 0)
				fail("pipe");
		}
		at += (uint64_t)got;
	}
	compare("sendfile", buffer, off, want);
}

static void op_truncate(void)
{
	uint64_t to = rnd(4) ? rnd(high + 1) : rnd(high / PAGE + 1) * PAGE;

	if (shared)
		return;
	note(to < size ? "truncate down" : "truncate up", to, 0);
	if (rnd(2) ? ftruncate(fd, (off_t)(base + to)) : truncate(path, (off_t)(base + to)))
		fail("truncate");
	grown(to);
	size = to;
}

static void map_store(unsigned char *map, uint64_t delta, uint64_t off, uint64_t len, int wait)
{
	memcpy(map + delta, buffer, len);
	memcpy(model + off, buffer, len);
	if (wait && msync(map, delta + len, wait == 1 ? MS_SYNC : MS_ASYNC))
		fail("msync");
}

static void op_mapwrite(void)
{
	uint64_t off, len, delta;
	unsigned char *map;

	range(&off, &len, 1, high);
	note("mapwrite", off, len);
	if (off + len > size) {
		if (ftruncate(fd, (off_t)(base + off + len)))
			fail("truncate for mapwrite");
		grown(off + len);
	}
	fill(buffer, len);
	delta = off % PAGE;
	map = mmap(NULL, delta + len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   (off_t)(base + off - delta));
	if (map == MAP_FAILED)
		fail("mmap");
	map_store(map, delta, off, len, (int)rnd(3));
	if (munmap(map, delta + len))
		fail("munmap");
}

/* Through the mapping that stays: its pages meet truncation, direct I/O and write-back. */
static void op_windowwrite(void)
{
	uint64_t off, len;

	range(&off, &len, 1, size < high ? size : high);
	if (!len)
		return;
	note("windowwrite", off, len);
	fill(buffer, len);
	memcpy(window + off, buffer, len);
	memcpy(model + off, buffer, len);
	if (rnd(8) == 0 && msync(window + off / PAGE * PAGE, len, MS_SYNC))
		fail("msync");
}

static void op_windowread(void)
{
	uint64_t off, len;

	range(&off, &len, 1, size < high ? size : high);
	if (!len)
		return;
	note("windowread", off, len);
	compare("windowread", window + off, off, len);
}

static void op_mapread(void)
{
	uint64_t off, len, delta, whole;
	unsigned char *map;

	range(&off, &len, 1, size < high ? size : high);
	if (!len)
		return;
	note("mapread", off, len);
	delta = off % PAGE;
	map = mmap(NULL, delta + len, PROT_READ, rnd(2) ? MAP_SHARED : MAP_PRIVATE, fd,
		   (off_t)(base + off - delta));
	if (map == MAP_FAILED)
		fail("mmap");
	compare("mapread", map + delta, off, len);
	whole = (delta + len + PAGE - 1) / PAGE * PAGE;
	if (!shared && off + len == size)
		for (uint64_t i = delta + len; i < whole; i++)
			if (map[i])
				fail("%02x behind the end of the file in its last page", map[i]);
	munmap(map, delta + len);
}

static void op_punch(void)
{
	uint64_t off, len;

	range(&off, &len, 1, high);
	note("punch", off, len);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(base + off),
		      (off_t)len)) {
		if (errno != EOPNOTSUPP)
			fail("punch");
		return;
	}
	memset(model + off, 0, len);
}

static void op_zero(void)
{
	uint64_t off, len;

	range(&off, &len, 1, size < high ? size : high);
	note("zero range", off, len);
	if (!len)
		return;
	if (fallocate(fd, FALLOC_FL_ZERO_RANGE, (off_t)(base + off), (off_t)len)) {
		if (errno != EOPNOTSUPP)
			fail("zero range");
		return;
	}
	memset(model + off, 0, len);
}

static void op_allocate(void)
{
	uint64_t off, len;
	int stay = (int)rnd(2);

	range(&off, &len, 1, high);
	note(stay ? "allocate, keep size" : "allocate", off, len);
	if (fallocate(fd, stay ? FALLOC_FL_KEEP_SIZE : 0, (off_t)(base + off), (off_t)len)) {
		if (errno != EOPNOTSUPP)
			fail("fallocate");
		return;
	}
	if (!stay)
		grown(off + len);
}

static void op_copy(void)
{
	uint64_t off, len, to;
	off_t in, out;

	range(&off, &len, 1, size < high ? size : high);
	if (len < 2)
		return;
	len /= 2;
	to = low + rnd(high - len - low);
	if (to < off + len && off < to + len)
		return;
	note("copy from", off, len);
	for (uint64_t at = 0; at < len;) {
		ssize_t n;

		in = (off_t)(base + off + at);
		out = (off_t)(base + to + at);
		n = copy_file_range(fd, &in, fd, &out, len - at, 0);
		if (n < 0 && (errno == EOPNOTSUPP || errno == EXDEV || errno == ENOSYS))
			return;
		if (n <= 0)
			fail("copy_file_range gave %zd", n);
		grown(to + at + (uint64_t)n);
		memcpy(model + to + at, model + off + at, (size_t)n);
		at += (uint64_t)n;
	}
	note("copied to", to, len);
}

static uint64_t direct_align(void)
{
	return !shared && rnd(2) ? 512 : PAGE;
}

static void op_directwrite(void)
{
	uint64_t off, len, align = direct_align();

	if (direct_fd < 0)
		return;
	range(&off, &len, align, high);
	if (!len)
		return;
	note("direct write", off, len);
	fill(buffer, len);
	if (pwrite(direct_fd, buffer, len, (off_t)(base + off)) != (ssize_t)len) {
		if (errno == EINVAL && align < PAGE)
			return;
		fail("direct write");
	}
	grown(off + len);
	memcpy(model + off, buffer, len);
}

static void op_directread(void)
{
	uint64_t off, len, want, align = direct_align();
	ssize_t got;

	if (direct_fd < 0)
		return;
	range(&off, &len, align, high);
	if (!len)
		return;
	note("direct read", off, len);
	want = off >= size ? 0 : size - off < len ? size - off : len;
	got = pread(direct_fd, buffer, len, (off_t)(base + off));
	if (got < 0 && errno == EINVAL && align < PAGE)
		return;
	if (got != (ssize_t)want)
		fail("direct read gave %zd of %llu bytes", got, (unsigned long long)want);
	compare("direct read", buffer, off, want);
}

static void op_sync(void)
{
	uint64_t kind = rnd(4);

	note("sync", kind, 0);
	if (kind == 0	? fsync(fd)
	    : kind == 1 ? fdatasync(fd)
	    : kind == 2 ? syncfs(fd)
			: sync_file_range(fd, (off_t)base, (off_t)length,
					  SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
						  SYNC_FILE_RANGE_WAIT_AFTER))
		fail("sync %d", (int)kind);
}

static void drop_caches(void)
{
	int d = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (d < 0)
		return;
	if (write(d, rnd(2) ? "1\n" : "3\n", 2) != 2)
		fail("drop_caches");
	close(d);
}

static void op_drop(void)
{
	note("drop", 0, 0);
	switch (rnd(8)) {
	case 0:
		fsync(fd);
		drop_caches();
		break;
	case 1:
		madvise(window, length, MADV_DONTNEED);
		break;
	default:
		if (rnd(2))
			fdatasync(fd);
		posix_fadvise(fd, (off_t)base, (off_t)length, POSIX_FADV_DONTNEED);
	}
}

static void op_advise(void)
{
	uint64_t off, len;

	range(&off, &len, 1, high);
	note("advise", off, len);
	if (rnd(2))
		posix_fadvise(fd, (off_t)(base + off), (off_t)len, POSIX_FADV_WILLNEED);
	else
		readahead(fd, (off_t)(base + off), len);
}

static void op_seek(void)
{
	off_t end = (off_t)(base + size), at = (off_t)base, data;

	if (shared)
		return;
	note("seek", 0, size);
	while (at < end) {
		data = lseek(fd, at, SEEK_DATA);
		if (data < 0 && errno != ENXIO)
			fail("SEEK_DATA");
		if (data < 0)
			data = end;
		for (off_t i = at; i < data && i < end; i++)
			if (model[(uint64_t)i - base])
				fail("a hole at %#llx has data", (unsigned long long)i);
		if (data >= end)
			break;
		at = lseek(fd, data, SEEK_HOLE);
		if (at <= data)
			fail("SEEK_HOLE from %#llx gave %#llx", (long long)data, (long long)at);
	}
}

static void op_hole(void)
{
	uint64_t off = rnd(base), want;
	ssize_t got;

	if (!base)
		return;
	want = base - off < 4096 ? base - off : 4096;
	note("read before base", off, want);
	got = pread(fd, buffer, want, (off_t)off);
	if (got != (ssize_t)want)
		fail("reading the hole gave %zd", got);
	for (uint64_t i = 0; i < want; i++)
		if (buffer[i])
			fail("%02x in the hole at %#llx", buffer[i], (unsigned long long)(off + i));
}

static void open_file(int flags)
{
	fd = open(path, O_RDWR | flags, 0644);
	if (fd < 0)
		fail("open %s", path);
	direct_fd = open(path, O_RDWR | O_DIRECT);
	if (direct_fd < 0 && errno != EINVAL)
		fail("open %s with O_DIRECT", path);
	window = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)base);
	if (window == MAP_FAILED)
		fail("mmap");
}

static void op_reopen(void)
{
	note("reopen", 0, 0);
	if (munmap(window, length) || (direct_fd >= 0 && close(direct_fd)) || close(fd))
		fail("close");
	open_file(0);
}

static const struct op {
	const char *name;
	void (*run)(void);
	int weight;
} ops[] = {
	{ "write", op_write, 12 },
	{ "writev", op_writev, 3 },
	{ "append", op_append, 6 },
	{ "read", op_read, 12 },
	{ "sendfile", op_sendfile, 4 },
	{ "truncate", op_truncate, 8 },
	{ "mapwrite", op_mapwrite, 8 },
	{ "mapread", op_mapread, 8 },
	{ "windowwrite", op_windowwrite, 8 },
	{ "windowread", op_windowread, 6 },
	{ "punch", op_punch, 4 },
	{ "zero", op_zero, 3 },
	{ "allocate", op_allocate, 3 },
	{ "copy", op_copy, 4 },
	{ "directwrite", op_directwrite, 6 },
	{ "directread", op_directread, 6 },
	{ "sync", op_sync, 3 },
	{ "drop", op_drop, 3 },
	{ "advise", op_advise, 2 },
	{ "seek", op_seek, 2 },
	{ "hole", op_hole, 2 },
	{ "reopen", op_reopen, 2 },
};

static void step(void)
{
	int total = 0, pick;
	struct stat st;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		total += ops[i].weight;
	pick = (int)rnd((uint64_t)total);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		pick -= ops[i].weight;
		if (pick >= 0)
			continue;
		if (!strstr(left_out, ops[i].name))
			ops[i].run();
		break;
	}
	if (fstat(fd, &st) || (uint64_t)st.st_size != base + size)
		fail("the size is %llu, should be %llu", (unsigned long long)st.st_size,
		     (unsigned long long)(base + size));
}

static void check_all(void)
{
	for (uint64_t at = low; at < high && at < size;) {
		uint64_t end = size < high ? size : high, n = end - at < MAX_OP ? end - at : MAX_OP;

		if (pread(fd, buffer, n, (off_t)(base + at)) != (ssize_t)n)
			fail("read at the end");
		compare("read at the end", buffer, at, n);
		at += n;
	}
}

static void work(int k, const char *dir)
{
	me = k;
	seed += (uint64_t)k;
	state = (seed + 1) * 0x9e3779b97f4a7c15ull;
	for (int i = 0; i < 8; i++)
		rnd(0);
	model = calloc(1, length + PAGE);
	if (!model || posix_memalign((void **)&buffer, PAGE, MAX_OP + PAGE) || pipe(pipe_fds))
		fail("set-up");
	high = length;
	if (shared) {
		/* The first region's begin and the last one's end are page borders; no other is. */
		low = length / (uint64_t)processes * (uint64_t)k + (k ? 777 : 0);
		high = k == processes - 1 ? length
					  : length / (uint64_t)processes * (uint64_t)(k + 1) + 777;
		size = length;
		snprintf(path, sizeof(path), "%s/fsx.all", dir);
		open_file(0);
	} else {
		snprintf(path, sizeof(path), "%s/fsx.%d", dir, k);
		unlink(path);
		open_file(O_CREAT | O_EXCL);
		if (ftruncate(fd, (off_t)base))
			fail("truncate to %llu", (unsigned long long)base);
	}
	for (op_number = 1; op_number <= operations; op_number++)
		step();
	op_reopen();
	check_all();
	fsync(fd);
	drop_caches();
	check_all();
	if (!keep && !shared && unlink(path))
		fail("unlink");
}

static void make_shared(const char *dir)
{
	int f;

	snprintf(path, sizeof(path), "%s/fsx.all", dir);
	unlink(path);
	f = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (f < 0 || ftruncate(f, (off_t)(base + length)) || close(f))
		fail("making %s", path);
}

static int run(const char *dir)
{
	int bad = 0, st;

	if (shared)
		make_shared(dir);
	for (int k = 0; k < processes; k++) {
		pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid == 0) {
			work(k, dir);
			exit(0);
		}
	}
	while (wait(&st) > 0) {
		if (WIFSIGNALED(st))
			fprintf(stderr, "fsx: a process ended by signal %d\n", WTERMSIG(st));
		bad |= st != 0;
	}
	if (shared && !keep && !bad)
		unlink(path);
	return bad;
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:n:p:l:b:wkvx:")) >= 0) {
		switch (c) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			operations = strtoull(optarg, NULL, 0);
			break;
		case 'p':
			processes = atoi(optarg);
			break;
		case 'l':
			length = strtoull(optarg, NULL, 0) / PAGE * PAGE;
			break;
		case 'b':
			base = strtoull(optarg, NULL, 0) / PAGE * PAGE;
			break;
		case 'w':
			shared = 1;
			break;
		case 'k':
			keep = 1;
			break;
		case 'v':
			verbose = 1;
			break;
		case 'x':
			left_out = optarg;
			break;
		default:
			return 2;
		}
	}
	if (optind != argc - 1 || processes < 1 || !length)
		return fprintf(stderr, "usage: fsx [options] DIR\n"), 2;
	c = run(argv[optind]);
	printf("fsx: seed %llu, %d processes, %llu operations each: %s\n", (unsigned long long)seed,
	       processes, (unsigned long long)operations, c ? "FAILED" : "ok");
	return c;
}
