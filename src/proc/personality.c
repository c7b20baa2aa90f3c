/* SPDX-License-Identifier: MIT */
#include "proc_internal.h"

#include <kernel/syscall.h>
#include <uapi/personality.h>

/* All ones asks only. */
SYSCALL(personality, u32, persona)
{
	u32 old = current->personality;

	if (persona != 0xffffffffu)
		current->personality = persona;
	return (long)old;
}
