/* SPDX-License-Identifier: MIT */
/* The first program. init= names it; without, the first that exists of the list below. It gets the
 * words of the command line the kernel does not know: bare ones as arguments, the others as
 * environment, as Linux does. */
#include <fs/vfs.h>
#include <kernel/assert.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/proc.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#include <uapi/fcntl.h>

#include "init_internal.h"

#define MAX_WORDS 32

static const char *const candidates[] = { "/init", "/sbin/init", "/etc/init", "/bin/init",
					  "/bin/sh" };

struct words {
	const char *argv[MAX_WORDS + 2], *envp[MAX_WORDS + 3];
	unsigned int argc, envc;
};

static void add_word(struct words *ws, const struct cmdline_word *w, bool argument)
{
	char *text;

	if (argument ? ws->argc > MAX_WORDS : ws->envc >= MAX_WORDS + 2)
		return;
	text = kmalloc(w->len + 1, GFP_KERNEL);
	if (!text)
		return;
	if (argument || w->bare) {
		memcpy(text, w->name, w->len);
		text[w->len] = '\0';
	} else {
		/* Without the quotes of the value. */
		memcpy(text, w->name, w->name_len + 1);
		memcpy(text + w->name_len + 1, w->value, w->value_len);
		text[w->name_len + 1 + w->value_len] = '\0';
	}
	if (argument)
		ws->argv[ws->argc++] = text;
	else
		ws->envp[ws->envc++] = text;
}

static void collect(struct words *ws)
{
	const char *at = boot_command_line;
	struct cmdline_word w;
	bool rest = false;

	ws->argc = 1;
	ws->envp[0] = "HOME=/";
	ws->envp[1] = "TERM=linux";
	ws->envc = 2;
	while (cmdline_next(&at, &w)) {
		if (!rest && w.len == 2 && memcmp(w.name, "--", 2) == 0)
			rest = true;
		else if (rest || (!cmdline_known(&w) && w.bare))
			add_word(ws, &w, true);
		else if (!cmdline_known(&w))
			add_word(ws, &w, false);
	}
}

/* Descriptors 0, 1 and 2 of the first program: the console, as on Linux. */
static void open_console(void)
{
	struct file *f;
	int rc = kern_open("/dev/console", O_RDWR, 0, &f);

	if (rc) {
		log_warn("init", "/dev/console cannot be opened: error %d", rc);
		return;
	}
	for (int fd = 0; fd < 3; fd++) {
		file_get(f);
		fd_install_new(f, 0);
	}
	file_put(f);
}

int pid1_exec(void)
{
	struct words *ws = kzalloc(sizeof(*ws), GFP_KERNEL);
	char named[128];
	int rc = -ENOENT;

	if (!ws)
		panic("init: no memory for the first program");
	collect(ws);
	open_console();
	if (cmdline_get("init", named, sizeof(named)) ||
	    cmdline_get("rdinit", named, sizeof(named))) {
		ws->argv[0] = named;
		rc = do_execve_kernel(named, ws->argv, ws->envp);
		if (rc)
			panic("init: cannot run %s: error %d", named, rc);
	}
	for (size_t i = 0; rc && i < ARRAY_SIZE(candidates); i++) {
		ws->argv[0] = candidates[i];
		rc = do_execve_kernel(candidates[i], ws->argv, ws->envp);
		if (rc && rc != -ENOENT)
			log_err("init", "%s: error %d", candidates[i], rc);
	}
	if (rc)
		panic("init: no first program: give a root file system with root=, an "
		      "initramfs with /init, or a name with init=");
	for (unsigned int i = 1; i < ws->argc; i++)
		kfree(ws->argv[i]);
	for (unsigned int i = 2; i < ws->envc; i++)
		kfree(ws->envp[i]);
	kfree(ws);
	return 0;
}
