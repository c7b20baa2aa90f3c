/* SPDX-License-Identifier: MIT */
/* Names: looking up, creating, linking, removing, renaming.
 *
 * Each change runs in two phases inside one operation (ext2_begin .. ext2_end): what may fail first
 * (inode, blocks, room in the directory, rank of directory blocks), then what cannot. Two failures
 * are worth another try after a commit: no space while freed blocks wait for one, and ranks that
 * contradict each other.
 * Locking: the VFS holds the directories' inode->lock and that of the object. New inodes are taken
 * back outside of the operation, because their end is an operation of its own. */
#include "ext2_internal.h"

#include <kernel/printf.h>

/* After an operation failed: a commit was made that may help. */
static bool try_again(struct ext2_sb *s, int rc, unsigned int *tries)
{
	if (++*tries > 4)
		return false;
	if (rc == -EAGAIN)
		return !ext2_commit(s, ext2_running_id(s), false);
	return rc == -ENOSPC && ext2_make_space(s);
}

/* Directories that are to be written at once. */
static int sync_dir(struct inode *dir, int rc)
{
	struct ext2_sb *s = ext2_s(dir->sb);

	if (likely(!(dir->flags & (S_SYNC | S_DIRSYNC)) &&
		   !(dir->sb->flags & (SB_SYNCHRONOUS | SB_DIRSYNC))))
		return rc;
	return rc ? rc : ext2_commit(s, ext2_running_id(s), true);
}

static void touch_ctime(struct inode *i)
{
	u64 now = ext2_now(i->sb);

	spin_lock(&i->spin);
	i->ctime = now;
	i->version++;
	spin_unlock(&i->spin);
}

/* The object has a name less; the caller holds a reference. */
static void drop_link(struct inode *i)
{
	touch_ctime(i);
	i->nlink = S_ISDIR(i->mode) ? 0 : i->nlink - 1;
	if (i->nlink)
		ext2_dirty(ext2_i(i), EI_DIRTY_META);
	else
		ext2_undirty(ext2_i(i));
}

static void change_links(struct inode *dir, int by)
{
	/* A directory whose count is damaged does not die of it. */
	if (by > 0 || dir->nlink > 2)
		dir->nlink = (u32)((int)dir->nlink + by);
	ext2_dirty(ext2_i(dir), EI_DIRTY_META);
}

/* --- look-up --- */

static int ext2_lookup(struct inode *dir, struct dentry *d)
{
	struct ext2_inode *di = ext2_i(dir);
	struct inode *i = NULL;
	u32 ino;
	int rc;

	if (d->name.len > NAME_MAX)
		return -ENAMETOOLONG;
	rc = ext2_dir_find(di, &d->name, &ino);
	if (rc && rc != -ENOENT)
		return rc;
	if (!rc) {
		rc = ext2_iget(dir->sb, ino, &i);
		if (rc == -ESTALE) {
			ext2_error(ext2_is(di), di, 0, "deleted inode %u referenced", ino);
			rc = -EIO;
		} else if (rc == -EIO) {
			ext2_error(ext2_is(di), di, 0, "a name leads to the bad inode %u", ino);
		}
		if (rc)
			return rc;
	}
	return d_splice(d, i);
}

/* --- creating --- */

struct new_object {
	mode_t mode;
	dev_t dev;
	const char *target; /* of a symlink */
};

static int init_object(struct inode *i, struct inode *dir, const struct new_object *o)
{
	struct ext2_inode *ei = ext2_i(i);
	int rc = ext2_acl_init(i, dir);

	if (rc)
		return rc;
	if (S_ISDIR(o->mode)) {
		i->nlink = 2;
		return ext2_dir_init(ei, (u32)dir->ino);
	}
	if (S_ISLNK(o->mode))
		return ext2_symlink_init(ei, o->target, strlen(o->target));
	if (S_ISCHR(o->mode) || S_ISBLK(o->mode)) {
		inode_init_special(i, i->mode, o->dev);
		if (MAJOR(o->dev) < 256 && MINOR(o->dev) < 256) {
			ei->block[0] = MAJOR(o->dev) << 8 | MINOR(o->dev);
		} else {
			ei->block[0] = 0;
			ei->block[1] = (u32)dev_encode(o->dev);
		}
	}
	return 0;
}

static int make_once(struct inode *dir, struct dentry *d, const struct new_object *o)
{
	struct ext2_inode *di = ext2_i(dir);
	struct ext2_sb *s = ext2_is(di);
	struct inode *i = NULL;
	struct ext2_slot slot;
	int rc = ext2_begin(s);

	if (rc)
		return rc;
	rc = ext2_new_inode(dir, o->mode, &d->name, &i);
	if (rc)
		goto end;
	rc = init_object(i, dir, o);
	if (!rc)
		rc = ext2_dir_room(di, d->name.len, &slot);
	if (rc)
		goto end;
	ext2_dir_put(di, &slot, &d->name, i);
	ext2_dirty(ext2_i(i), EI_DIRTY_META);
	if (S_ISDIR(o->mode))
		change_links(dir, 1);
end:
	ext2_end(s);
	if (!rc)
		d_instantiate(d, i);
	else if (i)
		ext2_unmake_inode(i);
	return rc;
}

static int make(struct inode *dir, struct dentry *d, const struct new_object *o)
{
	struct ext2_sb *s = ext2_s(dir->sb);
	unsigned int tries = 0;
	int rc;

	if (d->name.len > NAME_MAX)
		return -ENAMETOOLONG;
	do {
		rc = make_once(dir, d, o);
	} while (unlikely(rc) && try_again(s, rc, &tries));
	return sync_dir(dir, rc);
}

static int ext2_create(struct inode *dir, struct dentry *d, mode_t mode, bool excl __maybe_unused)
{
	struct new_object o = { .mode = (mode & S_IALLUGO) | S_IFREG };

	return make(dir, d, &o);
}

static int ext2_mknod(struct inode *dir, struct dentry *d, mode_t mode, dev_t dev)
{
	struct new_object o = { .mode = mode, .dev = dev };

	return make(dir, d, &o);
}

static int ext2_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct new_object o = { .mode = S_IFLNK | 0777, .target = target };

	if (strlen(target) + 1 > dir->sb->blocksize)
		return -ENAMETOOLONG;
	return make(dir, d, &o);
}

static int ext2_mkdir(struct inode *dir, struct dentry *d, mode_t mode)
{
	struct new_object o = { .mode = mode | S_IFDIR };

	if (dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	return make(dir, d, &o);
}

static int tmpfile_inode(struct inode *dir, mode_t mode, struct inode **out)
{
	struct ext2_sb *s = ext2_s(dir->sb);
	struct new_object o = { .mode = mode };
	struct inode *i = NULL;
	int rc = ext2_begin(s);

	if (rc)
		return rc;
	rc = ext2_new_inode(dir, mode, NULL, &i);
	if (!rc)
		rc = init_object(i, dir, &o);
	ext2_end(s);
	if (rc && i)
		ext2_unmake_inode(i);
	if (!rc) {
		i->nlink = 0;
		*out = i;
	}
	return rc;
}

static int ext2_tmpfile(struct inode *dir, struct file *f, mode_t mode)
{
	struct path p = { f->path.mnt, NULL };
	unsigned int tries = 0;
	struct inode *i;
	char text[24];
	struct qstr q;
	int rc;

	do {
		rc = tmpfile_inode(dir, mode, &i);
	} while (rc && try_again(ext2_s(dir->sb), rc, &tries));
	if (rc)
		return rc;
	q.name = text;
	q.len = (u32)scnprintf(text, sizeof(text), "#%llu", (unsigned long long)i->ino);
	q.hash = 0;
	p.dentry = d_alloc(f->path.dentry, &q);
	if (!p.dentry) {
		inode_put(i);
		return -ENOMEM;
	}
	d_instantiate(p.dentry, i);
	rc = file_finish_open(f, &p);
	d_put(p.dentry);
	return rc;
}

/* --- links --- */

static int link_once(struct inode *i, struct inode *dir, struct dentry *d)
{
	struct ext2_inode *di = ext2_i(dir), *ei = ext2_i(i);
	struct ext2_sb *s = ext2_is(di);
	struct ext2_slot slot;
	int rc = ext2_begin(s);

	if (rc)
		return rc;
	rc = ext2_dir_room(di, d->name.len, &slot);
	if (!rc)
		rc = ext2_rank_gain(ei, di, &slot);
	if (!rc) {
		ext2_dir_put(di, &slot, &d->name, i);
		touch_ctime(i);
		i->nlink++;
		ext2_dirty(ei, EI_DIRTY_META);
		/* What was written before it had a name must be there before the name is. */
		if (i->nlink == 1 && S_ISREG(i->mode))
			ext2_dirty_data(ei);
	}
	ext2_end(s);
	return rc;
}

static int ext2_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *i = old->inode;
	unsigned int tries = 0;
	int rc;

	if (d->name.len > NAME_MAX)
		return -ENAMETOOLONG;
	if (i->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	do {
		rc = link_once(i, dir, d);
	} while (rc && try_again(ext2_s(dir->sb), rc, &tries));
	if (!rc) {
		inode_get(i);
		d_instantiate(d, i);
	}
	return sync_dir(dir, rc);
}

/* --- removing --- */

/* Finds the entry of d and prepares its going; *slot. Inside an operation. */
static int prepare_removal(struct inode *dir, struct dentry *d, struct ext2_slot *slot)
{
	struct inode *i = d->inode;
	bool isdir = S_ISDIR(i->mode);
	u32 ino;
	int rc = ext2_dir_locate(ext2_i(dir), &d->name, slot, &ino);

	if (rc)
		return rc;
	if (ino != i->ino) {
		ext2_error(ext2_s(dir->sb), ext2_i(dir), slot->buf->block,
			   "entry names inode %u instead of %llu", ino,
			   (unsigned long long)i->ino);
		return -EIO;
	}
	return isdir || i->nlink > 1 ? ext2_rank_lose(ext2_i(i), ext2_i(dir), slot) : 0;
}

static int remove_once(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	struct ext2_sb *s = ext2_s(dir->sb);
	struct ext2_slot slot;
	int rc = ext2_begin(s);

	if (rc)
		return rc;
	rc = prepare_removal(dir, d, &slot);
	if (!rc && (S_ISDIR(i->mode) || i->nlink == 1))
		rc = ext2_note_dead(ext2_i(i));
	if (!rc) {
		ext2_dir_remove(ext2_i(dir), &slot, &d->name);
		drop_link(i);
		if (S_ISDIR(i->mode))
			change_links(dir, -1);
	}
	ext2_end(s);
	return rc;
}

static int ext2_unlink(struct inode *dir, struct dentry *d)
{
	unsigned int tries = 0;
	int rc;

	do {
		rc = remove_once(dir, d);
	} while (unlikely(rc) && try_again(ext2_s(dir->sb), rc, &tries));
	return sync_dir(dir, rc);
}

static int ext2_rmdir(struct inode *dir, struct dentry *d)
{
	int rc = ext2_dir_empty(ext2_i(d->inode));

	return rc ? rc : ext2_unlink(dir, d);
}

/* --- renaming --- */

struct renaming {
	struct inode *olddir, *newdir, *i, *t; /* t: replaced, or NULL */
	struct dentry *old, *new;
	struct ext2_slot from, to, dotdot;
	bool isdir, moves; /* a directory that gets another parent */
};

static int rename_prepare(struct renaming *r)
{
	struct ext2_inode *nd = ext2_i(r->newdir);
	u32 ino;
	int rc;

	rc = ext2_dir_locate(ext2_i(r->olddir), &r->old->name, &r->from, &ino);
	if (rc)
		return rc;
	if (ino != r->i->ino)
		return -EIO;
	if (r->moves) {
		rc = ext2_dir_dotdot(ext2_i(r->i), &r->dotdot, &ino);
		if (rc)
			return rc;
	}
	rc = r->t ? prepare_removal(r->newdir, r->new, &r->to)
		  : ext2_dir_room(nd, r->new->name.len, &r->to);
	if (rc)
		return rc;
	if (r->from.buf != r->to.buf) {
		rc = ext2_rank_gain(ext2_i(r->i), nd, &r->to);
		if (!rc)
			rc = ext2_rank_lose(ext2_i(r->i), ext2_i(r->olddir), &r->from);
		if (rc)
			return rc;
	}
	return r->t && (r->isdir || r->t->nlink == 1) ? ext2_note_dead(ext2_i(r->t)) : 0;
}

static void rename_commit(struct renaming *r)
{
	struct ext2_inode *nd = ext2_i(r->newdir);

	if (r->t)
		ext2_dir_replace(nd, &r->to, r->i);
	else
		ext2_dir_put(nd, &r->to, &r->new->name, r->i);
	ext2_dir_remove(ext2_i(r->olddir), &r->from, &r->old->name);
	if (r->moves)
		ext2_dir_set_parent(ext2_i(r->i), &r->dotdot, r->newdir);
	if (r->isdir && r->t)
		change_links(r->newdir, -1);
	if (r->moves) {
		change_links(r->olddir, -1);
		change_links(r->newdir, 1);
	}
	if (r->t)
		drop_link(r->t);
	touch_ctime(r->i);
	ext2_dirty(ext2_i(r->i), EI_DIRTY_META);
}

static int ext2_rename(struct inode *olddir, struct dentry *old, struct inode *newdir,
		       struct dentry *new, unsigned int flags)
{
	struct ext2_sb *s = ext2_s(olddir->sb);
	struct renaming r = { .olddir = olddir, .newdir = newdir, .i = old->inode,
			      .t = new->inode, .old = old, .new = new };
	unsigned int tries = 0;
	int rc;

	if (flags & ~RENAME_NOREPLACE)
		return -EINVAL;
	if (new->name.len > NAME_MAX)
		return -ENAMETOOLONG;
	r.isdir = S_ISDIR(r.i->mode);
	r.moves = r.isdir && olddir != newdir;
	if (r.t && r.isdir) {
		rc = ext2_dir_empty(ext2_i(r.t));
		if (rc)
			return rc;
	} else if (r.moves && newdir->nlink >= EXT2_LINK_MAX) {
		return -EMLINK;
	}
	do {
		rc = ext2_begin(s);
		if (rc)
			return rc;
		rc = rename_prepare(&r);
		if (!rc)
			rename_commit(&r);
		ext2_end(s);
	} while (rc && try_again(s, rc, &tries));
	rc = sync_dir(newdir, rc);
	return olddir == newdir ? rc : sync_dir(olddir, rc);
}

const struct inode_ops ext2_dir_ops = {
	.lookup = ext2_lookup,
	.create = ext2_create,
	.link = ext2_link,
	.unlink = ext2_unlink,
	.symlink = ext2_symlink,
	.mkdir = ext2_mkdir,
	.rmdir = ext2_rmdir,
	.mknod = ext2_mknod,
	.rename = ext2_rename,
	.tmpfile = ext2_tmpfile,
	.setattr = ext2_setattr,
	.getattr = ext2_getattr,
	.getxattr = ext2_getxattr,
	.setxattr = ext2_setxattr,
	.listxattr = ext2_listxattr,
	.removexattr = ext2_removexattr,
	.get_acl = ext2_get_acl,
	.set_acl = ext2_set_acl,
	.update_time = ext2_update_time,
};

const struct inode_ops ext2_special_ops = {
	.setattr = ext2_setattr,
	.getattr = ext2_getattr,
	.getxattr = ext2_getxattr,
	.setxattr = ext2_setxattr,
	.listxattr = ext2_listxattr,
	.removexattr = ext2_removexattr,
	.get_acl = ext2_get_acl,
	.set_acl = ext2_set_acl,
	.update_time = ext2_update_time,
};
