/* SPDX-License-Identifier: MIT */
/* The proc file system type: super block, inodes, the root directory (static nodes, then one
 * directory a process, then self and thread-self).
 * Lifetime: inodes are made at look-up and hold a reference on the struct pid they speak of; a
 * process that has gone makes its dentries invalid at the next look-up. */
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "internal.h"

#define PROC_MAGIC 0x9fa0
#define SELF_INO 2
#define THREAD_SELF_INO 3
/* Directory positions: the processes start here, by number. */
#define POS_PIDS 0x10000

static struct kmem_cache *proc_inode_cache;

static struct inode *proc_alloc_inode(struct super_block *sb __maybe_unused)
{
	struct proc_inode *pi = kmem_cache_alloc(proc_inode_cache, GFP_KERNEL | GFP_ZERO);

	return pi ? &pi->inode : NULL;
}

static void proc_free_inode(struct inode *i)
{
	kmem_cache_free(proc_inode_cache, PROC_I(i));
}

static void proc_evict_inode(struct inode *i)
{
	if (PROC_I(i)->pid)
		pid_put(PROC_I(i)->pid);
	PROC_I(i)->pid = NULL;
}

static bool proc_drop_inode(struct inode *i __maybe_unused)
{
	return true;
}

static int proc_statfs(struct dentry *d __maybe_unused, struct kstatfs *st)
{
	*st = (struct kstatfs){ .type = PROC_MAGIC, .bsize = PAGE_SIZE, .namelen = NAME_MAX,
				.frsize = PAGE_SIZE };
	return 0;
}

static const struct super_ops proc_super_ops = {
	.alloc_inode = proc_alloc_inode,
	.free_inode = proc_free_inode,
	.evict_inode = proc_evict_inode,
	.drop_inode = proc_drop_inode,
	.statfs = proc_statfs,
};

static struct inode *new_inode(struct super_block *sb, mode_t mode, ino_t ino)
{
	struct inode *i = inode_new(sb);

	if (i) {
		i->mode = mode;
		i->ino = ino;
		i->nlink = S_ISDIR(mode) ? 2 : 1;
		inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	}
	return i;
}

int proc_pid_inode(struct super_block *sb, struct pid *pid, mode_t mode, ino_t ino,
		   struct inode **out)
{
	struct inode *i = new_inode(sb, mode, ino);

	if (!i)
		return -ENOMEM;
	pid_get(pid);
	PROC_I(i)->pid = pid;
	i->ops = &proc_file_iops;
	*out = i;
	return 0;
}

int proc_static_inode(struct super_block *sb, const struct proc_node *n, struct inode **out)
{
	struct inode *i = new_inode(sb, n->mode, n->ino);

	if (!i)
		return -ENOMEM;
	PROC_I(i)->node = n;
	i->ops = n->iops ? n->iops : proc_static_ops(n);
	if (n->fops)
		i->fops = n->fops;
	else if (S_ISDIR(n->mode))
		i->fops = &proc_static_dir_fops;
	else if (n->sysctl)
		i->fops = &proc_sysctl_fops;
	else if (n->file)
		i->fops = &proc_text_fops;
	*out = i;
	return 0;
}

/* --- self, thread-self --- */

static int self_get_link(struct inode *i, struct dentry *d __maybe_unused, bool rcu,
			 const char **target, void **cookie, struct path *jump __maybe_unused)
{
	char *buf;

	if (rcu)
		return -EAGAIN;
	buf = kmalloc(40, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (i->ino == SELF_INO)
		scnprintf(buf, 40, "%d", current->process->tgid);
	else
		scnprintf(buf, 40, "%d/task/%d", current->process->tgid, current->tid);
	*target = buf;
	*cookie = buf;
	return 0;
}

static void self_put_link(void *cookie)
{
	kfree(cookie);
}

static const struct inode_ops self_iops = { .get_link = self_get_link, .put_link = self_put_link };

static int self_lookup(struct dentry *d, ino_t ino)
{
	struct inode *i = new_inode(d->sb, S_IFLNK | 0777, ino);

	if (!i)
		return -ENOMEM;
	i->ops = &self_iops;
	d_add(d, i);
	return 0;
}

/* --- root directory --- */

bool proc_parse_id(const struct qstr *name, pid_t *out)
{
	u64 v = 0;

	if (name->len == 0 || name->len > 9 || name->name[0] == '0')
		return false;
	for (u32 k = 0; k < name->len; k++) {
		if (name->name[k] < '0' || name->name[k] > '9')
			return false;
		v = v * 10 + (u64)(name->name[k] - '0');
	}
	*out = (pid_t)v;
	return true;
}

static int root_lookup(struct inode *dir, struct dentry *d)
{
	pid_t nr;

	if (proc_parse_id(&d->name, &nr))
		return proc_pid_lookup(dir, d, nr, false);
	if (d->name.len == 4 && memcmp(d->name.name, "self", 4) == 0)
		return self_lookup(d, SELF_INO);
	if (d->name.len == 11 && memcmp(d->name.name, "thread-self", 11) == 0)
		return self_lookup(d, THREAD_SELF_INO);
	return proc_static_lookup(proc_tree_root(), d);
}

static int root_iterate(struct file *f __maybe_unused, struct dir_context *ctx)
{
	struct pid *p;
	char name[16];
	bool more, live;

	if (ctx->pos < POS_PIDS) {
		if ((ctx->pos == 0 && !proc_dir_emit(ctx, ".", 1, 4)) ||
		    (ctx->pos == 1 && !proc_dir_emit(ctx, "..", 1, 4)) ||
		    (ctx->pos == 2 && !proc_dir_emit(ctx, "self", SELF_INO, 10)) ||
		    (ctx->pos == 3 && !proc_dir_emit(ctx, "thread-self", THREAD_SELF_INO, 10)))
			return 0;
		if (!proc_static_iterate(proc_tree_root(), ctx, 4))
			return 0;
		ctx->pos = POS_PIDS;
	}
	while ((p = pid_next_get((pid_t)(ctx->pos - POS_PIDS)))) {
		pid_t nr = p->nr;

		live = READ_ONCE(p->process) != NULL;
		pid_put(p);
		if (live) {
			scnprintf(name, sizeof(name), "%d", nr);
			more = ctx->emit(ctx, name, (unsigned int)strlen(name), POS_PIDS + nr + 1,
					 (u64)nr << 20, 4);
			if (!more)
				return 0;
		}
		ctx->pos = POS_PIDS + nr + 1;
	}
	return 0;
}

const struct inode_ops proc_root_iops = { .lookup = root_lookup };
const struct file_ops proc_root_fops = { .iterate = root_iterate, .llseek = generic_llseek };

/* --- mounting --- */

static struct super_block *proc_sb; /* one for all mounts; kept for ever */
static DEFINE_MUTEX(proc_sb_lock, LOCK_FS_PRIVATE);

static int make_root(struct super_block *sb, struct inode **out)
{
	struct inode *root = new_inode(sb, S_IFDIR | 0555, 1);

	if (!root)
		return -ENOMEM;
	sb->blocksize = 1024;
	root->ops = &proc_root_iops;
	root->fops = &proc_root_fops;
	PROC_I(root)->node = proc_tree_root();
	*out = root;
	return 0;
}

static int proc_mount(const struct fs_type *type, u32 flags, const char *source __maybe_unused,
		      char *data __maybe_unused, struct super_block **out)
{
	int rc = 0;

	mutex_lock(&proc_sb_lock);
	if (!proc_sb)
		rc = sb_make(type, &proc_super_ops, (flags & ~SB_RDONLY) | SB_NODEV, PROC_MAGIC,
			     make_root, &proc_sb);
	if (rc == 0) {
		atomic_inc(&proc_sb->active);
		*out = proc_sb;
	}
	mutex_unlock(&proc_sb_lock);
	return rc;
}

static int procfs_init(void)
{
	proc_inode_cache = kmem_cache_create("proc_inode", sizeof(struct proc_inode), 0,
					     SLAB_RCU | SLAB_RECLAIMABLE, NULL);
	return proc_inode_cache ? proc_tree_build() : -ENOMEM;
}
INIT_HOOK(INIT_FS, procfs_init);

TABLE_ENTRY(fs_types, struct fs_type, proc) = {
	.name = "proc",
	.flags = FS_NODEV | FS_SINGLE,
	.mount = proc_mount,
};
