/* SPDX-License-Identifier: MIT */
/* High precision event timer: its free-running counter only. Read as 32 bits, since not every
 * implementation gives 64 in one access. */
#include <asm/acpi.h>
#include <asm/tsc.h>
#include <kernel/compiler.h>
#include <kernel/init.h>
#include <kernel/slab.h>

#define HPET_PERIOD (0x04 / 4) /* femtoseconds */
#define HPET_CONFIG (0x10 / 4)
#define HPET_COUNTER (0xf0 / 4)
#define FS_PER_SEC 1000000000000000ull

static volatile u32 *regs __ro_after_init;
u64 hpet_hz __ro_after_init;

u64 hpet_read(void)
{
	return regs[HPET_COUNTER];
}

bool hpet_init(void)
{
	char text[8];
	u32 period;

	if (!acpi.hpet_base || cmdline_get("nohpet", text, sizeof(text)))
		return false;
	regs = ioremap((paddr_t){ acpi.hpet_base }, 1024, MEM_UNCACHED);
	if (!regs)
		return false;
	period = regs[HPET_PERIOD];
	if (period < 100000 || period > 100000000)
		return false;
	hpet_hz = FS_PER_SEC / period;
	regs[HPET_CONFIG] |= 1;
	return true;
}
