/* SPDX-License-Identifier: MIT */
/* dup, fcntl, ioctl: calls about descriptors and open descriptions. */
#include "vfs_internal.h"
#include "lock_internal.h"

#include <fs/pipe.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>
#include <uapi/statfs.h>

/* --- dup --- */

static int fd_dup(struct file *f, unsigned int min_fd, u32 fd_flags)
{
	int fd = fd_reserve(min_fd, fd_flags);

	if (fd >= 0)
		fd_install(fd, file_get(f));
	return fd;
}

SYSCALL(dup, unsigned int, old)
{
	struct fdref r;
	int rc = fdget_any(old, RIGHT_DUP, &r);

	if (rc)
		return rc;
	rc = fd_dup(r.file, 0, 0);
	fd_put(r);
	return rc;
}

static long do_dup3(unsigned int old, unsigned int new, int flags)
{
	struct fdref r;
	int rc;

	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	if (old == new)
		return -EINVAL;
	if (new >= rlimit_cur(current, RLIMIT_NOFILE))
		return -EBADF;
	rc = fdget_any(old, RIGHT_DUP, &r);
	if (rc)
		return rc;
	rc = fd_replace(new, file_get(r.file), flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	fd_put(r);
	return rc;
}

SYSCALL(dup3, unsigned int, old, unsigned int, new, int, flags)
{
	return do_dup3(old, new, flags);
}

SYSCALL(dup2, unsigned int, old, unsigned int, new)
{
	struct fdref r;
	int rc;

	if (old != new)
		return do_dup3(old, new, 0);
	rc = fdget_any(old, RIGHT_NONE, &r);
	if (rc)
		return rc;
	fd_put(r);
	return (long)new;
}

/* --- fcntl --- */

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | FASYNC)

static int set_flags(struct file *f, u64 arg)
{
	struct inode *i = f->inode;
	u32 old;
	int rc;

	if (((arg ^ f->flags) & O_APPEND) && (i->flags & S_APPEND))
		return -EPERM;
	if ((arg & O_NOATIME) && !(f->flags & O_NOATIME) && !inode_owner_or_capable(i))
		return -EPERM;
	if ((arg & O_DIRECT) && !file_can_direct(i))
		return -EINVAL;
	if (((arg ^ f->flags) & FASYNC) && f->ops->fasync) {
		rc = f->ops->fasync(f, arg & FASYNC);
		if (rc < 0)
			return rc;
	}
	spin_lock(&f->lock);
	old = f->flags;
	WRITE_ONCE(f->flags, (old & ~(u32)SETFL_MASK) | ((u32)arg & SETFL_MASK));
	spin_unlock(&f->lock);
	return 0;
}

static struct mapping *sealable(struct file *f)
{
	struct inode *i = f->inode;

	if (!S_ISREG(i->mode) || (i->sb->magic != TMPFS_MAGIC && i->sb->magic != RAMFS_MAGIC))
		return NULL;
	return i->mapping;
}

static long add_seals(struct file *f, u64 seals)
{
	struct mapping *m = sealable(f);
	long rc;

	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~(u64)F_SEAL_ALL)
		return -EINVAL;
	if (!m)
		return -EINVAL;
	down_write(&f->inode->lock);
	rc = -EPERM;
	if (m->flags & F_SEAL_SEAL)
		goto out;
	if ((seals & F_SEAL_WRITE) && !(m->flags & F_SEAL_WRITE)) {
		mutex_lock(&m->areas_lock);
		rc = m->nr_writable ? -EBUSY : 0;
		if (!rc)
			m->flags |= F_SEAL_WRITE;
		mutex_unlock(&m->areas_lock);
		if (rc)
			goto out;
	}
	m->flags |= (u32)seals;
	rc = 0;
out:
	up_write(&f->inode->lock);
	return rc;
}

static long fcntl_file(unsigned int fd, struct file *f, unsigned int cmd, u64 arg)
{
	struct mapping *m;

	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if ((unsigned int)arg >= rlimit_cur(current, RLIMIT_NOFILE))
			return -EINVAL;
		return fd_dup(f, (unsigned int)arg, cmd == F_DUPFD_CLOEXEC ? FD_CLOEXEC : 0);
	case F_GETFD:
		return fd_flags(fd, -1);
	case F_SETFD:
		fd_flags(fd, (int)(arg & FD_CLOEXEC));
		return 0;
	case F_GETFL:
		return f->flags & ~(u32)O_CLOEXEC;
	case F_SETFL:
		return set_flags(f, arg);
	case F_GETLK:
	case F_OFD_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(fd, f, cmd, USER_PTR(arg));
	case F_SETOWN:
	case F_GETOWN:
	case F_SETSIG:
	case F_GETSIG:
	case F_SETOWN_EX:
	case F_GETOWN_EX:
	case F_GETOWNER_UIDS:
		return fcntl_owner(f, cmd, arg);
	case F_SETPIPE_SZ:
		return pipe_set_size(f, arg);
	case F_GETPIPE_SZ:
		return pipe_get_size(f);
	case F_ADD_SEALS:
		return add_seals(f, arg);
	case F_GET_SEALS:
		m = sealable(f);
		return m ? (long)m->flags : -EINVAL;
	case F_GETLEASE:
		return F_UNLCK;
	case F_SETLEASE:
		/* No leases: taking one fails as when somebody has the file open, giving one up as
		 * when there is none. */
		return arg == F_UNLCK || arg == F_RDLCK || arg == F_WRLCK ? -EAGAIN : -EINVAL;
	case F_NOTIFY:
		return S_ISDIR(f->inode->mode) ? -EINVAL : -ENOTDIR;
	default:
		return -EINVAL;
	}
}

static bool allowed_on_path_fd(unsigned int cmd)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
	case F_GETFD:
	case F_SETFD:
	case F_GETFL:
		return true;
	default:
		return false;
	}
}

SYSCALL(fcntl, unsigned int, fd, unsigned int, cmd, u64, arg)
{
	struct fdref r;
	long rc = fdget_any(fd, RIGHT_NONE, &r);

	if (unlikely(rc))
		return rc;
	if (likely(cmd == F_GETFL))
		rc = r.file->flags & ~(u32)O_CLOEXEC;
	else if (unlikely((r.file->mode & FMODE_PATH) && !allowed_on_path_fd(cmd)))
		rc = -EBADF;
	else
		rc = fcntl_file(fd, r.file, cmd, arg);
	fd_put(r);
	return rc;
}

/* --- ioctl --- */

static long ioctl_nonblock(struct file *f, u64 arg)
{
	u32 on;

	if (get_user_u32(&on, USER_PTR(arg)))
		return -EFAULT;
	spin_lock(&f->lock);
	WRITE_ONCE(f->flags, on ? f->flags | O_NONBLOCK : f->flags & ~(u32)O_NONBLOCK);
	spin_unlock(&f->lock);
	return 0;
}

static long ioctl_async(struct file *f, u64 arg)
{
	u32 on;
	int rc = 0;

	if (get_user_u32(&on, USER_PTR(arg)))
		return -EFAULT;
	on = on ? FASYNC : 0;
	if ((on ^ f->flags) & FASYNC) {
		if (!f->ops->fasync)
			return -ENOTTY;
		rc = f->ops->fasync(f, on);
		if (rc >= 0) {
			spin_lock(&f->lock);
			WRITE_ONCE(f->flags, (f->flags & ~(u32)FASYNC) | on);
			spin_unlock(&f->lock);
		}
	}
	return rc < 0 ? rc : 0;
}

static long ioctl_size(struct file *f, u64 arg)
{
	struct inode *i = f->inode;

	if (!S_ISREG(i->mode) && !S_ISDIR(i->mode) && !S_ISLNK(i->mode))
		return -ENOTTY;
	return put_user_u64(i->blocks * 512, USER_PTR(arg));
}

long vfs_ioctl(struct file *f, unsigned int cmd, u64 arg)
{
	struct inode *i = f->inode;

	switch (cmd) {
	case FIONBIO:
		return ioctl_nonblock(f, arg);
	case FIOASYNC:
		return ioctl_async(f, arg);
	case FIOQSIZE:
		return ioctl_size(f, arg);
	case FIGETBSZ:
		return i->sb->blocksize ? put_user_u32(i->sb->blocksize, USER_PTR(arg)) : -EINVAL;
	case FIONREAD:
		if (S_ISREG(i->mode))
			return put_user_u32((u32)(READ_ONCE(i->size) - f->pos), USER_PTR(arg));
		break;
	case FIBMAP:
		if (S_ISREG(i->mode)) {
			u32 block;

			if (!capable(CAP_SYS_RAWIO))
				return -EPERM;
			return get_user_u32(&block, USER_PTR(arg)) ? -EFAULT : -EINVAL;
		}
		break;
	default:
		break;
	}
	return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
}

SYSCALL(ioctl, unsigned int, fd, unsigned int, cmd, u64, arg)
{
	struct fdref r;
	long rc = fdget(fd, RIGHT_IOCTL, &r);

	if (rc)
		return rc;
	if (cmd == FIOCLEX || cmd == FIONCLEX) {
		fd_flags(fd, cmd == FIOCLEX ? FD_CLOEXEC : 0);
		rc = 0;
	} else {
		rc = vfs_ioctl(r.file, cmd, arg);
	}
	fd_put(r);
	return rc;
}

SYSCALL(name_to_handle_at, int, dirfd, struct user_ptr, name, struct user_ptr, handle,
	struct user_ptr, mnt_id, int, flags)
{
	struct path p;
	int rc;

	(void)handle;
	(void)mnt_id;
	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	rc = user_path_at(dirfd, name,
			  (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) |
				  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
			  &p);
	if (rc)
		return rc;
	path_put(&p);
	return -EOPNOTSUPP;
}
