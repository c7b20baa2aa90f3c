/* SPDX-License-Identifier: MIT */
/* System calls that make and remove areas. */
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/syscall.h>

#include "vma.h"

#define MAP_HUGE_SHIFT 26

SYSCALL(mmap, u64, addr, u64, len, u32, prot, u32, flags, int, fd, u64, off)
{
	struct mmap_req rq = {
		.addr = addr, .len = len, .pgoff = off >> PAGE_SHIFT, .prot = prot, .flags = flags
	};
	struct fdref ref;
	u64 need = RIGHT_MAP_R;
	long rc;

	if (off & ~PAGE_MASK)
		return -EINVAL;
	if (flags & MAP_ANONYMOUS) {
		u32 size = flags >> MAP_HUGE_SHIFT & 63;

		if (!(flags & MAP_HUGETLB))
			return do_mmap(&rq);
		/* There is no pool of huge pages. */
		return size == 0 || size == 21 || size == 30 ? -ENOMEM : -EINVAL;
	}
	need |= prot & PROT_EXEC ? RIGHT_MAP_X : 0;
	need |= prot & PROT_WRITE && (flags & MAP_TYPE) != MAP_PRIVATE ? RIGHT_MAP_W : 0;
	rc = fd_get(fd, need, &ref);
	if (rc)
		return rc;
	if (flags & MAP_HUGETLB) {
		rc = -EINVAL;
	} else {
		rq.file = ref.file;
		rc = do_mmap(&rq);
	}
	fd_put(ref);
	return rc;
}

SYSCALL(munmap, u64, addr, u64, len)
{
	return do_munmap(addr, len);
}

/* Grows the heap area to `new`: 0 or -errno. */
static int brk_grow(struct mm *mm, u64 old, u64 new)
{
	u32 flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | (u32)mm->def_flags;
	u64 pages = (new - old) >> PAGE_SHIFT;
	struct vma *next = vma_find(mm, old);

	if (new > USER_END || (next && new + PAGE_SIZE > vma_start_gap(next)))
		return -ENOMEM;
	if (flags & VM_LOCKED && !mlock_room(mm, pages))
		return -EAGAIN;
	if (!mm_may_expand(mm, flags, pages) || mm->nr_areas >= MAX_MAP_COUNT)
		return -ENOMEM;
	return mmap_anon_locked(mm, old, new - old, flags);
}

SYSCALL(brk, u64, brk)
{
	struct mm *mm = current->mm;
	u64 old, new, limit, from = 0, result;

	if (down_write_killable(&mm->lock))
		return -EINTR;
	result = mm->brk;
	limit = rlimit_cur(current, RLIMIT_DATA);
	if (brk < mm->start_brk || brk > USER_END)
		goto out;
	if (limit != RLIM_INFINITY && brk - mm->start_brk + (mm->end_data - mm->start_data) > limit)
		goto out;
	new = ALIGN_UP(brk, PAGE_SIZE);
	old = ALIGN_UP(mm->brk, PAGE_SIZE);
	if (new < old) {
		if (munmap_locked(mm, new, old - new))
			goto out;
	} else if (new > old) {
		if (brk_grow(mm, old, new))
			goto out;
		if (mm->def_flags & VM_LOCKED)
			from = old;
	}
	mm->brk = result = brk;
out:
	up_write(&mm->lock);
	if (from)
		(void)mm_populate(mm, from, ALIGN_UP(brk, PAGE_SIZE), true);
	return (long)result;
}
