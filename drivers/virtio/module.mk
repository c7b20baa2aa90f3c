# SPDX-License-Identifier: MIT
obj-$(CONFIG_VIRTIO) += legacy.o pci.o virtio.o vring.o
