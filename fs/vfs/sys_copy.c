/* SPDX-License-Identifier: MIT */
/* sendfile and copy_file_range: from file to file inside the kernel, straight from the page cache
 * where the source lives there. */
#include "vfs_internal.h"

#include <kernel/mm.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>

/* Writes n bytes at src; bytes written or -errno when none. */
static ssize_t write_all(struct file *out, const char *src, size_t n, loff_t *pos)
{
	size_t done = 0;
	ssize_t rc = 0;

	while (done < n) {
		rc = kernel_write(out, src + done, n - done, pos);
		if (rc <= 0)
			break;
		done += (size_t)rc;
		if (out->mode & FMODE_STREAM)
			break; /* a short write of a stream says that it is enough */
	}
	return done ? (ssize_t)done : rc;
}

/* One piece of at most a page from a page-cache file. */
static ssize_t copy_cached(struct file *in, loff_t pos, struct file *out, loff_t *out_pos,
			   size_t len)
{
	loff_t size = READ_ONCE(in->inode->size);
	unsigned int off = pos & (PAGE_SIZE - 1);
	struct page *p;
	size_t want;
	ssize_t n;
	int rc;

	if (pos >= size)
		return 0;
	want = min_t(u64, len, (u64)(size - pos));
	len = min_t(u64, len, PAGE_SIZE - off);
	len = min_t(u64, len, (u64)(size - pos));
	rc = file_get_page(in, (u64)pos / PAGE_SIZE, DIV_ROUND_UP(off + want, PAGE_SIZE), &p);
	if (rc)
		return rc == -ERANGE ? 0 : rc;
	n = write_all(out, (char *)page_address(p ? p : zero_page) + off, len, out_pos);
	if (p)
		page_put(p);
	return n;
}

static ssize_t copy_buffered(struct file *in, loff_t pos, struct file *out, loff_t *out_pos,
			     size_t len, char *buf)
{
	ssize_t n = kernel_read(in, buf, min(len, PAGE_SIZE), &pos);

	return n > 0 ? write_all(out, buf, (size_t)n, out_pos) : n;
}

/* Bytes copied or -errno when none. *pos and *out_pos advance by what was copied. */
static ssize_t copy_loop(struct file *in, loff_t *pos, struct file *out, loff_t *out_pos,
			 size_t len)
{
	bool cached = in->ops->read == generic_file_read || S_ISBLK(in->inode->mode);
	char *buf = NULL;
	ssize_t done = 0, n = 0;

	if (!cached) {
		buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
	}
	while (len) {
		n = cached ? copy_cached(in, *pos, out, out_pos, len)
			   : copy_buffered(in, *pos, out, out_pos, len, buf);
		if (n <= 0)
			break;
		*pos += n;
		done += n;
		len -= (size_t)n;
		if (signal_pending())
			break;
	}
	kfree(buf);
	return done ? done : n;
}

static NO_LOCK_ANALYSIS ssize_t do_sendfile(struct file *out, struct file *in, loff_t *pos,
					    size_t n)
{
	loff_t out_pos;
	bool locked;
	ssize_t rc;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (!out->ops->write)
		return -EINVAL;
	if ((!S_ISREG(in->inode->mode) && !S_ISBLK(in->inode->mode)) || !in->ops->read)
		return n || in->mode & FMODE_STREAM ? -EINVAL : 0;
	if (out->flags & O_APPEND)
		return -EINVAL;
	if (*pos < 0)
		return -EINVAL;
	locked = out->mode & FMODE_ATOMIC_POS && in != out;
	if (locked)
		mutex_lock(&out->pos_lock);
	out_pos = out->pos;
	rc = copy_loop(in, pos, out, &out_pos, min(n, MAX_RW_COUNT));
	if (rc > 0 && !(out->mode & FMODE_STREAM))
		out->pos = out_pos;
	if (locked)
		mutex_unlock(&out->pos_lock);
	if (rc > 0)
		file_accessed(in);
	return rc;
}

SYSCALL(sendfile, int, out_fd, int, in_fd, struct user_ptr, off, size_t, n)
{
	bool own = user_ptr_is_null(off);
	struct fdref in, out;
	loff_t pos;
	u64 v = 0;
	ssize_t rc;

	if (!own && get_user_u64(&v, off))
		return -EFAULT;
	rc = fdget((unsigned int)in_fd, RIGHT_READ, &in);
	if (rc)
		return rc;
	pos = own ? in.file->pos : (loff_t)v;
	rc = -EBADF;
	if (!(in.file->mode & FMODE_READ))
		goto put_in;
	rc = -ESPIPE;
	if (!own && !(in.file->mode & FMODE_PREAD))
		goto put_in;
	rc = fdget((unsigned int)out_fd, RIGHT_WRITE, &out);
	if (rc)
		goto put_in;
	rc = do_sendfile(out.file, in.file, &pos, n);
	if (rc >= 0 && own)
		in.file->pos = pos;
	fd_put(out);
put_in:
	fd_put(in);
	/* The position goes back whatever became of the transfer. */
	if (!own && put_user_u64((u64)pos, off))
		rc = -EFAULT;
	return rc;
}

static int copy_checks(struct file *in, loff_t in_pos, struct file *out, loff_t out_pos,
		       size_t *len)
{
	struct inode *i = in->inode, *o = out->inode;
	loff_t size;

	if (S_ISDIR(i->mode) || S_ISDIR(o->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode) || !S_ISREG(o->mode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
		return -EBADF;
	if (i->sb != o->sb)
		return -EXDEV;
	if (o->flags & S_IMMUTABLE)
		return -EPERM;
	if ((u64)in_pos + *len < (u64)in_pos || (u64)out_pos + *len < (u64)out_pos)
		return -EOVERFLOW;
	if (in_pos < 0 || out_pos < 0)
		return -EINVAL;
	size = READ_ONCE(i->size);
	*len = in_pos >= size ? 0 : min_t(u64, *len, (u64)(size - in_pos));
	if (i == o && out_pos + (loff_t)*len > in_pos && out_pos < in_pos + (loff_t)*len)
		return -EINVAL;
	return 0;
}

SYSCALL(copy_file_range, int, fd_in, struct user_ptr, off_in, int, fd_out, struct user_ptr, off_out,
	size_t, len, unsigned int, flags)
{
	bool own_in = user_ptr_is_null(off_in), own_out = user_ptr_is_null(off_out);
	loff_t in_pos, out_pos;
	struct fdref in, out;
	u64 vi = 0, vo = 0;
	ssize_t rc;

	rc = fdget((unsigned int)fd_in, RIGHT_READ, &in);
	if (rc)
		return rc;
	rc = fdget((unsigned int)fd_out, RIGHT_WRITE, &out);
	if (rc)
		goto put_in;
	rc = -EFAULT;
	if ((!own_in && get_user_u64(&vi, off_in)) || (!own_out && get_user_u64(&vo, off_out)))
		goto put_out;
	rc = -EINVAL;
	if (flags)
		goto put_out;
	in_pos = own_in ? in.file->pos : (loff_t)vi;
	out_pos = own_out ? out.file->pos : (loff_t)vo;
	len = min(len, MAX_RW_COUNT);
	rc = copy_checks(in.file, in_pos, out.file, out_pos, &len);
	if (!rc && len)
		rc = copy_loop(in.file, &in_pos, out.file, &out_pos, len);
	if (rc <= 0)
		goto put_out;
	if (own_in)
		in.file->pos = in_pos;
	else if (put_user_u64((u64)in_pos, off_in))
		rc = -EFAULT;
	if (own_out)
		out.file->pos = out_pos;
	else if (put_user_u64((u64)out_pos, off_out))
		rc = -EFAULT;
put_out:
	fd_put(out);
put_in:
	fd_put(in);
	return rc;
}
