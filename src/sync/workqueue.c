/* SPDX-License-Identifier: MIT */
/* Deferred work.
 *
 * One pool for the machine: a FIFO list and worker threads that take from it. Another worker is
 * started when work is left while none is idle, so work that sleeps does not hold up the rest, up
 * to MAX_WORKERS. Idle workers stay.
 *
 * A work item is pending from schedule_work until a worker takes it off the list; from then on it
 * may be scheduled again, also by itself, and may be freed by its own function. So a worker knows
 * what it runs only by address. The same item never runs on two workers at once: one that is taken
 * while it still runs elsewhere is put back.
 *
 * Locks: pool.lock (LOCK_WORKQUEUE, interrupts off). Waking happens after it is dropped, because
 * wait queues come before it in the lock order. */
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <kernel/wait.h>
#include <kernel/workqueue.h>

#define WORK_PENDING 0 /* bit of work->state, atomic */
#define WORK_LISTED 1  /* pool.lock */

#define MIN_WORKERS 2
#define MAX_WORKERS 32

struct worker {
	struct task *task;
	struct work *running; /* pool.lock */
};

static struct {
	struct spinlock lock;
	struct list_head list;	   /* lock */
	struct wait_queue idle_wq; /* workers without work */
	struct wait_queue done_wq; /* flushers */
	struct worker workers[MAX_WORKERS];
	unsigned int nr, idle;	   /* lock */
	bool creating;		   /* lock */
} pool = {
	.lock = SPINLOCK_INIT(LOCK_WORKQUEUE),
	.list = LIST_HEAD_INIT(pool.list),
	.idle_wq = WAIT_QUEUE_INIT(pool.idle_wq),
	.done_wq = WAIT_QUEUE_INIT(pool.done_wq),
};

void work_init(struct work *w, void (*fn)(struct work *w))
{
	list_init(&w->node);
	w->fn = fn;
	w->state = 0;
}

/* The pending bit is the caller's. */
static void work_enqueue(struct work *w)
{
	irqflags_t f = spin_lock_irqsave(&pool.lock);

	set_bit(WORK_LISTED, &w->state);
	list_add_tail(&w->node, &pool.list);
	spin_unlock_irqrestore(&pool.lock, f);
	wake_up(&pool.idle_wq);
}

bool schedule_work(struct work *w)
{
	if (test_and_set_bit(WORK_PENDING, &w->state))
		return false;
	work_enqueue(w);
	return true;
}

static bool work_is_running(const struct work *w)
{
	for (unsigned int i = 0; i < pool.nr; i++)
		if (pool.workers[i].running == w)
			return true;
	return false;
}

static bool work_busy(struct work *w)
{
	irqflags_t f = spin_lock_irqsave(&pool.lock);
	bool busy = test_bit(WORK_PENDING, &w->state) || work_is_running(w);

	spin_unlock_irqrestore(&pool.lock, f);
	return busy;
}

void flush_work(struct work *w)
{
	wait_event(&pool.done_wq, !work_busy(w));
}

/* Takes w off the list: true when it was there. */
static bool work_unlist(struct work *w)
{
	irqflags_t f = spin_lock_irqsave(&pool.lock);
	bool listed = test_bit(WORK_LISTED, &w->state);

	if (listed) {
		list_del_init(&w->node);
		clear_bit(WORK_LISTED, &w->state);
		clear_bit(WORK_PENDING, &w->state);
	}
	spin_unlock_irqrestore(&pool.lock, f);
	return listed;
}

bool cancel_work_sync(struct work *w)
{
	bool was = work_unlist(w);

	/* It may queue itself again while it runs for the last time. */
	while (work_busy(w)) {
		flush_work(w);
		was |= work_unlist(w);
	}
	return was;
}

static u64 delayed_work_timer(struct hrtimer *t)
{
	work_enqueue(&container_of(t, struct delayed_work, timer)->work);
	return 0;
}

void delayed_work_init(struct delayed_work *w, void (*fn)(struct work *w))
{
	work_init(&w->work, fn);
	hrtimer_init(&w->timer, delayed_work_timer);
}

bool schedule_delayed_work(struct delayed_work *w, u64 delay_ns)
{
	if (test_and_set_bit(WORK_PENDING, &w->work.state))
		return false;
	if (delay_ns)
		hrtimer_start(&w->timer, ktime_get() + delay_ns);
	else
		work_enqueue(&w->work);
	return true;
}

bool cancel_delayed_work_sync(struct delayed_work *w)
{
	bool was = false;

	do {
		if (hrtimer_cancel(&w->timer)) {
			clear_bit(WORK_PENDING, &w->work.state);
			was = true;
		}
		was |= work_unlist(&w->work);
		/* Without the timer only a running function can make it pending again. */
		if (test_bit(WORK_PENDING, &w->work.state) && hrtimer_active(&w->timer))
			continue;
		flush_work(&w->work);
	} while (hrtimer_active(&w->timer) || work_busy(&w->work));
	return was;
}

/* First item that no other worker is running. pool.lock held. */
static struct work *pool_take(struct worker *me)
{
	struct work *w;

	list_for_each_entry(w, &pool.list, node) {
		if (work_is_running(w))
			continue;
		list_del_init(&w->node);
		me->running = w;
		clear_bit(WORK_LISTED, &w->state);
		clear_bit(WORK_PENDING, &w->state);
		return w;
	}
	return NULL;
}

static int worker_main(void *arg);

static int worker_start(void)
{
	struct worker *me;
	irqflags_t f;
	int rc;

	f = spin_lock_irqsave(&pool.lock);
	if (pool.nr == MAX_WORKERS || pool.creating) {
		spin_unlock_irqrestore(&pool.lock, f);
		return 0;
	}
	pool.creating = true;
	me = &pool.workers[pool.nr];
	spin_unlock_irqrestore(&pool.lock, f);

	rc = kthread_create(worker_main, me, &me->task, "kworker/%u", pool.nr);
	f = spin_lock_irqsave(&pool.lock);
	pool.creating = false;
	if (!rc)
		pool.nr++;
	spin_unlock_irqrestore(&pool.lock, f);
	if (!rc)
		wake_up_task(me->task);
	return rc;
}

/* True when there is work that is not running on another worker, which will take it again
 * itself. */
static bool pool_has_work(void)
{
	bool found = false;
	struct work *w;
	irqflags_t f;

	if (list_empty(&pool.list))
		return false;
	f = spin_lock_irqsave(&pool.lock);
	list_for_each_entry(w, &pool.list, node) {
		found = !work_is_running(w);
		if (found)
			break;
	}
	spin_unlock_irqrestore(&pool.lock, f);
	return found;
}

static void worker_run(struct worker *me)
{
	irqflags_t f = spin_lock_irqsave(&pool.lock);
	struct work *w;
	void (*fn)(struct work *w);
	bool more;

	pool.idle--;
	while ((w = pool_take(me)) != NULL) {
		fn = w->fn;
		more = !list_empty(&pool.list) && !pool.idle;
		spin_unlock_irqrestore(&pool.lock, f);
		if (more)
			(void)worker_start(); /* without memory the work waits for us */
		fn(w);
		f = spin_lock_irqsave(&pool.lock);
		me->running = NULL;
		spin_unlock_irqrestore(&pool.lock, f);
		wake_up_all(&pool.done_wq);
		f = spin_lock_irqsave(&pool.lock);
	}
	pool.idle++;
	spin_unlock_irqrestore(&pool.lock, f);
}

static int worker_main(void *arg)
{
	struct worker *me = arg;
	irqflags_t f = spin_lock_irqsave(&pool.lock);

	pool.idle++;
	spin_unlock_irqrestore(&pool.lock, f);
	for (;;) {
		(void)wait_event_interruptible_exclusive(&pool.idle_wq, pool_has_work());
		worker_run(me);
	}
	return 0;
}

static int workqueue_start(void)
{
	int rc = 0;

	for (int i = 0; i < MIN_WORKERS && !rc; i++)
		rc = worker_start();
	return rc;
}
INIT_HOOK(INIT_SUBSYS, workqueue_start);
