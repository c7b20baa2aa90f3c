/* SPDX-License-Identifier: MIT */
/* Numbers from text: one digit loop, and the typed whole-string forms on top. */
#include <kernel/ctype.h>
#include <kernel/errno.h>
#include <kernel/kstrto.h>
#include <kernel/string.h>

/* Settle base 0 and skip a 0x prefix that is followed by a hexadecimal digit. */
static const char *skip_prefix(const char *s, unsigned int *base)
{
	bool hex = s[0] == '0' && (s[1] | 32) == 'x' && ascii_isxdigit((u8)s[2]);

	if (!*base)
		*base = hex ? 16 : s[0] == '0' ? 8 : 10;
	return hex && *base == 16 ? s + 2 : s;
}

/* Returns the character behind the last digit (s itself: no digit). */
static const char *scan(const char *s, unsigned int base, u64 *out, bool *overflow)
{
	const char *p = skip_prefix(s, &base);
	u64 v = 0;
	int d;

	*overflow = false;
	for (; (d = digit_value((u8)*p)) >= 0 && (unsigned int)d < base; p++)
		if (__builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)d, &v))
			*overflow = true;
	*out = *overflow ? UINT64_MAX : v;
	return p;
}

u64 parse_u64(const char *s, const char **end, unsigned int base)
{
	bool overflow;
	u64 v;

	s = scan(s, base, &v, &overflow);
	if (end)
		*end = s;
	return v;
}

static int parse_whole(const char *s, unsigned int base, u64 *out)
{
	const char *end;
	bool overflow;
	u64 v;

	end = scan(s, base, &v, &overflow);
	if (end == s)
		return -EINVAL;
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	if (overflow)
		return -ERANGE;
	*out = v;
	return 0;
}

int kstrtou64(const char *s, unsigned int base, u64 *out)
{
	return parse_whole(*s == '+' ? s + 1 : s, base, out);
}

int kstrtos64(const char *s, unsigned int base, s64 *out)
{
	bool negative = *s == '-';
	u64 v;
	int rc;

	rc = parse_whole(negative || *s == '+' ? s + 1 : s, base, &v);
	if (rc)
		return rc;
	if (v > (u64)INT64_MAX + negative)
		return -ERANGE;
	*out = (s64)(negative ? -v : v);
	return 0;
}

int kstrtoul(const char *s, unsigned int base, unsigned long *out)
{
	u64 v;
	int rc = kstrtou64(s, base, &v);

	if (!rc)
		*out = v;
	return rc;
}

int kstrtol(const char *s, unsigned int base, long *out)
{
	s64 v;
	int rc = kstrtos64(s, base, &v);

	if (!rc)
		*out = v;
	return rc;
}

int kstrtouint(const char *s, unsigned int base, unsigned int *out)
{
	u64 v;
	int rc = kstrtou64(s, base, &v);

	if (!rc && v > UINT32_MAX)
		rc = -ERANGE;
	if (!rc)
		*out = (unsigned int)v;
	return rc;
}

int kstrtoint(const char *s, unsigned int base, int *out)
{
	s64 v;
	int rc = kstrtos64(s, base, &v);

	if (!rc && (v > INT32_MAX || v < INT32_MIN))
		rc = -ERANGE;
	if (!rc)
		*out = (int)v;
	return rc;
}

int kstrtobool(const char *s, bool *out)
{
	switch (s[0] | 32) {
	case 'y':
	case 't':
	case '1':
		*out = true;
		return 0;
	case 'n':
	case 'f':
	case '0':
		*out = false;
		return 0;
	case 'o':
		if ((s[1] | 32) == 'n') {
			*out = true;
			return 0;
		}
		if ((s[1] | 32) == 'f') {
			*out = false;
			return 0;
		}
	}
	return -EINVAL;
}

u64 memparse(const char *s, const char **end)
{
	static const char suffixes[] = "kmgtpe";
	const char *p, *which;
	u64 v = parse_u64(s, &p, 0);

	if (p != s && *p && (which = strchr(suffixes, *p | 32)) != NULL) {
		unsigned int shift = 10 * (unsigned int)(which - suffixes + 1);

		v = v >> (64 - shift) ? UINT64_MAX : v << shift;
		p++;
	}
	if (end)
		*end = p;
	return v;
}
