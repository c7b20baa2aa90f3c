# SPDX-License-Identifier: MIT
obj-y += bio.o bounce.o segments.o submit.o queue.o stats.o inject.o disk.o bdev.o mapping.o file.o ioctl.o
obj-y += buffer.o mount.o name.o partition.o partition_mbr.o partition_gpt.o sysfs.o proc.o
obj-$(CONFIG_KTEST) += ktest_block.o
