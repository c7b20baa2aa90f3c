/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/sort.c src/lib/ringbuf.c src/lib/string.c */
/* Small things: sorting and searching, byte rings, checked sizes, powers of two, character classes.
 */
#include <kernel/bsearch.h>
#include <kernel/ctype.h>
#include <kernel/div.h>
#include <kernel/ringbuf.h>
#include <kernel/size.h>
#include <kernel/sort.h>
#include "test.h"

struct rec {
	int key;
	char payload[9]; /* odd size: the byte tail of the swap */
};

static int by_key(const void *a, const void *b)
{
	int x = ((const struct rec *)a)->key, y = ((const struct rec *)b)->key;

	return x < y ? -1 : x > y;
}

static int by_int(const void *a, const void *b)
{
	return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

TEST(sort_random)
{
	struct rec r[200];

	for (int round = 0; round < 1500; round++) {
		size_t n = test_below(200);
		u64 sum = 0;

		for (size_t i = 0; i < n; i++) {
			r[i].key = (int)test_below(1 + (u64)round);
			sprintf(r[i].payload, "%d", r[i].key);
			sum += (u64)r[i].key * 2654435761u;
		}
		sort(r, n, sizeof(*r), by_key);
		for (size_t i = 0; i < n; i++) {
			CHECK(!i || r[i - 1].key <= r[i].key);
			CHECK_EQ(atoi(r[i].payload), r[i].key);
			sum -= (u64)r[i].key * 2654435761u;
		}
		CHECK_EQ(sum, 0);
	}
}

TEST(sort_all_orders)
{
	for (int code = 0; code < 6 * 6 * 6 * 6 * 6 * 6; code++) {
		int v[6], w[6];

		for (int i = 0, c = code; i < 6; i++, c /= 6)
			v[i] = w[i] = c % 6;
		sort(v, 6, sizeof(int), by_int);
		qsort(w, 6, sizeof(int), by_int);
		CHECK_MEM(v, w, sizeof(v));
	}
}

TEST(bsearch_finds)
{
	int v[100];

	for (int i = 0; i < 100; i++)
		v[i] = i * 3;
	for (size_t n = 0; n <= 100; n++) {
		for (int k = -1; k < 301; k++) {
			int *p = keelson_bsearch(&k, v, n, sizeof(int), by_int);
			bool there = k >= 0 && k % 3 == 0 && (size_t)k / 3 < n;

			CHECK(p == (there ? &v[k / 3] : NULL));
		}
	}
}

TEST(ring_against_queue)
{
	u8 buf[64], model[64], in[80], out[80];
	u32 have = 0;
	struct ringbuf r;
	const u8 *span;

	ring_init(&r, buf, sizeof(buf));
	r.head = r.tail = 0xffffffc0u; /* the indexes wrap during the test */
	for (int round = 0; round < 50000; round++) {
		u32 n = (u32)test_below(80), done;

		switch (test_below(7)) {
		case 0:
			test_fill(in, n);
			done = ring_write(&r, in, n);
			CHECK_EQ(done, n < 64 - have ? n : 64 - have);
			memcpy(model + have, in, done);
			have += done;
			break;
		case 1:
			done = ring_read(&r, out, n);
			CHECK_EQ(done, n < have ? n : have);
			CHECK_MEM(out, model, done);
			memmove(model, model + done, have - done);
			have -= done;
			break;
		case 2:
			CHECK_EQ(ring_putc(&r, (u8)n), have < 64);
			if (have < 64)
				model[have++] = (u8)n;
			break;
		case 3:
			CHECK_EQ(ring_getc(&r), have ? model[0] : -1);
			if (have)
				memmove(model, model + 1, --have);
			break;
		case 4:
			if (n < have) {
				CHECK_EQ(ring_peek(&r, n, out, 80), have - n);
				CHECK_MEM(out, model + n, have - n);
				CHECK_EQ(ring_at(&r, n), model[n]);
			} else {
				CHECK_EQ(ring_peek(&r, n, out, 80), 0);
			}
			break;
		case 5:
			if (round % 3 == 0) {
				CHECK_EQ(ring_unputc(&r), have ? model[have - 1] : -1);
				have -= have != 0;
			}
			break;
		default:
			done = ring_read_span(&r, &span);
			CHECK(done <= have && (done || !have));
			CHECK_MEM(span, model, done);
		}
		CHECK_EQ(ring_used(&r), have);
		CHECK_EQ(ring_free(&r), 64 - have);
		CHECK_EQ(ring_empty(&r), have == 0);
		CHECK_EQ(ring_full(&r), have == 64);
	}
}

TEST(checked_sizes)
{
	size_t v = 5;

	CHECK(size_mul(&v, 6, 7) && v == 42);
	CHECK(!size_mul(&v, SIZE_MAX / 2, 3) && v == 42);
	CHECK(size_add(&v, SIZE_MAX - 1, 1) && v == SIZE_MAX);
	CHECK(!size_add(&v, SIZE_MAX, 1));
	CHECK(size_sub(&v, 5, 5) && v == 0);
	CHECK(!size_sub(&v, 5, 6));
	CHECK(size_align(&v, 4097, 4096) && v == 8192);
	CHECK(!size_align(&v, SIZE_MAX - 5, 4096));
	CHECK(size_mul_sat(SIZE_MAX, 2) == SIZE_MAX && size_mul_sat(3, 4) == 12);
	CHECK(size_add_sat(SIZE_MAX, 2) == SIZE_MAX && size_add_sat(3, 4) == 7);
	CHECK(range_ok(0, 10, 10) && range_ok(10, 0, 10) && !range_ok(1, 10, 10));
	CHECK(!range_ok(UINT64_MAX, 2, 10) && !range_ok(5, UINT64_MAX, 10));
}

TEST(powers_and_products)
{
	CHECK(is_power_of_2(1) && is_power_of_2(1ull << 63) && !is_power_of_2(0) &&
	      !is_power_of_2(6));
	CHECK_EQ(ilog2(1), 0);
	CHECK_EQ(ilog2(1023), 9);
	CHECK_EQ(roundup_pow2(0), 1);
	CHECK_EQ(roundup_pow2(1), 1);
	CHECK_EQ(roundup_pow2(4097), 8192);
	CHECK_EQ(rounddown_pow2(4097), 4096);
	CHECK_EQ(order_of(0), 0);
	CHECK_EQ(order_of(1), 0);
	CHECK_EQ(order_of(5), 3);
	CHECK_EQ(order_of(8), 3);
	CHECK_EQ(DIV_ROUND_UP(7, 3), 3);
	for (int i = 0; i < 10000; i++) {
		u64 a = test_rand() >> test_below(64), b = test_rand() >> test_below(64);
		u64 c = 1 + (test_rand() >> test_below(64));
		unsigned __int128 q = (unsigned __int128)a * b / c;

		if (!(q >> 64))
			CHECK(mul_div_u64(a, b, c) == (u64)q);
		CHECK(mul_u64_shr(a, b, 64) == (u64)((unsigned __int128)a * b >> 64));
	}
}

TEST(character_classes_match_libc)
{
	for (int c = -1; c < 256; c++) {
		bool ascii = c < 128;

		CHECK_EQ(!!ascii_isdigit(c), ascii && isdigit(c));
		CHECK_EQ(!!ascii_isalpha(c), ascii && isalpha(c));
		CHECK_EQ(!!ascii_isalnum(c), ascii && isalnum(c));
		CHECK_EQ(!!ascii_islower(c), ascii && islower(c));
		CHECK_EQ(!!ascii_isupper(c), ascii && isupper(c));
		CHECK_EQ(!!ascii_isspace(c), ascii && isspace(c));
		CHECK_EQ(!!ascii_isblank(c), ascii && isblank(c));
		CHECK_EQ(!!ascii_isxdigit(c), ascii && isxdigit(c));
		CHECK_EQ(!!ascii_isprint(c), ascii && isprint(c));
		CHECK_EQ(!!ascii_isgraph(c), ascii && isgraph(c));
		CHECK_EQ(!!ascii_iscntrl(c), ascii && iscntrl(c));
		CHECK_EQ(!!ascii_ispunct(c), ascii && ispunct(c));
		if (ascii) {
			CHECK_EQ(ascii_tolower(c), tolower(c));
			CHECK_EQ(ascii_toupper(c), toupper(c));
		}
	}
	CHECK_EQ(digit_value('z'), 35);
	CHECK_EQ(digit_value('A'), 10);
	CHECK_EQ(digit_value('/'), -1);
	CHECK_EQ(digit_value(0), -1);
}
