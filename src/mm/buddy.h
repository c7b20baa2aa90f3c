/* SPDX-License-Identifier: MIT */
/* Free blocks of one zone: power-of-two blocks of pages, linked by page frame number. Pure data
 * structure: the caller locks. Also built into host tests. */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include <kernel/page.h>

struct buddy {
	u64 start, end; /* page frame numbers; start aligned to the largest block */
	u64 free_pages;
	u32 mask;		 /* bit n: list n is not empty */
	u32 head[MAX_ORDER + 1]; /* 0: empty (frame 0 is never given out) */
	u32 nr[MAX_ORDER + 1];	 /* blocks on each list */
};

#define PAGE_ORDER_MASK (0xffu << PAGE_ORDER_SHIFT)

static inline unsigned int page_order(const struct page *p)
{
	return READ_ONCE(p->flags) >> PAGE_ORDER_SHIFT;
}

/* First frame of a free block taken off the lists, or 0. */
u64 buddy_alloc(struct buddy *z, unsigned int order);
/* Merges the block with its free neighbours. */
void buddy_free(struct buddy *z, u64 pfn, unsigned int order);
/* Frees [start, end) in the largest aligned blocks. */
void buddy_free_range(struct buddy *z, u64 start, u64 end);

#endif
