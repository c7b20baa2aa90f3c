/* SPDX-License-Identifier: MIT */
/* The kernel's command line: words separated by blanks, name or name=value; a value may hold blanks
 * inside double quotes. `--` ends the kernel's part: what follows belongs to the first program.
 * Unknown words are not errors: name=value goes to the environment of the first program, a bare
 * word to its arguments (pid1.c). The text comes from outside and may be anything. */
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/string.h>

#include "init_internal.h"

char boot_command_line[4096];

bool cmdline_next(const char **at, struct cmdline_word *w)
{
	const char *s = *at, *p;
	bool quoted = false;

	while (*s == ' ' || *s == '\t' || *s == '\n')
		s++;
	if (!*s)
		return false;
	w->name = s;
	w->name_len = 0;
	w->value = NULL;
	for (p = s; *p && (quoted || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
		if (*p == '"')
			quoted = !quoted;
		if (*p == '=' && !w->value) {
			w->name_len = (size_t)(p - s);
			w->value = p + 1;
		}
	}
	w->len = (size_t)(p - s);
	if (!w->value) {
		w->name_len = w->len;
		w->value = p;
	}
	w->value_len = (size_t)(p - w->value);
	w->bare = w->name_len == w->len;
	if (w->value_len && w->value[0] == '"') {
		w->value++;
		w->value_len--;
		if (w->value_len && w->value[w->value_len - 1] == '"')
			w->value_len--;
	}
	*at = p;
	return true;
}

static void copy_value(const struct cmdline_word *w, char *value, size_t size)
{
	size_t n = w->value_len < size ? w->value_len : size - 1;

	memcpy(value, w->value, n);
	value[n] = '\0';
}

static bool name_is(const struct cmdline_word *w, const char *name)
{
	return strlen(name) == w->name_len && memcmp(w->name, name, w->name_len) == 0;
}

bool cmdline_get(const char *name, char *value, size_t size)
{
	const char *at = boot_command_line;
	struct cmdline_word w;
	bool found = false;

	while (cmdline_next(&at, &w) && !(w.bare && name_is(&w, "--"))) {
		if (!name_is(&w, name))
			continue;
		copy_value(&w, value, size); /* the last one counts */
		found = true;
	}
	return found;
}

bool cmdline_known(const struct cmdline_word *w)
{
	static const char *const direct[] = {
		"init",	      "rdinit",	 "ktest",  "nosmp", "maxcpus", "panic",
		"nofsgsbase", "noxsave", "nohpet", "root",  "ro",      "rw",
		"rootfstype", "rootflags", "rootwait", "rootdelay",
	};

	for (size_t i = 0; i < ARRAY_SIZE(direct); i++)
		if (name_is(w, direct[i]))
			return true;
	TABLE_FOREACH(boot_params, struct boot_param, p)
		if (name_is(w, p->name))
			return true;
	/* module.parameter style words are the kernel's, too. */
	return memchr(w->name, '.', w->name_len) != NULL;
}

void cmdline_parse(void)
{
	const char *at = boot_command_line;
	struct cmdline_word w;
	char value[256];

	while (cmdline_next(&at, &w) && !(w.bare && name_is(&w, "--"))) {
		TABLE_FOREACH(boot_params, struct boot_param, p) {
			if (!name_is(&w, p->name))
				continue;
			copy_value(&w, value, sizeof(value));
			if (p->fn(value))
				log_warn("init", "bad value in %s=%s", p->name, value);
		}
	}
}
