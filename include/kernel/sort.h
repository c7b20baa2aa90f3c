/* SPDX-License-Identifier: MIT */
/* In-place heap sort: O(n log n) always, no memory, no recursion; not stable. */
#ifndef KERNEL_SORT_H
#define KERNEL_SORT_H

#include <kernel/types.h>

typedef int (*cmp_fn)(const void *a, const void *b);

/* Sort n elements of size bytes so that cmp(earlier, later) <= 0. */
void sort(void *base, size_t n, size_t size, cmp_fn cmp);

#endif
