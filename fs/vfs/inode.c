/* SPDX-License-Identifier: MIT */
/* Inodes: making, finding by number, caching, the end; time stamps.
 *
 * Owns: the hash of (super block, number) for file systems that have real numbers, the LRU of such
 * inodes without users, and its shrinker.
 * Use: inode_new + d_add for file systems in memory; inode_get_hashed for those on a device.
 * Invariants: refs counts dentries, open files' dentries included, and whoever else holds it. An
 * unhashed inode ends with its last reference; a hashed one stays on the LRU while nlink > 0.
 * Locking: hash_lock (class LOCK_SB_LISTS) for hash and LRU; sb->inodes_lock for the list of a
 * super block.
 * Lifetime: memory goes by RCU, because the path walk reads inodes without references.
 */
#include "notify.h"
#include "vfs_internal.h"

#include <kernel/hash.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/time.h>
#include <kernel/wait.h>
#include <uapi/capability.h>

#define INODE_HASH_BITS 10
static struct hlist_head inode_hash[1u << INODE_HASH_BITS];
static DEFINE_SPINLOCK(hash_lock, LOCK_SB_LISTS);
static LIST_HEAD(inode_lru);
static u64 inode_lru_count;	    /* hash_lock */
static DEFINE_WAIT_QUEUE(new_wait); /* inode_unlock_new */
static struct kmem_cache *inode_cache;
static atomic64_t next_ino = ATOMIC_INIT(1);

u64 inode_next_ino(void)
{
	return (u64)atomic64_add_return(&next_ino, 1);
}

static void inode_init_common(struct inode *i, struct super_block *sb)
{
	static const struct inode_ops no_ops;

	i->sb = sb;
	i->ops = &no_ops;
	i->fops = &bad_fops;
	i->mode = 0;
	i->uid = 0;
	i->gid = 0;
	i->flags = 0;
	i->ino = 0;
	i->nlink = 1;
	i->rdev = 0;
	i->size = 0;
	i->blocks = 0;
	i->version = 0;
	i->state = 0;
	i->flctx = NULL;
	i->marks = NULL;
	i->private = NULL;
	rwsem_init(&i->lock, LOCK_INODE);
	spin_lock_init(&i->spin, LOCK_INODE_SPIN);
	atomic_set(&i->refs, 1);
	atomic_set(&i->writers, 0);
	hlist_node_init(&i->hash);
	list_init(&i->lru);
	list_init(&i->dirty);
	list_init(&i->aliases);
	mapping_init(&i->data, i, NULL);
	i->mapping = &i->data;
	i->btime = i->ctime = i->mtime = i->atime = ktime_get_coarse_real();
}

struct inode *inode_new(struct super_block *sb)
{
	struct inode *i;

	if (sb->ops->alloc_inode)
		i = sb->ops->alloc_inode(sb);
	else
		i = kmem_cache_alloc(inode_cache, GFP_KERNEL);
	if (!i)
		return NULL;
	inode_init_common(i, sb);
	spin_lock(&sb->inodes_lock);
	list_add_tail(&i->sb_list, &sb->inodes);
	spin_unlock(&sb->inodes_lock);
	return i;
}

static void inode_free_rcu(struct rcu_head *h)
{
	struct inode *i = container_of(h, struct inode, rcu);

	if (i->sb->ops->free_inode)
		i->sb->ops->free_inode(i);
	else
		kmem_cache_free(inode_cache, i);
}

/* No references are left and nobody can find it. */
static void inode_evict(struct inode *i)
{
	if (i->data.ops && i->data.nr_pages)
		mapping_truncate_range(&i->data, 0, -1);
	locks_free_context(i);
	inotify_inode_gone(i);
	if (i->sb->ops->evict_inode)
		i->sb->ops->evict_inode(i);
	spin_lock(&i->sb->inodes_lock);
	list_del(&i->sb_list);
	spin_unlock(&i->sb->inodes_lock);
	if (!hlist_unhashed(&i->hash)) {
		spin_lock(&hash_lock);
		hlist_del_init(&i->hash);
		spin_unlock(&hash_lock);
		wake_up_all(&new_wait);
	}
	call_rcu(&i->rcu, inode_free_rcu);
}

static bool inode_keep(const struct inode *i)
{
	if (hlist_unhashed(&i->hash) || !i->nlink)
		return false;
	return !(i->sb->ops->drop_inode && i->sb->ops->drop_inode((struct inode *)i));
}

void inode_put(struct inode *i)
{
	int n;

	if (!i)
		return;
	n = atomic_read(&i->refs);
	while (n > 1)
		if (try_cmpxchg(&i->refs.v, &n, n - 1))
			return;
	/* Perhaps the last: nobody may find it between the count and the decision. */
	spin_lock(&hash_lock);
	if (!atomic_dec_and_test(&i->refs)) {
		spin_unlock(&hash_lock);
		return;
	}
	if (inode_keep(i)) {
		list_add(&i->lru, &inode_lru);
		inode_lru_count++;
		spin_unlock(&hash_lock);
		return;
	}
	i->state |= INODE_FREEING;
	spin_unlock(&hash_lock);
	inode_evict(i);
}

static struct hlist_head *hash_chain(const struct super_block *sb, ino_t ino)
{
	return &inode_hash[hash_64((u64)sb ^ (ino * HASH_GOLDEN64), INODE_HASH_BITS)];
}

static struct inode *hash_find(struct super_block *sb, ino_t ino)
{
	struct inode *i;

	hlist_for_each_entry(i, hash_chain(sb, ino), hash) {
		if (i->ino == ino && i->sb == sb)
			return i;
	}
	return NULL;
}

/* Takes a reference to a found inode; hash_lock held. */
static void hash_take(struct inode *i)
{
	if (atomic_add_return(&i->refs, 1) == 1) {
		list_del_init(&i->lru);
		inode_lru_count--;
	}
}

struct inode *inode_get_hashed(struct super_block *sb, ino_t ino)
{
	struct inode *i, *fresh = NULL;

	for (;;) {
		spin_lock(&hash_lock);
		i = hash_find(sb, ino);
		if (i && (i->state & INODE_FREEING)) {
			spin_unlock(&hash_lock);
			wait_event(&new_wait, READ_ONCE(i->hash.pprev) == NULL);
			continue;
		}
		if (i) {
			hash_take(i);
			spin_unlock(&hash_lock);
			break;
		}
		if (fresh) {
			hlist_add_head(&fresh->hash, hash_chain(sb, ino));
			spin_unlock(&hash_lock);
			return fresh;
		}
		spin_unlock(&hash_lock);
		fresh = inode_new(sb);
		if (!fresh)
			return NULL;
		fresh->ino = ino;
		fresh->state = INODE_NEW;
	}
	if (fresh) {
		fresh->state = 0;
		inode_put(fresh);
	}
	wait_event(&new_wait, !(READ_ONCE(i->state) & INODE_NEW));
	return i;
}

void inode_unlock_new(struct inode *i)
{
	spin_lock(&i->spin);
	i->state &= ~INODE_NEW;
	spin_unlock(&i->spin);
	wake_up_all(&new_wait);
}

/* --- shrinker --- */

static u64 inode_shrink_count(void)
{
	return READ_ONCE(inode_lru_count);
}

static u64 inode_shrink_scan(u64 n)
{
	u64 done = 0;

	while (done < n) {
		struct inode *i;

		spin_lock(&hash_lock);
		if (list_empty(&inode_lru)) {
			spin_unlock(&hash_lock);
			break;
		}
		i = list_last_entry(&inode_lru, struct inode, lru);
		list_del_init(&i->lru);
		inode_lru_count--;
		i->state |= INODE_FREEING;
		spin_unlock(&hash_lock);
		inode_evict(i);
		done++;
	}
	return done;
}

/* Unmount: all unused inodes of a super block go. */
void inodes_drop_unused(struct super_block *sb)
{
	struct inode *i, *found;

	do {
		found = NULL;
		spin_lock(&hash_lock);
		list_for_each_entry(i, &inode_lru, lru) {
			if (i->sb == sb) {
				found = i;
				break;
			}
		}
		if (found) {
			list_del_init(&found->lru);
			inode_lru_count--;
			found->state |= INODE_FREEING;
		}
		spin_unlock(&hash_lock);
		if (found)
			inode_evict(found);
	} while (found);
}

static struct shrinker inode_shrinker = {
	.name = "inode",
	.count = inode_shrink_count,
	.scan = inode_shrink_scan,
};

/* --- owner, times --- */

void inode_init_owner(struct inode *i, const struct inode *dir, mode_t mode)
{
	const struct cred *c = current_cred();

	i->uid = c->fsuid;
	i->gid = c->fsgid;
	if (dir && (dir->mode & S_ISGID)) {
		i->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
			 !in_group_or_capable(i, dir->gid))
			mode &= ~(mode_t)S_ISGID;
	}
	i->mode = mode;
}

void inode_mark_dirty(struct inode *i)
{
	if (i->sb->ops->write_inode) {
		spin_lock(&i->spin);
		i->state |= INODE_DIRTY;
		spin_unlock(&i->spin);
	}
}

void inode_touch(struct inode *i, u32 attr_bits)
{
	u64 now = ktime_get_coarse_real();

	if (i->ops->update_time) {
		i->ops->update_time(i, attr_bits, now);
		return;
	}
	spin_lock(&i->spin);
	if (attr_bits & ATTR_ATIME)
		i->atime = now;
	if (attr_bits & ATTR_MTIME)
		i->mtime = now;
	if (attr_bits & ATTR_CTIME)
		i->ctime = now;
	if (attr_bits & (ATTR_MTIME | ATTR_CTIME))
		i->version++;
	spin_unlock(&i->spin);
	inode_mark_dirty(i);
}

#define DAY_NS (86400ull * NSEC_PER_SEC)

/* Is the access time due? Times compare as signed: dates before 1970 exist. */
static bool atime_due(const struct mount *m, const struct inode *i)
{
	u32 mf = m->flags;
	s64 atime;

	if ((i->flags & S_NOATIME) || (mf & MNT_NOATIME) || (i->sb->flags & SB_RDONLY) ||
	    (mf & MNT_READONLY))
		return false;
	if ((mf & MNT_NODIRATIME) && S_ISDIR(i->mode))
		return false;
	if (mf & MNT_STRICTATIME)
		return true;
	atime = (s64)i->atime;
	if (atime <= (s64)i->mtime || atime <= (s64)i->ctime)
		return true;
	return (s64)ktime_get_coarse_real() - atime >= (s64)DAY_NS;
}

void inode_accessed(const struct mount *m, struct inode *i)
{
	if (atime_due(m, i) && i->atime != ktime_get_coarse_real())
		inode_touch(i, ATTR_ATIME);
}

void file_accessed(struct file *f)
{
	if (!(f->flags & O_NOATIME))
		inode_accessed(f->path.mnt, f->inode);
}

int file_modified(struct file *f)
{
	struct inode *i = f->inode;
	u64 now;
	int rc;

	if (unlikely(i->mode & (S_ISUID | S_ISGID))) {
		rc = file_remove_privs(f);
		if (rc)
			return rc;
	}
	now = ktime_get_coarse_real();
	if (i->mtime != now || i->ctime != now)
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

void file_modified_mapped(struct file *f)
{
	struct inode *i = f->inode;
	u64 now = ktime_get_coarse_real();

	if (i->mtime != now || i->ctime != now)
		inode_touch(i, ATTR_MTIME | ATTR_CTIME);
}

unsigned int mode_to_dtype(mode_t mode)
{
	return (mode >> 12) & 15;
}

static int inode_cache_init(void)
{
	inode_cache = kmem_cache_create("inode", sizeof(struct inode), 64, SLAB_RECLAIMABLE, NULL);
	if (!inode_cache)
		return -ENOMEM;
	shrinker_register(&inode_shrinker);
	dcache_init();
	return 0;
}
INIT_HOOK(INIT_CORE, inode_cache_init);
