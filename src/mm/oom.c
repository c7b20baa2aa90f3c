/* SPDX-License-Identifier: MIT */
/* Out of memory: one process is chosen and killed, with a report in the log.
 *
 * Choice: the largest sum of mapped pages and page tables, shifted by oom_score_adj thousandths of
 *         memory; -1000 and process 1 are never chosen. While a victim is dying nobody else is
 * chosen: callers wait a little and try again. Locking: the process list under RCU; signals as
 * usual. May sleep. */
#include <kernel/log.h>
#include <kernel/proc.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/vmstat.h>

#include "vma.h"

#define VICTIM_PATIENCE_NS (200 * NSEC_PER_MSEC)

static DEFINE_SPINLOCK(oom_lock, LOCK_LEAF);
static struct process *victim; /* oom_lock: referenced */
static u64 victim_since;       /* oom_lock: ns */
static u64 kills;	       /* oom_lock */

u64 oom_kill_count(void)
{
	return READ_ONCE(kills);
}

struct mm *process_mm_grab(struct process *p)
{
	struct mm *mm = NULL;
	struct task *t;

	/* Not through p->leader: it may be reaped and freed while we hold the process. */
	rcu_read_lock();
	list_for_each_entry_rcu(t, &p->threads, thread_node)
	{
		spin_lock(&t->lock);
		mm = t->mm;
		if (mm)
			mm_grab(mm);
		spin_unlock(&t->lock);
		if (mm)
			break;
	}
	rcu_read_unlock();
	return mm;
}

/* Pages that killing p would give back, as a score; 0: leave it alone. */
s64 oom_score(struct process *p)
{
	int adj = READ_ONCE(p->oom_score_adj);
	struct mm *mm;
	s64 score;

	if (p == init_process || adj <= -1000 || READ_ONCE(p->group_flags) & GROUP_UNKILLABLE)
		return 0;
	mm = process_mm_grab(p);
	if (!mm)
		return 0;
	score = (s64)mm_rss(mm) + atomic64_read(&mm->pgtable_bytes) / (s64)PAGE_SIZE + 1;
	mm_drop(mm);
	score += (s64)adj * (s64)(pages_total_count() / 1000);
	return max(score, (s64)1);
}

/* The process with the highest score, referenced; NULL: nobody can be killed. */
static struct process *choose(s64 *score)
{
	struct process *best = NULL, *p;
	pid_t nr = 0;

	*score = 0;
	while ((p = process_next_get(&nr))) {
		s64 s = oom_score(p);

		nr++;
		if (s <= *score) {
			process_put(p);
			continue;
		}
		if (best)
			process_put(best);
		best = p;
		*score = s;
	}
	return best;
}

static void name_of(struct process *p, char name[16])
{
	struct task *t;

	name[0] = '\0';
	rcu_read_lock();
	list_for_each_entry_rcu(t, &p->threads, thread_node)
	{
		strscpy(name, t->comm, 16);
		break;
	}
	rcu_read_unlock();
}

static void report(const char *why, struct process *p, s64 score)
{
	struct sysinfo_mem i;
	char name[16];

	mm_info(&i);
	name_of(p, name);
	log_err("oom", "%s: %s (pid %d) asked, %s (pid %d, score %lld) dies", why, current->comm,
		current->process ? current->process->tgid : 0, name, p->tgid, (long long)score);
	log_err("oom",
		"pages: total %llu free %llu anon %llu cached %llu slab %llu tables %llu stacks "
		"%llu",
		(unsigned long long)i.total, (unsigned long long)i.free, (unsigned long long)i.anon,
		(unsigned long long)i.cached,
		(unsigned long long)(i.slab_reclaimable + i.slab_unreclaimable),
		(unsigned long long)i.page_tables, (unsigned long long)i.kernel_stacks);
}

/* Lets the dying one use the last pages, in every thread. */
static void mark_victim(struct process *p)
{
	struct task *t;

	rcu_read_lock();
	list_for_each_entry_rcu(t, &p->threads, thread_node)
		__atomic_fetch_or(&t->flags, TF_OOM_VICTIM, __ATOMIC_SEQ_CST);
	rcu_read_unlock();
}

/* True: a victim is still on its way out and deserves patience. */
static bool victim_pending(void)
{
	struct process *p;
	bool pending, drop = false;
	u64 since;

	spin_lock(&oom_lock);
	p = victim;
	since = victim_since;
	if (p)
		process_get(p);
	spin_unlock(&oom_lock);
	if (!p)
		return false;
	pending = oom_score(p) > 0 && ktime_get() - since < 50 * VICTIM_PATIENCE_NS;
	if (!pending) {
		spin_lock(&oom_lock);
		drop = victim == p;
		if (drop)
			victim = NULL;
		spin_unlock(&oom_lock);
	}
	process_put(p);
	if (drop)
		process_put(p);
	return pending;
}

static void wait_a_little(void)
{
	__set_current_state(TASK_KILLABLE);
	schedule_deadline(ktime_get() + VICTIM_PATIENCE_NS / 10);
}

bool oom_kill(const char *why)
{
	struct process *p, *old;
	s64 score;

	if (victim_pending()) {
		wait_a_little();
		return !fatal_signal_pending();
	}
	p = choose(&score);
	if (!p)
		return false;
	report(why, p, score);
	mark_victim(p);
	spin_lock(&oom_lock);
	kills++;
	vm_count(VM_OOM_KILL, 1);
	old = victim;
	victim = p;
	victim_since = ktime_get();
	spin_unlock(&oom_lock);
	if (old)
		process_put(old);
	send_signal_process(p, SIGKILL, NULL);
	/* The caller itself: it must come out of its allocation to die. */
	if (p == current->process)
		return false;
	wait_a_little();
	return true;
}
