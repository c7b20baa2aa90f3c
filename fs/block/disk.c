/* SPDX-License-Identifier: MIT */
/* Disks: making them, showing them to the world, taking them away; majors.
 *
 * Lifetime: a disk has one reference of its driver (disk_alloc to disk_remove or disk_free) and one
 * of each of its bdevs, which live as long as somebody has them open. disk_remove makes new bios
 * fail, waits for those in flight and unpublishes everything; the memory goes with the last opener.
 * Locking: disks_lock for the list of all disks; d->open_mutex for what changes in one.
 * Numbers: a disk with a major has `minors` numbers from first_minor on; what lies behind them
 * (partition 16 of vda, any of nvme0n1) is numbered in the extended major. */
#include "block_internal.h"

#include <fs/procfs.h>
#include <kernel/bitmap.h>
#include <kernel/div.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>

#define DEFAULT_MAX_SECTORS 2560
#define DEFAULT_MAX_SEGS 128
#define DEFAULT_SEG_BYTES 65536
#define DEFAULT_TIMEOUT_S 30

LIST_HEAD(disks);
DEFINE_MUTEX(disks_lock, LOCK_SLEEP_INNER);
static u64 timeout_seconds = DEFAULT_TIMEOUT_S;
static u64 next_seq; /* disks_lock */

static u64 change_count; /* A: devices that came and went */
static DEFINE_WAIT_QUEUE(change_wait);

static int timeout_param(const char *value)
{
	u64 n;

	if (kstrtou64(value, 10, &n) || !n)
		return -EINVAL;
	timeout_seconds = n;
	return 0;
}
BOOT_PARAM("disk.timeout", timeout_param);

void devices_changed(void)
{
	__atomic_add_fetch(&change_count, 1, __ATOMIC_SEQ_CST);
	wake_up_all(&change_wait);
}

void bdev_wait_change(u64 *seen)
{
	wait_event(&change_wait, READ_ONCE(change_count) != *seen);
	*seen = READ_ONCE(change_count);
}

/* --- majors --- */

#define MAX_MAJORS 32
static struct {
	unsigned int major;
	const char *name;
} majors[MAX_MAJORS]; /* disks_lock */
static unsigned int nr_majors;

int blkdev_major_register(unsigned int major, const char *name)
{
	int rc = 0;

	mutex_lock(&disks_lock);
	for (unsigned int k = 0; k < nr_majors && !rc; k++)
		rc = majors[k].major == major ? -EBUSY : 0;
	if (!rc && nr_majors == MAX_MAJORS)
		rc = -ENOSPC;
	if (!rc) {
		majors[nr_majors].major = major;
		majors[nr_majors++].name = name;
	}
	mutex_unlock(&disks_lock);
	return rc;
}

void blkdev_majors_show(struct strbuf *sb)
{
	mutex_lock(&disks_lock);
	for (unsigned int m = 0; m < 512; m++) {
		for (unsigned int k = 0; k < nr_majors; k++) {
			if (majors[k].major == m)
				sb_printf(sb, "%3u %s\n", m, majors[k].name);
		}
	}
	mutex_unlock(&disks_lock);
}

/* --- memory --- */

static void queue_free(struct disk_queue *q)
{
	if (q->requests)
		kvfree(q->requests[0].private);
	kvfree(q->requests);
	kfree(q->tags);
}

static int queue_init(struct disk *d, struct disk_queue *q, unsigned int index, unsigned int depth)
{
	size_t private = ALIGN_UP(d->ops->rq_private, 16);
	char *mem = NULL;

	q->disk = d;
	q->index = index;
	q->depth = depth;
	spin_lock_init(&q->lock, LOCK_DRIVER_IRQ);
	list_init(&q->waiting);
	list_init(&q->inflight);
	wait_queue_init(&q->tag_wait);
	if (!depth)
		return 0;
	q->tags = kzalloc(BITMAP_BYTES(depth), GFP_KERNEL);
	q->requests = kvmalloc(depth * sizeof(*q->requests), GFP_KERNEL);
	if (!q->tags || !q->requests)
		goto fail;
	memset(q->requests, 0, depth * sizeof(*q->requests));
	if (private) {
		mem = kvmalloc(depth * private, GFP_KERNEL);
		if (!mem)
			goto fail;
		memset(mem, 0, depth * private);
	}
	for (unsigned int k = 0; k < depth; k++) {
		q->requests[k].tag = (u16)k;
		q->requests[k].queue = q;
		q->requests[k].private = private ? mem + k * private : NULL;
	}
	return 0;
fail:
	queue_free(q);
	q->requests = NULL;
	q->tags = NULL;
	return -ENOMEM;
}

struct disk *disk_alloc(const struct disk_ops *ops, unsigned int nr_queues, unsigned int depth)
{
	struct disk *d = kzalloc(sizeof(*d), GFP_KERNEL);

	ASSERT(nr_queues >= 1 && depth <= 65535);
	if (!d)
		return NULL;
	d->ops = ops;
	d->queues = kzalloc(nr_queues * sizeof(*d->queues), GFP_KERNEL);
	if (!d->queues)
		goto fail;
	for (; d->nr_queues < nr_queues; d->nr_queues++) {
		if (queue_init(d, &d->queues[d->nr_queues], d->nr_queues, depth))
			goto fail;
	}
	d->minors = DISK_MINORS;
	d->timeout_ns = timeout_seconds * NSEC_PER_SEC;
	mutex_init(&d->open_mutex, LOCK_DISK_OPEN);
	list_init(&d->parts);
	list_init(&d->node);
	atomic_set(&d->refs, 1);
	delayed_work_init(&d->watchdog, disk_watchdog);
	return d;
fail:
	disk_free(d);
	return NULL;
}

void disk_free(struct disk *d)
{
	for (unsigned int k = 0; k < d->nr_queues; k++)
		queue_free(&d->queues[k]);
	kfree(d->queues);
	inject_free(d);
	kfree(d);
}

void disk_get(struct disk *d)
{
	atomic_inc(&d->refs);
}

void disk_put(struct disk *d)
{
	if (atomic_dec_and_test(&d->refs)) {
		(void)cancel_delayed_work_sync(&d->watchdog);
		disk_free(d);
	}
}

/* --- coming --- */

static void fill_limits(struct disk_limits *l)
{
	l->logical_block = l->logical_block ? l->logical_block : SECTOR_SIZE;
	l->physical_block = max(l->physical_block, l->logical_block);
	l->max_sectors = l->max_sectors ? l->max_sectors : DEFAULT_MAX_SECTORS;
	l->max_sectors &= ~((l->logical_block >> SECTOR_SHIFT) - 1);
	l->max_segs = l->max_segs ? l->max_segs : DEFAULT_MAX_SEGS;
	l->max_seg_bytes = l->max_seg_bytes ? l->max_seg_bytes : DEFAULT_SEG_BYTES;
	l->io_min = l->io_min ? l->io_min : l->physical_block;
	if (!l->write_cache)
		l->fua = false;
}

int disk_add(struct disk *d)
{
	int rc;

	fill_limits(&d->limits);
	ASSERT(d->ops->queue_rq || d->ops->submit_bio);
	if (d->limits.dma32 && bounce_reserve())
		return -ENOMEM;
	d->whole = bdev_create(d, 0, 0, d->sectors);
	if (!d->whole)
		return -ENOMEM;
	mutex_lock(&disks_lock);
	d->seq = ++next_seq;
	list_add_tail(&d->node, &disks);
	mutex_unlock(&disks_lock);
	mutex_lock(&d->open_mutex);
	rc = bdev_publish(d->whole);
	if (!rc && !d->hidden_parts && d->sectors)
		disk_scan_partitions(d);
	mutex_unlock(&d->open_mutex);
	if (rc) {
		mutex_lock(&disks_lock);
		list_del_init(&d->node);
		mutex_unlock(&disks_lock);
		bdev_destroy(d->whole);
		d->whole = NULL;
		return rc;
	}
	devices_changed();
	return 0;
}

/* --- going --- */

void disk_remove(struct disk *d)
{
	WRITE_ONCE(d->removed, true);
	smp_mb();
	for (unsigned int k = 0; k < d->nr_queues; k++) {
		queue_fail_waiting(&d->queues[k], -ENODEV);
		queue_wait_idle(&d->queues[k]);
	}
	while (atomic_read(&d->unqueued))
		(void)hrtimer_sleep_until(ktime_get() + NSEC_PER_MSEC, TASK_UNINTERRUPTIBLE);
	mutex_lock(&d->open_mutex);
	disk_drop_partitions(d);
	bdev_unpublish(d->whole);
	mutex_unlock(&d->open_mutex);
	mutex_lock(&disks_lock);
	list_del_init(&d->node);
	mutex_unlock(&disks_lock);
	devices_changed();
	bdev_put(d->whole);
	disk_put(d);
}

/* --- changes --- */

void disk_set_capacity(struct disk *d, u64 sectors)
{
	mutex_lock(&d->open_mutex);
	if (d->sectors != sectors) {
		if (d->sectors && sectors)
			log_info(d->name, "size changes from %llu to %llu sectors",
				 (unsigned long long)d->sectors, (unsigned long long)sectors);
		WRITE_ONCE(d->sectors, sectors);
		bdev_set_sectors(d->whole, sectors);
	}
	mutex_unlock(&d->open_mutex);
}

void disk_limits_changed(struct disk *d)
{
	fill_limits(&d->limits);
	if (d->whole)
		d->whole->inode->data.block_shift = (u8)ilog2(d->limits.logical_block);
}

int disk_close_door(struct disk *d)
{
	int rc = 0;

	mutex_lock(&d->open_mutex);
	if (d->openers)
		rc = -EBUSY;
	else
		WRITE_ONCE(d->removed, true);
	mutex_unlock(&d->open_mutex);
	return rc;
}

static bool part_in_use(const struct disk *d)
{
	const struct bdev *bd;

	list_for_each_entry(bd, &d->parts, node) {
		if (bd->openers)
			return true;
	}
	return false;
}

int disk_rescan(struct disk *d)
{
	int rc = 0;

	if (d->hidden_parts && d->sectors)
		return -EINVAL;
	mutex_lock(&d->open_mutex);
	if (d->removed)
		rc = -ENXIO;
	else if (part_in_use(d))
		rc = -EBUSY;
	if (!rc)
		rc = bdev_sync(d->whole);
	if (!rc) {
		disk_drop_partitions(d);
		if (d->sectors)
			disk_scan_partitions(d);
	}
	mutex_unlock(&d->open_mutex);
	if (!rc)
		devices_changed();
	return rc;
}

static int disk_init(void)
{
	return blkdev_major_register(EXT_MAJOR, "blkext");
}
INIT_HOOK(INIT_SUBSYS, disk_init);
