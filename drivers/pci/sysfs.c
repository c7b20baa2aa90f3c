/* SPDX-License-Identifier: MIT */
/* What lspci and udev read: /sys/devices/pci0000:00/... and the links of /sys/bus/pci. */
#include "pci_internal.h"

#include <fs/sysfs.h>
#include <kernel/errno.h>
#include <kernel/printf.h>
#include <kernel/string.h>

/* linux/ioport.h: flags in the file `resource`. */
#define RESOURCE_IO 0x100
#define RESOURCE_MEM 0x200
#define RESOURCE_PREFETCH 0x2000
#define RESOURCE_SIZEALIGN 0x40000
#define RESOURCE_MEM_64 0x100000
#define RESOURCE_ROWS 13

static int vendor_show(void *arg, struct strbuf *sb)
{
	sb_printf(sb, "0x%04x\n", ((struct pci_dev *)arg)->vendor);
	return 0;
}
static int device_show(void *arg, struct strbuf *sb)
{
	sb_printf(sb, "0x%04x\n", ((struct pci_dev *)arg)->device);
	return 0;
}
static int subvendor_show(void *arg, struct strbuf *sb)
{
	sb_printf(sb, "0x%04x\n", ((struct pci_dev *)arg)->subvendor);
	return 0;
}
static int subdevice_show(void *arg, struct strbuf *sb)
{
	sb_printf(sb, "0x%04x\n", ((struct pci_dev *)arg)->subdevice);
	return 0;
}
static int class_show(void *arg, struct strbuf *sb)
{
	sb_printf(sb, "0x%06x\n", ((struct pci_dev *)arg)->class);
	return 0;
}
static int revision_show(void *arg, struct strbuf *sb)
{
	sb_printf(sb, "0x%02x\n", ((struct pci_dev *)arg)->revision);
	return 0;
}
static int irq_show(void *arg, struct strbuf *sb)
{
	const struct pci_dev *d = arg;

	sb_printf(sb, "%u\n", d->irq_pin ? d->irq_line : 0);
	return 0;
}
static int enable_show(void *arg, struct strbuf *sb)
{
	sb_printf(sb, "%u\n", ((struct pci_dev *)arg)->driver ? 1 : 0);
	return 0;
}
static int numa_show(void *arg __maybe_unused, struct strbuf *sb)
{
	sb_puts(sb, "-1\n");
	return 0;
}

static int resource_show(void *arg, struct strbuf *sb)
{
	const struct pci_dev *d = arg;

	for (unsigned int i = 0; i < RESOURCE_ROWS; i++) {
		const struct pci_bar *b = i < 6 ? &d->bars[i] : NULL;
		u64 flags;

		if (!b || !b->size || !b->base) {
			sb_puts(sb, "0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
			continue;
		}
		flags = RESOURCE_SIZEALIGN | (b->io ? RESOURCE_IO | 1 : RESOURCE_MEM);
		flags |= (b->prefetch ? RESOURCE_PREFETCH | 8 : 0) |
			 (b->is64 ? RESOURCE_MEM_64 | 4 : 0);
		sb_printf(sb, "0x%016llx 0x%016llx 0x%016llx\n", (unsigned long long)b->base,
			  (unsigned long long)(b->base + b->size - 1), (unsigned long long)flags);
	}
	return 0;
}

static int config_show(void *arg, struct strbuf *sb)
{
	const struct pci_dev *d = arg;
	unsigned int size = d->config && d->pcie_cap ? 4096 : 256;

	for (unsigned int off = 0; off < size; off += 4) {
		u32 v = pci_read32(d, off);

		sb_write(sb, &v, 4);
	}
	return 0;
}

static void put_modalias(const struct pci_dev *d, struct strbuf *sb)
{
	sb_printf(sb, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", d->vendor, d->device,
		  d->subvendor, d->subdevice, d->class >> 16, d->class >> 8 & 0xff,
		  d->class & 0xff);
}

static int modalias_show(void *arg, struct strbuf *sb)
{
	put_modalias(arg, sb);
	return 0;
}

static int uevent_show(void *arg, struct strbuf *sb)
{
	const struct pci_dev *d = arg;

	if (d->driver)
		sb_printf(sb, "DRIVER=%s\n", d->driver->name);
	sb_printf(sb, "PCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n", d->class,
		  d->vendor, d->device, d->subvendor, d->subdevice);
	sb_printf(sb, "PCI_SLOT_NAME=%s\nMODALIAS=", d->name);
	put_modalias(d, sb);
	return 0;
}

static const struct sysfs_attr attrs[] = {
	{ .name = "vendor", .mode = 0444, .show = vendor_show },
	{ .name = "device", .mode = 0444, .show = device_show },
	{ .name = "subsystem_vendor", .mode = 0444, .show = subvendor_show },
	{ .name = "subsystem_device", .mode = 0444, .show = subdevice_show },
	{ .name = "class", .mode = 0444, .show = class_show },
	{ .name = "revision", .mode = 0444, .show = revision_show },
	{ .name = "irq", .mode = 0444, .show = irq_show },
	{ .name = "enable", .mode = 0444, .show = enable_show },
	{ .name = "numa_node", .mode = 0444, .show = numa_show },
	{ .name = "resource", .mode = 0444, .show = resource_show },
	{ .name = "config", .mode = 0400, .show = config_show },
	{ .name = "modalias", .mode = 0444, .show = modalias_show },
	{ .name = "uevent", .mode = 0444, .show = uevent_show },
};

int pci_sysfs_path(const struct pci_dev *d, char *buf, size_t size)
{
	const struct pci_dev *chain[17];
	struct strbuf sb;
	unsigned int n = 0;

	for (; d && n < ARRAY_SIZE(chain); d = d->parent)
		chain[n++] = d;
	sb_init(&sb, buf, size);
	sb_puts(&sb, "pci0000:00");
	while (n--)
		sb_printf(&sb, "/%s", chain[n]->name);
	return sb.overflow ? -ENAMETOOLONG : 0;
}

/* A link from a directory two levels below /sys (bus/pci/devices) to path below /sys/devices. */
static int link_up(const char *dir, const char *name, const char *path)
{
	struct sysfs_node *n;
	char target[256];
	int rc = sysfs_dir(NULL, dir, &n);

	scnprintf(target, sizeof(target), "../../../devices/%s", path);
	return rc ? rc : sysfs_link(n, name, target);
}

int pci_sysfs_add(struct pci_dev *d)
{
	char path[200], full[220];
	int rc = pci_sysfs_path(d, path, sizeof(path));

	if (rc)
		return rc;
	scnprintf(full, sizeof(full), "devices/%s", path);
	rc = sysfs_dir(NULL, full, &d->sysfs);
	for (unsigned int i = 0; rc == 0 && i < ARRAY_SIZE(attrs); i++)
		rc = sysfs_attr(d->sysfs, &attrs[i], d);
	return rc ? rc : link_up("bus/pci/devices", d->name, path);
}

void pci_sysfs_driver(struct pci_dev *d)
{
	struct sysfs_node *n;
	char path[200], full[240];

	if (!d->sysfs || pci_sysfs_path(d, path, sizeof(path)))
		return;
	scnprintf(full, sizeof(full), "bus/pci/drivers/%s", d->driver->name);
	if (sysfs_dir(NULL, full, &n))
		return;
	scnprintf(full, sizeof(full), "../../../../devices/%s", path);
	sysfs_link(n, d->name, full);
	/* From the device's directory up to /sys: one step for each '/' of its path, and two. */
	full[0] = '\0';
	for (const char *p = path; p; p = strchr(p + 1, '/'))
		scnprintf(full + strlen(full), sizeof(full) - strlen(full), "../");
	scnprintf(full + strlen(full), sizeof(full) - strlen(full), "../bus/pci/drivers/%s",
		  d->driver->name);
	sysfs_link(d->sysfs, "driver", full);
}
