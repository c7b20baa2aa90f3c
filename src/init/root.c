/* SPDX-License-Identifier: MIT */
/* The root file system on a disk.
 *
 * With an initramfs that has a first program (/init, or what rdinit= names) that program does all;
 * root= and its companions are words for it. Otherwise root= says where the root is:
 *   root=/dev/vda1, 254:1, fe01, PARTUUID=..., PARTLABEL=..., UUID=..., LABEL=...
 *   rootfstype=ext2[,...]   only these types; else every type that lives on devices is tried
 *   rootflags=...           its mount options
 *   ro (default), rw        rw: no check before; with ro the boot script checks and remounts
 *   rootwait[=SECONDS]      waits until the device appears
 *   rootdelay=SECONDS       waits that long first
 * The file system is mounted at /root, gets /dev and takes the place of "/"; what the initramfs
 * unpacked lies under it, unreachable. */
#include <fs/block.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/printf.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/time.h>
#include <uapi/mount.h>

#include "init_internal.h"

#define ROOT_DIR "/root"

struct root_words {
	char root[128], type[64], options[128];
	bool read_write, wait;
	unsigned int delay; /* seconds */
};

/* "ro" and "rw": the last one counts. */
static bool read_write_wanted(void)
{
	const char *at = boot_command_line;
	struct cmdline_word w;
	bool rw = false;

	while (cmdline_next(&at, &w)) {
		if (!w.bare || w.len != 2)
			continue;
		if (memcmp(w.name, "--", 2) == 0)
			break;
		if (memcmp(w.name, "rw", 2) == 0)
			rw = true;
		else if (memcmp(w.name, "ro", 2) == 0)
			rw = false;
	}
	return rw;
}

/* False: nobody asked for a root on a disk. */
static bool words_read(struct root_words *w)
{
	char text[16];

	memset(w, 0, sizeof(*w));
	if (!cmdline_get("root", w->root, sizeof(w->root)) || !w->root[0])
		return false;
	cmdline_get("rootfstype", w->type, sizeof(w->type));
	cmdline_get("rootflags", w->options, sizeof(w->options));
	w->wait = cmdline_get("rootwait", text, sizeof(text));
	w->read_write = read_write_wanted();
	if (cmdline_get("rootdelay", text, sizeof(text)) && kstrtouint(text, 10, &w->delay))
		log_warn("init", "bad value in rootdelay=%s", text);
	return true;
}

static bool initramfs_has_init(void)
{
	char name[128] = "/init";
	struct path p;

	cmdline_get("rdinit", name, sizeof(name));
	if (kern_path(name, LOOKUP_FOLLOW, &p))
		return false;
	path_put(&p);
	return true;
}

static dev_t device_find(const struct root_words *w)
{
	u64 seen = 0;
	dev_t dev;
	int rc;

	if (w->delay)
		(void)hrtimer_sleep_until(ktime_get() + w->delay * NSEC_PER_SEC,
					  TASK_UNINTERRUPTIBLE);
	for (bool told = false;; told = true) {
		rc = bdev_by_name(w->root, &dev);
		if (!rc)
			return dev;
		if (rc != -ENOENT || !w->wait)
			break;
		if (!told)
			log_notice("init", "waiting for the root device %s", w->root);
		bdev_wait_change(&seen);
	}
	panic("init: no root device %s: %s", w->root,
	      rc == -EINVAL ? "this is no name of a device" : "there is no such disk or partition");
}

/* A node to mount from, named as in /dev: the name shows in /proc/mounts. */
static void node_make(dev_t dev, char *path, size_t size)
{
	struct bdev *bd;
	int rc = bdev_open(dev, FMODE_READ, NULL, &bd);

	if (rc)
		panic("init: the root device cannot be opened: error %d", rc);
	scnprintf(path, size, "/dev/%s", bd->name);
	bdev_close(bd, NULL);
	kern_mkdir("/dev", 0755);
	rc = kern_mknod(path, S_IFBLK | 0600, dev);
	if (rc && rc != -EEXIST)
		panic("init: %s: error %d", path, rc);
}

/* Is name among the comma-separated words of list? */
static bool type_listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, n) == 0 && (at[n] == ',' || !at[n]))
			return true;
	}
	return false;
}

static int mount_types(const struct root_words *w, const char *node)
{
	u32 flags = MS_SILENT | (w->read_write ? 0 : MS_RDONLY);
	int rc, last = -ENODEV;

	TABLE_FOREACH(fs_types, struct fs_type, t) {
		if (w->type[0] ? !type_listed(w->type, t->name) : t->flags & FS_NODEV)
			continue;
		rc = vfs_mount_at(node, ROOT_DIR, t->name, flags,
				  w->options[0] ? w->options : NULL);
		if ((rc == -EACCES || rc == -EROFS) && w->read_write) {
			log_warn("init", "%s is write-protected, mounting read-only", node);
			rc = vfs_mount_at(node, ROOT_DIR, t->name, flags | MS_RDONLY,
					  w->options[0] ? w->options : NULL);
		}
		if (!rc) {
			log_info("init", "root is %s, %s, %s", node, t->name,
				 w->read_write ? "read-write" : "read-only");
			return 0;
		}
		if (rc != -EINVAL || last == -ENODEV)
			last = rc;
	}
	return last;
}

void root_prepare(void)
{
	struct root_words w;
	char node[64];
	int rc;

	if (initramfs_has_init() || !words_read(&w))
		return;
	kern_mkdir(ROOT_DIR, 0700);
	node_make(device_find(&w), node, sizeof(node));
	rc = mount_types(&w, node);
	if (rc)
		panic("init: cannot mount %s as root: error %d%s", node, rc,
		      rc == -EINVAL ? " (no file system known here, or bad rootflags=)" : "");
	rc = vfs_move_to_root(ROOT_DIR);
	if (rc)
		panic("init: %s cannot become the root: error %d", node, rc);
	rc = vfs_mount_at("devtmpfs", "/dev", "devtmpfs", 0, "mode=0755");
	if (rc)
		log_warn("init", "/dev of the root file system: error %d", rc);
}
