/* SPDX-License-Identifier: MIT */
/* What memory management wants to know of the processor; filled once by arch_map_early. */
#ifndef X86_MM_CPU_FEATURES_H
#define X86_MM_CPU_FEATURES_H

#include <kernel/types.h>

struct mm_features {
	bool page_1g, pcid, smap, smep, fast_string;
	bool emulated; /* QEMU's software CPU: string instructions cost one step an iteration, and
			* page tables are never walked ahead of use */
};
extern struct mm_features mm_features;
void mm_features_probe(void);

#define CR3_NOFLUSH (1ull << 63)
#define CR4_PGE (1ull << 7)
#define CR4_PCIDE (1ull << 17)

static inline u64 read_cr3(void)
{
	u64 v;

	__asm__ volatile("movq %%cr3, %0" : "=r"(v)::"memory");
	return v;
}
static inline void write_cr3(u64 v)
{
	__asm__ volatile("movq %0, %%cr3" ::"r"(v) : "memory");
}
static inline u64 read_cr4(void)
{
	u64 v;

	__asm__ volatile("movq %%cr4, %0" : "=r"(v)::"memory");
	return v;
}
static inline void write_cr4(u64 v)
{
	__asm__ volatile("movq %0, %%cr4" ::"r"(v) : "memory");
}
static inline void invlpg(u64 addr)
{
	__asm__ volatile("invlpg (%0)" ::"r"(addr) : "memory");
}

#endif
