/* SPDX-License-Identifier: MIT */
/* System V shared memory of the Linux ABI (x86_64). */
#ifndef UAPI_SHM_H
#define UAPI_SHM_H

#include <kernel/types.h>

#define IPC_PRIVATE 0
#define IPC_CREAT 01000
#define IPC_EXCL 02000
#define IPC_RMID 0
#define IPC_SET 1
#define IPC_STAT 2
#define IPC_INFO 3
#define SHM_LOCK 11
#define SHM_UNLOCK 12
#define SHM_STAT 13
#define SHM_INFO 14
#define SHM_STAT_ANY 15

#define SHM_RDONLY 010000
#define SHM_RND 020000
#define SHM_REMAP 040000
#define SHM_EXEC 0100000
#define SHM_DEST 01000
#define SHM_LOCKED 02000
#define SHM_HUGETLB 04000
#define SHM_NORESERVE 010000

struct user_ipc_perm {
	s32 key;
	u32 uid, gid, cuid, cgid, mode;
	u16 seq, pad;
	u64 unused[2];
};

struct user_shmid_ds {
	struct user_ipc_perm perm;
	u64 segsz;
	s64 atime, dtime, ctime; /* seconds since 1970 */
	s32 cpid, lpid;
	u64 nattch;
	u64 unused[2];
};
_Static_assert(sizeof(struct user_shmid_ds) == 112, "shmid64_ds");

struct user_shminfo {
	u64 shmmax, shmmin, shmmni, shmseg, shmall, unused[4];
};

struct user_shm_info {
	s32 used_ids;
	u64 tot, rss, swp, swap_attempts, swap_successes;
};

#endif
