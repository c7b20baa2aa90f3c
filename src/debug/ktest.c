/* SPDX-License-Identifier: MIT */
/* Runs the self-tests of the ktests table: ktest=all, or ktest=prefix for those whose names begin
 * so. Results go to the first serial port as TAP, past the log; then the machine ends with a status
 * that tells (arch_test_end). */
#include <arch/ops.h>
#include <kernel/console.h>
#include <kernel/init.h>
#include <kernel/ktest.h>
#include <kernel/ktest_run.h>
#include <kernel/printf.h>
#include <kernel/string.h>

static void tap(const char *fmt, ...) __printf(1, 2);
static void tap(const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vscnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	early_console_write(line, (size_t)n);
}

static bool chosen(const struct ktest *t, const char *which)
{
	return strcmp(which, "all") == 0 || str_has_prefix(t->name, which);
}

void ktest_run_if_wanted(void)
{
	unsigned int n = 0, failed = 0;
	char which[64];

	if (!IS_ENABLED(CONFIG_KTEST) || !cmdline_get("ktest", which, sizeof(which)))
		return;
	TABLE_FOREACH(ktests, struct ktest, t)
		n += chosen(t, which);
	tap("TAP version 13\n1..%u\n", n);
	n = 0;
	TABLE_FOREACH(ktests, struct ktest, t) {
		struct ktest_result res = { NULL };

		if (!chosen(t, which))
			continue;
		t->fn(&res);
		n++;
		if (res.failed) {
			failed++;
			tap("not ok %u - %s\n# %s:%d: %s\n", n, t->name, res.file, res.line,
			    res.failed);
		} else {
			tap("ok %u - %s\n", n, t->name);
		}
	}
	tap("# %u passed, %u failed\n", n - failed, failed);
	arch_test_end(failed == 0);
}
