/* SPDX-License-Identifier: MIT */
/* Block devices in /sys: directories, links and attributes as Linux 6.1 has them, so that lsblk,
 * blkid, losetup and fdisk find what they look for.
 *   /sys/devices/<parent>/vda[/vda1]		   the directories
 *   /sys/block/vda, /sys/class/block/vda1, /sys/dev/block/254:1   links to them
 * Attributes take no locks: what they print is constant or read once (removal waits for those that
 * print, and happens under open_mutex). */
#include "block_internal.h"

#include <fs/sysfs.h>
#include <kernel/kstrto.h>

#define PATH_SIZE 160

/* --- attributes of disks and partitions; arg: struct bdev --- */

#define BDEV_ATTR(attr, ...)                                                                       \
	static int attr##_show(void *arg, struct strbuf *sb)                                       \
	{                                                                                          \
		const struct bdev *bd = arg;                                                       \
		const struct disk *d __maybe_unused = bd->disk;                                    \
                                                                                                   \
		sb_printf(sb, __VA_ARGS__);                                                        \
		return 0;                                                                          \
	}
#define ULL(x) ((unsigned long long)(x))

BDEV_ATTR(dev, "%u:%u\n", MAJOR(bd->dev), MINOR(bd->dev))
BDEV_ATTR(size, "%llu\n", ULL(READ_ONCE(bd->sectors)))
BDEV_ATTR(start, "%llu\n", ULL(bd->start))
BDEV_ATTR(partition, "%u\n", bd->partno)
BDEV_ATTR(ro, "%d\n", bdev_read_only(bd))
BDEV_ATTR(removable, "%d\n", d->removable)
BDEV_ATTR(zero, "%s", "0\n")
BDEV_ATTR(empty, "%s", "")
BDEV_ATTR(poll_msecs, "%s", "-1\n")
BDEV_ATTR(range, "%u\n", d->minors)
BDEV_ATTR(ext_range, "%u\n", d->hidden_parts ? 1u : 256u)
BDEV_ATTR(diskseq, "%llu\n", ULL(d->seq))
BDEV_ATTR(serial, "%s\n", d->serial)
BDEV_ATTR(model, "%s\n", d->model)

static int inflight_show(void *arg, struct strbuf *sb)
{
	struct bdev *bd = arg;
	unsigned int writes, n = disk_inflight(bd->disk, &writes);

	sb_printf(sb, "%8u %8u\n", n - writes, writes);
	return 0;
}

static u64 ms(u64 ns)
{
	return ns / NSEC_PER_MSEC;
}

void stats_print(const struct bdev *bd, struct strbuf *sb, bool wide)
{
	const char *one = wide ? " %8llu" : " %llu";
	struct disk_stats s;
	u64 v[17];

	stats_sum(bd, &s);
	for (unsigned int g = 0, k = 0; g < 3; g++) {
		v[k++] = s.ios[g];
		v[k++] = s.merges[g];
		v[k++] = s.sectors[g];
		v[k++] = ms(s.ns[g]);
		if (g == 1) {
			v[k++] = s.inflight;
			v[k++] = ms(s.io_ticks_ns);
			v[k++] = ms(s.queue_ns);
		}
	}
	v[15] = s.ios[3];
	v[16] = ms(s.ns[3]);
	for (unsigned int k = 0; k < ARRAY_SIZE(v); k++)
		sb_printf(sb, one + (wide && !k), ULL(v[k]));
	sb_putc(sb, '\n');
}

static int stat_show(void *arg, struct strbuf *sb)
{
	stats_print(arg, sb, true);
	return 0;
}

static int uevent_show(void *arg, struct strbuf *sb)
{
	const struct bdev *bd = arg;

	sb_printf(sb, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=%s\nDISKSEQ=%llu\n", MAJOR(bd->dev),
		  MINOR(bd->dev), bd->name, bd->partno ? "partition" : "disk", ULL(bd->disk->seq));
	if (bd->partno)
		sb_printf(sb, "PARTN=%u\n", bd->partno);
	if (bd->part_label[0])
		sb_printf(sb, "PARTNAME=%s\n", bd->part_label);
	return 0;
}

/* "add" and so on: nobody listens, because there is no netlink. */
static int uevent_store(void *arg __maybe_unused, const char *text __maybe_unused,
			size_t n __maybe_unused)
{
	return 0;
}

static int bdev_inject_show(void *arg, struct strbuf *sb)
{
	return inject_show(((struct bdev *)arg)->disk, sb);
}

static int bdev_inject_store(void *arg, const char *text, size_t n __maybe_unused)
{
	return inject_store(((struct bdev *)arg)->disk, text);
}

#define RO(n, fn) { .name = (n), .mode = 0444, .show = (fn) }
static const struct sysfs_attr common_attrs[] = {
	RO("alignment_offset", zero_show), RO("dev", dev_show), RO("discard_alignment", zero_show),
	RO("inflight", inflight_show), RO("ro", ro_show), RO("size", size_show),
	RO("stat", stat_show),
	{ .name = "uevent", .mode = 0644, .show = uevent_show, .store = uevent_store },
};
static const struct sysfs_attr part_attrs[] = { RO("partition", partition_show),
						RO("start", start_show) };
static const struct sysfs_attr disk_attrs[] = {
	RO("capability", zero_show), RO("diskseq", diskseq_show), RO("events", empty_show),
	RO("events_async", empty_show), RO("events_poll_msecs", poll_msecs_show),
	RO("ext_range", ext_range_show), RO("hidden", zero_show), RO("range", range_show),
	RO("removable", removable_show),
};
static const struct sysfs_attr serial_attr = RO("serial", serial_show);
static const struct sysfs_attr model_attr = RO("model", model_show);
static const struct sysfs_attr inject_attr = { .name = "inject", .mode = 0600,
					       .show = bdev_inject_show,
					       .store = bdev_inject_store };

/* --- queue/; arg: struct disk --- */

#define QUEUE_ATTR(attr, ...)                                                                      \
	static int queue_##attr##_show(void *arg, struct strbuf *sb)                               \
	{                                                                                          \
		const struct disk *d = arg;                                                        \
		const struct disk_limits *l __maybe_unused = &d->limits;                           \
                                                                                                   \
		sb_printf(sb, __VA_ARGS__);                                                        \
		return 0;                                                                          \
	}

QUEUE_ATTR(zero, "%d\n", 0 * d->removed)
QUEUE_ATTR(one, "%d\n", 1 + 0 * d->removed)
QUEUE_ATTR(logical, "%u\n", l->logical_block)
QUEUE_ATTR(physical, "%u\n", l->physical_block)
QUEUE_ATTR(io_min, "%u\n", l->io_min)
QUEUE_ATTR(io_opt, "%u\n", l->io_opt)
QUEUE_ATTR(max_kb, "%u\n", l->max_sectors / 2)
QUEUE_ATTR(segments, "%u\n", l->max_segs)
QUEUE_ATTR(segment_size, "%u\n", l->max_seg_bytes)
QUEUE_ATTR(virt_boundary, "%u\n", l->virt_boundary)
QUEUE_ATTR(rotational, "%d\n", l->rotational)
QUEUE_ATTR(discard_granularity, "%u\n", l->max_discard ? l->physical_block : 0)
QUEUE_ATTR(discard_max, "%llu\n", ULL(l->max_discard << SECTOR_SHIFT))
QUEUE_ATTR(zeroes_max, "%llu\n", ULL(l->max_zeroes << SECTOR_SHIFT))
QUEUE_ATTR(write_cache, "%s\n", l->write_cache ? "write back" : "write through")
QUEUE_ATTR(fua, "%d\n", l->fua)
QUEUE_ATTR(scheduler, "[none]%s\n", d->removed ? "" : " ")
QUEUE_ATTR(zoned, "none%s\n", d->removed ? "" : "")
QUEUE_ATTR(nr_requests, "%u\n", d->queues[0].depth ? d->queues[0].depth : 128)
QUEUE_ATTR(dma_alignment, "%u\n", SECTOR_SIZE - 1 + 0 * d->removed)
QUEUE_ATTR(read_ahead, "%u\n", d->whole->ra_pages << (PAGE_SHIFT - 10))
QUEUE_ATTR(timeout, "%llu\n", ULL(d->timeout_ns / NSEC_PER_MSEC))

static int read_ahead_store(void *arg, const char *text, size_t n __maybe_unused)
{
	struct disk *d = arg;
	unsigned int kb;

	if (kstrtouint(text, 10, &kb))
		return -EINVAL;
	WRITE_ONCE(d->whole->ra_pages, kb >> (PAGE_SHIFT - 10));
	return 0;
}

static int timeout_store(void *arg, const char *text, size_t n __maybe_unused)
{
	struct disk *d = arg;
	unsigned int msecs;

	if (kstrtouint(text, 10, &msecs) || !msecs)
		return -EINVAL;
	WRITE_ONCE(d->timeout_ns, msecs * NSEC_PER_MSEC);
	return 0;
}

static const struct sysfs_attr queue_attrs[] = {
	RO("add_random", queue_zero_show), RO("chunk_sectors", queue_zero_show),
	RO("dax", queue_zero_show), RO("discard_granularity", queue_discard_granularity_show),
	RO("discard_max_bytes", queue_discard_max_show),
	RO("discard_max_hw_bytes", queue_discard_max_show),
	RO("discard_zeroes_data", queue_zero_show), RO("dma_alignment", queue_dma_alignment_show),
	RO("fua", queue_fua_show), RO("hw_sector_size", queue_logical_show),
	RO("io_poll", queue_zero_show),
	{ .name = "io_timeout", .mode = 0644, .show = queue_timeout_show, .store = timeout_store },
	RO("iostats", queue_one_show), RO("logical_block_size", queue_logical_show),
	RO("max_discard_segments", queue_one_show), RO("max_hw_sectors_kb", queue_max_kb_show),
	RO("max_integrity_segments", queue_zero_show), RO("max_sectors_kb", queue_max_kb_show),
	RO("max_segment_size", queue_segment_size_show), RO("max_segments", queue_segments_show),
	RO("minimum_io_size", queue_io_min_show), RO("nomerges", queue_zero_show),
	RO("nr_requests", queue_nr_requests_show), RO("nr_zones", queue_zero_show),
	RO("optimal_io_size", queue_io_opt_show), RO("physical_block_size", queue_physical_show),
	{ .name = "read_ahead_kb", .mode = 0644, .show = queue_read_ahead_show,
	  .store = read_ahead_store },
	RO("rotational", queue_rotational_show), RO("rq_affinity", queue_one_show),
	RO("scheduler", queue_scheduler_show), RO("stable_writes", queue_zero_show),
	RO("virt_boundary_mask", queue_virt_boundary_show),
	RO("write_cache", queue_write_cache_show), RO("write_same_max_bytes", queue_zero_show),
	RO("write_zeroes_max_bytes", queue_zeroes_max_show),
	RO("zone_append_max_bytes", queue_zero_show),
	RO("zone_write_granularity", queue_zero_show), RO("zoned", queue_zoned_show),
};

/* --- building --- */

static int add_attrs(struct sysfs_node *dir, const struct sysfs_attr *a, unsigned int n, void *arg)
{
	int rc = 0;

	for (unsigned int k = 0; k < n && !rc; k++)
		rc = sysfs_attr(dir, &a[k], arg);
	return rc;
}

/* Path of the directory below /sys. */
static void dir_path(const struct bdev *bd, char *buf)
{
	const struct disk *d = bd->disk;
	int n = scnprintf(buf, PATH_SIZE, "devices/%s/%s",
			  d->sysfs_parent ? d->sysfs_parent : "virtual/block", d->name);

	if (bd->partno)
		scnprintf(buf + n, PATH_SIZE - (size_t)n, "/%s", bd->name);
}

/* A link in /sys/<dir>/<name>, `up` levels below /sys. */
static int link_to(const char *dir, const char *name, const char *up, const char *path)
{
	char target[PATH_SIZE + 16];
	struct sysfs_node *n;
	int rc = sysfs_dir(NULL, dir, &n);

	scnprintf(target, sizeof(target), "%s%s", up, path);
	return rc ? rc : sysfs_link(n, name, target);
}

static void unlink_from(const char *dir, const char *name)
{
	struct sysfs_node *n, *l;

	if (sysfs_dir(NULL, dir, &n) == 0 && (l = sysfs_find(n, name)) != NULL)
		sysfs_remove(l);
}

/* The relative way from a directory up to /sys/class/block. */
static int subsystem_link(struct sysfs_node *dir, const char *path, const char *name,
			  const char *target)
{
	char up[PATH_SIZE + 32];
	int n = 0;

	for (const char *s = path; s; s = strchr(s + 1, '/'))
		n += scnprintf(up + n, sizeof(up) - (size_t)n, "../");
	scnprintf(up + n, sizeof(up) - (size_t)n, "%s", target);
	return sysfs_link(dir, name, up);
}

/* The directory of the device below a disk: its parent, or the one above "block", which only
 * groups. NULL: there is none. */
static struct sysfs_node *device_dir(const struct disk *d, bool *group)
{
	const char *parent = d->sysfs_parent;
	struct sysfs_node *dir;
	char path[PATH_SIZE];
	size_t n;

	if (!parent)
		return NULL;
	n = strlen(parent);
	*group = n > 6 && strcmp(parent + n - 6, "/block") == 0;
	scnprintf(path, sizeof(path), "devices/%.*s", (int)(*group ? n - 6 : n), parent);
	return sysfs_dir(NULL, path, &dir) ? NULL : dir;
}

/* A link to it, and there what lsblk looks for, unless another disk (namespace) did it already. */
static int add_device(struct disk *d)
{
	bool group;
	struct sysfs_node *dir = device_dir(d, &group);

	if (!dir)
		return 0;
	d->device_attrs = !sysfs_find(dir, "model") && !sysfs_find(dir, "serial");
	if (d->device_attrs && d->model[0])
		(void)sysfs_attr(dir, &model_attr, d->whole);
	if (d->device_attrs && d->serial[0])
		(void)sysfs_attr(dir, &serial_attr, d->whole);
	return sysfs_link(d->sysfs, "device", group ? "../.." : "..");
}

static void remove_device(const struct disk *d)
{
	bool group;
	struct sysfs_node *dir = d->device_attrs ? device_dir(d, &group) : NULL, *n;

	if (dir && (n = sysfs_find(dir, "model")) != NULL)
		sysfs_remove(n);
	if (dir && (n = sysfs_find(dir, "serial")) != NULL)
		sysfs_remove(n);
}

int bdev_sysfs_add(struct bdev *bd)
{
	struct disk *d = bd->disk;
	char path[PATH_SIZE], num[24];
	struct sysfs_node *dir, *queue;
	int rc;

	dir_path(bd, path);
	rc = sysfs_dir(NULL, path, &dir);
	if (rc)
		return rc;
	bd->sysfs = dir;
	rc = add_attrs(dir, common_attrs, ARRAY_SIZE(common_attrs), bd) ?:
	     sysfs_dir(dir, "holders", NULL) ?:
	     subsystem_link(dir, path, "subsystem", "class/block");
	if (!rc && bd->partno)
		rc = add_attrs(dir, part_attrs, ARRAY_SIZE(part_attrs), bd);
	if (!rc && !bd->partno) {
		d->sysfs = dir;
		rc = add_attrs(dir, disk_attrs, ARRAY_SIZE(disk_attrs), bd) ?:
		     sysfs_dir(dir, "slaves", NULL) ?: sysfs_dir(dir, "queue", &queue) ?:
		     add_attrs(queue, queue_attrs, ARRAY_SIZE(queue_attrs), d) ?: add_device(d);
		if (!rc && d->serial[0])
			rc = sysfs_attr(dir, &serial_attr, bd);
		if (!rc && IS_ENABLED(CONFIG_BLOCK_INJECT))
			rc = sysfs_attr(dir, &inject_attr, bd);
		if (!rc)
			rc = link_to("block", bd->name, "../", path);
	}
	scnprintf(num, sizeof(num), "%u:%u", MAJOR(bd->dev), MINOR(bd->dev));
	if (!rc)
		rc = link_to("class/block", bd->name, "../../", path) ?:
		     link_to("dev/block", num, "../../", path);
	if (rc)
		bdev_sysfs_remove(bd);
	return rc;
}

void bdev_sysfs_remove(struct bdev *bd)
{
	char num[24];

	if (!bd->sysfs)
		return;
	scnprintf(num, sizeof(num), "%u:%u", MAJOR(bd->dev), MINOR(bd->dev));
	unlink_from("dev/block", num);
	unlink_from("class/block", bd->name);
	if (!bd->partno) {
		unlink_from("block", bd->name);
		remove_device(bd->disk);
	}
	sysfs_remove(bd->sysfs);
	bd->sysfs = NULL;
}
