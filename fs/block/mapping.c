/* SPDX-License-Identifier: MIT */
/* The page cache of a block device: blocks of the file are blocks of the device. */
#include "block_internal.h"

#include <fs/pagecache.h>

static int bdev_map_blocks(struct mapping *m, u64 block, u32 max, bool create __maybe_unused,
			   struct block_map *out)
{
	u64 size = (u64)READ_ONCE(m->host->size) >> m->block_shift;

	if (block >= size)
		*out = (struct block_map){ .block = BLOCK_HOLE, .count = max };
	else
		*out = (struct block_map){ .block = block,
					   .count = (u32)min_t(u64, max, size - block) };
	return 0;
}

const struct mapping_ops bdev_mapping_ops = {
	.read_page = block_read_page,
	.read_ahead = block_read_ahead,
	.prepare_write = block_prepare_write,
	.commit_write = block_commit_write,
	.write_pages = block_write_pages,
	.map_blocks = bdev_map_blocks,
};

int bdev_sync(struct bdev *bd)
{
	return mapping_write_range(&bd->inode->data, 0, -1, true);
}

void bdev_invalidate(struct bdev *bd)
{
	(void)mapping_invalidate_range(&bd->inode->data, 0, ~0ull);
}
