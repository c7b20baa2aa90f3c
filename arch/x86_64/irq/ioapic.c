/* SPDX-License-Identifier: MIT */
/* I/O APICs: every line masked until somebody asks for it, all of them delivered to the boot CPU.
 * Locking: ioapic_lock for the index/data register pair. */
#include <asm/acpi.h>
#include <asm/apic.h>
#include <asm/cpu.h>
#include <kernel/errno.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/slab.h>

#define IOREGSEL 0
#define IOWIN (0x10 / 4)
#define REG_VERSION 1
#define REG_LINE(n) (0x10 + 2 * (n))
#define LINE_MASKED 0x10000u
#define LINE_LEVEL 0x8000u
#define LINE_LOW 0x2000u

static struct ioapic {
	volatile u32 *regs;
	u32 gsi_base, lines;
} ioapics[ACPI_MAX_IOAPICS] __ro_after_init;
static unsigned int nr_ioapics __ro_after_init;
static DEFINE_SPINLOCK(ioapic_lock, LOCK_IRQ_DESC);

static u32 io_read(const struct ioapic *io, u32 reg)
{
	io->regs[IOREGSEL] = reg;
	return io->regs[IOWIN];
}
static void io_write(const struct ioapic *io, u32 reg, u32 v)
{
	io->regs[IOREGSEL] = reg;
	io->regs[IOWIN] = v;
}

void ioapic_init(void)
{
	for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
		struct ioapic *io = &ioapics[nr_ioapics];

		io->regs = ioremap((paddr_t){ acpi.ioapics[i].base }, 4096, MEM_UNCACHED);
		if (!io->regs) {
			log_err("ioapic", "cannot map %u", i);
			continue;
		}
		io->gsi_base = acpi.ioapics[i].gsi_base;
		io->lines = ((io_read(io, REG_VERSION) >> 16) & 0xff) + 1;
		for (u32 n = 0; n < io->lines; n++)
			io_write(io, REG_LINE(n), LINE_MASKED);
		nr_ioapics++;
	}
}

static const struct ioapic *ioapic_of(u32 gsi)
{
	for (unsigned int i = 0; i < nr_ioapics; i++)
		if (gsi >= ioapics[i].gsi_base && gsi - ioapics[i].gsi_base < ioapics[i].lines)
			return &ioapics[i];
	return NULL;
}

int ioapic_route(u32 gsi, unsigned int vector, bool level, bool low)
{
	const struct ioapic *io = ioapic_of(gsi);
	u32 n, v = vector | (level ? LINE_LEVEL : 0) | (low ? LINE_LOW : 0);
	irqflags_t f;

	if (!io)
		return -ENODEV;
	n = gsi - io->gsi_base;
	f = spin_lock_irqsave(&ioapic_lock);
	io_write(io, REG_LINE(n), LINE_MASKED);
	io_write(io, REG_LINE(n) + 1, cpu_apic_id[0] << 24);
	io_write(io, REG_LINE(n), v);
	spin_unlock_irqrestore(&ioapic_lock, f);
	return 0;
}

void ioapic_mask(u32 gsi)
{
	const struct ioapic *io = ioapic_of(gsi);
	irqflags_t f;

	if (!io)
		return;
	f = spin_lock_irqsave(&ioapic_lock);
	io_write(io, REG_LINE(gsi - io->gsi_base), LINE_MASKED);
	spin_unlock_irqrestore(&ioapic_lock, f);
}
