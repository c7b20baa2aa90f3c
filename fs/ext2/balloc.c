/* SPDX-License-Identifier: MIT */
/* Block bitmaps: allocating and freeing blocks.
 *
 * Owns: block bitmaps, the counts of free blocks, windows.
 * A window is a run of blocks behind the last one of a file that is being written: their bits are
 * set in memory, so that others keep away, but they count as free and are cleared in the copies
 * that commits write. Windows go with the last close of a writer, and all at once when the disk
 * gets full.
 * A bitmap is read when a block of its group is first wanted, and stays. What it says counts: the
 * figure in the group descriptor is corrected then.
 * Freed blocks that the disk may still refer to go to the transaction (ext2_note_free); their bits
 * stay set until ext2_release_blocks.
 * Locking: s->lock for bits, counts and windows. */
#include "ext2_internal.h"

#include <kernel/bitmap.h>
#include <kernel/proc.h>
#include <uapi/capability.h>

#define WINDOW_MIN 8u
#define WINDOW_MAX 1024u

static u32 group_of(const struct ext2_sb *s, u32 block)
{
	return (block - s->first_block) / s->blocks_per_group;
}

static bool overlaps(u32 a, u32 an, u32 b, u32 bn)
{
	return a < b + bn && b < a + an;
}

static bool in_metadata(const struct ext2_sb *s, u32 group, u32 block, u32 count)
{
	const struct ext2_group *g = &s->groups[group];

	return overlaps(block, count, g->block_bitmap, 1) ||
	       overlaps(block, count, g->inode_bitmap, 1) ||
	       overlaps(block, count, g->inode_table, s->itable_blocks);
}

bool ext2_block_ok(const struct ext2_sb *s, u32 block, u32 count)
{
	u32 first, last;

	if (block <= s->first_block || count > s->blocks || block > s->blocks - count || !count)
		return false;
	first = group_of(s, block);
	last = group_of(s, block + count - 1);
	return !in_metadata(s, first, block, count) &&
	       (first == last || !in_metadata(s, last, block, count));
}

bool ext2_may_use_reserved(const struct ext2_sb *s)
{
	const struct cred *c = current_cred();

	if (c->fsuid == s->opts.resuid || capable(CAP_SYS_RESOURCE))
		return true;
	return s->opts.resgid && (c->fsgid == s->opts.resgid || cred_in_group(c, s->opts.resgid));
}

/* --- bitmaps --- */

/* The group's own metadata must be marked used. */
static bool bitmap_sane(const struct ext2_sb *s, u32 group, const unsigned long *map)
{
	const struct ext2_group *g = &s->groups[group];
	u32 first = ext2_group_first(s, group), table = g->inode_table - first;

	return bitmap_test(map, g->block_bitmap - first) &&
	       bitmap_test(map, g->inode_bitmap - first) &&
	       bitmap_find_next_zero(map, table + s->itable_blocks, table) >=
		       table + s->itable_blocks;
}

/* Makes g->bb valid, or marks the group bad. May sleep. */
static int load_bitmap(struct ext2_sb *s, u32 group)
{
	struct ext2_group *g = &s->groups[group];
	u32 size = ext2_group_blocks(s, group), free;
	struct buf *b;
	bool sane;
	int rc;

	if (READ_ONCE(g->bb))
		return 0;
	rc = buf_read(s->bdev, g->block_bitmap, s->block_size, &b);
	sane = !rc && bitmap_sane(s, group, b->data);
	spin_lock(&s->lock);
	if (g->bb || !sane) {
		bool told = g->bad || g->bb;

		g->bad |= !sane && !g->bb;
		spin_unlock(&s->lock);
		if (!rc)
			buf_put(b);
		if (!told)
			ext2_error(s, NULL, g->block_bitmap, "invalid block bitmap of group %u",
				   group);
		return READ_ONCE(g->bb) ? 0 : -EIO;
	}
	free = size - (u32)bitmap_weight(b->data, size);
	if (free != g->free_blocks) {
		s->free_blocks += (s64)free - (s64)g->free_blocks;
		g->free_blocks = free;
		g->dirty = true;
	}
	smp_store_release(&g->bb, b);
	spin_unlock(&s->lock);
	return 0;
}

/* Gives the run found at `bit` its bits. s->lock held. */
static void take_bits(struct ext2_sb *s, u32 group, u32 bit, u32 count)
{
	bitmap_set_range(s->groups[group].bb->data, bit, count);
}

static void count_used(struct ext2_sb *s, u32 group, u32 count)
{
	s->groups[group].free_blocks -= count;
	s->groups[group].dirty = true;
	s->free_blocks -= count;
	s->txn.super = true;
}

/* --- windows; s->lock held --- */

static void drop_window(struct ext2_sb *s, struct ext2_inode *ei)
{
	u32 group, bit;

	if (!ei->win_count)
		return;
	group = group_of(s, ei->win_start);
	bit = ei->win_start - ext2_group_first(s, group);
	bitmap_clear_range(s->groups[group].bb->data, bit, ei->win_count);
	if (s->groups[group].rover == bit + ei->win_count)
		s->groups[group].rover = bit;
	if (bit < s->groups[group].block_hint)
		s->groups[group].block_hint = bit;
	ei->win_count = 0;
	list_del_init(&ei->win_node);
}

void ext2_drop_window(struct ext2_inode *ei)
{
	struct ext2_sb *s = ext2_is(ei);

	if (!READ_ONCE(ei->win_count))
		return;
	spin_lock(&s->lock);
	drop_window(s, ei);
	spin_unlock(&s->lock);
}

void ext2_mask_windows(struct ext2_sb *s, const struct buf *bb, void *copy)
{
	struct ext2_inode *ei;

	list_for_each_entry(ei, &s->windows, win_node) {
		u32 group = group_of(s, ei->win_start);

		if (s->groups[group].bb == bb)
			bitmap_clear_range(copy, ei->win_start - ext2_group_first(s, group),
					   ei->win_count);
	}
}

static bool steal_windows(struct ext2_sb *s)
{
	bool any = !list_empty(&s->windows);

	while (!list_empty(&s->windows))
		drop_window(s, list_first_entry(&s->windows, struct ext2_inode, win_node));
	return any;
}

/* --- allocation --- */

/* A free bit in the group at or behind `from` if possible, rather one with company. */
static u32 search_group(struct ext2_sb *s, u32 group, u32 from)
{
	struct ext2_group *g = &s->groups[group];
	const unsigned long *map = g->bb->data;
	u32 size = ext2_group_blocks(s, group), bit;

	if (from < g->block_hint)
		from = g->block_hint;
	if (from < size) {
		bit = (u32)bitmap_find_next_zero(map, size, from);
		if (bit == from)
			return bit;
		if (bit < size) {
			u32 area = (u32)bitmap_find_zero_area(map, size, bit, 8, 1);

			return area < size ? area : bit;
		}
	}
	bit = (u32)bitmap_find_next_zero(map, size, g->block_hint);
	g->block_hint = bit;
	return bit;
}

/* Takes up to want blocks from `bit` on, and a window behind them. */
static u32 take_run(struct ext2_sb *s, struct ext2_inode *ei, u32 group, u32 bit, u32 want,
		    bool window)
{
	struct ext2_group *g = &s->groups[group];
	u32 size = ext2_group_blocks(s, group), run, max = want, extra = 0;

	if (window && !(s->opts.flags & OPT_NORESERVATION)) {
		ei->win_size = ei->win_size ? min(ei->win_size * 2, WINDOW_MAX) : WINDOW_MIN;
		max += ei->win_size;
	}
	max = min(max, size - bit);
	run = (u32)bitmap_find_next_bit(g->bb->data, bit + max, bit) - bit;
	if (run > want) {
		extra = run - want;
		run = want;
	}
	take_bits(s, group, bit, run + extra);
	g->rover = bit + run + extra;
	if (extra) {
		ei->win_start = ext2_group_first(s, group) + bit + run;
		ei->win_count = extra;
		list_add(&ei->win_node, &s->windows);
	}
	count_used(s, group, run);
	return run;
}

/* Room for an unprivileged caller: how many blocks of *want it may have. s->lock held. */
static u32 allowed(const struct ext2_sb *s, u32 want, bool privileged)
{
	s64 avail = s->free_blocks - (privileged ? 0 : (s64)s->es->s_r_blocks_count);

	return avail <= 0 ? 0 : (u32)min_t(s64, avail, want);
}

static bool take_from_window(struct ext2_sb *s, struct ext2_inode *ei, u32 goal, u32 *count,
			     u32 *start, u32 *group)
{
	if (!ei->win_count)
		return false;
	if (goal && goal != ei->win_start) {
		drop_window(s, ei);
		ei->win_size = 0;
		return false;
	}
	*count = min(*count, ei->win_count);
	*start = ei->win_start;
	*group = group_of(s, *start);
	ei->win_start += *count;
	ei->win_count -= *count;
	if (!ei->win_count)
		list_del_init(&ei->win_node);
	count_used(s, *group, *count);
	return true;
}

/* All groups in turn, starting with that of the goal. s->lock held; given up while a bitmap is
 * read. */
static NO_LOCK_ANALYSIS int search_all(struct ext2_sb *s, struct ext2_inode *ei, u32 goal,
				       bool data, u32 *count, u32 *start, u32 *group)
{
	u32 first = goal ? group_of(s, goal) : ei->group;

	for (u32 n = 0; n < s->nr_groups; n++) {
		u32 g = (first + n) % s->nr_groups, from, bit;
		struct ext2_group *grp = &s->groups[g];

		if (!grp->free_blocks || grp->bad)
			continue;
		if (!grp->bb) {
			spin_unlock(&s->lock);
			(void)load_bitmap(s, g);
			spin_lock(&s->lock);
			if (!grp->bb)
				continue;
		}
		from = goal && !n ? goal - ext2_group_first(s, g) : grp->rover;
		bit = search_group(s, g, from);
		if (bit >= ext2_group_blocks(s, g))
			continue;
		*count = take_run(s, ei, g, bit, *count, data);
		*start = ext2_group_first(s, g) + bit;
		*group = g;
		return 0;
	}
	return -ENOSPC;
}

int ext2_alloc_blocks(struct ext2_inode *ei, u32 goal, bool data, u32 *count, u32 *start)
{
	struct ext2_sb *s = ext2_is(ei);
	bool privileged = true, stolen = false;
	u32 want = *count, group = 0;
	int rc = 0;

	if (goal <= s->first_block || goal >= s->blocks)
		goal = 0;
	if (READ_ONCE(s->free_blocks) < (s64)s->es->s_r_blocks_count + want)
		privileged = ext2_may_use_reserved(s);
	spin_lock(&s->lock);
	for (;;) {
		*count = allowed(s, want, privileged);
		if (!*count) {
			rc = -ENOSPC;
			break;
		}
		if (data && take_from_window(s, ei, goal, count, start, &group))
			break;
		rc = search_all(s, ei, goal, data, count, start, &group);
		if (rc != -ENOSPC || stolen)
			break;
		stolen = steal_windows(s);
		if (!stolen)
			break;
	}
	spin_unlock(&s->lock);
	if (!rc)
		ext2_dirty_buf(s, s->groups[group].bb, EB_BITMAP);
	return rc;
}

/* --- freeing --- */

/* Clears bits of one group; inside an operation. */
static void clear_blocks(struct ext2_sb *s, u32 group, u32 block, u32 count)
{
	struct ext2_group *g = &s->groups[group];
	u32 bit = block - ext2_group_first(s, group), cleared = 0;

	if (load_bitmap(s, group))
		return;
	spin_lock(&s->lock);
	for (u32 k = 0; k < count; k++)
		cleared += bitmap_test_and_clear(g->bb->data, bit + k);
	g->free_blocks += cleared;
	g->dirty = true;
	if (bit < g->block_hint)
		g->block_hint = bit;
	s->free_blocks += cleared;
	s->txn.super = true;
	spin_unlock(&s->lock);
	ext2_dirty_buf(s, g->bb, EB_BITMAP);
	if (cleared != count)
		ext2_error(s, NULL, block, "freed blocks were free already (%u of %u)",
			   count - cleared, count);
}

void ext2_release_blocks(struct ext2_sb *s, u32 start, u32 count)
{
	while (count) {
		u32 group = group_of(s, start);
		u32 n = min(count, ext2_group_first(s, group) + s->blocks_per_group - start);

		clear_blocks(s, group, start, n);
		start += n;
		count -= n;
	}
}

void ext2_free_blocks(struct ext2_sb *s, u32 start, u32 count, bool now)
{
	if (!ext2_block_ok(s, start, count)) {
		ext2_error(s, NULL, start, "blocks outside of the data area freed (%u)", count);
		return;
	}
	if (now)
		ext2_release_blocks(s, start, count);
	else
		ext2_note_free(s, start, count);
}
