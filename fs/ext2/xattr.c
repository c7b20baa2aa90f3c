/* SPDX-License-Identifier: MIT */
/* Blocks of extended attributes: giving up a share of one. */
#include "ext2_internal.h"

void ext2_xattr_evict(struct ext2_inode *ei)
{
	struct ext2_sb *s = ext2_is(ei);
	struct ext2_xattr_header *h;
	struct buf *b;
	bool last;

	if (!ei->file_acl)
		return;
	if (buf_read(s->bdev, ei->file_acl, s->block_size, &b)) {
		ext2_error(s, ei, ei->file_acl, "attribute block cannot be read");
		return;
	}
	h = b->data;
	if (h->h_magic != EXT2_XATTR_MAGIC || h->h_blocks != 1) {
		ext2_error(s, ei, ei->file_acl, "bad attribute block");
		goto out;
	}
	spin_lock(&s->lock);
	last = h->h_refcount <= 1;
	if (!last)
		h->h_refcount--;
	spin_unlock(&s->lock);
	if (last) {
		ext2_forget_block(s, ei->file_acl);
		ext2_free_blocks(s, ei->file_acl, 1, !ei->ondisk);
	} else {
		ext2_dirty_buf(s, b, EB_INDIRECT);
	}
	ei->file_acl = 0;
out:
	buf_put(b);
}
