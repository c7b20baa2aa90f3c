/* SPDX-License-Identifier: MIT */
#ifndef UAPI_SYSINFO_H
#define UAPI_SYSINFO_H

#include <kernel/types.h>

struct user_sysinfo {
	s64 uptime; /* seconds */
	u64 loads[3]; /* 16 fraction bits */
	u64 totalram;
	u64 freeram;
	u64 sharedram;
	u64 bufferram;
	u64 totalswap;
	u64 freeswap;
	u16 procs;
	u16 pad;
	u64 totalhigh;
	u64 freehigh;
	u32 mem_unit; /* bytes the sizes above are counted in */
};
_Static_assert(sizeof(struct user_sysinfo) == 112, "struct sysinfo");

#endif
