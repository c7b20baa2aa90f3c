/* SPDX-License-Identifier: MIT */
/* ioctl numbers and structures of block devices. */
#ifndef UAPI_BLKDEV_H
#define UAPI_BLKDEV_H

#include <kernel/types.h>

#define BLKROSET 0x125D
#define BLKROGET 0x125E
#define BLKRRPART 0x125F
#define BLKGETSIZE 0x1260
#define BLKFLSBUF 0x1261
#define BLKRASET 0x1262
#define BLKRAGET 0x1263
#define BLKFRASET 0x1264
#define BLKFRAGET 0x1265
#define BLKSECTGET 0x1267
#define BLKSSZGET 0x1268
#define BLKPG 0x1269
#define BLKBSZGET 0x80081270
#define BLKBSZSET 0x40081271
#define BLKGETSIZE64 0x80081272
#define BLKDISCARD 0x1277
#define BLKIOMIN 0x1278
#define BLKIOOPT 0x1279
#define BLKALIGNOFF 0x127A
#define BLKPBSZGET 0x127B
#define BLKDISCARDZEROES 0x127C
#define BLKSECDISCARD 0x127D
#define BLKROTATIONAL 0x127E
#define BLKZEROOUT 0x127F
#define BLKGETDISKSEQ 0x80081280
#define HDIO_GETGEO 0x0301

#define BLKPG_ADD_PARTITION 1
#define BLKPG_DEL_PARTITION 2
#define BLKPG_RESIZE_PARTITION 3

struct blkpg_ioctl_arg {
	s32 op, flags, datalen, pad;
	u64 data;
};
_Static_assert(sizeof(struct blkpg_ioctl_arg) == 24, "ABI");
struct blkpg_partition {
	s64 start, length; /* bytes */
	s32 pno;
	char devname[64], volname[64];
	s32 pad;
};
_Static_assert(sizeof(struct blkpg_partition) == 152, "ABI");
struct hd_geometry {
	u8 heads, sectors;
	u16 cylinders;
	u32 pad;
	u64 start;
};
_Static_assert(sizeof(struct hd_geometry) == 16, "ABI");

#endif
