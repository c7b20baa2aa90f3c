/* SPDX-License-Identifier: MIT */
/* Texts of /proc/PID/mounts, mountinfo and mountstats. */
#include "vfs_internal.h"

#include <fs/procfs.h>

static const struct {
	u32 bit;
	const char *text;
} mnt_words[] = {
	{ MNT_NOSUID, ",nosuid" },	   { MNT_NODEV, ",nodev" },
	{ MNT_NOEXEC, ",noexec" },	   { MNT_NOATIME, ",noatime" },
	{ MNT_NODIRATIME, ",nodiratime" }, { MNT_RELATIME, ",relatime" },
};

static void show_mnt_flags(struct strbuf *sb, const struct mount *m)
{
	for (unsigned int k = 0; k < ARRAY_SIZE(mnt_words); k++) {
		if (m->flags & mnt_words[k].bit)
			sb_puts(sb, mnt_words[k].text);
	}
}

static void show_sb_flags(struct strbuf *sb, const struct super_block *s)
{
	if (s->flags & SB_SYNCHRONOUS)
		sb_puts(sb, ",sync");
	if (s->flags & SB_DIRSYNC)
		sb_puts(sb, ",dirsync");
}

static void show_options(struct strbuf *sb, const struct mount *m)
{
	if (m->sb->ops->show_options)
		m->sb->ops->show_options(m->sb, sb);
}

#define ESCAPED " \t\n\\"

/* Mount point as seen from root; false when it cannot be seen from there. */
static bool mount_point(struct mount *m, const struct path *root, char *page, char **text)
{
	struct path p = { m, m->root };
	int rc = path_text(&p, root, false, page, PATH_MAX, text);

	return rc == 0;
}

static void show_mounts(struct strbuf *sb, struct mount *m, const char *where)
{
	sb_puts_escaped(sb, m->source, ESCAPED "#");
	sb_putc(sb, ' ');
	sb_puts_escaped(sb, where, ESCAPED "#");
	sb_printf(sb, " %s %s", m->sb->type->name, mount_readonly(m) ? "ro" : "rw");
	show_sb_flags(sb, m->sb);
	show_mnt_flags(sb, m);
	show_options(sb, m);
	sb_puts(sb, " 0 0\n");
}

static void show_mountinfo(struct strbuf *sb, struct mount *m, const char *where)
{
	char *page = kmalloc(PATH_MAX, GFP_KERNEL), *text = NULL;
	struct dentry *d = m->root;

	/* The part of the file system that is shown: "/" unless it is a bind mount of a part. */
	sb_printf(sb, "%d %d %u:%u ", m->id, m->parent->id, MAJOR(m->sb->dev), MINOR(m->sb->dev));
	if (page && d->parent != d) {
		char *at = page + PATH_MAX - 1;

		*at = '\0';
		rcu_read_lock();
		for (; d->parent != d && (size_t)(at - page) > d->name.len; d = d->parent) {
			at -= d->name.len;
			memcpy(at, d->name.name, d->name.len);
			*--at = '/';
		}
		rcu_read_unlock();
		text = at;
	}
	sb_puts_escaped(sb, text ? text : "/", ESCAPED);
	kfree(page);
	sb_putc(sb, ' ');
	sb_puts_escaped(sb, where, ESCAPED);
	sb_puts(sb, m->flags & MNT_READONLY ? " ro" : " rw");
	show_mnt_flags(sb, m);
	if (m->group)
		sb_printf(sb, " shared:%d", m->group);
	sb_printf(sb, " - %s ", m->sb->type->name);
	sb_puts_escaped(sb, m->source, ESCAPED);
	sb_puts(sb, m->sb->flags & SB_RDONLY ? " ro" : " rw");
	show_sb_flags(sb, m->sb);
	show_options(sb, m);
	sb_putc(sb, '\n');
}

static void show_mountstats(struct strbuf *sb, struct mount *m, const char *where)
{
	sb_puts(sb, "device ");
	sb_puts_escaped(sb, m->source, ESCAPED);
	sb_puts(sb, " mounted on ");
	sb_puts_escaped(sb, where, ESCAPED);
	sb_printf(sb, " with fstype %s\n", m->sb->type->name);
}

static int show_all(struct task *t, struct strbuf *sb,
		    void (*show)(struct strbuf *sb, struct mount *m, const char *where))
{
	struct path root = { NULL, NULL };
	struct mount *m;
	char *page, *text;

	spin_lock(&t->lock);
	if (t->fs)
		fs_get_root(t->fs, &root);
	spin_unlock(&t->lock);
	if (!root.mnt)
		return -EINVAL;
	page = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!page) {
		path_put(&root);
		return -ENOMEM;
	}
	mutex_lock(&mount_mutex);
	list_for_each_entry(m, &mount_list, list) {
		if (mount_point(m, &root, page, &text))
			show(sb, m, text);
	}
	mutex_unlock(&mount_mutex);
	kfree(page);
	path_put(&root);
	return 0;
}

static int mounts_show(struct task *t, struct strbuf *sb)
{
	return show_all(t, sb, show_mounts);
}

static int mountinfo_show(struct task *t, struct strbuf *sb)
{
	return show_all(t, sb, show_mountinfo);
}

static int mountstats_show(struct task *t, struct strbuf *sb)
{
	return show_all(t, sb, show_mountstats);
}

PROC_PID_FILE(mounts, "mounts", 0444, mounts_show);
PROC_PID_FILE(mountinfo, "mountinfo", 0444, mountinfo_show);
PROC_PID_FILE(mountstats, "mountstats", 0400, mountstats_show);
