/* SPDX-License-Identifier: MIT */
/* Unpacks the boot modules, cpio archives plain or gzip, into the root file system.
 *
 * A plain archive is walked where the loader put it. Whole pages of file data that begin on a page
 * boundary are not copied: the page itself moves into the page cache of the new file, and what lies
 * between such pages goes back to the allocator as soon as it has been read. scripts/mkimage.py
 * aligns large files for that. A compressed archive is unpacked piece by piece and never held
 * whole.
 *
 * Bad archives: the entry that cannot be made is logged and left out; a malformed archive ends the
 * unpacking of its module, and what came before it stays. Names are taken relative to the root; one
 * that climbs with ".." is refused.
 * Runs once, in the first process, before user space: no locks of its own. */
#include <arch/ops.h>
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/cpio.h>
#include <kernel/errno.h>
#include <kernel/inflate.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/slab.h>
#include <kernel/string.h>

/* The first name of an inode with several links; later entries link to it. */
struct hard_link {
	struct hard_link *next;
	u32 ino, dev_major, dev_minor;
	char name[];
};

struct unpack {
	struct cpio_stream stream;
	struct cpio_entry e;	/* current; name in `path` */
	char path[CPIO_NAME_MAX + 1];
	char *target;		/* symlink text being collected */
	u32 target_len;
	struct file *f;		/* regular file being written */
	loff_t pos;
	bool skip;		/* entry could not be made */
	struct hard_link *links;
	u64 base, end;		/* physical range of a plain archive, 0 none */
	u64 released;		/* everything before is freed or adopted */
	unsigned int entries, failures;
};

static void entry_failed(struct unpack *u, const char *what, int rc)
{
	u->skip = true;
	if (u->failures++ < 10)
		log_err("initramfs", "%s: %s: error %d", u->path, what, rc);
}

/* Every component a name, none "..". */
static bool path_ok(const char *p)
{
	while (*p) {
		size_t n = (size_t)(strchrnul(p, '/') - p);

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return false;
		p += n + (p[n] == '/');
	}
	return true;
}

/* --- hard links --- */

static const char *link_known(struct unpack *u)
{
	struct hard_link *l;

	if (u->e.nlink < 2 || S_ISDIR(u->e.mode))
		return NULL;
	for (l = u->links; l; l = l->next)
		if (l->ino == u->e.ino && l->dev_major == u->e.dev_major &&
		    l->dev_minor == u->e.dev_minor)
			return l->name;
	l = kmalloc(sizeof(*l) + strlen(u->path) + 1, GFP_KERNEL);
	if (l) {
		l->ino = u->e.ino;
		l->dev_major = u->e.dev_major;
		l->dev_minor = u->e.dev_minor;
		memcpy(l->name, u->path, strlen(u->path) + 1);
		l->next = u->links;
		u->links = l;
	}
	return NULL;
}

static int links_forget(void *ctx)
{
	struct unpack *u = ctx;
	struct hard_link *l;

	while ((l = u->links)) {
		u->links = l->next;
		kfree(l);
	}
	return 0;
}

/* --- entries --- */

static int make_directory(struct unpack *u)
{
	int rc = kern_mkdir(u->path, u->e.mode & 07777);

	return rc == -EEXIST ? 0 : rc;
}

static int begin_regular(struct unpack *u)
{
	const char *first = link_known(u);
	int flags = O_WRONLY | O_CREAT;

	if (first) {
		int rc = kern_link(first, u->path);

		if (rc && rc != -EEXIST)
			return rc;
		if (!u->e.size)
			return 0;
		flags = O_WRONLY; /* the data may come with any of the names */
	}
	return kern_open(u->path, flags | (u->e.size ? O_TRUNC : 0), u->e.mode & 07777, &u->f);
}

static int begin_symlink(struct unpack *u)
{
	if (u->e.size >= PATH_MAX)
		return -ENAMETOOLONG;
	u->target = kmalloc(u->e.size + 1, GFP_KERNEL);
	return u->target ? 0 : -ENOMEM;
}

static int begin_entry(void *ctx, const struct cpio_entry *e)
{
	struct unpack *u = ctx;
	int rc = -EINVAL;

	u->e = *e;
	u->entries++;
	u->pos = 0;
	u->target_len = 0;
	u->skip = false;
	u->path[0] = '/';
	strscpy(u->path + 1, e->name, sizeof(u->path) - 1);
	if (!path_ok(u->path)) {
		entry_failed(u, "name refused", rc);
		return 0;
	}
	switch (e->mode & S_IFMT) {
	case S_IFDIR:
		rc = make_directory(u);
		break;
	case S_IFREG:
		rc = begin_regular(u);
		break;
	case S_IFLNK:
		rc = begin_symlink(u);
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		rc = kern_mknod(u->path, e->mode & (S_IFMT | 07777),
				MKDEV(e->rdev_major, e->rdev_minor));
		if (rc == -EEXIST)
			rc = 0;
		break;
	}
	if (rc)
		entry_failed(u, "cannot be made", rc);
	return 0;
}

/* --- data --- */

static int write_bytes(struct unpack *u, const u8 *p, size_t n)
{
	ssize_t done = kernel_write(u->f, p, n, &u->pos);

	if (done < 0)
		return (int)done;
	return (size_t)done == n ? 0 : -ENOSPC;
}

/* Moves one page of the archive into the file. -EEXIST and the like: copy instead. */
static int adopt_page(struct unpack *u, u64 pa)
{
	struct mapping *m = u->f->inode->mapping;
	struct page *p;
	int rc;

	if (!m || !m->ops || m->ops->read_page)
		return -EINVAL;
	rc = m->ops->charge ? m->ops->charge(m, 1) : 0;
	if (rc)
		return rc;
	pages_free_boot_range(u->released, pa - u->released);
	u->released = pa + PAGE_SIZE;
	p = page_adopt_boot(pa);
	page_set(p, PG_UPTODATE);
	rc = mapping_add_page(m, p, (u64)u->pos >> PAGE_SHIFT);
	if (rc) {
		if (m->ops->uncharge)
			m->ops->uncharge(m, 1);
		rc = write_bytes(u, page_address(p), PAGE_SIZE);
		page_put(p);
		return rc;
	}
	page_put(p);
	u->pos += PAGE_SIZE;
	WRITE_ONCE(u->f->inode->size, u->pos);
	return 0;
}

static int write_data(struct unpack *u, const u8 *p, size_t n)
{
	u64 pa = virt_to_phys(p).v;
	int rc = 0;

	while (rc == 0 && n >= PAGE_SIZE && u->base && pa >= u->base && pa + n <= u->end &&
	       IS_ALIGNED(pa, PAGE_SIZE) && IS_ALIGNED(u->pos, (loff_t)PAGE_SIZE)) {
		rc = adopt_page(u, pa);
		p += PAGE_SIZE;
		pa += PAGE_SIZE;
		n -= PAGE_SIZE;
	}
	return rc == 0 && n ? write_bytes(u, p, n) : rc;
}

static int entry_data(void *ctx, const void *data, size_t n)
{
	struct unpack *u = ctx;
	int rc;

	if (u->skip)
		return 0;
	if (u->target) {
		memcpy(u->target + u->target_len, data, n);
		u->target_len += n;
	} else if (u->f) {
		rc = write_data(u, data, n);
		if (rc)
			entry_failed(u, "data", rc);
	}
	return 0;
}

static void set_owner(struct unpack *u)
{
	struct iattr a = { .valid = ATTR_MODE, .mode = u->e.mode };
	struct path p;

	if (u->e.uid || u->e.gid) {
		a.valid |= ATTR_UID | ATTR_GID;
		a.uid = u->e.uid;
		a.gid = u->e.gid;
	}
	if (S_ISLNK(u->e.mode))
		a.valid &= ~(u32)ATTR_MODE;
	else if (!(u->e.mode & 07022) && a.valid == ATTR_MODE)
		return; /* the umask of the first process took nothing away */
	if (!a.valid || kern_path(u->path, 0, &p))
		return;
	down_write(&p.dentry->inode->lock);
	if (vfs_setattr(p.dentry, &a))
		entry_failed(u, "owner or mode", -EPERM);
	up_write(&p.dentry->inode->lock);
	path_put(&p);
}

static int end_entry(void *ctx)
{
	struct unpack *u = ctx;
	int rc;

	if (u->f) {
		file_put_sync(u->f); /* exec refuses a file that is still open for writing */
		u->f = NULL;
	}
	if (u->target) {
		u->target[u->target_len] = '\0';
		rc = u->skip ? 0 : kern_symlink(u->target, u->path);
		if (rc && rc != -EEXIST)
			entry_failed(u, "cannot be made", rc);
		kfree(u->target);
		u->target = NULL;
	}
	if (!u->skip)
		set_owner(u);
	return 0;
}

static const struct cpio_ops unpack_ops = {
	.begin_entry = begin_entry,
	.data = entry_data,
	.end_entry = end_entry,
	.trailer = links_forget,
};

static int feed(void *ctx, const void *data, size_t n)
{
	return cpio_stream_feed(&((struct unpack *)ctx)->stream, data, n);
}

/* --- modules --- */

static int unpack_compressed(struct unpack *u, const u8 *p, size_t size)
{
	size_t used;
	int rc = 0;

	while (rc == 0 && size && is_gzip(p, size)) {
		rc = gunzip(p, size, feed, u, &used);
		p += used;
		size -= used;
	}
	return rc;
}

static void unpack_module(const struct boot_module *m)
{
	const u8 *p = phys_to_virt((paddr_t){ m->base });
	struct unpack *u = kzalloc(sizeof(*u), GFP_KERNEL);
	int rc, end;

	if (!u) {
		log_err("initramfs", "no memory to unpack");
		return;
	}
	u->released = m->base;
	cpio_stream_init(&u->stream, &unpack_ops, u);
	if (is_gzip(p, m->size)) {
		rc = unpack_compressed(u, p, m->size);
	} else {
		u->base = m->base;
		u->end = m->base + m->size;
		rc = cpio_stream_feed(&u->stream, p, m->size);
	}
	end = cpio_stream_finish(&u->stream);
	if (u->f || u->target)
		end_entry(u);
	links_forget(u);
	if (rc || end)
		log_err("initramfs",
			"module of %lu bytes: malformed archive (error %d) after %u entries",
			m->size, rc ? rc : end, u->entries);
	else
		log_info("initramfs", "%u entries, %u refused", u->entries, u->failures);
	pages_free_boot_range(u->released, m->base + m->size - u->released);
	kfree(u);
}

static int initramfs_unpack(void)
{
	for (unsigned int k = 0; k < bootinfo.nr_modules; k++)
		unpack_module(&bootinfo.modules[k]);
	return 0;
}
INIT_HOOK(INIT_LATE, initramfs_unpack);
