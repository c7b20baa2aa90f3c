/* SPDX-License-Identifier: MIT */
/* Configuration space: through memory (ECAM) where the MCFG table has the bus, else through the
 * ports 0xcf8 and 0xcfc, which reach the first 256 bytes of segment 0.
 *
 * The ECAM is mapped bus by bus as the scan finds them: all 256 would take half a megabyte of page
 * tables. The table is believed only when both ways read the same first device.
 * Locking: port_lock around the pair of ports; ECAM accesses need none. */
#include "pci_internal.h"

#include <asm/acpi.h>
#include <asm/ports.h>
#include <kernel/init.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/slab.h>

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000u
#define BUS_SIZE (1u << 20)

static DEFINE_SPINLOCK(port_lock, LOCK_IRQ_DESC);
static bool use_ports __ro_after_init, use_ecam __ro_after_init;
static bool ecam_allowed __initdata = true;

static int noecam_param(const char *value __maybe_unused)
{
	ecam_allowed = false;
	return 0;
}
BOOT_PARAM("pci.noecam", noecam_param);

static u32 all_ones(unsigned int size)
{
	return size == 4 ? ~0u : (1u << 8 * size) - 1;
}

static u32 port_read(unsigned int bdf, unsigned int off, unsigned int size)
{
	u16 port = (u16)(CONFIG_DATA + (off & 3));
	irqflags_t f;
	u32 v;

	if (off > 0xff || !use_ports)
		return all_ones(size);
	f = spin_lock_irqsave(&port_lock);
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | bdf << 8 | (off & 0xfc));
	v = size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
	spin_unlock_irqrestore(&port_lock, f);
	return v;
}

static void port_write(unsigned int bdf, unsigned int off, unsigned int size, u32 v)
{
	u16 port = (u16)(CONFIG_DATA + (off & 3));
	irqflags_t f;

	if (off > 0xff || !use_ports)
		return;
	f = spin_lock_irqsave(&port_lock);
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | bdf << 8 | (off & 0xfc));
	if (size == 1)
		outb(port, (u8)v);
	else if (size == 2)
		outw(port, (u16)v);
	else
		outl(port, v);
	spin_unlock_irqrestore(&port_lock, f);
}

u32 config_read(const void *config, unsigned int bdf, unsigned int off, unsigned int size)
{
	const volatile u8 *p = (const volatile u8 *)config + off;

	if (!config)
		return port_read(bdf, off, size);
	if (off + size > 4096)
		return all_ones(size);
	if (size == 1)
		return *p;
	return size == 2 ? *(const volatile u16 *)p : *(const volatile u32 *)p;
}

static unsigned int bdf_of(const struct pci_dev *d)
{
	return (unsigned int)d->bus << 8 | (unsigned int)d->slot << 3 | d->func;
}

u8 pci_read8(const struct pci_dev *d, unsigned int off)
{
	return (u8)config_read(d->config, bdf_of(d), off, 1);
}
u16 pci_read16(const struct pci_dev *d, unsigned int off)
{
	return (u16)config_read(d->config, bdf_of(d), off, 2);
}
u32 pci_read32(const struct pci_dev *d, unsigned int off)
{
	return config_read(d->config, bdf_of(d), off, 4);
}

static void config_write(const struct pci_dev *d, unsigned int off, unsigned int size, u32 v)
{
	volatile u8 *p;

	if (!d->config) {
		port_write(bdf_of(d), off, size, v);
		return;
	}
	if (off + size > 4096)
		return;
	p = (volatile u8 *)d->config + off;
	if (size == 1)
		*p = (u8)v;
	else if (size == 2)
		*(volatile u16 *)p = (u16)v;
	else
		*(volatile u32 *)p = v;
}

void pci_write8(const struct pci_dev *d, unsigned int off, u8 v)
{
	config_write(d, off, 1, v);
}
void pci_write16(const struct pci_dev *d, unsigned int off, u16 v)
{
	config_write(d, off, 2, v);
}
void pci_write32(const struct pci_dev *d, unsigned int off, u32 v)
{
	config_write(d, off, 4, v);
}

u8 pci_find_cap(const struct pci_dev *d, u8 id, u8 from)
{
	u8 at;

	if (!(pci_read16(d, PCI_STATUS) & STATUS_CAPABILITIES))
		return 0;
	at = pci_read8(d, from ? from + 1u : PCI_CAPABILITIES) & 0xfc;
	/* 48: what fits between the header and the end. */
	for (unsigned int n = 0; at >= 0x40 && n < 48; n++) {
		u16 head = pci_read16(d, at);

		if ((head & 0xff) == id)
			return at;
		at = head >> 8 & 0xfc;
	}
	return 0;
}

u16 pci_find_ext_cap(const struct pci_dev *d, u16 id)
{
	u16 at = 0x100;

	if (!d->config || !d->pcie_cap)
		return 0;
	for (unsigned int n = 0; at >= 0x100 && n < 960; n++) {
		u32 head = pci_read32(d, at);

		if (head == 0 || head == ~0u)
			return 0;
		if ((head & 0xffff) == id)
			return at;
		at = head >> 20 & 0xffc;
	}
	return 0;
}

void pci_read_caps(struct pci_dev *d)
{
	u8 at;

	if (!(pci_read16(d, PCI_STATUS) & STATUS_CAPABILITIES))
		return;
	at = pci_read8(d, PCI_CAPABILITIES) & 0xfc;
	for (unsigned int n = 0; at >= 0x40 && n < 48; n++) {
		u16 head = pci_read16(d, at);

		if ((head & 0xff) == CAP_MSI)
			d->msi_cap = at;
		else if ((head & 0xff) == CAP_MSIX)
			d->msix_cap = at;
		else if ((head & 0xff) == CAP_PCIE)
			d->pcie_cap = at;
		at = head >> 8 & 0xfc;
	}
}

static void change_command(struct pci_dev *d, u16 clear, u16 set)
{
	u16 old = pci_read16(d, PCI_COMMAND), v = (old & (u16)~clear) | set;

	if (v != old)
		pci_write16(d, PCI_COMMAND, v);
}

void pci_enable(struct pci_dev *d)
{
	for (struct pci_dev *b = d->parent; b; b = b->parent)
		change_command(b, 0, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER);
	change_command(d, 0, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER);
}

void pci_disable(struct pci_dev *d)
{
	change_command(d, COMMAND_MASTER, 0);
}

void *config_map_bus(u8 bus)
{
	if (!use_ecam || bus < acpi.mcfg_first_bus || bus > acpi.mcfg_last_bus)
		return NULL;
	return ioremap((paddr_t){ acpi.mcfg_base + (u64)bus * BUS_SIZE }, BUS_SIZE, MEM_UNCACHED);
}

bool config_init(void)
{
	void *first;
	u32 id;

	outl(CONFIG_ADDRESS, CONFIG_ENABLE);
	use_ports = inl(CONFIG_ADDRESS) == CONFIG_ENABLE;
	if (!ecam_allowed || !acpi.mcfg_base || acpi.mcfg_segment || acpi.mcfg_first_bus)
		return use_ports;
	first = ioremap((paddr_t){ acpi.mcfg_base }, PAGE_SIZE, MEM_UNCACHED);
	if (!first)
		return use_ports;
	id = config_read(first, 0, PCI_ID, 4);
	use_ecam = id != ID_NONE && (!use_ports || id == port_read(0, PCI_ID, 4));
	if (!use_ecam)
		log_warn("pci", "the MCFG table names %llx: no configuration space there",
			 (unsigned long long)acpi.mcfg_base);
	iounmap(first);
	return use_ports || use_ecam;
}
