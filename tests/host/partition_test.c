/* SPDX-License-Identifier: MIT */
/* LINK: fs/block/partition_mbr.c fs/block/partition_gpt.c src/lib/crc.c */
/* LINK: src/lib/printf.c src/lib/string.c */
#include "../../fs/block/partition_table.h"
#include <kernel/crc.h>
#include <kernel/errno.h>
#include "test.h"

#define DISK_SECTORS 4096u /* 2 MiB */

static u8 disk[DISK_SECTORS * 512], scratch[4096];
static struct part_table table;
static u32 logical = 512;
static unsigned int reads;
static u64 bad_sector; /* reading it fails; 0 none */

static int disk_read(void *arg, u64 sector, void *buf, unsigned int n)
{
	(void)arg;
	reads++;
	if (!CHECK(sector + n <= DISK_SECTORS))
		return -EIO;
	if (bad_sector && bad_sector >= sector && bad_sector < sector + n)
		return -EIO;
	memcpy(buf, disk + sector * 512, n * 512);
	return 0;
}

static struct part_source source(void)
{
	return (struct part_source){ .read = disk_read, .sectors = DISK_SECTORS,
				     .logical_block = logical, .block = scratch };
}

static bool mbr(void)
{
	struct part_source s = source();

	return mbr_parse(&s, &table);
}

static bool gpt(void)
{
	struct part_source s = source();

	return gpt_parse(&s, &table);
}

static void put32(u8 *p, u32 v)
{
	for (int k = 0; k < 4; k++)
		p[k] = (u8)(v >> 8 * k);
}

static void put64(u8 *p, u64 v)
{
	put32(p, (u32)v);
	put32(p + 4, (u32)(v >> 32));
}

static void wipe(void)
{
	memset(disk, 0, sizeof(disk));
	logical = 512;
	bad_sector = 0;
	reads = 0;
}

static void mbr_entry(u32 block, unsigned int k, u8 type, u32 start, u32 size)
{
	u8 *b = disk + (size_t)block * logical, *p = b + 446 + 16 * k;

	b[510] = 0x55;
	b[511] = 0xaa;
	p[4] = type;
	put32(p + 8, start);
	put32(p + 12, size);
}

static bool is(unsigned int k, unsigned int no, u64 start, u64 sectors)
{
	return k < table.nr && table.parts[k].no == no && table.parts[k].start == start &&
	       table.parts[k].sectors == sectors;
}

/* --- the old kind --- */

TEST(mbr_none)
{
	wipe();
	CHECK(!mbr());
	disk[510] = 0x55;
	disk[511] = 0xaa;
	CHECK(mbr());
	CHECK(table.nr == 0);
}

TEST(mbr_primary)
{
	wipe();
	put32(disk + 440, 0xdeadbeef);
	mbr_entry(0, 0, 0x83, 63, 100);
	mbr_entry(0, 2, 0x82, 500, 1000);
	mbr_entry(0, 3, 0x83, 3000, 999999); /* beyond the end: the caller's business */
	REQUIRE(mbr());
	CHECK(table.nr == 3);
	CHECK(is(0, 1, 63, 100));
	CHECK(is(1, 3, 500, 1000));
	CHECK(is(2, 4, 3000, 999999));
	CHECK(strcmp(table.parts[0].uuid, "deadbeef-01") == 0);
	CHECK(strcmp(table.parts[2].uuid, "deadbeef-04") == 0);
}

TEST(mbr_logical)
{
	wipe();
	put32(disk + 440, 1);
	mbr_entry(0, 0, 0x83, 1, 9);
	mbr_entry(0, 1, 0x0f, 100, 1000);
	mbr_entry(100, 0, 0x83, 1, 50);
	mbr_entry(100, 1, 0x05, 200, 100);
	mbr_entry(300, 0, 0x83, 2, 60);
	mbr_entry(300, 1, 0x05, 400, 100);
	mbr_entry(500, 0, 0x83, 3, 70);
	mbr_entry(500, 2, 0x83, 5, 5000); /* rubbish in the third entry */
	REQUIRE(mbr());
	CHECK(table.nr == 5);
	CHECK(is(0, 1, 1, 9));
	CHECK(is(1, 2, 100, 2));
	CHECK(is(2, 5, 101, 50));
	CHECK(is(3, 6, 302, 60));
	CHECK(is(4, 7, 503, 70));
	CHECK(table.parts[1].uuid[0] == '\0');
	CHECK(strcmp(table.parts[4].uuid, "00000001-07") == 0);
}

TEST(mbr_large_blocks)
{
	wipe();
	logical = 4096;
	mbr_entry(0, 0, 0x83, 2, 10);
	mbr_entry(0, 1, 0x05, 20, 100);
	mbr_entry(20, 0, 0x83, 1, 5);
	REQUIRE(mbr());
	CHECK(is(0, 1, 16, 80));
	CHECK(is(1, 2, 160, 8));
	CHECK(is(2, 5, 168, 40));
}

TEST(mbr_loops)
{
	wipe();
	mbr_entry(0, 0, 0x05, 10, 100);
	mbr_entry(10, 1, 0x05, 0, 100); /* itself, nothing in it */
	REQUIRE(mbr());
	CHECK(table.nr == 1);
	CHECK(reads < 300);
	mbr_entry(10, 0, 0x83, 1, 5); /* itself, with a partition: cut by the number of them */
	REQUIRE(mbr());
	CHECK(table.nr <= PART_MAX);
	CHECK(reads < 1000);
	for (unsigned int k = 1; k < table.nr; k++)
		CHECK(table.parts[k].no <= PART_MAX);
}

TEST(mbr_others)
{
	wipe();
	mbr_entry(0, 0, 0xee, 1, 4000);
	CHECK(!mbr());
	wipe();
	mbr_entry(0, 0, 0x83, 1, 4000);
	disk[446] = 0x12; /* no boot flag: some program */
	CHECK(!mbr());
	disk[14] = 1; /* a FAT boot sector: a disk without partitions */
	disk[16] = 2;
	disk[21] = 0xf8;
	CHECK(mbr());
	CHECK(table.nr == 0);
}

TEST(mbr_read_errors)
{
	wipe();
	mbr_entry(0, 0, 0x83, 1, 9);
	mbr_entry(0, 1, 0x05, 100, 1000);
	mbr_entry(100, 0, 0x83, 1, 50);
	bad_sector = 100;
	REQUIRE(mbr());
	CHECK(table.nr == 2);
}

/* --- GPT --- */

#define ENTRIES 128

static u8 *block_at(u64 lba)
{
	return disk + lba * logical;
}

static void seal(u64 lba, u64 entries)
{
	u8 *h = block_at(lba);

	put32(h + 88, crc32(0, block_at(entries), ENTRIES * 128));
	put32(h + 16, 0);
	put32(h + 16, crc32(0, h, 92));
}

static void header(u64 lba, u64 other, u64 entries)
{
	u64 last = DISK_SECTORS / (logical / 512) - 1;
	u8 *h = block_at(lba);

	memcpy(h, "EFI PART", 8);
	put32(h + 8, 0x10000);
	put32(h + 12, 92);
	put64(h + 24, lba);
	put64(h + 32, other);
	put64(h + 40, 34);
	put64(h + 48, last - 34);
	put64(h + 72, entries);
	put32(h + 80, ENTRIES);
	put32(h + 84, 128);
	seal(lba, entries);
}

static void gpt_entry(u64 entries, unsigned int k, u64 first, u64 last, const char *name)
{
	u8 *e = block_at(entries) + 128 * k;

	for (unsigned int n = 0; n < 32; n++)
		e[n] = (u8)(n + 16 * k + 1);
	put64(e + 32, first);
	put64(e + 40, last);
	for (unsigned int n = 0; name[n]; n++)
		e[56 + 2 * n] = (u8)name[n];
}

static void gpt_make(void)
{
	u64 last = DISK_SECTORS / (logical / 512) - 1;
	u64 span = ENTRIES * 128 / logical, copy = last - span;

	mbr_entry(0, 0, 0xee, 1, (u32)last);
	for (int k = 0; k < 2; k++) {
		u64 at = k ? copy : 2;

		gpt_entry(at, 0, 40, 99, "boot");
		gpt_entry(at, 2, 100, 199, "root of it");
		gpt_entry(at, 7, 300, 5000000, "too far");
		gpt_entry(at, 8, 300, 200, "backwards");
	}
	header(1, last, 2);
	header(last, 1, copy);
}

static bool found(void)
{
	u32 unit = logical / 512;

	return table.nr == 2 && is(0, 1, 40 * unit, 60 * unit) && is(1, 3, 100 * unit, 100 * unit);
}

TEST(gpt_simple)
{
	wipe();
	CHECK(!gpt());
	gpt_make();
	REQUIRE(gpt());
	CHECK(!table.note);
	CHECK(found());
	CHECK(strcmp(table.parts[0].label, "boot") == 0);
	CHECK(strcmp(table.parts[1].label, "root of it") == 0);
	CHECK(strcmp(table.parts[0].uuid, "14131211-1615-1817-191a-1b1c1d1e1f20") == 0);
	CHECK(!mbr());
}

TEST(gpt_large_blocks)
{
	wipe();
	logical = 4096;
	gpt_make();
	REQUIRE(gpt());
	CHECK(found());
}

TEST(gpt_copy)
{
	wipe();
	gpt_make();
	disk[512 + 60] ^= 1;
	REQUIRE(gpt());
	CHECK(table.note);
	CHECK(found());
	disk[512 + 60] ^= 1;
	disk[1024 + 5] ^= 1; /* the entries */
	REQUIRE(gpt());
	CHECK(table.note);
	CHECK(found());
	disk[1024 + 5] ^= 1;
	bad_sector = 1;
	REQUIRE(gpt());
	CHECK(table.note);
	CHECK(found());
	disk[(DISK_SECTORS - 1) * 512 + 40] ^= 1;
	CHECK(!gpt());
	CHECK(table.note);
	CHECK(table.nr == 0);
}

TEST(gpt_needs_protection)
{
	wipe();
	gpt_make();
	disk[450] = 0x83;
	CHECK(!gpt());
	CHECK(mbr());
}

TEST(gpt_label)
{
	u8 *e;

	wipe();
	gpt_make();
	e = disk + 1024;
	for (unsigned int k = 0; k < 36; k++) {
		e[56 + 2 * k] = 0xac; /* EURO SIGN, three bytes each: cut */
		e[57 + 2 * k] = 0x20;
	}
	seal(1, 2);
	REQUIRE(gpt());
	CHECK(strlen(table.parts[0].label) == 72);
	e[57] = 0xd8; /* half of a pair */
	seal(1, 2);
	REQUIRE(gpt());
	CHECK(table.parts[0].label[0] == '!');
}

/* --- anything --- */

TEST(mutated)
{
	static u8 good[sizeof(disk)];

	for (unsigned int round = 0; round < 3000 * test_rounds; round++) {
		unsigned int n = 1 + test_below(6);
		bool is_gpt = test_below(2);

		wipe();
		logical = 512u << test_below(4);
		if (is_gpt) {
			gpt_make();
		} else {
			mbr_entry(0, 0, 0x83, 1, 9);
			mbr_entry(0, 1, 0x05, 50, 100);
			mbr_entry(50, 0, 0x83, 1, 50);
			mbr_entry(50, 1, 0x05, 60, 100);
			mbr_entry(110, 0, 0x83, 2, 60);
		}
		memcpy(good, disk, sizeof(disk));
		while (n--) {
			u32 at = test_below(4) ? test_below(logical * 3)
					       : 110 * logical + test_below(logical);

			disk[at] = (u8)test_below(256);
		}
		if (is_gpt && test_below(2)) /* sums that are right over wrong numbers */
			seal(1, 2);
		reads = 0;
		if (!gpt())
			(void)mbr();
		CHECK(table.nr <= PART_MAX);
		CHECK(reads < 40000);
	}
}
