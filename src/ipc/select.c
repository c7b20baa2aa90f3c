/* SPDX-License-Identifier: MIT */
/* select and pselect6. */
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/poll.h>

#include "poll_wait.h"

#define IN_SET (POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR)
#define OUT_SET (POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR)
#define EX_SET POLLPRI
#define STACK_WORDS 4 /* 256 descriptors without allocation */

/* Six bit maps of `words` 64-bit words: in, out, ex, and their results. */
struct fd_maps {
	unsigned long *map[6];
	unsigned int words, n;
	unsigned long small[6 * STACK_WORDS];
	unsigned long *big;
};

static int maps_get(struct fd_maps *m, int n, const struct user_ptr sets[3])
{
	unsigned long *base = m->small;

	m->n = (unsigned int)n;
	m->words = DIV_ROUND_UP(m->n, 64u);
	m->big = NULL;
	if (m->words > STACK_WORDS) {
		m->big = kvmalloc(6 * m->words * sizeof(long), GFP_KERNEL);
		if (!m->big)
			return -ENOMEM;
		base = m->big;
	}
	for (unsigned int k = 0; k < 6; k++)
		m->map[k] = base + k * m->words;
	for (unsigned int k = 0; k < 3; k++) {
		memset(m->map[k], 0, m->words * sizeof(long));
		if (!user_ptr_is_null(sets[k]) &&
		    copy_from_user(m->map[k], sets[k], m->words * sizeof(long))) {
			kvfree(m->big);
			return -EFAULT;
		}
	}
	return 0;
}

static int maps_put(const struct fd_maps *m, const struct user_ptr sets[3])
{
	for (unsigned int k = 0; k < 3; k++)
		if (!user_ptr_is_null(sets[k]) &&
		    copy_to_user(sets[k], m->map[k + 3], m->words * sizeof(long)))
			return -EFAULT;
	return 0;
}

static int look_word(struct fd_maps *m, unsigned int w, unsigned long bits, struct poll_table *pt)
{
	int count = 0;

	while (bits) {
		unsigned int b = (unsigned int)__builtin_ctzl(bits);
		unsigned long bit = 1ul << b;
		u32 mask, want = 0;
		struct fdref r;

		bits &= bits - 1;
		if (w * 64 + b >= m->n)
			break;
		want |= m->map[0][w] & bit ? IN_SET : 0;
		want |= m->map[1][w] & bit ? OUT_SET : 0;
		want |= m->map[2][w] & bit ? EX_SET : 0;
		if (fd_get((int)(w * 64 + b), RIGHT_POLL, &r))
			return -EBADF;
		if (pt)
			pt->events = want | POLLERR | POLLHUP;
		mask = file_poll(r.file, pt) & want;
		fd_put(r);
		for (unsigned int k = 0; k < 3; k++) {
			static const u32 set[3] = { IN_SET, OUT_SET, EX_SET };

			if ((mask & set[k]) && (m->map[k][w] & bit)) {
				m->map[k + 3][w] |= bit;
				count++;
				pt = NULL;
			}
		}
	}
	return count;
}

static int select_look(struct fd_maps *m, struct poll_table *pt)
{
	int count = 0, n;

	for (unsigned int w = 0; w < m->words; w++) {
		for (unsigned int k = 3; k < 6; k++)
			m->map[k][w] = 0;
		n = look_word(m, w, m->map[0][w] | m->map[1][w] | m->map[2][w], count ? NULL : pt);
		if (n < 0)
			return n;
		count += n;
	}
	return count;
}

static int select_loop(struct fd_maps *m, bool poll_only, u64 deadline)
{
	struct poll_waiter w;
	int count, rc;

	if (poll_only)
		return select_look(m, NULL);
	poll_waiter_init(&w);
	count = select_look(m, &w.pt);
	while (!count) {
		if (w.nomem) {
			count = -ENOMEM;
			break;
		}
		rc = poll_waiter_sleep(&w, deadline);
		count = select_look(m, NULL);
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

/* Number of ready bits; -EINTR when a signal came. */
static long do_select(int n, const struct user_ptr sets[3], bool poll_only, u64 deadline)
{
	unsigned int max = smp_load_acquire(&current->files->table)->max;
	struct fd_maps m;
	long rc;

	if (n < 0)
		return -EINVAL;
	if ((unsigned int)n > max)
		n = (int)max;
	rc = maps_get(&m, n, sets);
	if (rc)
		return rc;
	rc = select_loop(&m, poll_only, deadline);
	if (rc >= 0 && maps_put(&m, sets))
		rc = -EFAULT;
	kvfree(m.big);
	return rc;
}

struct user_tv {
	s64 sec, usec;
};

SYSCALL(select, int, n, struct user_ptr, in, struct user_ptr, out, struct user_ptr, ex,
	struct user_ptr, tvp)
{
	const struct user_ptr sets[3] = { in, out, ex };
	bool timed = !user_ptr_is_null(tvp), none = false;
	struct user_tv tv;
	u64 deadline = 0, now;
	long rc;

	if (timed) {
		if (copy_from_user(&tv, tvp, sizeof(tv)))
			return -EFAULT;
		if (tv.sec < 0 || tv.usec < 0)
			return -EINVAL;
		none = tv.sec == 0 && tv.usec == 0;
		if (!none && tv.sec < 1ll << 33 && tv.usec < 1ll << 53)
			deadline = poll_deadline((u64)tv.sec * NSEC_PER_SEC + (u64)tv.usec * 1000);
	}
	rc = do_select(n, sets, none, deadline);
	if (timed) {
		now = ktime_get();
		now = deadline > now ? deadline - now : 0;
		tv = (struct user_tv){ (s64)(now / NSEC_PER_SEC),
				       (s64)(now % NSEC_PER_SEC / 1000) };
		/* A read-only timeval is no error. */
		if ((none || deadline) && copy_to_user(tvp, &tv, sizeof(tv)))
			rc = rc == -EINTR ? -EINTR : rc;
	}
	return rc == -EINTR ? -ERESTARTNOHAND : rc;
}

SYSCALL(pselect6, int, n, struct user_ptr, in, struct user_ptr, out, struct user_ptr, ex,
	struct user_ptr, tsp, struct user_ptr, sigp)
{
	const struct user_ptr sets[3] = { in, out, ex };
	u64 relative = 0, deadline = 0, sig[2] = { 0, 0 };
	bool timed;
	long rc;

	if (!user_ptr_is_null(sigp) && copy_from_user(sig, sigp, sizeof(sig)))
		return -EFAULT;
	rc = poll_get_timespec(tsp, &timed, &relative);
	if (rc)
		return rc;
	if (timed && relative)
		deadline = poll_deadline(relative);
	rc = poll_set_sigmask(USER_PTR(sig[0]), sig[1]);
	if (rc)
		return rc;
	rc = do_select(n, sets, timed && relative == 0, deadline);
	restore_saved_sigmask_unless(rc == -EINTR);
	if (timed)
		poll_put_timespec(tsp, deadline, relative == 0);
	return rc == -EINTR ? -ERESTARTNOHAND : rc;
}
