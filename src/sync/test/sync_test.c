/* SPDX-License-Identifier: MIT */
/* Wait queues, completions, mutexes, reader/writer semaphores under contention. */
#include <kernel/ktest_threads.h>

static DEFINE_WAIT_QUEUE(test_wq);

/* --- wait queues --- */

static void ping(struct ktest_threads *th, unsigned int index)
{
	u32 *turn = th->arg;

	for (int i = 0; i < 1000; i++) {
		wait_event(&test_wq, READ_ONCE(*turn) % 2 == index);
		WRITE_ONCE(*turn, *turn + 1);
		wake_up(&test_wq);
	}
}

KTEST(wait_ping_pong)
{
	struct ktest_threads th;
	u32 turn = 0;

	KTEST_EXPECT(ktest_threads_start(&th, 2, ping, &turn));
	ktest_threads_wait(&th);
	KTEST_EXPECT(turn == 2000);
	KTEST_EXPECT(!wait_queue_active(&test_wq));
}

struct exclusive {
	u32 permits, woken;
};

static void exclusive_sleeper(struct ktest_threads *th, unsigned int index)
{
	struct exclusive *x = th->arg;

	(void)wait_event_interruptible_exclusive(&test_wq, READ_ONCE(x->permits));
	__atomic_fetch_add(&x->woken, 1, __ATOMIC_SEQ_CST);
}

/* One wake-up, one exclusive sleeper; all: all. */
KTEST(wait_exclusive)
{
	struct ktest_threads th;
	struct exclusive x = { 0 };
	u32 after_one;

	KTEST_EXPECT(ktest_threads_start(&th, 4, exclusive_sleeper, &x));
	for (int i = 0; i < 4; i++)
		while (READ_ONCE(th.task[i]->state) != TASK_INTERRUPTIBLE || th.started < 4)
			ktest_sleep_ms(1);
	WRITE_ONCE(x.permits, 1);
	wake_up(&test_wq);
	while (!READ_ONCE(x.woken))
		ktest_sleep_ms(1);
	ktest_sleep_ms(20);
	after_one = READ_ONCE(x.woken);
	wake_up_all(&test_wq);
	ktest_threads_wait(&th);
	KTEST_EXPECT(after_one == 1);
	KTEST_EXPECT(x.woken == 4);
}

KTEST(wait_times_out)
{
	u64 start = ktime_get();
	int rc = wait_event_timeout(&test_wq, false, start + 20 * NSEC_PER_MSEC);

	KTEST_EXPECT(rc == -ETIMEDOUT);
	KTEST_EXPECT(ktime_get() - start >= 20 * NSEC_PER_MSEC);
	KTEST_EXPECT(wait_event_timeout(&test_wq, true, ktime_get() + NSEC_PER_SEC) == 0);
	KTEST_EXPECT(!wait_queue_active(&test_wq));
}

static void completer(struct ktest_threads *th, unsigned int index)
{
	struct completion *c = th->arg;

	for (int i = 0; i < 500; i++)
		complete(c);
}

KTEST(completion_counts)
{
	struct ktest_threads th;
	struct completion c;

	completion_init(&c);
	KTEST_EXPECT(ktest_threads_start(&th, 4, completer, &c));
	for (int i = 0; i < 2000; i++)
		wait_for_completion(&c);
	ktest_threads_wait(&th);
	KTEST_EXPECT(c.done == 0);
	complete_all(&c);
	wait_for_completion(&c);
	KTEST_EXPECT(wait_for_completion_killable(&c) == 0);
}

/* --- mutex --- */

static DEFINE_MUTEX(test_mutex, LOCK_SLEEP_INNER);

struct shared {
	u64 a, b;
	u32 bad;
};

static void mutex_worker(struct ktest_threads *th, unsigned int index)
{
	struct shared *s = th->arg;

	for (int i = 0; i < 300; i++) {
		mutex_lock(&test_mutex);
		if (s->a != s->b)
			s->bad++;
		s->a++;
		if (i % 64 == (int)index)
			ktest_sleep_ms(1);
		else if (i % 16 == 0)
			schedule();
		s->b++;
		mutex_unlock(&test_mutex);
	}
}

KTEST(mutex_contention)
{
	struct ktest_threads th;
	struct shared s = { 0 };

	KTEST_EXPECT(ktest_threads_start(&th, 6, mutex_worker, &s));
	ktest_threads_wait(&th);
	KTEST_EXPECT(s.bad == 0);
	KTEST_EXPECT(s.a == 1800 && s.b == 1800);
	KTEST_EXPECT(!mutex_is_locked(&test_mutex));
	KTEST_EXPECT(mutex_trylock(&test_mutex));
	mutex_unlock(&test_mutex);
}

/* Waiters get it in the order in which they came. */
struct order {
	u32 next, bad;
};

static void mutex_queuer(struct ktest_threads *th, unsigned int index)
{
	struct order *o = th->arg;

	mutex_lock(&test_mutex);
	if (o->next++ != index)
		o->bad++;
	mutex_unlock(&test_mutex);
}

static unsigned int mutex_waiters(void)
{
	irqflags_t f = spin_lock_irqsave(&test_mutex.wait_lock);
	const struct list_head *l;
	unsigned int n = 0;

	for (l = test_mutex.waiters.next; l != &test_mutex.waiters; l = l->next)
		n++;
	spin_unlock_irqrestore(&test_mutex.wait_lock, f);
	return n;
}

KTEST(mutex_fifo)
{
	struct ktest_threads th;
	struct order o = { 0 };

	KTEST_EXPECT(ktest_threads_create(&th, 4, mutex_queuer, &o));
	mutex_lock(&test_mutex);
	for (unsigned int i = 0; i < 4; i++) {
		wake_up_task(th.task[i]);
		while (mutex_waiters() != i + 1)
			ktest_sleep_ms(1);
	}
	mutex_unlock(&test_mutex);
	ktest_threads_wait(&th);
	KTEST_EXPECT(o.next == 4 && o.bad == 0);
}

/* --- reader/writer semaphore --- */

static struct rwsem test_sem = RWSEM_INIT(test_sem, LOCK_SLEEP_INNER);

static void write_some(struct shared *s, int i, bool downgrade)
{
	down_write(&test_sem);
	s->a++;
	if (i % 50 == 0)
		ktest_sleep_ms(1);
	s->b++;
	if (!downgrade) {
		up_write(&test_sem);
		return;
	}
	downgrade_write(&test_sem);
	if (s->a != s->b)
		__atomic_fetch_add(&s->bad, 1, __ATOMIC_SEQ_CST);
	up_read(&test_sem);
}

static void rwsem_worker(struct ktest_threads *th, unsigned int index)
{
	struct shared *s = th->arg;

	for (int i = 0; i < 400; i++) {
		if ((i + (int)index) % 4 == 0) {
			write_some(s, i, i % 3 == 0);
			continue;
		}
		down_read(&test_sem);
		if (READ_ONCE(s->a) != READ_ONCE(s->b))
			__atomic_fetch_add(&s->bad, 1, __ATOMIC_SEQ_CST);
		if (i % 32 == 0)
			schedule();
		if (READ_ONCE(s->a) != READ_ONCE(s->b))
			__atomic_fetch_add(&s->bad, 1, __ATOMIC_SEQ_CST);
		up_read(&test_sem);
	}
}

static bool writer_excludes(void) NO_LOCK_ANALYSIS
{
	bool ok = down_write_trylock(&test_sem) && !down_read_trylock(&test_sem);

	up_write(&test_sem);
	return ok;
}

KTEST(rwsem_contention)
{
	struct ktest_threads th;
	struct shared s = { 0 };

	KTEST_EXPECT(ktest_threads_start(&th, 8, rwsem_worker, &s));
	ktest_threads_wait(&th);
	KTEST_EXPECT(s.bad == 0);
	KTEST_EXPECT(s.a == 800 && s.b == 800);
	KTEST_EXPECT(test_sem.count == 0);
	KTEST_EXPECT(writer_excludes());
}

/* --- spinlock --- */

static DEFINE_SPINLOCK(test_spin, LOCK_LEAF);

static void spin_worker(struct ktest_threads *th, unsigned int index)
{
	struct shared *s = th->arg;

	for (int i = 0; i < 5000; i++) {
		spin_lock(&test_spin);
		s->a++;
		s->b++;
		spin_unlock(&test_spin);
	}
}

KTEST(spinlock_contention)
{
	struct ktest_threads th;
	struct shared s = { 0 };

	KTEST_EXPECT(ktest_threads_start(&th, 4, spin_worker, &s));
	ktest_threads_wait(&th);
	KTEST_EXPECT(s.a == 20000 && s.b == 20000);
}
