/* SPDX-License-Identifier: MIT */
/* Page cache: the pages of one file, by page index.
 *
 * read, write, mmap, sendfile and exec all go through it. Files without backing store (tmpfs) have
 * no read_page; files on a device have map_blocks and use the block_* operations below, which read
 * ahead, write back and do direct I/O.
 *
 * Lookup is lock-free (RCU + reference with re-check). Insertion, removal and marks are under
 * mapping->lock. A page in the cache holds one reference for it. PG_LOCKED serialises filling,
 * truncation and write-back of one page. page->mapping is set and cleared under page lock and
 * mapping->lock; whoever locked a page re-checks it. */
#ifndef FS_PAGECACHE_H
#define FS_PAGECACHE_H

#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/page.h>
#include <kernel/xarray.h>

struct file;
struct inode;
struct mapping;
struct vma;
struct vm_fault;
struct uio;
struct bdev;
struct super_block;
/* Marks in mapping->pages */
#define PAGECACHE_MARK_DIRTY 0
#define PAGECACHE_MARK_WRITEBACK 1

/* page->index has 32 bits: no page of a file lies behind this, whatever its size. */
#define PAGECACHE_MAX_BYTES (1ull << 44)

/* Where a run of a file's blocks lies on its device. */
struct block_map {
	u64 block;  /* first, in units of 1 << mapping->block_shift; BLOCK_HOLE */
	u32 count;  /* blocks in the run, >= 1: contiguous, or all holes */
	bool fresh; /* allocated by this call: its content on the device is garbage */
};
#define BLOCK_HOLE (~0ull)

struct mapping_ops {
	/* Fills a locked page that is not up to date; unlocks it when done. NULL: no backing store,
	 * a missing page reads as zeroes (tmpfs). */
	int (*read_page)(struct mapping *m, struct page *p);
	/* Before the first byte of [off, off+len) of the page changes, page lock held: reserves
	 * space, reads what stays. 0, or 1: see block_prepare_write, or -errno. */
	int (*prepare_write)(struct mapping *m, struct page *p, unsigned int off, unsigned int len);
	/* Afterwards; marks dirty where there is a backing store. */
	void (*commit_write)(struct mapping *m, struct page *p, unsigned int off, unsigned int len);
	/* Starts writing the dirty pages of [first, last]; all: those behind the age limit and
	 * those that are locked, too (sync). Errors are kept in wb_err. */
	int (*write_pages)(struct mapping *m, u64 first, u64 last, bool all);
	/* Starts reading pages that are in the tree, locked, not up to date, nr from first on. */
	void (*read_ahead)(struct mapping *m, u64 first, unsigned int nr);
	/* The run that starts at file block `block`, at most max blocks. create: holes get storage
	 * (page lock held, may sleep; -ENOSPC, -EDQUOT, -EIO). Blocks behind the end of the file
	 * may be asked for. */
	int (*map_blocks)(struct mapping *m, u64 block, u32 max, bool create,
			  struct block_map *out);
	/* A page is leaving the cache (truncate, reclaim); must not sleep. */
	void (*release_page)(struct mapping *m, struct page *p);
	/* Allocation of a new page for the cache may be refused (quota of tmpfs): 0 or -ENOSPC. */
	int (*charge)(struct mapping *m, u64 pages);
	void (*uncharge)(struct mapping *m, u64 pages);
};

/* X: mapping->lock  M: areas_lock  C: const */
struct mapping {
	struct inode *host;	   /* C */
	const struct mapping_ops *ops; /* C; NULL: no pages */
	struct xarray pages;	   /* X; RCU readers */
	struct spinlock lock;	   /* LOCK_XARRAY */
	u64 nr_pages;		   /* X */
	struct mutex areas_lock;   /* LOCK_MAPPING */
	struct list_head areas;	   /* M: vma->mapping_node */
	unsigned int nr_writable;  /* M: shared writable areas (seals, deny write) */
	u32 wb_err;		   /* A: sequence of write errors */
	u32 flags;		   /* seals of memfd and so on */
	struct bdev *bdev;	   /* C: where map_blocks points to */
	u8 block_shift;		   /* C: 9..12 */
	u64 nr_dirty;		   /* X: pages with PAGECACHE_MARK_DIRTY */
};
void mapping_init(struct mapping *m, struct inode *host, const struct mapping_ops *ops);

/* A referenced page or NULL; no locks needed, does not sleep. */
struct page *mapping_find_page(struct mapping *m, u64 index);
/* Finds or makes the page, up to date and referenced, not locked. 0, -ENOMEM, -ENOSPC, -EIO.
 * write: will be modified (hole of tmpfs gets storage); without it a hole still gets a page unless
 * hole_ok, then *out = NULL and 0. */
int must_check mapping_get_page(struct mapping *m, u64 index, bool write, bool hole_ok,
				struct page **out);
/* Inserts a fresh page (locked by the caller or not yet visible): 0, -EEXIST, -ENOMEM. */
int must_check mapping_add_page(struct mapping *m, struct page *p, u64 index);
/* Removes and drops all pages from byte `start` to `end` inclusive (-1 = to infinity), unmapping
 * them everywhere; partial pages at the edges are zeroed. May sleep. */
void mapping_truncate_range(struct mapping *m, loff_t start, loff_t end);
/* Size change: unmap, truncate, set size. inode->lock held exclusive. */
void mapping_set_size(struct inode *i, loff_t size);
/* The file is about to grow from old to size bytes: zeroes the rest of the old last page. */
void mapping_zero_tail(struct inode *i, loff_t old, loff_t size);
/* Writes u at *pos: no checks, no times. inode->lock held exclusive. Bytes or -errno. */
ssize_t pagecache_write(struct inode *i, struct uio *u, loff_t *pos);
void page_mark_dirty(struct page *p);
/* vm_ops of ordinary file mappings. */
extern const struct vm_ops generic_vm_ops;
int mapping_fault(struct vm_fault *f);
/* Finds or makes the page, locked and referenced, not necessarily up to date. For files with a
 * backing store. 0, -ENOMEM, -EFBIG. */
int must_check mapping_lock_page(struct mapping *m, u64 index, struct page **out);

/* --- reading (fs/pagecache/readahead.c) --- */
#define RA_RANDOM 1u	 /* file->ra.advice: reads just what is asked */
#define RA_SEQUENTIAL 2u /* windows of double size */
/* Page `index` for a reader of f who will want nr pages from there on; reads ahead. Up to date and
 * referenced; *out NULL: a hole of a file without backing store. 0, -ERANGE behind the end, -EIO,
 * -ENOMEM, -EINTR. */
int must_check file_get_page(struct file *f, u64 index, u64 nr, struct page **out);
/* Starts reading [first, first+nr) pages as far as they are missing; does not wait. */
void mapping_read_ahead(struct mapping *m, u64 first, u64 nr);
/* A page fault of a file mapping found nothing. */
void fault_read_ahead(struct vm_fault *f);

/* --- write-back (writeback.c: pages and files; flusher.c: who writes when) --- */
/* Page lock held: the page is clean on the way to the disk. False: it was not dirty. Write-protects
 * its mappings (dirty again by a fault) and sets PG_WRITEBACK. */
bool page_writeback_begin(struct page *p);
/* The transfer is over; interrupt context possible. An error is kept in mapping->wb_err. */
void page_writeback_end(struct page *p, int error);
void page_wait_writeback(struct page *p);
/* Starts writing [start, end] bytes of a file and, with wait, waits for it. 0, or an error that
 * came up meanwhile. Does not consume it: vfs_fsync reports errors to each descriptor by
 * mapping_check_error. */
int mapping_write_range(struct mapping *m, loff_t start, loff_t end, bool wait);
int mapping_wait_range(struct mapping *m, loff_t start, loff_t end);
/* Any context. */
void mapping_set_error(struct mapping *m, int error);
/* What a descriptor that is being opened has seen. */
u32 mapping_sample_error(struct mapping *m);
/* 0, or the error (-EIO, -ENOSPC) that came up since *seen, which is brought up to date. */
int mapping_check_error(struct mapping *m, u32 *seen);
/* file_ops.fsync for files whose metadata write_inode writes: data, inode, flush of the device. */
int block_fsync(struct file *f, loff_t start, loff_t end, bool datasync);
/* A dirty page or inode exists: the flusher will come for it. The caller keeps the inode. Any lock
 * before LOCK_LEAF may be held. */
void inode_queue_writeback(struct inode *i);
/* All dirty data of a super block; wait: until it is on the device. Inodes' own data through
 * super_ops.write_inode. */
int sb_write_all(struct super_block *sb, bool wait);
/* Wakes the flusher. */
void flusher_kick(void);
/* The same: n dirty pages are in the way of reclaim. */
void flusher_kick_reclaim(u64 n);
/* A writer: sleeps while too much of memory is dirty. No locks that write-back needs (page lock and
 * what comes after it) may be held. */
void dirty_throttle(void);
/* Drops clean, unmapped, unlocked pages of a range (POSIX_FADV_DONTNEED, direct I/O, BLKFLSBUF):
 * how many stayed. */
u64 mapping_invalidate_range(struct mapping *m, u64 first, u64 last);
/* The same, but mapped ones too: -EBUSY when one stayed. What is dirty must have been written. */
int mapping_evict_range(struct mapping *m, u64 first, u64 last);

/* --- lists of pages in order of use (lru.c) --- */
void page_lru_add(struct page **pages, unsigned int n);
void page_lru_remove(struct page *p);
/* Frees up to want clean pages; looks at no more than max. */
u64 page_lru_shrink(u64 want, u64 max);
/* All that is clean and not mapped: drop_caches. */
void page_lru_drop(void);
u64 page_lru_count(bool active);
/* Flags of a page that need nothing done when it is used. */
#define PAGE_WARM (1u << PG_UPTODATE | 1u << PG_REFERENCED | 1u << PG_WORKING)
#define PAGE_WARM_MASK (PAGE_WARM | 1u << PG_READAHEAD)

/* --- operations of files whose blocks lie on a device (fs/pagecache/block_io.c) --- */
int block_read_page(struct mapping *m, struct page *p);
void block_read_ahead(struct mapping *m, u64 first, unsigned int nr);
/* Gives the blocks of [off, off+len) storage and makes the rest of the page valid. 0, or 1: nothing
 * on the device lies under the range, so the caller may zero what it cannot fill. -errno. */
int block_prepare_write(struct mapping *m, struct page *p, unsigned int off, unsigned int len);
void block_commit_write(struct mapping *m, struct page *p, unsigned int off, unsigned int len);
int block_write_pages(struct mapping *m, u64 first, u64 last, bool all);
/* generic_vm_ops uses it for every mapping with map_blocks. */
int block_page_mkwrite(struct vm_fault *f);
/* read and write of a file opened with O_DIRECT: offset, length and addresses must be multiples of
 * the device's logical block size, -EINVAL. Inode->lock as for pagecache_write. */
ssize_t direct_read(struct file *f, struct uio *u, loff_t *pos);
ssize_t direct_write(struct file *f, struct uio *u, loff_t *pos);

u64 pagecache_pages(void); /* all cached pages, for meminfo */
u64 dirty_pages(void);
u64 writeback_pages(void);
u64 buffer_pages(void);   /* those of block devices */
u64 shmem_pages(void);

#endif
