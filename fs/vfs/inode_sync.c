/* SPDX-License-Identifier: MIT */
/* Dirty inodes: marking them, and bringing them to the file system's blocks.
 *
 * Owns: inode->dirty and sb->dirty, the states INODE_DIRTY and INODE_WRITING.
 * Use: whoever changes attributes calls inode_mark_dirty afterwards, the page cache
 * inode_queue_writeback. sync, remounting and unmounting call sb_write_all.
 * This is all that file systems need whose pages the cache does not write back. Page write-back
 * brings inode_queue_writeback and sb_write_all of its own, which also wait for pages, and this
 * file's go then; what stays is inode_mark_dirty, and that INODE_DIRTY is cleared before
 * write_inode is called and set again when it fails.
 * Invariants: a queued inode is on sb->dirty or in the hands of somebody who is writing it.
 * INODE_DIRTY is cleared before the attributes are looked at, so a change made meanwhile marks it
 * again. One writer at a time (INODE_WRITING): who waits for the disk then also waits for what
 * another one has begun. An inode that could not be written stays dirty.
 * Locking: icache_lock for lists and states; sb->sync_lock around a whole pass, so that a second
 * one does not return while the first still has inodes of the list in its hands. */
#include "vfs_internal.h"

#include <kernel/time.h>
#include <kernel/wait.h>

/* icache_lock held. */
static void queue_locked(struct inode *i)
{
	if (!list_empty(&i->dirty) || (i->state & INODE_FREEING))
		return;
	i->dirty_since = ktime_get();
	list_add_tail(&i->dirty, &i->sb->dirty);
}

void inode_queue_writeback(struct inode *i)
{
	if (!list_empty(&i->dirty))
		return;
	spin_lock(&icache_lock);
	queue_locked(i);
	spin_unlock(&icache_lock);
}

void inode_mark_dirty(struct inode *i)
{
	if (!i->sb->ops->write_inode)
		return;
	smp_mb(); /* the change before the look at the state; pairs with write_begin */
	if (READ_ONCE(i->state) & INODE_DIRTY)
		return;
	inode_state_set(i, INODE_DIRTY);
	inode_queue_writeback(i);
}

static bool may_write_now(const struct inode *i)
{
	return !(smp_load_acquire(&i->state) & (INODE_WRITING | INODE_NEW));
}

/* Waits for other writers and for whoever fills it. True: the attributes are dirty, and the
 * caller's to write. A reference is held. */
static bool write_begin(struct inode *i)
{
	bool dirty;

	for (;;) {
		spin_lock(&icache_lock);
		if (may_write_now(i))
			break;
		spin_unlock(&icache_lock);
		wait_event(&inode_state_wait, may_write_now(i));
	}
	inode_state_set(i, INODE_WRITING);
	dirty = i->state & INODE_DIRTY;
	inode_state_clear(i, INODE_DIRTY); /* a full barrier */
	spin_unlock(&icache_lock);
	return dirty;
}

static void write_end(struct inode *i, bool again)
{
	spin_lock(&icache_lock);
	inode_state_clear(i, INODE_WRITING);
	if (again) {
		inode_state_set(i, INODE_DIRTY);
		queue_locked(i);
	}
	spin_unlock(&icache_lock);
	wake_up_all(&inode_state_wait);
}

static int write_one(struct inode *i)
{
	const struct mapping_ops *mops = i->mapping->ops;
	bool dirty = write_begin(i);
	int rc = 0, err = 0;

	if (mops && mops->write_pages)
		rc = mops->write_pages(i->mapping, 0, ~0ull, true);
	if (dirty)
		err = i->sb->ops->write_inode(i, false);
	write_end(i, err != 0);
	return rc ? rc : err;
}

/* The first inode of a list, with a reference, taken off it. */
static struct inode *take_first(struct list_head *work)
{
	struct inode *i = NULL;

	spin_lock(&icache_lock);
	if (!list_empty(work)) {
		i = list_first_entry(work, struct inode, dirty);
		inode_take(i);
		list_del_init(&i->dirty);
	}
	spin_unlock(&icache_lock);
	return i;
}

int sb_write_all(struct super_block *sb, bool wait __maybe_unused)
{
	LIST_HEAD(work); /* what fails or becomes dirty meanwhile is for the next pass */
	struct inode *i;
	int rc = 0, err;

	mutex_lock(&sb->sync_lock);
	spin_lock(&icache_lock);
	list_splice_init(&sb->dirty, &work);
	spin_unlock(&icache_lock);
	while ((i = take_first(&work)) != NULL) {
		err = write_one(i);
		if (err && !rc)
			rc = err;
		inode_put(i);
		cond_resched();
	}
	mutex_unlock(&sb->sync_lock);
	return rc;
}
