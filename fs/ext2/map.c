/* SPDX-License-Identifier: MIT */
/* Blocks of a file: finding them, adding some, truncating.
 *
 * Twelve direct pointers in the inode, then trees of one, two and three levels. The run that was
 * found last is kept (cache_*), which answers nearly all questions of readers.
 * Order of writes: a new block's pointer goes to the inode (P1), to an indirect block that the disk
 * has (P2) or to one that is fresh (P0). Indirect blocks of directories are replaced instead of
 * changed, so that one write of the inode changes size and pointers together.
 * Damage: a pointer to what can be no data block is reported and answered with -EIO; freeing skips
 * it. The depth of the tree bounds all walks, whatever the pointers say.
 * Locking: map_lock, shared to find, exclusive to change; changes are inside an operation. */
#include "ext2_internal.h"

#include <kernel/sched.h>

struct tree_path {
	u32 depth; /* levels of indirect blocks: 0..3 */
	u32 off[EXT2_MAX_DEPTH]; /* off[0] in the inode, off[n] in the block of level n */
};

static u32 ptr_shift(const struct ext2_sb *s)
{
	return s->block_shift - 2;
}

/* False: behind the last block that a file can have. */
static bool find_path(const struct ext2_sb *s, u64 lblk, struct tree_path *p)
{
	u32 shift = ptr_shift(s), mask = (1u << shift) - 1;

	if (lblk < EXT2_NDIR) {
		p->depth = 0;
		p->off[0] = (u32)lblk;
		return true;
	}
	lblk -= EXT2_NDIR;
	for (u32 d = 1; d <= 3; d++) {
		u64 span = 1ull << (shift * d);

		if (lblk < span) {
			p->depth = d;
			p->off[0] = EXT2_NDIR + d - 1;
			for (u32 k = 1; k <= d; k++)
				p->off[k] = (u32)(lblk >> (shift * (d - k))) & mask;
			return true;
		}
		lblk -= span;
	}
	return false;
}

u64 ext2_max_bytes(const struct ext2_sb *s)
{
	u64 n = 1ull << ptr_shift(s), blocks = EXT2_NDIR + n + n * n + n * n * n;
	u64 meta = 1 + (1 + n) + (1 + n + n * n), spb = s->block_size >> 9;
	u64 max = blocks;

	/* i_blocks counts 512-byte units in 32 bits, indirect blocks included. */
	if ((blocks + meta) * spb > 0xffffffffull)
		max = 0xffffffffull / spb * n / (n + 1) - n;
	max <<= s->block_shift;
	if (s->es->s_rev_level == 0)
		max = min_t(u64, max, 0x7fffffff);
	return min_t(u64, max, PAGECACHE_MAX_BYTES);
}

static int bad_pointer(struct ext2_inode *ei, u32 block)
{
	ext2_error(ext2_is(ei), ei, block, "bad block number");
	return -EIO;
}

/* --- finding --- */

/* What the tree says at lblk: *pblk 0 for a hole; *count blocks alike, at most max. map_lock
 * held. */
static int lookup(struct ext2_inode *ei, u64 lblk, u32 max, u32 *pblk, u32 *count)
{
	struct ext2_sb *s = ext2_is(ei);
	u32 per = 1u << ptr_shift(s), *ptrs = ei->block, block, n, limit;
	struct buf *b = NULL;
	struct tree_path p;

	if (!find_path(s, lblk, &p))
		return -EFBIG;
	for (u32 level = 0;; level++) {
		block = ptrs[p.off[level]];
		if (level == p.depth)
			break;
		if (!block) { /* a hole as large as what is missing of the tree */
			u64 span = 1ull << (ptr_shift(s) * (p.depth - level)), done = 0;

			for (u32 k = level + 1; k <= p.depth; k++)
				done += (u64)p.off[k] << (ptr_shift(s) * (p.depth - k));
			if (b)
				buf_put(b);
			*pblk = 0;
			*count = (u32)min_t(u64, max, span - done);
			return 0;
		}
		if (b)
			buf_put(b);
		if (!ext2_block_ok(s, block, 1))
			return bad_pointer(ei, block);
		if (buf_read(s->bdev, block, s->block_size, &b)) {
			ext2_error(s, ei, block, "indirect block cannot be read");
			return -EIO;
		}
		ptrs = b->data;
	}
	limit = (p.depth ? per : EXT2_NDIR) - p.off[p.depth];
	limit = min(limit, max);
	ptrs += p.off[p.depth];
	for (n = 1; n < limit && ptrs[n] == (block ? block + n : 0); n++)
		;
	if (b)
		buf_put(b);
	if (block && !ext2_block_ok(s, block, n)) {
		n = 1;
		if (!ext2_block_ok(s, block, n))
			return bad_pointer(ei, block);
	}
	*pblk = block;
	*count = n;
	return 0;
}

static bool cached(struct ext2_inode *ei, u64 lblk, u32 max, u32 *pblk, u32 *count)
{
	bool hit;

	spin_lock(&ei->vfs.spin);
	hit = lblk >= ei->cache_lblk && lblk - ei->cache_lblk < ei->cache_count;
	if (hit) {
		u32 skip = (u32)lblk - ei->cache_lblk;

		*pblk = ei->cache_pblk + skip;
		*count = min(ei->cache_count - skip, max);
	}
	spin_unlock(&ei->vfs.spin);
	return hit;
}

static void remember(struct ext2_inode *ei, u32 lblk, u32 pblk, u32 count)
{
	spin_lock(&ei->vfs.spin);
	if (ei->cache_count && lblk == ei->cache_lblk + ei->cache_count &&
	    pblk == ei->cache_pblk + ei->cache_count) {
		ei->cache_count += count;
	} else {
		ei->cache_lblk = lblk;
		ei->cache_pblk = pblk;
		ei->cache_count = count;
	}
	spin_unlock(&ei->vfs.spin);
}

/* --- adding --- */

static void count_blocks(struct ext2_inode *ei, s64 blocks)
{
	struct inode *i = &ei->vfs;
	u64 n = (u64)(blocks * (s64)(ext2_is(ei)->block_size >> 9));

	spin_lock(&i->spin);
	i->blocks = blocks < 0 && i->blocks < -n ? 0 : i->blocks + n;
	spin_unlock(&i->spin);
}

/* Where the next block should lie. */
static u32 find_goal(struct ext2_inode *ei, u64 lblk, const struct tree_path *p, const u32 *ptrs)
{
	if (ei->last_pblk && lblk == (u64)ei->last_lblk + 1)
		return ei->last_pblk + 1;
	for (u32 k = p->off[p->depth]; k > 0; k--) {
		if (ptrs[k - 1])
			return ptrs[k - 1] + (p->off[p->depth] - k + 1);
	}
	return 0;
}

/* A fresh indirect block: zeroes, or a copy of `from`. */
static int new_indirect(struct ext2_inode *ei, u32 goal, const struct buf *from, struct buf **out)
{
	struct ext2_sb *s = ext2_is(ei);
	u32 block, one = 1;
	int rc = ext2_alloc_blocks(ei, goal, false, &one, &block);

	if (rc)
		return rc;
	rc = buf_get(s->bdev, block, s->block_size, out);
	if (rc) {
		ext2_free_blocks(s, block, 1, true);
		return rc;
	}
	if (from)
		memcpy((*out)->data, from->data, s->block_size);
	else
		memset((*out)->data, 0, s->block_size);
	ext2_buf_filled(*out);
	ext2_dirty_buf(s, *out, EB_FRESH);
	return 0;
}

/* The tree down to the block that holds the pointer: holders[n] is the buffer of level n (NULL for
 * the inode). Levels that are missing are made, and those of directories that the disk has are
 * replaced. A branch that stays without data after an error is no damage. */
static int make_branch(struct ext2_inode *ei, const struct tree_path *p, u32 goal,
		       struct buf *holders[EXT2_MAX_DEPTH])
{
	struct ext2_sb *s = ext2_is(ei);
	bool dir = S_ISDIR(ei->vfs.mode);
	u32 *ptrs = ei->block;
	struct buf *b;
	int rc;

	for (u32 level = 0; level < p->depth; level++) {
		u32 block = ptrs[p->off[level]];

		if (block) {
			if (!ext2_block_ok(s, block, 1))
				return bad_pointer(ei, block);
			if (buf_read(s->bdev, block, s->block_size, &b)) {
				ext2_error(s, ei, block, "indirect block cannot be read");
				return -EIO;
			}
		}
		if (!block || (dir && !ext2_buf_fresh(s, b))) {
			struct buf *old = block ? b : NULL;

			rc = new_indirect(ei, goal, old, &b);
			if (old) {
				buf_put(old);
				if (!rc)
					ext2_free_blocks(s, block, 1, ext2_unwritten(ei));
			}
			if (rc)
				return rc;
			if (!block)
				count_blocks(ei, 1);
			ptrs[p->off[level]] = (u32)b->block;
			if (holders[level])
				ext2_dirty_buf(s, holders[level], EB_INDIRECT);
			if (goal)
				goal++;
		}
		holders[level + 1] = b;
		ptrs = b->data;
	}
	return 0;
}

/* Allocates up to max blocks at lblk, a hole. map_lock held exclusive, inside an operation. */
static int add_blocks(struct ext2_inode *ei, u64 lblk, u32 max, u32 *pblk, u32 *count)
{
	struct ext2_sb *s = ext2_is(ei);
	struct buf *holders[EXT2_MAX_DEPTH] = { NULL }, *last;
	u32 per = 1u << ptr_shift(s), *ptrs, goal, n, limit, start;
	struct tree_path p;
	int rc;

	if (!find_path(s, lblk, &p))
		return -EFBIG;
	goal = ei->last_pblk && lblk == (u64)ei->last_lblk + 1 ? ei->last_pblk + 1 : 0;
	rc = make_branch(ei, &p, goal, holders);
	if (rc)
		goto out;
	last = holders[p.depth];
	ptrs = last ? last->data : ei->block;
	limit = min((p.depth ? per : EXT2_NDIR) - p.off[p.depth], max);
	for (n = 1; n < limit && !ptrs[p.off[p.depth] + n]; n++)
		;
	if (!goal || last)
		goal = find_goal(ei, lblk, &p, ptrs);
	rc = ext2_alloc_blocks(ei, goal, S_ISREG(ei->vfs.mode), &n, &start);
	if (rc)
		goto out;
	for (u32 k = 0; k < n; k++)
		ptrs[p.off[p.depth] + k] = start + k;
	if (last)
		ext2_dirty_buf(s, last, EB_INDIRECT);
	count_blocks(ei, n);
	ei->last_lblk = (u32)lblk + n - 1;
	ei->last_pblk = start + n - 1;
	*pblk = start;
	*count = n;
out:
	for (u32 k = 1; k < EXT2_MAX_DEPTH; k++)
		if (holders[k])
			buf_put(holders[k]);
	ext2_dirty(ei, EI_DIRTY_META);
	return rc;
}

static int map_create(struct ext2_inode *ei, u64 lblk, u32 max, struct block_map *out)
{
	struct ext2_sb *s = ext2_is(ei);
	u32 pblk, count;
	int rc = ext2_begin(s);

	if (rc)
		return rc;
	down_write(&ei->map_lock);
	rc = lookup(ei, lblk, max, &pblk, &count);
	if (!rc && !pblk) {
		rc = add_blocks(ei, lblk, min(max, count), &pblk, &count);
		out->fresh = true;
		if (!rc)
			ext2_dirty_data(ei);
	}
	if (!rc) {
		remember(ei, (u32)lblk, pblk, count);
		out->block = pblk;
		out->count = count;
	}
	up_write(&ei->map_lock);
	ext2_end(s);
	return rc;
}

int ext2_map_blocks(struct mapping *m, u64 block, u32 max, bool create, struct block_map *out)
{
	struct ext2_inode *ei = ext2_i(m->host);
	u32 pblk, count;
	int rc;

	out->fresh = false;
	if (!cached(ei, block, max, &pblk, &count)) {
		down_read(&ei->map_lock);
		rc = lookup(ei, block, max, &pblk, &count);
		if (!rc && pblk)
			remember(ei, (u32)block, pblk, count);
		up_read(&ei->map_lock);
		if (rc)
			return rc;
		if (!pblk && create)
			return map_create(ei, block, max, out);
	}
	out->block = pblk ? pblk : BLOCK_HOLE;
	out->count = count;
	return 0;
}

int ext2_map_dir(struct ext2_inode *ei, u32 lblk, u32 *pblk)
{
	u32 count;
	int rc;

	if (cached(ei, lblk, 1, pblk, &count))
		return 0;
	down_read(&ei->map_lock);
	rc = lookup(ei, lblk, 64, pblk, &count);
	if (!rc && *pblk)
		remember(ei, lblk, *pblk, count);
	up_read(&ei->map_lock);
	return rc;
}

int ext2_grow_dir(struct ext2_inode *ei, u32 lblk, u32 *pblk)
{
	u32 count = 0;
	int rc;

	down_write(&ei->map_lock);
	rc = lookup(ei, lblk, 1, pblk, &count);
	if (!rc && *pblk) /* an earlier attempt, or damage: blocks behind the end */
		rc = -EIO;
	if (!rc)
		rc = add_blocks(ei, lblk, 1, pblk, &count);
	up_write(&ei->map_lock);
	return rc;
}

/* --- truncating --- */

struct cutter {
	struct ext2_inode *ei;
	struct ext2_sb *s;
	u32 start, count; /* run to be freed */
	u64 freed;
	bool now, buffers; /* buffers: its blocks are in the buffer cache */
};

static void cut_flush(struct cutter *c)
{
	if (c->count)
		ext2_free_blocks(c->s, c->start, c->count, c->now);
	c->count = 0;
}

static void cut_block(struct cutter *c, u32 block)
{
	if (!ext2_block_ok(c->s, block, 1)) {
		(void)bad_pointer(c->ei, block);
		return;
	}
	c->freed++;
	if (c->buffers)
		ext2_forget_block(c->s, block);
	if (c->count && block == c->start + c->count) {
		c->count++;
		return;
	}
	cut_flush(c);
	c->start = block;
	c->count = 1;
}

/* Frees what lies below ptrs[0..n), trees of `depth` levels, from block `from` of them on. True:
 * one of the pointers changed. */
static bool cut_tree(struct cutter *c, u32 *ptrs, u32 n, u32 depth, u64 from)
{
	u32 shift = ptr_shift(c->s) * depth;
	bool changed = false;

	for (u32 k = (u32)min_t(u64, from >> shift, n); k < n; k++) {
		u64 skip = k == from >> shift ? from & ((1ull << shift) - 1) : 0;
		u32 block = ptrs[k];
		struct buf *b;

		if (!block)
			continue;
		if (depth && ext2_block_ok(c->s, block, 1)) {
			if (buf_read(c->s->bdev, block, c->s->block_size, &b)) {
				ext2_error(c->s, c->ei, block, "indirect block cannot be read");
			} else {
				bool part = cut_tree(c, b->data, 1u << ptr_shift(c->s), depth - 1,
						     skip);

				if (skip && part)
					ext2_dirty_buf(c->s, b, EB_INDIRECT);
				buf_put(b);
			}
		}
		if (skip)
			continue;
		if (depth)
			ext2_forget_block(c->s, block);
		cut_block(c, block);
		ptrs[k] = 0;
		changed = true;
		cond_resched();
	}
	return changed;
}

void ext2_truncate_blocks(struct ext2_inode *ei, u32 from)
{
	struct ext2_sb *s = ext2_is(ei);
	struct cutter c = { .ei = ei, .s = s, .now = ext2_unwritten(ei),
			    .buffers = !S_ISREG(ei->vfs.mode) };
	u64 at = EXT2_NDIR;

	down_write(&ei->map_lock);
	if (from < EXT2_NDIR)
		cut_tree(&c, ei->block, EXT2_NDIR, 0, from);
	for (u32 d = 1; d <= 3; d++) {
		u64 span = 1ull << (ptr_shift(s) * d);

		if (from < at + span)
			cut_tree(&c, &ei->block[EXT2_NDIR + d - 1], 1, d,
				 from > at ? from - at : 0);
		at += span;
	}
	cut_flush(&c);
	spin_lock(&ei->vfs.spin);
	ei->cache_count = 0;
	spin_unlock(&ei->vfs.spin);
	ei->last_pblk = 0;
	if (c.freed) {
		count_blocks(ei, -(s64)c.freed);
		if (ei->ondisk)
			ei->shrunk = true;
		ext2_dirty(ei, EI_DIRTY_META);
	}
	up_write(&ei->map_lock);
}
