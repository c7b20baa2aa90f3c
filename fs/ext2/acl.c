/* SPDX-License-Identifier: MIT */
/* POSIX ACLs: attributes without a name. What they mean, and the cache, is the VFS's business
 * (fs/vfs/acl.c); acl_disk.c knows their form. */
#include "ext2_internal.h"
#include "xattr_block.h"

#include <fs/posix_acl.h>

static u8 index_of(unsigned int type)
{
	return type == ACL_TYPE_ACCESS ? EXT2_XATTR_ACL_ACCESS : EXT2_XATTR_ACL_DEFAULT;
}

int ext2_get_acl(struct inode *i, unsigned int type, struct posix_acl **out)
{
	struct ext2_inode *ei = ext2_i(i);
	u32 size = ext2_is(ei)->block_size;
	void *data = kmalloc(size, GFP_KERNEL);
	ssize_t n;
	int rc;

	*out = NULL;
	if (!data)
		return -ENOMEM;
	n = ext2_xattr_get(ei, index_of(type), data, size);
	rc = n == -ENODATA ? 0 : (int)n;
	if (n >= 0)
		rc = ext2_acl_from_disk(data, (size_t)n, out);
	kfree(data);
	return rc;
}

/* Inside an operation. */
static int store(struct ext2_inode *ei, unsigned int type, const struct posix_acl *acl)
{
	size_t n = 0;
	void *data = NULL;
	int rc;

	if (acl) {
		n = sizeof(u32) + acl->count * sizeof(struct ext2_acl_entry);
		data = kmalloc(n, GFP_KERNEL);
		if (!data)
			return -ENOMEM;
		n = ext2_acl_to_disk(acl, data);
	}
	rc = ext2_xattr_set(ei, index_of(type), data, n);
	kfree(data);
	return rc;
}

int ext2_set_acl(struct inode *i, unsigned int type, const struct posix_acl *acl, mode_t mode)
{
	struct ext2_inode *ei = ext2_i(i);
	struct ext2_sb *s = ext2_is(ei);
	bool again = false;
	int rc;

	do {
		rc = ext2_begin(s);
		if (rc)
			return rc;
		rc = store(ei, type, acl);
		if (!rc && mode != i->mode) {
			i->mode = mode;
			spin_lock(&i->spin);
			i->ctime = ext2_now(i->sb);
			spin_unlock(&i->spin);
			ext2_dirty(ei, EI_DIRTY_META);
		}
		ext2_end(s);
		again = rc == -ENOSPC && !again && ext2_make_space(s);
	} while (again);
	return ext2_sync_inode(i, rc);
}

int ext2_acl_init(struct inode *i, struct inode *dir)
{
	struct posix_acl *access, *def;
	int rc = posix_acl_inherit(dir, &i->mode, &access, &def);

	if (rc || likely(!access && !def))
		return rc;
	if (def)
		rc = store(ext2_i(i), ACL_TYPE_DEFAULT, def);
	if (!rc && access)
		rc = store(ext2_i(i), ACL_TYPE_ACCESS, access);
	if (!rc) {
		posix_acl_attach(i, access, def);
		return 0;
	}
	kfree(access);
	kfree(def);
	return rc;
}
