/* SPDX-License-Identifier: MIT */
/* LINK: fs/vfs/posix_acl.c fs/ext2/acl_disk.c */
#include "../../fs/ext2/xattr_block.h"

#include <fs/posix_acl.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include "test.h"

static long live;

void *kmalloc(size_t size, gfp_t gfp)
{
	(void)gfp;
	live++;
	return malloc(size);
}

void kfree(const void *p)
{
	live -= p != NULL;
	free((void *)p);
}

struct xattr {
	u32 version;
	struct {
		u16 tag, perm;
		u32 id;
	} e[40];
};

static const u16 tags[] = { 1, 2, 4, 8, 16, 32 };

/* A list that is right: users, groups, mask when needed or when asked. */
static u32 make_list(struct xattr *x, u32 users, u32 groups, bool mask)
{
	u32 n = 0;

	x->version = 2;
#define ADD(t, i) (x->e[n].tag = (t), x->e[n].perm = (u16)test_below(8), x->e[n++].id = (i))
	ADD(ACL_USER_OBJ, ~0u);
	for (u32 k = 0; k < users; k++)
		ADD(ACL_USER, (u32)test_below(100000));
	ADD(ACL_GROUP_OBJ, ~0u);
	for (u32 k = 0; k < groups; k++)
		ADD(ACL_GROUP, (u32)test_below(100000));
	if (mask || users || groups)
		ADD(ACL_MASK, ~0u);
	ADD(ACL_OTHER, ~0u);
#undef ADD
	return n;
}

static size_t bytes(u32 n)
{
	return 4 + n * 8;
}

/* A copy of exactly this size, so that ASan sees what is read behind it. */
static void *exact(const void *p, size_t n)
{
	void *copy = malloc(n ? n : 1);

	memcpy(copy, p, n);
	return copy;
}

TEST(attribute_round_trip)
{
	for (int round = 0; round < 2000; round++) {
		struct xattr x, y;
		u32 n = make_list(&x, (u32)test_below(10), (u32)test_below(10), test_below(2));
		struct posix_acl *acl = NULL;

		CHECK_EQ(posix_acl_from_xattr(&x, bytes(n), &acl), 0);
		REQUIRE(acl && acl->count == n);
		CHECK_EQ(posix_acl_valid(acl), 0);
		CHECK_EQ(posix_acl_to_xattr(acl, NULL, 0), (long)bytes(n));
		CHECK_EQ(posix_acl_to_xattr(acl, &y, bytes(n) - 1), -ERANGE);
		CHECK_EQ(posix_acl_to_xattr(acl, &y, bytes(n)), (long)bytes(n));
		CHECK_MEM(&x, &y, bytes(n));
		kfree(acl);
	}
	CHECK_EQ(live, 0);
}

TEST(attribute_errors)
{
	struct posix_acl *acl = NULL;
	struct xattr x;
	u32 n = make_list(&x, 1, 0, true);

	for (size_t size = 0; size < bytes(n); size++) {
		void *p = exact(&x, size);
		int rc = posix_acl_from_xattr(p, size, &acl);

		CHECK_EQ(rc, size < 4 || (size - 4) % 8 ? -EINVAL : 0);
		if (!rc && size > 4) {
			CHECK_EQ(posix_acl_valid(acl), -EINVAL);
			kfree(acl);
		} else if (!rc) {
			CHECK(!acl);
		}
		free(p);
	}
	x.version = 1;
	CHECK_EQ(posix_acl_from_xattr(&x, bytes(n), &acl), -EOPNOTSUPP);
	x.version = 2;
	x.e[1].id = ~0u;
	CHECK_EQ(posix_acl_from_xattr(&x, bytes(n), &acl), -EINVAL);
	CHECK_EQ(live, 0);
}

/* What a grammar says: U u* G g* m? O, with m when there is any u or g. */
static bool grammatical(const struct posix_acl *acl)
{
	u32 k = 0, named = 0, n = acl->count;

	for (u32 j = 0; j < n; j++)
		if (acl->e[j].perm > 7)
			return false;
	if (k == n || acl->e[k++].tag != ACL_USER_OBJ)
		return false;
	for (; k < n && acl->e[k].tag == ACL_USER; k++)
		named++;
	if (k == n || acl->e[k++].tag != ACL_GROUP_OBJ)
		return false;
	for (; k < n && acl->e[k].tag == ACL_GROUP; k++)
		named++;
	if (k < n && acl->e[k].tag == ACL_MASK)
		k++;
	else if (named)
		return false;
	return k + 1 == n && acl->e[k].tag == ACL_OTHER;
}

TEST(validity_against_grammar)
{
	/* All sequences of up to seven tags. */
	for (u32 n = 1; n <= 7; n++) {
		struct posix_acl *acl = posix_acl_alloc(n);
		u32 all = 1;

		for (u32 k = 0; k < n; k++)
			all *= 6;
		for (u32 v = 0; v < all; v++) {
			u32 w = v;

			for (u32 k = 0; k < n; k++, w /= 6)
				acl->e[k] = (struct posix_acl_entry){ tags[w % 6], 5, 1 };
			CHECK_EQ(!posix_acl_valid(acl), grammatical(acl));
		}
		kfree(acl);
	}
}

TEST(mutated_attributes)
{
	for (unsigned int round = 0; round < 30000 * test_rounds; round++) {
		struct xattr x;
		size_t size = bytes(make_list(&x, (u32)test_below(6), (u32)test_below(6), true));
		struct posix_acl *acl = NULL;
		mode_t mode = (mode_t)test_below(010000);
		u8 *p;

		if (test_below(3) == 0)
			size -= test_below(size);
		p = exact(&x, size);
		for (u64 k = test_below(4); k && size; k--)
			p[test_below(size)] ^= (u8)(1u << test_below(8));
		if (!posix_acl_from_xattr(p, size, &acl) && acl) {
			bool good = !posix_acl_valid(acl);
			struct posix_acl *copy = posix_acl_clone(acl);

			CHECK_EQ(good, grammatical(acl));
			(void)!posix_acl_equiv_mode(acl, &mode);
			(void)!posix_acl_create_mode(copy, &mode);
			CHECK(mode < 010000);
			(void)!posix_acl_change_mode(acl, mode);
			if (good) {
				CHECK_EQ(posix_acl_valid(acl), 0);
				CHECK_EQ(posix_acl_valid(copy), 0);
			}
			kfree(copy);
		}
		kfree(acl);
		free(p);
	}
	CHECK_EQ(live, 0);
}

TEST(modes)
{
	for (int round = 0; round < 5000; round++) {
		struct xattr x;
		u32 n = make_list(&x, (u32)test_below(3), (u32)test_below(3), test_below(2));
		mode_t want = (mode_t)test_below(010000), mode = want, back = want;
		struct posix_acl *acl = NULL;
		int more;

		REQUIRE(!posix_acl_from_xattr(&x, bytes(n), &acl));
		REQUIRE(acl);
		CHECK_EQ(posix_acl_equiv_mode(acl, &mode), n > 3);
		CHECK_EQ(mode & 07000, want & 07000);
		more = posix_acl_create_mode(acl, &back);
		CHECK_EQ(more, n > 3);
		CHECK_EQ(back, (want & 07000) | (want & mode & 0777));
		CHECK_EQ(posix_acl_change_mode(acl, want), 0);
		mode = 0;
		CHECK_EQ(posix_acl_equiv_mode(acl, &mode), n > 3);
		CHECK_EQ(mode, want & 0777);
		kfree(acl);
	}
	CHECK_EQ(live, 0);
}

TEST(disk_round_trip_and_mutation)
{
	for (unsigned int round = 0; round < 30000 * test_rounds; round++) {
		struct xattr x, y;
		u32 n = make_list(&x, (u32)test_below(6), (u32)test_below(6), test_below(2));
		struct posix_acl *acl = NULL, *again = NULL;
		char disk[400];
		size_t size;
		u8 *p;

		REQUIRE(!posix_acl_from_xattr(&x, bytes(n), &acl));
		REQUIRE(acl);
		size = ext2_acl_to_disk(acl, disk);
		CHECK(size <= 4 + n * 8);
		p = exact(disk, size);
		CHECK_EQ(ext2_acl_from_disk(p, size, &again), 0);
		REQUIRE(again && again->count == n);
		CHECK_EQ(posix_acl_to_xattr(again, &y, sizeof(y)), (long)bytes(n));
		CHECK_MEM(&x, &y, bytes(n));
		kfree(again);
		again = NULL;
		for (u64 k = 1 + test_below(4); k; k--)
			p[test_below(size)] ^= (u8)(1u << test_below(8));
		if (!ext2_acl_from_disk(p, test_below(size + 1), &again))
			kfree(again);
		free(p);
		kfree(acl);
	}
	CHECK_EQ(live, 0);
}
