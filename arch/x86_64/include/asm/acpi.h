/* SPDX-License-Identifier: MIT */
/* What the ACPI tables say about this machine: read once, early, while all memory below 4 GiB is
 * mapped (acpi/tables.c). */
#ifndef ASM_ACPI_H
#define ASM_ACPI_H

#include <kernel/percpu.h>
#include <kernel/types.h>

#define ACPI_MAX_IOAPICS 8

struct acpi_ioapic {
	u32 id, gsi_base;
	u64 base;
};
struct acpi_override {
	u32 gsi;
	bool set, low, level;
};
/* A generic address of the FADT. */
struct acpi_reg {
	u8 space, width; /* space 0 memory, 1 I/O port, 2 PCI configuration */
	u64 addr;
};
struct acpi_info {
	bool present, madt;
	u64 lapic_base;
	u32 apic_ids[MAX_CPUS]; /* [0]: unsorted; the boot CPU is sorted out by smp.c */
	unsigned int nr_cpus;
	struct acpi_ioapic ioapics[ACPI_MAX_IOAPICS];
	unsigned int nr_ioapics;
	struct acpi_override isa[16];
	u16 pm1a_cnt, pm1b_cnt, pm_timer;
	bool pm_timer_32, s5_valid, has_reset, hw_reduced, has_8042;
	u16 smi_cmd;
	u8 acpi_enable, slp_typa, slp_typb, reset_value, century;
	struct acpi_reg reset;
	u64 hpet_base;
	u64 mcfg_base;
	u16 mcfg_segment;
	u8 mcfg_first_bus, mcfg_last_bus;
};
extern struct acpi_info acpi;

void acpi_init_early(void);

#endif
