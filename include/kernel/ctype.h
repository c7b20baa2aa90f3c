/* SPDX-License-Identifier: MIT */
/*
 * ASCII character classes; bytes above 127 belong to none. Arguments are evaluated once and may be
 * signed chars.
 */
#ifndef KERNEL_CTYPE_H
#define KERNEL_CTYPE_H

#include <kernel/types.h>

static inline int ascii_isdigit(int c)
{
	return (unsigned int)c - '0' < 10;
}

static inline int ascii_islower(int c)
{
	return (unsigned int)c - 'a' < 26;
}

static inline int ascii_isupper(int c)
{
	return (unsigned int)c - 'A' < 26;
}

static inline int ascii_isalpha(int c)
{
	return ((unsigned int)c | 32) - 'a' < 26;
}

static inline int ascii_isalnum(int c)
{
	return ascii_isalpha(c) || ascii_isdigit(c);
}

static inline int ascii_isspace(int c)
{
	return c == ' ' || (unsigned int)c - '\t' < 5;
}

static inline int ascii_isblank(int c)
{
	return c == ' ' || c == '\t';
}

static inline int ascii_isxdigit(int c)
{
	return ascii_isdigit(c) || ((unsigned int)c | 32) - 'a' < 6;
}

static inline int ascii_isprint(int c)
{
	return (unsigned int)c - 0x20 < 0x5f;
}

static inline int ascii_isgraph(int c)
{
	return (unsigned int)c - 0x21 < 0x5e;
}

static inline int ascii_iscntrl(int c)
{
	return (unsigned int)c < 0x20 || c == 0x7f;
}

static inline int ascii_ispunct(int c)
{
	return ascii_isgraph(c) && !ascii_isalnum(c);
}

static inline int ascii_tolower(int c)
{
	return ascii_isupper(c) ? c | 32 : c;
}

static inline int ascii_toupper(int c)
{
	return ascii_islower(c) ? c & ~32 : c;
}

#ifdef KEELSON_HOST
#include <ctype.h>
#else
#define isdigit(c)  ascii_isdigit(c)
#define islower(c)  ascii_islower(c)
#define isupper(c)  ascii_isupper(c)
#define isalpha(c)  ascii_isalpha(c)
#define isalnum(c)  ascii_isalnum(c)
#define isspace(c)  ascii_isspace(c)
#define isblank(c)  ascii_isblank(c)
#define isxdigit(c) ascii_isxdigit(c)
#define isprint(c)  ascii_isprint(c)
#define isgraph(c)  ascii_isgraph(c)
#define iscntrl(c)  ascii_iscntrl(c)
#define ispunct(c)  ascii_ispunct(c)
#define tolower(c)  ascii_tolower(c)
#define toupper(c)  ascii_toupper(c)
#endif

/* Value of a digit in bases up to 36, or -1. */
static inline int digit_value(int c)
{
	if ((unsigned int)c - '0' < 10)
		return c - '0';
	if (((unsigned int)c | 32) - 'a' < 26)
		return (c | 32) - 'a' + 10;
	return -1;
}

#endif
