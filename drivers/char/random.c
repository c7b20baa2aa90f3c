/* SPDX-License-Identifier: MIT */
/* Random number generator: ChaCha20 with fast key erasure.
 *
 * Pool:       32 bytes; whatever comes in is hashed into it (SHA-256). Credited bits are counted up
 *             to 256, then the generator counts as seeded, for good.
 * Keys:       the base key is made from the pool; each CPU has a key of its own, drawn from the
 *             base key whenever that has changed. Each request replaces the CPU's key by the first
 *             half of a ChaCha20 block before any output leaves, so a later look at memory tells
 *             nothing of earlier output.
 * Sources:    the processor's generator (credited), the loader's seed (credited), interrupt timing
 *             (one bit for 64 events), what is written to /dev/random (not credited), and timing
 *             jitter while somebody waits for seeding.
 * Locking:    pool_lock, interrupts off, for pool and base key; per-CPU keys with interrupts off.
 *             Any context may ask for numbers. */
#include "random_internal.h"

#include <arch/ops.h>
#include <kernel/chacha20.h>
#include <kernel/compiler.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <kernel/sha256.h>
#include <kernel/string.h>
#include <kernel/workqueue.h>

#define KEY_WORDS CHACHA20_KEY_WORDS
#define KEY_BYTES (KEY_WORDS * 4)
#define RESEED_INTERVAL (60 * NSEC_PER_SEC)
#define EVENTS_PER_BIT 64
#define BATCH 4

struct cpu_key {
	u32 key[KEY_WORDS];
	u64 generation; /* of the base key it was drawn from */
	u64 batch[BATCH];
	unsigned int in_batch;
};
static DEFINE_PER_CPU(struct cpu_key, cpu_key);

struct cpu_events {
	u64 mix[2];
	u32 count;
};
static DEFINE_PER_CPU(struct cpu_events, cpu_events);

static DEFINE_SPINLOCK(pool_lock, LOCK_RANDOM);
static u8 pool[SHA256_SIZE];	   /* pool_lock */
static u32 base_key[KEY_WORDS];	   /* pool_lock */
static u64 base_generation;	   /* pool_lock to write */
static u64 next_reseed;		   /* pool_lock: ns */
static unsigned int credited;	   /* pool_lock to write */
static bool ready;		   /* A: once true stays */

DEFINE_WAIT_QUEUE(random_wait);

bool random_ready(void)
{
	return __atomic_load_n(&ready, __ATOMIC_ACQUIRE);
}

unsigned int random_entropy(void)
{
	return READ_ONCE(credited);
}

/* pool_lock held. */
static void pool_mix(const void *data, size_t n)
{
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, pool, sizeof(pool));
	sha256_update(&h, data, n);
	sha256_final(&h, pool);
}

/* A new base key from the pool and everything the processor has. pool_lock held. */
static void make_base_key(void)
{
	struct {
		u64 hw[4];
		u64 cycles;
		u8 purpose;
	} extra = { .purpose = 1 };
	struct sha256 h;
	u8 digest[SHA256_SIZE];

	for (unsigned int i = 0; i < ARRAY_SIZE(extra.hw); i++)
		(void)arch_random_u64(&extra.hw[i]);
	extra.cycles = arch_cycles();
	sha256_init(&h);
	sha256_update(&h, pool, sizeof(pool));
	sha256_update(&h, base_key, sizeof(base_key));
	sha256_update(&h, &extra, sizeof(extra));
	sha256_final(&h, digest);
	memcpy(base_key, digest, sizeof(base_key));
	base_generation++;
	/* The pool moves on, so that it does not give the key away. */
	extra.purpose = 2;
	pool_mix(&extra, sizeof(extra));
	memzero_explicit(digest, sizeof(digest));
	memzero_explicit(&extra, sizeof(extra));
}

void random_reseed(void)
{
	irqflags_t f = spin_lock_irqsave(&pool_lock);

	make_base_key();
	next_reseed = ktime_get() + RESEED_INTERVAL;
	spin_unlock_irqrestore(&pool_lock, f);
}

static void wake_waiters(struct work *w)
{
	wake_up_all(&random_wait);
	log_info("random", "generator seeded");
}
static struct work wake_work = WORK_INIT(wake_waiters);
static bool work_usable; /* A: the work queues run */

void random_credit(unsigned int bits)
{
	irqflags_t f;
	bool now = false;

	if (!bits)
		return;
	bits = min(bits, RANDOM_POOL_BITS);
	f = spin_lock_irqsave(&pool_lock);
	credited = min(credited + bits, RANDOM_POOL_BITS);
	if (!ready && credited == RANDOM_POOL_BITS) {
		make_base_key();
		__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
		now = true;
	}
	spin_unlock_irqrestore(&pool_lock, f);
	if (now && READ_ONCE(work_usable))
		schedule_work(&wake_work);
}

void random_add_bytes(const void *buf, size_t n, unsigned int entropy_bits)
{
	irqflags_t f = spin_lock_irqsave(&pool_lock);
	u64 cycles = arch_cycles();

	pool_mix(buf, n);
	pool_mix(&cycles, sizeof(cycles));
	spin_unlock_irqrestore(&pool_lock, f);
	random_credit(entropy_bits);
}

static u64 rotl64(u64 v, unsigned int n)
{
	return v << n | v >> (64 - n);
}

void random_add_event(u32 value)
{
	irqflags_t f = irq_save();
	struct cpu_events *e = this_cpu_ptr(&cpu_events);
	u64 mix[2];

	e->mix[0] = rotl64(e->mix[0] ^ arch_cycles(), 23) + e->mix[1];
	e->mix[1] = rotl64(e->mix[1] ^ value, 41) ^ (e->mix[0] * 0x9e3779b97f4a7c15ull);
	if (++e->count < EVENTS_PER_BIT) {
		irq_restore(f);
		return;
	}
	e->count = 0;
	memcpy(mix, e->mix, sizeof(mix));
	irq_restore(f);
	random_add_bytes(mix, sizeof(mix), random_ready() ? 0 : 1);
}

/* --- output --- */

/* One block under key: the key is replaced by its first half, the second half is output. */
static void block_erase(u32 key[KEY_WORDS], u8 out[KEY_BYTES])
{
	static const u32 nonce[3];
	u8 block[CHACHA20_BLOCK];
	u32 state[16];

	chacha20_init(state, key, 0, nonce);
	chacha20_block(state, block);
	memcpy(key, block, KEY_BYTES);
	memcpy(out, block + KEY_BYTES, KEY_BYTES);
	memzero_explicit(block, sizeof(block));
	memzero_explicit(state, sizeof(state));
}

/* The key of this CPU, fresh. Interrupts off. */
static struct cpu_key *own_key(void)
{
	struct cpu_key *k = this_cpu_ptr(&cpu_key);

	if (likely(k->generation == READ_ONCE(base_generation) && random_ready()))
		return k;
	spin_lock(&pool_lock);
	if (!ready) /* best effort: at least never the same twice */
		make_base_key();
	block_erase(base_key, (u8 *)k->key);
	k->generation = base_generation;
	k->in_batch = 0;
	spin_unlock(&pool_lock);
	return k;
}

void random_bytes(void *buf, size_t n)
{
	static const u32 nonce[3];
	u32 key[KEY_WORDS], state[16];
	u8 block[CHACHA20_BLOCK];
	u8 *out = buf;
	irqflags_t f;

	if (random_ready() && ktime_get() > READ_ONCE(next_reseed))
		random_reseed();
	f = irq_save();
	block_erase(own_key()->key, (u8 *)key);
	irq_restore(f);
	if (n <= KEY_BYTES) {
		memcpy(out, key, n);
	} else {
		/* More than half a block: key is a key of its own, used once. */
		chacha20_init(state, key, 0, nonce);
		while (n) {
			size_t part = min_t(size_t, n, CHACHA20_BLOCK);

			chacha20_block(state, block);
			memcpy(out, block, part);
			out += part;
			n -= part;
		}
		memzero_explicit(state, sizeof(state));
		memzero_explicit(block, sizeof(block));
	}
	memzero_explicit(key, sizeof(key));
}

u64 get_random_u64(void)
{
	irqflags_t f = irq_save();
	struct cpu_key *k = own_key();
	u64 v;

	if (!k->in_batch) {
		block_erase(k->key, (u8 *)k->batch);
		k->in_batch = BATCH;
	}
	v = k->batch[--k->in_batch];
	k->batch[k->in_batch] = 0;
	irq_restore(f);
	return v;
}

u32 get_random_u32(void)
{
	return (u32)get_random_u64();
}

u64 get_random_below(u64 limit)
{
	u64 v, floor;

	if (limit <= 1)
		return 0;
	/* Values below 2^64 mod limit would make small results likelier. */
	floor = -limit % limit;
	do
		v = get_random_u64();
	while (v < floor);
	return v % limit;
}

int random_wait_ready(void)
{
	while (!random_ready()) {
		u64 sample = arch_cycles();
		int rc;

		/* How long a sleep really takes is not predictable to the last cycle: one bit. */
		rc = wait_event_interruptible_timeout(&random_wait, random_ready(),
						      ktime_get() + NSEC_PER_MSEC);
		if (rc && rc != -ETIMEDOUT)
			return rc;
		sample = sample << 32 ^ arch_cycles();
		random_add_bytes(&sample, sizeof(sample), 1);
	}
	return 0;
}

/* --- start --- */

static bool __init hardware_seed(u64 seed[8])
{
	bool all = true;

	for (unsigned int i = 0; i < 8; i++)
		all &= arch_random_u64(&seed[i]);
	return all;
}

void __init random_init(void)
{
	u64 seed[8] = { 0 };
	bool hw = hardware_seed(seed);

	random_add_bytes(seed, sizeof(seed), hw ? RANDOM_POOL_BITS : 0);
	if (bootinfo.seed_len)
		random_add_bytes(bootinfo.seed, bootinfo.seed_len, bootinfo.seed_len * 8);
	memzero_explicit(seed, sizeof(seed));
	memzero_explicit(bootinfo.seed, sizeof(bootinfo.seed));
	bootinfo.seed_len = 0;
}

static int random_late_init(void)
{
	u64 now = ktime_get_real();

	random_add_bytes(&now, sizeof(now), 0);
	WRITE_ONCE(next_reseed, ktime_get() + RESEED_INTERVAL);
	WRITE_ONCE(work_usable, true);
	return 0;
}
INIT_HOOK(INIT_SUBSYS, random_late_init);
