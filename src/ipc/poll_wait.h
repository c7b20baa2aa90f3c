/* SPDX-License-Identifier: MIT */
/* Waiting on many files at once: what poll and select share. */
#ifndef IPC_POLL_WAIT_H
#define IPC_POLL_WAIT_H

#include <fs/poll.h>
#include <fs/vfs.h>

#define POLL_INLINE_ENTRIES 8

struct poll_entry {
	struct wait_entry wait;
	struct wait_queue *wq;
	struct file *file; /* referenced */
	struct poll_waiter *owner;
	u32 events;
};

struct poll_chunk {
	struct poll_chunk *next;
	unsigned int used;
	struct poll_entry entries[];
};

/* Lives on the stack of one call. */
struct poll_waiter {
	struct poll_table pt;
	struct task *task;
	bool triggered; /* set by the wake function, cleared before each look */
	bool nomem;
	unsigned int used;
	struct poll_chunk *chunks;
	struct poll_entry inline_entries[POLL_INLINE_ENTRIES];
};

void poll_waiter_init(struct poll_waiter *w);
void poll_waiter_end(struct poll_waiter *w);
/* Sleeps until triggered: 0, -ETIMEDOUT at the deadline (ns, 0 none), -EINTR. */
int poll_waiter_sleep(struct poll_waiter *w, u64 deadline);

/* Deadline from a relative time; timeouts that do not fit mean "for ever" (0). */
u64 poll_deadline(u64 relative_ns);
/* Reads a user timespec: *given false when the pointer is NULL. */
int poll_get_timespec(struct user_ptr p, bool *given, u64 *ns);
/* Writes back what is left until the deadline. Failures are ignored, as Linux does. */
void poll_put_timespec(struct user_ptr p, u64 deadline, bool zero);
/* Installs the temporary signal mask of ppoll, pselect, epoll_pwait; NULL does nothing. */
int poll_set_sigmask(struct user_ptr mask, u64 size);

#endif
