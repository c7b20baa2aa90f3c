/* SPDX-License-Identifier: MIT */
/* Memory of xarray nodes: a slab cache and RCU in the kernel, malloc on the host. */
#include <kernel/xarray.h>

#ifdef KEELSON_HOST
#include <stdlib.h>

struct xa_node *xa_node_alloc(gfp_t gfp)
{
	(void)gfp;
	return calloc(1, sizeof(struct xa_node));
}

void xa_node_free_rcu(struct xa_node *node)
{
	free(node);
}

#else
#include <kernel/assert.h>
#include <kernel/compiler.h>
#include <kernel/rcu.h>
#include <kernel/slab.h>

_Static_assert(sizeof(struct rcu_head) <= sizeof(((struct xa_node *)0)->rcu), "rcu head too large");

static struct kmem_cache *node_cache;

void xa_node_cache_init(void)
{
	node_cache =
		kmem_cache_create("xa_node", sizeof(struct xa_node), 64, SLAB_RECLAIMABLE, NULL);
	VERIFY(node_cache);
}

struct xa_node *xa_node_alloc(gfp_t gfp)
{
	return kmem_cache_alloc(node_cache, gfp | GFP_ZERO);
}

static void node_free(struct rcu_head *head)
{
	kmem_cache_free(node_cache, container_of((void **)head, struct xa_node, rcu[0]));
}

void xa_node_free_rcu(struct xa_node *node)
{
	call_rcu((struct rcu_head *)node->rcu, node_free);
}

#endif
