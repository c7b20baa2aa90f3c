/* SPDX-License-Identifier: MIT */
#include "block_internal.h"

int disk_sysfs_add(struct disk *d)
{
	(void)d;
	return 0;
}

int bdev_sysfs_add(struct bdev *bd)
{
	(void)bd;
	return 0;
}

void bdev_sysfs_remove(struct bdev *bd)
{
	(void)bd;
}
