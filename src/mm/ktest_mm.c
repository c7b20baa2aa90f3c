/* SPDX-License-Identifier: MIT */
/* In-kernel tests of the allocators. Free memory is compared loosely: caches keep some. */
#include <arch/thread.h>
#include <kernel/ktest.h>
#include <kernel/mm.h>
#include <kernel/random.h>
#include <kernel/rcu.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "buddy.h"
#include "mm_internal.h"
#include "vma.h"

KTEST(mm_pages)
{
	struct page *p[64];
	u64 before;

	page_caches_drain_all();
	before = pages_free_count();
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++) {
		unsigned int order = i % 5;

		p[i] = page_alloc_order(order, GFP_KERNEL | (i & 1 ? GFP_ZERO : 0));
		KTEST_EXPECT(p[i] != NULL);
		KTEST_EXPECT(atomic_read(&p[i]->refs) == 1);
		KTEST_EXPECT((page_to_pfn(p[i]) & ((1ul << order) - 1)) == 0);
		if (i & 1)
			KTEST_EXPECT(!memchr_inv(page_address(p[i]), 0, PAGE_SIZE << order));
		memset(page_address(p[i]), (int)i, PAGE_SIZE << order);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++) {
		KTEST_EXPECT(!memchr_inv(page_address(p[i]), (int)i, PAGE_SIZE << (i % 5)));
		page_put(p[i]);
	}
	page_caches_drain_all();
	KTEST_EXPECT(pages_free_count() == before);
}

KTEST(mm_page_dma32)
{
	struct page *p = page_alloc(GFP_KERNEL | GFP_DMA32);

	KTEST_EXPECT(p && page_phys(p).v < 1ul << 32);
	page_put(p);
	KTEST_EXPECT(!page_alloc_order(MAX_ORDER + 1, GFP_KERNEL));
}

static u64 ctor_calls;
static void count_ctor(void *obj)
{
	*(u64 *)obj = 0x1234;
	ctor_calls++;
}

KTEST(mm_slab)
{
	static struct kmem_cache *plain, *made;
	static void *obj[600];

	if (!plain) {
		plain = kmem_cache_create("ktest-72", 72, 8, 0, NULL);
		made = kmem_cache_create("ktest-ctor", 40, 8, SLAB_RCU, count_ctor);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(obj); i++) {
		obj[i] = kmem_cache_alloc(plain, i & 1 ? GFP_KERNEL : GFP_ATOMIC | GFP_ZERO);
		KTEST_EXPECT(obj[i] && ((u64)obj[i] & 7) == 0);
		if (!(i & 1))
			KTEST_EXPECT(!memchr_inv(obj[i], 0, 72));
		memset(obj[i], (int)(i & 0xff), 72);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(obj); i++)
		KTEST_EXPECT(!memchr_inv(obj[i], (int)(i & 0xff), 72));
	for (unsigned int i = 0; i < ARRAY_SIZE(obj); i++)
		kmem_cache_free(plain, obj[(i * 7) % ARRAY_SIZE(obj)]);
	for (unsigned int i = 0; i < 200; i++) {
		obj[i] = kmem_cache_alloc(made, GFP_KERNEL);
		/* A constructed object keeps its content while it is free. */
		KTEST_EXPECT(obj[i] && *(u64 *)obj[i] == 0x1234);
	}
	KTEST_EXPECT(ctor_calls >= 200);
	for (unsigned int i = 0; i < 200; i++)
		kmem_cache_free(made, obj[i]);
}

KTEST(mm_kmalloc)
{
	static void *p[300];

	for (unsigned int round = 0; round < 4; round++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(p); i++) {
			size_t n = 1 + (size_t)i * i % 20000;

			p[i] = kmalloc(n, GFP_KERNEL);
			KTEST_EXPECT(p[i] && kmalloc_size(p[i]) >= n);
			memset(p[i], (int)(i + round), n);
		}
		for (unsigned int i = 0; i < ARRAY_SIZE(p); i++) {
			KTEST_EXPECT(!memchr_inv(p[i], (int)((i + round) & 0xff),
						 1 + (size_t)i * i % 20000));
			kfree(p[i]);
		}
	}
	KTEST_EXPECT(!kmalloc_array(~0ul / 4, 8, GFP_KERNEL));
	KTEST_EXPECT(!kmalloc(8ul << 20, GFP_KERNEL));
	p[0] = kmemdup("hello", 6, GFP_KERNEL);
	p[0] = krealloc(p[0], 5000, GFP_KERNEL);
	KTEST_EXPECT(p[0] && !strcmp(p[0], "hello"));
	kfree(p[0]);
	kfree(NULL);
}

KTEST(mm_vmalloc)
{
	char *a = vmalloc(5 * PAGE_SIZE + 1), *b = vzalloc(300000),
	     *c = kvmalloc(100000, GFP_KERNEL);

	KTEST_EXPECT(a && b && c);
	KTEST_EXPECT(!memchr_inv(b, 0, 300000));
	memset(a, 1, 5 * PAGE_SIZE + 1);
	memset(c, 2, 100000);
	KTEST_EXPECT(a[5 * PAGE_SIZE] == 1 && c[99999] == 2);
	vfree(b);
	kvfree(c);
	vfree(a);
	vfree(NULL);
	KTEST_EXPECT(!vmalloc(0));
	KTEST_EXPECT(!vmalloc(1ul << 50));
}

KTEST(mm_kstack)
{
	void *s[12];

	for (unsigned int i = 0; i < ARRAY_SIZE(s); i++) {
		s[i] = kstack_alloc();
		KTEST_EXPECT(s[i] != NULL);
		memset(s[i], 0x11, KSTACK_SIZE);
		KTEST_EXPECT(kstack_guard_hit((u64)s[i] - 8));
		KTEST_EXPECT(!kstack_guard_hit((u64)s[i]));
		for (unsigned int j = 0; j < i; j++)
			KTEST_EXPECT(s[i] != s[j]);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(s); i++)
		kstack_free(s[i]);
}

static int map_at(struct mm *mm, u64 at, u64 pages)
{
	int rc;

	down_write(&mm->lock);
	rc = mmap_anon_locked(mm, at, pages * PAGE_SIZE,
			      VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE);
	up_write(&mm->lock);
	return rc;
}

static int unmap_at(struct mm *mm, u64 at, u64 pages)
{
	int rc;

	down_write(&mm->lock);
	rc = munmap_locked(mm, at, pages * PAGE_SIZE);
	up_write(&mm->lock);
	return rc;
}

/* An address space that nobody runs in: areas and pages through the forced accessors. */
KTEST(mm_space)
{
	struct mm *mm = mm_create();
	char buf[32];
	u64 at = 0x10000000;

	KTEST_EXPECT(mm != NULL);
	KTEST_EXPECT(!map_at(mm, at, 16));
	KTEST_EXPECT(!mm_write(mm, at + PAGE_SIZE - 3, "across", 7));
	KTEST_EXPECT(mm_read(mm, at + PAGE_SIZE - 3, buf, 7) == 7 && !strcmp(buf, "across"));
	KTEST_EXPECT(atomic64_read(&mm->rss_anon) == 2);
	KTEST_EXPECT(mm_read(mm, at + 16 * PAGE_SIZE - 4, buf, 8) == 4);
	KTEST_EXPECT(!unmap_at(mm, at + PAGE_SIZE, 1));
	KTEST_EXPECT(mm->nr_areas == 2 && mm->total_pages == 15);
	KTEST_EXPECT(atomic64_read(&mm->rss_anon) == 1);
	KTEST_EXPECT(!map_at(mm, at + PAGE_SIZE, 1));
	KTEST_EXPECT(mm->nr_areas == 1 && mm->total_pages == 16);
	mm_put(mm);
}
