/* SPDX-License-Identifier: MIT */
/* Queues of pending signals.
 * Owns:       struct sigqueue objects and the order in which they leave a queue.
 * Use:        send.c puts them in, deliver.c, wait.c and signalfd.c take them out.
 * Invariant:  bit n-1 of sigpending.set is set exactly while signal n is pending; a signal below
 *             SIGRTMIN is queued at most once, a real-time signal once per sending. A set bit
 *             without a queue entry stands for a signal whose details were lost or never existed
 *             (SIGKILL).
 * Locking:    siglock of the process that owns the queue.
 * Lifetime:   an entry is freed when taken, except preallocated ones, which their timer keeps. A
 *             timer that is deleted while its signal is queued gives the entry to the queue. */
#include "signal_internal.h"

#include <kernel/slab.h>
#include <kernel/string.h>

static struct kmem_cache *sigqueue_cache __ro_after_init;

void signal_init(void)
{
	sigqueue_cache = kmem_cache_create("sigqueue", sizeof(struct sigqueue), 8, 0, NULL);
	VERIFY(sigqueue_cache);
}

void pending_init(struct sigpending *sp)
{
	list_init(&sp->queue);
	sp->set = 0;
}

/* An entry charged to t's real user; NULL when memory or RLIMIT_SIGPENDING does not allow it.
 * over_limit: the limit does not apply. Any context. */
struct sigqueue *sigqueue_new(struct task *t, bool over_limit)
{
	struct user_count *user;
	struct sigqueue *q;
	int n;

	rcu_read_lock();
	user = rcu_dereference(t->cred)->user;
	user_count_get(user);
	rcu_read_unlock();
	n = atomic_add_return(&user->sigpending, 1);
	if (!over_limit && (u64)n > rlimit_cur(t, RLIMIT_SIGPENDING))
		goto undo;
	q = kmem_cache_alloc(sigqueue_cache, GFP_ATOMIC);
	if (!q)
		goto undo;
	list_init(&q->node);
	q->user = user;
	q->preallocated = false;
	return q;
undo:
	atomic_dec(&user->sigpending);
	user_count_put(user);
	return NULL;
}

void sigqueue_release(struct sigqueue *q)
{
	if (q->preallocated)
		return;
	atomic_dec(&q->user->sigpending);
	user_count_put(q->user);
	kmem_cache_free(sigqueue_cache, q);
}

int sigqueue_alloc(struct sigqueue **out)
{
	struct sigqueue *q = sigqueue_new(current, false);

	if (!q)
		return -EAGAIN;
	q->preallocated = true;
	memset(&q->info, 0, sizeof(q->info));
	*out = q;
	return 0;
}

void sigqueue_free(struct sigqueue *q, struct process *p)
{
	irqflags_t f = spin_lock_irqsave(&p->siglock);
	bool queued = !list_empty(&q->node);

	q->preallocated = false;
	spin_unlock_irqrestore(&p->siglock, f);
	if (!queued)
		sigqueue_release(q);
}

void pending_flush(struct sigpending *sp)
{
	pending_flush_mask(sp, ~0ull);
}

void pending_flush_mask(struct sigpending *sp, u64 mask)
{
	struct sigqueue *q, *tmp;

	if (!(sp->set & mask))
		return;
	sp->set &= ~mask;
	list_for_each_entry_safe(q, tmp, &sp->queue, node) {
		if (!(mask & SIGMASK(q->info.si_signo)))
			continue;
		list_del_init(&q->node);
		sigqueue_release(q);
	}
}

/* Number of the signal to take next, 0 when all are masked. */
static int pending_next(const struct sigpending *sp, u64 mask)
{
	u64 ready = sp->set & ~mask;

	if (!ready)
		return 0;
	if (ready & SIG_SYNC_SET)
		ready &= SIG_SYNC_SET;
	return __builtin_ctzll(ready) + 1;
}

/* Takes `sig` off the queue: its oldest entry if it has one. */
static void pending_take(struct sigpending *sp, int sig, struct siginfo *info, bool *timer)
{
	struct sigqueue *q, *first = NULL;
	bool more = false;

	list_for_each_entry(q, &sp->queue, node) {
		if (q->info.si_signo != sig)
			continue;
		if (first) {
			more = true;
			break;
		}
		first = q;
	}
	if (!more)
		sp->set &= ~SIGMASK(sig);
	if (!first) {
		kernel_siginfo(info, sig, SI_USER);
		return;
	}
	list_del_init(&first->node);
	*info = first->info;
	if (first->preallocated && info->si_code == SI_TIMER)
		*timer = true;
	sigqueue_release(first);
}

int dequeue_signal_locked(u64 mask, struct siginfo *info, bool *timer)
{
	struct task *t = current;
	struct sigpending *sp = &t->pending;
	int sig;

	lock_assert_held(&t->process->siglock);
	*timer = false;
	sig = pending_next(sp, mask);
	if (!sig) {
		sp = &t->process->shared_pending;
		sig = pending_next(sp, mask);
	}
	if (sig) {
		pending_take(sp, sig, info, timer);
		if (SIGMASK(sig) & SIG_STOP_SET)
			t->jobctl |= JOBCTL_STOP_DEQUEUED;
	}
	recalc_sigpending();
	return sig;
}

/* The oldest signal the kernel sent because of what current itself executed. It must be handled
 * first, so that the frame of its handler shows the faulting instruction. */
int dequeue_synchronous_locked(struct siginfo *info)
{
	struct task *t = current;
	struct sigqueue *q, *found = NULL;
	bool more = false;

	if (!(t->pending.set & ~t->blocked & SIG_SYNC_SET))
		return 0;
	list_for_each_entry(q, &t->pending.queue, node) {
		if (!found) {
			if (q->info.si_code > SI_USER &&
			    (SIGMASK(q->info.si_signo) & SIG_SYNC_SET & ~t->blocked))
				found = q;
		} else if (q->info.si_signo == found->info.si_signo) {
			more = true;
			break;
		}
	}
	if (!found)
		return 0;
	if (!more)
		t->pending.set &= ~SIGMASK(found->info.si_signo);
	list_del_init(&found->node);
	*info = found->info;
	sigqueue_release(found);
	recalc_sigpending();
	return info->si_signo;
}

/* See kernel/signal.h. Signals the caller did not ask for stay. */
int signal_dequeue(u64 set, struct siginfo *info)
{
	struct process *p = current->process;
	bool timer;
	int sig;

	spin_lock_irq(&p->siglock);
	sig = dequeue_signal_locked(~set, info, &timer);
	spin_unlock_irq(&p->siglock);
	if (timer)
		posix_timer_signal_taken(info);
	return sig;
}
