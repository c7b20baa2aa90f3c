/* SPDX-License-Identifier: MIT */
/* Access control lists as they lie on the disk: entries have an id only where it means something.
 * The order of entries is not looked at, as on Linux. */
#include "xattr_block.h"

#include <fs/posix_acl.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>

static bool known(u32 tag)
{
	return tag == ACL_USER_OBJ || tag == ACL_USER || tag == ACL_GROUP_OBJ ||
	       tag == ACL_GROUP || tag == ACL_MASK || tag == ACL_OTHER;
}

static bool has_id(u32 tag)
{
	return tag == ACL_USER || tag == ACL_GROUP;
}

int ext2_acl_from_disk(const void *data, size_t size, struct posix_acl **out)
{
	const size_t brief = sizeof(struct ext2_acl_entry_short);
	const char *at = data, *end = at + size;
	struct posix_acl *acl;
	u32 version, n = 0;

	if (size < sizeof(struct ext2_acl_header))
		return -EINVAL;
	memcpy(&version, at, sizeof(version));
	if (version != EXT2_ACL_VERSION)
		return -EINVAL;
	at += sizeof(version);
	acl = posix_acl_alloc((u32)(size / brief));
	if (!acl)
		return -ENOMEM;
	while (at < end) {
		struct ext2_acl_entry d = { .e_id = ACL_UNDEFINED_ID };
		size_t len = brief;

		if ((size_t)(end - at) < brief)
			goto bad;
		memcpy(&d, at, brief);
		if (!known(d.e_tag))
			goto bad;
		if (has_id(d.e_tag))
			len = sizeof(d);
		if ((size_t)(end - at) < len)
			goto bad;
		memcpy(&d, at, len);
		at += len;
		acl->e[n++] = (struct posix_acl_entry){ d.e_tag, d.e_perm, d.e_id };
	}
	acl->count = n;
	if (!n) {
		kfree(acl);
		acl = NULL;
	}
	*out = acl;
	return 0;
bad:
	kfree(acl);
	return -EINVAL;
}

size_t ext2_acl_to_disk(const struct posix_acl *acl, void *data)
{
	struct ext2_acl_header h = { EXT2_ACL_VERSION };
	char *at = data;

	memcpy(at, &h, sizeof(h));
	at += sizeof(h);
	for (u32 k = 0; k < acl->count; k++) {
		const struct posix_acl_entry *e = &acl->e[k];
		struct ext2_acl_entry d = { e->tag, e->perm, e->id };
		size_t len = has_id(e->tag) ? sizeof(d) : sizeof(struct ext2_acl_entry_short);

		memcpy(at, &d, len);
		at += len;
	}
	return (size_t)(at - (char *)data);
}
