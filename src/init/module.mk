# SPDX-License-Identifier: MIT
obj-y += main.o cmdline.o pid1.o
obj-$(CONFIG_KTEST) += cmdline_test.o
