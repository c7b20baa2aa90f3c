/* SPDX-License-Identifier: MIT */
/* The areas of an address space in order: a red-black tree in which every node knows the largest
 * free gap below an area of its subtree, and a doubly linked list. Finding an area and finding the
 * highest free place are O(log n). A stack's guard gap counts as used. mm->lock exclusive to
 * change, shared to read; vma_find keeps its last answer in mm->cached. */
#include "vma.h"

#define SELF_GAP(v) ((v)->own_gap)
RB_DECLARE_CALLBACKS_MAX(vma_gaps, struct vma, node, u64, gap, SELF_GAP);

static u64 compute_gap(const struct vma *v)
{
	u64 below = v->prev ? v->prev->end : 0, start = vma_start_gap(v);

	return start > below ? start - below : 0;
}

static void gap_refresh(struct vma *v)
{
	u64 gap;

	if (!v)
		return;
	gap = compute_gap(v);
	if (gap == v->own_gap)
		return;
	v->own_gap = gap;
	vma_gaps_propagate(&v->node, NULL);
}

struct vma *vma_find(struct mm *mm, u64 addr)
{
	struct vma *v = READ_ONCE(mm->cached), *best = NULL;
	struct rb_node *n;

	if (v && addr >= v->start && addr < v->end)
		return v;
	n = mm->areas.node;
	while (n) {
		v = rb_entry(n, struct vma, node);
		if (v->end > addr) {
			best = v;
			if (v->start <= addr)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	if (best)
		WRITE_ONCE(mm->cached, best);
	return best;
}

void vma_tree_insert(struct mm *mm, struct vma *v)
{
	struct rb_node **link = &mm->areas.node, *parent = NULL;
	struct vma *prev = NULL;

	while (*link) {
		struct vma *o = rb_entry(*link, struct vma, node);

		parent = *link;
		if (v->start < o->start) {
			ASSERT(v->end <= o->start);
			link = &parent->left;
		} else {
			ASSERT(v->start >= o->end);
			prev = o;
			link = &parent->right;
		}
	}
	v->prev = prev;
	v->next = prev ? prev->next : mm->first;
	if (prev)
		prev->next = v;
	else
		mm->first = v;
	if (v->next)
		v->next->prev = v;
	v->own_gap = v->gap = compute_gap(v);
	rb_link_node(&v->node, parent, link);
	/* The path must hold the new value before the tree is rebalanced. */
	if (parent)
		vma_gaps_propagate(parent, NULL);
	rb_insert_augmented(&v->node, &mm->areas, &vma_gaps);
	gap_refresh(v->next);
	mm->nr_areas++;
}

void vma_tree_remove(struct mm *mm, struct vma *v)
{
	struct vma *next = v->next;

	rb_erase_augmented(&v->node, &mm->areas, &vma_gaps);
	if (v->prev)
		v->prev->next = next;
	else
		mm->first = next;
	if (next)
		next->prev = v->prev;
	gap_refresh(next);
	mm->nr_areas--;
	mm->cached = NULL;
}

void vma_tree_resize(struct mm *mm, struct vma *v, u64 start, u64 end)
{
	v->start = start;
	v->end = end;
	gap_refresh(v);
	gap_refresh(v->next);
	mm->cached = NULL;
}

/* Clips [lo, hi) to the window; true when len fits, *out = highest start. */
static bool gap_fits(u64 lo, u64 hi, u64 low, u64 high, u64 len, u64 *out)
{
	lo = max(lo, low);
	hi = min(hi, high);
	if (hi < lo || hi - lo < len)
		return false;
	*out = hi - len;
	return true;
}

bool vma_gap_find_top(struct mm *mm, u64 low, u64 high, u64 len, u64 *out)
{
	struct rb_node *n = mm->areas.node, *up;
	struct vma *v;

	if (high < low || high - low < len)
		return false;
	if (!n) {
		*out = high - len;
		return true;
	}
	/* Above the highest area. */
	for (up = n; up->right; up = up->right)
		;
	if (gap_fits(rb_entry(up, struct vma, node)->end, high, low, high, len, out))
		return true;
	/* Highest first: right subtree, node, left subtree, leaving out subtrees without a gap. */
	for (;;) {
		v = rb_entry(n, struct vma, node);
		/* What lies right of v is above v->end: of use only below `high`. */
		if (n->right && v->end < high && rb_entry(n->right, struct vma, node)->gap >= len) {
			n = n->right;
			continue;
		}
	check:
		if (v->own_gap >= len &&
		    gap_fits(v->prev ? v->prev->end : 0, vma_start_gap(v), low, high, len, out))
			return true;
		if (n->left && v->start > low && rb_entry(n->left, struct vma, node)->gap >= len) {
			n = n->left;
			continue;
		}
		/* Back up to the first ancestor whose right side this was. */
		for (;;) {
			up = rb_parent(n);
			if (!up)
				return false;
			if (up->right == n)
				break;
			n = up;
		}
		n = up;
		v = rb_entry(n, struct vma, node);
		goto check;
	}
}
