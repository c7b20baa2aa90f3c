/* SPDX-License-Identifier: MIT */
/* NVMe: what the files of the driver share. Source: NVM Express 1.4. */
#ifndef DRIVERS_BLOCK_NVME_H
#define DRIVERS_BLOCK_NVME_H

#include <drivers/pci.h>
#include <fs/block.h>
#include <kernel/wait.h>

/* Registers (3.1). */
#define NVME_CAP 0x00
#define NVME_CC 0x14
#define NVME_CSTS 0x1c
#define NVME_AQA 0x24
#define NVME_ASQ 0x28
#define NVME_ACQ 0x30
#define NVME_DOORBELLS 0x1000

#define CC_ENABLE 1u
#define CC_SHUTDOWN_NORMAL (1u << 14)
#define CC_IOSQES (6u << 16) /* 64 bytes */
#define CC_IOCQES (4u << 20) /* 16 bytes */
#define CSTS_READY 1u
#define CSTS_FATAL 2u
#define CSTS_SHUTDOWN_MASK 0xcu
#define CSTS_SHUTDOWN_DONE 0x8u

enum { ADMIN_DELETE_SQ = 0, ADMIN_CREATE_SQ = 1, ADMIN_DELETE_CQ = 4, ADMIN_CREATE_CQ = 5,
       ADMIN_IDENTIFY = 6, ADMIN_ABORT = 8, ADMIN_SET_FEATURES = 9 };
enum { IO_FLUSH = 0, IO_WRITE = 1, IO_READ = 2, IO_WRITE_ZEROES = 8, IO_DSM = 9 };
#define FEATURE_QUEUES 7
#define IDENTIFY_NS 0
#define IDENTIFY_CTRL 1
#define IDENTIFY_LIST 2
/* Bits of command dword 12. */
#define RW_FUA (1u << 30)
#define ZEROES_DEALLOCATE (1u << 25)

struct nvme_cmd {
	u8 opcode, flags;
	u16 cid;
	u32 nsid;
	u64 reserved;
	u64 metadata;
	u64 prp1, prp2;
	u32 cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct nvme_cmd) == 64, "submission queue entry");
struct nvme_cqe {
	u32 result, reserved;
	u16 sq_head, sq_id;
	u16 cid;
	u16 status; /* bit 0: phase */
};
_Static_assert(sizeof(struct nvme_cqe) == 16, "completion queue entry");
struct nvme_range {
	u32 attributes, blocks;
	u64 first;
};

#define NVME_ADMIN_DEPTH 32
#define NVME_IO_DEPTH 127 /* requests of one namespace in one queue */
#define NVME_MAX_NS 16
#define NVME_PRPS 512 /* entries of one list page */
#define NVME_TRIES 3
/* An I/O command's cid: its namespace's place in nvme->ns above, its tag below. */
#define CID(ns, tag) ((u16)((ns) << 8 | (tag)))
#define CID_TAG(cid) ((cid) & 0xff)
#define CID_NS(cid) ((cid) >> 8)

/* One pair of a submission and a completion queue. L: lock  C: const while the device runs */
struct nvme_queue {
	struct nvme *nvme;		/* C */
	struct spinlock lock;		/* LOCK_DRIVER_INNER */
	struct nvme_cmd *sq;		/* C; entries L */
	volatile struct nvme_cqe *cq;	/* C */
	volatile u32 *sq_doorbell, *cq_doorbell; /* C */
	u16 id, depth;			/* C */
	u16 tail, told;			/* L: of the submission queue; what the device knows */
	u16 head;			/* L: of the completion queue */
	u8 phase;			/* L */
	bool stopped;			/* L: commands are refused */
	u64 completed;			/* L */
	unsigned int sq_order, cq_order;/* C */
	char name[24];			/* C */
};

/* Of one tag. I: the I/O queue's lock  D: the disk queue's lock */
struct nvme_rq {
	struct nvme_range range; /* D: seen by the device */
	struct request *rq;	 /* I: in flight; NULL: not */
	u64 *list;		 /* D: page of the PRP list */
	u16 status;		 /* I: how it ended */
	u8 tries;		 /* A: times it was late */
	bool reserve;		 /* D: list is the reserve */
} __aligned(64);
/* What a namespace has in one I/O queue. */
struct nvme_slots {
	struct nvme_rq *rqs;	 /* C: NVME_IO_DEPTH of them, in whole pages */
	u64 *reserve;		 /* D: list page for when there is no memory; NULL: in use */
	struct nvme_queue *hw;	 /* C */
};
struct nvme_ns {
	struct nvme *nvme;
	u32 nsid;
	unsigned int index; /* in nvme->ns */
	u8 lba_shift;
	struct disk *disk;
	struct nvme_slots slots[]; /* one for each I/O queue */
};
struct nvme {
	struct pci_dev *pci;
	volatile u8 *regs;
	char name[16];		  /* "nvme0" */
	unsigned int number;
	u64 cap;
	unsigned int nr_io;	  /* I/O queues */
	unsigned int nr_vectors;
	u32 max_sectors;	  /* of one command */
	bool write_cache, can_discard, can_zero;
	bool dead;		  /* A: given up */
	char model[41], serial[21];
	char sysfs_parent[144];
	struct mutex lock;	  /* LOCK_DRIVER: admin commands, resets */
	struct nvme_queue admin;
	struct nvme_queue *io;	  /* nr_io of them */
	struct wait_queue admin_wait;
	bool admin_done;	  /* admin.lock */
	u16 admin_cid, admin_status; /* admin.lock */
	u32 admin_result;	  /* admin.lock */
	unsigned int resets;	  /* lock: without a completion in between */
	u64 completed;		  /* lock: at the last reset */
	struct nvme_ns *ns[NVME_MAX_NS];
	unsigned int nr_ns;	  /* entries of ns, those that failed are NULL */
};

/* --- nvme.c: the controller; n->lock held unless it says otherwise --- */
/* One admin command, waiting. result may be NULL. 0, -EIO, -ETIMEDOUT. */
int nvme_admin(struct nvme *n, struct nvme_cmd *cmd, u32 *result);
/* IDENTIFY into a page. */
int nvme_identify(struct nvme *n, u32 what, u32 nsid, void *page);
void nvme_stop(struct nvme *n);	 /* nothing is read or written by the device afterwards */
int nvme_start(struct nvme *n);	 /* enables it and makes all queues, empty */
/* Ends what has completed in a queue. Any context, no locks. True: there was something. */
bool nvme_poll(struct nvme_queue *q);

/* --- nvme_ns.c: namespaces as disks --- */
int nvme_ns_add(struct nvme *n, u32 nsid, unsigned int index);
/* Completion of an I/O command, queue's lock held: its request, NULL when there is none. */
struct request *nvme_ns_take(struct nvme_queue *q, u16 cid, u16 status);
void nvme_ns_end(struct request *rq); /* no locks held */

#endif
