# SPDX-License-Identifier: MIT
obj-y += main.o cmdline.o pid1.o root.o
obj-$(CONFIG_KTEST) += cmdline_test.o
