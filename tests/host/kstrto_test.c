/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/kstrto.c src/lib/string.c */
#include <kernel/errno.h>
#include <kernel/kstrto.h>
#include "test.h"

struct row {
	const char *text;
	unsigned int base;
	int rc;
	int64_t value;
};

static const struct row rows[] = {
	{ "0", 0, 0, 0 },
	{ "10", 0, 0, 10 },
	{ "010", 0, 0, 8 },
	{ "0x10", 0, 0, 16 },
	{ "0X1f", 0, 0, 31 },
	{ "0x1f", 16, 0, 31 },
	{ "1f", 16, 0, 31 },
	{ "1f", 10, -EINVAL, 0 },
	{ "", 10, -EINVAL, 0 },
	{ "-", 10, -EINVAL, 0 },
	{ "+", 10, -EINVAL, 0 },
	{ " 1", 10, -EINVAL, 0 },
	{ "1 ", 10, -EINVAL, 0 },
	{ "1\n", 10, 0, 1 },
	{ "1\n\n", 10, -EINVAL, 0 },
	{ "\n", 10, -EINVAL, 0 },
	{ "+5", 10, 0, 5 },
	{ "-5", 10, 0, -5 },
	{ "--5", 10, -EINVAL, 0 },
	{ "0x", 0, -EINVAL, 0 },
	{ "0xg", 0, -EINVAL, 0 },
	{ "08", 0, -EINVAL, 0 },
	{ "zz", 36, 0, 35 * 36 + 35 },
	{ "9223372036854775807", 10, 0, INT64_MAX },
	{ "-9223372036854775808", 10, 0, INT64_MIN },
	{ "9223372036854775808", 10, -ERANGE, 0 },
	{ "-9223372036854775809", 10, -ERANGE, 0 },
	{ "99999999999999999999", 10, -ERANGE, 0 },
	{ "99999999999999999999x", 10, -EINVAL, 0 },
	{ "-0x8000000000000000", 0, 0, INT64_MIN },
};

TEST(signed_table)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t v = 77;

		CHECK_EQ(kstrtos64(rows[i].text, rows[i].base, &v), rows[i].rc);
		CHECK_EQ(v, rows[i].rc ? 77 : rows[i].value);
		if (test_failures)
			printf("# row %zu \"%s\"\n", i, rows[i].text);
	}
}

TEST(unsigned_limits)
{
	u64 v = 0;
	unsigned int u = 0;
	unsigned long ul = 0;
	int n = 0;
	long l = 0;

	CHECK_EQ(kstrtou64("18446744073709551615", 10, &v), 0);
	CHECK(v == UINT64_MAX);
	CHECK_EQ(kstrtou64("18446744073709551616", 10, &v), -ERANGE);
	CHECK_EQ(kstrtou64("-1", 10, &v), -EINVAL);
	CHECK_EQ(kstrtouint("4294967295", 10, &u), 0);
	CHECK_EQ(u, 4294967295u);
	CHECK_EQ(kstrtouint("4294967296", 10, &u), -ERANGE);
	CHECK_EQ(kstrtoint("-2147483648", 10, &n), 0);
	CHECK_EQ(n, INT32_MIN);
	CHECK_EQ(kstrtoint("2147483648", 10, &n), -ERANGE);
	CHECK_EQ(kstrtoul("0xffffffffffffffff", 0, &ul), 0);
	CHECK(ul == ~0ul);
	CHECK_EQ(kstrtol("-1", 10, &l), 0);
	CHECK_EQ(l, -1);
}

TEST(booleans)
{
	static const char *const yes[] = { "1", "y", "Y", "yes", "on", "ON", "true" };
	static const char *const no[] = { "0", "n", "N", "no", "off", "Of", "false" };
	bool b;

	for (size_t i = 0; i < 7; i++) {
		CHECK(!kstrtobool(yes[i], &b) && b);
		CHECK(!kstrtobool(no[i], &b) && !b);
	}
	CHECK_EQ(kstrtobool("", &b), -EINVAL);
	CHECK_EQ(kstrtobool("o", &b), -EINVAL);
	CHECK_EQ(kstrtobool("2", &b), -EINVAL);
}

TEST(prefix_forms)
{
	const char *end;

	CHECK_EQ(memparse("16M", &end), 16 << 20);
	CHECK_STR(end, "");
	CHECK_EQ(memparse("4k,rest", &end), 4096);
	CHECK_STR(end, ",rest");
	CHECK_EQ(memparse("0x10g", &end), 16ll << 30);
	CHECK_EQ(memparse("1T", NULL), 1ll << 40);
	CHECK_EQ(memparse("12", &end), 12);
	CHECK_STR(end, "");
	CHECK_EQ(memparse("M", &end), 0);
	CHECK_STR(end, "M");
	CHECK(memparse("99999999999999E", NULL) == UINT64_MAX);
	CHECK_EQ(parse_u64("77:12", &end, 8), 63);
	CHECK_STR(end, ":12");
	CHECK_EQ(parse_u64("x", &end, 10), 0);
	CHECK_STR(end, "x");
	CHECK(parse_u64("99999999999999999999", &end, 10) == UINT64_MAX);
	CHECK_STR(end, "");
}
