/* SPDX-License-Identifier: MIT */
/* Access control lists of inodes: the cache, who may do what, inheriting, changing.
 *
 * Use: generic_permission asks posix_acl_permission when inode->acl is not NULL; creating calls go
 * through posix_acl_umask (VFS) and posix_acl_inherit (file system).
 * The cache: a pointer changes under inode->lock, except from ACL_UNKNOWN to what the file system
 * said, which any reader may do with one compare-and-exchange. It never becomes ACL_UNKNOWN again,
 * so a reader that was late finds its list refused and takes the one that is there. Lists that
 * leave the cache go by RCU; those of a dead inode with its memory.
 * Changing: the file system stores first (inode_ops.set_acl, mode included), then the cache
 * follows, which cannot fail. */
#include "vfs_internal.h"

#include <fs/posix_acl.h>
#include <uapi/capability.h>
#include <uapi/xattr.h>

static struct posix_acl **acl_slot(struct inode *i, enum acl_type type)
{
	return type == ACL_TYPE_ACCESS ? &i->acl : &i->default_acl;
}

static void publish(struct inode *i, enum acl_type type, struct posix_acl *acl)
{
	struct posix_acl *old = xchg(acl_slot(i, type), acl);

	if (old && old != ACL_UNKNOWN)
		kfree_rcu(old, rcu);
}

int posix_acl_load(struct inode *i, enum acl_type type)
{
	struct posix_acl **slot = acl_slot(i, type), *unknown = ACL_UNKNOWN, *acl = NULL;
	int rc;

	if (likely(READ_ONCE(*slot) != ACL_UNKNOWN))
		return 0;
	rc = i->ops->get_acl ? i->ops->get_acl(i, type, &acl) : 0;
	if (rc)
		return rc;
	if (!try_cmpxchg(slot, &unknown, acl))
		kfree(acl);
	return 0;
}

void posix_acl_attach(struct inode *i, struct posix_acl *access, struct posix_acl *def)
{
	publish(i, ACL_TYPE_ACCESS, access);
	publish(i, ACL_TYPE_DEFAULT, def);
}

void posix_acl_forget(struct inode *i)
{
	if (i->acl != ACL_UNKNOWN)
		kfree(i->acl);
	if (i->default_acl != ACL_UNKNOWN)
		kfree(i->default_acl);
}

/* --- permission --- */

static bool in_group(const struct cred *c, gid_t gid)
{
	return c->fsgid == gid || cred_in_group(c, gid);
}

static bool mask_allows(const struct posix_acl *acl, u32 from, u32 want)
{
	for (u32 k = from; k < acl->count; k++) {
		if (acl->e[k].tag == ACL_MASK)
			return !(want & ~(u32)acl->e[k].perm);
	}
	return true;
}

/* The first entry that is about current decides; of the groups it is in, any that grants all. */
static int check_list(const struct inode *i, const struct posix_acl *acl, u32 want)
{
	const struct cred *c = current_cred();
	bool member = false;

	for (u32 k = 0; k < acl->count; k++) {
		const struct posix_acl_entry *e = &acl->e[k];
		bool grants = !(want & ~(u32)e->perm);

		switch (e->tag) {
		case ACL_USER_OBJ:
			if (i->uid == c->fsuid)
				return grants ? 0 : -EACCES;
			break;
		case ACL_USER:
			if (e->id == c->fsuid)
				return grants && mask_allows(acl, k + 1, want) ? 0 : -EACCES;
			break;
		case ACL_GROUP_OBJ:
		case ACL_GROUP:
			if (!in_group(c, e->tag == ACL_GROUP ? e->id : i->gid))
				break;
			member = true;
			if (grants)
				return mask_allows(acl, k + 1, want) ? 0 : -EACCES;
			break;
		case ACL_MASK:
			break;
		case ACL_OTHER:
			return grants && !member ? 0 : -EACCES;
		default:
			return -EIO;
		}
	}
	return -EIO;
}

int posix_acl_permission(struct inode *i, unsigned int mask)
{
	const struct posix_acl *acl;
	int rc = 1;

	if (unlikely(!(i->sb->flags & SB_POSIXACL)))
		return 1;
	if (unlikely(READ_ONCE(i->acl) == ACL_UNKNOWN)) {
		if (mask & MAY_RCU)
			return -EAGAIN;
		rc = posix_acl_load(i, ACL_TYPE_ACCESS);
		if (rc)
			return rc;
		rc = 1;
	}
	rcu_read_lock();
	acl = READ_ONCE(i->acl);
	if (acl)
		rc = check_list(i, acl, mask & (MAY_READ | MAY_WRITE | MAY_EXEC));
	rcu_read_unlock();
	return rc;
}

/* --- creating --- */

int posix_acl_umask(struct inode *dir, mode_t *mode)
{
	if (unlikely(dir->default_acl) && (dir->sb->flags & SB_POSIXACL)) {
		int rc = posix_acl_load(dir, ACL_TYPE_DEFAULT);

		if (rc || dir->default_acl)
			return rc;
	}
	*mode &= ~current_umask();
	return 0;
}

int posix_acl_inherit(struct inode *dir, mode_t *mode, struct posix_acl **access,
		      struct posix_acl **def)
{
	struct posix_acl *acl;
	int rc;

	*access = *def = NULL;
	if (likely(!dir->default_acl) || !(dir->sb->flags & SB_POSIXACL) || S_ISLNK(*mode))
		return 0;
	rc = posix_acl_load(dir, ACL_TYPE_DEFAULT);
	if (rc || !dir->default_acl)
		return rc;
	acl = posix_acl_clone(dir->default_acl);
	if (!acl)
		return -ENOMEM;
	rc = posix_acl_create_mode(acl, mode);
	if (rc <= 0) {
		kfree(acl);
		acl = NULL;
	}
	if (rc < 0)
		return rc;
	if (S_ISDIR(*mode)) {
		*def = posix_acl_clone(dir->default_acl);
		if (!*def) {
			kfree(acl);
			return -ENOMEM;
		}
	}
	*access = acl;
	return 0;
}

/* --- changing --- */

/* Stores a list, which is taken over, or removes it. */
static int set_list(struct inode *i, enum acl_type type, struct posix_acl *acl)
{
	mode_t mode = i->mode;
	int rc;

	if (type == ACL_TYPE_ACCESS) {
		rc = acl ? posix_acl_equiv_mode(acl, &mode) : 0;
		if (rc < 0)
			goto fail;
		if (!rc) {
			kfree(acl);
			acl = NULL;
		}
		if (!in_group_or_capable(i, i->gid))
			mode &= ~(mode_t)S_ISGID;
	}
	rc = i->ops->set_acl(i, type, acl, mode);
	if (rc)
		goto fail;
	publish(i, type, acl);
	return 0;
fail:
	kfree(acl);
	return rc;
}

int posix_acl_chmod(struct inode *i)
{
	struct posix_acl *acl;
	int rc;

	if (likely(!i->acl) || !(i->sb->flags & SB_POSIXACL))
		return 0;
	rc = posix_acl_load(i, ACL_TYPE_ACCESS);
	if (rc || !i->acl)
		return rc;
	acl = posix_acl_clone(i->acl);
	if (!acl)
		return -ENOMEM;
	rc = posix_acl_change_mode(acl, i->mode);
	if (rc) {
		kfree(acl);
		return rc;
	}
	return set_list(i, ACL_TYPE_ACCESS, acl);
}

/* --- extended attributes --- */

bool posix_acl_xattr_name(const char *name, enum acl_type *type)
{
	if (likely(strncmp(name, "system.posix_acl_", 17)))
		return false;
	if (!strcmp(name, XATTR_ACL_ACCESS))
		*type = ACL_TYPE_ACCESS;
	else if (!strcmp(name, XATTR_ACL_DEFAULT))
		*type = ACL_TYPE_DEFAULT;
	else
		return false;
	return true;
}

ssize_t posix_acl_getxattr(struct inode *i, enum acl_type type, void *buf, size_t size)
{
	const struct posix_acl *acl;
	int rc;

	if (!(i->sb->flags & SB_POSIXACL) || S_ISLNK(i->mode))
		return -EOPNOTSUPP;
	rc = posix_acl_load(i, type);
	if (rc)
		return rc;
	acl = *acl_slot(i, type); /* inode->lock keeps it */
	return acl ? posix_acl_to_xattr(acl, buf, size) : -ENODATA;
}

int posix_acl_setxattr(struct inode *i, enum acl_type type, const void *value, size_t size)
{
	struct posix_acl *acl = NULL;
	int rc = 0;

	if (value)
		rc = posix_acl_from_xattr(value, size, &acl);
	if (rc)
		return rc;
	rc = -EOPNOTSUPP;
	if (!(i->sb->flags & SB_POSIXACL) || !i->ops->set_acl)
		goto out;
	if (type == ACL_TYPE_DEFAULT && !S_ISDIR(i->mode)) {
		rc = acl ? -EACCES : 0;
		goto out;
	}
	rc = -EPERM;
	if (!inode_owner_or_capable(i))
		goto out;
	rc = acl ? posix_acl_valid(acl) : 0;
	if (!rc)
		return set_list(i, type, acl);
out:
	kfree(acl);
	return rc;
}
