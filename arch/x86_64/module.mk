# SPDX-License-Identifier: MIT
dirs-y += $(filter boot cpu irq mm smp sched syscall time acpi,$(patsubst arch/x86_64/%/module.mk,%,\
	$(wildcard arch/x86_64/*/module.mk)))
