/* SPDX-License-Identifier: MIT */
/* LINK: src/sched/class_fair.c src/lib/rbtree.c */
/* The fair class with simulated tasks and time: shares follow weights, nobody starves, sleepers
 * gain nothing, the pick is the earliest eligible deadline. */
#include <stdlib.h>

#include "test.h"

#include "../../src/sched/sched_internal.h"

#define MS 1000000ull
#define MAX 16

const u32 nice_weight[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,	 1991,	1586,  1277,
	1024,  820,   655,   526,   423,   335,	  272,	 215,	172,   137,
	110,   87,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};

static struct runq rq;
static struct task tasks[MAX], idle;
static bool resched;

void resched_rq(struct runq *r)
{
	resched = true;
}

void charge(struct runq *r, struct task *t, u64 *delta)
{
	*delta = r->clock - t->se.exec_start;
	t->se.exec_start = r->clock;
	t->se.sum_exec += *delta;
}

static void reset(void)
{
	rq = (struct runq){ .curr = &idle, .idle = &idle };
	rq.fair.zero = 5000000000ull; /* not the start of time */
	memset(tasks, 0, sizeof(tasks));
	for (int i = 0; i < MAX; i++)
		tasks[i].se.weight = 1024;
}

static void enqueue(struct task *t, unsigned int flags)
{
	class_fair.enqueue(&rq, t, flags);
	t->se.on_rq = true;
}

static void dequeue(struct task *t)
{
	class_fair.dequeue(&rq, t, DEQ_SLEEP);
	t->se.on_rq = false;
}

/* What schedule() does with the class. */
static void pick(void)
{
	struct task *next;

	if (rq.fair.curr)
		class_fair.update_curr(&rq);
	next = fair_pick(&rq);
	resched = false;
	if (!next || next == rq.fair.curr)
		return;
	if (rq.fair.curr)
		class_fair.put_prev(&rq, rq.fair.curr);
	class_fair.set_next(&rq, next);
	rq.curr = next;
}

/* Runs for ns in ticks of 1 ms. */
static void run(u64 ns)
{
	for (u64 end = rq.clock + ns; rq.clock < end;) {
		rq.clock += MS;
		if (rq.fair.curr)
			class_fair.tick(&rq, rq.fair.curr);
		if (resched || !rq.fair.curr)
			pick();
	}
}

static u64 share(const struct task *t, u64 total)
{
	return t->se.sum_exec * 1000 / total; /* per mille */
}

TEST(equal_shares)
{
	reset();
	for (int i = 0; i < 5; i++)
		enqueue(&tasks[i], ENQ_NEW);
	pick();
	run(5000 * MS);
	for (int i = 0; i < 5; i++) {
		CHECK(share(&tasks[i], 5000 * MS) >= 198);
		CHECK(share(&tasks[i], 5000 * MS) <= 202);
	}
}

/* All 40 nice levels against nice 0. */
TEST(shares_follow_weights)
{
	for (int n = 0; n < 40; n++) {
		u64 want;

		reset();
		tasks[1].se.weight = nice_weight[n];
		enqueue(&tasks[0], ENQ_NEW);
		enqueue(&tasks[1], ENQ_NEW);
		pick();
		run(20000 * MS);
		want = nice_weight[n] * 1000ull / (nice_weight[n] + 1024);
		CHECK(share(&tasks[1], 20000 * MS) + 15 >= want);
		CHECK(share(&tasks[1], 20000 * MS) <= want + 15);
	}
}

/* Nobody waits longer than a round and a bit, whatever the mix. */
TEST(nobody_starves)
{
	u64 last[MAX] = { 0 }, worst = 0, seen[MAX] = { 0 };

	reset();
	for (int i = 0; i < 8; i++)
		enqueue(&tasks[i], ENQ_NEW);
	pick();
	for (int step = 0; step < 4000; step++) {
		run(MS);
		for (int i = 0; i < 8; i++) {
			if (tasks[i].se.sum_exec != seen[i]) {
				seen[i] = tasks[i].se.sum_exec;
				last[i] = rq.clock;
			}
			if (rq.clock - last[i] > worst)
				worst = rq.clock - last[i];
		}
	}
	CHECK(worst <= 8 * 4 * MS + 8 * MS);
}

/* A task that sleeps half the time and one that never does: the sleeper gets what it asks for, up
 * to its share, and no more after a long sleep. */
TEST(sleepers_do_not_save_up)
{
	u64 before;

	reset();
	enqueue(&tasks[0], ENQ_NEW);
	enqueue(&tasks[1], ENQ_NEW);
	pick();
	run(100 * MS);
	/* tasks[1] sleeps for a second. */
	if (rq.fair.curr == &tasks[1]) {
		dequeue(&tasks[1]);
		class_fair.put_prev(&rq, &tasks[1]);
		rq.curr = &idle;
		pick();
	} else {
		dequeue(&tasks[1]);
	}
	run(1000 * MS);
	before = tasks[1].se.sum_exec;
	enqueue(&tasks[1], ENQ_WAKEUP);
	resched = true;
	pick();
	run(100 * MS);
	CHECK(tasks[1].se.sum_exec - before <= 58 * MS);
	CHECK(tasks[1].se.sum_exec - before >= 42 * MS);
}

/* What a task owed when it left, it owes when it comes back. */
TEST(lag_is_kept)
{
	reset();
	enqueue(&tasks[0], ENQ_NEW);
	enqueue(&tasks[1], ENQ_NEW);
	pick();
	rq.clock += 3 * MS; /* the first one runs over its share */
	class_fair.update_curr(&rq);
	struct task *ran = rq.fair.curr;

	dequeue(ran);
	CHECK(ran->se.lag < 0);
	class_fair.put_prev(&rq, ran);
	rq.curr = &idle;
	pick();
	CHECK(rq.fair.curr != ran);
	enqueue(ran, ENQ_WAKEUP);
	CHECK((s64)(ran->se.vruntime - fair_avg(&rq.fair)) > 0);
	pick();
	CHECK(rq.fair.curr != ran);
}

/* The tree's search against looking at everybody. */
static struct task *slow_pick(void)
{
	u64 v = fair_avg(&rq.fair);
	struct task *best = NULL;

	for (int i = 0; i < MAX; i++) {
		struct task *t = &tasks[i];

		if (!t->se.on_rq || (s64)(t->se.vruntime - v) > 0)
			continue;
		if (!best || (s64)(t->se.deadline - best->se.deadline) < 0)
			best = t;
	}
	return best;
}

TEST(pick_is_earliest_eligible_deadline)
{
	reset();
	for (int round = 0; round < 20000; round++) {
		struct task *t = &tasks[test_rand() % MAX], *fast, *slow;

		rq.clock += test_rand() % (5 * MS);
		if (rq.fair.curr)
			class_fair.update_curr(&rq);
		if (!t->se.on_rq) {
			t->se.weight = nice_weight[test_rand() % 40];
			enqueue(t, test_rand() % 2 ? ENQ_WAKEUP : ENQ_NEW);
		} else {
			bool running = rq.fair.curr == t;

			dequeue(t);
			if (running) {
				class_fair.put_prev(&rq, t);
				rq.curr = &idle;
			}
		}
		fast = fair_pick(&rq);
		slow = slow_pick();
		/* The mean is rounded down in slow_pick: a tie may fall either way. */
		if (slow && fast != slow)
			CHECK(fast && (s64)(fast->se.deadline - slow->se.deadline) <= 0);
		pick();
		CHECK(!rq.fair.nr == !rq.fair.curr);
	}
}

/* Yielding lets each of the others run before the yielder comes again. */
TEST(yield_gives_way)
{
	struct task *first;

	reset();
	enqueue(&tasks[0], ENQ_NEW);
	enqueue(&tasks[1], ENQ_NEW);
	pick();
	for (int i = 0; i < 100; i++) {
		first = rq.fair.curr;
		rq.clock += 10000;
		class_fair.yield(&rq, first);
		pick();
		CHECK(rq.fair.curr != first);
	}
}
