/* SPDX-License-Identifier: MIT */
/* stat family, statfs, access, readlink. */
#include "vfs_internal.h"

#include <kernel/syscall.h>
#include <kernel/time.h>
#include <uapi/capability.h>
#include <uapi/statfs.h>

/* Times are signed: dates before 1970 have whole seconds below zero and nanoseconds above. */
static __always_inline void split_time(u64 ns, s64 *sec, u32 *nsec)
{
	if (likely((s64)ns >= 0)) {
		*sec = (s64)(ns / NSEC_PER_SEC);
		*nsec = (u32)(ns % NSEC_PER_SEC);
	} else {
		s64 n = (s64)ns, s = n / (s64)NSEC_PER_SEC, r = n % (s64)NSEC_PER_SEC;

		if (r < 0) {
			s--;
			r += (s64)NSEC_PER_SEC;
		}
		*sec = s;
		*nsec = (u32)r;
	}
}

static int stat_to_user(const struct kstat *k, struct user_ptr to)
{
	struct user_stat s;
	u32 ns;

	s.st_dev = dev_encode(k->dev);
	s.st_ino = k->ino;
	s.st_nlink = k->nlink;
	s.st_mode = k->mode;
	s.st_uid = k->uid;
	s.st_gid = k->gid;
	s.pad0 = 0;
	s.st_rdev = dev_encode(k->rdev);
	s.st_size = (s64)k->size;
	s.st_blksize = k->blksize;
	s.st_blocks = (s64)k->blocks;
	split_time(k->atime, &s.st_atim.tv_sec, &ns);
	s.st_atim.tv_nsec = ns;
	split_time(k->mtime, &s.st_mtim.tv_sec, &ns);
	s.st_mtim.tv_nsec = ns;
	split_time(k->ctime, &s.st_ctim.tv_sec, &ns);
	s.st_ctim.tv_nsec = ns;
	s.unused[0] = s.unused[1] = s.unused[2] = 0;
	return copy_to_user(to, &s, sizeof(s));
}

static __always_inline int stat_path(int dirfd, struct user_ptr name, unsigned int lookup,
				     struct kstat *k)
{
	struct pathname pn;
	struct path p;
	int rc;

	rc = pathname_get(&pn, name, lookup);
	if (unlikely(rc))
		return rc;
	rc = walk_path(dirfd, pn.name, lookup, &p);
	pathname_put(&pn);
	if (unlikely(rc))
		return rc;
	rc = vfs_getattr(&p, k);
	path_put(&p);
	return rc;
}

static int stat_fd(unsigned int fd, struct kstat *k)
{
	struct fdref r;
	int rc;

	rc = fdget_any(fd, RIGHT_STAT, &r);
	if (unlikely(rc))
		return rc;
	rc = vfs_getattr(&r.file->path, k);
	fd_put(r);
	return rc;
}

SYSCALL(stat, struct user_ptr, name, struct user_ptr, buf)
{
	struct kstat k;
	int rc = stat_path(AT_FDCWD, name, LOOKUP_FOLLOW, &k);

	return rc ? rc : stat_to_user(&k, buf);
}

SYSCALL(lstat, struct user_ptr, name, struct user_ptr, buf)
{
	struct kstat k;
	int rc = stat_path(AT_FDCWD, name, 0, &k);

	return rc ? rc : stat_to_user(&k, buf);
}

SYSCALL(fstat, unsigned int, fd, struct user_ptr, buf)
{
	struct kstat k;
	int rc = stat_fd(fd, &k);

	return rc ? rc : stat_to_user(&k, buf);
}

static bool user_string_empty(struct user_ptr p)
{
	u8 c;

	return !get_user_u8(&c, p) && !c;
}

static int stat_at(int dirfd, struct user_ptr name, unsigned int flags, struct kstat *k)
{
	unsigned int lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;

	if (flags & AT_EMPTY_PATH) {
		if (dirfd >= 0 && user_string_empty(name))
			return stat_fd((unsigned int)dirfd, k);
		lookup |= LOOKUP_EMPTY;
	}
	return stat_path(dirfd, name, lookup, k);
}

SYSCALL(newfstatat, int, dirfd, struct user_ptr, name, struct user_ptr, buf, unsigned int, flags)
{
	struct kstat k;
	int rc;

	if (flags & ~(unsigned int)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
				    AT_STATX_SYNC_TYPE))
		return -EINVAL;
	rc = stat_at(dirfd, name, flags, &k);
	return rc ? rc : stat_to_user(&k, buf);
}

static void statx_time(u64 ns, struct user_statx_timestamp *t)
{
	split_time(ns, &t->tv_sec, &t->tv_nsec);
	t->reserved = 0;
}

static int statx_to_user(const struct kstat *k, struct user_ptr to)
{
	struct user_statx s;

	memset(&s, 0, sizeof(s));
	s.stx_mask = STATX_BASIC_STATS | STATX_MNT_ID | (k->btime ? STATX_BTIME : 0);
	s.stx_blksize = k->blksize;
	s.stx_attributes = k->attributes;
	s.stx_attributes_mask = k->attributes_mask;
	s.stx_nlink = k->nlink;
	s.stx_uid = k->uid;
	s.stx_gid = k->gid;
	s.stx_mode = (u16)k->mode;
	s.stx_ino = k->ino;
	s.stx_size = k->size;
	s.stx_blocks = k->blocks;
	statx_time(k->atime, &s.stx_atime);
	statx_time(k->ctime, &s.stx_ctime);
	statx_time(k->mtime, &s.stx_mtime);
	if (k->btime)
		statx_time(k->btime, &s.stx_btime);
	s.stx_rdev_major = MAJOR(k->rdev);
	s.stx_rdev_minor = MINOR(k->rdev);
	s.stx_dev_major = MAJOR(k->dev);
	s.stx_dev_minor = MINOR(k->dev);
	s.stx_mnt_id = k->mnt_id;
	return copy_to_user(to, &s, sizeof(s));
}

SYSCALL(statx, int, dirfd, struct user_ptr, name, unsigned int, flags, unsigned int, mask,
	struct user_ptr, buf)
{
	struct kstat k;
	int rc;

	if (mask & STATX__RESERVED)
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	if (flags & ~(unsigned int)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |
				    AT_STATX_SYNC_TYPE))
		return -EINVAL;
	rc = stat_at(dirfd, name, flags, &k);
	return rc ? rc : statx_to_user(&k, buf);
}

/* --- statfs --- */

static int statfs_to_user(const struct path *p, struct user_ptr to)
{
	struct user_statfs s;
	struct kstatfs k;
	int rc = sb_statfs(p, &k);

	if (rc)
		return rc;
	memset(&s, 0, sizeof(s));
	s.f_type = (s64)k.type;
	s.f_bsize = (s64)k.bsize;
	s.f_blocks = k.blocks;
	s.f_bfree = k.bfree;
	s.f_bavail = k.bavail;
	s.f_files = k.files;
	s.f_ffree = k.ffree;
	s.f_fsid[0] = (s32)k.fsid;
	s.f_fsid[1] = (s32)(k.fsid >> 32);
	s.f_namelen = (s64)k.namelen;
	s.f_frsize = (s64)k.frsize;
	s.f_flags = (s64)k.flags;
	return copy_to_user(to, &s, sizeof(s));
}

SYSCALL(statfs, struct user_ptr, name, struct user_ptr, buf)
{
	struct path p;
	int rc = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW, &p);

	if (rc)
		return rc;
	rc = statfs_to_user(&p, buf);
	path_put(&p);
	return rc;
}

SYSCALL(fstatfs, unsigned int, fd, struct user_ptr, buf)
{
	struct fdref r;
	int rc = fdget_any(fd, RIGHT_STAT, &r);

	if (rc)
		return rc;
	rc = statfs_to_user(&r.file->path, buf);
	fd_put(r);
	return rc;
}

/* --- access --- */

/* access() asks for the real ids: a private copy of the credentials for the time of the call. */
static int access_cred_begin(const struct cred **old)
{
	struct cred *c;
	int rc = cred_prepare(&c);

	if (rc)
		return rc;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	if (!(c->securebits & 4)) /* SECBIT_NO_SETUID_FIXUP */
		c->cap_effective = c->uid ? 0 : c->cap_permitted;
	*old = current->cred;
	rcu_assign_pointer(current->cred, c);
	return 0;
}

static void access_cred_end(const struct cred *old)
{
	const struct cred *mine = current->cred;

	rcu_assign_pointer(current->cred, old);
	cred_put(mine);
}

static int access_path(const struct path *p, unsigned int mode)
{
	struct inode *i = p->dentry->inode;
	unsigned int mask = mode & (MAY_READ | MAY_WRITE | MAY_EXEC);
	int rc;

	if ((mask & MAY_EXEC) && S_ISREG(i->mode) && path_noexec(p))
		return -EACCES;
	rc = inode_permission(i, mask);
	if (rc || !(mask & MAY_WRITE) ||
	    !(S_ISREG(i->mode) || S_ISDIR(i->mode) || S_ISLNK(i->mode)))
		return rc;
	return mount_writable(p);
}

static long do_access(int dirfd, struct user_ptr name, int mode, int flags)
{
	unsigned int lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	const struct cred *c = current_cred(), *old = NULL;
	struct path p;
	int rc;

	if (mode & ~7)
		return -EINVAL;
	if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	/* The usual case: nothing differs and no copy is needed. */
	if (!(flags & AT_EACCESS) &&
	    (c->fsuid != c->uid || c->fsgid != c->gid ||
	     (c->uid ? c->cap_effective != 0 : c->cap_effective != c->cap_permitted))) {
		rc = access_cred_begin(&old);
		if (rc)
			return rc;
	}
	rc = user_path_at(dirfd, name, lookup, &p);
	if (!rc) {
		rc = mode ? access_path(&p, (unsigned int)mode) : 0;
		path_put(&p);
	}
	if (old)
		access_cred_end(old);
	return rc;
}

SYSCALL(access, struct user_ptr, name, int, mode)
{
	return do_access(AT_FDCWD, name, mode, 0);
}

SYSCALL(faccessat, int, dirfd, struct user_ptr, name, int, mode)
{
	return do_access(dirfd, name, mode, 0);
}

SYSCALL(faccessat2, int, dirfd, struct user_ptr, name, int, mode, int, flags)
{
	return do_access(dirfd, name, mode, flags);
}

/* --- readlink --- */

static long link_text(const struct path *p, struct user_ptr buf, int size)
{
	struct inode *i = p->dentry->inode;
	struct path jump = { NULL, NULL };
	const char *target = NULL;
	char *page = NULL, *text;
	void *cookie = NULL;
	size_t n;
	int rc;

	rc = i->ops->get_link(i, p->dentry, false, &target, &cookie, &jump);
	if (rc < 0)
		return rc;
	if (rc == 1) { /* a magic link reads as the path it leads to */
		struct path root;

		page = kmalloc(PATH_MAX, GFP_KERNEL);
		if (!page) {
			path_put(&jump);
			return -ENOMEM;
		}
		fs_get_root(current_fs(), &root);
		rc = d_path(&jump, &root, page, PATH_MAX, &text);
		path_put(&root);
		path_put(&jump);
		target = text;
		if (rc < 0)
			goto out;
	}
	n = min_t(size_t, strlen(target), (size_t)size);
	rc = copy_to_user(buf, target, n) ? -EFAULT : (int)n;
out:
	kfree(page);
	if (i->ops->put_link && cookie)
		i->ops->put_link(cookie);
	return rc;
}

static long do_readlink(int dirfd, struct user_ptr name, struct user_ptr buf, int size)
{
	struct path p;
	long rc;

	if (size <= 0)
		return -EINVAL;
	rc = user_path_at(dirfd, name, LOOKUP_EMPTY, &p);
	if (rc)
		return rc;
	if (S_ISLNK(p.dentry->inode->mode)) {
		inode_accessed(p.mnt, p.dentry->inode);
		rc = link_text(&p, buf, size);
	} else {
		/* An empty name is allowed, for a descriptor of a link. */
		rc = user_string_empty(name) ? -ENOENT : -EINVAL;
	}
	path_put(&p);
	return rc;
}

SYSCALL(readlink, struct user_ptr, name, struct user_ptr, buf, int, size)
{
	return do_readlink(AT_FDCWD, name, buf, size);
}

SYSCALL(readlinkat, int, dirfd, struct user_ptr, name, struct user_ptr, buf, int, size)
{
	return do_readlink(dirfd, name, buf, size);
}
