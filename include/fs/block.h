/* SPDX-License-Identifier: MIT */
/* Block layer: disks, partitions, and the requests that go to them.
 *
 *   bio        one transfer between pages and consecutive sectors of one block device; what file
 *              systems and the page cache submit.
 *   request    what a driver gets: one or more bios of one direction that follow each other on the
 *              disk, merged; carries a tag of its hardware queue.
 *   disk       a driver's device ("vda"): capacity, limits, hardware queues.
 *   bdev       a disk or one of its partitions ("vda1"), with a dev_t and an inode whose mapping is
 *              the page cache of /dev/vda1.
 *
 * Sectors are 512 bytes everywhere, whatever the device's logical block size; transfers are
 * multiples of the logical block size.
 *
 * Way of a bio: bio_submit checks bounds and permissions, splits what exceeds the limits, remaps a
 * partition to its disk, merges into the task's plug or the queue of this CPU, and hands requests
 * to ops->queue_rq under the hardware queue's lock, interrupts off. Completion: the driver calls
 * request_end from its interrupt handler (any CPU); bio->end runs there. FLUSH and FUA: a device
 * without a volatile write cache gets neither; one without FUA gets write + flush. Every request
 * has a deadline (30 s, 5 s in tests by disk.timeout=): the watchdog, in task context, calls
 * ops->timeout, which resets the device or gives it up; a disk given up answers every bio with
 * -EIO at once.
 * Errors: -EIO, -ENOSPC (write-zeroes, thin disks), -EOPNOTSUPP (discard), -ENODEV (gone), logged
 * once a second and disk: "vda: I/O error, write, sector 4711 +8".
 * Locking: queue->lock (LOCK_DRIVER_IRQ) guards a hardware queue and its waiting requests; a driver
 * takes no other lock around request_end. disk->open_mutex (LOCK_DISK_OPEN, outside the VFS's
 * locks: nodes are made under it) guards openers, capacity changes and the partition table. */
#ifndef FS_BLOCK_H
#define FS_BLOCK_H

#include <fs/vfs.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/page.h>
#include <kernel/wait.h>
#include <kernel/workqueue.h>

#define SECTOR_SHIFT 9
#define SECTOR_SIZE 512u

struct bdev;
struct bio;
struct disk;
struct disk_queue;
struct request;
struct sysfs_node;

enum bio_op { BIO_READ, BIO_WRITE, BIO_FLUSH, BIO_DISCARD, BIO_WRITE_ZEROES };
/* bio->flags */
#define BIO_FUA 1u	/* on stable storage before it completes */
#define BIO_PREFLUSH 2u /* everything completed before is made stable first */
#define BIO_SYNC 4u	/* somebody waits */
#define BIO_META 8u
#define BIO_RAHEAD 16u	/* may fail quietly */
#define BIO_NOUNMAP 32u /* write-zeroes must leave the space allocated */

struct bio_vec {
	struct page *page; /* not referenced by the bio: the submitter keeps it */
	u32 len, off;	   /* bytes; off + len may pass into following pages of a compound block */
};

#define BIO_MAX_VECS 256
#define BIO_INLINE_VECS 4
/* Owned by the submitter until bio_submit, by the block layer until end() is called. */
struct bio {
	struct bdev *bdev;
	u64 sector;	    /* first, relative to bdev; never changed by the block layer */
	u64 nr_sectors;	    /* sum of the vecs; discard, write-zeroes: set by the submitter */
	u8 op;		    /* enum bio_op */
	u8 pool;	    /* where it came from */
	u16 nr_vecs, max_vecs;
	u32 flags;	    /* BIO_* */
	int error;	    /* 0 or -errno when end() runs */
	u32 skip;	    /* split: bytes of the first vec that belong to the part before */
	struct bio_vec *vecs;
	void (*end)(struct bio *b); /* interrupt context possible: must not sleep */
	void *private;
	struct bio *next;   /* in a request, or in a submitter's list */
	struct bio *parent; /* split: the original */
	atomic_t remaining; /* parts in flight */
	struct bio_vec inline_vecs[BIO_INLINE_VECS];
};
/* nr_vecs <= BIO_MAX_VECS. With GFP_KERNEL never fails for want of memory: waits (mempool). */
struct bio *bio_alloc(struct bdev *bd, enum bio_op op, u32 flags, unsigned int nr_vecs, gfp_t gfp);
void bio_free(struct bio *b);
/* Appends; false: full. */
bool bio_add_page(struct bio *b, struct page *p, u32 len, u32 off);
/* Starts it; end() is called exactly once, also for errors. May sleep for a free request. */
void bio_submit(struct bio *b);
/* Submits, waits, frees nothing: the bio's error. */
int bio_submit_wait(struct bio *b);
/* Reads or writes kernel memory at a byte offset (multiples of 512), waiting: for partition tables
 * and drivers' set-up. */
int bdev_rw(struct bdev *bd, enum bio_op op, u64 sector, void *buf, size_t bytes);
int bdev_flush(struct bdev *bd); /* FLUSH and wait; 0 where the cache is not volatile */
int bdev_discard(struct bdev *bd, u64 sector, u64 nr, u32 flags);
int bdev_zero(struct bdev *bd, u64 sector, u64 nr, u32 flags); /* falls back to writing zeroes */

/* The task is about to sleep and has a plug. */
void blk_plug_sleep(void);
/* Batch of one task: requests gather until blk_plug_finish, or until the task sleeps. Nest freely:
 * only the outermost counts. */
struct blk_plug {
	struct request *first, *last;
	unsigned int count;
};
void blk_plug_start(struct blk_plug *plug);
void blk_plug_finish(struct blk_plug *plug);

/* --- for drivers --- */

struct request {
	struct bio *bios, *last; /* in disk order */
	u64 sector;		 /* of the disk */
	u64 nr_sectors;
	u8 op;
	u32 flags;		 /* BIO_* of the bios together */
	u16 tag;		 /* < queue depth, unique among its queue's requests in flight */
	u16 nr_segs;		 /* vecs of all bios, adjacent ones counted once */
	struct disk_queue *queue;
	u64 start_ns, deadline_ns;
	struct list_head node;
	struct request *next;	 /* in a plug */
	u8 state;
	u8 step;		 /* of a sequence flush, write, flush */
	int error;		 /* queue_rq returned DISK_RQ_DONE: with what it ended */
	struct bdev *bdev;	 /* whose statistics */
	struct bio *held;	 /* bios while the flush before or after them runs */
	void *private;		 /* disk_ops.rq_private bytes of the driver's own, zeroed once */
};
/* The memory of a request, segment by segment, physically contiguous, adjacent pages joined as far
 * as disk->limits.max_seg_bytes allows. */
struct rq_segment {
	paddr_t pa;
	u32 len;
};
struct rq_iter {
	const struct disk_limits *limits;
	const struct bio *bio;
	unsigned int vec;
	u32 off;  /* into the vec */
	u64 left; /* bytes of this bio */
};
void rq_iter_start(struct rq_iter *it, struct request *rq);
bool rq_iter_next(struct rq_iter *it, struct rq_segment *seg);

#define DISK_RQ_DONE 1
#define BDEV_EXCL (1u << 31) /* in fmode of ioctl: the file is the device's exclusive owner */
struct disk_ops {
	/* Gives rq to the device, without necessarily telling it; queue->lock held, interrupts off.
	 * 0; -EBUSY: no room: called again after a completion of this queue; other -errno: the
	 * request fails with it; DISK_RQ_DONE: it has completed already, with rq->error. */
	int (*queue_rq)(struct disk_queue *q, struct request *rq);
	/* Instead of queue_rq, for devices that only copy (ram disk): no requests, no queues, no
	 * splitting. Task context, may sleep; ends with bio_done. First sector of the disk:
	 * bio_disk_sector. BIO_FLUSH does not come here. */
	void (*submit_bio)(struct disk *d, struct bio *b);
	/* Tells the device about what queue_rq gave it (doorbell); queue->lock held. */
	void (*kick)(struct disk_queue *q);
	/* The request's time is up; task context, no locks. First looks whether it has completed
	 * (lost interrupt). Otherwise resets the device: every request that was in flight has been
	 * ended or given to request_requeue when it returns 0. -errno: give the disk up. */
	int (*timeout)(struct disk *d, struct request *rq);
	/* Each opener of the disk or a partition; open_mutex held. */
	int (*open)(struct disk *d, u32 fmode);
	/* Each close, when open_mutex has been released: d->openers may be 0 now. */
	void (*release)(struct disk *d);
	/* -ENOTTY: generic. No locks held. fmode: FMODE_*, BDEV_EXCL. */
	long (*ioctl)(struct bdev *bd, u32 fmode, unsigned int cmd, u64 arg);
	size_t rq_private; /* bytes */
};
struct disk_limits {
	u32 logical_block, physical_block; /* bytes: 512..4096, power of two */
	u32 max_sectors;		   /* of one request; 0: 2560 (1280 KiB) */
	u16 max_segs;			   /* 0: 128 */
	u32 max_seg_bytes;		   /* 0: 65536 */
	u32 seg_boundary;		   /* a segment does not cross this mask; 0: any */
	u32 virt_boundary;		   /* inside a request segments end and begin at multiples
					    * of mask + 1 (NVMe's PRP lists: 4095); 0: anywhere */
	u32 io_min, io_opt;		   /* bytes; 0: unknown */
	u64 max_discard, max_zeroes;	   /* sectors of one request; 0: not supported */
	bool write_cache, fua;
	bool rotational;
	bool dma32;			   /* memory above 4 GiB is bounced */
};
/* L: lock  C: const after disk_add */
struct disk_queue {
	struct disk *disk;	  /* C */
	unsigned int index, depth;/* C */
	struct spinlock lock;	  /* LOCK_DRIVER_IRQ */
	struct list_head waiting; /* L: not yet given to the driver */
	struct list_head inflight;/* L */
	struct request *requests; /* C: depth of them */
	unsigned long *tags;	  /* L: bitmap of tags in use */
	unsigned int nr_tags;	  /* L: in use */
	unsigned int tag_hint;	  /* L */
	unsigned int passed;	  /* L: reads that went past a waiting write since the last one */
	struct wait_queue tag_wait;
	void *private;		  /* C: driver's */
};
#define DISK_MINORS 16		/* numbers a disk has for itself and its first 15 partitions */
/* O: open_mutex  A: atomic  C: const after disk_add */
struct disk {
	char name[32];			/* C: "vda", "nvme0n1" */
	const struct disk_ops *ops;	/* C */
	struct disk_limits limits;	/* C */
	unsigned int nr_queues;		/* C */
	struct disk_queue *queues;	/* C: one for each CPU where the device can; CPU n uses n %
					 * nr_queues */
	void *private;			/* C: driver's */
	u64 sectors;			/* O, READ_ONCE */
	bool read_only;			/* O */
	bool removable, hidden_parts;	/* C (loop: O): no partition scan */
	bool dead;			/* A: given up */
	char model[41], serial[21];	/* C: "" unknown */
	const char *sysfs_parent;	/* C: below /sys/devices, the directory its own goes to;
					 * usually ".../block"; NULL: "virtual/block" */
	unsigned int major, first_minor;/* C; major 0: taken from the extended block major 259 */
	unsigned int minors;		/* C: of its own, disk_alloc sets DISK_MINORS; partitions
					 * from this number on get numbers of the extended major */
	struct mutex open_mutex;	/* LOCK_DISK_OPEN */
	struct bdev *whole;		/* C after disk_add */
	struct list_head parts;		/* O: bdevs by partno */
	unsigned int openers;		/* O: of all its bdevs */
	bool frozen;			/* A: no request gets a tag */
	struct list_head node;		/* disks_lock */
	struct sysfs_node *sysfs;	/* C after disk_add: /sys/devices/.../block/NAME */
	atomic_t refs;			/* A: the driver's until disk_remove, one of each bdev */
	bool removed;			/* A */
	bool device_attrs;		/* O: model and serial in sysfs_parent are of this disk */
	u64 timeout_ns;			/* A: of a request */
	struct delayed_work watchdog;
	atomic_t watching;		/* A: the watchdog is scheduled */
	atomic_t unqueued;		/* A: bios inside submit_bio */
	u64 log_ns, log_missed;		/* A: limit of error messages */
	struct disk_inject *inject;	/* A: what fails on purpose; NULL nothing */
	u64 seq;			/* C: /sys/block/X/diskseq */
};
/* Allocates disk and queues (each depth requests). NULL: no memory. */
struct disk *disk_alloc(const struct disk_ops *ops, unsigned int nr_queues, unsigned int depth);
/* Makes it visible: numbers, /dev node, sysfs, partitions read. May sleep; the device must answer
 * requests already. 0 or -errno (then disk_free). */
int disk_add(struct disk *d);
/* Takes it away: new bios fail with -ENODEV, requests in flight are waited for; freed with its last
 * user. */
void disk_remove(struct disk *d);
void disk_free(struct disk *d); /* never added */
/* New size: devices that grow; sends the change to openers and sysfs. */
void disk_set_capacity(struct disk *d, u64 sectors);
/* Partitions again (none, where the size is 0): -EBUSY when one is in use. */
int disk_rescan(struct disk *d);
/* Waits for all requests and keeps new ones waiting, to change what they depend on: not for drivers
 * with submit_bio. Between the two the caller must not wait for pages of this disk. Does not
 * nest. */
void disk_freeze(struct disk *d);
void disk_unfreeze(struct disk *d);
/* d->limits were changed; frozen, or its size is 0. */
void disk_limits_changed(struct disk *d);
/* From now on nobody can open it, and disk_remove must follow; -EBUSY: somebody has it open. */
int disk_close_door(struct disk *d);
/* Completion; any context, queue->lock not held. error 0 or -errno. */
void request_end(struct request *rq, int error);
/* After a reset: back to the head of the waiting requests. */
void request_requeue(struct request *rq);
/* For submit_bio: completes one. Any context. */
void bio_done(struct bio *b, int error);
static inline u64 bio_disk_sector(const struct bio *b);
/* Room again after -EBUSY for another reason than a completion. */
void disk_queue_run(struct disk_queue *q);
/* Request in flight by tag: for completion entries that carry it; NULL: there is none. */
struct request *disk_queue_rq(struct disk_queue *q, unsigned int tag);

/* --- for users of devices --- */

/* One sector counter per direction: 0 read, 1 write, 2 discard, 3 flush. */
struct disk_stats {
	u64 ios[4], merges[4], sectors[4], ns[4];
	u64 inflight, io_ticks_ns, queue_ns;
};
struct bdev {
	struct disk *disk;	/* C: referenced */
	atomic_t refs;		/* A: the disk's until it goes, one of each opener */
	bool removed;		/* A */
	dev_t dev;		/* C */
	unsigned int partno;	/* C: 0 the whole disk */
	u64 start, sectors;	/* open_mutex to write */
	char name[40];		/* C: "vda1" */
	char part_uuid[37], part_label[73]; /* C: "" none; lower-case text as blkid prints */
	struct inode *inode;	/* C: of the internal "bdev" file system: page cache */
	unsigned int openers;	/* open_mutex */
	void *holder;		/* open_mutex: exclusive owner (a mounted file system, loop) */
	unsigned int holds;	/* open_mutex: opens by the holder */
	bool read_only;		/* BLKROSET */
	u32 block_size;		/* BLKBSZSET: of the page cache's user; power of two, 512..4096 */
	u32 ra_pages;		/* read-ahead window */
	struct disk_stats *stats; /* one for each CPU; changed with interrupts off */
	u64 io_stamp;		/* A: when io_ticks were last brought up to date, ns */
	struct list_head node;
	struct sysfs_node *sysfs;
};
static inline u64 bio_disk_sector(const struct bio *b)
{
	return b->bdev->start + b->sector;
}
/* The names of majors in /proc/devices; numbers the kernel's drivers own for good. -EBUSY. */
int blkdev_major_register(unsigned int major, const char *name);
void blkdev_majors_show(struct strbuf *sb); /* rows of /proc/devices */
extern const struct file_ops blkdev_fops; /* for inode_init_special */
/* By device number. mode FMODE_READ|WRITE; holder not NULL: exclusive (-EBUSY). -ENXIO: no such
 * device, -EROFS, -EACCES. May sleep. */
int bdev_open(dev_t dev, u32 mode, void *holder, struct bdev **out);
/* By path of a device node ("/dev/vda1"): -ENOTBLK when it is something else. */
int bdev_open_path(const char *path, u32 mode, void *holder, struct bdev **out);
/* The last closer writes the page cache back and drops it. */
void bdev_close(struct bdev *bd, void *holder);
/* Starts and waits for the write-back of its page cache: 0 or -errno. */
int bdev_sync(struct bdev *bd);
/* Throws its cached pages away, dirty or not. */
void bdev_drop_pages(struct bdev *bd);
/* Somebody holds it exclusively, or its disk, or (of a whole disk) a partition. */
bool bdev_held(struct bdev *bd);
/* The bdev behind an open file of a block device. */
struct bdev *file_bdev(const struct file *f);
static inline u64 bdev_bytes(const struct bdev *bd)
{
	return READ_ONCE(bd->sectors) << SECTOR_SHIFT;
}
bool bdev_read_only(const struct bdev *bd);
/* For root=: "/dev/vda1", "vda1", "254:1" or hexadecimal "fe01", "PARTUUID=...", "PARTUUID=.../
 * PARTNROFF=n", "PARTLABEL=...", "UUID=...", "LABEL=..." (asks registered file systems' probe). 0
 * or -ENOENT (not there yet: rootwait) or -EINVAL. */
int bdev_by_name(const char *text, dev_t *out);
/* Counts devices that came and went; sleeps until it differs from *seen. For rootwait. */
void bdev_wait_change(u64 *seen);

/* File systems on block devices say how to recognise theirs, for UUID= and LABEL=. */
struct fs_probe {
	const char *type; /* "ext2" */
	/* bd is open for reading. True: it is one; uuid in blkid's text form, label; "" none. */
	bool (*probe)(struct bdev *bd, char uuid[37], char label[65]);
};
/* TABLE_ENTRY(fs_probes, struct fs_probe, ext2) = { ... }; */

/* mount(2) of a file system on a device: opens `source`, finds or makes the super block, fills it
 * with fill(sb, data, silent). The second mount of the same device shares it (-EBUSY when ro/rw
 * differ). In fill sb->bdev and sb->dev are set; when it fails put_super is called, if it has set
 * sb->ops. */
int mount_bdev(const struct fs_type *type, u32 flags, const char *source, char *data,
	       int (*fill)(struct super_block *sb, char *data, bool silent),
	       struct super_block **out);
/* For sb_put, after put_super: writes the device back and closes it. */
void bdev_release_super(struct super_block *sb);
#endif
