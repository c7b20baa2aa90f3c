/* SPDX-License-Identifier: MIT */
/* Shared by context.c, tls.c and the assembly of this folder. */
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

struct task;

struct task *switch_stacks(struct task *prev, struct task *next);
void kernel_thread_start(void);
void user_thread_start(void);

/* FS and GS bases and data selectors of user code (tls.c). */
void user_bases_switch(struct task *prev, struct task *next);
void user_bases_copy(struct task *child); /* from the registers of current */
void user_bases_reset(void);

#endif
