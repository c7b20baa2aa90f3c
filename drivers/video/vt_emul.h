/* SPDX-License-Identifier: MIT */
/* Terminal emulator: bytes in, a grid of cells out. No locks, no memory of its own, no hardware:
 * host tests drive it too. It understands what TERM=linux promises, and the parts of xterm in daily
 * use. */
#ifndef VIDEO_VT_EMUL_H
#define VIDEO_VT_EMUL_H

#include <kernel/types.h>
#include <kernel/utf8.h>

/* A cell: code point in bits 0..20, foreground 21..24, background 25..28, underline 29. Colours are
 * ANSI: 0 black 1 red 2 green 3 yellow 4 blue 5 magenta 6 cyan 7 white, +8 bright. */
typedef u32 vt_cell;
#define CELL_CHAR(c) ((c) & 0x1fffffu)
#define CELL_FG(c) ((c) >> 21 & 15)
#define CELL_BG(c) ((c) >> 25 & 15)
#define CELL_UNDERLINE (1u << 29)
#define CELL_COLORS(c) ((c) >> 21 & 0x1ff)
#define CELL(ch, fg, bg) ((u32)(ch) | (u32)(fg) << 21 | (u32)(bg) << 25)

#define VT_MAX_PARAMS 16
#define VT_MAX_COLS 320
#define VT_REPLY_MAX 64

struct vt_rendition {
	u8 fg, bg;
	bool bold, dim, underline, reverse;
};

struct vt_saved {
	unsigned int x, y;
	struct vt_rendition r;
	u8 charset[2], shift;
	bool origin, wrap_next;
};

struct vt_emul {
	vt_cell *cells; /* rows * cols */
	unsigned int cols, rows;
	unsigned int x, y;
	unsigned int top, bottom; /* scroll region: [top, bottom) */
	bool wrap_next;		  /* the last column is written: the next character wraps first */
	struct vt_rendition r;
	struct vt_saved saved;
	u8 charset[2], shift;	  /* G0, G1: 'B' ASCII or '0' line drawing; which is in use */
	u32 tabs[VT_MAX_COLS / 32];
	bool autowrap, origin, insert, newline, reverse_screen;
	bool cursor_visible, app_cursor, app_keypad, utf8;
	struct utf8_decoder dec;
	u32 last_char;		  /* for REP */
	/* parser */
	u8 state;
	u8 prefix;		  /* '?' '>' '=' '!' of a control sequence, or 0 */
	u8 intermediate;
	unsigned int params[VT_MAX_PARAMS];
	unsigned int nparams;
	u8 osc_skip;		  /* digits of a palette entry still to skip */
	/* for the owner */
	unsigned int dirty_top, dirty_bottom; /* rows changed since the owner cleared them */
	u8 reply[VT_REPLY_MAX];	  /* to be sent as if typed */
	unsigned int nreply;
	bool bell;
};

/* cells: rows * cols of them, cleared here. */
void vt_emul_init(struct vt_emul *vt, vt_cell *cells, unsigned int cols, unsigned int rows);
void vt_emul_reset(struct vt_emul *vt);
void vt_emul_write(struct vt_emul *vt, const u8 *buf, size_t n);
static inline bool vt_emul_dirty(const struct vt_emul *vt)
{
	return vt->dirty_top < vt->dirty_bottom;
}

#endif
