/* SPDX-License-Identifier: MIT */
/* Inside of virtio: rings, and what a transport does for them. */
#ifndef VIRTIO_INTERNAL_H
#define VIRTIO_INTERNAL_H

#include <drivers/virtio.h>

#define VIRTIO_STATUS_ACKNOWLEDGE 1
#define VIRTIO_STATUS_DRIVER 2
#define VIRTIO_STATUS_DRIVER_OK 4
#define VIRTIO_STATUS_FEATURES_OK 8
#define VIRTIO_STATUS_NEEDS_RESET 64
#define VIRTIO_STATUS_FAILED 128

#define VIRTIO_NO_VECTOR 0xffff

/* In memory, shared with the device, little endian (VIRTIO 1.1, 2.6). */
struct vring_desc {
	u64 addr;
	u32 len;
	u16 flags, next;
};
#define VRING_DESC_NEXT 1
#define VRING_DESC_WRITE 2
#define VRING_DESC_INDIRECT 4
struct vring_avail {
	u16 flags, idx;
	u16 ring[]; /* and used_event behind it */
};
#define VRING_AVAIL_NO_INTERRUPT 1
struct vring_used {
	u16 flags, idx;
	struct {
		u32 id, len;
	} ring[]; /* and avail_event behind it */
};
#define VRING_USED_NO_NOTIFY 1

/* What the driver knows about a descriptor; the device cannot change it. */
struct vring_slot {
	void *token;		     /* of the chain that begins here; NULL: none */
	struct vring_desc *indirect; /* its table */
	u16 nr;			     /* descriptors of the chain */
	u16 next;		     /* free list, or next of the chain */
};
/* A mapped buffer, where the transport maps. */
struct vring_map {
	u64 addr;
	paddr_t pa;
	u32 len;
	bool write;
};
/* O: the owner's lock  C: const after virtio_find_queues */
struct virtqueue {
	struct vring_desc *desc;	   /* C */
	struct vring_avail *avail;	   /* C */
	volatile struct vring_used *used;  /* C */
	volatile u16 *used_event;	   /* C: where we say when to interrupt */
	volatile u16 *avail_event;	   /* C: where the device says when to notify */
	struct vring_slot *slots;	   /* O: size of them */
	struct vring_map *maps;		   /* O: NULL: nothing to map */
	u16 size, mask, index;		   /* C */
	u16 free_head, nr_free;		   /* O */
	u16 avail_idx, kicked, last_used;  /* O */
	bool event_idx, indirect;	   /* C */
	bool broken;			   /* O, READ_ONCE */
	struct virtio_dev *dev;		   /* C */
	volatile void *doorbell;	   /* C: transport's */
	void (*handler)(struct virtqueue *vq, void *arg); /* C */
	void *arg;			   /* C */
	char name[24];			   /* C */
	u16 vector;			   /* C: transport's */
	unsigned int order;		   /* C: pages of the ring */
};

struct virtio_transport_ops {
	u8 (*get_status)(struct virtio_dev *d);
	void (*set_status)(struct virtio_dev *d, u8 status);
	u64 (*get_features)(struct virtio_dev *d);
	void (*set_features)(struct virtio_dev *d, u64 features);
	/* Entries of a queue; 0: there is no such queue. */
	unsigned int (*queue_max)(struct virtio_dev *d, unsigned int index);
	/* Hands the ring over and learns the doorbell; vq->vector is set. */
	int (*queue_setup)(struct virtio_dev *d, struct virtqueue *vq);
	/* Chooses vectors for all of d->queues and requests their interrupts; once. */
	int (*irqs)(struct virtio_dev *d);
	void (*free_irqs)(struct virtio_dev *d);
	void (*config_vector)(struct virtio_dev *d); /* after a reset, before the queues */
	u8 (*generation)(struct virtio_dev *d);	     /* of the configuration */
	void (*config_read)(struct virtio_dev *d, unsigned int off, void *buf, unsigned int len);
	void (*config_write)(struct virtio_dev *d, unsigned int off, const void *buf,
			     unsigned int len);
	void (*isolate)(struct virtio_dev *d); /* takes memory away from a device that disobeys */
	unsigned int ring_align; /* of the used ring */
	unsigned int queue_limit;/* entries at most; 0: the device's number is not a choice */
};

/* --- vring.c --- */
int vring_alloc(struct virtio_dev *d, unsigned int index, unsigned int size,
		struct virtqueue **out);
void vring_free(struct virtqueue *vq);
void vring_start(struct virtqueue *vq); /* empty, as after a reset */

/* --- virtio.c --- */
/* Takes a device into use: looks for its driver and probes it. -ENODEV: there is none. */
int virtio_register(struct virtio_dev *d, const char *parent_path);
/* Interrupt handler bodies for transports. */
void virtio_config_interrupt(struct virtio_dev *d);
bool virtio_wanted(u32 device_id); /* there is a driver */

/* --- legacy.c, pci.c --- */
struct pci_dev;
int virtio_pci_irqs(struct virtio_dev *d);
void virtio_pci_free_irqs(struct virtio_dev *d);
void virtio_pci_isolate(struct virtio_dev *d);
extern const struct virtio_transport_ops virtio_legacy_ops;
extern const struct vring_ops virtio_legacy_vring;
/* The I/O ports of a transitional device; false: it has none. */
bool virtio_legacy_init(struct virtio_dev *d);
u8 virtio_legacy_isr(struct virtio_dev *d);
u16 virtio_pci_config_vector(const struct virtio_dev *d);

#endif
