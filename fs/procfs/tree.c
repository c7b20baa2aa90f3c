/* SPDX-License-Identifier: MIT */
/* The static part of /proc: a tree of nodes built once at boot from the linker tables proc_files,
 * sysctls and proc_links; directories come into being from the paths of the rows.
 * Lifetime: never freed, never changed after boot: no locks. */
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/log.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "internal.h"

#define PROC_FIRST_INO 0x1000ull

static struct proc_node root_node = { .name = "", .mode = S_IFDIR | 0555, .ino = 1 };
static ino_t next_ino = PROC_FIRST_INO;

struct proc_node *proc_tree_root(void)
{
	return &root_node;
}

static struct proc_node *node_child(const struct proc_node *dir, const char *name, size_t len)
{
	for (struct proc_node *n = dir->children; n; n = n->next)
		if (strlen(n->name) == len && memcmp(n->name, name, len) == 0)
			return n;
	return NULL;
}

static struct proc_node *node_add(struct proc_node *dir, const char *name, size_t len, mode_t mode)
{
	struct proc_node *n = kzalloc(sizeof(*n), GFP_KERNEL), **end = &dir->children;
	char *copy = n ? kmalloc(len + 1, GFP_KERNEL) : NULL;

	if (!copy) {
		kfree(n);
		return NULL;
	}
	memcpy(copy, name, len);
	copy[len] = '\0';
	n->name = copy;
	n->mode = mode;
	n->ino = next_ino++;
	n->parent = dir;
	while (*end)
		end = &(*end)->next;
	*end = n;
	return n;
}

/* The node for a path, its directories made on the way. */
static struct proc_node *node_make(const char *path, mode_t mode)
{
	struct proc_node *dir = &root_node, *n;
	const char *slash;

	while ((slash = strchr(path, '/'))) {
		n = node_child(dir, path, (size_t)(slash - path));
		if (!n)
			n = node_add(dir, path, (size_t)(slash - path), S_IFDIR | 0555);
		if (!n)
			return NULL;
		dir = n;
		path = slash + 1;
	}
	if (node_child(dir, path, strlen(path)))
		REPORT("procfs: two rows for %s", path);
	return node_add(dir, path, strlen(path), mode);
}

int proc_tree_build(void)
{
	static const char *const links[][2] = { { "mounts", "self/mounts" },
						{ "net", "self/net" } };
	char path[128];
	struct proc_node *n;

	TABLE_FOREACH(proc_files, struct proc_file, f) {
		n = node_make(f->path, S_IFREG | f->mode);
		if (!n)
			return -ENOMEM;
		n->file = f;
	}
	TABLE_FOREACH(sysctls, struct sysctl, s) {
		scnprintf(path, sizeof(path), "sys/%s", s->path);
		n = node_make(path, S_IFREG | s->mode);
		if (!n)
			return -ENOMEM;
		n->sysctl = s;
	}
	n = node_make(links[0][0], S_IFLNK | 0777);
	if (!n)
		return -ENOMEM;
	n->link = links[0][1];
	return 0;
}

/* --- directories --- */

int proc_dir_emit(struct dir_context *ctx, const char *name, ino_t ino, unsigned int type)
{
	if (!ctx->emit(ctx, name, (unsigned int)strlen(name), ctx->pos + 1, ino, type))
		return 0;
	ctx->pos++;
	return 1;
}

/* Entries at positions base, base + 1, ...; 1 when all were given, 0 when the buffer is full. */
int proc_static_iterate(const struct proc_node *dir, struct dir_context *ctx, loff_t base)
{
	loff_t at = base;

	for (const struct proc_node *n = dir->children; n; n = n->next, at++)
		if (at >= ctx->pos && !proc_dir_emit(ctx, n->name, n->ino, mode_to_dtype(n->mode)))
			return 0;
	return 1;
}

static int static_dir_iterate(struct file *f, struct dir_context *ctx)
{
	const struct proc_node *dir = PROC_I(f->inode)->node;

	if (ctx->pos == 0 && !proc_dir_emit(ctx, ".", dir->ino, 4))
		return 0;
	if (ctx->pos == 1 && !proc_dir_emit(ctx, "..", dir->parent ? dir->parent->ino : 1, 4))
		return 0;
	proc_static_iterate(dir, ctx, 2);
	return 0;
}

int proc_static_lookup(const struct proc_node *dir, struct dentry *d)
{
	const struct proc_node *n = node_child(dir, d->name.name, d->name.len);
	struct inode *i;
	int rc;

	if (!n)
		return -ENOENT;
	rc = proc_static_inode(d->sb, n, &i);
	if (rc)
		return rc;
	d_add(d, i);
	return 0;
}

static int static_dir_lookup(struct inode *dir, struct dentry *d)
{
	return proc_static_lookup(PROC_I(dir)->node, d);
}

/* --- files --- */

static int show_file(const void *arg, struct strbuf *sb)
{
	return ((const struct proc_file *)arg)->show(sb);
}

static ssize_t file_read(struct file *f, struct uio *u, loff_t *pos)
{
	return textfile_read(f, u, pos, show_file, PROC_I(f->inode)->node->file);
}

static ssize_t file_write(struct file *f, struct uio *u, loff_t *pos)
{
	const struct proc_file *pf = PROC_I(f->inode)->node->file;
	char *text;
	size_t n;
	int rc;

	if (!pf->store)
		return -EIO;
	rc = textfile_import(u, &text, &n);
	if (rc)
		return rc;
	rc = pf->store(text, n);
	kfree(text);
	if (rc)
		return rc;
	*pos += (loff_t)n;
	return (ssize_t)n;
}

static int show_sysctl(const void *arg, struct strbuf *sb)
{
	sb_printf(sb, "%lld\n", (long long)READ_ONCE(*((const struct sysctl *)arg)->value));
	return 0;
}

static ssize_t sysctl_read(struct file *f, struct uio *u, loff_t *pos)
{
	return textfile_read(f, u, pos, show_sysctl, PROC_I(f->inode)->node->sysctl);
}

static ssize_t sysctl_write(struct file *f, struct uio *u, loff_t *pos)
{
	const struct sysctl *s = PROC_I(f->inode)->node->sysctl;
	char *text;
	size_t n;
	s64 v;
	int rc;

	rc = textfile_import(u, &text, &n);
	if (rc)
		return rc;
	rc = kstrtos64(strstrip(text), 0, &v);
	kfree(text);
	if (rc || v < s->min || v > s->max)
		return -EINVAL;
	WRITE_ONCE(*s->value, v);
	*pos += (loff_t)n;
	return (ssize_t)n;
}

static int link_get(struct inode *i, struct dentry *d __maybe_unused, bool rcu __maybe_unused,
		    const char **target, void **cookie, struct path *jump __maybe_unused)
{
	*target = PROC_I(i)->node->link;
	*cookie = NULL;
	return 0;
}

static int proc_setattr(struct dentry *d, struct iattr *attr)
{
	if (attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
		return -EPERM;
	attr->valid &= ~ATTR_SIZE; /* O_TRUNC by shell redirection */
	return simple_setattr(d, attr);
}

/* Below /proc/sys the mode alone decides: what nobody may write, root may not write either. */
static int sys_permission(struct inode *i, unsigned int mask)
{
	const struct cred *c = current_cred();
	mode_t mode = READ_ONCE(i->mode);

	if ((mask & MAY_EXEC) && S_ISREG(mode))
		return -EACCES;
	if (c->euid == 0)
		mode >>= 6;
	else if (cred_in_group(c, 0))
		mode >>= 3;
	return mask & ~mode & (MAY_READ | MAY_WRITE | MAY_EXEC) ? -EACCES : 0;
}

static const struct inode_ops sys_dir_iops = { .lookup = static_dir_lookup,
						.setattr = proc_setattr,
						.permission = sys_permission };
static const struct inode_ops sys_file_iops = { .setattr = proc_setattr,
						 .permission = sys_permission };

/* The operations of a node that has none of its own. */
const struct inode_ops *proc_static_ops(const struct proc_node *n)
{
	const struct proc_node *top = n;
	bool sys;

	while (top->parent && top->parent != &root_node)
		top = top->parent;
	sys = top->parent && strcmp(top->name, "sys") == 0;
	if (S_ISLNK(n->mode))
		return &proc_link_iops;
	if (S_ISDIR(n->mode))
		return sys ? &sys_dir_iops : &proc_static_dir_iops;
	return sys ? &sys_file_iops : &proc_file_iops;
}

const struct inode_ops proc_static_dir_iops = { .lookup = static_dir_lookup,
						.setattr = proc_setattr };
const struct inode_ops proc_file_iops = { .setattr = proc_setattr };
const struct inode_ops proc_link_iops = { .get_link = link_get, .setattr = proc_setattr };
const struct file_ops proc_static_dir_fops = { .iterate = static_dir_iterate,
					       .llseek = generic_llseek };
const struct file_ops proc_text_fops = { .read = file_read, .write = file_write,
					 .release = textfile_release, .llseek = textfile_llseek };
const struct file_ops proc_sysctl_fops = { .read = sysctl_read, .write = sysctl_write,
					   .release = textfile_release, .llseek = generic_llseek };
