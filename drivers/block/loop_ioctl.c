/* SPDX-License-Identifier: MIT */
/* Configuration of loop devices: binding to a file, status, clearing; ioctls as on Linux 6.1.
 * Everything under l->ctl. Changes of what requests depend on (offset, file, block size) are made
 * when the page cache of the device has been written and no request is under way (disk_freeze); the
 * cached pages are dropped afterwards. */
#include "loop_internal.h"

#include <fs/sysfs.h>
#include <kernel/div.h>
#include <kernel/printf.h>
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <kernel/uaccess.h>
#include <uapi/blkdev.h>
#include <uapi/capability.h>

#define CONFIGURE_FLAGS (LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN | \
			 LO_FLAGS_DIRECT_IO)
#define SETTABLE_FLAGS (LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN)
#define CLEARABLE_FLAGS LO_FLAGS_AUTOCLEAR
#define LOOP_MAX_HOLE (0xffffffffull >> SECTOR_SHIFT)

/* --- /sys/block/loopN/loop --- */

static int backing_file_show(void *arg, struct strbuf *sb)
{
	struct loop *l = arg;
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *text;
	struct file *file;
	int rc;

	if (!buf)
		return -ENOMEM;
	spin_lock(&l->spin);
	file = l->file ? file_get(l->file) : NULL;
	spin_unlock(&l->spin);
	rc = -ENOENT;
	if (file) {
		rc = d_path(&file->path, NULL, buf, PATH_MAX, &text);
		if (!rc)
			sb_printf(sb, "%s\n", text);
		file_put(file);
	}
	kfree(buf);
	return rc;
}

static int offset_show(void *arg, struct strbuf *sb)
{
	sb_printf(sb, "%llu\n", (unsigned long long)((struct loop *)arg)->info.lo_offset);
	return 0;
}

static int sizelimit_show(void *arg, struct strbuf *sb)
{
	sb_printf(sb, "%llu\n", (unsigned long long)((struct loop *)arg)->info.lo_sizelimit);
	return 0;
}

static int flag_show(const void *arg, struct strbuf *sb, u32 flag)
{
	sb_puts(sb, ((const struct loop *)arg)->info.lo_flags & flag ? "1\n" : "0\n");
	return 0;
}

static int autoclear_show(void *arg, struct strbuf *sb)
{
	return flag_show(arg, sb, LO_FLAGS_AUTOCLEAR);
}

static int partscan_show(void *arg, struct strbuf *sb)
{
	return flag_show(arg, sb, LO_FLAGS_PARTSCAN);
}

static int dio_show(void *arg, struct strbuf *sb)
{
	return flag_show(arg, sb, LO_FLAGS_DIRECT_IO);
}

static const struct sysfs_attr attrs[] = {
	{ .name = "autoclear", .mode = 0444, .show = autoclear_show },
	{ .name = "backing_file", .mode = 0444, .show = backing_file_show },
	{ .name = "dio", .mode = 0444, .show = dio_show },
	{ .name = "offset", .mode = 0444, .show = offset_show },
	{ .name = "partscan", .mode = 0444, .show = partscan_show },
	{ .name = "sizelimit", .mode = 0444, .show = sizelimit_show },
};

static void add_sysfs(struct loop *l)
{
	if (sysfs_dir(l->disk->sysfs, "loop", &l->sysfs))
		return;
	for (unsigned int k = 0; k < ARRAY_SIZE(attrs); k++)
		(void)sysfs_attr(l->sysfs, &attrs[k], l);
}

static void remove_sysfs(struct loop *l)
{
	if (l->sysfs)
		sysfs_remove(l->sysfs);
	l->sysfs = NULL;
}

/* --- sizes and limits --- */

static u64 size_of(const struct file *file, u64 offset, u64 limit)
{
	u64 size = (u64)READ_ONCE(file->inode->size);

	size = size > offset ? size - offset : 0;
	if (limit && limit < size)
		size = limit;
	return size >> SECTOR_SHIFT;
}

static bool block_size_ok(u64 n)
{
	return n >= SECTOR_SIZE && n <= PAGE_SIZE && !(n & (n - 1));
}

static void set_limits(struct loop *l, u32 block)
{
	struct disk_limits *lim = &l->disk->limits;
	const struct file *file = l->file;
	bool holes = file->ops->fallocate && !(l->info.lo_flags & LO_FLAGS_READ_ONLY);

	if (S_ISBLK(file->inode->mode))
		holes = holes && file_bdev(file)->disk->limits.max_zeroes;
	if (block)
		lim->logical_block = lim->physical_block = lim->io_min = block;
	lim->max_discard = lim->max_zeroes = holes ? LOOP_MAX_HOLE : 0;
	lim->write_cache = !(l->info.lo_flags & LO_FLAGS_READ_ONLY) && file->ops->fsync;
	lim->rotational = S_ISBLK(file->inode->mode) &&
			  file_bdev(file)->disk->limits.rotational;
	disk_limits_changed(l->disk);
}

static int check_info(const struct loop_info64 *info)
{
	if (info->lo_encrypt_key_size > LO_KEY_SIZE || info->lo_encrypt_type)
		return -EINVAL;
	if (info->lo_offset > INT64_MAX || info->lo_sizelimit > INT64_MAX)
		return -EOVERFLOW;
	return 0;
}

static void take_info(struct loop *l, const struct loop_info64 *info, u32 flags)
{
	l->info = *info;
	l->info.lo_flags = flags;
	l->info.lo_file_name[LO_NAME_SIZE - 1] = 0;
	l->info.lo_crypt_name[LO_NAME_SIZE - 1] = 0;
}

/* The rescan must find the size set; errors of it do not undo the binding. */
static void show_parts(struct loop *l)
{
	l->disk->hidden_parts = false;
	(void)disk_rescan(l->disk);
}

/* --- binding --- */

/* A regular file or a block device, and not this device, however deep. */
static int check_file(const struct loop *l, const struct file *file)
{
	struct file *f = file_get((struct file *)file), *next;
	int rc = 0;

	if (!file->ops->read || !(S_ISREG(file->inode->mode) || S_ISBLK(file->inode->mode)))
		rc = -EINVAL;
	while (!rc && S_ISBLK(f->inode->mode) && file_bdev(f)->disk->ops == l->disk->ops) {
		struct loop *o = file_bdev(f)->disk->private;

		if (o == l) {
			rc = -EBADF;
			break;
		}
		spin_lock(&o->spin);
		next = o->file ? file_get(o->file) : NULL;
		spin_unlock(&o->spin);
		if (!next) {
			rc = -EINVAL;
			break;
		}
		file_put(f);
		f = next;
	}
	file_put(f);
	return rc;
}

static int bind(struct loop *l, struct file *file, u32 fmode, const struct loop_config *c)
{
	u32 flags = c->info.lo_flags, block = c->block_size;
	int rc = check_file(l, file);

	if (!rc && (flags & ~CONFIGURE_FLAGS))
		rc = -EINVAL;
	if (!rc && block && !block_size_ok(block))
		rc = -EINVAL;
	if (!rc)
		rc = check_info(&c->info);
	if (rc)
		return rc;
	if (!(file->mode & FMODE_WRITE) || !(fmode & FMODE_WRITE) || !file->ops->write)
		flags |= LO_FLAGS_READ_ONLY;
	take_info(l, &c->info, flags & ~LO_FLAGS_DIRECT_IO);
	spin_lock(&l->spin);
	l->file = file_get(file);
	spin_unlock(&l->spin);
	rc = loop_start_worker(l);
	if (rc) {
		spin_lock(&l->spin);
		l->file = NULL;
		spin_unlock(&l->spin);
		file_put(file);
		return rc;
	}
	set_limits(l, block ? block : SECTOR_SIZE);
	l->disk->read_only = flags & LO_FLAGS_READ_ONLY;
	WRITE_ONCE(l->state, LOOP_BOUND);
	add_sysfs(l);
	disk_set_capacity(l->disk, size_of(file, l->info.lo_offset, l->info.lo_sizelimit));
	if (flags & LO_FLAGS_PARTSCAN)
		show_parts(l);
	return 0;
}

static long ioctl_bind(struct loop *l, struct bdev *bd, u32 fmode, const struct loop_config *c)
{
	struct fdref r;
	long rc = fd_get((int)c->fd, RIGHT_READ, &r);

	if (rc)
		return rc;
	mutex_lock(&l->ctl);
	if (l->state != LOOP_UNBOUND || (!(fmode & BDEV_EXCL) && bdev_held(bd)))
		rc = -EBUSY;
	else
		rc = bind(l, r.file, fmode, c);
	mutex_unlock(&l->ctl);
	fd_put(r);
	return rc;
}

/* --- clearing --- */

/* Nobody has the device open, or only the caller. */
static void clear(struct loop *l)
{
	struct file *file = l->file;

	(void)bdev_sync(l->disk->whole);
	WRITE_ONCE(l->state, LOOP_GOING); /* requests fail from here on */
	disk_set_capacity(l->disk, 0);
	(void)disk_rescan(l->disk); /* they go */
	l->disk->hidden_parts = true;
	disk_freeze(l->disk);
	disk_unfreeze(l->disk);
	bdev_drop_pages(l->disk->whole);
	loop_stop_worker(l);
	remove_sysfs(l);
	spin_lock(&l->spin);
	l->file = NULL;
	spin_unlock(&l->spin);
	memset(&l->info, 0, sizeof(l->info));
	l->disk->limits.logical_block = l->disk->limits.physical_block = SECTOR_SIZE;
	l->disk->limits.io_min = SECTOR_SIZE;
	l->disk->limits.max_discard = l->disk->limits.max_zeroes = 0;
	l->disk->limits.write_cache = false;
	disk_limits_changed(l->disk);
	WRITE_ONCE(l->state, LOOP_UNBOUND);
	file_put(file);
}

static long ioctl_clear(struct loop *l)
{
	if (l->state != LOOP_BOUND)
		return -ENXIO;
	if (READ_ONCE(l->disk->openers) > 1)
		l->info.lo_flags |= LO_FLAGS_AUTOCLEAR;
	else
		clear(l);
	return 0;
}

void loop_autoclear(struct disk *d)
{
	struct loop *l = d->private;

	if (READ_ONCE(d->openers) || READ_ONCE(l->state) != LOOP_BOUND)
		return;
	mutex_lock(&l->ctl);
	if (!READ_ONCE(d->openers) && l->state == LOOP_BOUND &&
	    (l->info.lo_flags & LO_FLAGS_AUTOCLEAR))
		clear(l);
	mutex_unlock(&l->ctl);
}

/* --- status --- */

static long set_status(struct loop *l, const struct loop_info64 *info)
{
	u32 old = l->info.lo_flags, flags;
	bool moved;
	int rc;

	if (l->state != LOOP_BOUND)
		return -ENXIO;
	rc = check_info(info);
	if (rc)
		return rc;
	flags = (info->lo_flags & SETTABLE_FLAGS) | (old & ~SETTABLE_FLAGS);
	flags |= old & ~CLEARABLE_FLAGS;
	moved = info->lo_offset != l->info.lo_offset || info->lo_sizelimit != l->info.lo_sizelimit;
	if (moved)
		(void)bdev_sync(l->disk->whole);
	disk_freeze(l->disk);
	take_info(l, info, flags);
	disk_unfreeze(l->disk);
	if (moved)
		bdev_drop_pages(l->disk->whole);
	disk_set_capacity(l->disk, size_of(l->file, info->lo_offset, info->lo_sizelimit));
	if ((flags & LO_FLAGS_PARTSCAN) && !(old & LO_FLAGS_PARTSCAN))
		show_parts(l);
	return 0;
}

static long get_status(const struct loop *l, struct loop_info64 *out)
{
	struct kstat st;
	int rc;

	if (l->state != LOOP_BOUND)
		return -ENXIO;
	rc = vfs_getattr(&l->file->path, &st);
	if (rc)
		return rc;
	*out = l->info;
	out->lo_number = l->number;
	out->lo_device = dev_encode(st.dev);
	out->lo_inode = st.ino;
	out->lo_rdevice = dev_encode(S_ISBLK(st.mode) ? st.rdev : st.dev);
	return 0;
}

static long put_old_status(u64 arg, const struct loop_info64 *in)
{
	struct loop_info out = { .lo_number = (s32)in->lo_number, .lo_device = in->lo_device,
				 .lo_inode = in->lo_inode, .lo_rdevice = in->lo_rdevice,
				 .lo_offset = (s32)in->lo_offset,
				 .lo_flags = (s32)in->lo_flags };

	if ((u64)out.lo_offset != in->lo_offset)
		return -EOVERFLOW;
	memcpy(out.lo_name, in->lo_file_name, LO_NAME_SIZE);
	return copy_to_user(USER_PTR(arg), &out, sizeof(out));
}

static int get_old_status(u64 arg, struct loop_info64 *out)
{
	struct loop_info in;

	if (copy_from_user(&in, USER_PTR(arg), sizeof(in)))
		return -EFAULT;
	*out = (struct loop_info64){ .lo_offset = (u64)in.lo_offset,
				     .lo_encrypt_type = (u32)in.lo_encrypt_type,
				     .lo_encrypt_key_size = (u32)in.lo_encrypt_key_size,
				     .lo_flags = (u32)in.lo_flags };
	memcpy(out->lo_file_name, in.lo_name, LO_NAME_SIZE);
	return 0;
}

/* --- changes while bound --- */

static long change_fd(struct loop *l, int fd)
{
	struct file *old = l->file;
	struct fdref r;
	long rc;

	rc = fd_get(fd, RIGHT_READ, &r);
	if (rc)
		return rc;
	rc = l->state != LOOP_BOUND ? -ENXIO : 0;
	if (!rc && !(l->info.lo_flags & LO_FLAGS_READ_ONLY))
		rc = -EINVAL;
	if (!rc)
		rc = check_file(l, r.file);
	if (!rc && size_of(r.file, l->info.lo_offset, l->info.lo_sizelimit) != l->disk->sectors)
		rc = -EINVAL;
	if (!rc) {
		disk_freeze(l->disk);
		spin_lock(&l->spin);
		l->file = file_get(r.file);
		spin_unlock(&l->spin);
		disk_unfreeze(l->disk);
		bdev_drop_pages(l->disk->whole);
		file_put(old);
	}
	fd_put(r);
	return rc;
}

static long set_block_size(struct loop *l, u64 n)
{
	if (l->state != LOOP_BOUND)
		return -ENXIO;
	if (!block_size_ok(n))
		return -EINVAL;
	if (n == l->disk->limits.logical_block)
		return 0;
	(void)bdev_sync(l->disk->whole);
	disk_freeze(l->disk);
	set_limits(l, (u32)n);
	disk_unfreeze(l->disk);
	bdev_drop_pages(l->disk->whole);
	return 0;
}

static long ioctl_locked(struct loop *l, unsigned int cmd, u64 arg)
{
	switch (cmd) {
	case LOOP_CHANGE_FD:
		return change_fd(l, (int)arg);
	case LOOP_CLR_FD:
		return ioctl_clear(l);
	case LOOP_SET_CAPACITY:
		if (l->state != LOOP_BOUND)
			return -ENXIO;
		disk_set_capacity(l->disk,
				  size_of(l->file, l->info.lo_offset, l->info.lo_sizelimit));
		return 0;
	case LOOP_SET_DIRECT_IO: /* requests go through the page cache: it cannot be turned on */
		if (l->state != LOOP_BOUND)
			return -ENXIO;
		return arg ? -EINVAL : 0;
	case LOOP_SET_BLOCK_SIZE:
		return set_block_size(l, arg);
	default:
		return -EINVAL;
	}
}

static long ioctl_status(struct loop *l, unsigned int cmd, u64 arg)
{
	struct loop_info64 info;
	long rc;

	if (cmd == LOOP_SET_STATUS64)
		rc = copy_from_user(&info, USER_PTR(arg), sizeof(info));
	else if (cmd == LOOP_SET_STATUS)
		rc = get_old_status(arg, &info);
	else
		rc = arg ? 0 : -EINVAL;
	if (rc)
		return rc;
	mutex_lock(&l->ctl);
	if (cmd == LOOP_SET_STATUS64 || cmd == LOOP_SET_STATUS)
		rc = set_status(l, &info);
	else
		rc = get_status(l, &info);
	mutex_unlock(&l->ctl);
	if (!rc && cmd == LOOP_GET_STATUS64)
		rc = copy_to_user(USER_PTR(arg), &info, sizeof(info));
	else if (!rc && cmd == LOOP_GET_STATUS)
		rc = put_old_status(arg, &info);
	return rc;
}

long loop_ioctl(struct bdev *bd, u32 fmode, unsigned int cmd, u64 arg)
{
	struct loop *l = bd->disk->private;
	struct loop_config c = { 0 };
	bool may = (fmode & FMODE_WRITE) || capable(CAP_SYS_ADMIN);
	long rc;

	switch (cmd) {
	case HDIO_GETGEO:
		return -ENOTTY;
	case LOOP_SET_FD:
		c.fd = (u32)arg;
		return ioctl_bind(l, bd, fmode, &c);
	case LOOP_CONFIGURE:
		if (copy_from_user(&c, USER_PTR(arg), sizeof(c)))
			return -EFAULT;
		return ioctl_bind(l, bd, fmode, &c);
	case LOOP_SET_STATUS:
	case LOOP_SET_STATUS64:
		return may ? ioctl_status(l, cmd, arg) : -EPERM;
	case LOOP_GET_STATUS:
	case LOOP_GET_STATUS64:
		return ioctl_status(l, cmd, arg);
	case LOOP_CHANGE_FD:
	case LOOP_CLR_FD:
		break;
	default:
		if (!may)
			return -EPERM;
		break;
	}
	mutex_lock(&l->ctl);
	rc = ioctl_locked(l, cmd, arg);
	mutex_unlock(&l->ctl);
	return rc;
}
