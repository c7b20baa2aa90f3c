/* SPDX-License-Identifier: MIT */
#ifndef MM_ACCESS_H
#define MM_ACCESS_H

#include <kernel/mm.h>

/* mm->lock shared. The page at addr (page aligned) as mm's owner would see it, referenced: 0 or
 * -errno. force: rights that mprotect could grant count as granted. */
int must_check mm_pin_page(struct mm *mm, u64 addr, bool write, bool force, struct page **out);
/* With the rights that user code of mm has: bytes copied. */
size_t mm_copy_user(struct mm *mm, u64 addr, void *buf, size_t n, bool write);

#endif
