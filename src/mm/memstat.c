/* SPDX-License-Identifier: MIT */
#include <fs/pagecache.h>
#include <kernel/proc.h>

#include "vma.h"

/* Sums over the address spaces: counters of the fault path stay per address space. */
static void sum_processes(struct sysinfo_mem *i)
{
	struct process *p;
	pid_t nr = 0;

	while ((p = process_next_get(&nr))) {
		struct mm *mm = process_mm_grab(p);

		nr++;
		process_put(p);
		if (!mm)
			continue;
		i->anon += (u64)atomic64_read(&mm->rss_anon);
		i->mapped += (u64)(atomic64_read(&mm->rss_file) + atomic64_read(&mm->rss_shmem));
		i->page_tables += (u64)atomic64_read(&mm->pgtable_bytes) >> PAGE_SHIFT;
		mm_drop(mm);
	}
}

void mm_info(struct sysinfo_mem *i)
{
	u64 reserve = page_reserve_level(), files;

	*i = (struct sysinfo_mem){ 0 };
	i->total = pages_total_count();
	i->free = pages_free_count();
	i->shared = shmem_pages();
	i->buffers = buffer_pages();
	i->cached = pagecache_pages();
	i->cached -= min(i->cached, i->buffers);
	i->dirty = dirty_pages();
	i->writeback = writeback_pages();
	i->active_file = page_lru_count(true);
	i->inactive_file = page_lru_count(false);
	slab_stats(&i->slab_reclaimable, &i->slab_unreclaimable);
	i->kernel_stacks = kstack_pages();
	sum_processes(i);
	i->committed = commit_total();
	i->commit_limit = commit_limit_pages();
	i->vmalloc_used = vmalloc_pages();
	/* What programs could still get: free memory and caches that can be dropped, less what it
	 * takes to work at all. */
	i->available = i->free > reserve ? i->free - reserve : 0;
	files = i->active_file + i->inactive_file;
	i->available += files - min(files / 2, 3 * reserve);
	i->available += i->slab_reclaimable / 2;
}
