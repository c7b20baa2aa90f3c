/* SPDX-License-Identifier: MIT */
/* Starting the scheduler, and what a CPU does when it has nothing to do.
 *
 * The boot CPU boots in boot_idle_task, which becomes its idle task when it calls cpu_idle; the
 * idle tasks of the others are allocated before they start. An idle CPU has no tick: it halts until
 * an interrupt. It runs with preemption off, so that switching away happens in one place. */
#include <arch/ops.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "sched_internal.h"

struct task boot_idle_task = {
	.flags = TF_KTHREAD | TF_IDLE,
	.on_cpu = 1,
	.refs = REFCOUNT_INIT(2),
	.policy = SCHED_NORMAL,
	.class = &class_idle,
	.pi_lock = SPINLOCK_INIT(LOCK_TASK_WAKE),
	.lock = SPINLOCK_INIT(LOCK_TASK_ALLOC),
	.affinity = { .bits = { [0 ... ARRAY_SIZE(boot_idle_task.affinity.bits) - 1] = ~0ul } },
	.pending.queue = LIST_HEAD_INIT(boot_idle_task.pending.queue),
	.comm = "swapper/0",
};

DEFINE_PER_CPU(const struct user_regs *, irq_regs);

static void idle_task_setup(struct task *t, unsigned int cpu)
{
	t->cpu = cpu;
	t->class = &class_idle;
	t->se.slice = FAIR_SLICE_NS;
	t->se.weight = WEIGHT_NICE0;
	t->on_cpu = 1;
	t->state = TASK_RUNNING;
}

void sched_init(void)
{
	idle_task_setup(&boot_idle_task, 0);
	this_cpu(current_task) = &boot_idle_task;
	hrtimer_init_cpu(0);
	rcu_init_cpu(0);
	runq_init(cpu_rq(0), 0, &boot_idle_task);
	boot_idle_task.se.exec_start = cpu_rq(0)->clock;
}

int sched_init_cpu(unsigned int cpu)
{
	struct task *t = kzalloc(sizeof(*t), GFP_KERNEL);
	void *stack = kstack_alloc();

	if (!t || !stack) {
		kfree(t);
		if (stack)
			kstack_free(stack);
		return -ENOMEM;
	}
	*t = boot_idle_task;
	t->active_mm = NULL;
	t->se = (struct sched_entity){ .on_rq = false };
	t->work = 0;
	lockdep_task_init(t);
	list_init(&t->pending.queue);
	spin_lock_init(&t->pi_lock, LOCK_TASK_WAKE);
	spin_lock_init(&t->lock, LOCK_TASK_ALLOC);
	snprintf(t->comm, sizeof(t->comm), "swapper/%u", cpu);
	t->stack = stack;
	memset(&t->thread, 0, sizeof(t->thread));
	t->thread.kstack_top = (u64)stack + KSTACK_SIZE;
	t->thread.ksp = t->thread.kstack_top;
	idle_task_setup(t, cpu);

	per_cpu(current_task, cpu) = t;
	per_cpu(preempt_count, cpu) = PREEMPT_NO_RESCHED;
	per_cpu(irq_regs, cpu) = NULL;
	hrtimer_init_cpu(cpu);
	rcu_init_cpu(cpu);
	runq_init(cpu_rq(cpu), cpu, t);
	t->se.exec_start = cpu_rq(cpu)->clock;
	return 0;
}

/* Halts until there is something to run. The check and the halt are one step for interrupts: they
 * are off from the look at the work word to the halt, which enables them. */
static void idle_wait(void)
{
	for (;;) {
		irq_disable();
		rcu_note_quiescent();
		if (need_resched() || (READ_ONCE(current->work) & WORK_RESCHED))
			break;
		arch_cpu_halt_wait();
	}
	irq_enable();
}

void cpu_idle(void)
{
	struct runq *rq;

	preempt_disable();
	sched_started = true;
	rq = this_rq();
	ASSERT(current == rq->idle);
	for (;;) {
		/* Before halting: somebody else may have too much. */
		schedule_idle();
		idle_wait();
	}
}
