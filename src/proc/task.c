/* SPDX-License-Identifier: MIT */
/* Memory of tasks and processes, kernel threads.
 * Owns:       struct task and struct process from allocation to the end of the last grace period.
 * Lifetime:   a task starts with two references: the scheduler's, dropped after its last switch,
 *             and the one dropped when it is reaped. It holds references to its pid, process and
 *             credentials until it is freed; mm, files, fs, sighand go earlier, in exit and
 *             reaping. Both objects are freed by RCU because look-ups by number take no lock. */
#include "proc_internal.h"
#include "../signal/signal_internal.h"

#include <fs/procfs.h>
#include <kernel/mm.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <uapi/signal.h>

DEFINE_SPINLOCK(tasklist_lock, LOCK_TASKLIST);

static struct kmem_cache *task_cache __ro_after_init;
static struct kmem_cache *process_cache __ro_after_init;

atomic_t nr_tasks;
s64 threads_max;
SYSCTL(threads_max, "kernel/threads-max", 0644, &threads_max, 20, 4 << 20);

void task_init(void)
{
	task_cache = kmem_cache_create("task", sizeof(struct task), 64, SLAB_HWCACHE, NULL);
	process_cache =
		kmem_cache_create("process", sizeof(struct process), 64, SLAB_HWCACHE, NULL);
	VERIFY(task_cache && process_cache);
	/* An eighth of memory may go into kernel stacks. */
	threads_max = (s64)(pages_total_count() / (8 * (KSTACK_SIZE / PAGE_SIZE)));
	threads_max = clamp(threads_max, 64ll, (s64)(4 << 20));
}

u32 task_count(void)
{
	return (u32)atomic_read(&nr_tasks);
}

struct task *task_alloc(void)
{
	struct task *t = kmem_cache_alloc(task_cache, GFP_KERNEL | GFP_ZERO);

	if (!t)
		return NULL;
	t->stack = kstack_alloc();
	if (!t->stack) {
		kmem_cache_free(task_cache, t);
		return NULL;
	}
	refcount_set(&t->refs, 2);
	t->state = TASK_NEW;
	spin_lock_init(&t->pi_lock, LOCK_TASK_WAKE);
	spin_lock_init(&t->lock, LOCK_TASK_ALLOC);
	list_init(&t->thread_node);
	pending_init(&t->pending);
	t->stack_canary = get_random_u64() & ~0xffull;
	t->timer_slack_ns = t->default_timer_slack_ns = 50000;
	t->start_time = ktime_get();
	return t;
}

static void task_free_now(struct task *t)
{
	arch_thread_free(t);
	if (t->cred)
		cred_put(t->cred);
	if (t->process)
		process_put(t->process);
	pid_put(t->pid);
	kstack_free(t->stack);
	kmem_cache_free(task_cache, t);
}

static void task_free_rcu(struct rcu_head *head)
{
	task_free_now(container_of(head, struct task, rcu));
}

void task_free(struct task *t)
{
	call_rcu(&t->rcu, task_free_rcu);
}

/* A task that nobody could have found yet. */
void task_free_never_ran(struct task *t)
{
	task_free_now(t);
}

int process_create(struct process **out)
{
	const struct process *from = current->process;
	struct process *p = kmem_cache_alloc(process_cache, GFP_KERNEL | GFP_ZERO);

	if (!p)
		return -ENOMEM;
	refcount_set(&p->refs, 1);
	list_init(&p->threads);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->pgrp_node);
	list_init(&p->session_node);
	spin_lock_init(&p->siglock, LOCK_SIGHAND);
	pending_init(&p->shared_pending);
	wait_queue_init(&p->wait_child);
	wait_queue_init(&p->signalfd_wq);
	memcpy(p->rlim, from->rlim, sizeof(p->rlim));
	p->oom_score_adj = from->oom_score_adj;
	p->dumpable = from->dumpable;
	p->start_time = ktime_get();
	process_timers_init(p);
	*out = p;
	return 0;
}

static void process_free_rcu(struct rcu_head *head)
{
	struct process *p = container_of(head, struct process, rcu);

	pid_put(p->pid);
	pid_put(p->pgrp);
	pid_put(p->session);
	pid_put(p->tty_old_pgrp);
	kmem_cache_free(process_cache, p);
}

void process_put(struct process *p)
{
	if (refcount_dec_and_test(&p->refs))
		call_rcu(&p->rcu, process_free_rcu);
}

/* Names are cut to 15 bytes. */
void comm_set(struct task *t, const char *name)
{
	irqflags_t f = spin_lock_irqsave(&t->lock);

	(void)strscpy(t->comm, name, sizeof(t->comm));
	spin_unlock_irqrestore(&t->lock, f);
}

static void kernel_task_attach(struct task *t, struct process *p)
{
	spin_lock_irq(&tasklist_lock);
	spin_lock(&p->siglock);
	list_add_tail_rcu(&t->thread_node, &p->threads);
	p->nr_threads = 1;
	spin_unlock(&p->siglock);
	pid_attach_group(p, idle_process.pgrp);
	pid_attach_session(p, idle_process.session);
	list_add_tail(&p->sibling, &idle_process.children);
	rcu_assign_pointer(t->pid->process, p);
	rcu_assign_pointer(t->pid->task, t);
	spin_unlock_irq(&tasklist_lock);
	atomic_inc(&nr_tasks);
	atomic_inc(&t->cred->user->processes);
}

struct task *task_alloc_kernel(const char *name)
{
	struct process *p;
	struct task *t = task_alloc();

	if (!t)
		return NULL;
	if (process_create(&p))
		goto free_task;
	t->process = p;
	t->cred = cred_get(&kernel_cred);
	if (pid_create(0, &t->pid))
		goto free_task;
	pid_get(t->pid);
	t->tid = (u32)t->pid->nr;
	t->flags = TF_KTHREAD;
	t->exit_signal = -1;
	t->sighand = &kthread_sighand;
	t->blocked = 0;
	(void)strscpy(t->comm, name, sizeof(t->comm));
	p->tgid = t->pid->nr;
	p->pid = t->pid;
	pid_get(p->pid);
	p->leader = t;
	p->parent = &idle_process;
	atomic_set(&p->live, 1);
	kernel_task_attach(t, p);
	return t;

free_task:
	task_free_never_ran(t);
	return NULL;
}

void task_abandon_kernel(struct task *t)
{
	atomic_dec(&t->process->live);
	task_reap(t);
	task_put(t); /* the scheduler's, which never ran it */
}
