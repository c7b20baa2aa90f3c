/* SPDX-License-Identifier: MIT */
/*
 * Intrusive red-black trees.
 *
 * The user walks down comparing keys, remembers the empty link, then:
 *	rb_link_node(&obj->rb, parent, link);
 *	rb_insert_color(&obj->rb, &root);
 * An augmented tree keeps in each node a value computed from its subtree (for instance the largest
 * free gap): the user brings the values of the path up to date before rb_insert_augmented(), and
 * three callbacks keep them right:
 *	propagate(node, stop)	recompute node and its ancestors up to, not including, stop
 *				(NULL: up to the root)
 *	copy(old, new)		new takes old's place: copy the value
 *	rotate(old, new)	new took old's place at the top of a rotated pair: new gets old's
 *				value, old's is recomputed
 * RB_DECLARE_CALLBACKS_MAX() writes them for the usual case "largest of a per-node number".
 *
 * Locking: the caller's, for readers too.
 */
#ifndef KERNEL_RBTREE_H
#define KERNEL_RBTREE_H

#include <kernel/compiler.h>
#include <kernel/types.h>

struct rb_node {
	unsigned long parent_color; /* parent address; bit 0 set: black */
	union {
		struct {
			struct rb_node *left, *right;
		};
		struct rb_node *child[2];
	};
};

struct rb_root {
	struct rb_node *node;
};

/* Also knows its leftmost node: rb_first_cached() is one load. */
struct rb_root_cached {
	struct rb_root root;
	struct rb_node *leftmost;
};

struct rb_augment {
	void (*propagate)(struct rb_node *node, struct rb_node *stop);
	void (*copy)(struct rb_node *old_node, struct rb_node *new_node);
	void (*rotate)(struct rb_node *old_node, struct rb_node *new_node);
};

#define RB_ROOT			    ((struct rb_root){ NULL })
#define RB_ROOT_CACHED		    ((struct rb_root_cached){ { NULL }, NULL })
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_safe(ptr, type, member)                                                           \
	({                                                                                         \
		struct rb_node *rbn__ = (ptr);                                                     \
		rbn__ ? rb_entry(rbn__, type, member) : NULL;                                      \
	})
#define rb_parent(n) ((struct rb_node *)((n)->parent_color & ~1ul))

#define RB_EMPTY_ROOT(r) (!(r)->node)
/* A node marked with RB_CLEAR_NODE() is known not to be in any tree. */
#define RB_EMPTY_NODE(n) ((n)->parent_color == (unsigned long)(n))
#define RB_CLEAR_NODE(n) ((n)->parent_color = (unsigned long)(n))

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent_color = (unsigned long)parent; /* red */
	node->left = NULL;
	node->right = NULL;
	*link = node;
}

void rb_insert_color(struct rb_node *node, struct rb_root *root);
void rb_erase(struct rb_node *node, struct rb_root *root);
void rb_insert_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *aug);
void rb_erase_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *aug);

/*
 * In-order neighbours; NULL at the end or for an empty tree. O(log n), amortised O(1) over a walk.
 */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/* Children before parents: for freeing a whole tree without rebalancing. */
struct rb_node *rb_first_postorder(const struct rb_root *root);
struct rb_node *rb_next_postorder(const struct rb_node *node);

/*
 * Put new_node exactly where victim is; the keys must order the same. The augmented value is the
 * caller's to copy.
 */
void rb_replace_node(struct rb_node *victim, struct rb_node *new_node, struct rb_root *root);

static inline struct rb_node *rb_first_cached(const struct rb_root_cached *root)
{
	return root->leftmost;
}

/* leftmost: the walk down went left at every step. */
static inline void rb_insert_color_cached(struct rb_node *node, struct rb_root_cached *root,
					  bool leftmost)
{
	if (leftmost)
		root->leftmost = node;
	rb_insert_color(node, &root->root);
}

static inline void rb_erase_cached(struct rb_node *node, struct rb_root_cached *root)
{
	if (root->leftmost == node)
		root->leftmost = rb_next(node);
	rb_erase(node, &root->root);
}

static inline void rb_replace_node_cached(struct rb_node *victim, struct rb_node *new_node,
					  struct rb_root_cached *root)
{
	if (root->leftmost == victim)
		root->leftmost = new_node;
	rb_replace_node(victim, new_node, &root->root);
}

static inline void rb_insert_augmented_cached(struct rb_node *node, struct rb_root_cached *root,
					      bool leftmost, const struct rb_augment *aug)
{
	if (leftmost)
		root->leftmost = node;
	rb_insert_augmented(node, &root->root, aug);
}

static inline void rb_erase_augmented_cached(struct rb_node *node, struct rb_root_cached *root,
					     const struct rb_augment *aug)
{
	if (root->leftmost == node)
		root->leftmost = rb_next(node);
	rb_erase_augmented(node, &root->root, aug);
}

/* Insert where less(node, other) says; equal keys go after those already there. */
static inline void rb_add(struct rb_node *node, struct rb_root *root,
			  bool (*less)(const struct rb_node *a, const struct rb_node *b))
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = less(node, parent) ? &parent->left : &parent->right;
	}
	rb_link_node(node, parent, link);
	rb_insert_color(node, root);
}

static inline void rb_add_cached(struct rb_node *node, struct rb_root_cached *root,
				 bool (*less)(const struct rb_node *a, const struct rb_node *b))
{
	struct rb_node **link = &root->root.node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (less(node, parent)) {
			link = &parent->left;
		} else {
			link = &parent->right;
			leftmost = false;
		}
	}
	rb_link_node(node, parent, link);
	rb_insert_color_cached(node, root, leftmost);
}

#define rb_for_each_entry(pos, root, member)                                                       \
	for ((pos) = rb_entry_safe(rb_first(root), __typeof__(*(pos)), member); (pos);             \
	     (pos) = rb_entry_safe(rb_next(&(pos)->member), __typeof__(*(pos)), member))

/* The body may free pos; it must not touch the tree's links. */
#define rb_for_each_entry_postorder_safe(pos, tmp, root, member)                                   \
	for ((pos) = rb_entry_safe(rb_first_postorder(root), __typeof__(*(pos)), member);          \
	     (pos) && ((tmp) = rb_entry_safe(rb_next_postorder(&(pos)->member),                    \
					     __typeof__(*(pos)), member),                          \
		      1);                                                                          \
	     (pos) = (tmp))

/*
 * Define `static const struct rb_augment NAME` for TYPE objects linked by .RB, whose field .MAX
 * (of MAX_T) holds the largest SELF(obj) over the object's subtree. NAME_update(obj) recomputes
 * one object from its children and says whether the value changed; NAME_propagate(&obj->RB, NULL)
 * repairs the path after obj's own number changed.
 */
#define RB_DECLARE_CALLBACKS_MAX(NAME, TYPE, RB, MAX_T, MAX, SELF)                                 \
	static inline bool NAME##_update(TYPE *obj)                                                \
	{                                                                                          \
		MAX_T best = SELF(obj);                                                            \
		if (obj->RB.left && rb_entry(obj->RB.left, TYPE, RB)->MAX > best)                  \
			best = rb_entry(obj->RB.left, TYPE, RB)->MAX;                              \
		if (obj->RB.right && rb_entry(obj->RB.right, TYPE, RB)->MAX > best)                \
			best = rb_entry(obj->RB.right, TYPE, RB)->MAX;                             \
		if (obj->MAX == best)                                                              \
			return false;                                                              \
		obj->MAX = best;                                                                   \
		return true;                                                                       \
	}                                                                                          \
	static void NAME##_propagate(struct rb_node *node, struct rb_node *stop)                   \
	{                                                                                          \
		while (node != stop && NAME##_update(rb_entry(node, TYPE, RB)))                    \
			node = rb_parent(node);                                                    \
	}                                                                                          \
	static void NAME##_copy(struct rb_node *old_node, struct rb_node *new_node)                \
	{                                                                                          \
		rb_entry(new_node, TYPE, RB)->MAX = rb_entry(old_node, TYPE, RB)->MAX;             \
	}                                                                                          \
	static void NAME##_rotate(struct rb_node *old_node, struct rb_node *new_node)              \
	{                                                                                          \
		rb_entry(new_node, TYPE, RB)->MAX = rb_entry(old_node, TYPE, RB)->MAX;             \
		NAME##_update(rb_entry(old_node, TYPE, RB));                                       \
	}                                                                                          \
	static const struct rb_augment NAME = { NAME##_propagate, NAME##_copy, NAME##_rotate }

#endif
