/* SPDX-License-Identifier: MIT */
/* struct statfs, its flags and file system magic numbers of the Linux ABI (x86_64). */
#ifndef UAPI_STATFS_H
#define UAPI_STATFS_H

#include <kernel/types.h>

struct user_statfs {
	s64 f_type;
	s64 f_bsize;
	u64 f_blocks;
	u64 f_bfree;
	u64 f_bavail;
	u64 f_files;
	u64 f_ffree;
	s32 f_fsid[2];
	s64 f_namelen;
	s64 f_frsize;
	s64 f_flags;
	s64 f_spare[4];
};
_Static_assert(sizeof(struct user_statfs) == 120, "struct statfs");

#define ST_RDONLY 0x0001u
#define ST_NOSUID 0x0002u
#define ST_NODEV 0x0004u
#define ST_NOEXEC 0x0008u
#define ST_SYNCHRONOUS 0x0010u
#define ST_VALID 0x0020u
#define ST_NOATIME 0x0400u
#define ST_NODIRATIME 0x0800u
#define ST_RELATIME 0x1000u

#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6
#define PROC_SUPER_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define DEVPTS_SUPER_MAGIC 0x1cd1
#define PIPEFS_MAGIC 0x50495045
#define ANON_INODE_FS_MAGIC 0x09041934
#define SOCKFS_MAGIC 0x534F434B

#endif
