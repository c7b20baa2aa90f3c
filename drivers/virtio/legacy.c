/* SPDX-License-Identifier: MIT */
/* The legacy interface of a transitional device: registers in I/O ports.
 * Source: VIRTIO 1.1, 4.1.4.8 (registers), 2.6.2 (layout of the ring). */
#include "virtio_internal.h"

#include <asm/ports.h>
#include <drivers/pci.h>
#include <kernel/errno.h>
#include <kernel/page.h>

#define REG_DEVICE_FEATURES 0
#define REG_DRIVER_FEATURES 4
#define REG_QUEUE_PFN 8
#define REG_QUEUE_SIZE 12
#define REG_QUEUE_SELECT 14
#define REG_QUEUE_NOTIFY 16
#define REG_STATUS 18
#define REG_ISR 19
#define REG_CONFIG_VECTOR 20 /* these two only with MSI-X */
#define REG_QUEUE_VECTOR 22
#define REG_CONFIG_MSIX 24
#define REG_CONFIG 20

static u16 base_of(const struct virtio_dev *d)
{
	return (u16)((const struct pci_dev *)d->bus)->bars[0].base;
}

bool virtio_legacy_init(struct virtio_dev *d)
{
	const struct pci_bar *b = &((const struct pci_dev *)d->bus)->bars[0];

	return b->io && b->base && b->size >= REG_CONFIG_MSIX;
}

u8 virtio_legacy_isr(struct virtio_dev *d)
{
	return inb(base_of(d) + REG_ISR);
}

static u8 legacy_get_status(struct virtio_dev *d)
{
	return inb(base_of(d) + REG_STATUS);
}

static void legacy_set_status(struct virtio_dev *d, u8 status)
{
	outb(base_of(d) + REG_STATUS, status);
}

static u64 legacy_get_features(struct virtio_dev *d)
{
	return inl(base_of(d) + REG_DEVICE_FEATURES);
}

static void legacy_set_features(struct virtio_dev *d, u64 features)
{
	outl(base_of(d) + REG_DRIVER_FEATURES, (u32)features);
}

static unsigned int legacy_queue_max(struct virtio_dev *d, unsigned int index)
{
	outw(base_of(d) + REG_QUEUE_SELECT, (u16)index);
	return inw(base_of(d) + REG_QUEUE_SIZE);
}

static int legacy_queue_setup(struct virtio_dev *d, struct virtqueue *vq)
{
	u64 pfn = virt_to_phys(vq->desc).v >> PAGE_SHIFT;

	if (pfn >> 32)
		return -EIO;
	outw(base_of(d) + REG_QUEUE_SELECT, vq->index);
	outl(base_of(d) + REG_QUEUE_PFN, (u32)pfn);
	if (!pci_uses_msix(d->bus))
		return 0;
	outw(base_of(d) + REG_QUEUE_VECTOR, vq->vector);
	return inw(base_of(d) + REG_QUEUE_VECTOR) == vq->vector ? 0 : -EBUSY;
}

static void legacy_config_vector(struct virtio_dev *d)
{
	if (pci_uses_msix(d->bus))
		outw(base_of(d) + REG_CONFIG_VECTOR, virtio_pci_config_vector(d));
}

static u8 legacy_generation(struct virtio_dev *d __maybe_unused)
{
	return 0;
}

static u16 config_base(const struct virtio_dev *d)
{
	return base_of(d) + (pci_uses_msix(d->bus) ? REG_CONFIG_MSIX : REG_CONFIG);
}

static void legacy_config_read(struct virtio_dev *d, unsigned int off, void *buf, unsigned int len)
{
	u8 *p = buf;

	for (unsigned int i = 0; i < len; i++)
		p[i] = inb((u16)(config_base(d) + off + i));
}

static void legacy_config_write(struct virtio_dev *d, unsigned int off, const void *buf,
				unsigned int len)
{
	const u8 *p = buf;

	for (unsigned int i = 0; i < len; i++)
		outb((u16)(config_base(d) + off + i), p[i]);
}

const struct virtio_transport_ops virtio_legacy_ops = {
	.get_status = legacy_get_status,
	.set_status = legacy_set_status,
	.get_features = legacy_get_features,
	.set_features = legacy_set_features,
	.queue_max = legacy_queue_max,
	.queue_setup = legacy_queue_setup,
	.irqs = virtio_pci_irqs,
	.free_irqs = virtio_pci_free_irqs,
	.config_vector = legacy_config_vector,
	.generation = legacy_generation,
	.config_read = legacy_config_read,
	.config_write = legacy_config_write,
	.isolate = virtio_pci_isolate,
	.ring_align = PAGE_SIZE,
};

static void legacy_kick(struct virtqueue *vq)
{
	outw(base_of(vq->dev) + REG_QUEUE_NOTIFY, vq->index);
}

const struct vring_ops virtio_legacy_vring = { .kick = legacy_kick };
