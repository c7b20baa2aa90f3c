/* SPDX-License-Identifier: MIT */
/*
 * Decompression of gzip and raw deflate data from memory to a callback, in chunks of at most 32
 * KiB.
 *
 * Needs about 72 KiB of work space from the allocator for the time of the call; may sleep for it.
 * Every error is reported, none is undefined: input is hostile. out() returns 0 or -errno, which
 * stops the work and is passed on. *consumed (if not NULL) is always set: input bytes used up, on
 * success exactly up to the end of the member.
 *
 * Returns 0, -EINVAL (not a gzip member, or malformed), -EBADMSG (checksum or length does not
 * match: the data has already been delivered), -ENODATA (input ends too early), -ENOMEM, or
 * out()'s error.
 */
#ifndef KERNEL_INFLATE_H
#define KERNEL_INFLATE_H

#include <kernel/types.h>

typedef int (*inflate_out_fn)(void *ctx, const void *data, size_t n);

/* One gzip member; more may follow at in + *consumed. */
int gunzip(const void *in, size_t len, inflate_out_fn out, void *ctx, size_t *consumed);

/* One raw deflate stream. */
int inflate_raw(const void *in, size_t len, inflate_out_fn out, void *ctx, size_t *consumed);

/* True when in looks like a gzip member (magic and method). */
bool is_gzip(const void *in, size_t len);

#endif
