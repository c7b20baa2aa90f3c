/* SPDX-License-Identifier: MIT */
/* open, openat, openat2, creat, close, close_range. */
#include "vfs_internal.h"

#include <kernel/syscall.h>

#define OPENAT_FLAGS                                                                               \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC |     \
	 FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |      \
	 O_SYNC_BIT | O_PATH | O_TMPFILE_BIT)

static long open_user(int dirfd, struct user_ptr name, u64 flags, const struct open_req *rq)
{
	struct pathname pn;
	struct file *f;
	int fd, rc;

	rc = pathname_get(&pn, name, 0);
	if (unlikely(rc))
		return rc;
	fd = fd_reserve(0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	if (unlikely(fd < 0)) {
		rc = fd;
		goto out;
	}
	rc = do_open(dirfd, pn.name, rq, &f);
	if (likely(!rc)) {
		fd_install(fd, f);
		rc = fd;
	} else {
		fd_abort(fd);
	}
out:
	pathname_put(&pn);
	return rc;
}

static long open_at(int dirfd, struct user_ptr name, int flags, mode_t mode)
{
	u64 fl = (u32)flags & OPENAT_FLAGS;
	struct open_req rq;
	int rc;

	/* What the older calls ignore where openat2 refuses. */
	if (unlikely(fl & O_PATH))
		fl &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	else
		fl |= O_LARGEFILE;
	mode = fl & (O_CREAT | O_TMPFILE_BIT) ? mode & S_IALLUGO : 0;
	rc = open_req_make(fl, mode, 0, &rq);
	return rc ? rc : open_user(dirfd, name, fl, &rq);
}

SYSCALL(open, struct user_ptr, name, int, flags, mode_t, mode)
{
	return open_at(AT_FDCWD, name, flags, mode);
}

SYSCALL(openat, int, dirfd, struct user_ptr, name, int, flags, mode_t, mode)
{
	return open_at(dirfd, name, flags, mode);
}

SYSCALL(creat, struct user_ptr, name, mode_t, mode)
{
	return open_at(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

SYSCALL(openat2, int, dirfd, struct user_ptr, name, struct user_ptr, how, size_t, usize)
{
	struct user_open_how h;
	struct open_req rq;
	int rc;

	if (usize < sizeof(h))
		return -EINVAL;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	rc = copy_struct_from_user(&h, sizeof(h), how, usize);
	if (rc)
		return rc;
	if (!(h.flags & O_PATH))
		h.flags |= O_LARGEFILE;
	rc = open_req_make(h.flags, h.mode, h.resolve, &rq);
	return rc ? rc : open_user(dirfd, name, h.flags, &rq);
}

SYSCALL(close, unsigned int, fd)
{
	int rc = fd_close(fd);

	/* The descriptor is gone: a restart would close somebody else's. */
	if (unlikely(rc == -ERESTARTSYS || rc == -ERESTARTNOINTR || rc == -ERESTARTNOHAND ||
		     rc == -ERESTART_RESTARTBLOCK))
		rc = -EINTR;
	return rc;
}

/* Gives current a descriptor table of its own. */
static int files_unshare(unsigned int max_fds)
{
	struct files *old = current->files, *fs;
	int rc;

	if (atomic_read(&old->refs) == 1)
		return 0;
	rc = files_clone(old, &fs, max_fds);
	if (rc)
		return rc;
	spin_lock(&current->lock);
	current->files = fs;
	spin_unlock(&current->lock);
	files_put(old);
	return 0;
}

SYSCALL(close_range, unsigned int, first, unsigned int, last, unsigned int, flags)
{
	int rc;

	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	if (first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		/* What would be closed at once need not be copied, when it is all of the upper end.
		 */
		bool tail = last == ~0u && !(flags & CLOSE_RANGE_CLOEXEC);

		rc = files_unshare(tail ? first : ~0u);
		if (rc)
			return rc;
	}
	fd_close_range(first, last, flags & CLOSE_RANGE_CLOEXEC);
	return 0;
}
