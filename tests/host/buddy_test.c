/* SPDX-License-Identifier: MIT */
/* LINK: src/mm/buddy.c */
/* The buddy allocator against a plain map of who owns which page. */

#include "test.h"

#include "../../src/mm/buddy.h"

#define PAGES 8192u

u64 host_page_array;
static u8 owner[PAGES]; /* 0 free, 1 taken, 2 not ours */
static struct buddy z;

static void setup(void)
{
	static struct page array[PAGES];

	memset(array, 0, sizeof(array));
	host_page_array = (u64)array;
	z = (struct buddy){ .start = 0, .end = PAGES };
	memset(owner, 2, sizeof(owner));
	/* Ragged edges and a hole. */
	buddy_free_range(&z, 3, 1777);
	buddy_free_range(&z, 1800, 8001);
	memset(owner + 3, 0, 1777 - 3);
	memset(owner + 1800, 0, 8001 - 1800);
}

static u64 count_free(void)
{
	u64 n = 0;

	for (unsigned int i = 0; i < PAGES; i++)
		n += owner[i] == 0;
	return n;
}

/* Lists and totals agree with the map. */
static bool consistent(void)
{
	u64 n = 0;

	for (unsigned int o = 0; o <= MAX_ORDER; o++) {
		unsigned int len = 0;

		for (u32 pfn = z.head[o]; pfn; pfn = pfn_to_page(pfn)->next, len++) {
			if (pfn & ((1u << o) - 1))
				return false;
			for (u32 i = 0; i < 1u << o; i++)
				if (owner[pfn + i] != 0)
					return false;
		}
		if (len != z.nr[o] || !len == !!(z.mask >> o & 1))
			return false;
		n += (u64)len << o;
	}
	return n == z.free_pages && n == count_free();
}

struct block {
	u64 pfn;
	unsigned int order;
};

static bool take(struct block *b, unsigned int order)
{
	b->pfn = buddy_alloc(&z, order);
	b->order = order;
	if (!b->pfn)
		return false;
	for (u64 i = 0; i < 1ul << order; i++) {
		CHECK(owner[b->pfn + i] == 0);
		owner[b->pfn + i] = 1;
	}
	return true;
}

static void give(const struct block *b)
{
	memset(owner + b->pfn, 0, 1ul << b->order);
	buddy_free(&z, b->pfn, b->order);
}

TEST(ranges_are_all_there)
{
	setup();
	CHECK(z.free_pages == 1774 + 6201);
	CHECK(consistent());
}

TEST(everything_can_be_taken_and_comes_back_merged)
{
	static struct block b[PAGES];
	unsigned int n = 0, big;

	setup();
	big = z.nr[MAX_ORDER];
	while (take(&b[n], 0))
		n++;
	CHECK(n == 7975 && z.free_pages == 0 && z.mask == 0);
	for (unsigned int i = 0; i < n; i++) {
		unsigned int j = (i * 7919u) % n;

		give(&b[j]);
	}
	CHECK(consistent());
	CHECK(z.nr[MAX_ORDER] == big);
}

TEST(random_use)
{
	static struct block b[512];
	unsigned int n = 0;

	setup();
	srand(1);
	for (unsigned int i = 0; i < 200000; i++) {
		if (n < 512 && rand() % 2) {
			unsigned int r = (unsigned int)rand() % 64;

			if (take(&b[n], r < 40 ? 0 : r % (MAX_ORDER + 1)))
				n++;
		} else if (n) {
			unsigned int k = (unsigned int)rand() % n;

			give(&b[k]);
			b[k] = b[--n];
		}
		if (i % 10000 == 0)
			CHECK(consistent());
	}
	while (n)
		give(&b[--n]);
	CHECK(consistent());
	CHECK(z.free_pages == 7975);
}
