/* SPDX-License-Identifier: MIT */
/* madvise: what really drops pages does so; hints are recorded or accepted.
 *
 * A hole in the range does not stop the call: the areas there are handled, then it fails with
 * ENOMEM. Locking: advice that only drops pages takes mm->lock shared; what changes flags takes it
 * exclusive. */
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>

#include "vma.h"

static bool advice_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL ... MADV_DONTNEED:
	case MADV_FREE ... MADV_POPULATE_WRITE:
	case MADV_DONTNEED_LOCKED:
	case MADV_COLLAPSE:
	case MADV_HWPOISON:
	case MADV_SOFT_OFFLINE:
		return true;
	default:
		return false;
	}
}

static bool advice_changes_flags(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
		return true;
	default:
		return false;
	}
}

/* New flags of an area, or -errno through *rc. */
static u32 advised_flags(const struct vma *v, int advice, int *rc)
{
	u32 f = v->flags;

	switch (advice) {
	case MADV_NORMAL:
		return f & ~(VM_RAND_READ | VM_SEQ_READ);
	case MADV_RANDOM:
		return (f & ~VM_SEQ_READ) | VM_RAND_READ;
	case MADV_SEQUENTIAL:
		return (f & ~VM_RAND_READ) | VM_SEQ_READ;
	case MADV_DONTFORK:
		return f | VM_DONTFORK;
	case MADV_DOFORK:
		if (f & VM_IO)
			*rc = -EINVAL;
		return f & ~VM_DONTFORK;
	case MADV_DONTDUMP:
		return f | VM_DONTDUMP;
	case MADV_DODUMP:
		if (f & (VM_IO | VM_SPECIAL | VM_DONTEXPAND))
			*rc = -EINVAL;
		return f & ~VM_DONTDUMP;
	case MADV_WIPEONFORK:
		if (v->file || v->ops || f & VM_SHARED)
			*rc = -EINVAL;
		return f | VM_WIPEONFORK;
	default: /* MADV_KEEPONFORK */
		return f & ~VM_WIPEONFORK;
	}
}

static int set_flags(struct vma **vp, u64 start, u64 end, int advice)
{
	struct vma *v = *vp;
	int rc = 0;
	u32 flags = advised_flags(v, advice, &rc);

	if (rc || flags == v->flags)
		return rc;
	if (v->start < start)
		rc = vma_split(v, start, &v);
	if (!rc && v->end > end)
		rc = vma_split(v, end, NULL);
	if (rc)
		return rc == -ENOMEM ? -EAGAIN : rc;
	v->flags = flags;
	*vp = vma_merge(v);
	return 0;
}

static void drop_pages(struct vma *v, u64 start, u64 end)
{
	struct tlb_batch tb;

	tlb_gather_init(&tb, v->mm);
	zap_range(&tb, v, start, end, true);
	tlb_gather_finish(&tb);
}

/* MADV_REMOVE: a hole in the file. Drops mm->lock, hence -EAGAIN semantics of the walk: the area
 * must be looked up again. */
static int punch_hole(struct mm *mm, struct vma *v, u64 start, u64 end) NO_LOCK_ANALYSIS
{
	loff_t off = (loff_t)(vma_pgoff_of(v, start) << PAGE_SHIFT);
	struct file *f = v->file;
	long rc;

	if (v->flags & VM_LOCKED || !f)
		return -EINVAL;
	if ((v->flags & (VM_SHARED | VM_WRITE)) != (VM_SHARED | VM_WRITE))
		return -EACCES;
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	file_get(f);
	up_read(&mm->lock);
	rc = f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off,
			       (loff_t)(end - start));
	file_put(f);
	down_read(&mm->lock);
	return (int)rc;
}

static int advise_pages(struct mm *mm, struct vma *v, u64 start, u64 end, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
		if (v->flags & (VM_LOCKED | VM_IO))
			return -EINVAL;
		drop_pages(v, start, end);
		return 0;
	case MADV_DONTNEED_LOCKED:
		if (v->flags & VM_IO)
			return -EINVAL;
		drop_pages(v, start, end);
		return 0;
	case MADV_FREE:
		if (v->file || v->ops || v->flags & (VM_SHARED | VM_LOCKED | VM_IO))
			return -EINVAL;
		/* The pages may go at any time from now on: at once is such a time. */
		drop_pages(v, start, end);
		return 0;
	case MADV_REMOVE:
		return punch_hole(mm, v, start, end);
	case MADV_COLD:
	case MADV_PAGEOUT:
		return v->flags & (VM_LOCKED | VM_IO) ? -EINVAL : 0;
	case MADV_COLLAPSE:
		return -EINVAL;
	case MADV_WILLNEED:
		if (v->file && v->file->inode->mapping->ops)
			mapping_read_ahead(v->file->inode->mapping, vma_pgoff_of(v, start),
					   (end - start) >> PAGE_SHIFT);
		return 0;
	default: /* MERGEABLE, HUGEPAGE and their opposites */
		return 0;
	}
}

static int walk(struct mm *mm, u64 start, u64 end, int advice, bool flags)
{
	bool hole = false;
	int rc;

	while (start < end) {
		struct vma *v = vma_find(mm, start);
		u64 stop;

		if (!v || v->start >= end)
			return -ENOMEM;
		if (v->start > start) {
			hole = true;
			start = v->start;
		}
		stop = min(v->end, end);
		rc = flags ? set_flags(&v, start, stop, advice)
			   : advise_pages(mm, v, start, stop, advice);
		if (rc)
			return rc;
		start = stop;
	}
	return hole ? -ENOMEM : 0;
}

static int populate_advice(struct mm *mm, u64 start, u64 end, bool write)
{
	int rc = 0;

	while (start < end && !rc) {
		struct vma *v;

		if (fatal_signal_pending())
			return -EINTR;
		down_read(&mm->lock);
		v = vma_find(mm, start);
		if (!v || v->start > start)
			rc = -ENOMEM;
		else if (v->flags & VM_IO || !(v->flags & (write ? VM_WRITE : VM_ACCESS)))
			rc = -EINVAL;
		else
			rc = fault_in_page(v, start, write);
		up_read(&mm->lock);
		if (rc == -EAGAIN)
			rc = 0;
		else
			start += PAGE_SIZE;
		if (rc == -EIO || rc == -ENXIO)
			rc = -EFAULT;
	}
	return rc;
}

SYSCALL(madvise, u64, start, u64, len_in, int, advice)
{
	struct mm *mm = current->mm;
	u64 len = ALIGN_UP(len_in, PAGE_SIZE), end = start + len;
	bool flags = advice_changes_flags(advice);
	int rc;

	if (!advice_known(advice) || start & ~PAGE_MASK || (len_in && !len) || end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (advice == MADV_HWPOISON || advice == MADV_SOFT_OFFLINE)
		return capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return populate_advice(mm, start, end, advice == MADV_POPULATE_WRITE);
	if (flags) {
		if (down_write_killable(&mm->lock))
			return -EINTR;
		rc = walk(mm, start, end, advice, true);
		up_write(&mm->lock);
		return rc;
	}
	down_read(&mm->lock);
	rc = walk(mm, start, end, advice, false);
	up_read(&mm->lock);
	return rc;
}
