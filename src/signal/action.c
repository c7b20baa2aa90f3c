/* SPDX-License-Identifier: MIT */
/* Signal handlers: struct sighand, rt_sigaction(2), sigaltstack(2).
 * Locking: sighand->lock for action[], taken inside siglock; handler words are also read without it
 * under siglock (one word, either value is right at the moment of a race). */
#include "signal_internal.h"

#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

/* Kernel threads: refs never reach zero. */
struct sighand kthread_sighand = {
	.refs = REFCOUNT_INIT(1),
	.lock = SPINLOCK_INIT(LOCK_SIGQUEUE),
	.action = { [0 ... 63] = { .handler = SIG_IGN } },
};

static struct sighand *sighand_alloc(void)
{
	struct sighand *sh = kmalloc(sizeof(*sh), GFP_KERNEL);

	if (!sh)
		return NULL;
	refcount_set(&sh->refs, 1);
	spin_lock_init(&sh->lock, LOCK_SIGQUEUE);
	return sh;
}

int sighand_create(struct sighand **out)
{
	struct sighand *sh = sighand_alloc();

	if (!sh)
		return -ENOMEM;
	memset(sh->action, 0, sizeof(sh->action));
	*out = sh;
	return 0;
}

/* clear: handlers become default (CLONE_CLEAR_SIGHAND). */
int sighand_copy(const struct sighand *from, bool clear, struct sighand **out)
{
	struct sighand *sh = sighand_alloc(), *src = (struct sighand *)from;

	if (!sh)
		return -ENOMEM;
	spin_lock_irq(&src->lock);
	memcpy(sh->action, src->action, sizeof(sh->action));
	spin_unlock_irq(&src->lock);
	if (clear)
		sighand_reset_for_exec(sh);
	*out = sh;
	return 0;
}

void sighand_put(struct sighand *sh)
{
	if (sh != &kthread_sighand && refcount_dec_and_test(&sh->refs))
		kfree(sh);
}

void sighand_reset_for_exec(struct sighand *sh)
{
	spin_lock_irq(&sh->lock);
	for (int i = 0; i < NSIG; i++) {
		struct ksigaction *ka = &sh->action[i];

		*ka = (struct ksigaction){ .handler = ka->handler == SIG_IGN ? SIG_IGN : SIG_DFL };
	}
	spin_unlock_irq(&sh->lock);
}

/* A signal that is now ignored is also forgotten where it is pending. siglock held. */
static void flush_ignored(struct process *p, int sig, u64 handler)
{
	struct task *t;

	if (handler != SIG_IGN &&
	    (handler != SIG_DFL || sig >= SIGRTMIN || !(SIGMASK(sig) & SIG_IGNORE_SET)))
		return;
	pending_flush_mask(&p->shared_pending, SIGMASK(sig));
	list_for_each_entry(t, &p->threads, thread_node)
		pending_flush_mask(&t->pending, SIGMASK(sig));
}

SYSCALL(rt_sigaction, int, sig, struct user_ptr, uact, struct user_ptr, uoact, size_t, size)
{
	struct process *p = current->process;
	struct sighand *sh = current->sighand;
	struct user_sigaction new, old;
	struct ksigaction *ka;
	bool change = !user_ptr_is_null(uact);

	if (size != sizeof(u64))
		return -EINVAL;
	if (change && copy_from_user(&new, uact, sizeof(new)))
		return -EFAULT;
	if (!sig_valid(sig) || (change && (SIGMASK(sig) & SIG_KERNEL_ONLY)))
		return -EINVAL;
	ka = &sh->action[sig - 1];
	spin_lock_irq(&p->siglock);
	spin_lock(&sh->lock);
	old = (struct user_sigaction){ ka->handler, ka->flags, ka->restorer, ka->mask };
	if (change) {
		WRITE_ONCE(ka->handler, new.handler);
		ka->flags = new.flags & SA_ALL;
		ka->restorer = new.restorer;
		ka->mask = new.mask & ~SIG_KERNEL_ONLY;
	}
	spin_unlock(&sh->lock);
	if (change && new.handler <= SIG_IGN)
		flush_ignored(p, sig, new.handler);
	spin_unlock_irq(&p->siglock);
	if (!user_ptr_is_null(uoact) && copy_to_user(uoact, &old, sizeof(old)))
		return -EFAULT;
	return 0;
}

bool on_sigaltstack(u64 sp)
{
	const struct task *t = current;

	if (t->sas_flags & SS_AUTODISARM)
		return false;
	return sp > t->sas_sp && sp - t->sas_sp <= t->sas_size;
}

void sigaltstack_disarm(void)
{
	struct task *t = current;

	if (!(t->sas_flags & SS_AUTODISARM))
		return;
	t->sas_sp = 0;
	t->sas_size = 0;
	t->sas_flags = SS_DISABLE;
}

int do_sigaltstack(const struct user_sigstack *ss, struct user_sigstack *old, u64 sp)
{
	struct task *t = current;
	u32 mode;

	if (old) {
		memset(old, 0, sizeof(*old));
		old->sp = t->sas_sp;
		old->size = t->sas_size;
		old->flags = !t->sas_size ? SS_DISABLE : on_sigaltstack(sp) ? SS_ONSTACK : 0;
		old->flags |= t->sas_flags & SS_AUTODISARM;
	}
	if (!ss)
		return 0;
	if (on_sigaltstack(sp))
		return -EPERM;
	mode = ss->flags & ~SS_AUTODISARM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		t->sas_sp = 0;
		t->sas_size = 0;
	} else {
		if (ss->size < MINSIGSTKSZ)
			return -ENOMEM;
		t->sas_sp = ss->sp;
		t->sas_size = ss->size;
	}
	t->sas_flags = ss->flags;
	return 0;
}

SYSCALL(sigaltstack, struct user_ptr, uss, struct user_ptr, uoss)
{
	struct user_sigstack new, old;
	bool set = !user_ptr_is_null(uss);
	int rc;

	if (set && copy_from_user(&new, uss, sizeof(new)))
		return -EFAULT;
	rc = do_sigaltstack(set ? &new : NULL, &old, task_regs(current)->rsp);
	if (!rc && !user_ptr_is_null(uoss) && copy_to_user(uoss, &old, sizeof(old)))
		return -EFAULT;
	return rc;
}
