/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/rbtree.c */
#include <kernel/rbtree.h>
#include "test.h"

struct item {
	struct rb_node rb;
	unsigned int key;
	unsigned int gap, max_gap;
	bool in;
};

#define MAX 300

static struct item items[MAX];

#define item_of(n) rb_entry(n, struct item, rb)
#define SELF(it)   ((it)->gap)
RB_DECLARE_CALLBACKS_MAX(gap_aug, struct item, rb, unsigned int, max_gap, SELF);

/* Checks order, colours, parents and (if asked) the augmented values; returns the black height. */
static int check_subtree(const struct rb_node *n, const struct rb_node *parent, unsigned int lo,
			 unsigned int hi, bool gaps, int *count)
{
	unsigned int best;
	int left, right;
	bool red;

	if (!n)
		return 1;
	red = !(n->parent_color & 1);
	CHECK(rb_parent(n) == parent);
	CHECK(item_of(n)->key >= lo && item_of(n)->key <= hi);
	if (red && parent)
		CHECK(parent->parent_color & 1);
	left = check_subtree(n->left, n, lo, item_of(n)->key, gaps, count);
	right = check_subtree(n->right, n, item_of(n)->key, hi, gaps, count);
	CHECK_EQ(left, right);
	if (gaps) {
		best = item_of(n)->gap;
		if (n->left && item_of(n->left)->max_gap > best)
			best = item_of(n->left)->max_gap;
		if (n->right && item_of(n->right)->max_gap > best)
			best = item_of(n->right)->max_gap;
		CHECK_EQ(item_of(n)->max_gap, best);
	}
	++*count;
	return left + !red;
}

static void check_tree(const struct rb_root *root, int want, bool gaps)
{
	const struct rb_node *n, *last = NULL;
	int count = 0, walked = 0;

	if (root->node)
		CHECK(root->node->parent_color & 1);
	check_subtree(root->node, NULL, 0, ~0u, gaps, &count);
	CHECK_EQ(count, want);
	for (n = rb_first(root); n; n = rb_next(n)) {
		CHECK(rb_prev(n) == last);
		last = n;
		walked++;
	}
	CHECK(rb_last(root) == last);
	CHECK_EQ(walked, want);
	walked = 0;
	for (n = rb_first_postorder(root); n; n = rb_next_postorder(n))
		walked++;
	CHECK_EQ(walked, want);
}

static bool less(const struct rb_node *a, const struct rb_node *b)
{
	return item_of(a)->key < item_of(b)->key;
}

static void insert_gap(struct item *it, struct rb_root *root)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = less(&it->rb, parent) ? &parent->left : &parent->right;
	}
	it->max_gap = it->gap;
	rb_link_node(&it->rb, parent, link);
	gap_aug_propagate(parent, NULL);
	rb_insert_augmented(&it->rb, root, &gap_aug);
}

TEST(random_plain)
{
	for (unsigned int span = 1; span < 3000; span = span * 4 + 1) {
		struct rb_root root = RB_ROOT;
		int n = 0;

		memset(items, 0, sizeof(items));
		for (int round = 0; round < 4000; round++) {
			struct item *it = &items[test_below(round < 2000 ? MAX : 1 + span % MAX)];

			if (it->in) {
				rb_erase(&it->rb, &root);
				n--;
			} else {
				it->key = (unsigned int)test_below(span);
				rb_add(&it->rb, &root, less);
				n++;
			}
			it->in = !it->in;
			if (round % 16 == 0 || n < 8)
				check_tree(&root, n, false);
		}
	}
}

TEST(random_augmented)
{
	struct rb_root root = RB_ROOT;
	int n = 0;

	memset(items, 0, sizeof(items));
	for (int round = 0; round < 30000; round++) {
		struct item *it = &items[test_below(round < 20000 ? MAX : 20)];

		if (it->in && round % 5 == 0) {
			it->gap = (unsigned int)test_below(1000);
			gap_aug_propagate(&it->rb, NULL);
		} else if (it->in) {
			rb_erase_augmented(&it->rb, &root, &gap_aug);
			it->in = false;
			n--;
		} else {
			it->key = (unsigned int)test_below(500);
			it->gap = (unsigned int)test_below(1000);
			insert_gap(it, &root);
			it->in = true;
			n++;
		}
		if (round % 16 == 0 || n < 12)
			check_tree(&root, n, true);
	}
}

TEST(every_small_order)
{
	/* all insertion orders of 6 keys, all removals one by one in a rotated order */
	int perm[6] = { 0, 1, 2, 3, 4, 5 };
	int c[6] = { 0 }, i = 0;

	for (;;) {
		for (int shift = 0; shift < 6; shift++) {
			struct rb_root root = RB_ROOT;

			for (int k = 0; k < 6; k++) {
				items[k].key = (unsigned int)k;
				items[k].gap = (unsigned int)(k * 7 % 5);
			}
			for (int k = 0; k < 6; k++) {
				insert_gap(&items[perm[k]], &root);
				check_tree(&root, k + 1, true);
			}
			for (int k = 0; k < 6; k++) {
				rb_erase_augmented(&items[(k * 5 + shift) % 6].rb, &root, &gap_aug);
				check_tree(&root, 5 - k, true);
			}
		}
		while (i < 6 && c[i] >= i)
			c[i++] = 0;
		if (i == 6)
			break;
		int a = i % 2 ? c[i] : 0, t = perm[a];

		perm[a] = perm[i];
		perm[i] = t;
		c[i]++;
		i = 0;
	}
}

TEST(cached_leftmost)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	int n = 0;

	memset(items, 0, sizeof(items));
	for (int round = 0; round < 20000; round++) {
		struct item *it = &items[test_below(40)];

		if (it->in) {
			rb_erase_cached(&it->rb, &root);
			n--;
		} else {
			it->key = (unsigned int)test_below(100);
			rb_add_cached(&it->rb, &root, less);
			n++;
		}
		it->in = !it->in;
		CHECK(rb_first_cached(&root) == rb_first(&root.root));
	}
	check_tree(&root.root, n, false);
}

TEST(replace_keeps_shape)
{
	struct rb_root root = RB_ROOT;
	static struct item spare;

	for (int i = 0; i < 50; i++) {
		items[i].key = (unsigned int)i * 2;
		rb_add(&items[i].rb, &root, less);
	}
	for (int i = 0; i < 50; i++) {
		spare.key = items[i].key;
		rb_replace_node(&items[i].rb, &spare.rb, &root);
		check_tree(&root, 50, false);
		rb_replace_node(&spare.rb, &items[i].rb, &root);
	}
	check_tree(&root, 50, false);
}

TEST(iterate_and_free)
{
	struct rb_root root = RB_ROOT;
	struct item *it, *tmp;
	unsigned int want = 0;

	for (int i = 0; i < 100; i++) {
		it = calloc(1, sizeof(*it));
		it->key = (unsigned int)(i * 37 % 100);
		rb_add(&it->rb, &root, less);
	}
	rb_for_each_entry(it, &root, rb) CHECK_EQ(it->key, want++);
	CHECK_EQ(want, 100);
	rb_for_each_entry_postorder_safe(it, tmp, &root, rb) free(it);
}

TEST(empty_marks)
{
	struct rb_root root = RB_ROOT;
	struct item it;

	CHECK(RB_EMPTY_ROOT(&root));
	CHECK(!rb_first(&root) && !rb_last(&root) && !rb_first_postorder(&root));
	RB_CLEAR_NODE(&it.rb);
	CHECK(RB_EMPTY_NODE(&it.rb));
	rb_add(&it.rb, &root, less);
	CHECK(!RB_EMPTY_NODE(&it.rb));
	rb_erase(&it.rb, &root);
	CHECK(RB_EMPTY_ROOT(&root));
}
