/* SPDX-License-Identifier: MIT */
#ifndef ASM_SMP_H
#define ASM_SMP_H

#include <kernel/percpu.h>

/* Settles which CPUs there are; early, after acpi_init_early. */
void smp_prepare(void);
DECLARE_PER_CPU(u64, stack_chk_guard);

#endif
