/* SPDX-License-Identifier: MIT */
/* sysinfo(2). */
#include "proc_internal.h"

#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/sysinfo.h>

SYSCALL(sysinfo, struct user_ptr, uinfo)
{
	struct user_sysinfo s;
	struct sysinfo_mem m;
	u64 loads[3], now = ktime_get();

	memset(&s, 0, sizeof(s));
	mm_info(&m);
	loadavg_get(loads);
	/* A second that has begun counts. */
	s.uptime = (s64)DIV_ROUND_UP(now, NSEC_PER_SEC);
	for (int i = 0; i < 3; i++)
		s.loads[i] = loads[i] << (16 - 11);
	s.totalram = m.total * PAGE_SIZE;
	s.freeram = m.free * PAGE_SIZE;
	s.sharedram = m.shared * PAGE_SIZE;
	s.bufferram = m.buffers * PAGE_SIZE;
	s.procs = (u16)min(task_count(), 0xffffu);
	s.mem_unit = 1;
	return copy_to_user(uinfo, &s, sizeof(s));
}
