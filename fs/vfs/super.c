/* SPDX-License-Identifier: MIT */
/* Super blocks and file system types.
 *
 * Lifetime: sb_create gives one reference (active), which the first mount takes over; each further
 * mount and each kern_mount adds one. With the last sb_put the names, inodes and the super block
 * go. Anonymous device numbers (major 0) come from an idr, 1 upward as Linux numbers them. */
#include "notify.h"
#include "vfs_internal.h"

#include <fs/procfs.h>
#include <kernel/idr.h>
#include <kernel/log.h>
#include <kernel/table.h>
#include <uapi/statfs.h>

static LIST_HEAD(all_sbs);
static DEFINE_SPINLOCK(all_lock, LOCK_SB_LISTS);
static DEFINE_MUTEX(dev_lock, LOCK_SLEEP_INNER);
static struct idr devs = IDR_INIT; /* dev_lock */

const struct fs_type *fs_type_find(const char *name)
{
	TABLE_FOREACH(fs_types, struct fs_type, t) {
		if (!strcmp(t->name, name))
			return t;
	}
	return NULL;
}

struct super_block *sb_create(const struct fs_type *type, const struct super_ops *ops, u32 flags)
{
	struct super_block *sb = kzalloc(sizeof(*sb), GFP_KERNEL);
	int minor;

	if (!sb)
		return NULL;
	mutex_lock(&dev_lock);
	minor = idr_alloc(&devs, sb, 1, 1 << 20, GFP_KERNEL);
	mutex_unlock(&dev_lock);
	if (minor < 0) {
		kfree(sb);
		return NULL;
	}
	sb->type = type;
	sb->ops = ops;
	sb->dev = MKDEV(0, (unsigned int)minor);
	sb->flags = flags;
	sb->blocksize = PAGE_SIZE;
	sb->maxbytes = INT64_MAX;
	sb->time_gran = 1;
	atomic_set(&sb->active, 1);
	rwsem_init(&sb->umount_lock, LOCK_SB_UMOUNT);
	mutex_init(&sb->rename_lock, LOCK_RENAME);
	spin_lock_init(&sb->inodes_lock, LOCK_SB_LISTS);
	list_init(&sb->inodes);
	strscpy(sb->id, type->name, sizeof(sb->id));
	spin_lock(&all_lock);
	list_add_tail(&sb->node, &all_sbs);
	spin_unlock(&all_lock);
	return sb;
}

void sb_put(struct super_block *sb)
{
	if (!atomic_dec_and_test(&sb->active))
		return;
	if (sb->ops->sync_fs && !(sb->flags & SB_RDONLY))
		(void)sb->ops->sync_fs(sb, true);
	inotify_unmount(sb);
	if (sb->root)
		dcache_umount(sb);
	inodes_drop_unused(sb);
	if (sb->ops->put_super)
		sb->ops->put_super(sb);
	if (!list_empty(&sb->inodes))
		log_warn("vfs", "%s: inodes still in use after unmounting", sb->type->name);
	spin_lock(&all_lock);
	list_del(&sb->node);
	spin_unlock(&all_lock);
	mutex_lock(&dev_lock);
	idr_remove(&devs, (int)MINOR(sb->dev));
	mutex_unlock(&dev_lock);
	/* Inodes that are waiting for their grace period still name it. */
	rcu_barrier();
	kfree(sb);
}

bool sb_has_writers(struct super_block *sb)
{
	struct inode *i;
	bool found = false;

	spin_lock(&sb->inodes_lock);
	list_for_each_entry(i, &sb->inodes, sb_list) {
		if (atomic_read(&i->writers) > 0) {
			found = true;
			break;
		}
	}
	spin_unlock(&sb->inodes_lock);
	return found;
}

int sb_statfs(const struct path *p, struct kstatfs *st)
{
	struct super_block *sb = p->dentry->sb;
	u32 mf = p->mnt->flags;
	int rc = 0;

	memset(st, 0, sizeof(*st));
	st->type = sb->magic;
	st->bsize = sb->blocksize;
	st->namelen = NAME_MAX;
	if (sb->ops->statfs)
		rc = sb->ops->statfs(p->dentry, st);
	if (!st->frsize)
		st->frsize = st->bsize;
	if (!st->fsid)
		st->fsid = dev_encode(sb->dev);
	st->flags = ST_VALID;
	st->flags |= mount_readonly(p->mnt) ? ST_RDONLY : 0;
	st->flags |= mf & MNT_NOSUID ? ST_NOSUID : 0;
	st->flags |= mf & MNT_NODEV ? ST_NODEV : 0;
	st->flags |= mf & MNT_NOEXEC ? ST_NOEXEC : 0;
	st->flags |= mf & MNT_NOATIME ? ST_NOATIME : 0;
	st->flags |= mf & MNT_NODIRATIME ? ST_NODIRATIME : 0;
	st->flags |= mf & MNT_RELATIME ? ST_RELATIME : 0;
	st->flags |= sb->flags & SB_SYNCHRONOUS ? ST_SYNCHRONOUS : 0;
	return rc;
}

void super_sync_all(bool wait)
{
	struct super_block *sb, *last = NULL;

	spin_lock(&all_lock);
	list_for_each_entry(sb, &all_sbs, node) {
		if (!sb->ops->sync_fs || !atomic_inc_not_zero(&sb->active))
			continue;
		spin_unlock(&all_lock);
		if (last)
			sb_put(last);
		down_read(&sb->umount_lock);
		if (!(sb->flags & SB_RDONLY))
			(void)sb->ops->sync_fs(sb, wait);
		up_read(&sb->umount_lock);
		last = sb;
		spin_lock(&all_lock);
	}
	spin_unlock(&all_lock);
	if (last)
		sb_put(last);
}

static int filesystems_show(struct strbuf *sb)
{
	TABLE_FOREACH(fs_types, struct fs_type, t)
		sb_printf(sb, "%s\t%s\n", t->flags & FS_NODEV ? "nodev" : "", t->name);
	return 0;
}
PROC_FILE(filesystems, "filesystems", 0444, filesystems_show);
