/* SPDX-License-Identifier: MIT */
/* Commits: the running transaction goes to the disk in passes.
 *
 * A commit takes a snapshot under txn_lock (exclusive, no I/O but for blocks of the inode table
 * that were not read before): inodes are copied into the blocks of the inode table or, when a
 * later pass must write them, into images; dirty buffers are copied. Then operations go on, while
 * the passes of docs/subsystems/storage.md are written, each when the device has the one before
 * on stable storage. At the end what the transaction freed becomes free in the bitmaps.
 *
 * A pass that fails stops the commit. What has not been written goes back to the running
 * transaction, so that the order holds when the next commit tries again.
 *
 * Invariants: only a commit changes blocks of the inode table. Copies belong to the commit, so
 * buffers may change as soon as the snapshot is taken.
 * Locking: commit_mutex around all; it is taken before page locks and never inside an operation. */
#include "ext2_internal.h"

#include <kernel/sched.h>
#include <kernel/sort.h>
#include <kernel/time.h>

#define FLUSH_INTERVAL_NS (5 * NSEC_PER_SEC)

struct wb {
	struct buf *buf; /* referenced */
	void *copy;	 /* NULL: the buffer itself, of the inode table */
	u32 pass, flags; /* flags: EB_*, for going back */
};

struct ptr_vec {
	void **v;
	u32 nr, max;
};

struct commit {
	struct ext2_sb *s;
	u64 id;
	struct wb *wbs;
	u32 nr, max;
	u32 max_rank;
	struct list_head images;
	struct ptr_vec data; /* inodes whose data goes first */
	struct ptr_vec put;  /* inodes to be released */
	struct ptr_vec pins; /* blocks of the inode table */
	struct ext2_frees *frees;
	u64 freed_blocks, freed_inodes;
	bool super, unflushed;
	/* of the pass that runs */
	atomic_t left;
	int error;
	struct completion done;
};

/* A commit must go on: memory will come. */
static void *must_alloc(size_t size)
{
	void *p;

	while (!(p = kvmalloc(size, GFP_KERNEL)))
		(void)hrtimer_sleep_until(ktime_get() + 10 * NSEC_PER_MSEC, TASK_UNINTERRUPTIBLE);
	return p;
}

/* Copies of blocks are what devices read: aligned, which kmalloc does not promise. */
static struct kmem_cache *copy_caches[2]; /* of 1 KiB, 2 KiB */

int ext2_copy_caches_init(void)
{
	copy_caches[0] = kmem_cache_create("ext2_block_1k", 1024, 1024, 0, NULL);
	copy_caches[1] = kmem_cache_create("ext2_block_2k", 2048, 2048, 0, NULL);
	return copy_caches[0] && copy_caches[1] ? 0 : -ENOMEM;
}

static void *copy_alloc(const struct ext2_sb *s)
{
	void *p;

	for (;;) {
		p = s->block_size == PAGE_SIZE
			    ? pages_alloc(0, GFP_KERNEL)
			    : kmem_cache_alloc(copy_caches[s->block_shift - 10], GFP_KERNEL);
		if (p)
			return p;
		(void)hrtimer_sleep_until(ktime_get() + 10 * NSEC_PER_MSEC, TASK_UNINTERRUPTIBLE);
	}
}

static void copy_free(const struct ext2_sb *s, void *p)
{
	if (!p)
		return;
	if (s->block_size == PAGE_SIZE)
		pages_free(p, 0);
	else
		kmem_cache_free(copy_caches[s->block_shift - 10], p);
}

static void vec_add(struct ptr_vec *v, void *p)
{
	if (v->nr == v->max) {
		u32 max = v->max ? v->max * 2 : 64;
		void **n = must_alloc(max * sizeof(*n));

		if (v->nr)
			memcpy(n, v->v, v->nr * sizeof(*n));
		kvfree(v->v);
		v->v = n;
		v->max = max;
	}
	v->v[v->nr++] = p;
}

static void wb_add(struct commit *c, struct buf *b, void *copy, u32 pass, u32 flags)
{
	if (c->nr == c->max) {
		u32 max = c->max ? c->max * 2 : 64;
		struct wb *n = must_alloc(max * sizeof(*n));

		if (c->nr)
			memcpy(n, c->wbs, c->nr * sizeof(*n));
		kvfree(c->wbs);
		c->wbs = n;
		c->max = max;
	}
	c->wbs[c->nr++] = (struct wb){ b, copy, pass, flags };
}

/* --- before the snapshot: the inode table is read, so that the snapshot need not wait --- */

static int prefetch(struct commit *c)
{
	struct ext2_sb *s = c->s;
	struct ext2_inode *ei;
	struct ext2_image *im;
	u32 n = 0, max, last = 0, off, *inos;
	int rc = 0;

	spin_lock(&s->lock);
	max = s->txn.nr_inodes + 64;
	spin_unlock(&s->lock);
	inos = must_alloc(max * sizeof(*inos));
	spin_lock(&s->lock);
	list_for_each_entry(ei, &s->txn.inodes, dirty_node) {
		if (n < max)
			inos[n++] = (u32)ei->vfs.ino;
	}
	list_for_each_entry(im, &s->txn.dead, node) {
		if (n < max)
			inos[n++] = im->ino;
	}
	spin_unlock(&s->lock);
	for (u32 k = 0; k < n; k++) {
		u32 block = ext2_inode_pos(s, inos[k], &off);

		if (block != last)
			buf_readahead(s->bdev, block, s->block_size, 1);
		last = block;
	}
	last = 0;
	for (u32 k = 0; k < n && !rc; k++) {
		u32 block = ext2_inode_pos(s, inos[k], &off);
		struct buf *b;

		if (block == last)
			continue;
		last = block;
		rc = buf_read(s->bdev, block, s->block_size, &b);
		if (!rc)
			vec_add(&c->pins, b);
	}
	kvfree(inos);
	return rc;
}

/* --- the snapshot; txn_lock exclusive --- */

/* Adds a block of the inode table to a pass; once. Takes over the reference. */
static void add_table(struct commit *c, struct buf *b, u32 pass)
{
	if (b->owner_flags & EB_ITABLE) {
		buf_put(b);
		return;
	}
	b->owner_flags |= EB_ITABLE;
	wb_add(c, b, NULL, pass, EB_ITABLE);
}

/* A size that older drivers cannot hold is announced in the super block, in the same commit. */
static void set_large_file(struct commit *c, struct ext2_sb *s)
{
	if (s->es->s_feature_ro_compat & EXT2_RO_COMPAT_LARGE_FILE)
		return;
	s->es->s_feature_ro_compat |= EXT2_RO_COMPAT_LARGE_FILE;
	c->super = true;
}

static void snap_inode(struct commit *c, struct ext2_inode *ei)
{
	struct ext2_sb *s = c->s;
	struct ext2_image *im;
	struct buf *b;
	u32 off, pass = 1, block = ext2_inode_pos(s, (u32)ei->vfs.ino, &off);
	char *raw;
	u8 dirty;
	int rc;

	spin_lock(&ei->vfs.spin);
	dirty = ei->dirty;
	ei->dirty = 0;
	if (dirty & EI_DIRTY_META)
		ei->last_txn = c->id;
	ei->last_time_txn = c->id;
	spin_unlock(&ei->vfs.spin);
	vec_add(&c->put, &ei->vfs);
	if (!ei->vfs.nlink)
		return;
	rc = buf_read(s->bdev, block, s->block_size, &b);
	if (rc) {
		ext2_error(s, ei, block, "inode table cannot be read: error %d", rc);
		return;
	}
	if (S_ISREG(ei->vfs.mode) && ei->vfs.size > 0x7fffffff)
		set_large_file(c, s);
	raw = (char *)b->data + off;
	if (ei->ondisk && ei->shrunk)
		pass = ~0u; /* P4 */
	else if (ei->ondisk && ei->grown)
		pass = 2;
	if (pass == 1) {
		if (!ei->ondisk)
			memset(raw, 0, s->inode_size);
		ext2_encode(ei, (struct ext2_dinode *)raw);
		add_table(c, b, 1);
	} else {
		im = must_alloc(sizeof(*im) + s->inode_size);
		*im = (struct ext2_image){ .ino = (u32)ei->vfs.ino, .pass = pass, .inode = ei,
					   .tbuf = b, .data = im + 1 };
		memcpy(im->data, raw, s->inode_size);
		ext2_encode(ei, im->data);
		inode_get(&ei->vfs);
		list_add_tail(&im->node, &c->images);
	}
	ei->ondisk = true;
	ei->shrunk = false;
	ei->grown = false;
}

static u32 pass_of(u32 flags)
{
	if (flags & (EB_FRESH | EB_BITMAP))
		return 0;
	if (flags & EB_ITABLE)
		return 1;
	return 2 + EB_RANK(flags);
}

static void snap_buf(struct commit *c, struct buf *b)
{
	struct ext2_sb *s = c->s;
	u32 flags = b->owner_flags, pass = pass_of(flags);
	void *copy;

	__atomic_fetch_and(&b->flags.v, ~(int)BUF_DIRTY, __ATOMIC_RELAXED);
	if (flags & EB_ITABLE) { /* from a commit that failed */
		b->owner_flags = 0;
		add_table(c, b, 1);
		return;
	}
	if (EB_RANK(flags) > c->max_rank && pass)
		c->max_rank = EB_RANK(flags);
	copy = copy_alloc(s);
	spin_lock(&s->lock);
	b->owner_flags = 0;
	memcpy(copy, b->data, s->block_size);
	if (flags & EB_BITMAP)
		ext2_mask_windows(s, b, copy);
	spin_unlock(&s->lock);
	wb_add(c, b, copy, pass, flags & ~EB_RUNNING);
}

static void snap_copy(struct commit *c, struct buf *b)
{
	void *copy = copy_alloc(c->s);

	memcpy(copy, b->data, c->s->block_size);
	buf_ref(b);
	wb_add(c, b, copy, 0, 0);
}

/* Group descriptors and the super block from the figures in memory. */
static void snap_super(struct commit *c)
{
	struct ext2_sb *s = c->s;

	for (u32 d = 0; d < s->nr_desc_blocks; d++) {
		struct ext2_group_desc *gd = s->desc_bufs[d]->data;
		u32 g = d * s->descs_per_block;
		bool dirty = false;

		spin_lock(&s->lock);
		for (u32 k = 0; k < s->descs_per_block && g < s->nr_groups; k++, g++) {
			struct ext2_group *grp = &s->groups[g];

			if (!grp->dirty)
				continue;
			grp->dirty = false;
			dirty = true;
			gd[k].bg_free_blocks_count = (u16)grp->free_blocks;
			gd[k].bg_free_inodes_count = (u16)grp->free_inodes;
			gd[k].bg_used_dirs_count = (u16)grp->used_dirs;
		}
		spin_unlock(&s->lock);
		if (dirty)
			snap_copy(c, s->desc_bufs[d]);
	}
	spin_lock(&s->lock);
	s->es->s_free_blocks_count = (u32)s->free_blocks;
	s->es->s_free_inodes_count = (u32)s->free_inodes;
	s->es->s_wtime = (u32)(ktime_get_coarse_real() / NSEC_PER_SEC);
	spin_unlock(&s->lock);
	snap_copy(c, s->super_buf);
}

static bool txn_empty(const struct ext2_txn *t)
{
	return list_empty(&t->inodes) && list_empty(&t->data) && list_empty(&t->bufs) &&
	       list_empty(&t->dead) && !t->frees && !t->super;
}

static void list_move_all(struct list_head *from, struct list_head *to)
{
	list_init(to);
	if (list_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

/* False: there was nothing. */
static bool snapshot(struct commit *c) NO_LOCK_ANALYSIS
{
	struct ext2_sb *s = c->s;
	struct list_head inodes, data, bufs;
	struct ext2_inode *ei;
	struct buf *b, *bn;
	bool empty;

	down_write(&s->cut_lock);
	down_write(&s->txn_lock);
	spin_lock(&s->lock);
	c->id = s->txn.id;
	empty = txn_empty(&s->txn);
	list_move_all(&s->txn.inodes, &inodes);
	list_move_all(&s->txn.bufs, &bufs);
	list_move_all(&s->txn.dead, &c->images);
	c->frees = s->txn.frees;
	c->freed_blocks = s->txn.freed_blocks;
	c->freed_inodes = s->txn.freed_inodes;
	c->super = s->txn.super;
	list_move_all(&s->txn.data, &data);
	/* Times may be marked without txn_lock: from here on they go to the new transaction, which
	 * nothing may empty any more. */
	ext2_txn_init(&s->txn, c->id + 1);
	while (!list_empty(&data)) {
		ei = list_first_entry(&data, struct ext2_inode, data_node);
		list_del_init(&ei->data_node);
		WRITE_ONCE(ei->in_commit, true);
		spin_unlock(&s->lock);
		vec_add(&c->data, &ei->vfs);
		spin_lock(&s->lock);
	}
	while (!list_empty(&inodes)) {
		ei = list_first_entry(&inodes, struct ext2_inode, dirty_node);
		list_del_init(&ei->dirty_node);
		spin_unlock(&s->lock);
		snap_inode(c, ei);
		spin_lock(&s->lock);
	}
	spin_unlock(&s->lock);
	list_for_each_entry_safe(b, bn, &bufs, node)
		snap_buf(c, b);
	if (c->super)
		snap_super(c);
	up_write(&s->txn_lock);
	up_write(&s->cut_lock);
	return !empty;
}

/* --- writing --- */

static void wb_done(struct buf *b __maybe_unused, int error, void *arg)
{
	struct commit *c = arg;

	if (error)
		WRITE_ONCE(c->error, error);
	if (atomic_dec_and_test(&c->left))
		complete(&c->done);
}

static int wb_cmp(const void *pa, const void *pb)
{
	const struct wb *a = pa, *b = pb;

	if (a->pass != b->pass)
		return a->pass < b->pass ? -1 : 1;
	return a->buf->block < b->buf->block ? -1 : a->buf->block > b->buf->block;
}

/* Writes wbs[from..to) and waits. */
static int write_range(struct commit *c, u32 from, u32 to)
{
	struct blk_plug plug;

	atomic_set(&c->left, 1);
	completion_init(&c->done);
	c->error = 0;
	blk_plug_start(&plug);
	for (u32 k = from; k < to; k++) {
		atomic_inc(&c->left);
		buf_write_start(c->wbs[k].buf, c->wbs[k].copy, BIO_META | BIO_SYNC, wb_done, c);
	}
	blk_plug_finish(&plug);
	if (!atomic_dec_and_test(&c->left))
		wait_for_completion(&c->done);
	c->unflushed |= to > from;
	return c->error;
}

static int write_data(struct commit *c, bool wait)
{
	int rc = 0;

	for (u32 k = 0; k < c->data.nr; k++) {
		struct inode *i = c->data.v[k];

		/* Errors are told to those who synchronise the file. */
		if (!wait)
			(void)mapping_write_range(i->mapping, 0, INT64_MAX, false);
		else /* and those pages that were locked or under way just now */
			(void)mapping_write_range(i->mapping, 0, INT64_MAX, true);
		c->unflushed = true;
	}
	return rc;
}

static void release_data(struct commit *c)
{
	for (u32 k = 0; k < c->data.nr; k++) {
		WRITE_ONCE(ext2_i(c->data.v[k])->in_commit, false);
		vec_add(&c->put, c->data.v[k]);
	}
	if (c->data.nr)
		wake_up_all(&c->s->wait);
	c->data.nr = 0;
}

/* Images that this pass writes go into the blocks of the inode table, which join the pass. */
static int apply_images(struct commit *c, u32 pass)
{
	struct ext2_sb *s = c->s;
	struct ext2_image *im;

	list_for_each_entry(im, &c->images, node) {
		u32 off, block;
		char *raw;
		int rc;

		if (im->pass != pass)
			continue;
		block = ext2_inode_pos(s, im->ino, &off);
		if (!im->tbuf) {
			rc = buf_read(s->bdev, block, s->block_size, &im->tbuf);
			if (rc)
				return rc;
		}
		raw = (char *)im->tbuf->data + off;
		if (im->dead)
			ext2_encode_dead((struct ext2_dinode *)raw, im->dtime);
		else
			memcpy(raw, im->data, s->inode_size);
		buf_ref(im->tbuf);
		add_table(c, im->tbuf, pass);
	}
	return 0;
}

static int flush_if_needed(struct commit *c)
{
	int rc = 0;

	if (c->unflushed)
		rc = bdev_flush(c->s->bdev);
	if (!rc)
		c->unflushed = false;
	return rc;
}

/* All passes; *failed: the first that was not written. */
static int write_passes(struct commit *c, u32 *failed)
{
	u32 last = c->max_rank + 3, at = 0, sorted = c->nr;
	struct ext2_image *im;
	int rc = 0;

	list_for_each_entry(im, &c->images, node) {
		if (im->dead || im->pass > last)
			im->pass = last;
	}
	sort(c->wbs, c->nr, sizeof(*c->wbs), wb_cmp);
	for (u32 pass = 0; pass <= last; pass++) {
		u32 end = at, extra = c->nr;

		*failed = pass;
		while (end < sorted && c->wbs[end].pass == pass)
			end++;
		/* A block of the inode table joins each pass anew. */
		for (u32 k = at; k < end; k++) {
			if (c->wbs[k].flags & EB_ITABLE)
				c->wbs[k].buf->owner_flags &= ~EB_ITABLE;
		}
		rc = pass >= 2 ? apply_images(c, pass) : 0;
		if (rc)
			return rc;
		for (u32 k = extra; k < c->nr; k++)
			c->wbs[k].buf->owner_flags &= ~EB_ITABLE;
		if (end == at && extra == c->nr && (pass || !c->data.nr))
			continue;
		rc = flush_if_needed(c);
		if (rc)
			return rc;
		if (!pass)
			write_data(c, false);
		rc = write_range(c, at, end);
		if (!rc && c->nr > extra)
			rc = write_range(c, extra, c->nr);
		if (!pass) {
			write_data(c, true);
			release_data(c);
		}
		if (rc)
			return rc;
		at = end;
	}
	*failed = last + 1;
	return 0;
}

/* --- after the passes --- */

static void put_all(struct ptr_vec *v)
{
	for (u32 k = 0; k < v->nr; k++)
		inode_put(v->v[k]);
	kvfree(v->v);
}

static NO_LOCK_ANALYSIS void release_frees(struct commit *c)
{
	struct ext2_sb *s = c->s;
	struct ext2_frees *f, *next;

	down_read(&s->txn_lock);
	for (f = c->frees; f; f = next) {
		for (u32 k = 0; k < f->nr; k++) {
			if (f->ext[k].count)
				ext2_release_blocks(s, f->ext[k].start, f->ext[k].count);
			else
				ext2_release_ino(s, f->ext[k].start);
		}
		next = f->next;
		kfree(f);
	}
	spin_lock(&s->lock);
	s->pending_blocks -= c->freed_blocks;
	s->pending_inodes -= c->freed_inodes;
	spin_unlock(&s->lock);
	up_read(&s->txn_lock);
}

/* What was not written becomes part of the running transaction. */
static void give_back(struct commit *c, u32 failed) NO_LOCK_ANALYSIS
{
	struct ext2_sb *s = c->s;
	struct ext2_image *im, *in;
	struct ext2_frees *f = c->frees;

	down_read(&s->txn_lock);
	for (u32 k = 0; k < c->nr; k++) {
		struct wb *w = &c->wbs[k];

		if (w->pass < failed)
			continue;
		if (w->flags)
			ext2_dirty_buf(s, w->buf, w->flags & (EB_ITABLE | EB_FRESH | EB_BITMAP |
							       EB_INDIRECT | EB_DIR | EB_GAINED));
		spin_lock(&s->lock);
		if (w->flags && EB_RANK(w->flags) > EB_RANK(w->buf->owner_flags))
			w->buf->owner_flags = (w->buf->owner_flags & ((1u << EB_RANK_SHIFT) - 1)) |
					      EB_RANK(w->flags) << EB_RANK_SHIFT;
		spin_unlock(&s->lock);
	}
	list_for_each_entry_safe(im, in, &c->images, node) {
		if (im->pass < failed)
			continue;
		if (im->dead) {
			list_del(&im->node);
			if (im->tbuf) /* NULL: its pass was never begun */
				buf_put(im->tbuf);
			im->tbuf = NULL;
			spin_lock(&s->lock);
			list_add_tail(&im->node, &s->txn.dead);
			spin_unlock(&s->lock);
		} else {
			im->inode->shrunk = true;
			ext2_dirty(im->inode, EI_DIRTY_META);
		}
	}
	spin_lock(&s->lock);
	while (f) {
		struct ext2_frees *next = f->next;

		f->next = s->txn.frees;
		s->txn.frees = f;
		f = next;
	}
	s->txn.freed_blocks += c->freed_blocks;
	s->txn.freed_inodes += c->freed_inodes;
	s->txn.super = true;
	spin_unlock(&s->lock);
	up_read(&s->txn_lock);
}

static void commit_free(struct commit *c)
{
	struct ext2_image *im, *in;

	list_for_each_entry_safe(im, in, &c->images, node) {
		buf_put(im->tbuf);
		if (im->inode)
			vec_add(&c->put, &im->inode->vfs);
		if (im->dead)
			kfree(im);
		else
			kvfree(im);
	}
	for (u32 k = 0; k < c->nr; k++) {
		copy_free(c->s, c->wbs[k].copy);
		buf_put(c->wbs[k].buf);
	}
	kvfree(c->wbs);
	for (u32 k = 0; k < c->pins.nr; k++)
		buf_put(c->pins.v[k]);
	kvfree(c->pins.v);
	kvfree(c->data.v);
	put_all(&c->put); /* may be the last reference of what was removed meanwhile */
}

/* commit_mutex held. */
static int commit_one(struct ext2_sb *s, bool stable)
{
	struct commit c = { .s = s };
	u32 failed = 0;
	int rc;

	list_init(&c.images);
	rc = prefetch(&c);
	if (rc) {
		commit_free(&c);
		return rc;
	}
	if (!snapshot(&c)) {
		commit_free(&c);
		WRITE_ONCE(s->done_id, c.id);
		return 0;
	}
	rc = write_passes(&c, &failed);
	/* Somebody's data may need it even if the transaction had nothing to write. */
	c.unflushed |= stable && !c.nr;
	if (!rc && (stable || c.frees))
		rc = flush_if_needed(&c);
	release_data(&c);
	if (rc) {
		if (!s->write_failed)
			ext2_error(s, NULL, 0, "metadata cannot be written: error %d", rc);
		s->write_failed = true;
		give_back(&c, failed);
	} else {
		release_frees(&c);
		WRITE_ONCE(s->done_id, c.id);
		if (!c.unflushed)
			WRITE_ONCE(s->stable_id, c.id);
	}
	commit_free(&c);
	return rc;
}

int ext2_commit(struct ext2_sb *s, u64 id, bool stable)
{
	bool mine = false;
	int rc = 0;

	mutex_lock(&s->commit_mutex);
	while (!rc && s->done_id < id) {
		rc = commit_one(s, stable);
		mine = true;
	}
	/* A commit of somebody else may have flushed before the caller's data was written. */
	if (!rc && stable && (s->stable_id < id || !mine)) {
		rc = bdev_flush(s->bdev);
		if (!rc && s->stable_id < id)
			WRITE_ONCE(s->stable_id, id);
	}
	mutex_unlock(&s->commit_mutex);
	return rc;
}

int ext2_commit_all(struct ext2_sb *s)
{
	bool more = true;
	int rc = 0;

	while (more && !rc) {
		rc = ext2_commit(s, ext2_running_id(s), true);
		spin_lock(&s->lock);
		more = !txn_empty(&s->txn);
		spin_unlock(&s->lock);
	}
	return rc;
}

int ext2_write_super(struct ext2_sb *s)
{
	int rc;

	spin_lock(&s->lock);
	s->es->s_wtime = (u32)(ktime_get_coarse_real() / NSEC_PER_SEC);
	spin_unlock(&s->lock);
	rc = buf_write_wait(s->super_buf, BIO_META | BIO_SYNC);
	return rc ? rc : bdev_flush(s->bdev);
}

/* --- the flusher --- */

static int flusher(void *arg)
{
	struct ext2_sb *s = arg;

	while (!READ_ONCE(s->flusher_stop)) {
		bool work;

		(void)wait_event_timeout(&s->wait, READ_ONCE(s->flusher_stop),
					 ktime_get() + FLUSH_INTERVAL_NS);
		spin_lock(&s->lock);
		work = !txn_empty(&s->txn);
		spin_unlock(&s->lock);
		if (work && !READ_ONCE(s->flusher_stop))
			(void)ext2_commit(s, ext2_running_id(s), false);
	}
	complete(&s->flusher_exit);
	return 0;
}

int ext2_flusher_start(struct ext2_sb *s)
{
	int rc;

	if (s->flusher_on)
		return 0;
	s->flusher_stop = false;
	completion_init(&s->flusher_exit);
	rc = kthread_run(flusher, s, NULL, "ext2/%s", s->bdev->name);
	s->flusher_on = !rc;
	return rc;
}

void ext2_flusher_stop(struct ext2_sb *s)
{
	if (!s->flusher_on)
		return;
	WRITE_ONCE(s->flusher_stop, true);
	wake_up_all(&s->wait);
	wait_for_completion(&s->flusher_exit);
	s->flusher_on = false;
}
