/* SPDX-License-Identifier: MIT */
/* Base addresses: read and sized at the scan, and assigned where firmware has left them open.
 *
 * Firmware assigns everything on the machines we know but for some that start a kernel directly
 * (qboot). Then each bus is filled largest first, which leaves no holes between sizes that are
 * powers of two: the root bus from the hole below the I/O APIC (64-bit registers also from above
 * all memory) and from the I/O ports, a bus behind a bridge from the bridge's window, which is made
 * as large as its devices need when it is closed.
 * Everything runs once, on one CPU, before any driver. */
#include "pci_internal.h"

#include <arch/ops.h>
#include <asm/acpi.h>
#include <asm/cpu.h>
#include <kernel/log.h>
#include <kernel/slab.h>

#define HOLE_END 0xfec00000ull /* I/O APIC, local APIC, firmware */
#define IO_FIRST 0xc000ull     /* legacy devices are below */
#define IO_END 0x10000ull
#define IO_WINDOW 0x1000ull    /* granules of a bridge's windows */
#define MEM_WINDOW 0x100000ull

struct range {
	u64 start, end;
};

static unsigned int nr_open; /* registers that need an address */

static bool is_bridge(const struct pci_dev *d)
{
	return (d->header_type & 0x7f) == HEADER_BRIDGE;
}

/* Reads and sizes register i; returns how many registers it takes. */
static unsigned int size_bar(struct pci_dev *d, unsigned int i, unsigned int nr)
{
	struct pci_bar *bar = &d->bars[i];
	u32 old = pci_read32(d, PCI_BAR(i)), mask, old_high = 0, mask_high = ~0u;

	pci_write32(d, PCI_BAR(i), ~0u);
	mask = pci_read32(d, PCI_BAR(i));
	pci_write32(d, PCI_BAR(i), old);
	if (mask == 0)
		return 1;
	if (mask & 1) {
		bar->io = true;
		bar->base = old & ~3u;
		bar->size = (~((mask & ~3u) | 0xffff0000u) + 1) & 0xffff;
		return 1;
	}
	bar->prefetch = mask & 8;
	bar->is64 = (mask & 6) == 4 && i + 1 < nr;
	if (bar->is64) {
		old_high = pci_read32(d, PCI_BAR(i + 1));
		pci_write32(d, PCI_BAR(i + 1), ~0u);
		mask_high = pci_read32(d, PCI_BAR(i + 1));
		pci_write32(d, PCI_BAR(i + 1), old_high);
	}
	bar->base = (u64)old_high << 32 | (old & ~15u);
	bar->size = ~((u64)mask_high << 32 | (mask & ~15u)) + 1;
	return bar->is64 ? 2 : 1;
}

void pci_size_bars(struct pci_dev *d)
{
	unsigned int nr = (d->header_type & 0x7f) == 0 ? 6 : is_bridge(d) ? 2 : 0;
	u16 command = pci_read16(d, PCI_COMMAND);

	/* All ones are an address, too: nothing must answer there while the size is read. */
	if (command & (COMMAND_IO | COMMAND_MEMORY))
		pci_write16(d, PCI_COMMAND, command & (u16)~(COMMAND_IO | COMMAND_MEMORY));
	for (unsigned int i = 0; i < nr;)
		i += size_bar(d, i, nr);
	if (command & (COMMAND_IO | COMMAND_MEMORY))
		pci_write16(d, PCI_COMMAND, command);
	for (unsigned int i = 0; i < nr; i++)
		if (d->bars[i].size && !d->bars[i].base)
			nr_open++;
}

/* A bridge's window for ports or for memory that cannot be prefetched. */
static struct range bridge_window(const struct pci_dev *b, bool io)
{
	u16 v;
	u32 mem;

	if (io) {
		v = pci_read16(b, PCI_IO_BASE);
		return (struct range){ (u64)(v & 0xf0) << 8, (u64)(v >> 8 & 0xf0) << 8 | 0xfff };
	}
	mem = pci_read32(b, PCI_MEM_BASE);
	return (struct range){ (u64)(mem & 0xfff0) << 16, (u64)(mem & 0xfff00000) | 0xfffff };
}

static bool window_open(const struct pci_dev *b, bool io)
{
	struct range w = bridge_window(b, io);

	return w.start && w.end > w.start;
}

static void open_window(struct pci_dev *b, bool io, u64 base, u64 size)
{
	u64 last = base + size - 1;

	if (io)
		pci_write16(b, PCI_IO_BASE, (u16)((last >> 8 & 0xf0) << 8 | (base >> 8 & 0xf0)));
	else
		pci_write32(b, PCI_MEM_BASE, (u32)((last & 0xfff00000) | base >> 16));
}

/* First byte behind something that lies in [at, at + size), or 0 when it is free. */
static u64 conflict(u64 at, u64 size, bool io, const struct pci_dev *in)
{
	struct pci_dev *d;

	list_for_each_entry (d, &pci_devices, node) {
		for (unsigned int i = 0; i < 6; i++) {
			const struct pci_bar *b = &d->bars[i];

			if (b->io == io && b->base && b->size && at < b->base + b->size &&
			    b->base < at + size)
				return b->base + b->size;
		}
		if (is_bridge(d) && d != in && d->parent == in && window_open(d, io)) {
			struct range w = bridge_window(d, io);

			if (at <= w.end && w.start < at + size)
				return w.end + 1;
		}
	}
	if (io)
		return 0;
	for (unsigned int i = 0; i < bootinfo.nr_regions; i++) {
		const struct mem_region *r = &bootinfo.regions[i];

		if (at < r->base + r->size && r->base < at + size)
			return r->base + r->size;
	}
	if (acpi.mcfg_base) {
		u64 end = acpi.mcfg_base + ((u64)acpi.mcfg_last_bus + 1) * MEM_WINDOW;

		if (at < end && acpi.mcfg_base < at + size)
			return end;
	}
	return 0;
}

static u64 find_room(struct range w, u64 size, u64 align, bool io, const struct pci_dev *in)
{
	u64 at = ALIGN_UP(w.start, align), next;

	while (at >= w.start && at + size - 1 <= w.end && at + size > at) {
		next = conflict(at, size, io, in);
		if (!next)
			return at;
		at = ALIGN_UP(next, align);
	}
	return 0;
}

/* The hole between memory and the I/O APIC. */
static struct range low_hole(void)
{
	u64 start = 2ull << 30; /* below may be memory that firmware keeps for itself */

	for (unsigned int i = 0; i < bootinfo.nr_regions; i++) {
		const struct mem_region *r = &bootinfo.regions[i];

		if (r->type == MEM_REGION_RAM && r->base + r->size <= HOLE_END)
			start = max(start, r->base + r->size);
	}
	return (struct range){ start, HOLE_END - 1 };
}

static struct range high_space(void)
{
	u64 start = 4ull << 30;

	for (unsigned int i = 0; i < bootinfo.nr_regions; i++)
		start = max(start, bootinfo.regions[i].base + bootinfo.regions[i].size);
	return (struct range){ ALIGN_UP(start, 1ull << 30), (1ull << cpu_features.phys_bits) - 1 };
}

/* Bytes that the open registers of a bus (NULL: the root's) and of those behind it need. */
static u64 bus_need(const struct pci_dev *bridge, bool io, u64 *align)
{
	u64 sum = 0, granule = io ? IO_WINDOW : MEM_WINDOW, more, a;
	struct pci_dev *d;

	*align = granule;
	list_for_each_entry (d, &pci_devices, node) {
		if (d->parent != bridge)
			continue;
		for (unsigned int i = 0; i < 6; i++) {
			const struct pci_bar *b = &d->bars[i];

			if (b->size && !b->base && b->io == io) {
				sum += b->size;
				*align = max(*align, b->size);
			}
		}
		if (is_bridge(d) && d->child_bus && !window_open(d, io)) {
			more = bus_need(d, io, &a);
			sum += more;
			*align = max(*align, a);
		}
	}
	return ALIGN_UP(sum, granule);
}

/* What is to be placed next on a bus: the largest. */
struct want {
	struct pci_dev *d;
	struct pci_bar *bar; /* NULL: the window of bridge d */
	u64 size, align;
};

static struct want largest(const struct pci_dev *bridge, bool io, u64 below)
{
	struct want best = { .size = 0 };
	u64 size, align;
	struct pci_dev *d;

	list_for_each_entry (d, &pci_devices, node) {
		if (d->parent != bridge)
			continue;
		for (unsigned int i = 0; i < 6; i++) {
			struct pci_bar *b = &d->bars[i];

			if (b->size > best.size && !b->base && b->io == io && b->size < below)
				best = (struct want){ d, b, b->size, b->size };
		}
		if (is_bridge(d) && d->child_bus && !window_open(d, io)) {
			size = bus_need(d, io, &align);
			if (size > best.size && size < below)
				best = (struct want){ d, NULL, size, align };
		}
	}
	return best;
}

static bool place(const struct want *w, struct range room, bool io, const struct pci_dev *bridge)
{
	unsigned int i = w->bar ? (unsigned int)(w->bar - w->d->bars) : 0;
	u64 at = find_room(room, w->size, w->align, io, bridge);

	if (!at && w->bar && w->bar->is64 && !bridge)
		at = find_room(high_space(), w->size, w->align, io, bridge);
	if (!at)
		return false;
	if (!w->bar) {
		open_window(w->d, io, at, w->size);
		return true;
	}
	w->bar->base = at;
	pci_write32(w->d, PCI_BAR(i), (u32)at);
	if (w->bar->is64)
		pci_write32(w->d, PCI_BAR(i + 1), (u32)(at >> 32));
	return true;
}

static void assign_bus(const struct pci_dev *bridge, bool io)
{
	struct range room = bridge ? bridge_window(bridge, io) :
			    io	   ? (struct range){ IO_FIRST, IO_END - 1 } :
				     low_hole();
	u64 below = ~0ull;
	struct pci_dev *d;
	struct want w;

	/* One that finds no room is passed over, with those of its size. */
	while ((w = largest(bridge, io, below)).size) {
		if (place(&w, room, io, bridge))
			continue;
		log_warn("pci", "%s: no room for %llu bytes of %s", w.d->name,
			 (unsigned long long)w.size, io ? "ports" : "memory");
		below = w.size;
	}
	list_for_each_entry (d, &pci_devices, node)
		if (d->parent == bridge && is_bridge(d) && d->child_bus && window_open(d, io))
			assign_bus(d, io);
}

void pci_assign_resources(void)
{
	if (!nr_open)
		return;
	log_info("pci", "%u address registers were left open by the firmware", nr_open);
	assign_bus(NULL, false);
	assign_bus(NULL, true);
}

void *pci_map_bar(struct pci_dev *d, unsigned int bar, u64 off, u64 size)
{
	const struct pci_bar *b;

	if (bar >= 6)
		return NULL;
	b = &d->bars[bar];
	if (b->io || !b->base || off >= b->size || size > b->size - off)
		return NULL;
	return ioremap((paddr_t){ b->base + off }, size ? size : b->size - off, MEM_UNCACHED);
}

void pci_unmap(void *va, u64 size __maybe_unused)
{
	iounmap(va);
}
