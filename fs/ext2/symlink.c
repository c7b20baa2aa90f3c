/* SPDX-License-Identifier: MIT */
/* Symbolic links: up to 59 bytes in the inode, longer ones in a block of their own, which is read
 * through the buffer cache and kept as text with the inode. */
#include "ext2_internal.h"

#define FAST_MAX (EXT2_NBLOCKS * 4 - 1)

int ext2_symlink_init(struct ext2_inode *ei, const char *target, size_t len)
{
	struct ext2_sb *s = ext2_is(ei);
	u32 block, one = 1;
	struct buf *b;
	int rc;

	if (len <= FAST_MAX) {
		memcpy(ei->block, target, len);
		ei->vfs.size = (loff_t)len;
		return 0;
	}
	ei->link = kstrdup(target, GFP_KERNEL);
	if (!ei->link)
		return -ENOMEM;
	rc = ext2_alloc_blocks(ei, 0, false, &one, &block);
	if (rc)
		return rc;
	rc = buf_get(s->bdev, block, s->block_size, &b);
	if (rc) {
		ext2_free_blocks(s, block, 1, true);
		return rc;
	}
	memset(b->data, 0, s->block_size);
	memcpy(b->data, target, len);
	ext2_buf_filled(b);
	ext2_dirty_buf(s, b, EB_FRESH);
	buf_put(b);
	ei->block[0] = block;
	ei->slow_link = true;
	ei->vfs.blocks += s->block_size >> 9;
	ei->vfs.size = (loff_t)len;
	return 0;
}

/* Reads the text of a slow link. */
static int read_link(struct ext2_inode *ei)
{
	struct ext2_sb *s = ext2_is(ei);
	char *text, *none = NULL;
	struct buf *b;
	u32 pblk;
	int rc;

	if (ei->vfs.size >= s->block_size) {
		ext2_error(s, ei, 0, "symbolic link of %lld bytes", (long long)ei->vfs.size);
		return -EIO;
	}
	rc = ext2_map_dir(ei, 0, &pblk);
	if (!rc && !pblk)
		rc = -EIO;
	if (!rc)
		rc = buf_read(s->bdev, pblk, s->block_size, &b);
	if (rc)
		return rc;
	text = kmalloc((size_t)ei->vfs.size + 1, GFP_KERNEL);
	if (text) {
		memcpy(text, b->data, (size_t)ei->vfs.size);
		text[ei->vfs.size] = '\0';
	}
	buf_put(b);
	if (!text)
		return -ENOMEM;
	if (!__atomic_compare_exchange_n(&ei->link, &none, text, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		kfree(text);
	return 0;
}

static int ext2_get_link(struct inode *i, struct dentry *d __maybe_unused, bool rcu,
			 const char **target, void **cookie __maybe_unused,
			 struct path *jump __maybe_unused)
{
	struct ext2_inode *ei = ext2_i(i);
	int rc;

	if (!ext2_has_blocks(ei)) {
		if (unlikely(i->size > (loff_t)FAST_MAX)) {
			if (rcu)
				return -EAGAIN;
			ext2_error(ext2_is(ei), ei, 0, "symbolic link without its block");
			return -EIO;
		}
		*target = (const char *)ei->block;
		return 0;
	}
	if (!smp_load_acquire(&ei->link)) {
		if (rcu)
			return -EAGAIN;
		rc = read_link(ei);
		if (rc)
			return rc;
	}
	*target = ei->link;
	return 0;
}

const struct inode_ops ext2_symlink_ops = {
	.get_link = ext2_get_link,
	.setattr = ext2_setattr,
	.getattr = ext2_getattr,
	.getxattr = ext2_getxattr,
	.setxattr = ext2_setxattr,
	.listxattr = ext2_listxattr,
	.removexattr = ext2_removexattr,
	.update_time = ext2_update_time,
};
