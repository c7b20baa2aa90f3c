/* SPDX-License-Identifier: MIT */
/* NVMe namespaces as disks: requests to commands, completions back, time-outs.
 * Source: NVM Express 1.4: 4.3 (PRP lists), 6 (I/O commands).
 *
 * Memory of a command: one or two pages fit the command itself; more need a list, one page of
 * which describes any request the limits allow. It comes from the page allocator, and when that is
 * empty from a reserve of one per queue, so that requests always go on.
 * Time-outs: look for a lost interrupt; ask the controller to abort the command; reset the
 * controller and put everything back; a request that is late NVME_TRIES times fails, a controller
 * that completes nothing between NVME_TRIES resets is given up, with all its namespaces.
 * Locking: disk queue's lock, then the I/O queue's. Time-outs hold n->lock: a reset concerns all
 * namespaces. */
#include "nvme.h"

#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define SC_MASK 0x7ff /* status code and its type */
#define SC_OPCODE 0x001
#define SC_FIELD 0x002
#define SC_ABORTED 0x007
#define SC_ABORTED_SQ 0x008
#define SC_CAPACITY 0x081
#define PAGE_BITS (PAGE_SIZE - 1)
#define DSM_DEALLOCATE 4

static struct nvme_rq *rq_slot(const struct request *rq)
{
	const struct nvme_slots *s = rq->queue->private;

	return &s->rqs[rq->tag];
}

/* --- requests to commands --- */

static u64 *list_get(struct nvme_slots *s, struct nvme_rq *r)
{
	r->list = pages_alloc(0, GFP_ATOMIC | GFP_NOWARN);
	r->reserve = false;
	if (!r->list && s->reserve) {
		r->list = s->reserve;
		s->reserve = NULL;
		r->reserve = true;
	}
	return r->list;
}

static void list_put(struct nvme_slots *s, struct nvme_rq *r)
{
	if (r->reserve)
		s->reserve = r->list;
	else
		pages_free(r->list, 0);
	r->list = NULL;
}

/* Pages of a request that are not its first, from the place the walk has come to. */
static int fill_list(u64 *list, struct rq_iter *it, struct rq_segment seg)
{
	unsigned int n = 0;

	do {
		while (seg.len) {
			u32 part = min(seg.len, (u32)PAGE_SIZE);

			if (unlikely((seg.pa.v & PAGE_BITS) || n == NVME_PRPS))
				return -EIO;
			list[n++] = seg.pa.v;
			seg.pa.v += part;
			seg.len -= part;
		}
	} while (rq_iter_next(it, &seg));
	return 0;
}

static int map_data(struct nvme_slots *s, struct nvme_rq *r, struct request *rq,
		    struct nvme_cmd *c)
{
	u64 left = rq->nr_sectors << SECTOR_SHIFT;
	struct rq_segment seg;
	struct rq_iter it;
	u32 part;
	int rc;

	rq_iter_start(&it, rq);
	if (!rq_iter_next(&it, &seg))
		return -EIO;
	c->prp1 = seg.pa.v;
	part = min(seg.len, (u32)(PAGE_SIZE - (seg.pa.v & PAGE_BITS)));
	left -= part;
	if (left == 0)
		return 0;
	seg.pa.v += part;
	seg.len -= part;
	if (seg.len == 0 && !rq_iter_next(&it, &seg))
		return -EIO;
	if (left <= PAGE_SIZE) {
		c->prp2 = seg.pa.v;
		return seg.len >= left && !(seg.pa.v & PAGE_BITS) ? 0 : -EIO;
	}
	if (!list_get(s, r))
		return -EBUSY;
	c->prp2 = virt_to_phys(r->list).v;
	rc = fill_list(r->list, &it, seg);
	if (rc)
		list_put(s, r);
	return rc;
}

static int make_command(struct nvme_ns *ns, struct nvme_slots *s, struct nvme_rq *r,
			struct request *rq, struct nvme_cmd *c)
{
	u64 first = rq->sector >> (ns->lba_shift - SECTOR_SHIFT);
	u32 blocks = (u32)(rq->nr_sectors >> (ns->lba_shift - SECTOR_SHIFT));

	switch (rq->op) {
	case BIO_READ:
	case BIO_WRITE:
		c->opcode = rq->op == BIO_READ ? IO_READ : IO_WRITE;
		c->cdw12 = (blocks - 1) | (rq->flags & BIO_FUA && rq->op == BIO_WRITE ? RW_FUA : 0);
		break;
	case BIO_FLUSH:
		c->opcode = IO_FLUSH;
		return 0;
	case BIO_WRITE_ZEROES:
		c->opcode = IO_WRITE_ZEROES;
		c->cdw12 = (blocks - 1) | (rq->flags & BIO_NOUNMAP ? 0 : ZEROES_DEALLOCATE);
		break;
	case BIO_DISCARD:
		c->opcode = IO_DSM;
		r->range = (struct nvme_range){ .blocks = blocks, .first = first };
		c->prp1 = virt_to_phys(&r->range).v;
		c->cdw10 = 0; /* one range */
		c->cdw11 = DSM_DEALLOCATE;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
	c->cdw10 = (u32)first;
	c->cdw11 = (u32)(first >> 32);
	return rq->op <= BIO_WRITE ? map_data(s, r, rq, c) : 0;
}

static int nvme_queue_rq(struct disk_queue *dq, struct request *rq)
{
	struct nvme_slots *s = dq->private;
	struct nvme_ns *ns = dq->disk->private;
	struct nvme_rq *r = &s->rqs[rq->tag];
	struct nvme_queue *q = s->hw;
	struct nvme_cmd c = { .cid = CID(ns->index, rq->tag), .nsid = ns->nsid };
	int rc = make_command(ns, s, r, rq, &c);

	if (unlikely(rc))
		return rc;
	spin_lock(&q->lock);
	if (unlikely(q->stopped)) {
		spin_unlock(&q->lock);
		if (r->list)
			list_put(s, r);
		return READ_ONCE(ns->nvme->dead) ? -EIO : -EBUSY;
	}
	r->rq = rq;
	q->sq[q->tail] = c;
	q->tail = q->tail + 1 == q->depth ? 0 : q->tail + 1;
	spin_unlock(&q->lock);
	return 0;
}

static void nvme_kick(struct disk_queue *dq)
{
	struct nvme_queue *q = ((struct nvme_slots *)dq->private)->hw;

	spin_lock(&q->lock);
	if (!q->stopped && q->told != q->tail) {
		q->told = q->tail;
		barrier(); /* commands before the doorbell: stores stay in order */
		*q->sq_doorbell = q->tail;
	}
	spin_unlock(&q->lock);
}

/* --- completions --- */

struct request *nvme_ns_take(struct nvme_queue *q, u16 cid, u16 status)
{
	const struct nvme *n = q->nvme;
	struct nvme_ns *ns = CID_NS(cid) < n->nr_ns ? n->ns[CID_NS(cid)] : NULL;
	struct nvme_rq *r;
	struct request *rq;

	if (unlikely(!ns || CID_TAG(cid) >= NVME_IO_DEPTH))
		return NULL;
	r = &ns->slots[q->id - 1].rqs[CID_TAG(cid)];
	rq = r->rq;
	r->rq = NULL;
	r->status = status;
	return rq;
}

static int error_of(u16 status)
{
	switch (status & SC_MASK) {
	case 0:
		return 0;
	case SC_OPCODE:
	case SC_FIELD:
		return -EOPNOTSUPP;
	case SC_CAPACITY:
		return -ENOSPC;
	default:
		return -EIO;
	}
}

static void put_list_of(struct request *rq)
{
	struct disk_queue *dq = rq->queue;
	struct nvme_rq *r = rq_slot(rq);
	irqflags_t f;

	if (likely(!r->list))
		return;
	f = spin_lock_irqsave(&dq->lock);
	list_put(dq->private, r);
	spin_unlock_irqrestore(&dq->lock, f);
}

void nvme_ns_end(struct request *rq)
{
	struct nvme_rq *r = rq_slot(rq);
	u16 code = r->status & SC_MASK;

	put_list_of(rq);
	if (unlikely(code == SC_ABORTED || code == SC_ABORTED_SQ) && r->tries < NVME_TRIES) {
		struct disk_queue *dq = rq->queue;

		request_requeue(rq);
		disk_queue_run(dq);
		return;
	}
	WRITE_ONCE(r->tries, 0);
	request_end(rq, error_of(r->status));
}

/* --- time-outs --- */

/* Everything that a stopped controller had goes back to the block layer. */
static void give_back(struct nvme_ns *ns, const struct request *late)
{
	struct nvme *n = ns->nvme;

	for (unsigned int i = 0; i < n->nr_io; i++) {
		for (unsigned int tag = 0; tag < NVME_IO_DEPTH; tag++) {
			struct nvme_rq *r = &ns->slots[i].rqs[tag];
			irqflags_t f = spin_lock_irqsave(&n->io[i].lock);
			struct request *rq = r->rq;

			r->rq = NULL;
			spin_unlock_irqrestore(&n->io[i].lock, f);
			if (!rq)
				continue;
			put_list_of(rq);
			if (rq == late && r->tries >= NVME_TRIES) {
				WRITE_ONCE(r->tries, 0);
				request_end(rq, -EIO);
			} else {
				request_requeue(rq);
			}
		}
	}
}

static u64 poll_all(struct nvme *n)
{
	u64 completed = 0;

	for (unsigned int i = 0; i < n->nr_io; i++) {
		nvme_poll(&n->io[i]);
		completed += READ_ONCE(n->io[i].completed);
	}
	return completed;
}

/* Stops and starts the controller. -errno: it is given up. n->lock held. */
static int reset(struct nvme *n, const struct request *late)
{
	u64 completed;
	int rc = -EIO;

	nvme_stop(n);
	completed = poll_all(n);
	n->resets = completed == n->completed ? n->resets + 1 : 1;
	n->completed = completed;
	log_warn(n->name, "reset %u", n->resets);
	for (unsigned int k = 0; k < n->nr_ns; k++)
		if (n->ns[k])
			give_back(n->ns[k], late);
	if (n->resets <= NVME_TRIES)
		rc = nvme_start(n);
	if (rc) {
		nvme_stop(n);
		WRITE_ONCE(n->dead, true);
	}
	return rc;
}

/* A request of another namespace may wait for a controller that has just been reset. */
static void run_all(struct nvme *n)
{
	for (unsigned int k = 0; k < n->nr_ns; k++)
		for (unsigned int i = 0; n->ns[k] && i < n->nr_io; i++)
			disk_queue_run(&n->ns[k]->disk->queues[i]);
}

static bool still_there(const struct request *rq, u64 since)
{
	return disk_queue_rq(rq->queue, rq->tag) == rq && rq->start_ns == since;
}

static int late_locked(struct nvme_ns *ns, struct request *rq, u64 since)
{
	struct nvme *n = ns->nvme;
	struct nvme_rq *r = rq_slot(rq);
	struct nvme_slots *s = rq->queue->private;
	int rc;

	if (n->dead)
		return -EIO;
	poll_all(n);
	if (!still_there(rq, since))
		return 0;
	if (++r->tries == 1) {
		struct nvme_cmd c = { .opcode = ADMIN_ABORT,
				      .cdw10 = (u32)CID(ns->index, rq->tag) << 16 | s->hw->id };
		u32 refused = 1;

		log_warn(n->name, "abort of command %u, queue %u", rq->tag, s->hw->id);
		rc = nvme_admin(n, &c, &refused);
		poll_all(n);
		if (rc == 0 && (!(refused & 1) || !still_there(rq, since)))
			return 0; /* aborted, or it will be looked at again */
	}
	return reset(n, rq);
}

static int nvme_timeout(struct disk *d, struct request *rq)
{
	struct nvme_ns *ns = d->private;
	u64 since = rq->start_ns;
	int rc;

	mutex_lock(&ns->nvme->lock);
	rc = late_locked(ns, rq, since);
	mutex_unlock(&ns->nvme->lock);
	run_all(ns->nvme);
	return rc;
}

static const struct disk_ops nvme_disk_ops = {
	.queue_rq = nvme_queue_rq,
	.kick = nvme_kick,
	.timeout = nvme_timeout,
};

/* --- adding a namespace --- */

static unsigned int slots_order(void)
{
	unsigned int order = 0;

	while (PAGE_SIZE << order < NVME_IO_DEPTH * sizeof(struct nvme_rq))
		order++;
	return order;
}

static int alloc_slots(struct nvme_ns *ns)
{
	for (unsigned int i = 0; i < ns->nvme->nr_io; i++) {
		struct nvme_slots *s = &ns->slots[i];

		s->hw = &ns->nvme->io[i];
		s->rqs = pages_alloc(slots_order(), GFP_KERNEL | GFP_ZERO);
		s->reserve = pages_alloc(0, GFP_KERNEL);
		if (!s->rqs || !s->reserve)
			return -ENOMEM;
	}
	return 0;
}

static void ns_free(struct nvme_ns *ns)
{
	for (unsigned int i = 0; i < ns->nvme->nr_io; i++) {
		if (ns->slots[i].rqs)
			pages_free(ns->slots[i].rqs, slots_order());
		if (ns->slots[i].reserve)
			pages_free(ns->slots[i].reserve, 0);
	}
	if (ns->disk)
		disk_free(ns->disk);
	kfree(ns);
}

/* Size and format from IDENTIFY; -EINVAL: a format we cannot use. */
static int read_format(struct nvme_ns *ns, const u8 *id, u64 *sectors, bool *read_only)
{
	unsigned int format = id[26] & 15;
	u64 blocks;
	u16 metadata;

	memcpy(&blocks, id, 8);
	memcpy(&metadata, id + 128 + 4ul * format, 2);
	ns->lba_shift = id[128 + 4ul * format + 2];
	*read_only = id[99] & 1;
	if (ns->lba_shift < 9 || ns->lba_shift > 12 || metadata || !blocks ||
	    blocks > ~0ull >> (ns->lba_shift - SECTOR_SHIFT))
		return -EINVAL;
	*sectors = blocks << (ns->lba_shift - SECTOR_SHIFT);
	return 0;
}

static void set_limits(const struct nvme_ns *ns, struct disk_limits *l)
{
	const struct nvme *n = ns->nvme;

	l->logical_block = l->physical_block = 1u << ns->lba_shift;
	l->max_sectors = n->max_sectors;
	l->max_segs = 128;
	l->max_seg_bytes = 1u << 20;
	l->virt_boundary = PAGE_BITS;
	l->write_cache = l->fua = n->write_cache;
	if (n->can_discard)
		l->max_discard = 0xffffffffull << (ns->lba_shift - SECTOR_SHIFT);
	if (n->can_zero)
		l->max_zeroes = min_t(u64, 0x10000ull << (ns->lba_shift - SECTOR_SHIFT),
				      n->max_sectors);
}

static int add_disk(struct nvme_ns *ns, u64 sectors, bool read_only)
{
	struct nvme *n = ns->nvme;
	struct disk *d = disk_alloc(&nvme_disk_ops, n->nr_io, NVME_IO_DEPTH);

	if (!d)
		return -ENOMEM;
	ns->disk = d;
	d->private = ns;
	for (unsigned int i = 0; i < n->nr_io; i++)
		d->queues[i].private = &ns->slots[i];
	scnprintf(d->name, sizeof(d->name), "%sn%u", n->name, ns->nsid);
	d->sectors = sectors;
	d->read_only = read_only;
	set_limits(ns, &d->limits);
	strscpy(d->model, n->model, sizeof(d->model));
	strscpy(d->serial, n->serial, sizeof(d->serial));
	d->sysfs_parent = n->sysfs_parent;
	log_info(d->name, "%llu sectors, blocks of %u bytes%s%s", (unsigned long long)sectors,
		 1u << ns->lba_shift, n->write_cache ? ", write cache" : "",
		 read_only ? ", read-only" : "");
	n->ns[ns->index] = ns;
	return disk_add(d);
}

int nvme_ns_add(struct nvme *n, u32 nsid, unsigned int index)
{
	struct nvme_ns *ns = kzalloc(sizeof(*ns) + n->nr_io * sizeof(ns->slots[0]), GFP_KERNEL);
	u8 *id = pages_alloc(0, GFP_KERNEL | GFP_ZERO);
	bool read_only = false;
	u64 sectors = 0;
	int rc = -ENOMEM;

	if (!ns || !id)
		goto out;
	ns->nvme = n;
	ns->nsid = nsid;
	ns->index = index;
	mutex_lock(&n->lock);
	rc = nvme_identify(n, IDENTIFY_NS, nsid, id);
	mutex_unlock(&n->lock);
	if (rc == 0)
		rc = read_format(ns, id, &sectors, &read_only);
	if (rc == 0)
		rc = alloc_slots(ns);
	if (rc == 0)
		rc = add_disk(ns, sectors, read_only);
	if (rc) {
		n->ns[index] = NULL;
		ns_free(ns);
		ns = NULL;
	}
out:
	if (id)
		pages_free(id, 0);
	if (rc == -ENOMEM && ns)
		kfree(ns);
	return rc;
}
