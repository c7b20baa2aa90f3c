/* SPDX-License-Identifier: MIT */
/* Integer ids on an xarray: the lowest free one, or the next in a circle. */
#include <kernel/compiler.h>
#include <kernel/errno.h>
#include <kernel/idr.h>

/* Stands in the array for an id that is reserved but has no object yet. */
static const u64 reserved;
#define RESERVED ((void *)(unsigned long)&reserved)

static void *visible(void *entry)
{
	return entry == RESERVED ? NULL : entry;
}

/* First free id in [from, last]: stored and returned, or -ENOSPC, -ENOMEM. */
static int take(struct idr *idr, void *ptr, u64 from, u64 last, gfp_t gfp)
{
	u64 id = from > idr->lowest ? from : idr->lowest;
	int rc;

	if (!xa_find_free(&idr->xa, &id, last))
		return -ENOSPC;
	rc = xa_store(&idr->xa, id, ptr ? ptr : RESERVED, gfp);
	if (rc)
		return rc;
	if (from <= idr->lowest)
		idr->lowest = (u32)id + 1;
	idr->count++;
	return (int)id;
}

static int last_id(int start, int end, u64 *last)
{
	if (start < 0)
		return -EINVAL;
	*last = end > 0 ? (u64)end - 1 : INT32_MAX;
	return (u64)start <= *last ? 0 : -ENOSPC;
}

int idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp)
{
	u64 last;
	int rc = last_id(start, end, &last);

	return rc ? rc : take(idr, ptr, (u64)start, last, gfp);
}

int idr_alloc_cyclic(struct idr *idr, void *ptr, int start, int end, gfp_t gfp)
{
	u64 last;
	int id = last_id(start, end, &last);

	if (id)
		return id;
	id = -ENOSPC;
	if (idr->next > (u32)start && idr->next <= last)
		id = take(idr, ptr, idr->next, last, gfp);
	if (id == -ENOSPC)
		id = take(idr, ptr, (u64)start, last, gfp);
	if (id >= 0)
		idr->next = (u32)id + 1;
	return id;
}

void *idr_find(const struct idr *idr, int id)
{
	return id < 0 ? NULL : visible(xa_load(&idr->xa, (u64)id));
}

int idr_replace(struct idr *idr, void *ptr, int id)
{
	if (id < 0 || !xa_load(&idr->xa, (u64)id))
		return -ENOENT;
	return xa_store(&idr->xa, (u64)id, ptr ? ptr : RESERVED, 0);
}

void *idr_remove(struct idr *idr, int id)
{
	void *old = id < 0 ? NULL : xa_erase(&idr->xa, (u64)id);

	if (old) {
		idr->count--;
		if ((u32)id < idr->lowest)
			idr->lowest = (u32)id;
	}
	return visible(old);
}

void *idr_get_next(const struct idr *idr, int *id)
{
	u64 i = (u64)*id;
	void *entry;

	if (*id < 0) /* a loop that has passed INT_MAX */
		return NULL;
	for (; (entry = xa_find(&idr->xa, &i, INT32_MAX)) != NULL; i++) {
		if (entry != RESERVED) {
			*id = (int)i;
			return entry;
		}
	}
	return NULL;
}

void idr_destroy(struct idr *idr)
{
	xa_destroy(&idr->xa);
	idr_init(idr);
}
