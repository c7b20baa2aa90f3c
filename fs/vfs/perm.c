/* SPDX-License-Identifier: MIT */
/* Who may do what to an inode: mode bits, owner, groups, capabilities, sticky directories,
 * read-only file systems. The checks are made with fsuid, fsgid and the effective capabilities of
 * current, in the order in which Linux makes them, because programs see the first error. */
#include "vfs_internal.h"

#include <fs/posix_acl.h>
#include <fs/procfs.h>
#include <uapi/capability.h>

static bool in_group(const struct cred *c, gid_t gid)
{
	return c->fsgid == gid || cred_in_group(c, gid);
}

bool inode_owner_or_capable(const struct inode *i)
{
	return current_cred()->fsuid == i->uid || capable(CAP_FOWNER);
}

bool in_group_or_capable(const struct inode *i, gid_t gid)
{
	(void)i;
	return in_group(current_cred(), gid) || capable(CAP_FSETID);
}

int generic_permission(struct inode *i, unsigned int mask)
{
	const struct cred *c = current_cred();
	mode_t mode = i->mode;

	if (i->uid == c->fsuid) {
		mode >>= 6;
	} else {
		/* As Linux has it: a list whose mask is empty is not asked. */
		if (unlikely(READ_ONCE(i->acl)) && (mode & S_IRWXG)) {
			int rc = posix_acl_permission(i, mask);

			if (!rc || (rc < 0 && rc != -EACCES))
				return rc;
			if (rc < 0)
				goto refused;
		}
		if (((mode >> 3) ^ mode) & 7 && in_group(c, i->gid))
			mode >>= 3;
	}
	if (!(mask & (MAY_READ | MAY_WRITE | MAY_EXEC) & ~mode))
		return 0;
refused:
	mask &= MAY_READ | MAY_WRITE | MAY_EXEC;
	if (S_ISDIR(i->mode)) {
		if (!(mask & MAY_WRITE) && capable(CAP_DAC_READ_SEARCH))
			return 0;
		return capable(CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (mask == MAY_READ && capable(CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(mask & MAY_EXEC) || (i->mode & S_IXUGO)) && capable(CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *i, unsigned int mask)
{
	if (mask & MAY_WRITE) {
		if ((i->sb->flags & SB_RDONLY) &&
		    (S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
			return -EROFS;
		if (i->flags & S_IMMUTABLE)
			return -EPERM;
	}
	if (i->ops->permission)
		return i->ops->permission(i, mask);
	return generic_permission(i, mask);
}

static bool sticky_denies(const struct inode *dir, const struct inode *victim)
{
	uid_t uid = current_cred()->fsuid;

	if (!(dir->mode & S_ISVTX) || victim->uid == uid || dir->uid == uid)
		return false;
	return !capable(CAP_FOWNER);
}

int may_create(struct inode *dir, struct dentry *child)
{
	if (!d_is_negative(child))
		return -EEXIST;
	if (!dir->nlink)
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(struct inode *dir, struct dentry *victim, bool isdir)
{
	struct inode *i = victim->inode;
	int rc;

	if (!i)
		return -ENOENT;
	rc = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (rc)
		return rc;
	if (dir->flags & S_APPEND)
		return -EPERM;
	if (sticky_denies(dir, i) || (i->flags & (S_APPEND | S_IMMUTABLE)))
		return -EPERM;
	if (isdir) {
		if (!S_ISDIR(i->mode))
			return -ENOTDIR;
		if (victim->parent == victim)
			return -EBUSY;
	} else if (S_ISDIR(i->mode)) {
		return -EISDIR;
	}
	return dir->nlink ? 0 : -ENOENT;
}

int may_open(const struct path *p, unsigned int acc, int flags)
{
	struct inode *i = p->dentry->inode;
	int rc;

	if (!i)
		return -ENOENT;
	switch (i->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		if (acc & MAY_WRITE)
			return -EISDIR;
		if (acc & MAY_ACCESS)
			return -EACCES;
		break;
	case S_IFBLK:
	case S_IFCHR:
		if (path_nodev(p))
			return -EACCES;
		break;
	case S_IFREG:
		if ((acc & MAY_ACCESS) && path_noexec(p))
			return -EACCES;
		break;
	default:
		break;
	}
	rc = inode_permission(i, acc & (MAY_READ | MAY_WRITE | MAY_EXEC | MAY_APPEND));
	if (rc)
		return rc;
	if (i->flags & S_APPEND) {
		if ((flags & O_ACCMODE) != O_RDONLY && !(flags & O_APPEND))
			return -EPERM;
		if (flags & O_TRUNC)
			return -EPERM;
	}
	if ((flags & O_NOATIME) && !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

SYSCTL(protected_symlinks, "fs/protected_symlinks", 0644, &protected_symlinks, 0, 1);
SYSCTL(protected_hardlinks, "fs/protected_hardlinks", 0644, &protected_hardlinks, 0, 1);
SYSCTL(protected_fifos, "fs/protected_fifos", 0644, &protected_fifos, 0, 2);
SYSCTL(protected_regular, "fs/protected_regular", 0644, &protected_regular, 0, 2);
