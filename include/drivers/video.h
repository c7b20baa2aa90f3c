/* SPDX-License-Identifier: MIT */
/* Screens: what draws the cells of virtual terminals, and what the keyboard tells them. */
#ifndef DRIVERS_VIDEO_H
#define DRIVERS_VIDEO_H

#include <kernel/types.h>

/* A text screen. The functions are called by one caller at a time, and draw at once; any context.
 * */
struct display {
	const char *name;
	unsigned int cols, rows;
	/* n cells (video/vt_emul.h) from column x of row y. */
	void (*draw)(struct display *d, unsigned int x, unsigned int y, const u32 *cells,
		     unsigned int n);
	/* Shows the cursor at a place; under: the cell there. Or hides it. */
	void (*cursor)(struct display *d, unsigned int x, unsigned int y, u32 under, bool visible);
};
/* The first one registered becomes the screen of all virtual terminals. INIT_DRIVER. */
int display_register(struct display *d);

/* Switches to virtual terminal n (0..): from any context, happens soon. */
void vt_request_switch(unsigned int n);
unsigned int vt_current(void);
/* What the keyboard needs to know about the terminal in front. */
struct vt_keyboard_mode {
	bool app_cursor, app_keypad;
	bool raw; /* scan codes, not characters: nothing is translated */
	bool off;
};
void vt_keyboard_mode(struct vt_keyboard_mode *m);
/* Bytes for the terminal in front. Any context. */
void vt_input(const u8 *buf, size_t n);

/* Lights of the keyboard (LED_* of uapi/kd.h); a keyboard driver sets the function. */
extern void (*keyboard_set_leds)(u8 leds);
/* Entry of the key map: what key `index` means with the modifiers `table`; -EINVAL out of range. */
int keymap_get(unsigned int table, unsigned int index, u16 *value);
int keymap_set(unsigned int table, unsigned int index, u16 value);

#endif
