/* SPDX-License-Identifier: MIT */
/* The one place that turns an error inside the kernel into a report. */
#include <arch/ops.h>
#include <fs/procfs.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/sched.h>

static atomic64_t reports;
static bool panic_on_report;
static u32 reporting; /* A: CPU + 1 of who reports; a report inside a report is one line */

static void print_backtrace(void)
{
	struct stack_trace st = { .nr = 0 };
	char name[96];

	arch_backtrace(&st, 0, 0);
	for (unsigned int i = 0; i < st.nr && i < ARRAY_SIZE(st.ip); i++) {
		if (!ksym_lookup(st.ip[i], name, sizeof(name)))
			name[0] = '\0';
		log_printf(LOG_ERR, "", "  %016llx %s", (unsigned long long)st.ip[i], name);
	}
}

void report_bug(const char *file, int line, const char *fmt, ...)
{
	u32 me = cpu_id() + 1, idle = 0;
	char text[200];
	va_list ap;

	atomic64_inc(&reports);
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_printf(LOG_ERR, "report", "%s:%d: %s", file, line, text);
	if (__atomic_load_n(&reporting, __ATOMIC_RELAXED) == me)
		return;
	/* Two CPUs may report at once; only the nesting on one CPU must end. */
	(void)try_cmpxchg(&reporting, &idle, me);
	if (current)
		log_printf(LOG_ERR, "report", "CPU %u task %u %s", me - 1, current->tid,
			   current->comm);
	print_backtrace();
	if (panic_on_report)
		panic("report: %s:%d: %s", file, line, text);
	(void)cmpxchg(&reporting, me, 0u);
}

static int reports_show(struct strbuf *sb)
{
	sb_put_u64(sb, atomic64_read(&reports));
	sb_putc(sb, '\n');
	return 0;
}
PROC_FILE(reports, "keelson/reports", 0444, reports_show);

static int panic_on_report_param(const char *value)
{
	panic_on_report = value[0] != '0';
	return 0;
}
BOOT_PARAM("panic_on_report", panic_on_report_param);
