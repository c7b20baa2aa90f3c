/* SPDX-License-Identifier: MIT */
/* Interrupt enable flag of this CPU; bodies in <asm/irqflags.h>.
 *   irq_disable(), irq_enable(), irq_save() -> irqflags_t, irq_restore(f), irqs_disabled() */
#ifndef ARCH_IRQFLAGS_H
#define ARCH_IRQFLAGS_H
#include <kernel/types.h>
typedef u64 irqflags_t;
#include <asm/irqflags.h>
#endif
