/* SPDX-License-Identifier: MIT */
/* mremap: growing, shrinking and moving an area. mm->lock exclusive throughout. */
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>

#include "vma.h"

struct remap {
	u64 addr, old_len, new_addr, new_len;
	u32 flags;
};

/* May [addr, addr + old_len) become new_len bytes? *charged: pages taken from committed memory. */
static int resize_check(struct vma *v, const struct remap *r, u64 *charged)
{
	struct mm *mm = v->mm;
	u64 more = (r->new_len - r->old_len) >> PAGE_SHIFT, pgoff;

	*charged = 0;
	if (!r->old_len && !(v->flags & VM_SHARED))
		return -EINVAL;
	if (r->flags & MREMAP_DONTUNMAP && v->flags & (VM_DONTEXPAND | VM_IO))
		return -EINVAL;
	if (r->old_len > v->end - r->addr)
		return -EFAULT;
	if (r->new_len == r->old_len)
		return 0;
	pgoff = vma_pgoff_of(v, r->addr);
	if (pgoff + (r->new_len >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (v->flags & (VM_DONTEXPAND | VM_IO))
		return -EFAULT;
	if (v->flags & VM_LOCKED && !mlock_room(mm, more))
		return -EAGAIN;
	if (!mm_may_expand(mm, v->flags, more))
		return -ENOMEM;
	if (v->flags & VM_ACCOUNT) {
		if (commit_charge(more))
			return -ENOMEM;
		*charged = more;
	}
	return 0;
}

/* The new home: an area like v for new_len bytes at new_addr, linked. */
static int area_clone_at(struct vma *v, const struct remap *r, struct vma **out)
{
	struct vma *n = vma_alloc(v->mm, r->new_addr, r->new_addr + r->new_len, v->flags);

	if (!n)
		return -ENOMEM;
	n->ops = v->ops;
	n->private = v->private;
	n->pgoff = v->file || v->ops ? vma_pgoff_of(v, r->addr) : 0;
	if (v->file)
		n->file = file_get(v->file);
	if (n->ops && n->ops->open)
		n->ops->open(n);
	vma_tree_insert(v->mm, n);
	vma_link_mapping(n);
	*out = n;
	return 0;
}

/* Moves to r->new_addr, which is free. Charges are already made for growth. */
static long move_area(struct vma *v, const struct remap *r)
{
	struct mm *mm = v->mm;
	u64 pages = r->new_len >> PAGE_SHIFT;
	bool keep_old = r->flags & MREMAP_DONTUNMAP || !r->old_len;
	struct vma *n;
	int rc;

	if (mm->nr_areas >= MAX_MAP_COUNT - 3)
		return -ENOMEM;
	if (keep_old && v->flags & VM_ACCOUNT && commit_charge(r->old_len >> PAGE_SHIFT))
		return -ENOMEM;
	rc = area_clone_at(v, r, &n);
	if (rc)
		goto undo_charge;
	rc = move_entries(v, r->addr, n, r->new_addr, r->old_len);
	if (rc) {
		/* Back again: the tables on that side exist. */
		if (move_entries(n, r->new_addr, v, r->addr, r->old_len))
			rc = -ENOMEM;
		/* Away with the new area and the tables that were made for it; it has no charge. */
		n->flags &= ~VM_ACCOUNT;
		vma_account(mm, n->flags, (s64)pages);
		if (munmap_locked(mm, r->new_addr, r->new_len))
			rc = -ENOMEM;
		goto undo_charge;
	}
	vma_account(mm, n->flags, (s64)pages);
	if (!keep_old) {
		/* munmap gives back what the old area was charged; the new one still needs it.
		 * Should it fail, both areas exist and both are charged. */
		if (v->flags & VM_ACCOUNT)
			commit_add(r->old_len >> PAGE_SHIFT);
		if (munmap_locked(mm, r->addr, r->old_len))
			log_debug("mm", "mremap: old area of %s stays", current->comm);
	} else if (r->flags & MREMAP_DONTUNMAP && v->flags & VM_LOCKED) {
		vma_account(mm, v->flags, -(s64)vma_pages(v));
		v->flags &= ~VM_LOCKED;
		vma_account(mm, v->flags, (s64)vma_pages(v));
	}
	vma_merge(n);
	return (long)r->new_addr;
undo_charge:
	if (keep_old && v->flags & VM_ACCOUNT)
		commit_uncharge(r->old_len >> PAGE_SHIFT);
	return rc;
}

/* MREMAP_FIXED, MREMAP_DONTUNMAP. */
static long remap_to(struct mm *mm, struct vma *v, struct remap *r)
{
	u64 charged;
	long at;
	int rc;

	if (r->new_addr & ~PAGE_MASK || r->new_len > USER_END ||
	    r->new_addr > USER_END - r->new_len)
		return -EINVAL;
	if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
		return -EINVAL;
	if (mm->nr_areas + 2 >= MAX_MAP_COUNT)
		return -ENOMEM;
	if (r->flags & MREMAP_FIXED) {
		rc = munmap_locked(mm, r->new_addr, r->new_len);
		if (rc)
			return rc;
	}
	if (r->old_len > r->new_len) {
		rc = munmap_locked(mm, r->addr + r->new_len, r->old_len - r->new_len);
		if (rc)
			return rc;
		r->old_len = r->new_len;
	}
	v = vma_find(mm, r->addr);
	if (!v || v->start > r->addr)
		return -EFAULT;
	rc = resize_check(v, r, &charged);
	if (rc)
		return rc;
	at = unmapped_area(mm, r->new_addr, r->new_len, r->flags & MREMAP_FIXED ? MAP_FIXED : 0);
	if (at >= 0) {
		r->new_addr = (u64)at;
		at = move_area(v, r);
	}
	if (at < 0)
		commit_uncharge(charged);
	return at;
}

/* Growing: in place when there is room behind, else somewhere else. *locked: to be populated. */
static long remap_grow(struct mm *mm, struct vma *v, struct remap *r, bool *locked)
{
	u64 charged, more = (r->new_len - r->old_len) >> PAGE_SHIFT;
	u64 end = r->addr + r->new_len;
	long at;
	int rc = resize_check(v, r, &charged);

	if (rc)
		return rc;
	*locked = v->flags & VM_LOCKED;
	if (r->old_len == v->end - r->addr && end > v->end && end <= USER_END &&
	    (!v->next || end <= vma_start_gap(v->next))) {
		vma_set_bounds(v, v->start, end);
		vma_account(mm, v->flags, (s64)more);
		vma_merge(v);
		return (long)r->addr;
	}
	at = -ENOMEM;
	if (r->flags & MREMAP_MAYMOVE)
		at = unmapped_area(mm, 0, r->new_len, 0);
	if (at >= 0) {
		r->new_addr = (u64)at;
		at = move_area(v, r);
	}
	if (at < 0)
		commit_uncharge(charged);
	return at;
}

static long remap_locked(struct mm *mm, struct remap *r, bool *locked)
{
	struct vma *v = vma_find(mm, r->addr);
	long rc;

	if (!v || v->start > r->addr)
		return -EFAULT;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		*locked = v->flags & VM_LOCKED && r->new_len > r->old_len;
		return remap_to(mm, v, r);
	}
	if (r->old_len >= r->new_len) {
		rc = r->old_len > r->new_len
			     ? munmap_locked(mm, r->addr + r->new_len, r->old_len - r->new_len)
			     : 0;
		return rc ? rc : (long)r->addr;
	}
	return remap_grow(mm, v, r, locked);
}

SYSCALL(mremap, u64, addr, u64, old_len, u64, new_len, u64, flags, u64, new_addr)
{
	struct mm *mm = current->mm;
	bool locked = false;
	struct remap r = { .addr = addr, .new_addr = new_addr, .flags = (u32)flags };
	long rc;

	if (flags & ~(u64)(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP) ||
	    (flags & MREMAP_FIXED && !(flags & MREMAP_MAYMOVE)) ||
	    (flags & MREMAP_DONTUNMAP && (!(flags & MREMAP_MAYMOVE) || old_len != new_len)) ||
	    addr & ~PAGE_MASK)
		return -EINVAL;
	r.old_len = ALIGN_UP(old_len, PAGE_SIZE);
	r.new_len = ALIGN_UP(new_len, PAGE_SIZE);
	if (!r.new_len)
		return -EINVAL;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	rc = remap_locked(mm, &r, &locked);
	up_write(&mm->lock);
	if (rc >= 0 && locked && r.new_len > r.old_len)
		(void)mm_populate(mm, (u64)rc + r.old_len, (u64)rc + r.new_len, true);
	return rc;
}
