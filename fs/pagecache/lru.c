/* SPDX-License-Identifier: MIT */
/* Pages of files on devices in the order of their use, and freeing those that are used least.
 *
 * Two lists. New pages enter the inactive one at its young end. PG_REFERENCED says that a page was
 * used once since, PG_WORKING that it was used again: such a page moves to the active list when the
 * scan finds it at the old end, so that a file that streams through, each page used once, displaces
 * only itself. The active list gives its oldest pages to the inactive list when it is the longer
 * one; a page that was used meanwhile goes round again instead. Mapped pages have no bits of ours:
 * their accessed bits are asked (page_referenced), code counts at once, data when seen twice.
 * Use: page_lru_add after insertion into a tree, page_lru_remove after removal from it;
 * page_lru_shrink by src/mm/reclaim.c. Pages without backing store (tmpfs) are in no list.
 * Invariants: PG_LRU: linked, PG_ACTIVE then says where. A scan takes pages off the list with a
 * reference of its own and puts them back only when they still have a mapping, looked at under
 * lru_lock; whoever removes a page from its tree clears page->mapping before he comes to
 * page_lru_remove.
 * Locking: lru_lock (LOCK_LEAF) for links, PG_LRU, PG_ACTIVE and the counts. Page
 * locks and areas_lock are only tried: reclaim may be called with any of them held. */
#include <fs/vfs.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/vmstat.h>

#include "internal.h"

/* Links are page frame numbers; 0, which never is a page of a file, ends a list. */
struct page_list {
	u32 young, old;
	u64 nr;
};
static struct page_list lists[2]; /* lru_lock: inactive, active */
static DEFINE_SPINLOCK(lru_lock, LOCK_LEAF);

#define SCAN_BATCH 32u

static void link_young(struct page *p, unsigned int active)
{
	struct page_list *l = &lists[active];
	u32 pfn = (u32)page_to_pfn(p);

	p->prev = 0;
	p->next = l->young;
	if (l->young)
		pfn_to_page(l->young)->prev = pfn;
	else
		l->old = pfn;
	l->young = pfn;
	l->nr++;
	page_set(p, PG_LRU);
}

static void unlink_page(struct page *p)
{
	struct page_list *l = &lists[page_test(p, PG_ACTIVE)];

	if (p->prev)
		pfn_to_page(p->prev)->next = p->next;
	else
		l->young = p->next;
	if (p->next)
		pfn_to_page(p->next)->prev = p->prev;
	else
		l->old = p->prev;
	l->nr--;
	page_clear(p, PG_LRU);
}

void page_lru_add(struct page **pages, unsigned int n)
{
	spin_lock(&lru_lock);
	for (unsigned int k = 0; k < n; k++)
		if (READ_ONCE(pages[k]->mapping) && !page_test(pages[k], PG_LRU))
			link_young(pages[k], 0);
	spin_unlock(&lru_lock);
}

void page_lru_remove(struct page *p)
{
	spin_lock(&lru_lock);
	if (page_test(p, PG_LRU))
		unlink_page(p);
	spin_unlock(&lru_lock);
}

u64 page_lru_count(bool active)
{
	return READ_ONCE(lists[active].nr);
}

/* Takes up to n pages off the old end of a list, each with a reference. */
static unsigned int isolate(unsigned int active, struct page **pages, unsigned int n)
{
	unsigned int got = 0;

	spin_lock(&lru_lock);
	while (got < n && lists[active].old) {
		struct page *p = pfn_to_page(lists[active].old);

		unlink_page(p);
		/* Without a reference it is about to be removed, or was. */
		if (page_get_unless_zero(p))
			pages[got++] = p;
	}
	spin_unlock(&lru_lock);
	return got;
}

/* Where a page goes that was not freed. */
enum verdict { TO_INACTIVE, TO_ACTIVE, FREED };

static void put_back(struct page **pages, const u8 *verdict, unsigned int n)
{
	spin_lock(&lru_lock);
	for (unsigned int k = 0; k < n; k++) {
		struct page *p = pages[k];

		if (verdict[k] == FREED || page_test(p, PG_LRU) || !READ_ONCE(p->mapping))
			continue;
		if (verdict[k] == TO_ACTIVE)
			page_set(p, PG_ACTIVE);
		else
			page_clear(p, PG_ACTIVE);
		link_young(p, verdict[k] == TO_ACTIVE);
	}
	spin_unlock(&lru_lock);
	for (unsigned int k = 0; k < n; k++)
		if (verdict[k] != FREED)
			page_put(pages[k]);
}

/* More references than the tree's and ours: page tables, or users. */
static bool maybe_mapped(const struct page *p)
{
	return atomic_read(&p->refs) > 2;
}

/* A mapped page at the old end of the inactive list, locked: true when it should stay, *active:
 * among those in use. */
static bool mapped_in_use(struct page *p, bool *active)
{
	bool exec = false;
	unsigned int n = page_referenced(p, &exec);

	*active = false;
	if (n) {
		*active = exec || n > 1 || page_test(p, PG_REFERENCED);
		page_set(p, PG_REFERENCED);
		return true;
	}
	return !page_try_unmap(p);
}

static u8 judge(struct page *p, u64 *dirty)
{
	bool active;

	if (page_test(p, PG_WORKING)) {
		page_clear(p, PG_WORKING);
		page_clear(p, PG_REFERENCED);
		vm_count(VM_PGACTIVATE, 1);
		return TO_ACTIVE;
	}
	if (!page_trylock(p))
		return TO_INACTIVE;
	if (!READ_ONCE(p->mapping) || page_test(p, PG_WRITEBACK))
		goto keep;
	if (maybe_mapped(p) && mapped_in_use(p, &active)) {
		page_unlock(p);
		if (active)
			vm_count(VM_PGACTIVATE, 1);
		return active ? TO_ACTIVE : TO_INACTIVE;
	}
	if (page_test(p, PG_DIRTY)) {
		++*dirty;
		goto keep;
	}
	if (mapping_remove_unused(p))
		return FREED;
keep:
	page_unlock(p);
	return TO_INACTIVE;
}

/* The oldest pages of the active list: used again meanwhile, or not. */
static void shrink_active(void)
{
	struct page *pages[SCAN_BATCH];
	u8 verdict[SCAN_BATCH];
	unsigned int n = isolate(1, pages, SCAN_BATCH), gone = 0;

	for (unsigned int k = 0; k < n; k++) {
		struct page *p = pages[k];
		bool exec = false, used = page_test(p, PG_WORKING);

		page_clear(p, PG_WORKING);
		page_clear(p, PG_REFERENCED);
		if (maybe_mapped(p) && page_trylock(p)) {
			if (READ_ONCE(p->mapping) && page_referenced(p, &exec) && exec)
				used = true;
			page_unlock(p);
		}
		verdict[k] = used ? TO_ACTIVE : TO_INACTIVE;
		gone += !used;
	}
	put_back(pages, verdict, n);
	vm_count(VM_PGDEACTIVATE, gone);
}

u64 page_lru_shrink(u64 want, u64 max)
{
	bool kswapd = current->flags & TF_KTHREAD && current->flags & TF_MEMALLOC;
	u64 freed = 0, scanned = 0, dirty = 0;

	while (freed < want && scanned < max) {
		struct page *pages[SCAN_BATCH];
		u8 verdict[SCAN_BATCH];
		unsigned int n;

		if (lists[0].nr < lists[1].nr)
			shrink_active();
		n = isolate(0, pages, SCAN_BATCH);
		if (!n && !lists[1].nr)
			break;
		for (unsigned int k = 0; k < n; k++) {
			verdict[k] = judge(pages[k], &dirty);
			freed += verdict[k] == FREED;
		}
		put_back(pages, verdict, n);
		scanned += n ?: SCAN_BATCH;
		cond_resched();
	}
	vm_count(kswapd ? VM_PGSCAN_KSWAPD : VM_PGSCAN_DIRECT, scanned);
	vm_count(kswapd ? VM_PGSTEAL_KSWAPD : VM_PGSTEAL_DIRECT, freed);
	if (dirty > freed)
		flusher_kick_reclaim(dirty);
	return freed;
}

void page_lru_drop(void)
{
	vm_count(VM_DROP_PAGECACHE, 1);
	for (unsigned int active = 0; active < 2; active++) {
		u64 left = page_lru_count(active);

		while (left) {
			struct page *pages[SCAN_BATCH];
			u8 verdict[SCAN_BATCH];
			unsigned int want = (unsigned int)min_t(u64, left, SCAN_BATCH);
			unsigned int n = isolate(active, pages, want);

			if (!n)
				break;
			for (unsigned int k = 0; k < n; k++) {
				struct page *p = pages[k];

				verdict[k] = active ? TO_ACTIVE : TO_INACTIVE;
				if (maybe_mapped(p) || !page_trylock(p))
					continue;
				if (READ_ONCE(p->mapping) && mapping_remove_unused(p))
					verdict[k] = FREED;
				else
					page_unlock(p);
			}
			put_back(pages, verdict, n);
			left -= n;
			cond_resched();
		}
	}
}
