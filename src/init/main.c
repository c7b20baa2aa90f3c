/* SPDX-License-Identifier: MIT */
/* The boot of the machine, top to bottom. The loader's information is in `bootinfo` and
 * boot_command_line; one CPU runs, interrupts off, on the boot stack and the boot page tables. */
#include <arch/irqflags.h>
#include <arch/ops.h>
#include <kernel/assert.h>
#include <kernel/init.h>
#include <kernel/ktest_run.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/xarray.h>

#include "init_internal.h"

void kernel_main(void) __noreturn;

static void init_level(enum init_level level)
{
	TABLE_FOREACH(init_hooks, struct init_hook, h) {
		int rc;

		if (h->level != level)
			continue;
		rc = h->fn();
		if (rc)
			log_err("init", "%s failed: error %d", h->name, rc);
	}
}

/* The second half, as pid 1: may sleep. Returning 0 drops it to user mode in the first program. */
static int kernel_init(void *arg __maybe_unused)
{
	init_level(INIT_SUBSYS);
	arch_smp_boot();
	init_level(INIT_FS);
	init_level(INIT_DRIVER);
	init_level(INIT_LATE);
	arch_ro_after_init();
	ktest_run_if_wanted();
	root_prepare();
	return pid1_exec();
}

void kernel_main(void)
{
	arch_early_init();
	cmdline_parse();
	log_info("init", "Keelson, loaded by %s; command line: %s", bootinfo.loader,
		 boot_command_line);
	random_init();
	mm_init_early();
	xa_node_cache_init();
	sched_init();
	proc_init();
	syscall_init();
	arch_init_interrupts();
	arch_init_time();
	init_level(INIT_CORE);
	irq_enable();
	if (init_process_start(kernel_init, NULL))
		panic("init: cannot make the first process");
	cpu_idle();
}
