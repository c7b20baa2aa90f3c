/* SPDX-License-Identifier: MIT */
#include <kernel/kasan.h>
#include <kernel/log.h>
#include <kernel/mm.h>

#include "mm_internal.h"

void __init mm_init_early(void)
{
	early_mem_init();
	arch_uaccess_init();
	arch_map_final();
	kasan_init();
	page_alloc_init();
	arch_early_alloc_done();
	slab_init();
	mm_caches_init();
	log_info("mm", "%llu KiB free, page descriptors included in what is not",
		 (unsigned long long)pages_free_count() * (PAGE_SIZE / 1024));
}

void mm_cpu_prepare(unsigned int cpu)
{
	page_alloc_cpu_prepare(cpu);
	slab_cpu_prepare(cpu);
	kstack_cpu_prepare(cpu);
	pgtable_cpu_prepare(cpu);
}
