/* SPDX-License-Identifier: MIT */
/* Page tables of processes.
 *
 * Owns:      the lower half of every root. Tables come from, and return to, a per-CPU store of
 * pages that are known to be zero: an emptied table is zero again, so that making an address space
 *            clears no page. Roots have a store of their own, with the kernel's half filled in.
 * Locking:   tables are added under page_table_lock; they are freed with mm->lock held exclusive
 * and after their areas left mapping->areas, so that nobody walks through them. Stores: own CPU,
 *            preemption off.
 * Lifetime:  a table is reused only after every CPU dropped what it cached of it (tlb.c). */
#include <arch/mmu.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/string.h>

#include "../../../src/mm/mm_internal.h"

#define USER_TABLE   (PTE_P | PTE_W | PTE_U | PTE_A)
#define STORE_TABLES 32
#define STORE_ROOTS  4

struct table_store {
	u32 head; /* page frame number, 0 empty; links through page->next */
	u32 count;
};

static DEFINE_PER_CPU(struct table_store, table_store);
static DEFINE_PER_CPU(struct table_store, root_store);

static struct page *store_pop(struct table_store *s)
{
	struct page *p;

	if (!s->head)
		return NULL;
	p = pfn_to_page(s->head);
	s->head = p->next;
	s->count--;
	return p;
}

static bool store_push(struct table_store *s, struct page *p, u32 limit)
{
	if (s->count >= limit)
		return false;
	p->next = s->head;
	s->head = (u32)page_to_pfn(p);
	s->count++;
	return true;
}

/* An entry that stayed in a table would become somebody else's memory. */
static void check_empty(const struct page *p, unsigned long size)
{
	const u8 *bad;

	if (!IS_ENABLED(CONFIG_POISON))
		return;
	bad = memchr_inv(page_address(p), 0, size);
	if (unlikely(bad))
		REPORT("page table %#llx not empty: offset %#lx holds %#x",
		       (unsigned long long)page_phys(p).v,
		       (unsigned long)(bad - (u8 *)page_address(p)), *bad);
}

/* A zeroed page marked PG_PAGETABLE. */
static struct page *table_alloc(void)
{
	struct page *p;

	preempt_disable();
	p = store_pop(this_cpu_ptr(&table_store));
	preempt_enable();
	if (p) {
		check_empty(p, PAGE_SIZE);
		return p;
	}
	p = page_alloc(GFP_USER | GFP_ZERO);
	if (p)
		p->flags |= 1u << PG_PAGETABLE;
	return p;
}

void pt_table_free(struct page *p)
{
	bool kept;

	check_empty(p, PAGE_SIZE);
	preempt_disable();
	kept = store_push(this_cpu_ptr(&table_store), p, STORE_TABLES);
	preempt_enable();
	if (kept)
		return;
	p->flags &= ~(1u << PG_PAGETABLE);
	page_put(p);
}

static u64 store_drain(struct table_store *s)
{
	struct page *p;
	u64 n = 0;

	while ((p = store_pop(s))) {
		p->flags &= ~(1u << PG_PAGETABLE);
		page_put(p);
		n++;
	}
	return n;
}

u64 pt_stores_trim(void)
{
	u64 n;

	preempt_disable();
	n = store_drain(this_cpu_ptr(&table_store));
	n += store_drain(this_cpu_ptr(&root_store));
	preempt_enable();
	return n;
}

void pgtable_cpu_prepare(unsigned int cpu)
{
	per_cpu(table_store, cpu) = (struct table_store){ 0 };
	per_cpu(root_store, cpu) = (struct table_store){ 0 };
}

/* --- roots --- */

int arch_mm_init(struct mm *mm)
{
	static atomic64_t contexts;
	struct page *p;

	preempt_disable();
	p = store_pop(this_cpu_ptr(&root_store));
	preempt_enable();
	if (!p) {
		p = table_alloc();
		if (!p)
			return -ENOMEM;
		memcpy((char *)page_address(p) + PAGE_SIZE / 2, &kernel_pgd[PT_ENTRIES / 2],
		       PAGE_SIZE / 2);
	}
	mm->arch = (struct arch_mm){ .pgd = page_address(p), .pgd_phys = page_phys(p).v };
	mm->arch.ctx = (u64)atomic64_add_return(&contexts, 1);
	atomic64_set(&mm->pgtable_bytes, PAGE_SIZE);
	return 0;
}

void arch_mm_destroy(struct mm *mm)
{
	struct page *p = virt_to_page(mm->arch.pgd);
	bool kept;

	check_empty(p, PAGE_SIZE / 2);
	preempt_disable();
	kept = store_push(this_cpu_ptr(&root_store), p, STORE_ROOTS);
	preempt_enable();
	if (kept)
		return;
	p->flags &= ~(1u << PG_PAGETABLE);
	page_put(p);
}

/* --- walking --- */

pte_t *pt_lookup(struct mm *mm, u64 addr)
{
	pte_t e = pte_read(&mm->arch.pgd[pt_index(addr, PGD_SHIFT)]);

	if (!pte_present(e))
		return NULL;
	e = pte_read(&pte_table(e)[pt_index(addr, PUD_SHIFT)]);
	if (!pte_present(e))
		return NULL;
	e = pte_read(&pte_table(e)[pt_index(addr, PMD_SHIFT)]);
	if (!pte_present(e))
		return NULL;
	return &pte_table(e)[pt_index(addr, PT_SHIFT)];
}

/* Puts a fresh table into *e unless another thread was faster. */
static int table_install(struct mm *mm, pte_t *e)
{
	struct page *p = table_alloc();

	if (!p)
		return -ENOMEM;
	spin_lock(&mm->page_table_lock);
	if (likely(pte_none(*e))) {
		pte_set(e, (pte_t){ page_phys(p).v | USER_TABLE });
		p = NULL;
	}
	spin_unlock(&mm->page_table_lock);
	if (p)
		pt_table_free(p);
	else
		atomic64_add(&mm->pgtable_bytes, PAGE_SIZE);
	return 0;
}

int pt_walk_alloc(struct mm *mm, u64 addr, pte_t **out)
{
	pte_t *t = mm->arch.pgd;

	for (unsigned int shift = PGD_SHIFT; shift > PT_SHIFT; shift -= 9) {
		pte_t *e = &t[pt_index(addr, shift)];

		if (unlikely(!pte_present(pte_read(e)))) {
			int rc = table_install(mm, e);

			if (rc)
				return rc;
		}
		t = pte_table(pte_read(e));
	}
	*out = &t[pt_index(addr, PT_SHIFT)];
	return 0;
}

/* --- freeing --- */

/* Frees the table below *e, which covers [base, base + (1 << shift)), when that lies within
 * [floor, ceil); first the tables below it that [start, end) touches. */
static void free_level(struct mm *mm, pte_t *e, unsigned int shift, u64 base, u64 start, u64 end,
		       u64 floor, u64 ceil, struct tlb_batch *tb)
{
	u64 size = 1ul << shift;
	pte_t *t;

	if (!pte_present(*e))
		return;
	t = pte_table(*e);
	if (shift > PMD_SHIFT) {
		u64 step = size >> 9;
		u64 lo = max(start, base), hi = min(end, base + size);

		for (u64 at = ALIGN_DOWN(lo, step); at < hi; at += step)
			free_level(mm, &t[(at - base) / step], shift - 9, at, start, end, floor,
				   ceil, tb);
	}
	if (base < floor || base + size > ceil)
		return;
	pte_set(e, (pte_t){ 0 });
	atomic64_sub(&mm->pgtable_bytes, PAGE_SIZE);
	tlb_gather_table(tb, base, virt_to_page(t));
}

void pt_free_tables(struct mm *mm, u64 start, u64 end, u64 floor, u64 ceil, struct tlb_batch *tb)
{
	u64 base = ALIGN_DOWN(start, 1ul << PMD_SHIFT);

	/* The last table may reach beyond the end of user space. */
	if (ceil >= USER_END)
		ceil = 1ul << 47;
	/* The common small unmapping in a table that others use too. */
	if (end - base <= 1ul << PMD_SHIFT && (base < floor || base + (1ul << PMD_SHIFT) > ceil))
		return;
	for (u64 at = ALIGN_DOWN(start, 1ul << PGD_SHIFT); at < end; at += 1ul << PGD_SHIFT)
		free_level(mm, &mm->arch.pgd[pt_index(at, PGD_SHIFT)], PGD_SHIFT, at, start, end,
			   floor, ceil, tb);
}
