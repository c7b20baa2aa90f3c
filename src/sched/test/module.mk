# SPDX-License-Identifier: MIT
obj-$(CONFIG_KTEST) += threads.o sched_test.o
