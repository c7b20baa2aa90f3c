/* SPDX-License-Identifier: MIT */
/* Process 0 (idle tasks), the first user process, start-up of this part. */
#include "proc_internal.h"
#include "../signal/signal_internal.h"

#include <fs/vfs.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/string.h>

struct process *init_process;
struct process idle_process;
static struct pid idle_pid;

void proc_init(void)
{
	struct process *p = &idle_process;

	pid_init();
	task_init();
	cred_init();
	signal_init();

	refcount_set(&idle_pid.refs, 1);
	list_init(&idle_pid.members[0]);
	list_init(&idle_pid.members[1]);
	wait_queue_init(&idle_pid.wq);
	idle_pid.task = &boot_idle_task;
	idle_pid.process = p;

	refcount_set(&p->refs, 1);
	p->pid = &idle_pid;
	p->pgrp = &idle_pid;
	p->session = &idle_pid;
	p->leader = &boot_idle_task;
	p->parent = p;
	list_init(&p->threads);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->pgrp_node);
	list_init(&p->session_node);
	spin_lock_init(&p->siglock, LOCK_SIGHAND);
	pending_init(&p->shared_pending);
	wait_queue_init(&p->wait_child);
	wait_queue_init(&p->signalfd_wq);
	p->dumpable = 1;
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++)
		p->rlim[i] = (struct rlimit64){ RLIM_INFINITY, RLIM_INFINITY };
	p->rlim[RLIMIT_STACK].cur = 8ull << 20;
	p->rlim[RLIMIT_CORE].cur = 0;
	p->rlim[RLIMIT_NOFILE] = (struct rlimit64){ 1024, 4096 };
	p->rlim[RLIMIT_MEMLOCK] = (struct rlimit64){ 8ull << 20, 8ull << 20 };
	p->rlim[RLIMIT_NPROC] = (struct rlimit64){ (u64)threads_max / 2, (u64)threads_max / 2 };
	p->rlim[RLIMIT_SIGPENDING] = p->rlim[RLIMIT_NPROC];
	p->rlim[RLIMIT_MSGQUEUE] = (struct rlimit64){ 819200, 819200 };
	p->rlim[RLIMIT_NICE] = (struct rlimit64){ 0, 0 };
	p->rlim[RLIMIT_RTPRIO] = (struct rlimit64){ 0, 0 };

	boot_idle_task.process = p;
	boot_idle_task.pid = &idle_pid;
	boot_idle_task.cred = &kernel_cred;
	boot_idle_task.sighand = &kthread_sighand;
	list_init(&boot_idle_task.thread_node);
	pending_init(&boot_idle_task.pending);
}

/* What pid 1 does first, in the kernel. */
struct init_start {
	int (*fn)(void *arg);
	void *arg;
};
static struct init_start init_start;

static int init_thread(void *unused __maybe_unused)
{
	int rc = init_start.fn(init_start.arg);

	if (rc)
		panic("no init found: error %d", -rc);
	arch_enter_user();
}

int init_process_start(int (*fn)(void *arg), void *arg)
{
	struct process *p;
	struct task *t;
	int rc;

	init_start = (struct init_start){ fn, arg };
	pid_next_is_init();
	rc = kthread_create(init_thread, NULL, &t, "init");
	if (rc)
		return rc;
	p = t->process;
	VERIFY(p->tgid == 1);
	rc = files_create(&t->files);
	if (!rc)
		rc = sighand_create(&t->sighand);
	if (rc)
		return rc; /* the boot ends here */
	/* Its directory is the kernel's: root and working directory appear while it runs. */
	atomic_inc(&init_fs.users);
	t->fs = &init_fs;
	t->exit_signal = SIGCHLD;
	p->group_flags = GROUP_UNKILLABLE;
	init_process = p;
	wake_up_task(t);
	return 0;
}
