/* SPDX-License-Identifier: MIT */
/* Local and I/O interrupt controllers. */
#ifndef ASM_APIC_H
#define ASM_APIC_H

#include <kernel/percpu.h>
#include <kernel/types.h>

void lapic_init(void);	    /* boot CPU: mode and registers */
void lapic_init_this(void); /* every CPU */
u32 lapic_id(void);
void lapic_eoi(void);
void lapic_error(void);
void lapic_send(u32 apic_id, u32 icr_low); /* waits until it was accepted */
void lapic_ipi(unsigned int cpu, unsigned int vector);
void lapic_nmi(unsigned int cpu);
/* Timer: raw count of a 32-bit down counter; 0 stops it. */
void lapic_timer_write(u32 count);
u32 lapic_timer_read(void);
/* hz: rate of the down counter; used when TSC-deadline is not. */
void lapic_timer_set_rate(u64 hz);

#define ICR_FIXED 0x000u
#define ICR_NMI 0x400u
#define ICR_INIT 0x500u
#define ICR_STARTUP 0x600u
#define ICR_ASSERT 0x4000u
#define ICR_LEVEL 0x8000u

void ioapic_init(void); /* finds them, masks every line */
/* Directs a line to a vector of the boot CPU; -ENODEV when no I/O APIC has it. */
int ioapic_route(u32 gsi, unsigned int vector, bool level, bool low);
void ioapic_mask(u32 gsi);
void pic_disable(void);

DECLARE_PER_CPU(u64, irq_count_timer);
DECLARE_PER_CPU(u64, irq_count_resched);
DECLARE_PER_CPU(u64, irq_count_call);

#endif
