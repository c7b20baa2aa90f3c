/* SPDX-License-Identifier: MIT */
/* The search of wait4 and waitid, between wait.c and sys_wait.c. */
#ifndef PROC_WAIT_H
#define PROC_WAIT_H

#include <uapi/resource.h>
#include <uapi/wait.h>

struct pid;

/* What is waited for, and what was found. */
struct wait_request {
	int type;	   /* P_ALL, P_PID, P_PGID */
	struct pid *pid;   /* with a reference; NULL: nothing has that number */
	int options;	   /* W* */
	bool want_rusage;

	pid_t found;	   /* 0: none */
	int status;	   /* as wait4 gives it */
	int code;	   /* CLD_* */
	int cause;	   /* si_status */
	u32 uid;
	struct user_rusage ru;
};

/* Waits: 0 with w->found set, or 0 and found 0 (WNOHANG), -ECHILD, -ERESTARTSYS. */
int process_wait(struct wait_request *w);

#endif
