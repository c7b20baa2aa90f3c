/* SPDX-License-Identifier: MIT */
/* Between the pages of a file and the blocks of its device: the block_* operations.
 *
 * Pages are taken in order; map_blocks says where their blocks lie, a run at a time, and as long as
 * blocks and pages follow each other they go into one bio. A page whose blocks (512 to 4096 bytes)
 * do not follow each other goes in fragments, each a bio of its own, that are counted down.
 * Reading: holes and what lies behind the end of the file are zeroed without I/O. Completion, in an
 * interrupt, makes pages up to date and unlocks them; a page that could not be read stays as it is,
 * and whoever wants it reads it alone and gets the error.
 * Writing: block_prepare_write gives blocks to what will be written. PG_BLOCKS says that all blocks
 * of a page are known to exist, so that overwriting asks the file system nothing; truncation clears
 * it. Write-back maps without creating: a block without storage in a dirty page is a hole and is
 * left alone, because whoever writes to a page, through a mapping too, has made storage before.
 * Fresh blocks hold garbage on the device until the page is written, so the page is dirty before it
 * gets them, and a failure after they were allocated leaves them zeroed in it.
 * Locking: page locks, then the file system's. The page lock is given up when the page is in a bio;
 * PG_LOCKED (reading) and PG_WRITEBACK keep it in the file until the transfer is over. */
#include <fs/block.h>
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/vmstat.h>

#include "internal.h"

#define MAX_FRAGS (PAGE_SIZE / SECTOR_SIZE)
#define BATCH	  32u

/* Consecutive bytes of a page that are consecutive on the device. */
struct frag {
	u64 sector;
	u32 off, len;
};

/* A page in fragments under way. */
struct frag_page {
	struct page *page;
	atomic_t left;
	int error;
	bool write;
};

/* A row of pages under way to a device: the bio that is being filled and the run it is in. */
struct page_io {
	struct mapping *m;
	bool write;
	u32 bio_flags;
	u64 pages_left;	       /* a guess at how many will come */
	struct bio *bio;
	u64 next_sector;       /* behind the bio */
	struct block_map map;  /* the run that was asked for last */
	u64 map_first;	       /* its first block in the file */
	u64 map_max;	       /* no block from here on will be asked for */
};

static u64 page_start(const struct page *p)
{
	return (u64)p->index << PAGE_SHIFT;
}

/* Blocks of the page that begin before the end of the file. */
static unsigned int blocks_in_file(const struct mapping *m, const struct page *p)
{
	u64 size = (u64)READ_ONCE(m->host->size), start = page_start(p);

	if (start >= size)
		return 0;
	return (unsigned int)DIV_ROUND_UP(min(size - start, (u64)PAGE_SIZE),
					  1ull << m->block_shift);
}

static unsigned int blocks_per_page(const struct mapping *m)
{
	return 1u << (PAGE_SHIFT - m->block_shift);
}

static u64 first_block(const struct mapping *m, const struct page *p)
{
	return (u64)p->index << (PAGE_SHIFT - m->block_shift);
}

/* --- completion: interrupt context possible --- */

static void zero_behind_end(struct page *p)
{
	u64 size = (u64)READ_ONCE(p->mapping->host->size), start = page_start(p);

	if (size < start + PAGE_SIZE) {
		unsigned int keep = size > start ? (unsigned int)(size - start) : 0;

		memset((char *)page_address(p) + keep, 0, PAGE_SIZE - keep);
	}
}

static void page_done(struct page *p, bool write, int error)
{
	if (write) {
		page_writeback_end(p, error);
		return;
	}
	if (likely(!error)) {
		zero_behind_end(p);
		page_set(p, PG_UPTODATE);
	}
	page_unlock(p);
}

static void pages_end(struct bio *b)
{
	for (unsigned int k = 0; k < b->nr_vecs; k++)
		page_done(b->vecs[k].page, b->op == BIO_WRITE, b->error);
	bio_free(b);
}

static void frag_end(struct bio *b)
{
	struct frag_page *fp = b->private;

	if (b->error)
		WRITE_ONCE(fp->error, b->error);
	bio_free(b);
	if (atomic_dec_and_test(&fp->left)) {
		page_done(fp->page, fp->write, fp->error);
		kfree(fp);
	}
}

/* --- submission --- */

static void io_submit(struct page_io *io)
{
	struct bio *b = io->bio;
	u64 bytes;

	if (!b)
		return;
	bytes = b->nr_sectors << SECTOR_SHIFT;
	io->bio = NULL;
	if (io->write) {
		vm_count(VM_PGPGOUT, bytes);
	} else {
		vm_count(VM_PGPGIN, bytes);
		current->io_read += bytes;
	}
	bio_submit(b);
}

static struct bio *new_bio(struct page_io *io, const struct frag *f, unsigned int vecs)
{
	struct bio *b = bio_alloc(io->m->bdev, io->write ? BIO_WRITE : BIO_READ, io->bio_flags,
				  vecs, GFP_KERNEL);

	if (b)
		b->sector = f->sector;
	return b;
}

/* The whole of what a page transfers, in one piece: into the bio that is being filled, if it
 * fits. */
static int add_page(struct page_io *io, struct page *p, const struct frag *f)
{
	u64 more;

	if (io->bio && io->next_sector == f->sector && bio_add_page(io->bio, p, f->len, f->off))
		goto added;
	io_submit(io);
	more = clamp(io->pages_left, 1ull, (u64)BIO_MAX_VECS);
	io->bio = new_bio(io, f, (unsigned int)more);
	if (!io->bio)
		return -ENOMEM;
	io->bio->end = pages_end;
	(void)bio_add_page(io->bio, p, f->len, f->off);
added:
	io->next_sector = f->sector + (f->len >> SECTOR_SHIFT);
	return 0;
}

/* A page in n pieces. */
static int add_frags(struct page_io *io, struct page *p, const struct frag *f, unsigned int n)
{
	struct frag_page *fp = kmalloc(sizeof(*fp), GFP_KERNEL);

	if (!fp)
		return -ENOMEM;
	*fp = (struct frag_page){ .page = p, .write = io->write };
	atomic_set(&fp->left, (int)n);
	io_submit(io);
	for (unsigned int k = 0; k < n; k++) {
		struct bio *b = new_bio(io, &f[k], 1);

		if (!b) { /* what has not been sent is over */
			WRITE_ONCE(fp->error, -ENOMEM);
			if (atomic_sub_return(&fp->left, (int)(n - k)) == 0) {
				page_done(p, io->write, -ENOMEM);
				kfree(fp);
			}
			return 0;
		}
		b->end = frag_end;
		b->private = fp;
		(void)bio_add_page(b, p, f[k].len, f[k].off);
		io->bio = b;
		io_submit(io);
	}
	return 0;
}

/* Where block b of the file lies, and how many from there on follow each other (or are holes). */
static int lookup(struct page_io *io, u64 b, u64 *dev, u64 *count)
{
	u64 in;

	if (b < io->map_first || b >= io->map_first + io->map.count) {
		u64 want = io->map_max > b ? io->map_max - b : 1;
		int rc = io->m->ops->map_blocks(io->m, b, (u32)min(want, 1ull << 20), false,
						&io->map);

		if (rc) {
			io->map.count = 0;
			return rc;
		}
		io->map_first = b;
	}
	in = b - io->map_first;
	*dev = io->map.block == BLOCK_HOLE ? BLOCK_HOLE : io->map.block + in;
	*count = io->map.count - in;
	return 0;
}

/* The pieces of blocks [0, nr) of a page, without those of `skip` (bits); holes: bits of holes. */
static int find_frags(struct page_io *io, struct page *p, unsigned int nr, u32 skip, struct frag *f,
		      unsigned int *n, u32 *holes)
{
	unsigned int shift = io->m->block_shift;
	u64 first = first_block(io->m, p);

	*n = 0;
	*holes = 0;
	for (unsigned int b = 0, run; b < nr; b += run) {
		u64 dev, count;
		struct frag *last = *n ? &f[*n - 1] : NULL;
		int rc;

		run = 1;
		if (skip >> b & 1)
			continue;
		rc = lookup(io, first + b, &dev, &count);
		if (rc)
			return rc;
		while (run < count && b + run < nr && !(skip >> (b + run) & 1))
			run++;
		if (dev == BLOCK_HOLE) {
			*holes |= ((1u << run) - 1) << b;
			continue;
		}
		dev <<= shift - SECTOR_SHIFT;
		if (last && last->off + last->len == b << shift &&
		    last->sector + (last->len >> SECTOR_SHIFT) == dev) {
			last->len += run << shift;
			continue;
		}
		f[(*n)++] = (struct frag){ .sector = dev, .off = b << shift, .len = run << shift };
	}
	return 0;
}

static void zero_blocks(const struct mapping *m, struct page *p, u32 bits)
{
	for (unsigned int b = 0; bits; b++, bits >>= 1)
		if (bits & 1)
			memset((char *)page_address(p) + (b << m->block_shift), 0,
			       1ul << m->block_shift);
}

/* --- reading --- */

/* Starts reading a locked page, which is unlocked when it is done; on error at once. */
static int read_one(struct page_io *io, struct page *p)
{
	struct mapping *m = io->m;
	unsigned int nr = blocks_in_file(m, p), n, used = nr << m->block_shift;
	struct frag f[MAX_FRAGS];
	u32 holes;
	int rc;

	rc = find_frags(io, p, nr, 0, f, &n, &holes);
	if (rc) {
		page_unlock(p);
		return rc;
	}
	if (unlikely(holes))
		zero_blocks(m, p, holes);
	if (unlikely(used < PAGE_SIZE))
		memset((char *)page_address(p) + used, 0, PAGE_SIZE - used);
	else if (!holes)
		page_set(p, PG_BLOCKS);
	if (!n) {
		page_done(p, false, 0);
		return 0;
	}
	rc = n == 1 ? add_page(io, p, f) : add_frags(io, p, f, n);
	if (rc)
		page_unlock(p);
	return rc;
}

int block_read_page(struct mapping *m, struct page *p)
{
	struct page_io io = { .m = m, .pages_left = 1 };
	int rc;

	io.map_max = first_block(m, p) + blocks_per_page(m);
	rc = read_one(&io, p);
	io_submit(&io);
	return rc;
}

void block_read_ahead(struct mapping *m, u64 first, unsigned int nr)
{
	struct page_io io = { .m = m, .pages_left = nr };

	io.map_max = (first + nr) << (PAGE_SHIFT - m->block_shift);
	for (u64 index = first; index < first + nr; index++) {
		struct page *p;

		/* Locked by the caller, so it is there. */
		rcu_read_lock();
		p = xa_load(&m->pages, index);
		rcu_read_unlock();
		(void)read_one(&io, p);
		io.pages_left--;
	}
	io_submit(&io);
}

/* --- writing: preparing a page --- */

struct load_wait {
	struct completion done;
	atomic_t left;
	int error;
};

static void load_end(struct bio *b)
{
	struct load_wait *w = b->private;

	if (b->error)
		WRITE_ONCE(w->error, b->error);
	bio_free(b);
	if (atomic_dec_and_test(&w->left))
		complete(&w->done);
}

/* Brings the blocks of a locked page that are not in `skip` into memory and waits; zeroes holes and
 * what lies behind the end. */
static int load_blocks(struct mapping *m, struct page *p, u32 skip)
{
	struct page_io io = { .m = m, .bio_flags = BIO_SYNC };
	unsigned int nr = blocks_in_file(m, p), n, all = blocks_per_page(m);
	struct frag f[MAX_FRAGS];
	struct load_wait w = { .left = ATOMIC_INIT(1) };
	u32 holes;
	int rc;

	io.map_max = first_block(m, p) + all;
	rc = find_frags(&io, p, nr, skip, f, &n, &holes);
	if (rc)
		return rc;
	for (unsigned int b = nr; b < all; b++)
		holes |= 1u << b;
	zero_blocks(m, p, holes & ~skip);
	if (!n)
		return 0;
	completion_init(&w.done);
	for (unsigned int k = 0; k < n; k++) {
		struct bio *b = new_bio(&io, &f[k], 1);

		if (!b) {
			WRITE_ONCE(w.error, -ENOMEM);
			break;
		}
		b->end = load_end;
		b->private = &w;
		(void)bio_add_page(b, p, f[k].len, f[k].off);
		atomic_inc(&w.left);
		io.bio = b;
		io_submit(&io);
	}
	if (!atomic_dec_and_test(&w.left))
		wait_for_completion(&w.done);
	return w.error;
}

/* Bits of the blocks [from, to) in bytes that it covers completely, or touches. */
static u32 block_bits(const struct mapping *m, unsigned int from, unsigned int to, bool whole)
{
	unsigned int bs = 1u << m->block_shift;
	unsigned int lo = whole ? DIV_ROUND_UP(from, bs) : from / bs;
	unsigned int hi = whole ? to / bs : DIV_ROUND_UP(to, bs);

	return lo < hi ? (u32)(((1ull << (hi - lo)) - 1) << lo) : 0;
}

/* Storage for the blocks [lo, hi) of a page; *fresh: bits of those that had none. */
static int give_blocks(struct mapping *m, struct page *p, unsigned int lo, unsigned int hi,
		       u32 *fresh)
{
	u64 first = first_block(m, p);
	struct block_map map;

	*fresh = 0;
	for (unsigned int b = lo, run; b < hi; b += run) {
		int rc = m->ops->map_blocks(m, first + b, hi - b, true, &map);

		if (rc)
			return rc;
		run = min(map.count, hi - b);
		if (map.fresh)
			*fresh |= ((1u << run) - 1) << b;
	}
	if (hi - lo == blocks_per_page(m))
		page_set(p, PG_BLOCKS);
	return 0;
}

/* Zeroes what [off, off+len) leaves of the blocks in `fresh`. */
static void zero_round(const struct mapping *m, struct page *p, u32 fresh, unsigned int off,
		       unsigned int len)
{
	unsigned int bs = 1u << m->block_shift, end = off + len;
	char *va = page_address(p);

	if (off % bs && fresh >> (off / bs) & 1)
		memset(va + ALIGN_DOWN(off, bs), 0, off % bs);
	if (end % bs && fresh >> (end / bs) & 1)
		memset(va + end, 0, bs - end % bs);
}

/* Storage could not be had for all blocks: what was allocated must not show what is on the
 * device. */
static void abandon_fresh(struct mapping *m, struct page *p, u32 fresh)
{
	if (!fresh)
		return;
	if (!page_test(p, PG_UPTODATE)) {
		zero_blocks(m, p, fresh);
		if (load_blocks(m, p, fresh))
			return;
		page_set(p, PG_UPTODATE);
	}
	page_mark_dirty(p);
}

/* Before it gets storage: a file system that makes fresh blocks part of a file must find the page
 * that belongs to them, and waits for its lock. */
static void dirty_first(struct page *p)
{
	if (page_test(p, PG_DIRTY))
		return;
	page_mark_dirty(p);
	current->io_write += PAGE_SIZE;
	current->nr_dirtied++;
}

int block_prepare_write(struct mapping *m, struct page *p, unsigned int off, unsigned int len)
{
	u32 touched, covered, fresh, old;
	bool uptodate = page_test(p, PG_UPTODATE);
	int rc;

	if (likely(uptodate && page_test(p, PG_BLOCKS)))
		return 0;
	touched = block_bits(m, off, off + len, false);
	covered = block_bits(m, off, off + len, true);
	dirty_first(p);
	rc = give_blocks(m, p, off >> m->block_shift,
			 DIV_ROUND_UP(off + len, 1u << m->block_shift), &fresh);
	if (unlikely(rc)) {
		abandon_fresh(m, p, fresh);
		return rc;
	}
	old = touched & ~fresh;
	if (uptodate)
		return 0;
	if (unlikely(fresh && old)) {
		/* A mixture: a copy that ends early could neither be undone nor completed. So all
		 * of it is made valid first. */
		zero_blocks(m, p, fresh);
		rc = load_blocks(m, p, fresh);
		if (!rc)
			page_set(p, PG_UPTODATE);
		return rc;
	}
	if (off || len < PAGE_SIZE) {
		rc = load_blocks(m, p, fresh | covered);
		zero_round(m, p, fresh, off, len);
		if (rc) {
			abandon_fresh(m, p, fresh);
			return rc;
		}
	}
	return fresh ? 1 : 0;
}

void block_commit_write(struct mapping *m __maybe_unused, struct page *p,
			unsigned int off __maybe_unused, unsigned int len)
{
	if (!len)
		return;
	if (!page_test(p, PG_UPTODATE))
		page_set(p, PG_UPTODATE);
	dirty_first(p);
}

int block_page_mkwrite(struct vm_fault *f)
{
	struct mapping *m = f->vma->file->inode->mapping;
	struct page *p = f->page;
	unsigned int nr;
	u32 fresh;
	int rc = 0;

	file_modified_mapped(f->vma->file);
	dirty_throttle_maybe();
	page_lock(p);
	if (p->mapping != m || !page_test(p, PG_UPTODATE)) {
		rc = -EAGAIN;
		goto unlock;
	}
	nr = blocks_in_file(m, p);
	if (!nr) { /* truncated meanwhile */
		rc = -EIO;
		goto unlock;
	}
	dirty_first(p);
	if (!page_test(p, PG_BLOCKS))
		rc = give_blocks(m, p, 0, nr, &fresh);
	if (rc)
		goto unlock;
	block_commit_write(m, p, 0, PAGE_SIZE);
	f->locked = true;
	return 0;
unlock:
	page_unlock(p);
	if (rc == -ENOSPC && m->host->sb->ops->make_space &&
	    m->host->sb->ops->make_space(m->host->sb))
		rc = -EAGAIN;
	return rc;
}

/* --- writing back --- */

/* A locked dirty page: into a bio. */
static void write_page(struct page_io *io, struct page *p)
{
	struct mapping *m = io->m;
	unsigned int nr = blocks_in_file(m, p), n;
	struct frag f[MAX_FRAGS];
	u32 holes;
	int rc;

	/* Behind the end: truncation is on its way and takes it. */
	if (!nr || !page_writeback_begin(p))
		return;
	/* What a mapping put behind the end. */
	zero_behind_end(p);
	rc = find_frags(io, p, nr, 0, f, &n, &holes);
	if (!rc && n)
		rc = n == 1 ? add_page(io, p, f) : add_frags(io, p, f, n);
	if (rc || !n)
		page_writeback_end(p, rc);
}

/* Locks pages[0], for `all` at any price, and those that follow it in the file as far as that needs
 * no waiting: only while a page is locked its blocks stay where map_blocks says they are. How many;
 * 0: the first is not to be written. */
static unsigned int lock_run(struct page_io *io, struct page **pages, const u64 *index,
			     unsigned int n, bool all)
{
	struct page *p = pages[0];
	unsigned int k = 1;

	if (!page_trylock(p)) {
		if (!all)
			return 0;
		io_submit(io);
		page_lock(p);
	}
	if (p->mapping == io->m && page_test(p, PG_WRITEBACK) && all) {
		io_submit(io);
		page_wait_writeback(p);
	}
	if (p->mapping != io->m || page_test(p, PG_WRITEBACK)) {
		page_unlock(p);
		return 0;
	}
	for (; k < n && pages[k] && index[k] == index[0] + k && page_trylock(pages[k]); k++) {
		if (pages[k]->mapping != io->m || page_test(pages[k], PG_WRITEBACK)) {
			page_unlock(pages[k]);
			break;
		}
	}
	io->map.count = 0;
	io->map_max = first_block(io->m, pages[k - 1]) + blocks_per_page(io->m);
	return k;
}

static void write_batch(struct page_io *io, struct page **pages, const u64 *index, unsigned int n,
			bool all)
{
	for (unsigned int k = 0, run; k < n; k += max(run, 1u)) {
		run = pages[k] ? lock_run(io, pages + k, index + k, n - k, all) : 0;
		for (unsigned int j = k; j < k + run; j++) {
			write_page(io, pages[j]);
			page_unlock(pages[j]);
			io->pages_left -= io->pages_left > 1;
		}
	}
	for (unsigned int k = 0; k < n; k++)
		if (pages[k])
			page_put(pages[k]);
}

int block_write_pages(struct mapping *m, u64 first, u64 last, bool all)
{
	struct page_io io = { .m = m, .write = true, .bio_flags = all ? BIO_SYNC : 0 };
	struct page *pages[BATCH];
	u64 index[BATCH];
	struct blk_plug plug;
	unsigned int n;

	io.pages_left = READ_ONCE(m->nr_dirty);
	blk_plug_start(&plug);
	while (first <= last) {
		rcu_read_lock();
		n = xa_gather_marked(&m->pages, first, last, (void **)pages, index, BATCH,
				     PAGECACHE_MARK_DIRTY);
		for (unsigned int k = 0; k < n; k++)
			if (!page_get_unless_zero(pages[k]))
				pages[k] = NULL;
		rcu_read_unlock();
		if (!n)
			break;
		write_batch(&io, pages, index, n, all);
		if (index[n - 1] == ~0ull)
			break;
		first = index[n - 1] + 1;
		cond_resched();
	}
	io_submit(&io);
	blk_plug_finish(&plug);
	return 0; /* errors are in wb_err */
}
