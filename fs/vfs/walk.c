/* SPDX-License-Identifier: MIT */
/* Path walk: text to (mount, dentry).
 *
 * Use: walk_path for the object itself, walk_parent for calls that make, remove or open the last
 * component themselves.
 * Two modes. RCU mode holds no reference and takes no lock: each step reads the child's sequence
 * count, then what it needs, then checks the child's and the parent's counts; at the end the result
 * gets its references, checked once more. Whatever does not work that way (a name that is not
 * cached, a dentry that must be asked whether it is valid, a change under our feet) ends the
 * attempt with -ECHILD, and the walk is done again in ref mode, which holds references and takes
 * directory locks. Symlinks are followed without recursion: the stack keeps, for each link being
 * read, what is left of the text around it.
 * Invariants: in ref mode w->path and every
 * w->stack[].link hold references; in RCU mode none do. An error return of walk_* leaves nothing to
 * release. */
#include "vfs_internal.h"
#include "name_hash.h"

#include <kernel/log.h>

#define SCOPED (LOOKUP_BENEATH | LOOKUP_IN_ROOT)

s64 protected_symlinks, protected_hardlinks, protected_fifos, protected_regular;

/* --- texts --- */

void pathname_put_big(struct pathname *pn)
{
	kfree(pn->big);
}

static int pathname_get_big(struct pathname *pn, struct user_ptr p)
{
	ssize_t n;

	pn->big = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!pn->big)
		return -ENOMEM;
	n = strncpy_from_user(pn->big, p, PATH_MAX);
	if (n < 0) {
		kfree(pn->big);
		return (int)n;
	}
	pn->name = pn->big;
	return 0;
}

int pathname_get(struct pathname *pn, struct user_ptr p, unsigned int lookup_flags)
{
	ssize_t n = strncpy_from_user(pn->small, p, PATHNAME_SMALL);

	if (likely(n > 0)) {
		pn->name = pn->small;
		pn->big = NULL;
		return 0;
	}
	if (n == -ENAMETOOLONG)
		return pathname_get_big(pn, p);
	pn->name = pn->small;
	pn->big = NULL;
	if (n == 0)
		return lookup_flags & LOOKUP_EMPTY ? 0 : -ENOENT;
	return (int)n;
}

/* --- roots and references --- */

static void read_fs_path(const struct fs_struct *fs, const struct path *from, struct path *to,
			 u32 *seq)
{
	u32 s;

	do {
		s = read_seqbegin(&fs->seq);
		*to = *from;
		*seq = read_seqbegin(&to->dentry->seq);
	} while (read_seqretry(&fs->seq, s));
}

/* Makes w->root valid. */
static int walk_set_root(struct walk *w)
{
	struct fs_struct *fs = current_fs();
	u32 seq;

	if (w->root_set)
		return 0;
	if (w->rcu) {
		read_fs_path(fs, &fs->root, &w->root, &seq);
	} else {
		fs_get_root(fs, &w->root);
		w->root_ref = true;
	}
	w->root_set = true;
	return 0;
}

/* Moves to p, whose references are taken over in ref mode. */
static void walk_move(struct walk *w, const struct path *p)
{
	if (!w->rcu)
		path_put(&w->path);
	w->path = *p;
	w->inode = p->dentry->inode;
}

static int walk_to_root(struct walk *w)
{
	int rc;

	if (w->flags & LOOKUP_BENEATH)
		return -EXDEV;
	rc = walk_set_root(w);
	if (rc)
		return rc;
	if ((w->flags & LOOKUP_NO_XDEV) && w->path.mnt && w->root.mnt != w->path.mnt)
		return -EXDEV;
	if (w->rcu) {
		w->path = w->root;
		w->seq = read_seqbegin(&w->root.dentry->seq);
		w->inode = READ_ONCE(w->root.dentry->inode);
		return w->inode ? 0 : -ECHILD;
	}
	path_get(&w->root);
	walk_move(w, &w->root);
	return 0;
}

static void link_pop(struct walk *w)
{
	struct walk_link *l = &w->stack[--w->depth];

	if (l->put_link)
		l->put_link(l->cookie);
	if (!w->rcu)
		path_put(&l->link);
}

/* Releases everything but w->path. */
static void walk_drop(struct walk *w)
{
	while (w->depth)
		link_pop(w);
	if (w->stack != w->small)
		kfree(w->stack);
	if (w->rcu)
		rcu_read_unlock();
	if (w->root_ref)
		path_put(&w->root);
	if (w->base.file)
		fd_put(w->base);
}

static void walk_fail(struct walk *w)
{
	if (!w->rcu && w->path.dentry)
		path_put(&w->path);
	walk_drop(w);
}

void walk_end(struct walk *w)
{
	path_put(&w->path);
	walk_drop(w);
}

/* From RCU mode to references on w->path. On -ECHILD everything has been released. */
static int walk_legitimize(struct walk *w)
{
	struct path got = { NULL, NULL };
	bool ok = false;

	if (likely(mount_get_unless_dead(w->path.mnt))) {
		got.mnt = w->path.mnt;
		if (likely(d_get_unless_dead(w->path.dentry))) {
			got.dentry = w->path.dentry;
			ok = !read_seqretry(&mount_seq, w->mseq) &&
			     !read_seqretry(&got.dentry->seq, w->seq);
		}
	}
	while (w->depth)
		link_pop(w);
	w->rcu = false;
	w->root_set = false; /* was not referenced */
	rcu_read_unlock();
	if (likely(ok))
		return 0;
	path_put(&got);
	w->path.dentry = NULL;
	walk_fail(w);
	return -ECHILD;
}

/* --- single steps --- */

static inline int may_search(struct walk *w)
{
	struct inode *i = w->inode;
	int rc;

	if (unlikely(!S_ISDIR(i->mode)))
		return -ENOTDIR;
	if (likely((i->mode & S_IXUGO) == S_IXUGO && !i->acl && !i->ops->permission))
		return 0;
	rc = inode_permission(i, MAY_EXEC | (w->rcu ? MAY_RCU : 0));
	return rc == -EAGAIN && w->rcu ? -ECHILD : rc;
}

/* Child in RCU mode, mounts crossed: *p without references, its inode and sequence. */
static int step_rcu(struct walk *w, const struct qstr *q, struct path *p, struct inode **inode,
		    u32 *pseq)
{
	struct dentry *parent = w->path.dentry, *d;
	struct mount *mnt = w->path.mnt, *m;
	struct inode *i;
	u32 seq, flags;

	d = d_find_rcu(parent, q, &seq);
	if (unlikely(!d))
		return -ECHILD;
	i = READ_ONCE(d->inode);
	flags = READ_ONCE(d->flags);
	if (unlikely(read_seqretry(&d->seq, seq) || read_seqretry(&parent->seq, w->seq)))
		return -ECHILD;
	if (unlikely(flags & DCACHE_REVALIDATE) && d->ops->revalidate(d, true) <= 0)
		return -ECHILD;
	if (unlikely(!i))
		return -ENOENT;
	while (unlikely(flags & DCACHE_MOUNTED)) {
		m = mount_lookup_rcu(mnt, d);
		if (read_seqretry(&mount_seq, w->mseq))
			return -ECHILD;
		if (!m)
			break;
		if (w->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		mnt = m;
		d = m->root;
		seq = read_seqbegin(&d->seq);
		i = READ_ONCE(d->inode);
		flags = READ_ONCE(d->flags);
	}
	*p = (struct path){ mnt, d };
	*inode = i;
	*pseq = seq;
	return 0;
}

static int lookup_new(struct dentry *dir, const struct qstr *q, struct dentry **out)
{
	struct inode *i = dir->inode;
	struct dentry *d;
	int rc;

	if (!i || !i->nlink) /* a removed directory */
		return -ENOENT;
	d = d_alloc(dir, q);
	if (!d)
		return -ENOMEM;
	rc = i->ops->lookup(i, d);
	if (rc) {
		d_put(d);
		return rc;
	}
	*out = d;
	return 0;
}

/* A cached dentry that is still valid, with a reference; NULL none; -errno in *rc. */
static struct dentry *lookup_cached(struct dentry *dir, const struct qstr *q)
{
	struct dentry *d = d_lookup(dir, q);

	if (d && unlikely(d->flags & DCACHE_REVALIDATE) && d->ops->revalidate(d, false) == 0) {
		d_drop(d);
		d_put(d);
		d = NULL;
	}
	return d;
}

int walk_lookup_locked(struct dentry *dir, const struct qstr *q, struct dentry **out)
{
	struct dentry *d = lookup_cached(dir, q);

	if (d) {
		*out = d;
		return 0;
	}
	return lookup_new(dir, q, out);
}

int walk_lookup(struct dentry *dir, const struct qstr *q, struct dentry **out)
{
	struct dentry *d = lookup_cached(dir, q);
	int rc;

	if (d) {
		*out = d;
		return 0;
	}
	down_write(&dir->inode->lock);
	rc = walk_lookup_locked(dir, q, out);
	up_write(&dir->inode->lock);
	return rc;
}

static int step_ref(struct walk *w, const struct qstr *q, struct path *p)
{
	struct dentry *d;
	int rc;

	rc = walk_lookup(w->path.dentry, q, &d);
	if (rc)
		return rc;
	if (d_is_negative(d)) {
		d_put(d);
		return -ENOENT;
	}
	p->mnt = w->path.mnt;
	mount_get(p->mnt);
	p->dentry = d;
	path_cross_mounts(p);
	if ((w->flags & LOOKUP_NO_XDEV) && p->mnt != w->path.mnt) {
		path_put(p);
		return -EXDEV;
	}
	return 0;
}

static bool at_root(const struct walk *w)
{
	return w->path.dentry == w->root.dentry && w->path.mnt == w->root.mnt;
}

/* Down over whatever is mounted on the directory that ".." led to. */
static int dotdot_cross_rcu(struct walk *w)
{
	struct mount *m;

	while (READ_ONCE(w->path.dentry->flags) & DCACHE_MOUNTED) {
		m = mount_lookup_rcu(w->path.mnt, w->path.dentry);
		if (!m)
			break;
		w->path = (struct path){ m, m->root };
		w->seq = read_seqbegin(&m->root->seq);
	}
	w->inode = READ_ONCE(w->path.dentry->inode);
	return w->inode && !read_seqretry(&mount_seq, w->mseq) ? 0 : -ECHILD;
}

static int dotdot_rcu(struct walk *w)
{
	struct dentry *d, *parent;
	struct mount *m = w->path.mnt;

	while (w->path.dentry == m->root) {
		if (at_root(w) || m->parent == m)
			return dotdot_cross_rcu(w);
		if (w->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		w->path.dentry = m->mountpoint;
		w->path.mnt = m->parent;
		m = m->parent;
		w->seq = read_seqbegin(&w->path.dentry->seq);
		if (read_seqretry(&mount_seq, w->mseq))
			return -ECHILD;
	}
	if (!at_root(w)) {
		u32 seq;

		d = w->path.dentry;
		parent = READ_ONCE(d->parent);
		seq = read_seqbegin(&parent->seq);
		if (read_seqretry(&d->seq, w->seq))
			return -ECHILD;
		w->path.dentry = parent;
		w->seq = seq;
	}
	return dotdot_cross_rcu(w);
}

static struct dentry *parent_get(struct dentry *d)
{
	struct dentry *p;

	for (;;) {
		rcu_read_lock();
		p = READ_ONCE(d->parent);
		if (d_get_unless_dead(p)) {
			rcu_read_unlock();
			if (p == READ_ONCE(d->parent))
				return p;
			d_put(p);
			continue;
		}
		rcu_read_unlock();
	}
}

static int dotdot_ref(struct walk *w)
{
	struct dentry *parent;

	while (w->path.dentry == w->path.mnt->root && !at_root(w)) {
		if ((w->flags & LOOKUP_NO_XDEV) && w->path.mnt->parent != w->path.mnt)
			return -EXDEV;
		if (!path_up(&w->path))
			break;
	}
	if (!at_root(w) && w->path.dentry != w->path.mnt->root) {
		parent = parent_get(w->path.dentry);
		d_put(w->path.dentry);
		w->path.dentry = parent;
	}
	path_cross_mounts(&w->path);
	w->inode = w->path.dentry->inode;
	return w->inode ? 0 : -ENOENT;
}

static int walk_dotdot(struct walk *w)
{
	int rc = walk_set_root(w);

	if (rc)
		return rc;
	if ((w->flags & LOOKUP_BENEATH) && at_root(w))
		return -EXDEV;
	rc = w->rcu ? dotdot_rcu(w) : dotdot_ref(w);
	if (rc)
		return rc;
	/* Inside a scope a racing rename or mount could have led us out. */
	if ((w->flags & SCOPED) &&
	    (read_seqretry(&mount_seq, w->mseq) || read_seqretry(&d_rename_seq, w->rseq)))
		return -EAGAIN;
	return 0;
}

/* --- symlinks --- */

static int stack_grow(struct walk *w)
{
	struct walk_link *s;

	if (w->rcu)
		return -ECHILD;
	s = kmalloc(sizeof(*s) * MAX_SYMLINKS, GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	memcpy(s, w->small, sizeof(w->small));
	w->stack = s;
	w->stack_size = MAX_SYMLINKS;
	return 0;
}

/* fs.protected_symlinks: in sticky directories that everybody may write to, follow only own links
 * and those of the directory's owner. */
static int may_follow(const struct walk *w, const struct inode *link)
{
	const struct inode *dir = w->inode;

	if (likely(!protected_symlinks) || current_cred()->fsuid == link->uid)
		return 0;
	if ((dir->mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH) || dir->uid == link->uid)
		return 0;
	return -EACCES;
}

static int link_jump(struct walk *w, struct path *jump)
{
	if (w->flags & (LOOKUP_NO_MAGICLINKS | LOOKUP_NO_SYMLINKS)) {
		path_put(jump);
		return -ELOOP;
	}
	if ((w->flags & SCOPED) || ((w->flags & LOOKUP_NO_XDEV) && jump->mnt != w->path.mnt)) {
		path_put(jump);
		return -EXDEV;
	}
	walk_move(w, jump);
	w->jumped = true;
	return 0;
}

/* Reads the link at *link (found in w->path; references taken over) and pushes it. *name: text to
 * go on with. final: it is the last component of everything. */
static int link_push(struct walk *w, struct path *link, struct inode *inode, bool final,
		     const char *rest, const char **name)
{
	struct path jump = { NULL, NULL };
	const char *target = NULL;
	struct walk_link *l;
	void *cookie = NULL;
	int rc;

	rc = -ELOOP;
	if (w->links++ >= MAX_SYMLINKS || (w->flags & LOOKUP_NO_SYMLINKS))
		goto fail;
	rc = final ? may_follow(w, inode) : 0;
	if (!rc && w->depth == w->stack_size)
		rc = stack_grow(w);
	if (rc)
		goto fail;
	if (w->rcu && inode->ops->update_time) {
		rc = -ECHILD;
		goto fail;
	}
	inode_accessed(link->mnt, inode);
	rc = inode->ops->get_link(inode, link->dentry, w->rcu, &target, &cookie, &jump);
	if (rc < 0) {
		if (rc == -EAGAIN && w->rcu)
			rc = -ECHILD;
		goto fail;
	}
	l = &w->stack[w->depth++];
	l->link = *link;
	l->rest = rest;
	l->cookie = cookie;
	l->put_link = inode->ops->put_link;
	if (rc == 1) {
		*name = "";
		return link_jump(w, &jump);
	}
	if (!*target)
		return -ENOENT;
	*name = target;
	return *target == '/' ? walk_to_root(w) : 0;
fail:
	if (!w->rcu)
		path_put(link);
	return rc;
}

/* --- the loop --- */

static bool rests_empty(const struct walk *w)
{
	for (unsigned int k = 0; k < w->depth; k++) {
		if (*w->stack[k].rest)
			return false;
	}
	return true;
}

static enum last_type classify(const struct qstr *q)
{
	if (q->name[0] != '.' || q->len > 2)
		return LAST_NORM;
	if (q->len == 1)
		return LAST_DOT;
	return q->name[1] == '.' ? LAST_DOTDOT : LAST_NORM;
}

/* One ordinary component. *name: in: text behind it; out: text to go on with. */
static int walk_component(struct walk *w, const struct qstr *q, bool last, bool slash,
			  const char **name)
{
	struct inode *inode;
	struct path next;
	u32 seq = 0;
	int rc;

	if (w->rcu) {
		rc = step_rcu(w, q, &next, &inode, &seq);
	} else {
		rc = step_ref(w, q, &next);
		if (!rc)
			inode = next.dentry->inode;
	}
	if (unlikely(rc))
		return rc;
	if (unlikely(S_ISLNK(inode->mode)) && (!last || slash || (w->flags & LOOKUP_FOLLOW)))
		return link_push(w, &next, inode, last, *name, name);
	if (w->rcu) {
		w->path = next;
		w->seq = seq;
		w->inode = inode;
	} else {
		walk_move(w, &next);
	}
	return 0;
}

/* The common part of an RCU walk: steps over cached, ordinary names below directories that
 * everybody may search. Stops in front of whatever needs more thought, and *namep says where. 0 or
 * -ECHILD. */
static int walk_plain(struct walk *w, const char **namep)
{
	struct dentry *d = w->path.dentry, *c;
	struct inode *i = w->inode, *ci;
	const char *name = *namep, *rest;
	u32 seq = w->seq, cseq, flags;
	int rc = 0;

	for (;;) {
		struct qstr q;

		if ((i->mode & (S_IFMT | S_IXUGO)) != (S_IFDIR | S_IXUGO) || i->acl ||
		    i->ops->permission)
			break;
		if (*name == '.' || name_scan(name, &q) > NAME_MAX)
			break;
		rest = name + q.len;
		while (*rest == '/')
			rest++;
		if (!*rest && (w->flags & LOOKUP_PARENT))
			break;
		rc = -ECHILD;
		c = d_find_rcu(d, &q, &cseq);
		if (unlikely(!c))
			break;
		ci = READ_ONCE(c->inode);
		flags = READ_ONCE(c->flags);
		if (unlikely(read_seqretry(&c->seq, cseq) || read_seqretry(&d->seq, seq)))
			break;
		rc = ci || (flags & DCACHE_REVALIDATE) ? 0 : -ENOENT;
		if (rc || (flags & (DCACHE_MOUNTED | DCACHE_REVALIDATE)) || S_ISLNK(ci->mode))
			break;
		d = c;
		i = ci;
		seq = cseq;
		if (!*rest) {
			w->trailing_slash = name + q.len != rest;
			name = rest;
			break;
		}
		name = rest;
	}
	w->path.dentry = d;
	w->inode = i;
	w->seq = seq;
	*namep = name;
	return rc;
}

/* Walks name from w->path; with LOOKUP_PARENT stops before the last component. */
static int walk_text(struct walk *w, const char *name)
{
	struct qstr q;
	int rc;

	w->last_type = LAST_ROOT;
	for (;;) {
		enum last_type type;
		const char *rest;
		bool last, slash;

		while (*name == '/')
			name++;
		if (likely(w->rcu && !w->depth && *name)) {
			rc = walk_plain(w, &name);
			if (unlikely(rc))
				return rc;
		}
		if (!*name) {
			if (!w->depth)
				return 0;
			name = w->stack[w->depth - 1].rest;
			link_pop(w);
			continue;
		}
		rc = may_search(w);
		if (unlikely(rc))
			return rc;
		if (unlikely(name_scan(name, &q) > NAME_MAX))
			return -ENAMETOOLONG;
		rest = name + q.len;
		slash = *rest == '/';
		while (*rest == '/')
			rest++;
		last = !*rest && (!w->depth || rests_empty(w));
		type = classify(&q);
		if (last && slash)
			w->trailing_slash = true;
		if (last && (w->flags & LOOKUP_PARENT)) {
			w->last = q;
			w->last_type = type;
			return 0;
		}
		name = rest;
		if (likely(type == LAST_NORM))
			rc = walk_component(w, &q, last, slash, &name);
		else
			rc = type == LAST_DOTDOT ? walk_dotdot(w) : 0;
		if (unlikely(rc))
			return rc;
	}
}

/* Sets the starting point. On error nothing is held. */
static int walk_start(struct walk *w, int dirfd, const char *name, unsigned int flags, bool rcu)
{
	struct fs_struct *fs = current_fs();
	int rc = 0;

	w->path = (struct path){ NULL, NULL };
	w->flags = flags;
	w->rcu = rcu;
	w->root_set = w->root_ref = w->trailing_slash = w->jumped = false;
	w->links = w->depth = 0;
	w->stack = w->small;
	w->stack_size = WALK_INLINE_LINKS;
	w->base.file = NULL;
	w->dirfd = dirfd;
	w->mseq = read_seqbegin(&mount_seq);
	w->rseq = read_seqbegin(&d_rename_seq);
	if (*name == '/' && !(flags & LOOKUP_IN_ROOT)) {
		if (rcu)
			rcu_read_lock();
		rc = walk_to_root(w);
		goto out;
	}
	if (dirfd != AT_FDCWD) {
		rc = fdget_any((unsigned int)dirfd, RIGHT_NONE, &w->base);
		if (rc) {
			w->base.file = NULL;
			return rc;
		}
		w->path = w->base.file->path;
		if (rcu)
			rcu_read_lock();
		else
			path_get(&w->path);
		w->seq = read_seqbegin(&w->path.dentry->seq);
	} else if (rcu) {
		rcu_read_lock();
		read_fs_path(fs, &fs->cwd, &w->path, &w->seq);
	} else {
		fs_get_cwd(fs, &w->path);
	}
	w->inode = READ_ONCE(w->path.dentry->inode);
	if (unlikely(!w->inode)) {
		rc = -ENOENT;
		goto out;
	}
	if (unlikely(flags & SCOPED)) {
		w->root = w->path;
		path_get(&w->root);
		w->root_set = w->root_ref = true;
	}
out:
	if (unlikely(rc))
		walk_fail(w);
	return rc;
}

static bool path_is_under(const struct path *p, const struct path *root)
{
	struct path at = *p;
	bool under;

	path_get(&at);
	while (at.mnt != root->mnt && path_up(&at))
		;
	rcu_read_lock();
	under = at.mnt == root->mnt && d_is_ancestor(root->dentry, at.dentry);
	rcu_read_unlock();
	path_put(&at);
	return under;
}

/* One attempt. On success w->path is referenced, RCU mode is over. */
static int walk_try(struct walk *w, int dirfd, const char *name, unsigned int flags, bool rcu)
{
	int rc;

	rc = walk_start(w, dirfd, name, flags, rcu);
	if (rc)
		return rc;
	rc = walk_text(w, name);
	if (!rc && !(flags & LOOKUP_PARENT) && ((flags & LOOKUP_DIRECTORY) || w->trailing_slash) &&
	    !S_ISDIR(w->inode->mode))
		rc = -ENOTDIR;
	/* The text of the last component would go with the RCU section. */
	if (!rc && w->rcu && w->depth)
		rc = -ECHILD;
	if (rc) {
		walk_fail(w);
		return rc;
	}
	if (w->rcu) {
		rc = walk_legitimize(w);
		if (rc)
			return rc;
	}
	if (unlikely(flags & SCOPED) && !path_is_under(&w->path, &w->root)) {
		walk_end(w);
		return -EXDEV;
	}
	return 0;
}

static int walk_both(struct walk *w, int dirfd, const char *name, unsigned int flags)
{
	int rc = -ECHILD;

	if (likely(!(flags & SCOPED))) /* the root of a scope needs a reference */
		rc = walk_try(w, dirfd, name, flags, true);
	if (unlikely(rc == -ECHILD)) {
		if ((flags & LOOKUP_CACHED) && !(flags & SCOPED))
			return -EAGAIN;
		rc = walk_try(w, dirfd, name, flags, false);
	}
	return rc;
}

int walk_path(int dirfd, const char *name, unsigned int flags, struct path *out)
{
	struct walk w;
	int rc;

	rc = walk_both(&w, dirfd, name, flags);
	if (unlikely(rc))
		return rc;
	*out = w.path;
	walk_drop(&w);
	return 0;
}

int walk_parent(struct walk *w, int dirfd, const char *name, unsigned int flags)
{
	return walk_both(w, dirfd, name, flags | LOOKUP_PARENT);
}

int walk_parent_link(struct walk *w, struct path *link)
{
	const char *name = "";
	int rc;

	w->trailing_slash = false;
	rc = link_push(w, link, link->dentry->inode, true, "", &name);
	if (!rc)
		rc = walk_text(w, name);
	if (rc)
		walk_fail(w);
	return rc;
}

/* --- from outside --- */

int user_path_at(int dirfd, struct user_ptr name, unsigned int flags, struct path *out)
{
	struct pathname pn;
	int rc;

	rc = pathname_get(&pn, name, flags);
	if (rc)
		return rc;
	rc = walk_path(dirfd, pn.name, flags, out);
	pathname_put(&pn);
	return rc;
}

int kern_path(const char *name, unsigned int flags, struct path *out)
{
	return walk_path(AT_FDCWD, name, flags, out);
}
