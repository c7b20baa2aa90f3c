/* SPDX-License-Identifier: MIT */
/* The memory map while it is being put together (bootinfo.regions).
 *
 * Loaders pass on what firmware says: ranges may overlap, be unsorted, touch or be empty. After
 * memmap_normalise() the RAM ranges are page aligned, disjoint from each other and from every range
 * of another type. Used on the boot CPU only, before the page allocator exists. */
#include <arch/ops.h>
#include <asm/boot.h>
#include <asm/bootparse.h>
#include <kernel/page.h>

void memmap_add(u64 base, u64 size, u32 type)
{
	struct mem_region *r;

	if (size == 0 || bootinfo.nr_regions == BOOT_MAX_REGIONS)
		return;
	if (base + size < base)
		size = -base;
	r = &bootinfo.regions[bootinfo.nr_regions++];
	*r = (struct mem_region){ .base = base, .size = size, .type = type };
}

/* Removes [base, end) from RAM region i; a hole in the middle makes a second region at the end. */
static void region_cut(unsigned int i, u64 base, u64 end)
{
	struct mem_region *r = &bootinfo.regions[i];
	u64 r_end = r->base + r->size;

	if (end <= r->base || base >= r_end)
		return;
	if (base <= r->base && end >= r_end) {
		r->size = 0;
	} else if (base <= r->base) {
		r->base = end;
		r->size = r_end - end;
	} else {
		r->size = base - r->base;
		if (end < r_end)
			memmap_add(end, r_end - end, MEM_REGION_RAM);
	}
}

void memmap_normalise(void)
{
	unsigned int i, k, n = 0;

	for (i = 0; i < bootinfo.nr_regions; i++) {
		struct mem_region *r = &bootinfo.regions[i];
		u64 end = ALIGN_DOWN(r->base + r->size, PAGE_SIZE);

		if (r->type != MEM_REGION_RAM)
			continue;
		r->base = ALIGN_UP(r->base, PAGE_SIZE);
		r->size = end > r->base ? end - r->base : 0;
	}
	/* nr_regions grows while a cut splits; the new tail is looked at too. */
	for (i = 0; i < bootinfo.nr_regions; i++) {
		if (bootinfo.regions[i].type != MEM_REGION_RAM)
			continue;
		for (k = 0; k < bootinfo.nr_regions; k++) {
			const struct mem_region *o = &bootinfo.regions[k];

			if (k == i || o->size == 0 || (o->type == MEM_REGION_RAM && k > i))
				continue;
			region_cut(i, ALIGN_DOWN(o->base, PAGE_SIZE),
				   ALIGN_UP(o->base + o->size, PAGE_SIZE));
		}
	}
	for (i = 0; i < bootinfo.nr_regions; i++)
		if (bootinfo.regions[i].size)
			bootinfo.regions[n++] = bootinfo.regions[i];
	bootinfo.nr_regions = n;
}

/* Highest start in [lo, hi - size] clear of the image and the modules, or 0. */
static u64 carve_in(u64 lo, u64 hi, u64 size, u64 align)
{
	u64 at;

again:
	if (hi < lo || hi - lo < size)
		return 0;
	at = ALIGN_DOWN(hi - size, align);
	if (at < lo || at == 0)
		return 0;
	if (at < image_phys_end() && at + size > image_phys_start()) {
		hi = image_phys_start();
		goto again;
	}
	for (unsigned int i = 0; i < bootinfo.nr_modules; i++) {
		const struct boot_module *m = &bootinfo.modules[i];

		if (at < m->base + m->size && at + size > m->base) {
			hi = m->base;
			goto again;
		}
	}
	return at;
}

u64 memmap_carve(u64 size, u64 align, u64 limit)
{
	u64 best = 0;
	unsigned int best_i = 0;

	size = ALIGN_UP(size, PAGE_SIZE);
	if (bootinfo.nr_regions + 2 > BOOT_MAX_REGIONS)
		return 0;
	for (unsigned int i = 0; i < bootinfo.nr_regions; i++) {
		const struct mem_region *r = &bootinfo.regions[i];
		u64 at;

		if (r->type != MEM_REGION_RAM)
			continue;
		at = carve_in(r->base, min(r->base + r->size, limit), size, align);
		if (at > best) {
			best = at;
			best_i = i;
		}
	}
	if (best) {
		region_cut(best_i, best, best + size);
		memmap_add(best, size, MEM_REGION_RESERVED);
	}
	return best;
}
