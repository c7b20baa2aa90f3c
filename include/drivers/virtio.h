/* SPDX-License-Identifier: MIT */
/* virtio: devices, split virtqueues, and the transport below them.
 * Source: Virtual I/O Device (VIRTIO) Version 1.1, sections 2 (basics), 2.6 (split virtqueues), 4.1
 * (PCI), 4.1.2.3 and 2.4.3 (legacy interface of transitional devices).
 *
 * A front end (virtio-blk, virtio-net) sees struct virtio_dev and struct virtqueue only. How a
 * buffer's address becomes visible to the device, and how it is told that there is work, is
 * vring_ops: for PCI the physical address and a doorbell; for a device whose back end is a process
 * (services.md) bounce memory and an event.
 * Locking: calls on one virtqueue are serialised by its owner (queue->lock of the disk, for
 * example); they never sleep. */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include <kernel/table.h>
#include <kernel/types.h>
#include <kernel/workqueue.h>

struct virtio_dev;
struct virtqueue;

struct vring_ops {
	/* Device-visible address of len bytes at pa; write: the device writes them. 0 or -errno
	 * (-ENOSPC: no bounce memory now). NULL: the address is pa. */
	int (*map)(struct virtqueue *vq, paddr_t pa, u32 len, bool write, u64 *addr);
	void (*unmap)(struct virtqueue *vq, u64 addr, paddr_t pa, u32 len, bool write);
	void (*kick)(struct virtqueue *vq); /* the device must look */
};

/* Feature bits of every device (section 6). */
#define VIRTIO_F_INDIRECT_DESC 28
#define VIRTIO_F_EVENT_IDX 29
#define VIRTIO_F_VERSION_1 32
#define VIRTIO_F_ACCESS_PLATFORM 33

struct virtio_seg {
	paddr_t pa;
	u32 len;
};
/* Adds a chain of nr_out segments that the device reads, then nr_in that it writes. token comes
 * back from virtqueue_get. 0, -ENOSPC: full. */
int virtqueue_add(struct virtqueue *vq, const struct virtio_seg *segs, unsigned int nr_out,
		  unsigned int nr_in, void *token);
/* Tells the device when it wants to know (EVENT_IDX, NO_NOTIFY). */
void virtqueue_kick(struct virtqueue *vq);
/* A finished chain's token and the bytes the device wrote; NULL: none. A device that answers
 * nonsense (an id that is not in flight) marks the queue broken: NULL for ever. */
void *virtqueue_get(struct virtqueue *vq, u32 *written);
/* Interrupts off for this queue (poll mode) ... */
void virtqueue_disable_cb(struct virtqueue *vq);
/* ... and on again; false: something is there already, go on polling. */
bool virtqueue_enable_cb(struct virtqueue *vq);
unsigned int virtqueue_size(const struct virtqueue *vq);
unsigned int virtqueue_free_descs(const struct virtqueue *vq);
bool virtqueue_broken(const struct virtqueue *vq);
/* After a device reset: every token still in flight, once each; NULL at the end. */
void *virtqueue_detach(struct virtqueue *vq);

struct virtio_driver {
	const char *name;
	u32 device_id;		  /* 1 net, 2 block, 4 entropy ... (section 5) */
	u64 features;		  /* what the driver can use */
	int (*probe)(struct virtio_dev *d);
	void (*config_changed)(struct virtio_dev *d); /* task context */
};
/* TABLE_ENTRY(virtio_drivers, struct virtio_driver, virtio_blk) = { ... }; */

struct virtio_dev {
	u64 features;	/* negotiated */
	u32 device_id;
	const struct virtio_transport_ops *transport;
	const struct vring_ops *vring;
	const struct virtio_driver *driver;
	void *private;	/* front end's */
	void *bus;	/* transport's: struct pci_dev */
	char name[16];	/* "virtio0" */
	char sysfs_path[128]; /* of its directory, below /sys/devices */
	unsigned int nr_vectors, nr_queues;
	struct virtqueue **queues;
	struct work config_work;
};
static inline bool virtio_has(const struct virtio_dev *d, unsigned int feature)
{
	return d->features >> feature & 1;
}
/* Once per device, from probe: nr queues with their interrupt handlers; queue i runs on CPU i where
 * vectors suffice. 0 or -errno. May sleep. */
int virtio_find_queues(struct virtio_dev *d, unsigned int nr, struct virtqueue **vqs,
		       void (*const *handlers)(struct virtqueue *vq, void *arg), void *const *args,
		       const char *const *names);
void virtio_ready(struct virtio_dev *d);	/* DRIVER_OK */
/* Stops the device: nothing is read or written by it afterwards. Queues stay allocated. */
void virtio_reset(struct virtio_dev *d);
/* After virtio_reset: negotiates the same features and sets the same queues up, empty. */
int virtio_restart(struct virtio_dev *d);
void virtio_config_read(struct virtio_dev *d, unsigned int off, void *buf, unsigned int len);
void virtio_config_write(struct virtio_dev *d, unsigned int off, const void *buf,
			 unsigned int len);

#endif
