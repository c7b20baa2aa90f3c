/* SPDX-License-Identifier: MIT */
/* ext2: mounting, remounting, unmounting, errors, recognising.
 *
 * Mounting reads the super block, the group descriptors and the root inode, nothing else; bitmaps
 * are read when they are first needed. Everything that later code relies on is checked here:
 * geometry, features, the place of each group's bitmaps and inode table.
 * State: mounted read-write the super block says "not clean" from before the first change on until
 * unmounting or remounting read-only has written everything. A file system that was not clean, or
 * had errors, keeps that for e2fsck.
 * Errors: ext2_error logs, sets the error flag of the super block (written by the next commit) and
 * follows errors=: go on, become read-only (no new operations; what has been done is still
 * written), or panic. */
#include "ext2_internal.h"

#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/printf.h>
#include <kernel/random.h>
#include <kernel/size.h>
#include <kernel/time.h>
#include <uapi/statfs.h>

#define EXT2_SUPER_MAGIC 0xef53
#define REPORTS 20 /* messages in each ... */
#define REPORT_NS (10 * NSEC_PER_SEC)

/* --- errors --- */

void ext2_super_changed(struct ext2_sb *s)
{
	spin_lock(&s->lock);
	s->txn.super = true;
	spin_unlock(&s->lock);
}

static bool may_report(struct ext2_sb *s)
{
	u64 now = ktime_get();
	bool ok;

	spin_lock(&s->lock);
	if (!s->report_window || now - s->report_window > REPORT_NS) {
		s->report_window = now;
		s->report_count = 0;
	}
	ok = s->report_count++ < REPORTS;
	spin_unlock(&s->lock);
	return ok;
}

void ext2_error(struct ext2_sb *s, struct ext2_inode *ei, u64 block, const char *fmt, ...)
{
	bool tell = !ei || !READ_ONCE(ei->reported);
	char text[160], inode[32] = "", at[32] = "";
	va_list ap;

	if (ei)
		WRITE_ONCE(ei->reported, true);
	if (tell && may_report(s)) {
		va_start(ap, fmt);
		vscnprintf(text, sizeof(text), fmt, ap);
		va_end(ap);
		if (ei)
			scnprintf(inode, sizeof(inode), " inode %llu:",
				  (unsigned long long)ei->vfs.ino);
		if (block)
			scnprintf(at, sizeof(at), " block %llu:", (unsigned long long)block);
		log_err("ext2", "%s: error:%s%s %s", s->bdev->name, inode, at, text);
	}
	if (s->opts.errors == EXT2_ERRORS_PANIC)
		panic("ext2: %s: error, and errors=panic is set", s->bdev->name);
	if (s->sb->flags & SB_RDONLY)
		return;
	spin_lock(&s->lock);
	s->es->s_state |= EXT2_STATE_ERROR;
	s->txn.super = true;
	spin_unlock(&s->lock);
	if (s->opts.errors == EXT2_ERRORS_RO && !READ_ONCE(s->aborted)) {
		log_err("ext2", "%s: remounting read-only", s->bdev->name);
		WRITE_ONCE(s->aborted, true);
		s->sb->flags |= SB_RDONLY;
	}
}

/* --- checking --- */

struct feature {
	u32 bit;
	const char *name;
};
static const struct feature incompat_names[] = {
	{ 0x1, "compression" },	 { 0x4, "needs_recovery" }, { 0x8, "journal_dev" },
	{ 0x40, "extent" },	 { 0x80, "64bit" },	    { 0x100, "mmp" },
	{ 0x200, "flex_bg" },	 { 0x400, "ea_inode" },	    { 0x1000, "dirdata" },
	{ 0x2000, "metadata_csum_seed" }, { 0x4000, "large_dir" }, { 0x8000, "inline_data" },
	{ 0x10000, "encrypt" },	 { 0x20000, "casefold" },   { 0, NULL },
};
static const struct feature ro_compat_names[] = {
	{ 0x8, "huge_file" },	{ 0x10, "uninit_bg" },	 { 0x20, "dir_nlink" },
	{ 0x40, "extra_isize" },{ 0x80, "has_snapshot" },{ 0x100, "quota" },
	{ 0x200, "bigalloc" },	{ 0x400, "metadata_csum" }, { 0x800, "replica" },
	{ 0x1000, "read-only" },{ 0x2000, "project" },	 { 0x8000, "verity" },
	{ 0x10000, "orphan_present" }, { 0, NULL },
};

/* One line for each feature that is in the way. */
static void log_features(const struct ext2_sb *s, const struct feature *known, u32 bits,
			 const char *how)
{
	for (u32 bit = 1; bit; bit <<= 1) {
		const struct feature *f = known;

		if (!(bits & bit))
			continue;
		while (f->name && f->bit != bit)
			f++;
		log_err("ext2", "%s: cannot be mounted%s: unsupported feature %s (%x)",
			s->bdev->name, how, f->name ? f->name : "unknown", bit);
	}
}

static int check_features(const struct ext2_sb *s, const struct ext2_super *es, bool rw)
{
	u32 bad = es->s_feature_incompat & ~EXT2_INCOMPAT_KNOWN;

	if (es->s_rev_level == 0)
		return 0;
	if (bad) {
		log_features(s, incompat_names, bad, "");
		return -EINVAL;
	}
	bad = es->s_feature_ro_compat & ~EXT2_RO_COMPAT_KNOWN;
	if (bad && rw) {
		log_features(s, ro_compat_names, bad, " read-write");
		return -EINVAL;
	}
	return 0;
}

/* Numbers from the super block into s; what is wrong with them, or NULL. */
static const char *read_geometry(struct ext2_sb *s, const struct ext2_super *es)
{
	u64 groups;

	if (es->s_rev_level > 1)
		return "unknown revision";
	if (es->s_log_block_size > 2)
		return "unsupported block size";
	s->block_shift = 10 + es->s_log_block_size;
	s->block_size = 1u << s->block_shift;
	s->block_bits = s->block_size * 8;
	s->inode_size = es->s_rev_level ? es->s_inode_size : EXT2_GOOD_OLD_INODE_SIZE;
	s->first_ino = es->s_rev_level ? es->s_first_ino : EXT2_GOOD_OLD_FIRST_INO;
	if (s->inode_size < EXT2_GOOD_OLD_INODE_SIZE || s->inode_size > s->block_size ||
	    (s->inode_size & (s->inode_size - 1)))
		return "unsupported inode size";
	if (es->s_log_frag_size != es->s_log_block_size)
		return "fragments are not supported";
	s->first_block = es->s_first_data_block;
	if (s->first_block != (s->block_size == 1024))
		return "bad first data block";
	s->blocks = es->s_blocks_count;
	s->blocks_per_group = es->s_blocks_per_group;
	s->inodes_per_group = es->s_inodes_per_group;
	s->inodes_per_block = s->block_size / s->inode_size;
	if (s->blocks_per_group < 8 || s->blocks_per_group > s->block_bits)
		return "bad number of blocks per group";
	if (!s->inodes_per_group || s->inodes_per_group > s->block_bits ||
	    s->inodes_per_group % s->inodes_per_block)
		return "bad number of inodes per group";
	s->itable_blocks = s->inodes_per_group / s->inodes_per_block;
	if (s->blocks <= s->first_block + 1 ||
	    ((u64)s->blocks << s->block_shift) > bdev_bytes(s->bdev))
		return "more blocks than the device has";
	groups = DIV_ROUND_UP((u64)(s->blocks - s->first_block), s->blocks_per_group);
	s->inodes = es->s_inodes_count;
	if (groups * s->inodes_per_group != s->inodes)
		return "number of inodes does not fit the groups";
	if (s->first_ino < EXT2_GOOD_OLD_FIRST_INO || s->first_ino > s->inodes_per_group)
		return "bad first inode";
	if (es->s_r_blocks_count > s->blocks)
		return "more reserved blocks than blocks";
	s->nr_groups = (u32)groups;
	s->descs_per_block = s->block_size / sizeof(struct ext2_group_desc);
	s->nr_desc_blocks = DIV_ROUND_UP(s->nr_groups, s->descs_per_block);
	s->filetype = es->s_rev_level && (es->s_feature_incompat & EXT2_INCOMPAT_FILETYPE);
	if (s->inode_size > EXT2_GOOD_OLD_INODE_SIZE)
		s->extra_isize = clamp((u32)es->s_want_extra_isize, EXT2_EXTRA_ISIZE,
				       s->inode_size - EXT2_GOOD_OLD_INODE_SIZE) & ~3u;
	return NULL;
}

static bool is_power(u32 n, u32 base)
{
	while (n > 1 && n % base == 0)
		n /= base;
	return n == 1;
}

/* Has the group a copy of the super block? */
static bool has_super(const struct ext2_sb *s, u32 group)
{
	if (!s->es->s_rev_level || !(s->es->s_feature_ro_compat & EXT2_RO_COMPAT_SPARSE_SUPER))
		return true;
	return group <= 1 || is_power(group, 3) || is_power(group, 5) || is_power(group, 7);
}

static u32 desc_block(const struct ext2_sb *s, u32 n)
{
	u32 super = s->first_block + (s->opts.sb_block == 1 ? 0 : (s->opts.sb_block >>
								    (s->block_shift - 10)) -
									   s->first_block);
	u32 group;

	if (!(s->es->s_feature_incompat & EXT2_INCOMPAT_META_BG) || !s->es->s_rev_level ||
	    n < s->es->s_first_meta_bg)
		return super + 1 + n;
	group = n * s->descs_per_block;
	return ext2_group_first(s, group) + has_super(s, group);
}

static const char *check_group(const struct ext2_sb *s, u32 n, const struct ext2_group *g)
{
	u32 first = ext2_group_first(s, n), end = first + ext2_group_blocks(s, n);

	if (g->block_bitmap < first || g->block_bitmap >= end)
		return "block bitmap";
	if (g->inode_bitmap < first || g->inode_bitmap >= end)
		return "inode bitmap";
	if (g->inode_table < first || s->itable_blocks > end - first ||
	    g->inode_table > end - s->itable_blocks)
		return "inode table";
	return NULL;
}

static int read_group(struct ext2_sb *s, u32 n, const struct ext2_group_desc *gd)
{
	struct ext2_group *g = &s->groups[n];
	const char *wrong;

	g->block_bitmap = gd->bg_block_bitmap;
	g->inode_bitmap = gd->bg_inode_bitmap;
	g->inode_table = gd->bg_inode_table;
	/* Damaged figures are corrected when the bitmaps are read. */
	g->free_blocks = min((u32)gd->bg_free_blocks_count, ext2_group_blocks(s, n));
	g->free_inodes = min((u32)gd->bg_free_inodes_count, s->inodes_per_group);
	g->used_dirs = gd->bg_used_dirs_count;
	wrong = check_group(s, n, g);
	if (wrong) {
		log_err("ext2", "%s: group %u: %s outside of the group", s->bdev->name, n, wrong);
		return -EINVAL;
	}
	s->free_blocks += g->free_blocks;
	s->free_inodes += g->free_inodes;
	s->used_dirs += g->used_dirs;
	s->overhead += s->itable_blocks + 2;
	if (has_super(s, n))
		s->overhead += 1 + s->nr_desc_blocks;
	return 0;
}

static int read_groups(struct ext2_sb *s)
{
	size_t bytes;
	int rc;

	if (!size_mul(&bytes, s->nr_groups, sizeof(*s->groups)))
		return -ENOMEM;
	s->groups = kvmalloc(bytes, GFP_KERNEL | GFP_ZERO);
	s->desc_bufs = kvmalloc(s->nr_desc_blocks * sizeof(*s->desc_bufs), GFP_KERNEL | GFP_ZERO);
	if (!s->groups || !s->desc_bufs)
		return -ENOMEM;
	s->overhead = s->first_block;
	for (u32 d = 0; d < s->nr_desc_blocks; d++) {
		const struct ext2_group_desc *gd;

		rc = buf_read(s->bdev, desc_block(s, d), s->block_size, &s->desc_bufs[d]);
		if (rc) {
			log_err("ext2", "%s: group descriptors cannot be read: error %d",
				s->bdev->name, rc);
			return rc;
		}
		gd = s->desc_bufs[d]->data;
		for (u32 k = 0; k < s->descs_per_block; k++) {
			u32 n = d * s->descs_per_block + k;

			if (n == s->nr_groups)
				break;
			rc = read_group(s, n, &gd[k]);
			if (rc)
				return rc;
		}
	}
	return 0;
}

/* --- mounting --- */

/* The super block at byte `offset`, copied: for a look before the block size is known. */
static int read_super(struct bdev *bd, u64 offset, struct ext2_super *out)
{
	u64 base = ALIGN_DOWN(offset, PAGE_SIZE);
	u64 bytes = bdev_bytes(bd);
	struct buf *b;
	int rc;

	if (offset + sizeof(*out) > bytes)
		return -EINVAL;
	/* In the device's page cache, where a program may have just put it. */
	rc = base + PAGE_SIZE <= bytes ? buf_read(bd, base / PAGE_SIZE, PAGE_SIZE, &b)
				       : buf_read(bd, offset / 1024, 1024, &b);
	if (rc)
		return rc;
	memcpy(out, (char *)b->data + (b->size == 1024 ? 0 : offset - base), sizeof(*out));
	buf_put(b);
	return 0;
}

static int open_super(struct ext2_sb *s, char *data, bool silent)
{
	struct ext2_super *es = kmalloc(sizeof(*es), GFP_KERNEL);
	bool rw = !(s->sb->flags & SB_RDONLY);
	struct ext2_opts probe = { .sb_block = 1 };
	const char *wrong;
	u64 offset;
	int rc;

	if (!es)
		return -ENOMEM;
	/* sb= must be known before the options that the super block itself has. */
	rc = -ENOMEM;
	if (data) {
		char *copy = kstrdup(data, GFP_KERNEL);

		if (!copy)
			goto out;
		rc = ext2_opts_parse(&probe, copy, false);
		kfree(copy);
		if (rc) {
			if (!silent)
				log_err("ext2", "%s: bad mount options", s->bdev->name);
			goto out;
		}
	}
	offset = (u64)probe.sb_block * 1024;
	rc = read_super(s->bdev, offset, es);
	if (!rc && es->s_magic != EXT2_MAGIC) {
		if (!silent)
			log_err("ext2", "%s: no ext2 file system found", s->bdev->name);
		rc = -EINVAL;
	}
	if (rc)
		goto out;
	ext2_opts_default(&s->opts, es);
	s->opts.sb_block = 1;
	rc = ext2_opts_parse(&s->opts, data, false);
	if (!rc)
		rc = check_features(s, es, rw);
	if (rc)
		goto out;
	wrong = read_geometry(s, es);
	if (wrong) {
		log_err("ext2", "%s: %s", s->bdev->name, wrong);
		rc = -EINVAL;
		goto out;
	}
	rc = buf_read(s->bdev, offset >> s->block_shift, s->block_size, &s->super_buf);
	if (!rc)
		s->es = (struct ext2_super *)((char *)s->super_buf->data +
					      (offset & (s->block_size - 1)));
out:
	kfree(es);
	return rc;
}

static void release(struct ext2_sb *s)
{
	for (u32 g = 0; s->groups && g < s->nr_groups; g++) {
		if (s->groups[g].bb)
			buf_put(s->groups[g].bb);
		if (s->groups[g].ib)
			buf_put(s->groups[g].ib);
	}
	for (u32 d = 0; s->desc_bufs && d < s->nr_desc_blocks; d++) {
		if (s->desc_bufs[d])
			buf_put(s->desc_bufs[d]);
	}
	if (s->super_buf)
		buf_put(s->super_buf);
	kvfree(s->groups);
	kvfree(s->desc_bufs);
	kfree(s);
}

/* Read-write from here on: the disk says so before anything changes. */
static int start_writing(struct ext2_sb *s)
{
	struct ext2_super *es = s->es;
	u16 state = es->s_state;
	int rc;

	if (!(state & EXT2_STATE_VALID))
		log_warn("ext2", "%s: was not unmounted cleanly, e2fsck is recommended",
			 s->bdev->name);
	else if (state & EXT2_STATE_ERROR)
		log_warn("ext2", "%s: has errors, e2fsck is recommended", s->bdev->name);
	else if (es->s_max_mnt_count > 0 && es->s_mnt_count >= (u16)es->s_max_mnt_count)
		log_warn("ext2", "%s: maximal mount count reached, e2fsck is recommended",
			 s->bdev->name);
	s->was_clean = state & EXT2_STATE_VALID;
	spin_lock(&s->lock);
	es->s_state = state & ~EXT2_STATE_VALID;
	es->s_mnt_count++;
	es->s_mtime = (u32)(ktime_get_real() / NSEC_PER_SEC);
	spin_unlock(&s->lock);
	rc = ext2_write_super(s);
	if (!rc)
		rc = ext2_flusher_start(s);
	if (rc)
		es->s_state = state;
	return rc;
}

/* Everything is written: says that the file system is clean, if it was. */
static int stop_writing(struct ext2_sb *s)
{
	int rc, err;

	ext2_flusher_stop(s);
	rc = ext2_commit_all(s);
	spin_lock(&s->lock);
	if (s->was_clean && !rc && !s->abandoned)
		s->es->s_state |= EXT2_STATE_VALID;
	s->es->s_free_blocks_count = (u32)s->free_blocks;
	s->es->s_free_inodes_count = (u32)s->free_inodes;
	spin_unlock(&s->lock);
	err = ext2_write_super(s);
	return rc ? rc : err;
}

static void ext2_put_super(struct super_block *sb)
{
	struct ext2_sb *s = ext2_s(sb);

	if (!s)
		return;
	if (s->flusher_on && stop_writing(s))
		ext2_abandon(s);
	sb->private = NULL;
	release(s);
}

static int ext2_sync_fs(struct super_block *sb, bool wait)
{
	struct ext2_sb *s = ext2_s(sb);
	int rc;

	if (!s || !s->es || !s->flusher_on)
		return 0;
	rc = ext2_commit(s, ext2_running_id(s), wait);
	/* What the transaction holds would keep inodes and blocks for ever. */
	if (rc && sb->state == SB_STATE_DYING)
		ext2_abandon(s);
	return rc;
}

static int ext2_statfs(struct dentry *d, struct kstatfs *st)
{
	struct ext2_sb *s = ext2_s(d->sb);
	u64 fsid[2];

	spin_lock(&s->lock);
	st->bfree = (u64)s->free_blocks + s->pending_blocks;
	st->ffree = (u64)s->free_inodes + s->pending_inodes;
	spin_unlock(&s->lock);
	st->blocks = s->blocks - (s->opts.flags & OPT_MINIXDF ? 0 : s->overhead);
	st->bavail = st->bfree > s->es->s_r_blocks_count ? st->bfree - s->es->s_r_blocks_count : 0;
	st->files = s->inodes;
	st->namelen = NAME_MAX;
	memcpy(fsid, s->es->s_uuid, sizeof(fsid));
	st->fsid = fsid[0] ^ fsid[1];
	return 0;
}

static int ext2_remount(struct super_block *sb, u32 *flags, char *data)
{
	struct ext2_sb *s = ext2_s(sb);
	struct ext2_opts opts = s->opts;
	int rc;

	rc = ext2_opts_parse(&opts, data, true);
	if (rc)
		return rc;
	if (*flags & SB_RDONLY) {
		if (s->flusher_on)
			rc = stop_writing(s);
		/* It stays writable, and must be written. */
		if (rc && ext2_flusher_start(s))
			log_err("ext2", "%s: no flusher", s->bdev->name);
	} else if (!s->flusher_on || s->aborted) {
		rc = check_features(s, s->es, true);
		if (!rc && bdev_read_only(s->bdev))
			rc = -EROFS;
		if (!rc && s->aborted)
			s->aborted = false;
		if (!rc && !s->flusher_on)
			rc = start_writing(s);
	}
	if (rc)
		return rc;
	s->opts = opts;
	*flags = (*flags & ~SB_POSIXACL) | (opts.flags & OPT_ACL ? SB_POSIXACL : 0);
	return 0;
}

static const struct super_ops ext2_super_ops = {
	.alloc_inode = ext2_alloc_inode,
	.free_inode = ext2_free_inode,
	.evict_inode = ext2_evict_inode,
	.dirty_inode = ext2_inode_changed,
	.make_space = ext2_sb_make_space,
	.put_super = ext2_put_super,
	.sync_fs = ext2_sync_fs,
	.statfs = ext2_statfs,
	.remount = ext2_remount,
	.show_options = ext2_show_options,
};

static struct ext2_sb *alloc_sb(struct super_block *sb)
{
	struct ext2_sb *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->sb = sb;
	s->bdev = sb->bdev;
	spin_lock_init(&s->lock, LOCK_LEAF);
	rwsem_init(&s->txn_lock, LOCK_FS_TXN);
	mutex_init(&s->commit_mutex, LOCK_FS_COMMIT);
	rwsem_init(&s->cut_lock, LOCK_FS_CUT);
	wait_queue_init(&s->wait);
	list_init(&s->windows);
	ext2_txn_init(&s->txn, 1);
	s->next_generation = get_random_u32();
	return s;
}

static int read_root(struct super_block *sb)
{
	struct inode *root;
	int rc = ext2_iget(sb, EXT2_ROOT_INO, &root);

	if (!rc && (!S_ISDIR(root->mode) || !root->blocks || !root->size)) {
		inode_put(root);
		rc = -EINVAL;
	}
	if (rc) {
		log_err("ext2", "%s: corrupt root inode, run e2fsck", sb->bdev->name);
		return rc == -ENOMEM ? rc : -EINVAL;
	}
	return sb_set_root(sb, root);
}

static int ext2_fill(struct super_block *sb, char *data, bool silent)
{
	struct ext2_sb *s = alloc_sb(sb);
	int rc;

	if (!s)
		return -ENOMEM;
	sb->private = s;
	sb->ops = &ext2_super_ops;
	rc = open_super(s, data, silent);
	if (!rc)
		rc = read_groups(s);
	if (rc)
		return rc;
	sb->magic = EXT2_SUPER_MAGIC;
	sb->blocksize = s->block_size;
	sb->maxbytes = ext2_max_bytes(s);
	sb->time_gran = s->inode_size > EXT2_GOOD_OLD_INODE_SIZE ? 1 : (u32)NSEC_PER_SEC;
	if (s->opts.flags & OPT_ACL)
		sb->flags |= SB_POSIXACL;
	rc = read_root(sb);
	if (!rc && !(sb->flags & SB_RDONLY))
		rc = start_writing(s);
	return rc;
}

static int ext2_mount(const struct fs_type *type, u32 flags, const char *source, char *data,
		      struct super_block **out)
{
	return mount_bdev(type, flags, source, data, ext2_fill, out);
}

/* --- recognising --- */

static bool ext2_probe(struct bdev *bd, char uuid[37], char label[65])
{
	struct ext2_super *es = kmalloc(sizeof(*es), GFP_KERNEL);
	const u8 *u;
	bool ok;

	if (!es)
		return false;
	ok = !read_super(bd, EXT2_SUPER_OFFSET, es) && es->s_magic == EXT2_MAGIC;
	if (ok) {
		u = es->s_uuid;
		scnprintf(uuid, 37,
			  "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			  u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11],
			  u[12], u[13], u[14], u[15]);
		memcpy(label, es->s_volume_name, sizeof(es->s_volume_name));
		label[sizeof(es->s_volume_name)] = '\0';
	}
	kfree(es);
	return ok;
}

INIT_HOOK(INIT_SUBSYS, ext2_inode_cache_init);
INIT_HOOK(INIT_SUBSYS, ext2_copy_caches_init);
TABLE_ENTRY(fs_types, struct fs_type, ext2) = { .name = "ext2", .mount = ext2_mount };
TABLE_ENTRY(fs_probes, struct fs_probe, ext2) = { .type = "ext2", .probe = ext2_probe };
