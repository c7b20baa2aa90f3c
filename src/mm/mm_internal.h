/* SPDX-License-Identifier: MIT */
/* Shared by the files of src/mm and arch mm only. */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include <kernel/mm.h>
#include <kernel/page.h>

/* --- early_mem.c: physical ranges until the page allocator works --- */
struct mem_range {
	u64 start, end; /* bytes, page aligned, end exclusive */
};
void early_mem_init(void);
/* Physical address of size bytes, zeroed, of what the boot page tables map; panics when
 * there is none (the machine cannot boot). */
u64 early_alloc(u64 size, u64 align);
extern u64 early_limit; /* early_alloc stays below it */
/* Ranges the direct map and the page array cover: sorted, disjoint. */
extern struct mem_range direct_ranges[];
extern unsigned int nr_direct_ranges;
extern struct mem_range early_free[];
extern unsigned int nr_early_free;

/* --- arch/x86_64/mm/paging.c --- */
/* Builds kernel_pgd from direct_ranges and the image and switches to it. */
void arch_map_final(void);
/* Maps [va, va + size) to fresh zeroed early memory; pages already mapped are kept. */
void arch_map_early_pages(u64 va, u64 size);
void arch_early_alloc_done(void); /* from here on page_alloc supplies tables */
/* --- arch/x86_64/mm/pgtable.c: a table that is zero again and in no TLB --- */
void pt_table_free(struct page *p);
u64 pt_stores_trim(void);    /* this CPU's; pages freed */
extern bool mm_cpu_emulated; /* QEMU's software CPU: steps of string instructions count one by one,
			      * and page tables are never walked ahead of use */
/* --- arch/x86_64/mm/uaccess.c: patches the copy routines for this processor --- */
void arch_uaccess_init(void);
/* --- vma.c --- */
void mm_caches_init(void);

/* --- page_alloc.c --- */
void page_alloc_init(void); /* takes over early_free */
void pages_put_bulk(struct page **pages, unsigned int n);
u64 page_reserve_level(void); /* pages kept for atomic requests */
void page_caches_drain_local(void);
void page_caches_drain_all(void); /* interrupts on */
/* --- slab.c, vmalloc.c, kstack.c --- */
void slab_init(void);
void slab_cpu_prepare(unsigned int cpu);
void page_alloc_cpu_prepare(unsigned int cpu);
void kstack_cpu_prepare(unsigned int cpu);
void pgtable_cpu_prepare(unsigned int cpu);
void slab_stats(u64 *reclaimable_pages, u64 *unreclaimable_pages);
u64 kstack_pages(void);
u64 kstack_trim(void); /* pages freed from the cache of stacks */
u64 vmalloc_pages(void);
/* Fresh pages mapped read+write at [va, va + size); -ENOMEM leaves nothing. May sleep by gfp. */
int must_check kva_map_new(u64 va, u64 size, gfp_t gfp);
void kva_unmap_free(u64 va, u64 size);
/* arch: frame mapped at a kernel address by a 4 KiB entry, 0 none. */
u64 kva_pfn(u64 va);

/* --- reclaim.c --- */
/* Called by the page allocator when it found nothing; may sleep. True: try again. */
bool reclaim_for_alloc(unsigned int order, gfp_t gfp, unsigned int attempt);

#endif
