/* SPDX-License-Identifier: MIT */
/* Inodes: making, finding by number, caching, the end.
 *
 * Owns: the hash of (super block, number) for file systems that have real numbers, the LRU of such
 * inodes without users, and its shrinker.
 * Use: inode_new + d_add for file systems in memory; inode_get_hashed and inode_hash_new for those
 * on a device.
 * Invariants: refs counts dentries, open files' dentries included, and whoever else holds it. An
 * unhashed inode ends with its last reference; a hashed one stays on the LRU while nlink > 0. refs
 * goes from 1 to 0 and from 0 to 1 under icache_lock only, and INODE_FREEING is set with the
 * former: an inode on the hash, the LRU or a dirty list can be used by whoever holds icache_lock
 * and takes a reference there. A freeing inode stays hashed until evict_inode is through, so that
 * its number does not come back before its storage has gone.
 * Locking: icache_lock (a leaf) for hash, LRU and dirty lists; sb->inodes_lock for the list of a
 * super block, which is outside of it.
 * Shrinking: inodes that are dirty or have pages are left alone, so the shrinker never writes and
 * takes no page lock; pages are given back by the page cache. A shrinker at work counts in
 * sb->shrinking, which unmounting waits for.
 * Lifetime: memory goes by RCU, because the path walk reads inodes without references. */
#include "notify.h"
#include "vfs_internal.h"

#include <fs/posix_acl.h>
#include <kernel/hash.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/wait.h>

static struct hlist_head *inode_hash;
static unsigned int inode_hash_bits;
DEFINE_SPINLOCK(icache_lock, LOCK_LEAF);
static LIST_HEAD(inode_lru);
static u64 inode_lru_count; /* icache_lock */
/* INODE_NEW or INODE_WRITING ended, or a freeing inode has gone. */
DEFINE_WAIT_QUEUE(inode_state_wait);
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
	i->acl = NULL;
	i->default_acl = NULL;
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
	i->dirty_since = 0;
	i->btime = i->ctime = i->mtime = i->atime = inode_now(i);
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

	posix_acl_forget(i);
	if (i->sb->ops->free_inode)
		i->sb->ops->free_inode(i);
	else
		kmem_cache_free(inode_cache, i);
}

/* No references are left, INODE_FREEING is set and it is on no list but the hash. */
static void inode_evict(struct inode *i)
{
	if (i->data.nr_dirty && i->nlink) /* was never on the LRU */
		(void)mapping_write_range(&i->data, 0, -1, true);
	if (i->data.ops && i->data.nr_pages)
		mapping_truncate_range(&i->data, 0, -1);
	locks_free_context(i);
	inotify_inode_gone(i);
	if (i->sb->ops->evict_inode && !(i->state & INODE_BAD))
		i->sb->ops->evict_inode(i);
	spin_lock(&i->sb->inodes_lock);
	list_del(&i->sb_list);
	spin_unlock(&i->sb->inodes_lock);
	if (!hlist_unhashed(&i->hash)) {
		spin_lock(&icache_lock);
		hlist_del_init(&i->hash);
		spin_unlock(&icache_lock);
		wake_up_all(&inode_state_wait);
	}
	call_rcu(&i->rcu, inode_free_rcu);
}

/* refs is 0: from here on nobody takes a reference. icache_lock held. */
static void set_freeing(struct inode *i)
{
	inode_state_set(i, INODE_FREEING);
	list_del_init(&i->dirty);
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
	spin_lock(&icache_lock);
	if (!atomic_dec_and_test(&i->refs)) {
		spin_unlock(&icache_lock);
		return;
	}
	if (inode_keep(i)) {
		list_add(&i->lru, &inode_lru);
		inode_lru_count++;
		spin_unlock(&icache_lock);
		return;
	}
	set_freeing(i);
	spin_unlock(&icache_lock);
	inode_evict(i);
}

void inode_take(struct inode *i)
{
	lock_assert_held(&icache_lock);
	if (atomic_add_return(&i->refs, 1) == 1) {
		list_del_init(&i->lru);
		inode_lru_count--;
	}
}

bool inode_try_get(struct inode *i)
{
	bool ok;

	spin_lock(&icache_lock);
	ok = !(i->state & INODE_FREEING);
	if (ok)
		inode_take(i);
	spin_unlock(&icache_lock);
	return ok;
}

/* --- by number --- */

static struct hlist_head *hash_chain(const struct super_block *sb, ino_t ino)
{
	return &inode_hash[hash_64((u64)sb ^ (ino * HASH_GOLDEN64), inode_hash_bits)];
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

static bool is_freeing(struct super_block *sb, ino_t ino)
{
	struct inode *i;
	bool freeing;

	spin_lock(&icache_lock);
	i = hash_find(sb, ino);
	freeing = i && (i->state & INODE_FREEING);
	spin_unlock(&icache_lock);
	return freeing;
}

/* Puts `fresh` (NULL: nothing) into the hash unless there is an inode of that number already, which
 * gets a reference and is the result. One that is being freed is waited for. */
static struct inode *hash_find_or_add(struct super_block *sb, ino_t ino, struct inode *fresh)
{
	struct inode *i;

	for (;;) {
		spin_lock(&icache_lock);
		i = hash_find(sb, ino);
		if (likely(!i || !(i->state & INODE_FREEING)))
			break;
		spin_unlock(&icache_lock);
		/* By number: without a reference the inode itself may go at any time. */
		wait_event(&inode_state_wait, !is_freeing(sb, ino));
	}
	if (i) {
		inode_take(i);
	} else if (fresh) {
		fresh->ino = ino;
		inode_state_set(fresh, INODE_NEW);
		hlist_add_head(&fresh->hash, hash_chain(sb, ino));
	}
	spin_unlock(&icache_lock);
	return i;
}

struct inode *inode_get_hashed(struct super_block *sb, ino_t ino)
{
	struct inode *i, *fresh = NULL;

	for (;;) {
		i = hash_find_or_add(sb, ino, fresh);
		if (!i && fresh)
			return fresh;
		if (!i) {
			fresh = inode_new(sb);
			if (!fresh)
				return NULL;
			continue;
		}
		if (smp_load_acquire(&i->state) & INODE_NEW)
			wait_event(&inode_state_wait, !(smp_load_acquire(&i->state) & INODE_NEW));
		if (likely(!(i->state & INODE_BAD)))
			break;
		inode_put(i); /* whoever was reading it failed; try again */
	}
	if (fresh) { /* was never seen by anybody, nor by the file system */
		inode_state_set(fresh, INODE_BAD);
		inode_put(fresh);
	}
	return i;
}

int inode_hash_new(struct inode *i, ino_t ino)
{
	struct inode *o = hash_find_or_add(i->sb, ino, i);

	if (!o)
		return 0;
	inode_put(o);
	return -EEXIST;
}

void inode_unlock_new(struct inode *i)
{
	inode_state_clear(i, INODE_NEW);
	wake_up_all(&inode_state_wait);
}

void inode_new_failed(struct inode *i)
{
	spin_lock(&icache_lock);
	hlist_del_init(&i->hash);
	inode_state_set(i, INODE_BAD);
	spin_unlock(&icache_lock);
	inode_unlock_new(i);
	inode_put(i);
}

/* --- shrinker --- */

static u64 inode_shrink_count(void)
{
	return READ_ONCE(inode_lru_count);
}

/* Takes the inode that was used least recently off the LRU to be evicted, when that needs no
 * writing; else moves it to the other end. Counts in sb->shrinking. icache_lock held. */
static struct inode *shrink_take(void)
{
	struct inode *i = list_last_entry(&inode_lru, struct inode, lru);

	list_move(&i->lru, &inode_lru);
	if ((i->state & INODE_DIRTY) || !list_empty(&i->dirty) || i->data.nr_pages ||
	    !sb_shrink_begin(i->sb))
		return NULL;
	list_del_init(&i->lru);
	inode_lru_count--;
	set_freeing(i);
	return i;
}

u64 inode_shrink_scan(u64 n)
{
	u64 done = 0;

	for (u64 looked = 0; looked < n * 2 && done < n; looked++) {
		struct super_block *sb;
		struct inode *i = NULL;

		spin_lock(&icache_lock);
		if (!list_empty(&inode_lru))
			i = shrink_take();
		spin_unlock(&icache_lock);
		if (!i)
			continue;
		sb = i->sb;
		inode_evict(i);
		sb_shrink_end(sb);
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
		spin_lock(&sb->inodes_lock);
		list_for_each_entry(i, &sb->inodes, sb_list) {
			spin_lock(&icache_lock);
			if (!list_empty(&i->lru)) {
				list_del_init(&i->lru);
				inode_lru_count--;
				set_freeing(i);
				found = i;
			}
			spin_unlock(&icache_lock);
			if (found)
				break;
		}
		spin_unlock(&sb->inodes_lock);
		if (found)
			inode_evict(found);
	} while (found);
}

static struct shrinker inode_shrinker = {
	.name = "inode",
	.count = inode_shrink_count,
	.scan = inode_shrink_scan,
	.fs = true,
};

/* --- owner --- */

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

unsigned int mode_to_dtype(mode_t mode)
{
	return (mode >> 12) & 15;
}

static int inode_cache_init(void)
{
	u64 want = clamp(pages_total_count() / 16, 512ull, 65536ull);

	inode_hash_bits = 63 - (unsigned int)__builtin_clzll(want);
	inode_hash = vzalloc(sizeof(*inode_hash) << inode_hash_bits);
	inode_cache = kmem_cache_create("inode", sizeof(struct inode), 64, SLAB_RECLAIMABLE, NULL);
	if (!inode_cache || !inode_hash)
		return -ENOMEM;
	shrinker_register(&inode_shrinker);
	dcache_init();
	return 0;
}
INIT_HOOK(INIT_CORE, inode_cache_init);
