/* SPDX-License-Identifier: MIT */
/* System calls that do not exist: counted by number, so that a program that fails can be asked what
 * it missed (/proc/keelson/unknown_syscalls). Numbers beyond the table share one counter. */
#include <fs/procfs.h>
#include <kernel/atomic.h>
#include <kernel/errno.h>
#include <kernel/printf.h>
#include <kernel/syscall.h>

static u32 unknown[NR_LINUX_SYSCALLS + 1]; /* A */

long sys_enosys(const struct user_regs *r)
{
	u32 nr = (u32)r->orig_rax;

	__atomic_fetch_add(&unknown[nr < NR_LINUX_SYSCALLS ? nr : NR_LINUX_SYSCALLS], 1,
			   __ATOMIC_RELAXED);
	return -ENOSYS;
}

/* From entry.S: a number beyond the table. */
long syscall_other(const struct user_regs *r)
{
	return sys_enosys(r);
}

static int unknown_show(struct strbuf *sb)
{
	for (unsigned int nr = 0; nr <= NR_LINUX_SYSCALLS; nr++) {
		u32 n = READ_ONCE(unknown[nr]);

		if (!n)
			continue;
		if (nr < NR_LINUX_SYSCALLS)
			sb_printf(sb, "%u %u\n", nr, n);
		else
			sb_printf(sb, "other %u\n", n);
	}
	return 0;
}
PROC_FILE(unknown_syscalls, "keelson/unknown_syscalls", 0444, unknown_show);
