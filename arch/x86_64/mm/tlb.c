/* SPDX-License-Identifier: MIT */
/* Address-space switching and TLB shootdown.
 *
 * Generations: mm->arch.tlb_gen counts flushes of an address space. Each CPU remembers, for the one
 * it has loaded and (with PCID) for a few earlier ones, which generation its TLB knows. Whoever is
 * behind when it comes back flushes then; only CPUs that run the space now get an IPI. Lazy:    a
 * kernel thread keeps the page tables of whoever ran before. Such a CPU never touches user
 *          addresses, so it is left alone, except when tables are freed: the processor may walk
 * ahead of use. Order:   changer: entries, then generation, then mask of CPUs. Switcher: mask, then
 * generation, then CR3. Each step is a locked operation, so at least one of them sees the other.
 * Gather:  pages leave the page tables first, then every TLB, then they are freed.
 * Emulation: QEMU's software CPU does not walk ahead, so an address space that nobody runs any more
 *          can be taken down without a flush (a reload of CR3 costs it more than a system call). */
#include <arch/mmu.h>
#include <arch/ops.h>
#include <asm/cpu.h>
#include <asm/msr.h>
#include <kernel/atomic.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/sched.h>

#include "../../../src/mm/mm_internal.h"

#define CR3_NOFLUSH	(1ull << 63)
#define NR_CONTEXTS	6
#define FLUSH_PAGES_MAX 32 /* single-page flushes up to here, then everything */

/* Own CPU with interrupts off; lazy is read by others. */
struct tlb_state {
	struct mm *mm; /* what CR3 holds; NULL: kernel_pgd */
	u64 gen;       /* of mm */
	bool lazy;
	bool pcid_on;
	u8 slot; /* PCID - 1 of mm */
	u8 next_slot;
	struct {
		u64 ctx, gen;
	} known[NR_CONTEXTS];
};
static DEFINE_PER_CPU(struct tlb_state, tlb_state);

static void invlpg(u64 addr)
{
	__asm__ volatile("invlpg (%0)" ::"r"(addr) : "memory");
}

/* --- switching --- */

/* CR3 for mm: with PCID the translations of an earlier stay are kept when they are current. */
static u64 context_cr3(struct tlb_state *s, struct mm *mm, u64 gen)
{
	unsigned int i;
	bool current_gen = false;

	if (!s->pcid_on) {
		if (!cpu_features.pcid)
			return mm->arch.pgd_phys;
		write_cr4(read_cr4() | CR4_PCIDE);
		s->pcid_on = true;
	}
	for (i = 0; i < NR_CONTEXTS; i++)
		if (s->known[i].ctx == mm->arch.ctx)
			break;
	if (i < NR_CONTEXTS) {
		current_gen = s->known[i].gen == gen;
	} else {
		i = s->next_slot;
		s->next_slot = (u8)((i + 1) % NR_CONTEXTS);
		s->known[i].ctx = mm->arch.ctx;
	}
	s->known[i].gen = gen;
	s->slot = (u8)i;
	return mm->arch.pgd_phys | (i + 1) | (current_gen ? CR3_NOFLUSH : 0);
}

static void load_mm(struct tlb_state *s, struct mm *mm)
{
	u64 gen;

	set_bit(cpu_id(), mm->arch.cpus.bits);
	gen = __atomic_load_n(&mm->arch.tlb_gen, __ATOMIC_SEQ_CST);
	s->mm = mm;
	s->gen = gen;
	write_cr3(context_cr3(s, mm, gen));
}

static void leave_mm(struct tlb_state *s)
{
	if (!s->mm)
		return;
	s->known[s->slot].gen = s->gen;
	clear_bit(cpu_id(), s->mm->arch.cpus.bits);
	s->mm = NULL;
}

/* Drops all translations of the loaded space and takes over generation gen. */
static void flush_loaded(struct tlb_state *s, u64 gen)
{
	s->gen = gen;
	write_cr3(s->mm->arch.pgd_phys | (s->pcid_on ? s->slot + 1u : 0));
}

void arch_mm_switch(struct mm *prev __maybe_unused, struct mm *next, struct task *next_task)
{
	struct tlb_state *s = this_cpu_ptr(&tlb_state);

	if (!next_task->mm || !next) {
		WRITE_ONCE(s->lazy, true);
		return;
	}
	if (s->mm == next) {
		if (s->lazy) {
			u64 gen;

			__atomic_store_n(&s->lazy, false, __ATOMIC_SEQ_CST);
			gen = __atomic_load_n(&next->arch.tlb_gen, __ATOMIC_SEQ_CST);
			if (gen != s->gen)
				flush_loaded(s, gen);
		}
		return;
	}
	leave_mm(s);
	WRITE_ONCE(s->lazy, false);
	load_mm(s, next);
}

/* --- flushing --- */

struct flush {
	struct mm *mm;
	u64 start, end, gen;
	bool tables;
};

static void flush_local(const struct flush *f)
{
	struct tlb_state *s = this_cpu_ptr(&tlb_state);

	if (s->mm != f->mm)
		return;
	if (s->lazy) {
		/* Only freed tables matter to a lazy CPU: it lets go of the space. */
		if (f->tables) {
			leave_mm(s);
			write_cr3(kernel_cr3);
		}
		return;
	}
	if (s->gen >= f->gen)
		return;
	if (s->gen + 1 != f->gen || f->tables || f->end - f->start > FLUSH_PAGES_MAX * PAGE_SIZE) {
		flush_loaded(s, __atomic_load_n(&f->mm->arch.tlb_gen, __ATOMIC_SEQ_CST));
		return;
	}
	for (u64 at = f->start; at < f->end; at += PAGE_SIZE)
		invlpg(at);
	s->gen = f->gen;
}

static void flush_ipi(void *arg)
{
	flush_local(arg);
}

/* CPUs other than this one that must hear of the flush. */
static bool flush_targets(const struct flush *f, struct cpumask *mask)
{
	unsigned int self = cpu_id();
	bool any = false;

	for (unsigned int w = 0; w < ARRAY_SIZE(mask->bits); w++) {
		unsigned long bits = __atomic_load_n(&f->mm->arch.cpus.bits[w], __ATOMIC_SEQ_CST);

		mask->bits[w] = 0;
		while (bits) {
			unsigned int cpu = w * 64 + (unsigned int)__builtin_ctzl(bits);

			bits &= bits - 1;
			if (cpu == self ||
			    (!f->tables &&
			     __atomic_load_n(&per_cpu(tlb_state, cpu).lazy, __ATOMIC_SEQ_CST)))
				continue;
			mask->bits[w] |= 1ul << (cpu % 64);
			any = true;
		}
	}
	return any;
}

static void flush_mm(struct mm *mm, u64 start, u64 end, bool tables)
{
	struct flush f = { .mm = mm, .start = start, .end = end, .tables = tables };
	struct cpumask mask;
	irqflags_t flags;

	f.gen = __atomic_add_fetch(&mm->arch.tlb_gen, 1, __ATOMIC_SEQ_CST);
	preempt_disable();
	flags = irq_save();
	flush_local(&f);
	irq_restore(flags);
	if (cpu_online_count > 1 && flush_targets(&f, &mask))
		smp_call_mask(&mask, flush_ipi, &f);
	preempt_enable();
}

void tlb_flush_range(struct mm *mm, u64 start, u64 end)
{
	flush_mm(mm, start, end, false);
}

void tlb_flush_page(struct mm *mm, u64 addr)
{
	/* Nobody else has the space loaded, and (without PCID) whoever loads it starts afresh. */
	if (!cpu_features.pcid && MAX_CPUS <= 64) {
		bool alone;

		preempt_disable();
		/* The new entry first: whoever loads the space after our look must see it. */
		smp_mb();
		alone = __atomic_load_n(&mm->arch.cpus.bits[0], __ATOMIC_SEQ_CST) ==
			1ul << cpu_id();
		if (alone)
			invlpg(addr);
		preempt_enable();
		if (alone)
			return;
	}
	flush_mm(mm, addr, addr + PAGE_SIZE, false);
}

void tlb_flush_page_local(u64 addr)
{
	invlpg(addr);
}

static void flush_kernel_ipi(void *arg)
{
	const struct flush *f = arg;

	if (f->end - f->start > 64 * PAGE_SIZE) {
		irqflags_t flags = irq_save();
		u64 cr4 = read_cr4();

		write_cr4(cr4 & ~(u64)CR4_PGE);
		write_cr4(cr4);
		irq_restore(flags);
		return;
	}
	for (u64 at = f->start; at < f->end; at += PAGE_SIZE)
		invlpg(at);
}

void tlb_flush_kernel_range(u64 start, u64 end)
{
	struct flush f = { .start = start, .end = end };

	if (cpu_online_count > 1)
		smp_call_all(flush_kernel_ipi, &f);
	else
		flush_kernel_ipi(&f);
}

/* --- gathering --- */

void tlb_gather_init(struct tlb_batch *tb, struct mm *mm)
{
	tb->mm = mm;
	tb->start = ~0ul;
	tb->end = 0;
	tb->nr = 0;
	tb->tables_freed = false;
	tb->dead = false;
}

void tlb_gather_range(struct tlb_batch *tb, u64 start, u64 end)
{
	tb->start = min(tb->start, start);
	tb->end = max(tb->end, end);
}

bool tlb_gather_page(struct tlb_batch *tb, u64 addr, struct page *page)
{
	tlb_gather_range(tb, addr, addr + PAGE_SIZE);
	tb->pages[tb->nr++] = page;
	return tb->nr == TLB_BATCH_PAGES;
}

void tlb_gather_table(struct tlb_batch *tb, u64 addr, struct page *page)
{
	tb->tables_freed = true;
	if (tlb_gather_page(tb, addr, page))
		tlb_gather_flush(tb);
}

void tlb_gather_flush(struct tlb_batch *tb)
{
	if (tb->start < tb->end && !tb->dead)
		flush_mm(tb->mm, tb->start, tb->end, tb->tables_freed);
	if (tb->tables_freed) {
		unsigned int n = 0;

		for (unsigned int i = 0; i < tb->nr; i++) {
			struct page *p = tb->pages[i];

			if (p->flags & 1u << PG_PAGETABLE)
				pt_table_free(p);
			else
				tb->pages[n++] = p;
		}
		tb->nr = n;
	}
	if (tb->nr)
		pages_put_bulk(tb->pages, tb->nr);
	tb->nr = 0;
	tb->start = ~0ul;
	tb->end = 0;
	tb->tables_freed = false;
}

void tlb_gather_finish(struct tlb_batch *tb)
{
	tlb_gather_flush(tb);
}

/* The last user is gone: nobody runs in mm again, CPUs hold it lazily at most. Makes them let go,
 * so that its tables can be freed without further flushes. */
static void detach_ipi(void *arg)
{
	struct tlb_state *s = this_cpu_ptr(&tlb_state);

	if (s->mm == arg) {
		leave_mm(s);
		WRITE_ONCE(s->lazy, true);
		write_cr3(kernel_cr3);
	}
}

void tlb_gather_dead(struct tlb_batch *tb)
{
	struct mm *mm = tb->mm;
	irqflags_t flags;

	tb->dead = true;
	if (mm_cpu_emulated)
		return;
	preempt_disable();
	flags = irq_save();
	detach_ipi(mm);
	irq_restore(flags);
	if (cpu_online_count > 1)
		smp_call_mask(&mm->arch.cpus, detach_ipi, mm);
	preempt_enable();
}
