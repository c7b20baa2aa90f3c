/* SPDX-License-Identifier: MIT */
/* Virtual file system: names, objects, open descriptions, mounts.
 *
 *   dentry  one name in one directory, cached; negative when inode is NULL. Found under RCU through
 *   a
 *           global hash of (parent, name); d->seq tells a lock-free reader that it changed.
 *   inode   one file system object. inode->lock (sleeping) serialises changes of a directory's
 *           entries and of a file's size; inode->spin guards small fields.
 *   file    an open description: position, flags; shared by dup and fork.
 *   mount   one super block shown at one place of the tree.
 *
 * Lock order: sb->rename_lock -> directory inode->lock (parent before child, else by address) ->
 * file inode->lock -> file system's own -> dentry->lock (parent before child) -> hash -> LRU.
 * Slow look-ups hold the directory's inode->lock exclusive, so one name never gets two dentries.
 * References: file -> path (mount + dentry) -> inode; dentry -> parent. Super blocks are kept by
 * their mounts. All functions may sleep unless they say otherwise. */
#ifndef FS_VFS_H
#define FS_VFS_H

#include <fs/pagecache.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/proc.h>
#include <kernel/uio.h>
#include <uapi/fcntl.h>
#include <uapi/stat.h>

struct dentry;
struct file;
struct inode;
struct bdev;
struct mount;
struct posix_acl;
struct super_block;
struct kstatfs;
struct pipe;
struct vma;
struct poll_table;
struct strbuf;

/* Device numbers: kernel form is major << 20 | minor; user space sees Linux's encoding. */
#define MKDEV(ma, mi) (((dev_t)(ma) << 20) | (mi))
#define MAJOR(d) ((unsigned int)((d) >> 20))
#define MINOR(d) ((unsigned int)((d) & 0xfffff))
static inline u64 dev_encode(dev_t d) /* as in struct stat */
{
	u64 ma = MAJOR(d), mi = MINOR(d);

	return (mi & 0xff) | (ma & 0xfff) << 8 | (mi & ~0xffull) << 12 | (ma & ~0xfffull) << 32;
}
static inline dev_t dev_decode(u64 u)
{
	return MKDEV((u >> 8 & 0xfff) | (u >> 32 & ~0xfffull), (u & 0xff) | (u >> 12 & 0xfff00));
}

#define NAME_MAX 255
#define PATH_MAX 4096
#define MAX_SYMLINKS 40

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

struct qstr {
	const char *name;
	u32 len, hash;
};

/* D: dentry->lock  H: hash lock + RCU  S: written under lock inside seq  A: atomic  C: const */
#define DNAME_INLINE 40
struct dentry {
	struct seqcount seq;
	u32 flags;		  /* D: DCACHE_* */
	struct hlist_node hash;	  /* H */
	struct dentry *parent;	  /* S */
	struct qstr name;	  /* S: points to inline_name or to an RCU-freed string */
	struct inode *inode;	  /* S: NULL negative */
	char inline_name[DNAME_INLINE];
	struct spinlock lock;	  /* LOCK_DENTRY */
	refcount_t refs;	  /* A: 0 refs stay cached on the LRU; DCACHE_REFS_DEAD */
	const struct dentry_ops *ops; /* C */
	struct super_block *sb;	  /* C */
	void *private;
	struct list_head lru;	  /* LRU lock */
	struct list_head sibling; /* parent's D */
	struct list_head children;/* D */
	struct list_head alias;	  /* inode->spin */
	struct rcu_head rcu;
};
#define DCACHE_MOUNTED 1u   /* something is mounted on it: ask the mount table */
#define DCACHE_DISCONNECTED 2u /* not in any directory: pipes, anon files */
#define DCACHE_UNHASHED 4u
#define DCACHE_REVALIDATE 8u /* ops->revalidate must be asked */
#define DCACHE_DONTCACHE 16u
#define DCACHE_LRU 32u	    /* on the LRU list */
#define DCACHE_REFERENCED 64u /* used since the shrinker last looked */
#define DCACHE_DEAD 128u    /* being freed */
#define DCACHE_PINNED 256u  /* the file system holds a reference: d_pin */
#define DCACHE_REFS_DEAD (-0x20000000) /* refs of a dentry that is being freed */

static inline bool d_unhashed(const struct dentry *d)
{
	return READ_ONCE(d->flags) & DCACHE_UNHASHED;
}

struct dentry_ops {
	/* 1 still valid, 0 look up again; called in RCU mode too (rcu true): -EAGAIN asks for ref
	 * mode */
	int (*revalidate)(struct dentry *d, bool rcu);
	bool (*delete)(const struct dentry *d); /* true: do not cache after the last reference */
	/* Text of a disconnected dentry for readlink /proc/self/fd/N: "pipe:[123]". */
	void (*dname)(struct dentry *d, struct strbuf *sb);
};

struct iattr {
	u32 valid; /* ATTR_* */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	loff_t size;
	u64 atime, mtime, ctime; /* ns since 1970 */
	struct file *file;	 /* with ATTR_FILE: ftruncate */
};
#define ATTR_MODE 1u
#define ATTR_UID 2u
#define ATTR_GID 4u
#define ATTR_SIZE 8u
#define ATTR_ATIME 16u
#define ATTR_MTIME 32u
#define ATTR_CTIME 64u
#define ATTR_ATIME_SET 128u
#define ATTR_MTIME_SET 256u
#define ATTR_FILE 512u
#define ATTR_KILL_SUID 1024u
#define ATTR_KILL_SGID 2048u
#define ATTR_TOUCH 4096u /* times NULL: allowed to writers */

/* What getattr fills; converted to stat, statx by the system call layer. */
struct kstat {
	u64 dev, ino, rdev, size, blocks; /* blocks of 512 bytes; dev_t kernel form */
	mode_t mode;
	u32 nlink, blksize;
	uid_t uid;
	gid_t gid;
	u64 atime, mtime, ctime, btime; /* ns since 1970; btime 0 unknown */
	u64 mnt_id;
	u64 attributes, attributes_mask; /* STATX_ATTR_* */
};

/* L: inode->lock  I: inode->spin  A: atomic  C: const */
struct inode {
	mode_t mode;		/* L */
	uid_t uid;		/* L */
	gid_t gid;		/* L */
	u32 flags;		/* L: S_IMMUTABLE... */
	const struct inode_ops *ops;   /* C */
	const struct file_ops *fops;   /* C after creation */
	struct super_block *sb;	/* C */
	struct posix_acl *acl, *default_acl; /* L, RCU: NULL, ACL_UNKNOWN: fs/posix_acl.h */
	struct mapping *mapping;/* C: usually &data */
	ino_t ino;		/* C */
	u32 nlink;		/* L (read under I) */
	dev_t rdev;		/* C */
	loff_t size;		/* L to write; READ_ONCE to read */
	u64 blocks;		/* I: of 512 bytes */
	u64 atime, mtime, ctime, btime; /* I: ns since 1970 */
	u64 version;		/* I: bumped at each change */
	struct rwsem lock;	/* LOCK_INODE */
	struct spinlock spin;	/* LOCK_INODE_SPIN */
	atomic_t refs;		/* A */
	u32 state;		/* A: INODE_*, changed with inode_state_set and _clear */
	atomic_t writers;	/* A: open for write (>0) or denied by exec (<0) */
	struct hlist_node hash;	/* icache_lock */
	struct list_head sb_list;/* sb->inodes_lock */
	struct list_head lru;	/* icache_lock */
	struct list_head dirty;	/* icache_lock: sb->dirty */
	u64 dirty_since;	/* icache_lock: CLOCK_MONOTONIC ns */
	struct list_head aliases;/* I: dentries */
	struct mapping data;
	struct file_lock_context *flctx; /* once set never changes */
	struct inotify_marks *marks;
	union {
		struct pipe *pipe; /* FIFOs: L */
		struct cdev *cdev;
		void *private;
	};
	struct rcu_head rcu;
};
#define INODE_NEW 1u	  /* hashed, not filled yet: whoever finds it by number waits */
#define INODE_DIRTY 2u	  /* attributes differ from what write_inode last took */
#define INODE_FREEING 4u  /* being evicted: whoever looks for its number waits */
#define INODE_LINKABLE 8u /* made by O_TMPFILE: link() may give it a name */
#define INODE_WRITING 16u /* write_inode at work: one at a time */
#define INODE_BAD 32u	  /* could not be read: evict_inode is not called */

static inline void inode_state_set(struct inode *i, u32 bits)
{
	__atomic_fetch_or(&i->state, bits, __ATOMIC_SEQ_CST);
}
static inline void inode_state_clear(struct inode *i, u32 bits)
{
	__atomic_fetch_and(&i->state, ~bits, __ATOMIC_SEQ_CST);
}

struct dir_context {
	/* Gives one entry to the caller; false: no room, stop. */
	bool (*emit)(struct dir_context *ctx, const char *name, unsigned int len, loff_t off,
		     u64 ino, unsigned int type);
	loff_t pos; /* in: where to go on; out: where the next call starts. 0 ".", 1 ".." usually */
};

/* NULL means: -EPERM for creating calls (-EROFS checked before), permission generic, getattr
 * generic from the inode, setattr simple. dir->lock is held exclusive for calls that change
 * entries, shared for lookup. */
struct inode_ops {
	/* Fills `d` (d_add) with an inode or leaves it negative: 0 or -errno. */
	int (*lookup)(struct inode *dir, struct dentry *d);
	int (*create)(struct inode *dir, struct dentry *d, mode_t mode, bool excl);
	int (*link)(struct dentry *old, struct inode *dir, struct dentry *d);
	int (*unlink)(struct inode *dir, struct dentry *d);
	int (*symlink)(struct inode *dir, struct dentry *d, const char *target);
	int (*mkdir)(struct inode *dir, struct dentry *d, mode_t mode);
	int (*rmdir)(struct inode *dir, struct dentry *d);
	int (*mknod)(struct inode *dir, struct dentry *d, mode_t mode, dev_t dev);
	int (*rename)(struct inode *olddir, struct dentry *old, struct inode *newdir,
		      struct dentry *new, unsigned int flags);
	int (*tmpfile)(struct inode *dir, struct file *f, mode_t mode);
	/* Text of a symlink: *target valid until put_link; rcu: -EAGAIN when it would have to
	 * sleep. Magic links (/proc/PID/fd/N) fill *jump with references instead and return 1. */
	int (*get_link)(struct inode *inode, struct dentry *d, bool rcu, const char **target,
			void **cookie, struct path *jump);
	void (*put_link)(void *cookie);
	int (*permission)(struct inode *inode, unsigned int mask); /* MAY_* */
	int (*setattr)(struct dentry *d, struct iattr *attr);
	int (*getattr)(const struct path *p, struct kstat *st);
	ssize_t (*getxattr)(struct inode *i, const char *name, void *buf, size_t size);
	int (*setxattr)(struct inode *i, const char *name, const void *buf, size_t size, int flags);
	ssize_t (*listxattr)(struct inode *i, char *buf, size_t size);
	int (*removexattr)(struct inode *i, const char *name);
	int (*update_time)(struct inode *i, u32 attr_bits, u64 now);
	/* Lists of file systems with SB_POSIXACL; type: enum acl_type. get_acl: reads it, *out NULL
	 * when there is none; any lock of the VFS may be held, or none; NULL: what is not in the
	 * inode does not exist. set_acl: stores the list, NULL removes it, and sets the mode and
	 * the ctime; inode->lock held exclusive. */
	int (*get_acl)(struct inode *i, unsigned int type, struct posix_acl **out);
	int (*set_acl)(struct inode *i, unsigned int type, const struct posix_acl *acl,
		       mode_t mode);
};
#define MAY_EXEC 1u
#define MAY_WRITE 2u
#define MAY_READ 4u
#define MAY_APPEND 8u
#define MAY_ACCESS 16u
#define MAY_RCU 32u /* must not sleep: -EAGAIN if it would */

/* NULL: read/write -EINVAL, llseek generic (-ESPIPE for streams), poll always ready, ioctl -ENOTTY,
 * mmap -ENODEV, fsync 0 (-EINVAL for special files). */
struct file_ops {
	int (*open)(struct inode *inode, struct file *f);
	int (*flush)(struct file *f);	     /* each close of a descriptor */
	void (*release)(struct inode *inode, struct file *f); /* last reference */
	/* Bytes moved or -errno. *pos is advanced; NULL-safe streams ignore it. */
	ssize_t (*read)(struct file *f, struct uio *u, loff_t *pos);
	ssize_t (*write)(struct file *f, struct uio *u, loff_t *pos);
	loff_t (*llseek)(struct file *f, loff_t off, int whence);
	int (*iterate)(struct file *f, struct dir_context *ctx); /* inode->lock held shared */
	/* POLL* bits ready now; registers in pt (poll_wait) when pt is not NULL. */
	unsigned int (*poll)(struct file *f, struct poll_table *pt);
	long (*ioctl)(struct file *f, unsigned int cmd, u64 arg);
	int (*mmap)(struct file *f, struct vma *v); /* sets v->ops; mm->lock held */
	int (*fsync)(struct file *f, loff_t start, loff_t end, bool datasync);
	long (*fallocate)(struct file *f, int mode, loff_t off, loff_t len);
	int (*fasync)(struct file *f, bool on);
	/* Takes pages instead of bytes: splice between a pipe and this file; NULL: generic by
	 * read. */
	ssize_t (*splice_read)(struct file *in, loff_t *pos, struct pipe *p, size_t len,
			       unsigned int flags);
	ssize_t (*splice_write)(struct pipe *p, struct file *out, loff_t *pos, size_t len,
				unsigned int flags);
	void (*show_fdinfo)(struct file *f, struct strbuf *sb);
	/* Memory limits of who may map: used by get_unmapped_area alignment (2 MiB) only. */
};

/* file->mode */
#define FMODE_READ 1u
#define FMODE_WRITE 2u
#define FMODE_EXEC 4u
#define FMODE_SEEK 8u	/* lseek allowed */
#define FMODE_PREAD 16u
#define FMODE_PWRITE 32u
#define FMODE_STREAM 64u /* no position: no lock on it */
#define FMODE_PATH 128u	/* O_PATH */
#define FMODE_ATOMIC_POS 256u /* regular file or directory: f_pos needs the lock when shared */
#define FMODE_WROTE 512u /* counted in inode->writers */
#define FMODE_CREATED 1024u

/* C: const after open  A: atomic  L: file->lock */
struct file {
	atomic64_t refs;	/* A */
	u32 flags;		/* A: O_* (F_SETFL changes some) */
	u32 mode;		/* C: FMODE_* */
	const struct file_ops *ops; /* C */
	struct inode *inode;	/* C */
	struct path path;	/* C: references */
	loff_t pos;		/* pos_lock with FMODE_ATOMIC_POS */
	struct mutex pos_lock;	/* LOCK_FILE_POS */
	void *private;
	const struct cred *cred;/* C: opener's */
	struct spinlock lock;	/* L */
	struct list_head epoll_items; /* L */
	struct fasync_owner *owner; /* L: F_SETOWN, SIGIO */
	struct readahead_state {
		u64 next;	/* page behind the one read last */
		u64 start;	/* of the window read last */
		u32 size;	/* its pages */
		u32 async;	/* so many pages before its end the next one is started */
		u32 advice;	/* RA_* */
	} ra;			/* without a lock: a guess */
	u32 wb_err;		/* write-back errors seen: mapping_check_error */
	struct callback_head put_work;
	struct rcu_head rcu;
};

static inline struct file *file_get(struct file *f)
{
	atomic64_inc(&f->refs);
	return f;
}
/* Drops a reference; the last one releases (deferred to return to user mode, or to a work item in
 * atomic context). Any context. */
void file_put(struct file *f);
/* The same where the caller may sleep and holds no locks: the last one releases before it
 * returns. */
void file_put_sync(struct file *f);
/* f does not count as a writer any more (FMODE_WROTE goes). */
void file_put_write(struct file *f);

/* --- descriptors --- */
struct capnode;
struct fdslot {
	struct file *file;    /* RCU */
	struct capnode *node; /* NULL: plain descriptor */
	u64 rights;
	u32 gen;	      /* ++ on install and close */
	u32 flags;	      /* FD_CLOEXEC */
};
_Static_assert(sizeof(struct fdslot) == 32, "descriptor slots are 32 bytes");
#define FD_RIGHTS_ALL (~0ull)

/* L: files->lock; table read under RCU */
struct fdtable {
	unsigned int max;
	struct fdslot *slots;
	unsigned long *open_bits;
	unsigned long *full_bits;
	struct rcu_head rcu;
};
struct files {
	atomic_t refs;
	struct spinlock lock;	/* LOCK_FILES */
	struct fdtable *table;	/* RCU */
	unsigned int next_fd;	/* L: hint: nothing free below */
	struct fdtable inline_table;
	struct fdslot inline_slots[32];
	unsigned long inline_bits[2];
};
int files_create(struct files **out);
int files_clone(struct files *from, struct files **out, unsigned int max_fds);
static inline void files_get(struct files *f)
{
	atomic_inc(&f->refs);
}
void files_put(struct files *f); /* closes all with the last reference */
void files_close_on_exec(struct files *f);
/* Lowest free descriptor >= min below RLIMIT_NOFILE: reserved until fd_install or fd_abort. */
int fd_reserve(unsigned int min, u32 fd_flags);
void fd_install(int fd, struct file *f); /* takes over the reference */
void fd_abort(int fd);
/* fd_reserve + fd_install: fd or -errno (then the reference is dropped). */
int fd_install_new(struct file *f, u32 fd_flags);
int fd_close(unsigned int fd);
/* Rights needed for what a system call does (services.md): checked on every use. */
#define RIGHT_READ (1ull << 0)
#define RIGHT_WRITE (1ull << 1)
#define RIGHT_EXEC (1ull << 2)
#define RIGHT_MAP_R (1ull << 3)
#define RIGHT_MAP_W (1ull << 4)
#define RIGHT_MAP_X (1ull << 5)
#define RIGHT_SEEK (1ull << 6)
#define RIGHT_STAT (1ull << 7)
#define RIGHT_SETATTR (1ull << 8)
#define RIGHT_IOCTL (1ull << 9)
#define RIGHT_POLL (1ull << 10)
#define RIGHT_DUP (1ull << 11)
#define RIGHT_XFER (1ull << 12)
#define RIGHT_NONE 0ull
/* fd_get: borrowed reference when nobody else can close it (files not shared), else counted;
 * fd_put must be given the same struct. file NULL and -EBADF when closed (or O_PATH unless
 * path_ok). */
struct fdref {
	struct file *file;
	bool counted;
};
int must_check fd_get(int fd, u64 need, struct fdref *out);
int must_check fd_get_path_ok(int fd, u64 need, struct fdref *out);
static inline void fd_put(struct fdref r)
{
	if (r.counted)
		file_put(r.file);
}
/* Descriptor of another process (for /proc): counted reference or NULL. */
struct file *files_lookup(struct files *fs, unsigned int fd);
int files_next(struct files *fs, unsigned int from); /* next open descriptor >= from, -1 none */

/* --- working directory, root, umask --- */
struct fs_struct {
	atomic_t users;
	struct spinlock lock;	/* LOCK_FS_STRUCT */
	struct seqcount seq;
	mode_t umask;
	struct path root, cwd;
	bool in_exec;
};
/* Root and working directory "/" of the root file system, from INIT_DRIVER on: what kernel threads
 * use (current->fs may be NULL), and what process 1 clones. */
extern struct fs_struct init_fs;
int fs_struct_clone(struct fs_struct *from, struct fs_struct **out);
void fs_struct_put(struct fs_struct *fs);
void fs_get_root(struct fs_struct *fs, struct path *out); /* references */
mode_t current_umask(void);
void fs_get_cwd(struct fs_struct *fs, struct path *out);

/* --- super blocks and mounts --- */
/* All may be NULL. May sleep unless said otherwise. */
struct super_ops {
	/* Memory for one inode, the file system's own part set up; NULL: generic cache. */
	struct inode *(*alloc_inode)(struct super_block *sb);
	void (*free_inode)(struct inode *i); /* a grace period later; must not sleep */
	/* The inode leaves memory; its pages are gone. nlink 0: the object is deleted, free its
	 * storage. Otherwise it is only forgotten (unmount, memory pressure): then wait for no lock
	 * of the file system, because any allocation may end up here. Until this returns nobody
	 * gets an inode of the same number. */
	void (*evict_inode)(struct inode *i);
	/* Takes the attributes to their block. sync (from fsync): brings the block to the disk and
	 * waits; called for clean inodes too, because an earlier call without sync may have left
	 * the block dirty. -errno: the inode stays dirty. One call at a time per inode; no lock is
	 * held. NULL: inodes are never dirty. */
	int (*write_inode)(struct inode *i, bool sync);
	/* Instead of INODE_DIRTY and write_inode: the file system keeps account of dirty inodes
	 * itself. Called by inode_mark_dirty, does not sleep. */
	void (*dirty_inode)(struct inode *i);
	/* A write met -ENOSPC: true: space that was held back has come free, try again. inode->lock
	 * may be held, no page is locked. */
	bool (*make_space)(struct super_block *sb);
	/* refs is 0, icache_lock held: true: do not cache. NULL: nlink == 0 or not hashed */
	bool (*drop_inode)(struct inode *i);
	/* Last of all at unmount: no inode is left. Also after a failed set-up. */
	void (*put_super)(struct super_block *sb);
	/* Everything that the file system itself holds back, blocks of inodes taken by write_inode
	 * without sync included. All dirty inodes have been written before. */
	int (*sync_fs)(struct super_block *sb, bool wait);
	int (*statfs)(struct dentry *d, struct kstatfs *st);
	/* New SB_* flags, which it may change, and options. Towards read-only it is called when no
	 * writer is left, everything is written and sb->flags says SB_RDONLY already. umount_lock
	 * held exclusive. */
	int (*remount)(struct super_block *sb, u32 *flags, char *data);
	void (*show_options)(struct super_block *sb, struct strbuf *s); /* ",size=1k" */
};
struct kstatfs {
	u64 type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize, flags, fsid;
};
struct fs_type {
	const char *name;
	u32 flags; /* FS_* */
	/* Makes or finds the super block: *out with a reference (sb->active) and sb->root set.
	 * data: option string, may be NULL, may be modified. flags: SB_* */
	int (*mount)(const struct fs_type *type, u32 flags, const char *source, char *data,
		     struct super_block **out);
};
#define FS_NODEV 1u /* needs no block device: /proc/filesystems says nodev */
#define FS_SINGLE 2u
#define FS_INTERNAL 4u /* made by the kernel for itself: mount(2) refuses it with EINVAL */

#define SB_RDONLY 1u
#define SB_SYNCHRONOUS 16u
#define SB_DIRSYNC 128u
#define SB_NODEV 4u
#define SB_NOSUID 2u
#define SB_NOEXEC 8u
#define SB_SILENT 32768u
#define SB_POSIXACL 65536u /* inodes may have access control lists: fs/posix_acl.h */
#define SB_I_NODEV_FS (1u << 30) /* kernel-made: no user files (pipefs, anon) */

struct super_block {
	const struct fs_type *type;
	const struct super_ops *ops;
	dev_t dev;		 /* anonymous: major 0 */
	u32 flags;		 /* umount_lock */
	u32 magic;
	unsigned int blocksize;
	u64 maxbytes;
	u32 time_gran;		 /* ns */
	struct dentry *root;
	atomic_t active;	 /* mounts and other keepers */
	struct rwsem umount_lock;
	struct mutex rename_lock;
	struct spinlock inodes_lock;
	struct list_head inodes;
	struct list_head dirty;	 /* icache_lock: inode->dirty, oldest first */
	struct mutex sync_lock;	 /* LOCK_SB_SYNC: one sb_write_all at a time */
	atomic_t shrinking;	 /* shrinkers at work on its names and inodes */
	u32 state;		 /* SB_STATE_* */
	struct list_head node;	 /* list of all */
	char id[32];		 /* source text for /proc/mounts when the mount has none */
	struct bdev *bdev;	 /* C: the device it lies on; NULL */
	void *private;
};
#define SB_STATE_READY 0u
#define SB_STATE_NEW 1u	   /* sb_get: being filled */
#define SB_STATE_FAILED 2u /* it could not be filled */
#define SB_STATE_DYING 3u  /* the last reference has gone */

/* A super block without a device: an anonymous device number, one reference. NULL: no memory. */
struct super_block *sb_create(const struct fs_type *type, const struct super_ops *ops, u32 flags);
/* The super block of device `dev`, which becomes its st_dev. 1: it is mounted already, *out has
 * another reference (-EBUSY when it differs in SB_RDONLY). 0: fresh; fill it, root included, then
 * sb_ready, or sb_fail. Whoever wants the same device meanwhile waits, also for one that is being
 * unmounted. -ENOMEM. */
int must_check sb_get(const struct fs_type *type, const struct super_ops *ops, u32 flags, dev_t dev,
		      struct super_block **out);
void sb_ready(struct super_block *sb);
void sb_fail(struct super_block *sb); /* and drops the reference: put_super is called */
/* Takes over the reference to root (NULL: -ENOMEM), also on error: 0 or -ENOMEM. */
int must_check sb_set_root(struct super_block *sb, struct inode *root);
/* sb_create, make_root (which may also set other fields) and sb_set_root, undone after an error. */
int must_check sb_make(const struct fs_type *type, const struct super_ops *ops, u32 flags,
		       u32 magic, int (*make_root)(struct super_block *sb, struct inode **root),
		       struct super_block **out);
/* Drops active. With the last one everything is written, all names and inodes are evicted and
 * put_super runs, before it returns. */
void sb_put(struct super_block *sb);
/* Visits all super blocks that are in use: the one after prev (NULL: the first), which does not end
 * before it is given back as prev. */
struct super_block *super_next(struct super_block *prev);
/* sb_write_all (pages and dirty inodes), then sync_fs. wait: until it is on the disk. First
 * error. */
int sb_sync(struct super_block *sb, bool wait);

/* --- inodes by number ---
 * lookup:  i = inode_get_hashed(sb, ino); if (i->state & INODE_NEW) { read it; fill mode, nlink,
 *          ops...; inode_unlock_new(i), or inode_new_failed(i) and return the error; }
 *          return d_splice(d, i);
 * create:  i = inode_new(sb); allocate a number; inode_hash_new(i, ino); fill; write the name;
 *          d_instantiate(d, i); inode_unlock_new(i). After an error: i->nlink = 0;
 *          inode_unlock_new(i); inode_put(i): evict_inode frees the number.
 * An inode without references stays cached while nlink is not 0. */
struct inode *inode_new(struct super_block *sb);	  /* refs 1, not hashed; NULL no memory */
/* The inode of that number with a reference: the cached one, waiting until it is filled or gone, or
 * a fresh one with INODE_NEW that the caller fills. NULL: no memory. */
struct inode *inode_get_hashed(struct super_block *sb, ino_t ino);
/* Gives an inode from inode_new its number, with INODE_NEW: 0, or -EEXIST when one with this number
 * is in use (the file system is corrupt). Waits for one that is just being deleted. */
int must_check inode_hash_new(struct inode *i, ino_t ino);
void inode_unlock_new(struct inode *i);
/* It could not be read: nobody finds it any more, waiters try again; drops the reference. */
void inode_new_failed(struct inode *i);
static inline void inode_get(struct inode *i)
{
	atomic_inc(&i->refs);
}
/* Drops a reference; the last one may evict and so sleep. */
void inode_put(struct inode *i);
/* Another reference unless the inode is being evicted. Any lock before LOCK_LEAF may be held. */
bool inode_try_get(struct inode *i);
void inode_init_owner(struct inode *i, const struct inode *dir, mode_t mode);
void inode_init_special(struct inode *i, mode_t mode, dev_t rdev); /* device, FIFO, socket fops */
u64 inode_next_ino(void);
/* Attributes changed: INODE_DIRTY, and inode_queue_writeback. Nothing where there is no
 * write_inode. Does not sleep; any lock before LOCK_LEAF may be held. */
void inode_mark_dirty(struct inode *i);
/* write_inode if it is dirty, or in any case when sync. 0 or -errno. May sleep; a reference is
 * held. */
int inode_write(struct inode *i, bool sync);
/* The time now as this file system can keep it (sb->time_gran). */
u64 inode_now(const struct inode *i);
void inode_touch(struct inode *i, u32 attr_bits); /* ATTR_ATIME|MTIME|CTIME = now */
void file_accessed(struct file *f);		  /* atime under relatime rules */
int file_modified(struct file *f); /* mtime, ctime, clears set-id bits; inode->lock held */
void file_modified_mapped(struct file *f);	  /* the same for a first write through a mapping */

struct mount {
	struct mount *parent;	  /* mount lock + seq */
	struct dentry *mountpoint, *root;
	struct super_block *sb;
	u32 flags;		  /* MNT_* */
	int id;
	refcount_t refs;
	atomic_t writers;	  /* files open for writing: no remount to read-only */
	bool detached;		  /* lazily unmounted */
	int group;		  /* mount mutex: peer group of a shared mount, 0 private */
	struct list_head peers;	  /* mount mutex: ring of the group */
	struct hlist_node hash;	  /* by (parent, mountpoint); RCU */
	struct list_head children, sibling, list;
	char *source;
	struct rcu_head rcu;
};
#define MNT_NOSUID 1u
#define MNT_NODEV 2u
#define MNT_NOEXEC 4u
#define MNT_NOATIME 8u
#define MNT_NODIRATIME 16u
#define MNT_RELATIME 32u
#define MNT_READONLY 64u
#define MNT_STRICTATIME 128u
void mount_get(struct mount *m);
void mount_put(struct mount *m);
/* Mounts a file system inside the kernel and does not attach it (pipefs, anon inodes). */
int kern_mount(const struct fs_type *type, struct mount **out);
const struct fs_type *fs_type_find(const char *name);
/* For boot: mounts `type` at a path ("/" for the root). */
int vfs_mount_at(const char *source, const char *path, const char *type, u32 flags,
		 const char *opts);
/* For boot: the file system mounted at path covers "/" and is the root of every process. */
int vfs_move_to_root(const char *path);
/* 0 or -EROFS; asked after the lock that keeps the change apart from a remount has been taken. */
int mount_writable(const struct path *p);

/* --- dentries --- */
/* A name and its hash, as the cache computes it. */
void qstr_set(struct qstr *q, const char *name, u32 len);
static inline bool d_inode_is_dir(const struct dentry *d)
{
	return S_ISDIR(d->inode->mode);
}
struct dentry *d_alloc(struct dentry *parent, const struct qstr *name); /* unhashed, refs 1 */
struct dentry *d_alloc_root(struct inode *root);
struct dentry *d_alloc_disconnected(struct super_block *sb, const struct qstr *name);
void d_add(struct dentry *d, struct inode *inode);	   /* takes the inode ref; hashes */
void d_instantiate(struct dentry *d, struct inode *inode); /* negative, already hashed */
/* The end of a lookup: d_add, but a directory that has a name already is refused, because two names
 * for one directory would make a loop of locks: -ELOOP. Takes over the reference; NULL:
 * negative. */
int must_check d_splice(struct dentry *d, struct inode *inode);
void d_drop(struct dentry *d);				   /* unhash */
void d_delete(struct dentry *d); /* after unlink: turns negative or drops */
void d_move(struct dentry *d, struct dentry *target);	   /* rename: takes over target's name */
void d_exchange(struct dentry *a, struct dentry *b);
struct dentry *d_lookup(struct dentry *parent, const struct qstr *name); /* reference or NULL */
static inline struct dentry *d_get(struct dentry *d)
{
	refcount_inc(&d->refs);
	return d;
}
void d_put(struct dentry *d);
void d_prune_children(struct dentry *d); /* drops unused cached names below */
/* A file system whose names live only here keeps them with one reference, which goes at unmount. */
void d_pin(struct dentry *d);
void d_unpin(struct dentry *d);
/* Absolute text of a path as seen from root: into buf from its end; " (deleted)" appended when
 * unlinked. Start of the text or -errno through *out. */
int d_path(const struct path *p, const struct path *root, char *buf, size_t size, char **out);

static inline void path_get(const struct path *p)
{
	mount_get(p->mnt);
	d_get(p->dentry);
}
void path_put(const struct path *p);

/* --- walking --- */
#define LOOKUP_FOLLOW 1u
#define LOOKUP_DIRECTORY 2u
#define LOOKUP_PARENT 4u
#define LOOKUP_EMPTY 8u	    /* AT_EMPTY_PATH */
#define LOOKUP_CREATE 16u
#define LOOKUP_EXCL 32u
#define LOOKUP_OPEN 64u
#define LOOKUP_NO_SYMLINKS 128u /* RESOLVE_* of openat2 */
#define LOOKUP_NO_MAGICLINKS 256u
#define LOOKUP_NO_XDEV 512u
#define LOOKUP_BENEATH 1024u
#define LOOKUP_IN_ROOT 2048u
#define LOOKUP_CACHED 4096u
#define LOOKUP_RENAME_TARGET 8192u
/* User path -> path with references; dirfd AT_FDCWD or a descriptor. */
int user_path_at(int dirfd, struct user_ptr name, unsigned int flags, struct path *out);
int kern_path(const char *name, unsigned int flags, struct path *out);
int inode_permission(struct inode *inode, unsigned int mask); /* current's fsuid/fsgid */
bool inode_owner_or_capable(const struct inode *i);
/* The mode, owner and capability rules alone: for file systems' own permission(). */
int generic_permission(struct inode *inode, unsigned int mask);

/* --- operations on names, used by system calls, initramfs and devtmpfs --- */
int kern_open(const char *path, int flags, mode_t mode, struct file **out);
/* Opens what a path names already; flags O_*; checks permissions. */
int file_open_path(const struct path *p, int flags, const struct cred *cred, struct file **out);
/* inode_ops.tmpfile: gives f, whose f->path.mnt the caller has set, the fresh object at p: takes
 * own references, runs open(). 0 or -errno. */
int must_check file_finish_open(struct file *f, const struct path *p);
int kern_mkdir(const char *path, mode_t mode);
int kern_mknod(const char *path, mode_t mode, dev_t dev);
int kern_symlink(const char *target, const char *path);
int kern_link(const char *old, const char *path);
int kern_unlink(const char *path);
ssize_t kernel_read(struct file *f, void *buf, size_t n, loff_t *pos);
ssize_t kernel_write(struct file *f, const void *buf, size_t n, loff_t *pos);
int vfs_getattr(const struct path *p, struct kstat *st);
void generic_fillattr(struct inode *i, struct kstat *st); /* for getattr: from the inode */
int vfs_setattr(struct dentry *d,
		struct iattr *attr); /* inode->lock held exclusive, checks rights */
int rlimit_fsize_check(loff_t size); /* 0, or SIGXFSZ and -EFBIG */
bool xattr_listable(const char *name); /* trusted.* shows only to CAP_SYS_ADMIN */
int vfs_truncate(const struct path *p, loff_t size);
int vfs_fsync(struct file *f, loff_t start, loff_t end, bool datasync);

/* exec: opens for execution (regular, x permission, noexec) and denies writers (ETXTBSY) until the
 * last reference goes, an address space's included, or file_allow_write is called. */
int file_open_exec(int dirfd, const char *path, int at_flags, struct file **out);
void file_allow_write(struct file *f);

/* A file without a name: eventfd, epoll, pidfd...: dname text is "anon_inode:[name]".
 * flags: O_RDWR|O_CLOEXEC|O_NONBLOCK. */
int anon_file_create(const char *name, const struct file_ops *ops, void *private, int flags,
		     struct file **out);
/* tmpfs file without a name (shared anonymous memory, memfd). size in bytes. */
int shmem_file_create(const char *name, u64 size, struct file **out);

/* --- generic operations --- */
loff_t generic_llseek(struct file *f, loff_t off, int whence);
loff_t no_llseek(struct file *f, loff_t off, int whence); /* -ESPIPE */
loff_t noop_llseek(struct file *f, loff_t off, int whence); /* allowed, without effect */
int stream_open(struct inode *inode, struct file *f);	  /* drops seek and position lock */
ssize_t generic_file_read(struct file *f, struct uio *u, loff_t *pos);
ssize_t generic_file_write(struct file *f, struct uio *u, loff_t *pos);
int generic_file_mmap(struct file *f, struct vma *v);
int simple_setattr(struct dentry *d, struct iattr *attr);
int dcache_iterate(struct file *f,
		   struct dir_context *ctx); /* directories that live in the dcache */
int setattr_prepare(struct dentry *d, struct iattr *attr);
void setattr_copy(struct inode *i, const struct iattr *attr);
unsigned int mode_to_dtype(mode_t mode);

/* --- devices --- */
struct cdev {
	dev_t dev;	    /* first number */
	unsigned int count; /* minors */
	const struct file_ops *ops;
	const char *name;   /* /proc/devices */
	struct list_head node;
};
int cdev_register(struct cdev *c);
void cdev_unregister(struct cdev *c);
/* Node in devtmpfs (and its class in sysfs): name may contain '/'. */
int devfs_create(const char *name, mode_t mode, dev_t dev);
int devfs_symlink(const char *name, const char *target);
int devfs_remove(const char *name);

/* --- SIGIO (fs/vfs/fasync.c) --- */
/* Files whose owners want a signal when something happens. */
struct fasync_list {
	struct list_head files;
	struct spinlock lock; /* changes; notifiers walk under RCU */
};
void fasync_list_init(struct fasync_list *l);
/* For file_ops.fasync: 0 or -ENOMEM. */
int fasync_set(struct fasync_list *l, struct file *f, bool on);
/* Any context. band: POLL* bits. */
void fasync_notify(struct fasync_list *l, int si_code, u32 band);

/* --- locks on files (fs/vfs/lock.c) --- */
void locks_remove_posix(struct file *f, struct files *owner); /* each close */
void locks_remove_file(struct file *f);			       /* last reference */

#endif
