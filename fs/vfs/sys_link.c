/* SPDX-License-Identifier: MIT */
/* mkdir, rmdir, unlink, link, symlink, rename, mknod and their *at forms. */
#include "vfs_internal.h"

#include <kernel/syscall.h>
#include <uapi/capability.h>

static long mkdir_user(int dirfd, struct user_ptr name, mode_t mode)
{
	struct pathname pn;
	int rc = pathname_get(&pn, name, 0);

	if (rc)
		return rc;
	rc = do_mkdir(dirfd, pn.name, mode);
	pathname_put(&pn);
	return rc;
}

SYSCALL(mkdir, struct user_ptr, name, mode_t, mode)
{
	return mkdir_user(AT_FDCWD, name, mode);
}

SYSCALL(mkdirat, int, dirfd, struct user_ptr, name, mode_t, mode)
{
	return mkdir_user(dirfd, name, mode);
}

static long mknod_user(int dirfd, struct user_ptr name, mode_t mode, unsigned int dev)
{
	struct pathname pn;
	int rc = pathname_get(&pn, name, 0);

	if (rc)
		return rc;
	rc = do_mknod(dirfd, pn.name, mode, dev_decode(dev));
	pathname_put(&pn);
	return rc;
}

SYSCALL(mknod, struct user_ptr, name, mode_t, mode, unsigned int, dev)
{
	return mknod_user(AT_FDCWD, name, mode, dev);
}

SYSCALL(mknodat, int, dirfd, struct user_ptr, name, mode_t, mode, unsigned int, dev)
{
	return mknod_user(dirfd, name, mode, dev);
}

static long remove_user(int dirfd, struct user_ptr name, bool dir)
{
	struct pathname pn;
	int rc = pathname_get(&pn, name, 0);

	if (rc)
		return rc;
	rc = dir ? do_rmdir(dirfd, pn.name) : do_unlink(dirfd, pn.name);
	pathname_put(&pn);
	return rc;
}

SYSCALL(rmdir, struct user_ptr, name)
{
	return remove_user(AT_FDCWD, name, true);
}

SYSCALL(unlink, struct user_ptr, name)
{
	return remove_user(AT_FDCWD, name, false);
}

SYSCALL(unlinkat, int, dirfd, struct user_ptr, name, int, flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return remove_user(dirfd, name, flags & AT_REMOVEDIR);
}

static long symlink_user(struct user_ptr target, int dirfd, struct user_ptr name)
{
	struct pathname to, pn;
	int rc = pathname_get(&to, target, 0);

	if (rc)
		return rc;
	rc = pathname_get(&pn, name, 0);
	if (!rc) {
		rc = do_symlink(to.name, dirfd, pn.name);
		pathname_put(&pn);
	}
	pathname_put(&to);
	return rc;
}

SYSCALL(symlink, struct user_ptr, target, struct user_ptr, name)
{
	return symlink_user(target, AT_FDCWD, name);
}

SYSCALL(symlinkat, struct user_ptr, target, int, dirfd, struct user_ptr, name)
{
	return symlink_user(target, dirfd, name);
}

static long link_user(int olddfd, struct user_ptr old, int newdfd, struct user_ptr name, int flags)
{
	unsigned int lookup = flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0;
	struct pathname from, to;
	int rc;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH) {
		if (!capable(CAP_DAC_READ_SEARCH))
			return -ENOENT;
		lookup |= LOOKUP_EMPTY;
	}
	rc = pathname_get(&from, old, lookup);
	if (rc)
		return rc;
	rc = pathname_get(&to, name, 0);
	if (!rc) {
		rc = do_link(olddfd, from.name, lookup, newdfd, to.name);
		pathname_put(&to);
	}
	pathname_put(&from);
	return rc;
}

SYSCALL(link, struct user_ptr, old, struct user_ptr, name)
{
	return link_user(AT_FDCWD, old, AT_FDCWD, name, 0);
}

SYSCALL(linkat, int, olddfd, struct user_ptr, old, int, newdfd, struct user_ptr, name, int, flags)
{
	return link_user(olddfd, old, newdfd, name, flags);
}

static long rename_user(int olddfd, struct user_ptr old, int newdfd, struct user_ptr name,
			unsigned int flags)
{
	struct pathname from, to;
	int rc = pathname_get(&from, old, 0);

	if (rc)
		return rc;
	rc = pathname_get(&to, name, 0);
	if (!rc) {
		rc = do_rename(olddfd, from.name, newdfd, to.name, flags);
		pathname_put(&to);
	}
	pathname_put(&from);
	return rc;
}

SYSCALL(rename, struct user_ptr, old, struct user_ptr, name)
{
	return rename_user(AT_FDCWD, old, AT_FDCWD, name, 0);
}

SYSCALL(renameat, int, olddfd, struct user_ptr, old, int, newdfd, struct user_ptr, name)
{
	return rename_user(olddfd, old, newdfd, name, 0);
}

SYSCALL(renameat2, int, olddfd, struct user_ptr, old, int, newdfd, struct user_ptr, name,
	unsigned int, flags)
{
	return rename_user(olddfd, old, newdfd, name, flags);
}
