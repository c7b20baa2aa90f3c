/* SPDX-License-Identifier: MIT */
/* Bios: memory, ends, and the simple transfers that wait.
 *
 * Memory: writing back dirty pages is what frees memory, so a bio must be had when there is none.
 * Nothing here calls reclaim (it would come back to the file system whose locks the caller holds):
 * an allocation that fails takes from a reserve, and waits until a bio comes back when the reserve
 * is empty. Bios in flight come back without needing memory, so the wait ends. Four reserves: bios
 * with few vecs, with many, parts of split bios, and pieces of bounced ones; parts and pieces are
 * asked for by somebody who holds a bio, so they must not draw on the same reserve.
 * Lifetime: see fs/block.h; a part (bio->parent) belongs to the block layer and counts in
 * parent->remaining; the parent ends with the last one.
 * Locking: pool->lock (LOCK_DRIVER_IRQ), bios are freed in interrupt handlers. */
#include "block_internal.h"

#include <kernel/init.h>

#define RESERVE_SMALL 64
#define RESERVE_LARGE 8
#define RESERVE_PARTS 64

#define RESERVE_BOUNCE 4

enum { POOL_SMALL, POOL_LARGE, POOL_PARTS, POOL_BOUNCE, POOLS };

struct bio_pool {
	struct spinlock lock;
	struct bio *spare;	/* lock: by ->next */
	unsigned int nr, want;	/* lock: spares there are and should be */
	size_t size;		/* C */
	struct kmem_cache *cache; /* C */
	struct wait_queue wait;
};
static struct bio_pool pools[POOLS];

/* --- memory --- */

static struct bio *pool_take_spare(struct bio_pool *p)
{
	irqflags_t f = spin_lock_irqsave(&p->lock);
	struct bio *b = p->spare;

	if (b) {
		p->spare = b->next;
		p->nr--;
	}
	spin_unlock_irqrestore(&p->lock, f);
	return b;
}

static struct bio *pool_get(struct bio_pool *p, bool wait)
{
	struct bio *b = kmem_cache_alloc(p->cache, GFP_ATOMIC | GFP_NOWARN);

	if (likely(b) || !wait)
		return b;
	wait_event(&p->wait, (b = pool_take_spare(p)) != NULL ||
				     (b = kmem_cache_alloc(p->cache, GFP_ATOMIC | GFP_NOWARN)));
	return b;
}

static void pool_put(struct bio_pool *p, struct bio *b)
{
	irqflags_t f;

	if (likely(READ_ONCE(p->nr) >= p->want)) {
		kmem_cache_free(p->cache, b);
		return;
	}
	f = spin_lock_irqsave(&p->lock);
	b->next = p->spare;
	p->spare = b;
	p->nr++;
	spin_unlock_irqrestore(&p->lock, f);
	wake_up(&p->wait);
}

struct bio *bio_alloc(struct bdev *bd, enum bio_op op, u32 flags, unsigned int nr_vecs, gfp_t gfp)
{
	unsigned int which = nr_vecs > BIO_INLINE_VECS ? POOL_LARGE : POOL_SMALL;
	struct bio *b;

	ASSERT(nr_vecs <= BIO_MAX_VECS);
	b = pool_get(&pools[which], gfp & GFP_KERNEL);
	if (unlikely(!b))
		return NULL;
	b->bdev = bd;
	b->sector = 0;
	b->nr_sectors = 0;
	b->op = (u8)op;
	b->pool = (u8)which;
	b->flags = flags;
	b->error = 0;
	b->skip = 0;
	b->nr_vecs = 0;
	b->max_vecs = which == POOL_LARGE ? BIO_MAX_VECS : BIO_INLINE_VECS;
	b->vecs = which == POOL_LARGE ? (struct bio_vec *)(b + 1) : b->inline_vecs;
	b->end = NULL;
	b->private = NULL;
	b->next = NULL;
	b->parent = NULL;
	return b;
}

void bio_free(struct bio *b)
{
	pool_put(&pools[b->pool], b);
}

struct bio *bio_alloc_child(struct bio *parent)
{
	struct bio *b = pool_get(&pools[POOL_PARTS], true);

	*b = (struct bio){ .bdev = parent->bdev, .sector = parent->sector, .op = parent->op,
			   .flags = parent->flags, .pool = POOL_PARTS, .vecs = parent->vecs,
			   .nr_vecs = parent->nr_vecs, .max_vecs = parent->nr_vecs,
			   .parent = parent };
	return b;
}

struct bio *bio_alloc_bounce(struct bio *parent)
{
	struct bio *b = pool_get(&pools[POOL_BOUNCE], true);

	*b = (struct bio){ .bdev = parent->bdev, .op = parent->op, .flags = parent->flags,
			   .pool = POOL_BOUNCE, .vecs = (struct bio_vec *)(b + 1),
			   .max_vecs = BOUNCE_PAGES };
	return b;
}

bool bio_add_page(struct bio *b, struct page *p, u32 len, u32 off)
{
	ASSERT(len % SECTOR_SIZE == 0);
	if (b->nr_vecs == b->max_vecs)
		return false;
	b->vecs[b->nr_vecs++] = (struct bio_vec){ .page = p, .len = len, .off = off };
	b->nr_sectors += len >> SECTOR_SHIFT;
	return true;
}

/* --- ends --- */

void bio_finish(struct bio *b)
{
	struct bio *parent = b->parent;

	if (unlikely(parent)) {
		if (b->error)
			WRITE_ONCE(parent->error, b->error);
		bio_free(b);
		if (!atomic_dec_and_test(&parent->remaining))
			return;
		b = parent;
	}
	b->end(b);
}

void bio_fail(struct bio *b, int error)
{
	b->error = error;
	bio_finish(b);
}

void bio_chain_finish(struct bio_chain *c)
{
	struct bio *b = c->first, *next;

	for (; b; b = next) {
		next = b->next;
		b->next = NULL;
		bio_finish(b);
	}
}

/* --- waiting --- */

static void end_complete(struct bio *b)
{
	complete(b->private);
}

int bio_submit_wait(struct bio *b)
{
	struct completion done;

	completion_init(&done);
	/* cppcheck-suppress autoVariables; waited for below */
	b->private = &done;
	b->end = end_complete;
	bio_submit(b);
	wait_for_completion(&done);
	return b->error;
}

int bdev_rw(struct bdev *bd, enum bio_op op, u64 sector, void *buf, size_t bytes)
{
	char *at = buf;
	int rc = 0;

	ASSERT(bytes % SECTOR_SIZE == 0);
	while (bytes && !rc) {
		struct bio *b = bio_alloc(bd, op, BIO_SYNC, BIO_MAX_VECS, GFP_KERNEL);
		size_t done = 0;

		b->sector = sector;
		while (done < bytes) {
			u32 off = (u64)at % PAGE_SIZE;
			u32 n = (u32)min_t(size_t, PAGE_SIZE - off, bytes - done);

			if (!bio_add_page(b, virt_to_page(at), n, off))
				break;
			at += n;
			done += n;
		}
		sector += done >> SECTOR_SHIFT;
		bytes -= done;
		rc = bio_submit_wait(b);
		bio_free(b);
	}
	return rc;
}

int bdev_flush(struct bdev *bd)
{
	struct bio *b;
	int rc;

	if (!bd->disk->limits.write_cache)
		return bd->disk->removed ? -ENODEV : 0;
	b = bio_alloc(bd, BIO_FLUSH, BIO_SYNC, 0, GFP_KERNEL);
	rc = bio_submit_wait(b);
	bio_free(b);
	return rc;
}

/* A range without data; bio_submit cuts it into what the device takes at once. */
static int range_op(struct bdev *bd, enum bio_op op, u64 sector, u64 nr, u32 flags)
{
	struct bio *b;
	int rc;

	if (!nr)
		return 0;
	b = bio_alloc(bd, op, flags | BIO_SYNC, 0, GFP_KERNEL);
	b->sector = sector;
	b->nr_sectors = nr;
	rc = bio_submit_wait(b);
	bio_free(b);
	return rc;
}

int bdev_discard(struct bdev *bd, u64 sector, u64 nr, u32 flags)
{
	if (!bd->disk->limits.max_discard)
		return -EOPNOTSUPP;
	return range_op(bd, BIO_DISCARD, sector, nr, flags);
}

static int write_zeroes_by_hand(struct bdev *bd, u64 sector, u64 nr)
{
	int rc = 0;

	while (nr && !rc) {
		struct bio *b = bio_alloc(bd, BIO_WRITE, BIO_SYNC, BIO_MAX_VECS, GFP_KERNEL);
		u64 n = 0;

		b->sector = sector;
		while (n < nr) {
			u32 some = (u32)min_t(u64, PAGE_SIZE >> SECTOR_SHIFT, nr - n);

			if (!bio_add_page(b, zero_page, some << SECTOR_SHIFT, 0))
				break;
			n += some;
		}
		sector += n;
		nr -= n;
		rc = bio_submit_wait(b);
		bio_free(b);
		if (fatal_signal_pending())
			return -EINTR;
	}
	return rc;
}

int bdev_zero(struct bdev *bd, u64 sector, u64 nr, u32 flags)
{
	int rc = -EOPNOTSUPP;

	if (bd->disk->limits.max_zeroes)
		rc = range_op(bd, BIO_WRITE_ZEROES, sector, nr, flags);
	return rc == -EOPNOTSUPP ? write_zeroes_by_hand(bd, sector, nr) : rc;
}

/* --- start --- */

static int pool_init(struct bio_pool *p, const char *name, unsigned int vecs, unsigned int want)
{
	p->size = sizeof(struct bio) + vecs * sizeof(struct bio_vec);
	spin_lock_init(&p->lock, LOCK_DRIVER_IRQ);
	wait_queue_init(&p->wait);
	p->cache = kmem_cache_create(name, p->size, 0, SLAB_HWCACHE, NULL);
	if (!p->cache)
		return -ENOMEM;
	for (; p->nr < want; p->nr++) {
		struct bio *b = kmem_cache_alloc(p->cache, GFP_KERNEL);

		if (!b)
			return -ENOMEM;
		b->next = p->spare;
		p->spare = b;
	}
	p->want = want;
	return 0;
}

static int bio_init(void)
{
	return pool_init(&pools[POOL_SMALL], "bio", 0, RESERVE_SMALL) ?:
	       pool_init(&pools[POOL_LARGE], "bio-256", BIO_MAX_VECS, RESERVE_LARGE) ?:
	       pool_init(&pools[POOL_PARTS], "bio-part", 0, RESERVE_PARTS) ?:
	       pool_init(&pools[POOL_BOUNCE], "bio-bounce", BOUNCE_PAGES, RESERVE_BOUNCE);
}
INIT_HOOK(INIT_CORE, bio_init);
