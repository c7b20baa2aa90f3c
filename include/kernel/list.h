/* SPDX-License-Identifier: MIT */
/*
 * Intrusive lists.
 *
 * struct list_head is a circular doubly linked list whose head is one of the links, so insertion
 * and removal never branch. struct hlist_head is a one-pointer head for hash tables; its nodes
 * keep the address of the pointer that leads to them, so removal needs no head.
 *
 * Locking: the caller's. The _rcu variants let readers walk without a lock inside an RCU read
 * section while ONE writer (under the caller's lock) changes the list: a new node is published
 * with a release store, a removed one keeps its forward pointer until the caller frees it after a
 * grace period.
 */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include <kernel/compiler.h>
#include <kernel/types.h>

/* Non-canonical addresses: following a removed node faults at once and names the culprit. */
#define LIST_POISON_NEXT ((void *)0xdead000000000100ul)
#define LIST_POISON_PREV ((void *)0xdead000000000122ul)

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

#define LIST_HEAD_INIT(name)                                                                       \
	{                                                                                          \
		&(name), &(name)                                                                   \
	}
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)
#define HLIST_HEAD_INIT                                                                            \
	{                                                                                          \
		NULL                                                                               \
	}
#define HLIST_HEAD(name) struct hlist_head name = HLIST_HEAD_INIT

#define list_publish__(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)
#define list_read__(p)	     __atomic_load_n(&(p), __ATOMIC_CONSUME)

static inline void list_init(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline void list_link__(struct list_head *node, struct list_head *prev,
			       struct list_head *next)
{
	node->next = next;
	node->prev = prev;
	next->prev = node;
	prev->next = node;
}

static inline void list_unlink__(struct list_head *prev, struct list_head *next)
{
	next->prev = prev;
	__atomic_store_n(&prev->next, next, __ATOMIC_RELAXED);
}

/* Insert right after head (a stack). */
static inline void list_add(struct list_head *node, struct list_head *head)
{
	list_link__(node, head, head->next);
}

/* Insert right before head, that is last (a queue). */
static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	list_link__(node, head->prev, head);
}

/* Unlink and poison: any later use of the node's links faults. */
static inline void list_del(struct list_head *node)
{
	list_unlink__(node->prev, node->next);
	node->next = LIST_POISON_NEXT;
	node->prev = LIST_POISON_PREV;
}

/* Unlink and leave the node an empty list, so that list_empty(node) tells whether it is linked. */
static inline void list_del_init(struct list_head *node)
{
	list_unlink__(node->prev, node->next);
	list_init(node);
}

static inline bool list_empty(const struct list_head *head)
{
	return __atomic_load_n(&head->next, __ATOMIC_RELAXED) == head;
}

static inline bool list_is_singular(const struct list_head *head)
{
	return head->next != head && head->next == head->prev;
}

static inline bool list_is_first(const struct list_head *node, const struct list_head *head)
{
	return node->prev == head;
}

static inline bool list_is_last(const struct list_head *node, const struct list_head *head)
{
	return node->next == head;
}

/* Put node where old was; old is left dangling (initialise or free it). */
static inline void list_replace(struct list_head *old, struct list_head *node)
{
	node->next = old->next;
	node->next->prev = node;
	node->prev = old->prev;
	node->prev->next = node;
}

static inline void list_move(struct list_head *node, struct list_head *head)
{
	list_unlink__(node->prev, node->next);
	list_add(node, head);
}

static inline void list_move_tail(struct list_head *node, struct list_head *head)
{
	list_unlink__(node->prev, node->next);
	list_add_tail(node, head);
}

static inline void list_splice_between__(struct list_head *list, struct list_head *prev,
					 struct list_head *next)
{
	struct list_head *first = list->next, *last = list->prev;

	first->prev = prev;
	prev->next = first;
	last->next = next;
	next->prev = last;
	list_init(list);
}

/* Move all of list to the front of head, keeping order; list becomes empty. */
static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		list_splice_between__(list, head, head->next);
}

/* Move all of list to the end of head, keeping order; list becomes empty. */
static inline void list_splice_tail_init(struct list_head *list, struct list_head *head)
{
	if (!list_empty(list))
		list_splice_between__(list, head->prev, head);
}

#define list_entry(ptr, type, member)	     container_of(ptr, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)  list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member)                                               \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))

/* Neighbours of an entry; at the ends the pseudo entry around the head. */
#define list_next_entry(pos, member) list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member) list_entry((pos)->member.prev, __typeof__(*(pos)), member)

#define list_entry_is_head(pos, head, member) (&(pos)->member == (head))

#define list_for_each(pos, head) for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

#define list_for_each_safe(pos, tmp, head)                                                         \
	for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head);                           \
	     (pos) = (tmp), (tmp) = (pos)->next)

#define list_for_each_entry(pos, head, member)                                                     \
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member);                           \
	     !list_entry_is_head(pos, head, member); (pos) = list_next_entry(pos, member))

#define list_for_each_entry_reverse(pos, head, member)                                             \
	for ((pos) = list_last_entry(head, __typeof__(*(pos)), member);                            \
	     !list_entry_is_head(pos, head, member); (pos) = list_prev_entry(pos, member))

/* The body may unlink and free pos (but not tmp). */
#define list_for_each_entry_safe(pos, tmp, head, member)                                           \
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member),                           \
	    (tmp) = list_next_entry(pos, member);                                                  \
	     !list_entry_is_head(pos, head, member);                                               \
	     (pos) = (tmp), (tmp) = list_next_entry(tmp, member))

#define list_for_each_entry_safe_reverse(pos, tmp, head, member)                                   \
	for ((pos) = list_last_entry(head, __typeof__(*(pos)), member),                            \
	    (tmp) = list_prev_entry(pos, member);                                                  \
	     !list_entry_is_head(pos, head, member);                                               \
	     (pos) = (tmp), (tmp) = list_prev_entry(tmp, member))

/* Continue after pos, which must be a valid entry (or the head's pseudo entry). */
#define list_for_each_entry_continue(pos, head, member)                                            \
	for ((pos) = list_next_entry(pos, member); !list_entry_is_head(pos, head, member);         \
	     (pos) = list_next_entry(pos, member))

/* ---- list_head under RCU ---- */

static inline void list_link_rcu__(struct list_head *node, struct list_head *prev,
				   struct list_head *next)
{
	node->next = next;
	node->prev = prev;
	list_publish__(prev->next, node);
	next->prev = node;
}

static inline void list_add_rcu(struct list_head *node, struct list_head *head)
{
	list_link_rcu__(node, head, head->next);
}

static inline void list_add_tail_rcu(struct list_head *node, struct list_head *head)
{
	list_link_rcu__(node, head->prev, head);
}

/* Unlink; readers standing on the node still find their way. Free only after a grace period. */
static inline void list_del_rcu(struct list_head *node)
{
	list_unlink__(node->prev, node->next);
	node->prev = LIST_POISON_PREV;
}

#define list_entry_rcu(ptr, type, member) container_of(list_read__(ptr), type, member)

#define list_for_each_entry_rcu(pos, head, member)                                                 \
	for ((pos) = list_entry_rcu((head)->next, __typeof__(*(pos)), member);                     \
	     !list_entry_is_head(pos, head, member);                                               \
	     (pos) = list_entry_rcu((pos)->member.next, __typeof__(*(pos)), member))

/* ---- hlist ---- */

static inline void hlist_init(struct hlist_head *head)
{
	head->first = NULL;
}

static inline void hlist_node_init(struct hlist_node *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

/* True for a node that was zeroed, hlist_node_init()ed or hlist_del_init()ed. */
static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return !node->pprev;
}

static inline bool hlist_empty(const struct hlist_head *head)
{
	return !__atomic_load_n(&head->first, __ATOMIC_RELAXED);
}

static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	node->next = first;
	if (first)
		first->pprev = &node->next;
	head->first = node;
	node->pprev = &head->first;
}

static inline void hlist_unlink__(struct hlist_node *node)
{
	struct hlist_node *next = node->next, **pprev = node->pprev;

	__atomic_store_n(pprev, next, __ATOMIC_RELAXED);
	if (next)
		next->pprev = pprev;
}

static inline void hlist_del(struct hlist_node *node)
{
	hlist_unlink__(node);
	node->next = LIST_POISON_NEXT;
	node->pprev = LIST_POISON_PREV;
}

/* Safe on a node that is not linked. */
static inline void hlist_del_init(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	hlist_unlink__(node);
	hlist_node_init(node);
}

static inline void hlist_add_head_rcu(struct hlist_node *node, struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	node->next = first;
	node->pprev = &head->first;
	list_publish__(head->first, node);
	if (first)
		first->pprev = &node->next;
}

static inline void hlist_del_rcu(struct hlist_node *node)
{
	hlist_unlink__(node);
	node->pprev = LIST_POISON_PREV;
}

/*
 * As hlist_del_rcu(), and hlist_unhashed(node) is true afterwards; safe on a node that is not
 * linked.
 */
static inline void hlist_del_init_rcu(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	hlist_unlink__(node);
	node->pprev = NULL;
}

#define hlist_entry(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry_safe(ptr, type, member)                                                        \
	({                                                                                         \
		struct hlist_node *hn__ = (ptr);                                                   \
		hn__ ? hlist_entry(hn__, type, member) : NULL;                                     \
	})

#define hlist_for_each_entry(pos, head, member)                                                    \
	for ((pos) = hlist_entry_safe((head)->first, __typeof__(*(pos)), member); (pos);           \
	     (pos) = hlist_entry_safe((pos)->member.next, __typeof__(*(pos)), member))

/* tmp is a struct hlist_node *; the body may unlink and free pos. */
#define hlist_for_each_entry_safe(pos, tmp, head, member)                                          \
	for ((pos) = hlist_entry_safe((head)->first, __typeof__(*(pos)), member);                  \
	     (pos) && ((tmp) = (pos)->member.next, 1);                                             \
	     (pos) = hlist_entry_safe(tmp, __typeof__(*(pos)), member))

#define hlist_for_each_entry_rcu(pos, head, member)                                                \
	for ((pos) = hlist_entry_safe(list_read__((head)->first), __typeof__(*(pos)), member);     \
	     (pos); (pos) = hlist_entry_safe(list_read__((pos)->member.next), __typeof__(*(pos)),  \
					     member))

#endif
