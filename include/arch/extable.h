/* SPDX-License-Identifier: MIT */
/* Instructions that may fault on a user address, and where to go on when they do. Rows are in
 * section tbl_extable: two 32-bit distances from the row itself, instruction and fixup. */
#ifndef ARCH_EXTABLE_H
#define ARCH_EXTABLE_H

#ifdef __ASSEMBLY__
.macro EXTABLE insn, fixup
	.pushsection tbl_extable, "a"
	.balign 4
	.long \insn - .
	.long \fixup - .
	.popsection
.endm
#else
#include <arch/regs.h>

#define EXTABLE(insn, fixup)                                                                       \
	".pushsection tbl_extable, \"a\"\n.balign 4\n.long " insn " - .\n.long " fixup " - .\n"    \
	".popsection\n"

/* The trap handler, when a fault in kernel mode was not resolved by mm_fault: true when r->rip is
 * in the table; r then continues at the fixup. Any context. */
bool extable_fixup(struct user_regs *r);
#endif

#endif
