/* SPDX-License-Identifier: MIT */
/* Dirty pages and pages on their way to a device; errors of writing.
 *
 * Owns: PG_DIRTY, PG_WRITEBACK, their marks in mapping->pages, mapping->nr_dirty and wb_err.
 * A page becomes dirty by page_mark_dirty, under its lock or while a page table maps it writable.
 * page_writeback_begin, under the page lock, first makes its mappings read-only, so that a later
 * store faults and marks it again; block_page_mkwrite keeps the page locked until its entry is
 * writable, so no store is missed between the two. page_writeback_end comes from an interrupt and
 * only clears the flag: the mark stays until somebody looks (mapping_reap_writeback).
 * Invariants: the dirty mark is set exactly while the page counts in nr_dirty; the flag may be
 * there a moment earlier. PG_WRITEBACK holds a reference to the page; whoever removes a page from
 * its tree waits for it first, so the mapping outlives the transfer.
 * Errors: wb_err is a number that says "error, seen by somebody, how often". Each descriptor keeps
 * the value it has seen, so each reports an error once. Data whose write failed stays in memory and
 * becomes dirty again when a wait or the flusher comes by, unless memory is full of dirty data.
 * Locking: mapping->lock for marks and counts. */
#include <fs/block.h>
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/vmstat.h>

#include "internal.h"

#define BATCH 32u

static atomic64_t nr_dirty, nr_writeback;

u64 dirty_pages(void)
{
	s64 n = atomic64_read(&nr_dirty);

	return n > 0 ? (u64)n : 0;
}

u64 writeback_pages(void)
{
	s64 n = atomic64_read(&nr_writeback);

	return n > 0 ? (u64)n : 0;
}

/* --- dirty pages --- */

void page_mark_dirty(struct page *p)
{
	struct mapping *m = READ_ONCE(p->mapping);
	bool first = false;

	if (page_test(p, PG_DIRTY) || page_test_and_set(p, PG_DIRTY) || !m || !m->ops->write_pages)
		return;
	spin_lock(&m->lock);
	/* Write-back may have taken the flag, with our data, before the mark was there. */
	if (p->mapping == m && page_test(p, PG_DIRTY) &&
	    !xa_get_mark(&m->pages, p->index, PAGECACHE_MARK_DIRTY)) {
		xa_set_mark(&m->pages, p->index, PAGECACHE_MARK_DIRTY);
		first = !m->nr_dirty;
		m->nr_dirty++;
		atomic64_inc(&nr_dirty);
		vm_count(VM_PGDIRTIED, 1);
	}
	spin_unlock(&m->lock);
	if (first)
		inode_queue_writeback(m->host);
}

void mapping_forget_dirty(struct mapping *m, struct page *p)
{
	if (!xa_get_mark(&m->pages, p->index, PAGECACHE_MARK_DIRTY))
		return;
	xa_clear_mark(&m->pages, p->index, PAGECACHE_MARK_DIRTY);
	m->nr_dirty--;
	atomic64_dec(&nr_dirty);
	if (p->flags & 1u << PG_DIRTY)
		current->io_cancelled += PAGE_SIZE;
}

void page_cancel_dirty(struct page *p)
{
	struct mapping *m = p->mapping;

	spin_lock(&m->lock);
	mapping_forget_dirty(m, p);
	page_clear(p, PG_DIRTY);
	spin_unlock(&m->lock);
}

bool page_writeback_begin(struct page *p)
{
	struct mapping *m = p->mapping;

	if (!page_test(p, PG_DIRTY))
		return false;
	if (page_mkclean(p))
		page_set(p, PG_DIRTY);
	page_get(p);
	spin_lock(&m->lock);
	page_clear(p, PG_ERROR);
	/* Before it is clean: whoever looks without the lock and finds nothing dirty must find that
	 * it is being written. */
	page_set(p, PG_WRITEBACK);
	xa_set_mark(&m->pages, p->index, PAGECACHE_MARK_WRITEBACK);
	page_clear(p, PG_DIRTY);
	mapping_forget_dirty(m, p);
	spin_unlock(&m->lock);
	atomic64_inc(&nr_writeback);
	return true;
}

void page_writeback_end(struct page *p, int error)
{
	if (unlikely(error)) {
		page_set(p, PG_ERROR);
		mapping_set_error(p->mapping, error);
	} else {
		vm_count(VM_PGWRITTEN, 1);
	}
	atomic64_dec(&nr_writeback);
	page_end_writeback(p);
	page_put(p);
}

/* A transfer of p is over. Its data is dirty again when the write failed, there is room for that,
 * and the device may still take it. */
static void reap_page(struct mapping *m, struct page *p)
{
	u64 background, limit;
	bool again = false;

	spin_lock(&m->lock);
	if (p->mapping == m && !page_test(p, PG_WRITEBACK)) {
		xa_clear_mark(&m->pages, p->index, PAGECACHE_MARK_WRITEBACK);
		again = page_test(p, PG_ERROR);
		page_clear(p, PG_ERROR);
	}
	spin_unlock(&m->lock);
	if (!again || (m->bdev && READ_ONCE(m->bdev->disk->dead)))
		return;
	dirty_limits(&background, &limit);
	if (dirty_pages() < background)
		page_mark_dirty(p);
}

void mapping_reap_writeback(struct mapping *m, u64 first, u64 last, bool wait)
{
	void *pages[BATCH];
	u64 index[BATCH];
	unsigned int n;

	while (first <= last) {
		rcu_read_lock();
		n = xa_gather_marked(&m->pages, first, last, pages, index, BATCH,
				     PAGECACHE_MARK_WRITEBACK);
		for (unsigned int k = 0; k < n; k++)
			if (!page_get_unless_zero(pages[k]))
				pages[k] = NULL;
		rcu_read_unlock();
		if (!n)
			return;
		for (unsigned int k = 0; k < n; k++) {
			struct page *p = pages[k];

			if (!p)
				continue;
			if (wait)
				page_wait_writeback(p);
			if (!page_test(p, PG_WRITEBACK))
				reap_page(m, p);
			page_put(p);
		}
		if (index[n - 1] == ~0ull)
			return;
		first = index[n - 1] + 1;
		cond_resched();
	}
}

bool mapping_busy(const struct mapping *m)
{
	bool busy;

	rcu_read_lock();
	busy = READ_ONCE(m->nr_dirty) || xa_marked(&m->pages, PAGECACHE_MARK_WRITEBACK);
	rcu_read_unlock();
	return busy;
}

/* --- errors --- */

#define WB_ERR_SEEN (1u << 12)
#define WB_ERR_CODE (WB_ERR_SEEN - 1)
#define WB_ERR_STEP (1u << 13)

void mapping_set_error(struct mapping *m, int error)
{
	u32 old = READ_ONCE(m->wb_err), now;

	do {
		now = (old & ~(WB_ERR_CODE | WB_ERR_SEEN)) | (u32)-error;
		if (old & WB_ERR_SEEN)
			now += WB_ERR_STEP;
		if (now == old)
			return;
	} while (!try_cmpxchg(&m->wb_err, &old, now));
}

u32 mapping_sample_error(struct mapping *m)
{
	u32 now = READ_ONCE(m->wb_err);

	/* What nobody has heard of is news to a new descriptor, too. */
	return now & WB_ERR_SEEN ? now : 0;
}

int mapping_check_error(struct mapping *m, u32 *seen)
{
	u32 now = READ_ONCE(m->wb_err);

	if (likely(now == READ_ONCE(*seen)))
		return 0;
	while (!(now & WB_ERR_SEEN) && !try_cmpxchg(&m->wb_err, &now, now | WB_ERR_SEEN))
		;
	now |= WB_ERR_SEEN;
	if (xchg(seen, now) == now)
		return 0;
	return -(int)(now & WB_ERR_CODE);
}

/* --- ranges --- */

static u64 last_page(loff_t end)
{
	return end < 0 ? ~0ull : (u64)end / PAGE_SIZE;
}

/* The error of what happened since wb_err was `before`. */
static int error_since(struct mapping *m, u32 before)
{
	u32 now = READ_ONCE(m->wb_err);

	return (now & ~WB_ERR_SEEN) == (before & ~WB_ERR_SEEN) ? 0 : -(int)(now & WB_ERR_CODE);
}

int mapping_wait_range(struct mapping *m, loff_t start, loff_t end)
{
	u32 before = READ_ONCE(m->wb_err);

	mapping_reap_writeback(m, (u64)start / PAGE_SIZE, last_page(end), true);
	return error_since(m, before);
}

int mapping_write_range(struct mapping *m, loff_t start, loff_t end, bool wait)
{
	u32 before = READ_ONCE(m->wb_err);
	int rc = 0;

	if (!m->ops || !m->ops->write_pages)
		return 0;
	if (READ_ONCE(m->nr_dirty))
		rc = m->ops->write_pages(m, (u64)start / PAGE_SIZE, last_page(end), wait);
	if (wait)
		mapping_reap_writeback(m, (u64)start / PAGE_SIZE, last_page(end), true);
	return rc ?: error_since(m, before);
}

int block_fsync(struct file *f, loff_t start, loff_t end, bool datasync __maybe_unused)
{
	struct mapping *m = f->inode->mapping;
	struct inode *i = m->host;
	int rc = mapping_write_range(m, start, end, true), err;

	err = inode_write(i, true);
	rc = rc ?: err;
	if (m->bdev) {
		err = bdev_flush(m->bdev);
		rc = rc ?: err;
	}
	return rc;
}
