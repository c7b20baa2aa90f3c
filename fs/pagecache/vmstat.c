/* SPDX-License-Identifier: MIT */
/* /proc/vmstat: states and events of memory in pages. */
#include <fs/pagecache.h>
#include <fs/procfs.h>
#include <kernel/mm.h>
#include <kernel/vmstat.h>

#include "internal.h"

DEFINE_PER_CPU(u64[NR_VM_EVENTS], vm_events);

u64 vm_event_total(enum vm_event e)
{
	u64 sum = 0;

	for_each_online_cpu(c)
		sum += READ_ONCE(per_cpu(vm_events, c)[e]);
	return sum;
}

static int vmstat_show(struct strbuf *sb)
{
#define VM_EVENT_NAME(id, name) name,
	static const char *const names[] = { VM_EVENTS(VM_EVENT_NAME) };
#undef VM_EVENT_NAME
	struct sysinfo_mem m;
	u64 background, limit;

	mm_info(&m);
	dirty_limits(&background, &limit);
	sb_printf(sb, "nr_free_pages %lu\nnr_inactive_file %lu\nnr_active_file %lu\n"
		      "nr_anon_pages %lu\nnr_mapped %lu\nnr_file_pages %lu\nnr_dirty %lu\n"
		      "nr_writeback %lu\nnr_shmem %lu\nnr_page_table_pages %lu\n"
		      "nr_slab_reclaimable %lu\nnr_slab_unreclaimable %lu\nnr_kernel_stack %lu\n"
		      "nr_dirty_threshold %lu\nnr_dirty_background_threshold %lu\n",
		  m.free, m.inactive_file, m.active_file, m.anon, m.mapped, m.cached + m.buffers,
		  m.dirty, m.writeback, m.shared, m.page_tables, m.slab_reclaimable,
		  m.slab_unreclaimable, m.kernel_stacks << 2, limit, background);
	for (enum vm_event e = 0; e < NR_VM_EVENTS; e++) {
		u64 n = vm_event_total(e);

		sb_printf(sb, "%s %lu\n", names[e],
			  e == VM_PGPGIN || e == VM_PGPGOUT ? n / 1024 : n);
	}
	return 0;
}
PROC_FILE(vmstat, "vmstat", 0444, vmstat_show);
