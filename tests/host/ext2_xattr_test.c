/* SPDX-License-Identifier: MIT */
/* LINK: fs/ext2/xattr_block.c */
#include "../../fs/ext2/xattr_block.h"

#include <kernel/errno.h>
#include "test.h"

#define BLOCK 1024
#define NAMES 24

/* Reference: values by name. */
static struct {
	bool there;
	u32 size;
	u8 value[200];
} model[NAMES];

static struct xattr_key key_of(int n)
{
	static char names[NAMES][40];
	static const u8 index[] = { 1, 4, 6, 2 };

	memset(names[n], 'a' + n % 7, (size_t)n % 11);
	names[n][0] = (char)('A' + n);
	return (struct xattr_key){ index[n % 4], names[n], (u8)(n < 4 ? 0 : 1 + n % 11) };
}

static struct xattr_area area(char *p, bool block)
{
	return block ? xattr_of_block(p, BLOCK) : (struct xattr_area){ p, 0, 100 };
}

static u32 room_of_model(void)
{
	u32 n = 4;

	for (int k = 0; k < NAMES; k++)
		if (model[k].there)
			n += xattr_entry_size(key_of(k).len) + ((model[k].size + 3) & ~3u);
	return n;
}

static void check_model(const struct xattr_area *a)
{
	const struct ext2_xattr_entry *e, *last = NULL;
	int count = 0;

	REQUIRE(xattr_area_ok(a));
	for (int k = 0; k < NAMES; k++) {
		struct xattr_key key = key_of(k);

		e = xattr_find(a, &key);
		CHECK_EQ(e != NULL, model[k].there);
		if (!e || !model[k].there)
			continue;
		count++;
		CHECK_EQ(e->e_value_size, model[k].size);
		CHECK_MEM(a->base + e->e_value_offs, model[k].value, model[k].size);
	}
	for (e = xattr_first(a); !xattr_last(e); e = xattr_next(e), count--) {
		if (last)
			CHECK(last->e_name_index < e->e_name_index ||
			      (last->e_name_index == e->e_name_index &&
			       last->e_name_len <= e->e_name_len));
		last = e;
	}
	CHECK_EQ(count, 0);
}

static void random_changes(bool block)
{
	char *now = calloc(1, block ? BLOCK : 100), *next = malloc(block ? BLOCK : 100);
	struct xattr_area none = { NULL, 0, 0 };
	bool any = false;

	memset(model, 0, sizeof(model));
	for (unsigned int round = 0; round < 20000 * test_rounds; round++) {
		struct xattr_area from = any ? area(now, block) : none, to = area(next, block);
		int k = (int)test_below(NAMES), n;
		struct xattr_key key = key_of(k);
		u32 size = (u32)test_below(block || !test_below(4) ? 200 : 40), hash;
		bool set = test_below(3) != 0;
		u32 max = to.size - to.first;
		u8 value[200];
		bool was = model[k].there;
		u32 old = model[k].size;

		test_fill(value, sizeof(value));
		model[k].there = set;
		model[k].size = size;
		n = xattr_rebuild(&to, &from, &key, set ? value : NULL, size, &hash);
		CHECK_EQ(n < 0, room_of_model() > max);
		if (n < 0) {
			model[k].there = was;
			model[k].size = old;
			continue;
		}
		memcpy(model[k].value, value, size);
		check_model(&to);
		memcpy(now, next, block ? BLOCK : 100);
		any = n > 0;
	}
	free(now);
	free(next);
}

TEST(block_against_model)
{
	random_changes(true);
}

TEST(body_against_model)
{
	random_changes(false);
}

/* Anything that is accepted can be searched, copied and changed without leaving the area. */
static void use(const struct xattr_area *a)
{
	struct xattr_area to = { malloc(a->size), a->first, a->size };
	u32 hash;

	for (int k = 0; k < NAMES; k += 5) {
		struct xattr_key key = key_of(k);
		const struct ext2_xattr_entry *e = xattr_find(a, &key);
		u32 sum = 0;

		for (u32 j = 0; e && j < e->e_value_size; j++)
			sum += (u8)a->base[e->e_value_offs + j];
		if (xattr_rebuild(&to, a, &key, sum & 1 ? NULL : "value", 5, &hash) >= 0)
			CHECK(xattr_area_ok(&to));
	}
	free(to.base);
}

TEST(mutated_areas)
{
	unsigned int accepted = 0;

	for (unsigned int round = 0; round < 40000 * test_rounds; round++) {
		bool block = test_below(2);
		u32 size = block ? BLOCK : 100, hash;
		char *p = calloc(1, size), *q = calloc(1, size);
		struct xattr_area a = area(p, block), b = area(q, block), t;

		for (int k = (int)test_below(8); k; k--) {
			struct xattr_key key = key_of((int)test_below(NAMES));

			if (xattr_rebuild(&b, &a, &key, "0123456789abcdef", 1 + (u32)test_below(16),
					  &hash) < 0)
				continue;
			t = a;
			a = b;
			b = t;
		}
		for (u64 k = test_below(6); k; k--) {
			/* Rather where the entries are. */
			u64 at = a.first + test_below(test_below(2) ? size - a.first : 60);

			a.base[at] = (char)(test_below(2) ? test_below(256)
							   : (u8)a.base[at] ^ 1u << test_below(8));
		}
		if (xattr_area_ok(&a)) {
			accepted++;
			use(&a);
		}
		free(p);
		free(q);
	}
	CHECK(accepted > 1000);
}

TEST(hashes_as_others_make_them)
{
	char p[BLOCK];
	struct xattr_area to = xattr_of_block(p, BLOCK), none = { NULL, 0, 0 };
	struct xattr_key key = { EXT2_XATTR_USER, "a", 1 };
	u32 hash;

	memset(p, 0, sizeof(p));
	CHECK_EQ(xattr_rebuild(&to, &none, &key, "1", 1, &hash), 1);
	/* (((0 << 5) ^ 'a') << 16) ^ (that >> 16) ^ '1' */
	CHECK_EQ(xattr_first(&to)->e_hash, (('a' << 16) ^ '1'));
	CHECK_EQ(hash, (('a' << 16) ^ '1'));
	CHECK_EQ(xattr_first(&to)->e_value_offs, BLOCK - 4);
	CHECK_EQ(xattr_rebuild(&to, &none, &key, "", 0, &hash), 1);
	CHECK_EQ(xattr_first(&to)->e_hash, 'a');
	CHECK_EQ(xattr_first(&to)->e_value_offs, 0);
}
