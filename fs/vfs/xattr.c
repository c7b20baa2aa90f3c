/* SPDX-License-Identifier: MIT */
/* Extended attributes: names, permissions, the system calls. File systems store; what is not in the
 * namespaces user., trusted. and security. does not exist (EOPNOTSUPP), but for the two names of
 * access control lists, which acl.c answers for every file system. */
#include "notify.h"
#include "vfs_internal.h"

#include <fs/posix_acl.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>
#include <uapi/xattr.h>

bool xattr_listable(const char *name)
{
	return !str_has_prefix(name, "trusted.") || capable(CAP_SYS_ADMIN);
}

/* May current use this name on i? -ENODATA hides what must not be seen. */
static int xattr_permission(struct inode *i, const char *name, bool write)
{
	if (write && (i->flags & (S_IMMUTABLE | S_APPEND)))
		return -EPERM;
	if (str_has_prefix(name, "security."))
		return write && !capable(CAP_SYS_ADMIN) ? -EPERM : 0;
	if (str_has_prefix(name, "trusted.")) {
		if (!capable(CAP_SYS_ADMIN))
			return write ? -EPERM : -ENODATA;
		return 0;
	}
	if (!str_has_prefix(name, "user."))
		return -EOPNOTSUPP;
	if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
		return write ? -EPERM : -ENODATA;
	if (S_ISDIR(i->mode) && (i->mode & S_ISVTX) && write && !inode_owner_or_capable(i))
		return -EPERM;
	return inode_permission(i, write ? MAY_WRITE : MAY_READ);
}

/* The owner may: posix_acl_setxattr looks. */
static int acl_writable(const struct inode *i)
{
	return i->flags & (S_IMMUTABLE | S_APPEND) ? -EPERM : 0;
}

/* A namespace needs a name behind its prefix. */
static bool name_complete(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && dot[1];
}

static int name_from_user(char name[XATTR_NAME_MAX + 1], struct user_ptr uname)
{
	ssize_t n = strncpy_from_user(name, uname, XATTR_NAME_MAX + 1);

	if (n == 0 || n == -ENAMETOOLONG)
		return -ERANGE;
	return n < 0 ? (int)n : 0;
}

static int set_locked(const struct path *p, const char *name, const void *value, size_t size,
		      int flags)
{
	struct inode *i = p->dentry->inode;
	enum acl_type type;
	bool acl = posix_acl_xattr_name(name, &type);
	int rc;

	down_write(&i->lock);
	rc = mount_writable(p);
	if (!rc)
		rc = acl ? acl_writable(i) : xattr_permission(i, name, true);
	if (!rc && !acl && !i->ops->setxattr)
		rc = -EOPNOTSUPP;
	if (!rc && !name_complete(name))
		rc = -EINVAL;
	if (!rc)
		rc = acl ? posix_acl_setxattr(i, type, value, size)
			 : i->ops->setxattr(i, name, value, size, flags);
	up_write(&i->lock);
	if (!rc)
		notify_dentry(p->dentry, IN_ATTRIB);
	return rc;
}

struct xattr_set {
	char name[XATTR_NAME_MAX + 1];
	void *value;
	size_t size;
	int flags;
};

static int set_prepare(struct xattr_set *s, struct user_ptr name, struct user_ptr value,
		       size_t size, int flags)
{
	int rc;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	rc = name_from_user(s->name, name);
	if (rc)
		return rc;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	s->size = size;
	s->flags = flags;
	s->value = kvmalloc(size ? size : 1, GFP_KERNEL);
	if (!s->value)
		return -ENOMEM;
	if (copy_from_user(s->value, value, size)) {
		kvfree(s->value);
		return -EFAULT;
	}
	return 0;
}

static long setxattr_path(struct user_ptr path, struct user_ptr name, struct user_ptr value,
			  size_t size, int flags, unsigned int lookup)
{
	struct xattr_set s;
	struct path p;
	int rc;

	rc = set_prepare(&s, name, value, size, flags);
	if (rc)
		return rc;
	rc = user_path_at(AT_FDCWD, path, lookup, &p);
	if (!rc) {
		rc = set_locked(&p, s.name, s.value, s.size, flags);
		path_put(&p);
	}
	kvfree(s.value);
	return rc;
}

SYSCALL(setxattr, struct user_ptr, path, struct user_ptr, name, struct user_ptr, value, size_t,
	size, int, flags)
{
	return setxattr_path(path, name, value, size, flags, LOOKUP_FOLLOW);
}

SYSCALL(lsetxattr, struct user_ptr, path, struct user_ptr, name, struct user_ptr, value, size_t,
	size, int, flags)
{
	return setxattr_path(path, name, value, size, flags, 0);
}

SYSCALL(fsetxattr, unsigned int, fd, struct user_ptr, name, struct user_ptr, value, size_t, size,
	int, flags)
{
	struct xattr_set s;
	struct fdref r;
	int rc;

	rc = fdget(fd, RIGHT_SETATTR, &r);
	if (rc)
		return rc;
	rc = set_prepare(&s, name, value, size, flags);
	if (!rc) {
		rc = set_locked(&r.file->path, s.name, s.value, s.size, flags);
		kvfree(s.value);
	}
	fd_put(r);
	return rc;
}

/* --- reading --- */

static ssize_t get_one(const struct path *p, struct user_ptr uname, struct user_ptr value,
		       size_t size)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	enum acl_type type;
	void *buf = NULL;
	ssize_t rc;
	bool acl;

	rc = name_from_user(name, uname);
	if (rc)
		return rc;
	size = min_t(size_t, size, XATTR_SIZE_MAX);
	if (size) {
		buf = kvmalloc(size, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
	}
	acl = posix_acl_xattr_name(name, &type);
	down_read(&i->lock);
	rc = acl ? 0 : xattr_permission(i, name, false);
	if (!rc && !acl && !i->ops->getxattr)
		rc = -EOPNOTSUPP;
	if (!rc && !name_complete(name))
		rc = -EINVAL;
	if (!rc)
		rc = acl ? posix_acl_getxattr(i, type, buf, size)
			 : i->ops->getxattr(i, name, buf, size);
	up_read(&i->lock);
	if (rc > 0 && size && copy_to_user(value, buf, (size_t)rc))
		rc = -EFAULT;
	kvfree(buf);
	return rc;
}

static ssize_t list_all(const struct path *p, struct user_ptr list, size_t size)
{
	struct inode *i = p->dentry->inode;
	char *buf = NULL;
	ssize_t rc;

	size = min_t(size_t, size, XATTR_LIST_MAX);
	if (size) {
		buf = kvmalloc(size, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
	}
	down_read(&i->lock);
	rc = i->ops->listxattr ? i->ops->listxattr(i, buf, size) : 0;
	up_read(&i->lock);
	if (rc > 0 && size && copy_to_user(list, buf, (size_t)rc))
		rc = -EFAULT;
	kvfree(buf);
	return rc;
}

static int remove_one(const struct path *p, struct user_ptr uname)
{
	struct inode *i = p->dentry->inode;
	char name[XATTR_NAME_MAX + 1];
	enum acl_type type;
	bool acl;
	int rc;

	rc = name_from_user(name, uname);
	if (rc)
		return rc;
	acl = posix_acl_xattr_name(name, &type);
	down_write(&i->lock);
	rc = mount_writable(p);
	if (!rc)
		rc = acl ? acl_writable(i) : xattr_permission(i, name, true);
	if (!rc && acl)
		rc = posix_acl_setxattr(i, type, NULL, 0);
	else if (!rc)
		rc = i->ops->removexattr ? i->ops->removexattr(i, name) : -EOPNOTSUPP;
	up_write(&i->lock);
	if (!rc)
		notify_dentry(p->dentry, IN_ATTRIB);
	return rc;
}

static long getxattr_path(struct user_ptr path, struct user_ptr name, struct user_ptr value,
			  size_t size, unsigned int lookup)
{
	struct path p;
	long rc = user_path_at(AT_FDCWD, path, lookup, &p);

	if (rc)
		return rc;
	rc = get_one(&p, name, value, size);
	path_put(&p);
	return rc;
}

SYSCALL(getxattr, struct user_ptr, path, struct user_ptr, name, struct user_ptr, value, size_t,
	size)
{
	return getxattr_path(path, name, value, size, LOOKUP_FOLLOW);
}

SYSCALL(lgetxattr, struct user_ptr, path, struct user_ptr, name, struct user_ptr, value, size_t,
	size)
{
	return getxattr_path(path, name, value, size, 0);
}

SYSCALL(fgetxattr, unsigned int, fd, struct user_ptr, name, struct user_ptr, value, size_t, size)
{
	struct fdref r;
	long rc = fdget(fd, RIGHT_STAT, &r);

	if (rc)
		return rc;
	rc = get_one(&r.file->path, name, value, size);
	fd_put(r);
	return rc;
}

static long listxattr_path(struct user_ptr path, struct user_ptr list, size_t size,
			   unsigned int lookup)
{
	struct path p;
	long rc = user_path_at(AT_FDCWD, path, lookup, &p);

	if (rc)
		return rc;
	rc = list_all(&p, list, size);
	path_put(&p);
	return rc;
}

SYSCALL(listxattr, struct user_ptr, path, struct user_ptr, list, size_t, size)
{
	return listxattr_path(path, list, size, LOOKUP_FOLLOW);
}

SYSCALL(llistxattr, struct user_ptr, path, struct user_ptr, list, size_t, size)
{
	return listxattr_path(path, list, size, 0);
}

SYSCALL(flistxattr, unsigned int, fd, struct user_ptr, list, size_t, size)
{
	struct fdref r;
	long rc = fdget(fd, RIGHT_STAT, &r);

	if (rc)
		return rc;
	rc = list_all(&r.file->path, list, size);
	fd_put(r);
	return rc;
}

static long removexattr_path(struct user_ptr path, struct user_ptr name, unsigned int lookup)
{
	struct path p;
	long rc = user_path_at(AT_FDCWD, path, lookup, &p);

	if (rc)
		return rc;
	rc = remove_one(&p, name);
	path_put(&p);
	return rc;
}

SYSCALL(removexattr, struct user_ptr, path, struct user_ptr, name)
{
	return removexattr_path(path, name, LOOKUP_FOLLOW);
}

SYSCALL(lremovexattr, struct user_ptr, path, struct user_ptr, name)
{
	return removexattr_path(path, name, 0);
}

SYSCALL(fremovexattr, unsigned int, fd, struct user_ptr, name)
{
	struct fdref r;
	long rc = fdget(fd, RIGHT_SETATTR, &r);

	if (rc)
		return rc;
	rc = remove_one(&r.file->path, name);
	fd_put(r);
	return rc;
}
