# SPDX-License-Identifier: MIT
obj-$(CONFIG_BLOCK_RAMDISK) += ramdisk.o
