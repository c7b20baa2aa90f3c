/* SPDX-License-Identifier: MIT */
/* poll, select, epoll structures of the Linux ABI (POLL* bits: fs/poll.h). */
#ifndef UAPI_POLL_H
#define UAPI_POLL_H

#include <kernel/types.h>

struct user_pollfd {
	s32 fd;
	s16 events;
	s16 revents;
};
_Static_assert(sizeof(struct user_pollfd) == 8, "struct pollfd");

#define FD_SETSIZE 1024

#define EPOLL_CLOEXEC 02000000
#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3
#define EPOLLEXCLUSIVE (1u << 28)
#define EPOLLWAKEUP (1u << 29)
#define EPOLLONESHOT (1u << 30)
#define EPOLLET (1u << 31)
struct user_epoll_event {
	u32 events;
	u64 data;
} __attribute__((packed));
_Static_assert(sizeof(struct user_epoll_event) == 12, "struct epoll_event");

#define EFD_SEMAPHORE 1
#define EFD_CLOEXEC 02000000
#define EFD_NONBLOCK 00004000

#endif
