/* SPDX-License-Identifier: MIT */
/* Memory of an address space other than the loaded one: arguments for exec, /proc/PID/mem and
 * cmdline, process_vm_readv and writev. Each page is faulted in as its owner would, pinned by a
 * reference, and copied through the direct map. mm->lock shared, one page at a time. */
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#include "access.h"
#include "vma.h"

/* The page that is mapped at addr, with a reference; false: not mapped, or not for writing. */
static bool page_pin_mapped(struct vma *v, u64 addr, bool write, bool force, struct page **out)
{
	pte_t *t = pt_lookup(v->mm, addr), e;
	bool ok = false;

	if (!t)
		return false;
	spin_lock(&v->mm->page_table_lock);
	e = pte_read(t);
	if (pte_mapped(e) &&
	    (!(e.v & PTE_SW_SPECIAL) || (!write && pte_pfn(e) == page_to_pfn(zero_page)))) {
		struct page *p = pfn_to_page(pte_pfn(e));

		/* A forced write goes to a private copy, although the entry stays read-only. */
		ok = !write || pte_write(e) ||
		     (force && p->flags & 1u << PG_ANON && atomic_read(&p->refs) == 1);
		if (ok) {
			page_get(p);
			*out = p;
		}
	}
	spin_unlock(&v->mm->page_table_lock);
	return ok;
}

int mm_pin_page(struct mm *mm, u64 addr, bool write, bool force, struct page **out)
{
	struct vma *v = vma_find(mm, addr);
	u32 need = write ? VM_WRITE : VM_READ;

	if (!v || v->start > addr || v->flags & VM_IO)
		return -EFAULT;
	if (!(v->flags & need) && (!force || !(v->flags & (write ? VM_MAYWRITE : VM_MAYREAD)) ||
				   (write && v->flags & VM_SHARED)))
		return -EFAULT;
	for (unsigned int i = 0; i < 100; i++) {
		int rc;

		if (page_pin_mapped(v, addr, write, force, out))
			return 0;
		rc = fault_in_page(v, addr, write);
		if (rc && rc != -EAGAIN)
			return rc;
	}
	return -EFAULT;
}

static size_t mm_copy(struct mm *mm, u64 addr, char *buf, size_t n, bool write, bool force)
{
	size_t done = 0;

	if (addr >= USER_END)
		return 0;
	n = min(n, (size_t)(USER_END - addr));
	while (done < n) {
		u64 off = (addr + done) & ~PAGE_MASK;
		size_t k = min(n - done, (size_t)(PAGE_SIZE - off));
		struct page *p;
		int rc;

		down_read(&mm->lock);
		rc = mm_pin_page(mm, (addr + done) & PAGE_MASK, write, force, &p);
		up_read(&mm->lock);
		if (rc)
			break;
		if (write)
			memcpy((char *)page_address(p) + off, buf + done, k);
		else
			memcpy(buf + done, (char *)page_address(p) + off, k);
		page_put(p);
		done += k;
	}
	return done;
}

int mm_write(struct mm *mm, u64 addr, const void *src, size_t n)
{
	return mm_copy(mm, addr, (char *)src, n, true, false) == n ? 0 : -EFAULT;
}

size_t mm_read(struct mm *mm, u64 addr, void *dst, size_t n)
{
	return mm_copy(mm, addr, dst, n, false, true);
}

size_t mm_write_forced(struct mm *mm, u64 addr, const void *src, size_t n)
{
	return mm_copy(mm, addr, (char *)src, n, true, true);
}

size_t mm_copy_user(struct mm *mm, u64 addr, void *buf, size_t n, bool write)
{
	return mm_copy(mm, addr, buf, n, write, false);
}

long mm_pin_user(u64 addr, u64 len, bool write, struct page **pages, unsigned int max)
{
	struct mm *mm = current->mm;
	u64 at = addr & PAGE_MASK, end;
	unsigned int n = 0;
	int rc = -EFAULT;

	if (!mm || !len || !user_range_ok(USER_PTR(addr), len))
		return -EFAULT;
	end = addr + len;
	down_read(&mm->lock);
	while (at < end && n < max) {
		rc = mm_pin_page(mm, at, write, false, &pages[n]);
		if (rc)
			break;
		n++;
		at += PAGE_SIZE;
	}
	up_read(&mm->lock);
	if (n)
		return (long)n;
	return rc == -ENOMEM ? rc : -EFAULT;
}

/* --- futex keys --- */

int mm_futex_key(u64 addr, bool shared, struct futex_key *key)
{
	struct mm *mm = current->mm;
	struct vma *v;
	int rc = 0;

	if (!shared) {
		key->object = (u64)mm;
		key->offset = addr;
		return 0;
	}
	down_read(&mm->lock);
	v = vma_find(mm, addr);
	if (!v || v->start > addr || !(v->flags & VM_ACCESS)) {
		rc = -EFAULT;
	} else if (v->flags & VM_SHARED && v->file && v->file->inode) {
		key->object = (u64)v->file->inode | 1;
		key->offset = (vma_pgoff_of(v, addr) << PAGE_SHIFT) | (addr & ~PAGE_MASK);
	} else {
		key->object = (u64)mm;
		key->offset = addr;
	}
	up_read(&mm->lock);
	return rc;
}
