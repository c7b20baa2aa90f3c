/* SPDX-License-Identifier: MIT */
/* From keys to bytes: modifiers, locks, the key map of a US keyboard, escape sequences of the keys
 * that are no characters (those of TERM=linux).
 *
 * Owns:       which modifiers are held, the locks and their lights, the map (loadkmap changes it).
 * Map:        one table for each set of modifiers (shift 1, AltGr 2, control 4, Alt 8). Tables that
 *             exist: plain, shift, AltGr, control, shift-control, Alt, control-Alt.
 * Locking:    keys come from one interrupt handler at a time; kb_lock (interrupts off) guards the
 *             state against ioctls. The terminal is called with no lock held. */
#include <arch/ops.h>
#include <drivers/video.h>
#include <kernel/ctype.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/lock.h>
#include <kernel/proc.h>
#include <kernel/printf.h>
#include <kernel/string.h>
#include <uapi/kd.h>

#include "keys.h"

static DEFINE_SPINLOCK(kb_lock, LOCK_DRIVER_IRQ);
static u16 map_plain[NR_KEYS], map_shift[NR_KEYS], map_altgr[NR_KEYS], map_ctrl[NR_KEYS],
	map_ctrl_shift[NR_KEYS], map_alt[NR_KEYS], map_ctrl_alt[NR_KEYS]; /* kb_lock */
static u16 *const tables[NR_TABLES] = { /* by modifier bits */
	[0] = map_plain, [1] = map_shift, [2] = map_altgr, [4] = map_ctrl, [5] = map_ctrl_shift,
	[8] = map_alt, [12] = map_ctrl_alt,
};
static u8 held[NR_MODS]; /* kb_lock: keys down of each modifier */
static u8 locks;	 /* kb_lock: LED_* that are on */
static int alt_number = -1; /* kb_lock: digits typed on the keypad with Alt */

int keymap_get(unsigned int table, unsigned int index, u16 *value)
{
	irqflags_t f;

	if (index >= NR_KEYS)
		return -EINVAL;
	f = spin_lock_irqsave(&kb_lock);
	if (table >= NR_TABLES || !tables[table])
		*value = index ? K_HOLE : K_NOSUCHMAP;
	else
		*value = tables[table][index];
	spin_unlock_irqrestore(&kb_lock, f);
	return 0;
}

int keymap_set(unsigned int table, unsigned int index, u16 value)
{
	irqflags_t f;

	if (index >= NR_KEYS || table >= NR_TABLES)
		return -EINVAL;
	if (!tables[table])
		return value == K_NOSUCHMAP || value == K_HOLE ? 0 : -EINVAL;
	f = spin_lock_irqsave(&kb_lock);
	if (index)
		tables[table][index] = value;
	spin_unlock_irqrestore(&kb_lock, f);
	return 0;
}

/* --- what keys send --- */

static void send(const char *s, size_t n)
{
	vt_input((const u8 *)s, n);
}

static void send_text(const char *s)
{
	send(s, strlen(s));
}

static void send_function(unsigned int fn)
{
	/* Numbers of ESC [ n ~; F1 to F5 are ESC [ [ A to E. */
	static const u8 number[] = { [5] = 17, 18, 19, 20, 21, 23, 24 };
	char buf[8];
	int n;

	if (fn <= 4)
		n = scnprintf(buf, sizeof(buf), "\033[[%c", 'A' + (int)fn);
	else if (fn <= FN_F12)
		n = scnprintf(buf, sizeof(buf), "\033[%u~", number[fn]);
	else if (fn >= FN_FIND && fn <= FN_PGDN)
		n = scnprintf(buf, sizeof(buf), "\033[%u~", fn - FN_FIND + 1);
	else if (fn == FN_PAUSE)
		n = scnprintf(buf, sizeof(buf), "\033[P");
	else
		return;
	send(buf, (size_t)n);
}

static void send_cursor(unsigned int which, bool app)
{
	static const char letter[4] = { 'B', 'D', 'C', 'A' }; /* down, left, right, up */
	char buf[3] = { '\033', app ? 'O' : '[', letter[which & 3] };

	send(buf, 3);
}

/* A keypad key as the cursor or editing key it is without num lock. */
static void send_pad_cursor(unsigned int v, bool app_cursor)
{
	static const u8 fn[10] = { FN_INSERT, FN_SELECT, 0, FN_PGDN, 0, 0, 0, FN_FIND, 0, FN_PGUP };

	switch (v) {
	case 2:
		send_cursor(0, app_cursor);
		break;
	case 4:
		send_cursor(1, app_cursor);
		break;
	case 6:
		send_cursor(2, app_cursor);
		break;
	case 8:
		send_cursor(3, app_cursor);
		break;
	case 5:
		send_text(app_cursor ? "\033OG" : "\033[G");
		break;
	case PAD_DOT:
		send_function(FN_REMOVE);
		break;
	default:
		send_function(fn[v]);
	}
}

static void send_pad(unsigned int v, const struct vt_keyboard_mode *m, bool shift, bool num)
{
	static const char plain[] = "0123456789+-*/\r,.", app[] = "pqrstuvwxylSRQMnn";
	char buf[3] = { '\033', 'O' };

	if (v >= sizeof(plain) - 1)
		return;
	if (m->app_keypad && !shift) {
		buf[2] = app[v];
		send(buf, 3);
	} else if ((v <= PAD_9 || v == PAD_DOT) && !num) {
		send_pad_cursor(v, m->app_cursor);
	} else {
		send(&plain[v], 1);
	}
}

static void send_character(u8 c)
{
	char buf[2];

	/* The map is Latin-1; the terminals speak UTF-8. */
	if (c < 0x80) {
		buf[0] = (char)c;
		send(buf, 1);
		return;
	}
	buf[0] = (char)(0xc0 | c >> 6);
	buf[1] = (char)(0x80 | (c & 0x3f));
	send(buf, 2);
}

/* --- locks and special keys --- */

static void toggle_lock(u8 led)
{
	irqflags_t f = spin_lock_irqsave(&kb_lock);
	u8 now = locks ^= led;

	spin_unlock_irqrestore(&kb_lock, f);
	if (keyboard_set_leds)
		keyboard_set_leds(now);
}

static void special(u16 sym, bool repeat)
{
	unsigned int n = vt_current();

	switch (sym) {
	case K_ENTER:
		send_text("\r");
		break;
	case K_CAPS:
		if (!repeat)
			toggle_lock(LED_CAP);
		break;
	case K_NUM:
		if (!repeat)
			toggle_lock(LED_NUM);
		break;
	case K_HOLD:
		if (repeat)
			break;
		toggle_lock(LED_SCR);
		send_text(locks & LED_SCR ? "\x13" : "\x11");
		break;
	case K_BOOT:
		if (!repeat)
			ctrl_alt_del_key();
		break;
	case K_DECRCONSOLE:
		vt_request_switch(n ? n - 1 : 5);
		break;
	case K_INCRCONSOLE:
		vt_request_switch((n + 1) % 6);
		break;
	}
}

/* A modifier changes. Releasing Alt sends the character typed by number. */
static void modifier(unsigned int mod, bool down, bool repeat)
{
	irqflags_t f;
	int number = -1;

	if (repeat || mod >= NR_MODS)
		return;
	f = spin_lock_irqsave(&kb_lock);
	if (down)
		held[mod]++;
	else if (held[mod])
		held[mod]--;
	if (!down && mod == MOD_ALT) {
		number = alt_number;
		alt_number = -1;
	}
	spin_unlock_irqrestore(&kb_lock, f);
	if (number >= 0)
		send_character((u8)number);
}

/* The symbol of a key with what is held, K_HOLE when there is none. */
static u16 lookup(u8 keycode, unsigned int *mods, u8 *lights)
{
	irqflags_t f = spin_lock_irqsave(&kb_lock);
	u16 sym = K_HOLE;

	*mods = 0;
	for (unsigned int i = 0; i < NR_MODS; i++)
		*mods |= held[i] ? 1u << i : 0;
	*lights = locks;
	if (tables[*mods])
		sym = tables[*mods][keycode];
	/* Caps lock turns letters round as shift does. */
	if (KTYPE(sym) == KT_LETTER && (*lights & LED_CAP) && tables[*mods ^ 1])
		sym = tables[*mods ^ 1][keycode];
	spin_unlock_irqrestore(&kb_lock, f);
	return sym;
}

void keyboard_event(u8 keycode, bool down, bool repeat)
{
	struct vt_keyboard_mode mode;
	unsigned int mods;
	u8 lights;
	u16 sym;

	if (keycode >= NR_KEYS)
		return;
	sym = lookup(keycode, &mods, &lights);
	/* A modifier is one whatever else is held, so that its release is seen. */
	if (KTYPE(map_plain[keycode]) == KT_SHIFT) {
		modifier(KVAL(map_plain[keycode]), down, repeat);
		return;
	}
	if (!down || sym == K_HOLE)
		return;
	vt_keyboard_mode(&mode);
	if (mode.off)
		return;
	switch (KTYPE(sym)) {
	case KT_LATIN:
	case KT_LETTER:
		send_character((u8)KVAL(sym));
		break;
	case KT_META:
		send_text("\033");
		send_character((u8)KVAL(sym));
		break;
	case KT_FN:
		send_function(KVAL(sym));
		break;
	case KT_SPEC:
		special(sym, repeat);
		break;
	case KT_PAD:
		send_pad(KVAL(sym), &mode, mods & 1, lights & LED_NUM);
		break;
	case KT_CUR:
		send_cursor(KVAL(sym), mode.app_cursor);
		break;
	case KT_CONS:
		vt_request_switch(KVAL(sym));
		break;
	}
}

/* --- the map --- */

/* Keys 1 to 57 of a US keyboard, NUL where there is no character. */
static const char us_plain[] = "\033" "1234567890-=\177\tqwertyuiop[]\0\0asdfghjkl;'`\0\\zxcvbnm,./"
			       "\0\0\0 ";
static const char us_shift[] = "\033" "!@#$%^&*()_+\177\tQWERTYUIOP{}\0\0ASDFGHJKL:\"~\0|ZXCVBNM<>?"
			       "\0\0\0 ";

static const struct {
	u8 keycode;
	u16 sym;
} us_keys[] = {
	{ 28, K_ENTER },
	{ 29, K(KT_SHIFT, MOD_CTRL) },
	{ 42, K(KT_SHIFT, MOD_SHIFT) },
	{ 54, K(KT_SHIFT, MOD_SHIFT) },
	{ 55, K(KT_PAD, PAD_STAR) },
	{ 56, K(KT_SHIFT, MOD_ALT) },
	{ 58, K_CAPS },
	{ 69, K_NUM },
	{ 70, K_HOLD },
	{ 71, K(KT_PAD, 7) },
	{ 72, K(KT_PAD, 8) },
	{ 73, K(KT_PAD, 9) },
	{ 74, K(KT_PAD, PAD_MINUS) },
	{ 75, K(KT_PAD, 4) },
	{ 76, K(KT_PAD, 5) },
	{ 77, K(KT_PAD, 6) },
	{ 78, K(KT_PAD, PAD_PLUS) },
	{ 79, K(KT_PAD, 1) },
	{ 80, K(KT_PAD, 2) },
	{ 81, K(KT_PAD, 3) },
	{ 82, K(KT_PAD, 0) },
	{ 83, K(KT_PAD, PAD_DOT) },
	{ 87, K(KT_FN, FN_F11) },
	{ 88, K(KT_FN, FN_F12) },
	{ KEY_KPENTER, K(KT_PAD, PAD_ENTER) },
	{ KEY_RIGHTCTRL, K(KT_SHIFT, MOD_CTRL) },
	{ KEY_KPSLASH, K(KT_PAD, PAD_SLASH) },
	{ KEY_RIGHTALT, K(KT_SHIFT, MOD_ALT) }, /* no AltGr on this layout */
	{ KEY_HOME, K(KT_FN, FN_FIND) },
	{ KEY_UP, K(KT_CUR, 3) },
	{ KEY_PAGEUP, K(KT_FN, FN_PGUP) },
	{ KEY_LEFT, K(KT_CUR, 1) },
	{ KEY_RIGHT, K(KT_CUR, 2) },
	{ KEY_END, K(KT_FN, FN_SELECT) },
	{ KEY_DOWN, K(KT_CUR, 0) },
	{ KEY_PAGEDOWN, K(KT_FN, FN_PGDN) },
	{ KEY_INSERT, K(KT_FN, FN_INSERT) },
	{ KEY_DELETE, K(KT_FN, FN_REMOVE) },
	{ KEY_PAUSE, K(KT_FN, FN_PAUSE) },
};

static u16 character(char c)
{
	return K(isalpha(c) ? KT_LETTER : KT_LATIN, (u8)c);
}

/* What control makes of a character: K_HOLE when nothing. */
static u16 with_control(char c)
{
	if (isalpha(c))
		return K(KT_LATIN, c & 0x1f);
	switch (c) {
	case '@':
	case '2':
	case ' ':
	case '`':
		return K(KT_LATIN, 0);
	case '3': case '4': case '5': case '6': case '7':
		return K(KT_LATIN, c - '3' + 27);
	case '8':
	case '?':
		return K(KT_LATIN, 127);
	case '[':
	case '\\':
	case ']':
		return K(KT_LATIN, c & 0x1f);
	case '-':
	case '/':
	case '_':
		return K(KT_LATIN, 31);
	case '^':
		return K(KT_LATIN, 30);
	case '\177':
		return K(KT_LATIN, 8);
	case '\t':
		return K(KT_LATIN, '\t');
	default:
		return K_HOLE;
	}
}

static void map_character_key(unsigned int key, char plain, char shift)
{
	map_plain[key] = map_altgr[key] = character(plain);
	map_shift[key] = character(shift);
	map_ctrl[key] = with_control(plain);
	map_ctrl_shift[key] = with_control(shift) == K_HOLE ? map_ctrl[key] : with_control(shift);
	map_alt[key] = K(KT_META, (u8)plain);
	if (KTYPE(map_ctrl[key]) == KT_LATIN)
		map_ctrl_alt[key] = K(KT_META, KVAL(map_ctrl[key]));
}

static int keymap_init(void)
{
	for (unsigned int t = 0; t < NR_TABLES; t++)
		for (unsigned int k = 0; tables[t] && k < NR_KEYS; k++)
			tables[t][k] = K_HOLE;
	for (unsigned int i = 0; i < sizeof(us_plain) - 1; i++)
		if (us_plain[i])
			map_character_key(i + 1, us_plain[i], us_shift[i]);
	for (unsigned int i = 0; i < ARRAY_SIZE(us_keys); i++)
		for (unsigned int t = 0; t < NR_TABLES; t++)
			if (tables[t])
				tables[t][us_keys[i].keycode] = us_keys[i].sym;
	map_character_key(86, '<', '>'); /* the key only 102-key keyboards have */
	for (unsigned int i = 0; i < 12; i++) {
		unsigned int key = i < 10 ? 59 + i : 87 + i - 10;

		map_plain[key] = map_shift[key] = map_altgr[key] = map_ctrl[key] =
			map_ctrl_shift[key] = K(KT_FN, FN_F1 + i);
		map_alt[key] = map_ctrl_alt[key] = K(KT_CONS, i);
	}
	map_alt[KEY_LEFT] = K_DECRCONSOLE;
	map_alt[KEY_RIGHT] = K_INCRCONSOLE;
	map_ctrl_alt[KEY_DELETE] = map_ctrl_alt[83] = K_BOOT;
	return 0;
}
INIT_HOOK(INIT_SUBSYS, keymap_init);
