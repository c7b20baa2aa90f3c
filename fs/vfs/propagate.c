/* SPDX-License-Identifier: MIT */
/* Shared mounts: a mount made shared (mount --make-shared) and its bind copies form a peer group;
 * what is mounted on or unmounted from one of them appears on or goes from all.
 *
 * Owns:     mount->peers (a ring of the group's members), mount->group (0: private).
 * Locking:  mount_mutex, held by every caller unless said otherwise.
 * Failure:  a copy that cannot be made for want of memory is left out and logged; the mount itself
 *           stays. A peer's copy that is in use outlives the unmount of the original.
 * Slaves and unbindable mounts are private here (docs/CAVEATS.md). */
#include "vfs_internal.h"

#include <kernel/log.h>

static int next_group; /* mount_mutex */

static void join(struct mount *m, struct mount *of)
{
	lock_assert_held(&mount_mutex);
	if (!of->group || m->group)
		return;
	m->group = of->group;
	list_add(&m->peers, &of->peers);
}

void mount_join_group(struct mount *m, struct mount *of)
{
	join(m, of);
}

void mount_leave_group(struct mount *m)
{
	lock_assert_held(&mount_mutex);
	list_del_init(&m->peers);
	m->group = 0;
}

static void share(struct mount *m)
{
	if (!m->group)
		m->group = ++next_group;
}

void mount_set_shared(struct mount *top, bool shared, bool recursive)
{
	struct mount *m = top;

	mutex_lock(&mount_mutex);
	do {
		if (shared)
			share(m);
		else
			mount_leave_group(m);
	} while (recursive && (m = mount_next(m, top)) != NULL);
	mutex_unlock(&mount_mutex);
}

/* A copy of the tree at m on the same mount point of one peer. */
static void copy_to(struct mount *m, struct mount *peer)
{
	struct path whole = { m, m->root };
	struct mount *c = mount_clone(m, m->root);

	if (!c) {
		log_err("mount", "no memory to show mount %d on its peer %d", m->id, peer->id);
		return;
	}
	if (mount_clone_children(&whole, c))
		log_err("mount", "mount %d is shown incompletely on its peer %d", m->id, peer->id);
	mount_attach(c, peer, m->mountpoint);
	mount_put(c); /* the tree holds its own reference */
}

void mount_propagate(struct mount *m)
{
	struct mount *parent = m->parent, *peer, *c = m;
	bool inside;

	lock_assert_held(&mount_mutex);
	if (!parent->group)
		return;
	do
		share(c);
	while ((c = mount_next(c, m)) != NULL);
	list_for_each_entry(peer, &parent->peers, peers) {
		rcu_read_lock();
		inside = d_is_ancestor(peer->root, m->mountpoint);
		rcu_read_unlock();
		/* A copy of itself on itself would never end. */
		if (inside && peer != m)
			copy_to(m, peer);
	}
}

/* Detaches one copy that a peer of `parent` shows at mp and nobody uses: the mount and in *put what
 * held it, for the caller to drop without the mutex. NULL: none left. */
static struct mount *detach_one(struct mount *parent, const struct dentry *mp, struct path *put)
{
	struct mount *peer, *c;

	list_for_each_entry(peer, &parent->peers, peers) {
		list_for_each_entry(c, &peer->children, sibling) {
			if (c->mountpoint != mp || !list_empty(&c->children))
				continue;
			if (!mount_detach(c, false, 0, put))
				break;
			mount_leave_group(c);
			return c;
		}
	}
	return NULL;
}

void mount_propagate_umount(struct mount *parent, const struct dentry *mp)
{
	struct mount *c;
	struct path put;

	for (;;) {
		mutex_lock(&mount_mutex);
		c = parent->group ? detach_one(parent, mp, &put) : NULL;
		mutex_unlock(&mount_mutex);
		if (!c)
			return;
		path_put(&put);
		mount_put(c);
	}
}
