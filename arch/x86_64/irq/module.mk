# SPDX-License-Identifier: MIT
obj-y += vectors.o trap.o fault.o umip.o irq.o lapic.o ioapic.o pic.o
