# SPDX-License-Identifier: MIT
obj-y += sysfs.o
