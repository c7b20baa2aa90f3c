/* SPDX-License-Identifier: MIT */
/* The buffer cache: single blocks of a device for a file system's metadata (fs/buffer.h).
 *
 * Owns:      struct buf, the hash of (device, block, size), the clock list of all buffers.
 * Pages:     a buffer's bytes lie in the page of the device's mapping, which it holds a reference
 *            to, so reclaim and invalidation leave the page alone while the buffer lives. The page
 *            is brought up to date before the buffer is made; so a page is never read over a buffer
 *            that has been changed.
 * Locking:   hash_locks[] for chains (look-up under RCU with a count that cannot be taken once it
 *            is negative), clock_lock for the list. Both LOCK_LEAF, never nested.
 * Lifetime:  refs 0 is cached; the shrinker, buf_forget and buf_drop_all turn 0 into BUF_DEAD_REFS,
 *            which only one of them can do, and then take it apart. Memory goes by RCU. */
#include "block_internal.h"

#include <fs/buffer.h>
#include <kernel/hash.h>
#include <kernel/init.h>

#define HASH_BITS 12
#define LOCKS 64
#define BUF_DEAD_REFS (-0x20000000)
#define IO_QUEUES 32

static struct hlist_head chains[1u << HASH_BITS];
static struct spinlock hash_locks[LOCKS];
static LIST_HEAD(clock); /* clock_lock: all buffers; next to be looked at last */
static u64 nr_bufs;	 /* clock_lock */
static DEFINE_SPINLOCK(clock_lock, LOCK_LEAF);
static struct wait_queue io_queues[IO_QUEUES];
static struct kmem_cache *buf_cache;

static unsigned int chain_of(const struct bdev *bd, u64 block)
{
	return hash_64(((u64)bd >> 6) ^ (block * HASH_GOLDEN64), HASH_BITS);
}

static void flag_set(struct buf *b, u32 f)
{
	__atomic_fetch_or(&b->flags.v, (int)f, __ATOMIC_SEQ_CST);
}

static void flag_clear(struct buf *b, u32 f)
{
	__atomic_fetch_and(&b->flags.v, ~(int)f, __ATOMIC_SEQ_CST);
}

/* --- references --- */

static bool get_live(struct buf *b)
{
	int n = atomic_read(&b->refs);

	do {
		if (n < 0)
			return false;
	} while (!try_cmpxchg(&b->refs.v, &n, n + 1));
	return true;
}

static bool make_dead(struct buf *b)
{
	int zero = 0;

	return try_cmpxchg(&b->refs.v, &zero, BUF_DEAD_REFS);
}

static void buf_free_rcu(struct rcu_head *h)
{
	kmem_cache_free(buf_cache, container_of(h, struct buf, rcu));
}

/* b is dead and off the clock. */
static void take_apart(struct buf *b)
{
	unsigned int c = chain_of(b->bdev, b->block);

	spin_lock(&hash_locks[c % LOCKS]);
	hlist_del_rcu(&b->hash);
	spin_unlock(&hash_locks[c % LOCKS]);
	page_put(b->page);
	call_rcu(&b->rcu, buf_free_rcu);
}

void buf_ref(struct buf *b)
{
	ASSERT(atomic_read(&b->refs) > 0);
	atomic_inc(&b->refs);
}

void buf_put(struct buf *b)
{
	bool forgotten = atomic_read(&b->flags) & BUF_FORGOTTEN;

	ASSERT(atomic_read(&b->refs) > 0);
	/* From here on b may go unless it is this call that ends it. */
	if (likely(!forgotten)) {
		atomic_dec(&b->refs);
		return;
	}
	rcu_read_lock();
	if (atomic_dec_and_test(&b->refs) && make_dead(b)) {
		rcu_read_unlock();
		spin_lock(&clock_lock);
		list_del(&b->lru);
		nr_bufs--;
		spin_unlock(&clock_lock);
		take_apart(b);
		return;
	}
	rcu_read_unlock();
}

static struct buf *chain_find(unsigned int c, const struct bdev *bd, u64 block, u32 size)
{
	struct buf *b;

	hlist_for_each_entry_rcu(b, &chains[c], hash) {
		if (b->block == block && b->bdev == bd && b->size == size && get_live(b))
			return b;
	}
	return NULL;
}

struct buf *buf_find(struct bdev *bd, u64 block, u32 size)
{
	unsigned int c = chain_of(bd, block);
	struct buf *b;
	u32 flags;

	rcu_read_lock();
	b = chain_find(c, bd, block, size);
	rcu_read_unlock();
	if (!b)
		return NULL;
	flags = (u32)atomic_read(&b->flags);
	if (unlikely(flags & BUF_FORGOTTEN))
		flag_clear(b, BUF_FORGOTTEN);
	if (!(flags & BUF_REFERENCED))
		flag_set(b, BUF_REFERENCED);
	return b;
}

/* --- making --- */

/* The page with the block, up to date; blank: nobody needs what the device holds. */
static int get_page(struct bdev *bd, u64 index, bool blank, struct page **out)
{
	struct mapping *m = &bd->inode->data;
	struct page *p;
	int rc;

	if (!blank)
		return mapping_get_page(m, index, false, false, out);
	p = mapping_find_page(m, index);
	if (!p) {
		p = page_alloc(GFP_KERNEL | GFP_ZERO);
		if (!p)
			return -ENOMEM;
		page_set(p, PG_UPTODATE);
		rc = mapping_add_page(m, p, index);
		if (!rc) {
			*out = p;
			return 0;
		}
		page_put(p);
		if (rc != -EEXIST)
			return rc;
		return mapping_get_page(m, index, false, false, out);
	}
	*out = p;
	if (page_test(p, PG_UPTODATE))
		return 0;
	page_put(p);
	return mapping_get_page(m, index, false, false, out);
}

static int make(struct bdev *bd, u64 block, u32 size, bool blank, struct buf **out)
{
	u64 byte = block * size;
	unsigned int c = chain_of(bd, block);
	struct buf *b, *other;
	struct page *p;
	int rc;

	if (block >= bdev_bytes(bd) / size)
		return -EINVAL;
	rc = get_page(bd, byte >> PAGE_SHIFT, blank && size == PAGE_SIZE, &p);
	if (rc)
		return rc;
	b = kmem_cache_alloc(buf_cache, GFP_KERNEL);
	if (!b) {
		page_put(p);
		return -ENOMEM;
	}
	*b = (struct buf){ .bdev = bd, .block = block, .size = size, .page = p };
	b->data = (char *)page_address(p) + byte % PAGE_SIZE;
	atomic_set(&b->flags, BUF_UPTODATE | BUF_REFERENCED);
	atomic_set(&b->refs, 1);
	list_init(&b->node);
	spin_lock(&hash_locks[c % LOCKS]);
	other = chain_find(c, bd, block, size);
	if (!other)
		hlist_add_head_rcu(&b->hash, &chains[c]);
	spin_unlock(&hash_locks[c % LOCKS]);
	if (other) {
		page_put(p);
		kmem_cache_free(buf_cache, b);
		*out = other;
		return 0;
	}
	spin_lock(&clock_lock);
	list_add(&b->lru, &clock);
	nr_bufs++;
	spin_unlock(&clock_lock);
	*out = b;
	return 0;
}

int buf_read(struct bdev *bd, u64 block, u32 size, struct buf **out)
{
	*out = buf_find(bd, block, size);
	return likely(*out) ? 0 : make(bd, block, size, false, out);
}

int buf_get(struct bdev *bd, u64 block, u32 size, struct buf **out)
{
	*out = buf_find(bd, block, size);
	return likely(*out) ? 0 : make(bd, block, size, true, out);
}

/* A page that is not there yet, its reading started. False: no memory, stop. */
static bool read_ahead_page(struct mapping *m, u64 index)
{
	struct page *p = mapping_find_page(m, index);

	if (p) {
		page_put(p);
		return true;
	}
	p = page_alloc(GFP_ATOMIC | GFP_NOWARN);
	if (!p)
		return false;
	(void)page_trylock(p); /* nobody else knows it */
	if (mapping_add_page(m, p, index) == 0)
		(void)m->ops->read_page(m, p); /* unlocks */
	else
		page_unlock(p);
	page_put(p);
	return true;
}

void buf_readahead(struct bdev *bd, u64 block, u32 size, unsigned int count)
{
	u64 bytes = bdev_bytes(bd), first = block * size, last = (block + count) * size;
	struct blk_plug plug;

	if (first >= bytes || !count)
		return;
	last = (min(last, bytes) - 1) >> PAGE_SHIFT;
	blk_plug_start(&plug);
	for (u64 at = first >> PAGE_SHIFT; at <= last; at++) {
		if (!read_ahead_page(&bd->inode->data, at))
			break;
	}
	blk_plug_finish(&plug);
}

/* --- writing --- */

static struct wait_queue *io_queue(const struct buf *b)
{
	return &io_queues[((u64)b >> 6) % IO_QUEUES];
}

static bool io_trylock(struct buf *b)
{
	return !(__atomic_fetch_or(&b->flags.v, BUF_IO, __ATOMIC_SEQ_CST) & (int)BUF_IO);
}

static void write_end(struct bio *bio)
{
	struct buf *b = bio->private;
	struct wait_queue *wq = io_queue(b);
	void (*done)(struct buf *, int, void *) = b->io_done;
	void *arg = b->io_arg;
	int error = bio->error;

	bio_free(bio);
	if (error)
		flag_set(b, BUF_ERROR);
	else if (atomic_read(&b->flags) & BUF_ERROR)
		flag_clear(b, BUF_ERROR);
	flag_clear(b, BUF_IO);
	wake_up_all(wq);
	done(b, error, arg);
}

void buf_write_start(struct buf *b, void *from, u32 bio_flags,
		     void (*done)(struct buf *b, int error, void *arg), void *arg)
{
	u32 off, n, left = b->size;
	struct bio *bio;

	if (!io_trylock(b))
		wait_event(io_queue(b), io_trylock(b));
	b->io_done = done;
	b->io_arg = arg;
	bio = bio_alloc(b->bdev, BIO_WRITE, bio_flags, 2, GFP_KERNEL);
	bio->sector = b->block * (b->size >> SECTOR_SHIFT);
	if (!from)
		from = b->data;
	while (left) {
		off = (u32)((u64)from % PAGE_SIZE);
		n = (u32)min_t(u64, left, PAGE_SIZE - off);
		bio_add_page(bio, virt_to_page(from), n, off);
		from = (char *)from + n;
		left -= n;
	}
	bio->private = b;
	bio->end = write_end;
	bio_submit(bio);
}

struct write_wait {
	struct completion done;
	int error;
};

static void write_wait_done(struct buf *b __maybe_unused, int error, void *arg)
{
	struct write_wait *w = arg;

	w->error = error;
	complete(&w->done);
}

int buf_write_wait(struct buf *b, u32 bio_flags)
{
	struct write_wait w;

	completion_init(&w.done);
	buf_write_start(b, NULL, bio_flags | BIO_SYNC, write_wait_done, &w);
	wait_for_completion(&w.done);
	return w.error;
}

/* --- ending --- */

void buf_forget(struct buf *b)
{
	wait_event(io_queue(b), !(atomic_read(&b->flags) & BUF_IO));
	flag_clear(b, BUF_DIRTY);
	flag_set(b, BUF_FORGOTTEN);
}

static void take_apart_all(struct list_head *dead)
{
	struct buf *b, *next;

	list_for_each_entry_safe(b, next, dead, lru)
		take_apart(b);
}

void buf_drop_all(struct bdev *bd)
{
	unsigned int dirty = 0, used = 0;
	struct buf *b, *next;
	LIST_HEAD(dead);

	spin_lock(&clock_lock);
	list_for_each_entry_safe(b, next, &clock, lru) {
		if (b->bdev != bd)
			continue;
		dirty += (atomic_read(&b->flags) & BUF_DIRTY) != 0;
		if (!make_dead(b)) {
			used++;
			continue;
		}
		list_move(&b->lru, &dead);
		nr_bufs--;
	}
	spin_unlock(&clock_lock);
	take_apart_all(&dead);
	if (dirty || used)
		log_err(bd->name, "unmounted with %u buffers dirty and %u in use", dirty, used);
}

static u64 shrink_count(void)
{
	return READ_ONCE(nr_bufs);
}

static u64 shrink_scan(u64 n)
{
	struct buf *b;
	LIST_HEAD(dead);
	u64 done = 0;

	spin_lock(&clock_lock);
	for (u64 look = min_t(u64, n * 4, nr_bufs); look && done < n; look--) {
		u32 flags;

		b = list_last_entry(&clock, struct buf, lru);
		flags = (u32)atomic_read(&b->flags);
		if (flags & BUF_REFERENCED)
			flag_clear(b, BUF_REFERENCED);
		else if (!(flags & (BUF_DIRTY | BUF_IO)) && make_dead(b)) {
			list_move(&b->lru, &dead);
			nr_bufs--;
			done++;
			continue;
		}
		list_move(&b->lru, &clock);
	}
	spin_unlock(&clock_lock);
	take_apart_all(&dead);
	return done;
}

static struct shrinker buf_shrinker = { .name = "buffer", .count = shrink_count,
					.scan = shrink_scan };

static bool count_pages(struct bdev *bd, void *arg)
{
	*(u64 *)arg += READ_ONCE(bd->inode->data.nr_pages);
	return true;
}

u64 buf_pages(void)
{
	u64 n = 0;

	bdev_for_each(count_pages, &n);
	return n;
}

static int buffer_init(void)
{
	for (unsigned int k = 0; k < LOCKS; k++)
		spin_lock_init(&hash_locks[k], LOCK_LEAF);
	for (unsigned int k = 0; k < IO_QUEUES; k++)
		wait_queue_init(&io_queues[k]);
	buf_cache = kmem_cache_create("buf", sizeof(struct buf), 0, SLAB_RECLAIMABLE, NULL);
	if (!buf_cache)
		return -ENOMEM;
	shrinker_register(&buf_shrinker);
	return 0;
}
INIT_HOOK(INIT_CORE, buffer_init);
