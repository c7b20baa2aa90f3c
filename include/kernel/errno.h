/* SPDX-License-Identifier: MIT */
#ifndef KERNEL_ERRNO_H
#define KERNEL_ERRNO_H

#include <uapi/errno.h>

/* Kernel-internal: never reach user space (signal delivery turns them into a restart or EINTR). */
#define ERESTARTSYS 512		  /* restart if SA_RESTART or no handler ran */
#define ERESTARTNOINTR 513	  /* always restart */
#define ERESTARTNOHAND 514	  /* restart only when no handler ran */
#define ERESTART_RESTARTBLOCK 516 /* restart through current->restart_block when no handler ran */
#define ENOIOCTLCMD 515	  /* not an ioctl of this driver: try the generic ones */
#define EPROBE_LATER 517

#endif
