/* SPDX-License-Identifier: MIT */
/* The kernel's page tables.
 *
 * Owns:      kernel_pgd and every table below its upper half: the direct map, the vmalloc area, the
 * page array, the image. All slots of the upper half that will ever be used are filled here, once;
 *            process roots copy them and never need an update.
 * Rights:    nothing is both writable and executable. The image is mapped by 4 KiB entries by
 * section; the direct map is never executable, and kprotect_range splits its large pages. Locking:
 * an upper-level entry is installed by compare-and-exchange, leaves belong to the owner of the
 * address range. Kernel tables are never freed. Emulation: QEMU's TLB holds 4 KiB entries whatever
 * the page size, and invlpg on a large page drops everything; user memory therefore has no large
 * pages. */
#include <arch/mmu.h>
#include <arch/ops.h>
#include <arch/sections.h>
#include <asm/boot.h>
#include <asm/cpu.h>
#include <asm/msr.h>
#include <kernel/atomic.h>
#include <kernel/errno.h>
#include <kernel/kasan.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/string.h>

#include "../../../src/mm/mm_internal.h"

#define TABLE_PROT (PTE_P | PTE_W | PTE_A)
#define SIZE_2M	   (1ul << PMD_SHIFT)
#define SIZE_1G	   (1ul << PUD_SHIFT)

pte_t kernel_pgd[PT_ENTRIES] __aligned(4096);
u64 kernel_cr3 __ro_after_init;
static bool use_early_alloc __ro_after_init = true;

/* --- walking --- */

/* Physical address of a zeroed table, 0 when there is no memory. */
static u64 table_alloc(void)
{
	struct page *p;

	if (use_early_alloc)
		return early_alloc(PAGE_SIZE, PAGE_SIZE);
	p = page_alloc(GFP_KERNEL | GFP_ZERO);
	if (!p)
		return 0;
	page_set(p, PG_PAGETABLE);
	return page_phys(p).v;
}

/* The table that *e points to, made when missing; NULL: no memory, or *e is a large page. */
static pte_t *table_of(pte_t *e)
{
	pte_t cur = pte_read(e);
	u64 pa;

	if (cur.v & PTE_PS)
		return NULL;
	if (pte_present(cur))
		return pte_table(cur);
	pa = table_alloc();
	if (!pa)
		return NULL;
	if (try_cmpxchg(&e->v, &cur.v, pa | TABLE_PROT))
		return pte_table((pte_t){ pa });
	page_clear(phys_to_page((paddr_t){ pa }), PG_PAGETABLE);
	page_put(phys_to_page((paddr_t){ pa }));
	return pte_table(cur);
}

/* Slot of va at the level whose entries cover 1 << shift bytes. */
static pte_t *kernel_slot(u64 va, unsigned int shift)
{
	pte_t *t = kernel_pgd;

	for (unsigned int s = PGD_SHIFT; s > shift; s -= 9) {
		t = table_of(&t[pt_index(va, s)]);
		if (!t)
			return NULL;
	}
	return &t[pt_index(va, shift)];
}

/* Existing leaf slot of va, or NULL. */
static pte_t *kernel_leaf(u64 va, unsigned int *shift)
{
	pte_t *t = kernel_pgd;

	for (unsigned int s = PGD_SHIFT; s >= PT_SHIFT; s -= 9) {
		pte_t *e = &t[pt_index(va, s)];

		if (!pte_present(pte_read(e)))
			return NULL;
		if (s == PT_SHIFT || e->v & PTE_PS) {
			*shift = s;
			return e;
		}
		t = pte_table(*e);
	}
	return NULL;
}

u64 kva_pfn(u64 va)
{
	unsigned int shift;
	pte_t *e = kernel_leaf(va, &shift);

	return e && shift == PT_SHIFT ? pte_pfn(*e) : 0;
}

int kmap_range(u64 va, paddr_t pa, u64 size, u64 prot)
{
	pte_t *e = NULL;

	for (u64 off = 0; off < size; off += PAGE_SIZE, e++) {
		if (!e || pt_index(va + off, PT_SHIFT) == 0)
			e = kernel_slot(va + off, PT_SHIFT);
		if (!e)
			return -ENOMEM;
		ASSERT(!pte_present(*e));
		pte_set(e, pte_make((pa.v + off) >> PT_SHIFT, prot));
	}
	return 0;
}

void kunmap_range(u64 va, u64 size)
{
	bool any = false;

	for (u64 off = 0; off < size; off += PAGE_SIZE) {
		unsigned int shift;
		pte_t *e = kernel_leaf(va + off, &shift);

		if (!e)
			continue;
		ASSERT(shift == PT_SHIFT);
		pte_set(e, (pte_t){ 0 });
		any = true;
	}
	if (any)
		tlb_flush_kernel_range(va, va + size);
}

/* Replaces a large leaf by a table of smaller ones with the same meaning. */
static int leaf_split(pte_t *e, unsigned int shift)
{
	u64 pa = table_alloc(), flags = e->v & ~PTE_ADDR_MASK, base = e->v & PTE_ADDR_MASK;
	pte_t *t;

	if (!pa)
		return -ENOMEM;
	t = pte_table((pte_t){ pa });
	shift -= 9;
	if (shift == PT_SHIFT)
		flags &= ~PTE_PS;
	for (unsigned int i = 0; i < PT_ENTRIES; i++)
		t[i].v = (base + ((u64)i << shift)) | flags;
	pte_set(e, (pte_t){ pa | TABLE_PROT });
	return 0;
}

int kprotect_range(u64 va, u64 size, u64 prot)
{
	for (u64 at = va; at < va + size; at += PAGE_SIZE) {
		unsigned int shift;
		pte_t *e = kernel_leaf(at, &shift);

		while (e && shift > PT_SHIFT) {
			int rc = leaf_split(e, shift);

			if (rc)
				return rc;
			e = kernel_leaf(at, &shift);
		}
		if (e)
			pte_set(e, pte_make(pte_pfn(*e), prot));
	}
	tlb_flush_kernel_range(va, va + size);
	return 0;
}

/* --- start --- */

static void __init map_direct(u64 start, u64 end)
{
	while (start < end) {
		u64 va = DIRECT_MAP_BASE + start;
		unsigned int shift = PT_SHIFT;
		pte_t *e;

		if (cpu_features.page1g && IS_ALIGNED(start, SIZE_1G) && end - start >= SIZE_1G)
			shift = PUD_SHIFT;
		else if (IS_ALIGNED(start, SIZE_2M) && end - start >= SIZE_2M)
			shift = PMD_SHIFT;
		e = kernel_slot(va, shift);
		VERIFY(e != NULL);
		pte_set(e, (pte_t){ start | KPROT_RW | (shift > PT_SHIFT ? PTE_PS : 0) });
		start += 1ul << shift;
	}
}

static void __init map_image_part(const char *start, const char *end, u64 prot)
{
	for (u64 va = ALIGN_DOWN((u64)start, PAGE_SIZE); va < (u64)end; va += PAGE_SIZE) {
		pte_t *e = kernel_slot(va, PT_SHIFT);

		VERIFY(e != NULL);
		pte_set(e, (pte_t){ (va - KERNEL_IMAGE_BASE) | prot });
	}
}

void __init arch_map_final(void)
{
	static const u64 slots[] = { DIRECT_MAP_BASE, VMALLOC_BASE, PAGE_ARRAY_BASE,
				     KERNEL_IMAGE_BASE, KASAN_SHADOW_BASE };
	unsigned int direct = pt_index(DIRECT_MAP_BASE, PGD_SHIFT);

	for (unsigned int i = 0; i < ARRAY_SIZE(slots) - !IS_ENABLED(CONFIG_KASAN); i++)
		VERIFY(table_of(&kernel_pgd[pt_index(slots[i], PGD_SHIFT)]) != NULL);
	for (unsigned int i = 0; i < nr_direct_ranges; i++)
		map_direct(direct_ranges[i].start, direct_ranges[i].end);
	map_image_part(__image_start, __image_end, KPROT_RW);
	map_image_part(__text_start, __text_end, KPROT_RX);
	map_image_part(__rodata_start, __rodata_end, KPROT_RO);
	map_image_part(__init_text_start, __init_text_end, KPROT_RX);
	kernel_cr3 = virt_to_phys(kernel_pgd).v;
	write_cr4(read_cr4() | CR4_PGE);
	write_cr3(kernel_cr3);
	/* Starting processors see all memory. The identity map keeps the boot tables. */
	boot_pgd[direct] = kernel_pgd[direct];
	early_limit = ~0ul;
}

void __init arch_map_early_pages(u64 va, u64 size)
{
	u64 end = va + size;

	while (va < end) {
		pte_t *pmd = kernel_slot(va, PMD_SHIFT);
		pte_t *e;

		VERIFY(pmd != NULL);
		if (pmd->v & PTE_PS) {
			va = ALIGN_UP(va + 1, SIZE_2M);
			continue;
		}
		if (pte_none(*pmd) && IS_ALIGNED(va, SIZE_2M) && end - va >= SIZE_2M) {
			pmd->v = early_alloc(SIZE_2M, SIZE_2M) | KPROT_RW | PTE_PS;
			va += SIZE_2M;
			continue;
		}
		e = kernel_slot(va, PT_SHIFT);
		if (pte_none(*e))
			pte_set(e,
				pte_make(early_alloc(PAGE_SIZE, PAGE_SIZE) >> PT_SHIFT, KPROT_RW));
		va += PAGE_SIZE;
	}
}

/* The page allocator works from here on. */
void __init arch_early_alloc_done(void)
{
	use_early_alloc = false;
}
