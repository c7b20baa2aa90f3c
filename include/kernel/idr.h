/* SPDX-License-Identifier: MIT */
/*
 * Small integer ids for objects: an xarray and two hints.
 *
 * Locking: idr_alloc*, idr_replace, idr_remove, idr_destroy under the caller's lock; idr_find and
 * idr_get_next also lock-free inside an RCU read section (the object's own lifetime is the
 * caller's business, as ever with RCU).
 */
#ifndef KERNEL_IDR_H
#define KERNEL_IDR_H

#include <kernel/types.h>
#include <kernel/xarray.h>

struct idr {
	struct xarray xa;
	u32 lowest; /* no free id below this one */
	u32 next;   /* where the next cyclic search begins */
	u32 count;  /* ids in use */
};

#define IDR_INIT                                                                                   \
	{                                                                                          \
		XARRAY_INIT, 0, 0, 0                                                               \
	}

static inline void idr_init(struct idr *idr)
{
	xa_init(&idr->xa);
	idr->lowest = 0;
	idr->next = 0;
	idr->count = 0;
}

/*
 * Lowest free id in [start, end) for ptr; end <= 0 means INT_MAX + 1. A NULL ptr reserves the id:
 * idr_find() keeps saying NULL until idr_replace(). Returns the id, -ENOSPC, -EINVAL (start < 0)
 * or -ENOMEM.
 */
int idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp);

/*
 * As idr_alloc(), but goes on from the last id given out and wraps to start: ids are not reused at
 * once.
 */
int idr_alloc_cyclic(struct idr *idr, void *ptr, int start, int end, gfp_t gfp);

/* Object of id or NULL; any id may be asked for. */
void *idr_find(const struct idr *idr, int id);

/* Change the object of an id in use; returns 0 or -ENOENT. */
int idr_replace(struct idr *idr, void *ptr, int id);

/* Free the id and return its object (NULL: reserved, or not in use). */
void *idr_remove(struct idr *idr, int id);

/* First id >= *id with an object; sets *id. NULL: no more. */
void *idr_get_next(const struct idr *idr, int *id);

static inline bool idr_is_empty(const struct idr *idr)
{
	return !idr->count;
}

/* Free the memory; the objects are the caller's. */
void idr_destroy(struct idr *idr);

#define idr_for_each_entry(idr, entry, id)                                                         \
	for ((id) = 0; ((entry) = idr_get_next(idr, &(id))) != NULL; (id)++)

#endif
