/* SPDX-License-Identifier: MIT */
/*
 * Byte ring of a power-of-two size over memory the caller brings.
 *
 * head and tail run freely and wrap with the type; used = head - tail. With one producer and one
 * consumer no lock is needed (an interrupt handler filling, a task draining): each side writes
 * only its own index, with a release store. More of either kind need the caller's lock.
 */
#ifndef KERNEL_RINGBUF_H
#define KERNEL_RINGBUF_H

#include <kernel/types.h>

struct ringbuf {
	u8 *buf;
	u32 size; /* power of two, at most 2^31 */
	u32 head; /* producer: next byte to write */
	u32 tail; /* consumer: next byte to read */
};

static inline void ring_init(struct ringbuf *r, void *buf, u32 size)
{
	r->buf = buf;
	r->size = size;
	r->head = 0;
	r->tail = 0;
}

static inline u32 ring_used(const struct ringbuf *r)
{
	return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) -
	       __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);
}

static inline u32 ring_free(const struct ringbuf *r)
{
	return r->size - ring_used(r);
}

static inline bool ring_empty(const struct ringbuf *r)
{
	return !ring_used(r);
}

static inline bool ring_full(const struct ringbuf *r)
{
	return ring_used(r) == r->size;
}

/* Returns whether there was room. */
static inline bool ring_putc(struct ringbuf *r, u8 c)
{
	u32 head = r->head;

	if (ring_full(r))
		return false;
	r->buf[head & (r->size - 1)] = c;
	__atomic_store_n(&r->head, head + 1, __ATOMIC_RELEASE);
	return true;
}

/* The oldest byte, or -1. */
static inline int ring_getc(struct ringbuf *r)
{
	u32 tail = r->tail;
	int c;

	if (ring_empty(r))
		return -1;
	c = r->buf[tail & (r->size - 1)];
	__atomic_store_n(&r->tail, tail + 1, __ATOMIC_RELEASE);
	return c;
}

/* Producer takes back the newest byte (needs the lock if a consumer may run), or -1. */
static inline int ring_unputc(struct ringbuf *r)
{
	if (ring_empty(r))
		return -1;
	return r->buf[--r->head & (r->size - 1)];
}

/* Byte off positions after the oldest; off < ring_used(). */
static inline u8 ring_at(const struct ringbuf *r, u32 off)
{
	return r->buf[(r->tail + off) & (r->size - 1)];
}

static inline void ring_clear(struct ringbuf *r)
{
	__atomic_store_n(&r->tail, r->head, __ATOMIC_RELEASE);
}

/* As many bytes as fit (are there), which is returned. */
u32 ring_write(struct ringbuf *r, const void *data, u32 n);
u32 ring_read(struct ringbuf *r, void *data, u32 n);
/* Copy from off behind the oldest without consuming. */
u32 ring_peek(const struct ringbuf *r, u32 off, void *data, u32 n);
/* Drop up to n of the oldest. */
u32 ring_skip(struct ringbuf *r, u32 n);

/*
 * Zero-copy: the longest contiguous run to read (write) and its length; then ring_skip()
 * (ring_commit()) what was used.
 */
static inline u32 ring_read_span(const struct ringbuf *r, const u8 **p)
{
	u32 off = r->tail & (r->size - 1), used = ring_used(r);

	*p = r->buf + off;
	return used < r->size - off ? used : r->size - off;
}

static inline u32 ring_write_span(const struct ringbuf *r, u8 **p)
{
	u32 off = r->head & (r->size - 1), room = ring_free(r);

	*p = r->buf + off;
	return room < r->size - off ? room : r->size - off;
}

static inline void ring_commit(struct ringbuf *r, u32 n)
{
	__atomic_store_n(&r->head, r->head + n, __ATOMIC_RELEASE);
}

#endif
