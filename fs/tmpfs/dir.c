/* SPDX-License-Identifier: MIT */
/* tmpfs directories. Names live in the dentry cache: every positive dentry is pinned with a
 * reference, so a look-up that misses there has its answer. For listings each directory also keeps
 * its entries by a cookie that counts up; the cookie of a name is in dentry->private and stays the
 * same until the name moves, so that positions survive any change of the directory between two
 * calls.
 * Locking: all under the directory's inode->lock (exclusive for changes, shared for
 * listing). */
#include "tmpfs_internal.h"

#include <kernel/printf.h>

#define DIRENT_SIZE 20 /* what an entry adds to the size of its directory, as on Linux */

static int entry_add(struct inode *dir, struct dentry *d)
{
	struct tmpfs_inode *ti = tmpfs_i(dir);
	int rc;

	rc = xa_store(&ti->entries, ti->next_cookie, d, GFP_KERNEL);
	if (rc)
		return rc;
	d->private = (void *)ti->next_cookie++;
	dir->size += DIRENT_SIZE;
	return 0;
}

static void entry_del(struct inode *dir, struct dentry *d)
{
	xa_erase(&tmpfs_i(dir)->entries, (u64)d->private);
	d->private = NULL;
	dir->size -= DIRENT_SIZE;
}

static void dir_touched(struct inode *dir)
{
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
}

/* The cache knows every name: what is not there does not exist. */
static int tmpfs_lookup(struct inode *dir __maybe_unused, struct dentry *d)
{
	if (d->name.len > NAME_MAX)
		return -ENAMETOOLONG;
	d_add(d, NULL);
	return 0;
}

/* Gives name d the inode, whose reference is taken over also on error. */
static int attach(struct inode *dir, struct dentry *d, struct inode *i)
{
	int rc = entry_add(dir, d);

	if (rc) {
		if (S_ISDIR(i->mode))
			i->nlink = 0;
		else
			i->nlink--;
		inode_put(i);
		return rc;
	}
	d_instantiate(d, i);
	d_pin(d);
	dir_touched(dir);
	return 0;
}

static int make(struct inode *dir, struct dentry *d, mode_t mode, dev_t dev)
{
	struct inode *i;
	int rc;

	rc = tmpfs_inode_new(dir->sb, dir, mode, dev, &i);
	return rc ? rc : attach(dir, d, i);
}

static int tmpfs_create(struct inode *dir, struct dentry *d, mode_t mode, bool excl __maybe_unused)
{
	return make(dir, d, (mode & S_IALLUGO) | S_IFREG, 0);
}

static int tmpfs_mknod(struct inode *dir, struct dentry *d, mode_t mode, dev_t dev)
{
	return make(dir, d, mode, dev);
}

static int tmpfs_mkdir(struct inode *dir, struct dentry *d, mode_t mode)
{
	int rc = make(dir, d, mode | S_IFDIR, 0);

	if (!rc)
		dir->nlink++;
	return rc;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct inode *i;
	int rc;

	rc = tmpfs_inode_new(dir->sb, dir, S_IFLNK | 0777, 0, &i);
	if (rc)
		return rc;
	i->size = (loff_t)strlen(target);
	tmpfs_i(i)->link = kstrdup(target, GFP_KERNEL);
	if (!tmpfs_i(i)->link) {
		i->nlink = 0;
		inode_put(i);
		return -ENOMEM;
	}
	return attach(dir, d, i);
}

static int tmpfs_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *i = old->inode;

	inode_get(i);
	i->nlink++;
	inode_touch(i, ATTR_CTIME);
	return attach(dir, d, i);
}

/* The name goes; the caller's reference keeps the dentry. */
static void detach(struct inode *dir, struct dentry *d)
{
	entry_del(dir, d);
	dir_touched(dir);
	inode_touch(d->inode, ATTR_CTIME);
	d_unpin(d);
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	d->inode->nlink--;
	detach(dir, d);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
	if (!xa_empty(&tmpfs_i(d->inode)->entries))
		return -ENOTEMPTY;
	d->inode->nlink = 0;
	dir->nlink--;
	detach(dir, d);
	return 0;
}

static int rename_exchange(struct inode *olddir, struct dentry *old, struct inode *newdir,
			   struct dentry *new)
{
	u64 oc = (u64)old->private, nc = (u64) new->private;

	if (olddir != newdir && d_inode_is_dir(old) != d_inode_is_dir(new)) {
		struct inode *gets = d_inode_is_dir(old) ? newdir : olddir;
		struct inode *loses = gets == newdir ? olddir : newdir;

		gets->nlink++;
		loses->nlink--;
	}
	/* Both places exist, so these stores need no memory. */
	(void)!xa_store(&tmpfs_i(olddir)->entries, oc, new, GFP_ATOMIC);
	(void)!xa_store(&tmpfs_i(newdir)->entries, nc, old, GFP_ATOMIC);
	old->private = (void *)nc;
	new->private = (void *)oc;
	dir_touched(olddir);
	dir_touched(newdir);
	inode_touch(old->inode, ATTR_CTIME);
	inode_touch(new->inode, ATTR_CTIME);
	return 0;
}

static int tmpfs_rename(struct inode *olddir, struct dentry *old, struct inode *newdir,
			struct dentry *new, unsigned int flags)
{
	bool isdir = d_inode_is_dir(old);
	u64 old_cookie = (u64)old->private;
	int rc;

	if (flags & RENAME_EXCHANGE)
		return rename_exchange(olddir, old, newdir, new);
	if (new->inode && d_inode_is_dir(new) && !xa_empty(&tmpfs_i(new->inode)->entries))
		return -ENOTEMPTY;
	rc = entry_add(newdir, old);
	if (rc)
		return rc;
	xa_erase(&tmpfs_i(olddir)->entries, old_cookie);
	olddir->size -= DIRENT_SIZE;
	if (new->inode) {
		entry_del(newdir, new);
		inode_touch(new->inode, ATTR_CTIME);
		if (isdir) {
			new->inode->nlink = 0;
			newdir->nlink--;
		} else {
			new->inode->nlink--;
		}
		d_unpin(new);
	}
	if (isdir && olddir != newdir) {
		olddir->nlink--;
		newdir->nlink++;
	}
	dir_touched(olddir);
	dir_touched(newdir);
	inode_touch(old->inode, ATTR_CTIME);
	return 0;
}

static int tmpfs_tmpfile(struct inode *dir, struct file *f, mode_t mode)
{
	struct path p = { f->path.mnt, NULL };
	struct inode *i;
	char text[24];
	struct qstr q;
	int rc;

	rc = tmpfs_inode_new(dir->sb, dir, mode, 0, &i);
	if (rc)
		return rc;
	i->nlink = 0;
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

/* --- listing --- */

static int tmpfs_iterate(struct file *f, struct dir_context *ctx)
{
	struct dentry *dir = f->path.dentry, *d;
	struct tmpfs_inode *ti = tmpfs_i(f->inode);
	u64 cookie;

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, 0, f->inode->ino, DT_DIR))
			return 0;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		if (!ctx->emit(ctx, "..", 2, 1, dir->parent->inode->ino, DT_DIR))
			return 0;
		ctx->pos = 2;
	}
	cookie = ctx->pos == 2 ? ti->next_cookie : (u64)ctx->pos;
	while (cookie >= TMPFS_FIRST_COOKIE) {
		d = xa_find_last(&ti->entries, &cookie);
		if (!d) {
			ctx->pos = TMPFS_FIRST_COOKIE - 1;
			return 0;
		}
		ctx->pos = (loff_t)cookie;
		if (!ctx->emit(ctx, d->name.name, d->name.len, (loff_t)cookie, d->inode->ino,
			       mode_to_dtype(d->inode->mode)))
			return 0;
		ctx->pos = (loff_t)--cookie;
	}
	return 0;
}

static loff_t tmpfs_dir_llseek(struct file *f, loff_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

const struct inode_ops tmpfs_dir_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.symlink = tmpfs_symlink,
	.mkdir = tmpfs_mkdir,
	.rmdir = tmpfs_rmdir,
	.mknod = tmpfs_mknod,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.removexattr = tmpfs_removexattr,
	.set_acl = tmpfs_set_acl,
};

const struct file_ops tmpfs_dir_fops = {
	.iterate = tmpfs_iterate,
	.llseek = tmpfs_dir_llseek,
};
