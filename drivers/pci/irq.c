/* SPDX-License-Identifier: MIT */
/* Interrupts of PCI devices: MSI-X, one message of MSI, or the INTx line.
 * Source: PCI 3.0, 6.8 (MSI and MSI-X). One driver owns a device: no locks. */
#include "pci_internal.h"

#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>

enum pci_irq_mode { IRQ_NONE, IRQ_LINE, IRQ_MSI, IRQ_MSIX };

#define MSIX_ENABLE BIT(15)
#define MSIX_MASK_ALL BIT(14)
#define MSIX_ENTRY 16
#define MSIX_ENTRY_MASKED 1u
#define MSI_ENABLE BIT(0)
#define MSI_MULTIPLE 0x70 /* number of messages enabled: one */
#define MSI_64 BIT(7)

struct pci_vector {
	void *arg;
	int number; /* in /proc/interrupts; 0: not requested */
	char name[24];
};

void pci_irq_quiesce(struct pci_dev *d)
{
	if (d->msix_cap)
		pci_write16(d, d->msix_cap + 2u, 0);
	if (d->msi_cap)
		pci_write16(d, d->msi_cap + 2u,
			    pci_read16(d, d->msi_cap + 2u) & (u16)~(MSI_ENABLE | MSI_MULTIPLE));
}

static void intx(struct pci_dev *d, bool on)
{
	u16 v = pci_read16(d, PCI_COMMAND);

	pci_write16(d, PCI_COMMAND, on ? v & (u16)~COMMAND_NO_INTX : v | COMMAND_NO_INTX);
}

static volatile u32 *msix_entry(const struct pci_dev *d, unsigned int v)
{
	return (volatile u32 *)((u8 *)d->msix_table + v * MSIX_ENTRY);
}

/* Maps the table and turns MSI-X on with everything masked: vectors, or 0. */
static unsigned int msix_start(struct pci_dev *d, unsigned int want)
{
	unsigned int size, nr;
	u32 where;

	if (!d->msix_cap)
		return 0;
	size = (pci_read16(d, d->msix_cap + 2u) & 0x7ffu) + 1;
	where = pci_read32(d, d->msix_cap + 4u);
	d->msix_table = pci_map_bar(d, where & 7, where & ~7u, (u64)size * MSIX_ENTRY);
	if (!d->msix_table)
		return 0;
	nr = min(want, size);
	pci_write16(d, d->msix_cap + 2u, MSIX_ENABLE | MSIX_MASK_ALL);
	for (unsigned int v = 0; v < size; v++)
		msix_entry(d, v)[3] = MSIX_ENTRY_MASKED;
	pci_write16(d, d->msix_cap + 2u, MSIX_ENABLE);
	return nr;
}

int pci_alloc_vectors(struct pci_dev *d, unsigned int want)
{
	unsigned int nr;

	if (d->irq_mode || want == 0)
		return -EBUSY;
	d->vectors = kmalloc_array(want, sizeof(*d->vectors), GFP_KERNEL | GFP_ZERO);
	if (!d->vectors)
		return -ENOMEM;
	nr = msix_start(d, want);
	if (nr) {
		d->irq_mode = IRQ_MSIX;
		intx(d, false);
	} else if (d->msi_cap) {
		d->irq_mode = IRQ_MSI;
		nr = 1;
		intx(d, false);
	} else if (d->irq_pin && d->irq_line != 0 && d->irq_line != 0xff) {
		d->irq_mode = IRQ_LINE;
		nr = 1;
		intx(d, true);
	} else {
		log_warn("pci", "%s: no way to interrupt", d->name);
		kfree(d->vectors);
		d->vectors = NULL;
		return -ENODEV;
	}
	d->nr_vectors = nr;
	return (int)nr;
}

static void msi_program(struct pci_dev *d, u64 addr, u32 data)
{
	unsigned int cap = d->msi_cap;
	u16 ctl = pci_read16(d, cap + 2);

	pci_write32(d, cap + 4, (u32)addr);
	if (ctl & MSI_64) {
		pci_write32(d, cap + 8, (u32)(addr >> 32));
		pci_write16(d, cap + 12, (u16)data);
	} else {
		pci_write16(d, cap + 8, (u16)data);
	}
	pci_write16(d, cap + 2, (ctl & (u16)~MSI_MULTIPLE) | MSI_ENABLE);
}

static void msix_program(struct pci_dev *d, unsigned int v, u64 addr, u32 data)
{
	volatile u32 *e = msix_entry(d, v);

	e[0] = (u32)addr;
	e[1] = (u32)(addr >> 32);
	e[2] = data;
	e[3] = 0;
}

int pci_request_irq(struct pci_dev *d, unsigned int v, int cpu, const char *name,
		    irq_handler_fn *fn, void *arg)
{
	struct pci_vector *vec;
	u64 addr;
	u32 data;
	int rc;

	if (v >= d->nr_vectors)
		return -EINVAL;
	vec = &d->vectors[v];
	if (vec->number)
		return -EBUSY;
	strscpy(vec->name, name, sizeof(vec->name));
	vec->arg = arg;
	if (d->irq_mode == IRQ_LINE) {
		rc = irq_request_pci(d->irq_line, vec->name, fn, arg);
		vec->number = rc == 0 ? d->irq_line : 0;
		return rc;
	}
	rc = irq_request_msi(cpu, vec->name, fn, arg, &addr, &data);
	if (rc < 0)
		return rc;
	vec->number = rc;
	if (d->irq_mode == IRQ_MSIX)
		msix_program(d, v, addr, data);
	else
		msi_program(d, addr, data);
	return 0;
}

void pci_free_irqs(struct pci_dev *d)
{
	if (!d->irq_mode)
		return;
	if (d->irq_mode == IRQ_LINE)
		intx(d, false);
	else
		pci_irq_quiesce(d);
	for (unsigned int v = 0; v < d->nr_vectors; v++)
		if (d->vectors[v].number)
			irq_free(d->vectors[v].name, d->vectors[v].arg);
	if (d->irq_mode == IRQ_MSIX)
		pci_unmap(d->msix_table, 0);
	kfree(d->vectors);
	d->vectors = NULL;
	d->msix_table = NULL;
	d->nr_vectors = 0;
	d->irq_mode = IRQ_NONE;
}

bool pci_uses_msix(const struct pci_dev *d)
{
	return d->irq_mode == IRQ_MSIX;
}
