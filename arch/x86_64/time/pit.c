/* SPDX-License-Identifier: MIT */
/* The 8254: reference of last resort for calibration. Channel 0, whose interrupt is masked, since
 * it counts without a gate; the speaker's channel needs a port that small machines lack. */
#include <arch/ops.h>
#include <asm/ports.h>
#include <asm/tsc.h>

static u32 read_count(void)
{
	u32 lo, hi;

	outb(0x43, 0x00); /* latch channel 0 */
	lo = inb(0x40);
	hi = inb(0x40);
	return hi << 8 | lo;
}

void pit_wait(u32 ticks)
{
	outb(0x43, 0x30); /* channel 0, both bytes, mode 0: counts down once */
	outb(0x40, 0xff);
	outb(0x40, 0xff);
	while (0xffffu - read_count() < ticks)
		arch_cpu_relax();
}
