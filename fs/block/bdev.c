/* SPDX-License-Identifier: MIT */
/* Block devices as their users see them: numbers, openers, exclusive owners, the inode that carries
 * the page cache.
 *
 * Owns:      the table of published bdevs by number, and the internal file system "bdev", whose
 *            inodes are the page caches. Opening any node of a device leads to the one inode.
 * Lifetime:  a bdev has one reference of its disk (or of the partition's place in it), which
 *            bdev_unpublish and bdev_put take away, and one of each opener. It keeps its disk and
 *            its inode. The page cache is dropped when the last opener has gone.
 * Locking:   table_lock (LOCK_SLEEP_INNER) for the table. disk->open_mutex for openers, holder and
 *            size.
 * Exclusive: a partition and its disk exclude each other: disk_holds_parts counts the held
 *            partitions while the disk has no holder of its own. */
#include "block_internal.h"

#include <fs/buffer.h>
#include <kernel/div.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/xarray.h>

#define RA_PAGES_DEFAULT 32 /* 128 KiB */

static DEFINE_MUTEX(table_lock, LOCK_SLEEP_INNER);
static struct xarray table = XARRAY_INIT; /* table_lock: by dev_t */
static u32 next_ext;			  /* table_lock: where to look for an extended minor */
static struct mount *bdev_mount;

/* --- making and ending --- */

static const char *part_separator(const char *disk)
{
	size_t n = strlen(disk);

	return n && disk[n - 1] >= '0' && disk[n - 1] <= '9' ? "p" : "";
}

static struct inode *make_inode(struct bdev *bd)
{
	struct inode *i = inode_new(bdev_mount->sb);

	if (!i)
		return NULL;
	i->mode = S_IFBLK | 0600;
	i->private = bd;
	i->size = (loff_t)(bd->sectors << SECTOR_SHIFT);
	i->data.ops = &bdev_mapping_ops;
	i->data.bdev = bd;
	i->data.block_shift = (u8)ilog2(bd->disk->limits.logical_block);
	return i;
}

/* What BLKBSZGET says before anybody sets it: the largest block the size is a multiple of. */
static u32 first_block_size(const struct bdev *bd)
{
	u32 size = bd->disk->limits.logical_block;

	while (size < PAGE_SIZE && !((bd->sectors << SECTOR_SHIFT) & size))
		size <<= 1;
	return size;
}

struct bdev *bdev_create(struct disk *d, unsigned int partno, u64 start, u64 sectors)
{
	struct bdev *bd = kzalloc(sizeof(*bd), GFP_KERNEL);

	if (!bd)
		return NULL;
	bd->disk = d;
	bd->partno = partno;
	bd->start = start;
	bd->sectors = sectors;
	bd->block_size = first_block_size(bd);
	bd->ra_pages = d->whole ? d->whole->ra_pages : RA_PAGES_DEFAULT;
	atomic_set(&bd->refs, 1);
	list_init(&bd->node);
	if (partno)
		scnprintf(bd->name, sizeof(bd->name), "%s%s%u", d->name, part_separator(d->name),
			  partno);
	else
		strscpy(bd->name, d->name, sizeof(bd->name));
	bd->stats = kzalloc(cpu_possible_count * sizeof(*bd->stats), GFP_KERNEL);
	bd->inode = bd->stats ? make_inode(bd) : NULL;
	if (!bd->inode) {
		kfree(bd->stats);
		kfree(bd);
		return NULL;
	}
	disk_get(d);
	return bd;
}

void bdev_destroy(struct bdev *bd)
{
	struct disk *d = bd->disk;

	if (bd->inode->data.nr_pages)
		mapping_truncate_range(&bd->inode->data, 0, -1);
	inode_put(bd->inode);
	kfree(bd->stats);
	kfree(bd);
	disk_put(d);
}

void bdev_put(struct bdev *bd)
{
	if (atomic_dec_and_test(&bd->refs))
		bdev_destroy(bd);
}

/* --- numbers --- */

/* table_lock held. */
static int choose_number(const struct bdev *bd, dev_t *out)
{
	const struct disk *d = bd->disk;

	if (d->major && bd->partno < d->minors) {
		*out = MKDEV(d->major, d->first_minor + bd->partno);
		return xa_load(&table, *out) ? -EBUSY : 0;
	}
	for (u32 k = 0; k < 1u << 20; k++) {
		*out = MKDEV(EXT_MAJOR, (next_ext + k) & 0xfffff);
		if (!xa_load(&table, *out)) {
			next_ext = (MINOR(*out) + 1) & 0xfffff;
			return 0;
		}
	}
	return -EBUSY;
}

int bdev_publish(struct bdev *bd)
{
	int rc;

	mutex_lock(&table_lock);
	rc = choose_number(bd, &bd->dev);
	if (!rc)
		rc = xa_store(&table, bd->dev, bd, GFP_KERNEL);
	mutex_unlock(&table_lock);
	if (rc)
		return rc;
	bd->inode->rdev = bd->dev;
	bd->inode->ino = bd->dev;
	rc = bdev_sysfs_add(bd);
	if (!rc)
		rc = devfs_create(bd->name, S_IFBLK | 0600, bd->dev);
	if (rc == -EEXIST)
		rc = 0; /* somebody's own node */
	if (rc)
		bdev_unpublish(bd);
	return rc;
}

void bdev_unpublish(struct bdev *bd)
{
	WRITE_ONCE(bd->removed, true);
	mutex_lock(&table_lock);
	xa_erase(&table, bd->dev);
	if (MAJOR(bd->dev) == EXT_MAJOR)
		next_ext = min(next_ext, (u32)MINOR(bd->dev));
	mutex_unlock(&table_lock);
	devfs_remove(bd->name);
	bdev_sysfs_remove(bd);
}

struct bdev *bdev_find(dev_t dev)
{
	struct bdev *bd;

	mutex_lock(&table_lock);
	bd = xa_load(&table, dev);
	if (bd)
		atomic_inc(&bd->refs);
	mutex_unlock(&table_lock);
	return bd;
}

void bdev_for_each(bool (*fn)(struct bdev *bd, void *arg), void *arg)
{
	u64 at = 0;
	bool go_on = true;

	while (go_on) {
		struct bdev *bd;

		mutex_lock(&table_lock);
		bd = xa_find(&table, &at, XA_LAST);
		if (bd)
			atomic_inc(&bd->refs);
		mutex_unlock(&table_lock);
		if (!bd)
			return;
		go_on = fn(bd, arg);
		bdev_put(bd);
		at++;
	}
}

/* --- size, write protection --- */

void bdev_set_sectors(struct bdev *bd, u64 sectors)
{
	spin_lock(&bd->inode->data.lock);
	WRITE_ONCE(bd->sectors, sectors);
	WRITE_ONCE(bd->inode->size, (loff_t)(sectors << SECTOR_SHIFT));
	spin_unlock(&bd->inode->data.lock);
	if (!bd->openers)
		bd->block_size = first_block_size(bd);
}

bool bdev_read_only(const struct bdev *bd)
{
	return READ_ONCE(bd->read_only) || READ_ONCE(bd->disk->read_only);
}

/* --- opening --- */

static unsigned int held_parts(const struct disk *d)
{
	const struct bdev *bd;
	unsigned int n = 0;

	list_for_each_entry(bd, &d->parts, node)
		n += bd->holder != NULL;
	return n;
}

int bdev_claim(struct bdev *bd, void *holder)
{
	struct bdev *whole = bd->disk->whole;

	if (bd->holder && bd->holder != holder)
		return -EBUSY;
	if (!bd->holder && (bd == whole ? held_parts(bd->disk) != 0 : whole->holder != NULL))
		return -EBUSY;
	bd->holder = holder;
	bd->holds++;
	return 0;
}

void bdev_unclaim(struct bdev *bd)
{
	if (!--bd->holds)
		bd->holder = NULL;
}

static int open_locked(struct bdev *bd, u32 mode, void *holder)
	MUST_HOLD(bd->disk->open_mutex)
{
	struct disk *d = bd->disk;
	int rc;

	if (bd->removed || d->removed)
		return -ENXIO;
	if (holder && (mode & FMODE_WRITE) && bdev_read_only(bd))
		return -EACCES;
	if (holder) {
		rc = bdev_claim(bd, holder);
		if (rc)
			return rc;
	}
	rc = d->ops->open ? d->ops->open(d, mode) : 0;
	if (rc && holder)
		bdev_unclaim(bd);
	if (!rc) {
		bd->openers++;
		d->openers++;
	}
	return rc;
}

int bdev_open(dev_t dev, u32 mode, void *holder, struct bdev **out)
{
	struct bdev *bd = bdev_find(dev);
	int rc;

	if (!bd)
		return -ENXIO;
	mutex_lock(&bd->disk->open_mutex);
	rc = open_locked(bd, mode, holder);
	mutex_unlock(&bd->disk->open_mutex);
	if (rc)
		bdev_put(bd);
	else
		*out = bd;
	return rc;
}

void bdev_close(struct bdev *bd, void *holder)
{
	struct disk *d = bd->disk;

	mutex_lock(&bd->disk->open_mutex);
	if (holder && bd->holder == holder)
		bdev_unclaim(bd);
	if (bd->openers == 1) {
		(void)bdev_sync(bd);
		/* A buffer whose page has left the mapping would not see what is written later. */
		buf_drop_all(bd);
		bdev_drop_pages(bd);
	}
	bd->openers--;
	d->openers--;
	mutex_unlock(&bd->disk->open_mutex);
	if (d->ops->release)
		d->ops->release(d);
	bdev_put(bd);
}

void bdev_drop_pages(struct bdev *bd)
{
	mapping_truncate_range(&bd->inode->data, 0, -1);
}

bool bdev_held(struct bdev *bd)
{
	struct disk *d = bd->disk;
	bool held;

	mutex_lock(&d->open_mutex);
	held = bd->holder || d->whole->holder || (bd == d->whole && held_parts(d));
	mutex_unlock(&d->open_mutex);
	return held;
}

int bdev_open_path(const char *path, u32 mode, void *holder, struct bdev **out)
{
	struct path p;
	dev_t dev;
	int rc;

	rc = kern_path(path, LOOKUP_FOLLOW, &p);
	if (rc)
		return rc;
	rc = S_ISBLK(p.dentry->inode->mode) ? 0 : -ENOTBLK;
	if (!rc && (p.mnt->flags & MNT_NODEV))
		rc = -EACCES;
	dev = p.dentry->inode->rdev;
	path_put(&p);
	return rc ? rc : bdev_open(dev, mode, holder, out);
}

/* --- the file system of the page caches --- */

static int bdev_sync_fs(struct super_block *sb __maybe_unused, bool wait __maybe_unused);
static const struct super_ops bdev_super_ops = { .sync_fs = bdev_sync_fs };

static bool sync_one(struct bdev *bd, void *arg __maybe_unused)
{
	(void)bdev_sync(bd);
	return true;
}

static int bdev_sync_fs(struct super_block *sb __maybe_unused, bool wait __maybe_unused)
{
	bdev_for_each(sync_one, NULL);
	return 0;
}

static int bdev_fs_mount(const struct fs_type *type, u32 flags, const char *source __maybe_unused,
			 char *data __maybe_unused, struct super_block **out)
{
	struct super_block *sb = sb_create(type, &bdev_super_ops, flags | SB_I_NODEV_FS);
	struct inode *root;

	if (!sb)
		return -ENOMEM;
	sb->magic = 0x62646576;
	root = inode_new(sb);
	if (!root)
		goto fail;
	root->mode = S_IFDIR | 0700;
	sb->root = d_alloc_root(root);
	if (!sb->root)
		goto fail_root;
	*out = sb;
	return 0;
fail_root:
	inode_put(root);
fail:
	sb_put(sb);
	return -ENOMEM;
}

TABLE_ENTRY(fs_types, struct fs_type, bdev) = { .name = "bdev",
						.flags = FS_NODEV | FS_INTERNAL,
						.mount = bdev_fs_mount };

static int bdev_init(void)
{
	return kern_mount(fs_type_find("bdev"), &bdev_mount);
}
INIT_HOOK(INIT_SUBSYS, bdev_init);
