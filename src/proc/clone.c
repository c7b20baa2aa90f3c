/* SPDX-License-Identifier: MIT */
/* fork, vfork, clone, clone3.
 * Owns:       the making of user tasks: which parts are shared, which are copied.
 * Structure:  check the flags; prepare everything that can fail on a task nobody can see yet;
 *             commit under tasklist_lock and siglock, which cannot fail except because a signal
 *             arrived; then start the child.
 * Signals:    a signal sent to the group while it forks must reach the child too. The child joins
 *             its group at commit; if a signal is pending by then, everything is undone and the
 *             call starts again after the signal was handled (-ERESTARTNOINTR).
 * Lifetime:   every clone_* step leaves the task in a state that clone_undo() can free. */
#include "proc_internal.h"
#include "../signal/signal_internal.h"

#include <drivers/tty.h>
#include <fs/vfs.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>
#include <uapi/sched.h>

#define CLONE_NEW_ALL                                                                              \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)
#define MAX_SET_TID 32

static atomic64_t forks;

u64 forks_total(void)
{
	return (u64)atomic64_read(&forks);
}

/* A task under construction. */
struct clone_ctx {
	const struct clone_args_k *args;
	struct task *t;
	struct process *p;  /* of the child: new, or current's for a thread */
	struct file *pidfd_file;
	int pidfd;
};

static int clone_check(const struct clone_args_k *a)
{
	u64 f = a->flags;

	if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS) ||
	    (f & (CLONE_NEWUSER | CLONE_FS)) == (CLONE_NEWUSER | CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_PARENT) && (current->process->group_flags & GROUP_UNKILLABLE))
		return -EINVAL;
	if ((f & CLONE_THREAD) && (f & (CLONE_NEWUSER | CLONE_NEWPID)))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & (CLONE_DETACHED | CLONE_THREAD)))
		return -EINVAL;
	/* There are no namespaces. */
	if (f & CLONE_NEW_ALL)
		return capable(CAP_SYS_ADMIN) || (f & CLONE_NEWUSER) ? -EINVAL : -EPERM;
	return 0;
}

static int clone_limits(void)
{
	const struct cred *c = current_cred();

	if ((u64)atomic_read(&c->user->processes) >= rlimit_cur(current, RLIMIT_NPROC) &&
	    c->user != &root_user && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
		return -EAGAIN;
	current->flags &= ~TF_NPROC_EXCEEDED;
	if (atomic_read(&nr_tasks) >= threads_max)
		return -EAGAIN;
	return 0;
}

/* What a thread simply inherits. */
static void clone_inherit(struct task *t, u64 flags)
{
	const struct task *c = current;

	t->flags = TF_FORKNOEXEC | (c->flags & TF_KTHREAD);
	t->blocked = c->blocked;
	t->no_new_privs = c->no_new_privs;
	t->personality = c->personality;
	t->timer_slack_ns = t->default_timer_slack_ns = c->timer_slack_ns;
	t->trace_id = c->trace_id;
	t->span_id = c->span_id;
	memcpy(t->comm, c->comm, sizeof(t->comm));
	/* A thread on a stack of its own must not share the alternate one. */
	if ((flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM) {
		t->sas_flags = SS_DISABLE;
	} else {
		t->sas_sp = c->sas_sp;
		t->sas_size = c->sas_size;
		t->sas_flags = c->sas_flags;
	}
}

static int clone_files(struct task *t, u64 flags)
{
	struct task *c = current;
	int rc;

	if (flags & CLONE_FILES) {
		files_get(c->files);
		t->files = c->files;
	} else {
		rc = files_clone(c->files, &t->files, ~0u);
		if (rc)
			return rc;
	}
	if (!(flags & CLONE_FS))
		return fs_struct_clone(c->fs, &t->fs);
	/* An exec that decides about set-id bits must not gain a sharer meanwhile. */
	spin_lock(&c->fs->lock);
	if (c->fs->in_exec)
		rc = -EAGAIN;
	else
		rc = 0;
	if (!rc)
		atomic_inc(&c->fs->users);
	spin_unlock(&c->fs->lock);
	if (!rc)
		t->fs = c->fs;
	return rc;
}

static int clone_sighand(struct task *t, u64 flags)
{
	struct sighand *sh = current->sighand;

	if (!(flags & CLONE_SIGHAND))
		return sighand_copy(sh, flags & CLONE_CLEAR_SIGHAND, &t->sighand);
	refcount_inc(&sh->refs);
	t->sighand = sh;
	return 0;
}

static int clone_mm(struct task *t, u64 flags)
{
	struct mm *mm = current->mm;

	if (!mm)
		return 0;
	if (!(flags & CLONE_VM))
		return mm_fork(mm, &t->mm);
	mm_get(mm);
	t->mm = mm;
	return 0;
}

static int clone_pid(struct clone_ctx *c)
{
	const struct clone_args_k *a = c->args;
	pid_t want = 0;
	int rc;

	if (a->set_tid_size) {
		if (a->set_tid_size > 1)
			return -EINVAL;
		want = a->set_tid[0];
		if (want < 1 || want >= pid_max)
			return -EINVAL;
		if (!capable(CAP_CHECKPOINT_RESTORE) && !capable(CAP_SYS_ADMIN))
			return -EPERM;
	}
	rc = pid_create(want, &c->t->pid);
	if (rc)
		return rc;
	pid_get(c->t->pid);
	c->t->tid = (u32)c->t->pid->nr;
	return 0;
}

static int clone_pidfd(struct clone_ctx *c)
{
	int rc;

	c->pidfd = fd_reserve(0, FD_CLOEXEC);
	if (c->pidfd < 0)
		return c->pidfd;
	rc = pidfd_create(c->t->pid, O_RDWR, &c->pidfd_file);
	if (!rc)
		rc = put_user_u32((u32)c->pidfd, c->args->pidfd);
	return rc;
}

static void clone_undo(struct clone_ctx *c)
{
	struct task *t = c->t;

	if (c->pidfd >= 0)
		fd_abort(c->pidfd);
	if (c->pidfd_file)
		file_put(c->pidfd_file);
	if (t->mm)
		mm_put(t->mm);
	if (t->sighand)
		sighand_put(t->sighand);
	if (t->fs)
		fs_struct_put(t->fs);
	if (t->files)
		files_put(t->files);
	if (t->pid)
		pid_destroy_unused(t->pid);
	task_free_never_ran(t);
}

static int clone_process(struct clone_ctx *c)
{
	int rc = 0;

	if (c->args->flags & CLONE_THREAD) {
		c->p = current->process;
		process_get(c->p);
	} else {
		rc = process_create(&c->p);
	}
	if (!rc)
		c->t->process = c->p;
	return rc;
}

static int clone_prepare(struct clone_ctx *c, const struct user_regs *regs)
{
	const struct clone_args_k *a = c->args;
	struct task *t = c->t;
	u64 flags = a->flags;
	int rc;

	t->cred = cred_get(current_cred());
	clone_inherit(t, flags);
	rc = clone_process(c);
	if (!rc)
		rc = clone_files(t, flags);
	if (!rc)
		rc = clone_sighand(t, flags);
	if (!rc)
		rc = clone_mm(t, flags);
	if (!rc)
		rc = arch_thread_init_user(t, regs, a->stack, flags & CLONE_SETTLS, a->tls);
	if (!rc)
		rc = clone_pid(c);
	if (!rc && (flags & CLONE_PIDFD))
		rc = clone_pidfd(c);
	if (rc)
		return rc;
	if (flags & CLONE_CHILD_SETTID) {
		t->set_child_tid = a->child_tid;
		t->work |= WORK_NOTIFY;
	}
	if (flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = a->child_tid;
	return 0;
}

/* The child becomes a process of its own. tasklist_lock and current's siglock held. */
static void commit_process(struct clone_ctx *c)
{
	struct process *p = c->p, *self = current->process;
	struct task *t = c->t;

	p->tgid = t->pid->nr;
	p->pid = t->pid;
	pid_get(p->pid);
	p->leader = t;
	if (c->args->flags & CLONE_PARENT) {
		p->parent = self->parent;
		p->parent_tid = self->parent_tid;
		p->parent_execs = self->parent_execs;
		t->exit_signal = self->leader->exit_signal;
	} else {
		p->parent = self;
		p->parent_tid = (pid_t)current->tid;
		p->parent_execs = self->execs;
		t->exit_signal = (int)c->args->exit_signal;
	}
	p->has_child_subreaper = p->parent->has_child_subreaper || p->parent->is_child_subreaper;
	list_add_tail(&p->sibling, &p->parent->children);
	pid_attach_group(p, self->pgrp);
	pid_attach_session(p, self->session);
	list_add_tail_rcu(&t->thread_node, &p->threads);
	p->nr_threads = 1;
	atomic_set(&p->live, 1);
	rcu_assign_pointer(t->pid->process, p);
}

/* tasklist_lock and siglock held. */
static void commit_thread(struct clone_ctx *c)
{
	struct process *p = c->p;
	struct task *t = c->t;

	t->exit_signal = -1;
	list_add_tail_rcu(&t->thread_node, &p->threads);
	p->nr_threads++;
	atomic_inc(&p->live);
	stop_join(t);
}

static int clone_commit(struct clone_ctx *c)
{
	struct process *self = current->process;
	bool thread = c->args->flags & CLONE_THREAD;

	spin_lock_irq(&tasklist_lock);
	spin_lock(&self->siglock);
	recalc_sigpending();
	if (thread ? fatal_signal_pending() : signal_pending()) {
		spin_unlock(&self->siglock);
		spin_unlock_irq(&tasklist_lock);
		return -ERESTARTNOINTR;
	}
	if (thread)
		commit_thread(c);
	else
		commit_process(c);
	rcu_assign_pointer(c->t->pid->task, c->t);
	spin_unlock(&self->siglock);
	if (!thread)
		tty_fork(self, c->p);
	spin_unlock_irq(&tasklist_lock);
	atomic_inc(&nr_tasks);
	atomic_inc(&c->t->cred->user->processes);
	return 0;
}

/* Sleeps until the child has given up the address space; a fatal signal ends the wait. */
static void vfork_wait(struct task *t, struct completion *done)
{
	int rc = wait_for_completion_killable(done);

	/* The child completes under its lock: when it is free, `done` is not in use any more. */
	spin_lock(&t->lock);
	if (rc)
		t->vfork_done = NULL;
	spin_unlock(&t->lock);
	task_put(t);
}

static void clone_start(struct clone_ctx *c)
{
	struct completion vfork;
	struct task *t = c->t;
	u64 flags = c->args->flags;

	if (c->pidfd >= 0)
		fd_install(c->pidfd, c->pidfd_file);
	if ((flags & CLONE_PARENT_SETTID) && put_user_u32(t->tid, c->args->parent_tid)) {
		/* Ignored, as on Linux: the child exists. */
	}
	if (flags & CLONE_VFORK) {
		completion_init(&vfork);
		t->vfork_done = &vfork;
		t->flags |= TF_VFORK_CHILD;
		task_get(t);
	}
	wake_up_new_task(t);
	if (flags & CLONE_VFORK)
		vfork_wait(t, &vfork);
}

long do_clone(const struct clone_args_k *args, const struct user_regs *regs)
{
	struct clone_ctx c = { .args = args, .pidfd = -1 };
	long nr;
	int rc;

	if ((args->flags & (CLONE_PIDFD | CLONE_PARENT_SETTID)) ==
		    (CLONE_PIDFD | CLONE_PARENT_SETTID) &&
	    args->pidfd.addr == args->parent_tid.addr)
		return -EINVAL;
	rc = clone_check(args);
	if (rc)
		return rc;
	if (signal_pending())
		return -ERESTARTNOINTR;
	rc = clone_limits();
	if (rc)
		return rc;
	c.t = task_alloc();
	if (!c.t)
		return -ENOMEM;
	rc = clone_prepare(&c, regs);
	if (!rc) {
		sched_fork(c.t, current->reset_on_fork);
		rc = clone_commit(&c);
	}
	if (rc) {
		clone_undo(&c);
		return rc;
	}
	atomic64_inc(&forks);
	nr = c.t->tid;
	clone_start(&c);
	return nr;
}

SYSCALL0(fork)
{
	const struct clone_args_k args = { .exit_signal = SIGCHLD };

	return do_clone(&args, task_regs(current));
}

SYSCALL0(vfork)
{
	const struct clone_args_k args = {
		.flags = CLONE_VFORK | CLONE_VM,
		.exit_signal = SIGCHLD,
	};

	return do_clone(&args, task_regs(current));
}

SYSCALL(clone, u64, flags, u64, newsp, struct user_ptr, parent_tid, struct user_ptr, child_tid, u64,
	tls)
{
	const struct clone_args_k args = {
		.flags = (u32)flags & ~CSIGNAL,
		.pidfd = parent_tid,
		.child_tid = child_tid,
		.parent_tid = parent_tid,
		.exit_signal = flags & CSIGNAL,
		.stack = newsp,
		.tls = tls,
	};

	return do_clone(&args, task_regs(current));
}

static int clone3_check(const struct user_clone_args *u, size_t size)
{
	const u64 legacy = 0xffffffffull;

	if (u->set_tid_size > MAX_SET_TID || !u->set_tid != !u->set_tid_size)
		return -EINVAL;
	if ((u->exit_signal & ~CSIGNAL) || u->exit_signal > NSIG)
		return -EINVAL;
	if ((u->flags & CLONE_INTO_CGROUP) &&
	    (u->cgroup > INT32_MAX || size < CLONE_ARGS_SIZE_VER2))
		return -EINVAL;
	if (u->flags & ~(legacy | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP))
		return -EINVAL;
	if (u->flags & (CLONE_DETACHED | CSIGNAL))
		return -EINVAL;
	if ((u->flags & CLONE_SIGHAND) && (u->flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((u->flags & (CLONE_THREAD | CLONE_PARENT)) && u->exit_signal)
		return -EINVAL;
	if (!u->stack != !u->stack_size || !user_range_ok(USER_PTR(u->stack), u->stack_size))
		return -EINVAL;
	/* There are no control groups whose descriptor could be meant. */
	return u->flags & CLONE_INTO_CGROUP ? -EBADF : 0;
}

SYSCALL(clone3, struct user_ptr, uargs, size_t, size)
{
	struct user_clone_args u;
	pid_t set_tid[MAX_SET_TID];
	struct clone_args_k args;
	int rc;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	rc = copy_struct_from_user(&u, sizeof(u), uargs, size);
	if (!rc)
		rc = clone3_check(&u, size);
	if (!rc && u.set_tid_size)
		rc = copy_from_user(set_tid, USER_PTR(u.set_tid), u.set_tid_size * sizeof(pid_t));
	if (rc)
		return rc;
	args = (struct clone_args_k){
		.flags = u.flags,
		.pidfd = USER_PTR(u.pidfd),
		.child_tid = USER_PTR(u.child_tid),
		.parent_tid = USER_PTR(u.parent_tid),
		.exit_signal = u.exit_signal,
		.stack = u.stack + u.stack_size,
		.tls = u.tls,
		.set_tid = set_tid,
		.set_tid_size = (unsigned int)u.set_tid_size,
	};
	return do_clone(&args, task_regs(current));
}
