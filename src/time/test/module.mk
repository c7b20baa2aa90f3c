# SPDX-License-Identifier: MIT
obj-$(CONFIG_KTEST) += time_test.o
