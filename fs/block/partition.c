/* SPDX-License-Identifier: MIT */
/* Partitions of a disk: finding them in its tables, adding, deleting and resizing them by hand.
 * Everything here runs under disk->open_mutex. As on Linux, entries of a table may overlap, what
 * reaches beyond the end of the disk is cut, and what begins there is left out; partitions added by
 * hand may not overlap. */
#include "block_internal.h"

#include "partition_table.h"

struct bdev *partition_find(struct disk *d, unsigned int partno)
{
	struct bdev *bd;

	list_for_each_entry(bd, &d->parts, node) {
		if (bd->partno == partno)
			return bd;
	}
	return NULL;
}

/* In the order of numbers. */
static int partition_make(struct disk *d, unsigned int partno, u64 start, u64 sectors,
			  const char *uuid, const char *label)
{
	struct bdev *bd = bdev_create(d, partno, start, sectors), *o;
	struct list_head *before = &d->parts;
	int rc;

	if (!bd)
		return -ENOMEM;
	strscpy(bd->part_uuid, uuid, sizeof(bd->part_uuid));
	strscpy(bd->part_label, label, sizeof(bd->part_label));
	rc = bdev_publish(bd);
	if (rc) {
		bdev_destroy(bd);
		return rc;
	}
	list_for_each_entry(o, &d->parts, node) {
		if (o->partno > partno) {
			before = &o->node;
			break;
		}
	}
	list_add_tail(&bd->node, before);
	return 0;
}

static void drop(struct bdev *bd)
{
	list_del_init(&bd->node);
	bdev_unpublish(bd);
	bdev_put(bd);
}

void disk_drop_partitions(struct disk *d)
{
	while (!list_empty(&d->parts))
		drop(list_first_entry(&d->parts, struct bdev, node));
}

static int read_sectors(void *arg, u64 sector, void *buf, unsigned int n)
{
	return bdev_rw(arg, BIO_READ, sector, buf, (size_t)n * SECTOR_SIZE);
}

static void add_found(struct disk *d, const struct part_entry *e)
{
	u64 sectors = e->sectors;
	int rc;

	if (!sectors || e->start >= d->sectors) {
		log_warn(d->name, "partition %u begins beyond the end of the disk", e->no);
		return;
	}
	if (sectors > d->sectors - e->start) {
		log_warn(d->name, "partition %u is cut at the end of the disk", e->no);
		sectors = d->sectors - e->start;
	}
	rc = partition_make(d, e->no, e->start, sectors, e->uuid, e->label);
	if (rc)
		log_err(d->name, "partition %u: error %d", e->no, rc);
}

void disk_scan_partitions(struct disk *d)
{
	struct part_source src = { .read = read_sectors, .arg = d->whole, .sectors = d->sectors,
				   .logical_block = d->limits.logical_block };
	struct part_table *t = kvmalloc(sizeof(*t), GFP_KERNEL);
	struct page *p = page_alloc(GFP_KERNEL);
	bool found;

	if (!t || !p)
		goto out;
	src.block = page_address(p);
	found = gpt_parse(&src, t);
	if (t->note)
		log_warn(d->name, "%s", t->note);
	if (!found)
		found = mbr_parse(&src, t);
	for (unsigned int k = 0; found && k < t->nr; k++)
		add_found(d, &t->parts[k]);
	if (found && t->nr)
		log_info(d->name, "%u partitions (%s)", t->nr, t->type);
out:
	if (p)
		page_put(p);
	kvfree(t);
}

int partition_add(struct disk *d, unsigned int partno, u64 start, u64 sectors)
{
	struct bdev *bd;
	int rc = -EINVAL;

	mutex_lock(&d->open_mutex);
	if (start + sectors < start || start + sectors > d->sectors)
		goto out;
	rc = -EBUSY;
	list_for_each_entry(bd, &d->parts, node) {
		if (bd->partno == partno ||
		    (bd->start < start + sectors && start < bd->start + bd->sectors))
			goto out;
	}
	rc = partition_make(d, partno, start, sectors, "", "");
out:
	mutex_unlock(&d->open_mutex);
	return rc;
}

int partition_del(struct disk *d, unsigned int partno)
{
	struct bdev *bd;
	int rc = 0;

	mutex_lock(&d->open_mutex);
	bd = partition_find(d, partno);
	if (!bd)
		rc = -ENXIO;
	else if (bd->openers)
		rc = -EBUSY;
	else
		drop(bd);
	mutex_unlock(&d->open_mutex);
	return rc;
}

int partition_resize(struct disk *d, unsigned int partno, u64 start, u64 sectors)
{
	struct bdev *bd, *o;
	int rc = -ENXIO;

	mutex_lock(&d->open_mutex);
	bd = partition_find(d, partno);
	if (!bd)
		goto out;
	rc = -EINVAL;
	if (bd->start != start || start + sectors < start || start + sectors > d->sectors)
		goto out;
	rc = -EBUSY;
	list_for_each_entry(o, &d->parts, node) {
		if (o != bd && o->start < start + sectors && start < o->start + o->sectors)
			goto out;
	}
	bdev_set_sectors(bd, sectors);
	rc = 0;
out:
	mutex_unlock(&d->open_mutex);
	return rc;
}
