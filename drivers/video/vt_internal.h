/* SPDX-License-Identifier: MIT */
/* Between vt.c (terminals, drawing) and vt_ioctl.c. */
#ifndef VIDEO_VT_INTERNAL_H
#define VIDEO_VT_INTERNAL_H

#include <drivers/tty.h>
#include <drivers/video.h>
#include <uapi/kd.h>
#include <uapi/vt.h>

#include "vt_emul.h"

/* V: vt_lock  S: switch_lock  C: const */
struct vt {
	struct tty tty;
	unsigned int n;		/* C: 0 for tty1 */
	struct vt_emul em;	/* V; cells NULL: not allocated yet */
	bool stopped;		/* V */
	u8 kd_mode;		/* V: KD_TEXT or KD_GRAPHICS */
	u8 kb_mode, kb_meta;	/* V */
	u8 leds;		/* V */
	struct vt_mode mode;	/* S */
	struct pid *owner;	/* S: who gets the signals of VT_PROCESS, referenced */
};

extern struct vt vts[TTY_NR_VT];
extern struct spinlock vt_lock;	 /* LOCK_CONSOLE, interrupts off */
extern struct mutex vt_switch_lock; /* LOCK_DRIVER */
extern struct wait_queue vt_switch_wq; /* woken after each switch */

static inline struct vt *vt_of(struct tty *t)
{
	return container_of(t, struct vt, tty);
}
int vt_allocate(struct vt *vt); /* 0 or -ENOMEM */
void vt_refresh(void);		/* draws everything of the terminal in front again */
long vt_ioctl(struct tty *t, unsigned int cmd, u64 arg);
/* Starts a switch, asking the owner of the terminal in front first. vt_switch_lock held. */
void vt_switch_begin(unsigned int n);
void vt_switch_finish(unsigned int n);
extern int vt_pending; /* S: switch the owner was asked about, -1 none */

#endif
