/* SPDX-License-Identifier: MIT */
/* Kernel virtual memory: vmalloc and device mappings.
 *
 * Owns the first half of the vmalloc area (stacks have the other, kstack.c). Areas are on one list
 * in address order; an unmapped guard page follows each. New areas go behind the last one and, at
 * the end of the space, into the first gap that fits. Locking: vmalloc_lock for the list; page
 * tables of an area belong to whoever owns the area. Lifetime: an address range is reused only
 * after every CPU has dropped its translations. */
#include <arch/mmu.h>
#include <kernel/kasan.h>
#include <kernel/errno.h>
#include <kernel/list.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/size.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "mm_internal.h"

#define AREA_BASE VMALLOC_BASE
#define AREA_END  (VMALLOC_BASE + (256ul << 30))

struct kva_area {
	struct list_head node; /* vmalloc_lock */
	u64 start, size;       /* bytes without the guard page */
	bool owns_pages;
};

static LIST_HEAD(areas);
static DEFINE_SPINLOCK(vmalloc_lock, LOCK_VMALLOC);
static u64 nr_pages; /* vmalloc_lock */

/* First gap of `need` bytes: the list position to insert before. */
static u64 area_place(u64 need, struct list_head **before)
{
	struct kva_area *a;
	u64 at = AREA_BASE;

	if (!list_empty(&areas)) {
		a = list_entry(areas.prev, struct kva_area, node);
		at = a->start + a->size + PAGE_SIZE;
	}
	if (AREA_END - at >= need) {
		*before = &areas;
		return at;
	}
	at = AREA_BASE;
	list_for_each_entry (a, &areas, node) {
		if (a->start - at >= need) {
			*before = &a->node;
			return at;
		}
		at = a->start + a->size + PAGE_SIZE;
	}
	return 0;
}

static struct kva_area *area_alloc(u64 size)
{
	struct kva_area *a = kmalloc(sizeof(*a), GFP_KERNEL);
	struct list_head *before;

	if (!a)
		return NULL;
	a->size = size;
	a->owns_pages = false;
	spin_lock(&vmalloc_lock);
	a->start = area_place(size + PAGE_SIZE, &before);
	if (a->start)
		list_add_tail(&a->node, before);
	spin_unlock(&vmalloc_lock);
	if (a->start)
		return a;
	kfree(a);
	return NULL;
}

static struct kva_area *area_find(u64 start)
{
	struct kva_area *a, *found = NULL;

	spin_lock(&vmalloc_lock);
	list_for_each_entry (a, &areas, node)
		if (a->start == start) {
			found = a;
			break;
		}
	spin_unlock(&vmalloc_lock);
	return found;
}

/* The mappings are gone; forget the range. */
static void area_free(struct kva_area *a)
{
	spin_lock(&vmalloc_lock);
	list_del(&a->node);
	if (a->owns_pages)
		nr_pages -= a->size >> PAGE_SHIFT;
	spin_unlock(&vmalloc_lock);
	kfree(a);
}

/* Takes the pages out of [va, va + size), flushes, then frees them. */
void kva_unmap_free(u64 va, u64 size)
{
	u32 chain = 0;

	for (u64 at = va; at < va + size; at += PAGE_SIZE) {
		u64 pfn = kva_pfn(at);

		if (!pfn)
			continue;
		pfn_to_page(pfn)->next = chain;
		chain = (u32)pfn;
	}
	kunmap_range(va, size);
	while (chain) {
		struct page *p = pfn_to_page(chain);

		chain = p->next;
		page_free_order(p, 0);
	}
}

int kva_map_new(u64 va, u64 size, gfp_t gfp)
{
	for (u64 at = 0; at < size; at += PAGE_SIZE) {
		struct page *p = page_alloc(gfp);
		int rc = p ? kmap_range(va + at, page_phys(p), PAGE_SIZE, KPROT_RW) : -ENOMEM;

		if (rc) {
			if (p)
				page_free_order(p, 0);
			kva_unmap_free(va, at);
			return rc;
		}
	}
	return 0;
}

static void *vmalloc_gfp(size_t size, gfp_t gfp)
{
	struct kva_area *a;
	size_t bytes;

	might_sleep();
	if (size == 0 || !size_align(&bytes, size, PAGE_SIZE) ||
	    bytes >> PAGE_SHIFT > pages_total_count())
		return NULL;
	a = area_alloc(bytes);
	if (!a)
		return NULL;
	if (kva_map_new(a->start, bytes, gfp)) {
		area_free(a);
		return NULL;
	}
	spin_lock(&vmalloc_lock);
	a->owns_pages = true;
	nr_pages += bytes >> PAGE_SHIFT;
	spin_unlock(&vmalloc_lock);
	return (void *)a->start;
}

void *vmalloc(size_t size)
{
	return vmalloc_gfp(size, GFP_KERNEL);
}

void *vzalloc(size_t size)
{
	return vmalloc_gfp(size, GFP_KERNEL | GFP_ZERO);
}

void vfree(void *p)
{
	struct kva_area *a;

	if (!p)
		return;
	might_sleep();
	a = area_find((u64)p);
	if (WARN_ON(!a || !a->owns_pages))
		return;
	kva_unmap_free(a->start, a->size);
	area_free(a);
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	void *p = NULL;

	if (size <= 4 * PAGE_SIZE)
		p = kmalloc(size, gfp | (size > PAGE_SIZE ? GFP_NORETRY | GFP_NOWARN : 0));
	return p ? p : vmalloc_gfp(size, gfp);
}

void kvfree(void *p)
{
	if ((u64)p >= AREA_BASE && (u64)p < AREA_END)
		vfree(p);
	else
		kfree(p);
}

/* True when the direct map covers the range (cached). */
static bool direct_mapped(u64 pa, u64 size)
{
	for (unsigned int i = 0; i < nr_direct_ranges; i++)
		if (pa >= direct_ranges[i].start && pa + size <= direct_ranges[i].end)
			return true;
	return false;
}

void *ioremap(paddr_t pa, size_t size, enum memtype type)
{
	static const u64 prot[] = {
		[MEM_UNCACHED] = KPROT_IO,
		/* Entry 1 of the page attribute table is set to write combining at start. */
		[MEM_WRITE_COMBINING] = KPROT_RW | PTE_PWT,
		[MEM_CACHED] = KPROT_RW,
	};
	u64 off = pa.v & ~PAGE_MASK;
	struct kva_area *a;
	size_t bytes;

	if (size == 0 || !size_add(&bytes, size, off) || !size_align(&bytes, bytes, PAGE_SIZE))
		return NULL;
	if (type == MEM_CACHED && direct_mapped(pa.v, size))
		return phys_to_virt(pa);
	a = area_alloc(bytes);
	if (!a)
		return NULL;
	if (kmap_range(a->start, (paddr_t){ pa.v - off }, bytes, prot[type])) {
		kunmap_range(a->start, bytes);
		area_free(a);
		return NULL;
	}
	return (void *)(a->start + off);
}

void iounmap(void *va)
{
	struct kva_area *a;

	if ((u64)va < AREA_BASE || (u64)va >= AREA_END)
		return;
	a = area_find((u64)va & PAGE_MASK);
	if (WARN_ON(!a || a->owns_pages))
		return;
	kunmap_range(a->start, a->size);
	area_free(a);
}

u64 vmalloc_pages(void)
{
	return READ_ONCE(nr_pages);
}
