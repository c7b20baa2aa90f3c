/* SPDX-License-Identifier: MIT */
/* Statistics of block devices, and the messages about their errors.
 * Counters are one set for each CPU, changed with interrupts off, summed on reading. A partition's
 * transfers count for its disk, too. Time in use (io_ticks) is kept to the millisecond: whoever
 * starts or ends a request adds what has passed since somebody else did. */
#include "block_internal.h"

#include <kernel/time.h>

static unsigned int group_of(unsigned int op)
{
	static const u8 groups[] = { [BIO_READ] = 0, [BIO_WRITE] = 1, [BIO_FLUSH] = 3,
				     [BIO_DISCARD] = 2, [BIO_WRITE_ZEROES] = 1 };

	return groups[op];
}

static void ticks(struct bdev *bd, struct disk_stats *s, u64 now, bool busy)
{
	u64 then = READ_ONCE(bd->io_stamp);

	if (now - then < NSEC_PER_MSEC || !try_cmpxchg(&bd->io_stamp, &then, now))
		return;
	s->io_ticks_ns += busy ? now - then : NSEC_PER_MSEC;
}

void stats_start(struct bdev *bd, u64 now)
{
	struct disk_stats *s = &bd->stats[cpu_id()];

	s->inflight++;
	if (now)
		ticks(bd, s, now, false);
	if (bd->partno)
		stats_start(bd->disk->whole, now);
}

void stats_merge(struct bdev *bd, unsigned int op)
{
	bd->stats[cpu_id()].merges[group_of(op)]++;
	if (bd->partno)
		stats_merge(bd->disk->whole, op);
}

void stats_end(struct bdev *bd, unsigned int op, u64 sectors, u64 start_ns, u64 now)
{
	struct disk_stats *s = &bd->stats[cpu_id()];
	unsigned int g = group_of(op);

	s->inflight--;
	s->ios[g]++;
	s->sectors[g] += sectors;
	if (now) {
		s->ns[g] += now - start_ns;
		ticks(bd, s, now, true);
	}
	if (bd->partno)
		stats_end(bd->disk->whole, op, sectors, start_ns, now);
}

void stats_sum(const struct bdev *bd, struct disk_stats *sum)
{
	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(c) {
		const struct disk_stats *s = &bd->stats[c];

		for (unsigned int g = 0; g < 4; g++) {
			sum->ios[g] += s->ios[g];
			sum->merges[g] += s->merges[g];
			sum->sectors[g] += s->sectors[g];
			sum->ns[g] += s->ns[g];
			sum->queue_ns += s->ns[g];
		}
		sum->inflight += s->inflight;
		sum->io_ticks_ns += s->io_ticks_ns;
	}
	if ((s64)sum->inflight < 0) /* read while it changed */
		sum->inflight = 0;
}

void disk_log_error(struct disk *d, unsigned int op, u64 sector, u64 nr, int error)
{
	static const char *const names[] = { "read", "write", "flush", "discard", "write zeroes" };
	u64 now = ktime_get(), then = READ_ONCE(d->log_ns), missed;

	if (error == -EOPNOTSUPP || (error == -ENODEV && d->removed))
		return;
	if ((then && now - then < NSEC_PER_SEC) || !try_cmpxchg(&d->log_ns, &then, now)) {
		__atomic_fetch_add(&d->log_missed, 1, __ATOMIC_RELAXED);
		return;
	}
	missed = xchg(&d->log_missed, 0);
	if (missed)
		log_err(d->name, "%llu more errors", (unsigned long long)missed);
	log_err(d->name, "I/O error, %s, sector %llu +%llu, error %d", names[op],
		(unsigned long long)sector, (unsigned long long)nr, error);
}
