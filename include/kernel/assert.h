/* SPDX-License-Identifier: MIT */
/* ASSERT: our own bug, checked in debug builds. VERIFY: always checked. Neither is ever applied to
 * what a user, a device, a disk or a packet supplies: those get an errno. */
#ifndef KERNEL_ASSERT_H
#define KERNEL_ASSERT_H

#include <kernel/compiler.h>

#ifdef KEELSON_HOST
#include <assert.h>
#define ASSERT(c) assert(c)
#define VERIFY(c) assert(c)
#else

/* Stops all CPUs, prints the message with a backtrace, ends the machine. Any context. */
void panic(const char *fmt, ...) __noreturn __printf(1, 2) __cold;
void assert_failed(const char *expr, const char *file, int line) __noreturn __cold;

#define VERIFY(c)                                                                                  \
	do {                                                                                       \
		if (unlikely(!(c)))                                                                \
			assert_failed(#c, __FILE__, __LINE__);                                     \
	} while (0)
#define ASSERT(c)                                                                                  \
	do {                                                                                       \
		if (IS_ENABLED(CONFIG_ASSERTS) && unlikely(!(c)))                                  \
			assert_failed(#c, __FILE__, __LINE__);                                     \
	} while (0)
#endif

#endif
