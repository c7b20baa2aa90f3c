/* SPDX-License-Identifier: MIT */
/* Page cache: the pages of one file, by page index.
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

/* Marks in mapping->pages */
#define PAGECACHE_MARK_DIRTY 0
#define PAGECACHE_MARK_WRITEBACK 1

/* page->index has 32 bits: no page of a file lies behind this, whatever its size. */
#define PAGECACHE_MAX_BYTES (1ull << 44)

struct mapping_ops {
	/* Fills a locked page that is not up to date; unlocks it when done. NULL: no backing store,
	 * a missing page reads as zeroes (tmpfs). */
	int (*read_page)(struct mapping *m, struct page *p);
	/* Before the first byte of [off, off+len) of the page changes: reserves space. 0 or
	 * -errno. */
	int (*prepare_write)(struct mapping *m, struct page *p, unsigned int off, unsigned int len);
	/* Afterwards; marks dirty where there is a backing store. */
	void (*commit_write)(struct mapping *m, struct page *p, unsigned int off, unsigned int len);
	int (*write_pages)(struct mapping *m, u64 first, u64 last, bool wait);
	/* A page is leaving the cache (truncate, reclaim). */
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
u64 pagecache_pages(void); /* all cached pages, for meminfo */
u64 shmem_pages(void);

#endif
