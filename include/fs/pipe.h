/* SPDX-License-Identifier: MIT */
/* Pipes and FIFOs (src/ipc/pipe.c): a ring of page pieces between writers and readers.
 * The structure is public for splice, tee and vmsplice, which move pieces instead of bytes. */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include <fs/vfs.h>

#define PIPE_BUF 4096
#define PIPE_DEF_BUFFERS 16u
#define PIPE_MAX_SIZE (1u << 20)

#define PIPE_BUF_MERGE 1u  /* the page is the pipe's own: a write may append to it */
#define PIPE_BUF_PACKET 2u /* O_DIRECT: one read returns at most this piece */

struct pipe_buf {
	struct page *page; /* referenced */
	u32 offset, len;   /* bytes in the page; len > 0 */
	u32 flags;
};

/* P: lock  C: const */
struct pipe {
	struct mutex lock;	     /* LOCK_PIPE; two pipes in address order */
	struct wait_queue rd_wait;   /* readers and pollers for input */
	struct wait_queue wr_wait;   /* writers, pollers for room, FIFO openers */
	struct pipe_buf *bufs;	     /* P: ring of `size` */
	u32 size;		     /* P: power of two */
	u32 head, tail;		     /* P: pieces head - tail; indices modulo size */
	u32 readers, writers;	     /* P: open files */
	u32 r_opens, w_opens;	     /* P: ever: FIFO openers wait for a change */
	u32 files;		     /* inode->spin: opens in progress and open files */
	bool anon;		     /* C: made by pipe(2) */
	struct fasync_list rd_async, wr_async; /* SIGIO */
	bool poll_seen;		     /* P: edge-triggered pollers: wake at every write */
	struct page *spare;	     /* P: last page emptied, kept for the next write */
};

static inline bool pipe_empty(const struct pipe *p)
{
	return READ_ONCE(p->head) == READ_ONCE(p->tail);
}
static inline bool pipe_full(const struct pipe *p)
{
	return READ_ONCE(p->head) - READ_ONCE(p->tail) >= READ_ONCE(p->size);
}
static inline struct pipe_buf *pipe_slot(struct pipe *p, u32 index)
{
	return &p->bufs[index & (p->size - 1)];
}

extern const struct file_ops pipe_fops; /* of FIFO inodes; open() makes inode->pipe */
/* The pipe behind an open file, or NULL. */
struct pipe *pipe_of_file(const struct file *f);
void pipe_lock(struct pipe *p);
void pipe_unlock(struct pipe *p);
void pipe_lock_two(struct pipe *a, struct pipe *b);
void pipe_unlock_two(struct pipe *a, struct pipe *b);
/* Both need the lock and give it up while they sleep. nonblock: -EAGAIN instead of sleeping.
 * readable: 0 when there is data; 1 when it is empty and no writer is left.
 * writable: 0 when there is a free slot; -EPIPE (SIGPIPE sent) without readers. */
int must_check pipe_wait_readable(struct pipe *p, bool nonblock);
int must_check pipe_wait_writable(struct pipe *p, bool nonblock);
/* Drops the first piece (its reference). Lock held. */
void pipe_pop(struct pipe *p);
/* Tells the other side after pieces were added or removed; lock held. */
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
/* fcntl: bytes, or -EBADF, -EBUSY, -EPERM, -EINVAL, -ENOMEM. */
long pipe_get_size(struct file *f);
long pipe_set_size(struct file *f, unsigned long bytes);

#endif
