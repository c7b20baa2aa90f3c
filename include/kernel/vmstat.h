/* SPDX-License-Identifier: MIT */
/* Events of memory management, counted per CPU: /proc/vmstat. Any context. */
#ifndef KERNEL_VMSTAT_H
#define KERNEL_VMSTAT_H

#include <kernel/percpu.h>

#define VM_EVENTS(X)                                                                               \
	X(PGPGIN, "pgpgin")	 /* bytes; shown in KiB */                                         \
	X(PGPGOUT, "pgpgout")	 /* bytes; shown in KiB */                                         \
	X(PGFAULT, "pgfault")                                                                      \
	X(PGMAJFAULT, "pgmajfault")                                                                \
	X(PGACTIVATE, "pgactivate")                                                                \
	X(PGDEACTIVATE, "pgdeactivate")                                                            \
	X(PGSCAN_KSWAPD, "pgscan_kswapd")                                                          \
	X(PGSCAN_DIRECT, "pgscan_direct")                                                          \
	X(PGSTEAL_KSWAPD, "pgsteal_kswapd")                                                        \
	X(PGSTEAL_DIRECT, "pgsteal_direct")                                                        \
	X(PGDIRTIED, "nr_dirtied")                                                                 \
	X(PGWRITTEN, "nr_written")                                                                 \
	X(DROP_PAGECACHE, "drop_pagecache")                                                        \
	X(DROP_SLAB, "drop_slab")                                                                  \
	X(OOM_KILL, "oom_kill")

#define VM_EVENT_ID(id, name) VM_##id,
enum vm_event { VM_EVENTS(VM_EVENT_ID) NR_VM_EVENTS };
#undef VM_EVENT_ID

DECLARE_PER_CPU(u64[NR_VM_EVENTS], vm_events);
#define vm_count(event, n) this_cpu_add(vm_events[event], n)
u64 vm_event_total(enum vm_event e);

#endif
