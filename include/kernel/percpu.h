/* SPDX-License-Identifier: MIT */
/* Per-CPU variables. They live in section .data..percpu, which is the template and the boot CPU's
 * area; every other CPU gets a copy, and its GS base is the distance between copy and template, so
 * that %gs:symbol reaches the own copy in one instruction.
 *
 * this_cpu(x) is an lvalue of the own copy: a single load or store of a scalar is safe anywhere, a
 * read-modify-write by one instruction too (the compiler does not promise one instruction: use
 * this_cpu_add etc. where interrupts matter); anything longer needs preemption off. */
#ifndef KERNEL_PERCPU_H
#define KERNEL_PERCPU_H

#include <kernel/types.h>

#define DEFINE_PER_CPU(type, name) __attribute__((section(".data..percpu"))) __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name

#define this_cpu(name) (*(__typeof__(name) __seg_gs *)(uintptr_t)&(name))
#define per_cpu_ptr(ptr, cpu) ((__typeof__(ptr))((uintptr_t)(ptr) + percpu_offset[cpu]))
#define per_cpu(name, cpu) (*per_cpu_ptr(&(name), cpu))
#define this_cpu_ptr(ptr) ((__typeof__(ptr))((uintptr_t)(ptr) + this_cpu(percpu_self_offset)))

#define this_cpu_add(name, n)                                                                      \
	do {                                                                                       \
		switch (sizeof(name)) {                                                            \
		case 4:                                                                            \
			__asm__ volatile("addl %1, %%gs:%0"                                        \
					 : "+m"(name)                                              \
					 : "ri"((u32)(n))                                          \
					 : "cc");                                                  \
			break;                                                                     \
		case 8:                                                                            \
			__asm__ volatile("addq %1, %%gs:%0"                                        \
					 : "+m"(name)                                              \
					 : "re"((u64)(n))                                          \
					 : "cc");                                                  \
			break;                                                                     \
		}                                                                                  \
	} while (0)
#define this_cpu_inc(name) this_cpu_add(name, 1)
#define this_cpu_dec(name) this_cpu_add(name, -1)

extern u64 percpu_offset[];
DECLARE_PER_CPU(u64, percpu_self_offset);
DECLARE_PER_CPU(unsigned int, cpu_number);

#define cpu_id() (this_cpu(cpu_number))

#define MAX_CPUS CONFIG_MAX_CPUS
struct cpumask {
	unsigned long bits[(CONFIG_MAX_CPUS + 63) / 64];
};
extern struct cpumask cpu_online_mask;
extern unsigned int cpu_online_count; /* online CPUs are numbered 0..count-1 */
/* CPUs the machine has and we may start: known, and their per-CPU areas usable through per_cpu(),
 * before mm_init_early. percpu_offset[] of all others is 0. */
extern unsigned int cpu_possible_count;

#define for_each_online_cpu(c) for (unsigned int c = 0; c < cpu_online_count; c++)
#define for_each_possible_cpu(c) for (unsigned int c = 0; c < cpu_possible_count; c++)

/* The hot ones (current_task, preempt_count, stack_chk_guard, ...) share one cache line: all of
 * them are defined in arch/x86_64/cpu/percpu.c. */

#endif
