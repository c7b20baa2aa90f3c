/* SPDX-License-Identifier: MIT */
/* Buffers: single blocks of a block device, for a file system's metadata.
 *
 * A buffer's bytes lie in the page cache of its device, so that /dev/vda1 and the file system show
 * the same; the buffer pins its page. Blocks are read and written singly (a page may hold four
 * blocks of 1 KiB that must reach the disk at different times), which is why a buffer's dirt is
 * its own and never the page's. Order of writes is the file system's business: this cache never
 * writes a buffer by itself.
 *
 * A buffer exists only when its page is up to date: reading one reads its whole page.
 * Locking: hash chains under spinlocks; look-up under RCU. BUF_IO is a lock bit: it serialises
 * transfers and is held while one runs; contents are guarded by the file system.
 * Lifetime: counted; clean buffers without users stay cached for the shrinker (a clock: used since
 * it last came by, or not). */
#ifndef FS_BUFFER_H
#define FS_BUFFER_H

#include <fs/block.h>

#define BUF_UPTODATE 1u
#define BUF_DIRTY 2u	/* newer than the disk: the shrinker leaves it; the owner's */
#define BUF_IO 4u	/* a transfer runs */
#define BUF_ERROR 8u	/* the last transfer failed */
#define BUF_FORGOTTEN 16u
#define BUF_REFERENCED 32u /* used since the shrinker last looked */

struct buf {
	struct bdev *bdev;	/* C */
	u64 block;		/* C: in units of size */
	u32 size;		/* C: 512..4096, power of two */
	atomic_t flags;		/* A: BUF_* */
	atomic_t refs;		/* A */
	struct page *page;	/* C: referenced */
	void *data;		/* C: size bytes inside page */
	struct list_head node;	/* of whoever owns a dirty buffer */
	u32 owner_flags;	/* owner's */
	void (*io_done)(struct buf *b, int error, void *arg); /* BUF_IO */
	void *io_arg;		/* BUF_IO */
	struct hlist_node hash;
	struct list_head lru;
	struct rcu_head rcu;
};
/* The block with its content: may sleep. 0, -EIO, -ENOMEM; -EINVAL beyond the device. */
int must_check buf_read(struct bdev *bd, u64 block, u32 size, struct buf **out);
/* Without reading: content undefined unless BUF_UPTODATE; the caller fills all of it. */
int must_check buf_get(struct bdev *bd, u64 block, u32 size, struct buf **out);
/* In memory already? A reference or NULL; does not sleep. */
struct buf *buf_find(struct bdev *bd, u64 block, u32 size);
void buf_ref(struct buf *b);
void buf_put(struct buf *b);
void buf_readahead(struct bdev *bd, u64 block, u32 size, unsigned int count);
/* Starts writing data (or `from`, size bytes in the direct map, when not NULL) with BIO_* flags;
 * done(b, error, arg) may run in interrupt context. The caller holds a reference till then; a
 * transfer that runs already is waited for. BUF_DIRTY is the caller's. */
void buf_write_start(struct buf *b, void *from, u32 bio_flags,
		     void (*done)(struct buf *b, int error, void *arg), void *arg);
int buf_write_wait(struct buf *b, u32 bio_flags);
/* The block was freed: waits for a transfer, drops the dirt, and the buffer with its last reference
 * (the caller keeps its own). Asking for the block again brings it back to life. */
void buf_forget(struct buf *b);
/* Unmount: drops all buffers of a device; they must be clean and unreferenced (logged if not). */
void buf_drop_all(struct bdev *bd);
u64 buf_pages(void); /* "Buffers" of /proc/meminfo: pages of all devices' mappings */

#endif
