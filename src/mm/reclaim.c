/* SPDX-License-Identifier: MIT */
/* Memory pressure: keeping memory free, and what happens when the page allocator has none to give.
 *
 * Order of help: pages in CPU caches; clean pages of files, the least used first
 * (fs/pagecache/lru.c); when these are hard to find, shrinkers (dentries, inodes, buffers, spare
 * slabs, spare stacks), round robin with a share of what they say they have; then the OOM killer
 * for requests that may wait for it. A request that may not sleep gets nothing of this.
 * The thread "kswapd" does the same between two marks above the allocator's reserve, so that others
 * seldom have to. It is woken by whoever finds the low one passed.
 * Reclaim never writes: it asks the flusher to, and when there is nothing but dirty pages it waits
 * a moment for those under way. It only tries page locks, so any lock may be held by who allocates,
 * but for two things: a file system that holds locks which evicting an inode takes allocates
 * between nofs_save and nofs_restore, and spinlocks forbid GFP_KERNEL as ever.
 * Locking: shrinkers register during boot and stay; the list is read without a lock. A task that
 * reclaims does not reclaim again from inside a shrinker. */
#include <fs/pagecache.h>
#include <fs/procfs.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/slab.h>
#include <kernel/vmstat.h>
#include <kernel/wait.h>

#include "mm_internal.h"

#define RECLAIM_BATCH 64
#define MAX_ATTEMPTS  16
#define WRITE_PAUSE_NS (10 * NSEC_PER_MSEC)
#define REST_NS	      (100 * NSEC_PER_MSEC)

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

/* --- contexts --- */

u32 nofs_save(void)
{
	return __atomic_fetch_or(&current->flags, TF_NOFS, __ATOMIC_SEQ_CST) & TF_NOFS;
}

void nofs_restore(u32 old)
{
	if (!old)
		__atomic_fetch_and(&current->flags, ~TF_NOFS, __ATOMIC_SEQ_CST);
}

bool nofs_active(void)
{
	return current->flags & TF_NOFS;
}

/* --- reclaim --- */

static u64 shrink_all(u64 want)
{
	u64 start = pages_free_count(), objects = 0;

	for (unsigned int pass = 0; pass < 4; pass++) {
		for (struct shrinker *s = READ_ONCE(shrinkers); s; s = s->next) {
			u64 have = s->fs && nofs_active() ? 0 : s->count();

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

/* Pages of files: a part of them is looked at first, all when that is not enough. */
static u64 shrink_pages(u64 want)
{
	u64 have = page_lru_count(false) + page_lru_count(true), freed = 0;

	for (unsigned int shift = 3; freed < want && have; shift -= 1) {
		freed += page_lru_shrink(want - freed, max(have >> shift, 2 * want));
		if (!shift)
			break;
	}
	return freed;
}

/* Everything that could be freed is being written: a moment, then again. */
static bool wait_for_writing(void)
{
	if (!writeback_pages() && !dirty_pages())
		return false;
	flusher_kick_reclaim(RECLAIM_BATCH);
	__set_current_state(TASK_KILLABLE);
	schedule_deadline(ktime_get() + WRITE_PAUSE_NS);
	return true;
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
	freed = shrink_pages(want);
	if (freed < want)
		freed += shrink_all(want - freed);
	WRITE_ONCE(*slot, NULL);
	if (!freed && !(current->flags & TF_MEMALLOC) && wait_for_writing())
		freed = 1;
	return freed;
}

/* --- kswapd --- */

static DEFINE_WAIT_QUEUE(kswapd_wait);
static u32 kswapd_wanted; /* A */
static u64 kswapd_rest;	  /* A: ns until which it is of no use to ask */

void kswapd_wake(void)
{
	if (READ_ONCE(kswapd_wanted) || ktime_get() < READ_ONCE(kswapd_rest))
		return;
	WRITE_ONCE(kswapd_wanted, 1);
	smp_mb();
	wake_up_all(&kswapd_wait);
}

static int kswapd(void *arg __maybe_unused)
{
	__atomic_fetch_or(&current->flags, TF_MEMALLOC, __ATOMIC_SEQ_CST);
	for (;;) {
		u64 high = 5 * page_reserve_level(), freed = 1;

		wait_event(&kswapd_wait, READ_ONCE(kswapd_wanted));
		while (freed && pages_free_count() < high) {
			freed = reclaim(min(high - pages_free_count(), 256ull), GFP_KERNEL);
			cond_resched();
		}
		/* Nothing to be had: whoever needs memory finds out himself for a while. */
		if (!freed)
			WRITE_ONCE(kswapd_rest, ktime_get() + REST_NS);
		WRITE_ONCE(kswapd_wanted, 0);
	}
	return 0;
}

static int kswapd_init(void)
{
	struct task *t;

	return kthread_run(kswapd, NULL, &t, "kswapd");
}
INIT_HOOK(INIT_FS, kswapd_init);

/* --- drop_caches --- */

/* Until a pass finds little: names keep inodes, inodes keep nothing. */
static void drop_slab(void)
{
	u64 gone;

	vm_count(VM_DROP_SLAB, 1);
	do {
		gone = 0;
		for (struct shrinker *s = READ_ONCE(shrinkers); s; s = s->next)
			gone += s->scan(s->count());
	} while (gone > 10 && !fatal_signal_pending());
}

static s64 drop_caches_last;

static int drop_caches_show(struct strbuf *sb)
{
	sb_printf(sb, "%lld\n", (long long)drop_caches_last);
	return 0;
}

static int drop_caches_store(const char *text, size_t n __maybe_unused)
{
	int what;

	if (kstrtoint(text, 10, &what) || what < 1 || what > 4)
		return -EINVAL;
	drop_caches_last = what;
	if (what & 1)
		page_lru_drop();
	if (what & 2)
		drop_slab();
	return 0;
}
PROC_FILE_RW(drop_caches, "sys/vm/drop_caches", 0200, drop_caches_show, drop_caches_store);

/* --- allocation --- */

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

/* As long as something is being written there is hope. */
static unsigned int attempts_max(void)
{
	return dirty_pages() || writeback_pages() ? 64 * MAX_ATTEMPTS : MAX_ATTEMPTS;
}

bool reclaim_for_alloc(unsigned int order, gfp_t gfp, unsigned int attempt)
{
	u64 want = max(1ul << order, (unsigned long)RECLAIM_BATCH);

	if (!(gfp & GFP_KERNEL) || in_atomic() || irqs_disabled() || attempt >= attempts_max()) {
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
