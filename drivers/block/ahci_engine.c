/* SPDX-License-Identifier: MIT */
/* The registers of an AHCI port: starting, stopping, resetting it, one command without interrupts.
 * Source: AHCI 1.3.1, 10.1 (initialisation), 10.3 (starting and stopping), 10.4.2 (port reset).
 * Callers see to it that nobody else uses the port. */
#include "ahci.h"

#include <kernel/errno.h>
#include <kernel/string.h>
#include <kernel/time.h>

#define STOP_LIMIT (500 * NSEC_PER_MSEC)
#define LINK_LIMIT (1 * NSEC_PER_SEC)
#define READY_LIMIT (10 * NSEC_PER_SEC)
#define EXEC_LIMIT (10 * NSEC_PER_SEC)

/* Waits until (register & mask) == want. */
static int wait_for(const struct ahci_port *p, unsigned int off, u32 mask, u32 want, u64 limit)
{
	u64 end = ktime_get() + limit;

	while ((port_read(p, off) & mask) != want) {
		if (ktime_get() > end)
			return -EIO;
		udelay(10);
	}
	return 0;
}

int ahci_engine_stop(struct ahci_port *p)
{
	u32 cmd = port_read(p, PX_CMD);

	if (cmd & (CMD_ST | CMD_CR))
		port_write(p, PX_CMD, cmd & (u32)~CMD_ST);
	return wait_for(p, PX_CMD, CMD_CR, 0, STOP_LIMIT);
}

static int link_reset(struct ahci_port *p)
{
	u32 ctl = port_read(p, PX_SCTL) & ~15u;
	int rc;

	port_write(p, PX_SCTL, ctl | 1);
	udelay(1000); /* the device sees it for at least a millisecond */
	port_write(p, PX_SCTL, ctl);
	rc = wait_for(p, PX_SSTS, SSTS_DET_MASK, SSTS_DET_UP, LINK_LIMIT);
	/* Neither its engine nor its link obeys: no more memory for this controller. */
	if (rc && (port_read(p, PX_CMD) & CMD_CR))
		pci_disable(p->hba->pci);
	return rc;
}

int ahci_engine_start(struct ahci_port *p, bool reset)
{
	int rc = reset ? link_reset(p) : 0;

	port_write(p, PX_SERR, ~0u);
	port_write(p, PX_IS, ~0u);
	if (rc == 0)
		rc = wait_for(p, PX_TFD, TFD_BSY | TFD_DRQ, 0, READY_LIMIT);
	if (rc)
		return rc;
	port_write(p, PX_CMD, port_read(p, PX_CMD) | CMD_ST);
	port_write(p, PX_IE, IS_WANTED);
	return 0;
}

void ahci_fis(struct ahci_table *t, u8 command, u16 features, u64 lba, u16 count, u8 device)
{
	const u8 fis[16] = { 0x27, 0x80, command, (u8)features, (u8)lba, (u8)(lba >> 8),
			     (u8)(lba >> 16), device, (u8)(lba >> 24), (u8)(lba >> 32),
			     (u8)(lba >> 40), (u8)(features >> 8), (u8)count, (u8)(count >> 8) };

	memcpy(t->fis, fis, sizeof(fis));
	memset(t->fis + 16, 0, 4);
}

void ahci_header(struct ahci_port *p, unsigned int slot, unsigned int nr_segs, bool write)
{
	struct ahci_header *h = &p->list[slot];

	h->flags = 5 | (write ? HEADER_WRITE : 0);
	h->nr_segs = (u16)nr_segs;
	h->transferred = 0;
}

int ahci_engine_exec(struct ahci_port *p, u8 command, void *buf)
{
	struct ahci_table *t = &p->tables[0];
	u64 end = ktime_get() + EXEC_LIMIT;
	int rc = 0;

	ahci_fis(t, command, 0, 0, 0, 0x40);
	if (buf) {
		u64 pa = virt_to_phys(buf).v;

		t->segs[0] = (struct ahci_seg){ .addr = (u32)pa, .addr_high = (u32)(pa >> 32),
						.last_byte = 511 };
	}
	ahci_header(p, 0, buf ? 1 : 0, false);
	port_write(p, PX_IE, 0);
	port_write(p, PX_IS, ~0u);
	barrier();
	port_write(p, PX_CI, 1);
	while (rc == 0 && (port_read(p, PX_CI) & 1)) {
		if ((port_read(p, PX_IS) & IS_ERRORS) || ktime_get() > end)
			rc = -EIO;
		udelay(5);
	}
	if (port_read(p, PX_TFD) & TFD_ERR)
		rc = -EIO;
	port_write(p, PX_IS, ~0u);
	port_write(p, PX_IE, IS_WANTED);
	return rc;
}
