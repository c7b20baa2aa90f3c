/* SPDX-License-Identifier: MIT */
/* What an architecture keeps for each thread, and context switching.
 *   struct arch_thread                      in <asm/thread.h>
 *   arch_switch(prev, next) -> prev         switches stacks; returns in next's context the task
 *                                           that ran before. Called with interrupts off.
 *   arch_thread_init_kernel(t, fn, arg)     t will start in fn(arg) after schedule_tail
 *   arch_thread_init_user(t, regs, sp, tls) t will return to user mode with regs (rax = 0)
 *   arch_thread_free(t)
 *   task_regs(t)                            the user register frame at the top of t's stack */
#ifndef ARCH_THREAD_H
#define ARCH_THREAD_H

#include <arch/regs.h>
#include <kernel/compiler.h>

struct task;
#define KSTACK_ORDER (IS_ENABLED(CONFIG_KASAN) ? 3 : 2)
#define KSTACK_SIZE (4096ul << KSTACK_ORDER)

#include <asm/thread.h>

struct task *arch_switch(struct task *prev, struct task *next);
void arch_thread_init_kernel(struct task *t, int (*fn)(void *), void *arg);
/* clone: copies the parent's user state (registers, FPU, bases); new_sp 0 keeps the parent's stack
 * pointer. -ENOMEM when the FPU area cannot be had. tls: set FS base when has_tls; -EPERM: not a
 * user address. */
int arch_thread_init_user(struct task *t, const struct user_regs *regs, u64 new_sp, bool has_tls,
			  u64 tls);
void arch_thread_free(struct task *t);
struct user_regs *task_regs(const struct task *t);
/* exec: fresh user state: registers zero, entry point and stack; FPU reset; bases zero. */
void arch_start_user(struct user_regs *regs, u64 entry, u64 sp);
/* Saved kernel rip/rbp of a task that is not running: for backtraces and /proc/PID/wchan. */
bool arch_saved_frame(const struct task *t, u64 *rip, u64 *rbp);
/* Drops to user mode with the frame at the top of the current stack. */
void arch_enter_user(void) __noreturn;

#endif
