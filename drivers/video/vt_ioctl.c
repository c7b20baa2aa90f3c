/* SPDX-License-Identifier: MIT */
/* ioctls of virtual terminals: keyboard and display modes (KD*), switching (VT_*). */
#include "vt_internal.h"

#include <asm/ports.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>
#include <uapi/ioctls.h>

#define PIT_HZ 1193182
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define SPEAKER 0x61

void (*keyboard_set_leds)(u8 leds);

/* Changing what a terminal does is for its own session, or for administrators. */
static bool may_configure(struct tty *t)
{
	return READ_ONCE(current->process->tty) == t || capable(CAP_SYS_TTY_CONFIG);
}

/* --- sound: the PC's beeper --- */

static DEFINE_SPINLOCK(speaker_lock, LOCK_DRIVER_IRQ);

static void sound(unsigned int hz)
{
	irqflags_t f = spin_lock_irqsave(&speaker_lock);
	u32 divisor = hz > 20 && hz < 32767 ? PIT_HZ / hz : 0;

	if (divisor) {
		outb(PIT_COMMAND, 0xb6); /* channel 2, square wave */
		outb(PIT_CHANNEL2, divisor & 0xff);
		outb(PIT_CHANNEL2, divisor >> 8);
		outb(SPEAKER, inb(SPEAKER) | 3);
	} else {
		outb(SPEAKER, inb(SPEAKER) & 0xfc);
	}
	spin_unlock_irqrestore(&speaker_lock, f);
}

static u64 sound_end(struct hrtimer *t)
{
	sound(0);
	return 0;
}

static void tone(unsigned int hz, u64 ms)
{
	static struct hrtimer timer;

	if (!timer.fn)
		hrtimer_init(&timer, sound_end);
	sound(hz);
	if (ms)
		hrtimer_start(&timer, ktime_get() + ms * NSEC_PER_MSEC);
}

/* --- keyboard and display --- */

static void set_display_mode(struct vt *vt, u8 mode)
{
	irqflags_t f = spin_lock_irqsave(&vt_lock);
	bool changed = vt->kd_mode != mode;

	vt->kd_mode = mode;
	spin_unlock_irqrestore(&vt_lock, f);
	if (changed && mode == KD_TEXT && vt->n == vt_current())
		vt_refresh();
}

static long key_entry(unsigned int cmd, struct user_ptr up, bool may)
{
	struct kbentry e;
	int rc;

	if (copy_from_user(&e, up, sizeof(e)))
		return -EFAULT;
	/* The keys are everybody's, also those of the administrator on another terminal. */
	if (cmd == KDSKBENT)
		return may && capable(CAP_SYS_TTY_CONFIG)
			       ? keymap_set(e.kb_table, e.kb_index, e.kb_value)
			       : -EPERM;
	rc = keymap_get(e.kb_table, e.kb_index, &e.kb_value);
	return rc ? rc : copy_to_user(up, &e, sizeof(e));
}

static long set_leds(struct vt *vt, u64 arg)
{
	if (arg & ~7ull)
		arg = 0; /* back to what the lock keys say */
	vt->leds = (u8)arg;
	if (vt->n == vt_current() && keyboard_set_leds)
		keyboard_set_leds(vt->leds);
	return 0;
}

static long kd_set(struct vt *vt, unsigned int cmd, u64 arg)
{
	switch (cmd) {
	case KIOCSOUND:
		tone(arg ? (unsigned int)(PIT_HZ / arg) : 0, 0);
		return 0;
	case KDMKTONE:
		tone(arg & 0xffff ? (unsigned int)(PIT_HZ / (arg & 0xffff)) : 0,
		     arg >> 16 & 0xffff);
		return 0;
	case KDSETMODE:
		if (arg > KD_GRAPHICS && arg > 3)
			return -EINVAL;
		set_display_mode(vt, arg == KD_GRAPHICS ? KD_GRAPHICS : KD_TEXT);
		return 0;
	case KDSKBMODE:
		if (arg > K_OFF)
			return -EINVAL;
		vt->kb_mode = (u8)arg;
		return 0;
	case KDSKBMETA:
		if (arg != K_METABIT && arg != K_ESCPREFIX)
			return -EINVAL;
		vt->kb_meta = (u8)arg;
		return 0;
	case KDSETLED:
	case KDSKBLED:
		return set_leds(vt, arg);
	default: /* KDSIGACCEPT, port access: not offered */
		return -EINVAL;
	}
}

static long kd_ioctl(struct vt *vt, unsigned int cmd, u64 arg)
{
	struct user_ptr up = USER_PTR(arg);
	bool may = may_configure(&vt->tty);

	switch (cmd) {
	case KDGKBTYPE:
		return put_user_u8(KB_101, up);
	case KDGETMODE:
		return put_user_u32(vt->kd_mode, up);
	case KDGKBMODE:
		return put_user_u32(vt->kb_mode, up);
	case KDGKBMETA:
		return put_user_u32(vt->kb_meta, up);
	case KDGETLED:
	case KDGKBLED:
		return put_user_u8(vt->leds, up);
	case KDGKBENT:
	case KDSKBENT:
		return key_entry(cmd, up, may);
	case KIOCSOUND:
	case KDMKTONE:
	case KDSETMODE:
	case KDSKBMODE:
	case KDSKBMETA:
	case KDSETLED:
	case KDSKBLED:
	case KDSIGACCEPT:
	case KDADDIO:
	case KDDELIO:
	case KDENABIO:
	case KDDISABIO:
		return may ? kd_set(vt, cmd, arg) : -EPERM;
	default:
		return -ENOIOCTLCMD;
	}
}

/* --- switching --- */

static long vt_set_mode(struct vt *vt, struct user_ptr up)
{
	struct vt_mode m;

	if (copy_from_user(&m, up, sizeof(m)))
		return -EFAULT;
	if (m.mode != VT_AUTO && m.mode != VT_PROCESS)
		return -EINVAL;
	mutex_lock(&vt_switch_lock);
	if (vt->owner)
		pid_put(vt->owner);
	vt->owner = current->process->pid;
	pid_get(vt->owner);
	vt->mode = m;
	vt->mode.frsig = 0;
	if (vt->n == vt_current())
		vt_pending = -1;
	mutex_unlock(&vt_switch_lock);
	return 0;
}

/* The owner answers: 0 no, 1 yes, VT_ACKACQ to the other signal. */
static long vt_release(struct vt *vt, u64 answer)
{
	long rc = 0;

	mutex_lock(&vt_switch_lock);
	if (vt->mode.mode != VT_PROCESS) {
		rc = -EINVAL;
	} else if (vt_pending >= 0 && vt->n == vt_current()) {
		if (answer == 0)
			vt_pending = -1;
		else
			vt_switch_finish((unsigned int)vt_pending);
	} else if (answer != VT_ACKACQ) {
		rc = -EINVAL;
	}
	mutex_unlock(&vt_switch_lock);
	return rc;
}

static long vt_state(struct user_ptr up)
{
	struct vt_stat st = { .v_active = (u16)(vt_current() + 1), .v_state = 1 };

	for (unsigned int i = 0; i < TTY_NR_VT; i++)
		if (READ_ONCE(vts[i].tty.opens))
			st.v_state |= (u16)(2u << i);
	return copy_to_user(up, &st, sizeof(st));
}

static long vt_free_number(struct user_ptr up)
{
	for (unsigned int i = 0; i < TTY_NR_VT; i++)
		if (!READ_ONCE(vts[i].tty.opens))
			return put_user_u32(i + 1, up);
	return put_user_u32(~0u, up);
}

static long vt_wait_active(u64 n)
{
	if (n == 0 || n > TTY_NR_VT)
		return -ENXIO;
	return wait_event_interruptible(&vt_switch_wq, vt_current() == n - 1);
}

static long vt_activate(u64 n)
{
	if (n == 0 || n > TTY_NR_VT)
		return -ENXIO;
	mutex_lock(&vt_switch_lock);
	vt_switch_begin((unsigned int)n - 1);
	mutex_unlock(&vt_switch_lock);
	return 0;
}

/* Nothing is given back but the screen's content: the memory serves the next opener. */
static long vt_disallocate(u64 n)
{
	irqflags_t f;

	if (n > TTY_NR_VT)
		return -ENXIO;
	for (u64 i = n ? n : 1; i <= (n ? n : TTY_NR_VT); i++) {
		struct vt *vt = &vts[i - 1];

		if (READ_ONCE(vt->tty.opens) || vt->n == vt_current()) {
			if (n)
				return -EBUSY;
			continue;
		}
		f = spin_lock_irqsave(&vt_lock);
		if (vt->em.cells)
			vt_emul_reset(&vt->em);
		spin_unlock_irqrestore(&vt_lock, f);
	}
	return 0;
}

long vt_ioctl(struct tty *t, unsigned int cmd, u64 arg)
{
	struct user_ptr up = USER_PTR(arg);
	struct vt *vt = vt_of(t);
	struct vt_mode m;

	switch (cmd) {
	case VT_OPENQRY:
		return vt_free_number(up);
	case VT_GETSTATE:
		return vt_state(up);
	case VT_GETMODE:
		mutex_lock(&vt_switch_lock);
		m = vt->mode;
		mutex_unlock(&vt_switch_lock);
		return copy_to_user(up, &m, sizeof(m));
	case VT_WAITACTIVE:
		return may_configure(t) ? vt_wait_active(arg) : -EPERM;
	case VT_SETMODE:
		return may_configure(t) ? vt_set_mode(vt, up) : -EPERM;
	case VT_RELDISP:
		return may_configure(t) ? vt_release(vt, arg) : -EPERM;
	case VT_ACTIVATE:
		return may_configure(t) ? vt_activate(arg) : -EPERM;
	case VT_DISALLOCATE:
		return vt_disallocate(arg);
	default:
		return kd_ioctl(vt, cmd, arg);
	}
}
