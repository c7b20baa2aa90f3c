/* SPDX-License-Identifier: MIT */
/* "#!" files. The first line, of which 256 bytes are looked at, names an interpreter and at most one
 * argument: everything after the blanks that follow the name, blanks inside it included. The interpreter
 * gets: its name, that argument, the script's name, the caller's arguments but the first. */
#include "exec_internal.h"

#include <kernel/slab.h>
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

/* Cuts the line into *name and *arg (NULL: none), both NUL-terminated inside `line`, whose last byte
 * is line[EXEC_HEAD - 1]. */
static int script_parse(char *line, char **name, char **arg)
{
	char *last = line + EXEC_HEAD - 1, *end, *start, *sep;

	end = memchr(line, '\n', EXEC_HEAD);
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

int script_prepare(struct exec *x)
{
	char line[EXEC_HEAD], *name, *arg;
	const char *words[3];
	struct file *interp;
	unsigned int n = 0;
	int rc;

	if (x->head[0] != '#' || x->head[1] != '!')
		return 0;
	memcpy(line, x->head, sizeof(line));
	rc = script_parse(line, &name, &arg);
	if (rc)
		return rc;
	/* The interpreter could not open a descriptor that closes on exec. */
	if (x->hidden)
		return -ENOENT;
	words[n++] = name;
	if (arg)
		words[n++] = arg;
	words[n++] = x->script ? x->script : x->filename;
	rc = strings_replace_first(x, &x->args, words, n);
	if (rc)
		return rc;
	kfree(x->script);
	x->script = kstrdup(name, GFP_KERNEL);
	if (!x->script)
		return -ENOMEM;
	rc = file_open_exec(AT_FDCWD, name, 0, &interp);
	if (rc)
		return rc;
	file_put(x->file);
	x->file = interp;
	return 1;
}
