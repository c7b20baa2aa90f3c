/* SPDX-License-Identifier: MIT */
/* The page that the kernel writes and the vDSO reads; directly below the vDSO's first page. */
#ifndef VDSO_DATA_H
#define VDSO_DATA_H

#include <kernel/types.h>

struct vdso_data {
	u32 seq; /* odd while being written */
	u32 tsc_usable;
	u64 mult;
	u32 shift, pad;
	u64 cycle_last;	 /* TSC at mono_base */
	u64 mono_base;	 /* ns of CLOCK_MONOTONIC */
	u64 wall_offset; /* ns from CLOCK_MONOTONIC to CLOCK_REALTIME */
};

#endif
