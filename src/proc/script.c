/* SPDX-License-Identifier: MIT */
/* "#!" files: the interpreter gets its name, the argument of the line if there is one, the script's
 * name and the caller's arguments but the first. */
#include "exec_internal.h"

#include <kernel/slab.h>
#include <kernel/string.h>

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
	rc = script_parse(line, sizeof(line), &name, &arg);
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
