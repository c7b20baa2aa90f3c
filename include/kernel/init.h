/* SPDX-License-Identifier: MIT */
/* Ordered boot. src/init/main.c runs the early steps by name and then these levels, in order, on
 * the boot CPU. Within a level the order is undefined. A hook returns 0 or -errno (logged). */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

#include <kernel/table.h>
#include <kernel/types.h>

enum init_level {
	/* page, slab and vmalloc allocators, log, per-CPU data, interrupts off, one CPU */
	INIT_CORE,
	/* + clocks, timers, scheduler, kthreads and workqueues; interrupts on; may sleep */
	INIT_SUBSYS,
	/* + all CPUs online, VFS caches ready, character device registration */
	INIT_FS,
	/* + file systems registered, root tmpfs mounted */
	INIT_DRIVER,
	/* + drivers probed, consoles live, initramfs unpacked */
	INIT_LATE,
	INIT_LEVELS,
};

struct init_hook {
	enum init_level level;
	const char *name;
	int (*fn)(void);
};

#define INIT_HOOK(lvl, func)                                                                       \
	TABLE_ENTRY(init_hooks, struct init_hook,                                                  \
		    func) = { .level = (lvl), .name = #func, .fn = (func) }

/* The end of the machine (power off, halt, restart by request; not after a panic): task context,
 * all CPUs still there. Drivers stop their devices. */
struct shutdown_hook {
	void (*fn)(void);
};
#define SHUTDOWN_HOOK(func)                                                                        \
	TABLE_ENTRY(shutdown_hooks, struct shutdown_hook, func) = { .fn = (func) }

/* Boot parameters: BOOT_PARAM("loglevel", loglevel_param): called with the text after '=' ("" when
 * there is none) before INIT_CORE; allocation is not available. */
struct boot_param {
	const char *name;
	int (*fn)(const char *value);
};
#define BOOT_PARAM(str, func)                                                                      \
	TABLE_ENTRY(boot_params, struct boot_param, func) = { .name = (str), .fn = (func) }

/* The whole command line, as the loader gave it; NUL-terminated, at most 4095 bytes are kept. */
extern char boot_command_line[];
/* Finds name= or bare name on the command line; copies its value; false when absent. */
bool cmdline_get(const char *name, char *value, size_t size);

#endif
