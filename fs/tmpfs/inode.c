/* SPDX-License-Identifier: MIT */
/* tmpfs inodes: making them, attributes, symlinks. */
#include "tmpfs_internal.h"

#include <fs/posix_acl.h>

static int charge_inode(struct tmpfs_sb *s)
{
	if ((u64)atomic64_add_return(&s->used_inodes, 1) <= s->max_inodes || !s->max_inodes)
		return 0;
	atomic64_dec(&s->used_inodes);
	return -ENOSPC;
}

int tmpfs_inode_new(struct super_block *sb, struct inode *dir, mode_t mode, dev_t rdev,
		    struct inode **out)
{
	struct tmpfs_sb *s = tmpfs_s(sb);
	struct posix_acl *access, *def;
	struct inode *i;
	int rc;

	rc = charge_inode(s);
	if (rc)
		return rc;
	i = inode_new(sb);
	if (!i) {
		atomic64_dec(&s->used_inodes);
		return -ENOMEM;
	}
	i->ino = (u64)atomic64_add_return(&s->next_ino, 1);
	inode_init_owner(i, dir, mode);
	if (dir && unlikely(dir->default_acl)) {
		rc = posix_acl_inherit(dir, &i->mode, &access, &def);
		if (rc) {
			i->nlink = 0;
			inode_put(i); /* gives the charge back */
			return rc;
		}
		posix_acl_attach(i, access, def);
	}
	switch (mode & S_IFMT) {
	case S_IFREG:
		i->ops = &tmpfs_file_ops;
		i->fops = &tmpfs_file_fops;
		i->data.ops = &tmpfs_mapping_ops;
		i->data.flags = F_SEAL_SEAL;
		break;
	case S_IFDIR:
		i->ops = &tmpfs_dir_ops;
		i->fops = &tmpfs_dir_fops;
		i->nlink = 2;
		i->size = s->ramfs ? 0 : 2 * 20; /* as Linux: 20 a name, "." and ".." */
		break;
	case S_IFLNK:
		i->ops = &tmpfs_symlink_ops;
		break;
	default:
		i->ops = &tmpfs_special_ops;
		inode_init_special(i, i->mode, rdev);
		break;
	}
	*out = i;
	return 0;
}

/* Also under RCU: the text lives as long as the inode's memory. */
static int tmpfs_get_link(struct inode *i, struct dentry *d __maybe_unused, bool rcu __maybe_unused,
			  const char **target, void **cookie __maybe_unused,
			  struct path *jump __maybe_unused)
{
	*target = tmpfs_i(i)->link;
	return 0;
}

const struct inode_ops tmpfs_symlink_ops = {
	.get_link = tmpfs_get_link,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.removexattr = tmpfs_removexattr,
};

const struct inode_ops tmpfs_special_ops = {
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.removexattr = tmpfs_removexattr,
	.set_acl = tmpfs_set_acl,
};
