/* SPDX-License-Identifier: MIT */
/* Self-tests of the page cache, with a file system of one file that counts what is asked of it.
 *
 * The "memory" file keeps its blocks in an array and fills and takes pages by copying: for windows
 * of read-ahead, accounting and errors. The "scattered" file has its blocks of 1 KiB all over a RAM
 * disk, with holes, and goes through the block_* operations: random changes beside a plain
 * array. */
#include <fs/block.h>
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/ktest.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "internal.h"

#define FILE_PAGES 256u
#define FILE_BYTES (FILE_PAGES * PAGE_SIZE)
#define BLOCKS	   (FILE_BYTES / 1024)

static struct {
	char *disk;		    /* the memory file's */
	unsigned int calls, pages;  /* of read_ahead */
	unsigned int reads, writes; /* single pages read, pages written */
	int fail_read, fail_write;
	u32 where[BLOCKS];	    /* the scattered file's: block of the device + 1, 0 hole */
	u32 next_block;
	bool used[BLOCKS];
} t;

/* --- the memory file --- */

static int mem_read_page(struct mapping *m __maybe_unused, struct page *p)
{
	t.reads++;
	if (!t.fail_read) {
		copy_page(page_address(p), t.disk + (u64)p->index * PAGE_SIZE);
		page_set(p, PG_UPTODATE);
	}
	page_unlock(p);
	return t.fail_read;
}

static void mem_read_ahead(struct mapping *m, u64 first, unsigned int nr)
{
	t.calls++;
	for (u64 k = first; k < first + nr; k++) {
		struct page *p = xa_load(&m->pages, k);

		t.pages++;
		copy_page(page_address(p), t.disk + k * PAGE_SIZE);
		page_set(p, PG_UPTODATE);
		page_unlock(p);
	}
}

static int mem_prepare(struct mapping *m, struct page *p, unsigned int off __maybe_unused,
		       unsigned int len)
{
	if (len < PAGE_SIZE && !page_test(p, PG_UPTODATE)) {
		copy_page(page_address(p), t.disk + (u64)p->index * PAGE_SIZE);
		page_set(p, PG_UPTODATE);
		t.reads++;
	}
	(void)m;
	return 0;
}

static int mem_write_pages(struct mapping *m, u64 first, u64 last, bool all __maybe_unused)
{
	struct page *p;

	for (u64 k = first; xa_find_marked(&m->pages, &k, last, PAGECACHE_MARK_DIRTY); k++) {
		p = mapping_find_page(m, k);
		page_lock(p);
		if (page_writeback_begin(p)) {
			t.writes++;
			if (!t.fail_write)
				copy_page(t.disk + k * PAGE_SIZE, page_address(p));
			page_writeback_end(p, t.fail_write);
		}
		page_unlock(p);
		page_put(p);
	}
	return 0;
}

static const struct mapping_ops mem_ops = {
	.read_page = mem_read_page,
	.read_ahead = mem_read_ahead,
	.prepare_write = mem_prepare,
	.commit_write = block_commit_write,
	.write_pages = mem_write_pages,
};

/* --- the scattered file --- */

static int scattered_map(struct mapping *m __maybe_unused, u64 block, u32 max __maybe_unused,
			 bool create, struct block_map *out)
{
	*out = (struct block_map){ .block = BLOCK_HOLE, .count = 1 };
	if (block >= BLOCKS)
		return create ? -EFBIG : 0;
	if (!t.where[block] && create) {
		/* Some pages are in pieces and some are not. */
		u32 b;

		do {
			b = t.next_block++ % BLOCKS;
			b = b % 8 < 4 ? b : b ^ 1;
		} while (t.used[b]);
		t.used[b] = true;
		t.where[block] = 1 + b;
		out->fresh = true;
	}
	if (t.where[block])
		out->block = t.where[block] - 1;
	return 0;
}

static const struct mapping_ops scattered_ops = {
	.read_page = block_read_page,
	.read_ahead = block_read_ahead,
	.prepare_write = block_prepare_write,
	.commit_write = block_commit_write,
	.write_pages = block_write_pages,
	.map_blocks = scattered_map,
};

/* --- both --- */

struct fixture {
	struct super_block *sb;
	struct inode *i;
	struct file f;
};

static const struct super_ops test_super_ops;
static const struct fs_type test_type = { .name = "ktest", .flags = FS_NODEV | FS_INTERNAL };

static bool fixture_make(struct fixture *x, const struct mapping_ops *ops)
{
	memset(&t, 0, sizeof(t));
	memset(x, 0, sizeof(*x));
	t.disk = vzalloc(FILE_BYTES);
	x->sb = sb_create(&test_type, &test_super_ops, SB_I_NODEV_FS);
	if (!x->sb || !t.disk)
		return false;
	x->i = inode_new(x->sb);
	if (!x->i)
		return false;
	x->i->mode = S_IFREG | 0600;
	x->i->size = FILE_BYTES;
	x->i->data.ops = ops;
	x->f.inode = x->i;
	return true;
}

static void fixture_end(struct fixture *x)
{
	x->i->nlink = 0;
	inode_put(x->i);
	sb_put(x->sb);
	vfree(t.disk);
}

static ssize_t put(struct fixture *x, void *buf, size_t n, loff_t pos)
{
	struct iovec one;
	struct uio u;

	uio_init_kernel(&u, &one, buf, n);
	return pagecache_write(x->i, &u, &pos);
}

static ssize_t get(struct fixture *x, void *buf, size_t n, loff_t pos)
{
	size_t done = 0;

	while (done < n) {
		struct page *p;
		size_t off = (size_t)(pos + (loff_t)done) & (PAGE_SIZE - 1);
		size_t k = min(n - done, PAGE_SIZE - off);
		int rc = file_get_page(&x->f, (u64)(pos + (loff_t)done) / PAGE_SIZE,
				       DIV_ROUND_UP(off + n - done, PAGE_SIZE), &p);

		if (rc)
			return rc;
		memcpy((char *)buf + done, (char *)page_address(p) + off, k);
		page_put(p);
		done += k;
	}
	return (ssize_t)done;
}

KTEST(pagecache_readahead)
{
	struct fixture x;
	char c;

	KTEST_EXPECT(fixture_make(&x, &mem_ops));
	for (u64 k = 0; k < FILE_PAGES; k++)
		KTEST_EXPECT(get(&x, &c, 1, (loff_t)(k * PAGE_SIZE)) == 1);
	/* 4 + 8 + 16 + 32 and so on; nothing twice, nothing alone. */
	KTEST_EXPECT(t.pages == FILE_PAGES && t.reads == 0);
	KTEST_EXPECT(t.calls <= 12);
	KTEST_EXPECT(mapping_invalidate_range(&x.i->data, 0, ~0ull) == 0 && !x.i->data.nr_pages);
	/* Here and there: just what is asked, in one go. */
	memset(&x.f.ra, 0, sizeof(x.f.ra));
	t.calls = t.pages = 0;
	for (u64 k = 1; k < 20; k++)
		KTEST_EXPECT(get(&x, &c, 1, (loff_t)((k * 77 % 250 + 3) * PAGE_SIZE)) == 1);
	KTEST_EXPECT(t.pages == 19 && t.calls == 19);
	x.f.ra.advice = RA_RANDOM;
	t.calls = t.pages = 0;
	KTEST_EXPECT(mapping_invalidate_range(&x.i->data, 0, ~0ull) == 0);
	KTEST_EXPECT(get(&x, t.disk + 100 * PAGE_SIZE, 16 * PAGE_SIZE, 20 * PAGE_SIZE) > 0);
	KTEST_EXPECT(t.calls == 1 && t.pages == 16);
	fixture_end(&x);
}

KTEST(pagecache_dirty)
{
	struct fixture x;
	u64 before = dirty_pages();
	char *buf = pages_alloc(2, GFP_KERNEL | GFP_ZERO);

	KTEST_EXPECT(buf && fixture_make(&x, &mem_ops));
	memset(buf, 'x', 4 * PAGE_SIZE);
	KTEST_EXPECT(put(&x, buf, 4 * PAGE_SIZE, 8 * PAGE_SIZE) == 4 * PAGE_SIZE);
	KTEST_EXPECT(t.reads == 0 && x.i->data.nr_dirty == 4 && dirty_pages() >= before + 4);
	KTEST_EXPECT(put(&x, buf, 10, 8 * PAGE_SIZE) == 10 && x.i->data.nr_dirty == 4);
	KTEST_EXPECT(!list_empty(&x.i->dirty));
	/* Dirty pages stay. */
	KTEST_EXPECT(mapping_invalidate_range(&x.i->data, 0, ~0ull) == 4);
	KTEST_EXPECT(sb_write_all(x.sb, true) == 0);
	KTEST_EXPECT(t.writes == 4 && !x.i->data.nr_dirty && list_empty(&x.i->dirty));
	KTEST_EXPECT(t.disk[9 * PAGE_SIZE] == 'x' && !t.disk[12 * PAGE_SIZE]);
	KTEST_EXPECT(mapping_invalidate_range(&x.i->data, 0, ~0ull) == 0);
	/* What is cut off is not written. */
	KTEST_EXPECT(put(&x, buf, 100, 50 * PAGE_SIZE + 5) == 100 && t.reads == 1);
	mapping_set_size(x.i, 20 * PAGE_SIZE);
	KTEST_EXPECT(!x.i->data.nr_dirty && dirty_pages() <= before + 4);
	fixture_end(&x);
	pages_free(buf, 2);
}

KTEST(pagecache_errors)
{
	struct fixture x;
	u32 a, b;
	char c = 'y';

	KTEST_EXPECT(fixture_make(&x, &mem_ops));
	a = b = mapping_sample_error(&x.i->data);
	KTEST_EXPECT(put(&x, &c, 1, 0) == 1);
	t.fail_write = -EIO;
	KTEST_EXPECT(mapping_write_range(&x.i->data, 0, -1, true) == -EIO);
	/* Once for each who asks, and the data is still to be written. */
	KTEST_EXPECT(mapping_check_error(&x.i->data, &a) == -EIO);
	KTEST_EXPECT(mapping_check_error(&x.i->data, &a) == 0);
	KTEST_EXPECT(mapping_check_error(&x.i->data, &b) == -EIO);
	KTEST_EXPECT(x.i->data.nr_dirty == 1);
	a = mapping_sample_error(&x.i->data);
	t.fail_write = 0;
	KTEST_EXPECT(mapping_write_range(&x.i->data, 0, -1, true) == 0 && t.disk[0] == 'y');
	KTEST_EXPECT(mapping_check_error(&x.i->data, &a) == 0);
	t.fail_write = -ENOSPC;
	KTEST_EXPECT(put(&x, &c, 1, 5) == 1);
	(void)mapping_write_range(&x.i->data, 0, -1, true);
	t.fail_write = 0;
	/* Nobody was told: a new descriptor is. */
	a = mapping_sample_error(&x.i->data);
	KTEST_EXPECT(mapping_check_error(&x.i->data, &a) == -ENOSPC);
	(void)mapping_write_range(&x.i->data, 0, -1, true);
	/* Reading. */
	KTEST_EXPECT(mapping_invalidate_range(&x.i->data, 0, ~0ull) == 0);
	t.fail_read = -EIO;
	x.f.ra.advice = RA_RANDOM;
	t.calls = 0;
	KTEST_EXPECT(put(&x, &c, 1, 9) == 1);
	(void)mapping_write_range(&x.i->data, 0, -1, true);
	fixture_end(&x);
}

#define STEPS 1500

static u32 rnd(u32 *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

/* Frees what truncation or a hole leaves without use, as a file system does. */
static void free_blocks(u64 from, u64 to)
{
	for (u64 b = from; b < to; b++) {
		if (t.where[b])
			t.used[t.where[b] - 1] = false;
		t.where[b] = 0;
	}
}

static ssize_t one_step(struct fixture *x, char *model, char *buf, u32 *seed)
{
	loff_t off = rnd(seed) % (FILE_BYTES - 1);
	size_t n = min_t(u64, 1 + rnd(seed) % (4 * PAGE_SIZE), FILE_BYTES - (u64)off);

	switch (rnd(seed) % 8) {
	case 0: /* shorter and longer again */
		mapping_set_size(x->i, off);
		free_blocks(DIV_ROUND_UP((u64)off, 1024), BLOCKS);
		mapping_set_size(x->i, FILE_BYTES);
		memset(model + off, 0, FILE_BYTES - (u64)off);
		return 0;
	case 1: /* a hole */
		mapping_truncate_range(&x->i->data, off, off + (loff_t)n - 1);
		free_blocks(DIV_ROUND_UP((u64)off, 1024), ((u64)off + n) / 1024);
		memset(model + off, 0, n);
		return 0;
	case 2:
		return mapping_write_range(&x->i->data, off, off + (loff_t)n - 1, rnd(seed) % 2);
	case 3:
		(void)mapping_invalidate_range(&x->i->data, 0, ~0ull);
		return 0;
	case 4:
	case 5:
		for (size_t k = 0; k < n; k++)
			model[off + (loff_t)k] = buf[k] = (char)rnd(seed);
		return put(x, buf, n, off) == (ssize_t)n ? 0 : -EIO;
	default:
		if (get(x, buf, n, off) != (ssize_t)n)
			return -EIO;
		return memcmp(buf, model + off, n) ? -EINVAL : 0;
	}
}

KTEST(pagecache_blocks)
{
	char *model = vzalloc(FILE_BYTES), *buf = pages_alloc(2, GFP_KERNEL);
	struct fixture x;
	struct bdev *bd;
	u32 seed = 42;

	if (bdev_open(MKDEV(1, 9), FMODE_READ | FMODE_WRITE, &x, &bd))
		return; /* this kernel has none */
	KTEST_EXPECT(model && buf && fixture_make(&x, &scattered_ops));
	x.i->data.bdev = bd;
	x.i->data.block_shift = 10;
	/* Fresh blocks must not show this. */
	memset(buf, 0xee, 4 * PAGE_SIZE);
	for (u64 k = 0; k < FILE_BYTES / (4 * PAGE_SIZE); k++)
		KTEST_EXPECT(!bdev_rw(bd, BIO_WRITE, k * 4 * PAGE_SIZE / SECTOR_SIZE, buf,
				      4 * PAGE_SIZE));
	for (unsigned int k = 0; k < STEPS; k++)
		KTEST_EXPECT(one_step(&x, model, buf, &seed) == 0);
	KTEST_EXPECT(mapping_write_range(&x.i->data, 0, -1, true) == 0);
	KTEST_EXPECT(mapping_invalidate_range(&x.i->data, 0, ~0ull) == 0);
	for (u64 k = 0; k < FILE_PAGES; k++) {
		KTEST_EXPECT(get(&x, buf, PAGE_SIZE, (loff_t)(k * PAGE_SIZE)) == PAGE_SIZE);
		KTEST_EXPECT(!memcmp(buf, model + k * PAGE_SIZE, PAGE_SIZE));
	}
	(void)bdev_discard(bd, 0, FILE_BYTES / SECTOR_SIZE, 0);
	fixture_end(&x);
	bdev_close(bd, &x);
	pages_free(buf, 2);
	vfree(model);
}
