/* SPDX-License-Identifier: MIT */
/* Reading ahead: which pages of a file are read together with the one that somebody waits for.
 *
 * Each open file keeps a guess (file->ra): the window read last, [start, start + size), and where
 * its reader is. A reader that goes on where it stopped, or begins at the start, is sequential: it
 * gets a window, whose page `async` before the end carries PG_READAHEAD. Whoever meets that page
 * starts the next window, twice as long up to the device's ra_pages, and does not wait for it.
 * Any other miss reads exactly the pages asked for, in one go. Page faults read round the page,
 * unless the area was said to be read sequentially or at random.
 * State is changed without a lock: two readers of one description spoil a guess, not data.
 * Pages are inserted locked and not up to date; mapping_ops.read_ahead unlocks them when read.
 * Locking: page locks; nothing may be held that reading takes. */
#include <fs/block.h>
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>

#include "internal.h"

#define RA_DEFAULT 32u
#define RA_BATCH   32u
#define READ_MAX   512u /* pages of one random read that are read in one go */

static u32 window_max(const struct mapping *m, u32 advice)
{
	u32 pages = m->bdev ? READ_ONCE(m->bdev->ra_pages) : RA_DEFAULT;

	return advice & RA_RANDOM ? 0 : advice & RA_SEQUENTIAL ? 2 * pages : pages;
}

/* --- inserting pages --- */

struct insertion {
	struct mapping *m;
	struct page *pages[RA_BATCH]; /* not yet in the LRU */
	unsigned int n;
	u64 first, nr;		      /* run that was not yet given to read_ahead */
};

static void insertion_flush(struct insertion *in)
{
	if (in->n)
		page_lru_add(in->pages, in->n);
	in->n = 0;
	if (in->nr)
		in->m->ops->read_ahead(in->m, in->first, (unsigned int)in->nr);
	in->nr = 0;
}

/* False: give up, memory is short. */
static bool insert_page(struct insertion *in, u64 index, u64 marker)
{
	struct page *p = page_alloc(GFP_KERNEL | GFP_NORETRY | GFP_NOWARN);
	int rc;

	if (!p)
		return false;
	p->flags = 1u << PG_LOCKED | (index == marker ? 1u << PG_READAHEAD : 0);
	rc = mapping_add_locked(in->m, p, index);
	if (rc) {
		p->flags = 0;
		page_put(p);
		insertion_flush(in);
		return rc == -EEXIST;
	}
	/* The tree's reference keeps it, and its lock keeps it in the tree. */
	page_put(p);
	if (!in->nr)
		in->first = index;
	in->nr++;
	in->pages[in->n++] = p;
	if (in->n == RA_BATCH) {
		page_lru_add(in->pages, in->n);
		in->n = 0;
	}
	return true;
}

static void start_read(struct mapping *m, u64 first, u64 nr, u64 marker)
{
	struct insertion in = { .m = m };
	u64 eof = DIV_ROUND_UP((u64)READ_ONCE(m->host->size), PAGE_SIZE);
	struct blk_plug plug;

	eof = min(eof, (u64)PAGECACHE_MAX_BYTES / PAGE_SIZE); /* a damaged size */
	if (!m->ops->read_ahead || first >= eof)
		return;
	nr = min(nr, eof - first);
	blk_plug_start(&plug);
	for (u64 index = first; index < first + nr; index++) {
		bool there;

		rcu_read_lock();
		there = xa_load(&m->pages, index) != NULL;
		rcu_read_unlock();
		if (there)
			insertion_flush(&in);
		else if (!insert_page(&in, index, marker))
			break;
	}
	insertion_flush(&in);
	blk_plug_finish(&plug);
}

void mapping_read_ahead(struct mapping *m, u64 first, u64 nr)
{
	u64 end = DIV_ROUND_UP((u64)READ_ONCE(m->host->size), PAGE_SIZE);

	nr = min(nr, end > first ? end - first : 0);
	u64 eof = DIV_ROUND_UP((u64)READ_ONCE(m->host->size), PAGE_SIZE);

	nr = first < eof ? min(nr, eof - first) : 0;
	while (nr && !fatal_signal_pending()) {
		u64 n = min(nr, (u64)READ_MAX);

		start_read(m, first, n, ~0ull);
		first += n;
		nr -= n;
	}
}

/* --- windows --- */

static u32 first_size(u64 req, u32 max)
{
	u32 size = 1;

	while (size < req && size < max)
		size *= 2;
	if (size <= max / 32)
		size *= 4;
	else if (size <= max / 4)
		size *= 2;
	else
		size = max;
	return max(size, 1u);
}

static u32 next_size(u32 size, u32 max)
{
	if (size < max / 16)
		return 4 * size;
	return size <= max / 2 ? 2 * size : max;
}

static void read_window(struct mapping *m, const struct readahead_state *ra)
{
	start_read(m, ra->start, ra->size, ra->start + ra->size - ra->async);
}

static bool page_is_cached(struct mapping *m, u64 index)
{
	bool there;

	rcu_read_lock();
	there = xa_load(&m->pages, index) != NULL;
	rcu_read_unlock();
	return there;
}

/* Nothing is known about the reader: the pages before index may tell that somebody came this
 * way. */
static u32 cached_before(struct mapping *m, u64 index, u32 max)
{
	u32 n = 0;

	while (n < max && n < index && page_is_cached(m, index - 1 - n))
		n++;
	return n;
}

/* The page is missing and wanted, with req - 1 more behind it. */
static void read_missing(struct file *f, u64 index, u64 req)
{
	struct readahead_state *ra = &f->ra;
	struct mapping *m = f->inode->mapping;
	u32 max = window_max(m, ra->advice), before;

	if (!max) {
		start_read(m, index, min(req, (u64)READ_MAX), ~0ull);
		return;
	}
	max = (u32)max((u64)max, min(req, 256ull));
	if (ra->size && index == ra->start + ra->size) {
		ra->start += ra->size;
		ra->size = next_size(ra->size, max);
		ra->async = ra->size;
	} else if (!index || index == ra->next || index + 1 == ra->next || req > max) {
		ra->start = index;
		ra->size = first_size(req, max);
		ra->async = ra->size > req ? (u32)(ra->size - req) : ra->size;
	} else {
		before = cached_before(m, index, max);
		if (before <= req) {
			start_read(m, index, min(req, (u64)READ_MAX), ~0ull);
			return;
		}
		ra->start = index;
		ra->size = (u32)min(before + req, (u64)max);
		ra->async = 1;
	}
	read_window(m, ra);
}

/* The marker was met: the next window, behind what is cached. */
static void read_next(struct file *f, u64 index, u64 req)
{
	struct readahead_state *ra = &f->ra;
	struct mapping *m = f->inode->mapping;
	u32 max = window_max(m, ra->advice);
	u64 start = index + 1;

	if (!max)
		return;
	if (ra->size && index == ra->start + ra->size - ra->async) {
		ra->start += ra->size;
		ra->size = next_size(ra->size, max);
	} else {
		while (start < index + max && page_is_cached(m, start))
			start++;
		if (start >= index + max)
			return;
		ra->start = start;
		ra->size = next_size((u32)min(start - index + req, (u64)max), max);
	}
	ra->async = ra->size;
	read_window(m, ra);
}

/* --- reading --- */

/* The first use is noted, and the next one that does not belong to the same run of small reads. */
static void page_used(struct file *f, struct page *p, u64 index)
{
	if (!page_test(p, PG_REFERENCED))
		page_set(p, PG_REFERENCED);
	else if (!page_test(p, PG_WORKING) && (f->ra.next != index + 1 || !page_test(p, PG_LRU)))
		page_set(p, PG_WORKING);
}

int file_cold_page(struct file *f, u64 index, u64 nr, struct page **pp)
{
	struct mapping *m = f->inode->mapping;
	struct page *p = *pp;
	int rc;

	if (!m->ops->read_page) {
		if (p)
			page_set(p, PG_REFERENCED);
		if (p)
			page_set(p, PG_WORKING);
		return 0;
	}
	if (!p) {
		read_missing(f, index, nr);
		rc = mapping_get_existing(m, index, &p);
		if (rc)
			return rc;
	} else {
		if (page_test(p, PG_READAHEAD)) {
			page_clear(p, PG_READAHEAD);
			read_next(f, index, nr);
		}
		if (!page_test(p, PG_UPTODATE)) {
			page_put(p);
			rc = mapping_get_existing(m, index, &p);
			if (rc)
				return rc;
		}
	}
	page_used(f, p, index);
	*pp = p;
	return 0;
}

int file_get_page(struct file *f, u64 index, u64 nr, struct page **out)
{
	struct page *p = mapping_find_page(f->inode->mapping, index);
	int rc = 0;

	if (!p || (READ_ONCE(p->flags) & PAGE_WARM_MASK) != PAGE_WARM)
		rc = file_cold_page(f, index, nr, &p);
	if (rc)
		return rc;
	f->ra.next = index + 1;
	*out = p;
	return 0;
}

void fault_read_ahead(struct vm_fault *f)
{
	struct file *file = f->vma->file;
	struct readahead_state *ra = &file->ra;
	struct mapping *m = file->inode->mapping;
	u32 max = window_max(m, ra->advice);
	struct page *p = mapping_find_page(m, f->pgoff);
	bool marked;

	if (p) {
		marked = page_test(p, PG_READAHEAD);
		f->major = !page_test(p, PG_UPTODATE);
		if (marked) {
			page_clear(p, PG_READAHEAD);
			if (!(f->vma->flags & VM_RAND_READ))
				read_next(file, f->pgoff, 1);
		}
		page_put(p);
		return;
	}
	f->major = true;
	if (f->vma->flags & VM_RAND_READ || !max)
		return;
	if (f->vma->flags & VM_SEQ_READ) {
		read_missing(file, f->pgoff, 1);
		return;
	}
	ra->start = f->pgoff - min(f->pgoff, (u64)max / 2);
	ra->size = max;
	ra->async = max / 4;
	read_window(m, ra);
}
