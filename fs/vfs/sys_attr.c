/* SPDX-License-Identifier: MIT */
/* chmod, chown, utimes, truncate, fallocate and relatives. */
#include "vfs_internal.h"

#include <kernel/syscall.h>
#include <uapi/capability.h>
#include <kernel/time.h>

/* --- mode --- */

static int chmod_path(const struct path *p, mode_t mode)
{
	struct iattr a = { .valid = ATTR_MODE | ATTR_CTIME, .mode = mode & S_IALLUGO };

	return notify_change(p, &a);
}

static long chmod_user(int dirfd, struct user_ptr name, mode_t mode)
{
	struct path p;
	int rc = user_path_at(dirfd, name, LOOKUP_FOLLOW, &p);

	if (rc)
		return rc;
	rc = chmod_path(&p, mode);
	path_put(&p);
	return rc;
}

SYSCALL(chmod, struct user_ptr, name, mode_t, mode)
{
	return chmod_user(AT_FDCWD, name, mode);
}

SYSCALL(fchmodat, int, dirfd, struct user_ptr, name, mode_t, mode)
{
	return chmod_user(dirfd, name, mode);
}

SYSCALL(fchmod, unsigned int, fd, mode_t, mode)
{
	struct fdref r;
	int rc = fdget(fd, RIGHT_SETATTR, &r);

	if (rc)
		return rc;
	rc = chmod_path(&r.file->path, mode);
	fd_put(r);
	return rc;
}

/* --- owner --- */

static int chown_path(const struct path *p, uid_t uid, gid_t gid)
{
	struct inode *i = p->dentry->inode;
	struct iattr a = { .valid = ATTR_CTIME };

	if (uid != ~0u) {
		a.valid |= ATTR_UID;
		a.uid = uid;
	}
	if (gid != ~0u) {
		a.valid |= ATTR_GID;
		a.gid = gid;
	}
	if (!S_ISDIR(i->mode)) {
		a.valid |= ATTR_KILL_SUID;
		if ((i->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			a.valid |= ATTR_KILL_SGID;
	}
	return notify_change(p, &a);
}

static long chown_user(int dirfd, struct user_ptr name, uid_t uid, gid_t gid, unsigned int lookup)
{
	struct path p;
	int rc = user_path_at(dirfd, name, lookup, &p);

	if (rc)
		return rc;
	rc = chown_path(&p, uid, gid);
	path_put(&p);
	return rc;
}

SYSCALL(chown, struct user_ptr, name, uid_t, uid, gid_t, gid)
{
	return chown_user(AT_FDCWD, name, uid, gid, LOOKUP_FOLLOW);
}

SYSCALL(lchown, struct user_ptr, name, uid_t, uid, gid_t, gid)
{
	return chown_user(AT_FDCWD, name, uid, gid, 0);
}

SYSCALL(fchownat, int, dirfd, struct user_ptr, name, uid_t, uid, gid_t, gid, int, flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chown_user(dirfd, name, uid, gid,
			  (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0));
}

SYSCALL(fchown, unsigned int, fd, uid_t, uid, gid_t, gid)
{
	struct fdref r;
	int rc = fdget(fd, RIGHT_SETATTR, &r);

	if (rc)
		return rc;
	rc = chown_path(&r.file->path, uid, gid);
	fd_put(r);
	return rc;
}

/* --- times --- */

struct times {
	struct user_timespec t[2]; /* access, modification */
	bool now;		   /* both, with the weaker rule */
};

static bool nsec_ok(s64 ns)
{
	return ns == UTIME_NOW || ns == UTIME_OMIT || (ns >= 0 && ns < (s64)NSEC_PER_SEC);
}

/* Seconds that do not fit signed nanoseconds are clamped. */
static u64 times_ns(const struct user_timespec *t)
{
	s64 ns;

	if (__builtin_mul_overflow(t->tv_sec, (s64)NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, t->tv_nsec, &ns))
		ns = t->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return (u64)ns;
}

static int times_path(const struct path *p, const struct times *t)
{
	struct iattr a = { .valid = ATTR_CTIME | ATTR_ATIME | ATTR_MTIME };

	if (t->now || (t->t[0].tv_nsec == UTIME_NOW && t->t[1].tv_nsec == UTIME_NOW)) {
		a.valid |= ATTR_TOUCH;
		return notify_change(p, &a);
	}
	if (t->t[0].tv_nsec == UTIME_OMIT && t->t[1].tv_nsec == UTIME_OMIT)
		return 0;
	if (t->t[0].tv_nsec == UTIME_OMIT) {
		a.valid &= ~ATTR_ATIME;
	} else if (t->t[0].tv_nsec != UTIME_NOW) {
		a.valid |= ATTR_ATIME_SET;
		a.atime = times_ns(&t->t[0]);
	}
	if (t->t[1].tv_nsec == UTIME_OMIT) {
		a.valid &= ~ATTR_MTIME;
	} else if (t->t[1].tv_nsec != UTIME_NOW) {
		a.valid |= ATTR_MTIME_SET;
		a.mtime = times_ns(&t->t[1]);
	}
	/* One of them "now", the other kept or set, is for owners too. */
	if (!(a.valid & (ATTR_ATIME_SET | ATTR_MTIME_SET)) &&
	    !inode_owner_or_capable(p->dentry->inode))
		return -EPERM;
	return notify_change(p, &a);
}

static long times_user(int dirfd, struct user_ptr name, const struct times *t, int flags)
{
	struct path p;
	struct fdref r;
	int rc;

	if (!t->now && (!nsec_ok(t->t[0].tv_nsec) || !nsec_ok(t->t[1].tv_nsec)))
		return -EINVAL;
	if (user_ptr_is_null(name) && dirfd != AT_FDCWD) {
		if (flags)
			return -EINVAL;
		rc = fdget((unsigned int)dirfd, RIGHT_SETATTR, &r);
		if (rc)
			return rc;
		rc = times_path(&r.file->path, t);
		fd_put(r);
		return rc;
	}
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	rc = user_path_at(dirfd, name,
			  (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
				  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
			  &p);
	if (rc)
		return rc;
	rc = times_path(&p, t);
	path_put(&p);
	return rc;
}

SYSCALL(utimensat, int, dirfd, struct user_ptr, name, struct user_ptr, times, int, flags)
{
	struct times t = { .now = user_ptr_is_null(times) };

	if (!t.now) {
		if (copy_from_user(t.t, times, sizeof(t.t)))
			return -EFAULT;
		if (t.t[0].tv_nsec == UTIME_OMIT && t.t[1].tv_nsec == UTIME_OMIT)
			return 0;
	}
	return times_user(dirfd, name, &t, flags);
}

static long timevals(int dirfd, struct user_ptr name, struct user_ptr times)
{
	struct times t = { .now = user_ptr_is_null(times) };
	s64 tv[4];

	if (!t.now) {
		if (copy_from_user(tv, times, sizeof(tv)))
			return -EFAULT;
		if (tv[1] < 0 || tv[1] >= 1000000 || tv[3] < 0 || tv[3] >= 1000000)
			return -EINVAL;
		t.t[0] = (struct user_timespec){ tv[0], tv[1] * 1000 };
		t.t[1] = (struct user_timespec){ tv[2], tv[3] * 1000 };
	}
	return times_user(dirfd, name, &t, 0);
}

SYSCALL(futimesat, int, dirfd, struct user_ptr, name, struct user_ptr, times)
{
	return timevals(dirfd, name, times);
}

SYSCALL(utimes, struct user_ptr, name, struct user_ptr, times)
{
	return timevals(AT_FDCWD, name, times);
}

SYSCALL(utime, struct user_ptr, name, struct user_ptr, times)
{
	struct times t = { .now = user_ptr_is_null(times) };
	s64 sec[2];

	if (!t.now) {
		if (copy_from_user(sec, times, sizeof(sec)))
			return -EFAULT;
		t.t[0] = (struct user_timespec){ sec[0], 0 };
		t.t[1] = (struct user_timespec){ sec[1], 0 };
	}
	return times_user(AT_FDCWD, name, &t, 0);
}

/* --- size --- */

SYSCALL(truncate, struct user_ptr, name, loff_t, length)
{
	struct path p;
	int rc;

	if (length < 0)
		return -EINVAL;
	rc = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW, &p);
	if (rc)
		return rc;
	rc = vfs_truncate(&p, length);
	path_put(&p);
	return rc;
}

SYSCALL(ftruncate, unsigned int, fd, loff_t, length)
{
	struct fdref r;
	int rc;

	if (length < 0)
		return -EINVAL;
	rc = fdget(fd, RIGHT_WRITE, &r);
	if (rc)
		return rc;
	if (!S_ISREG(r.file->inode->mode) || !(r.file->mode & FMODE_WRITE))
		rc = -EINVAL;
	else if (r.file->inode->flags & S_APPEND)
		rc = -EPERM;
	else
		rc = vfs_truncate_file(r.file, length);
	fd_put(r);
	return rc;
}

static long do_fallocate(struct file *f, int mode, loff_t off, loff_t len)
{
	struct inode *i = f->inode;
	loff_t end;

	if (off < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
		     FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE))
		return -EOPNOTSUPP;
	if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) ==
	    (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_COLLAPSE_RANGE) && (mode & ~FALLOC_FL_COLLAPSE_RANGE))
		return -EINVAL;
	if ((mode & FALLOC_FL_INSERT_RANGE) && (mode & ~FALLOC_FL_INSERT_RANGE))
		return -EINVAL;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if ((mode & ~FALLOC_FL_KEEP_SIZE) && (i->flags & S_APPEND))
		return -EPERM;
	if (i->flags & S_IMMUTABLE)
		return -EPERM;
	if (S_ISFIFO(i->mode))
		return -ESPIPE;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode) && !S_ISBLK(i->mode))
		return -ENODEV;
	if (__builtin_add_overflow(off, len, &end) || (u64)end > i->sb->maxbytes)
		return -EFBIG;
	return f->ops->fallocate ? f->ops->fallocate(f, mode, off, len) : -EOPNOTSUPP;
}

SYSCALL(fallocate, unsigned int, fd, int, mode, loff_t, off, loff_t, len)
{
	struct fdref r;
	long rc = fdget(fd, RIGHT_WRITE, &r);

	if (rc)
		return rc;
	rc = do_fallocate(r.file, mode, off, len);
	fd_put(r);
	return rc;
}

/* --- memfd --- */

SYSCALL(memfd_create, struct user_ptr, uname, unsigned int, flags)
{
	char name[6 + MFD_NAME_MAX + 1] = "memfd:";
	struct file *f;
	ssize_t n;
	int rc;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	n = strncpy_from_user(name + 6, uname, MFD_NAME_MAX + 1);
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	rc = shmem_file_create(name, 0, &f);
	if (rc)
		return rc;
	if (flags & MFD_ALLOW_SEALING)
		f->inode->mapping->flags = 0;
	return fd_install_new(f, flags & MFD_CLOEXEC ? FD_CLOEXEC : 0);
}
