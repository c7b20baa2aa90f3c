/* SPDX-License-Identifier: MIT */
/* The 8254: reference of last resort for calibration, polled on channel 2 (the speaker's). */
#include <arch/ops.h>
#include <asm/ports.h>
#include <asm/tsc.h>

void pit_wait(u32 ticks)
{
	u8 control = (u8)((inb(0x61) & ~2u) | 1u); /* gate on, speaker off */

	outb(0x61, control & ~1u);
	outb(0x43, 0xb0); /* channel 2, both bytes, mode 0 */
	outb(0x42, (u8)ticks);
	outb(0x42, (u8)(ticks >> 8));
	outb(0x61, control);
	while (!(inb(0x61) & 0x20))
		arch_cpu_relax();
}
