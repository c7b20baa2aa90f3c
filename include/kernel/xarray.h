/* SPDX-License-Identifier: MIT */
/*
 * A sparse array of pointers indexed by u64: a radix tree of 64-way nodes, as tall as the largest
 * index needs.
 *
 * An array with at most index 0 occupied has no node at all: the entry sits in the root. Entries
 * are pointers aligned to at least four bytes, or small integers made with xa_mk_value(); NULL
 * means absent. Each present entry has three marks; nodes keep them summed up, so marked entries
 * are found without looking at the others.
 *
 * Locking: changes (store, insert, erase, marks, destroy) under the caller's lock. xa_load,
 * xa_find, xa_find_marked, xa_gather and xa_get_mark may run without it inside an RCU read
 * section: they then see each slot as it was at some moment during the call. Nodes are freed after
 * a grace period. Memory: nodes come from xa_node_alloc(gfp); the gfp flags decide whether a store
 * may sleep.
 */
#ifndef KERNEL_XARRAY_H
#define KERNEL_XARRAY_H

#include <kernel/types.h>

#define XA_SHIFT 6
#define XA_SLOTS 64
#define XA_MARKS 3

struct xarray {
	void *root; /* NULL, the entry of index 0, or a node with XA_NODE_TAG */
	u32 marks;  /* marks of the entry of index 0 while it sits in the root */
};

struct xa_node {
	u8 shift;		/* index bits below this node's; 0: slots hold entries */
	u8 slot;		/* its place in the parent */
	u64 present;		/* bit n: slots[n] is not NULL */
	struct xa_node *parent; /* only writers follow it */
	u64 marks[XA_MARKS];	/* bit n: slots[n], or something below it, has the mark */
	void *rcu[2];		/* struct rcu_head, once unlinked */
	void *slots[XA_SLOTS];
};

#define XARRAY_INIT                                                                                \
	{                                                                                          \
		NULL, 0                                                                            \
	}
#define XA_NODE_TAG 2ul
#define XA_LAST	    (~0ull)

typedef unsigned int xa_mark_t; /* 0, 1 or 2 */
#define XA_MARK_0 0u
#define XA_MARK_1 1u
#define XA_MARK_2 2u

static inline void xa_init(struct xarray *xa)
{
	xa->root = NULL;
	xa->marks = 0;
}

static inline bool xa_empty(const struct xarray *xa)
{
	return !__atomic_load_n(&xa->root, __ATOMIC_RELAXED);
}

/* Integers of 63 bits as entries. */
static inline void *xa_mk_value(unsigned long v)
{
	return (void *)((v << 1) | 1);
}

static inline bool xa_is_value(const void *entry)
{
	return (unsigned long)entry & 1;
}

static inline unsigned long xa_to_value(const void *entry)
{
	return (unsigned long)entry >> 1;
}

static inline bool xa_is_node(const void *entry)
{
	return ((unsigned long)entry & 3) == XA_NODE_TAG;
}

static inline struct xa_node *xa_to_node(const void *entry)
{
	return (struct xa_node *)((unsigned long)entry - XA_NODE_TAG);
}

/* The entry at index, or NULL. Lock-free under RCU. */
static inline void *xa_load(const struct xarray *xa, u64 index)
{
	void *entry = __atomic_load_n(&xa->root, __ATOMIC_CONSUME);
	const struct xa_node *node;

	if (!xa_is_node(entry))
		return index ? NULL : entry;
	node = xa_to_node(entry);
	if (index >> node->shift >= XA_SLOTS)
		return NULL;
	for (;;) {
		entry = __atomic_load_n(&node->slots[(index >> node->shift) & (XA_SLOTS - 1)],
					__ATOMIC_CONSUME);
		if (!xa_is_node(entry))
			return entry;
		node = xa_to_node(entry);
	}
}

/*
 * Put entry at index, replacing what is there (whose marks stay); NULL erases. 0 or -ENOMEM
 * (nothing changed; never when an entry was already there).
 */
int xa_store(struct xarray *xa, u64 index, void *entry, gfp_t gfp);
/* As xa_store(), but -EBUSY when the index is occupied. */
int xa_insert(struct xarray *xa, u64 index, void *entry, gfp_t gfp);
/* Remove and return the entry (NULL: there was none). Never fails; clears the marks. */
void *xa_erase(struct xarray *xa, u64 index);

/*
 * First entry at or after *index, up to and including max; *index becomes its index. NULL: none,
 * *index unchanged.
 */
void *xa_find(const struct xarray *xa, u64 *index, u64 max);
void *xa_find_marked(const struct xarray *xa, u64 *index, u64 max, xa_mark_t mark);
/* Last entry at or before *index. */
void *xa_find_last(const struct xarray *xa, u64 *index);
/* First index without an entry in [*index, max]: true and *index set, or false. */
bool xa_find_free(const struct xarray *xa, u64 *index, u64 max);

/*
 * Collect up to n entries of [start, max] in ascending order, their indexes into indexes (may be
 * NULL). One walk down per 64 neighbours: for read-ahead, fault-around and truncation.
 */
unsigned int xa_gather(const struct xarray *xa, u64 start, u64 max, void **entries, u64 *indexes,
		       unsigned int n);
unsigned int xa_gather_marked(const struct xarray *xa, u64 start, u64 max, void **entries,
			      u64 *indexes, unsigned int n, xa_mark_t mark);

/*
 * Marks of present entries; on an absent index setting and clearing do nothing and getting says
 * false.
 */
void xa_set_mark(struct xarray *xa, u64 index, xa_mark_t mark);
void xa_clear_mark(struct xarray *xa, u64 index, xa_mark_t mark);
bool xa_get_mark(const struct xarray *xa, u64 index, xa_mark_t mark);

/* Any entry with this mark? */
static inline bool xa_marked(const struct xarray *xa, xa_mark_t mark)
{
	void *root = __atomic_load_n(&xa->root, __ATOMIC_CONSUME);

	if (xa_is_node(root))
		return xa_to_node(root)->marks[mark] != 0;
	return root && ((xa->marks >> mark) & 1);
}

/* Drop all entries (the caller has disposed of what they point to) and free the nodes. */
void xa_destroy(struct xarray *xa);

/* Erasing or storing at index is fine inside the loop. */
#define xa_for_each(xa, index, entry) xa_for_each_range(xa, index, entry, 0, XA_LAST)
#define xa_for_each_range(xa, index, entry, start, last)                                           \
	for ((index) = (start), (entry) = xa_find(xa, &(index), last); (entry);                    \
	     (entry) = xa_find_after__(xa, &(index), last))
#define xa_for_each_marked(xa, index, entry, mark)                                                 \
	for ((index) = 0, (entry) = xa_find_marked(xa, &(index), XA_LAST, mark); (entry);          \
	     (entry) = xa_find_marked_after__(xa, &(index), XA_LAST, mark))

static inline void *xa_find_after__(const struct xarray *xa, u64 *index, u64 max)
{
	return *index >= max ? NULL : (++*index, xa_find(xa, index, max));
}

static inline void *xa_find_marked_after__(const struct xarray *xa, u64 *index, u64 max,
					   xa_mark_t mark)
{
	return *index >= max ? NULL : (++*index, xa_find_marked(xa, index, max, mark));
}

/*
 * Where nodes come from. The kernel's are in src/lib/xarray_node.c (a slab cache and call_rcu()),
 * a host test brings its own. alloc returns a zeroed node or NULL.
 */
/* Kernel only: once, as soon as caches can be made and before the first node. */
void xa_node_cache_init(void);
struct xa_node *xa_node_alloc(gfp_t gfp);
void xa_node_free_rcu(struct xa_node *node);

#endif
