/* SPDX-License-Identifier: MIT */
/* Pipes and FIFOs.
 *
 * Owns:      struct pipe: a ring of page pieces, counters of open ends, two wait queues.
 * Locking:   pipe->lock (sleeping) guards everything but `files`, so data is copied to and from
 *            user memory under it. poll reads head, tail and the counters without it: each waker
 *            changes them first and then wakes.
 * Invariant: a write of at most PIPE_BUF bytes is taken whole or not at all: it either fits behind
 *            the last piece or gets a slot of its own. Bytes appear in the order of writes.
 * Lifetime:  made by pipe(2) or the first open of a FIFO, kept by `files` (inode->spin), freed by
 *            the last release. inode->pipe is NULL otherwise.
 * Failure:   a page that cannot be had ends a write early, or with ENOMEM when nothing was
 *            written. */
#include <fs/pipe.h>
#include <fs/poll.h>
#include <fs/procfs.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#define PIPEFS_MAGIC 0x50495045
#define FIONREAD 0x541B

static s64 pipe_max_size = PIPE_MAX_SIZE; /* /proc/sys/fs/pipe-max-size */
SYSCTL(pipe_max_size, "fs/pipe-max-size", 0644, &pipe_max_size, 4096, 1 << 30);

/* --- life --- */

static struct pipe *pipe_create(void)
{
	struct pipe *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->bufs = kmalloc_array(PIPE_DEF_BUFFERS, sizeof(p->bufs[0]), GFP_KERNEL);
	if (!p->bufs) {
		kfree(p);
		return NULL;
	}
	p->size = PIPE_DEF_BUFFERS;
	p->r_opens = p->w_opens = 1;
	mutex_init(&p->lock, LOCK_PIPE);
	wait_queue_init(&p->rd_wait);
	wait_queue_init(&p->wr_wait);
	fasync_list_init(&p->rd_async);
	fasync_list_init(&p->wr_async);
	return p;
}

static void pipe_destroy(struct pipe *p)
{
	while (p->head != p->tail)
		page_put(pipe_slot(p, p->tail++)->page);
	if (p->spare)
		page_put(p->spare);
	kfree(p->bufs);
	kfree(p);
}

/* Drops one user; the last one takes the pipe off the inode. */
static void pipe_release_user(struct inode *i, struct pipe *p)
{
	bool last;

	spin_lock(&i->spin);
	last = --p->files == 0;
	if (last)
		i->pipe = NULL;
	spin_unlock(&i->spin);
	if (last)
		pipe_destroy(p);
}

struct pipe *pipe_of_file(const struct file *f)
{
	return f->ops == &pipe_fops ? f->inode->pipe : NULL;
}

NO_LOCK_ANALYSIS void pipe_lock(struct pipe *p)
{
	mutex_lock(&p->lock);
}

NO_LOCK_ANALYSIS void pipe_unlock(struct pipe *p)
{
	mutex_unlock(&p->lock);
}

NO_LOCK_ANALYSIS void pipe_lock_two(struct pipe *a, struct pipe *b)
{
	if (a > b)
		swap(a, b);
	mutex_lock(&a->lock);
	mutex_lock_nested(&b->lock);
}

NO_LOCK_ANALYSIS void pipe_unlock_two(struct pipe *a, struct pipe *b)
{
	mutex_unlock(&a->lock);
	mutex_unlock(&b->lock);
}

void pipe_wake_readers(struct pipe *p)
{
	wake_up_sync_poll(&p->rd_wait, POLLIN | POLLRDNORM);
}

void pipe_wake_writers(struct pipe *p)
{
	wake_up_sync_poll(&p->wr_wait, POLLOUT | POLLWRNORM);
}

/* Gives up the lock until `cond` may have changed: 0 or -ERESTARTSYS. */
#define PIPE_SLEEP(p, wq, cond)                                                                    \
	({                                                                                         \
		int ps_rc;                                                                         \
		mutex_unlock(&(p)->lock);                                                          \
		ps_rc = wait_event_interruptible_exclusive(wq, cond);                              \
		mutex_lock(&(p)->lock);                                                            \
		ps_rc;                                                                             \
	})

NO_LOCK_ANALYSIS int pipe_wait_readable(struct pipe *p, bool nonblock)
{
	int rc;

	while (pipe_empty(p)) {
		if (!p->writers)
			return 1;
		if (nonblock)
			return -EAGAIN;
		rc = PIPE_SLEEP(p, &p->rd_wait, !pipe_empty(p) || !READ_ONCE(p->writers));
		if (rc) {
			if (!pipe_empty(p))
				pipe_wake_readers(p); /* the wake-up may have been meant for us */
			return rc;
		}
	}
	return 0;
}

static int broken_pipe(void)
{
	send_signal_task(current, SIGPIPE, NULL);
	return -EPIPE;
}

NO_LOCK_ANALYSIS int pipe_wait_writable(struct pipe *p, bool nonblock)
{
	int rc;

	for (;;) {
		if (!p->readers)
			return broken_pipe();
		if (!pipe_full(p))
			return 0;
		if (nonblock)
			return -EAGAIN;
		rc = PIPE_SLEEP(p, &p->wr_wait, !pipe_full(p) || !READ_ONCE(p->readers));
		if (rc) {
			if (!pipe_full(p))
				pipe_wake_writers(p);
			return rc;
		}
	}
}

void pipe_pop(struct pipe *p)
{
	struct pipe_buf *b = pipe_slot(p, p->tail);

	if ((b->flags & PIPE_BUF_MERGE) && !p->spare && atomic_read(&b->page->refs) == 1)
		p->spare = b->page;
	else
		page_put(b->page);
	WRITE_ONCE(p->tail, p->tail + 1);
}

/* --- read --- */

/* Moves what is there; lock held. */
static ssize_t read_pieces(struct pipe *p, struct uio *u)
{
	ssize_t done = 0;

	while (u->count && !pipe_empty(p)) {
		struct pipe_buf *b = pipe_slot(p, p->tail);
		size_t want = min_t(size_t, b->len, u->count), n;
		bool packet = b->flags & PIPE_BUF_PACKET;

		n = uio_write_to(u, (u8 *)page_address(b->page) + b->offset, want);
		/* A piece that did not arrive whole stays, and does not count. */
		if (n < want)
			return done ? done : -EFAULT;
		done += (ssize_t)n;
		b->offset += n;
		b->len -= n;
		if (packet || !b->len)
			pipe_pop(p);
		if (packet)
			break;
	}
	return done;
}

static ssize_t pipe_read(struct file *f, struct uio *u, loff_t *pos __maybe_unused)
{
	struct pipe *p = f->inode->pipe;
	bool was_full, more;
	ssize_t rc;

	if (!u->count)
		return 0;
	mutex_lock(&p->lock);
	more = pipe_empty(p); /* so far: whether we may have been woken for others */
	rc = pipe_wait_readable(p, f->flags & O_NONBLOCK);
	if (rc) {
		mutex_unlock(&p->lock);
		return rc > 0 ? 0 : rc;
	}
	was_full = pipe_full(p);
	rc = read_pieces(p, u);
	more = more && !pipe_empty(p);
	mutex_unlock(&p->lock);
	if (was_full && !pipe_full(p))
		pipe_wake_writers(p);
	/* Readers are woken one at a time: pass the rest on. */
	if (more && wait_queue_active(&p->rd_wait))
		pipe_wake_readers(p);
	fasync_notify(&p->wr_async, POLL_OUT, POLLOUT | POLLWRNORM | POLLWRBAND);
	return rc;
}

/* --- write --- */

/* Appends to the last piece as far as its page has room: `need` bytes of it must fit or nothing is
 * taken. Bytes moved. */
static size_t append_to_last(struct pipe *p, struct uio *u, size_t need, bool *fault)
{
	struct pipe_buf *b = pipe_slot(p, p->head - 1);
	size_t end = b->offset + b->len, room = PAGE_SIZE - end, n;

	if (pipe_empty(p) || !(b->flags & PIPE_BUF_MERGE) || room < need || !room)
		return 0;
	room = min(room, u->count);
	n = uio_read_from(u, (u8 *)page_address(b->page) + end, room);
	*fault = n < room;
	if (*fault)
		return 0;
	b->len += n;
	return n;
}

/* A new piece from the buffers; lock held, a slot free. Bytes, -EFAULT or -ENOMEM. */
static ssize_t add_piece(struct pipe *p, struct uio *u, u32 flags)
{
	struct page *page = p->spare;
	size_t want = min_t(size_t, u->count, PAGE_SIZE), n;

	if (!page)
		page = page_alloc(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	p->spare = NULL;
	n = uio_read_from(u, page_address(page), want);
	if (n < want) {
		uio_revert(u, n);
		p->spare = page;
		return -EFAULT;
	}
	*pipe_slot(p, p->head) = (struct pipe_buf){ .page = page, .len = (u32)n, .flags = flags };
	smp_store_release(&p->head, p->head + 1);
	return (ssize_t)n;
}

/* One round with the lock held: as much as fits now. Bytes or -errno; *fault: stop afterwards. */
static ssize_t write_pieces(struct pipe *p, struct uio *u, bool packet, bool *fault)
{
	u32 flags = packet ? PIPE_BUF_PACKET : PIPE_BUF_MERGE;
	ssize_t done = 0, n;

	if (!packet)
		done = (ssize_t)append_to_last(p, u, u->count <= PIPE_BUF ? u->count :
						     (u->count & (PAGE_SIZE - 1)), fault);
	if (*fault)
		return -EFAULT;
	while (u->count && !*fault && !pipe_full(p)) {
		size_t want = min_t(size_t, u->count, PAGE_SIZE);

		n = add_piece(p, u, flags);
		if (n < 0) {
			*fault = true;
			return done ? done : n;
		}
		done += n;
		*fault = (size_t)n < want;
	}
	return done;
}

static ssize_t pipe_write(struct file *f, struct uio *u, loff_t *pos __maybe_unused)
{
	struct pipe *p = f->inode->pipe;
	ssize_t done = 0, rc = 0;
	bool was_empty, fault = false;

	if (!u->count)
		return 0;
	mutex_lock(&p->lock);
	for (;;) {
		if (!p->readers) {
			rc = broken_pipe();
			break;
		}
		was_empty = pipe_empty(p);
		rc = write_pieces(p, u, f->flags & O_DIRECT, &fault);
		if (rc > 0) {
			done += rc;
			if (was_empty || p->poll_seen)
				pipe_wake_readers(p);
		}
		if (rc < 0 || fault || !u->count)
			break;
		rc = pipe_wait_writable(p, f->flags & O_NONBLOCK);
		if (rc)
			break;
	}
	mutex_unlock(&p->lock);
	/* Writers are woken one at a time: pass remaining room on. */
	if (!pipe_full(p) && wait_queue_active(&p->wr_wait))
		pipe_wake_writers(p);
	fasync_notify(&p->rd_async, POLL_IN, POLLIN | POLLRDNORM);
	return done ? done : rc;
}

/* --- the rest --- */

static unsigned int pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->inode->pipe;
	unsigned int ready = 0;

	WRITE_ONCE(p->poll_seen, true);
	if (f->mode & FMODE_READ)
		poll_wait(f, &p->rd_wait, pt);
	if (f->mode & FMODE_WRITE)
		poll_wait(f, &p->wr_wait, pt);
	smp_mb();
	if (f->mode & FMODE_READ) {
		if (!pipe_empty(p))
			ready |= POLLIN | POLLRDNORM;
		/* A FIFO reader sees a hang-up only after there was a writer. */
		if (!READ_ONCE(p->writers) && f->private != (void *)(u64)p->w_opens)
			ready |= POLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (!pipe_full(p))
			ready |= POLLOUT | POLLWRNORM;
		if (!READ_ONCE(p->readers))
			ready |= POLLERR;
	}
	return ready;
}

static long pipe_ioctl(struct file *f, unsigned int cmd, u64 arg)
{
	struct pipe *p = f->inode->pipe;
	u32 bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	for (u32 k = p->tail; k != p->head; k++)
		bytes += pipe_slot(p, k)->len;
	mutex_unlock(&p->lock);
	return put_user_u32(bytes, USER_PTR(arg));
}

static void pipe_release(struct inode *i, struct file *f)
{
	struct pipe *p = i->pipe;
	bool last_side = false;

	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ)
		last_side |= --p->readers == 0;
	if (f->mode & FMODE_WRITE)
		last_side |= --p->writers == 0;
	mutex_unlock(&p->lock);
	if (last_side) {
		wake_up_common(&p->rd_wait, TASK_NORMAL, 0,
			       POLLIN | POLLRDNORM | POLLHUP | POLLERR, false);
		wake_up_common(&p->wr_wait, TASK_NORMAL, 0,
			       POLLOUT | POLLWRNORM | POLLHUP | POLLERR, false);
	}
	pipe_release_user(i, p);
}

/* The pipe of a FIFO, made at the first open; counted in `files`. */
static int fifo_get_pipe(struct inode *i, struct pipe **out)
{
	struct pipe *p, *fresh = NULL;

	spin_lock(&i->spin);
	if (!i->pipe) {
		spin_unlock(&i->spin);
		fresh = pipe_create();
		if (!fresh)
			return -ENOMEM;
		spin_lock(&i->spin);
	}
	if (!i->pipe) {
		i->pipe = fresh;
		fresh = NULL;
	}
	p = i->pipe;
	p->files++;
	spin_unlock(&i->spin);
	if (fresh)
		pipe_destroy(fresh);
	*out = p;
	return 0;
}

/* FIFO rules of open(2): wait for the other side, or with O_NONBLOCK: readers succeed, writers get
 * ENXIO. Lock held; the counts are taken already. */
static NO_LOCK_ANALYSIS int fifo_wait_peer(struct pipe *p, struct file *f)
{
	u32 seen;

	if (f->mode & FMODE_READ) {
		if (p->writers)
			return 0;
		seen = p->w_opens;
		if (f->flags & O_NONBLOCK) {
			f->private = (void *)(u64)seen;
			return 0;
		}
		return PIPE_SLEEP(p, &p->wr_wait, READ_ONCE(p->w_opens) != seen);
	}
	if (p->readers)
		return 0;
	seen = p->r_opens;
	return PIPE_SLEEP(p, &p->wr_wait, READ_ONCE(p->r_opens) != seen);
}

static void count_open(struct pipe *p, const struct file *f)
{
	if (f->mode & FMODE_READ) {
		p->readers++;
		p->r_opens++;
	}
	if (f->mode & FMODE_WRITE) {
		p->writers++;
		p->w_opens++;
	}
}

static int pipe_open(struct inode *i, struct file *f)
{
	struct pipe *p;
	bool both;
	int rc;

	stream_open(i, f);
	rc = fifo_get_pipe(i, &p);
	if (rc)
		return rc;
	mutex_lock(&p->lock);
	both = (f->mode & (FMODE_READ | FMODE_WRITE)) == (FMODE_READ | FMODE_WRITE);
	if ((f->mode & FMODE_WRITE) && !both && !p->anon && !p->readers &&
	    (f->flags & O_NONBLOCK)) {
		rc = -ENXIO;
		goto undo_user;
	}
	count_open(p, f);
	wake_up_all(&p->wr_wait);
	if (!both && !p->anon)
		rc = fifo_wait_peer(p, f);
	if (rc)
		goto undo_count;
	mutex_unlock(&p->lock);
	return 0;
undo_count:
	if (f->mode & FMODE_READ)
		p->readers--;
	if (f->mode & FMODE_WRITE)
		p->writers--;
	wake_up_all(&p->rd_wait);
	wake_up_all(&p->wr_wait);
undo_user:
	mutex_unlock(&p->lock);
	pipe_release_user(i, p);
	return rc;
}

static int pipe_fasync(struct file *f, bool on)
{
	struct pipe *p = f->inode->pipe;
	int rc = 0;

	if (f->mode & FMODE_READ)
		rc = fasync_set(&p->rd_async, f, on);
	if (!rc && f->mode & FMODE_WRITE && !(f->mode & FMODE_READ))
		rc = fasync_set(&p->wr_async, f, on);
	return rc;
}

const struct file_ops pipe_fops = {
	.open = pipe_open,
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.llseek = no_llseek,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fasync = pipe_fasync,
};

/* --- sizes --- */

long pipe_get_size(struct file *f)
{
	struct pipe *p = pipe_of_file(f);

	return p ? (long)(p->size * PAGE_SIZE) : -EBADF;
}

static u32 size_to_slots(unsigned long bytes)
{
	u32 slots = 1;

	while ((unsigned long)slots * PAGE_SIZE < bytes)
		slots *= 2;
	return slots;
}

long pipe_set_size(struct file *f, unsigned long bytes)
{
	struct pipe *p = pipe_of_file(f);
	struct pipe_buf *bufs;
	u32 slots, n = 0;
	long rc;

	if (!p)
		return -EBADF;
	if (bytes > 1ul << 31)
		return -EINVAL;
	slots = size_to_slots(bytes);
	if (slots > p->size && (s64)(slots * PAGE_SIZE) > READ_ONCE(pipe_max_size) &&
	    !capable(24 /* CAP_SYS_RESOURCE */))
		return -EPERM;
	bufs = kmalloc_array(slots, sizeof(bufs[0]), GFP_KERNEL);
	if (!bufs)
		return -ENOMEM;
	mutex_lock(&p->lock);
	if (p->head - p->tail > slots) {
		mutex_unlock(&p->lock);
		kfree(bufs);
		return -EBUSY;
	}
	for (u32 k = p->tail; k != p->head; k++)
		bufs[n++] = *pipe_slot(p, k);
	swap(bufs, p->bufs);
	p->size = slots;
	p->tail = 0;
	p->head = n;
	rc = (long)(slots * PAGE_SIZE);
	mutex_unlock(&p->lock);
	pipe_wake_writers(p);
	kfree(bufs);
	return rc;
}

/* --- pipe(2) --- */

static struct mount *pipe_mount;

static void pipefs_dname(struct dentry *d, struct strbuf *sb)
{
	sb_printf(sb, "pipe:[%lu]", d->inode->ino);
}

static const struct dentry_ops pipefs_dops = { .dname = pipefs_dname };

static int anon_path(struct path *out)
{
	static const struct qstr no_name = { .name = "", .len = 0 };
	struct super_block *sb = pipe_mount->sb;
	struct inode *i = inode_new(sb);
	struct dentry *d;

	if (!i)
		return -ENFILE;
	i->pipe = pipe_create();
	if (!i->pipe)
		goto undo_inode;
	i->pipe->anon = true;
	i->pipe->files = 1; /* dropped by the caller once the ends are open */
	i->mode = S_IFIFO | 0600;
	i->uid = current_cred()->fsuid;
	i->gid = current_cred()->fsgid;
	i->ino = inode_next_ino();
	i->fops = &pipe_fops;
	inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	d = d_alloc_disconnected(sb, &no_name);
	if (!d)
		goto undo_pipe;
	d->ops = &pipefs_dops;
	d_instantiate(d, i);
	mount_get(pipe_mount);
	*out = (struct path){ pipe_mount, d };
	return 0;
undo_pipe:
	pipe_destroy(i->pipe);
	i->pipe = NULL;
undo_inode:
	inode_put(i);
	return -ENFILE;
}

static int open_ends(int flags, struct file *ends[2])
{
	int status = flags & (O_NONBLOCK | O_DIRECT), rc;
	struct inode *i;
	struct path path;
	struct pipe *p;

	rc = anon_path(&path);
	if (rc)
		return rc;
	i = path.dentry->inode;
	p = i->pipe;
	rc = file_open_path(&path, O_RDONLY | (status & O_NONBLOCK), current_cred(), &ends[0]);
	if (rc)
		goto out;
	rc = file_open_path(&path, O_WRONLY | (status & O_NONBLOCK), current_cred(), &ends[1]);
	if (rc)
		file_put(ends[0]);
	else
		ends[1]->flags |= (u32)status & O_DIRECT;
out:
	pipe_release_user(i, p);
	path_put(&path);
	return rc;
}

static long do_pipe(struct user_ptr fds, int flags)
{
	struct file *ends[2];
	int fd[2], rc;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	rc = open_ends(flags, ends);
	if (rc)
		return rc;
	rc = fd[0] = fd_reserve(0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	if (rc < 0)
		goto undo_files;
	rc = fd[1] = fd_reserve(0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
	if (rc < 0)
		goto undo_fd0;
	rc = copy_to_user(fds, fd, sizeof(fd));
	if (rc)
		goto undo_fd1;
	fd_install(fd[0], ends[0]);
	fd_install(fd[1], ends[1]);
	return 0;
undo_fd1:
	fd_abort(fd[1]);
undo_fd0:
	fd_abort(fd[0]);
undo_files:
	file_put(ends[0]);
	file_put(ends[1]);
	return rc;
}

SYSCALL(pipe, struct user_ptr, fds)
{
	return do_pipe(fds, 0);
}

SYSCALL(pipe2, struct user_ptr, fds, int, flags)
{
	return do_pipe(fds, flags);
}

/* --- pipefs --- */

static int pipefs_statfs(struct dentry *d __maybe_unused, struct kstatfs *st)
{
	*st = (struct kstatfs){ .type = PIPEFS_MAGIC, .bsize = PAGE_SIZE, .namelen = NAME_MAX,
				.frsize = PAGE_SIZE };
	return 0;
}

static const struct super_ops pipefs_super_ops = { .statfs = pipefs_statfs };

static int pipefs_root(struct super_block *sb, struct inode **out)
{
	struct inode *root = inode_new(sb);

	if (!root)
		return -ENOMEM;
	root->mode = S_IFDIR | 0500;
	root->ino = 1;
	*out = root;
	return 0;
}

static int pipefs_fill(const struct fs_type *type, u32 flags, const char *source __maybe_unused,
		       char *data __maybe_unused, struct super_block **out)
{
	return sb_make(type, &pipefs_super_ops, flags | SB_I_NODEV_FS, PIPEFS_MAGIC, pipefs_root,
		       out);
}

TABLE_ENTRY(fs_types, struct fs_type, pipefs) = {
	.name = "pipefs",
	.flags = FS_NODEV | FS_INTERNAL,
	.mount = pipefs_fill,
};

static int pipe_init(void)
{
	return kern_mount(fs_type_find("pipefs"), &pipe_mount);
}
INIT_HOOK(INIT_FS, pipe_init);
