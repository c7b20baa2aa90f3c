/* SPDX-License-Identifier: MIT */
/* VGA text mode: 80x25 characters of code page 437 at B8000. */
#include <asm/ports.h>
#include <arch/ops.h>
#include <drivers/video.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/page.h>
#include <kernel/slab.h>

#include "vt_emul.h"

#define COLS 80
#define ROWS 25
#define VGA_MEM 0xb8000
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_START 0x0a
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f
#define ATTR_INDEX 0x3c0
#define ATTR_READ 0x3c1
#define STATUS1 0x3da
#define ATTR_MODE 0x10
#define ATTR_PAS 0x20 /* keep the screen on */
#define MODE_BLINK 0x08

static volatile u16 *vram;

/* Unicode of the code page's upper half; the lower is ASCII. */
static const u16 cp437_high[128] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8,
	0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2,
	0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1,
	0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd,
	0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562,
	0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534,
	0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560,
	0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
	0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393,
	0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6,
	0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0,
	0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

/* Characters that have a look-alike, and those of the control range. */
static const struct {
	u16 unicode;
	u8 glyph;
} substitutes[] = {
	{ 0x25c6, 0x04 }, { 0x2022, 0x07 }, { 0x25cf, 0x07 }, { 0x2190, 0x1b }, { 0x2191, 0x18 },
	{ 0x2192, 0x1a }, { 0x2193, 0x19 }, { 0x2194, 0x1d }, { 0x2195, 0x12 }, { 0x25b2, 0x1e },
	{ 0x25ba, 0x10 }, { 0x25bc, 0x1f }, { 0x25c4, 0x11 }, { 0x2013, '-' },	{ 0x2014, '-' },
	{ 0x2018, '\'' }, { 0x2019, '\'' }, { 0x201c, '"' }, { 0x201d, '"' },	{ 0x2026, '.' },
	{ 0x23ba, 0xc4 }, { 0x23bb, 0xc4 }, { 0x23bc, 0xc4 }, { 0x23bd, '_' },	{ 0x00a9, 'c' },
	{ 0x00ae, 'R' },  { 0x00a6, '|' },  { 0x00d7, 'x' },  { 0x20ac, 'E' },	{ 0x2501, 0xc4 },
	{ 0x2503, 0xb3 }, { 0x256d, 0xda }, { 0x256e, 0xbf }, { 0x256f, 0xd9 }, { 0x2570, 0xc0 },
};

static u8 glyph_of(u32 c)
{
	if (c >= 0x20 && c < 0x7f)
		return (u8)c;
	for (unsigned int i = 0; i < ARRAY_SIZE(cp437_high); i++)
		if (cp437_high[i] == c)
			return (u8)(0x80 + i);
	for (unsigned int i = 0; i < ARRAY_SIZE(substitutes); i++)
		if (substitutes[i].unicode == c)
			return substitutes[i].glyph;
	return c <= 0x20 ? ' ' : '?';
}

/* ANSI colours count red as bit 0, the hardware blue. */
static u8 vga_color(u8 ansi)
{
	return (u8)((ansi & 10) | (ansi & 1) << 2 | (ansi & 4) >> 2);
}

static void vga_draw(struct display *d, unsigned int x, unsigned int y, const u32 *cells,
		     unsigned int n)
{
	volatile u16 *p = vram + y * COLS + x;

	for (; n; n--, p++, cells++) {
		u8 fg = vga_color(CELL_FG(*cells)), bg = vga_color(CELL_BG(*cells));

		/* No underline in colour text mode: bright instead. */
		if (*cells & CELL_UNDERLINE)
			fg |= 8;
		*p = (u16)(bg << 12 | fg << 8 | glyph_of(CELL_CHAR(*cells)));
	}
}

static void crtc_write(u8 reg, u8 v)
{
	outb(CRTC_INDEX, reg);
	outb(CRTC_DATA, v);
}

static void vga_cursor(struct display *d, unsigned int x, unsigned int y, u32 under, bool visible)
{
	unsigned int at = y * COLS + x;

	if (!visible) {
		crtc_write(CRTC_CURSOR_START, 0x20);
		return;
	}
	crtc_write(CRTC_CURSOR_HIGH, (u8)(at >> 8));
	crtc_write(CRTC_CURSOR_LOW, (u8)at);
	crtc_write(CRTC_CURSOR_START, 0x0d); /* an underline; bit 5 clear: on */
}

/* The top bit of the background means bright, not blinking. */
static void disable_blinking(void)
{
	u8 mode;

	(void)inb(STATUS1); /* next write to the index */
	outb(ATTR_INDEX, ATTR_MODE | ATTR_PAS);
	mode = inb(ATTR_READ);
	(void)inb(STATUS1);
	outb(ATTR_INDEX, ATTR_MODE | ATTR_PAS);
	outb(ATTR_INDEX, mode & ~MODE_BLINK);
}

/* Memory that keeps what is written is there. */
static bool vga_present(void)
{
	u16 old = vram[0];
	bool ok;

	vram[0] = 0x0755;
	ok = vram[0] == 0x0755;
	vram[0] = 0x07aa;
	ok = ok && vram[0] == 0x07aa;
	vram[0] = old;
	return ok;
}

static struct display vga_display = {
	.name = "VGA text",
	.cols = COLS,
	.rows = ROWS,
	.draw = vga_draw,
	.cursor = vga_cursor,
};

static int vga_init(void)
{
	if (bootinfo.fb.present && !bootinfo.fb.text)
		return 0; /* the card is in a graphics mode */
	vram = ioremap((paddr_t){ VGA_MEM }, COLS * ROWS * 2, MEM_UNCACHED);
	if (!vram)
		return -ENOMEM;
	if (!vga_present()) {
		iounmap((void *)vram);
		return 0;
	}
	disable_blinking();
	return display_register(&vga_display);
}
INIT_HOOK(INIT_DRIVER, vga_init);
