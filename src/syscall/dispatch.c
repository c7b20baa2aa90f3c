/* SPDX-License-Identifier: MIT */
/* The table of system calls. entry.S calls syscall_table[nr] for numbers below NR_LINUX_SYSCALLS; a
 * number without a row leads to sys_enosys, and a row without code does not link. */
#include <generated/syscall_protos.h>
#include <kernel/compiler.h>
#include <kernel/syscall.h>

#define SYSCALL_ROW(nr, name) [nr] = sys_##name,
syscall_fn *syscall_table[NR_LINUX_SYSCALLS] __ro_after_init = {
#include <generated/syscall_table.inc>
};
#undef SYSCALL_ROW

void __init syscall_init(void)
{
	for (unsigned int nr = 0; nr < NR_LINUX_SYSCALLS; nr++)
		if (!syscall_table[nr])
			syscall_table[nr] = sys_enosys;
}
