/* SPDX-License-Identifier: MIT */
/* The sleeping lock of one page and waiting for its transfer: PG_LOCKED and PG_WRITEBACK, with
 * sleepers on one of a few hashed queues. A page has
 * no room for a queue; PG_WAITERS says whether clearing a bit must look for one. */
#include <fs/pagecache.h>
#include <kernel/hash.h>
#include <kernel/page.h>
#include <kernel/sched.h>
#include <kernel/wait.h>

#define QUEUES 64

static struct wait_queue queues[QUEUES] = {
#define Q(i)  [i] = WAIT_QUEUE_INIT(queues[i])
#define Q8(i) Q(i), Q(i + 1), Q(i + 2), Q(i + 3), Q(i + 4), Q(i + 5), Q(i + 6), Q(i + 7)
	Q8(0), Q8(8), Q8(16), Q8(24), Q8(32), Q8(40), Q8(48), Q8(56),
};

static struct wait_queue *page_queue(const struct page *p)
{
	return &queues[(page_to_pfn(p) * 0x9e3779b97f4a7c15ull) >> 58];
}

bool page_trylock(struct page *p)
{
	return !page_test_and_set(p, PG_LOCKED);
}

static void wake_waiters(struct page *p)
{
	/* All of them: others on the queue may wait for other pages, or for the other bit. */
	page_clear(p, PG_WAITERS);
	wake_up_all(page_queue(p));
}

/* The bit must be there before the sleeper looks at PG_LOCKED for the last time. */
static bool want(struct page *p, bool take)
{
	page_set(p, PG_WAITERS);
	return take ? page_trylock(p) : !page_test(p, PG_LOCKED);
}

void page_lock(struct page *p)
{
	might_sleep();
	if (likely(page_trylock(p)))
		return;
	wait_event(page_queue(p), want(p, true));
}

void page_wait_unlocked(struct page *p)
{
	might_sleep();
	if (page_test(p, PG_LOCKED))
		wait_event(page_queue(p), want(p, false));
}

void page_unlock(struct page *p)
{
	ASSERT(page_test(p, PG_LOCKED));
	page_clear(p, PG_LOCKED);
	if (unlikely(page_test(p, PG_WAITERS)))
		wake_waiters(p);
}

static bool written(struct page *p)
{
	page_set(p, PG_WAITERS);
	return !page_test(p, PG_WRITEBACK);
}

void page_wait_writeback(struct page *p)
{
	might_sleep();
	if (unlikely(page_test(p, PG_WRITEBACK)))
		wait_event(page_queue(p), written(p));
}

void page_end_writeback(struct page *p)
{
	page_clear(p, PG_WRITEBACK);
	if (unlikely(page_test(p, PG_WAITERS)))
		wake_waiters(p);
}
