/* SPDX-License-Identifier: MIT */
/* Loop devices: /dev/loopN shows a file as a disk; /dev/loop-control makes and finds them.
 *
 * Owns:     the list of loop devices (loops_lock) and, while a device is bound, one worker thread.
 * Way:      queue_rq puts requests on a list; the worker reads and writes the file through its own
 *           page cache, as any program would. A flush is fsync of the file, a discard a hole in it.
 * Locking:  l->ctl (LOCK_DISK_CTL) for the configuration; it comes before open_mutex, because
 *           binding changes the size and the partitions. The queue's lock for the list of requests.
 * Lifetime: a device lives until LOOP_CTL_REMOVE; the file is held from binding to clearing. The
 *           worker has gone before the file goes. */
#include "loop_internal.h"

#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>

#define LOOP_MAJOR 7
#define MISC_MAJOR 10
#define LOOP_CONTROL_MINOR 237
#define LOOP_NUMBER_MAX 0xfffff

static LIST_HEAD(loops); /* loops_lock: by number */
static DEFINE_MUTEX(loops_lock, LOCK_LOOP_LIST);
static u64 initial_count = 8;

static int count_param(const char *value)
{
	return kstrtou64(value, 0, &initial_count);
}
BOOT_PARAM("max_loop", count_param);

/* --- the worker --- */

/* Moves all bytes or says why not; a file that ends early reads as zeroes. */
static int transfer(struct loop *l, struct file *file, struct request *rq, loff_t pos)
{
	struct rq_segment seg;
	struct rq_iter it;
	struct uio u = { .iov = l->vecs, .kernel = true };
	ssize_t n;

	rq_iter_start(&it, rq);
	while (u.nr < LOOP_SEGS && rq_iter_next(&it, &seg)) {
		l->vecs[u.nr++] = (struct iovec){ (u64)phys_to_virt(seg.pa), seg.len };
		u.count += seg.len;
	}
	while (u.count) {
		if (rq->op == BIO_WRITE)
			n = file->ops->write(file, &u, &pos);
		else
			n = file->ops->read(file, &u, &pos);
		if (n < 0)
			return (int)n;
		if (n == 0 && rq->op == BIO_WRITE)
			return -EIO;
		if (n == 0)
			return uio_zero(&u, u.count) ? 0 : -EIO;
	}
	return 0;
}

static int make_hole(const struct loop *l, struct file *file, const struct request *rq, loff_t pos)
{
	bool keep = rq->op == BIO_WRITE_ZEROES && (rq->flags & BIO_NOUNMAP);
	int mode = FALLOC_FL_KEEP_SIZE | (keep ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE);
	long rc;

	if (!l->disk->limits.max_discard)
		return -EOPNOTSUPP;
	rc = file->ops->fallocate(file, mode, pos, (loff_t)(rq->nr_sectors << SECTOR_SHIFT));
	return !rc || rc == -EINVAL || rc == -EOPNOTSUPP ? (int)rc : -EIO;
}

static int serve(struct loop *l, struct request *rq)
{
	loff_t pos = (loff_t)((rq->sector << SECTOR_SHIFT) + l->info.lo_offset);
	struct file *file = READ_ONCE(l->file);
	int rc;

	switch (rq->op) {
	case BIO_FLUSH:
		rc = vfs_fsync(file, 0, INT64_MAX, false);
		return rc == -EINVAL ? 0 : rc;
	case BIO_DISCARD:
	case BIO_WRITE_ZEROES:
		return make_hole(l, file, rq, pos);
	default:
		rc = transfer(l, file, rq, pos);
		return rc == -ENOSPC || !rc ? rc : -EIO;
	}
}

static struct request *next_request(struct loop *l)
{
	struct disk_queue *q = &l->disk->queues[0];
	irqflags_t f = spin_lock_irqsave(&q->lock);
	struct loop_cmd *c = list_first_entry_or_null(&l->todo, struct loop_cmd, node);

	if (c)
		list_del(&c->node);
	spin_unlock_irqrestore(&q->lock, f);
	return c ? c->rq : NULL;
}

static int worker(void *arg)
{
	struct loop *l = arg;
	struct request *rq;

	for (;;) {
		while ((rq = next_request(l)) != NULL)
			request_end(rq, serve(l, rq));
		if (READ_ONCE(l->stop))
			break;
		wait_event(&l->wait, !list_empty(&l->todo) || READ_ONCE(l->stop));
	}
	complete(&l->stopped);
	return 0;
}

int loop_start_worker(struct loop *l)
{
	struct task *t;

	l->stop = false;
	completion_init(&l->stopped);
	return kthread_run(worker, l, &t, "loop%u", l->number);
}

void loop_stop_worker(struct loop *l)
{
	WRITE_ONCE(l->stop, true);
	wake_up_all(&l->wait);
	wait_for_completion(&l->stopped);
}

/* --- the disk --- */

static int loop_queue_rq(struct disk_queue *q, struct request *rq)
{
	struct loop *l = q->disk->private;
	struct loop_cmd *c = rq->private;

	if (READ_ONCE(l->state) != LOOP_BOUND)
		return -EIO;
	c->rq = rq;
	list_add_tail(&c->node, &l->todo);
	return 0;
}

static void loop_kick(struct disk_queue *q)
{
	struct loop *l = q->disk->private;

	wake_up_all(&l->wait);
}

static const struct disk_ops loop_ops = {
	.queue_rq = loop_queue_rq,
	.kick = loop_kick,
	.release = loop_autoclear,
	.ioctl = loop_ioctl,
	.rq_private = sizeof(struct loop_cmd),
};

static struct loop *find_number(unsigned int number)
{
	struct loop *l;

	list_for_each_entry(l, &loops, node) {
		if (l->number == number)
			return l;
	}
	return NULL;
}

/* loops_lock held. */
static int add_number(unsigned int number)
{
	struct loop *l = kzalloc(sizeof(*l), GFP_KERNEL), *o;
	struct disk *d = disk_alloc(&loop_ops, 1, LOOP_DEPTH);
	struct list_head *before = &loops;
	int rc = -ENOMEM;

	if (!l || !d)
		goto fail;
	l->number = number;
	l->disk = d;
	mutex_init(&l->ctl, LOCK_DISK_CTL);
	spin_lock_init(&l->spin, LOCK_LEAF);
	list_init(&l->todo);
	wait_queue_init(&l->wait);
	d->private = l;
	d->major = LOOP_MAJOR;
	d->first_minor = number;
	d->minors = 1;
	d->hidden_parts = true;
	d->limits.max_segs = LOOP_SEGS;
	scnprintf(d->name, sizeof(d->name), "loop%u", number);
	rc = disk_add(d);
	if (rc)
		goto fail;
	list_for_each_entry(o, &loops, node) {
		if (o->number > number) {
			before = &o->node;
			break;
		}
	}
	list_add_tail(&l->node, before);
	return 0;
fail:
	if (d)
		disk_free(d);
	kfree(l);
	return rc;
}

/* --- /dev/loop-control --- */

/* The new number or -errno. */
static long add_free(void)
{
	unsigned int n = 0;
	int rc;

	while (find_number(n))
		n++;
	rc = n > LOOP_NUMBER_MAX ? -ENOSPC : add_number(n);
	return rc ? rc : (long)n;
}

static long control_add(int number)
{
	int rc;

	if (number < 0)
		return add_free();
	if (number > LOOP_NUMBER_MAX)
		return -EINVAL;
	if (find_number((unsigned int)number))
		return -EEXIST;
	rc = add_number((unsigned int)number);
	return rc ? rc : number;
}

static long control_get_free(void)
{
	struct loop *l;

	list_for_each_entry(l, &loops, node) {
		if (READ_ONCE(l->state) == LOOP_UNBOUND)
			return l->number;
	}
	return add_free();
}

static long control_remove(int number)
{
	struct loop *l;

	if (number < 0)
		return -EINVAL;
	l = find_number((unsigned int)number);
	if (!l)
		return -ENODEV;
	mutex_lock(&l->ctl);
	if (l->state != LOOP_UNBOUND || disk_close_door(l->disk)) {
		mutex_unlock(&l->ctl);
		return -EBUSY;
	}
	mutex_unlock(&l->ctl);
	list_del(&l->node);
	disk_remove(l->disk);
	kfree(l);
	return 0;
}

static long control_ioctl(struct file *f __maybe_unused, unsigned int cmd, u64 arg)
{
	long rc = -ENOSYS;

	mutex_lock(&loops_lock);
	switch (cmd) {
	case LOOP_CTL_ADD:
		rc = control_add((int)arg);
		break;
	case LOOP_CTL_REMOVE:
		rc = control_remove((int)arg);
		break;
	case LOOP_CTL_GET_FREE:
		rc = control_get_free();
		break;
	default:
		break;
	}
	mutex_unlock(&loops_lock);
	return rc;
}

static const struct file_ops control_fops = { .ioctl = control_ioctl, .llseek = noop_llseek };
static struct cdev control_cdev = { .dev = MKDEV(MISC_MAJOR, LOOP_CONTROL_MINOR), .count = 1,
				    .ops = &control_fops, .name = "misc" };

static int loop_init(void)
{
	int rc = blkdev_major_register(LOOP_MAJOR, "loop");

	if (!rc)
		rc = cdev_register(&control_cdev);
	if (!rc)
		rc = devfs_create("loop-control", S_IFCHR | 0660, control_cdev.dev);
	mutex_lock(&loops_lock);
	for (u64 n = 0; n < initial_count && !rc; n++)
		rc = add_number((unsigned int)n);
	mutex_unlock(&loops_lock);
	return rc;
}
INIT_HOOK(INIT_DRIVER, loop_init);
