/* SPDX-License-Identifier: MIT */
/* mprotect: rights of areas and of the entries in them. mm->lock exclusive. */
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>

#include "vma.h"

#define TABLE_SPAN (1ul << PMD_SHIFT)

/* New bits of one entry. Write permission comes back at once only for a private page of this area
 * alone; everything else asks the fault handler first. */
static pte_t entry_reprotect(pte_t e, u64 prot, u32 flags)
{
	u64 keep = e.v & (PTE_ADDR_MASK | PTE_A | PTE_D | PTE_SW_COW | PTE_SW_SPECIAL | PTE_PCD |
			  PTE_PWT);

	if (flags & VM_WRITE && prot & PTE_P && !(e.v & (PTE_SW_COW | PTE_SW_SPECIAL)) &&
	    pfn_to_page(pte_pfn(e))->flags & 1u << PG_ANON)
		keep |= PTE_W | PTE_D;
	else if (flags & VM_IO && flags & VM_WRITE && prot & PTE_P)
		keep |= PTE_W;
	return (pte_t){ keep | prot };
}

static void change_entries(struct vma *v, u64 start, u64 end)
{
	struct mm *mm = v->mm;
	u64 prot = vma_prot_bits(v->flags);
	bool changed = false;

	for (u64 at = start, stop; at < end; at = stop) {
		pte_t *t = pt_lookup(mm, at);

		stop = min(end, ALIGN_DOWN(at, TABLE_SPAN) + TABLE_SPAN);
		if (!t)
			continue;
		spin_lock(&mm->page_table_lock);
		for (u64 i = 0; i < (stop - at) >> PAGE_SHIFT; i++) {
			pte_t e = pte_read(&t[i]), n;

			if (pte_none(e))
				continue;
			/* The processor may set A and D until the entry is written back. */
			do {
				n = entry_reprotect(e, prot, v->flags);
			} while (!try_cmpxchg(&t[i].v, &e.v, n.v));
			changed |= n.v != e.v;
		}
		spin_unlock(&mm->page_table_lock);
	}
	if (changed)
		tlb_flush_range(mm, start, end);
}

/* One area (or part): [start, end) of v gets `flags`. *vp is the area that covers it afterwards. */
static int protect_area(struct vma **vp, u64 start, u64 end, u32 flags)
{
	struct vma *v = *vp;
	struct mm *mm = v->mm;
	u64 pages = (end - start) >> PAGE_SHIFT;
	u32 old = v->flags;
	bool charged = false;
	int rc = 0;

	if (flags == old)
		return 0;
	if (flags & VM_WRITE && !(old & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE))) {
		if (!mm_may_expand(mm, flags, pages) && mm_may_expand(mm, old, pages))
			return -ENOMEM;
		if (commit_charge(pages))
			return -ENOMEM;
		charged = true;
		flags |= VM_ACCOUNT;
	}
	if (v->start < start)
		rc = vma_split(v, start, &v);
	if (!rc && v->end > end)
		rc = vma_split(v, end, NULL);
	if (rc) {
		if (charged)
			commit_uncharge(pages);
		return rc;
	}
	vma_account(mm, old, -(s64)pages);
	vma_account(mm, flags, (s64)pages);
	v->flags = flags;
	change_entries(v, start, end);
	*vp = vma_merge(v);
	return 0;
}

static int protect_range(struct mm *mm, u64 start, u64 end, u32 prot, bool grows)
{
	struct vma *v = vma_find(mm, start);
	int rc;

	if (!v)
		return -ENOMEM;
	if (grows) {
		if (v->start >= end)
			return -ENOMEM;
		start = v->start;
		if (!(v->flags & VM_GROWSDOWN))
			return -EINVAL;
	} else if (v->start > start) {
		return -ENOMEM;
	}
	for (;;) {
		u32 flags = (v->flags & ~VM_ACCESS) | prot_to_vm(prot);
		u64 stop = min(v->end, end);

		/* Each right needs its VM_MAY counterpart. */
		if (flags & VM_ACCESS & ~(flags >> 4))
			return -EACCES;
		rc = protect_area(&v, start, stop, flags);
		if (rc)
			return rc;
		start = stop;
		if (start >= end)
			return 0;
		v = vma_find(mm, start);
		if (!v || v->start != start)
			if (!v || v->start > start)
				return -ENOMEM;
	}
}

static long do_mprotect(u64 start, u64 len, u64 prot)
{
	struct mm *mm = current->mm;
	u64 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
	int rc;

	prot &= ~(u64)(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || start & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	len = ALIGN_UP(len, PAGE_SIZE);
	if (start + len <= start)
		return -ENOMEM;
	if (prot & ~(u64)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	if (grows & PROT_GROWSUP)
		return -EINVAL;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	rc = protect_range(mm, start, start + len, (u32)prot, grows);
	up_write(&mm->lock);
	return rc;
}

SYSCALL(mprotect, u64, start, u64, len, u64, prot)
{
	return do_mprotect(start, len, prot);
}
