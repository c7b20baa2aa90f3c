/* SPDX-License-Identifier: MIT */
/* splice, tee, vmsplice: moving pieces between pipes and files without passing through user memory.
 *
 * A file's page goes into the pipe by reference when the file lives in the page cache; everything
 * else is read into fresh pages. No file operation runs under a pipe's lock, because a file's own
 * locks come before it in the lock order and because a write to a terminal may wait for ever:
 * pieces are collected or taken out first, and what a file refused is put back in front.
 * Invariant:
 * a piece that shares its page with anybody loses PIPE_BUF_MERGE, so nobody appends to it. */
#include <fs/pagecache.h>
#include <fs/pipe.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/fcntl.h>

#define BATCH 16u

struct batch {
	struct pipe_buf bufs[BATCH];
	unsigned int n;
};

/* --- file to pipe --- */

static void batch_drop(struct batch *b, unsigned int from)
{
	for (unsigned int k = from; k < b->n; k++)
		page_put(b->bufs[k].page);
	b->n = from;
}

/* Pages of a page-cache file, by reference. Bytes collected or -errno. */
static ssize_t collect_cached(struct file *in, loff_t pos, size_t len, unsigned int room,
			      struct batch *b)
{
	loff_t size = READ_ONCE(in->inode->size);
	size_t done = 0;

	while (done < len && b->n < room && pos < size) {
		u32 off = pos & (PAGE_SIZE - 1);
		size_t n = min_t(u64, PAGE_SIZE - off, len - done);
		struct page *p;
		int rc;

		n = min_t(u64, n, (u64)(size - pos));
		rc = file_get_page(in, (u64)pos / PAGE_SIZE,
				   DIV_ROUND_UP(off + len - done, PAGE_SIZE), &p);
		if (rc)
			return done || rc == -ERANGE ? (ssize_t)done : rc;
		if (!p) { /* a hole */
			p = zero_page;
			page_get(p);
		}
		b->bufs[b->n++] = (struct pipe_buf){ .page = p, .offset = off, .len = (u32)n };
		done += n;
		pos += (loff_t)n;
	}
	return (ssize_t)done;
}

/* Any other file: read into fresh pages. A short read ends the batch. */
static ssize_t collect_read(struct file *in, loff_t *pos, size_t len, unsigned int room,
			    struct batch *b)
{
	size_t done = 0;

	while (done < len && b->n < room) {
		struct page *p = page_alloc(GFP_KERNEL);
		size_t want = min(len - done, PAGE_SIZE);
		ssize_t n = -ENOMEM;

		if (p)
			n = kernel_read(in, page_address(p), want, pos);
		if (n <= 0) {
			if (p)
				page_put(p);
			return done ? (ssize_t)done : n;
		}
		b->bufs[b->n++] = (struct pipe_buf){ .page = p, .len = (u32)n };
		done += (size_t)n;
		if ((size_t)n < want)
			break;
	}
	return (ssize_t)done;
}

/* Puts pieces into the pipe; bytes put. must_all: waits for room, else leaves the rest in the
 * batch. */
static ssize_t push_batch(struct pipe *p, struct batch *b, bool must_all)
{
	ssize_t done = 0;
	unsigned int k = 0;
	int rc = 0;

	pipe_lock(p);
	while (k < b->n) {
		if (!p->readers || (pipe_full(p) && (must_all || !done)))
			rc = pipe_wait_writable(p, !must_all);
		if (rc || pipe_full(p))
			break;
		*pipe_slot(p, p->head) = b->bufs[k];
		done += b->bufs[k++].len;
		smp_store_release(&p->head, p->head + 1);
	}
	pipe_unlock(p);
	if (done)
		pipe_wake_readers(p);
	batch_drop(b, k);
	return done ? done : rc;
}

/* How many slots are free; waits for one. */
static int pipe_room(struct pipe *p, bool nonblock, unsigned int *room)
{
	int rc;

	pipe_lock(p);
	rc = pipe_wait_writable(p, nonblock);
	*room = min(p->size - (p->head - p->tail), BATCH);
	pipe_unlock(p);
	return rc;
}

static ssize_t file_to_pipe(struct file *in, loff_t *pos, struct pipe *p, size_t len,
			    unsigned int flags)
{
	mode_t type = in->inode->mode & S_IFMT;
	struct batch b = { .n = 0 };
	unsigned int room;
	loff_t at = *pos;
	ssize_t n, put;
	int rc;

	if (in->ops->splice_read)
		return in->ops->splice_read(in, pos, p, len, flags);
	if (!in->ops->read ||
	    (type != S_IFREG && type != S_IFCHR && type != S_IFSOCK && type != S_IFBLK))
		return -EINVAL;
	rc = pipe_room(p, flags & SPLICE_F_NONBLOCK, &room);
	if (rc)
		return rc;
	if (in->ops->read == generic_file_read || type == S_IFBLK) {
		n = collect_cached(in, at, len, room, &b);
		if (n <= 0)
			return n;
		put = push_batch(p, &b, false);
		if (put > 0)
			*pos = at + put;
		file_accessed(in);
		return put;
	}
	n = collect_read(in, &at, len, room, &b);
	if (n <= 0)
		return n;
	put = push_batch(p, &b, true);
	if (put > 0)
		*pos = at;
	return put;
}

/* --- pipe to file --- */

/* A piece goes back to the front. The slot it came from may have been filled meanwhile: then the
 * ring grows by one doubling. Lock held. */
static void put_back(struct pipe *p, const struct pipe_buf *b)
{
	if (pipe_full(p)) {
		struct pipe_buf *ring = kmalloc_array(p->size * 2, sizeof(*ring), GFP_KERNEL);

		if (!ring) {
			log_err("splice", "no memory to put %u bytes back: lost", b->len);
			page_put(b->page);
			return;
		}
		for (u32 k = p->tail; k != p->head; k++)
			ring[k & (p->size * 2 - 1)] = *pipe_slot(p, k);
		kfree(p->bufs);
		p->bufs = ring;
		p->size *= 2;
	}
	*pipe_slot(p, p->tail - 1) = *b;
	WRITE_ONCE(p->tail, p->tail - 1);
}

/* Writes one taken piece; what is left of it stays in *b. */
static ssize_t write_piece(struct file *out, struct pipe_buf *b, size_t len, loff_t *pos)
{
	size_t want = min_t(size_t, b->len, len), done = 0;
	ssize_t n = 0;

	while (done < want) {
		n = kernel_write(out, (char *)page_address(b->page) + b->offset, want - done, pos);
		if (n <= 0)
			break;
		done += (size_t)n;
		b->offset += (u32)n;
		b->len -= (u32)n;
	}
	return done ? (ssize_t)done : n;
}

static ssize_t pipe_to_file(struct pipe *p, struct file *out, loff_t *pos, size_t len,
			    unsigned int flags)
{
	ssize_t done = 0, n;
	struct pipe_buf b;
	int rc;

	if (out->ops->splice_write)
		return out->ops->splice_write(p, out, pos, len, flags);
	if (!out->ops->write)
		return -EINVAL;
	while ((size_t)done < len) {
		pipe_lock(p);
		rc = done && pipe_empty(p) ? 1 : pipe_wait_readable(p, flags & SPLICE_F_NONBLOCK);
		if (rc) {
			pipe_unlock(p);
			return done || rc > 0 ? done : rc;
		}
		b = *pipe_slot(p, p->tail);
		WRITE_ONCE(p->tail, p->tail + 1);
		pipe_unlock(p);
		n = write_piece(out, &b, len - (size_t)done, pos);
		if (n > 0)
			done += n;
		if (b.len && !((b.flags & PIPE_BUF_PACKET) && n > 0)) {
			pipe_lock(p);
			put_back(p, &b);
			pipe_unlock(p);
			pipe_wake_readers(p); /* who came meanwhile saw an empty pipe */
		} else {
			page_put(b.page);
			pipe_wake_writers(p);
		}
		if (n <= 0)
			return done ? done : n;
		if (signal_pending())
			break;
	}
	return done;
}

/* --- pipe to pipe --- */

/* Moves or copies pieces, both locks held. Bytes. */
static ssize_t transfer(struct pipe *in, struct pipe *out, size_t len, bool copy)
{
	u32 at = in->tail;
	ssize_t done = 0;

	while (len && at != in->head && !pipe_full(out)) {
		struct pipe_buf *b = pipe_slot(in, at), *to = pipe_slot(out, out->head);
		u32 n = (u32)min_t(size_t, b->len, len);

		*to = *b;
		to->len = n;
		if (copy || n < b->len) {
			page_get(b->page);
			to->flags &= ~PIPE_BUF_MERGE;
		}
		smp_store_release(&out->head, out->head + 1);
		if (copy) {
			at++;
		} else if (n < b->len) {
			b->offset += n;
			b->len -= n;
			b->flags &= ~PIPE_BUF_MERGE;
		} else {
			WRITE_ONCE(in->tail, in->tail + 1);
			at = in->tail;
		}
		done += n;
		len -= n;
	}
	return done;
}

static ssize_t pipe_to_pipe(struct pipe *in, struct pipe *out, size_t len, bool nonblock, bool copy)
{
	ssize_t n;
	int rc;

	if (in == out)
		return -EINVAL;
	for (;;) {
		pipe_lock(in);
		rc = pipe_wait_readable(in, nonblock);
		pipe_unlock(in);
		if (rc)
			return rc > 0 ? 0 : rc;
		pipe_lock(out);
		rc = pipe_wait_writable(out, nonblock);
		pipe_unlock(out);
		if (rc)
			return rc;
		pipe_lock_two(in, out);
		n = transfer(in, out, len, copy);
		pipe_unlock_two(in, out);
		if (n)
			break;
	}
	pipe_wake_readers(out);
	if (!copy)
		pipe_wake_writers(in);
	return n;
}

/* --- system calls --- */

/* The position to use: the user's *off, else the file's. */
static int offset_get(struct user_ptr off, const struct file *f, loff_t *pos)
{
	u64 v;

	if (user_ptr_is_null(off)) {
		*pos = f->pos;
		return 0;
	}
	if (!(f->mode & FMODE_PREAD))
		return -EINVAL;
	if (get_user_u64(&v, off))
		return -EFAULT;
	*pos = (loff_t)v;
	return *pos < 0 ? -EINVAL : 0;
}

static ssize_t offset_put(struct user_ptr off, struct file *f, loff_t pos, ssize_t rc)
{
	if (rc <= 0)
		return rc;
	if (user_ptr_is_null(off)) {
		if (!(f->mode & FMODE_STREAM))
			f->pos = pos;
	} else if (put_user_u64((u64)pos, off)) {
		return -EFAULT;
	}
	return rc;
}

static ssize_t do_splice(struct file *in, struct user_ptr off_in, struct file *out,
			 struct user_ptr off_out, size_t len, unsigned int flags)
{
	struct pipe *pi = pipe_of_file(in), *po = pipe_of_file(out);
	loff_t pos;
	ssize_t rc;

	if ((pi && !user_ptr_is_null(off_in)) || (po && !user_ptr_is_null(off_out)))
		return -ESPIPE;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (pi && po) {
		if ((in->flags | out->flags) & O_NONBLOCK)
			flags |= SPLICE_F_NONBLOCK;
		return pipe_to_pipe(pi, po, len, flags & SPLICE_F_NONBLOCK, false);
	}
	if (pi) {
		rc = offset_get(off_out, out, &pos);
		if (rc)
			return rc;
		if (out->flags & O_APPEND)
			return -EINVAL;
		if (in->flags & O_NONBLOCK)
			flags |= SPLICE_F_NONBLOCK;
		rc = pipe_to_file(pi, out, &pos, len, flags);
		return offset_put(off_out, out, pos, rc);
	}
	if (po) {
		rc = offset_get(off_in, in, &pos);
		if (rc)
			return rc;
		if (out->flags & O_NONBLOCK)
			flags |= SPLICE_F_NONBLOCK;
		rc = file_to_pipe(in, &pos, po, len, flags);
		return offset_put(off_in, in, pos, rc);
	}
	return -EINVAL;
}

SYSCALL(splice, int, fd_in, struct user_ptr, off_in, int, fd_out, struct user_ptr, off_out, size_t,
	len, unsigned int, flags)
{
	struct fdref in, out;
	ssize_t rc;

	if (!len)
		return 0;
	if (flags & ~(unsigned int)SPLICE_F_ALL)
		return -EINVAL;
	rc = fd_get(fd_in, RIGHT_READ, &in);
	if (rc)
		return rc;
	rc = fd_get(fd_out, RIGHT_WRITE, &out);
	if (!rc) {
		rc = do_splice(in.file, off_in, out.file, off_out, min(len, MAX_RW_COUNT), flags);
		fd_put(out);
	}
	fd_put(in);
	return rc;
}

SYSCALL(tee, int, fd_in, int, fd_out, size_t, len, unsigned int, flags)
{
	struct fdref in, out;
	struct pipe *pi, *po;
	ssize_t rc;

	if (flags & ~(unsigned int)SPLICE_F_ALL)
		return -EINVAL;
	if (!len)
		return 0;
	rc = fd_get(fd_in, RIGHT_READ, &in);
	if (rc)
		return rc;
	rc = fd_get(fd_out, RIGHT_WRITE, &out);
	if (rc)
		goto put_in;
	pi = pipe_of_file(in.file);
	po = pipe_of_file(out.file);
	if (!(in.file->mode & FMODE_READ) || !(out.file->mode & FMODE_WRITE))
		rc = -EBADF;
	else if (!pi || !po)
		rc = -EINVAL;
	else
		rc = pipe_to_pipe(pi, po, len,
				  (flags & SPLICE_F_NONBLOCK) ||
					  ((in.file->flags | out.file->flags) & O_NONBLOCK),
				  true);
	fd_put(out);
put_in:
	fd_put(in);
	return rc;
}

/* The bytes are copied: nobody can see a later change of the user's pages. */
static ssize_t user_to_pipe(struct pipe *p, struct uio *u, bool nonblock)
{
	unsigned int room;
	ssize_t done = 0;
	int rc;

	rc = pipe_room(p, nonblock, &room);
	if (rc)
		return rc;
	while (u->count && room) {
		struct batch b = { .n = 0 };
		struct page *page = page_alloc(GFP_KERNEL);
		size_t want = min(u->count, PAGE_SIZE), n;
		ssize_t put;

		if (!page)
			return done ? done : -ENOMEM;
		n = uio_read_from(u, page_address(page), want);
		if (!n) {
			page_put(page);
			return done ? done : -EFAULT;
		}
		b.bufs[b.n++] = (struct pipe_buf){ .page = page, .len = (u32)n };
		put = push_batch(p, &b, !nonblock);
		if (put <= 0)
			return done ? done : put;
		done += put;
		if (n < want)
			break;
		room--;
	}
	return done;
}

SYSCALL(vmsplice, int, fd, struct user_ptr, vec, unsigned long, nr, unsigned int, flags)
{
	struct iovec fast[UIO_FASTIOV], *big = NULL;
	struct pipe *p;
	struct fdref r;
	struct uio u;
	ssize_t rc;

	if (flags & ~(unsigned int)SPLICE_F_ALL)
		return -EINVAL;
	rc = fd_get(fd, RIGHT_NONE, &r);
	if (rc)
		return rc;
	p = pipe_of_file(r.file);
	rc = -EBADF;
	if (!(r.file->mode & (FMODE_READ | FMODE_WRITE)))
		goto out;
	/* An empty list asks nothing, not even for a pipe. */
	rc = uio_import(&u, vec, (u32)nr, fast, &big);
	if (rc < 0 || !u.count)
		goto free;
	rc = -EBADF;
	if (!p)
		goto free;
	if (r.file->mode & FMODE_WRITE) {
		rc = user_to_pipe(p, &u, flags & SPLICE_F_NONBLOCK);
	} else {
		loff_t pos = 0;

		rc = r.file->ops->read(r.file, &u, &pos);
	}
free:
	kfree(big);
out:
	fd_put(r);
	return rc;
}
