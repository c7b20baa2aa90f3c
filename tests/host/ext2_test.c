/* SPDX-License-Identifier: MIT */
/* LINK: fs/ext2/dirblock.c fs/ext2/xattr_block.c src/lib/string.c src/lib/printf.c */
/* Directory blocks and attribute blocks of ext2, against models; damaged ones must not lead out. */
#include <kernel/errno.h>

#include "../../fs/ext2/dirblock.h"
#include "../../fs/ext2/xattr_block.h"
#include "test.h"

static char block[4096] __attribute__((aligned(8)));

/* --- directories --- */

#define NAMES 200
static bool there[NAMES];

static u32 name_of(char *buf, unsigned int n)
{
	return (u32)snprintf(buf, 300, "%u-%.*s", n, (int)(n * 7 % 60),
			     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789");
}

static void check_dir(u32 size)
{
	u32 off, seen = 0, live = 0, found = 0;
	char name[300];

	CHECK(dirblock_check(block, size, 100000, &off) == NULL);
	for (u32 o = 0; o < size; o += dirblock_at(block, o)->rec_len)
		live += dirblock_at(block, o)->inode != 0;
	for (unsigned int n = 0; n < NAMES; n++) {
		u32 len = name_of(name, n);
		int at = dirblock_find(block, size, name, len, &seen);

		CHECK_EQ(at >= 0, there[n]);
		if (at >= 0)
			CHECK_EQ(dirblock_at(block, (u32)at)->inode, n + 1);
		found += at >= 0;
	}
	CHECK_EQ(live, found);
}

TEST(directory_block_against_model)
{
	static const u32 sizes[] = { 1024, 2048, 4096 };

	for (int round = 0; round < 30; round++) {
		u32 size = sizes[round % 3];

		memset(there, 0, sizeof(there));
		dirblock_init(block, size);
		for (int step = 0; step < 400; step++) {
			unsigned int n = (unsigned int)test_below(NAMES);
			u32 holder = 0, seen = 0, len;
			char name[300];

			len = name_of(name, n);
			if (there[n]) {
				int at = dirblock_find(block, size, name, len, &seen);

				REQUIRE(at >= 0);
				dirblock_at(block, (u32)at)->inode = 0;
				there[n] = false;
			} else if (dirblock_gap(block, size, &holder) >= EXT2_DIRENT_LEN(len)) {
				u32 at = dirblock_insert(block, size, holder, name, len, n + 1, 1);

				CHECK_EQ(dirblock_find(block, size, name, len, &seen), (int)at);
				there[n] = true;
			}
			if (step % 20 == 0)
				check_dir(size);
		}
		check_dir(size);
	}
}

TEST(first_directory_block)
{
	u32 seen = 0, off;

	dirblock_init_first(block, 1024, 11, 2, 2);
	CHECK(dirblock_check(block, 1024, 100, &off) == NULL);
	CHECK_EQ(dirblock_find(block, 1024, ".", 1, &seen), 0);
	CHECK_EQ(dirblock_find(block, 1024, "..", 2, &seen), 12);
	CHECK_EQ(dirblock_at(block, 0)->rec_len, 12);
	CHECK_EQ(dirblock_at(block, 12)->rec_len, 1012);
	CHECK_EQ(dirblock_at(block, 12)->inode, 2);
}

TEST(damaged_directory_blocks)
{
	u32 off, seen = 0, holder;

	for (int round = 0; round < 20000; round++) {
		unsigned int hits = 1 + (unsigned int)test_below(6);

		dirblock_init_first(block, 1024, 11, 2, 2);
		for (u32 n = 0; n < 10; n++)
			dirblock_insert(block, 1024, (dirblock_gap(block, 1024, &holder), holder),
					"some-name", 9, n + 20, 1);
		while (hits--)
			block[test_below(200)] = (char)test_rand();
		if (dirblock_check(block, 1024, 100, &off))
			continue;
		/* What passes the check can be used. */
		(void)dirblock_find(block, 1024, "none", 4, &seen);
		if (dirblock_gap(block, 1024, &holder) >= EXT2_DIRENT_LEN(20))
			dirblock_insert(block, 1024, holder, "a-name-of-20-letters", 20, 5, 1);
		CHECK(dirblock_check(block, 1024, 100, &off) == NULL);
	}
}

/* --- attributes --- */

#define KEYS 12
static char values[KEYS][200];
static int lengths[KEYS]; /* -1: absent */

static struct xattr_key key_of(unsigned int n, char *buf)
{
	u32 len = (u32)snprintf(buf, 40, "%.*s%u", (int)(n % 5), "namename", n);

	return (struct xattr_key){ .index = (u8)(1 + n % 3), .name = buf, .len = (u8)len };
}

TEST(attribute_block_against_model)
{
	static char next[1024] __attribute__((aligned(8)));
	struct xattr_area to = xattr_of_block(next, 1024), from = xattr_of_block(block, 1024);
	char name[40], value[200];
	u32 hash;

	memset(block, 0, sizeof(block));
	for (unsigned int n = 0; n < KEYS; n++)
		lengths[n] = -1;
	for (int step = 0; step < 20000; step++) {
		unsigned int n = (unsigned int)test_below(KEYS), count = 0;
		struct xattr_key key = key_of(n, name);
		int len = (int)test_below(200), rc;
		bool set = test_below(3) != 0;

		for (int k = 0; k < len; k++)
			value[k] = (char)test_rand();
		memset(next, 0, sizeof(next));
		rc = xattr_rebuild(&to, &from, &key, set ? value : NULL, (u32)len, &hash);
		if (rc == -ENOSPC)
			continue;
		REQUIRE(rc >= 0);
		memcpy(block, next, sizeof(next));
		lengths[n] = set ? len : -1;
		memcpy(values[n], value, sizeof(value));
		REQUIRE(xattr_area_ok(&from));
		for (unsigned int k = 0; k < KEYS; k++) {
			struct xattr_key other = key_of(k, name);
			const struct ext2_xattr_entry *e = xattr_find(&from, &other);

			CHECK_EQ(e != NULL, lengths[k] >= 0);
			if (!e)
				continue;
			count++;
			CHECK_EQ(e->e_value_size, (u32)lengths[k]);
			CHECK(!lengths[k] ||
			      !memcmp(block + e->e_value_offs, values[k], (size_t)lengths[k]));
		}
		CHECK_EQ(count, (unsigned int)rc);
	}
}

TEST(damaged_attribute_blocks)
{
	static char one[1024] __attribute__((aligned(8))), copy[1024] __attribute__((aligned(8))),
		next[1024] __attribute__((aligned(8)));
	struct xattr_key a = { 1, "first", 5 }, b = { 4, "second-name", 11 };
	struct xattr_area none = xattr_of_block(copy, 1024), area = none,
			  first = xattr_of_block(one, 1024), whole = xattr_of_block(block, 1024),
			  to = xattr_of_block(next, 1024);
	u32 hash;

	memset(copy, 0, sizeof(copy));
	memset(one, 0, sizeof(one));
	memset(block, 0, sizeof(block));
	REQUIRE(xattr_rebuild(&first, &none, &a, "value", 5, &hash) == 1);
	REQUIRE(xattr_rebuild(&whole, &first, &b, "another value", 13, &hash) == 2);
	for (int round = 0; round < 50000; round++) {
		unsigned int hits = 1 + (unsigned int)test_below(4);

		memcpy(copy, block, sizeof(copy));
		while (hits--)
			copy[test_below(120)] = (char)test_rand();
		if (!xattr_area_ok(&area))
			continue;
		(void)xattr_find(&area, &b);
		memset(next, 0, sizeof(next));
		(void)xattr_rebuild(&to, &area, &a, "x", 1, &hash);
	}
}
