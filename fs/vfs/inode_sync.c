/* SPDX-License-Identifier: MIT */
/* Dirty inodes: marking them, and bringing them to the file system's blocks.
 *
 * Owns: the states INODE_DIRTY and INODE_WRITING.
 * Use: whoever changes attributes calls inode_mark_dirty afterwards; fs/pagecache/flusher.c calls
 * inode_write for the inodes on sb->dirty, fsync for its own.
 * Invariants: INODE_DIRTY is cleared before the attributes are looked at, so a change made
 * meanwhile marks it again. One writer at a time (INODE_WRITING): who waits for the disk then also
 * waits for what another one has begun. An inode that could not be written stays dirty.
 * Locking: icache_lock for states. */
#include "vfs_internal.h"

#include <kernel/wait.h>

void inode_mark_dirty(struct inode *i)
{
	if (i->sb->ops->dirty_inode) {
		i->sb->ops->dirty_inode(i);
		return;
	}
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
	if (again)
		inode_state_set(i, INODE_DIRTY);
	spin_unlock(&icache_lock);
	wake_up_all(&inode_state_wait);
	if (again)
		inode_queue_writeback(i);
}

int inode_write(struct inode *i, bool sync)
{
	bool dirty;
	int rc = 0;

	if (!i->sb->ops->write_inode || (!sync && !(READ_ONCE(i->state) & INODE_DIRTY)))
		return 0;
	dirty = write_begin(i);
	if (dirty || sync)
		rc = i->sb->ops->write_inode(i, sync);
	write_end(i, rc != 0 && dirty);
	return rc;
}
