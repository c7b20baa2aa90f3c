/* SPDX-License-Identifier: MIT */
/* Selectors. The user ones have Linux's values, which signal frames and debuggers show. */
#ifndef ASM_SEGMENT_H
#define ASM_SEGMENT_H

#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER_CS32_BASE 0x23 /* what SYSRET counts from; no descriptor is there */
#define USER_DS 0x2b
#define USER_CS 0x33
#define TSS_SEL 0x40
#define CPU_SEL 0x7b /* limit = CPU number; readable with LSL from user mode */
#define GDT_ENTRIES 16

#endif
