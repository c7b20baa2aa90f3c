/* SPDX-License-Identifier: MIT */
/* Fair tasks: earliest eligible virtual deadline first.
 *
 * Virtual time. Running for d ns moves a task's vruntime by d * 1024 / weight. V, the weighted mean
 * of all runnable vruntimes, is where everyone would stand if service were perfectly fair; V -
 * vruntime is the service a task is owed (its lag). A task is eligible when it is owed some. Each
 * request for a slice has a virtual deadline, vruntime + slice * 1024 / weight; among the eligible
 * the earliest deadline runs. So heavy tasks run more often, and nobody falls behind by more than a
 * slice.
 *
 * Sleepers. A task that leaves the queue keeps its lag, bounded to two slices, and comes back as
 * far from the V of that moment. Sleeping earns nothing, and having overdrawn is not forgotten.
 *
 * The tree is ordered by deadline; each node knows the least vruntime below it, so the search for
 * the earliest eligible deadline is one walk down. V is not stored: avg_sum and avg_load hold the
 * sums over the tree relative to `zero`, which is moved along so that products stay small. The
 * running task is not in the tree; it enters the sums where they are used.
 *
 * Everything is under rq->lock. This file is also built for the host unit test. */
#include "sched_internal.h"

#define ZERO_DRIFT (1ll << 30) /* ns of virtual time before `zero` is moved */

static struct task *task_of(const struct rb_node *n)
{
	return rb_entry(n, struct task, se.node);
}

u64 fair_delta(u64 ns, u32 weight)
{
	return likely(weight == WEIGHT_NICE0) ? ns : ns * WEIGHT_NICE0 / weight;
}

/* --- the tree --- */

static bool min_vruntime_update(struct task *t)
{
	u64 v = t->se.vruntime;
	const struct rb_node *l = t->se.node.left, *r = t->se.node.right;

	if (l && (s64)(task_of(l)->se.min_vruntime - v) < 0)
		v = task_of(l)->se.min_vruntime;
	if (r && (s64)(task_of(r)->se.min_vruntime - v) < 0)
		v = task_of(r)->se.min_vruntime;
	if (t->se.min_vruntime == v)
		return false;
	t->se.min_vruntime = v;
	return true;
}

static void min_vruntime_propagate(struct rb_node *n, struct rb_node *stop)
{
	while (n != stop && min_vruntime_update(task_of(n)))
		n = rb_parent(n);
}

static void min_vruntime_copy(struct rb_node *old, struct rb_node *new)
{
	task_of(new)->se.min_vruntime = task_of(old)->se.min_vruntime;
}

static void min_vruntime_rotate(struct rb_node *old, struct rb_node *new)
{
	task_of(new)->se.min_vruntime = task_of(old)->se.min_vruntime;
	min_vruntime_update(task_of(old));
}

static const struct rb_augment min_vruntime_aug = {
	min_vruntime_propagate, min_vruntime_copy, min_vruntime_rotate
};

static void tree_insert(struct fair_rq *f, struct task *t)
{
	struct rb_node **link = &f->tree.node, *parent = NULL;
	bool leftmost = true;
	struct task *p;

	while (*link) {
		parent = *link;
		p = task_of(parent);
		/* The values of the path take the new one in on the way down. */
		if ((s64)(t->se.vruntime - p->se.min_vruntime) < 0)
			p->se.min_vruntime = t->se.vruntime;
		if ((s64)(t->se.deadline - p->se.deadline) < 0) {
			link = &parent->left;
		} else {
			link = &parent->right;
			leftmost = false;
		}
	}
	t->se.min_vruntime = t->se.vruntime;
	rb_link_node(&t->se.node, parent, link);
	rb_insert_augmented(&t->se.node, &f->tree, &min_vruntime_aug);
	if (leftmost)
		f->leftmost = &t->se.node;
	f->avg_sum += (s64)(t->se.vruntime - f->zero) * t->se.weight;
	f->avg_load += t->se.weight;
}

static void tree_erase(struct fair_rq *f, struct task *t)
{
	if (f->leftmost == &t->se.node)
		f->leftmost = rb_next(&t->se.node);
	rb_erase_augmented(&t->se.node, &f->tree, &min_vruntime_aug);
	f->avg_sum -= (s64)(t->se.vruntime - f->zero) * t->se.weight;
	f->avg_load -= t->se.weight;
}

/* --- virtual time --- */

static void fair_sums(const struct fair_rq *f, s64 *sum, u64 *load)
{
	const struct task *c = f->curr;

	*sum = f->avg_sum;
	*load = f->avg_load;
	if (c && c->se.on_rq) {
		*sum += (s64)(c->se.vruntime - f->zero) * c->se.weight;
		*load += c->se.weight;
	}
}

/* V, rounded down, so that a task at exactly V counts as eligible. */
u64 fair_avg(const struct fair_rq *f)
{
	s64 sum;
	u64 load;

	fair_sums(f, &sum, &load);
	if (!load)
		return f->zero;
	if (sum < 0)
		sum -= (s64)(load - 1);
	return f->zero + (u64)(sum / (s64)load);
}

static void move_zero(struct fair_rq *f)
{
	u64 v = fair_avg(f);
	s64 d = (s64)(v - f->zero);

	if (likely(d > -ZERO_DRIFT && d < ZERO_DRIFT))
		return;
	f->avg_sum -= d * (s64)f->avg_load;
	f->zero = v;
}

static bool eligible(u64 vruntime, const struct fair_rq *f, s64 sum, u64 load)
{
	return sum >= (s64)(vruntime - f->zero) * (s64)load;
}

static void fair_update_curr(struct runq *rq)
{
	struct fair_rq *f = &rq->fair;
	struct task *t = f->curr;
	u64 delta;

	if (!t)
		return;
	charge(rq, t, &delta);
	t->se.vruntime += fair_delta(delta, t->se.weight);
	if ((s64)(t->se.vruntime - t->se.deadline) >= 0) {
		t->se.deadline = t->se.vruntime + fair_delta(t->se.slice, t->se.weight);
		move_zero(f);
		if (f->nr > 1)
			resched_rq(rq);
	}
}

/* Where a task that joins the queue stands. */
static void fair_place(struct fair_rq *f, struct task *t, unsigned int flags)
{
	u64 v, slice = fair_delta(t->se.slice, t->se.weight);
	s64 sum, lag = t->se.lag;
	u64 load;

	fair_sums(f, &sum, &load);
	if (!load) {
		v = f->zero;
		lag = 0;
	} else {
		v = fair_avg(f);
		if (unlikely((s64)(v - f->zero) >= ZERO_DRIFT))
			move_zero(f);
		/* Joining moves V towards the newcomer, so that of the lag asked for only
		 * load / (load + weight) would be left: ask for more. */
		if (lag)
			lag = lag * (s64)(load + t->se.weight) / (s64)load;
	}
	t->se.vruntime = v - (u64)lag;
	/* A new task starts in the middle of a slice, so as not to gain by forking. */
	t->se.deadline = t->se.vruntime + (flags & ENQ_NEW ? slice / 2 : slice);
	t->se.lag = 0;
}

static void fair_enqueue(struct runq *rq, struct task *t, unsigned int flags)
{
	struct fair_rq *f = &rq->fair;

	if (!t->se.slice)
		t->se.slice = FAIR_SLICE_NS;
	fair_update_curr(rq);
	fair_place(f, t, flags);
	f->nr++;
	WRITE_ONCE(rq->load, rq->load + t->se.weight);
	tree_insert(f, t);
}

static void fair_dequeue(struct runq *rq, struct task *t, unsigned int flags)
{
	struct fair_rq *f = &rq->fair;
	s64 lag, limit;

	fair_update_curr(rq);
	if (--f->nr) {
		limit = (s64)fair_delta(2 * FAIR_SLICE_NS, t->se.weight);
		lag = (s64)(fair_avg(f) - t->se.vruntime);
		t->se.lag = clamp(lag, -limit, limit);
	}
	if (f->curr != t)
		tree_erase(f, t);
	if (!f->nr) {
		/* The only one: nobody to compare with, no lag. */
		f->zero = t->se.vruntime;
		f->avg_sum = 0;
	}
	WRITE_ONCE(rq->load, rq->load - t->se.weight);
}

static void fair_set_next(struct runq *rq, struct task *t)
{
	tree_erase(&rq->fair, t);
	rq->fair.curr = t;
	t->se.exec_start = rq->clock;
}

static void fair_put_prev(struct runq *rq, struct task *t)
{
	fair_update_curr(rq);
	rq->fair.curr = NULL;
	if (t->se.on_rq)
		tree_insert(&rq->fair, t);
}

/* Earliest eligible deadline; the running task counts while it is runnable. */
struct task *fair_pick(struct runq *rq)
{
	struct fair_rq *f = &rq->fair;
	struct task *curr = f->curr && f->curr->se.on_rq ? f->curr : NULL;
	struct task *best = NULL;
	struct rb_node *n = f->tree.node;
	s64 sum;
	u64 load;

	if (!n)
		return curr;
	fair_sums(f, &sum, &load);
	if (curr && !eligible(curr->se.vruntime, f, sum, load))
		curr = NULL;
	if (eligible(task_of(f->leftmost)->se.vruntime, f, sum, load)) {
		best = task_of(f->leftmost);
		n = NULL;
	}
	while (n) {
		if (n->left && eligible(task_of(n->left)->se.min_vruntime, f, sum, load)) {
			n = n->left;
		} else if (eligible(task_of(n)->se.vruntime, f, sum, load)) {
			best = task_of(n);
			break;
		} else {
			n = n->right;
		}
	}
	if (curr && (!best || (s64)(curr->se.deadline - best->se.deadline) < 0))
		return curr;
	/* Somebody is always at or below the mean; without this a rounding error would idle. */
	return best ? best : task_of(f->leftmost);
}

static void fair_check_preempt(struct runq *rq, struct task *t, bool sync)
{
	struct task *curr = rq->curr;
	s64 sum;
	u64 load;

	if (t->policy == SCHED_IDLE && curr->policy != SCHED_IDLE)
		return;
	if (curr->policy == SCHED_IDLE && t->policy != SCHED_IDLE) {
		resched_rq(rq);
		return;
	}
	if (sync || t->policy == SCHED_BATCH)
		return;
	fair_sums(&rq->fair, &sum, &load);
	if ((s64)(t->se.deadline - curr->se.deadline) < 0 &&
	    eligible(t->se.vruntime, &rq->fair, sum, load))
		resched_rq(rq);
}

static void fair_tick(struct runq *rq, struct task *t)
{
	fair_update_curr(rq);
}

/* Gives up what the task is owed, and its place among equals. */
static void fair_yield(struct runq *rq, struct task *t)
{
	u64 v;

	fair_update_curr(rq);
	v = fair_avg(&rq->fair);
	if ((s64)(t->se.vruntime - v) < 0)
		t->se.vruntime = v;
	t->se.deadline = t->se.vruntime + fair_delta(t->se.slice, t->se.weight);
}

const struct sched_class class_fair = {
	.rank = 1,
	.enqueue = fair_enqueue,
	.dequeue = fair_dequeue,
	.set_next = fair_set_next,
	.put_prev = fair_put_prev,
	.update_curr = fair_update_curr,
	.check_preempt = fair_check_preempt,
	.tick = fair_tick,
	.yield = fair_yield,
};
