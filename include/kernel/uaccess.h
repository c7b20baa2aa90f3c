/* SPDX-License-Identifier: MIT */
/* The only way to user memory: fault-tolerant copies, byte granular, bounded to the user half.
 * All may sleep (page faults) unless a page-fault-disabled region makes them fail instead.
 * Only the system call layer and the uio functions call these. */
#ifndef KERNEL_UACCESS_H
#define KERNEL_UACCESS_H

#include <kernel/errno.h>
#include <kernel/types.h>

/* 0 or -EFAULT; on failure a kernel destination is zeroed past what was copied (copy_from_user). */
int must_check copy_from_user(void *dst, struct user_ptr src, size_t n);
int must_check copy_to_user(struct user_ptr dst, const void *src, size_t n);
int must_check clear_user(struct user_ptr dst, size_t n);
/* Bytes that could NOT be copied: for partial reads and writes. */
size_t must_check copy_from_user_partial(void *dst, struct user_ptr src, size_t n);
size_t must_check copy_to_user_partial(struct user_ptr dst, const void *src, size_t n);
size_t must_check clear_user_partial(struct user_ptr dst, size_t n);
/* Copies a NUL-terminated string: its length without NUL, -EFAULT, or -ENAMETOOLONG when there is
 * no NUL in the first `size` bytes. */
ssize_t must_check strncpy_from_user(char *dst, struct user_ptr src, size_t size);
/* Length without NUL, at most max (then max + 1 is returned), or -EFAULT. */
ssize_t must_check strnlen_user(struct user_ptr src, size_t max);

/* Single values of 1, 2, 4 or 8 bytes: get_user(&kernel_var, ptr), put_user(value, ptr). */
int must_check get_user_u8(u8 *v, struct user_ptr p);
int must_check get_user_u32(u32 *v, struct user_ptr p);
int must_check get_user_u64(u64 *v, struct user_ptr p);
int must_check put_user_u8(u8 v, struct user_ptr p);
int must_check put_user_u32(u32 v, struct user_ptr p);
int must_check put_user_u64(u64 v, struct user_ptr p);

/* Copies a struct whose size the user states (clone3, openat2...): too short is padded with zeroes,
 * longer must have zero tail: -E2BIG. */
int must_check copy_struct_from_user(void *dst, size_t ksize, struct user_ptr src, size_t usize);

/* Atomic 32-bit operations for futexes; -EFAULT, never sleeps when called with faults disabled. */
int must_check user_cmpxchg_u32(struct user_ptr p, u32 old, u32 new, u32 *found);

/* Between these a copy that would fault fails with -EFAULT instead of sleeping. */
void pagefault_disable(void);
void pagefault_enable(void);

/* True when [p, p + n) lies in the user half. */
static inline bool user_range_ok(struct user_ptr p, u64 n)
{
	return p.addr < 0x00007ffffffff000ull && n <= 0x00007ffffffff000ull - p.addr;
}

#endif
