/* SPDX-License-Identifier: MIT */
/* Robust futexes: a list in user memory of the locks a thread holds, which the kernel walks when
 * the thread dies, to mark each as left by a dead owner and wake one waiter.
 *
 * Nothing in the list can be trusted: it is bounded in length, every access may fail, and a word is
 * touched only if it says that this very thread owns it. */
#include <kernel/errno.h>
#include <kernel/proc.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

#include "futex_internal.h"

#define LIST_LIMIT 2048

/* struct robust_list_head */
struct user_robust_head {
	u64 next;
	s64 futex_offset;
	u64 pending;
};

SYSCALL(set_robust_list, struct user_ptr, head, size_t, len)
{
	if (len != sizeof(struct user_robust_head))
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

SYSCALL(get_robust_list, int, pid, struct user_ptr, head, struct user_ptr, len)
{
	struct task *t = current;
	struct user_ptr list;
	int rc = 0;

	if (pid) {
		t = task_find_get(pid);
		if (!t)
			return -ESRCH;
		rc = ptrace_permitted(t);
	}
	list = t->robust_list;
	if (pid)
		task_put(t);
	if (rc)
		return rc;
	rc = put_user_u64(sizeof(struct user_robust_head), len);
	return rc ? rc : put_user_u64(list.addr, head);
}

/* The owner of the lock word at addr is dead if it is this thread. 0, or -EFAULT: stop walking. */
static int owner_died(u64 addr, bool pi, bool pending)
{
	u32 v, new, found;
	int rc;

	if (addr % sizeof(u32))
		return -EFAULT;
	for (;;) {
		rc = get_user_u32(&v, USER_PTR(addr));
		if (rc)
			return rc;
		/* It died between unlocking the word and waking the next one. */
		if (pending && !pi && !v) {
			futex_wake(addr, true, 1, FUTEX_ANY_BIT);
			return 0;
		}
		if ((v & FUTEX_TID_MASK) != current->tid)
			return 0;
		new = (v & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		rc = user_cmpxchg_u32(USER_PTR(addr), v, new, &found);
		if (rc)
			return rc;
		if (found == v)
			break;
	}
	/* PI futexes are handed over by futex_pi_exit. */
	if (!pi && (v & FUTEX_WAITERS))
		futex_wake(addr, true, 1, FUTEX_ANY_BIT);
	return 0;
}

static void walk_robust_list(struct user_ptr list)
{
	struct user_robust_head head;
	u64 entry, next;
	int limit = LIST_LIMIT;

	if (copy_from_user(&head, list, sizeof(head)))
		return;
	/* Bit 0 of a link says that the lock is a PI futex. */
	for (entry = head.next; (entry & ~1ull) != list.addr && limit; limit--) {
		/* Before the lock is given away: its new owner may change the link. */
		bool last = get_user_u64(&next, USER_PTR(entry & ~1ull)) != 0;

		if ((entry & ~1ull) != (head.pending & ~1ull) &&
		    owner_died((entry & ~1ull) + (u64)head.futex_offset, entry & 1, false))
			return;
		if (last)
			return;
		entry = next;
		cond_resched();
	}
	if (head.pending & ~1ull)
		(void)owner_died((head.pending & ~1ull) + (u64)head.futex_offset, head.pending & 1,
				 true);
}

void futex_task_exit(struct task *t)
{
	struct user_ptr list = t->robust_list;

	if (!user_ptr_is_null(list)) {
		t->robust_list = USER_NULL;
		walk_robust_list(list);
	}
	futex_pi_exit(t);
}
