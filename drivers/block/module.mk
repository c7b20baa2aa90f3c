# SPDX-License-Identifier: MIT
obj-$(CONFIG_BLOCK_RAMDISK) += ramdisk.o
obj-$(CONFIG_VIRTIO_BLK) += virtio_blk.o
ifneq ($(CONFIG_VIRTIO_BLK)$(CONFIG_AHCI),)
obj-y += names.o
endif
