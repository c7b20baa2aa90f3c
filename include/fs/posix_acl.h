/* SPDX-License-Identifier: MIT */
/* POSIX access control lists (POSIX 1003.1e draft 17).
 *
 * An inode has an access ACL and, when it is a directory, a default ACL for what is made in it. The
 * list in memory never changes: it is replaced as a whole. inode->acl and inode->default_acl cache
 * both: NULL there is none, ACL_UNKNOWN nobody has asked the file system yet. They are read under
 * RCU and written under inode->lock; a reader may turn ACL_UNKNOWN into what it found. A list that
 * only says what the mode says is never stored.
 * Only super blocks with SB_POSIXACL have them. */
#ifndef FS_POSIX_ACL_H
#define FS_POSIX_ACL_H

#include <kernel/rcu.h>
#include <kernel/types.h>

struct inode;

/* Tags, in the order in which entries follow each other. */
#define ACL_USER_OBJ 0x01u
#define ACL_USER 0x02u
#define ACL_GROUP_OBJ 0x04u
#define ACL_GROUP 0x08u
#define ACL_MASK 0x10u
#define ACL_OTHER 0x20u
#define ACL_UNDEFINED_ID 0xffffffffu

struct posix_acl_entry {
	u16 tag;
	u16 perm; /* MAY_* */
	u32 id;	  /* of ACL_USER and ACL_GROUP */
};
struct posix_acl {
	struct rcu_head rcu;
	u32 count;
	struct posix_acl_entry e[];
};
#define ACL_UNKNOWN ((struct posix_acl *)1ul)

enum acl_type { ACL_TYPE_ACCESS, ACL_TYPE_DEFAULT };
#define XATTR_ACL_ACCESS "system.posix_acl_access"
#define XATTR_ACL_DEFAULT "system.posix_acl_default"

/* --- the list alone (posix_acl.c); may sleep where memory is made --- */

/* Entries are the caller's to fill. kfree frees it; kfree_rcu once it has been on an inode. */
struct posix_acl *must_check posix_acl_alloc(u32 count);
/* From the form of the extended attribute. *out NULL: no entries. -EINVAL, -EOPNOTSUPP for another
 * version, -ENOMEM. */
int must_check posix_acl_from_xattr(const void *data, size_t size, struct posix_acl **out);
/* Bytes of that form, written to buf unless size is 0: -ERANGE when it is too small. */
ssize_t must_check posix_acl_to_xattr(const struct posix_acl *acl, void *buf, size_t size);
/* Are all entries there that must be, in order? 0 or -EINVAL. */
int must_check posix_acl_valid(const struct posix_acl *acl);
/* Takes the list into the nine lower bits of *mode: 0 when they say it all, 1 when there is more,
 * -EINVAL. */
int must_check posix_acl_equiv_mode(const struct posix_acl *acl, mode_t *mode);
/* The list after chmod to `mode`. -EIO: it lacks entries. */
int must_check posix_acl_change_mode(struct posix_acl *acl, mode_t mode);
/* A copy of a default list becomes the access list of an object that is made with *mode; the bits
 * the list does not grant go from *mode. 0 when *mode says it all, 1, -EIO. */
int must_check posix_acl_create_mode(struct posix_acl *acl, mode_t *mode);
struct posix_acl *must_check posix_acl_clone(const struct posix_acl *acl);

/* --- of inodes (acl.c) --- */

/* What the access ACL says about current, who is not the owner: 0, -EACCES, 1 when there is no
 * ACL, -EAGAIN when it would have to sleep and mask has MAY_RCU, -EIO, -ENOMEM. */
int posix_acl_permission(struct inode *i, unsigned int mask);
/* Reads the list into the cache. After 0 the cache is not ACL_UNKNOWN. */
int must_check posix_acl_load(struct inode *i, enum acl_type type);
/* Which list a name of an extended attribute means; false: none. */
bool posix_acl_xattr_name(const char *name, enum acl_type *type);
/* The system calls on such an attribute; inode->lock held, the mount is writable for the latter.
 * value NULL: removes it. */
ssize_t posix_acl_getxattr(struct inode *i, enum acl_type type, void *buf, size_t size);
int posix_acl_setxattr(struct inode *i, enum acl_type type, const void *value, size_t size);
/* After chmod: the access list follows i->mode. inode->lock held exclusive. */
int posix_acl_chmod(struct inode *i);
/* The umask goes from *mode unless dir has a default ACL, which then rules. Directory locked. */
int must_check posix_acl_umask(struct inode *dir, mode_t *mode);
/* For file systems, when they make an inode whose mode is set: lists that it inherits, *mode
 * narrowed. *access and *def are new or NULL; give them to posix_acl_attach when they are stored,
 * or to kfree. */
int must_check posix_acl_inherit(struct inode *dir, mode_t *mode, struct posix_acl **access,
				 struct posix_acl **def);
/* Puts lists on an inode that nobody else knows yet. */
void posix_acl_attach(struct inode *i, struct posix_acl *access, struct posix_acl *def);
/* The inode's memory goes, a grace period after its end. */
void posix_acl_forget(struct inode *i);

#endif
