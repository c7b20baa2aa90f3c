/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/xarray.c src/lib/idr.c */
#include <kernel/errno.h>
#include <kernel/idr.h>
#include <kernel/xarray.h>
#include "test.h"

/* Own node memory: counts, and fails on demand. */
static long nodes_live;
static long allow = -1; /* allocations until one fails; -1: never */

struct xa_node *xa_node_alloc(gfp_t gfp)
{
	(void)gfp;
	if (allow >= 0 && allow-- == 0) {
		allow = 0;
		return NULL;
	}
	nodes_live++;
	return calloc(1, sizeof(struct xa_node));
}

void xa_node_free_rcu(struct xa_node *node)
{
	nodes_live--;
	free(node);
}

/* Reference model: a table of indexes. */
#define SLOTS 700

struct cell {
	u64 index;
	void *entry;
	unsigned int marks;
};

static struct cell cells[SLOTS];

static int by_index(const void *a, const void *b)
{
	u64 x = ((const struct cell *)a)->index, y = ((const struct cell *)b)->index;

	return x < y ? -1 : x > y;
}

/* Distinct ascending indexes with dense runs and far jumps; a few with special edges. */
static void make_indexes(unsigned int style)
{
	u64 at = 0;

	memset(cells, 0, sizeof(cells));
	for (int i = 0; i < SLOTS; i++) {
		cells[i].index = at;
		if (style == 0)
			at += 1;
		else if (style == 1)
			at += 1 + test_below(100);
		else
			at += test_below(20) ? 1 : test_below(1ull << test_below(56)) + 1;
	}
	if (style == 2) {
		cells[SLOTS - 1].index = XA_LAST;
		cells[SLOTS - 2].index = XA_LAST - 1;
		cells[SLOTS - 3].index = 1ull << 63;
		cells[SLOTS - 4].index = (1ull << 60) - 1;
		qsort(cells, SLOTS, sizeof(*cells), by_index);
	}
}

/* Structure invariants; returns whether the subtree holds each mark. */
static unsigned int check_node(const struct xa_node *node)
{
	unsigned int marks = 0;

	CHECK(node->present);
	for (unsigned int s = 0; s < XA_SLOTS; s++) {
		void *e = node->slots[s];
		unsigned int here = 0;

		CHECK_EQ((node->present >> s) & 1, e != NULL);
		for (unsigned int m = 0; m < XA_MARKS; m++)
			here |= (unsigned int)((node->marks[m] >> s) & 1) << m;
		if (!e)
			CHECK_EQ(here, 0);
		if (node->shift && e) {
			const struct xa_node *child = xa_to_node(e);

			CHECK(xa_is_node(e) && child->parent == node && child->slot == s);
			CHECK_EQ(child->shift, node->shift - XA_SHIFT);
			CHECK_EQ(check_node(child), here);
		}
		marks |= here;
	}
	return marks;
}

static void check_shape(const struct xarray *xa)
{
	if (!xa_is_node(xa->root))
		return;
	CHECK(xa_to_node(xa->root)->present != 1);
	CHECK(!xa_to_node(xa->root)->parent);
	check_node(xa_to_node(xa->root));
}

static void check_all(const struct xarray *xa)
{
	u64 i = 0, found[SLOTS];
	void *entries[SLOTS];
	unsigned int n = 0, want = 0, k;
	void *e;

	check_shape(xa);
	for (int c = 0; c < SLOTS; c++) {
		CHECK(xa_load(xa, cells[c].index) == cells[c].entry);
		for (unsigned int m = 0; m < XA_MARKS; m++)
			CHECK_EQ(xa_get_mark(xa, cells[c].index, m),
				 cells[c].entry && (cells[c].marks >> m & 1));
		want += cells[c].entry != NULL;
	}
	xa_for_each(xa, i, e) CHECK(n < SLOTS && xa_load(xa, i) == e && ++n);
	CHECK_EQ(n, want);
	n = xa_gather(xa, 0, XA_LAST, entries, found, SLOTS);
	CHECK_EQ(n, want);
	k = 0;
	for (int c = 0; c < SLOTS; c++)
		if (cells[c].entry && k < n) {
			CHECK(found[k] == cells[c].index && entries[k] == cells[c].entry);
			k++;
		}
	for (unsigned int m = 0; m < XA_MARKS; m++) {
		want = n = 0;
		for (int c = 0; c < SLOTS; c++)
			want += cells[c].entry && (cells[c].marks >> m & 1);
		xa_for_each_marked(xa, i, e, m) n++;
		CHECK_EQ(n, want);
		CHECK_EQ(xa_gather_marked(xa, 0, XA_LAST, entries, NULL, SLOTS, m), want);
		CHECK_EQ(xa_marked(xa, m), want != 0);
	}
}

/* find, find_last and gather over a random window against the model. */
static void check_window(const struct xarray *xa)
{
	u64 lo = cells[test_below(SLOTS)].index, hi = cells[test_below(SLOTS)].index, i;
	unsigned int mark = (unsigned int)test_below(3);
	const struct cell *first = NULL, *marked = NULL, *last = NULL;

	lo += test_below(3);
	for (int c = 0; c < SLOTS; c++) {
		if (!cells[c].entry)
			continue;
		if (cells[c].index <= hi)
			last = &cells[c];
		if (cells[c].index < lo || cells[c].index > hi)
			continue;
		if (!first)
			first = &cells[c];
		if (!marked && (cells[c].marks >> mark & 1))
			marked = &cells[c];
	}
	i = lo;
	CHECK(xa_find(xa, &i, hi) == (first ? first->entry : NULL));
	CHECK(i == (first ? first->index : lo));
	i = lo;
	CHECK(xa_find_marked(xa, &i, hi, mark) == (marked ? marked->entry : NULL));
	CHECK(i == (marked ? marked->index : lo));
	i = hi;
	CHECK(xa_find_last(xa, &i) == (last ? last->entry : NULL));
	CHECK(i == (last ? last->index : hi));
	i = lo;
	if (lo <= hi && xa_find_free(xa, &i, hi)) {
		CHECK(!xa_load(xa, i));
		if (i - lo < 2000)
			for (u64 j = lo; j < i; j++)
				CHECK(xa_load(xa, j) != NULL);
	} else if (lo <= hi && hi - lo < 2000) {
		for (u64 j = lo; j <= hi; j++)
			CHECK(xa_load(xa, j) != NULL);
	}
}

static void one_step(struct xarray *xa, int round, unsigned int erase_weight)
{
	struct cell *c = &cells[test_below(SLOTS)];
	unsigned int m = (unsigned int)test_below(XA_MARKS);
	void *e;

	if (round % 97 == 0) /* neighbours of edges */
		c = &cells[round % 2 ? SLOTS - 1 : 0];
	switch (test_below(4 + erase_weight)) {
	case 0:
	case 1:
		e = round & 1 ? xa_mk_value(test_rand() >> 1)
			      : (void *)(test_rand() << 8 >> 4 & ~15ul);
		if (!e)
			return;
		if (round & 2 && c->entry) {
			CHECK_EQ(xa_insert(xa, c->index, e, 0), -EBUSY);
		} else {
			CHECK_EQ(xa_store(xa, c->index, e, 0), 0);
			if (!c->entry)
				c->marks = 0;
			c->entry = e;
		}
		break;
	case 2:
		xa_set_mark(xa, c->index, m);
		if (c->entry)
			c->marks |= 1u << m;
		break;
	case 3:
		xa_clear_mark(xa, c->index, m);
		c->marks &= ~(1u << m);
		break;
	default:
		if (round & 1)
			CHECK_EQ(xa_store(xa, c->index, NULL, 0), 0);
		else
			CHECK(xa_erase(xa, c->index) == c->entry);
		c->entry = NULL;
		c->marks = 0;
	}
}

static void run_model(unsigned int style)
{
	struct xarray xa = XARRAY_INIT;

	make_indexes(style);
	for (int round = 0; round < 12000; round++) {
		one_step(&xa, round, (unsigned int)(round / 1500 % 4));
		if (round % 50 == 0)
			check_all(&xa);
		if (round % 4 == 0)
			check_window(&xa);
	}
	if (style == 1) {
		xa_destroy(&xa);
	} else {
		for (int c = 0; c < SLOTS; c++)
			CHECK(xa_erase(&xa, cells[c].index) == cells[c].entry);
	}
	CHECK(xa_empty(&xa));
	CHECK_EQ(nodes_live, 0);
}

TEST(model_dense)
{
	run_model(0);
}

TEST(model_spread)
{
	run_model(1);
}

TEST(model_far_apart)
{
	run_model(2);
}

TEST(index_zero_costs_no_node)
{
	struct xarray xa = XARRAY_INIT;
	int x;

	CHECK_EQ(xa_store(&xa, 0, &x, 0), 0);
	CHECK_EQ(nodes_live, 0);
	xa_set_mark(&xa, 0, XA_MARK_1);
	CHECK(xa_marked(&xa, XA_MARK_1) && !xa_marked(&xa, XA_MARK_0));
	CHECK_EQ(xa_store(&xa, 5, &x, 0), 0);
	CHECK_EQ(nodes_live, 1);
	CHECK(xa_get_mark(&xa, 0, XA_MARK_1) && !xa_get_mark(&xa, 5, XA_MARK_1));
	xa_set_mark(&xa, 0, XA_MARK_2);
	xa_clear_mark(&xa, 0, XA_MARK_1);
	CHECK(xa_erase(&xa, 5) == &x);
	CHECK_EQ(nodes_live, 0);
	CHECK(xa_get_mark(&xa, 0, XA_MARK_2) && !xa_get_mark(&xa, 0, XA_MARK_1));
	CHECK(xa_erase(&xa, 0) == &x);
	CHECK_EQ(xa_store(&xa, 0, &x, 0), 0);
	CHECK(!xa_marked(&xa, XA_MARK_2));
	xa_destroy(&xa);
	CHECK(xa_empty(&xa));
}

TEST(values)
{
	CHECK(xa_is_value(xa_mk_value(0)) && xa_is_value(xa_mk_value(~0ul >> 1)));
	CHECK(xa_to_value(xa_mk_value(~0ul >> 1)) == ~0ul >> 1);
	CHECK(!xa_is_node(xa_mk_value(1)) && !xa_is_node(xa_mk_value(2)) && !xa_is_node(NULL));
}

TEST(out_of_memory_changes_nothing)
{
	static const u64 far[] = { 1, 63, 64, 4096, 1ull << 40, XA_LAST };
	int x, y;

	for (int start = 0; start < 3; start++) {
		for (size_t f = 0; f < sizeof(far) / sizeof(*far); f++) {
			for (long n = 0; n < 30; n++) {
				struct xarray xa = XARRAY_INIT;
				long before;
				int rc;

				if (start >= 1)
					xa_store(&xa, 0, &x, 0);
				if (start == 2)
					xa_store(&xa, 70, &x, 0);
				xa_set_mark(&xa, 0, XA_MARK_0);
				before = nodes_live;
				allow = n;
				rc = xa_store(&xa, far[f], &y, 0);
				allow = -1;
				if (rc) {
					CHECK_EQ(rc, -ENOMEM);
					CHECK_EQ(nodes_live, before);
					CHECK(!xa_load(&xa, far[f]));
				} else {
					CHECK(xa_load(&xa, far[f]) == &y);
				}
				check_shape(&xa);
				CHECK(xa_load(&xa, 0) == (start ? &x : NULL));
				CHECK_EQ(xa_get_mark(&xa, 0, XA_MARK_0), start != 0);
				xa_destroy(&xa);
				CHECK_EQ(nodes_live, 0);
				if (!rc)
					break;
			}
		}
	}
}

TEST(erase_while_iterating)
{
	struct xarray xa = XARRAY_INIT;
	u64 i;
	void *e;
	int n = 0;

	for (u64 k = 0; k < 1000; k++)
		xa_store(&xa, k * k, xa_mk_value(k), 0);
	xa_for_each(&xa, i, e)
	{
		CHECK_EQ(xa_to_value(e) * xa_to_value(e), i);
		CHECK(xa_erase(&xa, i) == e);
		n++;
	}
	CHECK_EQ(n, 1000);
	CHECK(xa_empty(&xa));
	CHECK_EQ(nodes_live, 0);
}

TEST(idr_lowest_first)
{
	struct idr idr = IDR_INIT;
	static int objs[2000];
	static bool used[2000];
	int live = 0;

	for (int round = 0; round < 30000; round++) {
		int k = (int)test_below(2000), start = (int)test_below(50), want;

		if (test_below(3)) {
			for (want = start; want < 2000 && used[want]; want++)
				;
			k = idr_alloc(&idr, &objs[want < 2000 ? want : 0], start, 2000, 0);
			CHECK_EQ(k, want < 2000 ? want : -ENOSPC);
			if (k >= 0) {
				used[k] = true;
				live++;
			}
		} else {
			CHECK(idr_find(&idr, k) == (used[k] ? &objs[k] : NULL));
			CHECK(idr_remove(&idr, k) == (used[k] ? &objs[k] : NULL));
			live -= used[k];
			used[k] = false;
		}
		CHECK_EQ(idr.count, live);
	}
	idr_destroy(&idr);
	memset(used, 0, sizeof(used));
	CHECK_EQ(nodes_live, 0);
}

TEST(idr_ranges_and_reservation)
{
	struct idr idr = IDR_INIT;
	int x, id = 0, n = 0;
	void *e;

	CHECK_EQ(idr_alloc(&idr, &x, -1, 0, 0), -EINVAL);
	CHECK_EQ(idr_alloc(&idr, &x, 5, 5, 0), -ENOSPC);
	CHECK_EQ(idr_alloc(&idr, NULL, 5, 6, 0), 5);
	CHECK_EQ(idr_alloc(&idr, &x, 5, 6, 0), -ENOSPC);
	CHECK(!idr_find(&idr, 5));
	CHECK(!idr_get_next(&idr, &id));
	CHECK_EQ(idr_replace(&idr, &x, 5), 0);
	CHECK(idr_find(&idr, 5) == &x);
	CHECK_EQ(idr_replace(&idr, &x, 6), -ENOENT);
	CHECK_EQ(idr_replace(&idr, &x, -6), -ENOENT);
	CHECK(!idr_find(&idr, -1));
	CHECK(!idr_remove(&idr, -1));
	CHECK_EQ(idr_alloc(&idr, &x, INT32_MAX, 0, 0), INT32_MAX);
	CHECK_EQ(idr_alloc(&idr, &x, INT32_MAX, 0, 0), -ENOSPC);
	idr_for_each_entry(&idr, e, id)
	{
		n++;
		if (id == INT32_MAX)
			break;
	}
	CHECK_EQ(n, 2);
	CHECK(idr_remove(&idr, 5) == &x);
	CHECK(idr_remove(&idr, INT32_MAX) == &x);
	CHECK(idr_is_empty(&idr));
	idr_destroy(&idr);
}

TEST(idr_cyclic_wraps)
{
	struct idr idr = IDR_INIT;
	int x;

	for (int i = 0; i < 10; i++) {
		CHECK_EQ(idr_alloc_cyclic(&idr, &x, 1, 11, 0), i + 1);
		if (i != 4)
			idr_remove(&idr, i + 1);
	}
	for (int i = 1; i < 11; i++)
		if (i != 5)
			CHECK_EQ(idr_alloc_cyclic(&idr, &x, 1, 11, 0), i);
	CHECK_EQ(idr_alloc_cyclic(&idr, &x, 1, 11, 0), -ENOSPC);
	allow = 0;
	idr_remove(&idr, 5);
	allow = -1;
	CHECK_EQ(idr_alloc_cyclic(&idr, &x, 1, 11, 0), 5);
	idr_destroy(&idr);
	CHECK_EQ(nodes_live, 0);
}
