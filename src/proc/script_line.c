/* SPDX-License-Identifier: MIT */
/* The first line of a "#!" file, cut into words. It names an interpreter and at most one argument:
 * everything after the blanks that follow the name, blanks inside it included. Pure, also built on
 * the host. */
#include "elf.h"

#include <kernel/errno.h>
#include <kernel/string.h>

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* First byte of [p, end] that is not blank, or NULL. */
static char *skip_blanks(char *p, char *end)
{
	for (; p <= end; p++) {
		if (!blank(*p))
			return p;
	}
	return NULL;
}

/* First byte of [p, end] that ends a word, or NULL. */
static char *word_end(char *p, char *end)
{
	for (; p <= end; p++) {
		if (blank(*p) || !*p)
			return p;
	}
	return NULL;
}

int script_parse(char *line, size_t size, char **name, char **arg)
{
	char *last = line + size - 1, *end, *start, *sep;

	end = memchr(line, '\n', size);
	if (!end) {
		start = skip_blanks(line + 2, last);
		/* Without a blank or NUL behind it the name may have been cut. */
		if (!start || !word_end(start, last))
			return -ENOEXEC;
		end = last;
	}
	while (end > line + 2 && blank(end[-1]))
		end--;
	*end = '\0';
	start = skip_blanks(line + 2, end);
	if (!start || start == end)
		return -ENOEXEC;
	*name = start;
	*arg = NULL;
	sep = word_end(start, end);
	if (sep && *sep) {
		*arg = skip_blanks(sep, end);
		*sep = '\0';
		if (*arg && !**arg)
			*arg = NULL;
	}
	return 0;
}
