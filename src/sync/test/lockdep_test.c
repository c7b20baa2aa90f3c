/* SPDX-License-Identifier: MIT */
/* Provokes each report of the lock checker once. */
#include <kernel/ktest.h>
#include <kernel/lock.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "../lockdep.h"

static DEFINE_SPINLOCK(outer, LOCK_FILES);
static DEFINE_SPINLOCK(inner, LOCK_LEAF);
static DEFINE_SPINLOCK(inner2, LOCK_LEAF);
static DEFINE_MUTEX(sleeping, LOCK_SLEEP_INNER);

static void expect_begin(void)
{
	lockdep_reported = NULL;
	lockdep_expecting = current;
}

static bool expect_end(const char *kind)
{
	bool ok = lockdep_reported && strcmp(lockdep_reported, kind) == 0;

	lockdep_expecting = NULL;
	return ok;
}

KTEST(lockdep_good_order)
{
	spin_lock(&outer);
	spin_lock(&inner);
	spin_lock_nested(&inner2);
	spin_unlock(&inner);
	spin_unlock(&inner2);
	spin_unlock(&outer);
	KTEST_EXPECT(current->nheld == 0);
}

KTEST(lockdep_bad_order)
{
	spin_lock(&inner);
	expect_begin();
	spin_lock(&outer);
	KTEST_EXPECT(expect_end("order"));
	spin_unlock(&outer);
	spin_unlock(&inner);
}

KTEST(lockdep_same_class)
{
	spin_lock(&inner);
	expect_begin();
	spin_lock(&inner2);
	KTEST_EXPECT(expect_end("order"));
	spin_unlock(&inner2);
	spin_unlock(&inner);
}

/* The checker speaks before the lock would stand still: only its part is called. */
KTEST(lockdep_double)
{
	spin_lock(&inner);
	expect_begin();
	lockdep_acquire(&inner.dbg, false, false, NULL);
	KTEST_EXPECT(expect_end("order") || strcmp(lockdep_reported, "double") == 0);
	lockdep_release(&inner.dbg);
	spin_unlock(&inner);
}

KTEST(lockdep_not_owner)
{
	expect_begin();
	lockdep_release(&inner.dbg);
	KTEST_EXPECT(expect_end("unlock"));
}

KTEST(lockdep_sleep_in_atomic)
{
	spin_lock(&inner);
	expect_begin();
	might_sleep();
	KTEST_EXPECT(expect_end("sleep"));
	spin_unlock(&inner);
	irq_disable();
	expect_begin();
	might_sleep();
	irq_enable();
	KTEST_EXPECT(expect_end("sleep"));
}

KTEST(lockdep_held_at_exit)
{
	mutex_lock(&sleeping);
	expect_begin();
	lockdep_none_held("self-test");
	KTEST_EXPECT(expect_end("leak"));
	mutex_unlock(&sleeping);
	lockdep_none_held("self-test");
}
