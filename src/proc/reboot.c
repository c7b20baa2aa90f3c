/* SPDX-License-Identifier: MIT */
/* reboot(2) and Ctrl-Alt-Del. */
#include "proc_internal.h"

#include <arch/ops.h>
#include <fs/procfs.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <kernel/workqueue.h>
#include <uapi/capability.h>
#include <uapi/reboot.h>

/* 1: Ctrl-Alt-Del restarts at once; 0: it sends SIGINT to pid 1. */
static s64 ctrl_alt_del = 1;
SYSCTL(ctrl_alt_del, "kernel/ctrl-alt-del", 0644, &ctrl_alt_del, 0, 1);

/* Devices first: they must not write to memory that the next kernel uses. */
static void machine_down(void)
{
	TABLE_FOREACH(shutdown_hooks, struct shutdown_hook, h)
		h->fn();
	smp_stop_others();
}

static void cad_work_fn(struct work *w __maybe_unused)
{
	log_notice("reboot", "restarting system");
	machine_down();
	arch_reboot();
}
static struct work cad_work = WORK_INIT(cad_work_fn);

void ctrl_alt_del_key(void)
{
	if (ctrl_alt_del)
		schedule_work(&cad_work);
	else if (init_process)
		send_signal_process(init_process, SIGINT, NULL);
}

static bool magic_ok(u32 magic1, u32 magic2)
{
	return magic1 == LINUX_REBOOT_MAGIC1 &&
	       (magic2 == LINUX_REBOOT_MAGIC2 || magic2 == LINUX_REBOOT_MAGIC2A ||
		magic2 == LINUX_REBOOT_MAGIC2B || magic2 == LINUX_REBOOT_MAGIC2C);
}

SYSCALL(reboot, u32, magic1, u32, magic2, u32, cmd, struct user_ptr, arg)
{
	char text[256];
	ssize_t n;

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (!magic_ok(magic1, magic2))
		return -EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_CAD_ON:
		ctrl_alt_del = 1;
		return 0;
	case LINUX_REBOOT_CMD_CAD_OFF:
		ctrl_alt_del = 0;
		return 0;
	case LINUX_REBOOT_CMD_RESTART:
		log_notice("reboot", "restarting system");
		machine_down();
		arch_reboot();
	case LINUX_REBOOT_CMD_RESTART2:
		n = strncpy_from_user(text, arg, sizeof(text) - 1);
		if (n < 0 && n != -ENAMETOOLONG)
			return -EFAULT;
		text[n < 0 ? (ssize_t)sizeof(text) - 1 : n] = '\0';
		log_notice("reboot", "restarting system with command '%s'", text);
		machine_down();
		arch_reboot();
	case LINUX_REBOOT_CMD_HALT:
		log_notice("reboot", "system halted");
		machine_down();
		arch_halt();
	case LINUX_REBOOT_CMD_POWER_OFF:
		log_notice("reboot", "power down");
		machine_down();
		arch_poweroff();
	default:
		return -EINVAL;
	}
}
