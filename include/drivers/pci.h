/* SPDX-License-Identifier: MIT */
/* PCI and PCI Express: finding devices, their registers, memory and interrupts.
 * Source: PCI Local Bus 3.0, PCI Express Base 2.1 (capabilities, ECAM), PCI Firmware 3.0 (MCFG).
 *
 * Use: a driver is a row TABLE_ENTRY(pci_drivers, struct pci_driver, virtio_blk) = {...}; probe is
 * called for each device that matches, in bus order, from INIT_DRIVER, in task context. Config
 * access goes through ECAM where the MCFG table has the bus, else through ports 0xcf8/0xcfc.
 * Locking: the list of devices is fixed after enumeration; config access by ports is serialised by
 * a spinlock (LOCK_DRIVER_IRQ). One driver owns a device; it serialises itself. */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <arch/ops.h>
#include <kernel/list.h>
#include <kernel/table.h>
#include <kernel/types.h>

struct pci_vector;
struct sysfs_node;

struct pci_bar {
	u64 base; /* bus address = physical */
	u64 size; /* bytes; 0: not there */
	bool io, is64, prefetch;
};
struct pci_dev {
	u16 segment;
	u8 bus, slot, func;
	u16 vendor, device, subvendor, subdevice;
	u32 class; /* 24 bits: class, subclass, interface */
	u8 revision, header_type, irq_pin, irq_line;
	u8 child_bus;		 /* bridges: number of the bus behind; 0: none */
	struct pci_dev *parent;	 /* the bridge before it; NULL on a root bus */
	void *config;		 /* its page of the ECAM, mapped; NULL: ports */
	struct pci_bar bars[6];
	u8 msi_cap, msix_cap, pcie_cap; /* offsets; 0: none */
	u8 irq_mode;		 /* enum pci_irq_mode */
	unsigned int nr_vectors; /* in use */
	struct pci_vector *vectors;
	void *msix_table;	 /* mapped */
	const struct pci_driver *driver;
	void *private;		 /* driver's */
	char name[16];		 /* "0000:00:04.0" */
	struct list_head node;
	struct sysfs_node *sysfs;
};
u8 pci_read8(const struct pci_dev *d, unsigned int off);
u16 pci_read16(const struct pci_dev *d, unsigned int off);
u32 pci_read32(const struct pci_dev *d, unsigned int off);
void pci_write8(const struct pci_dev *d, unsigned int off, u8 v);
void pci_write16(const struct pci_dev *d, unsigned int off, u16 v);
void pci_write32(const struct pci_dev *d, unsigned int off, u32 v);
/* Offset of capability `id` after `from` (0: the first), 0 when there is none. Loops are cut. */
u8 pci_find_cap(const struct pci_dev *d, u8 id, u8 from);
u16 pci_find_ext_cap(const struct pci_dev *d, u16 id);
void pci_enable(struct pci_dev *d); /* I/O and memory decoding, bus mastering */
void pci_disable(struct pci_dev *d);
/* Maps [off, off+size) of a memory BAR uncached; size 0: to its end. NULL: no such BAR, no memory.
 */
void *pci_map_bar(struct pci_dev *d, unsigned int bar, u64 off, u64 size);
void pci_unmap(void *va, u64 size);
/* Makes up to `want` interrupt vectors available, MSI-X before MSI before the INTx line: the number
 * (>= 1) or -errno. The line is shared: handlers must ask their device. */
int pci_alloc_vectors(struct pci_dev *d, unsigned int want);
/* Handler of vector v < pci_alloc_vectors(). cpu: where it should run, or -1. 0 or -errno. */
int pci_request_irq(struct pci_dev *d, unsigned int v, int cpu, const char *name,
		    irq_handler_fn *fn, void *arg);
void pci_free_irqs(struct pci_dev *d); /* all handlers and vectors; none runs any more */
bool pci_uses_msix(const struct pci_dev *d);

#define PCI_ANY 0xffff
struct pci_id {
	u16 vendor, device; /* PCI_ANY */
	u32 class, class_mask;
};
struct pci_driver {
	const char *name;
	const struct pci_id *ids; /* ends with all zero */
	/* 0: mine; -errno: the next driver is asked (-ENODEV: not for me after all, others are
	 * logged) */
	int (*probe)(struct pci_dev *d);
	void (*shutdown)(struct pci_dev *d); /* power off, reboot: stop DMA; NULL: nothing to do */
};
#define PCI_FOREACH_DRIVER(d) TABLE_FOREACH(pci_drivers, struct pci_driver, d)
/* All devices, in bus order; NULL starts and ends. */
struct pci_dev *pci_next(struct pci_dev *d);
/* Path of its directory below /sys/devices: "pci0000:00/0000:00:04.0". 0 or -ENAMETOOLONG. */
int pci_sysfs_path(const struct pci_dev *d, char *buf, size_t size);

#endif
