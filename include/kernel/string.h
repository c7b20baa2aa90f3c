/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions. In a host build (unit tests) the standard ones come from libc and
 * ours are reachable under the keelson_ prefix.
 *
 * Bulk copies and fills use rep movsq/stosq: one step per eight bytes on an emulated CPU,
 * microcoded fast strings on a real one. They never use vector registers, so they may be called
 * from any context, interrupts included.
 */
#ifndef KERNEL_STRING_H
#define KERNEL_STRING_H

#include <kernel/types.h>

#ifdef KEELSON_HOST
#include <string.h>
#include <sys/types.h>
#define KSTRING(name) keelson_##name
#else
#define KSTRING(name) name
#endif

void *KSTRING(memcpy)(void *restrict dst, const void *restrict src, size_t n);
void *KSTRING(memmove)(void *dst, const void *src, size_t n);
void *KSTRING(memset)(void *dst, int c, size_t n);
int KSTRING(memcmp)(const void *a, const void *b, size_t n);
void *KSTRING(memchr)(const void *s, int c, size_t n);
size_t KSTRING(strlen)(const char *s);
size_t KSTRING(strnlen)(const char *s, size_t max);
int KSTRING(strcmp)(const char *a, const char *b);
int KSTRING(strncmp)(const char *a, const char *b, size_t n);
char *KSTRING(strchr)(const char *s, int c);
char *KSTRING(strrchr)(const char *s, int c);
char *KSTRING(strstr)(const char *s, const char *find);
size_t KSTRING(strspn)(const char *s, const char *accept);
size_t KSTRING(strcspn)(const char *s, const char *reject);
char *KSTRING(strsep)(char **s, const char *delims);
int KSTRING(strcasecmp)(const char *a, const char *b);
int KSTRING(strncasecmp)(const char *a, const char *b, size_t n);

/* First c in s, or the terminating NUL. Never NULL. */
char *KSTRING(strchrnul)(const char *s, int c);

/*
 * Copy src into dst[size], always NUL-terminated (size > 0). Returns the length copied, or -E2BIG
 * when src was cut (dst then holds the first size - 1 bytes).
 */
ssize_t strscpy(char *dst, const char *src, size_t size);

/* First byte of s[n] that is not c, or NULL when all are. */
void *memchr_inv(const void *s, int c, size_t n);

/* memset to zero that the compiler may not drop: for keys and freed secrets. */
void memzero_explicit(void *s, size_t n);

/* Equal or not, in time that depends only on n: for secrets. */
bool memeq_ct(const void *a, const void *b, size_t n);

/* Length of prefix when s begins with it, else 0. */
size_t str_has_prefix(const char *s, const char *prefix);

/* s without leading blanks; trailing blanks are cut off in place. */
char *strstrip(char *s);

/* Whole 4 KiB pages; both addresses page aligned. */
static inline void copy_page(void *dst, const void *src)
{
	size_t n = 4096 / 8;

	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

static inline void clear_page(void *page)
{
	size_t n = 4096 / 8;

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(n) : "a"(0ul) : "memory");
}

#endif
