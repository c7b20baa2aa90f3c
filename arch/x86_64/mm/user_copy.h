/* SPDX-License-Identifier: MIT */
#ifndef X86_USER_COPY_H
#define X86_USER_COPY_H

#include <kernel/types.h>

/* uaccess_fast.S: bytes NOT done. The range is already known to be the user's. */
size_t user_copy(void *dst, const void *src, size_t n);
size_t user_clear(void *dst, size_t n);
extern u8 user_copy_bytes; /* long copies by rep movsb */

#endif
