/* SPDX-License-Identifier: MIT */
/* /proc/PID/fd, fdinfo, exe, cwd, root: links that lead to objects, not names. Following one needs
 * the right to inspect the process (ptrace_permitted). */
#include <kernel/slab.h>
#include <kernel/string.h>

#include "internal.h"

static struct files *task_files_get(struct task *t)
{
	struct files *fs;

	spin_lock(&t->lock);
	fs = t->files;
	if (fs)
		files_get(fs);
	spin_unlock(&t->lock);
	return fs;
}

static struct file *fd_file_get(const struct inode *i, int fd)
{
	struct task *t = proc_task_get(i);
	struct files *fs;
	struct file *f = NULL;

	if (!t)
		return NULL;
	fs = task_files_get(t);
	task_put(t);
	if (fs) {
		f = files_lookup(fs, (unsigned int)fd);
		files_put(fs);
	}
	return f;
}

/* --- links --- */

static int check_inspect(const struct inode *i, struct task **out)
{
	struct task *t = proc_task_get(i);

	if (!t)
		return -ESRCH;
	if (ptrace_permitted(t)) {
		task_put(t);
		return -EACCES;
	}
	*out = t;
	return 0;
}

static int fd_get_link(struct inode *i, struct dentry *d __maybe_unused, bool rcu,
		       const char **target __maybe_unused, void **cookie __maybe_unused,
		       struct path *jump)
{
	struct task *t;
	struct file *f;
	int rc;

	if (rcu)
		return -EAGAIN;
	/* Taken first, so that the right is asked of the program that has the file open. */
	f = fd_file_get(i, PROC_I(i)->fd);
	rc = check_inspect(i, &t);
	if (rc)
		goto out;
	task_put(t);
	rc = -ENOENT;
	if (f) {
		*jump = f->path;
		path_get(jump);
		rc = 1;
	}
out:
	if (f)
		file_put(f);
	return rc;
}

static int exe_get_link(struct inode *i, struct dentry *d __maybe_unused, bool rcu,
			const char **target __maybe_unused, void **cookie __maybe_unused,
			struct path *jump)
{
	struct task *t;
	struct mm *mm;
	int rc;

	if (rcu)
		return -EAGAIN;
	t = proc_task_get(i);
	if (!t)
		return -ESRCH;
	rc = task_mm_inspect(t, &mm) ? -EACCES : -ENOENT;
	task_put(t);
	if (mm) {
		down_read(&mm->lock);
		if (mm->exe_file) {
			*jump = mm->exe_file->path;
			path_get(jump);
			rc = 1;
		}
		up_read(&mm->lock);
		mm_put(mm);
	}
	return rc;
}

static int fs_get_link(struct inode *i, bool rcu, struct path *jump, bool root)
{
	struct task *t;
	int rc;

	if (rcu)
		return -EAGAIN;
	t = proc_task_get(i);
	if (!t)
		return -ESRCH;
	rc = -ENOENT;
	spin_lock(&t->lock); /* keeps t->fs; taking path references does not sleep */
	if (t->fs) {
		if (root)
			fs_get_root(t->fs, jump);
		else
			fs_get_cwd(t->fs, jump);
		rc = 1;
	}
	spin_unlock(&t->lock);
	/* Afterwards, so that it is asked of the program whose directory it is. */
	if (ptrace_permitted(t)) {
		if (rc == 1)
			path_put(jump);
		rc = -EACCES;
	}
	task_put(t);
	return rc;
}

static int cwd_get_link(struct inode *i, struct dentry *d __maybe_unused, bool rcu,
			const char **target __maybe_unused, void **cookie __maybe_unused,
			struct path *jump)
{
	return fs_get_link(i, rcu, jump, false);
}

static int root_get_link(struct inode *i, struct dentry *d __maybe_unused, bool rcu,
			 const char **target __maybe_unused, void **cookie __maybe_unused,
			 struct path *jump)
{
	return fs_get_link(i, rcu, jump, true);
}

const struct inode_ops proc_exe_iops = { .get_link = exe_get_link };
const struct inode_ops proc_cwd_iops = { .get_link = cwd_get_link };
const struct inode_ops proc_rootlink_iops = { .get_link = root_get_link };
static const struct inode_ops fd_link_iops = { .get_link = fd_get_link };

/* --- directories --- */

static int fd_revalidate(struct dentry *d, bool rcu)
{
	struct file *f;

	if (rcu)
		return -EAGAIN;
	if (!d->inode)
		return 0;
	f = fd_file_get(d->inode, PROC_I(d->inode)->fd);
	if (!f)
		return 0;
	file_put(f);
	proc_pid_set_owner(d->inode);
	return 1;
}

static bool fd_delete(const struct dentry *d __maybe_unused)
{
	return true;
}

static const struct dentry_ops fd_dentry_ops = { .revalidate = fd_revalidate, .delete = fd_delete };

static int fd_show(const void *arg, struct strbuf *sb)
{
	struct file *f = (struct file *)arg;
	u32 flags = READ_ONCE(f->flags);

	sb_printf(sb, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n", (long long)f->pos,
		  flags, f->path.mnt->id, (unsigned long)f->inode->ino);
	if (f->ops->show_fdinfo)
		f->ops->show_fdinfo(f, sb);
	return 0;
}

static ssize_t fdinfo_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct file *target = fd_file_get(f->inode, PROC_I(f->inode)->fd);
	ssize_t rc;

	if (!target)
		return -ENOENT;
	rc = textfile_read(f, u, pos, fd_show, target);
	file_put(target);
	return rc;
}

static const struct file_ops fdinfo_fops = { .read = fdinfo_read, .release = textfile_release,
					     .llseek = textfile_llseek };

static int fd_lookup_common(struct inode *dir, struct dentry *d, bool info)
{
	const struct proc_inode *pd = PROC_I(dir);
	struct inode *i;
	struct file *f;
	u32 mode;
	pid_t fd = 0;
	int rc;

	if (!(d->name.len == 1 && d->name.name[0] == '0') && !proc_parse_id(&d->name, &fd))
		return -ENOENT;
	f = fd_file_get(dir, fd);
	if (!f)
		return -ENOENT;
	mode = info ? S_IFREG | 0444 : S_IFLNK;
	if (!info && (f->mode & FMODE_READ))
		mode |= 0500;
	if (!info && (f->mode & FMODE_WRITE))
		mode |= 0300;
	file_put(f);
	rc = proc_pid_inode(d->sb, pd->pid, mode,
			    pd->inode.ino + 0x1000 + (u64)fd * 2 + (info ? 1 : 0), &i);
	if (rc)
		return rc;
	PROC_I(i)->thread = pd->thread;
	PROC_I(i)->fd = fd;
	if (info)
		i->fops = &fdinfo_fops;
	else
		i->ops = &fd_link_iops;
	proc_pid_set_owner(i);
	d->ops = &fd_dentry_ops;
	d->flags |= DCACHE_REVALIDATE;
	d_add(d, i);
	return 0;
}

static int fd_dir_lookup(struct inode *dir, struct dentry *d)
{
	return fd_lookup_common(dir, d, false);
}

static int fdinfo_dir_lookup(struct inode *dir, struct dentry *d)
{
	return fd_lookup_common(dir, d, true);
}

static int fd_iterate(struct file *f, struct dir_context *ctx, bool info)
{
	struct task *t = proc_task_get(f->inode);
	struct files *fs;
	char name[16];
	int fd;

	if (!t)
		return -ENOENT;
	if (!info && ptrace_permitted(t)) {
		task_put(t);
		return -EACCES;
	}
	fs = task_files_get(t);
	task_put(t);
	if (!fs)
		return 0;
	if ((ctx->pos == 0 && !proc_dir_emit(ctx, ".", f->inode->ino, 4)) ||
	    (ctx->pos == 1 && !proc_dir_emit(ctx, "..", f->inode->ino & ~0xfffffull, 4)))
		goto out;
	while ((fd = files_next(fs, (unsigned int)(ctx->pos - 2))) >= 0) {
		scnprintf(name, sizeof(name), "%d", fd);
		if (!ctx->emit(ctx, name, (unsigned int)strlen(name), fd + 3,
			       f->inode->ino + 0x1000 + (u64)fd * 2 + (info ? 1 : 0),
			       info ? 8 : 10))
			break;
		ctx->pos = fd + 3;
	}
out:
	files_put(fs);
	return 0;
}

static int fd_dir_iterate(struct file *f, struct dir_context *ctx)
{
	return fd_iterate(f, ctx, false);
}

static int fdinfo_dir_iterate(struct file *f, struct dir_context *ctx)
{
	return fd_iterate(f, ctx, true);
}

static int fd_dir_permission(struct inode *i, unsigned int mask)
{
	if (mask & MAY_RCU)
		return -EAGAIN;
	if (PROC_I(i)->pid->process == current->process)
		return 0; /* a process that changed its uid still sees its own descriptors */
	return generic_permission(i, mask);
}

const struct inode_ops proc_fd_dir_iops = { .lookup = fd_dir_lookup,
					    .permission = fd_dir_permission };
const struct inode_ops proc_fdinfo_dir_iops = { .lookup = fdinfo_dir_lookup };
const struct file_ops proc_fd_dir_fops = { .iterate = fd_dir_iterate, .llseek = generic_llseek };
const struct file_ops proc_fdinfo_dir_fops = { .iterate = fdinfo_dir_iterate,
					       .llseek = generic_llseek };
