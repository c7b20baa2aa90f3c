/* SPDX-License-Identifier: MIT */
/* The page allocator: a buddy system per zone, with a cache of single pages on every CPU in front.
 *
 * Zones:    below 4 GiB (devices with 32-bit addresses) and the rest. Ordinary requests take the
 *           upper zone first.
 * Caches:   free single pages of either zone, linked through page->next, touched with interrupts
 *           off by their own CPU only. Filled and emptied in batches.
 * Reserve:  the last reserve_pages are for requests that may not sleep, for victims of the OOM
 *           killer and for those who free memory (TF_MEMALLOC); everybody else reclaims first.
 * State:    a page outside the allocator has refs >= 1 (or an owner that does not count); inside it
 *           refs is 0, flags is 0 but for the heads of free blocks, owner is NULL.
 * Locking:  zone->lock (LOCK_PAGE_ALLOC, interrupts off) nests inside everything but the log. */
#include <arch/ops.h>
#include <kernel/kasan.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "buddy.h"
#include "mm_internal.h"

#define POISON_FREE    0xaa
#define PCP_FILL_ORDER 4 /* pages moved to a CPU at once */
#define KSWAPD_LOW     3 /* times the reserve: kswapd is woken below */

struct zone {
	struct spinlock lock;
	struct buddy buddy; /* lock */
};

struct page_cache_cpu {
	u32 head; /* page frame number, 0 empty */
	u32 count;
};

enum { ZONE_DMA32, ZONE_NORMAL, NR_ZONES };
#define DMA32_PFN (1ul << (32 - PAGE_SHIFT))

static struct zone zones[NR_ZONES] = {
	{ .lock = SPINLOCK_INIT(LOCK_PAGE_ALLOC) },
	{ .lock = SPINLOCK_INIT(LOCK_PAGE_ALLOC) },
};
static DEFINE_PER_CPU(struct page_cache_cpu, page_cache_cpu);
u64 page_count_max __ro_after_init;
struct page *zero_page __ro_after_init;
static u64 total_pages;
static u64 reserve_pages = 32;
static u32 pcp_high = 64; /* pages of a CPU's cache; half stay when it overflows */

static struct zone *page_zone(u64 pfn)
{
	return &zones[pfn < DMA32_PFN ? ZONE_DMA32 : ZONE_NORMAL];
}

/* --- debug patterns --- */

static void poison_freed(struct page *p, unsigned int order)
{
	if (IS_ENABLED(CONFIG_POISON))
		memset(page_address(p), POISON_FREE, PAGE_SIZE << order);
	kasan_poison(page_address(p), PAGE_SIZE << order, KASAN_FREE_PAGE);
}

static void check_poison(struct page *p, unsigned int order)
{
	const u8 *bad;

	kasan_unpoison(page_address(p), PAGE_SIZE << order);
	if (!IS_ENABLED(CONFIG_POISON))
		return;
	bad = memchr_inv(page_address(p), POISON_FREE, PAGE_SIZE << order);
	if (unlikely(bad))
		REPORT("free page %#llx written to: offset %#lx holds %#x",
		       (unsigned long long)page_phys(p).v,
		       (unsigned long)(bad - (u8 *)page_address(p)), *bad);
}

/* --- zones --- */

static u64 zone_alloc(struct zone *z, unsigned int order)
{
	irqflags_t f = spin_lock_irqsave(&z->lock);
	u64 pfn = buddy_alloc(&z->buddy, order);

	spin_unlock_irqrestore(&z->lock, f);
	return pfn;
}

static void zone_free(u64 pfn, unsigned int order)
{
	struct zone *z = page_zone(pfn);
	irqflags_t f = spin_lock_irqsave(&z->lock);

	buddy_free(&z->buddy, pfn, order);
	spin_unlock_irqrestore(&z->lock, f);
}

static u64 zones_free_pages(void)
{
	return READ_ONCE(zones[0].buddy.free_pages) + READ_ONCE(zones[1].buddy.free_pages);
}

/* May this request go below the reserve? */
static bool may_use_reserve(gfp_t gfp)
{
	return !(gfp & GFP_KERNEL) ||
	       (current && current->flags & (TF_OOM_VICTIM | TF_MEMALLOC));
}

static u64 zones_alloc(unsigned int order, gfp_t gfp)
{
	u64 pfn = 0;

	if (zones_free_pages() < reserve_pages + (1ul << order) && !may_use_reserve(gfp))
		return 0;
	if (!(gfp & GFP_DMA32) && zones[ZONE_NORMAL].buddy.mask >> order)
		pfn = zone_alloc(&zones[ZONE_NORMAL], order);
	if (!pfn)
		pfn = zone_alloc(&zones[ZONE_DMA32], order);
	return pfn;
}

/* --- per-CPU caches; interrupts off --- */

static void pcp_push(struct page_cache_cpu *c, u64 pfn)
{
	pfn_to_page(pfn)->next = c->head;
	c->head = (u32)pfn;
	c->count++;
}

static u64 pcp_pop(struct page_cache_cpu *c)
{
	u64 pfn = c->head;

	c->head = pfn_to_page(pfn)->next;
	c->count--;
	return pfn;
}

/* Moves pages from the zones: false when there was none. A block is cut up here: its pages come
 * back one by one and merge again in the zone. */
static bool pcp_fill(struct page_cache_cpu *c, gfp_t gfp)
{
	unsigned int order = PCP_FILL_ORDER;
	u64 pfn = 0;

	/* Near the end, batches would hoard what others wait for. Full of cached files memory is
	 * always, down to kswapd's mark. */
	if (zones_free_pages() > 2 * reserve_pages)
		pfn = zones_alloc(order, gfp);
	if (!pfn) {
		order = 0;
		pfn = zones_alloc(0, gfp);
		if (!pfn)
			return false;
	}
	for (u64 i = 1ul << order; i-- > 0;)
		pcp_push(c, pfn + i);
	return true;
}

static void pcp_empty(struct page_cache_cpu *c, u32 keep) NO_LOCK_ANALYSIS
{
	struct zone *locked = NULL;

	while (c->count > keep) {
		u64 pfn = pcp_pop(c);
		struct zone *z = page_zone(pfn);

		if (z != locked) {
			if (locked)
				spin_unlock(&locked->lock);
			spin_lock(&z->lock);
			locked = z;
		}
		buddy_free(&z->buddy, pfn, 0);
	}
	if (locked)
		spin_unlock(&locked->lock);
}

void page_caches_drain_local(void)
{
	irqflags_t f = irq_save();

	pcp_empty(this_cpu_ptr(&page_cache_cpu), 0);
	irq_restore(f);
}

static void drain_ipi(void *arg __maybe_unused)
{
	page_caches_drain_local();
}

void page_caches_drain_all(void)
{
	if (cpu_online_count > 1) {
		preempt_disable();
		smp_call_mask(&cpu_online_mask, drain_ipi, NULL);
		preempt_enable();
	}
	page_caches_drain_local();
}

/* --- allocation --- */

static struct page *page_prepare(u64 pfn, unsigned int order, gfp_t gfp)
{
	struct page *p = pfn_to_page(pfn);

	check_poison(p, order);
	atomic_set(&p->refs, 1);
	atomic_set(&p->mapcount, 0);
	p->index = 0;
	p->next = 0;
	p->flags = order ? 1u << PG_HEAD | order << PAGE_ORDER_SHIFT : 0;
	if (gfp & GFP_ZERO) {
		if (likely(order == 0))
			clear_page(page_address(p));
		else
			memset(page_address(p), 0, PAGE_SIZE << order);
	}
	return p;
}

static noinline struct page *page_alloc_slow(unsigned int order, gfp_t gfp)
{
	u64 pfn = 0;

	if (gfp & GFP_KERNEL && zones_free_pages() < KSWAPD_LOW * reserve_pages)
		kswapd_wake();
	for (unsigned int attempt = 0; !pfn; attempt++) {
		if (order == 0 && !(gfp & GFP_DMA32)) {
			irqflags_t f = irq_save();
			struct page_cache_cpu *c = this_cpu_ptr(&page_cache_cpu);

			if (c->head || pcp_fill(c, gfp))
				pfn = pcp_pop(c);
			irq_restore(f);
		} else {
			pfn = zones_alloc(order, gfp);
		}
		if (!pfn && !reclaim_for_alloc(order, gfp, attempt)) {
			/* The cupboard was bare for us, but the last pages may still be had. */
			if (current && current->flags & TF_OOM_VICTIM)
				pfn = zones_alloc(order, gfp & ~GFP_KERNEL);
			break;
		}
	}
	return pfn ? page_prepare(pfn, order, gfp) : NULL;
}

struct page *page_alloc_order(unsigned int order, gfp_t gfp)
{
	if (likely(order == 0 && !(gfp & GFP_DMA32))) {
		irqflags_t f = irq_save();
		struct page_cache_cpu *c = this_cpu_ptr(&page_cache_cpu);

		if (likely(c->head)) {
			u64 pfn = pcp_pop(c);

			irq_restore(f);
			return page_prepare(pfn, 0, gfp);
		}
		irq_restore(f);
	}
	if (order > MAX_ORDER)
		return NULL;
	return page_alloc_slow(order, gfp);
}

/* Checks and resets a descriptor that goes back. */
static void page_retire(struct page *p, unsigned int order)
{
	ASSERT(!(p->flags & (1u << PG_BUDDY | 1u << PG_SLAB | 1u << PG_LOCKED | 1u << PG_RESERVED |
			     1u << PG_SHARED_ZERO)));
	ASSERT(atomic_read(&p->mapcount) == 0);
	p->flags = 0;
	p->owner = NULL;
	atomic_set(&p->refs, 0);
	if (IS_ENABLED(CONFIG_POISON) || IS_ENABLED(CONFIG_KASAN))
		poison_freed(p, order);
}

static void page_free_single(struct page *p)
{
	struct page_cache_cpu *c;
	irqflags_t f;

	page_retire(p, 0);
	f = irq_save();
	c = this_cpu_ptr(&page_cache_cpu);
	pcp_push(c, page_to_pfn(p));
	if (unlikely(c->count > pcp_high))
		pcp_empty(c, pcp_high / 2);
	irq_restore(f);
}

/* page_put for n pages with interrupts off once. */
void pages_put_bulk(struct page **pages, unsigned int n)
{
	struct page_cache_cpu *c;
	irqflags_t f = irq_save();

	c = this_cpu_ptr(&page_cache_cpu);
	for (unsigned int i = 0; i < n; i++) {
		struct page *p = pages[i];

		if (!atomic_dec_and_test(&p->refs))
			continue;
		if (unlikely(p->flags & 1u << PG_HEAD)) {
			page_free_last(p);
			continue;
		}
		page_retire(p, 0);
		pcp_push(c, page_to_pfn(p));
	}
	if (unlikely(c->count > pcp_high))
		pcp_empty(c, pcp_high / 2);
	irq_restore(f);
}

void page_free_order(struct page *p, unsigned int order)
{
	if (likely(order == 0)) {
		page_free_single(p);
		return;
	}
	page_retire(p, order);
	zone_free(page_to_pfn(p), order);
}

void page_free_last(struct page *p)
{
	page_free_order(p, p->flags & 1u << PG_HEAD ? page_order(p) : 0);
}

void *pages_alloc(unsigned int order, gfp_t gfp)
{
	struct page *p = page_alloc_order(order, gfp);

	return p ? page_address(p) : NULL;
}

void pages_free(void *va, unsigned int order)
{
	if (va)
		page_free_order(virt_to_page(va), order);
}

/* --- figures --- */

u64 pages_free_count(void)
{
	u64 n = zones_free_pages();

	for_each_online_cpu(cpu) n += READ_ONCE(per_cpu(page_cache_cpu, cpu).count);
	return n;
}

u64 pages_total_count(void)
{
	return READ_ONCE(total_pages);
}

u64 page_reserve_level(void)
{
	return reserve_pages;
}

bool pfn_valid(u64 pfn)
{
	u64 pa = pfn << PAGE_SHIFT;

	if (pfn >= page_count_max)
		return false;
	for (unsigned int i = 0; i < nr_direct_ranges; i++)
		if (pa >= direct_ranges[i].start && pa < direct_ranges[i].end)
			return true;
	return false;
}

/* --- start --- */

/* The reserve grows with memory: 1/256 of it, 128 KiB to 4 MiB; all CPU caches together hold as
 * much. */
static void levels_update(void)
{
	reserve_pages = clamp(total_pages / 256, 32ul, 1024ul);
	pcp_high = (u32)clamp(total_pages / 256 / cpu_online_count, 32ul, 1024ul);
}

static void free_boot_pfns(u64 start, u64 end)
{
	u64 split = clamp((u64)DMA32_PFN, start, end);
	irqflags_t f;

	kasan_poison(phys_to_virt((paddr_t){ start << PAGE_SHIFT }), (end - start) << PAGE_SHIFT,
		     KASAN_FREE_PAGE);
	if (IS_ENABLED(CONFIG_POISON))
		memset(phys_to_virt((paddr_t){ start << PAGE_SHIFT }), POISON_FREE,
		       (end - start) << PAGE_SHIFT);
	f = spin_lock_irqsave(&zones[ZONE_DMA32].lock);
	buddy_free_range(&zones[ZONE_DMA32].buddy, start, split);
	spin_unlock_irqrestore(&zones[ZONE_DMA32].lock, f);
	f = spin_lock_irqsave(&zones[ZONE_NORMAL].lock);
	buddy_free_range(&zones[ZONE_NORMAL].buddy, split, end);
	spin_unlock_irqrestore(&zones[ZONE_NORMAL].lock, f);
	__atomic_fetch_add(&total_pages, end - start, __ATOMIC_RELAXED);
}

void pages_free_boot_range(u64 pa, u64 size)
{
	u64 start = (pa + PAGE_SIZE - 1) >> PAGE_SHIFT, end = (pa + size) >> PAGE_SHIFT;

	if (start >= end)
		return;
	for (u64 pfn = start; pfn < end; pfn++)
		*pfn_to_page(pfn) = (struct page){ 0 };
	free_boot_pfns(start, end);
	levels_update();
}

struct page *page_adopt_boot(u64 pa)
{
	struct page *p = pfn_to_page(pa >> PAGE_SHIFT);

	ASSERT(page_test(p, PG_RESERVED) && IS_ALIGNED(pa, PAGE_SIZE));
	*p = (struct page){ .refs = ATOMIC_INIT(1) };
	__atomic_fetch_add(&total_pages, 1, __ATOMIC_RELAXED);
	return p;
}

/* What lies in the direct map and is not free: nobody may hand it out or count references to it. */
static void __init mark_reserved(u64 start, u64 end)
{
	for (u64 pfn = start >> PAGE_SHIFT; pfn < end >> PAGE_SHIFT; pfn++) {
		struct page *p = pfn_to_page(pfn);

		p->flags = 1u << PG_RESERVED;
		atomic_set(&p->refs, 1);
	}
}

static void __init mark_range(const struct mem_range *r)
{
	u64 at = r->start;

	for (unsigned int i = 0; i < nr_early_free; i++) {
		if (early_free[i].end <= at || early_free[i].start >= r->end)
			continue;
		mark_reserved(at, early_free[i].start);
		at = early_free[i].end;
	}
	if (at < r->end)
		mark_reserved(at, r->end);
}

void __init page_alloc_init(void)
{
	const u64 block = 1ul << MAX_ORDER;

	for (unsigned int i = 0; i < nr_direct_ranges; i++) {
		struct mem_range r = direct_ranges[i];
		/* Whole blocks, because a merge looks at the neighbour's descriptor. */
		u64 first = ALIGN_DOWN(r.start >> PAGE_SHIFT, block);
		u64 last = ALIGN_UP(r.end >> PAGE_SHIFT, block);

		arch_map_early_pages((u64)pfn_to_page(first), (last - first) * sizeof(struct page));
		page_count_max = max(page_count_max, last);
	}
	for (unsigned int i = 0; i < nr_direct_ranges; i++)
		mark_range(&direct_ranges[i]);
	zones[ZONE_DMA32].buddy.end = DMA32_PFN;
	zones[ZONE_NORMAL].buddy.start = DMA32_PFN;
	zones[ZONE_NORMAL].buddy.end = max(page_count_max, (u64)DMA32_PFN);
	for (unsigned int i = 0; i < nr_early_free; i++)
		free_boot_pfns(early_free[i].start >> PAGE_SHIFT, early_free[i].end >> PAGE_SHIFT);
	levels_update();
	zero_page = page_alloc(GFP_ATOMIC | GFP_ZERO);
	VERIFY(zero_page != NULL);
	zero_page->flags |= 1u << PG_SHARED_ZERO;
}

void page_alloc_cpu_prepare(unsigned int cpu)
{
	levels_update();
	per_cpu(page_cache_cpu, cpu) = (struct page_cache_cpu){ 0 };
}
