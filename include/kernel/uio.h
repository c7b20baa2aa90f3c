/* SPDX-License-Identifier: MIT */
/* A run of buffers that a read fills or a write drains: user memory or kernel memory.
 * The functions advance the position; they return the number of bytes moved, less than asked only
 * when the buffers are used up or a user page faults (then uio->fault is set). May sleep. */
#ifndef KERNEL_UIO_H
#define KERNEL_UIO_H

#include <kernel/types.h>

struct iovec {
	u64 base; /* user address, or kernel address when uio->kernel */
	u64 len;
};

struct uio {
	const struct iovec *iov;
	u32 nr;	       /* remaining elements including the current one */
	bool kernel;
	bool fault;
	size_t offset; /* in the current element */
	size_t count;  /* bytes remaining in all */
};

static inline void uio_init_user(struct uio *u, struct iovec *one, struct user_ptr buf, size_t n)
{
	*one = (struct iovec){ buf.addr, n };
	*u = (struct uio){ .iov = one, .nr = 1, .count = n };
}
static inline void uio_init_kernel(struct uio *u, struct iovec *one, void *buf, size_t n)
{
	*one = (struct iovec){ (u64)buf, n };
	*u = (struct uio){ .iov = one, .nr = 1, .count = n, .kernel = true };
}
size_t must_check uio_write_to(struct uio *u, const void *src, size_t n); /* kernel -> buffers */
size_t must_check uio_read_from(struct uio *u, void *dst, size_t n);	   /* buffers -> kernel */
size_t must_check uio_zero(struct uio *u, size_t n);
void uio_skip(struct uio *u, size_t n);
/* The current element is one with bytes left; u->count is not 0. */
void uio_normalize(struct uio *u);
/* Puts back the last n bytes moved. */
void uio_revert(struct uio *u, size_t n);
/* Touches the user pages so that the next copy probably does not fault; 0 or -EFAULT. */
int uio_fault_in(struct uio *u, size_t n, bool write_to_user);

#define UIO_MAXIOV 1024
#define UIO_FASTIOV 8
/* Copies and checks a user iovec array (total at most MAX_RW_COUNT): uses `fast` when it fits, else
 * allocates *allocated (kfree it). 0 or -EINVAL/-EFAULT/-ENOMEM. */
int must_check uio_import(struct uio *u, struct user_ptr vec, unsigned long nr,
			  struct iovec fast[UIO_FASTIOV], struct iovec **allocated);
#define MAX_RW_COUNT 0x7ffff000ul

#endif
