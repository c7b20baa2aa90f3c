/* SPDX-License-Identifier: MIT */
/* /proc/PID and /proc/PID/task/TID: directories of one process or thread.
 * Entries are rows: text files from the table proc_pid_files (any subsystem adds its own), and the
 * few that have operations of their own. An inode holds a struct pid; every access finds the task
 * behind it anew and fails with ESRCH when it has gone. */
#include <kernel/slab.h>
#include <kernel/string.h>

#include "internal.h"


static const struct proc_pid_entry special[] = {
	{ .name = "task", .mode = S_IFDIR | 0555, .process_only = true,
	  .iops = &proc_task_dir_iops, .fops = &proc_task_dir_fops },
	{ .name = "fd", .mode = S_IFDIR | 0500, .iops = &proc_fd_dir_iops,
	  .fops = &proc_fd_dir_fops },
	{ .name = "fdinfo", .mode = S_IFDIR | 0555, .iops = &proc_fdinfo_dir_iops,
	  .fops = &proc_fdinfo_dir_fops },
	{ .name = "exe", .mode = S_IFLNK | 0777, .iops = &proc_exe_iops },
	{ .name = "cwd", .mode = S_IFLNK | 0777, .iops = &proc_cwd_iops },
	{ .name = "root", .mode = S_IFLNK | 0777, .iops = &proc_rootlink_iops },
	{ .name = "mem", .mode = S_IFREG | 0600, .fops = &proc_mem_fops },
};

/* --- tasks --- */

struct task *proc_task_get(const struct inode *i)
{
	const struct proc_inode *pi = PROC_I(i);
	struct process *p;
	struct task *t;

	rcu_read_lock();
	t = rcu_dereference(pi->pid->task);
	if (!pi->thread) {
		p = rcu_dereference(pi->pid->process);
		t = p ? rcu_dereference(p->leader) : NULL;
	}
	if (t && !refcount_inc_not_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

void proc_pid_set_owner(struct inode *i)
{
	struct task *t = proc_task_get(i);
	const struct cred *c;

	if (!t)
		return;
	c = task_cred_get(t);
	i->uid = READ_ONCE(t->process->dumpable) == 1 ? c->euid : 0;
	i->gid = READ_ONCE(t->process->dumpable) == 1 ? c->egid : 0;
	cred_put(c);
	task_put(t);
}

static bool pid_alive(const struct proc_inode *pi)
{
	return pi->thread ? READ_ONCE(pi->pid->task) != NULL : READ_ONCE(pi->pid->process) != NULL;
}

static int pid_revalidate(struct dentry *d, bool rcu)
{
	struct inode *i = READ_ONCE(d->inode);

	if (!i || !pid_alive(PROC_I(i)))
		return 0;
	if (rcu)
		return -EAGAIN;
	proc_pid_set_owner(i);
	return 1;
}

/* Never kept without a user: nobody would ask again for those of a dead process, and one cached
 * file keeps its directory, inode and pid. */
static bool pid_delete(const struct dentry *d __maybe_unused)
{
	return true;
}

const struct dentry_ops proc_pid_dentry_ops = { .revalidate = pid_revalidate,
						.delete = pid_delete };

static void pid_dentry_add(struct dentry *d, struct inode *i)
{
	proc_pid_set_owner(i);
	d->ops = &proc_pid_dentry_ops;
	d->flags |= DCACHE_REVALIDATE;
	d_add(d, i);
}

int proc_pid_lookup(struct inode *dir, struct dentry *d, pid_t nr, bool thread)
{
	struct pid *pid = pid_find_get(nr);
	struct task *t;
	struct inode *i;
	int rc = -ENOENT;

	if (!pid)
		return rc;
	rcu_read_lock();
	t = rcu_dereference(pid->task);
	if (thread ? t && PROC_I(dir)->pid->process == t->process
		   : t || rcu_dereference(pid->process))
		rc = 0;
	rcu_read_unlock();
	if (rc)
		goto out;
	if (!thread && !READ_ONCE(pid->process)) {
		rc = -ENOENT; /* a thread id: visible under its process only */
		goto out;
	}
	rc = proc_pid_inode(d->sb, pid, S_IFDIR | 0555, ((u64)nr << 20) | (thread ? 0x800 : 0), &i);
	if (rc)
		goto out;
	PROC_I(i)->thread = thread;
	i->ops = &proc_pid_dir_iops;
	i->fops = &proc_pid_dir_fops;
	pid_dentry_add(d, i);
out:
	pid_put(pid);
	return rc;
}

/* --- entries --- */

static ino_t entry_ino(const struct proc_inode *dir, unsigned int index)
{
	return dir->inode.ino + 1 + index;
}

static int add_entry(struct inode *dir, struct dentry *d, const char *name __maybe_unused,
		     mode_t mode, const struct inode_ops *iops, const struct file_ops *fops,
		     const struct proc_pid_entry *e, unsigned int index)
{
	const struct proc_inode *pd = PROC_I(dir);
	struct inode *i;
	int rc;

	rc = proc_pid_inode(d->sb, pd->pid, mode, entry_ino(pd, index), &i);
	if (rc)
		return rc;
	PROC_I(i)->thread = pd->thread;
	PROC_I(i)->entry = e;
	if (iops)
		i->ops = iops;
	if (fops)
		i->fops = fops;
	pid_dentry_add(d, i);
	return 0;
}

static bool name_is(const struct dentry *d, const char *s)
{
	return strlen(s) == d->name.len && memcmp(s, d->name.name, d->name.len) == 0;
}

static int pid_dir_lookup(struct inode *dir, struct dentry *d)
{
	unsigned int index = 0;

	for (unsigned int k = 0; k < ARRAY_SIZE(special); k++, index++) {
		const struct proc_pid_entry *e = &special[k];

		if (name_is(d, e->name) && !(e->process_only && PROC_I(dir)->thread))
			return add_entry(dir, d, e->name, e->mode, e->iops, e->fops, e, index);
	}
	TABLE_FOREACH(proc_pid_files, struct proc_pid_file, f) {
		if (name_is(d, f->name) && (f->per_thread || !PROC_I(dir)->thread)) {
			int rc = add_entry(dir, d, f->name, S_IFREG | f->mode, NULL,
					   &proc_pid_text_fops, (const void *)f, index);
			return rc;
		}
		index++;
	}
	return -ENOENT;
}

static int pid_dir_iterate(struct file *f, struct dir_context *ctx)
{
	const struct proc_inode *pd = PROC_I(f->inode);
	unsigned int index = 0;

	if ((ctx->pos == 0 && !proc_dir_emit(ctx, ".", f->inode->ino, 4)) ||
	    (ctx->pos == 1 && !proc_dir_emit(ctx, "..", 1, 4)))
		return 0;
	for (unsigned int k = 0; k < ARRAY_SIZE(special); k++, index++) {
		if (ctx->pos > index + 2)
			continue;
		if (special[k].process_only && pd->thread)
			ctx->pos++;
		else if (!proc_dir_emit(ctx, special[k].name, entry_ino(pd, index),
					mode_to_dtype(special[k].mode)))
			return 0;
	}
	TABLE_FOREACH(proc_pid_files, struct proc_pid_file, row) {
		if (ctx->pos <= index + 2) {
			if (!row->per_thread && pd->thread)
				ctx->pos++;
			else if (!proc_dir_emit(ctx, row->name, entry_ino(pd, index), 8))
				return 0;
		}
		index++;
	}
	return 0;
}

const struct inode_ops proc_pid_dir_iops = { .lookup = pid_dir_lookup };
const struct file_ops proc_pid_dir_fops = { .iterate = pid_dir_iterate, .llseek = generic_llseek };

/* --- text files --- */

struct pid_show {
	const struct proc_pid_file *row;
	struct task *t;
};

static int show_pid(const void *arg, struct strbuf *sb)
{
	const struct pid_show *s = arg;
	int rc = s->row->show(s->t, sb);

	/* Asked after the text was made: an exec in between must not have changed whose it is. */
	if (!rc && !(s->row->mode & 0077) && ptrace_permitted(s->t))
		rc = -EACCES;
	return rc;
}

static ssize_t pid_text_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct pid_show s = { .row = (const void *)PROC_I(f->inode)->entry };
	ssize_t rc;

	s.t = proc_task_get(f->inode);
	if (!s.t)
		return -ESRCH;
	if (!(s.row->mode & 0077) && ptrace_permitted(s.t))
		rc = -EACCES;
	else
		rc = textfile_read(f, u, pos, show_pid, &s);
	task_put(s.t);
	return rc;
}

static ssize_t pid_text_write(struct file *f, struct uio *u, loff_t *pos)
{
	const struct proc_pid_file *row = (const void *)PROC_I(f->inode)->entry;
	struct task *t;
	char *text;
	size_t n;
	int rc;

	if (!row->store)
		return -EINVAL;
	rc = textfile_import(u, &text, &n);
	if (rc)
		return rc;
	t = proc_task_get(f->inode);
	rc = t ? row->store(t, text, n) : -ESRCH;
	if (t)
		task_put(t);
	kfree(text);
	if (rc)
		return rc;
	*pos += (loff_t)n;
	return (ssize_t)n;
}

const struct file_ops proc_pid_text_fops = { .read = pid_text_read, .write = pid_text_write,
					     .release = textfile_release,
					     .llseek = textfile_llseek };

/* --- task/ --- */

static int task_dir_lookup(struct inode *dir, struct dentry *d)
{
	pid_t nr;

	if (!proc_parse_id(&d->name, &nr))
		return -ENOENT;
	return proc_pid_lookup(dir, d, nr, true);
}

/* The smallest thread id above `after`, 0 when there is none. */
static pid_t next_tid(struct process *p, pid_t after)
{
	pid_t best = 0;
	struct task *t;
	irqflags_t f = spin_lock_irqsave(&tasklist_lock);

	list_for_each_entry(t, &p->threads, thread_node)
		if ((pid_t)t->tid > after && (best == 0 || (pid_t)t->tid < best))
			best = (pid_t)t->tid;
	spin_unlock_irqrestore(&tasklist_lock, f);
	return best;
}

static int task_dir_iterate(struct file *f, struct dir_context *ctx)
{
	struct task *t = proc_task_get(f->inode);
	char name[16];
	pid_t tid;

	if (!t)
		return -ENOENT;
	if ((ctx->pos == 0 && !proc_dir_emit(ctx, ".", f->inode->ino, 4)) ||
	    (ctx->pos == 1 && !proc_dir_emit(ctx, "..", f->inode->ino & ~0xfffffull, 4)))
		goto out;
	while ((tid = next_tid(t->process, (pid_t)(ctx->pos - 2)))) {
		scnprintf(name, sizeof(name), "%d", tid);
		if (!ctx->emit(ctx, name, (unsigned int)strlen(name), tid + 2,
			       ((u64)tid << 20) | 0x800, 4))
			break;
		ctx->pos = tid + 2;
	}
out:
	task_put(t);
	return 0;
}

const struct inode_ops proc_task_dir_iops = { .lookup = task_dir_lookup };
const struct file_ops proc_task_dir_fops = { .iterate = task_dir_iterate,
					     .llseek = generic_llseek };

/* --- mem --- */

/* The file stands for the address space of the moment it was opened, not for the process: who was
 * allowed to open it must not reach into the program that an exec with other rights starts later.
 * Only the structure is held, so that an open file keeps no memory in use. */
static int mem_open(struct inode *inode, struct file *f)
{
	struct task *t = proc_task_get(inode);
	struct mm *mm;
	int rc;

	if (!t)
		return -ESRCH;
	rc = task_mm_inspect(t, &mm) ? -EACCES : 0;
	task_put(t);
	if (!rc && mm) {
		mm_grab(mm);
		mm_put(mm);
		f->private = mm;
	}
	return rc;
}

static void mem_release(struct inode *inode __maybe_unused, struct file *f)
{
	if (f->private)
		mm_drop(f->private);
}

static ssize_t mem_rw(struct file *f, struct uio *u, loff_t *pos, bool write)
{
	struct mm *mm = f->private;
	ssize_t done = 0;
	u8 *buf = NULL;
	size_t n, got;

	if (!mm || !mm_get_live(mm))
		return 0;
	buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!buf) {
		done = -ENOMEM;
		goto out;
	}
	while (u->count) {
		n = min(u->count, PAGE_SIZE - ((u64)*pos & (PAGE_SIZE - 1)));
		if (write) {
			n = uio_read_from(u, buf, n);
			got = n ? mm_write_forced(mm, (u64)*pos, buf, n) : 0;
		} else {
			got = mm_read(mm, (u64)*pos, buf, n);
			got = got ? uio_write_to(u, buf, got) : 0;
		}
		*pos += (loff_t)got;
		done += (ssize_t)got;
		if (got < n || got == 0)
			break;
	}
	if (done == 0 && u->count)
		done = u->fault ? -EFAULT : -EIO;
out:
	kfree(buf);
	mm_put(mm);
	return done;
}

static ssize_t mem_read(struct file *f, struct uio *u, loff_t *pos)
{
	return mem_rw(f, u, pos, false);
}

static ssize_t mem_write(struct file *f, struct uio *u, loff_t *pos)
{
	return mem_rw(f, u, pos, true);
}

static loff_t mem_llseek(struct file *f, loff_t off, int whence)
{
	if (whence > 1)
		return -EINVAL;
	return f->pos = whence ? f->pos + off : off; /* addresses above 2^63 are negative offsets */
}

const struct file_ops proc_mem_fops = { .open = mem_open, .read = mem_read, .write = mem_write,
					.llseek = mem_llseek, .release = mem_release };
