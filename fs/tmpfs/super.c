/* SPDX-License-Identifier: MIT */
/* tmpfs: mounting, options, limits, statfs. ramfs is the same without limits; rootfs is the tmpfs
 * that the initramfs is unpacked into; an internal mount serves memfd and shared anonymous memory.
 *
 * Limits: size= counts pages in the page cache of the mount's files, nr_inodes= inodes. Both
 * default to half of the machine's pages. They are checked when a page or inode is made (-ENOSPC).
 */
#include "tmpfs_internal.h"

#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/printf.h>
#include <uapi/statfs.h>

static int parse_number(const char *v, u64 *out)
{
	const char *end;

	*out = memparse(v, &end);
	if (end == v)
		return -EINVAL;
	if (*end == '%' && !end[1]) {
		*out = *out * pages_total_count() / 100 * PAGE_SIZE;
		return 0;
	}
	return *end ? -EINVAL : 0;
}

static int parse_id(const char *v, unsigned int base, u32 *out)
{
	unsigned int n;

	if (kstrtouint(v, base, &n))
		return -EINVAL;
	*out = n;
	return 0;
}

static int parse_option(struct tmpfs_sb *s, char *opt)
{
	char *v = strchr(opt, '=');
	u64 n;

	if (v)
		*v++ = '\0';
	if (!strcmp(opt, "inode64") || !strcmp(opt, "inode32"))
		return v ? -EINVAL : 0;
	if (!v)
		return s->ramfs ? 0 : -EINVAL;
	if (!strcmp(opt, "mode")) {
		s->options |= TMPFS_OPT_MODE;
		if (parse_id(v, 8, &s->mode))
			return -EINVAL;
		s->mode &= S_IALLUGO;
		return 0;
	}
	if (s->ramfs) /* ramfs knows only mode= and ignores the rest */
		return 0;
	if (!strcmp(opt, "size")) {
		s->options |= TMPFS_OPT_SIZE;
		if (parse_number(v, &n))
			return -EINVAL;
		s->max_pages = DIV_ROUND_UP(n, PAGE_SIZE);
		return 0;
	}
	if (!strcmp(opt, "nr_blocks")) {
		s->options |= TMPFS_OPT_SIZE;
		return parse_number(v, &s->max_pages);
	}
	if (!strcmp(opt, "nr_inodes")) {
		s->options |= TMPFS_OPT_INODES;
		return parse_number(v, &s->max_inodes);
	}
	if (!strcmp(opt, "uid")) {
		s->options |= TMPFS_OPT_UID;
		return parse_id(v, 10, &s->uid);
	}
	if (!strcmp(opt, "gid")) {
		s->options |= TMPFS_OPT_GID;
		return parse_id(v, 10, &s->gid);
	}
	if (!strcmp(opt, "huge") || !strcmp(opt, "mpol"))
		return 0;
	return -EINVAL;
}

static int parse_options(struct tmpfs_sb *s, char *data)
{
	char *opt;
	int rc;

	while (data && (opt = strsep(&data, ",")) != NULL) {
		if (!*opt)
			continue;
		rc = parse_option(s, opt);
		if (rc)
			return rc;
	}
	return 0;
}

static int tmpfs_fill(struct super_block *sb, struct tmpfs_sb *s)
{
	struct inode *root;
	int rc;

	sb->magic = s->ramfs ? RAMFS_MAGIC : TMPFS_MAGIC;
	sb->private = s;
	rc = tmpfs_inode_new(sb, NULL, S_IFDIR | s->mode, 0, &root);
	if (rc)
		return rc;
	root->uid = s->uid;
	root->gid = s->gid;
	return sb_set_root(sb, root);
}

static int mount_common(const struct fs_type *type, u32 flags, char *data, bool ramfs,
			struct super_block **out)
{
	const struct cred *c = current_cred();
	struct tmpfs_sb *s = kzalloc(sizeof(*s), GFP_KERNEL);
	struct super_block *sb;
	int rc;

	if (!s)
		return -ENOMEM;
	s->ramfs = ramfs;
	s->mode = ramfs ? 0755 : 01777;
	s->uid = c ? c->fsuid : 0;
	s->gid = c ? c->fsgid : 0;
	s->max_pages = ramfs ? 0 : pages_total_count() / 2;
	s->max_inodes = ramfs ? 0 : pages_total_count() / 2;
	rc = parse_options(s, data);
	if (rc)
		goto free;
	rc = -ENOMEM;
	sb = sb_create(type, &tmpfs_super_ops, ramfs ? flags : flags | SB_POSIXACL);
	if (!sb)
		goto free;
	rc = tmpfs_fill(sb, s);
	if (rc) {
		sb_put(sb); /* put_super frees s */
		return rc;
	}
	*out = sb;
	return 0;
free:
	kfree(s);
	return rc;
}

static int tmpfs_mount(const struct fs_type *type, u32 flags, const char *source __maybe_unused,
		       char *data, struct super_block **out)
{
	return mount_common(type, flags, data, false, out);
}

static int ramfs_mount(const struct fs_type *type, u32 flags, const char *source __maybe_unused,
		       char *data, struct super_block **out)
{
	return mount_common(type, flags, data, true, out);
}

static int tmpfs_remount(struct super_block *sb, u32 *flags __maybe_unused, char *data)
{
	struct tmpfs_sb *s = tmpfs_s(sb), n = *s;
	int rc;

	n.options = 0;
	rc = parse_options(&n, data);
	if (rc)
		return rc;
	if (n.options & TMPFS_OPT_SIZE) {
		if (n.max_pages && (u64)atomic64_read(&s->used_pages) > n.max_pages)
			return -EINVAL;
		if (!s->max_pages && n.max_pages)
			return -EINVAL; /* from no limit to one: what is there was never counted */
	}
	if ((n.options & TMPFS_OPT_INODES) && n.max_inodes &&
	    (u64)atomic64_read(&s->used_inodes) > n.max_inodes)
		return -EINVAL;
	if (n.options & TMPFS_OPT_SIZE)
		s->max_pages = n.max_pages;
	if (n.options & TMPFS_OPT_INODES)
		s->max_inodes = n.max_inodes;
	s->options |= n.options & (TMPFS_OPT_SIZE | TMPFS_OPT_INODES);
	return 0;
}

static int tmpfs_statfs(struct dentry *d, struct kstatfs *st)
{
	struct tmpfs_sb *s = tmpfs_s(d->sb);

	if (s->max_pages) {
		u64 used = (u64)atomic64_read(&s->used_pages);

		st->blocks = s->max_pages;
		st->bfree = st->bavail = s->max_pages > used ? s->max_pages - used : 0;
	}
	if (s->max_inodes) {
		u64 used = (u64)atomic64_read(&s->used_inodes);

		st->files = s->max_inodes;
		st->ffree = s->max_inodes > used ? s->max_inodes - used : 0;
	}
	return 0;
}

static void tmpfs_show_options(struct super_block *sb, struct strbuf *sbuf)
{
	struct tmpfs_sb *s = tmpfs_s(sb);

	if (s->ramfs) {
		if (s->mode != 0755)
			sb_printf(sbuf, ",mode=%o", s->mode);
		return;
	}
	if (s->options & TMPFS_OPT_SIZE)
		sb_printf(sbuf, ",size=%lluk",
			  (unsigned long long)(s->max_pages * PAGE_SIZE / 1024));
	if (s->options & TMPFS_OPT_INODES)
		sb_printf(sbuf, ",nr_inodes=%llu", (unsigned long long)s->max_inodes);
	if (s->mode != 01777)
		sb_printf(sbuf, ",mode=%03o", s->mode);
	if (s->uid)
		sb_printf(sbuf, ",uid=%u", s->uid);
	if (s->gid)
		sb_printf(sbuf, ",gid=%u", s->gid);
	sb_puts(sbuf, ",inode64");
}

static void tmpfs_put_super(struct super_block *sb)
{
	kfree(sb->private);
}

static struct inode *tmpfs_alloc_inode(struct super_block *sb);
static void tmpfs_free_inode(struct inode *i);

static void tmpfs_evict(struct inode *i)
{
	tmpfs_xattr_free(tmpfs_i(i));
	xa_destroy(&tmpfs_i(i)->entries);
	atomic64_dec(&tmpfs_s(i->sb)->used_inodes);
}

const struct super_ops tmpfs_super_ops = {
	.alloc_inode = tmpfs_alloc_inode,
	.free_inode = tmpfs_free_inode,
	.evict_inode = tmpfs_evict,
	.put_super = tmpfs_put_super,
	.statfs = tmpfs_statfs,
	.remount = tmpfs_remount,
	.show_options = tmpfs_show_options,
};

static struct kmem_cache *tmpfs_cache;

static struct inode *tmpfs_alloc_inode(struct super_block *sb __maybe_unused)
{
	struct tmpfs_inode *ti = kmem_cache_alloc(tmpfs_cache, GFP_KERNEL);

	if (!ti)
		return NULL;
	ti->link = NULL;
	xa_init(&ti->entries);
	ti->next_cookie = TMPFS_FIRST_COOKIE;
	list_init(&ti->xattrs);
	return &ti->inode;
}

static void tmpfs_free_inode(struct inode *i)
{
	struct tmpfs_inode *ti = tmpfs_i(i);

	kfree(ti->link); /* readers of the link ran under RCU */
	kmem_cache_free(tmpfs_cache, ti);
}

TABLE_ENTRY(fs_types, struct fs_type,
	    tmpfs) = { .name = "tmpfs", .flags = FS_NODEV, .mount = tmpfs_mount };
TABLE_ENTRY(fs_types, struct fs_type,
	    ramfs) = { .name = "ramfs", .flags = FS_NODEV, .mount = ramfs_mount };

static int tmpfs_cache_init(void)
{
	tmpfs_cache = kmem_cache_create("tmpfs_inode", sizeof(struct tmpfs_inode), 64,
					SLAB_RECLAIMABLE, NULL);
	return tmpfs_cache ? 0 : -ENOMEM;
}
INIT_HOOK(INIT_CORE, tmpfs_cache_init);
