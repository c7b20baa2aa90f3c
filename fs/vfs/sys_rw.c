/* SPDX-License-Identifier: MIT */
/* read, write and their vector and positioned forms, lseek, fsync and relatives.
 *
 * The hot calls (read, write, pread64, pwrite64, lseek) are written out so that the common case is
 * one straight line: borrowed descriptor, mode bits, range of the buffer, the file's own operation.
 */
#include "notify.h"
#include "vfs_internal.h"

#include <kernel/signal.h>
#include <kernel/syscall.h>

/* --- kernel buffers --- */

ssize_t file_read_uio(struct file *f, struct uio *u, loff_t *pos)
{
	if (!(f->mode & FMODE_READ))
		return -EBADF;
	if (!f->ops->read)
		return -EINVAL;
	return f->ops->read(f, u, pos);
}

ssize_t file_write_uio(struct file *f, struct uio *u, loff_t *pos)
{
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	return f->ops->write(f, u, pos);
}

ssize_t kernel_read(struct file *f, void *buf, size_t n, loff_t *pos)
{
	struct iovec one;
	struct uio u;

	uio_init_kernel(&u, &one, buf, n);
	return file_read_uio(f, &u, pos);
}

ssize_t kernel_write(struct file *f, const void *buf, size_t n, loff_t *pos)
{
	struct iovec one;
	struct uio u;

	uio_init_kernel(&u, &one, (void *)buf, n);
	return file_write_uio(f, &u, pos);
}

/* --- read and write --- */

static __always_inline void account_read(ssize_t n)
{
	struct task *t = current;

	t->syscr++;
	if (n > 0)
		t->rchar += (u64)n;
}

static __always_inline void account_write(ssize_t n)
{
	struct task *t = current;

	t->syscw++;
	if (n > 0)
		t->wchar += (u64)n;
}

/* A transfer must not reach beyond the largest offset. */
static __always_inline bool past_end_of_offsets(loff_t pos, size_t n)
{
	return pos >= 0 && (loff_t)((u64)pos + n) < 0;
}

/* One direction, one buffer; pos is the caller's or the file's. Count of 0 still asks the file, as
 * Linux does (errors of the object show). */
static __always_inline ssize_t do_read(struct file *f, struct user_ptr buf, size_t n, loff_t *pos)
{
	struct iovec one;
	struct uio u;
	ssize_t rc;

	if (unlikely(!(f->mode & FMODE_READ)))
		return -EBADF;
	if (unlikely(!f->ops->read))
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	if (unlikely(!user_range_ok(buf, n)))
		return -EFAULT;
	if (unlikely(past_end_of_offsets(*pos, n)))
		return -EINVAL;
	uio_init_user(&u, &one, buf, min(n, MAX_RW_COUNT));
	rc = f->ops->read(f, &u, pos);
	account_read(rc);
	if (rc > 0)
		notify_dentry(f->path.dentry, IN_ACCESS);
	return rc;
}

static __always_inline ssize_t do_write(struct file *f, struct user_ptr buf, size_t n, loff_t *pos)
{
	struct iovec one;
	struct uio u;
	ssize_t rc;

	if (unlikely(!(f->mode & FMODE_WRITE)))
		return -EBADF;
	if (unlikely(!f->ops->write))
		return -EINVAL;
	if (unlikely(!user_range_ok(buf, n)))
		return -EFAULT;
	if (unlikely(past_end_of_offsets(*pos, n)))
		return -EINVAL;
	uio_init_user(&u, &one, buf, min(n, MAX_RW_COUNT));
	rc = f->ops->write(f, &u, pos);
	account_write(rc);
	if (rc > 0)
		notify_dentry(f->path.dentry, IN_MODIFY);
	return rc;
}

SYSCALL(read, unsigned int, fd, struct user_ptr, buf, size_t, n)
{
	struct fdref r;
	bool locked;
	loff_t pos;
	ssize_t rc;

	rc = fdget(fd, RIGHT_READ, &r);
	if (unlikely(rc))
		return rc;
	locked = pos_lock(&r);
	pos = r.file->pos;
	rc = do_read(r.file, buf, n, &pos);
	if (rc >= 0 && !(r.file->mode & FMODE_STREAM))
		r.file->pos = pos;
	pos_unlock(&r, locked);
	fd_put(r);
	return rc;
}

SYSCALL(write, unsigned int, fd, struct user_ptr, buf, size_t, n)
{
	struct fdref r;
	bool locked;
	loff_t pos;
	ssize_t rc;

	rc = fdget(fd, RIGHT_WRITE, &r);
	if (unlikely(rc))
		return rc;
	locked = pos_lock(&r);
	pos = r.file->pos;
	rc = do_write(r.file, buf, n, &pos);
	if (rc >= 0 && !(r.file->mode & FMODE_STREAM))
		r.file->pos = pos;
	pos_unlock(&r, locked);
	fd_put(r);
	return rc;
}

SYSCALL(pread64, unsigned int, fd, struct user_ptr, buf, size_t, n, loff_t, pos)
{
	struct fdref r;
	ssize_t rc;

	if (unlikely(pos < 0))
		return -EINVAL;
	rc = fdget(fd, RIGHT_READ, &r);
	if (unlikely(rc))
		return rc;
	rc = r.file->mode & FMODE_PREAD ? do_read(r.file, buf, n, &pos) : -ESPIPE;
	fd_put(r);
	return rc;
}

SYSCALL(pwrite64, unsigned int, fd, struct user_ptr, buf, size_t, n, loff_t, pos)
{
	struct fdref r;
	ssize_t rc;

	if (unlikely(pos < 0))
		return -EINVAL;
	rc = fdget(fd, RIGHT_WRITE, &r);
	if (unlikely(rc))
		return rc;
	rc = r.file->mode & FMODE_PWRITE ? do_write(r.file, buf, n, &pos) : -ESPIPE;
	fd_put(r);
	return rc;
}

/* --- vectors --- */

/* RWF_* flags: 0 or -EOPNOTSUPP. */
static int rwf_check(int flags)
{
	if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	/* No file here can say beforehand that it would not wait. */
	return flags & RWF_NOWAIT ? -EOPNOTSUPP : 0;
}

static ssize_t vec_call(struct file *f, struct user_ptr vec, unsigned long nr, loff_t *pos,
			int flags, bool write)
{
	struct iovec fast[UIO_FASTIOV], *big = NULL;
	struct uio u;
	ssize_t rc;

	if (!(f->mode & (write ? FMODE_WRITE : FMODE_READ)))
		return -EBADF;
	/* The number of elements has 32 bits; an empty list asks nothing of the file. */
	rc = uio_import(&u, vec, (u32)nr, fast, &big);
	if (rc < 0)
		return rc;
	if (!u.count)
		goto out;
	if (past_end_of_offsets(*pos, u.count)) {
		rc = -EINVAL;
		goto out;
	}
	if (write ? !f->ops->write : !f->ops->read) {
		rc = !write && S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
		goto out;
	}
	rc = rwf_check(flags);
	if (rc)
		goto out;
	if (write && (flags & RWF_APPEND) && !(f->flags & O_APPEND)) {
		rc = file_write_appending(f, &u, pos);
	} else {
		rc = write ? f->ops->write(f, &u, pos) : f->ops->read(f, &u, pos);
	}
	if (write && rc > 0 && (flags & (RWF_SYNC | RWF_DSYNC))) {
		int err = vfs_fsync(f, *pos - rc, *pos - 1, !(flags & RWF_SYNC));

		if (err)
			rc = err;
	}
	if (write)
		account_write(rc);
	else
		account_read(rc);
	if (rc > 0)
		notify_dentry(f->path.dentry, write ? IN_MODIFY : IN_ACCESS);
out:
	kfree(big);
	return rc;
}

static NO_LOCK_ANALYSIS ssize_t vec_at_pos(unsigned int fd, struct user_ptr vec, unsigned long nr,
					   int flags, bool write)
{
	struct fdref r;
	bool locked;
	loff_t pos;
	ssize_t rc;

	rc = fdget(fd, write ? RIGHT_WRITE : RIGHT_READ, &r);
	if (rc)
		return rc;
	locked = pos_lock(&r);
	pos = r.file->pos;
	rc = vec_call(r.file, vec, nr, &pos, flags, write);
	if (rc >= 0 && !(r.file->mode & FMODE_STREAM))
		r.file->pos = pos;
	pos_unlock(&r, locked);
	fd_put(r);
	return rc;
}

static ssize_t vec_positioned(unsigned int fd, struct user_ptr vec, unsigned long nr, loff_t pos,
			      int flags, bool write)
{
	struct fdref r;
	ssize_t rc;

	if (pos < 0)
		return -EINVAL;
	rc = fdget(fd, write ? RIGHT_WRITE : RIGHT_READ, &r);
	if (rc)
		return rc;
	rc = -ESPIPE;
	if (r.file->mode & (write ? FMODE_PWRITE : FMODE_PREAD))
		rc = vec_call(r.file, vec, nr, &pos, flags, write);
	fd_put(r);
	return rc;
}

SYSCALL(readv, unsigned int, fd, struct user_ptr, vec, unsigned long, nr)
{
	return vec_at_pos(fd, vec, nr, 0, false);
}

SYSCALL(writev, unsigned int, fd, struct user_ptr, vec, unsigned long, nr)
{
	return vec_at_pos(fd, vec, nr, 0, true);
}

SYSCALL(preadv, unsigned int, fd, struct user_ptr, vec, unsigned long, nr, loff_t, pos, u64, hi)
{
	(void)hi;
	return vec_positioned(fd, vec, nr, pos, 0, false);
}

SYSCALL(pwritev, unsigned int, fd, struct user_ptr, vec, unsigned long, nr, loff_t, pos, u64, hi)
{
	(void)hi;
	return vec_positioned(fd, vec, nr, pos, 0, true);
}

SYSCALL(preadv2, unsigned int, fd, struct user_ptr, vec, unsigned long, nr, loff_t, pos, u64, hi,
	int, flags)
{
	(void)hi;
	if (pos == -1)
		return vec_at_pos(fd, vec, nr, flags, false);
	return vec_positioned(fd, vec, nr, pos, flags, false);
}

SYSCALL(pwritev2, unsigned int, fd, struct user_ptr, vec, unsigned long, nr, loff_t, pos, u64, hi,
	int, flags)
{
	(void)hi;
	if (pos == -1)
		return vec_at_pos(fd, vec, nr, flags, true);
	return vec_positioned(fd, vec, nr, pos, flags, true);
}

/* --- position --- */

loff_t generic_llseek(struct file *f, loff_t off, int whence)
{
	struct inode *i = f->inode;
	loff_t size = READ_ONCE(i->size), base;

	switch (whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		if (off == 0)
			return f->pos;
		base = f->pos;
		break;
	case SEEK_END:
		base = size;
		break;
	case SEEK_DATA: /* no holes known: data up to the end, one hole there */
		if ((u64)off >= (u64)size)
			return -ENXIO;
		return f->pos = off;
	case SEEK_HOLE:
		if ((u64)off >= (u64)size)
			return -ENXIO;
		return f->pos = size;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, off, &off) || off < 0 || (u64)off > i->sb->maxbytes)
		return -EINVAL;
	f->pos = off;
	return off;
}

loff_t no_llseek(struct file *f __maybe_unused, loff_t off __maybe_unused,
		 int whence __maybe_unused)
{
	return -ESPIPE;
}

loff_t noop_llseek(struct file *f, loff_t off __maybe_unused, int whence __maybe_unused)
{
	return f->pos;
}

int stream_open(struct inode *inode __maybe_unused, struct file *f)
{
	f->mode &= ~(FMODE_SEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS);
	f->mode |= FMODE_STREAM;
	return 0;
}

SYSCALL(lseek, unsigned int, fd, loff_t, off, unsigned int, whence)
{
	struct fdref r;
	bool locked;
	loff_t rc;

	rc = fdget(fd, RIGHT_SEEK, &r);
	if (unlikely(rc))
		return rc;
	locked = pos_lock(&r);
	if (unlikely(whence > SEEK_HOLE))
		rc = -EINVAL;
	else if (unlikely(!(r.file->mode & FMODE_SEEK)))
		rc = -ESPIPE;
	else if (r.file->ops->llseek)
		rc = r.file->ops->llseek(r.file, off, (int)whence);
	else
		rc = generic_llseek(r.file, off, (int)whence);
	pos_unlock(&r, locked);
	fd_put(r);
	return rc;
}

/* --- durability --- */

int vfs_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	if (f->ops->fsync) {
		struct mapping *m = f->inode->mapping;
		int rc = f->ops->fsync(f, start, end, datasync);
		int err = mapping_check_error(m, &f->wb_err);

		return rc ? rc : err;
	}
	return S_ISREG(f->inode->mode) || S_ISDIR(f->inode->mode) || S_ISBLK(f->inode->mode)
		       ? 0
		       : -EINVAL;
}

static long fsync_fd(unsigned int fd, bool datasync)
{
	struct fdref r;
	long rc;

	rc = fdget(fd, RIGHT_NONE, &r);
	if (rc)
		return rc;
	rc = vfs_fsync(r.file, 0, INT64_MAX, datasync);
	fd_put(r);
	return rc;
}

SYSCALL(fsync, unsigned int, fd)
{
	return fsync_fd(fd, false);
}

SYSCALL(fdatasync, unsigned int, fd)
{
	return fsync_fd(fd, true);
}

SYSCALL0(sync)
{
	super_sync_all(false);
	super_sync_all(true);
	return 0;
}

SYSCALL(syncfs, unsigned int, fd)
{
	struct super_block *sb;
	struct fdref r;
	long rc;

	rc = fdget(fd, RIGHT_NONE, &r);
	if (rc)
		return rc;
	sb = r.file->inode->sb;
	down_read(&sb->umount_lock);
	/* Read-only, too: errors may have made it so, with changes that have yet to be written. */
	rc = sb_sync(sb, true);
	up_read(&sb->umount_lock);
	fd_put(r);
	return rc;
}
