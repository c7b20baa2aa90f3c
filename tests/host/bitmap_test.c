/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/bitmap.c src/lib/printf.c src/lib/string.c */
#include <kernel/bitmap.h>
#include <kernel/errno.h>
#include "test.h"

#define BITS 300

static unsigned long map[BITS_TO_LONGS(BITS)];
static bool model[BITS];

static void check_searches(size_t size)
{
	size_t start = test_below(size + 3), next = size, zero = size, last = size, weight = 0;

	for (size_t i = size; i--;) {
		if (i >= start && model[i])
			next = i;
		if (i >= start && !model[i])
			zero = i;
		if (model[i] && last == size)
			last = i;
		weight += model[i];
	}
	CHECK_EQ(bitmap_find_next_bit(map, size, start), next);
	CHECK_EQ(bitmap_find_next_zero(map, size, start), zero);
	CHECK_EQ(bitmap_find_last_bit(map, size), last);
	CHECK_EQ(bitmap_weight(map, size), weight);
	CHECK_EQ(bitmap_empty(map, size), weight == 0);
	CHECK_EQ(bitmap_full(map, size), weight == size);
}

static void check_area(size_t size)
{
	size_t n = 1 + test_below(12), align = 1ul << test_below(4), start = test_below(size), at;

	for (at = (start + align - 1) / align * align; at + n <= size; at += align) {
		size_t k;

		for (k = 0; k < n && !model[at + k]; k++)
			;
		if (k == n)
			break;
	}
	if (at + n > size)
		at = size;
	CHECK_EQ(bitmap_find_zero_area(map, size, start, n, align), at);
}

TEST(random_against_bools)
{
	for (int round = 0; round < 60000; round++) {
		size_t a = test_below(BITS), n = test_below(round & 64 ? BITS - a + 1 : 10);

		n = n < BITS - a ? n : BITS - a;
		switch (test_below(6)) {
		case 0:
			bitmap_set_range(map, a, n);
			memset(model + a, 1, n);
			break;
		case 1:
			bitmap_clear_range(map, a, n);
			memset(model + a, 0, n);
			break;
		case 2:
			CHECK_EQ(bitmap_test_and_set(map, a), model[a]);
			model[a] = true;
			break;
		case 3:
			CHECK_EQ(bitmap_test_and_clear(map, a), model[a]);
			model[a] = false;
			break;
		default:
			CHECK_EQ(bitmap_test(map, a), model[a]);
		}
		check_searches(1 + test_below(BITS));
		check_area(1 + test_below(BITS));
	}
}

TEST(fill_and_zero)
{
	for (size_t size = 0; size <= BITS; size++) {
		memset(map, 0xaa, sizeof(map));
		bitmap_fill(map, size);
		CHECK_EQ(bitmap_weight(map, BITS_TO_LONGS(size) * 64), size);
		if (size <= BITS - 64)
			CHECK_EQ(map[BITS_TO_LONGS(size)], (long)0xaaaaaaaaaaaaaaaaul);
		bitmap_zero(map, size);
		CHECK_EQ(bitmap_weight(map, BITS_TO_LONGS(size) * 64), 0);
	}
}

TEST(set_algebra)
{
	DECLARE_BITMAP(a, 130);
	DECLARE_BITMAP(b, 130);
	DECLARE_BITMAP(c, 130);
	size_t i, n = 0;

	test_fill(a, sizeof(a));
	test_fill(b, sizeof(b));
	bitmap_and(c, a, b, 130);
	bitmap_for_each_set(i, c, 130) n += bitmap_test(a, i) && bitmap_test(b, i);
	CHECK_EQ(n, bitmap_weight(c, 130));
	CHECK_EQ(bitmap_intersects(a, b, 130), n != 0);
	bitmap_or(c, a, b, 130);
	CHECK_EQ(bitmap_weight(c, 130), bitmap_weight(a, 130) + bitmap_weight(b, 130) - n);
	bitmap_andnot(c, a, b, 130);
	CHECK_EQ(bitmap_weight(c, 130), bitmap_weight(a, 130) - n);
	CHECK(!bitmap_intersects(c, b, 130));
	bitmap_copy(c, a, 130);
	CHECK(bitmap_equal(c, a, 130));
	c[2] ^= 4; /* bit 130: outside */
	CHECK(bitmap_equal(c, a, 130));
	c[2] ^= 2;
	CHECK(!bitmap_equal(c, a, 130));
}

TEST(text_forms)
{
	DECLARE_BITMAP(m, 70);
	char buf[64];

	bitmap_zero(m, 70);
	CHECK_EQ(bitmap_print_list(buf, sizeof(buf), m, 70), 0);
	CHECK_EQ(bitmap_parse_list("0-3,8,69\n", m, 70), 0);
	CHECK_EQ(bitmap_print_list(buf, sizeof(buf), m, 70), 8);
	CHECK_STR(buf, "0-3,8,69");
	bitmap_print_hex(buf, sizeof(buf), m, 70);
	CHECK_STR(buf, "20,00000000,0000010f");
	bitmap_print_hex(buf, sizeof(buf), m, 4);
	CHECK_STR(buf, "f");
	bitmap_print_hex(buf, sizeof(buf), m, 32);
	CHECK_STR(buf, "0000010f");
	CHECK_EQ(bitmap_print_list(buf, 4, m, 70), 3);
	CHECK_STR(buf, "0-3");
	CHECK_EQ(bitmap_parse_list("70", m, 70), -ERANGE);
	CHECK_EQ(bitmap_parse_list("99999999999999999999999", m, 70), -ERANGE);
	CHECK_EQ(bitmap_parse_list("3-1", m, 70), -EINVAL);
	CHECK_EQ(bitmap_parse_list("x", m, 70), -EINVAL);
	CHECK_EQ(bitmap_parse_list("1 2", m, 70), -EINVAL);
	CHECK_EQ(bitmap_parse_list("1-", m, 70), -EINVAL);
	CHECK_EQ(bitmap_parse_list("", m, 70), 0);
	CHECK(bitmap_empty(m, 70));
}
