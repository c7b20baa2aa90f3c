/* SPDX-License-Identifier: MIT */
/* Reading ELF headers and "#!" lines: pure functions over bytes in memory, also built on the host
 * for tests. */
#ifndef PROC_ELF_H
#define PROC_ELF_H

#include <kernel/types.h>
#include <uapi/elf.h>

#define ELF_PAGE 4096ull
#define ELF_MAX_PHDRS (ELF_PAGE / sizeof(struct elf64_phdr))

struct elf_layout {
	u64 first_vaddr; /* page that the first segment starts in: relocation is relative to it */
	u64 total;	 /* bytes from the lowest to the end of the highest segment, in pages */
	u64 low;	 /* lowest page */
	u64 align;	 /* largest p_align that is a power of two; at least a page */
	u64 phdr_vaddr;	 /* where the program headers are in memory; 0 not mapped */
	u64 start_code, end_code, start_data, end_data, brk; /* as link-time addresses */
	unsigned int segments;
};

/* Is it an ELF file this machine can run? 0 or -ENOEXEC. Bytes of program headers through *size. */
int elf_check_header(const struct elf64_ehdr *eh, size_t *size);
/* First program header of a type, or NULL. */
const struct elf64_phdr *elf_find(const struct elf64_phdr *ph, unsigned int n, u32 type);
/* The name PT_INTERP holds fits and ends: 0 or -ENOEXEC. `text` has p_filesz bytes. */
int elf_check_interp_size(const struct elf64_phdr *ph);
int elf_check_interp_text(const char *text, size_t size);
/* Places all PT_LOAD segments; user_end: first address beyond user space. -EINVAL: no segment, or
 * one that does not fit into the address space. */
int elf_plan(const struct elf64_ehdr *eh, const struct elf64_phdr *ph, u64 user_end,
	     struct elf_layout *out);
/* May this segment be mapped with this bias? 0 or -EINVAL. */
int elf_check_segment(const struct elf64_phdr *ph, u64 bias, u64 user_end);

/* Cuts the head of a "#!" file into *name and *arg (NULL: none), NUL-terminated inside line[size],
 * which is changed. size: at least 4. 0 or -ENOEXEC. */
int script_parse(char *line, size_t size, char **name, char **arg);

#endif
