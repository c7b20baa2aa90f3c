/* SPDX-License-Identifier: MIT */
/* Texts of the top of /proc and of /proc/sys: rows about the whole machine. */
#include <arch/ops.h>
#include <fs/buffer.h>
#include <fs/procfs.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <kernel/kstrto.h>
#include <kernel/mm.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#define USER_HZ 100
#define NS_PER_TICK (NSEC_PER_SEC / USER_HZ)

static int uptime_show(struct strbuf *sb)
{
	struct cpu_times ct;
	u64 idle = 0, up = ktime_get() / (NSEC_PER_SEC / 100);

	for_each_online_cpu(c) {
		cpu_times_get(c, &ct);
		idle += ct.idle;
	}
	idle /= NSEC_PER_SEC / 100;
	sb_printf(sb, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
	return 0;
}
PROC_FILE(uptime, "uptime", 0444, uptime_show);

static int loadavg_show(struct strbuf *sb)
{
	u64 load[3];

	loadavg_get(load);
	for (int k = 0; k < 3; k++) {
		u64 v = load[k] + (1 << 11) / 200;

		sb_printf(sb, "%lu.%02lu ", v >> 11, (v & 2047) * 100 >> 11);
	}
	sb_printf(sb, "%lu/%u %d\n", nr_running_total(), task_count(), pid_last());
	return 0;
}
PROC_FILE(loadavg, "loadavg", 0444, loadavg_show);

static int cmdline_show(struct strbuf *sb)
{
	sb_printf(sb, "%s\n", boot_command_line);
	return 0;
}
PROC_FILE(cmdline, "cmdline", 0444, cmdline_show);

static void put_kb(struct strbuf *sb, const char *name, u64 pages)
{
	size_t at = sb->len;

	sb_puts(sb, name);
	sb_putc(sb, ':');
	while (sb->len - at < 16 && !sb->overflow)
		sb_putc(sb, ' ');
	sb_printf(sb, "%8lu kB\n", pages << 2);
}

static int meminfo_show(struct strbuf *sb)
{
	struct sysinfo_mem m;

	mm_info(&m);
	put_kb(sb, "MemTotal", m.total);
	put_kb(sb, "MemFree", m.free);
	put_kb(sb, "MemAvailable", m.available);
	put_kb(sb, "Buffers", m.buffers);
	put_kb(sb, "Cached", m.cached);
	put_kb(sb, "SwapCached", 0);
	put_kb(sb, "Active", m.anon + m.active_file);
	put_kb(sb, "Inactive", m.inactive_file);
	put_kb(sb, "Active(anon)", m.anon);
	put_kb(sb, "Inactive(anon)", 0);
	put_kb(sb, "Active(file)", m.active_file);
	put_kb(sb, "Inactive(file)", m.inactive_file);
	put_kb(sb, "SwapTotal", 0);
	put_kb(sb, "SwapFree", 0);
	put_kb(sb, "Dirty", m.dirty);
	put_kb(sb, "Writeback", m.writeback);
	put_kb(sb, "AnonPages", m.anon);
	put_kb(sb, "Mapped", m.mapped);
	put_kb(sb, "Shmem", m.shared);
	put_kb(sb, "KReclaimable", m.slab_reclaimable);
	put_kb(sb, "Slab", m.slab_reclaimable + m.slab_unreclaimable);
	put_kb(sb, "SReclaimable", m.slab_reclaimable);
	put_kb(sb, "SUnreclaim", m.slab_unreclaimable);
	put_kb(sb, "KernelStack", m.kernel_stacks);
	put_kb(sb, "PageTables", m.page_tables);
	put_kb(sb, "CommitLimit", m.commit_limit);
	put_kb(sb, "Committed_AS", m.committed);
	put_kb(sb, "VmallocTotal", (VMALLOC_END - VMALLOC_BASE) >> PAGE_SHIFT);
	put_kb(sb, "VmallocUsed", m.vmalloc_used);
	return 0;
}
PROC_FILE(meminfo, "meminfo", 0444, meminfo_show);

static void stat_cpu(struct strbuf *sb, const char *name, const struct cpu_times *t)
{
	sb_printf(sb, "%s %lu %lu %lu %lu %lu %lu %lu %lu 0 0\n", name,
		  t->user / NS_PER_TICK, t->nice / NS_PER_TICK, t->system / NS_PER_TICK,
		  t->idle / NS_PER_TICK, t->iowait / NS_PER_TICK, t->irq / NS_PER_TICK,
		  t->softirq / NS_PER_TICK, t->steal / NS_PER_TICK);
}

static int stat_show(struct strbuf *sb)
{
	struct cpu_times sum = { 0 }, t;
	char name[16];

	for_each_online_cpu(c) {
		cpu_times_get(c, &t);
		sum.user += t.user;
		sum.nice += t.nice;
		sum.system += t.system;
		sum.idle += t.idle;
		sum.iowait += t.iowait;
		sum.irq += t.irq;
		sum.softirq += t.softirq;
		sum.steal += t.steal;
	}
	stat_cpu(sb, "cpu ", &sum);
	for_each_online_cpu(c) {
		cpu_times_get(c, &t);
		scnprintf(name, sizeof(name), "cpu%u", c);
		stat_cpu(sb, name, &t);
	}
	sb_printf(sb, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %lu\n"
		      "procs_blocked 0\n",
		  irq_total(), nr_context_switches(),
		  (ktime_get_real() - ktime_get()) / NSEC_PER_SEC, forks_total(),
		  nr_running_total());
	return 0;
}
PROC_FILE(stat, "stat", 0444, stat_show);

static int cpuinfo_show(struct strbuf *sb)
{
	for_each_online_cpu(c)
		arch_cpuinfo(c, sb);
	return 0;
}
PROC_FILE(cpuinfo, "cpuinfo", 0444, cpuinfo_show);

static int interrupts_show(struct strbuf *sb)
{
	sb_pad(sb, 11);
	for_each_online_cpu(c)
		sb_printf(sb, "CPU%-8u", c);
	sb_putc(sb, '\n');
	for (unsigned int k = 0; irq_describe(k, sb); k++)
		;
	return 0;
}
PROC_FILE(interrupts, "interrupts", 0444, interrupts_show);

static int swaps_show(struct strbuf *sb)
{
	sb_puts(sb, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}
PROC_FILE(swaps, "swaps", 0444, swaps_show);

static int counters_show(struct strbuf *sb)
{
	TABLE_FOREACH(counters, struct counter, c) {
		u64 sum = 0;

		for_each_online_cpu(k)
			sum += READ_ONCE(*per_cpu_ptr(c->percpu, k));
		sb_printf(sb, "%s %lu\n", c->name, (unsigned long)sum);
	}
	return 0;
}
PROC_FILE(counters, "keelson/counters", 0444, counters_show);

static int cap_last_show(struct strbuf *sb)
{
	sb_puts(sb, "40\n");
	return 0;
}
PROC_FILE(cap_last_cap, "sys/kernel/cap_last_cap", 0444, cap_last_show);

static int ngroups_show(struct strbuf *sb)
{
	sb_puts(sb, "65536\n");
	return 0;
}
PROC_FILE(ngroups_max, "sys/kernel/ngroups_max", 0444, ngroups_show);
