/* SPDX-License-Identifier: MIT */
/* POSIX ACLs: system.posix_acl_access decides about access beside the mode, system.posix_acl_default
 * of a directory is what new objects in it get.
 *
 * The mode and an access ACL say the same about owner, others, and (by the mask) the group class;
 * both change together. An ACL that says no more than a mode is not stored.
 * Cache: ei->acl[], NULL when not looked at yet. Path walks read it under RCU; changes happen under
 * inode->lock and count acl_seq up, so that somebody who was reading the block meanwhile does not
 * publish what is old.
 * The checks run in the order of POSIX.1e: owner, named users, groups, others. */
#include "ext2_internal.h"

#include <kernel/proc.h>
#include <kernel/rcu.h>
#include <uapi/capability.h>

#define ACL_USER_OBJ 0x01
#define ACL_USER 0x02
#define ACL_GROUP_OBJ 0x04
#define ACL_GROUP 0x08
#define ACL_MASK 0x10
#define ACL_OTHER 0x20

#define ACL_XATTR_VERSION 2u /* what user space sees */
#define ACL_MAX_ENTRIES 1024

struct acl_entry {
	u16 tag, perm;
	u32 id;
};
struct ext2_acl {
	struct rcu_head rcu;
	u32 count;
	struct acl_entry e[];
};
static struct ext2_acl no_acl; /* has been looked for */

static unsigned int slot_of(u8 index)
{
	return index == EXT2_XATTR_ACL_DEFAULT;
}

static bool has_id(u16 tag)
{
	return tag == ACL_USER || tag == ACL_GROUP;
}

static struct ext2_acl *acl_alloc(u32 count)
{
	struct ext2_acl *a = kzalloc(sizeof(*a) + count * sizeof(a->e[0]), GFP_KERNEL);

	if (a)
		a->count = count;
	return a;
}

static void free_rcu(struct rcu_head *h)
{
	kfree(container_of(h, struct ext2_acl, rcu));
}

void ext2_acl_free(struct ext2_inode *ei)
{
	for (unsigned int k = 0; k < 2; k++) {
		if (ei->acl[k] != &no_acl)
			kfree(ei->acl[k]);
	}
}

/* --- forms --- */

/* Order and number of entries as POSIX.1e wants them: 0 or -EINVAL. */
static int acl_check(const struct ext2_acl *a)
{
	static const u16 order[] = { ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ,
				     ACL_GROUP,	   ACL_MASK, ACL_OTHER };
	u32 step = 0, k = 0;
	bool mask = false, named = false;

	for (; k < a->count; k++) {
		const struct acl_entry *e = &a->e[k];

		if (e->perm & ~7u)
			return -EINVAL;
		while (step < ARRAY_SIZE(order) && order[step] != e->tag) {
			/* Those that must be there. */
			if (order[step] == ACL_USER_OBJ || order[step] == ACL_GROUP_OBJ ||
			    order[step] == ACL_OTHER)
				return -EINVAL;
			step++;
		}
		if (step == ARRAY_SIZE(order))
			return -EINVAL;
		named |= has_id(e->tag);
		mask |= e->tag == ACL_MASK;
		if (!has_id(e->tag))
			step++;
	}
	return step == ARRAY_SIZE(order) && (mask || !named) ? 0 : -EINVAL;
}

static int from_disk(const void *data, size_t size, struct ext2_acl **out)
{
	const char *at = data, *end = at + size;
	struct ext2_acl *a;
	u32 n = 0;

	if (size < sizeof(u32) || *(const u32 *)data != EXT2_ACL_VERSION)
		return -EIO;
	a = acl_alloc((u32)(size / sizeof(struct ext2_acl_entry_short)));
	if (!a)
		return -ENOMEM;
	at += sizeof(struct ext2_acl_header);
	while (at < end) {
		struct ext2_acl_entry d = { 0 };
		size_t step = sizeof(struct ext2_acl_entry_short);

		if ((size_t)(end - at) < step)
			goto bad;
		memcpy(&d, at, step);
		if (has_id(d.e_tag)) {
			step = sizeof(d);
			if ((size_t)(end - at) < step)
				goto bad;
			memcpy(&d, at, step);
		}
		a->e[n++] = (struct acl_entry){ d.e_tag, d.e_perm, d.e_id };
		at += step;
	}
	a->count = n;
	if (acl_check(a))
		goto bad;
	*out = a;
	return 0;
bad:
	kfree(a);
	return -EIO;
}

static size_t to_disk(const struct ext2_acl *a, void *data)
{
	struct ext2_acl_header h = { EXT2_ACL_VERSION };
	char *at = data;

	memcpy(at, &h, sizeof(h));
	at += sizeof(h);
	for (u32 k = 0; k < a->count; k++) {
		struct ext2_acl_entry d = { a->e[k].tag, a->e[k].perm, a->e[k].id };
		size_t step = has_id(d.e_tag) ? sizeof(d) : sizeof(struct ext2_acl_entry_short);

		memcpy(at, &d, step);
		at += step;
	}
	return (size_t)(at - (char *)data);
}

/* As setxattr passes it: version 2, entries of 8 bytes. *out NULL: no entries. */
static int from_user_form(const void *data, size_t size, struct ext2_acl **out)
{
	const struct acl_entry *e = (const void *)((const char *)data + sizeof(u32));
	struct ext2_acl *a;
	u32 n, version;

	*out = NULL;
	if (size < sizeof(u32))
		return -EINVAL;
	memcpy(&version, data, sizeof(version));
	if (version != ACL_XATTR_VERSION)
		return -EOPNOTSUPP;
	if ((size - sizeof(u32)) % sizeof(*e))
		return -EINVAL;
	n = (u32)((size - sizeof(u32)) / sizeof(*e));
	if (!n)
		return 0;
	if (n > ACL_MAX_ENTRIES)
		return -EINVAL;
	a = acl_alloc(n);
	if (!a)
		return -ENOMEM;
	memcpy(a->e, e, n * sizeof(*e));
	for (u32 k = 0; k < n; k++) {
		if (!has_id(a->e[k].tag))
			a->e[k].id = ~0u;
	}
	if (acl_check(a)) {
		kfree(a);
		return -EINVAL;
	}
	*out = a;
	return 0;
}

/* Does it say no more than a mode? *mode gets its permission bits. */
static bool acl_is_mode(const struct ext2_acl *a, mode_t *mode)
{
	mode_t bits = 0;
	bool plain = true;

	for (u32 k = 0; k < a->count; k++) {
		const struct acl_entry *e = &a->e[k];

		switch (e->tag) {
		case ACL_USER_OBJ:
			bits |= (mode_t)e->perm << 6;
			break;
		case ACL_GROUP_OBJ:
			bits |= (mode_t)e->perm << 3;
			break;
		case ACL_OTHER:
			bits |= e->perm;
			break;
		case ACL_MASK: /* comes after the group: it is what the mode shows */
			bits = (bits & ~(mode_t)070) | (mode_t)e->perm << 3;
			plain = false;
			break;
		default:
			plain = false;
			break;
		}
	}
	*mode = (*mode & ~(mode_t)0777) | bits;
	return plain;
}

/* --- cache --- */

static int load(struct ext2_inode *ei, u8 index)
{
	struct ext2_sb *s = ext2_is(ei);
	struct ext2_acl *a = &no_acl;
	u32 seq = READ_ONCE(ei->acl_seq);
	void *data = kmalloc(s->block_size, GFP_KERNEL);
	ssize_t n;
	int rc = 0;

	if (!data)
		return -ENOMEM;
	n = ext2_xattr_get(ei, index, data, s->block_size);
	if (n >= 0)
		rc = from_disk(data, (size_t)n, &a);
	else if (n != -ENODATA)
		rc = (int)n;
	kfree(data);
	if (rc)
		return rc;
	spin_lock(&ei->vfs.spin);
	if (seq == ei->acl_seq && !ei->acl[slot_of(index)]) {
		smp_store_release(&ei->acl[slot_of(index)], a);
		a = &no_acl;
	}
	spin_unlock(&ei->vfs.spin);
	if (a != &no_acl)
		kfree(a);
	return 0;
}

/* Takes a (NULL: none) as the truth. inode->lock held. */
static void publish(struct ext2_inode *ei, u8 index, struct ext2_acl *a)
{
	struct ext2_acl *old;

	spin_lock(&ei->vfs.spin);
	old = ei->acl[slot_of(index)];
	smp_store_release(&ei->acl[slot_of(index)], a ? a : &no_acl);
	ei->acl_seq++;
	spin_unlock(&ei->vfs.spin);
	if (old && old != &no_acl)
		call_rcu(&old->rcu, free_rcu);
}

/* A copy of the ACL; *out NULL: there is none. inode->lock held, so that it cannot change. */
static int get_copy(struct ext2_inode *ei, u8 index, struct ext2_acl **out)
{
	struct ext2_acl *a;
	int rc = 0;

	*out = NULL;
	if (!ei->file_acl)
		return 0;
	while (!(a = smp_load_acquire(&ei->acl[slot_of(index)]))) {
		rc = load(ei, index);
		if (rc)
			return rc;
	}
	if (a == &no_acl)
		return 0;
	*out = kmemdup(a, sizeof(*a) + a->count * sizeof(a->e[0]), GFP_KERNEL);
	return *out ? 0 : -ENOMEM;
}

/* --- permission --- */

static bool in_group(gid_t gid)
{
	return current_cred()->fsgid == gid || cred_in_group(current_cred(), gid);
}

static int masked(const struct ext2_acl *a, u32 from, u16 perm, unsigned int want)
{
	for (u32 k = from; k < a->count; k++) {
		if (a->e[k].tag == ACL_MASK)
			perm &= a->e[k].perm;
	}
	return (perm & want) == want ? 0 : -EACCES;
}

/* The file's owner is somebody else. */
static int acl_permission(const struct inode *i, const struct ext2_acl *a, unsigned int want)
{
	bool found = false;

	for (u32 k = 0; k < a->count; k++) {
		const struct acl_entry *e = &a->e[k];

		switch (e->tag) {
		case ACL_USER:
			if (e->id == current_cred()->fsuid)
				return masked(a, k, e->perm, want);
			break;
		case ACL_GROUP_OBJ:
		case ACL_GROUP:
			if (!in_group(e->tag == ACL_GROUP ? e->id : i->gid))
				break;
			found = true;
			if ((e->perm & want) == want)
				return masked(a, k, e->perm, want);
			break;
		case ACL_OTHER:
			if (found)
				return -EACCES;
			return (e->perm & want) == want ? 0 : -EACCES;
		default:
			break;
		}
	}
	return -EACCES;
}

/* What capabilities give although the ACL denies. */
static int override(const struct inode *i, unsigned int want)
{
	bool isdir = S_ISDIR(i->mode);

	if ((isdir ? !(want & MAY_WRITE) : want == MAY_READ) && capable(CAP_DAC_READ_SEARCH))
		return 0;
	if ((isdir || !(want & MAY_EXEC) || (i->mode & S_IXUGO)) && capable(CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int ext2_permission(struct inode *i, unsigned int mask)
{
	struct ext2_inode *ei = ext2_i(i);
	unsigned int want = mask & (MAY_READ | MAY_WRITE | MAY_EXEC);
	const struct ext2_acl *a;
	int rc;

	/* Without a bit in the group class there is no ACL that gives anything. */
	if (likely(!READ_ONCE(ei->file_acl)) || !(i->sb->flags & SB_POSIXACL) ||
	    i->uid == current_cred()->fsuid || !(i->mode & S_IRWXG))
		return generic_permission(i, mask);
	for (;;) {
		rcu_read_lock();
		a = smp_load_acquire(&ei->acl[0]);
		if (a) {
			rc = a == &no_acl ? 1 : acl_permission(i, a, want);
			rcu_read_unlock();
			break;
		}
		rcu_read_unlock();
		if (mask & MAY_RCU)
			return -EAGAIN;
		rc = load(ei, EXT2_XATTR_ACL_ACCESS);
		if (rc)
			return rc;
	}
	if (rc > 0)
		return generic_permission(i, mask);
	return rc ? override(i, want) : 0;
}

/* --- changing --- */

/* Stores a (NULL: removes). Inside an operation. Takes a over when it succeeds. */
static int store(struct ext2_inode *ei, u8 index, struct ext2_acl *a)
{
	size_t n = 0;
	void *data = NULL;
	int rc;

	if (a) {
		data = kmalloc(sizeof(u32) + a->count * sizeof(struct ext2_acl_entry), GFP_KERNEL);
		if (!data)
			return -ENOMEM;
		n = to_disk(a, data);
	}
	rc = ext2_xattr_set(ei, index, data, n);
	kfree(data);
	if (!rc)
		publish(ei, index, a);
	return rc;
}

/* The access ACL and the mode that goes with it. Inside an operation. */
static int store_access(struct ext2_inode *ei, struct ext2_acl *a)
{
	struct inode *i = &ei->vfs;
	mode_t mode = i->mode;
	bool plain = a && acl_is_mode(a, &mode);
	int rc = store(ei, EXT2_XATTR_ACL_ACCESS, plain ? NULL : a);

	if (rc)
		return rc;
	if (a) {
		if (!in_group(i->gid) && !capable(CAP_FSETID))
			mode &= ~(mode_t)S_ISGID;
		i->mode = mode;
	}
	ext2_dirty(ei, EI_DIRTY_META);
	if (plain)
		kfree(a);
	return 0;
}

int ext2_acl_setxattr(struct inode *i, u8 index, const void *data, size_t size)
{
	struct ext2_sb *s = ext2_s(i->sb);
	struct ext2_acl *a = NULL;
	int rc = data ? from_user_form(data, size, &a) : 0;

	if (rc)
		return rc;
	if (S_ISLNK(i->mode)) {
		rc = -EOPNOTSUPP;
	} else if (index == EXT2_XATTR_ACL_DEFAULT && !S_ISDIR(i->mode)) {
		rc = a ? -EACCES : 0;
		kfree(a);
		return rc;
	} else {
		rc = ext2_begin(s);
		if (!rc) {
			rc = index == EXT2_XATTR_ACL_ACCESS ? store_access(ext2_i(i), a)
							    : store(ext2_i(i), index, a);
			ext2_end(s);
		}
	}
	if (rc)
		kfree(a);
	return rc;
}

ssize_t ext2_acl_getxattr(struct inode *i, u8 index, void *buf, size_t size)
{
	u32 version = ACL_XATTR_VERSION;
	struct ext2_acl *a;
	ssize_t n;
	int rc = get_copy(ext2_i(i), index, &a);

	if (rc)
		return rc;
	if (!a)
		return -ENODATA;
	n = (ssize_t)(sizeof(u32) + a->count * sizeof(a->e[0]));
	for (u32 k = 0; k < a->count; k++) {
		if (!has_id(a->e[k].tag))
			a->e[k].id = ~0u;
	}
	if (size && (ssize_t)size < n) {
		n = -ERANGE;
	} else if (size) {
		memcpy(buf, &version, sizeof(version));
		memcpy((char *)buf + sizeof(version), a->e, a->count * sizeof(a->e[0]));
	}
	kfree(a);
	return n;
}

int ext2_acl_chmod(struct inode *i)
{
	struct ext2_inode *ei = ext2_i(i);
	struct acl_entry *group = NULL;
	struct ext2_acl *a;
	int rc;

	if (!(i->sb->flags & SB_POSIXACL) || S_ISLNK(i->mode))
		return 0;
	rc = get_copy(ei, EXT2_XATTR_ACL_ACCESS, &a);
	if (rc || !a)
		return rc;
	for (u32 k = 0; k < a->count; k++) {
		struct acl_entry *e = &a->e[k];

		if (e->tag == ACL_USER_OBJ)
			e->perm = i->mode >> 6 & 7;
		else if (e->tag == ACL_OTHER)
			e->perm = i->mode & 7;
		else if (e->tag == ACL_GROUP_OBJ || e->tag == ACL_MASK)
			group = e; /* the mask, if there is one */
	}
	if (group)
		group->perm = i->mode >> 3 & 7;
	rc = ext2_begin(ext2_is(ei));
	if (!rc) {
		rc = store(ei, EXT2_XATTR_ACL_ACCESS, a);
		ext2_end(ext2_is(ei));
	}
	if (rc)
		kfree(a);
	return rc;
}

/* --- inheriting --- */

/* What both the ACL and the mode that was asked for allow, in both. True: more than a mode. */
static bool restrict_both(struct ext2_acl *a, mode_t *mode)
{
	struct acl_entry *group = NULL;
	bool more = false;
	mode_t m = *mode;

	for (u32 k = 0; k < a->count; k++) {
		struct acl_entry *e = &a->e[k];

		switch (e->tag) {
		case ACL_USER_OBJ:
			e->perm &= m >> 6 & 7;
			m = (m & ~(mode_t)0700) | (mode_t)e->perm << 6;
			break;
		case ACL_OTHER:
			e->perm &= m & 7;
			m = (m & ~(mode_t)07) | e->perm;
			break;
		case ACL_GROUP_OBJ:
			group = e;
			break;
		case ACL_MASK:
			group = e;
			more = true;
			break;
		default:
			more = true;
			break;
		}
	}
	if (group) {
		group->perm &= m >> 3 & 7;
		m = (m & ~(mode_t)070) | (mode_t)group->perm << 3;
	}
	*mode = m;
	return more;
}

int ext2_acl_init(struct inode *i, struct inode *dir)
{
	struct ext2_inode *ei = ext2_i(i);
	struct ext2_acl *a, *copy;
	int rc;

	if (!(i->sb->flags & SB_POSIXACL) || S_ISLNK(i->mode))
		return 0;
	rc = get_copy(ext2_i(dir), EXT2_XATTR_ACL_DEFAULT, &a);
	if (rc)
		return rc;
	if (!a) {
		i->mode &= ~current_umask();
		return 0;
	}
	if (S_ISDIR(i->mode)) {
		rc = -ENOMEM;
		copy = kmemdup(a, sizeof(*a) + a->count * sizeof(a->e[0]), GFP_KERNEL);
		if (!copy)
			goto free;
		rc = store(ei, EXT2_XATTR_ACL_DEFAULT, copy);
		if (rc) {
			kfree(copy);
			goto free;
		}
	}
	if (restrict_both(a, &i->mode)) {
		rc = store(ei, EXT2_XATTR_ACL_ACCESS, a);
		if (!rc)
			return 0;
	}
free:
	kfree(a);
	return rc;
}
