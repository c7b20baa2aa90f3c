/* SPDX-License-Identifier: MIT */
/* Mounting what lies on a block device: one super block for each device (sb_get), which all its
 * mounts share. The device is held exclusively in the name of the file system type, so nobody else
 * (loop, O_EXCL) takes it meanwhile; a second mount opens it once more in the same name for as long
 * as it looks for the super block. */
#include "block_internal.h"

#include <fs/buffer.h>

int mount_bdev(const struct fs_type *type, u32 flags, const char *source, char *data,
	       int (*fill)(struct super_block *sb, char *data, bool silent),
	       struct super_block **out)
{
	static const struct super_ops no_ops;
	u32 mode = FMODE_READ | (flags & SB_RDONLY ? 0 : FMODE_WRITE);
	struct super_block *sb;
	struct bdev *bd;
	int rc;

	if (!source || !*source)
		return -EINVAL;
	rc = bdev_open_path(source, mode, (void *)type, &bd);
	if (rc)
		return rc;
	rc = sb_get(type, &no_ops, flags, bd->dev, &sb);
	if (rc) {
		bdev_close(bd, (void *)type);
		if (rc == 1)
			*out = sb;
		return rc == 1 ? 0 : rc;
	}
	sb->bdev = bd;
	strscpy(sb->id, bd->name, sizeof(sb->id));
	rc = fill(sb, data, flags & SB_SILENT);
	if (rc) {
		sb_fail(sb); /* closes the device */
		return rc;
	}
	sb_ready(sb);
	*out = sb;
	return 0;
}

void bdev_release_super(struct super_block *sb)
{
	(void)bdev_sync(sb->bdev);
	buf_drop_all(sb->bdev);
	bdev_close(sb->bdev, (void *)sb->type);
}
