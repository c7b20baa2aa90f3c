/* SPDX-License-Identifier: MIT */
/* Text of a path. Walks up from a dentry under RCU, retrying when a rename or a mount came between.
 */
#include "vfs_internal.h"

#include <kernel/printf.h>

static bool prepend(char **at, char *buf, const char *s, size_t n)
{
	if ((size_t)(*at - buf) < n)
		return false;
	*at -= n;
	memcpy(*at, s, n);
	return true;
}

/* One attempt; 0, 1 when root was not on the way, or -ENAMETOOLONG. RCU. */
static int walk_up(const struct path *p, const struct path *root, char *buf, char **at)
{
	struct dentry *d = p->dentry;
	struct mount *m = p->mnt;
	char *start = *at;

	for (;;) {
		struct dentry *parent;

		if (root && d == root->dentry && m == root->mnt)
			break;
		if (d == m->root || d->parent == d) {
			struct mount *up = m->parent;

			if (d != m->root || up == m) { /* the top, or cut off */
				if (*at == start && !prepend(at, buf, "/", 1))
					return -ENAMETOOLONG;
				return root ? 1 : 0;
			}
			d = m->mountpoint;
			m = up;
			continue;
		}
		parent = READ_ONCE(d->parent);
		if (!prepend(at, buf, d->name.name, d->name.len) || !prepend(at, buf, "/", 1))
			return -ENAMETOOLONG;
		d = parent;
	}
	if (*at == start && !prepend(at, buf, "/", 1))
		return -ENAMETOOLONG;
	return 0;
}

/* As d_path, and 1 when p cannot be reached from root (the text then starts at p's topmost mount).
 */
int path_text(const struct path *p, const struct path *root, bool deleted, char *buf, size_t size,
	      char **out)
{
	struct dentry *d = p->dentry;
	u32 mseq, rseq;
	char *at;
	int rc;

	do {
		mseq = read_seqbegin(&mount_seq);
		rseq = read_seqbegin(&d_rename_seq);
		at = buf + size;
		if (!prepend(&at, buf, "", 1))
			return -ENAMETOOLONG;
		if (deleted && d_unhashed(d) && d != p->mnt->root && d->parent != d &&
		    !prepend(&at, buf, " (deleted)", 10))
			return -ENAMETOOLONG;
		rcu_read_lock();
		rc = walk_up(p, root, buf, &at);
		rcu_read_unlock();
	} while (read_seqretry(&mount_seq, mseq) || read_seqretry(&d_rename_seq, rseq));
	if (rc >= 0)
		*out = at;
	return rc;
}

int d_path(const struct path *p, const struct path *root, char *buf, size_t size, char **out)
{
	struct strbuf sb;
	int rc;

	if (p->dentry->ops && p->dentry->ops->dname) {
		sb_init(&sb, buf, size);
		p->dentry->ops->dname(p->dentry, &sb);
		*out = buf;
		return sb.overflow ? -ENAMETOOLONG : 0;
	}
	rc = path_text(p, root, true, buf, size, out);
	return rc > 0 ? 0 : rc;
}
