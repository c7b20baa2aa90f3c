/* SPDX-License-Identifier: MIT */
/* Address spaces: mmap and its relatives, protection, locking, break, stack, limits. Mappings of
 * files are in mapfile.c. */
#include "abi.h"
#include "fault.h"

#include <sys/resource.h>
#include <sys/uio.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* Areas that /proc/self/maps shows inside [p, p + pages). */
static int areas_in(char *p, long pages)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long a, b, lo = (unsigned long)p, hi = lo + (unsigned long)(pages * PAGE);
	char line[512];
	int n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx", &a, &b) == 2 && a < hi && b > lo)
			n++;
	}
	if (f)
		fclose(f);
	return n;
}

CASE(mmap_errors)
{
	size_t most = (size_t)-1;

	OK(mmap(NULL, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	OK(mmap(NULL, PAGE, RW, 0, -1, 0));
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE, 99, 0));
	OK(syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 1));
	OK(syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, PAGE));
	OK(syscall(SYS_mmap, NULL, most, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(syscall(SYS_mmap, NULL, most - PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(syscall(SYS_mmap, NULL, 1L << 47, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(syscall(SYS_mmap, 0x10001, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	OK(syscall(SYS_mmap, (1L << 47) - PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0));
	OK(syscall(SYS_mmap, 1L << 47, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	OK(syscall(SYS_mmap, -PAGE, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	OK(syscall(SYS_mmap, 1L << 63, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

CASE(mmap_order_of_errors)
{
	/* The offset comes before the descriptor, the descriptor before the length. */
	OK(syscall(SYS_mmap, NULL, 0, RW, MAP_PRIVATE, 99, 1));
	OK(syscall(SYS_mmap, NULL, 0, RW, MAP_PRIVATE, 99, 0));
	OK(syscall(SYS_mmap, NULL, 0, RW, 0, 99, 0));
	OK(syscall(SYS_mmap, 1, 0, RW, MAP_ANONYMOUS | MAP_FIXED, 99, 0));
}

CASE(mmap_anonymous_ignores_fd)
{
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0));
	OK(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, 12345, 0));
	OK(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0));
}

CASE(mmap_flags_accepted)
{
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0));
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0));
	OK(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0));
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
	OK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE, -1,
		0));
	OK(mmap(NULL, PAGE, 0xf0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	SHOW("32 bit: %d",
	     (unsigned long)mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0) >>
			     31 ==
		     0);
}

CASE(mmap_hints)
{
	char *p = fault_map(8, RW, MAP_PRIVATE), *q;

	munmap(p, 8 * PAGE);
	q = mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW("free hint taken: %d", q == p + PAGE);
	q = mmap(p + 3 * PAGE + 5, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW("odd hint: %ld", (long)(q - p) / PAGE);
	q = mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW("used hint: elsewhere %d", q != p + PAGE && q != MAP_FAILED);
	q = mmap((void *)1, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW("low hint: %d", (unsigned long)q >= 65536);
}

CASE(mmap_is_top_down)
{
	char *p = fault_map(4, RW, MAP_PRIVATE), *q = fault_map(4, RW, MAP_PRIVATE);

	SHOW("next below: %d", q < p);
}

CASE(map_fixed)
{
	char *p = fault_map(4, RW, MAP_PRIVATE);

	memset(p, 'a', 4 * PAGE);
	RET(mmap(p + PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + PAGE);
	SHOW("%c %d %c", p[0], p[PAGE], p[2 * PAGE]);
	OK(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_FIXED, 99, 0));
	OK(mmap(p, PAGE, RW, MAP_FIXED | MAP_ANONYMOUS, -1, 0));
	OK(mmap(p + 1, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	SHOW("still %c", p[0]);
	OK(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	OK(mmap(p + 3 * PAGE, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		0));
	SHOW("still %c", p[0]);
	munmap(p, 2 * PAGE);
	RET(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p);
	RET(mmap((void *)(long)PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
}

CASE(reservations_are_lazy)
{
	size_t huge = 64UL << 30;
	char *p;

	p = mmap(NULL, huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW("none %d", p != MAP_FAILED);
	RET(mprotect(p + huge / 2, PAGE, RW));
	WRITE(p + huge / 2);
	READ(p + huge / 2 + PAGE);
	RET(munmap(p, huge));
	p = mmap(NULL, huge, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	SHOW("noreserve %d", p != MAP_FAILED);
	WRITE(p + huge - PAGE);
	RET(munmap(p, huge));
	OK(mmap(NULL, huge, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

CASE(munmap_rules)
{
	char *p = fault_map(5, RW, MAP_PRIVATE);

	RET(munmap(p + 1, PAGE));
	RET(munmap(p, 0));
	RET(syscall(SYS_munmap, p, -1L));
	RET(syscall(SYS_munmap, 1L << 47, PAGE));
	RET(syscall(SYS_munmap, (1L << 47) - PAGE, PAGE));
	RET(syscall(SYS_munmap, -PAGE, PAGE));
	RET(munmap(p + PAGE, PAGE));
	RET(munmap(p + PAGE, PAGE));
	READ(p);
	READ(p + PAGE);
	READ(p + 2 * PAGE);
	RET(munmap(p, 3 * PAGE));
	RET(munmap(p + 3 * PAGE, 1));
	READ(p + 2 * PAGE);
	READ(p + 3 * PAGE);
	READ(p + 4 * PAGE);
}

CASE(protection_faults)
{
	char *p = fault_map(4, RW, MAP_PRIVATE);

	memset(p, 0xc3, 4 * PAGE);
	RET(mprotect(p, PAGE, PROT_NONE));
	RET(mprotect(p + PAGE, PAGE, PROT_READ));
	RET(mprotect(p + 3 * PAGE, PAGE, PROT_READ | PROT_EXEC));
	READ(p);
	WRITE(p);
	JUMP(p);
	READ(p + PAGE);
	WRITE(p + PAGE);
	JUMP(p + PAGE);
	READ(p + 2 * PAGE);
	WRITE(p + 2 * PAGE);
	JUMP(p + 2 * PAGE);
	READ(p + 3 * PAGE);
	WRITE(p + 3 * PAGE);
	JUMP(p + 3 * PAGE);
	RET(mprotect(p, PAGE, PROT_WRITE));
	READ(p);
	WRITE(p);
	SHOW("contents kept: %x", p[1] & 0xff);
}

CASE(fault_addresses)
{
	char *p = fault_map(1, RW, MAP_PRIVATE);

	munmap(p, PAGE);
	READ(p);
	READ(p + 1234);
	WRITE(p + 4095);
	READ(NULL);
	WRITE((char *)8);
	JUMP(NULL);
	JUMP(p);
	READ((char *)0x7fffffffe000 + 0x1ff0);
	READ((char *)0xffffffff80000000);
	WRITE((char *)0xffff888000000000);
}

CASE(mprotect_errors)
{
	char *p = fault_map(5, RW, MAP_PRIVATE);

	munmap(p + 3 * PAGE, PAGE);
	RET(mprotect(p + 1, PAGE, PROT_READ));
	RET(mprotect(p, 0, PROT_READ));
	RET(mprotect(p + 3 * PAGE, 0, PROT_READ));
	RET(mprotect(p + 3 * PAGE, PAGE, PROT_READ));
	RET(syscall(SYS_mprotect, p, -1L, PROT_READ));
	RET(mprotect(p, PAGE, 0x100));
	RET(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN));
	RET(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP));
	WRITE(p);
	/* Up to the hole it works, then it fails. */
	RET(mprotect(p, 5 * PAGE, PROT_READ));
	WRITE(p + 2 * PAGE);
	WRITE(p + 4 * PAGE);
}

CASE(areas_split_and_merge)
{
	char *p = fault_map(6, RW, MAP_PRIVATE | MAP_NORESERVE);

	/* A neighbour of another kind, so that nothing outside joins. */
	mprotect(p, PAGE, PROT_NONE);
	mprotect(p + 5 * PAGE, PAGE, PROT_NONE);
	SHOW("start %d", areas_in(p + PAGE, 4));
	mprotect(p + 2 * PAGE, PAGE, PROT_READ);
	SHOW("split %d", areas_in(p + PAGE, 4));
	mprotect(p + 3 * PAGE, PAGE, PROT_READ);
	SHOW("two read only %d", areas_in(p + PAGE, 4));
	mprotect(p + 2 * PAGE, 2 * PAGE, RW);
	SHOW("merged %d", areas_in(p + PAGE, 4));
	munmap(p + 2 * PAGE, PAGE);
	SHOW("hole %d", areas_in(p + PAGE, 4));
	mmap(p + 2 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
	     0);
	SHOW("filled %d", areas_in(p + PAGE, 4));
}

CASE(mremap_errors)
{
	char *p = fault_map(4, RW, MAP_PRIVATE);

	munmap(p + 2 * PAGE, PAGE);
	OK(mremap(p + 1, PAGE, PAGE, 0));
	OK(mremap(p, PAGE, 0, MREMAP_MAYMOVE));
	OK(mremap(p, PAGE, PAGE, 0x80));
	OK(mremap(p, PAGE, PAGE, MREMAP_FIXED, p + PAGE));
	OK(mremap(p, PAGE, 2 * PAGE, 0));
	OK(mremap(p + 2 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE));
	OK(mremap(p, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE));
	OK(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
	OK(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1));
	OK(mremap(p, 0, PAGE, MREMAP_MAYMOVE));
	OK(syscall(SYS_mremap, p, PAGE, -PAGE, MREMAP_MAYMOVE));
	OK(syscall(SYS_mremap, p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, 1L << 47));
}

CASE(mremap_moves)
{
	char *p = fault_map(8, RW, MAP_PRIVATE), *q, *r;

	p[0] = 'a';
	p[PAGE] = 'b';
	p[7 * PAGE] = 'h';
	RET(mremap(p, 8 * PAGE, 4 * PAGE, 0) == p);
	READ(p + 7 * PAGE);
	RET(mremap(p, 4 * PAGE, 8 * PAGE, 0) == p);
	SHOW("grown in place: %d", p[7 * PAGE]);
	q = fault_map(2, RW, MAP_PRIVATE);
	r = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	SHOW("fixed %d %c%c", r == q, q[0], q[PAGE]);
	READ(p);
	READ(p + 2 * PAGE);
	mmap(q + 2 * PAGE, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	r = mremap(q, 2 * PAGE, 1000 * PAGE, MREMAP_MAYMOVE);
	SHOW("moved %d %c%c%d", r != q, r[0], r[PAGE], r[999 * PAGE]);
	READ(q);
}

CASE(mremap_shared_twice)
{
	char *p = fault_map(2, RW, MAP_SHARED), *q;

	p[0] = 'x';
	q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE);
	SHOW("second %d %c", q != MAP_FAILED && q != p, q[0]);
	q[1] = 'y';
	SHOW("%c", p[1]);
}

CASE(mremap_dontunmap)
{
	char *p = fault_map(2, RW, MAP_PRIVATE), *q;

	p[0] = 'x';
	q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | 4, 0);
	SHOW("%d %c old %d", q != MAP_FAILED && q != p, q[0], p[0]);
	OK(mremap(p, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | 4, 0));
	OK(mremap(p, 2 * PAGE, 2 * PAGE, 4, 0));
}

CASE(madvise_dontneed)
{
	char *p = fault_map(3, RW, MAP_PRIVATE);

	memset(p, 'a', 3 * PAGE);
	RET(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	SHOW("%d %d %d", p[0], p[PAGE], p[2 * PAGE]);
	RET(madvise(p, 1, MADV_DONTNEED));
	SHOW("%d %d", p[0], p[PAGE - 1]);
	p = fault_map(1, RW, MAP_SHARED);
	p[0] = 's';
	RET(madvise(p, PAGE, MADV_DONTNEED));
	SHOW("shared stays: %c", p[0]);
}

CASE(madvise_errors)
{
	char *p = fault_map(3, RW, MAP_PRIVATE);

	RET(madvise(p + 1, PAGE, MADV_DONTNEED));
	RET(madvise(p, PAGE, 9999));
	RET(madvise(p + 1, PAGE, 9999));
	RET(madvise(p, 0, MADV_DONTNEED));
	RET(madvise(p, 0, 9999));
	RET(syscall(SYS_madvise, p, -1L, MADV_DONTNEED));
	munmap(p + PAGE, PAGE);
	memset(p, 'a', PAGE);
	memset(p + 2 * PAGE, 'b', PAGE);
	RET(madvise(p, 3 * PAGE, MADV_DONTNEED));
	SHOW("both dropped all the same: %d %d", p[0], p[2 * PAGE]);
	RET(madvise(p + PAGE, PAGE, MADV_NORMAL));
	RET(madvise(p, PAGE, MADV_REMOVE));
	RET(mlock(p, PAGE));
	RET(madvise(p, PAGE, MADV_DONTNEED));
	RET(madvise(p, PAGE, MADV_FREE));
}

CASE(madvise_others)
{
	char *p = fault_map(4, RW, MAP_PRIVATE);
	int status;
	pid_t pid;

	RET(madvise(p, PAGE, MADV_NORMAL));
	RET(madvise(p, PAGE, MADV_RANDOM));
	RET(madvise(p, PAGE, MADV_SEQUENTIAL));
	RET(madvise(p, PAGE, MADV_FREE));
	RET(madvise(p, PAGE, MADV_DODUMP));
	RET(madvise(p, PAGE, MADV_DONTDUMP));
	RET(madvise(p, 4 * PAGE, 23)); /* MADV_POPULATE_WRITE */
	memset(p, 'a', 4 * PAGE);
	RET(madvise(p, PAGE, MADV_DONTFORK));
	RET(madvise(p + PAGE, PAGE, 18)); /* MADV_WIPEONFORK */
	pid = fork();
	if (pid == 0) {
		READ(p);
		SHOW("wiped %d kept %c", p[PAGE], p[2 * PAGE]);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	SHOW("parent %c %c", p[0], p[PAGE]);
	RET(madvise(p, PAGE, MADV_DOFORK));
	RET(madvise(p + PAGE, PAGE, 19));
	pid = fork();
	if (pid == 0) {
		SHOW("child %c %c", p[0], p[PAGE]);
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

CASE(mlock_rules)
{
	char *p = fault_map(3, RW, MAP_PRIVATE);

	RET(mlock(p, PAGE));
	RET(mlock(p + 5, 10));
	RET(munlock(p, PAGE));
	RET(munlock(p, PAGE));
	RET(mlock(p, 0));
	RET(syscall(SYS_mlock, p, -1L));
	RET(syscall(SYS_mlock2, p, PAGE, 2));
	RET(syscall(SYS_mlock2, p, PAGE, 1));
	RET(mlockall(0));
	RET(mlockall(8));
	RET(mlockall(4));
	RET(mlockall(MCL_CURRENT));
	RET(munlockall());
	munmap(p + PAGE, PAGE);
	RET(mlock(p, 3 * PAGE));
	RET(munlock(p, 3 * PAGE));
	mprotect(p, PAGE, PROT_NONE);
	RET(mlock(p, PAGE));
}

CASE(mlock_limit)
{
	struct rlimit rl = { 4 * PAGE, 4 * PAGE };
	char *p = fault_map(8, RW, MAP_PRIVATE);

	RET(setrlimit(RLIMIT_MEMLOCK, &rl));
	RET(mlock(p, 8 * PAGE));
	RET(munlock(p, 8 * PAGE));
	RET(setresuid(1000, 1000, 1000));
	RET(mlock(p, 4 * PAGE));
	RET(mlock(p, 5 * PAGE));
	RET(munlock(p, 8 * PAGE));
	RET(mlock(p, 2 * PAGE));
	RET(mlock(p, 4 * PAGE));
	OK(mmap(NULL, 8 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
	RET(mlockall(MCL_CURRENT));
	munlockall();
	rl.rlim_cur = 0;
	setrlimit(RLIMIT_MEMLOCK, &rl);
	RET(mlock(p, PAGE));
	RET(mlockall(MCL_FUTURE));
	RET(munlockall());
}

CASE(msync_errors)
{
	char *p = fault_map(3, RW, MAP_PRIVATE);

	RET(msync(p, PAGE, MS_SYNC));
	RET(msync(p, PAGE, MS_ASYNC));
	RET(msync(p, PAGE, MS_SYNC | MS_ASYNC));
	RET(msync(p, PAGE, 0));
	RET(msync(p, PAGE, 64));
	RET(msync(p + 1, PAGE, MS_SYNC));
	RET(msync(p, 0, MS_SYNC));
	munmap(p + PAGE, PAGE);
	RET(msync(p, 3 * PAGE, MS_SYNC));
	RET(msync(p, 3 * PAGE, MS_ASYNC));
	mlock(p, PAGE);
	RET(msync(p, PAGE, MS_INVALIDATE));
	RET(msync(p, PAGE, MS_SYNC));
}

CASE(mincore_rules)
{
	char *p = fault_map(4, RW, MAP_PRIVATE);
	unsigned char v[4] = { 9, 9, 9, 9 };

	p[PAGE] = 1;
	RET(mincore(p, 3 * PAGE, v));
	SHOW("%d %d %d %d", v[0] & 1, v[1] & 1, v[2] & 1, v[3]);
	RET(mincore(p + 1, PAGE, v));
	RET(mincore(p, PAGE, (unsigned char *)8));
	RET(mincore(p, 0, (unsigned char *)8));
	RET(mincore(p, 1, v));
	RET(syscall(SYS_mincore, -PAGE, PAGE, v));
	munmap(p + 3 * PAGE, PAGE);
	RET(mincore(p, 4 * PAGE, v));
}

CASE(brk_rules)
{
	char *start = (char *)syscall(SYS_brk, 0), *p;

	SHOW("bad: %d", (char *)syscall(SYS_brk, 1) == start);
	SHOW("huge: %d", (char *)syscall(SYS_brk, 1L << 46) == start);
	SHOW("grown: %d", (char *)syscall(SYS_brk, start + 3 * PAGE) == start + 3 * PAGE);
	p = (char *)(((unsigned long)start + PAGE - 1) & ~(unsigned long)(PAGE - 1));
	WRITE(p);
	p[PAGE] = 'z';
	SHOW("shrunk: %d", (char *)syscall(SYS_brk, p + 10) == p + 10);
	READ(p + 10);
	READ(p + PAGE);
	SHOW("grown again: %d", (char *)syscall(SYS_brk, p + 2 * PAGE) == p + 2 * PAGE);
	SHOW("zero again: %d", p[PAGE]);
	SHOW("byte by byte: %d", (char *)syscall(SYS_brk, p + 2 * PAGE - 7) == p + 2 * PAGE - 7);
	READ(p + 2 * PAGE - 1);
	SHOW("back: %d", (char *)syscall(SYS_brk, start) == start);
	READ(p);
}

CASE(brk_stops_at_mapping)
{
	char *start = (char *)syscall(SYS_brk, 0), *p;

	p = (char *)(((unsigned long)start + 20 * PAGE) & ~(unsigned long)(PAGE - 1));
	RET(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
	SHOW("over it: %d", (char *)syscall(SYS_brk, p + 2 * PAGE) == start);
	SHOW("before it: %d", (char *)syscall(SYS_brk, p - 2 * PAGE) == p - 2 * PAGE);
}

static int deep(int n)
{
	volatile char frame[3000];

	frame[0] = (char)n;
	return n ? deep(n - 1) + frame[0] - frame[0] : 0;
}

CASE(stack_grows)
{
	struct rlimit rl;

	getrlimit(RLIMIT_STACK, &rl);
	SHOW("limit %ld MiB", (long)rl.rlim_cur >> 20);
	SHOW("deep %d", deep(2000));
}

CASE(stack_has_a_limit)
{
	struct rlimit rl = { 1 << 20, 1 << 20 };
	pid_t pid;
	int status;

	setrlimit(RLIMIT_STACK, &rl);
	pid = fork();
	if (pid == 0) {
		deep(200);
		SHOW("small is fine");
		deep(4000);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	abi_show_status("child", status);
}

CASE(far_below_stack_pointer)
{
	char here;

	READ(&here - (4 << 20));
	WRITE(&here - (1 << 20));
	READ(&here - (16 << 20));
}

CASE(growsdown_mapping)
{
	char *p = fault_map(600, PROT_NONE, MAP_PRIVATE), *q = p + 599 * PAGE;

	munmap(p, 600 * PAGE);
	RET(mmap(q, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0) == q);
	WRITE(q);
	WRITE(q - PAGE);
	WRITE(q - 3 * PAGE);
	SHOW("%d", q[-2 * PAGE]);
}

CASE(growsdown_keeps_a_gap)
{
	char *p = fault_map(600, PROT_NONE, MAP_PRIVATE), *q = p + 599 * PAGE;

	munmap(p, 600 * PAGE);
	mmap(q, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	mmap(q - 300 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	WRITE(q - PAGE);
	WRITE(q - 10 * PAGE);
	WRITE(q - 100 * PAGE);
}

CASE(address_space_limit)
{
	struct rlimit rl = { 64 << 20, 64 << 20 };
	char *p, *brk0 = (char *)syscall(SYS_brk, 0);

	p = fault_map(1024, RW, MAP_PRIVATE);
	RET(setrlimit(RLIMIT_AS, &rl));
	OK(mmap(NULL, 32 << 20, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(mmap(NULL, 40 << 20, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(mmap(NULL, 40 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(mremap(p, 1024 * PAGE, 40 << 20, MREMAP_MAYMOVE));
	SHOW("brk fails: %d", (char *)syscall(SYS_brk, brk0 + (40 << 20)) == brk0);
	RET(munmap(p, 1024 * PAGE));
	OK(mmap(NULL, 4 << 20, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

CASE(data_limit)
{
	struct rlimit rl = { 8 << 20, 8 << 20 };
	char *brk0 = (char *)syscall(SYS_brk, 0);

	RET(setrlimit(RLIMIT_DATA, &rl));
	SHOW("brk fails: %d", (char *)syscall(SYS_brk, brk0 + (9 << 20)) == brk0);
	SHOW("brk works: %d", (char *)syscall(SYS_brk, brk0 + (1 << 20)) == brk0 + (1 << 20));
	OK(mmap(NULL, 9 << 20, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(mmap(NULL, 9 << 20, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	OK(mmap(NULL, 9 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	OK(mmap(NULL, 2 << 20, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

CASE(copy_on_write)
{
	char *p = fault_map(2, RW, MAP_PRIVATE), *s = fault_map(1, RW, MAP_SHARED);
	pid_t pid;

	strcpy(p, "parent");
	strcpy(s, "parent");
	pid = fork();
	if (pid == 0) {
		SHOW("child sees %s %s", p, s);
		strcpy(p, "child");
		strcpy(s, "child");
		SHOW("child has %s %s", p, s);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	SHOW("parent has %s %s", p, s);
	strcpy(p, "again");
	SHOW("%s", p);
}

CASE(copy_on_write_generations)
{
	char *p = fault_map(1, RW, MAP_PRIVATE);
	int i;

	p[0] = 0;
	for (i = 0; i < 8; i++) {
		pid_t pid = fork();

		if (pid) {
			waitpid(pid, NULL, 0);
			break;
		}
		p[0]++;
	}
	SHOW("%d", p[0]);
	if (i)
		_exit(0);
}

CASE(kernel_writes_cow_page)
{
	char *p = fault_map(1, RW, MAP_PRIVATE);
	int fds[2];
	pid_t pid;

	strcpy(p, "parent");
	NEED(pipe(fds));
	pid = fork();
	if (pid == 0) {
		NEED(write(fds[1], "kernel", 7));
		RET(read(fds[0], p, 7));
		SHOW("child %s", p);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	SHOW("parent %s", p);
}

CASE(kernel_obeys_protection)
{
	char *p = fault_map(3, RW, MAP_PRIVATE);
	int fds[2];

	memset(p, 'x', 3 * PAGE);
	mprotect(p + PAGE, PAGE, PROT_READ);
	munmap(p + 2 * PAGE, PAGE);
	NEED(pipe(fds));
	NEED(write(fds[1], "0123456789", 10));
	RET(read(fds[0], p + PAGE, 4));
	RET(read(fds[0], p + PAGE - 4, 10));
	RET(write(fds[1], p + 2 * PAGE, 1));
	RET(write(fds[1], p + 2 * PAGE - 3, 8));
	mprotect(p, PAGE, PROT_NONE);
	RET(write(fds[1], p, 1));
	RET(write(fds[1], p + PAGE, 1));
}

CASE(zero_page_then_write)
{
	char *p = fault_map(64, RW, MAP_PRIVATE);
	long i, sum = 0;

	for (i = 0; i < 64; i++)
		sum += p[i * PAGE];
	p[5 * PAGE] = 1;
	for (i = 0; i < 64; i++)
		sum += p[i * PAGE];
	SHOW("%ld", sum);
}

CASE(dev_zero_mappings)
{
	int fd = (int)NEED(open("/dev/zero", O_RDWR));
	char *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0),
	     *s = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	pid_t pid;

	SHOW("%d %d", p != MAP_FAILED, s != MAP_FAILED);
	pid = fork();
	if (pid == 0) {
		p[0] = s[0] = 'c';
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	SHOW("%d %d", p[0], s[0]);
	OK(mmap(NULL, PAGE, RW, MAP_SHARED, open("/dev/null", O_RDWR), 0));
}

CASE(process_vm_transfers)
{
	char *p = fault_map(3, RW, MAP_PRIVATE), buf[32] = "";
	struct iovec l = { buf, 8 }, r = { p, 8 };
	pid_t pid;

	strcpy(p, "original");
	pid = fork();
	if (pid == 0) {
		strcpy(p, "of child");
		raise(SIGSTOP);
		SHOW("child has %s", p);
		_exit(0);
	}
	waitpid(pid, NULL, WUNTRACED);
	RET(process_vm_readv(pid, &l, 1, &r, 1, 0));
	SHOW("%s", buf);
	memcpy(buf, "replaced", 8);
	RET(process_vm_writev(pid, &l, 1, &r, 1, 0));
	RET(process_vm_readv(pid, &l, 1, &r, 1, 1));
	RET(process_vm_readv(-1, &l, 1, &r, 1, 0));
	RET(process_vm_readv(pid, &l, 0, &r, 1, 0));
	RET(process_vm_readv(pid, NULL, 1, &r, 1, 0));
	r.iov_base = (void *)8;
	RET(process_vm_readv(pid, &l, 1, &r, 1, 0));
	munmap(p + 2 * PAGE, PAGE);
	l.iov_base = (void *)8;
	r.iov_base = p;
	RET(process_vm_readv(pid, &l, 1, &r, 1, 0));
	kill(pid, SIGCONT);
	waitpid(pid, NULL, 0);
	SHOW("mine %s", p);
}

CASE(membarrier_query)
{
	RET(syscall(SYS_membarrier, 0, 0, 0) > 0);
	RET(syscall(SYS_membarrier, 0, 1, 0));
	RET(syscall(SYS_membarrier, 1 << 30, 0, 0));
	RET(syscall(SYS_membarrier, 8, 0, 0)); /* PRIVATE_EXPEDITED before registration */
	RET(syscall(SYS_membarrier, 16, 0, 0));
	RET(syscall(SYS_membarrier, 8, 0, 0));
	RET(syscall(SYS_membarrier, 1, 0, 0));
}

CASE(many_areas)
{
	char *p = fault_map(2000, RW, MAP_PRIVATE);
	long i, bad = 0;

	for (i = 0; i < 2000; i += 2)
		bad += mprotect(p + i * PAGE, PAGE, PROT_READ) != 0;
	SHOW("areas %d bad %ld", areas_in(p, 2000), bad);
	for (i = 1; i < 2000; i += 2)
		p[i * PAGE] = 1;
	WRITE(p + 1000 * PAGE);
	WRITE(p + 1001 * PAGE);
	RET(munmap(p, 2000 * PAGE));
}

static long free_kib(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long n = -1;

	while (f && fgets(line, sizeof(line), f) && sscanf(line, "MemFree: %ld", &n) != 1)
		;
	if (f)
		fclose(f);
	return n;
}

/* n processes at once that touch the last page a program may have, and end together. */
static int crowd_on_top(int n)
{
	int ready[2], go[2], bad = 0;
	char c;

	NEED(pipe(ready));
	NEED(pipe(go));
	for (int i = 0; i < n; i++) {
		if (NEED(fork()))
			continue;
		close(go[1]);
		char *p = mmap((void *)((1UL << 47) - 2 * PAGE), PAGE, RW,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		c = p == MAP_FAILED;
		if (!c)
			*p = 1;
		if (write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) < 0)
			_exit(1);
		_exit(0);
	}
	for (int i = 0; i < n; i++)
		bad += read(ready[0], &c, 1) != 1 || c;
	close(go[0]);
	close(go[1]);
	close(ready[0]);
	close(ready[1]);
	while (wait(NULL) > 0)
		;
	return bad;
}

/* The tables that map the last pages go with the process. */
CASE(top_page_tables)
{
	long before;
	int bad = 0;

	for (int i = 0; i < 3; i++)
		bad += crowd_on_top(40);
	before = free_kib();
	for (int i = 0; i < 12; i++)
		bad += crowd_on_top(40);
	SHOW("bad %d, lost %d", bad, before - free_kib() > 3000);
}
