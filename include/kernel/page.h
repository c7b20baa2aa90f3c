/* SPDX-License-Identifier: MIT */
/* Physical pages: the 32-byte descriptor, the page allocator, conversions.
 *
 * All RAM is mapped at DIRECT_MAP_BASE, so a page has a kernel address at all times. Links between
 * descriptors are 32-bit page frame numbers, which keeps the descriptor at 32 bytes (0.8 % of RAM).
 *
 * Reference rule: whoever can reach a page holds a reference (page tables one per entry, the page
 * cache one, every pin one). The last page_put frees it. */
#ifndef KERNEL_PAGE_H
#define KERNEL_PAGE_H

#include <kernel/assert.h>
#include <kernel/atomic.h>
#include <kernel/types.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096ul
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define MAX_ORDER 10 /* largest block: 4 MiB */

#define DIRECT_MAP_BASE 0xffff800000000000ul
#define DIRECT_MAP_END 0xffffc00000000000ul
#define VMALLOC_BASE 0xffffc00000000000ul
#define VMALLOC_END 0xffffe00000000000ul
#ifdef KEELSON_HOST
extern u64 host_page_array; /* unit tests supply the array */
#define PAGE_ARRAY_BASE host_page_array
#else
#define PAGE_ARRAY_BASE 0xffffea0000000000ul
#endif
#define KERNEL_IMAGE_BASE 0xffffffff80000000ul
#define USER_END 0x00007ffffffff000ul

/* page->flags */
enum page_flag {
	PG_LOCKED,     /* I/O or truncation in progress; page_lock */
	PG_UPTODATE,   /* content valid */
	PG_DIRTY,      /* newer than its backing store */
	PG_WRITEBACK,
	PG_REFERENCED, /* page cache: used once */
	PG_BUDDY,      /* free, head of a block in the allocator */
	PG_SLAB,       /* owned by a slab cache */
	PG_RESERVED,   /* never given out: firmware, kernel image, holes */
	PG_ANON,       /* private anonymous memory */
	PG_PAGETABLE,
	PG_HEAD,       /* first page of a compound allocation; order in the top byte of flags */
	PG_SHARED_ZERO,/* the zero page */
	PG_WAITERS,    /* somebody sleeps on PG_LOCKED or PG_WRITEBACK */
	/* Page cache only, see fs/pagecache/lru.c and block_io.c. */
	PG_WORKING,    /* used again after PG_REFERENCED */
	PG_LRU,	       /* linked in a list of lru.c */
	PG_ACTIVE,     /* in the list of pages that are in use */
	PG_READAHEAD,  /* whoever comes here starts the next read-ahead window */
	PG_BLOCKS,     /* every block of the page has its place on the device */
	PG_ERROR,      /* the last write failed */
};
#define PAGE_ORDER_SHIFT 24

struct mapping;

struct page {
	u32 flags;	   /* A: page_flag bits, order of a block in bits 24..31 */
	atomic_t refs;	   /* A: 0 = free */
	atomic_t mapcount; /* A: page-table entries that map it to user space; slab: see slab.c */
	u32 index;	   /* page offset in its mapping (mapping's tree lock); owner's otherwise */
	union {
		struct mapping *mapping; /* page cache: set under page lock */
		void *owner;		 /* slab cache, page-table mm, ... */
	};
	u32 prev, next; /* list links by page frame number, of whoever owns the page */
};
_Static_assert(sizeof(struct page) == 32, "page descriptors are 32 bytes");

extern u64 page_count_max; /* page frame numbers are below this */
/* True when pfn has a descriptor (RAM and what lies between); device memory has none. */
bool pfn_valid(u64 pfn);

static inline struct page *pfn_to_page(u64 pfn)
{
	return (struct page *)PAGE_ARRAY_BASE + pfn;
}
static inline u64 page_to_pfn(const struct page *p)
{
	return (u64)(p - (const struct page *)PAGE_ARRAY_BASE);
}
static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)(DIRECT_MAP_BASE + pa.v);
}
/* Of a direct-map or kernel-image address. */
static inline paddr_t virt_to_phys(const void *va)
{
	u64 a = (u64)va;

	return (paddr_t){ a >= KERNEL_IMAGE_BASE ? a - KERNEL_IMAGE_BASE : a - DIRECT_MAP_BASE };
}
static inline void *page_address(const struct page *p)
{
	return (void *)(DIRECT_MAP_BASE + (page_to_pfn(p) << PAGE_SHIFT));
}
static inline paddr_t page_phys(const struct page *p)
{
	return (paddr_t){ page_to_pfn(p) << PAGE_SHIFT };
}
static inline struct page *phys_to_page(paddr_t pa)
{
	return pfn_to_page(pa.v >> PAGE_SHIFT);
}
static inline struct page *virt_to_page(const void *va)
{
	return phys_to_page(virt_to_phys(va));
}

static inline bool page_test(const struct page *p, enum page_flag f)
{
	return (READ_ONCE(p->flags) >> f) & 1;
}
static inline void page_set(struct page *p, enum page_flag f)
{
	__atomic_fetch_or(&p->flags, 1u << f, __ATOMIC_SEQ_CST);
}
static inline void page_clear(struct page *p, enum page_flag f)
{
	__atomic_fetch_and(&p->flags, ~(1u << f), __ATOMIC_SEQ_CST);
}
static inline bool page_test_and_set(struct page *p, enum page_flag f)
{
	return __atomic_fetch_or(&p->flags, 1u << f, __ATOMIC_SEQ_CST) & (1u << f);
}

/* Allocation context. */
#define GFP_ATOMIC 0u	       /* never sleeps; may use the last reserves */
#define GFP_KERNEL BIT_GFP(0)  /* may sleep, reclaim and wait for the OOM killer */
#define GFP_ZERO   BIT_GFP(1)
#define GFP_USER                                                                                   \
	(GFP_KERNEL | BIT_GFP(2)) /* on behalf of a user page: the task may be OOM-killed */
#define GFP_NOWARN BIT_GFP(3)
#define GFP_DMA32 BIT_GFP(4)   /* below 4 GiB */
#define GFP_NORETRY BIT_GFP(5) /* fail rather than invoke the OOM killer */
#define BIT_GFP(n) (1u << (n))

/* 2^order contiguous pages, refs = 1 on the first; NULL when out of memory. */
struct page *must_check page_alloc_order(unsigned int order, gfp_t gfp);
void page_free_order(struct page *p, unsigned int order);
static inline struct page *must_check page_alloc(gfp_t gfp)
{
	return page_alloc_order(0, gfp);
}
static inline void page_get(struct page *p)
{
	atomic_inc(&p->refs);
}
static inline bool page_get_unless_zero(struct page *p)
{
	return atomic_inc_not_zero(&p->refs);
}
/* Drops a reference; frees the page (its whole compound block when PG_HEAD) with the last one. */
void page_free_last(struct page *p);
static inline void page_put(struct page *p)
{
	if (atomic_dec_and_test(&p->refs))
		page_free_last(p);
}
/* Sleeping lock on one page (PG_LOCKED). */
void page_lock(struct page *p);
bool page_trylock(struct page *p);
void page_unlock(struct page *p);
void page_wait_unlocked(struct page *p);
/* Clears PG_WRITEBACK and wakes its waiters. Any context; the caller holds a reference. */
void page_end_writeback(struct page *p);

/* Whole pages as a kernel address. */
void *must_check pages_alloc(unsigned int order, gfp_t gfp);
void pages_free(void *va, unsigned int order);

extern struct page *zero_page;
u64 pages_free_count(void);
u64 pages_total_count(void); /* what the allocator was given, free or not */
/* Gives RAM that was reserved during boot (a module, the init sections) to the allocator. Partial
 * pages at the ends are kept back. */
void pages_free_boot_range(u64 pa, u64 size);
/* Makes one whole reserved page (page-aligned address) an ordinary page with one reference, its
 * content kept: the caller gives it to the page cache instead of copying it. */
struct page *page_adopt_boot(u64 pa);

#endif
