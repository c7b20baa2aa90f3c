/* SPDX-License-Identifier: MIT */
/* What the files of fs/tmpfs share. */
#ifndef TMPFS_INTERNAL_H
#define TMPFS_INTERNAL_H

#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>

/* A: atomic  C: const  U: sb->umount_lock */
struct tmpfs_sb {
	atomic64_t used_pages;	/* A */
	u64 max_pages;		/* U: 0 no limit */
	atomic64_t used_inodes; /* A */
	u64 max_inodes;		/* U: 0 no limit */
	atomic64_t next_ino;	/* A */
	mode_t mode;		/* C: of the root, as mounted */
	uid_t uid;
	gid_t gid;
	u64 options; /* which were given: TMPFS_OPT_* */
	bool ramfs;
};
#define TMPFS_OPT_SIZE	 1u
#define TMPFS_OPT_INODES 2u
#define TMPFS_OPT_MODE	 4u
#define TMPFS_OPT_UID	 8u
#define TMPFS_OPT_GID	 16u

struct tmpfs_xattr {
	struct list_head node;
	size_t size;
	char *name; /* behind the value */
	char value[];
};

/* Offsets of directory entries: cookies count up, listings run down, so the newest entry comes
 * first and what is made during a listing is not part of it. 0 and 1 are "." and "..", 2 is the
 * start. */
#define TMPFS_FIRST_COOKIE 4u

/* L: inode->lock */
struct tmpfs_inode {
	struct inode inode;
	char *link;		 /* C: text of a symlink */
	struct xarray entries;	 /* L: directory: cookie -> dentry */
	u64 next_cookie;	 /* L */
	struct list_head xattrs; /* L */
};

static inline struct tmpfs_inode *tmpfs_i(struct inode *i)
{
	return container_of(i, struct tmpfs_inode, inode);
}
static inline struct tmpfs_sb *tmpfs_s(const struct super_block *sb)
{
	return sb->private;
}

/* New inode of any type, owner from dir and current. NULL in *out on error: -ENOSPC, -ENOMEM. */
int tmpfs_inode_new(struct super_block *sb, struct inode *dir, mode_t mode, dev_t rdev,
		    struct inode **out);
void tmpfs_xattr_free(struct tmpfs_inode *ti);

extern const struct super_ops tmpfs_super_ops;
extern const struct inode_ops tmpfs_dir_ops, tmpfs_file_ops, tmpfs_symlink_ops, tmpfs_special_ops;
extern const struct file_ops tmpfs_dir_fops, tmpfs_file_fops;
extern const struct mapping_ops tmpfs_mapping_ops;
int tmpfs_init_caches(void);

ssize_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size);
int tmpfs_setxattr(struct inode *i, const char *name, const void *buf, size_t size, int flags);
ssize_t tmpfs_listxattr(struct inode *i, char *buf, size_t size);
int tmpfs_removexattr(struct inode *i, const char *name);
int tmpfs_set_acl(struct inode *i, unsigned int type, const struct posix_acl *acl, mode_t mode);

#endif
