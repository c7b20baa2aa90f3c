# SPDX-License-Identifier: MIT
obj-y += mem.o random.o random_dev.o rtc.o
