/* SPDX-License-Identifier: MIT */
/* Tests of queues on a disk that does what the test says: requests stay in its hands until the test
 * ends them, refuses them, or loses them. Data goes to an array. */
#include "block_internal.h"

#include <kernel/ktest.h>
#include <kernel/ktest_threads.h>
#include <kernel/time.h>

#define DEPTH 16
#define SECTORS 2048

struct toy {
	struct disk *d;
	struct request *got[64]; /* in the order they came; queue lock */
	unsigned int nr, done;
	unsigned int room;	 /* requests taken before -EBUSY */
	bool by_itself;		 /* ends what it gets from a work item */
	bool lose;		 /* time-out gives back what is in flight; then it stops losing */
	unsigned int timeouts;
	struct work work;
	u8 data[SECTORS * SECTOR_SIZE];
};

static int toy_queue_rq(struct disk_queue *q, struct request *rq)
{
	struct toy *t = q->disk->private;

	if (t->nr - t->done >= t->room || t->nr == ARRAY_SIZE(t->got))
		return -EBUSY;
	t->got[t->nr++] = rq;
	return 0;
}

static void toy_move(struct toy *t, struct request *rq)
{
	u8 *at = t->data + rq->sector * SECTOR_SIZE;
	struct rq_segment s;
	struct rq_iter it;
	unsigned int segs = 0;

	rq_iter_start(&it, rq);
	while (rq_iter_next(&it, &s)) {
		void *mem = phys_to_virt(s.pa);

		memcpy(rq->op == BIO_READ ? mem : at, rq->op == BIO_READ ? at : mem, s.len);
		at += s.len;
		segs++;
	}
	WARN_ON(segs > rq->nr_segs);
	WARN_ON(at != t->data + (rq->sector + rq->nr_sectors) * SECTOR_SIZE && segs);
}

/* Ends the oldest request. */
static void toy_end(struct toy *t, int error)
{
	struct request *rq = t->got[t->done];

	if (!error)
		toy_move(t, rq);
	t->done++;
	request_end(rq, error);
}

static void toy_work(struct work *w)
{
	struct toy *t = container_of(w, struct toy, work);

	while (READ_ONCE(t->done) < READ_ONCE(t->nr)) {
		toy_end(t, 0);
		if (t->done == ARRAY_SIZE(t->got)) {
			t->done = t->nr = 0; /* nothing is in flight */
			disk_queue_run(&t->d->queues[0]);
		}
	}
}

static void toy_kick(struct disk_queue *q)
{
	struct toy *t = q->disk->private;

	if (t->by_itself)
		schedule_work(&t->work);
}

static int toy_timeout(struct disk *d, struct request *rq)
{
	struct toy *t = d->private;

	t->timeouts++;
	if (!t->lose)
		return -EIO;
	t->lose = false;
	t->by_itself = true;
	t->nr = t->done = 0;
	request_requeue(rq);
	return 0;
}

static const struct disk_ops toy_ops = { .queue_rq = toy_queue_rq, .kick = toy_kick,
					 .timeout = toy_timeout };

static struct toy *toy_new(const struct disk_limits *l)
{
	struct toy *t = vzalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->d = disk_alloc(&toy_ops, 1, DEPTH);
	if (!t->d) {
		vfree(t);
		return NULL;
	}
	work_init(&t->work, toy_work);
	t->room = ~0u;
	t->d->private = t;
	t->d->sectors = SECTORS;
	t->d->limits = *l;
	t->d->hidden_parts = true;
	strscpy(t->d->name, "toy", sizeof(t->d->name));
	if (disk_add(t->d)) {
		disk_free(t->d);
		vfree(t);
		return NULL;
	}
	return t;
}

static void toy_free(struct toy *t)
{
	flush_work(&t->work);
	disk_remove(t->d);
	flush_work(&t->work);
	vfree(t);
}

/* --- bios whose ends are counted --- */

static unsigned int ends, errors; /* A */

static void count_end(struct bio *b)
{
	if (b->error)
		__atomic_add_fetch(&errors, 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&ends, 1, __ATOMIC_SEQ_CST);
	bio_free(b);
}

static void send(struct toy *t, enum bio_op op, u32 flags, u64 sector, struct page *p, u32 sectors)
{
	struct bio *b = bio_alloc(t->d->whole, op, flags, 1, GFP_KERNEL);

	b->sector = sector;
	b->end = count_end;
	if (p)
		bio_add_page(b, p, sectors * SECTOR_SIZE, 0);
	else
		b->nr_sectors = sectors;
	bio_submit(b);
}

static void wait_ends(unsigned int n)
{
	for (int k = 0; k < 5000 && READ_ONCE(ends) < n; k++)
		ktest_sleep_ms(1);
}

/* --- tests --- */

KTEST(block_plug_merges)
{
	struct disk_limits l = { .max_sectors = 32 };
	struct toy *t = toy_new(&l);
	struct page *p = page_alloc(GFP_KERNEL);
	struct blk_plug plug;
	unsigned int given, first;
	bool fits;

	KTEST_EXPECT(t && p);
	ends = errors = 0;
	blk_plug_start(&plug);
	for (u64 k = 0; k < 8; k++) /* 64 sectors forward: two requests of 32 */
		send(t, BIO_WRITE, 0, k * 8, p, 8);
	send(t, BIO_WRITE, 0, 1008, p, 8); /* and two that grow backward into one */
	send(t, BIO_WRITE, 0, 1000, p, 8);
	first = t->nr;
	blk_plug_finish(&plug);
	given = t->nr;
	fits = given == 3 && t->got[0]->nr_sectors == 32 && t->got[1]->sector == 32 &&
	       t->got[2]->sector == 1000 && t->got[2]->nr_sectors == 16;
	while (t->done < t->nr)
		toy_end(t, 0);
	toy_free(t);
	page_put(p);
	KTEST_EXPECT(first == 0);
	KTEST_EXPECT(fits);
	KTEST_EXPECT(ends == 10 && !errors);
}

/* Waiting requests: merged, reads first but not for ever. */
KTEST(block_waiting)
{
	struct disk_limits l = { 0 };
	struct toy *t = toy_new(&l);
	struct page *p = page_alloc(GFP_KERNEL);
	bool merged, order;

	KTEST_EXPECT(t && p);
	ends = errors = 0;
	t->room = 1;
	send(t, BIO_WRITE, 0, 0, p, 1);
	send(t, BIO_WRITE, 0, 100, p, 1);
	send(t, BIO_WRITE, 0, 101, p, 1);
	send(t, BIO_READ, 0, 500, p, 1);
	send(t, BIO_READ, 0, 502, p, 1);
	send(t, BIO_READ, 0, 501, p, 1);
	while (t->done < t->nr)
		toy_end(t, 0);
	merged = t->nr == 4;
	order = merged && t->got[1]->op == BIO_READ && t->got[2]->op == BIO_READ;
	toy_free(t);
	page_put(p);
	KTEST_EXPECT(ends == 6 && !errors);
	KTEST_EXPECT(merged && order);
}

KTEST(block_flush_steps)
{
	struct disk_limits l = { .write_cache = true };
	struct toy *t = toy_new(&l);
	struct page *p = page_alloc(GFP_KERNEL);
	static const u8 want[] = { BIO_FLUSH, BIO_WRITE, BIO_FLUSH, BIO_WRITE, BIO_FLUSH,
				   BIO_FLUSH, BIO_FLUSH };
	u8 ops[ARRAY_SIZE(want) + 1];
	unsigned int n = 0, after_error;

	KTEST_EXPECT(t && p);
	ends = errors = 0;
	send(t, BIO_WRITE, BIO_PREFLUSH | BIO_FUA, 8, p, 8);
	while (t->done < t->nr) {
		ops[n++] = t->got[t->done]->op;
		toy_end(t, 0);
	}
	send(t, BIO_WRITE, BIO_FUA, 8, p, 8);
	while (t->done < t->nr) {
		ops[n++] = t->got[t->done]->op;
		toy_end(t, 0);
	}
	send(t, BIO_FLUSH, 0, 0, NULL, 0);
	while (t->done < t->nr) {
		ops[n++] = t->got[t->done]->op;
		toy_end(t, 0);
	}
	send(t, BIO_WRITE, BIO_PREFLUSH, 8, p, 8); /* its flush fails: nothing is written */
	ops[n++] = t->got[t->done]->op;
	toy_end(t, -EIO);
	after_error = t->nr - t->done;
	toy_free(t);
	page_put(p);
	KTEST_EXPECT(n == ARRAY_SIZE(want) && memcmp(ops, want, n) == 0);
	KTEST_EXPECT(!after_error && ends == 4 && errors == 1);
}

/* A bio larger than any request, from pages in every second place, read back through small ones. */
KTEST(block_split)
{
	struct disk_limits l = { .max_sectors = 24, .max_segs = 3, .max_seg_bytes = 4096 };
	struct toy *t = toy_new(&l);
	struct page *p[64];
	bool same = true;
	struct bio *b;
	int rc;

	KTEST_EXPECT(t);
	t->by_itself = true;
	b = bio_alloc(t->d->whole, BIO_WRITE, 0, 64, GFP_KERNEL);
	b->sector = 10;
	for (unsigned int k = 0; k < 64; k++) {
		p[k] = page_alloc(GFP_KERNEL);
		memset(page_address(p[k]), (int)(k + 1), PAGE_SIZE);
		bio_add_page(b, p[k], k % 2 ? 4096 : 512, k % 2 ? 0 : 1024);
	}
	rc = bio_submit_wait(b);
	for (u64 at = 10 * SECTOR_SIZE, k = 0; k < 64; k++) {
		same = same && t->data[at] == k + 1 &&
		       t->data[at + (k % 2 ? 4095 : 511)] == k + 1;
		at += k % 2 ? 4096 : 512;
	}
	bio_free(b);
	for (unsigned int k = 0; k < 64; k++)
		page_put(p[k]);
	toy_free(t);
	KTEST_EXPECT(!rc && same);
}

KTEST(block_bounce)
{
	struct disk_limits l = { .max_sectors = 24, .dma32 = true };
	u64 limit = bounce_limit;
	struct toy *t = toy_new(&l);
	char *a = pages_alloc(5, GFP_KERNEL), *c = pages_alloc(5, GFP_KERNEL | GFP_ZERO);
	int rc, same;

	KTEST_EXPECT(t && a && c);
	t->by_itself = true;
	for (unsigned int k = 0; k < 32 * PAGE_SIZE; k++)
		a[k] = (char)(k * 7 + (k >> 9));
	bounce_limit = 0;
	rc = bdev_rw(t->d->whole, BIO_WRITE, 5, a, 32 * PAGE_SIZE - 512);
	rc = rc ? rc : bdev_rw(t->d->whole, BIO_READ, 5, c, 32 * PAGE_SIZE - 512);
	bounce_limit = limit;
	same = memcmp(a, c, 32 * PAGE_SIZE - 512);
	pages_free(a, 5);
	pages_free(c, 5);
	toy_free(t);
	KTEST_EXPECT(!rc && !same);
}

/* More writers than tags; every bio ends once. */
static void writer(struct ktest_threads *th, unsigned int index)
{
	struct toy *t = th->arg;
	struct page *p = page_alloc(GFP_KERNEL);

	for (unsigned int k = 0; p && k < 500; k++)
		send(t, k % 3 ? BIO_WRITE : BIO_READ, 0, index * 256 + k % 200, p, 1);
	for (int k = 0; k < 5000 && READ_ONCE(ends) < 4 * 500; k++)
		ktest_sleep_ms(1);
	if (p)
		page_put(p);
}

KTEST(block_tags)
{
	struct disk_limits l = { 0 };
	struct toy *t = toy_new(&l);
	struct ktest_threads th;

	KTEST_EXPECT(t);
	ends = errors = 0;
	t->by_itself = true;
	t->room = 5;
	KTEST_EXPECT(ktest_threads_start(&th, 4, writer, t));
	ktest_threads_wait(&th);
	toy_free(t);
	KTEST_EXPECT(ends == 2000 && !errors);
}

KTEST(block_timeout)
{
	struct disk_limits l = { 0 };
	struct toy *t = toy_new(&l);
	struct page *p = page_alloc(GFP_KERNEL);
	unsigned int after_reset, timeouts;
	bool dead;

	KTEST_EXPECT(t && p);
	ends = errors = 0;
	t->d->timeout_ns = 40 * NSEC_PER_MSEC;
	t->lose = true;
	send(t, BIO_WRITE, 0, 0, p, 8); /* lost; the reset brings it back, and it is done */
	wait_ends(1);
	after_reset = ends;
	t->by_itself = false;
	send(t, BIO_WRITE, 0, 0, p, 8); /* lost; no reset: the disk is given up */
	wait_ends(2);
	dead = t->d->dead;
	timeouts = t->timeouts;
	send(t, BIO_WRITE, 0, 0, p, 8);
	toy_free(t);
	page_put(p);
	KTEST_EXPECT(after_reset == 1 && timeouts == 2 && dead);
	KTEST_EXPECT(ends == 3 && errors == 2);
}

KTEST(block_inject)
{
	struct disk_limits l = { 0 };
	struct toy *t = toy_new(&l);
	struct page *p = page_alloc(GFP_KERNEL);
	int rc;

	KTEST_EXPECT(t && p);
	ends = errors = 0;
	t->by_itself = true;
	rc = inject_store(t->d, "nth 3");
	for (u64 k = 0; k < 5; k++)
		send(t, BIO_READ, 0, k * 16, p, 8);
	wait_ends(5);
	rc = rc ? rc : errors == 1 ? 0 : -EIO;
	if (inject_store(t->d, "sectors 20 x") != -EINVAL)
		rc = -EIO;
	rc = rc ? rc : inject_store(t->d, "sectors 20 4 w");
	for (u64 k = 0; k < 5; k++)
		send(t, BIO_WRITE, 0, k * 16, p, 8);
	send(t, BIO_READ, 0, 16, p, 8);
	wait_ends(11);
	toy_free(t);
	page_put(p);
	KTEST_EXPECT(!rc && ends == 11 && errors == 2);
}
