/* SPDX-License-Identifier: MIT */
/* LINK: src/mm/vma_tree.c src/lib/rbtree.c */
/* The tree of areas against a sorted array: look-up, gaps, highest free place. */
#include <stdlib.h>

#include "test.h"

#include "../../src/mm/vma.h"

u64 host_page_array;
#define MAX 300
#define SPAN (1ul << 24) /* all areas below 16 MiB of pages */

static struct mm mm;
static struct vma *model[MAX];
static unsigned int n;

static void model_sort(void)
{
	for (unsigned int i = 1; i < n; i++)
		for (unsigned int j = i; j > 0 && model[j - 1]->start > model[j]->start; j--) {
			struct vma *t = model[j];

			model[j] = model[j - 1];
			model[j - 1] = t;
		}
}

static bool overlaps(u64 start, u64 end)
{
	for (unsigned int i = 0; i < n; i++)
		if (model[i]->start < end && start < model[i]->end)
			return true;
	return false;
}

static u64 subtree_gap(struct rb_node *node)
{
	struct vma *v;
	u64 best, g;

	if (!node)
		return 0;
	v = rb_entry(node, struct vma, node);
	best = v->own_gap;
	g = subtree_gap(node->left);
	best = g > best ? g : best;
	g = subtree_gap(node->right);
	best = g > best ? g : best;
	CHECK(v->gap == best);
	return best;
}

static void verify(void)
{
	struct vma *v = mm.first;

	for (unsigned int i = 0; i < n; i++, v = v->next) {
		u64 below = i ? model[i - 1]->end : 0, start = vma_start_gap(model[i]);

		CHECK(v == model[i]);
		CHECK(v->prev == (i ? model[i - 1] : NULL));
		CHECK(v->own_gap == (start > below ? start - below : 0));
	}
	CHECK(v == NULL && mm.nr_areas == n);
	subtree_gap(mm.areas.node);
}

static bool model_gap_top(u64 low, u64 high, u64 len, u64 *out)
{
	for (unsigned int i = n + 1; i-- > 0;) {
		u64 lo = i ? model[i - 1]->end : 0;
		u64 hi = i < n ? vma_start_gap(model[i]) : ~0ul;

		lo = lo > low ? lo : low;
		hi = hi < high ? hi : high;
		if (hi >= lo && hi - lo >= len) {
			*out = hi - len;
			return true;
		}
	}
	return false;
}

static struct vma *model_find(u64 addr)
{
	for (unsigned int i = 0; i < n; i++)
		if (model[i]->end > addr)
			return model[i];
	return NULL;
}

static u64 rnd(u64 limit)
{
	return ((u64)rand() << 16 ^ (u64)rand()) % limit;
}

static void step_insert(void)
{
	u64 start = rnd(SPAN) & PAGE_MASK, end = start + ((1 + rnd(16)) << PAGE_SHIFT);
	struct vma *v;

	if (n == MAX || overlaps(start, end))
		return;
	v = calloc(1, sizeof(*v));
	v->start = start;
	v->end = end;
	v->flags = rnd(20) ? 0 : VM_GROWSDOWN;
	vma_tree_insert(&mm, v);
	model[n++] = v;
	model_sort();
}

static void step_remove(void)
{
	unsigned int k;

	if (!n)
		return;
	k = (unsigned int)rnd(n);
	vma_tree_remove(&mm, model[k]);
	free(model[k]);
	model[k] = model[--n];
	model_sort();
}

static void step_resize(void)
{
	unsigned int k;
	u64 lo, hi, start, end;

	if (!n)
		return;
	k = (unsigned int)rnd(n);
	lo = k ? model[k - 1]->end : 0;
	hi = k + 1 < n ? model[k + 1]->start : SPAN + (1 << 20);
	start = lo + (rnd(hi - lo) & PAGE_MASK);
	end = start + PAGE_SIZE + (rnd(hi - start) & PAGE_MASK);
	vma_tree_resize(&mm, model[k], start, end < hi ? end : hi);
}

static void step_search(void)
{
	u64 a = 0, b = 0, low = rnd(SPAN / 2) & PAGE_MASK, high = low + (rnd(SPAN) & PAGE_MASK);
	u64 len = (1 + rnd(64)) << PAGE_SHIFT, addr = rnd(SPAN);
	bool x = vma_gap_find_top(&mm, low, high, len, &a);
	bool y = model_gap_top(low, high, len, &b);

	CHECK(x == y && a == b);
	CHECK(vma_find(&mm, addr) == model_find(addr));
}

TEST(agrees_with_the_model)
{
	srand(7);
	for (unsigned int i = 0; i < 60000; i++) {
		unsigned int what = (unsigned int)rnd(10);

		if (what < 3)
			step_insert();
		else if (what < 5)
			step_remove();
		else if (what < 6)
			step_resize();
		else
			step_search();
		if (i % 50 == 0)
			verify();
	}
	while (n)
		step_remove();
	verify();
}
