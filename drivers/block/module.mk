# SPDX-License-Identifier: MIT
obj-$(CONFIG_BLOCK_RAMDISK) += ramdisk.o
obj-$(CONFIG_VIRTIO_BLK) += virtio_blk.o
obj-$(CONFIG_AHCI) += ahci.o ahci_engine.o ahci_port.o
obj-$(CONFIG_NVME) += nvme.o nvme_ns.o
ifneq ($(CONFIG_VIRTIO_BLK)$(CONFIG_AHCI),)
obj-y += names.o
endif
obj-$(CONFIG_BLOCK_LOOP) += loop.o loop_ioctl.o
