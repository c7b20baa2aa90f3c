/* SPDX-License-Identifier: MIT */
/* UTF-8 for the console and the line discipline. Malformed input becomes U+FFFD, never an error. */
#ifndef KERNEL_UTF8_H
#define KERNEL_UTF8_H

#include <kernel/types.h>

#define UTF8_REPLACEMENT 0xfffdu
#define UTF8_MAX_LEN	 4

/* All zero is the state between characters. */
struct utf8_decoder {
	u32 cp;	   /* bits so far */
	u8 need;   /* continuation bytes still to come */
	u8 lo, hi; /* range of the next byte: no overlong forms, surrogates, > U+10FFFF */
};

/*
 * Feed one byte. Returns how many code points it completed: 0 (in the middle), 1, or 2 (the byte
 * cut a sequence short: out[0] is U+FFFD, out[1] the byte's own character).
 */
int utf8_decode(struct utf8_decoder *d, u8 byte, u32 out[2]);

/* 1 when a sequence was left unfinished (out[0] = U+FFFD), else 0; resets the decoder. */
int utf8_flush(struct utf8_decoder *d, u32 out[1]);

/* Encode cp (surrogates and values past U+10FFFF become U+FFFD) without NUL; returns 1..4. */
int utf8_encode(u32 cp, char out[UTF8_MAX_LEN]);

/*
 * Bytes before end that form the last character of s[0..len): what one erase removes. 0 only for
 * len 0.
 */
size_t utf8_last_char_len(const char *s, size_t len);

/* Columns on a terminal: 0 (combining, zero width), 1 or 2 (wide); -1 for control characters. */
int utf8_width(u32 cp);

/* True when s[0..len) is well-formed. */
bool utf8_valid(const char *s, size_t len);

#endif
