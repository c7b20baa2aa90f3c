# SPDX-License-Identifier: MIT
obj-$(CONFIG_PCI) += bus.o config.o irq.o resource.o scan.o sysfs.o
