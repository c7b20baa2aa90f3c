/* SPDX-License-Identifier: MIT */
/* NVMe controllers: bringing them up, admin commands, queues, completions, resets.
 * Source: NVM Express 1.4: 3.1 (registers), 4 (queues), 5 (admin commands), 7.6 (initialisation).
 *
 * A controller has an admin queue and one I/O queue for each CPU, as far as it and its interrupt
 * vectors go round; namespaces (nvme_ns.c) share the I/O queues. A submission queue has room for
 * everything its namespaces can have in flight, so it is never full.
 * Locking:  n->lock (sleeping) for admin commands, one at a time, and resets. A queue's lock
 *           (LOCK_DRIVER_INNER) is taken under a disk queue's lock or alone; requests are ended
 *           after it was dropped.
 * Trust:    a completion counts only for a command that is in flight in that queue. */
#include "nvme.h"

#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/time.h>

#define CLASS_NVME 0x010802
#define ADMIN_LIMIT (10 * NSEC_PER_SEC)
#define SHUTDOWN_LIMIT (5 * NSEC_PER_SEC)
#define LIST_SECTORS 2560 /* of one command: a list of one page describes more */

static unsigned int nr_controllers; /* probes run one after the other */

static u32 reg32(const struct nvme *n, unsigned int off)
{
	return *(volatile u32 *)(n->regs + off);
}
static u64 reg64(const struct nvme *n, unsigned int off)
{
	return reg32(n, off) | (u64)reg32(n, off + 4) << 32;
}
static void set_reg32(const struct nvme *n, unsigned int off, u32 v)
{
	*(volatile u32 *)(n->regs + off) = v;
}
static void set_reg64(const struct nvme *n, unsigned int off, u64 v)
{
	set_reg32(n, off, (u32)v);
	set_reg32(n, off + 4, (u32)(v >> 32));
}

/* --- queues --- */

static unsigned int order_of(size_t bytes)
{
	unsigned int order = 0;

	while (PAGE_SIZE << order < bytes)
		order++;
	return order;
}

static void queue_reset(struct nvme_queue *q)
{
	memset((void *)q->cq, 0, PAGE_SIZE << q->cq_order);
	q->tail = q->told = q->head = 0;
	q->phase = 1;
}

static int queue_alloc(struct nvme *n, struct nvme_queue *q, u16 id, u16 depth)
{
	/* Doorbells: submission, then completion, stride bytes apart (3.1.16). */
	u64 stride = 4ull << (n->cap >> 32 & 15);

	q->nvme = n;
	q->id = id;
	q->depth = depth;
	spin_lock_init(&q->lock, LOCK_DRIVER_INNER);
	q->sq_order = order_of(depth * sizeof(struct nvme_cmd));
	q->cq_order = order_of(depth * sizeof(struct nvme_cqe));
	q->sq = pages_alloc(q->sq_order, GFP_KERNEL | GFP_ZERO);
	q->cq = pages_alloc(q->cq_order, GFP_KERNEL | GFP_ZERO);
	q->sq_doorbell = (volatile u32 *)(n->regs + NVME_DOORBELLS + 2 * id * stride);
	q->cq_doorbell = (volatile u32 *)(n->regs + NVME_DOORBELLS + (2 * id + 1) * stride);
	q->stopped = true;
	scnprintf(q->name, sizeof(q->name), "%sq%u", n->name, id);
	return q->sq && q->cq ? 0 : -ENOMEM;
}

static void queue_free(struct nvme_queue *q)
{
	if (q->sq)
		pages_free(q->sq, q->sq_order);
	if (q->cq)
		pages_free((void *)q->cq, q->cq_order);
	q->sq = NULL;
	q->cq = NULL;
}

static void set_stopped(struct nvme_queue *q, bool stopped)
{
	irqflags_t f = spin_lock_irqsave(&q->lock);

	q->stopped = stopped;
	spin_unlock_irqrestore(&q->lock, f);
}

static void admin_complete(struct nvme *n, u16 cid, u16 status, u32 result)
{
	if (cid != n->admin_cid || n->admin_done)
		return;
	n->admin_status = status;
	n->admin_result = result;
	WRITE_ONCE(n->admin_done, true);
	wake_up_all(&n->admin_wait);
}

bool nvme_poll(struct nvme_queue *q)
{
	struct request *done = NULL, **end = &done, *rq;
	bool any = false;
	irqflags_t f = spin_lock_irqsave(&q->lock);

	for (;;) {
		volatile struct nvme_cqe *e = &q->cq[q->head];
		u16 status = e->status;

		if ((status & 1) != q->phase)
			break;
		smp_rmb(); /* the entry after its phase */
		if (++q->head == q->depth) {
			q->head = 0;
			q->phase ^= 1;
		}
		any = true;
		if (q->id == 0) {
			admin_complete(q->nvme, e->cid, status >> 1, e->result);
			continue;
		}
		rq = nvme_ns_take(q, e->cid, status >> 1);
		if (likely(rq)) {
			q->completed++;
			rq->next = NULL;
			*end = rq;
			end = &rq->next;
		}
	}
	if (any && !q->stopped)
		*q->cq_doorbell = q->head;
	spin_unlock_irqrestore(&q->lock, f);
	while (done) {
		rq = done;
		done = rq->next;
		nvme_ns_end(rq);
	}
	return any;
}

static bool queue_interrupt(void *arg)
{
	return nvme_poll(arg);
}

static bool all_interrupt(void *arg)
{
	struct nvme *n = arg;
	struct nvme_queue *io = smp_load_acquire(&n->io);
	bool any = nvme_poll(&n->admin);

	for (unsigned int i = 0; io && i < n->nr_io; i++)
		any |= nvme_poll(&io[i]);
	return any;
}

/* --- admin commands --- */

int nvme_admin(struct nvme *n, struct nvme_cmd *cmd, u32 *result)
{
	struct nvme_queue *q = &n->admin;
	irqflags_t f = spin_lock_irqsave(&q->lock);
	int rc;

	if (q->stopped) {
		spin_unlock_irqrestore(&q->lock, f);
		return -EIO;
	}
	cmd->cid = ++n->admin_cid;
	n->admin_done = false;
	q->sq[q->tail] = *cmd;
	q->tail = q->tail + 1 == q->depth ? 0 : q->tail + 1;
	barrier();
	*q->sq_doorbell = q->tail;
	spin_unlock_irqrestore(&q->lock, f);
	rc = wait_event_timeout(&n->admin_wait, READ_ONCE(n->admin_done),
				ktime_get() + ADMIN_LIMIT);
	if (rc && nvme_poll(q))
		rc = READ_ONCE(n->admin_done) ? 0 : rc; /* only its interrupt was missing */
	if (rc) {
		log_err(n->name, "no answer to admin command %u", cmd->opcode);
		return -ETIMEDOUT;
	}
	if (n->admin_status & 0x7ff)
		return -EIO;
	if (result)
		*result = n->admin_result;
	return 0;
}

int nvme_identify(struct nvme *n, u32 what, u32 nsid, void *page)
{
	struct nvme_cmd c = { .opcode = ADMIN_IDENTIFY, .nsid = nsid,
			      .prp1 = virt_to_phys(page).v, .cdw10 = what };

	return nvme_admin(n, &c, NULL);
}

/* The completion queue first; vector: of its interrupt. */
static int create_io_queue(struct nvme *n, struct nvme_queue *q, unsigned int vector)
{
	struct nvme_cmd cq = { .opcode = ADMIN_CREATE_CQ,
			       .prp1 = virt_to_phys((const void *)q->cq).v,
			       .cdw10 = (u32)(q->depth - 1) << 16 | q->id,
			       .cdw11 = vector << 16 | 3 /* interrupts, contiguous */ };
	struct nvme_cmd sq = { .opcode = ADMIN_CREATE_SQ, .prp1 = virt_to_phys(q->sq).v,
			       .cdw10 = (u32)(q->depth - 1) << 16 | q->id,
			       .cdw11 = (u32)q->id << 16 | 1 /* contiguous */ };
	int rc;

	queue_reset(q);
	rc = nvme_admin(n, &cq, NULL);
	if (rc == 0)
		rc = nvme_admin(n, &sq, NULL);
	if (rc == 0)
		set_stopped(q, false);
	return rc;
}

/* --- the controller --- */

static int wait_ready(struct nvme *n, bool on)
{
	u64 end = ktime_get() + ((n->cap >> 24 & 0xff) + 1) * 500 * NSEC_PER_MSEC;

	for (;;) {
		u32 csts = reg32(n, NVME_CSTS);

		if (csts == ~0u)
			return -ENODEV;
		if (!!(csts & CSTS_READY) == on)
			return 0;
		if ((on && (csts & CSTS_FATAL)) || ktime_get() > end)
			return -EIO;
		udelay(10);
	}
}

void nvme_stop(struct nvme *n)
{
	set_stopped(&n->admin, true);
	for (unsigned int i = 0; n->io && i < n->nr_io; i++)
		set_stopped(&n->io[i], true);
	if (!(reg32(n, NVME_CC) & CC_ENABLE))
		return;
	set_reg32(n, NVME_CC, reg32(n, NVME_CC) & ~CC_ENABLE);
	if (wait_ready(n, false)) {
		log_err(n->name, "the controller does not stop");
		pci_disable(n->pci); /* no more memory for it */
	}
}

/* Enables the controller with the admin queue. */
static int start_admin(struct nvme *n)
{
	struct nvme_queue *q = &n->admin;
	int rc;

	queue_reset(q);
	set_reg32(n, NVME_AQA, (u32)(q->depth - 1) << 16 | (u32)(q->depth - 1));
	set_reg64(n, NVME_ASQ, virt_to_phys(q->sq).v);
	set_reg64(n, NVME_ACQ, virt_to_phys((const void *)q->cq).v);
	set_reg32(n, NVME_CC, CC_IOSQES | CC_IOCQES | CC_ENABLE);
	rc = wait_ready(n, true);
	if (rc == 0)
		set_stopped(q, false);
	return rc;
}

/* Vectors of their own for all queues; else one for all of them. */
static bool vector_each(const struct nvme *n)
{
	return n->nr_vectors > 1;
}

static int start_io(struct nvme *n)
{
	struct nvme_cmd c = { .opcode = ADMIN_SET_FEATURES, .cdw10 = FEATURE_QUEUES,
			      .cdw11 = (n->nr_io - 1) << 16 | (n->nr_io - 1) };
	int rc = nvme_admin(n, &c, NULL);

	for (unsigned int i = 0; rc == 0 && i < n->nr_io; i++)
		rc = create_io_queue(n, &n->io[i], vector_each(n) ? i + 1 : 0);
	return rc;
}

int nvme_start(struct nvme *n)
{
	int rc = start_admin(n);

	return rc ? rc : start_io(n);
}

/* --- probing --- */

static void copy_text(char *to, const u8 *from, unsigned int n)
{
	memcpy(to, from, n);
	while (n && (to[n - 1] == ' ' || to[n - 1] == '\0'))
		n--;
	to[n] = '\0';
}

static int identify_controller(struct nvme *n, u8 *page)
{
	unsigned int mdts, vwc;
	u16 oncs;
	int rc = nvme_identify(n, IDENTIFY_CTRL, 0, page);

	if (rc)
		return rc;
	copy_text(n->serial, page + 4, 20);
	copy_text(n->model, page + 24, 40);
	mdts = page[77];
	vwc = page[525];
	memcpy(&oncs, page + 520, 2);
	n->max_sectors = LIST_SECTORS;
	if (mdts && mdts < 16)
		n->max_sectors = min(n->max_sectors, 8u << mdts);
	n->write_cache = vwc & 1;
	n->can_discard = oncs & 4;
	n->can_zero = oncs & 8;
	return 0;
}

/* Vectors for the admin queue and as many I/O queues as there may be. */
static int setup_irqs(struct nvme *n)
{
	int rc = pci_alloc_vectors(n->pci, cpu_online_count + 1);

	if (rc < 0)
		return rc;
	n->nr_vectors = (unsigned int)rc;
	if (!vector_each(n))
		return pci_request_irq(n->pci, 0, -1, n->name, all_interrupt, n);
	return pci_request_irq(n->pci, 0, -1, n->admin.name, queue_interrupt, &n->admin);
}

/* How many I/O queues there can be: CPUs, vectors, doorbells, what the device says. */
static int count_queues(struct nvme *n)
{
	u64 stride = 4ull << (n->cap >> 32 & 15);
	unsigned int want = vector_each(n) ? n->nr_vectors - 1 : cpu_online_count;
	struct nvme_cmd c;
	u32 got;
	int rc;

	want = min_t(u64, want, (n->pci->bars[0].size - NVME_DOORBELLS) / (2 * stride) - 1);
	if (want == 0)
		return -EINVAL;
	c = (struct nvme_cmd){ .opcode = ADMIN_SET_FEATURES, .cdw10 = FEATURE_QUEUES,
			       .cdw11 = (want - 1) << 16 | (want - 1) };
	rc = nvme_admin(n, &c, &got);
	if (rc)
		return rc;
	got = min_t(u32, got & 0xffff, got >> 16) + 1;
	n->nr_io = min(want, got);
	return 0;
}

/* I/O queues with room for every request of nr_ns namespaces. */
static int make_io(struct nvme *n)
{
	unsigned int depth = n->nr_ns * NVME_IO_DEPTH + 1;
	unsigned int mqes = (unsigned int)(n->cap & 0xffff) + 1;
	struct nvme_queue *io = kzalloc(n->nr_io * sizeof(*io), GFP_KERNEL);
	int rc = 0;

	if (!io)
		return -ENOMEM;
	if (depth > mqes) {
		kfree(io);
		return -EINVAL;
	}
	for (unsigned int i = 0; rc == 0 && i < n->nr_io; i++)
		rc = queue_alloc(n, &io[i], (u16)(i + 1), (u16)depth);
	smp_store_release(&n->io, io);
	for (unsigned int i = 0; rc == 0 && vector_each(n) && i < n->nr_io; i++)
		rc = pci_request_irq(n->pci, i + 1, (int)i, io[i].name, queue_interrupt, &io[i]);
	return rc ? rc : start_io(n);
}

/* Namespaces in use: their numbers. */
static int list_namespaces(struct nvme *n, u8 *page, u32 *ids)
{
	unsigned int mqes = (unsigned int)(n->cap & 0xffff) + 1;
	unsigned int most = min((mqes - 1) / NVME_IO_DEPTH, (unsigned int)NVME_MAX_NS);
	int rc = nvme_identify(n, IDENTIFY_LIST, 0, page);

	if (rc == -EIO) { /* before 1.1: they are numbered from one */
		memset(page, 0, PAGE_SIZE);
		*(u32 *)page = 1;
	} else if (rc) {
		return rc;
	}
	for (n->nr_ns = 0; n->nr_ns < most; n->nr_ns++) {
		memcpy(&ids[n->nr_ns], page + 4ul * n->nr_ns, 4);
		if (ids[n->nr_ns] == 0)
			break;
	}
	return 0;
}

static int bring_up(struct nvme *n)
{
	u8 *page = pages_alloc(0, GFP_KERNEL);
	u32 ids[NVME_MAX_NS];
	int rc = page ? 0 : -ENOMEM;
	struct nvme_queue *io;

	mutex_lock(&n->lock);
	if (rc == 0)
		rc = start_admin(n);
	if (rc == 0)
		rc = count_queues(n);
	if (rc == 0)
		rc = identify_controller(n, page);
	if (rc == 0)
		rc = list_namespaces(n, page, ids);
	if (rc == 0 && n->nr_ns)
		rc = make_io(n);
	io = n->io;
	mutex_unlock(&n->lock);
	if (page)
		pages_free(page, 0);
	if (rc == 0 && io)
		log_info(n->name, "%s, %u queue%s, %u vector%s", n->model, n->nr_io,
			 n->nr_io > 1 ? "s" : "", n->nr_vectors, n->nr_vectors > 1 ? "s" : "");
	/* Partitions are read here: without the lock. */
	for (unsigned int i = 0; rc == 0 && io && i < n->nr_ns; i++)
		if (nvme_ns_add(n, ids[i], i))
			log_warn(n->name, "namespace %u cannot be used", ids[i]);
	return rc;
}

static void nvme_free(struct nvme *n)
{
	pci_free_irqs(n->pci);
	queue_free(&n->admin);
	for (unsigned int i = 0; n->io && i < n->nr_io; i++)
		queue_free(&n->io[i]);
	kfree(n->io);
	if (n->regs)
		pci_unmap((void *)n->regs, 0);
	pci_disable(n->pci);
	n->pci->private = NULL;
	kfree(n);
}

/* Registers and the memory of the admin queue. */
static int set_up(struct nvme *n)
{
	int rc;

	n->regs = pci_map_bar(n->pci, 0, 0, 0);
	if (!n->regs || n->pci->bars[0].size < NVME_DOORBELLS + 16)
		return -EINVAL;
	n->cap = reg64(n, NVME_CAP);
	if (n->cap == ~0ull || (n->cap >> 48 & 15) != 0 || (n->cap & 0xffff) < NVME_ADMIN_DEPTH)
		return -EINVAL; /* gone, or pages of 4 KiB are too small for it */
	rc = queue_alloc(n, &n->admin, 0, NVME_ADMIN_DEPTH);
	if (rc)
		return rc;
	nvme_stop(n); /* firmware may have used it */
	return 0;
}

static int nvme_probe(struct pci_dev *pci)
{
	struct nvme *n = kzalloc(sizeof(*n), GFP_KERNEL);
	char path[112];
	int rc;

	if (!n)
		return -ENOMEM;
	n->pci = pci;
	n->number = nr_controllers++;
	scnprintf(n->name, sizeof(n->name), "nvme%u", n->number);
	rc = pci_sysfs_path(pci, path, sizeof(path));
	scnprintf(n->sysfs_parent, sizeof(n->sysfs_parent), "%s/nvme/%s", path, n->name);
	mutex_init(&n->lock, LOCK_DRIVER);
	wait_queue_init(&n->admin_wait);
	pci->private = n;
	pci_enable(pci);
	if (rc == 0)
		rc = set_up(n);
	if (rc == 0)
		rc = setup_irqs(n);
	if (rc == 0)
		rc = bring_up(n);
	if (rc == 0)
		return 0;
	if (n->regs && n->admin.sq)
		nvme_stop(n);
	nvme_free(n);
	return rc;
}

/* Lets the device write its cache back; then it may lose its power. */
static void nvme_shutdown(struct pci_dev *pci)
{
	struct nvme *n = pci->private;
	u64 end = ktime_get() + SHUTDOWN_LIMIT;

	if (!n || n->dead)
		return;
	set_reg32(n, NVME_CC, (reg32(n, NVME_CC) & ~(3u << 14)) | CC_SHUTDOWN_NORMAL);
	while ((reg32(n, NVME_CSTS) & CSTS_SHUTDOWN_MASK) != CSTS_SHUTDOWN_DONE &&
	       ktime_get() < end)
		udelay(10);
	set_reg32(n, NVME_CC, reg32(n, NVME_CC) & ~CC_ENABLE);
}

static const struct pci_id nvme_ids[] = {
	{ .vendor = PCI_ANY, .device = PCI_ANY, .class = CLASS_NVME, .class_mask = 0xffffff },
	{ .vendor = 0 },
};
TABLE_ENTRY(pci_drivers, struct pci_driver, nvme) = {
	.name = "nvme",
	.ids = nvme_ids,
	.probe = nvme_probe,
	.shutdown = nvme_shutdown,
};
