/* SPDX-License-Identifier: MIT */
/* Working directory, root and umask of a process. */
#include "vfs_internal.h"

#include <kernel/init.h>

struct fs_struct init_fs = {
	.users = ATOMIC_INIT(1),
	.lock = SPINLOCK_INIT(LOCK_FS_STRUCT),
	.umask = 022,
};

void fs_get_root(struct fs_struct *fs, struct path *out)
{
	spin_lock(&fs->lock);
	*out = fs->root;
	path_get(out);
	spin_unlock(&fs->lock);
}

void fs_get_cwd(struct fs_struct *fs, struct path *out)
{
	spin_lock(&fs->lock);
	*out = fs->cwd;
	path_get(out);
	spin_unlock(&fs->lock);
}

/* The reference of p is taken over; the old one dropped. */
static void set_path(struct fs_struct *fs, struct path *which, const struct path *p)
{
	struct path old;

	spin_lock(&fs->lock);
	old = *which;
	write_seqbegin(&fs->seq);
	*which = *p;
	write_seqend(&fs->seq);
	spin_unlock(&fs->lock);
	path_put(&old);
}

void fs_set_root(struct fs_struct *fs, const struct path *p)
{
	set_path(fs, &fs->root, p);
}

void fs_set_cwd(struct fs_struct *fs, const struct path *p)
{
	set_path(fs, &fs->cwd, p);
}

/* pivot_root: whoever has its root or cwd at `from` gets `to`. */
void fs_replace_path(struct fs_struct *fs, const struct path *from, const struct path *to)
{
	struct path *which[2] = { &fs->root, &fs->cwd };
	unsigned int drop = 0;

	spin_lock(&fs->lock);
	write_seqbegin(&fs->seq);
	for (unsigned int k = 0; k < 2; k++) {
		if (which[k]->mnt != from->mnt || which[k]->dentry != from->dentry)
			continue;
		*which[k] = *to;
		path_get(to);
		drop++;
	}
	write_seqend(&fs->seq);
	spin_unlock(&fs->lock);
	while (drop--)
		path_put(from);
}

/* pivot_root: all processes. Threads of one process share an fs_struct as a rule; those that do not
 * are visited too. */
void fs_replace_all(const struct path *from, const struct path *to)
{
	struct process *p;
	pid_t nr = 1;

	fs_replace_path(&init_fs, from, to);
	while ((p = process_next_get(&nr)) != NULL) {
		struct fs_struct *fs;
		struct task *t;

		rcu_read_lock();
		list_for_each_entry_rcu(t, &p->threads, thread_node) {
			/* Not the last references: the caller has some, so nothing here sleeps. */
			spin_lock(&t->lock);
			fs = t->fs;
			if (fs && fs != &init_fs)
				fs_replace_path(fs, from, to);
			spin_unlock(&t->lock);
		}
		rcu_read_unlock();
		process_put(p);
		nr++;
	}
}

int fs_struct_clone(struct fs_struct *from, struct fs_struct **out)
{
	struct fs_struct *fs = kmalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	atomic_set(&fs->users, 1);
	spin_lock_init(&fs->lock, LOCK_FS_STRUCT);
	fs->seq.seq = 0;
	fs->in_exec = false;
	spin_lock(&from->lock);
	fs->umask = from->umask;
	fs->root = from->root;
	fs->cwd = from->cwd;
	path_get(&fs->root);
	path_get(&fs->cwd);
	spin_unlock(&from->lock);
	*out = fs;
	return 0;
}

void fs_struct_put(struct fs_struct *fs)
{
	if (!fs || !atomic_dec_and_test(&fs->users))
		return;
	path_put(&fs->root);
	path_put(&fs->cwd);
	kfree(fs);
}

mode_t current_umask(void)
{
	return current_fs()->umask;
}
