/* SPDX-License-Identifier: MIT */
/* Device interrupts: a descriptor for each line or message, a list of handlers for each descriptor.
 *
 * Every CPU has vectors of its own: vector_desc[] says what they mean there. Lines of the I/O APICs
 * all arrive at the boot CPU; a message goes to the CPU that its requester names.
 * Locking:  desc_lock for changes. The interrupt itself walks vector_desc and the list of handlers
 *           without it: both change by one store, and what was removed is freed after an RCU grace
 *           period (an interrupt handler is a reader).
 * Level lines may be shared; edge lines and messages have one handler, or several that all look. */
#include <arch/ops.h>
#include <asm/acpi.h>
#include <asm/apic.h>
#include <asm/cpu.h>
#include <asm/traps.h>
#include <kernel/errno.h>
#include <kernel/list.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/rcu.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define NR_VECTORS (VEC_DEVICE_LAST - VEC_DEVICE_FIRST + 1)
#define FIRST_MESSAGE 24    /* numbers of messages start behind those of an I/O APIC's lines */
#define STORM_WINDOW 100000 /* interrupts of a line that nobody wanted: it is masked */

struct irq_action {
	struct irq_action *next; /* L to write, RCU to read */
	irq_handler_fn *fn;
	void *arg;
	char name[24];
	struct rcu_head rcu;
};
/* L: desc_lock  C: const  P: the CPU where it arrives */
struct irq_desc {
	struct irq_action *actions; /* L, RCU */
	u64 count;		    /* P */
	u64 unhandled, window;	    /* P: unwanted ones; count when the last STORM_WINDOW began */
	unsigned int number;	    /* C: line (GSI), or from FIRST_MESSAGE on */
	u16 cpu;		    /* C */
	u8 vector;		    /* C */
	bool message, level;	    /* C */
	struct list_head node;	    /* L: by number */
	struct rcu_head rcu;
};
static DEFINE_PER_CPU(struct irq_desc *[NR_VECTORS], vector_desc);
static LIST_HEAD(descs);
static DEFINE_MUTEX(desc_lock, LOCK_SLEEP_INNER);

/* A line that stays asserted without anybody's device asking would stop the boot CPU. */
static void irq_unhandled(struct irq_desc *d)
{
	if (++d->unhandled % STORM_WINDOW || !d->level)
		return;
	if (d->count - d->window < STORM_WINDOW + STORM_WINDOW / 100) {
		ioapic_mask(d->number);
		log_err("irq", "line %u: nobody's interrupt, switched off", d->number);
	}
	d->window = d->count;
}

void irq_device(unsigned int vector)
{
	struct irq_desc *d;
	bool handled = false;

	if (vector < VEC_DEVICE_FIRST || vector > VEC_DEVICE_LAST)
		return; /* a spurious one of the masked PIC: no end of interrupt wanted */
	/* Not this_cpu(): gcc forgets the segment of an array. */
	d = (*this_cpu_ptr(&vector_desc))[vector - VEC_DEVICE_FIRST];
	if (likely(d)) {
		d->count++;
		for (struct irq_action *a = rcu_dereference(d->actions); a;
		     a = rcu_dereference(a->next))
			handled |= a->fn(a->arg);
		if (unlikely(!handled))
			irq_unhandled(d);
	}
	lapic_eoi();
}

static struct irq_desc *desc_of_number(unsigned int number) MUST_HOLD(desc_lock)
{
	struct irq_desc *d;

	list_for_each_entry (d, &descs, node)
		if (d->number == number)
			return d;
	return NULL;
}

/* A descriptor with a free vector of cpu, in the list, no handlers yet. */
static int desc_new(unsigned int number, bool message, bool level, unsigned int cpu,
		    struct irq_desc **out) MUST_HOLD(desc_lock)
{
	struct irq_desc **map = per_cpu(vector_desc, cpu), *d, *at;
	unsigned int i;

	for (i = 0; i < NR_VECTORS && map[i]; i++)
		;
	if (i == NR_VECTORS)
		return -ENOSPC;
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	d->number = number;
	d->message = message;
	d->level = level;
	d->cpu = (u16)cpu;
	d->vector = (u8)(i + VEC_DEVICE_FIRST);
	list_for_each_entry (at, &descs, node)
		if (at->number > number)
			break;
	list_add_tail(&d->node, &at->node);
	rcu_assign_pointer(map[i], d);
	*out = d;
	return 0;
}

static void desc_drop(struct irq_desc *d) MUST_HOLD(desc_lock)
{
	if (!d->message)
		ioapic_mask(d->number);
	rcu_assign_pointer(per_cpu(vector_desc, d->cpu)[d->vector - VEC_DEVICE_FIRST], NULL);
	list_del(&d->node);
	kfree_rcu(d, rcu);
}

static struct irq_action *action_new(const char *name, irq_handler_fn *fn, void *arg)
{
	struct irq_action *a = kzalloc(sizeof(*a), GFP_KERNEL);

	if (a) {
		a->fn = fn;
		a->arg = arg;
		strscpy(a->name, name, sizeof(a->name));
	}
	return a;
}

static void action_add(struct irq_desc *d, struct irq_action *a) MUST_HOLD(desc_lock)
{
	a->next = d->actions;
	rcu_assign_pointer(d->actions, a);
}

int irq_request_gsi(unsigned int gsi, bool level, bool low, const char *name, irq_handler_fn *fn,
		    void *arg)
{
	struct irq_action *a = action_new(name, fn, arg);
	struct irq_desc *d;
	int rc = 0;

	if (!a)
		return -ENOMEM;
	mutex_lock(&desc_lock);
	d = desc_of_number(gsi);
	if (d) {
		rc = d->message || d->level != level || !level ? -EBUSY : 0;
		if (rc == 0)
			action_add(d, a);
	} else {
		rc = desc_new(gsi, false, level, 0, &d);
		if (rc == 0) {
			action_add(d, a);
			rc = ioapic_route(gsi, d->vector, level, low);
			if (rc)
				desc_drop(d);
		}
	}
	mutex_unlock(&desc_lock);
	if (rc)
		kfree_rcu(a, rcu);
	return rc;
}

int irq_request_isa(unsigned int isa, const char *name, irq_handler_fn *fn, void *arg)
{
	const struct acpi_override *o;

	if (isa >= 16)
		return -EINVAL;
	o = &acpi.isa[isa];
	if (o->set)
		return irq_request_gsi(o->gsi, o->level, o->low, name, fn, arg);
	return irq_request_gsi(isa, false, false, name, fn, arg);
}

int irq_request_pci(unsigned int line, const char *name, irq_handler_fn *fn, void *arg)
{
	const struct acpi_override *o;

	if (line < 16 && acpi.isa[line].set) {
		o = &acpi.isa[line];
		return irq_request_gsi(o->gsi, true, o->low, name, fn, arg);
	}
	return irq_request_gsi(line, true, true, name, fn, arg);
}

/* The lowest number from FIRST_MESSAGE on that is not in use. */
static unsigned int free_number(void) MUST_HOLD(desc_lock)
{
	unsigned int n = FIRST_MESSAGE;
	const struct irq_desc *d;

	list_for_each_entry (d, &descs, node) {
		if (d->number > n)
			break;
		if (d->number == n)
			n++;
	}
	return n;
}

int irq_request_msi(int cpu, const char *name, irq_handler_fn *fn, void *arg, u64 *addr, u32 *data)
{
	struct irq_action *a = action_new(name, fn, arg);
	struct irq_desc *d;
	int rc;

	if (!a)
		return -ENOMEM;
	/* The address has eight bits for the processor's id. */
	if (cpu < 0 || cpu >= (int)cpu_online_count || cpu_apic_id[cpu] > 0xff)
		cpu = 0;
	mutex_lock(&desc_lock);
	rc = desc_new(free_number(), true, false, (unsigned int)cpu, &d);
	if (rc == -ENOSPC && cpu)
		rc = desc_new(free_number(), true, false, 0, &d);
	if (rc == 0) {
		action_add(d, a);
		*addr = 0xfee00000ull | (u64)cpu_apic_id[d->cpu] << 12;
		*data = d->vector;
		rc = (int)d->number;
	}
	mutex_unlock(&desc_lock);
	if (rc < 0)
		kfree(a);
	return rc;
}

void irq_free(const char *name, void *arg)
{
	struct irq_action *found = NULL, **p;
	struct irq_desc *d;

	mutex_lock(&desc_lock);
	list_for_each_entry (d, &descs, node) {
		for (p = &d->actions; *p; p = &(*p)->next)
			if ((*p)->arg == arg &&
			    strncmp((*p)->name, name, sizeof((*p)->name) - 1) == 0)
				break;
		if (!*p)
			continue;
		found = *p;
		rcu_assign_pointer(*p, found->next);
		if (!d->actions)
			desc_drop(d);
		break;
	}
	mutex_unlock(&desc_lock);
	if (found) {
		synchronize_rcu(); /* the handler does not run any more */
		kfree(found);
	}
}

u64 irq_total(void)
{
	const struct irq_desc *d;
	u64 n = 0;

	for_each_online_cpu(c)
		n += per_cpu(irq_count_timer, c) + per_cpu(irq_count_resched, c) +
		     per_cpu(irq_count_call, c);
	mutex_lock(&desc_lock);
	list_for_each_entry (d, &descs, node)
		n += READ_ONCE(d->count);
	mutex_unlock(&desc_lock);
	return n;
}

static void describe_percpu(struct strbuf *sb, const char *tag, u64 *counter, const char *text)
{
	sb_printf(sb, "%4s:", tag);
	for_each_online_cpu(c)
		sb_printf(sb, " %10llu", (unsigned long long)per_cpu(*counter, c));
	sb_printf(sb, "   %s\n", text);
}

static void describe_device(struct strbuf *sb, const struct irq_desc *d)
{
	sb_printf(sb, "%4u:", d->number);
	for_each_online_cpu(c)
		sb_printf(sb, " %10llu", c == d->cpu ? (unsigned long long)d->count : 0ull);
	sb_printf(sb, "   %s", d->message ? "PCI-MSI-edge" : d->level ? "IO-APIC-level" :
									 "IO-APIC-edge");
	for (const struct irq_action *a = d->actions; a; a = a->next)
		sb_printf(sb, "%s%s", a == d->actions ? "  " : ", ", a->name);
	sb_putc(sb, '\n');
}

bool irq_describe(unsigned int index, struct strbuf *sb)
{
	const struct irq_desc *d;
	bool found = false;

	mutex_lock(&desc_lock);
	list_for_each_entry (d, &descs, node) {
		if (index--)
			continue;
		describe_device(sb, d);
		found = true;
		break;
	}
	mutex_unlock(&desc_lock);
	if (found)
		return true;
	if (index == 0)
		describe_percpu(sb, "LOC", &irq_count_timer, "Local timer interrupts");
	else if (index == 1)
		describe_percpu(sb, "RES", &irq_count_resched, "Rescheduling interrupts");
	else if (index == 2)
		describe_percpu(sb, "CAL", &irq_count_call, "Function call interrupts");
	else
		return false;
	return true;
}
