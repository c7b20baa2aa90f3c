/* SPDX-License-Identifier: MIT */
/* Virtqueues against a device made of code: what real ones do, and what only broken ones do. */
#include "virtio_internal.h"

#include <kernel/errno.h>
#include <kernel/ktest.h>
#include <kernel/slab.h>

#define SIZE 8

static unsigned int kicks, mapped;

static void fake_kick(struct virtqueue *vq __maybe_unused)
{
	kicks++;
}

static int fake_map(struct virtqueue *vq __maybe_unused, paddr_t pa, u32 len __maybe_unused,
		    bool write __maybe_unused, u64 *addr)
{
	if (mapped == 5)
		return -ENOSPC;
	mapped++;
	*addr = pa.v + 0x1000000;
	return 0;
}

static void fake_unmap(struct virtqueue *vq __maybe_unused, u64 addr, paddr_t pa,
		       u32 len __maybe_unused, bool write __maybe_unused)
{
	if (addr == pa.v + 0x1000000)
		mapped--;
}

static const struct vring_ops plain = { .kick = fake_kick };
static const struct vring_ops bounce = { .kick = fake_kick, .map = fake_map,
					 .unmap = fake_unmap };
static const struct virtio_transport_ops transport = { .ring_align = 64 };

static struct virtqueue *queue_new(struct virtio_dev *d, const struct vring_ops *ops, u64 features)
{
	struct virtqueue *vq = NULL;

	*d = (struct virtio_dev){ .features = features, .transport = &transport, .vring = ops,
				  .name = "fake" };
	kicks = mapped = 0;
	return vring_alloc(d, 0, SIZE, &vq) == 0 ? vq : NULL;
}

/* The device returns a buffer. */
static void give(struct virtqueue *vq, u32 id, u32 len)
{
	u16 at = vq->used->idx;

	vq->used->ring[at & (SIZE - 1)].id = id;
	vq->used->ring[at & (SIZE - 1)].len = len;
	vq->used->idx = (u16)(at + 1);
}

static const struct virtio_seg segs[6] = { { { 0x1000 }, 16 }, { { 0x2000 }, 512 },
					   { { 0x3000 }, 512 }, { { 0x4000 }, 512 },
					   { { 0x5000 }, 512 }, { { 0x6000 }, 1 } };

KTEST(vring_order)
{
	struct virtio_dev d;
	struct virtqueue *vq = queue_new(&d, &plain, 0);
	char tokens[3];
	u32 len;

	KTEST_EXPECT(vq);
	/* Often enough for every index to pass 65536. */
	for (unsigned int round = 0; round < 40000; round++) {
		u16 first, second;

		KTEST_EXPECT(virtqueue_add(vq, segs, 1, 2, &tokens[0]) == 0);
		first = vq->avail->ring[(vq->avail_idx - 1) & (SIZE - 1)];
		KTEST_EXPECT(virtqueue_add(vq, segs, 2, 1, &tokens[1]) == 0);
		second = vq->avail->ring[(vq->avail_idx - 1) & (SIZE - 1)];
		KTEST_EXPECT(virtqueue_add(vq, segs, 2, 1, &tokens[2]) == -ENOSPC);
		KTEST_EXPECT(vq->desc[first].flags == VRING_DESC_NEXT && vq->desc[first].len == 16);
		give(vq, second, 7);
		give(vq, first, 9);
		KTEST_EXPECT(virtqueue_get(vq, &len) == &tokens[1] && len == 7);
		KTEST_EXPECT(virtqueue_get(vq, &len) == &tokens[0] && len == 9);
		KTEST_EXPECT(!virtqueue_get(vq, &len) && virtqueue_free_descs(vq) == SIZE);
	}
	vring_free(vq);
}

KTEST(vring_indirect)
{
	struct virtio_dev d;
	struct virtqueue *vq = queue_new(&d, &plain, BIT(VIRTIO_F_INDIRECT_DESC));
	char token;
	u32 len;

	KTEST_EXPECT(vq);
	KTEST_EXPECT(virtqueue_add(vq, segs, 5, 1, &token) == 0);
	KTEST_EXPECT(virtqueue_free_descs(vq) == SIZE - 1);
	KTEST_EXPECT(vq->desc[vq->avail->ring[0]].flags == VRING_DESC_INDIRECT);
	KTEST_EXPECT(vq->desc[vq->avail->ring[0]].len == 6 * sizeof(struct vring_desc));
	give(vq, vq->avail->ring[0], 1);
	KTEST_EXPECT(virtqueue_get(vq, &len) == &token);
	KTEST_EXPECT(virtqueue_free_descs(vq) == SIZE);
	vring_free(vq);
}

KTEST(vring_bad_answers)
{
	static const u32 bad[] = { 1, SIZE, 0x10000, 0xffffffff };
	struct virtio_dev d;
	struct virtqueue *vq = queue_new(&d, &plain, 0);
	char token;
	u32 len;

	KTEST_EXPECT(vq);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		KTEST_EXPECT(virtqueue_add(vq, segs, 1, 2, &token) == 0);
		KTEST_EXPECT(vq->avail->ring[0] == 0);
		vq->desc[0].next = 0xffff; /* it may write there: nobody reads it */
		give(vq, bad[i], 1);
		KTEST_EXPECT(!virtqueue_get(vq, &len) && virtqueue_broken(vq));
		KTEST_EXPECT(virtqueue_add(vq, segs, 1, 2, &token) == -EIO);
		KTEST_EXPECT(virtqueue_detach(vq) == &token && !virtqueue_detach(vq));
		vring_start(vq);
		KTEST_EXPECT(!virtqueue_broken(vq) && virtqueue_free_descs(vq) == SIZE);
	}
	/* The same buffer twice. */
	KTEST_EXPECT(virtqueue_add(vq, segs, 1, 2, &token) == 0);
	give(vq, 0, 1);
	give(vq, 0, 1);
	KTEST_EXPECT(virtqueue_get(vq, &len) == &token);
	KTEST_EXPECT(!virtqueue_get(vq, &len) && virtqueue_broken(vq));
	vring_free(vq);
}

KTEST(vring_events)
{
	struct virtio_dev d;
	struct virtqueue *vq = queue_new(&d, &plain, BIT(VIRTIO_F_EVENT_IDX));
	char token;
	u32 len;

	KTEST_EXPECT(vq);
	KTEST_EXPECT(virtqueue_add(vq, segs, 1, 1, &token) == 0);
	virtqueue_kick(vq);
	KTEST_EXPECT(kicks == 1);
	virtqueue_kick(vq); /* nothing new */
	KTEST_EXPECT(kicks == 1);
	KTEST_EXPECT(virtqueue_add(vq, segs, 1, 1, &token) == 0);
	virtqueue_kick(vq); /* the device has not asked again */
	KTEST_EXPECT(kicks == 1);
	*vq->avail_event = 2;
	KTEST_EXPECT(virtqueue_add(vq, segs, 1, 1, &token) == 0);
	virtqueue_kick(vq);
	KTEST_EXPECT(kicks == 2);
	KTEST_EXPECT(virtqueue_enable_cb(vq) && *vq->used_event == 0);
	give(vq, 0, 1);
	KTEST_EXPECT(!virtqueue_enable_cb(vq));
	KTEST_EXPECT(virtqueue_get(vq, &len) == &token && virtqueue_enable_cb(vq));
	KTEST_EXPECT(*vq->used_event == 1);
	while (virtqueue_detach(vq))
		;
	vring_free(vq);
}

KTEST(vring_bounce)
{
	struct virtio_dev d;
	struct virtqueue *vq = queue_new(&d, &bounce, BIT(VIRTIO_F_INDIRECT_DESC));
	char token;
	u32 len;

	KTEST_EXPECT(vq);
	KTEST_EXPECT(virtqueue_add(vq, segs, 1, 2, &token) == 0 && mapped == 3);
	KTEST_EXPECT(vq->desc[0].addr == 0x1001000);
	/* No room for the third: none of them stays mapped. */
	KTEST_EXPECT(virtqueue_add(vq, segs, 1, 2, &token) == -ENOSPC && mapped == 3);
	give(vq, 0, 1);
	KTEST_EXPECT(virtqueue_get(vq, &len) == &token && mapped == 0);
	vring_free(vq);
}
