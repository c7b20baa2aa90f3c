/* SPDX-License-Identifier: MIT */
/* kcmp(2): do two threads share a kernel object? The answer orders objects by a scrambled address,
 * so that it can be used for sorting and tells nothing about where they are. */
#include "proc_internal.h"

#include <fs/vfs.h>
#include <kernel/random.h>
#include <kernel/syscall.h>

enum { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO, KCMP_SYSVSEM };

/* XOR keeps different things different; the odd factor mixes. */
static long order(const void *a, const void *b)
{
	static u64 xor_key, mul_key;
	u64 x, y;

	if (unlikely(!mul_key)) {
		xor_key = get_random_u64();
		mul_key = get_random_u64() | 1;
	}
	x = ((u64)a ^ xor_key) * mul_key;
	y = ((u64)b ^ xor_key) * mul_key;
	return x == y ? 0 : x < y ? 1 : 2;
}

/* A counted reference to file fd of t, or NULL. */
static struct file *file_of(struct task *t, u64 fd)
{
	struct files *fs;
	struct file *f = NULL;

	if (fd > INT32_MAX)
		return NULL;
	spin_lock(&t->lock);
	fs = t->files;
	if (fs)
		files_get(fs);
	spin_unlock(&t->lock);
	if (fs) {
		f = files_lookup(fs, (unsigned int)fd);
		files_put(fs);
	}
	return f;
}

static long compare_files(struct task *a, struct task *b, u64 fd1, u64 fd2)
{
	struct file *f1 = file_of(a, fd1), *f2 = file_of(b, fd2);
	long rc = f1 && f2 ? order(f1, f2) : -EBADF;

	if (f1)
		file_put(f1);
	if (f2)
		file_put(f2);
	return rc;
}

static long compare(struct task *a, struct task *b, int type, u64 idx1, u64 idx2)
{
	switch (type) {
	case KCMP_FILE:
		return compare_files(a, b, idx1, idx2);
	case KCMP_VM:
		return order(a->mm, b->mm);
	case KCMP_FILES:
		return order(a->files, b->files);
	case KCMP_FS:
		return order(a->fs, b->fs);
	case KCMP_SIGHAND:
		return order(a->sighand, b->sighand);
	case KCMP_IO:
		return order(a->io, b->io);
	case KCMP_SYSVSEM:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

SYSCALL(kcmp, int, pid1, int, pid2, int, type, u64, idx1, u64, idx2)
{
	struct task *a = task_find_get(pid1), *b = task_find_get(pid2);
	long rc = -ESRCH;

	if (a && b) {
		rc = -EPERM;
		if (!ptrace_permitted(a) && !ptrace_permitted(b))
			rc = compare(a, b, type, (u32)idx1, (u32)idx2);
	}
	if (a)
		task_put(a);
	if (b)
		task_put(b);
	return rc;
}
