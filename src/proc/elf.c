/* SPDX-License-Identifier: MIT */
/* ELF headers, checked. Nothing here trusts a number of the file: sums that would wrap, sizes and
 * places outside the address space are refused before anybody computes with them.
 * What is refused, and with which error, is what Linux refuses: it looks at the magic, the type,
 * the machine and the size of a program header, and at nothing else. */
#include "elf.h"

#include <kernel/errno.h>
#include <kernel/string.h>

#define PATH_LIMIT 4096

int elf_check_header(const struct elf64_ehdr *eh, size_t *size)
{
	static const u8 magic[4] = { 0x7f, 'E', 'L', 'F' };

	if (memcmp(eh->e_ident, magic, sizeof(magic)))
		return -ENOEXEC;
	if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
		return -ENOEXEC;
	if (eh->e_machine != EM_X86_64 || eh->e_phentsize != sizeof(struct elf64_phdr))
		return -ENOEXEC;
	if (!eh->e_phnum || eh->e_phnum > ELF_MAX_PHDRS)
		return -ENOEXEC;
	*size = eh->e_phnum * sizeof(struct elf64_phdr);
	return 0;
}

const struct elf64_phdr *elf_find(const struct elf64_phdr *ph, unsigned int n, u32 type)
{
	for (unsigned int i = 0; i < n; i++) {
		if (ph[i].p_type == type)
			return &ph[i];
	}
	return NULL;
}

int elf_check_interp_size(const struct elf64_phdr *ph)
{
	return ph->p_filesz < 2 || ph->p_filesz > PATH_LIMIT ? -ENOEXEC : 0;
}

int elf_check_interp_text(const char *text, size_t size)
{
	return text[size - 1] == '\0' ? 0 : -ENOEXEC;
}

int elf_check_segment(const struct elf64_phdr *ph, u64 bias, u64 user_end)
{
	u64 start = ph->p_vaddr + bias; /* may wrap: then it is far out or merely the bias */

	if (start >= user_end || ph->p_filesz > ph->p_memsz || ph->p_memsz > user_end ||
	    user_end - ph->p_memsz < start)
		return -EINVAL;
	/* Address and file position must be equal modulo the page size to be mapped. */
	if ((ph->p_filesz || (ph->p_vaddr & (ELF_PAGE - 1))) &&
	    ((ph->p_vaddr ^ ph->p_offset) & (ELF_PAGE - 1)))
		return -EINVAL;
	/* The file's page numbers must not wrap. */
	if (ph->p_offset + ph->p_filesz < ph->p_offset || ph->p_offset > INT64_MAX)
		return -EINVAL;
	return 0;
}

static void note_segment(const struct elf64_phdr *ph, struct elf_layout *l)
{
	u64 end = ph->p_vaddr + ph->p_filesz;

	if ((ph->p_flags & PF_X) && ph->p_vaddr < l->start_code)
		l->start_code = ph->p_vaddr;
	if (l->start_data < ph->p_vaddr)
		l->start_data = ph->p_vaddr;
	if ((ph->p_flags & PF_X) && l->end_code < end)
		l->end_code = end;
	if (l->end_data < end)
		l->end_data = end;
	end = ph->p_vaddr + ph->p_memsz;
	if (l->brk < end)
		l->brk = end;
	if (ph->p_align > l->align && !(ph->p_align & (ph->p_align - 1)))
		l->align = ph->p_align;
}

int elf_plan(const struct elf64_ehdr *eh, const struct elf64_phdr *ph, u64 user_end,
	     struct elf_layout *out)
{
	struct elf_layout l = { .low = ~0ull, .start_code = ~0ull, .align = ELF_PAGE };

	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		const struct elf64_phdr *p = &ph[i];

		if (p->p_type != PT_LOAD)
			continue;
		/* Relocatable or not, the link-time addresses must fit. */
		if (elf_check_segment(p, 0, user_end))
			return -EINVAL;
		if (!l.segments++)
			l.first_vaddr = p->p_vaddr & ~(ELF_PAGE - 1);
		if ((p->p_vaddr & ~(ELF_PAGE - 1)) < l.low)
			l.low = p->p_vaddr & ~(ELF_PAGE - 1);
		if (!l.phdr_vaddr && p->p_offset <= eh->e_phoff &&
		    eh->e_phoff - p->p_offset < p->p_filesz)
			l.phdr_vaddr = eh->e_phoff - p->p_offset + p->p_vaddr;
		note_segment(p, &l);
	}
	if (!l.segments)
		return -EINVAL;
	l.total = ((l.brk + ELF_PAGE - 1) & ~(ELF_PAGE - 1)) - l.low;
	/* An alignment nothing can have matters only to what is still to be placed. */
	if (!l.total || (eh->e_type == ET_DYN && l.align > user_end))
		return -EINVAL;
	*out = l;
	return 0;
}
