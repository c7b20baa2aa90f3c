/* SPDX-License-Identifier: MIT */
/* The dentry cache: names, their hash, life and death.
 *
 * Owns: all dentries, the global hash of (parent, name), the LRU of unused ones and its shrinker.
 * Use: d_alloc + d_add under the directory's inode->lock; d_find_rcu from the lock-free walk,
 * d_lookup elsewhere; d_get/d_put around every use.
 * Invariants: a hashed dentry's parent, name and inode change only inside d->seq. refs is zero on
 * unused dentries, which stay cached, and DCACHE_REFS_DEAD from the moment one is being freed:
 * nobody can take a reference then. A child holds a reference to its parent.
 * Locking: parent->lock
 * for the list of children, d->lock for flags and for dying, chain locks for the hash, lru_lock
 * innermost. d_move: d_rename_lock, then the locks of both parents and both dentries.
 * Lifetime:
 * memory, external names included, goes after an RCU grace period. */
#include "vfs_internal.h"
#include "name_hash.h"

#include <fs/procfs.h>
#include <kernel/hash.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/random.h>

static struct hlist_head *dentry_hash;
static unsigned int dentry_hash_shift; /* 64 - bits */
#define CHAIN_LOCKS 64
static struct spinlock chain_locks[CHAIN_LOCKS];

static DEFINE_SPINLOCK(lru_lock, LOCK_SB_LISTS);
static LIST_HEAD(dentry_lru); /* lru_lock: most recently unused first */
static u64 dentry_lru_count;  /* lru_lock */
static atomic64_t nr_dentries;

struct seqcount d_rename_seq;
static DEFINE_SPINLOCK(d_rename_lock, LOCK_DENTRY_RENAME);
static struct kmem_cache *dentry_cache;
u64 name_salt;

/* --- names --- */

/* The hash of name_scan for a name with a given length, from memory that ends with it. */
void qstr_set(struct qstr *q, const char *name, u32 len)
{
	u64 h = name_salt, w;
	u32 n = 0;

	for (; len - n >= 8; n += 8) {
		memcpy(&w, name + n, 8);
		h = name_hash_step(h, w);
	}
	w = 0;
	memcpy(&w, name + n, len - n);
	h = name_hash_step(h, w);
	q->name = name;
	q->len = len;
	q->hash = (u32)h;
}

/* A dentry's name is padded with zeroes to a multiple of eight; b's is not. */
static __always_inline bool name_equal(const char *own, const char *b, u32 len)
{
	u64 x, y;

	while (len >= 8) {
		__builtin_memcpy(&x, own, 8);
		__builtin_memcpy(&y, b, 8);
		if (x != y)
			return false;
		own += 8;
		b += 8;
		len -= 8;
	}
	if (!len)
		return true;
	__builtin_memcpy(&x, own, 8);
	y = name_load_word(b);
	return ((x ^ y) & ((1ull << (len * 8)) - 1)) == 0;
}

static inline struct hlist_head *hash_chain(const struct dentry *parent, u32 hash)
{
	u64 k = ((u64)parent >> 6) + hash;

	return &dentry_hash[(k * HASH_GOLDEN64) >> dentry_hash_shift];
}

static struct spinlock *chain_lock(const struct hlist_head *chain)
{
	return &chain_locks[(chain - dentry_hash) % CHAIN_LOCKS];
}

/* --- look-up --- */

bool d_get_unless_dead(struct dentry *d)
{
	int n = refcount_read(&d->refs);

	do {
		if (n < 0)
			return false;
	} while (!try_cmpxchg(&d->refs.n.v, &n, n + 1));
	return true;
}

/* Under RCU. The result's fields are only as good as *seq says afterwards. */
struct dentry *d_find_rcu(const struct dentry *parent, const struct qstr *name, u32 *seq)
{
	struct dentry *d;

	hlist_for_each_entry_rcu(d, hash_chain(parent, name->hash), hash) {
		const char *own;
		u32 s;

		if (d->name.hash != name->hash)
			continue;
		s = smp_load_acquire(&d->seq.seq);
		if (unlikely(s & 1) || d->parent != parent || d->name.len != name->len)
			continue;
		own = d->name.name;
		if (read_seqretry(&d->seq, s))
			continue; /* renamed meanwhile: whoever needs it takes the slow way */
		if (!name_equal(own, name->name, name->len))
			continue;
		*seq = s;
		return d;
	}
	return NULL;
}

struct dentry *d_lookup(struct dentry *parent, const struct qstr *name)
{
	struct dentry *d;
	u32 seq, moves;

	for (;;) {
		moves = read_seqbegin(&d_rename_seq);
		rcu_read_lock();
		d = d_find_rcu(parent, name, &seq);
		if (d && !d_get_unless_dead(d))
			d = NULL;
		rcu_read_unlock();
		if (!d) {
			/* A name of the same chain that was renamed while we stood on it has led us
			 * into another chain: what we look for may be there all the same. */
			if (read_seqretry(&d_rename_seq, moves))
				continue;
			return NULL;
		}
		if (!read_seqretry(&d->seq, seq) && !d_unhashed(d))
			return d;
		d_put(d);
	}
}

/* --- making --- */

static void dentry_free_rcu(struct rcu_head *h)
{
	struct dentry *d = container_of(h, struct dentry, rcu);

	if (d->name.name != d->inline_name)
		kfree(d->name.name);
	kmem_cache_free(dentry_cache, d);
}

static struct dentry *dentry_new(struct super_block *sb, const struct qstr *name)
{
	struct dentry *d = kmem_cache_alloc(dentry_cache, GFP_KERNEL);
	char *text;

	if (!d)
		return NULL;
	text = d->inline_name;
	if (name->len >= DNAME_INLINE) {
		text = kmalloc(ALIGN_UP(name->len + 1, 8u), GFP_KERNEL);
		if (!text) {
			kmem_cache_free(dentry_cache, d);
			return NULL;
		}
	}
	*(u64 *)(text + ALIGN_DOWN(name->len, 8u)) = 0;
	memcpy(text, name->name, name->len);
	d->seq.seq = 0;
	d->flags = DCACHE_UNHASHED;
	hlist_node_init(&d->hash);
	d->parent = d;
	d->name = (struct qstr){ .name = text, .len = name->len, .hash = name->hash };
	d->inode = NULL;
	spin_lock_init(&d->lock, LOCK_DENTRY);
	refcount_set(&d->refs, 1);
	d->ops = NULL;
	d->sb = sb;
	d->private = NULL;
	list_init(&d->lru);
	list_init(&d->sibling);
	list_init(&d->children);
	list_init(&d->alias);
	atomic64_inc(&nr_dentries);
	return d;
}

struct dentry *d_alloc(struct dentry *parent, const struct qstr *name)
{
	struct dentry *d = dentry_new(parent->sb, name);

	if (!d)
		return NULL;
	d->parent = d_get(parent);
	spin_lock(&parent->lock);
	list_add(&d->sibling, &parent->children);
	spin_unlock(&parent->lock);
	return d;
}

static void set_inode(struct dentry *d, struct inode *inode)
{
	spin_lock(&inode->spin);
	list_add(&d->alias, &inode->aliases);
	spin_unlock(&inode->spin);
	write_seqbegin(&d->seq);
	WRITE_ONCE(d->inode, inode);
	write_seqend(&d->seq);
}

struct dentry *d_alloc_root(struct inode *root)
{
	struct qstr name;
	struct dentry *d;

	qstr_set(&name, "/", 1);
	d = dentry_new(root->sb, &name);
	if (!d) {
		inode_put(root);
		return NULL;
	}
	spin_lock(&d->lock);
	set_inode(d, root);
	spin_unlock(&d->lock);
	return d;
}

struct dentry *d_alloc_disconnected(struct super_block *sb, const struct qstr *name)
{
	struct dentry *d = dentry_new(sb, name);

	if (d)
		d->flags |= DCACHE_DISCONNECTED;
	return d;
}

static void hash_locked(struct dentry *d)
{
	struct hlist_head *chain = hash_chain(d->parent, d->name.hash);

	spin_lock(chain_lock(chain));
	hlist_add_head_rcu(&d->hash, chain);
	spin_unlock(chain_lock(chain));
	d->flags &= ~DCACHE_UNHASHED;
}

static void unhash_locked(struct dentry *d)
{
	struct hlist_head *chain;

	if (d->flags & DCACHE_UNHASHED)
		return;
	chain = hash_chain(d->parent, d->name.hash);
	spin_lock(chain_lock(chain));
	hlist_del_init_rcu(&d->hash);
	spin_unlock(chain_lock(chain));
	d->flags |= DCACHE_UNHASHED;
}

void d_add(struct dentry *d, struct inode *inode)
{
	spin_lock(&d->lock);
	if (inode)
		set_inode(d, inode);
	if (d->flags & DCACHE_UNHASHED)
		hash_locked(d);
	spin_unlock(&d->lock);
}

/* Has the directory a name already? One whose dentry is being freed does not count: the parent's
 * chain may have lost it a moment before the inode does. inode->spin held. */
static bool has_alias(const struct inode *inode)
{
	const struct dentry *a;

	list_for_each_entry(a, &inode->aliases, alias) {
		if (refcount_read(&a->refs) >= 0 && !d_unhashed(a))
			return true;
	}
	return inode->sb->root && inode->sb->root->inode == inode;
}

int d_splice(struct dentry *d, struct inode *inode)
{
	bool refused = false;

	spin_lock(&d->lock);
	if (inode) {
		spin_lock(&inode->spin);
		refused = S_ISDIR(inode->mode) && has_alias(inode);
		if (!refused)
			list_add(&d->alias, &inode->aliases);
		spin_unlock(&inode->spin);
	}
	if (!refused) {
		write_seqbegin(&d->seq);
		WRITE_ONCE(d->inode, inode);
		write_seqend(&d->seq);
		if (d->flags & DCACHE_UNHASHED)
			hash_locked(d);
	}
	spin_unlock(&d->lock);
	if (!refused)
		return 0;
	inode_put(inode);
	return -ELOOP;
}

void d_instantiate(struct dentry *d, struct inode *inode)
{
	spin_lock(&d->lock);
	ASSERT(!d->inode);
	set_inode(d, inode);
	spin_unlock(&d->lock);
}

void d_drop(struct dentry *d)
{
	spin_lock(&d->lock);
	if (!(d->flags & DCACHE_UNHASHED)) {
		write_seqbegin(&d->seq);
		unhash_locked(d);
		write_seqend(&d->seq);
	}
	spin_unlock(&d->lock);
}

/* --- the end --- */

static void lru_add(struct dentry *d)
{
	spin_lock(&lru_lock);
	list_add(&d->lru, &dentry_lru);
	dentry_lru_count++;
	spin_unlock(&lru_lock);
	d->flags |= DCACHE_LRU;
}

static void lru_remove(struct dentry *d)
{
	if (!(d->flags & DCACHE_LRU))
		return;
	spin_lock(&lru_lock);
	list_del_init(&d->lru);
	dentry_lru_count--;
	spin_unlock(&lru_lock);
	d->flags &= ~DCACHE_LRU;
}

static struct inode *take_inode(struct dentry *d)
{
	struct inode *i = d->inode;

	if (!i)
		return NULL;
	write_seqbegin(&d->seq);
	WRITE_ONCE(d->inode, NULL);
	write_seqend(&d->seq);
	spin_lock(&i->spin);
	list_del_init(&d->alias);
	spin_unlock(&i->spin);
	return i;
}

/* Frees d, whose lock is held and whose refs are 0, unless somebody takes a reference before the
 * parent's lock is had too. Releases the lock. Returns the parent, whose reference the caller
 * drops, or NULL when d lives on or has none. *inode is to be put. RCU read section held by the
 * caller. */
static NO_LOCK_ANALYSIS struct dentry *dentry_kill(struct dentry *d, struct inode **inode)
{
	struct dentry *parent = d->parent;

	*inode = NULL;
	if (parent == d) {
		parent = NULL;
	} else if (!spin_trylock(&parent->lock)) {
		spin_unlock(&d->lock);
		for (;;) {
			parent = READ_ONCE(d->parent);
			spin_lock(&parent->lock);
			if (parent == d->parent)
				break;
			spin_unlock(&parent->lock);
		}
		spin_lock_nested(&d->lock);
	}
	if (atomic_cmpxchg(&d->refs.n, 0, DCACHE_REFS_DEAD) != 0) {
		spin_unlock(&d->lock);
		if (parent)
			spin_unlock(&parent->lock);
		return NULL;
	}
	d->flags |= DCACHE_DEAD;
	lru_remove(d);
	write_seqbegin(&d->seq);
	unhash_locked(d);
	write_seqend(&d->seq);
	if (parent) {
		list_del_init(&d->sibling);
		spin_unlock(&parent->lock);
	}
	*inode = take_inode(d);
	spin_unlock(&d->lock);
	atomic64_dec(&nr_dentries);
	call_rcu(&d->rcu, dentry_free_rcu);
	return parent;
}

static bool dentry_keep(const struct dentry *d)
{
	if (d->flags & (DCACHE_UNHASHED | DCACHE_DONTCACHE | DCACHE_DISCONNECTED))
		return false;
	return !(d->ops && d->ops->delete &&d->ops->delete (d));
}

/* refs just became 0. In an RCU read section, which is left. */
static NO_LOCK_ANALYSIS noinline void d_put_zero(struct dentry *d)
{
	struct dentry *parent;
	struct inode *inode;

	for (;;) {
		spin_lock(&d->lock);
		if (refcount_read(&d->refs) != 0) { /* found again, or freed by the shrinker */
			spin_unlock(&d->lock);
			break;
		}
		if (dentry_keep(d)) {
			d->flags |= DCACHE_REFERENCED;
			if (!(d->flags & DCACHE_LRU))
				lru_add(d);
			spin_unlock(&d->lock);
			break;
		}
		parent = dentry_kill(d, &inode);
		rcu_read_unlock();
		if (inode)
			inode_put(inode);
		if (!parent)
			return;
		d = parent;
		rcu_read_lock();
		if (atomic_sub_return(&d->refs.n, 1) != 0)
			break;
	}
	rcu_read_unlock();
}

void d_put(struct dentry *d)
{
	const u32 cached = DCACHE_LRU | DCACHE_REFERENCED;

	if (!d)
		return;
	rcu_read_lock();
	if (likely(atomic_sub_return(&d->refs.n, 1) != 0) ||
	    ((READ_ONCE(d->flags) & (cached | DCACHE_UNHASHED | DCACHE_DONTCACHE)) == cached &&
	     !d->ops)) {
		rcu_read_unlock();
		return;
	}
	d_put_zero(d);
}

/* Drops a dentry that the shrinker or a pruner holds locked with refs 0. Its super block must not
 * go meanwhile: see sb_shrink_begin. */
static void shrink_one(struct dentry *d)
{
	struct dentry *parent;
	struct inode *inode;

	rcu_read_lock();
	parent = dentry_kill(d, &inode);
	rcu_read_unlock();
	if (inode)
		inode_put(inode);
	if (parent)
		d_put(parent);
}

void d_delete(struct dentry *d)
{
	struct inode *i = NULL;

	spin_lock(&d->lock);
	/* Nobody may take a reference between the count and the loss of the inode: a walker that
	 * tries fails, and then waits for the directory's lock, which is held here. */
	if (atomic_cmpxchg(&d->refs.n, 1, DCACHE_REFS_DEAD) == 1) {
		i = take_inode(d);
		atomic_set(&d->refs.n, 1);
	} else if (!(d->flags & DCACHE_UNHASHED)) {
		write_seqbegin(&d->seq);
		unhash_locked(d);
		write_seqend(&d->seq);
	}
	spin_unlock(&d->lock);
	if (i)
		inode_put(i);
}

/* --- renaming --- */

static void swap_names(struct dentry *a, struct dentry *b)
{
	bool a_in = a->name.name == a->inline_name, b_in = b->name.name == b->inline_name;

	for (unsigned int k = 0; k < DNAME_INLINE / 8; k++)
		swap(((u64 *)a->inline_name)[k], ((u64 *)b->inline_name)[k]);
	swap(a->name, b->name);
	if (b_in)
		a->name.name = a->inline_name;
	if (a_in)
		b->name.name = b->inline_name;
}

bool d_is_ancestor(const struct dentry *anc, const struct dentry *d)
{
	while (d != anc) {
		if (d->parent == d)
			return false;
		d = READ_ONCE(d->parent);
	}
	return true;
}

/* Locks of two parents (ancestor first, else by address) and of two of their children. */
static NO_LOCK_ANALYSIS void lock_move(struct dentry *a, struct dentry *b)
{
	struct dentry *pa = a->parent, *pb = b->parent;

	if (pa == pb) {
		spin_lock(&pa->lock);
	} else {
		bool a_first = d_is_ancestor(pa, pb) || (!d_is_ancestor(pb, pa) && pa < pb);

		spin_lock(a_first ? &pa->lock : &pb->lock);
		spin_lock_nested(a_first ? &pb->lock : &pa->lock);
	}
	VERIFY(a != pb && b != pa); /* the callers refuse loops */
	spin_lock_nested(a < b ? &a->lock : &b->lock);
	spin_lock_nested(a < b ? &b->lock : &a->lock);
}

static NO_LOCK_ANALYSIS void unlock_move(struct dentry *a, struct dentry *b, struct dentry *pa,
					 struct dentry *pb)
{
	spin_unlock(&a->lock);
	spin_unlock(&b->lock);
	spin_unlock(&pa->lock);
	if (pa != pb)
		spin_unlock(&pb->lock);
}

static void move_common(struct dentry *d, struct dentry *target, bool exchange)
{
	struct dentry *pd, *pt;

	spin_lock(&d_rename_lock);
	write_seqbegin(&d_rename_seq);
	pd = d->parent;
	pt = target->parent;
	lock_move(d, target);
	write_seqbegin(&d->seq);
	write_seqbegin(&target->seq);
	unhash_locked(d);
	unhash_locked(target);
	swap_names(d, target);
	if (pd != pt) {
		d->parent = pt;
		target->parent = pd;
		list_move(&target->sibling, &pd->children);
	}
	list_move(&d->sibling, &pt->children);
	hash_locked(d);
	if (exchange)
		hash_locked(target);
	write_seqend(&target->seq);
	write_seqend(&d->seq);
	unlock_move(d, target, pd, pt);
	write_seqend(&d_rename_seq);
	spin_unlock(&d_rename_lock);
}

void d_move(struct dentry *d, struct dentry *target)
{
	move_common(d, target, false);
}

void d_exchange(struct dentry *a, struct dentry *b)
{
	move_common(a, b, true);
}

/* --- giving memory back --- */

static u64 dentry_shrink_count(void)
{
	return READ_ONCE(dentry_lru_count);
}

NO_LOCK_ANALYSIS u64 dentry_shrink_scan(u64 n)
{
	u64 done = 0, looked = 0;

	while (looked++ < n * 2 && done < n) {
		struct super_block *sb;
		struct dentry *d;

		spin_lock(&lru_lock);
		if (list_empty(&dentry_lru)) {
			spin_unlock(&lru_lock);
			break;
		}
		d = list_last_entry(&dentry_lru, struct dentry, lru);
		if (!spin_trylock(&d->lock)) { /* wrong order: only try */
			list_move(&d->lru, &dentry_lru);
			spin_unlock(&lru_lock);
			continue;
		}
		if (refcount_read(&d->refs) == 0 && (d->flags & DCACHE_REFERENCED)) {
			d->flags &= ~DCACHE_REFERENCED;
			list_move(&d->lru, &dentry_lru);
			spin_unlock(&lru_lock);
			spin_unlock(&d->lock);
			continue;
		}
		if (!sb_shrink_begin(d->sb)) {
			list_move(&d->lru, &dentry_lru);
			spin_unlock(&lru_lock);
			spin_unlock(&d->lock);
			continue;
		}
		sb = d->sb;
		list_del_init(&d->lru);
		dentry_lru_count--;
		d->flags &= ~DCACHE_LRU;
		spin_unlock(&lru_lock);
		if (refcount_read(&d->refs) != 0) {
			spin_unlock(&d->lock);
		} else {
			shrink_one(d);
			done++;
		}
		sb_shrink_end(sb);
	}
	return done;
}

static struct shrinker dentry_shrinker = {
	.name = "dentry",
	.count = dentry_shrink_count,
	.scan = dentry_shrink_scan,
	.fs = true,
};

/* Drops unused names directly and deeper below d; what is in use stays. */
static NO_LOCK_ANALYSIS void prune_level(struct dentry *d, unsigned int depth)
{
	struct dentry *c;

restart:
	spin_lock(&d->lock);
	list_for_each_entry(c, &d->children, sibling) {
		if (refcount_read(&c->refs) > 0 && !list_empty(&c->children) && depth < 8 &&
		    d_get_unless_dead(c)) {
			spin_unlock(&d->lock);
			prune_level(c, depth + 1);
			spin_lock(&d->lock);
			if (c->parent != d) { /* moved away */
				spin_unlock(&d->lock);
				d_put(c);
				goto restart;
			}
			/* d->lock keeps it in the list even when this was the last reference. */
			atomic_dec(&c->refs.n);
		}
		if (refcount_read(&c->refs) != 0)
			continue;
		spin_lock_nested(&c->lock);
		spin_unlock(&d->lock);
		shrink_one(c);
		goto restart;
	}
	spin_unlock(&d->lock);
}

void d_prune_children(struct dentry *d)
{
	if (!list_empty(&d->children))
		prune_level(d, 0);
}

void d_pin(struct dentry *d)
{
	d_get(d);
	spin_lock(&d->lock);
	d->flags |= DCACHE_PINNED;
	spin_unlock(&d->lock);
}

void d_unpin(struct dentry *d)
{
	spin_lock(&d->lock);
	d->flags &= ~DCACHE_PINNED;
	spin_unlock(&d->lock);
	d_put(d);
}

/* Takes a leaf out of a tree that nobody uses any more. */
static NO_LOCK_ANALYSIS void umount_leaf(struct dentry *d)
{
	if (d->flags & DCACHE_PINNED) {
		d->flags &= ~DCACHE_PINNED;
		atomic_dec(&d->refs.n);
	}
	spin_lock(&d->lock);
	if (refcount_read(&d->refs) == 0) {
		shrink_one(d);
		return;
	}
	spin_unlock(&d->lock);
	log_warn("vfs", "%s: '%s' still in use after unmounting", d->sb->type->name, d->name.name);
	spin_lock(&d->parent->lock);
	list_del_init(&d->sibling);
	spin_unlock(&d->parent->lock);
}

/* Nobody uses the tree and shrinkers keep off, so plain looks at the lists are enough. */
void dcache_umount(struct super_block *sb)
{
	struct dentry *root = sb->root, *d = root, *parent;

	d_get(d);
	for (;;) {
		if (!list_empty(&d->children)) {
			struct dentry *c = list_first_entry(&d->children, struct dentry, sibling);

			atomic_inc(&c->refs.n);
			d_put(d);
			d = c;
			continue;
		}
		if (d == root)
			break;
		parent = d_get(d->parent);
		atomic_dec(&d->refs.n);
		umount_leaf(d);
		d = parent;
	}
	d_put(d);
	sb->root = NULL;
	d_drop(root);
	d_put(root);
}

static int dentry_state_show(struct strbuf *sb)
{
	sb_printf(sb, "%lld\t%llu\t45\t0\t0\t0\n", (long long)atomic64_read(&nr_dentries),
		  (unsigned long long)dentry_lru_count);
	return 0;
}
PROC_FILE(dentry_state, "sys/fs/dentry-state", 0444, dentry_state_show);

void dcache_init(void)
{
	u64 want = clamp(pages_total_count() / 16, 512ull, 65536ull);
	unsigned int bits = 63 - (unsigned int)__builtin_clzll(want);

	dentry_cache =
		kmem_cache_create("dentry", sizeof(struct dentry), 64, SLAB_RECLAIMABLE, NULL);
	dentry_hash = vzalloc(sizeof(*dentry_hash) << bits);
	VERIFY(dentry_cache && dentry_hash);
	dentry_hash_shift = 64 - bits;
	for (unsigned int k = 0; k < CHAIN_LOCKS; k++)
		spin_lock_init(&chain_locks[k], LOCK_DCACHE_HASH);
	name_salt = get_random_u64();
	shrinker_register(&dentry_shrinker);
}
