/* SPDX-License-Identifier: MIT */
/* Making, removing, linking and renaming names: everything that changes a directory.
 *
 * Each do_* function walks to the parent, takes the directory's lock, checks in Linux's order and
 * calls the file system. The kern_* forms are the same for the kernel's own use (initramfs,
 * devtmpfs).
 * Locking: parent inode->lock exclusive, then that of the victim. Renames between directories: the
 * super block's rename_lock first, then both parents (ancestor first, else by address). Then the
 * directories among source and target: the target when it is to be replaced, the source when it
 * changes its parent; then the others, by address. Without rename_lock locks of directories are
 * taken only downwards, one per level: its owner alone may take them sideways, or two of them would
 * meet.
 * Invariant: the file system is called with a positive or
 * negative dentry that is hashed and whose parent's lock is held, so nobody else can change that
 * name. */
#include "notify.h"
#include "vfs_internal.h"

#include <fs/posix_acl.h>
#include <uapi/capability.h>

/* Parent of a name to be made, its lock held, and the negative dentry. */
static NO_LOCK_ANALYSIS int create_begin(struct walk *w, int dirfd, const char *name,
					 unsigned int lookup, bool dir, struct dentry **out)
{
	struct dentry *d;
	int rc;

	rc = walk_parent(w, dirfd, name, lookup);
	if (rc)
		return rc;
	rc = -EEXIST;
	if (w->last_type != LAST_NORM)
		goto fail;
	down_write_nested(&w->path.dentry->inode->lock);
	rc = walk_lookup_locked(w->path.dentry, &w->last, &d);
	if (rc)
		goto unlock;
	rc = -EEXIST;
	if (!d_is_negative(d))
		goto put;
	rc = -ENOENT; /* "name/" can only be a directory */
	if (w->trailing_slash && !dir)
		goto put;
	rc = mount_writable(&w->path);
	if (rc)
		goto put;
	*out = d;
	return 0;
put:
	d_put(d);
unlock:
	up_write(&w->path.dentry->inode->lock);
fail:
	walk_end(w);
	return rc;
}

static NO_LOCK_ANALYSIS void create_end(struct walk *w, struct dentry *d)
{
	d_put(d);
	up_write(&w->path.dentry->inode->lock);
	walk_end(w);
}

static int mkdir_locked(struct inode *dir, struct dentry *d, mode_t mode)
{
	int rc = may_create(dir, d);

	if (!rc)
		rc = posix_acl_umask(dir, &mode);
	if (rc)
		return rc;
	if (!dir->ops->mkdir)
		return -EPERM;
	mode &= S_IRWXUGO | S_ISVTX;
	return dir->ops->mkdir(dir, d, mode);
}

int do_mkdir(int dirfd, const char *name, mode_t mode)
{
	struct dentry *d;
	struct walk w;
	int rc;

	rc = create_begin(&w, dirfd, name, 0, true, &d);
	if (rc)
		return rc;
	rc = mkdir_locked(w.path.dentry->inode, d, mode);
	if (!rc)
		notify_event(w.path.dentry->inode, IN_CREATE | IN_ISDIR, 0, &w.last);
	create_end(&w, d);
	return rc;
}

int do_mknod(int dirfd, const char *name, mode_t mode, dev_t dev)
{
	struct dentry *d;
	struct inode *dir;
	struct walk w;
	int rc;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	rc = create_begin(&w, dirfd, name, 0, false, &d);
	if (rc)
		return rc;
	dir = w.path.dentry->inode;
	mode &= S_IFMT | S_IALLUGO;
	rc = may_create(dir, d);
	if (!rc && (S_ISCHR(mode) || S_ISBLK(mode)) && !capable(CAP_MKNOD))
		rc = -EPERM;
	if (!rc)
		rc = posix_acl_umask(dir, &mode);
	if (rc)
		goto out;
	rc = -EPERM;
	if (S_ISREG(mode)) {
		if (dir->ops->create)
			rc = dir->ops->create(dir, d, mode, true);
	} else if (dir->ops->mknod) {
		rc = dir->ops->mknod(dir, d, mode, dev);
	}
	if (!rc)
		notify_event(dir, IN_CREATE, 0, &w.last);
out:
	create_end(&w, d);
	return rc;
}

int do_symlink(const char *target, int dirfd, const char *name)
{
	struct dentry *d;
	struct inode *dir;
	struct walk w;
	int rc;

	rc = create_begin(&w, dirfd, name, 0, false, &d);
	if (rc)
		return rc;
	dir = w.path.dentry->inode;
	rc = may_create(dir, d);
	if (!rc)
		rc = dir->ops->symlink ? dir->ops->symlink(dir, d, target) : -EPERM;
	if (!rc)
		notify_event(dir, IN_CREATE, 0, &w.last);
	create_end(&w, d);
	return rc;
}

/* --- removing --- */

static NO_LOCK_ANALYSIS int remove_begin(struct walk *w, struct dentry **out)
{
	int rc;

	down_write_nested(&w->path.dentry->inode->lock);
	rc = mount_writable(&w->path);
	if (!rc)
		rc = walk_lookup_locked(w->path.dentry, &w->last, out);
	if (rc)
		up_write(&w->path.dentry->inode->lock);
	return rc;
}

/* Releases the directory's lock, then the name and perhaps the last of the object: truncating a
 * large file must not hold up the directory. */
static NO_LOCK_ANALYSIS void remove_end(struct walk *w, struct dentry *d, struct inode *keep)
{
	up_write(&w->path.dentry->inode->lock);
	d_put(d);
	if (keep)
		inode_put(keep);
	walk_end(w);
}

static int rmdir_locked(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode; /* the caller holds a reference */
	int rc = may_delete(dir, d, true);

	if (rc)
		return rc;
	if (!dir->ops->rmdir)
		return -EPERM;
	down_write_nested(&i->lock);
	if (d_mountpoint_in_use(d)) {
		rc = -EBUSY;
	} else {
		d_prune_children(d); /* negative names would keep it alive */
		rc = dir->ops->rmdir(dir, d);
	}
	if (!rc)
		d_delete(d); /* not before: nothing can be mounted on it while it is locked */
	up_write(&i->lock);
	return rc;
}

int do_rmdir(int dirfd, const char *name)
{
	struct inode *keep = NULL;
	struct dentry *d;
	struct walk w;
	int rc;

	rc = walk_parent(&w, dirfd, name, 0);
	if (rc)
		return rc;
	rc = w.last_type == LAST_DOTDOT ? -ENOTEMPTY
	     : w.last_type == LAST_DOT	? -EINVAL
	     : w.last_type == LAST_ROOT ? -EBUSY
					: 0;
	if (!rc)
		rc = remove_begin(&w, &d);
	if (rc) {
		walk_end(&w);
		return rc;
	}
	if (d_is_negative(d)) {
		rc = -ENOENT;
	} else {
		keep = d->inode;
		inode_get(keep);
		rc = rmdir_locked(w.path.dentry->inode, d);
		if (!rc) {
			notify_event(w.path.dentry->inode, IN_DELETE | IN_ISDIR, 0, &w.last);
			inotify_deleted(keep);
		}
	}
	remove_end(&w, d, keep);
	return rc;
}

static int unlink_locked(struct inode *dir, struct dentry *d)
{
	struct inode *i = d->inode;
	int rc = may_delete(dir, d, false);

	if (rc)
		return rc;
	if (!dir->ops->unlink)
		return -EPERM;
	down_write_nested(&i->lock);
	if (d_mountpoint_in_use(d))
		rc = -EBUSY;
	else
		rc = dir->ops->unlink(dir, d);
	if (!rc)
		d_delete(d);
	up_write(&i->lock);
	return rc;
}

int do_unlink(int dirfd, const char *name)
{
	struct inode *keep = NULL;
	struct dentry *d;
	struct walk w;
	int rc;

	rc = walk_parent(&w, dirfd, name, 0);
	if (rc)
		return rc;
	rc = w.last_type != LAST_NORM ? -EISDIR : 0;
	if (!rc)
		rc = remove_begin(&w, &d);
	if (rc) {
		walk_end(&w);
		return rc;
	}
	if (d_is_negative(d)) {
		rc = -ENOENT;
	} else if (w.trailing_slash) {
		rc = d_is_dir(d) ? -EISDIR : -ENOTDIR;
	} else {
		keep = d->inode;
		inode_get(keep);
		rc = unlink_locked(w.path.dentry->inode, d);
		if (!rc) {
			notify_event(keep, IN_ATTRIB, 0, NULL);
			notify_event(w.path.dentry->inode, IN_DELETE, 0, &w.last);
			if (!keep->nlink)
				inotify_deleted(keep);
		}
	}
	remove_end(&w, d, keep);
	return rc;
}

/* --- links --- */

/* fs.protected_hardlinks: only to what one owns or could write. */
static int may_linkat(struct inode *i)
{
	if (!protected_hardlinks || inode_owner_or_capable(i))
		return 0;
	if (!S_ISREG(i->mode) || (i->mode & S_ISUID) ||
	    (i->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) ||
	    inode_permission(i, MAY_READ | MAY_WRITE))
		return -EPERM;
	return 0;
}

static int link_locked(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *i = old->inode;
	int rc = may_create(dir, d);

	if (rc)
		return rc;
	if (dir->sb != i->sb)
		return -EXDEV;
	if (i->flags & (S_APPEND | S_IMMUTABLE))
		return -EPERM;
	if (!dir->ops->link || S_ISDIR(i->mode))
		return -EPERM;
	down_write_nested(&i->lock);
	/* A file without a name may get one only when it was made for that (O_TMPFILE). */
	if (i->nlink == 0 && !(i->state & INODE_LINKABLE))
		rc = -ENOENT;
	else
		rc = dir->ops->link(old, dir, d);
	if (!rc && (i->state & INODE_LINKABLE))
		inode_state_clear(i, INODE_LINKABLE);
	up_write(&i->lock);
	return rc;
}

int do_link(int olddfd, const char *old, unsigned int lookup, int newdfd, const char *name)
{
	struct path from;
	struct dentry *d;
	struct walk w;
	int rc;

	rc = walk_path(olddfd, old, lookup, &from);
	if (rc)
		return rc;
	rc = create_begin(&w, newdfd, name, 0, false, &d);
	if (rc)
		goto out;
	rc = from.mnt != w.path.mnt ? -EXDEV : may_linkat(from.dentry->inode);
	if (!rc)
		rc = link_locked(from.dentry, w.path.dentry->inode, d);
	if (!rc) {
		notify_event(from.dentry->inode, IN_ATTRIB, 0, NULL);
		notify_event(w.path.dentry->inode, IN_CREATE, 0, &w.last);
	}
	create_end(&w, d);
out:
	path_put(&from);
	return rc;
}

/* --- renaming --- */

struct rename_ctx {
	struct walk old, new;
	struct dentry *od, *nd; /* the two names */
	unsigned int flags;
	bool cross;
};

/* Locks both parents. *trap: the child of one through which the other is reached, or NULL. */
static NO_LOCK_ANALYSIS struct dentry *lock_parents(struct rename_ctx *c)
{
	struct dentry *a = c->old.path.dentry, *b = c->new.path.dentry, *p;

	if (a == b) {
		down_write_nested(&a->inode->lock);
		return NULL;
	}
	c->cross = true;
	mutex_lock(&a->sb->rename_lock);
	for (p = a; p->parent != p; p = p->parent) {
		if (p->parent == b) {
			down_write_nested(&b->inode->lock);
			down_write_nested(&a->inode->lock);
			return p;
		}
	}
	for (p = b; p->parent != p; p = p->parent) {
		if (p->parent == a) {
			down_write_nested(&a->inode->lock);
			down_write_nested(&b->inode->lock);
			return p;
		}
	}
	down_write_nested(a->inode < b->inode ? &a->inode->lock : &b->inode->lock);
	down_write_nested(a->inode < b->inode ? &b->inode->lock : &a->inode->lock);
	return NULL;
}

static NO_LOCK_ANALYSIS void unlock_parents(struct rename_ctx *c)
{
	up_write(&c->old.path.dentry->inode->lock);
	if (!c->cross)
		return;
	up_write(&c->new.path.dentry->inode->lock);
	mutex_unlock(&c->old.path.dentry->sb->rename_lock);
}

/* Permissions of both sides, in Linux's order. */
static int rename_check(struct rename_ctx *c)
{
	struct inode *odir = c->old.path.dentry->inode, *ndir = c->new.path.dentry->inode;
	bool exchange = c->flags & RENAME_EXCHANGE, isdir = d_is_dir(c->od);
	int rc;

	rc = may_delete(odir, c->od, isdir);
	if (rc)
		return rc;
	if (d_is_negative(c->nd))
		rc = may_create(ndir, c->nd);
	else
		rc = may_delete(ndir, c->nd, exchange ? d_is_dir(c->nd) : isdir);
	if (rc)
		return rc;
	if (!odir->ops->rename)
		return -EPERM;
	/* A directory that moves gets a new "..". */
	if (odir != ndir && isdir) {
		rc = inode_permission(c->od->inode, MAY_WRITE);
		if (rc)
			return rc;
	}
	if (odir != ndir && exchange && d_is_dir(c->nd))
		return inode_permission(c->nd->inode, MAY_WRITE);
	return 0;
}

/* Which of source and target to lock, in which order. */
static unsigned int rename_order(const struct rename_ctx *c, struct inode *locked[2])
{
	struct inode *s = c->od->inode, *t = c->nd->inode;
	bool sdir = S_ISDIR(s->mode), tdir = t && S_ISDIR(t->mode);
	unsigned int n = 0;

	if (sdir && c->cross)
		locked[n++] = s;
	if (tdir && (c->cross || !(c->flags & RENAME_EXCHANGE)))
		locked[n++] = t;
	if (!sdir && t && !tdir && t < s)
		locked[n++] = t;
	if (!sdir)
		locked[n++] = s;
	if (t && !tdir && (sdir || t > s))
		locked[n++] = t;
	return n;
}

static NO_LOCK_ANALYSIS int rename_commit(struct rename_ctx *c)
{
	struct inode *source = c->od->inode, *target = c->nd->inode;
	bool exchange = c->flags & RENAME_EXCHANGE, isdir = S_ISDIR(source->mode);
	struct inode *locked[2];
	unsigned int n;
	int rc;

	if (source == target)
		return 0; /* two names of one file: nothing happens */
	rc = rename_check(c);
	if (rc)
		return rc;
	n = rename_order(c, locked);
	for (unsigned int k = 0; k < n; k++)
		down_write_nested(&locked[k]->lock);
	rc = -EBUSY;
	if (d_mountpoint_in_use(c->od) || d_mountpoint_in_use(c->nd))
		goto out;
	if (target && isdir && !exchange)
		d_prune_children(c->nd);
	rc = c->old.path.dentry->inode->ops->rename(c->old.path.dentry->inode, c->od,
						    c->new.path.dentry->inode, c->nd, c->flags);
	if (rc)
		goto out;
	if (exchange)
		d_exchange(c->od, c->nd);
	else
		d_move(c->od, c->nd);
out:
	while (n--)
		up_write(&locked[n]->lock);
	return rc;
}

/* Both names looked up, parents locked. */
static int rename_names(struct rename_ctx *c, struct dentry *trap)
{
	bool exchange = c->flags & RENAME_EXCHANGE;

	if (d_is_negative(c->od))
		return -ENOENT;
	if ((c->flags & RENAME_NOREPLACE) && !d_is_negative(c->nd))
		return -EEXIST;
	if (exchange) {
		if (d_is_negative(c->nd))
			return -ENOENT;
		if (!d_is_dir(c->nd) && c->new.trailing_slash)
			return -ENOTDIR;
	}
	if (!d_is_dir(c->od)) {
		if (c->old.trailing_slash)
			return -ENOTDIR;
		if (!exchange && c->new.trailing_slash)
			return -ENOTDIR;
	}
	if (c->od == trap) /* into itself */
		return -EINVAL;
	if (c->nd == trap) /* onto its own ancestor */
		return exchange ? -EINVAL : -ENOTEMPTY;
	return rename_commit(c);
}

static void rename_notify(struct rename_ctx *c, struct inode *moved, struct inode *gone)
{
	struct inode *odir = c->old.path.dentry->inode, *ndir = c->new.path.dentry->inode;
	u32 dir = S_ISDIR(moved->mode) ? IN_ISDIR : 0, cookie = inotify_cookie();

	if (moved == gone)
		return;
	notify_event(odir, IN_MOVED_FROM | dir, cookie, &c->old.last);
	notify_event(ndir, IN_MOVED_TO | dir, cookie, &c->new.last);
	notify_event(moved, IN_MOVE_SELF, 0, NULL);
	if (!gone)
		return;
	if (c->flags & RENAME_EXCHANGE) {
		dir = S_ISDIR(gone->mode) ? IN_ISDIR : 0;
		cookie = inotify_cookie();
		notify_event(ndir, IN_MOVED_FROM | dir, cookie, &c->new.last);
		notify_event(odir, IN_MOVED_TO | dir, cookie, &c->old.last);
		notify_event(gone, IN_MOVE_SELF, 0, NULL);
	} else {
		notify_event(gone, IN_ATTRIB, 0, NULL);
		if (!gone->nlink)
			inotify_deleted(gone);
	}
}

static int rename_locked(struct rename_ctx *c)
{
	struct inode *gone = NULL;
	struct dentry *trap;
	int rc;

	trap = lock_parents(c);
	rc = mount_writable(&c->old.path);
	if (!rc)
		rc = walk_lookup_locked(c->old.path.dentry, &c->old.last, &c->od);
	if (rc)
		goto unlock;
	rc = walk_lookup_locked(c->new.path.dentry, &c->new.last, &c->nd);
	if (rc)
		goto put_old;
	if (c->nd->inode) { /* its end must not run under the locks */
		gone = c->nd->inode;
		inode_get(gone);
	}
	rc = rename_names(c, trap);
	if (!rc && unlikely(READ_ONCE(inotify_watches)))
		rename_notify(c, c->od->inode, gone);
	unlock_parents(c);
	d_put(c->nd);
	d_put(c->od);
	if (gone)
		inode_put(gone);
	return rc;
put_old:
	d_put(c->od);
unlock:
	unlock_parents(c);
	return rc;
}

int do_rename(int olddfd, const char *old, int newdfd, const char *name, unsigned int flags)
{
	struct rename_ctx c = { .flags = flags };
	int rc;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) && (flags & RENAME_EXCHANGE))
		return -EINVAL;
	rc = walk_parent(&c.old, olddfd, old, 0);
	if (rc)
		return rc;
	rc = walk_parent(&c.new, newdfd, name, 0);
	if (rc)
		goto end_old;
	rc = -EXDEV;
	if (c.old.path.mnt != c.new.path.mnt)
		goto end_new;
	rc = -EBUSY;
	if (c.old.last_type != LAST_NORM)
		goto end_new;
	if (flags & RENAME_NOREPLACE)
		rc = -EEXIST;
	if (c.new.last_type != LAST_NORM)
		goto end_new;
	rc = flags & RENAME_WHITEOUT ? -EINVAL : rename_locked(&c);
end_new:
	walk_end(&c.new);
end_old:
	walk_end(&c.old);
	return rc;
}

/* --- for the kernel --- */

int kern_mkdir(const char *path, mode_t mode)
{
	return do_mkdir(AT_FDCWD, path, mode);
}

int kern_mknod(const char *path, mode_t mode, dev_t dev)
{
	return do_mknod(AT_FDCWD, path, mode, dev);
}

int kern_symlink(const char *target, const char *path)
{
	return do_symlink(target, AT_FDCWD, path);
}

int kern_link(const char *old, const char *path)
{
	return do_link(AT_FDCWD, old, 0, AT_FDCWD, path);
}

int kern_unlink(const char *path)
{
	return do_unlink(AT_FDCWD, path);
}
