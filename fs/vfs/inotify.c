/* SPDX-License-Identifier: MIT */
/* inotify: queues of what happens to files and directories.
 *
 * Owns: groups (one per inotify descriptor: its watches and its queue of events) and the list of
 * watches of an inode (inode->marks, made with the first watch and kept until the inode ends).
 * Use: notify_event and notify_dentry of notify.h at the end of whatever changed something.
 * Invariants: a watch is on the list of its inode and of its group, or on neither; it holds a
 * reference to the inode. Events keep the order in which they were queued; one that equals the last
 * queued one is dropped, as on Linux.
 * Locking: watch_lock for all lists of watches, group->lock for the queue.
 * Lifetime: a group ends with its file, and takes its watches along. */
#include "notify.h"
#include "vfs_internal.h"

#include <fs/poll.h>
#include <fs/procfs.h>
#include <kernel/init.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/wait.h>

static s64 max_queued = 16384, max_watches = 65536;
SYSCTL(inotify_queue, "fs/inotify/max_queued_events", 0644, &max_queued, 1, 1 << 20);
SYSCTL(inotify_watches, "fs/inotify/max_user_watches", 0644, &max_watches, 1, 1 << 20);

struct event {
	struct list_head node;
	struct user_inotify_event head;
	char name[];
};

struct group {
	struct spinlock lock;
	struct list_head events; /* lock: oldest first */
	unsigned int nr;	 /* lock */
	struct wait_queue wq;
	struct list_head watches; /* watch_lock */
	s32 last_wd;		  /* watch_lock */
};

struct watch {
	struct list_head of_inode, of_group; /* watch_lock */
	struct group *group;
	struct inode *inode; /* referenced */
	s32 wd;
	u32 mask;
};

struct inotify_marks {
	struct list_head watches; /* watch_lock */
};

static DEFINE_SPINLOCK(watch_lock, LOCK_FLOCK);
unsigned int inotify_watches;
static atomic_t last_cookie;

u32 inotify_cookie(void)
{
	return (u32)atomic_add_return(&last_cookie, 1);
}

/* --- queueing --- */

static bool same_event(const struct event *a, const struct event *b)
{
	return !memcmp(&a->head, &b->head, sizeof(a->head)) &&
	       !memcmp(a->name, b->name, a->head.len);
}

static void queue_event(struct group *g, s32 wd, u32 mask, u32 cookie, const struct qstr *name)
{
	/* The name's field is a multiple of the head's size, zeroes behind the name. */
	u32 len = name ? (u32)ALIGN_UP(name->len + 1, (u32)sizeof(struct user_inotify_event)) : 0;
	struct event *e = kmalloc(sizeof(*e) + len, GFP_ATOMIC | GFP_ZERO);

	if (!e)
		return;
	e->head =
		(struct user_inotify_event){ .wd = wd, .mask = mask, .cookie = cookie, .len = len };
	if (name)
		memcpy(e->name, name->name, name->len);
	spin_lock(&g->lock);
	if (g->nr >= max_queued) {
		e->head = (struct user_inotify_event){ .wd = -1, .mask = IN_Q_OVERFLOW };
		if (g->nr > max_queued)
			goto drop;
	} else if (g->nr && same_event(list_last_entry(&g->events, struct event, node), e)) {
		goto drop;
	}
	list_add_tail(&e->node, &g->events);
	g->nr++;
	spin_unlock(&g->lock);
	wake_up_poll(&g->wq, POLLIN | POLLRDNORM);
	return;
drop:
	spin_unlock(&g->lock);
	kfree(e);
}

/* Takes a watch off its lists; watch_lock held. The caller frees it, without the lock; until then
 * unmounting waits, because nobody finds the watch any more to drop its inode. */
static void watch_unlink(struct watch *w)
{
	atomic_inc(&w->inode->sb->shrinking);
	list_del(&w->of_inode);
	list_del(&w->of_group);
	queue_event(w->group, w->wd, IN_IGNORED, 0, NULL);
	WRITE_ONCE(inotify_watches, inotify_watches - 1);
}

static void watch_free(struct watch *w)
{
	struct super_block *sb = w->inode->sb;

	inode_put(w->inode);
	kfree(w);
	sb_shrink_end(sb);
}

void inotify_event_slow(struct inode *i, u32 mask, u32 cookie, const struct qstr *name)
{
	struct inotify_marks *m = READ_ONCE(i->marks);
	struct watch *w, *tmp;
	LIST_HEAD(dead);

	if (!m)
		return;
	spin_lock(&watch_lock);
	list_for_each_entry_safe(w, tmp, &m->watches, of_inode) {
		if (!(w->mask & mask & IN_ALL_EVENTS) && !(mask & IN_UNMOUNT))
			continue;
		queue_event(w->group, w->wd, mask, cookie, name);
		if (w->mask & IN_ONESHOT) {
			watch_unlink(w);
			list_add(&w->of_inode, &dead);
		}
	}
	spin_unlock(&watch_lock);
	list_for_each_entry_safe(w, tmp, &dead, of_inode)
		watch_free(w);
}

void inotify_dentry_slow(struct dentry *d, u32 mask)
{
	struct inode *i = d->inode;
	struct dentry *parent;

	if (!i)
		return;
	if (S_ISDIR(i->mode))
		mask |= IN_ISDIR;
	if (d->parent != d && !d_unhashed(d)) {
		struct qstr name;
		char text[NAME_MAX + 1];

		/* A rename may change both at any time: the name is copied under the lock. */
		spin_lock(&d->lock);
		parent = d_get(d->parent);
		name = d->name;
		memcpy(text, name.name, name.len);
		name.name = text;
		spin_unlock(&d->lock);
		if (parent->inode)
			inotify_event_slow(parent->inode, mask, 0, &name);
		d_put(parent);
	}
	inotify_event_slow(i, mask, 0, NULL);
}

/* --- ends --- */

static void drop_watches(struct inode *i)
{
	struct inotify_marks *m = READ_ONCE(i->marks);
	struct watch *w, *tmp;
	LIST_HEAD(dead);

	if (!m)
		return;
	spin_lock(&watch_lock);
	list_for_each_entry_safe(w, tmp, &m->watches, of_inode) {
		watch_unlink(w);
		list_add(&w->of_inode, &dead);
	}
	spin_unlock(&watch_lock);
	list_for_each_entry_safe(w, tmp, &dead, of_inode)
		watch_free(w);
}

void inotify_deleted(struct inode *i)
{
	if (likely(!READ_ONCE(i->marks)))
		return;
	inotify_event_slow(i, IN_DELETE_SELF, 0, NULL);
	drop_watches(i);
}

void inotify_inode_gone(struct inode *i)
{
	kfree(i->marks);
	i->marks = NULL;
}

void inotify_unmount(struct super_block *sb)
{
	struct inode *i = NULL;
	bool gone;

	if (!READ_ONCE(inotify_watches))
		return;
	/* With references: one without is perhaps on its way out, and its marks with it. */
	while ((i = sb_next_inode(sb, i, &gone)) != NULL) {
		if (!READ_ONCE(i->marks))
			continue;
		inotify_event_slow(i, IN_UNMOUNT, 0, NULL);
		drop_watches(i);
	}
}

/* --- the descriptor --- */

/* Moves whole events out. Bytes, -EINVAL when the first does not fit, 0 when there is none. */
static ssize_t read_events(struct group *g, struct uio *u)
{
	ssize_t done = 0;

	for (;;) {
		struct event *e;
		size_t n;

		spin_lock(&g->lock);
		if (list_empty(&g->events)) {
			spin_unlock(&g->lock);
			return done;
		}
		e = list_first_entry(&g->events, struct event, node);
		n = sizeof(e->head) + e->head.len;
		if (n > u->count) {
			spin_unlock(&g->lock);
			return done ? done : -EINVAL;
		}
		list_del(&e->node);
		g->nr--;
		spin_unlock(&g->lock);
		if (uio_write_to(u, &e->head, n) < n) {
			kfree(e);
			return done ? done : -EFAULT;
		}
		kfree(e);
		done += (ssize_t)n;
	}
}

static ssize_t inotify_read(struct file *f, struct uio *u, loff_t *pos __maybe_unused)
{
	struct group *g = f->private;
	ssize_t n;
	int rc;

	for (;;) {
		n = read_events(g, u);
		if (n)
			return n;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		rc = wait_event_interruptible(&g->wq, READ_ONCE(g->nr) != 0);
		if (rc)
			return rc;
	}
}

static unsigned int inotify_poll(struct file *f, struct poll_table *pt)
{
	struct group *g = f->private;

	poll_wait(f, &g->wq, pt);
	return READ_ONCE(g->nr) ? POLLIN | POLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, unsigned int cmd, u64 arg)
{
	struct group *g = f->private;
	struct event *e;
	u32 n = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	spin_lock(&g->lock);
	list_for_each_entry(e, &g->events, node)
		n += (u32)sizeof(e->head) + e->head.len;
	spin_unlock(&g->lock);
	return put_user_u32(n, USER_PTR(arg));
}

static void inotify_release(struct inode *inode __maybe_unused, struct file *f)
{
	struct group *g = f->private;
	struct event *e, *next;
	struct watch *w;

	for (;;) {
		spin_lock(&watch_lock);
		w = list_first_entry_or_null(&g->watches, struct watch, of_group);
		if (w)
			watch_unlink(w);
		spin_unlock(&watch_lock);
		if (!w)
			break;
		watch_free(w);
	}
	list_for_each_entry_safe(e, next, &g->events, node)
		kfree(e);
	kfree(g);
}

static const struct file_ops inotify_fops = {
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
};

static long inotify_create(int flags)
{
	struct group *g;
	struct file *f;
	int rc;

	if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return -ENOMEM;
	spin_lock_init(&g->lock, LOCK_LEAF);
	list_init(&g->events);
	list_init(&g->watches);
	wait_queue_init(&g->wq);
	rc = anon_file_create("inotify", &inotify_fops, g, O_RDONLY | (flags & O_NONBLOCK), &f);
	if (rc) {
		kfree(g);
		return rc;
	}
	return fd_install_new(f, flags & IN_CLOEXEC ? FD_CLOEXEC : 0);
}

SYSCALL0(inotify_init)
{
	return inotify_create(0);
}

SYSCALL(inotify_init1, int, flags)
{
	return inotify_create(flags);
}

static int marks_of(struct inode *i, struct inotify_marks **out)
{
	struct inotify_marks *m;

	if (!READ_ONCE(i->marks)) {
		m = kmalloc(sizeof(*m), GFP_KERNEL);
		if (!m)
			return -ENOMEM;
		list_init(&m->watches);
		spin_lock(&watch_lock);
		if (!i->marks) {
			WRITE_ONCE(i->marks, m);
			m = NULL;
		}
		spin_unlock(&watch_lock);
		kfree(m);
	}
	*out = i->marks;
	return 0;
}

/* wd or -errno. */
static long watch_add(struct group *g, struct inode *i, u32 mask)
{
	struct watch *w, *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	struct inotify_marks *m;
	long rc;

	rc = fresh ? marks_of(i, &m) : -ENOMEM;
	if (rc) {
		kfree(fresh);
		return rc;
	}
	spin_lock(&watch_lock);
	list_for_each_entry(w, &m->watches, of_inode) {
		if (w->group != g)
			continue;
		rc = mask & IN_MASK_CREATE ? -EEXIST : w->wd;
		if (rc > 0)
			w->mask = mask & IN_MASK_ADD ? w->mask | mask : mask;
		goto out;
	}
	rc = -ENOSPC;
	if (inotify_watches >= max_watches)
		goto out;
	fresh->group = g;
	fresh->inode = i;
	inode_get(i);
	fresh->wd = ++g->last_wd;
	fresh->mask = mask;
	list_add_tail(&fresh->of_inode, &m->watches);
	list_add_tail(&fresh->of_group, &g->watches);
	WRITE_ONCE(inotify_watches, inotify_watches + 1);
	rc = fresh->wd;
	fresh = NULL;
out:
	spin_unlock(&watch_lock);
	kfree(fresh);
	return rc;
}

SYSCALL(inotify_add_watch, int, fd, struct user_ptr, name, u32, mask)
{
	unsigned int lookup = mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW;
	struct fdref r;
	struct path p;
	long rc;

	if (!(mask & (IN_ALL_EVENTS | IN_UNMOUNT)))
		return -EINVAL;
	if (mask & ~(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR |
		     IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR |
		     IN_ONESHOT))
		return -EINVAL;
	rc = fdget((unsigned int)fd, RIGHT_NONE, &r);
	if (rc)
		return rc;
	rc = -EINVAL;
	if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
		goto out;
	if (r.file->ops != &inotify_fops)
		goto out;
	if (mask & IN_ONLYDIR)
		lookup |= LOOKUP_DIRECTORY;
	rc = user_path_at(AT_FDCWD, name, lookup, &p);
	if (rc)
		goto out;
	rc = inode_permission(p.dentry->inode, MAY_READ);
	if (!rc)
		rc = watch_add(r.file->private, p.dentry->inode, mask);
	path_put(&p);
out:
	fd_put(r);
	return rc;
}

SYSCALL(inotify_rm_watch, int, fd, int, wd)
{
	struct watch *w, *found = NULL;
	struct group *g;
	struct fdref r;
	long rc = fdget((unsigned int)fd, RIGHT_NONE, &r);

	if (rc)
		return rc;
	rc = -EINVAL;
	if (r.file->ops == &inotify_fops) {
		g = r.file->private;
		spin_lock(&watch_lock);
		list_for_each_entry(w, &g->watches, of_group) {
			if (w->wd == wd) {
				found = w;
				break;
			}
		}
		if (found)
			watch_unlink(found);
		spin_unlock(&watch_lock);
	}
	if (found) {
		watch_free(found);
		rc = 0;
	}
	fd_put(r);
	return rc;
}
