/* SPDX-License-Identifier: MIT */
/* read, write and mmap of ordinary files through the page cache.
 *
 * Reading takes no lock: pages are found under RCU. Writing holds inode->lock. Where nothing is
 * read from a backing store a missing page is filled before anybody can see it, so whole pages are
 * never zeroed first; where there is one, the page is locked and the user's bytes are faulted in
 * before. */
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

ssize_t generic_file_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct mapping *m = f->inode->mapping;
	loff_t at = *pos;
	ssize_t done = 0;
	int rc = 0;

	while (u->count) {
		loff_t size = READ_ONCE(m->host->size);
		unsigned int off = at & (PAGE_SIZE - 1);
		struct page *p;
		size_t n, got;

		if (at >= size)
			break;
		n = min_t(u64, PAGE_SIZE - off, (u64)(size - at));
		n = min(n, u->count);
		p = mapping_find_page(m, (u64)at / PAGE_SIZE);
		if (unlikely(!p || !page_test(p, PG_UPTODATE))) {
			if (p)
				page_put(p);
			rc = mapping_get_page(m, (u64)at / PAGE_SIZE, false, true, &p);
			if (rc)
				break;
		}
		if (likely(p)) {
			got = uio_write_to(u, (char *)page_address(p) + off, n);
			page_put(p);
		} else {
			got = uio_zero(u, n);
		}
		at += (loff_t)got;
		done += (ssize_t)got;
		if (unlikely(got < n)) {
			rc = -EFAULT;
			break;
		}
		if (done > (ssize_t)(64 * PAGE_SIZE) && fatal_signal_pending())
			break;
	}
	*pos = at;
	file_accessed(f);
	return done ? done : rc;
}

/* Copies into a page that is not there yet and puts it into the cache. *copied bytes were used. */
static int write_fresh(struct mapping *m, u64 index, unsigned int off, size_t n, struct uio *u,
		       size_t *copied)
{
	struct page *p;
	size_t got;
	char *va;
	int rc;

	*copied = 0;
	if (m->ops->charge) {
		rc = m->ops->charge(m, 1);
		if (rc)
			return rc;
	}
	rc = -ENOMEM;
	p = page_alloc(GFP_KERNEL | GFP_NORETRY);
	if (!p)
		goto uncharge;
	va = page_address(p);
	got = uio_read_from(u, va + off, n);
	rc = -EFAULT;
	if (!got)
		goto free;
	memset(va, 0, off);
	memset(va + off + got, 0, PAGE_SIZE - off - got);
	page_set(p, PG_UPTODATE);
	page_set(p, PG_DIRTY);
	rc = mapping_add_page(m, p, index);
	if (rc) {
		uio_revert(u, got);
		goto free;
	}
	page_put(p);
	*copied = got;
	return 0;
free:
	page_put(p);
uncharge:
	if (m->ops->uncharge)
		m->ops->uncharge(m, 1);
	return rc;
}

/* Into a page of a file with backing store: locked, so that it is not written back half changed. */
static int write_backed(struct mapping *m, struct page *p, unsigned int off, size_t n,
			struct uio *u, size_t *copied)
{
	int rc;

	*copied = 0;
	rc = uio_fault_in(u, n, false);
	if (rc)
		return rc;
	page_lock(p);
	if (p->mapping != m) {
		page_unlock(p);
		return -EAGAIN;
	}
	if (m->ops->prepare_write)
		rc = m->ops->prepare_write(m, p, off, (unsigned int)n);
	if (!rc) {
		pagefault_disable();
		*copied = uio_read_from(u, (char *)page_address(p) + off, n);
		pagefault_enable();
		u->fault = false;
		if (m->ops->commit_write)
			m->ops->commit_write(m, p, off, (unsigned int)*copied);
		page_mark_dirty(p);
		rc = *copied ? 0 : -EAGAIN;
	}
	page_unlock(p);
	return rc;
}

static int write_chunk(struct mapping *m, u64 index, unsigned int off, size_t n, struct uio *u,
		       size_t *copied)
{
	struct page *p;
	int rc;

	for (;;) {
		p = mapping_find_page(m, index);
		if (!p && !m->ops->read_page) {
			rc = write_fresh(m, index, off, n, u, copied);
			if (rc != -EEXIST)
				return rc;
			continue;
		}
		if (!m->ops->read_page) {
			*copied = uio_read_from(u, (char *)page_address(p) + off, n);
			page_put(p);
			return *copied ? 0 : -EFAULT;
		}
		if (!p || !page_test(p, PG_UPTODATE)) {
			if (p)
				page_put(p);
			rc = mapping_get_page(m, index, true, false, &p);
			if (rc)
				return rc;
		}
		rc = write_backed(m, p, off, n, u, copied);
		page_put(p);
		if (rc != -EAGAIN)
			return rc;
	}
}

/* inode->lock held; the limits have been applied. */
ssize_t pagecache_write(struct inode *i, struct uio *u, loff_t *pos)
{
	struct mapping *m = i->mapping;
	loff_t at = *pos;
	ssize_t done = 0;
	int rc = 0;

	if (at > i->size) /* a gap */
		mapping_zero_tail(i, i->size, at);
	while (u->count) {
		unsigned int off = at & (PAGE_SIZE - 1);
		size_t n = min_t(size_t, PAGE_SIZE - off, u->count), copied = 0;

		rc = write_chunk(m, (u64)at / PAGE_SIZE, off, n, u, &copied);
		at += (loff_t)copied;
		done += (ssize_t)copied;
		if (at > i->size) {
			spin_lock(&m->lock);
			WRITE_ONCE(i->size, at);
			spin_unlock(&m->lock);
		}
		if (rc)
			break;
		if (copied < n) {
			rc = -EFAULT;
			break;
		}
		if (done > (ssize_t)(64 * PAGE_SIZE) && fatal_signal_pending()) {
			rc = -EINTR;
			break;
		}
	}
	*pos = at;
	return done ? done : rc;
}

int generic_file_mmap(struct file *f, struct vma *v)
{
	struct mapping *m = f->inode->mapping;

	if (!m->ops)
		return -ENODEV;
	if ((v->flags & VM_SHARED) && (m->flags & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))) {
		if (v->flags & VM_WRITE)
			return -EPERM;
		v->flags &= ~VM_MAYWRITE;
	}
	file_accessed(f);
	v->ops = &generic_vm_ops;
	return 0;
}
