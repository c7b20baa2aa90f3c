/* SPDX-License-Identifier: MIT */
/* Memory for devices that reach only the first 4 GiB: a bio with pages above is carried out in
 * pieces through pages below.
 * Memory: the pieces have a reserve of bios of their own, and RESERVE pages; with none left the
 * submitter waits for a piece to end. So write-back goes on when memory is exhausted.
 * Locking: lock (LOCK_DRIVER_IRQ) for the reserve; pieces end in interrupt handlers, where what was
 * read is copied. */
#include "block_internal.h"

#include <kernel/init.h>

#define RESERVE (4 * BOUNCE_PAGES)

static struct page *spare; /* lock: by ->next, page frame numbers */
static unsigned int nr_spare;
static DEFINE_SPINLOCK(lock, LOCK_DRIVER_IRQ);
static DEFINE_WAIT_QUEUE(spare_wait);
u64 bounce_limit = 1ull << 32; /* tests lower it */

/* --- pages --- */

static struct page *take_spare(void)
{
	irqflags_t f = spin_lock_irqsave(&lock);
	struct page *p = spare;

	if (p) {
		spare = p->next ? pfn_to_page(p->next) : NULL;
		nr_spare--;
	}
	spin_unlock_irqrestore(&lock, f);
	return p;
}

static void give_page(struct page *p)
{
	irqflags_t f = spin_lock_irqsave(&lock);
	bool keep = nr_spare < RESERVE;

	if (keep) {
		p->next = spare ? (u32)page_to_pfn(spare) : 0;
		spare = p;
		nr_spare++;
	}
	spin_unlock_irqrestore(&lock, f);
	if (keep)
		wake_up(&spare_wait);
	else
		page_put(p);
}

static struct page *get_page(bool wait)
{
	struct page *p = page_alloc(GFP_ATOMIC | GFP_DMA32 | GFP_NOWARN);

	if (!p)
		p = take_spare();
	if (!p && wait)
		wait_event(&spare_wait, (p = take_spare()) != NULL);
	return p;
}

/* --- copying --- */

/* Between n bytes of b from byte `from` on and consecutive pages of a piece. */
static void copy(const struct bio *b, u64 from, const struct bio *piece, bool to_piece)
{
	u64 left = piece->nr_sectors << SECTOR_SHIFT, at = 0;
	unsigned int k = 0;

	while (from >= b->vecs[k].len)
		from -= b->vecs[k++].len;
	while (left) {
		char *mem = (char *)page_address(b->vecs[k].page) + b->vecs[k].off + from;
		char *low = (char *)page_address(piece->vecs[at / PAGE_SIZE].page) + at % PAGE_SIZE;
		u64 n = min_t(u64, PAGE_SIZE - at % PAGE_SIZE, b->vecs[k].len - from);

		n = min(n, left);
		memcpy(to_piece ? low : mem, to_piece ? mem : low, n);
		at += n;
		from += n;
		left -= n;
		if (from == b->vecs[k].len) {
			from = 0;
			k++;
		}
	}
}

static void piece_end(struct bio *piece)
{
	struct bio *b = piece->private;

	if (piece->error)
		WRITE_ONCE(b->error, piece->error);
	else if (b->op == BIO_READ)
		copy(b, (piece->sector - b->sector) << SECTOR_SHIFT, piece, false);
	for (unsigned int k = 0; k < piece->nr_vecs; k++)
		give_page(piece->vecs[k].page);
	bio_free(piece);
	if (atomic_dec_and_test(&b->remaining))
		bio_finish(b);
}

bool bounce_needed(const struct bio *b)
{
	if (b->end == piece_end)
		return false;
	for (unsigned int k = 0; k < b->nr_vecs; k++) {
		const struct bio_vec *v = &b->vecs[k];

		if (page_phys(v->page).v + v->off + v->len > bounce_limit)
			return true;
	}
	return false;
}

void bounce_submit(struct bio *b)
{
	u64 sector = b->sector, left = b->nr_sectors << SECTOR_SHIFT;

	atomic_set(&b->remaining, 1);
	b->error = 0;
	while (left) {
		struct bio *piece = bio_alloc_bounce(b);
		struct page *p;

		piece->sector = sector;
		while (left && piece->nr_vecs < BOUNCE_PAGES &&
		       (p = get_page(!piece->nr_vecs)) != NULL) {
			u32 n = (u32)min_t(u64, left, PAGE_SIZE);

			bio_add_page(piece, p, n, 0);
			left -= n;
		}
		if (b->op == BIO_WRITE)
			copy(b, (sector - b->sector) << SECTOR_SHIFT, piece, true);
		sector += piece->nr_sectors;
		piece->private = b;
		piece->end = piece_end;
		atomic_inc(&b->remaining);
		bio_submit(piece);
	}
	if (atomic_dec_and_test(&b->remaining))
		bio_finish(b);
}

/* Once there is a device that needs it: 0 or -ENOMEM. */
int bounce_reserve(void)
{
	while (READ_ONCE(nr_spare) < RESERVE) {
		struct page *p = page_alloc(GFP_KERNEL | GFP_DMA32);

		if (!p)
			return -ENOMEM;
		give_page(p);
	}
	return 0;
}
