/* SPDX-License-Identifier: MIT */
/* What a program finds on its stack, from the stack pointer upwards: argc, argv[], NULL, envp[],
 * NULL, auxiliary vector, a random gap, 16 random bytes, the platform's name, argument strings,
 * environment strings, the file name, eight zero bytes. */
#include "exec_internal.h"

#include <arch/ops.h>
#include <kernel/mm.h>
#include <kernel/random.h>
#include <kernel/slab.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>
#include <uapi/auxvec.h>
#include <uapi/personality.h>

#define AUX_WORDS 44
#define STACK_SKEW 2048 /* bytes: below one page, so that it rarely costs a page */

struct image {
	u64 *words;  /* vectors, in kernel memory */
	size_t n;    /* used */
	u64 args, envs, execfn, platform, random; /* user addresses */
};

static void push(struct image *im, u64 v)
{
	im->words[im->n++] = v;
}

static void push_aux(struct image *im, u64 type, u64 v)
{
	push(im, type);
	push(im, v);
}

static void push_strings(struct image *im, const struct exec_strings *s, u64 at)
{
	const char *p = s->buf;

	for (unsigned int i = 0; i < s->count; i++) {
		size_t n = strlen(p) + 1;

		push(im, at);
		at += n;
		p += n;
	}
	push(im, 0);
}

static void push_auxv(struct image *im, const struct exec *x)
{
	const struct elf64_ehdr *eh = (const struct elf64_ehdr *)x->head;
	const struct cred *c = current_cred();

	if (x->vdso)
		push_aux(im, AT_SYSINFO_EHDR, x->vdso);
	push_aux(im, AT_MINSIGSTKSZ, arch_min_sigframe());
	push_aux(im, AT_HWCAP, arch_hwcap());
	push_aux(im, AT_PAGESZ, PAGE_SIZE);
	push_aux(im, AT_CLKTCK, 100);
	push_aux(im, AT_PHDR, x->layout.phdr_vaddr ? x->layout.phdr_vaddr + x->bias : 0);
	push_aux(im, AT_PHENT, sizeof(struct elf64_phdr));
	push_aux(im, AT_PHNUM, eh->e_phnum);
	push_aux(im, AT_BASE, x->interp_base);
	push_aux(im, AT_FLAGS, 0);
	push_aux(im, AT_ENTRY, eh->e_entry + x->bias);
	push_aux(im, AT_UID, c->uid);
	push_aux(im, AT_EUID, c->euid);
	push_aux(im, AT_GID, c->gid);
	push_aux(im, AT_EGID, c->egid);
	push_aux(im, AT_SECURE, x->secure);
	push_aux(im, AT_RANDOM, im->random);
	push_aux(im, AT_HWCAP2, arch_hwcap2());
	push_aux(im, AT_EXECFN, im->execfn);
	push_aux(im, AT_PLATFORM, im->platform);
	push_aux(im, AT_NULL, 0);
}

/* Strings at the top; returns the lowest address used through *low. */
static int copy_strings(struct image *im, const struct exec *x, u64 *low)
{
	size_t name = strlen(x->filename) + 1, plat = strlen(arch_platform()) + 1;
	u8 random[16];
	u64 p;

	im->execfn = x->stack_top - 8 - name;
	im->envs = im->execfn - x->envs.len;
	im->args = im->envs - x->args.len;
	if (copy_to_user(USER_PTR(im->execfn), x->filename, name) ||
	    (x->envs.len && copy_to_user(USER_PTR(im->envs), x->envs.buf, x->envs.len)) ||
	    (x->args.len && copy_to_user(USER_PTR(im->args), x->args.buf, x->args.len)))
		return -EFAULT;
	im->platform = im->args - plat;
	im->random = im->platform - sizeof(random);
	random_bytes(random, sizeof(random));
	if (copy_to_user(USER_PTR(im->platform), arch_platform(), plat) ||
	    copy_to_user(USER_PTR(im->random), random, sizeof(random)))
		return -EFAULT;
	memzero_explicit(random, sizeof(random));
	p = im->random;
	if (randomize_va_space && !(current->personality & ADDR_NO_RANDOMIZE))
		p -= get_random_u32() % STACK_SKEW;
	*low = p;
	return 0;
}

static void note_in_mm(struct mm *mm, const struct image *im, const struct exec *x, u64 sp,
		       const u64 *auxv, size_t aux_words)
{
	mm->arg_start = im->args;
	mm->arg_end = mm->env_start = im->envs;
	mm->env_end = im->execfn;
	mm->start_stack = sp;
	memcpy(mm->saved_auxv, auxv, aux_words * sizeof(u64));
}

int elf_build_stack(struct exec *x, u64 *sp)
{
	struct image im = { .n = 0 };
	size_t max_words = 1 + x->args.count + 1 + x->envs.count + 1 + AUX_WORDS, aux_at;
	u64 low;
	int rc;

	_Static_assert(AUX_WORDS <= ARRAY_SIZE(((struct mm *)0)->saved_auxv), "auxv fits into mm");
	rc = copy_strings(&im, x, &low);
	if (rc)
		return rc;
	im.words = kvmalloc(max_words * sizeof(u64), GFP_KERNEL);
	if (!im.words)
		return -ENOMEM;
	push(&im, x->args.count);
	push_strings(&im, &x->args, im.args);
	push_strings(&im, &x->envs, im.envs);
	aux_at = im.n;
	push_auxv(&im, x);
	*sp = ALIGN_DOWN(low - im.n * sizeof(u64), 16ull);
	rc = copy_to_user(USER_PTR(*sp), im.words, im.n * sizeof(u64));
	if (!rc)
		note_in_mm(current->mm, &im, x, *sp, im.words + aux_at, im.n - aux_at);
	kvfree(im.words);
	return rc;
}
