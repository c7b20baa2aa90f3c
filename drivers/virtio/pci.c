/* SPDX-License-Identifier: MIT */
/* virtio over PCI: the modern interface, and the interrupts of both.
 * Source: VIRTIO 1.1, 4.1.
 *
 * A device with the vendor capabilities of VIRTIO 1.x is driven through them; one without them
 * through its I/O ports (legacy.c). Interrupts: with MSI-X one vector for each queue, on the CPU of
 * its number, and one for configuration changes; with fewer vectors all queues share one; without
 * MSI-X everything shares the line, and the status register says what it was. */
#include "virtio_internal.h"

#include <drivers/pci.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>

#define VENDOR_VIRTIO 0x1af4
#define DEVICE_FIRST 0x1000
#define DEVICE_MODERN 0x1040
#define DEVICE_LAST 0x107f
#define CAP_VENDOR 0x09
enum { CFG_COMMON = 1, CFG_NOTIFY, CFG_ISR, CFG_DEVICE, CFG_KINDS };

/* Common configuration. */
#define C_DEVICE_FEATURE_SELECT 0
#define C_DEVICE_FEATURE 4
#define C_DRIVER_FEATURE_SELECT 8
#define C_DRIVER_FEATURE 12
#define C_CONFIG_VECTOR 16
#define C_NUM_QUEUES 18
#define C_STATUS 20
#define C_GENERATION 21
#define C_QUEUE_SELECT 22
#define C_QUEUE_SIZE 24
#define C_QUEUE_VECTOR 26
#define C_QUEUE_ENABLE 28
#define C_QUEUE_NOTIFY_OFF 30
#define C_QUEUE_DESC 32
#define C_QUEUE_DRIVER 40
#define C_QUEUE_DEVICE 48
#define C_SIZE 56

#define ISR_QUEUE 1
#define ISR_CONFIG 2

struct virtio_pci {
	struct virtio_dev dev;
	volatile u8 *regs[CFG_KINDS]; /* mapped; NULL: not there */
	u32 size[CFG_KINDS];	      /* bytes */
	u32 notify_multiplier;
	u16 config_vector;
};

static struct virtio_pci *VP(struct virtio_dev *d)
{
	return container_of(d, struct virtio_pci, dev);
}

static u8 get8(struct virtio_dev *d, unsigned int off)
{
	return VP(d)->regs[CFG_COMMON][off];
}
static void put8(struct virtio_dev *d, unsigned int off, u8 v)
{
	VP(d)->regs[CFG_COMMON][off] = v;
}
static u16 get16(struct virtio_dev *d, unsigned int off)
{
	return *(volatile u16 *)(VP(d)->regs[CFG_COMMON] + off);
}
static void put16(struct virtio_dev *d, unsigned int off, u16 v)
{
	*(volatile u16 *)(VP(d)->regs[CFG_COMMON] + off) = v;
}
static u32 get32(struct virtio_dev *d, unsigned int off)
{
	return *(volatile u32 *)(VP(d)->regs[CFG_COMMON] + off);
}
static void put32(struct virtio_dev *d, unsigned int off, u32 v)
{
	*(volatile u32 *)(VP(d)->regs[CFG_COMMON] + off) = v;
}
static void put64(struct virtio_dev *d, unsigned int off, u64 v)
{
	put32(d, off, (u32)v);
	put32(d, off + 4, (u32)(v >> 32));
}

static u8 modern_get_status(struct virtio_dev *d)
{
	return get8(d, C_STATUS);
}

static void modern_set_status(struct virtio_dev *d, u8 status)
{
	put8(d, C_STATUS, status);
}

static u64 modern_get_features(struct virtio_dev *d)
{
	u64 v;

	put32(d, C_DEVICE_FEATURE_SELECT, 1);
	v = (u64)get32(d, C_DEVICE_FEATURE) << 32;
	put32(d, C_DEVICE_FEATURE_SELECT, 0);
	return v | get32(d, C_DEVICE_FEATURE);
}

static void modern_set_features(struct virtio_dev *d, u64 features)
{
	put32(d, C_DRIVER_FEATURE_SELECT, 0);
	put32(d, C_DRIVER_FEATURE, (u32)features);
	put32(d, C_DRIVER_FEATURE_SELECT, 1);
	put32(d, C_DRIVER_FEATURE, (u32)(features >> 32));
}

static unsigned int modern_queue_max(struct virtio_dev *d, unsigned int index)
{
	if (index >= get16(d, C_NUM_QUEUES))
		return 0;
	put16(d, C_QUEUE_SELECT, (u16)index);
	return get16(d, C_QUEUE_SIZE);
}

static int modern_queue_setup(struct virtio_dev *d, struct virtqueue *vq)
{
	struct virtio_pci *vp = VP(d);
	u64 off;

	put16(d, C_QUEUE_SELECT, vq->index);
	put16(d, C_QUEUE_SIZE, vq->size);
	put64(d, C_QUEUE_DESC, virt_to_phys(vq->desc).v);
	put64(d, C_QUEUE_DRIVER, virt_to_phys(vq->avail).v);
	put64(d, C_QUEUE_DEVICE, virt_to_phys((const void *)vq->used).v);
	if (pci_uses_msix(d->bus)) {
		put16(d, C_QUEUE_VECTOR, vq->vector);
		if (get16(d, C_QUEUE_VECTOR) != vq->vector)
			return -EBUSY;
	}
	off = (u64)get16(d, C_QUEUE_NOTIFY_OFF) * vp->notify_multiplier;
	if (off + 2 > vp->size[CFG_NOTIFY])
		return -EINVAL;
	vq->doorbell = vp->regs[CFG_NOTIFY] + off;
	put16(d, C_QUEUE_ENABLE, 1);
	return 0;
}

static void modern_config_vector(struct virtio_dev *d)
{
	if (pci_uses_msix(d->bus))
		put16(d, C_CONFIG_VECTOR, VP(d)->config_vector);
}

static u8 modern_generation(struct virtio_dev *d)
{
	return get8(d, C_GENERATION);
}

static bool config_there(struct virtio_dev *d, unsigned int off, unsigned int len)
{
	return VP(d)->regs[CFG_DEVICE] && off + len <= VP(d)->size[CFG_DEVICE];
}

/* Fields must be read in their own width; longer ones in words. What the device has not is zero. */
static void modern_config_read(struct virtio_dev *d, unsigned int off, void *buf, unsigned int len)
{
	unsigned int step = len == 8 ? 4 : len == 2 || len == 4 ? len : 1;
	bool there = config_there(d, off, len);
	volatile u8 *p = VP(d)->regs[CFG_DEVICE] + off;
	u8 *to = buf;

	for (unsigned int i = 0; i < len; i += step) {
		if (step == 4)
			*(u32 *)(to + i) = there ? *(volatile u32 *)(p + i) : 0;
		else if (step == 2)
			*(u16 *)(to + i) = there ? *(volatile u16 *)(p + i) : 0;
		else
			to[i] = there ? p[i] : 0;
	}
}

static void modern_config_write(struct virtio_dev *d, unsigned int off, const void *buf,
				unsigned int len)
{
	volatile u8 *p = VP(d)->regs[CFG_DEVICE] + off;
	const u8 *from = buf;

	if (!config_there(d, off, len))
		return;
	for (unsigned int i = 0; i < len; i++)
		p[i] = from[i];
}

static const struct virtio_transport_ops modern_ops = {
	.get_status = modern_get_status,
	.set_status = modern_set_status,
	.get_features = modern_get_features,
	.set_features = modern_set_features,
	.queue_max = modern_queue_max,
	.queue_setup = modern_queue_setup,
	.irqs = virtio_pci_irqs,
	.free_irqs = virtio_pci_free_irqs,
	.config_vector = modern_config_vector,
	.generation = modern_generation,
	.config_read = modern_config_read,
	.config_write = modern_config_write,
	.isolate = virtio_pci_isolate,
	.ring_align = 64,
	.queue_limit = 256,
};

static void modern_kick(struct virtqueue *vq)
{
	*(volatile u16 *)vq->doorbell = vq->index;
}

static const struct vring_ops modern_vring = { .kick = modern_kick };

/* --- interrupts --- */

static bool queue_interrupt(void *arg)
{
	struct virtqueue *vq = arg;

	vq->handler(vq, vq->arg);
	return true;
}

static bool queues_interrupt(void *arg)
{
	struct virtio_dev *d = arg;

	for (unsigned int i = 0; i < d->nr_queues; i++)
		d->queues[i]->handler(d->queues[i], d->queues[i]->arg);
	return true;
}

static bool config_interrupt(void *arg)
{
	virtio_config_interrupt(arg);
	return true;
}

static bool line_interrupt(void *arg)
{
	struct virtio_dev *d = arg;
	volatile u8 *isr = VP(d)->regs[CFG_ISR];
	u8 why = isr ? *isr : virtio_legacy_isr(d); /* reading takes the line down */

	if (why & ISR_CONFIG)
		virtio_config_interrupt(d);
	if (why & ISR_QUEUE)
		queues_interrupt(d);
	return why != 0;
}

/* A vector for each queue, behind that of the configuration. */
static int vectors_each(struct virtio_dev *d)
{
	int rc = pci_request_irq(d->bus, 0, -1, d->name, config_interrupt, d);

	for (unsigned int i = 0; rc == 0 && i < d->nr_queues; i++) {
		d->queues[i]->vector = (u16)(i + 1);
		rc = pci_request_irq(d->bus, i + 1, (int)(i % cpu_online_count),
				     d->queues[i]->name, queue_interrupt, d->queues[i]);
	}
	return rc;
}

/* One vector for all queues; one for the configuration if there is a second. */
static int vectors_shared(struct virtio_dev *d)
{
	u16 v = d->nr_vectors > 1 ? 1 : 0;
	int rc = pci_request_irq(d->bus, v, -1, d->name, queues_interrupt, d);

	for (unsigned int i = 0; i < d->nr_queues; i++)
		d->queues[i]->vector = v;
	if (rc == 0 && v)
		rc = pci_request_irq(d->bus, 0, -1, d->name, config_interrupt, d);
	VP(d)->config_vector = v ? 0 : VIRTIO_NO_VECTOR;
	return rc;
}

int virtio_pci_irqs(struct virtio_dev *d)
{
	int rc = pci_alloc_vectors(d->bus, d->nr_queues + 1);

	if (rc < 0)
		return rc;
	d->nr_vectors = (unsigned int)rc;
	if (!pci_uses_msix(d->bus))
		return pci_request_irq(d->bus, 0, -1, d->name, line_interrupt, d);
	return d->nr_vectors > d->nr_queues ? vectors_each(d) : vectors_shared(d);
}

void virtio_pci_free_irqs(struct virtio_dev *d)
{
	pci_free_irqs(d->bus);
}

void virtio_pci_isolate(struct virtio_dev *d)
{
	pci_disable(d->bus);
}

u16 virtio_pci_config_vector(const struct virtio_dev *d)
{
	return container_of(d, const struct virtio_pci, dev)->config_vector;
}

/* --- probing --- */

/* Maps the structures that the vendor capabilities name: the first of each kind that can be. */
static bool map_regs(struct virtio_pci *vp, struct pci_dev *pci)
{
	u8 cap = 0;

	while ((cap = pci_find_cap(pci, CAP_VENDOR, cap))) {
		u8 kind = pci_read8(pci, cap + 3u), bar = pci_read8(pci, cap + 4u);
		u32 off = pci_read32(pci, cap + 8u), len = pci_read32(pci, cap + 12u);

		if (kind == 0 || kind >= CFG_KINDS || vp->regs[kind] || len == 0)
			continue;
		if (kind == CFG_COMMON && len < C_SIZE)
			continue;
		vp->regs[kind] = pci_map_bar(pci, bar, off, len);
		vp->size[kind] = len;
		if (kind == CFG_NOTIFY)
			vp->notify_multiplier = pci_read32(pci, cap + 16u);
	}
	return vp->regs[CFG_COMMON] && vp->regs[CFG_NOTIFY] && vp->regs[CFG_ISR];
}

static void unmap_regs(struct virtio_pci *vp)
{
	for (unsigned int i = 0; i < CFG_KINDS; i++) {
		if (vp->regs[i])
			pci_unmap((void *)vp->regs[i], vp->size[i]);
		vp->regs[i] = NULL;
	}
}

static u32 device_id_of(const struct pci_dev *pci)
{
	if (pci->device < DEVICE_FIRST || pci->device > DEVICE_LAST)
		return 0;
	return pci->device < DEVICE_MODERN ? pci->subdevice : pci->device - DEVICE_MODERN;
}

static int virtio_pci_probe(struct pci_dev *pci)
{
	u32 id = device_id_of(pci);
	struct virtio_pci *vp;
	char path[112];
	int rc;

	if (!virtio_wanted(id))
		return -ENODEV;
	rc = pci_sysfs_path(pci, path, sizeof(path));
	if (rc)
		return rc;
	vp = kzalloc(sizeof(*vp), GFP_KERNEL);
	if (!vp)
		return -ENOMEM;
	vp->dev.bus = pci;
	vp->dev.device_id = id;
	pci->private = vp;
	pci_enable(pci);
	if (map_regs(vp, pci)) {
		vp->dev.transport = &modern_ops;
		vp->dev.vring = &modern_vring;
	} else {
		unmap_regs(vp);
		rc = -EINVAL;
		if (!virtio_legacy_init(&vp->dev))
			goto undo;
		vp->dev.transport = &virtio_legacy_ops;
		vp->dev.vring = &virtio_legacy_vring;
	}
	rc = virtio_register(&vp->dev, path);
	if (rc == 0)
		return 0;
undo:
	unmap_regs(vp);
	pci_disable(pci);
	pci->private = NULL;
	kfree(vp);
	return rc;
}

static void virtio_pci_shutdown(struct pci_dev *pci)
{
	struct virtio_pci *vp = pci->private;

	vp->dev.transport->set_status(&vp->dev, 0);
}

static const struct pci_id virtio_ids[] = {
	{ .vendor = VENDOR_VIRTIO, .device = PCI_ANY },
	{ .vendor = 0 },
};
TABLE_ENTRY(pci_drivers, struct pci_driver, virtio) = {
	.name = "virtio-pci",
	.ids = virtio_ids,
	.probe = virtio_pci_probe,
	.shutdown = virtio_pci_shutdown,
};
