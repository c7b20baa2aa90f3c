/* SPDX-License-Identifier: MIT */
/* Terminal emulator: the state machine behind a virtual terminal.
 *
 * Parser:     one byte at a time; in the ground state UTF-8 is decoded first. Control characters
 *             act inside escape sequences too; ESC, CAN and SUB abandon one. What is not known is
 *             read to its end and ignored.
 * Wrapping:   a character in the last column leaves the cursor there with wrap_next set; only the
 *             next character moves it, as a VT100 does: full-screen programs rely on it.
 * Erasing:    with the current background colour.
 * Colours:    16; the 256-colour and 24-bit forms are mapped to the nearest.
 * Locking:    the owner's. */
#include "vt_emul.h"

#include <kernel/string.h>

enum {
	GROUND,
	ESCAPE,	    /* after ESC */
	CSI,	    /* after ESC [ */
	CSI_IGNORE, /* a malformed one, to its end */
	OSC,	    /* after ESC ] */
	STRING,	    /* text of OSC, DCS, PM, APC: ends with BEL or ESC \ */
	STRING_ESC,
	SKIP_ONE,   /* one more byte that means nothing to us */
	SET_G0,
	SET_G1,
	HASH,
	PERCENT,
};

#define DEFAULT_FG 7
#define DEFAULT_BG 0

/* DEC special graphics, characters 0x60 to 0x7e. */
static const u16 line_drawing[31] = {
	0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b, 0x2518,
	0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c, 0x2524,
	0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};

static vt_cell blank(const struct vt_emul *vt)
{
	return vt->reverse_screen ? CELL(' ', vt->r.bg, vt->r.fg) : CELL(' ', vt->r.fg, vt->r.bg);
}

static vt_cell paint(const struct vt_emul *vt, u32 ch)
{
	const struct vt_rendition *r = &vt->r;
	u8 fg = r->fg, bg = r->bg;

	if (r->bold)
		fg |= 8;
	else if (r->dim)
		fg = 8;
	if (r->reverse != vt->reverse_screen) {
		u8 t = fg;

		fg = bg;
		bg = t;
	}
	return CELL(ch, fg, bg) | (r->underline ? CELL_UNDERLINE : 0);
}

static void touch(struct vt_emul *vt, unsigned int from, unsigned int to)
{
	if (from < vt->dirty_top)
		vt->dirty_top = from;
	if (to > vt->dirty_bottom)
		vt->dirty_bottom = to;
}

static vt_cell *row(struct vt_emul *vt, unsigned int y)
{
	return vt->cells + (size_t)y * vt->cols;
}

static void fill(vt_cell *p, vt_cell c, size_t n)
{
	while (n--)
		*p++ = c;
}

/* --- scrolling and cursor --- */

/* Moves the rows [top, bottom) up by n; blank ones come in below. */
static void scroll_up(struct vt_emul *vt, unsigned int top, unsigned int bottom, unsigned int n)
{
	if (top >= bottom)
		return;
	if (n > bottom - top)
		n = bottom - top;
	memmove(row(vt, top), row(vt, top + n), (bottom - top - n) * vt->cols * sizeof(vt_cell));
	fill(row(vt, bottom - n), blank(vt), (size_t)n * vt->cols);
	touch(vt, top, bottom);
}

static void scroll_down(struct vt_emul *vt, unsigned int top, unsigned int bottom, unsigned int n)
{
	if (top >= bottom)
		return;
	if (n > bottom - top)
		n = bottom - top;
	memmove(row(vt, top + n), row(vt, top), (bottom - top - n) * vt->cols * sizeof(vt_cell));
	fill(row(vt, top), blank(vt), (size_t)n * vt->cols);
	touch(vt, top, bottom);
}

static void go_to(struct vt_emul *vt, int x, int y)
{
	int low = vt->origin ? (int)vt->top : 0;
	int high = vt->origin ? (int)vt->bottom : (int)vt->rows;

	x = x < 0 ? 0 : x >= (int)vt->cols ? (int)vt->cols - 1 : x;
	y = y < low ? low : y >= high ? high - 1 : y;
	vt->x = (unsigned int)x;
	vt->y = (unsigned int)y;
	vt->wrap_next = false;
}

/* Absolute position: rows count from the region in origin mode. */
static void go_abs(struct vt_emul *vt, int x, int y)
{
	go_to(vt, x, vt->origin ? (int)vt->top + y : y);
}

/* Up or down by dy; does not leave the scroll region when it starts inside. */
static void move_vertically(struct vt_emul *vt, int dy)
{
	int low = vt->y >= vt->top ? (int)vt->top : 0;
	int high = vt->y < vt->bottom ? (int)vt->bottom : (int)vt->rows;
	int y = (int)vt->y + dy;

	vt->y = (unsigned int)(y < low ? low : y >= high ? high - 1 : y);
	vt->wrap_next = false;
}

static void line_feed(struct vt_emul *vt)
{
	vt->wrap_next = false;
	if (vt->y + 1 == vt->bottom)
		scroll_up(vt, vt->top, vt->bottom, 1);
	else if (vt->y + 1 < vt->rows)
		vt->y++;
}

static void reverse_line_feed(struct vt_emul *vt)
{
	vt->wrap_next = false;
	if (vt->y == vt->top)
		scroll_down(vt, vt->top, vt->bottom, 1);
	else if (vt->y > 0)
		vt->y--;
}

static void carriage_return(struct vt_emul *vt)
{
	vt->x = 0;
	vt->wrap_next = false;
}

static void tab_forward(struct vt_emul *vt, unsigned int n)
{
	vt->wrap_next = false;
	while (n-- && vt->x + 1 < vt->cols)
		do
			vt->x++;
		while (vt->x + 1 < vt->cols && !(vt->tabs[vt->x / 32] >> (vt->x % 32) & 1));
}

static void tab_back(struct vt_emul *vt, unsigned int n)
{
	vt->wrap_next = false;
	while (n-- && vt->x > 0)
		do
			vt->x--;
		while (vt->x > 0 && !(vt->tabs[vt->x / 32] >> (vt->x % 32) & 1));
}

static void default_tabs(struct vt_emul *vt)
{
	for (unsigned int i = 0; i < VT_MAX_COLS / 32; i++)
		vt->tabs[i] = 0x01010101u;
}

/* --- characters --- */

static void insert_chars(struct vt_emul *vt, unsigned int n)
{
	vt_cell *p = row(vt, vt->y) + vt->x;
	unsigned int left = vt->cols - vt->x;

	if (n > left)
		n = left;
	memmove(p + n, p, (left - n) * sizeof(*p));
	fill(p, blank(vt), n);
	vt->wrap_next = false;
	touch(vt, vt->y, vt->y + 1);
}

static void delete_chars(struct vt_emul *vt, unsigned int n)
{
	vt_cell *p = row(vt, vt->y) + vt->x;
	unsigned int left = vt->cols - vt->x;

	if (n > left)
		n = left;
	memmove(p, p + n, (left - n) * sizeof(*p));
	fill(p + left - n, blank(vt), n);
	vt->wrap_next = false;
	touch(vt, vt->y, vt->y + 1);
}

static void put_narrow(struct vt_emul *vt, u32 c)
{
	if (vt->charset[vt->shift] == '0' && c >= 0x60 && c <= 0x7e)
		c = line_drawing[c - 0x60];
	if (vt->wrap_next) {
		carriage_return(vt);
		line_feed(vt);
	}
	if (vt->insert)
		insert_chars(vt, 1);
	row(vt, vt->y)[vt->x] = paint(vt, c);
	touch(vt, vt->y, vt->y + 1);
	if (vt->x + 1 < vt->cols)
		vt->x++;
	else
		vt->wrap_next = vt->autowrap;
	vt->last_char = c;
}

/* Combining marks are left out; wide characters take the columns programs expect. */
static void put_char(struct vt_emul *vt, u32 c)
{
	int width = c < 0x300 ? 1 : utf8_width(c);

	if (width == 0)
		return;
	put_narrow(vt, c);
	if (width == 2)
		put_narrow(vt, ' ');
}

static void erase(struct vt_emul *vt, unsigned int y, unsigned int from, unsigned int to)
{
	fill(row(vt, y) + from, blank(vt), to - from);
	touch(vt, y, y + 1);
}

static void erase_display(struct vt_emul *vt, unsigned int how)
{
	unsigned int first = 0, last = vt->rows;

	if (how == 0) {
		erase(vt, vt->y, vt->x, vt->cols);
		first = vt->y + 1;
	} else if (how == 1) {
		erase(vt, vt->y, 0, vt->x + 1);
		last = vt->y;
	} else if (how > 3) {
		return;
	}
	for (; first < last; first++)
		erase(vt, first, 0, vt->cols);
	vt->wrap_next = false;
}

static void erase_line(struct vt_emul *vt, unsigned int how)
{
	if (how == 0)
		erase(vt, vt->y, vt->x, vt->cols);
	else if (how == 1)
		erase(vt, vt->y, 0, vt->x + 1);
	else if (how == 2)
		erase(vt, vt->y, 0, vt->cols);
	vt->wrap_next = false;
}

/* --- rendition --- */

static const struct vt_rendition default_rendition = { .fg = DEFAULT_FG, .bg = DEFAULT_BG };

/* Nearest of the 16 colours to one of 24 bits. */
static u8 nearest(unsigned int r, unsigned int g, unsigned int b)
{
	unsigned int high = r > g ? r : g, limit;
	u8 hue;

	high = high > b ? high : b;
	if (high < 48)
		return 0;
	limit = high / 2;
	hue = (u8)((r > limit ? 1 : 0) | (g > limit ? 2 : 0) | (b > limit ? 4 : 0));
	if (hue == 7)
		return high < 96 ? 8 : high < 216 ? 7 : 15;
	return high > 192 ? hue | 8 : hue;
}

static u8 color_of_256(unsigned int n)
{
	static const u8 level[6] = { 0, 95, 135, 175, 215, 255 };

	if (n < 16)
		return (u8)n;
	if (n >= 232) {
		unsigned int v = 8 + (n - 232) * 10;

		return nearest(v, v, v);
	}
	n -= 16;
	return nearest(level[n / 36], level[n / 6 % 6], level[n % 6]);
}

/* 38;5;n or 38;2;r;g;b from params[i]: the colour, or -1; *used: parameters taken. */
static int extended_color(const struct vt_emul *vt, unsigned int i, unsigned int *used)
{
	const unsigned int *p = vt->params;

	*used = vt->nparams - i - 1;
	if (i + 2 < vt->nparams && p[i + 1] == 5) {
		*used = 2;
		return color_of_256(p[i + 2] & 255);
	}
	if (i + 4 < vt->nparams && p[i + 1] == 2) {
		*used = 4;
		return nearest(p[i + 2] & 255, p[i + 3] & 255, p[i + 4] & 255);
	}
	return -1;
}

static void set_attribute(struct vt_rendition *r, unsigned int p)
{
	switch (p) {
	case 0:
		*r = default_rendition;
		break;
	case 1:
		r->bold = true;
		r->dim = false;
		break;
	case 2:
		r->dim = true;
		r->bold = false;
		break;
	case 4:
	case 21:
		r->underline = true;
		break;
	case 7:
		r->reverse = true;
		break;
	case 22:
		r->bold = r->dim = false;
		break;
	case 24:
		r->underline = false;
		break;
	case 27:
		r->reverse = false;
		break;
	case 39:
		r->fg = DEFAULT_FG;
		break;
	case 49:
		r->bg = DEFAULT_BG;
		break;
	default:
		if (p >= 30 && p <= 37)
			r->fg = (u8)(p - 30);
		else if (p >= 40 && p <= 47)
			r->bg = (u8)(p - 40);
		else if (p >= 90 && p <= 97)
			r->fg = (u8)(p - 90 + 8);
		else if (p >= 100 && p <= 107)
			r->bg = (u8)(p - 100 + 8);
	}
}

static void select_rendition(struct vt_emul *vt)
{
	for (unsigned int i = 0; i < vt->nparams; i++) {
		unsigned int p = vt->params[i], used;
		int color;

		if (p != 38 && p != 48) {
			set_attribute(&vt->r, p);
			continue;
		}
		color = extended_color(vt, i, &used);
		if (color >= 0)
			*(p == 38 ? &vt->r.fg : &vt->r.bg) = (u8)color;
		i += used;
	}
}

/* --- modes, saving, replies --- */

static void save_cursor(struct vt_emul *vt)
{
	vt->saved = (struct vt_saved){ .x = vt->x, .y = vt->y, .r = vt->r, .shift = vt->shift,
				       .origin = vt->origin, .wrap_next = vt->wrap_next,
				       .charset = { vt->charset[0], vt->charset[1] } };
}

static void restore_cursor(struct vt_emul *vt)
{
	const struct vt_saved *s = &vt->saved;

	vt->r = s->r;
	vt->shift = s->shift;
	vt->origin = s->origin;
	vt->charset[0] = s->charset[0];
	vt->charset[1] = s->charset[1];
	go_to(vt, (int)s->x, (int)s->y);
	vt->wrap_next = s->wrap_next && vt->x + 1 == vt->cols;
}

static void reply(struct vt_emul *vt, const char *s)
{
	size_t n = strlen(s);

	if (n <= VT_REPLY_MAX - vt->nreply) {
		memcpy(vt->reply + vt->nreply, s, n);
		vt->nreply += (unsigned int)n;
	}
}

static void reply_number(struct vt_emul *vt, unsigned int v)
{
	char digits[12];
	unsigned int i = sizeof(digits) - 1;

	digits[i] = '\0';
	do
		digits[--i] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	reply(vt, digits + i);
}

static void status_report(struct vt_emul *vt, unsigned int what)
{
	if (what == 5) {
		reply(vt, "\033[0n");
	} else if (what == 6) {
		reply(vt, "\033[");
		reply_number(vt, vt->y + 1 - (vt->origin ? vt->top : 0));
		reply(vt, ";");
		reply_number(vt, vt->x + 1);
		reply(vt, "R");
	}
}

static void set_reverse_screen(struct vt_emul *vt, bool on)
{
	if (vt->reverse_screen == on)
		return;
	vt->reverse_screen = on;
	for (size_t i = 0; i < (size_t)vt->rows * vt->cols; i++) {
		vt_cell c = vt->cells[i];

		vt->cells[i] = (c & (CELL_UNDERLINE | 0x1fffffu)) | CELL(0, CELL_BG(c), CELL_FG(c));
	}
	touch(vt, 0, vt->rows);
}

static void private_mode(struct vt_emul *vt, unsigned int mode, bool on)
{
	switch (mode) {
	case 1:
		vt->app_cursor = on;
		break;
	case 5:
		set_reverse_screen(vt, on);
		break;
	case 6:
		vt->origin = on;
		go_abs(vt, 0, 0);
		break;
	case 7:
		vt->autowrap = on;
		vt->wrap_next = false;
		break;
	case 25:
		vt->cursor_visible = on;
		touch(vt, vt->y, vt->y + 1);
		break;
	}
}

static void set_modes(struct vt_emul *vt, bool on)
{
	for (unsigned int i = 0; i < vt->nparams; i++) {
		if (vt->prefix == '?')
			private_mode(vt, vt->params[i], on);
		else if (vt->prefix)
			return;
		else if (vt->params[i] == 4)
			vt->insert = on;
		else if (vt->params[i] == 20)
			vt->newline = on;
	}
}

static void set_region(struct vt_emul *vt, unsigned int top, unsigned int bottom)
{
	if (!top)
		top = 1;
	if (!bottom || bottom > vt->rows)
		bottom = vt->rows;
	if (top >= bottom)
		return;
	vt->top = top - 1;
	vt->bottom = bottom;
	go_abs(vt, 0, 0);
}

static void clear_tabs(struct vt_emul *vt, unsigned int how)
{
	if (how == 0)
		vt->tabs[vt->x / 32] &= ~(1u << (vt->x % 32));
	else if (how == 3)
		memset(vt->tabs, 0, sizeof(vt->tabs));
}

/* What a soft reset restores; the screen stays. */
static void soft_reset(struct vt_emul *vt)
{
	vt->r = default_rendition;
	vt->top = 0;
	vt->bottom = vt->rows;
	vt->autowrap = vt->cursor_visible = true;
	vt->origin = vt->insert = vt->newline = false;
	vt->app_cursor = vt->app_keypad = false;
	vt->charset[0] = 'B';
	vt->charset[1] = '0';
	vt->shift = 0;
	save_cursor(vt);
	vt->saved.x = vt->saved.y = 0;
}

void vt_emul_reset(struct vt_emul *vt)
{
	set_reverse_screen(vt, false);
	soft_reset(vt);
	default_tabs(vt);
	vt->utf8 = true;
	vt->dec = (struct utf8_decoder){ 0 };
	vt->state = GROUND;
	go_to(vt, 0, 0);
	fill(vt->cells, blank(vt), (size_t)vt->rows * vt->cols);
	touch(vt, 0, vt->rows);
}

void vt_emul_init(struct vt_emul *vt, vt_cell *cells, unsigned int cols, unsigned int rows)
{
	*vt = (struct vt_emul){ .cells = cells, .cols = cols, .rows = rows, .dirty_top = rows };
	vt_emul_reset(vt);
}

/* --- control sequences --- */

/* Parameter i, with a default for absent or 0. */
static unsigned int param(const struct vt_emul *vt, unsigned int i, unsigned int dflt)
{
	return i < vt->nparams && vt->params[i] ? vt->params[i] : dflt;
}

static int count(const struct vt_emul *vt)
{
	unsigned int n = param(vt, 0, 1);

	return n > 9999 ? 9999 : (int)n;
}

static void repeat_last(struct vt_emul *vt)
{
	unsigned int n = (unsigned int)count(vt), max = vt->cols * vt->rows;

	if (!vt->last_char)
		return;
	for (n = n < max ? n : max; n; n--)
		put_char(vt, vt->last_char);
}

/* Sequences that move the cursor: false when it is none. */
static bool csi_move(struct vt_emul *vt, u8 c)
{
	int n = count(vt);

	switch (c) {
	case 'A':
		move_vertically(vt, -n);
		break;
	case 'B':
	case 'e':
		move_vertically(vt, n);
		break;
	case 'C':
	case 'a':
		go_to(vt, (int)vt->x + n, (int)vt->y);
		break;
	case 'D':
		go_to(vt, (int)vt->x - n, (int)vt->y);
		break;
	case 'E':
		move_vertically(vt, n);
		vt->x = 0;
		break;
	case 'F':
		move_vertically(vt, -n);
		vt->x = 0;
		break;
	case 'G':
	case '`':
		go_to(vt, n - 1, (int)vt->y);
		break;
	case 'H':
	case 'f':
		go_abs(vt, (int)(param(vt, 1, 1) & 0xffff) - 1, n - 1);
		break;
	case 'd':
		go_abs(vt, (int)vt->x, n - 1);
		break;
	case 'I':
		tab_forward(vt, (unsigned int)n);
		break;
	case 'Z':
		tab_back(vt, (unsigned int)n);
		break;
	default:
		return false;
	}
	return true;
}

/* Sequences that change cells: false when it is none. */
static bool csi_edit(struct vt_emul *vt, u8 c)
{
	unsigned int n = (unsigned int)count(vt);
	bool inside = vt->y >= vt->top && vt->y < vt->bottom;

	switch (c) {
	case '@':
		insert_chars(vt, n);
		break;
	case 'P':
		delete_chars(vt, n);
		break;
	case 'X':
		erase(vt, vt->y, vt->x, n < vt->cols - vt->x ? vt->x + n : vt->cols);
		vt->wrap_next = false;
		break;
	case 'J':
		erase_display(vt, param(vt, 0, 0));
		break;
	case 'K':
		erase_line(vt, param(vt, 0, 0));
		break;
	case 'L':
		if (inside)
			scroll_down(vt, vt->y, vt->bottom, n);
		vt->wrap_next = false;
		break;
	case 'M':
		if (inside)
			scroll_up(vt, vt->y, vt->bottom, n);
		vt->wrap_next = false;
		break;
	case 'S':
		scroll_up(vt, vt->top, vt->bottom, n);
		break;
	case 'T':
		scroll_down(vt, vt->top, vt->bottom, n);
		break;
	case 'b':
		repeat_last(vt);
		break;
	default:
		return false;
	}
	return true;
}

static void csi_final(struct vt_emul *vt, u8 c)
{
	if (c == 'h' || c == 'l') {
		set_modes(vt, c == 'h');
		return;
	}
	if (vt->prefix == '!' || vt->intermediate == '!') {
		if (c == 'p')
			soft_reset(vt);
		return;
	}
	if (vt->prefix || vt->intermediate || csi_move(vt, c) || csi_edit(vt, c))
		return;
	switch (c) {
	case 'm':
		select_rendition(vt);
		break;
	case 'n':
		status_report(vt, param(vt, 0, 0));
		break;
	case 'c':
		if (!param(vt, 0, 0))
			reply(vt, "\033[?6c"); /* a VT102 */
		break;
	case 'r':
		set_region(vt, param(vt, 0, 0), param(vt, 1, 0));
		break;
	case 'g':
		clear_tabs(vt, param(vt, 0, 0));
		break;
	case 's':
		save_cursor(vt);
		break;
	case 'u':
		restore_cursor(vt);
		break;
	}
}

static void csi_byte(struct vt_emul *vt, u8 c)
{
	if (c >= '0' && c <= '9') {
		unsigned int *p = &vt->params[vt->nparams - 1];

		if (*p < 100000)
			*p = *p * 10 + (c - '0');
	} else if (c == ';' || c == ':') {
		if (vt->nparams == VT_MAX_PARAMS)
			vt->state = CSI_IGNORE;
		else
			vt->params[vt->nparams++] = 0;
	} else if (c >= '<' && c <= '?') {
		vt->prefix = c;
	} else if (c >= ' ' && c <= '/') {
		vt->intermediate = c;
	} else if (c == '[') {
		/* ESC [ [ x: a function key echoed */
		vt->state = SKIP_ONE;
	} else {
		vt->state = GROUND;
		if (c >= '@' && c <= '~')
			csi_final(vt, c);
	}
}

static void alignment_test(struct vt_emul *vt)
{
	fill(vt->cells, CELL('E', DEFAULT_FG, DEFAULT_BG), (size_t)vt->rows * vt->cols);
	touch(vt, 0, vt->rows);
}

static void escape_byte(struct vt_emul *vt, u8 c)
{
	vt->state = GROUND;
	switch (c) {
	case '[':
		vt->state = CSI;
		vt->prefix = vt->intermediate = 0;
		vt->nparams = 1;
		vt->params[0] = 0;
		break;
	case ']':
		vt->state = OSC;
		break;
	case 'P':
	case 'X':
	case '^':
	case '_':
		vt->state = STRING;
		break;
	case '(':
		vt->state = SET_G0;
		break;
	case ')':
		vt->state = SET_G1;
		break;
	case '*':
	case '+':
	case ' ':
		vt->state = SKIP_ONE;
		break;
	case '#':
		vt->state = HASH;
		break;
	case '%':
		vt->state = PERCENT;
		break;
	case '7':
		save_cursor(vt);
		break;
	case '8':
		restore_cursor(vt);
		break;
	case '=':
	case '>':
		vt->app_keypad = c == '=';
		break;
	case 'D':
		line_feed(vt);
		break;
	case 'E':
		carriage_return(vt);
		line_feed(vt);
		break;
	case 'H':
		vt->tabs[vt->x / 32] |= 1u << (vt->x % 32);
		break;
	case 'M':
		reverse_line_feed(vt);
		break;
	case 'Z':
		reply(vt, "\033[?6c");
		break;
	case 'c':
		vt_emul_reset(vt);
		break;
	}
}

/* The states with one or a few bytes to come. */
static void other_byte(struct vt_emul *vt, u8 c)
{
	switch (vt->state) {
	case OSC:
		/* ESC ] P and seven digits set a palette entry, ESC ] R resets: Linux's own, with
		 * no end mark. */
		vt->state = c == 'P' ? SKIP_ONE : c == 'R' ? GROUND : STRING;
		vt->osc_skip = c == 'P' ? 6 : 0;
		return;
	case STRING:
		return;
	case STRING_ESC:
		vt->state = GROUND;
		if (c != '\\')
			escape_byte(vt, c);
		return;
	case SKIP_ONE:
		if (vt->osc_skip) {
			vt->osc_skip--;
			return;
		}
		break;
	case SET_G0:
	case SET_G1:
		vt->charset[vt->state == SET_G1] = c == '0' ? '0' : 'B';
		break;
	case HASH:
		if (c == '8')
			alignment_test(vt);
		break;
	case PERCENT:
		vt->utf8 = c == 'G' || c == '8';
		break;
	case CSI_IGNORE:
		if (c < '@' || c > '~')
			return;
		break;
	}
	vt->state = GROUND;
}

/* C0: true when c was one. */
static bool control(struct vt_emul *vt, u8 c)
{
	bool in_string = vt->state == OSC || vt->state == STRING || vt->state == STRING_ESC;

	if (c >= ' ' && c != 0x7f)
		return false;
	switch (c) {
	case 0x07:
		if (in_string)
			vt->state = GROUND;
		else
			vt->bell = true;
		return true;
	case 0x18:
	case 0x1a:
		vt->state = GROUND;
		return true;
	case 0x1b:
		vt->state = in_string ? STRING_ESC : ESCAPE;
		vt->osc_skip = 0;
		return true;
	}
	if (in_string)
		return true;
	switch (c) {
	case '\b':
		if (vt->x > 0)
			vt->x--;
		vt->wrap_next = false;
		break;
	case '\t':
		tab_forward(vt, 1);
		break;
	case '\n':
	case '\v':
	case '\f':
		line_feed(vt);
		if (vt->newline)
			carriage_return(vt);
		break;
	case '\r':
		carriage_return(vt);
		break;
	case 0x0e:
	case 0x0f:
		vt->shift = c == 0x0e;
		break;
	}
	return true;
}

static void ground_byte(struct vt_emul *vt, u8 c)
{
	u32 out[2];
	int n;

	if (!vt->utf8) {
		put_char(vt, c);
		return;
	}
	n = utf8_decode(&vt->dec, c, out);
	for (int i = 0; i < n; i++)
		put_char(vt, out[i] >= 0x80 && out[i] < 0xa0 ? UTF8_REPLACEMENT : out[i]);
}

static void one_byte(struct vt_emul *vt, u8 c)
{
	u32 cut[1];

	if (c < 0x80 && vt->state == GROUND && vt->dec.need && utf8_flush(&vt->dec, cut))
		put_char(vt, UTF8_REPLACEMENT);
	if (control(vt, c))
		return;
	switch (vt->state) {
	case GROUND:
		ground_byte(vt, c);
		break;
	case ESCAPE:
		escape_byte(vt, c);
		break;
	case CSI:
		csi_byte(vt, c);
		break;
	default:
		other_byte(vt, c);
	}
}

void vt_emul_write(struct vt_emul *vt, const u8 *buf, size_t n)
{
	unsigned int y = vt->y;

	while (n--)
		one_byte(vt, *buf++);
	/* The cursor is part of what is shown. */
	touch(vt, y, y + 1);
	touch(vt, vt->y, vt->y + 1);
}
