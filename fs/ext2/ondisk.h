/* SPDX-License-Identifier: MIT */
/* ext2 as it lies on the disk. All numbers are little-endian, as the machine's are. Structures are
 * only ever seen inside blocks that are aligned, so nothing is packed. */
#ifndef EXT2_ONDISK_H
#define EXT2_ONDISK_H

#include <kernel/types.h>

#define EXT2_SUPER_OFFSET 1024 /* bytes from the start of the device */
#define EXT2_MAGIC 0xef53

#define EXT2_BAD_INO 1u
#define EXT2_ROOT_INO 2u
#define EXT2_GOOD_OLD_FIRST_INO 11u
#define EXT2_GOOD_OLD_INODE_SIZE 128u

/* s_state */
#define EXT2_STATE_VALID 1u /* unmounted cleanly */
#define EXT2_STATE_ERROR 2u

/* s_errors */
#define EXT2_ERRORS_CONTINUE 1u
#define EXT2_ERRORS_RO 2u
#define EXT2_ERRORS_PANIC 3u

#define EXT2_COMPAT_EXT_ATTR 0x8u
#define EXT2_COMPAT_DIR_INDEX 0x20u

#define EXT2_INCOMPAT_FILETYPE 0x2u
#define EXT2_INCOMPAT_META_BG 0x10u
#define EXT2_INCOMPAT_KNOWN (EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_META_BG)

#define EXT2_RO_COMPAT_SPARSE_SUPER 0x1u
#define EXT2_RO_COMPAT_LARGE_FILE 0x2u
#define EXT2_RO_COMPAT_BTREE_DIR 0x4u
#define EXT2_RO_COMPAT_KNOWN                                                                       \
	(EXT2_RO_COMPAT_SPARSE_SUPER | EXT2_RO_COMPAT_LARGE_FILE | EXT2_RO_COMPAT_BTREE_DIR)

/* s_default_mount_opts */
#define EXT2_DEFM_DEBUG 0x1u
#define EXT2_DEFM_BSDGROUPS 0x2u
#define EXT2_DEFM_XATTR_USER 0x4u
#define EXT2_DEFM_ACL 0x8u

struct ext2_super {
	u32 s_inodes_count;
	u32 s_blocks_count;
	u32 s_r_blocks_count;
	u32 s_free_blocks_count;
	u32 s_free_inodes_count;
	u32 s_first_data_block;
	u32 s_log_block_size; /* 1024 << this */
	u32 s_log_frag_size;
	u32 s_blocks_per_group;
	u32 s_frags_per_group;
	u32 s_inodes_per_group;
	u32 s_mtime; /* of the last mount */
	u32 s_wtime;
	u16 s_mnt_count;
	s16 s_max_mnt_count;
	u16 s_magic;
	u16 s_state;
	u16 s_errors;
	u16 s_minor_rev_level;
	u32 s_lastcheck;
	u32 s_checkinterval;
	u32 s_creator_os;
	u32 s_rev_level;
	u16 s_def_resuid;
	u16 s_def_resgid;
	/* revision 1 */
	u32 s_first_ino;
	u16 s_inode_size;
	u16 s_block_group_nr;
	u32 s_feature_compat;
	u32 s_feature_incompat;
	u32 s_feature_ro_compat;
	u8 s_uuid[16];
	char s_volume_name[16];
	char s_last_mounted[64];
	u32 s_algorithm_usage_bitmap;
	u8 s_prealloc_blocks;
	u8 s_prealloc_dir_blocks;
	u16 s_reserved_gdt_blocks;
	u8 s_journal_uuid[16];
	u32 s_journal_inum;
	u32 s_journal_dev;
	u32 s_last_orphan;
	u32 s_hash_seed[4];
	u8 s_def_hash_version;
	u8 s_jnl_backup_type;
	u16 s_desc_size;
	u32 s_default_mount_opts;
	u32 s_first_meta_bg;
	u32 s_mkfs_time;
	u32 s_jnl_blocks[17];
	u32 s_blocks_count_hi;
	u32 s_r_blocks_count_hi;
	u32 s_free_blocks_hi;
	u16 s_min_extra_isize;
	u16 s_want_extra_isize;
	u32 s_flags;
	u8 s_rest[668];
};
_Static_assert(sizeof(struct ext2_super) == 1024, "super block");
_Static_assert(offsetof(struct ext2_super, s_uuid) == 104, "super block");
_Static_assert(offsetof(struct ext2_super, s_default_mount_opts) == 256, "super block");
_Static_assert(offsetof(struct ext2_super, s_want_extra_isize) == 350, "super block");

struct ext2_group_desc {
	u32 bg_block_bitmap;
	u32 bg_inode_bitmap;
	u32 bg_inode_table;
	u16 bg_free_blocks_count;
	u16 bg_free_inodes_count;
	u16 bg_used_dirs_count;
	u16 bg_flags;
	u32 bg_reserved[3];
};
_Static_assert(sizeof(struct ext2_group_desc) == 32, "group descriptor");

#define EXT2_NDIR 12u /* direct blocks */
#define EXT2_NBLOCKS 15u

/* i_flags */
#define EXT2_FL_SECRM 0x1u
#define EXT2_FL_UNRM 0x2u
#define EXT2_FL_COMPR 0x4u
#define EXT2_FL_SYNC 0x8u
#define EXT2_FL_IMMUTABLE 0x10u
#define EXT2_FL_APPEND 0x20u
#define EXT2_FL_NODUMP 0x40u
#define EXT2_FL_NOATIME 0x80u
#define EXT2_FL_INDEX 0x1000u	 /* directory with hash tree */
#define EXT2_FL_JOURNAL 0x4000u
#define EXT2_FL_NOTAIL 0x8000u
#define EXT2_FL_DIRSYNC 0x10000u
#define EXT2_FL_TOPDIR 0x20000u
#define EXT2_FL_USER_VISIBLE 0x0003dfffu
#define EXT2_FL_USER_MODIFIABLE 0x000380ffu
/* What a new object takes from its directory. */
#define EXT2_FL_INHERITED                                                                          \
	(EXT2_FL_SECRM | EXT2_FL_UNRM | EXT2_FL_COMPR | 0x700u | EXT2_FL_SYNC |                    \
	 EXT2_FL_NODUMP | EXT2_FL_NOATIME | EXT2_FL_JOURNAL | EXT2_FL_NOTAIL | EXT2_FL_DIRSYNC)

struct ext2_dinode {
	u16 i_mode;
	u16 i_uid;
	u32 i_size;
	u32 i_atime;
	u32 i_ctime;
	u32 i_mtime;
	u32 i_dtime;
	u16 i_gid;
	u16 i_links_count;
	u32 i_blocks; /* of 512 bytes */
	u32 i_flags;
	u32 i_osd1;
	u32 i_block[EXT2_NBLOCKS];
	u32 i_generation;
	u32 i_file_acl;
	u32 i_size_high; /* of directories: i_dir_acl, not used */
	u32 i_faddr;
	u8 i_frag;
	u8 i_fsize;
	u16 i_pad1;
	u16 i_uid_high;
	u16 i_gid_high;
	u32 i_reserved2;
	/* inodes of more than 128 bytes, as far as i_extra_isize reaches */
	u16 i_extra_isize;
	u16 i_checksum_hi;
	u32 i_ctime_extra; /* ns << 2 | bits 32 and 33 of the seconds */
	u32 i_mtime_extra;
	u32 i_atime_extra;
	u32 i_crtime;
	u32 i_crtime_extra;
	u32 i_version_hi;
	u32 i_projid;
};
_Static_assert(sizeof(struct ext2_dinode) == 160, "inode");
_Static_assert(offsetof(struct ext2_dinode, i_extra_isize) == 128, "inode");
#define EXT2_EXTRA_ISIZE 32u /* what we fill */

/* Directory entry; the next one starts rec_len bytes on. inode 0: unused. */
struct ext2_dirent {
	u32 inode;
	u16 rec_len; /* multiple of 4 */
	u8 name_len;
	u8 file_type; /* with the feature filetype; else high byte of name_len */
	char name[];
};
_Static_assert(sizeof(struct ext2_dirent) == 8, "directory entry");
#define EXT2_DIRENT_LEN(name_len) (((name_len) + 8u + 3u) & ~3u)

#define EXT2_FT_UNKNOWN 0
#define EXT2_FT_REG 1
#define EXT2_FT_DIR 2
#define EXT2_FT_CHR 3
#define EXT2_FT_BLK 4
#define EXT2_FT_FIFO 5
#define EXT2_FT_SOCK 6
#define EXT2_FT_LNK 7

/* Block of extended attributes: header, entries upwards, values from the end downwards. */
#define EXT2_XATTR_MAGIC 0xea020000u
struct ext2_xattr_header {
	u32 h_magic;
	u32 h_refcount; /* inodes that share it */
	u32 h_blocks;	/* 1 */
	u32 h_hash;
	u32 h_reserved[4];
};
_Static_assert(sizeof(struct ext2_xattr_header) == 32, "attribute header");
/* Four zero bytes end the list. Sorted by index, name length, name. */
struct ext2_xattr_entry {
	u8 e_name_len;
	u8 e_name_index;
	u16 e_value_offs;
	u32 e_value_block; /* 0 */
	u32 e_value_size;
	u32 e_hash;
	char e_name[];
};
_Static_assert(sizeof(struct ext2_xattr_entry) == 16, "attribute entry");
#define EXT2_XATTR_USER 1
#define EXT2_XATTR_ACL_ACCESS 2
#define EXT2_XATTR_ACL_DEFAULT 3
#define EXT2_XATTR_TRUSTED 4
#define EXT2_XATTR_SECURITY 6

/* Value of the ACL attributes on disk. Entries of users and groups have an id. */
#define EXT2_ACL_VERSION 1u
struct ext2_acl_header {
	u32 a_version;
};
struct ext2_acl_entry_short {
	u16 e_tag;
	u16 e_perm;
};
struct ext2_acl_entry {
	u16 e_tag;
	u16 e_perm;
	u32 e_id;
};

#endif
