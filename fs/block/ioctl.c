/* SPDX-License-Identifier: MIT */
/* ioctl and fallocate of block devices. Error numbers and the order of checks are Linux's. */
#include "block_internal.h"

#include <fs/buffer.h>
#include <kernel/proc.h>
#include <kernel/uaccess.h>
#include <uapi/blkdev.h>
#include <uapi/capability.h>

static long put_int(u64 arg, u32 v)
{
	return put_user_u32(v, USER_PTR(arg));
}

static long put_short(u64 arg, u32 v)
{
	u16 s = (u16)min(v, 0xffffu);

	return copy_to_user(USER_PTR(arg), &s, sizeof(s));
}

static long put_long(u64 arg, u64 v)
{
	return put_user_u64(v, USER_PTR(arg));
}

/* Exclusive for the time of an operation, unless the file has it already. */
static int hold(struct file *f, struct bdev *bd)
{
	int rc;

	if (f->private)
		return 0;
	mutex_lock(&bd->disk->open_mutex);
	rc = bdev_claim(bd, f);
	mutex_unlock(&bd->disk->open_mutex);
	return rc;
}

static void release(struct file *f, struct bdev *bd)
{
	if (f->private)
		return;
	mutex_lock(&bd->disk->open_mutex);
	bdev_unclaim(bd);
	mutex_unlock(&bd->disk->open_mutex);
}

/* --- ranges --- */

enum range_op { RANGE_DISCARD, RANGE_ZERO, RANGE_PUNCH };

/* The pages go under inode->lock, so that no write through the cache is half lost. */
static int do_range(struct file *f, u64 start, u64 len, enum range_op op)
{
	struct bdev *bd = file_bdev(f);
	u64 sector = start >> SECTOR_SHIFT, nr = len >> SECTOR_SHIFT;
	int rc;

	rc = hold(f, bd); /* -EBUSY when somebody else owns the device */
	if (rc)
		return rc;
	down_write(&bd->inode->lock);
	mapping_truncate_range(&bd->inode->data, (loff_t)start, (loff_t)(start + len - 1));
	if (op == RANGE_DISCARD)
		rc = bdev_discard(bd, sector, nr, 0);
	else if (op == RANGE_PUNCH && !bd->disk->limits.max_zeroes)
		rc = -EOPNOTSUPP;
	else
		rc = bdev_zero(bd, sector, nr, op == RANGE_ZERO ? BIO_NOUNMAP : 0);
	up_write(&bd->inode->lock);
	release(f, bd);
	return rc;
}

static long ioctl_range(struct file *f, unsigned int cmd, u64 arg)
{
	struct bdev *bd = file_bdev(f);
	u64 r[2], end;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (cmd == BLKSECDISCARD || (cmd == BLKDISCARD && !bd->disk->limits.max_discard))
		return -EOPNOTSUPP;
	if (copy_from_user(r, USER_PTR(arg), sizeof(r)))
		return -EFAULT;
	if ((r[0] | r[1]) & (SECTOR_SIZE - 1))
		return -EINVAL;
	if (__builtin_add_overflow(r[0], r[1], &end) || end > bdev_bytes(bd))
		return -EINVAL;
	if (!r[1])
		return cmd == BLKZEROOUT ? -EINVAL : 0;
	if ((r[0] | r[1]) & (bd->disk->limits.logical_block - 1))
		return -EINVAL;
	if (bdev_read_only(bd))
		return -EPERM;
	return do_range(f, r[0], r[1], cmd == BLKDISCARD ? RANGE_DISCARD : RANGE_ZERO);
}

long blkdev_fallocate(struct file *f, int mode, loff_t off, loff_t len)
{
	struct bdev *bd = file_bdev(f);
	loff_t size = (loff_t)bdev_bytes(bd);
	enum range_op op;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
		     FALLOC_FL_NO_HIDE_STALE))
		return -EOPNOTSUPP;
	if (off >= size)
		return -EINVAL;
	if (len > size - off) {
		if (!(mode & FALLOC_FL_KEEP_SIZE))
			return -EINVAL;
		len = size - off;
	}
	if ((off | len) & (bd->disk->limits.logical_block - 1))
		return -EINVAL;
	switch (mode) {
	case FALLOC_FL_ZERO_RANGE:
	case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
		op = RANGE_ZERO;
		break;
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
		op = RANGE_PUNCH;
		break;
	case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE | FALLOC_FL_NO_HIDE_STALE:
		op = RANGE_DISCARD;
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (bdev_read_only(bd))
		return -EPERM;
	return do_range(f, (u64)off, (u64)len, op);
}

/* --- partitions --- */

static long ioctl_blkpg(struct file *f, u64 arg)
{
	struct bdev *bd = file_bdev(f);
	struct blkpg_ioctl_arg a;
	struct blkpg_partition p;

	if (copy_from_user(&a, USER_PTR(arg), sizeof(a)))
		return -EFAULT;
	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (copy_from_user(&p, USER_PTR(a.data), sizeof(p)))
		return -EFAULT;
	if (bd->partno || p.pno <= 0)
		return -EINVAL;
	if (a.op == BLKPG_DEL_PARTITION)
		return partition_del(bd->disk, (unsigned int)p.pno);
	if (p.start < 0 || p.length <= 0 || p.start > INT64_MAX - p.length)
		return -EINVAL;
	if ((p.start | p.length) & (bd->disk->limits.logical_block - 1))
		return -EINVAL;
	if (a.op == BLKPG_ADD_PARTITION)
		return partition_add(bd->disk, (unsigned int)p.pno, (u64)p.start >> SECTOR_SHIFT,
				     (u64)p.length >> SECTOR_SHIFT);
	if (a.op == BLKPG_RESIZE_PARTITION)
		return partition_resize(bd->disk, (unsigned int)p.pno,
					(u64)p.start >> SECTOR_SHIFT,
					(u64)p.length >> SECTOR_SHIFT);
	return -EINVAL;
}

static long ioctl_rescan(struct bdev *bd)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	return bd->partno ? -EINVAL : disk_rescan(bd->disk);
}

/* --- the rest --- */

static long ioctl_flush(struct bdev *bd)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	(void)bdev_sync(bd);
	bdev_invalidate(bd);
	return 0;
}

static long ioctl_read_only(struct bdev *bd, u64 arg)
{
	u32 v;

	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (get_user_u32(&v, USER_PTR(arg)))
		return -EFAULT;
	WRITE_ONCE(bd->read_only, v != 0);
	return 0;
}

static long ioctl_block_size(struct file *f, struct bdev *bd, u64 arg)
{
	u32 v;
	int rc;

	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	if (!arg)
		return -EINVAL;
	if (get_user_u32(&v, USER_PTR(arg)))
		return -EFAULT;
	rc = hold(f, bd);
	if (rc)
		return rc;
	if (v > PAGE_SIZE || v < SECTOR_SIZE || (v & (v - 1)) ||
	    v < bd->disk->limits.logical_block)
		rc = -EINVAL;
	else
		WRITE_ONCE(bd->block_size, v);
	release(f, bd);
	return rc;
}

static long ioctl_read_ahead(struct bdev *bd, u64 sectors)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	WRITE_ONCE(bd->ra_pages, (u32)min_t(u64, sectors >> (PAGE_SHIFT - SECTOR_SHIFT), 1u << 20));
	return 0;
}

/* Virtual devices have none; SCSI disks and others translate differently. */
static long ioctl_geometry(const struct bdev *bd, u64 arg)
{
	struct hd_geometry g = { .heads = 64, .sectors = 32 };

	if (!arg)
		return -EINVAL;
	if (!bd->disk->sysfs_parent)
		return -ENOTTY;
	if (strncmp(bd->disk->name, "sd", 2) == 0) {
		g.heads = 255;
		g.sectors = 63;
	}
	g.cylinders = (u16)(bd->disk->sectors / ((u64)g.heads * g.sectors));
	g.start = bd->start;
	return copy_to_user(USER_PTR(arg), &g, sizeof(g));
}

/* Numbers that anybody may ask for. -ENOTTY: it is none of these. */
static long ioctl_get(const struct bdev *bd, unsigned int cmd, u64 arg)
{
	const struct disk_limits *l = &bd->disk->limits;

	switch (cmd) {
	case BLKGETSIZE:
		return put_long(arg, bd->sectors);
	case BLKGETSIZE64:
		return put_long(arg, bdev_bytes(bd));
	case BLKGETDISKSEQ:
		return put_long(arg, bd->disk->seq);
	case BLKROGET:
		return put_int(arg, bdev_read_only(bd));
	case BLKSSZGET:
		return put_int(arg, l->logical_block);
	case BLKPBSZGET:
		return put_int(arg, l->physical_block);
	case BLKBSZGET:
		return put_int(arg, bd->block_size);
	case BLKIOMIN:
		return put_int(arg, l->io_min);
	case BLKIOOPT:
		return put_int(arg, l->io_opt);
	case BLKALIGNOFF:
	case BLKDISCARDZEROES:
		return put_int(arg, 0);
	case BLKSECTGET:
		return put_short(arg, l->max_sectors);
	case BLKROTATIONAL:
		return put_short(arg, l->rotational);
	case BLKRAGET:
	case BLKFRAGET:
		return arg ? put_long(arg, (u64)bd->ra_pages << (PAGE_SHIFT - SECTOR_SHIFT))
			   : -EINVAL;
	default:
		return -ENOTTY;
	}
}

long blkdev_ioctl(struct file *f, unsigned int cmd, u64 arg)
{
	struct bdev *bd = file_bdev(f);
	struct disk *d = bd->disk;
	long rc = -ENOTTY;

	switch (cmd) {
	case BLKFLSBUF:
		return ioctl_flush(bd);
	case BLKROSET:
		return ioctl_read_only(bd, arg);
	case BLKBSZSET:
		return ioctl_block_size(f, bd, arg);
	case BLKRASET:
	case BLKFRASET:
		return ioctl_read_ahead(bd, arg);
	case BLKDISCARD:
	case BLKSECDISCARD:
	case BLKZEROOUT:
		return ioctl_range(f, cmd, arg);
	case BLKPG:
		return ioctl_blkpg(f, arg);
	case BLKRRPART:
		return ioctl_rescan(bd);
	default:
		rc = ioctl_get(bd, cmd, arg);
		break;
	}
	if (rc == -ENOTTY && d->ops->ioctl)
		rc = d->ops->ioctl(bd, f->mode | (f->private ? BDEV_EXCL : 0), cmd, arg);
	return rc == -ENOTTY && cmd == HDIO_GETGEO ? ioctl_geometry(bd, arg) : rc;
}
