/* SPDX-License-Identifier: MIT */
/* devpts: a directory with one device node for each open pseudo-terminal, and ptmx.
 *
 * Owns:       one super block, shown by every mount; a table of nodes by number.
 * Use:        pty.c calls devpts_add and devpts_remove; names come into being when looked up.
 * Invariant:  a node's inode is kept by the table while the terminal lives, so a change of owner or
 *             mode stays. A cached name is valid while the table holds its inode.
 * Locking:    nodes_lock (sleeping) guards the table and the options; it nests inside the lock of
 *             the directory. */
#include <fs/devpts.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/list.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define DEVPTS_MAGIC 0x1cd1
#define PTS_MAJOR 136
#define MAX_NODES 4096u
#define ROOT_INO 1
#define PTMX_INO 2
#define FIRST_INO 3
#define PTMX_DEV MKDEV(5, 2)

struct options {
	bool setuid, setgid;
	uid_t uid;
	gid_t gid;
	mode_t mode, ptmxmode;
	unsigned int max;
};

static DEFINE_MUTEX(nodes_lock, LOCK_FS_PRIVATE);
static struct inode *nodes[MAX_NODES]; /* nodes_lock to write; read also without, see revalidate */
static unsigned int nr_nodes;	       /* nodes_lock */
static struct options opts = { .mode = 0600, .max = MAX_NODES }; /* nodes_lock */
static struct super_block *devpts_sb;  /* nodes_lock; once made it stays */
static struct inode *ptmx_inode;       /* with devpts_sb */
static struct mount *internal_mount;   /* nodes_lock: for devpts_open_peer */

static const struct inode_ops node_iops = { .setattr = simple_setattr };

static int devpts_revalidate(struct dentry *d, bool rcu)
{
	const struct inode *i = READ_ONCE(d->inode);

	if (!i)
		return 0;
	return i->ino < FIRST_INO || READ_ONCE(nodes[i->ino - FIRST_INO]) == i;
}

static const struct dentry_ops devpts_dops = { .revalidate = devpts_revalidate };

/* The node a name means, referenced, or NULL. nodes_lock held. */
static struct inode *node_by_name(const struct qstr *name)
{
	struct inode *i = NULL;
	u64 index = 0;

	if (name->len == 4 && !memcmp(name->name, "ptmx", 4)) {
		i = ptmx_inode;
	} else {
		if (!name->len || name->len > 4 || (name->name[0] == '0' && name->len > 1))
			return NULL;
		for (u32 k = 0; k < name->len; k++) {
			if (name->name[k] < '0' || name->name[k] > '9')
				return NULL;
			index = index * 10 + (name->name[k] - '0');
		}
		i = index < MAX_NODES ? nodes[index] : NULL;
	}
	if (i)
		inode_get(i);
	return i;
}

static int root_lookup(struct inode *dir, struct dentry *d)
{
	struct inode *i;

	mutex_lock(&nodes_lock);
	i = node_by_name(&d->name);
	mutex_unlock(&nodes_lock);
	d->ops = &devpts_dops;
	d->flags |= DCACHE_REVALIDATE;
	d_add(d, i);
	return 0;
}

/* Positions: 0 ".", 1 "..", 2 ptmx, 3 + index. */
static int root_iterate(struct file *f, struct dir_context *ctx)
{
	char name[16];

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, 1, ROOT_INO, mode_to_dtype(S_IFDIR)))
			return 0;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		if (!ctx->emit(ctx, "..", 2, 2, ROOT_INO, mode_to_dtype(S_IFDIR)))
			return 0;
		ctx->pos = 2;
	}
	if (ctx->pos == 2) {
		if (!ctx->emit(ctx, "ptmx", 4, 3, PTMX_INO, mode_to_dtype(S_IFCHR)))
			return 0;
		ctx->pos = 3;
	}
	for (; ctx->pos >= 3 && (u64)ctx->pos < 3 + MAX_NODES; ctx->pos++) {
		unsigned int index = ctx->pos - 3;
		int n;

		if (!READ_ONCE(nodes[index]))
			continue;
		n = scnprintf(name, sizeof(name), "%u", index);
		if (!ctx->emit(ctx, name, n, ctx->pos + 1, FIRST_INO + index,
			       mode_to_dtype(S_IFCHR)))
			break;
	}
	return 0;
}

static const struct inode_ops root_iops = { .lookup = root_lookup };
static const struct file_ops root_fops = { .iterate = root_iterate, .llseek = generic_llseek };

/* --- options --- */

static int option_number(const char *value, unsigned int base, unsigned int limit,
			 unsigned int *out)
{
	unsigned int v;

	if (!value || kstrtouint(value, base, &v) || v > limit)
		return -EINVAL;
	*out = v;
	return 0;
}

static int option_set(struct options *o, const char *key, const char *value)
{
	unsigned int v;
	int rc = 0;

	if (!strcmp(key, "newinstance"))
		return 0;
	if (!strcmp(key, "uid")) {
		rc = option_number(value, 10, ~0u, &o->uid);
		o->setuid = true;
	} else if (!strcmp(key, "gid")) {
		rc = option_number(value, 10, ~0u, &o->gid);
		o->setgid = true;
	} else if (!strcmp(key, "mode")) {
		rc = option_number(value, 8, 0177777, &v);
		if (!rc)
			o->mode = v & 07777;
	} else if (!strcmp(key, "ptmxmode")) {
		rc = option_number(value, 8, 0177777, &v);
		if (!rc)
			o->ptmxmode = v & 07777;
	} else if (!strcmp(key, "max")) {
		rc = option_number(value, 10, MAX_NODES, &o->max);
	} else {
		rc = -EINVAL;
	}
	return rc;
}

/* Changes *o only when the whole text is good. */
static int options_parse(char *data, struct options *o)
{
	struct options new = *o;
	char *word;
	int rc;

	while (data && (word = strsep(&data, ",")) != NULL) {
		char *value = strchr(word, '=');

		if (!*word)
			continue;
		if (value)
			*value++ = '\0';
		rc = option_set(&new, word, value);
		if (rc)
			return rc;
	}
	*o = new;
	return 0;
}

static void devpts_show_options(struct super_block *sb, struct strbuf *s)
{
	struct options o;

	mutex_lock(&nodes_lock);
	o = opts;
	mutex_unlock(&nodes_lock);
	if (o.setuid)
		sb_printf(s, ",uid=%u", o.uid);
	if (o.setgid)
		sb_printf(s, ",gid=%u", o.gid);
	sb_printf(s, ",mode=%03o,ptmxmode=%03o", o.mode, o.ptmxmode);
	if (o.max < MAX_NODES)
		sb_printf(s, ",max=%u", o.max);
}

static int devpts_remount(struct super_block *sb, u32 *flags, char *data)
{
	int rc;

	mutex_lock(&nodes_lock);
	rc = options_parse(data, &opts);
	if (!rc)
		ptmx_inode->mode = S_IFCHR | opts.ptmxmode;
	mutex_unlock(&nodes_lock);
	return rc;
}

static int devpts_statfs(struct dentry *d, struct kstatfs *st)
{
	*st = (struct kstatfs){ .type = DEVPTS_MAGIC, .bsize = PAGE_SIZE, .namelen = NAME_MAX,
				.frsize = PAGE_SIZE };
	return 0;
}

static const struct super_ops devpts_super_ops = {
	.statfs = devpts_statfs,
	.remount = devpts_remount,
	.show_options = devpts_show_options,
};

/* --- mounting --- */

static struct inode *make_inode(struct super_block *sb, ino_t ino, mode_t mode, dev_t dev)
{
	struct inode *i = inode_new(sb);

	if (!i)
		return NULL;
	i->ino = ino;
	inode_touch(i, ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
	if (S_ISCHR(mode)) {
		i->nlink = 1;
		inode_init_special(i, mode, dev);
		i->mode = mode;
		i->ops = &node_iops;
	} else {
		i->nlink = 2;
		i->mode = mode;
		i->ops = &root_iops;
		i->fops = &root_fops;
	}
	return i;
}

static const struct fs_type *devpts_type(void)
{
	return fs_type_find("devpts");
}

/* The one super block. nodes_lock held. */
static int make_sb(void)
{
	struct super_block *sb;
	struct inode *root;
	int rc;

	if (devpts_sb)
		return 0;
	sb = sb_create(devpts_type(), &devpts_super_ops, SB_NOSUID | SB_NOEXEC);
	if (!sb)
		return -ENOMEM;
	sb->magic = DEVPTS_MAGIC;
	sb->blocksize = PAGE_SIZE;
	sb->maxbytes = 0x7fffffffffffffff;
	sb->time_gran = 1;
	root = make_inode(sb, ROOT_INO, S_IFDIR | 0755, 0);
	ptmx_inode = make_inode(sb, PTMX_INO, S_IFCHR | opts.ptmxmode, PTMX_DEV);
	if (!root || !ptmx_inode)
		goto undo;
	rc = sb_set_root(sb, root);
	root = NULL;
	if (rc)
		goto undo;
	devpts_sb = sb;
	return 0;
undo:
	if (root)
		inode_put(root);
	if (ptmx_inode)
		inode_put(ptmx_inode);
	ptmx_inode = NULL;
	sb_put(sb);
	return -ENOMEM;
}

static int devpts_mount(const struct fs_type *type, u32 flags, const char *source, char *data,
			struct super_block **out)
{
	int rc;

	mutex_lock(&nodes_lock);
	rc = make_sb();
	if (!rc)
		rc = options_parse(data, &opts);
	if (!rc) {
		ptmx_inode->mode = S_IFCHR | opts.ptmxmode;
		atomic_inc(&devpts_sb->active);
		*out = devpts_sb;
	}
	mutex_unlock(&nodes_lock);
	return rc;
}

TABLE_ENTRY(fs_types, struct fs_type, devpts) = {
	.name = "devpts",
	.flags = FS_NODEV | FS_SINGLE,
	.mount = devpts_mount,
};

/* --- nodes --- */

int devpts_add(unsigned int index)
{
	const struct cred *cred = current_cred();
	struct inode *i;
	int rc;

	if (index >= MAX_NODES)
		return -ENOSPC;
	mutex_lock(&nodes_lock);
	rc = make_sb();
	if (rc)
		goto out;
	rc = -ENOSPC;
	if (nr_nodes >= opts.max)
		goto out;
	rc = -ENOMEM;
	i = make_inode(devpts_sb, FIRST_INO + index, S_IFCHR | opts.mode, MKDEV(PTS_MAJOR, index));
	if (!i)
		goto out;
	i->uid = opts.setuid ? opts.uid : cred->fsuid;
	i->gid = opts.setgid ? opts.gid : cred->fsgid;
	WRITE_ONCE(nodes[index], i);
	nr_nodes++;
	rc = 0;
out:
	mutex_unlock(&nodes_lock);
	return rc;
}

void devpts_remove(unsigned int index)
{
	struct inode *i;

	mutex_lock(&nodes_lock);
	i = nodes[index];
	WRITE_ONCE(nodes[index], NULL);
	if (i) {
		nr_nodes--;
		i->nlink = 0;
	}
	mutex_unlock(&nodes_lock);
	if (!i)
		return;
	inode_put(i);
}

static int internal_mount_get(void)
{
	struct mount *m = NULL;
	int rc;

	if (READ_ONCE(internal_mount))
		return 0;
	rc = kern_mount(devpts_type(), &m);
	if (rc)
		return rc;
	mutex_lock(&nodes_lock);
	if (!internal_mount)
		swap(internal_mount, m);
	mutex_unlock(&nodes_lock);
	if (m)
		mount_put(m);
	return 0;
}

int devpts_open_peer(unsigned int index, int flags, struct file **out)
{
	struct path p;
	char name[32];
	int rc;

	scnprintf(name, sizeof(name), "/dev/pts/%u", index);
	rc = kern_path(name, LOOKUP_FOLLOW, &p);
	if (!rc && p.dentry->inode != READ_ONCE(nodes[index])) {
		path_put(&p);
		rc = -ENOENT;
	}
	if (rc) {
		struct qstr q = { .name = name + strlen("/dev/pts/") };
		struct dentry *d;

		rc = internal_mount_get();
		if (rc)
			return rc;
		q.len = strlen(q.name);
		d = d_alloc(internal_mount->root, &q);
		if (!d)
			return -ENOMEM;
		rc = root_lookup(internal_mount->root->inode, d);
		if (!rc && !d->inode)
			rc = -ENOENT;
		if (rc) {
			d_put(d);
			return rc;
		}
		mount_get(internal_mount);
		p = (struct path){ .mnt = internal_mount, .dentry = d };
	}
	rc = file_open_path(&p, flags & ~O_CLOEXEC, current_cred(), out);
	path_put(&p);
	return rc;
}
