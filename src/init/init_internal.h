/* SPDX-License-Identifier: MIT */
#ifndef INIT_INTERNAL_H
#define INIT_INTERNAL_H

#include <kernel/types.h>

/* One word of the command line; pointers into it, nothing is terminated. */
struct cmdline_word {
	const char *name, *value;
	size_t len, name_len, value_len;
	bool bare; /* no '=' */
};
/* Takes the next word off *at; false at the end. */
bool cmdline_next(const char **at, struct cmdline_word *w);
/* A word some part of the kernel understands. */
bool cmdline_known(const struct cmdline_word *w);
/* Calls the boot_params of the command line in its order. */
void cmdline_parse(void);

/* Mounts what root= names as "/", unless the initramfs brings a first program; panics, saying why,
 * when it cannot. May sleep. */
void root_prepare(void);

/* Replaces the calling kernel thread by the first program; panics when there is none. Returns when
 * the frame for user mode is ready. */
int pid1_exec(void);

#endif
