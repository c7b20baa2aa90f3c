/* SPDX-License-Identifier: MIT */
/* Directories: names in all blocks of one.
 *
 * Owns: struct ext2_dir, made when a directory is first looked at and gone with its inode: the
 * blocks (their buffers stay referenced), where there is room, and, once more than a few dozen
 * names had to be read for an answer, a hash table of all names. The table's keys are the hashes
 * that the VFS has made of the names anyway.
 * Each block is checked when it is read; one that is damaged is reported and answers -EIO.
 * Removing clears an entry's inode and leaves the chain; gaps are joined when room is looked for.
 * The hash trees of dir_index are neither used nor kept: the flag goes with the first change, as
 * with Linux's driver, and what their blocks hold becomes room.
 * Positions of listings are byte offsets, which never change for a name.
 * Locking: dir->lock, exclusive to change and for the hash table; buffers are published under
 * inode->spin, because listings share the lock. */
#include "dirblock.h"
#include "ext2_internal.h"

#define INDEX_AFTER 32u /* entries read in vain before names are hashed */

struct dirblk {
	struct buf *buf; /* I: NULL: not read yet */
	u32 gap;	 /* L: at least so much room ... */
	u32 gap_off;	 /* L: ... behind this entry */
	bool gap_exact;	 /* L: there is no larger one */
	bool bad;	 /* I: damaged, has been told */
};

struct ext2_dir {
	u32 nr, max;	    /* L: blocks */
	struct dirblk *blk; /* L */
	u32 hint;	    /* L: block that had room last */
	u64 *tab;	    /* L: hash << 32 | place + 1; NULL: no table */
	u32 mask, used;	    /* L */
};

static const u8 ft_of_mode[16] = {
	[S_IFREG >> 12] = EXT2_FT_REG,	[S_IFDIR >> 12] = EXT2_FT_DIR,
	[S_IFCHR >> 12] = EXT2_FT_CHR,	[S_IFBLK >> 12] = EXT2_FT_BLK,
	[S_IFIFO >> 12] = EXT2_FT_FIFO, [S_IFSOCK >> 12] = EXT2_FT_SOCK,
	[S_IFLNK >> 12] = EXT2_FT_LNK,
};
static const u8 dt_of_ft[8] = { DT_UNKNOWN, DT_REG,  DT_DIR,  DT_CHR,
				DT_BLK,	    DT_FIFO, DT_SOCK, DT_LNK };

static u8 file_type(const struct ext2_sb *s, mode_t mode)
{
	return s->filetype ? ft_of_mode[mode >> 12 & 15] : 0;
}

/* --- blocks --- */

static int get_dir(struct ext2_inode *ei, struct ext2_dir **out)
{
	struct ext2_sb *s = ext2_is(ei);
	struct ext2_dir *d = smp_load_acquire(&ei->dir);
	u64 nr;

	if (likely(d)) {
		*out = d;
		return 0;
	}
	nr = (u64)ei->vfs.size >> s->block_shift;
	if (nr > ei->vfs.blocks / (s->block_size >> 9)) {
		ext2_error(s, ei, 0, "directory of %lld bytes has holes",
			   (long long)ei->vfs.size);
		nr = ei->vfs.blocks / (s->block_size >> 9);
	}
	nr = min_t(u64, nr, s->blocks);
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	d->nr = (u32)nr;
	d->max = max(d->nr, 1u);
	d->blk = kvmalloc(d->max * sizeof(*d->blk), GFP_KERNEL | GFP_ZERO);
	if (!d->blk) {
		kfree(d);
		return -ENOMEM;
	}
	spin_lock(&ei->vfs.spin);
	if (!ei->dir) {
		smp_store_release(&ei->dir, d);
		d = NULL;
	}
	spin_unlock(&ei->vfs.spin);
	if (d) {
		kvfree(d->blk);
		kfree(d);
	}
	*out = ei->dir;
	return 0;
}

void ext2_dir_drop(struct ext2_inode *ei)
{
	struct ext2_dir *d = ei->dir;

	if (!d)
		return;
	for (u32 k = 0; k < d->nr; k++) {
		if (d->blk[k].buf)
			buf_put(d->blk[k].buf);
	}
	kvfree(d->blk);
	kvfree(d->tab);
	kfree(d);
	ei->dir = NULL;
}

static int read_block(struct ext2_inode *ei, struct ext2_dir *d, u32 lblk)
{
	struct ext2_sb *s = ext2_is(ei);
	struct dirblk *blk = &d->blk[lblk];
	const char *wrong;
	u32 pblk, off;
	struct buf *b;
	int rc;

	if (blk->bad)
		return -EIO;
	rc = ext2_map_dir(ei, lblk, &pblk);
	if (rc)
		return rc;
	if (!pblk) {
		ext2_error(s, ei, 0, "directory has a hole at block %u", lblk);
		return -EIO;
	}
	if (d->nr > 1)
		buf_readahead(s->bdev, pblk, s->block_size, min(8u, d->nr - lblk));
	rc = buf_read(s->bdev, pblk, s->block_size, &b);
	if (rc) {
		ext2_error(s, ei, pblk, "directory cannot be read: error %d", rc);
		return rc;
	}
	wrong = dirblock_check(b->data, s->block_size, s->inodes, &off);
	spin_lock(&ei->vfs.spin);
	if (wrong) {
		blk->bad = true;
	} else if (!blk->buf) {
		smp_store_release(&blk->buf, b);
		b = NULL;
	}
	spin_unlock(&ei->vfs.spin);
	if (b)
		buf_put(b);
	if (!wrong)
		return 0;
	ext2_error(s, ei, pblk, "bad entry in directory: %s, offset %u", wrong, off);
	return -EIO;
}

static int get_block(struct ext2_inode *ei, struct ext2_dir *d, u32 lblk, struct buf **out)
{
	int rc;

	if (!smp_load_acquire(&d->blk[lblk].buf)) {
		rc = read_block(ei, d, lblk);
		if (rc)
			return rc;
	}
	*out = d->blk[lblk].buf;
	return 0;
}

/* --- the hash table --- */

static u64 place(const struct ext2_sb *s, u32 lblk, u32 off)
{
	return ((u64)lblk << (s->block_shift - 2)) + off / 4 + 1;
}

static void index_put(struct ext2_dir *d, u64 entry)
{
	u32 at = (u32)(entry >> 32) & d->mask;

	while (d->tab[at])
		at = (at + 1) & d->mask;
	d->tab[at] = entry;
	d->used++;
}

static void index_drop(struct ext2_dir *d)
{
	kvfree(d->tab);
	d->tab = NULL;
}

static bool index_resize(struct ext2_dir *d, u32 size)
{
	u64 *old = d->tab, *tab = kvmalloc(size * sizeof(*tab), GFP_KERNEL | GFP_ZERO);
	u32 old_size = d->mask + 1;

	if (!tab)
		return false;
	d->tab = tab;
	d->mask = size - 1;
	d->used = 0;
	for (u32 k = 0; old && k < old_size; k++) {
		if (old[k])
			index_put(d, old[k]);
	}
	kvfree(old);
	return true;
}

static void index_add(struct ext2_inode *ei, struct ext2_dir *d, u32 hash, u32 lblk, u32 off)
{
	if (!d->tab)
		return;
	if (d->used >= d->mask / 4 * 3 && !index_resize(d, (d->mask + 1) * 2)) {
		index_drop(d);
		return;
	}
	index_put(d, (u64)hash << 32 | place(ext2_is(ei), lblk, off));
}

static void index_remove(struct ext2_inode *ei, struct ext2_dir *d, u32 hash, u32 lblk, u32 off)
{
	u64 entry = (u64)hash << 32 | place(ext2_is(ei), lblk, off);
	u32 at = hash & d->mask, hole;

	if (!d->tab)
		return;
	while (d->tab[at] != entry) {
		if (!d->tab[at])
			return;
		at = (at + 1) & d->mask;
	}
	/* What follows moves up, as far as its own place allows. */
	for (hole = at;;) {
		u32 home;

		at = (at + 1) & d->mask;
		if (!d->tab[at])
			break;
		home = (u32)(d->tab[at] >> 32) & d->mask;
		if (((at - home) & d->mask) >= ((at - hole) & d->mask)) {
			d->tab[hole] = d->tab[at];
			hole = at;
		}
	}
	d->tab[hole] = 0;
	d->used--;
}

/* All names into a table. A damaged block leaves the directory without one. */
static void index_build(struct ext2_inode *ei, struct ext2_dir *d)
{
	struct ext2_sb *s = ext2_is(ei);

	if (place(s, d->nr, 0) > 0xffffffffull || !index_resize(d, 256))
		return;
	for (u32 lblk = 0; lblk < d->nr; lblk++) {
		const struct ext2_dirent *e;
		struct buf *b;
		struct qstr q;

		if (get_block(ei, d, lblk, &b)) {
			index_drop(d);
			return;
		}
		for (u32 off = 0; off < s->block_size && d->tab;
		     off = dirblock_next(b->data, s->block_size, off)) {
			e = dirblock_at(b->data, off);
			if (!e->inode || !dirblock_name_inside(e, s->block_size, off))
				continue;
			qstr_set(&q, e->name, e->name_len);
			index_add(ei, d, q.hash, lblk, off);
		}
		if (!d->tab)
			return;
	}
}

static bool index_find(struct ext2_inode *ei, struct ext2_dir *d, const struct qstr *name,
		       struct ext2_slot *slot)
{
	struct ext2_sb *s = ext2_is(ei);
	u32 at = name->hash & d->mask, shift = s->block_shift - 2;
	u64 entry;

	for (; (entry = d->tab[at]) != 0; at = (at + 1) & d->mask) {
		const struct ext2_dirent *e;
		u32 where;

		if ((u32)(entry >> 32) != name->hash)
			continue;
		where = (u32)entry - 1;
		slot->lblk = where >> shift;
		slot->off = (where & ((1u << shift) - 1)) * 4;
		slot->buf = d->blk[slot->lblk].buf;
		e = dirblock_at(slot->buf->data, slot->off);
		if (e->name_len == name->len && dirblock_name_inside(e, s->block_size, slot->off) &&
		    !memcmp(e->name, name->name, name->len))
			return true;
	}
	return false;
}

/* --- names --- */

int ext2_dir_locate(struct ext2_inode *ei, const struct qstr *name, struct ext2_slot *slot,
		    u32 *ino)
{
	struct ext2_sb *s = ext2_is(ei);
	struct ext2_dir *d;
	int rc = get_dir(ei, &d), at = -1;
	u32 seen = 0;

	if (rc)
		return rc;
	if (d->tab) {
		if (!index_find(ei, d, name, slot))
			return -ENOENT;
		*ino = dirblock_at(slot->buf->data, slot->off)->inode;
		return 0;
	}
	for (u32 lblk = 0; lblk < d->nr && at < 0; lblk++) {
		rc = get_block(ei, d, lblk, &slot->buf);
		if (rc)
			return rc;
		at = dirblock_find(slot->buf->data, s->block_size, name->name, name->len, &seen);
		slot->lblk = lblk;
	}
	if (seen > INDEX_AFTER)
		index_build(ei, d);
	if (at < 0)
		return -ENOENT;
	slot->off = (u32)at;
	*ino = dirblock_at(slot->buf->data, slot->off)->inode;
	return 0;
}

int ext2_dir_find(struct ext2_inode *ei, const struct qstr *name, u32 *ino)
{
	struct ext2_slot slot;

	return ext2_dir_locate(ei, name, &slot, ino);
}

/* Room for `need` bytes in block lblk. */
static bool block_has_room(struct ext2_inode *ei, struct ext2_dir *d, u32 lblk, u32 need)
{
	struct dirblk *blk = &d->blk[lblk];
	struct buf *b;

	if (blk->gap < need && !blk->gap_exact) {
		if (get_block(ei, d, lblk, &b))
			return false;
		blk->gap = dirblock_gap(b->data, ext2_is(ei)->block_size, &blk->gap_off);
		blk->gap_exact = true;
	}
	return blk->gap >= need;
}

/* A block more, with room for everything. */
static int grow(struct ext2_inode *ei, struct ext2_dir *d)
{
	struct ext2_sb *s = ext2_is(ei);
	struct dirblk *n;
	struct buf *b;
	u32 pblk;
	int rc;

	if (d->nr == d->max) {
		n = kvmalloc(d->max * 2 * sizeof(*n), GFP_KERNEL | GFP_ZERO);
		if (!n)
			return -ENOMEM;
		memcpy(n, d->blk, d->nr * sizeof(*n));
		kvfree(d->blk);
		d->blk = n;
		d->max *= 2;
	}
	rc = ext2_grow_dir(ei, d->nr, &pblk);
	if (rc)
		return rc;
	rc = buf_get(s->bdev, pblk, s->block_size, &b);
	if (rc) { /* the size stays: a block behind the end, which goes with the directory */
		ext2_truncate_blocks(ei, d->nr);
		return rc;
	}
	dirblock_init(b->data, s->block_size);
	ext2_buf_filled(b);
	ext2_dirty_buf(s, b, EB_FRESH | EB_DIR);
	d->blk[d->nr] = (struct dirblk){ .buf = b, .gap = s->block_size, .gap_exact = true };
	d->nr++;
	ei->vfs.size = (loff_t)d->nr << s->block_shift;
	ei->grown = true;
	ext2_dirty(ei, EI_DIRTY_META);
	return 0;
}

int ext2_dir_room(struct ext2_inode *ei, u32 name_len, struct ext2_slot *slot)
{
	u32 need = EXT2_DIRENT_LEN(name_len), lblk;
	struct ext2_dir *d;
	int rc = get_dir(ei, &d);

	if (rc)
		return rc;
	lblk = d->hint;
	if (lblk >= d->nr || !block_has_room(ei, d, lblk, need)) {
		for (lblk = 0; lblk < d->nr; lblk++) {
			if (block_has_room(ei, d, lblk, need))
				break;
		}
	}
	if (lblk == d->nr) {
		rc = grow(ei, d);
		if (rc)
			return rc;
	}
	d->hint = lblk;
	slot->lblk = lblk;
	slot->off = d->blk[lblk].gap_off;
	slot->buf = d->blk[lblk].buf;
	if (!dirblock_fits(slot->buf->data, ext2_is(ei)->block_size, slot->off, need)) {
		ext2_error(ext2_is(ei), ei, slot->buf->block,
			   "directory block was changed by others");
		return -EIO;
	}
	return 0;
}

/* After any change: times, and the hash tree is no more. */
static void changed(struct ext2_inode *ei, const struct ext2_slot *slot)
{
	u64 now = ext2_now(ei->vfs.sb);

	ext2_dirty_buf(ext2_is(ei), slot->buf, EB_DIR);
	ei->flags &= ~EXT2_FL_INDEX;
	spin_lock(&ei->vfs.spin);
	ei->vfs.mtime = ei->vfs.ctime = now;
	ei->vfs.version++;
	spin_unlock(&ei->vfs.spin);
	ext2_dirty(ei, EI_DIRTY_META);
}

void ext2_dir_put(struct ext2_inode *ei, const struct ext2_slot *slot, const struct qstr *name,
		  struct inode *inode)
{
	struct ext2_sb *s = ext2_is(ei);
	struct ext2_dir *d = ei->dir;
	struct dirblk *blk = &d->blk[slot->lblk];
	u32 off;

	off = dirblock_insert(slot->buf->data, s->block_size, slot->off, name->name, name->len,
			      (u32)inode->ino, file_type(s, inode->mode));
	blk->gap_off = off;
	blk->gap = dirblock_at(slot->buf->data, off)->rec_len - EXT2_DIRENT_LEN(name->len);
	blk->gap_exact = false;
	index_add(ei, d, name->hash, slot->lblk, off);
	changed(ei, slot);
}

void ext2_dir_remove(struct ext2_inode *ei, const struct ext2_slot *slot, const struct qstr *name)
{
	struct ext2_dirent *e = dirblock_at(slot->buf->data, slot->off);
	struct ext2_dir *d = ei->dir;
	struct dirblk *blk = &d->blk[slot->lblk];

	e->inode = 0;
	if (e->rec_len > blk->gap) {
		blk->gap = e->rec_len;
		blk->gap_off = slot->off;
	}
	blk->gap_exact = false;
	if (d->hint > slot->lblk)
		d->hint = slot->lblk;
	index_remove(ei, d, name->hash, slot->lblk, slot->off);
	changed(ei, slot);
}

void ext2_dir_replace(struct ext2_inode *ei, const struct ext2_slot *slot, struct inode *inode)
{
	struct ext2_dirent *e = dirblock_at(slot->buf->data, slot->off);

	e->inode = (u32)inode->ino;
	if (ext2_is(ei)->filetype)
		e->file_type = file_type(ext2_is(ei), inode->mode);
	changed(ei, slot);
}

void ext2_dir_set_parent(struct ext2_inode *ei, const struct ext2_slot *slot,
			 const struct inode *parent)
{
	dirblock_at(slot->buf->data, slot->off)->inode = (u32)parent->ino;
	ei->flags &= ~EXT2_FL_INDEX;
	ext2_dirty_buf(ext2_is(ei), slot->buf, EB_DIR);
	ext2_dirty(ei, EI_DIRTY_META);
}

int ext2_dir_empty(struct ext2_inode *ei)
{
	struct ext2_sb *s = ext2_is(ei);
	const struct ext2_dirent *e;
	struct ext2_dir *d;
	int rc = get_dir(ei, &d);

	for (u32 lblk = 0; !rc && lblk < d->nr; lblk++) {
		struct buf *b;

		rc = get_block(ei, d, lblk, &b);
		for (u32 off = 0; !rc && off < s->block_size;
		     off = dirblock_next(b->data, s->block_size, off)) {
			e = dirblock_at(b->data, off);
			if (!e->inode || (e->name_len == 1 && e->name[0] == '.') ||
			    (e->name_len == 2 && e->name[0] == '.' && e->name[1] == '.'))
				continue;
			rc = -ENOTEMPTY;
		}
	}
	return rc;
}

int ext2_dir_dotdot(struct ext2_inode *ei, struct ext2_slot *slot, u32 *ino)
{
	static const char dotdot[] = "..";
	struct ext2_dir *d;
	int rc = get_dir(ei, &d), at;
	u32 seen = 0;

	if (rc)
		return rc;
	rc = d->nr ? get_block(ei, d, 0, &slot->buf) : -EIO;
	if (rc)
		return rc;
	at = dirblock_find(slot->buf->data, ext2_is(ei)->block_size, dotdot, 2, &seen);
	if (at < 0) {
		ext2_error(ext2_is(ei), ei, slot->buf->block, "directory without \"..\"");
		return -EIO;
	}
	slot->lblk = 0;
	slot->off = (u32)at;
	*ino = dirblock_at(slot->buf->data, slot->off)->inode;
	return 0;
}

int ext2_dir_init(struct ext2_inode *ei, u32 parent)
{
	struct ext2_sb *s = ext2_is(ei);
	struct ext2_dir *d;
	int rc = get_dir(ei, &d);

	if (!rc)
		rc = grow(ei, d);
	if (rc)
		return rc;
	dirblock_init_first(d->blk[0].buf->data, s->block_size, (u32)ei->vfs.ino, parent,
			    file_type(s, S_IFDIR));
	d->blk[0].gap = 0;
	d->blk[0].gap_exact = false;
	return 0;
}

/* --- listing --- */

static int ext2_iterate(struct file *f, struct dir_context *ctx)
{
	struct ext2_inode *ei = ext2_i(f->inode);
	struct ext2_sb *s = ext2_is(ei);
	u32 bs = s->block_size;
	struct ext2_dir *d;
	int rc = get_dir(ei, &d);

	if (rc)
		return rc;
	while (ctx->pos >= 0 && (u64)ctx->pos >> s->block_shift < d->nr) {
		u32 lblk = (u32)((u64)ctx->pos >> s->block_shift), from = (u32)ctx->pos & (bs - 1);
		loff_t base = (loff_t)lblk << s->block_shift;
		const struct ext2_dirent *e;
		struct buf *b;

		rc = get_block(ei, d, lblk, &b);
		if (rc) { /* the next call goes on behind it */
			ctx->pos = base + bs;
			return rc;
		}
		for (u32 off = 0; off < bs; off = dirblock_next(b->data, bs, off)) {
			e = dirblock_at(b->data, off);
			if (off < from || !e->inode || !dirblock_name_inside(e, bs, off))
				continue;
			ctx->pos = base + off;
			if (!ctx->emit(ctx, e->name, e->name_len, base + off, e->inode,
				       s->filetype ? dt_of_ft[e->file_type & 7] : DT_UNKNOWN))
				return 0;
		}
		ctx->pos = base + bs;
	}
	return 0;
}

static loff_t ext2_dir_llseek(struct file *f, loff_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence == SEEK_END)
		off += f->inode->size;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0 || (u64)off > f->inode->sb->maxbytes)
		return -EINVAL;
	f->pos = off;
	return off;
}

const struct file_ops ext2_dir_fops = {
	.iterate = ext2_iterate,
	.llseek = ext2_dir_llseek,
	.ioctl = ext2_ioctl,
	.fsync = ext2_fsync,
};
