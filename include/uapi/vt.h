/* SPDX-License-Identifier: MIT */
/* Virtual terminal ioctls. */
#ifndef UAPI_VT_H
#define UAPI_VT_H

#include <kernel/types.h>

#define VT_OPENQRY 0x5600
#define VT_GETMODE 0x5601
#define VT_SETMODE 0x5602
#define VT_GETSTATE 0x5603
#define VT_SENDSIG 0x5604
#define VT_RELDISP 0x5605
#define VT_ACTIVATE 0x5606
#define VT_WAITACTIVE 0x5607
#define VT_DISALLOCATE 0x5608
#define VT_RESIZE 0x5609
#define VT_LOCKSWITCH 0x560B
#define VT_UNLOCKSWITCH 0x560C

#define VT_AUTO 0
#define VT_PROCESS 1
#define VT_ACKACQ 2

struct vt_mode {
	u8 mode, waitv;
	s16 relsig, acqsig, frsig;
};

struct vt_stat {
	u16 v_active, v_signal, v_state;
};

#endif
