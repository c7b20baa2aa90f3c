/* SPDX-License-Identifier: MIT */
/* Copies between kernel and user memory that survive a fault.
 *
 *	size_t user_copy(void *dst, const void *src, size_t n)	bytes NOT copied
 *	size_t user_clear(void *dst, size_t n)			bytes NOT cleared
 *
 * Either address may be the user's, already checked to lie in the user half. Exact to the byte: a
 * fault in a wide move goes on byte by byte from where it stood until the first bad byte.
 * Long copies use movsq (one step per eight bytes on an emulated CPU) or, when user_copy_bytes is
 * set at boot, movsb (fast strings of a real one). Only rax, rcx, rdx, rsi, rdi, r8 change. */
#include <arch/extable.h>
#include <asm/smap.h>

	.section .text.user_copy, "ax"
	.globl user_copy
	.type user_copy, @function
	.balign 16
user_copy:
	ASM_STAC
	movq	%rdx, %rcx
	cmpq	$16, %rdx
	ja	.Labove16
	cmpl	$8, %edx
	jb	.Lbelow8
	/* 8..16: two moves that may overlap; loads first, so that the second sees the source. */
1:	movq	(%rsi), %rax
2:	movq	-8(%rsi,%rdx), %r8
3:	movq	%rax, (%rdi)
4:	movq	%r8, -8(%rdi,%rdx)
	xorl	%eax, %eax
	ASM_CLAC
	ret
	EXTABLE 1b, .Lbytes
	EXTABLE 2b, .Lbytes
	EXTABLE 3b, .Lbytes
	EXTABLE 4b, .Lbytes

.Lbelow8:
	cmpl	$4, %edx
	jb	.Lbelow4
1:	movl	(%rsi), %eax
2:	movl	-4(%rsi,%rdx), %r8d
3:	movl	%eax, (%rdi)
4:	movl	%r8d, -4(%rdi,%rdx)
	xorl	%eax, %eax
	ASM_CLAC
	ret
	EXTABLE 1b, .Lbytes
	EXTABLE 2b, .Lbytes
	EXTABLE 3b, .Lbytes
	EXTABLE 4b, .Lbytes
.Lbelow4:
	testl	%edx, %edx
	jz	.Ldone

	/* rcx bytes from rsi to rdi, one at a time. */
.Lbytes:
1:	movb	(%rsi), %al
2:	movb	%al, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rcx
	jnz	.Lbytes
.Ldone:
	xorl	%eax, %eax
	ASM_CLAC
	ret
	EXTABLE 1b, .Lstop
	EXTABLE 2b, .Lstop
.Lstop:
	movq	%rcx, %rax
	ASM_CLAC
	ret

.Labove16:
	cmpq	$64, %rdx
	ja	.Lstring
	/* 17..64: sixteen at a time; the rest, at most sixteen, as above with overlap. */
.Lby16:
1:	movq	(%rsi), %rax
2:	movq	8(%rsi), %r8
3:	movq	%rax, (%rdi)
4:	movq	%r8, 8(%rdi)
	addq	$16, %rsi
	addq	$16, %rdi
	subq	$16, %rcx
	cmpq	$16, %rcx
	ja	.Lby16
	/* At least 17 bytes were asked for, so sixteen before the end are ours to write again. */
5:	movq	-16(%rsi,%rcx), %rax
6:	movq	-8(%rsi,%rcx), %r8
7:	movq	%rax, -16(%rdi,%rcx)
8:	movq	%r8, -8(%rdi,%rcx)
	xorl	%eax, %eax
	ASM_CLAC
	ret
	EXTABLE 1b, .Lbytes
	EXTABLE 2b, .Lbytes
	EXTABLE 3b, .Lbytes
	EXTABLE 4b, .Lbytes
	EXTABLE 5b, .Lbytes
	EXTABLE 6b, .Lbytes
	EXTABLE 7b, .Lbytes
	EXTABLE 8b, .Lbytes

.Lstring:
	cmpb	$0, user_copy_bytes(%rip)
	jne	.Lmovsb
	/* Whole words, then the last eight bytes once more (overlapping) instead of a byte loop. */
	shrq	$3, %rcx
1:	rep movsq
	andl	$7, %edx
	jz	.Lwhole
2:	movq	-8(%rsi,%rdx), %rax
3:	movq	%rax, -8(%rdi,%rdx)
.Lwhole:
	xorl	%eax, %eax
	ASM_CLAC
	ret
	EXTABLE 1b, .Lwords_left
	EXTABLE 2b, .Ltail_left
	EXTABLE 3b, .Ltail_left
.Lwords_left:
	andl	$7, %edx
	leaq	(%rdx,%rcx,8), %rcx
	jmp	.Lbytes
.Ltail_left:
	movl	%edx, %ecx
	jmp	.Lbytes

.Lmovsb:
1:	rep movsb
	xorl	%eax, %eax
	ASM_CLAC
	ret
	EXTABLE 1b, .Lstop
	.size user_copy, . - user_copy

	.section .text.user_clear, "ax"
	.globl user_clear
	.type user_clear, @function
	.balign 16
user_clear:
	ASM_STAC
	xorl	%eax, %eax
	movq	%rsi, %rcx
	movq	%rsi, %rdx
	shrq	$3, %rcx
1:	rep stosq
	andl	$7, %edx
	movl	%edx, %ecx
.Lclear_bytes:
	jecxz	.Lcleared
2:	movb	%al, (%rdi)
	incq	%rdi
	decq	%rcx
	jnz	2b
.Lcleared:
	xorl	%eax, %eax
	ASM_CLAC
	ret
	EXTABLE 1b, .Lclear_words_left
	EXTABLE 2b, .Lclear_stop
.Lclear_words_left:
	andl	$7, %edx
	leaq	(%rdx,%rcx,8), %rcx
	jmp	2b
.Lclear_stop:
	movq	%rcx, %rax
	ASM_CLAC
	ret
	.size user_clear, . - user_clear

	.section .note.GNU-stack, "", @progbits
