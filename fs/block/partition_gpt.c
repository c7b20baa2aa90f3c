/* SPDX-License-Identifier: MIT */
/* GUID partition tables: a protective table of the old kind in block 0, a header in block 1 and one
 * in the last block, each with check sums of itself and of its array of entries.
 * The second header is used when the first is bad, which is worth a message: the next program that
 * writes the table should repair it. Untrusted: every number is checked against the disk; numbers
 * are in logical blocks. */
#include "partition_table.h"

#include <kernel/crc.h>
#include <kernel/printf.h>
#include <kernel/string.h>

#define ENTRY_SIZE 128
#define ENTRIES_MAX 32768
#define HEADER_MIN 92
#define LABEL_UNITS 36

struct gpt_header {
	u64 my_lba, alternate_lba, first_usable, last_usable, entries_lba;
	u32 nr_entries, entries_crc;
};

static bool protective(const u8 *block)
{
	if (block[510] != 0x55 || block[511] != 0xaa)
		return false;
	for (unsigned int k = 0; k < 4; k++) {
		const u8 *p = block + 446 + 16 * k;

		if (p[4] == 0xee && part_le32(p + 8) == 1)
			return true;
	}
	return false;
}

static u64 last_lba(const struct part_source *src)
{
	return src->sectors / (src->logical_block / 512) - 1;
}

static bool read_header(const struct part_source *src, u64 lba, struct gpt_header *h)
{
	u8 *b = src->block;
	u64 last = last_lba(src);
	u32 size, crc;

	if (!part_read_block(src, lba) || memcmp(b, "EFI PART", 8) != 0)
		return false;
	size = part_le32(b + 12);
	if (size < HEADER_MIN || size > src->logical_block)
		return false;
	crc = part_le32(b + 16);
	memset(b + 16, 0, 4);
	if (crc32(0, b, size) != crc)
		return false;
	h->my_lba = part_le64(b + 24);
	h->alternate_lba = part_le64(b + 32);
	h->first_usable = part_le64(b + 40);
	h->last_usable = part_le64(b + 48);
	h->entries_lba = part_le64(b + 72);
	h->nr_entries = part_le32(b + 80);
	h->entries_crc = part_le32(b + 88);
	return h->my_lba == lba && h->first_usable <= last && h->last_usable <= last &&
	       h->first_usable <= h->last_usable && part_le32(b + 84) == ENTRY_SIZE &&
	       h->nr_entries >= 1 && h->nr_entries <= ENTRIES_MAX;
}

/* Mixed byte order: the first three fields are little endian. */
static void guid_text(const u8 *g, char *out)
{
	static const u8 order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	static const char hex[] = "0123456789abcdef";

	for (unsigned int k = 0; k < 16; k++) {
		*out++ = hex[g[order[k]] >> 4];
		*out++ = hex[g[order[k]] & 15];
		if (k == 3 || k == 5 || k == 7 || k == 9)
			*out++ = '-';
	}
	*out = '\0';
}

/* UTF-16 to UTF-8; halves of pairs and control characters become '!', what does not fit is cut. */
static void label_text(const u8 *p, char *out, size_t size)
{
	size_t n = 0;

	for (unsigned int k = 0; k < LABEL_UNITS; k++, p += 2) {
		u32 c = p[0] | (u32)p[1] << 8;

		if (!c)
			break;
		if (c < 32 || c == 127 || (c >= 0xd800 && c < 0xe000))
			c = '!';
		if (n + 3 >= size)
			break;
		if (c < 0x80) {
			out[n++] = (char)c;
		} else if (c < 0x800) {
			out[n++] = (char)(0xc0 | c >> 6);
			out[n++] = (char)(0x80 | (c & 63));
		} else {
			out[n++] = (char)(0xe0 | c >> 12);
			out[n++] = (char)(0x80 | (c >> 6 & 63));
			out[n++] = (char)(0x80 | (c & 63));
		}
	}
	out[n] = '\0';
}

static void add_entry(const struct part_source *src, struct part_table *t, unsigned int no,
		      const u8 *e)
{
	static const u8 unused[16];
	u64 first = part_le64(e + 32), last = part_le64(e + 40);
	u32 unit = src->logical_block / 512;
	struct part_entry *p;

	if (no > PART_MAX || memcmp(e, unused, 16) == 0 || first > last || last > last_lba(src))
		return;
	if (!part_add(t, no, first * unit, (last - first + 1) * unit))
		return;
	p = &t->parts[t->nr - 1];
	guid_text(e + 16, p->uuid);
	label_text(e + 56, p->label, sizeof(p->label));
}

/* Block by block, so that a large array needs no memory; it counts only if its sum is right. */
static bool read_entries(const struct part_source *src, const struct gpt_header *h,
			 struct part_table *t)
{
	u64 bytes = (u64)h->nr_entries * ENTRY_SIZE, lba = h->entries_lba;
	unsigned int no = 1;
	u32 crc = 0;

	t->nr = 0;
	while (bytes) {
		u32 n = bytes < src->logical_block ? (u32)bytes : src->logical_block;

		if (!part_read_block(src, lba++))
			return false;
		crc = crc32(crc, src->block, n);
		for (u32 at = 0; at < n; at += ENTRY_SIZE)
			add_entry(src, t, no++, src->block + at);
		bytes -= n;
	}
	return crc == h->entries_crc;
}

bool gpt_parse(const struct part_source *src, struct part_table *t)
{
	struct gpt_header h;

	t->nr = 0;
	t->type = "gpt";
	t->note = NULL;
	if (src->sectors / (src->logical_block / 512) < 3)
		return false;
	if (!part_read_block(src, 0) || !protective(src->block))
		return false;
	if (read_header(src, 1, &h) && read_entries(src, &h, t))
		return true;
	if (read_header(src, last_lba(src), &h) && read_entries(src, &h, t)) {
		t->note = "the first GPT is bad, the one at the end is used";
		return true;
	}
	t->nr = 0;
	t->note = "neither copy of the GPT is valid";
	return false;
}
