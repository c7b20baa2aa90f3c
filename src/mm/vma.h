/* SPDX-License-Identifier: MIT */
/* Inside address-space management: the files of src/mm that work on areas. */
#ifndef MM_VMA_H
#define MM_VMA_H

#include <kernel/mm.h>

#include "mm_internal.h"

#define MMAP_MIN_ADDR	0x10000ul /* mappings below need CAP_SYS_RAWIO */
#define STACK_GUARD_GAP (256 * PAGE_SIZE)
#define MAX_MAP_COUNT	65530u
#define VM_ACCESS	(VM_READ | VM_WRITE | VM_EXEC)

/* --- vma_tree.c: the ordered tree; mm->lock exclusive --- */
void vma_tree_insert(struct mm *mm, struct vma *v);
void vma_tree_remove(struct mm *mm, struct vma *v);
/* Changes the bounds of a linked area; the order must stay. */
void vma_tree_resize(struct mm *mm, struct vma *v, u64 start, u64 end);
/* Highest free range of len bytes within [low, high), a multiple of align; false: none. */
bool vma_gap_find_top(struct mm *mm, u64 low, u64 high, u64 len, u64 *out);
/* Lowest address of v that others must respect: below a stack there is the guard gap. */
static inline u64 vma_start_gap(const struct vma *v)
{
	if (!(v->flags & VM_GROWSDOWN))
		return v->start;
	return v->start > STACK_GUARD_GAP ? v->start - STACK_GUARD_GAP : 0;
}

static inline u64 vma_pages(const struct vma *v)
{
	return (v->end - v->start) >> PAGE_SHIFT;
}
/* Private and writable: each page costs memory. */
static inline bool vma_accountable(u32 flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}
static inline bool vma_is_data(u32 flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}
static inline u64 vma_pgoff_of(const struct vma *v, u64 addr)
{
	return v->pgoff + ((addr - v->start) >> PAGE_SHIFT);
}
static inline u32 prot_to_vm(u32 prot)
{
	return prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

/* --- vma.c --- */
struct vma *vma_alloc(struct mm *mm, u64 start, u64 end, u32 flags);
/* Drops what the area refers to (close, file) and frees it; not linked any more. */
void vma_free(struct vma *v);
void vma_link_mapping(struct vma *v);
void vma_unlink_mapping(struct vma *v);
/* Moves the borders of a linked area; truncation reads those of a file's under areas_lock alone. */
void vma_set_bounds(struct vma *v, u64 start, u64 end);
/* Cuts v at addr (inside it, page aligned): v keeps the lower part, *upper is the rest. -ENOMEM. */
int must_check vma_split(struct vma *v, u64 addr, struct vma **upper);
/* Joins v with its neighbours where possible; the area that now covers v. */
struct vma *vma_merge(struct vma *v);
/* An area ending at start (or beginning at end) that a new one with these properties can join,
 * grown accordingly; NULL: none. */
struct vma *vma_extend(struct mm *mm, struct vma *prev, u64 start, u64 end, u32 flags,
		       struct file *file, const struct vm_ops *ops, u64 pgoff);
/* Cuts areas so that [start, end) begins and ends at borders. -ENOMEM. */
int must_check vma_isolate(struct mm *mm, u64 start, u64 end);
void vma_account(struct mm *mm, u32 flags, s64 pages);
/* RLIMIT_AS and RLIMIT_DATA. */
bool mm_may_expand(struct mm *mm, u32 flags, u64 pages);
/* Committed memory: 0 or -ENOMEM. */
int must_check commit_charge(u64 pages);
void commit_add(u64 pages); /* unchecked: moves a charge */
void commit_uncharge(u64 pages);
u64 commit_total(void);
u64 commit_limit_pages(void);
bool mlock_allowed(void);		   /* RLIMIT_MEMLOCK or capability */
bool mlock_room(struct mm *mm, u64 pages); /* for that many more */

/* --- mmap.c --- */
/* mm->lock exclusive for these. */
long mmap_locked(struct mm *mm, const struct mmap_req *rq, bool *populate);
int must_check munmap_locked(struct mm *mm, u64 start, u64 len);
long unmapped_area(struct mm *mm, u64 addr, u64 len, u32 flags);
/* Maps anonymous memory at an exact free place: brk, stack. 0 or -errno. */
int must_check mmap_anon_locked(struct mm *mm, u64 start, u64 len, u32 flags);

/* --- zap.c --- */
/* Clears the entries of v within [start, end). cow: private copies too (always for munmap). */
void zap_range(struct tlb_batch *tb, struct vma *v, u64 start, u64 end, bool cow);
/* Moves entries to another place in the same mm (mremap). -ENOMEM: partly moved. */
int must_check move_entries(struct vma *v, u64 from, struct vma *to_vma, u64 to, u64 len);

/* --- fault.c --- */
u64 vma_prot_bits(u32 flags);
/* Resolves one access; mm->lock shared or exclusive. 0, -ENOMEM, -EFAULT, -EIO (SIGBUS), -EAGAIN.
 */
int must_check fault_in_page(struct vma *v, u64 addr, bool write);
/* Grows the stack area v down to addr; lock exclusive. 0 or -ENOMEM. */
int must_check stack_expand(struct vma *v, u64 addr);
/* Faults in [start, end) as mlock and MAP_POPULATE do; takes mm->lock shared. 0 or -errno. */
int mm_populate(struct mm *mm, u64 start, u64 end, bool ignore_errors);

/* --- mm.c --- */
static inline u64 mm_rss(const struct mm *mm)
{
	s64 n = atomic64_read(&mm->rss_anon) + atomic64_read(&mm->rss_file) +
		atomic64_read(&mm->rss_shmem);

	return n > 0 ? (u64)n : 0;
}
static inline void mm_update_hiwater(struct mm *mm)
{
	u64 n = mm_rss(mm);

	if (n > mm->hiwater_rss)
		mm->hiwater_rss = n;
}

/* --- oom.c: the address space of a process (of any of its threads), a structure reference
 * (mm_drop): taking it down must not become the caller's task. NULL: none --- */
struct process;
struct mm *process_mm_grab(struct process *p);

extern struct kmem_cache *vma_cache, *mm_cache;
extern s64 overcommit_memory;

#endif
