/* SPDX-License-Identifier: MIT */
/* Super blocks and file system types.
 *
 * Lifetime: sb_create or sb_get gives one reference (active), which the first mount takes over;
 * each further mount and each kern_mount adds one. With the last sb_put everything is written, then
 * the names, the inodes and the super block go. One on a device (sb_get) stays on the list until
 * that is done, and whoever mounts the device again waits.
 * Anonymous device numbers (major 0) come from an idr, 1 upward as Linux numbers them.
 * Shrinkers: one that takes a name or an inode of a super block counts in sb->shrinking while it
 * works, as do the flusher and whoever drops the inode of an inotify watch. sb_put first sets
 * SB_STATE_DYING, which keeps new ones away, and waits for the others. */
#include "notify.h"
#include "vfs_internal.h"

#include <fs/block.h>
#include <fs/procfs.h>
#include <kernel/idr.h>
#include <kernel/log.h>
#include <kernel/table.h>
#include <kernel/wait.h>
#include <uapi/statfs.h>

static LIST_HEAD(all_sbs);
static DEFINE_SPINLOCK(all_lock, LOCK_SB_LISTS);
static DEFINE_WAIT_QUEUE(sb_wait); /* a state changed, shrinking fell to 0, one left the list */
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

/* Not on the list yet. */
static struct super_block *sb_alloc(const struct fs_type *type, const struct super_ops *ops,
				    u32 flags)
{
	struct super_block *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return NULL;
	sb->type = type;
	sb->ops = ops;
	sb->flags = flags;
	sb->blocksize = PAGE_SIZE;
	sb->maxbytes = INT64_MAX;
	sb->time_gran = 1;
	atomic_set(&sb->active, 1);
	atomic_set(&sb->shrinking, 0);
	rwsem_init(&sb->umount_lock, LOCK_SB_UMOUNT);
	mutex_init(&sb->rename_lock, LOCK_RENAME);
	mutex_init(&sb->sync_lock, LOCK_SB_SYNC);
	spin_lock_init(&sb->inodes_lock, LOCK_SB_LISTS);
	list_init(&sb->inodes);
	list_init(&sb->dirty);
	strscpy(sb->id, type->name, sizeof(sb->id));
	return sb;
}

struct super_block *sb_create(const struct fs_type *type, const struct super_ops *ops, u32 flags)
{
	struct super_block *sb = sb_alloc(type, ops, flags);
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
	sb->dev = MKDEV(0, (unsigned int)minor);
	spin_lock(&all_lock);
	list_add_tail(&sb->node, &all_sbs);
	spin_unlock(&all_lock);
	return sb;
}

static struct super_block *find_dev(dev_t dev)
{
	struct super_block *sb;

	lock_assert_held(&all_lock);
	list_for_each_entry(sb, &all_sbs, node) {
		if (sb->dev == dev)
			return sb;
	}
	return NULL;
}

/* Has the super block of dev been filled, or has it left the list? */
static bool dev_settled(dev_t dev)
{
	struct super_block *sb;
	bool settled;

	spin_lock(&all_lock);
	sb = find_dev(dev);
	settled = !sb || READ_ONCE(sb->state) == SB_STATE_READY;
	spin_unlock(&all_lock);
	return settled;
}

int sb_get(const struct fs_type *type, const struct super_ops *ops, u32 flags, dev_t dev,
	   struct super_block **out)
{
	struct super_block *sb, *fresh = sb_alloc(type, ops, flags);
	int rc = 1;

	if (!fresh)
		return -ENOMEM;
	fresh->dev = dev;
	fresh->state = SB_STATE_NEW;
	for (;;) {
		spin_lock(&all_lock);
		sb = find_dev(dev);
		if (!sb) {
			list_add_tail(&fresh->node, &all_sbs);
			spin_unlock(&all_lock);
			*out = fresh;
			return 0;
		}
		if (sb->state == SB_STATE_READY && atomic_inc_not_zero(&sb->active)) {
			spin_unlock(&all_lock);
			break;
		}
		spin_unlock(&all_lock);
		wait_event(&sb_wait, dev_settled(dev));
	}
	kfree(fresh);
	if (sb->type != type || ((sb->flags ^ flags) & SB_RDONLY)) {
		sb_put(sb);
		rc = -EBUSY;
	} else {
		*out = sb;
	}
	return rc;
}

static void set_state(struct super_block *sb, u32 state)
{
	spin_lock(&all_lock);
	sb->state = state;
	spin_unlock(&all_lock);
	wake_up_all(&sb_wait);
}

void sb_ready(struct super_block *sb)
{
	set_state(sb, SB_STATE_READY);
}

void sb_fail(struct super_block *sb)
{
	set_state(sb, SB_STATE_FAILED);
	sb_put(sb);
}

int sb_set_root(struct super_block *sb, struct inode *root)
{
	sb->root = root ? d_alloc_root(root) : NULL;
	return sb->root ? 0 : -ENOMEM;
}

int sb_make(const struct fs_type *type, const struct super_ops *ops, u32 flags, u32 magic,
	    int (*make_root)(struct super_block *sb, struct inode **root), struct super_block **out)
{
	struct super_block *sb = sb_create(type, ops, flags);
	struct inode *root;
	int rc;

	if (!sb)
		return -ENOMEM;
	sb->magic = magic;
	rc = make_root(sb, &root);
	if (!rc)
		rc = sb_set_root(sb, root);
	if (rc)
		sb_put(sb);
	else
		*out = sb;
	return rc;
}

int sb_sync(struct super_block *sb, bool wait)
{
	int rc = sb_write_all(sb, wait), err = 0;

	if (sb->ops->sync_fs)
		err = sb->ops->sync_fs(sb, wait);
	return rc ? rc : err;
}

/* --- the end --- */

bool sb_shrink_begin(struct super_block *sb)
{
	atomic_inc(&sb->shrinking);
	smp_mb(); /* either we see DYING, or sb_put sees us */
	if (READ_ONCE(sb->state) != SB_STATE_DYING)
		return true;
	sb_shrink_end(sb);
	return false;
}

void sb_shrink_end(struct super_block *sb)
{
	/* Under RCU: with the count at 0 sb may go. */
	rcu_read_lock();
	if (atomic_dec_and_test(&sb->shrinking) && READ_ONCE(sb->state) == SB_STATE_DYING)
		wake_up_all(&sb_wait);
	rcu_read_unlock();
}

static void sb_free(struct super_block *sb)
{
	if (sb->bdev)
		bdev_release_super(sb);
	spin_lock(&all_lock);
	list_del(&sb->node);
	spin_unlock(&all_lock);
	wake_up_all(&sb_wait);
	if (!MAJOR(sb->dev)) {
		mutex_lock(&dev_lock);
		idr_remove(&devs, (int)MINOR(sb->dev));
		mutex_unlock(&dev_lock);
	}
	kfree(sb);
}

void sb_put(struct super_block *sb)
{
	bool filled = sb->state != SB_STATE_FAILED;

	if (!atomic_dec_and_test(&sb->active))
		return;
	set_state(sb, SB_STATE_DYING);
	smp_mb();
	wait_event(&sb_wait, !atomic_read(&sb->shrinking));
	/* One that errors made read-only may still have something to write. */
	if (filled && sb_sync(sb, true))
		log_err("vfs", "%s: not everything could be written before unmounting", sb->id);
	inotify_unmount(sb);
	/* Watches that their group or an event took off before still drop their inodes. */
	wait_event(&sb_wait, !atomic_read(&sb->shrinking));
	if (sb->root)
		dcache_umount(sb);
	inodes_drop_unused(sb);
	if (!list_empty(&sb->inodes))
		log_warn("vfs", "%s: inodes still in use after unmounting", sb->type->name);
	/* Inodes that are waiting for their grace period still name it, and their file system's
	 * own data. */
	rcu_barrier();
	if (sb->ops->put_super)
		sb->ops->put_super(sb);
	sb_free(sb);
}

/* --- changing flags --- */

struct inode *sb_next_inode(struct super_block *sb, struct inode *last, bool *gone)
{
	struct list_head *at;
	struct inode *i = NULL;

	spin_lock(&sb->inodes_lock);
	at = last ? last->sb_list.next : sb->inodes.next;
	for (; at != &sb->inodes; at = at->next) {
		i = list_entry(at, struct inode, sb_list);
		if (inode_try_get(i))
			break;
		*gone = true;
		i = NULL;
	}
	spin_unlock(&sb->inodes_lock);
	inode_put(last);
	return i;
}

/* SB_RDONLY is set, so no change begins any more: waits for those under way and looks for writers.
 * Changes of names and attributes hold inode->lock of the directory or the object; files open for
 * writing are counted. A file without a name that is in use must still be freed on the disk. */
static int wait_for_writers(struct super_block *sb)
{
	struct inode *i = NULL;
	bool gone;

	do {
		gone = false;
		while ((i = sb_next_inode(sb, i, &gone)) != NULL) {
			down_read(&i->lock);
			up_read(&i->lock);
			if (atomic_read(&i->writers) > 0 ||
			    (!i->nlink && atomic_read(&i->refs) > 1)) {
				inode_put(i);
				return -EBUSY;
			}
		}
		if (gone)
			sched_yield_current();
	} while (gone);
	return 0;
}

#define REMOUNT_FLAGS (SB_RDONLY | SB_SYNCHRONOUS | SB_DIRSYNC | SB_POSIXACL)

int sb_remount(struct super_block *sb, u32 flags, char *data)
{
	u32 old = sb->flags;
	int rc = 0;

	flags |= old & SB_POSIXACL;
	if (flags & ~old & SB_RDONLY) {
		WRITE_ONCE(sb->flags, old | SB_RDONLY);
		smp_mb(); /* writers count first and ask then */
		rc = wait_for_writers(sb);
		if (!rc)
			rc = sb_sync(sb, true);
	}
	if (!rc && sb->ops->remount)
		rc = sb->ops->remount(sb, &flags, data);
	if (rc)
		WRITE_ONCE(sb->flags, old);
	else
		WRITE_ONCE(sb->flags, (old & ~REMOUNT_FLAGS) | (flags & REMOUNT_FLAGS));
	return rc;
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

struct super_block *super_next(struct super_block *prev)
{
	struct super_block *sb = prev;

	spin_lock(&all_lock);
	do {
		sb = sb ? list_next_entry(sb, node)
			: list_first_entry(&all_sbs, struct super_block, node);
		if (&sb->node == &all_sbs) {
			sb = NULL;
			break;
		}
	} while (sb->state != SB_STATE_READY || !sb_shrink_begin(sb));
	spin_unlock(&all_lock);
	if (prev)
		sb_shrink_end(prev);
	return sb;
}

static void for_each_writable(void (*fn)(struct super_block *sb, void *arg), void *arg)
{
	struct super_block *sb, *last = NULL;

	spin_lock(&all_lock);
	list_for_each_entry(sb, &all_sbs, node) {
		if ((!sb->ops->sync_fs && list_empty(&sb->dirty)) || sb->state != SB_STATE_READY ||
		    !atomic_inc_not_zero(&sb->active))
			continue;
		spin_unlock(&all_lock);
		if (last)
			sb_put(last);
		down_read(&sb->umount_lock);
		if (!(sb->flags & SB_RDONLY))
			fn(sb, arg);
		up_read(&sb->umount_lock);
		last = sb;
		spin_lock(&all_lock);
	}
	spin_unlock(&all_lock);
	if (last)
		sb_put(last);
}

static void sync_one(struct super_block *sb, void *arg)
{
	(void)sb_sync(sb, *(bool *)arg);
}

void super_sync_all(bool wait)
{
	for_each_writable(sync_one, &wait);
}

static int filesystems_show(struct strbuf *sb)
{
	TABLE_FOREACH(fs_types, struct fs_type, t)
		sb_printf(sb, "%s\t%s\n", t->flags & FS_NODEV ? "nodev" : "", t->name);
	return 0;
}
PROC_FILE(filesystems, "filesystems", 0444, filesystems_show);
