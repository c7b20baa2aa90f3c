/* SPDX-License-Identifier: MIT */
/* RCU torture, short form: readers must never see an object after its grace period. */
#include <arch/ops.h>
#include <kernel/ktest_threads.h>
#include <kernel/slab.h>

#define ALIVE 0x1234567890abcdefull
#define DEAD 0xdeaddeaddeaddeadull

struct obj {
	u64 magic;
	struct rcu_head rcu;
};
struct torture {
	struct obj *shared;
	u32 bad, freed;
};
static struct torture tt;

static void reader(struct ktest_threads *th, unsigned int index)
{
	while (!READ_ONCE(th->stop)) {
		const struct obj *o;

		rcu_read_lock();
		o = rcu_dereference(tt.shared);
		for (int i = 0; i < 20; i++) {
			if (READ_ONCE(o->magic) != ALIVE)
				__atomic_fetch_add(&tt.bad, 1, __ATOMIC_SEQ_CST);
			arch_cpu_relax();
		}
		rcu_read_unlock();
		if (index == 0)
			ktest_sleep_ms(1);
	}
}

static void obj_free(struct rcu_head *h)
{
	struct obj *o = container_of(h, struct obj, rcu);

	WRITE_ONCE(o->magic, DEAD);
	__atomic_fetch_add(&tt.freed, 1, __ATOMIC_SEQ_CST);
	kfree(o);
}

static struct obj *obj_new(void)
{
	struct obj *o = kmalloc(sizeof(*o), GFP_KERNEL);

	if (o)
		o->magic = ALIVE;
	return o;
}

KTEST(rcu_torture)
{
	struct ktest_threads th;
	struct obj *new, *old;
	u32 made = 0;
	bool started;

	tt = (struct torture){ .shared = obj_new() };
	KTEST_EXPECT(tt.shared);
	started = ktest_threads_start(&th, 4, reader, NULL);
	for (int i = 0; i < 300; i++) {
		new = obj_new();
		if (!new)
			break;
		old = xchg(&tt.shared, new);
		if (i % 10) {
			call_rcu(&old->rcu, obj_free);
			made++;
			continue;
		}
		synchronize_rcu();
		WRITE_ONCE(old->magic, DEAD);
		kfree(old);
	}
	rcu_barrier();
	th.stop = true;
	ktest_threads_wait(&th);
	kfree(tt.shared);
	KTEST_EXPECT(started);
	KTEST_EXPECT(tt.bad == 0);
	KTEST_EXPECT(tt.freed == made);
}

/* Grace periods end although other CPUs idle or spin without ever switching. */
static void spin(struct ktest_threads *th, unsigned int index)
{
	while (!READ_ONCE(th->stop))
		arch_cpu_relax();
}

KTEST(rcu_idle_and_busy)
{
	struct ktest_threads th;
	u64 start = ktime_get(), idle, busy;

	for (int i = 0; i < 10; i++)
		synchronize_rcu();
	idle = ktime_get() - start;
	KTEST_EXPECT(ktest_threads_start(&th, max(cpu_online_count - 1, 1u), spin, NULL));
	start = ktime_get();
	for (int i = 0; i < 10; i++)
		synchronize_rcu();
	busy = ktime_get() - start;
	th.stop = true;
	ktest_threads_wait(&th);
	/* Emulated CPUs may share few real ones; without the interrupts it would be for ever. */
	KTEST_EXPECT(idle < 10 * NSEC_PER_SEC);
	KTEST_EXPECT(busy < 10 * NSEC_PER_SEC);
}
