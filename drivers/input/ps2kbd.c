/* SPDX-License-Identifier: MIT */
/* PS/2 keyboard behind an 8042 controller, scan codes of set 1 (the controller translates).
 *
 * Interrupt:  reads one byte; answers of the keyboard to commands (ACK, resend) drive a small queue
 *             of bytes to send, everything else is a scan code.
 * Codes:      E0 announces a key of the second block, E1 1D 45 is the Pause key. A code repeats
 *             while the key is held, which the bitmap of held keys tells from a press.
 * Locking:    ps2_lock, interrupts off, for the controller and the send queue; codes are passed on
 *             without it. */
#include <asm/ports.h>
#include <arch/ops.h>
#include <drivers/video.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/random.h>
#include <kernel/time.h>
#include <uapi/kd.h>

#include "keys.h"

#define DATA 0x60
#define STATUS 0x64
#define COMMAND 0x64
#define ST_OUTPUT 0x01 /* a byte for us */
#define ST_INPUT 0x02  /* the controller has not taken ours yet */
#define ST_AUX 0x20    /* the byte is the mouse's */

#define CMD_READ_CONFIG 0x20
#define CMD_WRITE_CONFIG 0x60
#define CMD_DISABLE_AUX 0xa7
#define CMD_DISABLE_KBD 0xad
#define CMD_ENABLE_KBD 0xae
#define CFG_IRQ_KBD 0x01
#define CFG_IRQ_AUX 0x02
#define CFG_CLOCK_OFF_KBD 0x10
#define CFG_TRANSLATE 0x40

#define KBD_SET_LEDS 0xed
#define KBD_ENABLE 0xf4
#define KBD_ACK 0xfa
#define KBD_RESEND 0xfe

#define WAIT_US 20000
#define SEND_MAX 8
#define KBD_IRQ 1

static DEFINE_SPINLOCK(ps2_lock, LOCK_DRIVER_IRQ);
static u8 send_queue[SEND_MAX]; /* ps2_lock: the first one is on its way */
static unsigned int nsend;	/* ps2_lock */
static bool sending;		/* ps2_lock: waiting for an answer to the first */
/* Only the interrupt handler uses these. */
static bool extended;
static unsigned int pause_left;
static u32 down_map[NR_KEYS / 32];

static bool wait_input_empty(void)
{
	for (unsigned int us = 0; us < WAIT_US; us += 10) {
		if (!(inb(STATUS) & ST_INPUT))
			return true;
		udelay(10);
	}
	return false;
}

static int read_polled(void)
{
	for (unsigned int us = 0; us < WAIT_US; us += 10) {
		if (inb(STATUS) & ST_OUTPUT)
			return inb(DATA);
		udelay(10);
	}
	return -ETIMEDOUT;
}

static bool command(u8 c)
{
	if (!wait_input_empty())
		return false;
	outb(COMMAND, c);
	return true;
}

/* --- commands to the keyboard --- */

/* ps2_lock held. */
static void send_next(void)
{
	if (sending || !nsend || !wait_input_empty())
		return;
	sending = true;
	outb(DATA, send_queue[0]);
}

static void send_done(void)
{
	sending = false;
	for (unsigned int i = 1; i < nsend; i++)
		send_queue[i - 1] = send_queue[i];
	nsend--;
	send_next();
}

static void set_leds(u8 leds)
{
	/* Scroll, num, caps are bits 0, 1, 2 there and in LED_*. */
	irqflags_t f = spin_lock_irqsave(&ps2_lock);

	if (nsend + 2 <= SEND_MAX) {
		send_queue[nsend++] = KBD_SET_LEDS;
		send_queue[nsend++] = leds & 7;
		send_next();
	}
	spin_unlock_irqrestore(&ps2_lock, f);
}

/* True when c was the answer to a command. */
static bool answer(u8 c)
{
	bool mine;

	spin_lock(&ps2_lock);
	mine = sending && (c == KBD_ACK || c == KBD_RESEND);
	if (mine && c == KBD_ACK)
		send_done();
	else if (mine)
		sending = false, send_next();
	spin_unlock(&ps2_lock);
	return mine;
}

/* --- scan codes --- */

/* Key code of a scan code behind E0; 0: not a key we know. */
static u8 extended_key(u8 code)
{
	switch (code) {
	case 0x1c:
		return KEY_KPENTER;
	case 0x1d:
		return KEY_RIGHTCTRL;
	case 0x35:
		return KEY_KPSLASH;
	case 0x37:
		return KEY_SYSRQ;
	case 0x38:
		return KEY_RIGHTALT;
	case 0x46:
		return KEY_PAUSE; /* with control */
	case 0x47 ... 0x49:
		return (u8)(KEY_HOME + code - 0x47);
	case 0x4b:
		return KEY_LEFT;
	case 0x4d:
		return KEY_RIGHT;
	case 0x4f ... 0x53:
		return (u8)(KEY_END + code - 0x4f);
	case 0x5b:
		return KEY_LEFTMETA;
	case 0x5c:
		return KEY_RIGHTMETA;
	case 0x5d:
		return KEY_COMPOSE;
	default: /* 2a, 36: shifts that keyboards fake around the grey keys */
		return 0;
	}
}

static void key(u8 keycode, bool down)
{
	u32 bit = 1u << (keycode % 32), *word = &down_map[keycode / 32];
	bool was = *word & bit;

	if (!keycode || (!down && !was))
		return;
	*word = down ? *word | bit : *word & ~bit;
	keyboard_event(keycode, down, was && down);
}

static void scan_code(u8 c)
{
	if (c == 0xe0) {
		extended = true;
		return;
	}
	if (c == 0xe1) {
		pause_left = 2;
		return;
	}
	if (pause_left) {
		/* E1 1D 45, E1 9D C5: sent at once, there is no release. */
		if (--pause_left == 0 && c == 0x45) {
			key(KEY_PAUSE, true);
			key(KEY_PAUSE, false);
		}
		return;
	}
	if (extended) {
		extended = false;
		key(extended_key(c & 0x7f), !(c & 0x80));
	} else if ((c & 0x7f) < 0x59) {
		key(c & 0x7f, !(c & 0x80));
	}
}

static bool ps2_interrupt(void *arg)
{
	bool any = false;

	for (int i = 0; i < 16; i++) {
		u8 status = inb(STATUS), c;

		if (!(status & ST_OUTPUT))
			break;
		c = inb(DATA);
		any = true;
		random_add_event(c);
		if (!(status & ST_AUX) && !answer(c))
			scan_code(c);
	}
	return any;
}

/* --- start --- */

/* Quiet controller, interrupt of the keyboard on, translation on; -ENODEV without one. */
static int controller_setup(void)
{
	int config;

	if (inb(STATUS) == 0xff)
		return -ENODEV;
	if (!command(CMD_DISABLE_KBD) || !command(CMD_DISABLE_AUX))
		return -ENODEV;
	for (int i = 0; i < 32 && (inb(STATUS) & ST_OUTPUT); i++)
		(void)inb(DATA);
	if (!command(CMD_READ_CONFIG))
		return -ENODEV;
	config = read_polled();
	if (config < 0)
		return -ENODEV;
	config |= CFG_IRQ_KBD | CFG_TRANSLATE;
	config &= ~(CFG_IRQ_AUX | CFG_CLOCK_OFF_KBD);
	if (!command(CMD_WRITE_CONFIG) || !wait_input_empty())
		return -ENODEV;
	outb(DATA, (u8)config);
	return command(CMD_ENABLE_KBD) ? 0 : -ENODEV;
}

static int ps2_init(void)
{
	irqflags_t f;
	int rc = controller_setup();

	if (rc)
		return rc == -ENODEV ? 0 : rc;
	rc = irq_request_isa(KBD_IRQ, "keyboard", ps2_interrupt, NULL);
	if (rc)
		return rc;
	keyboard_set_leds = set_leds;
	f = spin_lock_irqsave(&ps2_lock);
	send_queue[nsend++] = KBD_ENABLE;
	send_next();
	spin_unlock_irqrestore(&ps2_lock, f);
	log_info("ps2kbd", "keyboard at I/O 0x60, interrupt %d", KBD_IRQ);
	return 0;
}
INIT_HOOK(INIT_DRIVER, ps2_init);
