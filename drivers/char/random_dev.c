/* SPDX-License-Identifier: MIT */
/* /dev/random, /dev/urandom, getrandom(2), /proc/sys/kernel/random. */
#include "random_internal.h"

#include <fs/poll.h>
#include <fs/procfs.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/printf.h>
#include <kernel/proc.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/capability.h>
#include <uapi/random.h>

#define MEM_MAJOR 1
#define CHUNK 256
#define SIGNAL_CHECK 4096 /* bytes between looks at pending signals */

static ssize_t fill(struct uio *u)
{
	u8 buf[CHUNK];
	ssize_t done = 0;

	while (u->count) {
		size_t n = min_t(size_t, u->count, sizeof(buf)), copied;

		random_bytes(buf, n);
		copied = uio_write_to(u, buf, n);
		done += copied;
		if (copied < n) {
			done = done ? done : -EFAULT;
			break;
		}
		if (done % SIGNAL_CHECK == 0) {
			if (signal_pending())
				break;
			cond_resched();
		}
	}
	memzero_explicit(buf, sizeof(buf));
	return done;
}

static ssize_t random_read(struct file *f, struct uio *u, loff_t *pos)
{
	int rc;

	if (!random_ready()) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		rc = random_wait_ready();
		if (rc)
			return rc;
	}
	return fill(u);
}

static ssize_t urandom_read(struct file *f, struct uio *u, loff_t *pos)
{
	return fill(u);
}

static ssize_t random_write(struct file *f, struct uio *u, loff_t *pos)
{
	u8 buf[CHUNK];
	ssize_t done = 0;

	while (u->count) {
		size_t n = min_t(size_t, u->count, sizeof(buf)), got;

		got = uio_read_from(u, buf, n);
		random_add_bytes(buf, got, 0);
		done += got;
		if (got < n) {
			done = done ? done : -EFAULT;
			break;
		}
		if (done % SIGNAL_CHECK == 0) {
			if (signal_pending())
				break;
			cond_resched();
		}
	}
	memzero_explicit(buf, sizeof(buf));
	return done;
}

static unsigned int random_poll(struct file *f, struct poll_table *pt)
{
	poll_wait(f, &random_wait, pt);
	return random_ready() ? POLLIN | POLLRDNORM : POLLOUT | POLLWRNORM;
}

/* RNDADDENTROPY: int bits, int bytes, the bytes. */
static long add_entropy(struct user_ptr up)
{
	struct iovec one;
	struct uio u;
	u32 bits, size;
	ssize_t n;

	if (get_user_u32(&bits, up) || get_user_u32(&size, user_ptr_add(up, 4)))
		return -EFAULT;
	if ((s32)bits < 0 || (s32)size < 0)
		return -EINVAL;
	uio_init_user(&u, &one, user_ptr_add(up, 8), size);
	n = random_write(NULL, &u, NULL);
	if (n < 0)
		return n;
	if (n != (ssize_t)size)
		return -EFAULT;
	random_credit(min(bits, size * 8));
	return 0;
}

static long random_ioctl(struct file *f, unsigned int cmd, u64 arg)
{
	struct user_ptr up = USER_PTR(arg);
	u32 bits;

	if (cmd == RNDGETENTCNT)
		return put_user_u32(random_entropy(), up);
	switch (cmd) {
	case RNDADDTOENTCNT:
	case RNDADDENTROPY:
	case RNDZAPENTCNT:
	case RNDCLEARPOOL:
	case RNDRESEEDCRNG:
		break;
	default:
		return -EINVAL;
	}
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (cmd) {
	case RNDADDTOENTCNT:
		if (get_user_u32(&bits, up))
			return -EFAULT;
		if ((s32)bits < 0)
			return -EINVAL;
		random_credit(bits);
		return 0;
	case RNDADDENTROPY:
		return add_entropy(up);
	case RNDRESEEDCRNG:
		if (!random_ready())
			return -ENODATA;
		random_reseed();
		return 0;
	default: /* zapping and clearing: nothing sensible to do, as on Linux */
		return 0;
	}
}

SYSCALL(getrandom, struct user_ptr, buf, size_t, count, u32, flags)
{
	struct iovec one;
	struct uio u;
	int rc;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_INSECURE | GRND_RANDOM)) == (GRND_INSECURE | GRND_RANDOM))
		return -EINVAL;
	if (!random_ready() && !(flags & GRND_INSECURE)) {
		if (flags & GRND_NONBLOCK)
			return -EAGAIN;
		rc = random_wait_ready();
		if (rc)
			return rc;
	}
	count = min_t(size_t, count, MAX_RW_COUNT);
	if (!user_range_ok(buf, count))
		return -EFAULT;
	uio_init_user(&u, &one, buf, count);
	return fill(&u);
}

/* --- /proc --- */

static void print_uuid(struct strbuf *sb, const u8 id[16])
{
	for (unsigned int i = 0; i < 16; i++)
		sb_printf(sb, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
	sb_putc(sb, '\n');
}

static void make_uuid(u8 id[16])
{
	random_bytes(id, 16);
	id[6] = (id[6] & 0x0f) | 0x40; /* version 4: random */
	id[8] = (id[8] & 0x3f) | 0x80;
}

static int uuid_show(struct strbuf *sb)
{
	u8 id[16];

	make_uuid(id);
	print_uuid(sb, id);
	return 0;
}
PROC_FILE(random_uuid, "sys/kernel/random/uuid", 0444, uuid_show);

static int boot_id_show(struct strbuf *sb)
{
	static DEFINE_MUTEX(lock, LOCK_SLEEP_INNER);
	static u8 id[16];
	static bool made;

	mutex_lock(&lock);
	if (!made)
		make_uuid(id);
	made = true;
	mutex_unlock(&lock);
	print_uuid(sb, id);
	return 0;
}
PROC_FILE(random_boot_id, "sys/kernel/random/boot_id", 0444, boot_id_show);

static int entropy_show(struct strbuf *sb)
{
	sb_printf(sb, "%u\n", random_entropy());
	return 0;
}
PROC_FILE(random_entropy_avail, "sys/kernel/random/entropy_avail", 0444, entropy_show);

static int poolsize_show(struct strbuf *sb)
{
	sb_printf(sb, "%u\n", RANDOM_POOL_BITS);
	return 0;
}
PROC_FILE(random_poolsize, "sys/kernel/random/poolsize", 0444, poolsize_show);

/* Kept for programs that write them; they have no effect, as on Linux. */
static s64 write_wakeup_threshold = RANDOM_POOL_BITS, min_reseed_secs = 60;
SYSCTL(random_threshold, "kernel/random/write_wakeup_threshold", 0644, &write_wakeup_threshold, 0,
       RANDOM_POOL_BITS);
SYSCTL(random_min_reseed, "kernel/random/urandom_min_reseed_secs", 0644, &min_reseed_secs, 0,
       0x7fffffff);

/* --- nodes --- */

static const struct file_ops random_fops = {
	.read = random_read,
	.write = random_write,
	.poll = random_poll,
	.ioctl = random_ioctl,
	.llseek = generic_llseek,
};
static const struct file_ops urandom_fops = {
	.read = urandom_read,
	.write = random_write,
	.ioctl = random_ioctl,
	.llseek = generic_llseek,
};

static int random_dev_init(void)
{
	static struct cdev devs[] = {
		{ .dev = MKDEV(MEM_MAJOR, 8), .count = 1, .ops = &random_fops, .name = "mem" },
		{ .dev = MKDEV(MEM_MAJOR, 9), .count = 1, .ops = &urandom_fops, .name = "mem" },
	};
	static const char *const names[] = { "random", "urandom" };
	int rc = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(devs) && !rc; i++) {
		rc = cdev_register(&devs[i]);
		if (!rc)
			rc = devfs_create(names[i], S_IFCHR | 0666, devs[i].dev);
	}
	return rc;
}
INIT_HOOK(INIT_DRIVER, random_dev_init);
