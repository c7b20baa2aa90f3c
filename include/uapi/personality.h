/* SPDX-License-Identifier: MIT */
#ifndef UAPI_PERSONALITY_H
#define UAPI_PERSONALITY_H

#define PER_LINUX 0u
#define PER_LINUX32 8u
#define PER_MASK 0xffu
#define UNAME26 0x0020000u
#define ADDR_NO_RANDOMIZE 0x0040000u
#define FDPIC_FUNCPTRS 0x0080000u
#define MMAP_PAGE_ZERO 0x0100000u
#define ADDR_COMPAT_LAYOUT 0x0200000u
#define READ_IMPLIES_EXEC 0x0400000u
#define ADDR_LIMIT_32BIT 0x0800000u
#define SHORT_INODE 0x1000000u
#define WHOLE_SECONDS 0x2000000u
#define STICKY_TIMEOUTS 0x4000000u
#define ADDR_LIMIT_3GB 0x8000000u
/* What a set-id exec takes away. */
#define PER_CLEAR_ON_SETID                                                                         \
	(READ_IMPLIES_EXEC | ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT | MMAP_PAGE_ZERO)

#endif
