/* SPDX-License-Identifier: MIT */
/* Key codes and key symbols, with the values of Linux, which loadkmap and dumpkmap use. */
#ifndef INPUT_KEYS_H
#define INPUT_KEYS_H

#include <kernel/types.h>

/* Key codes: scan codes of set 1 for the main block, and above them those with a prefix. */
#define KEY_KPENTER 96
#define KEY_RIGHTCTRL 97
#define KEY_KPSLASH 98
#define KEY_SYSRQ 99
#define KEY_RIGHTALT 100
#define KEY_HOME 102
#define KEY_UP 103
#define KEY_PAGEUP 104
#define KEY_LEFT 105
#define KEY_RIGHT 106
#define KEY_END 107
#define KEY_DOWN 108
#define KEY_PAGEDOWN 109
#define KEY_INSERT 110
#define KEY_DELETE 111
#define KEY_PAUSE 119
#define KEY_LEFTMETA 125
#define KEY_RIGHTMETA 126
#define KEY_COMPOSE 127
#define NR_KEYS 128

/* A symbol is type << 8 | value. */
#define KT_LATIN 0
#define KT_FN 1
#define KT_SPEC 2
#define KT_PAD 3
#define KT_CONS 5
#define KT_CUR 6
#define KT_SHIFT 7
#define KT_META 8
#define KT_LETTER 11 /* a letter: caps lock acts on it */
#define K(t, v) ((u16)((t) << 8 | (v)))
#define KTYPE(k) ((k) >> 8)
#define KVAL(k) ((k) & 0xff)

#define K_HOLE K(KT_SPEC, 0)
#define K_ENTER K(KT_SPEC, 1)
#define K_CAPS K(KT_SPEC, 7)
#define K_NUM K(KT_SPEC, 8)
#define K_HOLD K(KT_SPEC, 9) /* scroll lock: stops output */
#define K_BOOT K(KT_SPEC, 12)
#define K_DECRCONSOLE K(KT_SPEC, 16)
#define K_INCRCONSOLE K(KT_SPEC, 17)
#define K_NOSUCHMAP K(KT_SPEC, 127)

/* Values of KT_FN. */
enum { FN_F1 = 0, FN_F11 = 10, FN_F12 = 11, FN_FIND = 20, FN_INSERT = 21, FN_REMOVE = 22,
       FN_SELECT = 23, FN_PGUP = 24, FN_PGDN = 25, FN_PAUSE = 29 };

/* Values of KT_SHIFT, and their bits in a table number. */
enum { MOD_SHIFT, MOD_ALTGR, MOD_CTRL, MOD_ALT, NR_MODS };
#define NR_TABLES 16

/* Values of KT_PAD */
enum { PAD_0, PAD_9 = 9, PAD_PLUS, PAD_MINUS, PAD_STAR, PAD_SLASH, PAD_ENTER, PAD_COMMA, PAD_DOT };

/* A key went down (or repeats), or up. Any context. */
void keyboard_event(u8 keycode, bool down, bool repeat);

#endif
