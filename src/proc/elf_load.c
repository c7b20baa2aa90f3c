/* SPDX-License-Identifier: MIT */
/* Mapping an ELF program and its interpreter.
 * Structure:  elf_prepare() reads and checks headers of both files while the old program is still
 *             there; elf_load() maps segments into the new, empty address space.
 * Placement:  ET_EXEC where it was linked; a program with an interpreter at two thirds of user
 *             space, randomised; interpreters and static PIE from the top of the mapping area
 *             downwards, below the vDSO. All randomness off with personality ADDR_NO_RANDOMIZE or
 *             kernel.randomize_va_space = 0.
 * Invariant:  nothing of a file is trusted: see elf.c. A mapping that fails kills the program. */
#include "exec_internal.h"

#include <arch/ops.h>
#include <fs/procfs.h>
#include <kernel/mm.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <uapi/personality.h>

#define DYN_BASE (USER_END / 3 * 2 & PAGE_MASK)
#define MMAP_RANDOM_BITS 28
#define BRK_RANDOM_BYTES 0x02000000ull
#define STACK_GAP_MIN (128ull << 20)
#define STACK_GAP_MAX (USER_END / 6 * 5)
#define STACK_RANDOM_PAGES 0x3fffffull
#define STACK_GUARD (1ull << 20)

s64 randomize_va_space = 2;
SYSCTL(randomize_va_space, "kernel/randomize_va_space", 0644, &randomize_va_space, 0, 2);

static bool randomized(void)
{
	return randomize_va_space && !(current->personality & ADDR_NO_RANDOMIZE);
}

static u64 random_pages(u64 limit)
{
	return randomized() ? get_random_below(limit) << PAGE_SHIFT : 0;
}

/* Exactly n bytes at pos; short files are `short_err`. */
static int read_exact(struct file *f, void *buf, size_t n, u64 at, int short_err)
{
	loff_t pos = (loff_t)at;
	ssize_t got;

	if (pos < 0)
		return -EINVAL;
	got = kernel_read(f, buf, n, &pos);
	if (got < 0)
		return (int)got;
	return (size_t)got == n ? 0 : short_err;
}

static int read_phdrs(struct file *f, const struct elf64_ehdr *eh, size_t size,
		      struct elf64_phdr **out)
{
	struct elf64_phdr *ph = kmalloc(size, GFP_KERNEL);

	if (!ph)
		return -ENOMEM;
	if (read_exact(f, ph, size, eh->e_phoff, -EIO)) {
		kfree(ph);
		return -ENOEXEC;
	}
	*out = ph;
	return 0;
}

/* Opens the interpreter that PT_INTERP names and reads its headers. */
static int prepare_interp(struct exec *x, const struct elf64_phdr *ph)
{
	size_t size;
	int rc = elf_check_interp_size(ph);

	if (rc)
		return rc;
	/* The path walk compares names by words and may read seven bytes past the end. */
	x->interp_name = kzalloc(ph->p_filesz + sizeof(u64), GFP_KERNEL);
	if (!x->interp_name)
		return -ENOMEM;
	rc = read_exact(x->file, x->interp_name, ph->p_filesz, ph->p_offset, -EIO);
	if (!rc)
		rc = elf_check_interp_text(x->interp_name, ph->p_filesz);
	if (!rc)
		rc = file_open_exec(AT_FDCWD, x->interp_name, 0, &x->interp);
	if (!rc)
		rc = read_exact(x->interp, &x->interp_eh, sizeof(x->interp_eh), 0, -EIO);
	if (rc)
		return rc;
	if (elf_check_header(&x->interp_eh, &size) ||
	    read_phdrs(x->interp, &x->interp_eh, size, &x->interp_phdrs))
		return -ELIBBAD;
	return 0;
}

int elf_prepare(struct exec *x)
{
	const struct elf64_ehdr *eh = (const struct elf64_ehdr *)x->head;
	const struct elf64_phdr *interp;
	size_t size;
	int rc;

	rc = elf_check_header(eh, &size);
	if (!rc)
		rc = read_phdrs(x->file, eh, size, &x->phdrs);
	if (rc)
		return rc;
	interp = elf_find(x->phdrs, eh->e_phnum, PT_INTERP);
	return interp ? prepare_interp(x, interp) : 0;
}

/* --- the new address space --- */

/* Places stack and mapping area: the stack at the top, a gap for its growth, mappings below. */
static void place_areas(struct exec *x, struct mm *mm)
{
	u64 gap = rlimit_cur(current, RLIMIT_STACK);
	u64 pad = (randomized() ? STACK_RANDOM_PAGES << PAGE_SHIFT : 0) + STACK_GUARD;

	if (x->secure)
		gap = min(gap, 8ull << 20);
	if (gap + pad > gap)
		gap += pad;
	gap = clamp(gap, STACK_GAP_MIN, STACK_GAP_MAX);
	mm->mmap_top = (USER_END - gap - random_pages(1ull << MMAP_RANDOM_BITS)) & PAGE_MASK;
	x->stack_top = USER_END - random_pages(STACK_RANDOM_PAGES + 1);
}

static int map_at(struct file *f, u64 addr, u64 len, u64 pgoff, u32 prot, u32 flags)
{
	const struct mmap_req rq = {
		.addr = addr,
		.len = len,
		.pgoff = pgoff,
		.prot = prot,
		.flags = flags | MAP_PRIVATE | (f ? 0 : MAP_ANONYMOUS),
		.file = f,
	};
	long at = do_mmap(&rq);

	if (at < 0)
		return (int)at;
	return (u64)at == addr ? 0 : -EEXIST;
}

static u32 segment_prot(const struct elf64_phdr *ph)
{
	return (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
	       (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

/* File part, then the zero part: the rest of the last file page, and anonymous pages. */
static int map_segment(struct file *f, const struct elf64_phdr *ph, u64 bias, bool first)
{
	u64 start = ph->p_vaddr + bias, skew = start & (PAGE_SIZE - 1);
	u64 file_end = start + ph->p_filesz, mem_end = ALIGN_UP(start + ph->p_memsz, PAGE_SIZE);
	u64 anon = ALIGN_UP(file_end, PAGE_SIZE);
	u32 prot = segment_prot(ph);
	u32 how = first ? MAP_FIXED_NOREPLACE : MAP_FIXED;
	int rc;

	if (ph->p_filesz + skew) {
		rc = map_at(f, start - skew, ALIGN_UP(ph->p_filesz + skew, PAGE_SIZE),
			    ph->p_offset >> PAGE_SHIFT, prot, how);
		if (rc)
			return rc;
	}
	if (ph->p_memsz == ph->p_filesz)
		return 0;
	/* A read-only segment cannot be cleared, nor can a page behind the end of the file: the
	 * program will find out when it touches that page, and nothing old is in it. Linux 6.1 goes
	 * on, too. */
	if (anon > file_end && (prot & PROT_WRITE) &&
	    clear_user(USER_PTR(file_end), anon - file_end) && fatal_signal_pending())
		return -EINTR;
	if (mem_end > anon)
		return map_at(NULL, anon, mem_end - anon, 0, prot, how);
	return 0;
}

static int map_image(struct file *f, const struct elf64_ehdr *eh, const struct elf64_phdr *ph,
		     u64 bias)
{
	bool first = true;
	int rc;

	for (unsigned int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		rc = elf_check_segment(&ph[i], bias, USER_END);
		if (!rc)
			rc = map_segment(f, &ph[i], bias, first);
		if (rc)
			return rc;
		first = false;
	}
	return 0;
}

/* A free range of `size` bytes as high as possible, at most at `top`. */
static int find_room(u64 size, u64 align, u64 top, u64 *out)
{
	struct mm *mm = current->mm;
	struct vma *v;
	u64 at;
	int rc = -ENOMEM;

	down_read(&mm->lock);
	while (size <= top) {
		at = ALIGN_DOWN(top - size, align);
		if (at < PAGE_SIZE * 16)
			break;
		v = vma_find(mm, at);
		if (!v || v->start >= at + size) {
			*out = at;
			rc = 0;
			break;
		}
		top = v->start;
	}
	up_read(&mm->lock);
	return rc;
}

static u64 vdso_bytes(void)
{
	return (vdso_image.code_pages + 1) << PAGE_SHIFT;
}

static int map_program(struct exec *x, struct mm *mm)
{
	const struct elf64_ehdr *eh = (const struct elf64_ehdr *)x->head;
	struct elf_layout *l = &x->layout;
	u64 base;
	int rc = elf_plan(eh, x->phdrs, USER_END, l);

	if (rc)
		return rc;
	x->bias = 0;
	if (eh->e_type == ET_DYN) {
		if (x->interp) {
			base = ALIGN_DOWN(DYN_BASE + random_pages(1ull << MMAP_RANDOM_BITS),
					  l->align);
			/* From the lowest page on, wherever the first segment is. */
			base += l->first_vaddr - l->low;
		} else {
			rc = find_room(l->total, l->align, mm->mmap_top - vdso_bytes(), &base);
			if (rc)
				return rc;
			base += l->first_vaddr - l->low;
		}
		x->bias = base - l->first_vaddr;
	}
	rc = map_image(x->file, eh, x->phdrs, x->bias);
	if (rc)
		return rc;
	x->entry = eh->e_entry + x->bias;
	return x->entry >= USER_END ? -EINVAL : 0;
}

static int map_interp(struct exec *x, struct mm *mm)
{
	struct elf_layout l;
	u64 bias = 0, base;
	int rc;

	rc = elf_plan(&x->interp_eh, x->interp_phdrs, USER_END, &l);
	if (rc)
		return rc;
	if (x->interp_eh.e_type == ET_DYN) {
		rc = find_room(l.total, l.align, mm->mmap_top - vdso_bytes(), &base);
		if (rc)
			return rc;
		bias = base - l.low;
	}
	rc = map_image(x->interp, &x->interp_eh, x->interp_phdrs, bias);
	if (rc)
		return rc;
	x->interp_base = bias;
	x->entry = x->interp_eh.e_entry + bias;
	return x->entry >= USER_END ? -EINVAL : 0;
}

/* The heap begins behind the program, or, for a static PIE that sits among the mappings, where a
 * program with an interpreter would be. */
static void place_brk(struct exec *x, struct mm *mm)
{
	const struct elf64_ehdr *eh = (const struct elf64_ehdr *)x->head;
	const struct elf_layout *l = &x->layout;

	mm->start_code = l->start_code + x->bias;
	mm->end_code = l->end_code + x->bias;
	mm->start_data = l->start_data + x->bias;
	mm->end_data = l->end_data + x->bias;
	mm->start_brk = ALIGN_UP(l->brk + x->bias, PAGE_SIZE);
	if (randomized() && randomize_va_space > 1) {
		if (eh->e_type == ET_DYN && !x->interp)
			mm->start_brk = DYN_BASE;
		mm->start_brk += random_pages(BRK_RANDOM_BYTES >> PAGE_SHIFT);
	}
	mm->brk = mm->start_brk;
}

/* --- vDSO: one page of clock data, then the code --- */

static int vdso_fault(struct vm_fault *f)
{
	u64 n = (f->addr - f->vma->start) >> PAGE_SHIFT;
	const u8 *at = (const u8 *)f->vma->private + (n << PAGE_SHIFT);

	f->page = virt_to_page(at);
	page_get(f->page);
	return 0;
}

static const struct vm_ops vvar_ops = { .fault = vdso_fault, .name = "[vvar]" };
static const struct vm_ops vdso_ops = { .fault = vdso_fault, .name = "[vdso]" };

/* A program without it works too, only slower: no error. */
static void map_vdso(struct exec *x, struct mm *mm)
{
	u64 at, data, code;

	if (!vdso_image.code_pages || find_room(vdso_bytes(), PAGE_SIZE, mm->mmap_top, &at))
		return;
	if (mm_map_special(at, PAGE_SIZE, VM_READ | VM_MAYREAD, &vvar_ops, vdso_image.data, &data))
		return;
	if (mm_map_special(at + PAGE_SIZE, vdso_image.code_pages << PAGE_SHIFT,
			   VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYEXEC, &vdso_ops,
			   (void *)vdso_image.code, &code))
		goto undo;
	if (code == data + PAGE_SIZE) {
		x->vdso = code;
		return;
	}
	(void)do_munmap(code, vdso_image.code_pages << PAGE_SHIFT);
undo:
	(void)do_munmap(data, PAGE_SIZE);
}

static bool wants_exec_stack(const struct exec *x)
{
	const struct elf64_ehdr *eh = (const struct elf64_ehdr *)x->head;
	const struct elf64_phdr *ph = elf_find(x->phdrs, eh->e_phnum, PT_GNU_STACK);

	return ph && (ph->p_flags & PF_X);
}

/* current->mm is the new one and empty. */
int elf_load(struct exec *x)
{
	struct mm *mm = current->mm;
	u64 strings = x->args.len + x->envs.len;
	int rc;

	place_areas(x, mm);
	/* Room for strings and vectors; more comes by growth. */
	rc = mm_map_stack(x->stack_top, ALIGN_UP(strings, PAGE_SIZE) + 32 * PAGE_SIZE,
			  wants_exec_stack(x) ? VM_EXEC : 0);
	if (!rc)
		rc = map_program(x, mm);
	if (rc)
		return rc;
	place_brk(x, mm);
	if (x->interp) {
		rc = map_interp(x, mm);
		if (rc)
			return rc;
	}
	map_vdso(x, mm);
	mm->vdso_base = x->vdso;
	return 0;
}
