/* SPDX-License-Identifier: MIT */
/* Life of an address space: creation, the copy that fork makes, the end.
 *
 * users counts tasks; the last takes the areas down (may sleep). refs counts whoever may still have
 * the page-table root loaded or looks at the structure; users as a whole hold one.
 *
 * fork copies entries, not pages: both sides lose write permission and gain PTE_SW_COW, and the
 * page a reference. Areas whose pages can be found again are not copied at all: shared ones, and
 * private ones in which no private page was ever made (has_anon). Locking: parent->lock exclusive
 * for the whole copy; the child is not visible to anybody but truncation, hence its
 * page_table_lock. */
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/slab.h>

#include "vma.h"

#define TABLE_SPAN (1ul << PMD_SHIFT)

/* --- creation --- */

static struct mm *mm_alloc(void)
{
	struct mm *mm = kmem_cache_alloc(mm_cache, GFP_KERNEL | GFP_ZERO);

	if (!mm)
		return NULL;
	if (arch_mm_init(mm)) {
		kmem_cache_free(mm_cache, mm);
		return NULL;
	}
	atomic_set(&mm->users, 1);
	atomic_set(&mm->refs, 1);
	rwsem_init(&mm->lock, LOCK_MM);
	spin_lock_init(&mm->page_table_lock, LOCK_PAGETABLE);
	return mm;
}

struct mm *mm_create(void)
{
	struct mm *mm = mm_alloc();

	if (mm)
		mm->mmap_top = USER_END;
	return mm;
}

/* --- the end --- */

void mm_drop(struct mm *mm)
{
	if (!atomic_dec_and_test(&mm->refs))
		return;
	arch_mm_destroy(mm);
	kmem_cache_free(mm_cache, mm);
}

static void areas_tear_down(struct mm *mm)
{
	struct vma *v, *next;
	struct tlb_batch tb;

	mm_update_hiwater(mm);
	tlb_gather_init(&tb, mm);
	tlb_gather_dead(&tb);
	for (v = mm->first; v; v = v->next)
		zap_range(&tb, v, v->start, v->end, true);
	for (v = mm->first; v; v = next) {
		u64 start = v->start, end = v->end;

		next = v->next;
		if (v->flags & VM_ACCOUNT)
			commit_uncharge(vma_pages(v));
		/* Truncation may look at the tables as long as the area is listed. */
		vma_unlink_mapping(v);
		vma_free(v);
		pt_free_tables(mm, start, end, 0, next ? next->start : USER_END, &tb);
	}
	mm->first = NULL;
	mm->areas = RB_ROOT;
	mm->cached = NULL;
	mm->nr_areas = 0;
	tlb_gather_finish(&tb);
}

void mm_put(struct mm *mm)
{
	if (!atomic_dec_and_test(&mm->users))
		return;
	might_sleep();
	areas_tear_down(mm);
	if (mm->exe_file)
		file_put(mm->exe_file);
	mm->exe_file = NULL;
	mm_drop(mm);
}

struct mm *task_mm_get(struct task *t)
{
	struct mm *mm;

	spin_lock(&t->lock);
	mm = t->mm;
	if (mm)
		mm_get(mm);
	spin_unlock(&t->lock);
	return mm;
}

int task_mm_inspect(struct task *t, struct mm **out)
{
	struct mm *mm = task_mm_get(t);
	int rc = ptrace_permitted(t);

	if (rc && mm) {
		mm_put(mm);
		mm = NULL;
	}
	*out = mm;
	return rc;
}

bool mm_get_live(struct mm *mm)
{
	int n = atomic_read(&mm->users);

	do {
		if (!n)
			return false;
	} while (!try_cmpxchg(&mm->users.v, &n, n + 1));
	return true;
}

void mm_install(struct mm *mm, struct mm **old)
{
	struct task *t = current;
	irqflags_t f;

	spin_lock(&t->lock);
	*old = t->mm;
	f = irq_save();
	t->mm = mm;
	t->active_mm = mm;
	arch_mm_switch(*old, mm, t);
	irq_restore(f);
	spin_unlock(&t->lock);
}

/* --- fork --- */

/* Copies the entries [0, n) of one table; both page_table_locks held. True: the parent lost write
 * permission somewhere. */
static bool copy_table(pte_t *src, pte_t *dst, unsigned int n, struct vma *v, s64 *anon, s64 *file)
{
	bool protected = false;

	for (unsigned int i = 0; i < n; i++) {
		u64 e = src[i].v;
		struct page *p;

		if (!e)
			continue;
		if (!(e & PTE_SW_SPECIAL)) {
			p = pfn_to_page((e & PTE_ADDR_MASK) >> PAGE_SHIFT);
			page_get(p);
			if (p->flags & 1u << PG_ANON)
				++*anon;
			else
				++*file;
			if (!(v->flags & VM_SHARED)) {
				if (e & PTE_W) {
					e &= ~PTE_W;
					protected = true;
				}
				e |= PTE_SW_COW;
				pte_set(&src[i], (pte_t){ e });
			}
		}
		pte_set(&dst[i], (pte_t){ e });
	}
	return protected;
}

static int copy_entries(struct mm *child, struct vma *to, struct vma *v, bool *protected)
{
	struct mm *parent = v->mm;
	s64 anon = 0, file = 0;
	int rc = 0;

	for (u64 at = v->start, stop; at < v->end && !rc; at = stop) {
		pte_t *src = pt_lookup(parent, at), *dst;

		stop = min(v->end, ALIGN_DOWN(at, TABLE_SPAN) + TABLE_SPAN);
		if (!src)
			continue;
		rc = pt_walk_alloc(child, at, &dst);
		if (rc)
			break;
		spin_lock(&parent->page_table_lock);
		spin_lock_nested(&child->page_table_lock);
		if (copy_table(src, dst, (unsigned int)((stop - at) >> PAGE_SHIFT), v, &anon,
			       &file))
			*protected = true;
		spin_unlock(&child->page_table_lock);
		spin_unlock(&parent->page_table_lock);
	}
	to->has_anon = v->has_anon;
	atomic64_add(&child->rss_anon, anon);
	atomic64_add(v->flags & VM_SHMEM ? &child->rss_shmem : &child->rss_file, file);
	return rc;
}

static bool area_needs_copy(const struct vma *v)
{
	if (v->flags & VM_WIPEONFORK)
		return false;
	return v->flags & VM_IO || v->has_anon;
}

static int copy_area(struct mm *child, struct vma *v, bool *protected)
{
	struct vma *n;
	int rc = 0;

	if (v->flags & VM_ACCOUNT && commit_charge(vma_pages(v)))
		return -ENOMEM;
	n = kmem_cache_alloc(vma_cache, GFP_KERNEL);
	if (!n) {
		if (v->flags & VM_ACCOUNT)
			commit_uncharge(vma_pages(v));
		return -ENOMEM;
	}
	*n = *v;
	n->mm = child;
	n->flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
	n->has_anon = false;
	list_init(&n->mapping_node);
	if (n->file)
		file_get(n->file);
	if (n->ops && n->ops->open)
		n->ops->open(n);
	vma_tree_insert(child, n);
	vma_account(child, n->flags, (s64)vma_pages(n));
	vma_link_mapping(n);
	if (area_needs_copy(v))
		rc = copy_entries(child, n, v, protected);
	return rc;
}

static void copy_fields(struct mm *child, const struct mm *parent)
{
	child->mmap_top = parent->mmap_top;
	child->start_code = parent->start_code;
	child->end_code = parent->end_code;
	child->start_data = parent->start_data;
	child->end_data = parent->end_data;
	child->start_brk = parent->start_brk;
	child->brk = parent->brk;
	child->start_stack = parent->start_stack;
	child->arg_start = parent->arg_start;
	child->arg_end = parent->arg_end;
	child->env_start = parent->env_start;
	child->env_end = parent->env_end;
	child->vdso_base = parent->vdso_base;
	for (unsigned int i = 0; i < ARRAY_SIZE(child->saved_auxv); i++)
		child->saved_auxv[i] = parent->saved_auxv[i];
	child->exe_file = parent->exe_file ? file_get(parent->exe_file) : NULL;
}

int mm_fork(struct mm *parent, struct mm **out)
{
	struct mm *child = mm_alloc();
	bool protected = false;
	int rc = 0;

	if (!child)
		return -ENOMEM;
	if (down_write_killable(&parent->lock)) {
		mm_put(child);
		return -EINTR;
	}
	copy_fields(child, parent);
	for (struct vma *v = parent->first; v && !rc; v = v->next)
		if (!(v->flags & VM_DONTFORK))
			rc = copy_area(child, v, &protected);
	child->hiwater_rss = mm_rss(child);
	if (protected)
		tlb_flush_range(parent, 0, USER_END);
	up_write(&parent->lock);
	if (rc) {
		mm_put(child);
		return rc;
	}
	*out = child;
	return 0;
}
