/* SPDX-License-Identifier: MIT */
/* kmalloc: a cache for each size class up to 8 KiB, whole pages above. kfree tells them apart by
 * PG_SLAB of the page. Any context; GFP_KERNEL may sleep. */
#include <kernel/kasan.h>
#include <kernel/log.h>
#include <kernel/size.h>
#include <kernel/string.h>

#include "buddy.h"
#include "mm_internal.h"
#include "slab.h"

#define CLASS_MAX_SMALL 1024

static const u16 class_size[] = { 16,  32,  48,	 64,  96,   128,  192,	256, 320,
				  384, 512, 640, 768, 1024, 2048, 4096, 8192 };
static const char *const class_name[] = {
	"kmalloc-16",  "kmalloc-32",  "kmalloc-48",  "kmalloc-64",  "kmalloc-96",  "kmalloc-128",
	"kmalloc-192", "kmalloc-256", "kmalloc-320", "kmalloc-384", "kmalloc-512", "kmalloc-640",
	"kmalloc-768", "kmalloc-1k",  "kmalloc-2k",  "kmalloc-4k",  "kmalloc-8k",
};
static struct kmem_cache *class_cache[ARRAY_SIZE(class_size)] __ro_after_init;
static u8 class_of_small[CLASS_MAX_SMALL / 16 + 1] __ro_after_init; /* by (size + 15) / 16 */

static unsigned int size_class(size_t size)
{
	if (likely(size <= CLASS_MAX_SMALL))
		return class_of_small[(size + 15) / 16];
	return size <= 2048 ? 14 : size <= 4096 ? 15 : 16;
}

static unsigned int order_of(size_t size)
{
	return size <= PAGE_SIZE ? 0 : 64u - (unsigned int)__builtin_clzl((size - 1) >> PAGE_SHIFT);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	if (likely(size <= KMALLOC_SLAB_MAX))
		return kmem_cache_alloc(class_cache[size_class(size)], gfp);
	if (size > PAGE_SIZE << MAX_ORDER)
		return NULL;
	return pages_alloc(order_of(size), gfp);
}

void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return size_mul(&bytes, n, size) ? kmalloc(bytes, gfp) : NULL;
}

void kfree(const void *p)
{
	struct page *page;

	if (!p)
		return;
	page = virt_to_page(p);
	if (likely(page->flags & 1u << PG_SLAB)) {
		kmem_cache_free(page->owner, (void *)p);
		return;
	}
	if (WARN_ON(!(page->flags & 1u << PG_HEAD)))
		return;
	page_free_order(page, page_order(page));
}

size_t kmalloc_size(const void *p)
{
	const struct page *page;

	if (!p)
		return 0;
	page = virt_to_page(p);
	if (page->flags & 1u << PG_SLAB)
		return ((const struct kmem_cache *)page->owner)->size;
	return PAGE_SIZE << page_order(page);
}

void *krealloc(void *p, size_t size, gfp_t gfp)
{
	size_t have = kmalloc_size(p);
	void *new;

	if (have >= size && size > 0)
		return p;
	new = kmalloc(size, gfp);
	if (!new)
		return NULL;
	memcpy(new, p, min(have, size));
	kfree(p);
	return new;
}

void *kmemdup(const void *p, size_t n, gfp_t gfp)
{
	void *new = kmalloc(n, gfp);

	if (new)
		memcpy(new, p, n);
	return new;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return kmemdup(s, strlen(s) + 1, gfp);
}

void kmalloc_init(void)
{
	unsigned int k = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(class_size); i++)
		class_cache[i] = kmem_cache_create(class_name[i], class_size[i],
						   class_size[i] & 63 ? 16 : 64, 0, NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(class_of_small); i++) {
		while (class_size[k] < i * 16)
			k++;
		class_of_small[i] = (u8)k;
	}
}
