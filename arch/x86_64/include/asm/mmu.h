/* SPDX-License-Identifier: MIT */
/* Page-table entries of long mode with four levels (Intel SDM vol. 3, 4.5). */
#ifndef ASM_MMU_H
#define ASM_MMU_H

#include <kernel/compiler.h>
#include <kernel/types.h>

typedef struct {
	u64 v;
} pte_t;

#define PTE_P BIT(0)
#define PTE_W BIT(1)
#define PTE_U BIT(2)
#define PTE_PWT BIT(3)
#define PTE_PCD BIT(4)
#define PTE_A BIT(5)
#define PTE_D BIT(6)
#define PTE_PS BIT(7)	/* leaf at level 2 or 3 */
#define PTE_PAT BIT(7)	/* at level 1 */
#define PTE_G BIT(8)
#define PTE_SW_COW BIT(9)   /* write-protected to be copied or reused at the next write */
#define PTE_SW_SPECIAL BIT(10) /* no struct page reference held by this entry */
#define PTE_SW_NONE BIT(8) /* with PTE_P clear: a page is here, but PROT_NONE forbids its use */
#define PTE_NX BIT(63)
#define PTE_ADDR_MASK 0x000ffffffffff000ull

#define PT_SHIFT 12
#define PMD_SHIFT 21
#define PUD_SHIFT 30
#define PGD_SHIFT 39
#define PT_ENTRIES 512

#define KPROT_RO (PTE_P | PTE_A | PTE_D | PTE_G | PTE_NX)
#define KPROT_RW (KPROT_RO | PTE_W)
#define KPROT_RX (PTE_P | PTE_A | PTE_D | PTE_G)
#define KPROT_IO (KPROT_RW | PTE_PCD | PTE_PWT)

static inline bool pte_present(pte_t e)
{
	return e.v & PTE_P;
}
/* Refers to a page, accessible or not (user entries). */
static inline bool pte_mapped(pte_t e)
{
	return e.v & (PTE_P | PTE_SW_NONE);
}
static inline bool pte_none(pte_t e)
{
	return e.v == 0;
}
static inline bool pte_write(pte_t e)
{
	return e.v & PTE_W;
}
static inline bool pte_dirty(pte_t e)
{
	return e.v & PTE_D;
}
static inline u64 pte_pfn(pte_t e)
{
	return (e.v & PTE_ADDR_MASK) >> PT_SHIFT;
}
static inline pte_t pte_make(u64 pfn, u64 prot)
{
	return (pte_t){ pfn << PT_SHIFT | prot };
}
static inline pte_t pte_read(const pte_t *p)
{
	return (pte_t){ READ_ONCE(p->v) };
}
static inline void pte_set(pte_t *p, pte_t e)
{
	WRITE_ONCE(p->v, e.v);
}
static inline pte_t pte_take(pte_t *p)
{
	return (pte_t){ __atomic_exchange_n(&p->v, 0, __ATOMIC_SEQ_CST) };
}
static inline unsigned int pt_index(u64 addr, unsigned int shift)
{
	return (addr >> shift) & (PT_ENTRIES - 1);
}
/* The table an upper-level entry points to. */
static inline pte_t *pte_table(pte_t e)
{
	return (pte_t *)(0xffff800000000000ul + (e.v & PTE_ADDR_MASK));
}

/* The kernel's own root: what processors without a process run on (CR3 = kernel_cr3). The boot root
 * also gets the direct map, so that code running on it can reach RAM. */
extern pte_t kernel_pgd[PT_ENTRIES];
extern u64 kernel_cr3;

struct arch_mm {
	pte_t *pgd;		/* C: direct-map address of the root */
	u64 pgd_phys;		/* C */
	struct cpumask cpus;	/* A: CPUs that have it loaded (or lazily so) */
	u64 tlb_gen;		/* A: bumped at every flush; per-CPU copies tell who is behind */
	u64 ctx;		/* PCID allocation */
};

#endif
