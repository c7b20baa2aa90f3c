/* SPDX-License-Identifier: MIT */
/* Counters per real user id. A row exists while a cred or a queued signal refers to it.
 * Locking: user_lock for the table; the last reference takes the row out under it. */
#include "proc_internal.h"

#include <kernel/hash.h>
#include <kernel/slab.h>

#define USER_BITS 6

static DEFINE_SPINLOCK(user_lock, LOCK_LEAF);
static struct hlist_head table[1 << USER_BITS]; /* user_lock */

/* Never freed: its table entry is not even needed, see user_count_find. */
struct user_count root_user = { .uid = 0, .refs = REFCOUNT_INIT(1) };

static struct user_count *find_locked(uid_t uid)
{
	struct user_count *u;

	hlist_for_each_entry(u, &table[hash_32(uid, USER_BITS)], node) {
		if (u->uid == uid && refcount_inc_not_zero(&u->refs))
			return u;
	}
	return NULL;
}

int user_count_find(uid_t uid, struct user_count **out)
{
	struct user_count *u, *fresh;
	irqflags_t f;

	if (uid == 0) {
		user_count_get(&root_user);
		*out = &root_user;
		return 0;
	}
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return -ENOMEM;
	f = spin_lock_irqsave(&user_lock);
	u = find_locked(uid);
	if (!u) {
		u = fresh;
		u->uid = uid;
		refcount_set(&u->refs, 1);
		hlist_add_head(&u->node, &table[hash_32(uid, USER_BITS)]);
		fresh = NULL;
	}
	spin_unlock_irqrestore(&user_lock, f);
	kfree(fresh);
	*out = u;
	return 0;
}

void user_count_put(struct user_count *u)
{
	irqflags_t f;

	if (!refcount_dec_and_test(&u->refs))
		return;
	f = spin_lock_irqsave(&user_lock);
	hlist_del(&u->node);
	spin_unlock_irqrestore(&user_lock, f);
	kfree(u);
}
