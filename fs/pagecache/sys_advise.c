/* SPDX-License-Identifier: MIT */
/* System calls about the cache of a file: posix_fadvise, readahead, sync_file_range. */
#include "../vfs/vfs_internal.h"
#include "internal.h"

#include <kernel/syscall.h>

/* --- fadvise64 --- */

static void set_advice(struct file *f, u32 advice)
{
	WRITE_ONCE(f->ra.advice, advice);
}

/* Whole pages only: what the range covers in part is somebody else's, too. */
static void drop_pages(struct mapping *m, loff_t off, loff_t end)
{
	u64 first = DIV_ROUND_UP((u64)off, PAGE_SIZE), last;

	if (READ_ONCE(m->nr_dirty) && m->ops->write_pages)
		(void)m->ops->write_pages(m, (u64)off / PAGE_SIZE, (u64)end / PAGE_SIZE, false);
	last = (u64)end / PAGE_SIZE;
	if (end != INT64_MAX && (u64)end % PAGE_SIZE != PAGE_SIZE - 1 &&
	    end != READ_ONCE(m->host->size) - 1) {
		if (!last)
			return;
		last--;
	}
	if (first <= last)
		(void)mapping_invalidate_range(m, first, last);
}

static int advise(struct file *f, loff_t off, loff_t len, int advice)
{
	struct mapping *m = f->inode->mapping;
	loff_t end;

	if (S_ISFIFO(f->inode->mode))
		return -ESPIPE;
	if (len < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE)
		return -EINVAL;
	if (!m->ops)
		return 0;
	/* Behind the largest offset: to the end. */
	if (!len || __builtin_add_overflow(off, len, &end) || end < 0)
		end = INT64_MAX;
	else
		end--;
	switch (advice) {
	case POSIX_FADV_NORMAL:
		set_advice(f, 0);
		break;
	case POSIX_FADV_RANDOM:
		set_advice(f, RA_RANDOM);
		break;
	case POSIX_FADV_SEQUENTIAL:
		set_advice(f, RA_SEQUENTIAL);
		break;
	case POSIX_FADV_WILLNEED:
		if (off >= 0 && end >= off)
			mapping_read_ahead(m, (u64)off / PAGE_SIZE,
					   (u64)end / PAGE_SIZE - (u64)off / PAGE_SIZE + 1);
		break;
	case POSIX_FADV_DONTNEED:
		if (off >= 0 && end >= off)
			drop_pages(m, off, end);
		break;
	default:
		break;
	}
	return 0;
}

SYSCALL(fadvise64, unsigned int, fd, loff_t, off, size_t, n, int, advice)
{
	struct fdref r;
	long rc;

	rc = fdget(fd, RIGHT_NONE, &r);
	if (rc)
		return rc;
	rc = advise(r.file, off, (loff_t)n, advice);
	fd_put(r);
	return rc;
}

SYSCALL(readahead, unsigned int, fd, loff_t, off, size_t, n)
{
	struct mapping *m;
	struct fdref r;
	long rc;

	rc = fdget(fd, RIGHT_READ, &r);
	if (rc)
		return rc;
	m = r.file->inode->mapping;
	if (!(r.file->mode & FMODE_READ))
		rc = -EBADF;
	else if (!m->ops || (!S_ISREG(r.file->inode->mode) && !S_ISBLK(r.file->inode->mode)) ||
		 (ssize_t)n < 0)
		rc = -EINVAL;
	else
		rc = advise(r.file, off, (loff_t)n, POSIX_FADV_WILLNEED);
	fd_put(r);
	return rc;
}

/* --- sync_file_range --- */

static int sync_range(struct file *f, loff_t off, loff_t end, unsigned int flags)
{
	struct mapping *m = f->inode->mapping;
	int rc = 0, err;

	if (!m->ops || !m->ops->write_pages)
		return 0;
	if (flags & SYNC_FILE_RANGE_WAIT_BEFORE) {
		(void)mapping_wait_range(m, off, end);
		rc = mapping_check_error(m, &f->wb_err);
	}
	if (!rc && flags & SYNC_FILE_RANGE_WRITE)
		rc = mapping_write_range(m, off, end, false);
	if (!rc && flags & SYNC_FILE_RANGE_WAIT_AFTER) {
		(void)mapping_wait_range(m, off, end);
		err = mapping_check_error(m, &f->wb_err);
		rc = rc ? rc : err;
	}
	return rc;
}

SYSCALL(sync_file_range, unsigned int, fd, loff_t, off, loff_t, n, unsigned int, flags)
{
	struct fdref r;
	mode_t mode;
	loff_t end;
	long rc;

	rc = fdget(fd, RIGHT_NONE, &r);
	if (rc)
		return rc;
	mode = r.file->inode->mode;
	if (flags & ~(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
		      SYNC_FILE_RANGE_WAIT_AFTER) ||
	    off < 0 || n < 0 || __builtin_add_overflow(off, n, &end))
		rc = -EINVAL;
	else if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISBLK(mode) && !S_ISLNK(mode))
		rc = -ESPIPE;
	else
		rc = sync_range(r.file, off, n ? end - 1 : INT64_MAX, flags);
	fd_put(r);
	return rc;
}
