/* SPDX-License-Identifier: MIT */
/* Object caches with per-CPU free lists, and kmalloc on top of them.
 * Allocation with GFP_KERNEL may sleep; freeing is allowed in any context, interrupts included.
 * Zero-size requests return NULL only on failure; kfree(NULL) is allowed. */
#ifndef KERNEL_SLAB_H
#define KERNEL_SLAB_H

#include <kernel/page.h>

struct kmem_cache;

#define SLAB_RCU BIT_GFP(0)	  /* memory stays of this type for one grace period after free */
#define SLAB_HWCACHE BIT_GFP(1)	  /* align objects to cache lines */
#define SLAB_RECLAIMABLE BIT_GFP(2)/* counted as SReclaimable */

/* ctor runs once per object when its slab is created (with SLAB_RCU caches that matters). */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     unsigned int flags, void (*ctor)(void *obj));
void *must_check kmem_cache_alloc(struct kmem_cache *c, gfp_t gfp);
void kmem_cache_free(struct kmem_cache *c, void *obj);

/* Figures of one cache, for /proc/slabinfo: index from 0; false at the end. */
struct kmem_cache_info {
	const char *name;
	u64 slabs, objects, in_use;
	u32 object_size, per_slab, pages_per_slab;
};
bool kmem_cache_info(unsigned int index, struct kmem_cache_info *out);

void *must_check kmalloc(size_t size, gfp_t gfp);
static inline void *must_check kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | GFP_ZERO);
}
/* n * size with overflow check. */
void *must_check kmalloc_array(size_t n, size_t size, gfp_t gfp);
void *must_check krealloc(void *p, size_t size, gfp_t gfp);
void kfree(const void *p);
size_t kmalloc_size(const void *p);
char *must_check kstrdup(const char *s, gfp_t gfp);
void *must_check kmemdup(const void *p, size_t n, gfp_t gfp);

/* Virtually contiguous memory; may sleep (also vfree). */
void *must_check vmalloc(size_t size);
void *must_check vzalloc(size_t size);
void vfree(void *p);
/* kmalloc for small, vmalloc for large. */
void *must_check kvmalloc(size_t size, gfp_t gfp);
void kvfree(void *p);
/* Device registers: uncached mapping. */
enum memtype { MEM_UNCACHED, MEM_WRITE_COMBINING, MEM_CACHED };
void *must_check ioremap(paddr_t pa, size_t size, enum memtype type);
void iounmap(void *va);

/* Caches that can give memory back: count() objects that could go, scan(n) frees up to n of them
 * and returns how many. Called from reclaim, may sleep. Registered for good. */
struct shrinker {
	const char *name;
	u64 (*count)(void);
	u64 (*scan)(u64 n);
	bool fs; /* may call file systems: not from an allocation of theirs (nofs_save) */
	struct shrinker *next;
};
void shrinker_register(struct shrinker *s);

#endif
