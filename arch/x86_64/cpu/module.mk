# SPDX-License-Identifier: MIT
obj-y += percpu.o gdt.o idt.o cpuid.o fpu.o cpuinfo.o unwind.o arch_init.o
# Run before the shadow memory exists, or on stacks that have none.
KASAN_percpu.o := n
KASAN_gdt.o := n
KASAN_idt.o := n
KASAN_cpuid.o := n
obj-$(CONFIG_KTEST) += selftest.o
