/* SPDX-License-Identifier: MIT */
/* The way of a bio from bio_submit to a queue: checks, flushes that need nothing, splitting,
 * merging, plugs.
 *
 * Plug: requests of one task gather in current->plug, where neighbours are merged without any lock,
 * and go to their queues together, with one doorbell for each queue. The scheduler flushes the plug
 * of a task that goes to sleep (blk_plug_sleep), so nobody waits for what sits in a plug.
 * Splitting: a bio that exceeds the limits of a request becomes several parts (bio->parent); its
 * own memory is walked, nothing is copied.
 * Locking: none of its own. Everything here may sleep for a tag or a bio. */
#include "block_internal.h"

#include <kernel/time.h>

#define PLUG_MAX 32

/* --- plugs --- */

/* One queue after the other: all its requests in one go. */
static void plug_flush(struct blk_plug *plug)
{
	struct request *rest = plug->first;

	plug->first = plug->last = NULL;
	plug->count = 0;
	while (rest) {
		struct request *mine = NULL, **end = &mine, **from = &rest;
		struct disk_queue *q = rest->queue;

		while (*from) {
			if ((*from)->queue != q) {
				from = &(*from)->next;
				continue;
			}
			*end = *from;
			end = &(*end)->next;
			*from = *end;
			*end = NULL;
		}
		queue_add_request(mine);
	}
}

void blk_plug_start(struct blk_plug *plug)
{
	*plug = (struct blk_plug){ 0 };
	if (!current->plug)
		current->plug = plug;
}

void blk_plug_finish(struct blk_plug *plug)
{
	if (current->plug != plug)
		return;
	current->plug = NULL;
	if (plug->first)
		plug_flush(plug);
}

void blk_plug_sleep(void)
{
	struct blk_plug *plug = current->plug;

	if (plug->first)
		plug_flush(plug);
}

static bool plug_merge(struct blk_plug *plug, struct disk *d, struct bio *b, unsigned int segs)
{
	struct request *rq = plug->last;

	if (!rq)
		return false;
	if (rq->queue->disk == d && request_merge_bio(rq, b, segs))
		return true;
	for (rq = plug->first; rq; rq = rq->next) {
		if (rq->queue->disk == d && request_merge_bio(rq, b, segs))
			return true;
	}
	return false;
}

static void plug_add(struct blk_plug *plug, struct request *rq)
{
	rq->next = NULL;
	if (plug->last)
		plug->last->next = rq;
	else
		plug->first = rq;
	plug->last = rq;
	if (++plug->count >= PLUG_MAX)
		plug_flush(plug);
}

/* --- one bio that fits --- */

static void submit_fitting(struct disk *d, struct bio *b, unsigned int segs)
{
	struct blk_plug *plug = current->plug;
	struct disk_queue *q = disk_this_queue(d);
	struct request *rq;

	if (plug && b->op != BIO_FLUSH) {
		if (plug_merge(plug, d, b, segs)) {
			irqflags_t f = irq_save();

			stats_merge(b->bdev, b->op);
			irq_restore(f);
			return;
		}
	}
	if (queue_merge_bio(q, b, segs))
		return;
	rq = queue_get_request(q, b);
	rq->nr_segs = (u16)segs;
	rq->next = NULL;
	if (plug && b->op != BIO_FLUSH)
		plug_add(plug, rq);
	else
		queue_add_request(rq);
}

/* --- splitting --- */

/* What of `left` bytes from byte `done` on fits into one request; *segs. 0: nothing. */
static u64 take(const struct bio *part, const struct disk_limits *l, u64 left, unsigned int *segs)
{
	u64 max = ~0ull;

	*segs = 0;
	if (part->op == BIO_DISCARD)
		max = l->max_discard;
	else if (part->op == BIO_WRITE_ZEROES)
		max = l->max_zeroes;
	if (!part->nr_vecs)
		return min_t(u64, left, max > left ? left : max << SECTOR_SHIFT);
	*segs = bio_fit(part, l, &left);
	return *segs ? left : 0;
}

/* Makes b begin `bytes` later in its parent's memory. */
static void advance(struct bio *b, u64 bytes)
{
	b->sector += bytes >> SECTOR_SHIFT;
	if (!b->nr_vecs)
		return;
	bytes += b->skip;
	while (bytes && bytes >= b->vecs->len) {
		bytes -= b->vecs->len;
		b->vecs++;
		b->nr_vecs--;
	}
	b->skip = (u32)bytes;
}

static void submit_parts(struct disk *d, struct bio *parent)
{
	struct bio at = { .bdev = parent->bdev, .sector = parent->sector, .op = parent->op,
			  .vecs = parent->vecs, .nr_vecs = parent->nr_vecs };
	u64 left = parent->nr_sectors << SECTOR_SHIFT;
	unsigned int segs;

	atomic_set(&parent->remaining, 1);
	parent->error = 0;
	while (left) {
		struct bio *b;
		u64 n;

		at.nr_sectors = left >> SECTOR_SHIFT;
		n = take(&at, &d->limits, left, &segs);
		if (!n) {
			WRITE_ONCE(parent->error, -EINVAL); /* memory the device cannot address */
			break;
		}
		b = bio_alloc_child(parent);
		b->sector = at.sector;
		b->vecs = at.vecs;
		b->nr_vecs = at.nr_vecs;
		b->skip = at.skip;
		b->nr_sectors = n >> SECTOR_SHIFT;
		atomic_inc(&parent->remaining);
		left -= n;
		advance(&at, n);
		submit_fitting(d, b, segs);
	}
	if (atomic_dec_and_test(&parent->remaining))
		bio_finish(parent);
}

/* --- checks --- */

static int check(const struct bio *b)
{
	const struct bdev *bd = b->bdev;
	const struct disk *d = bd->disk;
	u32 mask = (d->limits.logical_block >> SECTOR_SHIFT) - 1;
	u64 size = READ_ONCE(bd->sectors);

	if (unlikely(READ_ONCE(d->removed) || READ_ONCE(bd->removed)))
		return -ENODEV;
	if (unlikely(READ_ONCE(d->dead)))
		return -EIO;
	if (b->op == BIO_FLUSH)
		return 0;
	if (unlikely(!b->nr_sectors || ((b->sector | b->nr_sectors) & mask)))
		return -EINVAL;
	if (unlikely(b->sector >= size || b->nr_sectors > size - b->sector))
		return -EIO;
	if (b->op == BIO_READ)
		return 0;
	if (unlikely(bdev_read_only(bd)))
		return -EPERM;
	if (b->op == BIO_DISCARD && !d->limits.max_discard)
		return -EOPNOTSUPP;
	if (b->op == BIO_WRITE_ZEROES && !d->limits.max_zeroes)
		return -EOPNOTSUPP;
	return 0;
}

static void refuse(struct bio *b, int rc)
{
	if (rc == -EIO && !(b->flags & BIO_RAHEAD) && !READ_ONCE(b->bdev->disk->dead))
		disk_log_error(b->bdev->disk, b->op, b->sector, b->nr_sectors, rc);
	bio_fail(b, rc);
}

static void submit_direct(struct disk *d, struct bio *b)
{
	u64 sector = bio_disk_sector(b);

	atomic_inc(&d->unqueued);
	if (unlikely(d->inject) && inject_hits(d, b->op, sector, b->nr_sectors)) {
		bio_done(b, -EIO);
		return;
	}
	d->ops->submit_bio(d, b);
}

void bio_done(struct bio *b, int error)
{
	struct disk *d = b->bdev->disk;
	unsigned int op = b->op;
	irqflags_t f;

	if (unlikely(error) && error != -EOPNOTSUPP)
		disk_log_error(d, op, bio_disk_sector(b), b->nr_sectors, error);
	f = irq_save();
	stats_start(b->bdev, 0);
	stats_end(b->bdev, op, b->nr_sectors, 0, 0);
	irq_restore(f);
	b->error = error;
	atomic_dec(&d->unqueued);
	bio_finish(b);
}

void bio_submit(struct bio *b)
{
	struct disk *d = b->bdev->disk;
	u64 bytes = b->nr_sectors << SECTOR_SHIFT, n;
	unsigned int segs;
	bool bounce;
	int rc;

	b->next = NULL;
	b->parent = NULL;
	if (!b->nr_sectors && (b->flags & BIO_PREFLUSH))
		b->op = BIO_FLUSH;
	rc = check(b);
	if (unlikely(rc)) {
		refuse(b, rc);
		return;
	}
	if (!d->limits.write_cache) {
		b->flags &= ~(BIO_PREFLUSH | BIO_FUA);
		if (b->op == BIO_FLUSH) {
			bio_fail(b, 0);
			return;
		}
	}
	if (d->ops->submit_bio) {
		submit_direct(d, b);
		return;
	}
	if (b->op == BIO_FLUSH) {
		submit_fitting(d, b, 0);
		return;
	}
	bounce = unlikely(d->limits.dma32) && bounce_needed(b);
	n = bounce ? 0 : take(b, &d->limits, bytes, &segs);
	if (likely(n == bytes)) {
		submit_fitting(d, b, segs);
		return;
	}
	if (b->flags & BIO_PREFLUSH) { /* before all of the parts */
		rc = bdev_flush(b->bdev);
		if (rc) {
			bio_fail(b, rc);
			return;
		}
		b->flags &= ~BIO_PREFLUSH;
	}
	if (bounce)
		bounce_submit(b);
	else
		submit_parts(d, b);
}
