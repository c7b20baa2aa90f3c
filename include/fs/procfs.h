/* SPDX-License-Identifier: MIT */
/* /proc and /sys rows: one table row per file, next to the code that knows the answer.
 *	PROC_FILE(uptime, "uptime", 0444, uptime_show);
 * show() prints the whole text; may sleep. sysctl rows appear under /proc/sys. */
#ifndef FS_PROCFS_H
#define FS_PROCFS_H

#include <kernel/printf.h>
#include <kernel/table.h>
#include <kernel/types.h>

struct task;
struct proc_file {
	const char *path; /* relative to /proc, may contain '/' */
	mode_t mode;
	int (*show)(struct strbuf *sb);
	/* NULL: read only. Text as written, NUL-terminated, at most 4095 bytes. 0 or -errno. */
	int (*store)(const char *text, size_t n);
};
#define PROC_FILE(id, p, m, fn)                                                                    \
	TABLE_ENTRY(proc_files, struct proc_file, id) = { .path = (p), .mode = (m), .show = (fn) }
#define PROC_FILE_RW(id, p, m, rd, wr)                                                             \
	TABLE_ENTRY(proc_files, struct proc_file, id) = { .path = (p), .mode = (m), .show = (rd),  \
							  .store = (wr) }

/* Files of /proc/PID and, when per_thread, of /proc/PID/task/TID. Task reference held by the
 * caller. */
struct proc_pid_file {
	const char *name;
	mode_t mode;
	bool per_thread;
	int (*show)(struct task *t, struct strbuf *sb);
	int (*store)(struct task *t, const char *text, size_t n);
};
#define PROC_PID_FILE(id, n, m, fn)                                                                \
	TABLE_ENTRY(proc_pid_files, struct proc_pid_file, id) = { .name = (n), .mode = (m),        \
								  .per_thread = true, .show = (fn) }

/* Numeric sysctl: /proc/sys/<path>, clamped to min..max (else -EINVAL). */
struct sysctl {
	const char *path;
	mode_t mode;
	s64 *value;
	s64 min, max;
};
#define SYSCTL(id, p, m, var, lo, hi)                                                              \
	TABLE_ENTRY(sysctls, struct sysctl, id) = { .path = (p), .mode = (m), .value = (var),      \
						    .min = (lo), .max = (hi) }

/* Counters: a name and a per-CPU u64 summed on reading; shown in /proc/keelson/counters. */
struct counter {
	const char *name;
	u64 *percpu;
};
#define DEFINE_COUNTER(cname)                                                                      \
	DEFINE_PER_CPU(u64, counter_##cname);                                                      \
	TABLE_ENTRY(counters, struct counter, cname) = { .name = #cname,                           \
							 .percpu = &counter_##cname }
#define COUNT(cname) this_cpu_inc(counter_##cname)

#endif
