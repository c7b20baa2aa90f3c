/* SPDX-License-Identifier: MIT */
#include <kernel/page.h>

#include "buddy.h"

#define FREE_HEAD(order) (1u << PG_BUDDY | (u32)(order) << PAGE_ORDER_SHIFT)

static void block_add(struct buddy *z, u64 pfn, unsigned int order)
{
	struct page *p = pfn_to_page(pfn);

	p->flags = FREE_HEAD(order);
	p->prev = 0;
	p->next = z->head[order];
	if (p->next)
		pfn_to_page(p->next)->prev = (u32)pfn;
	z->head[order] = (u32)pfn;
	z->nr[order]++;
	z->mask |= 1u << order;
}

static void block_remove(struct buddy *z, struct page *p, unsigned int order)
{
	if (p->next)
		pfn_to_page(p->next)->prev = p->prev;
	if (p->prev)
		pfn_to_page(p->prev)->next = p->next;
	else
		z->head[order] = p->next;
	z->nr[order]--;
	if (!z->head[order])
		z->mask &= ~(1u << order);
	p->flags = 0;
}

u64 buddy_alloc(struct buddy *z, unsigned int order)
{
	u32 fit = z->mask >> order;
	unsigned int o;
	u64 pfn;

	if (!fit)
		return 0;
	o = order + (unsigned int)__builtin_ctz(fit);
	pfn = z->head[o];
	block_remove(z, pfn_to_page(pfn), o);
	while (o > order) {
		o--;
		block_add(z, pfn + (1ul << o), o);
	}
	z->free_pages -= 1ul << order;
	return pfn;
}

void buddy_free(struct buddy *z, u64 pfn, unsigned int order)
{
	ASSERT(pfn >= z->start && pfn + (1ul << order) <= z->end);
	ASSERT(!(pfn_to_page(pfn)->flags & 1u << PG_BUDDY));
	z->free_pages += 1ul << order;
	while (order < MAX_ORDER) {
		u64 other = pfn ^ (1ul << order);
		struct page *p = pfn_to_page(other);

		if (other < z->start || other >= z->end || p->flags != FREE_HEAD(order))
			break;
		block_remove(z, p, order);
		pfn &= other;
		order++;
	}
	block_add(z, pfn, order);
}

void buddy_free_range(struct buddy *z, u64 start, u64 end)
{
	while (start < end) {
		unsigned int order = start ? (unsigned int)__builtin_ctzl(start) : MAX_ORDER;

		order = min(order, (unsigned int)MAX_ORDER);
		while (start + (1ul << order) > end)
			order--;
		buddy_free(z, start, order);
		start += 1ul << order;
	}
}
