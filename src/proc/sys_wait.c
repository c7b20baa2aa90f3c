/* SPDX-License-Identifier: MIT */
/* wait4(2), waitid(2). */
#include "proc_internal.h"
#include "wait.h"

#include <fs/vfs.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/signal.h>

static struct pid *own_group_get(void)
{
	struct pid *p;

	spin_lock_irq(&tasklist_lock);
	p = current->process->pgrp;
	pid_get(p);
	spin_unlock_irq(&tasklist_lock);
	return p;
}

SYSCALL(wait4, int, pid, struct user_ptr, ustatus, int, options, struct user_ptr, uru)
{
	struct wait_request w = { .type = P_ALL, .want_rusage = !user_ptr_is_null(uru) };
	int rc;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	w.options = options | WEXITED;
	if (pid > 0) {
		w.type = P_PID;
		w.pid = pid_find_get(pid);
	} else if (pid < -1) {
		w.type = P_PGID;
		w.pid = pid_find_get(-pid);
	} else if (pid == 0) {
		w.type = P_PGID;
		w.pid = own_group_get();
	}
	rc = process_wait(&w);
	pid_put(w.pid);
	if (rc || !w.found)
		return rc;
	if (!user_ptr_is_null(ustatus) && put_user_u32((u32)w.status, ustatus))
		return -EFAULT;
	if (w.want_rusage && copy_to_user(uru, &w.ru, sizeof(w.ru)))
		return -EFAULT;
	return w.found;
}

/* The pid a waitid argument means; *nonblock: the pidfd is O_NONBLOCK. */
static int waitid_target(int which, pid_t upid, struct wait_request *w, bool *nonblock)
{
	struct fdref r;
	int rc;

	switch (which) {
	case P_ALL:
		w->type = P_ALL;
		return 0;
	case P_PID:
		if (upid <= 0)
			return -EINVAL;
		w->type = P_PID;
		w->pid = pid_find_get(upid);
		return 0;
	case P_PGID:
		if (upid < 0)
			return -EINVAL;
		w->type = P_PGID;
		w->pid = upid ? pid_find_get(upid) : own_group_get();
		return 0;
	case P_PIDFD:
		if (upid < 0)
			return -EINVAL;
		rc = fd_get(upid, RIGHT_NONE, &r);
		if (rc)
			return rc;
		w->type = P_PID;
		w->pid = pidfd_pid(r.file);
		if (w->pid)
			pid_get(w->pid);
		*nonblock = r.file->flags & O_NONBLOCK;
		fd_put(r);
		return w->pid ? 0 : -EBADF;
	default:
		return -EINVAL;
	}
}

static int do_waitid(int which, pid_t upid, int options, struct wait_request *w)
{
	bool nonblock = false;
	int rc;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			__WCLONE | __WALL))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	rc = waitid_target(which, upid, w, &nonblock);
	if (rc)
		return rc;
	w->options = options | (nonblock ? WNOHANG : 0);
	rc = process_wait(w);
	pid_put(w->pid);
	if (!rc && !w->found && nonblock && !(options & WNOHANG))
		rc = -EAGAIN;
	return rc;
}

/* The siginfo is written field by field, also when nothing was found or an error is returned: the
 * rest of the user's structure stays. */
static int waitid_store(struct user_ptr uinfo, const struct wait_request *w)
{
	bool found = w->found;

	if (put_user_u32(found ? SIGCHLD : 0, uinfo) || put_user_u32(0, user_ptr_add(uinfo, 4)) ||
	    put_user_u32(found ? (u32)w->code : 0, user_ptr_add(uinfo, 8)) ||
	    put_user_u32((u32)w->found, user_ptr_add(uinfo, 16)) ||
	    put_user_u32(found ? w->uid : 0, user_ptr_add(uinfo, 20)) ||
	    put_user_u32(found ? (u32)w->cause : 0, user_ptr_add(uinfo, 24)))
		return -EFAULT;
	return 0;
}

SYSCALL(waitid, int, which, int, upid, struct user_ptr, uinfo, int, options, struct user_ptr, uru)
{
	struct wait_request w = { .want_rusage = !user_ptr_is_null(uru) };
	int rc = do_waitid(which, upid, options, &w);

	if (!rc && w.found && w.want_rusage && copy_to_user(uru, &w.ru, sizeof(w.ru)))
		return -EFAULT;
	if (!user_ptr_is_null(uinfo) && waitid_store(uinfo, &w))
		return -EFAULT;
	return rc;
}
