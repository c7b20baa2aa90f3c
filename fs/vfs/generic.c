/* SPDX-License-Identifier: MIT */
/* Operations that many file systems share: checked writes, directories that live in the dentry
 * cache, files that cannot be used, device nodes, anonymous files. */
#include "vfs_internal.h"

#include <fs/block.h>
#include <fs/pipe.h>
#include <fs/procfs.h>
#include <kernel/init.h>
#include <kernel/signal.h>
#include <uapi/statfs.h>

/* --- writing --- */

/* Where and how much may be written: 0 nothing, > 0 go on, or -errno. */
static ssize_t write_checks(struct file *f, struct uio *u, loff_t *pos, bool append)
{
	struct inode *i = f->inode;
	u64 limit = rlimit_cur(current, RLIMIT_FSIZE),
	    max = min_t(u64, i->sb->maxbytes, PAGECACHE_MAX_BYTES);
	u32 seals = i->mapping->flags;
	int rc;

	if (!u->count)
		return 0;
	if (append)
		*pos = i->size;
	if (unlikely((u64)*pos + u->count > limit)) {
		if ((u64)*pos >= limit) {
			rc = rlimit_fsize_check(INT64_MAX);
			return rc ? rc : -EFBIG;
		}
		u->count = limit - (u64)*pos;
	}
	if (unlikely((u64)*pos >= max))
		return -EFBIG;
	u->count = min_t(u64, u->count, max - (u64)*pos);
	if (unlikely(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
		return -EPERM;
	if (unlikely(seals & F_SEAL_GROW) && *pos + (loff_t)u->count > i->size) {
		u64 whole = ALIGN_DOWN((u64)i->size, PAGE_SIZE);

		if ((u64)*pos >= whole)
			return -EPERM;
		u->count = whole - (u64)*pos;
	}
	return (ssize_t)u->count;
}

static ssize_t write_data(struct file *f, struct uio *u, loff_t *pos)
{
	return unlikely(f->flags & O_DIRECT) ? direct_write(f, u, pos)
					     : pagecache_write(f->inode, u, pos);
}

static ssize_t write_common(struct file *f, struct uio *u, loff_t *pos, bool append)
{
	struct inode *i = f->inode;
	ssize_t rc;

	down_write(&i->lock);
	rc = write_checks(f, u, pos, append);
	if (rc > 0)
		rc = file_modified(f) ?: 1;
	if (rc > 0)
		rc = write_data(f, u, pos);
	if (unlikely(rc == -ENOSPC) && i->sb->ops->make_space && i->sb->ops->make_space(i->sb))
		rc = write_data(f, u, pos);
	up_write(&i->lock);
	if (rc > 0 && unlikely((f->flags & O_DSYNC) || (i->flags & S_SYNC) ||
			       (i->sb->flags & SB_SYNCHRONOUS))) {
		int err = vfs_fsync(f, *pos - rc, *pos - 1, !(f->flags & O_SYNC_BIT));

		if (err)
			rc = err;
	}
	return rc;
}

ssize_t generic_file_write(struct file *f, struct uio *u, loff_t *pos)
{
	return write_common(f, u, pos, f->flags & O_APPEND);
}

ssize_t file_write_appending(struct file *f, struct uio *u, loff_t *pos)
{
	loff_t at = *pos;
	ssize_t rc;

	if (f->ops->write != generic_file_write)
		return f->ops->write(f, u, pos);
	rc = write_common(f, u, &at, true);
	*pos = at;
	return rc;
}

/* --- files that cannot be used --- */

static int bad_open(struct inode *inode __maybe_unused, struct file *f __maybe_unused)
{
	return -ENXIO;
}

const struct file_ops bad_fops = { .llseek = NULL };
const struct file_ops sock_fops = { .open = bad_open };

/* --- devices --- */

static LIST_HEAD(cdevs);
static DEFINE_SPINLOCK(cdevs_lock, LOCK_LEAF);

int cdev_register(struct cdev *c)
{
	struct cdev *o;
	int rc = 0;

	spin_lock(&cdevs_lock);
	list_for_each_entry(o, &cdevs, node) {
		if (c->dev < o->dev + o->count && o->dev < c->dev + c->count)
			rc = -EBUSY;
	}
	if (!rc)
		list_add_tail(&c->node, &cdevs);
	spin_unlock(&cdevs_lock);
	return rc;
}

void cdev_unregister(struct cdev *c)
{
	spin_lock(&cdevs_lock);
	list_del(&c->node);
	spin_unlock(&cdevs_lock);
}

static int cdev_open(struct inode *inode, struct file *f)
{
	struct cdev *c, *found = NULL;

	spin_lock(&cdevs_lock);
	list_for_each_entry(c, &cdevs, node) {
		if (inode->rdev >= c->dev && inode->rdev < c->dev + c->count) {
			found = c;
			break;
		}
	}
	spin_unlock(&cdevs_lock);
	if (!found)
		return -ENXIO;
	f->ops = found->ops;
	return f->ops->open ? f->ops->open(inode, f) : 0;
}

const struct file_ops cdev_fops = { .open = cdev_open };

static int devices_show(struct strbuf *sb)
{
	struct cdev *c;

	sb_puts(sb, "Character devices:\n");
	spin_lock(&cdevs_lock);
	list_for_each_entry(c, &cdevs, node)
		sb_printf(sb, "%3u %s\n", MAJOR(c->dev), c->name);
	spin_unlock(&cdevs_lock);
	sb_puts(sb, "\nBlock devices:\n");
	blkdev_majors_show(sb);
	return 0;
}
PROC_FILE(devices, "devices", 0444, devices_show);

const struct inode_ops special_inode_ops;

void inode_init_special(struct inode *i, mode_t mode, dev_t rdev)
{
	i->mode = mode;
	switch (mode & S_IFMT) {
	case S_IFCHR:
		i->fops = &cdev_fops;
		i->rdev = rdev;
		break;
	case S_IFBLK:
		i->fops = &blkdev_fops;
		i->rdev = rdev;
		break;
	case S_IFIFO:
		i->fops = &pipe_fops;
		break;
	case S_IFSOCK:
		i->fops = &sock_fops;
		break;
	default:
		break;
	}
}

/* --- directories in the dentry cache --- */

/* Newest entry first, as the children list has them. The position counts entries; it is only good
 * for trees that do not change between two calls (tmpfs keeps cookies of its own). */
int dcache_iterate(struct file *f, struct dir_context *ctx)
{
	struct dentry *dir = f->path.dentry, *c, *last = NULL;
	loff_t at = 2;
	bool go_on = true;

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, 0, f->inode->ino, DT_DIR))
			return 0;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		if (!ctx->emit(ctx, "..", 2, 1, dir->parent->inode->ino, DT_DIR))
			return 0;
		ctx->pos = 2;
	}
	spin_lock(&dir->lock);
	list_for_each_entry(c, &dir->children, sibling) {
		struct inode *i = c->inode;

		if (!i || (c->flags & DCACHE_UNHASHED))
			continue;
		if (at++ < ctx->pos || !d_get_unless_dead(c))
			continue;
		spin_unlock(&dir->lock);
		if (last)
			d_put(last);
		last = c;
		go_on = ctx->emit(ctx, c->name.name, c->name.len, ctx->pos, i->ino,
				  mode_to_dtype(i->mode));
		if (go_on)
			ctx->pos++;
		spin_lock(&dir->lock);
		if (!go_on || c->parent != dir)
			break;
	}
	spin_unlock(&dir->lock);
	if (last)
		d_put(last);
	return 0;
}

/* --- anonymous files --- */

static struct mount *anon_mount;
static struct inode *anon_inode;
static const struct super_ops anon_super_ops;

static void anon_dname(struct dentry *d, struct strbuf *sb)
{
	sb_printf(sb, "anon_inode:%s", d->name.name);
}
static const struct dentry_ops anon_dentry_ops = { .dname = anon_dname };

static int anon_root(struct super_block *sb, struct inode **out)
{
	struct inode *i = inode_new(sb);

	if (!i)
		return -ENOMEM;
	i->ino = 1;
	i->mode = S_IFDIR | 0700;
	*out = i;
	return 0;
}

static int anon_fs_mount(const struct fs_type *type, u32 flags, const char *source __maybe_unused,
			 char *data __maybe_unused, struct super_block **out)
{
	return sb_make(type, &anon_super_ops, flags | SB_I_NODEV_FS, ANON_INODE_FS_MAGIC, anon_root,
		       out);
}
static const struct fs_type anon_fs = { .name = "anon_inodefs",
					.flags = FS_NODEV,
					.mount = anon_fs_mount };

int anon_file_create(const char *name, const struct file_ops *ops, void *private, int flags,
		     struct file **out)
{
	char text[40];
	struct qstr q;
	struct path p;
	struct file *f;
	int rc;

	rc = file_alloc(flags & ~O_CLOEXEC, current_cred(), &f);
	if (rc)
		return rc;
	qstr_set(&q, text, (u32)scnprintf(text, sizeof(text), "[%s]", name));
	p.mnt = anon_mount;
	p.dentry = d_alloc_disconnected(anon_mount->sb, &q);
	if (!p.dentry) {
		file_free_unopened(f);
		return -ENOMEM;
	}
	p.dentry->ops = &anon_dentry_ops;
	inode_get(anon_inode);
	d_instantiate(p.dentry, anon_inode);
	f->path = p;
	mount_get(p.mnt);
	f->inode = anon_inode;
	f->mode = ((u32)flags + 1) & (FMODE_READ | FMODE_WRITE);
	f->mode |= FMODE_STREAM;
	if (ops->llseek == noop_llseek)
		f->mode |= FMODE_SEEK;
	f->ops = ops;
	f->private = private;
	*out = f;
	return 0;
}

static int anon_init(void)
{
	int rc = kern_mount(&anon_fs, &anon_mount);

	if (rc)
		return rc;
	anon_inode = inode_new(anon_mount->sb);
	if (!anon_inode)
		return -ENOMEM;
	anon_inode->ino = inode_next_ino();
	anon_inode->mode = S_IRUSR | S_IWUSR;
	return 0;
}
INIT_HOOK(INIT_SUBSYS, anon_init);
