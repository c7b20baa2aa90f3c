/* SPDX-License-Identifier: MIT */
/* Who writes dirty files, and when.
 *
 * Owns: sb->dirty; the thread "flusher"; /proc/sys/vm/dirty_*.
 * A file is queued when its first page becomes dirty or its inode does, and stays until nothing of
 * it is dirty or under way. The flusher wakes every dirty_writeback_centisecs for files that have
 * been dirty for dirty_expire_centisecs, and for the metadata of their file systems (sync_fs
 * without waiting); when asked to (flusher_kick), because more than the background share of memory
 * is dirty or reclaim meets dirty pages, it writes the oldest files until that is over. Writers
 * sleep a little from halfway between the two limits on, and at the upper one until it is better.
 * Invariants: sb->dirty is in the order of inode->dirty_since and holds no references; an inode
 * that is being freed leaves it (fs/vfs/inode.c).
 * Locking: icache_lock for lists; sb->sync_lock around a sync. A writer of a file may hold neither
 * page locks nor locks of a file system. */
#include <fs/block.h>
#include <fs/pagecache.h>
#include <fs/procfs.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/wait.h>

#include "../vfs/vfs_internal.h"
#include "internal.h"

#define CENTISEC     (NSEC_PER_SEC / 100)
#define PAUSE_NS     (4 * NSEC_PER_MSEC)
#define PATIENCE_NS  (20ull * NSEC_PER_SEC) /* a writer waits no longer, whatever happens */

static DEFINE_WAIT_QUEUE(flusher_wait);
static u32 kicked;	  /* A */
static u64 reclaim_wants; /* A: pages */

static s64 dirty_ratio = 20, background_ratio = 10, dirty_bytes, background_bytes;
static s64 expire_centisecs = 3000, writeback_centisecs = 500;
SYSCTL(dirty_ratio, "vm/dirty_ratio", 0644, &dirty_ratio, 0, 100);
SYSCTL(dirty_background_ratio, "vm/dirty_background_ratio", 0644, &background_ratio, 0, 100);
SYSCTL(dirty_bytes, "vm/dirty_bytes", 0644, &dirty_bytes, 0, INT64_MAX);
SYSCTL(dirty_background_bytes, "vm/dirty_background_bytes", 0644, &background_bytes, 0, INT64_MAX);
SYSCTL(dirty_expire, "vm/dirty_expire_centisecs", 0644, &expire_centisecs, 0, INT32_MAX);
SYSCTL(dirty_writeback, "vm/dirty_writeback_centisecs", 0644, &writeback_centisecs, 0, INT32_MAX);

/* --- limits --- */

void dirty_limits(u64 *background, u64 *limit)
{
	u64 room = pages_free_count() + page_lru_count(false) + page_lru_count(true);

	*limit = dirty_bytes ? DIV_ROUND_UP((u64)dirty_bytes, PAGE_SIZE)
			     : room * (u64)dirty_ratio / 100;
	*limit = max(*limit, 32ull);
	*background = background_bytes ? DIV_ROUND_UP((u64)background_bytes, PAGE_SIZE)
				       : room * (u64)background_ratio / 100;
	*background = min(*background, *limit / 2);
}

void flusher_kick(void)
{
	if (!READ_ONCE(kicked)) {
		WRITE_ONCE(kicked, 1);
		smp_mb();
		wake_up_all(&flusher_wait);
	}
}

void flusher_kick_reclaim(u64 n)
{
	WRITE_ONCE(reclaim_wants, n);
	flusher_kick();
}

void dirty_throttle(void)
{
	u64 background, limit, now, since = 0;

	current->nr_dirtied = 0;
	for (;;) {
		u64 dirty = dirty_pages(), all = dirty + writeback_pages();

		dirty_limits(&background, &limit);
		if (likely(all <= background))
			return;
		if (dirty > background)
			flusher_kick();
		/* A loop device's thread writes what others wait for: the pages of its device. */
		if (all <= (background + limit) / 2 || (current->flags & TF_KTHREAD))
			return;
		now = ktime_get();
		if (!since)
			since = now;
		else if (all < limit || now - since > PATIENCE_NS)
			return;
		if (fatal_signal_pending())
			return;
		__set_current_state(TASK_KILLABLE);
		schedule_deadline(now + PAUSE_NS);
	}
}

/* --- the list --- */

static void queue_locked(struct inode *i)
{
	lock_assert_held(&icache_lock);
	if (!list_empty(&i->dirty) || (i->state & INODE_FREEING))
		return;
	i->dirty_since = ktime_get();
	list_add_tail(&i->dirty, &i->sb->dirty);
}

void inode_queue_writeback(struct inode *i)
{
	spin_lock(&icache_lock);
	queue_locked(i);
	spin_unlock(&icache_lock);
}

/* Done with an inode for now, whose reference goes: off the list when nothing is left to write,
 * else on it. Whoever makes it dirty counts first and queues then, so he is seen here or queues
 * again. */
static void release(struct inode *i)
{
	bool busy = mapping_busy(&i->data);

	spin_lock(&icache_lock);
	if (busy || READ_ONCE(i->data.nr_dirty) || READ_ONCE(i->state) & INODE_DIRTY)
		queue_locked(i);
	else
		list_del_init(&i->dirty);
	spin_unlock(&icache_lock);
	inode_put(i);
}

/* Starts writing the pages of a file. all: those that are locked or under way, too. */
static int write_data(struct inode *i, bool all)
{
	struct mapping *m = &i->data;

	if (!READ_ONCE(m->nr_dirty) || !m->ops->write_pages)
		return 0;
	return m->ops->write_pages(m, 0, ~0ull, all);
}

/* --- the flusher --- */

/* The file of sb that has been dirty longest, since `before` (ns) at least; it becomes the
 * youngest. The list is in this order. */
static struct inode *next_dirty(struct super_block *sb, u64 before)
{
	struct inode *i = NULL;

	spin_lock(&icache_lock);
	if (!list_empty(&sb->dirty)) {
		i = list_first_entry(&sb->dirty, struct inode, dirty);
		if (i->dirty_since <= before) {
			inode_take(i);
			i->dirty_since = ktime_get();
			list_move_tail(&i->dirty, &sb->dirty);
		} else {
			i = NULL;
		}
	}
	spin_unlock(&icache_lock);
	return i;
}

static bool enough(u64 background)
{
	return dirty_pages() <= background && !READ_ONCE(reclaim_wants);
}

/* Writes files of one super block: those older than `before`, and any while too much is dirty, but
 * none twice. */
static void flush_sb(struct super_block *sb, u64 before, bool periodic)
{
	u64 background, limit, round = ktime_get();
	struct inode *i;

	dirty_limits(&background, &limit);
	while ((i = next_dirty(sb, enough(background) ? before : round - 1)) != NULL) {
		(void)write_data(i, false);
		(void)inode_write(i, false);
		mapping_reap_writeback(&i->data, 0, ~0ull, false);
		release(i);
		cond_resched();
	}
	if (periodic && sb->ops->sync_fs && sb->bdev)
		(void)sb->ops->sync_fs(sb, false);
}

static void flush_all(bool periodic)
{
	u64 now = ktime_get(), age = (u64)expire_centisecs * CENTISEC;
	u64 before = periodic && now > age ? now - age : 0;

	for (struct super_block *sb = super_next(NULL); sb; sb = super_next(sb)) {
		if (!down_read_trylock(&sb->umount_lock))
			continue;
		if (!(sb->flags & SB_RDONLY))
			flush_sb(sb, before, periodic);
		up_read(&sb->umount_lock);
	}
	WRITE_ONCE(reclaim_wants, 0);
}

static int flusher(void *arg __maybe_unused)
{
	u64 next = ktime_get();

	__atomic_fetch_or(&current->flags, TF_MEMALLOC, __ATOMIC_SEQ_CST);
	for (;;) {
		u64 period = (u64)READ_ONCE(writeback_centisecs) * CENTISEC;
		bool periodic;

		(void)wait_event_timeout(&flusher_wait, READ_ONCE(kicked), period ? next : 0);
		periodic = period && ktime_get() >= next;
		WRITE_ONCE(kicked, 0);
		flush_all(periodic);
		if (periodic || !period)
			next = ktime_get() + max(period, CENTISEC);
		/* While it is wanted all the time, others need the CPU, too. */
		cond_resched();
	}
	return 0;
}

/* --- sync --- */

/* The first inode of a list, with a reference; it moves to `to`, or off all lists. */
static struct inode *take_first(struct list_head *from, struct list_head *to)
{
	struct inode *i = NULL;

	spin_lock(&icache_lock);
	if (!list_empty(from)) {
		i = list_first_entry(from, struct inode, dirty);
		inode_take(i);
		list_del_init(&i->dirty);
		if (to)
			list_add_tail(&i->dirty, to);
	}
	spin_unlock(&icache_lock);
	return i;
}

static int finish_inode(struct inode *i)
{
	int rc = write_data(i, true), err;

	err = mapping_wait_range(&i->data, 0, -1);
	rc = rc ?: err;
	err = inode_write(i, false); /* sync_fs waits for the block */
	rc = rc ?: err;
	/* Files of devices have no file system to do it. */
	if (i->data.bdev && !i->sb->bdev) {
		err = bdev_flush(i->data.bdev);
		rc = rc ?: err;
	}
	return rc;
}

/* Everything is started first, then one after the other is waited for. What becomes dirty meanwhile
 * is for the next pass. */
int sb_write_all(struct super_block *sb, bool wait)
{
	LIST_HEAD(work);
	LIST_HEAD(started);
	struct inode *i;
	int rc = 0, err;

	mutex_lock(&sb->sync_lock);
	spin_lock(&icache_lock);
	list_splice_init(&sb->dirty, &work);
	spin_unlock(&icache_lock);
	while ((i = take_first(&work, &started)) != NULL) {
		err = write_data(i, false);
		rc = rc ?: err;
		inode_put(i);
		cond_resched();
	}
	while ((i = take_first(&started, NULL)) != NULL) {
		err = wait ? finish_inode(i) : inode_write(i, false);
		rc = rc ?: err;
		release(i);
		cond_resched();
	}
	mutex_unlock(&sb->sync_lock);
	return rc;
}

static int flusher_init(void)
{
	struct task *t;

	return kthread_run(flusher, NULL, &t, "flusher");
}
INIT_HOOK(INIT_FS, flusher_init);
