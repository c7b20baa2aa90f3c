/* SPDX-License-Identifier: MIT */
/* Memory devices: /dev/null, zero, full, and the node of the kernel log. There is no /dev/mem and
 * no /dev/port: no program may reach the machine past the kernel. */
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/sched.h>

#define MEM_MAJOR 1
#define ZERO_CHUNK 65536ul

static ssize_t null_read(struct file *f, struct uio *u, loff_t *pos)
{
	return 0;
}

static ssize_t null_write(struct file *f, struct uio *u, loff_t *pos)
{
	size_t n = u->count;

	uio_skip(u, n);
	return (ssize_t)n;
}

/* Seeking succeeds and does nothing. */
static loff_t null_llseek(struct file *f, loff_t off, int whence)
{
	return f->pos = 0;
}

static ssize_t zero_read(struct file *f, struct uio *u, loff_t *pos)
{
	size_t done = 0;

	while (u->count) {
		size_t n = min(u->count, ZERO_CHUNK), k = uio_zero(u, n);

		done += k;
		if (k < n)
			return done ? (ssize_t)done : -EFAULT;
		if (u->count) {
			if (signal_pending())
				return (ssize_t)done;
			cond_resched();
		}
	}
	return (ssize_t)done;
}

static ssize_t full_write(struct file *f, struct uio *u, loff_t *pos)
{
	return -ENOSPC;
}

/* Private mappings read the zero page; a write gets a copy, like any private mapping. */
static int zero_fault(struct vm_fault *f)
{
	page_get(zero_page);
	f->page = zero_page;
	return 0;
}
static const struct vm_ops zero_vm_ops = { .fault = zero_fault };

static int zero_mmap(struct file *f, struct vma *v)
{
	struct file *shm;
	int rc;

	if (!(v->flags & VM_SHARED)) {
		v->ops = &zero_vm_ops;
		return 0;
	}
	/* Shared: an object of its own, inherited by children. */
	rc = shmem_file_create("dev/zero", v->end - v->start, &shm);
	if (rc)
		return rc;
	v->pgoff = 0;
	rc = shm->ops->mmap(shm, v);
	if (rc) {
		file_put(shm);
		return rc;
	}
	file_put(v->file);
	v->file = shm;
	return 0;
}

/* Nothing to splice from, as on Linux. */
static ssize_t mem_splice_read(struct file *in, loff_t *pos, struct pipe *p, size_t len,
			       unsigned int flags)
{
	return -EINVAL;
}

static const struct file_ops null_fops = {
	.splice_read = mem_splice_read,
	.read = null_read,
	.write = null_write,
	.llseek = null_llseek,
};
static const struct file_ops zero_fops = {
	.splice_read = mem_splice_read,
	.read = zero_read,
	.write = null_write,
	.llseek = null_llseek,
	.mmap = zero_mmap,
};
static const struct file_ops full_fops = {
	.splice_read = mem_splice_read,
	.read = zero_read,
	.write = full_write,
	.llseek = null_llseek,
};

static struct cdev null_cdev = { .dev = MKDEV(MEM_MAJOR, 3), .count = 1, .ops = &null_fops,
				 .name = "mem" };
static struct cdev zero_cdev = { .dev = MKDEV(MEM_MAJOR, 5), .count = 1, .ops = &zero_fops,
				 .name = "mem" };
static struct cdev full_cdev = { .dev = MKDEV(MEM_MAJOR, 7), .count = 1, .ops = &full_fops,
				 .name = "mem" };
static struct cdev kmsg_cdev = { .dev = MKDEV(MEM_MAJOR, 11), .count = 1, .name = "mem" };

static int add(struct cdev *c, const char *name, mode_t mode)
{
	int rc = cdev_register(c);

	return rc ? rc : devfs_create(name, S_IFCHR | mode, c->dev);
}

static int mem_init(void)
{
	int rc;

	kmsg_cdev.ops = kmsg_file_ops();
	rc = add(&null_cdev, "null", 0666);
	if (!rc)
		rc = add(&zero_cdev, "zero", 0666);
	if (!rc)
		rc = add(&full_cdev, "full", 0666);
	if (!rc)
		rc = add(&kmsg_cdev, "kmsg", 0644);
	return rc;
}
INIT_HOOK(INIT_DRIVER, mem_init);
