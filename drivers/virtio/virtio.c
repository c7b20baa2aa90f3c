/* SPDX-License-Identifier: MIT */
/* Life of a virtio device, whatever it is attached by: features, queues, reset and restart.
 * Source: VIRTIO 1.1, 2.1 (status), 2.2 (features), 3.1 (initialisation).
 *
 * Locking: one front end owns a device and calls these from task context, one at a time. */
#include "virtio_internal.h"

#include <fs/sysfs.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define VIRTIO_FOREACH_DRIVER(d) TABLE_FOREACH(virtio_drivers, struct virtio_driver, d)
#define RESET_LIMIT (2 * NSEC_PER_SEC)
#define RING_FEATURES                                                                              \
	(BIT(VIRTIO_F_INDIRECT_DESC) | BIT(VIRTIO_F_EVENT_IDX) | BIT(VIRTIO_F_VERSION_1) |         \
	 BIT(VIRTIO_F_ACCESS_PLATFORM))

static unsigned int nr_devices; /* probes run one after the other */

static void status_add(struct virtio_dev *d, u8 bits)
{
	d->transport->set_status(d, d->transport->get_status(d) | bits);
}

static int set_features(struct virtio_dev *d, u64 features)
{
	d->transport->set_features(d, features);
	if (!(features & BIT(VIRTIO_F_VERSION_1)))
		return 0;
	status_add(d, VIRTIO_STATUS_FEATURES_OK);
	if (d->transport->get_status(d) & VIRTIO_STATUS_FEATURES_OK)
		return 0;
	log_err(d->name, "the device refuses the features %llx", (unsigned long long)features);
	return -EIO;
}

void virtio_ready(struct virtio_dev *d)
{
	status_add(d, VIRTIO_STATUS_DRIVER_OK);
}

void virtio_reset(struct virtio_dev *d)
{
	u64 end = ktime_get() + RESET_LIMIT;

	d->transport->set_status(d, 0);
	/* The device may take its time; until then it may still write. */
	while (d->transport->get_status(d) != 0) {
		if (ktime_get() > end) {
			log_err(d->name, "the device does not reset");
			d->transport->isolate(d);
			break;
		}
		udelay(10);
	}
}

int virtio_restart(struct virtio_dev *d)
{
	int rc;

	status_add(d, VIRTIO_STATUS_ACKNOWLEDGE);
	status_add(d, VIRTIO_STATUS_DRIVER);
	rc = set_features(d, d->features);
	if (rc)
		return rc;
	d->transport->config_vector(d);
	for (unsigned int i = 0; rc == 0 && i < d->nr_queues; i++) {
		vring_start(d->queues[i]);
		rc = d->transport->queue_setup(d, d->queues[i]);
	}
	return rc;
}

static int make_queue(struct virtio_dev *d, unsigned int i)
{
	unsigned int size = d->transport->queue_max(d, i), limit = d->transport->queue_limit;

	if (size == 0)
		return -ENOENT;
	if (limit && size > limit)
		size = limit;
	while (limit && (size & (size - 1)))
		size &= size - 1;
	if (size > 1024 || (size & (size - 1)))
		return -EINVAL;
	return vring_alloc(d, i, size, &d->queues[i]);
}

static void free_queues(struct virtio_dev *d)
{
	d->transport->free_irqs(d);
	for (unsigned int i = 0; i < d->nr_queues; i++)
		vring_free(d->queues[i]);
	kfree(d->queues);
	d->queues = NULL;
	d->nr_queues = 0;
}

int virtio_find_queues(struct virtio_dev *d, unsigned int nr, struct virtqueue **vqs,
		       void (*const *handlers)(struct virtqueue *vq, void *arg), void *const *args,
		       const char *const *names)
{
	int rc = 0;

	if (d->queues)
		return -EBUSY;
	d->queues = kmalloc_array(nr, sizeof(*d->queues), GFP_KERNEL | GFP_ZERO);
	if (!d->queues)
		return -ENOMEM;
	d->nr_queues = nr;
	for (unsigned int i = 0; rc == 0 && i < nr; i++) {
		rc = make_queue(d, i);
		if (rc)
			break;
		vqs[i] = d->queues[i];
		vqs[i]->handler = handlers[i];
		vqs[i]->arg = args[i];
		scnprintf(vqs[i]->name, sizeof(vqs[i]->name), "%s-%s", d->name, names[i]);
	}
	if (rc == 0)
		rc = d->transport->irqs(d);
	if (rc == 0)
		d->transport->config_vector(d);
	for (unsigned int i = 0; rc == 0 && i < nr; i++)
		rc = d->transport->queue_setup(d, d->queues[i]);
	return rc; /* on failure the device is taken down by virtio_register */
}

void virtio_config_read(struct virtio_dev *d, unsigned int off, void *buf, unsigned int len)
{
	u8 before, tries = 0;

	do {
		before = d->transport->generation(d);
		d->transport->config_read(d, off, buf, len);
	} while (before != d->transport->generation(d) && ++tries < 100);
}

void virtio_config_write(struct virtio_dev *d, unsigned int off, const void *buf, unsigned int len)
{
	d->transport->config_write(d, off, buf, len);
}

static void config_work_fn(struct work *w)
{
	struct virtio_dev *d = container_of(w, struct virtio_dev, config_work);

	if (d->driver && d->driver->config_changed)
		d->driver->config_changed(d);
}

void virtio_config_interrupt(struct virtio_dev *d)
{
	schedule_work(&d->config_work);
}

static const struct virtio_driver *driver_of(u32 device_id)
{
	VIRTIO_FOREACH_DRIVER(drv)
		if (drv->device_id == device_id)
			return drv;
	return NULL;
}

bool virtio_wanted(u32 device_id)
{
	return driver_of(device_id) != NULL;
}

static void add_to_sysfs(struct virtio_dev *d)
{
	struct sysfs_node *n;
	char text[192];

	scnprintf(text, sizeof(text), "devices/%s", d->sysfs_path);
	if (sysfs_dir(NULL, text, NULL) || sysfs_dir(NULL, "bus/virtio/devices", &n))
		return;
	scnprintf(text, sizeof(text), "../../../devices/%s", d->sysfs_path);
	sysfs_link(n, d->name, text);
}

int virtio_register(struct virtio_dev *d, const char *parent_path)
{
	u64 offered;
	int rc;

	d->driver = driver_of(d->device_id);
	if (!d->driver)
		return -ENODEV;
	scnprintf(d->name, sizeof(d->name), "virtio%u", nr_devices++);
	scnprintf(d->sysfs_path, sizeof(d->sysfs_path), "%s/%s", parent_path, d->name);
	work_init(&d->config_work, config_work_fn);
	virtio_reset(d);
	status_add(d, VIRTIO_STATUS_ACKNOWLEDGE);
	status_add(d, VIRTIO_STATUS_DRIVER);
	offered = d->transport->get_features(d);
	d->features = offered & (d->driver->features | RING_FEATURES);
	rc = set_features(d, d->features);
	if (rc == 0) {
		add_to_sysfs(d);
		rc = d->driver->probe(d);
	}
	if (rc == 0)
		return 0;
	status_add(d, VIRTIO_STATUS_FAILED);
	virtio_reset(d);
	if (d->queues)
		free_queues(d);
	cancel_work_sync(&d->config_work);
	return rc;
}
