/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/utf8.c */
#include <kernel/utf8.h>
#include "test.h"

static size_t decode_all(const u8 *s, size_t n, u32 *out)
{
	struct utf8_decoder d = { 0 };
	size_t got = 0;

	for (size_t i = 0; i < n; i++) {
		u32 two[2];
		int k = utf8_decode(&d, s[i], two);

		CHECK(k >= 0 && k <= 2);
		for (int j = 0; j < k; j++)
			out[got++] = two[j];
	}
	return got + (size_t)utf8_flush(&d, out + got);
}

TEST(every_code_point_round_trips)
{
	for (u32 cp = 0; cp <= 0x110010; cp++) {
		bool good = cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);
		u32 out[8];
		char s[4];
		int n = utf8_encode(cp, s);

		REQUIRE(decode_all((u8 *)s, (size_t)n, out) == 1);
		REQUIRE(out[0] == (good ? cp : UTF8_REPLACEMENT));
		REQUIRE(utf8_valid(s, (size_t)n));
		REQUIRE(utf8_last_char_len(s, (size_t)n) == (size_t)n);
		if (n > 1)
			REQUIRE(!utf8_valid(s, (size_t)n - 1) && !utf8_valid(s + 1, (size_t)n - 1));
	}
}

static void check_text(const char *s, const u32 *want, size_t n)
{
	u32 out[32];
	size_t got = decode_all((const u8 *)s, strlen(s), out);

	CHECK_EQ(got, n);
	for (size_t i = 0; i < n && i < got; i++)
		CHECK_EQ(out[i], want[i]);
}

#define R UTF8_REPLACEMENT
#define TEXT(s, ...)                                                                               \
	check_text(s, (const u32[]){ __VA_ARGS__ }, sizeof((const u32[]){ __VA_ARGS__ }) / 4)

TEST(malformed_sequences)
{
	TEXT("\xe2\x82\xac", 0x20ac);
	TEXT("\x80", R);
	TEXT("\xff\xfe", R, R);
	TEXT("\xc0\xaf", R, R);
	TEXT("\xe0\x80\xaf", R, R, R);
	TEXT("\xed\xa0\x80", R, R, R);
	TEXT("\xf4\x90\x80\x80", R, R, R, R);
	TEXT("\xf0\x9f\x98", R);
	TEXT("\xf0\x9f\x98z", R, 'z');
	TEXT("\xe2\x82\xe2\x82\xac", R, 0x20ac);
	TEXT("\xe2\xff"
	     "a",
	     R, R, 'a');
	/* the example of the Unicode standard, table 3-8 */
	TEXT("\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64", 0x61, R, R, R, 0x62, R, 0x63,
	     R, R, 0x64);
}

TEST(random_bytes_give_valid_text)
{
	for (int round = 0; round < 20000; round++) {
		size_t n = test_below(40), got, len = 0;
		u8 in[40];
		u32 out[81];
		char again[81 * 4];

		for (size_t i = 0; i < n; i++)
			in[i] = (u8)(round & 1 ? test_rand() : 0x80 + test_below(0x80));
		got = decode_all(in, n, out);
		CHECK(got <= n);
		for (size_t i = 0; i < got; i++)
			len += (size_t)utf8_encode(out[i], again + len);
		CHECK(utf8_valid(again, len));
		if (utf8_valid((char *)in, n))
			CHECK(len == n && !memcmp(again, in, n));
	}
}

TEST(last_character)
{
	CHECK_EQ(utf8_last_char_len("", 0), 0);
	CHECK_EQ(utf8_last_char_len("ab", 2), 1);
	CHECK_EQ(utf8_last_char_len("a\xc3\xa9", 3), 2);
	CHECK_EQ(utf8_last_char_len("\xe2\x82\xac", 3), 3);
	CHECK_EQ(utf8_last_char_len("\xf0\x9f\x98\x80", 4), 4);
	CHECK_EQ(utf8_last_char_len("a\x82\xac", 3), 1);
	CHECK_EQ(utf8_last_char_len("\x82\x82\x82\x82\x82", 5), 1);
	CHECK_EQ(utf8_last_char_len("a\xc3", 2), 1);
}

TEST(widths)
{
	CHECK_EQ(utf8_width('a'), 1);
	CHECK_EQ(utf8_width(0), -1);
	CHECK_EQ(utf8_width(0x7f), -1);
	CHECK_EQ(utf8_width(0x9b), -1);
	CHECK_EQ(utf8_width(0xe9), 1);
	CHECK_EQ(utf8_width(0xad), 1);
	CHECK_EQ(utf8_width(0x301), 0);
	CHECK_EQ(utf8_width(0x200b), 0);
	CHECK_EQ(utf8_width(0x20ac), 1);
	CHECK_EQ(utf8_width(0x2500), 1);
	CHECK_EQ(utf8_width(0x4e2d), 2);
	CHECK_EQ(utf8_width(0xac00), 2);
	CHECK_EQ(utf8_width(0xff21), 2);
	CHECK_EQ(utf8_width(0xff71), 1);
	CHECK_EQ(utf8_width(0x1f600), 2);
	CHECK_EQ(utf8_width(0x20000), 2);
	CHECK_EQ(utf8_width(0xe0100), 0);
	CHECK_EQ(utf8_width(0x10ffff), 1);
}
