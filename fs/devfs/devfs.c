/* SPDX-License-Identifier: MIT */
/* devtmpfs: one tmpfs, mounted wherever asked, that the kernel itself fills with device nodes.
 * The instance is made at the first devfs_create. Nodes are made through the ordinary name calls,
 * with the instance as root directory for the time of the call. A user may change and remove nodes.
 * Locking: make_lock (sleeping) serialises the kernel's own changes. */
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>

static DEFINE_MUTEX(make_lock, LOCK_DEVFS);
static struct mount *dev_mount; /* make_lock; kept for ever */
static struct fs_struct dev_fs; /* its root as root and working directory */

static int devtmpfs_mount(const struct fs_type *type, u32 flags, const char *source, char *data,
			  struct super_block **out)
{
	int rc = 0;

	if (dev_mount) {
		atomic_inc(&dev_mount->sb->active);
		*out = dev_mount->sb;
		return 0;
	}
	rc = fs_type_find("tmpfs")->mount(type, flags, source, data, out);
	if (rc == 0)
		(*out)->root->inode->mode = S_IFDIR | 0755;
	return rc;
}

TABLE_ENTRY(fs_types, struct fs_type, devtmpfs) = {
	.name = "devtmpfs",
	.flags = FS_NODEV | FS_SINGLE,
	.mount = devtmpfs_mount,
};

static int instance_make(void)
{
	int rc;

	if (dev_mount)
		return 0;
	rc = kern_mount(fs_type_find("devtmpfs"), &dev_mount);
	if (rc)
		return rc;
	atomic_set(&dev_fs.users, 1);
	spin_lock_init(&dev_fs.lock, LOCK_FS_STRUCT);
	dev_fs.root = dev_fs.cwd = (struct path){ dev_mount, dev_mount->root };
	return 0;
}

/* From here on names of this task are looked up in the instance. */
static struct fs_struct *enter(void)
{
	struct fs_struct *old = current->fs;

	spin_lock(&current->lock);
	current->fs = &dev_fs;
	spin_unlock(&current->lock);
	return old;
}

static void leave(struct fs_struct *old)
{
	spin_lock(&current->lock);
	current->fs = old;
	spin_unlock(&current->lock);
}

static void make_parents(const char *name)
{
	char path[64];

	for (const char *s = strchr(name, '/'); s; s = strchr(s + 1, '/')) {
		scnprintf(path, sizeof(path), "/%.*s", (int)(s - name), name);
		kern_mkdir(path, 0755);
	}
}

/* dev 0 with a target: symlink. */
static int make(const char *name, mode_t mode, dev_t dev, const char *target)
{
	struct fs_struct *old;
	char path[64];
	int rc;

	scnprintf(path, sizeof(path), "/%s", name);
	mutex_lock(&make_lock);
	rc = instance_make();
	if (rc == 0) {
		old = enter();
		make_parents(name);
		if (target)
			rc = kern_symlink(target, path);
		else if (mode)
			rc = kern_mknod(path, mode, dev);
		else
			rc = kern_unlink(path);
		leave(old);
	}
	mutex_unlock(&make_lock);
	if (rc && rc != -EEXIST)
		log_err("devfs", "%s: error %d", name, rc);
	return rc;
}

int devfs_create(const char *name, mode_t mode, dev_t dev)
{
	return make(name, mode & S_IFMT ? mode : mode | S_IFCHR, dev, NULL);
}

int devfs_symlink(const char *name, const char *target)
{
	return make(name, 0, 0, target);
}

int devfs_remove(const char *name)
{
	return make(name, 0, 0, NULL);
}

static int devfs_links(void)
{
	devfs_symlink("fd", "/proc/self/fd");
	devfs_symlink("stdin", "/proc/self/fd/0");
	devfs_symlink("stdout", "/proc/self/fd/1");
	devfs_symlink("stderr", "/proc/self/fd/2");
	return 0;
}
INIT_HOOK(INIT_DRIVER, devfs_links);
