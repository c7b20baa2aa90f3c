/* SPDX-License-Identifier: MIT */
#include <arch/extable.h>
#include <kernel/compiler.h>

struct extable_row {
	s32 insn, fixup; /* distances from the field itself */
};

extern struct extable_row __start_tbl_extable[] __attribute__((weak));
extern struct extable_row __stop_tbl_extable[] __attribute__((weak));

static u64 row_insn(const struct extable_row *r)
{
	return (u64)&r->insn + (u64)(s64)r->insn;
}

static u64 row_fixup(const struct extable_row *r)
{
	return (u64)&r->fixup + (u64)(s64)r->fixup;
}

bool extable_fixup(struct user_regs *regs)
{
	/* Some fifty rows in the order of the link: a scan is quick, and a fault that nothing can
	 * resolve is rare. */
	for (const struct extable_row *r = __start_tbl_extable; r < __stop_tbl_extable; r++)
		if (row_insn(r) == regs->rip) {
			regs->rip = row_fixup(r);
			return true;
		}
	return false;
}
