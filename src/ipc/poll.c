/* SPDX-License-Identifier: MIT */
/* poll and ppoll. */
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/poll.h>

#include "poll_wait.h"

#define STACK_FDS 32

static u16 poll_one(struct user_pollfd *p, struct poll_table *pt)
{
	u32 mask, filter = (u16)p->events | POLLERR | POLLHUP;
	struct fdref r;

	if (p->fd < 0)
		return 0;
	if (fd_get(p->fd, RIGHT_POLL, &r))
		return POLLNVAL;
	if (pt)
		pt->events = filter;
	mask = file_poll(r.file, pt) & filter;
	fd_put(r);
	return (u16)mask;
}

/* One look at all; entries are queued on the way until something is ready. */
static int poll_look(struct user_pollfd *fds, unsigned int n, struct poll_table *pt)
{
	int count = 0;

	for (unsigned int k = 0; k < n; k++) {
		fds[k].revents = (s16)poll_one(&fds[k], pt);
		if (fds[k].revents) {
			count++;
			pt = NULL;
		}
	}
	return count;
}

/* timed: the deadline counts (0 then means: do not wait). */
static int poll_loop(struct user_pollfd *fds, unsigned int n, bool timed, u64 relative,
		     u64 deadline)
{
	struct poll_waiter w;
	int count, rc;

	if (timed && relative == 0)
		return poll_look(fds, n, NULL);
	poll_waiter_init(&w);
	count = poll_look(fds, n, &w.pt);
	while (!count) {
		if (w.nomem) {
			count = -ENOMEM;
			break;
		}
		rc = poll_waiter_sleep(&w, timed ? deadline : 0);
		count = poll_look(fds, n, NULL);
		if (count)
			break;
		if (rc) {
			count = rc == -ETIMEDOUT ? 0 : rc;
			break;
		}
	}
	poll_waiter_end(&w);
	return count;
}

static long do_poll(struct user_ptr ufds, unsigned int n, bool timed, u64 relative, u64 deadline)
{
	struct user_pollfd small[STACK_FDS], *fds = small;
	long rc;

	if (n > rlimit_cur(current, RLIMIT_NOFILE))
		return -EINVAL;
	if (n > STACK_FDS) {
		fds = kvmalloc(n * sizeof(*fds), GFP_KERNEL);
		if (!fds)
			return -ENOMEM;
	}
	rc = -EFAULT;
	if (n && copy_from_user(fds, ufds, n * sizeof(*fds)))
		goto out;
	rc = poll_loop(fds, n, timed, relative, deadline);
	for (unsigned int k = 0; k < n; k++) {
		struct user_ptr at = user_ptr_add(ufds, k * sizeof(*fds) +
							offsetof(struct user_pollfd, revents));

		if (copy_to_user(at, &fds[k].revents, sizeof(fds[k].revents))) {
			rc = -EFAULT;
			break;
		}
	}
out:
	if (fds != small)
		kvfree(fds);
	return rc;
}

static long poll_restart(struct restart_block *rb)
{
	bool timed = rb->arg[2];
	long rc = do_poll(USER_PTR(rb->arg[0]), (unsigned int)rb->arg[1], timed, 1, rb->deadline);

	return rc == -EINTR ? -ERESTART_RESTARTBLOCK : rc;
}

SYSCALL(poll, struct user_ptr, ufds, unsigned int, n, int, timeout_ms)
{
	bool timed = timeout_ms >= 0;
	u64 relative = timed ? (u64)timeout_ms * NSEC_PER_MSEC : 0;
	u64 deadline = timed && timeout_ms ? poll_deadline(relative) : 0;
	long rc = do_poll(ufds, n, timed, relative, deadline);

	if (rc == -EINTR) {
		current->restart_block = (struct restart_block){
			.fn = poll_restart,
			.deadline = deadline,
			.arg = { ufds.addr, n, timed },
		};
		rc = -ERESTART_RESTARTBLOCK;
	}
	return rc;
}

SYSCALL(ppoll, struct user_ptr, ufds, unsigned int, n, struct user_ptr, tsp, struct user_ptr, mask,
	u64, size)
{
	u64 relative = 0, deadline = 0;
	bool timed;
	long rc;

	rc = poll_get_timespec(tsp, &timed, &relative);
	if (rc)
		return rc;
	if (timed && relative)
		deadline = poll_deadline(relative);
	rc = poll_set_sigmask(mask, size);
	if (rc)
		return rc;
	rc = do_poll(ufds, n, timed && (relative == 0 || deadline), relative, deadline);
	restore_saved_sigmask_unless(rc == -EINTR);
	if (timed)
		poll_put_timespec(tsp, deadline, relative == 0);
	return rc == -EINTR ? -ERESTARTNOHAND : rc;
}
