/* SPDX-License-Identifier: MIT */
/*
 * Radix tree of 64-way nodes behind struct xarray (kernel/xarray.h says how to use it).
 *
 * Shape: entries are only in nodes with shift 0; a root that is not a node is the entry of index 0.
 * The tree is as tall as its largest index needs: a root node never has slot 0 as its only slot
 * (shrink()), no linked node is empty. present has a bit for each slot that is not NULL; marks[m]
 * has a bit for each slot whose entry, or any entry below it, is marked. Bits of absent entries are
 * clear.
 *
 * Writers hold the caller's lock. Readers without it follow root and slots[] downwards only
 * (consume loads) and use present and marks as hints: a slot is published before its present bit is
 * set, so a hint may be late, and a slot that reads NULL in spite of its bit has just been erased.
 * A node is unlinked before it is given to xa_node_free_rcu(); its slots then stay as they are
 * until the grace period ends. A root replaced by its only child still leads old readers to live
 * nodes.
 */
#include <kernel/compiler.h>
#include <kernel/errno.h>
#include <kernel/xarray.h>

#define SLOT_MASK (XA_SLOTS - 1)
#define ANY_ENTRY (-1)

static inline unsigned int slot_of(const struct xa_node *node, u64 index)
{
	return (index >> node->shift) & SLOT_MASK;
}

static inline bool covers(const struct xa_node *root, u64 index)
{
	return index >> root->shift < XA_SLOTS;
}

static inline void *tag(struct xa_node *node)
{
	return (void *)((unsigned long)node | XA_NODE_TAG);
}

static inline void publish(void **where, void *what)
{
	__atomic_store_n(where, what, __ATOMIC_RELEASE);
}

static inline void *follow(void *const *where)
{
	return __atomic_load_n(where, __ATOMIC_CONSUME);
}

static inline u64 bits_now(const u64 *where)
{
	return __atomic_load_n(where, __ATOMIC_ACQUIRE);
}

static inline void bits_set(u64 *where, u64 bits)
{
	__atomic_store_n(where, bits, __ATOMIC_RELEASE);
}

/* First index behind the subtree of the slot that index falls in, at a node of this shift; 0: there
 * is none. */
static inline u64 after_slot(u64 index, unsigned int shift)
{
	return ((index >> shift) + 1) << shift;
}

static inline void fill_slot(struct xa_node *node, unsigned int slot, void *what)
{
	publish(&node->slots[slot], what);
	bits_set(&node->present, node->present | 1ull << slot);
}

static inline void empty_slot(struct xa_node *node, unsigned int slot)
{
	bits_set(&node->present, node->present & ~(1ull << slot));
	publish(&node->slots[slot], NULL);
}

static struct xa_node *new_node(unsigned int shift, struct xa_node *parent, unsigned int slot,
				gfp_t gfp)
{
	struct xa_node *node = xa_node_alloc(gfp);

	if (node) {
		node->shift = (u8)shift;
		node->parent = parent;
		node->slot = (u8)slot;
	}
	return node;
}

/* ---- marks ---- */

static void mark_up(struct xa_node *node, unsigned int slot, xa_mark_t mark)
{
	u64 old;

	for (; node; slot = node->slot, node = node->parent) {
		old = node->marks[mark];
		bits_set(&node->marks[mark], old | 1ull << slot);
		if (old)
			return;
	}
}

static void unmark_up(struct xa_node *node, unsigned int slot, xa_mark_t mark)
{
	u64 left;

	for (; node; slot = node->slot, node = node->parent) {
		left = node->marks[mark] & ~(1ull << slot);
		bits_set(&node->marks[mark], left);
		if (left)
			return;
	}
}

/* The leaf that holds index, or NULL; for an entry in the root NULL as well. */
static struct xa_node *leaf_of(const struct xarray *xa, u64 index)
{
	void *entry = follow(&xa->root);
	struct xa_node *node;

	if (!xa_is_node(entry) || !covers(xa_to_node(entry), index))
		return NULL;
	for (node = xa_to_node(entry); node->shift; node = xa_to_node(entry)) {
		entry = follow(&node->slots[slot_of(node, index)]);
		if (!entry)
			return NULL;
	}
	return node;
}

static inline bool in_root(const struct xarray *xa, u64 index)
{
	void *root = follow(&xa->root);

	return !index && root && !xa_is_node(root);
}

void xa_set_mark(struct xarray *xa, u64 index, xa_mark_t mark)
{
	struct xa_node *leaf = leaf_of(xa, index);
	u64 bit = 1ull << (index & SLOT_MASK);

	if (leaf) {
		if ((leaf->present & bit) && !(leaf->marks[mark] & bit))
			mark_up(leaf, index & SLOT_MASK, mark);
	} else if (in_root(xa, index)) {
		xa->marks |= 1u << mark;
	}
}

void xa_clear_mark(struct xarray *xa, u64 index, xa_mark_t mark)
{
	struct xa_node *leaf = leaf_of(xa, index);

	if (leaf) {
		if (leaf->marks[mark] & 1ull << (index & SLOT_MASK))
			unmark_up(leaf, index & SLOT_MASK, mark);
	} else if (in_root(xa, index)) {
		xa->marks &= ~(1u << mark);
	}
}

bool xa_get_mark(const struct xarray *xa, u64 index, xa_mark_t mark)
{
	struct xa_node *leaf = leaf_of(xa, index);

	if (leaf)
		return (bits_now(&leaf->marks[mark]) >> (index & SLOT_MASK)) & 1;
	return in_root(xa, index) && ((xa->marks >> mark) & 1);
}

/* ---- growing and shrinking ---- */

/* Make the root a node that covers index. */
static int grow(struct xarray *xa, u64 index, gfp_t gfp)
{
	while (!xa_is_node(xa->root) || !covers(xa_to_node(xa->root), index)) {
		void *root = xa->root;
		struct xa_node *top = new_node(0, NULL, 0, gfp);

		if (!top)
			return -ENOMEM;
		if (!root) {
			while (!covers(top, index))
				top->shift += XA_SHIFT;
		} else {
			fill_slot(top, 0, root);
			for (xa_mark_t m = 0; m < XA_MARKS; m++)
				top->marks[m] = xa_marked(xa, m);
			if (xa_is_node(root)) {
				top->shift = xa_to_node(root)->shift + XA_SHIFT;
				xa_to_node(root)->parent = top;
			}
		}
		publish(&xa->root, tag(top));
	}
	return 0;
}

/* Drop levels that only lead to slot 0. */
static void shrink(struct xarray *xa)
{
	while (xa_is_node(xa->root) && xa_to_node(xa->root)->present == 1) {
		struct xa_node *top = xa_to_node(xa->root);
		void *only = top->slots[0];

		if (xa_is_node(only)) {
			xa_to_node(only)->parent = NULL;
		} else {
			xa->marks = 0;
			for (xa_mark_t m = 0; m < XA_MARKS; m++)
				xa->marks |= (u32)(top->marks[m] & 1) << m;
		}
		publish(&xa->root, only);
		xa_node_free_rcu(top);
	}
}

/* Unlink node and its ancestors as far as they are empty, then shrink. */
static void prune(struct xarray *xa, struct xa_node *node)
{
	while (node && !node->present) {
		struct xa_node *parent = node->parent;

		if (parent)
			empty_slot(parent, node->slot);
		else
			publish(&xa->root, NULL);
		xa_node_free_rcu(node);
		node = parent;
	}
	shrink(xa);
}

/* The leaf for index, making what is missing. On failure the tree holds what it held. */
static int make_leaf(struct xarray *xa, u64 index, gfp_t gfp, struct xa_node **out)
{
	struct xa_node *node, *child;
	int rc = grow(xa, index, gfp);

	if (rc) {
		shrink(xa);
		return rc;
	}
	node = xa_to_node(xa->root);
	while (node->shift) {
		unsigned int slot = slot_of(node, index);

		if (!node->slots[slot]) {
			child = new_node(node->shift - XA_SHIFT, node, slot, gfp);
			if (!child) {
				prune(xa, node);
				return -ENOMEM;
			}
			fill_slot(node, slot, tag(child));
		}
		node = xa_to_node(node->slots[slot]);
	}
	*out = node;
	return 0;
}

int xa_store(struct xarray *xa, u64 index, void *entry, gfp_t gfp)
{
	struct xa_node *leaf;
	int rc;

	if (!entry) {
		xa_erase(xa, index);
		return 0;
	}
	if (!index && !xa_is_node(xa->root)) {
		if (!xa->root)
			xa->marks = 0;
		publish(&xa->root, entry);
		return 0;
	}
	rc = make_leaf(xa, index, gfp, &leaf);
	if (rc)
		return rc;
	fill_slot(leaf, index & SLOT_MASK, entry);
	return 0;
}

int xa_insert(struct xarray *xa, u64 index, void *entry, gfp_t gfp)
{
	if (xa_load(xa, index))
		return -EBUSY;
	return xa_store(xa, index, entry, gfp);
}

void *xa_erase(struct xarray *xa, u64 index)
{
	struct xa_node *leaf = leaf_of(xa, index);
	unsigned int slot = index & SLOT_MASK;
	void *old;

	if (!leaf) {
		if (!in_root(xa, index))
			return NULL;
		old = xa->root;
		publish(&xa->root, NULL);
		xa->marks = 0;
		return old;
	}
	old = leaf->slots[slot];
	if (!old)
		return NULL;
	for (xa_mark_t m = 0; m < XA_MARKS; m++)
		if (leaf->marks[m] & 1ull << slot)
			unmark_up(leaf, slot, m);
	empty_slot(leaf, slot);
	if (leaf->present <= 1) /* empty, or perhaps only slot 0 of the whole tree */
		prune(xa, leaf);
	return old;
}

void xa_destroy(struct xarray *xa)
{
	void *root = xa->root;
	struct xa_node *node = xa_is_node(root) ? xa_to_node(root) : NULL;

	publish(&xa->root, NULL);
	xa->marks = 0;
	while (node) {
		struct xa_node *parent = node->parent;

		if (node->shift && node->present) {
			unsigned int slot = (unsigned int)__builtin_ctzll(node->present);

			node->present &= node->present - 1;
			node = xa_to_node(node->slots[slot]);
			continue;
		}
		xa_node_free_rcu(node);
		node = parent;
	}
}

/* ---- searching ---- */

static inline u64 candidates(const struct xa_node *node, int mark)
{
	return bits_now(mark == ANY_ENTRY ? &node->present : &node->marks[mark]);
}

/*
 * The leaf with the first candidate at or after *index, which is moved to it; NULL: none up to max.
 * The root is a node. Goes back to the root at the end of each subtree: short, and safe against
 * nodes that vanish.
 */
static __always_inline const struct xa_node *next_leaf(const struct xarray *xa, u64 *index, u64 max,
						       int mark)
{
	const struct xa_node *node;
	void *entry;
	u64 i = *index, bits;

restart:
	entry = follow(&xa->root);
	if (i > max || !xa_is_node(entry) || !covers(xa_to_node(entry), i))
		return NULL;
	for (node = xa_to_node(entry);; node = xa_to_node(entry)) {
		unsigned int slot = slot_of(node, i);

		bits = candidates(node, mark) >> slot;
		if (!bits) {
			if (node->shift == XA_SHIFT * 10)
				return NULL;
			i = after_slot(i, node->shift + XA_SHIFT);
			if (!i)
				return NULL;
			goto restart;
		}
		if (!(bits & 1)) {
			slot += (unsigned int)__builtin_ctzll(bits);
			i = ((i >> node->shift & ~(u64)SLOT_MASK) | slot) << node->shift;
			if (i > max)
				return NULL;
		}
		if (!node->shift) {
			*index = i;
			return node;
		}
		entry = follow(&node->slots[slot]);
		if (!entry) { /* erased under us */
			i = after_slot(i, node->shift);
			if (!i)
				return NULL;
			goto restart;
		}
	}
}

/* A root that is the entry of index 0. */
static inline void *find_in_root(const struct xarray *xa, u64 index, int mark)
{
	void *root = follow(&xa->root);

	if (index || xa_is_node(root) || (mark != ANY_ENTRY && !((xa->marks >> mark) & 1)))
		return NULL;
	return root;
}

static __always_inline unsigned int gather(const struct xarray *xa, u64 start, u64 max,
					   void **entries, u64 *indexes, unsigned int n, int mark)
{
	const struct xa_node *leaf;
	unsigned int got = 0;
	u64 i = start;

	if (!n)
		return 0;
	entries[0] = find_in_root(xa, start, mark);
	if (entries[0]) {
		if (indexes)
			indexes[0] = 0;
		return 1;
	}
	while ((leaf = next_leaf(xa, &i, max, mark)) != NULL) {
		u64 bits = candidates(leaf, mark) >> (i & SLOT_MASK) << (i & SLOT_MASK);
		u64 base = i & ~(u64)SLOT_MASK;

		for (; bits; bits &= bits - 1) {
			unsigned int slot = (unsigned int)__builtin_ctzll(bits);

			if (base + slot > max)
				return got;
			entries[got] = follow(&leaf->slots[slot]);
			if (!entries[got])
				continue;
			if (indexes)
				indexes[got] = base + slot;
			if (++got == n)
				return got;
		}
		i = base + XA_SLOTS;
		if (!i)
			break;
	}
	return got;
}

void *xa_find(const struct xarray *xa, u64 *index, u64 max)
{
	void *entry;

	return gather(xa, *index, max, &entry, index, 1, ANY_ENTRY) ? entry : NULL;
}

void *xa_find_marked(const struct xarray *xa, u64 *index, u64 max, xa_mark_t mark)
{
	void *entry;

	return gather(xa, *index, max, &entry, index, 1, (int)mark) ? entry : NULL;
}

unsigned int xa_gather(const struct xarray *xa, u64 start, u64 max, void **entries, u64 *indexes,
		       unsigned int n)
{
	return gather(xa, start, max, entries, indexes, n, ANY_ENTRY);
}

unsigned int xa_gather_marked(const struct xarray *xa, u64 start, u64 max, void **entries,
			      u64 *indexes, unsigned int n, xa_mark_t mark)
{
	return gather(xa, start, max, entries, indexes, n, (int)mark);
}

void *xa_find_last(const struct xarray *xa, u64 *index)
{
	const struct xa_node *node;
	void *entry;
	u64 i = *index, bits;

restart:
	entry = follow(&xa->root);
	if (!xa_is_node(entry)) {
		if (entry)
			*index = 0;
		return entry;
	}
	node = xa_to_node(entry);
	if (!covers(node, i))
		i = node->shift >= 58 ? XA_LAST : (1ull << (node->shift + XA_SHIFT)) - 1;
	for (;; node = xa_to_node(entry)) {
		unsigned int slot = slot_of(node, i), top;
		u64 below = (node->shift ? 1ull << node->shift : 1) - 1;

		bits = bits_now(&node->present) << (SLOT_MASK - slot);
		if (bits) {
			top = slot - (unsigned int)__builtin_clzll(bits);
			if (top != slot)
				i = (((i >> node->shift & ~(u64)SLOT_MASK) | top) << node->shift) |
				    below;
			entry = follow(&node->slots[top]);
			if (entry && !node->shift) {
				*index = i;
				return entry;
			}
			if (entry)
				continue;
		}
		/* nothing here: on before this node's range (before the slot that was just erased)
		 */
		if (!bits)
			i = node->shift >= 58
				    ? 0
				    : i >> (node->shift + XA_SHIFT) << (node->shift + XA_SHIFT);
		else
			i = i >> node->shift << node->shift;
		if (!i)
			return NULL;
		i--;
		goto restart;
	}
}

bool xa_find_free(const struct xarray *xa, u64 *index, u64 max)
{
	u64 i = *index;

	while (i <= max) {
		const struct xa_node *leaf = leaf_of(xa, i);
		u64 holes;

		if (!leaf) {
			if (!in_root(xa, i))
				break;
			holes = 0;
		} else {
			holes = ~bits_now(&leaf->present) >> (i & SLOT_MASK);
		}
		if (holes) {
			i += (unsigned int)__builtin_ctzll(holes);
			break;
		}
		i = leaf ? after_slot(i, XA_SHIFT) : i + 1;
		if (!i)
			return false;
	}
	if (i > max)
		return false;
	*index = i;
	return true;
}
