/* SPDX-License-Identifier: MIT */
/* Binary search in a sorted array. */
#ifndef KERNEL_BSEARCH_H
#define KERNEL_BSEARCH_H

#include <kernel/types.h>

#ifdef KEELSON_HOST
#include <stdlib.h>
#define bsearch keelson_bsearch
#endif

/* The element for which cmp(key, element) == 0 (any one of several), or NULL. */
static inline void *bsearch(const void *key, const void *base, size_t n, size_t size,
			    int (*cmp)(const void *key, const void *elem))
{
	const char *lo = base;

	while (n) {
		const char *mid = lo + n / 2 * size;
		int c = cmp(key, mid);

		if (!c)
			return (void *)(unsigned long)mid;
		if (c > 0) {
			lo = mid + size;
			n--;
		}
		n /= 2;
	}
	return NULL;
}

#endif
