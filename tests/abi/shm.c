/* SPDX-License-Identifier: MIT */
/* System V shared memory, and corners of address spaces that memory.c leaves out. */
#include "abi.h"
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>

#define PAGE 4096l
#define OK_PTR(call) SHOW("%s%s", #call, (void *)(call) == (void *)-1 ? strerror(errno) : ": ok")

static void stat_line(int id)
{
	struct shmid_ds ds;

	memset(&ds, 0, sizeof(ds));
	RET(shmctl(id, IPC_STAT, &ds));
	SHOW("size %lu nattch %lu mode %o cpid %d", (unsigned long)ds.shm_segsz,
	     (unsigned long)ds.shm_nattch, ds.shm_perm.mode & 01777, ds.shm_cpid == getpid());
}

CASE(shm_life)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE + 5, IPC_CREAT | 0640);
	char *a, *b;
	pid_t pid;

	NEED(id >= 0 ? 0 : -1);
	stat_line(id);
	a = shmat(id, NULL, 0);
	b = shmat(id, NULL, SHM_RDONLY);
	SHOW("attached %d", a != (void *)-1 && b != (void *)-1);
	strcpy(a + PAGE, "shared");
	SHOW("%s", b + PAGE);
	stat_line(id);
	pid = fork();
	if (!pid) {
		a[0] = 'c';
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	SHOW("child wrote %c", b[0]);
	stat_line(id);
	RET(shmctl(id, IPC_RMID, NULL));
	stat_line(id);
	RET(shmdt(a));
	RET(shmdt(a));
	SHOW("%s", b + PAGE);
	RET(shmdt(b));
	RET(shmctl(id, IPC_STAT, NULL));
	RET(shmat(id, NULL, 0) == (void *)-1 ? -1 : 0);
}

CASE(shm_keys)
{
	key_t key = 0x4b45454c;
	int id = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);

	NEED(id >= 0 ? 0 : -1);
	RET(shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600));
	SHOW("again %d", shmget(key, PAGE, IPC_CREAT | 0600) == id);
	SHOW("smaller %d", shmget(key, 10, 0) == id);
	RET(shmget(key, 2 * PAGE, 0));
	RET(shmget(key + 1, PAGE, 0));
	RET(shmget(key + 1, 0, IPC_CREAT | 0600));
	RET(shmctl(id, IPC_RMID, NULL));
	RET(shmget(key, PAGE, 0));
}

CASE(shm_errors)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600);
	struct shmid_ds ds;
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	RET(shmat(-1, NULL, 0) == (void *)-1 ? -1 : 0);
	RET(shmat(id, p + 1, 0) == (void *)-1 ? -1 : 0);
	RET(shmat(id, p, 0) == (void *)-1 ? -1 : 0);
	RET(shmat(id, NULL, SHM_REMAP) == (void *)-1 ? -1 : 0);
	SHOW("remap %d", shmat(id, p, SHM_REMAP) == p);
	SHOW("rnd %d", shmat(id, p + 2 * PAGE + 77, SHM_RND | SHM_REMAP) == p + 2 * PAGE);
	RET(shmdt(p + 1));
	RET(shmdt(p + PAGE));
	RET(shmdt(p));
	RET(shmdt(p + 2 * PAGE));
	RET(shmctl(id, 77, &ds));
	RET(shmctl(-1, IPC_STAT, &ds));
	RET(shmctl(id, IPC_STAT, (void *)8));
	RET(shmctl(id, IPC_RMID, NULL));
	RET(shmctl(id, IPC_RMID, NULL));
}

CASE(shm_partial_unmap)
{
	int id = shmget(IPC_PRIVATE, 4 * PAGE, IPC_CREAT | 0600);
	char *p = shmat(id, NULL, 0);

	munmap(p + PAGE, PAGE);
	stat_line(id);
	p[0] = p[3 * PAGE] = 'x';
	RET(shmdt(p));
	stat_line(id);
	RET(shmctl(id, IPC_RMID, NULL));
}

CASE(growsdown_area)
{
	char *top = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *p;

	munmap(top, 64 * PAGE);
	p = mmap(top + 60 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
	SHOW("placed %d", p == top + 60 * PAGE);
	p[-PAGE] = 1;
	p[-3 * PAGE] = 2;
	SHOW("grew %d %d", p[-PAGE], p[-3 * PAGE]);
	RET(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN));
	RET(mprotect(p, PAGE, PROT_READ | PROT_GROWSUP));
	RET(mprotect(p, PAGE, PROT_READ | PROT_GROWSUP | PROT_GROWSDOWN));
}

CASE(limits_of_space)
{
	struct rlimit old, rl;
	char *p;

	getrlimit(RLIMIT_AS, &old);
	rl = old;
	rl.rlim_cur = 64 << 20;
	RET(setrlimit(RLIMIT_AS, &rl));
	p = mmap(NULL, 128 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW("128 MiB: %s", p == MAP_FAILED ? strerror(errno) : "ok");
	p = mmap(NULL, 16 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW("16 MiB: %s", p == MAP_FAILED ? strerror(errno) : "ok");
	SHOW("mremap: %s", mremap(p, 16 << 20, 100 << 20, MREMAP_MAYMOVE) == MAP_FAILED ?
				   strerror(errno) : "ok");
	SHOW("brk: %s", sbrk(100 << 20) == (void *)-1 ? strerror(errno) : "ok");
	RET(setrlimit(RLIMIT_AS, &old));
	getrlimit(RLIMIT_DATA, &old);
	rl = old;
	rl.rlim_cur = 8 << 20;
	RET(setrlimit(RLIMIT_DATA, &rl));
	p = mmap(NULL, 16 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW("read only: %s", p == MAP_FAILED ? strerror(errno) : "ok");
	RET(mprotect(p, 16 << 20, PROT_READ | PROT_WRITE));
	p = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW("writable: %s", p == MAP_FAILED ? strerror(errno) : "ok");
	p = mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	SHOW("shared: %s", p == MAP_FAILED ? strerror(errno) : "ok");
}

CASE(wipe_and_keep_on_fork)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int st;

	memset(p, 7, 3 * PAGE);
	RET(madvise(p, PAGE, MADV_WIPEONFORK));
	RET(madvise(p + PAGE, PAGE, MADV_DONTFORK));
	pid = fork();
	if (!pid) {
		if (p[0] || p[2 * PAGE] != 7)
			_exit(1);
		_exit(mincore(p + PAGE, PAGE, (unsigned char *)p) < 0 && errno == ENOMEM ? 0 : 2);
	}
	waitpid(pid, &st, 0);
	SHOW("child %d, ours %d %d", WEXITSTATUS(st), p[0], p[PAGE]);
	RET(madvise(p, PAGE, MADV_KEEPONFORK));
	RET(madvise(p + PAGE, PAGE, MADV_DOFORK));
	pid = fork();
	if (!pid)
		_exit(p[0] == 7 && p[PAGE] == 7 ? 0 : 1);
	waitpid(pid, &st, 0);
	SHOW("child %d", WEXITSTATUS(st));
}

CASE(populate_advice)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char v[4] = { 0 };

	RET(madvise(p, 4 * PAGE, 22));
	RET(madvise(p, 4 * PAGE, 23));
	mprotect(p, 2 * PAGE, PROT_READ | PROT_WRITE);
	RET(madvise(p, 2 * PAGE, 23));
	RET(mincore(p, 4 * PAGE, v));
	SHOW("%d%d%d%d", v[0] & 1, v[1] & 1, v[2] & 1, v[3] & 1);
	munmap(p + PAGE, PAGE);
	RET(madvise(p, 4 * PAGE, 22));
	RET(madvise(p, 4 * PAGE, MADV_DONTNEED));
	SHOW("dropped %d", p[0]);
	RET(madvise(p, PAGE, 1000));
	RET(madvise(p + 1, PAGE, MADV_DONTNEED));
}

/* Attached for reading is for reading, whatever mprotect asks; code needs its own permission. */
CASE(shm_read_only_stays)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0644), ro;
	char *p;

	NEED(id >= 0 ? 0 : -1);
	p = shmat(id, NULL, SHM_RDONLY);
	RET(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	RET(mprotect(p, PAGE, PROT_NONE));
	RET(mprotect(p, PAGE, PROT_READ));
	RET(shmdt(p));
	p = shmat(id, NULL, 0);
	RET(mprotect(p, PAGE, PROT_READ));
	RET(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	RET(shmdt(p));
	if (!fork()) {
		NEED(setuid(1234));
		OK_PTR(shmat(id, NULL, 0));
		p = shmat(id, NULL, SHM_RDONLY);
		RET(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
		OK_PTR(shmat(id, NULL, SHM_RDONLY | SHM_EXEC));
		ro = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0711);
		OK_PTR(shmat(ro, NULL, SHM_EXEC));
		RET(shmctl(ro, IPC_RMID, NULL));
		_exit(0);
	}
	wait(NULL);
	RET(shmctl(id, IPC_RMID, NULL));
}
