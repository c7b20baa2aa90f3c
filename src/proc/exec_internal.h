/* SPDX-License-Identifier: MIT */
/* One execve in progress, between the files of exec. */
#ifndef PROC_EXEC_INTERNAL_H
#define PROC_EXEC_INTERNAL_H

#include "elf.h"
#include "proc_internal.h"

#include <fs/vfs.h>

#define EXEC_HEAD 256 /* bytes of the file that decide what it is */

/* NUL-terminated strings one after the other, in the order they will have on the stack. */
struct exec_strings {
	char *buf;
	size_t size, len;
	unsigned int count;
};

struct exec {
	const char *filename; /* what AT_EXECFN says and the name comes from */
	char *fdpath;	      /* "/dev/fd/N..." made up for execveat; freed */
	char *script;	      /* script name for the interpreter; freed; NULL: filename */
	struct file *file;    /* the program, with writers denied */
	char comm[16];	      /* of the file, when filename is a descriptor; else empty */
	bool hidden;	      /* filename will not work any more after close-on-exec */
	struct exec_strings args, envs;
	u8 head[EXEC_HEAD];

	/* Decided from the file: */
	struct cred cred;     /* plain copy, valid while current's cred is the old one */
	bool cred_changes, secure;
	bool dumpable;	      /* memory may be inspected by the same user */

	/* ELF: */
	struct elf64_phdr *phdrs;
	char *interp_name;
	struct file *interp;
	struct elf64_ehdr interp_eh;
	struct elf64_phdr *interp_phdrs;
	struct elf_layout layout;
	u64 bias, interp_base, entry, stack_top, vdso;
};

/* exec_args.c */
int strings_from_user(struct exec *x, struct exec_strings *s, struct user_ptr array);
int strings_from_kernel(struct exec *x, struct exec_strings *s, const char *const *array);
int strings_append(struct exec *x, struct exec_strings *s, const char *text);
/* Replaces the first string by the n given ones. */
int strings_replace_first(struct exec *x, struct exec_strings *s, const char *const *text,
			  unsigned int n);
int exec_args_check(const struct exec *x);
void exec_strings_free(struct exec_strings *s);

/* script.c: 1 x->file is now an interpreter to look at, 0 not a script, or -errno. */
int script_prepare(struct exec *x);

/* elf_load.c: prepare may fail without harm (-ENOEXEC: not ELF); load runs on the new mm. */
int elf_prepare(struct exec *x);
int elf_load(struct exec *x);
/* elf_stack.c: arguments and auxiliary vector; *sp: the user stack pointer. */
int elf_build_stack(struct exec *x, u64 *sp);

#endif
