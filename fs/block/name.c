/* SPDX-License-Identifier: MIT */
/* Devices by the names that root= may use.
 *
 *   /dev/vda1  vda1                      as in /dev
 *   254:1      fe01                      numbers, decimal or as Linux's hexadecimal old form
 *   PARTUUID=U[/PARTNROFF=N]             a partition's identifier in its table; N partitions on
 *   PARTLABEL=L                          a GPT partition's name
 *   UUID=U  LABEL=L                      what the file system on it says: fs_probes are asked
 * Text compares without case for identifiers, exactly for labels. The first match counts, disks in
 * the order they came. Opening for a probe may sleep; no locks are held over it. */
#include "block_internal.h"

#include <kernel/ctype.h>
#include <kernel/kstrto.h>
#include <kernel/table.h>

struct search {
	bool (*match)(struct bdev *bd, const char *text);
	const char *text;
	dev_t found;
	bool done;
};

static bool same_nocase(const char *a, const char *b)
{
	while (*a && tolower(*a) == tolower(*b)) {
		a++;
		b++;
	}
	return !*a && !*b;
}

static bool match_name(struct bdev *bd, const char *text)
{
	return strcmp(bd->name, text) == 0;
}

static bool match_partuuid(struct bdev *bd, const char *text)
{
	return bd->part_uuid[0] && same_nocase(bd->part_uuid, text);
}

static bool match_partlabel(struct bdev *bd, const char *text)
{
	return bd->part_label[0] && strcmp(bd->part_label, text) == 0;
}

/* Which file system lies on bd, and is its identifier or label the text? */
static bool match_content(struct bdev *bd, const char *text, bool by_uuid)
{
	char uuid[37], label[65];
	struct bdev *open;
	bool hit = false;

	if (!READ_ONCE(bd->sectors) || bdev_open(bd->dev, FMODE_READ, NULL, &open))
		return false;
	TABLE_FOREACH(fs_probes, struct fs_probe, p) {
		uuid[0] = label[0] = '\0';
		if (!p->probe(open, uuid, label))
			continue;
		hit = by_uuid ? uuid[0] && same_nocase(uuid, text)
			      : label[0] && strcmp(label, text) == 0;
		break;
	}
	bdev_close(open, NULL);
	return hit;
}

static bool match_uuid(struct bdev *bd, const char *text)
{
	return match_content(bd, text, true);
}

static bool match_label(struct bdev *bd, const char *text)
{
	return match_content(bd, text, false);
}

static bool search_one(struct bdev *bd, void *arg)
{
	struct search *s = arg;

	if (!s->match(bd, s->text))
		return true;
	s->found = bd->dev;
	s->done = true;
	return false;
}

static int search(bool (*match)(struct bdev *bd, const char *text), const char *text, dev_t *out)
{
	struct search s = { .match = match, .text = text };

	if (!*text)
		return -EINVAL;
	bdev_for_each(search_one, &s);
	if (!s.done)
		return -ENOENT;
	*out = s.found;
	return 0;
}

/* The partition `offset` numbers behind dev on the same disk. */
static int partition_beside(dev_t dev, int offset, dev_t *out)
{
	struct bdev *bd = bdev_find(dev), *other;
	int partno, rc = -ENOENT;

	if (!bd)
		return -ENOENT;
	partno = (int)bd->partno + offset;
	if (partno >= 0) {
		mutex_lock(&bd->disk->open_mutex);
		other = partno ? partition_find(bd->disk, (unsigned int)partno) : bd->disk->whole;
		if (other) {
			*out = other->dev;
			rc = 0;
		}
		mutex_unlock(&bd->disk->open_mutex);
	}
	bdev_put(bd);
	return rc;
}

static int by_partuuid(const char *text, dev_t *out)
{
	const char *slash = strchr(text, '/');
	char uuid[37];
	int offset, rc;

	if (!slash)
		return search(match_partuuid, text, out);
	if ((size_t)(slash - text) >= sizeof(uuid) || strncmp(slash, "/PARTNROFF=", 11) != 0 ||
	    kstrtoint(slash + 11, 10, &offset))
		return -EINVAL;
	memcpy(uuid, text, (size_t)(slash - text));
	uuid[slash - text] = '\0';
	rc = search(match_partuuid, uuid, out);
	return rc ? rc : partition_beside(*out, offset, out);
}

/* "254:1", or hexadecimal digits only: the two bytes of the old form and its extension. */
static int by_number(const char *text, dev_t *out)
{
	char major[12];
	const char *colon = strchr(text, ':');
	unsigned int ma, mi;
	struct bdev *bd;
	u64 old;

	if (colon) {
		if (colon - text >= (ptrdiff_t)sizeof(major))
			return -EINVAL;
		memcpy(major, text, (size_t)(colon - text));
		major[colon - text] = '\0';
		if (kstrtouint(major, 10, &ma) || kstrtouint(colon + 1, 10, &mi) || ma > 0xfff ||
		    mi > 0xfffff)
			return -EINVAL;
		*out = MKDEV(ma, mi);
	} else {
		if (kstrtou64(text, 16, &old) || old > UINT32_MAX)
			return -EINVAL;
		*out = dev_decode(old);
	}
	bd = bdev_find(*out);
	if (!bd)
		return -ENOENT;
	bdev_put(bd);
	return 0;
}

int bdev_by_name(const char *text, dev_t *out)
{
	static const struct {
		const char *prefix;
		bool (*match)(struct bdev *bd, const char *text);
	} kinds[] = {
		{ "PARTLABEL=", match_partlabel },
		{ "UUID=", match_uuid },
		{ "LABEL=", match_label },
		{ "/dev/", match_name },
	};
	int rc;

	if (strncmp(text, "PARTUUID=", 9) == 0)
		return by_partuuid(text + 9, out);
	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		size_t n = strlen(kinds[k].prefix);

		if (strncmp(text, kinds[k].prefix, n) == 0)
			return search(kinds[k].match, text + n, out);
	}
	rc = search(match_name, text, out);
	if (rc != -ENOENT)
		return rc;
	/* Neither a device now nor a number: a name that may come later. */
	rc = by_number(text, out);
	return rc == -EINVAL ? -ENOENT : rc;
}
