/* SPDX-License-Identifier: MIT */
/* Basic types. Distinct one-member structs keep physical addresses and user pointers from being
 * mixed up with kernel pointers: a swapped argument does not compile. */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#ifndef KEELSON_HOST
typedef long ssize_t;
typedef int pid_t;
typedef u32 uid_t;
typedef u32 gid_t;
typedef u32 mode_t;
typedef s64 loff_t;
typedef u64 dev_t; /* kernel form: major << 20 | minor, see fs/vfs.h for the encodings */
typedef u64 ino_t;
typedef int clockid_t;
#else
#include <sys/types.h> /* unit tests: the same names from the C library */
#endif

typedef unsigned int gfp_t;

/* A physical address in bytes. */
typedef struct {
	u64 v;
} paddr_t;

/* An address in the current user address space, as a program passed it: never dereferenced, only
 * given to kernel/uaccess.h. */
struct user_ptr {
	u64 addr;
};

#define USER_PTR(a) ((struct user_ptr){ .addr = (u64)(a) })
#define USER_NULL USER_PTR(0)
static inline bool user_ptr_is_null(struct user_ptr p)
{
	return p.addr == 0;
}
static inline struct user_ptr user_ptr_add(struct user_ptr p, u64 n)
{
	return USER_PTR(p.addr + n);
}

#define NSEC_PER_SEC 1000000000ul
#define NSEC_PER_MSEC 1000000ul
#define NSEC_PER_USEC 1000ul

#endif
