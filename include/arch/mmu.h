/* SPDX-License-Identifier: MIT */
/* Page tables and TLB, as src/mm uses them. Four levels of 512 entries; pte_t and the accessors are
 * in <asm/mmu.h>. User memory is mapped by 4 KiB entries. */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <kernel/percpu.h>
#include <kernel/types.h>

#include <asm/mmu.h>

struct mm;
struct page;
struct task;

int arch_mm_init(struct mm *mm);     /* new root with the kernel half */
void arch_mm_destroy(struct mm *mm); /* frees remaining user page tables and the root */
/* Scheduler: loads next's page tables when it differs; lazy for kernel threads. Interrupts off. */
void arch_mm_switch(struct mm *prev, struct mm *next, struct task *next_task);

/* Existing 4 KiB entry slot of addr, or NULL when a table on the way is missing. The slot is the
 * first of those up to the next 2 MiB boundary. Needs mm->lock (any mode): tables are freed under
 * it exclusively, or for mappings of a file its areas_lock. */
pte_t *pt_lookup(struct mm *mm, u64 addr);
/* The same, creating tables; -ENOMEM. May sleep; page_table_lock not held. */
int must_check pt_walk_alloc(struct mm *mm, u64 addr, pte_t **out);
struct tlb_batch;
/* Frees the tables that serve nothing outside [start, end), given that [floor, ceil) round it has
 * no area. mm->lock exclusive, entries already clear. */
void pt_free_tables(struct mm *mm, u64 start, u64 end, u64 floor, u64 ceil, struct tlb_batch *tb);

/* TLB shootdown, batched: collect pages and ranges, then flush once and free.
 *	tlb_gather_init(&tb, mm); tlb_gather_page(&tb, addr, page) ...; tlb_gather_finish(&tb);
 * Pages are put (page_put) only after no CPU can use a stale entry. Called with mm->lock held and
 * page_table_lock not held at finish. */
#define TLB_BATCH_PAGES 64
struct tlb_batch {
	struct mm *mm;
	u64 start, end; /* bytes covered so far */
	unsigned int nr;
	bool tables_freed;
	bool dead; /* nobody runs in mm any more: no flush needed */
	struct page *pages[TLB_BATCH_PAGES];
};
void tlb_gather_init(struct tlb_batch *tb, struct mm *mm);
/* Takes over one reference; flushes when full, which needs page_table_lock not held: returns true
 * when the caller must call tlb_gather_flush before the next one. */
bool tlb_gather_page(struct tlb_batch *tb, u64 addr, struct page *page);
void tlb_gather_range(struct tlb_batch *tb, u64 start, u64 end);
/* A page table that was unhooked; may flush: page_table_lock not held. */
void tlb_gather_table(struct tlb_batch *tb, u64 addr, struct page *page);
/* tb->mm has no user left and is being taken down. */
void tlb_gather_dead(struct tlb_batch *tb);
void tlb_gather_flush(struct tlb_batch *tb);
void tlb_gather_finish(struct tlb_batch *tb);
void tlb_flush_page_local(u64 addr);
void tlb_flush_page(struct mm *mm, u64 addr); /* everywhere */
void tlb_flush_range(struct mm *mm, u64 start, u64 end);
void tlb_flush_kernel_range(u64 start, u64 end);

/* Kernel mappings (vmalloc area, image): prot is PTE bits of asm/mmu.h. May allocate tables. */
int kmap_range(u64 va, paddr_t pa, u64 size, u64 prot);
void kunmap_range(u64 va, u64 size);
int kprotect_range(u64 va, u64 size, u64 prot);

#endif
