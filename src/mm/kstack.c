/* SPDX-License-Identifier: MIT */
/* Kernel stacks.
 *
 * Owns:    the second half of the vmalloc area, cut into slots of twice the stack size: guard
 * below, stack above. A slot keeps its number for ever; its stack may be unmapped to give memory
 *          back.
 * Caches:  mapped stacks are kept, per CPU first, then in a global list, so that fork and exit
 * neither map nor unmap nor flush. A stack in a cache links through its own top word. Locking:
 * kstack_lock (LOCK_VMALLOC) for the global list and slot numbers; CPU caches: preemption off.
 * Lifetime: stacks are freed by RCU or after the task has left them. */
#include <arch/mmu.h>
#include <arch/thread.h>
#include <kernel/kasan.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include "mm_internal.h"

#define STACKS_BASE (VMALLOC_BASE + (256ul << 30))
#define SLOT_SIZE   (2 * KSTACK_SIZE)
#define MAX_SLOTS   (1u << 20)
#define CPU_CACHE   4
#define GLOBAL_MIN  8
#define GLOBAL_MAX  128

struct stack_cache {
	void *head;
	unsigned int count;
};

/* An unmapped slot that waits for reuse. */
struct empty_slot {
	struct empty_slot *next;
	u64 stack;
};

static DEFINE_PER_CPU(struct stack_cache, stack_cache);
static struct stack_cache global_cache; /* kstack_lock */
static struct empty_slot *empty_slots;	/* kstack_lock */
static u32 slots_used;			/* kstack_lock: slots ever handed out */
static atomic64_t mapped_stacks;
static DEFINE_SPINLOCK(kstack_lock, LOCK_VMALLOC);

static void **stack_link(void *stack)
{
	return (void **)((char *)stack + KSTACK_SIZE - 8);
}

static void cache_push(struct stack_cache *c, void *stack)
{
	*stack_link(stack) = c->head;
	c->head = stack;
	c->count++;
}

static void *cache_pop(struct stack_cache *c)
{
	void *stack = c->head;

	if (stack) {
		c->head = *stack_link(stack);
		c->count--;
	}
	return stack;
}

static u64 slot_get(void)
{
	struct empty_slot *e;
	u64 stack = 0;

	spin_lock(&kstack_lock);
	e = empty_slots;
	if (e) {
		empty_slots = e->next;
		stack = e->stack;
	} else if (slots_used < MAX_SLOTS) {
		stack = STACKS_BASE + (u64)slots_used++ * SLOT_SIZE + KSTACK_SIZE;
	}
	spin_unlock(&kstack_lock);
	kfree(e);
	return stack;
}

/* Without memory for the record the slot number is lost; addresses are plenty. */
static void slot_put(u64 stack)
{
	struct empty_slot *e = kmalloc(sizeof(*e), GFP_ATOMIC);

	if (!e)
		return;
	e->stack = stack;
	spin_lock(&kstack_lock);
	e->next = empty_slots;
	empty_slots = e;
	spin_unlock(&kstack_lock);
}

static noinline void *kstack_alloc_slow(void)
{
	void *stack;
	u64 slot;

	spin_lock(&kstack_lock);
	stack = cache_pop(&global_cache);
	spin_unlock(&kstack_lock);
	if (stack)
		return stack;
	slot = slot_get();
	if (!slot)
		return NULL;
	if (kva_map_new(slot, KSTACK_SIZE, GFP_KERNEL)) {
		slot_put(slot);
		return NULL;
	}
	atomic64_inc(&mapped_stacks);
	return (void *)slot;
}

void *kstack_alloc(void)
{
	void *stack;

	preempt_disable();
	stack = cache_pop(this_cpu_ptr(&stack_cache));
	preempt_enable();
	return likely(stack) ? stack : kstack_alloc_slow();
}

static void stack_unmap(void *stack)
{
	kva_unmap_free((u64)stack, KSTACK_SIZE);
	slot_put((u64)stack);
	atomic64_dec(&mapped_stacks);
}

void kstack_free(void *stack)
{
	/* Grace periods let dead tasks pile up: room for what a storm of forks frees at once. */
	unsigned int limit =
		(unsigned int)clamp(pages_total_count() / 2048, (u64)GLOBAL_MIN, (u64)GLOBAL_MAX);
	struct stack_cache *c;
	bool over;

	preempt_disable();
	c = this_cpu_ptr(&stack_cache);
	if (likely(c->count < CPU_CACHE)) {
		cache_push(c, stack);
		preempt_enable();
		return;
	}
	preempt_enable();
	spin_lock(&kstack_lock);
	over = global_cache.count >= limit;
	if (!over)
		cache_push(&global_cache, stack);
	spin_unlock(&kstack_lock);
	if (over)
		stack_unmap(stack);
}

u64 kstack_trim(void)
{
	u64 n = 0;

	for (;;) {
		void *stack;

		spin_lock(&kstack_lock);
		stack = cache_pop(&global_cache);
		spin_unlock(&kstack_lock);
		if (!stack)
			return n;
		stack_unmap(stack);
		n += KSTACK_SIZE >> PAGE_SHIFT;
	}
}

bool kstack_guard_hit(u64 addr)
{
	return addr >= STACKS_BASE && addr < STACKS_BASE + (u64)MAX_SLOTS * SLOT_SIZE &&
	       (addr - STACKS_BASE) % SLOT_SIZE < KSTACK_SIZE;
}

u64 kstack_pages(void)
{
	return (u64)atomic64_read(&mapped_stacks) * (KSTACK_SIZE >> PAGE_SHIFT);
}

void kstack_cpu_prepare(unsigned int cpu)
{
	per_cpu(stack_cache, cpu) = (struct stack_cache){ 0 };
}
