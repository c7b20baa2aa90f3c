/* SPDX-License-Identifier: MIT */
/* mount, umount2, pivot_root, and the mounts the kernel makes at boot.
 *
 * One mount namespace; shared mounts are in propagate.c. mount_mutex is held over every change of
 * the tree; paths are looked up before, and a target that became covered meanwhile is followed down
 * under the mutex. */
#include "vfs_internal.h"

#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>
#include <uapi/mount.h>

/* Mount flags that belong to one mount; the rest belongs to the super block. */
static u32 mnt_flags_of(u32 ms)
{
	u32 f = MNT_RELATIME;

	if (ms & MS_NOATIME)
		f = (f & ~MNT_RELATIME) | MNT_NOATIME;
	if (ms & MS_STRICTATIME)
		f = (f & ~(MNT_RELATIME | MNT_NOATIME)) | MNT_STRICTATIME;
	f |= ms & MS_NOSUID ? MNT_NOSUID : 0;
	f |= ms & MS_NODEV ? MNT_NODEV : 0;
	f |= ms & MS_NOEXEC ? MNT_NOEXEC : 0;
	f |= ms & MS_NODIRATIME ? MNT_NODIRATIME : 0;
	f |= ms & MS_RDONLY ? MNT_READONLY : 0;
	return f;
}

#define SB_FLAGS_OF(ms) ((ms) & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_SILENT))

/* Puts m on `where` (whose top-most mount is found again under the mutex). */
static int attach_at(struct mount *m, const struct path *where)
{
	struct path top = *where;
	int rc = 0;

	struct inode *i;

	path_get(&top);
	mutex_lock(&mount_mutex);
	path_cross_mounts(&top);
	/* rmdir, unlink and rename ask under this lock whether something is mounted here. */
	i = top.dentry->inode;
	down_write(&i->lock);
	if (d_unhashed(top.dentry) && top.dentry != top.mnt->root)
		rc = -ENOENT;
	else if (S_ISDIR(i->mode) != S_ISDIR(m->root->inode->mode))
		rc = -ENOTDIR;
	else if (top.mnt->detached)
		rc = -EINVAL;
	/* The same thing twice on the same place. */
	else if (top.mnt->sb == m->sb && top.mnt->root == top.dentry && m->root == top.dentry &&
		 !m->detached)
		rc = -EBUSY;
	else {
		mount_attach(m, top.mnt, top.dentry);
	}
	up_write(&i->lock);
	if (!rc)
		mount_propagate(m);
	mutex_unlock(&mount_mutex);
	path_put(&top);
	return rc;
}

static int mount_new_fs(const char *source, const struct path *where, const char *type, u32 flags,
			char *data)
{
	const struct fs_type *t = fs_type_find(type);
	struct super_block *sb;
	struct mount *m;
	int rc;

	if (!t)
		return -ENODEV;
	rc = t->mount(t, SB_FLAGS_OF(flags), source, data, &sb);
	if (rc)
		return rc;
	m = mount_new(sb, sb->root, source && *source ? source : "none", mnt_flags_of(flags));
	sb_put(sb);
	if (!m)
		return -ENOMEM;
	rc = attach_at(m, where);
	mount_put(m); /* the tree holds its own reference */
	return rc;
}

/* --- bind --- */

struct mount *mount_clone(struct mount *from, struct dentry *root)
{
	struct mount *m = mount_new(from->sb, root, from->source, from->flags);

	if (m)
		mount_join_group(m, from);
	return m;
}

static struct mount *find_copy(struct mount *const *old, struct mount *const *new, unsigned int n,
			       const struct mount *m)
{
	for (unsigned int k = 0; k < n; k++) {
		if (old[k] == m)
			return new[k];
	}
	return NULL;
}

#define BIND_MAX 1024

int mount_clone_children(const struct path *p, struct mount *top)
{
	struct mount **old = kvmalloc(2 * BIND_MAX * sizeof(*old), GFP_KERNEL), **new, *m, *c;
	unsigned int n = 1;
	int rc = 0;

	if (!old)
		return -ENOMEM;
	new = old + BIND_MAX;
	old[0] = p->mnt;
	new[0] = top;
	for (m = mount_next(p->mnt, p->mnt); m && !rc; m = mount_next(m, p->mnt)) {
		struct mount *parent = find_copy(old, new, n, m->parent);
		bool inside;

		rcu_read_lock();
		inside = m->parent != p->mnt || d_is_ancestor(p->dentry, m->mountpoint);
		rcu_read_unlock();
		if (!parent || !inside || m == top)
			continue;
		rc = -ENOMEM;
		if (n == BIND_MAX)
			break;
		c = mount_clone(m, m->root);
		if (!c)
			break;
		mount_attach(c, parent, m->mountpoint);
		mount_put(c);
		old[n] = m;
		new[n++] = c;
		rc = 0;
	}
	kvfree(old);
	return rc;
}

static int do_bind(const char *source, const struct path *where, bool recursive)
{
	struct path from;
	struct mount *m;
	int rc;

	if (!source || !*source)
		return -EINVAL;
	rc = kern_path(source, LOOKUP_FOLLOW, &from);
	if (rc)
		return rc;
	rc = -ENOMEM;
	/* The copy is filled before it is seen. */
	mutex_lock(&mount_mutex);
	m = mount_clone(from.mnt, from.dentry);
	if (m)
		rc = recursive ? mount_clone_children(&from, m) : 0;
	mutex_unlock(&mount_mutex);
	if (!m)
		goto out;
	m->detached = true;
	if (!rc)
		rc = attach_at(m, where);
	if (rc) {
		umount_tree(m, true);
		mutex_lock(&mount_mutex);
		mount_leave_group(m);
		mutex_unlock(&mount_mutex);
	}
	mount_put(m);
out:
	path_put(&from);
	return rc;
}

/* --- remount, move, propagation --- */

#define MNT_ATIME_FLAGS (MNT_RELATIME | MNT_NOATIME | MNT_NODIRATIME | MNT_STRICTATIME)

/* New flags of one mount. writers_ok: the super block has been asked already. */
static int remount_mnt(struct mount *m, u32 ms, bool writers_ok)
{
	u32 f = mnt_flags_of(ms), old = READ_ONCE(m->flags);

	if (!(ms & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		f = (f & ~MNT_ATIME_FLAGS) | (old & MNT_ATIME_FLAGS);
	WRITE_ONCE(m->flags, f);
	smp_mb(); /* file_get_write counts first and asks then */
	if (writers_ok || !(f & MNT_READONLY) || (old & MNT_READONLY) || !atomic_read(&m->writers))
		return 0;
	WRITE_ONCE(m->flags, old);
	return -EBUSY;
}

static int do_remount(const struct path *p, u32 flags, char *data)
{
	struct super_block *sb = p->mnt->sb;
	int rc;

	if (p->dentry != p->mnt->root)
		return -EINVAL;
	down_write(&sb->umount_lock);
	if (flags & MS_BIND) { /* only this mount */
		rc = remount_mnt(p->mnt, flags, false);
	} else {
		rc = sb_remount(sb, SB_FLAGS_OF(flags) & ~SB_SILENT, data);
		if (!rc)
			rc = remount_mnt(p->mnt, flags, true);
	}
	up_write(&sb->umount_lock);
	return rc;
}

static int do_move(const char *source, const struct path *where)
{
	struct path from, put;
	struct mount *up;
	int rc;

	if (!source || !*source)
		return -EINVAL;
	rc = kern_path(source, LOOKUP_FOLLOW, &from);
	if (rc)
		return rc;
	mutex_lock(&mount_mutex);
	rc = -EINVAL;
	if (from.dentry != from.mnt->root || from.mnt->parent == from.mnt || from.mnt->detached)
		goto unlock;
	if (S_ISDIR(from.dentry->inode->mode) != S_ISDIR(where->dentry->inode->mode))
		goto unlock;
	if (where->mnt->detached)
		goto unlock;
	rc = -ENOENT;
	if (d_unhashed(where->dentry) && where->dentry != where->mnt->root)
		goto unlock;
	rc = -ELOOP; /* into itself */
	for (up = where->mnt; up != up->parent; up = up->parent) {
		if (up == from.mnt)
			goto unlock;
	}
	if (up == from.mnt)
		goto unlock;
	mount_detach(from.mnt, true, 0, &put);
	mount_attach(from.mnt, where->mnt, where->dentry);
	rc = 0;
unlock:
	mutex_unlock(&mount_mutex);
	if (!rc) {
		path_put(&put);
		mount_put(from.mnt); /* of its old place */
	}
	path_put(&from);
	return rc;
}

int do_mount(const char *source, const struct path *where, const char *type, unsigned int flags,
	     char *data)
{
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~MS_MGC_MSK;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & MS_REMOUNT)
		return do_remount(where, flags, data);
	if (flags & MS_BIND)
		return do_bind(source, where, flags & MS_REC);
	if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)) {
		u32 kind = flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE);

		if (kind & (kind - 1))
			return -EINVAL;
		if (flags & ~(kind | MS_REC | MS_SILENT))
			return -EINVAL;
		if (where->dentry != where->mnt->root)
			return -EINVAL;
		mount_set_shared(where->mnt, kind == MS_SHARED, flags & MS_REC);
		return 0;
	}
	if (flags & MS_MOVE)
		return do_move(source, where);
	if (!type)
		return -EINVAL;
	return mount_new_fs(source, where, type, flags, data);
}

/* At most a page of text; NULL stays NULL. */
static int text_from_user(struct user_ptr p, char **out)
{
	char *s;
	ssize_t n;

	*out = NULL;
	if (user_ptr_is_null(p))
		return 0;
	s = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	n = strncpy_from_user(s, p, PAGE_SIZE);
	if (n < 0) {
		kfree(s);
		return n == -ENAMETOOLONG ? -EINVAL : (int)n;
	}
	*out = s;
	return 0;
}

/* Options may be any bytes up to a page, and the page need not be readable to its end. */
static int data_from_user(struct user_ptr p, char **out)
{
	size_t left;
	char *s;

	*out = NULL;
	if (user_ptr_is_null(p))
		return 0;
	s = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	left = copy_from_user_partial(s, p, PAGE_SIZE);
	if (left == PAGE_SIZE) {
		kfree(s);
		return -EFAULT;
	}
	memset(s + PAGE_SIZE - left, 0, left);
	s[PAGE_SIZE - 1] = '\0';
	*out = s;
	return 0;
}

SYSCALL(mount, struct user_ptr, usource, struct user_ptr, target, struct user_ptr, utype,
	unsigned long, flags, struct user_ptr, udata)
{
	char *source = NULL, *type = NULL, *data = NULL;
	struct path where;
	int rc;

	rc = text_from_user(utype, &type);
	if (!rc)
		rc = text_from_user(usource, &source);
	if (!rc)
		rc = data_from_user(udata, &data);
	if (!rc)
		rc = user_path_at(AT_FDCWD, target, LOOKUP_FOLLOW, &where);
	if (!rc) {
		rc = do_mount(source, &where, type, (unsigned int)flags, data);
		path_put(&where);
	}
	kfree(data);
	kfree(source);
	kfree(type);
	return rc;
}

/* --- umount --- */

/* Takes m and everything below it out of the tree, whoever uses it. m may be attached or not. */
void umount_tree(struct mount *m, bool top_detached)
{
	struct mount *c;
	struct path put;

	for (;;) {
		mutex_lock(&mount_mutex);
		for (c = m; !list_empty(&c->children);)
			c = list_first_entry(&c->children, struct mount, sibling);
		if (c == m && (top_detached || c->parent == c)) {
			mutex_unlock(&mount_mutex);
			return;
		}
		mount_detach(c, true, 0, &put);
		mount_leave_group(c);
		mutex_unlock(&mount_mutex);
		if (c == m)
			mount_propagate_umount(put.mnt, put.dentry);
		path_put(&put);
		if (c == m) {
			mount_put(c);
			return;
		}
		mount_put(c);
	}
}

static int umount_plain(const struct path *p)
{
	struct path put;
	bool ok;

	mutex_lock(&mount_mutex);
	if (!list_empty(&p->mnt->children)) {
		mutex_unlock(&mount_mutex);
		return -EBUSY;
	}
	ok = mount_detach(p->mnt, false, 1, &put); /* 1: p itself */
	if (ok)
		mount_leave_group(p->mnt);
	mutex_unlock(&mount_mutex);
	if (!ok)
		return -EBUSY;
	mount_propagate_umount(put.mnt, put.dentry);
	path_put(&put);
	mount_put(p->mnt);
	return 0;
}

/* MNT_EXPIRE: the first call marks an unused mount, the second one, if nobody used it, unmounts. */
static int umount_expire(const struct path *p)
{
	/* In use: by children, or by more than the tree and p. */
	if (!list_empty(&p->mnt->children) || refcount_read(&p->mnt->refs) > 2)
		return -EBUSY;
	if (!(__atomic_fetch_or(&p->mnt->flags, MNT_EXPIRY_MARK, __ATOMIC_SEQ_CST) &
	      MNT_EXPIRY_MARK))
		return -EAGAIN;
	return umount_plain(p);
}

static int do_umount(const struct path *p, int flags)
{
	struct path root;
	bool is_root;

	if (p->dentry != p->mnt->root || p->mnt->detached)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	fs_get_root(current_fs(), &root);
	is_root = root.mnt == p->mnt;
	path_put(&root);
	if (flags & MNT_EXPIRE) {
		if (is_root || (flags & (MNT_FORCE | MNT_DETACH)))
			return -EINVAL;
		return umount_expire(p);
	}
	if (p->mnt->parent == p->mnt) /* the root of everything */
		return flags & MNT_DETACH ? -EINVAL : -EBUSY;
	if (flags & MNT_DETACH) {
		umount_tree(p->mnt, false);
		return 0;
	}
	return umount_plain(p);
}

SYSCALL(umount2, struct user_ptr, name, int, flags)
{
	struct path p;
	int rc;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	rc = user_path_at(AT_FDCWD, name, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (rc)
		return rc;
	rc = do_umount(&p, flags);
	d_put(p.dentry);
	mount_put_no_expire(p.mnt);
	return rc;
}

/* --- pivot_root --- */

static bool mount_reaches(struct mount *m, const struct mount *top)
{
	for (; m != top; m = m->parent) {
		if (m->parent == m)
			return false;
	}
	return true;
}

static int pivot_check(const struct path *new, const struct path *old, const struct path *root)
{
	bool under;

	if (new->mnt == root->mnt || old->mnt == root->mnt)
		return -EBUSY; /* a loop, on the root file system */
	if (root->dentry != root->mnt->root || root->mnt->parent == root->mnt)
		return -EINVAL; /* not a mount point: rootfs */
	if (new->dentry != new->mnt->root || new->mnt->parent == new->mnt)
		return -EINVAL;
	if (!mount_reaches(old->mnt, new->mnt) || !mount_reaches(new->mnt, root->mnt))
		return -EINVAL;
	rcu_read_lock();
	under = old->mnt != new->mnt || d_is_ancestor(new->dentry, old->dentry);
	rcu_read_unlock();
	return under ? 0 : -EINVAL;
}

/* new takes the place of root, and root goes to old. mount_mutex held. */
static void pivot_commit(const struct path *new, const struct path *old, const struct path *root,
			 struct path put[2])
{
	struct mount *up = root->mnt->parent;
	struct dentry *at = root->mnt->mountpoint;

	mount_get(up);
	d_get(at);
	mount_detach(new->mnt, true, 0, &put[0]);
	mount_detach(root->mnt, true, 0, &put[1]);
	mount_attach(root->mnt, old->mnt, old->dentry);
	mount_attach(new->mnt, up, at);
	mount_put(up);
	d_put(at);
}

SYSCALL(pivot_root, struct user_ptr, unew, struct user_ptr, uold)
{
	struct path new, old, root, put[2];
	int rc;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	rc = user_path_at(AT_FDCWD, unew, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
	if (rc)
		return rc;
	rc = user_path_at(AT_FDCWD, uold, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (rc)
		goto put_new;
	fs_get_root(current_fs(), &root);
	mutex_lock(&mount_mutex);
	rc = pivot_check(&new, &old, &root);
	if (!rc)
		pivot_commit(&new, &old, &root, put);
	mutex_unlock(&mount_mutex);
	if (!rc) {
		for (unsigned int k = 0; k < 2; k++)
			path_put(&put[k]);
		mount_put(new.mnt);
		mount_put(root.mnt);
		fs_replace_all(&root, &new);
	}
	path_put(&root);
	path_put(&old);
put_new:
	path_put(&new);
	return rc;
}

/* --- boot --- */

int vfs_mount_at(const char *source, const char *path, const char *type, u32 flags,
		 const char *opts)
{
	char *data = NULL;
	struct path where;
	int rc;

	if (opts) {
		data = kstrdup(opts, GFP_KERNEL);
		if (!data)
			return -ENOMEM;
	}
	rc = kern_path(path, LOOKUP_FOLLOW, &where);
	if (!rc) {
		rc = mount_new_fs(source, &where, type, flags, data);
		path_put(&where);
	}
	kfree(data);
	return rc;
}

int vfs_move_to_root(const char *path)
{
	struct path top, root;
	int rc;

	rc = kern_path(path, LOOKUP_FOLLOW, &top);
	if (rc)
		return rc;
	fs_get_root(&init_fs, &root);
	rc = do_move(path, &root);
	if (!rc)
		fs_replace_all(&root, &top);
	path_put(&root);
	path_put(&top);
	return rc;
}

static int rootfs_mount(const struct fs_type *type, u32 flags, const char *source, char *data,
			struct super_block **out)
{
	char options[] = "mode=755";
	int rc;

	(void)data;
	rc = fs_type_find("tmpfs")->mount(type, flags, source, options, out);
	return rc;
}
static const struct fs_type rootfs_type = { .name = "rootfs", .mount = rootfs_mount };

static int rootfs_init(void)
{
	struct super_block *sb;
	int rc;

	rc = rootfs_mount(&rootfs_type, 0, NULL, NULL, &sb);
	if (rc)
		panic("vfs: no root file system: error %d", rc);
	root_mount = mount_new(sb, sb->root, "rootfs", MNT_RELATIME);
	sb_put(sb);
	VERIFY(root_mount);
	mutex_lock(&mount_mutex);
	list_add(&root_mount->list, &mount_list);
	mutex_unlock(&mount_mutex);
	init_fs.root = init_fs.cwd = (struct path){ root_mount, root_mount->root };
	path_get(&init_fs.root);
	path_get(&init_fs.cwd);
	return 0;
}
INIT_HOOK(INIT_FS, rootfs_init);
