/* SPDX-License-Identifier: MIT */
/* read, write and mmap of ordinary files through the page cache.
 *
 * Reading takes no lock: pages are found under RCU; one that is cold or missing goes through
 * readahead.c. Writing holds inode->lock. Where nothing is read from a backing store a missing page
 * is filled before anybody can see it, so whole pages are never zeroed first. Where there is one,
 * the user's bytes are faulted in, the page is locked, prepare_write gives it blocks and reads what
 * the write leaves, and the bytes are copied without faulting. The size grows before the page is
 * unlocked: write-back zeroes what lies behind the end. */
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#include "internal.h"

ssize_t generic_file_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct mapping *m = f->inode->mapping;
	loff_t at = *pos;
	ssize_t done = 0;
	int rc = 0;

	if (unlikely(f->flags & O_DIRECT))
		return direct_read(f, u, pos);
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
		if (unlikely(!p || (READ_ONCE(p->flags) & PAGE_WARM_MASK) != PAGE_WARM)) {
			rc = file_cold_page(f, (u64)at / PAGE_SIZE,
					    DIV_ROUND_UP(off + u->count, PAGE_SIZE), &p);
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
	f->ra.next = (u64)(at - 1) / PAGE_SIZE + 1;
	file_accessed(f);
	/* The file shrank while we looked: that was its end. */
	return done || unlikely(rc == -ERANGE) ? done : rc;
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
	p->flags = PAGE_WARM | 1u << PG_DIRTY;
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

/* How many of the next n bytes of the user can be read: all of them, or those of the first piece
 * that lies in one page. 0: none. */
static size_t readable(struct uio *u, size_t n)
{
	if (likely(!uio_fault_in(u, n, false)))
		return n;
	uio_normalize(u);
	n = min(n, (size_t)(u->iov->len - u->offset));
	n = min(n, (size_t)(PAGE_SIZE - ((u->iov->base + u->offset) & (PAGE_SIZE - 1))));
	return uio_fault_in(u, n, false) ? 0 : n;
}

/* Copies into a locked page that has been prepared; clean: nothing old lies under the range. Bytes
 * used; 0: the user's page went away meanwhile. */
static size_t fill_prepared(struct mapping *m, struct page *p, unsigned int off, size_t n,
			    struct uio *u, bool clean)
{
	char *va = (char *)page_address(p) + off;
	size_t got;

	pagefault_disable();
	got = uio_read_from(u, va, n);
	pagefault_enable();
	u->fault = false;
	if (unlikely(got < n) && !page_test(p, PG_UPTODATE)) {
		if (!clean) {
			/* What lies under the rest is on the device only: again. */
			uio_revert(u, got);
			return 0;
		}
		memset(va + got, 0, n - got);
		m->ops->commit_write(m, p, off, (unsigned int)n);
	} else if (got) {
		m->ops->commit_write(m, p, off, (unsigned int)got);
	}
	return got;
}

/* Into a page of a file with backing store, at most n bytes; the size follows. */
static noinline int write_backed(struct inode *i, u64 index, unsigned int off, size_t n,
				 struct uio *u, size_t *copied)
{
	struct mapping *m = i->mapping;
	struct page *p;
	loff_t end;
	int rc;

	*copied = 0;
	n = readable(u, n);
	if (!n)
		return -EFAULT;
	rc = mapping_lock_page(m, index, &p);
	if (rc)
		return rc;
	rc = m->ops->prepare_write(m, p, off, (unsigned int)n);
	if (likely(rc >= 0)) {
		*copied = fill_prepared(m, p, off, n, u, rc > 0);
		rc = *copied ? 0 : -EAGAIN;
		end = (loff_t)(index * PAGE_SIZE + off + *copied);
		if (*copied && end > m->host->size) {
			spin_lock(&m->lock);
			WRITE_ONCE(m->host->size, end);
			spin_unlock(&m->lock);
		}
	}
	/* prepare_write made it dirty, but nothing came. */
	if (unlikely(rc) && !page_test(p, PG_UPTODATE))
		page_cancel_dirty(p);
	page_unlock(p);
	page_put(p);
	return rc;
}

static __always_inline int write_memory(struct mapping *m, u64 index, unsigned int off, size_t n,
					struct uio *u, size_t *copied)
{
	struct page *p;
	int rc;

	do {
		p = mapping_find_page(m, index);
		if (p) {
			*copied = uio_read_from(u, (char *)page_address(p) + off, n);
			page_put(p);
			return *copied ? 0 : -EFAULT;
		}
		rc = write_fresh(m, index, off, n, u, copied);
	} while (rc == -EEXIST);
	return rc;
}

/* inode->lock held; the limits have been applied. */
ssize_t pagecache_write(struct inode *i, struct uio *u, loff_t *pos)
{
	bool backed = i->mapping->ops->read_page;
	loff_t at = *pos, old = i->size;
	ssize_t done = 0;
	int rc = 0;

	if (at > i->size) /* a gap */
		mapping_zero_tail(i, i->size, at);
	while (u->count) {
		unsigned int off = at & (PAGE_SIZE - 1);
		size_t n = min_t(size_t, PAGE_SIZE - off, u->count), copied = 0;

		rc = backed ? write_backed(i, (u64)at / PAGE_SIZE, off, n, u, &copied)
			    : write_memory(i->mapping, (u64)at / PAGE_SIZE, off, n, u, &copied);
		if (rc == -EAGAIN)
			continue;
		at += (loff_t)copied;
		done += (ssize_t)copied;
		if (at > i->size) {
			spin_lock(&i->mapping->lock);
			WRITE_ONCE(i->size, at);
			spin_unlock(&i->mapping->lock);
		}
		if (rc)
			break;
		if (!backed && copied < n) {
			rc = -EFAULT;
			break;
		}
		if (backed)
			dirty_throttle_maybe();
		if (done > (ssize_t)(64 * PAGE_SIZE) && fatal_signal_pending()) {
			rc = -EINTR;
			break;
		}
	}
	*pos = at;
	/* The inode may have been written since it was marked for the times and the blocks. */
	if (backed && i->size > old)
		inode_mark_dirty(i);
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
