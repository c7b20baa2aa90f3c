/* SPDX-License-Identifier: MIT */
/*
 * newc cpio archives, from memory and as a stream.
 *
 * An entry is a header of 110 bytes (a magic of six and thirteen fields of eight hexadecimal
 * digits), the name with its NUL, padding to four, the data, padding to four. "TRAILER!!!" ends an
 * archive; NUL bytes may follow, then another archive. Both forms share the decoding and checking
 * of header and name; every length is compared with what is left before it is used, and sums are
 * taken in 64 bits.
 *
 * The stream is a state machine: HEADER and NAME collect into buffers of the stream, DATA passes
 * chunks through without a copy, the PAD states count bytes off. The stream never holds data back.
 */
#include <kernel/compiler.h>
#include <kernel/cpio.h>
#include <kernel/ctype.h>
#include <kernel/errno.h>
#include <kernel/string.h>

#define TRAILER	  "TRAILER!!!"
#define MAGIC_LEN 6

enum field {
	F_INO,
	F_MODE,
	F_UID,
	F_GID,
	F_NLINK,
	F_MTIME,
	F_SIZE,
	F_DEV_MAJOR,
	F_DEV_MINOR,
	F_RDEV_MAJOR,
	F_RDEV_MINOR,
	F_NAME_SIZE,
	F_CHECK,
	FIELDS
};

enum state { HEADER, NAME, NAME_PAD, DATA, DATA_PAD, BETWEEN };

static inline u32 pad4(u64 n)
{
	return (u32)(-n & 3);
}

static int parse_hex8(const char *p, u32 *out)
{
	u32 v = 0;

	for (int i = 0; i < 8; i++) {
		int d = digit_value((u8)p[i]);

		if (d < 0 || d > 15)
			return -EINVAL;
		v = v << 4 | (u32)d;
	}
	*out = v;
	return 0;
}

/* Everything but the name and the data. name_size counts the NUL and is in range. */
static int parse_header(const char *h, struct cpio_entry *e, u32 *name_size)
{
	u32 f[FIELDS];

	e->has_check = h[5] == '2';
	if (memcmp(h, "07070", 5) || (h[5] != '1' && h[5] != '2'))
		return -EINVAL;
	for (unsigned int i = 0; i < FIELDS; i++)
		if (parse_hex8(h + MAGIC_LEN + 8 * i, &f[i]))
			return -EINVAL;
	if (f[F_NAME_SIZE] < 2 || f[F_NAME_SIZE] > CPIO_NAME_MAX)
		return -EINVAL;
	*name_size = f[F_NAME_SIZE];
	e->ino = f[F_INO];
	e->mode = f[F_MODE];
	e->uid = f[F_UID];
	e->gid = f[F_GID];
	e->nlink = f[F_NLINK];
	e->mtime = f[F_MTIME];
	e->size = f[F_SIZE];
	e->dev_major = f[F_DEV_MAJOR];
	e->dev_minor = f[F_DEV_MINOR];
	e->rdev_major = f[F_RDEV_MAJOR];
	e->rdev_minor = f[F_RDEV_MINOR];
	e->check = f[F_CHECK];
	e->data = NULL;
	return 0;
}

/* The name ends at its first NUL; archives that align their data put more of them behind it. */
static int take_name(struct cpio_entry *e, const char *name, u32 name_size)
{
	size_t len = strnlen(name, name_size);

	if (len == 0 || len == name_size || memchr_inv(name + len, 0, name_size - len))
		return -EINVAL;
	e->name = name;
	e->name_len = len;
	return 0;
}

static bool is_trailer(const struct cpio_entry *e)
{
	return e->name_len == sizeof(TRAILER) - 1 && !memcmp(e->name, TRAILER, sizeof(TRAILER) - 1);
}

static u32 byte_sum(u32 sum, const u8 *p, size_t n)
{
	for (; n; n--)
		sum += *p++;
	return sum;
}

/* ---- iterator ---- */

void cpio_iter_init(struct cpio_iter *it, const void *buf, size_t len)
{
	it->buf = buf;
	it->len = len;
	it->pos = 0;
}

int cpio_next(struct cpio_iter *it, struct cpio_entry *e)
{
	const u8 *p = it->buf + it->pos;
	u64 left = it->len - it->pos, data_at;
	u32 name_size;
	int rc;

	if (!left)
		return 0;
	if (left < CPIO_HEADER_LEN)
		return -EINVAL;
	rc = parse_header((const char *)p, e, &name_size);
	if (rc)
		return rc;
	if (name_size > left - CPIO_HEADER_LEN)
		return -EINVAL;
	rc = take_name(e, (const char *)p + CPIO_HEADER_LEN, name_size);
	if (rc)
		return rc;
	data_at = (u64)CPIO_HEADER_LEN + name_size;
	data_at += pad4(data_at);
	/* the padding of the very last entry may be missing */
	if (is_trailer(e)) {
		it->pos += (size_t)min(data_at, left);
		return 0;
	}
	if (data_at > left || e->size > left - data_at)
		return -EINVAL;
	e->data = p + data_at;
	if (e->has_check && byte_sum(0, e->data, e->size) != e->check)
		return -EBADMSG;
	it->pos += (size_t)min(data_at + e->size + pad4(e->size), left);
	return 1;
}

/* ---- stream ---- */

void cpio_stream_init(struct cpio_stream *s, const struct cpio_ops *ops, void *ctx)
{
	s->ops = ops;
	s->ctx = ctx;
	s->state = BETWEEN;
	s->error = 0;
	s->have = 0;
	s->left = 0;
	s->pad = 0;
	s->sum = 0;
	s->archives = 0;
}

static void expect_header(struct cpio_stream *s, enum state state)
{
	s->state = state;
	s->have = 0;
}

static int entry_done(struct cpio_stream *s)
{
	if (s->e.has_check && s->sum != s->e.check)
		return -EBADMSG;
	s->pad = pad4(s->e.size);
	s->state = DATA_PAD;
	return s->ops->end_entry(s->ctx);
}

static int archive_done(struct cpio_stream *s)
{
	s->archives++;
	expect_header(s, BETWEEN);
	return s->ops->trailer ? s->ops->trailer(s->ctx) : 0;
}

static int header_done(struct cpio_stream *s)
{
	int rc = parse_header(s->header, &s->e, &s->name_size);

	s->have = 0;
	s->state = NAME;
	return rc;
}

static int name_done(struct cpio_stream *s)
{
	int rc = take_name(&s->e, s->name, s->name_size);

	if (rc)
		return rc;
	s->pad = pad4(CPIO_HEADER_LEN + s->name_size);
	s->state = NAME_PAD;
	if (is_trailer(&s->e))
		return 0;
	s->left = s->e.size;
	s->sum = 0;
	return s->ops->begin_entry(s->ctx, &s->e);
}

static int name_pad_done(struct cpio_stream *s)
{
	if (is_trailer(&s->e))
		return archive_done(s);
	s->state = DATA;
	return s->left ? 0 : entry_done(s);
}

/* Collect up to want bytes into to; returns how many of the n it took. */
static size_t collect(struct cpio_stream *s, char *to, u32 want, const u8 *p, size_t n)
{
	n = min(n, (size_t)(want - s->have));
	memcpy(to + s->have, p, n);
	s->have += (u32)n;
	return n;
}

static size_t feed_padding(struct cpio_stream *s, size_t n)
{
	n = min(n, (size_t)s->pad);
	s->pad -= (u32)n;
	return n;
}

static int feed_data(struct cpio_stream *s, const u8 *p, size_t n, size_t *used)
{
	int rc;

	n = min(n, (size_t)s->left);
	*used = n;
	if (s->e.has_check)
		s->sum = byte_sum(s->sum, p, n);
	rc = s->ops->data(s->ctx, p, n);
	s->left -= (u32)n;
	if (!rc && !s->left)
		rc = entry_done(s);
	return rc;
}

/* One state's worth of input; *used may be 0 when only the state changed. */
static int feed_some(struct cpio_stream *s, const u8 *p, size_t n, size_t *used)
{
	*used = 0;
	switch ((enum state)s->state) {
	case BETWEEN:
		while (*used < n && !p[*used])
			++*used;
		if (*used < n)
			expect_header(s, HEADER);
		return 0;
	case HEADER:
		*used = collect(s, s->header, CPIO_HEADER_LEN, p, n);
		return s->have == CPIO_HEADER_LEN ? header_done(s) : 0;
	case NAME:
		*used = collect(s, s->name, s->name_size, p, n);
		return s->have == s->name_size ? name_done(s) : 0;
	case NAME_PAD:
		*used = feed_padding(s, n);
		return s->pad ? 0 : name_pad_done(s);
	case DATA:
		return feed_data(s, p, n, used);
	case DATA_PAD:
		*used = feed_padding(s, n);
		if (!s->pad)
			expect_header(s, HEADER);
		return 0;
	}
	return -EINVAL;
}

/* Padding of no bytes is over at once: an entry ends with its last byte, not with the next input.
 */
static bool can_settle(const struct cpio_stream *s)
{
	return (s->state == NAME_PAD || s->state == DATA_PAD) && !s->pad;
}

int cpio_stream_feed(struct cpio_stream *s, const void *data, size_t n)
{
	const u8 *p = data;
	size_t used;

	while ((n || can_settle(s)) && !s->error) {
		s->error = feed_some(s, p, n, &used);
		p += used;
		n -= used;
	}
	return s->error;
}

bool cpio_stream_idle(const struct cpio_stream *s)
{
	return s->state == BETWEEN;
}

int cpio_stream_finish(struct cpio_stream *s)
{
	bool at_entry = s->state == DATA_PAD || (s->state == HEADER && !s->have);

	/* the padding behind the last trailer may be missing, and so may the trailer itself */
	if (!s->error && s->state == NAME_PAD && is_trailer(&s->e))
		s->error = archive_done(s);
	else if (!s->error && s->state != BETWEEN && !at_entry)
		s->error = -EINVAL;
	return s->error;
}
