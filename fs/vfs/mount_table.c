/* SPDX-License-Identifier: MIT */
/* The tree of mounts: look-up from the path walk, attaching, detaching.
 *
 * Owns: every struct mount, the hash of (parent mount, mount point), the tree under the root mount.
 * Use: mount_lookup_rcu from the lock-free walk (retry on mount_seq), mount_lookup elsewhere;
 * changes through mount_attach and mount_detach, called by sys_mount.c.
 * Invariants: DCACHE_MOUNTED
 * is set on a dentry while any mount of any parent sits on it. A mount in the tree holds one
 * reference for being there and one on its parent and on its mount point. Later mounts on the same
 * place go on top of the earlier one's root, so (parent, dentry) is unique.
 * Locking: mount_mutex
 * for the shape of the tree (sleeping); mount_lock + mount_seq around the short moments in which
 * hash and parent pointers change.
 * Lifetime: refs; memory by RCU. */
#include "vfs_internal.h"

#include <kernel/hash.h>
#include <kernel/idr.h>

#define MOUNT_HASH_BITS 7
static struct hlist_head mount_hash[1u << MOUNT_HASH_BITS];
static DEFINE_SPINLOCK(mount_lock, LOCK_MOUNT_HASH);
struct seqcount mount_seq;
DEFINE_MUTEX(mount_mutex, LOCK_MOUNT_TREE);
struct mount *root_mount;
LIST_HEAD(mount_list); /* mount_mutex: all attached, in order of mounting */
static DEFINE_MUTEX(id_lock, LOCK_SLEEP_INNER);
static struct idr mount_ids = IDR_INIT; /* id_lock */

static struct hlist_head *mount_chain(const struct mount *parent, const struct dentry *d)
{
	return &mount_hash[hash_64((u64)parent + ((u64)d >> 6), MOUNT_HASH_BITS)];
}

struct mount *mount_lookup_rcu(struct mount *parent, const struct dentry *d)
{
	struct mount *m;

	hlist_for_each_entry_rcu(m, mount_chain(parent, d), hash) {
		if (m->parent == parent && m->mountpoint == d)
			return m;
	}
	return NULL;
}

bool mount_get_unless_dead(struct mount *m)
{
	return refcount_inc_not_zero(&m->refs);
}

struct mount *mount_lookup(const struct path *p)
{
	struct mount *m;
	u32 seq;

	for (;;) {
		seq = read_seqbegin(&mount_seq);
		rcu_read_lock();
		m = mount_lookup_rcu(p->mnt, p->dentry);
		if (m && !mount_get_unless_dead(m))
			m = NULL;
		rcu_read_unlock();
		if (!read_seqretry(&mount_seq, seq))
			return m;
		if (m)
			mount_put(m);
	}
}

void path_cross_mounts(struct path *p)
{
	struct mount *m;

	while ((READ_ONCE(p->dentry->flags) & DCACHE_MOUNTED) && (m = mount_lookup(p)) != NULL) {
		path_put(p);
		p->mnt = m;
		p->dentry = d_get(m->root);
	}
}

bool path_up(struct path *p)
{
	struct mount *m = p->mnt, *parent;
	struct dentry *mp;
	u32 seq;

	for (;;) {
		seq = read_seqbegin(&mount_seq);
		rcu_read_lock();
		parent = m->parent;
		mp = m->mountpoint;
		if (parent == m || !parent) {
			rcu_read_unlock();
			return false;
		}
		if (!mount_get_unless_dead(parent)) {
			rcu_read_unlock();
			continue;
		}
		if (!d_get_unless_dead(mp)) {
			rcu_read_unlock();
			mount_put(parent);
			continue;
		}
		rcu_read_unlock();
		if (!read_seqretry(&mount_seq, seq))
			break;
		d_put(mp);
		mount_put(parent);
	}
	path_put(p);
	p->mnt = parent;
	p->dentry = mp;
	return true;
}

/* --- life --- */

struct mount *mount_new(struct super_block *sb, struct dentry *root, const char *source, u32 flags)
{
	struct mount *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return NULL;
	m->source = kstrdup(source ? source : "none", GFP_KERNEL);
	mutex_lock(&id_lock);
	m->id = m->source ? idr_alloc(&mount_ids, m, 1, 0, GFP_KERNEL) : -ENOMEM;
	mutex_unlock(&id_lock);
	if (m->id < 0) {
		kfree(m->source);
		kfree(m);
		return NULL;
	}
	m->parent = m;
	m->mountpoint = root;
	m->root = d_get(root);
	m->sb = sb;
	atomic_inc(&sb->active);
	m->flags = flags;
	refcount_set(&m->refs, 1);
	atomic_set(&m->writers, 0);
	hlist_node_init(&m->hash);
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->list);
	list_init(&m->peers);
	return m;
}

void mount_get(struct mount *m)
{
	refcount_inc(&m->refs);
}

static void mount_free_rcu(struct rcu_head *h)
{
	struct mount *m = container_of(h, struct mount, rcu);

	kfree(m->source);
	kfree(m);
}

/* For umount itself, whose look at the mount is no use of it. */
void mount_put_no_expire(struct mount *m)
{
	if (!m || !refcount_dec_and_test(&m->refs))
		return;
	mutex_lock(&id_lock);
	idr_remove(&mount_ids, m->id);
	mutex_unlock(&id_lock);
	d_put(m->root);
	sb_put(m->sb);
	call_rcu(&m->rcu, mount_free_rcu);
}

void mount_put(struct mount *m)
{
	if (m && unlikely(READ_ONCE(m->flags) & MNT_EXPIRY_MARK))
		__atomic_fetch_and(&m->flags, ~MNT_EXPIRY_MARK, __ATOMIC_SEQ_CST);
	mount_put_no_expire(m);
}

void path_put(const struct path *p)
{
	if (p->dentry)
		d_put(p->dentry);
	mount_put(p->mnt);
}

/* --- the tree; mount_mutex held --- */

void mount_attach(struct mount *m, struct mount *parent, struct dentry *mp)
{
	lock_assert_held(&mount_mutex);
	mount_get(m);
	mount_get(parent);
	d_get(mp);
	spin_lock(&mp->lock);
	mp->flags |= DCACHE_MOUNTED;
	spin_unlock(&mp->lock);
	spin_lock(&mount_lock);
	write_seqbegin(&mount_seq);
	m->parent = parent;
	m->mountpoint = mp;
	m->detached = false;
	hlist_add_head_rcu(&m->hash, mount_chain(parent, mp));
	write_seqend(&mount_seq);
	spin_unlock(&mount_lock);
	list_add_tail(&m->sibling, &parent->children);
	list_add_tail(&m->list, &mount_list);
}

static bool still_mountpoint(const struct dentry *mp)
{
	const struct mount *m;

	list_for_each_entry(m, &mount_list, list) {
		if (m->mountpoint == mp && m->parent != m)
			return true;
	}
	return false;
}

bool d_mountpoint_in_use(const struct dentry *d)
{
	return READ_ONCE(d->flags) & DCACHE_MOUNTED;
}

/* Unless lazy: refuses (false) when more references exist than `users` plus the tree's own and
 * those of child mounts. On success the tree's references are in *put (parent, mount point) for the
 * caller to drop, after it has dropped mount_mutex; so is the reference to m. */
bool mount_detach(struct mount *m, bool lazy, int users, struct path *put)
{
	struct mount *c;
	int expected = users + 1;

	lock_assert_held(&mount_mutex);
	list_for_each_entry(c, &m->children, sibling)
		expected++;
	spin_lock(&mount_lock);
	write_seqbegin(&mount_seq);
	if (!lazy && refcount_read(&m->refs) != expected) {
		write_seqend(&mount_seq);
		spin_unlock(&mount_lock);
		return false;
	}
	hlist_del_init_rcu(&m->hash);
	put->mnt = m->parent;
	put->dentry = m->mountpoint;
	m->parent = m;
	m->mountpoint = m->root;
	m->detached = true;
	write_seqend(&mount_seq);
	spin_unlock(&mount_lock);
	list_del_init(&m->sibling);
	list_del_init(&m->list);
	if (!still_mountpoint(put->dentry)) {
		spin_lock(&put->dentry->lock);
		put->dentry->flags &= ~DCACHE_MOUNTED;
		spin_unlock(&put->dentry->lock);
	}
	return true;
}

/* Next mount of the subtree at top in depth-first order, or NULL. */
struct mount *mount_next(struct mount *m, struct mount *top)
{
	if (!list_empty(&m->children))
		return list_first_entry(&m->children, struct mount, sibling);
	while (m != top) {
		if (!list_is_last(&m->sibling, &m->parent->children))
			return list_next_entry(m, sibling);
		m = m->parent;
	}
	return NULL;
}

/* Only what it says now: a change of the file system asks under the directory's or the object's
 * inode->lock, and a file after it has been counted in inode->writers; remounting sets the flag
 * first and then waits for the former and looks for the latter (super.c). */
int mount_writable(const struct path *p)
{
	return mount_readonly(p->mnt) ? -EROFS : 0;
}

int kern_mount(const struct fs_type *type, struct mount **out)
{
	struct super_block *sb;
	struct mount *m;
	int rc;

	rc = type->mount(type, 0, type->name, NULL, &sb);
	if (rc)
		return rc;
	m = mount_new(sb, sb->root, type->name, 0);
	sb_put(sb); /* the mount has its own reference */
	if (!m)
		return -ENOMEM;
	*out = m;
	return 0;
}
