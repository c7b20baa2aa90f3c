/* SPDX-License-Identifier: MIT */
/* Split virtqueues: chains of descriptors to the device, and their ids back.
 * Source: VIRTIO 1.1, 2.6.
 *
 * A short chain takes descriptors of the ring: three stores more than an indirect table would, but
 * nothing is allocated and the device has nothing more to map. Longer ones go into a table of their
 * own, unless there is no memory for it.
 * The device shares the ring's memory and is not trusted with it: the links of chains and of the
 * free list are kept in slots[], and what the device writes is only the index and the entries of
 * the used ring, each checked.
 * Locking: the owner's, see drivers/virtio.h. */
#include "virtio_internal.h"

#include <kernel/atomic.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define DIRECT_MAX 4 /* longer chains go into a table */

static size_t avail_bytes(unsigned int size)
{
	return 6 + 2ul * size;
}

static size_t ring_bytes(unsigned int size, unsigned int align)
{
	size_t n = 16ul * size + avail_bytes(size);

	return ALIGN_UP(n, align) + 6 + 8ul * size;
}

int vring_alloc(struct virtio_dev *d, unsigned int index, unsigned int size, struct virtqueue **out)
{
	unsigned int align = d->transport->ring_align, order = 0;
	size_t bytes = ring_bytes(size, align);
	struct virtqueue *vq = kzalloc(sizeof(*vq), GFP_KERNEL);
	u8 *mem;

	if (!vq)
		return -ENOMEM;
	while (PAGE_SIZE << order < bytes)
		order++;
	mem = pages_alloc(order, GFP_KERNEL);
	vq->slots = kmalloc_array(size, sizeof(*vq->slots), GFP_KERNEL | GFP_ZERO);
	if (d->vring->map)
		vq->maps = kmalloc_array(size, sizeof(*vq->maps), GFP_KERNEL | GFP_ZERO);
	if (!mem || !vq->slots || (d->vring->map && !vq->maps)) {
		if (mem)
			pages_free(mem, order);
		kfree(vq->slots);
		kfree(vq->maps);
		kfree(vq);
		return -ENOMEM;
	}
	vq->dev = d;
	vq->index = (u16)index;
	vq->size = (u16)size;
	vq->mask = (u16)(size - 1);
	vq->order = order;
	vq->desc = (struct vring_desc *)mem;
	vq->avail = (struct vring_avail *)(mem + 16ul * size);
	vq->used = (struct vring_used *)(mem + ALIGN_UP(16ul * size + avail_bytes(size), align));
	vq->used_event = &vq->avail->ring[size];
	vq->avail_event = (volatile u16 *)&vq->used->ring[size];
	vq->event_idx = virtio_has(d, VIRTIO_F_EVENT_IDX);
	vq->indirect = virtio_has(d, VIRTIO_F_INDIRECT_DESC) && !d->vring->map;
	vring_start(vq);
	*out = vq;
	return 0;
}

void vring_free(struct virtqueue *vq)
{
	if (!vq)
		return;
	pages_free(vq->desc, vq->order);
	kfree(vq->slots);
	kfree(vq->maps);
	kfree(vq);
}

void vring_start(struct virtqueue *vq)
{
	memset(vq->desc, 0, PAGE_SIZE << vq->order);
	for (unsigned int i = 0; i < vq->size; i++)
		vq->slots[i] = (struct vring_slot){ .next = (u16)(i + 1) };
	vq->free_head = 0;
	vq->nr_free = vq->size;
	vq->avail_idx = vq->kicked = vq->last_used = 0;
	WRITE_ONCE(vq->broken, false);
}

static void publish(struct virtqueue *vq, u16 head)
{
	vq->avail->ring[vq->avail_idx & vq->mask] = head;
	vq->avail_idx++;
	smp_store_release(&vq->avail->idx, vq->avail_idx);
}

/* One descriptor that points to a table with the chain. False: no memory. */
static bool add_indirect(struct virtqueue *vq, const struct virtio_seg *segs, unsigned int nr_out,
			 unsigned int nr, void *token)
{
	struct vring_desc *t = kmalloc_array(nr, sizeof(*t), GFP_ATOMIC | GFP_NOWARN);
	u16 head = vq->free_head;
	struct vring_slot *s = &vq->slots[head];

	if (!t)
		return false;
	for (unsigned int i = 0; i < nr; i++)
		t[i] = (struct vring_desc){ .addr = segs[i].pa.v, .len = segs[i].len,
					    .flags = (i >= nr_out ? VRING_DESC_WRITE : 0) |
						     (i + 1 < nr ? VRING_DESC_NEXT : 0),
					    .next = (u16)(i + 1) };
	vq->desc[head] = (struct vring_desc){ .addr = virt_to_phys(t).v,
					      .len = (u32)(nr * sizeof(*t)),
					      .flags = VRING_DESC_INDIRECT };
	vq->free_head = s->next;
	vq->nr_free--;
	s->token = token;
	s->indirect = t;
	s->nr = 1;
	publish(vq, head);
	return true;
}

static void unmap_chain(struct virtqueue *vq, u16 at, unsigned int nr)
{
	const struct vring_ops *ops = vq->dev->vring;

	for (; nr; nr--, at = vq->slots[at].next) {
		const struct vring_map *m = &vq->maps[at];

		if (ops->unmap)
			ops->unmap(vq, m->addr, m->pa, m->len, m->write);
	}
}

/* Addresses for the device of a whole chain, or none of them. */
static int map_chain(struct virtqueue *vq, const struct virtio_seg *segs, unsigned int nr_out,
		     unsigned int nr)
{
	u16 at = vq->free_head;

	for (unsigned int i = 0; i < nr; i++, at = vq->slots[at].next) {
		struct vring_map *m = &vq->maps[at];
		int rc;

		*m = (struct vring_map){ .pa = segs[i].pa, .len = segs[i].len,
					 .write = i >= nr_out };
		rc = vq->dev->vring->map(vq, m->pa, m->len, m->write, &m->addr);
		if (rc) {
			unmap_chain(vq, vq->free_head, i);
			return rc;
		}
	}
	return 0;
}

int virtqueue_add(struct virtqueue *vq, const struct virtio_seg *segs, unsigned int nr_out,
		  unsigned int nr_in, void *token)
{
	unsigned int nr = nr_out + nr_in;
	u16 head = vq->free_head, at = head;

	if (unlikely(vq->broken || nr == 0))
		return vq->broken ? -EIO : -EINVAL;
	if ((nr > DIRECT_MAX || nr > vq->nr_free) && vq->indirect && vq->nr_free &&
	    add_indirect(vq, segs, nr_out, nr, token))
		return 0;
	if (unlikely(nr > vq->nr_free))
		return -ENOSPC;
	if (unlikely(vq->maps)) {
		int rc = map_chain(vq, segs, nr_out, nr);

		if (rc)
			return rc;
	}
	for (unsigned int i = 0; i < nr; i++) {
		u16 next = vq->slots[at].next;

		vq->desc[at] = (struct vring_desc){
			.addr = unlikely(vq->maps) ? vq->maps[at].addr : segs[i].pa.v,
			.len = segs[i].len,
			.flags = (i >= nr_out ? VRING_DESC_WRITE : 0) |
				 (i + 1 < nr ? VRING_DESC_NEXT : 0),
			.next = next,
		};
		at = next;
	}
	vq->free_head = at;
	vq->nr_free -= (u16)nr;
	vq->slots[head].token = token;
	vq->slots[head].nr = (u16)nr;
	publish(vq, head);
	return 0;
}

void virtqueue_kick(struct virtqueue *vq)
{
	u16 old = vq->kicked, now = vq->avail_idx;
	bool wanted;

	if (old == now)
		return;
	vq->kicked = now;
	smp_mb(); /* the index before the question */
	if (vq->event_idx)
		wanted = (u16)(now - *vq->avail_event - 1) < (u16)(now - old);
	else
		wanted = !(vq->used->flags & VRING_USED_NO_NOTIFY);
	if (wanted)
		vq->dev->vring->kick(vq);
}

/* Gives the chain that begins at head back to the free list. */
static void release_chain(struct virtqueue *vq, u16 head)
{
	struct vring_slot *s = &vq->slots[head];
	u16 last = head;

	if (unlikely(vq->maps))
		unmap_chain(vq, head, s->nr);
	if (s->indirect) {
		kfree(s->indirect);
		s->indirect = NULL;
	}
	for (unsigned int i = 1; i < s->nr; i++)
		last = vq->slots[last].next;
	vq->slots[last].next = vq->free_head;
	vq->free_head = head;
	vq->nr_free += s->nr;
	s->token = NULL;
}

static void *queue_broken(struct virtqueue *vq, u32 id)
{
	log_err(vq->dev->name, "%s: the device returned buffer %u, which it does not have",
		vq->name, id);
	WRITE_ONCE(vq->broken, true);
	return NULL;
}

void *virtqueue_get(struct virtqueue *vq, u32 *written)
{
	u32 id;
	void *token;

	if (vq->used->idx == vq->last_used || unlikely(vq->broken))
		return NULL;
	smp_rmb(); /* the entry after the index */
	id = vq->used->ring[vq->last_used & vq->mask].id;
	if (unlikely(id >= vq->size || !vq->slots[id].token))
		return queue_broken(vq, id);
	*written = vq->used->ring[vq->last_used & vq->mask].len;
	token = vq->slots[id].token;
	release_chain(vq, (u16)id);
	vq->last_used++;
	return token;
}

void virtqueue_disable_cb(struct virtqueue *vq)
{
	/* With event indices the device is quiet until the one it was given is passed again. */
	if (!vq->event_idx)
		WRITE_ONCE(vq->avail->flags, VRING_AVAIL_NO_INTERRUPT);
}

bool virtqueue_enable_cb(struct virtqueue *vq)
{
	if (vq->event_idx)
		*vq->used_event = vq->last_used;
	else
		WRITE_ONCE(vq->avail->flags, 0);
	smp_mb(); /* the wish before the question */
	return vq->used->idx == vq->last_used || vq->broken;
}

unsigned int virtqueue_size(const struct virtqueue *vq)
{
	return vq->size;
}

unsigned int virtqueue_free_descs(const struct virtqueue *vq)
{
	return vq->nr_free;
}

bool virtqueue_broken(const struct virtqueue *vq)
{
	return READ_ONCE(vq->broken);
}

void *virtqueue_detach(struct virtqueue *vq)
{
	for (u16 i = 0; i < vq->size; i++) {
		void *token = vq->slots[i].token;

		if (token) {
			release_chain(vq, i);
			return token;
		}
	}
	return NULL;
}
