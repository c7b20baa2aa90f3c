/* SPDX-License-Identifier: MIT */
/* Vectors and the entry paths behind them. */
#ifndef ASM_TRAPS_H
#define ASM_TRAPS_H

#define VEC_DE 0
#define VEC_DB 1
#define VEC_NMI 2
#define VEC_BP 3
#define VEC_OF 4
#define VEC_BR 5
#define VEC_UD 6
#define VEC_NM 7
#define VEC_DF 8
#define VEC_TS 10
#define VEC_NP 11
#define VEC_SS 12
#define VEC_GP 13
#define VEC_PF 14
#define VEC_MF 16
#define VEC_AC 17
#define VEC_MC 18
#define VEC_XM 19
#define VEC_CP 21
#define VEC_EXCEPTIONS 32

#define VEC_PIC 0x20	    /* 16 vectors nobody uses: where a masked PIC's spurious ones go */
#define VEC_DEVICE_FIRST 0x30
#define VEC_DEVICE_LAST 0xdf
#define VEC_TIMER 0xf0
#define VEC_RESCHED 0xf1
#define VEC_CALL 0xf2
#define VEC_ERROR 0xfe
#define VEC_SPURIOUS 0xff

/* Index into the interrupt stack table, counted from 0. */
#define IST_NMI 0
#define IST_DF 1
#define IST_MC 2
#define IST_COUNT 3

#ifndef __ASSEMBLY__
#include <arch/regs.h>

void idt_load(void);
/* Called by vectors.S with interrupts off. */
void trap_dispatch(struct user_regs *regs, unsigned int vector);
void irq_dispatch(struct user_regs *regs, unsigned int vector);
void nmi_dispatch(struct user_regs *regs, unsigned int vector);
/* Returns with interrupts off and no work left. */
void exit_slow_path(struct user_regs *regs);

void trap_page_fault(struct user_regs *regs);
void trap_fatal(struct user_regs *regs, unsigned int vector, u64 addr) __attribute__((noreturn));

bool umip_emulate(struct user_regs *regs);

/* The device interrupt of a vector (irq/irq.c). */
void irq_device(unsigned int vector);
/* arch/x86_64/smp/ipi.c */
void ipi_call_interrupt(void);
bool ipi_nmi(struct user_regs *regs);
#endif
#endif
