/* SPDX-License-Identifier: MIT */
/* The page cache: finding, adding and removing the pages of a file; truncation; faults.
 *
 * Owns: mapping->pages and what page->mapping and page->index say.
 * Use: see fs/pagecache.h. File systems without backing store (tmpfs) have no read_page: a missing
 * page is a hole and reads as zeroes.
 * Invariants: a page in the tree has page->mapping == the mapping and holds one reference for it.
 * Insertion refuses indexes behind the end of the file, under mapping->lock; truncation first sets
 * the size, then takes pages out, then unmaps them everywhere. A fault that looked up a page before
 * checks page->mapping under page_table_lock, so no address space keeps a page that is out of the
 * tree. Reclaim takes only pages that nobody else refers to: their count goes from 2 to 0 at once.
 * Locking: mapping->lock for changes; look-up under RCU with a re-check after taking the reference.
 * Pages with a backing store are removed with their page lock held.
 * Lifetime: pages by reference; tree nodes by RCU. */
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "internal.h"

static atomic64_t cached_pages;
static atomic64_t device_pages; /* of cached_pages: those of block devices themselves */

u64 pagecache_pages(void)
{
	return (u64)atomic64_read(&cached_pages);
}

u64 buffer_pages(void)
{
	return (u64)atomic64_read(&device_pages);
}

static __always_inline void count_pages(const struct mapping *m, s64 n)
{
	atomic64_add(&cached_pages, n);
	if (unlikely(m->bdev) && S_ISBLK(m->host->mode))
		atomic64_add(&device_pages, n);
}

void mapping_init(struct mapping *m, struct inode *host, const struct mapping_ops *ops)
{
	m->host = host;
	m->ops = ops;
	xa_init(&m->pages);
	spin_lock_init(&m->lock, LOCK_XARRAY);
	m->nr_pages = 0;
	mutex_init(&m->areas_lock, LOCK_MAPPING);
	list_init(&m->areas);
	m->nr_writable = 0;
	m->wb_err = 0;
	m->flags = 0;
	m->bdev = NULL;
	m->block_shift = PAGE_SHIFT;
	m->nr_dirty = 0;
}

struct page *mapping_find_page(struct mapping *m, u64 index)
{
	struct page *p;

	rcu_read_lock();
	for (;;) {
		p = xa_load(&m->pages, index);
		if (!p)
			break;
		if (unlikely(!page_get_unless_zero(p)))
			continue;
		if (likely(xa_load(&m->pages, index) == p))
			break;
		rcu_read_unlock();
		page_put(p);
		rcu_read_lock();
	}
	rcu_read_unlock();
	return p;
}

/* With check_size: -ERANGE when the page lies behind the end of the file. */
static __always_inline int add_page(struct mapping *m, struct page *p, u64 index, bool check_size)
{
	int rc;

	for (;;) {
		spin_lock(&m->lock);
		if (check_size && index >= DIV_ROUND_UP((u64)m->host->size, PAGE_SIZE)) {
			spin_unlock(&m->lock);
			return -ERANGE;
		}
		/* Tree nodes are allocated without sleeping: usually there is one. */
		rc = xa_insert(&m->pages, index, p, GFP_ATOMIC);
		if (!rc) {
			p->index = (u32)index;
			WRITE_ONCE(p->mapping, m);
			page_get(p);
			m->nr_pages++;
		}
		spin_unlock(&m->lock);
		if (rc != -ENOMEM)
			break;
		if (!reclaim(16, GFP_KERNEL))
			return -ENOMEM;
	}
	if (rc)
		return -EEXIST;
	count_pages(m, 1);
	return 0;
}

int mapping_add_page(struct mapping *m, struct page *p, u64 index)
{
	int rc = add_page(m, p, index, false);

	if (!rc && m->ops->read_page)
		page_lru_add(&p, 1);
	return rc;
}

/* A new page for index, in the tree, referenced, PG_UPTODATE when there is nothing to read. */
static int make_page(struct mapping *m, u64 index, bool check_size, struct page **out)
{
	bool hole = !m->ops->read_page;
	struct page *p;
	int rc = 0;

	if (unlikely(index >= PAGECACHE_MAX_BYTES / PAGE_SIZE))
		return -EFBIG;
	if (m->ops->charge) {
		rc = m->ops->charge(m, 1);
		if (rc)
			return rc;
	}
	rc = -ENOMEM;
	p = page_alloc(GFP_KERNEL | (hole ? GFP_ZERO | GFP_NORETRY : 0));
	if (!p)
		goto uncharge;
	if (hole)
		p->flags = PAGE_WARM;
	rc = add_page(m, p, index, check_size);
	if (rc)
		goto free;
	if (!hole)
		page_lru_add(&p, 1);
	*out = p;
	return 0;
free:
	page_put(p);
uncharge:
	if (m->ops->uncharge)
		m->ops->uncharge(m, 1);
	return rc;
}

/* Reads a page that somebody added and nobody filled yet. */
static int fill_page(struct mapping *m, struct page *p)
{
	int rc;

	page_lock(p);
	if (p->mapping != m) {
		page_unlock(p);
		return -EAGAIN;
	}
	if (page_test(p, PG_UPTODATE)) {
		page_unlock(p);
		return 0;
	}
	rc = m->ops->read_page(m, p); /* unlocks */
	if (rc)
		return rc;
	page_wait_unlocked(p);
	return page_test(p, PG_UPTODATE) ? 0 : -EIO;
}

static int get_page(struct mapping *m, u64 index, bool hole_ok, bool check_size, struct page **out)
{
	struct page *p;
	int rc;

	for (;;) {
		p = mapping_find_page(m, index);
		if (!p) {
			if (hole_ok && !m->ops->read_page) {
				*out = NULL;
				return 0;
			}
			rc = make_page(m, index, check_size, &p);
			if (rc == -EEXIST)
				continue;
			if (rc)
				return rc;
		}
		if (likely(page_test(p, PG_UPTODATE)))
			break;
		rc = fill_page(m, p);
		if (!rc)
			break;
		page_put(p);
		if (rc != -EAGAIN)
			return rc;
	}
	*out = p;
	return 0;
}

int mapping_get_existing(struct mapping *m, u64 index, struct page **out)
{
	return get_page(m, index, false, true, out);
}

int mapping_get_page(struct mapping *m, u64 index, bool write, bool hole_ok, struct page **out)
{
	return get_page(m, index, hole_ok && !write, false, out);
}

int mapping_lock_page(struct mapping *m, u64 index, struct page **out)
{
	struct page *p;
	int rc;

	for (;;) {
		p = mapping_find_page(m, index);
		if (!p) {
			rc = make_page(m, index, false, &p);
			if (rc == -EEXIST)
				continue;
			if (rc)
				return rc;
		}
		page_lock(p);
		if (likely(p->mapping == m))
			break;
		page_unlock(p);
		page_put(p);
	}
	*out = p;
	return 0;
}

int mapping_add_locked(struct mapping *m, struct page *p, u64 index)
{
	return add_page(m, p, index, true);
}

/* --- removal --- */

/* m->lock held: p, which is in the tree, leaves it. */
static __always_inline void erase_page(struct mapping *m, struct page *p)
{
	if (unlikely(m->nr_dirty))
		mapping_forget_dirty(m, p);
	xa_erase(&m->pages, p->index);
	WRITE_ONCE(p->mapping, NULL);
	m->nr_pages--;
	if (m->ops->release_page)
		m->ops->release_page(m, p);
	count_pages(m, -1);
}

/* Takes p out of the tree; the tree's reference is the caller's now. False: it was not there. */
static __always_inline bool remove_page(struct mapping *m, struct page *p, u64 index)
{
	bool mine;

	spin_lock(&m->lock);
	mine = p->mapping == m && xa_load(&m->pages, index) == p;
	if (mine)
		erase_page(m, p);
	spin_unlock(&m->lock);
	if (!mine)
		return false;
	if (m->ops->read_page)
		page_lru_remove(p);
	if (m->ops->uncharge)
		m->ops->uncharge(m, 1);
	return true;
}

bool mapping_remove_unused(struct page *p)
{
	struct mapping *m;
	bool done;
	int two = 2;

	/* The inode may be freed as soon as its last page is gone, but not before the end of this
	 * section. */
	rcu_read_lock();
	m = READ_ONCE(p->mapping);
	spin_lock(&m->lock);
	done = !(READ_ONCE(p->flags) & (1u << PG_DIRTY | 1u << PG_WRITEBACK)) &&
	       try_cmpxchg(&p->refs.v, &two, 0);
	if (done && unlikely(page_test(p, PG_DIRTY))) {
		atomic_set(&p->refs, 2);
		done = false;
	}
	if (done)
		erase_page(m, p);
	spin_unlock(&m->lock);
	rcu_read_unlock();
	if (!done)
		return false;
	page_lru_remove(p);
	page_clear(p, PG_LOCKED);
	page_free_order(p, 0);
	return true;
}

#define TRUNCATE_BATCH 32

static void remove_range(struct mapping *m, u64 first, u64 last)
{
	void *entries[TRUNCATE_BATCH];
	u64 index[TRUNCATE_BATCH];
	unsigned int n;

	while (first <= last) {
		rcu_read_lock();
		n = xa_gather(&m->pages, first, last, entries, index, TRUNCATE_BATCH);
		for (unsigned int k = 0; k < n; k++) {
			if (!page_get_unless_zero(entries[k]))
				entries[k] = NULL;
		}
		rcu_read_unlock();
		if (!n)
			return;
		for (unsigned int k = 0; k < n; k++) {
			struct page *p = entries[k];

			if (!p)
				continue;
			if (m->ops->read_page) {
				page_lock(p);
				page_wait_writeback(p);
			}
			if (remove_page(m, p, index[k]))
				page_put(p);
			if (m->ops->read_page)
				page_unlock(p);
			page_put(p);
		}
		if (index[n - 1] == ~0ull)
			return;
		first = index[n - 1] + 1;
		cond_resched();
	}
}

/* The same on a file with a backing store: the page is read if need be. Blocks may come or go
 * behind our back now, so what is known about them is forgotten, and who writes through a mapping
 * must ask again. */
static void zero_backed(struct mapping *m, u64 index, unsigned int from, unsigned int to)
{
	struct page *p;
	int rc;

	/* Behind the end there is nothing to be kept. */
	if (index >= DIV_ROUND_UP((u64)READ_ONCE(m->host->size), PAGE_SIZE))
		return;
	do {
		rc = mapping_get_page(m, index, true, false, &p);
		if (rc) {
			mapping_set_error(m, rc);
			return;
		}
		page_lock(p);
		if (likely(p->mapping == m))
			break;
		page_unlock(p);
		page_put(p);
	} while (true);
	memset((char *)page_address(p) + from, 0, to - from);
	if (m->block_shift < PAGE_SHIFT) {
		page_clear(p, PG_BLOCKS);
		(void)page_mkclean(p);
	}
	page_mark_dirty(p);
	page_unlock(p);
	page_put(p);
}

/* Drops one page, which the caller has a reference to (and loses), when it is clean. force: also
 * when others have references; they keep a page that is no part of the file any more. */
static bool drop_page(struct mapping *m, struct page *p, u64 index, bool force)
{
	bool gone;

	if (force) {
		page_lock(p);
		page_wait_writeback(p);
	} else if (!page_trylock(p)) {
		page_put(p);
		return false;
	}
	if (!force && p->mapping == m && page_test(p, PG_UPTODATE) && mapping_remove_unused(p))
		return true;
	gone = force && (p->mapping != m || !page_test(p, PG_DIRTY));
	if (gone && remove_page(m, p, index))
		page_put(p);
	page_unlock(p);
	page_put(p);
	return gone;
}

static u64 drop_range(struct mapping *m, u64 first, u64 last, bool force)
{
	void *entries[TRUNCATE_BATCH];
	u64 index[TRUNCATE_BATCH], stayed = 0;
	unsigned int n;

	while (first <= last && m->ops && m->ops->read_page) {
		rcu_read_lock();
		n = xa_gather(&m->pages, first, last, entries, index, TRUNCATE_BATCH);
		for (unsigned int k = 0; k < n; k++) {
			if (!page_get_unless_zero(entries[k]))
				entries[k] = NULL;
		}
		rcu_read_unlock();
		if (!n)
			break;
		for (unsigned int k = 0; k < n; k++)
			if (entries[k])
				stayed += !drop_page(m, entries[k], index[k], force);
		if (index[n - 1] == ~0ull)
			break;
		first = index[n - 1] + 1;
		cond_resched();
	}
	return stayed;
}

u64 mapping_invalidate_range(struct mapping *m, u64 first, u64 last)
{
	return drop_range(m, first, last, false);
}

int mapping_evict_range(struct mapping *m, u64 first, u64 last)
{
	u64 stayed = drop_range(m, first, last, true);

	if (!list_empty(&m->areas))
		mapping_unmap_pages(m, first, last == ~0ull ? 0 : last - first + 1, false);
	return stayed ? -EBUSY : 0;
}

/* Zeroes bytes [from, to) of one page, when it exists. */
static void zero_part(struct mapping *m, u64 index, unsigned int from, unsigned int to)
{
	struct page *p;

	if (m->ops->read_page) {
		zero_backed(m, index, from, to);
		return;
	}
	p = mapping_find_page(m, index);
	if (!p)
		return;
	memset((char *)page_address(p) + from, 0, to - from);
	page_mark_dirty(p);
	page_put(p);
}

void mapping_truncate_range(struct mapping *m, loff_t start, loff_t end)
{
	u64 from = (u64)start, to = (u64)end + 1; /* to: exclusive, 0 is infinity */
	u64 first = DIV_ROUND_UP(from, PAGE_SIZE), stop = to ? to / PAGE_SIZE : ~0ull;

	/* What is only on the device has edges, too. */
	if (!m->ops || (!READ_ONCE(m->nr_pages) &&
			!(m->ops->read_page && (from % PAGE_SIZE || to % PAGE_SIZE))))
		return;
	if (first > stop) { /* inside one page */
		zero_part(m, stop, from % PAGE_SIZE, to % PAGE_SIZE);
		return;
	}
	if (from % PAGE_SIZE)
		zero_part(m, from / PAGE_SIZE, from % PAGE_SIZE, PAGE_SIZE);
	if (to % PAGE_SIZE)
		zero_part(m, stop, 0, to % PAGE_SIZE);
	if (first == stop)
		return;
	remove_range(m, first, to ? stop - 1 : ~0ull);
	if (!list_empty(&m->areas))
		mapping_unmap_pages(m, first, to ? stop - first : 0, !to);
}

/* The file grows: what a mapping wrote behind the old end must not show. */
void mapping_zero_tail(struct inode *i, loff_t old, loff_t size)
{
	u64 base = ALIGN_DOWN((u64)old, PAGE_SIZE);

	if (old % (loff_t)PAGE_SIZE && i->mapping->ops &&
	    (i->mapping->nr_pages || i->mapping->ops->read_page))
		zero_part(i->mapping, base / PAGE_SIZE, old % PAGE_SIZE,
			  (unsigned int)min_t(u64, (u64)size - base, PAGE_SIZE));
}

void mapping_set_size(struct inode *i, loff_t size)
{
	loff_t old = i->size;

	spin_lock(&i->mapping->lock);
	WRITE_ONCE(i->size, size);
	spin_unlock(&i->mapping->lock);
	if (size < old)
		mapping_truncate_range(i->mapping, size, -1);
	else if (size > old)
		mapping_zero_tail(i, old, size);
}

/* --- faults --- */

int mapping_fault(struct vm_fault *f)
{
	struct mapping *m = f->vma->file->inode->mapping;
	int rc;

	if (f->pgoff >= DIV_ROUND_UP((u64)READ_ONCE(m->host->size), PAGE_SIZE))
		return -ENXIO;
	if (m->ops->read_page) {
		f->page = mapping_find_page(m, f->pgoff);
		if (f->page &&
		    (READ_ONCE(f->page->flags) & (1u << PG_UPTODATE | 1u << PG_READAHEAD)) ==
			    1u << PG_UPTODATE)
			return 0;
		if (f->page)
			page_put(f->page);
		fault_read_ahead(f);
	}
	rc = get_page(m, f->pgoff, false, true, &f->page);
	if (rc == -ERANGE)
		return -ENXIO;
	if (rc == -ENOSPC) /* no room for the page of a hole: SIGBUS */
		return -EIO;
	return rc;
}

static int mapping_mkwrite(struct vm_fault *f)
{
	if (f->vma->file->inode->mapping->ops->map_blocks)
		return block_page_mkwrite(f);
	file_modified_mapped(f->vma->file);
	page_mark_dirty(f->page);
	return 0;
}

const struct vm_ops generic_vm_ops = {
	.fault = mapping_fault,
	.page_mkwrite = mapping_mkwrite,
};
