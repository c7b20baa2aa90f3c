/* SPDX-License-Identifier: MIT */
/* The kernel's side of the vDSO: its image, and the page it reads the clock from. */
#include <arch/ops.h>
#include <kernel/atomic.h>
#include <kernel/compiler.h>
#include <kernel/init.h>

#include "vdso/vdso_data.h"

extern const char vdso_start[], vdso_end[];

static union {
	struct vdso_data d;
	u8 page[4096];
} clock_page __aligned(4096);

struct vdso_image vdso_image __ro_after_init = { .code = vdso_start, .data = &clock_page };

void vdso_update(u64 mult, u32 shift, u64 cycle_last, u64 mono_base_ns, u64 wall_offset_ns,
		 bool tsc_usable)
{
	struct vdso_data *d = &clock_page.d;

	WRITE_ONCE(d->seq, d->seq + 1);
	smp_wmb();
	d->tsc_usable = tsc_usable;
	d->mult = mult;
	d->shift = shift;
	d->cycle_last = cycle_last;
	d->mono_base = mono_base_ns;
	d->wall_offset = wall_offset_ns;
	smp_wmb();
	WRITE_ONCE(d->seq, d->seq + 1);
}

static int vdso_init(void)
{
	vdso_image.code_pages = (size_t)(vdso_end - vdso_start) / 4096;
	return 0;
}
INIT_HOOK(INIT_CORE, vdso_init);
