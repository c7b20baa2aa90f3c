/* SPDX-License-Identifier: MIT */
/* Compiler attributes and small macros that every file may use. */
#ifndef KERNEL_COMPILER_H
#define KERNEL_COMPILER_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ volatile("" ::: "memory")

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef noinline
#define noinline __attribute__((noinline))
#endif
#define must_check __attribute__((warn_unused_result))
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __used __attribute__((used))
#define __maybe_unused __attribute__((unused))
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#define __noreturn __attribute__((noreturn))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __cold __attribute__((cold))
#define fallthrough __attribute__((fallthrough))
#define __cacheline_aligned __aligned(64)
#define __no_sanitize_address __attribute__((no_sanitize_address))

#ifdef KEELSON_HOST
#define __init
#define __initdata
#define __ro_after_init
#else
/* Freed after boot / read-only after boot. */
#define __init __attribute__((section(".init.text"), cold))
#define __initdata __attribute__((section(".init.data")))
#define __ro_after_init __attribute__((section(".data..ro_after_init")))
#endif

#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - __builtin_offsetof(type, member)))
#define min(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) min_a = (a);                                                         \
		__typeof__(b) min_b = (b);                                                         \
		min_a < min_b ? min_a : min_b;                                                     \
	})
#define max(a, b)                                                                                  \
	({                                                                                         \
		__typeof__(a) max_a = (a);                                                         \
		__typeof__(b) max_b = (b);                                                         \
		max_a > max_b ? max_a : max_b;                                                     \
	})
#define min_t(t, a, b) min((t)(a), (t)(b))
#define max_t(t, a, b) max((t)(a), (t)(b))
#define clamp(v, lo, hi) min(max(v, lo), hi)
#define ALIGN_UP(x, a) (((x) + ((__typeof__(x))(a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define BIT(n) (1ull << (n))
#define swap(a, b)                                                                                 \
	do {                                                                                       \
		__typeof__(a) swap_tmp = (a);                                                      \
		(a) = (b);                                                                         \
		(b) = swap_tmp;                                                                    \
	} while (0)

/* IS_ENABLED(CONFIG_X): 1 when autoconf.h defines CONFIG_X as 1, else 0; usable in C expressions
 * and in #if. */
#define KCONFIG_PAIR_1 0,
#define KCONFIG_SECOND(ignored, val, ...) val
#define KCONFIG_TEST2(...) KCONFIG_SECOND(__VA_ARGS__ 1, 0, 0)
#define KCONFIG_TEST1(val) KCONFIG_TEST2(KCONFIG_PAIR_##val)
#define IS_ENABLED(option) KCONFIG_TEST1(option)

#endif
