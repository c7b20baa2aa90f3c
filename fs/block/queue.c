/* SPDX-License-Identifier: MIT */
/* Hardware queues: requests and their tags, the waiting list, completion, time-outs.
 *
 * Owns:       disk_queue and its requests. A request's number in q->requests is its tag, so having
 *             a tag is having the memory: under memory exhaustion requests always come back.
 * Life of a request: free -> waiting (in a plug, or in q->waiting) -> in flight (the driver's)
 *             -> free. A write that must be stable on a device without FUA, or behind a flush, goes
 *             round: flush, data, flush, each a step of the same request with the same tag; its
 *             bios are held aside while a flush step runs.
 * Fairness:   the waiting list is in order of arrival; reads are picked first, but at most
 *             READS_FIRST of them while a write waits. Writes nobody waits for (no BIO_SYNC)
 *             cannot have the last quarter of the tags.
 * Locking:    q->lock, interrupts off. Ends of bios run after it was dropped, from a chain
 *             (bio_chain), because end() may wake, free and start write-back of other things.
 * Time-outs:  a disk's watchdog is scheduled when a request starts and none is; while it finds
 *             requests in flight it comes again. So a request costs one test of disk->watching.
 */
#include "block_internal.h"

#include <kernel/bitmap.h>
#include <kernel/time.h>

#define READS_FIRST 16
#define MERGE_LOOK 8 /* waiting requests a bio is compared with */

static bool is_write(unsigned int op)
{
	return op != BIO_READ && op != BIO_FLUSH;
}

struct disk_queue *disk_this_queue(struct disk *d)
{
	return &d->queues[d->nr_queues > 1 ? cpu_id() % d->nr_queues : 0];
}

/* --- tags --- */

static struct request *tag_get(struct disk_queue *q, bool patient)
{
	unsigned int limit = patient ? q->depth - q->depth / 4 : q->depth;
	size_t tag;

	if (q->nr_tags >= limit || unlikely(READ_ONCE(q->disk->frozen)))
		return NULL;
	tag = bitmap_find_next_zero(q->tags, q->depth, q->tag_hint);
	if (tag >= q->depth)
		tag = bitmap_find_first_zero(q->tags, q->depth);
	bitmap_set(q->tags, tag);
	q->tag_hint = (unsigned int)tag;
	q->nr_tags++;
	return &q->requests[tag];
}

static void tag_put(struct disk_queue *q, struct request *rq)
{
	rq->state = RQ_FREE;
	rq->bios = rq->last = rq->held = NULL;
	bitmap_clear(q->tags, rq->tag);
	q->nr_tags--;
	if (unlikely(wait_queue_active(&q->tag_wait)))
		wake_up_all(&q->tag_wait);
}

static struct request *try_get(struct disk_queue *q, bool patient)
{
	irqflags_t f = spin_lock_irqsave(&q->lock);
	struct request *rq = tag_get(q, patient);

	if (rq)
		rq->state = RQ_WAITING;
	spin_unlock_irqrestore(&q->lock, f);
	return rq;
}

/* Which steps a request needs; the device has a volatile cache. */
static void set_steps(struct request *rq, const struct disk_limits *l)
{
	rq->step = STEP_WHOLE;
	if (rq->op == BIO_FLUSH || !(rq->flags & (BIO_PREFLUSH | BIO_FUA)))
		return;
	if (rq->flags & BIO_PREFLUSH)
		rq->step = STEP_PREFLUSH;
	else if (!l->fua)
		rq->step = STEP_DATA;
}

/* The command of a step: a flush has no data. */
static void enter_step(struct request *rq)
{
	bool flush = rq->step == STEP_PREFLUSH || rq->step == STEP_POSTFLUSH;

	if (flush && rq->bios) {
		rq->held = rq->bios;
		rq->bios = NULL;
		rq->op = BIO_FLUSH;
	} else if (!flush && rq->held) {
		rq->bios = rq->held;
		rq->held = NULL;
		rq->op = rq->bios->op;
	}
}

struct request *queue_get_request(struct disk_queue *q, struct bio *b)
{
	bool patient = is_write(b->op) && !(b->flags & BIO_SYNC);
	struct request *rq = try_get(q, patient);

	if (unlikely(!rq))
		wait_event(&q->tag_wait, (rq = try_get(q, patient)) != NULL);
	rq->bios = rq->last = b;
	rq->held = NULL;
	rq->bdev = b->bdev;
	rq->sector = b->op == BIO_FLUSH ? 0 : bio_disk_sector(b);
	rq->nr_sectors = b->nr_sectors;
	rq->op = b->op;
	rq->flags = b->flags;
	rq->error = 0;
	rq->start_ns = ktime_get();
	set_steps(rq, &q->disk->limits);
	return rq;
}

struct request *disk_queue_rq(struct disk_queue *q, unsigned int tag)
{
	struct request *rq;

	if (tag >= q->depth)
		return NULL;
	rq = &q->requests[tag];
	return READ_ONCE(rq->state) == RQ_INFLIGHT ? rq : NULL;
}

/* --- merging --- */

static bool mergeable(const struct request *rq, const struct bio *b, unsigned int segs)
{
	const struct disk_limits *l = &rq->queue->disk->limits;
	u64 max = l->max_sectors;

	if (rq->op == BIO_DISCARD)
		max = l->max_discard;
	else if (rq->op == BIO_WRITE_ZEROES)
		max = l->max_zeroes;
	return rq->op == b->op && rq->bdev == b->bdev && rq->step == STEP_WHOLE && rq->bios &&
	       !((rq->flags | b->flags) & (BIO_FUA | BIO_PREFLUSH)) && rq->op != BIO_FLUSH &&
	       !((rq->flags ^ b->flags) & (BIO_NOUNMAP | BIO_RAHEAD)) &&
	       rq->nr_sectors + b->nr_sectors <= max && rq->nr_segs + segs <= l->max_segs;
}

bool request_merge_bio(struct request *rq, struct bio *b, unsigned int segs)
{
	u32 mask = rq->queue->disk->limits.virt_boundary;
	u64 at = bio_disk_sector(b);

	if (!mergeable(rq, b, segs))
		return false;
	if (rq->sector + rq->nr_sectors == at && !bio_gap_between(rq->last, b, mask)) {
		rq->last->next = b;
		rq->last = b;
	} else if (at + b->nr_sectors == rq->sector && !bio_gap_between(b, rq->bios, mask)) {
		b->next = rq->bios;
		rq->bios = b;
		rq->sector = at;
	} else {
		return false;
	}
	rq->nr_sectors += b->nr_sectors;
	rq->nr_segs = (u16)(rq->nr_segs + segs);
	rq->flags |= b->flags;
	return true;
}

bool queue_merge_bio(struct disk_queue *q, struct bio *b, unsigned int segs)
{
	unsigned int look = MERGE_LOOK;
	struct request *rq;
	bool merged = false;
	irqflags_t f;

	if (likely(list_empty(&q->waiting)) || b->op == BIO_FLUSH)
		return false;
	f = spin_lock_irqsave(&q->lock);
	list_for_each_entry_reverse(rq, &q->waiting, node) {
		merged = request_merge_bio(rq, b, segs);
		if (merged || !--look)
			break;
	}
	if (merged)
		stats_merge(b->bdev, b->op);
	spin_unlock_irqrestore(&q->lock, f);
	return merged;
}

/* --- the end of a request --- */

static void finish(struct disk_queue *q, struct request *rq, int error, struct bio_chain *done)
	MUST_HOLD(q->lock)
{
	struct bio *b = rq->bios ? rq->bios : rq->held;

	if (rq->step != STEP_WHOLE && !error && rq->step != STEP_POSTFLUSH &&
	    !(rq->step == STEP_DATA && (!(rq->flags & BIO_FUA) || q->disk->limits.fua))) {
		rq->step++;
		enter_step(rq);
		rq->state = RQ_WAITING;
		list_add(&rq->node, &q->waiting);
		return;
	}
	if (unlikely(error) && !(rq->flags & BIO_RAHEAD))
		disk_log_error(q->disk, b->op, rq->sector, rq->nr_sectors, error);
	stats_end(rq->bdev, b->op, rq->nr_sectors, rq->start_ns, ktime_get());
	*done->end = b;
	for (; b; b = b->next) {
		b->error = error;
		done->end = &b->next;
	}
	tag_put(q, rq);
}

/* --- giving requests to the driver --- */

static struct request *pick(struct disk_queue *q) MUST_HOLD(q->lock)
{
	struct request *first = list_first_entry(&q->waiting, struct request, node), *rq;
	unsigned int look = 2 * READS_FIRST;

	if (first->op == BIO_READ || list_is_singular(&q->waiting) || first->step != STEP_WHOLE)
		return first;
	if (q->passed >= READS_FIRST) {
		q->passed = 0;
		return first;
	}
	list_for_each_entry(rq, &q->waiting, node) {
		if (rq->op == BIO_READ) {
			q->passed++;
			return rq;
		}
		if (!--look)
			break;
	}
	return first;
}

static void watch(struct disk *d)
{
	if (unlikely(!atomic_read(&d->watching)) && !atomic_xchg(&d->watching, 1))
		schedule_delayed_work(&d->watchdog, d->timeout_ns / 4);
}

static int give(struct disk_queue *q, struct request *rq) MUST_HOLD(q->lock)
{
	struct disk *d = q->disk;

	if (unlikely(d->dead || d->removed))
		return d->removed ? -ENODEV : -EIO;
	if (unlikely(d->inject) && inject_hits(d, rq->op, rq->sector, rq->nr_sectors))
		return -EIO;
	return d->ops->queue_rq(q, rq);
}

static void dispatch(struct disk_queue *q, struct bio_chain *done) MUST_HOLD(q->lock)
{
	u64 deadline = ktime_get() + q->disk->timeout_ns;
	struct request *rq;
	bool any = false;
	int rc;

	while (!list_empty(&q->waiting)) {
		rq = pick(q);
		list_del(&rq->node);
		rq->state = RQ_INFLIGHT;
		rq->deadline_ns = deadline;
		list_add_tail(&rq->node, &q->inflight);
		rc = give(q, rq);
		if (likely(!rc)) {
			any = true;
			continue;
		}
		list_del(&rq->node);
		if (rc == -EBUSY) {
			rq->state = RQ_WAITING;
			list_add(&rq->node, &q->waiting);
			break;
		}
		finish(q, rq, rc == DISK_RQ_DONE ? rq->error : rc, done);
	}
	if (!any)
		return;
	if (q->disk->ops->kick)
		q->disk->ops->kick(q);
	watch(q->disk);
}

void queue_add_request(struct request *rq)
{
	struct disk_queue *q = rq->queue;
	struct bio_chain done;
	irqflags_t f;

	bio_chain_init(&done);
	f = spin_lock_irqsave(&q->lock);
	for (struct request *next; rq; rq = next) {
		next = rq->next;
		rq->next = NULL;
		enter_step(rq);
		stats_start(rq->bdev, rq->start_ns);
		list_add_tail(&rq->node, &q->waiting);
	}
	dispatch(q, &done);
	spin_unlock_irqrestore(&q->lock, f);
	bio_chain_finish(&done);
}

void disk_queue_run(struct disk_queue *q)
{
	struct bio_chain done;
	irqflags_t f;

	bio_chain_init(&done);
	f = spin_lock_irqsave(&q->lock);
	dispatch(q, &done);
	spin_unlock_irqrestore(&q->lock, f);
	bio_chain_finish(&done);
}

void request_end(struct request *rq, int error)
{
	struct disk_queue *q = rq->queue;
	struct bio_chain done;
	irqflags_t f;

	bio_chain_init(&done);
	f = spin_lock_irqsave(&q->lock);
	if (likely(rq->state == RQ_INFLIGHT)) {
		list_del(&rq->node);
		finish(q, rq, error, &done);
		if (!list_empty(&q->waiting))
			dispatch(q, &done);
	} else {
		WARN_ON(!q->disk->dead); /* one that was given up may come late */
	}
	spin_unlock_irqrestore(&q->lock, f);
	bio_chain_finish(&done);
}

void request_requeue(struct request *rq)
{
	struct disk_queue *q = rq->queue;
	irqflags_t f = spin_lock_irqsave(&q->lock);

	if (!WARN_ON(rq->state != RQ_INFLIGHT)) {
		rq->state = RQ_WAITING;
		rq->start_ns = ktime_get();
		list_move(&rq->node, &q->waiting);
	}
	spin_unlock_irqrestore(&q->lock, f);
}

/* --- time-outs, giving up, idleness --- */

static void fail_list(struct disk_queue *q, struct list_head *list, int error,
		      struct bio_chain *done) MUST_HOLD(q->lock)
{
	while (!list_empty(list)) {
		struct request *rq = list_first_entry(list, struct request, node);

		list_del(&rq->node);
		finish(q, rq, error, done);
	}
}

static void give_up(struct disk *d)
{
	struct bio_chain done;

	log_err(d->name, "does not answer: given up");
	WRITE_ONCE(d->dead, true);
	bio_chain_init(&done);
	for (unsigned int k = 0; k < d->nr_queues; k++) {
		struct disk_queue *q = &d->queues[k];
		irqflags_t f = spin_lock_irqsave(&q->lock);

		fail_list(q, &q->inflight, -EIO, &done);
		fail_list(q, &q->waiting, -EIO, &done);
		spin_unlock_irqrestore(&q->lock, f);
	}
	bio_chain_finish(&done);
}

void queue_fail_waiting(struct disk_queue *q, int error)
{
	struct bio_chain done;
	irqflags_t f;

	bio_chain_init(&done);
	f = spin_lock_irqsave(&q->lock);
	fail_list(q, &q->waiting, error, &done);
	spin_unlock_irqrestore(&q->lock, f);
	bio_chain_finish(&done);
}

/* The first request whose time is up; *active counts those in flight. */
static struct request *find_late(struct disk *d, u64 now, unsigned int *active)
{
	struct request *rq, *late = NULL;

	for (unsigned int k = 0; k < d->nr_queues && !late; k++) {
		struct disk_queue *q = &d->queues[k];
		irqflags_t f = spin_lock_irqsave(&q->lock);

		list_for_each_entry(rq, &q->inflight, node) {
			++*active;
			if (rq->deadline_ns > now)
				continue;
			rq->deadline_ns = now + d->timeout_ns;
			late = rq;
			break;
		}
		spin_unlock_irqrestore(&q->lock, f);
	}
	return late;
}

void disk_watchdog(struct work *w)
{
	struct disk *d = container_of(container_of(w, struct delayed_work, work), struct disk,
				      watchdog);
	unsigned int active = 0;
	struct request *rq;
	u64 now = ktime_get();

	while (!d->dead && (rq = find_late(d, now, &active)) != NULL) {
		log_warn(d->name, "no answer for %llu s, op %u, sector %llu +%llu",
			 (unsigned long long)(d->timeout_ns / NSEC_PER_SEC), rq->op,
			 (unsigned long long)rq->sector, (unsigned long long)rq->nr_sectors);
		if (d->ops->timeout && d->ops->timeout(d, rq))
			give_up(d);
	}
	if (active && !d->dead) {
		for (unsigned int k = 0; k < d->nr_queues; k++)
			disk_queue_run(&d->queues[k]); /* what a reset gave back */
		schedule_delayed_work(&d->watchdog, d->timeout_ns / 4);
		return;
	}
	atomic_set(&d->watching, 0);
	smp_mb();
	active = 0;
	if (disk_inflight(d, &active) && !d->dead)
		watch(d);
}

unsigned int disk_inflight(struct disk *d, unsigned int *writes)
{
	unsigned int n = 0;
	struct request *rq;

	*writes = 0;
	for (unsigned int k = 0; k < d->nr_queues; k++) {
		struct disk_queue *q = &d->queues[k];
		irqflags_t f = spin_lock_irqsave(&q->lock);

		list_for_each_entry(rq, &q->inflight, node) {
			n++;
			*writes += is_write(rq->op);
		}
		spin_unlock_irqrestore(&q->lock, f);
	}
	return n;
}

static bool queue_idle(struct disk_queue *q)
{
	irqflags_t f = spin_lock_irqsave(&q->lock);
	bool idle = !q->nr_tags;

	spin_unlock_irqrestore(&q->lock, f);
	return idle;
}

void queue_wait_idle(struct disk_queue *q)
{
	wait_event(&q->tag_wait, queue_idle(q));
}

void disk_freeze(struct disk *d)
{
	ASSERT(!d->ops->submit_bio);
	WRITE_ONCE(d->frozen, true);
	smp_mb();
	for (unsigned int k = 0; k < d->nr_queues; k++)
		queue_wait_idle(&d->queues[k]);
}

void disk_unfreeze(struct disk *d)
{
	WRITE_ONCE(d->frozen, false);
	for (unsigned int k = 0; k < d->nr_queues; k++)
		wake_up_all(&d->queues[k].tag_wait);
}
