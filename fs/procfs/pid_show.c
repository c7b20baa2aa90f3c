/* SPDX-License-Identifier: MIT */
/* Texts of /proc/PID: stat, statm, status, comm, cmdline, environ, auxv, limits, io, oom_*, ... in
 * the formats of proc(5). Each function snapshots what it needs under the lock that guards it and
 * prints without locks. */
#include <arch/ops.h>
#include <drivers/tty.h>
#include <kernel/kstrto.h>
#include <kernel/mm.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "internal.h"

#define USER_HZ 100
#define NS_PER_TICK (NSEC_PER_SEC / USER_HZ)

struct sig_sets {
	u64 pending, shared, blocked, ignored, caught;
	u64 queued, limit;
};

struct tree_ids {
	pid_t ppid, pgid, sid, tgid, tid;
	unsigned int threads;
	int exit_signal, exit_code;
};

static char state_char(const struct task *t)
{
	u32 s = READ_ONCE(t->state);

	/* Whoever may wait for it sees a zombie, although it may still be on its way out. */
	if (READ_ONCE(t->exit_state) || s & TASK_DEAD)
		return 'Z';
	if (s & TASK_STOPPED)
		return 'T';
	if (s & TASK_TRACED)
		return 't';
	if (s & TASK_UNINTERRUPTIBLE)
		return 'D';
	return s & TASK_INTERRUPTIBLE ? 'S' : 'R';
}

static const char *state_name(char c)
{
	switch (c) {
	case 'Z':
		return "Z (zombie)";
	case 'T':
		return "T (stopped)";
	case 't':
		return "t (tracing stop)";
	case 'D':
		return "D (disk sleep)";
	case 'S':
		return "S (sleeping)";
	}
	return "R (running)";
}

static void get_ids(struct task *t, struct tree_ids *ids)
{
	irqflags_t f = spin_lock_irqsave(&tasklist_lock);
	struct process *p = t->process;

	ids->ppid = p->parent ? p->parent->tgid : 0;
	ids->pgid = p->pgrp ? p->pgrp->nr : 0;
	ids->sid = p->session ? p->session->nr : 0;
	ids->tgid = p->tgid;
	ids->tid = (pid_t)t->tid;
	ids->threads = p->nr_threads;
	ids->exit_signal = t->exit_signal;
	ids->exit_code = t->exit_code;
	spin_unlock_irqrestore(&tasklist_lock, f);
}

static void get_signals(struct task *t, struct sig_sets *s)
{
	struct process *p = t->process;
	struct sigpending *sp;
	struct list_head *n;
	irqflags_t f = spin_lock_irqsave(&p->siglock);

	memset(s, 0, sizeof(*s));
	s->pending = t->pending.set;
	s->shared = p->shared_pending.set;
	s->blocked = t->blocked;
	for (sp = &t->pending; sp; sp = sp == &t->pending ? &p->shared_pending : NULL)
		for (n = sp->queue.next; n && n != &sp->queue; n = n->next)
			s->queued++;
	s->limit = p->rlim[RLIMIT_SIGPENDING].cur;
	if (t->sighand) {
		spin_lock(&t->sighand->lock);
		for (int k = 0; k < 64; k++) {
			u64 h = t->sighand->action[k].handler;

			if (h == 1)
				s->ignored |= 1ull << k;
			else if (h != 0)
				s->caught |= 1ull << k;
		}
		spin_unlock(&t->sighand->lock);
	}
	spin_unlock_irqrestore(&p->siglock, f);
}

/* CPU time of one thread, or of the whole process with its dead threads. ns */
static void get_times(struct task *t, bool whole, u64 *ut, u64 *st)
{
	struct process *p = t->process;
	struct task *o;
	irqflags_t f;
	u64 u, s;

	if (!whole) {
		task_cputime(t, ut, st);
		return;
	}
	f = spin_lock_irqsave(&tasklist_lock);
	*ut = p->utime;
	*st = p->stime;
	list_for_each_entry(o, &p->threads, thread_node) {
		task_cputime(o, &u, &s);
		*ut += u;
		*st += s;
	}
	spin_unlock_irqrestore(&tasklist_lock, f);
}

struct mm_snap {
	u64 vsize, rss, code_start, code_end, stack, data_start, data_end, brk, arg_start, arg_end,
		env_start, env_end, anon, file, shmem, locked, data, stk, exec, hiwater, pgtables;
};

static bool get_mm(struct task *t, struct mm_snap *m)
{
	struct mm *mm = task_mm_get(t);

	memset(m, 0, sizeof(*m));
	if (!mm)
		return false;
	down_read(&mm->lock);
	m->vsize = mm->total_pages << PAGE_SHIFT;
	m->anon = (u64)max_t(s64, 0, atomic64_read(&mm->rss_anon));
	m->file = (u64)max_t(s64, 0, atomic64_read(&mm->rss_file));
	m->shmem = (u64)max_t(s64, 0, atomic64_read(&mm->rss_shmem));
	m->rss = m->anon + m->file + m->shmem;
	m->hiwater = max(mm->hiwater_rss, m->rss);
	m->code_start = mm->start_code;
	m->code_end = mm->end_code;
	m->stack = mm->start_stack;
	m->data_start = mm->start_data;
	m->data_end = mm->end_data;
	m->brk = mm->start_brk;
	m->arg_start = mm->arg_start;
	m->arg_end = mm->arg_end;
	m->env_start = mm->env_start;
	m->env_end = mm->env_end;
	m->locked = mm->locked_pages;
	m->data = mm->data_pages;
	m->stk = mm->stack_pages;
	m->exec = mm->exec_pages;
	m->pgtables = (u64)max_t(s64, 0, atomic64_read(&mm->pgtable_bytes));
	up_read(&mm->lock);
	mm_put(mm);
	return true;
}

/* --- stat --- */

static int stat_common(struct task *t, struct strbuf *sb, bool whole)
{
	bool may = !ptrace_permitted(t);
	struct process *p = t->process;
	struct tree_ids id;
	struct sig_sets sig;
	struct mm_snap m;
	u64 ut, st;
	dev_t tty_dev = 0;
	pid_t tpgid = -1;
	char comm[16];
	int prio;

	get_ids(t, &id);
	get_signals(t, &sig);
	get_mm(t, &m);
	get_times(t, whole, &ut, &st);
	tty_proc_info(p, &tty_dev, &tpgid);
	strscpy(comm, t->comm, sizeof(comm));
	prio = t->rt_prio ? -1 - t->rt_prio : 20 + t->nice;

	sb_printf(sb, "%d (%s) %c %d %d %d %d %d %u", whole ? id.tgid : id.tid, comm, state_char(t),
		  id.ppid, id.pgid, id.sid, (int)dev_encode(tty_dev), tpgid,
		  (t->flags & TF_KTHREAD ? 0x00200000u : 0x00400000u) |
			  (t->flags & TF_FORKNOEXEC ? 0x40u : 0) |
			  (t->flags & TF_EXITING ? 0x4u : 0));
	sb_printf(sb, " %lu %lu %lu %lu", t->min_flt + (whole ? p->min_flt : 0), p->cmin_flt,
		  t->maj_flt + (whole ? p->maj_flt : 0), p->cmaj_flt);
	sb_printf(sb, " %lu %lu %lu %lu", ut / NS_PER_TICK, st / NS_PER_TICK,
		  p->cutime / NS_PER_TICK, p->cstime / NS_PER_TICK);
	sb_printf(sb, " %d %d %u 0 %lu %lu %lu %lu", prio, t->nice, id.threads,
		  t->start_time / NS_PER_TICK, m.vsize, m.rss, p->rlim[RLIMIT_RSS].cur);
	sb_printf(sb, " %lu %lu %lu 0 0", may ? m.code_start : 1, may ? m.code_end : 1,
		  may ? m.stack : 0);
	sb_printf(sb, " %lu %lu %lu %lu", (sig.pending | sig.shared) & 0x7fffffff,
		  sig.blocked & 0x7fffffff, sig.ignored & 0x7fffffff, sig.caught & 0x7fffffff);
	sb_printf(sb, " %d 0 0 %d %u %d %d 0 0 0", state_char(t) == 'S' || state_char(t) == 'D',
		  id.exit_signal, t->cpu, t->rt_prio, t->policy);
	sb_printf(sb, " %lu %lu %lu %lu %lu %lu %lu %d\n", may ? m.data_start : 0,
		  may ? m.data_end : 0, may ? m.brk : 0, may ? m.arg_start : 0, may ? m.arg_end : 0,
		  may ? m.env_start : 0, may ? m.env_end : 0, may ? id.exit_code : 0);
	return 0;
}

static int stat_show(struct task *t, struct strbuf *sb)
{
	return stat_common(t, sb, thread_group_leader(t));
}
PROC_PID_FILE(stat, "stat", 0444, stat_show);

static int statm_show(struct task *t, struct strbuf *sb)
{
	struct mm_snap m;

	get_mm(t, &m);
	sb_printf(sb, "%lu %lu %lu %lu 0 %lu 0\n", m.vsize >> PAGE_SHIFT, m.rss, m.file + m.shmem,
		  (ALIGN_UP(m.code_end, PAGE_SIZE) - ALIGN_DOWN(m.code_start, PAGE_SIZE)) >>
			  PAGE_SHIFT,
		  m.data + m.stk);
	return 0;
}
PROC_PID_FILE(statm, "statm", 0444, statm_show);

/* --- status --- */

static void status_cred(struct task *t, struct strbuf *sb)
{
	const struct cred *c = task_cred_get(t);

	sb_printf(sb, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid,
		  c->fsuid, c->gid, c->egid, c->sgid, c->fsgid);
	sb_printf(sb, "FDSize:\t%u\nGroups:\t", 64u);
	for (unsigned int k = 0; c->groups && k < c->groups->n; k++)
		sb_printf(sb, "%u ", c->groups->gid[k]);
	sb_puts(sb, "\n");
	cred_put(c);
}

static void status_caps(struct task *t, struct strbuf *sb)
{
	const struct cred *c = task_cred_get(t);

	sb_printf(sb, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n"
		      "CapAmb:\t%016lx\nNoNewPrivs:\t%d\nSeccomp:\t0\n",
		  c->cap_inheritable, c->cap_permitted, c->cap_effective, c->cap_bset,
		  c->cap_ambient, t->no_new_privs);
	cred_put(c);
}

static void status_mm(struct task *t, struct strbuf *sb)
{
	struct mm_snap m;

	if (!get_mm(t, &m))
		return;
	sb_printf(sb, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t%8lu kB\nVmPin:\t%8u kB\n"
		      "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n",
		  m.vsize >> 10, m.vsize >> 10, m.locked << 2, 0u, m.hiwater << 2, m.rss << 2);
	sb_printf(sb, "RssAnon:\t%8lu kB\nRssFile:\t%8lu kB\nRssShmem:\t%8lu kB\n", m.anon << 2,
		  m.file << 2, m.shmem << 2);
	sb_printf(sb, "VmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t%8lu kB\n"
		      "VmPTE:\t%8lu kB\nVmSwap:\t%8u kB\n",
		  m.data << 2, m.stk << 2, (m.code_end - m.code_start) >> 10,
		  (m.exec << 2) - min(m.exec << 2, (m.code_end - m.code_start) >> 10),
		  m.pgtables >> 10, 0u);
}

static void status_affinity(struct task *t, struct strbuf *sb)
{
	unsigned int first = 1;
	u64 mask = t->affinity.bits[0];

	if (cpu_online_count < 64)
		mask &= (1ull << cpu_online_count) - 1;
	sb_printf(sb, "Cpus_allowed:\t%lx\nCpus_allowed_list:\t", mask);
	for (unsigned int c = 0; c < 64;) {
		unsigned int end = c;

		if (!(mask >> c & 1)) {
			c++;
			continue;
		}
		while (end + 1 < 64 && (mask >> (end + 1) & 1))
			end++;
		sb_printf(sb, end > c ? "%s%u-%u" : "%s%u", first ? "" : ",", c, end);
		first = 0;
		c = end + 1;
	}
	sb_puts(sb, "\n");
}

static int status_show(struct task *t, struct strbuf *sb)
{
	struct tree_ids id;
	struct sig_sets s;

	get_ids(t, &id);
	get_signals(t, &s);
	sb_puts(sb, "Name:\t");
	sb_puts_escaped(sb, t->comm, "\n\\");
	sb_printf(sb, "\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\n"
		      "TracerPid:\t0\n",
		  t->fs ? t->fs->umask : 0, state_name(state_char(t)), id.tgid, id.tid, id.ppid);
	status_cred(t, sb);
	sb_printf(sb, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n", id.tgid, id.tid,
		  id.pgid, id.sid);
	status_mm(t, sb);
	sb_printf(sb,
		  "Threads:\t%u\nSigQ:\t%lu/%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\n"
		  "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		  id.threads, s.queued, s.limit, s.pending, s.shared, s.blocked, s.ignored,
		  s.caught);
	status_caps(t, sb);
	status_affinity(t, sb);
	sb_printf(sb, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		  t->nvcsw, t->nivcsw);
	return 0;
}
PROC_PID_FILE(status, "status", 0444, status_show);

/* --- names and strings --- */

static int comm_show(struct task *t, struct strbuf *sb)
{
	char comm[16];

	strscpy(comm, t->comm, sizeof(comm));
	sb_printf(sb, "%s\n", comm);
	return 0;
}

static int comm_store(struct task *t, const char *text, size_t n)
{
	char comm[16];

	if (t->process != current->process)
		return -EINVAL;
	n = min(n, sizeof(comm) - 1);
	memcpy(comm, text, n);
	comm[n] = '\0';
	if (n && comm[n - 1] == '\n')
		comm[n - 1] = '\0';
	comm_set(t, comm);
	return 0;
}
TABLE_ENTRY(proc_pid_files, struct proc_pid_file, comm) = {
	.name = "comm", .mode = 0644, .per_thread = true, .show = comm_show, .store = comm_store,
};

static int show_mm_range(struct task *t, struct strbuf *sb, bool env)
{
	struct mm *mm = task_mm_get(t);
	u64 a, end;
	char *buf;

	if (!mm)
		return 0;
	a = env ? mm->env_start : mm->arg_start;
	end = env ? mm->env_end : mm->arg_end;
	buf = kmalloc(1024, GFP_KERNEL);
	while (buf && a < end) {
		size_t n = mm_read(mm, a, buf, min_t(u64, end - a, 1024));

		if (!n)
			break;
		sb_write(sb, buf, n);
		a += n;
	}
	kfree(buf);
	mm_put(mm);
	return buf ? 0 : -ENOMEM;
}

static int cmdline_show(struct task *t, struct strbuf *sb)
{
	return show_mm_range(t, sb, false);
}
PROC_PID_FILE(cmdline, "cmdline", 0444, cmdline_show);

static int environ_show(struct task *t, struct strbuf *sb)
{
	return show_mm_range(t, sb, true);
}
PROC_PID_FILE(environ, "environ", 0400, environ_show);

static int auxv_show(struct task *t, struct strbuf *sb)
{
	struct mm *mm = task_mm_get(t);
	unsigned int n = 0;

	if (!mm)
		return 0;
	while (n + 2 < ARRAY_SIZE(mm->saved_auxv) && mm->saved_auxv[n])
		n += 2;
	sb_write(sb, mm->saved_auxv, (n + 2) * sizeof(u64));
	mm_put(mm);
	return 0;
}
PROC_PID_FILE(auxv, "auxv", 0400, auxv_show);

/* --- limits, io, oom, misc --- */

static int limits_show(struct task *t, struct strbuf *sb)
{
	static const struct {
		const char *name, *unit;
	} rows[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = { "Max cpu time", "seconds" },
		[RLIMIT_FSIZE] = { "Max file size", "bytes" },
		[RLIMIT_DATA] = { "Max data size", "bytes" },
		[RLIMIT_STACK] = { "Max stack size", "bytes" },
		[RLIMIT_CORE] = { "Max core file size", "bytes" },
		[RLIMIT_RSS] = { "Max resident set", "bytes" },
		[RLIMIT_NPROC] = { "Max processes", "processes" },
		[RLIMIT_NOFILE] = { "Max open files", "files" },
		[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
		[RLIMIT_AS] = { "Max address space", "bytes" },
		[RLIMIT_LOCKS] = { "Max file locks", "locks" },
		[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
		[RLIMIT_NICE] = { "Max nice priority", "" },
		[RLIMIT_RTPRIO] = { "Max realtime priority", "" },
		[RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};
	char v[2][24];

	sb_printf(sb, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (int k = 0; k < RLIM_NLIMITS; k++) {
		struct rlimit64 r = t->process->rlim[k];

		for (int h = 0; h < 2; h++) {
			u64 x = h ? r.max : r.cur;

			if (x == RLIM_INFINITY)
				strscpy(v[h], "unlimited", sizeof(v[h]));
			else
				scnprintf(v[h], sizeof(v[h]), "%lu", x);
		}
		sb_printf(sb, "%-25s %-20s %-20s %-10s\n", rows[k].name, v[0], v[1], rows[k].unit);
	}
	return 0;
}
PROC_PID_FILE(limits, "limits", 0444, limits_show);

static int io_show(struct task *t, struct strbuf *sb)
{
	sb_printf(sb, "rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: %lu\n"
		      "write_bytes: %lu\ncancelled_write_bytes: %lu\n",
		  t->rchar, t->wchar, t->syscr, t->syscw, t->io_read, t->io_write, t->io_cancelled);
	return 0;
}
PROC_PID_FILE(io, "io", 0400, io_show);

static int oom_adj_show(struct task *t, struct strbuf *sb)
{
	sb_printf(sb, "%d\n", t->process->oom_score_adj);
	return 0;
}

static int oom_adj_store(struct task *t, const char *text, size_t n __maybe_unused)
{
	int v;

	if (kstrtoint(text, 0, &v) || v < -1000 || v > 1000)
		return -EINVAL;
	if (v < t->process->oom_score_adj && !capable(24 /* CAP_SYS_RESOURCE */))
		return -EACCES;
	WRITE_ONCE(t->process->oom_score_adj, v);
	return 0;
}
TABLE_ENTRY(proc_pid_files, struct proc_pid_file, oom_score_adj) = {
	.name = "oom_score_adj", .mode = 0644, .per_thread = true, .show = oom_adj_show,
	.store = oom_adj_store,
};

static int oom_score_show(struct task *t, struct strbuf *sb)
{
	struct mm_snap m;
	struct sysinfo_mem mi;
	s64 score;

	get_mm(t, &m);
	mm_info(&mi);
	score = (s64)(m.rss * 1000 / max_t(u64, 1, mi.total)) + t->process->oom_score_adj;
	sb_printf(sb, "%lld\n", (long long)clamp(score * 2 / 3 + 666, (s64)0, (s64)2000));
	return 0;
}
PROC_PID_FILE(oom_score, "oom_score", 0444, oom_score_show);

static int wchan_show(struct task *t, struct strbuf *sb)
{
	char sym[64];
	u64 rip, rbp;

	if (t != current && READ_ONCE(t->state) != TASK_RUNNING && !ptrace_permitted(t) &&
	    arch_saved_frame(t, &rip, &rbp) && ksym_lookup(rip, sym, sizeof(sym))) {
		*strchrnul(sym, '+') = '\0';
		sb_puts(sb, sym);
	} else {
		sb_puts(sb, "0");
	}
	return 0;
}
PROC_PID_FILE(wchan, "wchan", 0444, wchan_show);

static int personality_show(struct task *t __maybe_unused, struct strbuf *sb)
{
	sb_puts(sb, "00000000\n");
	return 0;
}
PROC_PID_FILE(personality, "personality", 0400, personality_show);

static int cgroup_show(struct task *t __maybe_unused, struct strbuf *sb)
{
	sb_puts(sb, "0::/\n");
	return 0;
}
PROC_PID_FILE(cgroup, "cgroup", 0444, cgroup_show);

static int stack_show(struct task *t, struct strbuf *sb)
{
	struct stack_trace st = { .nr = 0 };
	u64 rip, rbp;
	char sym[80];

	if (!capable(21 /* CAP_SYS_ADMIN */))
		return -EACCES;
	if (t == current || READ_ONCE(t->on_cpu) || !arch_saved_frame(t, &rip, &rbp))
		return 0;
	arch_backtrace(&st, rbp, rip);
	for (unsigned int k = 0; k < st.nr; k++)
		if (ksym_lookup(st.ip[k], sym, sizeof(sym)))
			sb_printf(sb, "[<0>] %s\n", sym);
	return 0;
}
PROC_PID_FILE(stack, "stack", 0400, stack_show);
