/* SPDX-License-Identifier: MIT */
/* syslog(2), and the sysctls of the log. */
#include "log_internal.h"

#include <fs/procfs.h>
#include <kernel/kstrto.h>
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>
#include <uapi/syslog.h>

#define MINIMUM_LEVEL 1
#define DEFAULT_LEVEL 7

/* As Debian's kernel: only the administrator reads the log. */
s64 log_restrict = 1;
SYSCTL(dmesg_restrict, "kernel/dmesg_restrict", 0644, &log_restrict, 0, 1);

static DEFINE_MUTEX(read_lock, LOCK_PIPE); /* held while copying to user memory */
/* What SYSLOG_ACTION_READ has not returned yet: a place, and bytes taken of the record there. */
static struct log_cursor read_cur; /* read_lock */
static size_t read_partial;	   /* read_lock */
static int saved_level = -1;	   /* of CONSOLE_OFF; racing callers may lose one another's */

int log_permitted(int action)
{
	if (!log_restrict && (action == SYSLOG_ACTION_READ_ALL ||
			      action == SYSLOG_ACTION_SIZE_BUFFER))
		return 0;
	if (capable(CAP_SYSLOG) || capable(CAP_SYS_ADMIN))
		return 0;
	return -EPERM;
}

struct scratch {
	struct log_record rec;
	char text[LOG_LINE_MAX];
	char out[2 * LOG_LINE_MAX + 64 * LOG_PREFIX_MAX];
};

/* Blocks for the first record, then takes what fits: bytes or -errno. */
static long read_new(struct user_ptr buf, size_t len, struct scratch *s)
{
	size_t done = 0;
	int rc;

	mutex_lock(&read_lock);
	while (!log_pending(&read_cur, NULL)) {
		/* Another reader may take what comes: looked at again with the lock. */
		mutex_unlock(&read_lock);
		log_wait_begin();
		rc = wait_event_interruptible(&log_wait, log_pending(&read_cur, NULL));
		if (rc)
			return rc;
		mutex_lock(&read_lock);
	}
	while (done < len) {
		struct log_cursor next = read_cur;
		size_t n, skip;

		if (!log_next(&next, &s->rec))
			break;
		n = min(log_format(&s->rec, true, s->out, sizeof(s->out)), sizeof(s->out) - 1);
		if (next.seq != read_cur.seq + 1) {
			/* Its place was overwritten: it goes on with the oldest, from the start.
			 * The offset of a place that is not newer than the oldest does not
			 * count. */
			read_cur.seq = next.seq - 1;
			read_partial = 0;
		}
		skip = min(read_partial, n);
		n = min(n - skip, len - done);
		if (copy_to_user(user_ptr_add(buf, done), s->out + skip, n)) {
			mutex_unlock(&read_lock);
			return done ? (long)done : -EFAULT;
		}
		done += n;
		if (skip + n < min(log_format(&s->rec, true, NULL, 0), sizeof(s->out) - 1)) {
			read_partial = skip + n;
			break;
		}
		read_partial = 0;
		read_cur = next;
	}
	mutex_unlock(&read_lock);
	return done;
}

/* The newest records that fit into len bytes, since the last clear. */
static long read_all(struct user_ptr buf, size_t len, bool clear, struct scratch *s)
{
	struct log_cursor c, end;
	size_t total = 0, done = 0;

	log_cleared(&c);
	log_end(&end);
	while (c.seq < end.seq && log_next(&c, &s->rec))
		total += log_format(&s->rec, true, NULL, 0);
	log_cleared(&c);
	while (total > len && c.seq < end.seq && log_next(&c, &s->rec))
		total -= min(total, log_format(&s->rec, true, NULL, 0));
	while (c.seq < end.seq && log_next(&c, &s->rec)) {
		size_t n = min(log_format(&s->rec, true, s->out, sizeof(s->out)),
			       sizeof(s->out) - 1);

		if (n > len - done)
			break;
		if (copy_to_user(user_ptr_add(buf, done), s->out, n))
			return -EFAULT;
		done += n;
	}
	if (clear)
		log_clear();
	return done;
}

static long unread_size(struct scratch *s)
{
	struct log_cursor c;
	size_t total = 0, partial;

	mutex_lock(&read_lock);
	c = read_cur;
	partial = read_partial;
	mutex_unlock(&read_lock);
	while (log_next(&c, &s->rec))
		total += log_format(&s->rec, true, NULL, 0);
	return total - min(partial, total);
}

static long set_level(int level)
{
	if (level < 1 || level > 8)
		return -EINVAL;
	log_console_level_set(max(level, MINIMUM_LEVEL));
	saved_level = -1;
	return 0;
}

static long do_read(int action, struct user_ptr buf, int len)
{
	struct scratch *s;
	long rc;

	if (action != SYSLOG_ACTION_SIZE_UNREAD) {
		if (user_ptr_is_null(buf) || len < 0)
			return -EINVAL;
		if (!len)
			return 0;
		if (!user_range_ok(buf, len))
			return -EFAULT;
	}
	s = kmalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	if (action == SYSLOG_ACTION_SIZE_UNREAD)
		rc = unread_size(s);
	else if (action == SYSLOG_ACTION_READ)
		rc = read_new(buf, len, s);
	else
		rc = read_all(buf, len, action == SYSLOG_ACTION_READ_CLEAR, s);
	kfree(s);
	return rc;
}

SYSCALL(syslog, int, action, struct user_ptr, buf, int, len)
{
	long rc = log_permitted(action);

	if (rc)
		return rc;
	switch (action) {
	case SYSLOG_ACTION_CLOSE:
	case SYSLOG_ACTION_OPEN:
		return 0;
	case SYSLOG_ACTION_READ:
	case SYSLOG_ACTION_READ_ALL:
	case SYSLOG_ACTION_READ_CLEAR:
	case SYSLOG_ACTION_SIZE_UNREAD:
		return do_read(action, buf, len);
	case SYSLOG_ACTION_CLEAR:
		log_clear();
		return 0;
	case SYSLOG_ACTION_CONSOLE_OFF:
		if (saved_level < 0)
			saved_level = log_console_level();
		log_console_level_set(MINIMUM_LEVEL);
		return 0;
	case SYSLOG_ACTION_CONSOLE_ON:
		if (saved_level >= 0)
			log_console_level_set(saved_level);
		saved_level = -1;
		return 0;
	case SYSLOG_ACTION_CONSOLE_LEVEL:
		return set_level(len);
	case SYSLOG_ACTION_SIZE_BUFFER:
		return LOG_RING_SIZE;
	default:
		return -EINVAL;
	}
}

/* kernel.printk: console level, default level of messages, lowest and boot-time console level. */
static s64 message_level = 4;

static int printk_show(struct strbuf *sb)
{
	sb_printf(sb, "%d\t%d\t%d\t%d\n", log_console_level(), (int)message_level, MINIMUM_LEVEL,
		  DEFAULT_LEVEL);
	return 0;
}

static int printk_store(const char *text, size_t n)
{
	const char *end;
	u64 level = parse_u64(text, &end, 10);

	if (end == text || level > 15)
		return -EINVAL;
	log_console_level_set((int)level);
	while (*end == ' ' || *end == '\t')
		end++;
	if (*end >= '0' && *end <= '7')
		message_level = *end - '0';
	return 0;
}
PROC_FILE_RW(printk, "sys/kernel/printk", 0644, printk_show, printk_store);
