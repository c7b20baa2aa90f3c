/* SPDX-License-Identifier: MIT */
/* getdents, getcwd, chdir, chroot, umask. */
#include "notify.h"
#include "vfs_internal.h"

#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <uapi/capability.h>

/* --- getdents: each record is built on the stack and copied out whole; the offset of the record
 * before it is filled in when the next one is known. --- */

struct dents {
	struct dir_context ctx;
	struct user_ptr to;   /* next record */
	struct user_ptr prev; /* last one, null: none yet */
	size_t room;
	bool old; /* struct linux_dirent */
	int error;
};

#define DIRENT_HEAD                                                                                \
	19 /* bytes before d_name of dirent64; 18 of the old one, whose type comes last */

static int dents_patch(struct dents *g, loff_t off)
{
	return user_ptr_is_null(g->prev) ? 0 : put_user_u64((u64)off, user_ptr_add(g->prev, 8));
}

static bool dents_emit(struct dir_context *ctx, const char *name, unsigned int len, loff_t off,
		       u64 ino, unsigned int type)
{
	struct dents *g = container_of(ctx, struct dents, ctx);
	size_t head = g->old ? DIRENT_HEAD - 1 : DIRENT_HEAD;
	size_t reclen = ALIGN_UP(head + len + (g->old ? 2 : 1), 8ul);
	union {
		struct user_dirent64 d;
		char bytes[ALIGN_UP(DIRENT_HEAD + NAME_MAX + 2, 8)];
	} r;

	g->error = -EINVAL; /* when not even one record fits */
	if (reclen > g->room || len > NAME_MAX)
		return false;
	/* Between two records is where a long listing can be interrupted. */
	if (!user_ptr_is_null(g->prev) && signal_pending())
		return false;
	if (dents_patch(g, off))
		goto fault;
	*(u64 *)(r.bytes + reclen - 8) = 0;
	r.d.d_ino = ino;
	r.d.d_off = off;
	r.d.d_reclen = (u16)reclen;
	if (g->old)
		r.bytes[reclen - 1] = (char)type;
	else
		r.d.d_type = (u8)type;
	memcpy(r.bytes + head, name, len);
	r.bytes[head + len] = '\0';
	if (copy_to_user(g->to, &r, reclen))
		goto fault;
	g->prev = g->to;
	g->to = user_ptr_add(g->to, reclen);
	g->room -= reclen;
	return true;
fault:
	g->error = -EFAULT;
	return false;
}

static NO_LOCK_ANALYSIS long do_getdents(unsigned int fd, struct user_ptr buf, unsigned int count,
					 bool old)
{
	struct dents g = { .ctx.emit = dents_emit, .to = buf, .room = count, .old = old };
	struct inode *i;
	struct fdref r;
	bool locked;
	long rc;

	rc = fdget(fd, RIGHT_READ, &r);
	if (rc)
		return rc;
	i = r.file->inode;
	if (!r.file->ops->iterate || (int)count < 0) {
		rc = r.file->ops->iterate ? -EINVAL : -ENOTDIR;
		fd_put(r);
		return rc;
	}
	locked = pos_lock(&r);
	down_read(&i->lock);
	rc = -ENOENT;
	if (i->nlink) {
		g.ctx.pos = r.file->pos;
		rc = r.file->ops->iterate(r.file, &g.ctx);
		r.file->pos = g.ctx.pos;
	}
	up_read(&i->lock);
	/* What was given out before an error counts: the error comes again with the next call. */
	if (!user_ptr_is_null(g.prev))
		rc = dents_patch(&g, g.ctx.pos) ? -EFAULT : (long)(count - g.room);
	else if (rc >= 0)
		rc = g.error;
	if (rc >= 0) {
		file_accessed(r.file);
		notify_dentry(r.file->path.dentry, IN_ACCESS);
	}
	pos_unlock(&r, locked);
	fd_put(r);
	return rc;
}

SYSCALL(getdents, unsigned int, fd, struct user_ptr, buf, unsigned int, count)
{
	return do_getdents(fd, buf, count, true);
}

SYSCALL(getdents64, unsigned int, fd, struct user_ptr, buf, unsigned int, count)
{
	return do_getdents(fd, buf, count, false);
}

/* --- working directory and root --- */

SYSCALL(getcwd, struct user_ptr, buf, unsigned long, size)
{
	struct fs_struct *fs = current_fs();
	struct path cwd, root;
	char *page, *text;
	long rc = -ENOMEM;
	size_t n;

	page = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!page)
		return rc;
	fs_get_cwd(fs, &cwd);
	fs_get_root(fs, &root);
	rc = -ENOENT;
	if (d_unhashed(cwd.dentry) && cwd.dentry != cwd.mnt->root)
		goto out;
	/* Room is left for the mark of a directory outside the root. */
	rc = path_text(&cwd, &root, false, page + 13, PATH_MAX - 13, &text);
	if (rc < 0)
		goto out;
	if (rc == 1) {
		text -= 13;
		memcpy(text, "(unreachable)", 13);
	}
	n = (size_t)(page + PATH_MAX - text);
	rc = -ERANGE;
	if (n <= size)
		rc = copy_to_user(buf, text, n) ? -EFAULT : (long)n;
out:
	path_put(&root);
	path_put(&cwd);
	kfree(page);
	return rc;
}

SYSCALL(chdir, struct user_ptr, name)
{
	struct path p;
	int rc = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (rc)
		return rc;
	rc = inode_permission(p.dentry->inode, MAY_EXEC);
	if (rc)
		path_put(&p);
	else
		fs_set_cwd(current->fs, &p);
	return rc;
}

SYSCALL(fchdir, unsigned int, fd)
{
	struct path p;
	struct fdref r;
	int rc = fdget_any(fd, RIGHT_NONE, &r);

	if (rc)
		return rc;
	p = r.file->path;
	if (!d_can_lookup(p.dentry))
		rc = -ENOTDIR;
	else
		rc = inode_permission(p.dentry->inode, MAY_EXEC);
	if (!rc) {
		path_get(&p);
		fs_set_cwd(current->fs, &p);
	}
	fd_put(r);
	return rc;
}

SYSCALL(chroot, struct user_ptr, name)
{
	struct path p;
	int rc = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (rc)
		return rc;
	rc = inode_permission(p.dentry->inode, MAY_EXEC);
	if (!rc && !capable(CAP_SYS_CHROOT))
		rc = -EPERM;
	if (rc)
		path_put(&p);
	else
		fs_set_root(current->fs, &p);
	return rc;
}

SYSCALL(umask, int, mask)
{
	return (long)xchg(&current->fs->umask, (mode_t)mask & S_IRWXUGO);
}
