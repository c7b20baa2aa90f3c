/* SPDX-License-Identifier: MIT */
/* LINK: */
#include <kernel/list.h>
#include "test.h"

struct item {
	int v;
	struct list_head link;
	struct hlist_node hash;
};

#define MAX 64

static struct item items[MAX];

/* The list holds exactly want[0..n), both ways. */
static void check_list(struct list_head *head, const int *want, int n)
{
	struct item *it;
	int i = 0;

	list_for_each_entry (it, head, link)
		CHECK(i < n && it->v == want[i++]);
	CHECK_EQ(i, n);
	list_for_each_entry_reverse(it, head, link) CHECK(i > 0 && it->v == want[--i]);
	CHECK_EQ(i, 0);
	list_for_each_entry_rcu(it, head, link) i++;
	CHECK_EQ(i, n);
}

TEST(list_against_array)
{
	LIST_HEAD(head);
	int model[MAX], n = 0;

	for (int i = 0; i < MAX; i++) {
		items[i].v = i;
		list_init(&items[i].link);
	}
	for (int round = 0; round < 20000; round++) {
		int k = (int)test_below(MAX), at;

		for (at = 0; at < n && model[at] != k; at++)
			;
		if (at < n) {
			if (round & 1) {
				list_del_init(&items[k].link);
			} else {
				list_del_rcu(&items[k].link);
				list_init(&items[k].link);
			}
			memmove(model + at, model + at + 1, (size_t)(n - at - 1) * sizeof(int));
			n--;
		} else if (round & 2) {
			list_add(&items[k].link, &head);
			memmove(model + 1, model, (size_t)n * sizeof(int));
			model[0] = k;
			n++;
		} else {
			if (round & 4)
				list_add_tail(&items[k].link, &head);
			else
				list_add_tail_rcu(&items[k].link, &head);
			model[n++] = k;
		}
		check_list(&head, model, n);
		CHECK_EQ(list_empty(&head), n == 0);
		CHECK_EQ(list_is_singular(&head), n == 1);
		if (n) {
			CHECK_EQ(list_first_entry(&head, struct item, link)->v, model[0]);
			CHECK_EQ(list_last_entry(&head, struct item, link)->v, model[n - 1]);
			CHECK(list_is_last(&items[model[n - 1]].link, &head));
		} else {
			CHECK(!list_first_entry_or_null(&head, struct item, link));
		}
	}
}

TEST(splice_and_move)
{
	LIST_HEAD(a);
	LIST_HEAD(b);
	struct item *it, *tmp;
	int i;

	for (i = 0; i < 6; i++) {
		items[i].v = i;
		list_add_tail(&items[i].link, i < 3 ? &a : &b);
	}
	list_splice_tail_init(&b, &a);
	check_list(&a, (const int[]){ 0, 1, 2, 3, 4, 5 }, 6);
	CHECK(list_empty(&b));
	list_splice_tail_init(&b, &a);
	list_splice_init(&b, &a);
	check_list(&a, (const int[]){ 0, 1, 2, 3, 4, 5 }, 6);
	list_move_tail(&items[1].link, &b);
	list_move(&items[4].link, &b);
	check_list(&b, (const int[]){ 4, 1 }, 2);
	list_splice_init(&b, &a);
	check_list(&a, (const int[]){ 4, 1, 0, 2, 3, 5 }, 6);
	items[6].v = 6;
	list_replace(&items[0].link, &items[6].link);
	check_list(&a, (const int[]){ 4, 1, 6, 2, 3, 5 }, 6);
	CHECK_EQ(list_next_entry(&items[6], link)->v, 2);
	CHECK_EQ(list_prev_entry(&items[6], link)->v, 1);
	i = 0;
	list_for_each_entry_safe (it, tmp, &a, link) {
		list_del(&it->link);
		CHECK(it->link.next == LIST_POISON_NEXT);
		i++;
	}
	CHECK_EQ(i, 6);
	CHECK(list_empty(&a));
}

TEST(hlist_against_set)
{
	HLIST_HEAD(head);
	bool in[MAX] = { false };
	struct hlist_node *tmp;
	struct item *it;

	memset(items, 0, sizeof(items));
	for (int round = 0; round < 20000; round++) {
		int k = (int)test_below(MAX), n = 0, want = 0;

		items[k].v = k;
		CHECK_EQ(hlist_unhashed(&items[k].hash), !in[k]);
		if (in[k]) {
			if (round & 1)
				hlist_del_init(&items[k].hash);
			else
				hlist_del_init_rcu(&items[k].hash);
			hlist_del_init(&items[k].hash);
		} else if (round & 1) {
			hlist_add_head(&items[k].hash, &head);
		} else {
			hlist_add_head_rcu(&items[k].hash, &head);
		}
		in[k] = !in[k];
		hlist_for_each_entry(it, &head, hash) n += CHECK(in[it->v]);
		hlist_for_each_entry_rcu(it, &head, hash) n--;
		CHECK_EQ(n, 0);
		hlist_for_each_entry(it, &head, hash) n++;
		for (int i = 0; i < MAX; i++)
			want += in[i];
		CHECK_EQ(n, want);
		CHECK_EQ(hlist_empty(&head), want == 0);
	}
	hlist_for_each_entry_safe(it, tmp, &head, hash) hlist_del(&it->hash);
	CHECK(hlist_empty(&head));
}

TEST(removed_rcu_node_keeps_its_way)
{
	LIST_HEAD(head);
	HLIST_HEAD(hhead);

	list_add_rcu(&items[1].link, &head);
	list_add_rcu(&items[0].link, &head);
	list_del_rcu(&items[0].link);
	CHECK(items[0].link.next == &items[1].link);
	hlist_add_head_rcu(&items[1].hash, &hhead);
	hlist_add_head_rcu(&items[0].hash, &hhead);
	hlist_del_rcu(&items[0].hash);
	CHECK(items[0].hash.next == &items[1].hash);
}
