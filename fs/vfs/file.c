/* SPDX-License-Identifier: MIT */
/* Open descriptions: making, opening, the end.
 *
 * Lifetime: file_alloc (refs 1) -> file_finish_open -> file_get/file_put -> with the last reference
 * file_release_now. file_put may be called anywhere: a release that cannot run at once (it may
 * sleep) is left to the way back to user mode, or to a work item for kernel threads and atomic
 * context. The memory goes after an RCU grace period, because fd_get_slow looks at refs first.
 * Invariants: a file counts in inode->writers and mount->writers exactly when FMODE_WROTE is
 * set. */
#include "notify.h"
#include "vfs_internal.h"

#include <fs/procfs.h>
#include <kernel/init.h>
#include <kernel/workqueue.h>
#include <uapi/capability.h>

static struct kmem_cache *file_cache;
static atomic64_t nr_files;
s64 files_max = 1048576; /* fs.file-max */

/* src/ipc/epoll.c: takes f out of all epoll instances. */
void epoll_release_file(struct file *f);

int file_alloc(int flags, const struct cred *cred, struct file **out)
{
	struct file *f;

	if (unlikely(atomic64_read(&nr_files) >= files_max && !capable(CAP_SYS_ADMIN)))
		return -ENFILE;
	f = kmem_cache_alloc(file_cache, GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	*f = (struct file){ .flags = (u32)flags };
	f->cred = cred_get(cred);
	mutex_init(&f->pos_lock, LOCK_FILE_POS);
	spin_lock_init(&f->lock, LOCK_LEAF);
	list_init(&f->epoll_items);
	atomic64_set(&f->refs, 1);
	atomic64_inc(&nr_files);
	*out = f;
	return 0;
}

static void file_free_rcu(struct rcu_head *h)
{
	kmem_cache_free(file_cache, container_of(h, struct file, rcu));
}

void file_free_unopened(struct file *f)
{
	cred_put(f->cred);
	atomic64_dec(&nr_files);
	call_rcu(&f->rcu, file_free_rcu);
}

/* --- who may write to a file that is being executed --- */

int inode_get_write(struct inode *i)
{
	int n = atomic_read(&i->writers);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!try_cmpxchg(&i->writers.v, &n, n + 1));
	return 0;
}

void inode_put_write(struct inode *i)
{
	atomic_dec(&i->writers);
}

int inode_deny_write(struct inode *i)
{
	int n = atomic_read(&i->writers);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!try_cmpxchg(&i->writers.v, &n, n - 1));
	return 0;
}

/* Counts f as a writer of its inode and mount. Counted first and asked then: whoever makes either
 * read-only sets the flag first and looks at the counts then. */
static int file_get_write(struct file *f)
{
	int rc = inode_get_write(f->inode);

	if (rc)
		return mount_readonly(f->path.mnt) ? -EROFS : rc;
	atomic_inc(&f->path.mnt->writers);
	f->mode |= FMODE_WROTE;
	smp_mb();
	rc = mount_writable(&f->path);
	if (rc)
		file_put_write(f);
	return rc;
}

void file_put_write(struct file *f)
{
	f->mode &= ~FMODE_WROTE;
	atomic_dec(&f->path.mnt->writers);
	inode_put_write(f->inode);
}

void file_allow_write(struct file *f)
{
	if (f->mode & FMODE_EXEC) {
		f->mode &= ~FMODE_EXEC;
		inode_allow_write(f->inode);
	}
}

/* --- the end --- */

void file_release_now(struct file *f)
{
	struct inode *i = f->inode;

	if (i && !(f->mode & FMODE_PATH))
		notify_dentry(f->path.dentry,
			      f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (unlikely(!list_empty(&f->epoll_items)))
		epoll_release_file(f);
	if (i && unlikely(READ_ONCE(i->flctx) != NULL))
		locks_remove_file(f);
	if (unlikely(f->flags & FASYNC) && f->ops->fasync)
		f->ops->fasync(f, false);
	if (f->ops->release && !(f->mode & FMODE_PATH))
		f->ops->release(i, f);
	if (unlikely(f->owner))
		fasync_free(f);
	if (f->mode & FMODE_WROTE)
		file_put_write(f);
	if (f->mode & FMODE_EXEC)
		inode_allow_write(i);
	path_put(&f->path);
	file_free_unopened(f);
}

static struct callback_head *deferred; /* A: files whose last reference went in atomic context */

static void deferred_run(struct work *w __maybe_unused)
{
	struct callback_head *h = xchg(&deferred, NULL), *next;

	for (; h; h = next) {
		next = h->next;
		file_release_now(container_of(h, struct file, put_work));
	}
}
static struct work deferred_work = WORK_INIT(deferred_run);

static void put_work_fn(struct callback_head *h)
{
	file_release_now(container_of(h, struct file, put_work));
}

void file_put_sync(struct file *f)
{
	might_sleep();
	if (atomic64_dec_and_test(&f->refs))
		file_release_now(f);
}

void file_put(struct file *f)
{
	struct callback_head *old;

	if (likely(!atomic64_dec_and_test(&f->refs)))
		return;
	if (!in_hardirq() && !(current->flags & TF_KTHREAD)) {
		f->put_work.fn = put_work_fn;
		if (!task_work_add(current, &f->put_work))
			return;
	}
	old = READ_ONCE(deferred);
	do {
		f->put_work.next = old;
	} while (!try_cmpxchg(&deferred, &old, &f->put_work));
	schedule_work(&deferred_work);
}

/* --- the beginning --- */

static const struct file_ops path_fops;

/* Is there anything below the page cache? Objects that are no files do as they like. */
bool file_can_direct(const struct inode *i)
{
	return !S_ISREG(i->mode) || (i->mapping->ops && i->mapping->ops->map_blocks);
}

static u32 open_fmode(int flags, const struct inode *i)
{
	u32 mode = ((u32)flags + 1) & (FMODE_READ | FMODE_WRITE);

	mode |= FMODE_SEEK | FMODE_PREAD | FMODE_PWRITE;
	if (S_ISREG(i->mode) || S_ISDIR(i->mode))
		mode |= FMODE_ATOMIC_POS;
	return mode;
}

int file_finish_open(struct file *f, const struct path *p)
{
	struct inode *i = p->dentry->inode;
	int rc;

	f->path = *p;
	path_get(p);
	f->inode = i;
	if (unlikely(f->flags & O_PATH)) {
		f->mode = FMODE_PATH;
		f->ops = &path_fops;
		return 0;
	}
	f->mode |= open_fmode((int)f->flags, i);
	f->ops = i->fops;
	if ((f->mode & FMODE_WRITE) && (S_ISREG(i->mode) || S_ISDIR(i->mode))) {
		rc = file_get_write(f);
		if (rc)
			goto fail;
	}
	if (f->ops->open) {
		rc = f->ops->open(i, f);
		if (rc)
			goto undo_write;
	}
	if (unlikely(f->flags & O_DIRECT) && !file_can_direct(i)) {
		rc = -EINVAL;
		if (f->ops->release)
			f->ops->release(i, f);
		goto undo_write;
	}
	f->wb_err = mapping_sample_error(f->inode->mapping); /* a block device has its own */
	f->flags &= ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
	return 0;
undo_write:
	if (f->mode & FMODE_WROTE)
		file_put_write(f);
fail:
	path_put(&f->path);
	f->path = (struct path){ NULL, NULL };
	f->inode = NULL;
	return rc;
}

int file_open_path(const struct path *p, int flags, const struct cred *cred, struct file **out)
{
	struct file *f;
	int rc;

	rc = file_alloc(flags, cred, &f);
	if (rc)
		return rc;
	rc = file_finish_open(f, p);
	if (rc) {
		file_free_unopened(f);
		return rc;
	}
	*out = f;
	return 0;
}

u64 files_open_count(void)
{
	return (u64)atomic64_read(&nr_files);
}

static int file_nr_show(struct strbuf *sb)
{
	sb_printf(sb, "%llu\t0\t%lld\n", (unsigned long long)files_open_count(),
		  (long long)files_max);
	return 0;
}
PROC_FILE(file_nr, "sys/fs/file-nr", 0444, file_nr_show);
SYSCTL(file_max, "fs/file-max", 0644, &files_max, 0, INT64_MAX);
SYSCTL(nr_open, "fs/nr_open", 0644, &nr_open_max, 64, 0x7fffffc0);

static int file_cache_init(void)
{
	file_cache = kmem_cache_create("file", sizeof(struct file), 64, 0, NULL);
	return file_cache ? 0 : -ENOMEM;
}
INIT_HOOK(INIT_CORE, file_cache_init);
