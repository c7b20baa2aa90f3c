/* SPDX-License-Identifier: MIT */
/* What processes used: collected when threads end and children are reaped. siglock of the process
 * whose sums change. */
#include "proc_internal.h"

#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <uapi/resource.h>

/* t leaves p for good. CPU time as it was shown last, so that the sum does not jump. */
void rusage_add_dead_thread(struct process *p, struct task *t)
{
	u64 ut, st;

	task_cputime(t, &ut, &st);
	p->utime += ut;
	p->stime += st;
	p->sum_exec += t->se.sum_exec;
	p->nvcsw += t->nvcsw;
	p->nivcsw += t->nivcsw;
	p->min_flt += t->min_flt;
	p->maj_flt += t->maj_flt;
}

/* The child is dead: its leader is the only thread left. tasklist_lock held, siglocks not. */
void rusage_add_child(struct process *parent, struct process *child)
{
	u64 ut, st, rss = max(child->maxrss, child->cmaxrss);
	const struct task *t = child->leader;

	process_cputime(child, &ut, &st);
	spin_lock(&parent->siglock);
	parent->cutime += ut + child->cutime;
	parent->cstime += st + child->cstime;
	parent->cnvcsw += child->nvcsw + child->cnvcsw + t->nvcsw;
	parent->cnivcsw += child->nivcsw + child->cnivcsw + t->nivcsw;
	parent->cmin_flt += child->min_flt + child->cmin_flt + t->min_flt;
	parent->cmaj_flt += child->maj_flt + child->cmaj_flt + t->maj_flt;
	parent->cmaxrss = max(parent->cmaxrss, rss);
	spin_unlock(&parent->siglock);
}

static u64 mm_maxrss(const struct mm *mm)
{
	u64 pages = (u64)(atomic64_read(&mm->rss_anon) + atomic64_read(&mm->rss_file) +
			  atomic64_read(&mm->rss_shmem));

	return max(pages, mm->hiwater_rss) * (PAGE_SIZE / 1024);
}

/* An address space of p goes away (exec, exit). */
void rusage_note_rss(struct process *p, const struct mm *mm)
{
	p->maxrss = max(p->maxrss, mm_maxrss(mm));
}

static struct user_timeval timeval_from_ns(u64 ns)
{
	return (struct user_timeval){ (s64)(ns / NSEC_PER_SEC),
				      (s64)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

static void add_threads(struct process *p, struct user_rusage *ru)
{
	struct task *t;

	rcu_read_lock();
	list_for_each_entry_rcu(t, &p->threads, thread_node) {
		ru->ru_nvcsw += (s64)t->nvcsw;
		ru->ru_nivcsw += (s64)t->nivcsw;
		ru->ru_minflt += (s64)t->min_flt;
		ru->ru_majflt += (s64)t->maj_flt;
	}
	rcu_read_unlock();
	ru->ru_nvcsw += (s64)p->nvcsw;
	ru->ru_nivcsw += (s64)p->nivcsw;
	ru->ru_minflt += (s64)p->min_flt;
	ru->ru_majflt += (s64)p->maj_flt;
}

static void thread_rusage(struct user_rusage *ru)
{
	struct task *t = current;
	u64 ut, st;

	task_cputime(t, &ut, &st);
	ru->ru_utime = timeval_from_ns(ut);
	ru->ru_stime = timeval_from_ns(st);
	ru->ru_nvcsw = (s64)t->nvcsw;
	ru->ru_nivcsw = (s64)t->nivcsw;
	ru->ru_minflt = (s64)t->min_flt;
	ru->ru_majflt = (s64)t->maj_flt;
}

/* RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD (of current), or RUSAGE_BOTH (-2) for wait4. */
void process_rusage(struct process *p, int who, struct user_rusage *ru)
{
	u64 ut = 0, st = 0, rss = 0;

	memset(ru, 0, sizeof(*ru));
	if (who == RUSAGE_THREAD) {
		thread_rusage(ru);
		rss = p->maxrss;
	} else {
		if (who != RUSAGE_CHILDREN) {
			process_cputime(p, &ut, &st);
			add_threads(p, ru);
			rss = p->maxrss;
		}
		if (who == RUSAGE_CHILDREN || who == RUSAGE_BOTH) {
			ut += p->cutime;
			st += p->cstime;
			ru->ru_nvcsw += (s64)p->cnvcsw;
			ru->ru_nivcsw += (s64)p->cnivcsw;
			ru->ru_minflt += (s64)p->cmin_flt;
			ru->ru_majflt += (s64)p->cmaj_flt;
			rss = max(rss, p->cmaxrss);
		}
		ru->ru_utime = timeval_from_ns(ut);
		ru->ru_stime = timeval_from_ns(st);
	}
	if (who != RUSAGE_CHILDREN && p == current->process && current->mm)
		rss = max(rss, mm_maxrss(current->mm));
	ru->ru_maxrss = (s64)rss;
}

SYSCALL(getrusage, int, who, struct user_ptr, uru)
{
	struct user_rusage ru;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	process_rusage(current->process, who, &ru);
	return copy_to_user(uru, &ru, sizeof(ru));
}
