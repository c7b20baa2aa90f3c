/* SPDX-License-Identifier: MIT */
/* Power off, reset, halt, and the end after a panic. Each way that may fail is followed by the
 * next. */
#include <arch/irqflags.h>
#include <arch/ops.h>
#include <asm/acpi.h>
#include <asm/cpu.h>
#include <asm/msr.h>
#include <asm/ports.h>
#include <asm/tsc.h>
#include <kernel/compiler.h>
#include <kernel/console.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/log.h>
#include <kernel/slab.h>

#define SLP_EN BIT(13)
#define SCI_EN 1u
#define DEBUG_EXIT_PORT 0xf4 /* QEMU's isa-debug-exit; nothing else is there */
#define EXIT_TESTS_PASSED 0x10
#define EXIT_TESTS_FAILED 0x11
#define EXIT_PANIC 0x3e

static u64 panic_timeout; /* seconds; 0: stay */
static volatile u8 *reset_mmio __ro_after_init;

/* Waiting without interrupts and without the clock code, which may be what is broken. */
static void mdelay_polled(u64 ms)
{
	u64 start = rdtsc(), want = ms * (tsc_khz ? tsc_khz : 1000000);

	while (rdtsc() - start < want)
		arch_cpu_relax();
}

/* A reset register in memory must be mapped while that is still possible. */
static int power_init(void)
{
	if (acpi.has_reset && acpi.reset.space == 0 && acpi.reset.addr)
		reset_mmio = ioremap((paddr_t){ acpi.reset.addr }, 1, MEM_UNCACHED);
	return 0;
}
INIT_HOOK(INIT_CORE, power_init);

static int panic_param(const char *value)
{
	s64 v;
	int rc = kstrtos64(value, 0, &v);

	if (rc)
		return rc;
	panic_timeout = v < 0 ? 1 : (u64)v;
	return 0;
}
BOOT_PARAM("panic", panic_param);

void arch_halt(void)
{
	for (;;) {
		irq_disable();
		__asm__ volatile("hlt");
	}
}

void arch_poweroff(void)
{
	irq_disable();
	smp_stop_others();
	if (acpi.s5_valid && acpi.pm1a_cnt) {
		/* Firmware may still own the registers. */
		if (acpi.smi_cmd && acpi.acpi_enable && !(inw(acpi.pm1a_cnt) & SCI_EN))
			outb(acpi.smi_cmd, acpi.acpi_enable);
		outw(acpi.pm1a_cnt, (u16)(acpi.slp_typa << 10 | SLP_EN));
		if (acpi.pm1b_cnt)
			outw(acpi.pm1b_cnt, (u16)(acpi.slp_typb << 10 | SLP_EN));
	}
	mdelay_polled(100);
	log_err("power", "this machine cannot be switched off by software");
	console_flush_on_panic();
	arch_halt();
}

static void reset_acpi(void)
{
	if (!acpi.has_reset)
		return;
	if (acpi.reset.space == 1)
		outb((u16)acpi.reset.addr, acpi.reset_value);
	else if (reset_mmio)
		*reset_mmio = acpi.reset_value;
}

void arch_reboot(void)
{
	irq_disable();
	smp_stop_others();
	reset_acpi();
	mdelay_polled(10);
	/* The keyboard controller's reset line. */
	for (unsigned int i = 0; i < 10000 && (inb(0x64) & 2); i++)
		arch_cpu_relax();
	outb(0x64, 0xfe);
	mdelay_polled(10);
	/* PCI host bridge reset register. */
	outb(0xcf9, 0x02);
	outb(0xcf9, 0x06);
	mdelay_polled(10);
	/* Three faults in a row: an interrupt without a table to handle it. */
	{
		struct {
			u16 limit;
			u64 base;
		} __packed none = { 0, 0 };

		__asm__ volatile("lidt %0; int3" ::"m"(none));
	}
	arch_halt();
}

void arch_panic_end(void)
{
	outb(DEBUG_EXIT_PORT, EXIT_PANIC);
	if (panic_timeout) {
		mdelay_polled(panic_timeout * 1000);
		arch_reboot();
	}
	arch_halt();
}

void arch_test_end(bool passed)
{
	outb(DEBUG_EXIT_PORT, passed ? EXIT_TESTS_PASSED : EXIT_TESTS_FAILED);
	arch_poweroff();
}
