/* SPDX-License-Identifier: MIT */
/* Making and removing areas: mmap, munmap, brk, and what exec needs.
 *
 * Order of checks and errors is Linux 6.1's. A call first finds out whether it can succeed, then
 * takes away what lies under a fixed mapping, then commits. Placement: downwards from mm->mmap_top,
 * which exec puts below the largest stack with a random distance; MAP_32BIT within the second GiB.
 * Locking: mm->lock exclusive. Files are asked to map (file_ops->mmap) with it held. */
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <uapi/capability.h>

#include "vma.h"

#define LOW_32BIT      0x40000000ul
#define HIGH_32BIT     0x80000000ul
#define MAP_HUGE_SIZES (21u << 26 | 30u << 26)
#define SHARED_VALID_FLAGS                                                                         \
	(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |   \
	 MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |           \
	 MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_FIXED_NOREPLACE |                \
	 MAP_HUGE_SIZES)

/* --- placement --- */

long unmapped_area(struct mm *mm, u64 addr, u64 len, u32 flags)
{
	u64 low = MMAP_MIN_ADDR, high = mm->mmap_top, at;

	if (len > USER_END)
		return -ENOMEM;
	if (flags & MAP_FIXED) {
		if (addr > USER_END - len)
			return -ENOMEM;
		if (addr & ~PAGE_MASK)
			return -EINVAL;
		if (addr < MMAP_MIN_ADDR && !capable(CAP_SYS_RAWIO))
			return -EPERM;
		return (long)addr;
	}
	if (flags & MAP_32BIT) {
		low = LOW_32BIT;
		high = HIGH_32BIT;
	} else if (addr && addr <= USER_END - len) {
		struct vma *v = vma_find(mm, addr);

		if ((!v || addr + len <= vma_start_gap(v)) &&
		    (!v || !v->prev || addr >= v->prev->end))
			return (long)addr;
	}
	if (vma_gap_find_top(mm, low, high, len, &at))
		return (long)at;
	/* A small address space under the stack may be full while the rest is empty. */
	if (!(flags & MAP_32BIT) && vma_gap_find_top(mm, low, USER_END, len, &at))
		return (long)at;
	return -ENOMEM;
}

/* --- munmap --- */

/* Takes [start, end), whole areas from `first` on, out of the address space. */
static void unmap_areas(struct mm *mm, struct vma *first, u64 start, u64 end)
{
	struct vma *dead = NULL, *v = first, *next, *prev = first->prev;
	struct tlb_batch tb;

	mm_update_hiwater(mm);
	tlb_gather_init(&tb, mm);
	for (; v && v->start < end; v = next) {
		next = v->next;
		zap_range(&tb, v, v->start, v->end, true);
		if (v->flags & VM_ACCOUNT)
			commit_uncharge(vma_pages(v));
		vma_account(mm, v->flags, -(s64)vma_pages(v));
		vma_tree_remove(mm, v);
		vma_unlink_mapping(v);
		v->next = dead;
		dead = v;
	}
	pt_free_tables(mm, start, end, prev ? prev->end : 0, v ? v->start : USER_END, &tb);
	tlb_gather_finish(&tb);
	while (dead) {
		v = dead;
		dead = v->next;
		vma_free(v);
	}
}

int munmap_locked(struct mm *mm, u64 start, u64 len)
{
	u64 end = start + len;
	struct vma *v;
	int rc;

	if (start > USER_END || len > USER_END - start)
		return -EINVAL;
	v = vma_find(mm, start);
	if (!v || v->start >= end)
		return 0;
	if (v->start < start || v->end > end || (v->next && v->next->start < end)) {
		/* A hole in one area makes two of it. */
		if (v->start < start && v->end > end && mm->nr_areas >= MAX_MAP_COUNT)
			return -ENOMEM;
		rc = vma_isolate(mm, start, end);
		if (rc)
			return rc;
		v = vma_find(mm, start);
		if (!v || v->start >= end)
			return 0;
	}
	unmap_areas(mm, v, v->start, end);
	return 0;
}

int do_munmap(u64 addr, u64 len)
{
	struct mm *mm = current->mm;
	int rc;

	len = ALIGN_UP(len, PAGE_SIZE);
	if (addr & ~PAGE_MASK || addr > USER_END || len > USER_END - addr || len == 0)
		return -EINVAL;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	rc = munmap_locked(mm, addr, len);
	up_write(&mm->lock);
	return rc;
}

/* --- mmap --- */

static u32 mmap_vm_flags(const struct mm *mm, u32 prot, u32 flags)
{
	u32 f = prot_to_vm(prot) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | (u32)mm->def_flags;

	if (flags & MAP_GROWSDOWN)
		f |= VM_GROWSDOWN;
	if (flags & MAP_LOCKED)
		f |= VM_LOCKED;
	if (flags & MAP_NORESERVE && overcommit_memory != 2)
		f |= VM_NORESERVE;
	return f;
}

/* What the file's mode, mount and type say about mapping it; may take rights out of *vm. */
static int file_allows(const struct file *f, u32 prot, u32 flags, u64 pgoff, u64 pages, u32 *vm)
{
	if (pgoff > (~0ul >> 1 >> PAGE_SHIFT) || pages > (~0ul >> 1 >> PAGE_SHIFT) - pgoff)
		return -EOVERFLOW;
	switch (flags & MAP_TYPE) {
	case MAP_SHARED_VALIDATE:
		if (flags & ~(u32)(SHARED_VALID_FLAGS | MAP_SHARED_VALIDATE))
			return -EOPNOTSUPP;
		fallthrough;
	case MAP_SHARED:
		if (prot & PROT_WRITE && !(f->mode & FMODE_WRITE))
			return -EACCES;
		*vm |= VM_SHARED;
		if (!(f->mode & FMODE_WRITE))
			*vm &= ~VM_MAYWRITE;
		fallthrough;
	case MAP_PRIVATE:
		if (!(f->mode & FMODE_READ))
			return -EACCES;
		if (f->path.mnt && f->path.mnt->flags & MNT_NOEXEC) {
			if (*vm & VM_EXEC)
				return -EPERM;
			*vm &= ~VM_MAYEXEC;
		}
		if (!f->ops || !f->ops->mmap)
			return -ENODEV;
		return *vm & VM_GROWSDOWN ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static int anon_allows(u32 flags, u32 *vm)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
		if (*vm & VM_GROWSDOWN)
			return -EINVAL;
		*vm |= VM_SHARED;
		return 0;
	case MAP_PRIVATE:
		return 0;
	default:
		return -EINVAL;
	}
}

/* Pages of [start, end) that areas cover already: they do not count twice for a fixed mapping. */
static u64 pages_covered(struct mm *mm, u64 start, u64 end)
{
	u64 n = 0;

	for (struct vma *v = vma_find(mm, start); v && v->start < end; v = v->next)
		n += (min(v->end, end) - max(v->start, start)) >> PAGE_SHIFT;
	return n;
}

/* A tmpfs object keeps pages in its mapping; used for RssShmem. */
static bool file_is_shmem(const struct file *f)
{
	const struct mapping *m = f->inode ? f->inode->mapping : NULL;

	return m && m->ops && !m->ops->read_page;
}

/* Makes the area object for [at, at + len) and lets the file set it up; not linked yet. */
static int area_create(struct mm *mm, u64 at, u64 len, u32 vm, struct file *f, u64 pgoff,
		       const struct mmap_req *rq, struct vma **out)
{
	struct vma *v = vma_alloc(mm, at, at + len, vm);
	int rc;

	if (!v)
		return -ENOMEM;
	if (f) {
		v->file = file_get(f);
		v->pgoff = pgoff;
		if (file_is_shmem(f))
			v->flags |= VM_SHMEM;
		rc = f->ops->mmap(f, v);
		if (rc) {
			v->ops = NULL;
			vma_free(v);
			return rc;
		}
	}
	if (rq->ops) {
		v->ops = rq->ops;
		v->private = rq->private;
		if (v->ops->open)
			v->ops->open(v);
	}
	*out = v;
	return 0;
}

/* Commits a checked request at `at`: limits, what was there, the area itself. */
static long area_install(struct mm *mm, u64 at, u64 len, u32 vm, struct file *f,
			 const struct mmap_req *rq)
{
	u64 pgoff = f == rq->file ? rq->pgoff : 0;
	u64 pages = len >> PAGE_SHIFT;
	struct vma *v, *below;
	bool charged = false;
	int rc;

	if (!mm_may_expand(mm, vm, pages - pages_covered(mm, at, at + len)))
		return -ENOMEM;
	rc = munmap_locked(mm, at, len);
	if (rc)
		return rc;
	if (vma_accountable(vm)) {
		if (commit_charge(pages))
			return -ENOMEM;
		vm |= VM_ACCOUNT;
		charged = true;
	}
	v = vma_find(mm, at);
	if (v)
		below = v->prev;
	else
		for (below = mm->first; below && below->next; below = below->next)
			;
	if (!f && vma_extend(mm, below, at, at + len, vm, NULL, NULL, 0))
		goto done;
	rc = area_create(mm, at, len, vm, f, pgoff, rq, &v);
	if (rc) {
		if (charged)
			commit_uncharge(pages);
		return rc;
	}
	vm = v->flags;
	vma_tree_insert(mm, v);
	vma_link_mapping(v);
	if (f)
		vma_merge(v);
done:
	vma_account(mm, vm, (s64)pages);
	return (long)at;
}

long mmap_locked(struct mm *mm, const struct mmap_req *rq, bool *populate)
{
	u64 addr = rq->addr, len = rq->len;
	u32 flags = rq->flags, vm;
	struct file *f = rq->file, *shared = NULL;
	long at, rc;

	if (!len)
		return -EINVAL;
	if (flags & MAP_FIXED_NOREPLACE)
		flags |= MAP_FIXED;
	if (!(flags & MAP_FIXED)) {
		addr &= PAGE_MASK;
		if (addr && addr < MMAP_MIN_ADDR)
			addr = MMAP_MIN_ADDR;
	}
	len = ALIGN_UP(len, PAGE_SIZE);
	if (!len)
		return -ENOMEM;
	if (rq->pgoff + (len >> PAGE_SHIFT) < rq->pgoff)
		return -EOVERFLOW;
	if (mm->nr_areas >= MAX_MAP_COUNT)
		return -ENOMEM;
	at = unmapped_area(mm, addr, len, flags);
	if (at < 0)
		return at;
	if (flags & MAP_FIXED_NOREPLACE) {
		struct vma *v = vma_find(mm, (u64)at);

		if (v && v->start < (u64)at + len)
			return -EEXIST;
	}
	vm = mmap_vm_flags(mm, rq->prot, flags);
	if (flags & MAP_LOCKED && !mlock_allowed())
		return -EPERM;
	if (vm & VM_LOCKED && !mlock_room(mm, len >> PAGE_SHIFT))
		return -EAGAIN;
	rc = f ? file_allows(f, rq->prot, flags, rq->pgoff, len >> PAGE_SHIFT, &vm)
	       : anon_allows(flags, &vm);
	if (rc)
		return rc;
	vm &= ~rq->deny;
	if (!f && vm & VM_SHARED) {
		rc = shmem_file_create("dev/zero", len, &shared);
		if (rc)
			return rc;
		f = shared;
	}
	at = area_install(mm, (u64)at, len, vm, f, rq);
	if (shared)
		file_put(shared);
	*populate = at >= 0 &&
		    (vm & VM_LOCKED || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE);
	return at;
}

long do_mmap(const struct mmap_req *rq)
{
	struct mm *mm = current->mm;
	bool populate = false;
	long at;

	if (down_write_killable(&mm->lock))
		return -EINTR;
	at = mmap_locked(mm, rq, &populate);
	up_write(&mm->lock);
	if (populate)
		(void)mm_populate(mm, (u64)at, (u64)at + ALIGN_UP(rq->len, PAGE_SIZE), true);
	return at;
}

/* --- areas the kernel makes --- */

int mmap_anon_locked(struct mm *mm, u64 start, u64 len, u32 flags)
{
	u64 pages = len >> PAGE_SHIFT;
	struct vma *v;

	if (vma_accountable(flags)) {
		if (commit_charge(pages))
			return -ENOMEM;
		flags |= VM_ACCOUNT;
	}
	v = vma_find(mm, start);
	if (!(flags & VM_STACK) && v &&
	    vma_extend(mm, v->prev, start, start + len, flags, NULL, NULL, 0))
		goto done;
	v = vma_alloc(mm, start, start + len, flags);
	if (!v) {
		if (flags & VM_ACCOUNT)
			commit_uncharge(pages);
		return -ENOMEM;
	}
	vma_tree_insert(mm, v);
done:
	vma_account(mm, flags, (s64)pages);
	return 0;
}

int mm_map_stack(u64 top, u64 initial, u32 vm_flags)
{
	struct mm *mm = current->mm;
	u64 len = ALIGN_UP(initial, PAGE_SIZE);
	int rc;

	down_write(&mm->lock);
	rc = mmap_anon_locked(mm, top - len, len,
			      vm_flags | VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE |
				      VM_MAYEXEC | VM_GROWSDOWN | VM_STACK | (u32)mm->def_flags);
	up_write(&mm->lock);
	return rc;
}

int mm_map_special(u64 hint, u64 len, u32 vm_flags, const struct vm_ops *ops, void *private,
		   u64 *addr)
{
	struct mm *mm = current->mm;
	struct vma *v;
	long at;

	if (down_write_killable(&mm->lock))
		return -EINTR;
	at = unmapped_area(mm, hint, len, 0);
	if (at < 0)
		goto out;
	v = vma_alloc(mm, (u64)at, (u64)at + len, vm_flags | VM_SPECIAL | VM_DONTEXPAND);
	if (!v) {
		at = -ENOMEM;
		goto out;
	}
	v->ops = ops;
	v->private = private;
	vma_tree_insert(mm, v);
	vma_account(mm, v->flags, (s64)vma_pages(v));
	*addr = (u64)at;
out:
	up_write(&mm->lock);
	return at < 0 ? (int)at : 0;
}
