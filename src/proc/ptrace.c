/* SPDX-License-Identifier: MIT */
#include "proc_internal.h"

#include <kernel/syscall.h>

/* Tracing does not exist yet: the call is unknown, whatever is asked. */
SYSCALL(ptrace, long, request, long, pid, u64, addr, u64, data)
{
	return -ENOSYS;
}
