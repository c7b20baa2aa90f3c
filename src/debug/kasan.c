/* SPDX-License-Identifier: MIT */
/* Address checks. The compiler calls __asan_loadN/__asan_storeN before every access of instrumented
 * code; a shadow byte for eight bytes of the direct map says what is valid.
 *
 * Owns:      the shadow, mapped at SHADOW_BASE for the direct map's ranges by kasan_init. Addresses
 *            outside the direct map (image, vmalloc, page array, user) are not judged.
 * Poisoned:  free pages (page allocator), free objects and the gaps between objects (slab).
 * Reports:   one line with the address, then REPORT's backtrace; a report inside a report is
 * dropped. This file is not instrumented, and neither is what runs before kasan_init. */
#include <kernel/kasan.h>
#include <kernel/log.h>
#include <kernel/page.h>
#include <kernel/string.h>

#include "../mm/mm_internal.h"

#define SHADOW_BASE  KASAN_SHADOW_BASE
#define SHADOW_SHIFT 3

static bool ready;
static u32 reporting;

static u8 *shadow_of(u64 addr)
{
	return (u8 *)(SHADOW_BASE + ((addr - DIRECT_MAP_BASE) >> SHADOW_SHIFT));
}

void __init kasan_init(void)
{
	for (unsigned int i = 0; i < nr_direct_ranges; i++) {
		u64 start = direct_ranges[i].start >> SHADOW_SHIFT;
		u64 end = direct_ranges[i].end >> SHADOW_SHIFT;

		start = ALIGN_DOWN(start, PAGE_SIZE);
		end = ALIGN_UP(end, PAGE_SIZE);
		arch_map_early_pages(SHADOW_BASE + start, end - start);
	}
	ready = true;
}

void kasan_poison(const void *p, size_t n, u8 value)
{
	if (ready)
		memset(shadow_of((u64)p), value, n >> SHADOW_SHIFT);
}

void kasan_unpoison(const void *p, size_t n)
{
	u8 *s = shadow_of((u64)p);

	if (!ready)
		return;
	memset(s, 0, n >> SHADOW_SHIFT);
	if (n & 7)
		s[n >> SHADOW_SHIFT] = n & 7;
}

static noinline void bad_access(u64 addr, size_t n, bool write, u64 ip, u8 shadow)
{
	const char *what = shadow == KASAN_FREE_PAGE	 ? "free page"
			   : shadow == KASAN_FREE_OBJECT ? "free object"
			   : shadow == KASAN_REDZONE	 ? "red zone"
							 : "end of an object";

	if (__atomic_exchange_n(&reporting, 1, __ATOMIC_SEQ_CST))
		return;
	REPORT("%s of %zu bytes at %#llx: %s (code at %#llx)", write ? "write" : "read", n,
	       (unsigned long long)addr, what, (unsigned long long)ip);
	__atomic_store_n(&reporting, 0, __ATOMIC_SEQ_CST);
}

/* First bad shadow byte of [addr, addr + n), 0 when all is well. */
static u8 bad_shadow(u64 addr, size_t n)
{
	u64 last = addr + n - 1;
	const u8 *s = shadow_of(addr), *end = shadow_of(last);

	for (; s < end; s++)
		if (unlikely(*s))
			return *s;
	return *s && (*s >= 8 || (last & 7) >= *s) ? *s : 0;
}

static __always_inline void check(u64 addr, size_t n, bool write, u64 ip)
{
	u8 bad;

	if (addr < DIRECT_MAP_BASE || addr >= DIRECT_MAP_END || !ready || !n)
		return;
	bad = bad_shadow(addr, n);
	if (unlikely(bad))
		bad_access(addr, n, write, ip, bad);
}

#define CALLER ((u64)__builtin_return_address(0))
#define ACCESS(n)                                                                                  \
	void __asan_load##n##_noabort(u64 addr);                                                   \
	void __asan_load##n##_noabort(u64 addr)                                                    \
	{                                                                                          \
		check(addr, n, false, CALLER);                                                     \
	}                                                                                          \
	void __asan_store##n##_noabort(u64 addr);                                                  \
	void __asan_store##n##_noabort(u64 addr)                                                   \
	{                                                                                          \
		check(addr, n, true, CALLER);                                                      \
	}
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __asan_loadN_noabort(u64 addr, size_t n);
void __asan_loadN_noabort(u64 addr, size_t n)
{
	check(addr, n, false, CALLER);
}

void __asan_storeN_noabort(u64 addr, size_t n);
void __asan_storeN_noabort(u64 addr, size_t n)
{
	check(addr, n, true, CALLER);
}

/* Called before a noreturn function; the stack has no shadow. */
void __asan_handle_no_return(void);
void __asan_handle_no_return(void)
{
}
