/* SPDX-License-Identifier: MIT */
/* System calls. A body is written
 *	SYSCALL(dup3, int, oldfd, int, newfd, int, flags) { ... return -EINVAL; }
 * in a sys_*.c file of its subsystem; its number stands only in src/syscall/syscalls.tbl. The macro
 * makes `long sys_dup3(const struct user_regs *r)`, which takes the arguments from the register
 * frame (rdi rsi rdx r10 r8 r9) and converts each to the stated type, struct user_ptr included. */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <arch/regs.h>
#include <kernel/types.h>

typedef long syscall_fn(const struct user_regs *r);

#define SC_ARG(T, reg)                                                                             \
	(((union {                                                                                 \
		u64 u;                                                                             \
		T v;                                                                               \
	}){ .u = (reg) })                                                                          \
		 .v)

#define SC_NARG(...) SC_NARG_(__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1)
#define SC_NARG_(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, n, ...) n
#define SC_CAT_(a, b) a##b
#define SC_CAT(a, b) SC_CAT_(a, b)

#define SC_DECL2(T1, a1) T1 a1
#define SC_DECL4(T1, a1, T2, a2) T1 a1, T2 a2
#define SC_DECL6(T1, a1, T2, a2, T3, a3) T1 a1, T2 a2, T3 a3
#define SC_DECL8(T1, a1, T2, a2, T3, a3, T4, a4) T1 a1, T2 a2, T3 a3, T4 a4
#define SC_DECL10(T1, a1, T2, a2, T3, a3, T4, a4, T5, a5) T1 a1, T2 a2, T3 a3, T4 a4, T5 a5
#define SC_DECL12(T1, a1, T2, a2, T3, a3, T4, a4, T5, a5, T6, a6)                                  \
	T1 a1, T2 a2, T3 a3, T4 a4, T5 a5, T6 a6
#define SC_CALL2(T1, a1) SC_ARG(T1, r->rdi)
#define SC_CALL4(T1, a1, T2, a2) SC_ARG(T1, r->rdi), SC_ARG(T2, r->rsi)
#define SC_CALL6(T1, a1, T2, a2, T3, a3) SC_CALL4(T1, a1, T2, a2), SC_ARG(T3, r->rdx)
#define SC_CALL8(T1, a1, T2, a2, T3, a3, T4, a4)                                                   \
	SC_CALL6(T1, a1, T2, a2, T3, a3), SC_ARG(T4, r->r10)
#define SC_CALL10(T1, a1, T2, a2, T3, a3, T4, a4, T5, a5)                                          \
	SC_CALL8(T1, a1, T2, a2, T3, a3, T4, a4), SC_ARG(T5, r->r8)
#define SC_CALL12(T1, a1, T2, a2, T3, a3, T4, a4, T5, a5, T6, a6)                                  \
	SC_CALL10(T1, a1, T2, a2, T3, a3, T4, a4, T5, a5), SC_ARG(T6, r->r9)

#define SYSCALL(name, ...)                                                                         \
	static __always_inline long body_##name(                                                   \
		SC_CAT(SC_DECL, SC_NARG(__VA_ARGS__))(__VA_ARGS__));                               \
	long sys_##name(const struct user_regs *r);                                                \
	long sys_##name(const struct user_regs *r)                                                 \
	{                                                                                          \
		return body_##name(SC_CAT(SC_CALL, SC_NARG(__VA_ARGS__))(__VA_ARGS__));            \
	}                                                                                          \
	static __always_inline long body_##name(SC_CAT(SC_DECL, SC_NARG(__VA_ARGS__))(__VA_ARGS__))

#define SYSCALL0(name)                                                                             \
	static __always_inline long body_##name(void);                                             \
	long sys_##name(const struct user_regs *r);                                                \
	long sys_##name(const struct user_regs *r __maybe_unused)                                  \
	{                                                                                          \
		return body_##name();                                                              \
	}                                                                                          \
	static __always_inline long body_##name(void)

#define NR_LINUX_SYSCALLS 512 /* known to entry.S */

extern syscall_fn *syscall_table[NR_LINUX_SYSCALLS];
void syscall_init(void);
/* A call nobody implements: counts it and returns -ENOSYS. */
syscall_fn sys_enosys, syscall_other;

#endif
