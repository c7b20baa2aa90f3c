/* SPDX-License-Identifier: MIT */
/* ioctl numbers and structures of loop devices. */
#ifndef UAPI_LOOP_H
#define UAPI_LOOP_H

#include <kernel/types.h>

#define LOOP_SET_FD 0x4C00
#define LOOP_CLR_FD 0x4C01
#define LOOP_SET_STATUS 0x4C02
#define LOOP_GET_STATUS 0x4C03
#define LOOP_SET_STATUS64 0x4C04
#define LOOP_GET_STATUS64 0x4C05
#define LOOP_CHANGE_FD 0x4C06
#define LOOP_SET_CAPACITY 0x4C07
#define LOOP_SET_DIRECT_IO 0x4C08
#define LOOP_SET_BLOCK_SIZE 0x4C09
#define LOOP_CONFIGURE 0x4C0A
#define LOOP_CTL_ADD 0x4C80
#define LOOP_CTL_REMOVE 0x4C81
#define LOOP_CTL_GET_FREE 0x4C82

#define LO_FLAGS_READ_ONLY 1u
#define LO_FLAGS_AUTOCLEAR 4u
#define LO_FLAGS_PARTSCAN 8u
#define LO_FLAGS_DIRECT_IO 16u
#define LO_NAME_SIZE 64
#define LO_KEY_SIZE 32

struct loop_info64 {
	u64 lo_device, lo_inode, lo_rdevice, lo_offset, lo_sizelimit;
	u32 lo_number, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
	u8 lo_file_name[LO_NAME_SIZE], lo_crypt_name[LO_NAME_SIZE];
	u8 lo_encrypt_key[LO_KEY_SIZE];
	u64 lo_init[2];
};
_Static_assert(sizeof(struct loop_info64) == 232, "ABI");
struct loop_info {
	s32 lo_number;
	u64 lo_device, lo_inode, lo_rdevice;
	s32 lo_offset, lo_encrypt_type, lo_encrypt_key_size, lo_flags;
	char lo_name[LO_NAME_SIZE];
	u8 lo_encrypt_key[LO_KEY_SIZE];
	u64 lo_init[2];
	char reserved[4];
};
_Static_assert(sizeof(struct loop_info) == 168, "ABI");
struct loop_config {
	u32 fd, block_size;
	struct loop_info64 info;
	u64 reserved[8];
};
_Static_assert(sizeof(struct loop_config) == 304, "ABI");

#endif
