/* SPDX-License-Identifier: MIT */
/* Backtraces along the frame pointers, which all C code keeps. The chain is data that may be
 * corrupt (that may be why we are here): every step must stay on a stack of this CPU and go upward.
 * */
#include <arch/ops.h>
#include <arch/thread.h>
#include <asm/boot.h>
#include <asm/cpu.h>
#include <kernel/page.h>
#include <kernel/sched.h>

extern char entry_code_start[], entry_code_end[], percpu_start[], percpu_end[];

static bool inside(u64 a, u64 base, u64 size)
{
	return a >= base && a < base + size - 16;
}

static bool on_a_stack(u64 a)
{
	u64 area = (u64)percpu_start + this_cpu(percpu_self_offset);

	if (a & 7)
		return false;
	/* Interrupt stacks are part of the per-CPU area. */
	return inside(a, (u64)boot_stack, (u64)(boot_stack_top - boot_stack)) ||
	       inside(a, area, (u64)(percpu_end - percpu_start)) ||
	       (current && current->stack && inside(a, (u64)current->stack, KSTACK_SIZE));
}

static bool in_entry_code(u64 ip)
{
	return ip >= (u64)entry_code_start && ip < (u64)entry_code_end;
}

__no_sanitize_address void arch_backtrace(struct stack_trace *st, u64 rbp, u64 rip)
{
	st->nr = 0;
	if (rip)
		st->ip[st->nr++] = rip;
	if (!rbp && !rip)
		rbp = (u64)__builtin_frame_address(0);
	while (st->nr < ARRAY_SIZE(st->ip) && on_a_stack(rbp)) {
		const u64 *frame = (const u64 *)rbp;
		u64 next = frame[0], ip = frame[1];

		st->ip[st->nr++] = ip;
		if (in_entry_code(ip)) {
			/* Called by the entry code: the interrupted registers are the next thing on
			 * the stack. */
			const struct user_regs *r = (const struct user_regs *)(frame + 2);

			if (regs_from_user(r) || st->nr == ARRAY_SIZE(st->ip))
				break;
			st->ip[st->nr++] = r->rip;
			next = r->rbp;
		}
		if (next <= rbp && inside(next, (u64)current->stack, KSTACK_SIZE) &&
		    inside(rbp, (u64)current->stack, KSTACK_SIZE))
			break;
		rbp = next;
	}
}
