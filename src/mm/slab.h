/* SPDX-License-Identifier: MIT */
/* Inside the slab allocator: slab.c (caches) and kmalloc.c (sizes). */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include <kernel/lock.h>
#include <kernel/slab.h>

#define MAX_CACHES	 128
#define KMALLOC_SLAB_MAX 8192

/* C: const after creation  L: lock */
struct kmem_cache {
	u32 id;			 /* C: index of the CPU lists */
	u32 flags;		 /* C */
	u32 size;		 /* C: usable bytes of an object */
	u32 stride;		 /* C: from one object to the next */
	u32 link;		 /* C: offset of the free-list link */
	u32 redzone;		 /* C: offset of the red zone word (CONFIG_POISON) */
	u32 order;		 /* C: pages of a slab */
	u32 per_slab;		 /* C */
	u32 batch, limit;	 /* C: of a CPU list */
	void (*ctor)(void *obj); /* C */
	const char *name;	 /* C */
	struct spinlock lock;
	u32 partial;  /* L: slabs with free objects, by frame number */
	u32 nr_empty; /* L: of them without an object in use */
	u32 nr_slabs; /* L */
};

void kmalloc_init(void);

#endif
