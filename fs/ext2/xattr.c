/* SPDX-License-Identifier: MIT */
/* Extended attributes: a block that several inodes may share.
 *
 * A block is never changed where it lies: changing an attribute builds a new block and gives up the
 * share of the old one, so that the inode (P1) leads to a whole block at all times. Only the count
 * of sharers changes in place; a wrong one is among what e2fsck repairs.
 * Attributes inside of large inodes are ext4's: they are neither shown nor touched.
 * Locking: inode->lock, shared to read, exclusive to change (the VFS). */
#include "ext2_internal.h"
#include "xattr_block.h"

#include <kernel/proc.h>
#include <uapi/xattr.h>

struct prefix {
	u8 index;
	bool whole; /* nothing follows */
	const char *text;
};
static const struct prefix prefixes[] = {
	{ EXT2_XATTR_USER, false, "user." },
	{ EXT2_XATTR_TRUSTED, false, "trusted." },
	{ EXT2_XATTR_SECURITY, false, "security." },
	{ EXT2_XATTR_ACL_ACCESS, true, "system.posix_acl_access" },
	{ EXT2_XATTR_ACL_DEFAULT, true, "system.posix_acl_default" },
};

/* May attributes of this kind be used on this mount? */
static bool enabled(const struct ext2_sb *s, u8 index)
{
	if (index == EXT2_XATTR_USER)
		return s->opts.flags & OPT_XATTR_USER;
	if (index == EXT2_XATTR_ACL_ACCESS || index == EXT2_XATTR_ACL_DEFAULT)
		return s->sb->flags & SB_POSIXACL;
	return true;
}

static int parse_name(const struct ext2_sb *s, const char *name, struct xattr_key *key)
{
	for (size_t k = 0; k < ARRAY_SIZE(prefixes); k++) {
		const struct prefix *p = &prefixes[k];
		size_t n = str_has_prefix(name, p->text);

		if (!n || (p->whole && name[n]))
			continue;
		key->index = p->index;
		key->name = name + n;
		key->len = (u8)strlen(name + n);
		return enabled(s, p->index) ? 0 : -EOPNOTSUPP;
	}
	return -EOPNOTSUPP;
}

/* The inode's block, checked; *out NULL: it has none. */
static int read_block(struct ext2_inode *ei, struct buf **out)
{
	struct ext2_sb *s = ext2_is(ei);
	u32 block = READ_ONCE(ei->file_acl);
	int rc;

	*out = NULL;
	if (!block)
		return 0;
	rc = buf_read(s->bdev, block, s->block_size, out);
	if (rc) {
		ext2_error(s, ei, block, "attribute block cannot be read: error %d", rc);
		return rc;
	}
	if (!xattr_block_ok((*out)->data, s->block_size)) {
		buf_put(*out);
		*out = NULL;
		if (block == READ_ONCE(ei->file_acl))
			ext2_error(s, ei, block, "bad attribute block");
		return -EIO;
	}
	return 0;
}

static ssize_t get(struct ext2_inode *ei, const struct xattr_key *key, void *buf, size_t size)
{
	const struct ext2_xattr_entry *e;
	struct buf *b;
	ssize_t rc = read_block(ei, &b);

	if (rc)
		return rc;
	e = b ? xattr_find(b->data, key) : NULL;
	rc = e ? (ssize_t)e->e_value_size : -ENODATA;
	if (e && size) {
		if (size < e->e_value_size)
			rc = -ERANGE;
		else
			memcpy(buf, (const char *)b->data + e->e_value_offs, e->e_value_size);
	}
	if (b)
		buf_put(b);
	return rc;
}

ssize_t ext2_xattr_get(struct ext2_inode *ei, u8 index, void *buf, size_t size)
{
	struct xattr_key key = { index, "", 0 };

	return get(ei, &key, buf, size);
}

ssize_t ext2_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	struct xattr_key key;
	int rc = parse_name(ext2_s(i->sb), name, &key);

	if (rc)
		return rc;
	if (key.index == EXT2_XATTR_ACL_ACCESS || key.index == EXT2_XATTR_ACL_DEFAULT)
		return ext2_acl_getxattr(i, key.index, buf, size);
	return get(ext2_i(i), &key, buf, size);
}

/* --- changing --- */

/* Gives up the share of a block. Inside an operation; ei->file_acl is the caller's to change. */
static void drop_share(struct ext2_inode *ei, u32 block, struct buf *b)
{
	struct ext2_sb *s = ext2_is(ei);
	struct ext2_xattr_header *h = b->data;
	bool last, fresh = ext2_buf_fresh(s, b);

	spin_lock(&s->lock);
	last = h->h_refcount <= 1;
	if (!last)
		h->h_refcount--;
	spin_unlock(&s->lock);
	if (last) {
		ext2_forget_block(s, block);
		ext2_free_blocks(s, block, 1, fresh || !ei->ondisk);
	} else {
		ext2_dirty_buf(s, b, EB_INDIRECT);
	}
}

static void set_feature(struct ext2_sb *s)
{
	if (s->es->s_rev_level == 0 || (s->es->s_feature_compat & EXT2_COMPAT_EXT_ATTR))
		return;
	spin_lock(&s->lock);
	s->es->s_feature_compat |= EXT2_COMPAT_EXT_ATTR;
	s->txn.super = true;
	spin_unlock(&s->lock);
}

static int new_block(struct ext2_inode *ei, const void *image, u32 *block)
{
	struct ext2_sb *s = ext2_is(ei);
	u32 one = 1;
	struct buf *b;
	int rc = ext2_alloc_blocks(ei, 0, false, &one, block);

	if (rc)
		return rc;
	rc = buf_get(s->bdev, *block, s->block_size, &b);
	if (rc) {
		ext2_free_blocks(s, *block, 1, true);
		return rc;
	}
	memcpy(b->data, image, s->block_size);
	ext2_buf_filled(b);
	ext2_dirty_buf(s, b, EB_FRESH);
	buf_put(b);
	set_feature(s);
	return 0;
}

/* image NULL: no attributes are left. Inside an operation. */
static int replace_block(struct ext2_inode *ei, struct buf *old, const void *image)
{
	u32 block = 0, spb = ext2_is(ei)->block_size >> 9;
	int rc = image ? new_block(ei, image, &block) : 0;

	if (rc)
		return rc;
	if (old)
		drop_share(ei, ei->file_acl, old);
	spin_lock(&ei->vfs.spin);
	if (block && !ei->file_acl)
		ei->vfs.blocks += spb;
	else if (!block && ei->file_acl)
		ei->vfs.blocks -= min_t(u64, ei->vfs.blocks, spb);
	ei->vfs.ctime = ext2_now(ei->vfs.sb);
	spin_unlock(&ei->vfs.spin);
	WRITE_ONCE(ei->file_acl, block);
	ext2_dirty(ei, EI_DIRTY_META);
	return 0;
}

static int set_inside(struct ext2_inode *ei, const struct xattr_key *key, const void *value,
		      size_t size, int flags)
{
	struct ext2_sb *s = ext2_is(ei);
	const struct ext2_xattr_entry *e;
	struct buf *old;
	void *image;
	int rc = read_block(ei, &old);

	if (rc)
		return rc;
	e = old ? xattr_find(old->data, key) : NULL;
	rc = -EEXIST;
	if (e && (flags & XATTR_CREATE))
		goto put;
	rc = -ENODATA;
	if (!e && ((flags & XATTR_REPLACE) || !value))
		goto put;
	rc = -ENOSPC;
	if (size > s->block_size)
		goto put;
	rc = -ENOMEM;
	image = kmalloc(s->block_size, GFP_KERNEL);
	if (!image)
		goto put;
	rc = xattr_rebuild(image, old ? old->data : NULL, s->block_size, key, value, (u32)size);
	if (rc >= 0)
		rc = replace_block(ei, old, rc ? image : NULL);
	kfree(image);
put:
	if (old)
		buf_put(old);
	return rc;
}

int ext2_xattr_set(struct ext2_inode *ei, u8 index, const void *value, size_t size)
{
	struct xattr_key key = { index, "", 0 };
	int rc = set_inside(ei, &key, value, size, 0);

	return rc == -ENODATA ? 0 : rc; /* there was nothing to remove */
}

static int set(struct inode *i, const struct xattr_key *key, const void *value, size_t size,
	       int flags)
{
	struct ext2_sb *s = ext2_s(i->sb);
	bool again = false;
	int rc;

	do {
		rc = ext2_begin(s);
		if (rc)
			return rc;
		rc = set_inside(ext2_i(i), key, value, size, flags);
		ext2_end(s);
		again = rc == -ENOSPC && !again && ext2_make_space(s);
	} while (again);
	return rc;
}

int ext2_setxattr(struct inode *i, const char *name, const void *buf, size_t size, int flags)
{
	struct xattr_key key;
	int rc = parse_name(ext2_s(i->sb), name, &key);

	if (rc)
		return rc;
	if (key.index == EXT2_XATTR_ACL_ACCESS || key.index == EXT2_XATTR_ACL_DEFAULT)
		return ext2_acl_setxattr(i, key.index, buf, size);
	return set(i, &key, buf, size, flags);
}

int ext2_removexattr(struct inode *i, const char *name)
{
	struct xattr_key key;
	int rc = parse_name(ext2_s(i->sb), name, &key);

	if (rc)
		return rc;
	if (key.index == EXT2_XATTR_ACL_ACCESS || key.index == EXT2_XATTR_ACL_DEFAULT)
		return ext2_acl_setxattr(i, key.index, NULL, 0);
	return set(i, &key, NULL, 0, 0);
}

void ext2_xattr_evict(struct ext2_inode *ei)
{
	struct buf *b;

	if (!ei->file_acl || read_block(ei, &b))
		return;
	drop_share(ei, ei->file_acl, b);
	buf_put(b);
	ei->file_acl = 0;
}

/* --- listing --- */

ssize_t ext2_listxattr(struct inode *i, char *buf, size_t size)
{
	struct ext2_sb *s = ext2_s(i->sb);
	char name[XATTR_NAME_MAX + 32];
	size_t done = 0;
	struct buf *b;
	int rc = read_block(ext2_i(i), &b);

	if (rc || !b)
		return rc;
	for (const struct ext2_xattr_entry *e = xattr_first(b->data); !xattr_last(e);
	     e = xattr_next(e)) {
		const struct prefix *p = NULL;
		size_t n;

		for (size_t k = 0; k < ARRAY_SIZE(prefixes); k++) {
			if (prefixes[k].index == e->e_name_index)
				p = &prefixes[k];
		}
		if (!p || !enabled(s, p->index))
			continue;
		n = strlen(p->text);
		memcpy(name, p->text, n);
		memcpy(name + n, e->e_name, e->e_name_len);
		n += e->e_name_len;
		name[n++] = '\0';
		if (!xattr_listable(name))
			continue;
		if (size && n > size - done) {
			rc = -ERANGE;
			break;
		}
		if (size)
			memcpy(buf + done, name, n);
		done += n;
	}
	buf_put(b);
	return rc ? rc : (ssize_t)done;
}
