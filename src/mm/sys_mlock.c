/* SPDX-License-Identifier: MIT */
/* mlock family, msync, mincore. There is no swap: locking makes pages present and counts them. */
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>

#include "vma.h"

/* Sets the lock flags of [start, end) to `lock`; lock exclusive. */
static int lock_range(struct mm *mm, u64 start, u64 end, u32 lock)
{
	struct vma *v = vma_find(mm, start);
	int rc;

	if (!v || v->start > start)
		return -ENOMEM;
	for (;;) {
		u64 stop = min(v->end, end);
		u32 flags = (v->flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | lock;

		if (flags != v->flags && !(v->flags & (VM_IO | VM_SPECIAL))) {
			s64 pages = (s64)((stop - start) >> PAGE_SHIFT);

			rc = v->start < start ? vma_split(v, start, &v) : 0;
			if (!rc && v->end > stop)
				rc = vma_split(v, stop, NULL);
			if (rc)
				return rc;
			vma_account(mm, v->flags, -pages);
			vma_account(mm, flags, pages);
			v->flags = flags;
			v = vma_merge(v);
		}
		start = stop;
		if (start >= end)
			return 0;
		v = vma_find(mm, start);
		if (!v || v->start > start)
			return -ENOMEM;
	}
}

/* Pages of [start, end) that are locked already. */
static u64 locked_in(struct mm *mm, u64 start, u64 end)
{
	u64 n = 0;

	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = v->next)
		if (v->flags & VM_LOCKED)
			n += (min(v->end, end) - max(v->start, start)) >> PAGE_SHIFT;
	return n;
}

static long do_mlock(u64 start, u64 len, u32 lock)
{
	struct mm *mm = current->mm;
	u64 limit, want;
	int rc = -ENOMEM;

	if (!mlock_allowed())
		return -EPERM;
	len = ALIGN_UP(len + (start & ~PAGE_MASK), PAGE_SIZE);
	start &= PAGE_MASK;
	limit = rlimit_cur(current, RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	want = (len >> PAGE_SHIFT) + mm->locked_pages;
	if (want > limit && !capable(CAP_IPC_LOCK))
		want -= locked_in(mm, start, start + len);
	if (want <= limit || capable(CAP_IPC_LOCK)) {
		if (start + len < start)
			rc = -EINVAL;
		else
			rc = len ? lock_range(mm, start, start + len, lock) : 0;
	}
	up_write(&mm->lock);
	if (rc || !len)
		return rc;
	rc = mm_populate(mm, start, start + len, false);
	/* POSIX: memory that cannot be had is EAGAIN, addresses that do not exist are ENOMEM. */
	return rc == -ENOMEM ? -EAGAIN : rc == -EFAULT || rc == -EIO || rc == -ENXIO ? -ENOMEM : rc;
}

SYSCALL(mlock, u64, start, u64, len)
{
	return do_mlock(start, len, VM_LOCKED);
}

SYSCALL(mlock2, u64, start, u64, len, u32, flags)
{
	if (flags & ~(u32)MLOCK_ONFAULT)
		return -EINVAL;
	return do_mlock(start, len, VM_LOCKED | (flags ? VM_LOCKONFAULT : 0));
}

SYSCALL(munlock, u64, start, u64, len)
{
	struct mm *mm = current->mm;
	int rc;

	len = ALIGN_UP(len + (start & ~PAGE_MASK), PAGE_SIZE);
	start &= PAGE_MASK;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	if (start + len < start)
		rc = -EINVAL;
	else
		rc = len ? lock_range(mm, start, start + len, 0) : 0;
	up_write(&mm->lock);
	return rc;
}

/* Every area at once. */
static void lock_all(struct mm *mm, u32 lock)
{
	for (struct vma *v = mm->first; v; v = v->next) {
		if (v->flags & (VM_IO | VM_SPECIAL))
			continue;
		vma_account(mm, v->flags, -(s64)vma_pages(v));
		v->flags = (v->flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | lock;
		vma_account(mm, v->flags, (s64)vma_pages(v));
		v = vma_merge(v);
	}
}

SYSCALL(mlockall, u32, flags)
{
	struct mm *mm = current->mm;
	u32 lock = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	u64 limit;

	if (!flags || flags & ~(u32)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
	    flags == MCL_ONFAULT)
		return -EINVAL;
	if (!mlock_allowed())
		return -EPERM;
	limit = rlimit_cur(current, RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	if (flags & MCL_CURRENT && mm->total_pages > limit && !capable(CAP_IPC_LOCK)) {
		up_write(&mm->lock);
		return -ENOMEM;
	}
	mm->def_flags = flags & MCL_FUTURE ? lock : 0;
	if (flags & MCL_CURRENT)
		lock_all(mm, lock);
	up_write(&mm->lock);
	if (flags & MCL_CURRENT)
		(void)mm_populate(mm, 0, USER_END, true);
	return 0;
}

SYSCALL0(munlockall)
{
	struct mm *mm = current->mm;

	if (down_write_killable(&mm->lock))
		return -EINTR;
	mm->def_flags = 0;
	lock_all(mm, 0);
	up_write(&mm->lock);
	return 0;
}

/* --- msync --- */

/* One area; the lock is dropped round the write-back. */
static int sync_area(struct mm *mm, struct vma *v, u64 start, u64 end, u32 flags) NO_LOCK_ANALYSIS
{
	loff_t from = (loff_t)(vma_pgoff_of(v, start) << PAGE_SHIFT);
	struct file *f = v->file;
	int rc;

	if (!(flags & MS_SYNC) || !f || !(v->flags & VM_SHARED))
		return 0;
	file_get(f);
	up_read(&mm->lock);
	rc = vfs_fsync(f, from, from + (loff_t)(end - start) - 1, true);
	file_put(f);
	down_read(&mm->lock);
	return rc;
}

SYSCALL(msync, u64, start, u64, len, u32, flags)
{
	struct mm *mm = current->mm;
	bool hole = false;
	int rc = 0;
	u64 end;

	if (flags & ~(u32)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || start & ~PAGE_MASK ||
	    (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	end = start + ALIGN_UP(len, PAGE_SIZE);
	if (end < start)
		return -ENOMEM;
	down_read(&mm->lock);
	while (start < end && !rc) {
		struct vma *v = vma_find(mm, start);
		u64 stop;

		if (!v || v->start >= end) {
			hole = true;
			break;
		}
		if (v->start > start)
			hole = true;
		start = max(start, v->start);
		stop = min(v->end, end);
		if (flags & MS_INVALIDATE && v->flags & VM_LOCKED)
			rc = -EBUSY;
		else
			rc = sync_area(mm, v, start, stop, flags);
		start = stop;
	}
	up_read(&mm->lock);
	return rc ? rc : hole ? -ENOMEM : 0;
}

/* --- mincore --- */

/* What others have in memory is nobody's business who may not write to the file. */
static bool may_know(const struct vma *v)
{
	struct inode *i = v->file ? v->file->inode : NULL;

	return !i || inode_owner_or_capable(i) || !inode_permission(i, MAY_WRITE);
}

static u8 page_resident(struct vma *v, u64 addr)
{
	pte_t *t = pt_lookup(v->mm, addr);
	struct page *p;
	u8 there;

	if ((t && pte_mapped(pte_read(t))) || !may_know(v))
		return 1;
	if (!v->file || !v->file->inode || !v->file->inode->mapping)
		return 0;
	p = mapping_find_page(v->file->inode->mapping, vma_pgoff_of(v, addr));
	there = p && page_test(p, PG_UPTODATE);
	if (p)
		page_put(p);
	return there;
}

SYSCALL(mincore, u64, start, u64, len, struct user_ptr, vec)
{
	struct mm *mm = current->mm;
	u64 pages = ALIGN_UP(len, PAGE_SIZE) >> PAGE_SHIFT;
	u8 chunk[256];

	if (start & ~PAGE_MASK)
		return -EINVAL;
	if (!user_range_ok(USER_PTR(start), len))
		return -ENOMEM;
	if (!user_range_ok(vec, pages))
		return -EFAULT;
	while (pages) {
		u64 n = min(pages, (u64)sizeof(chunk));
		int rc = 0;

		down_read(&mm->lock);
		for (u64 i = 0; i < n && !rc; i++) {
			struct vma *v = vma_find(mm, start + i * PAGE_SIZE);

			if (!v || v->start > start + i * PAGE_SIZE)
				rc = -ENOMEM;
			else
				chunk[i] = page_resident(v, start + i * PAGE_SIZE);
		}
		up_read(&mm->lock);
		if (rc)
			return rc;
		if (copy_to_user(vec, chunk, n))
			return -EFAULT;
		vec = user_ptr_add(vec, n);
		start += n * PAGE_SIZE;
		pages -= n;
	}
	return 0;
}
