/* SPDX-License-Identifier: MIT */
/* Access control lists by themselves: the form that programs see, validity, and how lists and mode
 * bits follow from each other. Nothing here knows inodes.
 *
 * The attribute is a header with the version and entries of tag, permissions and id, all
 * little-endian; entries are not sorted by id, and an id may come twice, as on Linux. */
#include <fs/posix_acl.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define XATTR_VERSION 2u
#define RWX 7u

struct xattr_entry {
	u16 tag;
	u16 perm;
	u32 id;
};
_Static_assert(sizeof(struct xattr_entry) == 8, "entries of the attribute");

struct posix_acl *posix_acl_alloc(u32 count)
{
	struct posix_acl *acl = kmalloc(sizeof(*acl) + count * sizeof(acl->e[0]), GFP_KERNEL);

	if (acl)
		acl->count = count;
	return acl;
}

struct posix_acl *posix_acl_clone(const struct posix_acl *acl)
{
	struct posix_acl *copy = posix_acl_alloc(acl->count);

	if (copy)
		memcpy(copy->e, acl->e, acl->count * sizeof(acl->e[0]));
	return copy;
}

/* --- the attribute --- */

static int entry_from_xattr(const struct xattr_entry *x, struct posix_acl_entry *e)
{
	e->tag = x->tag;
	e->perm = x->perm;
	e->id = ACL_UNDEFINED_ID;
	switch (x->tag) {
	case ACL_USER_OBJ:
	case ACL_GROUP_OBJ:
	case ACL_MASK:
	case ACL_OTHER:
		return 0;
	case ACL_USER:
	case ACL_GROUP:
		e->id = x->id;
		return x->id == ACL_UNDEFINED_ID ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

int posix_acl_from_xattr(const void *data, size_t size, struct posix_acl **out)
{
	const char *p = data;
	struct posix_acl *acl;
	u32 version, count;

	if (size < sizeof(version))
		return -EINVAL;
	memcpy(&version, p, sizeof(version));
	if (version != XATTR_VERSION)
		return -EOPNOTSUPP;
	size -= sizeof(version);
	p += sizeof(version);
	if (size % sizeof(struct xattr_entry))
		return -EINVAL;
	count = (u32)(size / sizeof(struct xattr_entry));
	if (!count) {
		*out = NULL;
		return 0;
	}
	acl = posix_acl_alloc(count);
	if (!acl)
		return -ENOMEM;
	for (u32 k = 0; k < count; k++) {
		struct xattr_entry x;

		memcpy(&x, p + k * sizeof(x), sizeof(x));
		if (entry_from_xattr(&x, &acl->e[k])) {
			kfree(acl);
			return -EINVAL;
		}
	}
	*out = acl;
	return 0;
}

ssize_t posix_acl_to_xattr(const struct posix_acl *acl, void *buf, size_t size)
{
	size_t need = sizeof(u32) + acl->count * sizeof(struct xattr_entry);
	u32 version = XATTR_VERSION;
	char *p = buf;

	if (!size)
		return (ssize_t)need;
	if (size < need)
		return -ERANGE;
	memcpy(p, &version, sizeof(version));
	p += sizeof(version);
	for (u32 k = 0; k < acl->count; k++) {
		const struct posix_acl_entry *e = &acl->e[k];
		bool named = e->tag == ACL_USER || e->tag == ACL_GROUP;
		struct xattr_entry x = { e->tag, e->perm, named ? e->id : ACL_UNDEFINED_ID };

		memcpy(p + k * sizeof(x), &x, sizeof(x));
	}
	return (ssize_t)need;
}

/* --- validity --- */

/* Each tag may follow only those before it; `seen` has the tags of the entries before. */
static bool in_order(u32 tag, u32 seen)
{
	switch (tag) {
	case ACL_USER_OBJ:
		return !seen;
	case ACL_USER:
		return seen && !(seen & ~(ACL_USER_OBJ | ACL_USER));
	case ACL_GROUP_OBJ:
		return seen && !(seen & ~(ACL_USER_OBJ | ACL_USER));
	case ACL_GROUP:
	case ACL_MASK:
		return (seen & ACL_GROUP_OBJ) && !(seen & (ACL_MASK | ACL_OTHER));
	case ACL_OTHER:
		return (seen & ACL_GROUP_OBJ) && !(seen & ACL_OTHER) &&
		       ((seen & ACL_MASK) || !(seen & (ACL_USER | ACL_GROUP)));
	default:
		return false;
	}
}

int posix_acl_valid(const struct posix_acl *acl)
{
	u32 seen = 0;

	for (u32 k = 0; k < acl->count; k++) {
		const struct posix_acl_entry *e = &acl->e[k];

		if ((e->perm & ~RWX) || !in_order(e->tag, seen))
			return -EINVAL;
		seen |= e->tag;
	}
	return seen & ACL_OTHER ? 0 : -EINVAL;
}

/* --- lists and modes --- */

int posix_acl_equiv_mode(const struct posix_acl *acl, mode_t *mode)
{
	mode_t user = 0, group = 0, other = 0, mask = 0;
	bool masked = false, more = false;

	for (u32 k = 0; k < acl->count; k++) {
		mode_t perm = acl->e[k].perm & RWX;

		switch (acl->e[k].tag) {
		case ACL_USER_OBJ:
			user = perm;
			break;
		case ACL_GROUP_OBJ:
			group = perm;
			break;
		case ACL_OTHER:
			other = perm;
			break;
		case ACL_MASK:
			mask = perm;
			masked = true;
			break;
		case ACL_USER:
		case ACL_GROUP:
			more = true;
			break;
		default:
			return -EINVAL;
		}
	}
	*mode = (*mode & ~(mode_t)0777) | user << 6 | (masked ? mask : group) << 3 | other;
	return masked || more;
}

/* The entries that go with the nine bits; class is the mask, or the owning group without one. */
struct mode_entries {
	struct posix_acl_entry *user, *class, *other;
	bool more;
};

static int find_mode_entries(struct posix_acl *acl, struct mode_entries *m)
{
	struct posix_acl_entry *group = NULL;

	memset(m, 0, sizeof(*m));
	for (u32 k = 0; k < acl->count; k++) {
		struct posix_acl_entry *e = &acl->e[k];

		switch (e->tag) {
		case ACL_USER_OBJ:
			m->user = e;
			break;
		case ACL_GROUP_OBJ:
			group = e;
			break;
		case ACL_MASK:
			m->class = e;
			break;
		case ACL_OTHER:
			m->other = e;
			break;
		case ACL_USER:
		case ACL_GROUP:
			m->more = true;
			break;
		default:
			return -EIO;
		}
	}
	if (m->class)
		m->more = true;
	else
		m->class = group;
	return m->user && m->class && m->other ? 0 : -EIO;
}

int posix_acl_change_mode(struct posix_acl *acl, mode_t mode)
{
	struct mode_entries m;
	int rc = find_mode_entries(acl, &m);

	if (rc)
		return rc;
	m.user->perm = mode >> 6 & RWX;
	m.class->perm = mode >> 3 & RWX;
	m.other->perm = mode & RWX;
	return 0;
}

int posix_acl_create_mode(struct posix_acl *acl, mode_t *mode)
{
	struct mode_entries m;
	int rc = find_mode_entries(acl, &m);

	if (rc)
		return rc;
	m.user->perm &= *mode >> 6 & RWX;
	m.class->perm &= *mode >> 3 & RWX;
	m.other->perm &= *mode & RWX;
	*mode = (*mode & ~(mode_t)0777) | (mode_t)m.user->perm << 6 | (mode_t)m.class->perm << 3 |
		m.other->perm;
	return m.more;
}
