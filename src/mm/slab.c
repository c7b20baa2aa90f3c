/* SPDX-License-Identifier: MIT */
/* Object caches.
 *
 * Owns:    slabs (blocks of 1 << order pages cut into objects of one size) and, on every CPU, a
 * list of free objects for each cache. Allocation pops that list, freeing pushes; batches move
 *          between it and the slabs under cache->lock.
 * Slab:    all pages carry PG_SLAB and owner = cache; the head page (frame number rounded down to
 * the order) keeps index = objects out of the slab (a CPU's list counts as out), mapcount = offset
 * of the first free object / 8, or -1, and the links of the partial list. Object:  [ object | red
 * zone 8, with CONFIG_POISON | link 8, when outside ]. The link of a free object overlays its first
 * word, except where somebody may still look at a free object (SLAB_RCU), a constructor ran, or
 * debugging wants the whole object as a pattern. Links:   stored xored with a secret and their own
 * address, so that an overrun or a use after free yields a wild pointer that faults instead of a
 * chosen one. RCU:     a slab of a SLAB_RCU cache goes back to the page allocator after a grace
 * period; the rcu_head overlays owner and the links of its head page. Locking: cache->lock
 * (LOCK_SLAB), interrupts off; CPU lists: own CPU, interrupts off. Any context. */
#include <kernel/init.h>
#include <kernel/kasan.h>
#include <kernel/log.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/slab.h>
#include <kernel/size.h>
#include <kernel/string.h>
#include <arch/ops.h>

#include "buddy.h"
#include "mm_internal.h"
#include "slab.h"

#define POISON_INUSE 0x5a
#define POISON_FREED 0x6b
#define REDZONE_LIVE 0xcc5533aacc5533aaull
#define REDZONE_DEAD 0x33aacc5533aacc55ull

struct kmem_cpu {
	void *free;
	u32 count;
};

static DEFINE_PER_CPU(struct kmem_cpu, kmem_cpu[MAX_CACHES]);
static struct kmem_cache caches[MAX_CACHES];
static unsigned int nr_caches;
static DEFINE_SPINLOCK(caches_lock, LOCK_LEAF);
static u64 slab_secret __ro_after_init;

/* --- links --- */

static inline void **link_at(const struct kmem_cache *c, void *obj)
{
	return (void **)((char *)obj + c->link);
}

static inline void *link_code(void *v, void **where)
{
	return (void *)((u64)v ^ slab_secret ^ (u64)where << 17);
}

static inline void *link_get(const struct kmem_cache *c, void *obj)
{
	void **at = link_at(c, obj);

	return link_code(*at, at);
}

static inline void link_set(const struct kmem_cache *c, void *obj, void *next)
{
	void **at = link_at(c, obj);

	*at = link_code(next, at);
}

/* --- debug patterns --- */

static inline u64 *redzone(const struct kmem_cache *c, void *obj)
{
	return (u64 *)((char *)obj + c->redzone);
}

static bool cache_keeps_content(const struct kmem_cache *c)
{
	return c->ctor || c->flags & SLAB_RCU;
}

static void debug_free(struct kmem_cache *c, void *obj)
{
	u64 *rz = redzone(c, obj);

	if (unlikely(*rz != REDZONE_LIVE))
		REPORT("%s: %s of %p, red zone %#llx", c->name,
		       *rz == REDZONE_DEAD ? "second free" : "free after an overrun", obj,
		       (unsigned long long)*rz);
	*rz = REDZONE_DEAD;
	if (!cache_keeps_content(c))
		memset(obj, POISON_FREED, c->size);
}

static void debug_alloc(struct kmem_cache *c, void *obj)
{
	u64 *rz = redzone(c, obj);
	const u8 *bad = cache_keeps_content(c) ? NULL : memchr_inv(obj, POISON_FREED, c->size);

	if (unlikely(bad || *rz != REDZONE_DEAD))
		REPORT("%s: free object %p written to at offset %ld", c->name, obj,
		       bad ? (long)(bad - (u8 *)obj) : (long)c->redzone);
	*rz = REDZONE_LIVE;
	if (!cache_keeps_content(c))
		memset(obj, POISON_INUSE, c->size);
}

/* --- slabs --- */

static struct page *slab_of(const struct kmem_cache *c, const void *obj)
{
	u64 pfn = ((u64)obj - DIRECT_MAP_BASE) >> PAGE_SHIFT;

	return pfn_to_page(pfn & ~((1ul << c->order) - 1));
}

static void partial_add(struct kmem_cache *c, struct page *s)
{
	s->prev = 0;
	s->next = c->partial;
	if (s->next)
		pfn_to_page(s->next)->prev = (u32)page_to_pfn(s);
	c->partial = (u32)page_to_pfn(s);
}

static void partial_remove(struct kmem_cache *c, struct page *s)
{
	if (s->next)
		pfn_to_page(s->next)->prev = s->prev;
	if (s->prev)
		pfn_to_page(s->prev)->next = s->next;
	else
		c->partial = s->next;
}

/* A fresh slab with all objects free, not on any list. */
static struct page *slab_create(struct kmem_cache *c, gfp_t gfp)
{
	struct page *s = page_alloc_order(c->order, gfp & ~GFP_ZERO);
	char *base;
	void *next = NULL;

	if (!s)
		return NULL;
	for (unsigned int i = 0; i < 1u << c->order; i++) {
		s[i].flags = 1u << PG_SLAB | s[i].flags;
		s[i].owner = c;
	}
	base = page_address(s);
	for (unsigned int i = c->per_slab; i-- > 0;) {
		void *obj = base + (size_t)i * c->stride;

		if (c->ctor)
			c->ctor(obj);
		if (IS_ENABLED(CONFIG_POISON)) {
			if (!cache_keeps_content(c))
				memset(obj, POISON_FREED, c->size);
			*redzone(c, obj) = REDZONE_DEAD;
		}
		link_set(c, obj, next);
		next = obj;
	}
	kasan_poison(base, PAGE_SIZE << c->order, KASAN_FREE_OBJECT);
	s->index = 0;
	atomic_set(&s->mapcount, 0);
	return s;
}

static void slab_release(struct page *s, unsigned int order)
{
	for (unsigned int i = 0; i < 1u << order; i++) {
		s[i].flags &= ~(1u << PG_SLAB);
		s[i].owner = NULL;
	}
	atomic_set(&s->mapcount, 0);
	page_free_order(s, order);
}

static void slab_release_rcu(struct rcu_head *h)
{
	struct page *s = container_of((void *)h, struct page, owner);

	slab_release(s, s->flags & 1u << PG_HEAD ? page_order(s) : 0);
}

static void slab_destroy(struct kmem_cache *c, struct page *s)
{
	_Static_assert(sizeof(struct page) - offsetof(struct page, owner) >=
			       sizeof(struct rcu_head),
		       "an rcu_head fits over owner and links");
	if (c->flags & SLAB_RCU)
		call_rcu((struct rcu_head *)(void *)&s->owner, slab_release_rcu);
	else
		slab_release(s, c->order);
}

static void *slab_take(struct kmem_cache *c, struct page *s)
{
	void *obj = (char *)page_address(s) + (long)s->mapcount.v * 8;
	void *next = link_get(c, obj);

	s->mapcount.v = next ? (int)(((char *)next - (char *)page_address(s)) / 8) : -1;
	s->index++;
	return obj;
}

/* Puts one object back; returns the slab when it became empty and one spare is enough. */
static struct page *slab_give(struct kmem_cache *c, void *obj)
{
	struct page *s = slab_of(c, obj);
	bool full = s->mapcount.v < 0;

	link_set(c, obj, full ? NULL : (char *)page_address(s) + (long)s->mapcount.v * 8);
	s->mapcount.v = (int)(((char *)obj - (char *)page_address(s)) / 8);
	if (full)
		partial_add(c, s);
	if (--s->index)
		return NULL;
	if (c->nr_empty < 1) {
		c->nr_empty++;
		return NULL;
	}
	partial_remove(c, s);
	c->nr_slabs--;
	return s;
}

/* Fills the list of this CPU from partial slabs; interrupts off. */
static void cpu_fill(struct kmem_cache *c, struct kmem_cpu *k)
{
	spin_lock(&c->lock);
	while (k->count < c->batch && c->partial) {
		struct page *s = pfn_to_page(c->partial);

		if (s->index == 0)
			c->nr_empty--;
		while (k->count < c->batch && s->mapcount.v >= 0) {
			void *obj = slab_take(c, s);

			link_set(c, obj, k->free);
			k->free = obj;
			k->count++;
		}
		if (s->mapcount.v < 0)
			partial_remove(c, s);
	}
	spin_unlock(&c->lock);
}

/* Gives objects of this CPU's list back until `keep` are left; interrupts off. */
static void cpu_flush(struct kmem_cache *c, struct kmem_cpu *k, u32 keep)
{
	struct page *dead[8];
	unsigned int n = 0;

	spin_lock(&c->lock);
	while (k->count > keep && n < ARRAY_SIZE(dead)) {
		void *obj = k->free;
		struct page *s;

		k->free = link_get(c, obj);
		k->count--;
		s = slab_give(c, obj);
		if (s)
			dead[n++] = s;
	}
	spin_unlock(&c->lock);
	while (n > 0)
		slab_destroy(c, dead[--n]);
}

static noinline void *alloc_slow(struct kmem_cache *c, gfp_t gfp)
{
	for (;;) {
		irqflags_t f = irq_save();
		struct kmem_cpu *k = this_cpu_ptr(&kmem_cpu[c->id]);
		struct page *s;
		void *obj;

		if (!k->free)
			cpu_fill(c, k);
		obj = k->free;
		if (obj) {
			k->free = link_get(c, obj);
			k->count--;
			irq_restore(f);
			return obj;
		}
		irq_restore(f);
		s = slab_create(c, gfp);
		if (!s)
			return NULL;
		f = spin_lock_irqsave(&c->lock);
		partial_add(c, s);
		c->nr_empty++;
		c->nr_slabs++;
		spin_unlock_irqrestore(&c->lock, f);
	}
}

void *kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp)
{
	irqflags_t f = irq_save();
	struct kmem_cpu *k = this_cpu_ptr(&kmem_cpu[c->id]);
	void *obj = k->free;

	if (likely(obj)) {
		k->free = link_get(c, obj);
		k->count--;
		irq_restore(f);
	} else {
		irq_restore(f);
		obj = alloc_slow(c, gfp);
		if (!obj)
			return NULL;
	}
	kasan_unpoison(obj, c->size);
	if (IS_ENABLED(CONFIG_POISON))
		debug_alloc(c, obj);
	if (gfp & GFP_ZERO)
		memset(obj, 0, c->size);
	return obj;
}

void kmem_cache_free(struct kmem_cache *c, void *obj)
{
	struct kmem_cpu *k;
	irqflags_t f;

	if (IS_ENABLED(CONFIG_POISON))
		debug_free(c, obj);
	if (!(c->flags & SLAB_RCU))
		kasan_poison(obj, c->size, KASAN_FREE_OBJECT);
	f = irq_save();
	k = this_cpu_ptr(&kmem_cpu[c->id]);
	ASSERT(obj != k->free);
	link_set(c, obj, k->free);
	k->free = obj;
	if (unlikely(++k->count > c->limit))
		cpu_flush(c, k, c->limit - c->batch);
	irq_restore(f);
}

/* --- caches --- */

/* The smallest order at which at most an eighth of the slab is left over. */
static void cache_set_order(struct kmem_cache *c)
{
	for (c->order = 0; c->order < 3; c->order++) {
		size_t slab = PAGE_SIZE << c->order;

		if (slab >= c->stride && slab % c->stride <= slab / 8 &&
		    (slab / c->stride >= 4 || c->order >= 1 || slab % c->stride == 0))
			break;
	}
	while ((PAGE_SIZE << c->order) < c->stride)
		c->order++;
	c->per_slab = (u32)((PAGE_SIZE << c->order) / c->stride);
}

static void cache_layout(struct kmem_cache *c, size_t size, size_t align)
{
	size_t n = ALIGN_UP(max(size, sizeof(void *)), 8);
	bool outside = cache_keeps_content(c) || IS_ENABLED(CONFIG_POISON);

	c->size = (u32)n;
	if (IS_ENABLED(CONFIG_POISON)) {
		c->redzone = (u32)n;
		n += 8;
	}
	if (outside) {
		c->link = (u32)n;
		n += 8;
	}
	/* Red zone for KASAN as well: neighbours must not touch. */
	if (IS_ENABLED(CONFIG_KASAN))
		n += 8;
	c->stride = (u32)ALIGN_UP(n, align);
	cache_set_order(c);
	c->batch = (u32)clamp(2048 / (size_t)c->stride, 2ul, 32ul);
	c->limit = 3 * c->batch;
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     unsigned int flags, void (*ctor)(void *obj))
{
	struct kmem_cache *c;
	irqflags_t f;

	VERIFY(size > 0 && size <= KMALLOC_SLAB_MAX && (align & (align - 1)) == 0);
	f = spin_lock_irqsave(&caches_lock);
	VERIFY(nr_caches < MAX_CACHES);
	c = &caches[nr_caches];
	c->id = nr_caches;
	c->name = name;
	c->flags = flags;
	c->ctor = ctor;
	spin_lock_init(&c->lock, LOCK_SLAB);
	if (align < 8)
		align = 8;
	if (flags & SLAB_HWCACHE && size > 32)
		align = max(align, (size_t)64);
	cache_layout(c, size, align);
	smp_store_release(&nr_caches, nr_caches + 1);
	spin_unlock_irqrestore(&caches_lock, f);
	return c;
}

/* Shrinker of last resort: the objects this CPU and the caches keep in store. */
static u64 slab_count(void)
{
	u64 n = 0;

	for (unsigned int i = 0; i < READ_ONCE(nr_caches); i++)
		n += (u64)caches[i].nr_empty << caches[i].order;
	return n;
}

static void flush_cpu_lists(void *arg __maybe_unused)
{
	irqflags_t f = irq_save();

	for (unsigned int i = 0; i < READ_ONCE(nr_caches); i++) {
		struct kmem_cpu *k = this_cpu_ptr(&kmem_cpu[i]);

		while (k->count)
			cpu_flush(&caches[i], k, 0);
	}
	irq_restore(f);
}

static u64 slab_scan(u64 n)
{
	u64 freed = 0;

	smp_call_all(flush_cpu_lists, NULL);
	for (unsigned int i = 0; i < READ_ONCE(nr_caches) && freed < n; i++) {
		struct kmem_cache *c = &caches[i];
		irqflags_t f = spin_lock_irqsave(&c->lock);
		struct page *dead = NULL;

		for (u32 pfn = c->partial; pfn && c->nr_empty; pfn = pfn_to_page(pfn)->next)
			if (pfn_to_page(pfn)->index == 0) {
				dead = pfn_to_page(pfn);
				partial_remove(c, dead);
				c->nr_empty--;
				c->nr_slabs--;
				break;
			}
		spin_unlock_irqrestore(&c->lock, f);
		if (dead) {
			slab_destroy(c, dead);
			freed += 1ul << c->order;
		}
	}
	return freed;
}

static struct shrinker slab_shrinker = { .name = "slab", .count = slab_count, .scan = slab_scan };

void slab_stats(u64 *reclaimable_pages, u64 *unreclaimable_pages)
{
	*reclaimable_pages = *unreclaimable_pages = 0;
	for (unsigned int i = 0; i < READ_ONCE(nr_caches); i++) {
		u64 n = (u64)caches[i].nr_slabs << caches[i].order;

		if (caches[i].flags & SLAB_RECLAIMABLE)
			*reclaimable_pages += n;
		else
			*unreclaimable_pages += n;
	}
}

/* Row i of /proc/slabinfo; false at the end. */
bool kmem_cache_info(unsigned int i, struct kmem_cache_info *out)
{
	struct kmem_cache *c = &caches[i];
	irqflags_t f;
	u64 partial = 0, free = 0;

	if (i >= READ_ONCE(nr_caches))
		return false;
	f = spin_lock_irqsave(&c->lock);
	for (u32 pfn = c->partial; pfn; pfn = pfn_to_page(pfn)->next) {
		partial++;
		free += c->per_slab - pfn_to_page(pfn)->index;
	}
	out->slabs = c->nr_slabs;
	spin_unlock_irqrestore(&c->lock, f);
	for_each_online_cpu(cpu) free += READ_ONCE(per_cpu(kmem_cpu, cpu)[i].count);
	out->name = c->name;
	out->object_size = c->size;
	out->objects = out->slabs * c->per_slab;
	out->in_use = out->objects > free ? out->objects - free : 0;
	out->per_slab = c->per_slab;
	out->pages_per_slab = 1u << c->order;
	return true;
}

void slab_cpu_prepare(unsigned int cpu)
{
	memset(per_cpu(kmem_cpu, cpu), 0, sizeof(kmem_cpu));
}

void __init slab_init(void)
{
	if (!arch_random_u64(&slab_secret))
		slab_secret = arch_cycles() * 0x9e3779b97f4a7c15ull;
	/* A coded link of an aligned object must not look like one. */
	slab_secret |= 1ull << 63;
	kmalloc_init();
	shrinker_register(&slab_shrinker);
}
