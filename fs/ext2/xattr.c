/* SPDX-License-Identifier: MIT */
/* Extended attributes: behind the fields of a large inode, and in a block that several inodes may
 * share.
 *
 * A block is never changed where it lies: changing an attribute builds a new block and gives up the
 * share of the old one, so that the inode (P1) leads to a whole block at all times; only a block
 * that nothing on the disk refers to yet is written over. The count of sharers changes in place; a
 * wrong one is among what e2fsck repairs. What lies in the inode is kept in ei->body once it
 * differs from the inode table, and goes there with the inode: an attribute that moves between
 * the two places does so in one write.
 * A new value goes into the inode when it fits there, else into the block, as Linux does it. What
 * is damaged is reported, gives EIO and is left as it is.
 * Locking: inode->lock exclusive to change; map_lock, shared to read (permission checks come
 * without inode->lock), exclusive to put the new state in place. */
#include "ext2_internal.h"
#include "xattr_block.h"

#include <fs/posix_acl.h>
#include <kernel/proc.h>
#include <uapi/xattr.h>

#define BODY_HEADER 4u /* EXT2_XATTR_MAGIC before the entries */

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

/* --- inside of the inode --- */

void ext2_xattr_init(struct ext2_inode *ei, const struct ext2_dinode *raw)
{
	struct ext2_sb *s = ext2_is(ei);
	u32 extra = s->extra_isize, rest = s->inode_size - EXT2_GOOD_OLD_INODE_SIZE, magic = 0;

	if (raw && rest)
		extra = raw->i_extra_isize;
	if (rest && extra && !(extra & 3) && extra + BODY_HEADER + sizeof(u32) <= rest)
		ei->body_size = (u16)(rest - extra);
	if (raw && ei->body_size)
		memcpy(&magic, (const char *)raw + s->inode_size - ei->body_size, sizeof(magic));
	ei->body_on_disk = magic == EXT2_XATTR_MAGIC;
	if (!raw || S_ISLNK(ei->vfs.mode) || (!ei->file_acl && !ei->body_on_disk))
		return;
	ei->vfs.acl = ACL_UNKNOWN;
	if (S_ISDIR(ei->vfs.mode))
		ei->vfs.default_acl = ACL_UNKNOWN;
}

void ext2_xattr_encode(struct ext2_inode *ei, struct ext2_dinode *raw)
{
	if (ei->body)
		memcpy((char *)raw + ext2_is(ei)->inode_size - ei->body_size, ei->body,
		       ei->body_size);
}

static struct xattr_area area_of_body(const struct ext2_inode *ei, void *body)
{
	return (struct xattr_area){ (char *)body + BODY_HEADER, 0, ei->body_size - BODY_HEADER };
}

/* --- reading --- */

/* Both places of an inode while they are looked at. base NULL: nothing there. */
struct places {
	struct xattr_area body, block;
	struct buf *body_buf, *buf; /* referenced; NULL */
};

static int open_body(struct ext2_inode *ei, struct places *p)
{
	struct ext2_sb *s = ext2_is(ei);
	u32 off, pos;
	u32 *body;
	int rc;

	if (ei->body) {
		body = ei->body;
	} else if (ei->body_on_disk) {
		pos = ext2_inode_pos(s, (u32)ei->vfs.ino, &off);
		rc = buf_read(s->bdev, pos, s->block_size, &p->body_buf);
		if (rc) {
			ext2_error(s, ei, pos, "inode table cannot be read: error %d", rc);
			return rc;
		}
		body = (u32 *)((char *)p->body_buf->data + off + s->inode_size - ei->body_size);
	} else {
		return 0;
	}
	if (*body != EXT2_XATTR_MAGIC)
		return 0;
	p->body = area_of_body(ei, body);
	if (xattr_area_ok(&p->body))
		return 0;
	ext2_error(s, ei, 0, "bad attributes in the inode");
	return -EIO;
}

static int open_block(struct ext2_inode *ei, struct places *p)
{
	struct ext2_sb *s = ext2_is(ei);
	int rc;

	if (!ei->file_acl)
		return 0;
	rc = buf_read(s->bdev, ei->file_acl, s->block_size, &p->buf);
	if (rc) {
		ext2_error(s, ei, ei->file_acl, "attribute block cannot be read: error %d", rc);
		return rc;
	}
	p->block = xattr_of_block(p->buf->data, s->block_size);
	if (xattr_header_ok(p->buf->data) && xattr_area_ok(&p->block))
		return 0;
	ext2_error(s, ei, ei->file_acl, "bad attribute block");
	return -EIO;
}

static void places_close(struct places *p)
{
	if (p->body_buf)
		buf_put(p->body_buf);
	if (p->buf)
		buf_put(p->buf);
}

/* map_lock or inode->lock held until places_close. After an error there is nothing to close. */
static int places_open(struct ext2_inode *ei, struct places *p)
{
	int rc;

	memset(p, 0, sizeof(*p));
	rc = open_body(ei, p);
	if (!rc)
		rc = open_block(ei, p);
	if (rc)
		places_close(p);
	return rc;
}

static ssize_t copy_value(const struct xattr_area *a, const struct ext2_xattr_entry *e, void *buf,
			  size_t size)
{
	if (size && size < e->e_value_size)
		return -ERANGE;
	if (size)
		memcpy(buf, a->base + e->e_value_offs, e->e_value_size);
	return (ssize_t)e->e_value_size;
}

static ssize_t get(struct ext2_inode *ei, const struct xattr_key *key, void *buf, size_t size)
{
	const struct ext2_xattr_entry *e;
	struct places p;
	ssize_t rc;

	down_read(&ei->map_lock);
	rc = places_open(ei, &p);
	if (rc)
		goto out;
	rc = -ENODATA;
	if ((e = xattr_find(&p.body, key)) != NULL)
		rc = copy_value(&p.body, e, buf, size);
	else if ((e = xattr_find(&p.block, key)) != NULL)
		rc = copy_value(&p.block, e, buf, size);
	places_close(&p);
out:
	up_read(&ei->map_lock);
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

	return rc ? rc : get(ext2_i(i), &key, buf, size);
}

/* --- blocks, inside an operation --- */

/* Gives up the share of a block that the inode does not lead to any more. */
static void drop_share(struct ext2_sb *s, u32 block, struct buf *b)
{
	struct ext2_xattr_header *h = b->data;
	bool last, fresh = ext2_buf_fresh(s, b);

	spin_lock(&s->lock);
	last = h->h_refcount <= 1;
	if (!last)
		h->h_refcount--;
	spin_unlock(&s->lock);
	if (last) {
		ext2_forget_block(s, block);
		ext2_free_blocks(s, block, 1, fresh);
	} else {
		ext2_dirty_buf(s, b, EB_INDIRECT);
	}
}

/* The file system says that it has attributes; e2fsck believes no feature of revision 0. */
static void set_feature(struct ext2_sb *s)
{
	struct ext2_super *es = s->es;

	if (es->s_rev_level && (es->s_feature_compat & EXT2_COMPAT_EXT_ATTR))
		return;
	spin_lock(&s->lock);
	if (!es->s_rev_level && !es->s_feature_compat && !es->s_feature_incompat &&
	    !es->s_feature_ro_compat) {
		es->s_rev_level = 1;
		es->s_first_ino = EXT2_GOOD_OLD_FIRST_INO;
		es->s_inode_size = EXT2_GOOD_OLD_INODE_SIZE;
	}
	es->s_feature_compat |= EXT2_COMPAT_EXT_ATTR;
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
	return 0;
}

/* --- changing --- */

struct change {
	struct ext2_inode *ei;
	const struct xattr_key *key;
	const void *value; /* NULL: none from now on */
	u32 size;
	struct places old;
	void *body;  /* what the inode will hold; NULL: as it is */
	void *block; /* what the block will hold; NULL: as it is, or drop_block */
	bool drop_block;
};

/* The body with the value, or without. */
static int plan_body(struct change *c, const void *value)
{
	struct ext2_inode *ei = c->ei;
	struct xattr_area to;
	u32 hash, magic = EXT2_XATTR_MAGIC;
	int n;

	c->body = kzalloc(ei->body_size, GFP_KERNEL);
	if (!c->body)
		return -ENOMEM;
	to = area_of_body(ei, c->body);
	n = xattr_rebuild(&to, &c->old.body, c->key, value, c->size, &hash);
	if (n > 0)
		memcpy(c->body, &magic, sizeof(magic));
	if (n >= 0)
		return 0;
	kfree(c->body);
	c->body = NULL;
	return n;
}

static int plan_block(struct change *c, const void *value)
{
	u32 size = ext2_is(c->ei)->block_size, hash;
	struct ext2_xattr_header *h;
	struct xattr_area to;
	int n;

	h = c->block = kzalloc(size, GFP_KERNEL);
	if (!h)
		return -ENOMEM;
	to = xattr_of_block(h, size);
	n = xattr_rebuild(&to, &c->old.block, c->key, value, c->size, &hash);
	h->h_magic = EXT2_XATTR_MAGIC;
	h->h_refcount = 1;
	h->h_blocks = 1;
	h->h_hash = hash;
	if (n > 0)
		return 0;
	c->drop_block = !n;
	kfree(c->block);
	c->block = NULL;
	return n;
}

/* Where the value goes, and from where an old one must go. */
static int plan(struct change *c, bool in_body, bool in_block)
{
	int rc = -ENOSPC;

	if (c->value && c->ei->body_size)
		rc = plan_body(c, c->value);
	if (!c->value || rc == -ENOSPC) {
		if (in_body)
			rc = plan_body(c, NULL);
		else
			rc = 0;
		if (!rc && (c->value || in_block))
			rc = plan_block(c, c->value);
	} else if (!rc && in_block) {
		rc = plan_block(c, NULL);
	}
	return rc;
}

/* Everything that may fail has been done but for the block. */
static int carry_out(struct change *c)
{
	struct ext2_inode *ei = c->ei;
	struct ext2_sb *s = ext2_is(ei);
	struct buf *old = c->old.buf;
	u32 was = ei->file_acl, block = was, spb = s->block_size >> 9;
	bool in_place = c->block && old && ext2_buf_fresh(s, old) &&
			((struct ext2_xattr_header *)old->data)->h_refcount == 1;
	void *body = NULL;
	int rc;

	if (c->drop_block) {
		block = 0;
	} else if (c->block && !in_place) {
		rc = new_block(ei, c->block, &block);
		if (rc)
			return rc;
	}
	down_write(&ei->map_lock);
	if (in_place)
		memcpy(old->data, c->block, s->block_size);
	if (c->body) {
		body = ei->body;
		ei->body = c->body;
		c->body = NULL;
	}
	ei->file_acl = block;
	up_write(&ei->map_lock);
	kfree(body);
	if (was && was != block)
		drop_share(s, was, old);
	spin_lock(&ei->vfs.spin);
	if (block && !was)
		ei->vfs.blocks += spb;
	else if (!block && was)
		ei->vfs.blocks -= min_t(u64, ei->vfs.blocks, spb);
	ei->vfs.ctime = ext2_now(ei->vfs.sb);
	ei->vfs.version++;
	spin_unlock(&ei->vfs.spin);
	set_feature(s);
	ext2_dirty(ei, EI_DIRTY_META);
	return 0;
}

static bool same(const struct xattr_area *a, const struct ext2_xattr_entry *e, const void *value,
		 size_t size)
{
	return value && e->e_value_size == size && !memcmp(a->base + e->e_value_offs, value, size);
}

/* Inside an operation. */
static int change(struct ext2_inode *ei, const struct xattr_key *key, const void *value,
		  size_t size, int flags)
{
	struct change c = { .ei = ei, .key = key, .value = value, .size = (u32)size };
	const struct ext2_xattr_entry *in_body, *in_block;
	int rc = places_open(ei, &c.old);

	if (rc)
		return rc;
	in_body = xattr_find(&c.old.body, key);
	in_block = xattr_find(&c.old.block, key);
	rc = -EEXIST;
	if ((in_body || in_block) && (flags & XATTR_CREATE))
		goto close;
	rc = -ENODATA;
	if (!in_body && !in_block && ((flags & XATTR_REPLACE) || !value))
		goto close;
	rc = 0;
	if (in_body ? same(&c.old.body, in_body, value, size)
		    : in_block && same(&c.old.block, in_block, value, size))
		goto close;
	rc = plan(&c, in_body, in_block);
	if (!rc)
		rc = carry_out(&c);
	kfree(c.body);
	kfree(c.block);
close:
	places_close(&c.old);
	return rc;
}

int ext2_xattr_set(struct ext2_inode *ei, u8 index, const void *value, size_t size)
{
	struct xattr_key key = { index, "", 0 };
	int rc = change(ei, &key, value, size, 0);

	return rc == -ENODATA ? 0 : rc; /* there was nothing to remove */
}

int ext2_sync_inode(struct inode *i, int rc)
{
	struct ext2_sb *s = ext2_s(i->sb);

	if (rc || likely(!(i->flags & S_SYNC) && !(i->sb->flags & SB_SYNCHRONOUS)))
		return rc;
	return ext2_commit(s, ext2_running_id(s), true);
}

static int set(struct inode *i, const char *name, const void *value, size_t size, int flags)
{
	struct ext2_sb *s = ext2_s(i->sb);
	struct xattr_key key;
	bool again = false;
	int rc = parse_name(s, name, &key);

	if (rc)
		return rc;
	do {
		rc = ext2_begin(s);
		if (rc)
			return rc;
		rc = change(ext2_i(i), &key, value, size, flags);
		ext2_end(s);
		again = rc == -ENOSPC && !again && ext2_make_space(s);
	} while (again);
	return ext2_sync_inode(i, rc);
}

int ext2_setxattr(struct inode *i, const char *name, const void *buf, size_t size, int flags)
{
	return set(i, name, buf, size, flags);
}

int ext2_removexattr(struct inode *i, const char *name)
{
	return set(i, name, NULL, 0, 0);
}

/* The inode ends: nobody else has it. */
void ext2_xattr_evict(struct ext2_inode *ei)
{
	struct places p = { .buf = NULL };

	if (!ei->file_acl)
		return;
	if (!open_block(ei, &p))
		drop_share(ext2_is(ei), ei->file_acl, p.buf);
	places_close(&p);
	ei->file_acl = 0;
	/* Whether a symbolic link has a block of its own is seen by what is left. */
	ei->vfs.blocks -= min_t(u64, ei->vfs.blocks, ext2_is(ei)->block_size >> 9);
}

/* --- listing --- */

struct listing {
	struct ext2_sb *s;
	char *buf;
	size_t size, done;
};

static const struct prefix *prefix_of(u8 index)
{
	for (size_t k = 0; k < ARRAY_SIZE(prefixes); k++) {
		if (prefixes[k].index == index)
			return &prefixes[k];
	}
	return NULL;
}

static int list_area(struct listing *l, const struct xattr_area *a)
{
	const struct ext2_xattr_entry *e;

	if (!a->base)
		return 0;
	for (e = xattr_first(a); !xattr_last(e); e = xattr_next(e)) {
		const struct prefix *p = prefix_of(e->e_name_index);
		size_t plen, n;

		if (!p || !enabled(l->s, p->index) || !xattr_listable(p->text))
			continue;
		plen = strlen(p->text);
		n = plen + e->e_name_len + 1;
		if (l->size) {
			if (n > l->size - l->done)
				return -ERANGE;
			memcpy(l->buf + l->done, p->text, plen);
			memcpy(l->buf + l->done + plen, e->e_name, e->e_name_len);
			l->buf[l->done + n - 1] = '\0';
		}
		l->done += n;
	}
	return 0;
}

ssize_t ext2_listxattr(struct inode *i, char *buf, size_t size)
{
	struct ext2_inode *ei = ext2_i(i);
	struct listing l = { ext2_s(i->sb), buf, size, 0 };
	struct places p;
	int rc;

	down_read(&ei->map_lock);
	rc = places_open(ei, &p);
	if (!rc) {
		rc = list_area(&l, &p.body);
		if (!rc)
			rc = list_area(&l, &p.block);
		places_close(&p);
	}
	up_read(&ei->map_lock);
	return rc ? rc : (ssize_t)l.done;
}
