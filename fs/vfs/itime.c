/* SPDX-License-Identifier: MIT */
/* Time stamps of inodes: when they are due, and how exact the file system keeps them. */
#include "vfs_internal.h"

#include <kernel/time.h>

u64 inode_now(const struct inode *i)
{
	return time_trunc(i->sb, ktime_get_coarse_real());
}

void inode_touch(struct inode *i, u32 attr_bits)
{
	u64 now = inode_now(i);

	if (i->ops->update_time) {
		i->ops->update_time(i, attr_bits, now);
		return;
	}
	spin_lock(&i->spin);
	if (attr_bits & ATTR_ATIME)
		i->atime = now;
	if (attr_bits & ATTR_MTIME)
		i->mtime = now;
	if (attr_bits & ATTR_CTIME)
		i->ctime = now;
	if (attr_bits & (ATTR_MTIME | ATTR_CTIME))
		i->version++;
	spin_unlock(&i->spin);
	inode_mark_dirty(i);
}

#define DAY_NS (86400ull * NSEC_PER_SEC)

/* Is the access time due? Times compare as signed: dates before 1970 exist. */
static bool atime_due(const struct mount *m, const struct inode *i)
{
	u32 mf = m->flags;
	s64 atime;

	if ((i->flags & S_NOATIME) || (mf & MNT_NOATIME) || (i->sb->flags & SB_RDONLY) ||
	    (mf & MNT_READONLY))
		return false;
	if ((mf & MNT_NODIRATIME) && S_ISDIR(i->mode))
		return false;
	if (mf & MNT_STRICTATIME)
		return true;
	atime = (s64)i->atime;
	if (atime <= (s64)i->mtime || atime <= (s64)i->ctime)
		return true;
	return (s64)ktime_get_coarse_real() - atime >= (s64)DAY_NS;
}

void inode_accessed(const struct mount *m, struct inode *i)
{
	if (atime_due(m, i) && i->atime != inode_now(i))
		inode_touch(i, ATTR_ATIME);
}

void file_accessed(struct file *f)
{
	if (!(f->flags & O_NOATIME))
		inode_accessed(f->path.mnt, f->inode);
}

int file_modified(struct file *f)
{
	struct inode *i = f->inode;
	u64 now;
	int rc;

	if (unlikely(i->mode & (S_ISUID | S_ISGID))) {
		rc = file_remove_privs(f);
		if (rc)
			return rc;
	}
	now = inode_now(i);
	if (i->mtime != now || i->ctime != now)
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

void file_modified_mapped(struct file *f)
{
	struct inode *i = f->inode;
	u64 now = inode_now(i);

	if (i->mtime != now || i->ctime != now)
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
}
