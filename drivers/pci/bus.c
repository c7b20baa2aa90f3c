/* SPDX-License-Identifier: MIT */
/* Devices meet their drivers; /proc/bus/pci/devices; the end. */
#include "pci_internal.h"

#include <fs/procfs.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/log.h>

static bool id_matches(const struct pci_id *id, const struct pci_dev *d)
{
	return (id->vendor == PCI_ANY || id->vendor == d->vendor) &&
	       (id->device == PCI_ANY || id->device == d->device) &&
	       ((id->class ^ d->class) & id->class_mask) == 0;
}

static bool driver_knows(const struct pci_driver *drv, const struct pci_dev *d)
{
	for (const struct pci_id *id = drv->ids; id->vendor || id->class_mask; id++)
		if (id_matches(id, d))
			return true;
	return false;
}

static void device_probe(struct pci_dev *d)
{
	PCI_FOREACH_DRIVER(drv) {
		int rc;

		if (!driver_knows(drv, d))
			continue;
		d->driver = drv;
		rc = drv->probe(d);
		if (rc == 0) {
			pci_sysfs_driver(d);
			return;
		}
		if (rc != -ENODEV)
			log_warn("pci", "%s: %s: error %d", d->name, drv->name, rc);
		d->driver = NULL;
	}
}

static int pci_init(void)
{
	struct pci_dev *d;
	int rc;

	if (!config_init())
		return 0;
	rc = pci_scan();
	if (rc)
		return rc;
	pci_assign_resources();
	list_for_each_entry (d, &pci_devices, node) {
		rc = pci_sysfs_add(d);
		if (rc)
			log_warn("pci", "%s: no directory in /sys: error %d", d->name, rc);
	}
	list_for_each_entry (d, &pci_devices, node)
		device_probe(d);
	return 0;
}
INIT_HOOK(INIT_DRIVER, pci_init);

static void pci_shutdown(void)
{
	struct pci_dev *d;

	list_for_each_entry (d, &pci_devices, node) {
		if (!d->driver)
			continue;
		if (d->driver->shutdown)
			d->driver->shutdown(d);
		pci_disable(d);
	}
}
SHUTDOWN_HOOK(pci_shutdown);

static int devices_show(struct strbuf *sb)
{
	struct pci_dev *d;

	list_for_each_entry (d, &pci_devices, node) {
		sb_printf(sb, "%02x%02x\t%04x%04x\t%x", d->bus, d->slot << 3 | d->func, d->vendor,
			  d->device, d->irq_line);
		/* Six registers and the ROM, their sizes behind. */
		for (unsigned int i = 0; i < 7; i++)
			sb_printf(sb, "\t%16llx",
				  i == 6 || !d->bars[i].size ? 0ull :
				  (unsigned long long)(d->bars[i].base | (d->bars[i].io ? 1 : 0) |
						       (d->bars[i].is64 ? 4 : 0) |
						       (d->bars[i].prefetch ? 8 : 0)));
		for (unsigned int i = 0; i < 7; i++)
			sb_printf(sb, "\t%16llx",
				  i == 6 ? 0ull : (unsigned long long)d->bars[i].size);
		sb_printf(sb, "\t%s\n", d->driver ? d->driver->name : "");
	}
	return 0;
}
PROC_FILE(pci_devices, "bus/pci/devices", 0444, devices_show);
