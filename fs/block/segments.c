/* SPDX-License-Identifier: MIT */
/* The memory of bios and requests as physically contiguous segments, and what of a bio one request
 * can take. The same walk counts segments and hands them to drivers, so a driver never gets more of
 * them than its limits say (merging only adds two counts, which is never too few). */
#include "block_internal.h"

/* The contiguous piece of memory the walk stands on; false: the end. */
static bool piece(struct rq_iter *it, u64 *pa, u32 *len)
{
	const struct bio_vec *v;

	while (unlikely(!it->left)) {
		it->bio = it->bio ? it->bio->next : NULL;
		if (!it->bio)
			return false;
		it->vec = 0;
		it->off = it->bio->skip;
		it->left = it->bio->nr_vecs ? it->bio->nr_sectors << SECTOR_SHIFT : 0;
	}
	v = &it->bio->vecs[it->vec];
	*pa = page_phys(v->page).v + v->off + it->off;
	*len = (u32)min_t(u64, v->len - it->off, it->left);
	return true;
}

static void consume(struct rq_iter *it, u32 n)
{
	it->left -= n;
	it->off += n;
	if (it->off == it->bio->vecs[it->vec].len) {
		it->off = 0;
		it->vec++;
	}
}

static void iter_bio(struct rq_iter *it, const struct bio *b, const struct disk_limits *l)
{
	it->limits = l;
	it->bio = b;
	it->vec = 0;
	it->off = b ? b->skip : 0;
	it->left = b && b->nr_vecs ? b->nr_sectors << SECTOR_SHIFT : 0;
}

void rq_iter_start(struct rq_iter *it, struct request *rq)
{
	iter_bio(it, rq->bios, &rq->queue->disk->limits);
}

static u32 boundary_room(u64 pa, u32 mask)
{
	return mask ? (u32)min_t(u64, mask - (pa & mask) + 1ull, 0xfffff000u) : 0xfffff000u;
}

bool rq_iter_next(struct rq_iter *it, struct rq_segment *seg)
{
	const struct disk_limits *l = it->limits;
	u64 pa, next;
	u32 len, more, room;

	if (!piece(it, &pa, &len))
		return false;
	room = min(l->max_seg_bytes, boundary_room(pa, l->seg_boundary));
	len = min(len, room);
	consume(it, len);
	while (len < room && piece(it, &next, &more) && next == pa + len) {
		more = min(more, room - len);
		consume(it, more);
		len += more;
	}
	seg->pa = (paddr_t){ pa };
	seg->len = len;
	return true;
}

/* Whether the device cannot have a segment that ends at `end` followed by one at `start`. */
static bool gap(u64 end, u64 start, u32 mask)
{
	return mask && end != start && ((end | start) & mask);
}

unsigned int bio_fit(const struct bio *b, const struct disk_limits *l, u64 *bytes)
{
	u64 max = (u64)l->max_sectors << SECTOR_SHIFT, sum = 0, end = 0;
	unsigned int n = 0;
	struct rq_segment s;
	struct rq_iter it;
	struct bio one;

	if (likely(b->nr_vecs == 1 && !b->next && *bytes <= PAGE_SIZE && *bytes <= max &&
		   l->max_seg_bytes >= PAGE_SIZE && !l->seg_boundary))
		return 1;
	one = *b;
	one.next = NULL;
	if (b->vecs == b->inline_vecs)
		one.vecs = one.inline_vecs;
	iter_bio(&it, &one, l);
	while (sum < *bytes && n < l->max_segs && sum < max && rq_iter_next(&it, &s)) {
		if (n && gap(end, s.pa.v, l->virt_boundary))
			break;
		end = s.pa.v + s.len;
		sum += s.len;
		n++;
	}
	sum = min_t(u64, sum, max);
	if (sum < *bytes)
		*bytes = sum & ~(u64)(l->logical_block - 1);
	return *bytes ? n : 0;
}

static u64 last_byte_end(const struct bio *b)
{
	struct rq_iter it;
	u64 pa = 0;
	u32 len = 0;

	iter_bio(&it, b, NULL);
	while (it.left) { /* at most a few: gaps matter to few devices */
		(void)piece(&it, &pa, &len);
		consume(&it, len);
	}
	return pa + len;
}

bool bio_gap_between(const struct bio *a, const struct bio *b, u32 mask)
{
	if (likely(!mask) || !a->nr_vecs || !b->nr_vecs)
		return false;
	return gap(last_byte_end(a), page_phys(b->vecs[0].page).v + b->vecs[0].off + b->skip,
		   mask);
}
