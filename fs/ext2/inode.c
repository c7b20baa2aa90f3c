/* SPDX-License-Identifier: MIT */
/* Inodes: from the inode table into memory and back, attributes, the end.
 *
 * While the file system is mounted struct inode (with struct ext2_inode around it) is the truth;
 * the block of the inode table holds what the last commit wrote. ext2_encode is called by commits
 * only. Fields that we do not know, attributes inside of large inodes among them, stay as they are.
 * Times: seconds of 32 bits, signed; inodes with room keep nanoseconds and two more bits.
 * The end: an inode whose last name went was noted as dead then (ext2_note_dead); its blocks and
 * its number come free when nobody has it open any more. */
#include "ext2_internal.h"

#include <kernel/time.h>

static struct kmem_cache *ext2_inode_cache;

/* --- memory --- */

int ext2_inode_cache_init(void)
{
	ext2_inode_cache = kmem_cache_create("ext2_inode", sizeof(struct ext2_inode), 64,
					     SLAB_RECLAIMABLE, NULL);
	return ext2_inode_cache ? 0 : -ENOMEM;
}

struct inode *ext2_alloc_inode(struct super_block *sb __maybe_unused)
{
	struct ext2_inode *ei = kmem_cache_alloc(ext2_inode_cache, GFP_KERNEL);

	if (!ei)
		return NULL;
	memset((char *)ei + sizeof(ei->vfs), 0, sizeof(*ei) - sizeof(ei->vfs));
	list_init(&ei->dirty_node);
	list_init(&ei->data_node);
	list_init(&ei->win_node);
	rwsem_init(&ei->map_lock, LOCK_FS_PRIVATE);
	return &ei->vfs;
}

void ext2_free_inode(struct inode *i)
{
	struct ext2_inode *ei = ext2_i(i);

	kfree(ei->link);
	kfree(ei->body);
	kmem_cache_free(ext2_inode_cache, ei);
}

/* --- the inode table --- */

u32 ext2_inode_pos(const struct ext2_sb *s, u32 ino, u32 *offset)
{
	u32 group = (ino - 1) / s->inodes_per_group, n = (ino - 1) % s->inodes_per_group;

	*offset = n % s->inodes_per_block * s->inode_size;
	return s->groups[group].inode_table + n / s->inodes_per_block;
}

#define FITS(s, raw, field)                                                                        \
	((s)->inode_size > EXT2_GOOD_OLD_INODE_SIZE &&                                             \
	 offsetof(struct ext2_dinode, field) + sizeof((raw)->field) <=                             \
		 EXT2_GOOD_OLD_INODE_SIZE + (u32)(raw)->i_extra_isize)

static u64 decode_time(u32 sec, u32 extra)
{
	s64 t = (s64)(s32)sec + ((s64)(extra & 3) << 32);

	return (u64)(t * (s64)NSEC_PER_SEC + (s64)min(extra >> 2, 999999999u));
}

/* room: there is an extra field; without it times end in 2038. */
static void split_time(u64 ns, bool room, u32 *sec, u32 *extra)
{
	s64 t = (s64)ns / (s64)NSEC_PER_SEC, rest = (s64)ns % (s64)NSEC_PER_SEC;

	if (rest < 0) {
		rest += (s64)NSEC_PER_SEC;
		t--;
	}
	if (!room)
		t = clamp(t, (s64)INT32_MIN, (s64)INT32_MAX);
	*sec = (u32)t;
	*extra = (u32)rest << 2 | (u32)((t - (s64)(s32)(u32)t) >> 32 & 3);
}

void ext2_encode(struct ext2_inode *ei, struct ext2_dinode *raw)
{
	struct ext2_sb *s = ext2_is(ei);
	struct inode *i = &ei->vfs;
	u32 at, mt, ct, cr, atx, mtx, ctx, crx;

	if (!ei->ondisk && s->inode_size > EXT2_GOOD_OLD_INODE_SIZE)
		raw->i_extra_isize = (u16)s->extra_isize;
	spin_lock(&i->spin);
	split_time(i->atime, FITS(s, raw, i_atime_extra), &at, &atx);
	split_time(i->mtime, FITS(s, raw, i_mtime_extra), &mt, &mtx);
	split_time(i->ctime, FITS(s, raw, i_ctime_extra), &ct, &ctx);
	split_time(i->btime, FITS(s, raw, i_crtime_extra), &cr, &crx);
	raw->i_blocks = (u32)i->blocks;
	/* Who compares the size with what the disk has, and finds no difference, must wait for the
	 * transaction that writes it. */
	if (ei->disk_size != i->size)
		ei->last_txn = s->txn.id - 1;
	ei->disk_size = i->size;
	spin_unlock(&i->spin);
	raw->i_mode = (u16)i->mode;
	raw->i_uid = (u16)i->uid;
	raw->i_gid = (u16)i->gid;
	if (!(s->opts.flags & OPT_NOUID32)) {
		raw->i_uid_high = (u16)(i->uid >> 16);
		raw->i_gid_high = (u16)(i->gid >> 16);
	}
	raw->i_size = (u32)ei->disk_size;
	if (S_ISREG(i->mode))
		raw->i_size_high = (u32)((u64)ei->disk_size >> 32);
	raw->i_atime = at;
	raw->i_mtime = mt;
	raw->i_ctime = ct;
	raw->i_dtime = 0;
	raw->i_links_count = (u16)i->nlink;
	raw->i_flags = ei->flags;
	raw->i_generation = ei->generation;
	raw->i_file_acl = ei->file_acl;
	memcpy(raw->i_block, ei->block, sizeof(raw->i_block));
	ext2_xattr_encode(ei, raw);
	if (FITS(s, raw, i_ctime_extra))
		raw->i_ctime_extra = ctx;
	if (FITS(s, raw, i_mtime_extra))
		raw->i_mtime_extra = mtx;
	if (FITS(s, raw, i_atime_extra))
		raw->i_atime_extra = atx;
	if (FITS(s, raw, i_crtime_extra) && i->btime) {
		raw->i_crtime = cr;
		raw->i_crtime_extra = crx;
	}
}

void ext2_encode_dead(struct ext2_dinode *raw, u32 dtime)
{
	raw->i_links_count = 0;
	raw->i_dtime = dtime;
}

static int decode(struct ext2_inode *ei, const struct ext2_dinode *raw)
{
	struct ext2_sb *s = ext2_is(ei);
	struct inode *i = &ei->vfs;
	bool nouid32 = s->opts.flags & OPT_NOUID32;

	i->mode = raw->i_mode;
	i->nlink = raw->i_links_count;
	if (!i->nlink) /* free, or deleted while it was open */
		return -ESTALE;
	i->uid = raw->i_uid | (nouid32 ? 0 : (u32)raw->i_uid_high << 16);
	i->gid = raw->i_gid | (nouid32 ? 0 : (u32)raw->i_gid_high << 16);
	i->size = raw->i_size;
	if (S_ISREG(i->mode))
		i->size |= (loff_t)((u64)raw->i_size_high << 32);
	if (i->size < 0)
		return -EIO;
	i->blocks = raw->i_blocks;
	i->atime = decode_time(raw->i_atime,
			       FITS(s, raw, i_atime_extra) ? raw->i_atime_extra : 0);
	i->mtime = decode_time(raw->i_mtime,
			       FITS(s, raw, i_mtime_extra) ? raw->i_mtime_extra : 0);
	i->ctime = decode_time(raw->i_ctime,
			       FITS(s, raw, i_ctime_extra) ? raw->i_ctime_extra : 0);
	i->btime = FITS(s, raw, i_crtime_extra)
			   ? decode_time(raw->i_crtime, raw->i_crtime_extra)
			   : 0;
	ei->flags = raw->i_flags;
	ei->generation = raw->i_generation;
	ei->file_acl = raw->i_file_acl;
	ei->group = (u32)(i->ino - 1) / s->inodes_per_group;
	ei->disk_size = i->size;
	ei->ondisk = true;
	memcpy(ei->block, raw->i_block, sizeof(ei->block));
	if (S_ISCHR(i->mode) || S_ISBLK(i->mode)) {
		u32 old = ei->block[0];

		i->rdev = old ? MKDEV(old >> 8 & 0xff, old & 0xff) : dev_decode(ei->block[1]);
	}
	/* A block beside that of the attributes, which comes and goes. */
	ei->slow_link = S_ISLNK(i->mode) && i->blocks > (ei->file_acl ? s->block_size >> 9 : 0);
	if (ei->file_acl && !ext2_block_ok(s, ei->file_acl, 1)) {
		ext2_error(s, ei, ei->file_acl, "attribute block outside of the file system");
		ei->file_acl = 0;
	}
	ext2_xattr_init(ei, raw);
	ext2_apply_flags(ei);
	return 0;
}

void ext2_apply_flags(struct ext2_inode *ei)
{
	u32 f = ei->vfs.flags & ~(S_SYNC | S_APPEND | S_IMMUTABLE | S_NOATIME | S_DIRSYNC);

	f |= ei->flags & EXT2_FL_SYNC ? S_SYNC : 0;
	f |= ei->flags & EXT2_FL_APPEND ? S_APPEND : 0;
	f |= ei->flags & EXT2_FL_IMMUTABLE ? S_IMMUTABLE : 0;
	f |= ei->flags & EXT2_FL_NOATIME ? S_NOATIME : 0;
	f |= ei->flags & EXT2_FL_DIRSYNC ? S_DIRSYNC : 0;
	ei->vfs.flags = f;
}

/* Operations by type; the type is one of seven. */
void ext2_set_ops(struct ext2_inode *ei)
{
	struct ext2_sb *s = ext2_is(ei);
	struct inode *i = &ei->vfs;

	switch (i->mode & S_IFMT) {
	case S_IFREG:
		i->ops = &ext2_file_ops;
		i->fops = &ext2_file_fops;
		i->data.ops = &ext2_mapping_ops;
		i->data.bdev = s->bdev;
		i->data.block_shift = (u8)s->block_shift;
		break;
	case S_IFDIR:
		i->ops = &ext2_dir_ops;
		i->fops = &ext2_dir_fops;
		break;
	case S_IFLNK:
		i->ops = &ext2_symlink_ops;
		break;
	default:
		i->ops = &ext2_special_ops;
		inode_init_special(i, i->mode, i->rdev);
		break;
	}
}

static bool type_ok(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

static int read_inode(struct ext2_inode *ei)
{
	struct ext2_sb *s = ext2_is(ei);
	u32 off, block = ext2_inode_pos(s, (u32)ei->vfs.ino, &off);
	struct buf *b;
	int rc;

	b = buf_find(s->bdev, block, s->block_size);
	if (!b) { /* neighbours are usually wanted soon */
		u32 end = s->groups[(ei->vfs.ino - 1) / s->inodes_per_group].inode_table +
			  s->itable_blocks;

		buf_readahead(s->bdev, block, s->block_size, min(8u, end - block));
	} else {
		buf_put(b);
	}
	rc = buf_read(s->bdev, block, s->block_size, &b);
	if (rc) {
		ext2_error(s, ei, block, "inode table cannot be read: error %d", rc);
		return rc;
	}
	rc = decode(ei, (const struct ext2_dinode *)((char *)b->data + off));
	buf_put(b);
	if (!rc && !type_ok(ei->vfs.mode)) {
		ext2_error(s, ei, 0, "bad mode %o", ei->vfs.mode);
		rc = -EIO;
	}
	return rc;
}

int ext2_iget(struct super_block *sb, u32 ino, struct inode **out)
{
	struct ext2_sb *s = ext2_s(sb);
	struct inode *i;
	int rc;

	if ((ino != EXT2_ROOT_INO && ino < s->first_ino) || ino > s->inodes)
		return -EIO;
	i = inode_get_hashed(sb, ino);
	if (!i)
		return -ENOMEM;
	if (i->state & INODE_NEW) {
		rc = read_inode(ext2_i(i));
		if (rc) {
			inode_new_failed(i);
			return rc;
		}
		ext2_set_ops(ext2_i(i));
		inode_unlock_new(i);
	}
	*out = i;
	return 0;
}

/* --- the end --- */

/* Large files are freed piece by piece, from the end, so that commits need not wait long. */
#define EVICT_CHUNK (1u << 16) /* blocks */

static int free_blocks(struct ext2_inode *ei)
{
	struct ext2_sb *s = ext2_is(ei);
	u64 n = min_t(u64, (u64)ei->vfs.size >> s->block_shift, 1u << 30);
	u32 from = (u32)ALIGN_DOWN(n, (u64)EVICT_CHUNK);
	int rc;

	for (; from; from -= EVICT_CHUNK) {
		rc = ext2_begin(s);
		if (rc)
			return rc;
		ext2_truncate_blocks(ei, from);
		ext2_end(s);
	}
	return 0;
}

void ext2_evict_inode(struct inode *i)
{
	struct ext2_inode *ei = ext2_i(i);
	struct ext2_sb *s = ext2_is(ei);

	ext2_drop_window(ei);
	ext2_dir_drop(ei);
	if (i->nlink)
		return;
	if (ext2_has_blocks(ei) && free_blocks(ei))
		return;
	if (ext2_begin(s))
		return;
	ext2_xattr_evict(ei);
	if (ext2_has_blocks(ei))
		ext2_truncate_blocks(ei, 0);
	ext2_free_ino(s, (u32)i->ino, S_ISDIR(i->mode), !ei->ondisk);
	ext2_end(s);
}

/* --- attributes --- */

u64 ext2_now(const struct super_block *sb)
{
	u64 now = ktime_get_coarse_real();

	return sb->time_gran > 1 ? now - now % sb->time_gran : now;
}

int ext2_update_time(struct inode *i, u32 bits, u64 now)
{
	spin_lock(&i->spin);
	if (bits & ATTR_ATIME)
		i->atime = now;
	if (bits & ATTR_MTIME)
		i->mtime = now;
	if (bits & ATTR_CTIME)
		i->ctime = now;
	if (bits & (ATTR_MTIME | ATTR_CTIME))
		i->version++;
	spin_unlock(&i->spin);
	ext2_dirty(ext2_i(i), EI_DIRTY_TIME);
	return 0;
}

/* A commit that makes blocks part of the file on the disk must write their data before, which it
 * could not once the pages have gone. So no snapshot is taken until the blocks have gone, too, and
 * one that has been taken is waited for. Ends with up_read(&s->cut_lock). */
static void begin_cut(struct ext2_sb *s, struct ext2_inode *ei) NO_LOCK_ANALYSIS
{
	for (;;) {
		down_read(&s->cut_lock);
		if (likely(!READ_ONCE(ei->in_commit)))
			return;
		up_read(&s->cut_lock);
		wait_event(&s->wait, !READ_ONCE(ei->in_commit));
	}
}

static NO_LOCK_ANALYSIS int set_size(struct inode *i, loff_t size)
{
	struct ext2_inode *ei = ext2_i(i);
	struct ext2_sb *s = ext2_is(ei);
	loff_t old = i->size;
	int rc;

	if (READ_ONCE(s->aborted))
		return -EROFS;
	if (size < old)
		begin_cut(s, ei);
	mapping_set_size(i, size);
	ext2_drop_window(ei);
	rc = ext2_begin(s);
	if (!rc) {
		if (size < old)
			ext2_truncate_blocks(
				ei, (u32)(((u64)size + s->block_size - 1) >> s->block_shift));
		ext2_dirty(ei, EI_DIRTY_META);
		ext2_end(s);
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	}
	if (size < old)
		up_read(&s->cut_lock);
	return rc;
}

int ext2_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	struct ext2_inode *ei = ext2_i(i);
	struct ext2_sb *s = ext2_is(ei);
	int rc = setattr_prepare(d, a);

	if (rc)
		return rc;
	if ((a->valid & ATTR_SIZE) && a->size != i->size) {
		if (!S_ISREG(i->mode))
			return -EINVAL;
		rc = set_size(i, a->size);
		if (rc)
			return rc;
	}
	rc = ext2_begin(s);
	if (rc)
		return rc;
	setattr_copy(i, a);
	ext2_dirty(ei, EI_DIRTY_META);
	ext2_end(s);
	return 0;
}

int ext2_getattr(const struct path *p, struct kstat *st)
{
	struct inode *i = p->dentry->inode;
	u32 f = ext2_i(i)->flags;

	generic_fillattr(i, st);
	st->attributes |= f & EXT2_FL_APPEND ? STATX_ATTR_APPEND : 0;
	st->attributes |= f & EXT2_FL_COMPR ? STATX_ATTR_COMPRESSED : 0;
	st->attributes |= f & EXT2_FL_IMMUTABLE ? STATX_ATTR_IMMUTABLE : 0;
	st->attributes |= f & EXT2_FL_NODUMP ? STATX_ATTR_NODUMP : 0;
	st->attributes_mask |= STATX_ATTR_APPEND | STATX_ATTR_COMPRESSED | STATX_ATTR_IMMUTABLE |
			       STATX_ATTR_NODUMP;
	return 0;
}
