/* SPDX-License-Identifier: MIT */
/* Hooks of inotify. While nobody watches anything they cost one load and one branch. */
#ifndef VFS_NOTIFY_H
#define VFS_NOTIFY_H

#include <fs/vfs.h>
#include <uapi/inotify.h>

extern unsigned int inotify_watches; /* A: number of watches in the system */
void inotify_event_slow(struct inode *i, u32 mask, u32 cookie, const struct qstr *name);
void inotify_dentry_slow(struct dentry *d, u32 mask);
u32 inotify_cookie(void);
void inotify_inode_gone(struct inode *i); /* the inode's memory is about to go */
void inotify_deleted(struct inode *i);	  /* its last name went */
void inotify_unmount(struct super_block *sb);

static inline void notify_event(struct inode *i, u32 mask, u32 cookie, const struct qstr *name)
{
	if (unlikely(READ_ONCE(inotify_watches)))
		inotify_event_slow(i, mask, cookie, name);
}
/* Something happened to the object behind d: told to its watchers and to its directory's. */
static inline void notify_dentry(struct dentry *d, u32 mask)
{
	if (unlikely(READ_ONCE(inotify_watches)))
		inotify_dentry_slow(d, mask);
}

#endif
