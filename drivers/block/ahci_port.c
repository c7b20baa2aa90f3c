/* SPDX-License-Identifier: MIT */
/* A port with a disk: requests to commands, completions, errors and time-outs.
 *
 * A request's tag is its slot. With NCQ all slots are used; commands that cannot be queued (flush,
 * TRIM) wait until the port is empty and have it for themselves, and so does everything where there
 * is no NCQ.
 * Errors: without NCQ the only command is the one that failed. With NCQ the device has dropped all
 * of them and only a log that not every device has says which was bad: the port is reset and what
 * was in flight is done again one by one, so that the bad one fails alone.
 * Time-outs: look, reset, put everything back; a request that is late AHCI_TRIES times fails, a
 * disk that completes nothing between AHCI_TRIES resets is given up.
 * Locking: the disk queue's lock for the slots; recovery, in task context, one at a time under
 * p->mutex, with the port stopped for everybody else. */
#include "ahci.h"
#include "names.h"

#include <kernel/errno.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define MAJOR_SD 8
#define SD_OF_MAJOR 16 /* disks that major 8 has numbers for */
#define SINGLES 64     /* commands without NCQ after an error with it */
#define TRIM_RANGE 65535ull

static unsigned int nr_disks; /* probes run one after the other */
static bool have_major;

static struct disk_queue *queue_of(const struct ahci_port *p)
{
	return &p->disk->queues[0];
}

/* --- requests to commands --- */

static unsigned int map_data(struct ahci_table *t, struct request *rq)
{
	struct rq_segment seg;
	struct rq_iter it;
	unsigned int n = 0;

	rq_iter_start(&it, rq);
	while (n < AHCI_SEGS && rq_iter_next(&it, &seg))
		t->segs[n++] = (struct ahci_seg){ .addr = (u32)seg.pa.v,
						  .addr_high = (u32)(seg.pa.v >> 32),
						  .last_byte = seg.len - 1 };
	return n;
}

static void make_rw(struct ahci_port *p, struct ahci_table *t, struct request *rq, bool queued)
{
	bool write = rq->op == BIO_WRITE, fua = write && (rq->flags & BIO_FUA);
	u64 lba = rq->sector >> p->lba_shift;
	u16 count = (u16)(rq->nr_sectors >> p->lba_shift);
	u8 command;

	if (queued) {
		ahci_fis(t, write ? ATA_WRITE_NCQ : ATA_READ_NCQ, count, lba,
			 (u16)(rq->tag << 3), fua ? 0xc0 : 0x40);
	} else {
		command = !write ? ATA_READ_EXT : fua ? ATA_WRITE_FUA_EXT : ATA_WRITE_EXT;
		ahci_fis(t, command, 0, lba, count, 0x40);
	}
	ahci_header(p, rq->tag, map_data(t, rq), write);
}

static void make_trim(struct ahci_port *p, struct ahci_table *t, const struct request *rq)
{
	u64 lba = rq->sector >> p->lba_shift, left = rq->nr_sectors >> p->lba_shift;
	u64 pa = virt_to_phys(t->trim).v;

	for (unsigned int i = 0; i < ARRAY_SIZE(t->trim); i++) {
		u64 n = min(left, TRIM_RANGE);

		t->trim[i] = n ? n << 48 | lba : 0;
		lba += n;
		left -= n;
	}
	ahci_fis(t, ATA_DSM, 1 /* trim */, 0, 1 /* block of ranges */, 0x40);
	t->segs[0] = (struct ahci_seg){ .addr = (u32)pa, .addr_high = (u32)(pa >> 32),
					.last_byte = 511 };
	ahci_header(p, rq->tag, 1, true);
}

static int ahci_queue_rq(struct disk_queue *q, struct request *rq)
{
	struct ahci_port *p = q->disk->private;
	struct ahci_table *t = &p->tables[rq->tag];
	bool queued = p->ncq && !p->single && rq->op <= BIO_WRITE;
	u32 bit = 1u << rq->tag;

	if (unlikely(p->stopped))
		return -EBUSY;
	/* Queued and unqueued commands must not meet. */
	if (queued ? (p->inflight & ~p->queued) != 0 : p->inflight != 0)
		return -EBUSY;
	if (likely(rq->op <= BIO_WRITE)) {
		make_rw(p, t, rq, queued);
	} else if (rq->op == BIO_FLUSH) {
		ahci_fis(t, ATA_FLUSH_EXT, 0, 0, 0, 0x40);
		ahci_header(p, rq->tag, 0, false);
	} else if (rq->op == BIO_DISCARD) {
		make_trim(p, t, rq);
	} else {
		return -EOPNOTSUPP;
	}
	p->inflight |= bit;
	p->given |= bit;
	if (queued)
		p->queued |= bit;
	else if (p->single)
		p->single--;
	return 0;
}

static void ahci_kick(struct disk_queue *q)
{
	struct ahci_port *p = q->disk->private;

	if (!p->given || p->stopped)
		return;
	barrier(); /* tables before the registers: stores stay in order */
	if (p->given & p->queued)
		port_write(p, PX_SACT, p->given & p->queued);
	port_write(p, PX_CI, p->given);
	p->given = 0;
}

/* --- completions --- */

/* Slots that are done. The queue's lock held. */
static u32 take_done(struct ahci_port *p)
{
	u32 active = p->given | port_read(p, PX_CI) | (p->queued ? port_read(p, PX_SACT) : 0);
	u32 done = p->inflight & ~active;

	p->inflight &= ~done;
	p->queued &= ~done;
	p->completed += done != 0;
	return done;
}

static void end_slots(struct ahci_port *p, u32 slots, int error)
{
	for (; slots; slots &= slots - 1) {
		unsigned int n = (unsigned int)__builtin_ctz(slots);

		p->tries[n] = 0;
		request_end(&queue_of(p)->requests[n], error);
	}
}

void ahci_port_interrupt(struct ahci_port *p)
{
	u32 is = port_read(p, PX_IS), done;
	irqflags_t f;

	port_write(p, PX_IS, is);
	if (!p->disk || !p->disk->private)
		return;
	f = spin_lock_irqsave(&queue_of(p)->lock);
	if (unlikely(is & (IS_ERRORS | IS_GONE)) && !p->stopped) {
		p->stopped = true;
		schedule_work(&p->recover);
	}
	/* An unqueued command that fails leaves its slot to recovery. */
	done = p->stopped ? 0 : take_done(p);
	spin_unlock_irqrestore(&queue_of(p)->lock, f);
	end_slots(p, done, 0);
}

/* --- errors and time-outs --- */

static void put_back(struct ahci_port *p, u32 slots)
{
	for (; slots; slots &= slots - 1)
		request_requeue(&queue_of(p)->requests[__builtin_ctz(slots)]);
}

/* Stops the port and sorts what it had: ends what was done, returns the rest; *failed: the slot
 * whose command the device refused, 0 none. *reset: the link has to be, before anything is given
 * back: some controllers go on writing to memory until then. p->mutex held. */
static u32 halt_port(struct ahci_port *p, u32 *failed, bool *reset)
{
	struct disk_queue *q = queue_of(p);
	u32 tfd = port_read(p, PX_TFD), done, left;
	irqflags_t f = spin_lock_irqsave(&q->lock);

	p->stopped = true;
	/* One that is not queued is alone: the error is its own. */
	*failed = !p->queued && (tfd & TFD_ERR) ? p->inflight : 0;
	done = take_done(p) & ~*failed;
	left = p->inflight & ~*failed;
	*reset |= p->queued != 0 || (tfd & (TFD_BSY | TFD_DRQ)) ||
		  (port_read(p, PX_SSTS) & SSTS_DET_MASK) != SSTS_DET_UP;
	if (p->queued && (tfd & TFD_ERR))
		p->single = SINGLES;
	p->inflight = p->queued = p->given = 0;
	spin_unlock_irqrestore(&q->lock, f);
	if (ahci_engine_stop(p)) {
		*reset = true;
		log_err(p->disk->name, "%s does not stop", p->name);
	}
	end_slots(p, done, 0);
	return left;
}

static void go_on(struct ahci_port *p)
{
	irqflags_t f = spin_lock_irqsave(&queue_of(p)->lock);

	p->stopped = false;
	spin_unlock_irqrestore(&queue_of(p)->lock, f);
	disk_queue_run(queue_of(p));
}

static void recover_fn(struct work *w)
{
	struct ahci_port *p = container_of(w, struct ahci_port, recover);
	bool reset = false;
	u32 failed, left;
	int rc;

	mutex_lock(&p->mutex);
	left = halt_port(p, &failed, &reset);
	rc = ahci_engine_start(p, reset);
	put_back(p, left);
	end_slots(p, failed, -EIO);
	if (rc == 0)
		go_on(p);
	else /* the watchdog of what waits will try again, or give the disk up */
		log_err(p->disk->name, "%s does not start again", p->name);
	mutex_unlock(&p->mutex);
}

static int ahci_timeout(struct disk *d, struct request *rq)
{
	struct ahci_port *p = d->private;
	u64 since = rq->start_ns;
	bool reset = true;
	u32 failed, left, late = 1u << rq->tag;
	int rc;

	ahci_port_interrupt(p);
	mutex_lock(&p->mutex);
	if (disk_queue_rq(rq->queue, rq->tag) != rq || rq->start_ns != since) {
		rc = 0; /* it was there, or recovery has dealt with it */
		goto out;
	}
	left = halt_port(p, &failed, &reset);
	p->resets = p->completed == p->completed_then ? p->resets + 1 : 1;
	p->completed_then = p->completed;
	log_warn(d->name, "reset %u", p->resets);
	if ((left & late) && ++p->tries[rq->tag] >= AHCI_TRIES) {
		failed |= late;
		left &= ~late;
	}
	rc = ahci_engine_start(p, true);
	if (rc == 0 && p->resets > AHCI_TRIES) {
		ahci_engine_stop(p);
		rc = -EIO;
	}
	put_back(p, left);
	end_slots(p, failed, -EIO);
	if (rc == 0)
		go_on(p);
out:
	mutex_unlock(&p->mutex);
	return rc;
}

static const struct disk_ops ahci_disk_ops = {
	.queue_rq = ahci_queue_rq,
	.kick = ahci_kick,
	.timeout = ahci_timeout,
};

/* --- finding a disk --- */

static int alloc_memory(struct ahci_port *p)
{
	gfp_t gfp = GFP_KERNEL | GFP_ZERO | (p->hba->cap & CAP_S64A ? 0 : GFP_DMA32);

	p->list = pages_alloc(0, gfp);
	p->tables = pages_alloc(4, gfp);
	_Static_assert(AHCI_SLOTS * AHCI_TABLE == PAGE_SIZE << 4, "order of the tables");
	if (!p->list || !p->tables)
		return -ENOMEM;
	for (unsigned int i = 0; i < AHCI_SLOTS; i++) {
		u64 pa = virt_to_phys(&p->tables[i]).v;

		p->list[i].table = (u32)pa;
		p->list[i].table_high = (u32)(pa >> 32);
	}
	return 0;
}

/* Gives the port its memory and starts it. */
static int bring_up(struct ahci_port *p)
{
	u64 list = virt_to_phys(p->list).v, fis = list + 1024;
	u32 cmd;
	int rc = ahci_engine_stop(p);

	if (rc)
		return rc;
	port_write(p, PX_CLB, (u32)list);
	port_write(p, PX_CLBU, (u32)(list >> 32));
	port_write(p, PX_FB, (u32)fis);
	port_write(p, PX_FBU, (u32)(fis >> 32));
	cmd = port_read(p, PX_CMD);
	port_write(p, PX_CMD, cmd | CMD_POD | CMD_SUD | CMD_FRE);
	return ahci_engine_start(p, false);
}

int ahci_port_init(struct ahci *hba, unsigned int number)
{
	volatile u8 *regs = hba->regs + 0x100 + 0x80 * number;
	struct ahci_port *p;
	int rc;

	if ((*(volatile u32 *)(regs + PX_SSTS) & SSTS_DET_MASK) != SSTS_DET_UP ||
	    *(volatile u32 *)(regs + PX_SIG) == SIG_ATAPI)
		return -ENODEV;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	p->hba = hba;
	p->regs = regs;
	p->number = number;
	mutex_init(&p->mutex, LOCK_DRIVER);
	work_init(&p->recover, recover_fn);
	scnprintf(p->name, sizeof(p->name), "ata%u", number + 1);
	rc = alloc_memory(p);
	if (rc == 0)
		rc = bring_up(p);
	if (rc == 0 && port_read(p, PX_SIG) != SIG_ATA)
		rc = -ENODEV;
	if (rc == 0) {
		hba->ports[number] = p;
		return 0;
	}
	if (rc != -ENODEV)
		log_warn(p->name, "the port does not start: error %d", rc);
	ahci_port_free(p);
	return rc;
}

void ahci_port_free(struct ahci_port *p)
{
	ahci_engine_stop(p);
	port_write(p, PX_CMD, port_read(p, PX_CMD) & (u32)~CMD_FRE);
	if (p->list)
		pages_free(p->list, 0);
	if (p->tables)
		pages_free(p->tables, 4);
	if (p->disk)
		disk_free(p->disk);
	kfree(p);
}

/* --- IDENTIFY (ACS-3, 7.12) --- */

/* Text: two characters a word, the first in the upper half. */
static void id_text(char *to, const u16 *from, unsigned int words)
{
	unsigned int n = 2 * words;

	for (unsigned int i = 0; i < words; i++) {
		to[2 * i] = (char)(from[i] >> 8);
		to[2 * i + 1] = (char)from[i];
	}
	while (n && (to[n - 1] == ' ' || to[n - 1] == '\0'))
		n--;
	to[n] = '\0';
}

static void id_features(struct ahci_port *p, const u16 *id, struct disk_limits *l)
{
	bool can_fua = (id[84] & 0x4000) && (id[84] & 0x40);

	p->ncq = (p->hba->cap & CAP_SNCQ) && (id[76] & 0x100);
	l->write_cache = id[85] & 0x20;
	p->fua = l->fua = p->ncq && can_fua;
	l->rotational = id[217] != 1;
	if ((id[106] & 0xc000) == 0x4000) {
		if (id[106] & 0x1000)
			l->logical_block = 2 * (id[117] | (u32)id[118] << 16);
		if (id[106] & 0x2000)
			l->physical_block = l->logical_block << min(id[106] & 15, 7);
	}
	if (id[169] & 1)
		l->max_discard = 64 * TRIM_RANGE;
}

static int id_size(struct ahci_port *p, const u16 *id, u64 *sectors, u32 block)
{
	u64 blocks = id[100] | (u64)id[101] << 16 | (u64)id[102] << 32 | (u64)id[103] << 48;

	if (!(id[83] & 0x400) || block < 512 || block > 4096 || (block & (block - 1)) ||
	    !blocks || blocks >> 48)
		return -EINVAL;
	p->lba_shift = (u8)__builtin_ctz(block / 512);
	*sectors = blocks << p->lba_shift;
	return 0;
}

static unsigned int id_depth(const struct ahci_port *p, const u16 *id)
{
	unsigned int slots = (p->hba->cap >> 8 & 31) + 1;

	return (p->hba->cap & CAP_SNCQ) && (id[76] & 0x100) ? min(slots, (id[75] & 31u) + 1) :
							      slots;
}

static int make_disk(struct ahci_port *p, const u16 *id, const char *path)
{
	struct disk *d = disk_alloc(&ahci_disk_ops, 1, id_depth(p, id));
	struct disk_limits *l;
	int rc;

	if (!d)
		return -ENOMEM;
	l = &d->limits;
	l->logical_block = l->physical_block = 512;
	id_features(p, id, l);
	rc = id_size(p, id, &d->sectors, l->logical_block);
	if (rc) {
		disk_free(d);
		return rc;
	}
	l->max_segs = AHCI_SEGS;
	l->max_seg_bytes = 1u << 20;
	l->dma32 = !(p->hba->cap & CAP_S64A);
	id_text(d->serial, id + 10, 10);
	id_text(d->model, id + 27, 20);
	disk_letter_name(d->name, sizeof(d->name), "sd", nr_disks);
	if (nr_disks < SD_OF_MAJOR) {
		d->major = MAJOR_SD;
		d->first_minor = nr_disks * DISK_MINORS;
	}
	scnprintf(p->sysfs_parent, sizeof(p->sysfs_parent), "%s/%s/block", path, p->name);
	d->sysfs_parent = p->sysfs_parent;
	d->private = p;
	p->disk = d;
	return 0;
}

int ahci_port_add_disk(struct ahci_port *p, const char *pci_path)
{
	u16 *id = pages_alloc(0, GFP_KERNEL | GFP_ZERO |
					 (p->hba->cap & CAP_S64A ? 0 : GFP_DMA32));
	struct disk *d;
	int rc;

	if (!id)
		return -ENOMEM;
	rc = have_major ? 0 : blkdev_major_register(MAJOR_SD, "sd");
	have_major |= rc == 0;
	if (rc == 0)
		rc = ahci_engine_exec(p, ATA_IDENTIFY, id);
	if (rc == 0)
		rc = make_disk(p, id, pci_path);
	pages_free(id, 0);
	if (rc)
		return rc;
	nr_disks++;
	d = p->disk;
	log_info(d->name, "%s: %s, %llu sectors%s%s", p->name, d->model,
		 (unsigned long long)d->sectors, p->ncq ? ", NCQ" : "",
		 d->limits.write_cache ? ", write cache" : "");
	return disk_add(d);
}

/* The disk may lose its power: what its cache holds goes to the medium. */
void ahci_port_shutdown(struct ahci_port *p)
{
	irqflags_t f;

	if (!p->disk || p->disk->dead)
		return;
	f = spin_lock_irqsave(&queue_of(p)->lock);
	p->stopped = true;
	spin_unlock_irqrestore(&queue_of(p)->lock, f);
	if (p->disk->limits.write_cache && !p->inflight)
		ahci_engine_exec(p, ATA_FLUSH_EXT, NULL);
	ahci_engine_stop(p);
}
