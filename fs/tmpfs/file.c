/* SPDX-License-Identifier: MIT */
/* tmpfs files: space accounting, holes, fallocate, memfd and shared anonymous memory.
 *
 * A missing page is a hole. Pages are charged to the mount's limit when they are made, and counted
 * in inode->blocks. Seals live in mapping->flags and are checked by the write path, setattr,
 * fallocate and mmap. */
#include "tmpfs_internal.h"

#include <fs/pagecache.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/printf.h>
#include <kernel/rcu.h>

static atomic64_t nr_shmem_pages;
static struct mount *shm_mount;

u64 shmem_pages(void)
{
	return (u64)atomic64_read(&nr_shmem_pages);
}

/* --- accounting --- */

/* Free, or in cached pages of files on devices. */
static u64 memory_to_be_had(void)
{
	return pages_free_count() + page_lru_count(false) + page_lru_count(true);
}

/* Files in memory cannot be reclaimed, and killing a program does not free them: the last pages are
 * left to programs, so that a full tmpfs is an error of whoever fills it. Looked at every 16 pages.
 */
static bool memory_short(u64 used)
{
	u64 reserve = pages_total_count() / 64 + 64;

	if (likely(used % 16) || memory_to_be_had() >= reserve)
		return false;
	(void)reclaim(64, GFP_KERNEL);
	return memory_to_be_had() < reserve;
}

static int tmpfs_charge(struct mapping *m, u64 pages)
{
	struct inode *i = m->host;
	struct tmpfs_sb *s = tmpfs_s(i->sb);
	u64 used = (u64)atomic64_add_return(&s->used_pages, (s64)pages);

	if ((used > s->max_pages && s->max_pages) || memory_short(used)) {
		atomic64_sub(&s->used_pages, (s64)pages);
		return -ENOSPC;
	}
	atomic64_add(&nr_shmem_pages, (s64)pages);
	spin_lock(&i->spin);
	i->blocks += pages * (PAGE_SIZE / 512);
	spin_unlock(&i->spin);
	return 0;
}

static void tmpfs_uncharge(struct mapping *m, u64 pages)
{
	struct inode *i = m->host;

	atomic64_sub(&tmpfs_s(i->sb)->used_pages, (s64)pages);
	atomic64_sub(&nr_shmem_pages, (s64)pages);
	spin_lock(&i->spin);
	i->blocks -= pages * (PAGE_SIZE / 512);
	spin_unlock(&i->spin);
}

const struct mapping_ops tmpfs_mapping_ops = {
	.charge = tmpfs_charge,
	.uncharge = tmpfs_uncharge,
};

/* --- holes --- */

static loff_t seek_hole_data(struct file *f, loff_t off, int whence)
{
	struct mapping *m = f->inode->mapping;
	loff_t size;
	u64 index;
	bool found;

	down_read(&f->inode->lock);
	size = f->inode->size;
	up_read(&f->inode->lock);
	if (off < 0 || off >= size)
		return -ENXIO;
	index = (u64)off / PAGE_SIZE;
	rcu_read_lock();
	if (whence == SEEK_DATA)
		found = xa_find(&m->pages, &index, ((u64)size - 1) / PAGE_SIZE) != NULL;
	else
		found = xa_find_free(&m->pages, &index, ((u64)size - 1) / PAGE_SIZE);
	rcu_read_unlock();
	if (!found)
		off = whence == SEEK_DATA ? -ENXIO : size;
	else if (index * PAGE_SIZE > (u64)off)
		off = (loff_t)(index * PAGE_SIZE);
	if (off >= 0)
		f->pos = off;
	return off;
}

static loff_t tmpfs_llseek(struct file *f, loff_t off, int whence)
{
	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return seek_hole_data(f, off, whence);
	return generic_llseek(f, off, whence);
}

#define MARK_MADE 2 /* page of a fallocate under way; the other marks are the page cache's */

/* The end of an allocation: takes the marks off. undo: the pages as well, unless a mapping has
 * written to them meanwhile. */
static void allocate_end(struct mapping *m, u64 first, u64 last, bool undo)
{
	u64 index = first;
	struct page *p;

	for (;;) {
		spin_lock(&m->lock);
		p = xa_find_marked(&m->pages, &index, last, MARK_MADE);
		if (p)
			xa_clear_mark(&m->pages, index, MARK_MADE);
		spin_unlock(&m->lock);
		if (!p)
			return;
		if (undo && !page_test(p, PG_DIRTY))
			mapping_truncate_range(m, (loff_t)(index * PAGE_SIZE),
					       (loff_t)((index + 1) * PAGE_SIZE) - 1);
		cond_resched();
	}
}

/* Makes every page of the range exist; gives back what it made when the space runs out. */
static int allocate_range(struct mapping *m, u64 first, u64 last)
{
	u64 index;
	int rc = 0;

	for (index = first; index <= last && !rc; index++) {
		struct page *p = mapping_find_page(m, index);
		bool made = !p;

		if (made)
			rc = mapping_get_page(m, index, true, false, &p);
		if (rc)
			break;
		if (made) {
			spin_lock(&m->lock);
			if (p->mapping == m)
				xa_set_mark(&m->pages, index, MARK_MADE);
			spin_unlock(&m->lock);
		}
		page_put(p);
		cond_resched();
		if (fatal_signal_pending())
			rc = -EINTR;
	}
	allocate_end(m, first, last, rc != 0);
	return rc;
}

static int punch(struct inode *i, loff_t off, loff_t len)
{
	if (i->mapping->flags & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	mapping_truncate_range(i->mapping, off, off + len - 1);
	inode_touch(i, ATTR_MTIME | ATTR_CTIME);
	return 0;
}

static long tmpfs_fallocate(struct file *f, int mode, loff_t off, loff_t len)
{
	struct inode *i = f->inode;
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	int rc;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	down_write(&i->lock);
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		rc = punch(i, off, len);
		goto out;
	}
	rc = -EPERM;
	if (!keep && off + len > i->size) {
		if (i->mapping->flags & F_SEAL_GROW)
			goto out;
		rc = rlimit_fsize_check(off + len);
		if (rc)
			goto out;
	}
	if (mode & FALLOC_FL_ZERO_RANGE) {
		rc = punch(i, off, len);
		if (rc)
			goto out;
	}
	rc = allocate_range(i->mapping, (u64)off / PAGE_SIZE, ((u64)(off + len) - 1) / PAGE_SIZE);
	if (rc)
		goto out;
	if (!keep && off + len > i->size)
		mapping_set_size(i, off + len);
	inode_touch(i, ATTR_CTIME | (mode & FALLOC_FL_ZERO_RANGE ? ATTR_MTIME : 0));
out:
	up_write(&i->lock);
	return rc;
}

const struct file_ops tmpfs_file_fops = {
	.read = generic_file_read,
	.write = generic_file_write,
	.llseek = tmpfs_llseek,
	.mmap = generic_file_mmap,
	.fallocate = tmpfs_fallocate,
};

const struct inode_ops tmpfs_file_ops = {
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.listxattr = tmpfs_listxattr,
	.removexattr = tmpfs_removexattr,
	.set_acl = tmpfs_set_acl,
};

/* --- files without a name --- */

static void shm_dname(struct dentry *d, struct strbuf *sb)
{
	sb_printf(sb, "/%s (deleted)", d->name.name);
}
static const struct dentry_ops shm_dentry_ops = { .dname = shm_dname };

int shmem_file_create(const char *name, u64 size, struct file **out)
{
	struct path p = { shm_mount, NULL };
	struct inode *i;
	struct qstr q = { .name = name, .len = (u32)strlen(name), .hash = 0 };
	int rc;

	if (size > shm_mount->sb->maxbytes)
		return -EINVAL;
	rc = tmpfs_inode_new(shm_mount->sb, NULL, S_IFREG | 0777, 0, &i);
	if (rc)
		return rc;
	i->nlink = 0;
	i->size = (loff_t)size;
	p.dentry = d_alloc_disconnected(shm_mount->sb, &q);
	if (!p.dentry) {
		inode_put(i);
		return -ENOMEM;
	}
	p.dentry->ops = &shm_dentry_ops;
	d_instantiate(p.dentry, i);
	rc = file_open_path(&p, O_RDWR | O_LARGEFILE, current_cred(), out);
	d_put(p.dentry);
	/* Its maker does not count as a writer: it may be executed while the descriptor is open. */
	if (!rc && ((*out)->mode & FMODE_WROTE))
		file_put_write(*out);
	return rc;
}

static int shm_init(void)
{
	int rc = kern_mount(fs_type_find("tmpfs"), &shm_mount);

	if (!rc) {
		struct tmpfs_sb *s = tmpfs_s(shm_mount->sb);

		s->max_pages = 0; /* bounded by memory, not by a mount's size */
		s->max_inodes = 0;
	}
	return rc;
}
INIT_HOOK(INIT_SUBSYS, shm_init);
