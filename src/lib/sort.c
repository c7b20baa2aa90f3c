/* SPDX-License-Identifier: MIT */
/* Heap sort, bottom up: a hole sinks to a leaf along the larger children, then the element climbs
 * to its place. */
#include <kernel/compiler.h>
#include <kernel/sort.h>
#include <kernel/string.h>

static inline void swap_elems(u8 *a, u8 *b, size_t size)
{
	for (; size >= 8; size -= 8, a += 8, b += 8) {
		u64 x, y;

		memcpy(&x, a, 8);
		memcpy(&y, b, 8);
		memcpy(a, &y, 8);
		memcpy(b, &x, 8);
	}
	for (; size; size--, a++, b++)
		swap(*a, *b);
}

/* Element i of the heap of n may be too small: restore the heap below it. */
static void sift_down(u8 *base, size_t i, size_t n, size_t size, cmp_fn cmp)
{
	size_t leaf = i, child;

	/* the way down along the larger children */
	while ((child = 2 * leaf + 1) < n) {
		if (child + 1 < n && cmp(base + child * size, base + (child + 1) * size) < 0)
			child++;
		leaf = child;
	}
	/* back up to the first that is not smaller than the element */
	while (leaf != i && cmp(base + i * size, base + leaf * size) > 0)
		leaf = (leaf - 1) / 2;
	/* move the element there, everything on the way one level up */
	while (leaf != i) {
		swap_elems(base + i * size, base + leaf * size, size);
		leaf = (leaf - 1) / 2;
	}
}

void sort(void *base, size_t n, size_t size, cmp_fn cmp)
{
	for (size_t i = n / 2; i--;)
		sift_down(base, i, n, size, cmp);
	while (n > 1) {
		n--;
		swap_elems(base, (u8 *)base + n * size, size);
		sift_down(base, 0, n, size, cmp);
	}
}
