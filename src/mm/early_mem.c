/* SPDX-License-Identifier: MIT */
/* Physical memory before the page allocator.
 *
 * Owns two lists made from the loader's memory map: early_free, RAM that nothing occupies (not the
 * image, not the modules, not the first 64 KiB, where processors are started), and direct_ranges,
 * what the direct map and the page array will cover. early_alloc carves from the top of free RAM
 * that is mapped; the rest goes to the page allocator. Boot CPU only, no locks. */
#include <arch/ops.h>
#include <arch/sections.h>
#include <kernel/string.h>

#include "mm_internal.h"

#define LOW_RESERVED 0x10000ul
#define MAX_RANGES   (BOOT_MAX_REGIONS + BOOT_MAX_MODULES + 16)

struct mem_range early_free[MAX_RANGES] __initdata;
unsigned int nr_early_free __initdata;
struct mem_range direct_ranges[BOOT_MAX_REGIONS + 1] __ro_after_init;
unsigned int nr_direct_ranges __ro_after_init;
/* What the boot page tables map; everything once the direct map is complete. */
u64 early_limit __initdata = 4ul << 30;

static void __init range_delete(struct mem_range *r, unsigned int *nr, unsigned int i)
{
	for (unsigned int j = i; j + 1 < *nr; j++)
		r[j] = r[j + 1];
	(*nr)--;
}

static void __init range_insert(struct mem_range *r, unsigned int *nr, unsigned int i, u64 start,
				u64 end)
{
	for (unsigned int j = (*nr)++; j > i; j--)
		r[j] = r[j - 1];
	r[i] = (struct mem_range){ start, end };
}

/* Adds [start, end), merging with what it touches. */
static void __init range_add(struct mem_range *r, unsigned int *nr, unsigned int cap, u64 start,
			     u64 end)
{
	unsigned int i = 0;

	while (i < *nr && r[i].end < start)
		i++;
	while (i < *nr && r[i].start <= end) {
		start = min(start, r[i].start);
		end = max(end, r[i].end);
		range_delete(r, nr, i);
	}
	if (*nr < cap)
		range_insert(r, nr, i, start, end);
}

/* Removes [start, end); a hole in the middle splits a range. */
static void __init range_remove(struct mem_range *r, unsigned int *nr, unsigned int cap, u64 start,
				u64 end)
{
	for (unsigned int i = 0; i < *nr; i++) {
		struct mem_range old = r[i];

		if (old.end <= start || old.start >= end)
			continue;
		range_delete(r, nr, i);
		if (old.end > end && *nr < cap)
			range_insert(r, nr, i, end, old.end);
		if (old.start < start && *nr < cap)
			range_insert(r, nr, i, old.start, start);
		if (old.start >= start)
			i--;
	}
}

static void __init reserve(u64 start, u64 end)
{
	range_remove(early_free, &nr_early_free, MAX_RANGES, ALIGN_DOWN(start, PAGE_SIZE),
		     ALIGN_UP(end, PAGE_SIZE));
}

/* Firmware tables sit in small reserved regions next to RAM; device windows do not count. */
static bool __init region_is_table(const struct mem_region *m)
{
	if (m->type == MEM_REGION_ACPI || m->type == MEM_REGION_NVS)
		return true;
	if (m->size > 16ul << 20)
		return false;
	for (unsigned int i = 0; i < bootinfo.nr_regions; i++) {
		const struct mem_region *o = &bootinfo.regions[i];

		if (o->type == MEM_REGION_RAM &&
		    (o->base + o->size == m->base || m->base + m->size == o->base))
			return true;
	}
	return false;
}

void __init early_mem_init(void)
{
	const unsigned int cap = ARRAY_SIZE(direct_ranges);
	const u64 top = DIRECT_MAP_END - DIRECT_MAP_BASE;

	range_add(direct_ranges, &nr_direct_ranges, cap, 0, 1ul << 20);
	for (unsigned int i = 0; i < bootinfo.nr_regions; i++) {
		const struct mem_region *m = &bootinfo.regions[i];
		u64 start = m->base, end = m->base + m->size;

		if (m->size == 0 || end < start || end > top)
			continue;
		if (m->type == MEM_REGION_RAM) {
			start = ALIGN_UP(start, PAGE_SIZE);
			end = ALIGN_DOWN(end, PAGE_SIZE);
			if (start >= end)
				continue;
			range_add(early_free, &nr_early_free, MAX_RANGES, start, end);
		} else if (!region_is_table(m)) {
			continue;
		}
		range_add(direct_ranges, &nr_direct_ranges, cap, ALIGN_DOWN(start, PAGE_SIZE),
			  ALIGN_UP(end, PAGE_SIZE));
	}
	/* Loaders may hand over overlapping maps: what is not RAM wins. */
	for (unsigned int i = 0; i < bootinfo.nr_regions; i++)
		if (bootinfo.regions[i].type != MEM_REGION_RAM)
			reserve(bootinfo.regions[i].base,
				bootinfo.regions[i].base + bootinfo.regions[i].size);
	reserve(0, LOW_RESERVED);
	reserve(virt_to_phys(__image_start).v, virt_to_phys(__image_end).v);
	for (unsigned int i = 0; i < bootinfo.nr_modules; i++)
		reserve(bootinfo.modules[i].base,
			bootinfo.modules[i].base + bootinfo.modules[i].size);
}

u64 __init early_alloc(u64 size, u64 align)
{
	size = ALIGN_UP(size, PAGE_SIZE);
	for (unsigned int i = nr_early_free; i-- > 0;) {
		struct mem_range *r = &early_free[i];
		u64 end = min(r->end, early_limit);
		u64 at;

		if (r->start >= end || end - r->start < size)
			continue;
		at = ALIGN_DOWN(end - size, align);
		if (at < r->start)
			continue;
		range_remove(early_free, &nr_early_free, MAX_RANGES, at, at + size);
		/* memset in cold code would be a loop over bytes. */
		for (u64 off = 0; off < size; off += PAGE_SIZE)
			clear_page(phys_to_virt((paddr_t){ at + off }));
		return at;
	}
	panic("mm: no memory for %llu bytes at boot", (unsigned long long)size);
}
