# SPDX-License-Identifier: MIT
obj-$(CONFIG_VIRTIO) += legacy.o pci.o virtio.o vring.o
obj-$(if $(CONFIG_VIRTIO),$(CONFIG_KTEST)) += vring_test.o
