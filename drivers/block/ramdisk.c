/* SPDX-License-Identifier: MIT */
/* RAM disks: /dev/ram0 to /dev/ram15, each ramdisk_size= KiB (4096), of pages that come when
 * something is written and go when it is discarded.
 *
 * Owns:    the pages, in one xarray for each disk, by page index.
 * Way:     no queue: bios are copied where they are submitted, in task context.
 * Locking: disk->lock (LOCK_XARRAY) for changes of the tree. A copy holds a reference on its page,
 *          because a discard may take it away meanwhile.
 * Boot parameters as on Linux: ramdisk_size= (KiB); brd.rd_nr= (number of disks). */
#include <fs/block.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/xarray.h>

#define RAMDISK_MAJOR 1
#define PAGE_SECTORS (PAGE_SIZE / SECTOR_SIZE)

struct ramdisk {
	struct xarray pages;
	struct spinlock lock;
};

static u64 ramdisk_kib = CONFIG_BLOCK_RAMDISK_KIB;
static u64 ramdisk_count = 16;

static int size_param(const char *value)
{
	return kstrtou64(value, 0, &ramdisk_kib);
}
BOOT_PARAM("ramdisk_size", size_param);

static int count_param(const char *value)
{
	return kstrtou64(value, 0, &ramdisk_count);
}
BOOT_PARAM("brd.rd_nr", count_param);

static struct page *find_page(struct ramdisk *r, u64 index)
{
	struct page *p;

	rcu_read_lock();
	do {
		p = xa_load(&r->pages, index);
	} while (p && !page_get_unless_zero(p));
	rcu_read_unlock();
	return p;
}

static int make_page(struct ramdisk *r, u64 index, struct page **out)
{
	struct page *p = page_alloc(GFP_KERNEL | GFP_ZERO | GFP_NORETRY);
	int rc;

	if (!p)
		return -ENOMEM;
	spin_lock(&r->lock);
	rc = xa_insert(&r->pages, index, p, GFP_ATOMIC);
	if (!rc)
		page_get(p);
	spin_unlock(&r->lock);
	if (!rc) {
		*out = p;
		return 0;
	}
	page_put(p);
	if (rc == -ENOMEM)
		return rc;
	*out = find_page(r, index);
	return *out ? 0 : -EAGAIN;
}

/* One piece inside a page of the disk. */
static int copy_piece(struct ramdisk *r, bool write, u64 byte, void *mem, size_t n)
{
	u64 index = byte / PAGE_SIZE, off = byte % PAGE_SIZE;
	struct page *p = find_page(r, index);
	int rc = 0;

	while (!p && write && !rc) {
		rc = make_page(r, index, &p);
		if (rc == -EAGAIN)
			rc = 0;
	}
	if (rc)
		return rc;
	if (write)
		memcpy((char *)page_address(p) + off, mem, n);
	else if (p)
		memcpy(mem, (char *)page_address(p) + off, n);
	else
		memset(mem, 0, n);
	if (p)
		page_put(p);
	return 0;
}

static int transfer(struct ramdisk *r, const struct bio *b)
{
	u64 byte = bio_disk_sector(b) << SECTOR_SHIFT;

	for (unsigned int k = 0; k < b->nr_vecs; k++) {
		char *mem = (char *)page_address(b->vecs[k].page) + b->vecs[k].off;
		u32 left = b->vecs[k].len;

		while (left) {
			u32 n = (u32)min_t(u64, left, PAGE_SIZE - byte % PAGE_SIZE);
			int rc = copy_piece(r, b->op == BIO_WRITE, byte, mem, n);

			if (rc)
				return rc;
			byte += n;
			mem += n;
			left -= n;
		}
	}
	return 0;
}

static void drop_page(struct ramdisk *r, u64 index)
{
	struct page *p;

	spin_lock(&r->lock);
	p = xa_erase(&r->pages, index);
	spin_unlock(&r->lock);
	if (p)
		page_put(p);
}

/* Reads as zeroes afterwards; whole pages are given back. */
static void clear(struct ramdisk *r, u64 sector, u64 nr)
{
	u64 at = sector << SECTOR_SHIFT, end = (sector + nr) << SECTOR_SHIFT;

	while (at < end) {
		u64 off = at % PAGE_SIZE, n = min(PAGE_SIZE - off, end - at);
		struct page *p;

		if (n == PAGE_SIZE) {
			drop_page(r, at / PAGE_SIZE);
		} else {
			p = find_page(r, at / PAGE_SIZE);
			if (p) {
				memset((char *)page_address(p) + off, 0, n);
				page_put(p);
			}
		}
		at += n;
		cond_resched();
	}
}

static void ramdisk_submit(struct disk *d, struct bio *b)
{
	struct ramdisk *r = d->private;
	int rc = 0;

	if (b->op == BIO_READ || b->op == BIO_WRITE)
		rc = transfer(r, b);
	else
		clear(r, bio_disk_sector(b), b->nr_sectors);
	bio_done(b, rc == -ENOMEM ? -ENOSPC : rc);
}

static const struct disk_ops ramdisk_ops = { .submit_bio = ramdisk_submit };

static int add_one(unsigned int n)
{
	struct ramdisk *r = kzalloc(sizeof(*r), GFP_KERNEL);
	struct disk *d = disk_alloc(&ramdisk_ops, 1, 0);
	int rc = -ENOMEM;

	if (!r || !d)
		goto fail;
	xa_init(&r->pages);
	spin_lock_init(&r->lock, LOCK_XARRAY);
	d->private = r;
	d->sectors = ramdisk_kib * 2;
	d->major = RAMDISK_MAJOR;
	d->first_minor = n;
	d->minors = 1;
	d->limits.physical_block = PAGE_SIZE;
	d->limits.max_discard = d->limits.max_zeroes = 1u << 23;
	scnprintf(d->name, sizeof(d->name), "ram%u", n);
	rc = disk_add(d);
	if (!rc)
		return 0;
fail:
	if (d)
		disk_free(d);
	kfree(r);
	return rc;
}

static int ramdisk_init(void)
{
	int rc = blkdev_major_register(RAMDISK_MAJOR, "ramdisk");

	for (unsigned int n = 0; n < ramdisk_count && !rc; n++)
		rc = add_one(n);
	return rc;
}
INIT_HOOK(INIT_DRIVER, ramdisk_init);
