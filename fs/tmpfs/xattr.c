/* SPDX-License-Identifier: MIT */
/* Extended attributes of tmpfs: a list per inode. user.*, trusted.* and security.* are kept; who
 * may touch which name is the VFS's business. Access control lists live in the inode alone, where
 * the VFS keeps them. All under inode->lock. */
#include "tmpfs_internal.h"

#include <fs/posix_acl.h>
#include <uapi/xattr.h>

static struct tmpfs_xattr *find(struct inode *i, const char *name)
{
	struct tmpfs_xattr *x;

	list_for_each_entry(x, &tmpfs_i(i)->xattrs, node) {
		if (!strcmp(x->name, name))
			return x;
	}
	return NULL;
}

ssize_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	struct tmpfs_xattr *x = find(i, name);

	if (!x)
		return -ENODATA;
	if (size) {
		if (size < x->size)
			return -ERANGE;
		memcpy(buf, x->value, x->size);
	}
	return (ssize_t)x->size;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *buf, size_t size, int flags)
{
	struct tmpfs_xattr *old = find(i, name), *x;
	size_t len = strlen(name) + 1;

	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	x = kmalloc(sizeof(*x) + size + len, GFP_KERNEL);
	if (!x)
		return -ENOMEM;
	x->size = size;
	memcpy(x->value, buf, size);
	x->name = x->value + size;
	memcpy(x->name, name, len);
	if (old) {
		list_replace(&old->node, &x->node);
		kfree(old);
	} else {
		list_add(&x->node, &tmpfs_i(i)->xattrs);
	}
	inode_touch(i, ATTR_CTIME);
	return 0;
}

static int list_name(const char *name, char *buf, size_t size, size_t *used)
{
	size_t len = strlen(name) + 1;

	if (size) {
		if (*used + len > size)
			return -ERANGE;
		memcpy(buf + *used, name, len);
	}
	*used += len;
	return 0;
}

ssize_t tmpfs_listxattr(struct inode *i, char *buf, size_t size)
{
	struct tmpfs_xattr *x;
	size_t used = 0;
	int rc = 0;

	if (i->acl)
		rc = list_name(XATTR_ACL_ACCESS, buf, size, &used);
	if (!rc && i->default_acl)
		rc = list_name(XATTR_ACL_DEFAULT, buf, size, &used);
	if (rc)
		return rc;
	list_for_each_entry(x, &tmpfs_i(i)->xattrs, node) {
		if (xattr_listable(x->name))
			rc = list_name(x->name, buf, size, &used);
		if (rc)
			return rc;
	}
	return (ssize_t)used;
}

int tmpfs_set_acl(struct inode *i, unsigned int type __maybe_unused,
		  const struct posix_acl *acl __maybe_unused, mode_t mode)
{
	i->mode = mode;
	inode_touch(i, ATTR_CTIME);
	return 0;
}

int tmpfs_removexattr(struct inode *i, const char *name)
{
	struct tmpfs_xattr *x = find(i, name);

	if (!x)
		return -ENODATA;
	list_del(&x->node);
	kfree(x);
	inode_touch(i, ATTR_CTIME);
	return 0;
}

void tmpfs_xattr_free(struct tmpfs_inode *ti)
{
	struct tmpfs_xattr *x, *tmp;

	list_for_each_entry_safe(x, tmp, &ti->xattrs, node)
		kfree(x);
	list_init(&ti->xattrs);
}
