/* SPDX-License-Identifier: MIT */
/* /proc/partitions and /proc/diskstats: disks in the order they came, each before its
 * partitions. */
#include "block_internal.h"

#include <fs/procfs.h>

typedef void row_fn(struct strbuf *sb, const struct bdev *bd);

/* open_mutex keeps the list of partitions; it comes before disks_lock, so each disk is held by a
 * reference while the lists are not looked at. */
static struct disk *next_disk(struct disk *last)
{
	struct disk *d, *found = NULL;
	u64 seq = last ? last->seq : 0;

	mutex_lock(&disks_lock);
	list_for_each_entry(d, &disks, node) {
		if (d->seq > seq && !d->removed && d->whole) {
			disk_get(d);
			found = d;
			break;
		}
	}
	mutex_unlock(&disks_lock);
	if (last)
		disk_put(last);
	return found;
}

static void for_each_row(struct strbuf *sb, row_fn *row, bool empty_too)
{
	for (struct disk *d = next_disk(NULL); d; d = next_disk(d)) {
		const struct bdev *bd;

		if (!d->sectors && !empty_too)
			continue;
		mutex_lock(&d->open_mutex);
		if (!d->removed) {
			row(sb, d->whole);
			list_for_each_entry(bd, &d->parts, node)
				row(sb, bd);
		}
		mutex_unlock(&d->open_mutex);
	}
}

static void partition_row(struct strbuf *sb, const struct bdev *bd)
{
	sb_printf(sb, "%4u  %7u %10llu %s\n", MAJOR(bd->dev), MINOR(bd->dev),
		  (unsigned long long)(bd->sectors / 2), bd->name);
}

static int partitions_show(struct strbuf *sb)
{
	sb_puts(sb, "major minor  #blocks  name\n\n");
	for_each_row(sb, partition_row, false);
	return 0;
}
PROC_FILE(partitions, "partitions", 0444, partitions_show);

static void stats_row(struct strbuf *sb, const struct bdev *bd)
{
	sb_printf(sb, "%4u %7u %s", MAJOR(bd->dev), MINOR(bd->dev), bd->name);
	stats_print(bd, sb, false);
}

static int diskstats_show(struct strbuf *sb)
{
	for_each_row(sb, stats_row, true);
	return 0;
}
PROC_FILE(diskstats, "diskstats", 0444, diskstats_show);
