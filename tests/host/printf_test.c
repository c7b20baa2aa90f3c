/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/printf.c src/lib/string.c */
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-truncation"
#pragma GCC diagnostic ignored "-Wformat-overflow"
#pragma GCC diagnostic ignored "-Wformat-zero-length"
#include <kernel/printf.h>
#include <limits.h>
#include "test.h"

static char ours[600], libc[600];

#define SAME(...)                                                                                  \
	do {                                                                                       \
		int n_ours = keelson_snprintf(ours, sizeof(ours), __VA_ARGS__);                    \
		int n_libc = snprintf(libc, sizeof(libc), __VA_ARGS__);                            \
		CHECK_STR(ours, libc);                                                             \
		CHECK_EQ(n_ours, n_libc);                                                          \
	} while (0)

TEST(plain)
{
	SAME("");
	SAME("no conversion");
	SAME("%%|%c|%s|%d", 'x', "str", -5);
	SAME("%s %s", "a", "");
	SAME("%.3s|%.0s|%10.2s|%-10.2s|", "abcdef", "abc", "xyz", "xyz");
	SAME("%5c|%-5c|", 'a', 'b');
	SAME("%*d|%-*d|%.*d", 7, 3, 7, 3, 4, 9);
	SAME("%*d|%.*d|", -7, 3, -1, 9);
	SAME("%c", 0);
}

TEST(every_flag_and_size)
{
	static const char *const flags[] = { "",   "-",	 "+",  " ",  "#",  "0",	 "-+",
					     "+0", "#0", "-#", " 0", "+ ", "-0", "#+ 0-" };
	static const char *const widths[] = { "", "1", "8", "25" };
	static const char *const precisions[] = { "", ".", ".0", ".1", ".5", ".22" };
	static const char *const sizes[] = { "hh", "h", "", "l", "ll", "z", "t", "j" };
	static const char letters[] = "diuxXo";
	static const long long values[] = { 0,	      1,	-1,	  7,
					    8,	      255,	256,	  -128,
					    32767,    -32768,	INT_MAX,  INT_MIN,
					    UINT_MAX, LONG_MAX, LONG_MIN, 1234567890123456789 };
	char fmt[64];

	for (size_t f = 0; f < sizeof(flags) / sizeof(*flags); f++)
		for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++)
			for (size_t p = 0; p < sizeof(precisions) / sizeof(*precisions); p++)
				for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
					for (const char *l = letters; *l; l++)
						for (size_t v = 0;
						     v < sizeof(values) / sizeof(*values); v++) {
							snprintf(fmt, sizeof(fmt), "<%%%s%s%s%s%c>",
								 flags[f], widths[w], precisions[p],
								 sizes[s], *l);
							if (s >= 3)
								SAME(fmt, values[v]);
							else
								SAME(fmt, (int)values[v]);
							if (test_failures > 5) {
								printf("# at %s\n", fmt);
								return;
							}
						}
}

TEST(truncation)
{
	char buf[16], want[16];

	for (size_t size = 0; size <= sizeof(buf); size++) {
		memset(buf, 'Z', sizeof(buf));
		memset(want, 'Z', sizeof(want));
		CHECK_EQ(keelson_snprintf(buf, size, "%s-%05d", "abc", 42), 9);
		snprintf(want, size, "%s-%05d", "abc", 42);
		CHECK_MEM(buf, want, sizeof(buf));
		CHECK_EQ(scnprintf(buf, size, "%s-%05d", "abc", 42), size == 0	 ? 0
								     : size < 10 ? (int)size - 1
										 : 9);
	}
	CHECK_EQ(keelson_snprintf(NULL, 0, "%d", 12345), 5);
}

TEST(precision_bounds_the_read)
{
	char *text = malloc(3);

	memcpy(text, "xyz", 3);
	keelson_snprintf(ours, sizeof(ours), "%.3s", text);
	CHECK_STR(ours, "xyz");
	free(text);
}

TEST(pointers)
{
	keelson_snprintf(ours, sizeof(ours), "%p", (void *)0x1234abcdul);
	CHECK_STR(ours, "000000001234abcd");
	keelson_snprintf(ours, sizeof(ours), "%pS|", (void *)0x1234abcdul);
	CHECK_STR(ours, "0x1234abcd|");
	keelson_snprintf(ours, sizeof(ours), "%s", (char *)NULL);
	CHECK_STR(ours, "(null)");
}

TEST(unknown_conversion_is_shown)
{
	keelson_snprintf(ours, sizeof(ours), "a%qb");
	CHECK_STR(ours, "a%qb");
	keelson_snprintf(ours, sizeof(ours), "end%");
	CHECK_STR(ours, "end%");
	keelson_snprintf(ours, sizeof(ours), "end%5");
	CHECK_STR(ours, "end%");
}

TEST(huge_width_is_bounded)
{
	CHECK_EQ(keelson_snprintf(ours, sizeof(ours), "%999999999d", 1), 1000000);
	CHECK_EQ(keelson_snprintf(ours, sizeof(ours), "%*d", INT_MAX, 1), 1000000);
	keelson_snprintf(ours, sizeof(ours), "%*.*d", INT_MIN, INT_MAX, 1);
	keelson_snprintf(ours, sizeof(ours), "%.*d", INT_MIN, 1);
	CHECK_STR(ours, "1");
}

TEST(strbuf_appends)
{
	struct strbuf sb;
	char buf[20];

	sb_init(&sb, buf, sizeof(buf));
	sb_puts(&sb, "ab");
	sb_putc(&sb, 'c');
	sb_printf(&sb, "-%d-", 12);
	sb_pad(&sb, 2);
	sb_put_u64(&sb, 0);
	sb_put_u64(&sb, 987);
	CHECK_STR(buf, "abc-12-  0987");
	CHECK_EQ(sb.len, 13);
	CHECK(!sb.overflow);
	sb_printf(&sb, "%s", "123456");
	CHECK_EQ(sb.len, 19);
	CHECK(!sb.overflow);
	sb_printf(&sb, "%s", "");
	CHECK(!sb.overflow);
	sb_putc(&sb, 'x');
	CHECK(sb.overflow);
	CHECK_STR(buf, "abc-12-  0987123456");
}

TEST(strbuf_overflow_keeps_what_fits)
{
	struct strbuf sb;
	char buf[8];

	sb_init(&sb, buf, sizeof(buf));
	sb_puts(&sb, "0123456789");
	CHECK(sb.overflow);
	CHECK_STR(buf, "0123456");
	sb_init(&sb, buf, sizeof(buf));
	sb_printf(&sb, "%d", 1234567890);
	CHECK(sb.overflow);
	CHECK_STR(buf, "1234567");
	CHECK_EQ(sb.len, 7);
	sb_init(&sb, NULL, 0);
	sb_puts(&sb, "x");
	sb_putc(&sb, 'x');
	sb_printf(&sb, "x");
	CHECK(sb.overflow);
	CHECK_EQ(sb.len, 0);
}

TEST(strbuf_escapes)
{
	struct strbuf sb;
	char buf[64];

	sb_init(&sb, buf, sizeof(buf));
	sb_puts_escaped(&sb, "a b\tc\\d\ne#\xc3\xa9", " #");
	CHECK_STR(buf, "a\\040b\\011c\\134d\\012e\\043\xc3\xa9");
}
