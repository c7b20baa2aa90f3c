/* SPDX-License-Identifier: MIT */
/* AHCI controllers: SATA disks, sda and so on. The ports do the work (ahci_port.c); CD drives and
 * port multipliers are left alone. */
#include "ahci.h"

#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/time.h>

#define CLASS_AHCI 0x010601
#define BAR_AHCI 5
#define HANDOVER_LIMIT (2 * NSEC_PER_SEC)

static u32 hba_read(const struct ahci *h, unsigned int off)
{
	return *(volatile u32 *)(h->regs + off);
}
static void hba_write(struct ahci *h, unsigned int off, u32 v)
{
	*(volatile u32 *)(h->regs + off) = v;
}

static bool ahci_interrupt(void *arg)
{
	struct ahci *h = arg;
	u32 is = hba_read(h, HBA_IS), all = is;

	if (is == 0 || is == ~0u)
		return false;
	for (; is; is &= is - 1) {
		unsigned int n = (unsigned int)__builtin_ctz(is);

		if (h->ports[n])
			ahci_port_interrupt(h->ports[n]);
	}
	/* After the ports: their causes are gone, so this bit stays down. */
	hba_write(h, HBA_IS, all);
	return true;
}

/* Firmware that still owns the controller lets go of it (AHCI 1.3.1, 10.6). */
static void take_over(struct ahci *h)
{
	u64 end = ktime_get() + HANDOVER_LIMIT;

	if (!(hba_read(h, HBA_CAP2) & CAP2_BOH))
		return;
	hba_write(h, HBA_BOHC, hba_read(h, HBA_BOHC) | BOHC_OS);
	while ((hba_read(h, HBA_BOHC) & BOHC_BIOS) && ktime_get() < end)
		udelay(100);
}

/* Ports with disks. */
static unsigned int find_disks(struct ahci *h)
{
	u32 ports = hba_read(h, HBA_PI);
	unsigned int found = 0;

	for (; ports; ports &= ports - 1) {
		unsigned int n = (unsigned int)__builtin_ctz(ports);

		if (0x100 + 0x80 * (n + 1) <= h->pci->bars[BAR_AHCI].size &&
		    ahci_port_init(h, n) == 0)
			found++;
	}
	return found;
}

static void ahci_free(struct ahci *h)
{
	pci_free_irqs(h->pci);
	for (unsigned int n = 0; n < 32; n++)
		if (h->ports[n])
			ahci_port_free(h->ports[n]);
	if (h->regs)
		pci_unmap((void *)h->regs, 0);
	h->pci->private = NULL;
	kfree(h);
}

static void add_disks(struct ahci *h, const char *path)
{
	for (unsigned int n = 0; n < 32; n++) {
		int rc = h->ports[n] ? ahci_port_add_disk(h->ports[n], path) : 0;

		if (rc)
			log_warn(h->ports[n]->name, "disk cannot be added: error %d", rc);
	}
}

static int ahci_probe(struct pci_dev *pci)
{
	struct ahci *h = kzalloc(sizeof(*h), GFP_KERNEL);
	char path[100];
	int rc;

	if (!h)
		return -ENOMEM;
	h->pci = pci;
	pci->private = h;
	scnprintf(h->name, sizeof(h->name), "ahci");
	pci_enable(pci);
	rc = pci_sysfs_path(pci, path, sizeof(path));
	if (rc)
		goto undo;
	rc = -EINVAL;
	h->regs = pci_map_bar(pci, BAR_AHCI, 0, 0);
	if (!h->regs || pci->bars[BAR_AHCI].size < 0x180)
		goto undo;
	take_over(h);
	hba_write(h, HBA_GHC, hba_read(h, HBA_GHC) | GHC_AE);
	h->cap = hba_read(h, HBA_CAP);
	rc = -ENODEV;
	if (!find_disks(h))
		goto undo;
	rc = pci_alloc_vectors(pci, 1);
	if (rc < 0)
		goto undo;
	rc = pci_request_irq(pci, 0, -1, h->name, ahci_interrupt, h);
	if (rc)
		goto undo;
	hba_write(h, HBA_IS, ~0u);
	hba_write(h, HBA_GHC, hba_read(h, HBA_GHC) | GHC_IE);
	add_disks(h, path);
	return 0;
undo:
	ahci_free(h);
	return rc;
}

static void ahci_shutdown(struct pci_dev *pci)
{
	struct ahci *h = pci->private;

	for (unsigned int n = 0; n < 32; n++)
		if (h->ports[n])
			ahci_port_shutdown(h->ports[n]);
	hba_write(h, HBA_GHC, hba_read(h, HBA_GHC) & (u32)~GHC_IE);
}

static const struct pci_id ahci_ids[] = {
	{ .vendor = PCI_ANY, .device = PCI_ANY, .class = CLASS_AHCI, .class_mask = 0xffffff },
	{ .vendor = 0 },
};
TABLE_ENTRY(pci_drivers, struct pci_driver, ahci) = {
	.name = "ahci",
	.ids = ahci_ids,
	.probe = ahci_probe,
	.shutdown = ahci_shutdown,
};
