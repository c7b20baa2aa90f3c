/* SPDX-License-Identifier: MIT */
/* The 8259 pair: moved away from the exception vectors and masked for good. */
#include <asm/apic.h>
#include <asm/ports.h>
#include <asm/traps.h>

void pic_disable(void)
{
	outb(0x20, 0x11); /* start of initialisation: ICW4 follows */
	outb(0xa0, 0x11);
	outb(0x21, VEC_PIC);
	outb(0xa1, VEC_PIC + 8);
	outb(0x21, 4); /* slave on line 2 */
	outb(0xa1, 2);
	outb(0x21, 1); /* 8086 mode */
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}
