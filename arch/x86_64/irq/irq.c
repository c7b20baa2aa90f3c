/* SPDX-License-Identifier: MIT */
/* Device interrupts: a vector for each line or message, a list of handlers for each vector.
 *
 * Locking:  desc_lock for changes. The interrupt itself walks the list without it: handlers are
 *           added by one store, and removed ones are freed after an RCU grace period (an interrupt
 *           handler is a reader).
 * Level lines may be shared; edge lines and messages have one handler, or several that all look. */
#include <arch/ops.h>
#include <asm/acpi.h>
#include <asm/apic.h>
#include <asm/cpu.h>
#include <asm/traps.h>
#include <kernel/errno.h>
#include <kernel/lock.h>
#include <kernel/log.h>
#include <kernel/printf.h>
#include <kernel/rcu.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define NR_VECTORS (VEC_DEVICE_LAST - VEC_DEVICE_FIRST + 1)
#define NO_GSI (~0u)

struct irq_action {
	struct irq_action *next; /* L to write, RCU to read */
	irq_handler_fn *fn;
	void *arg;
	char name[24];
	struct rcu_head rcu;
};
/* L: desc_lock */
static struct irq_desc {
	struct irq_action *actions; /* L, RCU */
	u32 gsi;		    /* L: NO_GSI for messages */
	bool used, level;	    /* L */
	u64 count;		    /* the boot CPU's own: all arrive there */
	u64 unhandled;
} descs[NR_VECTORS];
static DEFINE_MUTEX(desc_lock, LOCK_SLEEP_INNER);

void irq_device(unsigned int vector)
{
	struct irq_desc *d;
	bool handled = false;

	if (vector < VEC_DEVICE_FIRST || vector > VEC_DEVICE_LAST)
		return; /* a spurious one of the masked PIC: no end of interrupt wanted */
	d = &descs[vector - VEC_DEVICE_FIRST];
	d->count++;
	for (struct irq_action *a = rcu_dereference(d->actions); a; a = rcu_dereference(a->next))
		handled |= a->fn(a->arg);
	if (!handled)
		d->unhandled++;
	lapic_eoi();
}

/* Adds a handler to the vector of gsi, or to a new one. desc_lock held. Vector or -errno. */
static int add_action(u32 gsi, bool level, struct irq_action *a)
{
	unsigned int i, free = NR_VECTORS;

	for (i = 0; i < NR_VECTORS; i++) {
		if (descs[i].used && gsi != NO_GSI && descs[i].gsi == gsi)
			break;
		if (!descs[i].used && free == NR_VECTORS)
			free = i;
	}
	if (i == NR_VECTORS) {
		if (free == NR_VECTORS)
			return -ENOSPC;
		i = free;
		descs[i] = (struct irq_desc){ .used = true, .gsi = gsi, .level = level };
	} else if (descs[i].level != level || !level) {
		return -EBUSY;
	}
	a->next = descs[i].actions;
	rcu_assign_pointer(descs[i].actions, a);
	return (int)i + VEC_DEVICE_FIRST;
}

static int request(u32 gsi, bool level, bool low, const char *name, irq_handler_fn *fn, void *arg)
{
	struct irq_action *a = kzalloc(sizeof(*a), GFP_KERNEL);
	int rc, vector;

	if (!a)
		return -ENOMEM;
	a->fn = fn;
	a->arg = arg;
	strscpy(a->name, name, sizeof(a->name));
	mutex_lock(&desc_lock);
	vector = rc = add_action(gsi, level, a);
	if (rc >= 0 && gsi != NO_GSI && !a->next) {
		rc = ioapic_route(gsi, (unsigned int)vector, level, low);
		if (rc)
			descs[vector - VEC_DEVICE_FIRST] = (struct irq_desc){ .used = false };
	}
	mutex_unlock(&desc_lock);
	if (rc < 0)
		kfree(a);
	return rc < 0 ? rc : vector;
}

int irq_request_gsi(unsigned int gsi, bool level, bool low, const char *name, irq_handler_fn *fn,
		    void *arg)
{
	int rc = request(gsi, level, low, name, fn, arg);

	return rc < 0 ? rc : 0;
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

int irq_request_msi(const char *name, irq_handler_fn *fn, void *arg, u64 *addr, u32 *data)
{
	int vector = request(NO_GSI, false, false, name, fn, arg);

	if (vector < 0)
		return vector;
	*addr = 0xfee00000ull | (u64)cpu_apic_id[0] << 12;
	*data = (u32)vector;
	return 0;
}

void irq_free(const char *name, void *arg)
{
	struct irq_action *found = NULL;

	mutex_lock(&desc_lock);
	for (unsigned int i = 0; i < NR_VECTORS && !found; i++) {
		struct irq_desc *d = &descs[i];

		for (struct irq_action **p = &d->actions; *p; p = &(*p)->next) {
			if ((*p)->arg != arg || strncmp((*p)->name, name, sizeof((*p)->name) - 1))
				continue;
			found = *p;
			rcu_assign_pointer(*p, found->next);
			break;
		}
		if (found && !d->actions) {
			if (d->gsi != NO_GSI)
				ioapic_mask(d->gsi);
			synchronize_rcu();
			d->used = false;
		}
	}
	mutex_unlock(&desc_lock);
	if (found)
		kfree_rcu(found, rcu);
}

u64 irq_total(void)
{
	u64 n = 0;

	for_each_online_cpu(c)
		n += per_cpu(irq_count_timer, c) + per_cpu(irq_count_resched, c) +
		     per_cpu(irq_count_call, c);
	for (unsigned int i = 0; i < NR_VECTORS; i++)
		n += READ_ONCE(descs[i].count);
	return n;
}

static void describe_percpu(struct strbuf *sb, const char *tag, u64 *counter, const char *text)
{
	sb_printf(sb, "%4s:", tag);
	for_each_online_cpu(c)
		sb_printf(sb, " %10llu", (unsigned long long)per_cpu(*counter, c));
	sb_printf(sb, "   %s\n", text);
}

static void describe_device(struct strbuf *sb, const struct irq_desc *d, unsigned int vector)
{
	sb_printf(sb, "%4u:", d->gsi == NO_GSI ? vector : d->gsi);
	for_each_online_cpu(c)
		sb_printf(sb, " %10llu", c == 0 ? (unsigned long long)d->count : 0ull);
	sb_printf(sb, "   %s", d->gsi == NO_GSI ? "PCI-MSI" : d->level ? "IO-APIC-level" :
									   "IO-APIC-edge");
	for (const struct irq_action *a = d->actions; a; a = a->next)
		sb_printf(sb, "%s%s", a == d->actions ? "  " : ", ", a->name);
	sb_putc(sb, '\n');
}

bool irq_describe(unsigned int index, struct strbuf *sb)
{
	bool found = false;

	mutex_lock(&desc_lock);
	for (unsigned int i = 0; i < NR_VECTORS && !found; i++) {
		if (!descs[i].used || index--)
			continue;
		describe_device(sb, &descs[i], i + VEC_DEVICE_FIRST);
		found = true;
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
