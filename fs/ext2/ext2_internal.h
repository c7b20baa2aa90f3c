/* SPDX-License-Identifier: MIT */
/* What the files of fs/ext2 share.
 *
 *   super.c options.c   mounting, options, state of the file system, errors
 *   inode.c             inodes: reading, writing them into the inode table, their end, attributes
 *   map.c               blocks of a file: finding, allocating, truncating
 *   balloc.c ialloc.c   bitmaps
 *   dirblock.c dir.c    names in a block; in a directory
 *   namei.c             creating, linking, removing, renaming
 *   file.c symlink.c    operations on files and symbolic links
 *   xattr.c acl.c       extended attributes, POSIX ACLs
 *   txn.c commit.c      the running transaction; how it gets to the disk
 *
 * Locks, outermost first: inode->lock (VFS), commit_mutex, cut_lock, page lock, txn_lock, map_lock,
 * inode->spin, s->lock. docs/subsystems/storage.md tells the order of writes. */
#ifndef EXT2_INTERNAL_H
#define EXT2_INTERNAL_H

#include "ondisk.h"

#include <fs/block.h>
#include <fs/buffer.h>
#include <fs/vfs.h>
#include <kernel/errno.h>
#include <kernel/lock.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/wait.h>

#define EXT2_LINK_MAX 32000
#define EXT2_MAX_DEPTH 4 /* direct, single, double, triple */

/* --- groups --- */
/* C: const after mount  S: ext2_sb->lock */
struct ext2_group {
	u32 block_bitmap, inode_bitmap, inode_table; /* C: blocks */
	u32 free_blocks; /* S: clear bits that are in no window */
	u32 free_inodes; /* S */
	u32 used_dirs;	 /* S */
	u32 block_hint;	 /* S: no free block below this bit */
	u32 inode_hint;	 /* S: no free inode below this bit */
	u32 rover;	 /* S: behind the block allocated last */
	struct buf *bb, *ib; /* S: NULL until first used; then pinned */
	bool bad;	 /* S: a bitmap that cannot be believed: nothing is allocated here */
	bool dirty;	 /* S: descriptor to be written */
};

/* --- the transaction that collects changes --- */

/* buf->owner_flags, under s->lock */
#define EB_RUNNING 1u /* in the running transaction: on txn.bufs */
#define EB_FRESH 2u   /* allocated in it: nothing on the disk refers to the block */
#define EB_BITMAP 4u
#define EB_INDIRECT 8u
#define EB_DIR 16u
#define EB_GAINED 32u /* directory block that must not be written later than its rank says */
#define EB_ITABLE 64u /* block of the inode table, in a pass of the commit */
#define EB_RANK_SHIFT 8
#define EB_RANK_MAX 60u
#define EB_RANK(f) ((f) >> EB_RANK_SHIFT)

/* Blocks and inodes that come free when the transaction is on the disk. */
#define EXT2_FREES 254
struct ext2_frees {
	struct ext2_frees *next;
	u32 nr;
	struct {
		u32 start, count; /* count 0: start is an inode number */
	} ext[EXT2_FREES];
};

/* An inode that died, or whose new image may be written only in a late pass. */
struct ext2_image {
	struct list_head node;
	u32 ino;
	u32 pass;
	bool dead;
	u32 dtime;
	struct ext2_inode *inode; /* referenced; NULL for dead ones */
	struct buf *tbuf;
	void *data; /* inode_size bytes, NULL for dead ones */
};

/* All under s->lock */
struct ext2_txn {
	u64 id;
	struct list_head inodes; /* ext2_inode.dirty_node, each with a reference */
	struct list_head data;	 /* ext2_inode.data_node: files with new blocks, referenced */
	struct list_head bufs;	 /* buf.node, referenced */
	u32 nr_inodes, nr_bufs;
	struct list_head dead;	 /* ext2_image */
	struct ext2_frees *frees;
	u64 freed_blocks, freed_inodes;
	bool super;		 /* super block or group descriptors changed */
};

/* --- super block --- */
struct ext2_opts {
	u32 flags; /* OPT_* */
	u32 errors; /* EXT2_ERRORS_* */
	u32 resuid, resgid;
	u32 sb_block; /* sb=, in KiB */
};
#define OPT_MINIXDF 1u
#define OPT_GRPID 2u
#define OPT_DEBUG 4u
#define OPT_XATTR_USER 8u
#define OPT_ACL 16u
#define OPT_NORESERVATION 32u
#define OPT_NOUID32 64u
#define OPT_OLDALLOC 128u
#define OPT_NOBH 256u

struct ext2_sb {
	struct super_block *sb;	 /* C */
	struct bdev *bdev;	 /* C */
	struct ext2_opts opts;	 /* umount_lock */
	u32 block_size, block_shift, block_bits; /* C: bytes, log2, bits of a bitmap */
	u32 inode_size, first_ino, inodes_per_group, blocks_per_group; /* C */
	u32 inodes_per_block, itable_blocks;	/* C */
	u32 first_block, blocks, inodes, nr_groups, descs_per_block, nr_desc_blocks; /* C */
	u32 extra_isize;	 /* C: of new inodes, 0: they have 128 bytes */
	u64 overhead;		 /* C: blocks that can never hold data */
	bool filetype;		 /* C */

	struct buf *super_buf;	 /* C: pinned; content under s->lock */
	struct ext2_super *es;	 /* C: inside it */
	struct buf **desc_bufs;	 /* C: pinned */
	struct ext2_group *groups; /* C */

	struct spinlock lock;	 /* LOCK_LEAF: S */
	s64 free_blocks;	 /* S: sums over the groups */
	s64 free_inodes;	 /* S */
	u64 used_dirs;		 /* S */
	struct list_head windows;/* S: ext2_inode.win_node */
	u32 next_generation;	 /* S */
	struct ext2_txn txn;	 /* S: the running one */

	struct rwsem txn_lock;	 /* LOCK_FS_TXN: read: an operation; write: a snapshot is taken */
	struct mutex commit_mutex; /* LOCK_FS_COMMIT: one commit at a time */
	struct rwsem cut_lock;	 /* LOCK_FS_CUT: read: a file shrinks; write: a snapshot is taken */
	u64 done_id;		 /* commit_mutex: last transaction written; READ_ONCE */
	u64 stable_id;		 /* commit_mutex: the same, and flushed */
	u64 pending_blocks, pending_inodes; /* S: freed, not to be had yet, commit included */
	bool abandoned;		 /* unmounting: what could not be written has been thrown away */
	bool aborted;		 /* A: remounted read-only by an error: no new operations */
	bool write_failed;	 /* A: has been reported */
	u64 report_window;	 /* S: rate limit of error messages */
	u32 report_count;	 /* S */

	struct wait_queue wait;	 /* ends of commits' data writes, flusher */
	bool was_clean;		 /* umount_lock: before it was mounted read-write */
	bool flusher_on, flusher_stop;
	struct completion flusher_exit;
};

static inline struct ext2_sb *ext2_s(const struct super_block *sb)
{
	return sb->private;
}

/* The whole block has been written in memory. */
static inline void ext2_buf_filled(struct buf *b)
{
	__atomic_fetch_or(&b->flags.v, (int)BUF_UPTODATE, __ATOMIC_RELEASE);
}

/* --- inodes --- */
struct ext2_dir;

/* ext2_inode.dirty */
#define EI_DIRTY_TIME 1u /* only times */
#define EI_DIRTY_META 2u

/* L: inode->lock  M: map_lock  I: inode->spin  S: ext2_sb->lock  T: txn_lock shared */
struct ext2_inode {
	struct inode vfs;
	bool slow_link;		     /* C: a symlink whose text has a block */
	/* M: pointers to blocks; text of a fast symlink, which end_of_link ends; device number */
	u32 block[EXT2_NBLOCKS];
	u32 end_of_link;
	u32 flags;	   /* L: as on disk */
	u32 file_acl;	   /* L */
	u32 generation;	   /* C */
	u32 group;	   /* C: of the inode */
	u8 dirty;	   /* I: EI_DIRTY_* */
	bool ondisk;	   /* T: some transaction has written it alive */
	bool shrunk;	   /* T: lost blocks that it has on the disk: written in P4 */
	bool grown;	   /* T: directory with a new block: written with the names */
	bool bad;	   /* C: could not be read */
	bool reported;	   /* A: damage has been told */
	bool in_commit;	   /* A: a commit writes its data; s->wait */
	u64 born;	   /* C: transaction that made it; 0: read from the disk */
	u64 last_txn;	   /* I: last transaction that it was dirty in, more than times */
	u64 last_time_txn; /* I: the same, times */
	loff_t disk_size;  /* I: size as last written to the table */
	/* Names: docs/subsystems/storage.md, ranks */
	u64 gain_txn;	   /* L: transaction in which it got a name besides those on disk ... */
	u32 gain_rank;	   /* L: ... in a block of this rank */
	u64 rank_txn;	   /* L: directory: transaction in which ... */
	u32 rank_max;	   /* L: ... this was the largest rank of its blocks */
	struct list_head dirty_node; /* S */
	struct list_head data_node;  /* S */
	struct rwsem map_lock;	     /* LOCK_FS_PRIVATE */
	u32 cache_lblk, cache_pblk, cache_count; /* I: last run that was found */
	u32 win_start, win_count, win_size; /* S: blocks set aside for it */
	struct list_head win_node;   /* S */
	u32 last_lblk, last_pblk;    /* M: last allocated */
	struct buf *tbuf;	     /* commit: its block of the inode table */
	char *link;		     /* A: text of a slow symlink, once read */
	struct ext2_dir *dir;	     /* M to make; L to use */
	/* Attributes inside of the inode: xattr.c */
	void *body;		     /* M: changed since the inode was read; NULL: as on the disk */
	u16 body_size;		     /* C: bytes behind the fields, 0 no room */
	bool body_on_disk;	     /* C: there were some when the inode was read */
};

static inline struct ext2_inode *ext2_i(const struct inode *i)
{
	return container_of((struct inode *)i, struct ext2_inode, vfs);
}
static inline struct ext2_sb *ext2_is(const struct ext2_inode *ei)
{
	return ext2_s(ei->vfs.sb);
}

/* No commit knows of it or of its blocks: neither the disk nor a pass that is under way. Inside an
 * operation. */
static inline bool ext2_unwritten(const struct ext2_inode *ei)
{
	return !ei->ondisk && ei->born == ext2_is(ei)->txn.id;
}

/* --- super.c --- */
/* Damage or an I/O error: logs (once per inode), marks the file system, follows errors=. ei NULL,
 * block 0: none. May be called with any of our locks but spinlocks. */
void ext2_error(struct ext2_sb *s, struct ext2_inode *ei, u64 block, const char *fmt, ...)
	__printf(4, 5);
/* Marks the super block to be written with the next commit. */
void ext2_super_changed(struct ext2_sb *s);

/* --- options.c --- */
void ext2_opts_default(struct ext2_opts *o, const struct ext2_super *es);
int must_check ext2_opts_parse(struct ext2_opts *o, char *data, bool remount);
void ext2_show_options(struct super_block *sb, struct strbuf *out);

/* --- inode.c --- */
int must_check ext2_iget(struct super_block *sb, u32 ino, struct inode **out);
void ext2_set_ops(struct ext2_inode *ei);
void ext2_apply_flags(struct ext2_inode *ei); /* disk flags -> S_* */
/* Block of the inode table and offset in it. */
u32 ext2_inode_pos(const struct ext2_sb *s, u32 ino, u32 *offset);
/* Writes the inode over its image at raw, which holds what the disk has. */
void ext2_encode(struct ext2_inode *ei, struct ext2_dinode *raw);
void ext2_encode_dead(struct ext2_dinode *raw, u32 dtime);
int ext2_inode_cache_init(void);
int ext2_update_time(struct inode *i, u32 bits, u64 now);
int ext2_setattr(struct dentry *d, struct iattr *a);
int ext2_getattr(const struct path *p, struct kstat *st);
struct inode *ext2_alloc_inode(struct super_block *sb);
void ext2_free_inode(struct inode *i);
void ext2_evict_inode(struct inode *i);
u64 ext2_now(const struct super_block *sb); /* in the file system's granularity */

/* --- map.c --- */
int must_check ext2_map_blocks(struct mapping *m, u64 block, u32 max, bool create,
			       struct block_map *out);
/* Block of a directory: 0 with *pblk 0 for a hole. */
int must_check ext2_map_dir(struct ext2_inode *ei, u32 lblk, u32 *pblk);
/* A new block for a directory at lblk, inside an operation. */
int must_check ext2_grow_dir(struct ext2_inode *ei, u32 lblk, u32 *pblk);
/* Frees all blocks from file block `from` on; inside an operation. */
void ext2_truncate_blocks(struct ext2_inode *ei, u32 from);
u64 ext2_max_bytes(const struct ext2_sb *s);
static inline bool ext2_has_blocks(const struct ext2_inode *ei)
{
	return S_ISREG(ei->vfs.mode) || S_ISDIR(ei->vfs.mode) || ei->slow_link;
}

/* --- balloc.c --- */
/* Up to *count blocks in a row near goal (0: near the inode); for regular files a window is set
 * aside. -ENOSPC, -EIO. */
int must_check ext2_alloc_blocks(struct ext2_inode *ei, u32 goal, bool data, u32 *count,
				 u32 *start);
/* now: nothing on the disk refers to them. */
void ext2_free_blocks(struct ext2_sb *s, u32 start, u32 count, bool now);
void ext2_drop_window(struct ext2_inode *ei);
/* A block that may hold a file's data or pointers. */
bool ext2_block_ok(const struct ext2_sb *s, u32 block, u32 count);
bool ext2_may_use_reserved(const struct ext2_sb *s);
/* Clears blocks in the bitmaps: the commit that freed them is done. */
void ext2_release_blocks(struct ext2_sb *s, u32 start, u32 count);
/* Takes the windows out of the copy of a block bitmap. s->lock held. */
void ext2_mask_windows(struct ext2_sb *s, const struct buf *bb, void *copy);
static inline u32 ext2_group_first(const struct ext2_sb *s, u32 group)
{
	return s->first_block + group * s->blocks_per_group;
}
static inline u32 ext2_group_blocks(const struct ext2_sb *s, u32 group)
{
	return min(s->blocks_per_group, s->blocks - ext2_group_first(s, group));
}

/* --- ialloc.c --- */
int must_check ext2_new_inode(struct inode *dir, mode_t mode, const struct qstr *name,
			      struct inode **out);
void ext2_free_ino(struct ext2_sb *s, u32 ino, bool dir, bool now);
void ext2_release_ino(struct ext2_sb *s, u32 ino); /* after the commit */
void ext2_unmake_inode(struct inode *i); /* a new inode that got no name: drops the reference */

/* --- dir.c --- */
int must_check ext2_dir_find(struct ext2_inode *dir, const struct qstr *name, u32 *ino);
/* Where a name is, or could go; valid while dir->lock is held. */
struct ext2_slot {
	u32 lblk;
	u32 off;
	struct buf *buf; /* not referenced: the directory pins it */
};
int must_check ext2_dir_locate(struct ext2_inode *dir, const struct qstr *name,
			       struct ext2_slot *slot, u32 *ino);
/* Finds room, growing the directory if there is none. */
int must_check ext2_dir_room(struct ext2_inode *dir, u32 name_len, struct ext2_slot *slot);
/* Checks done and room found: these cannot fail. */
void ext2_dir_put(struct ext2_inode *dir, const struct ext2_slot *slot, const struct qstr *name,
		  struct inode *inode);
void ext2_dir_remove(struct ext2_inode *dir, const struct ext2_slot *slot,
		     const struct qstr *name);
void ext2_dir_replace(struct ext2_inode *dir, const struct ext2_slot *slot, struct inode *inode);
/* ".." of a directory that moved; its times stay. */
void ext2_dir_set_parent(struct ext2_inode *dir, const struct ext2_slot *slot,
			 const struct inode *parent);
int must_check ext2_dir_empty(struct ext2_inode *dir); /* 0, -ENOTEMPTY, -EIO */
int must_check ext2_dir_dotdot(struct ext2_inode *dir, struct ext2_slot *slot, u32 *ino);
/* Content of a new directory. */
int must_check ext2_dir_init(struct ext2_inode *dir, u32 parent);
void ext2_dir_drop(struct ext2_inode *dir); /* memory */
extern const struct file_ops ext2_dir_fops;

/* --- namei.c, file.c, symlink.c --- */
extern const struct inode_ops ext2_dir_ops, ext2_file_ops, ext2_special_ops, ext2_symlink_ops;
extern const struct file_ops ext2_file_fops;
extern const struct mapping_ops ext2_mapping_ops;
long ext2_ioctl(struct file *f, unsigned int cmd, u64 arg);
int ext2_fsync(struct file *f, loff_t start, loff_t end, bool datasync);
int must_check ext2_symlink_init(struct ext2_inode *ei, const char *target, size_t len);

/* --- xattr.c, acl.c --- */
ssize_t ext2_getxattr(struct inode *i, const char *name, void *buf, size_t size);
int ext2_setxattr(struct inode *i, const char *name, const void *buf, size_t size, int flags);
ssize_t ext2_listxattr(struct inode *i, char *buf, size_t size);
int ext2_removexattr(struct inode *i, const char *name);
void ext2_xattr_evict(struct ext2_inode *ei); /* inside an operation */
/* The inode has been read from raw, or is made (NULL). */
void ext2_xattr_init(struct ext2_inode *ei, const struct ext2_dinode *raw);
/* Puts what lies inside of the inode into its image. */
void ext2_xattr_encode(struct ext2_inode *ei, struct ext2_dinode *raw);
/* The attribute without a name of a kind: an ACL, as it lies on the disk. */
ssize_t ext2_xattr_get(struct ext2_inode *ei, u8 index, void *buf, size_t size);
/* value NULL: removes, and it is no error when there is none. Inside an operation. */
int must_check ext2_xattr_set(struct ext2_inode *ei, u8 index, const void *value, size_t size);
/* After an operation on an inode: on the disk at once where that was asked for. */
int ext2_sync_inode(struct inode *i, int rc);
int ext2_get_acl(struct inode *i, unsigned int type, struct posix_acl **out);
int ext2_set_acl(struct inode *i, unsigned int type, const struct posix_acl *acl, mode_t mode);
/* What a new inode inherits from the default ACL of its directory. Inside an operation. */
int must_check ext2_acl_init(struct inode *i, struct inode *dir);

/* --- txn.c --- */
/* Around each operation that changes something. -EROFS. */
int must_check ext2_begin(struct ext2_sb *s);
void ext2_end(struct ext2_sb *s);
/* The inode must be written; EI_DIRTY_META only inside an operation. */
void ext2_dirty(struct ext2_inode *ei, u8 how);
/* It has new blocks whose data must reach the disk before the inode does. */
void ext2_dirty_data(struct ext2_inode *ei);
/* It is not to be written any more: it died. */
void ext2_undirty(struct ext2_inode *ei);
/* kind: EB_BITMAP, EB_FRESH, EB_INDIRECT or EB_DIR; inside an operation, before the change or
 * after. */
void ext2_dirty_buf(struct ext2_sb *s, struct buf *b, u32 kind);
bool ext2_buf_fresh(struct ext2_sb *s, const struct buf *b);
/* The block is free: the buffer is not to be written. */
void ext2_forget_block(struct ext2_sb *s, u32 block);
/* The inode has lost its last name: dead on the disk after the commit. */
int must_check ext2_note_dead(struct ext2_inode *ei);
void ext2_note_free(struct ext2_sb *s, u32 start, u32 count); /* count 0: an inode */
void ext2_txn_init(struct ext2_txn *t, u64 id);
/* Space that a commit would give: true when one was made and the caller should try again. Not
 * inside an operation, no page locked. */
/* Unmounting, and the disk takes no more: forgets all that the running transaction holds. */
void ext2_abandon(struct ext2_sb *s);
bool ext2_make_space(struct ext2_sb *s);
bool ext2_sb_make_space(struct super_block *sb);
void ext2_inode_changed(struct inode *i); /* super_ops.dirty_inode */

/* Ranks of directory blocks. -EAGAIN: a commit must come first. */
int must_check ext2_rank_gain(struct ext2_inode *i, struct ext2_inode *dir,
			      const struct ext2_slot *slot);
int must_check ext2_rank_lose(struct ext2_inode *i, struct ext2_inode *dir,
			      const struct ext2_slot *slot);

/* --- commit.c --- */
/* Writes everything up to transaction id. stable: it must be on stable storage. 0, -EIO. */
int ext2_commit(struct ext2_sb *s, u64 id, bool stable);
int ext2_commit_all(struct ext2_sb *s); /* till nothing is left */
u64 ext2_running_id(struct ext2_sb *s);
int ext2_copy_caches_init(void);
int ext2_write_super(struct ext2_sb *s); /* now, alone, stable */
int ext2_flusher_start(struct ext2_sb *s);
void ext2_flusher_stop(struct ext2_sb *s);

#endif
