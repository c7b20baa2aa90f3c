/* SPDX-License-Identifier: MIT */
/* Vector and floating-point state of user threads. */
#ifndef ASM_FPU_H
#define ASM_FPU_H

#include <kernel/types.h>

struct task;

/* Start of an XSAVE area (Intel SDM vol. 1, 13.4); standard format always. */
struct fxregs {
	u16 fcw, fsw;
	u8 ftw, reserved0;
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mxcsr_mask;
	u8 st[128], xmm[256];
	u8 reserved1[48];
	u8 sw_reserved[48]; /* software's: signal frames describe themselves here */
};
struct xsave_area {
	struct fxregs fx;
	u64 xstate_bv, xcomp_bv, reserved[6];
};
_Static_assert(sizeof(struct fxregs) == 512 && sizeof(struct xsave_area) == 576, "XSAVE layout");

extern u32 fpu_area_size; /* bytes of an area */
extern u64 fpu_features;  /* XCR0; 0: FXSAVE only */

void fpu_init(void);	  /* boot CPU: sizes and masks */
void fpu_init_this(void); /* every CPU: XCR0 */
int fpu_alloc(struct task *t); /* a fresh area; -ENOMEM */
void fpu_free(struct task *t);
void fpu_copy_current(struct task *child); /* child's area := registers of current */
void fpu_reset_current(void);
/* Context switch, interrupts off. */
void fpu_switch(struct task *prev, struct task *next);
/* Registers of current to its area in full, for a signal frame. */
struct xsave_area *fpu_sync_current(void);
/* Loads the state at a user address for current: `features` of an XSAVE area when extended, else
 * the 512 bytes of FXSAVE. -EFAULT, -ENOMEM, -EINVAL (it would fault): then the registers are as
 * before. May sleep. */
int fpu_restore_user(struct user_ptr src, u64 features, bool extended);

#endif
