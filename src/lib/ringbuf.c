/* SPDX-License-Identifier: MIT */
/* Bulk transfers of the byte ring: at most two copies each, around the end of the buffer. */
#include <kernel/compiler.h>
#include <kernel/ringbuf.h>
#include <kernel/string.h>

u32 ring_write(struct ringbuf *r, const void *data, u32 n)
{
	u32 off = r->head & (r->size - 1), first;

	n = min(n, ring_free(r));
	first = min(n, r->size - off);
	memcpy(r->buf + off, data, first);
	memcpy(r->buf, (const u8 *)data + first, n - first);
	ring_commit(r, n);
	return n;
}

u32 ring_peek(const struct ringbuf *r, u32 off, void *data, u32 n)
{
	u32 used = ring_used(r), at, first;

	if (off >= used)
		return 0;
	n = min(n, used - off);
	at = (r->tail + off) & (r->size - 1);
	first = min(n, r->size - at);
	memcpy(data, r->buf + at, first);
	memcpy((u8 *)data + first, r->buf, n - first);
	return n;
}

u32 ring_skip(struct ringbuf *r, u32 n)
{
	n = min(n, ring_used(r));
	__atomic_store_n(&r->tail, r->tail + n, __ATOMIC_RELEASE);
	return n;
}

u32 ring_read(struct ringbuf *r, void *data, u32 n)
{
	return ring_skip(r, ring_peek(r, 0, data, n));
}
