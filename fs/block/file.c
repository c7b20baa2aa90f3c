/* SPDX-License-Identifier: MIT */
/* Open files of block devices. The open file's inode is the device's own (f->inode of any node of
 * it is the one with the page cache); the node's times are those of f->path.
 * Differences from a regular file: the size is fixed, so writing at the end is ENOSPC, and neither
 * O_APPEND nor RLIMIT_FSIZE means anything. */
#include "block_internal.h"

#include "../vfs/notify.h"
#include "../vfs/vfs_internal.h"

struct bdev *file_bdev(const struct file *f)
{
	return f->inode->private;
}

static void *holder_of(struct file *f)
{
	return f->private;
}

static int blkdev_open(struct inode *node, struct file *f)
{
	struct bdev *bd;
	int rc;

	f->private = f->flags & O_EXCL ? f : NULL;
	rc = bdev_open(node->rdev, f->mode & (FMODE_READ | FMODE_WRITE), NULL, &bd);
	if (rc)
		return rc;
	if (f->private) {
		mutex_lock(&bd->disk->open_mutex);
		rc = bdev_claim(bd, f);
		mutex_unlock(&bd->disk->open_mutex);
		if (rc) {
			bdev_close(bd, NULL);
			return rc;
		}
	}
	f->inode = bd->inode;
	return 0;
}

static void blkdev_release(struct inode *i __maybe_unused, struct file *f)
{
	struct inode *inode = f->inode;

	f->inode = f->path.dentry->inode; /* the device's may go now */
	bdev_close(inode->private, holder_of(f));
}

static void touch_node(struct file *f, bool write)
{
	struct inode *node = f->path.dentry->inode;

	if (write)
		inode_touch(node, ATTR_MTIME | ATTR_CTIME);
	else if (!(f->flags & O_NOATIME))
		inode_accessed(f->path.mnt, node);
}

/* Cuts what lies behind the end; how much that was. */
static size_t clip(const struct file *f, struct uio *u, loff_t pos)
{
	u64 left = (u64)READ_ONCE(f->inode->size) - (u64)pos;
	size_t cut = u->count > left ? u->count - left : 0;

	u->count -= cut;
	return cut;
}

static ssize_t blkdev_read(struct file *f, struct uio *u, loff_t *pos)
{
	size_t cut;
	ssize_t n;

	if (!u->count || *pos >= READ_ONCE(f->inode->size))
		return 0;
	cut = clip(f, u, *pos);
	n = f->flags & O_DIRECT ? direct_read(f, u, pos) : generic_file_read(f, u, pos);
	u->count += cut;
	touch_node(f, false);
	return n;
}

static ssize_t blkdev_write(struct file *f, struct uio *u, loff_t *pos)
{
	struct inode *i = f->inode;
	loff_t from = *pos;
	size_t cut;
	ssize_t n;
	int rc;

	if (bdev_read_only(file_bdev(f)))
		return -EPERM;
	if (!u->count)
		return 0;
	if (from >= READ_ONCE(i->size))
		return -ENOSPC;
	cut = clip(f, u, from);
	down_write(&i->lock);
	n = f->flags & O_DIRECT ? direct_write(f, u, pos) : pagecache_write(i, u, pos);
	up_write(&i->lock);
	u->count += cut;
	if (n <= 0)
		return n;
	touch_node(f, true);
	if (f->flags & O_DSYNC) {
		rc = vfs_fsync(f, from, from + n - 1, !(f->flags & O_SYNC_BIT));
		if (rc)
			return rc;
	}
	return n;
}

static loff_t blkdev_llseek(struct file *f, loff_t off, int whence)
{
	loff_t size = READ_ONCE(f->inode->size), at = off;

	if (whence == SEEK_CUR)
		at = f->pos + off;
	else if (whence == SEEK_END)
		at = size + off;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (at < 0 || at > size)
		return -EINVAL;
	return f->pos = at;
}

static int blkdev_fsync(struct file *f, loff_t start, loff_t end,
			bool datasync __maybe_unused)
{
	struct bdev *bd = file_bdev(f);
	int rc = mapping_write_range(&bd->inode->data, start, end, true);
	int err = bdev_flush(bd);

	return rc ? rc : err == -EOPNOTSUPP ? 0 : err;
}

const struct file_ops blkdev_fops = {
	.open = blkdev_open,
	.release = blkdev_release,
	.read = blkdev_read,
	.write = blkdev_write,
	.llseek = blkdev_llseek,
	.mmap = generic_file_mmap,
	.fsync = blkdev_fsync,
	.ioctl = blkdev_ioctl,
	.fallocate = blkdev_fallocate,
};
