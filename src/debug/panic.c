/* SPDX-License-Identifier: MIT */
/* The end: one CPU reports, all others stop, the machine ends in a way its host can see.
 *
 * The first CPU to get here owns the panic. A second panic of the same CPU (the report itself
 * failed) prints one line by polling and ends at once. Any other CPU halts. Nothing here takes a
 * lock that a stopped CPU may hold: the log breaks its own (console_flush_on_panic). */
#include <arch/irqflags.h>
#include <arch/ops.h>
#include <arch/regs.h>
#include <kernel/console.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/printf.h>
#include <kernel/sched.h>
#include <kernel/string.h>

static u32 panic_cpu; /* A: CPU + 1 */

bool panic_in_progress(void)
{
	return __atomic_load_n(&panic_cpu, __ATOMIC_RELAXED) != 0;
}

static void print_regs(const struct user_regs *r)
{
	typedef unsigned long long ull;
	char name[96];

	if (!ksym_lookup(r->rip, name, sizeof(name)))
		name[0] = '\0';
	log_printf(LOG_EMERG, "", "rip %04llx:%016llx %s", (ull)r->cs, (ull)r->rip, name);
	log_printf(LOG_EMERG, "", "rsp %04llx:%016llx  rflags %08llx  code %llx", (ull)r->ss,
		   (ull)r->rsp, (ull)r->rflags, (ull)r->orig_rax);
	log_printf(LOG_EMERG, "", "rax %016llx rbx %016llx rcx %016llx rdx %016llx", (ull)r->rax,
		   (ull)r->rbx, (ull)r->rcx, (ull)r->rdx);
	log_printf(LOG_EMERG, "", "rsi %016llx rdi %016llx rbp %016llx r8  %016llx", (ull)r->rsi,
		   (ull)r->rdi, (ull)r->rbp, (ull)r->r8);
	log_printf(LOG_EMERG, "", "r9  %016llx r10 %016llx r11 %016llx r12 %016llx", (ull)r->r9,
		   (ull)r->r10, (ull)r->r11, (ull)r->r12);
	log_printf(LOG_EMERG, "", "r13 %016llx r14 %016llx r15 %016llx", (ull)r->r13, (ull)r->r14,
		   (ull)r->r15);
}

static void print_backtrace(const struct user_regs *r)
{
	struct stack_trace st = { .nr = 0 };
	bool regs_start = r != NULL;
	char name[96];

	if (r)
		arch_backtrace(&st, r->rbp, r->rip);
	else
		arch_backtrace(&st, 0, 0);
	log_printf(LOG_EMERG, "", "Backtrace:");
	for (unsigned int i = 0; i < st.nr; i++) {
		/* A return address may be the first byte of the next function: one back is the
		 * call. */
		bool is_return = !regs_start || i > 0;

		if (!ksym_lookup(st.ip[i] - is_return, name, sizeof(name)))
			strscpy(name, "?", sizeof(name));
		log_printf(LOG_EMERG, "", "  %016llx %s", (unsigned long long)st.ip[i], name);
	}
}

static void __noreturn panic_common(const struct user_regs *regs, const char *text)
{
	u32 me = cpu_id() + 1, idle = 0;

	if (!try_cmpxchg(&panic_cpu, &idle, me)) {
		if (idle != me)
			arch_halt();
		early_console_write("\npanic inside a panic: ", 23);
		early_console_write(text, strlen(text));
		early_console_write("\n", 1);
		arch_panic_end();
	}
	smp_stop_others();
	/* From here on log records are printed at once, whatever holds the console. */
	console_flush_on_panic();
	log_printf(LOG_EMERG, "", "Kernel panic: %s", text);
	log_printf(LOG_EMERG, "", "CPU %u, task %u (%s)", me - 1, current ? current->tid : 0,
		   current ? current->comm : "");
	if (regs)
		print_regs(regs);
	print_backtrace(regs);
	console_flush_on_panic();
	arch_panic_end();
}

void panic(const char *fmt, ...)
{
	char text[256];
	va_list ap;

	irq_disable();
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	panic_common(NULL, text);
}

void panic_regs(const struct user_regs *regs, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	irq_disable();
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	panic_common(regs, text);
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("%s:%d: assertion failed: %s", file, line, expr);
}

/* The compiler's name: a function found its canary changed. */
void __stack_chk_fail(void) __noreturn;
void __stack_chk_fail(void)
{
	panic("stack of %pS is corrupted", __builtin_return_address(0));
}
