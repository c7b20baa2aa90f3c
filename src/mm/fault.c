/* SPDX-License-Identifier: MIT */
/* Page faults: which page belongs at an address, and with what rights.
 *
 *   nothing mapped   anonymous: the zero page for a read, a fresh page for a write;
 *                    file: the page cache's page, read-only when private; a private write copies
 *   mapped, write    private: copy, or reuse when this entry holds the only reference;
 *                    shared: the file is told (page_mkwrite), then writable
 *   else             stale translation of this CPU
 * Locking: mm->lock shared keeps areas and tables; the page is prepared without page_table_lock,
 * which is then taken to look at the entry again and install. A loser of that race drops its page.
 * Truncation: a page is removed from its mapping before the last unmapping pass of truncate;
 * whoever installs a page checks p->mapping under page_table_lock, so either side sees the other.
 */
#include <fs/pagecache.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/proc.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/vmstat.h>

#include "vma.h"

#define FAULT_AROUND 16 /* pages of a file mapped by one read fault, when cached */

/* Entry bits for an area's rights; write permission comes and goes with copy on write. */
u64 vma_prot_bits(u32 flags)
{
	if (!(flags & VM_ACCESS))
		return PTE_SW_NONE | PTE_U | PTE_A | PTE_NX;
	return PTE_P | PTE_U | PTE_A | (flags & VM_EXEC ? 0 : PTE_NX);
}

static u64 write_bits(u32 flags)
{
	return flags & VM_WRITE && flags & VM_ACCESS ? PTE_W | PTE_D : 0;
}

/* Installs e when *t is still what it was: true. Counts the page. */
static bool entry_install(struct vma *v, pte_t *t, pte_t was, pte_t e, atomic64_t *rss)
{
	struct mm *mm = v->mm;
	bool ok;

	spin_lock(&mm->page_table_lock);
	ok = t->v == was.v;
	if (likely(ok))
		pte_set(t, e);
	spin_unlock(&mm->page_table_lock);
	if (ok && rss)
		atomic64_inc(rss);
	return ok;
}

/* --- anonymous memory --- */

static int anon_fault(struct vma *v, pte_t *t, bool write)
{
	struct page *p;
	u64 prot = vma_prot_bits(v->flags);

	if (!write) {
		pte_t e = pte_make(page_to_pfn(zero_page), prot | PTE_SW_SPECIAL | PTE_SW_COW);

		(void)entry_install(v, t, (pte_t){ 0 }, e, NULL);
		return 0;
	}
	p = page_alloc(GFP_USER | GFP_ZERO);
	if (unlikely(!p))
		return -ENOMEM;
	p->flags = 1u << PG_ANON;
	v->has_anon = true;
	if (unlikely(!entry_install(v, t, (pte_t){ 0 },
				    pte_make(page_to_pfn(p), prot | write_bits(v->flags)),
				    &v->mm->rss_anon)))
		page_put(p);
	return 0;
}

/* --- copy on write --- */

/* The entry e at t is to be written: a private copy of what it maps replaces it. Copied under the
 * lock, because another thread may replace the entry and drop the old page any time else. */
static int cow_copy(struct vma *v, u64 addr, pte_t *t, pte_t e)
{
	struct mm *mm = v->mm;
	struct page *old = e.v & PTE_SW_SPECIAL ? NULL : pfn_to_page(pte_pfn(e));
	bool zero = !old && pte_pfn(e) == page_to_pfn(zero_page);
	struct page *p = page_alloc(zero ? GFP_USER | GFP_ZERO : GFP_USER);

	if (unlikely(!p))
		return -ENOMEM;
	p->flags = 1u << PG_ANON;
	v->has_anon = true;
	spin_lock(&mm->page_table_lock);
	if (unlikely(t->v != e.v)) {
		spin_unlock(&mm->page_table_lock);
		page_put(p);
		return 0;
	}
	if (!zero)
		copy_page(page_address(p), phys_to_virt((paddr_t){ pte_pfn(e) << PAGE_SHIFT }));
	pte_set(t, pte_make(page_to_pfn(p), vma_prot_bits(v->flags) | write_bits(v->flags)));
	spin_unlock(&mm->page_table_lock);
	/* Other threads, and the kernel's own accesses, may still read the old page. */
	tlb_flush_page(mm, addr);
	if (old && old->flags & 1u << PG_ANON) {
		page_put(old);
		return 0;
	}
	atomic64_inc(&mm->rss_anon);
	if (old) {
		atomic64_dec(v->flags & VM_SHMEM ? &mm->rss_shmem : &mm->rss_file);
		page_put(old);
	}
	return 0;
}

/* Takes a reference to the page of an entry that is still e: false when it changed. */
static bool entry_pin(struct vma *v, const pte_t *t, pte_t e)
{
	bool same;

	spin_lock(&v->mm->page_table_lock);
	same = t->v == e.v;
	if (same)
		page_get(pfn_to_page(pte_pfn(e)));
	spin_unlock(&v->mm->page_table_lock);
	return same;
}

static int shared_mkwrite(struct vma *v, u64 addr, pte_t *t, pte_t e)
{
	struct page *p = pfn_to_page(pte_pfn(e));
	struct vm_fault f = {
		.vma = v, .addr = addr, .pgoff = vma_pgoff_of(v, addr), .write = true, .page = p
	};
	int rc = 0;

	if (e.v & PTE_SW_SPECIAL) {
		(void)entry_install(v, t, e, (pte_t){ e.v | write_bits(v->flags) }, NULL);
		return 0;
	}
	if (!entry_pin(v, t, e))
		return 0;
	if (v->ops && v->ops->page_mkwrite)
		rc = v->ops->page_mkwrite(&f);
	if (!rc) {
		page_mark_dirty(p);
		(void)entry_install(v, t, e, (pte_t){ e.v | write_bits(v->flags) }, NULL);
	}
	if (f.locked)
		page_unlock(p);
	page_put(p);
	return rc == -EAGAIN || !rc ? 0 : rc == -ENOMEM ? rc : -EIO;
}

/* A write to a mapped page whose entry does not allow it. */
static int write_fault(struct vma *v, u64 addr, pte_t *t, pte_t e)
{
	struct page *p = pfn_to_page(pte_pfn(e));

	if (v->flags & VM_SHARED)
		return shared_mkwrite(v, addr, t, e);
	if (e.v & PTE_SW_SPECIAL)
		return cow_copy(v, addr, t, e);
	if (p->flags & 1u << PG_ANON && atomic_read(&p->refs) == 1) {
		/* Only this entry can reach it, and entries are duplicated under mm->lock
		 * exclusive. */
		(void)entry_install(v, t, e, (pte_t){ (e.v & ~PTE_SW_COW) | write_bits(v->flags) },
				    NULL);
		return 0;
	}
	return cow_copy(v, addr, t, e);
}

/* --- files --- */

/* Maps the neighbours of a page that a read fault brought in, as far as they are cached, up to date
 * and inside the same table, area and file. */
static void map_around(struct vma *v, u64 addr, pte_t *t)
{
	struct mapping *m = v->file->inode->mapping;
	u64 window = FAULT_AROUND * PAGE_SIZE;
	u64 lo = max(ALIGN_DOWN(addr, window), v->start);
	u64 hi = min(ALIGN_DOWN(addr, window) + window, v->end);
	u64 eof = (u64)READ_ONCE(m->host->size);
	u64 prot = vma_prot_bits(v->flags) | (v->flags & VM_SHARED ? 0 : PTE_SW_COW);
	struct page *got[FAULT_AROUND];
	s64 mapped = 0;
	unsigned int n = 0;
	u64 first = vma_pgoff_of(v, lo);

	for (u64 at = lo; at < hi; at += PAGE_SIZE, n++) {
		got[n] = NULL;
		if (at == addr || !pte_none(pte_read(t + ((s64)(at - addr) >> PAGE_SHIFT))) ||
		    (first + n) << PAGE_SHIFT >= eof)
			continue;
		got[n] = mapping_find_page(m, first + n);
		if (got[n] && !page_test(got[n], PG_UPTODATE)) {
			page_put(got[n]);
			got[n] = NULL;
		}
	}
	/* Those of a device may be reclaimed: whether a neighbour is used the processor will
	 * say. */
	if (m->ops->read_page)
		prot &= ~PTE_A;
	spin_lock(&v->mm->page_table_lock);
	for (unsigned int i = 0; i < n; i++) {
		pte_t *e = t + ((s64)(lo - addr) >> PAGE_SHIFT) + i;

		if (got[i] && pte_none(*e) && READ_ONCE(got[i]->mapping) == m) {
			pte_set(e, pte_make(page_to_pfn(got[i]), prot));
			got[i] = NULL;
			mapped++;
		}
	}
	spin_unlock(&v->mm->page_table_lock);
	if (mapped)
		atomic64_add(v->flags & VM_SHMEM ? &v->mm->rss_shmem : &v->mm->rss_file, mapped);
	for (unsigned int i = 0; i < n; i++)
		if (got[i])
			page_put(got[i]);
}

/* Installs the file's own page; consumes its reference. -EAGAIN: it left the file meanwhile. */
static int map_file_page(struct vma *v, pte_t *t, struct page *p, struct mapping *was, u64 prot,
			 bool locked)
{
	struct mm *mm = v->mm;
	bool installed = false, gone;

	spin_lock(&mm->page_table_lock);
	gone = READ_ONCE(p->mapping) != was;
	if (!gone && pte_none(*t)) {
		pte_set(t, pte_make(page_to_pfn(p), prot));
		installed = true;
	}
	spin_unlock(&mm->page_table_lock);
	if (locked)
		page_unlock(p);
	if (installed)
		atomic64_inc(v->flags & VM_SHMEM ? &mm->rss_shmem : &mm->rss_file);
	else
		page_put(p);
	return gone ? -EAGAIN : 0;
}

/* First write to a page of a private file mapping: the copy goes in, the original never. */
static int map_file_copy(struct vma *v, pte_t *t, struct page *orig)
{
	struct page *p = page_alloc(GFP_USER);

	if (!p) {
		page_put(orig);
		return -ENOMEM;
	}
	copy_page(page_address(p), page_address(orig));
	page_put(orig);
	p->flags = 1u << PG_ANON;
	v->has_anon = true;
	if (!entry_install(v, t, (pte_t){ 0 },
			   pte_make(page_to_pfn(p), vma_prot_bits(v->flags) | write_bits(v->flags)),
			   &v->mm->rss_anon))
		page_put(p);
	return 0;
}

static int file_fault(struct vma *v, u64 addr, pte_t *t, bool write)
{
	struct vm_fault f = {
		.vma = v, .addr = addr, .pgoff = vma_pgoff_of(v, addr), .write = write
	};
	bool generic = !v->ops || !v->ops->fault;
	u64 prot = vma_prot_bits(v->flags);
	struct mapping *m;
	int rc = generic ? mapping_fault(&f) : v->ops->fault(&f);

	if (rc)
		return rc;
	if (unlikely(f.major)) { /* mm_fault counts it as a minor one */
		current->maj_flt++;
		current->min_flt--;
		vm_count(VM_PGMAJFAULT, 1);
	}
	/* The handler mapped device memory itself. */
	if (!f.page)
		return 0;
	/* Pages of the cache must still belong to the file when installed; others have no mapping.
	 */
	m = generic || v->ops->fault == mapping_fault ? v->file->inode->mapping
						      : READ_ONCE(f.page->mapping);
	if (write && !(v->flags & VM_SHARED))
		return map_file_copy(v, t, f.page);
	if (write) {
		rc = v->ops && v->ops->page_mkwrite ? v->ops->page_mkwrite(&f) : 0;
		if (rc) {
			page_put(f.page);
			return rc == -EAGAIN || rc == -ENOMEM ? rc : -EIO;
		}
		page_mark_dirty(f.page);
		prot |= write_bits(v->flags);
	} else if (!(v->flags & VM_SHARED)) {
		prot |= PTE_SW_COW;
	}
	rc = map_file_page(v, t, f.page, m, prot, f.locked);
	if (!rc && !write && v->file && (generic || v->ops->fault == mapping_fault))
		map_around(v, addr, t);
	return rc;
}

/* --- one access --- */

int fault_in_page(struct vma *v, u64 addr, bool write)
{
	pte_t *t, e;
	int rc;

	addr &= PAGE_MASK;
	t = pt_lookup(v->mm, addr);
	if (unlikely(!t)) {
		rc = pt_walk_alloc(v->mm, addr, &t);
		if (rc)
			return rc;
	}
	e = pte_read(t);
	if (pte_none(e)) {
		if (!v->ops && !v->file)
			return anon_fault(v, t, write);
		return file_fault(v, addr, t, write);
	}
	/* Without VM_WRITE too: a debugger's write makes a private copy that stays read-only. */
	if (write && !pte_write(e))
		return write_fault(v, addr, t, e);
	tlb_flush_page_local(addr);
	return 0;
}

/* --- stacks --- */

int stack_expand(struct vma *v, u64 addr)
{
	struct mm *mm = v->mm;
	u64 start = addr & PAGE_MASK, pages;

	if (start >= v->start)
		return 0;
	if (start < MMAP_MIN_ADDR || v->end - start > rlimit_cur(current, RLIMIT_STACK))
		return -ENOMEM;
	if (v->prev && v->prev->flags & VM_ACCESS && !(v->prev->flags & VM_GROWSDOWN) &&
	    start - v->prev->end < STACK_GUARD_GAP)
		return -ENOMEM;
	if (v->prev && start < v->prev->end)
		return -ENOMEM;
	pages = (v->start - start) >> PAGE_SHIFT;
	if (!mm_may_expand(mm, v->flags, pages) || (v->flags & VM_LOCKED && !mlock_room(mm, pages)))
		return -ENOMEM;
	if (v->flags & VM_ACCOUNT && commit_charge(pages))
		return -ENOMEM;
	if (v->file || v->ops)
		v->pgoff -= pages;
	vma_tree_resize(mm, v, start, v->end);
	vma_account(mm, v->flags, (s64)pages);
	return 0;
}

/* The area for addr with mm->lock held shared, after growing a stack if need be; NULL with the lock
 * released: none. */
static struct vma *lock_area(struct mm *mm, u64 addr) NO_LOCK_ANALYSIS
{
	struct vma *v;
	int rc = -EFAULT;
	bool grows;

	down_read(&mm->lock);
	v = vma_find(mm, addr);
	if (likely(v && v->start <= addr))
		return v;
	grows = v && v->flags & VM_GROWSDOWN;
	up_read(&mm->lock);
	if (!grows)
		return NULL;
	down_write(&mm->lock);
	v = vma_find(mm, addr);
	if (v)
		rc = v->start <= addr	       ? 0
		     : v->flags & VM_GROWSDOWN ? stack_expand(v, addr)
					       : -EFAULT;
	if (rc) {
		up_write(&mm->lock);
		return NULL;
	}
	downgrade_write(&mm->lock);
	return v;
}

static bool access_ok_for(const struct vma *v, u32 fault)
{
	if (fault & FAULT_WRITE)
		return v->flags & VM_WRITE;
	if (fault & FAULT_EXEC)
		return v->flags & VM_EXEC;
	return v->flags & VM_ACCESS;
}

/* No memory for the page of a user access, after reclaim and the OOM killer: this task goes. */
static int fault_no_memory(u32 fault)
{
	if (!(fault & FAULT_USER))
		return -1;
	if (!fatal_signal_pending()) {
		log_err("mm", "no memory for a page of %s (pid %d): killed", current->comm,
			current->process->tgid);
		send_signal_process(current->process, SIGKILL, NULL);
	}
	return 0;
}

int mm_fault(u64 addr, u32 fault, int *sig, int *si_code) NO_LOCK_ANALYSIS
{
	struct mm *mm = current->mm;
	struct vma *v;
	int rc;

	*sig = SIGSEGV;
	*si_code = SEGV_MAPERR;
	if (unlikely(!mm || current->pagefault_disabled || in_atomic() || addr >= USER_END))
		return -1;
	do {
		v = lock_area(mm, addr);
		if (unlikely(!v))
			return -1;
		if (unlikely(!access_ok_for(v, fault))) {
			up_read(&mm->lock);
			*si_code = SEGV_ACCERR;
			return -1;
		}
		rc = fault_in_page(v, addr, fault & FAULT_WRITE);
		up_read(&mm->lock);
	} while (unlikely(rc == -EAGAIN) && !fatal_signal_pending());
	if (likely(rc == 0 || rc == -EAGAIN)) {
		vm_count(VM_PGFAULT, 1);
		current->min_flt++;
		return 0;
	}
	if (rc == -ENOMEM)
		return fault_no_memory(fault);
	if (rc != -EFAULT) {
		*sig = SIGBUS;
		*si_code = BUS_ADRERR;
	}
	return -1;
}

/* --- populate --- */

int mm_populate(struct mm *mm, u64 start, u64 end, bool ignore_errors)
{
	int rc = 0;

	while (start < end && !rc) {
		struct vma *v;
		u64 stop;

		if (fatal_signal_pending())
			return -EINTR;
		down_read(&mm->lock);
		v = vma_find(mm, start);
		if (!v || v->start >= end) {
			up_read(&mm->lock);
			return ignore_errors || (v && v->start >= end && start >= end) ? 0
										       : -ENOMEM;
		}
		start = max(start, v->start);
		stop = min(end, v->end);
		stop = min(stop, start + 64 * PAGE_SIZE);
		if (v->flags & (VM_IO | VM_LOCKONFAULT))
			stop = min(end, v->end);
		else if (!(v->flags & VM_ACCESS))
			rc = -EFAULT;
		else
			while (start < stop) {
				bool write = (v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;

				rc = fault_in_page(v, start, write);
				if (rc && rc != -EAGAIN)
					break;
				start += rc ? 0 : PAGE_SIZE;
				rc = 0;
			}
		if (!rc)
			start = stop;
		up_read(&mm->lock);
		if (rc && ignore_errors) {
			rc = 0;
			start = max(start + PAGE_SIZE, stop);
		}
	}
	return rc;
}

int vma_map_phys(struct vma *v, paddr_t pa, u64 size, u64 prot)
{
	size = min(ALIGN_UP(size, PAGE_SIZE), v->end - v->start);
	v->flags |= VM_IO | VM_DONTEXPAND | VM_DONTDUMP;
	for (u64 off = 0; off < size; off += PAGE_SIZE) {
		pte_t *t;
		int rc = pt_walk_alloc(v->mm, v->start + off, &t);

		if (rc)
			return rc;
		pte_set(t, pte_make((pa.v + off) >> PAGE_SHIFT, vma_prot_bits(v->flags) |
									write_bits(v->flags) |
									prot | PTE_SW_SPECIAL));
	}
	return 0;
}
