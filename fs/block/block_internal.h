/* SPDX-License-Identifier: MIT */
/* What the parts of the block layer share. Nobody outside fs/block includes this. */
#ifndef FS_BLOCK_INTERNAL_H
#define FS_BLOCK_INTERNAL_H

#include <fs/block.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define EXT_MAJOR 259 /* numbers of partitions and disks without numbers of their own */

/* request->state; under queue->lock */
#define RQ_FREE 0
#define RQ_WAITING 1  /* has a tag; in a plug or in queue->waiting */
#define RQ_INFLIGHT 2 /* the driver has it */
/* request->step */
#define STEP_WHOLE 0	 /* one command */
#define STEP_PREFLUSH 1
#define STEP_DATA 2
#define STEP_POSTFLUSH 3

/* Bios that are over, in the order of their ends; completed when no lock is held. */
struct bio_chain {
	struct bio *first, **end;
};
static inline void bio_chain_init(struct bio_chain *c)
{
	c->first = NULL;
	c->end = &c->first;
}
void bio_chain_finish(struct bio_chain *c);

/* bio.c */
struct bio *bio_alloc_child(struct bio *parent); /* same pages; sleeps for memory */
void bio_finish(struct bio *b);			 /* error is set: end(), or the parent's */
void bio_fail(struct bio *b, int error);
#define BOUNCE_PAGES 16
struct bio *bio_alloc_bounce(struct bio *parent);
/* bounce.c */
extern u64 bounce_limit;
bool bounce_needed(const struct bio *b);
void bounce_submit(struct bio *b);
int bounce_reserve(void);
/* segments.c */
/* Segments of the first `*bytes` bytes of b that fit into one request: cuts *bytes. 0 segments:
 * they cannot be sent at all. */
unsigned int bio_fit(const struct bio *b, const struct disk_limits *l, u64 *bytes);
bool bio_gap_between(const struct bio *a, const struct bio *b, u32 mask);
/* queue.c */
struct disk_queue *disk_this_queue(struct disk *d);
struct request *queue_get_request(struct disk_queue *q, struct bio *b); /* sleeps */
void queue_add_request(struct request *rq);
bool queue_merge_bio(struct disk_queue *q, struct bio *b, unsigned int segs);
bool request_merge_bio(struct request *rq, struct bio *b, unsigned int segs);
void queue_fail_waiting(struct disk_queue *q, int error);
unsigned int disk_inflight(struct disk *d, unsigned int *writes);
void disk_watchdog(struct work *w);
void queue_wait_idle(struct disk_queue *q);
/* stats.c */
void stats_start(struct bdev *bd, u64 now);
void stats_merge(struct bdev *bd, unsigned int op);
void stats_end(struct bdev *bd, unsigned int op, u64 sectors, u64 start_ns, u64 now);
void stats_sum(const struct bdev *bd, struct disk_stats *sum);
void disk_log_error(struct disk *d, unsigned int op, u64 sector, u64 nr, int error);
/* inject.c */
bool inject_hits(struct disk *d, unsigned int op, u64 sector, u64 nr);
int inject_show(struct disk *d, struct strbuf *sb);
int inject_store(struct disk *d, const char *text);
void inject_free(struct disk *d);
/* disk.c */
extern struct list_head disks;	      /* disks_lock, in the order they came */
extern struct mutex disks_lock;	      /* LOCK_SLEEP_INNER */
void disk_get(struct disk *d);
void disk_put(struct disk *d);
void devices_changed(void);
/* bdev.c */
struct bdev *bdev_create(struct disk *d, unsigned int partno, u64 start, u64 sectors);
void bdev_destroy(struct bdev *bd); /* never published */
int bdev_publish(struct bdev *bd);  /* number, look-up, node, sysfs */
void bdev_unpublish(struct bdev *bd);
void bdev_put(struct bdev *bd);
struct bdev *bdev_find(dev_t dev); /* a reference or NULL */
void bdev_set_sectors(struct bdev *bd, u64 sectors);
/* Calls fn for every bdev with a reference, no locks held; stops when it returns false. */
void bdev_for_each(bool (*fn)(struct bdev *bd, void *arg), void *arg);
/* open_mutex held by the caller from here on: */
int bdev_claim(struct bdev *bd, void *holder) MUST_HOLD(bd->disk->open_mutex);
void bdev_unclaim(struct bdev *bd) MUST_HOLD(bd->disk->open_mutex);
/* partition.c */
void disk_scan_partitions(struct disk *d);
void disk_drop_partitions(struct disk *d);
/* These three take open_mutex. */
int partition_add(struct disk *d, unsigned int partno, u64 start, u64 sectors);
int partition_del(struct disk *d, unsigned int partno);
int partition_resize(struct disk *d, unsigned int partno, u64 start, u64 sectors);
struct bdev *partition_find(struct disk *d, unsigned int partno);
/* mapping.c */
extern const struct mapping_ops bdev_mapping_ops;
void bdev_invalidate(struct bdev *bd); /* drops clean pages nobody uses */
/* ioctl.c */
long blkdev_ioctl(struct file *f, unsigned int cmd, u64 arg);
long blkdev_fallocate(struct file *f, int mode, loff_t off, loff_t len);
/* sysfs.c */
void stats_print(const struct bdev *bd, struct strbuf *sb, bool wide);
int bdev_sysfs_add(struct bdev *bd);
void bdev_sysfs_remove(struct bdev *bd);

#endif
