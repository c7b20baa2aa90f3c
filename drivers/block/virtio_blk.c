/* SPDX-License-Identifier: MIT */
/* virtio-blk: disks of virtual machines, vda and so on.
 * Source: VIRTIO 1.1, 5.2.
 *
 * Owns:       for each queue the headers and status bytes of all its requests, by tag, in memory
 *             that the device reads and writes.
 * Use:        a request is three segments or more: header, data, status byte. Nothing is allocated
 *             for short ones (vring.c).
 * Errors:     a device that returns a buffer it does not have breaks its queue; a read that claims
 *             success with too few bytes fails. Time-outs: look, reset and put everything back to
 *             the block layer; a request that is late TRIES times fails, a device that completes
 *             nothing between TRIES resets is given up.
 * Locking:    the disk queue's lock guards the virtqueue; time-outs come one at a time. */
#include "names.h"

#include <drivers/virtio.h>
#include <fs/block.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define VIRTIO_ID_BLOCK 2
#define MAJOR_VIRTBLK 254
#define DEPTH 128
#define MAX_SEGS 128
#define MAX_SEG_BYTES (1u << 20)
#define TRIES 3
#define ID_BYTES 20
#define ID_LIMIT (5 * NSEC_PER_SEC)

#define F_SIZE_MAX 1
#define F_SEG_MAX 2
#define F_RO 5
#define F_BLK_SIZE 6
#define F_FLUSH 9
#define F_TOPOLOGY 10
#define F_CONFIG_WCE 11
#define F_MQ 12
#define F_DISCARD 13
#define F_WRITE_ZEROES 14

/* Offsets in the configuration. */
#define CFG_CAPACITY 0
#define CFG_SIZE_MAX 8
#define CFG_SEG_MAX 12
#define CFG_BLK_SIZE 20
#define CFG_PHYS_EXP 24
#define CFG_MIN_IO 26
#define CFG_OPT_IO 28
#define CFG_WRITEBACK 32
#define CFG_NUM_QUEUES 34
#define CFG_MAX_DISCARD 36
#define CFG_MAX_ZEROES 48
#define CFG_ZEROES_UNMAP 56

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
#define RANGE_UNMAP 1

/* One for each tag; seen by the device. */
struct vblk_req {
	u32 type, priority;
	u64 sector;
	struct {
		u64 sector;
		u32 count, flags;
	} range; /* discard, write-zeroes */
	volatile u8 status;
	u8 tries;    /* ours: resets because of this request */
	u32 written; /* ours: what the device says it wrote, with the status byte */
} __aligned(64);

/* L: queue->lock  C: const after probe */
struct vblk_queue {
	struct virtqueue *vq;	 /* C */
	struct disk_queue *queue;/* C; NULL before there is a disk */
	struct vblk_req *reqs;	 /* C: depth and one more; entries L */
	u64 reqs_pa;		 /* C */
	struct virtio_seg *segs; /* L: of the request being added */
	u64 completed;		 /* L */
	bool stopped;		 /* L: the device is being reset */
};

struct vblk {
	struct virtio_dev *vdev;
	struct disk *disk;
	unsigned int nr_queues, depth;
	unsigned int resets; /* without a completion in between */
	u64 completed;	     /* at the last reset */
	bool has_unmap;	     /* write-zeroes may give the space up */
	char sysfs_parent[144];
	struct vblk_queue queues[];
};

static unsigned int nr_disks; /* probes run one after the other */
static bool have_major;

/* --- requests --- */

static u32 type_of(unsigned int op)
{
	static const u8 types[] = { [BIO_READ] = T_IN, [BIO_WRITE] = T_OUT,
				    [BIO_FLUSH] = T_FLUSH, [BIO_DISCARD] = T_DISCARD,
				    [BIO_WRITE_ZEROES] = T_WRITE_ZEROES };

	return types[op];
}

static int vblk_queue_rq(struct disk_queue *q, struct request *rq)
{
	struct vblk_queue *vbq = q->private;
	struct vblk_req *r = &vbq->reqs[rq->tag];
	u64 pa = vbq->reqs_pa + rq->tag * sizeof(*r);
	struct virtio_seg *s = vbq->segs;
	const struct vblk *vb = q->disk->private;
	bool in = rq->op == BIO_READ;
	unsigned int n = 1;
	int rc;

	if (unlikely(vbq->stopped))
		return -EBUSY;
	r->type = type_of(rq->op);
	r->sector = rq->op <= BIO_WRITE ? rq->sector : 0;
	r->status = 0xff;
	s[0] = (struct virtio_seg){ { pa }, offsetof(struct vblk_req, range) };
	if (likely(rq->op <= BIO_WRITE)) {
		struct rq_segment seg;
		struct rq_iter it;

		rq_iter_start(&it, rq);
		while (n <= MAX_SEGS && rq_iter_next(&it, &seg))
			s[n++] = (struct virtio_seg){ seg.pa, seg.len };
	} else if (rq->op != BIO_FLUSH) {
		bool unmap = rq->op == BIO_WRITE_ZEROES && vb->has_unmap &&
			     !(rq->flags & BIO_NOUNMAP);

		r->range.sector = rq->sector;
		r->range.count = (u32)rq->nr_sectors;
		r->range.flags = unmap ? RANGE_UNMAP : 0;
		s[n++] = (struct virtio_seg){ { pa + offsetof(struct vblk_req, range) },
					      sizeof(r->range) };
	}
	s[n] = (struct virtio_seg){ { pa + offsetof(struct vblk_req, status) }, 1 };
	rc = virtqueue_add(vbq->vq, s, in ? 1 : n, in ? n : 1, rq);
	return unlikely(rc == -ENOSPC) ? -EBUSY : rc;
}

static void vblk_kick(struct disk_queue *q)
{
	const struct vblk_queue *vbq = q->private;

	virtqueue_kick(vbq->vq);
}

static int error_of(const struct vblk *vb, const struct request *rq, const struct vblk_req *r)
{
	u8 status = r->status;

	if (likely(status == S_OK)) {
		/* Older devices are allowed to be wrong about the length. */
		if (rq->op == BIO_READ && virtio_has(vb->vdev, VIRTIO_F_VERSION_1) &&
		    r->written < (rq->nr_sectors << SECTOR_SHIFT) + 1)
			return -EIO;
		return 0;
	}
	return status == S_UNSUPP ? -EOPNOTSUPP : -EIO;
}

/* Interrupt of a queue, or somebody who does not believe in it. Any context. */
static void vblk_done(struct virtqueue *vq, void *arg)
{
	struct vblk_queue *vbq = arg;
	struct request *done = NULL, **end = &done, *rq;
	const struct vblk *vb;
	irqflags_t f;
	u32 written;

	if (!vbq->queue)
		return;
	vb = vbq->queue->disk->private;
	f = spin_lock_irqsave(&vbq->queue->lock);
	do {
		virtqueue_disable_cb(vq);
		while ((rq = virtqueue_get(vq, &written)) != NULL) {
			if (unlikely((void *)rq == vb))
				continue; /* a serial number that came too late */
			vbq->reqs[rq->tag].written = written;
			vbq->reqs[rq->tag].tries = 0;
			vbq->completed++;
			rq->next = NULL;
			*end = rq;
			end = &rq->next;
		}
	} while (!virtqueue_enable_cb(vq));
	spin_unlock_irqrestore(&vbq->queue->lock, f);
	while (done) {
		rq = done;
		done = rq->next;
		request_end(rq, error_of(vb, rq, &vbq->reqs[rq->tag]));
	}
}

/* --- time-outs --- */

/* Ends or puts back what the reset device had. late: whose time was up. */
static void give_back(struct vblk_queue *vbq, const struct request *late)
{
	struct request *chain = NULL, *rq;
	irqflags_t f = spin_lock_irqsave(&vbq->queue->lock);

	while ((rq = virtqueue_detach(vbq->vq)) != NULL) {
		if ((void *)rq == vbq->queue->disk->private)
			continue;
		rq->next = chain;
		chain = rq;
	}
	spin_unlock_irqrestore(&vbq->queue->lock, f);
	while ((rq = chain) != NULL) {
		struct vblk_req *r = &vbq->reqs[rq->tag];

		chain = rq->next;
		if (rq == late && ++r->tries >= TRIES) {
			r->tries = 0;
			request_end(rq, -EIO);
		} else {
			request_requeue(rq);
		}
	}
}

static void set_stopped(struct vblk *vb, bool stopped)
{
	for (unsigned int i = 0; i < vb->nr_queues; i++) {
		struct vblk_queue *vbq = &vb->queues[i];
		irqflags_t f = spin_lock_irqsave(&vbq->queue->lock);

		vbq->stopped = stopped;
		spin_unlock_irqrestore(&vbq->queue->lock, f);
	}
}

static int vblk_timeout(struct disk *d, struct request *rq)
{
	struct vblk *vb = d->private;
	u64 since = rq->start_ns, completed = 0;
	int rc;

	for (unsigned int i = 0; i < vb->nr_queues; i++) {
		vblk_done(vb->queues[i].vq, &vb->queues[i]);
		completed += READ_ONCE(vb->queues[i].completed);
	}
	if (disk_queue_rq(rq->queue, rq->tag) != rq || rq->start_ns != since)
		return 0; /* it was there: only its interrupt was not */
	vb->resets = completed == vb->completed ? vb->resets + 1 : 1;
	vb->completed = completed;
	log_warn(d->name, "reset %u", vb->resets);
	set_stopped(vb, true);
	virtio_reset(vb->vdev);
	for (unsigned int i = 0; i < vb->nr_queues; i++)
		give_back(&vb->queues[i], rq);
	if (vb->resets > TRIES)
		return -EIO;
	rc = virtio_restart(vb->vdev);
	if (rc)
		return rc;
	virtio_ready(vb->vdev);
	set_stopped(vb, false);
	for (unsigned int i = 0; i < vb->nr_queues; i++)
		disk_queue_run(&d->queues[i]);
	return 0;
}

static const struct disk_ops vblk_ops = {
	.queue_rq = vblk_queue_rq,
	.kick = vblk_kick,
	.timeout = vblk_timeout,
};

/* --- probing --- */

static u64 config(struct vblk *vb, unsigned int off, unsigned int len)
{
	u64 v = 0;

	virtio_config_read(vb->vdev, off, &v, len);
	return v;
}

static void read_limits(struct vblk *vb)
{
	struct disk_limits *l = &vb->disk->limits;
	struct virtio_dev *v = vb->vdev;
	u64 block = virtio_has(v, F_BLK_SIZE) ? config(vb, CFG_BLK_SIZE, 4) : 512;
	u64 segs = virtio_has(v, F_SEG_MAX) ? config(vb, CFG_SEG_MAX, 4) : 1;
	u64 bytes = virtio_has(v, F_SIZE_MAX) ? config(vb, CFG_SIZE_MAX, 4) : MAX_SEG_BYTES;

	if (block < 512 || block > 4096 || (block & (block - 1)))
		block = 512;
	l->logical_block = l->physical_block = (u32)block;
	/* A chain must fit an empty queue without a table of its own. */
	segs = min_t(u64, segs, virtqueue_size(vb->queues[0].vq) - 2);
	l->max_segs = (u16)clamp(segs, 1ull, (u64)MAX_SEGS);
	l->max_seg_bytes = (u32)clamp(bytes, 4096ull, (u64)MAX_SEG_BYTES);
	if (virtio_has(v, F_TOPOLOGY)) {
		l->physical_block = (u32)block << min(config(vb, CFG_PHYS_EXP, 1), 7ull);
		l->io_min = (u32)(config(vb, CFG_MIN_IO, 2) * block);
		l->io_opt = (u32)min(config(vb, CFG_OPT_IO, 4) * block, 1ull << 30);
	}
	l->write_cache = virtio_has(v, F_FLUSH) &&
			 (!virtio_has(v, F_CONFIG_WCE) || config(vb, CFG_WRITEBACK, 1));
	if (virtio_has(v, F_DISCARD))
		l->max_discard = config(vb, CFG_MAX_DISCARD, 4);
	if (virtio_has(v, F_WRITE_ZEROES)) {
		l->max_zeroes = config(vb, CFG_MAX_ZEROES, 4);
		vb->has_unmap = config(vb, CFG_ZEROES_UNMAP, 1);
	}
}

/* Headers and scratch memory of all queues. */
static int alloc_requests(struct vblk *vb)
{
	for (unsigned int i = 0; i < vb->nr_queues; i++) {
		struct vblk_queue *q = &vb->queues[i];

		q->reqs = kmalloc_array(vb->depth + 1, sizeof(*q->reqs), GFP_KERNEL | GFP_ZERO);
		q->segs = kmalloc_array(MAX_SEGS + 2, sizeof(*q->segs), GFP_KERNEL);
		if (!q->reqs || !q->segs)
			return -ENOMEM;
		q->reqs_pa = virt_to_phys(q->reqs).v;
	}
	return 0;
}

static int find_queues(struct vblk *vb)
{
	unsigned int nr = vb->nr_queues;
	void (**handlers)(struct virtqueue *vq, void *arg);
	char(*text)[12];
	const char **names;
	struct virtqueue **vqs;
	void **args;
	int rc = -ENOMEM;

	handlers = kmalloc_array(nr, sizeof(*handlers), GFP_KERNEL);
	text = kmalloc_array(nr, sizeof(*text), GFP_KERNEL);
	names = kmalloc_array(nr, sizeof(*names), GFP_KERNEL);
	vqs = kmalloc_array(nr, sizeof(*vqs), GFP_KERNEL);
	args = kmalloc_array(nr, sizeof(*args), GFP_KERNEL);
	if (!handlers || !text || !names || !vqs || !args)
		goto out;
	for (unsigned int i = 0; i < nr; i++) {
		handlers[i] = vblk_done;
		args[i] = &vb->queues[i];
		scnprintf(text[i], sizeof(text[i]), "req.%u", i);
		names[i] = text[i];
	}
	rc = virtio_find_queues(vb->vdev, nr, vqs, handlers, args, names);
	for (unsigned int i = 0; rc == 0 && i < nr; i++)
		vb->queues[i].vq = vqs[i];
out:
	kfree(handlers);
	kfree(text);
	kfree(names);
	kfree(vqs);
	kfree(args);
	return rc;
}

/* The device's serial number; polled, before there is anybody else. */
static void read_serial(struct vblk *vb)
{
	struct vblk_queue *vbq = &vb->queues[0];
	struct vblk_req *r = &vbq->reqs[vb->depth];
	struct virtio_seg segs[3];
	u64 end = ktime_get() + ID_LIMIT;
	void *token = NULL;
	char *id = kzalloc(ID_BYTES + 1, GFP_KERNEL);
	u32 written;

	if (!id)
		return;
	r->type = T_GET_ID;
	r->status = 0xff;
	segs[0] = (struct virtio_seg){ virt_to_phys(r), offsetof(struct vblk_req, range) };
	segs[1] = (struct virtio_seg){ virt_to_phys(id), ID_BYTES };
	segs[2] = (struct virtio_seg){ virt_to_phys((const void *)&r->status), 1 };
	if (virtqueue_add(vbq->vq, segs, 1, 2, vb)) {
		kfree(id);
		return;
	}
	virtqueue_disable_cb(vbq->vq);
	virtqueue_kick(vbq->vq);
	while (!(token = virtqueue_get(vbq->vq, &written)) && ktime_get() < end &&
	       !virtqueue_broken(vbq->vq))
		udelay(5);
	if (token && r->status == S_OK)
		strscpy(vb->disk->serial, id, sizeof(vb->disk->serial));
	/* Without an answer the device may still write to it: it stays. */
	if (token)
		kfree(id);
	else
		log_warn(vb->vdev->name, "no answer to a request for the serial number");
}

static int add_disk(struct vblk *vb)
{
	struct disk *d = vb->disk;
	unsigned int index = nr_disks;

	for (unsigned int i = 0; i < vb->nr_queues; i++) {
		d->queues[i].private = &vb->queues[i];
		vb->queues[i].queue = &d->queues[i];
		if (!virtqueue_enable_cb(vb->queues[i].vq))
			vblk_done(vb->queues[i].vq, &vb->queues[i]);
	}
	d->private = vb;
	disk_letter_name(d->name, sizeof(d->name), "vd", index);
	d->sectors = config(vb, CFG_CAPACITY, 8);
	d->read_only = virtio_has(vb->vdev, F_RO);
	d->major = MAJOR_VIRTBLK;
	d->first_minor = index * DISK_MINORS;
	d->sysfs_parent = vb->sysfs_parent;
	nr_disks++;
	log_info(d->name, "%s: %llu sectors, %u queue%s%s%s", vb->vdev->name,
		 (unsigned long long)d->sectors, vb->nr_queues, vb->nr_queues > 1 ? "s" : "",
		 d->limits.write_cache ? ", write cache" : "", d->read_only ? ", read-only" : "");
	return disk_add(d);
}

static void vblk_free(struct vblk *vb)
{
	for (unsigned int i = 0; i < vb->nr_queues; i++) {
		kfree(vb->queues[i].reqs);
		kfree(vb->queues[i].segs);
	}
	if (vb->disk)
		disk_free(vb->disk);
	kfree(vb);
}

static int vblk_probe(struct virtio_dev *v)
{
	unsigned int nr = 1;
	struct vblk *vb;
	int rc;

	rc = have_major ? 0 : blkdev_major_register(MAJOR_VIRTBLK, "virtblk");
	if (rc)
		return rc;
	have_major = true;
	if (virtio_has(v, F_MQ)) {
		u16 n;

		virtio_config_read(v, CFG_NUM_QUEUES, &n, sizeof(n));
		nr = clamp((unsigned int)n, 1u, cpu_online_count);
	}
	vb = kzalloc(sizeof(*vb) + nr * sizeof(vb->queues[0]), GFP_KERNEL);
	if (!vb)
		return -ENOMEM;
	vb->vdev = v;
	vb->nr_queues = nr;
	v->private = vb;
	scnprintf(vb->sysfs_parent, sizeof(vb->sysfs_parent), "%s/block", v->sysfs_path);
	rc = find_queues(vb);
	if (rc)
		goto undo;
	vb->depth = DEPTH;
	for (unsigned int i = 0; i < nr; i++)
		vb->depth = min(vb->depth, virtqueue_size(vb->queues[i].vq));
	rc = virtqueue_size(vb->queues[0].vq) < 4 ? -EINVAL : alloc_requests(vb);
	if (rc)
		goto undo;
	vb->disk = disk_alloc(&vblk_ops, nr, vb->depth);
	rc = vb->disk ? 0 : -ENOMEM;
	if (rc)
		goto undo;
	read_limits(vb);
	virtio_ready(v);
	read_serial(vb);
	rc = add_disk(vb);
	if (rc == 0)
		return 0;
undo:
	virtio_reset(v);
	v->private = NULL;
	vblk_free(vb);
	return rc;
}

static void vblk_config_changed(struct virtio_dev *v)
{
	struct vblk *vb = v->private;

	if (vb && vb->disk && vb->disk->whole)
		disk_set_capacity(vb->disk, config(vb, CFG_CAPACITY, 8));
}

TABLE_ENTRY(virtio_drivers, struct virtio_driver, virtio_blk) = {
	.name = "virtio_blk",
	.device_id = VIRTIO_ID_BLOCK,
	.features = BIT(F_SIZE_MAX) | BIT(F_SEG_MAX) | BIT(F_RO) | BIT(F_BLK_SIZE) | BIT(F_FLUSH) |
		    BIT(F_TOPOLOGY) | BIT(F_CONFIG_WCE) | BIT(F_MQ) | BIT(F_DISCARD) |
		    BIT(F_WRITE_ZEROES),
	.probe = vblk_probe,
	.config_changed = vblk_config_changed,
};
