/* SPDX-License-Identifier: MIT */
/* Consoles: where the kernel log is printed (src/debug/log.c). A console driver registers itself;
 * console= on the command line chooses (several allowed; the last one is /dev/console). */
#ifndef KERNEL_CONSOLE_H
#define KERNEL_CONSOLE_H

#include <kernel/types.h>

struct console {
	const char *name; /* "ttyS" or "tty" */
	int index;
	/* Any context, panics included: must not sleep and must not block on a lock for ever. */
	void (*write)(struct console *c, const char *s, size_t n);
	/* The tty device number behind it, for /dev/console. */
	dev_t dev;
	bool enabled;
	struct console *next;
	/* Owned by the log: what it prints next. */
	u64 seq;
	u32 off;
};
void console_register(struct console *c);
/* May this console be used, as far as console= goes? (A driver asks before it takes over a
 * device.) */
bool console_wanted(const char *name, int index);
/* dev_t of /dev/console. */
dev_t console_device(void);
/* Panic: print everything that is still buffered, now, breaking locks. */
void console_flush_on_panic(void);
/* True from then on: consoles must not wait for locks or work items. */
bool console_panicking(void);
/* Before any driver: writes straight to COM1 (polled). */
void early_console_write(const char *s, size_t n);

#endif
