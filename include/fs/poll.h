/* SPDX-License-Identifier: MIT */
/* Readiness. A file's poll() returns the bits that hold now and, when a table is given, calls
 * poll_wait for every queue whose wake-up may change them. Wake-ups carry the new bits as key. */
#ifndef FS_POLL_H
#define FS_POLL_H

#include <kernel/wait.h>

#define POLLIN 0x0001u
#define POLLPRI 0x0002u
#define POLLOUT 0x0004u
#define POLLERR 0x0008u
#define POLLHUP 0x0010u
#define POLLNVAL 0x0020u
#define POLLRDNORM 0x0040u
#define POLLRDBAND 0x0080u
#define POLLWRNORM 0x0100u
#define POLLWRBAND 0x0200u
#define POLLMSG 0x0400u
#define POLLRDHUP 0x2000u
#define POLL_DEFAULT (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

struct file;
struct poll_table {
	void (*queue)(struct poll_table *pt, struct file *f, struct wait_queue *wq);
	u32 events; /* asked for */
};
static inline void poll_wait(struct file *f, struct wait_queue *wq, struct poll_table *pt)
{
	if (pt && pt->queue)
		pt->queue(pt, f, wq);
}

/* The last reference of f is going and f->epoll_items is not empty: takes it out of every epoll
 * instance. Before file_ops.release; may sleep. */
void epoll_release_file(struct file *f);

/* Readiness of any file: the default for those without poll(). */
unsigned int file_poll(struct file *f, struct poll_table *pt);

#endif
