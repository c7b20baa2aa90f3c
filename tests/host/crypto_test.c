/* SPDX-License-Identifier: MIT */
/* LINK: src/lib/sha256.c src/lib/chacha20.c src/lib/string.c */
#include <kernel/chacha20.h>
#include <kernel/sha256.h>
#include "test.h"

static void check_sha(const char *text, size_t repeat, const char *want)
{
	struct sha256 s;
	char hex[65];
	u8 out[32];

	sha256_init(&s);
	for (size_t i = 0; i < repeat; i++)
		sha256_update(&s, text, strlen(text));
	sha256_final(&s, out);
	for (int i = 0; i < 32; i++)
		sprintf(hex + 2 * i, "%02x", out[i]);
	CHECK_STR(hex, want);
}

TEST(sha256_vectors)
{
	check_sha("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check_sha("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check_sha("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	check_sha("a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(sha256_any_split)
{
	u8 buf[300], whole[32], parts[32];

	for (int i = 0; i < 500; i++) {
		size_t n = test_below(300), a = test_below(n + 1), b = a + test_below(n - a + 1);
		struct sha256 s;

		test_fill(buf, n);
		sha256(buf, n, whole);
		sha256_init(&s);
		sha256_update(&s, buf, a);
		sha256_update(&s, buf + a, b - a);
		sha256_update(&s, buf + b, n - b);
		sha256_final(&s, parts);
		CHECK_MEM(whole, parts, 32);
	}
}

TEST(chacha20_rfc8439)
{
	static const u8 want[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
		0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
		0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
		0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
		0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
	};
	u32 key[8], nonce[3] = { 0x09000000, 0x4a000000, 0 }, state[16];
	u8 out[64];

	for (u32 i = 0; i < 8; i++)
		key[i] = (i * 4) | (i * 4 + 1) << 8 | (i * 4 + 2) << 16 | (i * 4 + 3) << 24;
	chacha20_init(state, key, 1, nonce);
	chacha20_block(state, out);
	CHECK_MEM(out, want, 64);
	CHECK_EQ(state[12], 2);
	state[12] = ~0u;
	chacha20_block(state, out);
	CHECK_EQ(state[12], 0);
	CHECK_EQ(state[13], nonce[0] + 1);
}
