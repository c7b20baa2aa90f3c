/* SPDX-License-Identifier: MIT */
/* Regular files: the page cache does the work; here are fsync and the flags of chattr. */
#include "ext2_internal.h"

#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>

#define EXT2_IOC_GETVERSION 0x80087601u
#define EXT2_IOC_SETVERSION 0x40087602u

/* Which transaction must be on the disk so that the inode is there as it is now. */
static u64 needed_txn(struct ext2_inode *ei, bool datasync)
{
	u8 what = datasync ? EI_DIRTY_META : EI_DIRTY_META | EI_DIRTY_TIME;
	u64 id;

	/* Bytes behind the old end need no new block always. */
	if (ei->vfs.size != ei->disk_size)
		ext2_dirty(ei, EI_DIRTY_META);
	spin_lock(&ei->vfs.spin);
	if (ei->dirty & what)
		id = ext2_running_id(ext2_is(ei));
	else
		id = datasync ? ei->last_txn : max(ei->last_txn, ei->last_time_txn);
	spin_unlock(&ei->vfs.spin);
	return id;
}

int ext2_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	struct inode *i = f->inode;
	struct ext2_inode *ei = ext2_i(i);
	struct ext2_sb *s = ext2_is(ei);
	int rc = 0, err;
	u64 id;

	if (S_ISREG(i->mode))
		rc = mapping_write_range(i->mapping, start, end, true);
	id = needed_txn(ei, datasync);
	if (i->nlink && READ_ONCE(s->stable_id) < id)
		err = ext2_commit(s, id, true);
	else
		err = bdev_flush(s->bdev);
	return rc ? rc : err;
}

static void ext2_release(struct inode *inode, struct file *f)
{
	if (f->mode & FMODE_WRITE)
		ext2_drop_window(ext2_i(inode));
}

/* --- flags --- */

static bool owner_or_capable(const struct inode *i)
{
	return current_cred()->fsuid == i->uid || capable(CAP_FOWNER);
}

static u32 flags_for(mode_t mode, u32 flags)
{
	if (S_ISDIR(mode))
		return flags;
	if (S_ISREG(mode))
		return flags & ~(EXT2_FL_DIRSYNC | EXT2_FL_TOPDIR);
	return flags & (EXT2_FL_NODUMP | EXT2_FL_NOATIME);
}

static int set_flags(struct file *f, u32 flags)
{
	struct inode *i = f->inode;
	struct ext2_inode *ei = ext2_i(i);
	struct ext2_sb *s = ext2_is(ei);
	int rc;

	if (!owner_or_capable(i))
		return -EPERM;
	flags = flags_for(i->mode, flags);
	down_write(&i->lock);
	rc = mount_writable(&f->path);
	if (!rc && ((flags ^ ei->flags) & (EXT2_FL_APPEND | EXT2_FL_IMMUTABLE)) &&
	    !capable(CAP_LINUX_IMMUTABLE))
		rc = -EPERM;
	if (!rc)
		rc = ext2_begin(s);
	if (!rc) {
		ei->flags = (ei->flags & ~EXT2_FL_USER_MODIFIABLE) |
			    (flags & EXT2_FL_USER_MODIFIABLE);
		ext2_apply_flags(ei);
		i->ctime = ext2_now(i->sb);
		ext2_dirty(ei, EI_DIRTY_META);
		ext2_end(s);
	}
	up_write(&i->lock);
	return rc;
}

static int set_version(struct file *f, u32 generation)
{
	struct inode *i = f->inode;
	struct ext2_sb *s = ext2_s(i->sb);
	int rc;

	if (!owner_or_capable(i))
		return -EPERM;
	down_write(&i->lock);
	rc = mount_writable(&f->path);
	if (!rc)
		rc = ext2_begin(s);
	if (!rc) {
		ext2_i(i)->generation = generation;
		i->ctime = ext2_now(i->sb);
		ext2_dirty(ext2_i(i), EI_DIRTY_META);
		ext2_end(s);
	}
	up_write(&i->lock);
	return rc;
}

long ext2_ioctl(struct file *f, unsigned int cmd, u64 arg)
{
	struct ext2_inode *ei = ext2_i(f->inode);
	u32 v;

	switch (cmd) {
	case FS_IOC_GETFLAGS:
		v = ei->flags & EXT2_FL_USER_VISIBLE;
		return copy_to_user(USER_PTR(arg), &v, sizeof(v)) ? -EFAULT : 0;
	case EXT2_IOC_GETVERSION:
		v = ei->generation;
		return copy_to_user(USER_PTR(arg), &v, sizeof(v)) ? -EFAULT : 0;
	case FS_IOC_SETFLAGS:
	case EXT2_IOC_SETVERSION:
		if (copy_from_user(&v, USER_PTR(arg), sizeof(v)))
			return -EFAULT;
		return cmd == FS_IOC_SETFLAGS ? set_flags(f, v) : set_version(f, v);
	default:
		return -ENOTTY;
	}
}

const struct mapping_ops ext2_mapping_ops = {
	.read_page = block_read_page,
	.read_ahead = block_read_ahead,
	.prepare_write = block_prepare_write,
	.commit_write = block_commit_write,
	.write_pages = block_write_pages,
	.map_blocks = ext2_map_blocks,
};

const struct inode_ops ext2_file_ops = {
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

const struct file_ops ext2_file_fops = {
	.release = ext2_release,
	.read = generic_file_read,
	.write = generic_file_write,
	.llseek = generic_llseek,
	.mmap = generic_file_mmap,
	.fsync = ext2_fsync,
	.ioctl = ext2_ioctl,
};
