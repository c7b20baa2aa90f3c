/* SPDX-License-Identifier: MIT */
/* Attributes: reading them, and the rules for changing mode, owner, size and times.
 *
 * Use: notify_change takes inode->lock, checks, and lets the file system apply the change;
 * vfs_setattr is the same for callers that hold the lock. */
#include "notify.h"
#include "vfs_internal.h"

#include <fs/posix_acl.h>
#include <kernel/time.h>
#include <uapi/capability.h>

int vfs_getattr(const struct path *p, struct kstat *st)
{
	struct inode *i = p->dentry->inode;

	st->attributes = 0;
	st->attributes_mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_AUTOMOUNT |
			      STATX_ATTR_MOUNT_ROOT;
	st->mnt_id = (u64)p->mnt->id;
	if (p->dentry == p->mnt->root)
		st->attributes |= STATX_ATTR_MOUNT_ROOT;
	if (unlikely(i->ops->getattr))
		return i->ops->getattr(p, st);
	generic_fillattr(i, st);
	return 0;
}

void generic_fillattr(struct inode *i, struct kstat *st)
{
	st->dev = i->sb->dev;
	st->ino = i->ino;
	st->rdev = i->rdev;
	st->size = (u64)READ_ONCE(i->size);
	st->blocks = i->blocks;
	st->mode = i->mode;
	st->nlink = i->nlink;
	st->blksize = i->sb->blocksize;
	st->uid = i->uid;
	st->gid = i->gid;
	st->atime = i->atime;
	st->mtime = i->mtime;
	st->ctime = i->ctime;
	st->btime = i->btime;
	if (unlikely(i->flags & S_IMMUTABLE))
		st->attributes |= STATX_ATTR_IMMUTABLE;
	if (unlikely(i->flags & S_APPEND))
		st->attributes |= STATX_ATTR_APPEND;
}

int rlimit_fsize_check(loff_t size)
{
	if ((u64)size > rlimit_cur(current, RLIMIT_FSIZE)) {
		struct siginfo info;

		kernel_siginfo(&info, SIGXFSZ, SI_KERNEL);
		(void)send_signal_task(current, SIGXFSZ, &info);
		return -EFBIG;
	}
	return 0;
}

/* May current make this change? Also drops set-id bits from a new mode that it may not set. */
int setattr_prepare(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	const struct cred *c = current_cred();
	int rc;

	if (a->valid & ATTR_SIZE) {
		if (a->size < i->size && (i->mapping->flags & F_SEAL_SHRINK))
			return -EPERM;
		if (a->size > i->size && (i->mapping->flags & F_SEAL_GROW))
			return -EPERM;
		if (a->size > i->size) {
			rc = rlimit_fsize_check(a->size);
			if (rc)
				return rc;
			if ((u64)a->size > i->sb->maxbytes)
				return -EFBIG;
		}
	}
	if ((a->valid & ATTR_UID) && (c->fsuid != i->uid || a->uid != i->uid) &&
	    !capable(CAP_CHOWN))
		return -EPERM;
	if ((a->valid & ATTR_GID) &&
	    (c->fsuid != i->uid ||
	     (a->gid != i->gid && c->fsgid != a->gid && !cred_in_group(c, a->gid))) &&
	    !capable(CAP_CHOWN))
		return -EPERM;
	if (a->valid & ATTR_MODE) {
		gid_t gid = a->valid & ATTR_GID ? a->gid : i->gid;

		if (!inode_owner_or_capable(i))
			return -EPERM;
		if (!in_group_or_capable(i, gid))
			a->mode &= ~(mode_t)S_ISGID;
	}
	if ((a->valid & (ATTR_ATIME_SET | ATTR_MTIME_SET)) && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

void setattr_copy(struct inode *i, const struct iattr *a)
{
	if (a->valid & ATTR_UID)
		i->uid = a->uid;
	if (a->valid & ATTR_GID)
		i->gid = a->gid;
	spin_lock(&i->spin);
	if (a->valid & ATTR_ATIME)
		i->atime = time_trunc(i->sb, a->atime);
	if (a->valid & ATTR_MTIME)
		i->mtime = time_trunc(i->sb, a->mtime);
	if (a->valid & ATTR_CTIME)
		i->ctime = time_trunc(i->sb, a->ctime);
	i->version++;
	spin_unlock(&i->spin);
	if (a->valid & ATTR_MODE) {
		mode_t mode = a->mode;

		if (!in_group_or_capable(i, i->gid))
			mode &= ~(mode_t)S_ISGID;
		i->mode = (i->mode & S_IFMT) | (mode & S_IALLUGO);
	}
	inode_mark_dirty(i);
}

int simple_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	int rc = setattr_prepare(d, a);

	if (rc)
		return rc;
	if ((a->valid & ATTR_SIZE) && a->size != i->size) {
		mapping_set_size(i, a->size);
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	}
	setattr_copy(i, a);
	return 0;
}

/* Set-id bits go when the owner changes or somebody else writes: ATTR_KILL_* become a mode. */
static void kill_setid(const struct inode *i, struct iattr *a)
{
	mode_t mode;

	if (!(a->valid & (ATTR_KILL_SUID | ATTR_KILL_SGID)))
		return;
	mode = a->valid & ATTR_MODE ? a->mode : i->mode;
	if (a->valid & ATTR_KILL_SUID)
		mode &= ~(mode_t)S_ISUID;
	if ((a->valid & ATTR_KILL_SGID) && (mode & S_ISGID))
		mode &= ~(mode_t)S_ISGID;
	if (mode != i->mode) {
		a->mode = mode;
		a->valid |= ATTR_MODE | ATTR_CTIME;
	}
	a->valid &= ~(ATTR_KILL_SUID | ATTR_KILL_SGID);
}

int vfs_setattr(struct dentry *d, struct iattr *a)
{
	struct inode *i = d->inode;
	u32 kill = a->valid & (ATTR_KILL_SUID | ATTR_KILL_SGID);
	u64 now = ktime_get_coarse_real();
	struct iattr full = *a;
	int rc;

	if ((a->valid & (ATTR_MODE | ATTR_UID | ATTR_GID)) && (i->flags & (S_IMMUTABLE | S_APPEND)))
		return -EPERM;
	if (a->valid & ATTR_TOUCH) {
		if (i->flags & S_IMMUTABLE)
			return -EPERM;
		if (!inode_owner_or_capable(i)) {
			rc = inode_permission(i, MAY_WRITE);
			if (rc)
				return rc;
		}
	}
	full.ctime = now;
	if (!(a->valid & ATTR_ATIME_SET))
		full.atime = now;
	if (!(a->valid & ATTR_MTIME_SET))
		full.mtime = now;
	if (kill) {
		/* The bits go although current may not own the file. */
		struct iattr mode_only = full;

		mode_only.valid = kill;
		kill_setid(i, &mode_only);
		full.valid &= ~(ATTR_KILL_SUID | ATTR_KILL_SGID);
		rc = i->ops->setattr ? i->ops->setattr(d, &full) : simple_setattr(d, &full);
		if (!rc && (mode_only.valid & ATTR_MODE)) {
			i->mode = mode_only.mode;
			inode_touch(i, ATTR_CTIME);
			inode_mark_dirty(i);
		}
		return rc;
	}
	rc = i->ops->setattr ? i->ops->setattr(d, &full) : simple_setattr(d, &full);
	if (!rc && unlikely(i->acl) && (full.valid & ATTR_MODE))
		rc = posix_acl_chmod(i);
	return rc;
}

int notify_change(const struct path *p, struct iattr *a)
{
	struct inode *i = p->dentry->inode;
	int rc;

	down_write(&i->lock);
	rc = mount_writable(p);
	if (!rc)
		rc = vfs_setattr(p->dentry, a);
	up_write(&i->lock);
	if (!rc)
		notify_dentry(p->dentry, IN_ATTRIB);
	return rc;
}

/* Before a write by somebody who may not keep them: inode->lock held. */
int file_remove_privs(struct file *f)
{
	struct inode *i = f->inode;
	mode_t mode = i->mode;

	if (!S_ISREG(mode) || !(mode & (S_ISUID | S_ISGID)) || capable(CAP_FSETID))
		return 0;
	mode &= ~(mode_t)S_ISUID;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		mode &= ~(mode_t)S_ISGID;
	i->mode = mode;
	inode_mark_dirty(i);
	return 0;
}

/* --- truncation --- */

static int truncate_locked(struct dentry *d, loff_t size, u32 valid, struct file *f)
{
	struct inode *i = d->inode;
	struct iattr a = { .valid = valid | ATTR_SIZE, .size = size, .file = f };

	if ((i->mode & S_ISUID) && !capable(CAP_FSETID))
		a.valid |= ATTR_KILL_SUID;
	if ((i->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !capable(CAP_FSETID))
		a.valid |= ATTR_KILL_SGID;
	return vfs_setattr(d, &a);
}

int vfs_truncate(const struct path *p, loff_t size)
{
	struct inode *i = p->dentry->inode;
	int rc;

	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode))
		return -EINVAL;
	rc = mount_writable(p);
	if (!rc)
		rc = inode_permission(i, MAY_WRITE);
	if (rc)
		return rc;
	if (i->flags & S_APPEND)
		return -EPERM;
	rc = inode_get_write(i);
	if (rc)
		return rc;
	down_write(&i->lock);
	rc = mount_writable(p);
	if (!rc)
		rc = truncate_locked(p->dentry, size, 0, NULL);
	up_write(&i->lock);
	inode_put_write(i);
	if (!rc)
		notify_dentry(p->dentry, IN_MODIFY);
	return rc;
}

int vfs_truncate_file(struct file *f, loff_t size)
{
	struct inode *i = f->inode;
	int rc;

	down_write(&i->lock);
	/* Also when the size stays: that is how Linux tells ftruncate and O_TRUNC from truncate. */
	rc = truncate_locked(f->path.dentry, size, ATTR_FILE | ATTR_MTIME | ATTR_CTIME, f);
	up_write(&i->lock);
	if (!rc)
		notify_dentry(f->path.dentry, IN_MODIFY);
	return rc;
}
