/* SPDX-License-Identifier: MIT */
/* process_vm_readv and process_vm_writev: copies between this and another address space. */
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>

#include "access.h"

#define CHUNK PAGE_SIZE

/* The remote list: addresses are not checked against our user half, their mm decides. */
static int import_remote(struct user_ptr vec, u64 nr, struct iovec **out)
{
	struct iovec *v;
	int rc = 0;

	*out = NULL;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	if (!nr)
		return 0;
	v = kmalloc_array(nr, sizeof(*v), GFP_KERNEL);
	if (!v)
		return -ENOMEM;
	if (copy_from_user(v, vec, nr * sizeof(*v)))
		rc = -EFAULT;
	for (u64 i = 0; i < nr && !rc; i++)
		if ((s64)v[i].len < 0)
			rc = -EINVAL;
	if (rc)
		kfree(v);
	else
		*out = v;
	return rc;
}

/* Moves up to n bytes at remote address `at`; bytes moved. */
static size_t move_chunk(struct mm *mm, struct uio *u, u64 at, char *buf, size_t n, bool write)
{
	size_t k;

	if (!write) {
		k = mm_copy_user(mm, at, buf, n, false);
		return uio_write_to(u, buf, k);
	}
	k = uio_read_from(u, buf, n);
	return mm_copy_user(mm, at, buf, k, true);
}

static ssize_t move_all(struct mm *mm, struct uio *u, const struct iovec *rv, u64 rnr, bool write)
{
	char *buf = kmalloc(CHUNK, GFP_KERNEL);
	ssize_t done = 0;

	if (!buf)
		return -ENOMEM;
	for (u64 i = 0; i < rnr && u->count; i++)
		for (u64 off = 0; off < rv[i].len && u->count;) {
			size_t room = min(u->count, (size_t)CHUNK);
			size_t n = min((size_t)(rv[i].len - off), room);
			size_t k = move_chunk(mm, u, rv[i].base + off, buf, n, write);

			done += (ssize_t)k;
			off += k;
			if (k < n) {
				kfree(buf);
				return done ? done : -EFAULT;
			}
		}
	kfree(buf);
	return done;
}

static long process_vm(pid_t pid, struct user_ptr lvec, u64 lnr, struct user_ptr rvec, u64 rnr,
		       u64 flags, bool write)
{
	struct iovec fast[UIO_FASTIOV], *heap, *rv;
	struct task *t;
	struct uio u;
	struct mm *mm;
	long rc;

	if (flags)
		return -EINVAL;
	/* Linux, too, looks at the lower half of this count, and of this one alone. */
	rc = uio_import(&u, lvec, (u32)lnr, fast, &heap);
	if (rc)
		return rc;
	if (!u.count)
		goto free_local;
	rc = import_remote(rvec, rnr, &rv);
	if (rc)
		goto free_local;
	t = task_find_get(pid);
	rc = t ? task_mm_inspect(t, &mm) : -ESRCH;
	if (rc)
		goto free_remote;
	if (!mm) {
		rc = -ESRCH;
		goto free_remote;
	}
	rc = move_all(mm, &u, rv, rnr, write);
	mm_put(mm);
free_remote:
	if (t)
		task_put(t);
	kfree(rv);
free_local:
	kfree(heap);
	return rc;
}

SYSCALL(process_vm_readv, pid_t, pid, struct user_ptr, lvec, u64, lnr, struct user_ptr, rvec, u64,
	rnr, u64, flags)
{
	return process_vm(pid, lvec, lnr, rvec, rnr, flags, false);
}

SYSCALL(process_vm_writev, pid_t, pid, struct user_ptr, lvec, u64, lnr, struct user_ptr, rvec, u64,
	rnr, u64, flags)
{
	return process_vm(pid, lvec, lnr, rvec, rnr, flags, true);
}
