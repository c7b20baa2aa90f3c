/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/hash.c src/lib/siphash.c src/lib/crc.c */
#include <kernel/crc.h>
#include <kernel/hash.h>
#include "test.h"

static const u64 sip_key[2] = { 0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull };

TEST(siphash_reference)
{
	u8 in[16];

	for (int i = 0; i < 16; i++)
		in[i] = (u8)i;
	CHECK(siphash24(in, 0, sip_key) == 0x726fdb47dd0e0e31ull);
	CHECK(siphash24(in, 8, sip_key) == 0x93f5f5799a932462ull);
	CHECK(siphash24(in, 15, sip_key) == 0xa129ca6149be45e5ull);
}

TEST(siphash_word_forms_agree)
{
	for (int i = 0; i < 1000; i++) {
		u64 key[2] = { test_rand(), test_rand() }, w[2] = { test_rand(), test_rand() };

		CHECK(siphash24_u64(w[0], key) == siphash24(w, 8, key));
		CHECK(siphash24_2u64(w[0], w[1], key) == siphash24(w, 16, key));
	}
}

static u32 crc_bitwise(u32 poly, const u8 *p, size_t n)
{
	u32 c = ~0u;

	for (; n; n--) {
		c ^= *p++;
		for (int k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? poly : 0);
	}
	return ~c;
}

TEST(crc_check_values)
{
	CHECK_EQ(crc32(0, "123456789", 9), 0xcbf43926);
	CHECK_EQ(crc32c(0, "123456789", 9), 0xe3069283);
	CHECK_EQ(crc16(0, "123456789", 9), 0xbb3d);
	CHECK_EQ(crc16(0xffff, "123456789", 9), 0x4b37);
	CHECK_EQ(crc32(0, "", 0), 0);
}

TEST(crc_against_bits)
{
	u8 buf[300];

	for (int i = 0; i < 3000; i++) {
		size_t at = test_below(9), n = test_below(280), cut = test_below(n + 1);

		test_fill(buf, sizeof(buf));
		CHECK_EQ(crc32(0, buf + at, n), crc_bitwise(0xedb88320, buf + at, n));
		CHECK_EQ(crc32c(0, buf + at, n), crc_bitwise(0x82f63b78, buf + at, n));
		CHECK_EQ(crc32(crc32(0, buf, cut), buf + cut, n - cut), crc32(0, buf, n));
	}
}

/* Chi-square of names over a table: far from uniform is a fault. */
static void check_spread(u32 (*hash)(int i), unsigned int bits)
{
	unsigned int n = 1u << bits, keys = n * 8, *count = calloc(n, sizeof(*count));
	double chi = 0;

	for (unsigned int i = 0; i < keys; i++)
		count[hash((int)i) & (n - 1)]++;
	for (unsigned int i = 0; i < n; i++)
		chi += (count[i] - 8.0) * (count[i] - 8.0) / 8.0;
	/* mean n - 1, deviation sqrt(2n), which is 1.42 * 2^(bits / 2): six deviations */
	if (!CHECK(chi < n + 6 * 1.42 * (1u << bits / 2)))
		printf("# chi-square %f for %u cells\n", chi, n);
	free(count);
}

static u32 hash_file_names(int i)
{
	char name[32];
	int n = sprintf(name, "file%d.txt", i);

	return hash_name(name, (size_t)n, 0x1234567);
}

static u32 hash_high_bits(int i)
{
	char name[32];
	int n = sprintf(name, "%08x-long-common-tail", (unsigned int)i);

	return hash_name(name, (size_t)n, 99) >> 16;
}

static u32 hash_salts(int i)
{
	return hash_name("x", 1, 0xffff888000000000ull + (u64)i * 192);
}

TEST(hash_name_spreads)
{
	check_spread(hash_file_names, 12);
	check_spread(hash_high_bits, 12);
	check_spread(hash_salts, 12);
}

TEST(hash_name_reads_only_its_range)
{
	for (size_t n = 0; n < 40; n++) {
		char *s = malloc(n ? n : 1);
		u32 h;

		test_fill(s, n);
		h = hash_name(s, n, 5);
		CHECK_EQ(hash_name(s, n, 5), h);
		if (n) {
			s[test_below(n)] ^= 1;
			CHECK(hash_name(s, n, 5) != h);
		}
		free(s);
	}
}

TEST(every_byte_counts)
{
	char name[24];

	memset(name, 'a', sizeof(name));
	for (size_t n = 1; n <= sizeof(name); n++) {
		u32 h = hash_name(name, n, 0);

		CHECK(hash_name(name, n - 1, 0) != h);
		for (size_t i = 0; i < n; i++) {
			name[i] = 'b';
			CHECK(hash_name(name, n, 0) != h);
			name[i] = 'a';
		}
	}
}

TEST(integer_hashes)
{
	for (unsigned int bits = 1; bits <= 32; bits++) {
		u64 v = test_rand();

		CHECK((u64)hash_64(v, bits) < 1ull << bits);
		CHECK((u64)hash_32((u32)v, bits) < 1ull << bits);
		CHECK((u64)hash_ptr(&v, bits) < 1ull << bits);
	}
	CHECK_EQ(hash_str(""), 0x811c9dc5);
	CHECK_EQ(hash_str("a"), 0xe40c292c);
}
