/* SPDX-License-Identifier: MIT */
/* Kernel log: a ring of records with a level and a time stamp, printed on the consoles and read
 * through dmesg (syslog(2)) and /dev/kmsg. Callable from any context, including NMI and panic. */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <kernel/compiler.h>
#include <kernel/types.h>

enum log_level {
	LOG_EMERG,
	LOG_ALERT,
	LOG_CRIT,
	LOG_ERR,
	LOG_WARNING,
	LOG_NOTICE,
	LOG_INFO,
	LOG_DEBUG,
};

/* Tag is the subsystem ("mm", "acpi"); printed as "tag: text". No newline needed. */
void log_printf(enum log_level level, const char *tag, const char *fmt, ...) __printf(3, 4);

#define log_err(tag, ...) log_printf(LOG_ERR, tag, __VA_ARGS__)
#define log_warn(tag, ...) log_printf(LOG_WARNING, tag, __VA_ARGS__)
#define log_notice(tag, ...) log_printf(LOG_NOTICE, tag, __VA_ARGS__)
#define log_info(tag, ...) log_printf(LOG_INFO, tag, __VA_ARGS__)
#define log_debug(tag, ...) log_printf(LOG_DEBUG, tag, __VA_ARGS__)

/* /dev/kmsg. */
struct file_ops;
const struct file_ops *kmsg_file_ops(void);

/* The one place that turns an error inside the kernel into a report: prints file, line, a
 * symbolised backtrace and counts it (shown in /proc/keelson/reports); in debug builds with
 * panic_on_report it panics. */
void report_bug(const char *file, int line, const char *fmt, ...) __printf(3, 4) __cold;
#define REPORT(...) report_bug(__FILE__, __LINE__, __VA_ARGS__)
#define WARN_ON(c)                                                                                 \
	({                                                                                         \
		bool warn_c = !!(c);                                                               \
		if (unlikely(warn_c))                                                              \
			report_bug(__FILE__, __LINE__, "WARN_ON(%s)", #c);                         \
		warn_c;                                                                            \
	})
#define WARN_ON_ONCE(c)                                                                            \
	({                                                                                         \
		static bool warned;                                                                \
		bool warn_c = !!(c);                                                               \
		if (unlikely(warn_c && !warned)) {                                                 \
			warned = true;                                                             \
			report_bug(__FILE__, __LINE__, "WARN_ON(%s)", #c);                         \
		}                                                                                  \
		warn_c;                                                                            \
	})

#endif
