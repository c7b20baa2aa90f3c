/* SPDX-License-Identifier: MIT */
/* sysfs: node tree and file system type.
 * Owns:      the tree of struct sysfs_node, built by sysfs_dir, sysfs_attr and sysfs_link.
 * Locking:   use_lock (LOCK_SYSFS_USE), see there, keeps what attributes show from going.
 *            tree_lock (LOCK_FS_PRIVATE mutex) guards links between nodes and `removed`. An inode
 *            holds a reference on its node, so a node outlives its removal until the last inode
 *            goes.
 * Lifetime:  nodes are counted: one reference of the tree, one of each inode.
 * Dentries of nodes are revalidated against `removed`. */
#include <fs/sysfs.h>
#include <fs/textfile.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define SYSFS_MAGIC 0x62656572

struct sysfs_node {
	refcount_t refs;
	struct sysfs_node *parent, *children, *next; /* tree_lock */
	bool removed;				     /* tree_lock to write */
	mode_t mode;
	ino_t ino;
	const struct sysfs_attr *attr;
	void *arg;
	char *target; /* of a link */
	char name[];
};

static struct sysfs_node *root_node;
static ino_t next_ino = 1; /* tree_lock */
static DEFINE_MUTEX(tree_lock, LOCK_FS_PRIVATE);
/* Read: a show or store runs, whose arg must not go. Removal takes it once after marking nodes. */
static struct rwsem use_lock = RWSEM_INIT(use_lock, LOCK_SYSFS_USE);
static struct super_block *sysfs_sb; /* tree_lock: one for all mounts */

static const struct inode_ops dir_iops, link_iops, attr_iops;
static const struct file_ops dir_fops, attr_fops;

/* --- tree --- */

static struct sysfs_node *node_new(const char *name, size_t len, mode_t mode)
{
	struct sysfs_node *n = kzalloc(sizeof(*n) + len + 1, GFP_KERNEL);

	if (n) {
		refcount_set(&n->refs, 1);
		memcpy(n->name, name, len);
		n->mode = mode;
	}
	return n;
}

static void node_put(struct sysfs_node *n)
{
	if (refcount_dec_and_test(&n->refs)) {
		kfree(n->target);
		kfree(n);
	}
}

static struct sysfs_node *child_find(const struct sysfs_node *dir, const char *name, size_t len)
	MUST_HOLD(tree_lock)
{
	for (struct sysfs_node *n = dir->children; n; n = n->next)
		if (strlen(n->name) == len && memcmp(n->name, name, len) == 0)
			return n;
	return NULL;
}

static int child_add(struct sysfs_node *dir, struct sysfs_node *n) MUST_HOLD(tree_lock)
{
	struct sysfs_node **end = &dir->children;

	for (; *end; end = &(*end)->next)
		if (strcmp((*end)->name, n->name) == 0)
			return -EEXIST;
	n->parent = dir;
	n->ino = next_ino++;
	*end = n;
	return 0;
}

int sysfs_dir(struct sysfs_node *parent, const char *path, struct sysfs_node **out)
{
	struct sysfs_node *dir = parent ? parent : root_node, *n;
	int rc = 0;

	mutex_lock(&tree_lock);
	while (*path) {
		size_t len = (size_t)(strchrnul(path, '/') - path);

		n = child_find(dir, path, len);
		if (!n) {
			rc = -ENOMEM;
			n = node_new(path, len, S_IFDIR | 0755);
			if (!n)
				break;
			rc = child_add(dir, n);
		} else if (!S_ISDIR(n->mode)) {
			rc = -ENOTDIR;
			break;
		}
		dir = n;
		path += len + (path[len] == '/');
	}
	mutex_unlock(&tree_lock);
	if (rc == 0 && out)
		*out = dir;
	return rc;
}

static int add_leaf(struct sysfs_node *dir, struct sysfs_node *n)
{
	int rc;

	mutex_lock(&tree_lock);
	rc = child_add(dir ? dir : root_node, n);
	mutex_unlock(&tree_lock);
	if (rc)
		node_put(n);
	return rc;
}

int sysfs_attr(struct sysfs_node *dir, const struct sysfs_attr *attr, void *arg)
{
	struct sysfs_node *n = node_new(attr->name, strlen(attr->name), S_IFREG | attr->mode);

	if (!n)
		return -ENOMEM;
	n->attr = attr;
	n->arg = arg;
	return add_leaf(dir, n);
}

int sysfs_link(struct sysfs_node *dir, const char *name, const char *target)
{
	struct sysfs_node *n = node_new(name, strlen(name), S_IFLNK | 0777);

	if (!n)
		return -ENOMEM;
	n->target = kstrdup(target, GFP_KERNEL);
	if (!n->target) {
		node_put(n);
		return -ENOMEM;
	}
	return add_leaf(dir, n);
}

static void remove_below(struct sysfs_node *n) MUST_HOLD(tree_lock)
{
	struct sysfs_node *c;

	while ((c = n->children)) {
		n->children = c->next;
		remove_below(c);
		WRITE_ONCE(c->removed, true);
		node_put(c);
	}
}

void sysfs_remove(struct sysfs_node *n)
{
	struct sysfs_node **at;

	mutex_lock(&tree_lock);
	for (at = &n->parent->children; *at != n; at = &(*at)->next)
		;
	*at = n->next;
	remove_below(n);
	WRITE_ONCE(n->removed, true);
	mutex_unlock(&tree_lock);
	down_write(&use_lock);
	up_write(&use_lock);
	node_put(n);
}

struct sysfs_node *sysfs_find(struct sysfs_node *dir, const char *name)
{
	struct sysfs_node *n;

	mutex_lock(&tree_lock);
	n = child_find(dir ? dir : root_node, name, strlen(name));
	mutex_unlock(&tree_lock);
	return n;
}

/* --- inodes --- */

static struct sysfs_node *NODE(const struct inode *i)
{
	return i->private;
}

static int node_inode(struct super_block *sb, struct sysfs_node *n, struct inode **out)
{
	struct inode *i = inode_new(sb);

	if (!i)
		return -ENOMEM;
	refcount_inc(&n->refs);
	i->private = n;
	i->mode = n->mode;
	i->ino = n->ino;
	i->nlink = S_ISDIR(n->mode) ? 2 : 1;
	i->size = S_ISREG(n->mode) ? (loff_t)PAGE_SIZE : 0;
	inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	i->ops = S_ISDIR(n->mode) ? &dir_iops : S_ISLNK(n->mode) ? &link_iops : &attr_iops;
	if (!S_ISLNK(n->mode))
		i->fops = S_ISDIR(n->mode) ? &dir_fops : &attr_fops;
	*out = i;
	return 0;
}

static void sysfs_evict_inode(struct inode *i)
{
	if (i->private)
		node_put(NODE(i));
	i->private = NULL;
}

static int sysfs_revalidate(struct dentry *d, bool rcu __maybe_unused)
{
	const struct inode *i = READ_ONCE(d->inode);

	return i && !READ_ONCE(NODE(i)->removed);
}

static const struct dentry_ops sysfs_dops = { .revalidate = sysfs_revalidate };

static int dir_lookup(struct inode *dir, struct dentry *d)
{
	struct sysfs_node *n;
	struct inode *i = NULL;
	int rc = -ENOENT;

	mutex_lock(&tree_lock);
	n = child_find(NODE(dir), d->name.name, d->name.len);
	if (n)
		rc = node_inode(d->sb, n, &i);
	mutex_unlock(&tree_lock);
	if (rc)
		return rc;
	d->ops = &sysfs_dops;
	d->flags |= DCACHE_REVALIDATE;
	d_add(d, i);
	return 0;
}

static int dir_iterate(struct file *f, struct dir_context *ctx)
{
	struct sysfs_node *dir = NODE(f->inode), *n;
	loff_t at = 2;

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, 1, dir->ino, 4))
			return 0;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		if (!ctx->emit(ctx, "..", 2, 2, dir->parent ? dir->parent->ino : dir->ino, 4))
			return 0;
		ctx->pos = 2;
	}
	mutex_lock(&tree_lock);
	for (n = dir->children; n; n = n->next, at++) {
		if (at < ctx->pos)
			continue;
		if (!ctx->emit(ctx, n->name, (unsigned int)strlen(n->name), at + 1, n->ino,
			       mode_to_dtype(n->mode)))
			break;
		ctx->pos = at + 1;
	}
	mutex_unlock(&tree_lock);
	return 0;
}

static int link_get(struct inode *i, struct dentry *d __maybe_unused, bool rcu __maybe_unused,
		    const char **target, void **cookie, struct path *jump __maybe_unused)
{
	*target = NODE(i)->target;
	*cookie = NULL;
	return 0;
}

static int attr_show(const void *arg, struct strbuf *sb)
{
	const struct sysfs_node *n = arg;
	int rc = -EIO;

	down_read(&use_lock);
	if (READ_ONCE(n->removed))
		rc = -ENODEV;
	else if (n->attr->show)
		rc = n->attr->show(n->arg, sb);
	up_read(&use_lock);
	return rc;
}

static ssize_t attr_read(struct file *f, struct uio *u, loff_t *pos)
{
	return textfile_read(f, u, pos, attr_show, NODE(f->inode));
}

static ssize_t attr_write(struct file *f, struct uio *u, loff_t *pos)
{
	const struct sysfs_node *n = NODE(f->inode);
	char *text;
	size_t len;
	int rc;

	if (!n->attr->store)
		return -EIO;
	rc = textfile_import(u, &text, &len);
	if (rc)
		return rc;
	down_read(&use_lock);
	rc = READ_ONCE(n->removed) ? -ENODEV : n->attr->store(n->arg, text, len);
	up_read(&use_lock);
	kfree(text);
	if (rc)
		return rc;
	*pos += (loff_t)len;
	return (ssize_t)len;
}

static int attr_setattr(struct dentry *d, struct iattr *attr)
{
	attr->valid &= ~(u32)ATTR_SIZE; /* O_TRUNC by shell redirection */
	return simple_setattr(d, attr);
}

static const struct inode_ops dir_iops = { .lookup = dir_lookup };
static const struct inode_ops link_iops = { .get_link = link_get };
static const struct inode_ops attr_iops = { .setattr = attr_setattr };
static const struct file_ops dir_fops = { .iterate = dir_iterate, .llseek = generic_llseek };
static const struct file_ops attr_fops = { .read = attr_read, .write = attr_write,
					   .release = textfile_release, .llseek = generic_llseek };

/* --- mounting --- */

static int sysfs_statfs(struct dentry *d __maybe_unused, struct kstatfs *st)
{
	*st = (struct kstatfs){ .type = SYSFS_MAGIC, .bsize = PAGE_SIZE, .namelen = NAME_MAX,
				.frsize = PAGE_SIZE };
	return 0;
}

static const struct super_ops sysfs_super_ops = { .evict_inode = sysfs_evict_inode,
						  .statfs = sysfs_statfs };

static int make_root(struct super_block *sb, struct inode **out)
{
	return node_inode(sb, root_node, out);
}

static int sysfs_mount(const struct fs_type *type, u32 flags, const char *source __maybe_unused,
		       char *data __maybe_unused, struct super_block **out)
{
	int rc = 0;

	mutex_lock(&tree_lock);
	if (!sysfs_sb)
		rc = sb_make(type, &sysfs_super_ops, (flags & ~SB_RDONLY) | SB_NODEV, SYSFS_MAGIC,
			     make_root, &sysfs_sb);
	if (rc == 0) {
		atomic_inc(&sysfs_sb->active);
		*out = sysfs_sb;
	}
	mutex_unlock(&tree_lock);
	return rc;
}

TABLE_ENTRY(fs_types, struct fs_type, sysfs) = {
	.name = "sysfs",
	.flags = FS_NODEV | FS_SINGLE,
	.mount = sysfs_mount,
};

/* --- what the machine has --- */

static void put_cpu_list(struct strbuf *sb)
{
	sb_printf(sb, cpu_online_count > 1 ? "0-%u\n" : "0\n", cpu_online_count - 1);
}

static int cpus_show(void *arg __maybe_unused, struct strbuf *sb)
{
	put_cpu_list(sb);
	return 0;
}

static int one_show(void *arg __maybe_unused, struct strbuf *sb)
{
	sb_puts(sb, "1\n");
	return 0;
}

static int cpu_id_show(void *arg, struct strbuf *sb)
{
	sb_printf(sb, "%lu\n", (unsigned long)arg);
	return 0;
}

static int zero_show(void *arg __maybe_unused, struct strbuf *sb)
{
	sb_puts(sb, "0\n");
	return 0;
}

static const struct sysfs_attr cpu_masks[] = {
	{ .name = "online", .mode = 0444, .show = cpus_show },
	{ .name = "possible", .mode = 0444, .show = cpus_show },
	{ .name = "present", .mode = 0444, .show = cpus_show },
};
static const struct sysfs_attr cpu_online = { .name = "online", .mode = 0444, .show = one_show };
static const struct sysfs_attr core_id = { .name = "core_id", .mode = 0444, .show = cpu_id_show };
static const struct sysfs_attr package_id = { .name = "physical_package_id", .mode = 0444,
					      .show = zero_show };

static int add_cpus(void)
{
	struct sysfs_node *cpu, *one, *topo;
	char name[32];
	int rc = sysfs_dir(NULL, "devices/system/cpu", &cpu);

	for (unsigned int k = 0; rc == 0 && k < ARRAY_SIZE(cpu_masks); k++)
		rc = sysfs_attr(cpu, &cpu_masks[k], NULL);
	for (unsigned long c = 0; rc == 0 && c < cpu_online_count; c++) {
		scnprintf(name, sizeof(name), "cpu%lu", c);
		rc = sysfs_dir(cpu, name, &one);
		if (rc == 0)
			rc = sysfs_dir(one, "topology", &topo);
		if (rc == 0)
			rc = sysfs_attr(one, &cpu_online, NULL);
		if (rc == 0)
			rc = sysfs_attr(topo, &core_id, (void *)c);
		if (rc == 0)
			rc = sysfs_attr(topo, &package_id, NULL);
	}
	return rc;
}

static int sysfs_init(void)
{
	static const char *const dirs[] = { "block", "bus", "class", "dev/block", "dev/char",
					    "devices", "firmware", "fs", "kernel", "module",
					    "power" };
	int rc = 0;

	root_node = node_new("", 0, S_IFDIR | 0555);
	if (!root_node)
		return -ENOMEM;
	root_node->ino = next_ino++;
	for (unsigned int k = 0; rc == 0 && k < ARRAY_SIZE(dirs); k++)
		rc = sysfs_dir(NULL, dirs[k], NULL);
	return rc;
}
INIT_HOOK(INIT_SUBSYS, sysfs_init);
INIT_HOOK(INIT_FS, add_cpus); /* all of them are online by now */
