/* SPDX-License-Identifier: MIT */
/* Address checks: one shadow byte for 8 bytes of the direct map. No-ops without CONFIG_KASAN. */
#ifndef KERNEL_KASAN_H
#define KERNEL_KASAN_H

#include <kernel/compiler.h>
#include <kernel/types.h>

#define KASAN_SHADOW_BASE 0xffffec0000000000ul

/* Shadow values: 0 all eight bytes valid, 1..7 that many, these none. */
#define KASAN_FREE_PAGE 0xff
#define KASAN_FREE_OBJECT 0xfb
#define KASAN_REDZONE 0xfc

#if IS_ENABLED(CONFIG_KASAN)
/* Page array style shadow for the direct map; before it, everything counts as valid. */
void kasan_init(void);
/* p is 8-byte aligned. */
void kasan_poison(const void *p, size_t n, u8 value);
void kasan_unpoison(const void *p, size_t n);
#else
static inline void kasan_init(void)
{
}
static inline void kasan_poison(const void *p __maybe_unused, size_t n __maybe_unused,
				u8 value __maybe_unused)
{
}
static inline void kasan_unpoison(const void *p __maybe_unused, size_t n __maybe_unused)
{
}
#endif

#endif
