/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/cpio.c src/lib/string.c */
#include <kernel/cpio.h>
#include <kernel/errno.h>
#include "test.h"

struct file {
	char name[48];
	u32 size, mode, check;
	u8 data[200];
};

#define FILES 12

static struct file files[FILES];
static unsigned int n_files;

/* ---- writing archives ---- */

struct archive {
	u8 *data;
	size_t n;
};

static void put(struct archive *a, const void *p, size_t n)
{
	a->data = realloc(a->data, a->n + n + 1);
	memcpy(a->data + a->n, p, n);
	a->n += n;
}

static void pad(struct archive *a, size_t from)
{
	while ((a->n - from) % 4)
		put(a, "", 1);
}

static void put_entry(struct archive *a, const char *name, u32 mode, const void *data, u32 size,
		      bool sum)
{
	char h[CPIO_HEADER_LEN + 1];
	u32 check = 0;
	size_t from = a->n;

	for (u32 i = 0; sum && i < size; i++)
		check += ((const u8 *)data)[i];
	sprintf(h,
		test_below(2) ? "07070%c%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X"
			      : "07070%c%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		sum ? '2' : '1', 0xabcdef01u, mode, 1000u, 100u, 2u, 0x65000000u, size, 8u, 1u, 4u,
		64u, (u32)strlen(name) + 1, check);
	put(a, h, CPIO_HEADER_LEN);
	put(a, name, strlen(name) + 1);
	pad(a, from);
	put(a, data, size);
	pad(a, from);
}

static void random_archive(struct archive *a)
{
	n_files = (unsigned int)test_below(FILES + 1);
	for (unsigned int i = 0; i < n_files; i++) {
		struct file *f = &files[i];
		size_t len = 1 + test_below(sizeof(f->name) - 1);

		for (size_t k = 0; k < len; k++)
			f->name[k] = (char)(1 + test_below(255));
		f->name[len] = '\0';
		f->size = (u32)(test_below(3) ? test_below(sizeof(f->data)) : 0);
		f->mode = (u32)test_rand();
		test_fill(f->data, f->size);
		put_entry(a, f->name, f->mode, f->data, f->size, test_below(2));
	}
	put_entry(a, "TRAILER!!!", 0, "", 0, false);
}

static u8 *exact(const u8 *p, size_t n)
{
	u8 *c = malloc(n ? n : 1);

	memcpy(c, p, n);
	return c;
}

/* ---- reading ---- */

static void check_fields(const struct cpio_entry *e, const struct file *f)
{
	CHECK_STR(e->name, f->name);
	CHECK_EQ(e->name_len, strlen(f->name));
	CHECK_EQ(e->size, f->size);
	CHECK_EQ(e->mode, f->mode);
	CHECK_EQ(e->ino, 0xabcdef01u);
	CHECK_EQ(e->uid, 1000);
	CHECK_EQ(e->gid, 100);
	CHECK_EQ(e->nlink, 2);
	CHECK_EQ(e->mtime, 0x65000000);
	CHECK_EQ(e->dev_major, 8);
	CHECK_EQ(e->dev_minor, 1);
	CHECK_EQ(e->rdev_major, 4);
	CHECK_EQ(e->rdev_minor, 64);
}

TEST(iterator_reads_what_was_written)
{
	for (int round = 0; round < 2000; round++) {
		struct archive a = { 0 };
		struct cpio_entry e;
		struct cpio_iter it;
		u8 *in;

		random_archive(&a);
		in = exact(a.data, a.n);
		cpio_iter_init(&it, in, a.n);
		for (unsigned int i = 0; i < n_files; i++) {
			CHECK_EQ(cpio_next(&it, &e), 1);
			check_fields(&e, &files[i]);
			CHECK_MEM(e.data, files[i].data, e.size);
		}
		CHECK_EQ(cpio_next(&it, &e), 0);
		CHECK_EQ(it.pos, a.n);
		free(in);
		free(a.data);
	}
}

struct reader {
	unsigned int begun, ended, trailers;
	u32 got;
	bool check;  /* against files[] */
	int fail_at; /* callback that fails; -1: none */
};

static int tick(struct reader *r)
{
	return r->fail_at-- == 0 ? -EDOM : 0;
}

static int on_begin(void *ctx, const struct cpio_entry *e)
{
	struct reader *r = ctx;

	CHECK_EQ(r->begun, r->ended);
	if (r->check)
		check_fields(e, &files[r->begun % FILES]);
	CHECK(strlen(e->name) == e->name_len && e->name_len < CPIO_NAME_MAX);
	r->begun++;
	r->got = 0;
	return tick(r);
}

static int on_data(void *ctx, const void *data, size_t n)
{
	struct reader *r = ctx;
	const struct file *f = &files[(r->begun - 1) % FILES];

	CHECK(n > 0);
	CHECK_EQ(r->begun, r->ended + 1);
	if (r->check && CHECK(r->got + n <= f->size))
		CHECK_MEM(data, f->data + r->got, n);
	r->got += (u32)n;
	return tick(r);
}

static int on_end(void *ctx)
{
	struct reader *r = ctx;

	if (r->check)
		CHECK_EQ(r->got, files[(r->begun - 1) % FILES].size);
	r->ended++;
	return tick(r);
}

static int on_trailer(void *ctx)
{
	struct reader *r = ctx;

	r->trailers++;
	return tick(r);
}

static const struct cpio_ops ops = { on_begin, on_data, on_end, on_trailer };
static struct cpio_stream stream;

/* Feed in random pieces, each exactly sized. */
static int feed(const u8 *p, size_t n, size_t piece)
{
	int rc = 0;

	while (n && !rc) {
		size_t k = 1 + test_below(piece);
		u8 *in;

		k = k < n ? k : n;
		in = exact(p, k);
		rc = cpio_stream_feed(&stream, in, k);
		free(in);
		p += k;
		n -= k;
	}
	return rc ? rc : cpio_stream_finish(&stream);
}

TEST(stream_reads_what_was_written)
{
	for (int round = 0; round < 3000; round++) {
		struct archive a = { 0 };
		struct reader r = { .check = true, .fail_at = -1 };

		random_archive(&a);
		cpio_stream_init(&stream, &ops, &r);
		CHECK(cpio_stream_idle(&stream));
		CHECK_EQ(feed(a.data, a.n, round % 3 ? 300 : 3), 0);
		CHECK(cpio_stream_idle(&stream));
		CHECK_EQ(r.begun, n_files);
		CHECK_EQ(r.ended, n_files);
		CHECK_EQ(r.trailers, 1);
		free(a.data);
	}
}

TEST(archives_follow_each_other)
{
	struct archive a = { 0 };
	struct reader r = { .fail_at = -1 };

	put_entry(&a, "one", 0100644, "1", 1, false);
	put_entry(&a, "TRAILER!!!", 0, "", 0, false);
	for (int i = 0; i < 513; i++)
		put(&a, "", 1);
	put_entry(&a, "two", 0100644, "22", 2, true);
	put_entry(&a, "three", 040755, "", 0, true);
	put_entry(&a, "TRAILER!!!", 0, "", 0, false);
	cpio_stream_init(&stream, &ops, &r);
	CHECK_EQ(feed(a.data, a.n, 50), 0);
	CHECK_EQ(r.ended, 3);
	CHECK_EQ(r.trailers, 2);
	CHECK_EQ(stream.archives, 2);
	free(a.data);
}

TEST(an_empty_file_ends_at_once)
{
	struct archive a = { 0 };
	struct reader r = { .fail_at = -1 };

	put_entry(&a, "12345", 0100644, "", 0, false); /* header and name: 116, no padding */
	cpio_stream_init(&stream, &ops, &r);
	CHECK_EQ(cpio_stream_feed(&stream, a.data, a.n), 0);
	CHECK_EQ(r.ended, 1);
	CHECK_EQ(cpio_stream_finish(&stream), 0);
	free(a.data);
}

TEST(nothing_is_an_archive_too)
{
	struct reader r = { .fail_at = -1 };
	struct cpio_entry e;
	struct cpio_iter it;

	cpio_stream_init(&stream, &ops, &r);
	CHECK_EQ(cpio_stream_finish(&stream), 0);
	cpio_iter_init(&it, "", 0);
	CHECK_EQ(cpio_next(&it, &e), 0);
}

TEST(truncation_inside_an_entry)
{
	struct archive a = { 0 };

	put_entry(&a, "some/name", 0100644, "0123456789", 10, true);
	put_entry(&a, "TRAILER!!!", 0, "", 0, false);
	for (size_t n = 1; n < 130; n++) {
		struct reader r = { .fail_at = -1 };
		struct cpio_entry e;
		struct cpio_iter it;
		u8 *in = exact(a.data, n);

		cpio_stream_init(&stream, &ops, &r);
		CHECK_EQ(feed(in, n, 40), -EINVAL);
		cpio_iter_init(&it, in, n);
		CHECK_EQ(cpio_next(&it, &e), -EINVAL);
		free(in);
	}
	free(a.data);
}

static int both(const u8 *p, size_t n, struct reader *r)
{
	struct cpio_entry e;
	struct cpio_iter it;
	u8 *in = exact(p, n);
	unsigned int entries = 0;
	int rc, srem;

	*r = (struct reader){ .fail_at = -1 };
	cpio_stream_init(&stream, &ops, r);
	srem = feed(p, n, 200);
	cpio_iter_init(&it, in, n);
	while ((rc = cpio_next(&it, &e)) == 1) {
		CHECK(memchr(e.name, 0, e.name_len + 1) == e.name + e.name_len);
		for (u32 i = 0; i < e.size; i++)
			*(volatile const u8 *)((const u8 *)e.data + i);
		entries++;
	}
	CHECK(it.pos <= n);
	if (!rc && !srem && r->trailers <= 1)
		CHECK_EQ(entries, r->ended);
	free(in);
	return rc;
}

TEST(bad_fields)
{
	static const struct {
		size_t at;
		const char *text;
		int rc;
	} rows[] = {
		{ 0, "070707", -EINVAL },    { 0, "\0", -EINVAL },
		{ 6, "0000000g", -EINVAL },  { 14, " 0000000", -EINVAL },
		{ 54, "FFFFFFFF", -EINVAL }, { 54, "000000ff", -EINVAL },
		{ 94, "00000000", -EINVAL }, { 94, "00000001", -EINVAL },
		{ 94, "00000009", -EINVAL }, { 94, "0000000B", -EINVAL },
		{ 94, "00001001", -EINVAL }, { 94, "FFFFFFFF", -EINVAL },
		{ 94, "7fffffff", -EINVAL }, { 102, "00000001", -EBADMSG },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct archive a = { 0 };
		struct reader r;

		put_entry(&a, "some/name", 0100644, "0123456789", 10, true);
		put_entry(&a, "TRAILER!!!", 0, "", 0, false);
		memcpy(a.data + rows[i].at, rows[i].text,
		       rows[i].text[0] ? strlen(rows[i].text) : 1);
		CHECK_EQ(both(a.data, a.n, &r), rows[i].rc);
		free(a.data);
	}
}

TEST(empty_and_cut_names)
{
	struct archive a = { 0 };
	struct reader r;

	put_entry(&a, "", 0100644, "x", 1, false);
	CHECK_EQ(both(a.data, a.n, &r), -EINVAL);
	CHECK_EQ(r.begun, 0);
	a.n = 0;
	put_entry(&a, "ab", 0100644, "x", 1, false);
	a.data[CPIO_HEADER_LEN] = '\0';
	CHECK_EQ(both(a.data, a.n, &r), -EINVAL);
	CHECK_EQ(r.begun, 0);
	free(a.data);
}

TEST(mutated_archives_do_no_harm)
{
	for (unsigned int round = 0; round < 20000 * test_rounds; round++) {
		struct archive a = { 0 };
		struct reader r;

		random_archive(&a);
		for (size_t flips = 1 + test_below(5); flips--;) {
			size_t at = test_below(a.n);

			a.data[at] = test_below(2) ? (u8) "0123456789abcdefF"[test_below(17)]
						   : (u8)test_rand();
		}
		if (test_below(4) == 0)
			a.n = test_below(a.n);
		both(a.data, a.n, &r);
		free(a.data);
	}
}

TEST(callback_errors_stick)
{
	struct archive a = { 0 };

	put_entry(&a, "a", 0100644, "xyz", 3, false);
	put_entry(&a, "b", 0100644, "", 0, false);
	put_entry(&a, "TRAILER!!!", 0, "", 0, false);
	for (int k = 0; k < 6; k++) {
		struct reader r = { .fail_at = k };

		cpio_stream_init(&stream, &ops, &r);
		CHECK_EQ(cpio_stream_feed(&stream, a.data, a.n), -EDOM);
		CHECK_EQ(r.fail_at, -1);
		CHECK_EQ(cpio_stream_feed(&stream, a.data, a.n), -EDOM);
		CHECK_EQ(r.fail_at, -1);
		CHECK_EQ(cpio_stream_finish(&stream), -EDOM);
	}
	free(a.data);
}
