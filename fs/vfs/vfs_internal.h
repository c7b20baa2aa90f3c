/* SPDX-License-Identifier: MIT */
/* What the files of fs/vfs share with each other and with nobody else. */
#ifndef VFS_INTERNAL_H
#define VFS_INTERNAL_H

#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

/* --- path texts from user space --- */
/* Short names stay on the stack; nothing is ever zeroed. */
#define PATHNAME_SMALL 216
struct pathname {
	const char *name;
	char *big; /* NULL: name is in small */
	char small[PATHNAME_SMALL];
};
/* 0, -EFAULT, -ENAMETOOLONG, -ENOMEM, or -ENOENT for "" unless LOOKUP_EMPTY. */
int must_check pathname_get(struct pathname *pn, struct user_ptr p, unsigned int lookup_flags);
int must_check pathname_kernel(struct pathname *pn, const char *name);
void pathname_put_big(struct pathname *pn);
static inline void pathname_put(struct pathname *pn)
{
	if (unlikely(pn->big))
		pathname_put_big(pn);
}

/* --- walking (walk.c) --- */
enum last_type { LAST_NORM, LAST_ROOT, LAST_DOT, LAST_DOTDOT };

struct walk_link {
	struct path link; /* the symlink itself; referenced in ref mode */
	const char *rest; /* what is left of the text that named it */
	void (*put_link)(void *cookie);
	void *cookie;
};
#define WALK_INLINE_LINKS 2

struct walk {
	struct path path;    /* where we are; referenced unless rcu */
	struct inode *inode; /* its inode, valid for seq */
	struct qstr last;    /* last component of walk_parent */
	enum last_type last_type;
	unsigned int flags; /* LOOKUP_* */
	bool rcu;
	bool root_set;
	bool root_ref;	     /* root is referenced (ref mode) */
	bool trailing_slash; /* after last */
	bool jumped;
	u32 seq;	    /* of path.dentry (rcu) */
	u32 mseq, rseq;	    /* mount_seq, d_rename_seq at the start */
	unsigned int links; /* followed so far */
	unsigned int depth; /* in use of stack */
	unsigned int stack_size;
	int dirfd;
	struct path root;
	struct fdref base;
	struct walk_link *stack;
	struct walk_link small[WALK_INLINE_LINKS];
};

/* Whole walk: path with references in *out. Tries RCU first. */
int must_check walk_path(int dirfd, const char *name, unsigned int flags, struct path *out);
/* Walks to the parent of the last component and stops there with w->path referenced and w->last set
 * (pointing into name). After success walk_end() must follow. */
int must_check walk_parent(struct walk *w, int dirfd, const char *name, unsigned int flags);
/* Goes on from a symlink found as last component (reference to link is taken over): again stops at
 * the parent of the new last component. On error everything is released. */
int must_check walk_parent_link(struct walk *w, struct path *link);
void walk_end(struct walk *w);
/* Finds the last component in w->path (no mounts, no symlinks). Lock of the directory held
 * exclusive. *out referenced, maybe negative. */
int must_check walk_lookup_locked(struct dentry *dir, const struct qstr *name, struct dentry **out);
/* The same without lock: from the cache, or takes the lock itself. */
int must_check walk_lookup(struct dentry *dir, const struct qstr *name, struct dentry **out);
/* Crosses mount points downward; takes over and gives a reference. */
void path_cross_mounts(struct path *p);

/* --- dcache --- */
extern struct seqcount d_rename_seq;
struct dentry *d_find_rcu(const struct dentry *parent, const struct qstr *name, u32 *seq);
bool d_get_unless_dead(struct dentry *d);
static inline bool d_is_negative(const struct dentry *d)
{
	return !READ_ONCE(d->inode);
}
static inline bool d_can_lookup(const struct dentry *d)
{
	const struct inode *i = READ_ONCE(d->inode);

	return i && S_ISDIR(i->mode) && i->ops->lookup;
}
static inline bool d_is_dir(const struct dentry *d)
{
	return d->inode && S_ISDIR(d->inode->mode);
}
static inline bool d_is_symlink(const struct dentry *d)
{
	return d->inode && S_ISLNK(d->inode->mode);
}
bool d_is_ancestor(const struct dentry *anc,
		   const struct dentry *d); /* or the same; RCU or rename lock */
void dcache_init(void);
void dcache_umount(struct super_block *sb); /* last reference of the tree goes */

/* --- mounts --- */
extern struct seqcount mount_seq;
extern struct mutex mount_mutex;
struct mount *mount_lookup_rcu(struct mount *parent, const struct dentry *d);
/* Reference or NULL. */
struct mount *mount_lookup(const struct path *p);
void mount_put_no_expire(struct mount *m);
bool mount_get_unless_dead(struct mount *m);
bool path_up(struct path *p); /* from a mount's root to its mount point; takes over references */
bool d_mountpoint_in_use(const struct dentry *d);
extern struct mount *root_mount;
extern struct list_head mount_list;
struct mount *mount_new(struct super_block *sb, struct dentry *root, const char *source, u32 flags);
void mount_attach(struct mount *m, struct mount *parent, struct dentry *mp);
bool mount_detach(struct mount *m, bool lazy, int users, struct path *put);
/* Takes m and everything below it out of the tree; top_detached: m itself is in no tree. */
void umount_tree(struct mount *m, bool top_detached);
#define MNT_EXPIRY_MARK 0x10000u /* MNT_EXPIRE saw it unused */
/* The inode behind `last` (NULL: the first) on sb's list, with a reference; last's is dropped.
 * NULL: no more. *gone is set when one that is being evicted was left out. */
struct inode *sb_next_inode(struct super_block *sb, struct inode *last, bool *gone);
/* New SB_RDONLY, SB_SYNCHRONOUS, SB_DIRSYNC; umount_lock held exclusive. -EBUSY: somebody
 * writes. */
int sb_remount(struct super_block *sb, u32 flags, char *data);
struct mount *mount_next(struct mount *m, struct mount *top);
/* A private copy of a mount that shows `root`, in no tree; joins from's peer group. mount_mutex
 * held. */
struct mount *mount_clone(struct mount *from, struct dentry *root);
/* Copies the mounts below p (inside the tree at p->dentry) onto the copy `top` of p's mount.
 * mount_mutex held; -ENOMEM leaves some out. */
int mount_clone_children(const struct path *p, struct mount *top);

/* --- shared mounts (propagate.c); mount_mutex held unless said otherwise --- */
void mount_join_group(struct mount *m, struct mount *of); /* nothing when `of` is private */
void mount_leave_group(struct mount *m);
void mount_set_shared(struct mount *top, bool shared, bool recursive); /* takes mount_mutex */
/* m was just attached: shows it on the peers of its parent. */
void mount_propagate(struct mount *m);
/* What was at mp on `parent` was unmounted: takes it from the peers. Takes mount_mutex. */
void mount_propagate_umount(struct mount *parent, const struct dentry *mp);

static inline bool mount_readonly(const struct mount *m)
{
	return (READ_ONCE(m->flags) & MNT_READONLY) || (m->sb->flags & SB_RDONLY);
}
static inline bool path_noexec(const struct path *p)
{
	return (p->mnt->flags & MNT_NOEXEC) || (p->mnt->sb->flags & SB_NOEXEC);
}
static inline bool path_nodev(const struct path *p)
{
	return (p->mnt->flags & MNT_NODEV) || (p->mnt->sb->flags & SB_NODEV);
}

/* --- files --- */
int must_check file_alloc(int flags, const struct cred *cred, struct file **out);
void file_free_unopened(struct file *f); /* from file_alloc, path not set */
void file_release_now(struct file *f);	 /* the last reference is gone; process context */
int must_check may_open(const struct path *p, unsigned int acc, int flags);
struct open_req {
	int flags;	     /* O_*, already normalised */
	mode_t mode;	     /* with file type bits cleared */
	unsigned int acc;    /* MAY_* */
	unsigned int lookup; /* LOOKUP_* */
};
int must_check open_req_make(u64 flags, u64 mode, u64 resolve, struct open_req *rq);
int must_check do_open(int dirfd, const char *name, const struct open_req *rq, struct file **out);
int inode_deny_write(struct inode *i);
int inode_get_write(struct inode *i);
void inode_put_write(struct inode *i);
static inline void inode_allow_write(struct inode *i)
{
	atomic_inc(&i->writers);
}
extern s64 files_max, nr_open_max;

/* --- descriptors, inline for the hot calls --- */
int must_check fd_get_slow(unsigned int fd, u64 need, bool path_ok, struct fdref *out);
static __always_inline int must_check fdget(unsigned int fd, u64 need, struct fdref *out)
{
	struct files *fs = current->files;
	struct fdtable *t;
	struct fdslot *s;
	struct file *f;

	if (unlikely(atomic_read(&fs->refs) != 1))
		return fd_get_slow(fd, need, false, out);
	t = fs->table;
	if (unlikely(fd >= t->max))
		return -EBADF;
	s = &t->slots[fd];
	f = s->file;
	if (unlikely(!f || (f->mode & FMODE_PATH)))
		return -EBADF;
	if (unlikely((s->rights & need) != need))
		return -EACCES;
	out->file = f;
	out->counted = false;
	return 0;
}
int must_check fd_replace(unsigned int fd, struct file *f, u32 fd_flags);
void fd_close_range(unsigned int first, unsigned int last, bool cloexec);
int fd_flags(unsigned int fd, int set);
/* O_PATH descriptors too. */
int must_check fdget_any(unsigned int fd, u64 need, struct fdref *out);

/* File position: locked only where another user of the open description can exist. */
static NO_LOCK_ANALYSIS __always_inline bool pos_lock(const struct fdref *r)
{
	struct file *f = r->file;

	if ((f->mode & FMODE_ATOMIC_POS) && (r->counted || atomic64_read(&f->refs) > 1)) {
		mutex_lock(&f->pos_lock);
		return true;
	}
	return false;
}

static NO_LOCK_ANALYSIS __always_inline void pos_unlock(const struct fdref *r, bool locked)
{
	if (locked)
		mutex_unlock(&r->file->pos_lock);
}

/* --- permissions and attributes --- */
int path_permission(const struct path *p,
		    unsigned int mask); /* inode_permission + read-only mounts */
int may_create(struct inode *dir, struct dentry *child);
int may_delete(struct inode *dir, struct dentry *victim, bool isdir);
bool in_group_or_capable(const struct inode *i, gid_t gid);
int file_remove_privs(struct file *f);
int notify_change(const struct path *p, struct iattr *attr); /* takes inode->lock */
int vfs_truncate_file(struct file *f, loff_t size);
extern s64 protected_symlinks, protected_hardlinks, protected_fifos, protected_regular;

/* --- names --- */
int must_check do_mkdir(int dirfd, const char *name, mode_t mode);
int must_check do_mknod(int dirfd, const char *name, mode_t mode, dev_t dev);
int must_check do_symlink(const char *target, int dirfd, const char *name);
int must_check do_unlink(int dirfd, const char *name);
int must_check do_rmdir(int dirfd, const char *name);
int must_check do_link(int olddfd, const char *old, unsigned int lookup, int newdfd,
		       const char *name);
int must_check do_rename(int olddfd, const char *old, int newdfd, const char *name,
			 unsigned int flags);

/* --- other --- */
/* dpath.c: text of p seen from root (NULL: from the top); 1 when root was not on the way. */
int path_text(const struct path *p, const struct path *root, bool deleted, char *buf, size_t size,
	      char **out);
void fs_set_root(struct fs_struct *fs, const struct path *p); /* takes the reference over */
void fs_set_cwd(struct fs_struct *fs, const struct path *p);
void fs_replace_all(const struct path *from, const struct path *to);
void fs_replace_path(struct fs_struct *fs, const struct path *from, const struct path *to);
void locks_free_context(struct inode *i);
void inode_accessed(const struct mount *m, struct inode *i); /* atime under relatime rules */
void inodes_drop_unused(struct super_block *sb);
extern struct spinlock icache_lock;
extern struct wait_queue inode_state_wait;
void inode_take(struct inode *i); /* a reference; icache_lock held, not freeing */
static inline u64 time_trunc(const struct super_block *sb, u64 t)
{
	s64 rest;

	if (likely(sb->time_gran <= 1))
		return t;
	rest = (s64)t % sb->time_gran;
	return t - (u64)(rest < 0 ? rest + sb->time_gran : rest);
}
/* The shrinkers: how many went. */
u64 inode_shrink_scan(u64 n);
u64 dentry_shrink_scan(u64 n);
/* Around a shrinker's work on names or inodes of sb, which is still alive when it begins. False: it
 * is being unmounted. Any context. */
bool sb_shrink_begin(struct super_block *sb);
void sb_shrink_end(struct super_block *sb);
u64 files_open_count(void);
bool file_can_direct(const struct inode *i); /* O_DIRECT is allowed */
void fasync_free(struct file *f);
long vfs_ioctl(struct file *f, unsigned int cmd, u64 arg);
int sb_statfs(const struct path *p, struct kstatfs *st);
void super_sync_all(bool wait);
int do_mount(const char *source, const struct path *where, const char *type, unsigned int flags,
	     char *data);
extern const struct file_ops cdev_fops, bad_fops, sock_fops;
extern const struct inode_ops special_inode_ops;
ssize_t file_read_uio(struct file *f, struct uio *u, loff_t *pos);
/* A write that appends once (RWF_APPEND), whatever the file's flags say. */
ssize_t file_write_appending(struct file *f, struct uio *u, loff_t *pos);
ssize_t file_write_uio(struct file *f, struct uio *u, loff_t *pos);

static inline struct fs_struct *current_fs(void)
{
	return current->fs ? current->fs : &init_fs;
}

#endif
