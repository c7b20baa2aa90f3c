/* SPDX-License-Identifier: MIT */
/* Console (keyboard and display) ioctls of virtual terminals. */
#ifndef UAPI_KD_H
#define UAPI_KD_H

#include <kernel/types.h>

#define KIOCSOUND 0x4B2F
#define KDMKTONE 0x4B30
#define KDGETLED 0x4B31
#define KDSETLED 0x4B32
#define KDGKBTYPE 0x4B33
#define KB_101 0x02
#define KDADDIO 0x4B34
#define KDDELIO 0x4B35
#define KDENABIO 0x4B36
#define KDDISABIO 0x4B37
#define KDSETMODE 0x4B3A
#define KD_TEXT 0
#define KD_GRAPHICS 1
#define KDGETMODE 0x4B3B
#define KDGKBMODE 0x4B44
#define KDSKBMODE 0x4B45
#define K_RAW 0
#define K_XLATE 1
#define K_MEDIUMRAW 2
#define K_UNICODE 3
#define K_OFF 4
#define KDGKBENT 0x4B46
#define KDSKBENT 0x4B47
#define KDGKBMETA 0x4B62
#define KDSKBMETA 0x4B63
#define K_METABIT 3
#define K_ESCPREFIX 4
#define KDGKBLED 0x4B64
#define KDSKBLED 0x4B65
#define KDSIGACCEPT 0x4B4E

#define LED_SCR 1
#define LED_NUM 2
#define LED_CAP 4

struct kbentry {
	u8 kb_table, kb_index;
	u16 kb_value;
};

#endif
