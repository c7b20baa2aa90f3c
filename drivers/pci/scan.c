/* SPDX-License-Identifier: MIT */
/* Finding devices: the root bus, and the buses behind bridges as they are found.
 *
 * Firmware numbers buses; where it has not, bridges get the next free number here. Only function 0
 * of an absent slot is asked, functions 1 to 7 only of devices that say they have several, and
 * behind a PCI Express port only slot 0: links are point to point.
 * Lifetime: devices live for ever; the list is fixed once pci_scan has returned. */
#include "pci_internal.h"

#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>

#define PORT_ROOT 4
#define PORT_DOWNSTREAM 6
#define DEPTH_MAX 16 /* bridges behind bridges: a loop of the numbers ends here */

LIST_HEAD(pci_devices);
static unsigned int max_bus; /* highest bus number in use */

static int scan_bus(u8 bus, struct pci_dev *parent, unsigned int slots, unsigned int depth);

static bool is_bridge(const struct pci_dev *d)
{
	return (d->header_type & 0x7f) == HEADER_BRIDGE;
}

static struct pci_dev *device_new(u8 bus, u8 slot, u8 func, void *config, u32 id,
				  struct pci_dev *parent)
{
	struct pci_dev *d = kzalloc(sizeof(*d), GFP_KERNEL);
	u32 v;

	if (!d)
		return NULL;
	d->bus = bus;
	d->slot = slot;
	d->func = func;
	d->config = config;
	d->parent = parent;
	d->vendor = (u16)id;
	d->device = (u16)(id >> 16);
	v = pci_read32(d, PCI_REVISION);
	d->revision = (u8)v;
	d->class = v >> 8;
	d->header_type = pci_read8(d, PCI_HEADER_TYPE);
	v = pci_read32(d, PCI_IRQ_LINE);
	d->irq_line = (u8)v;
	d->irq_pin = (u8)(v >> 8);
	if (!is_bridge(d)) {
		v = pci_read32(d, PCI_SUBSYSTEM);
		d->subvendor = (u16)v;
		d->subdevice = (u16)(v >> 16);
	}
	scnprintf(d->name, sizeof(d->name), "%04x:%02x:%02x.%x", d->segment, bus, slot, func);
	pci_read_caps(d);
	pci_irq_quiesce(d);
	pci_size_bars(d);
	list_add_tail(&d->node, &pci_devices);
	return d;
}

/* A bridge that firmware left without numbers gets the next ones. False: none fit. */
static bool number_bridge(struct pci_dev *b)
{
	/* All buses of the parent must lie in its range: only known for the root and for bridges
	 * that were numbered here, which are open to the end while they are scanned. */
	if (max_bus >= 255 || (b->parent && pci_read8(b->parent, PCI_SUBORDINATE) != 255)) {
		log_warn("pci", "%s: no bus number left", b->name);
		return false;
	}
	b->child_bus = (u8)++max_bus;
	pci_write8(b, PCI_PRIMARY, b->bus);
	pci_write8(b, PCI_SECONDARY, b->child_bus);
	pci_write8(b, PCI_SUBORDINATE, 255);
	return true;
}

static int scan_behind(struct pci_dev *b, unsigned int depth)
{
	u8 secondary = pci_read8(b, PCI_SECONDARY);
	unsigned int slots = 32, type;
	bool numbered = false;
	int rc;

	if (depth == DEPTH_MAX)
		return 0;
	if (secondary > b->bus) {
		b->child_bus = secondary;
		max_bus = max(max_bus, (unsigned int)secondary);
		max_bus = max(max_bus, (unsigned int)pci_read8(b, PCI_SUBORDINATE));
	} else if (number_bridge(b)) {
		numbered = true;
	} else {
		return 0;
	}
	if (b->pcie_cap) {
		type = pci_read16(b, b->pcie_cap + 2u) >> 4 & 15;
		if (type == PORT_ROOT || type == PORT_DOWNSTREAM)
			slots = 1;
	}
	rc = scan_bus(b->child_bus, b, slots, depth + 1);
	if (numbered)
		pci_write8(b, PCI_SUBORDINATE, (u8)max_bus);
	return rc;
}

static int scan_slot(u8 bus, u8 slot, u8 *ecam, struct pci_dev *parent)
{
	unsigned int nr = 1;

	for (u8 func = 0; func < nr; func++) {
		unsigned int devfn = (unsigned int)slot << 3 | func;
		void *config = ecam ? ecam + devfn * 4096 : NULL;
		u32 id = config_read(config, (unsigned int)bus << 8 | devfn, PCI_ID, 4);
		struct pci_dev *d;

		if (id == ID_NONE || (id & 0xffff) == 0)
			continue;
		d = device_new(bus, slot, func, config, id, parent);
		if (!d)
			return -ENOMEM;
		if (func == 0 && (d->header_type & HEADER_MULTI))
			nr = 8;
	}
	return 0;
}

static int scan_bus(u8 bus, struct pci_dev *parent, unsigned int slots, unsigned int depth)
{
	u8 *ecam = config_map_bus(bus);
	struct pci_dev *d;
	int rc = 0;

	for (u8 slot = 0; rc == 0 && slot < slots; slot++)
		rc = scan_slot(bus, slot, ecam, parent);
	/* Bridges with numbers first: what they use is known when the others get theirs. */
	for (unsigned int numbered = 2; rc == 0 && numbered-- > 0;)
		list_for_each_entry (d, &pci_devices, node)
			if (d->bus == bus && is_bridge(d) && !d->child_bus &&
			    (numbered != 0) == (pci_read8(d, PCI_SECONDARY) > bus))
				rc = rc ? rc : scan_behind(d, depth);
	return rc;
}

int pci_scan(void)
{
	return scan_bus(0, NULL, 32, 0);
}

struct pci_dev *pci_next(struct pci_dev *d)
{
	struct list_head *n = d ? d->node.next : pci_devices.next;

	return n == &pci_devices ? NULL : list_entry(n, struct pci_dev, node);
}
