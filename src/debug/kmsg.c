/* SPDX-License-Identifier: MIT */
/* /dev/kmsg: one record a read, "level,seq,usec,-;text\n" with everything unprintable as \xNN; a
 * write makes a record. Each open file has its own place. */
#include "log_internal.h"

#include <fs/poll.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <uapi/syslog.h>

#define KMSG_TEXT_MAX (4 * LOG_LINE_MAX + 64)
#define DEFAULT_LEVEL 4

struct kmsg_reader {
	struct mutex lock;
	struct log_cursor cur; /* lock */
	struct log_record rec; /* lock; text follows */
	char text[LOG_LINE_MAX];
	char out[KMSG_TEXT_MAX];
};

static int kmsg_open(struct inode *inode, struct file *f)
{
	struct kmsg_reader *r;
	int rc;

	if (!(f->mode & FMODE_READ))
		return 0;
	rc = log_permitted(SYSLOG_ACTION_READ_ALL);
	if (rc)
		return rc;
	r = kmalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock, LOCK_PIPE); /* held while copying to user memory */
	log_first(&r->cur);
	f->private = r;
	return 0;
}

static void kmsg_release(struct inode *inode, struct file *f)
{
	kfree(f->private);
}

static size_t kmsg_format(struct kmsg_reader *r)
{
	const struct log_record *rec = &r->rec;
	struct strbuf sb;

	sb_init(&sb, r->out, sizeof(r->out));
	sb_printf(&sb, "%u,%llu,%llu,-;", rec->facility << 3 | rec->level,
		  (unsigned long long)rec->seq, (unsigned long long)(rec->ts / NSEC_PER_USEC));
	for (unsigned int i = 0; i < rec->len; i++) {
		u8 c = rec->text[i];

		if (c < ' ' || c >= 127 || c == '\\')
			sb_printf(&sb, "\\x%02x", c);
		else
			sb_putc(&sb, c);
	}
	sb_putc(&sb, '\n');
	return sb.len;
}

static ssize_t kmsg_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct kmsg_reader *r = f->private;
	struct log_cursor next;
	bool lost;
	size_t n;
	int rc;

	if (!r)
		return -EBADF;
	rc = mutex_lock_interruptible(&r->lock);
	if (rc)
		return rc;
	while (!log_pending(&r->cur, &lost)) {
		rc = -EAGAIN;
		if (f->flags & O_NONBLOCK)
			goto out;
		log_wait_begin();
		rc = wait_event_interruptible(&log_wait, log_pending(&r->cur, NULL));
		if (rc)
			goto out;
	}
	if (lost) {
		/* Tell once that records are gone; the next read gets the oldest. */
		log_first(&r->cur);
		rc = -EPIPE;
		goto out;
	}
	next = r->cur;
	rc = -EAGAIN;
	if (!log_next(&next, &r->rec))
		goto out;
	n = kmsg_format(r);
	/* A record that does not fit is lost to this reader, as on Linux. */
	r->cur = next;
	rc = -EINVAL;
	if (n > u->count)
		goto out;
	rc = -EFAULT;
	if (uio_write_to(u, r->out, n) == n)
		rc = n;
out:
	mutex_unlock(&r->lock);
	return rc;
}

static ssize_t kmsg_write(struct file *f, struct uio *u, loff_t *pos)
{
	unsigned int level = DEFAULT_LEVEL, facility = 1;
	size_t n = u->count, len = n;
	char *buf, *text;

	if (n > LOG_LINE_MAX)
		return -EINVAL;
	buf = kmalloc(n + 1, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (uio_read_from(u, buf, n) != n) {
		kfree(buf);
		return -EFAULT;
	}
	buf[n] = '\0';
	text = buf;
	if (text[0] == '<') {
		const char *end;
		u64 v = parse_u64(text + 1, &end, 10);

		if (end != text + 1 && *end == '>') {
			level = v & 7;
			if (v >> 3 & 0xff)
				facility = v >> 3 & 0xff;
			len -= end + 1 - text;
			text = buf + (end + 1 - buf);
		}
	}
	if (len && text[len - 1] == '\n')
		len--;
	log_store(level, facility, text, len);
	kfree(buf);
	return n;
}

static loff_t kmsg_llseek(struct file *f, loff_t off, int whence)
{
	struct kmsg_reader *r = f->private;
	loff_t rc;

	if (!r)
		return -EBADF;
	if (off)
		return -ESPIPE;
	rc = mutex_lock_interruptible(&r->lock);
	if (rc)
		return rc;
	switch (whence) {
	case SEEK_SET:
		log_first(&r->cur);
		break;
	case SEEK_DATA:
		log_cleared(&r->cur);
		break;
	case SEEK_END:
		log_end(&r->cur);
		break;
	default:
		rc = -EINVAL;
	}
	mutex_unlock(&r->lock);
	return rc;
}

static unsigned int kmsg_poll(struct file *f, struct poll_table *pt)
{
	struct kmsg_reader *r = f->private;
	unsigned int bits = 0;
	bool lost;

	if (!r)
		return POLLERR | POLLNVAL;
	poll_wait(f, &log_wait, pt);
	log_wait_begin();
	/* Without the lock, which a reader holds while it sleeps: only the number is looked at. */
	if (log_pending(&r->cur, &lost)) {
		bits = POLLIN | POLLRDNORM;
		if (lost)
			bits |= POLLERR | POLLPRI;
	}
	return bits;
}

static const struct file_ops kmsg_fops = {
	.open = kmsg_open,
	.release = kmsg_release,
	.read = kmsg_read,
	.write = kmsg_write,
	.llseek = kmsg_llseek,
	.poll = kmsg_poll,
};

const struct file_ops *kmsg_file_ops(void)
{
	return &kmsg_fops;
}
