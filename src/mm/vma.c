/* SPDX-License-Identifier: MIT */
/* Areas: making, cutting, joining; what they cost against limits and committed memory.
 *
 * Invariants: neighbours that could be one area are one (mmap, mprotect, munmap of advice keep it
 * so); every linked area of a file is on its mapping->areas; mm->total_pages and its parts are the
 * sums over the areas; VM_ACCOUNT areas are in `committed`. Locking:    mm->lock exclusive;
 * mapping->areas_lock while the bounds of a listed area change, because truncation reads them under
 * that lock alone. */
#include <fs/procfs.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <uapi/capability.h>

#include "vma.h"

struct kmem_cache *vma_cache __ro_after_init, *mm_cache __ro_after_init;
s64 overcommit_memory;		  /* 0 heuristic, 1 always, 2 never */
static s64 overcommit_ratio = 50; /* percent of RAM for 2 */
static s64 max_map_count = MAX_MAP_COUNT, mmap_min_addr = MMAP_MIN_ADDR;
SYSCTL(overcommit_memory, "vm/overcommit_memory", 0644, &overcommit_memory, 0, 2);
SYSCTL(overcommit_ratio, "vm/overcommit_ratio", 0644, &overcommit_ratio, 0, 100);
SYSCTL(max_map_count, "vm/max_map_count", 0444, &max_map_count, MAX_MAP_COUNT, MAX_MAP_COUNT);
SYSCTL(mmap_min_addr, "vm/mmap_min_addr", 0444, &mmap_min_addr, MMAP_MIN_ADDR, MMAP_MIN_ADDR);
static atomic64_t committed; /* pages */

void __init mm_caches_init(void)
{
	vma_cache = kmem_cache_create("vm_area", sizeof(struct vma), 8, 0, NULL);
	mm_cache = kmem_cache_create("mm", sizeof(struct mm), 64, 0, NULL);
}

/* --- limits --- */

void vma_account(struct mm *mm, u32 flags, s64 pages)
{
	mm->total_pages += (u64)pages;
	if (flags & VM_GROWSDOWN)
		mm->stack_pages += (u64)pages;
	else if (vma_is_data(flags))
		mm->data_pages += (u64)pages;
	if ((flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC)
		mm->exec_pages += (u64)pages;
	if (flags & VM_LOCKED)
		mm->locked_pages += (u64)pages;
}

bool mm_may_expand(struct mm *mm, u32 flags, u64 pages)
{
	if (mm->total_pages + pages > rlimit_cur(current, RLIMIT_AS) >> PAGE_SHIFT)
		return false;
	return !vma_is_data(flags) ||
	       mm->data_pages + pages <= rlimit_cur(current, RLIMIT_DATA) >> PAGE_SHIFT;
}

bool mlock_allowed(void)
{
	return rlimit_cur(current, RLIMIT_MEMLOCK) != 0 || capable(CAP_IPC_LOCK);
}

bool mlock_room(struct mm *mm, u64 pages)
{
	return mm->locked_pages + pages <= rlimit_cur(current, RLIMIT_MEMLOCK) >> PAGE_SHIFT ||
	       capable(CAP_IPC_LOCK);
}

u64 commit_total(void)
{
	s64 n = atomic64_read(&committed);

	return n > 0 ? (u64)n : 0;
}

u64 commit_limit_pages(void)
{
	return pages_total_count() * (u64)overcommit_ratio / 100;
}

int commit_charge(u64 pages)
{
	u64 sum = (u64)atomic64_add_return(&committed, (s64)pages);

	if (overcommit_memory == 1)
		return 0;
	if (overcommit_memory == 2 ? sum <= commit_limit_pages() : pages <= pages_total_count())
		return 0;
	atomic64_sub(&committed, (s64)pages);
	return -ENOMEM;
}

void commit_add(u64 pages)
{
	atomic64_add(&committed, (s64)pages);
}

void commit_uncharge(u64 pages)
{
	atomic64_sub(&committed, (s64)pages);
}

/* --- life --- */

struct vma *vma_alloc(struct mm *mm, u64 start, u64 end, u32 flags)
{
	struct vma *v = kmem_cache_alloc(vma_cache, GFP_KERNEL);

	if (!v)
		return NULL;
	*v = (struct vma){ .mm = mm, .start = start, .end = end, .flags = flags };
	list_init(&v->mapping_node);
	return v;
}

void vma_free(struct vma *v)
{
	if (v->ops && v->ops->close)
		v->ops->close(v);
	if (v->file)
		file_put(v->file);
	kmem_cache_free(vma_cache, v);
}

static struct mapping *vma_mapping(const struct vma *v)
{
	return v->file && v->file->inode ? v->file->inode->mapping : NULL;
}

void vma_link_mapping(struct vma *v)
{
	struct mapping *m = vma_mapping(v);

	if (!m)
		return;
	mutex_lock(&m->areas_lock);
	list_add_tail(&v->mapping_node, &m->areas);
	if ((v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE))
		m->nr_writable++;
	mutex_unlock(&m->areas_lock);
}

void vma_unlink_mapping(struct vma *v)
{
	struct mapping *m = vma_mapping(v);

	if (!m)
		return;
	mutex_lock(&m->areas_lock);
	list_del_init(&v->mapping_node);
	if ((v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE))
		m->nr_writable--;
	mutex_unlock(&m->areas_lock);
}

static void set_bounds(struct vma *v, u64 start, u64 end)
{
	if (v->file || v->ops)
		v->pgoff += (u64)((s64)(start - v->start) >> PAGE_SHIFT);
	vma_tree_resize(v->mm, v, start, end);
}

void vma_set_bounds(struct vma *v, u64 start, u64 end)
{
	struct mapping *m = vma_mapping(v);

	if (!m) {
		set_bounds(v, start, end);
		return;
	}
	mutex_lock(&m->areas_lock);
	set_bounds(v, start, end);
	mutex_unlock(&m->areas_lock);
}

/* --- cutting --- */

int vma_split(struct vma *v, u64 addr, struct vma **upper)
{
	struct mm *mm = v->mm;
	struct vma *n;

	ASSERT(addr > v->start && addr < v->end);
	if (mm->nr_areas >= MAX_MAP_COUNT)
		return -ENOMEM;
	n = kmem_cache_alloc(vma_cache, GFP_KERNEL);
	if (!n)
		return -ENOMEM;
	*n = *v;
	n->start = addr;
	if (v->file || v->ops)
		n->pgoff = vma_pgoff_of(v, addr);
	list_init(&n->mapping_node);
	if (n->file)
		file_get(n->file);
	if (n->ops && n->ops->open)
		n->ops->open(n);
	/* The new part is listed before the old one shrinks: no page is ever outside both. */
	vma_link_mapping(n);
	vma_set_bounds(v, v->start, addr);
	vma_tree_insert(mm, n);
	if (upper)
		*upper = n;
	return 0;
}

int vma_isolate(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_find(mm, start);
	int rc;

	if (v && v->start < start) {
		rc = vma_split(v, start, NULL);
		if (rc)
			return rc;
	}
	v = vma_find(mm, end - 1);
	if (v && v->start < end && v->end > end)
		return vma_split(v, end, NULL);
	return 0;
}

/* --- joining --- */

static bool mergeable(const struct vma *v, u32 flags, const struct file *file,
		      const struct vm_ops *ops)
{
	return v->flags == flags && v->file == file && v->ops == ops && !(ops && ops->close) &&
	       !(flags & VM_SPECIAL);
}

/* a directly below b? */
static bool can_join(const struct vma *a, const struct vma *b)
{
	if (a->end != b->start || !mergeable(a, b->flags, b->file, b->ops) ||
	    a->private != b->private)
		return false;
	return !(a->file || a->ops) || vma_pgoff_of(a, a->end) == b->pgoff;
}

/* b is swallowed by a. */
static void join(struct vma *a, struct vma *b)
{
	u64 end = b->end;

	if (b->has_anon)
		a->has_anon = true;
	vma_tree_remove(a->mm, b);
	vma_set_bounds(a, a->start, end);
	vma_unlink_mapping(b);
	vma_free(b);
}

struct vma *vma_merge(struct vma *v)
{
	if (v->next && can_join(v, v->next))
		join(v, v->next);
	if (v->prev && can_join(v->prev, v)) {
		v = v->prev;
		join(v, v->next);
	}
	return v;
}

struct vma *vma_extend(struct mm *mm, struct vma *prev, u64 start, u64 end, u32 flags,
		       struct file *file, const struct vm_ops *ops, u64 pgoff)
{
	struct vma *next = prev ? prev->next : mm->first;
	bool counts = file || ops;

	if (prev && prev->end == start && !prev->private && mergeable(prev, flags, file, ops) &&
	    (!counts || vma_pgoff_of(prev, start) == pgoff)) {
		vma_set_bounds(prev, prev->start, end);
		if (next && can_join(prev, next))
			join(prev, next);
		return prev;
	}
	if (next && next->start == end && !next->private && mergeable(next, flags, file, ops) &&
	    (!counts || pgoff + ((end - start) >> PAGE_SHIFT) == next->pgoff)) {
		vma_set_bounds(next, start, next->end);
		return next;
	}
	return NULL;
}
