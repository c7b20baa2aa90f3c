/* SPDX-License-Identifier: MIT */
/*
 * Cyclic redundancy checks, reflected. Pass 0 to begin and the last result to go on with more
 * data: the inversions at both ends are done inside, as zlib's crc32() does.
 */
#ifndef KERNEL_CRC_H
#define KERNEL_CRC_H

#include <kernel/types.h>

/* IEEE 802.3 (gzip, GPT). crc32(0, "123456789", 9) == 0xcbf43926. */
u32 crc32(u32 crc, const void *data, size_t len);
/* Castagnoli (ext4 metadata, iSCSI). crc32c(0, "123456789", 9) == 0xe3069283. */
u32 crc32c(u32 crc, const void *data, size_t len);
/*
 * CCITT/ARC polynomial 0xa001 as ext2's group descriptors use it: begin with ~0, no final
 * inversion.
 */
u16 crc16(u16 crc, const void *data, size_t len);

#endif
