/* SPDX-License-Identifier: MIT */
#include <kernel/ktest_threads.h>
#include <kernel/workqueue.h>

static u32 runs, inside, overlaps;

static void count_fn(struct work *w)
{
	if (__atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST))
		__atomic_fetch_add(&overlaps, 1, __ATOMIC_SEQ_CST);
	runs++;
	__atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
}

/* One item is never run twice at once and never lost. */
KTEST(work_runs)
{
	static struct work w;
	u32 queued = 0;

	work_init(&w, count_fn);
	runs = overlaps = 0;
	for (int i = 0; i < 500; i++) {
		queued += schedule_work(&w);
		if (i % 8 == 0)
			flush_work(&w);
	}
	flush_work(&w);
	KTEST_EXPECT(runs == queued);
	KTEST_EXPECT(overlaps == 0);
}

static void slow_fn(struct work *w)
{
	ktest_sleep_ms(100);
	__atomic_fetch_add(&runs, 1, __ATOMIC_SEQ_CST);
}

/* Work that sleeps does not hold up other work. */
KTEST(work_in_parallel)
{
	static struct work w[6];
	u64 start = ktime_get(), took;

	runs = 0;
	for (int i = 0; i < 6; i++) {
		work_init(&w[i], slow_fn);
		schedule_work(&w[i]);
	}
	for (int i = 0; i < 6; i++)
		flush_work(&w[i]);
	took = ktime_get() - start;
	KTEST_EXPECT(runs == 6);
	KTEST_EXPECT(took < 6 * 100 * NSEC_PER_MSEC);
}

static void again_fn(struct work *w)
{
	if (++runs < 10)
		schedule_work(w);
}

KTEST(work_requeues_itself)
{
	static struct work w;

	work_init(&w, again_fn);
	runs = 0;
	schedule_work(&w);
	while (READ_ONCE(runs) < 10)
		ktest_sleep_ms(1);
	KTEST_EXPECT(!cancel_work_sync(&w));
	KTEST_EXPECT(runs == 10);
}

KTEST(work_delayed)
{
	static struct delayed_work d;
	u64 start = ktime_get();

	delayed_work_init(&d, count_fn);
	runs = 0;
	KTEST_EXPECT(schedule_delayed_work(&d, 20 * NSEC_PER_MSEC));
	KTEST_EXPECT(!schedule_delayed_work(&d, 1));
	while (!READ_ONCE(runs))
		ktest_sleep_ms(1);
	KTEST_EXPECT(ktime_get() - start >= 20 * NSEC_PER_MSEC);
	KTEST_EXPECT(schedule_delayed_work(&d, NSEC_PER_SEC));
	KTEST_EXPECT(cancel_delayed_work_sync(&d));
	KTEST_EXPECT(!cancel_delayed_work_sync(&d));
	KTEST_EXPECT(runs == 1);
}
