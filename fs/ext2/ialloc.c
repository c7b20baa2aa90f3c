/* SPDX-License-Identifier: MIT */
/* Inode bitmaps: choosing a place for a new inode, making it, giving its number back.
 *
 * Directories of the top are spread over the groups: the least used one of those with more than
 * average room. Deeper ones stay with their parent while its group has room. Other objects live in
 * the group of their directory, else nearby.
 * Locking: s->lock for bits and counts; the caller is inside an operation. */
#include "ext2_internal.h"

#include <kernel/bitmap.h>
#include <kernel/hash.h>
#include <kernel/proc.h>
#include <kernel/random.h>
#include <uapi/capability.h>

/* Makes g->ib valid, or says -EIO. May sleep. */
static int load_inode_bitmap(struct ext2_sb *s, u32 group)
{
	struct ext2_group *g = &s->groups[group];
	struct buf *b;
	u32 free;
	int rc;

	if (READ_ONCE(g->ib))
		return 0;
	rc = buf_read(s->bdev, g->inode_bitmap, s->block_size, &b);
	if (rc) {
		ext2_error(s, NULL, g->inode_bitmap, "inode bitmap of group %u: error %d", group,
			   rc);
		return rc;
	}
	spin_lock(&s->lock);
	if (g->ib) {
		spin_unlock(&s->lock);
		buf_put(b);
		return 0;
	}
	free = s->inodes_per_group - (u32)bitmap_weight(b->data, s->inodes_per_group);
	if (free != g->free_inodes) {
		s->free_inodes += (s64)free - (s64)g->free_inodes;
		g->free_inodes = free;
		g->dirty = true;
	}
	smp_store_release(&g->ib, b);
	spin_unlock(&s->lock);
	return 0;
}

/* --- choosing a group; s->lock held --- */

static u32 group_for_top_dir(const struct ext2_sb *s, u32 start)
{
	u32 avg_inodes = (u32)(s->free_inodes / s->nr_groups);
	u32 avg_blocks = (u32)(s->free_blocks / s->nr_groups), best = ~0u, best_dirs = ~0u;

	for (u32 n = 0; n < s->nr_groups; n++) {
		u32 g = (start + n) % s->nr_groups;
		const struct ext2_group *grp = &s->groups[g];

		if (!grp->free_inodes || grp->free_inodes < avg_inodes ||
		    grp->free_blocks < avg_blocks || grp->used_dirs >= best_dirs)
			continue;
		best = g;
		best_dirs = grp->used_dirs;
	}
	return best;
}

static u32 group_for_dir(const struct ext2_sb *s, u32 parent)
{
	u32 per_group = s->inodes_per_group;
	u32 avg_inodes = (u32)(s->free_inodes / s->nr_groups);
	u32 avg_blocks = (u32)(s->free_blocks / s->nr_groups);
	u32 max_dirs = (u32)(s->used_dirs / s->nr_groups) + per_group / 16;
	u32 min_inodes = avg_inodes > per_group / 4 ? avg_inodes - per_group / 4 : 1;
	u32 min_blocks = avg_blocks > s->blocks_per_group / 4 ?
				 avg_blocks - s->blocks_per_group / 4 : 1;

	for (u32 n = 0; n < s->nr_groups; n++) {
		u32 g = (parent + n) % s->nr_groups;
		const struct ext2_group *grp = &s->groups[g];

		if (grp->used_dirs < max_dirs && grp->free_inodes >= min_inodes &&
		    grp->free_blocks >= min_blocks)
			return g;
	}
	return ~0u;
}

static u32 group_for_file(const struct ext2_sb *s, u32 parent, u32 dir_ino)
{
	u32 g = parent;

	if (s->groups[g].free_inodes && s->groups[g].free_blocks)
		return g;
	/* Directories of one full group scatter differently. */
	g = (parent + dir_ino) % s->nr_groups;
	for (u32 n = 1; n < s->nr_groups; n <<= 1) {
		g = (g + n) % s->nr_groups;
		if (s->groups[g].free_inodes && s->groups[g].free_blocks)
			return g;
	}
	return parent;
}

static u32 choose_group(const struct ext2_sb *s, const struct ext2_inode *dir, bool isdir,
			u32 random)
{
	u32 g = ~0u;

	if (!isdir)
		return group_for_file(s, dir->group, (u32)dir->vfs.ino);
	if (dir->vfs.ino == EXT2_ROOT_INO || (dir->flags & EXT2_FL_TOPDIR))
		g = group_for_top_dir(s, random % s->nr_groups);
	if (g == ~0u)
		g = group_for_dir(s, dir->group);
	return g == ~0u ? dir->group : g;
}

/* --- numbers --- */

/* Takes an inode number. s->lock is given up while a bitmap is read. */
static NO_LOCK_ANALYSIS int take_ino(struct ext2_sb *s, u32 first, bool isdir, u32 *ino)
{
	for (u32 n = 0; n < s->nr_groups; n++) {
		u32 g = (first + n) % s->nr_groups, bit;
		struct ext2_group *grp = &s->groups[g];

		if (!grp->free_inodes)
			continue;
		if (!grp->ib) {
			int rc;

			spin_unlock(&s->lock);
			rc = load_inode_bitmap(s, g);
			spin_lock(&s->lock);
			if (rc)
				continue;
		}
		if (!g && grp->inode_hint < s->first_ino - 1)
			grp->inode_hint = s->first_ino - 1;
		bit = (u32)bitmap_find_next_zero(grp->ib->data, s->inodes_per_group,
						 grp->inode_hint);
		grp->inode_hint = bit;
		if (bit >= s->inodes_per_group)
			continue;
		bitmap_set(grp->ib->data, bit);
		grp->inode_hint = bit + 1;
		grp->free_inodes--;
		grp->used_dirs += isdir;
		grp->dirty = true;
		s->free_inodes--;
		s->used_dirs += isdir;
		s->txn.super = true;
		*ino = g * s->inodes_per_group + bit + 1;
		return 0;
	}
	return -ENOSPC;
}

void ext2_release_ino(struct ext2_sb *s, u32 ino)
{
	u32 group = (ino - 1) / s->inodes_per_group, bit = (ino - 1) % s->inodes_per_group;
	struct ext2_group *g = &s->groups[group];
	bool was;

	if (load_inode_bitmap(s, group))
		return;
	spin_lock(&s->lock);
	was = bitmap_test_and_clear(g->ib->data, bit);
	if (was) {
		g->free_inodes++;
		g->dirty = true;
		s->free_inodes++;
		s->txn.super = true;
		if (bit < g->inode_hint)
			g->inode_hint = bit;
	}
	spin_unlock(&s->lock);
	ext2_dirty_buf(s, g->ib, EB_BITMAP);
	if (!was)
		ext2_error(s, NULL, 0, "inode %u was free already", ino);
}

void ext2_free_ino(struct ext2_sb *s, u32 ino, bool dir, bool now)
{
	if (ino < s->first_ino || ino > s->inodes) {
		ext2_error(s, NULL, 0, "reserved inode %u freed", ino);
		return;
	}
	if (dir) {
		struct ext2_group *g = &s->groups[(ino - 1) / s->inodes_per_group];

		spin_lock(&s->lock);
		if (g->used_dirs) {
			g->used_dirs--;
			s->used_dirs--;
		}
		g->dirty = true;
		s->txn.super = true;
		spin_unlock(&s->lock);
	}
	if (now)
		ext2_release_ino(s, ino);
	else
		ext2_note_free(s, ino, 0);
}

/* --- the inode --- */

static void init_inode(struct ext2_sb *s, struct ext2_inode *ei, struct inode *dir, mode_t mode,
		       u32 ino)
{
	struct inode *i = &ei->vfs;
	struct ext2_inode *di = ext2_i(dir);
	u32 mask = EXT2_FL_INHERITED;

	if (s->opts.flags & OPT_GRPID) {
		i->uid = current_cred()->fsuid;
		i->gid = dir->gid;
		i->mode = mode;
	} else {
		inode_init_owner(i, dir, mode);
	}
	i->atime = i->mtime = i->ctime = i->btime = ext2_now(i->sb);
	i->nlink = 1;
	if (S_ISDIR(mode))
		mask |= 0;
	else if (S_ISREG(mode))
		mask &= ~(EXT2_FL_DIRSYNC | EXT2_FL_TOPDIR);
	else
		mask = EXT2_FL_NODUMP | EXT2_FL_NOATIME;
	ext2_xattr_init(ei, NULL);
	ei->flags = di->flags & mask;
	ei->group = (ino - 1) / s->inodes_per_group;
	ei->born = s->txn.id;
	spin_lock(&s->lock);
	ei->generation = s->next_generation++;
	spin_unlock(&s->lock);
	ext2_apply_flags(ei);
	ext2_set_ops(ei);
}

int ext2_new_inode(struct inode *dir, mode_t mode, const struct qstr *name __maybe_unused,
		   struct inode **out)
{
	struct ext2_sb *s = ext2_s(dir->sb);
	struct ext2_inode *di = ext2_i(dir);
	bool isdir = S_ISDIR(mode);
	struct inode *i;
	u32 ino = 0, random = isdir ? get_random_u32() : 0;
	int rc;

	spin_lock(&s->lock);
	rc = take_ino(s, choose_group(s, di, isdir, random), isdir, &ino);
	spin_unlock(&s->lock);
	if (rc)
		return rc;
	ext2_dirty_buf(s, s->groups[(ino - 1) / s->inodes_per_group].ib, EB_BITMAP);
	i = inode_new(dir->sb);
	rc = -ENOMEM;
	if (!i)
		goto free;
	rc = inode_hash_new(i, ino);
	if (rc) { /* the bitmap calls an inode free that a name leads to: the number stays taken */
		inode_put(i);
		ext2_error(s, NULL, 0, "inode %u is in use but was marked free", ino);
		return -EIO;
	}
	init_inode(s, ext2_i(i), dir, mode, ino);
	inode_unlock_new(i);
	*out = i;
	return 0;
free:
	ext2_free_ino(s, ino, isdir, true);
	return rc;
}

/* Outside of an operation. */
void ext2_unmake_inode(struct inode *i)
{
	ext2_undirty(ext2_i(i));
	i->nlink = 0;
	inode_put(i);
}
