/* SPDX-License-Identifier: MIT */
/* open: from flags and a name to an open description.
 *
 * The common case (no O_CREAT) is one lock-free walk and the checks of may_open. With O_CREAT the
 * walk stops at the parent; the last component is looked up, and made if it is missing, under the
 * parent's lock; a symlink found there sends the walk on. The order of checks is Linux's: flags,
 * walk, EEXIST/EISDIR/ENOTDIR/ELOOP, permission, ETXTBSY and read-only mount, the object's own
 * open(), truncation last. */
#include "notify.h"
#include "vfs_internal.h"

#include <fs/posix_acl.h>
#include <fs/pipe.h>
#include <uapi/capability.h>

#define VALID_OPEN_FLAGS                                                                           \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |     \
	 FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |      \
	 O_SYNC_BIT | O_PATH | O_TMPFILE_BIT)

static const unsigned int acc_of[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE,
					MAY_READ | MAY_WRITE };

static int resolve_to_lookup(u64 resolve, u64 flags, unsigned int *lookup)
{
	if (resolve & ~(u64)(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS |
			     RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED))
		return -EINVAL;
	if ((resolve & RESOLVE_BENEATH) && (resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if ((resolve & RESOLVE_CACHED) && (flags & (O_TRUNC | O_CREAT | O_TMPFILE_BIT)))
		return -EAGAIN;
	*lookup |= resolve & RESOLVE_NO_XDEV ? LOOKUP_NO_XDEV : 0;
	*lookup |= resolve & RESOLVE_NO_MAGICLINKS ? LOOKUP_NO_MAGICLINKS : 0;
	*lookup |= resolve & RESOLVE_NO_SYMLINKS ? LOOKUP_NO_SYMLINKS : 0;
	*lookup |= resolve & RESOLVE_BENEATH ? LOOKUP_BENEATH : 0;
	*lookup |= resolve & RESOLVE_IN_ROOT ? LOOKUP_IN_ROOT : 0;
	*lookup |= resolve & RESOLVE_CACHED ? LOOKUP_CACHED : 0;
	return 0;
}

/* Checks what openat2 states; openat clears what it ignores before. */
int open_req_make(u64 flags, u64 mode, u64 resolve, struct open_req *rq)
{
	unsigned int acc = acc_of[flags & O_ACCMODE];

	if (unlikely(flags & ~(u64)VALID_OPEN_FLAGS))
		return -EINVAL;
	rq->lookup = 0;
	if (unlikely(resolve)) {
		int rc = resolve_to_lookup(resolve, flags, &rq->lookup);

		if (rc)
			return rc;
	}
	rq->mode = 0;
	if (flags & (O_CREAT | O_TMPFILE_BIT)) {
		if (mode & ~(u64)S_IALLUGO)
			return -EINVAL;
		rq->mode = (mode_t)mode;
	} else if (mode) {
		return -EINVAL;
	}
	if ((flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))
		return -EINVAL;
	if (unlikely(flags & O_TMPFILE_BIT)) {
		if (!(flags & O_DIRECTORY) || !(acc & MAY_WRITE))
			return -EINVAL;
	}
	if (flags & O_PATH) {
		if (flags & ~(u64)(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC))
			return -EINVAL;
		acc = 0;
	}
	if (flags & O_SYNC_BIT)
		flags |= O_DSYNC;
	if (flags & O_TRUNC)
		acc |= MAY_WRITE;
	if (flags & O_APPEND)
		acc |= MAY_APPEND;
	if (flags & O_DIRECTORY)
		rq->lookup |= LOOKUP_DIRECTORY;
	if (!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL))
		rq->lookup |= LOOKUP_FOLLOW;
	rq->flags = (int)(flags & ~(u64)O_CLOEXEC);
	rq->acc = acc;
	return 0;
}

/* Path found (references stay the caller's): checks, opens, truncates. */
static int open_found(const struct path *p, const struct open_req *rq, bool created, struct file *f)
{
	int rc;

	if (!created && !(rq->flags & O_PATH)) {
		rc = may_open(p, rq->acc, rq->flags);
		if (rc)
			return rc;
		if ((rq->flags & O_TRUNC) && S_ISREG(p->dentry->inode->mode)) {
			rc = mount_writable(p);
			if (rc)
				return rc;
		}
	}
	rc = file_finish_open(f, p);
	if (rc || created || !(rq->flags & O_TRUNC) || !S_ISREG(p->dentry->inode->mode))
		return rc;
	/* From here on f is open: the caller closes it after an error. */
	if (!(f->mode & FMODE_WRITE)) {
		rc = inode_get_write(f->inode);
		if (!rc) {
			rc = mount_writable(p); /* counted first, asked then */
			if (!rc)
				rc = vfs_truncate_file(f, 0);
			inode_put_write(f->inode);
		}
	} else {
		rc = vfs_truncate_file(f, 0);
	}
	return rc;
}

/* --- O_CREAT --- */

/* fs.protected_fifos, fs.protected_regular: no O_CREAT open of somebody else's in a sticky
 * directory that others may write to. */
static int may_create_in_sticky(const struct inode *dir, const struct inode *i)
{
	bool fifo = S_ISFIFO(i->mode), reg = S_ISREG(i->mode);
	s64 level = fifo ? protected_fifos : reg ? protected_regular : 0;

	if (likely(!level) || !(dir->mode & S_ISVTX) || i->uid == dir->uid ||
	    current_cred()->fsuid == i->uid)
		return 0;
	if ((dir->mode & S_IWOTH) || ((dir->mode & S_IWGRP) && level >= 2))
		return -EACCES;
	return 0;
}

/* Makes the missing last component; directory locked. */
static int create_locked(struct walk *w, struct dentry *d, const struct open_req *rq)
{
	struct inode *dir = w->path.dentry->inode;
	mode_t mode = rq->mode & S_IALLUGO;
	int rc;

	rc = mount_writable(&w->path);
	if (!rc)
		rc = may_create(dir, d);
	if (rc)
		return rc;
	if (!dir->ops->create)
		return -EACCES;
	rc = posix_acl_umask(dir, &mode);
	if (rc)
		return rc;
	return dir->ops->create(dir, d, mode | S_IFREG, rq->flags & O_EXCL);
}

/* Last component of an O_CREAT open: *d referenced and positive, *created. */
static int lookup_or_create(struct walk *w, const struct open_req *rq, struct dentry **out,
			    bool *created)
{
	struct dentry *dir = w->path.dentry, *d;
	int rc;

	d = d_lookup(dir, &w->last);
	if (d && !d_is_negative(d) && !(d->flags & DCACHE_REVALIDATE)) {
		*out = d;
		return 0;
	}
	if (d)
		d_put(d);
	down_write_nested(&dir->inode->lock);
	rc = walk_lookup_locked(dir, &w->last, &d);
	if (rc)
		goto unlock;
	if (d_is_negative(d)) {
		rc = create_locked(w, d, rq);
		*created = !rc;
		if (!rc)
			notify_event(dir->inode, IN_CREATE, 0, &w->last);
	}
	if (rc)
		d_put(d);
	else
		*out = d;
unlock:
	up_write(&dir->inode->lock);
	return rc;
}

static int check_existing(struct walk *w, const struct path *p, const struct open_req *rq)
{
	const struct inode *i = p->dentry->inode;

	if (rq->flags & O_EXCL)
		return -EEXIST;
	if (S_ISLNK(i->mode))
		return 0;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	return may_create_in_sticky(w->path.dentry->inode, i);
}

static int open_creating(int dirfd, const char *name, const struct open_req *rq, struct file *f)
{
	struct walk w;
	int rc;

	rc = walk_parent(&w, dirfd, name, rq->lookup);
	if (rc)
		return rc;
	for (;;) {
		bool created = false;
		struct path p;

		rc = -EISDIR;
		if (w.last_type != LAST_NORM || w.trailing_slash)
			break;
		rc = lookup_or_create(&w, rq, &p.dentry, &created);
		if (rc)
			break;
		p.mnt = w.path.mnt;
		mount_get(p.mnt);
		if (!created) {
			path_cross_mounts(&p);
			rc = (rq->lookup & LOOKUP_NO_XDEV) && p.mnt != w.path.mnt
				     ? -EXDEV
				     : check_existing(&w, &p, rq);
			if (!rc && d_is_symlink(p.dentry) && (rq->lookup & LOOKUP_FOLLOW)) {
				rc = walk_parent_link(&w, &p);
				if (rc)
					return rc;
				if (w.last_type == LAST_ROOT && w.jumped) { /* a magic link */
					rc = check_existing(&w, &w.path, rq);
					if (!rc)
						rc = open_found(&w.path, rq, false, f);
					break;
				}
				continue;
			}
		}
		if (!rc)
			rc = open_found(&p, rq, created, f);
		path_put(&p);
		break;
	}
	walk_end(&w);
	return rc;
}

static int open_tmpfile(int dirfd, const char *name, const struct open_req *rq, struct file *f)
{
	mode_t mode = rq->mode;
	struct inode *dir;
	struct path p;
	int rc;

	rc = walk_path(dirfd, name, rq->lookup | LOOKUP_DIRECTORY, &p);
	if (rc)
		return rc;
	dir = p.dentry->inode;
	rc = inode_get_write(dir); /* keeps a remount to read-only away */
	if (rc)
		goto put;
	rc = mount_writable(&p);
	if (!rc)
		rc = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (!rc && !dir->ops->tmpfile)
		rc = -EOPNOTSUPP;
	if (!rc)
		rc = posix_acl_umask(dir, &mode);
	if (!rc) {
		f->path = p; /* tmpfile() makes the dentry and opens it on this mount */
		rc = dir->ops->tmpfile(dir, f, mode | S_IFREG);
		if (rc)
			f->path = (struct path){ NULL, NULL };
		else if (!(rq->flags & O_EXCL))
			inode_state_set(f->inode, INODE_LINKABLE);
	}
	inode_put_write(dir);
put:
	path_put(&p);
	return rc;
}

int do_open(int dirfd, const char *name, const struct open_req *rq, struct file **out)
{
	struct file *f;
	struct path p;
	int rc;

	rc = file_alloc(rq->flags, current_cred(), &f);
	if (unlikely(rc))
		return rc;
	if (unlikely(rq->flags & O_TMPFILE_BIT)) {
		rc = open_tmpfile(dirfd, name, rq, f);
	} else if ((rq->flags & O_CREAT) && !(rq->flags & O_PATH)) {
		rc = open_creating(dirfd, name, rq, f);
	} else {
		rc = walk_path(dirfd, name, rq->lookup, &p);
		if (!rc) {
			rc = open_found(&p, rq, false, f);
			path_put(&p);
		}
	}
	if (likely(!rc)) {
		if (!(f->mode & FMODE_PATH))
			notify_dentry(f->path.dentry, IN_OPEN);
		*out = f;
		return 0;
	}
	if (f->inode) /* opened, and then the truncation failed */
		file_put(f);
	else
		file_free_unopened(f);
	return rc;
}

/* --- for the kernel --- */

int kern_open(const char *path, int flags, mode_t mode, struct file **out)
{
	struct open_req rq;
	int rc;

	rc = open_req_make((u64)(flags | O_LARGEFILE), flags & (O_CREAT | O_TMPFILE_BIT) ? mode : 0,
			   0, &rq);
	return rc ? rc : do_open(AT_FDCWD, path, &rq, out);
}

int file_open_exec(int dirfd, const char *path, int at_flags, struct file **out)
{
	unsigned int lookup = at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct file *f;
	struct path p;
	int rc;

	if (at_flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	rc = walk_path(dirfd, path, lookup, &p);
	if (rc)
		return rc;
	/* MAY_ACCESS tells may_open that it is for execution. */
	rc = may_open(&p, MAY_EXEC | MAY_ACCESS, O_RDONLY);
	if (!rc && !S_ISREG(p.dentry->inode->mode))
		rc = -EACCES;
	if (rc)
		goto out;
	rc = file_open_path(&p, O_RDONLY | O_LARGEFILE, current_cred(), &f);
	if (rc)
		goto out;
	rc = inode_deny_write(f->inode);
	if (rc) {
		file_put(f);
		goto out;
	}
	f->mode |= FMODE_EXEC;
	*out = f;
out:
	path_put(&p);
	return rc;
}
