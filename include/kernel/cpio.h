/* SPDX-License-Identifier: MIT */
/*
 * The "newc" cpio archive (magic 070701, and 070702 with a byte sum), as initramfs uses it.
 *
 * Two forms: an iterator over an archive in memory, and a stream fed with chunks of any size, for
 * archives that come out of gunzip() and are never in memory whole. Both check everything:
 * hexadecimal fields, alignment, lengths against what is there, a NUL at the end of each name (more
 * may follow: padding that aligns the data), names of 1..4095 bytes. Data of 070702 entries is
 * summed and compared (-EBADMSG). Neither interprets names: "..", absolute names and duplicates are
 * the caller's to judge.
 */
#ifndef KERNEL_CPIO_H
#define KERNEL_CPIO_H

#include <kernel/types.h>

#define CPIO_HEADER_LEN 110
#define CPIO_NAME_MAX	4096 /* with the NUL */

struct cpio_entry {
	u32 ino, mode, uid, gid, nlink, mtime;
	u32 dev_major, dev_minor;   /* where it was archived: with ino, identifies hard links */
	u32 rdev_major, rdev_minor; /* for device nodes */
	u32 size;		    /* bytes of data */
	u32 check;		    /* sum of data bytes, 070702 only */
	bool has_check;
	const char *name; /* NUL-terminated; valid until the next step */
	size_t name_len;  /* without the NUL */
	const void *data; /* iterator only */
};

struct cpio_iter {
	const u8 *buf;
	size_t len;
	size_t pos; /* after the trailer: first byte behind it, padded to four */
};

void cpio_iter_init(struct cpio_iter *it, const void *buf, size_t len);

/* 1: *e is the next entry. 0: trailer, or the clean end of the buffer. -EINVAL, -EBADMSG. */
int cpio_next(struct cpio_iter *it, struct cpio_entry *e);

/*
 * Callbacks of the stream; each returns 0 or -errno, which stops the stream for good. For every
 * entry: begin once, data as often as there is some (never with n == 0), end once. The trailer is
 * not shown as an entry.
 */
struct cpio_ops {
	int (*begin_entry)(void *ctx, const struct cpio_entry *e);
	int (*data)(void *ctx, const void *data, size_t n);
	int (*end_entry)(void *ctx);
	/* May be NULL. An archive ended: hard links do not reach past it. */
	int (*trailer)(void *ctx);
};

struct cpio_stream {
	const struct cpio_ops *ops;
	void *ctx;
	u8 state;
	int error; /* sticky */
	u32 have;  /* bytes collected of the header or name */
	u32 name_size;
	u32 left; /* data bytes still to come */
	u32 pad;  /* padding bytes still to come */
	u32 sum;
	u64 archives; /* trailers seen */
	struct cpio_entry e;
	char header[CPIO_HEADER_LEN];
	char name[CPIO_NAME_MAX];
};

/* About 4.4 KiB: not for the stack. */
void cpio_stream_init(struct cpio_stream *s, const struct cpio_ops *ops, void *ctx);

/*
 * Feed n more bytes. After a trailer, NUL padding is skipped and another archive may follow. 0 or
 * -errno, which is sticky: -EINVAL, -EBADMSG or a callback's.
 */
int cpio_stream_feed(struct cpio_stream *s, const void *data, size_t n);

/*
 * Between two archives (or before the first): where the input may change from plain to compressed.
 */
bool cpio_stream_idle(const struct cpio_stream *s);

/*
 * The input is over: 0, or -EINVAL when it stopped inside an entry, or the sticky error. A missing
 * trailer is not an error.
 */
int cpio_stream_finish(struct cpio_stream *s);

#endif
