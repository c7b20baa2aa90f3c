/* SPDX-License-Identifier: MIT */
/* Text on a linear framebuffer that the boot loader set up.
 *
 * Owns:       the mapping of the framebuffer (write-combining), colours in its pixel format.
 * Drawing:    the virtual terminals know what is on the screen and ask only for cells that changed,
 *             so nothing is ever read back and scrolling is drawing. Pixels of 32 bits are written
 *             a glyph row at a time; 24 and 16 bits pixel by pixel.
 * Locking:    none: one caller at a time, see drivers/video.h. */
#include <arch/ops.h>
#include <drivers/video.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "vt_emul.h"
#include "drivers/video/font.h"

#define ROW_BYTES ((FONT_WIDTH + 7) / 8)
#define CURSOR_HEIGHT 2
#define MIN_COLS 20

static u8 *fb;
static u32 palette[16]; /* in the format of the framebuffer */
static u16 ascii[128];	/* glyph of each ASCII character */
static u16 unknown;	/* glyph for what the font lacks */

/* The console colours of IBM's CGA, in ANSI order. */
static const u32 rgb[16] = {
	0x000000, 0xaa0000, 0x00aa00, 0xaa5500, 0x0000aa, 0xaa00aa, 0x00aaaa, 0xaaaaaa,
	0x555555, 0xff5555, 0x55ff55, 0xffff55, 0x5555ff, 0xff55ff, 0x55ffff, 0xffffff,
};

static int find_glyph(u32 c)
{
	unsigned int low = 0, high = ARRAY_SIZE(font_map);

	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (font_map[mid].unicode == c)
			return font_map[mid].glyph;
		if (font_map[mid].unicode < c)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

static unsigned int glyph_of(u32 c)
{
	int g;

	if (likely(c < 128))
		return ascii[c];
	g = find_glyph(c);
	return g < 0 ? unknown : (unsigned int)g;
}

static void put_pixel(u8 *p, u32 color)
{
	switch (bootinfo.fb.bpp) {
	case 32:
		*(volatile u32 *)p = color;
		break;
	case 24:
		p[0] = (u8)color;
		p[1] = (u8)(color >> 8);
		p[2] = (u8)(color >> 16);
		break;
	default:
		*(volatile u16 *)p = (u16)color;
	}
}

static u8 *pixel_at(unsigned int x, unsigned int y)
{
	return fb + (size_t)y * bootinfo.fb.pitch + (size_t)x * (bootinfo.fb.bpp / 8);
}

/* One line of a glyph; bits: leftmost pixel in bit FONT_WIDTH - 1. */
static void draw_line(u8 *p, u32 bits, u32 fg, u32 bg)
{
	if (likely(bootinfo.fb.bpp == 32)) {
		u32 *q = (u32 *)p;

		for (int i = FONT_WIDTH - 1; i >= 0; i--)
			*q++ = bits >> i & 1 ? fg : bg;
		return;
	}
	for (int i = FONT_WIDTH - 1; i >= 0; i--, p += bootinfo.fb.bpp / 8)
		put_pixel(p, bits >> i & 1 ? fg : bg);
}

/* Lines [from, to) of a cell. */
static void draw_cell(unsigned int x, unsigned int y, u32 cell, unsigned int from, unsigned int to)
{
	const u8 *g = font_bits + (size_t)glyph_of(CELL_CHAR(cell)) * FONT_HEIGHT * ROW_BYTES;
	u32 fg = palette[CELL_FG(cell)], bg = palette[CELL_BG(cell)];
	u8 *p = pixel_at(x * FONT_WIDTH, y * FONT_HEIGHT + from);

	for (unsigned int line = from; line < to; line++, p += bootinfo.fb.pitch) {
		u32 bits = 0;

		for (unsigned int i = 0; i < ROW_BYTES; i++)
			bits = bits << 8 | g[line * ROW_BYTES + i];
		bits >>= ROW_BYTES * 8 - FONT_WIDTH;
		if ((cell & CELL_UNDERLINE) && line == FONT_HEIGHT - 2)
			bits = ~0u;
		draw_line(p, bits, fg, bg);
	}
}

static void fb_draw(struct display *d, unsigned int x, unsigned int y, const u32 *cells,
		    unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		draw_cell(x + i, y, cells[i], 0, FONT_HEIGHT);
}

static void fb_cursor(struct display *d, unsigned int x, unsigned int y, u32 under, bool visible)
{
	u32 color = palette[CELL_FG(under)];

	if (!visible) {
		draw_cell(x, y, under, FONT_HEIGHT - CURSOR_HEIGHT, FONT_HEIGHT);
		return;
	}
	for (unsigned int line = FONT_HEIGHT - CURSOR_HEIGHT; line < FONT_HEIGHT; line++)
		draw_line(pixel_at(x * FONT_WIDTH, y * FONT_HEIGHT + line), ~0u, color, color);
}

static u32 channel(u32 value, u8 pos, u8 size)
{
	return value >> (8 - size) << pos;
}

static void make_palette(void)
{
	const struct boot_framebuffer *b = &bootinfo.fb;

	for (unsigned int i = 0; i < 16; i++)
		palette[i] = channel(rgb[i] >> 16 & 255, b->red_pos, b->red_size) |
			     channel(rgb[i] >> 8 & 255, b->green_pos, b->green_size) |
			     channel(rgb[i] & 255, b->blue_pos, b->blue_size);
}

static void make_glyphs(void)
{
	int g = find_glyph(0xfffd);

	unknown = (u16)(g >= 0 ? g : find_glyph('?'));
	for (unsigned int c = 0; c < 128; c++) {
		g = find_glyph(c);
		ascii[c] = g < 0 ? unknown : (u16)g;
	}
}

static bool usable(const struct boot_framebuffer *b)
{
	return b->present && !b->text && (b->bpp == 32 || b->bpp == 24 || b->bpp == 16) &&
	       b->red_size <= 8 && b->green_size <= 8 && b->blue_size <= 8 &&
	       b->width >= MIN_COLS * FONT_WIDTH && b->height >= FONT_HEIGHT &&
	       b->pitch >= b->width * (b->bpp / 8);
}

static struct display fb_display = {
	.name = "framebuffer",
	.draw = fb_draw,
	.cursor = fb_cursor,
};

static int fb_init(void)
{
	const struct boot_framebuffer *b = &bootinfo.fb;

	if (!usable(b))
		return 0;
	fb = ioremap((paddr_t){ b->base }, (size_t)b->pitch * b->height, MEM_WRITE_COMBINING);
	if (!fb)
		return -ENOMEM;
	make_palette();
	make_glyphs();
	/* What the loader left, borders included. */
	for (unsigned int y = 0; y < b->height; y++)
		memset(fb + (size_t)y * b->pitch, 0, (size_t)b->width * (b->bpp / 8));
	fb_display.cols = min(b->width / FONT_WIDTH, (u32)VT_MAX_COLS);
	fb_display.rows = b->height / FONT_HEIGHT;
	log_info("fb", "%ux%u, %u bits, at %#llx", b->width, b->height, b->bpp,
		 (unsigned long long)b->base);
	return display_register(&fb_display);
}
INIT_HOOK(INIT_DRIVER, fb_init);
