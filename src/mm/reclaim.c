/* SPDX-License-Identifier: MIT */
/* Memory pressure: what happens when the page allocator has nothing to give.
 *
 * Order of help: pages in CPU caches, shrinkers (page cache, dentries, inodes, spare slabs, spare
 * stacks), then the OOM killer for requests that may wait for it. Shrinkers are tried round robin
 * with a share of what they say they have. A request that may not sleep gets nothing of this.
 * Locking: shrinkers register during boot and stay; the list is read without a lock. A task that
 * reclaims does not reclaim again from inside a shrinker. */
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/slab.h>

#include "mm_internal.h"

#define RECLAIM_BATCH 64
#define MAX_ATTEMPTS  16

static struct shrinker *shrinkers;
static DEFINE_SPINLOCK(shrinkers_lock, LOCK_LEAF);
/* Tasks inside reclaim: depth of one is enough, so a small table of owners does. */
static struct task *reclaimers[MAX_CPUS * 2];

void shrinker_register(struct shrinker *s)
{
	spin_lock(&shrinkers_lock);
	s->next = shrinkers;
	smp_store_release(&shrinkers, s);
	spin_unlock(&shrinkers_lock);
}

/* Marks current as reclaiming: a slot, or NULL when it already is or too many others are. */
static struct task **reclaim_enter(void)
{
	struct task **slot = NULL;

	spin_lock(&shrinkers_lock);
	for (unsigned int i = 0; i < ARRAY_SIZE(reclaimers); i++) {
		if (reclaimers[i] == current) {
			slot = NULL;
			break;
		}
		if (!reclaimers[i] && !slot)
			slot = &reclaimers[i];
	}
	if (slot)
		*slot = current;
	spin_unlock(&shrinkers_lock);
	return slot;
}

static u64 shrink_all(u64 want)
{
	u64 start = pages_free_count(), objects = 0;

	for (unsigned int pass = 0; pass < 4; pass++) {
		for (struct shrinker *s = READ_ONCE(shrinkers); s; s = s->next) {
			u64 have = s->count();

			if (!have)
				continue;
			/* A quarter, then half, then all: spread the loss before taking everything.
			 */
			objects += s->scan(max(have >> (3 - pass), min(have, (u64)RECLAIM_BATCH)));
			if (pages_free_count() >= start + want)
				return want;
		}
	}
	objects += kstack_trim() + pt_stores_trim();
	if (pages_free_count() > start)
		return pages_free_count() - start;
	/* Something went, but its pages may wait for a grace period. */
	return objects ? 1 : 0;
}

u64 reclaim(u64 want, gfp_t gfp)
{
	struct task **slot;
	u64 freed;

	if (!(gfp & GFP_KERNEL))
		return 0;
	might_sleep();
	slot = reclaim_enter();
	if (!slot)
		return 0;
	freed = shrink_all(want);
	WRITE_ONCE(*slot, NULL);
	return freed;
}

static void log_failure(unsigned int order, gfp_t gfp)
{
	static u64 last;
	u64 now = pages_free_count();

	/* One line for each new low, not one for each failure. */
	if (gfp & GFP_NOWARN || last == now + 1)
		return;
	last = now + 1;
	log_warn("mm", "no memory for order %u (flags %#x), %llu pages free", order, gfp,
		 (unsigned long long)now);
}

bool reclaim_for_alloc(unsigned int order, gfp_t gfp, unsigned int attempt)
{
	u64 want = max(1ul << order, (unsigned long)RECLAIM_BATCH);

	if (!(gfp & GFP_KERNEL) || in_atomic() || irqs_disabled() || attempt >= MAX_ATTEMPTS) {
		log_failure(order, gfp);
		return false;
	}
	if (attempt == 0 && !(gfp & GFP_NORETRY)) {
		page_caches_drain_all();
		return true;
	}
	if (reclaim(want, gfp))
		return true;
	if (gfp & GFP_NORETRY || order > 3)
		return false;
	/* A dying task must get through; another try is its chance, then it goes without. */
	if (current->flags & TF_OOM_VICTIM)
		return false;
	if (oom_kill("out of memory"))
		return true;
	log_failure(order, gfp);
	return false;
}
