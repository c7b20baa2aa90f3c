/* SPDX-License-Identifier: MIT */
/* Errors on purpose, for tests: /sys/block/NAME/inject of configurations with CONFIG_BLOCK_INJECT.
 *	echo "nth 17" > inject		the 17th request from now on fails, once
 *	echo "from 17" > inject		that one and all behind it: the disk has died
 *	echo "sectors 100 8 r" > inject	every read (w: write, a: any) that touches 100..107 fails
 *	echo off > inject
 * Reading tells the rule and how many requests came since it was set. */
#include "block_internal.h"

#include <kernel/kstrto.h>

struct disk_inject {
	u64 nth;	 /* 0: by sector */
	bool onwards;	 /* not the nth alone */
	u64 start, nr;
	char what;	 /* r, w, a */
	u64 seen, hits;	 /* A */
};

bool inject_hits(struct disk *d, unsigned int op, u64 sector, u64 nr)
{
	struct disk_inject *in = READ_ONCE(d->inject);
	u64 count;
	bool hit;

	if (!in)
		return false;
	count = __atomic_add_fetch(&in->seen, 1, __ATOMIC_RELAXED);
	if (in->nth)
		hit = in->onwards ? count >= in->nth : count == in->nth;
	else
		hit = sector < in->start + in->nr && in->start < sector + nr &&
		      (in->what == 'a' || (in->what == 'r') == (op == BIO_READ));
	if (hit)
		__atomic_add_fetch(&in->hits, 1, __ATOMIC_RELAXED);
	return hit;
}

void inject_free(struct disk *d)
{
	kfree(d->inject);
}

int inject_show(struct disk *d, struct strbuf *sb)
{
	const struct disk_inject *in = READ_ONCE(d->inject);

	if (!in || (!in->nth && !in->nr))
		sb_puts(sb, "off\n");
	else if (in->nth)
		sb_printf(sb, "%s %llu seen %llu hits %llu\n", in->onwards ? "from" : "nth",
			  (unsigned long long)in->nth, (unsigned long long)in->seen,
			  (unsigned long long)in->hits);
	else
		sb_printf(sb, "sectors %llu %llu %c seen %llu hits %llu\n",
			  (unsigned long long)in->start, (unsigned long long)in->nr, in->what,
			  (unsigned long long)in->seen, (unsigned long long)in->hits);
	return 0;
}

static int parse(const char *text, struct disk_inject *rule)
{
	const char *end;

	if (strncmp(text, "off", 3) == 0)
		return 0;
	rule->onwards = strncmp(text, "from ", 5) == 0;
	if (rule->onwards || strncmp(text, "nth ", 4) == 0) {
		text += rule->onwards ? 5 : 4;
		rule->nth = parse_u64(text, &end, 10);
		return end == text || !rule->nth ? -EINVAL : 0;
	}
	if (strncmp(text, "sectors ", 8) != 0)
		return -EINVAL;
	rule->start = parse_u64(text + 8, &end, 10);
	if (end == text + 8 || *end != ' ')
		return -EINVAL;
	text = end + 1;
	rule->nr = parse_u64(text, &end, 10);
	if (end == text || !rule->nr)
		return -EINVAL;
	rule->what = *end == ' ' ? end[1] : 'a';
	return strchr("rwa", rule->what) && rule->what ? 0 : -EINVAL;
}

int inject_store(struct disk *d, const char *text)
{
	struct disk_inject rule = { 0 }, *in = READ_ONCE(d->inject), *fresh;
	int rc = parse(text, &rule);

	if (rc)
		return rc;
	if (!in) {
		fresh = kmemdup(&rule, sizeof(rule), GFP_KERNEL);
		if (!fresh)
			return -ENOMEM;
		if (try_cmpxchg(&d->inject, &in, fresh))
			return 0;
		kfree(fresh);
	}
	*in = rule; /* requests that look meanwhile see some mixture: it is a test */
	return 0;
}
