/* SPDX-License-Identifier: MIT */
/* What the parts of the PCI code share. */
#ifndef PCI_INTERNAL_H
#define PCI_INTERNAL_H

#include <drivers/pci.h>

/* Registers of the configuration space (PCI 3.0, chapter 6; PCI-to-PCI Bridge 1.2). */
#define PCI_ID 0x00
#define PCI_COMMAND 0x04
#define PCI_STATUS 0x06
#define PCI_REVISION 0x08
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR(n) (0x10 + 4 * (n))
#define PCI_SUBSYSTEM 0x2c
#define PCI_CAPABILITIES 0x34
#define PCI_IRQ_LINE 0x3c
#define PCI_IRQ_PIN 0x3d
#define PCI_PRIMARY 0x18
#define PCI_SECONDARY 0x19
#define PCI_SUBORDINATE 0x1a
#define PCI_IO_BASE 0x1c
#define PCI_MEM_BASE 0x20
#define PCI_PREF_BASE 0x24
#define PCI_PREF_BASE_HIGH 0x28

#define COMMAND_IO BIT(0)
#define COMMAND_MEMORY BIT(1)
#define COMMAND_MASTER BIT(2)
#define COMMAND_NO_INTX BIT(10)
#define STATUS_CAPABILITIES BIT(4)
#define HEADER_MULTI 0x80
#define HEADER_BRIDGE 1

#define CAP_MSI 0x05
#define CAP_PCIE 0x10
#define CAP_MSIX 0x11

/* Not present: what a read of an empty slot gives. */
#define ID_NONE 0xffffffffu

/* --- config.c --- */
/* A function's registers before there is a struct pci_dev. config: its ECAM page or NULL. */
u32 config_read(const void *config, unsigned int bdf, unsigned int off, unsigned int size);
bool config_init(void);		   /* false: no PCI here */
void *config_map_bus(u8 bus);	   /* ECAM of a bus, 1 MiB; NULL: use ports */
void pci_read_caps(struct pci_dev *d);

/* --- scan.c --- */
extern struct list_head pci_devices; /* in bus order; fixed after pci_scan */
int pci_scan(void);

/* --- resource.c --- */
void pci_size_bars(struct pci_dev *d);
void pci_assign_resources(void);

/* --- irq.c --- */
void pci_irq_quiesce(struct pci_dev *d); /* MSI and MSI-X as the firmware left them: off */

/* --- sysfs.c --- */
int pci_sysfs_add(struct pci_dev *d);
void pci_sysfs_driver(struct pci_dev *d);

#endif
