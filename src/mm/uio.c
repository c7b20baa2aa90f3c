/* SPDX-License-Identifier: MIT */
/* Moving bytes between the kernel and a list of buffers (kernel/uio.h). */
#include <kernel/compiler.h>
#include <kernel/errno.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <kernel/uio.h>

enum uio_op { UIO_OUT, UIO_IN, UIO_ZERO };

static __always_inline void normalize(struct uio *u)
{
	while (u->offset == u->iov->len) {
		u->iov++;
		u->nr--;
		u->offset = 0;
	}
}

static void uio_step(struct uio *u, size_t n)
{
	u->offset += n;
	u->count -= n;
	while (u->nr > 0 && u->offset == u->iov->len && u->count > 0) {
		u->iov++;
		u->nr--;
		u->offset = 0;
	}
}

/* Moves n bytes within one element: bytes moved. */
static size_t move_some(struct uio *u, enum uio_op op, void *buf, u64 at, size_t n)
{
	if (u->kernel) {
		if (op == UIO_OUT)
			memcpy((void *)at, buf, n);
		else if (op == UIO_IN)
			memcpy(buf, (const void *)at, n);
		else
			memset((void *)at, 0, n);
		return n;
	}
	if (op == UIO_OUT)
		return n - copy_to_user_partial(USER_PTR(at), buf, n);
	if (op == UIO_IN)
		return n - copy_from_user_partial(buf, USER_PTR(at), n);
	return n - clear_user_partial(USER_PTR(at), n);
}

static size_t uio_move(struct uio *u, enum uio_op op, char *buf, size_t n)
{
	size_t done = 0;

	n = min(n, u->count);
	while (done < n) {
		size_t k, moved;

		normalize(u);
		k = min(n - done, (size_t)u->iov->len - u->offset);
		moved = move_some(u, op, buf ? buf + done : NULL, u->iov->base + u->offset, k);
		u->offset += moved;
		u->count -= moved;
		done += moved;
		if (moved < k) {
			u->fault = true;
			break;
		}
	}
	return done;
}

size_t uio_write_to(struct uio *u, const void *src, size_t n)
{
	return uio_move(u, UIO_OUT, (char *)src, n);
}

size_t uio_read_from(struct uio *u, void *dst, size_t n)
{
	return uio_move(u, UIO_IN, dst, n);
}

size_t uio_zero(struct uio *u, size_t n)
{
	return uio_move(u, UIO_ZERO, NULL, n);
}

void uio_skip(struct uio *u, size_t n)
{
	n = min(n, u->count);
	while (n > 0) {
		size_t k = min(n, (size_t)u->iov->len - u->offset);

		uio_step(u, k);
		n -= k;
		if (k == 0) {
			u->iov++;
			u->nr--;
			u->offset = 0;
		}
	}
}

void uio_normalize(struct uio *u)
{
	normalize(u);
}

void uio_revert(struct uio *u, size_t n)
{
	u->count += n;
	while (n > u->offset) {
		n -= u->offset;
		u->iov--;
		u->nr++;
		u->offset = u->iov->len;
	}
	u->offset -= n;
}

int uio_fault_in(struct uio *u, size_t n, bool write_to_user)
{
	const struct iovec *v = u->iov;
	size_t off = u->offset;

	if (u->kernel)
		return 0;
	n = min(n, u->count);
	while (n > 0) {
		size_t k = min(n, (size_t)v->len - off);

		for (u64 at = v->base + off; at < v->base + off + k; at = (at | 4095) + 1) {
			u8 b;

			if (get_user_u8(&b, USER_PTR(at)) ||
			    (write_to_user && put_user_u8(b, USER_PTR(at))))
				return -EFAULT;
		}
		n -= k;
		v++;
		off = 0;
	}
	return 0;
}

int uio_import(struct uio *u, struct user_ptr vec, unsigned long nr, struct iovec fast[UIO_FASTIOV],
	       struct iovec **allocated)
{
	struct iovec *v = fast;
	size_t total = 0;
	int rc = -EINVAL;

	*allocated = NULL;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	if (nr > UIO_FASTIOV) {
		v = *allocated = kmalloc_array(nr, sizeof(*v), GFP_KERNEL);
		if (!v)
			return -ENOMEM;
	}
	if (copy_from_user(v, vec, nr * sizeof(*v))) {
		rc = -EFAULT;
		goto fail;
	}
	for (unsigned long i = 0; i < nr; i++) {
		if ((s64)v[i].len < 0)
			goto fail;
		if (!user_range_ok(USER_PTR(v[i].base), v[i].len)) {
			rc = -EFAULT;
			goto fail;
		}
		v[i].len = min(v[i].len, (u64)(MAX_RW_COUNT - total));
		total += v[i].len;
	}
	*u = (struct uio){ .iov = v, .nr = (u32)nr, .count = total };
	return 0;
fail:
	kfree(*allocated);
	*allocated = NULL;
	return rc;
}
