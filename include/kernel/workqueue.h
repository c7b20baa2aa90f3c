/* SPDX-License-Identifier: MIT */
/* Deferred work in a small pool of kernel threads. */
#ifndef KERNEL_WORKQUEUE_H
#define KERNEL_WORKQUEUE_H

#include <kernel/list.h>
#include <kernel/time.h>

struct work {
	struct list_head node; /* pool lock */
	void (*fn)(struct work *w);
	unsigned long state; /* A: bit 0 pending */
};
struct delayed_work {
	struct work work;
	struct hrtimer timer;
};
#define WORK_INIT(f) { .fn = (f) }
void work_init(struct work *w, void (*fn)(struct work *w));
/* Any context. False when it was already pending. */
bool schedule_work(struct work *w);
/* Sleeps until the work is neither pending nor running. */
void flush_work(struct work *w);
bool cancel_work_sync(struct work *w);
void delayed_work_init(struct delayed_work *w, void (*fn)(struct work *w));
bool schedule_delayed_work(struct delayed_work *w, u64 delay_ns);
bool cancel_delayed_work_sync(struct delayed_work *w);

#endif
