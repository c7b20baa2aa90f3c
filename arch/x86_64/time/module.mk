# SPDX-License-Identifier: MIT
obj-y += tsc.o pit.o rtc.o clockpage.o
obj-$(CONFIG_HPET) += hpet.o
dirs-y += vdso
