/* SPDX-License-Identifier: MIT */
/*
 * Numbers from text. The kstrto* family takes a whole string: an optional sign, the digits, at
 * most one newline at the end and nothing else. Base 0 means: 0x is 16, a leading 0 is 8,
 * otherwise 10; base 16 accepts an optional 0x. Returns 0, -EINVAL (not a number) or -ERANGE (does
 * not fit); *out is written only on success.
 */
#ifndef KERNEL_KSTRTO_H
#define KERNEL_KSTRTO_H

#include <kernel/types.h>

int kstrtou64(const char *s, unsigned int base, u64 *out);
int kstrtos64(const char *s, unsigned int base, s64 *out);
int kstrtoul(const char *s, unsigned int base, unsigned long *out);
int kstrtol(const char *s, unsigned int base, long *out);
int kstrtouint(const char *s, unsigned int base, unsigned int *out);
int kstrtoint(const char *s, unsigned int base, int *out);
/* y/Y/1/on/t and n/N/0/off/f. */
int kstrtobool(const char *s, bool *out);

/*
 * Parse digits at s and set *end (if not NULL) behind the last; no sign, no blanks. With no digit
 * at all returns 0 and *end == s. A value that does not fit becomes U64_MAX.
 */
u64 parse_u64(const char *s, const char **end, unsigned int base);

/*
 * As parse_u64() in base 0 with an optional suffix K, M, G, T, P or E (powers of 1024, either
 * case).
 */
u64 memparse(const char *s, const char **end);

#endif
