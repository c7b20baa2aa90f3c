/* SPDX-License-Identifier: MIT */
/* Taking pages out of page tables: munmap, exit, MADV_DONTNEED, truncation; moving them for mremap.
 *
 * Locking: page_table_lock round the entries of one table (2 MiB) at a time; it is dropped to flush
 * a full batch. The caller keeps the area in place by mm->lock or, for truncation, by areas_lock.
 */
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/sched.h>

#include "vma.h"

#define TABLE_SPAN (1ul << PMD_SHIFT)

struct rss_change {
	s64 anon, file;
};

static void rss_apply(struct vma *v, const struct rss_change *c)
{
	struct mm *mm = v->mm;

	if (c->anon)
		atomic64_add(&mm->rss_anon, c->anon);
	if (c->file)
		atomic64_add(v->flags & VM_SHMEM ? &mm->rss_shmem : &mm->rss_file, c->file);
}

/* Index of the next entry in [i, n) that is not empty. One instruction an entry. */
static unsigned int skip_empty(const pte_t *t, unsigned int i, unsigned int n)
{
	const pte_t *p = t + i;
	u64 left = n - i;
	bool empty;

	if (!left || t[i].v)
		return i;
	__asm__ volatile("repe scasq" : "+D"(p), "+c"(left), "=@ccz"(empty) : "a"(0ul) : "memory");
	return empty ? n : (unsigned int)(p - t) - 1;
}

/* Clears entries [i, n) of one table; stops early when the batch is full. Returns the next index.
 */
static unsigned int zap_table(struct tlb_batch *tb, struct vma *v, pte_t *t, u64 addr,
			      unsigned int n, bool cow)
{
	struct rss_change rss = { 0 };
	unsigned int i = 0;
	bool full = false;

	while (!full && (i = skip_empty(t, i, n)) < n) {
		u64 at = addr + (u64)i * PAGE_SIZE;
		pte_t e = pte_read(&t[i]);
		struct page *p;

		if (e.v & PTE_SW_SPECIAL) {
			pte_set(&t[i++], (pte_t){ 0 });
			tlb_gather_range(tb, at, at + PAGE_SIZE);
			continue;
		}
		p = pfn_to_page(pte_pfn(e));
		if (p->flags & 1u << PG_ANON) {
			if (!cow) {
				i++;
				continue;
			}
			/* Nobody else maps a private page through this entry: a plain store will
			 * do. */
			pte_set(&t[i++], (pte_t){ 0 });
			rss.anon--;
		} else {
			/* The processor may set the dirty bit until the entry is gone. */
			e = pte_take(&t[i++]);
			if (e.v & PTE_D && v->flags & VM_SHARED && p->mapping)
				page_mark_dirty(p);
			rss.file--;
		}
		full = tlb_gather_page(tb, at, p);
	}
	rss_apply(v, &rss);
	return i;
}

void zap_range(struct tlb_batch *tb, struct vma *v, u64 start, u64 end, bool cow)
{
	struct mm *mm = v->mm;

	while (start < end) {
		u64 stop = min(end, ALIGN_DOWN(start, TABLE_SPAN) + TABLE_SPAN);
		pte_t *t = pt_lookup(mm, start);
		unsigned int done;

		if (!t) {
			start = stop;
			continue;
		}
		spin_lock(&mm->page_table_lock);
		done = zap_table(tb, v, t, start, (unsigned int)((stop - start) >> PAGE_SHIFT),
				 cow);
		spin_unlock(&mm->page_table_lock);
		start += (u64)done << PAGE_SHIFT;
		if (tb->nr == TLB_BATCH_PAGES)
			tlb_gather_flush(tb);
	}
}

void mapping_unmap_pages(struct mapping *m, u64 first, u64 count, bool cow)
{
	struct vma *v;

	might_sleep();
	if (list_empty(&m->areas))
		return;
	mutex_lock(&m->areas_lock);
	list_for_each_entry (v, &m->areas, mapping_node) {
		u64 lo = max(first, v->pgoff);
		u64 hi = v->pgoff + vma_pages(v);
		struct tlb_batch tb;

		if (count && first + count < hi)
			hi = first + count;
		if (lo >= hi)
			continue;
		tlb_gather_init(&tb, v->mm);
		zap_range(&tb, v, v->start + ((lo - v->pgoff) << PAGE_SHIFT),
			  v->start + ((hi - v->pgoff) << PAGE_SHIFT), cow);
		tlb_gather_finish(&tb);
	}
	mutex_unlock(&m->areas_lock);
}

/* Takes write permission and the dirty bit out of the entry that maps page p at addr. */
static bool entry_clean(struct vma *v, u64 addr, const struct page *p)
{
	pte_t *t = pt_lookup(v->mm, addr);
	bool dirty = false, flush = false;

	if (!t)
		return false;
	spin_lock(&v->mm->page_table_lock);
	if (pte_mapped(*t) && pte_pfn(*t) == page_to_pfn(p)) {
		pte_t e = pte_read(t);

		while (!try_cmpxchg(&t->v, &e.v, e.v & ~(PTE_D | PTE_W)))
			;
		dirty = e.v & PTE_D;
		/* A clean translation may be cached as writable all the same. */
		flush = e.v & (PTE_D | PTE_W);
	}
	spin_unlock(&v->mm->page_table_lock);
	if (flush)
		tlb_flush_range(v->mm, addr, addr + PAGE_SIZE);
	return dirty;
}

bool page_mkclean(struct page *p)
{
	struct mapping *m = p->mapping;
	bool dirty = false;
	struct vma *v;

	if (!m || list_empty(&m->areas))
		return false;
	mutex_lock(&m->areas_lock);
	list_for_each_entry (v, &m->areas, mapping_node)
		if (v->flags & VM_SHARED && p->index >= v->pgoff &&
		    p->index < v->pgoff + vma_pages(v))
			dirty |=
				entry_clean(v, v->start + ((p->index - v->pgoff) << PAGE_SHIFT), p);
	mutex_unlock(&m->areas_lock);
	return dirty;
}

/* --- reclaim --- */

/* Was the page used through the entry that maps it at addr? Stale translations of other CPUs keep
 * the bit from being set again for a while: a wrong guess at worst. */
static bool entry_referenced(struct vma *v, u64 addr, const struct page *p)
{
	pte_t *t = pt_lookup(v->mm, addr);
	bool used = false;

	if (!t)
		return false;
	spin_lock(&v->mm->page_table_lock);
	if (pte_mapped(*t) && pte_pfn(*t) == page_to_pfn(p)) {
		pte_t e = pte_read(t);

		while (!try_cmpxchg(&t->v, &e.v, e.v & ~PTE_A))
			;
		used = e.v & PTE_A;
	}
	spin_unlock(&v->mm->page_table_lock);
	return used;
}

static bool area_covers(const struct vma *v, const struct page *p)
{
	return p->index >= v->pgoff && p->index < v->pgoff + vma_pages(v);
}

static u64 area_addr(const struct vma *v, const struct page *p)
{
	return v->start + ((p->index - v->pgoff) << PAGE_SHIFT);
}

unsigned int page_referenced(struct page *p, bool *exec)
{
	struct mapping *m = p->mapping;
	unsigned int n = 0;
	struct vma *v;

	if (list_empty(&m->areas))
		return 0;
	if (!mutex_trylock(&m->areas_lock))
		return 1;
	list_for_each_entry (v, &m->areas, mapping_node) {
		if (!area_covers(v, p))
			continue;
		if (entry_referenced(v, area_addr(v, p), p) || v->flags & VM_LOCKED) {
			n++;
			*exec |= v->flags & VM_EXEC;
		}
	}
	mutex_unlock(&m->areas_lock);
	return n;
}

bool page_try_unmap(struct page *p)
{
	struct mapping *m = p->mapping;
	struct vma *v;

	if (list_empty(&m->areas))
		return true;
	if (!mutex_trylock(&m->areas_lock))
		return false;
	list_for_each_entry (v, &m->areas, mapping_node) {
		struct tlb_batch tb;
		u64 addr;

		if (!area_covers(v, p) || v->flags & VM_LOCKED)
			continue;
		addr = area_addr(v, p);
		tlb_gather_init(&tb, v->mm);
		zap_range(&tb, v, addr, addr + PAGE_SIZE, false);
		tlb_gather_finish(&tb);
	}
	mutex_unlock(&m->areas_lock);
	return true;
}

/* Whoever looks for a page of a file through the list of areas must find it at either place. */
static void lock_areas(struct vma *v) NO_LOCK_ANALYSIS
{
	if (v->file && v->file->inode)
		mutex_lock(&v->file->inode->mapping->areas_lock);
}

static void unlock_areas(struct vma *v) NO_LOCK_ANALYSIS
{
	if (v->file && v->file->inode)
		mutex_unlock(&v->file->inode->mapping->areas_lock);
}

int move_entries(struct vma *v, u64 from, struct vma *to_vma, u64 to, u64 len)
{
	struct mm *mm = v->mm;
	u64 done = 0;
	int rc = 0;

	lock_areas(v);

	while (done < len) {
		u64 span = min(TABLE_SPAN - ((from + done) & (TABLE_SPAN - 1)),
			       TABLE_SPAN - ((to + done) & (TABLE_SPAN - 1)));
		unsigned int n;
		pte_t *src = pt_lookup(mm, from + done), *dst;

		span = min(span, len - done);
		n = (unsigned int)(span >> PAGE_SHIFT);
		if (!src || skip_empty(src, 0, n) == n) {
			done += span;
			continue;
		}
		rc = pt_walk_alloc(mm, to + done, &dst);
		if (rc)
			break;
		spin_lock(&mm->page_table_lock);
		for (unsigned int i = skip_empty(src, 0, n); i < n; i = skip_empty(src, i + 1, n))
			pte_set(&dst[i], pte_take(&src[i]));
		spin_unlock(&mm->page_table_lock);
		done += span;
	}
	if (v->has_anon)
		to_vma->has_anon = true;
	tlb_flush_range(mm, from, from + len);
	unlock_areas(v);
	return rc;
}

u64 vma_resident_pages(struct vma *v)
{
	u64 n = 0;

	for (u64 at = v->start, stop; at < v->end; at = stop) {
		pte_t *t = pt_lookup(v->mm, at);
		unsigned int len;

		stop = min(v->end, ALIGN_DOWN(at, TABLE_SPAN) + TABLE_SPAN);
		if (!t)
			continue;
		len = (unsigned int)((stop - at) >> PAGE_SHIFT);
		for (unsigned int i = skip_empty(t, 0, len); i < len; i = skip_empty(t, i + 1, len))
			n += !(t[i].v & PTE_SW_SPECIAL);
	}
	return n;
}
