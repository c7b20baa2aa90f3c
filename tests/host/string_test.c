/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/string.c */
#include <kernel/errno.h>
#include <kernel/string.h>
#include "test.h"

#define AREA 400

static uint8_t area[AREA], model[AREA], other[AREA];

TEST(copy_all_sizes_and_offsets)
{
	for (size_t n = 0; n <= 200; n++) {
		for (size_t from = 0; from < 9; from++) {
			size_t to = test_below(9);

			test_fill(other, AREA);
			test_fill(area, AREA);
			memcpy(model, area, AREA);
			memcpy(model + to, other + from, n);
			CHECK(keelson_memcpy(area + to, other + from, n) == area + to);
			CHECK_MEM(area, model, AREA);
		}
	}
}

TEST(move_overlaps_both_ways)
{
	for (int i = 0; i < 60000; i++) {
		size_t n = test_below(i & 1 ? 80 : 300);
		size_t from = test_below(AREA - n + 1), to = test_below(AREA - n + 1);

		if (!(i & 31))
			test_fill(area, AREA);
		if (i & 2 && from + 9 < AREA - n)
			to = from + test_below(9);
		memcpy(model, area, AREA);
		memmove(model + to, model + from, n);
		CHECK(keelson_memmove(area + to, area + from, n) == area + to);
		CHECK_MEM(area, model, AREA);
	}
}

TEST(set_all_sizes)
{
	for (size_t n = 0; n <= 300; n++) {
		for (size_t to = 0; to < 9; to++) {
			int c = (int)test_rand();

			test_fill(area, AREA);
			memcpy(model, area, AREA);
			memset(model + to, c, n);
			CHECK(keelson_memset(area + to, c, n) == area + to);
			CHECK_MEM(area, model, AREA);
		}
	}
}

static int sign(int v)
{
	return v < 0 ? -1 : v > 0;
}

TEST(compare_finds_first_difference)
{
	for (int i = 0; i < 40000; i++) {
		size_t n = test_below(50);
		uint8_t *a = malloc(n + 1), *b = malloc(n + 1);

		test_fill(a, n);
		memcpy(b, a, n);
		for (int flips = (int)test_below(3); flips > 0 && n; flips--)
			b[test_below(n)] ^= (uint8_t)test_rand();
		CHECK_EQ(sign(keelson_memcmp(a, b, n)), sign(memcmp(a, b, n)));
		CHECK_EQ(memeq_ct(a, b, n), !memcmp(a, b, n));
		free(a);
		free(b);
	}
}

TEST(memchr_matches_libc)
{
	for (int i = 0; i < 40000; i++) {
		size_t n = test_below(60), skew = test_below(8);
		uint8_t *a = malloc(n + skew + 1);
		int c = (int)test_below(6);

		for (size_t k = 0; k < n + skew; k++)
			a[k] = (uint8_t)test_below(i & 1 ? 6 : 200);
		CHECK(keelson_memchr(a + skew, c, n) == memchr(a + skew, c, n));
		free(a);
	}
}

/* Exactly sized heap strings, so that a read too far is seen (but for the deliberate word reads).
 */
static char *random_string(size_t len, unsigned int letters)
{
	char *s = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		s[i] = (char)(i % 7 ? 'a' + test_below(letters) : 0x80 + test_below(0x7f));
	s[len] = '\0';
	return s;
}

TEST(strings_match_libc)
{
	for (int i = 0; i < 30000; i++) {
		char *a = random_string(test_below(40), 3), *b = random_string(test_below(6), 3);
		size_t skew = test_below(strlen(a) + 1);
		const char *s = a + skew;
		int c = i % 50 ? 'a' + (int)test_below(4) : 0;

		CHECK_EQ(keelson_strlen(s), strlen(s));
		CHECK_EQ(keelson_strnlen(s, skew), strnlen(s, skew));
		CHECK_EQ(sign(keelson_strcmp(s, b)), sign(strcmp(s, b)));
		CHECK_EQ(sign(keelson_strcmp(s, s)), 0);
		CHECK_EQ(sign(keelson_strncmp(s, b, skew)), sign(strncmp(s, b, skew)));
		CHECK(keelson_strchr(s, c) == strchr(s, c));
		CHECK(keelson_strrchr(s, c) == strrchr(s, c));
		CHECK(keelson_strstr(s, b) == strstr(s, b));
		CHECK_EQ(keelson_strspn(s, b), strspn(s, b));
		CHECK_EQ(keelson_strcspn(s, b), strcspn(s, b));
		CHECK_EQ(str_has_prefix(s, b), strncmp(s, b, strlen(b)) ? 0 : strlen(b));
		free(a);
		free(b);
	}
}

TEST(strlen_ends_at_high_bytes)
{
	/* 0x80 and 0x01 next to each other are what a careless zero-byte test gets wrong */
	static const char s[] __attribute__((aligned(8))) =
		"\x01\x80\x01\x80\xff\x81\x01\x01\x80\x80\x01";

	for (size_t i = 0; i < sizeof(s); i++)
		CHECK_EQ(keelson_strlen(s + i), sizeof(s) - 1 - i);
}

TEST(case_insensitive)
{
	CHECK_EQ(keelson_strcasecmp("HeLLo", "hEllO"), 0);
	CHECK(keelson_strcasecmp("a", "B") < 0);
	CHECK(keelson_strcasecmp("abc", "ab") > 0);
	CHECK_EQ(keelson_strncasecmp("ABx", "aby", 2), 0);
	CHECK(keelson_strcasecmp("[", "{") != 0);
}

TEST(strsep_splits)
{
	char text[] = "a,,b;c", *p = text;

	CHECK_STR(keelson_strsep(&p, ",;"), "a");
	CHECK_STR(keelson_strsep(&p, ",;"), "");
	CHECK_STR(keelson_strsep(&p, ",;"), "b");
	CHECK_STR(keelson_strsep(&p, ",;"), "c");
	CHECK(!keelson_strsep(&p, ",;"));
}

TEST(strscpy_cuts_and_terminates)
{
	char buf[8];

	CHECK_EQ(strscpy(buf, "hello", sizeof(buf)), 5);
	CHECK_STR(buf, "hello");
	CHECK_EQ(strscpy(buf, "1234567", sizeof(buf)), 7);
	CHECK_STR(buf, "1234567");
	CHECK_EQ(strscpy(buf, "12345678", sizeof(buf)), -E2BIG);
	CHECK_STR(buf, "1234567");
	CHECK_EQ(strscpy(buf, "x", 1), -E2BIG);
	CHECK_STR(buf, "");
	CHECK_EQ(strscpy(buf, "", 1), 0);
	buf[0] = 'q';
	CHECK_EQ(strscpy(buf, "x", 0), -E2BIG);
	CHECK_EQ(buf[0], 'q');
}

TEST(memchr_inv_finds_odd_byte)
{
	memset(area, 7, AREA);
	CHECK(!memchr_inv(area, 7, AREA));
	CHECK(!memchr_inv(area, 8, 0));
	for (size_t i = 0; i < 64; i++) {
		area[i] = 9;
		CHECK(memchr_inv(area, 7, AREA) == area + i);
		CHECK(!memchr_inv(area, 7, i));
		area[i] = 7;
	}
}

TEST(strip_blanks)
{
	char a[] = " \t x y \n", b[] = "   ", c[] = "";

	CHECK_STR(strstrip(a), "x y");
	CHECK_STR(strstrip(b), "");
	CHECK_STR(strstrip(c), "");
}

TEST(pages)
{
	uint8_t *a = aligned_alloc(4096, 4096), *b = aligned_alloc(4096, 4096);

	test_fill(a, 4096);
	copy_page(b, a);
	CHECK_MEM(a, b, 4096);
	clear_page(b);
	CHECK(!memchr_inv(b, 0, 4096));
	memzero_explicit(a, 4096);
	CHECK(!memchr_inv(a, 0, 4096));
	free(a);
	free(b);
}
