/* SPDX-License-Identifier: MIT */
/* What loop.c (the device) and loop_ioctl.c (its configuration) share. */
#ifndef DRIVERS_LOOP_INTERNAL_H
#define DRIVERS_LOOP_INTERNAL_H

#include <fs/block.h>
#include <kernel/errno.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <kernel/wait.h>
#include <uapi/loop.h>

#define LOOP_DEPTH 128
#define LOOP_SEGS 128

enum loop_state { LOOP_UNBOUND, LOOP_BOUND, LOOP_GOING };

/* K: ctl  S: spin  Q: lock of the disk's queue  W: worker only  C: const */
struct loop {
	struct disk *disk;	    /* C */
	unsigned int number;	    /* C */
	struct mutex ctl;	    /* LOCK_DISK_CTL: configuration; outside open_mutex */
	enum loop_state state;	    /* K, READ_ONCE */
	struct loop_info64 info;    /* K: as set; lo_flags are the flags in force */
	struct spinlock spin;	    /* LOCK_LEAF */
	struct file *file;	    /* K and S to write, either to read; referenced */
	struct list_head todo;	    /* Q: loop_cmd */
	struct wait_queue wait;	    /* the worker's */
	bool stop;		    /* A */
	struct completion stopped;
	struct sysfs_node *sysfs;   /* K: loop/ */
	struct iovec vecs[LOOP_SEGS]; /* W */
	struct list_head node;	    /* loops_lock */
};

struct loop_cmd { /* a request's private part */
	struct list_head node;
	struct request *rq;
};

/* loop.c */
int loop_start_worker(struct loop *l);
void loop_stop_worker(struct loop *l);
/* loop_ioctl.c */
long loop_ioctl(struct bdev *bd, u32 fmode, unsigned int cmd, u64 arg);
void loop_autoclear(struct disk *d);

#endif
