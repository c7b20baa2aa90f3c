/* SPDX-License-Identifier: MIT */
/* The page cache of a block device: blocks of the file are blocks of the device. */
#include "block_internal.h"

#include <kernel/xarray.h>

static void read_end(struct bio *b)
{
	struct page *p = b->vecs[0].page;

	if (!b->error)
		page_set(p, PG_UPTODATE);
	page_unlock(p);
	bio_free(b);
}

/* Bytes of a page that the device has: the last page may be cut. */
static u32 page_bytes(const struct mapping *m, const struct page *p)
{
	u64 size = (u64)READ_ONCE(m->host->size), at = (u64)p->index << PAGE_SHIFT;

	return at >= size ? 0 : (u32)min_t(u64, PAGE_SIZE, size - at);
}

static int bdev_read_page(struct mapping *m, struct page *p)
{
	u32 n = page_bytes(m, p);
	struct bio *b;

	if (n < PAGE_SIZE)
		memset((char *)page_address(p) + n, 0, PAGE_SIZE - n);
	if (!n) {
		page_set(p, PG_UPTODATE);
		page_unlock(p);
		return 0;
	}
	b = bio_alloc(m->bdev, BIO_READ, BIO_SYNC, 1, GFP_KERNEL);
	b->sector = (u64)p->index << (PAGE_SHIFT - SECTOR_SHIFT);
	bio_add_page(b, p, n, 0);
	b->end = read_end;
	bio_submit(b);
	return 0;
}

static int write_page(struct mapping *m, struct page *p)
{
	u32 n = page_bytes(m, p);
	struct bio *b;
	int rc = 0;

	page_lock(p);
	if (p->mapping == m && page_test(p, PG_DIRTY)) {
		page_clear(p, PG_DIRTY);
		spin_lock(&m->lock);
		xa_clear_mark(&m->pages, p->index, PAGECACHE_MARK_DIRTY);
		spin_unlock(&m->lock);
		b = bio_alloc(m->bdev, BIO_WRITE, BIO_SYNC, 1, GFP_KERNEL);
		b->sector = (u64)p->index << (PAGE_SHIFT - SECTOR_SHIFT);
		bio_add_page(b, p, n, 0);
		rc = bio_submit_wait(b);
		bio_free(b);
	}
	page_unlock(p);
	return rc;
}

static int bdev_write_pages(struct mapping *m, u64 first, u64 last, bool all __maybe_unused)
{
	int rc = 0, one;

	for (;;) {
		struct page *p;
		u64 at = first;

		rcu_read_lock();
		p = xa_find_marked(&m->pages, &at, last, PAGECACHE_MARK_DIRTY);
		if (p && !page_get_unless_zero(p)) {
			rcu_read_unlock();
			continue;
		}
		rcu_read_unlock();
		if (!p)
			return rc;
		one = write_page(m, p);
		rc = rc ? rc : one;
		page_put(p);
		first = at + 1;
	}
}

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
	.read_page = bdev_read_page,
	.write_pages = bdev_write_pages,
	.map_blocks = bdev_map_blocks,
};

int bdev_sync(struct bdev *bd)
{
	return bdev_write_pages(&bd->inode->data, 0, ~0ull >> 1, true);
}

void bdev_invalidate(struct bdev *bd)
{
	(void)bd;
}
