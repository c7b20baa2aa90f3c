/* SPDX-License-Identifier: MIT */
/* Descriptors of processes: pidfd_open, pidfd_send_signal, pidfd_getfd. The file keeps the struct
 * pid, so it never means another process that got the same number later. Readable (poll) once the
 * process has ended. */
#include "proc_internal.h"
#include "../signal/signal_internal.h"

#include <fs/poll.h>
#include <fs/vfs.h>
#include <kernel/printf.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

static bool process_ended(struct pid *pid)
{
	struct process *p;
	bool ended = true;

	rcu_read_lock();
	p = rcu_dereference(pid->process);
	if (p)
		ended = p->leader->exit_state && READ_ONCE(p->nr_threads) <= 1;
	rcu_read_unlock();
	return ended;
}

static unsigned int pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct pid *pid = f->private;

	poll_wait(f, &pid->wq, pt);
	return process_ended(pid) ? POLLIN | POLLRDNORM : 0;
}

static void pidfd_release(struct inode *inode __maybe_unused, struct file *f)
{
	pid_put(f->private);
}

static void pidfd_show(struct file *f, struct strbuf *sb)
{
	const struct pid *pid = f->private;
	int nr = READ_ONCE(pid->listed) ? pid->nr : -1;

	sb_printf(sb, "Pid:\t%d\nNSpid:\t%d\n", nr, nr);
}

static const struct file_ops pidfd_fops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.llseek = no_llseek,
	.show_fdinfo = pidfd_show,
};

struct pid *pidfd_pid(const struct file *f)
{
	return f->ops == &pidfd_fops ? f->private : NULL;
}

int pidfd_create(struct pid *pid, int flags, struct file **out)
{
	int rc;

	pid_get(pid);
	rc = anon_file_create("pidfd", &pidfd_fops, pid, flags, out);
	if (rc)
		pid_put(pid);
	return rc;
}

/* The pid behind descriptor fd, with a reference. */
static int pidfd_get(int fd, struct pid **out)
{
	struct fdref r;
	int rc = fd_get(fd, RIGHT_NONE, &r);

	if (rc)
		return rc;
	*out = pidfd_pid(r.file);
	if (*out)
		pid_get(*out);
	fd_put(r);
	return *out ? 0 : -EBADF;
}

SYSCALL(pidfd_open, int, nr, unsigned int, flags)
{
	struct pid *pid;
	struct file *f;
	int rc = 0;

	if (flags & ~(unsigned int)O_NONBLOCK)
		return -EINVAL;
	if (nr <= 0)
		return -EINVAL;
	pid = pid_find_get(nr);
	if (!pid)
		return -ESRCH;
	rcu_read_lock();
	if (!rcu_dereference(pid->process))
		rc = rcu_dereference(pid->task) ? -EINVAL : -ESRCH;
	rcu_read_unlock();
	if (!rc)
		rc = pidfd_create(pid, (int)(O_RDWR | flags), &f);
	pid_put(pid);
	return rc ? rc : fd_install_new(f, FD_CLOEXEC);
}

static int send_siginfo_make(struct siginfo *info, struct user_ptr uinfo, int sig, struct pid *pid)
{
	if (user_ptr_is_null(uinfo)) {
		kernel_siginfo(info, sig, SI_USER);
		info->kill.pid = current->process->tgid;
		info->kill.uid = current_cred()->uid;
		return 0;
	}
	if (copy_from_user(info, uinfo, sizeof(*info)))
		return -EFAULT;
	if (info->si_signo != sig)
		return -EINVAL;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && pid != current->pid)
		return -EPERM;
	return 0;
}

SYSCALL(pidfd_send_signal, int, fd, int, sig, struct user_ptr, uinfo, unsigned int, flags)
{
	struct siginfo info;
	struct process *p;
	struct pid *pid;
	int rc;

	if (flags)
		return -EINVAL;
	rc = pidfd_get(fd, &pid);
	if (rc)
		return rc;
	rc = send_siginfo_make(&info, uinfo, sig, pid);
	if (!rc) {
		rcu_read_lock();
		p = rcu_dereference(pid->process);
		rc = p ? kill_process(p, sig, &info) : -ESRCH;
		rcu_read_unlock();
	}
	pid_put(pid);
	return rc;
}

/* A duplicate of another process's descriptor. */
static int steal_fd(struct task *t, int fd)
{
	struct files *fs;
	struct file *f = NULL;

	spin_lock(&t->lock);
	fs = t->files;
	if (fs)
		files_get(fs);
	spin_unlock(&t->lock);
	if (fs && fd >= 0)
		f = files_lookup(fs, (unsigned int)fd);
	if (fs)
		files_put(fs);
	/* Asked after the file was taken: an exec in between may have opened it with other rights.
	 * */
	if (ptrace_permitted(t)) {
		if (f)
			file_put(f);
		return -EPERM;
	}
	if (!fs)
		return -ESRCH;
	return f ? fd_install_new(f, FD_CLOEXEC) : -EBADF;
}

SYSCALL(pidfd_getfd, int, pidfd, int, fd, unsigned int, flags)
{
	struct pid *pid;
	struct task *t;
	int rc;

	if (flags)
		return -EINVAL;
	rc = pidfd_get(pidfd, &pid);
	if (rc)
		return rc;
	rcu_read_lock();
	t = rcu_dereference(pid->task);
	if (t && !refcount_inc_not_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	rc = -ESRCH;
	if (t) {
		rc = steal_fd(t, fd);
		task_put(t);
	}
	pid_put(pid);
	return rc;
}
