/* SPDX-License-Identifier: MIT */
/* The calls that only tell a number. */
#include "proc_internal.h"

#include <kernel/syscall.h>

SYSCALL0(getpid)
{
	return current->process->tgid;
}

SYSCALL0(gettid)
{
	return current->tid;
}

/* The parent may be reaped and replaced at any moment; its memory outlives the RCU section. */
SYSCALL0(getppid)
{
	long nr;

	rcu_read_lock();
	nr = READ_ONCE(current->process->parent)->tgid;
	rcu_read_unlock();
	return nr;
}

SYSCALL(set_tid_address, struct user_ptr, tidptr)
{
	current->clear_child_tid = tidptr;
	return current->tid;
}
