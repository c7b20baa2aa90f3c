/* SPDX-License-Identifier: MIT */
/* The running transaction: what has changed since the last snapshot.
 *
 * Owns: ext2_sb.txn, the flags of dirty buffers (buf->owner_flags), the ranks of directory blocks.
 * Use: ext2_begin .. ext2_end around every operation that changes metadata; in between ext2_dirty
 * for inodes, ext2_dirty_buf for blocks, ext2_note_free for what comes free. Nothing here does I/O.
 * Invariants: a dirty inode and a dirty buffer hold one reference until a snapshot (commit.c) takes
 * them; an inode without links is never dirty, ext2_note_dead says all there is to say about it.
 * Ranks: a block that gains a name of an inode which has another name on the disk keeps its rank
 * (EB_GAINED) until the commit, and a block that loses such a name gets a larger one. Where that
 * contradicts what is fixed, -EAGAIN asks for a commit first.
 * Locking: txn_lock shared between ext2_begin and ext2_end; s->lock for the lists. */
#include "ext2_internal.h"

#include <kernel/sched.h>
#include <kernel/time.h>

#define RANK_NEVER (EB_RANK_MAX + 1) /* the new name is not reachable yet: commit first */

void ext2_txn_init(struct ext2_txn *t, u64 id)
{
	/* ext2_running_id looks without a lock: the number, which comes first, is never another. */
	memset((char *)t + sizeof(t->id), 0, sizeof(*t) - sizeof(t->id));
	WRITE_ONCE(t->id, id);
	list_init(&t->inodes);
	list_init(&t->data);
	list_init(&t->bufs);
	list_init(&t->dead);
}

int ext2_begin(struct ext2_sb *s) NO_LOCK_ANALYSIS
{
	down_read(&s->txn_lock);
	if (unlikely(READ_ONCE(s->aborted))) {
		up_read(&s->txn_lock);
		return -EROFS;
	}
	return 0;
}

void ext2_end(struct ext2_sb *s) NO_LOCK_ANALYSIS
{
	up_read(&s->txn_lock);
}

u64 ext2_running_id(struct ext2_sb *s)
{
	return READ_ONCE(s->txn.id);
}

/* --- inodes --- */

void ext2_dirty(struct ext2_inode *ei, u8 how)
{
	struct ext2_sb *s = ext2_is(ei);
	u8 old;

	if (!ei->vfs.nlink || unlikely(READ_ONCE(s->abandoned)))
		return;
	spin_lock(&ei->vfs.spin);
	old = ei->dirty;
	ei->dirty = old | how;
	spin_unlock(&ei->vfs.spin);
	if (old)
		return;
	inode_get(&ei->vfs);
	spin_lock(&s->lock);
	if (list_empty(&ei->dirty_node)) {
		list_add_tail(&ei->dirty_node, &s->txn.inodes);
		s->txn.nr_inodes++;
		spin_unlock(&s->lock);
		return;
	}
	spin_unlock(&s->lock);
	inode_put(&ei->vfs); /* it has lost its last name, and ext2_undirty is about to look */
}

void ext2_dirty_data(struct ext2_inode *ei)
{
	struct ext2_sb *s = ext2_is(ei);

	if (!list_empty(&ei->data_node) || !ei->vfs.nlink || READ_ONCE(s->abandoned))
		return;
	inode_get(&ei->vfs);
	spin_lock(&s->lock);
	if (list_empty(&ei->data_node)) {
		list_add_tail(&ei->data_node, &s->txn.data);
		spin_unlock(&s->lock);
		return;
	}
	spin_unlock(&s->lock);
	inode_put(&ei->vfs);
}

/* The caller has a reference of its own. */
void ext2_undirty(struct ext2_inode *ei)
{
	struct ext2_sb *s = ext2_is(ei);
	unsigned int put = 0;

	spin_lock(&ei->vfs.spin);
	ei->dirty = 0;
	spin_unlock(&ei->vfs.spin);
	spin_lock(&s->lock);
	if (!list_empty(&ei->dirty_node)) {
		list_del_init(&ei->dirty_node);
		s->txn.nr_inodes -= s->txn.nr_inodes > 0; /* it may be a snapshot's */
		put++;
	}
	if (!list_empty(&ei->data_node)) {
		list_del_init(&ei->data_node);
		put++;
	}
	spin_unlock(&s->lock);
	while (put--)
		inode_put(&ei->vfs);
}

int ext2_note_dead(struct ext2_inode *ei)
{
	struct ext2_sb *s = ext2_is(ei);
	struct ext2_image *im;

	if (!ei->ondisk)
		return 0;
	im = kzalloc(sizeof(*im), GFP_KERNEL);
	if (!im)
		return -ENOMEM;
	im->ino = (u32)ei->vfs.ino;
	im->dead = true;
	im->dtime = (u32)(ktime_get_coarse_real() / NSEC_PER_SEC);
	spin_lock(&s->lock);
	list_add_tail(&im->node, &s->txn.dead);
	spin_unlock(&s->lock);
	return 0;
}

/* --- buffers --- */

void ext2_dirty_buf(struct ext2_sb *s, struct buf *b, u32 kind)
{
	if ((READ_ONCE(b->owner_flags) & (EB_RUNNING | kind)) == (EB_RUNNING | kind))
		return;
	spin_lock(&s->lock);
	if (!(b->owner_flags & EB_RUNNING)) {
		buf_ref(b);
		list_add_tail(&b->node, &s->txn.bufs);
		s->txn.nr_bufs++;
		__atomic_fetch_or(&b->flags.v, BUF_DIRTY, __ATOMIC_RELAXED);
	}
	b->owner_flags |= EB_RUNNING | kind;
	spin_unlock(&s->lock);
}

bool ext2_buf_fresh(struct ext2_sb *s __maybe_unused, const struct buf *b)
{
	u32 f = READ_ONCE(b->owner_flags);

	return (f & (EB_RUNNING | EB_FRESH)) == (EB_RUNNING | EB_FRESH);
}

void ext2_forget_block(struct ext2_sb *s, u32 block)
{
	struct buf *b = buf_find(s->bdev, block, s->block_size);
	bool put = false;

	if (!b)
		return;
	spin_lock(&s->lock);
	if (b->owner_flags & EB_RUNNING) {
		list_del(&b->node);
		s->txn.nr_bufs--;
		b->owner_flags = 0;
		__atomic_fetch_and(&b->flags.v, ~(int)BUF_DIRTY, __ATOMIC_RELAXED);
		put = true;
	}
	spin_unlock(&s->lock);
	if (put)
		buf_put(b);
	buf_put(b);
}

/* --- what comes free --- */

/* s->lock held. False: there is no room. */
static bool add_free(struct ext2_txn *t, u32 start, u32 count)
{
	struct ext2_frees *f = t->frees;

	if (f && count && f->nr && f->ext[f->nr - 1].count &&
	    f->ext[f->nr - 1].start + f->ext[f->nr - 1].count == start) {
		f->ext[f->nr - 1].count += count;
	} else if (f && f->nr < EXT2_FREES) {
		f->ext[f->nr].start = start;
		f->ext[f->nr++].count = count;
	} else {
		return false;
	}
	return true;
}

void ext2_note_free(struct ext2_sb *s, u32 start, u32 count)
{
	struct ext2_frees *spare = NULL;

	spin_lock(&s->lock);
	while (!add_free(&s->txn, start, count)) {
		if (spare) {
			spare->nr = 0;
			spare->next = s->txn.frees;
			s->txn.frees = spare;
			spare = NULL;
			continue;
		}
		spin_unlock(&s->lock);
		spare = kmalloc(sizeof(*spare), GFP_KERNEL);
		if (!spare) /* lost until e2fsck finds it */
			return;
		spin_lock(&s->lock);
	}
	if (count) {
		s->txn.freed_blocks += count;
		s->pending_blocks += count;
	} else {
		s->txn.freed_inodes++;
		s->pending_inodes++;
	}
	spin_unlock(&s->lock);
	kfree(spare);
}

bool ext2_make_space(struct ext2_sb *s)
{
	bool pending;

	spin_lock(&s->lock);
	pending = s->pending_blocks || s->pending_inodes;
	spin_unlock(&s->lock);
	return pending && !ext2_commit(s, ext2_running_id(s), false);
}

bool ext2_sb_make_space(struct super_block *sb)
{
	return ext2_make_space(ext2_s(sb));
}

void ext2_inode_changed(struct inode *i)
{
	ext2_dirty(ext2_i(i), EI_DIRTY_META);
}

/* --- the end of a file system that cannot be written --- */

/* Takes blocks and what comes free out of the running transaction. s->lock held. */
static void drop_blocks(struct ext2_sb *s, struct list_head *bufs, struct list_head *dead)
{
	struct ext2_frees *f;
	struct buf *b;

	list_for_each_entry(b, &s->txn.bufs, node) {
		b->owner_flags = 0;
		__atomic_fetch_and(&b->flags.v, ~(int)BUF_DIRTY, __ATOMIC_RELAXED);
	}
	list_splice_init(&s->txn.bufs, bufs);
	list_splice_init(&s->txn.dead, dead);
	while ((f = s->txn.frees)) {
		s->txn.frees = f->next;
		kfree(f);
	}
}

void ext2_abandon(struct ext2_sb *s) NO_LOCK_ANALYSIS
{
	struct ext2_inode *ei, *en;
	struct ext2_image *im, *in;
	struct buf *b, *bn;
	LIST_HEAD(inodes);
	LIST_HEAD(data);
	LIST_HEAD(bufs);
	LIST_HEAD(dead);

	/* At once, so that no commit writes a part of it. */
	mutex_lock(&s->commit_mutex);
	down_write(&s->txn_lock);
	WRITE_ONCE(s->aborted, true);
	spin_lock(&s->lock);
	WRITE_ONCE(s->abandoned, true);
	drop_blocks(s, &bufs, &dead);
	list_splice_init(&s->txn.inodes, &inodes);
	list_splice_init(&s->txn.data, &data);
	ext2_txn_init(&s->txn, s->txn.id + 1);
	spin_unlock(&s->lock);
	up_write(&s->txn_lock);
	mutex_unlock(&s->commit_mutex);
	list_for_each_entry_safe(b, bn, &bufs, node) {
		list_del_init(&b->node);
		buf_put(b);
	}
	list_for_each_entry_safe(im, in, &dead, node)
		kfree(im);
	list_for_each_entry_safe(ei, en, &inodes, dirty_node) {
		list_del_init(&ei->dirty_node);
		inode_put(&ei->vfs);
	}
	list_for_each_entry_safe(ei, en, &data, data_node) {
		list_del_init(&ei->data_node);
		inode_put(&ei->vfs);
	}
}

/* --- ranks --- */

static void rank_note(struct ext2_inode *dir, u64 id, u32 rank)
{
	if (dir->rank_txn != id) {
		dir->rank_txn = id;
		dir->rank_max = rank;
	} else if (rank > dir->rank_max) {
		dir->rank_max = rank;
	}
}

int ext2_rank_gain(struct ext2_inode *ei, struct ext2_inode *dir, const struct ext2_slot *slot)
{
	struct ext2_sb *s = ext2_is(dir);
	u64 id = s->txn.id;
	u32 rank;

	if (!ei->ondisk)
		return 0;
	if (ei->gain_txn != id) {
		ei->gain_txn = id;
		ei->gain_rank = 0;
	}
	if (dir->ondisk) {
		ext2_dirty_buf(s, slot->buf, EB_DIR | EB_GAINED);
		rank = EB_RANK(slot->buf->owner_flags);
	} else {
		rank = RANK_NEVER;
	}
	if (rank > ei->gain_rank)
		ei->gain_rank = rank;
	return 0;
}

int ext2_rank_lose(struct ext2_inode *ei, struct ext2_inode *dir, const struct ext2_slot *slot)
{
	struct ext2_sb *s = ext2_is(dir);
	u32 need = 0, f;
	int rc = 0;

	if (ei->gain_txn == s->txn.id)
		need = ei->gain_rank + 1;
	if (S_ISDIR(ei->vfs.mode) && ei->rank_txn == s->txn.id && ei->rank_max > need)
		need = ei->rank_max;
	/* In a block that the disk does not have there is no name to lose. */
	if (!need || !dir->ondisk || ext2_buf_fresh(s, slot->buf))
		return 0;
	ext2_dirty_buf(s, slot->buf, EB_DIR);
	spin_lock(&s->lock);
	f = slot->buf->owner_flags;
	if (EB_RANK(f) < need) {
		if ((f & EB_GAINED) || need > EB_RANK_MAX)
			rc = -EAGAIN;
		else
			slot->buf->owner_flags = (f & ((1u << EB_RANK_SHIFT) - 1)) |
						 need << EB_RANK_SHIFT;
	}
	spin_unlock(&s->lock);
	if (!rc)
		rank_note(dir, s->txn.id, need);
	return rc;
}
