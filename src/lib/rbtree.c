/* SPDX-License-Identifier: MIT */
/*
 * Red-black tree balancing.
 *
 * Invariants: the root is black; a red node's children are black; every way from a node down to an
 * empty link passes the same number of black nodes. NULL counts as black. The colour is bit 0 of
 * parent_color (1: black), so a red node's field is the plain parent address.
 *
 * Mirror images share their code through child[]: `dir` is the side (0 left, 1 right) a rotation
 * moves its top node to. The plain functions are the augmented ones with empty callbacks, which the
 * compiler drops.
 */
#include <kernel/compiler.h>
#include <kernel/rbtree.h>

#define BLACK 1ul

static inline bool is_red(const struct rb_node *n)
{
	return n && !(n->parent_color & BLACK);
}

static inline bool is_black(const struct rb_node *n)
{
	return !is_red(n);
}

static inline void paint_black(struct rb_node *n)
{
	n->parent_color |= BLACK;
}

static inline void paint_red(struct rb_node *n)
{
	n->parent_color &= ~BLACK;
}

static inline void set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->parent_color = (unsigned long)parent | (n->parent_color & BLACK);
}

static inline void replace_child(struct rb_node *parent, struct rb_node *old_node,
				 struct rb_node *new_node, struct rb_root *root)
{
	if (!parent)
		root->node = new_node;
	else if (parent->left == old_node)
		parent->left = new_node;
	else
		parent->right = new_node;
}

static void no_propagate(struct rb_node *node, struct rb_node *stop)
{
	(void)node;
	(void)stop;
}

static void no_pair(struct rb_node *old_node, struct rb_node *new_node)
{
	(void)old_node;
	(void)new_node;
}

static const struct rb_augment no_augment = { no_propagate, no_pair, no_pair };

/* top goes down to side dir, its other child comes up. Colours stay with their nodes. */
static __always_inline void rotate(struct rb_node *top, unsigned int dir, struct rb_root *root,
				   const struct rb_augment *aug)
{
	struct rb_node *up = top->child[!dir], *middle = up->child[dir];

	top->child[!dir] = middle;
	if (middle)
		set_parent(middle, top);
	up->child[dir] = top;
	replace_child(rb_parent(top), top, up, root);
	set_parent(up, rb_parent(top));
	set_parent(top, up);
	aug->rotate(top, up);
}

static __always_inline void insert_fixup(struct rb_node *node, struct rb_root *root,
					 const struct rb_augment *aug)
{
	struct rb_node *parent, *grand, *uncle;
	unsigned int side;

	/* node is red; the only thing that may be wrong is that its parent is red, too */
	while (is_red(parent = rb_parent(node))) {
		grand = rb_parent(parent); /* a red node is never the root */
		side = parent == grand->right;
		uncle = grand->child[!side];
		if (is_red(uncle)) {
			paint_black(parent);
			paint_black(uncle);
			paint_red(grand);
			node = grand;
			continue;
		}
		if (node == parent->child[!side]) {
			rotate(parent, side, root, aug);
			parent = node;
		}
		paint_black(parent);
		paint_red(grand);
		rotate(grand, !side, root, aug);
		break;
	}
	paint_black(root->node);
}

void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	insert_fixup(node, root, &no_augment);
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *aug)
{
	insert_fixup(node, root, aug);
}

/* The way through node (perhaps NULL), a child of parent, is one black node short. */
static __always_inline void erase_fixup(struct rb_node *node, struct rb_node *parent,
					struct rb_root *root, const struct rb_augment *aug)
{
	struct rb_node *sibling;
	unsigned int side;

	while (parent && is_black(node)) {
		/* the sibling exists: its side has at least one black node */
		side = parent->left != node;
		sibling = parent->child[!side];
		if (is_red(sibling)) {
			paint_black(sibling);
			paint_red(parent);
			rotate(parent, side, root, aug);
			sibling = parent->child[!side];
		}
		if (is_black(sibling->left) && is_black(sibling->right)) {
			paint_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (is_black(sibling->child[!side])) {
			/* the near nephew comes up; it gets its colour below */
			paint_red(sibling);
			rotate(sibling, !side, root, aug);
			sibling = parent->child[!side];
		}
		sibling->parent_color =
			(sibling->parent_color & ~BLACK) | (parent->parent_color & BLACK);
		paint_black(parent);
		paint_black(sibling->child[!side]);
		rotate(parent, side, root, aug);
		return;
	}
	if (node)
		paint_black(node);
}

/* node has two children: its successor takes its place. Returns where the successor was. */
static __always_inline struct rb_node *erase_inner(struct rb_node *node, struct rb_root *root,
						   const struct rb_augment *aug,
						   struct rb_node **child, bool *lost_black)
{
	struct rb_node *next = node->right, *parent;

	while (next->left)
		next = next->left;
	*child = next->right;
	*lost_black = is_black(next);
	if (next == node->right) {
		parent = next;
		aug->copy(node, next);
	} else {
		parent = rb_parent(next);
		parent->left = *child;
		if (*child)
			set_parent(*child, parent);
		next->right = node->right;
		set_parent(next->right, next);
		aug->copy(node, next);
		aug->propagate(parent, next);
	}
	next->left = node->left;
	set_parent(next->left, next);
	replace_child(rb_parent(node), node, next, root);
	next->parent_color = node->parent_color;
	aug->propagate(next, NULL);
	return parent;
}

static __always_inline void erase(struct rb_node *node, struct rb_root *root,
				  const struct rb_augment *aug)
{
	struct rb_node *child, *parent;
	bool lost_black;

	if (node->left && node->right) {
		parent = erase_inner(node, root, aug, &child, &lost_black);
	} else {
		child = node->left ? node->left : node->right;
		parent = rb_parent(node);
		lost_black = is_black(node);
		replace_child(parent, node, child, root);
		if (child)
			set_parent(child, parent);
		aug->propagate(parent, NULL);
	}
	if (lost_black)
		erase_fixup(child, parent, root, aug);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	erase(node, root, &no_augment);
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root, const struct rb_augment *aug)
{
	erase(node, root, aug);
}

static struct rb_node *outermost(struct rb_node *node, unsigned int side)
{
	if (node)
		while (node->child[side])
			node = node->child[side];
	return node;
}

static __always_inline struct rb_node *neighbour(const struct rb_node *node, unsigned int side)
{
	struct rb_node *parent;

	if (node->child[side])
		return outermost(node->child[side], !side);
	while ((parent = rb_parent(node)) != NULL && node == parent->child[side])
		node = parent;
	return parent;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->node, 0);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->node, 1);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return neighbour(node, 1);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return neighbour(node, 0);
}

/* The deepest node reached by going left where possible, else right. */
static struct rb_node *deepest(struct rb_node *node)
{
	while (node->left || node->right)
		node = node->left ? node->left : node->right;
	return node;
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return root->node ? deepest(root->node) : NULL;
}

struct rb_node *rb_next_postorder(const struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (parent && node == parent->left && parent->right)
		return deepest(parent->right);
	return parent;
}

void rb_replace_node(struct rb_node *victim, struct rb_node *new_node, struct rb_root *root)
{
	*new_node = *victim;
	if (victim->left)
		set_parent(victim->left, new_node);
	if (victim->right)
		set_parent(victim->right, new_node);
	replace_child(rb_parent(victim), victim, new_node, root);
}
