/* SPDX-License-Identifier: MIT */
/* Direct I/O: between the user's memory and the device, past the page cache.
 *
 * Offsets, lengths and addresses are multiples of the device's logical block size, but a read may
 * end at the end of the file. Cached pages of the range are written and dropped before, and after a
 * write again, should a fault have brought some back. The user's pages are pinned, bios of up to 1
 * MiB go out one after the other, and the call waits for all of them.
 * Reading: holes and what lies behind the end are zeroed. Writing: blocks that exist inside the
 * file are written where they are. Everything else, holes and growth, goes through the page cache,
 * is written at once and dropped, so that fresh blocks never show what was on the device before.
 * Errors: bytes moved before the first error count, as far as they are in one piece from the start.
 * Locking: writing: inode->lock exclusive, held by the caller; reading: shared, taken here, so that
 * no block changes hands under way. The user's pages are pinned under it: mm->lock comes after
 * it. */
#include <fs/block.h>
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/vmstat.h>
#include <kernel/wait.h>

#include "internal.h"

#define PIN_MAX 256u /* pages of one bio */

/* One call. */
struct direct {
	struct mapping *m;
	bool write;
	struct completion done;
	atomic_t left;	  /* bios under way, and one for the caller */
	struct spinlock lock;
	loff_t failed_at; /* lock: lowest offset of a transfer that failed */
	int error;	  /* lock: its error */
};

/* One bio and the pages it pins. */
struct direct_part {
	struct direct *d;
	loff_t pos;
	bool kernel;
	unsigned int nr;
	struct page *pages[];
};

static bool aligned(const struct mapping *m, const struct uio *u, loff_t pos)
{
	u64 mask = m->bdev->disk->limits.logical_block - 1, bits = (u64)pos | u->count;

	bits |= u->iov[0].base + u->offset;
	for (u32 k = 1; k < u->nr; k++)
		bits |= u->iov[k].base;
	for (u32 k = 0; k + 1 < u->nr; k++)
		bits |= u->iov[k].base + u->iov[k].len;
	return !(bits & mask);
}

static void note_error(struct direct *d, loff_t pos, int error)
{
	irqflags_t f = spin_lock_irqsave(&d->lock);

	if (!d->error || pos < d->failed_at) {
		d->failed_at = pos;
		d->error = error;
	}
	spin_unlock_irqrestore(&d->lock, f);
}

static void part_end(struct bio *b)
{
	struct direct_part *part = b->private;
	struct direct *d = part->d;

	if (b->error)
		note_error(d, part->pos, b->error);
	/* Pages are released by the caller: marking them dirty may not happen here. */
	bio_free(b);
	if (atomic_dec_and_test(&d->left))
		complete(&d->done);
}

static void part_release(struct direct_part *part, bool dirty)
{
	for (unsigned int k = 0; k < part->nr && !part->kernel; k++) {
		/* A page of another file, mapped by the user, got new content. */
		if (dirty && !page_test(part->pages[k], PG_ANON))
			page_mark_dirty(part->pages[k]);
		page_put(part->pages[k]);
	}
	kfree(part);
}

/* Pins the next piece of u, at most max bytes; *len: how many. The piece is not consumed. */
static int part_make(struct direct *d, struct uio *u, loff_t pos, size_t max, size_t *len,
		     struct direct_part **out)
{
	struct direct_part *part;
	u64 addr, n;
	long got;

	uio_normalize(u);
	addr = u->iov->base + u->offset;
	n = min_t(u64, max, u->iov->len - u->offset);
	n = min_t(u64, n, PIN_MAX * PAGE_SIZE - (addr & (PAGE_SIZE - 1)));
	part = kmalloc(sizeof(*part) + PIN_MAX * sizeof(part->pages[0]), GFP_KERNEL);
	if (!part)
		return -ENOMEM;
	*part = (struct direct_part){ .d = d, .pos = pos, .kernel = u->kernel };
	if (u->kernel) {
		got = (long)(DIV_ROUND_UP((addr & (PAGE_SIZE - 1)) + n, PAGE_SIZE));
		for (long k = 0; k < got; k++)
			part->pages[k] = virt_to_page((void *)((addr & PAGE_MASK) +
							       (u64)k * PAGE_SIZE));
	} else {
		got = mm_pin_user(addr, n, !d->write, part->pages, PIN_MAX);
	}
	if (got <= 0) {
		kfree(part);
		return got < 0 ? (int)got : -EFAULT;
	}
	part->nr = (unsigned int)got;
	*len = min_t(u64, n, (u64)got * PAGE_SIZE - (addr & (PAGE_SIZE - 1)));
	*out = part;
	return 0;
}

static int part_submit(struct direct *d, struct direct_part *part, u64 sector, u64 addr, size_t len)
{
	struct bio *b = bio_alloc(d->m->bdev, d->write ? BIO_WRITE : BIO_READ, BIO_SYNC, part->nr,
				  GFP_KERNEL);
	u32 off = addr & (PAGE_SIZE - 1);

	if (!b)
		return -ENOMEM;
	b->sector = sector;
	b->end = part_end;
	b->private = part;
	for (unsigned int k = 0; k < part->nr && len; k++) {
		u32 n = (u32)min_t(size_t, len, PAGE_SIZE - off);

		(void)bio_add_page(b, part->pages[k], n, off);
		len -= n;
		off = 0;
	}
	atomic_inc(&d->left);
	if (d->write) {
		current->io_write += b->nr_sectors << SECTOR_SHIFT;
		vm_count(VM_PGPGOUT, b->nr_sectors << SECTOR_SHIFT);
	} else {
		current->io_read += b->nr_sectors << SECTOR_SHIFT;
		vm_count(VM_PGPGIN, b->nr_sectors << SECTOR_SHIFT);
	}
	bio_submit(b);
	return 0;
}

struct part_list {
	struct direct_part *first[64];
	unsigned int n;
};

/* Transfers up to max bytes of u at pos, which lie on the device from `sector` on: started. Bytes
 * or -errno. */
static ssize_t transfer(struct direct *d, struct uio *u, loff_t pos, u64 sector, size_t max,
			struct part_list *parts)
{
	struct direct_part *part = NULL;
	size_t len = 0;
	int rc = part_make(d, u, pos, max, &len, &part);

	if (rc)
		return rc;
	len = ALIGN_DOWN(len, (size_t)d->m->bdev->disk->limits.logical_block);
	rc = len ? part_submit(d, part, sector, u->iov->base + u->offset, len) : -EFAULT;
	if (rc) {
		part->d = d;
		part_release(part, false);
		return rc;
	}
	parts->first[parts->n++] = part;
	uio_skip(u, len);
	return (ssize_t)len;
}

static void direct_init(struct direct *d, struct mapping *m, bool write)
{
	*d = (struct direct){ .m = m, .write = write };
	spin_lock_init(&d->lock, LOCK_DRIVER_IRQ);
	completion_init(&d->done);
	atomic_set(&d->left, 1);
}

static void direct_wait(struct direct *d, struct part_list *parts)
{
	if (!atomic_dec_and_test(&d->left))
		wait_for_completion(&d->done);
	for (unsigned int k = 0; k < parts->n; k++)
		part_release(parts->first[k], !d->write);
	parts->n = 0;
}

/* Bytes from pos on whose place on the device is known: a run of blocks or of holes. */
static int find_run(struct mapping *m, loff_t pos, size_t n, u64 *sector, size_t *run)
{
	u32 mask = (1u << m->block_shift) - 1;
	u64 b = (u64)pos >> m->block_shift;
	u64 want = (((u64)pos & mask) + n + mask) >> m->block_shift;
	struct block_map map;
	int rc = m->ops->map_blocks(m, b, (u32)min(want, 1ull << 20), false, &map);

	if (rc)
		return rc;
	*sector = map.block == BLOCK_HOLE
			  ? BLOCK_HOLE
			  : (map.block << (m->block_shift - SECTOR_SHIFT)) +
				    (((u64)pos & mask) >> SECTOR_SHIFT);
	*run = min_t(u64, n, ((u64)map.count << m->block_shift) - ((u64)pos & mask));
	return 0;
}

/* One round of bios: as many as parts has room for. Bytes of u consumed, less where an error came
 * up later. *rc: the error that ended it. */
static size_t read_round(struct mapping *m, struct uio *u, loff_t pos, loff_t size, int *rc)
{
	struct part_list parts = { .n = 0 };
	struct direct d;
	struct blk_plug plug;
	loff_t at = pos;

	direct_init(&d, m, false);
	blk_plug_start(&plug);
	while (u->count && at < size && parts.n < ARRAY_SIZE(parts.first)) {
		u32 lb = m->bdev->disk->limits.logical_block;
		size_t n = min_t(u64, u->count, ALIGN_UP((u64)(size - at), lb)), run;
		u64 sector;
		ssize_t got;

		*rc = find_run(m, at, n, &sector, &run);
		if (*rc)
			break;
		if (sector == BLOCK_HOLE)
			got = (ssize_t)uio_zero(u, run) ?: -EFAULT;
		else
			got = transfer(&d, u, at, sector, run, &parts);
		if (got < 0) {
			*rc = (int)got;
			break;
		}
		at += got;
	}
	blk_plug_finish(&plug);
	direct_wait(&d, &parts);
	if (d.error) {
		*rc = d.error;
		at = d.failed_at;
	}
	return (size_t)(at - pos);
}

ssize_t direct_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct mapping *m = f->inode->mapping;
	struct inode *i = m->host;
	loff_t at = *pos, size;
	size_t want = u->count;
	ssize_t done;
	int rc = 0;

	if (!want)
		return 0;
	if (!aligned(m, u, at))
		return -EINVAL;
	down_read(&i->lock);
	size = READ_ONCE(i->size);
	if (m->nr_pages && at < size)
		rc = mapping_write_range(m, at, at + (loff_t)want - 1, true);
	while (!rc && u->count && at < size && !fatal_signal_pending()) {
		size_t n = read_round(m, u, at, size, &rc);

		at += (loff_t)n;
	}
	up_read(&i->lock);
	file_accessed(f);
	done = min(at, max(size, *pos)) - *pos;
	*pos += done;
	return done ? done : rc;
}

/* Writes over blocks that exist, as far as they do from at on. Bytes; 0: none, or *rc. */
static size_t write_round(struct mapping *m, struct uio *u, loff_t pos, loff_t size, int *rc)
{
	struct part_list parts = { .n = 0 };
	struct direct d;
	struct blk_plug plug;
	loff_t at = pos;

	direct_init(&d, m, true);
	blk_plug_start(&plug);
	while (u->count && at < size && parts.n < ARRAY_SIZE(parts.first)) {
		size_t n = min_t(u64, u->count, (u64)(size - at)), run;
		u64 sector;
		ssize_t got;

		n = ALIGN_DOWN(n, (size_t)m->bdev->disk->limits.logical_block);
		if (!n)
			break;
		*rc = find_run(m, at, n, &sector, &run);
		if (*rc || sector == BLOCK_HOLE)
			break;
		got = transfer(&d, u, at, sector, run, &parts);
		if (got < 0) {
			*rc = (int)got;
			break;
		}
		at += got;
	}
	blk_plug_finish(&plug);
	direct_wait(&d, &parts);
	if (d.error) {
		*rc = d.error;
		at = d.failed_at;
	}
	return (size_t)(at - pos);
}

/* Bytes from pos on that have no storage inside the file: through the cache. */
static ssize_t write_cached(struct inode *i, struct uio *u, loff_t *pos)
{
	struct mapping *m = i->mapping;
	loff_t start = *pos;
	size_t rest = u->count, n = rest, run;
	u64 sector;
	ssize_t rc;

	if (start < i->size) {
		rc = find_run(m, start, rest, &sector, &run);
		if (rc)
			return rc;
		/* The tail of a file that ends inside a logical block counts as growth. */
		n = sector == BLOCK_HOLE ? run : rest;
	}
	u->count = n;
	rc = pagecache_write(i, u, pos);
	u->count = rest - (rc > 0 ? (size_t)rc : 0);
	if (rc > 0) {
		int err = mapping_write_range(m, start, *pos - 1, true);

		(void)mapping_invalidate_range(m, (u64)start / PAGE_SIZE,
					       (u64)(*pos - 1) / PAGE_SIZE);
		if (err)
			rc = err;
	}
	return rc;
}

ssize_t direct_write(struct file *f, struct uio *u, loff_t *pos)
{
	struct mapping *m = f->inode->mapping;
	struct inode *i = m->host;
	loff_t at = *pos, end = at + (loff_t)u->count;
	ssize_t done = 0, n;
	int rc = 0;

	if (!u->count)
		return 0;
	if (!aligned(m, u, at))
		return -EINVAL;
	if (m->nr_pages) {
		rc = mapping_write_range(m, at, end - 1, true);
		(void)mapping_evict_range(m, (u64)at / PAGE_SIZE, (u64)(end - 1) / PAGE_SIZE);
	}
	while (!rc && u->count && !fatal_signal_pending()) {
		n = (ssize_t)write_round(m, u, at, i->size, &rc);
		if (!n && !rc) {
			/* A page that a reader brought in while its first blocks were on the way
			 * may hold their old content: it must not be written back whole. */
			if (m->nr_pages)
				(void)mapping_evict_range(m, (u64)at / PAGE_SIZE,
							  (u64)(end - 1) / PAGE_SIZE);
			n = write_cached(i, u, &at);
		} else {
			at += n;
		}
		if (n < 0)
			rc = (int)n;
		else
			done += n;
	}
	/* What a fault or a reader brought in meanwhile is old. */
	if (m->nr_pages)
		(void)mapping_evict_range(m, (u64)*pos / PAGE_SIZE, (u64)(end - 1) / PAGE_SIZE);
	*pos += done;
	return done ? done : rc;
}
