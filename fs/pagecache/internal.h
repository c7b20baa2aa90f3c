/* SPDX-License-Identifier: MIT */
/* What the files of fs/pagecache share. */
#ifndef PAGECACHE_INTERNAL_H
#define PAGECACHE_INTERNAL_H

#include <fs/pagecache.h>
#include <kernel/sched.h>

/* --- cache.c --- */
/* Inserts p, which the caller holds locked: 0, -EEXIST, -ENOMEM, -ERANGE behind the end. */
int must_check mapping_add_locked(struct mapping *m, struct page *p, u64 index);
/* The page, made if need be, up to date: for files with a backing store. -ERANGE behind the end. */
int must_check mapping_get_existing(struct mapping *m, u64 index, struct page **out);
/* Page lock and one reference held: when there is no other but the cache's and the page is clean,
 * it is freed. False: it stays, locked. */
bool must_check mapping_remove_unused(struct page *p);

/* --- readahead.c --- */
/* A page that was found, but is cold, not up to date, or ends a window. */
int must_check file_cold_page(struct file *f, u64 index, u64 nr, struct page **p);

/* --- writeback.c --- */
/* m->lock held: a page that leaves the tree counts no more. */
void mapping_forget_dirty(struct mapping *m, struct page *p);
/* The page lock is held, and nothing has been put into the page since it became dirty. */
void page_cancel_dirty(struct page *p);
/* Takes the marks of transfers that are over off the tree. wait: waits for those that are not.
 * Pages whose write failed become dirty again unless memory is full of them. */
void mapping_reap_writeback(struct mapping *m, u64 first, u64 last, bool wait);
/* Write-back keeps the inode on its list while this is true. */
bool mapping_busy(const struct mapping *m);

/* --- flusher.c --- */
/* Pages of dirty data at which the flusher starts and at which writers wait. */
void dirty_limits(u64 *background, u64 *limit);
/* After some pages of the task's have become dirty: cheap until then. */
static inline void dirty_throttle_maybe(void)
{
	if (unlikely(current->nr_dirtied >= 32))
		dirty_throttle();
}

#endif
